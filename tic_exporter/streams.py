"""A file as the chunks that a line gave, whether it is a recording or a raw stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .recording import Chunk, Recording
from .sources import BITS_PER_CHARACTER, CHUNK, line_speed

_PIECE = 64
"""Bytes of a raw stream that are given at once."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One file.

    Args:
        baud_rate: None where the line had no speed.
        started: ISO 8601; empty where it is not known.
        chunks: may be taken once.
        recording: None for a raw stream.
    """

    baud_rate: int | None
    started: str
    chunks: Iterator[Chunk]
    recording: Recording | None = None

    @property
    def problem(self) -> str | None:
        """What is wrong with the file; known once all chunks were taken."""
        return self.recording.problem if self.recording is not None else None


def stream_of(path: Path, baud_rate: int | None = None) -> Stream:
    """Open a file; a raw stream has the times that its line took at `baud_rate`."""
    recording = Recording.found_at(path)
    if recording is not None:
        return Stream(recording.header.baud_rate, recording.header.started, iter(recording), recording)
    with path.open("rb") as file:
        speed = baud_rate or line_speed(file.read(CHUNK))
    return Stream(speed, "", _paced(path, speed))


def _paced(path: Path, speed: int) -> Iterator[Chunk]:
    sent = 0
    with path.open("rb") as file:
        while data := file.read(_PIECE):
            sent += len(data)
            yield Chunk(sent * BITS_PER_CHARACTER / speed, data)
