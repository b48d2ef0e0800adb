"""examples/zabbix: every pattern finds something in a real exposition, and what one part names another has.

What Zabbix itself makes of the template is shown by `make test-zabbix`.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from helpers import Exporter, wait_until
from helpers.guides import DOCS, HAS_DOCS, WITHOUT_DOCS
from helpers.zabbix import PatternError, Row, Template, in_key, rows_of, select, value_of, walk

ROOT = Path(__file__).parent.parent.parent
CAPTURES = ROOT / "tests" / "captures"
GUIDE = DOCS / "zabbix.md"
TEMPLATE = Template()
NAME = "TIC meters by HTTP"


@cache
def recorded() -> dict[str, list[Row]]:
    """Every golden exposition: all families, modes and contracts that a capture has."""
    return {
        f"{path.parent.name}/{path.stem}": rows_of(path.read_text(encoding="utf-8"))
        for path in sorted(CAPTURES.glob("*/*.prom"))
    }


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """All of them, and that of a running exporter, which knows of itself and of the clock too."""
    config = tmp_path_factory.mktemp("zabbix") / "tic_exporter.yml"
    capture = CAPTURES / "linky" / "standard-producer.tic"
    config.write_text(f"meters:\n  - {{name: live, port: {capture}, loop: true}}\n", encoding="utf-8")
    with Exporter([f"--config.file={config}"]) as exporter:

        def told() -> list[Row]:
            live = rows_of(exporter.get("/metrics").body.decode())
            return live if select("tic_clock_offset_seconds", live) else []

        live = wait_until(told, 60)
    return [row for exposition in recorded().values() for row in exposition] + live


def prototypes() -> list[dict[str, Any]]:
    return [prototype for rule in TEMPLATE.rules for prototype in rule.prototypes]


def triggers() -> list[dict[str, Any]]:
    return [
        row for node in walk(TEMPLATE.export) for key in ("triggers", "trigger_prototypes") for row in node.get(key, [])
    ]


def expressions() -> list[str]:
    """Of triggers and of calculated items."""
    calculated = [row["params"] for row in prototypes() if row["type"] == "CALCULATED"]
    return [row["expression"] for row in triggers()] + calculated


def keys() -> set[str]:
    return {row["key"] for row in [*TEMPLATE.items, *prototypes()]}


def test_every_item_of_the_exporter_has_a_value(rows: list[Row]) -> None:
    (live,) = [row for row in rows if (row.name, row.labels.get("meter")) == ("tic_up", "live")]
    of_the_exporter = [row for row in rows if "meter" not in row.labels or row.labels["meter"] == "live"]

    assert "1.0" == live.value
    for item in TEMPLATE.items:
        if item["type"] == "DEPENDENT":
            assert "" != value_of(item["preprocessing"][0]["parameters"], of_the_exporter), item["key"]


def test_every_rule_discovers_something(rows: list[Row]) -> None:
    for rule in TEMPLATE.rules:
        assert [] != rule.discover(rows), rule.row["name"]


def test_every_pattern_of_what_is_discovered_matches_one_value(rows: list[Row]) -> None:
    """Where a rule finds a meter, each of its items has a value there: none stays empty."""
    tried = Counter[str]()
    for exposition in [*recorded().values(), [row for row in rows if row.labels.get("meter", "live") == "live"]]:
        for item in TEMPLATE.discover(exposition):
            if len(item.pattern) == 3:
                assert "" != value_of(item.pattern, exposition), item.key
            elif item.pattern:  # what is drawn, by what is subscribed
                names = {row.name for row in select(item.pattern[0], exposition)}
                assert {True, False} == {"subscribed" in name for name in names - {"tic_tariff_period_active"}}, (
                    item.key
                )
            tried[item.prototype["key"]] += 1

    assert {row["key"] for row in prototypes()} == set(tried)


def test_a_meter_found_has_all_macros_and_keys_of_its_own(rows: list[Row]) -> None:
    for exposition in recorded().values():
        found = TEMPLATE.discover(exposition)
        assert not [item.key for item in found if "{#" in item.key]
        assert [] == [key for key, count in Counter(item.key for item in found).items() if count > 1]
    assert all(
        rule.row["lld_macro_paths"][0] == {"lld_macro": "{#METER}", "path": "$.meter"} for rule in TEMPLATE.rules
    )


def test_a_name_of_a_meter_cannot_break_a_pattern_or_a_key() -> None:
    name = 'say "A\\B", [C]'
    row = Row("tic_up", "1.0", {"meter": name})
    (up,) = [item for item in TEMPLATE.discover([row]) if item.key.startswith("tic.up[")]

    assert "1.0" == value_of(up.pattern, [row])
    assert 'tic.up["say \\"A\\B\\", [C]"]' == up.key
    assert "plain" == in_key("plain")


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("a", 2),
        ('a{x="1"}', 1),
        ('a{x!="1"}', 1),
        ('a{x=~"[12]"}', 2),
        ('{__name__=~"^[ab]$",x="1"}', 2),
        ("a==2", 1),
        ('{x="1"}==2.0', 0),
        ('a{y=""}', 0),  # a label that is not there is not an empty one
        ('a{y!="1"}', 0),
        ('b{x=~"1"}', 1),  # searched, not anchored
        ('b{x="1", y="q\\"\\\\"}', 1),
    ],
)
def test_patterns_are_read_as_zabbix_reads_them(pattern: str, count: int) -> None:
    exposition = rows_of('# HELP a b\na{x="1"} 1.0\na{x="2"} 2.0\nb{x="1",y="q\\"\\\\"} 1e+00 1700000000\n')

    assert count == len(select(pattern, exposition))


@pytest.mark.parametrize("pattern", ["", "a{x}", 'a{x="1"', 'a{x="\\q"}', "a>1", "a=1", "sum(a)", "rate(a[5m])"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        select(pattern, [])


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        (["a", "value", ""], "2 rows"),
        (["c", "value", ""], "0 rows"),
        (['a{x="1"}', "label", "y"], "no label y"),
        (["a", "function", "rate"], "rate"),
    ],
)
def test_an_item_without_exactly_one_value_has_none(parameters: list[str], says: str) -> None:
    with pytest.raises(PatternError, match=says):
        value_of(parameters, rows_of('a{x="1"} 1.0\na{x="2"} 2.0\n'))
    with pytest.raises(PatternError):
        rows_of("a{x=} 1\n")


def test_uuids_are_of_version_4_and_unique() -> None:
    found = [node["uuid"] for node in walk(TEMPLATE.export) if "uuid" in node]

    assert len(found) == len(set(found))
    for text in found:
        assert re.fullmatch(r"[0-9a-f]{32}", text)
        assert (4, uuid.RFC_4122) == (uuid.UUID(text).version, uuid.UUID(text).variant)


def test_keys_and_names_are_unique() -> None:
    rows = [*TEMPLATE.items, *prototypes()]

    assert len(rows) == len(keys()) == len({row["name"] for row in rows})
    assert len(triggers()) == len({row["name"] for row in triggers()})


def test_every_expression_names_items_that_there_are() -> None:
    named = {key for text in expressions() for key in re.findall(rf"/(?:{NAME})?/(tic\.[a-z_.]+(?:\[[^]]*\])?)", text)}

    assert set() == named - keys()
    assert all("/tic." in text for text in expressions())


def test_every_trigger_depends_on_triggers_that_there_are() -> None:
    there = {(row["name"], row["expression"]) for row in triggers()}
    named = {(row["name"], row["expression"]) for trigger in triggers() for row in trigger.get("dependencies", [])}

    assert named
    assert named <= there


def test_every_trigger_has_a_runbook() -> None:
    for trigger in triggers():
        page = trigger["url"].rpartition("/docs/")[2]
        assert (ROOT / "docs" / page).exists(), trigger["name"]


def test_a_trigger_on_a_reading_ends_with_the_reading() -> None:
    """Zabbix keeps the last value for ever: a meter that fell silent would be over its limit ever after."""
    reading = re.compile(r"/(tic\.(?:subscribed|voltage|tan_phi|clock\.offset)[^\]]*\])")
    watched = [row["expression"] for row in triggers() if reading.search(row["expression"])]

    assert 7 == len(watched)
    for expression in watched:
        assert {f"nodata(/{NAME}/{key},5m)=0" in expression for key in reading.findall(expression)} == {True}
    told = {row["key"] for row in prototypes() if row.get("valuemap", {}).get("name") == "TIC yes or no"}
    for prototype in prototypes():
        if prototype["key"] in told:
            assert ("CUSTOM_VALUE", "2") == tuple(
                prototype["preprocessing"][0][field] for field in ("error_handler", "error_handler_params")
            )


@pytest.mark.parametrize(
    ("exposition", "told"),
    [
        ("tic_critical_peak 1\ntic_critical_peak_notice 1", {"in force", "announced"}),  # EJP, a mobile peak
        ("tic_critical_peak 0\ntic_critical_peak_notice 0", set()),
        # Tempo: a Linky calls a white day PM1, a red one PM2, and gives notice of either on its eve.
        ('tic_critical_peak 1\ntic_critical_peak_notice 0\ntic_day_color{color="white"} 1', set()),
        ('tic_critical_peak 1\ntic_critical_peak_notice 1\ntic_day_color{color="red"} 1', set()),
        ('tic_critical_peak 0\ntic_critical_peak_notice 1\ntic_day_color{color="blue"} 1', set()),
    ],
)
def test_peaks_of_tempo_are_left_to_its_colours(exposition: str, told: set[str]) -> None:
    rows = [Row(row.name, row.value, {**row.labels, "meter": "house"}) for row in rows_of(exposition)]
    values = {item.key: value_of(item.pattern, rows) for item in TEMPLATE.discover(rows) if ".peak" in item.key}
    fired = set()
    for trigger in triggers():
        conditions = re.findall(
            rf"last\(/{NAME}/(tic\.peak[^)]*)\)=(\d)", trigger["expression"].replace("{#METER}", "house")
        )
        if conditions and all(float(values[key]) == float(wanted) for key, wanted in conditions):
            fired.add(trigger["name"].rpartition(" is ")[2])

    assert told == fired


def test_value_maps_have_all_states(rows: list[Row]) -> None:
    maps = {row["name"]: {each["value"] for each in row["mappings"]} for row in TEMPLATE.row["valuemaps"]}
    named = {row["valuemap"]["name"] for row in [*TEMPLATE.items, *prototypes()] if "valuemap" in row}

    assert set(maps) == named
    for name, metric, label in (
        ("TIC line", "tic_link_state", "state"),
        ("TIC disconnector", "tic_disconnector_state", "state"),
        ("TIC colour", "tic_next_day_color", "color"),
    ):
        assert {row.labels[label] for row in select(metric, rows)} == maps[name] - {"untold"}


def test_every_macro_is_declared_used_and_explained() -> None:
    declared = {row["macro"] for row in TEMPLATE.row["macros"]}
    body = TEMPLATE.text[: TEMPLATE.text.index("\n      macros:\n")]

    assert declared == set(re.findall(r"\{\$[A-Z._]+\}", body))
    assert all(row["description"] for row in TEMPLATE.row["macros"])
    assert not [row for row in TEMPLATE.row["macros"] if row.get("type") == "SECRET_TEXT" and row.get("value")]


def test_graphs_and_widgets_show_what_there_is() -> None:
    graphs = {row["name"] for node in walk(TEMPLATE.export) for row in node.get("graph_prototypes", [])}
    drawn = {line["item"]["key"] for node in walk(TEMPLATE.export) for line in node.get("graph_items", [])}
    widgets = [widget for page in TEMPLATE.row["dashboards"][0]["pages"] for widget in page["widgets"]]
    shown = {field["value"].get("name", field["value"].get("key")) for widget in widgets for field in widget["fields"]
             if isinstance(field["value"], dict)}  # fmt: skip

    assert drawn <= keys()
    assert shown <= graphs | keys()
    assert graphs <= shown


@pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)
def test_the_guide_lists_every_macro_with_its_default() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `(\{\$[A-Z._]+\})` \| (?:`([^`]*)`)? *\|", text, re.MULTILINE))

    assert {row["macro"]: row.get("value", "") for row in TEMPLATE.row["macros"]} == table
