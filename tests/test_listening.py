"""Listening to one port for a while."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from tic_exporter import listening
from tic_exporter.listening import find_speed, listen, try_speed
from tic_exporter.sources import PortSettings


class Connecting:
    """A source that connects at the second address, or never."""

    def __init__(self, attempts: int) -> None:
        self.connecting = True
        self._attempts = attempts
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        if not attempts:
            while True:
                try:
                    self._near.send(bytes(4096))
                except BlockingIOError:
                    break

    def fileno(self) -> int:
        return self._near.fileno()

    def finish_connecting(self) -> bool:
        self._attempts -= 1
        self.connecting = self._attempts > 0
        if not self.connecting:
            self._far.sendall(b"here")
        return not self.connecting

    def read(self) -> bytes:
        return self._near.recv(10)

    def set_baud_rate(self, baud_rate: int) -> None:
        raise OSError(baud_rate, "the port refuses this speed")

    def close(self) -> None:
        self._near.close()
        self._far.close()


def test_a_connection_at_the_second_address_is_listened_to() -> None:
    with closing(Connecting(2)) as source:
        assert [b"", b"", b"here"] == [data for data, _ in zip(listen(source, lambda: False), range(3), strict=False)]


def test_a_connection_that_is_never_made_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "CONNECT_PATIENCE", 0.2)

    with closing(Connecting(0)) as source, pytest.raises(TimeoutError, match="no answer"):
        list(listen(source, lambda: False))


def test_what_has_no_speed_is_not_searched_for_one() -> None:
    with closing(Connecting(1)) as source:
        assert None is find_speed(source, PortSettings("socket://host:1"), 1.0, lambda: False)
        assert 1200 == find_speed(source, PortSettings("/dev/ttyUSB0", 1200), 1.0, lambda: False)


def test_a_speed_that_the_port_refuses_is_passed_over() -> None:
    with closing(Connecting(1)) as source:
        try_speed(source, 19200)
        assert source.connecting
