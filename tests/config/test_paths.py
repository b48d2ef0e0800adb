"""Where the metrics may be, beside what else the exporter answers."""

from __future__ import annotations

import pytest

from tic_exporter.config.paths import OWN_PATHS, parse_telemetry_path


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/metrics", "/metrics/", "/tic/metrics", "/a%20b", "/%zz", "/100%"),
        # Beside the exporter's own, not at them.
        *("/sd/", "/sd2", "/SD", "/-/", "/-/healthy/", "/static", "/api/v1", "/api/v1/meters2", "/%2Fsd", "/%2573d"),
    ],
)
def test_the_metrics_may_be_at_any_path_that_is_free(path: str) -> None:
    assert path == parse_telemetry_path(path)


@pytest.mark.parametrize(
    "path",
    [
        *("", "metrics", "//metrics", "//", "?", "/a?b", "/a#b", "/a b", "/a\tb", "/a\n", "/\0", "/\x7f", "/é"),
        *("http://host/metrics", "C:/metrics"),
    ],
)
def test_what_is_no_path_is_named_with_what_was_expected(path: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a path in ASCII that begins with .* such as /metrics, not ") as it:
        parse_telemetry_path(path)
    assert str(it.value).endswith((f'not "{path}"', f"not {path!r}"))


@pytest.mark.parametrize("own", OWN_PATHS)
def test_a_path_of_the_exporters_own_is_refused_however_it_is_written(own: str) -> None:
    encoded = own[0] + "".join(f"%{ord(letter):02x}" for letter in own[1:])
    for path in (own, encoded):
        with pytest.raises(ValueError, match=f'such as /metrics, not "{path}": {own} is the exporter\'s own$'):
            parse_telemetry_path(path)


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/%73d", "/sd"),
        ("/%2D/ready", "/-/ready"),
        ("/static/page.css", "/static/"),
        ("/static/none", "/static/"),
        ("/static%2fpage.css", "/static/"),
        ("/api/v1/meters/shop", "/api/v1/meters/"),
    ],
)
def test_what_is_below_a_folder_of_the_exporters_is_its_own_too(path: str, own: str) -> None:
    with pytest.raises(ValueError, match=f"{own} is the exporter's own"):
        parse_telemetry_path(path)
