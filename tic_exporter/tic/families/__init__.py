"""The families of meters, in the order in which a frame is recognised: the more telling markers first."""

from ..schema import Family
from .cje import CJE
from .concentrator import CONCENTRATOR
from .historic import CBEMM, CBEMM_ICC, CBETM, LINKY_SINGLE_PHASE, LINKY_THREE_PHASE
from .ice import ICE_2Q, ICE_4Q
from .pmepmi import PMEPMI
from .saphir import SAPHIR
from .standard import LINKY_STANDARD

FAMILIES: tuple[Family, ...] = (
    LINKY_STANDARD,
    PMEPMI,
    SAPHIR,
    CJE,
    ICE_4Q,
    ICE_2Q,
    LINKY_SINGLE_PHASE,
    LINKY_THREE_PHASE,
    CONCENTRATOR,
    CBETM,
    CBEMM_ICC,
    CBEMM,
)
