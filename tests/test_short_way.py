"""The short way of a frame that differs in numbers alone tells and publishes what the whole way does."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from helpers.feeding import PARIS, START
from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.simulator import KINDS, Events, SimulatedMeter
from tic_exporter.simulator.events import DynamicPeriod
from tic_exporter.tic.decoding import Decoder
from tic_exporter.tic.framing import Cut, RawFrame
from tic_exporter.tic.groups import Group, encode_frame
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
    return (*frame._replace(changed=None, model=(), values=(), findings=()), *frame.readings, *frame.findings)


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


ODD = "0123456789ABEHP abk.,:-/$\t\r\n\x1f\x7f"
"""Digits, letters, and what must not be in a value."""


def bent(text: str, random: Random) -> str:
    """Another text in its place: other digits, a character more, less or exchanged, or nothing."""
    place, odd = random.randrange(len(text) + 1), random.choice(ODD)
    digits = "".join(random.choice("0123456789") if char.isdigit() else char for char in text)
    exchanged, longer = text[:place] + odd + text[place + 1 :], text[:place] + odd + text[place:]
    return random.choice([digits, digits, digits, exchanged, longer, text[:-1], text[1:], "", text.swapcase()])


def bend(groups: list[Group], random: Random) -> None:
    """Change one group, its checksum included, or the order of two."""
    place, other = random.randrange(len(groups)), random.randrange(len(groups))
    label, value, timestamp = groups[place]
    happens = random.random()
    if happens < 0.75:
        groups[place] = Group(label, bent(value, random), timestamp)
    elif happens < 0.85:
        groups[place] = Group(label, value, bent(timestamp, random) if timestamp else random.choice([None, "E2601"]))
    elif happens < 0.9:
        groups[place] = Group(bent(label, random), value, timestamp)
    elif happens < 0.93:
        groups[place:] = groups[place + 1 :] or groups[:1]
    elif happens < 0.96:
        groups.insert(place, groups[other])
    else:
        groups[place], groups[other] = groups[other], groups[place]


@pytest.mark.parametrize("drop_group", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_changes_between_two_frames_both_ways_tell_the_same(
    kind: str,
    drop_group: bool,  # noqa: FBT001
) -> None:
    random = Random(f"{kind} {drop_group}")  # noqa: S311 - a simulation
    simulated = SimulatedMeter(kind, seed=int(drop_group), start=datetime(2026, 1, 15, 12))  # noqa: DTZ001
    usual, whole = Decoder(drop_group=drop_group), Decoder(drop_group=drop_group)
    base: list[Group] = []
    for number in range(FRAMES):
        if random.random() < 0.4 or not base:
            simulated.next_frame()
            base = list(simulated.groups)
        groups = base.copy()
        for _ in range(random.choice([0, 0, 0, 1, 1, 2, 3])):
            bend(groups, random)
        if random.random() < 0.3:
            base = groups
        raw = RawFrame(encode_frame(groups, KINDS[kind].dialect)[1:-1], Cut.COMPLETE)
        whole._likeness = None
        expected, found = whole.decode(raw), usual.decode(raw)
        assert told(expected) == told(found), (number, raw.body)
