"""Run every benchmark and write its tables into docs/performance.md: `python -m benchmarks.run [NAME...]`.

A table stands between the lines `<!-- benchmarks.NAME -->` and `<!-- end -->`; what is around it is written by hand.
"""

import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
NAMES = ("decode", "freshness", "scrape", "scale", "footprint", "scale_out")


def run(name: str) -> str:
    """Give what the benchmark prints, while it is shown as it comes."""
    shown = []
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            shown.append(line)
    if process.returncode:
        raise SystemExit(f"benchmarks.{name} has failed")
    return "".join(shown).strip()


def written(document: str, name: str, output: str) -> str:
    """Put the output of a benchmark in its place; its first line names the machine."""
    place = re.compile(rf"(<!-- benchmarks\.{name} -->\n).*?(<!-- end -->)", re.DOTALL)
    machine, _, tables = output.partition("\n")
    text = f"{tables.strip()}\n\nMeasured on {datetime.now(UTC):%Y-%m-%d}, {machine}.\n"
    document, count = place.subn(lambda found: found[1] + text + found[2], document)
    if count != 1:
        raise SystemExit(f"{DOCUMENT}: expected one place for benchmarks.{name}, found {count}")
    return document


def main() -> None:
    began = time.monotonic()
    for name in sys.argv[1:] or NAMES:
        print(f"\n==> benchmarks.{name}", flush=True)
        DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), name, run(name)), encoding="utf-8")
    print(f"\n==> {DOCUMENT.name} is written, after {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
