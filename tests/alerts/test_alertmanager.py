"""examples/alertmanager.yml: who is told, and what is held back beside something worse."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from helpers import wait_until
from helpers.alertmanager import Alertmanager, amtool
from helpers.rules import ROOT, alerts

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = ROOT / "examples" / "alertmanager.yml"

pytestmark = pytest.mark.real


def test_amtool_accepts_the_configuration() -> None:
    assert "SUCCESS" in amtool("check-config", str(CONFIG))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=TicMeterMute", "severity=critical"], "page"),
        (["alertname=TicVoltageHigh", "severity=warning"], "chat"),
        (["alertname=TicPhaseImbalance", "severity=info"], "digest"),
        (["alertname=TicTempoRedTomorrow", "severity=info"], "household"),
        (["alertname=TicCriticalPeak", "severity=info"], "household"),
        (["alertname=Other"], "digest"),
    ],
)
def test_an_alert_goes_to_whom_it_concerns(labels: list[str], receiver: str) -> None:
    said = amtool("config", "routes", "test", f"--config.file={CONFIG}", *labels)

    assert receiver == said.strip()


def test_inhibition_names_alerts_that_exist() -> None:
    named = set(re.findall(r"\bTic[A-Z][A-Za-z]+", CONFIG.read_text(encoding="utf-8")))

    assert set() == named - {rule.alert for rule in alerts()} - {"TicTempo", "TicCriticalPeak"}


def test_what_a_greater_trouble_explains_is_held_back_for_the_same_meter_alone(tmp_path: Path) -> None:
    held_back = {
        ("TicVoltageLow", "a", "m1"),  # everything of an exporter that is down
        ("TicConfigReloadFailed", "a", ""),
        ("TicMeterFlapping", "b", "m1"),  # closed
        ("TicMeterMute", "b", "m1"),
        ("TicGroupErrorRatioHigh", "b", "m2"),  # noisy
        ("TicMeterNoisy", "b", "m3"),  # wrong settings
        ("TicSubscribedPowerNear", "b", "m4"),  # exceeded
        ("TicVoltageHigh", "b", "m5"),  # overvoltage
        ("TicPhaseImbalance", "b", "m6"),  # phase lost
        ("TicConsumptionStopped", "b", "m7"),  # disconnector open
    }
    told = {
        ("TicExporterDown", "a", ""),
        ("TicMeterDisconnected", "b", "m1"),
        ("TicMeterNoisy", "b", "m2"),
        ("TicWrongLineSettings", "b", "m3"),
        ("TicSubscribedPowerExceeded", "b", "m4"),
        ("TicOvervoltage", "b", "m5"),
        ("TicPhaseLost", "b", "m6"),
        ("TicDisconnectorOpen", "b", "m7"),
        # Neighbours.
        ("TicMeterFlapping", "b", "m9"),
        ("TicVoltageHigh", "b", "m9"),
        ("TicConsumptionStopped", "c", "m7"),
    }
    with Alertmanager(tmp_path / "alertmanager", CONFIG) as alertmanager:
        alertmanager.post(
            [
                {"labels": {"alertname": name, "instance": instance, **({"meter": meter} if meter else {})}}
                for name, instance, meter in held_back | told
            ]
        )

        def by_state(state: str) -> set[tuple[str, str, str]]:
            return {
                (alert["labels"]["alertname"], alert["labels"]["instance"], alert["labels"].get("meter", ""))
                for alert in alertmanager.alerts()
                if alert["status"]["state"] == state
            }

        # A state is known once the route that waits shortest (10 s) has been through.
        wait_until(lambda: len(alertmanager.alerts()) == len(held_back | told), 10)
        wait_until(
            lambda: by_state("suppressed") == held_back, 60, lambda: f"held back: {sorted(by_state('suppressed'))}"
        )
        assert told == by_state("active") | by_state("unprocessed")
