"""Overview: every meter, its state, its power, its day."""

from .frame import events, frame, meter_link
from .panels import (
    GREEN,
    ORANGE,
    RED,
    Builder,
    Column,
    Query,
    Say,
    bar_gauge,
    link_states,
    paint,
    rows,
    stats,
    steps,
    time_series,
    timeline,
)
from .queries import best, kwh, link_state, named, of

POWER = "meter:tic_active_power_import_watts:rate5m"
EXPORT = "meter:tic_active_power_export_watts:rate5m"


def overview(say: Say) -> tuple[Builder, list[dict[str, object]]]:
    board = frame(
        "overview",
        say("TIC Overview", "TIC Vue d'ensemble"),
        say("Every meter at a glance", "Tous les compteurs d'un coup d'œil"),
        say,
    )
    board.with_panel(_count(say)).with_panel(_now(say)).with_panel(_today(say)).with_panel(_meters(say))
    board.with_panel(_power(say)).with_panel(_days(say)).with_panel(_share(say)).with_panel(_links(say))
    return board, events("silence", "replaced", "overload", say=say)


def _count(say: Say) -> Builder:
    silent = Query(
        f"count({of('tic_up')} == 0) or vector(0)",
        say("silent", "muets"),
        instant=True,
        look=steps((None, GREEN), (1, RED)),
    )
    talking = Query(f"sum({of('tic_up')})", say("talking", "en service"), instant=True, look=paint(GREEN))
    return (
        stats("none", talking, silent, spark=False, w=8, h=4)
        .title(say("Meters", "Compteurs"))
        .description(
            say(
                "Meters with a valid frame within their staleness limit (60 s), and those without.",
                "Compteurs dont une trame valide date de moins de 60 s (stale_after), et les autres.",
            )
        )
    )


def _now(say: Say) -> Builder:
    drawn = Query(f"sum({of(POWER)})", say("drawn", "soutirée"), look=paint("blue"))
    fed = Query(f"sum({of(EXPORT)})", say("fed into the grid", "injectée"), look=paint(GREEN))
    return (
        stats("watt", drawn, fed, w=8, h=4)
        .title(say("Power now, all meters", "Puissance, tous compteurs"))
        .description(
            say(
                "Active power of all selected meters, mean of five minutes.",
                "Puissance active de tous les compteurs choisis, moyenne de cinq minutes.",
            )
        )
    )


def _today(say: Say) -> Builder:
    drawn = Query(f"sum({kwh('$__range')})", say("drawn", "soutirée"), instant=True, look=paint("blue"))
    fed = Query(
        f"sum({kwh('$__range', metric='tic_active_energy_export_joules_total')})",
        say("fed into the grid", "injectée"),
        instant=True,
        look=paint(GREEN),
    )
    return (
        stats("kwatth", drawn, fed, spark=False, w=8, h=4)
        .time_from("now/d")
        .title(say("Energy today, all meters", "Énergie du jour, tous compteurs"))
        .description(say("Since local midnight, by the registers.", "Depuis minuit (heure locale), d'après les index."))
    )


def _meters(say: Say) -> Builder:
    queries = [
        Query(link_state()),
        Query(best(of(POWER))),
        Query(best(of("meter:tic_subscribed_power_used:ratio"))),
        Query(kwh("$__range")),
        Query(best(named(f"({best(of('tic_tariff_period_active'), 'tariff_period')} == 1)"), "tariff")),
        Query(f"1000 * {best(of('tic_last_frame_timestamp_seconds'))}"),
    ]
    bar = {"custom.cellOptions": {"type": "gauge", "mode": "basic"}, "unit": "percentunit", "min": 0, "max": 1}
    bar["decimals"] = 0
    columns = [
        Column("meter", say("Meter", "Compteur"), {"links": meter_link(say), "custom.minWidth": 110}),
        Column(
            "Value #A",
            say("State", "État"),
            {"mappings": link_states(say), "custom.cellOptions": {"type": "color-background", "mode": "basic"}},
        ),
        Column("Value #B", say("Power", "Puissance"), {"unit": "watt"}),
        Column(
            "Value #C",
            say("Of subscribed", "De la souscrite"),
            bar | steps((None, GREEN), (0.8, ORANGE), (1, RED)),
        ),
        Column("Value #D", say("Today", "Aujourd'hui"), {"unit": "kwatth"}),
        Column("tariff", say("Tariff", "Tarif")),
        Column("Value #F", say("Last frame", "Dernière trame"), {"unit": "dateTimeFromNow"}),
    ]
    return (
        rows(queries, columns, w=24, h=9)
        .time_from("now/d")
        .title(say("Meters", "Compteurs"))
        .description(
            say(
                "State of the line, active power (mean of five minutes), share of the subscribed power, energy since "
                "midnight, tariff period in force, end of the last valid frame. Click on a name for its own dashboard.",
                "État de la liaison, puissance active (moyenne de cinq minutes), part de la puissance souscrite, "
                "énergie depuis minuit, période tarifaire en cours, fin de la dernière trame valide. "
                "Cliquer sur un nom ouvre son tableau de bord.",
            )
        )
    )


def _power(say: Say) -> Builder:
    return (
        time_series("watt", Query(best(of(POWER))), w=24, h=9, stacked=True)
        .min(0)
        .title(say("Power drawn", "Puissance soutirée"))
        .description(
            say(
                "Active power by meter, stacked, mean of five minutes.",
                "Puissance active par compteur, cumulée, moyenne de cinq minutes.",
            )
        )
    )


def _days(say: Say) -> Builder:
    return (
        time_series("kwatth", Query(kwh("1d", shift=" offset -1d")), w=12, h=9, stacked=True, bars=True)
        .time_from("14d")
        .interval("1d")
        .title(say("Energy by day", "Énergie par jour"))
        .description(
            say(
                "kWh drawn on each of the last 14 days, by meter; the last bar is today so far.",
                "kWh soutirés chacun des 14 derniers jours, par compteur ; la dernière barre est la journée en cours.",
            )
        )
    )


def _share(say: Say) -> Builder:
    top = Query(
        f"sort_desc({best(of('meter:tic_subscribed_power_used:max24h'))})",
        instant=True,
        look=steps((None, GREEN), (0.8, ORANGE), (1, RED)),
    )
    return (
        bar_gauge("percentunit", top, w=12, h=9)
        .max(1.2)
        .title(say("Highest load of the last 24 h", "Charge maximale sur 24 h"))
        .description(
            say(
                "Largest share of the subscribed power that was drawn within 24 hours. Meters that say no subscribed "
                "power (concentrators) are not shown.",
                "Plus grande part de la puissance souscrite appelée en 24 heures. Les compteurs qui n'annoncent pas de "
                "puissance souscrite (concentrateurs) n'y figurent pas.",
            )
        )
    )


def _links(say: Say) -> Builder:
    state = Query(link_state(), "{{meter}}", look={"mappings": link_states(say)})
    return (
        timeline(state, w=24, h=7)
        .title(say("State of the lines", "État des liaisons"))
        .description(
            say(
                "closed: the port cannot be opened; mute: nothing comes; noise: characters, but no valid frame; ok.",
                "fermée : le port ne s'ouvre pas ; muette : rien n'arrive ; bruit : des caractères, mais aucune trame "
                "valide ; ok.",
            )
        )
    )
