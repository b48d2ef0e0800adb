"""Frames of SAPHIR (NOI-CPT_02E 2.10), short and long, in the order of its table; the same groups in both formats."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import sqrt

from ...tic.groups import Group
from ..calendars import NOTICE, Calendar
from ..load import A_IN, A_OUT, Q1, Q2, Q3, Q4, S_OUT
from ..state import State, comma, nearest, only, ratio, slashes, whole

_EVERY = 10
"""Frames from one long frame to the next; real meters: one in 1 to 5 minutes."""

_SLOTS = 8
_HIGH_VOLTAGE = 20_000.0
_MOST = 999_999_999
_GRIDS = {"HTA 5": ("HTA5    ", "BASE 4  "), "HTA 8": ("HTA8    ", "BASE 5  ")}
_SIDES = (("S", (A_IN, Q1, Q4)), ("I", (A_OUT, Q2, Q3)))
_IN_THREE_PHASES = sqrt(3)


def saphir(state: State) -> list[Group]:
    """Build a long frame first, then one in `_EVERY`."""
    is_long = state.frames % _EVERY == 0
    return [
        *_head(state, is_long=is_long),
        *_tariff(state, is_long=is_long),
        *only(is_long, *_points(state)),
        *_registers(state),
        *only(is_long, *_previous(state), *_thresholds(state)),
        *_powers(state),
        *_supplier(state, is_long=is_long),
    ]


def _sides(state: State) -> tuple[tuple[str, tuple[int, int, int]], ...]:
    return _SIDES if state.is_producer else _SIDES[:1]


def _head(state: State, *, is_long: bool) -> Iterator[Group]:
    site = state.site
    yield Group("LG_TRM", "TRM_LONGUE" if is_long else "TRM_COURTE")
    yield Group("ADS", state.meter_id)
    yield Group("DATE", slashes(site.now))
    yield from only(state.events.message, Group("MESSAGE", state.events.message[:80]))
    yield from only(is_long, Group("TD", f"{site.td:02}"), Group("TC", "10"))
    for side, (active, positive, negative) in _sides(state):
        yield Group(f"EA{side}", whole(site.interval.energies[active], "Wh", _MOST))
        yield Group(f"ER+{side}", whole(site.interval.energies[positive], "varh", _MOST))
        yield Group(f"ER-{side}", whole(site.interval.energies[negative], "varh", _MOST))
    if state.is_producer:
        amperes = comma(site.load.flows[S_OUT] / _IN_THREE_PHASES / _HIGH_VOLTAGE, 3) + "A"
        for phase in (1, 2, 3):
            yield Group(f"I{phase}I", amperes)


def _tariff(state: State, *, is_long: bool) -> Iterator[Group]:
    site, events = state.site, state.events
    running, coming = events.running(site.now), events.coming(site.now)
    for letter, name in zip("DF", _GRIDS[state.contract] if is_long else (), strict=is_long):
        yield Group(f"GRILLE_{letter}", name)
    yield Group("PTCOURD", f"{site.period:<3}")
    yield Group("PTCOURF", f"{site.second_period:<3}")
    yield from only(site.minute_means[A_IN] > 0.9 * site.subscribed, Group("PREAVIS", "DEP"))
    if coming and coming.start - site.now <= NOTICE:
        yield Group("PREAVISD", f"TD-{coming.profile}")
        yield Group("PREAVISF", f"TD-{coming.profile}")
    for letter in "DF" if is_long else "":
        for period in (period for period in events.dynamic if site.now < period.end):
            yield Group(f"TDYN{letter}", _bound("d", period.start, period.profile))
            yield Group(f"TDYN{letter}", _bound("f", period.end, period.profile))
    yield Group("ETATDYND", str(running.profile if running else 0))
    yield Group("ETATDYNF", str(running.profile if running else 0))
    yield from only(events.control_mode, Group("MODE", "CONTROLE"))


def _bound(letter: str, when: datetime, profile: int) -> str:
    return f"{letter}-{slashes(when)}-{profile}"


def _points(state: State) -> Iterator[Group]:
    points = list(enumerate(state.site.points, 1))
    for number, point in points:
        yield Group(f"DATEPA{number}", slashes(point.end))
    for side, quantities in _sides(state):
        for label, quantity, unit in zip(("PA", "PR+", "PR-"), quantities, ("kW", "kvar", "kvar"), strict=True):
            for number, point in points:
                flag = f"{point.flag}." if point.flag else ""
                yield Group(f"{label}{number}{side}", nearest(point.means[quantity] / 1000, flag + unit))
    for number, point in points:
        yield Group(f"UMOY{number}", nearest(_line_voltage(point.volts), "V"))


def _line_voltage(volts: Sequence[float]) -> float:
    return _IN_THREE_PHASES * sum(volts) / len(volts)


def _slots(calendar: Calendar) -> list[str]:
    return [*calendar.periods, *[""] * (_SLOTS - len(calendar.periods))]


def _registers(state: State) -> Iterator[Group]:
    ledger = state.site.first
    periods = list(enumerate(_slots(ledger.calendar), 1))
    for side, (active, positive, negative) in _sides(state):
        for slot, period in periods:
            yield Group(f"EAp{slot}{side}D", whole(ledger.get(active, period) / 1000, "kWh", _MOST))
        for slot, period in periods:
            yield Group(f"ER+p{slot}{side}D", whole(ledger.get(positive, period) / 1000, "kvarh", _MOST))
            yield Group(f"ER-p{slot}{side}D", whole(ledger.get(negative, period) / 1000, "kvarh", _MOST))


def _previous(state: State) -> Iterator[Group]:
    ledger = state.site.first
    periods = list(enumerate(_slots(ledger.calendar), 1))
    yield Group("FINP1", slashes(state.site.billing[0]))
    for side, (active, positive, negative) in _sides(state):
        for slot, period in periods:
            yield Group(f"EAp{slot}{side}D1", whole(ledger.get_previous(active, period) / 1000, "kWh", _MOST))
        for slot, period in periods:
            yield Group(f"ER+p{slot}{side}D1", whole(ledger.get_previous(positive, period) / 1000, "kvarh", _MOST))
            yield Group(f"ER-p{slot}{side}D1", whole(ledger.get_previous(negative, period) / 1000, "kvarh", _MOST))


def _thresholds(state: State) -> Iterator[Group]:
    site = state.site
    yield Group("KDC", "90%")
    yield Group("KDCD", "80%")
    for slot, period in enumerate(_slots(site.contract.calendar), 1):
        yield Group(f"PSp{slot}", nearest(site.subscribed_in(period) / 1000 if period else 0, "kW"))
    for letter, calendar in (("D", site.contract.calendar), ("F", site.contract.second)):
        for slot, period in enumerate(_slots(calendar), 1):
            yield Group(f"LIB_p{slot}{letter}", f"{period or 'XXX':<3}")


def _powers(state: State) -> Iterator[Group]:
    minute, last = state.site.minute_means, state.site.points[0].means
    if state.is_producer:
        for suffix, means in (("1MN", minute), ("10MN", last)):
            yield Group(f"PA{suffix}", nearest(means[A_IN] / 1000, "kW"))
        for suffix, means in (("1MN", minute), ("10MN", last)):
            yield Group(f"PREA{suffix}", nearest((means[Q1] - means[Q4]) / 1000, "kvar"))
        for suffix, means in (("1MN", minute), ("TMN", last)):
            yield Group(f"IPA{suffix}", nearest(means[A_OUT] / 1000, "kW"))
        for suffix, means in (("1MN", minute), ("TMN", last)):
            yield Group(f"IPREA{suffix}", nearest((means[Q2] - means[Q3]) / 1000, "kvar"))
    yield Group("TGPHIS", ratio(last[Q1] - last[Q4], last[A_IN]))
    yield from only(state.is_producer, Group("TGPHII", ratio(last[Q2] - last[Q3], last[A_OUT])))
    yield Group("U10MN", nearest(_line_voltage(state.site.points[0].volts), "V"))


def _supplier(state: State, *, is_long: bool) -> Iterator[Group]:
    """Send the supplier's grid: active import alone."""
    ledger = state.site.second
    periods = list(enumerate(_slots(ledger.calendar), 1))
    for slot, period in periods:
        yield Group(f"EAp{slot}SF", whole(ledger.get(A_IN, period) / 1000, "kWh", _MOST))
    for slot, period in periods if is_long else ():
        yield Group(f"EAp{slot}SF1", whole(ledger.get_previous(A_IN, period) / 1000, "kWh", _MOST))
