"""The real Alertmanager and amtool, as scripts/ensure-tools installs them."""

from __future__ import annotations

import json
import shutil
import subprocess
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

from helpers.program import Program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Alertmanager(Program):
    """An Alertmanager with `config_file`, alone, and its data in `folder`."""

    def __init__(self, folder: Path, config_file: Path) -> None:
        self._folder = folder
        self._config_file = config_file
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(self._command)

    def _command(self, port: int) -> list[str]:
        return [
            # Debian's name, then everybody else's.
            shutil.which("prometheus-alertmanager") or "alertmanager",
            f"--config.file={self._config_file}",
            f"--storage.path={self._folder}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]

    def is_ready(self) -> bool:
        return self._request("GET", "/-/ready")[0] == 200

    def post(self, alerts: Sequence[Mapping[str, object]]) -> None:
        """Let alerts fire, each {"labels": {…}, "annotations": {…}}."""
        status, body = self._request("POST", "/api/v2/alerts", json.dumps(list(alerts)))
        assert status == 200, self.failure(f"{status} {body.decode()}")

    def alerts(self) -> list[dict[str, Any]]:
        """All alerts that fire: {"labels": {…}, "status": {"state": "active" or "suppressed", …}, …}."""
        status, body = self._request("GET", "/api/v2/alerts")
        assert status == 200, self.failure(f"{status} {body.decode()}")
        alerts: list[dict[str, Any]] = json.loads(body)
        return alerts

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def amtool(*args: str) -> str:
    """What amtool says; AssertionError when it fails."""
    done = subprocess.run(["amtool", *args], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"amtool {args}: {done.stdout}{done.stderr}"
    return done.stdout
