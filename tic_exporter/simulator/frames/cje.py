"""Frames of CJE, the yellow meter (NOI-CPT_02E 2.6), in the order of its table. They hold neither id nor year."""

from collections.abc import Mapping
from datetime import datetime

from ...tic.groups import Group
from ..load import A_IN, S_IN
from ..state import State, digits, only

_NOTICE_RATIO = 80
# Season and hour of the period in force.
_CODES = {"P": "23", "PM": "44", "HPH": "21", "HH": "21", "HCH": "22", "HPE": "11", "HCE": "12"}
# Periods that share a register, in the order of ENERG.
_REGISTERS = {"BASE": (("HPH", "P"), ("HCH",), ("HPE",), ("HCE",)), "EJP": (("PM",), ("HH",), ("HPE",), ("HCE",))}
# The two thresholds: winter's, and summer's.
_THRESHOLDS = (("P", "PM", "HPH", "HCH", "HH"), ("HPE", "HCE"))


def cje(state: State) -> list[Group]:
    site = state.site
    counts = site.first.counts[A_IN]
    energies = (
        digits(sum(counts[period] for period in shared) / 1000, 6) for shared in _REGISTERS[state.contract]
    )  # fmt: skip
    subscribed = ":".join([_tens(site.size.subscribed)] * 2)
    return [
        Group("JAUNE", _head(state)),
        Group("ENERG", ":".join(energies)),
        Group("PERCC", _change(site.billing[0])),
        Group("PMAXC", _maxima(site.demand)),
        Group("TDEPA", ":".join(digits(sum(site.minutes_over.get(p, 0) for p in rows), 5) for rows in _THRESHOLDS)),
        Group("PERCP", _change(site.billing[1])),
        Group("PMAXP", _maxima(site.previous_demand)),
        Group("PSOUSC", subscribed),
        Group("PSOUSP", subscribed),
        *only(state.events.telephone, Group("FCOU", "14:00:30")),
    ]


def _head(state: State) -> str:
    """Write JAUNE; the mean over the sliding window is taken from a low-pass filter of the same order."""
    site = state.site
    power = site.maxima.filtered(0)
    notice = "DP" if power > _NOTICE_RATIO / 100 * site.size.subscribed else "  "
    when = site.now.strftime("%H:%M:%d:%m")
    return f"{when}:{_CODES[site.period]}:{notice}:{_tens(power)}:{_NOTICE_RATIO}"


def _maxima(demand: Mapping[tuple[int, str], float]) -> str:
    return ":".join(_tens(max(demand.get((S_IN, period), 0.0) for period in periods)) for periods in _THRESHOLDS)


def _tens(power: float) -> str:
    return digits(round(power / 10), 5)


def _change(when: datetime) -> str:
    return when.strftime("%d:%m:%H:00")
