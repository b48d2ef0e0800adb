"""docs/troubleshooting.md: each thing that can be wrong is done to a line, and looks as the tables say."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from random import Random
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from serial import Serial

from helpers import Exporter, free_port, wait_until
from helpers.guides import DOCS, HAS_DOCS, WITHOUT_DOCS, rows
from helpers.lines import Peer, Pty
from helpers.simulated_lines import START, as_inverted, at_pty
from tic_exporter.simulator import Events, SimulatedMeter, damage
from tic_exporter.symptoms import Symptom
from tic_exporter.tic.parity import with_even_parity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GUIDE = DOCS / "troubleshooting.md"
NOTE = " (a note)"

pytestmark = pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# --- the line ---------------------------------------------------------------------------------------------------------


def line_rows() -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in rows(GUIDE, "The line")} if HAS_DOCS else {}


def symptom_of(said: str) -> Symptom:
    """The one that a row is about; a note goes with a line that is understood."""
    if said.endswith(NOTE):
        return Symptom.OK
    (found,) = [symptom for symptom in Symptom if said in symptom.text]
    return found


def random_instead(data: bytes, random: Random) -> bytes:
    return random.randbytes(len(data))


def silent_after(frames: int, stack: ExitStack) -> str:
    """A bridge that sends so many frames to each listener, and then nothing."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    meter = SimulatedMeter("linky-standard", start=START)
    sent = b"".join(with_even_parity(meter.next_frame()) for _ in range(frames))

    def serve() -> None:
        with ExitStack() as connections, suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.enter_context(connection).sendall(sent)

    thread = Thread(target=serve)
    thread.start()
    stack.callback(thread.join)
    stack.callback(listener.shutdown, socket.SHUT_RDWR)
    return f"socket://127.0.0.1:{listener.getsockname()[1]}"


def lines(stack: ExitStack) -> dict[str, str]:
    """A port for each row, by what `detect` says."""
    random = Random(4)  # noqa: S311 - of a test

    def linky(**line: Any) -> str:  # noqa: ANN401
        return at_pty("linky-historic", stack, **line)

    return {
        "nothing at all": linky(events=Events(silent=True)),
        "noise": linky(damage=lambda data: random_instead(data, random)),
        "the speed is wrong": at_pty("pme-pmi", stack, baud_rate=300),
        "the signal is inverted": linky(damage=lambda data: as_inverted(data, resumes=False)),
        "a weak signal": at_pty("linky-standard", stack, damage=lambda data: damage(data, random, 0.003)),
        "a meter that stopped talking": silent_after(2, stack),
        "a meter in standby": at_pty("cbemm", stack, events=Events(standby=True)),
        "a PME-PMI meter in test mode": at_pty("pme-pmi", stack, events=Events(test_mode=True)),
        "a terminal that translates": linky(
            parity=False, damage=lambda data: data.replace(b"\r", b"\n").replace(b"\x03", b"")
        ),
        "without a start of frame": linky(damage=lambda data: data.translate(None, b"\x02\x03\x82")),
        "parity was taken off on the way (a note)": at_pty("linky-standard", stack, parity=False),
    }


def test_every_symptom_that_detect_knows_has_a_row_and_every_row_a_line_here() -> None:
    assert set(Symptom) == {symptom_of(said) for said in line_rows()}
    with ExitStack() as stack:
        assert line_rows().keys() == lines(stack).keys()


@pytest.fixture(name="detected", scope="module")
def what_detect_says() -> Iterator[dict[str, dict[str, Any]]]:
    with ExitStack() as stack:
        ports = lines(stack)
        done = subprocess.run(
            [sys.executable, "-m", "tic_exporter", "detect", "--json", "--seconds=12", *ports.values()],
            capture_output=True, check=False, timeout=90,
        )  # fmt: skip
        assert 0 == done.returncode, done.stderr
        yield dict(zip(ports, json.loads(done.stdout)["lines"], strict=True))


@pytest.mark.parametrize("said", line_rows())
def test_detect_says_it(detected: dict[str, dict[str, Any]], said: str) -> None:
    symptom = symptom_of(said)

    assert symptom.name.lower() == detected[said]["symptom"]
    if said.endswith(NOTE):
        assert [note for note in detected[said]["notes"] if said.removesuffix(NOTE) in note]


@pytest.fixture(name="running", scope="module")
def exporter_of_all_lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Exporter, dict[str, str]]]:
    with ExitStack() as stack:
        ports = lines(stack)
        names = {said: f"m{number}" for number, said in enumerate(ports)}
        file = tmp_path_factory.mktemp("all") / "tic_exporter.yml"
        meters = (f"  - {{name: {names[said]}, port: {port}, stale_after: 4s}}\n" for said, port in ports.items())
        file.write_text("meters:\n" + "".join(meters))
        yield stack.enter_context(Exporter([f"--config.file={file}"])), names


@pytest.mark.parametrize("said", line_rows())
def test_the_exporter_shows_it(running: tuple[Exporter, dict[str, str]], said: str) -> None:
    exporter, names = running
    meter = names[said]
    states, what = line_rows()[said][:2]

    def shown(*parts: str) -> list[str]:
        lines = exporter.get(f"/metrics?meter={meter}").body.decode().splitlines()
        return [line for line in lines if all(part in line for part in parts)]

    wait_until(lambda: any(shown(f'state="{state}"}} 1.0') for state in quoted(states)), 60, exporter.log)
    for label in (text for text in quoted(what) if "=" in text):
        wait_until(lambda: shown("tic_link_info", label), 60, exporter.log)  # noqa: B023 - called at once
    if "`tic_test_mode` is 1" in what:
        wait_until(lambda: shown("tic_test_mode", " 1.0"), 60, exporter.log)
    if "no readings" in what or "not shown" in what:
        assert [] == shown('meter_id="')


# --- the port ---------------------------------------------------------------------------------------------------------


def port_rows() -> list[str]:
    return [row[0] for row in rows(GUIDE, "The port does not open")] if HAS_DOCS else []


def missing(stack: ExitStack, folder: Path) -> str:
    return str(folder / "ttyUSB9")


def taken(stack: ExitStack, folder: Path) -> str:
    port = at_pty("linky-standard", stack)
    holder = os.open(port, os.O_RDWR | os.O_NOCTTY)
    stack.callback(os.close, holder)
    fcntl.flock(holder, fcntl.LOCK_EX)
    return port


def refusing(stack: ExitStack, folder: Path) -> str:
    # A pseudo-terminal knows no parity, and says so when nothing but that was to be changed.
    port = at_pty("linky-standard", stack)
    Serial(port, 9600, bytesize=7, parity="E").close()
    return port + ", serial: {bytesize: 7, parity: even}"


def nobody(stack: ExitStack, folder: Path) -> str:
    return f"socket://127.0.0.1:{free_port()}"


def deaf(stack: ExitStack, folder: Path) -> str:
    """A listener whose queue is full, so that the kernel answers no further attempt."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(2):
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
    return f"socket://127.0.0.1:{listener.getsockname()[1]}"


def unknown(stack: ExitStack, folder: Path) -> str:
    return "socket://meter.invalid:7000"


FAILURES: dict[str, Callable[[ExitStack, Path], str]] = {
    "No such file or directory": missing,
    "another program reads this port": taken,
    "the port refuses these settings": refusing,
    "Connection refused": nobody,
    "no answer": deaf,
    "Name or service not known": unknown,
}
"""By the first text of a row; those that need more than a port have a test of their own below."""


def test_every_failure_of_a_port_is_tried() -> None:
    others = {"Permission denied", "Input/output error", "the peer closed the connection"}

    assert {quoted(row)[0] for row in port_rows()} == FAILURES.keys() | others


@pytest.mark.parametrize("row", [row for row in port_rows() if quoted(row)[0] in FAILURES])
def test_a_port_that_cannot_be_opened_is_closed_and_the_log_says_why(tmp_path: Path, row: str) -> None:
    with ExitStack() as stack:
        port = FAILURES[quoted(row)[0]](stack, tmp_path)
        (tmp_path / "tic_exporter.yml").write_text(f"meters: [{{name: it, port: {port}}}]\n")
        exporter = stack.enter_context(Exporter([f"--config.file={tmp_path / 'tic_exporter.yml'}"]))

        failed(exporter, row)
        assert b'tic_link_state{meter="it",state="closed"} 1.0' in exporter.get("/metrics").body


def failed(exporter: Exporter, row: str) -> None:
    """Wait for the one line of the log that a row quotes from."""

    def said() -> list[str]:
        lines = [line for line in exporter.log().splitlines() if 'msg="port closed"' in line]
        return [line for line in lines if any(text in line for text in quoted(row))]

    wait_until(said, 60, exporter.log)


def row_of(text: str) -> str:
    (found,) = [row for row in port_rows() if text in row]
    return found


def test_a_port_that_is_pulled_out_says_so() -> None:
    with Pty() as line, Exporter([f"--meter.port={line.path}"]) as exporter:
        wait_until(lambda: "port open" in exporter.log(), 30, exporter.log)
        line.hang_up()
        failed(exporter, row_of("the port is gone"))


def test_a_bridge_that_hangs_up_says_so() -> None:
    with Peer() as bridge, Exporter([f"--meter.port={bridge.url}"]) as exporter:
        bridge.accept()
        bridge.hang_up()
        failed(exporter, row_of("the peer closed the connection"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody without permission")
def test_a_port_of_another_group_says_so() -> None:
    with Pty() as line:
        os.chown(line.path, 0, 20)
        os.chmod(line.path, 0o660)  # noqa: PTH101 - a path from `ttyname`
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-m", "tic_exporter"]
        command = [*nobody, f"--meter.port={line.path}", f"--web.listen-address=127.0.0.1:{free_port()}"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as exporter:
            assert exporter.stderr is not None
            said = next(line for line in exporter.stderr if 'msg="port closed"' in line)
            exporter.kill()

    assert quoted(row_of("Permission denied"))[0] in said
