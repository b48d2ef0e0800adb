"""What one meter costs a small machine: memory, start, processor, the package: `python -m benchmarks.footprint`.

A Linky talks over a pseudo-terminal in pieces of 16 ms, as a USB adaptor delivers them, and is scraped every 15 s. The
reference is a Python that has imported the three dependencies and does nothing.
"""

import compileall
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from importlib.metadata import requires
from pathlib import Path

import tic_exporter
from tic_exporter.simulator import SimulatedMeter
from tic_exporter.simulator.pty import serve_pty

from .machine import describe
from .processes import Exporter, Process, free_port

START = datetime(2026, 1, 15, 18)  # noqa: DTZ001 - legal time, as the simulator takes it
STARTS = 7
SCRAPES = 3
INTERVAL = 15.0
SETTLE = 10.0
SHOWN = 12
_IDLE = "import sys, prometheus_client, serial, yaml; print(flush=True); sys.stdin.read()"


def starts(port: str) -> float:
    """Give the median seconds from start to the first scrape that is answered."""
    found = []
    for _ in range(STARTS):
        with Exporter(free_port(), f"--meter.port={port}") as exporter:
            exporter.wait_for_scrape()
            found.append(time.monotonic() - exporter.started)
    return statistics.median(found)


def runs(port: str) -> tuple[float, float]:
    """Give MiB in memory, and the share of a core, while one meter is read and scraped."""
    with Exporter(free_port(), f"--meter.port={port}") as exporter:
        exporter.wait_for_scrape()
        exporter.wait_until_fresh(1)
        time.sleep(SETTLE)
        cpu, began = exporter.cpu, time.monotonic()
        for _ in range(SCRAPES):
            time.sleep(INTERVAL)
            exporter.get()
        return exporter.rss, (exporter.cpu - cpu) / (time.monotonic() - began)


def idle() -> tuple[float, float]:
    """Give MiB and seconds of a Python with the dependencies alone."""
    found = []
    for _ in range(STARTS):
        with Process("-c", _IDLE) as process:
            process.read_line()
            found.append((process.rss, time.monotonic() - process.started))
    return statistics.median(rss for rss, _ in found), statistics.median(seconds for _, seconds in found)


def wheel() -> int:
    """Build the wheel and give its bytes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "build", "--wheel", "--outdir", folder]
        subprocess.run(command, check=True, capture_output=True)
        return next(Path(folder).glob("*.whl")).stat().st_size


def imports() -> list[tuple[int, str]]:
    """Give the microseconds that the slowest modules take of their own, by `-X importtime`."""
    command = [sys.executable, "-X", "importtime", "-c", "import tic_exporter.cli, tic_exporter.service"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()[1:]
    times = [line.removeprefix("import time:").split("|") for line in lines]
    return sorted(((int(own), name.strip()) for own, _, name in times), reverse=True)


def main() -> None:
    # As pip and Debian do at installation: without bytecode each start compiles anew, and keeps half a MiB of that.
    compileall.compile_dir(Path(tic_exporter.__file__).parent, quiet=2)
    print(describe())
    with serve_pty(SimulatedMeter("linky-standard", start=START)) as line:
        first = starts(str(line.path))
        rss, share = runs(str(line.path))
    idle_rss, idle_start = idle()
    rows = (
        ("memory, MiB", f"{rss:.1f}", "27", f"{idle_rss:.1f}", f"{rss / idle_rss:.2f}"),
        ("start to first scrape, s", f"{first:.2f}", "0.5", f"{idle_start:.2f}", f"{first / idle_start:.1f}"),
        ("processor, % of a core", f"{share * 100:.2f}", "0.2", "", ""),
        ("wheel, kB", f"{wheel() / 1000:.0f}", "150", "", ""),
        (
            "runtime dependencies",
            str(sum("extra ==" not in one for one in requires("tic-exporter") or ())),
            "3",
            "",
            "",
        ),
    )
    print("\n| one meter | measured | limit | idle Python with the dependencies | ratio |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    found = imports()
    print(f"\n| module | ms to import, of {sum(own for own, _ in found) / 1000:.0f} |\n|---|---|")
    for own, name in found[:SHOWN]:
        print(f"| `{name}` | {own / 1000:.1f} |")


if __name__ == "__main__":
    main()
