"""Local legal time to Unix time."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

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
        # Dates of all meters of a zone lie in few minutes.
        self._begun = lru_cache(maxsize=64)(self._begin)
        self._season = {"H": winter, "h": winter, "E": summer, "e": summer}

    def to_unix(self, time: LocalTime) -> float:
        """Give seconds since 1970 UTC."""
        minute, season, second = time
        return self._begun(minute, season) + second

    def _begin(self, minute: datetime, season: str) -> float:
        offset = self._season.get(season)
        if offset is None:
            return minute.replace(tzinfo=self._zone).timestamp()
        return (minute - _EPOCH) / _SECOND - offset


@lru_cache
def legal_time(zone: tzinfo) -> LegalTime:
    """Give one object for all meters of a zone."""
    return LegalTime(zone)
