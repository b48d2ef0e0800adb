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
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing import Pool
from pathlib import Path

from tic_exporter.simulator import KINDS

from .corruption_report import as_json, explain, misses, report
from .damage_models import MODELS
from .lanes import PARITIES, play
from .streams import Source, recorded, simulated
from .tallies import Result

FRAMES = 1_000_000
STREAM = 400
"""Frames of a stream: the three that confirm an id weigh little."""

_QUICK_STREAM = 300
_QUICK_SHARE = 4
_PROCESSES = 2
_RECORDED_TURNS = 20
"""Times that a recording is played, damaged otherwise: recordings are short."""
_MARKS = "<!-- corruption: begin -->", "<!-- corruption: end -->"


@dataclass(frozen=True, slots=True)
class Task:
    """One stream, the models that it goes through, and whether a reader that drops groups listens too."""

    source: Source
    models: tuple[str, ...]
    seed: int
    turn: int
    frames: int
    groups: bool = False


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
    return play(task.source, task.models, seed=task.seed, turn=task.turn, frames=task.frames, groups=task.groups)


def write_into(file: Path, text: str) -> None:
    """Put a report into a document, in the place of the one between its marks; ValueError where it has none."""
    begin, end = _MARKS
    before, found, rest = file.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{file}: no {begin} with {end} behind it")
    file.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


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
    if flags.drop_group:
        tasks = [replace(task, groups=True) for task in tasks]
    result = run(tasks, processes=flags.processes)
    text = report(result)
    print(text)
    if flags.into:
        write_into(flags.into, text)
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
    parser.add_argument(
        "--drop-group", action="store_true", help="let a reader with `on_bad_group: drop_group` listen too"
    )
    parser.add_argument("--processes", type=int, default=_PROCESSES)
    parser.add_argument(
        "--explain", type=int, nargs="?", const=20, metavar="N", help="show wrong samples (default: 20)"
    )
    parser.add_argument("--into", type=Path, metavar="FILE", help="put the tables between their marks in a document")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number and example")
    return parser


if __name__ == "__main__":
    sys.exit(main())
