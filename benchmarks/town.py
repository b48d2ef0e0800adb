"""A town: simulated meters at 127.x.y.z, one TCP port, in a process of their own (`python -m benchmarks.town METERS`).

Each meter speaks at full line speed and delivers every 100 ms, at an instant of its own, as a bridge on a network does.
Writes the port. A line on its standard input makes it fall silent and tell how many bytes it has sent.
"""

import json
import select
import socket
import sys
import time
from dataclasses import dataclass
from datetime import datetime

from tic_exporter.simulator import SimulatedMeter
from tic_exporter.simulator.line import Feed

CHUNK = 0.1
SLOTS = 20
START = datetime(2026, 1, 15, 18)  # noqa: DTZ001 - legal time, as the simulator takes it


@dataclass(slots=True, eq=False)
class Bridge:
    """One meter and who listens to it."""

    feed: Feed
    peer: socket.socket
    said_at: float


class Town:
    def __init__(self, meters: int, kind: str = "linky-standard") -> None:
        self.sent = self.dropped = 0
        self._feeds = [Feed(SimulatedMeter(kind, seed=number, start=START)) for number in range(meters)]
        self._slots: list[list[Bridge]] = [[] for _ in range(SLOTS)]
        self._listener = socket.create_server(("", 0), backlog=4096)
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])

    def turn(self, slot: int, now: float) -> None:
        """Let speak whose turn it is, and greet who has come."""
        for bridge in list(self._slots[slot]):
            data = bridge.feed.take(now - bridge.said_at)
            bridge.said_at = now
            try:
                sent = bridge.peer.send(data) if data else 0
            except BlockingIOError:
                sent = 0
            except OSError:
                self._slots[slot].remove(bridge)
                continue
            self.sent += sent
            self.dropped += len(data) - sent
        self._greet(slot, now)

    def _greet(self, slot: int, now: float) -> None:
        try:
            while self._feeds:
                peer, _ = self._listener.accept()
                peer.setblocking(False)
                feed = self._feeds.pop()
                feed.take(len(self._feeds) % 97 / 97)  # nobody hears the beginning; each is elsewhere in its frame
                self._slots[(slot + len(self._feeds)) % SLOTS].append(Bridge(feed, peer, now))
        except BlockingIOError:
            return


def main() -> None:
    town = Town(int(sys.argv[1]))
    print(town.port, flush=True)
    step = CHUNK / SLOTS
    due, number = time.monotonic(), 0
    while True:
        due = max(due + step, time.monotonic() - 1.0)
        number += 1
        asked, _, _ = select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))
        if asked:
            if sys.stdin.readline():
                print(json.dumps({"sent": town.sent, "dropped": town.dropped}), flush=True)
                sys.stdin.read()
            return
        town.turn(number % SLOTS, time.monotonic())


if __name__ == "__main__":
    main()
