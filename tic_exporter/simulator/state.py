"""What a frame is built from, and the forms in which numbers and dates are written."""

from dataclasses import dataclass
from datetime import datetime

from ..tic.groups import Group
from .events import Events
from .model import Site


@dataclass(slots=True)
class State:
    """A meter at the moment at which a frame is made.

    Args:
        meter_id: the twelve characters of ADCO, ADSC or ADS.
        metering_point: PRM, made up.
        contract: its key in the table of the kind.
        is_producer: it sends what concerns injection.
        frames: how many frames there have been before.
        tests: how many test frames there have been before.
    """

    site: Site
    events: Events
    meter_id: str
    metering_point: str
    contract: str
    is_producer: bool
    frames: int = 0
    tests: int = 0

    @property
    def manufacturer(self) -> str:
        return self.meter_id[:2]


def digits(value: float, width: int) -> str:
    """Write a number in fixed width; a register rolls over."""
    return f"{int(value) % 10**width:0{width}}"


def whole(value: float, unit: str, most: int = 9_999_999) -> str:
    """Write a number without leading zeros and its unit; a register rolls over."""
    return f"{int(value) % (most + 1)}{unit}"


def nearest(value: float, unit: str, most: int = 32767) -> str:
    """Write a measurement, signed where it is negative."""
    return f"{max(-most, min(most, round(value)))}{unit}"


def comma(value: float, places: int = 2) -> str:
    """Write a number with a decimal comma, never as minus nothing."""
    text = f"{max(-9999.0, min(9999.0, value)):.{places}f}"
    return (text.removeprefix("-") if not text.strip("-0.") else text).replace(".", ",")


def ratio(numerator: float, denominator: float) -> str:
    """Write a tangent phi, 0 where there was no active energy."""
    return comma(numerator / denominator if denominator else 0.0)


def colons(when: datetime) -> str:
    return when.strftime("%d/%m/%y %H:%M:%S")


def slashes(when: datetime) -> str:
    return when.strftime("%d/%m/%y %H/%M/%S")


def stamp(when: datetime, season: str) -> str:
    return season + when.strftime("%y%m%d%H%M%S")


def only(condition: object, *groups: Group) -> tuple[Group, ...]:
    """Send groups under a condition."""
    return groups if condition else ()
