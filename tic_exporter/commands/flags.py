"""What may stand after a flag: types for argparse, which say what was given and what was expected."""

import argparse
import re
from collections.abc import Callable
from datetime import datetime

from ..config import HIGHEST_PORT, ListenAddress, parse_listen_address
from ..config.wording import shown
from ..tic.identity import IDENTIFIER

# `int` and `float` take "1_0", " 1" and digits of other scripts too.
_WHOLE = re.compile("[0-9]{1,18}")
_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

_YEARS = range(2000, 2100)
"""Meters write two digits of the year."""


def _refused(expected: str, text: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"expected {expected}, not {shown(text)}")


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """A whole number, both bounds included."""
    expected = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"

    def check(text: str) -> int:
        if not _WHOLE.fullmatch(text) or int(text) < low or (high is not None and int(text) > high):
            raise _refused(expected, text)
        return int(text)

    return check


def number(low: int, high: int) -> Callable[[str], float]:
    """A number, both bounds included."""
    return _number(f"a number from {low} to {high}", lambda value: low <= value <= high)


def positive(high: int | None = None) -> Callable[[str], float]:
    """A number above 0, the bound included."""
    if high is None:
        return _number("a number above 0", lambda value: 0 < value < float("inf"))
    return _number(f"a number above 0 and up to {high}", lambda value: 0 < value <= high)


def _number(expected: str, accepts: Callable[[float], bool]) -> Callable[[str], float]:
    def check(text: str) -> float:
        if not _NUMBER.fullmatch(text) or not accepts(float(text)):
            raise _refused(expected, text)
        return float(text)

    return check


BAUD_RATE = whole(1, 4_000_000)
"""The highest that Linux has a name for."""
FACTOR = number(0, 1_000_000)
"""Of time."""
PORTS = whole(1, HIGHEST_PORT)
"""How many there may be."""


def listen_address(text: str) -> ListenAddress:
    """[HOST]:PORT."""
    try:
        return parse_listen_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def timezone(text: str) -> str:
    """A name of the system's database."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - one command asks for it

    try:
        ZoneInfo(text)
    except (OSError, ValueError, LookupError):
        raise _refused("a time zone such as Europe/Paris", text) from None
    return text


def legal_time(text: str) -> datetime:
    """A date, with or without its time of day, as the clock of a meter shows it."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is not None or time.year not in _YEARS:
        span = f"from {_YEARS[0]} to {_YEARS[-1]} and without a zone"
        raise _refused(f"legal time such as 2026-01-15T12:00:00, {span}", text)
    return time


def meter_id(text: str) -> str:
    """An id that every family takes."""
    if not text.isascii() or not IDENTIFIER.fullmatch(text):
        raise _refused("an id such as 041876123456: four digits, two of 0 to 9 and A to F, six digits", text)
    return text
