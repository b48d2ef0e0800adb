"""Paths of the URL: where the metrics may be, and where the exporter answers with something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .wording import shown

if TYPE_CHECKING:
    from collections.abc import Collection

OWN_PATHS = (
    "/sd",
    "/-/healthy",
    "/-/ready",
    "/static/",
    "/api/v1/meters",
    "/api/v1/meters/",
    # Of `compatibility: api_compteur_tic`, and kept free without it: it can be switched on later.
    "/get_interpretation",
    "/get_donnee",
    "/zabbix_autoconf",
)
"""Of one that ends in a slash, what is below it too. The status page at / gives way to metrics there."""

# path = "/" [ visible ASCII but "/" "?" "#" *( visible ASCII but "?" "#" ) ]   (the server takes // at the start for /)
_PATH = re.compile('/(?!/)[!-"$->@-~]*')


def parse_telemetry_path(text: str) -> str:
    """Give a path where the metrics may be, as it is written. Raises ValueError that says what was expected."""
    if not _PATH.fullmatch(text):
        expected = "a path in ASCII that begins with a single / and holds no ?, # or space, such as /metrics"
        raise ValueError(f"expected {expected}, not {shown(text)}")
    own = taken(unquote(text), OWN_PATHS)
    if own is not None:
        raise ValueError(f"expected a path such as /metrics, not {shown(text)}: {own} is the exporter's own")
    return text


def taken(path: str, routes: Collection[str]) -> str | None:
    """Find the route that answers at this path, which is without percent-encoding: itself, or a folder above it."""
    folders = (route for route in routes if route.endswith("/") and path.startswith(route))
    return path if path in routes else next(folders, None)
