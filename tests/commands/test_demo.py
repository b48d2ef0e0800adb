"""What a newcomer sees first."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

from helpers import free_port, promtool_check_metrics, wait_until
from tic_exporter.simulator import KINDS
from tic_exporter.tic.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(name="demo")
def running_demo() -> Iterator[str]:
    """Start the demo; give the address of its metrics."""
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "tic_exporter", "demo", f"--web.listen-address={address}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert f"http://{address}/metrics".encode() in process.stdout.readline()
        yield f"http://{address}/metrics"
        process.terminate()
        assert 0 == process.wait(timeout=10)


def scrape(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - http on loopback
        return str(answer.read().decode())


@pytest.mark.real
def test_the_demo_serves_every_family_within_a_minute(demo: str) -> None:
    def silent() -> list[str]:
        return re.findall(r'^tic_meter_info\{.*meter="([^"]+)"', scrape(demo), re.MULTILINE)

    wait_until(lambda: set(silent()) == set(KINDS), 60, lambda: f"only {sorted(silent())}")

    text = scrape(demo)
    assert {family.name for family in FAMILIES} == set(
        re.findall(r'^tic_meter_info\{.*family="([^"]+)"', text, re.MULTILINE)
    )
    assert [] == promtool_check_metrics(text)
    assert [] == re.findall(
        r"^tic_(?:invalid_frames|group_errors|parity_errors|rejected_readings)_total.* [1-9].*", text, re.MULTILINE
    )
