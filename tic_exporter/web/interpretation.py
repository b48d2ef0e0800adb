"""What api_compteur_tic (2019) made of the frames of one meter: labels with their values as sent, by tariff period.

Facts of that program: https://github.com/Liberasys/api_compteur_tic; docs/predecessor.md says what differs and why.
"""

from collections.abc import Sequence

from ..meter import REJECTED_READINGS, Meter, Snapshot
from ..tic import quantities as q
from ..tic.frames import DecodedFrame
from ..tic.groups import Dialect
from .interpreters import INDEPENDENT, READERS, Periods, Reader, total

METER_ID = "ID_COMPTEUR"


class Interpretation:
    """Follows one meter: the serial thread gives it what was decoded, any thread may ask.

    It takes the frames that `Meter` has used, of the meter whose id is confirmed.
    """

    def __init__(self) -> None:
        self._reader: Reader | None = None
        self._read: tuple[str, str, Dialect] | None = None
        self._told: Periods = {}
        self._rejected = 0

    def __call__(self, meter: Meter, frames: Sequence[DecodedFrame], now: float) -> None:
        """Take the frames in that `meter` has just taken in, at `now` (monotonic seconds)."""
        snapshot = meter.snapshot
        rejected = total(snapshot, REJECTED_READINGS)
        is_doubtful, self._rejected = rejected != self._rejected, rejected
        for frame in frames:
            if not frame.is_interpreted or frame.is_test or frame.family is None or not _is_of(frame, meter):
                continue
            what = (snapshot.meter_id, frame.family.name, frame.dialect)
            if what != self._read:
                self._read = what
                make = READERS.get(what[1:])
                self._reader = make() if make else None
            if self._reader is not None:
                self._reader.take(frame, meter, now, is_doubtful=is_doubtful)
        if self._reader is not None:
            self._told = self._reader.told(meter)

    def periods(self, snapshot: Snapshot, now: float) -> Periods:
        """Give all that is known at `now`; of a meter that is silent, only its id and what is counted.

        Args:
            snapshot: as it may be shown: its id, and its metering point if it has one, stand here too.
            now: monotonic seconds.
        """
        told, reader = self._told, self._reader
        if reader is None or not told or not snapshot.meter_id:
            return {}
        is_silent = not snapshot.is_fresh(now) or not snapshot.readings
        periods = {} if is_silent else {period: dict(entries) for period, entries in told.items()}
        independent = periods.setdefault(INDEPENDENT, {})
        independent |= reader.counted(snapshot) | {METER_ID: reader.entry(snapshot.meter_id)}
        if "PRM" in independent:
            shown = _metering_point(snapshot)
            del independent["PRM"]
            if shown:
                independent["PRM"] = reader.entry(shown)
        return periods


def _is_of(frame: DecodedFrame, meter: Meter) -> bool:
    meter_id = frame.meter_id or meter.options.meter_id or meter.options.name
    return meter_id == meter.snapshot.meter_id


def _metering_point(snapshot: Snapshot) -> str | None:
    found = (dict(dimensions) for quantity, dimensions in snapshot.readings if quantity is q.METERING_POINT)
    return next((texts[q.METERING_POINT.value_dimension] for texts in found), None)
