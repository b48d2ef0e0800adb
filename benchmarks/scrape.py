"""The server's processor time for one scrape of everything, gzip included: `python -m benchmarks.scrape`.

The meters stand still, so that nothing but the scrape takes time; the reference is what the client library needs to
write the same text, compressed as it does it (gzip level 9), without HTTP.
"""

import gzip
import statistics
import sys
import time
from datetime import datetime

from prometheus_client.exposition import choose_encoder

from tic_exporter.exposition import ExporterCollector, MeterCollector, registry_of
from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.simulator import SimulatedMeter
from tic_exporter.web.app import build_app
from tic_exporter.web.server import BoundedServer

from .machine import describe, seconds
from .processes import OPENMETRICS, Process, plain, scrape

SIZES = (1, 100, 1000)
RUNS = 15
START = datetime(2026, 1, 15, 18)  # noqa: DTZ001 - legal time, as the simulator takes it
LIMITS = {1: 2, 100: 30, 1000: 500}
"""Milliseconds for so many meters."""


def fed(meters: int) -> list[Meter]:
    """Make meters that have sent five frames."""
    made = []
    for number in range(meters):
        simulated = SimulatedMeter("linky-standard", seed=number, start=START)
        meter = Meter(MeterOptions(name=f"meter-{number:04}"))
        meter.opened(port=f"socket://bridge-{number}:2000", baud_rate="")
        for at in range(5):
            meter.feed(simulated.next_frame(), float(at), 1.8e9 + at)
        made.append(meter)
    return made


def serve(number: int) -> None:
    """Be the server: write the port, then answer until the input ends."""
    meters = fed(number)
    process = ExporterCollector("0", "", dict)
    collector = MeterCollector(lambda: [meter.snapshot for meter in meters], now=lambda: 5.0)
    everything = registry_of(collector, process)
    app = build_app(
        registry=lambda _: everything,
        meters=lambda: [meter.options.name for meter in meters],
        ready=lambda: True,
    )
    server = BoundedServer(("127.0.0.1", 0), app)
    server.start()
    print(server.address[1], flush=True)
    sys.stdin.read()
    server.close()


def library(number: int) -> float:
    """Give the seconds that the library alone takes for the same."""
    meters = fed(number)
    everything = registry_of(MeterCollector(lambda: [meter.snapshot for meter in meters], now=lambda: 5.0))
    encode, _ = choose_encoder(OPENMETRICS)
    runs = RUNS if number < 1000 else 3
    return statistics.median(seconds(lambda: gzip.compress(encode(everything))) for _ in range(runs))


def main() -> None:
    print(describe())
    print("\n| meters | samples | server's ms | limit, ms | client library, ms | ratio | for the client, ms |")
    print("|---|---|---|---|---|---|---|")
    for number in SIZES:
        with Process("-m", "benchmarks.scrape", "serve", str(number)) as process:
            port = int(process.read_line())
            text = plain(scrape(port))  # what is the same in each scrape is made by the first
            ours, waited = [], []
            for _ in range(RUNS):
                before, began = process.cpu, time.monotonic()
                scrape(port)
                waited.append(time.monotonic() - began)
                time.sleep(0.01)  # the thread that answered ends
                ours.append(process.cpu - before)
        samples = sum(not line.startswith(b"#") for line in text.splitlines())
        theirs, our, wait = library(number), statistics.median(ours), statistics.median(waited)
        print(
            f"| {number:,} | {samples:,} | {our * 1000:.1f} | {LIMITS[number]} | {theirs * 1000:.1f} "
            f"| {theirs / our:.1f} | {wait * 1000:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    serve(int(sys.argv[2])) if sys.argv[1:2] == ["serve"] else main()
