"""Socket activation: who listens is systemd."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest
from loopback import TIMEOUT, hello

from helpers import free_port, run_exporter, wait_until
from helpers.exporter import COMMAND
from tic_exporter.web.activation import passed_sockets
from tic_exporter.web.server import BoundedServer

if TYPE_CHECKING:
    from pathlib import Path

OURS = str(os.getpid())


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
        {"LISTEN_PID": OURS},
        {"LISTEN_FDS": "0", "LISTEN_PID": OURS},
        {"LISTEN_FDS": "-1", "LISTEN_PID": OURS},
        {"LISTEN_FDS": "one", "LISTEN_PID": OURS},
    ],
)
def test_without_a_socket_for_this_process_the_flag_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"^--web.systemd-socket: systemd passed no socket"):
        passed_sockets(environment)


def test_each_socket_is_taken_in_its_order_and_not_inherited() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        passed = os.dup(listener.fileno())
        os.set_inheritable(passed, True)

        (taken,) = passed_sockets({"LISTEN_FDS": "1", "LISTEN_PID": OURS}, first=passed)
        stack.enter_context(taken)

        assert listener.getsockname() == taken.getsockname()
        assert not taken.get_inheritable()


@pytest.mark.parametrize(
    ("family", "kind"),
    [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_UNIX, socket.SOCK_STREAM)],
    ids=["does not listen", "UDP", "unix"],
)
def test_what_is_no_listening_tcp_socket_is_named(family: int, kind: int) -> None:
    descriptor = socket.socket(family, kind).detach()

    with pytest.raises(ValueError, match=rf"descriptor {descriptor} is not a TCP socket that listens"):
        passed_sockets({"LISTEN_FDS": "1", "LISTEN_PID": OURS}, first=descriptor)


def test_what_is_no_socket_is_named() -> None:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    try:
        with pytest.raises(ValueError, match=rf"descriptor {descriptor}: Socket operation on non-socket"):
            passed_sockets({"LISTEN_FDS": "1", "LISTEN_PID": OURS}, first=descriptor)
    finally:
        os.close(descriptor)


def test_a_socket_outlives_the_server_for_the_next_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as of_systemd:
        for _ in range(2):
            # The client comes before the server: systemd's queue holds it.
            with socket.create_connection(of_systemd.getsockname(), timeout=TIMEOUT) as client:
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                with closing(BoundedServer(of_systemd.dup(), hello)) as server:
                    server.start()
                    assert client.recv(12) == b"HTTP/1.1 200"


def test_the_program_says_what_is_missing(tmp_path: Path) -> None:
    done = run_exporter(f"--meter.port={tmp_path}/none", "--web.systemd-socket")

    assert 1 == done.returncode
    assert b"systemd passed no socket" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.real
@pytest.mark.skipif(shutil.which("systemd-socket-activate") is None, reason="systemd is not installed")
def test_the_program_serves_on_the_socket_of_systemd_and_on_no_other(tmp_path: Path) -> None:
    port, other = free_port(), free_port()
    serve = [*COMMAND, f"--meter.port={tmp_path}/none", "--web.systemd-socket", f"--web.listen-address=:{other}"]
    with subprocess.Popen(
        ["systemd-socket-activate", f"--listen=127.0.0.1:{port}", "--setenv=PYTHONPATH", *serve],
        stderr=subprocess.DEVNULL,
    ) as process:
        try:

            def healthy(to: int) -> bool:
                try:
                    with closing(HTTPConnection("127.0.0.1", to, timeout=TIMEOUT)) as client:
                        client.request("GET", "/-/healthy")
                        return client.getresponse().status == 200
                except OSError:
                    return False

            assert wait_until(lambda: healthy(port), 30)
            assert not healthy(other)
        finally:
            process.terminate()
    assert 0 == process.returncode
