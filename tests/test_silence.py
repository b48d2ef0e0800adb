"""One line when a meter falls silent, one when it speaks again, and never more."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

import pytest

from helpers import wait_until
from helpers.lines import LINKY_HISTORIC, Peer, frame
from tic_exporter.meter import Snapshot
from tic_exporter.silence import Silence

if TYPE_CHECKING:
    from pathlib import Path

    from helpers.exporter import StartExporter

STALE = 60.0


def at(now: float, state: str) -> Snapshot:
    """A meter whose link is in this state at this time."""
    return Snapshot(
        meter="shop",
        stale_after=STALE,
        is_open=state != "closed",
        last_frame_at=now if state == "ok" else None,
        last_byte_at=None if state == "mute" else now,
    )


def said(caplog: pytest.LogCaptureFixture, *states: tuple[str, float]) -> list[tuple[float, str, str]]:
    """When, how bad and what is said while a meter is in these states for so many seconds each."""
    caplog.set_level(logging.DEBUG)
    silence, lines, now = Silence(), [], 1000.0
    for state, seconds in states:
        for _ in range(round(seconds)):
            caplog.clear()
            silence.observe([at(now, state)], now)
            lines += [(now - 1000.0, record.levelname, vars(record)["state"]) for record in caplog.records]
            now += 1.0
    return lines


def test_a_meter_that_speaks_from_the_start_makes_no_line(caplog: pytest.LogCaptureFixture) -> None:
    assert [] == said(caplog, ("closed", 5), ("mute", 2), ("noise", 15), ("ok", 500))


@pytest.mark.parametrize("state", ["mute", "noise"])
def test_silence_is_said_once_and_its_end_too(state: str, caplog: pytest.LogCaptureFixture) -> None:
    assert [(100.0, "WARNING", state), (5100.0, "INFO", "ok")] == said(caplog, ("ok", 100), (state, 5000), ("ok", 100))


@pytest.mark.parametrize("state", ["mute", "noise"])
def test_a_line_that_never_spoke_is_said_after_its_time(state: str, caplog: pytest.LogCaptureFixture) -> None:
    assert [(66.0, "WARNING", state), (1005.0, "INFO", "ok")] == said(caplog, ("closed", 5), (state, 1000), ("ok", 10))


def test_a_port_that_closes_is_not_told_twice(caplog: pytest.LogCaptureFixture) -> None:
    assert [] == said(caplog, ("ok", 10), ("closed", 1000), ("ok", 10))


def test_silence_that_becomes_noise_is_the_same_silence(caplog: pytest.LogCaptureFixture) -> None:
    assert 1 == len(said(caplog, ("ok", 10), *[("mute", 3), ("noise", 3)] * 200))


def test_no_line_is_without_a_change(caplog: pytest.LogCaptureFixture) -> None:
    source = random.Random(1)  # noqa: S311 - what a line may do
    states = [(source.choice(["ok", "mute", "noise", "closed"]), source.randrange(1, 100)) for _ in range(300)]
    lines = [state for _, _, state in said(caplog, *states)]

    assert 50 < len(lines) <= len(states)


@pytest.mark.real
def test_the_log_of_the_exporter_says_it(exporter: StartExporter, tmp_path: Path) -> None:
    with Peer() as peer:
        (tmp_path / "tic.yml").write_text(f"meters: [{{name: shop, port: '{peer.url}', stale_after: 2s}}]\n")
        running = exporter([f"--config.file={tmp_path / 'tic.yml'}"])
        peer.accept()
        peer.write(frame(LINKY_HISTORIC) * 4)
        wait_until(lambda: 'msg="nothing comes over the line" meter=shop state=mute' in running.log(), 30, running.log)
        peer.write(frame(LINKY_HISTORIC) * 4)
        wait_until(lambda: 'msg="the meter is read again" meter=shop state=ok' in running.log(), 30, running.log)
