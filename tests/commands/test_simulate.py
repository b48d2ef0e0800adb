"""The simulator as a command."""

from __future__ import annotations

import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from helpers import free_port
from tic_exporter.cli import main
from tic_exporter.commands.simulate import EVENT_NAMES, apply_event
from tic_exporter.simulator import KINDS, SimulatedMeter

START = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - legal time, as the simulator takes it
COMMAND = [sys.executable, "-m", "tic_exporter", "simulate"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_any_kind_is_decoded_without_a_defect(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = tmp_path / f"{kind}.tic"

    assert 0 == main(["simulate", kind, "--file", str(recording), "--frames=4", "--start=2026-01-15T12:00:00"])
    assert 0 == main(["decode", str(recording)])
    assert "4 valid frames" == capsys.readouterr().err.strip()


def test_the_same_seed_gives_the_same_file_and_another_seed_another(tmp_path: Path) -> None:
    def made(name: str, seed: int) -> bytes:
        main(
            ["simulate", "--file", str(tmp_path / name), f"--seed={seed}", "--frames=3", "--start=2026-01-15T12:00:00"]
        )
        return (tmp_path / name).read_bytes()

    assert made("a", 1) == made("b", 1)
    assert made("a", 1) != made("c", 2)


def test_noise_damages_the_file_and_events_happen_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noisy = tmp_path / "noisy.tic"
    main(["simulate", "--file", str(noisy), "--noise=0.001", "--frames=20"])
    assert 1 == main(["decode", str(noisy)]) or "invalid" in capsys.readouterr().err

    red = tmp_path / "red.tic"
    main(["simulate", "--contract=TEMPO", "--event=color_tomorrow=red", "--file", str(red), "--frames=3"])
    main(["decode", "--format=prometheus", str(red)])
    assert 'tic_next_day_color{color="red"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--contract=NONE"], "contract 'NONE'"),
        (["--event=nonsense"], "was expected"),
        (["--event=voltage=high"], "high"),
        (["--tcp=nobody.invalid:1"], "simulate: nobody.invalid:1: "),
        (["--tcp=foo"], 'argument --tcp: expected an address such as ":15402"'),
        (["--tcp=127.0.0.1:99999"], 'not "127.0.0.1:99999"'),
        (
            ["--tcp=127.0.0.1:65534", "--count=5"],
            "argument --tcp: expected a PORT up to 65531, so that each of 5 meters",
        ),
        (["--tcp=127.0.0.1:65534", "--count=5"], "has its own, not 65534"),
        (["--tcp=:2", "--count=65535"], "expected a PORT up to 1, "),
        (["--tcp=:1", "--count=99999"], "argument --count: expected a whole number from 1 to 65535"),
        (["--td=7"], "invalid choice: 7 (choose from 5, 10, 15, 20, 30, 60)"),
        (["unheard-of"], "invalid choice"),
    ],
)
def test_a_wrong_word_is_named_and_ends_with_status_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["simulate", *words])
    except SystemExit as end:
        status = int(str(end.code))

    assert 2 == status
    assert said in capsys.readouterr().err


def test_all_kinds_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["simulate", "--kinds"])
    assert list(KINDS) == capsys.readouterr().out.split()


def test_events_switch_and_act_and_their_names_are_all_known() -> None:
    meter = SimulatedMeter("linky-historic", start=START)

    apply_event(meter, "overload")
    assert meter.events.overload
    apply_event(meter, "overload=no")
    assert not meter.events.overload
    apply_event(meter, "voltage=250")
    assert 250.0 == meter.events.voltage
    apply_event(meter, "switch_mode")
    assert "linky-standard" == meter.kind
    apply_event(meter, "replace=021975000001")
    assert "021975000001" == meter.meter_id
    apply_event(meter, "interrupt")
    assert b"\x04" == meter.next_frame()[-1:]
    assert {"silent", "test_mode", "color_tomorrow"} <= set(EVENT_NAMES)


def test_meters_over_tcp_speak_each_at_its_port_and_obey_what_is_typed() -> None:
    port = free_port()
    words = [*COMMAND, "linky-standard", f"--tcp=127.0.0.1:{port}", "--count=2", "--no-parity", "--speed=50"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdin is not None
            process.stdout.readline()
            for each in (port, port + 1):
                with socket.create_connection(("127.0.0.1", each), timeout=10) as line:
                    heard = line.recv(4096)
                    while b"\nADSC\t" not in heard:
                        heard += line.recv(4096)
            process.stdin.write(b"nonsense\n")
            process.stdin.flush()
            assert process.stderr is not None
            assert b"was expected" in process.stderr.readline()
        finally:
            process.terminate()
