"""From the configuration to what the parts take."""

import logging
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .config import MeterConfig
from .meter import MeterOptions
from .sources import PortSettings
from .tic import quantities as q
from .tic.families import FAMILIES
from .tic.parity import Parity

log = logging.getLogger(__name__)

_PARITIES = {"auto": None, "even": Parity.EVEN, "none": Parity.NONE}


def meter_options(config: MeterConfig, *, live: bool = True) -> MeterOptions:
    """Say how frames of this meter are read; `live` while they come from a line, not from a recording."""
    personal = {
        q.METERING_POINT: config.expose_metering_point,
        q.MESSAGE: config.expose_messages,
        q.SHORT_MESSAGE: config.expose_messages,
    }
    return MeterOptions(
        name=config.name,
        meter_id=config.id,
        families=tuple(family for family in FAMILIES if config.family in {None, family.name}),
        parity=_PARITIES[config.parity],
        drop_group=config.on_bad_group == "drop_group",
        stale_after=config.stale_after,
        contract=config.contract,
        zone=_zone(config.timezone),
        live=live,
        hidden=frozenset(quantity for quantity, shown in personal.items() if not shown),
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as error:
        raise ValueError(f"time zone {name} is not known on this system: is the package tzdata installed?") from error


def port_settings(config: MeterConfig) -> PortSettings:
    """Say where the bytes of this meter come from."""
    serial = config.serial
    if serial.timeout is not None:
        log.info("serial.timeout has no effect: the port is read when bytes come", extra={"meter": config.name})
    return PortSettings(
        port=config.port,
        baud_rate=config.baud_rate,
        loop=config.loop,
        bytesize=serial.bytesize,
        parity=serial.parity,
        stopbits=serial.stopbits,
        xonxoff=serial.xonxoff,
        rtscts=serial.rtscts,
        dsrdtr=serial.dsrdtr,
    )
