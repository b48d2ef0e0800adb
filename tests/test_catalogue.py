"""Names, units and types of what users build on."""

from __future__ import annotations

import re

import pytest

from tic_exporter import catalogue
from tic_exporter.catalogue import EXPORTER_METRICS, LINK_METRICS, LINK_TOTALS, READING_METRICS, as_markdown
from tic_exporter.tic import quantities
from tic_exporter.tic.families import FAMILIES
from tic_exporter.tic.quantities import Kind, Quantity

METRICS = [*EXPORTER_METRICS, *LINK_METRICS, *LINK_TOTALS.values(), *READING_METRICS.values()]
QUANTITIES = [value for value in vars(quantities).values() if isinstance(value, Quantity)]

# A closed list: every other ending has to be argued for here.
UNITS = (
    "joules",
    "varseconds",
    "voltampereseconds",
    "watts",
    "voltamperes",
    "vars",
    "amperes",
    "volts",
    "seconds",
    "cubicmeters",
    "ratio",
    "bytes",
)
WITHOUT_UNIT = {"tic_tan_phi", "tic_tan_phi_export", "tic_calendar_day_profile"}
FLAGS = {
    "tic_up",
    "tic_link_state",
    "tic_test_mode",
    "tic_exporter_config_last_reload_successful",
    *(quantity.metric for quantity in QUANTITIES if quantity.kind in {Kind.STATE, Kind.FLAG, Kind.PRESENCE}),
}
# What is counted one by one, not in a unit.
COUNTED = {"tic_exporter_state_saves_total", "tic_exporter_state_save_failures_total"} | {
    metric.name for metric in LINK_TOTALS.values()
}

# What dashboards and alerts are built on: neither name nor dimension of these may change.
PROMISED = {
    "tic_up": "",
    "tic_link_state": "state",
    "tic_last_frame_timestamp_seconds": "",
    "tic_frames_total": "",
    "tic_invalid_frames_total": "reason",
    "tic_interruptions_total": "",
    "tic_groups_total": "",
    "tic_group_errors_total": "reason",
    "tic_parity_errors_total": "",
    "tic_received_bytes_total": "",
    "tic_connections_total": "",
    "tic_connection_failures_total": "",
    "tic_rejected_readings_total": "reason",
    "tic_detections_total": "",
    "tic_meter_changes_total": "",
    "tic_link_info": "port baud_rate parity family mode framing",
    "tic_test_mode": "",
    "tic_stale_after_seconds": "",
    "tic_exporter_build_info": "version revision python_version",
    "tic_exporter_config_last_reload_successful": "",
    "tic_exporter_config_last_reload_success_timestamp_seconds": "",
    "tic_exporter_state_saves_total": "",
    "tic_exporter_state_save_failures_total": "",
    "tic_active_energy_import_joules_total": "tariff_period",
    "tic_total_active_energy_import_joules_total": "",
    "tic_distributor_active_energy_import_joules_total": "tariff_period",
    "tic_calendar2_active_energy_import_joules_total": "tariff_period",
    "tic_active_energy_export_joules_total": "tariff_period",
    "tic_reactive_energy_varseconds_total": "quadrant tariff_period",
    "tic_distributor_reactive_energy_varseconds_total": "quadrant tariff_period",
    "tic_interval_active_energy_import_joules_total": "",
    "tic_interval_active_energy_export_joules_total": "",
    "tic_interval_reactive_energy_varseconds_total": "quadrant",
    "tic_interval_apparent_energy_import_voltampereseconds_total": "",
    "tic_interval_apparent_energy_export_voltampereseconds_total": "",
    "tic_previous_billing_active_energy_import_joules": "tariff_period",
    "tic_previous_billing_active_energy_export_joules": "tariff_period",
    "tic_previous_billing_reactive_energy_varseconds": "quadrant tariff_period",
    "tic_billing_period_start_timestamp_seconds": "billing_period",
    "tic_billing_period_end_timestamp_seconds": "billing_period",
    "tic_register_last_seen_timestamp_seconds": "tariff_period",
    "tic_calendar2_previous_billing_active_energy_import_joules": "tariff_period",
    "tic_calendar2_billing_period_start_timestamp_seconds": "billing_period",
    "tic_calendar2_billing_period_end_timestamp_seconds": "billing_period",
    "tic_gas_volume_cubicmeters_total": "",
    "tic_third_meter_volume_cubicmeters_total": "",
    "tic_overload_duration_seconds": "tariff_period",
    "tic_line_voltage_profile_volts": "point",
    "tic_apparent_power_import_voltamperes": "",
    "tic_phase_apparent_power_import_voltamperes": "phase",
    "tic_apparent_power_export_voltamperes": "",
    "tic_current_amperes": "phase",
    "tic_voltage_volts": "phase",
    "tic_mean_voltage_volts": "phase",
    "tic_mean_voltage_timestamp_seconds": "phase",
    "tic_line_voltage_mean_volts": "",
    "tic_active_demand_import_watts": "window",
    "tic_active_demand_export_watts": "window",
    "tic_reactive_demand_import_vars": "window",
    "tic_reactive_demand_export_vars": "window",
    "tic_load_profile_active_power_import_watts": "point",
    "tic_load_profile_active_power_export_watts": "point",
    "tic_load_profile_timestamp_seconds": "point",
    "tic_max_apparent_power_import_voltamperes": "day",
    "tic_max_apparent_power_import_timestamp_seconds": "day",
    "tic_phase_max_apparent_power_import_voltamperes": "phase day",
    "tic_phase_max_apparent_power_import_timestamp_seconds": "phase day",
    "tic_max_apparent_power_export_voltamperes": "day",
    "tic_max_apparent_power_export_timestamp_seconds": "day",
    "tic_max_apparent_demand_import_voltamperes": "tariff_period",
    "tic_max_active_demand_import_watts": "tariff_period",
    "tic_max_current_amperes": "phase",
    "tic_tan_phi": "",
    "tic_tan_phi_export": "",
    "tic_meter_info": "family mode manufacturer device_type year phases producer",
    "tic_contract_info": "contract calendar",
    "tic_tariff_period_active": "tariff_period",
    "tic_distributor_tariff_period_active": "tariff_period",
    "tic_calendar2_tariff_period_active": "tariff_period",
    "tic_export_tariff_period_active": "tariff_period",
    "tic_tariff_period_info": "tariff_period name",
    "tic_subscribed_apparent_power_voltamperes": "tariff_period",
    "tic_subscribed_active_power_watts": "tariff_period",
    "tic_subscribed_current_amperes": "",
    "tic_limiter_threshold_voltamperes": "",
    "tic_overload": "",
    "tic_overload_warning": "",
    "tic_critical_peak": "",
    "tic_critical_peak_notice": "",
    "tic_critical_peak_start_timestamp_seconds": "peak",
    "tic_critical_peak_end_timestamp_seconds": "peak",
    "tic_day_color": "color",
    "tic_next_day_color": "color",
    "tic_disconnector_state": "state",
    "tic_dry_contact_closed": "",
    "tic_relay_closed": "relay",
    "tic_terminal_cover_open": "",
    "tic_overvoltage": "",
    "tic_exporting": "",
    "tic_clock_degraded": "",
    "tic_phase_missing": "phase",
    "tic_plc_state": "state",
    "tic_plc_synchronized": "",
    "tic_euridis_state": "state",
    "tic_next_day_period_start_seconds": "tariff_period slot",
    "tic_overload_warning_ratio": "",
    "tic_overload_warning_release_ratio": "",
    "tic_next_subscribed_apparent_power_voltamperes": "tariff_period",
    "tic_previous_max_apparent_demand_import_voltamperes": "tariff_period",
    "tic_export_current_amperes": "phase",
    "tic_control_mode": "",
    "tic_clock_timestamp_seconds": "",
    "tic_clock_offset_seconds": "",
    "tic_calendar_day_profile": "day",
    "tic_metering_point_info": "metering_point",
    "tic_message_info": "message",
}


@pytest.mark.parametrize(("name", "labels"), PROMISED.items())
def test_a_promised_metric_exists_with_its_dimensions(name: str, labels: str) -> None:
    (metric,) = [metric for metric in METRICS if metric.name == name]

    assert set(labels.split()) == set(metric.labels)


def test_no_name_stands_twice() -> None:
    names = [metric.name for metric in METRICS]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_name_ends_in_a_unit_unless_it_is_a_state_or_a_text(metric: catalogue.Metric) -> None:
    name = metric.name.removesuffix("_total") if metric.type == "counter" else metric.name

    assert re.fullmatch("tic_[a-z0-9]+(_[a-z0-9]+)*", metric.name)
    endings = (*(f"_{unit}" for unit in UNITS), "_info")
    assert name.endswith(endings) or metric.name in WITHOUT_UNIT | FLAGS | COUNTED
    assert not re.search("kilo|mega|percent|hours|minutes|_k?wh|_kva|_va_", metric.name)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_what_ends_in_total_is_a_counter_and_nothing_else_is(metric: catalogue.Metric) -> None:
    assert metric.name.endswith("_total") == (metric.type == "counter")
    assert metric.type in {"counter", "gauge"}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_help_is_a_sentence_that_begins_with_a_capital(metric: catalogue.Metric) -> None:
    assert metric.help[0].isupper()
    assert not metric.help.endswith(".")
    assert "\n" not in metric.help


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_no_dimension_repeats_or_hides_those_that_every_reading_has(metric: catalogue.Metric) -> None:
    assert {"meter", "meter_id", "le", "quantile", "job", "instance"}.isdisjoint(metric.labels)
    assert len(set(metric.labels)) == len(metric.labels)
    assert all(re.fullmatch("[a-z_]+", label) for label in metric.labels)


def test_every_quantity_that_a_family_measures_is_in_the_catalogue() -> None:
    measured = {row.quantity for family in FAMILIES for row in family.all_fields}

    assert {quantity.metric for quantity in measured if quantity.is_published} <= set(READING_METRICS)
    assert {quantity.metric for quantity in QUANTITIES if not quantity.is_published}.isdisjoint(READING_METRICS)


def test_every_quantity_is_measured_or_follows_from_one_that_is() -> None:
    measured = {row.quantity for family in FAMILIES for row in family.all_fields}
    derived = {quantities.CLOCK_OFFSET, quantities.REGISTER_LAST_SEEN}

    assert [] == [quantity.name for quantity in QUANTITIES if quantity not in measured | derived]


def test_quantities_of_one_metric_agree_on_all_that_users_see() -> None:
    seen: dict[str, Quantity] = {}
    for quantity in QUANTITIES:
        other = seen.setdefault(quantity.metric, quantity)
        assert (other.unit, other.help, other.dimensions) == (quantity.unit, quantity.help, quantity.dimensions)


@pytest.mark.parametrize(
    ("metric", "origin"),
    [
        ("tic_current_amperes", ["IRMS1…IRMS3", "IINST", "OBIS 31.7.0"]),
        ("tic_active_energy_import_joules_total", ["EASF01…EASF10", "HCHC", "EAP_s", "OBIS 1.8.e"]),
        ("tic_overload", ["STGE", "ADPS", "ADIR1…ADIR3"]),
        ("tic_tan_phi", ["TGPHI_s", "TGPHIS", "TGPHI"]),
    ],
)
def test_a_help_names_the_labels_it_comes_from(metric: str, origin: list[str]) -> None:
    text = READING_METRICS[metric].help
    named = text[text.rindex("(") + 1 : -1].replace(";", ",").split(", ")

    assert set(origin) <= set(named)


def test_energy_is_in_joules_and_every_rate_of_it_a_power() -> None:
    energies = [quantity for quantity in QUANTITIES if quantity.is_counter and "energy" in quantity.name]

    assert {("joules", 3600.0), ("varseconds", 3600.0), ("voltampereseconds", 3600.0)} == {
        (quantity.unit.suffix, quantity.unit.factor) for quantity in energies
    }


def test_direction_is_part_of_the_name_of_every_power_and_active_or_apparent_energy() -> None:
    for quantity in QUANTITIES:
        if re.search("(active|apparent)_(energy|demand|power)$|active_energy|apparent_energy", quantity.name):
            is_directed = re.search("import|export|subscribed|reactive", quantity.name)
            assert is_directed, quantity.name


def test_the_reference_names_every_metric() -> None:
    text = as_markdown()

    for metric in METRICS:
        assert 1 == text.count(f"| `{metric.name}` | {metric.type} |"), metric.name
    assert text.endswith("|\n")
