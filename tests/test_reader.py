"""The serial thread: many lines, one loop, and none disturbs another."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from helpers import free_port, wait_until
from helpers.lines import HISTORIC_ID, LINKY_HISTORIC, LINKY_STANDARD, Peer, Pty, frame, open_descriptors
from tic_exporter import reader
from tic_exporter.clocks import steady
from tic_exporter.detect import DWELL, REARM_AFTER, SPEEDS
from tic_exporter.meter import CONNECTION_FAILURES, CONNECTIONS, DETECTIONS, FRAMES, RECEIVED_BYTES, Meter, MeterOptions
from tic_exporter.reader import CONNECT_PATIENCE, LONGEST_PAUSE, Clocks, Line, Reader
from tic_exporter.simulator import PtyLine, SimulatedMeter
from tic_exporter.sources import PortSettings, open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tic_exporter.meter import LinkCounter
    from tic_exporter.sources import Source

    Opener = Callable[[PortSettings, int], Source]

SECONDS = 15.0
HISTORIC = frame(LINKY_HISTORIC)


def line_of(port: str, name: str = "meter", *, baud_rate: int | None = None, loop: bool = False) -> Line:
    return Line(Meter(MeterOptions(name)), PortSettings(port, baud_rate=baud_rate, loop=loop))


def state(line: Line) -> str:
    return line.meter.snapshot.link_state(steady())


def count(line: Line, counter: LinkCounter) -> int:
    return line.meter.snapshot.counts.get((counter.name, ""), 0)


def wait_for_more(line: Line, counter: LinkCounter, before: int) -> None:
    wait_until(lambda: count(line, counter) > before, SECONDS)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once, and the loop looks around often."""
    monkeypatch.setattr(reader, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(reader, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(reader, "TICK", 0.01)


@contextmanager
def reading(*lines: Line, opener: Opener = open_source) -> Iterator[Reader]:
    """A reader of these lines in its thread; it must not fail, and leaves neither a thread nor a descriptor."""
    failures: list[BaseException] = []
    threads, descriptors = threading.active_count(), open_descriptors()
    running = Reader(opener=opener, on_failure=failures.append)
    running.change({line.meter.options.name: line for line in lines}, set())
    running.start()
    try:
        yield running
    finally:
        running.stop()
    assert not failures
    wait_until(lambda: threading.active_count() <= threads, SECONDS)
    wait_until(lambda: open_descriptors() <= descriptors, SECONDS)


class Stepped:
    """A reader that turns when told to, by a clock that is set; its ports are opened by `opener` in a thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, opener: Opener, *lines: Line) -> None:
        monkeypatch.setattr(reader, "TICK", 0.0)
        self.now = 1000.0
        self.lines = lines
        self.reader = Reader(clocks=Clocks(lambda: self.now, lambda: 1_800_000_000.0 + self.now), opener=opener)
        self.reader.change({line.meter.options.name: line for line in lines}, set())

    def step(self, seconds: float = 0.0) -> None:
        """Let time pass, and everything be done that is due."""
        self.now += seconds
        self.reader._turn()
        while any(line.opening for line in self.lines):
            time.sleep(0.001)
            self.reader._turn()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        threads = self.reader._openers
        self.reader.stop()
        for thread in threads:
            thread.join(SECONDS)


class FakeSource:
    """A port without a descriptor of its own worth mentioning: a pipe of which the test has the other end."""

    def __init__(self, *, connecting: bool = False) -> None:
        self._socket, self.far = socket.socketpair()
        self._socket.setblocking(False)
        self.connecting = connecting
        self.speeds: list[int] = []
        self.refused: set[int] = set()
        self.closed = False

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise OSError(errno.EIO, "gone")
        return data

    def finish_connecting(self) -> bool:
        self.connecting = False
        return True

    def set_baud_rate(self, baud_rate: int) -> None:
        if baud_rate in self.refused:
            raise OSError(errno.EINVAL, "the port refuses this speed")
        self.speeds.append(baud_rate)

    def close(self) -> None:
        self.closed = True
        self._socket.close()

    def end(self) -> None:
        self.far.close()


def fails(_settings: PortSettings, _baud_rate: int) -> Source:
    raise OSError(errno.ENOENT, "No such file or directory")


# Several lines at once


@pytest.mark.usefixtures("hurried")
def test_lines_of_all_sorts_are_read_side_by_side_and_those_that_fail_disturb_none(tmp_path: Path) -> None:
    recording = tmp_path / "recording.tic"
    recording.write_bytes(frame(LINKY_STANDARD) * 4)
    with Pty() as pty, Peer() as peer:
        good = (
            line_of(pty.path, "pty"),
            line_of(peer.url, "tcp"),
            line_of(str(recording), "file", baud_rate=19200, loop=True),
        )
        bad = (
            line_of(str(tmp_path / "ttyUSB7"), "missing"),
            line_of(f"socket://127.0.0.1:{free_port()}", "refused"),
            line_of("socket://name.invalid:4001", "unknown"),
            line_of("/dev/null", "no terminal"),
        )
        with reading(*good, *bad):
            peer.accept()
            wait_until(lambda: state(good[0]) == "mute", SECONDS)
            for _ in range(4):
                pty.write(HISTORIC)
                peer.write(HISTORIC)
                time.sleep(0.02)
            wait_until(lambda: all(state(line) == "ok" and line.meter.snapshot.meter_id for line in good), SECONDS)
            wait_until(lambda: all(count(line, CONNECTION_FAILURES) >= 2 for line in bad), SECONDS)
            assert {("closed", 0)} == {(state(line), count(line, CONNECTIONS)) for line in bad}
            peer.hang_up()


@pytest.mark.usefixtures("hurried")
def test_a_port_that_blocks_for_seconds_while_it_is_opened_stops_no_other_line() -> None:
    released = threading.Event()

    def opener(settings: PortSettings, baud_rate: int) -> Source:
        if settings.port == "/dev/slow":
            released.wait(SECONDS)
            raise OSError(errno.EIO, "at last")
        return open_source(settings, baud_rate)

    with Pty() as pty:
        slow, quick = line_of("/dev/slow", "slow"), line_of(pty.path, "quick")
        with reading(slow, quick, opener=opener):
            wait_until(lambda: state(quick) == "mute", SECONDS)
            for _ in range(5):
                frames = count(quick, FRAMES)
                pty.write(HISTORIC)
                wait_for_more(quick, FRAMES, frames)
            assert 0 == count(slow, CONNECTION_FAILURES)
            released.set()
            wait_until(lambda: count(slow, CONNECTION_FAILURES), SECONDS)


# Lines that go and come back


@pytest.mark.usefixtures("hurried")
def test_an_unplugged_port_is_closed_said_once_and_read_again_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    link = tmp_path / "ttyUSB0"
    with Pty() as first, Pty() as second:
        link.symlink_to(first.path)
        line = line_of(str(link))
        with reading(line):
            wait_until(lambda: state(line) == "mute", SECONDS)
            first.write(HISTORIC)
            wait_until(lambda: state(line) == "ok", SECONDS)
            link.unlink()
            first.hang_up()
            wait_until(lambda: state(line) == "closed", SECONDS)
            wait_until(lambda: count(line, CONNECTION_FAILURES) >= 3, SECONDS)
            assert line.meter.snapshot.is_fresh(steady())
            link.symlink_to(second.path)
            wait_until(lambda: count(line, CONNECTIONS) == 2, SECONDS)
            second.write(HISTORIC)
            wait_until(lambda: count(line, FRAMES) == 2, SECONDS)
    said = [record.message for record in caplog.records if record.name == reader.__name__]
    assert ["port open", "port closed", "bytes again"] == said
    assert [logging.WARNING] == [record.levelno for record in caplog.records if record.message == "port closed"]


@pytest.mark.usefixtures("hurried")
def test_a_tcp_peer_that_closes_is_connected_to_again() -> None:
    with Peer() as peer:
        line = line_of(peer.url)
        with reading(line):
            for _ in range(3):
                frames = count(line, FRAMES)
                peer.accept()
                peer.write(HISTORIC)
                wait_for_more(line, FRAMES, frames)
                peer.hang_up()
            wait_until(lambda: count(line, CONNECTIONS) >= 3, SECONDS)


@pytest.mark.usefixtures("hurried")
def test_a_frame_that_was_begun_before_the_line_broke_does_not_go_on_after_it() -> None:
    with Peer() as peer:
        line = line_of(peer.url)
        with reading(line):
            peer.accept()
            peer.write(HISTORIC + HISTORIC[:60])
            wait_until(lambda: count(line, RECEIVED_BYTES) + count(line, FRAMES) > len(HISTORIC) + 60, SECONDS)
            peer.accept()
            peer.write(HISTORIC[60:] + HISTORIC)
            wait_until(lambda: count(line, FRAMES) == 2, SECONDS)
            assert not [key for key in line.meter.snapshot.counts if key[0] == "invalid_frames"]
            peer.hang_up()


def test_the_pause_between_two_attempts_doubles_up_to_its_limit_and_is_short_again_after_bytes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[float] = []
    source: FakeSource | None = None

    def opener(_settings: PortSettings, _baud_rate: int) -> Source:
        attempts.append(stepped.now)
        if source is None:
            raise OSError(errno.ENOENT, "No such file or directory")
        return source

    line = line_of("/dev/ttyUSB0")
    with Stepped(monkeypatch, opener, line) as stepped:
        for _ in range(800):
            stepped.step(0.25)
        pauses = [round(after - before, 2) for before, after in pairwise(attempts)]
        assert [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] == pauses[:7]
        assert {LONGEST_PAUSE} == set(pauses[5:])
        assert len(attempts) == count(line, CONNECTION_FAILURES)
        source = FakeSource()
        stepped.step(LONGEST_PAUSE)
        source.far.send(b"x")
        stepped.step(1)
        source.end()
        source = None
        stepped.step()
        assert "closed" == line.meter.snapshot.link_state(stepped.now)
        attempts.clear()
        stepped.step(0.9)
        assert not attempts
        stepped.step(0.2)
        assert attempts
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert 2 == len(warnings)  # one for each time it went away


def test_a_peer_that_accepts_and_closes_at_once_is_not_asked_more_and_more_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempts: list[float] = []

    def opener(_settings: PortSettings, _baud_rate: int) -> Source:
        attempts.append(stepped.now)
        source = FakeSource()
        source.end()
        return source

    line = line_of("socket://bridge:4001")
    with Stepped(monkeypatch, opener, line) as stepped:
        for _ in range(480):
            stepped.step(0.25)
    assert len(attempts) < 10


def test_a_connection_that_nobody_answers_is_given_up_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[FakeSource] = []

    class Unanswered(FakeSource):
        def finish_connecting(self) -> bool:
            return False

    def opener(_settings: PortSettings, _baud_rate: int) -> Source:
        made.append(Unanswered(connecting=True))
        return made[-1]

    line = line_of("socket://192.0.2.1:4001")
    with Stepped(monkeypatch, opener, line) as stepped:
        stepped.step()
        stepped.step(CONNECT_PATIENCE - 1)
        assert not made[0].closed
        stepped.step(1)
        assert made[0].closed
        assert ("closed", 1) == (line.meter.snapshot.link_state(stepped.now), count(line, CONNECTION_FAILURES))
        stepped.step(2)
        assert 2 == len(made)
    for source in made:
        source.end()
    assert "no answer" in caplog.text or [r for r in caplog.records if r.__dict__.get("error") == "no answer"]


def test_a_connection_that_fails_in_the_end_is_a_failed_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(FakeSource):
        def finish_connecting(self) -> bool:
            self.close()
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

        def fileno(self) -> int:
            if self.closed:
                raise OSError(errno.EBADF, "closed")
            return super().fileno()

    source = Refused(connecting=True)
    line = line_of("socket://bridge:4001")
    with Stepped(monkeypatch, lambda *_: source, line) as stepped:
        stepped.step()
        stepped.step()
        assert ("closed", 1, 0) == (
            line.meter.snapshot.link_state(stepped.now),
            count(line, CONNECTION_FAILURES),
            count(line, CONNECTIONS),
        )
    source.end()


def test_a_file_that_was_played_to_its_end_is_closed_and_not_opened_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    recording = tmp_path / "meter.tic"
    recording.write_bytes(HISTORIC * 3)
    line = line_of(str(recording), baud_rate=19200)
    with reading(line):
        wait_until(lambda: count(line, FRAMES) == 3, SECONDS)
        wait_until(lambda: state(line) == "closed", SECONDS)
        assert line.retry_at is None
    assert 1 == count(line, CONNECTIONS)
    ended = [record for record in caplog.records if record.message == "file ended"]
    assert [logging.INFO] == [record.levelno for record in ended]


@pytest.mark.usefixtures("hurried")
def test_settings_that_pyserial_refuses_are_a_failed_attempt() -> None:
    def opener(_settings: PortSettings, _baud_rate: int) -> Source:
        raise ValueError("Not a valid baudrate: -1")

    line = line_of("/dev/ttyUSB0")
    with reading(line, opener=opener):
        wait_until(lambda: count(line, CONNECTION_FAILURES) >= 2, SECONDS)


# Lines that come and go by configuration


@pytest.mark.usefixtures("hurried")
def test_lines_are_added_and_removed_while_the_others_do_not_notice() -> None:
    with Pty() as stays, Pty() as goes, Pty() as comes:
        lines = {name: line_of(pty.path, name) for name, pty in (("stays", stays), ("goes", goes), ("comes", comes))}
        with reading(lines["stays"], lines["goes"]) as running:
            wait_until(lambda: state(lines["stays"]) == state(lines["goes"]) == "mute", SECONDS)
            stays.write(HISTORIC[:70])
            wait_until(lambda: count(lines["stays"], RECEIVED_BYTES) == 70, SECONDS)
            running.change({"comes": lines["comes"]}, {"goes"})
            wait_until(lambda: state(lines["comes"]) == "mute", SECONDS)
            comes.write(HISTORIC)
            stays.write(HISTORIC[70:])
            wait_until(lambda: state(lines["comes"]) == state(lines["stays"]) == "ok", SECONDS)
            assert 1 == count(lines["stays"], CONNECTIONS)
            assert lines["goes"].source is None
            # The port is free for another line now.
            again = line_of(goes.path, "goes")
            running.change({"goes": again}, set())
            wait_until(lambda: state(again) == "mute", SECONDS)


@pytest.mark.usefixtures("hurried")
def test_a_changed_line_takes_over_the_port_of_the_one_before() -> None:
    with Pty() as pty:
        old, new = line_of(pty.path), line_of(pty.path, baud_rate=1200)
        with reading(old) as running:
            wait_until(lambda: state(old) == "mute", SECONDS)
            running.change({"meter": new}, {"meter"})
            wait_until(lambda: state(new) == "mute", SECONDS)
            assert 0 == count(new, CONNECTION_FAILURES)
            pty.write(HISTORIC)
            wait_until(lambda: state(new) == "ok", SECONDS)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("how", ["removed", "stopped"])
def test_a_port_that_opens_after_its_line_was_dropped_is_closed(how: str) -> None:
    source, asked, released = FakeSource(), threading.Event(), threading.Event()

    def opener(_settings: PortSettings, _baud_rate: int) -> Source:
        asked.set()
        released.wait(SECONDS)
        return source

    line = line_of("/dev/slow")
    with reading(line, opener=opener) as running:
        asked.wait(SECONDS)
        if how == "removed":
            running.change({}, {"meter"})
        else:
            running.stop()
        released.set()
        wait_until(lambda: source.closed, SECONDS)
        source.end()
    assert 0 == count(line, CONNECTIONS)


# Bugs end the process, not a line in silence


@pytest.mark.parametrize("where", ["on_turn", "opener"])
def test_an_exception_nobody_expected_is_given_to_on_failure_and_everything_is_closed(where: str) -> None:
    failures: list[BaseException] = []
    bug = RuntimeError("a bug")

    def broken(*_: object) -> Source:
        raise bug

    before = open_descriptors()
    if where == "opener":
        running = Reader(opener=broken, on_failure=failures.append)
    else:
        running = Reader(opener=fails, on_failure=failures.append, on_turn=lambda: (broken(), None)[1])
    running.change({"meter": line_of("/dev/ttyUSB0")}, set())
    running.start()
    wait_until(lambda: failures, SECONDS)
    running.stop()
    assert [bug] == failures
    wait_until(lambda: open_descriptors() <= before, SECONDS)


def test_a_reader_that_never_started_can_be_stopped_and_stopped_again() -> None:
    before = open_descriptors()
    idle = Reader()
    idle.stop()
    idle.stop()
    idle.change({}, set())  # nobody listens any more
    assert before == open_descriptors()


def test_many_commands_at_once_do_not_block_who_gives_them() -> None:
    idle = Reader()
    for _ in range(10_000):
        idle.change({}, set())
    idle.stop()


@pytest.mark.usefixtures("hurried")
def test_on_turn_is_called_at_every_turn_of_the_loop() -> None:
    turns: list[float] = []
    running = Reader(on_turn=lambda: turns.append(steady()))
    running.start()
    wait_until(lambda: len(turns) > 5, SECONDS)
    running.stop()


# The state of the link


def test_the_link_state_says_closed_mute_noise_or_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    opened = False

    def opener(_settings: PortSettings, _baud_rate: int) -> Source:
        if not opened:
            raise OSError(errno.ENOENT, "No such file or directory")
        return source

    line = line_of("/dev/ttyUSB0", baud_rate=1200)
    with Stepped(monkeypatch, opener, line) as stepped:

        def now() -> str:
            return line.meter.snapshot.link_state(stepped.now)

        assert "closed" == now()
        stepped.step()
        assert "closed" == now()
        opened = True
        stepped.step(2)
        assert "mute" == now()
        source.far.send(b"\x00\xff" * 40)
        stepped.step(1)
        stepped.step(1)
        assert "noise" == now()
        assert 80 == count(line, RECEIVED_BYTES)
        source.far.send(HISTORIC)
        stepped.step(1)
        assert "ok" == now()
        stepped.step(60.5)
        assert "mute" == now()
        source.far.send(b"\x00")
        stepped.step(1)
        stepped.step(1)
        assert "noise" == now()
        source.end()
        stepped.step(1)
        assert "closed" == now()


# The speed


def test_a_wrong_speed_is_looked_for_in_turn_and_the_right_one_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    asked: list[int] = []

    def opener(_settings: PortSettings, baud_rate: int) -> Source:
        asked.append(baud_rate)
        return source

    line = line_of("/dev/ttyUSB0")
    with Stepped(monkeypatch, opener, line) as stepped:
        stepped.step()
        assert [9600] == asked
        for _ in range(60):
            source.far.send(HISTORIC if line.baud_rate == 19200 else b"\x81\x00\xfe\x7f" * 20)
            stepped.step(0.5)
        assert [1200, 19200] == source.speeds
        assert line.search is None
        assert "19200" == line.meter.snapshot.link["baud_rate"]
        source.end()
        source = FakeSource()
        stepped.step()
        stepped.step(2)
        assert [9600, 19200] == asked  # opened again at the speed that was right
        source.end()


def test_a_silent_line_keeps_its_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    line = line_of("/dev/ttyUSB0")
    with Stepped(monkeypatch, lambda *_: source, line) as stepped:
        for _ in range(100):
            stepped.step(5)
        assert not source.speeds
        source.end()


def test_the_speed_is_looked_for_again_after_20_seconds_without_a_right_group_and_not_before(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    source = FakeSource()
    line = line_of("/dev/ttyUSB0")
    with Stepped(monkeypatch, lambda *_: source, line) as stepped:
        stepped.step()
        source.far.send(HISTORIC)
        stepped.step(0.5)
        assert line.search is None
        broken = HISTORIC.replace(b"PAPP 00510", b"PAPP 00590")
        for _ in range(80):  # every frame is bad, and yet the speed is right
            source.far.send(broken)
            stepped.step(0.5)
        assert not source.speeds
        stepped.step(REARM_AFTER * 2)  # silence says nothing
        assert line.search is None
        for _ in range(60):
            source.far.send(frame(LINKY_STANDARD) if line.baud_rate == 1200 else b"\x81\x00\xfe\x7f" * 20)
            stepped.step(0.5)
        assert [1200] == source.speeds
        assert ["looking" in record.message for record in caplog.records].count(True) == 1
        assert 2 == count(line, DETECTIONS)
        source.end()


def test_a_speed_that_the_port_refuses_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    source.refused = {1200, 19200}
    line = line_of("/dev/ttyUSB0")
    with Stepped(monkeypatch, lambda *_: source, line) as stepped:
        stepped.step()
        for _ in range(40):
            source.far.send(HISTORIC if line.baud_rate == 4800 else b"\x81\x00\xfe\x7f" * 20)
            stepped.step(0.5)
        assert [2400, 4800] == source.speeds
        assert ("ok", "4800") == (line.meter.snapshot.link_state(stepped.now), line.meter.snapshot.link["baud_rate"])
        source.end()


def test_a_configured_speed_is_never_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    asked: list[int] = []

    def opener(_settings: PortSettings, baud_rate: int) -> Source:
        asked.append(baud_rate)
        return source

    line = line_of("/dev/ttyUSB0", baud_rate=2400)
    with Stepped(monkeypatch, opener, line) as stepped:
        for _ in range(100):
            source.far.send(b"\x81\x00\xfe\x7f" * 20)
            stepped.step(0.5)
        assert ([2400], []) == (asked, source.speeds)
        source.end()


def test_the_speed_of_a_tcp_stream_is_never_changed_nor_shown() -> None:
    assert not line_of("socket://bridge:4001").finds_speed
    assert "" == line_of("socket://bridge:4001").shown_speed
    assert "9600" == line_of("/dev/ttyUSB0").shown_speed
    assert DWELL * len(SPEEDS) < REARM_AFTER


@pytest.mark.parametrize("speed", [1200, 9600])
def test_a_meter_at_a_real_terminal_is_found_at_its_speed_within_15_seconds(speed: int) -> None:
    start = datetime(2026, 7, 14, 12)  # noqa: DTZ001 - legal time
    meter = SimulatedMeter("linky-historic", start=start, meter_id=HISTORIC_ID, baud_rate=speed)
    with PtyLine(meter).start() as pty:
        line = line_of(str(pty.path))
        with reading(line):
            wait_until(lambda: state(line) == "ok", 15)
            assert str(speed) == line.meter.snapshot.link["baud_rate"]
            assert pty.reader_speed == speed
