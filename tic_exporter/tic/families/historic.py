"""The bleu meters (CBEMM, CBEMM-ICC, CBETM: NOI-CPT_02E 2.3 to 2.5) and Linky in historique mode (NOI-CPT_54E 6.1)."""

from .. import quantities as q
from ..codecs import SILENT, choice, constant, first_of, formed, hex_bit, integer, matching, present, text
from ..groups import Dialect
from ..identity import LINKY_TYPES
from ..schema import Family, Field, Marker

_TEMPO = ("HCJB", "HPJB", "HCJW", "HPJW", "HCJR", "HPJR")
_PERIODS = {
    "TH..": "TH",
    "HC..": "HC",
    "HP..": "HP",
    "HN..": "HN",
    "PM..": "PM",
    **dict(zip(_TEMPO, _TEMPO, strict=True)),
}
_TEMPO_COLORS = {"JB": "blue", "JW": "white", "JR": "red"}

_CODE = "[!-~]{4}"
PTEC_PERIOD = formed(_CODE, choice(_PERIODS))
PTEC_PEAK = formed(_CODE, choice({code: code == "PM.." for code in _PERIODS}))
OPTARIF = r"BASE|HC\.\.|EJP\."
OPTARIF_PERIODS = formed(_CODE, choice({"BASE": ("TH",), "HC..": ("HC", "HP"), "EJP.": ("HN", "PM")}))
INDEX = integer(width=9)
_AMPERES = integer(width=3)
_POWER = integer(width=5)

# The fourth character of BBRx is the programme of the two circuits (NOI-CPT_02E 2.3, table of OPTARIF): ( to ? are
# programmes A, B and C of circuit 1. Whether a meter sends a space to ', programme 00, is uncertain [?].
_OPTION = formed(rf"{OPTARIF}|BBR[ -?]", text(4, drop="."))
_OPTION_PERIODS = first_of(OPTARIF_PERIODS, formed("BBR[ -?]", constant(_TEMPO)))
_DAY_COLOR = formed(_CODE, choice({code: _TEMPO_COLORS.get(code[2:], SILENT) for code in _PERIODS}))
_NEXT_COLOR = formed(_CODE, choice({"----": "unknown", "BLEU": "blue", "BLAN": "white", "ROUG": "red"}))

_HEAD = (
    #     label      quantity                    codec                   dimensions
    Field("OPTARIF", q.CONTRACT,                 _OPTION),
    Field("OPTARIF", q.CONTRACT_PERIODS,         _OPTION_PERIODS),
    Field("ISOUSC",  q.SUBSCRIBED_CURRENT,       integer(width=2)),
    Field("BASE",    q.ACTIVE_ENERGY_IMPORT,     INDEX,                  {"tariff_period": "TH"}),
    Field("HCHC",    q.ACTIVE_ENERGY_IMPORT,     INDEX,                  {"tariff_period": "HC"}),
    Field("HCHP",    q.ACTIVE_ENERGY_IMPORT,     INDEX,                  {"tariff_period": "HP"}),
    Field("EJPHN",   q.ACTIVE_ENERGY_IMPORT,     INDEX,                  {"tariff_period": "HN"}),
    Field("EJPHPM",  q.ACTIVE_ENERGY_IMPORT,     INDEX,                  {"tariff_period": "PM"}),
    Field("BBRHCJB", q.ACTIVE_ENERGY_IMPORT,     INDEX,                  {"tariff_period": "HCJB"}),
    Field("BBRHPJB", q.ACTIVE_ENERGY_IMPORT,     INDEX,                  {"tariff_period": "HPJB"}),
    Field("BBRHCJW", q.ACTIVE_ENERGY_IMPORT,     INDEX,                  {"tariff_period": "HCJW"}),
    Field("BBRHPJW", q.ACTIVE_ENERGY_IMPORT,     INDEX,                  {"tariff_period": "HPJW"}),
    Field("BBRHCJR", q.ACTIVE_ENERGY_IMPORT,     INDEX,                  {"tariff_period": "HCJR"}),
    Field("BBRHPJR", q.ACTIVE_ENERGY_IMPORT,     INDEX,                  {"tariff_period": "HPJR"}),
    # CBE sends PEJP during the peak too, where it announces nothing any more.
    Field("PEJP",    q.CRITICAL_PEAK_NOTICE,     present(matching("30")), unless=("PTEC", "PM..")),
    Field("PTEC",    q.TARIFF_PERIOD,            PTEC_PERIOD),
    Field("PTEC",    q.CRITICAL_PEAK,            PTEC_PEAK),
    Field("PTEC",    q.DAY_COLOR,                _DAY_COLOR),
    Field("DEMAIN",  q.NEXT_DAY_COLOR,           _NEXT_COLOR),
)  # fmt: skip

_SINGLE_PHASE = (
    Field("IINST",   q.CURRENT,                  _AMPERES,               {"phase": "1"}),
    Field("ADPS",    q.OVERLOAD,                 present(_AMPERES)),
)  # fmt: skip

_THREE_PHASE = (
    Field("ADIR1",   q.OVERLOAD,                 present(_AMPERES),      cyclic=True),
    Field("ADIR2",   q.OVERLOAD,                 present(_AMPERES),      cyclic=True),
    Field("ADIR3",   q.OVERLOAD,                 present(_AMPERES),      cyclic=True),
    Field("IINST1",  q.CURRENT,                  _AMPERES,               {"phase": "1"}),
    Field("IINST2",  q.CURRENT,                  _AMPERES,               {"phase": "2"}),
    Field("IINST3",  q.CURRENT,                  _AMPERES,               {"phase": "3"}),
    # PPOT, NOI-CPT_02E 2.5: bit n is 1 while phase n is below the threshold; bit 0 is unused.
    Field("PPOT",    q.PHASE_MISSING,            hex_bit(1),             {"phase": "1"}),
    Field("PPOT",    q.PHASE_MISSING,            hex_bit(2),             {"phase": "2"}),
    Field("PPOT",    q.PHASE_MISSING,            hex_bit(3),             {"phase": "3"}),
)  # fmt: skip

_PAPP = (
    Field("PAPP",    q.APPARENT_POWER_IMPORT,    _POWER),
)  # fmt: skip

_TIMETABLE = (
    Field("HHPHC",   q.CALENDAR,                 matching("[A-Z]")),
)  # fmt: skip

_MAXIMUM_SINGLE = (
    Field("IMAX",    q.MAX_CURRENT,              _AMPERES,               {"phase": "1"}),
)  # fmt: skip

_MAXIMUM_THREE = (
    Field("IMAX1",   q.MAX_CURRENT,              _AMPERES,               {"phase": "1"}),
    Field("IMAX2",   q.MAX_CURRENT,              _AMPERES,               {"phase": "2"}),
    Field("IMAX3",   q.MAX_CURRENT,              _AMPERES,               {"phase": "3"}),
    Field("PMAX",    q.MAX_ACTIVE_DEMAND_IMPORT, _POWER),
)  # fmt: skip

_MAXIMUM_LINKY = (
    # Linky writes volt-amperes where CBETM writes watts, of the day before (NOI-CPT_54E 6.1.2).
    Field("PMAX",    q.MAX_APPARENT_DEMAND_IMPORT, _POWER),
)  # fmt: skip

MOTDETAT = {"MOTDETAT": "reserved to the distributor; its meaning is not published"}
_CONSTANT = "a constant (090 or 060) on Linky, not a measurement"
STANDBY = frozenset({"ADCO"})
_OVERLOADS = frozenset({"ADIR1", "ADIR2", "ADIR3"})
_SHORT = _OVERLOADS | {"IINST1", "IINST2", "IINST3"}
REQUIRED = frozenset({"ADCO", "OPTARIF", "PTEC"})

CBEMM = Family(
    name="cbemm",
    dialects=(Dialect.HISTORIC,),
    markers=(Marker(all_of=frozenset({"ADCO", "IINST"}), none_of=frozenset({"PAPP"})),),
    fields=_HEAD + _SINGLE_PHASE + _MAXIMUM_SINGLE + _TIMETABLE,
    id_label="ADCO",
    ignored=MOTDETAT,
    # IMAX follows ADPS: a frame cut in front of either does not say that no overload is.
    required=REQUIRED | {"IINST", "IMAX"},
    complete_label="OPTARIF",
    partial_labels=STANDBY,
    info={"phases": "1"},
)

CBEMM_ICC = Family(
    name="cbemm-icc",
    dialects=(Dialect.HISTORIC,),
    markers=(Marker(all_of=frozenset({"ADCO", "IINST", "PAPP"})),),
    fields=_HEAD + _SINGLE_PHASE + _MAXIMUM_SINGLE + _PAPP + _TIMETABLE,
    id_label="ADCO",
    ignored=MOTDETAT,
    # IMAX follows ADPS: a frame cut in front of either does not say that no overload is.
    required=REQUIRED | {"IINST", "IMAX"},
    complete_label="OPTARIF",
    partial_labels=STANDBY,
    info={"phases": "1"},
)

CBETM = Family(
    name="cbetm",
    dialects=(Dialect.HISTORIC,),
    markers=(Marker(all_of=frozenset({"ADCO", "IINST1"})),),
    fields=_HEAD + _THREE_PHASE + _MAXIMUM_THREE + _PAPP + _TIMETABLE,
    id_label="ADCO",
    ignored=MOTDETAT,
    required=REQUIRED | {"IINST1", "IINST2", "IINST3"},
    complete_label="OPTARIF",
    partial_labels=STANDBY | _SHORT,
    info={"phases": "3"},
    brief_marker="IINST1",
    brief_labels=_OVERLOADS,
)

LINKY_SINGLE_PHASE = Family(
    name="linky",
    dialects=(Dialect.HISTORIC,),
    markers=(Marker(all_of=frozenset({"ADCO", "IINST"}), device_types=LINKY_TYPES),),
    fields=_HEAD + _SINGLE_PHASE + _PAPP + _TIMETABLE,
    id_label="ADCO",
    ignored=MOTDETAT | {"IMAX": _CONSTANT},
    required=REQUIRED | {"IINST", "PAPP"},
    complete_label="OPTARIF",
    partial_labels=STANDBY,
    info={"phases": "1"},
)

LINKY_THREE_PHASE = Family(
    name="linky",
    dialects=(Dialect.HISTORIC,),
    markers=(Marker(all_of=frozenset({"ADCO", "IINST1"}), device_types=LINKY_TYPES),),
    fields=_HEAD + _THREE_PHASE + _MAXIMUM_LINKY + _PAPP + _TIMETABLE,
    id_label="ADCO",
    ignored=MOTDETAT | dict.fromkeys(("IMAX1", "IMAX2", "IMAX3"), _CONSTANT),
    required=REQUIRED | {"IINST1", "IINST2", "IINST3", "PAPP"},
    complete_label="OPTARIF",
    partial_labels=STANDBY | _SHORT,
    info={"phases": "3"},
    brief_marker="IINST1",
    brief_labels=_OVERLOADS,
)
