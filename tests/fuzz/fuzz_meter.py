"""What any bytes at all may do to a meter: nothing but what the groups with a right checksum among them say.

A fuzzer's bytes are read as a script: which kind of meter, what the line does to its frames, when it breaks. So the
frames stay close to real ones, and deep ones are reached: a group may be given any text, with its checksum mended.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, generate_latest

from tic_exporter.exposition import MeterCollector
from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.simulator import KINDS, SimulatedMeter
from tic_exporter.tic.groups import Dialect, checksum
from tic_exporter.tic.parity import Parity, with_even_parity
from tic_exporter.tic.quantities import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "fuzzed"
FRAMES = 8
"""Frames of each kind that a script can choose from."""
LONGEST = 400
"""Bytes of a script."""

_PARITIES = (None, None, Parity.EVEN, Parity.NONE)
_START = datetime(2026, 1, 31, 23, 58)  # noqa: DTZ001 - legal time; a month, a day and an interval end soon
_PARIS = ZoneInfo("Europe/Paris")
_SEVEN_BITS = bytes(code & 0x7F for code in range(256))
_PIECES = re.compile(rb"[^\x02\x03\x04\r\n]+")
_DIGITS = re.compile(rb"\d+")


@cache
def frames(kind: str) -> tuple[bytes, ...]:
    """Consecutive frames, in 7-bit characters."""
    meter = SimulatedMeter(kind, start=_START, seed=7, producer=True)
    return tuple(meter.next_frame() for _ in range(FRAMES))


class Script:
    """A fuzzer's bytes, taken from the front; 0 where there are none left."""

    def __init__(self, data: bytes) -> None:
        self._data = data[:LONGEST]
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def byte(self) -> int:
        return (self.bytes(1) or b"\0")[0]

    def word(self) -> int:
        return self.byte() << 8 | self.byte()

    def bytes(self, number: int) -> bytes:
        taken = self._data[self._at : self._at + number]
        self._at += number
        return taken


class Played:
    """A meter that lives through a script, and what its line has said with a right checksum."""

    def __init__(self, data: bytes) -> None:
        script = self._script = Script(data)
        kinds = tuple(KINDS)
        self._frames = frames(kinds[script.byte() % len(kinds)])
        flags = script.byte()
        self._has_parity = bool(flags & 1)
        self._options = MeterOptions(
            NAME, zone=_PARIS, drop_group=bool(flags & 2), parity=_PARITIES[flags >> 2 & 3], live=bool(flags & 16)
        )
        self.meter = Meter(self._options)
        self._next = 0
        self._now, self._unix = 1000.0, _START.replace(tzinfo=_PARIS).timestamp()
        self._tail = b""
        self._numbers: set[int] = set()
        self._texts: set[str] = set()
        self._counts: dict[tuple[str, str], int] = {}

    def run(self) -> None:
        """Play the script to its end, and hold every property after every step."""
        self.meter.opened(port="fuzz", baud_rate="1200")
        while self._script:
            _STEPS[self._script.byte() % len(_STEPS)](self)
            self._check()
        self._render()

    # --- what may happen ----------------------------------------------------------------------------------------------

    def frame(self) -> bytes:
        """The next frame, so that a run of plain steps is a clean line."""
        self._next += 1
        return self._frames[(self._next - 1) % FRAMES]

    def clean(self) -> None:
        for _ in range(self._script.byte() % 6 + 1):
            self.say(self.frame())

    def changed_characters(self) -> None:
        damaged = bytearray(self.frame())
        for _ in range(self._script.byte() % 3 + 1):
            damaged[self._script.word() % len(damaged)] ^= self._script.byte()
        self.say(bytes(damaged))

    def edited_group(self) -> None:
        """Put other characters into one group of one or more frames, its checksum mended."""
        times, chosen, place = self._script.byte() % 3 + 1, self._script.byte(), self._script.byte()
        text = self._script.bytes(times + 2)
        for _ in range(times):
            groups = self.frame().split(b"\r")
            index = chosen % (len(groups) - 1)
            head, _, group = groups[index].rpartition(b"\n")
            at = place % max(1, len(group) - 2)
            covered = group[:at] + text + group[at + len(text) : -1]
            end = checksum(covered if b"\t" in group else covered[:-1])
            groups[index] = b"%b\n%b%c" % (head, covered, end)
            self.say(b"\r".join(groups))

    def swapped_groups(self) -> None:
        groups = self.frame()[1:-1].split(b"\r")[:-1]
        one, other = self._script.byte() % len(groups), self._script.byte() % len(groups)
        groups[one], groups[other] = groups[other], groups[one]
        self.say(b"\x02" + b"".join(group + b"\r" for group in groups) + b"\x03")

    def glued_frames(self) -> None:
        head, tail = self.frame(), self.frame()
        self.say(head[: self._script.word() % len(head)] + tail[self._script.word() % len(tail) :])

    def another_meter(self) -> None:
        kinds = tuple(KINDS)
        self._frames = frames(kinds[self._script.byte() % len(kinds)])

    def raw(self) -> None:
        self.say(self._script.bytes(self._script.byte() % 64))

    def wait(self) -> None:
        self._now += 2.0 ** (self._script.byte() % 24)

    def set_clock(self) -> None:
        self._unix += (self._script.byte() - 128) * 3600.0

    def reconnect(self) -> None:
        self.meter.closed()
        self.meter.opened(port="fuzz", baud_rate="9600")
        self._tail = b""

    def restart(self) -> None:
        """Let another process take over what this one would have saved."""
        remembered = self.meter.remembered()
        self.meter, self._counts = Meter(self._options), {}
        if remembered is not None:
            self.meter.restore(*remembered)
        self._tail = b""

    def finish(self) -> None:
        self.meter.finish()

    def say(self, text: bytes) -> None:
        """Put characters on the line."""
        self._note(text)
        data = with_even_parity(text) if self._has_parity else text
        self._now += len(data) / 120
        self._unix += len(data) / 120
        self.meter.feed(data, self._now, self._unix)

    # --- what must hold -----------------------------------------------------------------------------------------------

    def _note(self, text: bytes) -> None:
        """Gather what stands in groups that look undamaged; one may have come in pieces."""
        text = self._tail + text.translate(_SEVEN_BITS)
        for piece in _PIECES.findall(text):
            if any(len(piece) > 3 and checksum(piece[: -mode.uncovered]) == piece[-1] for mode in Dialect):
                self._numbers |= {int(digits) for digits in _DIGITS.findall(piece)}
                self._texts.add(piece.decode("ascii"))
        self._tail = text[-200:]

    def _check(self) -> None:
        snapshot = self.meter.snapshot
        counts = dict(snapshot.counts)
        assert all(counts.get(key, 0) >= number for key, number in self._counts.items()), "a counter fell"
        self._counts = counts
        identifier = snapshot.meter_id
        assert identifier in {"", NAME} or any(identifier in text for text in self._texts), f"an id {identifier}"
        for key, value in snapshot.readings.items():
            assert math.isfinite(value), f"{key} is {value}"
            if key[0].kind is Kind.REGISTER:
                number = round(value / key[0].unit.in_base(1.0))
                said = number in self._numbers or (not number % 1000 and number // 1000 in self._numbers)
                assert said, f"{key[0].metric}{dict(key[1])} is {number}, which no group said"

    def _render(self) -> None:
        """Let Prometheus' client write what a scrape would get."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(MeterCollector(lambda: [self.meter.snapshot], lambda: self._now))
        page = generate_latest(registry).decode()
        series = Counter(line.rpartition(" ")[0] for line in page.splitlines() if not line.startswith("#"))
        assert max(series.values()) == 1, f"twice: {series.most_common(1)}"


_STEPS = (
    Played.clean, Played.changed_characters, Played.edited_group, Played.swapped_groups, Played.glued_frames,
    Played.another_meter, Played.raw, Played.wait, Played.set_clock, Played.reconnect, Played.restart, Played.finish,
)  # fmt: skip


def check(data: bytes) -> None:
    """Play one script; AssertionError when a property does not hold."""
    Played(data).run()


def seeds() -> Iterator[bytes]:
    """Scripts that take every kind of meter through every step."""
    for kind in range(len(KINDS)):
        yield bytes((kind, kind % 4, 0, 5))
        for step in range(len(_STEPS)):
            yield bytes((kind, kind % 32, 0, 3, step, 2, 3, 1, 0x31, 0x32, 0, 5, step, 40, 1, 0, 7, 0, 3))
