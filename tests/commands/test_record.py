"""`tic-exporter record` and `replay` at real pseudo-terminals and over TCP."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers import free_port, wait_until
from helpers.lines import LINKY_HISTORIC, LINKY_STANDARD, Peer, Pty, frame
from helpers.simulated_lines import at_pty
from tic_exporter.cli import main
from tic_exporter.commands.record import _Cleaner
from tic_exporter.recording import Chunk, Recording
from tic_exporter.simulator import Events
from tic_exporter.sources import PortSettings, SerialSource
from tic_exporter.tic.framing import Cut, Framer
from tic_exporter.tic.parity import with_even_parity

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "tic_exporter"]


def content(path: Path) -> bytes:
    return b"".join(chunk.data for chunk in Recording(path))


@pytest.fixture(name="line")
def line_of_a_linky() -> Iterator[str]:
    with ExitStack() as stack:
        yield at_pty("linky-standard", stack, speed=15)


@pytest.fixture(name="stream")
def raw_stream(tmp_path: Path) -> Path:
    path = tmp_path / "stream.tic"
    path.write_bytes(with_even_parity(frame(LINKY_STANDARD) * 5))
    return path


@pytest.fixture(name="recording")
def recording_of_the_stream(stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "a.jsonl"
    assert 0 == main(["record", str(stream), str(path)])
    assert f"{path}: 5 frames, {stream.stat().st_size} bytes" in capsys.readouterr().err
    return path


# --- record -----------------------------------------------------------------------------------------------------------


def test_a_number_of_frames_is_recorded_at_the_speed_that_was_found(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl"

    assert 0 == main(["record", line, str(path), "--frames=3"])
    recording = Recording(path)
    assert 3 == sum(each.cut is Cut.COMPLETE for each in Framer().feed(content(path)))
    list(recording)
    assert (None, 9600, line, False) == (
        recording.problem,
        recording.header.baud_rate,
        recording.header.port,
        recording.header.anonymised,
    )
    assert recording.header.started
    assert f"{path}: 3 frames, " in capsys.readouterr().err
    assert 0 == main(["decode", str(path)])
    assert "3 valid frames" == capsys.readouterr().err.strip()


def test_a_time_is_recorded_with_the_times_in_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        line = at_pty("linky-historic", stack, speed=5)
        path = tmp_path / "a.jsonl"
        assert 0 == main(["record", line, str(path), "--seconds=1", "--baud-rate=1200"])

    recording = Recording(path)
    times = [chunk.at for chunk in recording]
    assert times == sorted(times)
    assert 0.8 < times[-1] <= recording.seconds <= 1.0
    assert 1200 == recording.header.baud_rate


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_with_a_whole_file(number: signal.Signals, line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with subprocess.Popen([*COMMAND, "record", line, str(path), "--anonymise"], stderr=subprocess.PIPE) as process:
        wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") > 5, 20)
        process.send_signal(number)
        _, said = process.communicate(timeout=10)

    assert 0 == process.returncode, said
    recording = Recording(path)
    assert content(path)
    list(recording)
    assert recording.problem is None
    assert re.search(rb"anonymised, \d+ frames", said)


def test_an_anonymised_recording_names_neither_meter_nor_port(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"

    assert 0 == main(["record", line, str(path), "--frames=2", "--anonymise"])
    heard = content(path).translate(bytes(code & 0x7F for code in range(256)))
    assert b"\nADSC\t030761000001\t" in heard
    assert b"028024" not in heard
    assert (None, True) == (Recording(path).header.port, Recording(path).header.anonymised)


def test_an_old_recording_can_be_anonymised_and_keeps_its_times(recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"

    assert 0 == main(["record", str(recording), str(path), "--anonymise"])
    before, after = list(Recording(recording)), list(Recording(path))
    assert [(chunk.at, len(chunk.data)) for chunk in before] == [(chunk.at, len(chunk.data)) for chunk in after]
    assert before != after


def test_silence_is_recorded_as_an_empty_whole_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ExitStack() as stack:
        line = at_pty("linky-historic", stack, events=Events(silent=True))
        path = tmp_path / "a.jsonl"
        assert 1 == main(["record", line, str(path), "--seconds=0.3", "--baud-rate=1200"])

    assert b"" == content(path)
    assert "0 frames, 0 bytes" in capsys.readouterr().err


def test_a_line_whose_speed_is_not_found_is_recorded_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tic_exporter.commands.record.SEARCH_SECONDS", 1.8)
    with Pty() as line:
        stop = threading.Event()

        def hum() -> None:
            while not stop.wait(0.02):
                line.write(b"hum")

        talking = threading.Thread(target=hum)
        talking.start()
        assert 0 == main(["record", line.path, str(tmp_path / "a.jsonl"), "--seconds=0.3"])
        stop.set()
        talking.join()

    assert "no right group at any speed: recording at 9600 Bd" in capsys.readouterr().err
    assert b"hum" in content(tmp_path / "a.jsonl")


def test_a_bridge_is_recorded_until_it_hangs_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    with Peer() as bridge:
        status: list[int] = []

        def play() -> None:
            bridge.accept()
            bridge.write(frame(LINKY_HISTORIC))
            bridge.hang_up()

        playing = threading.Thread(target=play)
        playing.start()
        status.append(main(["record", bridge.url, str(path)]))
        playing.join()

    assert ([0], frame(LINKY_HISTORIC), None) == (status, content(path), Recording(path).header.baud_rate)
    assert "the peer closed the connection" in capsys.readouterr().err


def test_no_file_is_overwritten_without_force_and_never_the_one_that_is_read(
    stream: Path, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = recording.read_bytes()

    assert 1 == main(["record", str(stream), str(recording)])
    assert f"{recording} exists; --force overwrites it" in capsys.readouterr().err
    assert 1 == main(["record", str(recording), str(recording), "--force"])
    assert "would overwrite what is read" in capsys.readouterr().err
    assert before == recording.read_bytes()
    assert 0 == main(["record", str(stream), str(recording), "--force", "--anonymise"])
    assert before != recording.read_bytes()


def test_what_is_wrong_with_a_port_or_a_recording_is_said(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == main(["record", "/dev/ttyNOTHING", str(tmp_path / "b.jsonl")])
    assert "No such file or directory" in capsys.readouterr().err
    recording.write_bytes(recording.read_bytes()[:-100])
    assert 0 == main(["record", str(recording), str(tmp_path / "c.jsonl"), "--anonymise"])
    assert "the recording was cut off; what came before is kept" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["record", "/dev/ttyNOTHING", "x", "--seconds=never"])


def test_a_terminal_shows_how_many_frames_there_are(stream: Path, tmp_path: Path) -> None:
    with Pty() as terminal:
        person = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        subprocess.run(
            [*COMMAND, "record", str(stream), str(tmp_path / "a.jsonl"), "--frames=2"],
            stderr=person, check=True, timeout=20,
        )  # fmt: skip
        shown = os.read(terminal.master, 4096)
        os.close(person)

    assert b"\r1 frames; Ctrl-C ends" in shown


def test_what_is_held_back_keeps_the_time_at_which_it_came() -> None:
    cleaner = _Cleaner()
    pieces = [frame(LINKY_STANDARD)[start : start + 30] for start in range(0, 300, 30)]
    given_back = [each for at, data in enumerate(pieces) for each in cleaner.add(Chunk(float(at), data))]

    assert [(float(at), 30) for at in range(10)] == [(each.at, len(each.data)) for each in given_back + cleaner.rest()]


# --- replay -----------------------------------------------------------------------------------------------------------


def test_a_recording_is_replayed_into_the_decoder_as_decode_prints_it(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("text", "json", "prometheus"):
        assert 0 == main(["decode", str(recording), "--format", form])
        expected = capsys.readouterr()
        assert 0 == main(["replay", str(recording), "--speed=0", "--format", form])
        assert expected == capsys.readouterr()
        assert expected.out


def test_a_recording_takes_its_time_divided_by_the_speed(recording: Path) -> None:
    began = time.monotonic()
    assert 0 == main(["replay", str(recording), "--speed=4"])

    assert Recording(recording).seconds == 0.0
    seconds = len(content(recording)) / 960
    assert seconds / 4 == pytest.approx(time.monotonic() - began, abs=0.4)


@pytest.mark.parametrize("speed", ["0", "8"])
def test_a_pty_gets_every_byte_of_a_recording(recording: Path, tmp_path: Path, speed: str) -> None:
    link = tmp_path / "ttyREPLAY"
    link.symlink_to("/nowhere")
    with subprocess.Popen(
        [*COMMAND, "replay", str(recording), "--pty", str(link), "--speed", speed], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert f"port {link}: plays when it is opened\n".encode() == process.stdout.readline()
        source = SerialSource(PortSettings(str(link)), 9600)
        heard, expected = b"", content(recording)
        until = time.monotonic() + 20
        while len(heard) < len(expected) and time.monotonic() < until:
            heard += source.read()
            time.sleep(0.01)
        source.close()
        assert 0 == process.wait(timeout=10)

    assert expected == heard
    assert not link.is_symlink()


def test_tcp_gets_every_byte_of_a_recording_again_and_again(recording: Path) -> None:
    port = free_port()
    with subprocess.Popen(
        [*COMMAND, "replay", str(recording), f"--tcp=127.0.0.1:{port}", "--speed=0", "--loop"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
                heard = b""
                while data := line.recv(4096):
                    heard += data
            assert content(recording) == heard
        process.send_signal(signal.SIGINT)
        assert 130 == process.wait(timeout=10)


def test_who_stops_listening_ends_the_replay(recording: Path, tmp_path: Path) -> None:
    link = tmp_path / "ttyREPLAY"
    with subprocess.Popen([*COMMAND, "replay", str(recording), "--pty", str(link)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.close(os.open(link, os.O_RDWR | os.O_NOCTTY))
        reader = os.open(link, os.O_RDWR | os.O_NOCTTY)
        assert os.read(reader, 10)
        os.close(reader)
        assert 0 == process.wait(timeout=10)


def test_a_raw_stream_is_replayed_too(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["replay", str(stream), "--speed=0", "--format=json"])
    assert 5 == len(capsys.readouterr().out.splitlines())


def test_a_damaged_recording_is_played_as_far_as_it_goes_with_a_clear_message(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = recording.read_bytes()
    for damaged, message in (
        (whole[:-50], "the recording was cut off"),
        (whole.replace(b'"t":0.1333', b'"t":0.1334'), "its checksum is wrong"),
        (whole + b"{}", "it goes on behind its last line"),
    ):
        recording.write_bytes(damaged)
        for words in (["decode"], ["replay", "--speed=0"]):
            assert 1 == main([*words, str(recording)])
            said = capsys.readouterr()
            assert "Active energy imported" in said.out
            assert f"{recording}: " in said.err
            assert message in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["replay", "/nowhere/a.jsonl"], "No such file"),
        (["replay", "/nowhere/a.jsonl", "--tcp=127.0.0.1:0"], "No such file"),
        (["replay", "FILE", "--tcp=192.0.2.1:1"], "replay: 192.0.2.1:1: "),
        (["replay", "FILE", "--pty=/nowhere/link"], "No such file"),
        (["replay", "OTHER"], "version 9"),
        (["decode", "OTHER"], "version 9"),
        (["record", "OTHER", "NEW"], "version 9"),
    ],
)
def test_what_cannot_be_played_is_said(
    words: list[str], message: str, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"tic_recording": 9}, separators=(",", ":")) + "\n")
    names = {"FILE": str(recording), "OTHER": str(other), "NEW": str(tmp_path / "new.jsonl")}

    assert 1 == main([names.get(word, word) for word in words])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--speed=-1", "expected a number"),
        ("--speed=fast", "expected a number"),
        ("--speed=inf", "expected a number"),
        ("--tcp=nonsense", "expected an address"),
        ("--tcp=127.0.0.1:99999", "expected an address"),
    ],
)
def test_a_flag_that_makes_no_sense_is_refused_with_what_was_expected(
    flag: str, said: str, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["replay", str(recording), flag])
    assert said in capsys.readouterr().err


def test_a_recorder_of_a_held_port_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Pty() as line:
        holder = SerialSource(PortSettings(line.path), 9600)
        assert 1 == main(["record", line.path, str(tmp_path / "a.jsonl")])
        holder.close()

    assert "another program reads this port" in capsys.readouterr().err
    assert not (tmp_path / "a.jsonl").exists()
