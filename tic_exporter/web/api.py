"""What is known of the meters as JSON, for programs and for the status page; described by docs/openapi.yml."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..clocks import steady
from ..meter import Snapshot
from . import summary
from .app import compressed
from .handler import App, Request, Response
from .history import History, Past
from .summary import Facts, Json

METERS = "/api/v1/meters"

PARTS = ("readings", "history")
"""What a client may leave out by `omit`: the large parts."""

_HEADERS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Vary", "Accept-Encoding"),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One meter as it is now; `port` is the configured one."""

    snapshot: Snapshot
    port: str


@dataclass(frozen=True, slots=True)
class Api:
    """Answers of `GET /api/v1/meters` and below.

    Args:
        meters: gives all meters by name, in the order of the configuration.
        show_ids: whether ids, and the number of the metering point where it is exposed, are shown in full.
    """

    meters: Callable[[], Mapping[str, Seen]]
    history: History
    version: str
    show_ids: bool = False
    now: Callable[[], float] = steady
    unix: Callable[[], float] = time.time

    def routes(self) -> dict[str, App]:
        """Give the handlers by path, as `build_app` takes them."""
        return {METERS: self._list, f"{METERS}/": self._one}

    def _list(self, request: Request) -> Response:
        omitted = _omitted(request)
        wanted = request.query.get("meter")
        meters = self.meters()
        unknown = [name for name in wanted or () if name not in meters]
        if omitted is None:
            return _unknown_part()
        if unknown:
            return _not_found(unknown[0])
        now = self.now()
        body = {
            "now": round(self.unix(), 3),
            "version": self.version,
            "meters": [
                self.describe(seen, now, omitted) for name, seen in meters.items() if wanted is None or name in wanted
            ],
        }
        return _answer(request, body)

    def _one(self, request: Request) -> Response:
        name, omitted = request.path.removeprefix(f"{METERS}/"), _omitted(request)
        seen = self.meters().get(name)
        if omitted is None:
            return _unknown_part()
        if seen is None:
            return _not_found(name)
        return _answer(request, self.describe(seen, self.now(), omitted))

    def describe(self, seen: Seen, now: float, omitted: frozenset[str] = frozenset()) -> Json:
        """Say all that is known of one meter."""
        snapshot = seen.snapshot
        facts, past = Facts(snapshot, now), self.history.of(snapshot.meter)
        told: Json = {
            "name": snapshot.meter,
            "meter_id": self._shown_id(snapshot),
            "family": snapshot.link.get("family"),
            "mode": snapshot.link.get("mode"),
            "test_mode": snapshot.is_test,
            "device": summary.device(facts),
            "contract": summary.contract(facts),
            "link": summary.link(snapshot, seen.port, now),
            "power": summary.power(facts),
            "tariff": summary.tariff(facts),
            "colors": summary.colors(facts),
            "energy": summary.energy(facts),
            "phases": summary.phases(facts),
            "status": summary.status(facts),
            "line": summary.line_quality(snapshot),
            "last_interruption": _interruption(past),
        }
        if "history" not in omitted:
            told["history"] = [{"at": at, "power": power} for at, power in past.points]
        if "readings" not in omitted:
            told["readings"] = summary.readings(facts, show_ids=self.show_ids)
        return told

    def _shown_id(self, snapshot: Snapshot) -> str | None:
        """Mask the id, but not the name that stands in where the family sends none."""
        is_shown = self.show_ids or snapshot.meter_id == snapshot.meter
        return (snapshot.meter_id if is_shown else summary.masked(snapshot.meter_id)) if snapshot.meter_id else None


def _interruption(past: Past) -> Json | None:
    found = past.interruption
    return None if found is None else {"state": found.state, "began_at": found.began, "ended_at": found.ended}


def _omitted(request: Request) -> frozenset[str] | None:
    """Give the parts that are not wanted; None where one of them does not exist."""
    words = ",".join(request.query.get("omit", [])).split(",")
    parts = frozenset(word.strip() for word in words) - {""}
    return parts if parts <= frozenset(PARTS) else None


def _answer(request: Request, body: Json, status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return compressed(request, Response(status, "application/json", text.encode(), _HEADERS))


def _error(status: int, message: str) -> Response:
    return Response(status, "application/json", json.dumps({"error": message}).encode(), _HEADERS)


def _not_found(name: str) -> Response:
    return _error(404, f"no meter is named {name!r}")


def _unknown_part() -> Response:
    return _error(400, f"omit takes a list of {', '.join(PARTS)}")
