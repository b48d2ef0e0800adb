"""A recording through the very pipeline of serving, in the time that its bytes took on the line."""

from collections.abc import Iterable, Iterator

from .legal_time import LegalTime
from .meter import Meter
from .sources import BITS_PER_CHARACTER, line_speed
from .tic import quantities as q
from .tic.codecs import LocalTime
from .tic.decoding import Decoder
from .tic.frames import DecodedFrame
from .tic.framing import Framer


class Replay:
    """Feeds a meter with line time: bytes x 10 bits / speed, which starts at the first valid DATE, else at 0.

    Args:
        meter: made with `live=False`, since the host's clock says nothing of a recording.
        baud_rate: None: 9600 where the stream holds HT, else 1200.
    """

    def __init__(self, meter: Meter, baud_rate: int | None = None) -> None:
        self.meter = meter
        self.now = 0.0
        self.saw_frame_start = False
        self._baud_rate = baud_rate
        self._origin: float | None = None
        self._scout = (Framer(), Decoder(meter.options.families, parity=meter.options.parity))
        self._legal_time = LegalTime(meter.options.zone)

    def play(self, chunks: Iterable[bytes], *, port: str) -> Iterator[DecodedFrame]:
        """Feed all of it; give the frames as they end. The meter then believes what no further frame can confirm."""
        opened = False
        for chunk in chunks:
            if not opened:
                self.meter.opened(port=port, baud_rate=str(self._baud_rate or line_speed(chunk)))
                opened = True
            for part in _frames_apart(chunk):
                yield from self._feed(part)
        self.meter.finish()

    def _feed(self, data: bytes) -> list[DecodedFrame]:
        speed = self._baud_rate or line_speed(data)
        self.now += len(data) * BITS_PER_CHARACTER / speed
        self.saw_frame_start |= b"\x02" in data or b"\x82" in data
        if self._origin is None:
            self._look_for_date(data)
        return self.meter.feed(data, self.now, self.now + (self._origin or 0.0))

    def _look_for_date(self, data: bytes) -> None:
        framer, decoder = self._scout
        for raw in framer.feed(data):
            for reading in decoder.decode(raw).readings:
                if reading.quantity is q.CLOCK and isinstance(reading.value, LocalTime):
                    self._origin = self._legal_time.to_unix(reading.value) - self.now
                    return


def _frames_apart(data: bytes) -> Iterator[bytes]:
    """Split behind each ETX, so that each frame has its own time."""
    start = 0
    while start < len(data):
        ends = [end for end in (data.find(code, start) for code in (0x03, 0x83)) if end >= 0]
        stop = min(ends, default=len(data) - 1) + 1
        yield data[start:stop]
        start = stop
