"""All targets by name: what they check, what they start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzz import fuzz_files, fuzz_meter
from tic_exporter.config.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that takes bytes from outside.

    Args:
        check: raises when a promise does not hold.
        seeds: inputs to start from.
        longest: bytes of an input.
        words: that inputs are made of; escaped as libFuzzer's dictionaries are.
    """

    check: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    longest: int
    words: tuple[str, ...] = ()


_YAML = (
    "&a",
    "*a",
    "<<: ",
    "- ",
    "? ",
    "!!",
    "!!int ",
    "!!binary ",
    "|\\x0a",
    ">\\x0a",
    "---",
    "...",
    "%YAML 1.1",
    "\\x09",
)
_KEYS = tuple(sorted({f"{row[0]}: " for table in TABLES.values() for row in table}))
_WEB_KEYS = (
    "tls_server_config: ", "http_server_config: ", "basic_auth_users: ", "rate_limit: ", "headers: ", "interval: ",
    "cert_file: ", "key_file: ", "client_auth_type: ", "cipher_suites: ", "min_version: ", "$2y$10$", "1m30s",
)  # fmt: skip

TARGETS = {
    "meter": Target(fuzz_meter.check, fuzz_meter.seeds, fuzz_meter.LONGEST),
    "config": Target(fuzz_files.check_config, fuzz_files.config_seeds, 16384, _YAML + _KEYS),
    "web-config": Target(fuzz_files.check_web_config, fuzz_files.web_config_seeds, 4096, _YAML + _WEB_KEYS),
    "recording": Target(fuzz_files.check_recording, fuzz_files.recording_seeds, 4096),
    "state": Target(fuzz_files.check_state, fuzz_files.state_seeds, 4096),
}
