"""Tariffs, clocks, windows and registers of the simulated site."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

import pytest
from simulated import meter, over, values

from tic_exporter.simulator import KINDS, DynamicPeriod, Events, SimulatedMeter
from tic_exporter.simulator.calendars import Days, is_summer, to_local, to_utc

DAY = 86_400


def _changes(kind: str, label: str, start: str, contract: str, hours: int = 24) -> list[tuple[str, str]]:
    """When, and to what, the value of a label changes, seen every quarter of an hour."""
    simulated = meter(kind, start, contract=contract)
    seen = values(simulated)[label]
    changes = []
    for _ in range(hours * 4):
        before = simulated.now
        simulated.advance(900 - simulated.line_time)
        if (now := values(simulated)[label]) != seen:
            assert timedelta(0) < simulated.now - before <= timedelta(seconds=900)
            changes.append((simulated.now.strftime("%H:%M"), now))
            seen = now
    return changes


def test_off_peak_lasts_from_22_to_6() -> None:
    assert [("06:00", "HP.."), ("22:00", "HC..")] == _changes("cbemm", "PTEC", "2024-05-14T00:00:00", "HC")
    assert [("06:00", "02"), ("22:00", "01")] == _changes("linky-standard", "NTARF", "2024-05-14T00:00:00", "HC")


def test_seasons_of_the_industrial_families() -> None:
    assert ["HCH", "HPH", "HCH"] == [
        values(meter("pme-pmi", start))["PTCOUR1"]
        for start in ("2024-01-17T03:00:00", "2024-01-17T13:00:00", "2024-01-17T23:00:00")
    ]
    assert "HPE" == values(meter("pme-pmi", "2024-07-03T12:00:00"))["PTCOUR1"]
    assert "JA" == values(meter("ice-2q", "2024-07-03T12:00:00", contract="BASE_A8"))["PTCOUR"]
    assert "P" == values(meter("ice-2q", "2024-01-17T09:30:00", contract="BASE_A5"))["PTCOUR"]
    assert "P  " == values(meter("saphir-historic", "2024-01-17T18:30:00"))["PTCOURD"]
    assert "23" == values(meter("cje", "2024-01-17T18:30:00"))["JAUNE"].split(":")[4]


def test_a_tempo_day_lasts_from_6_to_6_and_tomorrow_is_known_from_20() -> None:
    simulated = meter("linky-historic", "2024-01-15T06:00:00", contract="TEMPO")
    days = simulated.site.days
    colors = {"blue": "BLEU", "white": "BLAN", "red": "ROUG"}
    letters = {"blue": "B", "white": "W", "red": "R"}
    for at, row in _by_hour(simulated, 72).items():
        day = (at - timedelta(hours=6)).date()
        assert row["PTEC"].endswith(f"J{letters[days.color(day)]}")
        is_known = at.hour >= 20 or at.hour < 6
        assert row["DEMAIN"] == (colors[days.color(day + timedelta(days=1))] if is_known else "----")


@pytest.mark.parametrize("kind", ["linky-historic", "pme-pmi", "ice-2q", "cje", "saphir-standard"])
def test_every_hour_of_the_year_has_a_period_and_every_period_has_hours(kind: str) -> None:
    days = Days(7)
    year = [datetime.fromisoformat("2024-01-01") + timedelta(hours=number) for number in range(366 * 24)]
    for contract in KINDS[kind].contracts.values():
        for calendar in (contract.calendar, contract.second):
            assert set(calendar.periods) == {calendar.period(hour, days) for hour in year}


def test_colors_are_about_as_many_as_the_contract_allows() -> None:
    days = Days(7)
    year = [date(2024, 9, 1) + timedelta(days=number) for number in range(365)]
    colors = [days.color(day) for day in year]
    assert 12 <= colors.count("red") <= 34
    assert 25 <= colors.count("white") <= 65
    assert all(day.weekday() < 5 for day, color in zip(year, colors, strict=True) if color == "red")
    assert 12 <= sum(days.is_peak(day) for day in year) <= 34


@pytest.mark.parametrize(("kind", "during"), [("cbemm", "30"), ("linky-historic", None)])
def test_an_ejp_peak_lasts_from_7_to_1_and_is_announced_half_an_hour_before(kind: str, during: str | None) -> None:
    simulated = meter(kind, "2024-01-15T20:00:00", contract="EJP")
    simulated.color_tomorrow = "red"
    simulated.site.days.announce(simulated.now.date() + timedelta(days=2), "blue")
    seen = {}
    for at, row in _by_hour(simulated, 30, minutes=15).items():
        seen[at.strftime("%d %H:%M")] = (row["PTEC"], row.get("PEJP"))
    assert ("HN..", None) == seen["16 06:15"]
    assert ("HN..", "30") == seen["16 06:30"]
    assert ("PM..", during) == seen["16 07:00"]
    assert ("PM..", during) == seen["17 00:45"]
    assert ("HN..", None) == seen["17 01:00"]


def _by_hour(simulated: SimulatedMeter, hours: int, minutes: int = 60) -> dict[datetime, dict[str, str]]:
    """The values of the frames at the full hours (or every so many minutes), by legal time."""
    rows = {}
    for _ in range(hours * 60 // minutes):
        row = values(simulated)
        rows[simulated.now.replace(microsecond=0)] = row
        simulated.advance(minutes * 60 - simulated.line_time)
    return rows


def test_tomorrow_red_shows_in_every_place_of_linky_standard() -> None:
    simulated = meter("linky-standard", "2024-01-16T12:00:00", contract="TEMPO")
    simulated.site.days.announce(simulated.now.date(), "blue")
    simulated.color_tomorrow = "red"
    before = values(simulated)
    status = int(before["STGE"], 16)
    assert (1, 3, 2, 0) == tuple(status >> bit & 3 for bit in (24, 26, 28, 30))
    assert "DPM2" in before
    assert {group.label: group.timestamp for group in simulated.groups}["DPM2"] == " 240117060000"
    assert {group.label: group.timestamp for group in simulated.groups}["FPM2"] == " 240118060000"
    assert before["PPOINTE"].startswith("00004005 06004006 ")
    simulated.advance(20 * 3600)
    simulated.site.days.announce(simulated.now.date() + timedelta(days=1), "blue")
    during = values(simulated)
    status = int(during["STGE"], 16)
    assert (3, 1, 0, 2) == tuple(status >> bit & 3 for bit in (24, 26, 28, 30))
    assert ("06", "    HP  ROUGE   ") == (during["NTARF"], during["LTARF"])
    assert "PPOINTE" not in during


def test_status_contact_and_relay_agree() -> None:
    for row in over(meter("linky-standard", contract="HC"), DAY, 3600):
        status = int(row["STGE"], 16)
        assert (status & 1) == (row["RELAIS"] == "000") == (row["NTARF"] == "02")
        assert (status >> 10 & 15) + 1 == int(row["NTARF"])
        assert status >> 17 & 1


def test_interval_energy_restarts_every_ten_minutes_and_is_the_next_point() -> None:
    simulated = meter("pme-pmi", "2024-01-17T10:00:00")
    previous, tops = values(simulated), 0
    for row in over(simulated, 3640, 20):
        energy, before = int(row["EA_s"].removesuffix("Wh")), int(previous["EA_s"].removesuffix("Wh"))
        if row["DATEPA1"] != previous["DATEPA1"]:
            tops += 1
            assert energy < before
            assert row["DATE"][:-4] == row["DATEPA1"][:-4]
            assert abs(int(row["PA1_s"].removesuffix("kW")) - before * 6 / 1000) < 2  # 20 s of it were not seen
            assert row["PA2_s"] == previous["PA1_s"]
        else:
            assert energy >= before
        previous = row
    assert tops == 6


def test_points_of_linky_shift_every_half_hour() -> None:
    rows = over(meter("linky-standard", "2024-01-17T10:05:00"), 3600, 600)
    assert [row["CCASN-1"] for row in rows[3:]] == [rows[0]["CCASN"]] * 3


def test_maxima_restart_at_midnight() -> None:
    simulated = meter("linky-standard-producer", "2024-07-03T23:50:00")
    before = values(simulated)
    simulated.advance(900)
    after = values(simulated)
    assert after["SMAXSN-1"] >= before["SMAXSN"]
    assert int(after["SMAXSN"]) < int(after["SMAXSN-1"])
    stamps = {group.label: group.timestamp for group in simulated.groups}
    assert ("00000", "E240704000000") == (after["SMAXIN"], stamps["SMAXIN"])
    assert stamps["SMAXSN-1"] is not None
    assert stamps["SMAXSN-1"].startswith("E240703")


def test_a_billing_period_ends_with_the_month() -> None:
    simulated = meter("pme-pmi", "2024-02-29T23:58:00")
    before = values(simulated)
    simulated.advance(180)
    after = values(simulated)
    assert ("01/02/24 00:00:00", "01/03/24 00:00:00") == (before["DebP"], after["DebP"])
    assert after["DebP-1"] == before["DebP"]
    assert after["FinP-1"] == after["DebP"]
    assert after["EAP-1_s"] in {before["EAP_s"], after["EAP_s"]}
    assert after["PMAX_s"] == "0kVA"


def test_the_clock_changes_to_summer_time_and_back() -> None:
    def dates(start: str) -> list[str | None]:
        simulated = meter("linky-standard", start)
        stamps = []
        for _ in range(3):
            simulated.next_frame()
            stamps.append(simulated.groups[2].timestamp)
            simulated.advance(1800 - simulated.line_time)
        return stamps

    assert ["H240331013000", "E240331030000", "E240331033000"] == dates("2024-03-31T01:30:00")
    assert ["E241027023000", "H241027020000", "H241027023000"] == dates("2024-10-27T02:30:00")
    summer = datetime.fromisoformat("2024-07-01T12:00:00")
    assert is_summer(to_utc(summer))
    assert summer == to_local(to_utc(summer))


def test_the_cyclic_series_of_ice_take_a_minute_each() -> None:
    simulated = meter("ice-2q", "2024-01-17T10:00:01", contract="BASE_A5")
    series = []
    for _ in range(5):
        row = values(simulated)
        series.append([label for label in ("ERPpP", "ERNpP", "EAp1P", "ERPp1P", "ERNp1P", "DEBUTp1") if label in row])
        simulated.advance(60 - simulated.line_time)
    assert [["ERPpP"], ["ERNpP"], ["EAp1P", "DEBUTp1"], ["ERPp1P", "DEBUTp1"], ["ERNp1P", "DEBUTp1"]] == series


def test_saphir_sends_one_long_frame_in_ten_beginning_with_it() -> None:
    simulated = meter("saphir-standard")
    kinds = [values(simulated)["LG_TRM"] for _ in range(21)]
    assert (["TRM_LONGUE"] + ["TRM_COURTE"] * 9) * 2 + ["TRM_LONGUE"] == kinds


def test_a_meter_of_palier_2010_knows_of_no_dynamic_period() -> None:
    start = datetime(2024, 1, 17, 5)  # noqa: DTZ001
    events = Events(dynamic=(DynamicPeriod(start, start + timedelta(hours=1), "xxx"),))
    usual, told = meter("pme-pmi-2010", start.isoformat()), meter("pme-pmi-2010", start.isoformat(), events=events)
    for row, expected in zip(over(told, 1800, 600), over(usual, 1800, 600), strict=True):
        assert expected == row
    assert "INACTIF" == values(told)["TARIFDYN"]


def test_a_dynamic_period_has_its_notice_its_dates_and_registers_of_its_own() -> None:
    start = datetime.fromisoformat("2024-01-17T10:00:00")
    events = Events(dynamic=(DynamicPeriod(start, start + timedelta(hours=1), "xxx"),))
    simulated = meter("pme-pmi", "2024-01-17T09:40:00", events=events)
    before = values(simulated)
    assert ("INACTIF", "000", "TD-xxx") == (before["TARIFDYN"], before["ETATDYN1"], before["PREAVIS1"])
    assert "17/01/24 10:00:00-xxx" == before["TDYN1FD"]
    simulated.advance(1800)
    during = values(simulated)
    assert ("ACTIF", "xxx") == (during["TARIFDYN"], during["ETATDYN1"])
    assert "17/01/24 11:00:00-xxx" == during["TDYN1CF"]
    assert "PREAVIS1" not in during
    assert during["PTCOUR1"] == before["PTCOUR1"]
    assert simulated.registers()["active_import"][f"{during['PTCOUR1']}-xxx"] > 0


def test_a_frame_costs_little_enough_for_a_thousand_meters_at_once() -> None:
    simulated = meter("linky-standard-three-phase-producer")
    costs = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(100):
            simulated.next_frame()
        costs.append((time.process_time() - start) / 100)
    assert min(costs) < 0.002  # 0.2 ms without coverage


def test_kinds_are_a_table_that_nobody_changes() -> None:
    with pytest.raises(TypeError):
        KINDS["x"] = KINDS["cje"]  # type: ignore[index]
