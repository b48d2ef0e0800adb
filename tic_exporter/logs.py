"""Logs as Go programs write them: logfmt or JSON, one line for each change of state."""

import json
import logging
import re
import sys
import time
from collections.abc import Callable
from typing import TextIO

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
FORMATS = ("logfmt", "json")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")
_NAMES = {"WARNING": "WARN", "CRITICAL": "ERROR"}


def set_up(level: str, style: str, stream: TextIO | None = None) -> None:
    """Send the package's logs to `stream`, standard error if None."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter(as_json=style == "json"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])


def add_filter(change: Callable[[logging.LogRecord], bool]) -> None:
    """Have every record pass through `change` before it is written."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(change)


def remove_filter(change: Callable[[logging.LogRecord], bool]) -> None:
    for handler in logging.getLogger().handlers:
        handler.removeFilter(change)


class _Formatter(logging.Formatter):
    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields: dict[str, object] = {
            "time": f"{seconds}.{int(record.msecs):03}Z",
            "level": _NAMES.get(record.levelname, record.levelname),
            "logger": record.name.removeprefix("tic_exporter."),
            "msg": record.getMessage(),
        }
        fields |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        if self._as_json:
            return _printable(json.dumps(fields, default=str, ensure_ascii=False))
        return " ".join(f"{name}={_quoted(str(value))}" for name, value in fields.items())


def _quoted(text: str) -> str:
    """Quote what is not one plain word, so that a line of log is one line."""
    return text if _PLAIN.fullmatch(text) else _printable(json.dumps(text, ensure_ascii=False))


def _printable(text: str) -> str:
    """Escape what JSON leaves: what a terminal obeys (U+009B is ESC [), and halves of pairs, which no file takes."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))
