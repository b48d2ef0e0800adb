import logging
import random
import resource
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from loopback import TIMEOUT, answers, ask, becomes_true, complaints, connection_to, exchange, get, hello, serving

from tic_exporter.web.server import BoundedServer, Request, Response

# Addresses


def test_an_empty_host_listens_on_ipv4_and_ipv6() -> None:
    with closing(BoundedServer(("", 0), hello)) as server:
        server.start()
        for host in ("127.0.0.1", *(["::1"] if socket.has_dualstack_ipv6() else [])):
            with socket.create_connection((host, server.address[1]), timeout=TIMEOUT) as client:
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert client.recv(12) == b"HTTP/1.1 200"


def test_an_ipv6_address_can_be_listened_on() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with closing(BoundedServer(("::1", 0), hello)) as server:
        server.start()
        assert server.address[0] == "::1"
        assert answers(server)


def test_a_port_in_use_is_an_error_at_construction_that_names_the_address() -> None:
    with serving() as server, pytest.raises(OSError, match=rf"^127\.0\.0\.1:{server.address[1]}: .*in use"):
        BoundedServer(server.address, hello)


# What HTTP promises


def test_one_connection_serves_several_requests() -> None:
    with serving() as server, closing(connection_to(server)) as connection:
        assert [ask(connection, path).body for path in ("/a", "/b")] == [b"GET /a", b"GET /b"]


def test_head_has_the_headers_of_get_and_no_body() -> None:
    with serving(lambda _: Response(200, "text/x", b"12345", (("X-A", "b"),))) as server:
        head, body = exchange(server, b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n").split(b"\r\n\r\n")
        assert body == b""
        for line in (b"Content-Length: 5", b"Content-Type: text/x", b"X-A: b", b"Connection: close"):
            assert line in head.split(b"\r\n")


def test_a_connection_in_the_second_half_of_its_life_is_ended_by_an_answer() -> None:
    with serving(deadline=2.0) as server, closing(connection_to(server)) as connection:
        assert ask(connection, "/").headers["Connection"] is None
        time.sleep(1.05)
        assert ask(connection, "/").headers["Connection"] == "close"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "__init__"])
def test_other_methods_are_refused_with_those_allowed(method: str) -> None:
    with serving() as server:
        answer = exchange(server, f"{method} /metrics HTTP/1.1\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nAllow: GET, HEAD\r\n" in answer


@pytest.mark.parametrize("expect", ["", "Expect: 100-continue\r\n"])
def test_a_refusal_arrives_although_the_body_of_the_request_is_not_read(expect: str) -> None:
    head = f"POST / HTTP/1.1\r\nContent-Length: 500000\r\n{expect}\r\n"
    with serving() as server:
        assert exchange(server, head.encode() + bytes(500_000)).startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize("header", ["Content-Length: 40", "Transfer-Encoding: chunked"])
def test_the_body_of_a_get_is_never_taken_for_a_further_request(header: str) -> None:
    with serving() as server:
        answer = exchange(server, f"GET /a HTTP/1.1\r\n{header}\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n".encode())
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.endswith(b"GET /a")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"a" * 1_000_000, b"414"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: 0123456789\r\n" * 99 + b"Y: " + b"a" * 32_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n", b"431"),
        (b"GET\r\n\r\n", b"400"),
        (b"GET / / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/x\r\n\r\n", b"400"),
        (b"GET / HTTP/\xb2.\xb2\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", b"400"),
        (b"GET / HTTP/2.0\r\n\r\n", b"505"),
    ],
)
def test_malformed_and_oversized_requests_get_their_status(
    data: bytes, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with serving() as server:
        assert exchange(server, data).startswith(b"HTTP/1.1 " + status)
        assert answers(server)
    assert complaints(caplog.records) == []


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("//metrics", "/metrics"),
        ("/../metrics", "/../metrics"),
        ("/%2e%2e/metrics", "/../metrics"),
        ("/%6Detrics%2f", "/metrics/"),
        ("/a%3Fb%25", "/a?b%"),
        ("/%C3%A9?x=%3F", "/é"),
        ("/%ff", "/\ufffd"),
        ("/metrics/", "/metrics/"),
        ("/metrics;x?y", "/metrics;x"),
        ("/metrics%00", "/metrics\0"),
        ("http://other/metrics", "/metrics"),
        ("HTTPS://user@[::1]:80/a?b", "/a"),
        ("http://other", "/"),
        ("http://other?a=b", "/"),
        ("http:///metrics", "http:///metrics"),
        ("ftp://other/metrics", "ftp://other/metrics"),
        ("/http://other/metrics", "/http://other/metrics"),
        ("*", "*"),
    ],
)
def test_paths_reach_the_application_decoded_once_and_whole_but_for_scheme_and_authority(sent: str, path: str) -> None:
    with serving() as server:
        assert exchange(server, f"GET {sent} HTTP/1.0\r\n\r\n".encode()).endswith(f"\r\n\r\nGET {path}".encode())


def test_the_application_sees_query_and_headers_in_one_form() -> None:
    seen: list[Request] = []

    def app(request: Request) -> Response:
        seen.append(request)
        return hello(request)

    with serving(app) as server:
        exchange(
            server,
            b"GET /p?a=1&b=%C3%A9&a=2&c= HTTP/1.1\r\nConnection: close\r\nAccept: x\r\nACCEPT: y\r\n  z\r\n\r\n",
        )
    assert seen == [
        Request("GET", "/p", {"a": ["1", "2"], "b": ["é"], "c": [""]}, {"connection": "close", "accept": "x, y z"})
    ]


@pytest.mark.parametrize(
    ("sent", "host"),
    [("/", "outside:1"), ("http://inside:2/", "inside:2"), ("http://user:word@inside/", "inside")],
)
def test_the_host_is_that_of_the_request_target_where_it_has_one(sent: str, host: str) -> None:
    with serving(lambda request: Response(200, "text/plain", request.headers["host"].encode())) as server:
        answer = exchange(server, f"GET {sent} HTTP/1.1\r\nHost: outside:1\r\nConnection: close\r\n\r\n".encode())
    assert answer.endswith(f"\r\n\r\n{host}".encode())


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_that_never_has_a_body_says_no_length_and_the_connection_goes_on(method: str) -> None:
    statuses = iter((204, 304, 200))
    with serving(lambda _: Response(next(statuses), "text/plain", b"")) as server:
        more = f"{method} / HTTP/1.1\r\n\r\n" * 2
        answer = exchange(server, f"{more}{method} / HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
    lengths = [head.count(b"Content-Length: 0\r\n") for head in answer.split(b"HTTP/1.1 ")[1:]]
    assert [0, 0, 1] == lengths


# Bugs of our own


def test_an_application_that_raises_costs_one_answer_and_leaves_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def app(request: Request) -> Response:
        if request.path == "/bug":
            raise OSError("a bug")
        return hello(request)

    with serving(app) as server, closing(connection_to(server)) as connection:
        assert ask(connection, "/bug").status == 500
        assert ask(connection, "/").status == 200
    assert complaints(caplog.records) == ["GET '/bug' failed"]
    assert "a bug" in caplog.text
    assert "Traceback" in caplog.text


def test_an_answer_that_cannot_be_sent_costs_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    with serving(lambda r: Response(200, "\u2603" if r.path == "/bug" else "text/plain", b"")) as server:
        assert exchange(server, b"GET /bug HTTP/1.1\r\n\r\n") == b""
        assert answers(server)
    assert "UnicodeEncodeError" in caplog.text


def test_certificates_that_cannot_be_read_cost_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    def unreadable() -> None:
        if not caplog.records:
            raise OSError("no such certificate")

    with serving(ssl_context=unreadable) as server:
        assert exchange(server, b"") == b""
        assert answers(server)
    assert "no such certificate" in caplog.text


# Bad clients


def test_garbage_leaves_no_trace_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    noise = random.Random(1)  # noqa: S311 - repeatable noise
    starts = (b"", b"GET ", b"GET / HTTP/1.1\r\n", b"GET /?", b"HEAD / HTTP/1.1\r\nAccept: ")
    with serving(read_timeout=0.5) as server:
        for number in range(300):
            with socket.create_connection(server.address, timeout=TIMEOUT) as client:
                client.sendall(starts[number % len(starts)] + noise.randbytes(noise.randrange(300)) + b"\r\n\r\n")
        assert becomes_true(lambda: answers(server))
    assert [line for line in complaints(caplog.records) if "refused" not in line] == []


@pytest.mark.parametrize("data", [b"", b"GET", b"GET / HTTP/1.1\r\nHost", b"GET / HTTP/1.1\r\n\r\n" * 50])
def test_a_client_that_resets_its_connection_leaves_no_trace_in_the_log(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(lambda _: Response(200, "text/plain", bytes(1_000_000))) as server:
        for _ in range(10):
            with socket.create_connection(server.address, timeout=TIMEOUT) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.sendall(data)
        assert becomes_true(lambda: answers(server))
    assert complaints(caplog.records) == []


@pytest.fixture
def descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("descriptors")
def test_a_thousand_half_open_requests_cost_forty_threads_and_end_by_their_deadline(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = threading.active_count()
    with serving(read_timeout=1.0, deadline=2.0) as server, ExitStack() as clients:
        for _ in range(1000):
            client = clients.enter_context(socket.create_connection(server.address, timeout=TIMEOUT))
            try:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
            except ConnectionError:
                continue
        assert threading.active_count() <= before + 45  # a place is free a moment before its thread ends
        assert becomes_true(lambda: answers(server))
        assert becomes_true(lambda: threading.active_count() == before + 1)
    assert complaints(caplog.records) == ["connections refused: 40 are open already"]


def test_a_connection_beyond_the_limit_is_closed_at_once() -> None:
    with serving(max_connections=2) as server, ExitStack() as clients:
        for _ in range(2):
            clients.enter_context(socket.create_connection(server.address, timeout=TIMEOUT))
        started = time.monotonic()
        assert exchange(server, b"") == b""
        assert time.monotonic() - started < 2.0


def dripping(server: BoundedServer, send: Callable[[bytes], object]) -> float:
    """How long the server listens to a client that sends a byte now and then."""
    started = time.monotonic()
    try:
        while time.monotonic() < started + TIMEOUT:
            send(b"a")
            time.sleep(0.05)
    except OSError:
        pass
    return time.monotonic() - started


def test_a_dripping_client_is_cut_at_the_deadline(caplog: pytest.LogCaptureFixture) -> None:
    with serving(read_timeout=0.5, deadline=1.0, max_connections=1) as server:
        with socket.create_connection(server.address, timeout=TIMEOUT) as client:
            client.sendall(b"GET /")
            assert 0.8 < dripping(server, client.sendall) < 3.0
        assert becomes_true(lambda: answers(server))
    assert complaints(caplog.records) == []


def test_a_client_that_does_not_read_its_answer_is_given_up() -> None:
    with serving(lambda _: Response(200, "text/plain", bytes(50_000_000)), read_timeout=0.3) as server:
        idle = threading.active_count()
        with socket.create_connection(server.address, timeout=TIMEOUT) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert becomes_true(lambda: threading.active_count() > idle)
            assert becomes_true(lambda: threading.active_count() == idle, 2.0)


def test_a_process_out_of_descriptors_says_so_once_and_recovers(caplog: pytest.LogCaptureFixture) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serving() as server, ExitStack() as clients:
        waiting = [clients.enter_context(socket.socket()) for _ in range(3)]
        with ExitStack() as hoard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (waiting[-1].fileno() + 20, hard))
            hoard.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
            with suppress(OSError):
                while True:
                    hoard.enter_context(socket.socket())
            for client in waiting:
                client.connect(server.address)
            assert becomes_true(lambda: bool(caplog.records))
            busy = time.process_time()
            time.sleep(0.3)
            assert time.process_time() - busy < 0.1
        assert becomes_true(lambda: answers(server))
    assert complaints(caplog.records) == ["no connection can be accepted: [Errno 24] Too many open files"]


def test_close_is_prompt_whatever_clients_do() -> None:
    with serving() as server, ExitStack() as clients:
        for data in (b"", b"GET", b"GET / HTTP/1.1\r\n\r\n"):
            clients.enter_context(socket.create_connection(server.address)).sendall(data)
        started = time.monotonic()
        server.close()
        assert time.monotonic() - started < 2.0


def test_a_server_that_never_started_can_be_closed() -> None:
    BoundedServer(("127.0.0.1", 0), hello).close()


# TLS


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a new key, and that of a client which trusts it."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=test"
    request += " -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(["openssl", *request.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, ssl.create_default_context(cafile=cert)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certificate(tmp_path_factory.mktemp("tls"))


TLS = tuple[ssl.SSLContext, ssl.SSLContext]


def test_a_silent_client_does_not_stop_a_scrape_over_tls(tls: TLS, caplog: pytest.LogCaptureFixture) -> None:
    context, trust = tls
    with serving(ssl_context=lambda: context) as server, ExitStack() as clients:
        for data in (b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"):
            clients.enter_context(socket.create_connection(server.address)).sendall(data)
        started = time.monotonic()
        assert get(server, tls=trust).body == b"GET /metrics"
        assert time.monotonic() - started < 2.0
    assert complaints(caplog.records) == []


def test_a_silent_client_is_given_up_during_its_handshake(tls: TLS) -> None:
    with serving(ssl_context=lambda: tls[0], read_timeout=0.3) as server:
        started = time.monotonic()
        assert exchange(server, b"") == b""
        assert 0.2 < time.monotonic() - started < 3.0


def test_the_deadline_holds_for_a_dripping_client_over_tls(tls: TLS, caplog: pytest.LogCaptureFixture) -> None:
    context, trust = tls
    with serving(ssl_context=lambda: context, read_timeout=0.5, deadline=1.0) as server:
        with (
            socket.create_connection(server.address, timeout=TIMEOUT) as plain,
            trust.wrap_socket(plain, server_hostname="127.0.0.1") as client,
        ):
            client.sendall(b"GET /")
            assert 0.8 < dripping(server, client.sendall) < 3.0
        assert get(server, tls=trust).status == 200
    assert complaints(caplog.records) == []


def test_the_end_of_an_answer_over_tls_is_told_from_a_cut(tls: TLS) -> None:
    context, trust = tls
    with (
        serving(ssl_context=lambda: context) as server,
        socket.create_connection(server.address, timeout=TIMEOUT) as plain,
        trust.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as client,
    ):
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"".join(iter(lambda: client.recv(65536), b"")).endswith(b"GET /")


def test_a_new_certificate_serves_the_next_connection(tls: TLS, tmp_path: Path) -> None:
    current = [tls[0]]
    renewed, trust = certificate(tmp_path)
    with serving(ssl_context=lambda: current[0]) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            get(server, tls=trust)
        current[0] = renewed
        assert get(server, tls=trust).status == 200


def test_requests_are_logged_at_debug_without_control_characters(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving() as server:
        exchange(server, b"GET /\x1b[31m HTTP/1.0\r\n\r\n")
    assert "GET /" in caplog.text
    assert "\x1b" not in caplog.text
