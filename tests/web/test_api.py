from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import yaml
from loopback import get
from metering import START, UNIX, Events, Town

from helpers import wait_until
from tic_exporter.meter import LINK_COUNTERS, Snapshot
from tic_exporter.simulator import KINDS, SimulatedMeter
from tic_exporter.tic import quantities as q
from tic_exporter.tic.families import FAMILIES
from tic_exporter.web.api import PARTS
from tic_exporter.web.summary import Facts, masked, net_power, power

if TYPE_CHECKING:
    from helpers.exporter import StartExporter
    from tic_exporter.tic.schema import Key
    from tic_exporter.web.server import BoundedServer

jsonschema = pytest.importorskip("jsonschema")

DESCRIPTION = yaml.safe_load((Path(__file__).parents[2] / "docs" / "openapi.yml").read_text(encoding="utf-8"))
SCHEMAS = DESCRIPTION["components"]["schemas"]


def problems(document: object, schema: str) -> list[str]:
    """What docs/openapi.yml says against a document."""
    validator = jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": DESCRIPTION["components"]}
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def asked(server: BoundedServer, path: str, status: int = 200) -> Any:  # noqa: ANN401 - JSON
    answer = get(server, path)
    assert (status, "application/json") == (answer.status, answer.headers["Content-Type"])
    return json.loads(answer.body)


# The description


def test_answers_are_as_the_description_says_for_every_kind_of_meter_fresh_or_silent() -> None:
    town = Town()
    for seed, kind in enumerate(KINDS):
        town.add(kind, kind, seed=seed, frames=30)
    town.add("tempo", contract="TEMPO", seed=3)
    town.add("unheard", frames=0)
    town.observe()
    with town.serving() as server:
        fresh = asked(server, "/api/v1/meters")
        town.now += 3600
        town.observe()
        silent = asked(server, "/api/v1/meters")
        one = asked(server, "/api/v1/meters/tempo")
    for document in (fresh, silent):
        assert [] == problems(document, "Meters")
    assert [] == problems(one, "Meter")
    assert [*KINDS, "tempo", "unheard"] == [meter["name"] for meter in fresh["meters"]]
    assert {family.name for family in FAMILIES} | {None} == {meter["family"] for meter in fresh["meters"]}
    assert all(meter["readings"] == [] and meter["power"] is None for meter in silent["meters"])
    assert {"mute"} == {meter["link"]["state"] for meter in silent["meters"]}


def test_refusals_are_as_the_description_says() -> None:
    town = Town()
    with town.serving() as server:
        for path, status in (
            ("/api/v1/meters/nobody", 404),
            ("/api/v1/meters/", 404),
            ("/api/v1/meters?meter=nobody", 404),
            ("/api/v1/meters?omit=everything", 400),
            ("/api/v1/meters/nobody?omit=readings,x", 400),
        ):
            assert [] == problems(asked(server, path, status), "Error")


def test_the_description_lists_the_words_that_the_tables_have() -> None:
    assert {*(family.name for family in FAMILIES), None} == set(SCHEMAS["Meter"]["properties"]["family"]["enum"])
    assert {*q.COLORS, None} == set(SCHEMAS["Color"]["enum"])
    assert {*q.DISCONNECTOR_STATES, None} == set(SCHEMAS["Status"]["properties"]["disconnector"]["enum"])
    assert {unit.suffix for unit in q.Unit} == set(SCHEMAS["Reading"]["properties"]["unit"]["enum"])
    assert list(PARTS) == DESCRIPTION["components"]["parameters"]["omit"]["schema"]["items"]["enum"]
    described = SCHEMAS["Line"]["properties"]
    for counter in LINK_COUNTERS:
        if counter.name in described and counter.reasons:
            found = described[counter.name]
            assert set(counter.reasons) == set(found.get("properties") or found["propertyNames"]["enum"])


# What it tells


def test_a_linky_in_standard_mode_tells_power_tariff_energy_and_phases() -> None:
    town = Town()
    simulated = town.add("house", contract="TEMPO", seed=3, frames=6)
    simulated.color_tomorrow = "red"
    town.read("house", simulated)
    told, values = town.describe("house"), {group.label: group.value for group in simulated.groups}

    power = float(values["SINSTS"])
    assert power == told["power"]["import"]
    assert {"value": 9000.0, "unit": "VA"} == told["power"]["subscribed"]
    assert pytest.approx(power / 9000, abs=1e-4) == told["power"]["ratio"]
    assert (values["NTARF"], values["LTARF"].strip()) == (told["tariff"]["period"], told["tariff"]["name"])
    assert "red" == told["colors"]["tomorrow"]
    assert told["colors"]["today"] in {"blue", "white", "red"}
    in_force = [register for register in told["energy"]["import"] if register["in_force"]]
    register = int(values[f"EASF{values['NTARF']}"]) / 1000
    assert [pytest.approx(register, abs=0.01)] == [found["kwh"] for found in in_force]  # one frame behind: confirmation
    assert pytest.approx(int(values["EAST"]) / 1000, abs=0.01) == told["energy"]["total_import_kwh"]
    (phase,) = told["phases"]
    assert (float(values["IRMS1"]), float(values["URMS1"])) == (phase["current"], phase["voltage"])
    assert {"name": "TEMPO", "calendar": None} == told["contract"]
    assert told["link"]["up"]
    assert 0.0 == told["link"]["last_frame_age"]
    assert 1.0 == told["line"]["valid_ratio"]


def test_subscribed_amperes_of_the_historic_mode_are_told_as_apparent_power() -> None:
    town = Town()
    town.add("one", "linky-historic")
    town.add("three", "linky-historic-three-phase")
    assert {"value": 9000.0, "unit": "VA"} == town.describe("one")["power"]["subscribed"]
    assert {"value": 18000.0, "unit": "VA"} == town.describe("three")["power"]["subscribed"]


def test_a_meter_without_power_is_judged_by_its_current() -> None:
    town = Town()
    simulated = town.add("old", "cbemm")
    amperes = float(next(group.value for group in simulated.groups if group.label == "IINST"))
    expected = {"import": amperes, "export": None, "unit": "A", "basis": "current"}
    told = town.describe("old")["power"]
    assert expected | {"subscribed": {"value": 45.0, "unit": "A"}} == {k: v for k, v in told.items() if k != "ratio"}


def test_kilowatts_are_compared_with_subscribed_kilovoltamperes_where_the_meter_has_no_other() -> None:
    town = Town()
    town.add("shop", "pme-pmi")
    told = town.describe("shop")["power"]
    assert ("W", "mean_1m", {"value": 42000.0, "unit": "VA"}) == (told["unit"], told["basis"], told["subscribed"])


def test_a_subscription_by_period_is_told_only_for_the_period_in_force() -> None:
    town = Town()
    town.add("factory", "ice-2q", frames=30)
    told = town.describe("factory")
    limits = {
        reading["dimensions"]["tariff_period"]: reading["value"]
        for reading in told["readings"]
        if reading["metric"] == "tic_subscribed_active_power_watts"
    }
    assert len(set(limits.values())) > 1
    assert limits[told["tariff"]["period"]] == told["power"]["subscribed"]["value"]


def test_a_producer_tells_what_it_exports() -> None:
    town = Town()
    town.add("farm", "linky-standard-three-phase-producer", seed=4)
    told = town.describe("farm")
    assert told["power"]["export"] is not None
    assert told["energy"]["export"][0]["kwh"] > 0
    assert ["1", "2", "3"] == [phase["phase"] for phase in told["phases"]]


def test_a_power_without_a_subscription_has_no_ratio() -> None:
    found: dict[Key, float] = {(q.APPARENT_POWER_IMPORT, ()): 100.0}
    snapshot = Snapshot("m", 60.0, readings=found, last_frame_at=0.0)
    expected = {
        "import": 100.0,
        "export": None,
        "unit": "VA",
        "basis": "instantaneous",
        "subscribed": None,
        "ratio": None,
    }
    assert expected == power(Facts(snapshot, 0.0))
    assert power(Facts(snapshot._replace(readings={}), 0.0)) is None


def test_an_export_alone_has_no_ratio() -> None:
    found: dict[Key, float] = {
        (q.APPARENT_POWER_EXPORT, ()): 100.0,
        (q.SUBSCRIBED_APPARENT_POWER, (("tariff_period", ""),)): 9000.0,
    }
    facts = Facts(Snapshot("m", 60.0, readings=found, last_frame_at=0.0), 0.0)
    told = power(facts)
    assert told is not None
    assert (None, 100.0, None) == (told["import"], told["export"], told["ratio"])
    assert -100.0 == net_power(facts)


def test_an_overload_shows_in_the_status() -> None:
    town = Town()
    town.add("house", events=Events(overload=True), frames=40)
    assert town.describe("house")["status"]["overload"]


def test_readings_are_the_series_of_the_metrics() -> None:
    town = Town()
    town.add("house")
    snapshot = town.meters["house"].snapshot
    told = {
        (reading["metric"], tuple(reading["dimensions"].items())): reading["value"]
        for reading in town.describe("house")["readings"]
    }
    assert {(quantity.metric, found): value for (quantity, found), value in snapshot.readings.items()} == told


def test_test_mode_shows_no_values() -> None:
    town = Town()
    simulated = town.add("shop", "pme-pmi")
    simulated.events.test_mode = True
    town.read("shop", simulated)
    told = town.describe("shop")
    assert (True, None, []) == (told["test_mode"], told["power"], told["readings"])


# What it keeps to itself


def test_ids_are_masked_and_the_metering_point_is_absent_unless_they_may_be_shown() -> None:
    settings = {"hidden": frozenset[q.Quantity]()}
    shown, hidden = Town(show_ids=True), Town()
    for town in (shown, hidden):
        simulated = town.add("house", meter_id="041061234567", settings=settings)
    point = next(group.value for group in simulated.groups if group.label == "PRM")

    assert "041061234567" == shown.describe("house")["meter_id"]
    assert point in json.dumps(shown.describe("house"))
    assert "0410…67" == hidden.describe("house")["meter_id"]
    text = json.dumps(hidden.describe("house"))
    assert "1234567" not in text
    assert point not in text


@pytest.mark.parametrize(("identifier", "shown"), [("041061234567", "0410…67"), ("123456789", "…"), ("x", "…")])
def test_little_is_left_of_a_masked_id(identifier: str, shown: str) -> None:
    assert shown == masked(identifier)


def test_a_name_that_stands_in_for_an_id_is_no_secret() -> None:
    town = Town()
    town.add("the old factory", "ice-2q", frames=30)
    assert "the old factory" == town.describe("the old factory")["meter_id"]


@pytest.mark.real
@pytest.mark.parametrize("shown", ["false", "true"])
def test_the_configuration_decides_whether_ids_are_shown(shown: str, exporter: StartExporter, tmp_path: Path) -> None:
    frames = SimulatedMeter("linky-standard", start=START, meter_id="041061234567")
    (tmp_path / "house.tic").write_bytes(b"".join(frames.next_frame() for _ in range(20)))
    configuration = tmp_path / "tic_exporter.yml"
    configuration.write_text(
        f"meters: [{{name: house, port: {tmp_path}/house.tic, loop: true}}]\nweb: {{show_ids: {shown}}}\n"
    )
    running = exporter([f"--config.file={configuration}"])

    def told() -> Any:  # noqa: ANN401 - JSON
        return json.loads(running.get("/api/v1/meters/house").body)

    wait_until(lambda: told()["meter_id"], 30)
    assert {"true": "041061234567", "false": "0410…67"}[shown] == told()["meter_id"]
    wait_until(lambda: told()["history"], 5)
    assert [] == problems(told(), "Meter")
    assert b"house" in running.get("/").body


# How it is asked


@pytest.mark.parametrize("name", ["a/b", '<b>&"', "École à côté", "%41", "a?b#c", "..", "1 2"])  # fmt: skip
def test_any_name_can_be_asked_for(name: str) -> None:
    town = Town()
    town.add("other")
    town.add(name)
    with town.serving() as server:
        path = quote(name, safe="")
        assert name == asked(server, f"/api/v1/meters/{path}")["name"]
        assert [name] == [meter["name"] for meter in asked(server, f"/api/v1/meters?meter={path}")["meters"]]


def test_large_parts_can_be_left_out() -> None:
    town = Town()
    town.add("house")
    with town.serving() as server:
        (whole,) = asked(server, "/api/v1/meters")["meters"]
        (small,) = asked(server, "/api/v1/meters?omit=readings,history")["meters"]
        assert set(PARTS) == whole.keys() - small.keys()
        assert {"readings"} == whole.keys() - asked(server, "/api/v1/meters/house?omit=readings").keys()


def test_answers_are_not_kept_by_caches_and_are_compressed_for_who_accepts_it() -> None:
    town = Town()
    town.add("house")
    with town.serving() as server:
        plain, packed = (
            get(server, "/api/v1/meters"),
            get(server, "/api/v1/meters", headers={"Accept-Encoding": "gzip"}),
        )
    assert "no-store" == plain.headers["Cache-Control"]
    assert "nosniff" == plain.headers["X-Content-Type-Options"]
    assert plain.body == gzip.decompress(packed.body)


# The last hour


def test_history_has_a_point_a_minute_and_sixty_at_most() -> None:
    town = Town()
    simulated = town.add("house")
    for second in range(70 * 60):
        if second % 30 == 0:
            town.read("house", simulated, 1)
        town.observe()
        town.now += 1
    told = town.describe("house")["history"]
    assert 60 == len(told)
    assert {60.0} == {round(after["at"] - before["at"], 3) for before, after in pairwise(told)}
    assert all(isinstance(point["power"], float) for point in told)


def test_history_has_gaps_where_the_meter_was_silent() -> None:
    town = Town()
    town.add("house")
    for _ in range(3):
        town.observe()
        town.now += 60
    assert [False, False, True] == [point["power"] is None for point in town.describe("house")["history"]]


def test_the_curve_of_a_producer_goes_below_zero() -> None:
    town = Town()
    town.add("farm", "linky-standard-producer", seed=4, scale=0.01)
    town.observe()
    told = town.describe("farm")
    (point,) = told["history"]
    assert told["power"]["import"] - told["power"]["export"] == point["power"]


def test_a_meter_that_is_no_longer_configured_is_forgotten() -> None:
    town = Town()
    town.add("house")
    town.observe()
    del town.meters["house"]
    town.observe()
    assert () == town.history.of("house").points


def test_the_last_interruption_is_told_while_it_lasts_and_after() -> None:
    town = Town()
    simulated = town.add("house")
    town.observe()
    assert town.describe("house")["last_interruption"] is None

    town.now += 61
    town.observe()
    began = UNIX + 1000.0
    assert {"state": "mute", "began_at": began, "ended_at": None} == town.describe("house")["last_interruption"]

    town.meters["house"].closed()
    town.observe()
    assert {"state": "mute", "began_at": began, "ended_at": None} == town.describe("house")["last_interruption"]

    town.now += 10
    town.meters["house"].opened(port="/dev/tty0", baud_rate="9600")
    town.read("house", simulated)
    town.observe()
    expected = {"state": "mute", "began_at": began, "ended_at": UNIX + 1071.0}
    assert expected == town.describe("house")["last_interruption"]


def test_the_time_before_the_first_frame_is_no_interruption() -> None:
    town = Town()
    simulated = town.add("house", frames=0)
    town.observe()
    town.read("house", simulated)
    town.observe()
    assert town.describe("house")["last_interruption"] is None
