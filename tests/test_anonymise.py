"""What tells whose meter it is leaves a stream; everything else stays."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.lines import LINKY_HISTORIC, LINKY_STANDARD, PME_PMI, frame
from tic_exporter.anonymise import Anonymiser
from tic_exporter.simulator import KINDS, Events, SimulatedMeter, damage, misread
from tic_exporter.tic import quantities as q
from tic_exporter.tic.decoding import Decoder
from tic_exporter.tic.framing import SEVEN_BITS, Framer
from tic_exporter.tic.parity import with_even_parity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tic_exporter.tic.frames import DecodedFrame

START = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - legal time, as the simulator takes it
PRIVATE_LABELS = {"ADCO", "ADSC", "ADS", "PRM", "MSG1", "MSG2", "MESSAGE"}
PRIVATE = {q.METERING_POINT, q.MESSAGE, q.SHORT_MESSAGE}
DELIMITERS = b"\x02\x03\x04\n\r"


def anonymised(data: bytes, piece: int = 50) -> bytes:
    anonymiser = Anonymiser()
    parts = [anonymiser.feed(data[start : start + piece]) for start in range(0, len(data), piece)]
    return b"".join([*parts, anonymiser.finish()])


def decoded(data: bytes) -> list[DecodedFrame]:
    decoder = Decoder()
    return [decoder.decode(raw) for raw in Framer().feed(data)]


def said(frames: list[DecodedFrame]) -> list[object]:
    """Give all that frames say, without what is private."""
    return [
        (
            each.cut,
            each.is_valid,
            (each.is_test, each.parity, each.family) if each.is_valid else None,
            [(got.quantity, got.dimensions, got.value) for got in each.readings if got.quantity not in PRIVATE],
        )
        for each in frames
    ]


def secrets(data: bytes) -> set[bytes]:
    """Find every id, metering point and message of a stream, and the serial number in each id."""
    groups = [group for each in decoded(data) for group in each.groups if group.label in PRIVATE_LABELS]
    values = {group.value for group in groups if group.value.strip(" 0")}
    serials = {value[6:] for value in values if len(value) == 12}
    return {text.encode() for text in values | serials}


def simulated(kind: str, events: Events | None = None) -> bytes:
    meter = SimulatedMeter(kind, start=START, seed=5, events=events)
    return b"".join(meter.next_frame() for _ in range(6))


def check(data: bytes) -> None:
    clean = anonymised(data)
    assert len(data) == len(clean)
    assert said(decoded(data)) == said(decoded(clean))
    assert [] == [secret for secret in secrets(data) if secret in clean.translate(SEVEN_BITS)]


@pytest.mark.parametrize("carried", [bytes, with_even_parity], ids=["8N1", "7E1"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_of_any_meter_is_left_and_all_readings_are(kind: str, carried: Callable[[bytes], bytes]) -> None:
    check(carried(simulated(kind, Events(message="MADAME DUPONT, 3 RUE DE LA PAIX", short_message="APPELEZ DUPONT"))))


@pytest.mark.parametrize("carried", [bytes, with_even_parity], ids=["8N1", "7E1"])
@pytest.mark.parametrize("kind", KINDS)
def test_damage_reveals_nothing_and_stays_damage(kind: str, carried: Callable[[bytes], bytes]) -> None:
    random = Random(kind)  # noqa: S311 - of a test
    bits = 8 if carried is with_even_parity else 7
    clean = carried(simulated(kind))
    for _ in range(3):
        damaged = damage(clean, random, 0.001, bits=bits, loss_rate=0.0005)
        result = anonymised(damaged)
        assert said(decoded(damaged)) == said(decoded(result))
        assert [] == [secret for secret in secrets(clean) if secret in result.translate(SEVEN_BITS)]


def test_no_secret_of_a_real_meter_is_left_and_all_readings_are(captures: Path) -> None:
    for recording in sorted(captures.glob("*/*.tic")):
        check(recording.read_bytes())


def test_an_id_keeps_maker_year_and_type_and_two_meters_stay_two() -> None:
    one, two = frame(LINKY_HISTORIC), frame(LINKY_HISTORIC, "ADCO 021975654321")
    result = decoded(anonymised(one + two + one))

    assert ["041061000001", "021975000001", "041061000001"] == [each.meter_id for each in result]


def test_a_pseudonym_is_never_the_name_that_it_stands_for() -> None:
    mine = frame(LINKY_HISTORIC, "ADCO 041061000001")

    assert ["041061000002"] * 2 == [each.meter_id for each in decoded(anonymised(mine * 2))]
    text = frame(LINKY_STANDARD, "MSG1\tTEXT 1                          ")
    assert b"MSG1\tTEXT 2   " in anonymised(text)


def test_hexadecimal_ids_short_messages_and_odd_metering_points_keep_their_form() -> None:
    standard = anonymised(frame(LINKY_STANDARD, "MSG1\tHELLO", "PRM\t1234567890123"))

    assert b"\tXXXXX\t" in standard
    assert b"PRM\t0000000000000\t" in standard
    assert "0414A6000001" == decoded(anonymised(frame(PME_PMI, "ADS 0414A6028024")))[0].meter_id


def test_what_says_nothing_stays() -> None:
    silent = frame(
        LINKY_STANDARD, "ADSC\t000000000000", "PRM\t00000000000000", "MSG1\t                                "
    )

    assert silent == anonymised(silent)


def test_a_label_of_the_future_keeps_its_name_and_the_form_of_its_value() -> None:
    plain = frame(LINKY_STANDARD, add=["FUTURE\tE260714120000\tJean 123,4"])
    result = decoded(anonymised(plain))[0]

    assert ("FUTURE", "XXXX 000.0", "X000000000000") == tuple(
        next((g.label, g.value, g.timestamp) for g in result.groups if g.label == "FUTURE")
    )
    assert b"\n000000000\t0" in anonymised(frame(LINKY_STANDARD, add=["123456789\t1"]))


def test_a_refused_value_is_news_unless_it_could_hide_a_number() -> None:
    odd = frame(LINKY_STANDARD, "PCOUP\t1A", "URMS1\t041061234567")
    clean = anonymised(odd)

    assert b"\nPCOUP\t1A\t" in clean
    assert b"\nURMS1\t000000000000\t" in clean
    assert said(decoded(odd)) == said(decoded(clean))
    long = frame(LINKY_HISTORIC, "MOTDETAT 041061234567", "IMAX 04106123456")
    assert b"\nMOTDETAT 000000000000 " in anonymised(long)
    assert said(decoded(long)) == said(decoded(anonymised(long)))


def test_a_masked_group_never_becomes_right_by_chance() -> None:
    for code in range(0x20, 0x60):
        data = b"\x02\nURMS1 ADCO 041061234567 %c\r\x03" % code
        before, after = decoded(data)[0], decoded(anonymised(data))[0]
        assert (before.right_checksums, False) == (after.right_checksums, b"041061234567" in anonymised(data))


def test_noise_leaves_no_picture_of_what_was_sent() -> None:
    heard = misread(with_even_parity(frame(LINKY_HISTORIC) * 3), 1200, 9600)
    clean = anonymised(heard)

    assert set(DELIMITERS) | {0x7F, 0xFF, 0x09} >= set(clean) or clean.translate(SEVEN_BITS).translate(
        None, DELIMITERS + b"\x7f\tX."
    ) in {b"", b" " * len(clean)}
    assert len(heard) == len(clean)


@given(st.binary(max_size=2000), st.integers(1, 300))
def test_any_bytes_keep_their_number_and_their_delimiters_however_they_are_cut(data: bytes, piece: int) -> None:
    clean = anonymised(data, piece)
    view, clean_view = data.translate(SEVEN_BITS), clean.translate(SEVEN_BITS)

    assert len(data) == len(clean)
    for before, after in zip(view, clean_view, strict=True):
        assert (before == after) if before in DELIMITERS else after not in DELIMITERS


@pytest.mark.parametrize("piece", [1, 7, 64, 1000, 10**6])
def test_how_a_stream_is_cut_changes_nothing_of_frames(piece: int) -> None:
    data = with_even_parity(frame(LINKY_STANDARD) * 3)

    assert anonymised(data) == anonymised(data, piece)


def test_a_line_without_an_end_is_not_waited_for_for_ever() -> None:
    anonymiser = Anonymiser()
    given_back = sum(len(anonymiser.feed(b"1234567890" * 10)) for _ in range(100))

    assert 10_000 - 600 < given_back
