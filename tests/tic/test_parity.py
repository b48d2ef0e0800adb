"""Even parity, in software."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.frames import PMEPMI, SINGLE_PHASE_HC, STANDARD_CONSUMER, body, even
from tic_exporter.tic.parity import WRONG, Parity, check, count_wrong, with_even_parity

ASCII = st.binary(max_size=300).map(lambda data: bytes(code & 0x7F for code in data))
FRAMES = [body(groups) for groups in (SINGLE_PHASE_HC, STANDARD_CONSUMER, PMEPMI)]


def test_each_seven_bit_character_has_an_even_number_of_bits_on_the_line() -> None:
    for code in range(128):
        (sent,) = with_even_parity(bytes([code]))
        assert code == sent & 0x7F
        assert 0 == sent.bit_count() % 2


@given(ASCII)
def test_what_is_sent_with_parity_is_read_without_error(text: bytes) -> None:
    assert even(text) == with_even_parity(text)
    assert (text, Parity.EVEN, True) == check(with_even_parity(text), Parity.EVEN)
    assert (text, Parity.NONE, True) == check(with_even_parity(text), Parity.NONE)


@given(ASCII.filter(bool), st.data())
def test_each_single_bit_error_is_found_at_its_character(text: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    sent = bytearray(with_even_parity(text))
    sent[place] ^= 1 << data.draw(st.integers(0, 7))
    received, parity, is_clean = check(bytes(sent), Parity.EVEN)

    assert (Parity.EVEN, False) == (parity, is_clean)
    assert [place] == [index for index, code in enumerate(received) if code & WRONG]
    assert 1 == count_wrong(received)
    assert text[:place] + text[place + 1 :] == received[:place] + received[place + 1 :]


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame_tells_by_itself_whether_it_carries_parity(frame: bytes) -> None:
    assert (frame, Parity.EVEN, True) == check(even(frame), None)
    assert (frame, Parity.NONE, True) == check(frame, None)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_few_set_bits_in_a_frame_without_parity_are_damage_and_stay(frame: bytes) -> None:
    damaged = bytearray(frame)
    for place in range(0, len(frame), 40):
        damaged[place] ^= 0x80
    received, parity, is_clean = check(bytes(damaged), None)

    assert (bytes(damaged), Parity.NONE, False) == (received, parity, is_clean)
    assert len(range(0, len(frame), 40)) == count_wrong(received)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_few_errors_do_not_hide_that_a_frame_carries_parity(frame: bytes) -> None:
    sent = bytearray(even(frame))
    for place in range(0, len(frame), 40):
        sent[place] ^= 0x40
    received, parity, is_clean = check(bytes(sent), None)

    assert (Parity.EVEN, False) == (parity, is_clean)
    assert len(range(0, len(frame), 40)) == count_wrong(received)


def test_without_parity_the_eighth_bit_is_not_looked_at() -> None:
    every = bytes(range(256))

    assert (bytes(range(128)) * 2, Parity.NONE, True) == check(every, Parity.NONE)


def test_nothing_has_no_parity_to_show() -> None:
    assert (b"", Parity.NONE, True) == check(b"", None)
    assert (b"", Parity.EVEN, True) == check(b"", Parity.EVEN)
    assert 0 == count_wrong(b"")
