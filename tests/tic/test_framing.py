"""Bytes to frames, whatever the chunks."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.frames import PMEPMI, SINGLE_PHASE_HC, STANDARD_CONSUMER, body, even, wire
from tic_exporter.tic.framing import LONGEST_FRAME, Cut, Framer, RawFrame

STX, ETX, EOT = b"\x02", b"\x03", b"\x04"

DELIMITERS = st.sampled_from([b"\x02", b"\x03", b"\x04", b"\x82", b"\x83", b"\x84", b"\r", b"\n", b"\n\n", b"\r\n"])
STREAMS = st.lists(st.one_of(DELIMITERS, st.binary(max_size=20)), max_size=30).map(b"".join)


def frames_of(*chunks: bytes) -> list[RawFrame]:
    framer = Framer()
    return [frame for chunk in chunks for frame in framer.feed(chunk)]


def cuts_of(*chunks: bytes) -> list[tuple[bytes, Cut]]:
    return [(frame.body, frame.cut) for frame in frames_of(*chunks)]


@pytest.mark.parametrize(
    ("stream", "frames"),
    [
        (b"", []),
        (b"\x02A\x03", [(b"A", Cut.COMPLETE)]),
        (b"\x02\x03", [(b"", Cut.COMPLETE)]),
        (b"\x02A\x04", [(b"A", Cut.INTERRUPTED)]),
        (b"\x02A\x02B\x03", [(b"A", Cut.TRUNCATED), (b"B", Cut.COMPLETE)]),
        (b"\x02\x02\x03", [(b"", Cut.TRUNCATED), (b"", Cut.COMPLETE)]),
        (b"\x02A\x04B\x03\x02C\x03", [(b"A", Cut.INTERRUPTED), (b"C", Cut.COMPLETE)]),
        (b"\x02A", []),
    ],
)
def test_a_delimiter_ends_a_frame_in_its_own_way(stream: bytes, frames: list[tuple[bytes, Cut]]) -> None:
    assert frames == cuts_of(stream)


@pytest.mark.parametrize("noise", [b"A", b"\x00", b"\r\n", ETX, EOT, b"A\x03B\x04C", b"\x83\x84"])
def test_what_stands_before_the_first_frame_and_between_frames_belongs_to_none(noise: bytes) -> None:
    assert [(b"1", Cut.COMPLETE), (b"2", Cut.COMPLETE)] == cuts_of(
        noise + b"\x021\x03" + noise + b"\x022\x03" + noise,
    )


def test_characters_stay_as_the_line_gave_them() -> None:
    frame = body(SINGLE_PHASE_HC)

    assert [(even(frame), Cut.COMPLETE)] == cuts_of(even(wire(SINGLE_PHASE_HC)))
    assert [(frame, Cut.COMPLETE)] == cuts_of(wire(SINGLE_PHASE_HC))


@pytest.mark.parametrize(
    ("stx", "etx", "eot"), list(product((b"\x02", b"\x82"), (b"\x03", b"\x83"), (b"\x04", b"\x84")))
)
def test_delimiters_are_known_whatever_their_eighth_bit(stx: bytes, etx: bytes, eot: bytes) -> None:
    assert [(b"A", Cut.COMPLETE), (b"B", Cut.INTERRUPTED), (b"C", Cut.TRUNCATED)] == cuts_of(
        stx + b"A" + etx + stx + b"B" + eot + stx + b"C" + stx
    )


@given(STREAMS, st.lists(st.integers(0, 600), max_size=12))
def test_chunks_never_matter(stream: bytes, places: list[int]) -> None:
    ends = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(ends)]

    assert frames_of(stream) == frames_of(*chunks)


@pytest.mark.parametrize(
    "groups", [SINGLE_PHASE_HC, STANDARD_CONSUMER, PMEPMI], ids=["historic", "standard", "pme-pmi"]
)
@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_frames_of_meters_come_out_the_same_in_chunks_of_any_size(
    groups: tuple[str, ...],
    parity: bool,  # noqa: FBT001
    size: int,
) -> None:
    stream = wire(groups, groups)
    stream = even(stream) if parity else stream
    expected = even(body(groups)) if parity else body(groups)

    assert [(expected, Cut.COMPLETE)] * 2 == cuts_of(
        *(stream[start : start + size] for start in range(0, len(stream), size))
    )


@given(STREAMS)
def test_a_body_holds_no_delimiter(stream: bytes) -> None:
    for frame in frames_of(stream):
        assert not set(frame.body) & {0x02, 0x03, 0x04, 0x82, 0x83, 0x84}


@pytest.mark.parametrize("size", [1, 17, 4096, 100_000])
def test_a_frame_may_be_as_long_as_the_limit_and_not_one_byte_longer(size: int) -> None:
    for length, frame in (
        (LONGEST_FRAME, (b"A" * LONGEST_FRAME, Cut.COMPLETE)),
        (LONGEST_FRAME + 1, (b"", Cut.OVERSIZED)),
    ):
        stream = STX + b"A" * length + ETX + b"\x02B\x03"
        chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert [frame, (b"B", Cut.COMPLETE)] == cuts_of(*chunks)


@pytest.mark.parametrize("end", [STX, EOT, ETX])
def test_the_delimiter_behind_a_frame_that_is_too_long_still_counts(end: bytes) -> None:
    after = [(b"B", Cut.COMPLETE)] if end == STX else []

    assert [(b"", Cut.OVERSIZED), *after] == cuts_of(STX + b"A" * (LONGEST_FRAME + 1) + end + b"B\x03")


@pytest.mark.parametrize("length", [1024, 1727, 4500])
def test_the_longest_frames_of_meters_are_whole(length: int) -> None:
    assert [(b"A" * length, Cut.COMPLETE)] == cuts_of(*(bytes([code]) for code in STX + b"A" * length + ETX))


def test_a_frame_without_an_end_takes_bounded_memory_and_is_said_once() -> None:
    framer = Framer()
    framer.feed(STX)
    tracemalloc.start()
    try:
        said = [frame.cut for _ in range(2000) for frame in framer.feed(b"A" * 1000)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [Cut.OVERSIZED] == said
    assert 20 * LONGEST_FRAME > peak
    assert [RawFrame(b"B", Cut.COMPLETE)] == framer.feed(b"\x02B\x03")


def test_noise_without_a_frame_is_not_kept() -> None:
    framer = Framer()
    tracemalloc.start()
    try:
        for _ in range(2000):
            assert [] == framer.feed(b"A" * 1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 20 * LONGEST_FRAME > peak


def test_after_a_reset_the_open_frame_is_forgotten() -> None:
    framer = Framer()
    framer.feed(b"\x02A")
    framer.reset()

    assert [RawFrame(b"B", Cut.COMPLETE)] == framer.feed(b"C\x03\x02B\x03")


# --- through a terminal in canonical mode: CR became LF, ETX is gone -------------------------------------------------


def cooked(*frames: tuple[str, ...]) -> bytes:
    return b"".join(b"\x02%b" % body(groups).replace(b"\r", b"\n") for groups in frames) + STX


@pytest.mark.parametrize(
    "groups", [SINGLE_PHASE_HC, STANDARD_CONSUMER, PMEPMI], ids=["historic", "standard", "pme-pmi"]
)
def test_a_cooked_stream_ends_its_frames_by_the_next_one(groups: tuple[str, ...]) -> None:
    assert [RawFrame(body(groups), Cut.COMPLETE, cooked=True)] * 2 == frames_of(cooked(groups, groups))


def test_one_end_of_frame_proves_that_a_stream_is_not_cooked() -> None:
    framer = Framer()
    framer.feed(b"\x02A\x03")

    assert [Cut.TRUNCATED] == [frame.cut for frame in framer.feed(cooked(SINGLE_PHASE_HC))]
    framer.reset()
    assert [Cut.COMPLETE] == [frame.cut for frame in framer.feed(cooked(SINGLE_PHASE_HC))]


@pytest.mark.parametrize(
    "stream",
    [
        b"\x02\nA B C\r\n\nD E F\n\x02",  # a CR is left
        b"\x02\nA B C\n\x02",  # no empty line between groups
        b"\x02" + even(b"\nA B C\n\nD E F\n") + b"\x02",  # a terminal in canonical mode at 8 bits has no parity bit
    ],
)
def test_what_does_not_look_cooked_is_a_frame_that_lost_its_end(stream: bytes) -> None:
    assert [Cut.TRUNCATED] == [frame.cut for frame in frames_of(stream)]


def test_a_cooked_frame_that_the_meter_broke_off_stays_broken_off() -> None:
    assert [Cut.INTERRUPTED] == [frame.cut for frame in frames_of(cooked(SINGLE_PHASE_HC)[:-1] + EOT)]
