"""Frames of ICE-2Q and ICE-4Q (NOI-CPT_02E 2.7 and 2.8), in the order of their tables.

Each value is read when it is sent (2.7): builders give group after group, while time goes by. Where a row of the table
names several labels at once (dates, points), they alternate as in the frames of PME-PMI.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from math import sqrt

from ...tic.groups import Group
from ..calendars import EIGHT, FIVE, SEASONAL_EJP_EIGHT
from ..load import A_IN, A_OUT, Q1, Q2, Q3, Q4, S_OUT
from ..state import State, comma, nearest, only, ratio, slashes, whole

_NOTICE_RATIO = 90
_RELEASE_RATIO = 80
_HIGH_VOLTAGE = 20_000.0
# An A5 contract sends the labels of A8 too.
_LABELS = {"BASE": EIGHT.periods, "EJP": SEASONAL_EJP_EIGHT.periods}
_INJECTION_SLOTS = 8
_IN_THREE_PHASES = sqrt(3)


def ice(state: State, *, has_voltage: bool = True) -> Iterator[Group]:
    """Build the frame of ICE-2Q, and the first part of that of ICE-4Q."""
    site = state.site
    yield Group("CONTRAT", site.contract.name)
    yield Group("DATECOUR", slashes(site.now))
    yield from _now(state)
    yield from only(state.events.control_mode, Group("MODE", "CONTROLE"))
    yield from _points(state, "PA", A_IN)
    yield from _registers(state)
    yield Group("KDC", f"{_NOTICE_RATIO}%")
    yield Group("KDCD", f"{_RELEASE_RATIO}%")
    yield from _subscribed(state)
    yield from _powers(state, ("PA1MN", "PA10MN", "PREA1MN", "PREA10MN"), A_IN, (Q1, Q4))
    yield Group("TGPHI", _tan_phi(state))
    yield from only(has_voltage, _voltage(state))


def ice_old(state: State) -> Iterator[Group]:
    """Build the frame of version 2.4."""
    yield Group("DATE", slashes(state.site.now))
    yield from _now(state)
    yield Group("KDC", f"{_NOTICE_RATIO}%")
    yield Group("KDCD", f"{_RELEASE_RATIO}%")
    yield Group("TGPHI", _tan_phi(state))
    yield from _subscribed(state)
    yield from only(state.events.control_mode, Group("MODE", "CONTROLE"))


def ice_split(state: State) -> Iterable[Group]:
    """Build frames as some brands do: the metering frame, and after each one that holds the voltage alone."""
    return [_voltage(state)] if state.frames % 2 else ice(state, has_voltage=False)


def ice_4q(state: State, *, is_old: bool = False) -> Iterator[Group]:
    """Build both parts; version 1.01 (`is_old`) has a notice in the second one, and none of the registers of p-1."""
    site = state.site
    yield from ice(state)
    yield Group("Appli", "INJECTION")
    yield _voltage(state)
    yield Group("DATECOUR", slashes(site.now))
    yield Group("EA", whole(site.interval.energies[A_OUT], "Wh"))
    yield Group("ERP", whole(site.interval.energies[Q2], "varh"))
    yield Group("ERN", whole(site.interval.energies[Q3], "varh"))
    ledger, period = site.second, site.second_period
    yield Group("PTCOUR", str(FIVE.periods.index(period) + 1))
    yield from only(is_old and _is_over(state), Group("PREAVIS", "DEP"))
    yield from only(state.events.control_mode, Group("MODE", "CONTROLE"))
    yield from _points(state, "P", A_OUT)
    yield Group("DEBUTp", slashes(site.billing[0]))
    yield Group("EApCour", whole(ledger.get(A_OUT, period) / 1000, "kWh"))
    yield Group("ERPpCour", whole(ledger.get(Q2, period) / 1000, "kvarh"))
    yield Group("ERNpCour", whole(ledger.get(Q3, period) / 1000, "kvarh"))
    yield Group("DEBUTp1", slashes(site.billing[1]))
    if not is_old:
        yield from _injected_before(state)
    yield Group("PrapCour", nearest(site.size.solar / 1000, "kW"))
    yield from _powers(state, ("IPA1MN", "IPATMN", "IPREA1MN", "IPREATMN"), A_OUT, (Q2, Q3))
    yield from _injected_amperes(state)
    yield Group("TGPHI", _injected_tan_phi(state))


def _now(state: State) -> Iterator[Group]:
    site = state.site
    yield Group("EA", whole(site.interval.energies[A_IN], "Wh"))
    yield Group("ERP", whole(site.interval.energies[Q1], "varh"))
    yield Group("PTCOUR", site.period)
    yield from only(_is_over(state), Group("PREAVIS", "DEP"))
    coming = site.next_period()
    if coming != site.period and state.contract.startswith("EJP") and coming == "PM":
        yield Group("PREAVIS", "EJP")
    if coming != site.period and state.contract == "MOD" and coming != "PM":
        yield Group("PREAVIS", coming)


def _is_over(state: State) -> bool:
    return state.site.minute_means[A_IN] > _NOTICE_RATIO / 100 * state.site.subscribed


def _points(state: State, label: str, quantity: int) -> Iterator[Group]:
    for number, point in enumerate(tuple(state.site.points), 1):
        flag = f"{point.flag}." if point.flag else ""
        yield Group(f"DATE{label}{number}", slashes(point.end))
        yield Group(f"{label}{number}", nearest(point.means[quantity] / 1000, f"{flag}kW"))


def _periods(state: State) -> Sequence[str]:
    return _LABELS.get(state.contract.split("_")[0], state.site.contract.calendar.periods)


def _registers(state: State) -> Iterator[Group]:
    """Send the active registers, and the series whose minute it is; what has ended in BASE alone."""
    site, ledger, periods = state.site, state.site.first, _periods(state)
    yield Group("DEBUTp", slashes(site.billing[0]))
    yield Group("FINp", slashes(_next_month(state)))
    yield Group("CAFp", "0")
    for period in periods:
        yield Group(f"EAp{period}", whole(ledger.get(A_IN, period) / 1000, "kWh"))
    is_base = state.contract.startswith("BASE")
    turn = site.now.minute % (5 if is_base else 2)
    if turn < 2:
        label, quantity = (("ERPp", Q1), ("ERNp", Q4))[turn]
        for period in periods:
            yield Group(f"{label}{period}", whole(ledger.get(quantity, period) / 1000, "kvarh"))
        return
    label, quantity, unit = (("EAp1", A_IN, "kWh"), ("ERPp1", Q1, "kvarh"), ("ERNp1", Q4, "kvarh"))[turn - 2]
    for period in periods:
        yield Group(f"{label}{period}", whole(ledger.get_previous(quantity, period) / 1000, unit))
    yield Group("DEBUTp1", slashes(site.billing[1]))
    yield Group("FINp1", slashes(site.billing[0]))
    yield Group("CAFp1", "0")


def _next_month(state: State) -> datetime:
    return (state.site.billing[0] + timedelta(days=32)).replace(day=1)


def _subscribed(state: State) -> Iterator[Group]:
    for period in _periods(state):
        yield Group(f"PS{period}", nearest(state.site.subscribed_in(period) / 1000, "kW"))


def _powers(state: State, labels: Sequence[str], active: int, reactive: tuple[int, int]) -> Iterator[Group]:
    """Send means of a minute and of ten: active, then reactive with its sign."""
    windows = (state.site.minute_means, state.site.points[0].means)
    for label, means in zip(labels[:2], windows, strict=True):
        yield Group(label, nearest(means[active] / 1000, "kW"))
    for label, means in zip(labels[2:], windows, strict=True):
        yield Group(label, nearest((means[reactive[0]] - means[reactive[1]]) / 1000, "kvar"))


def _tan_phi(state: State) -> str:
    last = state.site.points[0].means
    return ratio(last[Q1] - last[Q4], last[A_IN])


def _injected_tan_phi(state: State) -> str:
    last = state.site.points[0].means
    return ratio(last[Q2] - last[Q3], last[A_OUT])


def _voltage(state: State) -> Group:
    """Give the mean of the three line voltages."""
    volts = state.site.points[0].volts
    return Group("U10MN", nearest(_IN_THREE_PHASES * sum(volts) / len(volts), "V", 500))


def _injected_before(state: State) -> Iterator[Group]:
    """Send the series of the period before whose minute it is; three of the eight slots are unused."""
    label, quantity, unit = (("EAp1P", A_OUT, "kWh"), ("ERPp1P", Q2, "kvarh"), ("ERNp1P", Q3, "kvarh"))[
        state.site.now.minute % 3
    ]
    periods = FIVE.periods + ("",) * (_INJECTION_SLOTS - len(FIVE.periods))
    for slot, period in enumerate(periods, 1):
        yield Group(f"{label}{slot}", whole(state.site.second.get_previous(quantity, period) / 1000, unit))


def _injected_amperes(state: State) -> Iterator[Group]:
    """Refer the current to the high-voltage side; the same in each phase."""
    for phase in (1, 2, 3):
        amperes = state.site.load.flows[S_OUT] / _IN_THREE_PHASES / _HIGH_VOLTAGE
        yield Group(f"I{phase}", comma(amperes, 3) + "A")
