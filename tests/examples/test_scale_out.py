"""examples/scale-out: two agents share the meters of two exporters, and each meter is there once."""

from __future__ import annotations

import json
import subprocess
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import yaml

from helpers import wait_until
from helpers.program import Program
from helpers.rules import ALERTS, RECORDING, metric_names, rules
from tic_exporter import catalogue

if TYPE_CHECKING:
    from helpers.exporter import StartExporter

EXAMPLE = Path(__file__).parents[2] / "examples" / "scale-out"
AGENTS = ("agent-0.yml", "agent-1.yml")
MINUTE = 60.0
UP = 'up{job="tic"} == 1'


class PrometheusProgram(Program):
    """A Prometheus with these flags; ready when it says so."""

    def __init__(self, *flags: str) -> None:
        super().__init__(lambda port: ["prometheus", *flags, f"--web.listen-address=127.0.0.1:{port}"])

    def is_ready(self) -> bool:
        return self.get("/-/ready")[0] == 200

    def get(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def query(self, promql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.get(f"/api/v1/query?{urlencode({'query': promql})}")[1])["data"][
            "result"
        ]
        return found


@pytest.mark.parametrize("name", [path.name for path in sorted(EXAMPLE.glob("*.yml"))])
def test_promtool_accepts_each_configuration(name: str) -> None:
    done = subprocess.run(
        ["promtool", "check", "config", "--agent", str(EXAMPLE / name)], capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def test_the_agents_differ_in_their_number_alone() -> None:
    first, second = ((EXAMPLE / name).read_text(encoding="utf-8") for name in AGENTS)
    assert first.replace("0", "1") == second.replace("0", "1")
    regexes = [
        rule["regex"]
        for text in (first, second)
        for rule in yaml.safe_load(text)["scrape_configs"][0]["relabel_configs"]
        if rule.get("action") == "keep"
    ]
    assert ["0", "1"] == regexes


def test_the_exporters_own_scrape_has_what_rules_read_of_them() -> None:
    """Metrics without a meter, which `/metrics?meter=` leaves out: nothing else would bring them."""
    (scrape,) = yaml.safe_load((EXAMPLE / "exporters.yml").read_text(encoding="utf-8"))["scrape_configs"]
    of_exporters = {metric.name for metric in catalogue.EXPORTER_METRICS}
    read = {name for path in (ALERTS, RECORDING) for rule in rules(path) for name in metric_names(rule.expr)}

    assert read & of_exporters
    assert set() == (read & of_exporters) - set(scrape["params"]["name[]"])


@pytest.mark.real
def test_two_agents_share_the_meters_of_two_exporters(exporter: StartExporter, tmp_path: Path) -> None:
    meters = [f"meter {number}" for number in range(24)]
    exporters = []
    for part in range(2):
        file = tmp_path / f"part-{part}.yml"
        listed = [
            {"name": name, "port": f"socket://127.0.0.1:{1 + number}"} for number, name in enumerate(meters[part::2])
        ]
        file.write_text(yaml.safe_dump({"meters": listed}), encoding="utf-8")
        exporters.append(exporter([f"--config.file={file}"]))
    empty = tmp_path / "prometheus.yml"
    empty.write_text("{}", encoding="utf-8")
    with PrometheusProgram(
        f"--config.file={empty}", f"--storage.tsdb.path={tmp_path / 'data'}", "--web.enable-remote-write-receiver"
    ) as store:
        agents = []
        try:
            for name in AGENTS:
                text = (EXAMPLE / name).read_text(encoding="utf-8")
                for written, used in (
                    ("127.0.0.1:15402", exporters[0].address),
                    ("127.0.0.1:15403", exporters[1].address),
                    ("127.0.0.1:8428", store.address),
                    ("scrape_interval: 15s", "scrape_interval: 1s"),
                ):
                    assert written in text
                    text = text.replace(written, used)
                file = tmp_path / name
                file.write_text(text, encoding="utf-8")
                agents.append(
                    PrometheusProgram(
                        "--enable-feature=agent",
                        f"--config.file={file}",
                        f"--storage.agent.path={tmp_path / file.stem}",
                    )
                )
            wait_until(lambda: len(store.query(UP)) >= len(meters), MINUTE, lambda: str(store.query("up")))
            found = store.query(UP)
            assert sorted(meters) == sorted(sample["metric"]["instance"] for sample in found)
            assert {"lyon"} == {sample["metric"]["site"] for sample in found}
            states = store.query('tic_link_state{state="closed"}')
            assert all(sample["metric"]["meter"] == sample["metric"]["instance"] for sample in states)
            counts = [len(json.loads(agent.get("/api/v1/targets")[1])["data"]["activeTargets"]) for agent in agents]
            assert len(meters) == sum(counts)
            assert min(counts) > 0
        finally:
            for agent in agents:
                agent.stop()
