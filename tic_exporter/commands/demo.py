"""`tic-exporter demo`: the exporter with a simulated meter of every kind, some at serial ports, the others over TCP."""

import argparse
import dataclasses
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from zoneinfo import ZoneInfo

from .. import logs
from ..config import Config, MeterConfig, WebConfig
from ..service import Service
from ..simulator import KINDS, SimulatedMeter, serve_pty, serve_tcp
from .flags import listen_address

AT_SERIAL_PORTS = ("linky-standard", "linky-historic", "pme-pmi")
"""Kinds that stand at a pseudo-terminal, where speed and parity have to be found as on a real port."""

ZONE = "Europe/Paris"


def run(words: Sequence[str]) -> int:
    """Serve until interrupted."""
    parser = _parser()
    flags = parser.parse_args(words)
    logs.set_up(flags.log_level, "logfmt")
    start = datetime.now(ZoneInfo(ZONE)).replace(tzinfo=None)
    with ExitStack() as lines:
        meters = _start_meters(lines, start)
        config = Config(meters=meters, web=dataclasses.replace(WebConfig(), listen_addresses=(str(flags.listen),)))
        service = Service(lambda: config)
        try:
            service.start()
        except OSError as error:
            service.stop()
            parser.exit(1, f"{parser.prog}: {error}\n")
        host, port = service.addresses[0][:2]
        print(  # noqa: T201 - for the person at the terminal
            f"{len(meters)} simulated meters on http://{host}:{port}/metrics; the slow ones take half a minute."
            " Ctrl-C ends.",
            flush=True,
        )
        return service.run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tic-exporter demo", description=__doc__)
    parser.add_argument(
        "--web.listen-address",
        dest="listen",
        type=listen_address,
        default="127.0.0.1:15402",
        metavar="ADDRESS",
        help="default %(default)s",
    )
    parser.add_argument("--log.level", dest="log_level", choices=logs.LEVELS, default="warn")
    return parser


def _start_meters(lines: ExitStack, start: datetime) -> tuple[MeterConfig, ...]:
    """Let one meter of each kind speak, each from its own seed."""
    simulated = {kind: SimulatedMeter(kind, seed=seed, start=start) for seed, kind in enumerate(KINDS)}
    configured = []
    for kind in AT_SERIAL_PORTS:
        line = serve_pty(simulated.pop(kind))
        lines.callback(line.stop)
        configured.append(MeterConfig(name=kind, port=str(line.path)))
    tcp = serve_tcp("127.0.0.1", 0, list(simulated.values()), one_port_each=True)
    lines.callback(tcp.stop)
    for kind, port in zip(simulated, tcp.ports, strict=True):
        configured.append(MeterConfig(name=kind, port=f"socket://127.0.0.1:{port}"))
    return tuple(configured)
