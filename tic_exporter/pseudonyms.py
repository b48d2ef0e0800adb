"""Stable names that stand for ids of meters and numbers of metering points, for who does not have the key.

A pseudonym is the beginning of HMAC-SHA-256 (RFC 2104) of the number: of a plain hash, somebody could try all numbers
that there are. It has 55 bits: among ten thousand meters the chance that two get the same is 10^-9.
"""

import base64
import logging
import os
import re
import stat
from typing import Self

from .config import Config, ConfigError, Problem
from .meter import Snapshot
from .tic import quantities as q

LENGTH = 12
"""Characters, as an id has. The first is a small letter, which no id and no metering point holds."""

SHORTEST_KEY = 32
"""Characters: 128 bits where they are hexadecimal digits, as `openssl rand -hex` writes them."""

LONGEST_KEY = 4096

_PSEUDONYM = re.compile("[pm][a-z2-7]{11}")

_LOGGED_IDS = ("id", "before", "saved")
"""Fields of log lines that hold an id."""


def read_key(path: str) -> bytes:
    """Give the key that is in a file, without the white space around it; ConfigError where it protects nothing."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - nothing else of the path is needed
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            key = file.read(LONGEST_KEY + 1).strip()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise _refusal(
            path, f"cannot be read: {reason}; make one with: tic-exporter pseudonym-key --out FILE"
        ) from error
    if mode & stat.S_IRWXO:
        raise _refusal(path, f"everybody may use this key (mode {mode:04o}); try: chmod 640 {path}")
    if len(key) < SHORTEST_KEY:
        raise _refusal(path, f"expected a key of at least {SHORTEST_KEY} characters, not {len(key)}")
    if len(key) > LONGEST_KEY:
        raise _refusal(path, f"is longer than {LONGEST_KEY} bytes: is it a key?")
    return key


def _refusal(path: str, message: str) -> ConfigError:
    return ConfigError([Problem(path, 0, 0, "", message)])


class Pseudonyms:
    """The names that one key gives: everywhere the same, after every start. Without a key all is shown as it is."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key
        self._shown: dict[str, tuple[Snapshot, Snapshot]] = {}

    @classmethod
    def configured(cls, config: Config) -> Self:
        """Raise ConfigError for a key file that is of no use."""
        path = config.pseudonymise_key_file if config.pseudonymise_ids else None
        return cls(None if path is None else read_key(path))

    @property
    def are_given(self) -> bool:
        return self._key is not None

    def of_id(self, meter_id: str) -> str:
        """Give `p` and eleven of a-z, 2-7."""
        return self._name("p", meter_id)

    def of_metering_point(self, number: str) -> str:
        """Give `m` and eleven of a-z, 2-7."""
        return self._name("m", number)

    def of(self, snapshot: Snapshot) -> Snapshot:
        """Give what may be shown of a snapshot; the same object for the same one, so that others may remember it."""
        if self._key is None:
            return snapshot
        known = self._shown.get(snapshot.meter)
        if known is None or known[0] is not snapshot:
            known = self._shown[snapshot.meter] = (snapshot, self._replaced(snapshot))
        return known[1]

    def _replaced(self, snapshot: Snapshot) -> Snapshot:
        readings = snapshot.readings
        if any(quantity is q.METERING_POINT for quantity, _ in readings):
            readings = {
                (quantity, self._point(dimensions) if quantity is q.METERING_POINT else dimensions): value
                for (quantity, dimensions), value in readings.items()
            }
        return snapshot._replace(meter_id=self._id(snapshot.meter_id, snapshot.meter), readings=readings)

    def _point(self, dimensions: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        name = q.METERING_POINT.value_dimension
        return tuple((key, self.of_metering_point(text) if key == name else text) for key, text in dimensions)

    def _id(self, meter_id: str, meter: str) -> str:
        """Leave the name that stands in for the id of a family that sends none: the operator chose it."""
        return self.of_id(meter_id) if meter_id and meter_id != meter else meter_id

    def _name(self, kind: str, number: str) -> str:
        if self._key is None:
            return number
        import hmac  # noqa: PLC0415 - most configurations have no key

        digest = hmac.digest(self._key, f"{kind}:{number}".encode(), "sha256")
        return kind + base64.b32encode(digest).decode("ascii").lower()[: LENGTH - len(kind)]

    def in_logs(self, record: logging.LogRecord) -> bool:
        """Filter for handlers, each of which may see a record that another has changed: fields that hold ids."""
        fields = vars(record)
        for name in _LOGGED_IDS:
            if isinstance(fields.get(name), str) and not _PSEUDONYM.fullmatch(fields[name]):
                fields[name] = self._id(fields[name], str(fields.get("meter", "")))
        return True
