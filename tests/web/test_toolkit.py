"""The same web configuration, request by request, given to us and to Debian's node_exporter."""

import base64
import http.client
import shutil
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt
import pytest
from authority import Authority, Pair
from loopback import TIMEOUT, hello, serving

from helpers import Program
from tic_exporter.web.guard import Guard
from tic_exporter.web.tls_checks import CIPHERS, CURVES

pytestmark = pytest.mark.real

NODE_EXPORTER = shutil.which("prometheus-node-exporter") or "node_exporter"
COMPARED = (
    "WWW-Authenticate",
    "Strict-Transport-Security",
    "X-Frame-Options",
    "X-XSS-Protection",
    "Content-Security-Policy",
)
PASSWORD = "pa:ss wörd"
USERS = f"basic_auth_users: {{alice: {bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()!r}}}\n"
HTTP1 = "http_server_config: {http2: false}\n"  # HTTP/2 has wishes of its own about suites
HEADERS = """
http_server_config:
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Content-Type-Options: nosniff
    X-Frame-Options: deny
    X-XSS-Protection: 1; mode=block
    Content-Security-Policy: default-src 'self'
"""


class NodeExporter(Program):
    def __init__(self, web_config: Path) -> None:
        super().__init__(
            lambda port: [
                NODE_EXPORTER,
                "--collector.disable-defaults",
                f"--web.listen-address=127.0.0.1:{port}",
                f"--web.config.file={web_config}",
            ]
        )

    def is_ready(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT):
            return True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a client learns: a status and headers, or 0 when it gets no answer."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cipher: str = field(default="", compare=False)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def verdict_of(
    port: int, headers: Mapping[str, str], tls: ssl.SSLContext | None, path: str = "/metrics", method: str = "GET"
) -> Verdict:
    connection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT, context=tls)
        if tls
        else http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    )
    try:
        connection.connect()
        cipher = connection.sock.cipher() if isinstance(connection.sock, ssl.SSLSocket) else None
        connection.request(method, path, headers=dict(headers))
        response = connection.getresponse()
        response.read()
        found = {name: response.headers[name] for name in COMPARED if name in response.headers}
        return Verdict(response.status, found, cipher[0] if cipher else "")
    except (ssl.SSLError, ConnectionError):
        return Verdict()
    finally:
        connection.close()


class Both:
    """Two servers with one web configuration."""

    def __init__(self, web_config: Path, stack: ExitStack) -> None:
        self.web_config = web_config
        guard = Guard(str(web_config))
        server = stack.enter_context(serving(guard.protect(hello), ssl_context=guard.ssl_context))
        self.port = server.address[1]
        self.other_port = stack.enter_context(NodeExporter(web_config)).port

    def agree(
        self,
        tls: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        path: str = "/metrics",
        method: str = "GET",
    ) -> Verdict:
        """The verdict of both; AssertionError when they differ."""
        theirs = verdict_of(self.other_port, headers or {}, tls, path, method)
        assert theirs == verdict_of(self.port, headers or {}, tls, path, method)
        return theirs


StartBoth = Callable[[str], Both]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[StartBoth]:
    with ExitStack() as stack:

        def start(text: str) -> Both:
            (tmp_path / "web-config.yml").write_text(text, encoding="utf-8")
            return Both(tmp_path / "web-config.yml", stack)

        yield start


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server_pair(authority: Authority) -> Pair:
    return authority.issue("server")


def tls_section(pair: Pair, **keys: object) -> str:
    lines = {"cert_file": pair.cert, "key_file": pair.key} | keys
    return "tls_server_config:\n" + "".join(f"  {key}: {value}\n" for key, value in lines.items())


# Users and headers


def test_an_empty_file_protects_nothing(both: StartBoth) -> None:
    assert Verdict(200) == both("").agree()


def test_credentials_are_judged_as_the_toolkit_judges_them(both: StartBoth) -> None:
    servers = both(USERS)
    token = basic("alice", PASSWORD)["Authorization"].removeprefix("Basic ")
    cases: list[tuple[int, dict[str, str]]] = [
        (401, {}),
        (401, basic("alice", "wrong")),
        (401, basic("alice", "wrong")),  # now a verdict that was kept
        (401, basic("bob", PASSWORD)),
        (401, basic("bob", PASSWORD)),
        (401, basic("alice", "")),
        (401, basic("", "")),
        (401, basic("Alice", PASSWORD)),
        (401, basic("alice", PASSWORD + " ")),
        (401, {"Authorization": ""}),
        (401, {"Authorization": "Basic"}),
        (401, {"Authorization": "Basic ?"}),
        (401, {"Authorization": f"Basic {token.rstrip('=')}"}),
        (401, {"Authorization": f"Basic {token}="}),
        (401, {"Authorization": "Basic YWxpY2U="}),  # no colon
        (401, {"Authorization": f"Bearer {token}"}),
        (200, basic("alice", PASSWORD)),
        (200, basic("alice", PASSWORD)),
        (200, {"Authorization": f"bAsIc {token}"}),
        (401, basic("alice", "wrong")),
    ]

    for status, headers in cases:
        verdict = servers.agree(headers=headers)
        assert Verdict(status, {"WWW-Authenticate": "Basic"} if status == 401 else {}) == verdict, headers


def test_every_path_is_protected(both: StartBoth) -> None:
    servers = both(USERS)

    assert {401} == {servers.agree(path=path).status for path in ("/", "/metrics", "/-/healthy", "/nothing?a=b")}
    assert 401 == servers.agree(method="HEAD").status
    assert 200 == servers.agree(method="HEAD", headers=basic("alice", PASSWORD)).status


def test_configured_headers_are_in_every_answer(both: StartBoth) -> None:
    servers = both(USERS + HEADERS)

    refused, right = servers.agree(), servers.agree(headers=basic("alice", PASSWORD))
    assert set(COMPARED) == set(refused.headers)
    assert set(COMPARED) - {"WWW-Authenticate"} == set(right.headers)


def test_users_change_while_both_run(both: StartBoth) -> None:
    servers = both(USERS)
    assert 200 == servers.agree(headers=basic("alice", PASSWORD)).status

    servers.web_config.write_text(USERS.replace("alice", "bob"))
    assert 401 == servers.agree(headers=basic("alice", PASSWORD)).status
    assert 200 == servers.agree(headers=basic("bob", PASSWORD)).status


def test_a_file_that_became_wrong_costs_the_toolkit_its_answers_and_us_nothing(both: StartBoth) -> None:
    servers = both(USERS)
    servers.web_config.write_text(USERS + "unknown: 1\n")

    assert 500 == verdict_of(servers.other_port, basic("alice", PASSWORD), None).status
    assert 200 == verdict_of(servers.port, basic("alice", PASSWORD), None).status
    assert 401 == verdict_of(servers.port, {}, None).status


def test_the_toolkit_forgets_what_follows_72_bytes_of_a_password_and_we_refuse_it(both: StartBoth) -> None:
    servers = both(f"basic_auth_users: {{alice: {bcrypt.hashpw(b'a' * 72, bcrypt.gensalt(4)).decode()!r}}}\n")

    assert 200 == servers.agree(headers=basic("alice", "a" * 72)).status
    assert 200 == verdict_of(servers.other_port, basic("alice", "a" * 73), None).status
    assert 401 == verdict_of(servers.port, basic("alice", "a" * 73), None).status


# TLS


def test_tls_and_users_go_together(both: StartBoth, authority: Authority, server_pair: Pair) -> None:
    servers = both(tls_section(server_pair) + USERS + HEADERS)

    assert 401 == servers.agree(authority.client()).status
    assert 200 == servers.agree(authority.client(), headers=basic("alice", PASSWORD)).status


def test_paths_are_relative_to_the_file(
    both: StartBoth, authority: Authority, server_pair: Pair, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    shutil.copy(server_pair.cert, tmp_path / "keys" / "cert.pem")
    shutil.copy(server_pair.key, tmp_path / "keys" / "key.pem")
    servers = both("tls_server_config: {cert_file: keys/cert.pem, key_file: keys/key.pem}\n")

    assert 200 == servers.agree(authority.client()).status


def only(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    if version < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@pytest.mark.parametrize(
    ("keys", "accepted"),
    [
        ({}, "TLSv1_2 TLSv1_3"),
        ({"min_version": "TLS13"}, "TLSv1_3"),
        ({"max_version": "TLS12"}, "TLSv1_2"),
        ({"min_version": "TLS12", "max_version": "TLS13"}, "TLSv1_2 TLSv1_3"),
        ({"min_version": "TLS12", "max_version": "TLS12"}, "TLSv1_2"),
    ],
)
def test_versions_are_those_of_the_file(
    both: StartBoth, authority: Authority, server_pair: Pair, keys: dict[str, str], accepted: str
) -> None:
    servers = both(tls_section(server_pair, **keys))
    versions = [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]

    answered = [version.name for version in versions if servers.agree(only(authority.client(), version)).status]
    assert accepted.split() == answered


def test_every_cipher_suite_of_tls_1_2_is_the_same_one_in_go(
    both: StartBoth, authority: Authority, server_pair: Pair
) -> None:
    pairs = {"ECDSA": server_pair, "RSA": authority.issue("rsa", kind="rsa")}

    for name, ours in CIPHERS.items():
        if not ours:
            continue
        pair = pairs["ECDSA" if "ECDSA" in name else "RSA"]
        servers = both(tls_section(pair, cipher_suites=f"[{name}]") + HTTP1)
        client = only(authority.client(), ssl.TLSVersion.TLSv1_2)
        client.set_ciphers("ALL")
        assert 200 == servers.agree(client).status
        assert {ours} == {verdict_of(port, {}, client).cipher for port in (servers.port, servers.other_port)}


def test_suites_of_tls_1_3_alone_leave_none_for_tls_1_2(
    both: StartBoth, authority: Authority, server_pair: Pair
) -> None:
    servers = both(tls_section(server_pair, cipher_suites="[TLS_AES_128_GCM_SHA256]") + HTTP1)

    assert 0 == servers.agree(only(authority.client(), ssl.TLSVersion.TLSv1_2)).status
    assert 200 == servers.agree(only(authority.client(), ssl.TLSVersion.TLSv1_3)).status


def test_the_order_of_suites_is_the_servers_unless_it_leaves_it_to_the_client(
    authority: Authority, server_pair: Pair, tmp_path: Path
) -> None:
    """Go has decided by itself since 1.17."""
    suites = "[TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]"
    client = only(authority.client(), ssl.TLSVersion.TLSv1_2)
    client.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    file = tmp_path / "web-config.yml"

    chosen = []
    for prefer in ("true", "false"):
        file.write_text(tls_section(server_pair, cipher_suites=suites, prefer_server_cipher_suites=prefer))
        guard = Guard(str(file))
        with serving(guard.protect(hello), ssl_context=guard.ssl_context) as server:
            chosen.append(verdict_of(server.address[1], {}, client).cipher)
    assert ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"] == chosen


def test_one_curve_is_offered_when_one_is_named(both: StartBoth, authority: Authority) -> None:
    pair = authority.issue("rsa-curves", kind="rsa")  # its signature needs no curve

    for name in CURVES:
        servers = both(tls_section(pair, curve_preferences=f"[{name}]"))
        for curve in CURVES.values():
            client = authority.client()
            client.set_ecdh_curve(curve)
            assert (200 if curve == CURVES[name] else 0) == servers.agree(client).status, (name, curve)


# Clients' certificates


@pytest.fixture(scope="module")
def clients(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ssl.SSLContext]:
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    pairs = {
        "none": None,
        "right": authority.issue("right", usage="clientAuth"),
        "any usage": authority.issue("any"),
        "a server's": authority.issue("wrong-usage", usage="serverAuth"),
        "stranger's": stranger.issue("stranger"),
        "self-signed": stranger.self_signed("self-signed"),
    }
    return {name: authority.client(pair) for name, pair in pairs.items()}


@pytest.mark.parametrize(
    ("policy", "accepted"),
    [
        ("NoClientCert", {"none", "right", "any usage", "a server's", "stranger's", "self-signed"}),
        ("VerifyClientCertIfGiven", {"none", "right", "any usage"}),
        ("RequireAndVerifyClientCert", {"right", "any usage"}),
    ],
)
def test_clients_are_verified_as_the_policy_says(
    both: StartBoth,
    authority: Authority,
    server_pair: Pair,
    clients: dict[str, ssl.SSLContext],
    policy: str,
    accepted: set[str],
) -> None:
    keys = {} if policy == "NoClientCert" else {"client_ca_file": authority.own.cert}
    servers = both(tls_section(server_pair, client_auth_type=policy, **keys))

    assert accepted == {name for name, client in clients.items() if servers.agree(client).status == 200}
    older = {name for name, client in clients.items() if servers.agree(only(client, ssl.TLSVersion.TLSv1_2)).status}
    for client in clients.values():
        client.maximum_version = ssl.TLSVersion.TLSv1_3
    assert accepted == older


def test_whatever_is_in_the_file_of_authorities_is_believed(
    both: StartBoth, authority: Authority, server_pair: Pair, tmp_path: Path
) -> None:
    """A certificate by itself, and an authority below another."""
    below = authority.intermediate(tmp_path / "below")
    lone = authority.self_signed("lone")
    authorities = tmp_path / "authorities.pem"
    authorities.write_text(below.own.cert.read_text() + lone.cert.read_text())
    policy = "RequireAndVerifyClientCert"
    servers = both(tls_section(server_pair, client_auth_type=policy, client_ca_file=authorities))

    assert 200 == servers.agree(authority.client(lone)).status
    assert 200 == servers.agree(authority.client(below.issue("below"))).status
    assert 0 == servers.agree(authority.client(authority.issue("above"))).status


def test_a_new_certificate_is_served_by_both_while_they_run(
    both: StartBoth, authority: Authority, server_pair: Pair, tmp_path: Path
) -> None:
    pair = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    shutil.copy(server_pair.cert, pair.cert)
    shutil.copy(server_pair.key, pair.key)
    servers = both(tls_section(pair))
    assert 200 == servers.agree(authority.client()).status

    renewed = Authority(tmp_path / "renewed")
    new = renewed.issue("server")
    shutil.copy(new.cert, pair.cert)
    shutil.copy(new.key, pair.key)
    assert 0 == servers.agree(authority.client()).status
    assert 200 == servers.agree(renewed.client()).status
