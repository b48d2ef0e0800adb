"""Local legal time to Unix time."""

from datetime import UTC, datetime, timedelta, tzinfo

from .tic.codecs import LocalTime

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - reference for naive local times
_SECOND = timedelta(seconds=1)


class LegalTime:
    """The legal time of one zone, in which a meter writes its dates.

    The season letter of Linky tells which of the two hours of an October night is meant. Without one it is the first.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        offsets = [datetime(2026, month, 1, tzinfo=UTC).astimezone(zone).utcoffset() for month in (1, 7)]
        known = [offset / _SECOND for offset in offsets if offset is not None]
        winter, summer = min(known), max(known)
        self._season = {"H": winter, "h": winter, "E": summer, "e": summer}

    def to_unix(self, time: LocalTime) -> float:
        """Give seconds since 1970 UTC."""
        offset = self._season.get(time.season)
        if offset is None:
            return time.naive.replace(tzinfo=self._zone).timestamp()
        return (time.naive - _EPOCH) / _SECOND - offset
