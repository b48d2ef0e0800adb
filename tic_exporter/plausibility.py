"""What a meter cannot have counted is held back: one wrong sample makes `increase()` wrong for ever.

Six bits of checksum pass one random damage in 64, and two neighbours swapped always pass; so some wrong values arrive
well-formed, and some of them are plausible. What a register says is therefore believed when the next frame agrees: one
frame late, and right. A value that no installation could have reached (a fall, a rise beyond power x time) waits for
one frame more, and is counted: a meter that was replaced, a register that wrapped, a clock that was set are believed
in the end. Nothing waits for ever.
"""

from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from .tic.codecs import LocalTime

CONFIRMATIONS = 2
"""Further frames that must agree with an implausible value before it is believed."""

CLOCK_TOLERANCE = 30.0
"""Seconds by which the clock of the meter may run apart from the line between two frames (adjustments are smaller)."""


class Rejection(Enum):
    """Why a reading is held back, as in `tic_rejected_readings_total`."""

    REGISTER_FELL = "register_fell"
    REGISTER_JUMPED = "register_jumped"
    METER_ID_UNCONFIRMED = "meter_id_unconfirmed"


class Limits(NamedTuple):
    """What is physically possible, in the unit of the register.

    Args:
        speed: per second, with margin; what contract and limiter allow.
        largest_speed: per second; what the family could ever count.
        step: one unit of the display, always plausible.
        margin: seconds by which a value may be older than its frame's end.
    """

    speed: float
    largest_speed: float
    step: int
    margin: float = 0.0


class RegisterFilter:
    """The believed value of one register, and the one that waits to be.

    `at` is when the register was last read, whatever it said; whoever holds the filter keeps it. `pending` is the value
    that waits for the frames that follow, None where nothing does.
    """

    __slots__ = ("_agreeing", "_is_plausible", "at", "pending", "restarts", "value")

    def __init__(self, value: float | None = None, at: float = 0.0) -> None:
        self.value = value
        self.at = at
        self.restarts = 0
        self.pending: float | None = None
        self._is_plausible = True
        self._agreeing = 0

    @property
    def waits(self) -> bool:
        """Whether something is to be confirmed by the next value, even if that is the same again."""
        return self.pending is not None

    def offer(self, value: float, seconds: float, limits: Limits) -> Rejection | None:
        """Take the next value, read `seconds` after the one before; say why it is implausible, if it is.

        A value is believed once the next one follows it: then it is the earlier of the two that is believed.
        """
        believed, pending = self.value, self.pending
        if value == believed:
            self.pending = None
            return None
        if pending is not None and believed is not None and self._is_plausible:  # as nearly always
            if value == pending:
                self.value, self.pending = value, None
                return None
            if _follows(pending, value, limits.speed * (seconds + limits.margin), limits.step):
                self.value, self.pending, self._agreeing = pending, value, 0
                return None
        # A line that draws more than its contract allows must be able to confirm itself: here only physics counts.
        if pending is not None and _follows(
            pending, value, limits.largest_speed * (seconds + limits.margin), limits.step
        ):
            self._agreeing += 1
            if self._agreeing >= self._needed(value):
                self._believe(pending)
                if value == pending:
                    return None
                believed, self._agreeing = pending, 0
        else:
            self._agreeing = 0
        self.pending = value
        self._is_plausible = believed is None or _follows(
            believed, value, limits.speed * (seconds + limits.margin), limits.step
        )
        if self._is_plausible or believed is None:
            return None
        return Rejection.REGISTER_FELL if value < believed else Rejection.REGISTER_JUMPED

    def _needed(self, value: float) -> int:
        """Count the frames that must agree with the value that waits.

        One, where the believed value stands before it as the next one stands behind it; a first value has nothing
        before it, so that only the same value again is proof enough.
        """
        if self.value is None:
            return 1 if value == self.pending else CONFIRMATIONS
        return 1 if self._is_plausible else CONFIRMATIONS

    def forget(self) -> None:
        """Drop the value that waits: no frame shows the register any more, and a later one cannot confirm it."""
        self.pending = None

    def settle(self) -> None:
        """Believe a plausible value that no further frame could confirm: the recording has ended."""
        if self.pending is not None and self._is_plausible:
            self._believe(self.pending)

    def _believe(self, value: float) -> None:
        self.restarts += self.value is not None and value < self.value
        self.value, self.pending = value, None


def _follows(before: float, value: float, allowed: float, step: int) -> bool:
    return 0 <= value - before <= max(allowed, step)


class Td(NamedTuple):
    """Minutes between two tops of the interval energies, and how far tops may at least be apart."""

    minutes: int
    least: int


ASSUMED_TD = Td(10, 5)
"""Of a meter that does not tell it: usually 10, and otherwise a multiple of 5 that divides the hour."""


_AHEAD = 1
"""Seconds by which a top may have come behind DATE and before the value: ICE reads each when it sends it."""

_new = tuple.__new__  # half the cost of calling a named tuple
_NONE = -1.0
"""Less than any interval energy."""


class _Point(NamedTuple):
    """What an interval energy said, when (seconds of legal time), and what it adds to the sum."""

    value: float
    at: int
    added: float = 0.0

    def tops_until(self, at: int, step: int) -> int:
        """Count what may be tops on the way, `step` seconds apart; negative: the clock was set back before one."""
        return at // step - self.at // step


class IntervalAccumulator:
    """An ever-rising sum of an energy that the meter sets back to zero at each top Td.

    The first value is the baseline. Between two frames less than Td apart it is the difference that is added, and the
    whole value after a fall alone, since most meters do not tell their Td: a top that is assumed may be none. Over a
    longer time, in which DATE passes a top, only the new value is added (NOI-CPT_02E 2.7, 2.9 and 2.10: EA, EA_s, EAS).
    So less is counted than the meter did, never more, unless frames fail for longer than the assumed Td of a meter
    whose own is longer: what was counted before a top is not known, and where the first frame after one shows as much
    as all of the interval before, the fall is not seen.

    Like a register, a value is added once the next one follows it; `at` and `pending` are as there. A fall follows
    anything: so the value before it does not count, nor a fall itself, where the next value goes on without them.
    """

    __slots__ = ("_believed", "_doubtful", "_suspects", "at", "pending", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self.at = 0.0
        self._doubtful: _Point | None = None
        self._believed: _Point | None = None
        self.pending: _Point | None = None
        self._suspects = 0

    @property
    def waits(self) -> bool:
        """As there; an impossible value waits too."""
        return self.pending is not None or self._doubtful is not None

    def offer(self, value: float, seconds: float, clock: LocalTime, td: Td, limits: Limits) -> Rejection | None:
        """Take the next value, `seconds` after the last; `clock` is the meter's DATE."""
        at, step = _begun(clock.minute) + clock.second, td.least * 60
        # What a new interval may have counted by now; within Td nothing but a fall tells that one began.
        interval = td.minutes * 60
        new = limits.speed * (at % interval + limits.margin) if seconds >= interval else _NONE
        before = self._believed
        if before is None:
            self._believed = _Point(value, at)
            return None
        allowed = limits.speed * (seconds + limits.margin)
        pending, self.pending = self.pending, None
        added = None
        if pending is not None and not _is_odd(before, pending, value, is_within=at - before.at < step):
            added = _added(pending, value, pending.tops_until(at, step), new, allowed)
            if added is not None:
                before = self._believe(pending)
        if added is None:
            added = _added(before, value, before.tops_until(at, step), new, allowed)
        if added is None:
            return self._suspect(before, _Point(value, at), step, limits.largest_speed * (seconds + limits.margin))
        # The same again says nothing new, whichever top has passed: a frame of which it is not taken must do as well.
        if added or value != before.value:
            # The meter may not have set its energy back yet when it writes the first frame after the top.
            is_late = at % step <= limits.margin and value >= before.value and before.tops_until(at, step) > 0
            self.pending = _new(_Point, (value, before.at if is_late else at, added))
        self._doubtful, self._suspects = None, 0
        return None

    def _suspect(self, before: _Point, point: _Point, step: int, allowed: float) -> Rejection | None:
        """Hold an impossible value back until further frames agree with it: then it was counted after all."""
        doubtful, value, at = self._doubtful, point.value, point.at
        agrees = (
            doubtful is not None and _added(doubtful, value, doubtful.tops_until(at, step), _NONE, allowed) is not None
        )
        self._doubtful, self._suspects = point, self._suspects + 1 if agrees else 1
        tops = before.tops_until(at, step)
        if self._suspects <= CONFIRMATIONS:
            if tops < 0:
                return None  # the clock was set back, as each October, and is believed: nothing is wrong with the meter
            return Rejection.REGISTER_FELL if value < before.value else Rejection.REGISTER_JUMPED
        # Set back, or the clock was: nothing can be said of what was counted meanwhile.
        self._believe(point._replace(added=max(0.0, _counted(before, value, tops, _NONE)) if tops >= 0 else 0.0))
        self._doubtful, self._suspects = None, 0
        return None

    def settle(self) -> None:
        """Add what no further frame could confirm: the recording has ended."""
        if self.pending is not None:
            self._believe(self.pending)

    def _believe(self, point: _Point) -> _Point:
        self.total += point.added
        self._believed, self.pending = point, None
        return point


def _is_odd(before: _Point, pending: _Point, value: float, *, is_within: bool) -> bool:
    """Whether `value` goes on from `before` without what was said between them, `is_within` less than one interval."""
    return is_within and before.value <= value and not before.value <= pending.value <= value


def _added(before: _Point, value: float, tops: int, new: float, allowed: float) -> float | None:
    """Give what was counted since `before`; None where that is impossible."""
    if tops < 0 and value != before.value:
        return None
    added = _counted(before, value, tops, new)
    return added if _follows(0.0, added, allowed, 1) else None


def _counted(before: _Point, value: float, tops: int, new: float) -> float:
    """Give the difference, or the whole value where it fell behind a top, or is no more than what is `new` may be."""
    return value if tops > 0 and (value < before.value or value <= new) else value - before.value


@lru_cache(maxsize=64)
def _begun(minute: datetime) -> int:
    """Give the seconds of legal time at which a minute begins, as tops count them."""
    return minute.toordinal() * 86_400 + (minute.hour * 60 + minute.minute) * 60 + _AHEAD


class ClockFilter:
    """Tells whether DATE advances as time does."""

    __slots__ = ("_at", "_believed", "_suspects")

    def __init__(self) -> None:
        self._believed: float | None = None
        self._at = 0.0
        self._suspects = 0

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits for the frames that follow."""
        return not self._suspects

    def accepts(self, clock: float, now: float) -> bool:
        """Tell whether the next date, Unix time of the frame that came at `now`, is believed."""
        believed = self._believed
        if believed is not None:
            drift = clock - believed - now + self._at
            if not -CLOCK_TOLERANCE <= drift <= CLOCK_TOLERANCE:
                self._suspects += 1
                if self._suspects <= CONFIRMATIONS:
                    return False
        self._believed, self._at, self._suspects = clock, now, 0
        return True
