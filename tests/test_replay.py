"""Recordings in the time that their bytes took on the line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from helpers.lines import HISTORIC_ID, LINKY_HISTORIC, LINKY_STANDARD, PME_PMI, frame
from tic_exporter.meter import FRAMES, Meter, MeterOptions
from tic_exporter.replay import Replay
from tic_exporter.tic import quantities as q
from tic_exporter.tic.parity import with_even_parity

if TYPE_CHECKING:
    from collections.abc import Iterable

PARIS = ZoneInfo("Europe/Paris")


def replay_of(chunks: Iterable[bytes], baud_rate: int | None = None) -> Replay:
    replay = Replay(Meter(MeterOptions("meter", zone=PARIS, live=False)), baud_rate)
    for _ in replay.play(chunks, port="recording.tic"):
        pass
    return replay


@pytest.mark.parametrize(
    ("lines", "baud_rate", "speed"),
    [(LINKY_HISTORIC, None, 1200), (LINKY_STANDARD, None, 9600), (PME_PMI, 9600, 9600), (LINKY_HISTORIC, 2400, 2400)],
)
def test_time_is_that_of_the_bytes_on_the_line(lines: tuple[str, ...], baud_rate: int | None, speed: int) -> None:
    data = frame(lines) * 3
    replay = replay_of([data], baud_rate)
    assert pytest.approx(len(data) * 10 / speed) == replay.now
    assert pytest.approx(len(data) * 10 / speed) == replay.meter.snapshot.last_frame_at
    assert str(speed) == replay.meter.snapshot.link["baud_rate"]


@pytest.mark.parametrize("piece", [1, 7, 100, 10_000])
def test_how_a_recording_is_cut_changes_nothing(piece: int) -> None:
    data = b"".join(frame(PME_PMI, f"EAP_s {5000 + number}kWh") for number in range(4))
    snapshot = replay_of([data[start : start + piece] for start in range(0, len(data), piece)]).meter.snapshot
    whole = replay_of([data]).meter.snapshot
    assert (whole.readings, whole.counts) == (snapshot.readings, snapshot.counts)
    assert pytest.approx(whole.last_frame_at) == snapshot.last_frame_at


@pytest.mark.parametrize("carried", [bytes, with_even_parity], ids=["8N1", "7E1"])
def test_each_frame_of_one_chunk_has_its_own_time(carried: type[bytes]) -> None:
    one = frame(LINKY_HISTORIC)
    meter = Meter(MeterOptions("meter", live=False))
    replay = Replay(meter)
    times = [meter.snapshot.last_frame_at for _ in replay.play([carried(one * 3)], port="x")]
    assert [pytest.approx(len(one) * number / 120) for number in (1, 2, 3)] == times


def test_line_time_starts_at_the_first_date_that_is_valid() -> None:
    damaged = frame(PME_PMI).replace(b"14/07/26 10:22:00", b"14/07/26 10:22:08", 1)
    data = damaged + frame(PME_PMI) + frame(PME_PMI, "DATE 14/07/26 10:22:08")
    replay = replay_of([data])
    shown = datetime(2026, 7, 14, 8, 22, tzinfo=UTC).timestamp() + len(frame(PME_PMI)) * 10 / 1200
    assert replay.meter.snapshot.last_frame_unix == pytest.approx(shown, abs=0.01)


def test_without_a_date_time_starts_at_0() -> None:
    data = frame(LINKY_HISTORIC)
    assert replay_of([data]).meter.snapshot.last_frame_unix == pytest.approx(len(data) / 120)


def test_a_recording_of_one_frame_is_believed() -> None:
    snapshot = replay_of([frame(LINKY_HISTORIC)]).meter.snapshot
    assert HISTORIC_ID == snapshot.meter_id
    assert 3.6e9 == snapshot.readings[q.ACTIVE_ENERGY_IMPORT, (("tariff_period", "TH"),)]


def test_the_clock_of_the_host_says_nothing_of_a_recording() -> None:
    readings = replay_of([frame(PME_PMI) * 4]).meter.snapshot.readings
    assert (q.CLOCK, ()) in readings
    assert (q.CLOCK_OFFSET, ()) not in readings


@pytest.mark.parametrize(
    ("data", "saw"),
    [(frame(LINKY_HISTORIC), True), (with_even_parity(b"\x02"), True), (b"\x82", True), (b"ADCO", False)],
)
def test_whether_there_was_any_start_of_frame_is_known(data: bytes, *, saw: bool) -> None:
    assert saw == replay_of([data]).saw_frame_start


def test_nothing_gives_nothing() -> None:
    snapshot = replay_of([]).meter.snapshot
    assert (0, {}, "") == (snapshot.counts.get((FRAMES.name, ""), 0), snapshot.readings, snapshot.meter_id)
