"""PME-PMI, paliers 2010 and 2013 (NOI-CPT_02E 2.9).

A frame shows the registers, subscribed power and maxima of the tariff period in force only: each is bound to PTCOUR1
(calendar 2: PTCOUR2) of the same frame. All values are taken at the start of the frame.
"""

import re

from .. import quantities as q
from ..codecs import (
    COLONS,
    choice,
    codes,
    constant,
    date,
    decimal,
    first_of,
    flagged,
    integer,
    present,
    silent,
    text,
)
from ..groups import Dialect
from ..schema import Family, Field, FromLabel, FromLabels, Marker, Memory, Where

_WH, _VARH, _VAH = integer("Wh"), integer("varh"), integer("VAh")
_KWH, _KVARH = integer("kWh", 1000), integer("kvarh", 1000)
_KVA, _KW = integer("kVA", 1000, most=32767), integer("kW", 1000, most=32767)
_POINT = flagged("kW", 1000)
_DATE = date(COLONS)
_NAME = text(10)

_FOUR = ("HPH", "HCH", "HPE", "HCE")
_FIVE = ("P", *_FOUR)
_EIGHT = ("P", "HPH", "HPD", "HCH", "HCD", "HPE", "HCE", "JA")
_EJP = ("PM", "HH", "HPE", "HCE")
_THREE = ("P", "HP", "HC")
PERIODS = ("P", "PM", "HH", "HP", "HC", "HPH", "HCH", "HPE", "HCE", "HPD", "HCD", "JA", "HD")
_LU = ("TJ LU", "TJ LU-SD", "TJ LU-P", "TJ LU-PH", "TJ LU-CH")
_EJPS = ("TJ EJP", "TJ EJP-SD", "TJ EJP-PM", "TJ EJP-HH")
# More contracts may appear: one that is not listed is no error, its periods are those that are seen.
_CALENDAR1 = {
    "TJ MU": _FOUR, "BT 4 SUP36": _FOUR, "BT4 SUP36": _FOUR, **dict.fromkeys(_LU, _FIVE), **dict.fromkeys(_EJPS, _EJP),
    "TV A5 BASE": _FIVE, "TV A8 BASE": _EIGHT, "BT 5 SUP36": _FIVE, "HTA 5": _FIVE, "HTA 8": _EIGHT,
}  # fmt: skip
_CALENDAR2 = {
    "TJ MU": _FOUR, "BT 4 SUP36": _FOUR, "BT4 SUP36": _FOUR, **dict.fromkeys(_LU, _FOUR), **dict.fromkeys(_EJPS, _EJP),
    "TV A5 BASE": _THREE, "TV A8 BASE": _THREE, "BT 5 SUP36": _FOUR, "HTA 5": _THREE, "HTA 8": _THREE,
}  # fmt: skip

# Palier 2010 sends no ETATDYN1, and 2013 only under a contract with a dynamic tariff (2.9, tables of both paliers):
# without it TARIFDYN tells that the external signal is there, and the registers are those of PTCOUR1.
_IN_FORCE = FromLabels("PTCOUR1", active=("TARIFDYN", "ACTIF"), suffix="ETATDYN1", idle="000")
_PERIOD: Where = {"tariff_period": _IN_FORCE}
_Q1: Where = {"quadrant": "1", "tariff_period": _IN_FORCE}
_Q2: Where = {"quadrant": "2", "tariff_period": _IN_FORCE}
_Q3: Where = {"quadrant": "3", "tariff_period": _IN_FORCE}
_Q4: Where = {"quadrant": "4", "tariff_period": _IN_FORCE}
_PERIOD2: Where = {"tariff_period": FromLabel("PTCOUR2")}
_CURRENT, _PREVIOUS = {"billing_period": "current"}, {"billing_period": "previous"}

_FIELDS = (
    #     label       quantity                                   codec                  dimensions
    Field("MESURES1", q.CONTRACT,                                _NAME),
    Field("MESURES1", q.CONTRACT_PERIODS,                        first_of(choice(_CALENDAR1), silent(_NAME))),
    Field("DATE",     q.CLOCK,                                   _DATE),
    Field("EA_s",     q.INTERVAL_ACTIVE_ENERGY_IMPORT,           _WH),
    Field("ER+_s",    q.INTERVAL_REACTIVE_ENERGY,                _VARH,                 {"quadrant": "1"}),
    Field("ER-_s",    q.INTERVAL_REACTIVE_ENERGY,                _VARH,                 {"quadrant": "4"}),
    Field("EAPP_s",   q.INTERVAL_APPARENT_ENERGY_IMPORT,         _VAH),
    Field("EA_i",     q.INTERVAL_ACTIVE_ENERGY_EXPORT,           _WH),
    Field("ER+_i",    q.INTERVAL_REACTIVE_ENERGY,                _VARH,                 {"quadrant": "2"}),
    Field("ER-_i",    q.INTERVAL_REACTIVE_ENERGY,                _VARH,                 {"quadrant": "3"}),
    Field("EAPP_i",   q.INTERVAL_APPARENT_ENERGY_EXPORT,         _VAH),
    Field("PTCOUR1",  q.TARIFF_PERIOD,                           codes(*PERIODS),       _PERIOD),
    Field("PTCOUR1",  q.CRITICAL_PEAK,                           choice({code: code == "PM" for code in PERIODS})),
    Field("TARIFDYN", q.DYNAMIC_TARIFF,                          codes("ACTIF", "INACTIF")),
    Field("ETATDYN1", q.DYNAMIC_TARIFF,                          text(3)),
    Field("MODE",     q.CONTROL_MODE,                            present(codes("CONTROLE"))),
    Field("CONFIG",   q.METER_PRODUCER,                          choice({"CONSO": "false", "PROD": "true"})),
    Field("DATEPA1",  q.LOAD_PROFILE_AT,                         _DATE,                 {"point": "1"}),
    Field("PA1_s",    q.LOAD_PROFILE_IMPORT,                     _POINT,                {"point": "1"}),
    Field("PA1_i",    q.LOAD_PROFILE_EXPORT,                     _POINT,                {"point": "1"}),
    Field("DATEPA2",  q.LOAD_PROFILE_AT,                         _DATE,                 {"point": "2"}),
    Field("PA2_s",    q.LOAD_PROFILE_IMPORT,                     _POINT,                {"point": "2"}),
    Field("PA2_i",    q.LOAD_PROFILE_EXPORT,                     _POINT,                {"point": "2"}),
    Field("DATEPA3",  q.LOAD_PROFILE_AT,                         _DATE,                 {"point": "3"}),
    Field("PA3_s",    q.LOAD_PROFILE_IMPORT,                     _POINT,                {"point": "3"}),
    Field("PA3_i",    q.LOAD_PROFILE_EXPORT,                     _POINT,                {"point": "3"}),
    Field("DATEPA4",  q.LOAD_PROFILE_AT,                         _DATE,                 {"point": "4"}),
    Field("PA4_s",    q.LOAD_PROFILE_IMPORT,                     _POINT,                {"point": "4"}),
    Field("PA4_i",    q.LOAD_PROFILE_EXPORT,                     _POINT,                {"point": "4"}),
    Field("DATEPA5",  q.LOAD_PROFILE_AT,                         _DATE,                 {"point": "5"}),
    Field("PA5_s",    q.LOAD_PROFILE_IMPORT,                     _POINT,                {"point": "5"}),
    Field("PA5_i",    q.LOAD_PROFILE_EXPORT,                     _POINT,                {"point": "5"}),
    Field("DATEPA6",  q.LOAD_PROFILE_AT,                         _DATE,                 {"point": "6"}),
    Field("PA6_s",    q.LOAD_PROFILE_IMPORT,                     _POINT,                {"point": "6"}),
    Field("PA6_i",    q.LOAD_PROFILE_EXPORT,                     _POINT,                {"point": "6"}),
    Field("DebP",     q.BILLING_PERIOD_START,                    _DATE,                 _CURRENT),
    Field("EAP_s",    q.ACTIVE_ENERGY_IMPORT,                    _KWH,                  _PERIOD),
    Field("EAP_i",    q.ACTIVE_ENERGY_EXPORT,                    _KWH,                  _PERIOD),
    Field("ER+P_s",   q.REACTIVE_ENERGY,                         _KVARH,                _Q1),
    Field("ER-P_s",   q.REACTIVE_ENERGY,                         _KVARH,                _Q4),
    Field("ER+P_i",   q.REACTIVE_ENERGY,                         _KVARH,                _Q2),
    Field("ER-P_i",   q.REACTIVE_ENERGY,                         _KVARH,                _Q3),
    Field("DebP-1",   q.BILLING_PERIOD_START,                    _DATE,                 _PREVIOUS),
    Field("FinP-1",   q.BILLING_PERIOD_END,                      _DATE,                 _PREVIOUS),
    Field("EAP-1_s",  q.PREVIOUS_ACTIVE_ENERGY_IMPORT,           _KWH,                  _PERIOD),
    Field("EAP-1_i",  q.PREVIOUS_ACTIVE_ENERGY_EXPORT,           _KWH,                  _PERIOD),
    Field("ER+P-1_s", q.PREVIOUS_REACTIVE_ENERGY,                _KVARH,                _Q1),
    Field("ER-P-1_s", q.PREVIOUS_REACTIVE_ENERGY,                _KVARH,                _Q4),
    Field("ER+P-1_i", q.PREVIOUS_REACTIVE_ENERGY,                _KVARH,                _Q2),
    Field("ER-P-1_i", q.PREVIOUS_REACTIVE_ENERGY,                _KVARH,                _Q3),
    Field("PS",       q.SUBSCRIBED_APPARENT_POWER,               _KVA,                  _PERIOD),
    Field("PS",       q.SUBSCRIBED_ACTIVE_POWER,                 _KW,                   _PERIOD),
    Field("PREAVIS",  q.OVERLOAD_WARNING,                        present(codes("DEP"))),
    Field("PA1MN",    q.ACTIVE_DEMAND_IMPORT,                    _KW,                   {"window": "1m"}),
    Field("PMAX_s",   q.MAX_APPARENT_DEMAND_IMPORT,              _KVA,                  _PERIOD),
    Field("PMAX_s",   q.MAX_ACTIVE_DEMAND_IMPORT,                _KW,                   _PERIOD),
    Field("PMAX_i",   q.MAX_APPARENT_DEMAND_EXPORT,              _KVA,                  _PERIOD),
    Field("PMAX_i",   q.MAX_ACTIVE_DEMAND_EXPORT,                _KW,                   _PERIOD),
    Field("TGPHI_s",  q.TAN_PHI,                                 decimal()),
    Field("TGPHI_i",  q.TAN_PHI_EXPORT,                          decimal()),
    Field("MESURES2", q.CALENDAR,                                _NAME),
    Field("MESURES2", q.CALENDAR2_PERIODS,                       first_of(choice(_CALENDAR2), silent(_NAME))),
    Field("PTCOUR2",  q.CALENDAR2_TARIFF_PERIOD,                 codes(*PERIODS)),
    Field("DebP_2",   q.CALENDAR2_BILLING_PERIOD_START,          _DATE,                 _CURRENT),
    Field("EAP_s2",   q.CALENDAR2_ACTIVE_ENERGY_IMPORT,          _KWH,                  _PERIOD2),
    Field("DebP-1_2", q.CALENDAR2_BILLING_PERIOD_START,          _DATE,                 _PREVIOUS),
    Field("FinP-1_2", q.CALENDAR2_BILLING_PERIOD_END,            _DATE,                 _PREVIOUS),
    Field("EAP-1_s2", q.CALENDAR2_PREVIOUS_ACTIVE_ENERGY_IMPORT, _KWH,                  _PERIOD2),
)  # fmt: skip

_DYNAMIC = "notice or dates of a dynamic period, which no metric shows; ETATDYN1 tells the one that runs"

# Not TARIFDYN: the published answer of api_compteur_tic (2019) comes from a meter that sends none.
_ALWAYS = frozenset(
    {
        "MESURES1", "DATE", "EA_s", "EAPP_s", "PTCOUR1", "CONFIG", "PA1_s", "PA6_s", "DebP", "EAP_s",
        "ER-P_s", "PS", "PA1MN", "MESURES2", "PTCOUR2", "EAP_s2",
    }
)  # fmt: skip

PMEPMI = Family(
    name="pme-pmi",
    dialects=(Dialect.HISTORIC,),
    markers=(Marker(any_of=frozenset({"MESURES1", "TRAME"})),),
    fields=_FIELDS,
    id_label="ADS",
    id_form=re.compile("[0-9A-F]{12}"),
    # Itron writes Ea where others write EA.
    aliases={
        "EaP_s": "EAP_s",
        "EaP_i": "EAP_i",
        "EaP-1_s": "EAP-1_s",
        "EaP-1_i": "EAP-1_i",
        "EaP_s2": "EAP_s2",
        "EaP-1_s2": "EAP-1_s2",
    },
    ignored={
        "ETATDYN2": "state of the dynamic tariff of calendar 2, under which no register is kept",
        "PREAVIS1": _DYNAMIC,
        "PREAVIS2": _DYNAMIC,
        "TDYN1CD": _DYNAMIC,
        "TDYN1CF": _DYNAMIC,
        "TDYN1FD": _DYNAMIC,
        "TDYN1FF": _DYNAMIC,
        "TDYN2CD": _DYNAMIC,
        "TDYN2CF": _DYNAMIC,
        "TDYN2FD": _DYNAMIC,
        "TDYN2FF": _DYNAMIC,
    },
    memories=(Memory("ETATDYN1", "ETATDYN1", constant("sent"), frozenset({"sent"})),),
    required=_ALWAYS,
    complete_label="MESURES1",
    partial_labels=frozenset(),
    test_marker=("TRAME", "TEST"),
    largest_power=20_000_000.0,
    register_step=1000,
    billing_start=q.BILLING_PERIOD_START,
)
