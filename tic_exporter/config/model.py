"""What the rest of the program sees of a configuration, and what an operator sees of a wrong one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FAMILIES = (
    "concentrator",
    "cbemm",
    "cbemm-icc",
    "cbetm",
    "linky",
    "cje",
    "ice-2q",
    "ice-4q",
    "pme-pmi",
    "saphir",
)


MOST_REQUESTS = 10_000
"""At the same time, each with a thread of its own."""


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """Explicit settings of a serial port; None is our own: 8N1, with even parity checked in software."""

    bytesize: int | None = None
    parity: str | None = None  # none, even, odd, mark, space
    stopbits: float | None = None  # 1, 1.5, 2
    xonxoff: bool | None = None
    rtscts: bool | None = None
    dsrdtr: bool | None = None
    timeout: float | None = None  # seconds; accepted for old configurations, without effect


@dataclass(frozen=True, slots=True)
class MeterConfig:
    name: str
    port: str
    baud_rate: int | None = None  # None: detected
    family: str | None = None  # None: detected, else one of FAMILIES
    id: str | None = None
    parity: str = "auto"  # auto, even, none
    on_bad_group: str = "drop_frame"  # drop_frame, drop_group
    stale_after: float = 60.0  # seconds
    contract: str | None = None  # BASE, EJP
    timezone: str = "Europe/Paris"
    expose_metering_point: bool = False
    expose_messages: bool = False
    loop: bool = False
    serial: SerialSettings = SerialSettings()


@dataclass(frozen=True, slots=True)
class WebConfig:
    listen_addresses: tuple[str, ...] = (":15402",)
    telemetry_path: str = "/metrics"
    max_requests: int = 40
    config_file: str | None = None
    show_ids: bool = False
    compatibility: str | None = None  # api_compteur_tic


@dataclass(frozen=True, slots=True)
class Config:
    meters: tuple[MeterConfig, ...]
    state_file: str | None = None
    save_interval: float = 600.0  # seconds
    web: WebConfig = WebConfig()
    pseudonymise_ids: bool = False
    pseudonymise_key_file: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend; lines and columns count from 1, and line 0 is a problem without a place in a file."""

    file: str
    line: int
    column: int
    path: str  # such as meters[1].baud_rate; empty for the file as a whole
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.message) if part)


class ConfigError(Exception):
    """Everything that is wrong with one configuration, one line per problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
