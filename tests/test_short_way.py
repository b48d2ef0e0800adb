"""The short way of a frame that differs in numbers alone publishes what the whole way does, for every kind of meter."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from helpers.feeding import PARIS, START
from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.simulator import KINDS, Events, SimulatedMeter
from tic_exporter.simulator.events import DynamicPeriod
from tic_exporter.tic.quantities import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from tic_exporter.tic.frames import DecodedFrame

FRAMES = 200
ALWAYS_ANOTHER = frozenset({"ice-2q-split", "ice-4q-1.01", "ice-4q", "cje"})
"""Labels take turns in each frame, or what others hang on stands in one value with the power."""
GAPS = (5, 30, 61, 400, 900, 3600)
DYNAMIC = timedelta(minutes=1), timedelta(minutes=30)


class Site:
    """A simulated meter to which something happens now and then, and the line that carries its frames."""

    def __init__(self, kind: str, seed: int) -> None:
        self.random = random = Random(f"{kind} {seed}")  # noqa: S311 - a simulation
        start = datetime(2026, 1, 15, random.choice([5, 11, 12, 21, 23]), random.choice([5, 28, 58]), 50)  # noqa: DTZ001
        row = KINDS[kind]
        self.events = Events()
        contract = random.choice(list(row.contracts))
        self.meter = SimulatedMeter(kind, seed=seed, start=start, contract=contract, events=self.events)
        self.can_switch = bool(row.other_mode)
        self.new_id = f"0201{row.device_type}{random.randrange(10**6):06}"
        self.seconds = 0.0

    def frame(self) -> bytes:
        """The next one, perhaps after an event or a silence, perhaps with a flipped bit."""
        if self.random.random() < 0.12:
            self.random.choice(HAPPENINGS)(self)
        if self.random.random() < 0.02:
            gap = self.random.choice(GAPS)
            self.meter.advance(gap)
            self.seconds += gap
        sent = self.meter.next_frame()
        self.seconds += self.meter.line_time
        if sent and self.random.random() < 0.05:
            place = self.random.randrange(len(sent))
            sent = sent[:place] + bytes([sent[place] ^ 1 << self.random.randrange(8)]) + sent[place + 1 :]
        return sent

    def switch_mode(self) -> None:
        if self.can_switch:
            self.meter.switch_mode()

    def announce(self) -> None:
        now = self.meter.now
        self.events.dynamic = () if self.events.dynamic else (DynamicPeriod(now + DYNAMIC[0], now + DYNAMIC[1]),)

    def change_period(self) -> None:
        self.events.period = self.random.choice([None, *self.meter.site.contract.calendar.periods])


def flip(name: str) -> Callable[[Site], None]:
    return lambda site: setattr(site.events, name, not getattr(site.events, name))


def draw(name: str, *values: object) -> Callable[[Site], None]:
    return lambda site: setattr(site.events, name, site.random.choice(values))


HAPPENINGS: tuple[Callable[[Site], None], ...] = (
    *map(flip, ("overload", "cover_open", "clock_degraded", "load_profile", "test_mode", "standby", "control_mode")),
    draw("voltage", 190.0, 230.0, 255.0),
    draw("message", "", "COUPURE A 12H"),
    draw("short_message", "UNE FOIS"),
    draw("point_flag", "", "H", "C", "M", "T"),
    draw("relays", 0, 2, 8),
    Site.change_period,
    Site.change_period,
    Site.announce,
    Site.switch_mode,
    lambda site: site.meter.interrupt(at_byte=site.random.randrange(1, 200)),
    lambda site: site.meter.replace(site.new_id),
)


def told(frame: DecodedFrame) -> tuple[object, ...]:
    """Everything but the way by which the frame was read."""
    return (*frame._replace(changed=None, readings=(), findings=()), *frame.readings, *frame.findings)


def remembered(meter: Meter) -> object:
    """What would be saved. When a level was last seen is told by the frame that brought it."""
    found = meter.remembered()
    return found and (
        found[0],
        {key: kept.value if key[0].kind is not Kind.REGISTER else kept for key, kept in found[1].items()},
    )


@pytest.mark.parametrize("drop_group", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_whichever_way_frames_are_read_the_same_is_published_and_remembered(
    kind: str,
    drop_group: bool,  # noqa: FBT001
) -> None:
    site = Site(kind, seed=int(drop_group))
    options = MeterOptions("meter", zone=PARIS, drop_group=drop_group)
    usual, whole = Meter(options), Meter(options)
    short = 0
    for number in range(FRAMES):
        sent = site.frame()
        now, unix = 1000.0 + site.seconds, START + site.seconds
        whole._decoder._likeness = None  # nothing to compare the next frame with
        frames, expected = usual.feed(sent, now, unix), whole.feed(sent, now, unix)
        short += sum(frame.changed is not None for frame in frames)
        assert not any(frame.changed for frame in expected)
        assert [told(frame) for frame in expected] == [told(frame) for frame in frames], number
        assert whole.snapshot == usual.snapshot, (number, site.meter.now)
        assert remembered(whole) == remembered(usual), number
    assert short > FRAMES / 10 or kind in ALWAYS_ANOTHER
