"""Damage may only remove readings, never alter one: `python -m benchmarks.corruption`.

Simulated frames of every kind of meter, and recordings where a folder of them is given, go through every model of
damage, with even parity in bit 7 and with bit 7 taken off. Three readers hear the same bytes:

(a) checksum only: what most programs do; each group whose checksum is right is published;
(b) strict values, whole frames and plausibility, parity ignored;
(c) everything on, parity found out by itself.

Every sample that is published after a frame is compared with what is true; `truth` states the rules. The tables show
a · b · c side by side, `=` for b where all its numbers are those of c. The yield is the part of the undamaged frames
(bytes unchanged, delimiters included) that were published, once three frames have confirmed the id.

Status 1 when a target is missed: not one wrong register reading and not one wrong id, under any model, with parity or
without; not one wrong reading of any kind with parity at bit error rates up to 1e-3; a yield above 99 %.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from multiprocessing import Pool
from pathlib import Path

from tic_exporter.simulator import KINDS

from .damage_models import MILD, MODELS
from .lanes import PARITIES, play
from .streams import Source, recorded, simulated
from .tallies import COLUMNS, Example, Result, Row, Tally

FRAMES = 1_000_000
STREAM = 400
"""Frames of a stream: the three that confirm an id weigh little."""
LEAST_YIELD = 0.99
FEWEST_DUE = 100
"""Undamaged frames below which a yield says nothing."""

_QUICK_STREAM = 300
_QUICK_SHARE = 4
_PROCESSES = 2
_RECORDED_TURNS = 20
"""Times that a recording is played, damaged otherwise: recordings are short."""


@dataclass(frozen=True, slots=True)
class Task:
    """One stream, and the models that it goes through."""

    source: Source
    models: tuple[str, ...]
    seed: int
    turn: int
    frames: int


@dataclass(frozen=True, slots=True)
class Miss:
    """A target that was missed, and by how much."""

    target: str
    where: str
    number: str


def plan(sources: Sequence[Source], models: Sequence[str], *, seed: int, frames: int) -> list[Task]:
    """Share `frames` out: every source in turn under every model, and again with another seed; at least once."""
    each = len(models) * len(PARITIES)
    turns = max(1, -(-frames // (len(sources) * each * STREAM)))
    length = max(1, -(-frames // (len(sources) * each * turns)))
    return [Task(source, tuple(models), seed, turn, length) for turn in range(turns) for source in sources]


def quick_plan(sources: Sequence[Source], models: Sequence[str], *, seed: int) -> list[Task]:
    """Give each source every fourth model only, in turn, so that each model meets every fourth source."""
    share = min(_QUICK_SHARE, len(models))
    return [
        Task(source, tuple(models[number % share :: share]), seed, 0, _QUICK_STREAM)
        for number, source in enumerate(sources)
    ]


def run(tasks: Sequence[Task], *, processes: int = _PROCESSES) -> Result:
    """Play all streams; the result does not depend on how many processes share them."""
    total = Result()
    if processes == 1:
        for result in map(_play, tasks):
            total.add(result)
        return total
    with Pool(processes) as pool:
        for number, result in enumerate(pool.imap(_play, tasks, chunksize=1), start=1):
            total.add(result)
            print(f"{number} of {len(tasks)} streams, {total.sent:,} frames", end="\r", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return total


def _play(task: Task) -> Result:
    return play(task.source, task.models, seed=task.seed, turn=task.turn, frames=task.frames)


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


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---" if column < len(heads) - len(_HEADS) else "---:" for column in range(len(heads))], *rows]
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
    missed = misses(result)
    parts += [f"Missed: {miss.target}: {miss.where}: {miss.number}" for miss in missed] or ["All targets are met."]
    return "\n\n".join(parts)


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


def main(words: Sequence[str] | None = None) -> int:
    flags = _parser().parse_args(words)
    sources = simulated(tuple(flags.kinds))
    models = tuple(flags.models or MODELS)
    tasks = (
        quick_plan(sources, models, seed=flags.seed)
        if flags.quick
        else plan(sources, models, seed=flags.seed, frames=flags.frames)
    )
    for folder in flags.captures:
        tasks += [
            Task(source, models, flags.seed, turn, STREAM)
            for turn in range(_RECORDED_TURNS)
            for source in recorded(folder)
        ]
    result = run(tasks, processes=flags.processes)
    print(report(result))
    if flags.explain is not None:
        print("\n" + explain(result.examples, flags.explain))
    if flags.json:
        flags.json.write_text(as_json(result), encoding="utf-8")
    return 1 if misses(result) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corruption", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="a small run: every kind, and every model, within a minute"
    )
    parser.add_argument("--frames", type=int, default=FRAMES, help="in all, at least (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=[], metavar="KIND")
    parser.add_argument("--models", nargs="+", choices=tuple(MODELS), default=[], metavar="MODEL")
    parser.add_argument(
        "--captures", type=Path, action="append", default=[], metavar="FOLDER", help="recordings (*.tic)"
    )
    parser.add_argument("--processes", type=int, default=_PROCESSES)
    parser.add_argument(
        "--explain", type=int, nargs="?", const=20, metavar="N", help="show wrong samples (default: 20)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number and example")
    return parser


if __name__ == "__main__":
    sys.exit(main())
