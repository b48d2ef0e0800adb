"""`tic_exporter.yml` -> frozen objects; all that is wrong is said at once, with its place and what was expected.

Whoever reads a file asks `config.loading`: it and the tables of keys stay out of a process that flags say all of.
"""

from .addresses import HIGHEST_PORT, ListenAddress, naming, parse_listen_address
from .model import FAMILIES, MOST_REQUESTS, Config, ConfigError, MeterConfig, Problem, SerialSettings, WebConfig
from .paths import parse_telemetry_path

__all__ = [
    "FAMILIES",
    "HIGHEST_PORT",
    "MOST_REQUESTS",
    "Config",
    "ConfigError",
    "ListenAddress",
    "MeterConfig",
    "Problem",
    "SerialSettings",
    "WebConfig",
    "naming",
    "parse_listen_address",
    "parse_telemetry_path",
]
