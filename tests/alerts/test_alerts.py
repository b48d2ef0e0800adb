"""Rules, their promtool tests, runbooks and documentation belong together, and name what exists."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from helpers.rules import (
    ALERTS,
    ALERTS_PAGE,
    CATALOGUE,
    COMMON_LABELS,
    EXAMPLES,
    RECORDING,
    ROOT,
    RUNBOOKS,
    TESTS,
    Rule,
    alerts,
    alerts_table,
    load,
    metric_names,
    recorded,
    rules,
    selectors,
)

if TYPE_CHECKING:
    from pathlib import Path

REPOSITORY = "https://github.com/tic-exporter/tic_exporter/blob/main/docs/runbooks"
RULE_FILES = (ALERTS, RECORDING, EXAMPLES)


def promtool(*args: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    words = ["promtool", *(str(arg) for arg in args)]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd)


def promtool_tests() -> list[tuple[str, dict[str, Any]]]:
    """All tests of all files: (file, test)."""
    return [(path.name, test) for path in sorted(TESTS.glob("*.yml")) for test in load(path)["tests"]]


def minutes(duration: str) -> float:
    units = {"s": 1 / 60, "m": 1, "h": 60, "d": 1440}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([smhd])", duration))


def code_blocks(path: Path) -> list[str]:
    return re.findall(r"^```promql\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def queries(path: Path) -> list[str]:
    return [line for block in code_blocks(path) for line in block.splitlines() if line and not line.startswith("#")]


def runbooks() -> list[Path]:
    return sorted(RUNBOOKS.glob("*.md"))


# --- promtool -----------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_promtool_accepts_the_rules() -> None:
    done = promtool("check", "rules", *RULE_FILES)

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(path.name for path in TESTS.glob("*.yml")))
def test_every_rule_does_what_its_test_says(name: str) -> None:
    done = promtool("test", "rules", name, cwd=TESTS)

    assert 0 == done.returncode, done.stdout + done.stderr


# --- every alert is complete ----------------------------------------------------------------------------------------


def test_there_are_as_many_alerts_as_runbooks_and_as_alerts_with_a_test() -> None:
    names = [rule.alert for rule in alerts()]
    tested = {case["alertname"] for _, test in promtool_tests() for case in test.get("alert_rule_test", ())}

    assert 25 <= len(names) == len(set(names))
    assert set(names) == tested
    assert set(names) == {path.stem for path in runbooks()}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule.alert)
def test_an_alert_says_how_bad_what_and_where(rule: Rule) -> None:
    assert re.fullmatch(r"Tic[A-Z][A-Za-z]+", rule.alert)
    assert {"severity"} == set(rule.labels)
    assert rule.labels["severity"] in {"critical", "warning", "info"}
    assert {"summary", "description", "runbook_url"} == set(rule.annotations)
    assert f"{REPOSITORY}/{rule.alert}.md" == rule.annotations["runbook_url"]
    assert "$value" not in rule.annotations["summary"], "a summary whose numbers change is a new notification each time"
    assert minutes(rule.wait) >= 2, "two scrapes of a minute"
    assert " | humanize" in rule.annotations["description"].partition("$value")[2] or (
        "$value" not in rule.annotations["description"]
    )


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule.alert)
def test_an_alert_about_a_meter_names_it(rule: Rule) -> None:
    whole_exporter = {"TicExporterDown", "TicExporterAbsent", "TicConfigReloadFailed", "TicStateSaveFailing"}
    texts = (rule.annotations["summary"], rule.annotations["description"])

    if rule.alert in whole_exporter:
        assert all("$labels.meter" not in text for text in texts)
    else:
        assert all("{{ $labels.meter }}" in text for text in texts)


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule.alert)
def test_every_duration_has_its_reason_beside_it(rule: Rule) -> None:
    text = ALERTS.read_text(encoding="utf-8").partition(f"- alert: {rule.alert}\n")[2].partition("- alert:")[0]

    assert re.search(r"^ +for: \w+ # \w", text, re.MULTILINE)


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule.alert)
def test_every_alert_is_seen_to_fire_and_to_resolve_and_to_spare_the_neighbour(rule: Rule) -> None:
    ran = False
    for file, test in promtool_tests():
        cases = [case for case in test.get("alert_rule_test", ()) if case["alertname"] == rule.alert]
        if not cases:
            continue
        cases.sort(key=lambda case: minutes(case["eval_time"]))
        fired = [bool(case["exp_alerts"]) for case in cases]
        where = (file, test["name"])
        assert not fired[0], f"{where}: it is not shown that the alert waits"
        assert any(fired), f"{where}: it never fires"
        assert not fired[-1], f"{where}: it never resolves"
        places = {
            tuple(re.findall(r'\b(?:instance|meter)="([^"]*)"', series["series"])) for series in test["input_series"]
        }
        firing = {
            (alert["exp_labels"].get("instance"), alert["exp_labels"].get("meter"))
            for case in cases
            for alert in case["exp_alerts"]
        }
        assert len(places) > len(firing), f"{where}: there is no neighbour"
        ran = True
    assert ran


def test_every_recording_rule_is_tested() -> None:
    expressions = [case["expr"] for _, test in promtool_tests() for case in test.get("promql_expr_test", ())]
    asked = {name for expression in expressions for name in metric_names(expression)}
    results = {rule.record for path in (RECORDING, EXAMPLES) for rule in rules(path)}
    # Those that others are made of, and that show in them.
    inner = {name for path in RULE_FILES for rule in rules(path) for name in metric_names(rule.expr)}

    assert [] == sorted(results - asked - inner)


# --- names exist ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_rules_read_metrics_that_exist(path: Path) -> None:
    known = set(CATALOGUE) | recorded() | {"up"}

    unknown = {rule.alert or rule.record: metric_names(rule.expr) - known for rule in rules(path)}
    assert {} == {name: metrics for name, metrics in unknown.items() if metrics}


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_rules_ask_for_labels_and_values_that_exist(path: Path) -> None:
    for rule in rules(path):
        for metric, label, operator, value in selectors(rule.expr):
            if metric not in CATALOGUE:
                assert ("up", "job") == (metric, label), f"{rule.alert or rule.record}: {metric}"
                continue
            assert label in COMMON_LABELS | set(CATALOGUE[metric].labels), f"{metric}{{{label}}}"
            values = CATALOGUE[metric].values
            if values and label == CATALOGUE[metric].labels[-1]:
                asked = value.split("|") if "~" in operator else [value]
                assert set(asked) <= set(values), f"{metric}{{{label}}}"


def test_recorded_names_follow_the_convention_and_are_unique_by_file() -> None:
    for path in (ALERTS, RECORDING):
        names = [rule.record for rule in rules(path) if rule.record]
        assert len(names) == len(set(names))
        assert [] == [name for name in names if not re.fullmatch(r"[a-z_]+:[a-z_]+:[a-z0-9_]+", name)]


def test_every_threshold_is_used_in_its_own_group() -> None:
    everything = rules(ALERTS)
    for threshold in (rule for rule in everything if rule.record):
        users = [rule.group for rule in everything if threshold.record in metric_names(rule.expr)]
        assert users, f"{threshold.record} is not used"
        assert {threshold.group} == set(users), f"{threshold.record}: a group may be evaluated before another"


def test_no_job_is_named_but_that_of_up() -> None:
    for path in RULE_FILES:
        for rule in rules(path):
            assert all("up" == metric for metric, label, _, _ in selectors(rule.expr) if "job" == label)


# --- documents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", runbooks(), ids=lambda path: path.stem)
def test_a_runbook_says_what_it_means_what_to_look_at_and_what_to_do(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    known = set(CATALOGUE) | recorded() | {"up", "process_start_time_seconds"}

    assert text.startswith(f"# {path.stem}\n")
    assert ["Meaning", "Look at", "Do"] == re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert queries(path)
    assert [] == [query for query in queries(path) if metric_names(query) - known]
    mentioned = set(re.findall(r"\bTic[A-Z]\w+", text))
    assert mentioned <= {rule.alert for rule in alerts()}


@pytest.mark.real
def test_promtool_understands_every_query_of_the_runbooks_and_of_the_alerts_page(tmp_path: Path) -> None:
    found = [query for path in (*runbooks(), ALERTS_PAGE) for query in queries(path)]
    group = {"name": "queries", "rules": [{"record": f"query_{n}", "expr": query} for n, query in enumerate(found)]}
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [group]}), encoding="utf-8")

    done = promtool("check", "rules", file)
    assert 0 == done.returncode, done.stdout + done.stderr


def test_the_alerts_page_has_the_table_of_the_rules() -> None:
    assert alerts_table() in ALERTS_PAGE.read_text(encoding="utf-8"), f"the table should be:\n{alerts_table()}"


def test_the_alerts_page_lists_every_recording_rule() -> None:
    text = ALERTS_PAGE.read_text(encoding="utf-8")

    assert [] == [rule.record for rule in rules(RECORDING) if f"`{rule.record}`" not in text]


@pytest.mark.real
def test_promtool_accepts_the_example_of_a_prometheus_with_both_rule_files() -> None:
    done = promtool("check", "config", ROOT / "examples" / "prometheus.yml")

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "2 rule files found" in done.stdout
