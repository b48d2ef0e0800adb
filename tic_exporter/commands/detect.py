"""`tic-exporter detect`: which ports there are, which meters are behind them, and what is wrong where none is heard."""

import argparse
import dataclasses
import errno
import json
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from typing import Any

from ..clocks import steady
from ..diagnosis import Diagnosis, Hearing
from ..listening import listen, try_speed
from ..ports import Port, Roots, list_ports, look_at
from ..pseudonyms import Pseudonyms, read_key
from ..sources import PortSettings, open_source
from .flags import positive

DEFAULT_FILE = "tic_exporter.yml"
SECONDS = 30.0
"""Enough for three frames of all but a PME-PMI at 1200 Bd, which sends one in eight seconds."""

_LISTENERS = 16
_TURN = 0.3

Ask = Callable[[str], bool]


def run(words: Sequence[str], *, roots: Roots | None = None, ask: Ask | None = None) -> int:
    """Look, listen and tell; 0 when at least one meter was heard.

    Args:
        words: of the command line.
        roots: where the system shows its devices.
        ask: puts a yes-or-no question; by default to the person at the terminal, if there is one.
    """
    flags = _parser().parse_args(words)
    if flags.write and not flags.force and Path(flags.write).exists():
        _say_it_exists(flags.write)  # before half a minute of listening
        return 1
    names = Pseudonyms(read_key(flags.pseudonym_key) if flags.pseudonym_key else None)
    roots = roots or Roots()
    if ask is None and not flags.json and sys.stdin.isatty() and sys.stderr.isatty():
        ask = _ask
    found = [] if flags.ports else list_ports(roots)
    if not flags.json:
        _show_ports(found, named=bool(flags.ports))
    ports = flags.ports or [
        port.path for port in found if ask and not _obstacle(port) and ask(f"Listen to {port.path}?")
    ]
    if found and not ports and not flags.json:
        _print(f"Name the ports to listen to: tic-exporter detect {found[0].path}")
    listeners = [Listener(name, roots, flags.seconds) for name in dict.fromkeys(ports)]
    _listen_all(listeners)
    for each in listeners:
        each.name_id(names)
    if flags.json:
        _print(
            json.dumps({"ports": [_as_json(port) for port in found], "lines": [each.as_json() for each in listeners]})
        )
    else:
        for each in listeners:
            each.show()
    meters = [each for each in listeners if each.diagnosis and each.diagnosis.is_meter]
    is_written = not meters or _offer(flags, meters, ask)
    return 0 if meters and is_written else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tic-exporter detect",
        description="List serial ports, and tell which meters are behind those that you name or agree to.",
        epilog="No port is opened without being asked for: it may belong to another device.",
        allow_abbrev=False,
    )
    parser.add_argument("ports", nargs="*", metavar="PORT", help="a serial port, or a socket:// or rfc2217:// URL")
    parser.add_argument(
        "--seconds", type=positive(3600), default=SECONDS, metavar="N", help="at most (default %(default)g)"
    )
    parser.add_argument("--json", action="store_true", help="for machines; asks nothing")
    parser.add_argument(
        "--write",
        nargs="?",
        const=DEFAULT_FILE,
        metavar="FILE",
        help=f"write the configuration (default {DEFAULT_FILE})",
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    parser.add_argument("--pseudonym-key", metavar="FILE", help="show pseudonyms of ids, as pseudonymise_ids does")
    return parser


def _ask(question: str) -> bool:
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201
    return sys.stdin.readline().strip().lower() in {"y", "yes", "o", "oui"}


# --- ports ------------------------------------------------------------------------------------------------------------


def _show_ports(ports: list[Port], *, named: bool) -> None:
    if not ports and not named:
        _print("No serial port was found. Is the adaptor plugged in? Its kernel driver says so in: dmesg | tail")
    for port in ports:
        what = [port.product, port.serial_number and f"serial number {port.serial_number}", port.driver]
        device = "" if port.device == port.path else f" ({port.device})"
        _print(f"{port.path}{device}  {', '.join(filter(None, what))}".rstrip())
        for line in _obstacle(port):
            _print(f"    {line}")


def _obstacle(port: Port) -> list[str]:
    """Say what keeps us from listening; nothing if nothing does."""
    lines = []
    if port.problem:
        lines.append(port.problem)
    if port.remedy:
        lines.append(f"try: {port.remedy}" + ("   (then log in again)" if "usermod" in port.remedy else ""))
    if port.holders:
        lines.append(f"held by {', '.join(map(str, port.holders))}: two readers would each get half of the bytes")
    return lines


def _as_json(port: Port) -> dict[str, Any]:
    return dataclasses.asdict(port)


# --- listening --------------------------------------------------------------------------------------------------------


class Listener:
    """One port that somebody agreed to."""

    def __init__(self, name: str, roots: Roots, seconds: float) -> None:
        self.name = name
        self.stable_name = name
        self.obstacle: list[str] = []
        self.diagnosis: Diagnosis | None = None
        self._seconds = seconds
        self._roots = roots
        self._hearing: Hearing | None = None

    def listen(self, is_stopped: Callable[[], bool]) -> None:
        """Listen until the meter is known or the time is over."""
        if "://" not in self.name:
            port = look_at(self.name, self._roots)
            self.stable_name, self.obstacle = port.path, _obstacle(port)
        if self.obstacle:
            return
        settings = PortSettings(self.name)
        try:
            with closing(open_source(settings, 9600)) as source:
                start = steady()
                hearing = self._hearing = Hearing(start, has_speed=settings.has_speed)
                over = lambda: is_stopped() or hearing.is_enough() or steady() - start > self._seconds  # noqa: E731
                try:
                    for data in listen(source, over):
                        if data:
                            hearing.feed(data, steady())
                        speed = hearing.next_speed(steady())
                        if speed is not None:
                            try_speed(source, speed)
                except OSError as error:
                    self.obstacle = [f"the port closed: {error}"]
                    if not hearing.received:
                        return
                self.diagnosis = hearing.diagnose(steady())
        except (OSError, ValueError) as error:
            self.obstacle = [getattr(error, "strerror", None) or str(error)]
            if isinstance(error, OSError) and error.errno in {errno.EWOULDBLOCK, errno.EBUSY}:
                # Another user's process, or it would have been seen before.
                self.obstacle.append(f"try: sudo fuser -v {self.name}")

    def name_id(self, names: Pseudonyms) -> None:
        """Show the pseudonym instead of the id, if there are pseudonyms."""
        if self.diagnosis is not None and self.diagnosis.meter_id:
            self.diagnosis = dataclasses.replace(self.diagnosis, meter_id=names.of_id(self.diagnosis.meter_id))

    def progress(self) -> str:
        hearing = self._hearing
        if hearing is None or self.diagnosis is not None:
            return ""
        return f"{Path(self.name).name} {hearing.speed} Bd, {hearing.received} bytes, {hearing.frames} frames"

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"port": self.name, "stable_name": self.stable_name, "obstacle": self.obstacle}
        if self.diagnosis is not None:
            shown |= dataclasses.asdict(self.diagnosis)
            shown["notes"] = list(self.diagnosis.notes)
            shown |= {
                "symptom": self.diagnosis.symptom.name.lower(),
                "text": self.diagnosis.symptom.text,
                "try": list(self.diagnosis.symptom.remedies),
                "is_meter": self.diagnosis.is_meter,
            }
        return shown

    def show(self) -> None:
        diagnosis = self.diagnosis
        _print(f"{self.name}: {diagnosis.symptom.text if diagnosis else 'not listened to'}")
        for line in self.obstacle:
            _print(f"    {line}")
        if diagnosis is not None:
            for line in _describe(diagnosis):
                _print(f"    {line}")


def _describe(found: Diagnosis) -> list[str]:
    what = [
        found.baud_rate and f"{found.baud_rate} Bd",
        found.parity and f"parity {found.parity}",
        found.mode and f"mode {found.mode}",
        found.family and f"family {found.family}",
        found.manufacturer,
        found.meter_id and f"id {found.meter_id}",
        found.contract and f"contract {found.contract}",
        found.phases and f"phases {found.phases}",
    ]
    numbers = [f"{found.received} bytes, valid frames: {found.frames}"]
    if found.frames_per_minute is not None:
        numbers.append(f"{found.frames_per_minute:.1f} frames per minute")
    if found.error_ratio is not None:
        numbers.append(f"{found.error_ratio:.1%} of the groups wrong")
    lines = [", ".join(str(part) for part in what if part), ", ".join(numbers)]
    lines += [f"note: {note}" for note in found.notes]
    lines += [f"try: {remedy}" for remedy in found.symptom.remedies]
    return list(filter(None, lines))


def _listen_all(listeners: list[Listener]) -> None:
    """Listen to all at the same time; on a terminal, show how it goes."""
    if not listeners:
        return
    stop = threading.Event()
    with ThreadPoolExecutor(_LISTENERS) as pool:
        running: set[Future[None]] = {pool.submit(each.listen, stop.is_set) for each in listeners}
        done: set[Future[None]] = set()
        try:
            while running:
                ended, running = wait(running, _TURN)
                done |= ended
                if sys.stderr.isatty():
                    line = "; ".join(filter(None, (each.progress() for each in listeners)))
                    print(f"\r\033[K{line[:100]}", end="", file=sys.stderr, flush=True)  # noqa: T201
        finally:
            stop.set()
            if sys.stderr.isatty():
                print("\r\033[K", end="", file=sys.stderr, flush=True)  # noqa: T201
    for each in done:
        each.result()


# --- configuration ----------------------------------------------------------------------------------------------------


def _configuration(meters: list[Listener]) -> str:
    """Write what serves these meters. Text stands in double quotes, in which YAML reads what JSON writes."""
    lines = ["# Written by tic-exporter detect. Every setting there is: tic_exporter.yml of the project.", "meters:"]
    for number, (name, each) in enumerate(zip(_names(meters), meters, strict=True)):
        found = each.diagnosis
        what = [found.family, found.mode and f"mode {found.mode}", found.contract] if found else []
        lines += [""] * (number > 0)
        lines += [f"  # {', '.join(filter(None, what))}".rstrip(", ")] if any(what) else []
        lines += [f"  - name: {json.dumps(name)}", f"    port: {json.dumps(each.stable_name)}"]
    return "\n".join(lines) + "\n"


def _names(meters: list[Listener]) -> list[str]:
    """Name each by its family; of several of one family, each has a number."""
    families = [(each.diagnosis.family if each.diagnosis else "") or "meter" for each in meters]
    seen: dict[str, int] = {}
    names = []
    for family in families:
        seen[family] = seen.get(family, 0) + 1
        names.append(family if families.count(family) == 1 else f"{family}-{seen[family]}")
    return names


def _offer(flags: argparse.Namespace, meters: list[Listener], ask: Ask | None) -> bool:
    """Show the configuration and write it, if that was asked for; False when that failed."""
    text = _configuration(meters)
    file = flags.write
    if not flags.json:
        _print(f"\nA configuration for {'this meter' if len(meters) == 1 else 'these meters'}:\n\n{text}")
        if file is None and ask is not None and not Path(DEFAULT_FILE).exists() and ask(f"Write it to {DEFAULT_FILE}?"):
            file = DEFAULT_FILE
    if file is None:
        return True
    path = Path(file)
    try:
        # "x" refuses devices and pipes too, and with --force only a plain file is overwritten.
        with path.open("w" if flags.force and path.is_file() else "x", encoding="utf-8") as output:
            output.write(text)
    except FileExistsError:
        _say_it_exists(file)
        return False
    except OSError as error:
        print(f"tic-exporter detect: {error}", file=sys.stderr)  # noqa: T201
        return False
    print(f"{file} is written; start with: tic-exporter --config.file={file}", file=sys.stderr)  # noqa: T201
    return True


def _say_it_exists(file: str) -> None:
    print(f"tic-exporter detect: {file} exists; --force overwrites it", file=sys.stderr)  # noqa: T201


def _print(text: str) -> None:
    print(text)  # noqa: T201
