"""What is known of one meter: the series that say it, and what outlives the process."""

from collections.abc import Mapping
from typing import NamedTuple

from .legal_time import LegalTime
from .registers import Registers
from .tic import quantities as q
from .tic.identity import describe
from .tic.quantities import Kind, Quantity
from .tic.schema import Dimensions, Family, Key

VOLTS_PER_AMPERE = 200.0
"""Subscribed kVA per ampere of ISOUSC (NOI-CPT_54E 6.1.2: kVA x 1000 / 200, per phase)."""

SUBSCRIBED = frozenset({q.LIMITER_THRESHOLD, q.SUBSCRIBED_APPARENT_POWER, q.SUBSCRIBED_ACTIVE_POWER})


class Identity(NamedTuple):
    """Whose frames these are: another id, another family or another dialect begins afresh."""

    meter_id: str
    family: Family
    mode: str


class Kept(NamedTuple):
    """A value that outlives its frame: a register as the meter counts it, a level, or a name. `seen` is Unix time."""

    value: float | str
    seen: float


class Known:
    """The values of one meter. Frames change them (`folding.py`, `takers.py`); here they are given out.

    Args:
        identity: whose they are.
        legal_time: of the meter's dates.
        hidden: quantities that are not published.
    """

    def __init__(self, identity: Identity, legal_time: LegalTime, hidden: frozenset[Quantity]) -> None:
        self.identity = identity
        self.legal_time = legal_time
        self.hidden = hidden
        self.registers = Registers(identity.family)
        self.current: dict[Key, float | str] = {}
        """What the last complete frame says, completed by the partial ones since."""
        self.kept: dict[Key, Kept] = {}
        """What was said by frames before, and still holds."""
        self.shown: set[Key] = set()
        """The registers that the last complete frame holds, and the partial ones since."""
        self.periods: dict[Quantity, dict[str, None]] = {}
        """By state, the names that were seen of it."""
        self.published: dict[Key, float] = {}
        """The series, in base units."""
        self.unix = 0.0
        """Unix time of the last frame."""
        self.unsettled = True
        """Something waits for the next frame to be taken in whole."""
        self._seen_now: list[Key] = []

    # --- giving out ---------------------------------------------------------------------------------------------------

    def readings(self) -> dict[Key, float]:
        """Give every series to be published, in base units: a copy, which no later frame changes."""
        published = self.published.copy()
        for key in self._seen_now:
            published[key] = self.unix
        return published

    def rebuild(self) -> None:
        """List anew what is published."""
        values: dict[Key, float] = {}
        names: dict[tuple[str, Dimensions], tuple[Quantity, dict[str, str]]] = self._describe()
        named: set[tuple[str, Dimensions, str]] = set()
        kept = ((key, entry.value) for key, entry in self.kept.items())
        for key, value in (*self.current.items(), *kept):
            quantity, dimensions = key
            if quantity in self.hidden:
                continue
            if quantity.kind is Kind.TEXT:
                series, described = names.setdefault((quantity.metric, dimensions), (quantity, dict(dimensions)))
                name = (quantity.metric, dimensions, quantity.value_dimension)
                if name in named:  # a second message is a series of its own
                    values[series, (*dimensions, (quantity.value_dimension, str(value)))] = 1.0
                else:
                    named.add(name)
                    described[quantity.value_dimension] = str(value)
            elif quantity.kind is Kind.STATE:
                for state in quantity.states or self.periods.get(quantity, {}) | {str(value): None}:
                    values[quantity, ((quantity.value_dimension, state),)] = float(state == value)
            elif isinstance(value, float) and quantity.kind is not Kind.REGISTER:
                values[key] = quantity.unit.in_base(value)
        values.update(self._counters())
        values.update({(quantity, tuple(text.items())): 1.0 for quantity, text in names.values()})
        self.published = values
        self._list_seen_now()

    def _list_seen_now(self) -> None:
        """List the registers that the last frame showed, where most frames show one of several."""
        shown = self.shown & self.kept.keys() if self.identity.family.shows_one_period else set()
        self._seen_now = [(q.REGISTER_LAST_SEEN, key[1]) for key in shown if key[0] is q.ACTIVE_ENERGY_IMPORT]

    def _counters(self) -> dict[Key, float]:
        values: dict[Key, float] = {}
        withheld = self.registers.withheld()
        self.unsettled |= bool(withheld)
        for key, value in self.registers.believed():
            quantity, dimensions = key
            is_told = key in self.shown or (key in self.kept and quantity not in self.identity.family.told_in_full)
            if not is_told or key in withheld:
                continue
            if value == 0 and self.hides_zero(key):
                continue
            values[key] = quantity.unit.in_base(value)
            if key in self.kept and quantity is q.ACTIVE_ENERGY_IMPORT and self.identity.family.shows_one_period:
                values[q.REGISTER_LAST_SEEN, dimensions] = self.kept[key].seen
        sums = ((key, total) for key, total in self.registers.accumulated() if key not in withheld)
        values.update((key, key[0].unit.in_base(total)) for key, total in sums)
        return values

    def hides_zero(self, key: Key) -> bool:
        """Whether a register that never counted stays hidden: one of a tariff period that is not in force."""
        (quantity, dimensions) = key
        state = quantity.in_force
        return state is not None and self.current.get((state, ())) != dict(dimensions).get("tariff_period")

    def _describe(self) -> dict[tuple[str, Dimensions], tuple[Quantity, dict[str, str]]]:
        identity = self.identity
        meter = {"family": identity.family.name, "mode": identity.mode, **describe(identity.meter_id)}
        meter |= {"phases": "", "producer": ""} | dict(identity.family.info)
        return {
            (q.METER_PHASES.metric, ()): (q.METER_PHASES, meter),
            (q.CONTRACT.metric, ()): (q.CONTRACT, {"contract": "", "calendar": ""}),
        }

    # --- what outlives a frame, and the process -----------------------------------------------------------------------

    def keep(self, key: Key, value: float) -> None:
        """Have a register outlive its frame that was believed only now."""
        if key not in self.kept:
            self.kept[key] = Kept(value, self.unix)
            self._list_seen_now()

    def remembered(self) -> dict[Key, Kept]:
        """Give what is worth saving: registers, levels and names of periods that the next frame may not show."""
        now = self.shown & self.kept.keys()
        fresh = {key: Kept(value, self.unix) for key, value in self.registers.believed() if key in now}
        return {key: kept for key, kept in (self.kept | fresh).items() if key[0].kind is not Kind.PRESENCE}

    def restore(self, kept: Mapping[Key, Kept], now: float, unix: float, *, period_start: float) -> None:
        """Take up what an earlier process had kept of this meter, but for maxima and P-1 of an ended billing period."""
        for key, entry in kept.items():
            if key in self.kept or (key[0].per_billing_period and entry.seen < period_start):
                continue
            self.kept[key] = entry
            if key[0].kind is Kind.REGISTER and isinstance(entry.value, float):
                self.registers.restore(key, entry.value, now - max(0.0, unix - entry.seen))

    # --- the contract -------------------------------------------------------------------------------------------------

    def contract_power(self) -> float:
        """Watts that import registers may move by; without limit where neither limiter nor subscription is known."""
        known = [*self.current.items(), *((key, kept.value) for key, kept in self.kept.items())]
        powers = [value for (quantity, _), value in known if quantity in SUBSCRIBED and isinstance(value, float)]
        amperes = self.current.get((q.SUBSCRIBED_CURRENT, ()))
        if isinstance(amperes, float):
            powers.append(amperes * VOLTS_PER_AMPERE * int(self.identity.family.info.get("phases", "1")))
        return max(powers) if powers and max(powers) > 0 else float("inf")
