from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import time
import zoneinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tic_exporter.config import (
    FAMILIES,
    Config,
    ConfigError,
    MeterConfig,
    Problem,
    SerialSettings,
    WebConfig,
    checks,
    document,
)
from tic_exporter.config.findings import MAX_FINDINGS
from tic_exporter.config.loading import load, parse, single_meter
from tic_exporter.config.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
DEFAULT_FILE = ROOT / "tic_exporter.yml"
# In the default file "# words" is a comment and "#key: value" a setting.
EVERYTHING = re.sub(r"(?m)^( *)#(?=[\w-])", r"\1", DEFAULT_FILE.read_text(encoding="utf-8"))

METER = "meters: [{name: a, port: /dev/a}]\n"


def problems_of(text: str, source: str = "f.yml") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, source)
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    return str(caught.value).splitlines()


def problem_of(text: str) -> str:
    (problem,) = problems_of(text)
    return problem


def document_with(place: str, key: str, value: str) -> str:
    """A configuration that is right but for, perhaps, one value."""
    meter = {"name": "a", "port": "/dev/a"}
    if place == "meters[]":
        meter[key] = value
    if place == "meters[].serial":
        meter["serial"] = f"{{{key}: {value}}}"
    flow = ", ".join(f"{name}: {text}" for name, text in meter.items())
    top = {"meters": f"[{{{flow}}}]"}
    if place == "":
        top[key] = value
    if place == "web":
        top["web"] = f"{{{key}: {value}}}"
    return "".join(f"{name}: {text}\n" for name, text in top.items())


def value_in(config: Config, place: str, key: str) -> object:
    meter = config.meters[0]
    field = {"listen_address": "listen_addresses"}.get(key, key)
    return getattr({"": config, "meters[]": meter, "meters[].serial": meter.serial, "web": config.web}[place], field)


def path_in(place: str, key: str) -> str:
    return f"{place.replace('[]', '[0]')}.{key}".removeprefix(".")


KEYS = [(place, key) for place, table in TABLES.items() for key, _ in table]

# place, key: what is written -> what it means
ACCEPTED: dict[tuple[str, str], dict[str, object]] = {
    ("", "meters"): {"[{name: x, port: y}]": (MeterConfig("x", "y"),)},
    ("", "state_file"): {"/var/state.json": "/var/state.json", "state.json": "folder/state.json"},
    ("", "save_interval"): {"10m": 600.0, "0.5": 0.5, "1y": 31_536_000.0},
    ("", "pseudonymise_ids"): {"false": False, "off": False, "true\npseudonymise_key_file: k": True},
    ("", "pseudonymise_key_file"): {"/etc/tic/key": "/etc/tic/key", "key": "folder/key"},
    ("", "web"): {"{}": WebConfig(), "": WebConfig(), "{max_requests: 3}": WebConfig(max_requests=3)},
    ("meters[]", "name"): {
        "x": "x",
        "'no'": "no",
        '"1.0"': "1.0",
        "!!str off": "off",
        "0123": "0123",
        "42": "42",
        "École à côté": "École à côté",
        "x" * 64: "x" * 64,
    },
    ("meters[]", "port"): {
        "/dev/ttyUSB0": "/dev/ttyUSB0",
        "frames/linky.tic": "frames/linky.tic",
        "/dev/serial/by-path/pci-0:1.0-port0": "/dev/serial/by-path/pci-0:1.0-port0",
        "socket://host.example:7000": "socket://host.example:7000",
        '"socket://[fe80::1%eth0]:7000"': "socket://[fe80::1%eth0]:7000",
        "rfc2217://10.0.0.1:65535": "rfc2217://10.0.0.1:65535",
    },
    ("meters[]", "baud_rate"): {"auto": None} | {str(rate): rate for rate in (1200, 2400, 4800, 9600, 19200)},
    ("meters[]", "family"): {"auto": None} | {family: family for family in FAMILIES},
    ("meters[]", "id"): {"041436028024": "041436028024", "041436021024": "041436021024", "'a b'": "a b"},
    ("meters[]", "parity"): {word: word for word in ("auto", "even", "none")},
    ("meters[]", "on_bad_group"): {word: word for word in ("drop_frame", "drop_group")},
    ("meters[]", "stale_after"): {
        "90": 90.0,
        "90s": 90.0,
        "10m": 600.0,
        "1h30m": 5400.0,
        "500ms": 0.5,
        "'1d2s3ms'": 86402.003,
    },
    ("meters[]", "contract"): {word: word for word in ("BASE", "EJP")},
    ("meters[]", "timezone"): {"Europe/Paris": "Europe/Paris", "Indian/Reunion": "Indian/Reunion", "UTC": "UTC"},
    ("meters[]", "expose_metering_point"): {"true": True, "no": False},
    ("meters[]", "expose_messages"): {"True": True, "off": False},
    ("meters[]", "loop"): {"yes": True, "false": False},
    ("meters[]", "serial"): {"{}": SerialSettings(), "": SerialSettings(), "{bytesize: 7}": SerialSettings(bytesize=7)},
    ("meters[].serial", "bytesize"): {"5": 5, "6": 6, "7": 7, "8": 8},
    ("meters[].serial", "parity"): {
        **{word: word for word in ("none", "even", "odd", "mark", "space")},
        "N": "none",
        "E": "even",
        "O": "odd",
        "M": "mark",
        "S": "space",
    },
    ("meters[].serial", "stopbits"): {"1": 1.0, "1.0": 1.0, "1.5": 1.5, "2": 2.0},
    ("meters[].serial", "xonxoff"): {"on": True, "false": False},
    ("meters[].serial", "rtscts"): {"true": True},
    ("meters[].serial", "dsrdtr"): {"true": True},
    ("meters[].serial", "timeout"): {"0": 0.0, "1.": 1.0, "250ms": 0.25},
    ("web", "listen_address"): {
        "':15402'": (":15402",),
        "['127.0.0.1:1', '[::1]:1', 'localhost:0']": ("127.0.0.1:1", "[::1]:1", "localhost:0"),
    },
    ("web", "telemetry_path"): {"/": "/", "/tic/metrics": "/tic/metrics"},
    ("web", "max_requests"): {"1": 1, "10000": 10_000},
    ("web", "config_file"): {"web-config.yml": "folder/web-config.yml", "/etc/web.yml": "/etc/web.yml"},
    ("web", "show_ids"): {"true": True, "off": False},
    ("web", "compatibility"): {"none": None, "api_compteur_tic": "api_compteur_tic"},
}

# place, key: what is written -> a part of what is said
TEXTS_THAT_ARE_NONE = {
    "no": 'not the boolean no: to be a text it must be quoted, "no"',
    "on": 'not the boolean on: to be a text it must be quoted, "on"',
    "Off": "must be quoted",
    "1.0": 'not the number 1.0: to be a text it must be quoted, "1.0"',
    "12:30": 'not the number 12:30: to be a text it must be quoted, "12:30"',
    "0x1F": "must be quoted",
    "1_000": "must be quoted",
    "2024-01-01": "not the date 2024-01-01: to be a text it must be quoted",
    "null": "not an empty value: to be a text it must be quoted",
    "=": "not the sign =: to be a text it must be quoted",
    "": "not an empty value",
    "[x]": "not a list",
    "{x: y}": "not a mapping",
    "!own x": 'not a value with the tag "!own"',
    "!!set {x}": 'not a value with the tag "set"',
    "!own [x]": 'not a value with the tag "!own"',
}
DURATIONS_THAT_ARE_NONE = {
    "1e3": "such as 90 (seconds), 90s",
    "10 m": 'not the text "10 m"',
    "1m1h": "1m1h",
    "''": 'not the text ""',
    "'60'": 'not the text "60"',
    "-1": "not the number -1",
    "010": "not the number 010",
    ".inf": "not the number .inf",
    "2y": "to 1y",
    "12:30": "not the number 12:30",
    "yes": "not the boolean yes",
    "[1]": "not a list",
}
BOOLEANS_THAT_ARE_NONE = {
    "'true'": 'expected true or false, not the text "true"',
    "1": "not the number 1",
    "!!bool maybe": "not the boolean maybe",
    "{}": "not a mapping",
}
REFUSED: dict[tuple[str, str], dict[str, str]] = {
    ("", "meters"): {
        "[]": "at least one meter",
        "": "at least one meter",
        "{a: b}": "expected a list",
        "x": 'the text "x"',
    },
    ("", "state_file"): TEXTS_THAT_ARE_NONE | {'"a\\tb"': "the path of a file, not 'a\\tb'"},
    ("", "pseudonymise_ids"): BOOLEANS_THAT_ARE_NONE
    | {"yes": "pseudonymise_key_file is required with it; make one with: tic-exporter pseudonym-key --out FILE"},
    ("", "pseudonymise_key_file"): TEXTS_THAT_ARE_NONE,
    ("", "save_interval"): DURATIONS_THAT_ARE_NONE | {"0": "above 0"},
    ("", "web"): {"[]": "expected a mapping with keys such as listen_address, not a list", "x": 'the text "x"'},
    ("meters[]", "name"): TEXTS_THAT_ARE_NONE
    | {
        "''": 'not ""',
        "' x'": 'not " x"',
        "'x '": "spaces at its ends",
        '"a\\nb"': "spaces at its ends, not 'a\\nb'",
        '"a\\x00b"': "'a\\x00b'",
        "x" * 65: "1 to 64",
    },
    ("meters[]", "port"): TEXTS_THAT_ARE_NONE
    | {
        "tcp://host:1": "socket://HOST:PORT or rfc2217://HOST:PORT",
        "sockets://host:1": "did you mean socket?",
        "SOCKET://host:1": "did you mean socket?",
        "socket://host": "with PORT from 1 to 65535",
        "socket://host:0": "with PORT from 1 to 65535",
        "socket://host:65536": "with PORT from 1 to 65535",
        "socket://:7000": "HOST:PORT",
        "socket:host:7000": "HOST:PORT",
        "rfc2217://host:7000/x": "HOST:PORT",
        "rfc2217://us er:7000": "HOST:PORT",
        "host:7000": "did you mean socket://host:7000?",
    },
    ("meters[]", "baud_rate"): {
        "9601": "expected one of auto, 1200, 2400, 4800, 9600, 19200, not the number 9601; did you mean 9600?",
        "'9600'": "(remove the quotes)",
        "9600.5": "did you mean 9600?",
        "~": "not an empty value",
        "[9600]": "not a list",
    },
    ("meters[]", "family"): {
        "linki": "did you mean linky?",
        "PME-PMI": "did you mean pme-pmi?",
        "no": "the boolean no",
    },
    ("meters[]", "id"): TEXTS_THAT_ARE_NONE | {"é": "ASCII", "''": 'not ""', "x" * 65: "1 to 64"},
    ("meters[]", "parity"): {"odd": "expected one of auto, even, none", "no": "did you mean none?"},
    ("meters[]", "on_bad_group"): {"drop_groups": "did you mean drop_group?"},
    ("meters[]", "stale_after"): DURATIONS_THAT_ARE_NONE | {"0": "above 0", "0s": "above 0"},
    ("meters[]", "contract"): {"base": "did you mean BASE?", "HC": "expected one of BASE, EJP"},
    ("meters[]", "timezone"): TEXTS_THAT_ARE_NONE
    | {
        "Europe/Pari": "did you mean Europe/Paris?",
        "Europe": "expected a time zone",
        "/etc/passwd": "expected a time zone",
        "../UTC": "expected a time zone",
    },
    ("meters[]", "expose_metering_point"): BOOLEANS_THAT_ARE_NONE,
    ("meters[]", "expose_messages"): BOOLEANS_THAT_ARE_NONE,
    ("meters[]", "loop"): BOOLEANS_THAT_ARE_NONE,
    ("meters[]", "serial"): {"7E1": "expected a mapping with keys such as bytesize", "[]": "not a list"},
    ("meters[].serial", "bytesize"): {"9": "expected one of 5, 6, 7, 8", "'8'": "(remove the quotes)"},
    ("meters[].serial", "parity"): {"evn": "did you mean even?", "off": "not the boolean off"},
    ("meters[].serial", "stopbits"): {"3": "expected one of 1, 1.5, 2", "'2'": "(remove the quotes)"},
    ("meters[].serial", "xonxoff"): BOOLEANS_THAT_ARE_NONE,
    ("meters[].serial", "rtscts"): BOOLEANS_THAT_ARE_NONE,
    ("meters[].serial", "dsrdtr"): BOOLEANS_THAT_ARE_NONE,
    ("meters[].serial", "timeout"): DURATIONS_THAT_ARE_NONE,
    ("web", "listen_address"): {
        "15402": 'such as ":15402"',
        "':65536'": "expected an address",
        "localhost": "expected an address",
        "no": "the boolean no",
        "[]": "at least one address",
        "{}": "not a mapping",
        "~": "not an empty value",
    },
    ("web", "telemetry_path"): {
        "metrics": "begins with a single /",
        "'/a b'": "begins with a single /",
        "/a?b": "begins with a single /",
        "1": "/",
        "[/tic]": "not a list",
        "/%73d": '"/%73d": /sd is the exporter\'s own',
    },
    ("web", "max_requests"): {
        "0": "a whole number from 1 to 10000, not the number 0",
        "10001": "from 1 to 10000",
        "'5'": 'not the text "5"',
        "5.0": "not the number 5.0",
        "010": "not the number 010",
        "9" * 5000: "from 1 to 10000",
        "[1]": "not a list",
    },
    ("web", "config_file"): TEXTS_THAT_ARE_NONE,
    ("web", "show_ids"): BOOLEANS_THAT_ARE_NONE,
    ("web", "compatibility"): {"true": "expected one of none, api_compteur_tic", "api": 'not the text "api"'},
}


def test_every_key_of_the_tables_has_values_that_are_accepted_and_values_that_are_refused_here() -> None:
    assert set(KEYS) == set(ACCEPTED) == set(REFUSED)


def test_the_tables_have_a_key_for_each_field_and_no_other() -> None:
    classes: dict[str, type[Any]] = {
        "": Config,
        "meters[]": MeterConfig,
        "meters[].serial": SerialSettings,
        "web": WebConfig,
    }
    for place, table in TABLES.items():
        fields = [field.name.replace("addresses", "address") for field in dataclasses.fields(classes[place])]
        assert fields == [key for key, _ in table]


@pytest.mark.parametrize(("place", "key"), KEYS)
def test_each_accepted_value_means_what_is_promised(place: str, key: str) -> None:
    for written, meaning in ACCEPTED[place, key].items():
        config = parse(document_with(place, key, written), "folder/f.yml")
        assert (written, value_in(config, place, key)) == (written, meaning)


@pytest.mark.parametrize(("place", "key"), KEYS)
def test_each_refused_value_is_said_with_its_place_its_path_and_what_was_expected(place: str, key: str) -> None:
    for written, reason in REFUSED[place, key].items():
        problem = problem_of(document_with(place, key, written))
        assert re.match(rf"f\.yml:\d+:\d+: {re.escape(path_in(place, key))}: ", problem), problem
        assert reason in problem


def test_defaults_are_those_of_the_classes() -> None:
    assert parse(METER, "f.yml") == Config((MeterConfig("a", "/dev/a"),))


def test_the_default_file_loads_as_it_is() -> None:
    assert load(str(DEFAULT_FILE)) == Config((MeterConfig("meter", "/dev/ttyUSB0"),))


def test_the_default_file_names_every_key() -> None:
    written = DEFAULT_FILE.read_text(encoding="utf-8")
    for _, key in KEYS:
        assert re.search(rf"(?m)^ *#?(- )?{key}:", written), key


def test_every_example_of_the_default_file_is_right_and_most_show_the_default() -> None:
    config = parse(EVERYTHING, "f.yml")
    names = ["meter", "workshop", "greenhouse", "bakery", "school"]
    assert names == [meter.name for meter in config.meters]
    first, *_, school = config.meters
    assert dataclasses.replace(first, id=None) == MeterConfig("meter", "/dev/ttyUSB0")
    assert (school.family, school.contract) == ("cje", "BASE")
    assert None not in dataclasses.astuple(config.meters[3].serial)
    assert config.web == WebConfig(config_file="web-config.yml")
    assert config.save_interval == Config(()).save_interval


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = """\
meters:
  - name: no
    port: tcp://x:1
    baudrate: 9600
    name: b
  - family: linki
    bytesize: 7
state_fil: x
web: {max_requests: 0, zzz: 1}
"""
    expected = [
        "f.yml:2:11: meters[0].name: ",
        "f.yml:3:11: meters[0].port: ",
        "f.yml:4:5: meters[0].baudrate: unknown key; did you mean baud_rate?",
        "f.yml:5:5: meters[0].name: duplicate key; the first one is in line 2",
        "f.yml:6:5: meters[1].name: missing: name is required",
        "f.yml:6:5: meters[1].port: missing: port is required",
        "f.yml:6:13: meters[1].family: ",
        "f.yml:7:5: meters[1].bytesize: unknown key here; it belongs to meters[].serial",
        "f.yml:8:1: state_fil: unknown key; did you mean state_file?",
        "f.yml:9:21: web.max_requests: ",
        "f.yml:9:24: web.zzz: unknown key; the keys here are listen_address, telemetry_path, max_requests, config_file",
    ]
    found = problems_of(text)
    assert len(expected) == len(found)
    for start, problem in zip(expected, found, strict=True):
        assert problem.startswith(start)


def test_problems_carry_their_parts() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("meters: []", "some/f.yml")
    expected = Problem("some/f.yml", 1, 9, "meters", "is empty: expected at least one meter")
    assert (expected,) == caught.value.problems


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("", "1:1", "is empty"),
        ("# nothing\n", "1:1", "is empty"),
        ("---\n...\n", "2:1", "is empty"),
        ("- a\n", "1:1", "expected a mapping with keys such as meters, not a list"),
        ("text\n", "1:1", 'expected a mapping with keys such as meters, not the text "text"'),
        ("web: {}\n", "1:1", "meters: missing: meters is required"),
        ("meters:\n\t- name: a\n", "2:1", "a tab stands here; YAML is indented with spaces"),
        ("meters:\n  - name: a\n\tport: b\n", "3:1", "a tab stands here"),
        ("meters: [\n", "2:1", "YAML syntax"),
        ("meters: @x\n", "1:9", "YAML syntax"),
        ("a: b: c\n", "1:5", "YAML syntax"),
        (METER + "--- {}\n", "2:1", "a second document begins here"),
        (METER + "web: {config_file: a\0b}\n", "2:21", "the character '\\x00' has no place in a YAML file"),
        ("a: \ud800\n", "1:4", "'\\ud800'"),
        ("ab: \ufeff\n", "1:5", "'\\ufeff'"),
        ("a: *b\n", "1:4", "*b has no anchor &b before it"),
        ("a: &b [*b]\n", "1:8", "*b stands inside its own anchor &b"),
        ("meters: &b {<<: *b}\n", "1:17", "*b stands inside its own anchor &b"),
        ("[" * 500, "1:21", "is nested deeper than 20 levels"),
        ("- " * 100_000, "1:41", "is nested deeper than 20 levels"),
        ("[" + "a," * 300_000, "1:499996", "holds more than 250000 keys and values"),
        ("#" * (4 * 1024 * 1024 + 1), "1:1", "is longer than 4194304 characters"),
    ],
)
def test_what_is_no_configuration_at_all_is_one_problem_at_its_place(text: str, place: str, reason: str) -> None:
    problem = problem_of(text)
    assert problem.startswith(f"f.yml:{place}: ")
    assert reason in problem


def test_what_is_nested_without_end_is_one_problem() -> None:
    problem = problem_of("[" * 100_000)
    # Newer libraries have a limit of their own, and look far ahead.
    assert problem.startswith(("f.yml:1:21: is nested deeper", "f.yml:1:1001: YAML syntax"))


def test_keys_that_are_no_words_are_refused_in_one_line_each() -> None:
    text = METER + '"a\\nb": 1\n? [a]\n: 1\nno: 1\n? \n: 1\n' + "k" * 100 + ": 1\n"
    found = problems_of(text)
    assert [2, 3, 5, 6, 8] == [int(problem.split(":")[1]) for problem in found]
    assert found[0].startswith("f.yml:2:1: 'a\\nb': unknown key")
    assert found[1] == "f.yml:3:3: expected a text as key, not a list or a mapping"
    assert found[2].startswith("f.yml:5:1: no: unknown key")


def test_a_byte_order_mark_at_the_start_and_windows_line_ends_are_no_problem() -> None:
    expected = Config((MeterConfig("a", "/dev/a"),))
    assert expected == parse("\ufeffmeters:\r\n  - name: a\r\n    port: /dev/a\r\n", "f.yml")


def test_settings_can_be_shared_by_anchors_and_merge_keys_and_overridden() -> None:
    text = """\
meters:
  - &first
    name: a
    port: /dev/a
    family: pme-pmi
    stale_after: 10
    serial: &serial {bytesize: 7, parity: even}
  - <<: *first
    name: b
    port: /dev/b
    family: auto
  - <<: [{family: ice-2q}, *first]
    name: c
    port: /dev/c
    serial: {<<: *serial, bytesize: 8}
"""
    serial = SerialSettings(bytesize=7, parity="even")
    expected = (
        MeterConfig("a", "/dev/a", family="pme-pmi", stale_after=10.0, serial=serial),
        MeterConfig("b", "/dev/b", family=None, stale_after=10.0, serial=serial),
        MeterConfig("c", "/dev/c", family="ice-2q", stale_after=10.0, serial=SerialSettings(bytesize=8, parity="even")),
    )
    assert expected == parse(text, "f.yml").meters


def test_a_mistake_in_shared_settings_is_told_once_where_it_stands() -> None:
    text = "meters:\n- &a {name: a, port: b, loop: 1, x_y_z: 2}\n- {<<: *a, name: c, port: d}\n"
    found = problems_of(text)
    assert ["f.yml:2:31: meters[0].loop", "f.yml:2:34: meters[0].x_y_z"] == [
        ": ".join(p.split(": ")[:2]) for p in found
    ]


def test_a_name_or_port_left_over_from_a_merge_is_told_where_it_was_merged() -> None:
    found = problems_of("meters:\n- &a {name: a, port: b}\n- {<<: *a}\n")
    expected = [
        'f.yml:3:4: meters[1].name: two meters are called "a"; the first is in line 2',
        'f.yml:3:4: meters[1].port: two meters read one port, "b"; the first is in line 2',
    ]
    assert expected == found


def test_a_merge_of_something_else_and_a_second_merge_are_refused() -> None:
    found = problems_of("meters:\n- {name: a, port: b, <<: x}\n- {name: c, port: d, <<: {}, <<: {}}\n")
    assert "meters[0].<<: expected an alias of a mapping" in found[0]
    assert "meters[1].<<: duplicate key; one << takes a list" in found[1]


def test_a_duplicate_key_inside_a_merged_mapping_is_not_lost() -> None:
    assert "duplicate key" in problem_of("meters:\n- {port: b, <<: {name: a, name: c}}\n")


def test_two_meters_of_one_name_are_refused() -> None:
    text = "meters:\n- {name: a, port: b}\n- {name: c, port: d}\n- {name: 'a', port: e}\n"
    assert problem_of(text) == 'f.yml:4:10: meters[2].name: two meters are called "a"; the first is in line 2'


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("/dev/ttyUSB0", "/dev/../dev/ttyUSB0"),
        ("frames.tic", "./frames.tic"),
        ("socket://Host:7000", "socket://host:07000"),
        ("socket://host:7000", "rfc2217://host:7000"),
    ],
)
def test_two_meters_on_one_port_are_refused_however_it_is_spelt(first: str, second: str) -> None:
    text = f"meters:\n- {{name: a, port: '{first}', loop: true}}\n- {{name: b, port: '{second}', loop: true}}\n"
    assert "meters[1].port: two meters read one port, " in problem_of(text)


def test_a_link_and_the_port_behind_it_are_one_port(tmp_path: Path) -> None:
    (tmp_path / "usb-FTDI-port0").symlink_to(tmp_path / "ttyUSB0")
    ports = [tmp_path / "ttyUSB0", tmp_path / "usb-FTDI-port0"]
    text = "meters:\n" + "".join(f"- {{name: {index}, port: {port}}}\n" for index, port in enumerate(ports))
    assert "meters[1].port: two meters read one port" in problem_of(text)


def test_ports_whose_names_cannot_be_looked_up_are_compared_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def realpath(port: str) -> str:
        return port.encode("ascii").decode()

    monkeypatch.setattr(os.path, "realpath", realpath)
    text = "meters: [{name: a, port: /é}, {name: b, port: /è}, {name: c, port: /é}]"
    assert "meters[2].port: two meters read one port" in problem_of(text)


def test_one_address_twice_is_refused() -> None:
    problem = problem_of(METER + "web:\n  listen_address:\n  - ':1'\n  - ':2'\n  - ':1'\n")
    assert problem == 'f.yml:6:5: web.listen_address[2]: ":1" is there twice; the first is in line 4'


def test_a_contract_goes_with_cje_or_an_unknown_family_only() -> None:
    for family in (*FAMILIES, "auto", None):
        line = "" if family is None else f", family: {family}"
        text = f"meters: [{{name: a, port: b, contract: EJP{line}}}]"
        if family in ("cje", "auto", None):
            assert parse(text, "f.yml").meters[0].contract == "EJP"
        else:
            problem = problem_of(text)
            assert "meters[0].contract: expected only with family cje or auto" in problem


def test_a_contract_is_not_judged_by_a_family_that_is_refused_itself() -> None:
    for family in ("linki", "[linky]"):
        assert "meters[0].family: " in problem_of(f"meters: [{{name: a, port: b, contract: EJP, family: {family}}}]")


def test_relative_files_start_at_the_folder_of_the_configuration() -> None:
    text = METER + "state_file: state/s.json\nweb: {config_file: ../w.yml}\n"
    config = parse(text, "/etc/tic/f.yml")
    assert (config.state_file, config.web.config_file) == ("/etc/tic/state/s.json", "/etc/tic/../w.yml")
    config = parse(text, "f.yml")
    assert (config.state_file, config.web.config_file) == ("state/s.json", "../w.yml")


def test_a_missing_zone_database_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(key: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(key)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", missing)
    monkeypatch.setattr(checks, "_time_zones", frozenset)
    assert "install tzdata" in problem_of(document_with("meters[]", "timezone", "Europe/Paris"))


def test_problems_without_number_are_cut_off_and_this_is_said() -> None:
    found = problems_of(METER + "".join(f"k{index}: 1\n" for index in range(3 * MAX_FINDINGS)))
    assert len(found) == MAX_FINDINGS + 1
    assert found[-1] == f"f.yml: has more problems; these {MAX_FINDINGS} are enough"


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x]\n" + "".join(f"a{i}: &a{i} [{'*a,' * 9}]\n" for i in range(1000)),
        "a0: &a0 {x: 1}\n" + "".join(f"a{i + 1}: &a{i + 1} {{<<: [{f'*a{i},' * 9}]}}\n" for i in range(1000)),
        "a0: &a0 {x: 1, x: 2}\n" + "".join(f"a{i + 1}: &a{i + 1} {{<<: [{f'*a{i},' * 9}]}}\n" for i in range(1000)),
        "a: &a {" + ",".join(f"k{i}: 1" for i in range(50_000)) + "}\nmeters:\n" + "- {<<: *a}\n" * 50_000,
        "meters:\n" + "-\n" * 100_000,
        "meters: [" + ",".join(f"{{name: a{i}, port: b{i}, timezone: X{i}}}" for i in range(3000)) + "]",
        "meters: " + "x" * 4_000_000,
        "x" * 4_000_000 + ": 1",
    ],
)
def test_documents_made_to_explode_are_refused_in_bounded_time(text: str) -> None:
    start = time.process_time()
    problems = problems_of(text)
    assert time.process_time() - start < 10
    assert sum(map(len, problems)) < 1_000_000


def test_a_thousand_meters_load_in_less_than_a_second_and_a_half(tmp_path: Path) -> None:
    meter = "- {{name: m{0}, port: /dev/serial/by-id/{0}, family: linky, timezone: Europe/Paris, stale_after: 90s}}\n"
    file = tmp_path / "f.yml"
    file.write_text("meters:\n" + "".join(meter.format(index) for index in range(1000)), encoding="utf-8")
    start = time.process_time()
    config = load(str(file))
    assert time.process_time() - start < 1.5
    assert len(config.meters) == 1000


def test_a_file_that_cannot_be_read_is_a_configuration_error_too(tmp_path: Path) -> None:
    for path, reason in (
        (str(tmp_path / "none.yml"), "No such file or directory"),
        (str(tmp_path), "Is a directory"),
        ("a\0b", "embedded null byte"),
    ):
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: cannot be read: {reason}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a: 1\nb: \xc3\xa9\xff\n", ":2:5: the byte 0xff is not UTF-8: save the file in this encoding"),
        ("meters: []".encode("utf-16"), ":1:1: the byte 0xff is not UTF-8: save the file in this encoding"),
        (b"\xe9", ":1:1: the byte 0xe9 is not UTF-8: save the file in this encoding"),
        (b"#" * (4 * 1024 * 1024 + 1), ": is longer than 4194304 bytes"),
        (b"", ":1:1: is empty: expected meters, each with a name and a port"),
    ],
)
def test_bytes_that_are_no_text_are_told_with_their_place(tmp_path: Path, data: bytes, expected: str) -> None:
    file = tmp_path / "f.yml"
    file.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load(str(file))
    assert str(caught.value) == f"{file}{expected}"


def test_a_single_meter_is_the_same_as_a_file_with_one() -> None:
    assert single_meter("/dev/a") == Config((MeterConfig("meter", "/dev/a"),))
    serial = SerialSettings(bytesize=7, stopbits=1.5)
    expected = MeterConfig("x", "socket://h:1", 9600, "linky", "0123", stale_after=1.5, loop=True, serial=serial)
    made = single_meter(
        "socket://h:1",
        name="x",
        baud_rate=9600,
        family="linky",
        id="0123",
        stale_after=1.5,
        loop=True,
        serial=serial,
        parity=None,
    )
    assert made == Config((expected,))


def test_a_single_meter_is_checked_as_in_a_file_and_every_problem_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        single_meter("tcp://h:1", baud_rate=9601, loop="yes", stale_after=float("inf"), timezone="", colour=1, id=[])
    starts = [
        f"command line: {key}: " for key in ("port", "baud_rate", "loop", "stale_after", "timezone", "colour", "id")
    ]
    lines = str(caught.value).splitlines()
    assert len(starts) == len(lines)
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))


def test_pyyaml_is_not_loaded_for_flags_alone() -> None:
    program = "import sys, tic_exporter.config.loading as c; c.single_meter('/dev/a'); sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def outcome(make: Callable[[], object]) -> object:
    try:
        return make()
    except (ConfigError, document.UnreadableError) as error:
        return type(error)


def mutations() -> st.SearchStrategy[str]:
    """The full default file, cut and patched in some places."""
    pieces = st.text("\n\t :-#&*<>[]{}'\"!%@|?,0a\\", max_size=6) | st.text(max_size=3)
    cut = st.tuples(st.integers(0, len(EVERYTHING)), st.integers(0, 12), pieces)

    def mutate(cuts: list[tuple[int, int, str]]) -> str:
        text = EVERYTHING
        for start, length, piece in cuts:
            text = text[:start] + piece + text[start + length :]
        return text

    return st.lists(cut, min_size=1, max_size=4).map(mutate)


@settings(deadline=None, max_examples=300)
@given(st.text() | st.text("ab:- \n\t&*<[]{}'\"!,?|>%#\\0", max_size=40) | mutations())
@example('a: "\\UFFFFFFFF"')
@example("%YAML 1." + "9" * 5000 + "\n---\na")
def test_any_text_gives_a_configuration_or_a_configuration_error(text: str) -> None:
    assert isinstance(outcome(lambda: parse(text, "f.yml")), Config | type)
    # The parser in Python, where libyaml is missing, may judge otherwise; it may not fail otherwise.
    outcome(lambda: document.compose(text, yaml.SafeLoader))


@settings(deadline=None, max_examples=100)
@given(st.binary() | mutations().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_give_a_configuration_or_a_configuration_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "bytes.yml"
    file.write_bytes(data)
    assert isinstance(outcome(lambda: load(str(file))), Config | type)


def test_both_parsers_of_pyyaml_give_the_same_tree() -> None:
    assert document.compose(EVERYTHING, document.LOADER) == document.compose(EVERYTHING, yaml.SafeLoader)


@pytest.mark.parametrize("text", ['a: "\\UFFFFFFFF"', "%YAML 1." + "9" * 5000 + "\n---\na"])
def test_errors_that_the_python_parser_lets_through_are_told_too(text: str) -> None:
    with pytest.raises(document.UnreadableError, match="not readable as YAML after this place"):
        document.compose(text, yaml.SafeLoader)
