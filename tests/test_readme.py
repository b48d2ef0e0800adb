"""README.md stays true: what it tells people to type is typed here."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from helpers import wait_until

if TYPE_CHECKING:
    from helpers.exporter import StartExporter
    from helpers.prometheus import StartPrometheus

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"

# Commands that CI types itself: the two of the first page, and installation (`make test-wheel` installs the wheel).
TYPED_BY_CI = {"make demo", "make test", "python3 -m venv ~/tic && ~/tic/bin/pip install ."}

pytestmark = pytest.mark.skipif(not README.exists(), reason="the tests run from a copy without the project's documents")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = [re.split(r"\s+#", line)[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line and line not in TYPED_BY_CI]


def queries() -> list[str]:
    paragraphs = [paragraph for block in blocks("promql") for paragraph in block.split("\n\n")]
    return ["\n".join(line for line in paragraph.splitlines() if not line.startswith("#")) for paragraph in paragraphs]


def test_every_command_of_the_readme_is_one_that_is_tested_here() -> None:
    known = (
        "curl -s http://127.0.0.1:15402/metrics",
        "tic-exporter ",
        "~/tic/bin/tic-exporter --meter.port=/dev/ttyUSB0",
    )

    assert [] == [command for command in commands() if not command.startswith(known)]


def test_the_tools_do_what_the_readme_shows(tmp_path: Path) -> None:
    (tmp_path / "tic_exporter.yml").write_text((ROOT / "tic_exporter.yml").read_text())
    tools = [command for command in commands() if re.match("tic-exporter [a-z]", command)]
    tools.sort(key=lambda command: "--file" not in command)  # the recording is made before it is read

    for command in tools:
        words = [sys.executable, "-m", "tic_exporter", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False, timeout=60)
        assert (0, True) == (done.returncode, bool(done.stdout)), (command, done.stderr)


def test_the_first_meter_of_the_readme_is_read_and_scraped(
    exporter: StartExporter, prometheus: StartPrometheus, tmp_path: Path
) -> None:
    simulate = [sys.executable, "-m", "tic_exporter", "simulate", "linky-historic", "--pty", str(tmp_path / "ttyUSB0")]
    with subprocess.Popen([*simulate, "--contract", "HC"], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as meter:
        try:
            assert meter.stdout is not None
            meter.stdout.readline()
            running = exporter([f"--meter.port={tmp_path / 'ttyUSB0'}"])
            curl = next(command for command in commands() if command.startswith("curl")).replace(
                ":15402", f":{running.port}"
            )

            def lines() -> list[str]:
                return subprocess.run(
                    ["sh", "-c", curl], capture_output=True, check=False, text=True
                ).stdout.splitlines()

            wait_until(lambda: 'tic_up{meter="meter"} 1.0' in lines(), 30)

            server = prometheus([running.address])
            server.wait_for("tic_up == 1", timeout=30)
            for query in queries():
                server.query(query)
        finally:
            meter.kill()


def labels(share: float, **more: str) -> str:
    """Of two shops, each with an exporter that calls its meter `shop`: `share` of everything is that of the second."""
    names = {"instance": "lyon:15402" if share == 1 else "nice:15402", "meter": "shop", **more}
    return "{" + ",".join(f'{name}="{value}"' for name, value in names.items()) + "}"


def test_every_query_of_the_readme_keeps_the_meters_of_two_exporters_apart(tmp_path: Path) -> None:
    series: dict[str, str] = {}
    expected: list[dict[str, float]] = [{} for _ in queries()]
    for share in (1, 0.5):
        one, off_peak, peak = labels(share), labels(share, tariff_period="HC"), labels(share, tariff_period="HP")
        series |= {
            f"tic_active_energy_import_joules_total{off_peak}": f"0+{60_000 * share:g}x1440",
            f"tic_active_energy_import_joules_total{peak}": f"0+{30_000 * share:g}x1440",
            f"tic_apparent_power_import_voltamperes{one}": f"{4500 * share:g}x1440",
            f"tic_subscribed_apparent_power_voltamperes{off_peak}": "9000x1440",
            f"tic_subscribed_apparent_power_voltamperes{peak}": "6000x1440",
            f"tic_group_errors_total{labels(share, reason='checksum')}": f"0+{20 * share:g}x1440",
            f"tic_group_errors_total{labels(share, reason='parity')}": f"0+{20 * share:g}x1440",
            f"tic_groups_total{one}": "0+1000x1440",
            f"tic_up{one}": "0x1440",
        }
        kwh = {off_peak: 24 * share, peak: 12 * share}
        cost = kwh[off_peak] * 0.2068 + kwh[peak] * 0.27
        answers = ({one: 1500 * share}, kwh, {one: 0.5 * share}, {one: cost}, {one: 0.0}, {one: 0.04 * share})
        for known, answer in zip(expected, answers, strict=True):
            known.update(answer)
    cases = [
        {
            "expr": f"round({query}, 0.001)",
            "eval_time": "24h",
            "exp_samples": [{"labels": names, "value": round(value, 3)} for names, value in answer.items()],
        }
        for query, answer in zip(queries(), expected, strict=True)
    ]
    rows = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": "1m", "input_series": rows, "promql_expr_test": cases}
    file = tmp_path / "readme.yml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [test]}), encoding="utf-8")

    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr
