"""What the frames of one meter say together, and what outlives them."""

from __future__ import annotations

from datetime import datetime

import pytest

from helpers.feeding import PARIS, START, Fed
from helpers.lines import LINKY_HISTORIC, LINKY_STANDARD, PME_PMI, frame
from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.simulator import SimulatedMeter
from tic_exporter.tic import quantities as q

KWH = 3.6e6


def historic(*changes: str, **more: tuple[str, ...]) -> bytes:
    return frame(LINKY_HISTORIC, *changes, **more)


def standard(*changes: str, **more: tuple[str, ...]) -> bytes:
    return frame(LINKY_STANDARD, *changes, **more)


def shop(*changes: str, **more: tuple[str, ...]) -> bytes:
    return frame(PME_PMI, *changes, **more)


def base(wh: int) -> bytes:
    return historic(f"BASE {wh:09}")


def fed(*frames: bytes, seconds: float = 2.0) -> Fed:
    return Fed(seconds=seconds).say(*frames)


# Registers


def test_a_register_of_a_confirmed_meter_needs_two_frames_for_its_first_value() -> None:
    meter = fed(historic(), historic(), historic())
    with_two = tuple(line for line in LINKY_HISTORIC if not line.startswith("BASE"))
    both = ("HCHC 000500000", "HCHP 000700000")
    off_peak = frame([*with_two[:3], *both, *with_two[3:]], "OPTARIF HC..", "PTEC HP..")
    meter.say(off_peak)
    assert {} == meter.all_of(q.ACTIVE_ENERGY_IMPORT) or {("TH",)} == set(meter.all_of(q.ACTIVE_ENERGY_IMPORT))
    meter.say(off_peak)
    assert {("HC",): 500 * KWH, ("HP",): 700 * KWH} == meter.all_of(q.ACTIVE_ENERGY_IMPORT)


@pytest.mark.parametrize(
    ("wrong", "reason"), [(999_999, "register_fell"), (0, "register_fell"), (90_000_000, "register_jumped")]
)
def test_one_wrong_register_is_held_back_counted_and_the_last_good_value_stands(wrong: int, reason: str) -> None:
    meter = fed(base(1_000_000), base(1_000_000), base(1_000_000), base(wrong))
    assert 1000 * KWH == meter.of(q.ACTIVE_ENERGY_IMPORT, tariff_period="TH")
    assert 1 == meter.count("rejected_readings", reason)
    meter.say(base(1_000_001), base(1_000_001), base(1_000_001))
    assert 1_000_001 * 3600.0 == meter.of(q.ACTIVE_ENERGY_IMPORT, tariff_period="TH")
    assert 1 == sum(n for (name, _), n in meter.meter.snapshot.counts.items() if name == "rejected_readings")


@pytest.mark.parametrize("new", [5, 90_000_000])
def test_a_register_that_was_set_is_believed_after_two_further_frames_and_said(
    new: int, caplog: pytest.LogCaptureFixture
) -> None:
    meter = fed(base(1_000_000), base(1_000_000), base(1_000_000))
    for number in range(2):
        meter.say(base(new))
        assert (number, 1000 * KWH) == (number, meter.of(q.ACTIVE_ENERGY_IMPORT, tariff_period="TH"))
    meter.say(base(new))
    assert new * 3600.0 == meter.of(q.ACTIVE_ENERGY_IMPORT, tariff_period="TH")
    assert (new == 5) == any("restarted" in message for message in caplog.messages)


def test_a_register_past_its_maximum_is_recognised() -> None:
    meter = fed(*[base(999_999_998)] * 3)
    for wh in (999_999_999, 999_999_999, 0, 1, 1, 2, 2):
        meter.say(base(wh))
    assert 2 * 3600.0 == meter.of(q.ACTIVE_ENERGY_IMPORT, tariff_period="TH")


def test_a_step_of_one_display_unit_is_plausible_however_little_time_has_passed() -> None:
    meter = fed(shop(), shop(), shop(), shop("EAP_s 5001kWh"), shop("EAP_s 5001kWh"), seconds=0.01)
    assert 5001 * KWH == meter.of(q.ACTIVE_ENERGY_IMPORT, tariff_period="HPE")
    assert 0 == meter.count("rejected_readings", "register_jumped")


def test_after_a_long_gap_a_proportional_rise_is_plausible() -> None:
    meter = fed(base(1_000_000), base(1_000_000), base(1_000_000))
    meter.wait(24 * 3600)
    meter.say(base(1_000_000 + 24 * 5000), base(1_000_000 + 24 * 5000))
    assert (1_000_000 + 24 * 5000) * 3600.0 == meter.of(q.ACTIVE_ENERGY_IMPORT, tariff_period="TH")
    assert 0 == meter.count("rejected_readings", "register_jumped")


def test_a_line_that_draws_more_than_its_contract_is_never_stuck() -> None:
    meter = fed(base(1_000_000), base(1_000_000), base(1_000_000))
    for number in range(1, 200):
        meter.say(base(1_000_000 + 30 * number))  # 54 kW behind ISOUSC 30
    published = meter.of(q.ACTIVE_ENERGY_IMPORT, tariff_period="TH")
    assert published is not None
    assert (1_000_000 + 30 * 199) * 3600.0 - published <= 3 * 30 * 3600.0


def test_a_total_and_its_parts_are_held_back_alone() -> None:
    meter = fed(*[standard()] * 3)
    for number in range(1, 4):
        meter.say(standard(f"EAST\t{1_000_000 + number:09}", "EASF01\t000000005", f"SINSTS\t{500 + number:05}"))
    assert 1_000_002 * 3600.0 <= (meter.of(q.TOTAL_ACTIVE_ENERGY_IMPORT) or 0)


def test_a_register_that_is_reset_to_nothing_does_not_show_its_old_value_for_ever() -> None:
    producer = (*LINKY_STANDARD[:7], "EAIT\t000000500", *LINKY_STANDARD[7:])
    meter = fed(*[frame(producer)] * 3)
    meter.say(*[frame(producer, "EAIT\t000000000")] * 4)
    assert 0.0 == meter.of(q.ACTIVE_ENERGY_EXPORT)


# Which series exist


def test_tariff_registers_that_never_counted_are_hidden_unless_in_force_and_totals_are_not() -> None:
    meter = fed(*[standard("EASF01\t000000000", "EASD01\t000000000")] * 3)
    assert {("01",): 0.0} == meter.all_of(q.ACTIVE_ENERGY_IMPORT)
    assert {("01",): 0.0} == meter.all_of(q.DISTRIBUTOR_ACTIVE_ENERGY_IMPORT)
    meter.say(*[standard("EASF01\t000000000", "EASD01\t000000000", "NTARF\t02", "STGE\t003A4401")] * 2)
    assert {("02",): 0.0} == meter.all_of(q.ACTIVE_ENERGY_IMPORT)
    assert {("02",): 0.0} == meter.all_of(q.DISTRIBUTOR_ACTIVE_ENERGY_IMPORT)
    meter.say(*[standard("EASF02\t000000001", "NTARF\t01")] * 3)
    assert {("01",), ("02",)} == set(meter.all_of(q.ACTIVE_ENERGY_IMPORT))
    total = fed(*[standard("EAST\t000000000")] * 3)
    assert 0.0 == total.of(q.TOTAL_ACTIVE_ENERGY_IMPORT)


def test_the_period_in_force_is_1_and_every_other_of_the_contract_0() -> None:
    tempo = ("OPTARIF BBR(", "PTEC HCJB")
    meter = fed(*[historic(*tempo)] * 3)
    periods = meter.all_of(q.TARIFF_PERIOD)
    assert {"HCJB": 1.0, "HPJB": 0.0, "HCJW": 0.0, "HPJW": 0.0, "HCJR": 0.0, "HPJR": 0.0} == {
        where[0]: value for where, value in periods.items()
    }


def test_a_period_that_was_seen_stays_at_0_and_one_that_a_single_frame_names_does_not() -> None:
    meter = fed(*[standard()] * 3)
    assert {("01",): 1.0} == meter.all_of(q.TARIFF_PERIOD)
    meter.say(*[standard("NTARF\t02")] * 3)
    assert {("01",): 0.0, ("02",): 1.0} == meter.all_of(q.TARIFF_PERIOD)
    meter.say(standard("NTARF\t07"), *[standard("NTARF\t02")] * 2)
    assert {("01",): 0.0, ("02",): 1.0} == meter.all_of(q.TARIFF_PERIOD)


def test_names_of_periods_are_learned_when_two_frames_agree() -> None:
    off, peak = ("NTARF\t01", "LTARF\t HEURE  CREUSE  "), ("NTARF\t02", "LTARF\t HEURE  PLEINE  ")
    meter = fed(*[standard(*off)] * 3)
    assert {("01", "HEURE  CREUSE"): 1.0} == meter.all_of(q.TARIFF_PERIOD_NAME)
    # At the change NTARF lags behind LTARF by one frame.
    meter.say(standard(off[0], peak[1]), standard(*peak))
    assert {("01", "HEURE  CREUSE"): 1.0} == meter.all_of(q.TARIFF_PERIOD_NAME)
    meter.say(standard(*peak))
    assert {("01", "HEURE  CREUSE"): 1.0, ("02", "HEURE  PLEINE"): 1.0} == meter.all_of(q.TARIFF_PERIOD_NAME)
    meter.say(standard(peak[0], off[1]), *[standard(*off)] * 3)
    assert {("01", "HEURE  CREUSE"): 1.0, ("02", "HEURE  PLEINE"): 1.0} == meter.all_of(q.TARIFF_PERIOD_NAME)


def test_a_label_that_a_complete_frame_lacks_is_gone_at_once() -> None:
    meter = fed(*[historic()] * 3)
    assert 0.0 == meter.of(q.OVERLOAD)
    overload = frame([*LINKY_HISTORIC[:6], "ADPS 041", *LINKY_HISTORIC[6:]])
    meter.say(overload)
    assert 1.0 == meter.of(q.OVERLOAD)
    meter.say(historic())
    assert 0.0 == meter.of(q.OVERLOAD)
    meter.say(historic(drop=("HHPHC",)))
    assert {("BASE", "")} == set(meter.all_of(q.CONTRACT))


def test_the_identity_of_the_series_of_a_meter_does_not_change_with_its_clock_or_its_tariff() -> None:
    meter = fed(*[standard()] * 3)
    before = set(meter.meter.snapshot.readings)
    for second in range(1, 30):
        meter.say(standard(f"DATE\tE2607141200{second:02}\t", f"SINSTS\t{second:05}"), after=1)
    assert before == set(meter.meter.snapshot.readings)


# Tariff-bound values of a PME-PMI


WINTER = ("PTCOUR1 HPH", "EAP_s 3000kWh", "ER+P_s 90kvarh", "PS 50kVA", "PMAX_s 30kVA", "EAP-1_s 2500kWh")


def test_the_registers_of_the_other_periods_stay_with_the_time_they_were_last_seen() -> None:
    meter = fed(*[shop(*WINTER)] * 3, *[shop()] * 3, seconds=8)
    assert {("HPH",): 3000 * KWH, ("HPE",): 5000 * KWH} == meter.all_of(q.ACTIVE_ENERGY_IMPORT)
    assert 90 * KWH == meter.of(q.REACTIVE_ENERGY, quadrant="1", tariff_period="HPH")
    assert {("HPH",): 50_000.0, ("HPE",): 42_000.0} == meter.all_of(q.SUBSCRIBED_APPARENT_POWER)
    assert {("HPH",): 30_000.0, ("HPE",): 15_000.0} == meter.all_of(q.MAX_APPARENT_DEMAND_IMPORT)
    assert {("HPH",): 2500 * KWH, ("HPE",): 4500 * KWH} == meter.all_of(q.PREVIOUS_ACTIVE_ENERGY_IMPORT)
    assert {("HPH",): START + 24, ("HPE",): START + 48} == meter.all_of(q.REGISTER_LAST_SEEN)
    meter.say(shop())
    assert START + 56 == meter.of(q.REGISTER_LAST_SEEN, tariff_period="HPE")
    assert {"HPH": 0.0, "HPE": 1.0, "HCH": 0.0, "HCE": 0.0} == {
        where[0]: value for where, value in meter.all_of(q.TARIFF_PERIOD).items()
    }


def test_maxima_and_registers_of_the_last_billing_period_are_dropped_when_a_new_one_begins() -> None:
    begun = ("DebP 01/08/26 00:00:00", "DebP-1 01/07/26 00:00:00", "FinP-1 01/08/26 00:00:00")
    meter = fed(*[shop(*WINTER)] * 3, *[shop()] * 3, *[shop(*begun, "PMAX_s 4kVA", "EAP-1_s 5000kWh")] * 3, seconds=8)
    assert {("HPE",): 4000.0} == meter.all_of(q.MAX_APPARENT_DEMAND_IMPORT)
    assert {("HPE",): 5000 * KWH} == meter.all_of(q.PREVIOUS_ACTIVE_ENERGY_IMPORT)
    assert {("HPH",), ("HPE",)} == set(meter.all_of(q.ACTIVE_ENERGY_IMPORT))
    assert {("HPH",): 50_000.0, ("HPE",): 42_000.0} == meter.all_of(q.SUBSCRIBED_APPARENT_POWER)


def test_a_single_wrong_start_of_the_billing_period_drops_nothing() -> None:
    meter = fed(*[shop(*WINTER)] * 3, *[shop()] * 3, shop("DebP 01/09/26 00:00:00"), *[shop()] * 3, seconds=8)
    assert {("HPH",): 30_000.0, ("HPE",): 15_000.0} == meter.all_of(q.MAX_APPARENT_DEMAND_IMPORT)


def test_a_dynamic_tariff_has_registers_of_its_own() -> None:
    dynamic = shop("TARIFDYN ACTIF", "ETATDYN1 PM1", "EAP_s 70kWh")
    meter = fed(*[shop()] * 3, *[dynamic] * 3, *[shop()] * 2, seconds=8)
    assert {("HPE",): 5000 * KWH, ("HPE-PM1",): 70 * KWH} == meter.all_of(q.ACTIVE_ENERGY_IMPORT)


def test_the_registers_of_the_second_calendar_are_kept_by_its_own_periods() -> None:
    meter = fed(*[shop("PTCOUR2 HCE", "EAP_s2 800kWh")] * 3, *[shop()] * 3, seconds=8)
    assert {("HCE",): 800 * KWH, ("HPE",): 5000 * KWH} == meter.all_of(q.CALENDAR2_ACTIVE_ENERGY_IMPORT)
    assert {("HPE",)} == set(meter.all_of(q.ACTIVE_ENERGY_IMPORT))


def test_a_message_that_a_saphir_sends_once_is_shown_until_a_long_frame_lacks_it() -> None:
    simulated = SimulatedMeter("saphir-historic", start=datetime(2026, 1, 15, 12))  # noqa: DTZ001 - legal time
    meter = Fed(Meter(MeterOptions("meter", zone=PARIS, hidden=frozenset())))
    told = []
    for number in range(12):
        simulated.events.message = "COUPURE A 12H" if number == 5 else ""
        meter.say(simulated.next_frame(), after=simulated.line_time)
        told.append([text for (text,) in meter.all_of(q.MESSAGE)])
    assert [[]] * 5 + [["COUPURE A 12H"]] * 5 + [[]] * 2 == told


def test_a_message_of_a_linky_is_shown_when_two_frames_agree() -> None:
    meter = Fed(Meter(MeterOptions("meter", zone=PARIS, hidden=frozenset()))).say(*[standard()] * 4)
    meter.say(standard(f"MSG1\t{'COUPURE':<32}"))
    assert {} == meter.all_of(q.MESSAGE)
    meter.say(standard(f"MSG1\t{'COUPURE':<32}"))
    assert {("COUPURE",): 1.0} == meter.all_of(q.MESSAGE)


# Interval energy


class Shop:
    """A PME-PMI whose DATE and interval energy move on together: a frame every ten seconds."""

    def __init__(self, clock: str = "10:22:00") -> None:
        hour, minute, second = (int(part) for part in clock.split(":"))
        self._time = (hour * 60 + minute) * 60 + second
        self.fed = Fed(seconds=10)

    def say(
        self, wh: int, *, times: int = 1, after: int = 10, clock: str | None = None, drop: tuple[str, ...] = ()
    ) -> None:
        for _ in range(times):
            self._time += after
            shown = clock or f"{self._time // 3600:02}:{self._time // 60 % 60:02}:{self._time % 60:02}"
            changes = [f"DATE 14/07/26 {shown}"] + ([] if "EA_s" in drop else [f"EA_s {wh}Wh"])
            self.fed.say(shop(*changes, drop=drop), after=after)

    @property
    def total(self) -> float | None:
        joules = self.fed.of(q.INTERVAL_ACTIVE_ENERGY_IMPORT)
        return None if joules is None else joules / 3600


def test_interval_energy_starts_at_0_and_adds_what_is_counted() -> None:
    site = Shop()
    site.say(100, times=3)
    assert 0 == site.total
    site.say(110)
    site.say(120, times=3)
    assert 20 == site.total
    assert 0 == site.fed.of(q.INTERVAL_REACTIVE_ENERGY, quadrant="1")


@pytest.mark.parametrize("tops", [1, 3])
def test_across_one_top_or_several_only_the_new_value_is_added(tops: int) -> None:
    site = Shop("10:28:00")
    site.say(100, times=3)
    site.say(110, times=3)
    site.say(5, after=600 * tops, times=1)
    site.say(5, times=2)
    assert 15 == site.total


def test_a_wrong_date_adds_nothing() -> None:
    site = Shop()
    site.say(100, times=3)
    site.say(100, clock="11:22:40")
    site.say(100, times=4)
    assert 0 == site.total
    assert site.fed.of(q.CLOCK) is not None


def test_interval_energy_is_taken_from_a_frame_after_one_whose_clock_was_not_believed() -> None:
    site = Shop()
    site.say(100, times=3)
    site.say(105, clock="11:22:40")
    site.say(110, times=4)
    assert 10 == site.total


def test_interval_energy_survives_frames_without_the_label() -> None:
    lenient = Shop()
    lenient.say(100, times=3)
    lenient.say(120, times=2)
    before = lenient.total
    lenient.fed.say(shop(drop=("MESURES1",)))  # a frame with a defect, as with a lost group
    assert 20 == before == lenient.total


# Clocks


def test_dates_are_legal_time_of_the_zone() -> None:
    assert START - 100 * 60 + 60 * 2 == fed(*[shop()] * 3, seconds=0.1).of(q.CLOCK)


def test_a_signal_that_a_meter_of_2010_tells_moves_the_registers_of_the_period_in_force() -> None:
    # Without ETATDYN1 no register is another's: passed over, they stood still while the signal was there.
    of_2010 = ("ADS", "ETATDYN1", "ETATDYN2")
    meter = Fed().say(*[frame(PME_PMI, drop=of_2010)] * 4)
    assert {("HPE",): 5000 * KWH} == meter.all_of(q.ACTIVE_ENERGY_IMPORT)
    meter.say(*[frame(PME_PMI, "TARIFDYN ACTIF", "EAP_s 5001kWh", drop=of_2010)] * 4)
    assert {("HPE",): 5001 * KWH} == meter.all_of(q.ACTIVE_ENERGY_IMPORT)
    assert 42_000 == meter.of(q.SUBSCRIBED_APPARENT_POWER, tariff_period="HPE")


def test_a_dynamic_period_whose_name_was_lost_moves_no_register_of_another() -> None:
    meter = Fed(Meter(MeterOptions("meter", zone=PARIS, drop_group=True))).say(*[shop()] * 4)
    before = meter.all_of(q.ACTIVE_ENERGY_IMPORT)
    assert [("HPE",)] == list(before)
    lost = shop("TARIFDYN ACTIF", "ETATDYN1 PM1", "EAP_s 70kWh").replace(b"ETATDYN1 PM1", b"ETATDYN1 PM7")
    meter.say(*[lost] * 4)
    assert before == meter.all_of(q.ACTIVE_ENERGY_IMPORT)


def test_after_a_silence_no_counter_comes_back_with_what_it_said_before() -> None:
    def linky(wh: int) -> bytes:
        return frame(LINKY_STANDARD, f"EAST\t{wh:09}", f"EASF01\t{wh:09}", f"EASF02\t{77:09}")

    meter = Fed().say(*[linky(1000)] * 4)
    assert 1000 * 3600.0 == meter.of(q.TOTAL_ACTIVE_ENERGY_IMPORT)
    meter.say(linky(1400), after=600)
    # Else a scrape now and one after the next frame would see the energy of ten minutes within a second.
    assert meter.of(q.TOTAL_ACTIVE_ENERGY_IMPORT) is None
    assert {("02",): 77 * 3600.0} == meter.all_of(q.ACTIVE_ENERGY_IMPORT)  # this one did not move
    assert meter.of(q.APPARENT_POWER_IMPORT) is not None
    meter.say(linky(1400))
    assert 1400 * 3600.0 == meter.of(q.TOTAL_ACTIVE_ENERGY_IMPORT)


def test_after_a_silence_the_sum_of_an_interval_energy_waits_for_the_second_frame() -> None:
    def shop(clock: str, wh: int) -> bytes:
        return frame(PME_PMI, f"DATE 14/07/26 {clock}", f"EA_s {wh}Wh")

    meter = Fed(seconds=8).say(shop("12:01:00", 10), shop("12:01:08", 12), shop("12:01:16", 12), shop("12:01:24", 12))
    assert 2 * 3600.0 == meter.of(q.INTERVAL_ACTIVE_ENERGY_IMPORT)
    meter.say(shop("12:06:24", 100), after=300)
    assert meter.of(q.INTERVAL_ACTIVE_ENERGY_IMPORT) is None
    meter.say(shop("12:06:32", 100))
    assert 90 * 3600.0 == meter.of(q.INTERVAL_ACTIVE_ENERGY_IMPORT)


def test_after_a_silence_the_sum_of_an_interval_energy_waits_for_an_impossible_value_to_be_believed() -> None:
    site = Shop("10:22:00")
    site.say(100, times=4)
    site.say(9000, after=100)  # 60 kW in a quarter of an hour, of which 100 s have passed
    assert site.total is None
    site.say(9000, times=2)
    assert 8900 == site.total


@pytest.mark.parametrize("kind", ["pme-pmi-producer", "ice-2q", "ice-4q", "saphir-historic"])
def test_the_hour_that_comes_twice_in_autumn_holds_no_reading_back(kind: str) -> None:
    simulated = SimulatedMeter(kind, start=datetime(2026, 10, 25, 2, 50))  # noqa: DTZ001 - legal time
    meter = Fed()
    for _ in range(160):
        sent = simulated.next_frame()
        meter.say(sent, after=simulated.line_time)
    assert 2 < simulated.now.hour + simulated.now.minute / 60 < 2.5  # 20 minutes later: the second time
    rejected = {key: number for key, number in meter.meter.snapshot.counts.items() if key[0] == "rejected_readings"}
    assert {} == rejected
    assert 0 < (meter.of(q.INTERVAL_ACTIVE_ENERGY_IMPORT) or 0)


@pytest.mark.parametrize("td", [5, 10, 15, 30, 60])
@pytest.mark.parametrize("kind", ["pme-pmi-producer", "ice-2q", "ice-4q", "saphir-historic"])
def test_whatever_td_is_the_sum_of_interval_energies_is_what_the_registers_count(kind: str, td: int) -> None:
    simulated = SimulatedMeter(kind, seed=2, start=datetime(2026, 1, 15, 11, 8), td=td)  # noqa: DTZ001 - legal time
    meter = Fed().say(simulated.next_frame())
    before = sum(simulated.registers()["active_import"].values())
    while (simulated.now.hour, simulated.now.minute) < (12, 20):
        sent = simulated.next_frame()
        meter.say(sent, after=simulated.line_time)
    true = sum(simulated.registers()["active_import"].values()) - before
    counted = (meter.of(q.INTERVAL_ACTIVE_ENERGY_IMPORT) or 0) / 3600
    frames = true * simulated.line_time / 4320  # the energy of one
    tops = 72 / td
    assert true - 2 * (tops + 2) * frames - tops - 1 <= counted <= true + 2 * frames
    assert 0 == meter.count("rejected_readings", "register_fell") + meter.count("rejected_readings", "register_jumped")


def test_injected_energy_is_judged_by_the_date_of_its_own_part_of_the_frame() -> None:
    def plant(first: str, drawn: int, second: str, injected: int) -> bytes:
        head = ("CONTRAT BASE_A5", f"DATECOUR 14/07/26 {first}", f"EA {drawn}Wh", "ERP 5varh", "PTCOUR HPE")
        own = (f"DATECOUR 14/07/26 {second}", f"EA {injected}Wh", "ERP 0varh", "ERN 0varh", "PTCOUR 4")
        return frame((*head, "Appli INJECTION", *own))

    meter = Fed(seconds=12).say(
        plant("12/09/19", 440, "12/09/26", 880),
        plant("12/09/31", 460, "12/09/38", 900),
        plant("12/09/43", 480, "12/09/50", 920),
        plant("12/09/55", 500, "12/10/02", 4),  # the top is between both parts
        plant("12/10/07", 15, "12/10/14", 24),
        plant("12/10/19", 35, "12/10/26", 44),
        plant("12/10/31", 35, "12/10/38", 44),
    )
    assert 0 == meter.count("rejected_readings", "register_fell")
    assert (60 + 35) * 3600.0 == meter.of(q.INTERVAL_ACTIVE_ENERGY_IMPORT)
    assert (40 + 44) * 3600.0 == meter.of(q.INTERVAL_ACTIVE_ENERGY_EXPORT)


@pytest.mark.parametrize("second", ["11/10/02", "12/10/52", "13/10/02"])
def test_a_date_of_injection_that_is_not_of_its_frame_says_nothing(second: str) -> None:
    def plant(first: str, second: str, injected: int) -> bytes:
        head = ("CONTRAT BASE_A5", f"DATECOUR 14/07/26 {first}", "EA 5Wh", "ERP 5varh", "PTCOUR HPE")
        return frame((*head, "Appli INJECTION", f"DATECOUR 14/07/26 {second}", f"EA {injected}Wh"))

    meter = Fed(seconds=12).say(*(plant(f"12/09/{at}", f"12/09/{at + 7}", 900 + at) for at in (10, 22, 34)))
    meter.say(plant("12/09/46", second, 4))
    assert 1 == meter.count("rejected_readings", "register_fell")


# A frame that differs in numbers alone


def test_a_register_that_begins_again_at_0_is_shown_where_no_period_is_asked_for() -> None:
    meter = fed(*[standard("EAST\t000500000", "EASD01\t000500000")] * 4)
    meter.say(*[standard("EAST\t000000000", "EASD01\t000000000")] * 3)
    assert 0 == meter.of(q.TOTAL_ACTIVE_ENERGY_IMPORT)


def test_a_register_that_falls_to_0_while_its_period_is_not_in_force_is_hidden_at_once() -> None:
    counted, reset = standard("EASF02\t000500000"), standard()
    meter = fed(*[counted] * 4)
    assert {("01",), ("02",)} == set(meter.all_of(q.ACTIVE_ENERGY_IMPORT))
    meter.say(*[reset] * 3)
    assert {("01",)} == set(meter.all_of(q.ACTIVE_ENERGY_IMPORT))


def test_what_is_subscribed_bounds_the_registers_from_the_next_frame_on() -> None:
    # 400 Wh in 100 s and the age of a value: too many for 6 kVA x 1.5, and not for 12 kVA x 1.5.
    meter = fed(*[standard()] * 4)
    meter.say(*[standard("PREF\t12", "PCOUP\t12")] * 2)
    more = ("PREF\t12", "PCOUP\t12", "EAST\t001000400", "EASF01\t001000400", "EASD01\t001000400")
    meter.say(standard(*more), after=100)
    assert 0 == meter.count("rejected_readings", "register_jumped")


def test_a_billing_period_that_begins_with_nothing_else_than_its_date_is_noticed() -> None:
    begun = shop("DebP 01/08/26 00:00:00")
    meter = fed(*[shop(*WINTER)] * 3, *[shop()] * 4, *[begun] * 4, seconds=8)
    assert {("HPE",): 15_000.0} == meter.all_of(q.MAX_APPARENT_DEMAND_IMPORT)


def test_an_impossible_interval_energy_is_believed_in_the_end_though_it_stays_as_it_is() -> None:
    site = Shop("10:22:00")
    site.say(9000, times=4)
    site.say(10, times=4)  # set back, in the middle of its interval
    site.say(20, times=3)
    assert 10 == site.total
    assert 2 == site.fed.count("rejected_readings", "register_fell")


def test_of_a_level_that_a_frame_tells_twice_the_last_one_holds_whichever_of_them_moves() -> None:
    def plant(first: int, second: int) -> bytes:
        head = ("CONTRAT BASE_A5", "EA 5Wh", "ERP 5varh", "PTCOUR HPE", f"U10MN {first}V")
        return frame((*head, "Appli INJECTION", f"U10MN {second}V"))

    meter = fed(*[plant(397, 398)] * 4)
    assert 398 == meter.of(q.LINE_VOLTAGE_MEAN)
    meter.say(plant(399, 398))
    assert 398 == meter.of(q.LINE_VOLTAGE_MEAN)
    meter.say(plant(399, 400))
    assert 400 == meter.of(q.LINE_VOLTAGE_MEAN)
