"""README.md stays true: what it tells people to type is typed here."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
