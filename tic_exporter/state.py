"""What meters do not show at present, kept across restarts: one JSON file, written whole or not at all."""

import json
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path

from .known import Kept
from .tic.families import FAMILIES
from .tic.quantities import Kind, Quantity
from .tic.schema import Key

log = logging.getLogger(__name__)

FORMAT = "tic_exporter state"
VERSION = 1
LONGEST_FILE = 64 * 1024 * 1024
"""Bytes; a town's state takes two million."""

Remembered = tuple[str, Mapping[Key, Kept]]
"""The id of a meter, and what is kept of it."""

_QUANTITIES: dict[str, Quantity] = {
    row.quantity.metric: row.quantity for family in FAMILIES for row in family.all_fields if row.is_kept
}


class StateFile:
    """The state of all meters, by their names.

    A file that cannot be read or understood is set aside under another name, which is said once; the program starts
    without it. Where that fails too it is never written over: it may hold what a meter shows again in half a year.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: bytes | None = None
        self._failing = False
        self._may_save = True
        self.saves = 0
        self.failures = 0

    def load(self) -> dict[str, Remembered]:
        """Read the file; empty where there is none, or where it is of no use."""
        try:
            with self._path.open("rb") as file:
                data = file.read(LONGEST_FILE + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._set_aside("unreadable", "the state file cannot be read", error)
            return {}
        try:
            meters = _parse(data)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            self._set_aside("damaged", "the state file is damaged, or of another version", error)
            return {}
        self._written = data
        return meters

    def save(self, meters: Mapping[str, Remembered]) -> None:
        """Write the file if it would change: to a temporary one, flushed to the disk, then renamed."""
        data = _render(meters)
        if data == self._written:
            return
        self.saves += 1
        if not self._may_save:
            self.failures += 1  # said when it was loaded; the alert goes on saying it
            return
        temporary = self._path.with_name(f"{self._path.name}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "wb", opener=_for_the_owner) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            self.failures += 1
            level = logging.DEBUG if self._failing else logging.WARNING
            log.log(level, "the state file cannot be saved", extra={"file": str(self._path), "error": str(error)})
            self._failing = True
            return
        self._written, self._failing = data, False

    def _set_aside(self, suffix: str, problem: str, error: Exception) -> None:
        aside = self._path.with_name(f"{self._path.name}.{suffix}")
        extra = {"file": str(self._path), "error": str(error)}
        if obstacle := _move(self._path, aside):
            self._may_save = False
            extra["not_moved"] = obstacle
            log.warning("%s: left as it is, and nothing is saved", problem, extra=extra)
        else:
            log.warning("%s: set aside", problem, extra=extra | {"aside": str(aside)})


def _move(path: Path, aside: Path) -> str:
    """Rename a file, for which its folder has to be writable and nothing else; gives what is in the way, if anything.

    A folder or a device is not a state but a mistake in the configuration, and somebody else's.
    """
    try:
        if not path.is_file():
            return "not a file"
        path.replace(aside)
    except OSError as error:
        return str(error)
    return ""


def _for_the_owner(path: str, flags: int) -> int:
    """Open a file that nobody else can read: ids stand in it as the meters send them."""
    return os.open(path, flags, 0o600)


def _render(meters: Mapping[str, Remembered]) -> bytes:
    document = {
        "format": FORMAT,
        "version": VERSION,
        "meters": {
            name: {
                "meter_id": meter_id,
                "kept": [
                    {
                        "metric": quantity.metric,
                        "dimensions": dict(dimensions),
                        "value": entry.value,
                        "seen": round(entry.seen),
                    }
                    for (quantity, dimensions), entry in kept.items()
                ],
            }
            for name, (meter_id, kept) in meters.items()
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _parse(data: bytes) -> dict[str, Remembered]:
    if len(data) > LONGEST_FILE:
        raise ValueError(f"longer than {LONGEST_FILE} bytes")
    document = json.loads(data)
    if document["format"] != FORMAT or document["version"] != VERSION:
        raise ValueError(f"not {FORMAT} version {VERSION}")
    return {
        _text(name): (
            _text(meter["meter_id"]),
            dict(_entry(entry) for entry in meter["kept"] if entry["metric"] in _QUANTITIES),
        )
        for name, meter in document["meters"].items()
    }


def _entry(entry: Mapping[str, object]) -> tuple[Key, Kept]:
    quantity = _QUANTITIES[str(entry["metric"])]
    given, value = entry["dimensions"], entry["value"]
    if not isinstance(given, dict):
        raise TypeError("an entry without dimensions")
    dimensions = tuple((name, _text(given[name])) for name in quantity.dimensions)
    kept = Kept(_text(value) if quantity.kind is Kind.TEXT else _number(value), _number(entry["seen"]))
    return (quantity, dimensions), kept


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("something else than a text")
    value.encode()  # what cannot be written again could not be served either
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("something else than a number")
    return float(value)
