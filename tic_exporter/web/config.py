"""`web-config.yml` of Prometheus' exporter-toolkit -> frozen settings; no message shows a secret."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..config import ConfigError, Problem, checks
from ..config.checks import boolean, integer
from ..config.findings import Finding, refusal
from ..config.loading import checked, read_text
from ..config.nodes import Node, Scalar, describe
from ..config.sections import entry_of, section, step_to
from .auth import Users, users
from .tls_checks import Seen, fingerprint, tls_server_config

if TYPE_CHECKING:
    from ..config.findings import Checker
    from ..config.sections import Table

Headers = tuple[tuple[str, str], ...]

# Go's time.ParseDuration, without a sign:  duration = "0" / 1*( number unit )
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(rf"([0-9]{{1,9}}(?:\.[0-9]{{0,9}})?|\.[0-9]{{1,9}})({'|'.join(_UNITS)})")
_DURATION = re.compile(rf"(?:{_PART.pattern}){{1,9}}")
_HEADER_VALUE = re.compile("[!-~](?:[ -~]{0,8190}[!-~])?")
# A YAML message may quote what stands in the file, such as *name of an alias that is a password without quotes.
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|[*&]\S+""")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token each `interval` seconds, and at most `burst` of them; no limit with 0."""

    interval: float = 0.0
    burst: int = 0


@dataclass(frozen=True, slots=True)
class HttpSettings:
    http2: bool = False
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class WebSettings:
    """A web configuration in force; all defaults are those of none."""

    tls_server_config: ssl.SSLContext | None = None
    http_server_config: HttpSettings = HttpSettings()
    basic_auth_users: Users = field(default_factory=lambda: MappingProxyType({}), repr=False)
    rate_limit: RateLimit = RateLimit()


def load(path: str, seen: Seen | None = None) -> WebSettings:
    """Read and check a file; raises ConfigError alone. `seen` gets every file it depends on, as it was before."""
    seen = {} if seen is None else seen
    seen[Path(path)] = fingerprint(Path(path))
    text = read_text(path)
    from ..config.document import UnreadableError, compose  # noqa: PLC0415 - PyYAML is loaded only where files are read

    try:
        root = compose(text)
    except UnreadableError as error:
        raise ConfigError([Problem(path, *error.mark, "", _QUOTED.sub("…", error.message))]) from None
    settings: WebSettings = checked(_top(Path(path).parent, seen), root, path)
    return settings


def _top(folder: Path, seen: Seen) -> Checker:
    tables: dict[str, Table] = {}
    tls = tls_server_config(folder, seen, tables)
    tables["http_server_config.headers"] = _HEADERS
    tables["http_server_config"] = (
        ("http2", boolean),
        ("headers", section(_headers, _HEADERS, lambda: tables)),
    )
    tables["rate_limit"] = (("interval", _interval), ("burst", integer(0, 1_000_000)))
    tables[""] = (
        ("tls_server_config", tls),
        ("http_server_config", section(HttpSettings, tables["http_server_config"], lambda: tables)),
        ("basic_auth_users", users),
        ("rate_limit", section(RateLimit, tables["rate_limit"], lambda: tables, rule=_burst)),
    )
    return section(WebSettings, tables[""], lambda: tables)


def _header(expected: str, accepts: Callable[[str], object]) -> Checker:
    """A blank value leaves the header out, as the toolkit's documentation has it."""
    check = checks.text(expected, lambda value: not value or accepts(value))
    return lambda node: "" if isinstance(node, Scalar) and node.tag == "null" else check(node)


_ANY_VALUE = _header("a value of printable ASCII characters without spaces at its ends", _HEADER_VALUE.fullmatch)
_HEADERS: Table = (
    ("Strict-Transport-Security", _ANY_VALUE),
    ("X-Content-Type-Options", _header("nosniff", {"nosniff"}.__contains__)),
    ("X-Frame-Options", _header("deny or sameorigin", {"deny", "sameorigin"}.__contains__)),
    ("X-XSS-Protection", _ANY_VALUE),
    ("Content-Security-Policy", _ANY_VALUE),
)


def _headers(**values: str) -> Headers:
    return tuple((name, value) for name, value in values.items() if value)


def _interval(node: Node) -> float:
    """Seconds. A number without a unit, which the toolkit takes for nanoseconds, is no duration here."""
    if isinstance(node, Scalar) and node.tag in {"str", "int"}:
        if node.text == "0":
            return 0.0
        if _DURATION.fullmatch(node.text):
            return sum(float(count) * _UNITS[unit] for count, unit in _PART.findall(node.text))
    raise refusal(node, f"expected a duration with its unit, such as 1s, 100ms or 1m30s, or 0, not {describe(node)}")


def _burst(node: Node) -> list[Finding]:
    interval, burst = entry_of(node, "interval"), entry_of(node, "burst")
    is_limited = interval is not None and getattr(interval.value, "text", "") != "0"
    if not is_limited or getattr(burst and burst.value, "text", "0") != "0":
        return []
    mark = burst.value.mark if burst else node.mark
    return [Finding(mark, step_to("burst"), "expected at least 1: with an interval, none would refuse all requests")]
