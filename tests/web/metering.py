"""Meters in memory: simulated ones, read without a port and without waiting, and an API over them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from loopback import serving

from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.simulator import Events, SimulatedMeter
from tic_exporter.web.api import Api, Seen
from tic_exporter.web.app import build_app
from tic_exporter.web.history import History
from tic_exporter.web.page import page_routes

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tic_exporter.web.server import BoundedServer

START = datetime(2026, 1, 14, 13, 2)  # noqa: DTZ001 - legal time; a Wednesday in winter
UNIX = 1_768_392_120.0


class Town:
    """Meters by name, a clock, and what the exporter serves of them."""

    def __init__(self, *, show_ids: bool = False) -> None:
        self.now = 1000.0
        self.meters: dict[str, Meter] = {}
        self.history = History()
        self.api = Api(
            self.seen,
            self.history,
            "1.2.3<",
            show_ids=show_ids,
            now=lambda: self.now,
            unix=lambda: UNIX + self.now,
        )

    def add(self, name: str, kind: str = "linky-standard", *, frames: int = 5, **options: Any) -> SimulatedMeter:  # noqa: ANN401 - passed on
        """Open a meter of this kind and read some frames of it."""
        settings = options.pop("settings", {})
        simulated = SimulatedMeter(kind, start=options.pop("start", START), **options)
        meter = self.meters[name] = Meter(MeterOptions(name, **settings))
        meter.opened(port=self.port(name), baud_rate="9600")
        self.read(name, simulated, frames)
        return simulated

    def read(self, name: str, simulated: SimulatedMeter, frames: int = 2) -> None:
        for _ in range(frames):
            self.meters[name].feed(simulated.next_frame(), self.now, UNIX + self.now)

    def port(self, name: str) -> str:
        return f"/dev/tty{list(self.meters).index(name)}" if name in self.meters else "/dev/tty"

    def seen(self) -> dict[str, Seen]:
        return {name: Seen(meter.snapshot, self.port(name)) for name, meter in self.meters.items()}

    def observe(self) -> None:
        self.history.observe([meter.snapshot for meter in self.meters.values()], self.now, UNIX + self.now)

    def describe(self, name: str) -> dict[str, Any]:
        return self.api.describe(self.seen()[name], self.now)

    def serving(self) -> AbstractContextManager[BoundedServer]:
        app = build_app(
            registry=lambda _: None,
            meters=lambda: list(self.meters),
            ready=lambda: True,
            routes=self.api.routes() | page_routes(self.api, telemetry_path="/metrics"),
        )
        return serving(app)


__all__ = ["START", "UNIX", "Events", "Town"]
