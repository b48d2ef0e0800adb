"""Every query of every panel, asked of a real Prometheus over thirteen months of simulated meters."""

from __future__ import annotations

import fcntl
import math
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from helpers import history
from helpers.grafana import EVERYTHING, View, dashboards, legend, panels
from helpers.rules import ALERTS, CATALOGUE, RECORDING, metric_names, rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from helpers import Prometheus

BOARDS = {name: board for name, board in dashboards().items() if not name.endswith(".fr")}
ALL = {home.name for home in history.HOMES}
STANDARD = {"home", "farm"}
PRODUCERS = {"farm", "plant"}
CURRENT = {"home", "farm", "flat", "barn"}
IN_VA = ALL - {"plant"}

# Which meters a query is meant for, by dashboard, panel and query; all of them where it is not here.
# home: Linky standard, Tempo; farm: Linky standard, three-phase, producer; flat: Linky historique; shop: PME-PMI;
# workshop: CJE; barn: compteur bleu électronique, three-phase; plant: ICE-4Q, producer, subscribed in kW.
_STRIP, _MAXIMA = "Tariff, Tempo, EJP and alarms", "Metered maxima and subscribed power"
MEANT_FOR: dict[tuple[str, str, str], set[str]] = {
    ("tic-line-quality", "Clocks of the meters", "A"): {"home", "farm", "shop", "plant"},
    ("tic-meter", "Power now", "B"): PRODUCERS,
    ("tic-meter", "Power now", "C"): IN_VA,
    ("tic-meter", "Today", "B"): PRODUCERS,
    ("tic-meter", "Power and its limits", "B"): PRODUCERS,
    ("tic-meter", "Power and its limits", "C"): IN_VA,
    ("tic-meter", "Power and its limits", "D"): IN_VA,
    ("tic-meter", "Power and its limits", "E"): {"plant"},
    ("tic-meter", "Power and its limits", "F"): STANDARD,
    ("tic-meter", "Measured", "A"): CURRENT,
    ("tic-meter", "Measured", "B"): STANDARD,
    ("tic-meter", "Measured", "C"): {"plant"},
    ("tic-meter", "Measured", "D"): {"shop", "plant"},
    ("tic-meter", _STRIP, "C"): {"home"},
    ("tic-meter", _STRIP, "D"): {"home"},
    ("tic-meter", _STRIP, "E"): CURRENT | {"plant"},
    ("tic-meter", _STRIP, "G"): {"shop", "workshop", "plant"},
    ("tic-meter", _STRIP, "H"): CURRENT,
    ("tic-meter", _STRIP, "I"): STANDARD,
    ("tic-meter", "Current by phase", "A"): CURRENT,
    ("tic-meter", "Current by phase", "B"): {"plant"},
    ("tic-meter", "Current by phase", "C"): {"flat", "barn"},
    ("tic-meter", "Voltage", "A"): STANDARD,
    ("tic-meter", "Voltage", "B"): {"plant"},
    ("tic-meter", "Voltage", "C"): STANDARD,
    ("tic-meter", "Voltage", "D"): STANDARD,
    ("tic-meter", "Voltage", "E"): {"plant"},
    ("tic-meter", "Voltage", "F"): {"plant"},
    ("tic-meter", "tan φ", "A"): {"shop", "plant"},
    ("tic-meter", "tan φ", "B"): {"plant"},
    ("tic-meter", "tan φ", "C"): {"shop", "plant"},
    ("tic-meter", "Reactive power by quadrant", "A"): {"farm", "shop", "plant"},
    ("tic-meter", _MAXIMA, "A"): {"shop", "workshop"},
    ("tic-meter", _MAXIMA, "B"): {"barn"},
    ("tic-meter", _MAXIMA, "C"): STANDARD,
    ("tic-meter", _MAXIMA, "D"): STANDARD | {"shop", "workshop"},
    ("tic-meter", _MAXIMA, "E"): {"plant"},
}

# Whom the events of the last day befell; the others befell nobody. No frame: at the workshop a cable was cut, at
# the flat noise took one frame after the other for a minute.
BEFELL = {
    ("tic-overview", "No frame"): {"workshop", "flat"},
    ("tic-overview", "Overload"): {"farm"},
    ("tic-meter", "Tariff period"): {"home", "farm", "flat", "shop", "workshop", "barn", "plant"},
    ("tic-meter", "No frame"): {"workshop", "flat"},
    ("tic-meter", "Interruption"): {"flat"},
    ("tic-meter", "Overload"): {"farm"},
    ("tic-line-quality", "No frame"): {"workshop", "flat"},
    ("tic-line-quality", "Connection"): {"workshop"},
}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A server over the history, which one worker makes for all."""
    own = tmp_path_factory.mktemp("prometheus")
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if shared.name.startswith("popen-") else shared
    with (shared / "history.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "history" / "done").exists():
            history.build_aside(shared / "history", asked_for())
            (shared / "history" / "done").touch()
    shutil.copytree(shared / "history" / "data", own / "data", ignore=shutil.ignore_patterns("wal", "lock"))
    with history.server(own) as server:
        yield server


def asked_for() -> set[str]:
    """The metrics that dashboards and rules read."""
    found = {name for path in (ALERTS, RECORDING) for rule in rules(path) for name in metric_names(rule.expr)}
    text = str(BOARDS)
    return {name for name in CATALOGUE if name in found or name in text}


def ask(
    prometheus: Prometheus, board: dict[str, Any], panel: dict[str, Any], target: dict[str, Any], meter: str
) -> list[dict[str, Any]]:
    """The series of one query; every value is a number."""
    found = View(history.END, history.PARIS, meter).ask(prometheus, board, panel, target)
    for series in found:
        assert all(math.isfinite(float(value)) for _, value in series["values"]), (panel["title"], target["refId"])
        assert "{{" not in legend(target, series["metric"])
    return found


@pytest.mark.real
@pytest.mark.parametrize("name", BOARDS)
def test_every_query_answers_for_the_meters_that_it_is_meant_for(name: str, prometheus: Prometheus) -> None:
    board = BOARDS[name]
    answers = {}
    for panel in panels(board):
        for target in panel["targets"]:
            key = (name, panel["title"], target["refId"])
            if name == "tic-meter":
                answers[key] = {meter for meter in ALL if ask(prometheus, board, panel, target, meter)}
            else:
                found = ask(prometheus, board, panel, target, EVERYTHING)
                named = {series["metric"]["meter"] for series in found if "meter" in series["metric"]}
                answers[key] = named if named or not found else ALL

    assert {key: MEANT_FOR.get(key, ALL) for key in answers} == answers
    assert {key for key in MEANT_FOR if key[0] == name} <= answers.keys()


def test_no_panel_that_is_not_folded_is_meant_for_some_meters_alone() -> None:
    for panel in BOARDS["tic-meter"]["panels"]:
        letters = [target["refId"] for target in panel.get("targets", ())]
        meant = [MEANT_FOR.get(("tic-meter", panel["title"], letter), ALL) for letter in letters]
        assert panel["type"] == "row" or set().union(*meant) == ALL, panel["title"]


@pytest.mark.real
@pytest.mark.parametrize("name", BOARDS)
def test_every_column_of_a_table_is_filled_for_somebody(name: str, prometheus: Prometheus) -> None:
    for panel in panels(BOARDS[name]):
        if panel["type"] != "table":
            continue
        found = {
            column
            for target in panel["targets"]
            for series in ask(prometheus, BOARDS[name], panel, target, EVERYTHING)
            for column in (f"Value #{target['refId']}", *(label for label, value in series["metric"].items() if value))
        }
        (organize,) = (step["options"] for step in panel["transformations"] if step["id"] == "organize")
        assert organize["renameByName"].keys() <= found, panel["title"]


@pytest.mark.real
@pytest.mark.parametrize("days", [1, 2, 7])
@pytest.mark.parametrize("is_legacy", [False, True], ids=["target", "legacy"])
@pytest.mark.parametrize("name", BOARDS)
def test_events_are_those_that_happened(name: str, is_legacy: bool, days: int, prometheus: Prometheus) -> None:  # noqa: FBT001 - pytest's
    """Whatever Grafana asks, and however long its steps are: an event of the last day shows."""
    board, view = BOARDS[name], View(history.END, history.PARIS)
    for event in board["annotations"]["list"]:
        start = history.END - days * history.DAY
        step, found = view.events(prometheus, board, event, start, is_legacy=is_legacy)
        since = history.END - history.DAY + step  # a step tells what happened before it
        meters = {one["metric"]["meter"] for one in found if any(float(time) >= since for time, _ in one["values"])}
        assert BEFELL.get((name, event["name"]), set()) == meters, event["name"]


def test_a_panel_of_today_begins_at_local_midnight_and_a_rate_spans_four_scrapes() -> None:
    board = {"time": {"from": "now-24h", "to": "now"}}
    view = View(history.END, history.PARIS)

    assert (history.END - 20.5 * 3600, history.END) == view.window(board, {"timeFrom": "now/d"})
    assert (history.END - 30 * 86400, history.END) == view.window(board, {"timeFrom": "30d"})
    assert 86400 == view.step(board, {"timeFrom": "30d", "interval": "1d"})
    assert "rate(x[75s]) y[86400s]" == view.substitute("rate(x[$__rate_interval]) y[$__range]", board, {})
    assert "rate(x[60s])" == view.substitute("rate(x[$__rate_interval])", board, {"timeFrom": "1h"})
