"""The dashboards by the rules of Grafana's dashboard-linter, and by those of this project.

Rules of the linter that are not applied, and why: `template-job-rule`, `target-job-rule`: every metric here begins with
`tic_`, so that a job selects nothing, and users call their job what they like; `target-logql-*`, `target-histogram`:
there are neither logs nor histograms.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from helpers.grafana import View, dashboards, panels
from helpers.guides import DOCS, HAS_DOCS, WITHOUT_DOCS
from helpers.history import END, PARIS
from helpers.rules import CATALOGUE, COMMON_LABELS, metric_names, recorded, selectors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("overview", "meter", "line-quality", "fleet")
BOARDS = dashboards()
VIEW = View(END, PARIS)
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

# Of the linter's list: those that are used here.
UNITS = {
    "none", "short", "string", "watt", "kwatth", "voltamp", "voltampreact", "volt", "amp", "percentunit", "s", "cpm",
    "Bps", "dtdurations", "dateTimeFromNow", "dateTimeAsLocalNoDateIfToday",
}  # fmt: skip
# Windows of `increase`: what people count in. A rate over them would be another number than the title promises.
COUNTED_IN = {"1h", "1d", "30d", "$__range"}
# In a raw string, as `:regex` puts one backslash where a quoted string wants two.
MATCHERS = 'instance=~"$instance",meter=~`${meter:regex}`'
# With what regular expressions, strings of PromQL and Grafana take for their own. A backquote alone has no chance.
ODD_NAMES = (
    "plain", "Shop (1)", "a+b", "a.b", "a*", "who?", "[c]", "c|d", "{e}", "l'atelier", "1/2", "f\\g", "^h$", 'say "i"',
)  # fmt: skip


def every_panel() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    return ((f"{name}: {panel['title']}", board, panel) for name, board in BOARDS.items() for panel in panels(board))


def expressions() -> Iterator[tuple[str, str]]:
    """Every PromQL of a panel or an event, with where it stands, as it is written."""
    for where, _, panel in every_panel():
        yield from ((f"{where} {target['refId']}", target["expr"]) for target in panel["targets"])
    for name, board in BOARDS.items():
        yield from ((f"{name}: {event['name']}", event["expr"]) for event in board["annotations"]["list"])


def substituted() -> Iterator[tuple[str, str]]:
    board, panel = BOARDS["tic-overview"], next(panels(BOARDS["tic-overview"]))
    return ((where, VIEW.substitute(expr, board, panel)) for where, expr in expressions())


def properties(panel: dict[str, Any], name: str) -> list[Any]:
    """The values of one property: the panel's, and those that overrides put in its place."""
    config = panel["fieldConfig"]
    found = [rule["value"] for override in config["overrides"] for rule in override["properties"] if rule["id"] == name]
    return [config["defaults"][name], *found] if name in config["defaults"] else found


def test_there_are_four_dashboards_in_two_languages() -> None:
    assert {f"tic-{name}{suffix}" for name in NAMES for suffix in ("", ".fr")} == set(BOARDS)
    assert {name.replace(".", "-") for name in BOARDS} == {board["uid"] for board in BOARDS.values()}


@pytest.mark.parametrize("name", NAMES)
def test_the_languages_differ_in_words_alone(name: str) -> None:
    english, french = BOARDS[f"tic-{name}"], BOARDS[f"tic-{name}.fr"]

    def shape(board: dict[str, Any]) -> list[Any]:
        return [
            (
                panel["type"],
                panel["gridPos"],
                [target["expr"] for target in panel["targets"]],
                properties(panel, "unit"),
            )
            for panel in panels(board)
        ]

    assert shape(english) == shape(french)
    for one, other in zip(panels(english), panels(french), strict=True):
        assert one["description"] != other["description"], one["title"]


def test_every_panel_says_what_it_shows_in_a_known_unit_from_the_chosen_data_source() -> None:
    for where, _, panel in every_panel():
        assert panel["title"].strip(), where
        assert panel["description"].strip()[-1] == ".", where
        assert properties(panel, "unit"), where
        assert set(properties(panel, "unit")) <= UNITS, where
        assert panel["datasource"] == DATASOURCE, where
        assert panel["targets"], where
    for name, board in BOARDS.items():
        assert all(event["datasource"] == DATASOURCE for event in board["annotations"]["list"]), name


def test_variables_are_the_data_source_the_exporter_and_the_meter() -> None:
    for name, board in BOARDS.items():
        first, *others = board["templating"]["list"]
        assert ("datasource", "datasource", "prometheus") == (first["name"], first["type"], first["query"]), name
        assert ["instance", "meter"] == [variable["name"] for variable in others], name
        for variable in others:
            assert variable["datasource"] == DATASOURCE, name
            assert variable["refresh"] == 2, f"{name}: asked again when the range changes"
            assert variable["label"], name
            assert metric_names(variable["query"].partition("(")[2].partition(",")[0]) == {"tic_up"}, name
        is_single = board["uid"].startswith("tic-meter")
        assert [True, not is_single] == [bool(variable.get("multi")) for variable in others], name
        assert [".+", None if is_single else ".+"] == [variable.get("allValue") for variable in others], name
        chosen = [variable.get("current", {}).get("value") for variable in others]
        assert [["$__all"], None if is_single else ["$__all"]] == chosen, name
        assert board["editable"] is False, name


def test_promql_is_valid(tmp_path: Path) -> None:
    rules = [{"record": f"q{number}", "expr": expr} for number, (_, expr) in enumerate(substituted())]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))

    done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)

    assert (0, f"{len(rules)} rules found") == (done.returncode, done.stdout.partition("SUCCESS: ")[2].strip()), done


def test_every_metric_and_label_exists() -> None:
    known = CATALOGUE.keys() | recorded()
    for where, expr in substituted():
        assert metric_names(expr) <= known, where
        for metric, label, operator, value in selectors(expr):
            found = CATALOGUE.get(metric)
            assert label in COMMON_LABELS | set(found.labels if found else ()), where
            if found and found.values and operator in {"=", "!="} and label == found.labels[-1]:
                assert value in found.values, where


@pytest.mark.real
@pytest.mark.parametrize("board", ["tic-meter", "tic-overview"])
@pytest.mark.parametrize("meter", ODD_NAMES)
def test_a_name_is_no_regular_expression(meter: str, board: str, tmp_path: Path) -> None:
    expr = replace(VIEW, meter=meter).substitute(f"tic_up{{{MATCHERS}}}", BOARDS[board], next(panels(BOARDS[board])))
    labels = f'{{instance="pi:15402",meter={json.dumps(meter)}}}'
    others = ["aab", "aXb", "Shop 1", "d", ""]
    series = [labels, *(f'{{instance="pi:15402",meter="{other}"}}' for other in others)]
    test = {
        "interval": "1m",
        "input_series": [{"series": f"tic_up{names}", "values": "1"} for names in series],
        "promql_expr_test": [
            {"expr": expr, "eval_time": "0m", "exp_samples": [{"labels": f"tic_up{labels}", "value": 1}]}
        ],
    }
    file = tmp_path / "name.yml"
    file.write_text(yaml.safe_dump({"tests": [test]}), encoding="utf-8")

    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.real
def test_silent_meters_begin_with_those_that_never_spoke_and_are_ten(tmp_path: Path) -> None:
    """Two days: `dead` never spoke, `gone` fell silent before its exporter was restarted, a dozen others talk."""
    board = BOARDS["tic-fleet"]
    (panel,) = (panel for panel in panels(board) if panel["title"] == "Silent meters")
    age, state, last = (VIEW.substitute(target["expr"], board, panel) for target in panel["targets"])
    names = [f"m{number}" for number in range(12)]
    hour, now = 3600, 48 * 3600
    series = {
        **{f'tic_up{{instance="pi:15402",meter="{name}"}}': "1x48" for name in names},
        **{f'tic_last_frame_timestamp_seconds{{instance="pi:15402",meter="{name}"}}': f"0+{hour}x48" for name in names},
        'tic_up{instance="pi:15402",meter="dead"}': "0x48",
        'tic_up{instance="pi:15402",meter="gone"}': "1x20 0x27",
        'tic_last_frame_timestamp_seconds{instance="pi:15402",meter="gone"}': f"0+{hour}x20 {20 * hour}x3 stale",
        'tic_up{instance="pi:15402",meter="removed"}': "1x20 stale",
        'tic_last_frame_timestamp_seconds{instance="pi:15402",meter="removed"}': f"0+{hour}x20 stale",
    }
    dead, gone = ('{instance="pi:15402",meter="%s"}' % name for name in ("dead", "gone"))  # noqa: UP031 - braces
    same = "({}) unless on (instance, meter) ({})"
    cases = {
        f"topk(1, {age})": {dead: 30 * 86400},
        f"topk(2, {age}) unless topk(1, {age})": {gone: now - 20 * hour},
        **{f"count({query})": {"{}": 10} for query in (age, state)},
        f"count({last})": {"{}": 9},  # nothing is known of the last frame of `dead`
        **{same.format(query, age): {} for query in (state, last)},
        f"topk(1, ({last}) < bool {1000 * now})": {gone: 1},
    }
    test = {
        "interval": "1h",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": expr,
                "eval_time": "48h",
                "exp_samples": [{"labels": labels, "value": value} for labels, value in samples.items()],
            }
            for expr, samples in cases.items()
        ],
    }
    file = tmp_path / "silent.yml"
    file.write_text(yaml.safe_dump({"tests": [test]}), encoding="utf-8")

    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr


def test_every_query_is_of_the_chosen_meters() -> None:
    for where, expr in expressions():
        for name in re.findall(r"\b((?:tic|meter|meter_tariff_period):\w+:\w+|tic_\w+)(?![\w:{])", expr):
            assert name.endswith(":threshold"), f"{where}: {name} of all meters"
        rest = expr.replace(MATCHERS, "")
        assert "meter=" not in rest, where
        assert "$instance" not in rest, where


def test_rates_follow_the_step_and_counters_are_never_shown_raw() -> None:
    counters = {name for name, metric in CATALOGUE.items() if metric.type == "counter"}
    for where, expr in expressions():
        for call, window in re.findall(r"\b(i?rate|increase)\([^\[]*\[([^\]]*)\]", expr):
            assert window in (COUNTED_IN if call == "increase" else {"$__rate_interval"}), where
        # An event compares a counter with itself, a step before: nobody sees its value.
        if (changed := re.fullmatch(r"(\w+\{.*\}) != (.*) offset \$__interval", expr)) and changed[1] == changed[2]:
            continue
        for name in counters & metric_names(VIEW.substitute(expr, *next(iter(every_panel()))[1:])):
            calls = re.findall(rf"(\w+)\({name}\{{", expr)
            assert calls, where
            assert set(calls) <= {"rate", "increase", "changes"}, where
            assert expr.count(f"{name}{{") == len(calls), where


def test_panels_neither_overlap_nor_leave_the_grid_and_stay_legible() -> None:
    least = {"stat": (6, 4), "table": (12, 4), "timeseries": (8, 8), "bargauge": (8, 6), "state-timeline": (12, 7)}
    for name, board in BOARDS.items():
        places = [(panel["title"], panel["type"], panel["gridPos"]) for panel in panels(board)]
        for title, kind, place in places:
            assert 0 <= place["x"] <= 24 - place["w"], (name, title)
            assert (place["w"], place["h"]) >= least[kind], (name, title)
        for (one, _, here), (other, _, there) in combinations(places, 2):
            apart = (
                here["x"] + here["w"] <= there["x"]
                or there["x"] + there["w"] <= here["x"]
                or here["y"] + here["h"] <= there["y"]
                or there["y"] + there["h"] <= here["y"]
            )
            assert apart, (name, one, other)


def test_ids_are_unique_and_links_lead_somewhere() -> None:
    uids = {board["uid"] for board in BOARDS.values()}
    for name, board in BOARDS.items():
        numbers = [panel["id"] for panel in panels(board)]
        assert len(numbers) == len(set(numbers)), name
        for panel in panels(board):
            letters = [target["refId"] for target in panel["targets"]]
            assert len(letters) == len(set(letters)), (name, panel["title"])
            for address in (link["url"] for links in properties(panel, "links") for link in links):
                target = re.fullmatch(
                    r"/d/([\w-]+)\?\$\{datasource:queryparam\}&var-meter=\$\{__value\.text:percentencode\}&\S+", address
                )
                assert target, (name, address)
                assert target[1] in uids, (name, address)
                assert target[1].endswith("-fr") == board["uid"].endswith("-fr"), (name, address)
        for event in board["annotations"]["list"]:
            assert event["titleFormat"], name
            assert event["textFormat"], name
            # Grafana 11 reads expr and step; 12 asks what `target` says, and nothing without it.
            assert {"expr": event["expr"], "interval": event["step"], "refId": "Anno"} == event["target"], name
        (link,) = board["links"]
        assert set(link["tags"]) <= set(board["tags"]), name


@pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)
def test_the_page_shows_a_picture_of_every_dashboard_and_none_is_heavy() -> None:
    shown = re.findall(r"\(images/(dashboard-[\w-]+\.png)\)", (DOCS / "dashboards.md").read_text(encoding="utf-8"))

    assert {f"dashboard-{name}.png" for name in NAMES} <= set(shown)
    assert {path.name for path in (DOCS / "images").glob("dashboard-*.png")} == set(shown)
    assert [] == [name for name in shown if (DOCS / "images" / name).stat().st_size >= 300_000]
