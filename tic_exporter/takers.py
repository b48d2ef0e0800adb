"""Frames that differ from the one before in numbers alone: each number goes straight to what keeps it."""

from collections.abc import Callable, Sequence

from .known import SUBSCRIBED, Known
from .meter_clock import MeterClock
from .plausibility import IntervalAccumulator, RegisterFilter, Rejection
from .tic import quantities as q
from .tic.codecs import Value
from .tic.frames import DecodedFrame
from .tic.quantities import Kind
from .tic.schema import Reading

_Take = Callable[[Value, float, float], Rejection | None]
"""What takes (value, seconds since the last frame, now) of one place."""

_MEANING_MORE = SUBSCRIBED | {q.SUBSCRIBED_CURRENT}
"""Numbers on which something else hangs: the frame after their change is folded whole."""


def _leave(_value: Value, _seconds: float, _now: float) -> None:
    """Take nothing."""


class Takers:
    """What takes the numbers at each place of the frames, made when one changes for the first time.

    They hold until the next whole frame, which may tell other readings at other places.
    """

    def __init__(self, known: Known, clock: MeterClock) -> None:
        self._known = known
        self._clock = clock
        self._takers: list[_Take | None] = []
        self._waiting: list[int] = []

    def forget(self) -> None:
        """Begin anew: a whole frame was folded."""
        self._takers = []

    def take(self, frame: DecodedFrame, changed: Sequence[int], now: float) -> list[Rejection]:
        """Take the numbers at `changed`, and once more those of counters that wait to be confirmed."""
        registers = self._known.registers
        if not self._takers:
            self._takers = [None] * len(frame.model)
            self._waiting = [place for place, told in enumerate(frame.model) if registers.waits(told)]
        takers, values, waiting = self._takers, frame.values, self._waiting
        seconds = max(0.0, now - registers.read_at)
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
        reading = model[place]
        key, registers = reading.key, self._known.registers
        if (register := registers.register(key)) is not None:
            take = self._register_taker(place, reading, register)
        elif (accumulator := registers.interval(key)) is not None:
            take = self._interval_taker(place, reading, accumulator)
        elif reading.quantity is q.CLOCK:
            take = self._clock_taker(reading)
        elif reading.quantity.kind is Kind.INTERVAL:  # no frame with a date has shown it yet
            take = _leave
        elif any(told.quantity is reading.quantity and told.key == key for told in model[place + 1 :]):
            take = _leave  # told again behind it
        else:
            take = self._level_taker(reading)
        self._takers[place] = take
        return take

    def _register_taker(self, place: int, reading: Reading, register: RegisterFilter) -> _Take:
        key, quantity, known = reading.key, reading.quantity, self._known
        published, registers = known.published, known.registers
        in_base, limits = quantity.unit.in_base, registers.limits_of(quantity)
        hides_zero, is_kept = known.hides_zero(key), reading.row.is_kept

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
                    known.keep(key, believed)
                if before is not None and believed < before:
                    registers.restarted.append(quantity)
            return rejection

        return take

    def _interval_taker(self, place: int, reading: Reading, accumulator: IntervalAccumulator) -> _Take:
        key, published, in_base = reading.key, self._known.published, reading.quantity.unit.in_base
        limits, clock = self._known.registers.limits_of(reading.quantity), self._clock

        def take(value: Value, seconds: float, _now: float) -> Rejection | None:
            rejection = None
            date = clock.interval_date(reading)
            if date is not None:
                number = float(value)  # type: ignore[arg-type]  # as above
                rejection = accumulator.offer(number, seconds, date, clock.td, limits)
                published[key] = in_base(accumulator.total)
            if accumulator.waits:
                self._waiting.append(place)
            return rejection

        return take

    def _clock_taker(self, reading: Reading) -> _Take:
        key, known, take_time = reading.key, self._known, self._clock.take
        current, published = known.current, known.published

        def take(value: Value, _seconds: float, now: float) -> None:
            unix = take_time(value, now)  # type: ignore[arg-type]  # a codec of dates
            if unix is not None:
                current[key] = published[key] = unix
            else:
                current.pop(key, None)
                published.pop(key, None)
                known.unsettled = True

        return take

    def _level_taker(self, reading: Reading) -> _Take:
        key, known, quantity = reading.key, self._known, reading.quantity
        current, factor = known.current, quantity.unit.factor
        published = {} if quantity in known.hidden else known.published
        if quantity.kind is Kind.INSTANT:
            to_unix = known.legal_time.to_unix

            def take(value: Value, _seconds: float, _now: float) -> None:
                published[key] = current[key] = to_unix(value)  # type: ignore[arg-type]  # a codec of dates
        elif factor == 1.0:

            def take(value: Value, _seconds: float, _now: float) -> None:
                published[key] = current[key] = float(value)  # type: ignore[arg-type]  # a codec of numbers
        else:
            in_base = quantity.unit.in_base

            def take(value: Value, _seconds: float, _now: float) -> None:
                number = current[key] = float(value)  # type: ignore[arg-type]  # as above
                published[key] = in_base(number)

        if quantity not in _MEANING_MORE and quantity is not known.identity.family.billing_start:
            return take

        def take_and_say(value: Value, seconds: float, now: float) -> None:
            known.unsettled = True
            take(value, seconds, now)

        return take_and_say
