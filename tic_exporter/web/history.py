"""The last hour of each meter, looked at from outside: a curve of its power, and when it last fell silent."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..meter import Snapshot
from .summary import Facts, net_power

INTERVAL = 60.0
"""Seconds between two points."""

POINTS = 60


class Interruption(NamedTuple):
    """A time without valid frames, as Unix time; `state` is the link's when it began, `ended` None while it lasts."""

    state: str
    began: float
    ended: float | None = None


class Past(NamedTuple):
    """What is remembered of one meter; `points` are Unix time and power, None while the meter was silent."""

    state: str = ""
    points: tuple[tuple[float, float | None], ...] = ()
    interruption: Interruption | None = None


_NOTHING = Past()


class History:
    """One thread calls `observe` every second or so; any thread may ask `of`, which takes no lock."""

    def __init__(self) -> None:
        self._pasts: Mapping[str, Past] = {}
        self._next_point = float("-inf")

    def of(self, name: str) -> Past:
        """Give what is remembered of this meter."""
        return self._pasts.get(name, _NOTHING)

    def observe(self, snapshots: Iterable[Snapshot], now: float, unix: float) -> None:
        """Look at all meters; those that are not among them are forgotten."""
        is_due = now >= self._next_point
        if is_due:
            self._next_point = now + INTERVAL
        pasts = {}
        for snapshot in snapshots:
            past = _watched(self.of(snapshot.meter), snapshot, now, unix)
            if is_due:
                point = (round(unix, 3), net_power(Facts(snapshot, now)))
                past = past._replace(points=(*past.points[1 - POINTS :], point))
            pasts[snapshot.meter] = past
        self._pasts = pasts


def _watched(past: Past, snapshot: Snapshot, now: float, unix: float) -> Past:
    state = snapshot.link_state(now)
    if state == past.state:
        return past
    if past.state == "ok":
        began = snapshot.last_frame_unix or unix
        return past._replace(state=state, interruption=Interruption(state, began))
    if state == "ok" and past.interruption is not None:
        return past._replace(state=state, interruption=past.interruption._replace(ended=unix))
    return past._replace(state=state)
