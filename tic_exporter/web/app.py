"""What the exporter answers over HTTP; everything it shows is given to `build_app`."""

import gzip
import html
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from .handler import TEXT, App, Request, Response

# A client may ask for one meter, and learns of none by `None`.
Registry = Callable[[str | None], CollectorRegistry | None]
# Name and link state of each meter.
Meters = Callable[[], Sequence[tuple[str, str]]]

_NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
_STRICT_CONTENT = ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
_GZIP_LEVEL = 1  # 15,000 samples: 1 ms for 47 KiB; level 9 takes 36 ms for 40 KiB

_LINK_STATES = {
    "closed": "port not open",
    "mute": "port open, nothing is received",
    "noise": "bytes are received, but no valid frame",
    "ok": "valid frames are received",
}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>tic_exporter</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font-family: sans-serif; margin: 2em auto; max-width: 50em; padding: 0 1em }}
td, th {{ padding: .2em 2em .2em 0; text-align: left }}
</style>
</head>
<body>
<h1>tic_exporter</h1>
<p>Prometheus exporter for the TIC output of French electricity meters, version {version}</p>
<ul>
{links}
</ul>
<table>
<tr><th>Meter</th><th>Link</th></tr>
{meters}
</table>
</body>
</html>
"""


def build_app(
    *,
    registry: Registry,
    meters: Meters,
    ready: Callable[[], bool],
    version: str,
    telemetry_path: str = "/metrics",
    routes: Mapping[str, App] | None = None,
) -> App:
    """`registry` gets the name of one meter or None for all, and returns None for a meter it does not know.

    `routes` adds paths; of two handlers for one path the later wins in the order: own pages, `routes`, telemetry.
    """
    if not telemetry_path.startswith("/") or "?" in telemetry_path:
        raise ValueError(f"telemetry path {telemetry_path!r}: expected a path such as /metrics")
    table: dict[str, App] = {
        "/": lambda _: _landing_page(meters(), version, telemetry_path),
        "/sd": lambda request: _service_discovery(request, meters()),
        "/-/healthy": lambda _: _text(200, "Healthy"),
        "/-/ready": lambda _: _text(200, "Ready") if ready() else _text(503, "Not ready"),
        **(routes or {}),
        telemetry_path: lambda request: _metrics(request, registry),
    }

    def app(request: Request) -> Response:
        handler = table.get(request.path)
        return _text(404, "404 page not found") if handler is None else handler(request)

    return app


def _text(status: int, line: str) -> Response:
    return Response(status, TEXT, f"{line}\n".encode(), (_NO_SNIFFING,))


class _Restricted(Collector):
    """The samples with these names.

    `restricted_registry` finds only collectors that can tell their names before they collect.
    """

    def __init__(self, collectors: Collector, names: frozenset[str]) -> None:
        self._collectors = collectors
        self._names = names

    def collect(self) -> Iterator[Metric]:
        for metric in self._collectors.collect():
            samples = [sample for sample in metric.samples if sample.name in self._names]
            if samples:
                restricted = Metric(metric.name, metric.documentation, metric.type, metric.unit)
                restricted.samples = samples
                yield restricted


def _metrics(request: Request, registry: Registry) -> Response:
    names = request.query.get("meter", [None])
    if len(names) > 1:
        return _text(400, "400 one meter at a time")
    collectors = registry(names[0])
    if collectors is None:
        return _text(404, f"404 no meter is named {names[0]!r}")
    accept = request.headers.get("accept", "")
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # of a version that is not made of numbers
        encode, content_type = choose_encoder("")
    wanted = request.query.get("name[]")
    body = encode(_Restricted(collectors, frozenset(wanted)) if wanted else collectors)
    headers = [("Vary", "Accept, Accept-Encoding")]
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        headers.append(("Content-Encoding", "gzip"))
        body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
    return Response(200, content_type, body, tuple(headers))


def accepts_gzip(accept_encoding: str) -> bool:
    """RFC 9110 12.5.3: a weight of 0 means "not acceptable", `*` stands for what is not named."""
    weights: dict[str, float] = {}
    for item in accept_encoding.lower().split(","):
        coding, _, parameter = item.partition(";")
        name, _, weight = parameter.partition("=")
        try:
            weights[coding.strip()] = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _service_discovery(request: Request, meters: Sequence[tuple[str, str]]) -> Response:
    """One target per meter (Prometheus http_sd), at the address by which the client reached this one."""
    host = request.headers.get("host")
    if not host:
        return _text(400, "400 a Host header is needed")
    groups = [{"targets": [host], "labels": {"__param_meter": name}} for name, _ in meters]
    return Response(200, "application/json", json.dumps(groups).encode())


def _landing_page(meters: Sequence[tuple[str, str]], version: str, telemetry_path: str) -> Response:
    """Links are relative, so that the page works behind a proxy that adds a prefix."""
    metrics = "." + html.escape(telemetry_path)
    links = {"Metrics": metrics, "Service discovery": "./sd", "Health": "./-/healthy", "Readiness": "./-/ready"}
    page = _PAGE.format(
        version=html.escape(version),
        links="\n".join(f'<li><a href="{link}">{text}</a></li>' for text, link in links.items()),
        meters="\n".join(
            f'<tr><td><a href="{metrics}?meter={quote(name, safe="")}">{html.escape(name)}</a></td>'
            f"<td>{html.escape(_LINK_STATES.get(state, state))}</td></tr>"
            for name, state in meters
        ),
    )
    return Response(200, "text/html; charset=utf-8", page.encode(), (_STRICT_CONTENT, _NO_SNIFFING))
