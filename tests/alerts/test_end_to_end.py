"""From the wire to the notification: simulated meters, the exporter, Prometheus, Alertmanager and whoever is told.

The rule files and the Alertmanager's configuration are those that users load, in a copy whose durations are rewritten
mechanically: every `for` and `keep_firing_for` becomes two seconds, every range ten, every interval and group wait one.
Waiting for five minutes, an hour or a day is what promtool is for: alerts/tests proves the real durations. Expressions,
thresholds, labels, texts, routes and inhibitions are as they are.
"""

from __future__ import annotations

import json
import re
import signal
import threading
from contextlib import ExitStack
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
import yaml

from helpers import Exporter, free_port, wait_until
from helpers.alertmanager import Alertmanager
from helpers.rules import ALERTS, NIGHT, RECORDING, ROOT, alerts
from tic_exporter.simulator import SimulatedMeter, damage, serve_pty, serve_tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from helpers.prometheus import StartPrometheus

TIMEOUT = 40
NEW_ID = "041961654321"


class Expected(NamedTuple):
    """A notification that has to arrive: to whom, about what, and words of its description."""

    receiver: str
    alert: str
    meter: str
    words: str
    labels: tuple[tuple[str, str], ...] = ()


EXPECTED = [
    Expected("page", "TicSubscribedPowerExceeded", "overloaded", r"draws 1[12]\d\.?\d*% of the subscribed power"),
    Expected(
        "page", "TicMeterDisconnected", "unplugged", "is closed and cannot be opened again", (("state", "closed"),)
    ),
    Expected("page", "TicMeterMute", "silent", "is open, and not one character comes", (("state", "mute"),)),
    Expected("page", "TicMeterNoisy", "noisy", "every frame is damaged", (("state", "noise"),)),
    Expected("page", "TicOvervoltage", "overvoltage", "reports an overvoltage on a phase"),
    Expected("page", "TicDisconnectorOpen", "open", "in the state open_overload:", (("state", "open_overload"),)),
    Expected("chat", "TicTerminalCoverOpen", "cover", "terminal cover of meter cover .* is open"),
    Expected("digest", "TicMeterReplaced", "swapped", rf"2 meters were seen as swapped .* now it is {NEW_ID}\."),
    Expected("household", "TicTempoRedTomorrow", "tempo", "from 06:00 to 22:00", (("color", "red"),)),
]
# Alerts about readings, whose labels say the id of the meter.
WITH_ID = {"TicSubscribedPowerExceeded", "TicOvervoltage", "TicDisconnectorOpen", "TicTerminalCoverOpen",
           "TicMeterReplaced", "TicTempoRedTomorrow"}  # fmt: skip


class Notice(NamedTuple):
    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Phone:
    """Whoever is told: keeps all that the Alertmanager posts; the path names the receiver."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        phone = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                phone.notices += [
                    Notice(self.path.strip("/"), alert["status"], alert["labels"], alert["annotations"])
                    for alert in body["alerts"]
                ]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def find(self, status: str, alert: str, meter: str = "") -> list[Notice]:
        return [
            notice
            for notice in list(self.notices)
            if (notice.status, notice.labels["alertname"], notice.labels.get("meter", "")) == (status, alert, meter)
        ]

    def wait_for(self, status: str, alert: str, meter: str, said: Callable[[], str]) -> Notice:
        def message() -> str:
            heard = sorted({(n.status, n.labels["alertname"], n.labels.get("meter", "")) for n in self.notices})
            return f"no notification: {alert} {meter} {status}; heard {heard}; {said()}"

        return wait_until(lambda: self.find(status, alert, meter), TIMEOUT, message)[0]


def hasten_rules(text: str) -> str:
    text = re.sub(r"(?m)^( +)(for|keep_firing_for): \w+", r"\1\2: 2s", text)
    text = re.sub(r"\[\w+\]", "[10s]", text)
    text = re.sub(r"\boffset \w+", "offset 10s", text)
    return re.sub(r"(?m)^( +)interval: \w+", r"\1interval: 1s", text)


def hastened_rules(folder: Path, *, night: str) -> list[Path]:
    """Copy the rule files into a folder, hastened; `night` says when it is."""
    copies = []
    for path in (RECORDING, ALERTS):
        copy = folder / path.name
        copy.write_text(hasten_rules(path.read_text(encoding="utf-8")).replace(NIGHT, night), encoding="utf-8")
        copies.append(copy)
    return copies


def hasten_waiting(text: str, url: str) -> str:
    text = re.sub(r"\b(group_wait|group_interval): \w+", r"\1: 1s", text)
    return text.replace("http://127.0.0.1:9095", url)


def test_hastening_changes_durations_and_nothing_else() -> None:
    for path in (ALERTS, RECORDING):
        text = path.read_text(encoding="utf-8")
        durations = r"\b\d+[smhd]\b"
        assert re.sub(durations, "", text) == re.sub(durations, "", hasten_rules(text))
        assert (path is RECORDING) == (NIGHT in hasten_rules(text))
        expressions = [rule for group in yaml.safe_load(hasten_rules(text))["groups"] for rule in group["rules"]]
        assert {"2s"} >= {rule["for"] for rule in expressions if "for" in rule}


@pytest.fixture(name="phone")
def listening_phone() -> Iterator[Phone]:
    phone = Phone()
    yield phone
    phone.close()


class Street:
    """Meters at a port and over TCP, and what can happen to each."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        start = datetime.now(ZoneInfo("Europe/Paris")).replace(tzinfo=None)
        names = ["calm", *(expected.meter for expected in EXPECTED)]
        self.meters = {
            name: SimulatedMeter(
                "linky-standard", seed=seed, start=start, contract="TEMPO" if name == "tempo" else None
            )
            for seed, name in enumerate(names)
        }
        self.meters["tempo"].color_tomorrow = "white"
        self.ids = {name: meter.meter_id for name, meter in self.meters.items()}
        self.port = folder / "ttyUSB0"
        self._stack = stack
        self._noise = 0.0
        random = Random(1)  # noqa: S311 - damage that can be repeated
        self.plug_in()
        others = {name: meter for name, meter in self.meters.items() if name not in {"unplugged", "noisy"}}
        calm = serve_tcp("127.0.0.1", 0, list(others.values()), one_port_each=True)
        noisy = serve_tcp("127.0.0.1", 0, [self.meters["noisy"]], damage=lambda data: damage(data, random, self._noise))
        stack.callback(calm.stop)
        stack.callback(noisy.stop)
        ports = dict(zip((*others, "noisy"), (*calm.ports, *noisy.ports), strict=True))
        settings: list[dict[str, Any]] = [
            {"name": name, "port": f"socket://127.0.0.1:{port}", "stale_after": "4s"} for name, port in ports.items()
        ]
        # The speed is known, so that it is not looked for when the adaptor comes back.
        settings.append({"name": "unplugged", "port": str(self.port), "baud_rate": 9600, "stale_after": "4s"})
        self.config = folder / "tic_exporter.yml"
        self.config.write_text(yaml.safe_dump({"meters": settings}), encoding="utf-8")

    def plug_in(self) -> None:
        self._line = serve_pty(self.meters["unplugged"], link=self.port)
        self._stack.callback(self._line.stop)

    def let_it_happen(self) -> None:
        self.meters["overloaded"].events.overload = True
        self._line.stop()
        self.meters["silent"].events.silent = True
        self._noise = 0.02
        self.meters["overvoltage"].events.voltage = 275
        self.meters["open"].open_disconnector("open_overload")
        self.meters["cover"].events.cover_open = True
        self.meters["swapped"].replace(NEW_ID)
        self.meters["tempo"].color_tomorrow = "red"

    def mend(self) -> None:
        self.meters["overloaded"].events.overload = False
        self.plug_in()
        self.meters["silent"].events.silent = False
        self._noise = 0.0
        self.meters["overvoltage"].events.voltage = 230
        self.meters["open"].open_disconnector("closed")
        self.meters["cover"].events.cover_open = False
        # A meter that was exchanged stays: the alert ends when the day, here ten seconds, is over.
        self.meters["tempo"].color_tomorrow = "white"


@pytest.mark.real
def test_what_happens_at_the_meters_is_told_to_the_right_people_and_so_is_its_end(
    prometheus: StartPrometheus, phone: Phone, tmp_path: Path
) -> None:
    # It is never night: ten seconds of one are not those of the night before, which is what an alert is about.
    copies = hastened_rules(tmp_path, night="hour() < 0")
    told = tmp_path / "alertmanager.yml"
    example = (ROOT / "examples" / "alertmanager.yml").read_text(encoding="utf-8")
    told.write_text(hasten_waiting(example, phone.url), encoding="utf-8")
    runbooks = {rule.alert: rule.annotations["runbook_url"] for rule in alerts()}
    severities = {rule.alert: rule.labels["severity"] for rule in alerts()}

    with ExitStack() as stack:
        street = Street(stack, tmp_path)
        instance = f"127.0.0.1:{free_port()}"
        arguments = [f"--config.file={street.config}", f"--web.listen-address={instance}"]
        exporter = stack.enter_context(Exporter(arguments))
        alertmanager = stack.enter_context(Alertmanager(tmp_path / "alertmanager", told))
        server = prometheus([instance], rule_files=copies, alertmanagers=[alertmanager.address])

        def said() -> str:
            firing = server.query("ALERTS") if exporter.process.poll() is None else []
            return f"firing: {sorted((a['metric']['alertname'], a['metric'].get('meter')) for a in firing)}"

        server.wait_for(f"sum(tic_up) == {len(street.meters)}")

        # It happens.
        street.let_it_happen()
        for expected in EXPECTED:
            notice = phone.wait_for("firing", expected.alert, expected.meter, said)
            meter_id = NEW_ID if expected.meter == "swapped" else street.ids[expected.meter]
            assert expected.receiver == notice.receiver
            assert {
                "alertname": expected.alert,
                "severity": severities[expected.alert],
                "job": "tic",
                "instance": instance,
                "meter": expected.meter,
                **({"meter_id": meter_id} if expected.alert in WITH_ID else {}),
                **dict(expected.labels),
            } == notice.labels
            assert f" {expected.meter}" in notice.annotations["summary"]
            assert re.search(expected.words, notice.annotations["description"]), notice.annotations
            assert runbooks[expected.alert] == notice.annotations["runbook_url"]

        # The mean of the voltage is too high as well, which the overvoltage explains.
        wait_until(
            lambda: [
                alert
                for alert in alertmanager.alerts()
                if alert["labels"]["alertname"] == "TicVoltageHigh" and alert["status"]["state"] == "suppressed"
            ],
            TIMEOUT,
        )
        assert [] == phone.find("firing", "TicVoltageHigh", "overvoltage")

        # It ends.
        street.mend()
        for expected in EXPECTED:
            notice = phone.wait_for("resolved", expected.alert, expected.meter, said)
            assert expected.receiver == notice.receiver

        # Nothing happened there.
        assert [] == [notice for notice in phone.notices if notice.labels.get("meter") == "calm"]

        # The exporter is killed: that is told, and nothing about its meters.
        phone.notices.clear()
        exporter.stop(signal.SIGKILL)
        notice = phone.wait_for("firing", "TicExporterDown", "", said)
        assert (
            "page",
            {"alertname": "TicExporterDown", "severity": "critical", "job": "tic", "instance": instance},
        ) == (
            notice.receiver,
            notice.labels,
        )
        assert instance in notice.annotations["description"]
        assert [] == [other for other in phone.notices if other.status == "firing" and other != notice]

        stack.enter_context(Exporter(arguments))
        phone.wait_for("resolved", "TicExporterDown", "", said)
