"""The template in a real Zabbix: imported, linked to an exporter of simulated meters, watched. `make test-zabbix`.

Each check prints its figures, or ends the trial with an AssertionError.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from site_under_watch import CUT, HOST, ODD, Site
from zabbix_server import Zabbix

from helpers.program import wait_until
from helpers.zabbix import PatternError, Template, rows_of, select, value_of, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from helpers.zabbix import Found

NAME = "TIC meters by HTTP"
# The same checks as at a user's, at another pace.
MACROS = {"{$TIC.INTERVAL}": "5s", "{$TIC.SILENT}": "20s", "{$TIC.NODATA}": "30s", "{$TIC.POWER.WINDOW}": "1m"}
EVERYTHING = ("groups", "templates", "templateDashboards", "items", "discoveryRules", "triggers", "graphs", "valueMaps")
RULES = {part: {"createMissing": True, "updateExisting": True} for part in EVERYTHING}
# What an export leaves out where it is the default.
DEFAULTS = {"delay", "lifetime"}
# Seconds since its line went, or since the state appeared on it, that a trigger may take here.
PATIENCE = 120


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a report for people


@dataclass
class Trial:
    """One Zabbix, one site, one host."""

    zabbix: Zabbix
    site: Site
    template: Template
    host: str = ""

    def call(self, method: str, **parameters: object) -> Any:  # noqa: ANN401 - JSON is what it is
        return self.zabbix.api.call(method, **parameters)

    def install(self) -> None:
        began = time.monotonic()
        for _ in ("import", "import again, as an update"):
            assert self.call("configuration.import", format="yaml", rules=RULES, source=self.template.text) is True
        template = self.call(
            "template.get",
            filter={"host": NAME},
            selectItems="count",
            selectDiscoveries="count",
            selectTriggers="count",
            selectDashboards="count",
            selectMacros="extend",
        )[0]
        self._nothing_was_dropped(template["templateid"])
        prototypes = {
            what: self.call(f"{what}prototype.get", templateids=template["templateid"], countOutput=True)
            for what in ("item", "trigger", "graph")
        }
        say(
            f"imported twice in {time.monotonic() - began:.1f} s: {template['items']} items, {template['triggers']}"
            f" triggers, {template['discoveries']} discovery rules with {prototypes['item']} item,"
            f" {prototypes['trigger']} trigger and {prototypes['graph']} graph prototypes,"
            f" {len(template['macros'])} macros, {template['dashboards']} dashboard"
        )
        group = self.call("hostgroup.create", name="Meters")["groupids"][0]
        interface = {"type": 1, "main": 1, "useip": 1, "ip": HOST, "dns": "", "port": "10050"}
        macros = {**MACROS, "{$TIC.PORT}": str(self.site.exporter.port)}
        self.host = self.call(
            "host.create",
            host="site",
            interfaces=[interface],
            groups=[{"groupid": group}],
            templates=[{"templateid": template["templateid"]}],
            macros=[{"macro": macro, "value": value} for macro, value in macros.items()],
        )["hostids"][0]

    def _nothing_was_dropped(self, template: str) -> None:
        """Zabbix passes over what it does not know: what it exports has every part of the file."""
        text = self.call("configuration.export", format="yaml", options={"templates": [template]})
        parts = [
            {
                (node["uuid"], node.get("name", "")): sorted(node.keys() - DEFAULTS)
                for node in walk(export)
                if "uuid" in node
            }
            for export in (self.template.export, yaml.safe_load(text)["zabbix_export"])
        ]
        assert parts[0] == parts[1], set(map(str, parts[0].items())) ^ set(map(str, parts[1].items()))
        say(f"{len(parts[0])} parts of the template, all exported again")

    def items(self) -> dict[str, dict[str, Any]]:
        fields = ["key_", "state", "status", "error", "lastvalue", "lastclock", "value_type", "type"]
        found = self.call("item.get", hostids=self.host, output=fields)
        return {item["key_"]: item for item in found}

    def problems(self) -> set[str]:
        found = self.call("problem.get", hostids=self.host, output=["name"])
        return {problem["name"] for problem in found}

    def expected(self) -> dict[str, Found]:
        return {item.key: item for item in self.template.discover(rows_of(self.site.exposition()))}

    def discover(self) -> None:
        """Wait until Zabbix has found what the tests' own reading of the template finds, and nothing else."""
        began = time.monotonic()
        own = {item["key"] for item in self.template.items}

        def difference() -> set[str]:
            return (self.items().keys() - own) ^ self.expected().keys()

        def is_told() -> bool:
            return len(select("tic_meter_info", rows_of(self.site.exposition()))) == len(self.site.meters) + 1

        wait_until(
            lambda: slowly(lambda: is_told() and not difference()), 300, lambda: f"unlike: {sorted(difference())[:20]}"
        )
        meters = len(self.template.rules[0].discover(rows_of(self.site.exposition())))
        triggers = self.call("trigger.get", hostids=self.host, countOutput=True)
        graphs = self.call("graph.get", hostids=self.host, countOutput=True)
        say(
            f"discovered in {time.monotonic() - began:.0f} s: {len(self.items()) - len(own)} items, as expected, of"
            f" {meters} meters, {triggers} triggers and {graphs} graphs in all"
        )

    def measure(self) -> None:
        """Wait for a value of each item; days are known after a midnight only."""
        began = time.monotonic()
        days = {key for key in self.expected() if ".today[" in key or ".yesterday[" in key}

        def lacking() -> list[str]:
            return sorted(key for key, item in self.items().items() if item["lastclock"] == "0" and key not in days)

        wait_until(lambda: slowly(lambda: lacking() == ["tic.metrics"]), 400, lambda: f"no value: {lacking()[:40]}")
        items = self.items()
        unsupported = {key: item["error"] for key, item in items.items() if item["state"] == "1"}
        rules = self.call("discoveryrule.get", hostids=self.host, output=["key_", "state", "error"])
        failing = {rule["key_"]: rule["error"] for rule in rules if rule["state"] == "1" or rule["error"]}
        assert (unsupported, failing) == ({}, {})
        say(
            f"values of {len(items) - len(days) - 1} items after {time.monotonic() - began:.0f} s more; unsupported: 0"
            f" of {len(items)} items, 0 of {len(rules)} discovery rules; {len(days)} wait for midnight"
        )

    def compare(self) -> None:
        """What Zabbix stored is what the exporter says: registers, names and states, which move slowly or not."""
        alike = Counter[str]()
        items, expected, rows = self.items(), self.expected(), rows_of(self.site.exposition())
        for key, found in expected.items():
            steps = {step["type"] for step in found.prototype.get("preprocessing", [])}
            if len(found.pattern) != 3 or steps & {"CHANGE_PER_SECOND", "SIMPLE_CHANGE"}:
                continue
            try:
                value = value_of(found.pattern, rows)
            except PatternError:
                continue
            stored = items[key]["lastvalue"]
            if found.prototype.get("value_type") == "CHAR":
                assert stored == value, (key, stored, value)
                alike["text"] += 1
            elif key.startswith("tic.energy."):
                assert abs(float(stored) - float(value) / 3.6e6) < 1, (key, stored, value)
                alike["register"] += 1
            elif found.prototype.get("value_type", "UNSIGNED") == "UNSIGNED":
                assert float(stored) == float(value), (key, stored, value)
                alike["state"] += 1
        shares = {
            key: float(item["lastvalue"]) for key, item in items.items() if key.startswith("tic.subscribed.used[")
        }
        assert all(0 <= share < 200 for share in shares.values()), shares
        say(
            f"alike in Zabbix and at the exporter: {alike['register']} registers, {alike['text']} texts,"
            f" {alike['state']} states; share of the subscribed power of {len(shares)} meters:"
            f" {min(shares.values()):.1f} to {max(shares.values()):.1f} %"
        )

    def days(self) -> None:
        """Values of midnights that were, given to the database, make the energies of today and of yesterday."""
        today, yesterday = (
            "tic.energy.import.today[linky-historic,TH]",
            "tic.energy.import.yesterday[linky-historic,TH]",
        )
        register = "tic.energy.import[linky-historic,TH]"
        items = {item["key_"]: item for item in self.call("item.get", hostids=self.host, output=["key_", "lastvalue"])}
        number = items[register]["itemid"]
        midnight = int(self.zabbix.database.query("SELECT extract(epoch FROM date_trunc('day', now()))::bigint"))
        last = float(items[register]["lastvalue"])
        for ago, kwh in ((0, 3.0), (1, 10.0)):
            self.zabbix.database.query(
                "INSERT INTO history (itemid, clock, value, ns)"  # noqa: S608 - numbers of our own
                f" VALUES ({number}, {midnight - ago * 86400 - 60}, {last - kwh}, 0)"
            )
        self.zabbix.restart_server()
        execute_now = 6
        for key in (today, yesterday):
            self.zabbix.api.call("task.create", {"type": execute_now, "request": {"itemid": items[key]["itemid"]}})
        wait_until(
            lambda: slowly(lambda: all(self.items()[key]["lastclock"] != "0" for key in (today, yesterday))),
            400,
            lambda: "no energy of a day",
        )
        values = {key: float(self.items()[key]["lastvalue"]) for key in (today, yesterday)}
        assert 3 <= values[today] < 5, values
        assert abs(values[yesterday] - 7) < 0.01, values
        say(f"energy of today {values[today]:.3f} kWh, of yesterday {values[yesterday]:.3f} kWh")

    def expect(self, problem: str, happens: Callable[[], object], *, ends: Callable[[], object] | None) -> None:
        """Wait for a problem and for its end."""
        assert problem not in self.problems(), problem
        began = time.monotonic()
        happens()
        wait_until(
            lambda: slowly(lambda: problem in self.problems()), PATIENCE, lambda: f"{problem}: {self.problems()}"
        )
        fired = time.monotonic() - began
        if ends is None:
            say(f"fired after {fired:.0f} s: {problem}")
            return
        began = time.monotonic()
        ends()
        wait_until(lambda: slowly(lambda: problem not in self.problems()), PATIENCE, lambda: f"{problem} stays")
        say(f"fired after {fired:.0f} s, resolved after {time.monotonic() - began:.0f} s: {problem}")

    def events(self) -> None:
        red = f"Meter {ODD}: tomorrow is a red Tempo day"
        told = self.problems()
        assert red in told, told
        say(f"told from the start: {red}; of the simulated meters: {sorted(told - {red})}")
        self.expect(f"Meter {CUT}: no valid frame: cannot be opened (closed)", self.site.cut, ends=self.site.mend)
        meter = self.site.meters["linky-standard"].events

        def set_(name: str, value: object) -> Callable[[], None]:
            return lambda: setattr(meter, name, value)

        cover = "Meter linky-standard: its terminal cover is open"
        self.expect(cover, set_("cover_open", True), ends=set_("cover_open", False))
        disconnector = "Meter linky-standard: disconnector open: overvoltage (open_overvoltage)"
        self.expect(disconnector, set_("disconnector", "open_overvoltage"), ends=set_("disconnector", "closed"))
        overload = "Meter linky-standard: tells that its subscribed power is exceeded"
        self.expect(overload, set_("overload", True), ends=set_("silent", True))
        set_("overload", False)()
        set_("silent", False)()
        self.expect("TIC exporter gives no data", self.site.hang, ends=self.site.go_on)


def slowly(condition: Callable[[], bool]) -> bool:
    """Ask, and leave the two processors to Zabbix for a while if not yet."""
    if condition():
        return True
    time.sleep(1)
    return False


def main() -> int:
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tic-zabbix-")))
        site = stack.enter_context(Site(folder))
        zabbix = stack.enter_context(Zabbix(folder))
        say(f"Zabbix {zabbix.version} with PostgreSQL started in {zabbix.seconds_to_start:.0f} s")
        trial = Trial(zabbix, site, Template())
        for step in (trial.install, trial.discover, trial.measure, trial.compare, trial.days, trial.events):
            step()
    say(f"all passed in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
