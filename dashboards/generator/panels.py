"""Panels as this project draws them: one function for each kind, over the builders of grafana-foundation-sdk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as d
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Say = Callable[[str, str], str]
"""Chooses the language: given the English and the French wording, gives one of them."""

Builder = Any
"""A panel that is being built: the SDK's builders share their methods, but no type."""

SOURCE = d.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, ORANGE, RED, BLUE, GREY, WHITE, YELLOW, PURPLE = (
    "green", "orange", "red", "blue", "#6e7079", "#f4f5f8", "yellow", "purple",
)  # fmt: skip
DASHED = {"custom.lineStyle": {"fill": "dash", "dash": [10, 8]}, "custom.fillOpacity": 0, "custom.lineWidth": 1}


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel.

    Args:
        expr: PromQL.
        legend: name of its series.
        instant: the value at the end of the range alone.
        look: properties of its series that differ from the panel's: unit, color, mappings, custom.….
    """

    expr: str
    legend: str = "{{meter}}"
    instant: bool = False
    look: Mapping[str, object] = field(default_factory=dict)


def paint(name: str) -> dict[str, object]:
    return {"color": {"mode": "fixed", "fixedColor": name}}


def steps(*rows: tuple[float | None, str]) -> dict[str, object]:
    """Colour a value by the step that it has reached: rows of value and colour, the first without a value."""
    return {
        "thresholds": {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in rows]},
        "color": {"mode": "thresholds"},
    }


def tariff_colors(panel: Builder) -> Builder:
    """Give Tempo's periods their colours, off-peak the darker one, by the code or by the name of the period."""
    for pattern, color in (
        ("/HC.*(BLEU|JB)/", "#1f60c4"), ("/HP.*(BLEU|JB)/", "#5794f2"), ("/HC.*(BLANC|JW)/", "#9fa7b3"),
        ("/HP.*(BLANC|JW)/", "#f4f5f8"), ("/HC.*(ROUGE|JR)/", "#c4162a"), ("/HP.*(ROUGE|JR)/", "#ff7383"),
    ):  # fmt: skip
        panel.override_by_regexp(pattern, _properties(paint(color)))
    return panel


def mapping(*rows: tuple[str, str, str]) -> list[dict[str, object]]:
    """Show text instead of a value: rows of value, text, colour."""
    options = {value: {"text": text, "color": color, "index": index} for index, (value, text, color) in enumerate(rows)}
    return [{"type": "value", "options": options}]


def link_states(say: Say) -> list[dict[str, object]]:
    return mapping(
        ("0", say("closed", "fermée"), RED),
        ("1", say("mute", "muette"), RED),
        ("2", say("noise", "bruit"), ORANGE),
        ("3", "ok", GREEN),
    )


def tempo_colors(say: Say) -> list[dict[str, object]]:
    return mapping(
        ("0", say("not known yet", "pas encore connue"), GREY),
        ("1", say("blue", "bleu"), BLUE),
        ("2", say("white", "blanc"), WHITE),
        ("3", say("red", "rouge"), RED),
    )


def time_series(
    unit: str, *queries: Query, stacked: bool = False, bars: bool = False, fill: int = 0, **size: int
) -> Builder:
    """Lines over time, or bars of a day each; `fill` is the opacity below a line, %."""
    panel = (
        _fill(timeseries.Panel(), unit, queries, size or {"w": 24, "h": 9})
        .line_width(2)
        .fill_opacity(70 if bars or stacked else fill)
        .show_points(c.VisibilityMode.NEVER)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(c.TooltipDisplayMode.MULTI).sort(c.SortOrder.DESCENDING))
    )
    if bars:
        panel.draw_style(c.GraphDrawStyle.BARS).bar_width_factor(0.8).bar_alignment(c.BarAlignment.AFTER)
    if stacked:
        panel.stacking(common.StackingConfig().mode(c.StackingMode.NORMAL).group("A")).line_width(1)
    return panel


def stats(unit: str, *queries: Query, spark: bool = True, names: bool = False, **size: int) -> Builder:
    """One tile for each series that exists: a meter that lacks a metric has no tile of it, not an empty one."""
    several = c.BigValueTextMode.NAME if names else c.BigValueTextMode.VALUE_AND_NAME
    return (
        _fill(stat.Panel(), unit, queries, size or {"w": 24, "h": 4})
        .reduce_options(_last())
        .graph_mode(c.BigValueGraphMode.AREA if spark else c.BigValueGraphMode.NONE)
        .color_mode(c.BigValueColorMode.VALUE)
        .text_mode(several)
        .justify_mode(c.BigValueJustifyMode.CENTER)
    )


def bar_gauge(unit: str, *queries: Query, **size: int) -> Builder:
    """Horizontal bars, the longest first."""
    return (
        _fill(bargauge.Panel(), unit, queries, size or {"w": 12, "h": 9})
        .reduce_options(_last())
        .orientation(c.VizOrientation.HORIZONTAL)
        .display_mode(c.BarGaugeDisplayMode.GRADIENT)
        .name_placement(c.BarGaugeNamePlacement.LEFT)
        .min(0)
    )


def timeline(*queries: Query, **size: int) -> Builder:
    """What holds when: one strip for each series."""
    return (
        _fill(statetimeline.Panel(), "none", queries, size or {"w": 24, "h": 7})
        .merge_values(True)
        .show_value(c.VisibilityMode.AUTO)
        .row_height(0.8)
        .fill_opacity(80)
        .legend(common.VizLegendOptions().show_legend(False))
    )


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `name` is the label, or `Value #A` for the value of query A."""

    name: str
    title: str
    look: Mapping[str, object] = field(default_factory=dict)


def rows(
    queries: Sequence[Query], columns: Sequence[Column], *, sort: str = "", hidden: str = "", **size: int
) -> Builder:
    """A table with a row a meter: queries are merged by their labels; only `columns` and `hidden` remain."""
    order = {column.name: place for place, column in enumerate(columns)}
    names = {column.name: column.title for column in columns}
    keep = [*order, *([hidden] if hidden else [])]
    panel = _fill(table.Panel(), "none", queries, size or {"w": 24, "h": 8}, is_table=True)
    panel.with_transformation(d.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(
        d.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": keep}})
    )
    panel.with_transformation(
        d.DataTransformerConfig(id_val="organize", options={"indexByName": order, "renameByName": names})
    )
    for column in columns:
        if column.look:
            panel.override_by_name(column.title, _properties(column.look))
    if hidden:
        panel.override_by_name(hidden, _properties({"custom.hidden": True}))
    if sort:
        panel.sort_by([common.TableSortByFieldState().display_name(sort).desc(True)])
    return panel


def row(title: str, *panels: Builder) -> Builder:
    """Title a part of the dashboard; with `panels`, one that is folded until somebody asks for it."""
    builder = dashboard.Row(title)
    for panel in panels:
        builder.with_panel(panel)
    return builder


def _fill(
    panel: Builder, unit: str, queries: Sequence[Query], size: Mapping[str, int], *, is_table: bool = False
) -> Builder:
    panel.datasource(SOURCE).unit(unit).span(size["w"]).height(size["h"])
    for letter, query in zip("ABCDEFGHIJKL", queries, strict=False):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(letter)
        target = target.instant() if query.instant or is_table else target.range()
        panel.with_target(target.format(PromQueryFormat.TABLE if is_table else PromQueryFormat.TIME_SERIES))
        if query.look:
            panel.override_by_query(letter, _properties(query.look))
    return panel


def _properties(look: Mapping[str, object]) -> list[d.DynamicConfigValue]:
    return [d.DynamicConfigValue(id_val=name, value=value) for name, value in look.items()]


def _legend() -> Builder:
    return (
        common.VizLegendOptions()
        .display_mode(c.LegendDisplayMode.LIST)
        .placement(c.LegendPlacement.BOTTOM)
        .show_legend(True)
    )


def _last() -> Builder:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("")
