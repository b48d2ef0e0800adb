"""What `corruption` found, as tables: numbers by model and by family, targets that were missed, examples."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest

from .damage_models import MILD, MODELS
from .lanes import PARITIES
from .tallies import COLUMNS, GROUPS, Example, Result, Row, Tally

LEAST_YIELD = 0.99
FEWEST_DUE = 100
"""Undamaged frames below which a yield says nothing."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A target that was missed, and by how much."""

    target: str
    where: str
    number: str


# --- targets ----------------------------------------------------------------------------------------------------------


def misses(result: Result) -> list[Miss]:
    """Name every target that was missed."""
    return [miss for (model, parity), row in result.rows.items() for miss in _row_misses(model, parity, row)]


def _row_misses(model: str, parity: str, row: Row) -> Iterator[Miss]:
    for name in COLUMNS[1:]:
        tally = row.columns[name]
        where = f"{model}, {parity}, ({'b' if name == 'values' else 'c'})"
        if tally.registers:
            yield Miss("no wrong register reading", where, f"{tally.registers:,} of {tally.readings:,} readings")
        if tally.ids:
            yield Miss("no wrong id", where, f"{tally.ids:,} of {tally.published:,} frames")
        share = tally.frame_yield
        if share is not None and tally.due >= FEWEST_DUE and share <= LEAST_YIELD:
            yield Miss("yield above 99 %", where, f"{share:.2%} of {tally.due:,} frames")
    tally = row.columns["all"]
    if model in MILD and parity == "even" and tally.wrong:
        yield Miss("no wrong reading", f"{model}, {parity}, (c)", f"{tally.wrong:,} of {tally.readings:,} readings")


# --- report -----------------------------------------------------------------------------------------------------------

_HEADS = ("frames", "undamaged", "published", "readings", "wrong", "wrong registers", "wrong ids", "yield")


def _cells(row: Row) -> list[str]:
    tallies = [row.columns[name] for name in COLUMNS]
    same = tallies[1] == tallies[2]

    def three(values: Sequence[str]) -> str:
        return " · ".join((values[0], "=" if same else values[1], values[2]))

    numbers = [
        [f"{getattr(tally, name):,}" for tally in tallies]
        for name in ("published", "readings", "wrong", "registers", "ids")
    ]
    return [f"{row.sent:,}", f"{row.undamaged:,}", *map(three, numbers), three([_percent(tally) for tally in tallies])]


def _percent(tally: Tally) -> str:
    share = tally.frame_yield
    return "–" if share is None else f"{share:.2%}"  # noqa: RUF001 - a dash for no number


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = len(_HEADS)) -> str:
    """Write a table whose last columns are numbers."""
    lines = [heads, ["---" if column < len(heads) - numbers else "---:" for column in range(len(heads))], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def report(result: Result) -> str:
    """Write the tables and the targets as Markdown."""
    order = sorted(result.rows, key=lambda key: (list(MODELS).index(key[0]), list(PARITIES).index(key[1])))
    models = [[*key, *_cells(result.rows[key])] for key in order]
    families = [[family, *_cells(row)] for family, row in sorted(result.families.items())]
    total = Row()
    for row in result.rows.values():
        total.add(row)
    parts = [
        f"{result.sent:,} frames. In each cell: (a) checksum only · (b) without parity · (c) the exporter.",
        _table(("model", "line", *_HEADS), [*models, ["all", "", *_cells(total)]]),
    ]
    stripped = [row for (_, parity), row in result.rows.items() if parity != "even"]
    if stripped and all(row.columns["values"] == row.columns["all"] for row in stripped):
        parts.append("On lines without parity (b) and (c) differ in nothing.")
    parts.append(_table(("family", *_HEADS), families))
    parts += [*_wrong_kinds(result), *_policies(result)]
    missed = misses(result)
    parts += [f"Missed: {miss.target}: {miss.where}: {miss.number}" for miss in missed] or ["All targets are met."]
    return "\n\n".join(parts)


def _wrong_kinds(result: Result) -> Iterator[str]:
    """Say what is wrong in (c): what kind of readings, under which model, how often."""
    rows: dict[str, Row] = {}
    for (model, _), row in result.rows.items():
        rows.setdefault(model, Row()).add(row)
    kinds = sorted({kind for row in rows.values() for kind in row.kinds})
    wrong = [(model, rows[model]) for model in MODELS if model in rows and rows[model].kinds]
    if wrong:
        heads = ("wrong in (c)", *kinds, "of a million readings")
        lines = [
            [
                model,
                *(f"{row.kinds.get(kind, 0):,}" for kind in kinds),
                f"{row.columns['all'].wrong / row.columns['all'].readings * 1e6:,.1f}",
            ]
            for model, row in wrong
        ]
        yield _table(heads, lines, len(kinds) + 1)


def _policies(result: Result) -> Iterator[str]:
    """Set the two policies for damaged frames side by side, where both were played."""
    rows = {key: row for key, row in result.rows.items() if GROUPS in row.columns}
    if not rows:
        return
    total = Row()
    for row in rows.values():
        total.add(row)
    lines = []
    for (model, parity), row in [*rows.items(), (("all", ""), total)]:
        pair = [row.columns["all"], row.columns[GROUPS]]
        numbers = [
            " · ".join(f"{getattr(tally, name):,}" for tally in pair)
            for name in ("published", "readings", "wrong", "registers", "ids")
        ]
        lines.append([model, parity, f"{row.sent:,}", *numbers])
    yield "In each cell: `drop_frame` · `drop_group`, both with everything else on."
    yield _table(("model", "line", "frames", *_HEADS[2:-1]), lines, 6)


def explain(examples: Sequence[Example], most: int) -> str:
    """Write examples, those of each model and class in turn so that the first ones differ."""
    groups: dict[tuple[str, str, str, str], list[Example]] = {}
    for example in examples:
        if example.column == "all" or (example.column == "values" and example.parity == "even"):
            groups.setdefault((example.what, example.model, example.parity, example.column), []).append(example)
    ordered = sorted(groups, key=lambda key: (("id", "register", "reading").index(key[0]), key))
    turns = zip_longest(*(groups[key] for key in ordered))
    chosen = [example for turn in turns for example in turn if example is not None][:most]
    return "\n\n".join(
        f"{example.what}, {example.model}, {example.parity}, ({'c' if example.column == 'all' else 'b'}), "
        f"{example.source} #{example.round}, frame {example.frame}\n  {example.series}\n"
        f"  published {example.published}, true {example.true}\n  came: {example.damaged}"
        for example in chosen
    )


def as_json(result: Result) -> str:
    """Write every number and example."""

    def rows(mapping: Mapping[str, Row]) -> dict[str, object]:
        return {name: asdict(row) for name, row in mapping.items()}

    content = {
        "frames": result.sent,
        "models": rows({f"{model}, {parity}": row for (model, parity), row in result.rows.items()}),
        "families": rows(result.families),
        "missed": [asdict(miss) for miss in misses(result)],
        "examples": [asdict(example) for example in result.examples],
    }
    return json.dumps(content, indent=1, ensure_ascii=False)
