"""Legal time of a zone to Unix time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from tic_exporter.legal_time import LegalTime
from tic_exporter.tic.codecs import LocalTime

PARIS = LegalTime(ZoneInfo("Europe/Paris"))


def local(text: str, season: str = "") -> LocalTime:
    return LocalTime.of(datetime.fromisoformat(text), season)


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("season", "written", "meant"),
    [
        ("H", "2026-01-14 12:00:00", "2026-01-14 11:00:00"),
        ("E", "2026-07-14 12:00:00", "2026-07-14 10:00:00"),
        ("h", "2026-01-14 12:00:00", "2026-01-14 11:00:00"),
        ("e", "2026-07-14 12:00:00", "2026-07-14 10:00:00"),
        # 29 March 2026: 02:00 becomes 03:00.
        ("H", "2026-03-29 01:59:59", "2026-03-29 00:59:59"),
        ("E", "2026-03-29 03:00:00", "2026-03-29 01:00:00"),
        # 25 October 2026: 03:00 becomes 02:00; the hour from 02:00 comes twice.
        ("E", "2026-10-25 02:30:00", "2026-10-25 00:30:00"),
        ("H", "2026-10-25 02:30:00", "2026-10-25 01:30:00"),
        ("e", "2026-10-25 02:59:59", "2026-10-25 00:59:59"),
        ("h", "2026-10-25 02:00:00", "2026-10-25 01:00:00"),
    ],
)
def test_the_season_letter_says_which_time_holds(season: str, written: str, meant: str) -> None:
    assert utc(meant) == PARIS.to_unix(local(written, season))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-14 12:00:00", "2026-01-14 11:00:00"),
        ("2026-07-14 12:00:00", "2026-07-14 10:00:00"),
        ("2026-03-29 01:59:59", "2026-03-29 00:59:59"),
        ("2026-03-29 03:00:00", "2026-03-29 01:00:00"),
        ("2026-10-25 01:59:59", "2026-10-24 23:59:59"),
        ("2026-10-25 02:30:00", "2026-10-25 00:30:00"),  # the first of the two
        ("2026-10-25 03:00:00", "2026-10-25 02:00:00"),
    ],
)
def test_without_a_season_letter_the_zone_says_it_and_the_first_of_two_hours_is_meant(written: str, meant: str) -> None:
    assert utc(meant) == PARIS.to_unix(local(written))


def test_the_night_of_the_change_in_autumn_passes_second_by_second_with_season_letters() -> None:
    begin = datetime(2026, 10, 25, 1, 30)  # noqa: DTZ001 - legal time
    written = [LocalTime.of(begin + timedelta(minutes=minute), "E") for minute in range(90)]
    written += [LocalTime.of(begin + timedelta(minutes=minute), "H") for minute in range(30, 120)]
    instants = [PARIS.to_unix(time) for time in written]
    assert [instants[0] + 60 * number for number in range(180)] == instants


@pytest.mark.parametrize("season", ["", "H", "E", "h", "e"])
@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=4)), ZoneInfo("Indian/Reunion"), ZoneInfo("America/Martinique")]
)
def test_a_zone_without_summer_time_has_one_answer(zone: ZoneInfo, season: str) -> None:
    for month in (1, 7):
        naive = datetime(2026, month, 14, 12)  # noqa: DTZ001 - legal time
        assert naive.replace(tzinfo=zone).timestamp() == LegalTime(zone).to_unix(LocalTime.of(naive, season))
