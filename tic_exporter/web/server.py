"""A small HTTP server that no client can hold up.

A thread per connection without limits is stopped by one silent TLS client (a handshake inside `accept`) or by a
thousand half-open requests. Here connections are few, each read and each connection has a deadline, and everything
that waits for a client happens in that client's own thread.
"""

import errno
import logging
import math
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..config import ListenAddress, naming
from .handler import App, Handler, Request, Response

__all__ = ["App", "BoundedServer", "Request", "Response"]

_LOG = logging.getLogger(__name__)

_BACKLOG = 128
_LINGER = 0.5  # seconds to wait for a client to read its last answer
_PAUSE = 0.1  # seconds without accept() when the system is out of descriptors: it fails at once, over and over
_WARN_EVERY = 60.0  # seconds: a flood must not flood the log


def _listen(address: ListenAddress) -> socket.socket:
    with naming(address):
        return _listener_at(*address)


def _listener_at(host: str, port: int) -> socket.socket:
    if host in {"", "::"} and socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("::", port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True)
        except OSError as error:  # IPv6 compiled in, but switched off
            if host or error.errno not in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
                raise
    # As bytes: a text would load what encodes names beyond ASCII, of which an address here has none.
    name = (host or "0.0.0.0").encode("ascii")  # noqa: S104 - what `:PORT` means
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    family, _, _, _, address = found[0]
    return socket.create_server(address, family=family, backlog=_BACKLOG)


@dataclass(slots=True, eq=False)
class _Connection:
    sock: socket.socket  # replaced once by its TLS wrapping: the plain object is dead from then on
    peer: Any
    half_time: float
    deadline: float  # monotonic; infinite once cut


def _cut(connection: _Connection) -> None:
    """Wake the connection's own thread, whatever it waits for.

    The method of the plain socket: that of an SSLSocket would drop its TLS state under the feet of the other thread.
    """
    with suppress(OSError):
        socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _hang_up(sock: socket.socket) -> None:
    """End a connection so that its last answer arrives.

    Bytes that nobody read turn close() into a reset, which can overtake the answer (an over-long request line, the
    body of a POST). So: say that nothing more comes, and read on for a moment.
    """
    if isinstance(sock, ssl.SSLSocket):
        sock.settimeout(0)
        with suppress(OSError):  # close_notify is on its way; the client's own is not waited for
            sock.unwrap()
    with suppress(OSError):
        sock.settimeout(_LINGER)
        socket.socket.shutdown(sock, socket.SHUT_WR)
        for _ in range(64):
            if not socket.socket.recv(sock, 0x10000):
                break


class BoundedServer:
    """Serves `app` at `address` (host, port), or on a socket that listens already, from `start()` to `close()`.

    Beyond `max_connections` a connection is closed at once: a scraper then fails fast and comes back at its next
    interval. `read_timeout` bounds each wait for a client, `deadline` a whole connection, both in seconds.
    `ssl_context` is asked at each connection, so certificates can change while the server runs; None is plain HTTP.
    """

    def __init__(
        self,
        address: tuple[str, int] | socket.socket,
        app: App,
        *,
        ssl_context: Callable[[], ssl.SSLContext | None] = lambda: None,
        max_connections: int = 40,
        read_timeout: float = 5.0,
        deadline: float = 10.0,
    ) -> None:
        self._app = app
        self._ssl_context = ssl_context
        self._max_connections = max_connections
        self._read_timeout = read_timeout
        self._deadline = deadline
        self._live: set[_Connection] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._quiet_until = -math.inf
        self._listener = address if isinstance(address, socket.socket) else _listen(ListenAddress(*address))
        self._listener.setblocking(False)
        # What ends the waiting. A shutdown() of the listener would end it for systemd too, which keeps it for later.
        self._woken, self._waker = socket.socketpair()
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._listener, selectors.EVENT_READ)
        self._waiting.register(self._woken, selectors.EVENT_READ)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self._thread = threading.Thread(target=self._accept, name="http", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop at once: answers under way are cut."""
        self._closing.set()
        self._waker.close()  # the other end becomes readable
        if self._thread.is_alive():
            self._thread.join()
        self._waiting.close()
        self._woken.close()
        self._listener.close()
        with self._lock:
            for connection in self._live:
                _cut(connection)

    def _accept(self) -> None:
        while not self._closing.is_set():
            if self._waiting.select(self._cut_expired()) and not self._closing.is_set():
                self._accept_one()

    def _accept_one(self) -> None:
        try:
            sock, peer = self._listener.accept()
        except BlockingIOError:  # the client has left again
            return
        except OSError as error:
            if not self._closing.wait(_PAUSE):
                self._warn(f"no connection can be accepted: {error}")
            return
        self._admit(sock, peer)

    def _cut_expired(self) -> float | None:
        """Seconds until a connection expires, None without any.

        Run by the accepting thread before each wait: it alone adds connections, so no other thread needs a clock.
        """
        now = time.monotonic()
        with self._lock:
            for connection in self._live:
                if connection.deadline <= now:
                    _cut(connection)
                    connection.deadline = math.inf  # its place is free only when its thread has ended
            nearest = min((connection.deadline for connection in self._live), default=math.inf)
        return None if math.isinf(nearest) else max(nearest - now, 0.001)

    def _admit(self, sock: socket.socket, peer: object) -> None:
        now = time.monotonic()
        connection = _Connection(sock, peer, now + self._deadline / 2, now + self._deadline)
        with self._lock:
            full = len(self._live) >= self._max_connections
            if not full:
                self._live.add(connection)
        if full:
            sock.close()
            self._warn(f"connections refused: {self._max_connections} are open already")
            return
        try:
            sock.settimeout(self._read_timeout)
            threading.Thread(target=self._work, args=(connection,), name="http-client", daemon=True).start()
        except RuntimeError as error:  # the system gives no more threads
            self._release(connection)
            self._warn(f"connection refused: {error}")

    def _work(self, connection: _Connection) -> None:
        try:
            self._converse(connection, self._ssl_context())
        except Exception:  # noqa: BLE001 - a bug costs one connection, not the server
            _LOG.exception("a connection ended by an error of the server")
        finally:
            self._release(connection)

    def _converse(self, connection: _Connection, context: ssl.SSLContext | None) -> None:
        try:
            if context is not None:
                with self._lock:  # never cut a socket whose descriptor is changing hands
                    tls = context.wrap_socket(connection.sock, server_side=True, do_handshake_on_connect=False)
                    connection.sock = tls
                tls.do_handshake()
            Handler(connection.sock, connection.peer, self._app, connection.half_time)
            _hang_up(connection.sock)
        except OSError as error:  # resets, time-outs, TLS alerts: the client's doing
            _LOG.debug("connection of %s: %s", connection.peer, error)

    def _release(self, connection: _Connection) -> None:
        with self._lock:  # before close(): a descriptor used anew must not be cut
            self._live.discard(connection)
        connection.sock.close()

    def _warn(self, message: str) -> None:
        """Only the accepting thread warns."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _WARN_EVERY
            _LOG.warning(message)
