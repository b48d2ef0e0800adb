"""`tic-exporter simulate`: meters that look alive, at a pseudo-terminal, over TCP or into a file."""

import argparse
import dataclasses
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from ..config import HIGHEST_PORT, naming
from ..simulator import KINDS, Events, SimulatedMeter, damage, serve_pty, serve_tcp, write_file
from .flags import BAUD_RATE, FACTOR, PORTS, legal_time, listen_address, meter_id, number, whole

ZONE = "Europe/Paris"

_EVENTS = {field.name: field.type for field in dataclasses.fields(Events) if field.type in {bool, float, str, int}}
_ACTIONS: dict[str, Callable[[SimulatedMeter, str], None]] = {
    "interrupt": lambda meter, _value: meter.interrupt(at_group=3),
    "replace": lambda meter, value: meter.replace(value),
    "switch_mode": lambda meter, _value: meter.switch_mode(),
    "color_tomorrow": lambda meter, value: setattr(meter, "color_tomorrow", value),
}
EVENT_NAMES = (*_EVENTS, *_ACTIONS)


def run(words: Sequence[str]) -> int:
    """Simulate until interrupted, or until the file is written."""
    parser = _parser()
    flags = parser.parse_args(words)
    if flags.kinds:
        print("\n".join(KINDS))  # noqa: T201
        return 0
    if flags.tcp is not None and flags.tcp.port + flags.count - 1 > HIGHEST_PORT:
        highest = HIGHEST_PORT - flags.count + 1
        each = f"so that each of {flags.count} meters has its own, not {flags.tcp.port}"
        parser.error(f"argument --tcp: expected a PORT up to {highest}, {each}")
    try:
        meters = _meters(flags)
        for event in flags.event:
            for meter in meters:
                apply_event(meter, event)
        return _deliver(flags, meters)
    except (ValueError, KeyError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error.args[-1] if isinstance(error, KeyError) else error}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tic-exporter simulate",
        description=__doc__,
        epilog=f"Events, by --event or typed while it runs: {', '.join(EVENT_NAMES)}; as NAME or NAME=VALUE.",
        allow_abbrev=False,
    )
    parser.add_argument("kind", nargs="?", choices=tuple(KINDS), default="linky-standard")
    parser.add_argument("--kinds", action="store_true", help="list the kinds of meters")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--pty", metavar="LINK", help="symbolic link to make to the port")
    where.add_argument("--tcp", type=listen_address, metavar="HOST:PORT")
    where.add_argument("--file", metavar="FILE")
    parser.add_argument("--frames", type=whole(1), default=100, help="number of frames in a file (default %(default)s)")
    parser.add_argument("--count", type=PORTS, default=1, help="number of meters over TCP, one port each from PORT on")
    parser.add_argument("--seed", type=whole(0), default=0)
    parser.add_argument("--start", type=legal_time, help="legal time of the first frame (default: now)")
    parser.add_argument("--contract", help="one of the kind's contracts")
    parser.add_argument("--meter-id", type=meter_id, metavar="ID")
    parser.add_argument(
        "--td",
        type=whole(1),
        choices=(5, 10, 15, 20, 30, 60),
        default=10,
        help="minutes until interval energies begin again: PME-PMI, ICE, SAPHIR (default %(default)s)",
    )
    parser.add_argument("--baud-rate", type=BAUD_RATE)
    parser.add_argument("--speed", type=FACTOR, default=1.0, help="factor of time; 0 is as fast as it is read")
    parser.add_argument(
        "--noise", type=number(0, 1), default=0.0, metavar="RATE", help="probability that a bit is wrong"
    )
    parser.add_argument("--no-parity", action="store_true", help="characters without their parity bit")
    parser.add_argument("--event", action="append", default=[], metavar="NAME[=VALUE]")
    return parser


def _meters(flags: argparse.Namespace) -> list[SimulatedMeter]:
    contracts = KINDS[flags.kind].contracts
    if flags.contract is not None and flags.contract not in contracts:
        raise ValueError(f"contract {flags.contract!r}: {flags.kind} has {', '.join(contracts)}")
    start = flags.start or datetime.now(ZoneInfo(ZONE)).replace(tzinfo=None)
    return [
        SimulatedMeter(
            flags.kind,
            seed=flags.seed + number,
            start=start,
            meter_id=flags.meter_id,
            contract=flags.contract,
            baud_rate=flags.baud_rate,
            td=flags.td,
        )
        for number in range(flags.count)
    ]


def apply_event(meter: SimulatedMeter, event: str) -> None:
    """Let something happen: `overload`, `overload=no`, `voltage=250`, `color_tomorrow=red`. Raises ValueError."""
    name, _, value = event.strip().partition("=")
    if name in _ACTIONS:
        _ACTIONS[name](meter, value)
    elif name not in _EVENTS:
        raise ValueError(f"event {name!r}: one of {', '.join(EVENT_NAMES)} was expected")
    elif _EVENTS[name] is bool:
        setattr(meter.events, name, value.lower() not in {"no", "off", "false", "0"})
    else:
        setattr(meter.events, name, {float: float, int: int, str: str}[_EVENTS[name]](value))


def _deliver(flags: argparse.Namespace, meters: list[SimulatedMeter]) -> int:
    noise = Random(flags.seed)  # noqa: S311 - damage that can be repeated
    bits = 7 if flags.no_parity else 8
    hurt = (lambda data: damage(data, noise, flags.noise, bits=bits)) if flags.noise else None
    parity = not flags.no_parity
    if flags.file is not None:
        written = write_file(Path(flags.file), meters[0], flags.frames, parity=parity, damage=hurt)
        print(f"{flags.file}: {flags.frames} frames, {written} bytes")  # noqa: T201
        return 0
    if flags.tcp is not None:
        host, port = flags.tcp
        with naming(flags.tcp):
            tcp = serve_tcp(
                host, port, meters, one_port_each=flags.count > 1, speed=flags.speed, parity=parity, damage=hurt
            )
        print(f"listening on {host}, ports {tcp.ports[0]} to {tcp.ports[-1]}", flush=True)  # noqa: T201
        return _until_interrupted(meters, tcp.stop)
    link = Path(flags.pty) if flags.pty else None
    line = serve_pty(meters[0], link=link, speed=flags.speed, parity=parity, damage=hurt)
    print(f"port {flags.pty or line.path}", flush=True)  # noqa: T201
    return _until_interrupted(meters, line.stop)


def _until_interrupted(meters: list[SimulatedMeter], stop: Callable[[], None]) -> int:
    """Let typed events happen; at the end of input go on until a signal comes."""
    try:
        for event in sys.stdin:
            try:
                for meter in meters:
                    apply_event(meter, event)
            except ValueError as error:
                print(error, file=sys.stderr)  # noqa: T201
        threading.Event().wait()
    finally:
        stop()
    return 0
