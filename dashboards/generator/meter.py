"""One meter: power and its limits, energy, phases, tariff, contract, events."""

from . import meter_details as details
from .frame import events, frame
from .panels import (
    BLUE,
    DASHED,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    YELLOW,
    Builder,
    Query,
    Say,
    link_states,
    mapping,
    paint,
    row,
    stats,
    steps,
    tempo_colors,
    time_series,
    timeline,
)
from .queries import METER, best, color, kwh, link_state, named, of, subscribed

POWER = best(of("meter:tic_active_power_import_watts:rate5m"))
EXPORT = best(of("meter:tic_active_power_export_watts:rate5m"))
APPARENT = best(of("meter:tic_apparent_power_import_voltamperes:current"))
USED = best(of("meter:tic_subscribed_power_used:ratio"))
EXPORTED = "tic_active_energy_export_joules_total"


def meter(say: Say) -> tuple[Builder, list[dict[str, object]]]:
    board = frame(
        "meter",
        say("TIC Meter", "TIC Compteur"),
        say("Everything that one meter says", "Tout ce que dit un compteur"),
        say,
        single=True,
    )
    for part in (
        _now,
        _today,
        _tariff,
        _line,
        _power,
        _measured,
        _strip,
        details.days,
        details.periods,
        details.identity,
    ):
        board.with_panel(part(say))
    board.with_row(row(say("Current and voltage", "Courant et tension"), details.current(say), details.voltage(say)))
    board.with_row(
        row(
            say("Reactive energy and metered maxima", "Énergie réactive et puissances maximales"),
            details.tan_phi(say),
            details.reactive(say),
            details.maxima(say),
        )
    )
    names = ("tariff", "silence", "replaced", "overload", "disconnector", "peak", "interruption")
    return board, events(*names, say=say)


def _now(say: Say) -> Builder:
    return (
        stats(
            "watt",
            Query(POWER, say("Power drawn", "Soutirée"), look=paint(BLUE)),
            Query(EXPORT, say("Power fed in", "Injectée"), look=paint(GREEN)),
            Query(APPARENT, say("Apparent power", "Apparente"), look={"unit": "voltamp"} | paint(PURPLE)),
            Query(
                USED,
                say("Of the subscribed power", "De la puissance souscrite"),
                look={"unit": "percentunit", "decimals": 0} | steps((None, GREEN), (0.8, ORANGE), (1, RED)),
            ),
            w=24,
            h=5,
        )
        .title(say("Power now", "Puissance"))
        .description(
            say(
                "Active power (mean of five minutes) in and out, apparent power, share of the subscribed power. "
                "What the meter does not measure is not shown.",
                "Puissance active (moyenne de cinq minutes) soutirée et injectée, puissance apparente, part de la "
                "puissance souscrite. Ce que le compteur ne mesure pas n'est pas affiché.",
            )
        )
    )


def _today(say: Say) -> Builder:
    return (
        stats(
            "kwatth",
            Query(kwh("$__range"), say("Drawn", "Soutirée"), instant=True, look=paint(BLUE)),
            Query(kwh("$__range", metric=EXPORTED), say("Fed in", "Injectée"), instant=True, look=paint(GREEN)),
            Query(
                f"max_over_time({of('meter:tic_active_power_import_watts:rate5m')}[$__range])",
                say("Highest power", "Puissance maximale"),
                instant=True,
                look={"unit": "watt"} | paint(ORANGE),
            ),
            spark=False,
            w=12,
            h=5,
        )
        .time_from("now/d")
        .title(say("Today", "Aujourd'hui"))
        .description(
            say(
                "Since local midnight: energy by the registers, highest mean of five minutes.",
                "Depuis minuit (heure locale) : énergie d'après les index, plus forte moyenne de cinq minutes.",
            )
        )
    )


def _tariff(say: Say) -> Builder:
    period = best(named(f"({best(of('tic_tariff_period_active'), 'tariff_period')} == 1)"), "tariff")
    contract = best(of("tic_contract_info"), "contract")
    return (
        stats(
            "none",
            Query(f"{period} or on ({METER}) {contract}", "{{tariff}}{{contract}}", instant=True, look=paint(YELLOW)),
            spark=False,
            names=True,
            w=6,
            h=5,
        )
        .title(say("Tariff period", "Période tarifaire"))
        .description(
            say(
                "In force now, as the meter names it; the contract where the meter names no period.",
                "En cours, telle que le compteur la nomme ; le contrat s'il ne nomme pas de période.",
            )
        )
    )


def _line(say: Say) -> Builder:
    state = Query(link_state(), say("State", "État"), instant=True, look={"mappings": link_states(say)})
    return (
        stats("none", state, spark=False, w=6, h=5)
        .title(say("Line", "Liaison"))
        .description(
            say(
                "closed: the port cannot be opened; mute: nothing comes; noise: no valid frame; ok.",
                "fermée : le port ne s'ouvre pas ; muette : rien n'arrive ; bruit : aucune trame valide ; ok.",
            )
        )
    )


def _power(say: Say) -> Builder:
    return (
        time_series(
            "short",  # one scale for W and VA: two would put one above the other that is below it
            Query(POWER, say("Active power, W", "Puissance active, W"), look=paint(BLUE)),
            Query(f"-({EXPORT})", say("Fed in, W", "Injectée, W"), look=paint(GREEN)),
            Query(APPARENT, say("Apparent power, VA", "Puissance apparente, VA"), look=paint(PURPLE)),
            Query(
                subscribed(),
                say("Subscribed, VA", "Puissance souscrite, VA"),
                look=paint(ORANGE) | DASHED,
            ),
            Query(
                best(of("meter:tic_subscribed_active_power_watts:in_force")),
                say("Subscribed, W", "Puissance souscrite, W"),
                look=paint(ORANGE) | DASHED,
            ),
            Query(
                best(of("tic_limiter_threshold_voltamperes")),
                say("Limiter, VA", "Puissance de coupure, VA"),
                look=paint(RED) | DASHED,
            ),
            fill=8,
            w=24,
            h=10,
        )
        .title(say("Power and its limits", "Puissance et limites"))
        .description(
            say(
                "Active power (mean of five minutes; fed in below zero), apparent power, and the limits that the meter "
                "announces: subscribed power in force, and the limiter's threshold.",
                "Puissance active (moyenne de cinq minutes ; injection sous zéro), puissance apparente, et limites "
                "annoncées par le compteur : puissance souscrite en cours, et puissance de coupure.",
            )
        )
    )


def _measured(say: Say) -> Builder:
    phase = say("phase", "phase")
    return (
        stats(
            "none",
            Query(best(of("tic_current_amperes"), "phase"), f"I {phase} {{{{phase}}}}", look={"unit": "amp"}),
            Query(
                best(of("tic_voltage_volts"), "phase"),
                f"U {phase} {{{{phase}}}}",
                look={"unit": "volt", "decimals": 0} | steps((None, RED), (207, GREEN), (253, RED)),
            ),
            Query(
                best(of("tic_line_voltage_mean_volts")),
                say("U between phases", "U entre phases"),
                look={"unit": "volt", "decimals": 0},
            ),
            Query(
                best(of("tic_tan_phi")), "tan φ", look={"decimals": 2} | steps((None, GREEN), (0.4, ORANGE), (0.6, RED))
            ),
            Query(
                best(of("meter:tic_load_factor:ratio24h")),
                say("Load factor, 24 h", "Facteur de charge, 24 h"),
                instant=True,
                look={"unit": "percentunit", "decimals": 0} | paint(GREY),
            ),
            Query(
                best(of("meter:tic_night_base_load_watts:min24h")),
                say("Night base load", "Talon de nuit"),
                instant=True,
                look={"unit": "watt"} | paint(GREY),
            ),
            w=24,
            h=5,
        )
        .title(say("Measured", "Mesures"))
        .description(
            say(
                "What this family of meters measures: currents, voltages, tan φ; and what follows from its registers: "
                "average by highest power of 24 hours, lowest half hour of the night.",
                "Ce que mesure cette famille de compteurs : courants, tensions, tan φ ; et ce qui découle de ses index "
                ": puissance moyenne sur maximale en 24 heures, demi-heure la plus basse de la nuit.",
            )
        )
    )


def _strip(say: Say) -> Builder:
    def alarm(metric: str, title: str, hue: str) -> Query:
        return Query(best(of(metric)), title, look={"mappings": mapping(("0", " ", "#2b2f36"), ("1", title, hue))})

    tempo = {"mappings": tempo_colors(say)}
    period = best(named(best(of("tic_tariff_period_active"), "tariff_period")), "tariff")
    return (
        timeline(
            Query(link_state(), say("Line", "Liaison"), look={"mappings": link_states(say)}),
            Query(period, "{{tariff}}", look={"mappings": mapping(("0", " ", "#2b2f36"), ("1", " ", BLUE))}),
            Query(color("tic_day_color"), say("Tempo today", "Tempo aujourd'hui"), look=tempo),
            Query(color("tic_next_day_color"), say("Tempo tomorrow", "Tempo demain"), look=tempo),
            alarm("tic_critical_peak_notice", say("Peak announced", "Préavis de pointe"), YELLOW),
            alarm("tic_critical_peak", say("Critical peak", "Pointe mobile"), ORANGE),
            alarm("tic_overload_warning", say("Overload warning", "Préavis de dépassement"), ORANGE),
            alarm("tic_overload", say("Overload", "Dépassement"), RED),
            alarm("tic_overvoltage", say("Overvoltage", "Surtension"), RED),
            w=24,
            h=11,
        )
        .title(say("Tariff, Tempo, EJP and alarms", "Tarif, Tempo, EJP et alarmes"))
        .description(
            say(
                "When each tariff period was in force, colours of a Tempo contract, EJP and mobile peaks with their "
                "notice, what the meter complains of. Only the strips that this meter has.",
                "Périodes tarifaires en cours, couleurs d'un contrat Tempo, pointes EJP et mobiles avec leur préavis, "
                "alarmes du compteur. Seules les bandes que ce compteur connaît.",
            )
        )
    )
