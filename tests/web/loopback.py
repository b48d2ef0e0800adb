"""A server on the loopback interface for one test, and the clients that talk to it."""

import http.client
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tic_exporter.web.server import App, BoundedServer, Request, Response

TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def hello(request: Request) -> Response:
    return Response(200, "text/plain", f"{request.method} {request.path}".encode())


def becomes_true(condition: Callable[[], bool], seconds: float = TIMEOUT) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@contextmanager
def serving(app: App = hello, **options: Any) -> Iterator[BoundedServer]:  # noqa: ANN401 - passed on as they are
    """Whatever clients did meanwhile: no thread outlives the server."""
    threads = threading.active_count()
    server = BoundedServer(("127.0.0.1", 0), app, **options)
    server.start()
    try:
        yield server
    finally:
        server.close()
    assert becomes_true(lambda: threading.active_count() <= threads)


def connection_to(server: BoundedServer, tls: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
    host, port = server.address
    if tls is None:
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=tls)


def ask(
    connection: http.client.HTTPConnection, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Answer:
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


def get(
    server: BoundedServer,
    path: str = "/metrics",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    connection = connection_to(server, tls)
    try:
        return ask(connection, path, method, headers)
    finally:
        connection.close()


def answers(server: BoundedServer) -> bool:
    try:
        return get(server).status == 200
    except OSError:
        return False


def exchange(server: BoundedServer, data: bytes) -> bytes:
    """All that comes back for `data` until the server ends the connection; the client never ends its own half."""
    with socket.create_connection(server.address, timeout=TIMEOUT) as client:
        client.sendall(data)
        return b"".join(iter(lambda: client.recv(65536), b""))


def complaints(records: list[logging.LogRecord]) -> list[str]:
    return [record.getMessage() for record in records if record.levelno > logging.DEBUG]
