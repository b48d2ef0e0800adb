"""How api_compteur_tic (2019) read the frames of a PME-PMI and of a Linky: which labels, with which units."""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from ..known import Kept
from ..meter import INTERRUPTIONS, INVALID_FRAMES, LinkCounter, Meter, Snapshot
from ..tic.families.pmepmi import PMEPMI
from ..tic.families.standard import LINKY_STANDARD
from ..tic.frames import DecodedFrame
from ..tic.groups import Dialect, Group
from ..tic.quantities import Kind, Quantity, Unit
from ..tic.schema import FromLabels, Key

INDEPENDENT = "INDEP_TARIF"

Entry = list[str | None]
"""`[value, unit]` of a PME-PMI, `[value, unit, timestamp]` of a Linky."""

Periods = dict[str, dict[str, Entry]]
"""Entries by label, by tariff period or `INDEPENDENT`."""

NO_UNIT = "No Unit"
NO_TIMESTAMP = "None"

_LONGEST_STEP = 10.0
"""Seconds between two frames of which a difference is made."""

_NUMBER = re.compile(r"([-+]?\d*[.,]?\d+)(.*)")


def total(snapshot: Snapshot, counter: LinkCounter) -> int:
    return sum(snapshot.counts.get((counter.name, reason), 0) for reason in counter.reasons or ("",))


class Reader(Protocol):
    """How the frames of one family were interpreted."""

    def take(self, frame: DecodedFrame, meter: Meter, now: float, *, is_doubtful: bool) -> None:
        """Take one frame; doubtful if something of it was held back."""

    def told(self, meter: Meter) -> Periods:
        """Give what the frames say, in objects that nobody changes later."""

    def counted(self, snapshot: Snapshot) -> dict[str, Entry]:
        """Give the counters."""

    def entry(self, text: str) -> Entry:
        """Give the entry of a text."""


def _groups(frame: DecodedFrame, meter: Meter, labels: Mapping[str, frozenset[Quantity]]) -> Iterable[Group]:
    """Give groups without a defect, under their canonical labels; none that is hidden, or has no place here."""
    aliases = frame.family.aliases if frame.family else {}
    wrong = {finding.where for finding in frame.findings}
    for group in frame.groups:
        label = aliases.get(group.label, group.label)
        if group.label not in wrong and label in labels and not labels[label] & meter.options.hidden:
            yield Group(label, group.value, group.timestamp)


def _quantities(rows: Iterable[tuple[str, Quantity]]) -> dict[str, frozenset[Quantity]]:
    found: dict[str, set[Quantity]] = {}
    for label, quantity in rows:
        found.setdefault(label, set()).add(quantity)
    return {label: frozenset(quantities) for label, quantities in found.items()}


class _Agreed:
    """Texts that two frames agree on, as `Meter` believes them: a checksum does not see the seventh bit of a letter."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._offered: dict[str, Entry] = {}

    def take(self, new: dict[str, Entry], *, is_complete: bool) -> None:
        """Keep what was believed where a frame says something new; forget what a complete frame does not say."""
        certain = {label: entry for label, entry in new.items() if self._offered.get(label) == entry}
        before = {label: entry for label, entry in self.entries.items() if label in new or not is_complete}
        self.entries = before | certain
        self._offered = new if is_complete else self._offered | new


# --- PME-PMI ----------------------------------------------------------------------------------------------------------

_TEXTS = {label: label for label in ("PTCOUR1", "TARIFDYN", "ETATDYN1", "DebP", "DebP-1", "FinP-1")} | {
    "MESURES1": "CONTRAT"
}
_NUMBERS = frozenset({"PS", "PA1MN", "TGPHI_s", "TGPHI_i"})
_INTERVALS = frozenset(row.label for row in PMEPMI.fields if row.quantity.kind is Kind.INTERVAL)
_OF_FRAMES = _quantities(
    (row.label, row.quantity)
    for row in PMEPMI.fields
    if row.label in {"DATE", *_TEXTS, *_NUMBERS, *_INTERVALS, "PREAVIS"}
)
# What stands under a tariff period of calendar 1, by quantity and quadrant.
_OF_PERIODS = {
    (row.quantity, row.dimensions.get("quadrant", "")): row.label
    for row in PMEPMI.fields
    if row.is_kept and isinstance(row.dimensions.get("tariff_period"), FromLabels) and row.label != "PS"
}
_THOUSANDS = {Unit.WATT_HOUR: "kWh", Unit.VAR_HOUR: "kvarh", Unit.VOLT_AMPERE: "kVA", Unit.WATT: "kW"}
_TOTALS = {"CONSO_TOTALE_s": "EAP_s", "CONSO_TOTALE_i": "EAP_i"}


class _PmePmi:
    """Registers and maxima are those that `Meter` keeps; all else is what the last frame says."""

    def __init__(self) -> None:
        self._texts = _Agreed()
        self._values: dict[str, Entry] = {}
        self._intervals: dict[str, Entry] = {}
        self._differences: dict[str, Entry] = {}
        self._period = ""
        self._at = 0.0
        self._warnings = 0
        self._is_warning = False

    def take(self, frame: DecodedFrame, meter: Meter, now: float, *, is_doubtful: bool) -> None:
        values = {group.label: group.value for group in _groups(frame, meter, _OF_FRAMES)}
        texts = {_TEXTS[label]: self.entry(values[label]) for label in _TEXTS.keys() & values.keys()}
        self._texts.take(texts, is_complete=frame.is_complete)
        numbers = {label: _number(values[label]) for label in _NUMBERS & values.keys()}
        if "DATE" in values:
            numbers["DATE"] = self.entry(values["DATE"])
        self._values = numbers if frame.is_complete else self._values | numbers
        self._warnings += "PREAVIS" in values and not self._is_warning
        self._is_warning = "PREAVIS" in values
        if not is_doubtful:
            intervals = {label: _number(values[label]) for label in _INTERVALS & values.keys()}
            self._take_intervals(intervals, values.get("PTCOUR1", ""), now)

    def _take_intervals(self, new: dict[str, Entry], period: str, now: float) -> None:
        """Give the rise since the frame before; where there is none to tell, the last one stays, as in 2019."""
        is_next = now - self._at < _LONGEST_STEP and self._period == period
        for label, (number, unit) in new.items():
            before = self._intervals.get(label, [None])[0]
            if is_next and before is not None and abs(int(before)) <= abs(int(number or 0)):
                self._differences[f"{label}_delta"] = [str(int(number or 0) - int(before)), unit]
        self._intervals, self._period, self._at = self._intervals | new, period, now

    def told(self, meter: Meter) -> Periods:
        remembered = meter.remembered()
        periods = _registers(remembered[1] if remembered else {})
        totals: dict[str, Entry] = {
            total: [str(sum(int(entries[label][0] or 0) for entries in periods.values() if label in entries)), None]
            for total, label in _TOTALS.items()
        }
        warnings: dict[str, Entry] = {"CPT_PREAVIS": [str(self._warnings), None]}
        now = self._texts.entries | self._values | self._intervals
        return periods | {INDEPENDENT: now | self._differences | totals | warnings}

    def counted(self, snapshot: Snapshot) -> dict[str, Entry]:
        return {
            "CPT_INTERRUPTIONS": [str(total(snapshot, INTERRUPTIONS)), None],
            "CPT_TRAMES_INVALIDES": [str(total(snapshot, INVALID_FRAMES)), None],
        }

    def entry(self, text: str) -> Entry:
        return [text, None]


def _registers(kept: Mapping[Key, Kept]) -> Periods:
    periods: Periods = {}
    for (quantity, dimensions), entry in kept.items():
        where = dict(dimensions)
        label = _OF_PERIODS.get((quantity, where.get("quadrant", "")))
        if label is not None and isinstance(entry.value, float):
            number = str(round(entry.value / 1000))
            periods.setdefault(where["tariff_period"], {})[label] = [number, _THOUSANDS[quantity.unit]]
    return periods


def _number(value: str) -> Entry:
    """Part `-0,39` or `560Wh` into number and unit; the table of the family has read it already."""
    match = _NUMBER.fullmatch(value.strip(" "))
    return [match[1].replace(",", "."), match[2]] if match else [value, ""]


# --- Linky, mode standard ---------------------------------------------------------------------------------------------

_UNITS = {
    Unit.WATT_HOUR: "Wh",
    Unit.VAR_HOUR: "VArh",
    Unit.AMPERE: "A",
    Unit.VOLT: "V",
    Unit.VOLT_AMPERE: "VA",
    Unit.WATT: "W",
}
_IN_THOUSANDS = {"PREF": "kVA", "PCOUP": "kVA"}
_OF_LINKY = dict.fromkeys(LINKY_STANDARD.ignored, frozenset[Quantity]()) | _quantities(
    (row.label, row.quantity) for row in LINKY_STANDARD.fields
)
_CYCLIC = frozenset(row.label for row in LINKY_STANDARD.fields if row.cyclic)


class _Linky:
    """Everything is what the last frame says."""

    def __init__(self) -> None:
        self._texts = _Agreed()
        self._values: dict[str, Entry] = {}

    def take(self, frame: DecodedFrame, meter: Meter, now: float, *, is_doubtful: bool) -> None:
        del now, is_doubtful
        values: dict[str, Entry] = {}
        texts: dict[str, Entry] = {}
        for label, value, timestamp in _groups(frame, meter, _OF_LINKY):
            unit = linky_unit(label)
            if label == "DATE":
                values[label] = self.entry(timestamp or "")
            else:
                is_text = unit == NO_UNIT and label not in _CYCLIC
                (texts if is_text else values)[label] = [value, unit, timestamp or NO_TIMESTAMP]
        if "LTARF" in texts:
            texts["CONTRAT"] = texts["LTARF"]
        self._texts.take(texts, is_complete=frame.is_complete)
        kept = self._values.keys() & _CYCLIC if frame.is_complete else self._values.keys()
        self._values = {label: self._values[label] for label in kept} | values

    def told(self, meter: Meter) -> Periods:
        del meter
        return {INDEPENDENT: self._texts.entries | self._values}

    def counted(self, snapshot: Snapshot) -> dict[str, Entry]:
        return {"CPT_TRAMES_INVALIDES": self.entry(str(total(snapshot, INVALID_FRAMES)))}

    def entry(self, text: str) -> Entry:
        return [text, NO_UNIT, NO_TIMESTAMP]


def linky_unit(label: str) -> str:
    """Give the unit in the spelling of 2019."""
    if label in _IN_THOUSANDS:
        return _IN_THOUSANDS[label]
    return next((_UNITS[quantity.unit] for quantity in _OF_LINKY[label] if quantity.unit in _UNITS), NO_UNIT)


READERS: Mapping[tuple[str, Dialect], type[Reader]] = {
    (PMEPMI.name, Dialect.HISTORIC): _PmePmi,
    (LINKY_STANDARD.name, Dialect.STANDARD): _Linky,
}
