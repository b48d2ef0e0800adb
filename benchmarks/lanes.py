"""One stream under every model at once: what was sent, what came, and what three readers make of it."""

import logging
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random

from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.tic.frames import DecodedFrame
from tic_exporter.tic.framing import SEVEN_BITS
from tic_exporter.tic.parity import Parity, with_even_parity
from tic_exporter.tic.quantities import Kind
from tic_exporter.tic.schema import Key

from . import damage_models
from .checksum_only import Reader
from .streams import Source
from .tallies import EXAMPLES, GROUPS, Example, Result, Row, Tally
from .truth import NAME, Judge, Truth, Verdict

PARITIES = {"even": 8, "7 bits": 7}
"""Kinds of line, and bits per character: bit 7 is the parity, or something on the way has taken it off."""

_STX, _DELIMITERS = 0x02, b"\x02\x03\x04"
_OTHERS = bytes(code for code in range(256) if code not in _DELIMITERS)


class Lane:
    """One damaged line and its readers.

    Args:
        truth: of the stream.
        model: a name of `damage_models.MODELS`.
        parity: a name of `PARITIES`.
        random: decides on the damage.
        place: source and round, for examples.
        groups: a reader that keeps the good groups of damaged frames listens too.
    """

    def __init__(
        self, truth: Truth, model: str, parity: str, random: Random, place: tuple[str, int], *, groups: bool = False
    ) -> None:
        self.truth = truth
        self.model, self.parity = model, parity
        self.row = Row()
        self.examples: list[Example] = []
        self._place = place
        self._line = damage_models.line(model, random, PARITIES[parity])
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=4)
        self._kept: Counter[tuple[str, str]] = Counter()
        self._began: int | None = None
        self._lines = Reader()
        self._meters = {"values": _Column(truth, Parity.NONE), "all": _Column(truth, None)}
        if groups:
            self._meters[GROUPS] = _Column(truth, None, drop_group=True)
            self.row.columns[GROUPS] = Tally()

    def take(self, clean: bytes, now: float) -> None:
        """Send one frame, as the line carries it, down the line; `now` is when it ends."""
        came = self._line.apply(clean)
        row = self.row
        row.sent += 1
        is_intact = came == clean
        row.undamaged += is_intact
        if not is_intact:
            self._recent.append((self.truth.now, came))
        began = self.truth.now if self._began is None else self._began
        self._read_lines(came, is_intact=is_intact)
        for name, column in self._meters.items():
            column.take(came, now)
            self._count(name, column, began, is_due=is_intact and self.truth.is_published)
        self._note_delimiters(came)

    def _note_delimiters(self, came: bytes) -> None:
        """Remember in which frame the one began that is open now, if one is."""
        last = came.translate(SEVEN_BITS).translate(None, _OTHERS)[-1:]
        if last:
            self._began = self.truth.now if last[0] == _STX else None

    # --- checksum only ------------------------------------------------------------------------------------------------

    def _read_lines(self, came: bytes, *, is_intact: bool) -> None:
        truth, tally = self.truth, self.row.columns["checksum"]
        true = truth.lines[-1]
        found = False
        for text in self._lines.feed(came):
            line = true.get(text) or truth.believed(text)
            if line is None:
                continue
            found = True
            tally.readings += line.readings
            if text in true or line.read in self._reads():
                continue
            if line.is_id:
                tally.ids += 1
                self._keep("id", "checksum", line.read[0], line.read[1], "another", text)
                continue
            tally.wrong += line.readings
            tally.registers += line.registers
            what = "register" if line.registers else "reading"
            self._keep(what, "checksum", line.read[0], line.read[1], "another", text)
        tally.published += found
        if is_intact and truth.is_published:
            tally.due += 1
            tally.delivered += found

    def _reads(self) -> set[tuple[str, str]]:
        """What the last frames said: one that was glued to the one before holds groups of both."""
        return {line.read for lines in self.truth.lines[-3:] for line in lines.values()}

    # --- the exporter -------------------------------------------------------------------------------------------------

    def _count(self, name: str, column: "_Column", began: int, *, is_due: bool) -> None:
        tally = self.row.columns[name]
        if is_due and column.meter.snapshot.meter_id:
            tally.due += 1
            tally.delivered += column.frame is not None
        frame = column.frame
        if frame is None:
            return
        snapshot = column.meter.snapshot
        tally.published += 1
        tally.readings += len(snapshot.readings)
        if snapshot.meter_id not in self.truth.ids:
            tally.ids += 1
            self._keep("id", name, "meter_id", snapshot.meter_id, ", ".join(sorted(self.truth.ids)))
        if not self.truth.meter.snapshot.meter_id:
            return
        for key, verdict in column.judge.judge(snapshot.readings, frame, began, column.heard).items():
            tally.behind += verdict is Verdict.BEHIND
            tally.between += verdict is Verdict.BETWEEN
            if verdict is not Verdict.WRONG:
                continue
            tally.wrong += 1
            is_register = key[0].kind is Kind.REGISTER
            tally.registers += is_register
            if name == "all":
                kind = key[0].kind.name.lower()
                self.row.kinds[kind] = self.row.kinds.get(kind, 0) + 1
            series = f"{key[0].metric}{dict(key[1])}"
            true = self.truth.describe(key)
            self._keep("register" if is_register else "reading", name, series, f"{snapshot.readings[key]}", true)

    def _keep(self, what: str, column: str, series: str, published: str, true: str, text: bytes | None = None) -> None:
        if self._kept[what, column] >= EXAMPLES:
            return
        self._kept[what, column] += 1
        damaged = repr(text) if text is not None else self._damaged_groups()
        here = (self.model, self.parity, *self._place, self.truth.now)
        self.examples.append(Example(what, column, *here, series, published, true, damaged))

    def _damaged_groups(self) -> str:
        """Give the groups of the last damaged frames that were not sent so."""
        said = []
        for number, came in self._recent:
            sent = self.truth.sent[number]
            groups = set(sent.translate(None, _DELIMITERS).split(b"\r\n"))
            lines = [
                part
                for part in came.translate(SEVEN_BITS).translate(None, _DELIMITERS).split(b"\r\n")
                if part not in groups
            ]
            said.append(f"frame {number}: {lines[:6]}")
        return "; ".join(said[-3:])


class _Column:
    """The exporter at the end of one line, and what it publishes."""

    def __init__(self, truth: Truth, parity: Parity | None, *, drop_group: bool = False) -> None:
        options = MeterOptions(NAME, parity=parity, drop_group=drop_group, live=False, hidden=frozenset())
        self.meter = Meter(options)
        self.judge = Judge(truth)
        self.frame: DecodedFrame | None = None
        self.heard = 0
        self._truth = truth
        self._is_heard = False

    def take(self, came: bytes, now: float) -> None:
        frames = self.meter.feed(came, now, now)
        if not self._is_heard and any(frame.is_interpreted and not frame.is_test for frame in frames):
            self.heard, self._is_heard = self._truth.now, True
        snapshot = self.meter.snapshot
        taken = [frame for frame in frames if self._is_taken(frame, snapshot.readings)] if snapshot.meter_id else []
        self.frame = taken[-1] if taken else None

    def _is_taken(self, frame: DecodedFrame, readings: Mapping[Key, float]) -> bool:
        """Whether the frame went into what is published, rather than to an identity that waits."""
        if not frame.is_interpreted or frame.family is None or frame.is_test:
            return False
        is_expected = frame.family is self._truth.family and (frame.meter_id or NAME) == self.meter.snapshot.meter_id
        return is_expected or readings != self.judge.before


@contextmanager
def silence() -> Iterator[None]:
    """Keep the log quiet: damaged lines have much to say."""
    log = logging.getLogger("tic_exporter")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _chance(seed: int, place: tuple[str, int], *words: str) -> Random:
    return Random(" ".join((str(seed), str(place[1]), place[0], *words)))  # noqa: S311 - chance, no secret


def play(source: Source, models: Sequence[str], *, seed: int, turn: int, frames: int, groups: bool = False) -> Result:
    """Play one stream through every model, with parity and without. The same arguments give the same result."""
    truth = Truth()
    place = (source.name, turn)
    lanes = [
        Lane(truth, model, parity, _chance(seed, place, model, parity), place, groups=groups)
        for model in models
        for parity in PARITIES
    ]
    now = 0.0
    with silence():
        for frame, seconds in source.frames(_chance(seed, place), frames):
            now += seconds
            truth.take(frame, now)
            even = with_even_parity(frame)
            for lane in lanes:
                lane.take(even if lane.parity == "even" else frame, now)
    result = Result()
    family = f"{truth.family.name} {truth.dialect.name.lower()}" if truth.family else "none"
    for lane in lanes:
        result.add(Result({(lane.model, lane.parity): lane.row}, {family: lane.row}, lane.examples))
    return result
