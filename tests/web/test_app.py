import gzip
import json
import re
from collections.abc import Iterable, Iterator

import pytest
from loopback import complaints, get, hello, serving
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tic_exporter.web.app import accepts_gzip, build_app, late
from tic_exporter.web.server import App, BoundedServer, Request, Response

METERS = ("shop", "cellar & <attic>")
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


class Meters(Collector):
    def __init__(self, names: Iterable[str]) -> None:
        self.names = names

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("tic_up", "Help.", labels=["meter"])
        frames = CounterMetricFamily("tic_frames", "Help.", labels=["meter"])
        power = GaugeMetricFamily("tic_power_watts", "Help.", labels=["meter"], unit="watts")
        for name in self.names:
            for family in (up, frames, power):
                family.add_metric([name], 1)
        yield from (up, frames, power)


def registry(meter: str | None) -> CollectorRegistry | None:
    if meter is not None and meter not in METERS:
        return None
    collectors = CollectorRegistry()
    collectors.register(Meters(METERS if meter is None else [meter]))
    return collectors


def app_with(telemetry_path: str = "/metrics", routes: dict[str, App] | None = None, *, ready: bool = True) -> App:
    return build_app(
        registry=registry,
        meters=lambda: list(METERS),
        ready=lambda: ready,
        telemetry_path=telemetry_path,
        routes=routes,
    )


@pytest.fixture(scope="module")
def server() -> Iterator[BoundedServer]:
    with serving(app_with()) as running:
        yield running


# Telemetry


def test_metrics_are_plain_text_by_default(server: BoundedServer) -> None:
    answer = get(server)
    assert answer.status == 200
    assert re.match(r"text/plain; version=[0-9.]+; charset=utf-8", answer.headers["Content-Type"])
    assert b'tic_up{meter="shop"} 1.0\n' in answer.body
    assert b"# EOF" not in answer.body


def test_metrics_are_openmetrics_for_prometheus(server: BoundedServer) -> None:
    answer = get(server, headers={"Accept": PROMETHEUS})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=")
    assert answer.body.endswith(b"# EOF\n")


@pytest.mark.parametrize("version", ["x", "1.x", "", "1..0", "2.0.0", "0.0.0", "x\t y", "\xff"])
def test_any_version_asked_for_gets_metrics(
    version: str, server: BoundedServer, caplog: pytest.LogCaptureFixture
) -> None:
    for kind in ("application/openmetrics-text", "text/plain"):
        answer = get(server, headers={"Accept": f"{kind};version={version}"})
        assert answer.status == 200
        assert b"tic_up" in answer.body
    assert complaints(caplog.records) == []


def test_metrics_are_compressed_for_who_accepts_it(server: BoundedServer) -> None:
    plain = get(server)
    packed = get(server, headers={"Accept-Encoding": "deflate, gzip;q=0.5"})
    assert plain.headers["Content-Encoding"] is None
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert int(packed.headers["Content-Length"]) == len(packed.body)


def test_caches_are_told_what_an_answer_depends_on(server: BoundedServer) -> None:
    assert get(server).headers["Vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("header", ["gzip", "GZIP", "br, gzip", "gzip;q=1.0", "gzip ; q=0.001", "*", "*;q=0, gzip"])
def test_gzip_is_used_where_acceptable(header: str) -> None:
    assert accepts_gzip(header)


@pytest.mark.parametrize(
    "header", ["", "identity", "gzip;q=0", "gzip;q=0.000", "*, gzip;q=0", "*;q=0", "gzip;q=no", "gzip;q=nan", "xgzip"]
)
def test_gzip_is_not_used_where_refused_or_unclear(header: str) -> None:
    assert not accepts_gzip(header)


def test_head_of_metrics_has_the_headers_of_get(server: BoundedServer) -> None:
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        full, head = (get(server, method=method, headers=headers) for method in ("GET", "HEAD"))
        for answer in (full, head):
            del answer.headers["Date"]
        assert head.headers.items() == full.headers.items()
        assert head.body == b""


def series(body: bytes) -> list[str]:
    return re.findall(r"^tic[^ ]*", body.decode(), re.MULTILINE)


def test_name_filters_choose_metrics(server: BoundedServer) -> None:
    assert len(series(get(server).body)) == 3 * len(METERS)
    for accept in ("", PROMETHEUS):
        body = get(
            server, "/metrics?meter=shop&name[]=tic_power_watts&name%5B%5D=tic_frames_total", headers={"Accept": accept}
        ).body
        assert series(body) == ['tic_frames_total{meter="shop"}', 'tic_power_watts{meter="shop"}']
        assert b"tic_up" not in body
    assert get(server, "/metrics?name[]=nothing").body == b""


def test_meter_chooses_the_series_of_one_meter(server: BoundedServer) -> None:
    assert series(get(server, "/metrics?meter=shop").body) == [
        'tic_up{meter="shop"}',
        'tic_frames_total{meter="shop"}',
        'tic_power_watts{meter="shop"}',
    ]


@pytest.mark.parametrize("meter", ["nobody", "", "SHOP"])
def test_an_unknown_meter_is_not_found(meter: str, server: BoundedServer) -> None:
    answer = get(server, f"/metrics?meter={meter}")
    assert answer.status == 404
    assert answer.body.decode() == f"404 no meter is named {meter!r}\n"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_two_meters_in_one_request_are_refused(server: BoundedServer) -> None:
    assert get(server, "/metrics?meter=shop&meter=nobody").status == 400


def test_the_telemetry_path_can_be_chosen() -> None:
    with serving(app_with("/tic")) as server:
        assert b"tic_up" in get(server, "/tic").body
        assert get(server, "/metrics").status == 404


def test_telemetry_may_take_the_place_of_the_status_page() -> None:
    with serving(app_with("/", {"/": lambda _: Response(200, "text/html", b"")})) as server:
        assert b"tic_up" in get(server, "/").body


@pytest.mark.parametrize("path", ["/sd", "/%73d", "/-/healthy", "/-/ready", "/api", "/files/", "/files/%61"])
def test_telemetry_never_hides_another_path(path: str) -> None:
    with pytest.raises(ValueError, match=f"the metrics cannot be at {path}: "):
        app_with(path, dict.fromkeys(("/", "/api", "/files/"), hello))


@pytest.mark.parametrize("path", ["/files", "/api/", "/tic"])
def test_telemetry_may_be_beside_other_paths(path: str) -> None:
    with serving(app_with(path, dict.fromkeys(("/", "/api", "/files/"), hello))) as server:
        assert b"tic_up" in get(server, path).body


# The other routes


def test_health_and_readiness_are_told_apart() -> None:
    for ready, expected in ((True, (200, b"Ready\n")), (False, (503, b"Not ready\n"))):
        with serving(app_with(ready=ready)) as server:
            answer = get(server, "/-/ready")
            assert (answer.status, answer.body) == expected
            assert get(server, "/-/healthy").body == b"Healthy\n"


def test_service_discovery_gives_one_target_per_meter(server: BoundedServer) -> None:
    answer = get(server, "/sd", headers={"Host": "power.example:15402"})
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.body) == [
        {"targets": ["power.example:15402"], "labels": {"__param_meter": "shop"}},
        {"targets": ["power.example:15402"], "labels": {"__param_meter": "cellar & <attic>"}},
    ]


def test_service_discovery_needs_to_know_its_own_address(server: BoundedServer) -> None:
    assert get(server, "/sd", headers={"Host": ""}).status == 400


@pytest.mark.parametrize(
    "path", ["/nothing", "/metrics/", "/../metrics", "/%2e/metrics", "/%2e%2e/metrics", "/./metrics", "/METRICS", "/-/"]
)
def test_nothing_else_is_found(path: str, server: BoundedServer) -> None:
    assert get(server, path).status == 404


def test_doubled_slashes_never_redirect(server: BoundedServer) -> None:
    answer = get(server, "//metrics")
    assert answer.status == 200
    assert answer.headers["Location"] is None


def test_routes_can_be_made_when_they_are_asked_for_the_first_time() -> None:
    made: list[str] = []

    def routes() -> dict[str, App]:
        made.append("once")
        return {"/": hello, "/files/a": hello, "/folder/": hello}

    with serving(app_with(routes=late(("/", "/files/", "/folder/"), routes))) as server:
        assert 200 == get(server, "/metrics").status
        assert [] == made
        answers = [get(server, path) for path in ("/", "/files/a", "/folder/b", "/files/b", "/files/", "/other")]
        assert [200, 200, 200, 404, 404, 404] == [answer.status for answer in answers]
        assert [b"GET /", b"GET /files/a", b"GET /folder/b"] == [answer.body for answer in answers[:3]]
    assert ["once"] == made


@pytest.mark.parametrize("target", ["/%6detrics", "http://anywhere/metrics", "http://anywhere/%6Detrics?meter=shop"])
def test_a_route_is_found_however_its_path_is_written(server: BoundedServer, target: str) -> None:
    assert b"tic_up" in get(server, target).body


def test_a_telemetry_path_with_a_percent_sign_is_asked_for_as_it_is_configured() -> None:
    with serving(app_with("/a%20b")) as server:
        assert b"tic_up" in get(server, "/a%20b").body


def test_routes_can_be_added() -> None:
    with serving(app_with(routes={"/api": lambda _: Response(200, "application/json", b"{}")})) as server:
        assert get(server, "/api").body == b"{}"
        assert b"tic_up" in get(server, "/metrics").body


def test_a_route_that_ends_in_a_slash_takes_what_is_below_it_and_the_root_does_not() -> None:
    def name_of(request: Request) -> Response:
        return Response(200, "text/plain", request.path.encode())

    with serving(
        app_with(routes={"/": name_of, "/api/": name_of, "/api/own": lambda _: Response(204, "", b"")})
    ) as server:
        assert (200, b"/") == (get(server, "/").status, get(server, "/").body)
        assert b"/api/a/b/c" == get(server, "/api/a%2Fb/c").body
        assert 204 == get(server, "/api/own").status
        assert 404 == get(server, "/api").status
        assert 404 == get(server, "/nothing").status
