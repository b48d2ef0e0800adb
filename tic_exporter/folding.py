"""Frames of one meter to what is known of it: what the last frames say together."""

from collections.abc import Mapping
from datetime import datetime

from .known import Identity, Kept, Known
from .legal_time import LegalTime
from .meter_clock import MeterClock
from .plausibility import Rejection, Td
from .registers import number
from .takers import Takers
from .tic import quantities as q
from .tic.codecs import LocalTime, Value
from .tic.frames import DecodedFrame
from .tic.quantities import Kind, Quantity
from .tic.schema import Family, Key, Reading

_NATURE = frozenset({(q.METER_PHASES, ()), (q.METER_PRODUCER, ())})
_DESCRIPTIVE = frozenset({Kind.TEXT, Kind.STATE})


class Fold:
    """The readings of one meter, frame after frame.

    Registers pass `RegisterFilter`. What is bound to the tariff period in force, or sent now and then, is kept until it
    is seen again. All else is what the last complete frame says, completed by the partial ones since.

    Most frames differ from the one before in a few numbers. While nothing waits for confirmation, only these are taken
    in (`Takers`); any other change (a state, a name, a label that comes or goes) has the whole frame folded.
    """

    def __init__(self, identity: Identity, legal_time: LegalTime, hidden: frozenset[Quantity] = frozenset()) -> None:
        self.identity = identity
        self.known = Known(identity, legal_time, hidden)
        self.clock = MeterClock(legal_time)
        self.restarted = self.known.registers.restarted
        """The registers that were believed to fall, until somebody clears the list."""
        self._takers = Takers(self.known, self.clock)
        self._before: dict[Key, float | str] = {}
        self._billing_start: datetime | None = None
        self._next_billing_start: datetime | None = None
        self.known.registers.allow(self.known.contract_power())

    def is_of(self, meter_id: str, family: Family, mode: str) -> bool:
        """Whether frames of this identity belong here."""
        identity = self.identity
        return identity.meter_id == meter_id and identity.family is family and identity.mode == mode

    def add(self, frame: DecodedFrame, now: float, unix: float) -> list[Rejection]:
        """Fold one interpreted frame in; `now` is the monotonic time of its end. Returns what was held back."""
        known, changed = self.known, frame.changed
        if changed is not None and not known.unsettled:
            known.unix = unix
            rejections = self._takers.take(frame, changed, now)
        else:
            rejections = self._add_all(frame, now, unix)
            known.unix = unix
        known.registers.read_at = now
        return rejections

    def resume(self) -> None:
        """Say that nothing of this meter was published since the frame before."""
        self.known.registers.resume()
        self.known.unsettled = True

    def settle(self) -> None:
        """Believe what waited for a further frame: the recording has ended."""
        self.known.registers.settle()
        for key, value in self._before.items():
            if key[0].kind is Kind.TEXT:
                self.known.current.setdefault(key, value)
        self._publish()

    def restore(self, kept: Mapping[Key, Kept], now: float, unix: float) -> None:
        """Take up what an earlier process had kept of this meter."""
        start = self.known.legal_time.to_unix(LocalTime.of(self._billing_start)) if self._billing_start else 0.0
        self.known.restore(kept, now, unix, period_start=start)
        self._publish()

    def _publish(self) -> None:
        self.known.rebuild()
        self._takers.forget()

    # --- a whole frame ------------------------------------------------------------------------------------------------

    def _add_all(self, frame: DecodedFrame, now: float, unix: float) -> list[Rejection]:
        rejections = []
        self.known.unsettled = False
        self.clock.begin_frame()
        self._notice_billing_period(frame)
        shown: set[Key] = set()
        counted: set[Key] = set()
        present: dict[Key, float | str] = {}
        offered: dict[Key, float | str] = {}
        for reading in frame.readings:
            kind, key = reading.quantity.kind, reading.key
            rejection = None
            if kind is Kind.REGISTER:
                rejection = self.known.registers.take_register(reading, now)
                shown.add(key)
                counted.add(key)
            elif kind is Kind.INTERVAL:
                rejection = self._take_interval(reading, now)
                counted.add(key)
            elif kind is Kind.CONTEXT:
                self._take_context(reading)
            elif reading.quantity is q.CLOCK:
                self._take_date(key, reading.value, now, present)
            else:
                self._take_value(reading, unix, present, offered)
            if rejection is not None:
                rejections.append(rejection)
        self.known.registers.end_frame(counted)
        self._settle(frame, present, offered, shown, unix)
        return rejections

    def _take_date(self, key: Key, date: Value, now: float, present: dict[Key, float | str]) -> None:
        unix = self.clock.take(date, now) if isinstance(date, LocalTime) else None
        if unix is not None:
            present[key] = unix
        else:
            self.known.current.pop(key, None)
            self.known.unsettled = True

    def _take_interval(self, reading: Reading, now: float) -> Rejection | None:
        date = self.clock.interval_date(reading)
        return self.known.registers.take_interval(reading, now, date, self.clock.td) if date else None

    def _take_value(
        self, reading: Reading, unix: float, present: dict[Key, float | str], offered: dict[Key, float | str]
    ) -> None:
        kind, key = reading.quantity.kind, reading.key
        value = self._value(reading)
        offered[key] = value
        is_new = key not in self._before
        if kind in _DESCRIPTIVE and not reading.row.once and self._before.get(key) != value:
            self.known.unsettled = True
            if kind is Kind.TEXT:
                return  # a name is believed when two frames agree on it
        if reading.row.is_kept:
            # A level under a period that only one frame names could stand under a damaged name.
            if is_new and kind is not Kind.PRESENCE and not reading.row.once:
                self.known.unsettled = True
            else:
                self.known.kept[key] = Kept(value, unix)
        # Several labels may tell one state: one that says true is enough. Of a level the last one holds.
        elif kind is Kind.LEVEL or not present.get(key):
            present[key] = value

    def _take_context(self, reading: Reading) -> None:
        state = reading.quantity.in_force
        if state is not None and isinstance(reading.value, tuple):
            self.known.periods.setdefault(state, {}).update(dict.fromkeys(str(code) for code in reading.value))
        elif reading.quantity is q.INTEGRATION_PERIOD:
            minutes = int(number(reading))
            self.clock.td = Td(minutes, minutes)
        elif isinstance(reading.value, LocalTime):
            self.clock.take_export(reading.value, self.identity.family.frame_seconds)

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
            self._leave(self.known.shown - shown)
        for (quantity, _), value in present.items():
            if quantity.kind is Kind.STATE and not quantity.states and self._before.get((quantity, ())) == value:
                self.known.periods.setdefault(quantity, {})[str(value)] = None
        if frame.is_complete:
            # What the meter is changes when two frames say so: parts of two, glued together, may look like one.
            spared = self._before.keys() & _NATURE - offered.keys()
            present |= {key: value for key, value in self.known.current.items() if key in spared}
            self.known.unsettled |= bool(spared)
            self.known.current, self._before, self.known.shown = present, offered, shown
        else:
            self.known.current, self._before = self.known.current | present, self._before | offered
            self.known.shown = self.known.shown | shown
        for reading in frame.readings:
            register = self.known.registers.register(reading.key) if reading.row.is_kept else None
            if register is not None and register.value is not None:
                self.known.kept[reading.key] = Kept(register.value, unix)
        self.known.unsettled |= not self.clock.is_settled
        self.known.registers.allow(self.known.contract_power())
        self._publish()

    def _leave(self, gone: set[Key]) -> None:
        """Keep what registers said that the meter does not show any more; what waited cannot be confirmed now."""
        for key in gone:
            value = self.known.registers.leave(key)
            if key in self.known.kept and value is not None:
                self.known.kept[key] = Kept(value, self.known.unix)

    def _notice_billing_period(self, frame: DecodedFrame) -> None:
        """Forget maxima and P-1 values of the periods not in force, once two frames name a later DebP."""
        start = (self.identity.family.billing_start, (("billing_period", "current"),))
        for reading in frame.readings:
            if reading.key != start or not isinstance(reading.value, LocalTime):
                continue
            begin = reading.value.naive
            if self._billing_start is not None and begin > self._billing_start:
                if begin != self._next_billing_start:
                    self._next_billing_start, self.known.unsettled = begin, True
                    return
                self.known.kept = {key: kept for key, kept in self.known.kept.items() if not key[0].per_billing_period}
            self._billing_start, self._next_billing_start = begin, None

    def _value(self, reading: Reading) -> float | str:
        if isinstance(reading.value, LocalTime):
            return self.known.legal_time.to_unix(reading.value)
        return reading.value if isinstance(reading.value, str) else number(reading)
