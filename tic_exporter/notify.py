"""What a process tells systemd: sd_notify(3) is one datagram, so no library is needed."""

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends to the socket that systemd names, or nowhere.

    Args:
        address: of NOTIFY_SOCKET; a leading @ stands for an abstract socket.
        interval: seconds between two WATCHDOG=1, half of what the unit allows; 0 when it has no watchdog.
    """

    def __init__(self, address: str | None, interval: float) -> None:
        self._address = address.replace("@", "\0", 1) if address and address.startswith("@") else address
        self.interval = interval

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Notifier":
        meant_for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        microseconds = environment.get("WATCHDOG_USEC", "0")
        interval = int(microseconds) / 2e6 if meant_for_us and microseconds.isdecimal() else 0.0
        return cls(environment.get("NOTIFY_SOCKET"), interval)

    def send(self, message: str) -> None:
        if not self._address:
            return
        # systemd that is gone or slow must not stop the exporter.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto(message.encode(), self._address)
