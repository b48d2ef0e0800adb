"""Frames of one meter to its readings: what the last frames say together, and what outlives them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .legal_time import LegalTime
from .plausibility import ASSUMED_TD, ClockFilter, IntervalAccumulator, RegisterFilter, Rejection, Td
from .registers import Registers, number
from .tic import quantities as q
from .tic.codecs import LocalTime, Value
from .tic.frames import DecodedFrame
from .tic.identity import describe
from .tic.quantities import Kind, Quantity
from .tic.schema import Dimensions, Family, Key, Reading

_Take = Callable[[Value, float, float], Rejection | None]
"""What takes (value, seconds since the last frame, now) of one place."""


def _leave(_value: Value, _seconds: float, _now: float) -> None:
    """Take nothing."""


VOLTS_PER_AMPERE = 200.0
"""Subscribed kVA per ampere of ISOUSC (NOI-CPT_54E 6.1.2: kVA x 1000 / 200, per phase)."""

_SUBSCRIBED = frozenset({q.LIMITER_THRESHOLD, q.SUBSCRIBED_APPARENT_POWER, q.SUBSCRIBED_ACTIVE_POWER})
_MEANING_MORE = _SUBSCRIBED | {q.SUBSCRIBED_CURRENT}
"""Numbers on which something else hangs: the frame after their change is folded whole."""
_NATURE = frozenset({(q.METER_PHASES, ()), (q.METER_PRODUCER, ())})
_DESCRIPTIVE = frozenset({Kind.TEXT, Kind.STATE})


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose frames these are: another id, another family or another dialect begins afresh."""

    meter_id: str
    family: Family
    mode: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that outlives its frame: a register as the meter counts it, a level, or a name. `seen` is Unix time."""

    value: float | str
    seen: float


class Fold:
    """The readings of one meter, frame after frame.

    Registers pass `RegisterFilter`. What is bound to the tariff period in force, or sent now and then, is kept until it
    is seen again. All else is what the last complete frame says, completed by the partial ones since.

    Most frames differ from the one before in a few numbers. While nothing waits for confirmation, only these are taken
    in; any other change (a state, a name, a label that comes or goes) has the whole frame folded.
    """

    def __init__(self, identity: Identity, legal_time: LegalTime, hidden: frozenset[Quantity] = frozenset()) -> None:
        self.identity = identity
        self.clock: float | None = None
        self._legal_time = legal_time
        self._hidden = hidden
        self._published: dict[Key, float] = {}
        self._current: dict[Key, float | str] = {}
        self._kept: dict[Key, Kept] = {}
        self._before: dict[Key, float | str] = {}
        self._periods: dict[Quantity, dict[str, None]] = {}
        self._registers = Registers(identity.family)
        self.restarted = self._registers.restarted
        """The registers that were believed to fall, until somebody clears the list."""
        self._shown: set[Key] = set()
        self._clock = ClockFilter()
        self._local_clock: LocalTime | None = None
        self._export_clock: LocalTime | None = None
        self._td = ASSUMED_TD
        self._billing_start: datetime | None = None
        self._next_billing_start: datetime | None = None
        self.unix = 0.0
        """Unix time of the last frame."""
        self._unsettled = True
        self._takers: list[_Take | None] = []
        self._waiting: list[int] = []
        self._seen_now: list[Key] = []
        self._registers.allow(self._contract_power())

    def is_of(self, meter_id: str, family: Family, mode: str) -> bool:
        """Whether frames of this identity belong here."""
        identity = self.identity
        return identity.meter_id == meter_id and identity.family is family and identity.mode == mode

    # --- taking a frame in --------------------------------------------------------------------------------------------

    def add(self, frame: DecodedFrame, now: float, unix: float) -> list[Rejection]:
        """Fold one interpreted frame in; `now` is the monotonic time of its end. Returns what was held back."""
        changed = frame.changed
        if changed is not None and not self._unsettled:
            self.unix = unix
            rejections = self._add_numbers(frame, changed, now)
        else:
            rejections = self._add_all(frame, now, unix)
            self.unix = unix
        self._registers.read_at = now
        return rejections

    def resume(self) -> None:
        """Say that nothing of this meter was published since the frame before."""
        self._registers.resume()
        self._unsettled = True

    def readings(self) -> dict[Key, float]:
        """Give every series to be published, in base units: a copy, which no later frame changes."""
        published = self._published.copy()
        for key in self._seen_now:
            published[key] = self.unix
        return published

    def settle(self) -> None:
        """Believe what waited for a further frame: the recording has ended."""
        self._registers.settle()
        for key, value in self._before.items():
            if key[0].kind is Kind.TEXT:
                self._current.setdefault(key, value)
        self._rebuild()

    def _take_clock(self, key: Key, time: Value, now: float) -> None:
        if not isinstance(time, LocalTime):
            return
        unix = self._legal_time.to_unix(time)
        if self._clock.accepts(unix, now):
            self._local_clock = time
            self.clock = self._current[key] = self._published[key] = unix
        else:
            self._doubt_clock(key)

    def _doubt_clock(self, key: Key) -> None:
        self._local_clock = self.clock = None
        self._current.pop(key, None)
        self._published.pop(key, None)
        self._unsettled = True

    def _take_interval(self, reading: Reading, now: float) -> Rejection | None:
        """Without a clock nothing tells in which interval it was counted."""
        clock = self._local_clock
        if clock is not None and reading.row.clock is q.EXPORT_CLOCK:
            clock = self._export_clock or clock
        return self._registers.take_interval(reading, now, clock, self._td) if clock else None

    # --- a frame that differs from the one before in numbers ----------------------------------------------------------

    def _add_numbers(self, frame: DecodedFrame, changed: Sequence[int], now: float) -> list[Rejection]:
        """Take the numbers at `changed`, and once more those of counters that wait to be confirmed."""
        if not self._takers:
            self._takers = [None] * len(frame.model)
            self._waiting = [place for place, told in enumerate(frame.model) if self._registers.waits(told)]
        takers, values, waiting = self._takers, frame.values, self._waiting
        seconds = max(0.0, now - self._registers.read_at)
        rejections = []
        if waiting:
            changed = [*changed, *[place for place in waiting if place not in changed]]
            self._waiting = []
        for place in changed:
            take = takers[place] or self._taker(place, frame.model)
            rejection = take(values[place], seconds, now)
            if rejection is not None:
                rejections.append(rejection)
        return rejections

    def _taker(self, place: int, model: Sequence[Reading]) -> _Take:
        """Make what takes the values of one place; it holds until the next whole frame."""
        reading = model[place]
        key = reading.key
        if (register := self._registers.register(key)) is not None:
            take = self._register_taker(place, reading, register)
        elif (accumulator := self._registers.interval(key)) is not None:
            take = self._interval_taker(place, reading, accumulator)
        elif reading.quantity is q.CLOCK:
            take = self._clock_taker(key)
        elif reading.quantity.kind is Kind.INTERVAL:  # no frame with a date has shown it yet
            take = _leave
        elif any(told.quantity is reading.quantity and told.key == key for told in model[place + 1 :]):
            take = _leave  # told again behind it
        else:
            take = self._level_taker(reading)
        self._takers[place] = take
        return take

    def _register_taker(self, place: int, reading: Reading, register: RegisterFilter) -> _Take:
        key, quantity, published = reading.key, reading.quantity, self._published
        in_base, limits = quantity.unit.in_base, self._registers.limits_of(quantity)
        hides_zero, is_kept = self._hides_zero(key), reading.row.is_kept

        def take(value: Value, seconds: float, _now: float) -> Rejection | None:
            before = register.value
            rejection = register.offer(float(value), seconds, limits)  # type: ignore[arg-type]  # a codec of numbers
            if register.pending is not None:
                self._waiting.append(place)
            believed = register.value
            if believed is not before and believed is not None:
                if believed or not hides_zero:
                    published[key] = in_base(believed)
                else:
                    published.pop(key, None)
                if is_kept:
                    self._keep(key, believed)
                if before is not None and believed < before:
                    self.restarted.append(quantity)
            return rejection

        return take

    def _interval_taker(self, place: int, reading: Reading, accumulator: IntervalAccumulator) -> _Take:
        key, published, in_base = reading.key, self._published, reading.quantity.unit.in_base
        limits = self._registers.limits_of(reading.quantity)
        is_export = reading.row.clock is q.EXPORT_CLOCK

        def take(value: Value, seconds: float, _now: float) -> Rejection | None:
            rejection = None
            clock = self._local_clock
            if clock is not None:
                if is_export:
                    clock = self._export_clock or clock
                number = float(value)  # type: ignore[arg-type]  # as above
                rejection = accumulator.offer(number, seconds, clock, self._td, limits)
                published[key] = in_base(accumulator.total)
            if accumulator.waits:
                self._waiting.append(place)
            return rejection

        return take

    def _clock_taker(self, key: Key) -> _Take:
        current, published, accepts, to_unix = (
            self._current, self._published, self._clock.accepts, self._legal_time.to_unix,
        )  # fmt: skip

        def take(value: Value, _seconds: float, now: float) -> None:
            unix = to_unix(value)  # type: ignore[arg-type]  # a codec of dates
            if accepts(unix, now):
                self._local_clock = value  # type: ignore[assignment]  # as above
                self.clock = current[key] = published[key] = unix
            else:
                self._doubt_clock(key)

        return take

    def _level_taker(self, reading: Reading) -> _Take:
        key, current, factor = reading.key, self._current, reading.quantity.unit.factor
        published = {} if reading.quantity in self._hidden else self._published
        if reading.quantity.kind is Kind.INSTANT:
            to_unix = self._legal_time.to_unix

            def take(value: Value, _seconds: float, _now: float) -> None:
                published[key] = current[key] = to_unix(value)  # type: ignore[arg-type]  # a codec of dates
        elif factor == 1.0:

            def take(value: Value, _seconds: float, _now: float) -> None:
                published[key] = current[key] = float(value)  # type: ignore[arg-type]  # a codec of numbers
        else:
            in_base = reading.quantity.unit.in_base

            def take(value: Value, _seconds: float, _now: float) -> None:
                number = current[key] = float(value)  # type: ignore[arg-type]  # as above
                published[key] = in_base(number)

        if reading.quantity not in _MEANING_MORE and reading.quantity is not self.identity.family.billing_start:
            return take

        def take_and_say(value: Value, seconds: float, now: float) -> None:
            self._unsettled = True
            take(value, seconds, now)

        return take_and_say

    def _keep(self, key: Key, value: float) -> None:
        """Have a register outlive its frame that was believed only now."""
        if key not in self._kept:
            self._kept[key] = Kept(value, self.unix)
            self._list_seen_now()

    # --- a whole frame ------------------------------------------------------------------------------------------------

    def _add_all(self, frame: DecodedFrame, now: float, unix: float) -> list[Rejection]:
        rejections = []
        self._unsettled = False
        self._export_clock = None
        self._notice_billing_period(frame)
        shown: set[Key] = set()
        counted: set[Key] = set()
        present: dict[Key, float | str] = {}
        offered: dict[Key, float | str] = {}
        for reading in frame.readings:
            kind, key = reading.quantity.kind, reading.key
            rejection = None
            if kind is Kind.REGISTER:
                rejection = self._registers.take_register(reading, now)
                shown.add(key)
                counted.add(key)
            elif kind is Kind.INTERVAL:
                rejection = self._take_interval(reading, now)
                counted.add(key)
            elif kind is Kind.CONTEXT:
                self._take_context(reading)
            elif reading.quantity is q.CLOCK:
                self._take_clock(key, reading.value, now)
                if self.clock is not None:
                    present[key] = self.clock
            else:
                self._take_value(reading, unix, present, offered)
            if rejection is not None:
                rejections.append(rejection)
        self._registers.end_frame(counted)
        self._settle(frame, present, offered, shown, unix)
        return rejections

    def _take_value(
        self, reading: Reading, unix: float, present: dict[Key, float | str], offered: dict[Key, float | str]
    ) -> None:
        kind, key = reading.quantity.kind, reading.key
        value = self._value(reading)
        offered[key] = value
        is_new = key not in self._before
        if kind in _DESCRIPTIVE and not reading.row.once and self._before.get(key) != value:
            self._unsettled = True
            if kind is Kind.TEXT:
                return  # a name is believed when two frames agree on it
        if reading.row.is_kept:
            # A level under a period that only one frame names could stand under a damaged name.
            if is_new and kind is not Kind.PRESENCE and not reading.row.once:
                self._unsettled = True
            else:
                self._kept[key] = Kept(value, unix)
        # Several labels may tell one state: one that says true is enough. Of a level the last one holds.
        elif kind is Kind.LEVEL or not present.get(key):
            present[key] = value

    def _take_context(self, reading: Reading) -> None:
        state = reading.quantity.in_force
        if state is not None and isinstance(reading.value, tuple):
            self._periods.setdefault(state, {}).update(dict.fromkeys(str(code) for code in reading.value))
        elif reading.quantity is q.INTEGRATION_PERIOD:
            minutes = int(number(reading))
            self._td = Td(minutes, minutes)
        elif isinstance(reading.value, LocalTime) and self._local_clock is not None:
            # A date that is not of this frame is none: then that of the first part has to do.
            later = (reading.value.naive - self._local_clock.naive).total_seconds()
            self._export_clock = reading.value if 0 <= later <= self.identity.family.frame_seconds else None

    def _settle(
        self,
        frame: DecodedFrame,
        present: dict[Key, float | str],
        offered: dict[Key, float | str],
        shown: set[Key],
        unix: float,
    ) -> None:
        """Let the frame take the place of the one before."""
        if frame.is_complete:
            self._leave(self._shown - shown)
        for (quantity, _), value in present.items():
            if quantity.kind is Kind.STATE and not quantity.states and self._before.get((quantity, ())) == value:
                self._periods.setdefault(quantity, {})[str(value)] = None
        if frame.is_complete:
            # What the meter is changes when two frames say so: parts of two, glued together, may look like one.
            spared = self._before.keys() & _NATURE - offered.keys()
            present |= {key: value for key, value in self._current.items() if key in spared}
            self._unsettled |= bool(spared)
            self._current, self._before, self._shown = present, offered, shown
        else:
            self._current, self._before = self._current | present, self._before | offered
            self._shown = self._shown | shown
        for reading in frame.readings:
            register = self._registers.register(reading.key) if reading.row.is_kept else None
            if register is not None and register.value is not None:
                self._kept[reading.key] = Kept(register.value, unix)
        self._unsettled |= not self._clock.is_settled
        self._registers.allow(self._contract_power())
        self._rebuild()

    def _leave(self, gone: set[Key]) -> None:
        """Keep what registers said that the meter does not show any more; what waited cannot be confirmed now."""
        for key in gone:
            value = self._registers.leave(key)
            if key in self._kept and value is not None:
                self._kept[key] = Kept(value, self.unix)

    def _notice_billing_period(self, frame: DecodedFrame) -> None:
        """Forget maxima and P-1 values of the periods not in force, once two frames name a later DebP."""
        start = (self.identity.family.billing_start, (("billing_period", "current"),))
        for reading in frame.readings:
            if reading.key != start or not isinstance(reading.value, LocalTime):
                continue
            begin = reading.value.naive
            if self._billing_start is not None and begin > self._billing_start:
                if begin != self._next_billing_start:
                    self._next_billing_start, self._unsettled = begin, True
                    return
                self._kept = {key: kept for key, kept in self._kept.items() if not key[0].per_billing_period}
            self._billing_start, self._next_billing_start = begin, None

    def _value(self, reading: Reading) -> float | str:
        if isinstance(reading.value, LocalTime):
            return self._legal_time.to_unix(reading.value)
        return reading.value if isinstance(reading.value, str) else number(reading)

    def _contract_power(self) -> float:
        """Watts that import registers may move by; without limit where neither limiter nor subscription is known."""
        known = [*self._current.items(), *((key, kept.value) for key, kept in self._kept.items())]
        powers = [value for (quantity, _), value in known if quantity in _SUBSCRIBED and isinstance(value, float)]
        amperes = self._current.get((q.SUBSCRIBED_CURRENT, ()))
        if isinstance(amperes, float):
            powers.append(amperes * VOLTS_PER_AMPERE * int(self.identity.family.info.get("phases", "1")))
        return max(powers) if powers and max(powers) > 0 else float("inf")

    # --- what outlives the process ------------------------------------------------------------------------------------

    def remembered(self) -> dict[Key, Kept]:
        """Give what is worth saving: registers, levels and names of periods that the next frame may not show."""
        now = self._shown & self._kept.keys()
        fresh = {key: Kept(value, self.unix) for key, value in self._registers.believed() if key in now}
        return {key: kept for key, kept in (self._kept | fresh).items() if key[0].kind is not Kind.PRESENCE}

    def restore(self, kept: Mapping[Key, Kept], now: float, unix: float) -> None:
        """Take up what an earlier process had kept of this meter, but for maxima and P-1 of an ended billing period."""
        start = self._legal_time.to_unix(LocalTime.of(self._billing_start)) if self._billing_start else 0.0
        for key, entry in kept.items():
            if key in self._kept or (key[0].per_billing_period and entry.seen < start):
                continue
            self._kept[key] = entry
            if key[0].kind is Kind.REGISTER and isinstance(entry.value, float):
                self._registers.restore(key, entry.value, now - max(0.0, unix - entry.seen))
        self._rebuild()

    # --- giving readings out ------------------------------------------------------------------------------------------

    def _rebuild(self) -> None:
        """List anew what is published."""
        values: dict[Key, float] = {}
        names: dict[tuple[str, Dimensions], tuple[Quantity, dict[str, str]]] = self._describe()
        named: set[tuple[str, Dimensions, str]] = set()
        kept = ((key, entry.value) for key, entry in self._kept.items())
        for key, value in (*self._current.items(), *kept):
            quantity, dimensions = key
            if quantity in self._hidden:
                continue
            if quantity.kind is Kind.TEXT:
                series, described = names.setdefault((quantity.metric, dimensions), (quantity, dict(dimensions)))
                name = (quantity.metric, dimensions, quantity.value_dimension)
                if name in named:  # a second message is a series of its own
                    values[series, (*dimensions, (quantity.value_dimension, str(value)))] = 1.0
                else:
                    named.add(name)
                    described[quantity.value_dimension] = str(value)
            elif quantity.kind is Kind.STATE:
                for state in quantity.states or self._periods.get(quantity, {}) | {str(value): None}:
                    values[quantity, ((quantity.value_dimension, state),)] = float(state == value)
            elif isinstance(value, float) and quantity.kind is not Kind.REGISTER:
                values[key] = quantity.unit.in_base(value)
        values.update(self._counters())
        values.update({(quantity, tuple(text.items())): 1.0 for quantity, text in names.values()})
        self._published = values
        self._takers = []
        self._list_seen_now()

    def _list_seen_now(self) -> None:
        """List the registers that the last frame showed, where most frames show one of several."""
        shown = self._shown & self._kept.keys() if self.identity.family.shows_one_period else set()
        self._seen_now = [(q.REGISTER_LAST_SEEN, key[1]) for key in shown if key[0] is q.ACTIVE_ENERGY_IMPORT]

    def _counters(self) -> dict[Key, float]:
        values: dict[Key, float] = {}
        withheld = self._registers.withheld()
        self._unsettled |= bool(withheld)
        for key, value in self._registers.believed():
            quantity, dimensions = key
            is_told = key in self._shown or (key in self._kept and quantity not in self.identity.family.told_in_full)
            if not is_told or key in withheld:
                continue
            if value == 0 and self._hides_zero(key):
                continue
            values[key] = quantity.unit.in_base(value)
            if key in self._kept and quantity is q.ACTIVE_ENERGY_IMPORT and self.identity.family.shows_one_period:
                values[q.REGISTER_LAST_SEEN, dimensions] = self._kept[key].seen
        sums = ((key, total) for key, total in self._registers.accumulated() if key not in withheld)
        values.update((key, key[0].unit.in_base(total)) for key, total in sums)
        return values

    def _hides_zero(self, key: Key) -> bool:
        """Whether a register that never counted stays hidden: one of a tariff period that is not in force."""
        (quantity, dimensions) = key
        state = quantity.in_force
        return state is not None and self._current.get((state, ())) != dict(dimensions).get("tariff_period")

    def _describe(self) -> dict[tuple[str, Dimensions], tuple[Quantity, dict[str, str]]]:
        identity = self.identity
        meter = {"family": identity.family.name, "mode": identity.mode, **describe(identity.meter_id)}
        meter |= {"phases": "", "producer": ""} | dict(identity.family.info)
        return {
            (q.METER_PHASES.metric, ()): (q.METER_PHASES, meter),
            (q.CONTRACT.metric, ()): (q.CONTRACT, {"contract": "", "calendar": ""}),
        }
