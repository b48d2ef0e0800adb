"""The file itself: what is accepted, what is refused, in which words, and what promtool thinks of it."""

from __future__ import annotations

import builtins
import os
import re
import ssl
import subprocess
from pathlib import Path

import pytest
from authority import Authority

from helpers import run_exporter
from tic_exporter.config import ConfigError
from tic_exporter.web.config import WebSettings, load

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "web-config.yml"
HASH = "$2y$10$YTtjKm8SKEitWXeTl9J83uZUsKpVXuDY76FcXWgn6nw0sKV.OmywO"
NEWER_THAN_PROMTOOL = ("rate_limit", "client_allowed_sans")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates as the example names them."""
    folder = tmp_path_factory.mktemp("files")
    authority = Authority(folder / "authority")
    pair = authority.issue("server")
    (folder / "server.pem").write_text(pair.cert.read_text())
    (folder / "server.key").write_text(pair.key.read_text())
    (folder / "clients.pem").write_text(authority.own.cert.read_text())
    (folder / "other.key").write_text(authority.issue("other").key.read_text())
    (folder / "rsa.key").write_text(authority.issue("rsa", kind="rsa").key.read_text())
    (folder / "empty.pem").write_text("")
    (folder / "weak.pem").write_bytes(b"\xff\x00")
    return folder


def read(folder: Path, text: str) -> WebSettings:
    (folder / "web-config.yml").write_text(text, encoding="utf-8")
    return load(str(folder / "web-config.yml"))


def problems(folder: Path, text: str) -> list[str]:
    """What is said of a wrong file, without the file's own name."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return [
        line.replace(f"{folder / 'web-config.yml'}:", "").replace(f"{folder}/", "")
        for line in str(caught.value).splitlines()
    ]


def promtool_accepts(path: Path) -> bool:
    return subprocess.run(["promtool", "check", "web-config", path], capture_output=True, check=False).returncode == 0


TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"


def tls(extra: str) -> str:
    return TLS.replace("}", f", {extra}}}")


# What is accepted

PORTABLE = [
    "",
    "tls_server_config:\n",
    "tls_server_config: {}\n",
    "http_server_config:\n",
    "basic_auth_users:\n",
    "basic_auth_users: {}\n",
    TLS,
    tls("min_version: TLS12, max_version: TLS13"),
    tls("client_auth_type: NoClientCert"),
    tls("client_auth_type: VerifyClientCertIfGiven, client_ca_file: clients.pem"),
    tls("client_auth_type: RequireAndVerifyClientCert, client_ca_file: clients.pem"),
    tls("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]"),
    tls("cipher_suites: [], curve_preferences: []"),
    tls("prefer_server_cipher_suites: false"),
    tls("curve_preferences: [CurveP256]"),
    "http_server_config: {http2: false}\n",
    "http_server_config: {headers: {X-Frame-Options: sameorigin, X-Content-Type-Options: nosniff}}\n",
    "http_server_config: {headers: {Content-Security-Policy: '', X-XSS-Protection: 0}}\n",
    *(f"basic_auth_users: {{alice: {HASH.replace('2y', version)}}}\n" for version in ("2a", "2b", "2y")),
]
NOT_PORTABLE = [
    "tls_server_config: {cert_file: nowhere.pem, key_file: server.key}\n",
    "tls_server_config: {cert_file: server.pem}\n",
    "tls_server_config: {key_file: server.key}\n",
    "tls_server_config: {cert_file: server.pem, key_file: other.key}\n",
    "tls_server_config: {cert_file: server.key, key_file: server.key}\n",
    "tls_server_config: {cert_file: server.pem, key_file: server.pem}\n",
    "tls_server_config: {cert_file: [server.pem], key_file: server.pem}\n",
    tls("client_auth_type: Maybe"),
    tls("client_ca_file: clients.pem"),
    tls("client_ca_file: nowhere.pem, client_auth_type: VerifyClientCertIfGiven"),
    tls("min_version: TLS14"),
    tls("min_version: SSL30"),
    tls("cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]"),
    tls("cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]"),
    tls("curve_preferences: [P256]"),
    tls("unknown: 1"),
    "http_server_config: {http2: maybe}\n",
    "http_server_config: {headers: {Server: x}}\n",
    "http_server_config: {headers: {x-frame-options: deny}}\n",
    "http_server_config: {headers: {X-Frame-Options: DENY}}\n",
    "http_server_config: {headers: {X-Content-Type-Options: sniff}}\n",
    "basic_auth_users: {alice: password}\n",
    f"basic_auth_users: {{alice: {HASH.replace('$10$', '$03$')}}}\n",
    f"basic_auth_users: {{alice: {HASH.replace('$10$', '$32$')}}}\n",
    "basic_auth_users: [alice]\n",
    "basic_auth_users: alice\n",
    f"basic_auth_users:\n  alice: {HASH}\n  alice: {HASH}\n",
    "unknown: 1\n",
    "- a list\n",
    "a text\n",
    "{",
]


@pytest.mark.real
@pytest.mark.parametrize("text", PORTABLE)
def test_what_promtool_accepts_is_accepted(folder: Path, text: str) -> None:
    read(folder, text)

    assert promtool_accepts(folder / "web-config.yml")


@pytest.mark.real
@pytest.mark.parametrize("text", NOT_PORTABLE)
def test_what_promtool_refuses_is_refused(folder: Path, text: str) -> None:
    assert [] != problems(folder, text)
    assert not promtool_accepts(folder / "web-config.yml")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0", 0.0),
        ("1s", 1.0),
        ("100ms", 0.1),
        ("1.5s", 1.5),
        (".5h", 1800.0),
        ("1m30s", 90.0),
        ("2µs", 2e-6),
        ("2us", 2e-6),
        ("7ns", 7e-9),
    ],
)
def test_intervals_are_durations_of_go(folder: Path, written: str, seconds: float) -> None:
    assert (
        pytest.approx(seconds) == read(folder, f"rate_limit: {{interval: {written}, burst: 1}}\n").rate_limit.interval
    )


def test_a_rate_limit_of_zero_is_none(folder: Path) -> None:
    assert 0.0 == read(folder, "rate_limit: {interval: 0}\n").rate_limit.interval
    assert 0.0 == read(folder, "rate_limit: {burst: 3}\n").rate_limit.interval


def test_blank_headers_are_left_out(folder: Path) -> None:
    text = "http_server_config: {headers: {X-Frame-Options: , X-XSS-Protection: '', Content-Security-Policy: a}}\n"

    assert (("Content-Security-Policy", "a"),) == read(folder, text).http_server_config.headers


def indented(path: Path) -> str:
    return "".join(f"    {line}\n" for line in path.read_text().splitlines())


def test_certificates_and_keys_may_stand_in_the_file(folder: Path) -> None:
    parts = {"cert": "server.pem", "key": "server.key", "client_ca": "clients.pem"}
    text = "tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n"
    text += "".join(f"  {key}: |\n{indented(folder / name)}" for key, name in parts.items())

    context = read(folder, text).tls_server_config
    assert context is not None
    assert ssl.CERT_REQUIRED == context.verify_mode
    assert 1 == len(context.get_ca_certs())


def test_a_system_without_files_in_memory_wants_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")

    assert [
        "1:27: tls_server_config.cert: needs files in memory, which this system does not have: name a file instead"
    ] == problems(folder, "tls_server_config: {cert: 'x', key_file: server.key}\n")


# What is refused, and how it is said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            tls("client_auth_type: RequireAnyClientCert"),
            (
                "1:84: tls_server_config.client_auth_type: RequireAnyClientCert takes certificates that nobody "
                "verified, which protects nothing; it is not supported: expected RequireAndVerifyClientCert or "
                "VerifyClientCertIfGiven"
            ),
        ),
        (
            tls("client_auth_type: RequestClientCert"),
            (
                "1:84: tls_server_config.client_auth_type: RequestClientCert takes certificates that nobody "
                "verified, which protects nothing; it is not supported: expected RequireAndVerifyClientCert or "
                "VerifyClientCertIfGiven"
            ),
        ),
        (
            tls("min_version: TLS10"),
            (
                "1:79: tls_server_config.min_version: TLS10 is broken (RFC 8996) and not supported: "
                "expected TLS12 or TLS13"
            ),
        ),
        (
            tls("min_version: TLS13, max_version: TLS12"),
            "1:99: tls_server_config.max_version: is below min_version",
        ),
        (
            tls("max_version: TLS12, cipher_suites: [TLS_AES_128_GCM_SHA256]"),
            "1:101: tls_server_config.cipher_suites: has only suites of TLS 1.3, above max_version",
        ),
        (
            tls("curve_preferences: [CurveP256, X25519]"),
            (
                "1:97: tls_server_config.curve_preferences[1]: one curve at most: this exporter can offer either one "
                "or, without this key, all of them"
            ),
        ),
        (
            tls("client_auth_type: VerifyClientCertIfGiven"),
            (
                "1:84: tls_server_config.client_auth_type: client_ca_file, or client_ca, is required with it: "
                "authorities of the public web are not believed"
            ),
        ),
        (
            tls("client_ca_file: clients.pem"),
            (
                "1:82: tls_server_config.client_ca_file: has no effect: expected client_auth_type "
                "RequireAndVerifyClientCert or VerifyClientCertIfGiven with it"
            ),
        ),
        (
            tls("client_auth_type: VerifyClientCertIfGiven, client_ca_file: clients.pem, client_allowed_sans: [a]"),
            (
                "1:159: tls_server_config.client_allowed_sans: expected only with client_auth_type "
                "RequireAndVerifyClientCert: other clients need no certificate"
            ),
        ),
        (
            tls("client_auth_type: RequireAndVerifyClientCert, client_ca_file: clients.pem, client_allowed_sans: []"),
            "1:162: tls_server_config.client_allowed_sans: is empty: expected at least one name",
        ),
        (
            "tls_server_config: {min_version: TLS13}\n",
            (
                "1:20: tls_server_config.cert_file: missing: TLS needs cert_file, or cert\n"
                "1:20: tls_server_config.key_file: missing: TLS needs key_file, or key"
            ),
        ),
        (
            tls("cert: a"),
            (
                "1:72: tls_server_config.cert: expected either cert or cert_file, not both\n"
                "1:72: tls_server_config.cert: holds no certificate in PEM format"
            ),
        ),
        (
            "tls_server_config: {cert_file: server.pem, key_file: other.key}\n",
            "1:54: tls_server_config.key_file: is not the key of the certificate",
        ),
        (
            "tls_server_config: {cert_file: server.pem, key_file: rsa.key}\n",
            "1:54: tls_server_config.key_file: is not the key of the certificate",
        ),
        (
            "tls_server_config: {cert_file: empty.pem, key_file: weak.pem}\n",
            (
                '1:32: tls_server_config.cert_file: "empty.pem" holds no certificate in PEM format\n'
                '1:53: tls_server_config.key_file: "weak.pem" holds no private key in PEM format'
            ),
        ),
        (
            "tls_server_config: {cert_file: ., key_file: nowhere.pem}\n",
            (
                '1:32: tls_server_config.cert_file: "FOLDER" cannot be read: Is a directory\n'
                '1:45: tls_server_config.key_file: "nowhere.pem" cannot be read: No such file or directory'
            ),
        ),
        (
            "rate_limit: {interval: 5, burst: 1}\n",
            (
                "1:24: rate_limit.interval: expected a duration with its unit, such as 1s, 100ms or 1m30s, or 0, "
                "not the number 5"
            ),
        ),
        (
            "rate_limit: {interval: [1s], burst: 1}\n",
            (
                "1:24: rate_limit.interval: expected a duration with its unit, such as 1s, 100ms or 1m30s, or 0, "
                "not a list"
            ),
        ),
        (
            "rate_limit: {interval: 1s}\n",
            "1:13: rate_limit.burst: expected at least 1: with an interval, none would refuse all requests",
        ),
        (
            "rate_limit: {interval: 1s, burst: 0}\n",
            "1:35: rate_limit.burst: expected at least 1: with an interval, none would refuse all requests",
        ),
        (
            f"basic_auth_users: {{'a:b': {HASH}, '': {HASH}}}\n",
            (
                '1:20: basic_auth_users."a:b": expected a name of visible characters without a colon: '
                "no client could send it\n"
                '1:89: basic_auth_users."": expected a name of visible characters without a colon: '
                "no client could send it"
            ),
        ),
        (
            "min_version: TLS12\n",
            "1:1: min_version: unknown key here; it belongs to tls_server_config",
        ),
        (
            'http_server_config: {headers: {Content-Security-Policy: "a\\r\\nSet-Cookie: b"}}\n',
            (
                "1:57: http_server_config.headers.Content-Security-Policy: expected a value of printable ASCII "
                "characters without spaces at its ends, not 'a\\r\\nSet-Cookie: b'"
            ),
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(folder: Path, text: str, expected: str) -> None:
    assert expected.splitlines() == [problem.replace(str(folder), "FOLDER") for problem in problems(folder, text)]


def test_all_problems_are_said_at_once(folder: Path) -> None:
    text = (
        "tls_server_config: {cert_file: nowhere.pem, min_version: TLS10}\n"
        "http_server_config: {http2: 2, headers: {X-Frame-Options: all}}\n"
        "basic_auth_users: {alice: x}\n"
        "rate_limit: {burst: many}\n"
        "more: 1\n"
    )

    assert ["1:32", "1:58", "2:29", "2:59", "3:27", "4:21", "5:1"] == [
        ":".join(problem.split(":")[:2]) for problem in problems(folder, text) if "missing" not in problem
    ]


SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"basic_auth_users: {{alice: {SECRET}}}\n",
        f"basic_auth_users: {SECRET}\n",
        f"basic_auth_users: [{SECRET}]\n",
        f"basic_auth_users: {{alice: [{SECRET}]}}\n",
        f"basic_auth_users: {{alice: *{SECRET}}}\n",
        f"basic_auth_users: {{alice: !{SECRET} x}}\n",
        f"basic_auth_users: {{alice: !{SECRET}!x x}}\n",
        f"basic_auth_users: {{alice: '{SECRET}}}\n",
        f"basic_auth_users: {{alice: &{SECRET} *{SECRET}}}\n",
        f"tls_server_config: {{key: {SECRET}}}\n",
        f"tls_server_config: {{key: [{SECRET}]}}\n",
        f"tls_server_config: {{cert: {SECRET}}}\n",
        f'tls_server_config: {{key_file: "-----BEGIN PRIVATE KEY-----\\n{SECRET}"}}\n',
        f'tls_server_config: {{key: "-----BEGIN PRIVATE KEY-----\\n{SECRET}\\n"}}\n',
    ],
)
def test_no_message_shows_a_secret(folder: Path, text: str) -> None:
    said = problems(folder, text)

    assert [] != said
    assert SECRET not in "\n".join(said)


def test_settings_show_no_hash_and_no_key(folder: Path) -> None:
    settings = read(folder, TLS + f"basic_auth_users: {{alice: {HASH}}}\n")

    assert HASH not in repr(settings)


def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(folder: Path) -> None:
    command = ["openssl", "pkcs8", "-topk8", "-in", "server.key", "-passout", "pass:x", "-out", "locked.key"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)

    assert [
        '1:54: tls_server_config.key_file: "locked.key" holds an encrypted key: nobody is there to type its passphrase'
    ] == problems(folder, "tls_server_config: {cert_file: server.pem, key_file: locked.key}\n")


def test_a_key_that_openssl_cannot_read_is_told_by_its_reason(folder: Path) -> None:
    key = (folder / "server.key").read_text().splitlines()
    (folder / "broken.key").write_text("\n".join([key[0], "AAAA", key[-1], ""]))

    (problem,) = problems(folder, "tls_server_config: {cert_file: server.pem, key_file: broken.key}\n")
    assert problem.startswith("1:54: tls_server_config.key_file: OpenSSL cannot use this key and its certificate: ")


def test_a_path_that_no_file_can_have_is_refused(folder: Path) -> None:
    (problem,) = problems(folder, f"tls_server_config: {{cert_file: {'x' * 300}, key_file: server.key}}\n")
    assert "cannot be read: File name too long" in problem


def test_a_system_whose_openssl_lacks_what_is_named_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(*_: object) -> None:
        raise ssl.SSLError("not here")

    monkeypatch.setattr(ssl.SSLContext, "set_ciphers", lacks)
    monkeypatch.setattr(ssl.SSLContext, "set_ecdh_curve", lacks)

    suites = tls("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]")
    assert ["1:81: tls_server_config.cipher_suites: this system's OpenSSL has none of these"] == problems(
        folder, suites
    )
    assert ["1:85: tls_server_config.curve_preferences: this system's OpenSSL does not have this curve"] == problems(
        folder, tls("curve_preferences: [X25519]")
    )


def test_users_without_bcrypt_are_refused_with_the_way_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_bcrypt(name: str, *args: object, **kwargs: object) -> object:
        if name == "bcrypt":
            raise ImportError(name)
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_bcrypt)
    assert [
        (
            "1:19: basic_auth_users: users need the package bcrypt: pip install 'tic-exporter[auth]', "
            "or apt install python3-bcrypt"
        )
    ] == problems(folder, f"basic_auth_users: {{alice: {HASH}}}\n")
    read(folder, TLS)  # the rest works without it


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        load(str(tmp_path / "nowhere.yml"))


# The example

needs_example = pytest.mark.skipif(not EXAMPLE.exists(), reason="the tests run from a copy without the examples")


@pytest.mark.real
@needs_example
def test_the_example_is_accepted_as_it_is(folder: Path) -> None:
    settings = read(folder, EXAMPLE.read_text())

    assert settings.tls_server_config is not None
    assert {} == settings.basic_auth_users
    assert promtool_accepts(folder / "web-config.yml")


@pytest.mark.real
@needs_example
def test_the_example_is_accepted_with_every_setting_of_it(folder: Path) -> None:
    everything = re.sub(r"(?m)^( *)#(?=[\w-])", r"\1", EXAMPLE.read_text())
    settings = read(folder, everything)

    assert 5 == len(settings.http_server_config.headers)
    assert 20 == settings.rate_limit.burst
    assert {b"prometheus"} == set(settings.basic_auth_users)
    for key in NEWER_THAN_PROMTOOL:
        everything = re.sub(rf"(?m)^( *){key}:.*\n(?:\1 +.*\n)*", "", everything)
    (folder / "web-config.yml").write_text(everything)
    assert promtool_accepts(folder / "web-config.yml")


# The command


def test_check_config_checks_the_web_configuration_too(folder: Path) -> None:
    main = folder / "tic_exporter.yml"
    main.write_text("meters: [{name: a, port: /dev/a}]\nweb: {config_file: web-config.yml}\n")
    (folder / "web-config.yml").write_text(TLS)
    assert 0 == run_exporter("check-config", str(main)).returncode

    (folder / "web-config.yml").write_text("basic_auth_user: {}\n")
    done = run_exporter("check-config", str(main))
    place = f"{folder / 'web-config.yml'}:1:1"
    assert (2, f"{place}: basic_auth_user: unknown key; did you mean basic_auth_users?\n") == (
        done.returncode,
        done.stderr.decode(),
    )


def test_a_server_with_a_wrong_web_configuration_does_not_start(folder: Path) -> None:
    (folder / "web-config.yml").write_text("basic_auth_users: {alice: x}\n")
    words = ["--meter.port=/dev/nowhere", "--web.listen-address=127.0.0.1:0", "--web.config.file=web-config.yml"]

    done = run_exporter(*words, cwd=folder)
    assert 2 == done.returncode
    assert b"web-config.yml:1:27: basic_auth_users.alice: expected a bcrypt hash" in done.stderr
