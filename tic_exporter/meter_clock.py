"""The clock of a meter, as far as its dates are believed."""

from .legal_time import LegalTime
from .plausibility import ASSUMED_TD, ClockFilter, Td
from .tic import quantities as q
from .tic.codecs import LocalTime
from .tic.schema import Reading


class MeterClock:
    """What the last frames say of date and time."""

    def __init__(self, legal_time: LegalTime) -> None:
        self.unix: float | None = None
        """Unix time of the meter's date; None where it has none that is believed."""
        self.td: Td = ASSUMED_TD
        self._local: LocalTime | None = None
        self._export: LocalTime | None = None
        self._to_unix = legal_time.to_unix
        self._filter = ClockFilter()

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits for the frames that follow."""
        return self._filter.is_settled

    def take(self, time: LocalTime, now: float) -> float | None:
        """Take the date of the frame that ended at `now`; give its Unix time, None where it is held back."""
        unix = self._to_unix(time)
        if self._filter.accepts(unix, now):
            self._local, self.unix = time, unix
        else:
            self._local = self.unix = None
        return self.unix

    def begin_frame(self) -> None:
        """Say that a whole frame follows."""
        self._export = None

    def take_export(self, time: LocalTime, frame_seconds: float) -> None:
        """Take the date of the part of a frame that tells the exports."""
        if self._local is not None:
            # A date that is not of this frame is none: then that of the first part has to do.
            later = (time.naive - self._local.naive).total_seconds()
            self._export = time if 0 <= later <= frame_seconds else None

    def interval_date(self, reading: Reading) -> LocalTime | None:
        """Give the date at which an interval energy was read; None: nothing tells in which interval it was counted."""
        if self._export is not None and self._local is not None and reading.row.clock is q.EXPORT_CLOCK:
            return self._export
        return self._local
