"""docs/first-meter.md and docs/recording.md stay true: each command in them is typed here."""

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
from pathlib import Path

import pytest

from helpers import free_port
from helpers.simulated_lines import at_pty
from tic_exporter.recording import is_recording
from tic_exporter.symptoms import Symptom

DOCS = Path(__file__).parent.parent / "docs"
TIC_EXPORTER = [sys.executable, "-m", "tic_exporter"]

pytestmark = pytest.mark.skipif(
    not (DOCS / "recording.md").exists(), reason="the tests run from a copy without the project's documents"
)


def commands(guide: str) -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", (DOCS / guide).read_text(), re.MULTILINE | re.DOTALL)
    lines = [re.split(r"\s+#", line)[0].strip() for block in blocks for line in block.splitlines()]
    assert all(line.startswith("tic-exporter ") for line in lines)
    return [shlex.split(line)[1:] for line in lines]


def type_(words: list[str], line: str, folder: Path) -> None:
    """Type one command, with a simulated meter at the port and without the long waits."""
    instead = {"/dev/ttyUSB0": line, "60": "1", "/tmp/ttyREPLAY": str(folder / "ttyREPLAY")}
    words = [instead.get(word, word) for word in words]
    if "replay" in words and "--tcp" in words:
        words[-1] = f"127.0.0.1:{free_port()}"
    if words[0].startswith("--"):
        words.append(f"--web.listen-address=127.0.0.1:{free_port()}")
    served = next((words[words.index(flag) + 1] for flag in ("--pty", "--tcp") if flag in words), None)
    if served is None and not words[0].startswith("--"):
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
                assert b"port open" in b"".join(process.stderr.readline() for _ in range(3))
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


def test_every_command_of_the_guides_does_what_they_say(tmp_path: Path) -> None:
    with ExitStack() as stack:
        line = at_pty("linky-standard", stack)
        for guide in ("recording.md", "first-meter.md"):
            (tmp_path / guide).mkdir()
            for words in commands(guide):
                type_(words, line, tmp_path / guide)
                time.sleep(0.1)  # the port of a command that was killed is free again

    assert (tmp_path / "first-meter.md" / "tic_exporter.yml").exists()


def test_the_example_of_the_format_is_a_recording() -> None:
    example = re.findall(r"^```json\n(.*?)^```", (DOCS / "recording.md").read_text(), re.MULTILINE | re.DOTALL)[0]

    assert is_recording(example.encode())
    assert 4 == len([json.loads(line) for line in example.splitlines()])


def test_the_first_meter_names_every_symptom() -> None:
    text = (DOCS / "first-meter.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \|", text.split("## What it may say instead")[1], re.MULTILINE)
    said = [row.split("…")[0].removesuffix(" (a note)").strip() for row in rows[2:]]

    for symptom in set(Symptom) - {Symptom.OK}:
        assert [row for row in said if row in symptom.text], symptom
