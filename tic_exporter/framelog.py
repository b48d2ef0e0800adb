"""Frames in the log, for `--log.level=debug`: what a line says, without what is personal."""

import logging
from collections.abc import Callable, Iterator, Sequence

from .meter import Meter
from .tic import quantities as q
from .tic.frames import DecodedFrame
from .tic.groups import Group
from .tic.schema import Family

log = logging.getLogger(__name__)

MOST_PER_SECOND = 5
"""Lines per meter: the fastest of them sends one frame a second, noise may end hundreds."""

LONGEST = 4000
"""Characters of a frame: the longest known have 1,900."""

_HIDDEN = "..."
_MESSAGES = frozenset({q.MESSAGE, q.SHORT_MESSAGE})
_ABOUT_PERSONS = _MESSAGES | {q.METERING_POINT}


class FrameLog:
    """Follows one meter: the serial thread gives it what was decoded.

    A frame that is used is shown with its groups. Of any other only the defects are: a damaged group may hold what its
    label would have had hidden.

    Args:
        name_of_id, name_of_point: what is shown in place of an id and of the number of a metering point.
    """

    def __init__(
        self,
        name_of_id: Callable[[str], str] = str,
        name_of_point: Callable[[str], str] = str,
    ) -> None:
        self._name_of_id = name_of_id
        self._name_of_point = name_of_point
        self._second = 0.0
        self._written = 0
        self._left_out = 0

    def __call__(self, meter: Meter, frames: Sequence[DecodedFrame], now: float) -> None:
        """Write a line for each frame, up to `MOST_PER_SECOND`."""
        for frame in frames:
            if now - self._second >= 1.0:
                self._second, self._written = now, 0
            if self._written >= MOST_PER_SECOND:
                self._left_out += 1
                continue
            self._written += 1
            log.debug("frame", extra={"meter": meter.options.name, **self._told(meter, frame)})

    def _told(self, meter: Meter, frame: DecodedFrame) -> dict[str, object]:
        told: dict[str, object] = {"cut": frame.cut.value, "number_of_groups": frame.group_count}
        if self._left_out:
            told["frames_left_out"], self._left_out = self._left_out, 0
        defects = dict.fromkeys(f"{finding.defect.value} {finding.where}".rstrip() for finding in frame.findings)
        if defects:
            told["defects"] = ", ".join(defects)[:LONGEST]
        if frame.is_interpreted and frame.family is not None:
            told["groups"] = ", ".join(self._shown(frame.groups, frame.family, meter))[:LONGEST]
        return told

    def _shown(self, groups: Sequence[Group], family: Family, meter: Meter) -> Iterator[str]:
        for group in groups:
            value = self._value(group, family, meter)
            yield f"{group.label}={value}" if group.timestamp is None else f"{group.label}={value}@{group.timestamp}"

    def _value(self, group: Group, family: Family, meter: Meter) -> str:
        label = family.aliases.get(group.label, group.label)
        if label == family.id_label:
            return self._name_of_id(group.value)
        if label not in family.known_labels:
            return _HIDDEN
        quantities = {row.quantity for row in family.all_fields if row.label == label}
        if quantities & _ABOUT_PERSONS & meter.options.hidden:
            return _HIDDEN
        return self._name_of_point(group.value) if q.METERING_POINT in quantities else group.value
