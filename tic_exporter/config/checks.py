"""Small checkers, one value each: a node goes in, a value comes out or a refusal that says what was expected.

They work on the text as written, never on YAML 1.1's idea of it, in which `no` is a boolean, `12:30` is 750 and `0123`
is 83. A text of digits alone, such as a meter's id, is taken as it stands, leading zeros included: nothing can be
mistaken there. Whatever else YAML does not read as a text has to be quoted where a text is expected, and we say so.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from .addresses import parse_listen_address
from .findings import refusal
from .nodes import DESCRIPTIONS, Node, Scalar, Sequence, describe
from .paths import parse_telemetry_path
from .wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .findings import Checker

_DIGITS = re.compile("[0-9]+")
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{0,9})?")
_INTEGER = re.compile("0|[1-9][0-9]{0,8}")
# duration = 1*( number unit ), the units in this order, each at most once   (Prometheus, "Time durations")
_MILLISECONDS = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_DURATION = re.compile("(?=.)" + "".join(f"(?:([0-9]{{1,9}}){unit})?" for unit in _MILLISECONDS))
_LONGEST = 31_536_000
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_HOST = r"\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[\w.-]+"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/|(socket|rfc2217):")
_URL = re.compile(rf"(socket|rfc2217)://({_HOST}):([0-9]{{1,5}})")
_SCHEMES = ("socket", "rfc2217")
_HOST_AND_PORT = re.compile(rf"(?:{_HOST}):[0-9]{{1,5}}")
_PORT_FORMS = "a path such as /dev/ttyUSB0, socket://HOST:PORT or rfc2217://HOST:PORT"


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a message: what the writer may have meant."""
    from difflib import get_close_matches  # noqa: PLC0415 - a right configuration does not need it

    by_lower = {candidate.lower(): candidate for candidate in known}
    close = get_close_matches(word[:100].lower(), by_lower, n=1)
    return f"; did you mean {by_lower[close[0]]}?" if close else ""


def text(expected: str, accepts: Callable[[str], object]) -> Checker:
    def check(node: Node) -> str:
        if not isinstance(node, Scalar) or not _is_text(node):
            raise refusal(node, f"expected {expected}, not {describe(node)}{_advice(node)}")
        if not accepts(node.text):
            raise refusal(node, f"expected {expected}, not {shown(node.text)}")
        return node.text

    return check


def _is_text(node: Scalar) -> bool:
    return node.tag == "str" or (node.tag == "int" and _DIGITS.fullmatch(node.text) is not None)


def _advice(node: Node) -> str:
    if isinstance(node, Scalar) and node.text and node.tag in DESCRIPTIONS:
        return f": to be a text it must be quoted, {shown(node.text)}"
    return ""


def visible(longest: int) -> Callable[[str], bool]:
    """Neither invisible characters nor spaces at the ends: what can be told apart by eye."""
    return lambda value: 0 < len(value) <= longest and value.isprintable() and value == value.strip()


def choice(values: Mapping[str, object]) -> Checker:
    """One of some words or numbers; numbers as numbers, without quotes."""
    expected = f"expected one of {', '.join(values)}"

    def check(node: Node) -> object:
        if not isinstance(node, Scalar):
            raise refusal(node, f"{expected}, not {describe(node)}")
        word = node.text.removesuffix(".0") if node.tag == "float" else node.text
        if word in values and word[:1].isdigit() == (node.tag in ("int", "float")):
            return values[word]
        unquote = " (remove the quotes)" if word in values else ""
        raise refusal(node, f"{expected}, not {describe(node)}{unquote or nearest(node.text, values)}")

    return check


def integer(low: int, high: int) -> Checker:
    def check(node: Node) -> int:
        if isinstance(node, Scalar) and node.tag == "int" and _INTEGER.fullmatch(node.text):
            value = int(node.text)
            if low <= value <= high:
                return value
        raise refusal(node, f"expected a whole number from {low} to {high}, not {describe(node)}")

    return check


def boolean(node: Node) -> bool:
    if isinstance(node, Scalar) and node.tag == "bool" and node.text.lower() in _BOOLEANS:
        return _BOOLEANS[node.text.lower()]
    raise refusal(node, f"expected true or false, not {describe(node)}")


def is_true(node: Node) -> bool:
    return isinstance(node, Scalar) and node.tag == "bool" and _BOOLEANS.get(node.text.lower(), False)


def duration(*, zero: bool = False) -> Checker:
    """Seconds, from a number or a text as Prometheus writes durations; a year at most."""
    limits = f"{'from 0' if zero else 'above 0'} to 1y"

    def check(node: Node) -> float:
        seconds = _seconds(node)
        if seconds is None or seconds > _LONGEST or (seconds == 0 and not zero):
            message = (
                f"expected a duration such as 90 (seconds), 90s, 10m, 1h30m or 500ms, {limits}, not {describe(node)}"
            )
            raise refusal(node, message)
        return seconds

    return check


def _seconds(node: Node) -> float | None:
    if not isinstance(node, Scalar):
        return None
    if node.tag in ("int", "float") and _NUMBER.fullmatch(node.text):
        return float(node.text)
    if node.tag == "str" and (found := _DURATION.fullmatch(node.text)):
        counts = (int(count or 0) for count in found.groups())
        return sum(count * unit for count, unit in zip(counts, _MILLISECONDS.values(), strict=True)) / 1000
    return None


def timezone(node: Node) -> str:
    import zoneinfo  # noqa: PLC0415 - few files name a time zone, and every start would pay for the import

    zone: str = text("a time zone such as Europe/Paris", visible(100))(node)
    try:
        zoneinfo.ZoneInfo(zone)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        # A folder of the database, a path out of it, a name it does not have.
        known = _time_zones()
    else:
        return zone
    without = "" if known else " (this system has no time zone database: install tzdata)"
    message = f"expected a time zone such as Europe/Paris, not {shown(zone)}{without}{nearest(zone, known)}"
    raise refusal(node, message)


@cache
def _time_zones() -> frozenset[str]:
    """The names of the system's database: ten milliseconds of reading, for every wrong name of a file else."""
    import zoneinfo  # noqa: PLC0415 - as in timezone()

    return frozenset(zoneinfo.available_timezones())


def port(node: Node) -> str:
    value: str = text(_PORT_FORMS, visible(4096))(node)
    scheme = _SCHEME.match(value)
    if scheme is None and _HOST_AND_PORT.fullmatch(value):
        raise refusal(node, f"expected {_PORT_FORMS}, not {shown(value)}; did you mean socket://{shown(value, '')}?")
    if scheme is not None:
        url, name = _URL.fullmatch(value), scheme[1] or scheme[2]
        if url is None or not 0 < int(url[3]) < 65536:
            hint = "" if name in _SCHEMES else nearest(name, _SCHEMES)
            raise refusal(node, f"expected {_PORT_FORMS} with PORT from 1 to 65535, not {shown(value)}{hint}")
    return value


def address_of_url(value: str) -> tuple[str, int] | None:
    """Where a socket:// or rfc2217:// port leads to; None for a path."""
    url = _URL.fullmatch(value)
    return (url[2].lower(), int(url[3])) if url else None


def _read_by(parse: Callable[[str], object], example: str) -> Checker:
    """A text that `parse` takes: what it raises else says what was expected."""

    def check(node: Node) -> str:
        value: str = text(f"a text such as {example}", lambda _: True)(node)
        try:
            parse(value)
        except ValueError as error:
            raise refusal(node, str(error)) from None
        return value

    return check


listen_address = _read_by(parse_listen_address, '":15402"')
telemetry_path = _read_by(parse_telemetry_path, "/metrics")
meter_name = text("a name of 1 to 64 visible characters without spaces at its ends", visible(64))
meter_id = text(
    "an id of 1 to 64 printable ASCII characters without spaces at its ends",
    lambda value: value.isascii() and visible(64)(value),
)
file_path = text("the path of a file", visible(4096))


def one_or_list(single: Checker, several: Checker) -> Checker:
    """A value, or a list of such values; always a tuple."""
    return lambda node: several(node) if isinstance(node, Sequence) else (single(node),)
