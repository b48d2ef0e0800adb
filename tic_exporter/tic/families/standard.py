"""Linky in standard mode (NOI-CPT_54E v3, 6.2): single-phase, three-phase, producer, and the pilots of VTIC 01."""

from .. import quantities as q
from ..codecs import (
    SEASONLESS,
    bit,
    bits,
    byte_bit,
    codes,
    degraded,
    empty,
    formed,
    implies,
    integer,
    matching,
    profile_start,
    stamp,
    stamped,
    tempo_color,
    text,
)
from ..groups import Dialect
from ..schema import Family, Field, FromLabel, Marker, Where

_INDEX = integer(width=9)
_THREE = integer(width=3)
_FIVE = integer(width=5)
_TWO = integer(width=2)
_PEAK = stamp(_TWO, SEASONLESS)
_KVA = integer(scale=1000, width=2)
_COLORS = dict(enumerate(q.COLORS))
_PERIOD: Where = {"tariff_period": FromLabel("NTARF")}
_DISTRIBUTOR_PERIODS = {0: "01", 1: "02", 2: "03", 3: "04"}
_TODAY_1, _YESTERDAY_1 = {"phase": "1", "day": "today"}, {"phase": "1", "day": "yesterday"}
_TODAY_2, _YESTERDAY_2 = {"phase": "2", "day": "today"}, {"phase": "2", "day": "yesterday"}
_TODAY_3, _YESTERDAY_3 = {"phase": "3", "day": "today"}, {"phase": "3", "day": "yesterday"}
_EURIDIS = {0: "disabled", 1: "enabled_unsecured", 3: "enabled_secured"}
_PERIODS = tuple(f"{number:02}" for number in range(1, 11))

_FIELDS = (
    #     label        quantity                             codec                      dimensions
    Field("DATE",      q.CLOCK,                             stamp(empty)),
    Field("DATE",      q.CLOCK_DEGRADED,                    degraded),
    Field("NGTF",      q.CONTRACT,                          text(16)),
    Field("LTARF",     q.TARIFF_PERIOD_NAME,                text(16),                  _PERIOD),
    Field("EAST",      q.TOTAL_ACTIVE_ENERGY_IMPORT,        _INDEX),
    Field("EASF01",    q.ACTIVE_ENERGY_IMPORT,              _INDEX,                    {"tariff_period": "01"}),
    Field("EASF02",    q.ACTIVE_ENERGY_IMPORT,              _INDEX,                    {"tariff_period": "02"}),
    Field("EASF03",    q.ACTIVE_ENERGY_IMPORT,              _INDEX,                    {"tariff_period": "03"}),
    Field("EASF04",    q.ACTIVE_ENERGY_IMPORT,              _INDEX,                    {"tariff_period": "04"}),
    Field("EASF05",    q.ACTIVE_ENERGY_IMPORT,              _INDEX,                    {"tariff_period": "05"}),
    Field("EASF06",    q.ACTIVE_ENERGY_IMPORT,              _INDEX,                    {"tariff_period": "06"}),
    Field("EASF07",    q.ACTIVE_ENERGY_IMPORT,              _INDEX,                    {"tariff_period": "07"}),
    Field("EASF08",    q.ACTIVE_ENERGY_IMPORT,              _INDEX,                    {"tariff_period": "08"}),
    Field("EASF09",    q.ACTIVE_ENERGY_IMPORT,              _INDEX,                    {"tariff_period": "09"}),
    Field("EASF10",    q.ACTIVE_ENERGY_IMPORT,              _INDEX,                    {"tariff_period": "10"}),
    Field("EASD01",    q.DISTRIBUTOR_ACTIVE_ENERGY_IMPORT,  _INDEX,                    {"tariff_period": "01"}),
    Field("EASD02",    q.DISTRIBUTOR_ACTIVE_ENERGY_IMPORT,  _INDEX,                    {"tariff_period": "02"}),
    Field("EASD03",    q.DISTRIBUTOR_ACTIVE_ENERGY_IMPORT,  _INDEX,                    {"tariff_period": "03"}),
    Field("EASD04",    q.DISTRIBUTOR_ACTIVE_ENERGY_IMPORT,  _INDEX,                    {"tariff_period": "04"}),
    Field("EAIT",      q.ACTIVE_ENERGY_EXPORT,              _INDEX),
    Field("EAIT",      q.METER_PRODUCER,                    implies(_INDEX, "true")),
    Field("ERQ1",      q.REACTIVE_ENERGY,                   _INDEX,                    {"quadrant": "1"}),
    Field("ERQ2",      q.REACTIVE_ENERGY,                   _INDEX,                    {"quadrant": "2"}),
    Field("ERQ3",      q.REACTIVE_ENERGY,                   _INDEX,                    {"quadrant": "3"}),
    Field("ERQ4",      q.REACTIVE_ENERGY,                   _INDEX,                    {"quadrant": "4"}),
    Field("IRMS1",     q.CURRENT,                           _THREE,                    {"phase": "1"}),
    Field("IRMS2",     q.CURRENT,                           _THREE,                    {"phase": "2"}),
    Field("IRMS2",     q.METER_PHASES,                      implies(_THREE, "3")),
    Field("IRMS3",     q.CURRENT,                           _THREE,                    {"phase": "3"}),
    Field("URMS1",     q.VOLTAGE,                           _THREE,                    {"phase": "1"}),
    Field("URMS2",     q.VOLTAGE,                           _THREE,                    {"phase": "2"}),
    Field("URMS2",     q.METER_PHASES,                      implies(_THREE, "3")),
    Field("URMS3",     q.VOLTAGE,                           _THREE,                    {"phase": "3"}),
    Field("PREF",      q.SUBSCRIBED_APPARENT_POWER,         _KVA),
    Field("PCOUP",     q.LIMITER_THRESHOLD,                 _KVA),
    Field("SINSTS",    q.APPARENT_POWER_IMPORT,             _FIVE),
    Field("SINSTS1",   q.PHASE_APPARENT_POWER_IMPORT,       _FIVE,                     {"phase": "1"}),
    Field("SINSTS2",   q.PHASE_APPARENT_POWER_IMPORT,       _FIVE,                     {"phase": "2"}),
    Field("SINSTS3",   q.PHASE_APPARENT_POWER_IMPORT,       _FIVE,                     {"phase": "3"}),
    Field("SMAXSN",    q.MAX_APPARENT_POWER_IMPORT,         stamped(_FIVE),            {"day": "today"}),
    Field("SMAXSN",    q.MAX_APPARENT_POWER_IMPORT_AT,      stamp(_FIVE),              {"day": "today"}),
    Field("SMAXSN1",   q.PHASE_MAX_APPARENT_POWER_IMPORT,   stamped(_FIVE),            _TODAY_1),
    Field("SMAXSN1",   q.PHASE_MAX_APPARENT_POWER_IMPORT_AT, stamp(_FIVE),             _TODAY_1),
    Field("SMAXSN2",   q.PHASE_MAX_APPARENT_POWER_IMPORT,   stamped(_FIVE),            _TODAY_2),
    Field("SMAXSN2",   q.PHASE_MAX_APPARENT_POWER_IMPORT_AT, stamp(_FIVE),             _TODAY_2),
    Field("SMAXSN3",   q.PHASE_MAX_APPARENT_POWER_IMPORT,   stamped(_FIVE),            _TODAY_3),
    Field("SMAXSN3",   q.PHASE_MAX_APPARENT_POWER_IMPORT_AT, stamp(_FIVE),             _TODAY_3),
    Field("SMAXSN-1",  q.MAX_APPARENT_POWER_IMPORT,         stamped(_FIVE),            {"day": "yesterday"}),
    Field("SMAXSN-1",  q.MAX_APPARENT_POWER_IMPORT_AT,      stamp(_FIVE),              {"day": "yesterday"}),
    Field("SMAXSN1-1", q.PHASE_MAX_APPARENT_POWER_IMPORT,   stamped(_FIVE),            _YESTERDAY_1),
    Field("SMAXSN1-1", q.PHASE_MAX_APPARENT_POWER_IMPORT_AT, stamp(_FIVE),             _YESTERDAY_1),
    Field("SMAXSN2-1", q.PHASE_MAX_APPARENT_POWER_IMPORT,   stamped(_FIVE),            _YESTERDAY_2),
    Field("SMAXSN2-1", q.PHASE_MAX_APPARENT_POWER_IMPORT_AT, stamp(_FIVE),             _YESTERDAY_2),
    Field("SMAXSN3-1", q.PHASE_MAX_APPARENT_POWER_IMPORT,   stamped(_FIVE),            _YESTERDAY_3),
    Field("SMAXSN3-1", q.PHASE_MAX_APPARENT_POWER_IMPORT_AT, stamp(_FIVE),             _YESTERDAY_3),
    Field("SINSTI",    q.APPARENT_POWER_EXPORT,             _FIVE),
    Field("SINSTI",    q.METER_PRODUCER,                    implies(_FIVE, "true")),
    Field("SMAXIN",    q.MAX_APPARENT_POWER_EXPORT,         stamped(_FIVE),            {"day": "today"}),
    Field("SMAXIN",    q.MAX_APPARENT_POWER_EXPORT_AT,      stamp(_FIVE),              {"day": "today"}),
    Field("SMAXIN-1",  q.MAX_APPARENT_POWER_EXPORT,         stamped(_FIVE),            {"day": "yesterday"}),
    Field("SMAXIN-1",  q.MAX_APPARENT_POWER_EXPORT_AT,      stamp(_FIVE),              {"day": "yesterday"}),
    Field("CCASN",     q.LOAD_PROFILE_IMPORT,               stamped(_FIVE),            {"point": "1"}),
    Field("CCASN",     q.LOAD_PROFILE_AT,                   stamp(_FIVE),              {"point": "1"}),
    Field("CCASN-1",   q.LOAD_PROFILE_IMPORT,               stamped(_FIVE),            {"point": "2"}),
    Field("CCASN-1",   q.LOAD_PROFILE_AT,                   stamp(_FIVE),              {"point": "2"}),
    Field("CCAIN",     q.LOAD_PROFILE_EXPORT,               stamped(_FIVE),            {"point": "1"}),
    Field("CCAIN",     q.EXPORT_LOAD_PROFILE_AT,            stamp(_FIVE),              {"point": "1"}),
    Field("CCAIN-1",   q.LOAD_PROFILE_EXPORT,               stamped(_FIVE),            {"point": "2"}),
    Field("CCAIN-1",   q.EXPORT_LOAD_PROFILE_AT,            stamp(_FIVE),              {"point": "2"}),
    Field("UMOY1",     q.MEAN_VOLTAGE,                      stamped(_THREE),           {"phase": "1"}),
    Field("UMOY1",     q.MEAN_VOLTAGE_AT,                   stamp(_THREE),             {"phase": "1"}),
    Field("UMOY2",     q.MEAN_VOLTAGE,                      stamped(_THREE),           {"phase": "2"}),
    Field("UMOY2",     q.MEAN_VOLTAGE_AT,                   stamp(_THREE),             {"phase": "2"}),
    Field("UMOY3",     q.MEAN_VOLTAGE,                      stamped(_THREE),           {"phase": "3"}),
    Field("UMOY3",     q.MEAN_VOLTAGE_AT,                   stamp(_THREE),             {"phase": "3"}),
    # STGE, 6.2.3.14: bit 0 is 1 while the contact is open. Bits 5 and 18 are unused; 8, 10-13 and 17 say again what
    # EAIT, NTARF and the separator say.
    Field("STGE",      q.DRY_CONTACT_CLOSED,                bit(0, inverted=True)),
    Field("STGE",      q.DISCONNECTOR,                      bits(1, 3, dict(enumerate(q.DISCONNECTOR_STATES)))),
    Field("STGE",      q.TERMINAL_COVER_OPEN,               bit(4)),
    Field("STGE",      q.OVERVOLTAGE,                       bit(6)),
    Field("STGE",      q.OVERLOAD,                          bit(7)),
    Field("STGE",      q.EXPORTING,                         bit(9)),
    Field("STGE",      q.DISTRIBUTOR_TARIFF_PERIOD,         bits(14, 15, _DISTRIBUTOR_PERIODS)),
    Field("STGE",      q.CLOCK_DEGRADED,                    bit(16)),
    Field("STGE",      q.EURIDIS,                           bits(19, 20, _EURIDIS)),
    Field("STGE",      q.PLC,                               bits(21, 22, dict(enumerate(q.PLC_STATES)))),
    Field("STGE",      q.PLC_SYNCHRONIZED,                  bit(23)),
    Field("STGE",      q.DAY_COLOR,                         tempo_color(24, _COLORS)),
    Field("STGE",      q.NEXT_DAY_COLOR,                    tempo_color(26, _COLORS)),
    Field("STGE",      q.CRITICAL_PEAK_NOTICE,              bits(28, 29, {0: False, 1: True, 2: True, 3: True})),
    Field("STGE",      q.CRITICAL_PEAK,                     bits(30, 31, {0: False, 1: True, 2: True, 3: True})),
    Field("DPM1",      q.CRITICAL_PEAK_START,               _PEAK,                     {"peak": "1"}),
    Field("FPM1",      q.CRITICAL_PEAK_END,                 _PEAK,                     {"peak": "1"}),
    Field("DPM2",      q.CRITICAL_PEAK_START,               _PEAK,                     {"peak": "2"}),
    Field("FPM2",      q.CRITICAL_PEAK_END,                 _PEAK,                     {"peak": "2"}),
    Field("DPM3",      q.CRITICAL_PEAK_START,               _PEAK,                     {"peak": "3"}),
    Field("FPM3",      q.CRITICAL_PEAK_END,                 _PEAK,                     {"peak": "3"}),
    Field("MSG1",      q.MESSAGE,                           text(32)),
    Field("MSG2",      q.SHORT_MESSAGE,                     text(16),                  cyclic=True, once=True),
    Field("PRM",       q.METERING_POINT,                    matching(r"\d{14}")),
    Field("RELAIS",    q.RELAY_CLOSED,                      byte_bit(0),               {"relay": "1"}),
    Field("RELAIS",    q.RELAY_CLOSED,                      byte_bit(1),               {"relay": "2"}),
    Field("RELAIS",    q.RELAY_CLOSED,                      byte_bit(2),               {"relay": "3"}),
    Field("RELAIS",    q.RELAY_CLOSED,                      byte_bit(3),               {"relay": "4"}),
    Field("RELAIS",    q.RELAY_CLOSED,                      byte_bit(4),               {"relay": "5"}),
    Field("RELAIS",    q.RELAY_CLOSED,                      byte_bit(5),               {"relay": "6"}),
    Field("RELAIS",    q.RELAY_CLOSED,                      byte_bit(6),               {"relay": "7"}),
    Field("RELAIS",    q.RELAY_CLOSED,                      byte_bit(7),               {"relay": "8"}),
    Field("NTARF",     q.TARIFF_PERIOD,                     formed(r"\d\d", codes(*_PERIODS))),
    Field("NJOURF",    q.CALENDAR_DAY_PROFILE,              integer(width=2, most=9),  {"day": "current"}),
    Field("NJOURF+1",  q.CALENDAR_DAY_PROFILE,              integer(width=2, most=9),  {"day": "next"}),
    Field("PJOURF+1",  q.NEXT_DAY_PERIOD_START,             profile_start(1),          {"slot": "01"}),
    Field("PJOURF+1",  q.NEXT_DAY_PERIOD_START,             profile_start(2),          {"slot": "02"}),
    Field("PJOURF+1",  q.NEXT_DAY_PERIOD_START,             profile_start(3),          {"slot": "03"}),
    Field("PJOURF+1",  q.NEXT_DAY_PERIOD_START,             profile_start(4),          {"slot": "04"}),
    Field("PJOURF+1",  q.NEXT_DAY_PERIOD_START,             profile_start(5),          {"slot": "05"}),
    Field("PJOURF+1",  q.NEXT_DAY_PERIOD_START,             profile_start(6),          {"slot": "06"}),
    Field("PJOURF+1",  q.NEXT_DAY_PERIOD_START,             profile_start(7),          {"slot": "07"}),
    Field("PJOURF+1",  q.NEXT_DAY_PERIOD_START,             profile_start(8),          {"slot": "08"}),
    Field("PJOURF+1",  q.NEXT_DAY_PERIOD_START,             profile_start(9),          {"slot": "09"}),
    Field("PJOURF+1",  q.NEXT_DAY_PERIOD_START,             profile_start(10),         {"slot": "10"}),
    Field("PJOURF+1",  q.NEXT_DAY_PERIOD_START,             profile_start(11),         {"slot": "11"}),
)  # fmt: skip

# What every frame of every variant holds: one without them is glued together from parts of two.
_ALWAYS = frozenset(
    {
        "ADSC", "VTIC", "DATE", "EAST",
        "EASF01", "EASF02", "EASF03", "EASF04", "EASF05", "EASF06", "EASF07", "EASF08", "EASF09", "EASF10",
        "EASD01", "EASD02", "EASD03", "EASD04",
        "IRMS1", "URMS1", "PREF", "SINSTS", "SMAXSN", "UMOY1", "STGE", "RELAIS", "NTARF", "NJOURF",
    }
)  # fmt: skip

LINKY_STANDARD = Family(
    name="linky",
    dialects=(Dialect.STANDARD,),
    markers=(Marker(all_of=frozenset({"ADSC"})),),
    fields=_FIELDS,
    id_label="ADSC",
    ignored={
        "VTIC": "version of the labels themselves; 02 and the pilots' 01 are read by the same rows",
        "PPOINTE": "profile of the next peak day: two encodings that nothing tells apart, and no metric asks for it",
    },
    # Pilot meters (VTIC 01) name three labels otherwise; Iskraemeco writes `_` for `-`.
    aliases={
        "SINST1": "SINSTS",
        "SMAXN": "SMAXSN",
        "SMAXN-1": "SMAXSN-1",
        "SMAXSN_1": "SMAXSN-1",
        "SMAXSN1_1": "SMAXSN1-1",
        "SMAXSN2_1": "SMAXSN2-1",
        "SMAXSN3_1": "SMAXSN3-1",
        "SMAXIN_1": "SMAXIN-1",
        "CCASN_1": "CCASN-1",
        "CCAIN_1": "CCAIN-1",
    },
    required=_ALWAYS,
    info={"phases": "1", "producer": "false"},
)
