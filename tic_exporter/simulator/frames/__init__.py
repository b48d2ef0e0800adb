"""The kinds of meters: who builds their frames, how they speak, how big the site behind them is."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from ...tic.groups import Dialect, Group
from .. import calendars
from ..calendars import Contract
from ..load import Size
from ..state import State
from .cje import cje
from .historic import brief, concentrator, single_phase, three_phase
from .ice import ice, ice_4q, ice_old, ice_split
from .pmepmi import pmepmi
from .saphir import saphir
from .standard import linky

Builder = Callable[[State], Iterable[Group]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of meter.

    Args:
        build: gives the groups of a frame, of the long one where there are two.
        contracts: those it may have; the first is the usual one.
        size: of the site.
        manufacturer: CC of its id.
        device_type: TT of its id; families without an id have one that is never shown.
        dialect: of its frames.
        baud_rate: the usual one.
        brief: gives the groups of the short frame that an overload brings.
        is_producer: it sends what concerns injection.
        other_mode: the kind that it becomes when its mode is switched.
        reads_as_it_sends: each value is of the instant at which it is sent, not of the one at which its frame begins.
        has_dynamic_tariff: it knows of dynamic periods, if it is of a family that has them.
    """

    build: Builder
    contracts: Mapping[str, Contract]
    size: Size
    manufacturer: str
    device_type: str
    dialect: Dialect = Dialect.HISTORIC
    baud_rate: int = 1200
    brief: Builder | None = None
    is_producer: bool = False
    other_mode: str = ""
    reads_as_it_sends: bool = False
    has_dynamic_tariff: bool = True


_HOUSE = Size(phases=1, subscribed=9_000, mean=600)
_FARM = Size(phases=3, subscribed=18_000, mean=1_600)
_SHOP = Size(phases=3, subscribed=42_000, mean=7_000, is_firm=True)
_WORKSHOP = Size(phases=3, subscribed=120_000, mean=20_000, is_firm=True)
_FACTORY = Size(phases=3, subscribed=500_000, mean=110_000, is_firm=True)
_SOLAR_HOUSE = replace(_HOUSE, solar=4_000)
_SOLAR_FARM = replace(_FARM, solar=7_000)
_SOLAR_SHOP = replace(_SHOP, solar=36_000)
_SOLAR_PLANT = replace(_FACTORY, mean=40_000, solar=400_000)


def _fast(kind: Kind) -> Kind:
    return replace(kind, dialect=Dialect.STANDARD, baud_rate=9600)


def _producer(kind: Kind) -> Kind:
    return replace(kind, is_producer=True)


def _gradual(kind: Kind) -> Kind:
    return replace(kind, reads_as_it_sends=True)


def _with_short_frames(kind: Kind) -> Kind:
    return replace(kind, brief=brief)


def _linky(
    mode: str, size: Size, manufacturer: str, device_type: str, *, is_producer: bool = False, is_pilot: bool = False
) -> Kind:
    """Make a row of mode standard; `mode` is the kind that it becomes in mode historique."""
    build = partial(linky, is_pilot=is_pilot)
    kind = Kind(build, calendars.LINKY, size, manufacturer, device_type, is_producer=is_producer, other_mode=mode)
    return _fast(kind)


_CBEMM = partial(single_phase, has_power=False)
_LINKY1 = partial(single_phase, is_linky=True)
_LINKY3 = partial(three_phase, is_linky=True)
_PALIER_2010 = partial(pmepmi, is_2013=False)
_FIRST_4Q = partial(ice_4q, is_old=True)
_ONE, _THREE = "linky-historic", "linky-historic-three-phase"

_ROWS: dict[str, Kind] = {
    #                                    frames        contracts               size        CC    TT
    "concentrator":                  Kind(concentrator, calendars.CONCENTRATOR, _HOUSE,    "18", "19"),
    "cbemm":                         Kind(_CBEMM,       calendars.BLEU,         _HOUSE,    "04", "01"),
    "cbemm-icc":                     Kind(single_phase, calendars.BLEU,         _HOUSE,    "02", "28"),
    "cbetm":      _with_short_frames(Kind(three_phase,  calendars.BLEU,         _FARM,     "03", "30")),
    _ONE:                            Kind(_LINKY1,      calendars.LINKY,        _HOUSE,    "84", "61",
                                          other_mode="linky-standard"),
    _THREE:       _with_short_frames(Kind(_LINKY3,      calendars.LINKY,        _FARM,     "02", "76",
                                          other_mode="linky-standard-three-phase")),
    "linky-standard":                      _linky(_ONE,   _HOUSE,       "03", "61"),
    "linky-standard-three-phase":          _linky(_THREE, _FARM,        "02", "76"),
    "linky-standard-producer":             _linky(_ONE,   _SOLAR_HOUSE, "04", "75", is_producer=True),
    "linky-standard-three-phase-producer": _linky(_THREE, _SOLAR_FARM,  "03", "76", is_producer=True),
    "linky-standard-pilot":                _linky(_ONE,   _HOUSE,       "27", "67", is_pilot=True),
    "pme-pmi-2010":                  Kind(_PALIER_2010, calendars.PMEPMI, _SHOP,           "04", "36",
                                          has_dynamic_tariff=False),
    "pme-pmi":                       Kind(pmepmi,       calendars.PMEPMI, _SHOP,           "04", "36"),
    "pme-pmi-producer":    _producer(Kind(pmepmi,       calendars.PMEPMI, _SOLAR_SHOP,     "02", "36")),
    "ice-2q-2.4":           _gradual(Kind(ice_old,      calendars.ICE,    _FACTORY,        "07", "07")),
    "ice-2q":               _gradual(Kind(ice,          calendars.ICE,    _FACTORY,        "07", "07")),
    "ice-2q-split":         _gradual(Kind(ice_split,    calendars.ICE,    _FACTORY,        "07", "07")),
    "ice-4q-1.01": _gradual(_producer(Kind(_FIRST_4Q,   calendars.ICE,    _SOLAR_PLANT,    "04", "34"))),
    "ice-4q":      _gradual(_producer(Kind(ice_4q,      calendars.ICE,    _SOLAR_PLANT,    "04", "34"))),
    "cje":                           Kind(cje,          calendars.CJE,    _WORKSHOP,       "03", "10"),
    # No list has a type code for SAPHIR; A0 is made up.
    "saphir-historic":               Kind(saphir,       calendars.SAPHIR, _FACTORY,        "02", "A0"),
    "saphir-standard":         _fast(Kind(saphir,       calendars.SAPHIR, _FACTORY,        "02", "A0")),
}  # fmt: skip

KINDS: Mapping[str, Kind] = MappingProxyType(_ROWS)
"""By name, in the order of the specification."""
