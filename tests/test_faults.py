"""Faults that no single part answers for: what `docs/reliability.md` lists, where no other test holds it."""

from __future__ import annotations

import errno
import logging
import os
import resource
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from helpers import free_port, wait_until, without_coverage
from helpers.feeding import PARIS, START, Fed
from helpers.lines import LINKY_HISTORIC, PME_PMI, Peer, Pty, frame, open_descriptors
from tic_exporter import reader
from tic_exporter.config import Config, MeterConfig, WebConfig
from tic_exporter.meter import CONNECTION_FAILURES, CONNECTIONS, FRAMES, Meter, MeterOptions
from tic_exporter.reader import Clocks, Line, Reader
from tic_exporter.service import Service
from tic_exporter.simulator import SimulatedMeter
from tic_exporter.sources import PortSettings
from tic_exporter.state import StateFile
from tic_exporter.tic import quantities as q

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tic_exporter.meter import LinkCounter
    from tic_exporter.sources import Source

SECONDS = 60.0
THOUSAND = 1000
HISTORIC = frame(LINKY_HISTORIC)
MOST_CPU = 0.02
"""Seconds of processor for one reconnection, ten times what is measured: a loop that spins takes them at once."""


def count(line: Line, counter: LinkCounter) -> int:
    return line.meter.snapshot.counts.get((counter.name, ""), 0)


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once."""
    monkeypatch.setattr(reader, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(reader, "LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(reader, "TICK", 0.001)


class Reading:
    """A reader of one line in its thread, and what it costs."""

    def __init__(self, port: str) -> None:
        self.line = Line(Meter(MeterOptions("meter")), PortSettings(port, baud_rate=1200))
        self._reader = Reader()

    def __enter__(self) -> Line:
        self._reader.change({"meter": self.line}, set())
        self._reader.start()
        return self.line

    def __exit__(self, *_: object) -> None:
        self._reader.stop()


def soon(condition: Callable[[], bool]) -> None:
    """Wait, looking more often than `wait_until` does."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.0005)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == reader.__name__]


# A thousand reconnections


@pytest.mark.usefixtures("in_a_hurry")
def test_a_thousand_tcp_connections_that_break_leak_nothing_and_write_two_lines_of_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with Peer() as peer, Reading(peer.url) as line:
        peer.accept()
        wait_until(lambda: count(line, CONNECTIONS) == 1, SECONDS)
        before, began = open_descriptors(), time.process_time()
        for _ in range(THOUSAND):
            peer.accept()
        wait_until(lambda: count(line, CONNECTIONS) == THOUSAND + 1, SECONDS)
        assert open_descriptors() <= before + 2
        assert time.process_time() - began < MOST_CPU * THOUSAND
    assert ["port open", "port closed"] == said(caplog)


@pytest.mark.usefixtures("in_a_hurry")
def test_a_port_unplugged_a_thousand_times_and_plugged_under_other_names_leaks_nothing_and_loses_no_frame(
    tmp_path: Path,
) -> None:
    link = tmp_path / "ttyUSB"
    before = open_descriptors()
    with Reading(str(link)) as line:
        began = time.process_time()
        for number in range(1, THOUSAND + 1):
            with Pty() as pty:
                link.symlink_to(pty.path)
                soon(lambda number=number: count(line, CONNECTIONS) == number)  # type: ignore[misc]
                pty.write(HISTORIC)
                soon(lambda number=number: count(line, FRAMES) == number)  # type: ignore[misc]
                link.unlink()
            soon(lambda: not line.meter.snapshot.is_open)
        assert time.process_time() - began < MOST_CPU * THOUSAND
    wait_until(lambda: open_descriptors() <= before, SECONDS)


@pytest.mark.usefixtures("in_a_hurry")
def test_a_thousand_refused_connections_leak_nothing_and_write_one_line_of_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    before = open_descriptors()
    with Reading(f"socket://127.0.0.1:{free_port()}") as line:
        wait_until(lambda: count(line, CONNECTION_FAILURES) >= THOUSAND, SECONDS)
    wait_until(lambda: open_descriptors() <= before, SECONDS)
    assert ["port closed"] == said(caplog)


FAILURES = {
    "the port is gone": FileNotFoundError(errno.ENOENT, "No such file or directory"),
    "permission denied": PermissionError(errno.EACCES, "Permission denied"),
    "device busy": OSError(errno.EBUSY, "Device or resource busy"),
    "input/output error": OSError(errno.EIO, "Input/output error"),
    "no descriptor left": OSError(errno.EMFILE, "Too many open files"),
    "the peer refuses": ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    "no route": OSError(errno.EHOSTUNREACH, "No route to host"),
    "DNS is gone": socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
}


class Far:
    """A port that is fine again: a socket pair of which the test has the other end."""

    connecting = False

    def __init__(self) -> None:
        self._socket, self.far = socket.socketpair()
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> bytes:
        return self._socket.recv(65536)

    def finish_connecting(self) -> bool:
        return True

    def set_baud_rate(self, baud_rate: int) -> None: ...

    def close(self) -> None:
        self._socket.close()
        self.far.close()


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_an_hour_without_its_port_is_one_warning_and_few_attempts_and_then_the_line_is_read_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failure: OSError
) -> None:
    monkeypatch.setattr(reader, "TICK", 0.0)
    now, attempts, is_back = 1000.0, 0, False
    made = Far()

    def opener(_settings: PortSettings, _baud_rate: int) -> Source:
        nonlocal attempts
        attempts += 1
        if not is_back:
            raise failure
        return made

    line = Line(Meter(MeterOptions("meter")), PortSettings("/dev/ttyUSB0", baud_rate=1200))
    stepped = Reader(clocks=Clocks(lambda: now, lambda: now), opener=opener)
    stepped.change({"meter": line}, set())

    def step(seconds: float) -> None:
        nonlocal now
        now += seconds
        stepped._turn()
        while line.opening:
            time.sleep(0.0005)
            stepped._turn()

    for _ in range(3600):
        step(1.0)
    assert 110 < attempts < 130
    assert [logging.WARNING] == [record.levelno for record in caplog.records]
    is_back = True
    step(30.0)
    made.far.send(HISTORIC)
    step(1.0)
    assert 1 == count(line, FRAMES)
    stepped.stop()


# Clocks


@pytest.mark.parametrize("jump", [-86400.0, -3600.0, 3600.0, 86400.0, 1e9], ids="{:+g} s".format)
def test_a_jump_of_the_hosts_clock_loses_no_reading_and_dates_none_wrong(jump: float) -> None:
    meter = Fed().say(*[HISTORIC] * 4)
    before = dict(meter.meter.snapshot.readings)
    meter.unix += jump
    assert meter.meter.snapshot.is_fresh(meter.now + 59)
    meter.say(HISTORIC)
    snapshot = meter.meter.snapshot
    assert before == dict(snapshot.readings)
    assert (meter.unix, "ok") == (snapshot.last_frame_unix, _state(meter))
    assert snapshot.is_fresh(meter.now + 59)
    assert not snapshot.is_fresh(meter.now + 61)


def _state(meter: Fed) -> str:
    meter.meter.opened(port="a", baud_rate="")
    return meter.meter.snapshot.link_state(meter.now)


def test_registers_of_other_periods_keep_their_time_when_the_hosts_clock_is_set() -> None:
    meter = Fed().say(*[frame(PME_PMI)] * 4)
    seen = meter.all_of(q.REGISTER_LAST_SEEN)
    assert {("HPE",): START + 8} == seen
    winter = frame(PME_PMI, "PTCOUR1 HPH", "EAP_s 3000kWh")
    meter.unix += 3600
    meter.say(winter, winter, winter)
    assert {("HPE",): START + 8, ("HPH",): START + 3614} == meter.all_of(q.REGISTER_LAST_SEEN)


# What a line may do


def test_duplicate_frames_change_nothing_and_are_no_reason_for_complaint() -> None:
    meter = Fed(seconds=0.0).say(*[frame(PME_PMI)] * 4)
    before = dict(meter.meter.snapshot.readings)
    meter.say(*[frame(PME_PMI)] * 50)
    assert before == dict(meter.meter.snapshot.readings)
    assert {"frames", "groups", "received_bytes", "detections"} == {name for name, _ in meter.meter.snapshot.counts}


@pytest.mark.parametrize("junk", [b"\0", b"\0\0\0", b"\r\n", b"\xff", b"\n", b"PAPP 99999 X\r"])
def test_what_stands_between_frames_costs_none_and_is_read_by_nobody(junk: bytes) -> None:
    clean, dirty = Fed().say(*[HISTORIC] * 4), Fed().say(*[junk + HISTORIC + junk] * 4)
    assert 4 == dirty.count("frames")
    assert dict(clean.meter.snapshot.readings) == dict(dirty.meter.snapshot.readings)


@pytest.mark.parametrize("place", [1, 2, 60, len(HISTORIC) - 2])
def test_a_nul_within_a_frame_costs_that_frame_alone(place: int) -> None:
    meter = Fed().say(*[HISTORIC] * 4)
    before = dict(meter.meter.snapshot.readings)
    meter.say(HISTORIC[:place] + b"\0" + HISTORIC[place:], HISTORIC)
    assert (5, before) == (meter.count("frames"), dict(meter.meter.snapshot.readings))


def test_a_period_that_one_frame_names_wrongly_moves_no_register() -> None:
    meter = Fed().say(*[frame(PME_PMI)] * 4)
    for number in range(1, 6):
        meter.say(frame(PME_PMI, "PTCOUR1 HPH"), *[frame(PME_PMI, f"EAP_s {5000 + number}kWh")] * 3)
    assert {("HPE",): 5005 * 3.6e6} == meter.all_of(q.ACTIVE_ENERGY_IMPORT)
    assert {("HPE",)} == meter.all_of(q.REGISTER_LAST_SEEN).keys()


# Scrapers and the line


@pytest.fixture
def _descriptors_as_before() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.usefixtures("_descriptors_as_before")
def test_scrapers_that_do_not_read_their_answers_delay_no_frame() -> None:
    with ExitStack() as stack:
        peer = stack.enter_context(Peer())
        web = WebConfig(listen_addresses=("127.0.0.1:0",))
        service = Service(lambda: Config((MeterConfig("meter", peer.url),), web=web))
        service.start()
        stack.callback(service.stop)
        peer.accept()
        slow = [stack.enter_context(socket.create_connection(service.addresses[0])) for _ in range(40)]
        for connection in slow:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
        line = service._lines["meter"]
        for number in range(1, 101):
            peer.write(HISTORIC)
            wait_until(lambda number=number: count(line, FRAMES) == number, SECONDS)  # type: ignore[misc]


# The state file


def test_the_state_is_written_once_an_interval_by_who_remembers_and_once_in_all_by_who_does_not(
    tmp_path: Path,
) -> None:
    """A PME-PMI changes its registers all day long; a Linky shows all of them, and has nothing to remember."""
    hours = 4
    saves, size = _writes(tmp_path / "shop.json", "pme-pmi", hours)
    assert hours * 2 <= saves <= hours * 6
    assert 1024 < size < 16384
    assert 1 == _writes(tmp_path / "house.json", "linky-historic", hours)[0]


def _writes(path: Path, kind: str, hours: float, interval: float = Config(()).save_interval) -> tuple[int, int]:
    """How often a file is written, as `Service` does, and how long it is in the end."""
    start = datetime(2026, 1, 15, 5)  # noqa: DTZ001 - legal time; a tariff period begins at 6
    simulated, file = SimulatedMeter(kind, start=start), StateFile(path)
    meter = Meter(MeterOptions("meter", zone=PARIS))
    now, unix, due = 0.0, start.replace(tzinfo=PARIS).timestamp(), interval
    while now < hours * 3600:
        data = simulated.next_frame()
        now += simulated.line_time
        meter.feed(data, now, unix + now)
        if now >= due:
            due += interval
            remembered = meter.remembered()
            file.save({} if remembered is None else {"meter": remembered})
    return file.saves, path.stat().st_size


NOBODY = 65534
READ_ONLY = """
file.save({"shop": ("041436028024", {})})
file.save({"shop": ("041436028024", {})})
assert (file.saves, file.failures) == (2, 2), (file.saves, file.failures)
"""


def as_nobody(path: Path, script: str) -> str:
    """Load a state file as a user who owns nothing, then go on with `file`; give what was logged."""
    begin = """
import logging, sys
from pathlib import Path
from tic_exporter.state import StateFile
logging.basicConfig()
file = StateFile(Path(sys.argv[1]))
assert file.load() == {}, "loaded"
"""
    for folder in path.parents:
        if not folder.stat().st_mode & 0o001:  # one of pytest's own
            folder.chmod(0o711)
    nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    # Coverage of the child is left out: it could not write its data beside ours, and would say so.
    command = [*nobody, sys.executable, "-c", begin + script, str(path)]
    done = subprocess.run(command, env=without_coverage(), capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")
def test_a_state_file_that_may_not_be_written_stays_and_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    StateFile(path).save({})
    before = path.read_bytes()
    path.chmod(0o444)
    assert 1 == as_nobody(path, READ_ONLY).count("cannot be saved")
    assert before == path.read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")
@pytest.mark.parametrize("owns_the_folder", [True, False])
def test_a_state_file_that_may_not_be_read_is_kept_whatever_is_saved_after_it(
    tmp_path: Path, *, owns_the_folder: bool
) -> None:
    path = tmp_path / "state.json"
    StateFile(path).save({"shop": ("041436028024", {})})
    before = path.read_bytes()
    if owns_the_folder:
        os.chown(tmp_path, NOBODY, NOBODY)
    failures = int(not owns_the_folder)
    said = as_nobody(path, f"file.save({{}})\nassert (file.saves, file.failures) == (1, {failures})")
    assert 1 == said.count("the state file cannot be read") == len(said.splitlines())
    kept = path.with_name("state.json.unreadable") if owns_the_folder else path
    assert before == kept.read_bytes()
