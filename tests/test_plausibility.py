"""What cannot have been counted is held back, and believed in the end."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tic_exporter.plausibility import (
    ASSUMED_TD,
    CLOCK_TOLERANCE,
    CONFIRMATIONS,
    ClockFilter,
    IntervalAccumulator,
    Limits,
    RegisterFilter,
    Rejection,
    Td,
)
from tic_exporter.tic.codecs import LocalTime

FELL, JUMPED = Rejection.REGISTER_FELL, Rejection.REGISTER_JUMPED
# 9 kW, and 250 kW at most; a display in Wh.
LIMITS = Limits(speed=2.5, largest_speed=70.0, step=1)
KILO = Limits(speed=0.1, largest_speed=5000.0, step=1000)
WITHIN_A_FRAME = Limits(speed=2.5, largest_speed=70.0, step=1, margin=10.0)
TWO = 2.0


def offered(register: RegisterFilter, *values: float, seconds: float = TWO, limits: Limits = LIMITS) -> list[object]:
    return [register.offer(value, seconds, limits) for value in values]


# Registers


def test_a_first_value_is_believed_when_the_next_frame_agrees() -> None:
    register = RegisterFilter()
    assert [None] == offered(register, 1000)
    assert (None, False) == (register.value, register.pending is None)
    assert [None] == offered(register, 1000)
    assert (1000, True) == (register.value, register.pending is None)


def test_two_first_values_that_do_not_agree_are_not_believed() -> None:
    register = RegisterFilter()
    assert [None, None] == offered(register, 1000, 900_000)
    assert register.value is None
    assert [None, None] == offered(register, 900_001, 900_002)
    assert register.value in {900_000, 900_001}


def test_a_register_that_rises_is_followed() -> None:
    register = RegisterFilter()
    assert [None] * 8 == offered(register, 1000, 1000, 1001, 1001, 1003, 1003, 1003, 1008)
    assert 1003 <= (register.value or 0) <= 1008


@pytest.mark.parametrize(("wrong", "reason"), [(999.0, FELL), (0.0, FELL), (1100.0, JUMPED), (999_999_999.0, JUMPED)])
def test_one_wrong_value_is_held_back_counted_and_forgotten(wrong: float, reason: Rejection) -> None:
    register = RegisterFilter(1000.0)
    assert [reason] == offered(register, wrong)
    assert 1000.0 == register.value
    assert [None, None, None] == offered(register, 1001, 1001, 1001)
    assert (1001, True, 0) == (register.value, register.pending is None, register.restarts)


@pytest.mark.parametrize(("new", "reason"), [(0.0, FELL), (900_000.0, JUMPED)])
def test_what_two_further_frames_confirm_is_believed(new: float, reason: Rejection) -> None:
    register = RegisterFilter(1000.0)
    said = offered(register, new, new + 1, new + 1)
    assert CONFIRMATIONS == 2
    assert {reason} >= set(said) - {None}
    assert reason is said[0]
    assert new <= (register.value or 0) <= new + 1
    assert (new < 1000) == register.restarts


def test_a_wrap_at_the_maximum_is_a_restart() -> None:
    register = RegisterFilter(999_999_999.0)
    offered(register, 1, 1, 2, 2)
    assert (2, 1) == (register.value, register.restarts)


@pytest.mark.parametrize("step", [1.0, 1000.0])
def test_a_step_of_one_display_unit_is_always_plausible(step: float) -> None:
    limits = LIMITS if step == 1.0 else KILO
    register = RegisterFilter(5000.0)
    assert [None, None] == offered(register, 5000 + step, 5000 + step, seconds=0.001, limits=limits)
    assert 5000 + step == register.value


def test_after_a_long_gap_a_proportional_rise_is_plausible() -> None:
    register = RegisterFilter(1000.0)
    assert [None] == offered(register, 1000 + 2.5 * 86_400, seconds=86_400)
    register = RegisterFilter(1000.0)
    assert [JUMPED] == offered(register, 1000 + 2.6 * 86_400, seconds=86_400)


def test_a_line_that_draws_more_than_its_contract_allows_is_not_stuck() -> None:
    register = RegisterFilter(1000.0)
    value = 1000.0
    for _ in range(100):
        value += 30.0  # 54 kW
        register.offer(value, TWO, LIMITS)
    assert register.value is not None
    assert value - register.value <= 30.0 * (CONFIRMATIONS + 1)


def test_values_that_no_two_frames_agree_on_are_never_believed() -> None:
    register = RegisterFilter(1000.0)
    for number in range(50):
        register.offer(500_000.0 if number % 2 else 10.0, TWO, LIMITS)
    assert 1000.0 == register.value


def test_a_recording_that_ends_believes_what_is_plausible_and_nothing_else() -> None:
    for values, believed in (([], None), ([1000], 1000), ([1000, 1000, 1001], 1001), ([1000, 1000, 5], 1000)):
        register = RegisterFilter()
        offered(register, *values)
        register.settle()
        assert believed == register.value


@settings(max_examples=200, deadline=None)
@given(
    rises=st.lists(st.integers(0, 4), min_size=4, max_size=60),
    wrong=st.dictionaries(st.integers(0, 59), st.integers(0, 999_999_999), max_size=3),
)
def test_single_wrong_values_never_appear_and_the_register_only_rises(rises: list[int], wrong: dict[int, int]) -> None:
    isolated = {
        place: value for place, value in wrong.items() if place > 2 and not {place - 1, place - 2} & wrong.keys()
    }
    register, true = RegisterFilter(), 100_000
    truths: set[float | None] = {None}
    believed = []
    for place, rise in enumerate(rises):
        true += rise
        truths.add(true)
        register.offer(float(isolated.get(place, true)), TWO, LIMITS)
        believed.append(register.value)
    assert set(believed) <= truths
    assert all(after >= before for before, after in pairwise([value for value in believed if value is not None]))


# Interval energies


NOON = datetime(2026, 7, 14, 12, 2)  # noqa: DTZ001 - legal time


class Interval:
    """An accumulator that is told values at times of day, some seconds after each other."""

    def __init__(self, td: Td = ASSUMED_TD) -> None:
        self.sum = IntervalAccumulator()
        self._td = td
        self._last = NOON

    def say(self, value: float, clock: datetime) -> Rejection | None:
        seconds = abs((clock - self._last).total_seconds()) + 10.0
        self._last = clock
        return self.sum.offer(value, seconds, LocalTime.of(clock), self._td, WITHIN_A_FRAME)

    def tell(self, td: Td) -> None:
        self._td = td

    def twice(self, value: float, clock: datetime) -> None:
        assert self.say(value, clock) is None
        assert self.say(value, clock + timedelta(seconds=2)) is None


def at(minute: int, second: int = 0, hour: int = 12) -> datetime:
    return NOON.replace(hour=hour, minute=minute, second=second)


def test_the_first_value_is_the_baseline_and_adds_nothing() -> None:
    interval = Interval()
    interval.twice(400, at(2))
    assert (0, True) == (interval.sum.total, interval.sum.pending is None)


def test_what_is_counted_within_an_interval_is_added() -> None:
    interval = Interval()
    for value, minute in ((400, 2), (420, 3), (420, 4), (470, 5)):
        interval.twice(value, at(minute))
    assert 70 == interval.sum.total


@pytest.mark.parametrize("later", [1, 2, 6, 48])
def test_across_one_top_or_several_only_the_new_value_is_added(later: int) -> None:
    interval = Interval()
    interval.twice(400, at(8))
    interval.twice(450, at(9))
    top = at(10) + timedelta(minutes=10 * (later - 1))
    interval.twice(7, top + timedelta(seconds=5))
    assert 57 == interval.sum.total


def test_a_value_above_the_last_one_is_no_new_interval_unless_frames_failed_for_longer_than_td() -> None:
    interval = Interval()
    interval.twice(5, at(8))
    interval.twice(60, at(11, 30))  # a top, or none: some meters have 15, 20, 30 or 60 minutes
    assert 55 == interval.sum.total
    interval.twice(90, at(22))
    assert 55 + 90 == interval.sum.total


@pytest.mark.parametrize("minutes", [5, 10, 15, 20, 30, 60])
@settings(max_examples=40, deadline=None)
@given(
    watts=st.lists(st.integers(0, 9000), min_size=1, max_size=30),
    minute=st.integers(0, 59),
    period=st.sampled_from([2.0, 8.0, 9.7]),
)
def test_whatever_td_is_no_more_is_counted_than_the_meter_did_and_hardly_less(
    minutes: int, watts: list[int], minute: int, period: float
) -> None:
    interval, clock = IntervalAccumulator(), NOON.replace(minute=minute)
    since_top, true, tops = 0.0, 0.0, 0
    baseline = -1.0
    for load in watts:  # each for a few minutes
        for _ in range(int(200 / period)):
            later = clock + timedelta(seconds=period)
            top = later.replace(minute=later.minute - later.minute % minutes, second=0, microsecond=0)
            since_top = load * (later - top).total_seconds() if top > clock else since_top + load * period
            tops += top > clock
            true += load * period / 3600
            clock = later
            shown = float(int(since_top / 3600))
            baseline = true if baseline < 0 else baseline
            date = LocalTime.of(clock.replace(microsecond=0))
            assert interval.offer(shown, period, date, ASSUMED_TD, WITHIN_A_FRAME) is None
            assert interval.total <= true - baseline + 1
    # A frame at the end waits; one before each top is not seen, nor, where it counts as much, is one behind it.
    assert true - baseline - interval.total <= (2 * tops + 1) * (9000 * period / 3600 + 1) + 1


def test_a_frame_after_the_top_that_still_shows_the_old_interval_adds_no_more_than_was_counted() -> None:
    interval = Interval()
    interval.twice(900, at(9, 50))
    assert interval.say(905, at(10, 1)) is None
    assert interval.say(2, at(10, 3)) is None
    interval.twice(4, at(10, 7))
    assert 9 == interval.sum.total


def test_an_energy_that_is_set_back_a_moment_after_its_date_was_read_is_of_the_new_interval() -> None:
    interval = Interval()
    interval.twice(890, at(9, 40))
    assert interval.say(900, at(9, 50)) is None
    assert interval.say(0, at(9, 59)) is None
    interval.twice(4, at(10, 10))
    assert 14 == interval.sum.total


def test_a_date_that_is_wrong_by_a_top_adds_nothing() -> None:
    interval = Interval()
    interval.twice(400, at(2))
    interval.say(400, at(12))
    interval.twice(401, at(3))
    interval.twice(402, at(4))
    assert interval.sum.total <= 2


@pytest.mark.parametrize(("wrong", "reason"), [(0, FELL), (399, FELL), (4000, JUMPED)])
def test_a_wrong_value_within_an_interval_is_held_back_and_adds_nothing(wrong: int, reason: Rejection) -> None:
    interval = Interval()
    interval.twice(400, at(2))
    assert reason is interval.say(wrong, at(2, 30))
    interval.twice(410, at(3))
    interval.twice(410, at(4))
    assert 10 == interval.sum.total


@pytest.mark.parametrize("wrong", [2, 60])
def test_a_wrong_value_near_a_top_that_may_be_none_adds_nothing_though_a_fall_follows_anything(wrong: int) -> None:
    interval = Interval()
    interval.twice(20, at(4, 45))
    for value, second in ((22, 2), (wrong, 6), (24, 10), (26, 14), (28, 18)):
        interval.say(value, at(5, second))
    assert 6 == interval.sum.total


@pytest.mark.parametrize("minute", [7, 13, 59])
def test_a_td_that_is_told_late_changes_nothing_of_what_was_counted(minute: int) -> None:
    interval = Interval()
    interval.twice(400, at(minute))
    interval.tell(Td(20, 20))
    assert interval.say(410, at(minute, 20)) is None
    interval.twice(420, at(minute, 40))
    assert 20 == interval.sum.total


def test_what_keeps_contradicting_the_past_is_a_new_baseline_in_the_end() -> None:
    interval = Interval()
    interval.twice(400, at(2))
    for second in range(0, 10, 2):
        interval.say(3, at(3, second))
    interval.twice(13, at(4))
    assert 0 < interval.sum.total <= 10 + 3


@pytest.mark.parametrize("minutes", [5, 10, 20, 30, 60])
def test_the_length_of_the_interval_is_what_the_meter_says(minutes: int) -> None:
    interval = Interval(Td(minutes, minutes))
    interval.twice(400, at(minutes - 1, 30, hour=10))
    interval.twice(20, at(minutes % 60, 15, hour=10 + minutes // 60))
    assert 20 == interval.sum.total


def test_the_end_of_a_recording_adds_what_waits() -> None:
    interval = Interval()
    interval.twice(400, at(2))
    interval.say(410, at(3))
    interval.sum.settle()
    interval.sum.settle()
    assert (10, True) == (interval.sum.total, interval.sum.pending is None)
    empty = IntervalAccumulator()
    empty.settle()
    assert 0 == empty.total


# Clocks


def test_a_clock_that_advances_as_time_does_is_believed() -> None:
    clock = ClockFilter()
    for second in range(0, 3600, 7):
        assert clock.accepts(NOON.timestamp() + second, 5000.0 + second)
    assert clock.is_settled


@pytest.mark.parametrize("jump", [-86_400, -3600, -CLOCK_TOLERANCE - 3, CLOCK_TOLERANCE + 3, 3600, 86_400])
def test_a_clock_that_jumps_is_believed_after_two_further_frames_and_a_single_jump_never(jump: float) -> None:
    clock = ClockFilter()
    assert clock.accepts(NOON.timestamp(), 0)
    assert not clock.accepts(NOON.timestamp() + jump + 2, 2)
    assert not clock.is_settled
    assert clock.accepts(NOON.timestamp() + 4, 4)
    assert clock.is_settled
    said = [clock.accepts(NOON.timestamp() + jump + second, second) for second in (6, 8, 10, 12)]
    assert [False, False, True, True] == said


def test_a_small_adjustment_of_the_clock_is_believed_at_once() -> None:
    clock = ClockFilter()
    assert clock.accepts(NOON.timestamp(), 0)
    assert clock.accepts(NOON.timestamp() + 12, 2)
    assert clock.accepts(NOON.timestamp() + 4, 4)
