"""What outlives the process: one file, whole or not there at all."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from helpers import wait_until
from tic_exporter import state
from tic_exporter.known import Kept
from tic_exporter.state import FORMAT, VERSION, StateFile
from tic_exporter.tic import quantities as q

if TYPE_CHECKING:
    from pathlib import Path

    from tic_exporter.state import Remembered
    from tic_exporter.tic.schema import Key

REGISTER: Key = (q.ACTIVE_ENERGY_IMPORT, (("tariff_period", "HPH"),))
REACTIVE: Key = (q.REACTIVE_ENERGY, (("quadrant", "1"), ("tariff_period", "HPH")))
NAME: Key = (q.TARIFF_PERIOD_NAME, (("tariff_period", "01"),))
METERS: dict[str, Remembered] = {
    "shop": ("041436028024", {REGISTER: Kept(5_000_000.0, 1_784_000_000.0), REACTIVE: Kept(0.0, 1_784_000_001.0)}),
    "maison près du port": ("041061234567", {NAME: Kept("HEURE  CREUSE é", 1_784_000_002.0)}),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def document(**changes: object) -> dict[str, Any]:
    entry = {"metric": REGISTER[0].metric, "dimensions": {"tariff_period": "HPH"}, "value": 1.5, "seen": 1} | changes
    return {"format": FORMAT, "version": VERSION, "meters": {"shop": {"meter_id": "0414", "kept": [entry]}}}


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_what_is_saved_is_loaded(path: Path) -> None:
    StateFile(path).save(METERS)
    assert METERS == StateFile(path).load()


def test_there_is_nothing_to_load_at_the_first_start(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert {} == StateFile(path).load()
    assert [] == complaints(caplog)


def test_the_folder_of_the_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / "var" / "lib" / "state.json"
    StateFile(path).save(METERS)
    assert METERS == StateFile(path).load()


def test_an_unchanged_state_is_not_written_again_neither_after_loading(path: Path) -> None:
    file = StateFile(path)
    file.save(METERS)
    before = path.stat()
    for unchanged in (file, StateFile(path)):
        unchanged.load()
        unchanged.save(METERS)
    assert (before.st_ino, before.st_mtime_ns) == (path.stat().st_ino, path.stat().st_mtime_ns)
    assert 1 == file.saves
    file.save({"shop": METERS["shop"]})
    assert (2, 0) == (file.saves, file.failures)
    assert {"shop": METERS["shop"]} == StateFile(path).load()


def test_nobody_else_can_read_it_for_it_holds_ids(path: Path) -> None:
    before = os.umask(0)
    try:
        StateFile(path).save(METERS)
    finally:
        os.umask(before)
    assert 0o600 == path.stat().st_mode & 0o777


def test_saving_leaves_no_other_file_behind(path: Path) -> None:
    StateFile(path).save(METERS)
    assert [path] == list(path.parent.iterdir())


SAVING = """
import sys, itertools, pathlib
sys.path[:0] = sys.argv[2:]
from test_state import METERS, REGISTER
from tic_exporter.known import Kept
from tic_exporter.state import StateFile
file = StateFile(pathlib.Path(sys.argv[1]))
file.load()
for number in itertools.count():
    kept = {(REGISTER[0], (("tariff_period", f"P{n}"),)): Kept(float(number), 1.0) for n in range(1000)}
    file.save({"shop": ("041436028024", kept)})
"""


def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new_one_whole(path: Path) -> None:
    folders = [folder for folder in sys.path if folder]
    for turn in range(8):
        before = path.stat().st_ino if path.exists() else 0
        program = subprocess.Popen([sys.executable, "-c", SAVING, str(path), *folders])
        wait_until(lambda before=before: path.exists() and path.stat().st_ino != before, 30)  # type: ignore[misc]
        time.sleep(turn * 0.0023)
        program.send_signal(signal.SIGKILL)
        program.wait()
        ((meter_id, kept),) = StateFile(path).load().values()
        assert ("041436028024", 1000, 1) == (meter_id, len(kept), len({entry.value for entry in kept.values()}))


# Files that are of no use


def huge() -> bytes:
    return json.dumps(document()).encode() + b" " * state.LONGEST_FILE


DAMAGED = {
    "empty": b"",
    "binary": bytes(range(256)),
    "not UTF-8": json.dumps(document()).encode().replace(b"HPH", b"\xff\xfe"),
    "cut off": json.dumps(document()).encode()[:-20],
    "nulls, as after a power cut": b"\0" * 4096,
    "a list": b"[]",
    "a number": b"12",
    "null": b"null",
    "another format": json.dumps(document() | {"format": "another"}).encode(),
    "another version": json.dumps(document() | {"version": VERSION + 1}).encode(),
    "without version": json.dumps({"format": FORMAT, "meters": {}}).encode(),
    "meters are a list": json.dumps(document() | {"meters": []}).encode(),
    "a meter is a number": json.dumps(document() | {"meters": {"shop": 1}}).encode(),
    "kept is missing": json.dumps(document() | {"meters": {"shop": {"meter_id": "1"}}}).encode(),
    "an id that is a number": json.dumps(document() | {"meters": {"shop": {"meter_id": 1, "kept": []}}}).encode(),
    "NaN": json.dumps(document(value=float("nan"))).encode(),
    "infinite": json.dumps(document(value=float("inf"))).encode(),
    "too large to be a number": json.dumps(document()).encode().replace(b"1.5", b"1e999"),
    "an integer too large": json.dumps(document(value=10**400)).encode(),
    "a time too large": json.dumps(document(seen=10**400)).encode(),
    "a time that is NaN": json.dumps(document(seen=float("nan"))).encode(),
    "a time that is true": json.dumps(document(seen=True)).encode(),
    "a time that is a text": json.dumps(document(seen="now")).encode(),
    "a value that is true": json.dumps(document(value=True)).encode(),
    "a value that is null": json.dumps(document(value=None)).encode(),
    "a register that is a text": json.dumps(document(value="HPH")).encode(),
    "a name that is a number": json.dumps(document(metric=NAME[0].metric)).encode(),
    "dimensions are a list": json.dumps(document(dimensions=["HPH"])).encode(),
    "a dimension is missing": json.dumps(document(dimensions={})).encode(),
    "a dimension is a number": json.dumps(document(dimensions={"tariff_period": 1})).encode(),
    "half a character": json.dumps(document(dimensions={"tariff_period": "\ud800"})).encode(),
    "nested without end": b"[" * 100_000,
    "digits without end": json.dumps(document()).encode().replace(b"1.5", b"1" * 5000),
}


@pytest.mark.parametrize("data", [*DAMAGED.values(), huge()], ids=[*DAMAGED, "huge"])
def test_a_file_of_no_use_is_set_aside_and_said_once_and_the_next_save_works(
    path: Path, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    path.write_bytes(data)
    file = StateFile(path)
    assert {} == file.load()
    assert ["the state file is damaged, or of another version: set aside"] == complaints(caplog)
    assert data == path.with_name("state.json.damaged").read_bytes()
    assert {} == file.load()
    assert 1 == len(complaints(caplog))
    file.save(METERS)
    assert METERS == StateFile(path).load()


def test_a_metric_of_another_release_is_left_out_and_the_rest_is_used(path: Path) -> None:
    content = document()
    content["meters"]["shop"]["kept"].append({"metric": "tic_of_tomorrow", "anything": []})
    path.write_text(json.dumps(content), encoding="utf-8")
    assert {"shop": ("0414", {REGISTER: Kept(1.5, 1.0)})} == StateFile(path).load()


# Disks that are of no use


def unreadable(path: Path) -> None:
    """Put a file there that opens, and whose every byte is an input/output error: for root, too."""
    path.symlink_to("/proc/self/mem")


def test_a_file_that_cannot_be_read_is_set_aside_and_said_once_and_the_next_save_works(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unreadable(path)
    file = StateFile(path)
    assert {} == file.load()
    assert ["the state file cannot be read: set aside"] == complaints(caplog)
    aside = path.with_name("state.json.unreadable")
    assert str(aside) == caplog.records[-1].__dict__["aside"]
    file.save(METERS)
    assert (1, 0) == (file.saves, file.failures)
    assert METERS == StateFile(path).load()
    assert aside.is_symlink()
    assert 1 == len(complaints(caplog))


@pytest.mark.parametrize("how", ["cannot be read", "is damaged", "is a folder", "is in a folder that is a file"])
def test_a_file_that_cannot_be_set_aside_is_never_written_over_and_each_refusal_counts_as_a_failure(
    path: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    for name in ("state.json.unreadable", "state.json.damaged"):
        path.with_name(name).mkdir()
    if how == "is a folder":
        path.with_name("state.json.unreadable").rmdir()  # somebody's folder is not moved, although it could be
        path.mkdir()
    elif how == "is in a folder that is a file":
        path.write_bytes(b"")
        path = path / "state.json"
    elif how == "cannot be read":
        unreadable(path)
    else:
        path.write_bytes(b"{")
    before = listed(path.parent)
    file = StateFile(path)
    assert {} == file.load()
    (said,) = complaints(caplog)
    assert said.endswith("left as it is, and nothing is saved")
    assert "" != caplog.records[-1].__dict__["not_moved"]
    for number in range(1, 4):
        file.save(METERS)
        assert (number, number) == (file.saves, file.failures)
    assert before == listed(path.parent)
    assert 1 == len(complaints(caplog))


def listed(folder: Path) -> list[tuple[str, int]]:
    """What stands in a folder, if it is one."""
    return sorted((entry.name, entry.lstat().st_ino) for entry in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("broken", ["folder is a file", "path is a folder", "disk is full", "fsync fails"])
def test_a_save_that_fails_is_counted_and_said_once_and_the_next_one_is_tried(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    temporary = path.with_name("state.json.new")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    if broken == "folder is a file":
        path = path.parent / "file" / "state.json"
        path.parent.write_bytes(b"")
    elif broken == "path is a folder":
        path.mkdir()
    elif broken == "disk is full":
        temporary.symlink_to("/dev/full")
    else:
        monkeypatch.setattr(os, "fsync", fail)
    file = StateFile(path)
    for number in range(1, 4):
        file.save(METERS)
        assert (number, number) == (file.saves, file.failures)
    assert ["the state file cannot be saved"] == complaints(caplog)
    monkeypatch.undo()
    temporary.unlink(missing_ok=True)
    if path.parent.is_file():
        path.parent.unlink()
    if path.is_dir():
        path.rmdir()
    file.save(METERS)
    assert (4, 3) == (file.saves, file.failures)
    assert METERS == StateFile(path).load()


def test_a_full_disk_leaves_the_file_as_it_was(path: Path) -> None:
    StateFile(path).save(METERS)
    path.with_name("state.json.new").symlink_to("/dev/full")
    StateFile(path).save({})
    assert METERS == StateFile(path).load()
