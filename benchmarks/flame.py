"""Where the time of decoding goes, as a flame graph: `python -m benchmarks.flame docs/images/decode.svg`.

The stack is looked at each millisecond of processor time while frames of a Linky in mode standard are read. A box is a
function, as wide as the share of samples in which it was on the stack; what it calls stands above it.
"""

import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path
from types import FrameType

from .decode import decode, frames_of

KIND = "linky-standard"
SECONDS = 15.0
STEP = 0.001
ROOT = "Meter.feed"
WIDTH, ROW = 1200, 18
LEAST = 0.002
"""Share of the samples below which a box is left out."""

Stack = tuple[str, ...]
Box = tuple[str, int, int, int]
"""Name, depth, first sample and number of samples."""


def sample() -> Counter[Stack]:
    """Count the stacks that were seen below `ROOT`, outermost first."""
    stacks: Counter[Stack] = Counter()

    def look(_signal: int, frame: FrameType | None) -> None:
        names: list[str] = []
        while frame is not None and (not names or names[-1] != ROOT):
            names.append(frame.f_code.co_qualname.replace(".<locals>", ""))
            frame = frame.f_back
        if names and names[-1] == ROOT:
            stacks[tuple(reversed(names))] += 1

    frames = frames_of(KIND)
    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, STEP, STEP)
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        decode(frames)
    signal.setitimer(signal.ITIMER_PROF, 0)
    return stacks


def boxes(stacks: Counter[Stack], depth: int = 0, first: int = 0) -> Iterator[Box]:
    """Lay out what stands at `depth`, widest first, and what stands above each."""
    by_name: dict[str, Counter[Stack]] = {}
    for stack, number in stacks.items():
        if len(stack) > depth:
            by_name.setdefault(stack[depth], Counter())[stack] += number
    for name, above in sorted(by_name.items(), key=lambda item: -item[1].total()):
        yield name, depth, first, above.total()
        yield from boxes(above, depth + 1, first)
        first += above.total()


def draw(stacks: Counter[Stack]) -> str:
    """Write the picture; a title on each box tells name and share."""
    total = stacks.total()
    drawn = [box for box in boxes(stacks) if box[3] >= LEAST * total]
    height = (max(depth for _, depth, _, _ in drawn) + 1) * ROW
    view = f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view}>',
        f"<title>Where the time of decoding {KIND} goes</title>",
    ]
    for name, depth, first, number in drawn:
        x, width = first / total * WIDTH, number / total * WIDTH
        y = height - (depth + 1) * ROW
        share = f"{escape(name)}: {number / total:.1%}"
        hue = 20 + sum(map(ord, name)) % 35
        text = escape(name if len(name) * 6 < width else name[: max(0, int(width / 6) - 1)])
        parts.append(
            f'<g><title>{share}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" '
            f'fill="hsl({hue},85%,68%)"/><text x="{x + 3:.1f}" y="{y + 12}">{text}</text></g>'
        )
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    stacks = sample()
    Path(sys.argv[1]).write_text(draw(stacks), encoding="utf-8")
    inside: Counter[str] = Counter()
    for stack, number in stacks.items():
        inside.update(dict.fromkeys(stack, number))
    for name, number in inside.most_common(20):
        print(f"{number / stacks.total():6.1%}  {name}")


if __name__ == "__main__":
    main()
