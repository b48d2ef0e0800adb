"""The running exporter: meters, the serial thread, the state file and the web server, built from one configuration."""

from __future__ import annotations

import gc
import logging
import os
import queue
import resource
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from . import __version__, catalogue, logs
from .building import meter_options, port_settings
from .clocks import steady
from .config import Config, ConfigError, MeterConfig, parse_listen_address
from .exposition import ExporterCollector, Exposition, MeterCollector, registry_of
from .meter import Meter, Snapshot
from .notify import Notifier
from .pseudonyms import Pseudonyms
from .reader import Line, Observer, Reader
from .silence import Silence
from .web.app import build_app, late
from .web.history import History
from .web.server import App, BoundedServer

if TYPE_CHECKING:
    from .state import Remembered, StateFile
    from .web.api import Seen
    from .web.compatibility import Followed
    from .web.guard import Guard
    from .web.interpretation import Interpretation

log = logging.getLogger(__name__)

_OWN_DESCRIPTORS = 30
"""Beside a meter's and a client's: standard streams, listeners, the loop, files that are open for a moment."""


_AT_THE_START = ("web", "state_file", "pseudonymise_ids", "pseudonymise_key_file")
"""Keys that a reload does not change."""
_PAGE_PATHS = ("/", "/static/", "/api/v1/meters", "/api/v1/meters/")
"""Where the status page is, its files and what it shows as JSON."""


class Service:
    """All parts of a serving process. `load` gives the configuration, at the start and at each SIGHUP.

    Parts that few configurations ask for are imported where they are made: the others are spared their memory.
    With `listeners`, sockets that listen already, those of the configuration are not opened.
    """

    def __init__(self, load: Callable[[], Config], listeners: Sequence[socket.socket] = ()) -> None:
        self._load = load
        self._listeners = listeners
        self._config = Config(meters=())
        self._lines: dict[str, Line] = {}
        self._reloaded_at = 0.0
        self._reload_succeeded = True
        self._state: StateFile | None = None
        self._absent: dict[str, Remembered] = {}  # what is remembered of meters that are not configured at present
        self._has_started = False
        self._next_save = 0.0
        self._failure: BaseException | None = None
        # `SimpleQueue.put` may interrupt a `get` of its own thread, as a signal does; an Event would wait for ever.
        self._events: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._notifier = Notifier.from_environment()
        self._notified_at = 0.0
        self._reader = Reader(on_failure=self._fail, on_turn=self._turned)
        self._servers: list[BoundedServer] = []
        self._history = History()
        self._silence = Silence()
        self._pseudonyms = Pseudonyms()
        self._is_compatible = False
        self._interpretations: dict[str, Interpretation] = {}
        exporter = ExporterCollector(__version__, os.environ.get("TIC_EXPORTER_REVISION", ""), self._numbers)
        self._everything = registry_of(MeterCollector(self._snapshots), exporter)

    # --- life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read the configuration, listen, then read the lines. Raises ConfigError, OSError (address in use)."""
        limit = _raise_descriptor_limit()
        config = self._load()
        addresses = [parse_listen_address(text) for text in config.web.listen_addresses]
        needed = len(config.meters) + config.web.max_requests + _OWN_DESCRIPTORS
        if 0 <= limit < needed:  # -1 is without limit
            # Lines beyond it fail to open one by one, and scrapes with them: better said at once, and why.
            log.warning("the system grants too few descriptors", extra={"limit": limit, "needed": needed})
        guard = _guard(config.web.config_file)
        self._pseudonyms = Pseudonyms.configured(config)
        logs.add_filter(self._pseudonyms.in_logs)
        self._is_compatible = config.web.compatibility is not None
        self._next_save = time.monotonic() + config.save_interval
        if config.state_file is None:
            log.info("no state file: registers of tariff periods not in force are lost at a restart")
        else:
            from pathlib import Path  # noqa: PLC0415

            from .state import StateFile  # noqa: PLC0415

            self._state = StateFile(Path(config.state_file))
            self._absent = self._state.load()
        self._apply(config)
        app = build_app(
            registry=self._registry,
            meters=lambda: list(self._lines),
            ready=lambda: self._failure is None,
            telemetry_path=config.web.telemetry_path,
            routes=self._routes(config),
        )
        for address in self._listeners or addresses:
            server = BoundedServer(
                address,
                guard.protect(app) if guard else app,
                ssl_context=guard.ssl_context if guard else lambda: None,
                max_connections=config.web.max_requests,
            )
            self._servers.append(server)
            server.start()
            log.info("listening", extra={"address": server.address[0], "port": server.address[1]})
        gc.freeze()  # what is loaded stays: no collection looks through it, which takes milliseconds each time
        self._reader.start()
        self._has_started = True
        self._notifier.send("READY=1")

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens."""
        return [server.address for server in self._servers]

    def heed_signals(self) -> None:
        """Take signals from now on: those that come while this starts are answered by `run`."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit status is 1 if the serial thread died."""
        self.heed_signals()
        while self._failure is None:
            try:
                event = self._events.get(timeout=1.0)
            except queue.Empty:
                event = 0
            if event in {signal.SIGTERM, signal.SIGINT}:
                break
            if event == signal.SIGHUP:
                self.reload()
            self._history.observe(self._snapshots(), steady(), time.time())
            self._silence.observe(self._snapshots(), steady())
            if time.monotonic() >= self._next_save:
                self._next_save = time.monotonic() + self._config.save_interval
                self.save()
        return self.stop()

    def stop(self) -> int:
        """Close everything and save what was learned: nothing, where the start failed."""
        self._notifier.send("STOPPING=1")
        for server in self._servers:
            server.close()
        self._reader.stop()
        if self._has_started:
            self.save()
        logs.remove_filter(self._pseudonyms.in_logs)
        if self._failure is None:
            return 0
        log.critical("the serial thread has died of a bug", exc_info=self._failure)
        return 1

    def save(self) -> None:
        """Write the state file, if there is one and it would change."""
        if self._state is not None:
            self._state.save(_to_be_saved(self._lines) | self._absent)

    def _on_signal(self, number: int, _frame: object) -> None:
        self._events.put(number)

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self._events.put(0)

    def _turned(self) -> None:
        """Tell the watchdog that the serial loop turns."""
        now = time.monotonic()
        if self._notifier.interval and now - self._notified_at >= self._notifier.interval:
            self._notified_at = now
            self._notifier.send("WATCHDOG=1")

    # --- configuration ----------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Read the configuration again; a bad one changes nothing and shows in a metric."""
        self._notifier.send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            config = self._load()
        except ConfigError as error:
            self._reload_succeeded = False
            log.error("the configuration is not used", extra={"problems": str(error)})  # noqa: TRY400 - not a bug: no traceback
        else:
            late = [name for name in _AT_THE_START if getattr(config, name) != getattr(self._config, name)]
            if late:
                log.warning("what changed here takes effect at the next start", extra={"keys": ", ".join(late)})
            self._apply(config)
            log.info("configuration read again", extra={"meters": len(self._lines)})
        self._notifier.send("READY=1")

    def _apply(self, config: Config) -> None:
        """Change to `config`: meters configured as before do not notice, changed ones keep what they learned.

        So do those that are gone: whoever takes a meter out for an hour wants its winter registers back.
        """
        before = {meter.name: meter for meter in self._config.meters}
        wanted = {meter.name: meter for meter in config.meters}
        removed = {name for name, meter in before.items() if wanted.get(name) != meter}
        added = {}
        for name, meter in wanted.items():
            if before.get(name) != meter:
                old = self._lines[name].meter.remembered() if name in self._lines else self._absent.get(name)
                added[name] = self._line(meter, old)
        self._config = config
        self._reload_succeeded, self._reloaded_at = True, time.time()
        known = self._absent | _to_be_saved(self._lines)
        self._absent = {name: entry for name, entry in known.items() if name not in wanted}
        self._lines = {name: added.get(name) or self._lines[name] for name in wanted}
        self._reader.change(added, removed)

    def _line(self, config: MeterConfig, remembered: Remembered | None) -> Line:
        meter = Meter(meter_options(config))
        if remembered is not None:
            meter.restore(*remembered)
        observers: list[Observer] = []
        if self._is_compatible:
            from .web.interpretation import Interpretation  # noqa: PLC0415

            self._interpretations[config.name] = Interpretation()
            observers.append(self._interpretations[config.name])
        if log.isEnabledFor(logging.DEBUG):
            from .framelog import FrameLog  # noqa: PLC0415

            observers.append(FrameLog(self._pseudonyms.of_id, self._pseudonyms.of_metering_point))
        return Line(meter, port_settings(config), observers)

    # --- what is shown ----------------------------------------------------------------------------------------------

    def _shown(self, line: Line) -> Snapshot:
        """Give the snapshot of a line as everybody may see it: nothing else of a meter is shown."""
        return self._pseudonyms.of(line.meter.snapshot)

    def _snapshots(self) -> list[Snapshot]:
        return [self._shown(line) for line in self._lines.values()]

    def _registry(self, name: str | None) -> Exposition | None:
        """Give what one scrape shows: everything, or one meter alone; None for a meter that is not configured."""
        if name is None:
            return self._everything
        line = self._lines.get(name)
        return registry_of(MeterCollector(lambda: [self._shown(line)])) if line else None

    def _routes(self, config: Config) -> dict[str, App]:
        # Most exporters are scraped day and night, and looked at now and then.
        routes = late(_PAGE_PATHS, lambda: self._page(config))
        if self._is_compatible:
            from .web.compatibility import Compatibility  # noqa: PLC0415

            routes |= Compatibility(self._followed).routes()
        return routes

    def _page(self, config: Config) -> dict[str, App]:
        from .web.api import Api  # noqa: PLC0415
        from .web.page import page_routes  # noqa: PLC0415

        # A pseudonym hides already what a mask would.
        shows_ids = config.web.show_ids or self._pseudonyms.are_given
        api = Api(self._seen, self._history, __version__, show_ids=shows_ids)
        return api.routes() | page_routes(api, telemetry_path=config.web.telemetry_path)

    def _seen(self) -> dict[str, Seen]:
        from .web.api import Seen  # noqa: PLC0415

        return {name: Seen(self._shown(line), line.settings.port) for name, line in self._lines.items()}

    def _followed(self) -> dict[str, Followed]:
        from .web.compatibility import Followed  # noqa: PLC0415

        return {name: Followed(self._shown(line), self._interpretations[name]) for name, line in self._lines.items()}

    def _numbers(self) -> dict[str, float]:
        return {
            catalogue.RELOAD_SUCCESSFUL.name: float(self._reload_succeeded),
            catalogue.RELOAD_TIME.name: self._reloaded_at,
            catalogue.STATE_SAVES.name: float(self._state.saves if self._state else 0),
            catalogue.STATE_SAVE_FAILURES.name: float(self._state.failures if self._state else 0),
        }


def _guard(path: str | None) -> Guard | None:
    """Make what protects the server; raises ConfigError."""
    if path is None:
        return None
    from .web.guard import Guard  # noqa: PLC0415

    return Guard(path)


def _to_be_saved(lines: Mapping[str, Line]) -> dict[str, Remembered]:
    """Leave out what is not shown either: a message may be kept until the meter sends another."""
    saved: dict[str, Remembered] = {}
    for name, line in lines.items():
        if remembered := line.meter.remembered():
            meter_id, kept = remembered
            hidden = line.meter.options.hidden
            saved[name] = meter_id, {key: entry for key, entry in kept.items() if key[0] not in hidden}
    return saved


def _raise_descriptor_limit() -> int:
    """Use all descriptors that the system grants: a town has more lines than the usual 1,024. Gives their number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
