"""The health check of the container image."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from helpers import free_port

HEALTHCHECK = Path(__file__).resolve().parents[1] / "scripts" / "healthcheck.py"


def check(port: int) -> int:
    command = [sys.executable, "-I", "-S", str(HEALTHCHECK), "127.0.0.1", str(port)]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False, timeout=30).returncode


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", 0),
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", 0),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 1),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", 1),
        (b"", 0),  # a TLS listener that hangs up on plain text
        (b"\x15\x03\x01\x00\x02\x02\x46", 0),  # a TLS alert
    ],
)
def test_what_lives_is_healthy_and_what_says_otherwise_is_not(answer: bytes, status: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(100).startswith(b"GET /-/healthy HTTP/1.0\r\n")
                connection.sendall(answer)

        server = Thread(target=serve)
        server.start()
        assert check(listener.getsockname()[1]) == status
        server.join()


def test_nobody_listening_is_not_healthy() -> None:
    assert check(free_port()) == 1
