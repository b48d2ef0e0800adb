"""Whoever only listens to one port for a while: `detect` and `record`."""

import contextlib
import select
import time
from collections.abc import Callable, Iterator

from .clocks import steady
from .detect import SpeedSearch
from .sources import PortSettings, Source, open_source

TICK = 0.1
GATHER = 0.01
"""Seconds: what comes within is read at once: some ports wake up their reader for each character."""

CONNECT_PATIENCE = 10.0


def listen(source: Source, is_over: Callable[[], bool]) -> Iterator[bytes]:
    """Give what comes, and nothing at least every `TICK` seconds; OSError when the port is gone."""
    patience = steady() + CONNECT_PATIENCE
    while not is_over():
        poll = select.poll()
        poll.register(source.fileno(), select.POLLOUT if source.connecting else select.POLLIN)
        is_ready = poll.poll(TICK * 1000)
        if source.connecting:
            if is_ready:
                source.finish_connecting()
            elif steady() > patience:
                raise TimeoutError("no answer")
        elif is_ready:
            time.sleep(GATHER)
            yield source.read()
            continue
        yield b""


def find_speed(source: Source, settings: PortSettings, seconds: float, is_over: Callable[[], bool]) -> int | None:
    """Listen at one speed after the other, as serving does; None: the port has no speed, or none was found in time."""
    if not settings.has_speed:
        return None
    if settings.baud_rate is not None:
        return settings.baud_rate
    until = steady() + seconds
    search = SpeedSearch(9600, steady())
    for data in listen(source, lambda: is_over() or steady() > until):
        if data and search.feed(data):
            return search.speed
        speed = search.next_speed(steady())
        if speed is not None:
            try_speed(source, speed)
    return None


def try_speed(source: Source, speed: int) -> None:
    """Listen at another speed; one that the port refuses is passed over. A port that is gone says so when read."""
    with contextlib.suppress(OSError):
        source.set_baud_rate(speed)


def open_port(settings: PortSettings) -> Source:
    """Open it at the speed that was told, else at that of Linky standard."""
    return open_source(settings, settings.baud_rate or 9600)
