"""Sockets that systemd listens on for us: sd_listen_fds(3) is two variables, so no library is needed."""

import os
import socket
from collections.abc import Mapping

_FIRST = 3  # SD_LISTEN_FDS_START


def passed_sockets(environment: Mapping[str, str] = os.environ, *, first: int = _FIRST) -> list[socket.socket]:
    """The listening sockets handed over by a socket unit, in its order; never empty.

    Raises ValueError when this process was not started by a socket unit, or got something else from it.
    """
    count = environment.get("LISTEN_FDS", "")
    if environment.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal() or int(count) == 0:
        raise ValueError("--web.systemd-socket: systemd passed no socket; is the socket unit enabled and started?")
    return [_listener(descriptor) for descriptor in range(first, first + int(count))]


def _listener(descriptor: int) -> socket.socket:
    try:
        listener = socket.socket(fileno=descriptor)
        listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise ValueError(f"--web.systemd-socket: descriptor {descriptor}: {error.strerror}") from None
    if not listens or listener.family not in {socket.AF_INET, socket.AF_INET6}:
        listener.close()
        raise ValueError(f"--web.systemd-socket: descriptor {descriptor} is not a TCP socket that listens")
    os.set_inheritable(descriptor, False)
    return listener
