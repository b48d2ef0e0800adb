"""Damage, a receiver at the wrong speed, a real pseudo-terminal, TCP, files."""

from __future__ import annotations

import os
import selectors
import socket
import termios
import threading
import time
import tty
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING

import pytest
from simulated import decode, meter

from tic_exporter.simulator import PtyLine, TcpLines, damage, misread, serve_pty, serve_tcp, write_file
from tic_exporter.simulator.line import Feed
from tic_exporter.tic.framing import Cut
from tic_exporter.tic.parity import Parity, with_even_parity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_DEADLINE = 10.0


def _random() -> Random:
    return Random(1)  # noqa: S311 - damage of a simulation


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def _reader(path: Path, speed: int) -> Iterator[int]:
    """The port, opened and set as a program does it."""
    port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(port)
        settings = termios.tcgetattr(port)
        settings[4] = settings[5] = speed
        termios.tcsetattr(port, termios.TCSAFLUSH, settings)
        yield port
    finally:
        os.close(port)


def _read(port: int, enough: int) -> bytes:
    data = b""
    with selectors.DefaultSelector() as selector:
        selector.register(port, selectors.EVENT_READ)
        deadline = time.monotonic() + _DEADLINE
        while len(data) < enough and time.monotonic() < deadline:
            if selector.select(0.1):
                data += os.read(port, 65536)
    assert len(data) >= enough
    return data


def _receive(connection: socket.socket, enough: int) -> bytes:
    data = b""
    while len(data) < enough:
        received = connection.recv(65536)
        assert received
        data += received
    return data


def _is_whole_after_the_first(data: bytes) -> bool:
    """Whether all complete frames but the first are valid and there are at least three."""
    frames = [frame for frame in decode([data]) if frame.cut is Cut.COMPLETE][1:]
    return len(frames) >= 3 and all(frame.is_valid for frame in frames)


def test_damage_is_none_at_rate_0_all_at_rate_1_and_in_between_as_often_as_asked() -> None:
    data = bytes(5000)
    assert data == damage(data, _random())
    assert b"\xff" * 5000 == damage(data, _random(), 1.0)
    assert b"\x7f" * 5000 == damage(data, _random(), 1.0, bits=7)
    flipped = sum(code.bit_count() for code in damage(data, _random(), 0.01))
    assert 300 <= flipped <= 500
    assert damage(data, _random(), 0.01) == damage(data, _random(), 0.01)
    assert 4800 <= len(damage(data, _random(), loss_rate=0.02)) <= 4950


def test_a_receiver_at_the_right_speed_reads_what_was_sent() -> None:
    data = bytes(range(256))
    assert data == misread(data, 1200, 1200)


@pytest.mark.parametrize(("sent_at", "read_at"), [(1200, 9600), (9600, 1200), (1200, 2400), (9600, 19200)])
def test_a_receiver_at_the_wrong_speed_reads_garbage_in_proportion(sent_at: int, read_at: int) -> None:
    frame = with_even_parity(meter("linky-historic").next_frame())
    garbage = misread(frame, sent_at, read_at)
    assert 0.2 < len(garbage) / len(frame) / (read_at / sent_at) < 1.1
    assert garbage == misread(frame, sent_at, read_at)
    assert not any(decoded.is_valid for decoded in decode([garbage * 4]))


def test_a_feed_carries_every_character_at_the_speed_of_the_line() -> None:
    feed = Feed(meter("linky-historic"), parity=False)
    slices = [feed.take(0.016) for _ in range(1000)]
    assert max(map(len, slices)) <= 2
    assert 16 * 120 * 0.95 < len(b"".join(slices)) < 16 * 120
    same = meter("linky-historic")
    frames = b"".join(same.next_frame() for _ in range(14))
    assert frames.startswith(b"".join(slices))
    feed.skip(3600)
    assert b"\x02\n" == feed.take(0.0167)


def test_a_pty_gives_frames_with_parity_to_a_reader_at_the_right_speed() -> None:
    with serve_pty(meter("linky-historic"), speed=50) as line, _reader(line.path, termios.B1200) as port:
        data = _read(port, 900)
        assert 1200 == line.reader_speed
    frames = decode([data])
    assert _is_whole_after_the_first(data)
    assert {Parity.EVEN} == {frame.parity for frame in frames[1:]}


def test_a_pty_gives_garbage_to_a_reader_at_the_wrong_speed_until_it_finds_the_right_one() -> None:
    with serve_pty(meter("linky-standard"), speed=20) as line, _reader(line.path, termios.B1200) as port:
        garbage = _read(port, 1500)
        assert not any(frame.is_valid for frame in decode([garbage]))
        settings = termios.tcgetattr(port)
        settings[4] = settings[5] = termios.B9600
        termios.tcsetattr(port, termios.TCSAFLUSH, settings)
        assert _is_whole_after_the_first(_read(port, 6000))


def test_a_pty_follows_a_meter_that_switches_its_mode() -> None:
    simulated = meter("linky-historic")
    with serve_pty(simulated, speed=50) as line, _reader(line.path, termios.B9600) as port:
        assert not any(frame.is_valid for frame in decode([_read(port, 1500)]))
        simulated.switch_mode()
        deadline = time.monotonic() + _DEADLINE
        while not any(frame.is_valid for frame in decode([_read(port, 3000)])):
            assert time.monotonic() < deadline


def test_a_pty_serves_one_reader_after_the_other_and_nothing_in_between() -> None:
    with serve_pty(meter("linky-historic"), speed=50) as line:
        for _ in range(2):
            with _reader(line.path, termios.B1200) as port:
                assert _is_whole_after_the_first(_read(port, 900))
        dropped = line.dropped
        time.sleep(0.05)
        assert dropped == line.dropped


def test_a_reader_who_does_not_read_costs_it_characters_and_stops_nobody() -> None:
    simulated = meter("linky-standard")
    with serve_pty(simulated, speed=50) as line, _reader(line.path, termios.B9600) as port:
        _until(lambda: line.dropped > 5_000)
        assert len(os.read(port, 1_000_000)) < 100_000
        _until(lambda: any(frame.is_valid for frame in decode([_read(port, 10_000)])))


def test_a_pty_at_speed_0_gives_as_fast_as_is_read_and_loses_nothing() -> None:
    with serve_pty(meter("linky-standard"), speed=0) as line, _reader(line.path, termios.B9600) as port:
        frames = decode([_read(port, 200_000)])
        assert len(frames) > 200
        assert all(frame.is_valid for frame in frames)


def test_the_link_of_a_pty_comes_and_goes_and_replaces_only_links(tmp_path: Path) -> None:
    link = tmp_path / "ttyTIC"
    link.symlink_to("/dev/null")
    with serve_pty(meter("cje"), link=link) as line:
        assert line.path == link.readlink()
    assert not link.is_symlink()
    with serve_pty(meter("cje"), link=link):
        link.unlink()
        link.symlink_to("/dev/null")
    assert link.is_symlink()
    file = tmp_path / "file"
    file.write_bytes(b"kept")
    with pytest.raises(FileExistsError, match="no symbolic link"):
        PtyLine(meter("cje"), link=file)
    assert b"kept" == file.read_bytes()


def test_a_pty_in_the_foreground_runs_on_given_time_and_skips_what_it_missed() -> None:
    simulated = meter("linky-historic")
    start = simulated.now
    ticks = iter([0.0, 0.5, 3600.0])

    def stop_after_an_hour(_seconds: float) -> None:
        if simulated.now > start:
            line.stop()

    line = PtyLine(simulated, clock=lambda: next(ticks, 3600.0), sleep=stop_after_an_hour)
    line.run()
    assert 3590 < (simulated.now - start).total_seconds() < 3610
    line.stop()


def test_tcp_serves_fifty_connections_each_with_its_meter_from_one_thread() -> None:
    meters = [meter("linky-historic", seed=seed) for seed in range(50)]
    before = threading.active_count()
    with serve_tcp("127.0.0.1", 0, meters, speed=20) as lines:
        address = ("127.0.0.1", lines.ports[0])
        connections = [socket.create_connection(address, timeout=_DEADLINE) for _ in meters]
        try:
            streams = [_receive(connection, 900) for connection in connections]
            assert before + 1 == threading.active_count()
            assert 50 == lines.connections
        finally:
            for connection in connections:
                connection.close()
        ids = {frame.meter_id for stream in streams for frame in decode([stream]) if frame.is_valid}
        assert {simulated.meter_id for simulated in meters} == ids
        assert all(_is_whole_after_the_first(stream) for stream in streams)
        _until(lambda: lines.connections == 0)


def test_tcp_gives_every_meter_a_port_and_every_connection_of_it_the_same_stream() -> None:
    meters = [meter("cbemm"), meter("linky-standard")]
    with serve_tcp("127.0.0.1", 0, meters, one_port_each=True, speed=50) as lines:
        assert 2 == len(set(lines.ports))
        for port, simulated in zip(lines.ports, meters, strict=True):
            with (
                socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE) as one,
                socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE) as two,
            ):
                for connection in (one, two):
                    ids = {frame.meter_id for frame in decode([_receive(connection, 2000)]) if frame.is_valid}
                    assert {simulated.meter_id} == ids


def test_tcp_takes_a_connection_back_and_can_drop_all_of_them() -> None:
    with serve_tcp("127.0.0.1", 0, [meter("linky-historic")], speed=20) as lines:
        address = ("127.0.0.1", lines.ports[0])
        for _ in range(2):
            with socket.create_connection(address, timeout=_DEADLINE) as connection:
                _receive(connection, 300)
                lines.disconnect()
                while connection.recv(65536):
                    pass
        assert 0 == lines.connections


def test_tcp_does_not_wait_for_who_does_not_read() -> None:
    with serve_tcp("127.0.0.1", 0, [meter("linky-standard") for _ in range(2)], speed=500) as lines:
        address = ("127.0.0.1", lines.ports[0])
        with socket.socket() as idle, socket.create_connection(address, timeout=_DEADLINE) as reader:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.connect(address)
            received = 0
            deadline = time.monotonic() + _DEADLINE
            while not lines.dropped:
                received += len(reader.recv(65536))
                assert time.monotonic() < deadline
            assert received > 10_000


def test_tcp_at_speed_0_gives_as_fast_as_is_read_and_loses_nothing() -> None:
    with (
        serve_tcp("127.0.0.1", 0, [meter("linky-standard")], speed=0, parity=False) as lines,
        socket.create_connection(("127.0.0.1", lines.ports[0]), timeout=_DEADLINE) as connection,
    ):
        frames = decode([_receive(connection, 200_000)])
        assert len(frames) > 200
        assert all(frame.is_valid for frame in frames)
        assert {Parity.NONE} == {frame.parity for frame in frames}


def test_a_meter_that_nobody_listens_to_lives_on() -> None:
    now = [0.0]
    simulated = meter("linky-standard")
    start = simulated.now
    with TcpLines("127.0.0.1", 0, [simulated], clock=lambda: now[0] + time.monotonic() % 1e-3) as lines:
        lines.start()
        now[0] = 7200.0
        with socket.create_connection(("127.0.0.1", lines.ports[0]), timeout=_DEADLINE):
            _until(lambda: lines.connections == 1)
            assert (simulated.now - start).total_seconds() == pytest.approx(7200, abs=5)


def test_what_was_never_started_can_be_stopped_twice() -> None:
    lines = TcpLines("127.0.0.1", 0, [meter("cje")])
    lines.stop()
    lines.stop()
    line = PtyLine(meter("cje"))
    line.stop()
    line.stop()


def test_a_file_holds_the_frames(tmp_path: Path) -> None:
    path = tmp_path / "meter.tic"
    written = write_file(path, meter("saphir-standard"), 12)
    assert path.stat().st_size == written
    frames = decode([path.read_bytes()])
    assert 12 == len(frames)
    assert all(frame.is_valid for frame in frames)
    random = _random()
    write_file(path, meter("saphir-standard"), 12, parity=True, damage=lambda data: damage(data, random, 1e-3))
    assert {Parity.EVEN} == {frame.parity for frame in decode([path.read_bytes()])}
    assert not all(frame.is_valid for frame in decode([path.read_bytes()]))
