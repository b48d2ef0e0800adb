"""One process and a town of Linky meters at full line speed: `python -m benchmarks.scale [METERS...]`.

Two clients scrape everything at the same time, three times as often as Prometheus usually does. CPU is the exporter's
alone, scrapes included; the town has processes of its own.
"""

import statistics
import sys
import threading
import time

from .machine import describe
from .processes import Exporter, allow_descriptors, free_port, town_and_exporter, values

SIZES = (1, 10, 100, 300, 1000)
SECONDS = 20.0
INTERVAL = 5.0
SETTLE = 5.0
FRESH = 5.0
"""Seconds, at a scrape, since the last frame: a Linky sends one every second."""


class Scraper(threading.Thread):
    """Scrapes every `INTERVAL` seconds until `until`."""

    def __init__(self, exporter: Exporter, meters: int, until: float) -> None:
        super().__init__()
        self._exporter, self._meters, self._until = exporter, meters, until
        self.seconds: list[float] = []
        self.ages: list[float] = []
        self.missing = 0

    def run(self) -> None:
        while (started := time.monotonic()) < self._until:
            text = self._exporter.get()
            now = time.time()
            self.seconds.append(time.monotonic() - started)
            ages = [now - seen for seen in values(text, b"tic_last_frame_timestamp_seconds")]
            self.ages += ages
            self.missing += self._meters - sum(age < FRESH for age in ages)
            time.sleep(max(0.0, started + INTERVAL - time.monotonic()))


def measure(meters: int) -> list[float]:
    """Give one row of the table."""
    with town_and_exporter(meters, free_port()) as (town, exporter):
        exporter.wait_until_fresh(meters)
        time.sleep(SETTLE)
        cpu, began = exporter.cpu, time.monotonic()
        scrapers = [Scraper(exporter, meters, began + SECONDS) for _ in range(2)]
        for scraper in scrapers:
            scraper.start()
        for scraper in scrapers:
            scraper.join()
        share = (exporter.cpu - cpu) / (time.monotonic() - began) * 100
        rss = exporter.rss
        sent, dropped = town.hush()
        time.sleep(2.0)
        text = exporter.get()
    lost = dropped + sent - int(sum(values(text, b"tic_received_bytes_total")))
    invalid = sum(values(text, b"tic_invalid_frames_total"))
    seconds = statistics.median(second for scraper in scrapers for second in scraper.seconds)
    oldest = max(age for scraper in scrapers for age in scraper.ages)
    missing = sum(scraper.missing for scraper in scrapers)
    return [share, share / meters, rss, lost, invalid, seconds * 1000, oldest, missing]


def main() -> None:
    allow_descriptors()
    print(describe())
    print(
        "\n| meters | CPU, % of a core | the same per meter | RSS, MiB | bytes lost | frames not valid "
        "| scrape as seen by the client, ms | oldest frame at a scrape, s | meters missed by a scrape |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for meters in [int(word) for word in sys.argv[1:]] or SIZES:
        share, each, rss, lost, invalid, milliseconds, oldest, missing = measure(meters)
        print(
            f"| {meters:,} | {share:.1f} | {each:.3f} | {rss:.0f} | {lost:.0f} | {invalid:.0f} "
            f"| {milliseconds:.0f} | {oldest:.1f} | {missing:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
