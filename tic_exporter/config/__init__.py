"""`tic_exporter.yml` -> frozen objects; all that is wrong is said at once, with its place and what was expected."""

from .loading import load, parse, single_meter
from .model import FAMILIES, Config, ConfigError, MeterConfig, Problem, SerialSettings, WebConfig
from .tables import TABLES

__all__ = [
    "FAMILIES",
    "TABLES",
    "Config",
    "ConfigError",
    "MeterConfig",
    "Problem",
    "SerialSettings",
    "WebConfig",
    "load",
    "parse",
    "single_meter",
]
