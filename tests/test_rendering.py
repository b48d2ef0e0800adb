"""The text of a scrape is, byte for byte, what the client library makes of the same families."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.exposition import choose_encoder

from tic_exporter import catalogue, rendering
from tic_exporter.exposition import ExporterCollector, MeterCollector, registry_of
from tic_exporter.meter import LINK_COUNTERS, Snapshot

if TYPE_CHECKING:
    from tic_exporter.rendering import Encode
    from tic_exporter.tic.schema import Dimensions

OPENMETRICS = "application/openmetrics-text"
NOW = 1000.0
FORMATS = (
    "",
    "text/plain;version=0.0.4",
    OPENMETRICS,
    *(
        f"{kind};version={version};escaping={escaping}"
        for kind, version in (("text/plain", "1.0.0"), (OPENMETRICS, "1.0.0"), (OPENMETRICS, "2.0.0"))
        for escaping in ("allow-utf-8", "underscores", "dots", "values")
    ),
)

# Everything that has to be escaped, that ends a line for somebody, or that could be taken for a mark.
awkward = st.text(st.sampled_from('\\"\n\r\x00\x0b\x85\u2028{}=, aé漢'), max_size=6)
texts = st.one_of(awkward, st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
numbers = st.one_of(
    st.floats(),
    st.integers(-(2**60), 2**60),
    st.sampled_from([0.0, -0.0, 1e6, 999_999.9, math.nextafter(1e6, 0), 1e15, 1e16, 1e17, -1e6, 1e-5, 1e22]),
)
LABELS = {name: metric.labels for name, metric in catalogue.READING_METRICS.items()}
quantities = st.sampled_from(sorted(catalogue.METRIC_OF, key=lambda quantity: quantity.name))


@st.composite
def readings(draw: st.DrawFn) -> dict[tuple[object, Dimensions], float]:
    found: dict[tuple[object, Dimensions], float] = {}
    for quantity in draw(st.lists(quantities, max_size=8)):
        own = tuple((label, draw(texts)) for label in LABELS[quantity.metric])
        found[quantity, own] = draw(numbers)
    return found


counts = st.dictionaries(
    st.sampled_from([(counter.name, reason) for counter in LINK_COUNTERS for reason in counter.reasons or ("",)]),
    st.integers(0, 2**50),
    max_size=5,
)
links = st.dictionaries(st.sampled_from(catalogue.LINK_INFO.labels), texts)
snapshots = st.builds(
    Snapshot,
    meter=texts,
    stale_after=st.floats(0, 1e9),
    meter_id=texts,
    readings=readings(),
    counts=counts,
    is_open=st.booleans(),
    is_test=st.booleans(),
    last_frame_at=st.sampled_from([None, NOW]),
    last_frame_unix=st.one_of(st.none(), st.floats(0, 1e11)),
    last_byte_at=st.sampled_from([None, NOW]),
    link=links,
)


# What the system said of the process once: it changes from one look to the next.
PROCESS = list(
    registry_of(
        MeterCollector(list), ExporterCollector("1.0", 'a"b\\', lambda: {"tic_exporter_state_saves_total": 2e6})
    )._process.collect()
)


def encoder(accept: str) -> Encode:
    return choose_encoder(accept)[0]


@pytest.mark.parametrize("accept", FORMATS)
@settings(max_examples=50, deadline=None)
@given(shown=st.lists(snapshots, max_size=4), has_process=st.booleans())
def test_the_text_of_a_scrape_is_that_of_the_library(accept: str, shown: list[Snapshot], *, has_process: bool) -> None:
    everything = registry_of(MeterCollector(lambda: shown, now=lambda: NOW))
    if has_process:
        everything._process.register(rendering.Families(*PROCESS))
    encode = encoder(accept)

    assert encode(everything) == b"".join(everything.text(encode))


@settings(deadline=None)
@given(number=numbers)
def test_a_number_is_written_as_the_library_writes_it(number: float) -> None:
    from prometheus_client.utils import floatToGoString  # noqa: PLC0415 - beside what it is compared with

    assert floatToGoString(number) == rendering._number(number)  # type: ignore[no-untyped-call]


def test_names_that_a_client_wants_escaped_are_left_to_the_library() -> None:
    assert rendering.is_plain(encoder(""))
    assert rendering.is_plain(encoder(f"{OPENMETRICS};version=1.0.0;escaping=allow-utf-8"))
    assert not rendering.is_plain(encoder(f"{OPENMETRICS};version=1.0.0;escaping=dots"))


def test_a_town_does_not_make_the_cache_grow_without_end() -> None:
    for number in range(rendering._series.cache_parameters()["maxsize"] + 100):
        rendering.link_line("tic_link_info", (("port", f"socket://bridge:{number}"),), ("meter", ""), 1.0)

    assert rendering._series.cache_info().currsize <= rendering._series.cache_parameters()["maxsize"]
