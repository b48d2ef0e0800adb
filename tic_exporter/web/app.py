"""What the exporter answers over HTTP; everything it shows is given to `build_app`."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import unquote

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ..config.paths import taken
from ..exposition import Exposition
from .handler import TEXT, App, Request, Response

# A client may ask for one meter, and learns of none by `None`.
Registry = Callable[[str | None], Collector | None]
# The name of each meter.
Meters = Callable[[], Sequence[str]]

_NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
_GZIP_LEVEL = 1  # 15,000 samples: 1 ms for 47 KiB; level 9 takes 36 ms for 40 KiB
_GZIP_FRAME = 16 + 13
_GZIP_MEMORY = 6
"""A window of 8 KiB, 64 KiB in all: zlib would take 256, which the heap of the thread then keeps. The text of one meter
becomes 2 % larger by it; that of a town, where the lines of a metric stand together, a sixth smaller."""


def build_app(
    *,
    registry: Registry,
    meters: Meters,
    ready: Callable[[], bool],
    telemetry_path: str = "/metrics",
    routes: Mapping[str, App] | None = None,
) -> App:
    """`registry` gets the name of one meter or None for all, and returns None for a meter it does not know.

    `routes` adds paths, above all "/", and wins over those that are here. A path of `routes` that ends in a slash,
    but for "/" alone, also takes what is below it. Raises ValueError where the metrics would hide another one: a
    configuration has no such path, as long as `config.paths` knows every route.
    """
    table: dict[str, App] = {
        "/sd": lambda request: _service_discovery(request, meters()),
        "/-/healthy": lambda _: _text(200, "Healthy"),
        "/-/ready": lambda _: _text(200, "Ready") if ready() else _text(503, "Not ready"),
        **(routes or {}),
    }
    path = unquote(telemetry_path)
    # The status page gives way to metrics at "/", as in other exporters.
    if (hidden := taken(path, table.keys() - {"/"})) is not None:
        raise ValueError(f"the metrics cannot be at {telemetry_path}: {hidden} is something else")
    table[path] = lambda request: _metrics(request, registry)
    return _routed(table, folders=routes or {})


def late(paths: Iterable[str], routes: Callable[[], Mapping[str, App]]) -> dict[str, App]:
    """Give handlers of these paths that are made, as `routes` says, when one of them is asked for the first time."""
    made: list[App] = []

    def app(request: Request) -> Response:
        if not made:
            table = routes()
            made.append(_routed(table, folders=table))
        return made[0](request)

    return dict.fromkeys(paths, app)


def _routed(table: Mapping[str, App], folders: Iterable[str]) -> App:
    """Ask the handler of the path, or that of a folder above it."""
    folders = [path for path in folders if path.endswith("/") and path != "/"]

    def app(request: Request) -> Response:
        path = request.path
        if path not in table:
            path = next((folder for folder in folders if path.startswith(folder)), path)
        handler = table.get(path)
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
    if wanted:
        collectors = _Restricted(collectors, frozenset(wanted))
    pieces = collectors.text(encode) if isinstance(collectors, Exposition) else [encode(collectors)]
    return _packed(request, Response(200, content_type, b"", (("Vary", "Accept, Accept-Encoding"),)), pieces)


def compressed(request: Request, response: Response) -> Response:
    """The same by gzip, for who accepts it."""
    return _packed(request, response, [response.body])


def _packed(request: Request, response: Response, pieces: Iterable[bytes]) -> Response:
    """The response with these pieces as its body: the text of a whole town is never there at once."""
    if not accepts_gzip(request.headers.get("accept-encoding", "")):
        return response._replace(body=b"".join(pieces))
    packer = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_FRAME, memLevel=_GZIP_MEMORY)
    body = b"".join([*map(packer.compress, pieces), packer.flush()])
    return response._replace(body=body, headers=(*response.headers, ("Content-Encoding", "gzip")))


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


def _service_discovery(request: Request, meters: Sequence[str]) -> Response:
    """One target per meter (Prometheus http_sd), at the address by which the client reached this one."""
    host = request.headers.get("host")
    if not host:
        return _text(400, "400 a Host header is needed")
    groups = [{"targets": [host], "labels": {"__param_meter": name}} for name in meters]
    return Response(200, "application/json", json.dumps(groups).encode())
