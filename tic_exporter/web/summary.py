"""What a person wants to know of a meter, from its `Snapshot`: JSON-like objects as docs/openapi.yml describes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..known import VOLTS_PER_AMPERE
from ..meter import (
    CONNECTION_FAILURES,
    CONNECTIONS,
    FRAMES,
    GROUP_ERRORS,
    GROUPS,
    INTERRUPTIONS,
    INVALID_FRAMES,
    PARITY_ERRORS,
    RECEIVED_BYTES,
    REJECTED_READINGS,
    LinkCounter,
    Snapshot,
)
from ..tic import quantities as q
from ..tic.quantities import Quantity
from ..tic.schema import Dimensions, Key

Json = dict[str, Any]
Readings = Mapping[Key, float]

JOULES_PER_KWH = 3_600_000.0

_PERSONAL = frozenset({q.METERING_POINT})
_SHORTEST_MASKED = 10

# The first that the meter sends is its power now: import, export, dimensions, unit, how it came about.
_POWERS: tuple[tuple[Quantity, Quantity | None, Dimensions, str, str], ...] = (
    (q.APPARENT_POWER_IMPORT, q.APPARENT_POWER_EXPORT, (), "VA", "instantaneous"),
    (q.ACTIVE_DEMAND_IMPORT, q.ACTIVE_DEMAND_EXPORT, (("window", "1m"),), "W", "mean_1m"),
    (q.LOAD_PROFILE_IMPORT, q.LOAD_PROFILE_EXPORT, (("point", "1"),), "W", "load_profile"),
)


def masked(identifier: str) -> str:
    """First four and last two characters; of a short one nothing."""
    return f"{identifier[:4]}…{identifier[-2:]}" if len(identifier) >= _SHORTEST_MASKED else "…"


class Facts:
    """The readings of one snapshot, found by quantity; none of a meter that is silent."""

    def __init__(self, snapshot: Snapshot, now: float) -> None:
        self.values: Readings = snapshot.readings if snapshot.is_fresh(now) else {}
        self._found: dict[Quantity, list[tuple[Dimensions, float]]] = {}
        for (quantity, dimensions), value in self.values.items():
            self._found.setdefault(quantity, []).append((dimensions, value))

    def all(self, quantity: Quantity) -> Iterable[tuple[dict[str, str], float]]:
        return [(dict(dimensions), value) for dimensions, value in self._found.get(quantity, [])]

    def get(self, quantity: Quantity, dimensions: Dimensions = ()) -> float | None:
        return self.values.get((quantity, dimensions))

    def flag(self, quantity: Quantity) -> bool | None:
        value = self.get(quantity)
        return None if value is None else bool(value)

    def state(self, quantity: Quantity) -> str | None:
        """Give the state that is 1."""
        return next((str(found[quantity.value_dimension]) for found, value in self.all(quantity) if value), None)

    def info(self, quantity: Quantity) -> dict[str, str]:
        """Give the texts of an info metric; those that are not known are left out."""
        texts = next((found for found, _ in self.all(quantity)), {})
        return {name: text for name, text in texts.items() if text}


def power(facts: Facts) -> Json | None:
    """Give the power now, in the unit that the meter counts it in; a meter without it is judged by its current."""
    for imported, exported, dimensions, unit, basis in _POWERS:
        value = facts.get(imported, dimensions)
        sent = facts.get(exported, dimensions) if exported else None
        if value is not None or sent is not None:
            return {"import": value, "export": sent, "unit": unit, "basis": basis} | _subscribed(facts, value, unit)
    amperes = [value for _, value in facts.all(q.CURRENT)]
    if not amperes:
        return None
    highest = max(amperes)
    return {"import": highest, "export": None, "unit": "A", "basis": "current"} | _subscribed(facts, highest, "A")


def net_power(facts: Facts) -> float | None:
    """Give import minus export, for a curve."""
    now = power(facts)
    return None if now is None else (now["import"] or 0.0) - (now["export"] or 0.0)


def _subscribed(facts: Facts, value: float | None, unit: str) -> Json:
    limits = {"VA": _in_force(facts, q.SUBSCRIBED_APPARENT_POWER), "W": _in_force(facts, q.SUBSCRIBED_ACTIVE_POWER)}
    limits["A"] = facts.get(q.SUBSCRIBED_CURRENT)
    if limits["VA"] is None and limits["A"] is not None and unit == "VA":
        phases = int(facts.info(q.METER_PHASES).get("phases", "1"))
        limits["VA"] = limits["A"] * VOLTS_PER_AMPERE * phases  # ISOUSC (NOI-CPT_54E 6.1.2)
    limit_unit = unit if limits[unit] is not None or unit == "A" else {"VA": "W", "W": "VA"}[unit]
    limit = limits[limit_unit]
    if not limit:
        return {"subscribed": None, "ratio": None}
    ratio = None if value is None else round(value / limit, 4)
    return {"subscribed": {"value": limit, "unit": limit_unit}, "ratio": ratio}


def _in_force(facts: Facts, quantity: Quantity) -> float | None:
    """Give what is subscribed for the period in force, or for all of them; else it is not known."""
    by_period = {found.get("tariff_period", ""): value for found, value in facts.all(quantity)}
    period = facts.state(q.TARIFF_PERIOD)
    if period in by_period:
        return by_period[period]
    values = set(by_period.values())
    return values.pop() if len(values) == 1 else None


def period_names(facts: Facts) -> dict[str, str]:
    return {found["tariff_period"]: found["name"] for found, _ in facts.all(q.TARIFF_PERIOD_NAME)}


def tariff(facts: Facts) -> Json | None:
    period = facts.state(q.TARIFF_PERIOD)
    if period is None:
        return None
    return {
        "period": period,
        "name": period_names(facts).get(period),
        "periods": [found["tariff_period"] for found, _ in facts.all(q.TARIFF_PERIOD)],
        "critical_peak": facts.flag(q.CRITICAL_PEAK),
        "critical_peak_notice": facts.flag(q.CRITICAL_PEAK_NOTICE),
    }


def colors(facts: Facts) -> Json | None:
    """Give the Tempo colours; None for another contract."""
    today, tomorrow = facts.state(q.DAY_COLOR), facts.state(q.NEXT_DAY_COLOR)
    return None if today is tomorrow is None else {"today": today, "tomorrow": tomorrow}


def energy(facts: Facts) -> Json:
    total = facts.get(q.TOTAL_ACTIVE_ENERGY_IMPORT)
    return {
        "import": _registers(facts, q.ACTIVE_ENERGY_IMPORT),
        "export": _registers(facts, q.ACTIVE_ENERGY_EXPORT),
        "total_import_kwh": None if total is None else _kwh(total),
    }


def _registers(facts: Facts, quantity: Quantity) -> list[Json]:
    names, period = period_names(facts), facts.state(q.TARIFF_PERIOD)
    is_import = quantity is q.ACTIVE_ENERGY_IMPORT
    registers = []
    for found, joules in facts.all(quantity):
        code = found.get("tariff_period", "")
        registers.append(
            {
                "tariff_period": code,
                "name": names.get(code),
                "kwh": _kwh(joules),
                "in_force": is_import and code == period,
            }
        )
    return sorted(registers, key=lambda register: str(register["tariff_period"]))


def _kwh(joules: float) -> float:
    return round(joules / JOULES_PER_KWH, 3)


_PHASE_COLUMNS = (
    ("current", q.CURRENT),
    ("voltage", q.VOLTAGE),
    ("apparent_power", q.PHASE_APPARENT_POWER_IMPORT),
    ("missing", q.PHASE_MISSING),
)


def phases(facts: Facts) -> list[Json]:
    rows: dict[str, Json] = {}
    for column, quantity in _PHASE_COLUMNS:
        for found, value in facts.all(quantity):
            row = rows.setdefault(found["phase"], {"phase": found["phase"], **dict.fromkeys(dict(_PHASE_COLUMNS))})
            row[column] = bool(value) if column == "missing" else value
    return [rows[phase] for phase in sorted(rows)]


def status(facts: Facts) -> Json:
    return {
        "overload": facts.flag(q.OVERLOAD),
        "overload_warning": facts.flag(q.OVERLOAD_WARNING),
        "exporting": facts.flag(q.EXPORTING),
        "disconnector": facts.state(q.DISCONNECTOR),
        "overvoltage": facts.flag(q.OVERVOLTAGE),
        "terminal_cover_open": facts.flag(q.TERMINAL_COVER_OPEN),
        "clock_degraded": facts.flag(q.CLOCK_DEGRADED),
    }


def device(facts: Facts) -> Json | None:
    texts = facts.info(q.METER_PHASES)
    if not texts:
        return None
    return {
        "manufacturer": texts.get("manufacturer"),
        "device_type": texts.get("device_type"),
        "year": int(texts["year"]) if "year" in texts else None,
        "phases": int(texts["phases"]) if "phases" in texts else None,
        "producer": {"true": True, "false": False}.get(texts.get("producer", "")),
    }


def contract(facts: Facts) -> Json | None:
    texts = facts.info(q.CONTRACT)
    return {"name": texts.get("contract"), "calendar": texts.get("calendar")} if texts else None


def link(snapshot: Snapshot, port: str, now: float) -> Json:
    """Say how the line is read. `port` is the configured one: it is known before the line is."""
    last, known = snapshot.last_frame_at, snapshot.link
    speed = known.get("baud_rate", "")
    return {
        "state": snapshot.link_state(now),
        "up": snapshot.is_fresh(now),
        "last_frame_at": snapshot.last_frame_unix,
        "last_frame_age": None if last is None else round(max(0.0, now - last), 1),
        "stale_after": snapshot.stale_after,
        "port": port,
        "baud_rate": int(speed) if speed.isdecimal() else None,
        "parity": known.get("parity"),
        "framing": known.get("framing"),
    }


def line_quality(snapshot: Snapshot) -> Json:
    def count(counter: LinkCounter) -> int:
        return snapshot.counts.get((counter.name, ""), 0)

    def by_reason(counter: LinkCounter) -> dict[str, int]:
        return {reason: snapshot.counts.get((counter.name, reason), 0) for reason in counter.reasons}

    frames, invalid = count(FRAMES), by_reason(INVALID_FRAMES)
    ended = frames + sum(invalid.values())
    return {
        "frames": frames,
        "invalid_frames": invalid,
        "valid_ratio": round(frames / ended, 6) if ended else None,
        "interruptions": count(INTERRUPTIONS),
        "groups": count(GROUPS),
        "group_errors": by_reason(GROUP_ERRORS),
        "parity_errors": count(PARITY_ERRORS),
        "rejected_readings": by_reason(REJECTED_READINGS),
        "received_bytes": count(RECEIVED_BYTES),
        "connections": count(CONNECTIONS),
        "connection_failures": count(CONNECTION_FAILURES),
    }


def readings(facts: Facts, *, show_ids: bool) -> list[Json]:
    """List every series as on /metrics, base units; the metering point only where ids may be shown."""
    return [
        {
            "metric": quantity.metric,
            "dimensions": dict(dimensions),
            "value": value,
            "unit": quantity.unit.suffix,
        }
        for (quantity, dimensions), value in facts.values.items()
        if show_ids or quantity not in _PERSONAL
    ]
