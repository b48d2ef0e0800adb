"""What can happen to a simulated meter, as it shows in its frames."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from simulated import decode, meter, values

from tic_exporter.simulator import KINDS, Events
from tic_exporter.tic.framing import Cut
from tic_exporter.tic.quantities import DISCONNECTOR_STATES


def _status(events: Events, kind: str = "linky-standard", start: str = "2024-01-17T12:00:00") -> int:
    return int(values(meter(kind, start, contract="HC", events=events))["STGE"], 16)


@pytest.mark.parametrize("kind", ["cbemm", "cbemm-icc", "linky-historic"])
def test_an_overload_of_single_phase_warns_with_the_current(kind: str) -> None:
    simulated = meter(kind)
    assert "ADPS" not in values(simulated)
    simulated.events.overload = True
    simulated.advance(1)
    row = values(simulated)
    assert row["ADPS"] == row["IINST"]
    assert int(row["IINST"]) > int(row["ISOUSC"])


@pytest.mark.parametrize("kind", ["cbetm", "linky-historic-three-phase"])
def test_an_overload_of_three_phases_breaks_the_frame_off_and_brings_short_ones(kind: str) -> None:
    simulated = meter(kind)
    assert simulated.next_frame().endswith(b"\x03")
    simulated.events.overload, simulated.events.overload_phases = True, (2,)
    broken = simulated.next_frame()
    while broken.endswith(b"\x03"):
        broken = simulated.next_frame()
    assert broken.endswith(b"\r\x04")
    rows = [values(simulated) for _ in range(42)]
    is_short = ["OPTARIF" not in row for row in rows]
    assert ([True] * 20 + [False]) * 2 == is_short
    assert ["ADIR2", "ADCO", "IINST1", "IINST2", "IINST3"] == list(rows[0])
    simulated.events.overload = False
    simulated.advance(30)
    assert "ADIR2" not in values(simulated)
    assert "OPTARIF" not in values(simulated)
    simulated.advance(61)
    assert "OPTARIF" in values(simulated)
    assert simulated.next_frame().endswith(b"\x03")


def test_an_overload_shows_in_the_status_of_linky_and_as_a_notice_elsewhere() -> None:
    assert not _status(Events()) >> 7 & 1
    assert _status(Events(overload=True)) >> 7 & 1
    for kind in ("pme-pmi", "ice-2q", "saphir-standard"):
        assert "PREAVIS" not in values(meter(kind))
        assert "DEP" == values(meter(kind, events=Events(overload=True)))["PREAVIS"]
    assert "DP" == values(meter("cje", events=Events(overload=True)))["JAUNE"].split(":")[5]


@pytest.mark.parametrize("reason", DISCONNECTOR_STATES)
def test_the_status_names_why_the_disconnector_is_open_and_nothing_flows(reason: str) -> None:
    simulated = meter("linky-standard")
    simulated.open_disconnector(reason)
    simulated.advance(1)
    row = values(simulated)
    assert DISCONNECTOR_STATES.index(reason) == int(row["STGE"], 16) >> 1 & 7
    assert ("000" == row["IRMS1"]) == (reason != "closed")


def test_the_status_shows_cover_overvoltage_and_clock() -> None:
    clean = _status(Events())
    assert 0 == clean >> 4 & 1 == clean >> 6 & 1 == clean >> 16 & 1
    assert 1 == _status(Events(cover_open=True)) >> 4 & 1
    assert 1 == _status(Events(voltage=262.0)) >> 6 & 1
    assert 1 == _status(Events(clock_degraded=True)) >> 16 & 1
    degraded = meter("linky-standard", events=Events(clock_degraded=True))
    degraded.next_frame()
    assert str(degraded.groups[2].timestamp).startswith("h")


def test_the_status_shows_the_direction_of_the_energy() -> None:
    events = Events()
    at_noon = _status(events, "linky-standard-producer", "2024-07-03T13:00:00")
    at_night = _status(events, "linky-standard-producer", "2024-07-03T01:00:00")
    assert (1, 1) == (at_noon >> 8 & 1, at_noon >> 9 & 1)
    assert (1, 0) == (at_night >> 8 & 1, at_night >> 9 & 1)


def test_a_missing_phase_shows_in_ppot() -> None:
    assert "00" == values(meter("cbetm"))["PPOT"]
    assert "0C" == values(meter("cbetm", events=Events(missing_phases=(2, 3))))["PPOT"]


def test_an_interruption_ends_one_frame_by_eot_at_a_group_or_at_a_byte() -> None:
    simulated = meter("linky-historic")
    whole = simulated.next_frame()
    simulated.interrupt(at_group=3)
    at_group = simulated.next_frame()
    simulated.interrupt(at_byte=25)
    at_byte = simulated.next_frame()
    assert at_group.endswith(b"\r\x04")
    assert 3 == at_group.count(b"\n")
    assert 26 == len(at_byte)
    assert b"\x04" == at_byte[-1:]
    cuts = [frame.cut for frame in decode([whole, at_group, at_byte, simulated.next_frame()])]
    assert [Cut.COMPLETE, Cut.INTERRUPTED, Cut.INTERRUPTED, Cut.COMPLETE] == cuts


@pytest.mark.parametrize("cut", [{"at_group": 0}, {"at_group": 3}, {"at_group": 500}, {"at_byte": 0}, {"at_byte": 40}])
@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_that_is_broken_off_lasts_as_long_as_what_was_sent_of_it(kind: str, cut: dict[str, int]) -> None:
    simulated = meter(kind)
    start = simulated.now
    simulated.interrupt(**cut)
    broken = simulated.next_frame()
    lasted = simulated.line_time
    assert 0.02 <= lasted - len(broken) * 10 / simulated.baud_rate <= 0.033
    assert simulated.now - start <= timedelta(seconds=lasted)
    simulated.events.silent = True
    simulated.next_frame()
    assert abs((simulated.now - start).total_seconds() - lasted) < 1e-3


def test_the_clock_of_an_ice_goes_on_after_a_broken_frame_by_what_was_sent_of_it() -> None:
    simulated = meter("ice-4q", "2024-01-17T12:00:00")
    simulated.interrupt(at_group=3)
    assert b"DATECOUR 17/01/24 12/00/00 " in simulated.next_frame()
    assert 0.5 < simulated.line_time < 0.6
    assert b"DATECOUR 17/01/24 12/00/00 " in simulated.next_frame()
    assert b"DATECOUR 17/01/24 12/00/14 " in simulated.next_frame()


def test_silence_is_no_bytes_and_time_that_passes() -> None:
    simulated = meter("pme-pmi")
    simulated.events.silent = True
    start = simulated.now
    assert [b""] * 5 == [simulated.next_frame() for _ in range(5)]
    assert 4 == (simulated.now - start).total_seconds()
    simulated.events.silent = False
    assert simulated.next_frame()


def test_standby_sends_the_id_alone() -> None:
    assert ["ADCO"] == list(values(meter("cbemm", events=Events(standby=True))))


def test_test_mode_sends_each_slot_fifteen_times_and_real_data_afterwards() -> None:
    simulated = meter("pme-pmi", contract="BT 4 SUP36", events=Events(test_mode=True))
    rows = [values(simulated) for _ in range(24 * 15)]
    assert all(row["TRAME"] == "TEST" and row["ADS"] == "000000000000" for row in rows)
    firsts = [(row.get("PTCOUR1"), row.get("PREAVIS"), row.get("PTCOUR2")) for row in rows[::15]]
    assert [("HPH", None, None), ("HPH", "DEP", None)] == firsts[:2]
    assert [("XXX", "DEP", None), (None, None, "HPH")] == firsts[15:17]
    assert values(simulated) == {**rows[0]}
    simulated.events.test_mode = False
    assert simulated.meter_id == values(simulated)["ADS"]


def test_another_meter_has_another_id_and_begins_at_nothing() -> None:
    simulated = meter("linky-standard")
    simulated.replace("021961123456")
    row = values(simulated)
    assert ("021961123456", "000000000") == (row["ADSC"], row["EAST"])
    simulated.advance(7200)
    assert 0 < int(values(simulated)["EAST"]) < 20_000


@pytest.mark.parametrize("kind", [kind for kind, row in KINDS.items() if row.other_mode])
def test_switching_the_mode_keeps_id_and_registers(kind: str) -> None:
    simulated = meter(kind, contract="HC")
    first = values(simulated)
    registers, speed = simulated.registers(), simulated.baud_rate
    simulated.switch_mode()
    other = values(simulated)
    assert {speed, simulated.baud_rate} == {1200, 9600}
    assert first.get("ADSC", first.get("ADCO")) == other.get("ADSC", other.get("ADCO"))
    index, same = (first.get(label) or other[label] for label in ("EASF01", "HCHC"))
    assert abs(int(index) - int(same)) <= 1
    assert abs(registers["active_import"]["HC"] - int(index)) <= 1
    simulated.switch_mode()
    assert kind == simulated.kind
    assert set(first) == set(values(simulated))


def test_a_meter_of_one_mode_cannot_switch() -> None:
    with pytest.raises(ValueError, match="has one mode"):
        meter("cje").switch_mode()


def test_a_forced_period_is_in_force_and_counts() -> None:
    simulated = meter("cbemm", "2024-01-17T12:00:00", contract="HC")
    simulated.events.period = "HC"
    simulated.advance(1)
    before = simulated.registers()["active_import"]
    simulated.advance(3600)
    after = simulated.registers()["active_import"]
    assert "HC.." == values(simulated)["PTEC"]
    assert after["HC"] > before["HC"]
    assert after["HP"] == before["HP"]


def test_points_are_marked_while_the_flag_is_set() -> None:
    assert values(meter("ice-2q", events=Events(point_flag="H")))["PA1"].endswith("H.kW")
    assert values(meter("pme-pmi", events=Events(point_flag="T")))["PA1_s"].endswith("TkW")


def test_a_short_message_is_sent_once() -> None:
    simulated = meter("linky-standard", events=Events(short_message="BONJOUR"))
    assert "BONJOUR         " == values(simulated)["MSG2"]
    assert "MSG2" not in values(simulated)


def test_events_of_one_meter_are_not_those_of_another() -> None:
    events = Events()
    assert meter("cje", events=replace(events)).events is not meter("cje").events
