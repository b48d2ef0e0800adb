"""What a meter cannot have counted is held back: one wrong sample makes `increase()` wrong for ever.

Six bits of checksum pass one random damage in 64, so some wrong values arrive well-formed. A register only rises, and
never faster than the installation can draw; an interval energy falls only where DATE passes a top Td; a clock advances
with time. What breaks this is held back and believed once the frames that follow say the same: a meter that was
replaced, a register that wrapped, a clock that was set. Nothing waits for ever.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

CONFIRMATIONS = 2
"""Further frames that must agree with an implausible value before it is believed."""

FRAME_SECONDS = 10.0
"""Margin for the age of a value within its frame: the longest frame takes 8 s (PME-PMI at 1200 Bd)."""

CLOCK_TOLERANCE = 30.0
"""Seconds by which the clock of the meter may run apart from the line between two frames (adjustments are smaller)."""


class Rejection(Enum):
    """Why a reading is held back, as in `tic_rejected_readings_total`."""

    REGISTER_FELL = "register_fell"
    REGISTER_JUMPED = "register_jumped"
    METER_ID_UNCONFIRMED = "meter_id_unconfirmed"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is physically possible, in the unit of the register.

    Args:
        speed: per second, with margin; what contract and limiter allow.
        largest_speed: per second; what the family could ever count.
        step: one unit of the display, always plausible.
    """

    speed: float
    largest_speed: float
    step: int


class RegisterFilter:
    """The believed value of one register, and the one that waits to be.

    `at` is when the register was last read, whatever it said; whoever holds the filter keeps it.
    """

    __slots__ = ("_agreeing", "_pending", "at", "restarts", "value")

    def __init__(self, value: float | None = None, at: float = 0.0) -> None:
        self.value = value
        self.at = at
        self.restarts = 0
        self._pending: float | None = None
        self._agreeing = 0

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits for the frames that follow."""
        return self._pending is None

    def offer(self, value: float, seconds: float, limits: Limits) -> Rejection | None:
        """Take the next value, read `seconds` after the one before.

        None: it is believed, or it is a first one that waits for a second.
        """
        reference = self.value
        if reference is not None and _follows(reference, value, limits.speed * seconds, limits.step):
            self.value, self._pending = value, None
            return None
        # A line that draws more than its contract allows must be able to confirm itself: here only physics counts.
        if self._pending is not None and _follows(self._pending, value, limits.largest_speed * seconds, limits.step):
            self._agreeing += 1
        else:
            self._agreeing = 0
        self._pending = value
        if self._agreeing >= (CONFIRMATIONS if reference is not None else 1):
            self.restarts += reference is not None and value < reference
            self.value, self._pending = value, None
            return None
        if reference is None:
            return None
        return Rejection.REGISTER_FELL if value < reference else Rejection.REGISTER_JUMPED

    def settle(self) -> None:
        """Believe a first value that no second frame could confirm: the recording has ended."""
        if self.value is None:
            self.value = self._pending


def _follows(before: float, value: float, allowed: float, step: int) -> bool:
    return 0 <= value - before <= max(allowed, step)


class IntervalAccumulator:
    """An ever-rising sum of an energy that the meter sets back to zero at each top Td."""

    __slots__ = ("_interval", "_last", "_suspects", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self._last: float | None = None
        self._interval = 0
        self._suspects = 0

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits for the frames that follow."""
        return not self._suspects

    def offer(self, value: float, seconds: float, clock: datetime, minutes: int, limits: Limits) -> Rejection | None:
        """Add what the meter has counted since the last value, `seconds` before; `minutes` is Td, `clock` its DATE.

        The first value is the baseline. Across a top Td, or several, only the new value is added: what was counted
        between the last frame and the top cannot be known. A value that the time since the top cannot explain belongs
        to the old interval still: the meter had not set it back yet when it wrote the frame.
        """
        interval, since_top = _interval(clock, minutes)
        if self._last is None:
            self._last, self._interval = value, interval
            return None
        added = value - self._last
        if interval != self._interval:
            if added >= 0 and value > limits.speed * (since_top + FRAME_SECONDS):
                interval = self._interval
            else:
                added = value
        if _follows(0.0, added, limits.speed * seconds, limits.step):
            self.total += added
            self._last, self._interval, self._suspects = value, interval, 0
            return None
        self._suspects += 1
        if self._suspects > CONFIRMATIONS:
            self._last, self._interval, self._suspects = value, interval, 0
            return None
        return Rejection.REGISTER_FELL if added < 0 else Rejection.REGISTER_JUMPED


def _interval(clock: datetime, minutes: int) -> tuple[int, int]:
    """Number the interval of length `minutes` that a time of day falls into, and the seconds since it began."""
    minute_of_day = clock.hour * 60 + clock.minute
    return (
        clock.toordinal() * 1440 + minute_of_day - minute_of_day % minutes,
        minute_of_day % minutes * 60 + clock.second,
    )


class ClockFilter:
    """Tells whether DATE advances as time does."""

    __slots__ = ("_at", "_believed", "_suspects")

    def __init__(self) -> None:
        self._believed: datetime | None = None
        self._at = 0.0
        self._suspects = 0

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits for the frames that follow."""
        return not self._suspects

    def accepts(self, clock: datetime, now: float) -> bool:
        if self._believed is not None:
            drift = abs((clock - self._believed).total_seconds() - (now - self._at))
            self._suspects = 0 if drift <= CLOCK_TOLERANCE else self._suspects + 1
        if 0 < self._suspects <= CONFIRMATIONS:
            return False
        self._believed, self._at, self._suspects = clock, now, 0
        return True
