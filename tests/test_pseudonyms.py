"""Pseudonyms: what they look like, which keys are taken, and that the key file protects something."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.exporter import run_exporter
from tic_exporter.commands.pseudonym_key import new_key
from tic_exporter.config import Config, ConfigError
from tic_exporter.meter import Snapshot
from tic_exporter.pseudonyms import LENGTH, SHORTEST_KEY, Pseudonyms, read_key
from tic_exporter.tic import quantities as q
from tic_exporter.tic.families import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"0123456789abcdef" * 4
METER_ID = "041436028024"
PRM = "12345678901234"


def snapshot(meter_id: str = METER_ID) -> Snapshot:
    readings = {
        (q.METERING_POINT, ((q.METERING_POINT.value_dimension, PRM),)): 1.0,
        (q.APPARENT_POWER_IMPORT, ()): 510.0,
    }
    return Snapshot(meter="shop", stale_after=60.0, meter_id=meter_id, readings=readings)


@given(st.text(max_size=40), st.binary(min_size=SHORTEST_KEY, max_size=100))
def test_a_pseudonym_is_of_the_length_of_an_id_and_can_be_none(number: str, key: bytes) -> None:
    names = Pseudonyms(key)

    for name in (names.of_id(number), names.of_metering_point(number)):
        assert LENGTH == 12 == len(name)
        assert re.fullmatch("[pm][a-z2-7]{11}", name)
        assert not any(family.id_form.fullmatch(name) for family in FAMILIES)


def test_a_pseudonym_is_the_beginning_of_an_hmac() -> None:
    digest = hmac.new(KEY, f"p:{METER_ID}".encode(), hashlib.sha256).digest()
    bits = "".join(f"{octet:08b}" for octet in digest)
    expected = "p" + "".join("abcdefghijklmnopqrstuvwxyz234567"[int(bits[at : at + 5], 2)] for at in range(0, 55, 5))

    assert expected == Pseudonyms(KEY).of_id(METER_ID)


def test_pseudonyms_depend_on_number_key_and_kind() -> None:
    names, others = Pseudonyms(KEY), Pseudonyms(KEY + b"x")
    given_names = {
        *(names.of_id(f"{number:012}") for number in range(1000)),
        *(others.of_id(f"{number:012}") for number in range(1000)),
        *(names.of_metering_point(f"{number:012}")[1:] for number in range(1000)),
        *(names.of_id(f"{number:012}")[1:] for number in range(1000)),
    }

    assert 4000 == len(given_names)
    assert names.of_id(METER_ID) == Pseudonyms(KEY).of_id(METER_ID)


def test_a_snapshot_is_shown_with_pseudonyms_and_otherwise_as_it_is() -> None:
    names, known = Pseudonyms(KEY), snapshot()
    shown = names.of(known)

    assert names.of_id(METER_ID) == shown.meter_id
    assert {
        (q.METERING_POINT, ((q.METERING_POINT.value_dimension, names.of_metering_point(PRM)),)): 1.0,
        (q.APPARENT_POWER_IMPORT, ()): 510.0,
    } == shown.readings
    assert known._replace(meter_id=shown.meter_id, readings=shown.readings) == shown
    assert shown is names.of(known)
    assert shown is not names.of(snapshot())


@pytest.mark.parametrize("meter_id", ["", "shop"])
def test_the_name_that_stands_in_for_an_id_is_the_operators_and_stays(meter_id: str) -> None:
    assert meter_id == Pseudonyms(KEY).of(snapshot(meter_id)).meter_id


def test_without_a_key_everything_is_shown_as_it_is() -> None:
    names, known = Pseudonyms.configured(Config(())), snapshot()

    assert (METER_ID, PRM) == (names.of_id(METER_ID), names.of_metering_point(PRM))
    assert known is names.of(known)
    assert not names.are_given


def test_ids_in_log_lines_get_pseudonyms_once_however_many_handlers_there_are() -> None:
    names = Pseudonyms(KEY)
    record = logging.makeLogRecord({"msg": "x", "meter": "shop", "id": METER_ID, "before": "shop", "port": METER_ID})
    for _ in range(2):
        assert names.in_logs(record)

    fields = vars(record)
    assert (names.of_id(METER_ID), "shop", METER_ID) == (fields["id"], fields["before"], fields["port"])


# The key file


def test_the_command_makes_a_key_that_only_its_owner_reads_and_never_overwrites_one(tmp_path: Path) -> None:
    path = tmp_path / "key"
    done = run_exporter("pseudonym-key", "--out", str(path))
    written = path.read_text()

    assert (0, 0o600) == (done.returncode, path.stat().st_mode & 0o777)
    assert re.fullmatch("[0-9a-f]{64}\n", written)
    assert written.strip().encode() == read_key(str(path))
    again = run_exporter("pseudonym-key", "--out", str(path))
    assert (1, True, written) == (again.returncode, b"exists" in again.stderr, path.read_text())
    assert new_key() != new_key()


def test_a_key_of_openssl_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(["openssl", "rand", "-hex", "-out", str(path), "32"], check=True)
    path.chmod(0o640)

    assert 64 == len(read_key(str(path)))


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (
            None,
            0o600,
            "cannot be read: No such file or directory; make one with: tic-exporter pseudonym-key --out FILE",
        ),
        ("", 0o600, "expected a key of at least 32 characters, not 0"),
        (f" {'k' * 31}\n", 0o600, "expected a key of at least 32 characters, not 31"),
        ("k" * 4097, 0o600, "is longer than 4096 bytes: is it a key?"),
        ("k" * 64, 0o604, "everybody may use this key (mode 0604); try: chmod 640 "),
        ("k" * 64, 0o642, "everybody may use this key (mode 0642); try: chmod 640 "),
    ],
)
def test_a_key_that_protects_nothing_is_refused_with_what_to_do(
    content: str | None, mode: int, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        Pseudonyms.configured(Config((), pseudonymise_ids=True, pseudonymise_key_file=str(path)))

    assert str(caught.value).startswith(f"{path}: {reason}")
    assert "k" * 31 not in str(caught.value).replace(str(path), "")


@pytest.mark.parametrize("words", [["check-config", "tic.yml"], ["--config.file=tic.yml"]])
def test_the_program_does_not_start_with_a_key_that_protects_nothing(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "tic.yml").write_text(
        "meters: [{name: a, port: b}]\npseudonymise_ids: true\npseudonymise_key_file: key\n"
    )
    done = run_exporter(*words, cwd=tmp_path)

    assert (2, True) == (done.returncode, done.stderr.startswith(b"key: cannot be read: No such file or directory"))
