"""The serial thread: one loop over the descriptors of all lines, which alone feeds the meters.

A line that cannot be opened, vanishes or never ends is retried for ever with growing pauses; none disturbs another.
"""

import contextlib
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .clocks import steady
from .detect import REARM_AFTER, SpeedSearch
from .meter import Meter
from .sources import FileEndedError, PortSettings, Source, open_source
from .tic.frames import DecodedFrame
from .waiting import Pace, Waiting

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
CONNECT_PATIENCE = 10.0
TICK = 0.5
OPENERS = 4
"""Threads that open ports and resolve names; connecting itself happens in the loop."""


class Clocks(NamedTuple):
    """The two clocks of the loop: seconds that never jump, and Unix time."""

    steady: Callable[[], float] = steady
    unix: Callable[[], float] = time.time


Observer = Callable[[Meter, Sequence[DecodedFrame], float], None]
"""Told in the serial thread what a meter has just taken in, and when (monotonic seconds)."""


class Line:
    """One meter and the port that it is read from, as the loop sees them."""

    def __init__(self, meter: Meter, settings: PortSettings, observers: Sequence[Observer] = ()) -> None:
        self.meter = meter
        self.settings = settings
        self.observers = observers
        self.source: Source | None = None
        self.opening = False
        self.removed = False
        self.retry_at: float | None = 0.0
        self.pause = FIRST_PAUSE
        self.failing = False
        self.baud_rate = settings.baud_rate or 9600
        self.search: SpeedSearch | None = None
        self.connect_before: float | None = None
        self.opened_at = 0.0
        self.heard = False
        self.pace = Pace()

    @property
    def finds_speed(self) -> bool:
        return self.settings.baud_rate is None and self.settings.has_speed

    @property
    def shown_speed(self) -> str:
        """The speed for `tic_link_info`; empty where the port has none."""
        return str(self.baud_rate) if self.settings.has_speed else ""


class Reader:
    """Reads all lines in one thread. `on_turn` is called at each turn of the loop, which a watchdog may follow.

    Args:
        clocks: for tests.
        opener: opens a port; may block.
        on_turn: called at least every two `TICK`.
        on_failure: called with the exception if the loop dies of a bug.
    """

    def __init__(
        self,
        *,
        clocks: Clocks | None = None,
        opener: Callable[[PortSettings, int], Source] = open_source,
        on_turn: Callable[[], None] = lambda: None,
        on_failure: Callable[[BaseException], None] = lambda _error: None,
    ) -> None:
        self._clocks = clocks or Clocks()
        self._opener = opener
        self._on_turn = on_turn
        self._on_failure = on_failure
        self._waiting: Waiting[Line | None] = Waiting()
        self._lines: list[Line] = []
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._to_open: queue.SimpleQueue[Line | None] = queue.SimpleQueue()
        self._openers: list[threading.Thread] = []
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._waiting.add(self._wake_reader, None)
        self._stopping = False
        self._attend_at = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="serial", daemon=True)

    # --- from other threads -----------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the loop and close every port; also of a reader that never started."""
        self._command(self._stop)
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        else:
            self._end()

    def change(self, added: Mapping[str, Line], removed: set[str]) -> None:
        """Add lines by meter name and remove others; those not named do not notice."""
        self._command(lambda: self._change(added, removed))

    def _command(self, command: Callable[[], None]) -> None:
        self._commands.put(command)
        try:
            self._wake_writer.send(b"\0")
        except OSError:
            return  # it is awake already, or has ended

    # --- the loop ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn()
        except BaseException as error:  # noqa: BLE001 - whatever ends this thread must end the process, visibly
            self._on_failure(error)
        finally:
            self._end()

    def _end(self) -> None:
        """Close everything; a port that is being opened is closed by its opener, which finds that this has ended."""
        self._stopping = True
        self._ended.set()
        self._run_commands()
        for line in self._lines:
            self._close(line)
        for _ in self._openers:
            self._to_open.put(None)
        self._waiting.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def _run_commands(self) -> None:
        while True:
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                return
            command()
            self._attend_at = 0.0

    def _turn(self) -> None:
        now = self._clocks.steady()
        # Bytes, which come every second, wake it in time to attend to lines: only without any it wakes by itself.
        ready = self._waiting.wait(self._attend_at + TICK - now, now)
        now = self._clocks.steady()
        for line in ready:
            if line is None:
                self._wake_reader.recv(4096)
            else:
                self._ready(line, now)
        self._run_commands()
        # Not at every turn: with a thousand lines there are thousands of turns a second.
        if now >= self._attend_at:
            self._attend_at = now + TICK
            for line in self._lines:
                self._attend(line, now)
        self._on_turn()

    def _stop(self) -> None:
        self._stopping = True

    def _change(self, added: Mapping[str, Line], removed: set[str]) -> None:
        for line in self._lines:
            if line.meter.options.name in removed:
                line.removed = True
                self._close(line)
        self._lines = [line for line in self._lines if not line.removed] + list(added.values())

    # --- one line ---------------------------------------------------------------------------------------------------

    def _attend(self, line: Line, now: float) -> None:
        """Do what is due for a line, whether or not bytes came."""
        if line.source is None:
            if not line.opening and line.retry_at is not None and now >= line.retry_at:
                self._open(line)
            return
        if line.connect_before is not None:
            if now >= line.connect_before:
                self._failed(line, TimeoutError("no answer"), now)
            return
        line.meter.refresh()
        if not line.finds_speed:
            return
        if line.search is not None:
            speed = line.search.next_speed(now)
            if speed is not None:
                self._set_speed(line, line.source, speed)
        elif line.heard and now - max(line.meter.right_group_at or 0.0, line.opened_at) > REARM_AFTER:
            log.info("no right group for a while: looking for the speed again", extra=_who(line))
            line.search = SpeedSearch(line.baud_rate, now)
        line.heard = False

    def _set_speed(self, line: Line, source: Source, speed: int) -> None:
        """Listen at another speed; one that the port refuses is passed over. A port that is gone says so when read."""
        try:
            source.set_baud_rate(speed)
        except OSError as error:
            log.debug("speed refused", extra=_who(line) | {"baud_rate": speed, "error": str(error)})
            return
        line.baud_rate = speed
        line.meter.speed_changed(line.shown_speed)

    def _ready(self, line: Line, now: float) -> None:
        source = line.source
        if source is None:
            return
        try:
            if source.connecting:
                self._connected(line, source, now)
                return
            data = source.read()
        except OSError as error:
            self._failed(line, error, now)
            return
        if data:
            if line.failing:
                log.info("bytes again", extra=_who(line))
            line.heard, line.failing, line.pause = True, False, FIRST_PAUSE
            frames = line.meter.feed(data, now, self._clocks.unix())
            if frames:
                line.pace.frame_ended(now)
            for observer in line.observers if frames else ():
                observer(line.meter, frames, now)
            if line.search is None:
                self._rest(line, source, now)
            elif line.search.feed(data):
                line.search = None
                line.opened_at = now

    def _rest(self, line: Line, source: Source, now: float) -> None:
        """Leave a line alone while it is in the middle of a frame."""
        rest = line.pace.rest(now)
        if rest:
            self._waiting.rest(source, now + rest)

    def _connected(self, line: Line, source: Source, now: float) -> None:
        # The next address is another descriptor: the old one is taken out first.
        self._waiting.remove(source)
        done = source.finish_connecting()
        self._waiting.add(source, line, until_writable=not done)
        if done:
            self._opened(line, now)

    # --- opening and closing ----------------------------------------------------------------------------------------

    def _open(self, line: Line) -> None:
        line.opening = True
        if len(self._openers) < OPENERS and len(self._openers) < len(self._lines):
            thread = threading.Thread(target=self._open_ports, name="opener", daemon=True)
            self._openers.append(thread)
            thread.start()
        self._to_open.put(line)

    def _open_ports(self) -> None:
        """Run in an opener's thread: open one port after the other, and hand the result to the loop."""
        while (line := self._to_open.get()) is not None:
            source: Source | None = None
            error: Exception | None = None
            try:
                source = self._opener(line.settings, line.baud_rate)
            except (OSError, ValueError) as failure:
                error = failure
            except BaseException as bug:  # noqa: BLE001 - the loop dies of it, and says so; else the line never opened
                self._command(_raising(bug))
                return
            self._command(self._opening_ended(line, source, error))
            if self._ended.is_set():
                self._run_commands()

    def _opening_ended(self, line: Line, source: Source | None, error: Exception | None) -> Callable[[], None]:
        def end() -> None:
            now = self._clocks.steady()
            line.opening = False
            if line.removed or self._stopping:
                if source is not None:
                    source.close()
            elif source is None:
                self._failed(line, error or OSError(), now)
            else:
                line.source = source
                if source.connecting:
                    line.connect_before = now + CONNECT_PATIENCE
                    self._waiting.add(source, line, until_writable=True)
                else:
                    self._waiting.add(source, line)
                    self._opened(line, now)

        return end

    def _opened(self, line: Line, now: float) -> None:
        line.connect_before = None
        line.opened_at = now
        line.pace = Pace()
        line.search = SpeedSearch(line.baud_rate, now) if line.finds_speed else None
        log.log(logging.DEBUG if line.failing else logging.INFO, "port open", extra=_who(line))
        line.meter.opened(port=line.settings.port, baud_rate=line.shown_speed)

    def _failed(self, line: Line, error: Exception, now: float) -> None:
        """Close, say it once, and try again later; the pause grows until bytes come again."""
        was_open = line.source is not None and line.connect_before is None
        self._close(line)
        if was_open:
            line.meter.closed()
        else:
            line.meter.open_failed()
        ended = isinstance(error, FileEndedError)
        level = logging.INFO if ended else logging.DEBUG if line.failing else logging.WARNING
        log.log(level, "file ended" if ended else "port closed", extra=_who(line) | {"error": str(error)})
        line.failing = True
        line.retry_at = None if ended else now + line.pause
        line.pause = min(line.pause * 2, LONGEST_PAUSE)

    def _close(self, line: Line) -> None:
        if line.source is None:
            return
        with contextlib.suppress(KeyError, ValueError, OSError):  # never registered, or its descriptor is gone
            self._waiting.remove(line.source)
        line.source.close()
        line.source = None
        line.connect_before = None


def _raising(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


def _who(line: Line) -> dict[str, str]:
    return {"meter": line.meter.options.name, "port": line.settings.port}
