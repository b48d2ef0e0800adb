"""The real Prometheus and promtool. scripts/ensure-tools installs them; without them tests fail, on purpose."""

from __future__ import annotations

import json
import subprocess
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import yaml

from helpers.program import Program, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    # What the fixture `prometheus` is: Prometheus(…) without its folder.
    StartPrometheus = Callable[..., "Prometheus"]

JOB = "tic"


class Prometheus(Program):
    """A Prometheus with its configuration and data in `folder`, scraping `targets` ("host:port").

    `scrape` is added to the scrape configuration: metrics_path, scheme, tls_config, http_sd_configs…
    `flags` are those of its command line.
    Prometheus takes up targets five seconds after its start: ask several questions of one instance.
    """

    def __init__(
        self,
        folder: Path,
        targets: Sequence[str],
        *,
        scrape_interval: str = "1s",
        rule_files: Sequence[Path] = (),
        alertmanagers: Sequence[str] = (),
        scrape: Mapping[str, object] | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        self._folder = folder
        self._flags = flags
        folder.mkdir(parents=True, exist_ok=True)
        self.config_file = folder / "prometheus.yml"
        job = {"job_name": JOB, "static_configs": [{"targets": list(targets)}] if targets else [], **(scrape or {})}
        config = {
            "global": {
                "scrape_interval": scrape_interval,
                "scrape_timeout": scrape_interval,
                "evaluation_interval": scrape_interval,
            },
            "rule_files": [str(path.resolve()) for path in rule_files],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
            "scrape_configs": [job],
        }
        self.config_file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        super().__init__(self._command)

    def _command(self, port: int) -> list[str]:
        return [
            "prometheus",
            f"--config.file={self.config_file}",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            "--log.level=warn",
            *self._flags,
        ]

    def is_ready(self) -> bool:
        return self._get("/-/ready")[0] == 200

    def query(self, promql: str) -> list[dict[str, Any]]:
        """An instant vector: [{"metric": {…}, "value": [time, "text"]}, …]."""
        result: list[dict[str, Any]] = self.api("query", query=promql)["result"]
        return result

    def query_range(self, promql: str, start: float, end: float, step: float = 1) -> list[dict[str, Any]]:
        """A matrix: [{"metric": {…}, "values": [[time, "text"], …]}, …]; times are Unix times."""
        result: list[dict[str, Any]] = self.api("query_range", query=promql, start=start, end=end, step=step)["result"]
        return result

    def targets(self) -> list[dict[str, Any]]:
        """The active targets: scrapeUrl, health ("up", "down", "unknown"), lastError, labels…"""
        active: list[dict[str, Any]] = self.api("targets", state="active")["activeTargets"]
        return active

    def wait_for(self, promql: str, timeout: float = 30) -> list[dict[str, Any]]:
        """The first result of `promql` that is not empty."""
        return wait_until(
            lambda: self.query(promql),
            timeout,
            lambda: self.failure(f"no result for {promql}; targets: {json.dumps(self.targets(), indent=2)}"),
        )

    # JSON is what it is.
    def api(self, endpoint: str, **parameters: object) -> Any:  # noqa: ANN401
        """`data` of an answer of /api/v1."""
        status, body = self._get(f"/api/v1/{endpoint}?{urlencode(parameters)}")
        assert status == 200, self.failure(f"{endpoint} {parameters}: {status} {body.decode()}")
        return json.loads(body)["data"]

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def promtool_check_metrics(text: str) -> list[str]:
    """What `promtool check metrics` finds fault with; AssertionError when it cannot even read `text`."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    findings = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert done.returncode in (0, 3), f"promtool: status {done.returncode}: {findings}"
    return findings
