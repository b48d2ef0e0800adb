"""PromQL that several panels share."""

SELECT = 'instance=~"$instance",meter=~`${meter:regex}`'
"""What every query selects by. No job: names that begin with `tic_` are this exporter's, whatever its job is called.

Grafana takes a variable of a single value for no regular expression, so that a meter "Shop (1)" would not be found.
With `:regex` it escapes it, by one backslash: a raw string of PromQL leaves that as it is.
"""

IMPORTED = "tic_active_energy_import_joules_total"

METER = "instance, meter"
"""Who a series is of; ids and labels of the scrape configuration only widen legends and tables."""

STATES = 'tic_link_state{%s,state="mute"} or 2 * tic_link_state{%s,state="noise"} or 3 * tic_link_state{%s,state="ok"}'


def of(metric: str, *matchers: str) -> str:
    """Select a metric of the meters in question."""
    return f"{metric}{{{','.join((SELECT, *matchers))}}}"


def best(expression: str, *labels: str) -> str:
    """Drop the labels that nobody reads; nothing is added up."""
    return f"max by ({', '.join((METER, *labels))}) ({expression})"


def total(expression: str, *labels: str) -> str:
    """Add up by meter, and by `labels`."""
    return f"sum by ({', '.join((METER, *labels))}) ({expression})"


def kwh(window: str, *labels: str, metric: str = IMPORTED, shift: str = "") -> str:
    """Give the kWh of `window`: by the registers; by the energy of intervals for an ICE that sends none."""
    parts = (
        total(f"increase({of(metric)}[{window}]{shift})", *labels),
        total(f"increase({of(metric.replace('tic_', 'tic_interval_'))}[{window}]{shift})"),
    )
    return f"({f' or on ({METER}) '.join(parts)}) / 3.6e6"


def named(expression: str) -> str:
    """Add the label `tariff`: the code of the tariff period, and its name where the meter says one (Linky standard)."""
    pair = f"on ({METER}, tariff_period)"
    name = best(of("tic_tariff_period_info"), "tariff_period", "name")
    both = f"{expression} * {pair} group_left (name) {name} or {pair} {expression}"
    joined = f'label_join({both}, "tariff", " ", "tariff_period", "name")'
    return f'label_replace({joined}, "tariff", "-", "tariff", " ")'


def link_state() -> str:
    """0 closed, 1 mute, 2 noise, 3 ok."""
    return total(STATES % (SELECT, SELECT, SELECT))


def color(metric: str) -> str:
    """0 not known yet, 1 blue, 2 white, 3 red; nothing without Tempo."""
    codes = ("unknown", "blue", "white", "red")
    parts = [(code, of(metric, f'color="{name}"')) for code, name in enumerate(codes)]
    return total(" or ".join(f"{code} * {selected}" for code, selected in parts))


def limit(threshold: str, where: str) -> str:
    """Draw a threshold of the alerts beside what it limits, and nowhere else."""
    return f"{threshold} and on () {where}"


def per_minute(counter: str, *labels: str) -> str:
    return f"60 * {total(f'rate({of(counter)}[$__rate_interval])', *labels)}"


def subscribed() -> str:
    """Subscribed apparent power in force: as the meter says, else 200 VA per ampere of ISOUSC (NOI-CPT_54E 6.1.2)."""
    phases = f"count by ({METER}) ({of('tic_current_amperes')})"
    said = best(of("meter:tic_subscribed_apparent_power_voltamperes:in_force"))
    return f"{said} or 200 * {best(of('tic_subscribed_current_amperes'))} * {phases}"
