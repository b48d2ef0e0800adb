"""Simulated meters at pseudo-terminals, and what a receiver makes of an inverted line."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from tic_exporter.simulator import SimulatedMeter
from tic_exporter.simulator.pty import PtyLine

if TYPE_CHECKING:
    from contextlib import ExitStack

START = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - legal time, as the simulator takes it
FASTER = 6
GAP = 25  # bit times between two frames at 1200 Bd


def at_pty(kind: str, stack: ExitStack, **line: Any) -> str:  # noqa: ANN401 - arguments of both classes
    own = {name: line.pop(name) for name in ("baud_rate", "events") if name in line}
    meter = SimulatedMeter(kind, start=START, **own)
    return str(stack.enter_context(PtyLine(meter, **({"speed": FASTER} | line)).start()).path)


def as_inverted(frames: bytes, *, resumes: bool) -> bytes:
    """Give what a UART at the right speed makes of frames, a pause in front of each, with high for low.

    After a stop bit that is low it waits for a high level, or resumes at once if the character was no break.
    """
    levels: list[int] = []
    for code in frames:
        levels += [0] * GAP if code & 0x7F == 0x02 else []
        levels += [1, *(1 - (code >> bit & 1) for bit in range(8)), 0]
    read = []
    position, was_high = 0, True
    while position + 10 < len(levels):
        if not (was_high and levels[position] == 0):
            was_high = was_high or levels[position] == 1
            position += 1
            continue
        read.append(sum(level << bit for bit, level in enumerate(levels[position + 1 : position + 9])))
        position += 9
        was_high = levels[position] == 1 or (resumes and read[-1] != 0)
    return bytes(read)
