"""The HTTP interface of api_compteur_tic (2019), for what is wired to it: paths, answers, types are those of then."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..clocks import steady
from ..meter import Snapshot
from ..tic.families.pmepmi import PMEPMI
from ..tic.families.standard import LINKY_STANDARD
from ..tic.schema import Family
from .handler import TEXT, App, Request, Response
from .interpretation import METER_ID, Interpretation
from .interpreters import INDEPENDENT, NO_UNIT, Entry, Periods

_HTML = "text/html; charset=utf-8"
# What a meter sends is given out as HTML, as it was: nothing in it may be obeyed.
_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; sandbox"),
    ("Cache-Control", "no-store"),
)
_EXPECTED = "Paramètres attendus : tarif= et etiquette="

_DELTA = "_delta"
_FLOATS = frozenset({"TGPHI_s", "TGPHI_i"})
_COUNTED = {
    "CPT_INTERRUPTIONS": "Frames that the meter broke off",
    "CPT_PREAVIS": "Times that an overload warning began",
    "CPT_TRAMES_INVALIDES": "Frames not interpreted",
    "CONSO_TOTALE_s": "Active energy imported, all tariff periods",
    "CONSO_TOTALE_i": "Active energy exported, all tariff periods",
}
_SECONDS = {"DATE": 30, "EA_s": 30, "EAPP_s": 30, "EA_i": 30, "ER+_i": 30, "ER-_i": 30, "EAPP_i": 30} | {
    **dict.fromkeys(("ER+_s", "ER-_s"), 10),
    **dict.fromkeys(("EAP_s", "ER+P_s", "ER-P_s", "EAP_i", "ER+P_i", "ER-P_i", "PA1MN", *_COUNTED), 60),
    **dict.fromkeys(_FLOATS, 300),
}
"""How often Zabbix was told to ask."""

_USUAL_SECONDS = 3600


def _helps(*families: Family) -> dict[str, str]:
    """Give what a label measures, with the dimensions that are fixed."""
    found = {"CONTRAT": "Contract, or name of the tariff in force"} | _COUNTED
    for row in (row for family in families for row in family.fields):
        where = [f"{name} {value}" for name, value in row.dimensions.items() if isinstance(value, str)]
        found.setdefault(row.label, ", ".join([row.quantity.help, *where]))
    return found


_HELPS = _helps(PMEPMI, LINKY_STANDARD)


@dataclass(frozen=True, slots=True)
class Followed:
    """One meter: its snapshot as it may be shown, and what its frames were taken for."""

    snapshot: Snapshot
    interpretation: Interpretation


@dataclass(frozen=True, slots=True)
class Compatibility:
    """Answers of `/get_interpretation`, `/get_donnee` and `/zabbix_autoconf`.

    That program read one meter: of several, each request names one by `meter=NAME`.
    """

    meters: Callable[[], Mapping[str, Followed]]
    now: Callable[[], float] = steady

    def routes(self) -> dict[str, App]:
        """Give the handlers by path, as `build_app` takes them."""
        answers: dict[str, Callable[[Request, Periods], Response]] = {
            "/get_interpretation": lambda _, periods: _json(periods),
            "/get_donnee": _value,
            "/zabbix_autoconf": _discovery,
        }
        return {path: self._of_one_meter(answer) for path, answer in answers.items()}

    def _of_one_meter(self, answer: Callable[[Request, Periods], Response]) -> App:
        def app(request: Request) -> Response:
            meters = self.meters()
            names = request.query.get("meter") or (list(meters) if len(meters) == 1 else [])
            if len(names) != 1:
                return _problem(400, f"which meter? Add meter=NAME with one of: {', '.join(meters)}")
            if names[0] not in meters:
                return _problem(404, f"no meter is named {names[0]!r}")
            found = meters[names[0]]
            return answer(request, found.interpretation.periods(found.snapshot, self.now()))

        return app


def _problem(status: int, message: str) -> Response:
    return Response(status, TEXT, f"{status} {message}\n".encode(), _HEADERS)


def _json(body: object) -> Response:
    """Write it as Flask 1.x did: sorted, in ASCII, with a line feed at the end."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return Response(200, "application/json", f"{text}\n".encode(), _HEADERS)


def _value(request: Request, periods: Periods) -> Response:
    given = [request.query.get(name, [""])[0] for name in ("tarif", "etiquette")]
    if not request.query.keys() >= {"tarif", "etiquette"}:
        return Response(200, _HTML, _EXPECTED.encode(), _HEADERS)
    # A plus sign that nobody encoded arrives as a space, which no label has: ER+P_s.
    period, label = given[0], given[1].replace(" ", "+")
    text = periods.get(period, {}).get(label, [None])[0]
    return Response(200, _HTML, (text or "").encode(), _HEADERS)


def _discovery(request: Request, periods: Periods) -> Response:
    """Zabbix's low-level discovery: of an interval energy with a difference, the difference."""
    wanted = request.query.get("type", [""])[0]
    data: list[dict[str, str | int]] = []
    for period, entries in sorted(periods.items()):
        for label, entry in sorted(entries.items()):
            if label == METER_ID or label.endswith(_DELTA) or wanted not in {"", _type(period, label, entry)}:
                continue
            shown = f"{label}{_DELTA}" if f"{label}{_DELTA}" in entries else label
            unit = entries[shown][1]
            data.append(
                {
                    "{#PTARIF}": period,
                    "{#ETIQUETTE}": shown,
                    "{#UNITE}": unit if unit and unit != NO_UNIT else "",
                    "{#DESCRIPTION}": _HELPS.get(label, label),
                    "{#PERIODE}": _SECONDS.get(label, _USUAL_SECONDS),
                }
            )
    return _json({"data": data})


def _type(period: str, label: str, entry: Entry) -> str:
    if label in _FLOATS:
        return "float"
    is_number = period != INDEPENDENT or label in _COUNTED or entry[1] not in {None, NO_UNIT}
    return "int" if is_number else "text"
