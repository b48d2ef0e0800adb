"""Whose frames these are, what is counted, and when nothing is said any more."""

from __future__ import annotations

import logging
import threading
from datetime import datetime

import pytest

from helpers.feeding import PARIS, START, Fed
from helpers.lines import HISTORIC_ID, LINKY_HISTORIC, LINKY_STANDARD, PME_PMI, frame
from tic_exporter.known import Kept
from tic_exporter.meter import LINK_COUNTERS, LINK_STATES, Meter, MeterOptions, Snapshot
from tic_exporter.simulator import SimulatedMeter
from tic_exporter.tic import quantities as q
from tic_exporter.tic.parity import Parity, with_even_parity
from tic_exporter.tic.schema import Key

OTHER_ID = "041061999999"
HISTORIC = frame(LINKY_HISTORIC)
OTHER = frame(LINKY_HISTORIC, f"ADCO {OTHER_ID}", "BASE 000000123", "PAPP 00900")
STANDARD = frame(LINKY_STANDARD)
SHOP = frame(PME_PMI)
TEST_FRAMES = frame(("TRAME TEST", *PME_PMI))
ALONE = frame((f"ADCO {HISTORIC_ID}",))


def options(**changes: object) -> MeterOptions:
    return MeterOptions("meter", zone=PARIS, **changes)  # type: ignore[arg-type]


# The id


def test_a_meter_is_believed_after_three_consecutive_frames_and_has_no_series_before() -> None:
    fed = Fed()
    for _ in range(2):
        fed.say(HISTORIC)
        assert ("", {}) == (fed.meter_id, fed.meter.snapshot.readings)
    fed.say(HISTORIC)
    assert HISTORIC_ID == fed.meter_id
    assert 510 == fed.of(q.APPARENT_POWER_IMPORT)


def test_frames_count_before_the_id_is_confirmed() -> None:
    fed = Fed().say(HISTORIC)
    assert 1 == fed.count("frames")
    assert fed.meter.snapshot.is_fresh(fed.now)


def test_a_single_frame_with_another_id_gives_no_series_and_is_counted() -> None:
    fed = Fed().say(HISTORIC, HISTORIC, HISTORIC)
    before = dict(fed.meter.snapshot.readings)
    fed.say(OTHER)
    assert (HISTORIC_ID, before) == (fed.meter_id, fed.meter.snapshot.readings)
    assert fed.count("rejected_readings", "meter_id_unconfirmed") > 0
    assert 0 == fed.count("meter_changes")
    fed.say(HISTORIC)
    assert (HISTORIC_ID, before) == (fed.meter_id, fed.meter.snapshot.readings)


def test_other_ids_now_and_then_never_add_up_to_another_meter() -> None:
    fed = Fed().say(HISTORIC, HISTORIC, HISTORIC)
    for _ in range(10):
        fed.say(OTHER, OTHER, HISTORIC)
    assert (HISTORIC_ID, 0) == (fed.meter_id, fed.count("meter_changes"))
    third = frame(LINKY_HISTORIC, "ADCO 041061888888")
    for _ in range(10):
        fed.say(OTHER, third)
    assert HISTORIC_ID == fed.meter_id


def test_a_replaced_meter_is_counted_once_said_once_and_starts_afresh(caplog: pytest.LogCaptureFixture) -> None:
    fed = Fed().say(HISTORIC, HISTORIC, HISTORIC, OTHER, OTHER, OTHER, OTHER, OTHER)
    assert (OTHER_ID, 1) == (fed.meter_id, fed.count("meter_changes"))
    assert {("TH",): 123 * 3600.0} == fed.all_of(q.ACTIVE_ENERGY_IMPORT)
    assert 900 == fed.of(q.APPARENT_POWER_IMPORT)
    assert ["another meter answers"] == [r.message for r in caplog.records if r.levelno == logging.WARNING]


def test_where_no_id_is_sent_the_configured_one_holds_else_the_name() -> None:
    def ice() -> SimulatedMeter:
        return SimulatedMeter("ice-2q", start=datetime(2026, 7, 14, 12))  # noqa: DTZ001 - legal time

    for changes, meter_id in (({}, "meter"), ({"meter_id": "FACTORY 7"}, "FACTORY 7")):
        simulated, fed = ice(), Fed(Meter(options(**changes)), seconds=10)
        for _ in range(3):
            fed.say(simulated.next_frame())
        assert meter_id == fed.meter_id
        assert "ice-2q" == fed.meter.snapshot.link["family"]


def test_at_the_end_of_a_recording_an_id_is_believed_on_which_all_frames_agree() -> None:
    one = Fed().say(HISTORIC)
    one.meter.finish()
    assert (HISTORIC_ID, 3.6e9) == (one.meter_id, one.of(q.ACTIVE_ENERGY_IMPORT, tariff_period="TH"))
    two = Fed().say(HISTORIC, OTHER)
    two.meter.finish()
    assert ("", {}) == (two.meter_id, two.meter.snapshot.readings)
    none = Fed()
    none.meter.finish()
    assert "" == none.meter_id


# Linky historique and standard


def test_a_linky_that_is_switched_to_standard_is_the_same_meter_without_its_old_series() -> None:
    fed = Fed().say(HISTORIC, HISTORIC, HISTORIC)
    assert {("TH",)} == set(fed.all_of(q.ACTIVE_ENERGY_IMPORT))
    fed.say(STANDARD, STANDARD, STANDARD)
    assert (HISTORIC_ID, 0, 2) == (fed.meter_id, fed.count("meter_changes"), fed.count("detections"))
    assert {("01",)} == set(fed.all_of(q.ACTIVE_ENERGY_IMPORT))
    assert {} == fed.all_of(q.SUBSCRIBED_CURRENT)
    assert "standard" == fed.meter.snapshot.link["mode"]
    assert 0 == fed.count("rejected_readings", "meter_id_unconfirmed")
    fed.say(HISTORIC, HISTORIC, HISTORIC)
    assert {("TH",)} == set(fed.all_of(q.ACTIVE_ENERGY_IMPORT))
    assert 3 == fed.count("detections")


# Frames that say little, or nothing true


def test_a_meter_that_sends_its_id_alone_is_up() -> None:
    fed = Fed().say(HISTORIC, HISTORIC, HISTORIC)
    fed.say(*[ALONE] * 50)
    assert fed.meter.snapshot.is_fresh(fed.now)
    assert (53, HISTORIC_ID) == (fed.count("frames"), fed.meter_id)
    assert {} == fed.meter.snapshot.readings  # what it said a minute ago is not what it says
    fresh = Fed().say(ALONE)
    assert fresh.meter.snapshot.is_fresh(fresh.now)


def test_fictitious_values_are_never_published_and_true_ones_come_back_after_them() -> None:
    fed = Fed(seconds=8).say(SHOP, SHOP, SHOP)
    assert fed.meter.snapshot.readings
    fed.say(TEST_FRAMES)
    snapshot = fed.meter.snapshot
    assert (True, {}) == (snapshot.is_test, snapshot.readings)
    assert snapshot.is_fresh(fed.now)
    assert 4 == fed.count("frames")
    fed.say(SHOP)
    assert not fed.meter.snapshot.is_test
    assert 1.8e10 == fed.of(q.ACTIVE_ENERGY_IMPORT, tariff_period="HPE")


def test_personal_data_is_not_published_unless_it_is_asked_for() -> None:
    fed = Fed().say(STANDARD, STANDARD, STANDARD)
    assert ({}, {}) == (fed.all_of(q.METERING_POINT), fed.all_of(q.MESSAGE))
    fed = Fed(Meter(options(hidden=frozenset()))).say(STANDARD, STANDARD, STANDARD)
    assert {("12345678901234",): 1.0} == fed.all_of(q.METERING_POINT)
    assert {"PAS DE          MESSAGE"} == {where[-1] for where in fed.all_of(q.MESSAGE)}


# Silence


def test_readings_are_fresh_for_as_long_as_configured() -> None:
    fed = Fed(Meter(options(stale_after=12.0))).say(HISTORIC, HISTORIC, HISTORIC)
    snapshot = fed.meter.snapshot
    assert snapshot.is_fresh(fed.now + 12.0)
    assert not snapshot.is_fresh(fed.now + 12.1)
    assert not Fed().meter.snapshot.is_fresh(0.0)


def test_a_damaged_frame_keeps_nothing_fresh() -> None:
    fed = Fed(Meter(options(stale_after=12.0))).say(HISTORIC, HISTORIC, HISTORIC)
    damaged = HISTORIC.replace(b"PAPP 00510", b"PAPP 00511")
    fed.say(*[damaged] * 10)
    assert not fed.meter.snapshot.is_fresh(fed.now)
    assert 510 == fed.of(q.APPARENT_POWER_IMPORT)


def test_the_link_is_closed_mute_noisy_or_well() -> None:
    fed = Fed()

    def now() -> str:
        return fed.meter.snapshot.link_state(fed.now)

    states = [now()]
    fed.meter.open_failed()
    states.append(now())
    fed.meter.opened(port="/dev/ttyUSB0", baud_rate="1200")
    states.append(now())
    fed.say(b"\x00\x01")
    fed.meter.refresh()
    states.append(now())
    fed.say(HISTORIC)
    states.append(now())
    fed.wait(60.1)
    states.append(now())
    fed.meter.closed()
    states.append(now())
    assert ["closed", "closed", "mute", "noise", "ok", "mute", "closed"] == states
    assert set(states) == set(LINK_STATES)
    assert (1, 1) == (fed.count("connections"), fed.count("connection_failures"))


def test_a_line_that_is_opened_again_keeps_its_counters_and_its_last_frame() -> None:
    fed = Fed()
    fed.meter.opened(port="/dev/ttyUSB0", baud_rate="1200")
    fed.say(HISTORIC, HISTORIC, HISTORIC)
    fed.meter.closed()
    fed.meter.opened(port="/dev/ttyUSB0", baud_rate="1200")
    assert (3, 2) == (fed.count("frames"), fed.count("connections"))
    assert START + 6 == fed.meter.snapshot.last_frame_unix
    assert HISTORIC_ID == fed.meter_id


def test_what_a_line_is_read_with_is_known_once_a_family_is() -> None:
    fed = Fed()
    fed.meter.opened(port="/dev/ttyUSB0", baud_rate="1200")
    assert {} == fed.meter.snapshot.link
    fed.say(with_even_parity(HISTORIC))
    expected = {"port": "/dev/ttyUSB0", "baud_rate": "1200", "parity": "even", "family": "linky", "mode": "historic"}
    assert expected | {"framing": "plain"} == fed.meter.snapshot.link
    fed.meter.speed_changed("9600")
    fed.say(STANDARD)
    expected = {"port": "/dev/ttyUSB0", "baud_rate": "9600", "parity": "none", "family": "linky", "mode": "standard"}
    assert expected | {"framing": "plain"} == fed.meter.snapshot.link


def test_a_line_through_a_terminal_that_translates_is_read_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    cooked = HISTORIC.replace(b"\r", b"\n").replace(b"\x03", b"")
    fed = Fed().say(*[cooked] * 5)
    assert (HISTORIC_ID, "cooked") == (fed.meter_id, fed.meter.snapshot.link["framing"])
    assert 1 == [record.levelno for record in caplog.records].count(logging.WARNING)


# Counters


@pytest.mark.parametrize(
    ("data", "counter", "reason"),
    [
        (HISTORIC.replace(b"PAPP 00510", b"PAPP 00511"), "invalid_frames", "checksum"),
        (frame(LINKY_HISTORIC, add=("PAPP 00510",)), "invalid_frames", "malformed"),
        (frame(LINKY_HISTORIC, "PAPP 0051A"), "invalid_frames", "invalid_value"),
        (frame(LINKY_HISTORIC, drop=("PTEC",)), "invalid_frames", "missing_context"),
        (HISTORIC[:80] + HISTORIC, "invalid_frames", "truncated"),
        (b"\x02" + b"x" * 9000 + b"\x03", "invalid_frames", "oversized"),
        (frame(LINKY_HISTORIC, add=("FUTURE 1",)), "group_errors", "unknown_label"),
        (HISTORIC[:80] + b"\x04", "interruptions", ""),
    ],
)
def test_every_defect_is_counted_under_its_reason(data: bytes, counter: str, reason: str) -> None:
    fed = Fed().say(HISTORIC)
    frames, groups = fed.count("frames"), fed.count("groups")
    fed.say(data)
    fed.meter.refresh()
    assert 1 == fed.count(counter, reason)
    assert len(HISTORIC) + len(data) == fed.count("received_bytes")
    valid = reason in {"unknown_label", "truncated"}
    assert frames + valid == fed.count("frames")
    assert groups < fed.count("groups") or reason == "oversized"


def test_characters_with_the_wrong_parity_are_counted_and_cost_the_frame() -> None:
    fed = Fed().say(with_even_parity(HISTORIC))
    damaged = bytearray(with_even_parity(HISTORIC))
    damaged[40] ^= 0x40
    fed.say(bytes(damaged))
    assert (1, 1) == (fed.count("parity_errors"), fed.count("frames"))
    assert 1 == sum(count for (name, _), count in fed.meter.snapshot.counts.items() if name == "invalid_frames")
    ignored = Fed(Meter(options(parity=Parity.NONE))).say(with_even_parity(HISTORIC))
    assert (0, 1) == (ignored.count("parity_errors"), ignored.count("frames"))


def test_a_lonely_bad_group_may_be_dropped_instead_of_its_frame() -> None:
    damaged = frame(LINKY_HISTORIC, "PAPP 00920").replace(b"IMAX 090", b"IMAX 091")
    strict, lenient = Fed(), Fed(Meter(options(drop_group=True)))
    for fed in (strict, lenient):
        fed.say(HISTORIC, HISTORIC, HISTORIC, damaged)
        assert 3 == fed.count("frames")
        assert 1 == fed.count("invalid_frames", "checksum")
    assert 510 == strict.of(q.APPARENT_POWER_IMPORT)
    assert 920 == lenient.of(q.APPARENT_POWER_IMPORT)


def test_every_counter_that_is_counted_is_one_that_is_exposed() -> None:
    fed = Fed()
    fed.meter.opened(port="x", baud_rate="")
    fed.meter.open_failed()
    fed.say(HISTORIC, HISTORIC, HISTORIC, OTHER, OTHER, OTHER, HISTORIC[:50] + b"\x04", HISTORIC[:9], HISTORIC)
    known = {(counter.name, reason) for counter in LINK_COUNTERS for reason in counter.reasons or ("",)}
    assert set(fed.meter.snapshot.counts) <= known


# What the threads of scrapes see


def test_every_snapshot_is_of_one_frame_whoever_reads_it_meanwhile() -> None:
    frames = [frame(LINKY_STANDARD, f"EAST\t{n:09}", f"EASF01\t{n:09}", f"SINSTS\t{n % 90:05}") for n in range(1, 5000)]
    fed = Fed().say(*frames[:3])
    done, torn, seen = threading.Event(), [], set()

    def scrape() -> None:
        while not done.is_set():
            snapshot = fed.meter.snapshot
            readings = dict(snapshot.readings)
            total = readings[q.TOTAL_ACTIVE_ENERGY_IMPORT, ()]
            if readings[q.ACTIVE_ENERGY_IMPORT, (("tariff_period", "01"),)] != total:
                torn.append(snapshot)
            seen.add(total)

    threads = [threading.Thread(target=scrape) for _ in range(4)]
    for thread in threads:
        thread.start()
    for one in frames[3:]:
        fed.say(one)
    done.set()
    for thread in threads:
        thread.join()
    assert not torn
    assert len(seen) > 1


def test_a_snapshot_that_a_scrape_holds_never_changes() -> None:
    fed = Fed().say(HISTORIC, HISTORIC, HISTORIC)
    held = fed.meter.snapshot
    readings, counts = dict(held.readings), dict(held.counts)
    fed.say(frame(LINKY_HISTORIC, "PAPP 00900", "BASE 001000001"), frame(LINKY_HISTORIC, "PTEC HP..", "PAPP 00910"))
    assert (readings, counts) == (held.readings, held.counts)
    with pytest.raises(AttributeError):
        held.meter_id = "x"  # type: ignore[misc]
    assert isinstance(held, Snapshot)


# What outlives the process


def test_what_is_remembered_is_given_back_to_the_same_meter_alone() -> None:
    winter = frame(PME_PMI, "PTCOUR1 HPH", "EAP_s 3000kWh", "PMAX_s 30kVA")
    first = Fed(seconds=8).say(*[winter] * 3, *[SHOP] * 3)
    remembered = first.meter.remembered()
    assert remembered is not None
    same, other = Fed(seconds=8), Fed(seconds=8)
    for fed in (same, other):
        fed.wait(3600)
        fed.meter.restore(*remembered)
        assert remembered == fed.meter.remembered()
    same.say(*[SHOP] * 3)
    assert {("HPH",): 1.08e10, ("HPE",): 1.8e10} == same.all_of(q.ACTIVE_ENERGY_IMPORT)
    assert 30_000 == same.of(q.MAX_APPARENT_DEMAND_IMPORT, tariff_period="HPH")
    assert first.of(q.REGISTER_LAST_SEEN, tariff_period="HPH") == same.of(q.REGISTER_LAST_SEEN, tariff_period="HPH")
    other.say(*[frame(PME_PMI, "ADS 041436999999")] * 3)
    assert {("HPE",)} == set(other.all_of(q.ACTIVE_ENERGY_IMPORT))


CJE = (
    "JAUNE 14:05:26:01:21:  :00495:80",
    "ENERG 000100:000200:000300:000400",
    "PERCC 01:11:00:000",
    "PMAXC 01500:01200",
    "TDEPA 00000:00000",
    "PERCP 01:04:00:000",
    "PMAXP 01500:01200",
    "PSOUSC 01500:01200",
    "PSOUSP 01500:01200",
)
KWH = 3.6e6


def cje(pt: str, *kwh: int) -> bytes:
    return frame(CJE, f"JAUNE 14:05:26:01:{pt}:  :00495:80", "ENERG " + ":".join(f"{number:06}" for number in kwh))


@pytest.mark.parametrize(("pt", "first", "second"), [("44", "PM", "HH"), ("22", "HPH", "HCH"), ("23", "HPH", "HCH")])
def test_the_option_of_a_cje_is_known_again_from_the_registers_that_were_kept(pt: str, first: str, second: str) -> None:
    before = Fed().say(*[cje(pt, 100, 200, 300, 400)] * 4).meter.remembered()
    assert before is not None
    again = Fed()
    again.meter.restore(*before)
    again.say(*[cje("21", 101, 201, 300, 400)] * 5)  # a period that tells no option
    assert {(first,): 101 * KWH, (second,): 201 * KWH, ("HPE",): 300 * KWH, ("HCE",): 400 * KWH} == again.all_of(
        q.ACTIVE_ENERGY_IMPORT
    )
    assert 1 == again.of(q.TARIFF_PERIOD, tariff_period="HH" if pt == "44" else "HPH")


def test_of_two_options_that_a_cje_has_had_the_later_one_is_known_again_and_an_equal_pair_tells_nothing() -> None:
    told = {"HPH": 100.0, "HCH": 100.0, "PM": 200.0, "HH": 200.0}
    for shift, expected in ((0.0, {"PM", "HH", "HPE", "HCE"}), (100.0, {"HPE", "HCE"})):
        kept: dict[Key, Kept] = {
            (q.ACTIVE_ENERGY_IMPORT, (("tariff_period", period),)): Kept(
                70_000.0, seen + (shift if period in {"HPH", "HCH"} else 0)
            )
            for period, seen in told.items()
        }
        fed = Fed()
        fed.meter.restore("meter", kept)
        fed.say(*[cje("21", 100, 200, 300, 400)] * 6)
        # A register that no frame tells any more is kept, and not shown as if it stood still.
        assert {(period,) for period in expected} == set(fed.all_of(q.ACTIVE_ENERGY_IMPORT))


def test_an_option_that_a_cje_itself_has_told_is_not_changed_by_what_was_kept() -> None:
    fed = Fed()
    fed.meter.restore("meter", {(q.ACTIVE_ENERGY_IMPORT, (("tariff_period", "HPH"),)): Kept(70_000.0, 100.0)})
    fed.say(*[cje("44", 100, 200, 300, 400)] * 5)
    assert {("PM",), ("HH",), ("HPE",), ("HCE",)} == set(fed.all_of(q.ACTIVE_ENERGY_IMPORT))


def test_a_register_that_was_restored_guards_against_what_the_meter_cannot_have_counted() -> None:
    first = Fed(seconds=8).say(*[SHOP] * 3)
    remembered = first.meter.remembered()
    assert remembered is not None
    again = Fed(seconds=8)
    again.wait(3600)
    again.meter.restore(*remembered)
    again.say(*[frame(PME_PMI, "EAP_s 5010kWh")] * 3)
    assert 5010 * 3.6e6 == again.of(q.ACTIVE_ENERGY_IMPORT, tariff_period="HPE")


def test_a_meter_that_shows_everything_has_nothing_to_remember() -> None:
    fed = Fed()
    assert fed.meter.remembered() is None
    assert fed.say(HISTORIC, HISTORIC, HISTORIC).meter.remembered() is None


def test_ids_that_were_never_confirmed_take_no_memory() -> None:
    meter = Meter(MeterOptions(name="m"))
    for number in range(300):  # years of damaged ids that pass the checksum
        meter.feed(frame(LINKY_HISTORIC, f"ADCO 0410612{number:05}") * 2, number, number)
    sizes = [len(value) for value in vars(meter).values() if isinstance(value, (set, dict, list))]
    assert max(sizes) < 20
