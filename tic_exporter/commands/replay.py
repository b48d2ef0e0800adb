"""`tic-exporter replay`: a recording as its line spoke, into the decoder, a pseudo-terminal or a TCP connection."""

import argparse
import fcntl
import os
import select
import socket
import struct
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol

from ..building import meter_options
from ..config import ListenAddress, MeterConfig, naming
from ..meter import Meter
from ..replay import Replay
from ..streams import Stream, stream_of
from .decode import FORMATS, summarise
from .flags import FACTOR, listen_address

DRAIN_SECONDS = 5.0
"""How long the last bytes wait to be read."""

EMPTY_LOOKS = 25
"""In a row, and 20 ms apart, that must find nothing unread."""

_GONE = select.POLLHUP | select.POLLERR


class Outlet(Protocol):
    """Where a stream goes to."""

    def wait(self) -> None:
        """Wait for somebody to listen."""

    def send(self, data: bytes) -> None:
        """Send all of it, no faster than it is read; OSError when the listener has gone."""

    def end(self) -> None:
        """Let the listener read to the end, and take leave of it."""

    def close(self) -> None:
        """Be there no longer."""


def run(words: Sequence[str]) -> int:
    """Play a file; 1 when it cannot be read to its end."""
    flags = _parser().parse_args(words)
    try:
        if flags.pty is None and flags.tcp is None:
            return _decode(flags)
        stream_of(Path(flags.file))  # what cannot be played is said before anybody waits
        with closing(PtyOutlet(Path(flags.pty)) if flags.pty is not None else TcpOutlet(flags.tcp)) as outlet:
            print(f"port {flags.pty or flags.tcp}: plays when it is opened", flush=True)  # noqa: T201
            return _serve(flags, outlet)
    except BrokenPipeError:
        raise  # of who reads this
    except (OSError, ValueError) as error:
        print(f"tic-exporter replay: {error}", file=sys.stderr)  # noqa: T201
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tic-exporter replay",
        description=__doc__.partition("`: ")[2] if __doc__ else None,
        epilog="FILE is a recording, or a raw stream, which takes the time that it took on the line.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--speed", type=FACTOR, default=1.0, metavar="N", help="factor of time; 0: without waiting")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--pty", metavar="LINK", help="symbolic link to make to a port")
    where.add_argument("--tcp", type=listen_address, metavar="HOST:PORT", help="where to listen")
    parser.add_argument("--loop", action="store_true", help="with --pty or --tcp: again and again")
    parser.add_argument("--format", choices=tuple(FORMATS), default="text", help="of the decoder (default %(default)s)")
    return parser


def _timed(stream: Stream, speed: float) -> Iterator[bytes]:
    """Give each chunk when it is due; at speed 0 at once."""
    began = time.monotonic()
    for chunk in stream.chunks:
        if speed:
            time.sleep(max(0.0, began + chunk.at / speed - time.monotonic()))
        yield chunk.data


def _decode(flags: argparse.Namespace) -> int:
    stream = stream_of(Path(flags.file))
    meter = Meter(meter_options(MeterConfig(name=Path(flags.file).stem, port=flags.file), live=False))
    replay = Replay(meter, stream.baud_rate)
    FORMATS[flags.format](replay, replay.play(_timed(stream, flags.speed), port=flags.file))
    return summarise(replay, stream.recording)


def _serve(flags: argparse.Namespace, outlet: Outlet) -> int:
    while True:
        outlet.wait()
        stream = stream_of(Path(flags.file))
        with suppress(BrokenPipeError, ConnectionResetError):
            for data in _timed(stream, flags.speed):
                outlet.send(data)
            outlet.end()
        if stream.problem:
            print(f"{flags.file}: {stream.problem}", file=sys.stderr)  # noqa: T201
            return 1
        if not flags.loop:
            return 0


class PtyOutlet:
    """A pseudo-terminal behind a symbolic link. Nothing is dropped: who reads slowly hears slowly."""

    def __init__(self, link: Path) -> None:
        if link.is_symlink():
            link.unlink()
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self._path = os.ttyname(slave)
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLOUT)
        os.close(slave)
        os.set_blocking(self._master, False)
        self._link = link
        try:
            link.symlink_to(self._path)
        except OSError:
            os.close(self._master)
            raise

    def wait(self) -> None:
        while not self._is_open(0):
            time.sleep(0.02)

    def _is_open(self, milliseconds: int) -> bool:
        return not any(event & _GONE for _, event in self._poll.poll(milliseconds))

    def send(self, data: bytes) -> None:
        while data:
            if not self._is_open(100):
                raise BrokenPipeError("the reader has gone")
            with suppress(BlockingIOError):
                data = data[os.write(self._master, data) :]

    def end(self) -> None:
        """Hold the line until all is read: closing it throws away what is not.

        What was written reaches the reader's side a little later, so that one look at it proves nothing.
        """
        slave = os.open(self._path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            until, empty = time.monotonic() + DRAIN_SECONDS, 0
            while empty < EMPTY_LOOKS and time.monotonic() < until:
                time.sleep(0.02)
                empty = 0 if _unread(slave) else empty + 1
        finally:
            os.close(slave)

    def close(self) -> None:
        os.close(self._master)
        with suppress(OSError):
            if str(self._link.readlink()) == self._path:
                self._link.unlink()


def _unread(descriptor: int) -> int:
    return int(struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4))[0])


class TcpOutlet:
    """Plays to who connects, one at a time."""

    def __init__(self, address: ListenAddress) -> None:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        with naming(address):
            self._listener = socket.create_server(address, family=family)
        self._connection: socket.socket | None = None

    def wait(self) -> None:
        self._connection, _ = self._listener.accept()

    def send(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.sendall(data)

    def end(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def close(self) -> None:
        self.end()
        self._listener.close()
