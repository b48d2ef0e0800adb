"""The counters of one meter: what each is believed to say, under what the meter and its contract let pass."""

from collections.abc import Iterator

from .plausibility import IntervalAccumulator, Limits, RegisterFilter, Rejection, Td
from .tic import quantities as q
from .tic.codecs import LocalTime
from .tic.quantities import Kind, Quantity
from .tic.schema import Family, Key, Reading

SECONDS_PER_HOUR = 3600.0
MARGIN = 1.5
"""Over the larger of limiter and subscribed power: a disconnector lets 1.3 times its limit pass for a while."""

_IMPORTED = frozenset(
    {
        q.ACTIVE_ENERGY_IMPORT,
        q.TOTAL_ACTIVE_ENERGY_IMPORT,
        q.DISTRIBUTOR_ACTIVE_ENERGY_IMPORT,
        q.CALENDAR2_ACTIVE_ENERGY_IMPORT,
        q.INTERVAL_ACTIVE_ENERGY_IMPORT,
    }
)

Counter = RegisterFilter | IntervalAccumulator


class Registers:
    """Every register and interval energy of one meter.

    `read_at` is the monotonic time of the last frame, which whoever holds this keeps; `restarted` lists what was
    believed to fall, until somebody clears it.
    """

    def __init__(self, family: Family) -> None:
        self.read_at = 0.0
        self.restarted: list[Quantity] = []
        self._family = family
        self._registers: dict[Key, RegisterFilter] = {}
        self._intervals: dict[Key, IntervalAccumulator] = {}
        self._in_frame: set[Key] = set()
        self._before_gap: dict[Key, float] = {}
        self.allow(float("inf"))

    def allow(self, power: float) -> None:
        """Say what the contract lets pass, VA: for energy imported; export and reactive know no subscription."""
        largest = self._family.largest_power / SECONDS_PER_HOUR
        speed = min(MARGIN * power / SECONDS_PER_HOUR, largest)
        step, margin = self._family.register_step, self._family.frame_seconds
        self._imported = Limits(speed, largest, step, margin)
        self._others = Limits(largest, largest, step, margin)

    def limits_of(self, quantity: Quantity) -> Limits:
        return self._imported if quantity in _IMPORTED else self._others

    def take_register(self, reading: Reading, now: float) -> Rejection | None:
        """Offer what a whole frame says of a register; say why it is held back, if it is."""
        key = reading.key
        register = self._registers.setdefault(key, RegisterFilter())
        restarts = register.restarts
        rejection = register.offer(number(reading), self._since(key, register, now), self.limits_of(key[0]))
        if register.restarts != restarts:
            self.restarted.append(key[0])
        return rejection

    def take_interval(self, reading: Reading, now: float, clock: LocalTime, td: Td) -> Rejection | None:
        """Offer what a whole frame says of an interval energy; `clock` is the meter's DATE."""
        key = reading.key
        accumulator = self._intervals.setdefault(key, IntervalAccumulator())
        seconds, limits = self._since(key, accumulator, now), self.limits_of(reading.quantity)
        return accumulator.offer(number(reading), seconds, clock, td, limits)

    def end_frame(self, counted: set[Key]) -> None:
        """Remember which counters a whole frame showed; the others were last read in the frame before."""
        for key in self._in_frame - counted:
            counter = self.of(key)
            if counter is not None:
                counter.at = self.read_at
        self._in_frame = counted

    def of(self, key: Key) -> Counter | None:
        return self._registers.get(key) or self._intervals.get(key)

    def register(self, key: Key) -> RegisterFilter | None:
        return self._registers.get(key)

    def interval(self, key: Key) -> IntervalAccumulator | None:
        return self._intervals.get(key)

    def leave(self, key: Key) -> float | None:
        """Say that frames do not show a register any more: what waited cannot be confirmed. Give what is believed."""
        register = self._registers[key]
        register.forget()
        return register.value

    def waits(self, reading: Reading) -> bool:
        """Whether what this counter said is to be confirmed by the frames that follow."""
        kind = reading.quantity.kind
        counter = self.of(reading.key) if kind is Kind.REGISTER or kind is Kind.INTERVAL else None
        return counter is not None and counter.waits

    def believed(self) -> Iterator[tuple[Key, float]]:
        """Give every register that is believed, as the meter counts."""
        return ((key, register.value) for key, register in self._registers.items() if register.value is not None)

    def accumulated(self) -> Iterator[tuple[Key, float]]:
        """Give the sum of every interval energy, as the meter counts."""
        return ((key, accumulator.total) for key, accumulator in self._intervals.items())

    def resume(self) -> None:
        """Say that nothing was published for a while: what counters said before must not come back for one frame.

        A scrape between that frame and the next would see all that was counted meanwhile as counted at once.
        """
        self._before_gap = dict((*self.believed(), *self.accumulated()))

    def withheld(self) -> frozenset[Key]:
        """Give the counters of which still nothing newer than before the gap is believed."""
        if self._before_gap:
            now = dict((*self.believed(), *self.accumulated()))
            self._before_gap = {
                key: value
                for key, value in self._before_gap.items()
                if now.get(key) == value and (counter := self.of(key)) is not None and counter.waits
            }
        return frozenset(self._before_gap)

    def restore(self, key: Key, value: float, at: float) -> None:
        """Believe what an earlier process read at the monotonic time `at`, unless frames have told more."""
        self._registers.setdefault(key, RegisterFilter(value, at))

    def settle(self) -> None:
        """Believe what no further frame can confirm: the recording has ended."""
        for register in self._registers.values():
            register.settle()
        for accumulator in self._intervals.values():
            accumulator.settle()

    def _since(self, key: Key, counter: Counter, now: float) -> float:
        """Give the seconds since the counter was last read."""
        return max(0.0, now - (self.read_at if key in self._in_frame else counter.at))


def number(reading: Reading) -> float:
    return float(reading.value)  # type: ignore[arg-type]  # codecs of counted quantities give numbers
