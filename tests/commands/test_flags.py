"""What may stand after each flag: a row per flag, and a flag without a row fails."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tic_exporter import cli
from tic_exporter.commands import decode, demo, detect, record, replay, simulate
from tic_exporter.config import ListenAddress

if TYPE_CHECKING:
    import argparse

PARSERS = {
    "": cli._serve_parser,
    "decode": decode._parser,
    "demo": demo._parser,
    "detect": detect._parser,
    "record": record._parser,
    "replay": replay._parser,
    "simulate": simulate._parser,
}
NOON = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - legal time

_ANY = {"1": 1, "007": 7}
_NONE_AT_ALL = ("", "x", "1_0", " 1", "1\n", "\u0661", "+1", "-1", "nan", "inf", "9" * 5000)
_NO_WHOLE_NUMBER = (*_NONE_AT_ALL, "1.0", "0.5", "1e3")
_NO_NUMBER = (*_NONE_AT_ALL[:-1], "infinity", "1e999", "0x1")
_ADDRESSES = {":1": ListenAddress("", 1), "[::1]:65535": ListenAddress("::1", 65535)}
_NO_ADDRESS = ("", "foo", ":65536", "127.0.0.1:99999", ":-1")

WHOLE = "a whole number from 1 to {}"
BAUD_RATE: tuple[dict[str, Any], str, tuple[str, ...]] = (
    _ANY | {"1200": 1200, "4000000": 4_000_000},
    WHOLE.format(4_000_000),
    (*_NO_WHOLE_NUMBER, "0", "4000001", "-9600", "fast"),
)
FACTOR: tuple[dict[str, Any], str, tuple[str, ...]] = (
    {"0": 0.0, "1": 1.0, "0.5": 0.5, ".5": 0.5, "2.": 2.0, "1e3": 1000.0, "1000000": 1e6},
    "a number from 0 to 1000000",
    (*_NO_NUMBER, "1000001", "-0.1"),
)
ADDRESS = (_ADDRESSES, 'an address such as ":15402", "127.0.0.1:15402" or "[::1]:15402"', _NO_ADDRESS)

# (command, flag): what is taken as which value; what is expected; what is refused
ROWS: dict[tuple[str, str], tuple[dict[str, Any], str, tuple[str, ...]]] = {
    ("", "--web.listen-address"): ({text: [value] for text, value in _ADDRESSES.items()}, *ADDRESS[1:]),
    ("", "--web.max-requests"): (
        _ANY | {"10000": 10_000},
        WHOLE.format(10_000),
        (*_NO_WHOLE_NUMBER, "0", "10001", "many"),
    ),
    ("decode", "--baud-rate"): BAUD_RATE,
    ("decode", "--timezone"): (
        {"UTC": "UTC", "Indian/Reunion": "Indian/Reunion"},
        "a time zone such as Europe/Paris",
        ("Europe/Nowhere", "../etc/passwd", "Europe", ""),
    ),
    ("demo", "--web.listen-address"): ADDRESS,
    ("detect", "--seconds"): (
        {"0.5": 0.5, "30": 30.0, "3600": 3600.0},
        "a number above 0 and up to 3600",
        (*_NO_NUMBER, "0", "0.0", "3600.1", "1e9"),
    ),
    ("record", "--seconds"): ({"0.5": 0.5, "1e9": 1e9}, "a number above 0", (*_NO_NUMBER, "0", "never")),
    ("record", "--frames"): (_ANY, "a whole number of at least 1", (*_NO_WHOLE_NUMBER, "0")),
    ("record", "--baud-rate"): BAUD_RATE,
    ("replay", "--speed"): FACTOR,
    ("replay", "--tcp"): ADDRESS,
    ("simulate", "--tcp"): ADDRESS,
    ("simulate", "--frames"): (_ANY, "a whole number of at least 1", (*_NO_WHOLE_NUMBER, "0", "-3")),
    ("simulate", "--count"): (_ANY | {"65535": 65_535}, WHOLE.format(65_535), (*_NO_WHOLE_NUMBER, "0", "99999")),
    ("simulate", "--seed"): (_ANY | {"0": 0}, "a whole number of at least 0", _NO_WHOLE_NUMBER),
    ("simulate", "--start"): (
        {"2026-01-15T12:00:00": NOON, "2026-01-15 12:00": NOON, "2099-01-01": datetime(2099, 1, 1)},  # noqa: DTZ001
        "legal time such as 2026-01-15T12:00:00, from 2000 to 2099 and without a zone",
        ("", "x", "2026-13-01", "2026-01-15T12:00:00+01:00", "2026-01-15T12:00Z", "1999-12-31", "2100-01-01"),
    ),
    ("simulate", "--meter-id"): (
        {"041876123456": "041876123456", "0420A6123456": "0420A6123456"},
        "an id such as 041876123456: four digits, two of 0 to 9 and A to F, six digits",
        ("", "foo", "04187612345", "0418761234567", "0418a6123456", "04187612345\u0661"),
    ),
    ("simulate", "--td"): ({"5": 5, "60": 60}, "a whole number of at least 1", (*_NO_WHOLE_NUMBER, "0")),
    ("simulate", "--baud-rate"): BAUD_RATE,
    ("simulate", "--speed"): FACTOR,
    ("simulate", "--noise"): (
        {"0": 0.0, "1": 1.0, "0.001": 0.001, "1e-5": 1e-5},
        "a number from 0 to 1",
        (*_NO_NUMBER, "2", "1.01"),
    ),
}


def actions() -> dict[tuple[str, str], argparse.Action]:
    """All flags whose value is more than a text."""
    return {
        (command, flag): action
        for command, parser in PARSERS.items()
        for action in parser()._actions
        for flag in action.option_strings
        if action.type is not None
    }


def test_every_flag_with_a_value_that_is_checked_has_its_row() -> None:
    assert set(actions()) == set(ROWS)


@pytest.mark.parametrize("key", ROWS, ids=" ".join)
def test_a_flag_takes_what_makes_sense(key: tuple[str, str]) -> None:
    command, flag = key
    needed = {"decode": ["-"], "record": ["port", "file"], "replay": ["file"]}.get(command, [])
    for text, value in ROWS[key][0].items():
        flags = PARSERS[command]().parse_args([*needed, f"{flag}={text}"], cli.Flags() if command == "" else None)
        assert (text, value) == (text, getattr(flags, actions()[key].dest))


@pytest.mark.parametrize("key", ROWS, ids=" ".join)
def test_a_flag_refuses_anything_else_with_what_was_given_and_what_was_expected(
    key: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    command, flag = key
    _, expected, refused = ROWS[key]
    for text in refused:
        with pytest.raises(SystemExit, match="2"):
            cli.main([*command.split(), f"{flag}={text}"])
        said = capsys.readouterr().err.splitlines()[-1]
        assert f"error: argument {flag}: expected {expected}, not " in said
        assert said.endswith((f'not "{text}"', f"not {text!r}", f'not "{text[:57]}..."'))


def test_a_number_below_zero_may_stand_apart_from_its_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["simulate", "--frames", "-3"])
    assert 'argument --frames: expected a whole number of at least 1, not "-3"' in capsys.readouterr().err
