"""The groups of one frame, read together by the rows of its family."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from .frames import Entry, Finding, reading_of
from .groups import Defect, Dialect
from .quantities import Kind
from .schema import Family, Field, Reading


@lru_cache(maxsize=256)
def _shared(labels: frozenset[str]) -> frozenset[str]:
    """Give one object for all decoders: each keeps that of its line."""
    return labels


class Interpretation:
    """A frame while it is read: what its groups say together."""

    def __init__(self, entries: list[Entry], dialect: Dialect) -> None:
        self.entries = entries
        self.dialect = dialect
        self.values = {entry.group.label: entry.group.value for entry in entries if entry.group}
        self.labels = _shared(frozenset(self.values))
        self.family: Family | None = None
        self.meter_id: str | None = None
        self.readings: list[Reading] = []
        self.findings: list[Finding] = []
        self.read_entries: list[tuple[Entry, dict[str, str]]] = []
        self.unknown: set[str] = set()
        self.repeated: list[str] = []
        self.is_complete = False
        self.is_test = False
        self.is_interpreted = False
        self.tells_absences = False

    @property
    def can_spare_groups(self) -> bool:
        """Whether the good groups keep their meaning without the bad ones: not where a lost marker turns the rest.

        A label that stands twice where it may not is what such a marker leaves behind.
        """
        family = self.family
        return (
            family is not None
            and not family.sections
            and not self.repeated
            and (family.id_label is None or self.meter_id is not None)
        )

    def read(self, family: Family) -> None:
        """Let the rows of the family read each group. A section has its own values: no row is bound by another part."""
        rows_of = family.by_label
        section = ""
        values: dict[str, str] = {}
        names: set[str] = set()
        for index, seen in enumerate(self.entries):
            group = seen.group
            if group is None:
                continue
            label = family.aliases.get(group.label, group.label)
            if (label, group.value) in family.sections:
                section, rows_of, values = label, family.section_by_label[label, group.value], {}
            if (name := section + " " + label) in names and label not in family.repeats:
                self.repeated.append(label)
            names.add(name)
            rows = rows_of.get(label, ())
            entry = self.entries[index] = seen.read(rows)
            if entry.defect is None:  # a refused value names no tariff period of others
                values[label] = group.value
            self.read_entries.append((entry, values))
            if not rows and group.label not in family.known_labels:
                self.unknown.add(group.label)
        canonical = {family.aliases.get(label, label) for label in self.labels}
        self.values.update(
            {family.aliases[label]: self.values[label] for label in self.labels if label in family.aliases}
        )
        self.labels = frozenset(canonical)
        self.is_complete = family.complete_label is None or family.complete_label in canonical
        if family.test_marker is not None:
            label, value = family.test_marker
            self.is_test = self.values.get(label) == value
        if family.id_label is not None:
            identifier = self.values.get(family.id_label)
            self.meter_id = identifier if identifier and family.id_form.fullmatch(identifier) else None

    def find_defects(self) -> Iterable[Finding]:
        """Name every defect, in the order of the groups; what concerns the whole frame comes last."""
        family = self.family
        for entry in self.entries:
            if entry.group is None:
                yield Finding(entry.defect or Defect.MALFORMED, "")
            elif entry.group.label in self.unknown:
                yield Finding(Defect.UNKNOWN_LABEL, entry.group.label)
            elif entry.defect is not None and family is not None and not self.is_test:  # else another line read it
                yield Finding(entry.defect, entry.group.label)
        if family is None:
            return
        for label in self.repeated:
            yield Finding(Defect.MALFORMED, label)
        if family.id_label in self.values and self.meter_id is None:
            yield Finding(Defect.INVALID_VALUE, family.id_label or "")
        if not self.is_test and all(entry.group for entry in self.entries):
            yield from self.find_gaps(family)  # with a damaged group, what is lacking may be what is damaged

    def find_gaps(self, family: Family) -> Iterable[Finding]:
        """Name what is lacking: labels that every frame holds, or the head of what is the rest of a whole frame."""
        known = self.labels - self.unknown
        if not self.is_complete and family.partial_labels is not None and not known <= family.partial_labels:
            yield Finding(Defect.MISSING_CONTEXT, family.complete_label or "")
        needed = family.required if self.is_complete else family.required & {family.id_label}
        for label in sorted(needed - self.labels):
            yield Finding(Defect.MISSING_CONTEXT, label)

    def collect(self, memory: Mapping[str, str], *, presence: bool, was_complete: bool) -> None:
        """Gather the readings; those whose dimensions are not known are passed over."""
        family = self.family
        if family is None or self.is_test:
            return
        for entry, values in self.read_entries:
            if entry.defect is not None:
                continue
            self.readings.extend(entry.readings)
            for row, value in entry.bound:
                if row.unless is not None and values.get(row.unless[0], "").strip(" ") == row.unless[1]:
                    value = False  # noqa: PLW2901 - the row says so
                where = _resolve(row, values, memory)
                if where is not None:
                    self.readings.append(reading_of(row, value, where))
        if presence:
            self._add_absences(family, was_complete=was_complete)

    def _add_absences(self, family: Family, *, was_complete: bool) -> None:
        """Say false for what is told by the presence of a label that a whole frame lacks."""
        told = {reading.quantity for reading in self.readings}
        is_brief = not self.is_complete and family.brief_marker in self.labels
        for row in family.all_fields:
            if row.quantity.kind is not Kind.PRESENCE or row.quantity in told:
                continue
            tells = (
                (is_brief or (was_complete and self.is_complete))
                if row.label in family.brief_labels
                else self.is_complete or (is_brief and row.label in family.common_labels)
            )
            if tells:
                told.add(row.quantity)
                self.readings.append(reading_of(row, value=False, where=row.dimensions))


def _resolve(row: Field, values: Mapping[str, str], memory: Mapping[str, str]) -> dict[str, str] | None:
    where = {}
    for name, source in row.dimensions.items():
        value = source if isinstance(source, str) else source.resolve(values, memory)
        if value is None:
            return None
        where[name] = value
    return where
