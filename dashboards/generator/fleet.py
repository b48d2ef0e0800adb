"""Fleet: who consumes most, whose subscription fits, what runs at night, who is silent."""

from . import fleet_tables as tables
from .frame import events, frame
from .panels import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    Builder,
    Query,
    Say,
    bar_gauge,
    paint,
    stats,
    steps,
    time_series,
)
from .queries import best, kwh, of

BASE_LOAD = best(of("meter:tic_night_base_load_watts:min24h"))


def fleet(say: Say) -> tuple[Builder, list[dict[str, object]]]:
    board = frame(
        "fleet",
        say("TIC Fleet", "TIC Parc"),
        say("Consumption and contracts of all meters", "Consommations et contrats de tous les compteurs"),
        say,
        since="now-30d",
    )
    for part in (_count, _energy, _base, _days, _top, _base_load, tables.fit, tables.load, tables.silent, _families):
        board.with_panel(part(say))
    return board, events("replaced", say=say)


def _count(say: Say) -> Builder:
    silent = Query(
        f"count({of('tic_up')} == 0) or vector(0)",
        say("silent", "muets"),
        instant=True,
        look=steps((None, GREEN), (1, RED)),
    )
    return (
        stats(
            "none",
            Query(f"count({of('tic_up')})", say("meters", "compteurs"), instant=True),
            silent,
            spark=False,
            w=8,
            h=4,
        )
        .title(say("Fleet", "Parc"))
        .description(say("Meters that are configured, and silent ones.", "Compteurs configurés, et compteurs muets."))
    )


def _energy(say: Say) -> Builder:
    return (
        stats(
            "kwatth",
            Query(f"sum({kwh('$__range')})", say("drawn", "soutirée"), instant=True, look=paint(BLUE)),
            Query(
                f"sum({kwh('$__range', metric='tic_active_energy_export_joules_total')})",
                say("fed in", "injectée"),
                instant=True,
                look=paint(GREEN),
            ),
            spark=False,
            w=8,
            h=4,
        )
        .title(say("Energy in the period shown", "Énergie de la période"))
        .description(say("By the registers, all selected meters.", "D'après les index, tous compteurs choisis."))
    )


def _base(say: Say) -> Builder:
    share = f"sum({BASE_LOAD}) / sum({best(of('meter:tic_active_power_import_watts:avg24h'))})"
    return (
        stats(
            "watt",
            Query(f"sum({BASE_LOAD})", say("base load", "talon"), instant=True),
            Query(
                share, say("of the average", "de la moyenne"), instant=True, look={"unit": "percentunit", "decimals": 0}
            ),
            spark=False,
            w=8,
            h=4,
        )
        .title(say("Night base load", "Talon de nuit"))
        .description(
            say(
                "Sum of the lowest half hours of the last night, and its share of the average power of the day.",
                "Somme des demi-heures les plus basses de la dernière nuit, et sa part de la puissance moyenne du "
                "jour.",
            )
        )
    )


def _days(say: Say) -> Builder:
    return (
        time_series("kwatth", Query(kwh("1d", shift=" offset -1d")), w=24, h=9, stacked=True, bars=True)
        .interval("1d")
        .title(say("Energy by day", "Énergie par jour"))
        .description(
            say(
                "kWh drawn on each day, by meter; the last bar is today so far.",
                "kWh soutirés chaque jour, par compteur ; la dernière barre est la journée en cours.",
            )
        )
    )


def _top(say: Say) -> Builder:
    query = Query(f"sort_desc(topk(10, {kwh('$__range')}))", instant=True, look=paint(BLUE))
    return (
        bar_gauge("kwatth", query, w=12, h=9)
        .title(say("Top consumers", "Plus gros consommateurs"))
        .description(
            say("The ten meters that drew most in the period shown.", "Les dix compteurs qui ont le plus soutiré.")
        )
    )


def _base_load(say: Say) -> Builder:
    query = Query(f"sort_desc(topk(10, {BASE_LOAD}))", instant=True, look=paint(ORANGE))
    return (
        bar_gauge("watt", query, w=12, h=9)
        .title(say("Highest night base loads", "Plus hauts talons de nuit"))
        .description(
            say(
                "Lowest half hour of the last night: what runs although nobody is there.",
                "Demi-heure la plus basse de la dernière nuit : ce qui tourne sans personne.",
            )
        )
    )


def _families(say: Say) -> Builder:
    families = f"sort_desc(count by (family, mode) ({of('tic_meter_info')}))"
    query = Query(families, "{{family}}, {{mode}}", instant=True, look=paint(BLUE))
    return (
        bar_gauge("none", query, w=24, h=6)
        .title(say("Meters by family and mode", "Compteurs par famille et mode"))
        .description(say("What the fleet is made of.", "Composition du parc."))
    )
