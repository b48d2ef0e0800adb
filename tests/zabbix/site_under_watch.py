"""The site that the trial watches: simulated meters of every kind, and the exporter that reads them."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

import yaml

from helpers import Exporter
from tic_exporter.simulator import KINDS, SimulatedMeter, TcpLines, serve_tcp

if TYPE_CHECKING:
    from pathlib import Path

CUT = "cut"
# All that a key, a pattern, a macro or an expression of Zabbix could trip over.
ODD = "Café \"A\", [B] \\ {C} 'D' <&>"
HOST = "127.0.0.1"


class Site:
    """A meter of every kind, one with an odd name under Tempo, and one whose line can be cut."""

    def __init__(self, folder: Path) -> None:
        start = datetime.now(ZoneInfo("Europe/Paris")).replace(tzinfo=None)
        self.meters = {kind: SimulatedMeter(kind, seed=seed, start=start) for seed, kind in enumerate(KINDS)}
        self.meters[ODD] = SimulatedMeter("linky-standard", seed=101, start=start, contract="TEMPO")
        self.meters[ODD].color_tomorrow = "red"
        self._cut = SimulatedMeter("linky-standard-three-phase", seed=102, start=start)
        config = folder / "tic_exporter.yml"
        with ExitStack() as stack:
            lines = serve_tcp(HOST, 0, list(self.meters.values()), one_port_each=True)
            stack.callback(lines.stop)
            self._line: TcpLines | None = serve_tcp(HOST, 0, [self._cut])
            self._cut_port = self._line.ports[0]
            stack.callback(self.cut)
            ports = {**dict(zip(self.meters, lines.ports, strict=True)), CUT: self._cut_port}
            meters = [
                {"name": name, "port": f"socket://{HOST}:{port}", "stale_after": "30s"} for name, port in ports.items()
            ]
            config.write_text(yaml.safe_dump({"meters": meters}, allow_unicode=True), encoding="utf-8")
            self.exporter = stack.enter_context(Exporter([f"--config.file={config}", "--log.level=error"]))
            stack.callback(self.go_on)  # what hangs does not stop
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def exposition(self) -> str:
        return self.exporter.get("/metrics").body.decode()

    def cut(self) -> None:
        if self._line is not None:
            self._line.stop()
            self._line = None

    def mend(self) -> None:
        self._line = serve_tcp(HOST, self._cut_port, [self._cut])

    def hang(self) -> None:
        self.exporter.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.exporter.process.send_signal(signal.SIGCONT)
