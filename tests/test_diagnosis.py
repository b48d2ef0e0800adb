"""What a line looks like, told from what was heard on it."""

from __future__ import annotations

from datetime import datetime
from itertools import cycle
from random import Random

import pytest

from helpers.lines import LINKY_HISTORIC, LINKY_STANDARD, PME_PMI, frame
from helpers.simulated_lines import as_inverted
from tic_exporter.detect import DWELL, SPEEDS
from tic_exporter.diagnosis import QUIET_SECONDS, Diagnosis, Hearing
from tic_exporter.simulator import KINDS, Events, SimulatedMeter, damage, misread
from tic_exporter.symptoms import Symptom
from tic_exporter.tic.parity import with_even_parity

START = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - legal time, as the simulator takes it
STEP = 0.1


def hear(sent: bytes, baud_rate: int, *, seconds: float = 30.0, quiet: float = 0.0) -> Diagnosis:
    """Listen to a line that says the same again and again, as a port does whose speed can be set."""
    hearing = Hearing(0.0)
    speed, now = SPEEDS[0], 0.0
    size = int(baud_rate / 10 * STEP)
    pieces = cycle([sent[start : start + size] for start in range(0, len(sent), size)])
    while now < seconds and not hearing.is_enough():
        piece = next(pieces)
        now += STEP
        hearing.feed(piece if speed == baud_rate else misread(piece, baud_rate, speed), now)
        speed = hearing.next_speed(now) or speed
    return hearing.diagnose(now + quiet)


def said_by(kind: str, frames: int = 4, **switches: bool) -> bytes:
    meter = SimulatedMeter(kind, start=START, events=Events(**switches))  # type: ignore[arg-type]
    return b"".join(with_even_parity(meter.next_frame()) for _ in range(frames))


@pytest.mark.parametrize("kind", KINDS)
def test_a_meter_of_any_kind_is_known_after_a_few_frames(kind: str) -> None:
    meter = SimulatedMeter(kind, start=START)
    found = hear(said_by(kind), meter.baud_rate)

    assert (Symptom.OK, meter.baud_rate, "even", True) == (found.symptom, found.baud_rate, found.parity, found.is_meter)
    assert (KINDS[kind].dialect.name.lower(), 0.0) == (found.mode, found.error_ratio)
    assert found.family
    assert found.meter_id in {"", meter.meter_id}


def test_what_a_linky_says_of_itself_is_told() -> None:
    found = hear(with_even_parity(frame(LINKY_STANDARD)), 9600)

    assert ("linky", "standard", "041061234567", "BASE", "1") == (
        found.family,
        found.mode,
        found.meter_id,
        found.contract,
        found.phases,
    )
    assert found.frames_per_minute is not None
    assert 600 < found.frames_per_minute * len(frame(LINKY_STANDARD)) / 60 <= 9600 / 10
    assert () == found.notes


@pytest.mark.parametrize("baud_rate", SPEEDS)
def test_every_speed_is_found(baud_rate: int) -> None:
    assert baud_rate == hear(with_even_parity(frame(PME_PMI)), baud_rate).baud_rate


def test_silence_is_mute_and_no_speed_is_tried_for_it() -> None:
    hearing = Hearing(0.0)

    assert None is hearing.next_speed(100 * DWELL)
    found = hearing.diagnose(100.0)
    assert (Symptom.MUTE, None, False, None, None) == (
        found.symptom,
        found.baud_rate,
        found.is_meter,
        found.error_ratio,
        found.frames_per_minute,
    )


@pytest.mark.parametrize("resumes", [False, True])
# Without two of its groups: the whole frame takes as long as one round of all speeds, and would never begin at its own.
@pytest.mark.parametrize("lines", [LINKY_HISTORIC, PME_PMI[:-2]], ids=["historic", "pme-pmi 2013"])
def test_an_inverted_line_is_told_from_noise(lines: tuple[str, ...], *, resumes: bool) -> None:
    sent = with_even_parity(frame(lines) * 3)

    assert Symptom.INVERTED is hear(as_inverted(sent, resumes=resumes), 1200).symptom


def test_a_meter_slower_than_every_speed_is_read_too_fast() -> None:
    assert Symptom.WRONG_SPEED is hear(with_even_parity(frame(PME_PMI)), 300).symptom


def test_a_bridge_at_the_wrong_speed_is_told_by_its_bytes_alone() -> None:
    hearing = Hearing(0.0, has_speed=False)
    hearing.feed(misread(with_even_parity(frame(LINKY_HISTORIC)), 1200, 9600), 1.0)

    assert None is hearing.next_speed(100.0)
    assert (Symptom.WRONG_SPEED, None) == (hearing.diagnose(2.0).symptom, hearing.diagnose(2.0).baud_rate)


def test_random_characters_are_noise() -> None:
    noise = Random(1)  # noqa: S311 - of a test
    assert Symptom.NOISE is hear(noise.randbytes(2000), 9600, seconds=12).symptom


@pytest.mark.parametrize("rate", [0.002, 0.01, 0.02])
def test_right_groups_among_many_wrong_ones_are_a_weak_signal(rate: float) -> None:
    random = Random(2)  # noqa: S311 - of a test
    clean = said_by("linky-standard", 8)
    found = hear(b"".join(damage(clean, random, rate) for _ in range(3)), 9600, seconds=15)

    assert Symptom.WEAK is found.symptom
    assert 9600 == found.baud_rate
    assert found.error_ratio is not None
    assert found.error_ratio > 0.05


def test_a_meter_in_standby_sends_its_id_alone() -> None:
    found = hear(said_by("cbemm", standby=True), 1200)

    assert (Symptom.STANDBY, "040701028024", True) == (found.symptom, found.meter_id, found.is_meter)


def test_test_mode_shows() -> None:
    assert Symptom.TEST is hear(said_by("pme-pmi", test_mode=True), 1200).symptom


def test_silence_after_right_groups_is_a_meter_that_stopped() -> None:
    sent = with_even_parity(frame(LINKY_STANDARD))

    assert Symptom.STOPPED is hear(sent, 9600, quiet=QUIET_SECONDS).symptom
    assert Symptom.OK is hear(sent, 9600, quiet=QUIET_SECONDS / 2).symptom


def test_a_terminal_that_translates_shows() -> None:
    cooked = (frame(LINKY_HISTORIC) * 5).replace(b"\r", b"\n").replace(b"\x03", b"")

    hearing = Hearing(0.0, has_speed=False)
    hearing.feed(cooked, 1.0)
    assert Symptom.COOKED is hearing.diagnose(2.0).symptom


def test_groups_without_a_start_of_frame_lost_it_on_the_way() -> None:
    bare = frame(LINKY_HISTORIC).strip(b"\x02\x03")
    found = hear(bare, 1200, seconds=10)

    assert (Symptom.BARE, False) == (found.symptom, found.is_meter)


def test_a_stream_without_parity_and_frames_that_were_broken_off_are_noted() -> None:
    text = frame(LINKY_HISTORIC)
    found = hear(text + text[:40] + b"\x04" + text, 1200)

    assert Symptom.OK is found.symptom
    assert ["parity was taken off", "frames that the meter broke off (EOT): 1"] == [
        note.split(" on the way")[0].split(";")[0] for note in found.notes
    ]


def test_each_symptom_has_words_and_whatever_is_wrong_has_something_to_try() -> None:
    for symptom in Symptom:
        assert symptom.text
        assert (symptom is Symptom.OK) == (not symptom.remedies)
