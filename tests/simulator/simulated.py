from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tic_exporter.simulator import SimulatedMeter
from tic_exporter.tic.decoding import Decoder
from tic_exporter.tic.frames import DecodedFrame
from tic_exporter.tic.framing import Framer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tic_exporter.simulator import Events

WINTER = "2024-01-17T05:31:12"


def meter(
    kind: str,
    start: str = WINTER,
    *,
    contract: str | None = None,
    seed: int = 3,
    events: Events | None = None,
    producer: bool = False,
) -> SimulatedMeter:
    at = datetime.fromisoformat(start)
    return SimulatedMeter(kind, seed=seed, start=at, contract=contract, events=events, producer=producer)


def decode(frames: Iterable[bytes]) -> list[DecodedFrame]:
    """What the decoder of the core makes of a stream."""
    framer, decoder = Framer(), Decoder()
    return [decoder.decode(raw) for frame in frames for raw in framer.feed(frame)]


def values(simulated: SimulatedMeter) -> dict[str, str]:
    """The next frame's values by label."""
    simulated.next_frame()
    return {group.label: group.value for group in simulated.groups}


def over(simulated: SimulatedMeter, seconds: float, step: float) -> list[dict[str, str]]:
    """The values of a frame every `step` seconds."""
    rows = []
    for _ in range(int(seconds / step)):
        rows.append(values(simulated))
        simulated.advance(step - simulated.line_time)
    return rows
