"""The lower half of the dashboard of one meter: energy, contract; folded: phases, reactive energy, maxima."""

from .panels import (
    BLUE,
    DASHED,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Builder,
    Column,
    Query,
    Say,
    bar_gauge,
    paint,
    rows,
    tariff_colors,
    time_series,
)
from .queries import METER, best, kwh, limit, named, of, total

REACTIVE = "tic_interval_reactive_energy_varseconds_total", "tic_reactive_energy_varseconds_total"


def days(say: Say) -> Builder:
    counted = best(named(f"({kwh('1d', 'tariff_period', shift=' offset -1d')} > 0)"), "tariff")
    return (
        tariff_colors(time_series("kwatth", Query(counted, "{{tariff}}"), w=16, h=9, stacked=True, bars=True))
        .time_from("30d")
        .interval("1d")
        .title(say("Energy by day and tariff period", "Énergie par jour et période tarifaire"))
        .description(
            say(
                "kWh drawn on each of the last 30 days; the last bar is today so far.",
                "kWh soutirés chacun des 30 derniers jours ; la dernière barre est la journée en cours.",
            )
        )
    )


def periods(say: Say) -> Builder:
    counted = f"({kwh('30d', 'tariff_period')} > 0)"
    query = Query(f"sort_desc({best(named(counted), 'tariff')})", "{{tariff}}", instant=True, look=paint(BLUE))
    return (
        tariff_colors(bar_gauge("kwatth", query, w=8, h=9))
        .title(say("30 days by tariff period", "30 jours par période tarifaire"))
        .description(
            say("kWh drawn within 30 days, by tariff period.", "kWh soutirés en 30 jours, par période tarifaire.")
        )
    )


def current(say: Say) -> Builder:
    current = "tic_current_amperes", "tic_export_current_amperes"
    return (
        time_series(
            "amp",
            Query(best(of(current[0]), "phase"), say("phase {{phase}}", "phase {{phase}}")),
            Query(best(of(current[1]), "phase"), say("exported, phase {{phase}}", "injecté, phase {{phase}}")),
            Query(
                best(of("tic_subscribed_current_amperes")),
                say("subscribed", "souscrit"),
                look=paint(ORANGE) | DASHED,
            ),
            w=12,
            h=9,
        )
        .no_value(say("This family of meters does not measure it", "Cette famille de compteurs ne le mesure pas"))
        .title(say("Current by phase", "Courant par phase"))
        .description(say("RMS current of each phase.", "Courant efficace de chaque phase."))
    )


def voltage(say: Say) -> Builder:
    phase = best(of("tic_voltage_volts"), "phase")
    line = best(of("tic_line_voltage_mean_volts"))
    edge = paint(RED) | DASHED
    low, high = "-10 % (EN 50160)", "+10 % (EN 50160)"
    return (
        time_series(
            "volt",
            Query(phase, say("phase {{phase}}", "phase {{phase}}")),
            Query(line, say("between phases, 10 min", "entre phases, 10 min")),
            Query(limit("tic:phase_voltage_low_volts:threshold", phase), low, look=edge),
            Query(limit("tic:phase_voltage_high_volts:threshold", phase), high, look=edge),
            Query(
                limit(
                    "tic:line_voltage_low_volts:threshold",
                    f"{line} > on () group_left () tic:line_voltage_measured_volts:threshold",
                ),
                low,
                look=edge,
            ),
            Query(
                limit(
                    "tic:line_voltage_high_volts:threshold",
                    f"{line} > on () group_left () tic:line_voltage_measured_volts:threshold",
                ),
                high,
                look=edge,
            ),
            w=12,
            h=9,
        )
        .no_value(say("This family of meters does not measure it", "Cette famille de compteurs ne le mesure pas"))
        .title(say("Voltage", "Tension"))
        .description(
            say(
                "RMS voltage of each phase, or the mean between phases; within 10 % of nominal by EN 50160. "
                "The limits are those of the alerts.",
                "Tension efficace de chaque phase, ou moyenne entre phases ; à 10 % de la nominale d'après EN 50160. "
                "Les limites sont celles des alertes.",
            )
        )
    )


def tan_phi(say: Say) -> Builder:
    return (
        time_series(
            "none",
            Query(best(of("tic_tan_phi")), say("drawing", "soutirage"), look=paint(BLUE)),
            Query(best(of("tic_tan_phi_export")), say("feeding in", "injection"), look=paint(GREEN)),
            Query(
                limit("tic:tan_phi:threshold", best(of("tic_tan_phi"))),
                say("billed above", "facturée au-delà"),
                look=paint(RED) | DASHED,
            ),
            w=8,
            h=9,
        )
        .decimals(2)
        .no_value(say("This family of meters does not measure it", "Cette famille de compteurs ne le mesure pas"))
        .title("tan φ")
        .description(
            say(
                "Reactive over active energy of ten minutes. Above 0.4, reactive energy is billed in the hours of "
                "winter peak contracts.",
                "Énergie réactive sur active en dix minutes. Au-delà de 0,4, l'énergie réactive est facturée "
                "(heures pleines et de pointe d'hiver selon le contrat).",
            )
        )
    )


def reactive(say: Say) -> Builder:
    interval, register = (total(f"rate({of(metric)}[$__rate_interval])", "quadrant") for metric in REACTIVE)
    return (
        time_series(
            "voltampreact",
            Query(f"{interval} or on ({METER}) {register}", say("quadrant {{quadrant}}", "quadrant {{quadrant}}")),
            w=8,
            h=9,
        )
        .no_value(say("This family of meters does not measure it", "Cette famille de compteurs ne le mesure pas"))
        .title(say("Reactive power by quadrant", "Puissance réactive par quadrant"))
        .description(
            say(
                "Mean since the point before. 1: drawing, inductive; 4: drawing, capacitive; 2 and 3: feeding in.",
                "Moyenne depuis le point précédent. 1 : soutirage inductif ; 4 : soutirage capacitif ; "
                "2 et 3 : injection.",
            )
        )
    )


def maxima(say: Say) -> Builder:
    va = {"unit": "voltamp"}
    daily = best(of("tic_max_apparent_power_import_voltamperes"), "day")
    return (
        bar_gauge(
            "watt",
            Query(
                best(of("tic_max_apparent_demand_import_voltamperes"), "tariff_period"), "{{tariff_period}}", True, va
            ),
            Query(best(of("tic_max_active_demand_import_watts"), "tariff_period"), "{{tariff_period}}", True),
            Query(daily, say("day: {{day}}", "jour : {{day}}"), True, va),
            Query(
                best(of("tic_subscribed_apparent_power_voltamperes"), "tariff_period"),
                say("subscribed {{tariff_period}}", "souscrite {{tariff_period}}"),
                True,
                va | paint(GREY),
            ),
            Query(
                best(of("tic_subscribed_active_power_watts"), "tariff_period"),
                say("subscribed {{tariff_period}}", "souscrite {{tariff_period}}"),
                True,
                paint(GREY),
            ),
            w=8,
            h=9,
        )
        .no_value(say("This family of meters does not say it", "Cette famille de compteurs ne le dit pas"))
        .title(say("Metered maxima and subscribed power", "Puissances maximales et souscrites"))
        .description(
            say(
                "Highest demand of the billing period by tariff period (PMAX), or of today and yesterday (SMAXSN), "
                "beside what is subscribed.",
                "Puissance maximale atteinte de la période de facturation par période tarifaire (PMAX), ou du jour et "
                "de la veille (SMAXSN), à côté de la puissance souscrite.",
            )
        )
    )


def identity(say: Say) -> Builder:
    queries = [
        Query(best(of("tic_meter_info"), "meter_id", "family", "mode", "manufacturer", "year", "phases", "producer")),
        Query(best(of("tic_contract_info"), "contract", "calendar")),
        Query(best(of("tic_link_info"), "port", "baud_rate")),
    ]
    columns = [
        Column("meter_id", say("Identifier", "Identifiant"), {"unit": "string"}),
        Column("family", say("Family", "Famille")),
        Column("mode", "Mode"),
        Column("manufacturer", say("Manufacturer", "Constructeur")),
        Column("year", say("Year", "Année"), {"unit": "string"}),
        Column("phases", "Phases"),
        Column("producer", say("Producer", "Producteur")),
        Column("contract", say("Contract", "Contrat")),
        Column("calendar", say("Calendar", "Calendrier")),
        Column("port", "Port"),
        Column("baud_rate", say("Speed, Bd", "Vitesse, Bd"), {"unit": "string"}),
    ]
    return (
        rows(queries, columns, w=24, h=4)
        .title(say("Meter and contract", "Compteur et contrat"))
        .description(
            say(
                "What the meter is by its identifier and labels, what is programmed, how its line is read.",
                "Ce qu'est le compteur d'après son identifiant et ses étiquettes, son contrat, la lecture de sa "
                "liaison.",
            )
        )
    )
