"""Group to value, strictly: exact widths, digits only, closed lists. A value that fits nothing is refused, not mended.

A codec is a function of a group's value and timestamp (None where the group has no such element). It answers with the
value in the meter's own unit, with `Verdict.REFUSED` where the group does not have the form (another row may read it;
if none does, the value is invalid), or with `Verdict.SILENT` where the form is right and there is nothing to publish.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import NamedTuple


class Verdict(Enum):
    """What a codec answers instead of a value."""

    REFUSED = "refused"
    SILENT = "silent"


class LocalTime(NamedTuple):
    """A date as the meter writes it: legal time, `season` H, E, h or e where it is given, else empty.

    The second stands apart: dates of a meter mostly differ in it alone, and those of all meters of a town in little.
    """

    minute: datetime
    season: str
    second: int = 0

    @classmethod
    def of(cls, naive: datetime, season: str = "") -> "LocalTime":
        return cls(naive.replace(second=0), season, naive.second)

    @property
    def naive(self) -> datetime:
        return self.minute.replace(second=self.second)


class Placed(NamedTuple):
    """A number that says itself which further dimensions it belongs to."""

    number: float
    dimensions: tuple[tuple[str, str], ...]


Value = int | float | str | bool | LocalTime | Placed | tuple[str, ...]
Codec = Callable[[str, str | None], Value | Verdict]

_new = tuple.__new__  # half the cost of calling a named tuple
REFUSED = Verdict.REFUSED
SILENT = Verdict.SILENT


@dataclass(frozen=True, slots=True)
class Integer:
    """Reads digits followed by `unit`, and multiplies by `scale`.

    With `width` the number is zero-padded to exactly that width; without, leading zeros are suppressed and it has at
    most seven digits (`most` may lower the largest value, `at_least` -n admit negative ones).
    """

    unit: str
    scale: int
    width: int | None
    most: int
    at_least: int

    def __call__(self, text: str, stamp: str | None) -> Value | Verdict:
        # Not a regular expression: most of what is read is such numbers, and this costs half.
        if stamp is not None or not text.endswith(self.unit):
            return REFUSED
        digits = text[: len(text) - len(self.unit)]
        sign = self.at_least < 0 and digits[:1] == "-"
        if sign:
            digits = digits[1:]
        if not (digits.isdecimal() and digits.isascii()):
            return REFUSED
        if len(digits) != self.width if self.width else len(digits) > 9 or (digits[0] == "0" and len(digits) > 1):
            return REFUSED
        number = -int(digits) if sign else int(digits)
        return number * self.scale if self.at_least <= number <= self.most else REFUSED


def integer(
    unit: str = "", scale: int = 1, *, width: int | None = None, most: int | None = None, at_least: int = 0
) -> Integer:
    """Give the row's form of `Integer`, with its defaults."""
    return Integer(unit, scale, width, most if most is not None else 10 ** (width or 7) - 1, at_least)


def decimal(unit: str = "", *, most: float = 99999.99, at_least: float = -9999.99, places: int = 2) -> Codec:
    """Read a number with a decimal comma (some models: a full stop) and exactly `places` digits behind it."""
    pattern = re.compile(rf"(-?(?:0|[1-9]\d{{0,4}}))[.,](\d{{{places}}}){re.escape(unit)}", re.ASCII)

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        match = pattern.fullmatch(text)
        if match is None or stamp is not None:
            return REFUSED
        number = float(f"{match[1]}.{match[2]}")
        return number if at_least <= number <= most else REFUSED

    return decode


def text(width: int, *, drop: str = "") -> Codec:
    """Read up to `width` printable characters, trimmed at the ends; inner spaces stay.

    Shorter than `width` is still text: middleware takes spaces away. `drop` lists padding characters to remove.
    """

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        if len(text) > width or stamp is not None:
            return REFUSED
        return text.translate(str.maketrans("", "", drop)).strip(" ") or SILENT

    return decode


def matching(pattern: str) -> Codec:
    """Read a text of the given form, as it stands."""
    compiled = re.compile(pattern, re.ASCII)
    return lambda text, stamp: text if stamp is None and compiled.fullmatch(text) else REFUSED


def choice(meanings: Mapping[str, Value | Verdict]) -> Codec:
    """Read one of a closed list of codes; spaces around a code are padding (`PM ` on some models)."""

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        return meanings.get(text.strip(" "), REFUSED) if stamp is None else REFUSED

    return decode


def formed(pattern: str, codec: Codec) -> Codec:
    """Read by `codec` what has the given form."""
    compiled = re.compile(pattern, re.ASCII)
    return lambda text, stamp: codec(text, stamp) if stamp is None and compiled.fullmatch(text) else REFUSED


def codes(*known: str) -> Codec:
    """Read one of a closed list of codes, each meaning itself."""
    return choice({code: code for code in known})


def implies(codec: Codec, value: Value) -> Codec:
    """Answer `value` where `codec` accepts: for a label whose presence tells something beside its own value."""
    return lambda text, stamp: REFUSED if codec(text, stamp) is REFUSED else value


def present(codec: Codec) -> Codec:
    """Answer true where `codec` accepts: for a label whose presence is what it says."""
    return implies(codec, value=True)


def constant(value: Value | Verdict) -> Codec:
    """Answer `value` whatever the group says: for a label whose presence tells something else than its own value."""
    return lambda _text, _stamp: value


def listed(codec: Codec) -> Codec:
    """Answer with a list of one: for a label that names one of several."""

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        value = codec(text, stamp)
        return (value,) if isinstance(value, str) else value

    return decode


def silent(codec: Codec) -> Codec:
    """Check the form and publish nothing."""
    return lambda text, stamp: REFUSED if codec(text, stamp) is REFUSED else SILENT


def first_of(*codecs: Codec) -> Codec:
    """Answer with the first codec that does not refuse."""

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        return next((value for codec in codecs if (value := codec(text, stamp)) is not REFUSED), REFUSED)

    return decode


def item(number: int, codec: Codec, *, of: tuple[int, ...]) -> Codec:
    """Read element `number` (from 1) of a value made of elements joined by `:`; `of` lists the legal counts."""

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        elements = text.split(":")
        if len(elements) not in of or stamp is not None:
            return REFUSED
        return SILENT if number > len(elements) else codec(elements[number - 1], None)

    return decode


def flagged(unit: str, scale: int = 1, *, flags: str = "HCM", most: int = 32767, at_least: int = 0) -> Codec:
    """Read a demand point; one marked clock set (`H.`), outage (`C.`), control (`M.`) or truncated (`T`) is silent.

    A marked point does not cover its interval, so it is no demand (NOI-CPT_02E 2.7, 2.9).
    """
    plain = integer(unit, scale, most=most, at_least=at_least)
    marked = matching(rf"-?\d{{1,5}}(?:[{flags}]\.|T)+{re.escape(unit)}")
    return first_of(plain, silent(marked))


DateForm = Callable[[str], LocalTime | None]
"""A way to write dates; None: the text is not written so, or there is no such date."""


_SECONDS = {f"{second:02}": second for second in range(60)}


def _date_form(pattern: str) -> DateForm:
    """Read dates by a pattern with the groups y, mo, d, h, mi and perhaps season, behind which the seconds follow.

    Minutes are remembered, and the last date, which is asked by each row of its label.
    """
    compiled = re.compile(pattern, re.ASCII)
    has_season = "season" in compiled.groupindex

    @lru_cache(maxsize=64)
    def minute(text: str) -> LocalTime | None:
        match = compiled.fullmatch(text)
        if match is None:
            return None
        year, month, day, hour, minute = map(int, match.group("y", "mo", "d", "h", "mi"))
        try:
            naive = datetime(2000 + year, month, day, hour, minute)  # noqa: DTZ001 - legal time, of a zone unknown
        except ValueError:
            return None
        return LocalTime(naive, match["season"] if has_season else "")

    last: tuple[str, LocalTime | None] = "", None

    def read(text: str) -> LocalTime | None:
        nonlocal last
        known, time = last
        if text == known:
            return time
        begun, second = minute(text[:-2]), _SECONDS.get(text[-2:])
        time = None if begun is None or second is None else _new(LocalTime, (begun[0], begun[1], second))
        last = text, time
        return time

    return read


_TWO = r"\d\d"
_DAY = rf"(?P<d>{_TWO})/(?P<mo>{_TWO})/(?P<y>{_TWO})"
_FIGURES = rf"(?P<y>{_TWO})(?P<mo>{_TWO})(?P<d>{_TWO})(?P<h>{_TWO})(?P<mi>{_TWO})"
COLONS = _date_form(rf"{_DAY} (?P<h>{_TWO}):(?P<mi>{_TWO}):")
"""`JJ/MM/AA HH:MM:SS` of PME-PMI."""
SLASHES = _date_form(rf"{_DAY} (?P<h>{_TWO})/(?P<mi>{_TWO})/")
"""`JJ/MM/AA HH/MM/SS` of ICE and SAPHIR."""
SEASON = _date_form(rf"(?P<season>[HEhe]){_FIGURES}")
"""`SAAMMJJhhmmss` of Linky (NOI-CPT_54E 6.2.1.1)."""
SEASONLESS = _date_form(rf"(?P<season>[HEhe ]){_FIGURES}")
"""The same for mobile peaks, which carry a space for the season."""


@dataclass(frozen=True, slots=True)
class Date:
    """Reads a date that stands as the value."""

    form: DateForm

    def __call__(self, text: str, stamp: str | None) -> Value | Verdict:
        return (self.form(text) if stamp is None else None) or REFUSED


@dataclass(frozen=True, slots=True)
class Stamp:
    """Reads the timestamp of a timestamped group whose value `codec` accepts."""

    codec: Codec
    form: DateForm

    def __call__(self, text: str, stamp: str | None) -> Value | Verdict:
        if stamp is None or self.codec(text, None) is REFUSED:
            return REFUSED
        return self.form(stamp) or REFUSED


def date(form: DateForm) -> Date:
    """Give the row's form of `Date`."""
    return Date(form)


def stamp(codec: Codec, form: DateForm = SEASON) -> Stamp:
    """Give the row's form of `Stamp`, with its default."""
    return Stamp(codec, form)


def stamped(codec: Codec) -> Codec:
    """Read the value of a timestamped group whose timestamp exists."""

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        return codec(text, None) if stamp is not None and SEASON(stamp) else REFUSED

    return decode


def empty(text: str, _stamp: str | None) -> Value | Verdict:
    """Read the empty value of DATE, whose timestamp is what it says."""
    return REFUSED if text else ""


def degraded(text: str, stamp: str | None) -> Value | Verdict:
    """Read the season letter of DATE: lower case says that the clock is degraded (NOI-CPT_54E 6.2.1.1)."""
    when = SEASON(stamp or "")
    if when is None or text:
        return REFUSED
    return True if when.season.islower() else SILENT


# --- the status register of Linky standard, NOI-CPT_54E 6.2.3.14 ---------------------------------------------------

_WORD = re.compile(r"[0-9A-F]{8}")


def _status_word(text: str, stamp: str | None) -> int | None:
    """Read STGE; None where a field has a value that no table gives. Unused bits may mean something one day."""
    if stamp is not None or not _WORD.fullmatch(text):
        return None
    word = int(text, 16)
    disconnector, tariff, euridis, plc = word >> 1 & 7, word >> 10 & 15, word >> 19 & 3, word >> 21 & 3
    return None if disconnector == 7 or tariff > 9 or euridis == 2 or plc == 3 else word


def bits(low: int, high: int, meanings: Mapping[int, Value | Verdict]) -> Codec:
    """Read bits `low` to `high` of STGE; a value without a meaning is silent."""
    mask = (1 << (high - low + 1)) - 1

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        word = _status_word(text, stamp)
        return REFUSED if word is None else meanings.get(word >> low & mask, SILENT)

    return decode


def bit(number: int, *, inverted: bool = False) -> Codec:
    """Read one bit of STGE as true or false."""
    return bits(number, number, {0: inverted, 1: not inverted})


def tempo_color(low: int, colors: Mapping[int, Value]) -> Codec:
    """Read a colour of STGE; silent unless today or tomorrow has one, since only then is the contract Tempo."""

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        word = _status_word(text, stamp)
        if word is None:
            return REFUSED
        return colors[word >> low & 3] if word >> 24 & 15 else SILENT

    return decode


def byte_bit(number: int) -> Codec:
    """Read bit `number` (from 0) of a byte written in three decimal digits (RELAIS, NOI-CPT_54E 6.2.3.13)."""
    byte = integer(width=3, most=255)

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        value = byte(text, stamp)
        return bool(value >> number & 1) if isinstance(value, int) else REFUSED

    return decode


def hex_bit(number: int) -> Codec:
    """Read bit `number` (from 0) of two hexadecimal digits (PPOT, NOI-CPT_02E 2.5)."""

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        if stamp is not None or not re.fullmatch("[0-9A-F]{2}", text):
            return REFUSED
        return bool(int(text, 16) >> number & 1)

    return decode


# --- the profile of the next day, NOI-CPT_54E 6.2.3.16 -------------------------------------------------------------

_SLOT = "(?:[0-9A-F]{8}|NONUTILE)"
_PROFILE = re.compile(rf"{_SLOT}(?: {_SLOT}){{10}}")


def profile_start(slot: int) -> Codec:
    """Read when period `slot` (from 1) of PJOURF+1 begins, in seconds after midnight, placed in its tariff period.

    Hours and minutes are decimal on some meters and hexadecimal on others, and nothing says which [observed both ways].
    A letter proves hexadecimal; a pair whose hexadecimal value is no time of day proves decimal; one proof settles the
    whole profile. Without any it is silent, unless all its times read alike both ways.
    """

    def decode(text: str, stamp: str | None) -> Value | Verdict:
        if stamp is not None or not _PROFILE.fullmatch(text):
            return REFUSED
        slots = text.split(" ")
        times = [entry[:4] for entry in slots if entry != "NONUTILE"]
        readings = [_times(times, base) for base in (10, 16)]
        possible = [reading for reading in readings if reading is not None]
        if not possible:
            return REFUSED
        entry = slots[slot - 1]
        if entry == "NONUTILE" or any(reading != possible[0] for reading in possible):
            return SILENT
        index = int(entry[4:], 16) & 15
        if not 1 <= index <= 10:
            return SILENT  # 0 and 11 to 15: no change of tariff
        return Placed(float(possible[0][entry[:4]]), (("tariff_period", f"{index:02}"),))

    return decode


def _times(times: list[str], base: int) -> dict[str, int] | None:
    """Read every HHMM in one base, in seconds; None if one of them is no time of day."""
    seconds = {}
    for time in times:
        try:
            hours, minutes = int(time[:2], base), int(time[2:], base)
        except ValueError:
            return None
        if hours > 23 or minutes > 59:
            return None
        seconds[time] = hours * 3600 + minutes * 60
    return seconds
