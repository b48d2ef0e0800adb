"""What surrounds the panels: title, variables, links to the other dashboards, events."""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as d

from .panels import BLUE, GREY, ORANGE, PURPLE, RED, SOURCE, Builder, Say
from .queries import METER, of

SUFFIX = ("", "-fr")


def uid(name: str, say: Say) -> str:
    return f"tic-{name}{say(*SUFFIX)}"


def frame(
    name: str, title: str, description: str, say: Say, *, since: str = "now-24h", single: bool = False
) -> Builder:
    """Begin a dashboard; `single`: about one meter at a time."""
    meter = _variable("meter", say("Meter", "Compteur"), 'label_values(tic_up{instance=~"$instance"}, meter)')
    if not single:
        meter = _all(meter)
    instance = _variable("instance", say("Exporter", "Exportateur"), "label_values(tic_up, instance)")
    return (
        dashboard.Dashboard(title)
        .uid(uid(name, say))
        .description(description)
        .tags(["tic", say("tic-en", "tic-fr")])
        .readonly()
        .refresh("1m")
        .time(since, "now")
        .timezone("browser")
        .tooltip(d.DashboardCursorSync.CROSSHAIR)
        .with_variable(
            dashboard.DatasourceVariable("datasource").label(say("Data source", "Source de données")).type("prometheus")
        )
        .with_variable(_all(instance))
        .with_variable(meter)
        .link(
            dashboard.DashboardLink(say("TIC dashboards", "Tableaux de bord TIC"))
            .type(d.DashboardLinkType.DASHBOARDS)
            .tags([say("tic-en", "tic-fr")])
            .include_vars(True)
            .keep_time(True)
        )
    )


def _variable(name: str, label: str, query: str) -> Builder:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(d.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(d.VariableSort.ALPHABETICAL_ASC)
    )


def _all(variable: Builder) -> Builder:
    """Let several be chosen, and all of them at first."""
    everything = d.VariableOption(selected=True, text=["All"], value=["$__all"])
    return variable.multi(True).include_all(True).all_value(".+").current(everything)


def meter_link(say: Say) -> list[dict[str, object]]:
    """Lead from a meter's name in a table to its dashboard."""
    name = "${__value.text:percentencode}"  # or "a+b" would arrive as "a b", and "a&b" as "a"
    address = f"/d/{uid('meter', say)}?${{datasource:queryparam}}&var-meter={name}&${{__url_time_range}}"
    return [{"title": say("Open this meter", "Ouvrir ce compteur"), "url": address, "targetBlank": False}]


def events(*names: str, say: Say) -> list[dict[str, object]]:
    """Annotations, as Grafana's Prometheus data source reads them: one for each sample above 0, joined while they last.

    Its step grows with what is shown, to hours: each sample speaks of all that happened in its step. `$__interval` is
    that step; `$__rate_interval` is not the one of the step here in Grafana 11 (grafana/grafana#82636).
    The SDK has no fields for these options, so that they are written as they are.
    """
    period = of("tic_tariff_period_active")
    opened = of("tic_disconnector_state", 'state!="closed"')
    # The dear days of Tempo are peaks to the meter, but no events: they have their strip.
    no_tempo = f"unless on ({METER}) {_within('last', of('tic_day_color'))}"
    table: Mapping[str, tuple[str, str, str, str]] = {
        "tariff": (
            say("Tariff period", "Période tarifaire"), BLUE,
            f"{period} == 1 and (changes({period}[$__interval]) > 0 or {_changed('tic_tariff_period_active')})",
            "{{tariff_period}}",
        ),
        "silence": (
            say("No frame", "Aucune trame"), RED, f"{_within('min', of('tic_up'))} == bool 0",
            say("No valid frame", "Aucune trame valide"),
        ),
        "interruption": (
            say("Interruption", "Interruption"), GREY, _changed("tic_interruptions_total"),
            say("Frames broken off by the meter (EOT)", "Trames interrompues par le compteur (EOT)"),
        ),
        "connection": (
            say("Connection", "Connexion"), ORANGE, _changed("tic_connections_total"),
            say("The port was opened again", "Le port a été rouvert"),
        ),
        "detection": (
            say("Detection", "Détection"), PURPLE, _changed("tic_detections_total"),
            say("Speed, mode or family detected", "Vitesse, mode ou famille détectés"),
        ),
        "replaced": (
            say("Meter replaced", "Compteur remplacé"), RED, _changed("tic_meter_changes_total"),
            say("Another meter answers", "Un autre compteur répond"),
        ),
        "overload": (
            say("Overload", "Dépassement"), RED, f"{_within('max', of('tic_overload'))} == 1",
            say("More than the subscribed power", "Plus que la puissance souscrite"),
        ),
        "disconnector": (
            say("Disconnector open", "Organe de coupure ouvert"), RED, f"{_within('max', opened)} == 1", "{{state}}",
        ),
        "peak": (
            say("Critical peak", "Pointe mobile"), ORANGE,
            f"{_within('max', of('tic_critical_peak'))} == 1 {no_tempo}",
            say("Critical peak in force", "Pointe mobile en cours"),
        ),
    }  # fmt: skip
    return [_annotation(*table[name]) for name in names]


def _changed(metric: str) -> str:
    """Compare with a step before: `changes` would miss what happens between two windows that do not overlap.

    A counter that began anew at 0 has nothing to tell, and is not drawn.
    """
    return f"{of(metric)} != {of(metric)} offset $__interval"


def _within(function: str, selected: str) -> str:
    """Look at the whole step; at the last sample, where scrapes are further apart than steps."""
    return f"({function}_over_time({selected}[$__interval]) or {selected})"


def _annotation(name: str, color: str, expr: str, text: str) -> dict[str, object]:
    step = "60s"
    return {
        "name": name,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "enable": True,
        "hide": False,
        "iconColor": color,
        # What Grafana 11 asks for; later ones ask for the target, and some of them for nothing without.
        "expr": expr,
        "step": step,
        "target": {"expr": expr, "interval": step, "refId": "Anno"},
        "titleFormat": "{{meter}}",
        "textFormat": text,
    }
