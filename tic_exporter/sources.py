"""One port to a non-blocking descriptor: a serial port, a TCP stream, RFC 2217, or a file paced like a line.

What blocks (opening, name resolution, RFC 2217) happens in `open_source`, which its caller runs outside the loop, or in
a thread of the source that feeds a socket pair: whatever the port is, the loop waits on one descriptor.
"""

import contextlib
import errno
import os
import select
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .recording import Recording

BITS_PER_CHARACTER = 10
CHUNK = 16384
RFC2217_PATIENCE = 0.5
PACE = 0.05
"""Seconds between two pieces of a file played at line speed."""
DEAD_PEER_SECONDS = 60


class SourceEndedError(OSError):
    """The other side closed, or the port is gone."""


class FileEndedError(SourceEndedError):
    """A file was played to its end: there is nothing to try again."""


@dataclass(frozen=True, slots=True)
class PortSettings:
    """Where the bytes come from. None means ours: 8 bits, no parity, 1 stop bit, no flow control."""

    port: str
    baud_rate: int | None = None
    loop: bool = False
    bytesize: int | None = None
    parity: str | None = None
    stopbits: float | None = None
    xonxoff: bool | None = None
    rtscts: bool | None = None
    dsrdtr: bool | None = None

    @property
    def has_speed(self) -> bool:
        """Whether a speed can be set at all: a TCP stream and a file have none."""
        return self.port.startswith("rfc2217://") or ("://" not in self.port and not _is_regular_file(self.port))


class Source(Protocol):
    """An open port. `connecting` is true until it is writable for the first time."""

    connecting: bool

    def fileno(self) -> int: ...
    def read(self) -> bytes:
        """Read what is there, empty when nothing is; OSError when the port is gone."""
        ...

    def finish_connecting(self) -> bool:
        """Take note that the connection attempt ended; False: another address is being tried. OSError: none is left."""
        ...

    def set_baud_rate(self, baud_rate: int) -> None: ...
    def close(self) -> None: ...


def open_source(settings: PortSettings, baud_rate: int) -> Source:
    """Open a port at `baud_rate`; may block for seconds. Raises OSError, ValueError for settings that it refuses."""
    port = settings.port
    if port.startswith("socket://"):
        return TcpSource(*_address(port))
    if port.startswith("rfc2217://"):
        return Rfc2217Source(settings, baud_rate)
    if _is_regular_file(port):
        return FileSource(settings)
    return SerialSource(settings, baud_rate)


def _is_regular_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - one system call, no object
    except OSError:
        return False


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


class _Quiet:
    """What most sources need not do."""

    connecting = False

    def finish_connecting(self) -> bool:
        return True

    def set_baud_rate(self, baud_rate: int) -> None:
        """There is no speed here."""


class SerialSource(_Quiet):
    """A local port. pyserial opens and configures it; bytes are read from the descriptor itself.

    The port is opened exclusively: a second reader would take half of the bytes.
    """

    def __init__(self, settings: PortSettings, baud_rate: int) -> None:
        import serial  # noqa: PLC0415 - a process that reads TCP only does not need it

        try:
            self._serial = serial.Serial(
                settings.port, baudrate=baud_rate, timeout=0, exclusive=True, **_framing(settings)
            )
        except serial.SerialException as error:
            if error.errno is None:
                raise
            # EWOULDBLOCK: its file is locked; EBUSY: set to exclusive, as ModemManager does.
            is_taken = error.errno in {errno.EWOULDBLOCK, errno.EBUSY}
            reason = "another program reads this port" if is_taken else os.strerror(error.errno)
            raise OSError(error.errno, reason, settings.port) from error
        except termios_error() as error:
            raise OSError(error.args[0], "the port refuses these settings", settings.port) from error

    def fileno(self) -> int:
        return int(self._serial.fileno())

    def read(self) -> bytes:
        try:
            data = os.read(self._serial.fileno(), CHUNK)
        except BlockingIOError:
            return b""
        if not data and self._is_gone():
            raise SourceEndedError("the port is gone")
        return data

    def _is_gone(self) -> bool:
        """Tell an end from a wake-up for nothing: a terminal without bytes answers a read with none in both cases."""
        poll = select.poll()
        poll.register(self._serial.fileno(), select.POLLIN)
        return any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))

    def set_baud_rate(self, baud_rate: int) -> None:
        try:
            self._serial.baudrate = baud_rate
        except termios_error() as error:
            raise OSError(error.args[0], "the port refuses this speed") from error

    def close(self) -> None:
        with contextlib.suppress(OSError, termios_error()):
            self._serial.close()


_PARITIES = {"none": "N", "even": "E", "odd": "O", "mark": "M", "space": "S"}


def _framing(settings: PortSettings) -> dict[str, Any]:
    """Say it in pyserial's words."""
    return {
        "bytesize": settings.bytesize or 8,
        "parity": _PARITIES[settings.parity or "none"],
        "stopbits": settings.stopbits or 1,
        "xonxoff": bool(settings.xonxoff),
        "rtscts": bool(settings.rtscts),
        "dsrdtr": bool(settings.dsrdtr),
    }


def termios_error() -> type[Exception]:
    """Give what the terminal calls raise: not an OSError."""
    import termios  # noqa: PLC0415 - with pyserial, only where there is a local port

    return termios.error


class TcpSource(_Quiet):
    """A TCP stream (ser2net, a Wi-Fi bridge). A peer that died without a word is noticed within a minute."""

    def __init__(self, host: str, port: int) -> None:
        # As bytes where it can be: a text loads what encodes the names of hosts beyond ASCII.
        name = host.encode("ascii") if host.isascii() else host
        self._addresses = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        self._socket: socket.socket | None = None
        self.connecting = True
        self._try_next()

    def _try_next(self) -> None:
        """Begin to connect to the next address; those that fail at once (no IPv6 here, no route) are passed over."""
        while True:
            self.close()
            family, kind, protocol, _, address = self._addresses.pop(0)
            try:
                self._socket = _tcp_socket(family, kind, protocol)
                code = self._socket.connect_ex(address)
            except OSError as error:
                code = error.errno or errno.EINVAL
            if code in {0, errno.EINPROGRESS}:
                return  # how it ended is told when the socket becomes writable
            if not self._addresses:
                self.close()
                raise OSError(code, os.strerror(code))

    def finish_connecting(self) -> bool:
        error = self._open_socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error and self._addresses:
            self._try_next()
            return False
        if error:
            raise OSError(error, os.strerror(error))
        self.connecting = False
        return True

    @property
    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise SourceEndedError("closed")
        return self._socket

    def fileno(self) -> int:
        return self._open_socket.fileno()

    def read(self) -> bytes:
        try:
            data = self._open_socket.recv(CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            raise SourceEndedError("the peer closed the connection")
        return data

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _tcp_socket(family: int, kind: int, protocol: int) -> socket.socket:
    new = socket.socket(family, kind, protocol)
    new.setblocking(False)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("KEEPIDLE", DEAD_PEER_SECONDS // 2), ("KEEPINTVL", 10), ("KEEPCNT", 3)):
        new.setsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{option}"), value)
    new.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_SECONDS * 1000)
    return new


class _PumpedSource(_Quiet):
    """A source whose bytes come by a thread of its own, through a socket pair that the loop can wait on."""

    def __init__(self, pump: Callable[[socket.socket], OSError]) -> None:
        self._reader, writer = socket.socketpair()
        self._reader.setblocking(False)
        self._end: OSError = SourceEndedError("closed")
        self._closed = threading.Event()
        threading.Thread(target=self._run, args=(pump, writer), daemon=True).start()

    def _run(self, pump: Callable[[socket.socket], OSError], writer: socket.socket) -> None:
        with writer:
            try:
                self._end = pump(writer)
            except OSError as error:
                self._end = error

    def fileno(self) -> int:
        return self._reader.fileno()

    def read(self) -> bytes:
        try:
            data = self._reader.recv(CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            raise self._end
        return data

    def close(self) -> None:
        self._closed.set()
        self._reader.close()


class FileSource(_PumpedSource):
    """A file, played as its line spoke: a recording by its own times, a raw stream at the speed that was told.

    Without one, a raw stream is played at 9600 Bd where it holds HT, else at 1200.
    """

    def __init__(self, settings: PortSettings) -> None:
        from pathlib import Path  # noqa: PLC0415 - most ports are no files

        from .recording import Recording  # noqa: PLC0415

        self._path = settings.port
        recording = Recording.found_at(Path(self._path))
        with open(self._path, "rb") as file:  # noqa: PTH123 - a stream is read, nothing of the path is needed
            head = file.read(CHUNK)
        self._speed = settings.baud_rate or line_speed(head)
        self._loop = settings.loop
        super().__init__(self._play_stream if recording is None else partial(self._play_recording, recording))

    def _play_recording(self, recording: "Recording", writer: socket.socket) -> OSError:
        started = time.monotonic()
        while True:
            for chunk in recording:
                if self._closed.wait(max(0.0, started + chunk.at - time.monotonic())):
                    return SourceEndedError("closed")
                writer.sendall(chunk.data)
            started += recording.seconds
            if not self._loop or not recording.seconds:
                return FileEndedError(recording.problem or "the recording has ended")

    def _play_stream(self, writer: socket.socket) -> OSError:
        started = time.monotonic()
        sent = 0
        for chunk in self._chunks(max(1, int(self._speed / BITS_PER_CHARACTER * PACE))):
            sent += len(chunk)
            due = started + sent * BITS_PER_CHARACTER / self._speed
            if self._closed.wait(max(0.0, due - time.monotonic())):
                return SourceEndedError("closed")
            writer.sendall(chunk)
        return FileEndedError("the file has ended")

    def _chunks(self, size: int) -> Iterator[bytes]:
        while True:
            is_empty = True
            with open(self._path, "rb") as file:  # noqa: PTH123 - as above
                while chunk := file.read(size):
                    is_empty = False
                    yield chunk
            if is_empty or not self._loop:
                return


def line_speed(data: bytes) -> int:
    """Guess the speed of a recording by its separator: Linky standard speaks at 9600 Bd, nearly all else at 1200."""
    return 9600 if b"\t" in data else 1200


class Rfc2217Source(_PumpedSource):
    """A serial port behind a telnet server that obeys RFC 2217; pyserial speaks it, in its own threads."""

    def __init__(self, settings: PortSettings, baud_rate: int) -> None:
        import serial  # noqa: PLC0415 - rarely needed, and brings telnet

        # ser2net answers nothing about control lines that its port does not have; a meter needs none of them.
        url = f"{settings.port}?ign_set_control"
        try:
            self._serial = serial.serial_for_url(
                url, baudrate=baud_rate, timeout=RFC2217_PATIENCE, **_framing(settings)
            )
        except AttributeError as error:  # pyserial's own, when the other side hangs up amid the negotiation
            raise SourceEndedError(str(error)) from error
        self._wanted: int | None = None
        super().__init__(self._forward)

    def _forward(self, writer: socket.socket) -> OSError:
        try:
            while not self._closed.is_set():
                if self._wanted is not None:
                    self._serial.baudrate, self._wanted = self._wanted, None
                data = self._serial.read(max(1, self._serial.in_waiting))
                if data:
                    writer.sendall(data)
        except (OSError, ValueError, AttributeError) as error:  # a refused speed is a ValueError, a lost peer any
            return SourceEndedError(str(error))
        finally:
            self._serial.close()
        return SourceEndedError("closed")

    def set_baud_rate(self, baud_rate: int) -> None:
        """Ask for another speed; the thread of the source does it, since the answer of the server may take long."""
        self._wanted = baud_rate
