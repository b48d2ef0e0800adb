"""The words of the tables: a family of meters is a list of rows; a row is a label, what it measures, how to read it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol

from .codecs import Codec, Value
from .groups import Dialect
from .identity import IDENTIFIER
from .quantities import ACTIVE_ENERGY_IMPORT, TARIFF_PERIOD, Kind, Quantity

NUMBERS = frozenset({Kind.REGISTER, Kind.INTERVAL, Kind.LEVEL, Kind.INSTANT})
"""Kinds whose change leaves the shape of a frame as it is."""

Dimensions = tuple[tuple[str, str], ...]
Key = tuple[Quantity, Dimensions]
"""What tells one series of a meter from the others."""


class Source(Protocol):
    """Where the value of a dimension comes from, when it is not always the same."""

    def resolve(self, frame: Mapping[str, str], memory: Mapping[str, str]) -> str | None:
        """Give the dimension's value from the labels of the frame and what earlier frames of the meter have told.

        None: it is not known, and the reading is passed over rather than put under a guess.
        """

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the frame that are looked at."""


@dataclass(frozen=True, slots=True)
class FromLabel:
    """The trimmed value of another label of the same frame, translated by `names` where given."""

    label: str
    names: Mapping[str, str] | None = None

    def resolve(self, frame: Mapping[str, str], memory: Mapping[str, str]) -> str | None:
        del memory
        value = frame.get(self.label, "").strip(" ")
        return (self.names.get(value) if self.names else value) or None

    @property
    def labels(self) -> tuple[str, ...]:
        return (self.label,)


@dataclass(frozen=True, slots=True)
class FromLabels:
    """The value of `label`, with that of `suffix` behind a hyphen while `active` says so and `suffix` is not `idle`.

    A `Memory` row under the name of `suffix` tells whether the meter sends that label at all.
    """

    label: str
    active: tuple[str, str]
    suffix: str
    idle: str

    def resolve(self, frame: Mapping[str, str], memory: Mapping[str, str]) -> str | None:
        value, suffix = (frame.get(label, "").strip(" ") for label in (self.label, self.suffix))
        active = frame.get(self.active[0], "").strip(" ")
        if not active and suffix:
            return None  # the state is told, but not whether it holds: a group was lost
        if active == self.active[1] and not suffix and memory.get(self.suffix):
            return None  # it holds, and the group that says which was lost
        if active == self.active[1] and suffix not in {"", self.idle}:
            return f"{value}-{suffix}" if value else None
        return value or None

    @property
    def labels(self) -> tuple[str, ...]:
        return self.label, self.active[0], self.suffix


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a `Memory` row has kept under `key`, translated by `names` where given."""

    key: str
    names: Mapping[str, str] | None = None

    def resolve(self, frame: Mapping[str, str], memory: Mapping[str, str]) -> str | None:
        del frame
        value = memory.get(self.key, "")
        return (self.names.get(value) if self.names else value) or None

    @property
    def labels(self) -> tuple[str, ...]:
        return ()


Where = Mapping[str, str | Source]
"""Dimensions of a row: fixed values, or where each comes from."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One row: `label` measures `quantity`, read by `codec`, under `dimensions`.

    Several rows may share a label: each whose codec accepts gives a reading, and a value that none accepts is invalid.

    Args:
        cyclic: the label is sent now and then; its last value stays until it is seen again.
        unless: (label, value): while that label has that value the reading is false, whatever this one says.
    """

    label: str
    quantity: Quantity
    codec: Codec
    dimensions: Where = field(default_factory=dict)
    cyclic: bool = False
    unless: tuple[str, str] | None = None

    is_bound: bool = field(init=False)
    """Whether a dimension comes from elsewhere: then the frame shows one series of several."""
    is_kept: bool = field(init=False)
    """Whether the reading outlives a complete frame that does not carry it."""
    is_plain_number: bool = field(init=False)
    """Whether another value of it changes this one series and nothing else."""

    def __post_init__(self) -> None:
        kind = self.quantity.kind
        bound = any(not isinstance(value, str) for value in self.dimensions.values())
        kept = self.cyclic or (bound and kind is not Kind.STATE)
        plain = kind in NUMBERS and self.unless is None and (not kept or kind is Kind.REGISTER)
        # Computed once: these are asked for every reading of every frame.
        for name, value in (("is_bound", bound), ("is_kept", kept), ("is_plain_number", plain)):
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class Memory:
    """A row for what later frames of the same meter need: the value of `codec` is kept under `key`.

    `trusted` lists what is believed when it is heard for the first time.
    """

    label: str
    key: str
    codec: Codec
    trusted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Marker:
    """How a frame of a family is told from others: by labels, and by the device type in the meter's id.

    Labels stand for themselves, whatever their values.
    """

    any_of: frozenset[str] = frozenset()
    all_of: frozenset[str] = frozenset()
    none_of: frozenset[str] = frozenset()
    device_types: frozenset[str] = frozenset()

    def matches(self, labels: frozenset[str], device_type: str) -> bool:
        return (
            (not self.any_of or not self.any_of.isdisjoint(labels))
            and self.all_of <= labels
            and self.none_of.isdisjoint(labels)
            and (not self.device_types or device_type in self.device_types)
        )


@dataclass(frozen=True)
class Family:
    """A family of meters: everything that tells its frames from others', and its rows in emission order.

    Args:
        name: as in configuration and `tic_meter_info`.
        dialects: in which it speaks.
        markers: any of them recognises the family.
        fields: the rows.
        id_label: holds the meter's id; None where the family sends none.
        id_form: what an id looks like.
        aliases: other spellings of labels.
        ignored: labels that are known and measure nothing, each with the reason.
        sections: rows that hold after a group (label, value) until the end of the frame.
        memories: what is kept for later frames.
        required: labels that every complete frame has.
        complete_label: frames without it are partial; None: every frame is complete.
        partial_labels: what a partial frame may hold; None: anything. Others are what is left of a whole frame.
        brief_marker: a partial frame with this label tells all of `brief_labels` and `common_labels`; otherwise their
            absence from it says nothing.
        brief_labels: labels that only partial frames carry.
        common_labels: labels whose absence from a partial frame tells as much as from a complete one.
        repeats: labels that may stand several times in one frame.
        test_marker: a group (label, value) that says: fictitious values.
        info: dimensions of `tic_meter_info` that hold unless a row says otherwise.
        frame_seconds: how old a value may be in its frame: the time that the longest takes at the lowest speed.
        largest_power: VA, the bound for plausible speed where neither limiter nor subscribed power is known.
        register_step: one unit of the registers' display, in the unit of their quantity (1000 where it shows kWh).
        billing_start: the quantity whose change says that a new billing period began.
    """

    name: str
    dialects: tuple[Dialect, ...]
    markers: tuple[Marker, ...]
    fields: tuple[Field, ...]
    id_label: str | None = None
    id_form: re.Pattern[str] = IDENTIFIER
    aliases: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[tuple[str, str], tuple[Field, ...]] = field(default_factory=dict)
    memories: tuple[Memory, ...] = ()
    required: frozenset[str] = frozenset()
    complete_label: str | None = None
    partial_labels: frozenset[str] | None = None
    brief_marker: str | None = None
    brief_labels: frozenset[str] = frozenset()
    common_labels: frozenset[str] = frozenset()
    repeats: frozenset[str] = frozenset()
    test_marker: tuple[str, str] | None = None
    info: Mapping[str, str] = field(default_factory=dict)
    frame_seconds: float = 10.0
    largest_power: float = 250_000.0
    register_step: int = 1
    billing_start: Quantity | None = None

    @cached_property
    def by_label(self) -> dict[str, tuple[Field, ...]]:
        return _by_label(self.fields)

    @cached_property
    def section_by_label(self) -> dict[tuple[str, str], dict[str, tuple[Field, ...]]]:
        return {marker: _by_label(fields) for marker, fields in self.sections.items()}

    @cached_property
    def memories_by_label(self) -> dict[str, tuple[Memory, ...]]:
        labels = dict.fromkeys(memory.label for memory in self.memories)
        return {label: tuple(memory for memory in self.memories if memory.label == label) for label in labels}

    @cached_property
    def all_fields(self) -> tuple[Field, ...]:
        return self.fields + tuple(row for rows in self.sections.values() for row in rows)

    @cached_property
    def shows_one_period(self) -> bool:
        """Whether a frame shows the register of the tariff period in force alone."""
        in_force = {row.label for row in self.fields if row.quantity is TARIFF_PERIOD}
        rows = (row for row in self.fields if row.quantity is ACTIVE_ENERGY_IMPORT)
        sources = [source for row in rows for source in row.dimensions.values() if not isinstance(source, str)]
        return any(not in_force.isdisjoint(source.labels) for source in sources)

    @cached_property
    def context_labels(self) -> frozenset[str]:
        """Labels on whose value the meaning of others hangs."""
        sources = [
            source for row in self.all_fields for source in row.dimensions.values() if not isinstance(source, str)
        ]
        bound = {label for source in sources for label in source.labels}
        conditions = {row.unless[0] for row in self.all_fields if row.unless}
        markers = {self.id_label or "", (self.test_marker or ("",))[0], *(label for label, _ in self.sections)}
        return frozenset(bound | conditions | markers | set(self.memories_by_label))

    @cached_property
    def known_labels(self) -> frozenset[str]:
        rows = {row.label for row in self.all_fields} | {memory.label for memory in self.memories}
        own = (
            {self.id_label or "", *self.aliases}
            | {label for label, _ in self.sections}
            | {(self.test_marker or ("",))[0]}
        )
        return frozenset(rows | own | set(self.ignored)) - {""}


def _by_label(fields: tuple[Field, ...]) -> dict[str, tuple[Field, ...]]:
    labels = dict.fromkeys(row.label for row in fields)
    return {label: tuple(row for row in fields if row.label == label) for label in labels}


class Reading(NamedTuple):
    """One value of one series, in the meter's unit. A named tuple because a frame makes dozens of them."""

    quantity: Quantity
    dimensions: Dimensions
    value: Value
    row: Field

    @property
    def key(self) -> Key:
        return _key(self[0], self[1])


@lru_cache(maxsize=4096)
def _key(quantity: Quantity, dimensions: Dimensions) -> Key:
    """Give one object for all meters: each keeps many."""
    return quantity, dimensions
