"""What api_compteur_tic (2019) made of the frames of one meter: labels with their values as sent, by tariff period.

Facts of that program: https://github.com/Liberasys/api_compteur_tic; docs/predecessor.md says what differs and why.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from ..folding import Kept, Key
from ..meter import INTERRUPTIONS, INVALID_FRAMES, REJECTED_READINGS, LinkCounter, Meter, Snapshot
from ..tic import quantities as q
from ..tic.families.pmepmi import PMEPMI
from ..tic.families.standard import LINKY_STANDARD
from ..tic.frames import DecodedFrame
from ..tic.groups import Dialect, Group
from ..tic.quantities import Kind, Quantity, Unit
from ..tic.schema import FromLabels

INDEPENDENT = "INDEP_TARIF"
METER_ID = "ID_COMPTEUR"

Entry = list[str | None]
"""`[value, unit]` of a PME-PMI, `[value, unit, timestamp]` of a Linky."""

Periods = dict[str, dict[str, Entry]]
"""Entries by label, by tariff period or `INDEPENDENT`."""

NO_UNIT = "No Unit"
NO_TIMESTAMP = "None"

_LONGEST_STEP = 10.0
"""Seconds between two frames of which a difference is made."""

_NUMBER = re.compile(r"([-+]?\d*[.,]?\d+)(.*)")


class Interpretation:
    """Follows one meter: the serial thread gives it what was decoded, any thread may ask.

    It takes the frames that `Meter` has used, of the meter whose id is confirmed.
    """

    def __init__(self) -> None:
        self._reader: _Reader | None = None
        self._read: tuple[str, str, Dialect] | None = None
        self._told: Periods = {}
        self._rejected = 0

    def __call__(self, meter: Meter, frames: Sequence[DecodedFrame], now: float) -> None:
        """Take the frames in that `meter` has just taken in, at `now` (monotonic seconds)."""
        snapshot = meter.snapshot
        rejected = _total(snapshot, REJECTED_READINGS)
        is_doubtful, self._rejected = rejected != self._rejected, rejected
        for frame in frames:
            if not frame.is_interpreted or frame.is_test or frame.family is None or not _is_of(frame, meter):
                continue
            what = (snapshot.meter_id, frame.family.name, frame.dialect)
            if what != self._read:
                self._read = what
                make = _READERS.get(what[1:])
                self._reader = make() if make else None
            if self._reader is not None:
                self._reader.take(frame, meter, now, is_doubtful=is_doubtful)
        if self._reader is not None:
            self._told = self._reader.told(meter)

    def periods(self, snapshot: Snapshot, now: float) -> Periods:
        """Give all that is known at `now`; of a meter that is silent, only its id and what is counted.

        Args:
            snapshot: as it may be shown: its id, and its metering point if it has one, stand here too.
            now: monotonic seconds.
        """
        told, reader = self._told, self._reader
        if reader is None or not told or not snapshot.meter_id:
            return {}
        is_silent = not snapshot.is_fresh(now) or not snapshot.readings
        periods = {} if is_silent else {period: dict(entries) for period, entries in told.items()}
        independent = periods.setdefault(INDEPENDENT, {})
        independent |= reader.counted(snapshot) | {METER_ID: reader.entry(snapshot.meter_id)}
        if "PRM" in independent:
            shown = _metering_point(snapshot)
            del independent["PRM"]
            if shown:
                independent["PRM"] = reader.entry(shown)
        return periods


def _is_of(frame: DecodedFrame, meter: Meter) -> bool:
    meter_id = frame.meter_id or meter.options.meter_id or meter.options.name
    return meter_id == meter.snapshot.meter_id


def _metering_point(snapshot: Snapshot) -> str | None:
    found = (dict(dimensions) for quantity, dimensions in snapshot.readings if quantity is q.METERING_POINT)
    return next((texts[q.METERING_POINT.value_dimension] for texts in found), None)


def _total(snapshot: Snapshot, counter: LinkCounter) -> int:
    return sum(snapshot.counts.get((counter.name, reason), 0) for reason in counter.reasons or ("",))


class _Reader(Protocol):
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


# --- PME-PMI ----------------------------------------------------------------------------------------------------------

_TEXTS = ("DATE", "PTCOUR1", "TARIFDYN", "ETATDYN1", "DebP", "DebP-1", "FinP-1")
_NUMBERS = ("PS", "PA1MN", "TGPHI_s", "TGPHI_i")
_INTERVALS = frozenset(row.label for row in PMEPMI.fields if row.quantity.kind is Kind.INTERVAL)
_OF_FRAMES = _quantities(
    (row.label, row.quantity)
    for row in PMEPMI.fields
    if row.label in {*_TEXTS, *_NUMBERS, *_INTERVALS, "MESURES1", "PREAVIS"}
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
        self._texts: dict[str, Entry] = {}
        self._intervals: dict[str, Entry] = {}
        self._differences: dict[str, Entry] = {}
        self._period = ""
        self._at = 0.0
        self._warnings = 0
        self._is_warning = False

    def take(self, frame: DecodedFrame, meter: Meter, now: float, *, is_doubtful: bool) -> None:
        values = {group.label: group.value for group in _groups(frame, meter, _OF_FRAMES)}
        texts: dict[str, Entry] = {label: [values[label], None] for label in _TEXTS if label in values}
        texts |= {label: _number(values[label]) for label in _NUMBERS if label in values}
        if "MESURES1" in values:
            texts["CONTRAT"] = [values["MESURES1"], None]
        self._texts = texts if frame.is_complete else self._texts | texts
        self._warnings += "PREAVIS" in values and not self._is_warning
        self._is_warning = "PREAVIS" in values
        if not is_doubtful:
            self._take_intervals({label: _number(values[label]) for label in _INTERVALS & values.keys()}, now)
        self._period = values.get("PTCOUR1", "")

    def _take_intervals(self, new: dict[str, Entry], now: float) -> None:
        """Give the rise since the frame before; where there is none to tell, the last one stays, as in 2019."""
        is_next = now - self._at < _LONGEST_STEP and self._period == (self._texts.get("PTCOUR1") or [""])[0]
        for label, (number, unit) in new.items():
            before = self._intervals.get(label, [None])[0]
            if is_next and before is not None and abs(int(before)) <= abs(int(number or 0)):
                self._differences[f"{label}_delta"] = [str(int(number or 0) - int(before)), unit]
        self._intervals, self._at = self._intervals | new, now

    def told(self, meter: Meter) -> Periods:
        remembered = meter.remembered()
        periods = _registers(remembered[1] if remembered else {})
        totals: dict[str, Entry] = {
            total: [str(sum(int(entries[label][0] or 0) for entries in periods.values() if label in entries)), None]
            for total, label in _TOTALS.items()
        }
        warnings: dict[str, Entry] = {"CPT_PREAVIS": [str(self._warnings), None]}
        return periods | {INDEPENDENT: self._texts | self._intervals | self._differences | totals | warnings}

    def counted(self, snapshot: Snapshot) -> dict[str, Entry]:
        return {
            "CPT_INTERRUPTIONS": [str(_total(snapshot, INTERRUPTIONS)), None],
            "CPT_TRAMES_INVALIDES": [str(_total(snapshot, INVALID_FRAMES)), None],
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
        self._entries: dict[str, Entry] = {}

    def take(self, frame: DecodedFrame, meter: Meter, now: float, *, is_doubtful: bool) -> None:
        del now, is_doubtful
        entries: dict[str, Entry] = {}
        for label, value, timestamp in _groups(frame, meter, _OF_LINKY):
            if label == "DATE":
                entries[label] = self.entry(timestamp or "")
            else:
                entries[label] = [value, linky_unit(label), timestamp or NO_TIMESTAMP]
        if "LTARF" in entries:
            entries["CONTRAT"] = entries["LTARF"]
        kept = self._entries.keys() & _CYCLIC if frame.is_complete else self._entries.keys()
        self._entries = {label: self._entries[label] for label in kept} | entries

    def told(self, meter: Meter) -> Periods:
        del meter
        return {INDEPENDENT: self._entries}

    def counted(self, snapshot: Snapshot) -> dict[str, Entry]:
        return {"CPT_TRAMES_INVALIDES": self.entry(str(_total(snapshot, INVALID_FRAMES)))}

    def entry(self, text: str) -> Entry:
        return [text, NO_UNIT, NO_TIMESTAMP]


def linky_unit(label: str) -> str:
    """Give the unit in the spelling of 2019."""
    if label in _IN_THOUSANDS:
        return _IN_THOUSANDS[label]
    return next((_UNITS[quantity.unit] for quantity in _OF_LINKY[label] if quantity.unit in _UNITS), NO_UNIT)


_READERS: Mapping[tuple[str, Dialect], type[_PmePmi] | type[_Linky]] = {
    (PMEPMI.name, Dialect.HISTORIC): _PmePmi,
    (LINKY_STANDARD.name, Dialect.STANDARD): _Linky,
}
