"""The running exporter: its configuration, its signals, what it tells systemd, how it ends."""

from __future__ import annotations

import dataclasses
import http.client
import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from helpers import free_port, run_exporter, wait_until
from helpers.lines import HISTORIC_ID, LINKY_HISTORIC, PME_PMI, Peer, frame, open_descriptors
from tic_exporter.building import meter_options, port_settings
from tic_exporter.config import Config, ConfigError, MeterConfig, Problem, SerialSettings, WebConfig
from tic_exporter.config.paths import OWN_PATHS, parse_telemetry_path
from tic_exporter.known import Kept
from tic_exporter.reader import Reader
from tic_exporter.service import Service
from tic_exporter.sources import PortSettings
from tic_exporter.state import StateFile
from tic_exporter.tic import quantities as q
from tic_exporter.tic.families import FAMILIES
from tic_exporter.tic.parity import Parity
from tic_exporter.web.api import METERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from helpers.exporter import StartExporter

SECONDS = 20.0
HISTORIC = frame(LINKY_HISTORIC)
WEB = WebConfig(listen_addresses=("127.0.0.1:0",))
NOWHERE = "/nowhere/at/all"


def get(service: Service, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(*service.addresses[0], timeout=SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def config(*meters: MeterConfig, state_file: Path | None = None, save_interval: float = 600.0) -> Config:
    return Config(meters, str(state_file) if state_file else None, save_interval, WEB)


@contextmanager
def serving(load: Callable[[], Config]) -> Iterator[Service]:
    """A service in this process; it leaves no thread and no descriptor behind."""
    threads, descriptors = threading.active_count(), open_descriptors()
    service = Service(load)
    try:
        service.start()
        yield service
    finally:
        service.stop()
    wait_until(lambda: threading.active_count() <= threads, SECONDS)
    wait_until(lambda: open_descriptors() <= descriptors, SECONDS)


@pytest.fixture(autouse=True)
def _limits_and_signals_are_put_back() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


# In this process


def test_a_service_answers_with_all_meters_with_one_or_with_404() -> None:
    meters = (MeterConfig("a", NOWHERE), MeterConfig("é b", f"{NOWHERE}2"))
    with serving(lambda: config(*meters)) as service:
        status, everything = get(service, "/metrics")
        assert 200 == status
        for text in ('tic_up{meter="a"} 0.0', 'tic_up{meter="é b"} 0.0', "tic_exporter_build_info{", "process_cpu"):
            assert text in everything
        status, one = get(service, f"/metrics?meter={quote('é b')}")
        assert (200, True) == (status, 'tic_up{meter="é b"} 0.0' in one)
        assert 'meter="a"' not in one
        assert "tic_exporter_" not in one
        assert 404 == get(service, "/metrics?meter=c")[0]
        assert (200, "Ready\n") == get(service, "/-/ready")
        assert ["a", "é b"] == [group["labels"]["__param_meter"] for group in json.loads(get(service, "/sd")[1])]


def test_every_reason_and_state_and_the_exporters_own_metrics_are_there_at_0_before_any_byte() -> None:
    with serving(lambda: config(MeterConfig("a", NOWHERE))) as service:
        text = get(service, "/metrics")[1]
        for reason in ("checksum", "malformed", "invalid_value", "missing_context", "truncated", "oversized", "parity"):
            assert f'tic_invalid_frames_total{{meter="a",reason="{reason}"}} 0.0' in text
        for reason in ("register_fell", "register_jumped", "meter_id_unconfirmed"):
            assert f'tic_rejected_readings_total{{meter="a",reason="{reason}"}} 0.0' in text
        assert "tic_exporter_config_last_reload_successful 1.0" in text
        assert "tic_exporter_state_saves_total 0.0" in text
        assert "tic_exporter_state_save_failures_total 0.0" in text
        assert "_created" not in text


def test_a_service_that_cannot_start_leaves_nothing_behind() -> None:
    before = open_descriptors()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = f"127.0.0.1:{listener.getsockname()[1]}"
        web = WebConfig(listen_addresses=(f"127.0.0.1:{free_port()}", taken))
        service = Service(lambda: Config((MeterConfig("a", NOWHERE),), web=web))
        with pytest.raises(OSError, match="in use"):
            service.start()
        assert 0 == service.stop()
    wait_until(lambda: open_descriptors() <= before, SECONDS)


def test_addresses_are_read_before_anything_starts() -> None:
    web = WebConfig(listen_addresses=("127.0.0.1:0", "nonsense"), config_file="/nowhere/web.yml")
    service = Service(lambda: Config((MeterConfig("a", NOWHERE),), web=web))
    with pytest.raises(ValueError, match=r'expected an address .*, not "nonsense"'):
        service.start()
    assert [] == service.addresses
    assert 0 == service.stop()


def test_every_path_that_is_answered_is_told_from_one_for_the_metrics() -> None:
    web = dataclasses.replace(WEB, compatibility="api_compteur_tic")
    with serving(lambda: Config((MeterConfig("a", NOWHERE),), web=web)) as service:
        for path in OWN_PATHS:
            assert 404 != get(service, {"/static/": "/static/page.css", f"{METERS}/": f"{METERS}/a"}.get(path, path))[0]
        routed = service._routes(service._config) | service._page(service._config)
    for path in routed.keys() - {"/"}:  # the status page gives way
        with pytest.raises(ValueError, match="is the exporter's own"):
            parse_telemetry_path(path)


@pytest.mark.parametrize(("granted", "is_told"), [(100, True), (1000, False)])
def test_too_few_descriptors_for_the_meters_are_told_at_the_start(
    granted: int, *, is_told: bool, tmp_path: Path
) -> None:
    meters = "".join(f"  - {{name: m{number}, port: socket://127.0.0.1:{number}}}\n" for number in range(1, 101))
    file = tmp_path / "tic_exporter.yml"
    file.write_text(f"meters:\n{meters}", encoding="utf-8")
    command = [sys.executable, "-m", "tic_exporter", f"--config.file={file}", "--web.listen-address=127.0.0.1:0"]
    limited = ["sh", "-c", f'ulimit -n {granted}; exec "$@"', "sh", *command]
    with subprocess.Popen(limited, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        while "listening" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.terminate()
    assert is_told == ("too few descriptors" in said)
    assert is_told == ("needed=170" in said)


def test_the_process_may_open_as_many_descriptors_as_the_system_grants() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    with serving(lambda: config(MeterConfig("a", NOWHERE))):
        assert (hard, hard) == resource.getrlimit(resource.RLIMIT_NOFILE)


def test_a_reload_adds_removes_and_changes_meters_and_those_that_stay_do_not_notice() -> None:
    with Peer() as stays, Peer() as changes:
        before = (MeterConfig("stays", stays.url), MeterConfig("changes", changes.url), MeterConfig("goes", NOWHERE))
        after = (
            MeterConfig("comes", f"{NOWHERE}2"),
            MeterConfig("stays", stays.url),
            MeterConfig("changes", changes.url, stale_after=5.0),
        )
        configs = [config(*before), config(*after)]
        with serving(lambda: configs.pop(0)) as service:
            stays.accept()
            changes.accept()
            stays.write(HISTORIC * 3)
            wait_until(lambda: 'tic_frames_total{meter="stays"} 3.0' in get(service, "/metrics")[1], SECONDS)
            service.reload()
            text = get(service, "/metrics")[1]
            names = [line.split('"')[1] for line in text.splitlines() if line.startswith("tic_up{")]
            assert ["comes", "stays", "changes"] == names
            assert 'tic_stale_after_seconds{meter="changes"} 5.0' in text
            assert 'tic_frames_total{meter="stays"} 3.0' in text
            assert 404 == get(service, "/metrics?meter=goes")[0]
            changes.accept()
            changes.write(HISTORIC)
            stays.write(HISTORIC)
            wait_until(lambda: 'tic_frames_total{meter="changes"} 1.0' in get(service, "/metrics")[1], SECONDS)
            wait_until(lambda: 'tic_frames_total{meter="stays"} 4.0' in get(service, "/metrics")[1], SECONDS)
            assert 'tic_connections_total{meter="stays"} 1.0' in get(service, "/metrics")[1]
            stays.hang_up()
            changes.hang_up()


def test_a_changed_meter_keeps_the_registers_of_other_tariff_periods() -> None:
    winter, summer = winter_and_summer()
    with Peer() as peer:
        configs = [config(MeterConfig("shop", peer.url)), config(MeterConfig("shop", peer.url, stale_after=50))]
        with serving(lambda: configs.pop(0)) as service:
            peer.accept()
            peer.write(winter * 3 + summer * 3)
            wait_until(lambda: 'tariff_period="HPE"} 1.8e' in registers(get(service, "/metrics")[1]), SECONDS)
            service.reload()
            peer.accept()
            peer.write(summer * 3)
            wait_until(lambda: 'tariff_period="HPE"} 1.8e' in registers(get(service, "/metrics")[1]), SECONDS)
            assert 'tariff_period="HPH"} 1.08e+10' in registers(get(service, "/metrics")[1])
            peer.hang_up()


def test_a_meter_that_is_taken_out_and_put_back_keeps_the_registers_of_other_tariff_periods(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    winter, summer = winter_and_summer()
    with Peer() as peer:
        shop, other = MeterConfig("shop", peer.url), MeterConfig("other", NOWHERE)
        configs = [config(*meters, state_file=path) for meters in ((shop, other), (other,), (other, shop))]
        with serving(lambda: configs.pop(0)) as service:
            peer.accept()
            peer.write(winter * 3 + summer * 3)
            wait_until(lambda: 'tariff_period="HPE"} 1.8e' in registers(get(service, "/metrics")[1]), SECONDS)
            service.reload()
            service.save()
            assert ["shop"] == list(json.loads(path.read_bytes())["meters"])
            service.reload()
            peer.accept()
            peer.write(summer * 3)
            wait_until(lambda: 'tariff_period="HPE"} 1.8e' in registers(get(service, "/metrics")[1]), SECONDS)
            assert 'tariff_period="HPH"} 1.08e+10' in registers(get(service, "/metrics")[1])
            peer.hang_up()


def saved_state(path: Path, *names: str) -> bytes:
    """Write a state as an earlier process left it, of meters that nobody has heard since."""
    key = (q.ACTIVE_ENERGY_IMPORT, (("tariff_period", "HPH"),))
    StateFile(path).save({name: ("041436028024", {key: Kept(1.0, 1_784_000_000.0)}) for name in names})
    return path.read_bytes()


def test_what_was_saved_of_meters_that_are_not_configured_is_written_back_and_not_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    before = saved_state(path, "here", "attic", "cellar")
    with serving(lambda: config(MeterConfig("here", NOWHERE), state_file=path)) as service:
        service.save()
        assert "tic_exporter_state_saves_total 0.0" in get(service, "/metrics")[1]
    assert before == path.read_bytes()
    with serving(lambda: config(MeterConfig("cellar", NOWHERE), state_file=path)):
        pass
    assert ["cellar", "here", "attic"] == list(json.loads(path.read_bytes())["meters"])


@pytest.mark.parametrize("obstacle", ["an address in use", "a time zone that the system does not know"])
def test_a_start_that_fails_leaves_the_saved_state_as_it_was(tmp_path: Path, obstacle: str) -> None:
    path = tmp_path / "state.json"
    before = saved_state(path, "here", "attic")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if obstacle == "an address in use":
            wanted = config(MeterConfig("here", NOWHERE), state_file=path)
            web = WebConfig(listen_addresses=(f"127.0.0.1:{listener.getsockname()[1]}",))
            wanted = dataclasses.replace(wanted, web=web)
        else:
            wanted = config(MeterConfig("here", NOWHERE, timezone="Europe/Nowhere"), state_file=path)
        service = Service(lambda: wanted)
        with pytest.raises((OSError, ValueError)):
            service.start()
        assert 0 == service.stop()
    assert before == path.read_bytes()


def winter_and_summer() -> tuple[bytes, bytes]:
    """A frame of a PME-PMI in HPH at 3000 kWh, and one in HPE at 5000 kWh."""
    return frame(PME_PMI, "PTCOUR1 HPH", "EAP_s 3000kWh"), frame(PME_PMI)


def registers(text: str) -> str:
    name = "tic_active_energy_import_joules_total{"
    return "\n".join(line for line in text.splitlines() if line.startswith(name))


def test_a_bad_configuration_changes_nothing_and_shows_in_a_metric_until_a_good_one_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = config(MeterConfig("a", NOWHERE))
    bad = ConfigError([Problem("tic.yml", 3, 1, "meters[0].prot", "unknown key")])
    results: list[Config | ConfigError] = [good, bad, good]

    def load() -> Config:
        result = results.pop(0)
        if isinstance(result, ConfigError):
            raise result
        return result

    with serving(load) as service:
        first = value(get(service, "/metrics")[1], "tic_exporter_config_last_reload_success_timestamp_seconds")
        assert abs(first - time.time()) < 60
        service.reload()
        text = get(service, "/metrics")[1]
        assert "tic_exporter_config_last_reload_successful 0.0" in text
        assert first == value(text, "tic_exporter_config_last_reload_success_timestamp_seconds")
        assert 'tic_up{meter="a"} 0.0' in text
        said = [record.__dict__["problems"] for record in caplog.records if record.msg.startswith("the configuration")]
        assert ["tic.yml:3:1: meters[0].prot: unknown key"] == said
        service.reload()
        text = get(service, "/metrics")[1]
        assert "tic_exporter_config_last_reload_successful 1.0" in text
        assert first <= value(text, "tic_exporter_config_last_reload_success_timestamp_seconds")


def value(text: str, name: str) -> float:
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


def test_what_a_reload_cannot_change_is_said(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    configs = [config(MeterConfig("a", NOWHERE)), config(MeterConfig("a", NOWHERE), state_file=tmp_path / "state")]
    with serving(lambda: configs.pop(0)) as service:
        service.reload()
    late = [vars(record)["keys"] for record in caplog.records if "at the next start" in record.message]
    assert ["state_file"] == late


def test_the_state_is_saved_at_its_interval_and_at_the_end_and_only_if_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    winter, summer = winter_and_summer()
    with Peer() as peer:
        shop = config(MeterConfig("shop", peer.url), state_file=path, save_interval=0.2)
        service = Service(lambda: shop)
        service.heed_signals()
        service.start()
        status: list[int] = []

        def talk() -> None:
            try:
                peer.accept()
                peer.write(winter * 3 + summer * 3)
                wait_until(path.exists, SECONDS)
                wait_until(lambda: json.loads(path.read_bytes())["meters"], SECONDS)
                saves = value(get(service, "/metrics")[1], "tic_exporter_state_saves_total")
                os.kill(os.getpid(), signal.SIGHUP)
                wait_until(lambda: value(get(service, "/metrics")[1], "tic_exporter_config_last_reload_successful"), 5)
                assert value(get(service, "/metrics")[1], "tic_exporter_state_saves_total") <= saves + 1
                status.append(0)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=talk)
        thread.start()
        assert 0 == service.run()
        thread.join()
        assert [0] == status
    ((name, saved),) = json.loads(path.read_bytes())["meters"].items()
    assert ("shop", "041436028024") == (name, saved["meter_id"])
    assert {"HPH", "HPE"} <= {entry["dimensions"].get("tariff_period") for entry in saved["kept"]}


def test_a_state_of_another_meter_is_left_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "state.json"
    winter, summer = winter_and_summer()
    with Peer() as peer:
        shop = config(MeterConfig("shop", peer.url), state_file=path)
        with serving(lambda: shop) as service:
            peer.accept()
            peer.write(winter * 3 + summer * 3)
            wait_until(lambda: 'period="HPE"' in registers(get(service, "/metrics")[1]), SECONDS)
            peer.hang_up()
        with serving(lambda: shop) as service:
            peer.accept()
            peer.write(frame(PME_PMI, "ADS 041436999999", "EAP_s 12kWh") * 3)
            wait_until(lambda: "041436999999" in registers(get(service, "/metrics")[1]), SECONDS)
            assert "HPH" not in registers(get(service, "/metrics")[1])
            peer.hang_up()
    assert "saved state is of another meter, and left aside" in caplog.messages


@pytest.mark.parametrize("content", [b"{", b"\xff" * 100])
def test_a_damaged_state_is_no_reason_not_to_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with serving(lambda: config(MeterConfig("a", NOWHERE), state_file=path)) as service:
        assert 200 == get(service, "/metrics")[0]
    assert content == path.with_name("state.json.damaged").read_bytes()


def test_a_state_that_cannot_be_saved_is_counted_and_is_no_reason_not_to_run(tmp_path: Path) -> None:
    path = tmp_path / "file" / "state.json"
    path.parent.write_bytes(b"")
    with serving(lambda: config(MeterConfig("a", NOWHERE), state_file=path)) as service:
        service.save()
        text = get(service, "/metrics")[1]
        assert "tic_exporter_state_saves_total 1.0" in text
        assert "tic_exporter_state_save_failures_total 1.0" in text


def test_a_serial_thread_that_dies_ends_the_service_with_status_1_and_its_traceback(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug in the loop")

    service = Service(lambda: config(MeterConfig("a", NOWHERE)))
    service.start()
    assert (200, "Ready\n") == get(service, "/-/ready")
    monkeypatch.setattr(Reader, "_attend", broken)
    assert 1 == service.run()
    (died,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert died.exc_info is not None
    assert "a bug in the loop" == str(died.exc_info[1])
    assert service._failure is not None


def test_a_service_whose_serial_thread_is_dead_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug in the loop")

    service = Service(lambda: config(MeterConfig("a", NOWHERE)))
    service.start()
    monkeypatch.setattr(Reader, "_attend", broken)
    wait_until(lambda: get(service, "/-/ready")[0] == 503, SECONDS)
    assert 1 == service.stop()


def test_systemd_hears_ready_reloading_the_watchdog_and_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(SECONDS)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        with serving(lambda: config(MeterConfig("a", NOWHERE))) as service:
            heard = {systemd.recv(100), systemd.recv(100), systemd.recv(100)}
            assert {b"READY=1", b"WATCHDOG=1"} == heard
            service.reload()
            said = [systemd.recv(100) for _ in range(3)]
            reloading = next(message for message in said if message.startswith(b"RELOADING=1\nMONOTONIC_USEC="))
            assert reloading.rpartition(b"=")[2].isdigit()
        said = []
        while not said or said[-1] != b"STOPPING=1":
            said.append(systemd.recv(100))


# From the configuration to the parts


def test_every_setting_of_a_meter_reaches_the_part_that_heeds_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    serial = SerialSettings(7, "even", 2.0, xonxoff=True, rtscts=True, dsrdtr=True, timeout=3.0)
    full = MeterConfig(
        "shop", "/dev/ttyUSB0", 1200, "cje", "12", "even", "drop_group", 30.0, "EJP", "Indian/Reunion", True, True,
        loop=True, serial=serial,
    )  # fmt: skip
    options = meter_options(full, live=False)
    assert ("shop", "12", Parity.EVEN, True, 30.0, "EJP", "Indian/Reunion", False, frozenset()) == (
        options.name,
        options.meter_id,
        options.parity,
        options.drop_group,
        options.stale_after,
        options.contract,
        str(options.zone),
        options.live,
        options.hidden,
    )
    assert ["cje"] == [family.name for family in options.families]
    expected = PortSettings("/dev/ttyUSB0", 1200, True, 7, "even", 2.0, True, True, True)
    assert expected == port_settings(full)
    assert "serial.timeout has no effect: the port is read when bytes come" in caplog.messages


def test_by_default_everything_is_detected_and_personal_data_is_hidden() -> None:
    options = meter_options(MeterConfig("shop", "/dev/ttyUSB0"))
    assert (None, FAMILIES, None, False, 60.0, "Europe/Paris", True) == (
        options.meter_id,
        options.families,
        options.parity,
        options.drop_group,
        options.stale_after,
        str(options.zone),
        options.live,
    )
    assert {q.METERING_POINT, q.MESSAGE, q.SHORT_MESSAGE} == options.hidden
    assert PortSettings("/dev/ttyUSB0") == port_settings(MeterConfig("shop", "/dev/ttyUSB0"))
    assert Parity.NONE is meter_options(MeterConfig("shop", "x", parity="none")).parity


# As a process of its own


def start(exporter: StartExporter, path: Path, *meters: str, extra: str = "", env: dict[str, str] | None = None):  # type: ignore[no-untyped-def]  # noqa: ANN201
    write(path, *meters, extra=extra)
    return exporter([f"--config.file={path}"], env)


def write(path: Path, *meters: str, extra: str = "") -> None:
    path.write_text(f"meters:\n{''.join(f'  - {meter}{chr(10)}' for meter in meters)}{extra}", encoding="utf-8")


@pytest.mark.real
def test_sighup_reads_the_file_again_a_bad_one_changes_nothing_and_sigterm_ends_with_0(
    exporter: StartExporter, tmp_path: Path
) -> None:
    path = tmp_path / "tic.yml"
    first = f"{{name: first, port: {tmp_path}/ttyUSB0}}"
    running = start(exporter, path, first)

    def metrics() -> str:
        body: bytes = running.get("/metrics").body
        return body.decode()

    def hang_up() -> None:
        running.process.send_signal(signal.SIGHUP)

    assert 'tic_up{meter="first"} 0.0' in metrics()
    write(path, first, f"{{name: second, port: {tmp_path}/ttyUSB1}}")
    hang_up()
    wait_until(lambda: 'tic_up{meter="second"} 0.0' in metrics(), SECONDS)
    path.write_text("meters: no\n", encoding="utf-8")
    hang_up()
    wait_until(lambda: "tic_exporter_config_last_reload_successful 0.0" in metrics(), SECONDS)
    assert 'tic_up{meter="second"} 0.0' in metrics()
    path.unlink()
    hang_up()
    wait_until(lambda: "cannot be read" in running.log(), SECONDS)
    write(path, first)
    hang_up()
    wait_until(lambda: 'meter="second"' not in metrics(), SECONDS)
    assert "tic_exporter_config_last_reload_successful 1.0" in metrics()
    assert 0 == running.stop()
    assert "Traceback" not in running.log()


@pytest.mark.real
def test_a_file_found_by_its_default_name_that_vanishes_does_not_end_the_process(
    exporter: StartExporter, tmp_path: Path
) -> None:
    path = tmp_path / "tic_exporter.yml"
    write(path, f"{{name: first, port: {tmp_path}/ttyUSB0}}")
    running = exporter([], cwd=tmp_path, env={"PYTHONPATH": os.getcwd()})  # noqa: PTH109
    path.unlink()
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "cannot be read" in running.log(), SECONDS)
    assert 200 == running.get("/metrics").status
    assert 0 == running.stop()


@pytest.mark.real
def test_a_storm_of_signals_neither_stops_nor_kills_the_process(exporter: StartExporter, tmp_path: Path) -> None:
    running = start(exporter, tmp_path / "tic.yml", f"{{name: first, port: {tmp_path}/ttyUSB0}}")
    for _ in range(2000):
        running.process.send_signal(signal.SIGHUP)
        time.sleep(0.0002)
    assert 200 == running.get("/metrics").status
    assert 0 == running.stop(signal.SIGINT)


@pytest.mark.real
def test_the_winter_registers_of_a_pme_pmi_survive_a_restart_of_the_process(
    exporter: StartExporter, tmp_path: Path
) -> None:
    winter, summer = winter_and_summer()
    state_file = tmp_path / "state.json"
    with Peer() as peer:
        shop, extra = f"{{name: shop, port: '{peer.url}'}}", f"state_file: {state_file}\n"
        running = start(exporter, tmp_path / "tic.yml", shop, extra=extra)
        peer.accept()
        peer.write(winter * 3 + summer * 3)
        wait_until(lambda: b'tariff_period="HPE"} 1.8e+10' in running.get("/metrics").body, SECONDS)
        seen = last_seen(running.get("/metrics").body.decode())
        assert 0 == running.stop()
        again = start(exporter, tmp_path / "tic.yml", shop, extra=extra)
        peer.accept()
        peer.write(summer * 2)
        time.sleep(0.2)
        assert "" == registers(again.get("/metrics").body.decode())  # the id is not confirmed yet
        peer.write(summer)
        wait_until(lambda: b'tariff_period="HPE"} 1.8e+10' in again.get("/metrics").body, SECONDS)
        text = again.get("/metrics").body.decode()
        assert 'tariff_period="HPH"} 1.08e+10' in registers(text)
        assert abs(seen - last_seen(text)) <= 1
        assert (
            'tic_max_apparent_demand_import_voltamperes{meter="shop",meter_id="041436028024",tariff_period="HPH"'
            in text
        )
        assert 0 == again.stop()


@pytest.mark.real
def test_registers_survive_a_meter_that_is_taken_out_a_restart_a_start_that_fails_and_the_way_back(
    exporter: StartExporter, tmp_path: Path
) -> None:
    winter, summer = winter_and_summer()
    path, extra = tmp_path / "tic.yml", f"state_file: {tmp_path / 'state.json'}\n"
    other = f"{{name: other, port: {tmp_path}/ttyUSB0}}"

    def reload(*meters: str, shown: bytes) -> None:
        write(path, *meters, extra=extra)
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: shown in running.get("/metrics").body, SECONDS)

    with Peer() as peer:
        shop = f"{{name: shop, port: '{peer.url}'}}"
        running = start(exporter, path, shop, extra=extra)
        peer.accept()
        peer.write(winter * 3 + summer * 3)
        wait_until(lambda: b'tariff_period="HPE"} 1.8e+10' in running.get("/metrics").body, SECONDS)
        reload(other, shown=b'tic_up{meter="other"}')
        wait_until(lambda: b'meter="shop"' not in running.get("/metrics").body, SECONDS)
        assert 0 == running.stop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            done = run_exporter(f"--config.file={path}", f"--web.listen-address=:{listener.getsockname()[1]}")
        assert 1 == done.returncode
        running = start(exporter, path, other, extra=extra)
        reload(other, shop, shown=b'tic_up{meter="shop"}')
        peer.accept()
        peer.write(summer * 3)
        wait_until(lambda: b'tariff_period="HPE"} 1.8e+10' in running.get("/metrics").body, SECONDS)
        assert 'tariff_period="HPH"} 1.08e+10' in registers(running.get("/metrics").body.decode())
        assert 0 == running.stop()


def last_seen(text: str) -> float:
    name = "tic_register_last_seen_timestamp_seconds{"
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name) and '"HPH"' in line)


@pytest.mark.real
def test_without_a_state_file_this_is_said(exporter: StartExporter, tmp_path: Path) -> None:
    running = exporter([f"--meter.port={tmp_path}/ttyUSB0", "--log.format=json"])
    wait_until(lambda: '"WARN"' in running.log(), 10)
    said = [json.loads(line) for line in running.log().splitlines()]
    assert any("no state file" in record["msg"] for record in said)
    warned = [record for record in said if record["level"] == "WARN"]
    assert [f"{tmp_path}/ttyUSB0"] == [record["port"] for record in warned]
    assert HISTORIC_ID not in running.log()
