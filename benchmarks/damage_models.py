"""What a bad line, a bad port or a bad bridge does to a stream, each kind of damage apart.

Models work on the characters as they are on the line: with the parity in bit 7 (`bits` 8), or without it (7). But for
the independent bit errors, a model hits every second frame on average, so that there are undamaged frames between.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from tic_exporter.simulator import damage
from tic_exporter.tic.parity import with_even_parity

ETX, EOT, LF, CR = 0x03, 0x04, 0x0A, 0x0D

_HIT = 0.5
"""Probability that a frame is hit at all."""

Model = Callable[[bytes, Random, int], bytes]


@dataclass(slots=True)
class Line:
    """One damaged line: a model with its own chance; `apply` takes the frames in order.

    Args:
        model: damages one frame.
        random: decides.
        bits: per character.
        cuts: the line also loses what stands between a point in one frame and a point in a later one.
    """

    model: Model
    random: Random
    bits: int
    cuts: bool = False
    _is_lost: bool = False

    def apply(self, frame: bytes) -> bytes:
        return self._cut(frame) if self.cuts else self.model(frame, self.random, self.bits)

    def _cut(self, frame: bytes) -> bytes:
        """Truncate and glue: the head of one frame is followed by the tail of the next, or of one further on."""
        random = self.random
        start = 0
        if self._is_lost:
            if random.random() < 0.2:
                return b""
            start, self._is_lost = _cut_point(frame, random), False
        elif random.random() < 0.1:
            return frame[:-1]  # the end alone is lost; what follows begins a frame
        if random.random() < _HIT / 2:
            self._is_lost = True
            return frame[start : max(start, _cut_point(frame, random))]
        return frame[start:]


def _cut_point(frame: bytes, random: Random) -> int:
    """Choose where to cut; every second time between two groups, where it is seen least."""
    if random.random() < _HIT:
        ends = [index + 1 for index, code in enumerate(frame) if code & 0x7F == CR]
        if ends:
            return random.choice(ends)
    return random.randrange(len(frame) + 1)


def _clean(frame: bytes, _random: Random, _bits: int) -> bytes:
    return frame


def _bit_errors(rate: float) -> Model:
    return lambda frame, random, bits: damage(frame, random, rate, bits=bits)


def _burst(frame: bytes, random: Random, bits: int) -> bytes:
    """Make a run of 2 to 30 bits bad: its ends are wrong, each bit between is as likely wrong as right."""
    if random.random() >= _HIT or not frame:
        return frame
    damaged = bytearray(frame)
    length = random.randint(2, 30)
    first = random.randrange(max(1, len(frame) * bits - length))
    for position in range(first, min(first + length, len(frame) * bits)):
        if position in {first, first + length - 1} or random.random() < 0.5:
            damaged[position // bits] ^= 1 << position % bits
    return bytes(damaged)


def _some(frame: bytes, random: Random) -> list[int]:
    """Choose the places of one to three hits, the last first; none in every second frame."""
    if random.random() >= _HIT or len(frame) < 4:
        return []
    return sorted(random.sample(range(len(frame) - 1), random.randint(1, 3)), reverse=True)


def _dropped(frame: bytes, random: Random, _bits: int) -> bytes:
    damaged = bytearray(frame)
    for position in _some(frame, random):
        del damaged[position]
    return bytes(damaged)


def _duplicated(frame: bytes, random: Random, _bits: int) -> bytes:
    damaged = bytearray(frame)
    for position in _some(frame, random):
        damaged.insert(position, damaged[position])
    return bytes(damaged)


def _swapped(frame: bytes, random: Random, _bits: int) -> bytes:
    damaged = bytearray(frame)
    for position in _some(frame, random):
        damaged[position : position + 2] = damaged[position : position + 2][::-1]
    return bytes(damaged)


def _lost_spaces(frame: bytes, random: Random, _bits: int) -> bytes:
    """Take one, two or all spaces out of one group: two of them leave its checksum as it is."""
    spaces = [position for position, code in enumerate(frame) if code & 0x7F == 0x20]
    if random.random() >= _HIT or not spaces:
        return frame
    chosen = random.choice(spaces)
    seven_bits = bytes(code & 0x7F for code in frame)
    start, end = seven_bits.rfind(LF, 0, chosen), seven_bits.find(CR, chosen)
    inside = [position for position in spaces if start < position < (end if end >= 0 else len(frame))]
    number = random.choice((1, 2, 2, 2, len(inside)))
    damaged = bytearray(frame)
    for position in sorted(random.sample(inside, min(number, len(inside))), reverse=True):
        del damaged[position]
    return bytes(damaged)


def _eot_inserted(frame: bytes, random: Random, bits: int) -> bytes:
    """Insert EOT somewhere; every fourth time in the place of a character."""
    if random.random() >= _HIT or not frame:
        return frame
    code = with_even_parity(bytes([EOT])) if bits == 8 else bytes([EOT])
    position = random.randrange(len(frame))
    return frame[:position] + code + frame[position + (random.random() < 0.25) :]


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "clean": _clean,
        "bits-1e-5": _bit_errors(1e-5),
        "bits-1e-4": _bit_errors(1e-4),
        "bits-1e-3": _bit_errors(1e-3),
        "bits-1e-2": _bit_errors(1e-2),
        "bursts": _burst,
        "dropped": _dropped,
        "duplicated": _duplicated,
        "swapped": _swapped,
        "spaces": _lost_spaces,
        "eot": _eot_inserted,
        "glued": _clean,
    }
)
"""By name. `clean` damages nothing: it shows that the comparison itself finds nothing wrong."""

MILD = frozenset({"clean", "bits-1e-5", "bits-1e-4", "bits-1e-3"})
"""Models at which not one reading of any kind may be wrong while parity is checked."""


def line(name: str, random: Random, bits: int) -> Line:
    """Make a line damaged by the model of that name."""
    return Line(MODELS[name], random, bits, cuts=name == "glued")
