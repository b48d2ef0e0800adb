"""What is true at each frame of a stream, told by a twin meter that hears it undamaged at the same instants.

A sample is what a damaged reader shows after a frame that it published. It is right under these rules:

- *Level, instant, state, flag*: it is what the twin shows after the same frame. Where the frame that came does not tell
  the quantity (it is kept from an earlier one, or the frame is a partial one), what the reader showed before may stand,
  or it may be anything that the twin showed since then. A series of 0 for a state that was true once is right while
  another one is in force.
- *Register*: it is a value that the true register had at this frame, or before, and not less than what the reader
  showed before: a reader may wait for a second frame, and the last right value stands while a new one is held back. A
  register passes every value between two that it sends, so one that was never sent, but lies between what the reader
  showed last and what the meter sends now, is right as well (the tally `between` counts them). The first value shown
  is at least the first one sent. A value that was wrong stays wrong as long as it stands.
- *Interval energy*, accumulated by each reader from its own first frame on: it is never more than the meter has counted
  since that frame. It may be what it was `PATIENCE` samples ago, of frames that tell it, or what the twin shows; where
  it is less still, a top Td must have taken it away while frames were lost. An error is counted once, where it happens:
  what counts is the increase.
- *Text*: each dimension is empty or what the twin shows. An empty one is an absent label to Prometheus: a name that
  waits for its second frame is gone, not altered.
- *Time of the last reading of a register*: not later than the twin's.
- A series that the twin never had is wrong, whatever its value.

A frame that was glued to the one before holds true groups of both: then what the twin showed since the frame began is
right too.

Limits: a recording may hold damage of its own; while the twin publishes nothing, nothing is judged, nor
what stands from then on. That a value stands for long is not judged (see the tally `behind`). The amount of interval
energy lost across a top Td is not checked, and what is lost makes the bound loose by what `PATIENCE` frames count.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.tic import quantities as q
from tic_exporter.tic.codecs import LocalTime
from tic_exporter.tic.frames import DecodedFrame
from tic_exporter.tic.groups import Dialect
from tic_exporter.tic.quantities import Kind
from tic_exporter.tic.schema import Family, Key

from .checksum_only import Line, Reader, believe

NAME = "meter"
"""Of every meter here; it stands for the id of families that send none."""

PATIENCE = 8
"""Samples by which interval energy may lag: frames confirm each other, and those between may be hit."""

_LEAST = 1e-6
_TD = 10


class Verdict(Enum):
    """What a sample is. `BEHIND` is right too: a value from before stands; and `BETWEEN`: the register passed it."""

    RIGHT = "right"
    BEHIND = "behind"
    BETWEEN = "between"
    WRONG = "wrong"


class Truth:
    """All that was sent on one line, frame by frame, and what a reader without damage makes of it."""

    def __init__(self) -> None:
        self.meter = Meter(MeterOptions(NAME, live=False, hidden=frozenset()))
        self.sent: list[bytes] = []
        self.readings: list[Mapping[Key, float]] = []
        self.decoded: list[DecodedFrame | None] = []
        self.lines: list[Mapping[bytes, Line]] = []
        self.tops: list[int] = []
        self.family: Family | None = None
        self.dialect = Dialect.HISTORIC
        self.ever: set[Key] = set()
        self.ids: set[str] = set()
        self.is_published = False
        self._reader = Reader()
        self._td = _TD
        self._interval = 0
        self._shown: Mapping[Key, float] = {}
        self._believed: dict[bytes, Line | None] = {}
        self.registers: dict[Key, tuple[float, float]] = {}
        self.sent_values: dict[Key, set[float]] = {}
        self.counted: dict[Key, float] = {}
        self.counts: list[Mapping[Key, float]] = []
        self._intervals: dict[Key, tuple[float, int]] = {}

    @property
    def now(self) -> int:
        """The number of the frame that was sent last."""
        return len(self.sent) - 1

    def take(self, frame: bytes, now: float) -> None:
        """Hear one frame, in 7-bit characters, undamaged."""
        frames = self.meter.feed(frame, now, now)
        good = [frame for frame in frames if frame.is_interpreted and frame.family is not None]
        self.sent.append(frame)
        self.decoded.append(good[-1] if good else None)
        if good:
            self.family, self.dialect = good[-1].family, good[-1].dialect
        snapshot = self.meter.snapshot
        self.is_published = bool(good) and not good[-1].is_test and bool(snapshot.meter_id)
        self.readings.append(snapshot.readings)
        if good:
            self.ids.add(good[-1].meter_id or NAME)
        if self._shown.keys() != snapshot.readings.keys():
            self.ever |= snapshot.readings.keys()
        self._shown = snapshot.readings
        self.lines.append(self._lines(frame))
        self.tops.append(self._top(good[-1] if good else None))
        if good and not good[-1].is_test:
            self._count(good[-1])
        self.counts.append(dict(self.counted))

    def _count(self, frame: DecodedFrame) -> None:
        """Note the first and the last value of each register, and what the interval energies have counted in all."""
        top = self.tops[-1]
        for quantity, dimensions, value, _ in frame.readings:
            key = (quantity, dimensions)
            if not isinstance(value, int | float):
                continue
            if quantity.kind is Kind.REGISTER:
                number = quantity.unit.in_base(value)
                self.registers[key] = self.registers.get(key, (number, number))[0], number
                self.sent_values.setdefault(key, set()).add(number)
            elif quantity.kind is Kind.INTERVAL:
                before, at = self._intervals.get(key, (value, top))
                added = value if top != at or value < before else value - before
                self.counted[key] = self.counted.get(key, 0.0) + quantity.unit.in_base(added)
                self._intervals[key] = value, top

    def believed(self, text: bytes) -> Line | None:
        """Read a line as `checksum_only` does."""
        if self.family is None:
            return None
        return believe(text, self.family, self.dialect)

    def _lines(self, frame: bytes) -> Mapping[bytes, Line]:
        """Give the groups of the frame; most are those of the one before."""
        before, self._believed = self._believed, {}
        for text in self._reader.feed(frame):
            self._believed[text] = before.get(text) or self.believed(text)
        return {text: line for text, line in self._believed.items() if line is not None}

    def _top(self, frame: DecodedFrame | None) -> int:
        """Count the tops of Td that were passed, by the meter's clock; setting it back is one too."""
        top = self.tops[-1] if self.tops else 0
        for reading in frame.readings if frame else ():
            if reading.quantity is q.INTEGRATION_PERIOD and isinstance(reading.value, int):
                self._td = reading.value
            if reading.quantity is q.CLOCK and isinstance(reading.value, LocalTime):
                clock = reading.value.naive
                interval = (clock.toordinal() * 1440 + clock.hour * 60 + clock.minute) // self._td
                top += interval != self._interval
                self._interval = interval
                break
        return top

    def shown_since(self, first: int, key: Key) -> Iterator[float]:
        """Give what the twin showed for a series, from frame `first` on."""
        for number in range(max(0, first), self.now + 1):
            value = self.readings[number].get(key)
            if value is not None:
                yield value

    def describe(self, key: Key) -> str:
        """Say what is true of a series, for a report."""
        value = self.readings[-1].get(key)
        if key[0].kind is Kind.REGISTER and key in self.registers:
            return f"{self.registers[key][1]}"
        if key[0].kind is Kind.INTERVAL:
            return f"{value}, of {self.counted.get(key)} counted"
        if value is None:
            same = [other for other in self.readings[-1] if other[0].metric == key[0].metric]
            return "no such series" + (f"; {dict(same[0][1])}" if same and key[0].kind is Kind.TEXT else "")
        return f"{value}"


@dataclass(slots=True)
class _Interval:
    """How one reader's sum relates to what the meter has counted.

    Args:
        least, most: bounds of what the meter had counted that is not in the sum: before its first frame, and lost.
        agreed: number of the interval in which nothing more had been lost.
        samples: the last published frames that told the quantity.
    """

    least: float
    most: float
    agreed: int
    samples: deque[int] = field(default_factory=lambda: deque(maxlen=PATIENCE + 1))


@dataclass(slots=True)
class Judge:
    """Compares what one reader shows with the truth; see the rules above."""

    truth: Truth
    before: Mapping[Key, float] = field(default_factory=dict)
    _wrong: dict[Key, float] = field(default_factory=dict)
    _last: int = 0
    _heard: int = 0
    _intervals: dict[Key, _Interval] = field(default_factory=dict)
    _frame: DecodedFrame | None = None
    _told: set[object] | None = None

    def judge(self, readings: Mapping[Key, float], frame: DecodedFrame, began: int, heard: int) -> dict[Key, Verdict]:
        """Judge every sample after `frame`, which began in frame `began`; gives those that are not the twin's.

        `heard` is the first frame that the reader may have counted from. `readings` must not be changed afterwards.
        """
        truth = self.truth.readings[-1]
        verdicts: dict[Key, Verdict] = {}
        wrong: dict[Key, float] = {}
        self._frame, self._told, self._heard = frame, None, heard
        for key, value in readings.items():
            if key[0].kind is Kind.INTERVAL:
                verdict = self._judge_interval(key, value, heard)
            elif truth.get(key) == value:
                continue
            else:
                verdict = self._judge_sample(key, value, began)
                if verdict is Verdict.WRONG:
                    wrong[key] = value
            if verdict is not Verdict.RIGHT:
                verdicts[key] = verdict
        self.before, self._wrong = readings, wrong
        self._last = self.truth.now
        return verdicts

    def _is_told(self, key: Key) -> bool:
        """Whether the frame that came says the value itself, so that no older one can stand for it."""
        if self._told is None:
            self._told = set()
            for reading in self._frame.readings if self._frame else ():
                if not reading.row.is_kept:
                    self._told.add(reading.quantity if reading.quantity.kind is Kind.STATE else reading.key)
        return (key[0] if key[0].kind is Kind.STATE else key) in self._told

    def _judge_sample(self, key: Key, value: float, began: int) -> Verdict:
        quantity = key[0]
        if quantity.kind is Kind.REGISTER:
            return self._judge_register(key, value)
        if quantity.kind is Kind.TEXT:
            return self._judge_text(key, began)
        if key not in self.truth.ever:
            return Verdict.WRONG
        if quantity is q.REGISTER_LAST_SEEN:
            return Verdict.RIGHT if value <= max(self.truth.shown_since(0, key), default=0.0) else Verdict.WRONG
        return self._judge_level(key, value, began)

    def _judge_level(self, key: Key, value: float, began: int) -> Verdict:
        truth = self.truth
        if key[0].kind is Kind.STATE and value == 0.0 and key not in truth.readings[-1]:
            return Verdict.RIGHT
        known = key in self.before
        if self._is_told(key):
            first = began
        elif known and self.before[key] == value and key not in self._wrong:
            return Verdict.BEHIND
        elif not known and not truth.readings[self._heard]:
            return Verdict.BEHIND  # from before the twin had confirmed the id
        else:
            first = min(began, self._last + 1) if known else 0
        return Verdict.BEHIND if value in truth.shown_since(first, key) else Verdict.WRONG

    def _judge_register(self, key: Key, value: float) -> Verdict:
        truth = self.truth
        first, last = truth.registers.get(key, (0.0, -1.0))
        if value == last:
            return Verdict.RIGHT
        before = self.before.get(key)
        if self._wrong.get(key, before) == value == before:
            return Verdict.WRONG if key in self._wrong else Verdict.BEHIND
        least = first if before is None or key in self._wrong else before
        if not least <= value <= last:
            return Verdict.WRONG
        return Verdict.BEHIND if value in truth.sent_values[key] else Verdict.BETWEEN

    def _judge_text(self, key: Key, began: int) -> Verdict:
        """Compare what is not empty; a text that stands, or of a frame just before, is right like any other value."""
        truth, quantity, text = self.truth, key[0], dict(key[1])
        first = min(began, self._last)
        for number in range(truth.now, max(0, first) - 1, -1):
            for other, words in truth.readings[number]:
                if other.metric != quantity.metric:
                    continue
                true = dict(words)
                if text.keys() == true.keys() and all(not word or true[name] == word for name, word in text.items()):
                    return Verdict.RIGHT if number == truth.now else Verdict.BEHIND
        stands = key in self.before and key in truth.ever and key not in self._wrong
        return Verdict.BEHIND if stands else Verdict.WRONG

    def _judge_interval(self, key: Key, value: float, heard: int) -> Verdict:
        truth = self.truth
        if key not in truth.counted:
            return Verdict.WRONG
        known = self._intervals.get(key)
        counted, top = truth.counted[key], truth.tops[-1]
        if known is None:
            least = truth.counts[heard].get(key, 0.0)
            known = self._intervals[key] = _Interval(least, max(least, counted - value), top)
        if value > counted - known.least + _LEAST:
            known.least, known.agreed = counted - value, top
            known.most = max(known.most, known.least)
            return Verdict.WRONG
        if not self._is_told(key):
            return Verdict.RIGHT
        samples = known.samples
        if samples and value >= truth.counts[samples[-1]].get(key, 0.0) - known.least - _LEAST:
            known.agreed = truth.tops[samples[-1]]
        samples.append(truth.now)
        if len(samples) <= PATIENCE:
            return Verdict.RIGHT
        earliest = truth.counts[samples[0]].get(key, 0.0)
        if value >= min(earliest - known.most, truth.readings[-1].get(key, earliest)) - _LEAST:
            return Verdict.RIGHT
        verdict = Verdict.WRONG if top == known.agreed else Verdict.BEHIND
        known.least, known.most, known.agreed = earliest - value, counted - value, top
        return verdict
