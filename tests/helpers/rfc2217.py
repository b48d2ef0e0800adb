"""A serial server that speaks RFC 2217, by pyserial's own server side; the port behind it is made up."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import SimpleNamespace
from typing import Self

from serial.rfc2217 import PortManager


class _Connection:
    """What the port manager writes its answers to."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._connection.sendall(data)


class Rfc2217Server:
    """Serves one connection after the other. `port` has what the client has set."""

    def __init__(self) -> None:
        self.port = SimpleNamespace(
            baudrate=0,
            bytesize=0,
            parity="",
            stopbits=0,
            rtscts=False,
            xonxoff=False,
            dtr=False,
            rts=False,
            cts=True,
            dsr=True,
            ri=False,
            cd=True,
            break_condition=False,
            reset_input_buffer=lambda: None,
            reset_output_buffer=lambda: None,
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connection: socket.socket | None = None
        self._manager: PortManager | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"rfc2217://127.0.0.1:{self._listener.getsockname()[1]}"

    def write(self, data: bytes) -> None:
        assert self._connection is not None
        assert self._manager is not None
        self._connection.sendall(b"".join(self._manager.escape(data)))

    def hang_up(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def wait_for_end(self) -> None:
        """Until the connection is gone on this side too."""
        while self._connection is not None:
            threading.Event().wait(0.01)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._connection = connection
                self._manager = PortManager(self.port, _Connection(connection))  # type: ignore[arg-type]  # they quack
                with contextlib.suppress(OSError):
                    while data := connection.recv(1024):
                        b"".join(self._manager.filter(data))
                self._connection = None
