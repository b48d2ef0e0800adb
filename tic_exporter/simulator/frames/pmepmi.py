"""Frames of PME-PMI, paliers 2010 and 2013 (NOI-CPT_02E 2.9), in the order of its table."""

from collections.abc import Iterator

from ...tic.groups import Group
from ..calendars import NOTICE
from ..events import DynamicPeriod
from ..load import A_IN, A_OUT, Q1, Q2, Q3, Q4, S_IN, S_OUT
from ..state import State, colons, nearest, only, ratio, whole

_TESTS_OF_EACH = 15
_SLOTS = 8
_REGISTERS = (
    ("EA", "_s", A_IN, "kWh"),
    ("EA", "_i", A_OUT, "kWh"),
    ("ER+", "_s", Q1, "kvarh"),
    ("ER-", "_s", Q4, "kvarh"),
    ("ER+", "_i", Q2, "kvarh"),
    ("ER-", "_i", Q3, "kvarh"),
)


def pmepmi(state: State, *, is_2013: bool = True) -> list[Group]:
    """Build a frame; all its values are of the instant at which it begins."""
    if is_2013 and state.events.test_mode:
        return _test(state)
    return [
        *only(is_2013, Group("ADS", state.meter_id)),
        *_interval(state),
        *_tariff(state, is_2013=is_2013),
        *_points(state),
        *_registers(state),
        *_powers(state),
        *_second_calendar(state, is_2013=is_2013),
    ]


def _test(state: State) -> list[Group]:
    """Build a test frame: slots of calendar 1, without and with a notice, then of calendar 2; 15 of each."""
    steps = [(1, slot, notice) for slot in range(_SLOTS) for notice in (False, True)]
    steps += [(2, slot, False) for slot in range(_SLOTS)]
    calendar, slot, notice = steps[state.tests // _TESTS_OF_EACH % len(steps)]
    contract = state.site.contract
    periods = (contract.calendar if calendar == 1 else contract.second).periods
    return [
        Group("TRAME", "TEST"),
        Group("ADS", "000000000000"),
        Group(f"PTCOUR{calendar}", periods[slot] if slot < len(periods) else "XXX"),
        *only(notice, Group("PREAVIS", "DEP")),
    ]


def _interval(state: State) -> Iterator[Group]:
    energies = state.site.interval.energies
    yield Group("MESURES1", f"{state.site.contract.name:<10}")
    yield Group("DATE", colons(state.site.now))
    yield Group("EA_s", whole(energies[A_IN], "Wh"))
    yield Group("ER+_s", whole(energies[Q1], "varh"))
    yield Group("ER-_s", whole(energies[Q4], "varh"))
    yield Group("EAPP_s", whole(energies[S_IN], "VAh"))
    if state.is_producer:
        yield Group("EA_i", whole(energies[A_OUT], "Wh"))
        yield Group("ER+_i", whole(energies[Q2], "varh"))
        yield Group("ER-_i", whole(energies[Q3], "varh"))
        yield Group("EAPP_i", whole(energies[S_OUT], "VAh"))


def _tariff(state: State, *, is_2013: bool) -> Iterator[Group]:
    running = is_2013 and state.events.running(state.site.now)  # palier 2010 knows of no dynamic period
    yield Group("PTCOUR1", state.site.period)
    yield Group("TARIFDYN", "ACTIF" if running else "INACTIF")
    if is_2013:
        yield from _dynamic(state, 1)
    yield from only(state.events.control_mode, Group("MODE", "CONTROLE"))
    yield Group("CONFIG", "PROD" if state.is_producer else "CONSO")


def _dynamic(state: State, calendar: int) -> Iterator[Group]:
    now = state.site.now
    running, coming = state.events.running(now), state.events.coming(now)
    yield Group(f"ETATDYN{calendar}", f"{running.label:<3}" if running else "000")
    if coming and coming.start - now <= NOTICE:
        yield Group(f"PREAVIS{calendar}", f"TD-{coming.label or ' ? '}")
    for label, period in ((f"TDYN{calendar}C", running), (f"TDYN{calendar}F", coming)):
        if period:
            yield from _bounds(label, period)


def _bounds(label: str, period: DynamicPeriod) -> Iterator[Group]:
    yield Group(f"{label}D", f"{colons(period.start)}-{period.label:<3}")
    yield Group(f"{label}F", f"{colons(period.end)}-{period.label:<3}")


def _points(state: State) -> Iterator[Group]:
    for number, point in enumerate(state.site.points, 1):
        unit = f"{'T' if point.flag else ''}kW"
        yield Group(f"DATEPA{number}", colons(point.end))
        yield Group(f"PA{number}_s", nearest(point.means[A_IN] / 1000, unit))
        yield from only(state.is_producer, Group(f"PA{number}_i", nearest(point.means[A_OUT] / 1000, unit)))


def _registers(state: State) -> Iterator[Group]:
    """Send the registers of the period in force, and none of the others."""
    ledger, period = state.site.first, state.site.register_period
    rows = [row for row in _REGISTERS if state.is_producer or row[1] == "_s"]
    yield Group("DebP", colons(state.site.billing[0]))
    for head, tail, quantity, unit in rows:
        yield Group(f"{head}P{tail}", whole(ledger.get(quantity, period) / 1000, unit))
    yield Group("DebP-1", colons(state.site.billing[1]))
    yield Group("FinP-1", colons(state.site.billing[0]))
    for head, tail, quantity, unit in rows:
        yield Group(f"{head}P-1{tail}", whole(ledger.get_previous(quantity, period) / 1000, unit))


def _powers(state: State) -> Iterator[Group]:
    site = state.site
    is_active = site.contract.is_active_power
    unit = "kW" if is_active else "kVA"
    drawn, fed = (A_IN, A_OUT) if is_active else (S_IN, S_OUT)
    last = site.points[0].means
    yield Group("PS", nearest(site.subscribed / 1000, unit))
    yield from only(site.minute_means[drawn] > 0.9 * site.subscribed, Group("PREAVIS", "DEP"))
    yield Group("PA1MN", nearest(site.minute_means[A_IN] / 1000, "kW"))
    yield Group("PMAX_s", nearest(site.demand.get((drawn, site.register_period), 0.0) / 1000, unit))
    if state.is_producer:
        yield Group("PMAX_i", nearest(site.demand.get((fed, site.register_period), 0.0) / 1000, unit))
    yield Group("TGPHI_s", ratio(last[Q1] - last[Q4], last[A_IN]))
    yield from only(state.is_producer, Group("TGPHI_i", ratio(last[Q2] - last[Q3], last[A_OUT])))


def _second_calendar(state: State, *, is_2013: bool) -> Iterator[Group]:
    site = state.site
    ledger, period = site.second, site.second_period
    yield Group("MESURES2", f"{site.contract.second_name or site.contract.name:<10}")
    yield Group("PTCOUR2", period)
    if is_2013:
        yield from _dynamic(state, 2)
    yield Group("DebP_2", colons(site.billing[0]))
    yield Group("EAP_s2", whole(ledger.get(A_IN, period) / 1000, "kWh"))
    yield Group("DebP-1_2", colons(site.billing[1]))
    yield Group("FinP-1_2", colons(site.billing[0]))
    yield Group("EAP-1_s2", whole(ledger.get_previous(A_IN, period) / 1000, "kWh"))
