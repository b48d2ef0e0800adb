"""What a line does to what a meter says: its speed, parity, damage, and a receiver that listens at the wrong speed."""

from collections.abc import Callable
from math import ceil, log, log1p
from pathlib import Path
from random import Random

from ..tic.parity import with_even_parity
from .meter import BITS_PER_CHARACTER, SimulatedMeter

Damage = Callable[[bytes], bytes]


def damage(data: bytes, random: Random, bit_error_rate: float = 0.0, *, bits: int = 8, loss_rate: float = 0.0) -> bytes:
    """Flip each bit, and lose each character, with a probability of its own.

    Args:
        data: characters as they are on the line: with parity bits, or without.
        random: decides; the same state gives the same damage.
        bit_error_rate: probability for each bit.
        bits: per character: 8 where bit 7 is the parity, 7 where there is none.
        loss_rate: probability for each character.
    """
    damaged = bytearray(data)
    for position in _hits(random, bit_error_rate, len(data) * bits):
        damaged[position // bits] ^= 1 << position % bits
    for position in reversed(_hits(random, loss_rate, len(data))):
        del damaged[position]
    return bytes(damaged)


def _hits(random: Random, rate: float, count: int) -> list[int]:
    """Draw the distance from hit to hit, so that a clean line costs one draw."""
    if rate <= 0:
        return []
    if rate >= 1:
        return list(range(count))
    hits = []
    scale = log1p(-rate)
    position = int(log(1 - random.random()) / scale)
    while position < count:
        hits.append(position)
        position += 1 + int(log(1 - random.random()) / scale)
    return hits


def misread(data: bytes, sent_at: int, read_at: int) -> bytes:
    """Give what a receiver at `read_at` baud makes of 8-bit characters that are sent back to back at `sent_at`.

    Both as a UART works: a start bit is the first low level after a high one, every further bit is sampled in its
    middle. Before and after the characters the line is high.
    """
    levels = [1]
    for code in data:
        levels += [0, *(code >> bit & 1 for bit in range(8)), 1]
    step = sent_at / read_at
    levels += [1] * ceil(step * BITS_PER_CHARACTER)
    read = bytearray()
    position = 0.0
    while (start := _find(levels, 0, position)) >= 0:
        position = max(position, float(start))
        if int(position + step * 9.5) >= len(levels):
            break
        read.append(sum(levels[int(position + step * (bit + 1.5))] << bit for bit in range(8)))
        position += step * 9.5
        position = max(position, float(_find(levels, 1, position)))
    return bytes(read)


def _find(levels: list[int], level: int, position: float) -> int:
    try:
        return levels.index(level, int(position))
    except ValueError:
        return -1


class Feed:
    """The characters of one meter, as its line carries them in the course of time."""

    def __init__(self, meter: SimulatedMeter, *, parity: bool = True, damage: Damage | None = None) -> None:
        self.meter = meter
        self._parity = parity
        self._damage = damage
        self._frame = b""
        self._sent = 0
        self._position = 0.0
        self._length = 0.0
        self.baud_rate = meter.baud_rate

    def next_frame(self) -> bytes:
        """Give the next frame whole, with parity and damage."""
        frame = self.meter.next_frame()
        self.baud_rate = self.meter.baud_rate
        if self._parity:
            frame = with_even_parity(frame)
        return self._damage(frame) if self._damage else frame

    def take(self, seconds: float) -> bytes:
        """Give what the line carries in the next `seconds`."""
        carried = bytearray()
        self._position += seconds
        while True:
            due = min(len(self._frame), int(self._position * self.baud_rate / BITS_PER_CHARACTER))
            carried += self._frame[self._sent : due]
            self._sent = due
            if self._position < self._length:
                return bytes(carried)
            self._position -= self._length
            self._frame, self._sent = self.next_frame(), 0
            self._length = self.meter.line_time

    def skip(self, seconds: float) -> None:
        """Let time go by without a listener; the frame that was on the line is lost."""
        self._frame, self._sent, self._position, self._length = b"", 0, 0.0, 0.0
        self.meter.advance(seconds)


def write_file(
    path: Path, meter: SimulatedMeter, frames: int, *, parity: bool = False, damage: Damage | None = None
) -> int:
    """Write so many frames as a recording, in 7-bit characters unless with `parity`; return the bytes written."""
    feed = Feed(meter, parity=parity, damage=damage)
    with path.open("wb") as file:
        return sum(file.write(feed.next_frame()) for _ in range(frames))
