"""Tables of the fleet: does each subscription fit, how is each meter loaded, who is silent."""

from .frame import meter_link
from .panels import BLUE, GREEN, ORANGE, RED, Builder, Column, Query, Say, rows, steps
from .queries import METER, best, of, subscribed

SUBSCRIBED_VA = of("tic_subscribed_apparent_power_voltamperes")
SUBSCRIBED_W = best(of("meter:tic_subscribed_active_power_watts:in_force"))
EXCEEDED = "meter:tic_subscribed_power_exceeded:avg24h"
USED_DAILY = "meter:tic_subscribed_power_used:max24h"


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


def fit(say: Say) -> Builder:
    queries = [
        Query(best(of("tic_contract_info"), "contract")),
        Query(f"({subscribed()} or {SUBSCRIBED_W}) / 1000"),
        Query(highest_share()),
        Query(f"clamp_min(1 - ({highest_share()}), 0)"),
        Query(best(f"avg_over_time({of(EXCEEDED)}[365d:1d]) or {of(EXCEEDED)}")),
    ]
    bar = {"custom.cellOptions": {"type": "gauge", "mode": "basic"}, "unit": "percentunit", "min": 0, "max": 1.2}
    bar["decimals"] = 0
    columns = [
        Column("meter", say("Meter", "Compteur"), {"links": meter_link(say), "custom.minWidth": 110}),
        Column("contract", say("Contract", "Contrat")),
        Column("Value #B", say("Subscribed, kVA or kW", "Souscrite, kVA ou kW"), {"decimals": 0}),
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


def load(say: Say) -> Builder:
    queries = [
        Query(best(of("meter:tic_active_power_import_watts:avg24h"))),
        Query(best(of("meter:tic_active_power_import_watts:max24h"))),
        Query(best(of("meter:tic_load_factor:ratio24h"))),
        Query(best(of("meter:tic_night_base_load_watts:min24h"))),
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


def silent(say: Say) -> Builder:
    """The ten whose last frame is oldest, and nothing about the others: each query would add its rows.

    An exporter that was restarted knows no frame of a meter that is silent since; Prometheus remembers, by the hour.
    Where there was none at all, it is the period shown at least.
    """
    up, stamp = best(of("tic_up")), of("tic_last_frame_timestamp_seconds")
    heard = best(f"{stamp} or max_over_time({stamp}[$__range:1h])")
    oldest = f"topk(10, time() - {heard} and on ({METER}) {up} or on ({METER}) $__range_s + 0 * {up})"
    queries = [
        Query(oldest),
        Query(f"{up} and on ({METER}) {oldest}"),
        Query(f"1000 * {heard} and on ({METER}) {oldest}"),
    ]
    states = [{"type": "value", "options": {
        "0": {"text": say("silent", "muet"), "color": RED, "index": 0},
        "1": {"text": say("talks", "en service"), "color": GREEN, "index": 1},
    }}]  # fmt: skip
    age = say("No frame for", "Sans trame depuis")
    columns = [
        Column("meter", say("Meter", "Compteur"), {"links": meter_link(say), "custom.minWidth": 110}),
        Column("Value #B", say("State", "État"), {"mappings": states, "custom.cellOptions": {"type": "color-text"}}),
        Column("Value #A", age, {"unit": "dtdurations", "decimals": 0}),
        Column("Value #C", say("Last frame", "Dernière trame"), {"unit": "dateTimeAsLocalNoDateIfToday"}),
    ]
    return (
        rows(queries, columns, sort=age, w=12, h=9)
        .title(say("Silent meters", "Compteurs muets"))
        .description(
            say(
                "The ten meters whose last valid frame is oldest. Where there was none in the period shown, its length "
                "stands for the age.",
                "Les dix compteurs dont la dernière trame valide est la plus ancienne. Sans trame dans la période "
                "affichée, sa durée tient lieu d'âge.",
            )
        )
    )
