"""What surrounds the panels: title, variables, links to the other dashboards, events."""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as d

from .panels import BLUE, GREY, ORANGE, PURPLE, RED, SOURCE, Builder, Say
from .queries import METER, of

SUFFIX = ("", "-fr")
TEMPO_DAY = 'color=~"white|red"'
"""The dear days of Tempo are peaks to the meter, but no events: they have their strip."""


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
    """Annotations, as Grafana's Prometheus data source reads them: one for each sample, joined while they last.

    The SDK has no fields for these options, so that they are written as they are.
    """
    table: Mapping[str, tuple[str, str, str, str]] = {
        "tariff": (
            say("Tariff period", "Période tarifaire"), BLUE,
            f"changes({of('tic_tariff_period_active')}[2m]) > 0 and {of('tic_tariff_period_active')} == 1",
            "{{tariff_period}}",
        ),
        "silence": (
            say("No frame", "Aucune trame"), RED, f"{of('tic_up')} == 0",
            say("No valid frame", "Aucune trame valide"),
        ),
        "interruption": (
            say("Interruption", "Interruption"), GREY, f"changes({of('tic_interruptions_total')}[2m]) > 0",
            say("Frames broken off by the meter (EOT)", "Trames interrompues par le compteur (EOT)"),
        ),
        "connection": (
            say("Connection", "Connexion"), ORANGE, f"changes({of('tic_connections_total')}[2m]) > 0",
            say("The port was opened again", "Le port a été rouvert"),
        ),
        "detection": (
            say("Detection", "Détection"), PURPLE, f"changes({of('tic_detections_total')}[2m]) > 0",
            say("Speed, mode or family detected", "Vitesse, mode ou famille détectés"),
        ),
        "replaced": (
            say("Meter replaced", "Compteur remplacé"), RED, f"changes({of('tic_meter_changes_total')}[2m]) > 0",
            say("Another meter answers", "Un autre compteur répond"),
        ),
        "overload": (
            say("Overload", "Dépassement"), RED, f"{of('tic_overload')} == 1",
            say("More than the subscribed power", "Plus que la puissance souscrite"),
        ),
        "disconnector": (
            say("Disconnector open", "Organe de coupure ouvert"), RED,
            of("tic_disconnector_state", 'state!="closed"') + " == 1", "{{state}}",
        ),
        "peak": (
            say("Critical peak", "Pointe mobile"), ORANGE,
            f"{of('tic_critical_peak')} == 1 unless on ({METER}) {of('tic_day_color', TEMPO_DAY)} == 1",
            say("Critical peak in force", "Pointe mobile en cours"),
        ),
    }  # fmt: skip
    return [_annotation(*table[name]) for name in names]


def _annotation(name: str, color: str, expr: str, text: str) -> dict[str, object]:
    return {
        "name": name,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "enable": True,
        "hide": False,
        "iconColor": color,
        "expr": expr,
        "step": "60s",
        "titleFormat": "{{meter}}",
        "textFormat": text,
    }
