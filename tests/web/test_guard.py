"""What a web configuration does to requests and connections, while it and its files change."""

from __future__ import annotations

import base64
import logging
import os
import shutil
import ssl
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import bcrypt
import pytest
from authority import Authority, Pair
from loopback import complaints, get, hello, serving

from tic_exporter.config import ConfigError
from tic_exporter.web.auth import Gate
from tic_exporter.web.config import RateLimit
from tic_exporter.web.guard import Guard, TokenBucket
from tic_exporter.web.handler import Request, Response

if TYPE_CHECKING:
    from helpers.exporter import StartExporter
    from helpers.prometheus import StartPrometheus

PASSWORD = "correct horse"


def hashed(password: str, cost: int = 4) -> bytes:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost))


HASH = hashed(PASSWORD)
USERS = f"basic_auth_users: {{alice: {HASH.decode()!r}}}\n"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "web-config.yml"


def asked(guard: Guard, authorization: str = "", app: Callable[[Request], Response] = hello) -> Response:
    headers = {"authorization": authorization} if authorization else {}
    return guard.protect(app)(Request("GET", "/metrics", {}, headers))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def tls_section(pair: Pair, **keys: object) -> str:
    lines = {"cert_file": pair.cert, "key_file": pair.key} | keys
    return "tls_server_config:\n" + "".join(f"  {key}: {value}\n" for key, value in lines.items())


# Rate limit


def test_a_full_bucket_gives_a_burst_and_then_one_token_an_interval() -> None:
    now = [100.0]
    bucket = TokenBucket(RateLimit(interval=2.0, burst=3), lambda: now[0])

    assert [True, True, True, False] == [bucket.take() for _ in range(4)]
    now[0] += 1.9
    assert not bucket.take()
    now[0] += 0.2
    assert [True, False] == [bucket.take() for _ in range(2)]
    now[0] += 3600.0
    assert [True, True, True, False] == [bucket.take() for _ in range(4)]


def test_without_an_interval_nothing_is_limited() -> None:
    assert all(TokenBucket(RateLimit(interval=0.0, burst=0), time.monotonic).take() for _ in range(1000))


def test_the_rate_limit_comes_before_headers_users_and_the_app(file: Path) -> None:
    file.write_text(
        USERS + "rate_limit: {interval: 1h, burst: 2}\n" + "http_server_config: {headers: {X-Frame-Options: deny}}\n"
    )
    guard = Guard(str(file))

    first, second, third = (asked(guard, authorization) for authorization in ("", basic("alice", PASSWORD), ""))
    assert [401, 200, 429] == [first.status, second.status, third.status]
    assert ("X-Frame-Options", "deny") in first.headers
    assert ("X-Frame-Options", "deny") in second.headers
    assert ("X-Frame-Options", "deny") not in third.headers


def test_a_renewed_file_does_not_fill_the_bucket_again(file: Path) -> None:
    limit = "rate_limit: {interval: 1h, burst: 1}\n"
    file.write_text(limit)
    guard = Guard(str(file))
    assert [200, 429] == [asked(guard).status, asked(guard).status]

    file.write_text(limit + "# the same\n")
    assert 429 == asked(guard).status
    file.write_text("rate_limit: {interval: 1h, burst: 2}\n")
    assert 200 == asked(guard).status


# Headers


def test_a_configured_header_replaces_that_of_the_app_whatever_its_case(file: Path) -> None:
    file.write_text("http_server_config: {headers: {Content-Security-Policy: \"default-src 'self'\"}}\n")
    own = Response(200, "text/plain", b"", (("content-security-policy", "default-src 'none'"), ("Vary", "Accept")))

    answer = asked(Guard(str(file)), app=lambda _: own)
    assert (("Vary", "Accept"), ("Content-Security-Policy", "default-src 'self'")) == answer.headers


def test_http2_is_answered_once_by_what_is_served(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    file.write_text("http_server_config: {http2: true}\n")
    guard = Guard(str(file))
    file.write_text("http_server_config: {http2: true}\n# again\n")
    asked(guard)

    said = [message for message in caplog.messages if "http2" in message]
    assert ["http2 is asked for: this exporter serves HTTP/1.1, which every client speaks too"] == said


# Users


class Counting:
    """Verdicts by the text of a hash, counted."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bytes]] = []

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        self.asked.append((password, hashed))
        return hashed == b"hash of " + password


def test_each_verdict_is_computed_once() -> None:
    verdict = Counting()
    gate = Gate(verdict)
    users = {b"alice": b"hash of right"}

    for _ in range(3):
        assert gate.passes(users, basic("alice", "right"))
        assert not gate.passes(users, basic("alice", "wrong"))
        assert not gate.passes(users, basic("bob", "right"))
    assert 3 == len(verdict.asked)


def test_a_verdict_is_of_one_user_one_hash_and_one_password() -> None:
    gate = Gate(Counting())

    assert gate.passes({b"alice": b"hash of a"}, basic("alice", "a"))
    assert not gate.passes({b"alice": b"hash of b"}, basic("alice", "a"))
    assert not gate.passes({}, basic("alice", "a"))
    assert gate.passes({b"alice": b"hash of b"}, basic("alice", "b"))


def test_verdicts_are_bounded_and_a_flood_of_wrong_ones_costs_no_right_one() -> None:
    verdict = Counting()
    gate = Gate(verdict)
    users = {b"alice": b"hash of right"}
    gate.passes(users, basic("alice", "right"))

    for number in range(500):
        gate.passes(users, basic("alice", f"wrong {number}"))
    assert len(gate._right) + len(gate._wrong) <= 200
    assert gate.passes(users, basic("alice", "right"))
    assert 501 == len(verdict.asked)


def test_one_hash_is_computed_at_a_time_and_the_same_one_once() -> None:
    running, most, computed = [0], [0], [0]

    def slow(_: bytes, __: bytes) -> bool:
        running[0] += 1
        computed[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.02)
        running[0] -= 1
        return True

    gate = Gate(slow)
    passwords = ["a", "b"] * 4
    threads = [threading.Thread(target=gate.passes, args=({b"u": b"h"}, basic("u", word))) for word in passwords]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [1, 2] == [most[0], computed[0]]


def test_a_password_beyond_72_bytes_is_wrong_without_a_hash() -> None:
    verdict = Counting()
    users = {b"alice": b"hash of " + b"a" * 73}

    assert not Gate(verdict).passes(users, basic("alice", "a" * 73))
    assert [] == verdict.asked
    assert Gate(verdict).passes({b"alice": b"hash of " + b"a" * 72}, basic("alice", "a" * 72))


def test_a_password_that_bcrypt_refuses_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: bytes, __: bytes) -> bool:
        raise ValueError("password may not contain NUL bytes")

    monkeypatch.setattr(bcrypt, "checkpw", refuses)
    assert not Gate().passes({b"alice": HASH}, basic("alice", PASSWORD))


@pytest.mark.parametrize("cost", [b"04", b"10", b"12"])
def test_an_unknown_user_is_checked_against_a_hash_of_the_same_cost(cost: bytes) -> None:
    verdict = Counting()
    Gate(verdict).passes({b"a": b"$2y$04$x", b"b": b"$2y$" + cost + b"$x"}, basic("bob", "x"))

    ((_, decoy),) = verdict.asked
    assert b"$2b$" + cost + b"$" == decoy[:7]
    assert 60 == len(decoy)


def test_an_unknown_user_takes_as_long_as_a_wrong_password() -> None:
    gate = Gate()
    users = {b"alice": hashed(PASSWORD, 7)}

    def seconds(user: str) -> list[float]:
        times = []
        for number in range(15):
            started = time.perf_counter()
            assert not gate.passes(users, basic(user, f"wrong {number}"))
            times.append(time.perf_counter() - started)
        return times

    known, unknown = statistics.median(seconds("alice")), statistics.median(seconds("bob"))
    assert 0.5 < known / unknown < 2.0


# Changes while it runs


def test_nothing_is_read_again_before_something_changes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(USERS)
    guard = Guard(str(file))
    monkeypatch.setattr("tic_exporter.web.guard.load", lambda *_: pytest.fail("read again"))

    assert 200 == asked(guard, basic("alice", PASSWORD)).status


def test_a_wrong_file_is_told_once_and_the_one_before_stays_in_force(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(USERS)
    guard = Guard(str(file))
    file.write_text("basic_auth_users: {alice: plain-text}\n")

    assert [401, 200, 200] == [asked(guard, basic("alice", word)).status for word in ("no", PASSWORD, PASSWORD)]
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "the web configuration is not used; the one before stays in force" == record.getMessage()
    assert str(vars(record)["problems"]).startswith(f"{file}:1:27: basic_auth_users.alice: expected a bcrypt hash")
    assert "plain-text" not in str(vars(record))

    file.write_text(USERS.replace("alice", "bob"))
    assert [401, 200] == [asked(guard, basic(user, PASSWORD)).status for user in ("alice", "bob")]
    assert 1 == len([record for record in caplog.records if record.levelno == logging.ERROR])


@pytest.mark.parametrize("text", ["", "http_server_config: {}\n"])
def test_users_are_not_given_up_while_it_runs(file: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    file.write_text(USERS)
    guard = Guard(str(file))
    file.write_text(text)

    assert 401 == asked(guard).status
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert f"{file}: basic_auth_users: is gone: it is given up only at a restart" == vars(record)["problems"]


def test_a_vanished_file_leaves_everything_in_force(file: Path) -> None:
    file.write_text(USERS)
    guard = Guard(str(file))
    file.unlink()

    assert [401, 200] == [asked(guard).status, asked(guard, basic("alice", PASSWORD)).status]


def test_tls_is_not_given_up_while_it_runs(file: Path, authority: Authority) -> None:
    file.write_text(tls_section(authority.issue("server")))
    guard = Guard(str(file))
    before = guard.ssl_context()
    file.write_text("")

    assert before is not None
    assert before is guard.ssl_context()


def test_a_file_that_is_there_at_last_is_used(file: Path, authority: Authority, tmp_path: Path) -> None:
    """It was named, and missing: it is looked for all the same."""
    pair = authority.issue("server")
    late = tmp_path / "late.pem"
    file.write_text("")
    guard = Guard(str(file))
    file.write_text(tls_section(Pair(late, pair.key)))
    assert guard.ssl_context() is None

    shutil.copy(pair.cert, late)
    assert guard.ssl_context() is not None


def test_a_file_given_back_its_old_time_is_read_again(file: Path) -> None:
    file.write_text(USERS)
    state = file.stat()
    guard = Guard(str(file))
    time.sleep(0.02)  # more than the file system's clock needs for a step
    file.write_text(USERS.replace("alice", "carol"))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))

    assert 200 == asked(guard, basic("carol", PASSWORD)).status


def test_a_wrong_file_at_the_start_is_an_error(file: Path) -> None:
    file.write_text("basic_auth_users: {alice: x}\n")

    with pytest.raises(ConfigError):
        Guard(str(file))


# TLS


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("san", "status"),
    [
        ("DNS:prometheus.example.org", 200),
        ("DNS:other.example.org,DNS:prometheus.example.org", 200),
        ("IP:192.0.2.7", 200),
        ("IP:2001:db8::7", 200),
        ("email:ops@example.org", 200),
        ("URI:spiffe://example.org/prometheus", 200),
        ("DNS:other.example.org", 0),
        ("DNS:PROMETHEUS.example.org", 0),
        ("DNS:*.example.org", 0),
        ("DNS:a.prometheus.example.org", 0),
        ("RID:1.2.3.4", 0),
        ("URI:prometheus.example.org/", 0),
    ],
)
def test_only_certificates_with_an_allowed_name_come_in(
    file: Path, authority: Authority, san: str, status: int, version: ssl.TLSVersion
) -> None:
    allowed = [
        "prometheus.example.org",
        "192.0.2.7",
        "2001:db8::7",
        "ops@example.org",
        "spiffe://example.org/prometheus",
    ]
    file.write_text(
        tls_section(
            authority.issue("server"),
            client_auth_type="RequireAndVerifyClientCert",
            client_ca_file=authority.own.cert,
            client_allowed_sans=[*allowed, "1.2.3.4"],
        )
    )
    guard = Guard(str(file))
    client = authority.client(authority.issue("client", san=san))
    client.minimum_version = client.maximum_version = version

    with serving(guard.protect(hello), ssl_context=guard.ssl_context) as server:
        try:
            answered = get(server, tls=client).status
        except (ConnectionError, ssl.SSLError):
            answered = 0
    assert status == answered


def test_a_certificate_without_names_does_not_come_in(file: Path, authority: Authority) -> None:
    keys = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": authority.own.cert}
    file.write_text(tls_section(authority.issue("server"), client_allowed_sans="[authority]", **keys))
    guard = Guard(str(file))

    with (
        serving(guard.protect(hello), ssl_context=guard.ssl_context) as server,
        pytest.raises((ConnectionError, ssl.SSLError)),
    ):
        get(server, tls=authority.client(authority.own))


def test_no_secret_reaches_the_log(file: Path, authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pair = authority.issue("server")
    file.write_text(tls_section(pair) + USERS)
    guard = Guard(str(file))
    with serving(guard.protect(hello), ssl_context=guard.ssl_context) as server:
        for word in (PASSWORD, "wrong-password"):
            get(server, tls=authority.client(), headers={"Authorization": basic("alice", word)})
        file.write_text(tls_section(pair) + USERS + "x: [\n")
        get(server, tls=authority.client())

    written = "\n".join(str(vars(record)) for record in caplog.records)
    assert "stays in force" in written
    secrets = [
        PASSWORD,
        "wrong-password",
        HASH.decode(),
        basic("alice", PASSWORD),
        *pair.key.read_text().splitlines()[1:-1],
    ]
    assert [] == [secret for secret in secrets if secret in written]


def test_a_handshake_that_fails_is_no_complaint(
    file: Path, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(tls_section(authority.issue("server")))
    guard = Guard(str(file))
    with serving(guard.protect(hello), ssl_context=guard.ssl_context) as server, pytest.raises(ssl.SSLError):
        get(server, tls=ssl.create_default_context())
    assert [] == complaints(caplog.records)


@pytest.mark.real
def test_the_exporter_serves_what_its_web_configuration_says(
    exporter: StartExporter, authority: Authority, tmp_path: Path
) -> None:
    """The whole program: TLS and users by the flag, and a certificate renewed while it runs."""
    old, new = authority.issue("old"), authority.issue("new")
    served = Pair(tmp_path / "served.pem", tmp_path / "served.key")
    shutil.copy(old.cert, served.cert)
    shutil.copy(old.key, served.key)
    (tmp_path / "web-config.yml").write_text(tls_section(served) + USERS)
    (tmp_path / "tic_exporter.yml").write_text("meters: [{name: a, port: /dev/nowhere}]\n")
    running = exporter(
        [f"--config.file={tmp_path / 'tic_exporter.yml'}", f"--web.config.file={tmp_path / 'web-config.yml'}"],
        tls=authority.client(),
        headers={"Authorization": basic("alice", PASSWORD)},
    )

    def served_now() -> bytes:
        pem = ssl.get_server_certificate(("127.0.0.1", running.port))
        return ssl.PEM_cert_to_DER_cert(pem)

    assert 200 == running.get("/metrics").status
    assert 401 == running.get("/metrics", {"Authorization": basic("alice", "x")}).status
    assert ssl.PEM_cert_to_DER_cert(old.cert.read_text()) == served_now()
    shutil.copy(new.cert, served.cert)
    shutil.copy(new.key, served.key)
    assert ssl.PEM_cert_to_DER_cert(new.cert.read_text()) == served_now()
    assert 200 == running.get("/metrics").status
    assert PASSWORD not in running.log()
    assert HASH.decode() not in running.log()


@pytest.mark.real
def test_a_real_prometheus_scrapes_with_its_certificate_and_its_password(
    exporter: StartExporter, prometheus: StartPrometheus, authority: Authority, file: Path, tmp_path: Path
) -> None:
    client = authority.issue("prometheus", san="DNS:prometheus.example.org", usage="clientAuth")
    keys = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": authority.own.cert}
    file.write_text(
        tls_section(authority.issue("server"), client_allowed_sans="[prometheus.example.org]", **keys) + USERS
    )
    (tmp_path / "tic_exporter.yml").write_text(
        "meters: [{name: a, port: /dev/nowhere}]\nweb: {config_file: web-config.yml}\n"
    )
    running = exporter(
        [f"--config.file={tmp_path / 'tic_exporter.yml'}"],
        tls=authority.client(client),
        headers={"Authorization": basic("alice", PASSWORD)},
    )
    tls = {"ca_file": str(authority.own.cert), "cert_file": str(client.cert), "key_file": str(client.key)}
    users = {"username": "alice", "password": PASSWORD}

    server = prometheus([running.address], scrape={"scheme": "https", "tls_config": tls, "basic_auth": users})
    server.wait_for("up == 1")
    assert ["up"] == [target["health"] for target in server.targets()]
