"""A meter at a serial port: the master of a pseudo-terminal, whose slave a program opens like a real port."""

import os
import select
import termios
import time
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .line import Damage, Feed, misread
from .meter import SimulatedMeter
from .serving import Service

_CHUNK = 0.016
"""Seconds of line time that a USB adaptor gathers before it delivers (FTDI's latency timer)."""

_LATEST = 1.0
"""Seconds by which delivery may lag; what is later is lost, as on a line that nobody reads."""

_INPUT_SPEED = 4
_SPEEDS = {
    getattr(termios, f"B{rate}"): rate
    for rate in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}  # fmt: skip
_GONE = select.POLLHUP | select.POLLERR


class PtyLine(Service):
    """Sends a meter's frames to whoever opens `path`, at the speed of the line.

    While nobody has it open nothing is sent, and what a reader does not take in time is dropped and counted: nothing
    piles up, and the frames that come are those of now. A reader whose port has another speed than the meter gets
    what a UART would give it.

    Args:
        meter: who speaks.
        link: where to make a symbolic link to the port; it replaces a link and nothing else.
        speed: factor of time; 0 is as fast as the reader takes it.
        parity: give every character its even parity bit, as an adaptor at 8N1 sees it.
        damage: what is done to each frame.
        heeds_speed: garble for readers at the wrong speed. A port starts with what the system gives it, usually 38400.
        clock: seconds that only rise.
        sleep: how to wait; by default it ends early when the line is stopped.
    """

    def __init__(
        self,
        meter: SimulatedMeter,
        *,
        link: Path | None = None,
        speed: float = 1.0,
        parity: bool = True,
        damage: Damage | None = None,
        heeds_speed: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        super().__init__()
        self.meter = meter
        self.dropped = 0
        self._feed = Feed(meter, parity=parity, damage=damage)
        self._speed = speed
        self._heeds_speed = heeds_speed
        self._clock = clock
        self._sleep = sleep or self._stopping.wait
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.path = Path(os.ttyname(slave))
        os.close(slave)
        os.set_blocking(self._master, False)
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLOUT)
        self._link = link
        if link is not None:
            _point(link, self.path)

    @property
    def reader_speed(self) -> int | None:
        """What the other side has set; None where it is no speed of a TIC line."""
        return _SPEEDS.get(termios.tcgetattr(self._master)[_INPUT_SPEED])

    def serve(self) -> None:
        if self._speed:
            self._serve_timed()
        else:
            self._serve_eagerly()

    def close(self) -> None:
        if self._master < 0:
            return
        os.close(self._master)
        self._master = -1
        if self._link is not None:
            with suppress(OSError):
                if self._link.readlink() == self.path:
                    self._link.unlink()

    def _serve_timed(self) -> None:
        last = self._clock()
        while not self._stopping.is_set():
            self._sleep(_CHUNK)
            now = self._clock()
            lag, last = now - last, now
            if lag > _LATEST:
                self._feed.skip((lag - _LATEST) * self._speed)
                lag = _LATEST
            self._send(self._feed.take(lag * self._speed))

    def _serve_eagerly(self) -> None:
        while not self._stopping.is_set():
            if not self._is_open():
                self._sleep(_CHUNK)
                continue
            data = self._as_read(self._feed.next_frame())
            while data and not self._stopping.is_set() and self._is_open():
                if self._poll.poll(100):
                    data = data[self._write(data) :]

    def _is_open(self) -> bool:
        """Tell whether anybody has the port open."""
        return not any(event & _GONE for _, event in self._poll.poll(0))

    def _send(self, data: bytes) -> None:
        if not data or not self._is_open():
            return
        data = self._as_read(data)
        self.dropped += len(data) - self._write(data)

    def _as_read(self, data: bytes) -> bytes:
        speed = self.reader_speed if self._heeds_speed else self._feed.baud_rate
        # A speed that no TIC line has is taken for the one that a fresh port has.
        return data if speed == self._feed.baud_rate else misread(data, self._feed.baud_rate, speed or 38400)

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._master, data)
        except OSError:  # the buffer is full, or the reader has just gone
            return 0


def _point(link: Path, target: Path) -> None:
    """Make the link in one step, so that a program that opens it again finds the old port or the new one."""
    if link.exists() and not link.is_symlink():
        raise FileExistsError(f"{link} exists and is no symbolic link")
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def serve_pty(
    meter: SimulatedMeter,
    *,
    link: Path | None = None,
    speed: float = 1.0,
    parity: bool = True,
    damage: Damage | None = None,
) -> PtyLine:
    """Start a `PtyLine` in a thread of its own."""
    return PtyLine(meter, link=link, speed=speed, parity=parity, damage=damage).start()
