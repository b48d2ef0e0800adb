"""`tic-exporter record`: what comes over a port, byte for byte and when, into a file that can be sent to somebody."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Self

from .. import __version__
from ..anonymise import Anonymiser
from ..clocks import steady
from ..listening import find_speed, listen, open_port
from ..recording import Chunk, Header, Writer
from ..sources import PortSettings
from ..streams import stream_of
from ..tic.framing import Cut, Framer
from .flags import BAUD_RATE, positive, whole

SEARCH_SECONDS = 15.0
"""Two rounds of all speeds."""


def run(words: Sequence[str]) -> int:
    """Record until a bound is reached or a signal comes; 1 when nothing was heard."""
    flags = _parser().parse_args(words)
    try:
        with _Recorder(flags) as recorder:
            return recorder.run()
    except FileExistsError:
        print(f"tic-exporter record: {flags.file} exists; --force overwrites it", file=sys.stderr)  # noqa: T201
    except (OSError, ValueError) as error:
        print(f"tic-exporter record: {error}", file=sys.stderr)  # noqa: T201
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tic-exporter record",
        description="Record what comes over a port, with its times. Ctrl-C ends; the file is whole in any case.",
        epilog="PORT may be a file too: a raw stream becomes a recording, a recording an anonymised one.",
        allow_abbrev=False,
    )
    parser.add_argument("port", metavar="PORT", help="a serial port, socket:// or rfc2217:// URL, or a file")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--anonymise", action="store_true", help="replace ids, metering point and messages")
    parser.add_argument("--seconds", type=positive(), metavar="N")
    parser.add_argument("--frames", type=whole(1), metavar="N")
    parser.add_argument("--baud-rate", type=BAUD_RATE, metavar="N", help="speed of a serial port (default: found)")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    return parser


class _Recorder:
    """One recording while it is made. A signal only sets a flag, so that no line is ever written in part."""

    def __init__(self, flags: argparse.Namespace) -> None:
        self._flags = flags
        self._stopped = False
        self._frames = 0
        self._framer = Framer()
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopped = True

    def _is_over(self) -> bool:
        return self._stopped or (self._flags.frames is not None and self._frames >= self._flags.frames)

    def run(self) -> int:
        flags = self._flags
        if not flags.force and Path(flags.file).exists():
            raise FileExistsError
        if Path(flags.port).is_file():
            stream = stream_of(Path(flags.port), flags.baud_rate)
            if Path(flags.file).exists() and Path(flags.file).samefile(flags.port):
                raise ValueError(f"{flags.file} would overwrite what is read")
            status = self._write(stream.baud_rate, stream.started, stream.chunks)
            if stream.problem:
                _say(f"{flags.port}: {stream.problem}; what came before is kept")
            return status
        settings = PortSettings(flags.port, flags.baud_rate)
        with closing(open_port(settings)) as source:
            baud_rate = find_speed(source, settings, SEARCH_SECONDS, lambda: self._stopped)
            if settings.has_speed and baud_rate is None and not self._stopped:
                _say("no right group at any speed: recording at 9600 Bd (--baud-rate names another)")
                source.set_baud_rate(9600)
                baud_rate = 9600
            now = datetime.now(UTC).isoformat(timespec="seconds")
            return self._write(baud_rate, now, self._heard(listen(source, self._is_over)))

    def _heard(self, pieces: Iterator[bytes]) -> Iterator[Chunk]:
        """Give each piece its time; the end of the port ends the recording too."""
        began = steady()
        try:
            for data in pieces:
                now = steady() - began
                if self._flags.seconds is not None and now >= self._flags.seconds:
                    return
                yield Chunk(now, data)
        except OSError as error:
            _say(f"{self._flags.port}: {error}")

    def _write(self, baud_rate: int | None, started: str, chunks: Iterator[Chunk]) -> int:
        flags = self._flags
        # An anonymous recording does not name its port: by-id names hold the serial number of the adaptor.
        port = None if flags.anonymise else flags.port
        header = Header(baud_rate, port, started, flags.anonymise, f"tic_exporter {__version__}")
        clean = _Cleaner() if flags.anonymise else None
        end = 0.0
        with Path(flags.file).open("wb" if flags.force else "xb") as file:
            writer = Writer(file, header)
            for chunk in chunks:
                end = chunk.at
                for ready in clean.add(chunk) if clean else [chunk]:
                    writer.add(ready)
                self._count(chunk.data)
                if self._is_over():
                    break
            for ready in clean.rest() if clean else []:
                writer.add(ready)
            writer.finish(end)
        what = "anonymised, " if clean else ""
        _say(f"{flags.file}: {what}{self._frames} frames, {writer.bytes_written} bytes, {end:.1f} s", ends=True)
        return 0 if writer.bytes_written else 1

    def _count(self, data: bytes) -> None:
        if data:
            self._frames += sum(frame.cut is Cut.COMPLETE for frame in self._framer.feed(data))
            if sys.stderr.isatty():
                print(f"\r{self._frames} frames; Ctrl-C ends", end="", file=sys.stderr, flush=True)  # noqa: T201


class _Cleaner:
    """Anonymises chunk by chunk: what comes out late keeps the chunk, and so the time, that it came in."""

    def __init__(self) -> None:
        self._anonymiser = Anonymiser()
        self._waiting: list[Chunk] = []
        self._clean = b""

    def add(self, chunk: Chunk) -> list[Chunk]:
        self._waiting.append(chunk)
        return self._ready(self._anonymiser.feed(chunk.data))

    def rest(self) -> list[Chunk]:
        return self._ready(self._anonymiser.finish())

    def _ready(self, clean: bytes) -> list[Chunk]:
        self._clean += clean
        done = []
        while self._waiting and len(self._waiting[0].data) <= len(self._clean):
            chunk = self._waiting.pop(0)
            size = len(chunk.data)
            done.append(Chunk(chunk.at, self._clean[:size]))
            self._clean = self._clean[size:]
        return done


def _say(text: str, *, ends: bool = False) -> None:
    print(("\r" if ends and sys.stderr.isatty() else "") + text, file=sys.stderr)  # noqa: T201
