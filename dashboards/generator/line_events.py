"""The lower half of the dashboard of line quality: frames and reconnects over time, clocks, what was detected."""

from .frame import meter_link
from .panels import BLUE, DASHED, GREEN, RED, Builder, Column, Query, Say, link_states, paint, rows, time_series
from .queries import best, link_state, of, per_minute


def interruptions(say: Say) -> Builder:
    return (
        time_series(
            "cpm",
            Query(per_minute("tic_frames_total"), say("{{meter}}", "{{meter}}")),
            Query(
                f"sum({per_minute('tic_interruptions_total')})",
                say("broken off, all meters", "interrompues, tous compteurs"),
                look=paint(RED) | DASHED,
            ),
            w=12,
            h=8,
        )
        .min(0)
        .title(say("Valid frames, and frames broken off", "Trames valides, et trames interrompues"))
        .description(
            say(
                "Per minute. A meter breaks frames off (EOT) while it is read on site, or to send a short frame.",
                "Par minute. Un compteur interrompt ses trames (EOT) pendant un relevé, ou pour une trame courte.",
            )
        )
    )


def reconnects(say: Say) -> Builder:
    def hourly(counter: str) -> str:
        return f"sum(increase({of(counter)}[1h]))"

    return (
        time_series(
            "none",
            Query(hourly("tic_connections_total"), say("port opened", "ouvertures du port"), look=paint(GREEN)),
            Query(hourly("tic_connection_failures_total"), say("attempts failed", "échecs"), look=paint(RED)),
            Query(hourly("tic_detections_total"), say("detections", "détections"), look=paint(BLUE)),
            w=12,
            h=8,
        )
        .min(0)
        .title(say("Reconnects and detections in an hour", "Reconnexions et détections par heure"))
        .description(
            say(
                "All selected meters: ports opened, attempts that failed, detections of speed, mode or family.",
                "Tous compteurs choisis : ports ouverts, échecs, détections de vitesse, de mode ou de famille.",
            )
        )
    )


def held_back(say: Say) -> Builder:
    rejected = f"sum by (reason) (increase({of('tic_rejected_readings_total')}[1h]))"
    return (
        time_series("none", Query(rejected, "{{reason}}"), w=12, h=8)
        .min(0)
        .title(say("Readings held back in an hour", "Valeurs retenues par heure"))
        .description(
            say(
                "Registers that fell or jumped beyond what is possible, and readings of a meter that is not confirmed.",
                "Index en baisse ou en saut impossible, et valeurs d'un compteur non confirmé.",
            )
        )
    )


def age(say: Say) -> Builder:
    edge = paint(RED) | DASHED
    stale = Query(f"max({of('tic_stale_after_seconds')})", say("withdrawn after", "retrait après"), look=edge)
    return (
        time_series("s", Query(f"time() - {best(of('tic_last_frame_timestamp_seconds'))}"), stale, w=12, h=8)
        .min(0)
        .title(say("Age of the last valid frame", "Âge de la dernière trame valide"))
        .description(
            say(
                "At each scrape. Beyond the limit the readings of the meter are withdrawn.",
                "À chaque relevé de Prometheus. Au-delà de la limite, les valeurs du compteur sont retirées.",
            )
        )
    )


def clock(say: Say) -> Builder:
    return (
        time_series("s", Query(best(of("tic_clock_offset_seconds"))), w=12, h=8)
        .no_value(say("These families of meters send no date", "Ces familles de compteurs n'envoient pas de date"))
        .title(say("Clocks of the meters", "Horloges des compteurs"))
        .description(
            say(
                "Clock of the meter minus that of this host. Families without a date are not shown.",
                "Horloge du compteur moins celle de cet hôte. Les familles sans date n'y figurent pas.",
            )
        )
    )


def lines(say: Say) -> Builder:
    queries = [
        Query(best(of("tic_link_info"), "port", "baud_rate", "parity", "family", "mode", "framing")),
        Query(best(of("meter:tic_valid_frames:ratio_rate15m"))),
        Query(link_state()),
    ]
    columns = [
        Column("meter", say("Meter", "Compteur"), {"links": meter_link(say), "custom.minWidth": 110}),
        Column("port", "Port"),
        Column("baud_rate", say("Speed, Bd", "Vitesse, Bd"), {"unit": "string"}),
        Column("parity", say("Parity", "Parité")),
        Column("family", say("Family", "Famille")),
        Column("mode", "Mode"),
        Column("framing", say("Framing", "Transport")),
        Column("Value #B", say("Good frames", "Trames valides"), {"unit": "percentunit", "decimals": 1}),
        Column(
            "Value #C",
            say("State", "État"),
            {"mappings": link_states(say), "custom.cellOptions": {"type": "color-background", "mode": "basic"}},
        ),
    ]
    return (
        rows(queries, columns, w=24, h=8)
        .title(say("How each line is read", "Lecture de chaque ligne"))
        .description(
            say(
                "What was detected. Framing is cooked where a terminal on the way translates CR to LF.",
                "Ce qui a été détecté. Transport « cooked » : un terminal en chemin traduit CR en LF.",
            )
        )
    )
