"""Lines for a soak: a simulated meter, all that happens to it and to its line, and the wire to its reader."""

import os
import socket
import tty
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Protocol

from tic_exporter.meter import CONNECTIONS, FRAMES, RECEIVED_BYTES, LinkCounter, Meter
from tic_exporter.simulator import KINDS, DynamicPeriod, MobilePeak, SimulatedMeter, damage
from tic_exporter.tic.parity import with_even_parity

_EOT = b"\x04"


class Wire(Protocol):
    """What carries bytes to a reader.

    `is_heard`: it is plugged in, and somebody reads. `is_settled`: all that happened to it has reached the reader.
    """

    @property
    def is_heard(self) -> bool: ...
    @property
    def is_settled(self) -> bool: ...
    def plug(self) -> None: ...
    def send(self, data: bytes) -> None: ...
    def pull(self) -> None: ...


class Direct:
    """Bytes go into `Meter.feed` at once."""

    is_settled = True

    def __init__(self, meter: Meter, times: Callable[[], tuple[float, float]]) -> None:
        self._meter = meter
        self._times = times
        self.is_heard = False
        self.plug()

    def plug(self) -> None:
        self._meter.opened(port="direct", baud_rate="")
        self.is_heard = True

    def send(self, data: bytes) -> None:
        self._meter.feed(data, *self._times())

    def pull(self) -> None:
        self._meter.closed()
        self.is_heard = False


class _Real:
    """A wire to a `Reader`. A subclass says what is plugged in: it writes, and closes its side."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._unread: int | None = None
        self._is_plugged = False
        self._connections = 0

    @property
    def is_heard(self) -> bool:
        return self._is_plugged and self._is_connected() and self._meter.snapshot.is_open

    @property
    def is_settled(self) -> bool:
        if not self._is_plugged:  # a bridge that is deaf lets its system answer: the reader may be connected again
            return not self._meter.snapshot.is_open or self._count(CONNECTIONS) > self._connections
        return self._unread is None or self._count(RECEIVED_BYTES) >= self._unread

    def plug(self) -> None:
        self._is_plugged, self._unread = True, None
        self._connect()

    def send(self, data: bytes) -> None:
        if self._unread is None:
            self._unread = self._count(RECEIVED_BYTES)
        self._unread += len(data)
        self._write(data)

    def pull(self) -> None:
        self._is_plugged, self._connections = False, self._count(CONNECTIONS)
        self._hang_up()

    def _count(self, counter: LinkCounter) -> int:
        return self._meter.snapshot.counts.get((counter.name, ""), 0)

    def _is_connected(self) -> bool:
        return True

    def _connect(self) -> None: ...
    def _write(self, data: bytes) -> None: ...
    def _hang_up(self) -> None: ...


class Tcp(_Real):
    """A TCP server of one connection, as a bridge is."""

    def __init__(self, meter: Meter) -> None:
        super().__init__(meter)
        self._connection: socket.socket | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self.plug()

    def _is_connected(self) -> bool:
        if self._connection is None:
            with suppress(BlockingIOError):
                self._connection = self._listener.accept()[0]
                self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._connection is not None

    def _write(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.sendall(data)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        self._hang_up()
        self._listener.close()


class Pty(_Real):
    """A serial port below a lasting name: plugged in again, it is another device."""

    def __init__(self, meter: Meter, link: Path) -> None:
        super().__init__(meter)
        self._master = -1
        self._link = link
        self.port = str(link)
        self.plug()

    def _connect(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        new = self._link.with_suffix(".new")
        new.symlink_to(os.ttyname(slave))
        new.replace(self._link)
        os.close(slave)

    def _write(self, data: bytes) -> None:
        os.write(self._master, data)

    def _hang_up(self) -> None:
        if self._master >= 0:
            self._link.unlink()  # first: the number of the device is soon another one's
            os.close(self._master)
            self._master = -1

    def close(self) -> None:
        self._hang_up()


@dataclass(slots=True)
class Numbers:
    """What was counted of one line.

    Args:
        sent: frames that the meter spoke while somebody read.
        whole: those that arrived as they were sent, from STX to ETX.
        broken_off: those that the meter ended by EOT.
        damaged: those that came otherwise.
        lost: whole frames that were not accepted.
        passed: damaged frames that were accepted all the same.
        events: how often each thing happened.
    """

    sent: int = 0
    whole: int = 0
    broken_off: int = 0
    damaged: int = 0
    lost: int = 0
    passed: int = 0
    events: dict[str, int] = field(default_factory=dict)


class Line:
    """One meter in the course of time. `step` lets it speak, `settle` compares what was said with what was accepted."""

    def __init__(self, kind: str, meter: Meter, wire: Wire, start: datetime, seed: int, *, parity: bool) -> None:
        self.kind = kind
        self.meter = meter
        self.wire = wire
        self.random = Random(f"soak {seed} {kind}")  # noqa: S311 - chance, no secret
        self.simulated = SimulatedMeter(kind, start=start, seed=seed, producer=bool(seed % 2))
        self.numbers = Numbers()
        self.error_rate = 0.0
        self.replaced = 0
        self._has_parity = parity
        self._at = 0.0
        self._ends: dict[str, float] = {}
        self._expected = self._accepted = 0
        self._starts_in_the_middle = False

    def step(self, until: float, seconds: float, *, is_quiet: bool = False) -> None:
        """Let the meter speak until an instant, and things happen by chance unless `is_quiet`."""
        for event in EVENTS:
            if event.name in self._ends:
                if until >= self._ends[event.name] or is_quiet:
                    del self._ends[event.name]
                    event.end(self)
            elif not is_quiet and event.can_happen(self) and self.random.random() < event.per_hour * seconds / 3600:
                self._ends[event.name] = until + self.random.uniform(*event.seconds)
                self.numbers.events[event.name] = self.numbers.events.get(event.name, 0) + 1
                event.begin(self)
        while self._at <= until:
            frame = self.simulated.next_frame()
            self._at += self.simulated.line_time
            if frame and self.wire.is_heard:
                self._send(frame)

    def _send(self, frame: bytes) -> None:
        data = with_even_parity(frame) if self._has_parity else frame
        if self._starts_in_the_middle:
            self._starts_in_the_middle = False
            self.wire.send(data[len(data) // 2 :])
            return
        numbers = self.numbers
        numbers.sent += 1
        came = data
        if self.error_rate:
            bits = 8 if self._has_parity else 7
            came = damage(data, self.random, self.error_rate, bits=bits, loss_rate=self.error_rate)
        if came != data:
            numbers.damaged += 1
        elif frame.endswith(_EOT):
            numbers.broken_off += 1
        else:
            numbers.whole += 1
            self._expected += 1
        self.wire.send(came)

    @property
    def may_fall(self) -> bool:
        """Whether its registers may fall: after another meter has come, where no id tells."""
        return bool(self.replaced) and self.meter.snapshot.meter_id == self.meter.options.name

    def settle(self) -> None:
        """Compare, once everything that was sent has been read."""
        accepted = self.meter.snapshot.counts.get((FRAMES.name, ""), 0)
        more = accepted - self._accepted
        self.numbers.lost += max(0, self._expected - more)
        self.numbers.passed += max(0, more - self._expected)
        self._accepted, self._expected = accepted, 0

    @property
    def accepted(self) -> int:
        return self._accepted

    @property
    def connections(self) -> int:
        return self.meter.snapshot.counts.get((CONNECTIONS.name, ""), 0)

    def pull(self) -> None:
        """Pull the cable amid a frame."""
        frame = self.simulated.next_frame()
        self._at += self.simulated.line_time
        if frame and self.wire.is_heard:
            self.wire.send(frame[: len(frame) // 2])
        self.wire.pull()

    def plug(self) -> None:
        self.wire.plug()
        self._starts_in_the_middle = True

    def replace(self) -> None:
        """Put another meter in place, where its id can tell."""
        self.replaced += 1
        self.simulated.replace(f"{self.simulated.meter_id[:6]}{self.random.randrange(1_000_000):06}")

    def set(self, **switches: object) -> None:
        for name, value in switches.items():
            setattr(self.simulated.events, name, value)


@dataclass(frozen=True, slots=True)
class Event:
    """What happens to a line now and then, and for how long."""

    name: str
    per_hour: float
    seconds: tuple[float, float]
    begin: Callable[[Line], object]
    end: Callable[[Line], object] = lambda _line: None
    can_happen: Callable[[Line], bool] = lambda _line: True


def _switch(name: str, per_hour: float, seconds: tuple[float, float], **switches: object) -> Event:
    usual = {switch: getattr(SimulatedMeter(next(iter(KINDS)), start=_ANY).events, switch) for switch in switches}
    return Event(name, per_hour, seconds, lambda line: line.set(**switches), lambda line: line.set(**usual))


def _noise(line: Line) -> None:
    line.error_rate = line.random.choice((1e-4, 1e-3, 1e-2))


def _silence_noise(line: Line) -> None:
    line.error_rate = 0.0


def _other_period(line: Line) -> None:
    line.set(period=line.random.choice(line.simulated.site.contract.calendar.periods))


def _dynamic(line: Line) -> None:
    now = line.simulated.now.replace(second=0, microsecond=0)
    soon, later = now + timedelta(minutes=5), now + timedelta(minutes=15)
    line.set(dynamic=(DynamicPeriod(soon, later),), peaks=(MobilePeak(1, soon, later),))


_ANY = datetime(2026, 1, 1)  # noqa: DTZ001 - legal time
EVENTS = (
    Event("cable pulled", 1.0, (5, 300), Line.pull, Line.plug, lambda line: line.wire.is_heard),
    Event("noise", 2.0, (2, 120), _noise, _silence_noise),
    Event("EOT", 6.0, (0, 0), lambda line: line.simulated.interrupt(at_byte=line.random.randrange(2000))),
    Event("mode switched", 0.2, (600, 1800), lambda line: line.simulated.switch_mode(),
          lambda line: line.simulated.switch_mode(), lambda line: bool(KINDS[line.kind].other_mode)),
    Event("meter replaced", 0.1, (0, 0), Line.replace),
    Event("tariff changed", 1.0, (300, 1800), _other_period, lambda line: line.set(period=None)),
    Event("dynamic period", 0.3, (900, 1200), _dynamic, lambda line: line.set(dynamic=(), peaks=())),
    _switch("overload", 0.5, (60, 600), overload=True),
    _switch("overload of a phase", 0.3, (60, 600), overload=True, overload_phases=(1,)),
    _switch("phase lost", 0.3, (30, 600), missing_phases=(2,)),
    _switch("meter silent", 0.5, (30, 600), silent=True),
    _switch("standby", 0.2, (60, 300), standby=True),
    _switch("test frames", 0.1, (60, 300), test_mode=True),
    _switch("disconnector", 0.2, (60, 600), disconnector="open_overload"),
    _switch("control mode", 0.2, (60, 300), control_mode=True),
    _switch("voltage", 0.3, (60, 600), voltage=256.0, cover_open=True, clock_degraded=True),
)  # fmt: skip
