"""Ports, whatever they are, as one non-blocking descriptor."""

from __future__ import annotations

import errno
import os
import select
import socket
import termios
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from helpers import free_port, wait_until
from helpers.lines import LINKY_HISTORIC, LINKY_STANDARD, Peer, Pty, frame, open_descriptors
from helpers.rfc2217 import Rfc2217Server
from tic_exporter.sources import (
    FileEndedError,
    FileSource,
    PortSettings,
    Rfc2217Source,
    SerialSource,
    SourceEndedError,
    TcpSource,
    line_speed,
    open_source,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tic_exporter.sources import Source

SECOND = 10.0


def pyserial(test: Callable[[], None]) -> Callable[[], None]:
    """What pyserial does in threads of its own: old ways to name them, and a socket left to the garbage collector."""
    for ignored in ("ignore:set(Daemon|Name):DeprecationWarning", "ignore:unclosed:ResourceWarning"):
        test = pytest.mark.filterwarnings(ignored)(test)
    return test


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    wait_until(lambda: threading.active_count() <= before, SECOND)


def wait_for(source: Source, event: int = select.POLLIN, seconds: float = SECOND) -> None:
    poll = select.poll()
    poll.register(source.fileno(), event)
    assert poll.poll(seconds * 1000)


def read_all(source: Source, length: int) -> bytes:
    data = b""
    while len(data) < length:
        wait_for(source)
        data += source.read()
    return data


def connected(source: Source) -> Source:
    while source.connecting:
        wait_for(source, select.POLLOUT)
        source.finish_connecting()
    return source


# Serial ports


def test_a_serial_port_gives_the_bytes_that_are_there_and_none_where_there_are_none() -> None:
    with Pty() as pty, closing(open_source(PortSettings(pty.path), 1200)) as source:
        assert isinstance(source, SerialSource)
        assert not source.connecting
        assert source.finish_connecting()
        assert b"" == source.read()
        pty.write(b"\x02abc\xff\x03")
        wait_for(source)
        assert b"\x02abc\xff\x03" == source.read()
        assert b"" == source.read()


def test_a_serial_port_that_is_unplugged_is_an_error() -> None:
    with Pty() as pty, closing(open_source(PortSettings(pty.path), 1200)) as source:
        pty.hang_up()
        wait_for(source)
        with pytest.raises(OSError, match=r"gone|error"):
            source.read()


def test_a_read_that_would_wait_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def would_wait(*_: object) -> bytes:
        raise BlockingIOError

    with Pty() as pty, closing(open_source(PortSettings(pty.path), 1200)) as source:
        monkeypatch.setattr("tic_exporter.sources.os.read", would_wait)
        assert b"" == source.read()
        monkeypatch.undo()


@pytest.mark.parametrize("speed", [1200, 2400, 4800, 9600, 19200])
def test_a_serial_port_has_the_speed_that_was_asked_for_at_its_opening_and_later(speed: int) -> None:
    with Pty() as pty, closing(open_source(PortSettings(pty.path), speed)) as source:
        assert getattr(termios, f"B{speed}") == termios.tcgetattr(pty.master)[4]
        source.set_baud_rate(1200)
        assert termios.B1200 == termios.tcgetattr(pty.master)[4]


def test_a_serial_port_is_opened_with_eight_bits_no_parity_and_without_flow_control() -> None:
    with Pty() as pty, closing(open_source(PortSettings(pty.path), 1200)):
        iflag, _, cflag, lflag, *_ = termios.tcgetattr(pty.master)
        assert termios.CS8 == cflag & termios.CSIZE
        assert not cflag & (termios.PARENB | termios.CSTOPB | termios.CRTSCTS)
        assert not iflag & (termios.IXON | termios.IXOFF | termios.ICRNL | termios.ISTRIP)
        assert not lflag & (termios.ICANON | termios.ECHO)


def test_explicit_settings_reach_the_port() -> None:
    with Pty() as pty, closing(open_source(PortSettings(pty.path, stopbits=2.0, xonxoff=True), 1200)):
        iflag, _, cflag, *_ = termios.tcgetattr(pty.master)
        assert cflag & termios.CSTOPB
        assert iflag & termios.IXON


def test_settings_that_a_port_refuses_are_named_with_the_port() -> None:
    with Pty() as pty:
        open_source(PortSettings(pty.path), 1200).close()  # what differs then is what no pseudo-terminal has
        with pytest.raises(OSError, match="refuses these settings") as caught:
            open_source(PortSettings(pty.path, bytesize=7, parity="even"), 1200)
    assert (errno.EINVAL, pty.path) == (caught.value.errno, caught.value.filename)


def test_a_speed_that_a_port_refuses_is_an_oserror(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise termios.error(errno.EINVAL, "Invalid argument")

    with Pty() as pty, closing(open_source(PortSettings(pty.path), 1200)) as source:
        monkeypatch.setattr(termios, "tcsetattr", refuse)
        with pytest.raises(OSError, match="refuses this speed"):
            source.set_baud_rate(9600)
        monkeypatch.undo()


def test_a_port_that_another_reader_has_open_is_refused_and_the_message_says_why() -> None:
    settings = PortSettings
    with Pty() as pty, closing(open_source(settings(pty.path), 1200)):
        before = open_descriptors()
        with pytest.raises(OSError, match="another program reads this port"):
            open_source(settings(pty.path), 1200)
        assert before == open_descriptors()


def test_a_port_that_another_program_has_set_to_exclusive_is_refused_and_the_message_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def busy(*_: object) -> int:  # root, who runs these tests in CI, may open such a port
        raise OSError(errno.EBUSY, "Device or resource busy")

    with Pty() as pty:
        monkeypatch.setattr(os, "open", busy)
        with pytest.raises(OSError, match="another program reads this port"):
            open_source(PortSettings(pty.path), 1200)
        monkeypatch.undo()


def test_a_port_that_does_not_exist_is_an_error_that_says_it_once(tmp_path: Path) -> None:
    missing = str(tmp_path / "ttyUSB7")
    with pytest.raises(FileNotFoundError) as caught:
        open_source(PortSettings(missing), 1200)
    assert f"[Errno 2] No such file or directory: {missing!r}" == str(caught.value)


@pytest.mark.parametrize("port", ["/dev/null", "/"])
def test_what_is_no_serial_port_is_an_oserror(port: str) -> None:
    before = open_descriptors()
    with pytest.raises(OSError, match=r"configure|directory"):
        open_source(PortSettings(port), 1200)
    assert before == open_descriptors()


def test_a_closed_serial_port_is_an_oserror_to_all_who_still_have_it() -> None:
    with Pty() as pty:
        source = open_source(PortSettings(pty.path), 1200)
        source.close()
        source.close()
        with pytest.raises(OSError, match="not open"):
            source.read()


# TCP


def test_a_tcp_stream_gives_the_bytes_that_are_there_and_ends_when_its_peer_closes() -> None:
    with Peer() as peer, closing(connected(open_source(PortSettings(peer.url), 9600))) as source:
        peer.accept()
        assert b"" == source.read()
        peer.write(b"\x02abc\x03")
        wait_for(source)
        assert b"\x02abc\x03" == source.read()
        source.set_baud_rate(1200)  # there is none: nothing happens
        peer.hang_up()
        wait_for(source)
        with pytest.raises(SourceEndedError, match="peer closed"):
            source.read()


def test_a_dead_peer_is_looked_for_by_the_system() -> None:
    with Peer() as peer, closing(connected(open_source(PortSettings(peer.url), 9600))) as source:
        assert isinstance(source, TcpSource)
        for level, option, value in (
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000),
        ):
            assert value == source._open_socket.getsockopt(level, option)


def test_a_tcp_port_that_refuses_is_an_oserror() -> None:
    source = open_source(PortSettings(f"socket://127.0.0.1:{free_port()}"), 9600)
    with closing(source), pytest.raises(ConnectionRefusedError):
        connected(source)


def test_a_name_that_does_not_resolve_is_an_oserror() -> None:
    with pytest.raises(OSError, match=r"(?i)name|resol"):
        open_source(PortSettings("socket://name.invalid:4001"), 9600)


@pytest.mark.parametrize("host", ["a..b", "a" * 70 + ".fr"])
def test_a_name_that_no_name_server_could_know_is_refused_like_other_settings(host: str) -> None:
    with pytest.raises((OSError, ValueError)):
        open_source(PortSettings(f"socket://{host}:4001"), 9600)


def addresses(*found: tuple[socket.AddressFamily, tuple[object, ...]]) -> Callable[..., list[object]]:
    return lambda *_, **__: [(family, socket.SOCK_STREAM, 6, "", address) for family, address in found]


def test_a_server_that_listens_on_ipv4_alone_is_found_behind_a_name_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer() as peer:
        both = addresses((socket.AF_INET6, ("::1", peer.port, 0, 0)), (socket.AF_INET, ("127.0.0.1", peer.port)))
        monkeypatch.setattr(socket, "getaddrinfo", both)
        source = open_source(PortSettings(f"socket://localhost:{peer.port}"), 9600)
        monkeypatch.undo()
        with closing(connected(source)):
            peer.accept()
            peer.write(b"x")
            wait_for(source)
            assert b"x" == source.read()


@pytest.mark.parametrize(
    "first",
    [
        (socket.AF_INET, ("255.255.255.255", 1)),  # fails in connect(), at once
        (99, ("nowhere", 1)),  # fails in socket(), as IPv6 where it is switched off
    ],
    ids=["no route", "no such family"],
)
def test_an_address_that_fails_at_once_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, first: tuple[socket.AddressFamily, tuple[object, ...]]
) -> None:
    with Peer() as peer:
        monkeypatch.setattr(socket, "getaddrinfo", addresses(first, (socket.AF_INET, ("127.0.0.1", peer.port))))
        source = open_source(PortSettings(f"socket://localhost:{peer.port}"), 9600)
        monkeypatch.undo()
        with closing(connected(source)):
            peer.accept()


@pytest.mark.parametrize(
    "only", [(socket.AF_INET, ("255.255.255.255", 1)), (99, ("nowhere", 1))], ids=["no route", "no such family"]
)
def test_the_last_address_that_fails_at_once_is_an_oserror_that_leaks_nothing(
    monkeypatch: pytest.MonkeyPatch, only: tuple[socket.AddressFamily, tuple[object, ...]]
) -> None:
    before = open_descriptors()
    monkeypatch.setattr(socket, "getaddrinfo", addresses(only))
    with pytest.raises(OSError, match=r"unreachable|family"):
        open_source(PortSettings("socket://localhost:1"), 9600)
    monkeypatch.undo()
    assert before == open_descriptors()


def test_a_closed_tcp_stream_is_an_oserror_to_all_who_still_have_it() -> None:
    with Peer() as peer:
        source = connected(open_source(PortSettings(peer.url), 9600))
        source.close()
        source.close()
        for use in (source.read, source.fileno):
            with pytest.raises(SourceEndedError):
                use()


# Files


def test_a_recording_is_played_at_the_speed_of_its_line_and_then_ends(tmp_path: Path) -> None:
    recording = tmp_path / "meter.tic"
    data = frame(LINKY_STANDARD)
    recording.write_bytes(data)
    began = time.monotonic()
    with closing(open_source(PortSettings(str(recording)), 1200)) as source:
        assert isinstance(source, FileSource)
        assert b"" == source.read()
        assert data == read_all(source, len(data))
        wait_for(source)
        with pytest.raises(FileEndedError, match="has ended"):
            source.read()
    # 9600 Bd, since it holds HT. Later than that is the machine's affair.
    assert len(data) * 10 / 9600 * 0.9 <= time.monotonic() - began


def test_a_recording_takes_the_speed_that_is_named(tmp_path: Path) -> None:
    recording = tmp_path / "meter.tic"
    data = frame(LINKY_HISTORIC)
    recording.write_bytes(data)
    began = time.monotonic()
    with closing(open_source(PortSettings(str(recording), baud_rate=19200), 1200)) as source:
        assert data == read_all(source, len(data))
    assert time.monotonic() - began < len(data) * 10 / 1200


def test_a_recording_that_loops_begins_again_at_its_end(tmp_path: Path) -> None:
    recording = tmp_path / "meter.tic"
    recording.write_bytes(b"abc")
    with closing(open_source(PortSettings(str(recording), baud_rate=19200, loop=True), 1200)) as source:
        assert b"abcabcabca" == read_all(source, 10)[:10]


@pytest.mark.parametrize("loop", [False, True])
def test_an_empty_recording_ends_at_once(tmp_path: Path, *, loop: bool) -> None:
    recording = tmp_path / "empty.tic"
    recording.write_bytes(b"")
    with closing(open_source(PortSettings(str(recording), loop=loop), 1200)) as source:
        wait_for(source)
        with pytest.raises(FileEndedError):
            source.read()


def test_a_recording_that_is_emptied_while_it_loops_ends(tmp_path: Path) -> None:
    recording = tmp_path / "meter.tic"
    recording.write_bytes(b"abc")
    with closing(open_source(PortSettings(str(recording), baud_rate=19200, loop=True), 1200)) as source:
        wait_for(source)
        recording.write_bytes(b"")
        with pytest.raises(FileEndedError):
            read_all(source, 1 << 20)


def test_a_recording_that_vanishes_while_it_loops_is_an_oserror(tmp_path: Path) -> None:
    recording = tmp_path / "meter.tic"
    recording.write_bytes(b"abc")
    with closing(open_source(PortSettings(str(recording), baud_rate=19200, loop=True), 1200)) as source:
        wait_for(source)
        recording.unlink()
        with pytest.raises(FileNotFoundError):
            read_all(source, 1 << 20)


def test_closing_a_recording_ends_its_thread_and_leaks_nothing(tmp_path: Path) -> None:
    recording = tmp_path / "meter.tic"
    recording.write_bytes(b"abc" * 1000)
    threads, descriptors = threading.active_count(), open_descriptors()
    source = open_source(PortSettings(str(recording)), 1200)
    wait_for(source)
    source.close()
    wait_until(lambda: (threads, descriptors) == (threading.active_count(), open_descriptors()), SECOND)


@pytest.mark.parametrize(("data", "speed"), [(b"", 1200), (b"PAPP 00510 '", 1200), (b"PREF\t06\tE", 9600)])
def test_the_separator_tells_the_speed_of_a_recording(data: bytes, speed: int) -> None:
    assert speed == line_speed(data)


# RFC 2217


@pyserial
def test_an_rfc2217_port_gives_its_bytes_obeys_a_change_of_speed_and_ends_with_its_peer() -> None:
    with Rfc2217Server() as server, closing(open_source(PortSettings(server.url), 1200)) as source:
        assert isinstance(source, Rfc2217Source)
        assert 1200 == server.port.baudrate
        server.write(b"\x02abc\xff\x03")
        wait_for(source)
        assert b"\x02abc\xff\x03" == read_all(source, 6)
        source.set_baud_rate(9600)
        wait_until(lambda: server.port.baudrate == 9600, SECOND)
        server.write(b"more")
        assert b"more" == read_all(source, 4)
        server.hang_up()
        wait_for(source)
        with pytest.raises(SourceEndedError):
            source.read()


@pyserial
def test_explicit_settings_reach_an_rfc2217_port() -> None:
    settings = {"bytesize": 7, "parity": "even", "stopbits": 2.0}
    with Rfc2217Server() as server:
        source = open_source(PortSettings(server.url, **settings), 1200)  # type: ignore[arg-type]
        with closing(source):
            port = server.port
            assert (7, "E", 2, 1200) == (port.bytesize, port.parity, port.stopbits, port.baudrate)


@pyserial
def test_a_speed_that_an_rfc2217_server_refuses_ends_the_source_with_an_oserror() -> None:
    def refuse(*_: object) -> None:
        raise ValueError("remote rejected value for option 'baudrate'")

    with Rfc2217Server() as server, closing(open_source(PortSettings(server.url), 1200)) as source:
        assert isinstance(source, Rfc2217Source)
        source._serial._reconfigure_port = refuse  # type: ignore[attr-defined]
        source.set_baud_rate(19200)
        wait_for(source)
        with pytest.raises(SourceEndedError, match="rejected"):
            source.read()


@pyserial
def test_closing_an_rfc2217_port_ends_its_threads_and_leaks_nothing() -> None:
    with Rfc2217Server() as server:
        threads, descriptors = threading.active_count(), open_descriptors()
        source = open_source(PortSettings(server.url), 1200)
        source.close()
        server.wait_for_end()
        wait_until(lambda: (threads, descriptors) == (threading.active_count(), open_descriptors()), SECOND)


def test_an_rfc2217_port_that_refuses_is_an_oserror() -> None:
    with pytest.raises(OSError, match="Could not open port"):
        open_source(PortSettings(f"rfc2217://127.0.0.1:{free_port()}"), 1200)


# What a port can do


@pytest.mark.parametrize(
    ("port", "has_speed"),
    [
        ("socket://bridge:4001", False),
        ("rfc2217://bridge:4001", True),
        ("/dev/ttyUSB0", True),
        ("/nowhere/at/all", True),
    ],
)
def test_serial_and_rfc2217_ports_have_a_speed(port: str, *, has_speed: bool) -> None:
    assert has_speed == PortSettings(port).has_speed


def test_a_file_has_no_speed_that_could_be_set(tmp_path: Path) -> None:
    recording = tmp_path / "meter.tic"
    recording.write_bytes(b"abc")
    assert not PortSettings(str(recording)).has_speed
