"""What is measured: one constant per quantity. Name, unit, type and help of its metric come from here alone.

Names follow IEC 62056 and DLMS; `obis` is the reference C.D.E of the quantity where the standard has one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from operator import mul


def _divided_by(divisor: int) -> Callable[[float], float]:
    return lambda number: number / divisor


class Unit(Enum):
    """The unit in which the meter counts: the base unit of the metric, and the factor towards it."""

    WATT_HOUR = ("joules", 3600.0)
    VAR_HOUR = ("varseconds", 3600.0)
    VOLT_AMPERE_HOUR = ("voltampereseconds", 3600.0)
    WATT = ("watts", 1.0)
    VOLT_AMPERE = ("voltamperes", 1.0)
    VAR = ("vars", 1.0)
    AMPERE = ("amperes", 1.0)
    VOLT = ("volts", 1.0)
    SECOND = ("seconds", 1.0)
    MINUTE = ("seconds", 60.0)
    DECALITRE = ("cubicmeters", 0.01)
    PERCENT = ("ratio", 0.01)
    INSTANT = ("timestamp_seconds", 1.0)
    NONE = ("", 1.0)

    def __init__(self, suffix: str, factor: float) -> None:
        self.suffix = suffix
        self.factor = factor
        # Asked for every number that changes. A hundredth is divided, since 0.01 has no exact float.
        self._in_base = partial(mul, factor) if factor >= 1 else _divided_by(round(1 / factor))

    @property
    def in_base(self) -> Callable[[float], float]:
        """What gives a number of this unit in the base unit."""
        return self._in_base


class Kind(Enum):
    """How a reading of the quantity behaves in time."""

    REGISTER = "only rises; outlives its frame; is remembered"
    INTERVAL = "rises, and starts again at each top Td; accumulated"
    LEVEL = "up and down"
    INSTANT = "a point in time"
    TEXT = "a name; becomes the value of a dimension of an info metric"
    STATE = "one of a list; one series of 0 or 1 for each"
    FLAG = "true or false, told by a value"
    PRESENCE = "true while the label is sent; false when a complete frame lacks it"
    CONTEXT = "not published: which states a contract has"


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """One thing measured. Compared by identity: these constants are the only instances.

    Args:
        name: of the metric, without prefix, unit and `_total`.
        unit: in which codecs give its values.
        kind: see `Kind`.
        help: one sentence without the labels, which are added from the tables.
        dimensions: beside meter and meter_id.
        obis: C.D.E of IEC 62056-6-1.
        value_dimension: for TEXT and STATE, the dimension that takes the value.
        states: for STATE, the closed list; empty where the states are those seen.
        in_force: for tariff registers, the STATE that names the period in force.
        per_billing_period: starts again with each billing period.
    """

    name: str
    unit: Unit
    kind: Kind
    help: str
    dimensions: tuple[str, ...] = ()
    obis: str = ""
    value_dimension: str = ""
    states: tuple[str, ...] = ()
    in_force: "Quantity | None" = None
    per_billing_period: bool = False

    @property
    def metric(self) -> str:
        suffix = f"_{self.unit.suffix}" if self.unit.suffix else ""
        total = "_total" if self.is_counter else ""
        return f"tic_{self.name}{suffix}{total}"

    @property
    def is_counter(self) -> bool:
        return self.kind in {Kind.REGISTER, Kind.INTERVAL}

    @property
    def is_published(self) -> bool:
        return self.kind is not Kind.CONTEXT


TARIFF = ("tariff_period",)
PHASE = ("phase",)
DAY = ("day",)
POINT = ("point",)
WINDOW = ("window",)
QUADRANT = ("quadrant",)
COLORS = ("unknown", "blue", "white", "red")


def _state(name: str, help_: str, value_dimension: str, states: tuple[str, ...] = ()) -> Quantity:
    return Quantity(name, Unit.NONE, Kind.STATE, help_, value_dimension=value_dimension, states=states)


def _flag(name: str, help_: str, dimensions: tuple[str, ...] = ()) -> Quantity:
    return Quantity(name, Unit.NONE, Kind.FLAG, help_, dimensions)


def _text(name: str, help_: str, value_dimension: str, dimensions: tuple[str, ...] = ()) -> Quantity:
    return Quantity(name, Unit.NONE, Kind.TEXT, help_, dimensions, value_dimension=value_dimension)


def _instant(name: str, help_: str, dimensions: tuple[str, ...] = ()) -> Quantity:
    return Quantity(name, Unit.INSTANT, Kind.INSTANT, help_, dimensions)


def _level(name: str, unit: Unit, help_: str, dimensions: tuple[str, ...] = (), obis: str = "") -> Quantity:
    return Quantity(name, unit, Kind.LEVEL, help_, dimensions, obis)


# --- tariff periods ------------------------------------------------------------------------------------------------

TARIFF_PERIOD = _state("tariff_period_active", "Whether this tariff period is in force", "tariff_period")
DISTRIBUTOR_TARIFF_PERIOD = _state(
    "distributor_tariff_period_active", "Whether this period of the distributor's calendar is in force", "tariff_period"
)
CALENDAR2_TARIFF_PERIOD = _state(
    "calendar2_tariff_period_active", "Whether this period of calendar 2 is in force", "tariff_period"
)
EXPORT_TARIFF_PERIOD = _state(
    "export_tariff_period_active", "Whether this period of the export contract is in force", "tariff_period"
)
CONTRACT_PERIODS = Quantity(
    "contract_periods", Unit.NONE, Kind.CONTEXT, "The tariff periods that the contract has", in_force=TARIFF_PERIOD
)
DISTRIBUTOR_PERIODS = Quantity(
    "distributor_periods",
    Unit.NONE,
    Kind.CONTEXT,
    "The periods of the distributor's calendar",
    in_force=DISTRIBUTOR_TARIFF_PERIOD,
)
CALENDAR2_PERIODS = Quantity(
    "calendar2_periods", Unit.NONE, Kind.CONTEXT, "The periods of calendar 2", in_force=CALENDAR2_TARIFF_PERIOD
)
INTEGRATION_PERIOD = Quantity("integration_period", Unit.MINUTE, Kind.CONTEXT, "Minutes between two top Td")
DYNAMIC_TARIFF = Quantity("dynamic_tariff", Unit.NONE, Kind.CONTEXT, "Whether a dynamic tariff is running, and which")
TARIFF_PERIOD_NAME = _text("tariff_period_info", "Name of a tariff period, learned from the meter", "name", TARIFF)

# --- energy ---------------------------------------------------------------------------------------------------------


def _register(
    name: str,
    unit: Unit,
    help_: str,
    dimensions: tuple[str, ...],
    obis: str = "",
    in_force: Quantity | None = None,
) -> Quantity:
    return Quantity(name, unit, Kind.REGISTER, help_, dimensions, obis, in_force=in_force)


ACTIVE_ENERGY_IMPORT = _register(
    "active_energy_import",
    Unit.WATT_HOUR,
    "Active energy imported, by the supplier's tariff period",
    TARIFF,
    "1.8.e",
    TARIFF_PERIOD,
)
TOTAL_ACTIVE_ENERGY_IMPORT = _register(
    "total_active_energy_import", Unit.WATT_HOUR, "Active energy imported over all tariff periods", (), "1.8.0"
)
DISTRIBUTOR_ACTIVE_ENERGY_IMPORT = _register(
    "distributor_active_energy_import",
    Unit.WATT_HOUR,
    "Active energy imported, by the distributor's tariff period",
    TARIFF,
    "1.8.e",
    DISTRIBUTOR_TARIFF_PERIOD,
)
CALENDAR2_ACTIVE_ENERGY_IMPORT = _register(
    "calendar2_active_energy_import",
    Unit.WATT_HOUR,
    "Active energy imported, by the period of calendar 2",
    TARIFF,
    "1.8.e",
    CALENDAR2_TARIFF_PERIOD,
)
ACTIVE_ENERGY_EXPORT = _register("active_energy_export", Unit.WATT_HOUR, "Active energy exported", TARIFF, "2.8.e")
REACTIVE_ENERGY = _register(
    "reactive_energy", Unit.VAR_HOUR, "Reactive energy by quadrant", ("quadrant", "tariff_period"), "5.8.e to 8.8.e"
)
DISTRIBUTOR_REACTIVE_ENERGY = _register(
    "distributor_reactive_energy",
    Unit.VAR_HOUR,
    "Reactive energy by quadrant and the distributor's tariff period",
    ("quadrant", "tariff_period"),
    "5.8.e to 8.8.e",
)
GAS_VOLUME = _register("gas_volume", Unit.DECALITRE, "Gas counted by the concentrator", ())
THIRD_METER_VOLUME = _register("third_meter_volume", Unit.DECALITRE, "Volume counted by the third meter", ())


def _interval(name: str, unit: Unit, help_: str, dimensions: tuple[str, ...] = ()) -> Quantity:
    return Quantity(
        f"interval_{name}", unit, Kind.INTERVAL, f"{help_}, accumulated since the exporter started", dimensions
    )


INTERVAL_ACTIVE_ENERGY_IMPORT = _interval("active_energy_import", Unit.WATT_HOUR, "Active energy imported")
INTERVAL_ACTIVE_ENERGY_EXPORT = _interval("active_energy_export", Unit.WATT_HOUR, "Active energy exported")
INTERVAL_REACTIVE_ENERGY = _interval("reactive_energy", Unit.VAR_HOUR, "Reactive energy by quadrant", QUADRANT)
INTERVAL_APPARENT_ENERGY_IMPORT = _interval(
    "apparent_energy_import", Unit.VOLT_AMPERE_HOUR, "Apparent energy while importing"
)
INTERVAL_APPARENT_ENERGY_EXPORT = _interval(
    "apparent_energy_export", Unit.VOLT_AMPERE_HOUR, "Apparent energy while exporting"
)


def _previous(name: str, unit: Unit, help_: str, dimensions: tuple[str, ...] = TARIFF) -> Quantity:
    return Quantity(
        name,
        unit,
        Kind.LEVEL,
        f"{help_} at the end of the previous billing period",
        dimensions,
        per_billing_period=True,
    )


PREVIOUS_ACTIVE_ENERGY_IMPORT = _previous(
    "previous_billing_active_energy_import", Unit.WATT_HOUR, "Register of active energy imported"
)
PREVIOUS_ACTIVE_ENERGY_EXPORT = _previous(
    "previous_billing_active_energy_export", Unit.WATT_HOUR, "Register of active energy exported"
)
PREVIOUS_REACTIVE_ENERGY = _previous(
    "previous_billing_reactive_energy", Unit.VAR_HOUR, "Register of reactive energy", ("quadrant", "tariff_period")
)
PREVIOUS_DISTRIBUTOR_ACTIVE_ENERGY_IMPORT = _previous(
    "previous_billing_distributor_active_energy_import",
    Unit.WATT_HOUR,
    "Distributor's register of active energy imported",
)
PREVIOUS_DISTRIBUTOR_REACTIVE_ENERGY = _previous(
    "previous_billing_distributor_reactive_energy",
    Unit.VAR_HOUR,
    "Distributor's register of reactive energy",
    ("quadrant", "tariff_period"),
)
CALENDAR2_PREVIOUS_ACTIVE_ENERGY_IMPORT = _previous(
    "calendar2_previous_billing_active_energy_import", Unit.WATT_HOUR, "Register of calendar 2"
)
BILLING_PERIOD_START = _instant("billing_period_start", "When the billing period began", ("billing_period",))
BILLING_PERIOD_END = _instant("billing_period_end", "When the billing period ended", ("billing_period",))
EXPORT_BILLING_PERIOD_START = _instant(
    "export_billing_period_start", "When the billing period of the export contract began", ("billing_period",)
)
CALENDAR2_BILLING_PERIOD_START = _instant(
    "calendar2_billing_period_start", "When the billing period of calendar 2 began", ("billing_period",)
)
CALENDAR2_BILLING_PERIOD_END = _instant(
    "calendar2_billing_period_end", "When the billing period of calendar 2 ended", ("billing_period",)
)
REGISTER_LAST_SEEN = _instant(
    "register_last_seen", "When the register of this period was last read, where only the one in force is shown", TARIFF
)
OVERLOAD_DURATION = _level(
    "overload_duration", Unit.MINUTE, "Time above the subscribed power in the billing period", TARIFF
)

# --- power, current, voltage ----------------------------------------------------------------------------------------

APPARENT_POWER_IMPORT = _level(
    "apparent_power_import", Unit.VOLT_AMPERE, "Apparent power imported, all phases", obis="9.7.0"
)
PHASE_APPARENT_POWER_IMPORT = _level(
    "phase_apparent_power_import", Unit.VOLT_AMPERE, "Apparent power imported on one phase", PHASE, "29.7.0"
)
APPARENT_POWER_EXPORT = _level(
    "apparent_power_export", Unit.VOLT_AMPERE, "Apparent power exported, all phases", obis="10.7.0"
)
CURRENT = _level("current", Unit.AMPERE, "RMS current", PHASE, "31.7.0")
EXPORT_CURRENT = _level("export_current", Unit.AMPERE, "Current exported, referred to the high-voltage side", PHASE)
VOLTAGE = _level("voltage", Unit.VOLT, "RMS voltage", PHASE, "32.7.0")
MEAN_VOLTAGE = _level("mean_voltage", Unit.VOLT, "Mean voltage of the last complete interval", PHASE, "32.5.0")
MEAN_VOLTAGE_AT = _instant("mean_voltage", "End of the interval of the mean voltage", PHASE)
LINE_VOLTAGE_MEAN = _level("line_voltage_mean", Unit.VOLT, "Mean of the three line voltages over 10 minutes")
LINE_VOLTAGE_PROFILE = _level("line_voltage_profile", Unit.VOLT, "Mean line voltage per interval, 1 the newest", POINT)
ACTIVE_DEMAND_IMPORT = _level("active_demand_import", Unit.WATT, "Mean active power imported", WINDOW, "1.5.0")
ACTIVE_DEMAND_EXPORT = _level("active_demand_export", Unit.WATT, "Mean active power exported", WINDOW, "2.5.0")
REACTIVE_DEMAND_IMPORT = _level("reactive_demand_import", Unit.VAR, "Mean reactive power while importing", WINDOW)
REACTIVE_DEMAND_EXPORT = _level("reactive_demand_export", Unit.VAR, "Mean reactive power while exporting", WINDOW)
LOAD_PROFILE_IMPORT = _level(
    "load_profile_active_power_import",
    Unit.WATT,
    "Load profile of active power imported, 1 the newest",
    POINT,
    "99.1.0",
)
LOAD_PROFILE_EXPORT = _level(
    "load_profile_active_power_export",
    Unit.WATT,
    "Load profile of active power exported, 1 the newest",
    POINT,
    "99.1.0",
)
LOAD_PROFILE_REACTIVE_IMPORT = _level(
    "load_profile_reactive_power_import",
    Unit.VAR,
    "Load profile of reactive power while importing, 1 the newest",
    ("point", "quadrant"),
    "99.1.0",
)
LOAD_PROFILE_REACTIVE_EXPORT = _level(
    "load_profile_reactive_power_export",
    Unit.VAR,
    "Load profile of reactive power while exporting, 1 the newest",
    ("point", "quadrant"),
    "99.1.0",
)
LOAD_PROFILE_AT = _instant("load_profile", "End of the interval of a point of the load profile", POINT)
EXPORT_LOAD_PROFILE_AT = _instant("export_load_profile", "End of the interval of a point of the export profile", POINT)
MAX_APPARENT_POWER_IMPORT = _level(
    "max_apparent_power_import", Unit.VOLT_AMPERE, "Highest apparent power imported in the day", DAY, "9.6.0"
)
MAX_APPARENT_POWER_IMPORT_AT = _instant("max_apparent_power_import", "When that highest power was reached", DAY)
PHASE_MAX_APPARENT_POWER_IMPORT = _level(
    "phase_max_apparent_power_import",
    Unit.VOLT_AMPERE,
    "Highest apparent power imported on one phase in the day",
    ("phase", "day"),
    "29.6.0",
)
PHASE_MAX_APPARENT_POWER_IMPORT_AT = _instant(
    "phase_max_apparent_power_import", "When that highest power was reached", ("phase", "day")
)
MAX_APPARENT_POWER_EXPORT = _level(
    "max_apparent_power_export", Unit.VOLT_AMPERE, "Highest apparent power exported in the day", DAY, "10.6.0"
)
MAX_APPARENT_POWER_EXPORT_AT = _instant("max_apparent_power_export", "When that highest power was reached", DAY)


def _maximum(name: str, unit: Unit, help_: str, obis: str) -> Quantity:
    return Quantity(name, unit, Kind.LEVEL, help_, TARIFF, obis, per_billing_period=True)


MAX_APPARENT_DEMAND_IMPORT = _maximum(
    "max_apparent_demand_import", Unit.VOLT_AMPERE, "Highest apparent demand of the billing period", "9.6.0"
)
MAX_ACTIVE_DEMAND_IMPORT = _maximum(
    "max_active_demand_import", Unit.WATT, "Highest active demand of the billing period", "1.6.0"
)
MAX_APPARENT_DEMAND_EXPORT = _maximum(
    "max_apparent_demand_export", Unit.VOLT_AMPERE, "Highest apparent export demand of the billing period", "10.6.0"
)
MAX_ACTIVE_DEMAND_EXPORT = _maximum(
    "max_active_demand_export", Unit.WATT, "Highest active export demand of the billing period", "2.6.0"
)
PREVIOUS_MAX_APPARENT_DEMAND_IMPORT = _level(
    "previous_max_apparent_demand_import",
    Unit.VOLT_AMPERE,
    "Highest apparent demand of the previous billing period",
    TARIFF,
)
MAX_CURRENT = _level("max_current", Unit.AMPERE, "Highest current since the last reset", PHASE, "31.6.0")
TAN_PHI = _level("tan_phi", Unit.NONE, "Reactive over active energy while importing, over 10 minutes")
TAN_PHI_EXPORT = _level("tan_phi_export", Unit.NONE, "Reactive over active energy while exporting, over 10 minutes")

# --- contract, status -----------------------------------------------------------------------------------------------

CONTRACT = _text("contract_info", "The supply contract as the meter names it", "contract")
CALENDAR = _text("contract_info", "The supply contract as the meter names it", "calendar")
METER_PHASES = _text("meter_info", "What the meter is, by its identifier and its labels", "phases")
METER_PRODUCER = _text("meter_info", "What the meter is, by its identifier and its labels", "producer")
METERING_POINT = _text("metering_point_info", "The metering point (PRM): personal data", "metering_point")
MESSAGE = _text("message_info", "A message from the distributor", "message")
SHORT_MESSAGE = _text("message_info", "A message from the distributor", "message")
SUBSCRIBED_APPARENT_POWER = _level("subscribed_apparent_power", Unit.VOLT_AMPERE, "Subscribed apparent power", TARIFF)
SUBSCRIBED_ACTIVE_POWER = _level("subscribed_active_power", Unit.WATT, "Subscribed active power", TARIFF)
NEXT_SUBSCRIBED_APPARENT_POWER = _level(
    "next_subscribed_apparent_power", Unit.VOLT_AMPERE, "Subscribed power of the next billing period", TARIFF
)
SUBSCRIBED_CURRENT = _level("subscribed_current", Unit.AMPERE, "Subscribed current per phase")
LIMITER_THRESHOLD = _level("limiter_threshold", Unit.VOLT_AMPERE, "Apparent power above which the disconnector opens")
CONNECTION_POWER_EXPORT = _level(
    "connection_active_power_export", Unit.WATT, "Power of the export connection in the period in force", TARIFF
)
CLOCK = _instant("clock", "The clock of the meter")
CLOCK_OFFSET = _level("clock_offset", Unit.SECOND, "The clock of the meter minus that of the host, at reception")
OVERLOAD = Quantity("overload", Unit.NONE, Kind.PRESENCE, "Whether more than the subscribed power is drawn")
OVERLOAD_WARNING = Quantity(
    "overload_warning", Unit.NONE, Kind.PRESENCE, "Whether the power drawn nears the subscribed one"
)
OVERLOAD_WARNING_RATIO = _level(
    "overload_warning", Unit.PERCENT, "Share of the subscribed power from which a warning is given"
)
OVERLOAD_WARNING_RELEASE_RATIO = _level(
    "overload_warning_release", Unit.PERCENT, "Share of the subscribed power below which a warning ends"
)
CRITICAL_PEAK = _flag("critical_peak", "Whether a critical peak (pointe mobile) is in force")
CRITICAL_PEAK_NOTICE = Quantity(
    "critical_peak_notice", Unit.NONE, Kind.PRESENCE, "Whether a critical peak is announced"
)
CRITICAL_PEAK_START = _instant("critical_peak_start", "When the announced critical peak begins", ("peak",))
CRITICAL_PEAK_END = _instant("critical_peak_end", "When the announced critical peak ends", ("peak",))
DAY_COLOR = _state("day_color", "Tempo colour of the day", "color", COLORS)
NEXT_DAY_COLOR = _state("next_day_color", "Tempo colour of the next day", "color", COLORS)
DISCONNECTOR_STATES = (
    "closed",
    "open_overload",
    "open_overvoltage",
    "open_load_shedding",
    "open_remote_order",
    "open_overheat_high_current",
    "open_overheat_low_current",
)
DISCONNECTOR = _state(
    "disconnector_state", "State of the disconnector (organe de coupure)", "state", DISCONNECTOR_STATES
)
DRY_CONTACT_CLOSED = _flag("dry_contact_closed", "Whether the dry contact is closed")
RELAY_CLOSED = _flag("relay_closed", "Whether the relay is closed (1 real, 2 to 8 virtual)", ("relay",))
TERMINAL_COVER_OPEN = _flag("terminal_cover_open", "Whether the distributor's terminal cover is open")
OVERVOLTAGE = _flag("overvoltage", "Whether the meter reports an overvoltage on a phase")
EXPORTING = _flag("exporting", "Whether active energy flows towards the grid")
CLOCK_DEGRADED = _flag("clock_degraded", "Whether the meter reports its clock as degraded")
PHASE_MISSING = _flag("phase_missing", "Whether the voltage of the phase is missing", PHASE)
PLC_STATES = ("new_unlock", "new_lock", "registered")
PLC = _state("plc_state", "State of the powerline link (CPL)", "state", PLC_STATES)
PLC_SYNCHRONIZED = _flag("plc_synchronized", "Whether the powerline link is synchronised")
EURIDIS_STATES = ("disabled", "enabled_unsecured", "enabled_secured")
EURIDIS = _state("euridis_state", "State of the Euridis output", "state", EURIDIS_STATES)
NEXT_DAY_PERIOD_START = _level(
    "next_day_period_start",
    Unit.SECOND,
    "When a tariff period of the next day begins, after local midnight",
    ("tariff_period", "slot"),
)
CALENDAR_DAY_PROFILE = _level(
    "calendar_day_profile", Unit.NONE, "Number of the day profile in the supplier's calendar", DAY
)
CONTROL_MODE = Quantity("control_mode", Unit.NONE, Kind.PRESENCE, "Whether the meter is in control mode")
