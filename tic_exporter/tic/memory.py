"""What the frames of a meter need of those before them: a contract, a calendar."""

from collections.abc import Iterable, Mapping

from .frames import Entry
from .schema import Family, Memory

METERS = 4
"""Ids that are remembered at most; a damaged id is one more."""


class Memories:
    """What each meter has told for its later frames, under its id.

    Args:
        known: what holds from the start, under the keys of `Memory` rows.

    `are_settled`: what the last frame told needs no second one to be believed.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self._by_meter: dict[str | None, _Beliefs] = {}
        self.are_settled = True

    def take(self, meter_id: str | None, entries: Iterable[Entry], family: Family) -> Mapping[str, str]:
        """Take in the groups of one frame; give what is known now."""
        beliefs = self._by_meter.pop(meter_id, None) or _Beliefs(self._known)
        read = (entry.group for entry in entries if entry.group) if family.memories else ()
        for label, text, timestamp in read:
            for row in family.memories_by_label.get(label, ()):
                value = row.codec(text, timestamp)
                if isinstance(value, str):
                    beliefs.take(row, value)
        self._by_meter[meter_id] = beliefs
        if len(self._by_meter) > METERS:
            del self._by_meter[next(iter(self._by_meter))]
        self.are_settled = not beliefs.doubts
        return beliefs.values

    def recall(self, meter_id: str | None, family: Family, periods: Mapping[str, float]) -> None:
        """Believe what registers of tariff periods tell that were kept, seen at those times: of two the later one."""
        beliefs = self._by_meter.setdefault(meter_id, _Beliefs(self._known))
        for row in family.memories:
            told: dict[str, float] = {}
            for period, value in row.revealed_by.items():
                if period in periods:
                    told[value] = max(periods[period], told.get(value, 0.0))
            latest = [value for value, seen in told.items() if seen == max(told.values())]
            if len(latest) == 1 and row.key not in beliefs.values:
                beliefs.values[row.key] = latest[0]


class _Beliefs:
    """Frames for minutes hang on what is remembered, so a doubtful word is not believed.

    A first word is believed if the table trusts it; any other, and every change, when it is said twice. Meanwhile
    nothing is known under that key, and what hangs on it is passed over.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self.values = dict(known)
        self.doubts: dict[str, tuple[str, str]] = {}

    def take(self, row: Memory, value: str) -> None:
        key = row.key
        known = self.values.get(key)
        doubt = self.doubts.get(key)
        if doubt is not None and value in doubt:
            self.values[key] = value
            del self.doubts[key]
        elif doubt is None and (value == known or (known is None and value in row.trusted)):
            self.values[key] = value
        else:
            self.doubts[key] = (doubt[0] if doubt else known or "", value)
            self.values[key] = ""
