"""Draws the dashboards from the results of their own queries, over the history that the tests use.

The program asks a real Prometheus every query of every panel, lays the panels out by the dashboards' own JSON, and lets
uPlot (installed from npm on demand) and Chromium draw them. These are no screenshots of Grafana, which is not needed.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from helpers import Prometheus, grafana, history  # noqa: E402 - of the tests
from helpers.browser import Browser  # noqa: E402
from helpers.rules import ALERTS, CATALOGUE, RECORDING, metric_names, rules  # noqa: E402

IMAGES = ROOT / "docs" / "images"
ASSETS = ("page.html", "page.css", "fields.js", "panels.js", "page.js")
UPLOT = "uplot@1.6.32"
DESKTOP, PHONE = (1280, 900), (414, 896)


# What Grafana writes beside the title of a panel with a window of its own.
SPANS = (
    {"now/d": "Today so far", "14d": "Last 14 days", "30d": "Last 30 days"},
    {"now/d": "Aujourd'hui", "14d": "14 derniers jours", "30d": "30 derniers jours"},
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One file of docs/images: which dashboard, of which meter, in which window."""

    name: str
    board: str
    meter: str = ".+"
    size: tuple[int, int] = DESKTOP


PICTURES = (
    Picture("overview", "tic-overview"),
    Picture("overview-phone", "tic-overview", size=PHONE),
    Picture("meter", "tic-meter", "home"),
    Picture("meter-producer", "tic-meter", "farm"),
    Picture("meter-fr", "tic-meter.fr", "shop"),
    Picture("line-quality", "tic-line-quality"),
    Picture("fleet", "tic-fleet"),
)


def asked_for() -> set[str]:
    """Name the metrics that dashboards and rules read."""
    rule_names = {name for path in (ALERTS, RECORDING) for rule in rules(path) for name in metric_names(rule.expr)}
    text = "\n".join(path.read_text(encoding="utf-8") for path in grafana.FOLDER.glob("*.json"))
    return {name for name in CATALOGUE if name in rule_names or name in text}


def content(picture: Picture, prometheus: Prometheus) -> dict[str, Any]:
    """Give everything that the page draws: the panels of the JSON, each with the answers to its queries."""
    board = grafana.dashboards()[picture.board]
    view = grafana.View(history.END, history.PARIS, picture.meter)
    is_french = picture.board.endswith(".fr")
    return {
        "title": board["title"],
        "language": "fr" if is_french else "en",
        "spans": SPANS[is_french],
        "now": history.END,
        "variables": list(_variables(board, picture, is_french=is_french)),
        "panels": list(_panels(board, view, prometheus)),
        "events": list(_events(board, view, prometheus)),
    }


def _variables(board: Mapping[str, Any], picture: Picture, *, is_french: bool) -> Iterator[tuple[str, str]]:
    everything = "Tous" if is_french else "All"
    values = {"datasource": "Prometheus", "instance": everything, "meter": picture.meter.replace(".+", everything)}
    return ((variable["label"], values[variable["name"]]) for variable in board["templating"]["list"])


def _panels(board: Mapping[str, Any], view: grafana.View, prometheus: Prometheus) -> Iterator[dict[str, Any]]:
    """Give rows and panels in their order. A folded row whose panels all have something to show is unfolded."""
    lift = 0
    for item in board["panels"]:
        inner = item.get("panels") or [] if item["type"] == "row" else [item]
        answered = [_answered(panel, board, view, prometheus) for panel in inner]
        for panel in (item, *answered) if item["type"] == "row" else answered:
            panel["gridPos"]["y"] -= lift
        if item["type"] == "row":
            folded = not all(any(target["series"] for target in panel["targets"]) for panel in answered)
            yield item | {"folded": folded}
            if folded:
                lift += max(panel["gridPos"]["h"] for panel in answered)
                continue
        yield from answered


def _answered(
    panel: Mapping[str, Any], board: Mapping[str, Any], view: grafana.View, prometheus: Prometheus
) -> dict[str, Any]:
    start, end = view.window(board, panel)
    targets = [
        {
            "refId": target["refId"],
            "series": [
                series | {"name": grafana.legend(target, series["metric"])}
                for series in view.ask(prometheus, board, panel, target)
            ],
        }
        for target in panel["targets"]
    ]
    return {**panel, "from": start, "to": end, "step": view.step(board, panel), "targets": targets}


def _events(board: Mapping[str, Any], view: grafana.View, prometheus: Prometheus) -> Iterator[dict[str, Any]]:
    """Give the annotations as Grafana joins them: samples a step apart are one event."""
    for event in board["annotations"]["list"]:
        step, found = view.events(prometheus, board, event, history.END - history.DAY)
        for series in found:
            times = [int(time) for time, _ in series["values"]]
            starts = [time for time, before in zip(times, [0, *times[:-1]], strict=True) if time - before > step]
            ends = [time for time, after in zip(times, [*times[1:], 1 << 40], strict=True) if after - time > step]
            yield from ({"from": a, "to": b, "color": event["iconColor"]} for a, b in zip(starts, ends, strict=True))


def draw(folder: Path, pictures: list[Picture], prometheus: Prometheus) -> None:
    for asset in ASSETS:
        shutil.copy(Path(__file__).parent / asset, folder)
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        for picture in pictures:
            text = json.dumps(content(picture, prometheus), ensure_ascii=False)
            (folder / "content.js").write_text(f"const content = {text};\n", encoding="utf-8")
            with Browser(size=picture.size) as browser:
                browser.open(f"http://127.0.0.1:{server.server_port}/page.html")
                state = browser.run("return document.body.dataset.state")
                if state != "drawn":
                    raise RuntimeError(f"{picture.name}: {browser.console()}")
                (IMAGES / f"dashboard-{picture.name}.png").write_bytes(browser.picture())
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


def install_uplot(folder: Path) -> None:
    """Fetch the library of the pictures; it is no part of the project."""
    command = ["npm", "install", "--silent", "--no-save", "--ignore-scripts", "--prefix", str(folder), UPLOT]
    subprocess.run(command, check=True)  # noqa: S603 - a fixed package
    for name in ("uPlot.iife.min.js", "uPlot.min.css"):
        shutil.copy(folder / "node_modules" / "uplot" / "dist" / name, folder)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dashboards.pictures", description=__doc__)
    parser.add_argument("names", nargs="*", help="which pictures; all of them when none is named")
    parser.add_argument("--history", type=Path, help="keep the history in this folder, or use the one that is there")
    parser.add_argument(
        "--quick", action="store_true", help="hear a frame every 30 s, as the tests do, not all of them"
    )
    options = parser.parse_args()
    chosen = [picture for picture in PICTURES if not options.names or picture.name in options.names]
    with tempfile.TemporaryDirectory() as temporary:
        data = options.history or Path(temporary) / "history"
        if not data.exists():
            history.build(data, asked_for(), is_dense=not options.quick)
        page = Path(temporary) / "page"
        page.mkdir()
        install_uplot(page)
        with history.server(data) as prometheus:
            draw(page, chosen, prometheus)


if __name__ == "__main__":
    main()
