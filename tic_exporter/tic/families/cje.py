"""CJE, the yellow meter (NOI-CPT_02E 2.6): labels whose one value is made of elements joined by `:`.

A frame holds neither an id nor a year, and does not say which option the contract has; only three tariff periods tell
it. What depends on the option is passed over until one of them was seen, or the configuration says it.
"""

from .. import quantities as q
from ..codecs import SILENT, Codec, choice, codes, first_of, formed, integer, item
from ..groups import Dialect
from ..schema import Family, Field, Marker, Memory, Remembered, Where

# hh:mn:jj:mm:pt:dp:abcde:kp. dp is DP or two spaces; kp is 80 to 99 percent, or 00 for 100.
_HEAD = (
    r"(?:[01]\d|2[0-3]):[0-5]\d:(?:0[1-9]|[12]\d|3[01]):(?:0[1-9]|1[0-2])"
    r":(?:11|12|21|22|23|44):(?:DP|  ):\d{5}:(?:00|[89]\d)"
)
_ENERGIES = r"\d{6}(?::\d{6}){3,5}"
_THRESHOLDS = r"\d{5}(?::\d{5}){0,3}"


def _head(number: int, codec: Codec) -> Codec:
    """Read one element of a JAUNE that is right as a whole."""
    return formed(_HEAD, item(number, codec, of=(8,)))


def _energy(number: int) -> Codec:
    """Read one register of ENERG: 4 elements, and up to two more that the specification does not explain."""
    return formed(_ENERGIES, item(number, integer(scale=1000, width=6), of=(4, 5, 6)))


def _single(scale: int = 1) -> Codec:
    """Read the value of a contract with one threshold."""
    return formed(_THRESHOLDS, item(1, integer(scale=scale, width=5), of=(1,)))


def _threshold(number: int, scale: int = 1) -> Codec:
    """Read the value of the high (1) or low (2) threshold; what elements 3 and 4 would mean is uncertain."""
    return formed(_THRESHOLDS, item(number, integer(scale=scale, width=5), of=(2, 3, 4)))


# pt is a season (1 summer, 2 winter, 4 mobile peak) and an hour (1 full, 2 off-peak, 3 peak, 4 mobile peak).
_PERIOD = _head(5, choice({"11": "HPE", "12": "HCE", "22": "HCH", "23": "P", "44": "PM", "21": SILENT}))
_PEAK = _head(5, choice({"44": True, "11": False, "12": False, "21": False, "22": False, "23": False}))
_OPTION = _head(5, choice({"22": "BASE", "23": "BASE", "44": "EJP", "11": SILENT, "12": SILENT, "21": SILENT}))
_WARNING = _head(6, choice({"DP": True, "": False}))
_RATIO = _head(8, first_of(choice({"00": 100}), integer(width=2, at_least=80)))

_REVEALED = {"HPH": "BASE", "HCH": "BASE", "PM": "EJP", "HH": "EJP"}

_WINTER: Where = {"tariff_period": Remembered("contract", {"BASE": "HPH", "EJP": "HH"})}
_FIRST: Where = {"tariff_period": Remembered("contract", {"BASE": "HPH", "EJP": "PM"})}
_SECOND: Where = {"tariff_period": Remembered("contract", {"BASE": "HCH", "EJP": "HH"})}
_HIGH, _LOW = {"tariff_period": "1"}, {"tariff_period": "2"}

_FIELDS = (
    #     label     quantity                               codec                      dimensions
    Field("JAUNE",  q.TARIFF_PERIOD,                       _PERIOD),
    Field("JAUNE",  q.TARIFF_PERIOD,                       _head(5, codes("21")),     _WINTER),
    Field("JAUNE",  q.CRITICAL_PEAK,                       _PEAK),
    # The element is always there and says yes or no: its absence from a frame never speaks.
    Field("JAUNE",  q.OVERLOAD_WARNING,                    _WARNING),
    Field("JAUNE",  q.APPARENT_POWER_IMPORT,               _head(7, integer(scale=10, width=5))),
    Field("JAUNE",  q.OVERLOAD_WARNING_RATIO,              _RATIO),
    # Under BASE the first register counts the fixed peak P too (pt 23).
    Field("ENERG",  q.ACTIVE_ENERGY_IMPORT,                _energy(1),                _FIRST),
    Field("ENERG",  q.ACTIVE_ENERGY_IMPORT,                _energy(2),                _SECOND),
    Field("ENERG",  q.ACTIVE_ENERGY_IMPORT,                _energy(3),                {"tariff_period": "HPE"}),
    Field("ENERG",  q.ACTIVE_ENERGY_IMPORT,                _energy(4),                {"tariff_period": "HCE"}),
    Field("PMAXC",  q.MAX_APPARENT_DEMAND_IMPORT,          _single(10)),
    Field("PMAXC",  q.MAX_APPARENT_DEMAND_IMPORT,          _threshold(1, 10),         _HIGH),
    Field("PMAXC",  q.MAX_APPARENT_DEMAND_IMPORT,          _threshold(2, 10),         _LOW),
    Field("TDEPA",  q.OVERLOAD_DURATION,                   _single()),
    Field("TDEPA",  q.OVERLOAD_DURATION,                   _threshold(1),             _HIGH),
    Field("TDEPA",  q.OVERLOAD_DURATION,                   _threshold(2),             _LOW),
    Field("PMAXP",  q.PREVIOUS_MAX_APPARENT_DEMAND_IMPORT, _single(10)),
    Field("PMAXP",  q.PREVIOUS_MAX_APPARENT_DEMAND_IMPORT, _threshold(1, 10),         _HIGH),
    Field("PMAXP",  q.PREVIOUS_MAX_APPARENT_DEMAND_IMPORT, _threshold(2, 10),         _LOW),
    Field("PSOUSC", q.SUBSCRIBED_APPARENT_POWER,           _single(10)),
    Field("PSOUSC", q.SUBSCRIBED_APPARENT_POWER,           _threshold(1, 10),         _HIGH),
    Field("PSOUSC", q.SUBSCRIBED_APPARENT_POWER,           _threshold(2, 10),         _LOW),
    Field("PSOUSP", q.NEXT_SUBSCRIBED_APPARENT_POWER,      _single(10)),
    Field("PSOUSP", q.NEXT_SUBSCRIBED_APPARENT_POWER,      _threshold(1, 10),         _HIGH),
    Field("PSOUSP", q.NEXT_SUBSCRIBED_APPARENT_POWER,      _threshold(2, 10),         _LOW),
)  # fmt: skip

_NO_YEAR = "day, month and hour of a change of billing period, without a year; the code beside them is reserved"

CJE = Family(
    name="cje",
    dialects=(Dialect.HISTORIC,),
    markers=(Marker(all_of=frozenset({"JAUNE"})),),
    fields=_FIELDS,
    ignored={
        "PERCC": _NO_YEAR,
        "PERCP": _NO_YEAR,
        "FCOU": "when the meter answers the telephone",
    },
    memories=(Memory("JAUNE", "contract", _OPTION, frozenset({"BASE", "EJP"}), _REVEALED),),
    required=frozenset({"JAUNE", "ENERG"}),
    complete_label="JAUNE",
    register_step=1000,
)
