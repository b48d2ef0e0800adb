"""Family and frame body to readings; groups seen in the frame before are not decoded again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, count
from operator import ne

from .codecs import Placed, Value, Verdict
from .families import FAMILIES
from .framing import Cut, RawFrame
from .groups import Defect, Dialect, Group, dialect_of, parse_group, pieces, split
from .parity import Parity, check, count_wrong
from .quantities import Kind
from .schema import Dimensions, Family, Field, Memory, Reading

_COSTLY = [Defect.CHECKSUM, Defect.MALFORMED, Defect.INVALID_VALUE, Defect.MISSING_CONTEXT, Defect.PARITY]


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect, and the label or the bytes where it was found."""

    defect: Defect
    where: str


@dataclass(slots=True)
class DecodedFrame:
    """All that one frame says. Nobody changes it; not frozen, since that would cost a tenth of decoding.

    Args:
        cut: why it ended.
        dialect: told by its separator.
        family: None where nothing recognises it.
        meter_id: None where the frame holds none.
        entries: its groups, readable or not, in order.
        right_checksums: how many of them could be read, in frames that were cut too.
        readings: empty unless the frame was interpreted.
        findings: defects in the order of the groups.
        is_complete: not a short frame, nor one that holds the id alone; and without a defect.
        is_test: its values are fictitious.
        is_interpreted: its readings may be used. Without `drop_group` this is `is_valid`.
        parity: what its characters carry.
        parity_errors: characters with the wrong parity.
        cooked: it came through a terminal that translates.
        changed: the readings that differ from the frame before, where these are numbers alone; None: look at all.
    """

    cut: Cut
    dialect: Dialect
    family: Family | None
    meter_id: str | None
    entries: Sequence["Entry"]
    right_checksums: int
    readings: Sequence[Reading]
    findings: Sequence[Finding]
    is_complete: bool
    is_test: bool
    is_interpreted: bool
    parity: Parity
    parity_errors: int
    cooked: bool
    changed: Sequence[Reading] | None = None

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups that could be read, in order."""
        return tuple(entry.group for entry in self.entries if entry.group)

    @property
    def group_count(self) -> int:
        """How many groups there are, readable or not."""
        return len(self.entries)

    @property
    def defect(self) -> Defect | None:
        """The one under which a frame is counted: the first in the order of `Defect` that costs it."""
        if not self.findings:
            return None
        found = {finding.defect for finding in self.findings}
        return next((defect for defect in _COSTLY if defect in found), None)

    @property
    def is_valid(self) -> bool:
        """Ended by ETX, with every group right."""
        return self.cut is Cut.COMPLETE and self.defect is None


class Entry:
    """A group that was seen, and what it means to the family that read it last.

    Without `group`, `defect` says why the bytes are none.
    """

    __slots__ = ("bound", "defect", "group", "readings", "rows")

    def __init__(
        self,
        group: Group | None,
        defect: Defect | None,
        rows: Sequence[Field] | None = None,
        readings: tuple[Reading, ...] = (),
    ) -> None:
        self.group = group
        self.defect = defect
        self.rows = rows
        self.readings = readings
        self.bound: tuple[tuple[Field, Value], ...] = ()

    def read(self, rows: Sequence[Field]) -> "Entry":
        """Let the rows of the label read the value, once; without rows it means nothing.

        What other rows have read (of another section or family) stays as it is in the frame that holds it.
        """
        if self.rows is rows or self.group is None:
            return self
        if self.rows is not None:
            return Entry(self.group, None).read(rows)
        values = [(row, row.codec(self.group.value, self.group.timestamp)) for row in rows]
        self.rows = rows
        refused = bool(rows) and all(value is Verdict.REFUSED for _, value in values)
        self.defect = Defect.INVALID_VALUE if refused else None
        good = [(row, value) for row, value in values if not isinstance(value, Verdict)]
        self.bound = tuple((row, value) for row, value in good if row.is_bound or row.unless)
        self.readings = tuple(
            _reading(row, value, row.dimensions) for row, value in good if not row.is_bound and not row.unless
        )
        return self


class Decoder:
    """Reads the frames of one line. It raises on no input; it remembers the frame before and what `Memory` rows say.

    Args:
        families: those that may be recognised.
        parity: None to let every frame tell.
        drop_group: use the good groups of a frame that has bad ones.
        memory: what is known from the start, under the keys of `Memory` rows.
    """

    def __init__(
        self,
        families: Sequence[Family] = FAMILIES,
        *,
        parity: Parity | None = None,
        drop_group: bool = False,
        memory: Mapping[str, str] | None = None,
    ) -> None:
        self._families = families
        self._parity = parity
        self._drop_group = drop_group
        self._known_memory = dict(memory or {})
        self._memories: dict[str | None, _Memory] = {}
        self._seen: dict[bytes, Entry] = {}
        self._dialect = Dialect.HISTORIC
        self._family: Family | None = None
        self._recognised: tuple[frozenset[str], str | None, Family | None] | None = None
        self._was_complete = False
        self._unknown: set[str] = set()
        self._alike: _Alike | None = None

    def decode(self, raw: RawFrame) -> DecodedFrame:
        """Read one frame."""
        body, parity = check(raw.body, self._parity)
        errors = count_wrong(body) if parity is Parity.EVEN and not body.isascii() else 0
        dialect = dialect_of(body)
        parts = split(body) if raw.cut is Cut.COMPLETE else None
        if parts is not None and self._alike is not None and self._alike.was_complete is self._was_complete:
            alike = self._alike.decode(parts, dialect, parity, cooked=raw.cooked)
            if alike is not None:
                return alike
        all_parts = pieces(body) if parts is None else parts
        entries = self._entries(all_parts, dialect)
        frame = _Frame(entries, dialect)
        was_complete = self._was_complete
        if parts is not None:
            self._interpret(frame)
        elif raw.cut is Cut.COMPLETE:
            frame.findings = [Finding(entry.defect, "") for entry in entries if entry.defect] or [
                Finding(Defect.MALFORMED, "")
            ]
        self._seen = dict(zip(all_parts, entries, strict=True))
        decoded = DecodedFrame(
            cut=raw.cut,
            dialect=dialect,
            family=frame.family,
            meter_id=frame.meter_id,
            entries=entries,
            right_checksums=sum(entry.group is not None for entry in entries),
            readings=frame.readings,
            findings=frame.findings,
            is_complete=frame.is_complete,
            is_test=frame.is_test,
            is_interpreted=frame.is_interpreted,
            parity=parity,
            parity_errors=errors,
            cooked=raw.cooked,
        )
        if frame.is_interpreted:
            # Whoever folds the frames has seen this one: the next is compared with it or with none.
            self._alike = None
            if parts is not None and frame.family is not None and frame.tells_absences and not frame.is_test:
                self._alike = _Alike(decoded, parts, frame.family, was_complete=was_complete)
        return decoded

    def _entries(self, parts: Iterable[bytes], dialect: Dialect) -> list[Entry]:
        """Look each group up among those of the frame before, which keeps the memory as small as one frame."""
        if dialect is not self._dialect:
            self._dialect, self._seen = dialect, {}
        entries = []
        for part in parts:
            entry = self._seen.get(part)
            if entry is None:
                parsed = parse_group(part, dialect)
                entry = Entry(None, parsed) if isinstance(parsed, Defect) else Entry(parsed, None)
            entries.append(entry)
        return entries

    def _interpret(self, frame: "_Frame") -> None:
        damaged = any(entry.group is None for entry in frame.entries)
        family = frame.family = self._recognise(frame, damaged=damaged)
        if family is not None:
            frame.read(family)
        frame.findings = list(frame.find_defects())
        costly = any(finding.defect is not Defect.UNKNOWN_LABEL for finding in frame.findings)
        frame.is_complete &= not costly
        frame.is_interpreted = not costly or (self._drop_group and frame.can_spare_groups)
        if frame.is_interpreted and family is not None:
            # A label never seen before may be a damaged one: then the lack of another proves nothing.
            presence = not costly and frame.unknown <= self._unknown
            self._unknown = frame.unknown
            frame.tells_absences = presence
            frame.collect(self._remember(frame, family), presence=presence, was_complete=self._was_complete)
            self._was_complete = frame.is_complete
        if not frame.is_interpreted:
            frame.readings = []

    def _recognise(self, frame: "_Frame", *, damaged: bool) -> Family | None:
        """Tell the family by the labels; a frame with a damaged group can only belong to the family of the line.

        What no marker recognises (an id alone, a frame that holds one rare label) belongs to it too, if it knows all.
        """
        labels = frame.labels
        identifier = frame.values.get("ADCO")
        if self._recognised is not None and self._recognised[:2] == (labels, identifier):
            return self._recognised[2]
        current = self._family
        if not damaged:
            device_type = (identifier or "")[4:6]
            for family in self._families:
                if frame.dialect in family.dialects and any(m.matches(labels, device_type) for m in family.markers):
                    self._recognised = (labels, identifier, family)
                    self._family = family
                    return family
            if current is not None and not labels <= current.known_labels:
                current = None
        return current if current is not None and frame.dialect in current.dialects else None

    def _remember(self, frame: "_Frame", family: Family) -> dict[str, str]:
        """Update what is remembered of this meter; of the four last ids at most."""
        memory = self._memories.pop(frame.meter_id, None) or _Memory(self._known_memory)
        for entry in frame.entries:
            if entry.group is None:
                continue
            for row in family.memories_by_label.get(entry.group.label, ()):
                value = row.codec(entry.group.value, entry.group.timestamp)
                if isinstance(value, str):
                    memory.take(row, value)
        self._memories[frame.meter_id] = memory
        if len(self._memories) > 4:
            del self._memories[next(iter(self._memories))]
        return memory.values


class _Memory:
    """What a meter has told for its later frames. Frames for minutes hang on it, so a doubtful word is not believed.

    A first word is believed if the table trusts it; any other, and every change, when it is said twice. Meanwhile
    nothing is known under that key, and what hangs on it is passed over.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self.values = dict(known)
        self._doubts: dict[str, tuple[str, str]] = {}

    def take(self, row: Memory, value: str) -> None:
        key = row.key
        known = self.values.get(key)
        doubt = self._doubts.get(key)
        if doubt is not None and value in doubt:
            self.values[key] = value
            del self._doubts[key]
        elif doubt is None and (value == known or (known is None and value in row.trusted)):
            self.values[key] = value
        else:
            self._doubts[key] = (doubt[0] if doubt else known or "", value)
            self.values[key] = ""


class _Alike:
    """The last frame that was interpreted, and which of its groups may change without any other meaning another thing.

    Most frames differ from the one before in a few numbers: only these are decoded. Whatever else changes (a label, a
    state, a name, a tariff period to which others are bound) is left to the whole way.
    """

    def __init__(self, frame: DecodedFrame, parts: list[bytes], family: Family, *, was_complete: bool) -> None:
        self.was_complete = was_complete
        self._frame = frame
        self._parts = parts
        self._spots = list(_spots(frame, family))

    def decode(self, parts: list[bytes], dialect: Dialect, parity: Parity, *, cooked: bool) -> DecodedFrame | None:
        """Read a frame that differs from the last one in plain numbers alone; None: it does not."""
        last = self._frame
        if len(parts) != len(self._parts) or dialect is not last.dialect or parity is not last.parity:
            return None
        entries, readings = list(last.entries), list(last.readings)
        changed: list[Reading] = []
        for index in compress(count(), map(ne, parts, self._parts)):
            spot = self._spots[index]
            group = parse_group(parts[index], dialect) if spot else None
            if spot is None or not isinstance(group, Group) or group.label != spot.label:
                return None
            found = spot.read(group, changed)
            if found is None:
                return None
            entries[index] = Entry(group, None, spot.rows, found)
            readings[spot.start : spot.start + len(found)] = found
        self._parts = parts
        self._frame = DecodedFrame(
            Cut.COMPLETE, dialect, last.family, last.meter_id, entries, last.right_checksums, readings, last.findings,
            last.is_complete, False, True, parity, 0, cooked, changed,
        )  # fmt: skip
        return self._frame


class _Spot:
    """A group whose readings stand for themselves: another number changes them and nothing else."""

    __slots__ = ("_before", "_mute", "label", "rows", "start")

    def __init__(self, start: int, label: str, rows: Sequence[Field], readings: Sequence[Reading]) -> None:
        self.start = start
        self.label = label
        self.rows = rows
        self._before = [(reading.row.codec, reading.row.is_plain_number, reading) for reading in readings]
        speaking = {reading.row for reading in readings}
        self._mute = [row.codec for row in rows if row not in speaking]

    def read(self, group: Group, changed: list[Reading]) -> tuple[Reading, ...] | None:
        """Read another value, and add its numbers to `changed`.

        None where anything else than a number changes, a row speaks that was silent, or one is silent that spoke.
        """
        found = []
        for codec, is_number, before in self._before:
            value = codec(group.value, group.timestamp)
            if not is_number:
                if value != before.value:
                    return None
                found.append(before)
                continue
            if isinstance(value, (Verdict, Placed)):
                return None
            reading = Reading(before.quantity, before.dimensions, value, before.row)
            found.append(reading)
            changed.append(reading)
        for codec in self._mute:
            if not isinstance(codec(group.value, group.timestamp), Verdict):
                return None
        return tuple(found)


def _spots(frame: DecodedFrame, family: Family) -> Iterator[_Spot | None]:
    """Give the spot of each group, None where its change may change more."""
    position = 0
    for entry in frame.entries:
        end = position + len(entry.readings)
        label = entry.group.label if entry.group else ""
        is_free = entry.readings and not entry.bound and label not in family.context_labels
        in_place = is_free and list(frame.readings[position:end]) == list(entry.readings)
        yield _Spot(position, label, entry.rows or (), entry.readings) if in_place else None
        # A bound reading whose dimension was not known was passed over.
        position = end
        for row, _ in entry.bound:
            position += position < len(frame.readings) and frame.readings[position].row is row


class _Frame:
    """A frame while it is read: what its groups say together."""

    def __init__(self, entries: list[Entry], dialect: Dialect) -> None:
        self.entries = entries
        self.dialect = dialect
        self.values = {entry.group.label: entry.group.value for entry in entries if entry.group}
        self.labels = frozenset(self.values)
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
            elif entry.defect is not None and not self.is_test:
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
                    self.readings.append(_reading(row, value, where))
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
                self.readings.append(_reading(row, value=False, where=row.dimensions))


def _resolve(row: Field, values: Mapping[str, str], memory: Mapping[str, str]) -> dict[str, str] | None:
    where = {}
    for name, source in row.dimensions.items():
        value = source if isinstance(source, str) else source.resolve(values, memory)
        if value is None:
            return None
        where[name] = value
    return where


def _reading(row: Field, value: Value, where: Mapping[str, object]) -> Reading:
    """Put a value under its dimensions, in the quantity's order; one that a row leaves out is empty."""
    quantity = row.quantity
    given = {name: str(dimension) for name, dimension in where.items()}
    if isinstance(value, Placed):
        given.update(value.dimensions)
        value = value.number
    if quantity.value_dimension in given and quantity.kind is Kind.STATE:
        value = given[quantity.value_dimension]
    dimensions: Dimensions = tuple((name, given.get(name, "")) for name in quantity.dimensions)
    return Reading(quantity, dimensions, value, row)
