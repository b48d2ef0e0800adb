"""Every command in the guides does what they say: it is typed here, or where the tables below tell."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from helpers import Exporter, free_port
from helpers.guides import DOCS, HAS_DOCS, ROOT, WITHOUT_DOCS, blocks, commands, guides
from helpers.lines import Peer
from helpers.simulated_lines import at_pty
from tic_exporter.recording import is_recording

if TYPE_CHECKING:
    from pathlib import Path

TIC_EXPORTER = [sys.executable, "-m", "tic_exporter"]

TYPED_HERE = (
    "alerts.md",
    "first-meter.md",
    "raspberry-pi-zero.md",
    "recording.md",
    "security.md",
    "troubleshooting.md",
    "upgrade.md",
)
"""Guides whose `tic-exporter …` commands are typed below, in their order, with a simulated meter at /dev/ttyUSB0."""

TYPED_ELSEWHERE = {
    "compose.md": "tests/examples/test_compose.py",
    "predecessor.md": "tests/web/test_compatibility.py",
    "privacy.md": "tests/test_privacy.py",
    "several-meters.md": "tests/docs/test_several_meters.py",
}
"""Guides whose commands another test has a way of its own to run; it names the guide."""

NOT_TYPED = {
    r"sudo apt(-get)? install ": "changes the host; scripts/ensure-tools installs the same packages",
    r"sudo ": "changes the host: users, services, files below /etc and /boot",
    r"python3 -m venv ": "make venv, make test-wheel: a fresh environment and an installation each",
    r"~/tic/bin/pip install ": "make test-wheel installs the package",
    r"make deb": "make test-deb builds, installs and purges the package",
    r"docker ": "needs an engine and a registry; make test-image builds and runs the image without",
    r"kubectl ": "needs a cluster; tests/packaging/test_kubernetes.py checks what it would be given",
    r"cd ": "for the commands after it",
    r"htpasswd |python3 -c 'import bcrypt, getpass": "ask for a password at the terminal",
    r"promtool test rules ": "half a minute; tests/alerts/test_alerts.py runs it file by file",
    r"cp -p /var/lib/tic_exporter/": "a copy of a file, on a host that has the service",
}
"""By their beginning: what a test must not do to the host it runs on, and who does it instead."""

pytestmark = pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)


def reason_not_to_type(command: str) -> str:
    return next((reason for start, reason in NOT_TYPED.items() if re.match(start, command)), "")


def to_type(guide: Path) -> list[str]:
    return [command for command in commands(guide) if not reason_not_to_type(command)]


def test_every_command_of_every_guide_is_typed_or_known_to_be_one_that_cannot_be() -> None:
    loose = {
        guide.name: said
        for guide in guides()
        if guide.name not in {*TYPED_HERE, *TYPED_ELSEWHERE} and (said := to_type(guide))
    }

    assert {} == loose


def test_the_tables_name_nothing_that_has_gone() -> None:
    said = [command for guide in guides() for command in commands(guide)]

    assert [] == [name for name in (*TYPED_HERE, *TYPED_ELSEWHERE) if not (DOCS / name).exists()]
    assert [] == [start for start in NOT_TYPED if not any(re.match(start, command) for command in said)]


@pytest.mark.parametrize("name", TYPED_ELSEWHERE)
def test_the_test_of_a_guide_names_it(name: str) -> None:
    assert name in (ROOT / TYPED_ELSEWHERE[name]).read_text(encoding="utf-8")


def type_(words: list[str], line: str, folder: Path) -> None:
    """Type one command, with a simulated meter at the port and without the long waits."""
    instead = {"/dev/ttyUSB0": line, "60": "1", "/tmp/ttyREPLAY": str(folder / "ttyREPLAY")}
    words = [instead.get(word, word) for word in words]
    if "replay" in words and "--tcp" in words:
        words[-1] = f"127.0.0.1:{free_port()}"
    serves = words[0].startswith("--") and words[0] != "--version"
    if serves:
        words = [word.replace("=/dev/ttyUSB0", f"={line}") for word in words]
        words.append(f"--web.listen-address=127.0.0.1:{free_port()}")
    served = next((words[words.index(flag) + 1] for flag in ("--pty", "--tcp") if flag in words), None)
    if served is None and not serves:
        done = subprocess.run([*TIC_EXPORTER, *words], cwd=folder, capture_output=True, check=False, timeout=60)
        # Without a port to name, what it finds is what this host has.
        assert words == ["detect"] or done.returncode == 0, (words, done.stdout, done.stderr)
        return
    with subprocess.Popen(
        [*TIC_EXPORTER, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            if served is None:
                assert any(b"port open" in process.stderr.readline() for _ in range(5))
            else:
                assert f"port {served}".encode() in process.stdout.readline()
                assert b"" != first_bytes(served)
        finally:
            process.kill()


def first_bytes(served: str) -> bytes:
    if served.startswith("/"):
        reader = os.open(served, os.O_RDWR | os.O_NOCTTY)
        try:
            return os.read(reader, 10)
        finally:
            os.close(reader)
    host, _, port = served.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        return line.recv(10)


@pytest.mark.parametrize("name", TYPED_HERE)
def test_every_command_of_a_guide_does_what_it_says(tmp_path: Path, name: str) -> None:
    said = to_type(DOCS / name)
    with ExitStack() as stack:
        line = at_pty("linky-standard", stack)
        written = [name for command in said for name in re.findall(r"--write=(\S+)", command)]
        if not written:
            (tmp_path / "tic_exporter.yml").write_text(
                (ROOT / "tic_exporter.yml").read_text().replace("/dev/ttyUSB0", line)
            )
        (tmp_path / "web-config.yml").write_text("http_server_config: {http2: false}\n")
        for command in said:
            program, *words = shlex.split(command)
            if program == "promtool":
                subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=True, timeout=120)
                continue
            assert program in {"tic-exporter", "~/tic/bin/tic-exporter"}, command
            type_(words, line, tmp_path)
            time.sleep(0.1)  # the port of a command that was killed is free again

    assert [] == [name for name in written if not (tmp_path / name).exists()]


def test_a_state_file_of_another_version_is_set_aside_as_the_guide_says(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text('{"format": "tic_exporter state", "version": 1000, "meters": {}}')
    text = (DOCS / "upgrade.md").read_text(encoding="utf-8")
    with Peer() as bridge, Exporter([f"--meter.port={bridge.url}", f"--state.file={state}"]) as exporter:
        assert [aside.name for aside in tmp_path.glob("state.json.*")] == re.findall(
            r"`(state\.json\.\w+)`, with", text
        )
        assert 1 == exporter.log().count("level=WARN")


def test_the_example_of_the_format_is_a_recording() -> None:
    (example,) = blocks(DOCS / "recording.md", "json")

    assert is_recording(example.encode())
    assert 4 == len([json.loads(line) for line in example.splitlines()])
