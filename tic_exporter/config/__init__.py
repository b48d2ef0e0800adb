"""`tic_exporter.yml` -> frozen objects; all that is wrong is said at once, with its place and what was expected."""

from .addresses import HIGHEST_PORT, ListenAddress, naming, parse_listen_address
from .loading import load, parse, single_meter
from .model import FAMILIES, MOST_REQUESTS, Config, ConfigError, MeterConfig, Problem, SerialSettings, WebConfig
from .paths import parse_telemetry_path
from .tables import TABLES

__all__ = [
    "FAMILIES",
    "HIGHEST_PORT",
    "MOST_REQUESTS",
    "TABLES",
    "Config",
    "ConfigError",
    "ListenAddress",
    "MeterConfig",
    "Problem",
    "SerialSettings",
    "WebConfig",
    "load",
    "naming",
    "parse",
    "parse_listen_address",
    "parse_telemetry_path",
    "single_meter",
]
