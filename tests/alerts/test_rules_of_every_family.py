"""The rules meet every family: none breaks, and none cries over a meter that merely lacks a metric."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from test_end_to_end import hastened_rules

from helpers import free_port
from tic_exporter.simulator import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from helpers.prometheus import StartPrometheus

# True of the simulated meters, by chance or by nature: a pilot Linky has no network that sets its clock. And within the
# ten seconds that are left of six hours, a register of whole kWh stands still; those of one night are not those of the
# nights before.
EXPLAINED = {
    "TicMeterClockDegraded",
    "TicTanPhiHigh",
    "TicCriticalPeak",
    "TicCriticalPeakNotice",
    "TicPhaseImbalance",
    "TicConsumptionStopped",
    "TicNightBaseLoadHigh",
}
WITHOUT_SUBSCRIPTION = {"concentrator", "saphir-historic"}


@pytest.mark.real
def test_rules_hold_for_meters_of_every_family(prometheus: StartPrometheus, tmp_path: Path) -> None:
    # It is always night, so that the rules of the night are met whenever the test runs.
    copies = hastened_rules(tmp_path, night="hour() >= 0")
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "tic_exporter", "demo", f"--web.listen-address={address}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as demo:
        try:
            server = prometheus([address], rule_files=copies)
            server.wait_for(f"count(tic_meter_info) == {len(KINDS)}", timeout=60)
            # Long enough for each rule to be evaluated with all of them, and for an alert to fire.
            server.wait_for(f"count(count_over_time(tic_meter_info[15s]) >= 8) == {len(KINDS)}", timeout=60)
            groups = server.api("rules")["groups"]
            used = server.query("meter:tic_subscribed_power_used:ratio")
            firing = server.query('ALERTS{alertstate="firing"}')
        finally:
            demo.terminate()
            demo.wait(10)

    assert {"ok"} == {rule["health"] for group in groups for rule in group["rules"]}
    # These say neither a subscribed power nor a subscribed current.
    assert WITHOUT_SUBSCRIPTION == set(KINDS) - {series["metric"]["meter"] for series in used}
    assert set() == {alert["metric"]["alertname"] for alert in firing} - EXPLAINED
