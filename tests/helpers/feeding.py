"""A meter that is fed frame by frame, by a clock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tic_exporter.meter import Meter, MeterOptions

if TYPE_CHECKING:
    from tic_exporter.tic.quantities import Quantity

START = 1_784_023_200.0  # 14 July 2026, 12:00:00 in Paris
PARIS = ZoneInfo("Europe/Paris")


class Fed:
    """Frames go in with `say`, each some seconds after the one before; `of` gives what is published."""

    def __init__(self, meter: Meter | None = None, *, seconds: float = 2.0) -> None:
        self.meter = meter or Meter(MeterOptions("meter", zone=PARIS))
        self.now = 5000.0
        self.unix = START
        self._seconds = seconds

    def say(self, *frames: bytes, after: float | None = None) -> Fed:
        for frame in frames:
            self.wait(self._seconds if after is None else after)
            self.meter.feed(frame, self.now, self.unix)
        return self

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.unix += seconds

    def of(self, quantity: Quantity, **dimensions: str) -> float | None:
        """The value of one series in its base unit, None where it is not published."""
        readings = self.meter.snapshot.readings
        return readings.get((quantity, tuple((name, dimensions.get(name, "")) for name in _names(quantity))))

    def all_of(self, quantity: Quantity) -> dict[tuple[str, ...], float]:
        """The values of all series, by the values of their dimensions."""
        readings = self.meter.snapshot.readings
        return {tuple(v for _, v in where): value for (known, where), value in readings.items() if known is quantity}

    def count(self, counter: str, reason: str = "") -> int:
        return self.meter.snapshot.counts.get((counter, reason), 0)

    @property
    def meter_id(self) -> str:
        return self.meter.snapshot.meter_id


def _names(quantity: Quantity) -> tuple[str, ...]:
    own = (quantity.value_dimension,) if quantity.value_dimension else ()
    return (*quantity.dimensions, *own)
