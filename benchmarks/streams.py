"""Undamaged streams: simulated meters that live through an eventful hour, and recordings of real ones."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from tic_exporter.simulator import KINDS, DynamicPeriod, Events, MobilePeak, SimulatedMeter
from tic_exporter.tic.framing import SEVEN_BITS

Sent = tuple[bytes, float]
"""A frame in 7-bit characters, and the seconds from the end of the one before to its own."""

_ETX = b"\x03"
_FEWEST = 8
"""Frames of a recording below which it says nothing: three confirm an id."""

# Hours at which tariffs change, days and months end, the clock is set; streams begin shortly before.
_STARTS = (
    "2024-01-17T06:00", "2024-01-31T00:00", "2024-02-01T00:00", "2024-03-31T02:00", "2024-07-05T12:30",
    "2024-10-27T02:00", "2024-11-01T00:00", "2024-12-12T09:00", "2024-12-12T18:00", "2024-12-17T22:00",
)  # fmt: skip
_EVENT = 0.02
"""Probability that an event begins or ends at a frame."""
_PAUSE = 0.005
"""Probability that nobody listens for a while after a frame, up to half an hour."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is played: a kind of simulated meter, or a recording."""

    name: str
    recording: Path | None = None

    def frames(self, random: Random, number: int) -> Iterator[Sent]:
        return self._recorded(number) if self.recording else _simulated(self.name, random, number)

    def _recorded(self, number: int) -> Iterator[Sent]:
        """Give a recording once, or its beginning; a second time its clock would go back."""
        if self.recording is None:
            return
        frames = [frame + _ETX for frame in self.recording.read_bytes().translate(SEVEN_BITS).split(_ETX)[:-1]]
        speed = 9600 if b"\t" in frames[0] else 1200
        for frame in frames[:number]:
            yield frame, len(frame) * 10 / speed


def simulated(kinds: tuple[str, ...]) -> list[Source]:
    return [Source(kind) for kind in kinds or tuple(KINDS)]


def recorded(folder: Path) -> list[Source]:
    """Find recordings that are long enough."""
    found = [path for path in sorted(folder.rglob("*.tic")) if path.read_bytes().count(_ETX) >= _FEWEST]
    return [Source(f"{path.parent.name}/{path.stem}", path) for path in found]


def _simulated(kind: str, random: Random, number: int) -> Iterator[Sent]:
    start = datetime.fromisoformat(random.choice(_STARTS)) - timedelta(minutes=random.uniform(0, 20))
    contracts = sorted(KINDS[kind].contracts)
    meter = SimulatedMeter(
        kind,
        seed=random.randrange(1_000_000),
        start=start.replace(microsecond=0),
        contract=random.choice(contracts),
        scale=random.choice((0.3, 1.0, 2.0)),
        producer=random.random() < 0.5,
    )
    for _ in range(number):
        if random.random() < _EVENT:
            _change(meter, random)
        pause = random.uniform(0, 1800) if random.random() < _PAUSE else 0.0
        meter.advance(pause)
        frame = meter.next_frame()
        yield frame, pause + meter.line_time


def _change(meter: SimulatedMeter, random: Random) -> None:
    """Let one thing begin, or everything that goes on end."""
    events = meter.events
    if random.random() < 0.5:
        for switch in fields(Events):
            setattr(events, switch.name, switch.default)
        return
    now = meter.now.replace(second=0, microsecond=0)
    soon, later = now + timedelta(minutes=random.randint(0, 8)), now + timedelta(minutes=random.randint(10, 25))
    switches: tuple[dict[str, object], ...] = (
        {"overload": True, "overload_phases": random.choice(((), (1,), (2,), (1, 3)))},
        {"missing_phases": random.choice(((1,), (2,), (3,)))},
        {"dynamic": (DynamicPeriod(soon, later, profile=random.randint(1, 3)),)},
        {"peaks": (MobilePeak(random.randint(1, 3), soon, later),)},
        {"control_mode": True},
        {"disconnector": random.choice(("open_overload", "open_remote_order"))},
        {"cover_open": True, "clock_degraded": True, "relays": random.randrange(128)},
        {"message": "COUPURE PREVUE", "short_message": "RAPPELEZ-NOUS"},
        {"voltage": 256.0, "telephone": True},
        {"test_mode": True},
        {"standby": True},
    )
    for name, value in random.choice(switches).items():
        setattr(events, name, value)
