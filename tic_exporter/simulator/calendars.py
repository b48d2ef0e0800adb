"""Legal time, the days that are drawn (Tempo colours, EJP), and the tariff period that each calendar puts an hour in.

Off-peak hours are 22:00 to 06:00, winter lasts from November to March. Real meters
carry timetables of their own; nothing in a frame depends on which.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from random import Random

NOTICE = timedelta(minutes=30)
"""Between the notice of a mobile peak and its start (NOI-CPT_02E 2.3, PEJP)."""

_DAY = timedelta(days=1)
_TEMPO_START = timedelta(hours=6)
_EJP_END = timedelta(hours=1)


@cache
def _last_sunday(year: int, month: int) -> datetime:
    """Find 01:00 UTC of the last Sunday of March or October, when summer time starts or ends."""
    end = datetime(year, month, 31, 1)
    return end - timedelta(days=(end.weekday() + 1) % 7)


def is_summer(utc: datetime) -> bool:
    """Tell whether summer time holds in France."""
    return _last_sunday(utc.year, 3) <= utc < _last_sunday(utc.year, 10)


def to_local(utc: datetime) -> datetime:
    return utc + timedelta(hours=2 if is_summer(utc) else 1)


def to_utc(local: datetime) -> datetime:
    """Take the first of the two instants that the repeated hour of autumn names."""
    utc = local - timedelta(hours=2)
    return utc if is_summer(utc) else utc + timedelta(hours=1)


class Days:
    """The colour of each day, and whether it is an EJP peak day: about as many of each as the contracts allow.

    Red and peak days fall from November to March, red ones never on a weekend; Sundays are blue.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._drawn: dict[date, float] = {}
        self._announced: dict[date, str] = {}

    def announce(self, day: date, color: str) -> None:
        """Fix a day's colour, known from now on; a red day is a peak day too."""
        self._announced[day] = color

    def is_announced(self, day: date) -> bool:
        return day in self._announced

    def color(self, day: date) -> str:
        if day in self._announced:
            return self._announced[day]
        draw, winter = self._draw(day), day.month in _WINTER
        if winter and day.weekday() < 5 and draw < 0.2:
            return "red"
        return "white" if day.weekday() < 6 and day.month not in _WARM and draw > 0.78 else "blue"

    def is_peak(self, day: date) -> bool:
        if day in self._announced:
            return self._announced[day] == "red"
        return day.month in _WINTER and self._draw(day) < 0.15

    def _draw(self, day: date) -> float:
        if day not in self._drawn:
            self._drawn[day] = Random(f"{self._seed} {day.toordinal()}").random()
        return self._drawn[day]


_WINTER = frozenset({11, 12, 1, 2, 3})
_COLD = frozenset({12, 1, 2})
_MIDDLE = frozenset({11, 3})
_WARM = frozenset({6, 7, 8})
_HOLIDAYS = frozenset({7, 8})


def tempo_day(when: datetime) -> date:
    """Tell which Tempo day an instant belongs to: they run from 06:00 to 06:00."""
    return (when - _TEMPO_START).date()


def next_color(when: datetime, days: Days) -> str:
    """Give tomorrow's colour, or "unknown" until 20:00 unless it has been announced."""
    tomorrow = tempo_day(when) + _DAY
    return days.color(tomorrow) if when.hour >= 20 or when.hour < 6 or days.is_announced(tomorrow) else "unknown"


def ejp_day(when: datetime) -> date:
    """Tell the day whose peak, if it has one, may still run or come: 07:00 to 01:00 the next day."""
    return (when - _EJP_END).date()


def is_ejp_peak(when: datetime, days: Days) -> bool:
    return not 1 <= when.hour < 7 and days.is_peak(ejp_day(when))


def _is_off_peak(when: datetime) -> bool:
    return not 6 <= when.hour < 22


def _hours(when: datetime) -> str:
    return "HC" if _is_off_peak(when) else "HP"


def _always(_when: datetime, _days: Days) -> str:
    return "TH"


def _two(when: datetime, _days: Days) -> str:
    return _hours(when)


def _week_end(when: datetime, _days: Days) -> str:
    return "WE" if when.weekday() >= 5 else _hours(when)


def _ejp(when: datetime, days: Days) -> str:
    return "PM" if is_ejp_peak(when, days) else "HN"


def _tempo(when: datetime, days: Days) -> str:
    return f"{_hours(when)}J{_COLORS[days.color(tempo_day(when))]}"


def _distributor(when: datetime, _days: Days) -> str:
    """Four classes: 01 and 02 off-peak and peak of the low season, 03 and 04 of the high one."""
    return (
        ("03" if when.month in _WINTER else "01") if _is_off_peak(when) else ("04" if when.month in _WINTER else "02")
    )


def _four(when: datetime, _days: Days) -> str:
    return _hours(when) + ("H" if when.month in _WINTER else "E")


def _five(when: datetime, days: Days) -> str:
    return "P" if _is_fixed_peak(when) else _four(when, days)


def _eight(when: datetime, _days: Days) -> str:
    if when.month in _HOLIDAYS:
        return "JA"
    if _is_fixed_peak(when):
        return "P"
    return _hours(when) + ("H" if when.month in _COLD else "D" if when.month in _MIDDLE else "E")


def _three(when: datetime, _days: Days) -> str:
    return "P" if _is_fixed_peak(when) else _hours(when)


def _is_fixed_peak(when: datetime) -> bool:
    return when.month in _COLD and when.weekday() < 6 and when.hour in {9, 10, 18, 19}


def _seasonal_ejp(when: datetime, days: Days) -> str:
    if when.month not in _WINTER:
        return _hours(when) + "E"
    return "PM" if is_ejp_peak(when, days) else "HH"


def _seasonal_ejp_eight(when: datetime, days: Days) -> str:
    if when.month in _HOLIDAYS:
        return "JA"
    period = _seasonal_ejp(when, days)
    return "HD" if period == "HH" and when.month in _MIDDLE else period


def _modulable(when: datetime, days: Days) -> str:
    """Weeks of mobile winter and mid-season, drawn by their Monday."""
    if when.month not in _WINTER:
        return "SCM"
    if is_ejp_peak(when, days):
        return "PM"
    monday = when.date() - timedelta(days=when.weekday())
    return "HM" if days.color(monday) != "blue" else "DSM"


_COLORS = {"blue": "B", "white": "W", "red": "R"}


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods in the order in which the families list their registers, and the one of an instant."""

    periods: tuple[str, ...]
    period: Callable[[datetime, Days], str]


@dataclass(frozen=True, slots=True)
class Contract:
    """What a meter is programmed with.

    Args:
        name: as the family calls it.
        calendar: the supplier's (PME-PMI: calendar 1; SAPHIR: grid D).
        second: the distributor's (PME-PMI: calendar 2; SAPHIR: grid F; ICE-4Q: injection).
        second_name: what the family calls the second calendar, where it has another name.
        is_active_power: the subscribed power is in kW, not in kVA.
    """

    name: str
    calendar: Calendar
    second: Calendar
    is_active_power: bool = False
    second_name: str = ""


BASE = Calendar(("TH",), _always)
HC = Calendar(("HC", "HP"), _two)
WEEK_END = Calendar(("HC", "HP", "WE"), _week_end)
EJP = Calendar(("HN", "PM"), _ejp)
TEMPO = Calendar(("HCJB", "HPJB", "HCJW", "HPJW", "HCJR", "HPJR"), _tempo)
DISTRIBUTOR = Calendar(("01", "02", "03", "04"), _distributor)
FOUR = Calendar(("HPH", "HCH", "HPE", "HCE"), _four)
FIVE = Calendar(("P", "HPH", "HCH", "HPE", "HCE"), _five)
EIGHT = Calendar(("P", "HPH", "HPD", "HCH", "HCD", "HPE", "HCE", "JA"), _eight)
THREE = Calendar(("P", "HP", "HC"), _three)
SEASONAL_EJP = Calendar(("PM", "HH", "HPE", "HCE"), _seasonal_ejp)
SEASONAL_EJP_EIGHT = Calendar(("PM", "HH", "HD", "HPE", "HCE", "JA"), _seasonal_ejp_eight)
MODULABLE = Calendar(("PM", "HM", "DSM", "SCM"), _modulable)


def _table(*rows: Contract) -> Mapping[str, Contract]:
    return {row.name: row for row in rows}


BLEU = _table(
    Contract("BASE", BASE, DISTRIBUTOR),
    Contract("HC", HC, DISTRIBUTOR),
    Contract("EJP", EJP, DISTRIBUTOR),
    Contract("TEMPO", TEMPO, DISTRIBUTOR),
)
LINKY = {**BLEU, "WEEKEND": Contract("WEEKEND", WEEK_END, DISTRIBUTOR)}
"""WEEKEND stands for the offers that mode historique cannot say."""
CONCENTRATOR = {name: row for name, row in BLEU.items() if name != "TEMPO"}

PMEPMI = _table(
    *(Contract(name, FOUR, FOUR) for name in ("BT 4 SUP36", "TJ MU")),
    *(Contract(name, FIVE, FOUR) for name in ("BT 5 SUP36", "TJ LU")),
    *(Contract(name, FIVE, FOUR, second_name="TJ LU") for name in ("TJ LU-SD", "TJ LU-P", "TJ LU-PH", "TJ LU-CH")),
    *(Contract(name, SEASONAL_EJP, SEASONAL_EJP) for name in ("TJ EJP", "TJ EJP-SD", "TJ EJP-PM", "TJ EJP-HH")),
    *(Contract(name, FIVE, THREE, is_active_power=True) for name in ("TV A5 BASE", "HTA 5")),
    *(Contract(name, EIGHT, THREE, is_active_power=True) for name in ("TV A8 BASE", "HTA 8")),
)
"""NOI-CPT_02E 2.9, MESURES1."""

ICE = _table(
    Contract("BASE_A5", FIVE, FIVE, is_active_power=True),
    Contract("BASE_A8", EIGHT, FIVE, is_active_power=True),
    Contract("EJP_A5", SEASONAL_EJP, FIVE, is_active_power=True),
    Contract("EJP_A8", SEASONAL_EJP_EIGHT, FIVE, is_active_power=True),
    Contract("MOD", MODULABLE, FIVE, is_active_power=True),
)
CJE = _table(Contract("BASE", FIVE, FIVE), Contract("EJP", SEASONAL_EJP, FIVE))
SAPHIR = _table(
    Contract("HTA 5", FIVE, FOUR, is_active_power=True),
    Contract("HTA 8", EIGHT, FIVE, is_active_power=True),
)
