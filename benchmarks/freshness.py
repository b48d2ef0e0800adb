"""From the last byte of a frame on the wire to its value in a scrape: `python -m benchmarks.freshness [SECONDS]`.

Twenty meters talk at line speed, over pseudo-terminals as USB adaptors deliver (pieces of 16 ms), then over TCP. Each
frame has another apparent power; when its last piece is written, that meter is scraped (`/metrics?meter=`) until the
new power is there. The scrapes themselves are part of the time. Gauges are looked at, since a counter is believed when
the next frame agrees (docs/reliability.md), which is one frame later by design.

Three programs share the machine here, so that some of the time is that of waiting for a core. The reference tells how
much: after every second frame a server that answers at once is asked instead, by the same client.
"""

import contextlib
import json
import os
import re
import select
import socket
import statistics
import sys
import tempfile
import threading
import time
import tty
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from tic_exporter.simulator import SimulatedMeter
from tic_exporter.tic.parity import with_even_parity

from .machine import describe
from .processes import POWER, Exporter, Process, free_port, plain, scrape, values

METERS = 20
SECONDS = 40.0
ANSWER = 3700
"""Bytes of one meter, packed."""
LIMIT = 5.0
PIECE = 0.016
BYTES_PER_SECOND = 960
START = datetime(2026, 1, 15, 18)  # noqa: DTZ001 - legal time, as the simulator takes it
_POWER_GROUP = re.compile(rb"SINSTS\t\d{5}\t.")


class Talker:
    """One meter, its frames with a power of each one's own, cut into pieces of 16 ms of the line."""

    def __init__(self, number: int, write: Callable[[bytes], object]) -> None:
        self.number = number
        self._write = write
        self._meter = SimulatedMeter("linky-standard", seed=number, start=START)
        self._power = 1000
        self._frame = b""
        self._began = 0.0
        self._sent = 0

    def turn(self, now: float) -> int:
        """Write what the line has carried by now; give the power when that ended a frame, else 0."""
        if self._sent == len(self._frame):
            self._power = 1000 + (self._power - 999) % 4000
            self._frame = with_even_parity(_with_power(self._meter.next_frame(), self._power))
            self._began, self._sent = now, 0
        due = min(len(self._frame), int((now - self._began) * BYTES_PER_SECOND))
        piece, self._sent = self._frame[self._sent : due], due
        if piece:
            self._write(piece)
        return self._power if piece and due == len(self._frame) else 0


def _with_power(frame: bytes, power: int) -> bytes:
    covered = b"SINSTS\t%05d\t" % power
    return _POWER_GROUP.sub(lambda _: covered + bytes([(sum(covered) & 0x3F) + 0x20]), frame)


def talk(kind: str) -> None:
    """Be the meters: write their ports, then meter, power and time at the end of each frame, until the input ends."""
    if kind == "pty":
        pairs = [os.openpty() for _ in range(METERS)]
        for _, slave in pairs:
            tty.setraw(slave)
        print(json.dumps([os.ttyname(slave) for _, slave in pairs]), flush=True)
        writers = [_writer(master) for master, _ in pairs]
    else:
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(METERS)]
        print(json.dumps([f"socket://127.0.0.1:{one.getsockname()[1]}" for one in listeners]), flush=True)
        peers = [listener.accept()[0] for listener in listeners]
        writers = [_writer(peer.fileno()) for peer in peers]
    talkers = [Talker(number, write) for number, write in enumerate(writers)]
    turns = [(time.monotonic() + number / METERS * PIECE, talker) for number, talker in enumerate(talkers)]
    while not select.select([sys.stdin], [], [], 0)[0]:
        due, talker = turns.pop(0)
        time.sleep(max(0.0, due - time.monotonic()))
        power = talker.turn(time.monotonic())
        if power:
            print(talker.number, power, time.monotonic(), flush=True)
        turns.append((due + PIECE, talker))


def answer(port: int) -> None:
    """Answer every connection with as much as one meter is, in a thread of its own, until killed."""
    body = os.urandom(ANSWER)  # as packed as what it stands for
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)

    def work(peer: socket.socket) -> None:
        with peer:
            peer.recv(4096)
            peer.sendall(head + body)

    with socket.create_server(("127.0.0.1", port)) as listener:
        print("listening", flush=True)
        while True:
            threading.Thread(target=work, args=(listener.accept()[0],)).start()


def _writer(descriptor: int) -> Callable[[bytes], object]:
    os.set_blocking(descriptor, False)

    def write(data: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody reads yet, or any more
            os.write(descriptor, data)

    return write


@contextlib.contextmanager
def exporter_of(ports: list[str]) -> Iterator[Exporter]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tic_exporter.yml"
        meters = "".join(f"  - name: m{number}\n    port: {port}\n" for number, port in enumerate(ports))
        file.write_text(f"meters:\n{meters}", encoding="utf-8")
        with Exporter(free_port(), f"--config.file={file}") as exporter:
            exporter.wait_for_scrape()
            yield exporter


def measure(kind: str, seconds: float) -> tuple[list[float], list[float]]:
    """Give the milliseconds of as many frames as there was time for, and those of the server that answers at once."""
    found: list[float] = []
    reference: list[float] = []
    port = free_port()
    with (
        Process("-m", "benchmarks.freshness", "answer", str(port)) as answering,
        Process("-m", "benchmarks.freshness", "talk", kind) as talking,
        exporter_of(json.loads(talking.read_line())) as exporter,
    ):
        answering.read_line()
        exporter.wait_until_fresh(METERS, talking.read_line)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            number, power, ended = talking.read_line().split()
            if time.monotonic() - float(ended) > 0.001:
                continue  # it waited here, while another meter was asked
            if len(reference) < len(found):
                scrape(port)
                reference.append((time.monotonic() - float(ended)) * 1000)
                continue
            while values(plain(scrape(exporter.port, f"/metrics?meter=m{number}")), POWER) != [float(power)]:
                assert time.monotonic() - float(ended) < 5
            found.append((time.monotonic() - float(ended)) * 1000)
    return found, reference


def _late(samples: list[float]) -> float:
    """Give the 99th percentile."""
    return sorted(samples)[int(len(samples) * 0.99)]


def main() -> None:
    seconds = float(sys.argv[1]) if sys.argv[1:] else SECONDS
    print(describe())
    heads = ("line", "frames", "median, ms", "99th percentile, ms", "limit, ms", "longest, ms",
             "at once: median", "99th percentile", "ratio")  # fmt: skip
    print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for kind in ("pty", "TCP"):
        found, reference = measure(kind, seconds)
        late, at_once = _late(found), _late(reference)
        figures = (statistics.median(found), late, LIMIT, max(found), statistics.median(reference), at_once)
        row = (kind, str(len(found)), *(f"{figure:.1f}" for figure in figures), f"{late / at_once:.1f}")
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["talk"]:
        talk(sys.argv[2])
    elif sys.argv[1:2] == ["answer"]:
        answer(int(sys.argv[2]))
    else:
        main()
