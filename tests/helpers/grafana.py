"""What Grafana makes of a dashboard before it asks Prometheus: windows, steps, variables. By its documentation.

https://grafana.com/docs/grafana/latest/dashboards/variables/add-template-variables/#global-variables
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from helpers.prometheus import Prometheus

FOLDER = Path(__file__).parent.parent.parent / "dashboards"
SCRAPE_INTERVAL = 15
MAX_DATA_POINTS = 1000
"""A panel has one for each of its pixels."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Up to so many seconds, the step is so long: the beginning of Grafana's `roundInterval`, from 10 s on.
_ROUNDED = (
    (12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120), (450, 300), (750, 600), (1050, 900),
    (1500, 1200), (2700, 1800), (5400, 3600), (9000, 7200), (16200, 10800), (32400, 21600), (86400, 43200),
)  # fmt: skip


def dashboards() -> dict[str, dict[str, Any]]:
    """All of them, by the names of their files."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Those that show something, the folded ones too."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels") or ()
        else:
            yield panel


@dataclass(frozen=True, slots=True)
class View:
    """A dashboard as somebody looks at it.

    Args:
        now: Unix time.
        zone: of the browser.
        meter: as chosen; a regular expression where several may be.
    """

    now: int
    zone: ZoneInfo
    meter: str = ".+"
    variables: Mapping[str, str] = field(default_factory=dict)

    def window(self, board: Mapping[str, Any], panel: Mapping[str, Any]) -> tuple[int, int]:
        """From when to when a panel shows."""
        since = panel.get("timeFrom") or board["time"]["from"]
        return self._instant(since if "now" in since else f"now-{since}"), self.now

    def step(self, board: Mapping[str, Any], panel: Mapping[str, Any]) -> int:
        """`$__interval`, seconds."""
        start, end = self.window(board, panel)
        raw = (end - start) / MAX_DATA_POINTS
        rounded = next((step for limit, step in _ROUNDED if raw < limit), 86400)
        return max(rounded, seconds(panel.get("interval") or f"{SCRAPE_INTERVAL}s"))

    def substitute(self, expr: str, board: Mapping[str, Any], panel: Mapping[str, Any]) -> str:
        start, end = self.window(board, panel)
        step = self.step(board, panel)
        values = {
            "__rate_interval": f"{max(step + SCRAPE_INTERVAL, 4 * SCRAPE_INTERVAL)}s",
            "__range": f"{end - start}s",
            "__interval": f"{step}s",
            "instance": ".+",
            "meter": self.meter,
            **self.variables,
        }
        return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: values[found[1] or found[2]], expr)

    def ask(
        self, prometheus: Prometheus, board: Mapping[str, Any], panel: Mapping[str, Any], target: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Ask as Grafana would: series with `values`, of one value for an instant query."""
        expr = self.substitute(target["expr"], board, panel)
        if target.get("instant"):
            found = prometheus.api("query", query=expr, time=self.now)["result"]
            return [{"metric": series["metric"], "values": [series["value"]]} for series in found]
        start, end = self.window(board, panel)
        step = self.step(board, panel)
        offset = round((datetime.fromtimestamp(end, self.zone).utcoffset() or timedelta()).total_seconds())
        start, end = ((moment + offset) // step * step - offset for moment in (start, end))
        return prometheus.query_range(expr, start, end, step)

    def _instant(self, since: str) -> int:
        moment, _, unit = since.partition("/")
        found = self.now - (seconds(moment.removeprefix("now-")) if moment != "now" else 0)
        if not unit:
            return found
        assert unit == "d", since
        local = datetime.fromtimestamp(found, self.zone)
        return int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())


def seconds(duration: str) -> int:
    """`30d` in seconds."""
    return int(duration[:-1]) * _UNITS[duration[-1]]


def legend(target: Mapping[str, Any], metric: Mapping[str, str]) -> str:
    """The name of a series."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: metric.get(found[1], ""), target["legendFormat"])
