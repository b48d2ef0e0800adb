"""Says in the log when a meter whose port is open falls silent, and when it speaks again: one line each."""

import logging
from collections.abc import Iterable

from .meter import Snapshot

log = logging.getLogger(__name__)

_MESSAGES = {
    "mute": "nothing comes over the line",
    "noise": "characters come over the line, but no valid frame",
    "ok": "the meter is read again",
}


class Silence:
    """One thread calls `observe` every second or so. What happens to the port itself is told by who reads it."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        self._silent_since: dict[str, float] = {}

    def observe(self, snapshots: Iterable[Snapshot], now: float) -> None:
        """Look at all meters, and write a line for each that has fallen silent or spoken since."""
        told: dict[str, str] = {}
        silent_since: dict[str, float] = {}
        for snapshot in snapshots:
            name, state = snapshot.meter, snapshot.link_state(now)
            before = self._told.get(name, "closed")
            if state in {"mute", "noise"}:
                silent_since[name] = self._silent_since.get(name, now)
                # A port that was just opened needs its time; later, silence has lasted when it is called so.
                is_news = before == "ok" or (before == "closed" and now - silent_since[name] > snapshot.stale_after)
            else:
                is_news = state == "ok" and before in {"mute", "noise"}
            if is_news:
                level = logging.INFO if state == "ok" else logging.WARNING
                log.log(level, _MESSAGES[state], extra={"meter": name, "state": state})
            told[name] = state if is_news or state in {"ok", "closed"} else before
        self._told, self._silent_since = told, silent_since
