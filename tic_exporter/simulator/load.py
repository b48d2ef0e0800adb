"""What flows at a site at one instant: a load curve with noise, sun, reactive power, voltages."""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from math import cos, exp, hypot, pi, sin, sqrt
from random import Random

from .events import Events

# Share of the mean power at each hour.
_HOUSE = (
    .55, .5, .45, .45, .45, .5, .8, 1.3, 1.35, 1.0, .9, 1.0,
    1.25, 1.15, .9, .85, .9, 1.15, 1.6, 1.95, 1.85, 1.5, 1.1, .75,
)  # fmt: skip
_FIRM = (
    .45, .45, .45, .45, .5, .6, .9, 1.3, 1.6, 1.7, 1.7, 1.65,
    1.4, 1.55, 1.65, 1.6, 1.5, 1.3, 1.0, .75, .6, .55, .5, .45,
)  # fmt: skip
_SLOPES = {curve: tuple(pairwise((*curve, curve[0]))) for curve in (_HOUSE, _FIRM)}

A_IN, A_OUT, Q1, Q2, Q3, Q4, S_IN, S_OUT = range(8)
"""Places in a list of flows (W, var, VA) or energies (Wh, varh, VAh); quadrants as in IEC 62053-23."""


@dataclass(frozen=True, slots=True)
class Size:
    """How big a site is: VA subscribed, W drawn on average, W of solar panels at noon in summer."""

    phases: int
    subscribed: float
    mean: float
    solar: float = 0.0
    is_firm: bool = False

    def scaled(self, scale: float, *, has_solar: bool = False) -> "Size":
        """Multiply what is drawn and what is fed; `has_solar` puts panels on a site that has none."""
        solar = self.solar or (0.8 * self.subscribed if has_solar else 0.0)
        return replace(self, mean=self.mean * scale, solar=solar * scale)


class Drift:
    """Noise with inertia: an Ornstein-Uhlenbeck process around 0, exact for any step."""

    __slots__ = ("_inertia", "_keep", "_random", "_seconds", "_spread", "_step_spread", "value")

    def __init__(self, random: Random, spread: float, inertia: float) -> None:
        self._random = random
        self._spread = spread
        self._inertia = inertia
        self._seconds = self._keep = self._step_spread = 0.0
        self.value = random.gauss(0, spread)

    def step(self, seconds: float) -> float:
        if seconds != self._seconds:
            self._seconds = seconds
            self._keep = exp(-seconds / self._inertia)
            self._step_spread = self._spread * sqrt(1 - self._keep * self._keep)
        self.value = self.value * self._keep + self._random.gauss(0.0, self._step_spread)
        return self.value


class Load:
    """Powers and voltages of one, two or three phases; `step` moves them on."""

    def __init__(self, random: Random, size: Size) -> None:
        phases = range(size.phases)
        self._random = random
        self._size = size
        self._curve = _SLOPES[_FIRM if size.is_firm else _HOUSE]
        shares = [random.uniform(0.7, 1.3) for _ in phases]
        self._shares = [share / sum(shares) for share in shares]
        self._noise = [Drift(random, 0.15 if size.is_firm else 0.3, 240) for _ in phases]
        self._appliance_power = size.mean / size.phases * (0.3 if size.is_firm else 1.0)
        self._appliances = [(0.0, 0.0) for _ in phases]
        self._tan_phi = random.uniform(-0.15, 0.35)
        self._phi_noise = Drift(random, 0.12, 900)
        self._clouds = Drift(random, 0.35, 1200)
        self._volts = [Drift(random, 1.6, 600) for _ in phases]
        self.volts = [230.0] * size.phases
        self.active = [0.0] * size.phases
        self.reactive = [0.0] * size.phases
        self.apparent = [0.0] * size.phases
        self.amperes = [0.0] * size.phases
        self.flows = [0.0] * 8

    @property
    def is_exporting(self) -> bool:
        return self.flows[A_OUT] > 0

    def step(self, when: datetime, seconds: float, limit: float, events: Events, *, heater: bool) -> None:
        """Move on by `seconds`, ending at `when`; `limit` is the power in VA that is kept to unless overloaded."""
        hours = when.hour + when.minute / 60
        season = cos(2 * pi * (when.timetuple().tm_yday - 15) / 365)
        power = self._drawn(when, hours, season)
        solar = self._solar(hours, season, seconds)
        tan_phi = self._tan_phi + self._phi_noise.step(seconds)
        count = self._size.phases
        for phase in range(count):
            drawn = power * self._shares[phase] * exp(self._noise[phase].step(seconds)) + self._appliance(
                phase, seconds
            )
            if heater and phase == 0:
                drawn += 0.2 * self._size.subscribed
            drawn = min(drawn, 0.85 * limit / count / hypot(1, tan_phi))
            self._set_phase(phase, seconds, events, drawn, tan_phi, solar / count, limit / count)
        self._sum_up()

    def _drawn(self, when: datetime, hours: float, season: float) -> float:
        here, there = self._curve[when.hour]
        share = here + (there - here) * (hours - when.hour)
        if self._size.is_firm and when.weekday() >= 5:
            share = 0.4
        return self._size.mean * share * (1 + 0.4 * season)

    def _solar(self, hours: float, season: float, seconds: float) -> float:
        """Days of 8 hours in winter, of 16 in summer, around 13:30 legal time."""
        clouds = min(1.0, max(0.15, 0.75 + self._clouds.step(seconds)))
        length = 12 - 4 * season
        since_dawn = hours - 13.5 + length / 2
        if not self._size.solar or not 0 < since_dawn < length:
            return 0.0
        return self._size.solar * sin(pi * since_dawn / length) * (0.7 - 0.3 * season) * clouds

    def _appliance(self, phase: int, seconds: float) -> float:
        """Let something be switched on every quarter of an hour or so, for some minutes."""
        power, left = self._appliances[phase]
        if left <= 0:
            power = 0.0
            if self._random.random() < seconds / 900:
                power, left = self._appliance_power * self._random.uniform(0.3, 2.5), self._random.uniform(60, 900)
        self._appliances[phase] = power, left - seconds
        return power

    def _set_phase(
        self, phase: int, seconds: float, events: Events, drawn: float, tan_phi: float, solar: float, limit: float
    ) -> None:
        if events.overload and (not events.overload_phases or phase + 1 in events.overload_phases):
            # Above the limit at 10 % more than 230 V too, and just under the 1.3 at which Linky's disconnector opens.
            drawn, tan_phi, solar = 1.28 * limit * (1 + 0.01 * self._noise[phase].value), 0.0, 0.0
        volts = events.voltage + self._volts[phase].step(seconds) - 3 * drawn / self._size.subscribed
        if phase + 1 in events.missing_phases:
            volts = 0.0
        if events.disconnector != "closed" or not volts:
            drawn = solar = 0.0
        self.volts[phase] = volts
        self.active[phase] = active = drawn - solar
        self.reactive[phase] = reactive = drawn * tan_phi
        self.apparent[phase] = apparent = hypot(active, reactive)
        self.amperes[phase] = apparent / volts if volts else 0.0

    def _sum_up(self) -> None:
        """Add the phases: a three-phase meter counts their signed sum (NOI-CPT_54E 6.2.3, SINSTS)."""
        active, reactive = sum(self.active), sum(self.reactive)
        signed = (
            apparent if power >= 0 else -apparent for apparent, power in zip(self.apparent, self.active, strict=True)
        )
        apparent = abs(sum(signed))
        positive, negative = max(reactive, 0.0), max(-reactive, 0.0)
        if active >= 0:
            self.flows = [active, 0.0, positive, 0.0, 0.0, negative, apparent, 0.0]
        else:
            self.flows = [0.0, -active, 0.0, positive, negative, 0.0, 0.0, apparent]
