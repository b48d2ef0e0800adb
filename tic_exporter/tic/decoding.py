"""Family and frame body to readings; groups seen in the frame before are not decoded again."""

from collections.abc import Iterable, Mapping, Sequence
from weakref import WeakValueDictionary

from .families import FAMILIES
from .frames import DecodedFrame, Entry, Finding
from .framing import Cut, RawFrame
from .groups import Defect, Dialect, dialect_of, parse_group, pieces, split
from .interpretation import Interpretation
from .likeness import Likeness
from .memory import Memories
from .parity import Parity, check, count_wrong
from .schema import Family

_COMPLETE = Cut.COMPLETE  # read for every frame, and a member is found slowly
# What decoders hold of readable groups, and no longer than one of them does.
_HELD: dict[Dialect, WeakValueDictionary[bytes, Entry]] = {dialect: WeakValueDictionary() for dialect in Dialect}


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
        self._memories = Memories(memory or {})
        self._seen: dict[bytes, Entry] = {}
        self._dialect = Dialect.HISTORIC
        self._family: Family | None = None
        self._recognised: tuple[frozenset[str], str | None, Family | None] | None = None
        self._was_complete = False
        self._unknown: set[str] = set()
        self._likeness: Likeness | None = None

    def decode(self, raw: RawFrame) -> DecodedFrame:
        """Read one frame."""
        body, cut, cooked = raw
        body, parity, is_clean = check(body, self._parity)
        likeness = self._likeness
        if (
            is_clean
            and likeness is not None
            and cut is _COMPLETE
            and likeness.was_complete is self._was_complete
            and (alike := likeness.decode(body, parity, cooked=cooked)) is not None
        ):
            return alike
        return self._decode_whole(raw, body, parity)

    def _decode_whole(self, raw: RawFrame, body: bytes, parity: Parity) -> DecodedFrame:
        """Read every group, and what they say together."""
        dialect = dialect_of(body)
        framed = split(body) if raw.cut is _COMPLETE else None
        parts = pieces(body) if framed is None else framed
        entries = self._entries(parts, dialect)
        frame = Interpretation(entries, dialect)
        was_complete = self._was_complete
        if framed is not None:
            self._interpret(frame)
        elif raw.cut is _COMPLETE:
            broken = [entry.defect for entry in entries if entry.group is None]
            frame.findings = [Finding(defect or Defect.MALFORMED, "") for defect in broken or [None]]
        self._seen = {entry.part: entry for entry in entries}
        decoded = DecodedFrame(
            cut=raw.cut,
            dialect=dialect,
            family=frame.family,
            meter_id=frame.meter_id,
            right_checksums=sum(entry.group is not None for entry in entries),
            findings=frame.findings,
            is_complete=frame.is_complete,
            is_test=frame.is_test,
            is_interpreted=frame.is_interpreted,
            parity=parity,
            parity_errors=count_wrong(body) if parity is Parity.EVEN else 0,
            cooked=raw.cooked,
            group_count=len(parts),
            model=frame.readings,
            body=body,
            values=[reading.value for reading in frame.readings],
        )
        if frame.is_interpreted:
            # Whoever folds the frames has seen this one: the next is compared with it or with none.
            self._likeness = None
            if frame.family is not None and frame.tells_absences and self._memories.are_settled and not frame.is_test:
                self._likeness = Likeness(decoded, entries, frame.family, was_complete=was_complete)
        return decoded

    def _entries(self, parts: Iterable[bytes], dialect: Dialect) -> list[Entry]:
        """Look each group up among those of the frame before and those that other lines hold.

        That keeps the memory as small as one frame, and most groups of a town's meters once.
        """
        if dialect is not self._dialect:
            self._dialect, self._seen = dialect, {}
        entries = []
        for part in parts:
            entry = self._seen.get(part) or _HELD[dialect].get(part)
            if entry is None:
                parsed = parse_group(part, dialect)
                if isinstance(parsed, Defect):
                    entry = Entry(part, None, parsed)
                else:
                    entry = _HELD[dialect][part] = Entry(part, parsed, None)
            entries.append(entry)
        return entries

    def _interpret(self, frame: Interpretation) -> None:
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
            self._family = family
            memory = self._memories.take(frame.meter_id, frame.entries, family)
            frame.collect(memory, presence=presence, was_complete=self._was_complete)
            self._was_complete = frame.is_complete
        if not frame.is_interpreted:
            frame.readings = []

    def _recognise(self, frame: Interpretation, *, damaged: bool) -> Family | None:
        """Tell the family by the labels; a frame with a damaged group can only belong to that of the last one used.

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
                    return family
            if current is not None and not labels <= current.known_labels:
                current = None
        return current if current is not None and frame.dialect in current.dialects else None
