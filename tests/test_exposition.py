"""What Prometheus is shown of the meters, and when it is shown nothing."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from helpers import promtool_check_metrics
from helpers.feeding import PARIS, START, Fed
from helpers.lines import HISTORIC_ID, LINKY_HISTORIC, LINKY_STANDARD, frame
from tic_exporter import catalogue
from tic_exporter.exposition import ExporterCollector, MeterCollector, registry_of
from tic_exporter.meter import LINK_COUNTERS, LINK_STATES, Meter, MeterOptions
from tic_exporter.simulator import KINDS, SimulatedMeter

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

HISTORIC = frame(LINKY_HISTORIC)


def fed(*frames: bytes, name: str = "meter") -> Fed:
    return Fed(Meter(MeterOptions(name, zone=PARIS))).say(*frames)


def collector(*meters: Fed, later: float = 0.0) -> MeterCollector:
    now = max((meter.now for meter in meters), default=0.0) + later
    return MeterCollector(lambda: [meter.meter.snapshot for meter in meters], now=lambda: now)


def text_of(*meters: Fed, later: float = 0.0) -> str:
    return generate_latest(registry_of(collector(*meters, later=later))).decode()


def samples(*meters: Fed, later: float = 0.0) -> dict[tuple[str, ...], float]:
    """By the name and the values of the labels, `meter` left out."""
    return {
        (sample.name, *(value for label, value in sample.labels.items() if label != "meter")): sample.value
        for metric in collector(*meters, later=later).collect()
        for sample in metric.samples
    }


def test_every_counter_reason_and_state_is_there_at_0_before_any_byte() -> None:
    shown = samples(fed())
    expected = {
        (f"tic_{counter.name}_total", *([reason] if reason else [])): 0.0
        for counter in LINK_COUNTERS
        for reason in counter.reasons or ("",)
    }
    expected |= {("tic_link_state", state): float(state == "closed") for state in LINK_STATES}
    expected |= {("tic_up",): 0.0, ("tic_test_mode",): 0.0, ("tic_stale_after_seconds",): 60.0}
    assert expected == shown


def test_readings_carry_the_id_and_what_concerns_the_link_does_not() -> None:
    for metric in collector(fed(HISTORIC, HISTORIC, HISTORIC)).collect():
        for sample in metric.samples:
            is_reading = metric.name in {name.removesuffix("_total") for name in catalogue.READING_METRICS}
            assert "meter" == sample.labels["meter"]
            assert (HISTORIC_ID if is_reading else None) == sample.labels.get("meter_id")


def test_silence_withdraws_the_readings_and_keeps_the_counters_of_the_link() -> None:
    meter = fed()
    meter.meter.opened(port="/dev/ttyUSB0", baud_rate="1200")
    meter.say(HISTORIC, HISTORIC, HISTORIC)
    for later, is_up in ((0.0, 1.0), (60.0, 1.0), (60.1, 0.0), (1e6, 0.0)):
        shown = samples(meter, later=later)
        assert is_up == shown["tic_up",]
        assert (is_up == 1.0) == (("tic_apparent_power_import_voltamperes", HISTORIC_ID) in shown)
        assert (is_up == 1.0) == ("meter_id=" in text_of(meter, later=later))
        assert 3.0 == shown["tic_frames_total",]
        assert START + 6 == shown["tic_last_frame_timestamp_seconds",]
        assert (1.0 if is_up else 0.0) == shown["tic_link_state", "ok"]
        assert (0.0 if is_up else 1.0) == shown["tic_link_state", "mute"]
    meter.meter.closed()
    assert 1.0 == samples(meter, later=1e6)["tic_link_state", "closed"]


@pytest.mark.parametrize("state", LINK_STATES)
def test_exactly_one_state_of_a_link_is_1(state: str) -> None:
    meter = fed()
    if state != "closed":
        meter.meter.opened(port="/dev/ttyUSB0", baud_rate="1200")
    if state == "noise":
        meter.say(b"\x00")
        meter.meter.refresh()
    if state == "ok":
        meter.say(HISTORIC)
    shown = {name[1]: value for name, value in samples(meter).items() if name[0] == "tic_link_state"}
    assert {one: float(one == state) for one in LINK_STATES} == shown


def test_several_meters_share_their_families_and_keep_their_series_apart() -> None:
    text = text_of(fed(HISTORIC, HISTORIC, HISTORIC, name="a"), fed(name="b é"), fed(HISTORIC, name='c "quoted"'))
    assert 1 == text.count("# TYPE tic_up gauge")
    assert 'tic_up{meter="a"} 1.0\ntic_up{meter="b é"} 0.0\ntic_up{meter="c \\"quoted\\""} 1.0\n' in text
    assert [] == promtool_check_metrics(text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_meter_is_shown_without_a_finding_of_promtool_or_a_series_twice(kind: str) -> None:
    simulated = SimulatedMeter(kind, start=datetime(2026, 1, 14, 19))  # noqa: DTZ001 - legal time
    meter = fed()
    meter.meter.opened(port="/dev/ttyUSB0", baud_rate="1200")
    for _ in range(6):
        meter.say(simulated.next_frame())
    text = text_of(meter)
    assert 'tic_up{meter="meter"} 1.0' in text
    assert "meter_id=" in text
    assert "_created" not in text
    assert [] == promtool_check_metrics(text)
    series = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))


def described(metrics: object) -> dict[str, tuple[str, str]]:
    return {metric.name: (metric.type, metric.documentation) for metric in metrics}  # type: ignore[attr-defined]


def test_what_is_collected_was_described_with_the_same_type_and_help() -> None:
    meters = [fed(), fed(*[frame(LINKY_STANDARD)] * 3, name="standard")]
    everything = collector(*meters)
    promised = described(everything.describe())
    given = described(everything.collect())
    assert given.items() <= promised.items()
    exporter = ExporterCollector("1.0", "abc", lambda: {"tic_exporter_state_saves_total": 2.0})
    assert described(exporter.collect()).items() <= described(exporter.describe()).items()


def test_every_sample_has_the_labels_of_its_metric_in_the_catalogue() -> None:
    known = {m.name: m for m in (*catalogue.LINK_METRICS, *catalogue.LINK_TOTALS.values())}
    known |= catalogue.READING_METRICS
    meters = []
    for kind in KINDS:
        simulated = SimulatedMeter(kind, start=datetime(2026, 1, 14, 19))  # noqa: DTZ001 - legal time
        meter = fed(name=kind)
        meter.meter.opened(port="/dev/ttyUSB0", baud_rate="1200")
        for _ in range(4):
            meter.say(simulated.next_frame())
        meters.append(meter)
    for metric in collector(*meters).collect():
        for sample in metric.samples:
            own = set(sample.labels) - {"meter", "meter_id"}
            assert (sample.name, set(known[sample.name].labels)) == (sample.name, own)


def test_the_process_is_shown_beside_all_meters_and_not_beside_one() -> None:
    numbers = {"tic_exporter_config_last_reload_successful": 1.0, "tic_exporter_state_saves_total": 3.0}
    exporter = ExporterCollector("1.2.3", "abcdef", lambda: numbers)
    text = generate_latest(registry_of(collector(fed()), exporter)).decode()
    assert 'tic_exporter_build_info{python_version="3.' in text
    assert 'revision="abcdef",version="1.2.3"} 1.0' in text
    assert "tic_exporter_config_last_reload_successful 1.0" in text
    assert "tic_exporter_state_saves_total 3.0" in text
    assert "python_info{" in text
    assert "process_start_time_seconds" in text
    assert [] == promtool_check_metrics(text)
    assert "tic_exporter_" not in text_of(fed())
    assert "python_info" not in text_of(fed())


def test_both_formats_are_read_back_alike() -> None:
    registry = registry_of(collector(fed(HISTORIC, HISTORIC, HISTORIC)))

    def values(families: list[Metric]) -> dict[str, float]:
        return {f"{s.name}{sorted(s.labels.items())}": s.value for metric in families for s in metric.samples}

    classic = values(list(text_string_to_metric_families(generate_latest(registry).decode())))
    other = generate_openmetrics(registry).decode()  # type: ignore[no-untyped-call]
    assert classic == values(list(parse_openmetrics(other)))  # type: ignore[no-untyped-call]
    assert 3.6e9 in classic.values()


def test_many_scrapes_at_once_while_frames_come_never_see_half_a_frame() -> None:
    frames = [frame(LINKY_STANDARD, f"EAST\t{n:09}", f"EASF01\t{n:09}") for n in range(1, 150)]
    meter = fed(*frames[:3])
    done = threading.Event()
    torn: list[object] = []

    def scrape() -> None:
        while not done.is_set():
            shown = samples(meter)
            total = shown["tic_total_active_energy_import_joules_total", HISTORIC_ID]
            if shown["tic_active_energy_import_joules_total", HISTORIC_ID, "01"] != total:
                torn.append(shown)

    threads = [threading.Thread(target=scrape) for _ in range(3)]
    for thread in threads:
        thread.start()
    for one in frames[3:]:
        meter.say(one, after=0)
    done.set()
    for thread in threads:
        thread.join()
    assert not torn
