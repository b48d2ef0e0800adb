"""Which speed a line has: votes of right checksums, one speed after the other."""

from __future__ import annotations

from datetime import datetime

import pytest

from helpers.lines import LINKY_HISTORIC, LINKY_STANDARD, PME_PMI, frame
from tic_exporter.detect import DWELL, SPEEDS, VOTES, SpeedSearch, Votes
from tic_exporter.simulator import KINDS, SimulatedMeter, misread
from tic_exporter.tic.parity import with_even_parity

NOISE = bytes(range(256)) * 4


def votes_of(data: bytes, piece: int | None = None) -> Votes:
    votes = Votes()
    for start in range(0, len(data), piece or len(data)):
        votes.feed(data[start : start + (piece or len(data))])
    return votes


@pytest.mark.parametrize("lines", [LINKY_HISTORIC, LINKY_STANDARD, PME_PMI], ids=["historic", "standard", "pme-pmi"])
@pytest.mark.parametrize("carried", [bytes, with_even_parity], ids=["8N1", "7E1"])
def test_every_group_of_a_frame_votes_for_the_speed_in_either_dialect_with_or_without_parity(
    lines: tuple[str, ...], carried: type[bytes]
) -> None:
    votes = votes_of(carried(frame(lines)))
    assert (len(lines), 0) == (votes.right, votes.wrong)


@pytest.mark.parametrize("piece", [1, 2, 7, 64, 1000])
def test_how_the_stream_is_cut_changes_no_vote(piece: int) -> None:
    data = frame(PME_PMI) * 2
    assert (len(PME_PMI) * 2, 0) == (votes_of(data, piece).right, votes_of(data, piece).wrong)


def test_three_right_groups_decide_wherever_they_stand() -> None:
    data = frame(LINKY_HISTORIC)
    ends = [place for place, code in enumerate(data) if code == 0x0D]
    assert not votes_of(data[: ends[VOTES - 1]]).decided
    assert votes_of(data[: ends[VOTES - 1] + 1]).decided
    assert votes_of(data[20 : ends[VOTES] + 1]).decided


def test_more_wrong_than_right_groups_decide_nothing() -> None:
    data = frame(LINKY_HISTORIC)
    right = data[1 : data.index(b"\r") + 1]
    wrong = right.replace(b"ADCO", b"ADCP")
    assert not votes_of(right * 3 + wrong * 3).decided
    assert votes_of(right * 4 + wrong * 3).decided


@pytest.mark.parametrize("sent_at", SPEEDS)
@pytest.mark.parametrize("kind", ["linky-standard", "linky-historic", "pme-pmi"])
def test_what_a_receiver_at_the_wrong_speed_hears_decides_nothing(kind: str, sent_at: int) -> None:
    meter = SimulatedMeter(kind, start=datetime(2026, 7, 14, 12), baud_rate=sent_at)  # noqa: DTZ001 - legal time
    data = with_even_parity(b"".join(meter.next_frame() for _ in range(3)))
    assert votes_of(data).decided
    assert [sent_at] == [speed for speed in SPEEDS if votes_of(misread(data, sent_at, speed)).decided]


def test_the_tail_that_is_kept_for_the_next_piece_is_bounded() -> None:
    votes = Votes()
    for _ in range(100):
        votes.feed(NOISE.replace(b"\r", b""))
    assert len(votes._tail) <= 140


@pytest.mark.parametrize("first", SPEEDS)
def test_the_search_begins_at_the_speed_that_is_set_and_tries_every_other_before_it_comes_again(first: int) -> None:
    search = SpeedSearch(first, 0.0)
    tried = [search.speed]
    now = 0.0
    for _ in SPEEDS:
        search.feed(NOISE)
        now += DWELL
        speed = search.next_speed(now)
        assert speed == search.speed
        tried.append(speed)
    assert [first, *(speed for speed in SPEEDS if speed != first), first] == tried


def test_all_speeds_are_heard_within_7_5_seconds() -> None:
    assert DWELL * len(SPEEDS) <= 7.5


def test_a_silent_line_is_waited_for_and_then_has_its_whole_time_at_this_speed() -> None:
    search = SpeedSearch(9600, 0.0)
    assert [None] * 5 == [search.next_speed(now) for now in (0.0, 1.0, 10.0, 100.0, 1000.0)]
    search.feed(b"\x02")
    assert search.next_speed(1000.1) is None
    search.feed(NOISE)
    assert search.next_speed(1000.0 + DWELL - 0.1) is None
    assert search.next_speed(1000.0 + DWELL) == 1200


def test_the_right_speed_is_said_as_soon_as_three_groups_were_right() -> None:
    search = SpeedSearch(9600, 0.0)
    assert not search.feed(NOISE)
    assert search.next_speed(DWELL) == 1200
    data = frame(LINKY_HISTORIC)
    assert not search.feed(data[:30])
    assert search.feed(data[30:])


def test_what_was_heard_at_another_speed_is_forgotten() -> None:
    search = SpeedSearch(9600, 0.0)
    data = frame(LINKY_HISTORIC)
    ends = [place for place, code in enumerate(data) if code == 0x0D]
    assert not search.feed(data[: ends[1] + 1])
    assert search.next_speed(DWELL) == 1200
    assert not search.feed(data[ends[1] + 1 : ends[3] + 1])


def test_every_kind_of_meter_is_found_at_its_own_speed() -> None:
    for kind, row in KINDS.items():
        meter = SimulatedMeter(kind, start=datetime(2026, 7, 14, 12))  # noqa: DTZ001 - legal time
        search = SpeedSearch(row.baud_rate, 0.0)
        heard = with_even_parity(b"".join(meter.next_frame() for _ in range(4)))
        assert (kind, True) == (kind, search.feed(heard))
