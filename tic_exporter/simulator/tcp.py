"""Meters behind a TCP port each, or all behind one, as serial servers and Wi-Fi bridges offer them."""

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from .line import Damage, Feed
from .meter import SimulatedMeter
from .serving import Service

_TICK = 0.05
_LONGEST_LAG = 1.0
_BACKLOG = 1024
_BUFFER = 16_384
"""What the system may hold for a listener: half a minute of a Linky, not the megabytes that it would grow to."""


@dataclass(slots=True)
class _Outlet:
    """One meter, those who listen to it, and when it was last heard."""

    feed: Feed
    heard_at: float
    listeners: list[socket.socket] = field(default_factory=list)


@dataclass(slots=True)
class _Eager:
    """A connection at speed 0: the rest of the frame that it is taking."""

    outlet: _Outlet
    rest: bytes = b""


class TcpLines(Service):
    """Serves any number of meters and connections from one thread.

    Behind one port every new connection gets the meter that fewest listen to; with `one_port_each` the n-th port is
    that of the n-th meter. A meter that nobody listens to lives on. What a listener does not take is dropped, as on a
    line; a buffer of the system's is all that is kept for it.

    Args:
        host: address to listen at.
        port: 0 takes free ones; with `one_port_each` the first of a row.
        meters: who speaks.
        one_port_each: see above.
        speed: factor of time; 0 is as fast as each reader takes it.
        parity: give every character its even parity bit; bridges that strip it are simulated without.
        damage: what is done to each frame.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        host: str,
        port: int,
        meters: Sequence[SimulatedMeter],
        *,
        one_port_each: bool = False,
        speed: float = 1.0,
        parity: bool = True,
        damage: Damage | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.dropped = 0
        self._speed = speed
        self._clock = clock
        self._outlets = [_Outlet(Feed(meter, parity=parity, damage=damage), clock()) for meter in meters]
        self._selector = selectors.DefaultSelector()
        groups = [[outlet] for outlet in self._outlets] if one_port_each else [self._outlets]
        self._servers = [
            self._listen(host, port + number if port else 0, group) for number, group in enumerate(groups)
        ]  # fmt: skip
        self._wake_read, self._wake_write = socket.socketpair()
        self._selector.register(self._wake_read, selectors.EVENT_READ)

    @property
    def ports(self) -> list[int]:
        return [int(server.getsockname()[1]) for server in self._servers]

    @property
    def connections(self) -> int:
        return sum(len(outlet.listeners) for outlet in self._outlets)

    def disconnect(self) -> None:
        """Drop the connections at the next turn, as when a bridge is restarted; new ones are welcome."""
        self._wake_write.send(b"d")

    def wake(self) -> None:
        with suppress(OSError):  # closed: stopped before
            self._wake_write.send(b"s")

    def serve(self) -> None:
        while not self._stopping.is_set():
            self._turn()

    def close(self) -> None:
        if self._wake_write.fileno() < 0:
            return
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._wake_write.close()
        self._selector.close()

    def _listen(self, host: str, port: int, outlets: list[_Outlet]) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)  # its connections inherit it
        server.setblocking(False)
        self._selector.register(server, selectors.EVENT_READ, outlets)
        return server

    def _turn(self) -> None:
        """Wait for the next tick, greet who has come, take leave of who has gone, send what is due."""
        until = self._clock() + _TICK
        while (left := until - self._clock()) > 0 and not self._stopping.is_set():
            for key, events in self._selector.select(left):
                self._handle(key, events)
        if self._speed:
            now = self._clock()
            for outlet in self._outlets:
                if outlet.listeners:
                    self._send_due(outlet, now)

    def _handle(self, key: selectors.SelectorKey, events: int) -> None:
        connection = key.fileobj
        if not isinstance(connection, socket.socket):
            return
        if connection is self._wake_read:
            if b"d" in connection.recv(64):
                for outlet in self._outlets:
                    for listener in list(outlet.listeners):
                        self._drop(outlet, listener)
        elif connection in self._servers:
            self._accept(connection, key.data)
        elif connection.fileno() >= 0:  # not closed a moment ago
            if events & selectors.EVENT_READ and not self._is_alive(connection):
                self._drop(key.data.outlet, connection)
            elif events & selectors.EVENT_WRITE:
                self._send_eagerly(connection, key.data)

    def _accept(self, server: socket.socket, outlets: list[_Outlet]) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:  # nobody else is waiting, or the process has no descriptor left
                return
            connection.setblocking(False)
            outlet = min(outlets, key=lambda outlet: len(outlet.listeners))
            if not outlet.listeners:
                now = self._clock()
                outlet.feed.skip((now - outlet.heard_at) * self._speed)
                outlet.heard_at = now
            outlet.listeners.append(connection)
            events = selectors.EVENT_READ | (0 if self._speed else selectors.EVENT_WRITE)
            self._selector.register(connection, events, _Eager(outlet))

    def _is_alive(self, connection: socket.socket) -> bool:
        """Read what the other side says, which means nothing to a meter, and notice its end."""
        try:
            return bool(connection.recv(4096))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _send_due(self, outlet: _Outlet, now: float) -> None:
        lag, outlet.heard_at = now - outlet.heard_at, now
        if lag > _LONGEST_LAG:
            outlet.feed.skip((lag - _LONGEST_LAG) * self._speed)
            lag = _LONGEST_LAG
        data = outlet.feed.take(lag * self._speed)
        for listener in list(outlet.listeners) if data else ():
            self._send(outlet, listener, data)

    def _send_eagerly(self, connection: socket.socket, eager: _Eager) -> None:
        data = eager.rest or eager.outlet.feed.next_frame()
        eager.rest = data[self._send(eager.outlet, connection, data, is_kept=True) :]

    def _send(self, outlet: _Outlet, connection: socket.socket, data: bytes, *, is_kept: bool = False) -> int:
        try:
            sent = connection.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(outlet, connection)
            return len(data)
        self.dropped += 0 if is_kept else len(data) - sent
        return sent

    def _drop(self, outlet: _Outlet, connection: socket.socket) -> None:
        outlet.listeners.remove(connection)
        self._selector.unregister(connection)
        connection.close()


def serve_tcp(
    host: str,
    port: int,
    meters: Sequence[SimulatedMeter],
    *,
    one_port_each: bool = False,
    speed: float = 1.0,
    parity: bool = True,
    damage: Damage | None = None,
) -> TcpLines:
    """Start `TcpLines` in a thread of its own."""
    return TcpLines(host, port, meters, one_port_each=one_port_each, speed=speed, parity=parity, damage=damage).start()
