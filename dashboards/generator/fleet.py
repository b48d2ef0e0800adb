"""Fleet: who consumes most, whose subscription fits, what runs at night, who is silent."""

from .frame import events, frame, meter_link
from .panels import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    Builder,
    Column,
    Query,
    Say,
    bar_gauge,
    paint,
    rows,
    stats,
    steps,
    time_series,
)
from .queries import METER, best, kwh, of

BASE_LOAD = best(of("meter:tic_night_base_load_watts:min24h"))
SUBSCRIBED_VA = of("tic_subscribed_apparent_power_voltamperes")
EXCEEDED = "meter:tic_subscribed_power_exceeded:avg24h"
USED_DAILY = "meter:tic_subscribed_power_used:max24h"


def fleet(say: Say) -> tuple[Builder, list[dict[str, object]]]:
    board = frame(
        "fleet",
        say("TIC Fleet", "TIC Parc"),
        say("Consumption and contracts of all meters", "Consommations et contrats de tous les compteurs"),
        say,
        since="now-30d",
    )
    for part in (_count, _energy, _base, _days, _top, _base_load, _fit, _load, _silent, _families):
        board.with_panel(part(say))
    return board, events("replaced", say=say)


def subscribed() -> str:
    """Subscribed power, VA: as the meter says, else 200 VA per ampere of ISOUSC and phase (NOI-CPT_54E 6.1.2)."""
    phases = f"count by ({METER}) ({of('tic_current_amperes')})"
    return f"{best(SUBSCRIBED_VA)} or 200 * {best(of('tic_subscribed_current_amperes'))} * {phases}"


def highest_share() -> str:
    """Highest share of the subscribed power within 12 months.

    What the meter itself metered comes first (PMAX by tariff period, SMAXSN by day): nothing between two scrapes is
    missed. Then what was recorded. Subqueries keep a year of 300 meters far below Prometheus' limit of samples.
    """
    in_period = best(SUBSCRIBED_VA, "tariff_period")
    demand = best(of("tic_max_apparent_demand_import_voltamperes"), "tariff_period")
    daily = best(of("tic_max_apparent_power_import_voltamperes"))
    sources = (
        _year(f"{demand} / ({in_period} > 0)", "12h"),
        _year(f"{daily} / ({best(SUBSCRIBED_VA)} > 0)", "12h"),
        _year(of(USED_DAILY), "12h"),
    )
    return f" or on ({METER}) ".join(best(source) for source in sources)


def _year(expression: str, step: str) -> str:
    """The highest value of a year and the one of now, which stands after the last step of the subquery."""
    return f'max_over_time(({expression})[365d:{step}]) or label_replace({expression}, "at", "now", "", "")'


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


def _fit(say: Say) -> Builder:
    queries = [
        Query(best(of("tic_contract_info"), "contract")),
        Query(subscribed()),
        Query(highest_share()),
        Query(f"clamp_min(1 - ({highest_share()}), 0)"),
        Query(best(f"avg_over_time({of(EXCEEDED)}[365d:1d]) or {of(EXCEEDED)}")),
    ]
    bar = {"custom.cellOptions": {"type": "gauge", "mode": "basic"}, "unit": "percentunit", "min": 0, "max": 1.2}
    columns = [
        Column("meter", say("Meter", "Compteur"), {"links": meter_link(say), "custom.minWidth": 110}),
        Column("contract", say("Contract", "Contrat")),
        Column("Value #B", say("Subscribed", "Souscrite"), {"unit": "voltamp"}),
        Column(
            "Value #C",
            say("Highest share", "Part maximale"),
            bar | steps((None, BLUE), (0.6, GREEN), (0.95, ORANGE), (1, RED)),
        ),
        Column(
            "Value #D",
            say("Never used", "Jamais utilisée"),
            {"unit": "percentunit", "decimals": 0, "custom.cellOptions": {"type": "color-text"}}
            | steps((None, GREEN), (0.4, BLUE)),
        ),
        Column(
            "Value #E",
            say("Time above", "Temps au-dessus"),
            {"unit": "percentunit", "decimals": 2, "custom.cellOptions": {"type": "color-text"}}
            | steps((None, GREEN), (0.0001, ORANGE), (0.01, RED)),
        ),
    ]
    return (
        rows(queries, columns, sort=say("Highest share", "Part maximale"), w=24, h=9)
        .title(say("Subscription fit over 12 months", "Adéquation de la puissance souscrite sur 12 mois"))
        .description(
            say(
                "Highest share of the subscribed power within 12 months, as the meter metered it (PMAX, SMAXSN), else "
                "as it was recorded; the part that was never used (blue above 40 %: a smaller contract would do); the "
                "part of the time above it. Needs a Prometheus that keeps a year.",
                "Plus forte part de la puissance souscrite en 12 mois, d'après le compteur (PMAX, SMAXSN), sinon "
                "d'après l'enregistrement ; part jamais utilisée (bleu au-delà de 40 % : un contrat plus petit "
                "suffirait) ; part du temps au-dessus. Demande un Prometheus qui garde un an.",
            )
        )
    )


def _load(say: Say) -> Builder:
    queries = [
        Query(best(of("meter:tic_active_power_import_watts:avg24h"))),
        Query(best(of("meter:tic_active_power_import_watts:max24h"))),
        Query(best(of("meter:tic_load_factor:ratio24h"))),
        Query(BASE_LOAD),
    ]
    columns = [
        Column("meter", say("Meter", "Compteur"), {"links": meter_link(say), "custom.minWidth": 110}),
        Column("Value #A", say("Average", "Moyenne"), {"unit": "watt"}),
        Column("Value #B", "Maximum", {"unit": "watt"}),
        Column("Value #C", say("Load factor", "Facteur de charge"), {"unit": "percentunit", "decimals": 0}),
        Column("Value #D", say("Base load", "Talon"), {"unit": "watt"}),
    ]
    return (
        rows(queries, columns, sort=say("Average", "Moyenne"), w=12, h=9)
        .title(say("Load of the last 24 h", "Charge des dernières 24 h"))
        .description(
            say(
                "Average and highest power (means of five minutes), how even the load is (100 %: a flat line), night "
                "base load.",
                "Puissance moyenne et maximale (moyennes de cinq minutes), régularité (100 % : charge constante), "
                "talon de nuit.",
            )
        )
    )


def _silent(say: Say) -> Builder:
    last = of("tic_last_frame_timestamp_seconds")
    queries = [Query(best(f"topk(10, time() - {last})")), Query(best(of("tic_up"))), Query(f"1000 * {best(last)}")]
    up = [{"type": "value", "options": {
        "0": {"text": say("silent", "muet"), "color": RED, "index": 0},
        "1": {"text": say("talks", "en service"), "color": GREEN, "index": 1},
    }}]  # fmt: skip
    age = say("No frame for", "Sans trame depuis")
    columns = [
        Column("meter", say("Meter", "Compteur"), {"links": meter_link(say), "custom.minWidth": 110}),
        Column("Value #B", say("State", "État"), {"mappings": up, "custom.cellOptions": {"type": "color-text"}}),
        Column("Value #A", age, {"unit": "dtdurations", "decimals": 0}),
        Column("Value #C", say("Last frame", "Dernière trame"), {"unit": "dateTimeAsLocalNoDateIfToday"}),
    ]
    return (
        rows(queries, columns, sort=age, w=12, h=9)
        .title(say("Silent meters", "Compteurs muets"))
        .description(
            say(
                "The ten meters whose last valid frame is oldest.",
                "Les dix compteurs dont la dernière trame valide est la plus ancienne.",
            )
        )
    )


def _families(say: Say) -> Builder:
    query = Query(f"sort_desc(count by (family, mode) ({of('tic_meter_info')}))", "{{family}}, {{mode}}", instant=True)
    return (
        bar_gauge("none", query, w=24, h=6)
        .title(say("Meters by family and mode", "Compteurs par famille et mode"))
        .description(say("What the fleet is made of.", "Composition du parc."))
    )
