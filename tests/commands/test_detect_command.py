"""`tic-exporter detect` at real pseudo-terminals, one for each thing that can be wrong."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from helpers import wait_until
from helpers.lines import LINKY_STANDARD, Peer, Pty, frame
from helpers.simulated_lines import as_inverted, at_pty
from tic_exporter.cli import main
from tic_exporter.commands import detect
from tic_exporter.ports import Roots
from tic_exporter.pseudonyms import Pseudonyms
from tic_exporter.simulator import Events, damage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(name="detected", scope="module")
def detected_lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """Detect a port of every kind at the same time, in a process of its own; give what is said of each."""
    random = Random(4)  # noqa: S311 - of a test
    with ExitStack() as stack:
        held = at_pty("linky-standard", stack)
        holder = os.open(held, os.O_RDWR | os.O_NOCTTY)
        stack.callback(os.close, holder)
        locked = at_pty("linky-standard", stack)
        names = {
            "standard": at_pty("linky-standard-three-phase", stack),
            "historic": at_pty("linky-historic", stack),
            "pme-pmi": at_pty("pme-pmi", stack, baud_rate=9600),
            "without parity": at_pty("linky-standard", stack, parity=False),
            "silent": at_pty("linky-standard", stack, events=Events(silent=True)),
            "slower than all": at_pty("pme-pmi", stack, baud_rate=300),
            "inverted": at_pty("linky-historic", stack, damage=lambda data: as_inverted(data, resumes=False)),
            "weak": at_pty("linky-standard", stack, damage=lambda data: damage(data, random, 0.003)),
            "standby": at_pty("cbemm", stack, events=Events(standby=True)),
            "held": held,
            "not there": str(tmp_path_factory.mktemp("dev") / "ttyUSB9"),
            "no terminal": os.devnull,
        }
        done = subprocess.run(
            [sys.executable, "-m", "tic_exporter", "detect", "--json", "--seconds=10", *names.values()],
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert (0, b"") == (done.returncode, done.stderr)
        said = json.loads(done.stdout)
        assert list(names.values()) == [line["port"] for line in said["lines"]]
        assert locked
        yield dict(zip(names, said["lines"], strict=True))


@pytest.mark.parametrize(
    ("line", "baud_rate", "mode", "family", "phases"),
    [
        ("standard", 9600, "standard", "linky", "3"),
        ("historic", 1200, "historic", "linky", "1"),
        ("pme-pmi", 9600, "historic", "pme-pmi", ""),
    ],
)
def test_a_meter_at_a_serial_port_is_told(
    detected: dict[str, dict[str, Any]], line: str, baud_rate: int, mode: str, family: str, phases: str
) -> None:
    said = detected[line]

    assert ("ok", True, baud_rate, "even", 0.0) == (
        said["symptom"],
        said["is_meter"],
        said["baud_rate"],
        said["parity"],
        said["error_ratio"],
    )
    assert (mode, family, phases) == (said["mode"], said["family"], said["phases"])
    assert "028024" == said["meter_id"][6:]
    assert said["contract"]
    assert said["frames_per_minute"] > 10


@pytest.mark.parametrize(
    ("line", "symptom", "is_meter"),
    [
        ("without parity", "ok", True),
        ("silent", "mute", False),
        ("slower than all", "wrong_speed", False),
        ("inverted", "inverted", False),
        ("weak", "weak", False),
        ("standby", "standby", True),
    ],
)
def test_what_a_line_looks_like_is_told_with_what_to_try(
    detected: dict[str, dict[str, Any]], line: str, symptom: str, *, is_meter: bool
) -> None:
    said = detected[line]

    assert symptom == said["symptom"]
    assert is_meter is said["is_meter"] or line == "weak"
    assert (symptom == "ok") == (not said["try"])
    assert bool(said["notes"]) == (line == "without parity")


def test_a_port_that_cannot_be_listened_to_is_told_why(detected: dict[str, dict[str, Any]]) -> None:
    held, missing, device = (detected[line]["obstacle"] for line in ("held", "not there", "no terminal"))

    assert [True] == ["held by" in line and str(os.getpid()) in line for line in held]
    assert ["No such file or directory"] == missing
    assert device
    assert all("symptom" not in detected[line] for line in ("held", "not there", "no terminal"))


def test_a_port_that_another_reader_has_locked_is_not_read() -> None:
    with ExitStack() as stack:
        port = at_pty("linky-standard", stack)
        holder = os.open(port, os.O_RDWR | os.O_NOCTTY)
        stack.callback(os.close, holder)
        fcntl.flock(holder, fcntl.LOCK_EX)
        listener = detect.Listener(port, Roots(proc=Path("/nowhere")), 1.0)
        listener.listen(lambda: False)

        assert ["another program reads this port", f"try: sudo fuser -v {port}"] == listener.obstacle


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody without permission")
def test_without_permission_the_command_that_gives_it_is_told() -> None:
    with Pty() as line:
        os.chown(line.path, 0, 20)
        os.chmod(line.path, 0o660)  # noqa: PTH101 - a path from `ttyname`
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-m", "tic_exporter"]
        done = subprocess.run(
            [*nobody, "detect", "--seconds=1", line.path], capture_output=True, check=False, text=True, timeout=30
        )

    assert 1 == done.returncode, done.stderr
    assert f"{line.path}: not listened to\n    no permission\n    try: sudo usermod -aG" in done.stdout
    assert "$USER   (then log in again)" in done.stdout


# --- the conversation -------------------------------------------------------------------------------------------------


@pytest.fixture(name="fast_line")
def line_of_a_linky() -> Iterator[str]:
    with ExitStack() as stack:
        yield at_pty("linky-standard", stack, speed=20)


@pytest.fixture(name="roots")
def tree_with_the_line(tmp_path: Path, fast_line: str) -> Roots:
    """Give a tree in which the line is an adaptor with a stable name, beside one that somebody holds."""
    roots = Roots(tmp_path / "dev", tmp_path / "sys", tmp_path / "proc")
    (roots.dev / "serial" / "by-id").mkdir(parents=True)
    for name, device in (("ttyUSB0", fast_line), ("ttyUSB1", os.devnull)):
        (roots.dev / name).symlink_to(device)
        (roots.dev / "serial" / "by-id" / f"usb-of-{name}").symlink_to(f"../../{name}")
    (roots.proc / "7" / "fd").mkdir(parents=True)
    (roots.proc / "7" / "fd" / "0").symlink_to(os.devnull)
    (roots.proc / "7" / "comm").write_text("ModemManager\n")
    return roots


def test_without_a_terminal_ports_are_listed_and_none_is_opened(
    roots: Roots, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == detect.run([], roots=roots)

    said = capsys.readouterr().out
    assert f"{roots.dev}/serial/by-id/usb-of-ttyUSB0 (/dev/pts/" in said
    assert "held by ModemManager (process 7)" in said
    assert f"Name the ports to listen to: tic-exporter detect {roots.dev}" in said


def test_ports_agreed_to_are_listened_to_and_the_configuration_names_them_by_their_stable_names(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []

    assert 0 == detect.run([], roots=roots, ask=lambda question: not asked.append(question))  # type: ignore[func-returns-value]
    assert [f"Listen to {roots.dev}/serial/by-id/usb-of-ttyUSB0?", "Write it to tic_exporter.yml?"] == asked
    assert "a meter that is understood" in capsys.readouterr().out
    assert f'port: "{roots.dev}/serial/by-id/usb-of-ttyUSB0"' in (tmp_path / "tic_exporter.yml").read_text()
    assert 0 == main(["check-config", "tic_exporter.yml"])


def test_ports_not_agreed_to_stay_closed(roots: Roots, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == detect.run([], roots=roots, ask=lambda _: False)
    assert "a meter" not in capsys.readouterr().out


def test_nothing_plugged_in_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == detect.run([], roots=Roots(tmp_path, tmp_path, tmp_path))
    assert "No serial port was found" in capsys.readouterr().out
    assert 1 == detect.run(["--json"], roots=Roots(tmp_path, tmp_path, tmp_path))
    assert {"ports": [], "lines": []} == json.loads(capsys.readouterr().out)


def test_the_configuration_is_never_written_over_another_without_force(
    fast_line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.yml"
    file.write_text("mine\n")

    assert 1 == main(["detect", fast_line, f"--write={file}"])
    said = capsys.readouterr()
    assert ("mine\n", "", True) == (file.read_text(), said.out, "--force" in said.err)  # and nothing was listened to
    assert 0 == main(["detect", fast_line, f"--write={file}", "--force"])
    assert 0 == main(["check-config", str(file)])
    assert 1 == main(["detect", fast_line, f"--write={tmp_path}/no/folder.yml"])
    assert 1 == main(["detect", fast_line, "--write=/dev/full", "--force"])
    assert "Traceback" not in capsys.readouterr().err


def test_several_meters_of_a_family_are_numbered_in_the_configuration(
    fast_line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Peer() as bridge, ExitStack() as stack:
        other = at_pty("linky-historic", stack, speed=20)
        file = tmp_path / "tic_exporter.yml"
        process = subprocess.Popen(
            [sys.executable, "-m", "tic_exporter", "detect", fast_line, other, bridge.url, "--seconds=9",
             "--write", str(file)],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        bridge.accept()
        bridge.write(frame(LINKY_STANDARD) * 4)
        assert process.communicate(timeout=30)[0]
        assert 0 == process.returncode

    text = file.read_text()
    assert ["linky-1", "linky-2", "linky-3"] == [line.split('"')[1] for line in text.splitlines() if "name:" in line]
    assert 0 == main(["check-config", str(file)])
    capsys.readouterr()


def test_a_bridge_that_hangs_up_or_does_not_answer_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
    assert 1 == main(["detect", url, "--seconds=2"])
    assert f"{url}: not listened to\n    the port closed: " in capsys.readouterr().out

    with Peer() as bridge:
        listener = detect.Listener(bridge.url, Roots(), 5.0)
        heard: list[bool] = []

        def is_over() -> bool:
            if bridge.connection is None and not heard:
                bridge.accept()
                bridge.write(frame(LINKY_STANDARD)[:200])
                heard.append(True)
                bridge.hang_up()
            return False

        listener.listen(is_over)
        assert ["the port closed: the peer closed the connection"] == listener.obstacle
        assert listener.diagnosis is not None
        assert listener.diagnosis.received


@pytest.mark.parametrize("seconds", ["0", "-1", "x", "nan", "1e9"])
def test_a_bound_that_is_none_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["detect", f"--seconds={seconds}"])
    assert f'not "{seconds}"' in capsys.readouterr().err


def test_on_a_terminal_progress_is_shown_and_questions_are_answered(tmp_path: Path) -> None:
    with Pty() as terminal, ExitStack() as stack:
        line = at_pty("linky-standard", stack, speed=3)
        person = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        with subprocess.Popen(
            [sys.executable, "-m", "tic_exporter", "detect", line],
            stdin=person, stdout=subprocess.PIPE, stderr=person, cwd=tmp_path,
        ) as process:  # fmt: skip
            shown = b""
            while b"Write it to tic_exporter.yml? [y/N]" not in shown:
                shown += os.read(terminal.master, 4096)
            terminal.write(b"y\n")
            assert 0 == process.wait(timeout=20)
        os.close(person)

    assert b"9600 Bd, " in shown
    wait_until((tmp_path / "tic_exporter.yml").exists, 1)


def test_an_id_is_shown_by_its_pseudonym_where_a_key_is_named(
    fast_line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    key.write_text("k" * 32)
    key.chmod(0o600)
    for words in ([fast_line], ["--json", fast_line]):
        shown = {}
        for options in ([], [f"--pseudonym-key={key}"]):
            assert 0 == detect.run([*options, *words], roots=Roots(tmp_path, tmp_path, tmp_path))
            shown[bool(options)] = capsys.readouterr().out
        (meter_id,) = set(re.findall(r"(?<![\d.])\d{12}(?!\d)", shown[False]))  # no digits behind a point
        assert meter_id not in shown[True]
        assert Pseudonyms(b"k" * 32).of_id(meter_id) in shown[True]
