"""What a meter keeps: registers, means over fixed windows, maxima of the day and of the billing period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from .calendars import Calendar
from .load import A_IN, A_OUT, Q1, Q2, Q3, Q4

REGISTERS = {
    "active_import": A_IN,
    "active_export": A_OUT,
    "reactive_q1": Q1,
    "reactive_q2": Q2,
    "reactive_q3": Q3,
    "reactive_q4": Q4,
}


class Ledger:
    """Whole Wh and varh by tariff period of one calendar, and as they stood at the end of the billing period before."""

    __slots__ = ("calendar", "counts", "previous")

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self.counts: dict[int, dict[str, int]] = {
            quantity: dict.fromkeys(calendar.periods, 0) for quantity in REGISTERS.values()
        }
        self.previous = self.counts

    def get(self, quantity: int, period: str) -> int:
        return self.counts[quantity].get(period, 0)

    def get_previous(self, quantity: int, period: str) -> int:
        return self.previous[quantity].get(period, 0)

    def total(self, quantity: int) -> int:
        return sum(self.counts[quantity].values())

    def freeze(self) -> None:
        """End the billing period: registers go on, their values are kept."""
        self.previous = {quantity: dict(counts) for quantity, counts in self.counts.items()}


class Pulses:
    """Energy to whole Wh: what is less waits, so that every ledger of a meter has counted the same."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = [0.0] * len(REGISTERS)

    def count(self, flows: Sequence[float], hours: float, books: Sequence[tuple[Ledger, str]]) -> None:
        pending = self._pending
        for quantity in range(len(pending)):
            if not flows[quantity]:
                continue
            pending[quantity] += flows[quantity] * hours
            whole = int(pending[quantity])
            if whole:
                pending[quantity] -= whole
                for ledger, period in books:
                    counts = ledger.counts[quantity]
                    counts[period] = counts.get(period, 0) + whole


class Window:
    """Energies and voltages since the window opened; `close` gives their means and opens the next."""

    __slots__ = ("_seconds", "_volts", "energies")

    def __init__(self, phases: int) -> None:
        self.energies = [0.0] * 8
        self._volts = [0.0] * phases
        self._seconds = 0.0

    def add(self, flows: Sequence[float], volts: Sequence[float], seconds: float) -> None:
        hours = seconds / 3600
        energies = self.energies
        for quantity, flow in enumerate(flows):
            if flow:
                energies[quantity] += flow * hours
        for phase, value in enumerate(volts):
            self._volts[phase] += value * seconds
        self._seconds += seconds

    def close(self) -> tuple[list[float], list[float]]:
        seconds = self._seconds or 1.0
        means = [energy * 3600 / seconds for energy in self.energies]
        volts = [value / seconds for value in self._volts]
        self.energies = [0.0] * 8
        self._volts = [0.0] * len(volts)
        self._seconds = 0.0
        return means, volts


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the load profile: means of flows and voltages over the interval that ends at `end`."""

    end: datetime
    is_summer: bool
    means: Sequence[float]
    volts: Sequence[float]
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Maximum:
    """The largest apparent power of a day, VA, and when it was reached."""

    value: float
    when: datetime
    is_summer: bool


class DailyMaxima:
    """Maxima of the day and of the day before, one per channel, of the power as the meter filters it.

    The filter works on the squared power in steps of a second: Y = 0.008 X² + 0.992 Y (NOI-CPT_54E 6.2.3, SMAXSN).
    """

    __slots__ = ("_squares", "today", "yesterday")

    def __init__(self, before: Sequence[Maximum], midnight: datetime, *, is_summer: bool) -> None:
        self._squares = [0.0] * len(before)
        self.yesterday = list(before)
        self.today = [Maximum(0, midnight, is_summer)] * len(before)

    def step(self, powers: Sequence[float], seconds: float, now: datetime, *, is_summer: bool) -> None:
        keep = 0.992**seconds
        for channel, power in enumerate(powers):
            self._squares[channel] = square = keep * self._squares[channel] + (1 - keep) * power * power
            filtered = sqrt(square)
            if filtered >= self.today[channel].value + 1:
                self.today[channel] = Maximum(filtered, now, is_summer)

    def filtered(self, channel: int) -> float:
        return sqrt(self._squares[channel])

    def new_day(self, now: datetime, *, is_summer: bool) -> None:
        self.yesterday = self.today
        self.today = [Maximum(0, now, is_summer)] * len(self.today)
