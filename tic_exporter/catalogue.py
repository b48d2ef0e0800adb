"""Every metric there is, from the tables: name, type, help, dimensions. Exposition and documentation both read this."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .meter import LINK_COUNTERS, LINK_STATES
from .tic import quantities as q
from .tic.families import FAMILIES
from .tic.quantities import Quantity


class Metric(NamedTuple):
    """One metric family as users see it. `name` ends in `_total` for counters; `labels` are beside `meter`.

    `values` are those of the last label, where they are a closed list.
    """

    name: str
    type: str
    help: str
    labels: tuple[str, ...]
    values: tuple[str, ...] = ()


UP = Metric("tic_up", "gauge", "Whether a valid frame of this meter ended within its staleness limit", ())
LINK_STATE = Metric("tic_link_state", "gauge", "State of the line: one of its states is 1", ("state",), LINK_STATES)
LAST_FRAME = Metric(
    "tic_last_frame_timestamp_seconds", "gauge", "Unix time at which the last valid frame ended; absent before it", ()
)
LINK_INFO = Metric(
    "tic_link_info",
    "gauge",
    "How the line is read, once detected; always 1",
    ("port", "baud_rate", "parity", "family", "mode", "framing"),
)
TEST_MODE = Metric(
    "tic_test_mode", "gauge", "Whether the meter sends fictitious values; no reading is published then", ()
)
STALE_AFTER = Metric(
    "tic_stale_after_seconds", "gauge", "Seconds without a valid frame after which readings are withdrawn", ()
)
LINK_METRICS = (UP, LINK_STATE, LAST_FRAME, LINK_INFO, TEST_MODE, STALE_AFTER)
LINK_TOTALS = {
    counter.name: Metric(
        f"tic_{counter.name}_total", "counter", counter.help, ("reason",) if counter.reasons else (), counter.reasons
    )
    for counter in LINK_COUNTERS
}

BUILD_INFO = Metric(
    "tic_exporter_build_info", "gauge", "What is running; always 1", ("version", "revision", "python_version")
)
RELOAD_SUCCESSFUL = Metric(
    "tic_exporter_config_last_reload_successful", "gauge", "Whether the last reading of the configuration succeeded", ()
)
RELOAD_TIME = Metric(
    "tic_exporter_config_last_reload_success_timestamp_seconds",
    "gauge",
    "Unix time at which the configuration was last read with success",
    (),
)
STATE_SAVES = Metric("tic_exporter_state_saves_total", "counter", "Attempts to save the state file", ())
STATE_SAVE_FAILURES = Metric(
    "tic_exporter_state_save_failures_total", "counter", "Attempts to save the state file that failed", ()
)
EXPORTER_METRICS = (BUILD_INFO, RELOAD_SUCCESSFUL, RELOAD_TIME, STATE_SAVES, STATE_SAVE_FAILURES)


_INFO_LABELS = {
    q.METER_PHASES.metric: ("family", "mode", "manufacturer", "device_type", "year", "phases", "producer"),
    q.CONTRACT.metric: ("contract", "calendar"),
}


def _labels_of(quantity: Quantity) -> tuple[str, ...]:
    if quantity.metric in _INFO_LABELS:
        return _INFO_LABELS[quantity.metric]
    own = (quantity.value_dimension,) if quantity.value_dimension else ()
    return (*quantity.dimensions, *own)


def _labels_by_metric() -> dict[str, list[str]]:
    """Find the TIC labels that each metric comes from, in the order of the tables."""
    found: dict[str, dict[str, None]] = {name: {} for name in METRIC_OF.values()}
    for family in FAMILIES:
        for row in family.all_fields:
            if row.quantity in METRIC_OF:
                found[METRIC_OF[row.quantity]][row.label] = None
    return {metric: list(labels) for metric, labels in found.items()}


def _runs(labels: Iterable[str]) -> str:
    """Write labels as `EASF01…EASF10` where they are numbered."""
    runs: dict[str, list[str]] = {}
    for label in labels:
        runs.setdefault(re.sub(r"\d+", "#", label, count=1), []).append(label)
    return ", ".join(f"{run[0]}…{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs.values())


def _metric(quantity: Quantity, sources: Iterable[str]) -> Metric:
    origin = [part for part in (_runs(sources), f"OBIS {quantity.obis}" if quantity.obis else "") if part]
    text = f"{quantity.help} ({'; '.join(origin)})" if origin else quantity.help
    kind = "counter" if quantity.is_counter else "gauge"
    return Metric(quantity.metric, kind, text, _labels_of(quantity), quantity.states)


def _published() -> Sequence[Quantity]:
    """List the quantities that a family measures or that follow from others, in the order of their definition."""
    found = {row.quantity for family in FAMILIES for row in family.all_fields} | {q.CLOCK_OFFSET, q.REGISTER_LAST_SEEN}
    return [
        value for value in vars(q).values() if isinstance(value, Quantity) and value in found and value.is_published
    ]


METRIC_OF: dict[Quantity, str] = {quantity: quantity.metric for quantity in _published()}
"""The name of each, made once: a scrape asks tens of thousands of times."""


def _reading_metrics() -> dict[str, Metric]:
    labels = _labels_by_metric()
    return {name: _metric(quantity, labels[name]) for quantity, name in METRIC_OF.items()}


READING_METRICS: dict[str, Metric] = _reading_metrics()
"""By name; several quantities may fill one info metric."""


def as_markdown() -> str:
    """Write the reference of all metrics, as kept in docs/metrics.md."""
    sections = (
        ("Exporter", "Without the label `meter`.", EXPORTER_METRICS),
        (
            "Link",
            "These exist as soon as a meter is configured, each reason and state at 0; all carry `meter`.",
            (*LINK_METRICS, *LINK_TOTALS.values()),
        ),
        (
            "Readings",
            "These exist while the meter talks; all carry `meter` and `meter_id`. In brackets: TIC labels, and OBIS.",
            tuple(READING_METRICS.values()),
        ),
    )
    lines = ["# Metrics", "", "Made by `tic-exporter metrics` from the tables of the decoder; do not edit.", ""]
    for title, introduction, metrics in sections:
        lines += [f"## {title}", "", introduction, "", "| metric | type | labels | meaning |", "|---|---|---|---|"]
        for metric in metrics:
            labels = ", ".join(f"`{label}`" for label in metric.labels)
            values = f" = {', '.join(metric.values)}" if metric.values else ""
            text = metric.help.replace("|", "\\|")
            lines.append(f"| `{metric.name}` | {metric.type} | {labels}{values} | {text} |")
        lines.append("")
    return "\n".join(lines)
