"""Line quality: how well the characters of each meter arrive, and what goes wrong with those that do not."""

from . import line_events as lower
from .frame import events, frame
from .panels import (
    DASHED,
    GREEN,
    ORANGE,
    RED,
    Builder,
    Query,
    Say,
    link_states,
    paint,
    stats,
    steps,
    time_series,
    timeline,
)
from .queries import best, link_state, of, total

GOOD = best(of("meter:tic_valid_frames:ratio_rate15m"))
DAMAGED = best(of("meter:tic_group_errors:ratio_rate15m"))
PARITY = best(of("meter:tic_parity_errors:ratio_rate15m"))
EDGE = paint(RED) | DASHED


def line_quality(say: Say) -> tuple[Builder, list[dict[str, object]]]:
    board = frame(
        "line-quality",
        say("TIC Line quality", "TIC Qualité de ligne"),
        say("Bytes, frames, and what is wrong with them", "Octets, trames, et leurs défauts"),
        say,
    )
    for part in (_now, _events, _good, _states, _damaged, _parity, _reasons, _frames, _bytes, lower.interruptions):
        board.with_panel(part(say))
    for part in (lower.reconnects, lower.held_back, lower.age, lower.clock, lower.lines):
        board.with_panel(part(say))
    return board, events("connection", "detection", "replaced", "silence", say=say)


def _now(say: Say) -> Builder:
    return (
        stats(
            "percentunit",
            Query(
                f"min({GOOD})",
                say("Good frames, worst line", "Trames valides, pire ligne"),
                look=steps((None, RED), (0.9, ORANGE), (0.99, GREEN)) | {"decimals": 1},
            ),
            Query(
                f"max({DAMAGED})",
                say("Damaged groups, worst line", "Groupes abîmés, pire ligne"),
                look=steps((None, GREEN), (0.001, ORANGE), (0.01, RED)) | {"decimals": 2},
            ),
            Query(
                f"max({PARITY})",
                say("Wrong parity, worst line", "Parité fausse, pire ligne"),
                look=steps((None, GREEN), (0.0001, ORANGE), (0.001, RED)) | {"decimals": 3},
            ),
            w=15,
            h=5,
        )
        .title(say("Quality now", "Qualité"))
        .description(
            say(
                "Over 15 minutes, of the line that does worst: share of good frames, of damaged groups, of characters "
                "with a wrong parity.",
                "Sur 15 minutes, pour la plus mauvaise ligne : part de trames valides, de groupes abîmés, de "
                "caractères à parité fausse.",
            )
        )
    )


def _events(say: Say) -> Builder:
    names = (
        ("tic_connections_total", say("port opened", "ouvertures du port")),
        ("tic_detections_total", say("detected", "détections")),
        ("tic_interruptions_total", say("interruptions", "interruptions")),
    )
    return (
        stats(
            "none",
            *(Query(f"sum(increase({of(name)}[$__range]))", title, instant=True) for name, title in names),
            spark=False,
            w=9,
            h=5,
        )
        .decimals(0)
        .title(say("Events in the period shown", "Évènements de la période"))
        .description(
            say(
                "Times that a port was opened, that speed, mode or family was detected, that a meter broke a frame "
                "off.",
                "Ouvertures de port, détections de vitesse, de mode ou de famille, trames interrompues par un "
                "compteur.",
            )
        )
    )


def _good(say: Say) -> Builder:
    return (
        time_series("percentunit", Query(GOOD), w=12, h=8)
        .max(1)
        .title(say("Good frames", "Trames valides"))
        .description(
            say(
                "Share of all frames, damaged and broken off ones included, that was good: 100 % is perfect.",
                "Part des trames valides parmi toutes, abîmées et interrompues comprises : 100 %, c'est parfait.",
            )
        )
    )


def _states(say: Say) -> Builder:
    return (
        timeline(Query(link_state(), look={"mappings": link_states(say)}), w=12, h=8)
        .title(say("State of the lines", "État des liaisons"))
        .description(
            say(
                "closed: the port cannot be opened; mute: nothing comes; noise: characters, but no valid frame; ok.",
                "fermée : le port ne s'ouvre pas ; muette : rien n'arrive ; bruit : des caractères, mais aucune trame "
                "valide ; ok.",
            )
        )
    )


def _damaged(say: Say) -> Builder:
    threshold = Query("tic:group_errors_ratio:threshold", say("alert", "alerte"), look=EDGE)
    return (
        time_series("percentunit", Query(DAMAGED), threshold, w=12, h=8)
        .title(say("Damaged groups", "Groupes abîmés"))
        .description(
            say(
                "Share of the groups that fail their checks, over 15 minutes. Each costs the frame that holds it. "
                "A good line has none for days.",
                "Part des groupes rejetés par les contrôles, sur 15 minutes. Chacun coûte la trame qui le contient. "
                "Une bonne ligne n'en a aucun pendant des jours.",
            )
        )
    )


def _parity(say: Say) -> Builder:
    threshold = Query("tic:parity_errors_ratio:threshold", say("alert", "alerte"), look=EDGE)
    return (
        time_series("percentunit", Query(PARITY), threshold, w=12, h=8)
        .title(say("Characters with a wrong parity", "Caractères à parité fausse"))
        .description(
            say(
                "Share of all characters, over 15 minutes. It rises before frames are lost.",
                "Part des caractères, sur 15 minutes. Elle monte avant que des trames soient perdues.",
            )
        )
    )


def _reasons(say: Say) -> Builder:
    rate = f"60 * sum by (reason) (rate({of('tic_group_errors_total')}[$__rate_interval]))"
    return (
        time_series("cpm", Query(rate, "{{reason}}"), w=12, h=8, stacked=True)
        .min(0)
        .title(say("Groups not interpreted, by reason", "Groupes non interprétés, par motif"))
        .description(
            say(
                "Per minute, all selected meters. unknown_label costs no frame: it tells of a newer meter.",
                "Par minute, tous compteurs choisis. unknown_label ne coûte pas de trame : un compteur plus récent.",
            )
        )
    )


def _frames(say: Say) -> Builder:
    rate = f"60 * sum by (reason) (rate({of('tic_invalid_frames_total')}[$__rate_interval]))"
    return (
        time_series("cpm", Query(rate, "{{reason}}"), w=12, h=8, stacked=True)
        .min(0)
        .title(say("Frames not interpreted, by reason", "Trames non interprétées, par motif"))
        .description(say("Per minute, all selected meters.", "Par minute, tous compteurs choisis."))
    )


def _bytes(say: Say) -> Builder:
    return (
        time_series("Bps", Query(total(f"rate({of('tic_received_bytes_total')}[$__rate_interval])")), w=12, h=8)
        .min(0)
        .title(say("Bytes received", "Octets reçus"))
        .description(
            say(
                "A line at 1200 Bd carries at most 120 bytes a second, one at 9600 Bd 960.",
                "Une ligne à 1200 Bd porte au plus 120 octets par seconde, une ligne à 9600 Bd 960.",
            )
        )
    )
