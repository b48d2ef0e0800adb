"""The command line, as its users type it."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import termios
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import free_port, promtool_check_metrics, run_exporter, wait_until
from helpers.exporter import COMMAND
from helpers.lines import HISTORIC_ID, LINKY_HISTORIC, LINKY_STANDARD, PME_PMI, Peer, Pty, frame
from tic_exporter import __version__, cli
from tic_exporter.catalogue import as_markdown
from tic_exporter.commands import decode
from tic_exporter.config import Config
from tic_exporter.config.loading import single_meter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HISTORIC = frame(LINKY_HISTORIC)
USAGE_ERROR = 2


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command in this process."""
    try:
        status = cli.main(words)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.fixture(autouse=True)
def _the_root_logger_is_put_back() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "cellar.tic"
    path.write_bytes(HISTORIC * 3)
    return path


# Starting


def test_without_anything_to_read_both_ways_to_start_are_shown(tmp_path: Path) -> None:
    done = run_exporter(cwd=tmp_path)
    assert USAGE_ERROR == done.returncode
    assert b"" == done.stdout
    for way in (b"--meter.port=/dev/ttyUSB0", b"--config.file=tic_exporter.yml", b"tic-exporter demo"):
        assert way in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_port_and_a_configuration_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, said = run(capsys, "--meter.port=/dev/ttyUSB0", "--config.file=tic_exporter.yml")
    assert USAGE_ERROR == status
    assert "not allowed with" in said


@pytest.mark.parametrize(
    "words",
    [
        ["--nonsense"],
        ["nonsense"],
        ["--meter.port"],
        ["--meter.p=/dev/ttyUSB0"],
        ["--log.level=loud", "--meter.port=/dev/ttyUSB0"],
        ["--log.format=xml", "--meter.port=/dev/ttyUSB0"],
        ["--web.listen-address=nonsense", "--meter.port=/dev/ttyUSB0"],
        ["--web.listen-address=127.0.0.1:99999", "--meter.port=/dev/ttyUSB0"],
        ["--web.max-requests=many", "--meter.port=/dev/ttyUSB0"],
        ["--web.max-requests=0", "--meter.port=/dev/ttyUSB0"],
        ["--web.max-requests=-1", "--meter.port=/dev/ttyUSB0"],
        ["decode"],
        ["decode", "--nonsense", "-"],
        ["decode", "--family=nonsense", "-"],
        ["decode", "--baud-rate=0", "-"],
        ["decode", "--baud-rate=-9600", "-"],
        ["decode", "--baud-rate=fast", "-"],
        ["decode", "--timezone=Europe/Nowhere", "-"],
        ["decode", "--timezone=../etc/passwd", "-"],
        ["check-config"],
        ["check-config", "--nonsense"],
        ["metrics", "--nonsense"],
        ["demo", "--web.listen-address=foo"],
        ["demo", "--web.listen-address=127.0.0.1:99999"],
    ],
)
def test_flags_that_are_not_understood_end_with_status_2_and_a_usage(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    status, out, said = run(capsys, *words)
    assert (USAGE_ERROR, "") == (status, out)
    assert said.startswith("usage: tic-exporter")


FLAG_NAMES = [flag for action in cli._serve_parser()._actions for flag in action.option_strings]
FLAG_VALUES = [
    "/dev/ttyUSB0",
    ":1",
    "debug",
    "json",
    "40",
    "10001",
    "0",
    "04",
    "4.0",
    "-1",
    "--",
    "a=b",
    "@file",
    "é",
    "",
    "a b",
]


def told(flags: cli.Flags) -> dict[str, object]:
    names = [action.dest for action in cli._serve_parser()._actions if action.dest not in {"help", "version"}]
    return {name: getattr(flags, name) for name in names}


@given(
    st.lists(
        st.one_of(
            st.sampled_from(FLAG_NAMES + FLAG_VALUES),
            st.builds("{}={}".format, st.sampled_from(FLAG_NAMES), st.sampled_from(FLAG_VALUES)),
        ),
        max_size=4,
    )
)
def test_plain_flags_are_read_as_the_parser_reads_them(words: list[str]) -> None:
    flags = cli._plain(words)
    if flags is not None:
        assert told(cli._serve_parser().parse_args(words, cli.Flags())) == told(flags)


@pytest.mark.parametrize("form", ["{}={}", "{} {}"])
def test_every_flag_of_serving_is_plain_where_its_value_is_right(form: str) -> None:
    values = {"--log.level": "warn", "--log.format": "json", "--web.max-requests": "7", "--web.listen-address": ":1"}
    for action in cli._serve_parser()._actions:
        for flag in action.option_strings:
            words = [flag] if action.nargs == 0 else form.format(flag, values.get(flag, "/x")).split()
            assert (cli._plain(words) is None) == (action.dest in {"help", "version"}), words


def test_a_bad_port_on_the_command_line_is_a_problem_like_one_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, said = run(capsys, "--meter.port=socket://bridge")
    assert USAGE_ERROR == status
    assert said.startswith("command line: port: expected a path such as /dev/ttyUSB0")


@given(st.from_regex(cli._DEVICE, fullmatch=True))
def test_a_device_that_is_not_looked_at_is_what_the_tables_make_of_it(port: str) -> None:
    assert single_meter(port) == cli._single_meter(port)


@pytest.mark.parametrize("way", ["plain", "parser"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("metrics", "expected a path in ASCII that begins with a single / and holds no ?, # or space, such as "),
        ("", "expected a path in ASCII"),
        ("/a b", "expected a path in ASCII"),
        ("/%73d", 'expected a path such as /metrics, not "/%73d": /sd is the exporter\'s own'),
    ],
)
def test_a_path_of_the_metrics_is_checked_like_the_key_of_a_file(
    way: str, path: str, reason: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "parser":
        monkeypatch.setattr(cli, "_plain", lambda _words: None)
    status, out, said = run(capsys, "--meter.port=/dev/ttyUSB0", f"--web.telemetry-path={path}")
    assert (USAGE_ERROR, "") == (status, out)
    assert said.startswith(f"command line: --web.telemetry-path: {reason}")
    assert f'not "{path}"' in said


def test_a_wrong_flag_is_said_together_with_all_that_is_wrong_in_the_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "bad.yml"
    path.write_text("meters: []\nweb: {telemetry_path: /sd}\n", encoding="utf-8")
    status, _, said = run(capsys, f"--config.file={path}", "--web.telemetry-path=/%73d")
    assert USAGE_ERROR == status
    assert [
        f"{path}:1:9: meters: is empty: expected at least one meter",
        f'{path}:2:23: web.telemetry_path: expected a path such as /metrics, not "/sd": /sd is the exporter\'s own',
        'command line: --web.telemetry-path: expected a path such as /metrics, not "/%73d": /sd is the exporter\'s own',
    ] == said.splitlines()


@pytest.mark.parametrize("command", [["--config.file"], ["check-config"]])
def test_all_problems_of_a_configuration_are_said_at_once_without_a_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: list[str]
) -> None:
    path = tmp_path / "bad.yml"
    path.write_text("meters:\n  - name: a\n    prot: /dev/ttyUSB0\n    stale_after: never\nweb: 3\n", encoding="utf-8")
    status, out, said = run(capsys, *command, str(path))
    assert (USAGE_ERROR, "") == (status, out)
    lines = said.splitlines()
    assert 4 == len(lines)
    assert all(line.startswith(f"{path}:") for line in lines)
    assert ["prot", "port", "stale_after", "web"] == [
        word for word in ("prot", "port", "stale_after", "web") if any(word in line for line in lines)
    ]


def test_a_configuration_that_does_not_exist_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, said = run(capsys, "--config.file", str(tmp_path / "none.yml"))
    assert USAGE_ERROR == status
    assert "cannot be read: No such file or directory" in said


@pytest.mark.parametrize(("count", "said"), [(1, "1 meter, "), (2, "2 meters, ")])
def test_check_config_says_how_many_meters_a_good_file_has(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, count: int, said: str
) -> None:
    path = tmp_path / "good.yml"
    meters = "".join(f"  - {{name: m{number}, port: /dev/ttyUSB{number}}}\n" for number in range(count))
    path.write_text(f"meters:\n{meters}", encoding="utf-8")
    assert (0, f"{path}: {said}no problem found\n", "") == run(capsys, "check-config", str(path))


def test_an_address_in_use_is_a_message_and_not_a_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        done = run_exporter(
            f"--meter.port={tmp_path}/none",
            f"--web.listen-address=127.0.0.1:{free_port()}",
            f"--web.listen-address={address}",
        )
    assert 1 == done.returncode
    assert f"tic-exporter: {address}: Address already in use".encode() in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", [[], ["demo"]])
def test_a_host_that_nobody_knows_is_named_without_a_traceback(command: list[str], tmp_path: Path) -> None:
    what = [] if command else [f"--meter.port={tmp_path}/none"]
    done = run_exporter(*command, *what, "--web.listen-address=nobody.invalid:0")
    assert 1 == done.returncode
    assert b"nobody.invalid:0: " in done.stderr
    assert b"Traceback" not in done.stderr


# Small commands


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert (0, f"tic_exporter {__version__}\n", "") == run(capsys, "--version")


@pytest.mark.parametrize("words", [["--help"], ["decode", "--help"], ["metrics", "--help"], ["check-config", "--help"]])
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    status, out, _ = run(capsys, *words)
    assert 0 == status
    assert out.startswith("usage: tic-exporter")


def test_the_reference_of_all_metrics_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert (0, as_markdown(), "") == run(capsys, "metrics")


def test_an_interruption_is_no_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_words: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(cli._COMMANDS, "decode", interrupted)
    assert (130, "", "") == run(capsys, "decode", "-")


def test_a_reader_that_has_seen_enough_ends_the_program_in_silence(tmp_path: Path) -> None:
    long = tmp_path / "long.tic"
    long.write_bytes(HISTORIC * 2000)
    with subprocess.Popen(
        [*COMMAND, "decode", "--format=json", str(long)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline().startswith(b"{")
        program.stdout.close()
        assert 1 == program.wait(30)
        assert b"" == program.stderr.read()


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "tic_exporter", "--version"], capture_output=True, check=True)
    assert f"tic_exporter {__version__}\n".encode() == done.stdout


# decode


def test_decode_shows_people_what_a_recording_says(capsys: pytest.CaptureFixture[str], recording: Path) -> None:
    status, out, said = run(capsys, "decode", str(recording))
    lines = out.splitlines()
    assert (0, "3 valid frames\n") == (status, said)
    assert lines[0].startswith(f"meter {HISTORIC_ID}  port={recording} baud_rate=1200 parity=none framing=plain")
    assert any("1000.000 kWh" in line and "tariff_period=TH" in line for line in lines)
    assert any("0.510 kVA" in line for line in lines)
    assert any("2 A" in line and "phase=1" in line for line in lines)
    assert any(line.endswith("  Whether a critical peak (pointe mobile) is in force") for line in lines)


def test_decode_shows_dates_voltages_and_reactive_energy_to_people(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "shop.tic"
    path.write_bytes(frame(PME_PMI) * 3)
    out = run(capsys, "decode", str(path))[1]
    for text in ("2026-07-14 08:22:00Z", "200.000 kvarh", "-0.39", "5000.000 kWh"):
        assert text in out


def test_decode_gives_one_object_per_frame(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "linky.tic"
    damaged = frame(LINKY_STANDARD).replace(b"SINSTS\t00510", b"SINSTS\t00511")
    path.write_bytes(frame(LINKY_STANDARD) + damaged + b"\x02\x04" + frame(LINKY_STANDARD))
    status, out, said = run(capsys, "decode", "--format=json", str(path))
    frames = [json.loads(line) for line in out.splitlines()]
    assert (0, "2 valid frames, 1 invalid (checksum), 1 interrupted\n") == (status, said)
    assert [True, False, False, True] == [entry["valid"] for entry in frames]
    assert ["complete", "complete", "interrupted", "complete"] == [entry["cut"] for entry in frames]
    first = frames[0]
    assert (HISTORIC_ID, "linky") == (first["meter_id"], first["family"])
    assert {"label": "DATE", "timestamp": "E260714120000", "value": ""} in first["groups"]
    expected = {
        "name": "tic_total_active_energy_import_joules_total",
        "dimensions": {},
        "value": 3.6e9,
        "unit": "joules",
    }
    assert expected in first["readings"]
    assert [{"defect": "checksum", "label": None}] == frames[1]["defects"]
    clock = next(reading for reading in first["readings"] if reading["name"] == "tic_clock_timestamp_seconds")
    assert 1_784_023_200 == clock["value"]


def test_decode_gives_the_exposition_of_the_instant_the_last_frame_ended(
    capsys: pytest.CaptureFixture[str], recording: Path
) -> None:
    status, out, _ = run(capsys, "decode", "--format=prometheus", str(recording))
    assert 0 == status
    assert [] == promtool_check_metrics(out)
    meter = f'meter="cellar",meter_id="{HISTORIC_ID}"'
    assert f'tic_active_energy_import_joules_total{{{meter},tariff_period="TH"}} 3.6e+09' in out
    assert 'tic_up{meter="cellar"} 1.0' in out
    assert 'tic_link_state{meter="cellar",state="ok"} 1.0' in out
    assert 'tic_frames_total{meter="cellar"} 3.0' in out
    assert "_created" not in out


def test_decode_reads_standard_input() -> None:
    done = run_exporter("decode", "-", "--format=prometheus", stdin=HISTORIC)
    assert (0, b"1 valid frame\n") == (done.returncode, done.stderr)
    assert b'tic_up{meter="stdin"} 1.0' in done.stdout


def test_decode_names_the_meter_as_told(capsys: pytest.CaptureFixture[str], recording: Path) -> None:
    out = run(capsys, "decode", "--meter=shop", "--format=prometheus", str(recording))[1]
    assert 'tic_up{meter="shop"} 1.0' in out


def test_decode_reads_a_tcp_stream_until_its_end() -> None:
    with Peer() as peer:
        words = ["decode", "--format=prometheus", "--meter=bridge", peer.url]
        with subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            peer.accept(30)
            peer.write(HISTORIC[:50])
            peer.write(HISTORIC[50:])
            peer.hang_up()
            out, said = program.communicate(timeout=30)
    assert (0, b"1 valid frame\n") == (program.returncode, said)
    assert b'tic_up{meter="bridge"} 1.0' in out


def test_decode_waits_for_what_a_serial_port_says_next() -> None:
    with Pty() as pty:
        words = ["decode", "--format=json", "--baud-rate=1200", pty.path]
        with subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            assert program.stdout is not None
            wait_until(lambda: speed_of(pty) == 1200, 30)
            for _ in range(2):  # it neither ends nor turns in circles while nothing comes
                pty.write(HISTORIC)
                assert json.loads(program.stdout.readline())["valid"]
            pty.hang_up()
            _, said = program.communicate(timeout=30)
    assert said.endswith(b"2 valid frames\n") or b"Input/output error" in said


def speed_of(pty: Pty) -> int:
    return 1200 if termios.tcgetattr(pty.master)[4] == termios.B1200 else 0


def test_decode_finds_the_address_of_a_name_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []
    with Peer() as peer:
        both = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", peer.port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", peer.port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
        chunks = decode._chunks(f"socket://localhost:{peer.port}", None)
        reader = threading.Thread(target=lambda: heard.extend(chunks))
        reader.start()
        peer.accept()
        peer.write(b"abc")
        peer.hang_up()
        reader.join(30)
    assert b"abc" == b"".join(heard)


@pytest.mark.parametrize(
    "source", ["/nowhere/at/all.tic", "/", "/dev/null", "socket://127.0.0.1:1", "socket://bridge:99999"]
)
def test_decode_of_what_cannot_be_read_is_a_message(capsys: pytest.CaptureFixture[str], source: str) -> None:
    status, out, said = run(capsys, "decode", source)
    assert (1, "") == (status, out)
    assert said.startswith("tic-exporter decode: ")


def test_decode_says_when_there_is_no_start_of_frame(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "stripped.tic"
    path.write_bytes(HISTORIC.replace(b"\x02", b"").replace(b"\x03", b""))
    status, out, said = run(capsys, "decode", str(path))
    assert 1 == status
    assert out.startswith("meter not confirmed")
    assert "0 valid frames, no start of frame (STX) in the stream" in said


def test_decode_of_damaged_frames_alone_ends_with_status_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "noise.tic"
    path.write_bytes(HISTORIC.replace(b"PAPP 00510", b"PAPP 00511"))
    assert (1, "0 valid frames, 1 invalid (checksum)\n") == run(capsys, "decode", str(path))[::2]


def test_decode_keeps_personal_data_to_itself_unless_told_otherwise(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "linky.tic"
    path.write_bytes(frame(LINKY_STANDARD) * 3)
    for style in ("text", "prometheus"):
        out = run(capsys, "decode", f"--format={style}", str(path))[1]
        assert "12345678901234" not in out
        assert "MESSAGE" not in out
    flags = ("--expose-metering-point", "--expose-messages")
    out = run(capsys, "decode", *flags, "--format=prometheus", str(path))[1]
    assert 'metering_point="12345678901234"' in out
    assert 'message="PAS DE          MESSAGE"' in out
    named = [
        reading["name"]
        for reading in json.loads(run(capsys, "decode", "--format=json", str(path))[1].split("\n")[0])["readings"]
    ]
    assert "tic_metering_point_info" not in named


def test_decode_may_use_the_good_groups_of_a_damaged_frame(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "noise.tic"
    changed = frame(LINKY_HISTORIC, "PAPP 00920")
    path.write_bytes(HISTORIC + changed.replace(b"IMAX 090", b"IMAX 091"))
    assert "0.510 kVA" in run(capsys, "decode", str(path))[1]
    assert "0.920 kVA" in run(capsys, "decode", "--on-bad-group=drop_group", "--family=linky", str(path))[1]


# Under systemd


def test_the_state_directory_of_systemd_holds_the_state_unless_the_file_or_a_flag_says_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def state_file(*words: str, config: Config) -> str | None:
        return cli._with_flags(config, cli._serve_parser().parse_args(words, cli.Flags())).state_file

    silent, explicit = Config(meters=()), Config(meters=(), state_file="mine.json")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert state_file(config=silent) is None
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/tic_exporter:/var/lib/other")
    assert "/var/lib/tic_exporter/state.json" == state_file(config=silent)
    assert "mine.json" == state_file(config=explicit)
    assert "flag.json" == state_file("--state.file=flag.json", config=explicit)
