"""What systemd hears."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from tic_exporter.notify import Notifier

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_a_message_is_one_datagram(tmp_path: Path, *, abstract: bool) -> None:
    address = f"@tic-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address.replace("@", "\0"))
        systemd.settimeout(5)
        notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
        notifier.send("READY=1")
        notifier.send("RELOADING=1\nMONOTONIC_USEC=5")
        assert [b"READY=1", b"RELOADING=1\nMONOTONIC_USEC=5"] == [systemd.recv(100), systemd.recv(100)]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_without_systemd_nothing_happens(environment: dict[str, str]) -> None:
    Notifier.from_environment(environment).send("READY=1")


def test_a_systemd_that_does_not_listen_stops_nobody(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        notifier = Notifier(str(tmp_path / "notify"), 0)
        for _ in range(10_000):
            notifier.send("WATCHDOG=1")


@pytest.mark.parametrize(
    ("environment", "interval"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({"WATCHDOG_USEC": "²"}, 0.0),
        ({"WATCHDOG_USEC": ""}, 0.0),
    ],
)
def test_the_watchdog_is_fed_twice_in_its_time_if_there_is_one_for_this_process(
    environment: dict[str, str], interval: float
) -> None:
    assert interval == Notifier.from_environment(environment).interval
