"""Frames of concentrator, bleu meters and Linky in mode historique (NOI-CPT_02E 2.2 to 2.5, NOI-CPT_54E 6.1)."""

from collections.abc import Iterator

from ...tic.groups import Group
from ..calendars import next_color
from ..load import A_IN, S_IN
from ..state import State, digits, only

_OPTIONS = {"BASE": "BASE", "HC": "HC..", "EJP": "EJP.", "TEMPO": "BBR(", "WEEKEND": "BASE"}
_REGISTERS = {
    "BASE": {"BASE": "TH"},
    "HC": {"HCHC": "HC", "HCHP": "HP"},
    "EJP": {"EJPHN": "HN", "EJPHPM": "PM"},
    "TEMPO": {f"BBR{period}": period for period in ("HCJB", "HPJB", "HCJW", "HPJW", "HCJR", "HPJR")},
}
_COLORS = {"unknown": "----", "blue": "BLEU", "white": "BLAN", "red": "ROUG"}
_TIMETABLES = "ACDEY"


def concentrator(state: State) -> list[Group]:
    """One frame for the meters of a flat: eight digits, and volumes in units of ten litres."""
    site = state.site
    return [
        Group("ADCO", state.meter_id),
        Group("OPTARIF", _OPTIONS[state.contract]),
        *_registers(state, 8),
        Group("GAZ", digits(site.gas, 7)),
        Group("AUTRE", digits(site.water, 7)),
        Group("PTEC", f"{site.period:.<4}"),
        Group("MOTDETAT", "000000"),
    ]


def single_phase(state: State, *, has_power: bool = True, is_linky: bool = False) -> list[Group]:
    """Build the frame of CBEMM (without power), CBEMM-ICC and Linky."""
    if state.events.standby and not is_linky:
        return [Group("ADCO", state.meter_id)]
    site = state.site
    amperes = digits(round(site.load.amperes[0]), 3)
    largest = "090" if is_linky else digits(round(site.largest_amperes[0]), 3)
    return [
        *_head(state, is_linky=is_linky),
        Group("IINST", amperes),
        *only(site.phases_over(), Group("ADPS", amperes)),
        Group("IMAX", largest),
        *only(has_power, Group("PAPP", _power(state))),
        Group("HHPHC", "A" if is_linky else _TIMETABLES[int(state.meter_id[-1]) % 5]),
        Group("MOTDETAT", "000000"),
    ]


def three_phase(state: State, *, is_linky: bool = False) -> list[Group]:
    """Build the long frame of CBETM and Linky."""
    if state.events.standby and not is_linky:
        return [Group("ADCO", state.meter_id)]
    site = state.site
    largest = ["060"] * 3 if is_linky else [digits(round(amperes), 3) for amperes in site.largest_amperes]
    # Linky: VA, of the day before, not rounded. CBETM: W, rounded to ten.
    power = round(site.maxima.yesterday[0].value) if is_linky else round(site.largest_power, -1)
    missing = sum(1 << phase for phase in state.events.missing_phases)
    return [
        *_head(state, is_linky=is_linky),
        *(Group(f"IINST{phase + 1}", digits(round(value), 3)) for phase, value in enumerate(site.load.amperes)),
        *(Group(f"IMAX{phase + 1}", value) for phase, value in enumerate(largest)),
        Group("PMAX", digits(power, 5)),
        Group("PAPP", _power(state)),
        *only(is_linky or state.contract in {"HC", "TEMPO"}, Group("HHPHC", "A" if is_linky else "D")),
        Group("MOTDETAT", "000000" if is_linky else "400000"),
        Group("PPOT", f"{missing:02X}"),
    ]


def brief(state: State) -> list[Group]:
    """Build the short frame of an overload: the phases that are over come first."""
    amperes = [digits(round(value), 3) for value in state.site.load.amperes]
    return [
        *(Group(f"ADIR{phase}", amperes[phase - 1]) for phase in state.site.phases_over()),
        Group("ADCO", state.meter_id),
        *(Group(f"IINST{phase + 1}", value) for phase, value in enumerate(amperes)),
    ]


def _head(state: State, *, is_linky: bool) -> Iterator[Group]:
    site = state.site
    yield Group("ADCO", state.meter_id)
    yield Group("OPTARIF", _OPTIONS[state.contract])
    yield Group("ISOUSC", digits(site.limit_amperes, 2))
    yield from _registers(state, 9)
    # A bleu meter repeats the notice during the peak.
    if (site.period != "PM" and site.next_period() == "PM") or (site.period == "PM" and not is_linky):
        yield Group("PEJP", "30")
    yield Group("PTEC", "TH.." if state.contract == "WEEKEND" else f"{site.period:.<4}")
    if state.contract == "TEMPO":
        yield Group("DEMAIN", _COLORS[next_color(site.now, site.days)])


def _registers(state: State, width: int) -> Iterator[Group]:
    ledger = state.site.first
    if state.contract not in _REGISTERS:
        yield Group("BASE", digits(ledger.total(A_IN), width))
        return
    for label, period in _REGISTERS[state.contract].items():
        yield Group(label, digits(ledger.get(A_IN, period), width))


def _power(state: State) -> str:
    """Round to 10 VA, as all but a few CBETM do."""
    return digits(round(state.site.load.flows[S_IN], -1), 5)
