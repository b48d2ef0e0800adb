"""One site: its load, its clock, and everything that a meter of any family keeps of them."""

from collections import deque
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

from .calendars import Contract, Days, is_summer, to_local, to_utc
from .events import Events
from .load import A_IN, A_OUT, Q1, Q2, Q3, Q4, S_IN, S_OUT, Load, Size
from .registers import REGISTERS, DailyMaxima, Ledger, Maximum, Point, Pulses, Window

_MICROSECONDS = 1_000_000
_MINUTE = 60 * _MICROSECONDS
_WARM_UP = timedelta(hours=1)

# Part of the subscribed power that holds in a period: the dear ones are subscribed lower.
_SUBSCRIBED = {"P": 0.8, "PM": 0.5}


class Site:
    """The truth that frames are made of.

    `now` is legal time; no clock of the host is read. The site lives for an hour and more before `start`, so that
    means and points of the load profile exist in the first frame.

    Without `has_dynamic_tariff` the dynamic periods among the events are none of this meter. Interval energies begin
    again every `td` minutes, which divide the hour; points of the load profile are of ten.
    """

    def __init__(
        self,
        *,
        seed: int,
        start: datetime,
        contract: Contract,
        size: Size,
        events: Events,
        has_dynamic_tariff: bool = True,
        td: int = 10,
    ) -> None:
        random = Random(f"site {seed}")
        self.contract = contract
        self.size = size
        self.events = events
        self.td = td
        self._has_dynamic_tariff = has_dynamic_tariff
        self.days = Days(seed)
        self.load = Load(random, size)
        self.first = Ledger(contract.calendar)
        self.second = Ledger(contract.second)
        self._pulses = Pulses()
        self._minute = Window(size.phases)
        self.interval = Window(size.phases)
        self._ten_minutes = Window(size.phases)
        self._half_hour = Window(size.phases)
        self.points: deque[Point] = deque(maxlen=6)
        self.half_hours: deque[Point] = deque(maxlen=2)
        self.minute_means = [0.0] * 8
        self.gas = random.uniform(1e5, 5e5)
        self.water = random.uniform(1e4, 5e4)
        self._set_clock(to_utc(start.replace(minute=start.minute // 30 * 30, second=0, microsecond=0)) - _WARM_UP)
        self._fill(random)
        self.advance((to_utc(start) - self._utc).total_seconds())

    def _set_clock(self, utc: datetime) -> None:
        self._utc = utc
        self.is_summer = is_summer(utc)
        self.now = to_local(utc)
        self._look_up()

    def _fill(self, random: Random) -> None:
        """Give the meter a past of some years."""
        for quantity in (A_IN, Q1, Q4, *((A_OUT, Q2, Q3) if self.size.solar else ())):
            share = {A_IN: 1.0, A_OUT: 0.4}.get(quantity, 0.15)
            _spread(random, (self.first, self.second), quantity, self.size.mean * 8766 * share * random.uniform(0.5, 3))
        for ledger in (self.first, self.second):
            ledger.previous = {
                quantity: {period: int(count * 0.97) for period, count in counts.items()}
                for quantity, counts in ledger.counts.items()
            }
        self.billing = [_month(self.now.date()), _month(_month(self.now.date()) - timedelta(days=1))]
        size = self.size
        phases = [size.subscribed / size.phases] * size.phases
        midnight = self.now.replace(hour=0, minute=0)
        # In the evening, but at noon for what is injected, which is the second.
        hours = [19, 13, *[19] * size.phases]
        before = [midnight - timedelta(hours=24 - hour, seconds=random.randrange(-3600, 3600)) for hour in hours]
        powers = [0.7 * random.uniform(0.6, 1) * power for power in (size.subscribed, size.solar, *phases)]
        reached = [Maximum(power, when, self.is_summer) for power, when in zip(powers, before, strict=True)]
        self.maxima = DailyMaxima(reached, midnight, is_summer=self.is_summer)
        self.largest_amperes = [phase / 230 * random.uniform(0.6, 0.95) for phase in phases]
        self.largest_power = 0.6 * size.subscribed
        self.demand: dict[tuple[int, str], float] = {}
        self.minutes_over: dict[str, int] = {}
        self.previous_demand = {(S_IN, period): 0.6 * size.subscribed for period in self.first.calendar.periods}

    def restart(self) -> None:
        """Put a new meter in place: registers and maxima begin at nothing."""
        for ledger in (self.first, self.second):
            for counts in ledger.counts.values():
                counts.update(dict.fromkeys(counts, 0))
            ledger.freeze()
        self.demand, self.previous_demand, self.minutes_over = {}, {}, {}
        self.largest_amperes = [0.0] * self.size.phases
        self.largest_power = 0.0
        self._pulses = Pulses()
        self.interval = Window(self.size.phases)
        self._ten_minutes = Window(self.size.phases)

    @property
    def subscribed(self) -> float:
        """What is subscribed for the period in force, VA or W."""
        return self.subscribed_in(self.period)

    def subscribed_in(self, period: str) -> float:
        return self.size.subscribed * _SUBSCRIBED.get(period, 1.0)

    @property
    def limit_amperes(self) -> int:
        """The subscribed current of one phase: 5 A per kVA (NOI-CPT_02E 2.3, ISOUSC)."""
        return round(self.size.subscribed / 200 / self.size.phases)

    def phases_over(self) -> list[int]:
        """Number the phases, from 1, that draw more current than is subscribed."""
        load, limit = self.load, self.limit_amperes
        return [
            phase + 1
            for phase, amperes in enumerate(load.amperes)
            if load.active[phase] > 0 and round(amperes) > limit
        ]  # fmt: skip

    def next_period(self) -> str:
        """Give the period that will be in force when a notice that begins now has run out."""
        return self.contract.calendar.period(self.now + timedelta(minutes=30), self.days)

    def advance(self, seconds: float) -> None:
        left = round(seconds * _MICROSECONDS)
        while left > 0:
            step = min(left, _MINUTE - (self._utc.second * _MICROSECONDS + self._utc.microsecond))
            self._step(step / _MICROSECONDS)
            left -= step

    def _step(self, seconds: float) -> None:
        """Integrate over a time within one minute; every tariff period begins on a minute."""
        load = self.load
        is_heating = self.now.hour in {23, 0, 1} and self.period.startswith("HC") and not self.size.is_firm
        load.step(self.now, seconds, self.subscribed, self.events, heater=is_heating)
        for window in (self._minute, self.interval, self._ten_minutes, self._half_hour):
            window.add(load.flows, load.volts, seconds)
        self._pulses.count(load.flows, seconds / 3600, self._books)
        self.gas += seconds * (0.012 if self.now.month in {11, 12, 1, 2, 3} else 0.002)
        self.water += seconds * 0.0004
        self._move(seconds)
        powers = self._channels()
        self.maxima.step(powers, seconds, self.now, is_summer=self.is_summer)
        for phase, amperes in enumerate(load.amperes):
            self.largest_amperes[phase] = max(self.largest_amperes[phase], amperes)
        self.largest_power = max(self.largest_power, load.flows[A_IN])
        if not self._utc.second and not self._utc.microsecond:
            self._end_minute()
        self._look_up()

    def _channels(self) -> Sequence[float]:
        load = self.load
        phases = (power if active > 0 else 0.0 for power, active in zip(load.apparent, load.active, strict=True))
        return [load.flows[S_IN], load.flows[S_OUT], *phases]

    def _move(self, seconds: float) -> None:
        step = timedelta(seconds=seconds)
        self._utc += step
        self.now += step

    def _look_up(self) -> None:
        """Find the periods in force; a dynamic one has registers of its own."""
        self.period = self.events.period or self.contract.calendar.period(self.now, self.days)
        self.second_period = self.contract.second.period(self.now, self.days)
        dynamic = self.events.running(self.now) if self._has_dynamic_tariff else None
        self.register_period = f"{self.period}-{dynamic.label}" if dynamic else self.period
        self._books = ((self.first, self.register_period), (self.second, self.second_period))

    def _end_minute(self) -> None:
        self.is_summer = is_summer(self._utc)
        self.now = to_local(self._utc)
        self.minute_means, _ = self._minute.close()
        if self.minute_means[S_IN] > self.subscribed:
            self.minutes_over[self.register_period] = self.minutes_over.get(self.register_period, 0) + 1
        if self.now.minute % self.td == 0:
            self.interval.close()
        if self.now.minute % 10 == 0:
            self._end_ten_minutes()
        if self.now.minute % 30 == 0:
            self.half_hours.appendleft(self._point(self._half_hour))
        if self.now.hour == self.now.minute == 0:
            self._end_day()

    def _end_ten_minutes(self) -> None:
        """Reach the top Tc: a point of the load profile is there."""
        point = self._point(self._ten_minutes)
        self.points.appendleft(point)
        for quantity in (A_IN, A_OUT, S_IN, S_OUT):
            key = quantity, self.register_period
            self.demand[key] = max(self.demand.get(key, 0.0), point.means[quantity])

    def _point(self, window: Window) -> Point:
        means, volts = window.close()
        return Point(self.now, self.is_summer, means, volts, self.events.point_flag)

    def _end_day(self) -> None:
        self.maxima.new_day(self.now, is_summer=self.is_summer)
        if self.now.day == 1:
            self.billing = [self.now, self.billing[0]]
            self.previous_demand, self.demand, self.minutes_over = self.demand, {}, {}
            self.first.freeze()
            self.second.freeze()

    def registers(self) -> dict[str, dict[str, int]]:
        """Copy the registers, Wh and varh by period; those of the second calendar are under `second_…`."""
        return {
            prefix + name: dict(ledger.counts[quantity])
            for prefix, ledger in (("", self.first), ("second_", self.second))
            for name, quantity in REGISTERS.items()
        }


def _spread(random: Random, ledgers: Sequence[Ledger], quantity: int, total: float) -> None:
    """Share one total out over the periods of each ledger."""
    whole = int(total)
    for ledger in ledgers:
        counts = ledger.counts[quantity]
        shares = [random.uniform(0.3, 1) for _ in counts]
        for period, share in zip(counts, shares, strict=True):
            counts[period] = int(whole * share / sum(shares))
        counts[next(iter(counts))] += whole - sum(counts.values())


def _month(day: date) -> datetime:
    return datetime(day.year, day.month, 1)
