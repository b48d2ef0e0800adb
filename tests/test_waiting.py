"""A line rests in the middle of its frames, and only there; nothing that it says is lost or late."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.lines import open_descriptors
from tic_exporter.waiting import LONGEST_REST, MARGIN, SHORTEST_REST, Pace, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

PERIOD = 1.0


def regular(*ends: float) -> Pace:
    pace = Pace()
    for end in ends:
        pace.frame_ended(end)
    return pace


def test_a_line_does_not_rest_before_two_frames_tell_its_pace() -> None:
    assert 0 == Pace().rest(0.0)
    assert 0 == regular(10.0).rest(10.0)
    assert LONGEST_REST == regular(10.0, 11.0).rest(11.0)


def test_a_line_is_attended_from_shortly_before_the_end_of_its_frame_on() -> None:
    pace = regular(10.0, 11.0)
    now, looks = 11.0, []
    while rest := pace.rest(now):
        now += rest
        looks.append(now)
    assert 12.0 - MARGIN - SHORTEST_REST < looks[-1] <= 12.0 - MARGIN
    assert 2 == len(looks)
    assert all(0 == pace.rest(later) for later in (looks[-1], 12.0, 12.5, 1e6))


@given(st.floats(0.3, 20.0), st.lists(st.floats(-MARGIN / 4, MARGIN / 4), min_size=2, max_size=50))
def test_a_line_whose_pieces_end_early_or_late_by_a_quarter_of_the_margin_never_rests_at_the_end_of_a_frame(
    period: float, jitter: list[float]
) -> None:
    pace = Pace()
    for number, early in enumerate(jitter):
        end = number * period + early
        now = (number - 1) * period + MARGIN
        while (rest := pace.rest(now)) and now < end:
            now += rest
        assert now <= end
        pace.frame_ended(end)


def test_frames_that_become_shorter_are_late_once_and_longer_ones_are_followed_slowly() -> None:
    pace = regular(0.0, 2.0, 4.0)
    assert LONGEST_REST == pace.rest(4.0)
    pace.frame_ended(4.0 + LONGEST_REST)  # somewhere in the rest
    assert 0 == pace.rest(4.5)
    for end in (4.9, 5.4):
        pace.frame_ended(end)
    assert pytest.approx(0.5 - MARGIN) == pace.rest(5.4)
    pace = regular(4.9, 5.4, 7.4, 9.4)
    assert 0.5 - MARGIN < pace.rest(9.4) < 0.53 - MARGIN


def test_a_frame_that_was_noticed_late_does_not_make_the_next_one_late() -> None:
    pace = regular(0.0, 1.0, 2.0)
    assert pace.rest(2.5) > 0
    pace.frame_ended(3.3)  # the system was busy: it ended at 3.0
    assert 0 == pace.rest(3.3)
    pace.frame_ended(4.0)
    assert 0 == pace.rest(4.0)


class Pairs:
    def __init__(self) -> None:
        self.waiting: Waiting[str] = Waiting()
        self._stack = contextlib.ExitStack()
        self._stack.callback(self.waiting.close)

    def add(self, name: str) -> tuple[socket.socket, socket.socket]:
        near, far = socket.socketpair()
        self._stack.callback(near.close)
        self._stack.callback(far.close)
        self.waiting.add(near, name)
        return near, far

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    before = open_descriptors()
    made = Pairs()
    yield made
    made.close()
    assert before == open_descriptors()


def test_owners_of_what_is_ready_are_given(pairs: Pairs) -> None:
    _, first = pairs.add("first")
    pairs.add("second")
    assert [] == pairs.waiting.wait(0.0, 0.0)
    first.send(b"x")
    assert ["first"] == pairs.waiting.wait(10.0, 0.0)


def test_a_resting_line_is_not_given_until_its_time(pairs: Pairs) -> None:
    near, far = pairs.add("resting")
    _, other = pairs.add("other")
    pairs.waiting.rest(near, 100.0)
    far.send(b"x")
    assert [] == pairs.waiting.wait(0.0, 99.9)
    other.send(b"x")
    assert ["other"] == pairs.waiting.wait(0.0, 99.9)
    assert {"resting", "other"} == set(pairs.waiting.wait(0.0, 100.0))


def test_a_wait_ends_when_a_rest_does(pairs: Pairs) -> None:
    near, _ = pairs.add("resting")
    pairs.waiting.rest(near, 100.05)
    started = time.monotonic()
    pairs.waiting.wait(60.0, 100.0)
    assert 0.04 < time.monotonic() - started < 30


def test_the_end_of_a_resting_line_is_noticed_at_once(pairs: Pairs) -> None:
    near, far = pairs.add("resting")
    pairs.waiting.rest(near, 1e9)
    far.close()
    assert ["resting"] == pairs.waiting.wait(10.0, 0.0)


def test_a_rest_of_a_line_that_is_gone_does_not_wake_who_got_its_descriptor(pairs: Pairs) -> None:
    near, _ = pairs.add("gone")
    pairs.waiting.rest(near, 1.0)
    pairs.waiting.remove(near)
    pairs.waiting.add(near, "new")
    pairs.waiting.rest(near, 5.0)
    pairs.waiting.wait(0.0, 2.0)
    assert [] == pairs.waiting.wait(0.0, 2.0)


@pytest.fixture
def _all_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("_all_descriptors")
def test_more_lines_than_select_can_take(pairs: Pairs) -> None:
    """`select` ends at descriptor 1,023; a town has more lines."""
    far = [pairs.add(f"meter {number}")[1] for number in range(700)]
    assert far[-1].fileno() > 1024
    for one in far:
        one.send(b"x")
    assert 700 == len(set(pairs.waiting.wait(10.0, 0.0)))
