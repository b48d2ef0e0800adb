"""The meter's own clock: when its date is believed, and at which date an energy was counted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tic_exporter.legal_time import legal_time
from tic_exporter.meter_clock import MeterClock
from tic_exporter.tic import quantities as q
from tic_exporter.tic.codecs import LocalTime
from tic_exporter.tic.families import FAMILIES
from tic_exporter.tic.schema import Field, Reading

NOON = datetime(2026, 7, 14, 12)  # noqa: DTZ001 - legal time
FRAME_SECONDS = 10.0
EXPORTED = next(row for family in FAMILIES for row in family.all_fields if row.clock is q.EXPORT_CLOCK)
IMPORTED = Field("EA", q.INTERVAL_ACTIVE_ENERGY_IMPORT, lambda text, _: int(text))


def at(minute: int, second: int) -> LocalTime:
    return LocalTime.of(NOON.replace(minute=minute, second=second))


def energy(row: Field) -> Reading:
    return Reading(row.quantity, (), 7, row)


def test_without_a_date_nothing_tells_in_which_interval_an_energy_was_counted() -> None:
    clock = MeterClock(legal_time(UTC))
    assert (None, None) == (clock.unix, clock.interval_date(energy(IMPORTED)))
    clock.take_export(at(0, 3), FRAME_SECONDS)
    assert clock.interval_date(energy(EXPORTED)) is None


def test_a_date_that_is_held_back_is_none_until_frames_agree() -> None:
    clock = MeterClock(legal_time(UTC))
    noon = NOON.replace(tzinfo=UTC).timestamp()
    assert (noon, True) == (clock.take(at(0, 0), 100.0), clock.is_settled)
    assert (None, False) == (clock.take(at(40, 2), 102.0), clock.is_settled)
    assert (None, None) == (clock.unix, clock.interval_date(energy(IMPORTED)))
    assert clock.take(at(40, 4), 104.0) is None
    assert (noon + 2406, True) == (clock.take(at(40, 6), 106.0), clock.is_settled)
    assert at(40, 6) == clock.interval_date(energy(IMPORTED))


@pytest.mark.parametrize(
    ("export", "is_of_this_frame"),
    [(at(1, 0), True), (at(1, 3), True), (at(1, 10), True), (at(1, 11), False), (at(0, 59), False)],
)
def test_exports_are_of_the_date_of_their_part_if_that_is_of_this_frame(
    export: LocalTime,
    is_of_this_frame: bool,  # noqa: FBT001
) -> None:
    clock = MeterClock(legal_time(UTC))
    clock.take(at(1, 0), 100.0)
    clock.take_export(export, FRAME_SECONDS)
    exported = energy(EXPORTED)
    assert (export if is_of_this_frame else at(1, 0)) == clock.interval_date(exported)
    assert at(1, 0) == clock.interval_date(energy(IMPORTED))
    clock.begin_frame()
    assert at(1, 0) == clock.interval_date(exported)
