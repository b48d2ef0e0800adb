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
LEGACY_POINTS = 100
"""So many points the data source gives to who names no number."""
EVERYTHING = ".+"
"""The meter, where all of them are looked at."""
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
        meter: the one that is chosen, by its name, or `EVERYTHING`.
    """

    now: int
    zone: ZoneInfo
    meter: str = EVERYTHING
    variables: Mapping[str, str] = field(default_factory=dict)

    def window(self, board: Mapping[str, Any], panel: Mapping[str, Any]) -> tuple[int, int]:
        """From when to when a panel shows."""
        since = panel.get("timeFrom") or board["time"]["from"]
        return self._instant(since if "now" in since else f"now-{since}"), self.now

    def step(self, board: Mapping[str, Any], panel: Mapping[str, Any]) -> int:
        """`$__interval`, seconds."""
        start, end = self.window(board, panel)
        raw = (end - start) / MAX_DATA_POINTS
        return max(_rounded(raw), seconds(panel.get("interval") or f"{SCRAPE_INTERVAL}s"))

    def substitute(self, expr: str, board: Mapping[str, Any], panel: Mapping[str, Any]) -> str:
        start, end = self.window(board, panel)
        step = self.step(board, panel)
        values = {
            "__rate_interval": f"{max(step + SCRAPE_INTERVAL, 4 * SCRAPE_INTERVAL)}s",
            "__range": f"{end - start}s",
            "__range_s": f"{end - start}",
            "__interval": f"{step}s",
            "instance": ".+",
            **self.variables,
        }
        return self._with(values, expr, board)

    def events(
        self,
        prometheus: Prometheus,
        board: Mapping[str, Any],
        event: Mapping[str, Any],
        start: int,
        *,
        is_legacy: bool = False,
    ) -> tuple[int, list[dict[str, Any]]]:
        """Ask for an annotation from `start` on: the step, and the series without what Grafana does not draw.

        It draws samples above 0 (`processEvents` of its Prometheus data source). With `is_legacy` it asks as Grafana 11
        does: for `expr` and `step`, without saying how many points it wants, so that the data source takes its default.
        """
        keys, source = (("expr", "step"), event) if is_legacy else (("expr", "interval"), event["target"])
        expr, least = (source[key] for key in keys)
        raw = (self.now - start) / (LEGACY_POINTS if is_legacy else MAX_DATA_POINTS)
        step = max(_rounded(raw), seconds(least))
        expr = self._with({"__interval": f"{step}s", "instance": ".+", **self.variables}, expr, board)
        found = prometheus.query_range(expr, start // step * step, self.now // step * step, step)
        drawn = [{**one, "values": [pair for pair in one["values"] if float(pair[1]) > 0]} for one in found]
        return step, [one for one in drawn if one["values"]]

    def _with(self, values: Mapping[str, str], expr: str, board: Mapping[str, Any]) -> str:
        """Put in the variables; that of the meter as its format says, and where it has none as the data source does."""

        def value(name: str, wanted: str | None) -> str:
            if name != "meter":
                assert not wanted, expr
                return values[name]
            if self.meter == EVERYTHING:  # an `allValue` is put in as it is
                return self.meter
            if wanted == "regex":
                return re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", self.meter)
            assert not wanted, expr
            (variable,) = (one for one in board["templating"]["list"] if one["name"] == "meter")
            doubled = self.meter.replace("\\", r"\\")
            if not (variable.get("multi") or variable.get("includeAll")):  # taken for no regular expression
                return doubled.replace("'", r"\\'")
            return re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", doubled.replace("\\", r"\\"))

        return re.sub(r"\$(?:\{(\w+)(?::(\w+))?\}|(\w+))", lambda found: value(found[1] or found[3], found[2]), expr)

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


def _rounded(raw: float) -> int:
    return next((step for limit, step in _ROUNDED if raw < limit), 86400)


def seconds(duration: str) -> int:
    """`30d` in seconds."""
    return int(duration[:-1]) * _UNITS[duration[-1]]


def legend(target: Mapping[str, Any], metric: Mapping[str, str]) -> str:
    """The name of a series."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: metric.get(found[1], ""), target["legendFormat"])
