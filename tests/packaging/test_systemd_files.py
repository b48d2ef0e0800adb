"""Unit files and what comes with them, by systemd's own tools; `make test-systemd` runs them."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "systemd"
UNITS = ("tic_exporter.service", "tic_exporter@.service")

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="files are given to other users")


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, check=False, text=True, timeout=60)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_systemd
@pytest.mark.real
@pytest.mark.parametrize("unit", UNITS)
def test_exposure_is_two_at_most_and_what_the_guide_says(unit: str) -> None:
    said = run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(FOLDER / unit))

    match = re.search(r"Overall exposure level for .*: ([0-9.]+)", said)
    assert match is not None
    assert 2.0 >= float(match[1])
    assert f"exposure {match[1]}\n" in (ROOT / "docs" / "systemd.md").read_text()


@pytest.mark.parametrize("unit", UNITS)
def test_other_processes_are_hidden_but_not_the_files_that_the_process_metrics_are_read_from(unit: str) -> None:
    lines = (FOLDER / unit).read_text().splitlines()
    assert "ProtectProc=invisible" in lines
    assert not [line for line in lines if line.startswith("ProcSubset=")]  # `pid` takes away /proc/stat


@needs_systemd
@pytest.mark.real
def test_systemd_has_nothing_to_say_of_the_units(tmp_path: Path) -> None:
    for name in (*UNITS, "tic_exporter.socket"):
        text = (FOLDER / name).read_text().replace("/usr/bin/tic-exporter", sys.executable)
        # Neither the man page nor the user are installed where the tests run.
        text = re.sub(r"^(Documentation=man|User=|Group=|SupplementaryGroups=).*\n", "", text, flags=re.MULTILINE)
        (tmp_path / name).write_text(text)

    units = [str(tmp_path / name) for name in ("tic_exporter.service", "tic_exporter@house.service")]
    shutil.copy(tmp_path / "tic_exporter@.service", units[1])
    said = run("systemd-analyze", "verify", "--man=no", *units, str(tmp_path / "tic_exporter.socket"))

    assert [] == [line for line in said.splitlines() if "tic_exporter" in line]


def test_the_template_differs_only_where_an_instance_does() -> None:
    one, template = ((FOLDER / unit).read_text().splitlines() for unit in UNITS)
    changed = [line for line in difflib.ndiff(one, template) if line[0] in "+-" and not line[2:].startswith("#")]

    assert {"Description", "EnvironmentFile", "ExecStart", "StateDirectory"} == {
        line[2:].split("=")[0] for line in changed
    }
    assert all("%i" in line for line in changed if line.startswith("+"))


@needs_systemd
@needs_root
@pytest.mark.real
def test_the_user_may_open_serial_ports_and_owns_the_state(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    run("systemd-sysusers", f"--root={tmp_path}", str(FOLDER / "tic_exporter.sysusers.conf"))
    run("systemd-tmpfiles", "--create", f"--root={tmp_path}", str(FOLDER / "tic_exporter.tmpfiles.conf"))

    user = next(
        line for line in (tmp_path / "etc/passwd").read_text().splitlines() if line.startswith("tic_exporter:")
    ).split(":")
    assert re.search(r"^dialout:.*[:,]tic_exporter\b", (tmp_path / "etc/group").read_text(), re.MULTILINE)
    state = (tmp_path / "var/lib/tic_exporter").stat()
    assert (int(user[2]), int(user[3]), 0o40700) == (state.st_uid, state.st_gid, state.st_mode)
    assert "/var/lib/tic_exporter" == user[5]
