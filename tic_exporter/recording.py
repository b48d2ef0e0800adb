"""A recording: what came over a line, byte for byte and when, as lines of JSON (docs/recording.md).

first line   {"tic_recording": 1, ...}          what it is
other lines  {"t": 1.2345, "d": "AgpBRENP..."}   seconds since the start, bytes in base64
last line    {"end": ..., "sha256": "..."}      of everything above it
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

VERSION = 1
LONGEST_LINE = 1 << 16
LONGEST_TIME = 1e9
LONGEST_CHUNK = 16384
"""Bytes: 22,000 characters in base64."""

_MAGIC = b'{"tic_recording":'


class RecordingError(ValueError):
    """This is no recording that can be played."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says.

    Args:
        baud_rate: at which the port listened; None where it has no speed.
        port: where it was recorded; None where that is nobody's business.
        started: ISO 8601.
        anonymised: by `anonymise.Anonymiser`.
        by: program and version.
    """

    baud_rate: int | None = None
    port: str | None = None
    started: str = ""
    anonymised: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that were read at once, `at` seconds after the start."""

    at: float
    data: bytes


def is_recording(head: bytes) -> bool:
    """Tell a recording from a raw stream by its first bytes."""
    return head.startswith(_MAGIC)


class Writer:
    """Writes one recording. Each line is given to the system at once: what was written survives a kill."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        self.bytes_written = 0
        self._file = file
        self._digest = hashlib.sha256()
        fields = {name: getattr(header, name) for name in ("by", "started", "port", "baud_rate", "anonymised")}
        self._write({"tic_recording": VERSION} | {name: value for name, value in fields.items() if value is not None})

    def add(self, chunk: Chunk) -> None:
        for start in range(0, len(chunk.data), LONGEST_CHUNK):
            data = chunk.data[start : start + LONGEST_CHUNK]
            self._write({"t": round(chunk.at, 4), "d": base64.b64encode(data).decode()})
            self.bytes_written += len(data)

    def finish(self, end: float) -> None:
        """Write the last line."""
        self._write({"end": round(end, 4), "bytes": self.bytes_written, "sha256": self._digest.hexdigest()})

    def _write(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        self._digest.update(line)
        self._file.write(line)
        self._file.flush()


class Recording:
    """One file. Iterating gives its chunks as far as they are whole; then `problem` says what is wrong, if anything is.

    Args:
        path: RecordingError where its first line is none of a recording.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self.seconds = 0.0
        with path.open("rb") as file:
            self.header = _header(file.readline(LONGEST_LINE), path)

    @classmethod
    def found_at(cls, path: Path) -> Self | None:
        """Open it, if it is one; None for anything else, which is a raw stream."""
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
        return cls(path) if is_recording(head) else None

    def __iter__(self) -> Iterator[Chunk]:
        with self.path.open("rb") as file:
            digest = hashlib.sha256(file.readline(LONGEST_LINE))
            self.problem, self.seconds = None, 0.0
            count, number = 0, 1
            while True:
                line, number = file.readline(LONGEST_LINE), number + 1
                entry = _entry(line)
                if entry is None:
                    is_cut = not line.endswith(b"\n") and len(line) < LONGEST_LINE
                    reason = "the recording was cut off" if is_cut else "it cannot be read"
                    self.problem = f"line {number}: {reason}"
                    return
                if "end" in entry:
                    self.problem = _problem_of_end(entry, digest.hexdigest(), count, file.read(1))
                    self.seconds = max(self.seconds, _seconds(entry["end"]) or 0.0)
                    return
                chunk = _chunk(entry)
                if chunk is None or chunk.at < self.seconds:
                    self.problem = f"line {number}: it cannot be read"
                    return
                digest.update(line)
                count += len(chunk.data)
                self.seconds = chunk.at
                yield chunk


def _header(line: bytes, path: Path) -> Header:
    entry = _entry(line)
    if entry is None or "tic_recording" not in entry:
        raise RecordingError(f"{path}: the first line of the recording cannot be read")
    if entry["tic_recording"] != VERSION:
        raise RecordingError(
            f"{path}: a recording of version {entry['tic_recording']!r}; this program reads version {VERSION}"
        )
    baud_rate, port = entry.get("baud_rate"), entry.get("port")
    return Header(
        baud_rate=baud_rate if type(baud_rate) is int and baud_rate > 0 else None,
        port=port if isinstance(port, str) else None,
        started=str(entry.get("started", "")),
        anonymised=entry.get("anonymised") is True,
        by=str(entry.get("by", "")),
    )


def _entry(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _chunk(entry: dict[str, Any]) -> Chunk | None:
    at, text = _seconds(entry.get("t")), entry.get("d")
    if at is None or not isinstance(text, str):
        return None
    try:
        return Chunk(at, base64.b64decode(text, validate=True))
    except ValueError:
        return None


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < LONGEST_TIME else None


def _problem_of_end(entry: dict[str, Any], digest: str, count: int, rest: bytes) -> str | None:
    if entry.get("sha256") != digest or entry.get("bytes") != count:
        return "its checksum is wrong: the file was changed after it was recorded"
    return "it goes on behind its last line" if rest else None
