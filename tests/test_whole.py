"""The exporter as a process, at real lines, scraped by a real Prometheus."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from helpers import promtool_check_metrics, wait_until
from helpers.lines import HISTORIC_ID, LINKY_HISTORIC, LINKY_STANDARD, Peer, frame
from tic_exporter.simulator import PtyLine, SimulatedMeter

if TYPE_CHECKING:
    from pathlib import Path

    from helpers import Exporter, Prometheus
    from helpers.exporter import StartExporter
    from helpers.prometheus import StartPrometheus

pytestmark = pytest.mark.real

SECONDS = 40.0
NOON = datetime(2026, 7, 14, 12)  # noqa: DTZ001 - legal time
ENERGY = "tic_active_energy_import_joules_total"


def configure(folder: Path, meters: dict[str, str], **settings: object) -> list[str]:
    """A file with these meters, name and port, all with the same settings."""
    more = "".join(f"    {key}: {value}\n" for key, value in settings.items())
    lines = "".join(f"  - name: {name}\n    port: '{port}'\n{more}" for name, port in meters.items())
    path = folder / "tic.yml"
    path.write_text(f"meters:\n{lines}", encoding="utf-8")
    return [f"--config.file={path}"]


def value(prometheus: Prometheus, promql: str) -> float | None:
    found = prometheus.query(promql)
    return float(found[0]["value"][1]) if found else None


def shown(exporter: Exporter, text: str) -> bool:
    return text.encode() in exporter.get("/metrics").body


def test_prometheus_reads_back_what_the_meters_counted_at_a_serial_port_and_over_tcp(
    exporter: StartExporter, prometheus: StartPrometheus, tmp_path: Path
) -> None:
    at_port = SimulatedMeter("linky-standard", seed=1, start=NOON)
    with PtyLine(at_port).start() as pty, Peer() as peer:
        running = exporter(configure(tmp_path, {"port": str(pty.path), "bridge": peer.url}))
        server = prometheus([running.address], scrape_interval="1s")
        peer.accept()
        peer.write(frame(LINKY_HISTORIC) * 3)
        server.wait_for('tic_up{meter="bridge"} == 1', SECONDS)
        server.wait_for('tic_up{meter="port"} == 1', SECONDS)
        labels = f'meter="bridge",meter_id="{HISTORIC_ID}"'
        assert 3.6e9 == value(server, f'{ENERGY}{{{labels},tariff_period="TH"}}')
        assert 510 == value(server, f"tic_apparent_power_import_voltamperes{{{labels}}}")
        assert 2 == value(server, f'tic_current_amperes{{{labels},phase="1"}}')
        assert 1 == value(server, f'tic_tariff_period_active{{{labels},tariff_period="TH"}}')
        server.wait_for(f'{ENERGY}{{meter="port"}}', SECONDS)
        total = value(server, 'tic_total_active_energy_import_joules_total{meter="port"}')
        (counted,) = [int(group.value) for group in at_port.groups if group.label == "EAST"]
        assert total is not None
        assert abs(total / 3600 - counted) <= 5  # Wh: the meter goes on while Prometheus is asked
        assert total == value(server, f'sum({ENERGY}{{meter="port"}})')
        up = [target["health"] for target in server.targets()]
        assert ["up"] == up
        assert [] == promtool_check_metrics(running.get("/metrics").body.decode())
        peer.hang_up()


def test_silence_shows_and_the_return_is_no_false_peak(
    exporter: StartExporter, prometheus: StartPrometheus, tmp_path: Path
) -> None:
    with Peer() as peer:
        running = exporter(configure(tmp_path, {"meter": peer.url}, stale_after="3s"))
        server = prometheus([running.address], scrape_interval="1s")
        peer.accept()
        began = time.time()

        def speak(seconds: float) -> None:
            """36 kW: ten watt-hours a second, whatever the meter is asked."""
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                wh = 1_000_000 + round(10 * (time.time() - began))
                peer.write(frame(LINKY_HISTORIC, f"BASE {wh:09}"))
                time.sleep(0.25)

        speak(1)
        wait_until(lambda: not speak(0.5) and value(server, "tic_up") == 1, SECONDS)  # type: ignore[func-returns-value]
        speak(4)
        assert server.query(ENERGY)
        server.wait_for("tic_up == 0", SECONDS)
        server.wait_for('tic_link_state{state="mute"} == 1', SECONDS)
        assert [] == server.query(ENERGY)
        assert [] == server.query("tic_apparent_power_import_voltamperes")
        assert server.query("tic_frames_total")
        time.sleep(8)  # what was counted meanwhile would be a peak of four times the power
        speak(6)
        assert server.query(ENERGY)
        now = time.time()
        rates = [
            float(rate)
            for series in server.query_range(f"rate({ENERGY}[4s])", began, now)
            for _, rate in series["values"]
        ]
        assert rates
        assert max(rates) < 1.5 * 36_000
        peer.hang_up()


def test_a_linky_that_is_switched_to_standard_while_it_runs_is_found_again(
    exporter: StartExporter, tmp_path: Path
) -> None:
    with Peer() as peer:
        running = exporter(configure(tmp_path, {"meter": peer.url}))
        peer.accept()
        peer.write(frame(LINKY_HISTORIC) * 3)
        wait_until(
            lambda: shown(running, f'{ENERGY}{{meter="meter",meter_id="{HISTORIC_ID}",tariff_period="TH"}}'), SECONDS
        )
        peer.write(frame(LINKY_STANDARD) * 3)
        wait_until(
            lambda: shown(running, f'{ENERGY}{{meter="meter",meter_id="{HISTORIC_ID}",tariff_period="01"}}'), SECONDS
        )
        assert not shown(running, 'tariff_period="TH"')
        assert shown(running, 'tic_meter_changes_total{meter="meter"} 0.0')
        assert shown(running, 'mode="standard"')
        peer.hang_up()


def test_a_serial_port_that_vanishes_and_comes_back_is_read_again(exporter: StartExporter, tmp_path: Path) -> None:
    link = tmp_path / "ttyUSB0"
    with PtyLine(SimulatedMeter("linky-standard", start=NOON), link=link).start():
        running = exporter([f"--meter.port={link}"])
        wait_until(lambda: shown(running, 'tic_up{meter="meter"} 1.0'), SECONDS)
    wait_until(lambda: shown(running, 'tic_link_state{meter="meter",state="closed"} 1.0'), SECONDS)
    with PtyLine(SimulatedMeter("linky-standard", start=NOON), link=link).start():
        wait_until(lambda: shown(running, 'tic_connections_total{meter="meter"} 2.0'), SECONDS)
        wait_until(lambda: shown(running, 'tic_link_state{meter="meter",state="ok"} 1.0'), SECONDS)
        assert 0 == running.stop()
    assert "Traceback" not in running.log()
