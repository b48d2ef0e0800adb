"""ICE, the "Interface Clientèle Émeraude": with 2 quadrants (NOI-CPT_02E 2.7, version 2.4 too) and with 4 (2.8).

A frame of ICE-4Q is one of ICE-2Q, then `Appli INJECTION`, then labels of which many are those of the first part again:
there they measure what is injected. Each value is read when it is sent, so neighbours may differ slightly. Series of
reactive energy and of period p-1 take turns, a minute each.
"""

from .. import quantities as q
from ..codecs import SLASHES, choice, codes, date, decimal, first_of, flagged, integer, present, silent
from ..groups import Dialect
from ..schema import Family, Field, FromLabel, Marker

_WH, _VARH = integer("Wh"), integer("varh")
_KWH, _KVARH = integer("kWh", 1000), integer("kvarh", 1000)
_KW, _KVAR = integer("kW", 1000, most=32767), integer("kvar", 1000, most=32767, at_least=-32767)
_POINT = flagged("kW", 1000)
_VOLTS = integer("V", most=500)
_AMPERES = decimal("A", most=99.999, at_least=0.0, places=3)
_DATE = date(SLASHES)

_CONTRACTS = {
    "BASE_A5": ("P", "HPH", "HCH", "HPE", "HCE"),
    "BASE_A8": ("P", "HPH", "HPD", "HCH", "HCD", "HPE", "HCE", "JA"),
    "EJP_A5": ("PM", "HH", "HPE", "HCE"),
    "EJP_A8": ("PM", "HH", "HD", "HPE", "HCE", "JA"),
    "MOD": ("PM", "HM", "DSM", "SCM"),
}
_PERIODS = ("P", "HPH", "HPD", "HCH", "HCD", "HPE", "HCE", "JA", "PM", "HH", "HD", "HM", "DSM", "SCM")
_PEAK = choice({code: code == "PM" for code in _PERIODS})
# An A5 contract sends the labels of A8 too, where they mean nothing; version 2.4 does not tell which one it is.
_HPD = FromLabel("CONTRAT", {"BASE_A8": "HPD"})
_HCD = FromLabel("CONTRAT", {"BASE_A8": "HCD"})
_JA = FromLabel("CONTRAT", {"BASE_A8": "JA", "EJP_A8": "JA"})
_HD = FromLabel("CONTRAT", {"EJP_A8": "HD"})
_CURRENT, _PREVIOUS = {"billing_period": "current"}, {"billing_period": "previous"}

_FIELDS = (
    #     label       quantity                         codec                dimensions
    Field("CONTRAT",  q.CONTRACT,                      codes(*_CONTRACTS)),
    Field("CONTRAT",  q.CONTRACT_PERIODS,              choice(_CONTRACTS)),
    Field("DATECOUR", q.CLOCK,                         _DATE),
    # Version 2.4 names it otherwise.
    Field("DATE",     q.CLOCK,                         _DATE),
    Field("EA",       q.INTERVAL_ACTIVE_ENERGY_IMPORT, _WH),
    Field("ERP",      q.INTERVAL_REACTIVE_ENERGY,      _VARH,               {"quadrant": "1"}),
    Field("PTCOUR",   q.TARIFF_PERIOD,                 codes(*_PERIODS)),
    Field("PTCOUR",   q.CRITICAL_PEAK,                 _PEAK),
    # Several notices may stand in one frame. HM, DSM and SCM announce modulable periods, which no metric shows.
    Field("PREAVIS",  q.OVERLOAD_WARNING,              present(codes("DEP"))),
    Field("PREAVIS",  q.CRITICAL_PEAK_NOTICE,          present(codes("EJP")), unless=("PTCOUR", "PM")),
    Field("PREAVIS",  q.CRITICAL_PEAK_NOTICE,          silent(codes("HM", "DSM", "SCM"))),
    Field("MODE",     q.CONTROL_MODE,                  present(codes("CONTROLE"))),
    Field("DATEPA1",  q.LOAD_PROFILE_AT,               _DATE,               {"point": "1"}),
    Field("PA1",      q.LOAD_PROFILE_IMPORT,           _POINT,              {"point": "1"}),
    Field("DATEPA2",  q.LOAD_PROFILE_AT,               _DATE,               {"point": "2"}),
    Field("PA2",      q.LOAD_PROFILE_IMPORT,           _POINT,              {"point": "2"}),
    Field("DATEPA3",  q.LOAD_PROFILE_AT,               _DATE,               {"point": "3"}),
    Field("PA3",      q.LOAD_PROFILE_IMPORT,           _POINT,              {"point": "3"}),
    Field("DATEPA4",  q.LOAD_PROFILE_AT,               _DATE,               {"point": "4"}),
    Field("PA4",      q.LOAD_PROFILE_IMPORT,           _POINT,              {"point": "4"}),
    Field("DATEPA5",  q.LOAD_PROFILE_AT,               _DATE,               {"point": "5"}),
    Field("PA5",      q.LOAD_PROFILE_IMPORT,           _POINT,              {"point": "5"}),
    Field("DATEPA6",  q.LOAD_PROFILE_AT,               _DATE,               {"point": "6"}),
    Field("PA6",      q.LOAD_PROFILE_IMPORT,           _POINT,              {"point": "6"}),
    Field("DEBUTp",   q.BILLING_PERIOD_START,          _DATE,               _CURRENT),
    Field("FINp",     q.BILLING_PERIOD_END,            _DATE,               _CURRENT),
    Field("EApP",     q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": "P"}),
    Field("EApHPH",   q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": "HPH"}),
    Field("EApHPD",   q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": _HPD}),
    Field("EApHCH",   q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": "HCH"}),
    Field("EApHCD",   q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": _HCD}),
    Field("EApHPE",   q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": "HPE"}),
    Field("EApHCE",   q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": "HCE"}),
    Field("EApJA",    q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": _JA}),
    Field("EApPM",    q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": "PM"}),
    Field("EApHH",    q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": "HH"}),
    Field("EApHD",    q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": _HD}),
    Field("EApHM",    q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": "HM"}),
    Field("EApDSM",   q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": "DSM"}),
    Field("EApSCM",   q.ACTIVE_ENERGY_IMPORT,          _KWH,                {"tariff_period": "SCM"}),
    Field("ERPpP",    q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": "P"}, cyclic=True),
    Field("ERPpHPH",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": "HPH"}, cyclic=True),
    Field("ERPpHPD",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": _HPD}, cyclic=True),
    Field("ERPpHCH",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": "HCH"}, cyclic=True),
    Field("ERPpHCD",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": _HCD}, cyclic=True),
    Field("ERPpHPE",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": "HPE"}, cyclic=True),
    Field("ERPpHCE",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": "HCE"}, cyclic=True),
    Field("ERPpJA",   q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": _JA}, cyclic=True),
    Field("ERPpPM",   q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": "PM"}, cyclic=True),
    Field("ERPpHH",   q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": "HH"}, cyclic=True),
    Field("ERPpHD",   q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": _HD}, cyclic=True),
    Field("ERPpHM",   q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": "HM"}, cyclic=True),
    Field("ERPpDSM",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": "DSM"}, cyclic=True),
    Field("ERPpSCM",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "1", "tariff_period": "SCM"}, cyclic=True),
    Field("ERNpP",    q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": "P"}, cyclic=True),
    Field("ERNpHPH",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": "HPH"}, cyclic=True),
    Field("ERNpHPD",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": _HPD}, cyclic=True),
    Field("ERNpHCH",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": "HCH"}, cyclic=True),
    Field("ERNpHCD",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": _HCD}, cyclic=True),
    Field("ERNpHPE",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": "HPE"}, cyclic=True),
    Field("ERNpHCE",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": "HCE"}, cyclic=True),
    Field("ERNpJA",   q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": _JA}, cyclic=True),
    Field("ERNpPM",   q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": "PM"}, cyclic=True),
    Field("ERNpHH",   q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": "HH"}, cyclic=True),
    Field("ERNpHD",   q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": _HD}, cyclic=True),
    Field("ERNpHM",   q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": "HM"}, cyclic=True),
    Field("ERNpDSM",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": "DSM"}, cyclic=True),
    Field("ERNpSCM",  q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "4", "tariff_period": "SCM"}, cyclic=True),
    # Period p-1, with the option BASE alone.
    Field("EAp1P",    q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": "P"}, cyclic=True),
    Field("EAp1HPH",  q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": "HPH"}, cyclic=True),
    Field("EAp1HPD",  q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": _HPD}, cyclic=True),
    Field("EAp1HCH",  q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": "HCH"}, cyclic=True),
    Field("EAp1HCD",  q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": _HCD}, cyclic=True),
    Field("EAp1HPE",  q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": "HPE"}, cyclic=True),
    Field("EAp1HCE",  q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": "HCE"}, cyclic=True),
    Field("EAp1JA",   q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": _JA}, cyclic=True),
    Field("EAp1PM",   q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": "PM"}, cyclic=True),
    Field("EAp1HH",   q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": "HH"}, cyclic=True),
    Field("EAp1HD",   q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": _HD}, cyclic=True),
    Field("EAp1HM",   q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": "HM"}, cyclic=True),
    Field("EAp1DSM",  q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": "DSM"}, cyclic=True),
    Field("EAp1SCM",  q.PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,   {"tariff_period": "SCM"}, cyclic=True),
    Field("ERPp1P",   q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": "P"}, cyclic=True),
    Field("ERPp1HPH", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": "HPH"}, cyclic=True),
    Field("ERPp1HPD", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": _HPD}, cyclic=True),
    Field("ERPp1HCH", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": "HCH"}, cyclic=True),
    Field("ERPp1HCD", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": _HCD}, cyclic=True),
    Field("ERPp1HPE", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": "HPE"}, cyclic=True),
    Field("ERPp1HCE", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": "HCE"}, cyclic=True),
    Field("ERPp1JA",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": _JA}, cyclic=True),
    Field("ERPp1PM",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": "PM"}, cyclic=True),
    Field("ERPp1HH",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": "HH"}, cyclic=True),
    Field("ERPp1HD",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": _HD}, cyclic=True),
    Field("ERPp1HM",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": "HM"}, cyclic=True),
    Field("ERPp1DSM", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": "DSM"}, cyclic=True),
    Field("ERPp1SCM", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "1", "tariff_period": "SCM"}, cyclic=True),
    Field("ERNp1P",   q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": "P"}, cyclic=True),
    Field("ERNp1HPH", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": "HPH"}, cyclic=True),
    Field("ERNp1HPD", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": _HPD}, cyclic=True),
    Field("ERNp1HCH", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": "HCH"}, cyclic=True),
    Field("ERNp1HCD", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": _HCD}, cyclic=True),
    Field("ERNp1HPE", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": "HPE"}, cyclic=True),
    Field("ERNp1HCE", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": "HCE"}, cyclic=True),
    Field("ERNp1JA",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": _JA}, cyclic=True),
    Field("ERNp1PM",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": "PM"}, cyclic=True),
    Field("ERNp1HH",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": "HH"}, cyclic=True),
    Field("ERNp1HD",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": _HD}, cyclic=True),
    Field("ERNp1HM",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": "HM"}, cyclic=True),
    Field("ERNp1DSM", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": "DSM"}, cyclic=True),
    Field("ERNp1SCM", q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "4", "tariff_period": "SCM"}, cyclic=True),
    Field("DEBUTp1",  q.BILLING_PERIOD_START,          _DATE,               _PREVIOUS, cyclic=True),
    Field("FINp1",    q.BILLING_PERIOD_END,            _DATE,               _PREVIOUS, cyclic=True),
    Field("KDC",      q.OVERLOAD_WARNING_RATIO,        integer("%", most=100, at_least=80)),
    Field("KDCD",     q.OVERLOAD_WARNING_RELEASE_RATIO, integer("%", most=100, at_least=70)),
    Field("PSP",      q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": "P"}),
    Field("PSHPH",    q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": "HPH"}),
    Field("PSHPD",    q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": _HPD}),
    Field("PSHCH",    q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": "HCH"}),
    Field("PSHCD",    q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": _HCD}),
    Field("PSHPE",    q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": "HPE"}),
    Field("PSHCE",    q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": "HCE"}),
    Field("PSJA",     q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": _JA}),
    Field("PSPM",     q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": "PM"}),
    Field("PSHH",     q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": "HH"}),
    Field("PSHD",     q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": _HD}),
    Field("PSHM",     q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": "HM"}),
    Field("PSDSM",    q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": "DSM"}),
    Field("PSSCM",    q.SUBSCRIBED_ACTIVE_POWER,       _KW,                 {"tariff_period": "SCM"}),
    Field("PA1MN",    q.ACTIVE_DEMAND_IMPORT,          _KW,                 {"window": "1m"}),
    Field("PA10MN",   q.ACTIVE_DEMAND_IMPORT,          _KW,                 {"window": "10m"}),
    Field("PREA1MN",  q.REACTIVE_DEMAND_IMPORT,        _KVAR,               {"window": "1m"}),
    Field("PREA10MN", q.REACTIVE_DEMAND_IMPORT,        _KVAR,               {"window": "10m"}),
    Field("TGPHI",    q.TAN_PHI,                       decimal()),
    Field("U10MN",    q.LINE_VOLTAGE_MEAN,             _VOLTS),
)  # fmt: skip

_EXPORT_PERIODS = {"1": "P", "2": "HPH", "3": "HCH", "4": "HPE", "5": "HCE"}
_EXPORT_CODE = first_of(choice(_EXPORT_PERIODS), silent(codes("6", "7", "8")))  # 6 to 8 are not used
_EXPORT_PERIOD = FromLabel("PTCOUR", _EXPORT_PERIODS)

_INJECTION = (
    #     label       quantity                         codec                dimensions
    # The same voltage as in the first part, read a moment later: the last one wins.
    Field("U10MN",    q.LINE_VOLTAGE_MEAN,             _VOLTS),
    # The clock of the first part, which tells it, seconds later: in between there may be a top Td.
    Field("DATECOUR", q.EXPORT_CLOCK,                  _DATE),
    Field("EA",       q.INTERVAL_ACTIVE_ENERGY_EXPORT, _WH,                 clock=q.EXPORT_CLOCK),
    Field("ERP",      q.INTERVAL_REACTIVE_ENERGY,      _VARH,               {"quadrant": "2"}, clock=q.EXPORT_CLOCK),
    Field("ERN",      q.INTERVAL_REACTIVE_ENERGY,      _VARH,               {"quadrant": "3"}, clock=q.EXPORT_CLOCK),
    Field("PTCOUR",   q.EXPORT_TARIFF_PERIOD,          _EXPORT_CODE),
    # Version 1.01 alone sends a notice here; it is of the power injected, where the metric is of the power drawn.
    Field("PREAVIS",  q.OVERLOAD_WARNING,              silent(codes("DEP"))),
    Field("MODE",     q.CONTROL_MODE,                  present(codes("CONTROLE"))),
    Field("DATEP1",   q.EXPORT_LOAD_PROFILE_AT,        _DATE,               {"point": "1"}),
    Field("P1",       q.LOAD_PROFILE_EXPORT,           _POINT,              {"point": "1"}),
    Field("DATEP2",   q.EXPORT_LOAD_PROFILE_AT,        _DATE,               {"point": "2"}),
    Field("P2",       q.LOAD_PROFILE_EXPORT,           _POINT,              {"point": "2"}),
    Field("DATEP3",   q.EXPORT_LOAD_PROFILE_AT,        _DATE,               {"point": "3"}),
    Field("P3",       q.LOAD_PROFILE_EXPORT,           _POINT,              {"point": "3"}),
    Field("DATEP4",   q.EXPORT_LOAD_PROFILE_AT,        _DATE,               {"point": "4"}),
    Field("P4",       q.LOAD_PROFILE_EXPORT,           _POINT,              {"point": "4"}),
    Field("DATEP5",   q.EXPORT_LOAD_PROFILE_AT,        _DATE,               {"point": "5"}),
    Field("P5",       q.LOAD_PROFILE_EXPORT,           _POINT,              {"point": "5"}),
    Field("DATEP6",   q.EXPORT_LOAD_PROFILE_AT,        _DATE,               {"point": "6"}),
    Field("P6",       q.LOAD_PROFILE_EXPORT,           _POINT,              {"point": "6"}),
    Field("DEBUTp",   q.EXPORT_BILLING_PERIOD_START,   _DATE,               _CURRENT),
    Field("EApCour",  q.ACTIVE_ENERGY_EXPORT,          _KWH,                {"tariff_period": _EXPORT_PERIOD}),
    Field("ERPpCour", q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "2", "tariff_period": _EXPORT_PERIOD}),
    Field("ERNpCour", q.REACTIVE_ENERGY,          _KVARH, {"quadrant": "3", "tariff_period": _EXPORT_PERIOD}),
    Field("DEBUTp1",  q.EXPORT_BILLING_PERIOD_START,   _DATE,               _PREVIOUS, cyclic=True),
    Field("EAp1P1",   q.PREVIOUS_ACTIVE_ENERGY_EXPORT, _KWH,   {"tariff_period": "P"}, cyclic=True),
    Field("EAp1P2",   q.PREVIOUS_ACTIVE_ENERGY_EXPORT, _KWH,   {"tariff_period": "HPH"}, cyclic=True),
    Field("EAp1P3",   q.PREVIOUS_ACTIVE_ENERGY_EXPORT, _KWH,   {"tariff_period": "HCH"}, cyclic=True),
    Field("EAp1P4",   q.PREVIOUS_ACTIVE_ENERGY_EXPORT, _KWH,   {"tariff_period": "HPE"}, cyclic=True),
    Field("EAp1P5",   q.PREVIOUS_ACTIVE_ENERGY_EXPORT, _KWH,   {"tariff_period": "HCE"}, cyclic=True),
    Field("ERPp1P1",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "2", "tariff_period": "P"}, cyclic=True),
    Field("ERPp1P2",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "2", "tariff_period": "HPH"}, cyclic=True),
    Field("ERPp1P3",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "2", "tariff_period": "HCH"}, cyclic=True),
    Field("ERPp1P4",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "2", "tariff_period": "HPE"}, cyclic=True),
    Field("ERPp1P5",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "2", "tariff_period": "HCE"}, cyclic=True),
    Field("ERNp1P1",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "3", "tariff_period": "P"}, cyclic=True),
    Field("ERNp1P2",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "3", "tariff_period": "HPH"}, cyclic=True),
    Field("ERNp1P3",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "3", "tariff_period": "HCH"}, cyclic=True),
    Field("ERNp1P4",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "3", "tariff_period": "HPE"}, cyclic=True),
    Field("ERNp1P5",  q.PREVIOUS_REACTIVE_ENERGY, _KVARH, {"quadrant": "3", "tariff_period": "HCE"}, cyclic=True),
    Field("PrapCour", q.CONNECTION_POWER_EXPORT,       _KW,                 {"tariff_period": _EXPORT_PERIOD}),
    Field("IPA1MN",   q.ACTIVE_DEMAND_EXPORT,          _KW,                 {"window": "1m"}),
    Field("IPATMN",   q.ACTIVE_DEMAND_EXPORT,          _KW,                 {"window": "10m"}),
    Field("IPREA1MN", q.REACTIVE_DEMAND_EXPORT,        _KVAR,               {"window": "1m"}),
    Field("IPREATMN", q.REACTIVE_DEMAND_EXPORT,        _KVAR,               {"window": "10m"}),
    Field("I1",       q.EXPORT_CURRENT,                _AMPERES,            {"phase": "1"}),
    Field("I2",       q.EXPORT_CURRENT,                _AMPERES,            {"phase": "2"}),
    Field("I3",       q.EXPORT_CURRENT,                _AMPERES,            {"phase": "3"}),
    Field("TGPHI",    q.TAN_PHI_EXPORT,                decimal()),
)  # fmt: skip

_RESERVED = "code of the latest billing action, reserved to the distributor"
_UNUSED = "register of a tariff period of the export contract that is not used"
_IGNORED = {"CAFp": _RESERVED, "CAFp1": _RESERVED}

ICE_2Q = Family(
    name="ice-2q",
    dialects=(Dialect.HISTORIC,),
    markers=(
        Marker(any_of=frozenset({"CONTRAT", "DATECOUR"})),
        Marker(all_of=frozenset({"EA", "ERP", "KDC", "DATE"})),
    ),
    fields=_FIELDS,
    ignored=_IGNORED,
    required=frozenset({"EA", "ERP", "PTCOUR", "KDC", "KDCD"}),
    # Some brands send U10MN in a frame of its own.
    complete_label="PTCOUR",
    partial_labels=frozenset({"U10MN"}),
    repeats=frozenset({"PREAVIS"}),
    frame_seconds=30.0,
    largest_power=20_000_000.0,
    register_step=1000,
    billing_start=q.BILLING_PERIOD_START,
)

ICE_4Q = Family(
    name="ice-4q",
    dialects=(Dialect.HISTORIC,),
    markers=(Marker(all_of=frozenset({"Appli"})),),
    fields=_FIELDS,
    aliases={"PRapCour": "PrapCour"},  # the specification spells it both ways: uncertain
    ignored=_IGNORED
    | {
        "EAp1P6": _UNUSED,
        "EAp1P7": _UNUSED,
        "EAp1P8": _UNUSED,
        "ERPp1P6": _UNUSED,
        "ERPp1P7": _UNUSED,
        "ERPp1P8": _UNUSED,
        "ERNp1P6": _UNUSED,
        "ERNp1P7": _UNUSED,
        "ERNp1P8": _UNUSED,
    },
    sections={("Appli", "INJECTION"): _INJECTION},
    required=frozenset({"EA", "ERP", "PTCOUR"}),
    complete_label="PTCOUR",
    partial_labels=frozenset({"U10MN"}),
    repeats=frozenset({"PREAVIS"}),
    info={"producer": "true"},
    frame_seconds=30.0,
    largest_power=20_000_000.0,
    register_step=1000,
    billing_start=q.BILLING_PERIOD_START,
)
