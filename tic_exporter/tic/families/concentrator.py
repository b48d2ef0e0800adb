"""The téléreport concentrator (NOI-CPT_02E 2.2): indices of 8 digits, and volumes of other meters."""

from .. import quantities as q
from ..codecs import formed, integer, text
from ..groups import Dialect
from ..identity import CONCENTRATOR_TYPES
from ..schema import Family, Field, Marker
from .historic import MOTDETAT, OPTARIF, OPTARIF_PERIODS, PTEC_PEAK, PTEC_PERIOD, REQUIRED, STANDBY

_INDEX = integer(width=8)
_VOLUME = integer(width=7)

_FIELDS = (
    #     label      quantity                codec                             dimensions
    Field("OPTARIF", q.CONTRACT, formed(OPTARIF, text(4, drop="."))),
    Field("OPTARIF", q.CONTRACT_PERIODS, OPTARIF_PERIODS),
    Field("BASE", q.ACTIVE_ENERGY_IMPORT, _INDEX, {"tariff_period": "TH"}),
    Field("HCHC", q.ACTIVE_ENERGY_IMPORT, _INDEX, {"tariff_period": "HC"}),
    Field("HCHP", q.ACTIVE_ENERGY_IMPORT, _INDEX, {"tariff_period": "HP"}),
    Field("EJPHN", q.ACTIVE_ENERGY_IMPORT, _INDEX, {"tariff_period": "HN"}),
    Field("EJPHPM", q.ACTIVE_ENERGY_IMPORT, _INDEX, {"tariff_period": "PM"}),
    Field("GAZ", q.GAS_VOLUME, _VOLUME),
    Field("AUTRE", q.THIRD_METER_VOLUME, _VOLUME),
    Field("PTEC", q.TARIFF_PERIOD, PTEC_PERIOD),
    Field("PTEC", q.CRITICAL_PEAK, PTEC_PEAK),
)  # fmt: skip

CONCENTRATOR = Family(
    name="concentrator",
    dialects=(Dialect.HISTORIC,),
    markers=(
        Marker(all_of=frozenset({"ADCO"}), device_types=CONCENTRATOR_TYPES),
        Marker(all_of=frozenset({"ADCO", "OPTARIF"}), none_of=frozenset({"ISOUSC", "IINST", "IINST1", "PAPP"})),
    ),
    fields=_FIELDS,
    id_label="ADCO",
    ignored=MOTDETAT,
    required=REQUIRED,
    complete_label="OPTARIF",
    partial_labels=STANDBY,
)
