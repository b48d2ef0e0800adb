"""Those who scrape do not disturb the lines, nor one another."""

from __future__ import annotations

import re
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
import yaml

from helpers import wait_until
from tic_exporter.simulator import SimulatedMeter
from tic_exporter.simulator.tcp import serve_tcp

if TYPE_CHECKING:
    from pathlib import Path

    from helpers.exporter import Exporter, StartExporter

METERS = 20
SECONDS = 3.0
PATIENCE = 30.0
FASTER = 4.0
START = datetime(2026, 1, 15, 18)  # noqa: DTZ001 - legal time, as the simulator takes it


def sum_of(text: str, metric: str) -> float:
    return sum(float(value) for value in re.findall(rf"^{metric}{{[^}}]*}} (\S+)$", text, re.MULTILINE))


def text_of(exporter: Exporter) -> str:
    answer = exporter.get("/metrics")
    assert 200 == answer.status
    return answer.body.decode()


@pytest.mark.real
def test_two_that_scrape_without_pause_cost_no_byte_and_no_frame(exporter: StartExporter, tmp_path: Path) -> None:
    meters = [SimulatedMeter("linky-standard", seed=number, start=START) for number in range(METERS)]
    with serve_tcp("127.0.0.1", 0, meters, one_port_each=True, speed=FASTER) as lines:
        file = tmp_path / "tic_exporter.yml"
        listed = [{"name": f"m{port}", "port": f"socket://127.0.0.1:{port}"} for port in lines.ports]
        file.write_text(yaml.safe_dump({"meters": listed}), encoding="utf-8")
        running = exporter([f"--config.file={file}"])
        wait_until(lambda: sum_of(text_of(running), "tic_up") == METERS, PATIENCE)
        until = time.monotonic() + SECONDS
        seen: list[float] = []

        def scrape() -> None:
            while time.monotonic() < until:
                seen.append(sum_of(text_of(running), "tic_up"))

        threads = [threading.Thread(target=scrape) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        text = text_of(running)
    assert len(seen) > 2
    assert {float(METERS)} == set(seen)
    assert sum_of(text, "tic_frames_total") >= METERS * SECONDS
    for metric in ("tic_invalid_frames_total", "tic_group_errors_total", "tic_parity_errors_total"):
        assert 0 == sum_of(text, metric), metric
    assert 0 == lines.dropped
