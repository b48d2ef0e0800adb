"""The interface of api_compteur_tic (2019), asked over HTTP as Zabbix asked it then."""

from __future__ import annotations

import base64
import json
import random
import shlex
import signal
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

import bcrypt
import pytest
from loopback import get, serving

from helpers import wait_until
from helpers.feeding import PARIS, Fed
from helpers.guides import DOCS, HAS_DOCS, WITHOUT_DOCS, block_with, commands
from helpers.lines import LINKY_HISTORIC, LINKY_STANDARD, PME_PMI, Peer, frame
from tic_exporter.known import Kept
from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.tic import quantities as q
from tic_exporter.tic.families.pmepmi import PMEPMI
from tic_exporter.tic.families.standard import LINKY_STANDARD as LINKY_ROWS
from tic_exporter.web.app import build_app
from tic_exporter.web.compatibility import Compatibility, Followed
from tic_exporter.web.interpretation import Interpretation
from tic_exporter.web.interpreters import linky_unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from helpers.exporter import StartExporter
    from tic_exporter.web.server import BoundedServer

SECONDS = 30.0

# The published answer of 2019; what it leaves out by `…` is written as its neighbours are.
ANSWER_OF_2019: dict[str, dict[str, list[str | None]]] = {
    "HCE": {
        "EAP_s": ["59971", "kWh"],
        "ER+P-1_s": ["23105", "kvarh"],
        "ER+P_s": ["23222", "kvarh"],
        "ER-P-1_s": ["282", "kvarh"],
        "ER-P_s": ["282", "kvarh"],
        "PMAX_s": ["10", "kVA"],
    },
    "HCH": {
        "EAP_s": ["36580", "kWh"],
        "ER+P-1_s": ["11023", "kvarh"],
        "ER+P_s": ["11302", "kvarh"],
        "ER-P-1_s": ["301", "kvarh"],
        "ER-P_s": ["301", "kvarh"],
        "PMAX_s": ["15", "kVA"],
    },
    "HPE": {
        "EAP_s": ["147907", "kWh"],
        "ER+P-1_s": ["48705", "kvarh"],
        "ER+P_s": ["49120", "kvarh"],
        "ER-P-1_s": ["0", "kvarh"],
        "ER-P_s": ["0", "kvarh"],
        "PMAX_s": ["21", "kVA"],
    },
    "HPH": {
        "EAP_s": ["92033", "kWh"],
        "ER+P-1_s": ["28011", "kvarh"],
        "ER+P_s": ["28500", "kvarh"],
        "ER-P-1_s": ["77", "kvarh"],
        "ER-P_s": ["78", "kvarh"],
        "PMAX_s": ["19", "kVA"],
    },
    "INDEP_TARIF": {
        "CONSO_TOTALE_i": ["0", None],
        "CONSO_TOTALE_s": ["336491", None],
        "CONTRAT": ["BT 4 SUP36", None],
        "CPT_INTERRUPTIONS": ["0", None],
        "CPT_PREAVIS": ["0", None],
        "CPT_TRAMES_INVALIDES": ["0", None],
        "DATE": ["15/01/19 11:56:59", None],
        "DebP": ["14/01/19 02:15:00", None],
        "DebP-1": ["14/12/18 06:25:00", None],
        "EAPP_s": ["568", "VAh"],
        "EAPP_s_delta": ["38", "VAh"],
        "EA_s": ["560", "Wh"],
        "EA_s_delta": ["37", "Wh"],
        "ER+_s": ["24", "varh"],
        "ER+_s_delta": ["2", "varh"],
        "ER-_s": ["6", "varh"],
        "ER-_s_delta": ["0", "varh"],
        "FinP-1": ["14/01/19 02:15:00", None],
        "ID_COMPTEUR": ["031436188395", None],
        "PA1MN": ["16", "kW"],
        "PS": ["48", "kVA"],
        "PTCOUR1": ["HPH", None],
        "TGPHI_s": ["0.02", ""],
    },
}

# That meter sends no TARIFDYN, or it would stand in the answer.
METER_OF_2019 = tuple(
    line for line in PME_PMI if line.split()[0] not in {"TARIFDYN", "ETATDYN1", "ETATDYN2", "EAP-1_s"}
)


def of_2019(period: str, date: str, *changes: str) -> bytes:
    """A frame of the meter of 2019 in a tariff period, with what its answer says of it."""
    registers = [f"{label} {value}{unit}" for label, (value, unit) in ANSWER_OF_2019[period].items()]
    told = ANSWER_OF_2019["INDEP_TARIF"]
    dates = [f"{label} {told[label][0]}" for label in ("DebP", "DebP-1", "FinP-1")]
    return frame(
        METER_OF_2019,
        *{
            text.split(" ")[0]: text
            for text in (
                *("ADS 031436188395", f"DATE {date}", f"PTCOUR1 {period}", *dates, *registers),
                *(
                    "EA_s 523Wh",
                    "ER+_s 22varh",
                    "ER-_s 6varh",
                    "EAPP_s 530VAh",
                    "PS 48kVA",
                    "PA1MN 16kW",
                    "TGPHI_s 0,02",
                ),
                *changes,
            )
        }.values(),
    )


class Town:
    """Meters that are fed frame by frame, and what the interface says of them."""

    def __init__(self, *names: str, **options: Any) -> None:  # noqa: ANN401 - passed on
        self.meters = {name: Fed(Meter(MeterOptions(name, zone=PARIS, **options)), seconds=8.0) for name in names}
        self.interpretations = {name: Interpretation() for name in names}

    def say(self, name: str, *frames: bytes, after: float | None = None) -> Town:
        fed = self.meters[name]
        for each in frames:
            fed.wait(8.0 if after is None else after)
            self.interpretations[name](fed.meter, fed.meter.feed(each, fed.now, fed.unix), fed.now)
        return self

    def followed(self) -> dict[str, Followed]:
        return {name: Followed(fed.meter.snapshot, self.interpretations[name]) for name, fed in self.meters.items()}

    def serving(self) -> AbstractContextManager[BoundedServer]:
        api = Compatibility(self.followed, now=lambda: next(iter(self.meters.values())).now)
        return serving(build_app(registry=lambda _: None, meters=list[str], ready=lambda: True, routes=api.routes()))


def one(*frames: bytes, **options: Any) -> Town:  # noqa: ANN401 - passed on
    return Town("shop", **options).say("shop", *frames)


def told(town: Town, path: str = "/get_interpretation") -> Any:  # noqa: ANN401 - JSON
    with town.serving() as server:
        answer = get(server, path)
        assert (200, "application/json") == (answer.status, answer.headers["Content-Type"])
        return json.loads(answer.body)


def value(town: Town, label: str, period: str = "INDEP_TARIF") -> str:
    with town.serving() as server:
        answer = get(server, f"/get_donnee?tarif={period}&etiquette={label}")
        assert (200, "text/html; charset=utf-8") == (answer.status, answer.headers["Content-Type"])
        return answer.body.decode()


# PME-PMI


def year_of_2019() -> list[bytes]:
    """Three frames in each period, the last two eight seconds apart in HPH."""
    days = {"HCE": "14/01/19 02:20", "HPE": "14/01/19 09:00", "HCH": "15/01/19 01:00", "HPH": "15/01/19 11:56"}
    frames = [of_2019(period, f"{day}:{second:02}") for period, day in days.items() for second in (35, 43, 51)]
    now = ("EA_s 560Wh", "ER+_s 24varh", "ER-_s 6varh", "EAPP_s 568VAh")
    return [*frames, of_2019("HPH", "15/01/19 11:56:59", *now)]


def test_the_answer_of_2019_comes_back_byte_by_byte_from_frames_that_carry_its_values() -> None:
    with one(*year_of_2019()).serving() as server:
        answer = get(server, "/get_interpretation")

    expected = json.dumps(ANSWER_OF_2019, sort_keys=True, separators=(",", ":")) + "\n"
    assert (200, "application/json") == (answer.status, answer.headers["Content-Type"])
    assert expected.encode() == answer.body


def test_a_value_is_given_out_plain_and_empty_when_it_is_unknown() -> None:
    town = one(*year_of_2019())

    assert "336491" == value(town, "CONSO_TOTALE_s")
    assert "92033" == value(town, "EAP_s", "HPH")
    assert "0.02" == value(town, "TGPHI_s")
    assert "" == value(town, "EAP_s")
    assert "" == value(town, "EAP_s", "HP")
    assert "" == value(town, "NEVER", "HPH")


@pytest.mark.parametrize("label", ["ER+P_s", "ER%2BP_s"])
def test_a_plus_sign_may_stand_as_it_is(label: str) -> None:
    assert "28500" == value(one(*year_of_2019()), label, "HPH")


@pytest.mark.parametrize("query", ["", "?tarif=HPH", "?etiquette=EAP_s"])
def test_a_question_that_lacks_something_is_told_what_it_lacks(query: str) -> None:
    with one().serving() as server:
        answer = get(server, f"/get_donnee{query}")

    assert (200, "Paramètres attendus : tarif= et etiquette=") == (answer.status, answer.body.decode())


def test_what_a_meter_sends_is_never_obeyed_by_a_browser() -> None:
    hostile = "<svg/onload=alert(1)>           "
    town = one(*[frame(LINKY_STANDARD, f"MSG1\t{hostile}")] * 4, hidden=frozenset())

    with town.serving() as server:
        answer = get(server, "/get_donnee?tarif=INDEP_TARIF&etiquette=MSG1")
    assert hostile == answer.body.decode()
    assert "default-src 'none'; sandbox" == answer.headers["Content-Security-Policy"]
    assert "nosniff" == answer.headers["X-Content-Type-Options"]


def shop(*changes: str) -> bytes:
    return frame(PME_PMI, *changes)


def test_labels_of_the_dynamic_tariff_and_of_a_producer_stand_where_they_stood() -> None:
    injected = ("EA_i 12Wh", "ER+_i 3varh", "ER-_i 4varh", "EAPP_i 13VAh")
    registers = ("EAP_i 50kWh", "ER+P_i 6kvarh", "ER-P_i 7kvarh", "EAP-1_i 40kWh", "PMAX_i 9kVA")
    lines = [*PME_PMI[:7], *injected, *PME_PMI[7:]]
    place = lines.index("EAP_s 5000kWh")
    lines = [*lines[:place], *registers, *lines[place:], "TGPHI_i 0,10"]
    answer = told(one(*[frame([line for line in lines if line != "CONFIG CONSO"] + ["CONFIG PROD"])] * 5))

    independent = answer["INDEP_TARIF"]
    assert {"TARIFDYN": ["INACTIF", None], "ETATDYN1": ["000", None], "TGPHI_i": ["0.10", ""]}.items() <= (
        independent.items()
    )
    assert ["12", "Wh"] == independent["EA_i"]
    assert ["50", None] == independent["CONSO_TOTALE_i"]
    assert {
        "EAP_i": ["50", "kWh"],
        "ER-P_i": ["7", "kvarh"],
        "EAP-1_i": ["40", "kWh"],
        "PMAX_i": ["9", "kVA"],
    }.items() <= (answer["HPE"].items())


def test_a_period_of_the_dynamic_tariff_has_its_own_registers() -> None:
    dynamic = shop("TARIFDYN ACTIF", "ETATDYN1 PM1", "EAP_s 70kWh")
    answer = told(one(*[shop()] * 4, *[dynamic] * 4))

    assert ["5000", "kWh"] == answer["HPE"]["EAP_s"]
    assert ["70", "kWh"] == answer["HPE-PM1"]["EAP_s"]
    assert ["5070", None] == answer["INDEP_TARIF"]["CONSO_TOTALE_s"]


def test_every_label_of_2019_has_a_place_in_the_tables() -> None:
    of_2019 = {label for entries in ANSWER_OF_2019.values() for label in entries if not label.endswith("_delta")}
    made = {"CONSO_TOTALE_i", "CONSO_TOTALE_s", "CONTRAT", "ID_COMPTEUR"} | {
        label for label in of_2019 if label.startswith("CPT_")
    }
    assert of_2019 - made <= PMEPMI.known_labels


def test_the_difference_is_that_of_two_frames_and_stays_until_there_is_another() -> None:
    town = one(*[shop("EA_s 100Wh")] * 3, shop("EA_s 137Wh"))
    assert ["37", "Wh"] == told(town)["INDEP_TARIF"]["EA_s_delta"]
    # A new interval, and frames too far apart, have none to tell.
    later = ("DATE 14/07/26 10:30:02",)
    assert ["37", "Wh"] == told(town.say("shop", shop("EA_s 5Wh", *later)))["INDEP_TARIF"]["EA_s_delta"]
    assert ["37", "Wh"] == told(town.say("shop", shop("EA_s 15Wh", *later), after=11))["INDEP_TARIF"]["EA_s_delta"]
    assert "15" == value(town, "EA_s")
    town.say("shop", shop("EA_s 17Wh", *later))
    assert "2" == value(town, "EA_s_delta")


def test_another_tariff_period_makes_no_difference() -> None:
    town = one(*[shop("EA_s 100Wh")] * 4, shop("EA_s 120Wh", "PTCOUR1 HCE"))
    assert ["0", "Wh"] == told(town)["INDEP_TARIF"]["EA_s_delta"]


def test_what_the_meter_holds_back_is_not_told() -> None:
    town = one(*[shop()] * 4)
    town.say("shop", shop("EAP_s 950000kWh", "EA_s 9999999Wh"))

    assert "5000" == value(town, "EAP_s", "HPE")
    assert "5000" == value(town, "CONSO_TOTALE_s")
    assert "100" == value(town, "EA_s")


def test_a_damaged_frame_changes_the_counter_of_damaged_frames_alone() -> None:
    town = one(*[shop()] * 4)
    before = told(town)
    damaged = shop("EAP_s 5001kWh", "PA1MN 9kW").replace(b"PA1MN 9kW", b"PA1MN 8kW")
    town.say("shop", damaged, shop("PA1MN 7kW")[:-40] + b"\x04")
    after = told(town)

    assert "1" == after["INDEP_TARIF"].pop("CPT_TRAMES_INVALIDES")[0]
    assert "1" == after["INDEP_TARIF"].pop("CPT_INTERRUPTIONS")[0]
    for label in ("CPT_TRAMES_INVALIDES", "CPT_INTERRUPTIONS"):
        assert "0" == before["INDEP_TARIF"].pop(label)[0]
    assert before == after


@pytest.mark.parametrize("lines", [PME_PMI, LINKY_STANDARD], ids=["pme-pmi", "linky"])
def test_a_flipped_bit_removes_values_and_alters_none(lines: Sequence[str]) -> None:
    """Also on a line without parity, where a letter may become a digit under the same checksum."""
    clean, source = frame(lines), random.Random(2019)  # noqa: S311 - noise of a line
    town = one(*[clean] * 5)
    (before,) = (each.interpretation.periods(each.snapshot, 0.0) for each in town.followed().values())
    counted = {label for label in before["INDEP_TARIF"] if label.startswith("CPT_")}
    altered = []
    for number in range(400):
        damaged = bytearray(clean)
        damaged[source.randrange(len(clean))] ^= 1 << source.randrange(7)
        town.say("shop", bytes(damaged), *[clean] * (number % 3 == 0))
        (after,) = (each.interpretation.periods(each.snapshot, 0.0) for each in town.followed().values())
        altered += [
            (period, label, entry)
            for period, entries in after.items()
            for label, entry in entries.items()
            if label not in counted and entry != before.get(period, {}).get(label)
        ]
    assert [] == altered
    assert 300 < int(after["INDEP_TARIF"]["CPT_TRAMES_INVALIDES"][0] or 0)


def test_warnings_are_counted_when_they_begin() -> None:
    warning = frame(PME_PMI, add=("PREAVIS DEP",))
    town = one(*[shop()] * 3, *[warning] * 3, shop(), warning)
    assert ["2", None] == told(town)["INDEP_TARIF"]["CPT_PREAVIS"]


def test_another_meter_begins_afresh() -> None:
    town = one(*[shop("EA_s 100Wh")] * 3, shop("EA_s 137Wh"), *[shop("ADS 041436028025", "EA_s 7Wh", "EAP_s 9kWh")] * 5)
    answer = told(town)

    assert ["041436028025", None] == answer["INDEP_TARIF"]["ID_COMPTEUR"]
    assert ["9", None] == answer["INDEP_TARIF"]["CONSO_TOTALE_s"]
    assert ["0", "Wh"] == answer["INDEP_TARIF"]["EA_s_delta"]


def test_a_silent_meter_keeps_its_id_and_its_counters_alone() -> None:
    town = one(*[shop()] * 4)
    town.meters["shop"].wait(61)

    counted = {"CPT_INTERRUPTIONS": ["0", None], "CPT_TRAMES_INVALIDES": ["0", None]}
    assert {"INDEP_TARIF": {"ID_COMPTEUR": ["041436028024", None], **counted}} == told(town)
    assert "" == value(town, "CONSO_TOTALE_s")


def test_registers_of_other_periods_come_back_from_what_an_earlier_process_kept() -> None:
    town = Town("shop")
    winter = (("tariff_period", "HPH"),)
    kept = {
        (q.ACTIVE_ENERGY_IMPORT, winter): Kept(3_000_000.0, 1.7e9),
        (q.REACTIVE_ENERGY, (("quadrant", "4"), *winter)): Kept(0.0, 1.7e9),
    }
    town.meters["shop"].meter.restore("041436028024", kept)
    town.say("shop", *[shop()] * 4)

    assert {"EAP_s": ["3000", "kWh"], "ER-P_s": ["0", "kvarh"]} == told(town)["HPH"]
    assert "8000" == value(town, "CONSO_TOTALE_s")


# Linky


def test_a_linky_has_everything_under_one_name_with_unit_and_timestamp() -> None:
    answer = told(one(*[frame(LINKY_STANDARD)] * 4))

    assert ["INDEP_TARIF"] == list(answer)
    entries = answer["INDEP_TARIF"]
    assert {
        "ID_COMPTEUR": ["041061234567", "No Unit", "None"],
        "CONTRAT": ["      BASE      ", "No Unit", "None"],
        "DATE": ["E260714120000", "No Unit", "None"],
        "EAST": ["001000000", "Wh", "None"],
        "PREF": ["06", "kVA", "None"],
        "SMAXSN": ["02510", "VA", "E260714071500"],
        "UMOY1": ["230", "V", "E260714120000"],
        "STGE": ["003A0001", "No Unit", "None"],
        "NJOURF+1": ["00", "No Unit", "None"],
        "CPT_TRAMES_INVALIDES": ["0", "No Unit", "None"],
    }.items() <= entries.items()
    assert {"PRM", "MSG1", "ADSC"}.isdisjoint(entries)


def test_every_label_of_a_linky_has_the_unit_of_2019() -> None:
    units: dict[str, str | tuple[str, ...]] = {
        "Wh": "EA",
        "VArh": "ERQ",
        "A": "IRMS",
        "V": ("URMS", "UMOY"),
        "VA": ("SINST", "SMAX"),
        "W": "CCA",
    }
    for label in {row.label for row in LINKY_ROWS.fields}:
        expected = next((unit for unit, start in units.items() if label.startswith(start)), "No Unit")
        assert {"PREF": "kVA", "PCOUP": "kVA"}.get(label, expected) == linky_unit(label), label


def test_messages_and_the_metering_point_are_told_where_they_may_be_shown() -> None:
    entries = told(one(*[frame(LINKY_STANDARD)] * 4, hidden=frozenset()))["INDEP_TARIF"]

    assert ["12345678901234", "No Unit", "None"] == entries["PRM"]
    assert ["PAS DE          MESSAGE         ", "No Unit", "None"] == entries["MSG1"]


@pytest.mark.parametrize("lines", [LINKY_HISTORIC])
def test_meters_that_the_predecessor_could_not_read_have_nothing_to_tell(lines: Sequence[str]) -> None:
    town = one(*[frame(lines)] * 4)

    assert {} == told(town)
    assert {"data": []} == told(town, "/zabbix_autoconf")
    assert "" == value(town, "ADCO")


# Several meters


def test_of_several_meters_each_question_names_one() -> None:
    town = Town("shop", "été & co")
    town.say("shop", *[shop()] * 4).say("été & co", *[frame(LINKY_STANDARD)] * 4)
    with town.serving() as server:
        for path in ("/get_interpretation", "/get_donnee?tarif=HPE&etiquette=EAP_s", "/zabbix_autoconf"):
            answer = get(server, path)
            assert (400, "which meter? Add meter=NAME with one of: shop, été & co") == (
                answer.status,
                answer.body.decode().strip().removeprefix("400 "),
            )
        assert 404 == get(server, "/get_interpretation?meter=house").status
        assert 400 == get(server, "/get_interpretation?meter=shop&meter=shop").status
        assert b"5000" == get(server, "/get_donnee?meter=shop&tarif=HPE&etiquette=EAP_s").body
        assert (
            b"001000000"
            == get(server, "/get_donnee?meter=%C3%A9t%C3%A9%20%26%20co&tarif=INDEP_TARIF&etiquette=EAST").body
        )


# Zabbix


def test_what_zabbix_discovers_has_the_form_of_2019() -> None:
    data = told(one(*year_of_2019()), "/zabbix_autoconf")["data"]
    found = {(item["{#PTARIF}"], item["{#ETIQUETTE}"]): item for item in data}

    macros = ["{#DESCRIPTION}", "{#ETIQUETTE}", "{#PERIODE}", "{#PTARIF}", "{#UNITE}"]
    assert all(macros == list(item) for item in data)
    assert all(item["{#DESCRIPTION}"] != item["{#ETIQUETTE}"] for item in data)
    expected = {"{#ETIQUETTE}": "EAP_s", "{#PERIODE}": 60, "{#PTARIF}": "HCE", "{#UNITE}": "kWh"}
    assert expected.items() <= found["HCE", "EAP_s"].items()
    # Of an interval energy the difference is asked for; the id of the meter is no item.
    assert ("INDEP_TARIF", "EA_s_delta") in found
    assert ("INDEP_TARIF", "EA_s") not in found
    assert ("INDEP_TARIF", "ID_COMPTEUR") not in found
    assert "" == found["INDEP_TARIF", "DATE"]["{#UNITE}"]


@pytest.mark.parametrize("lines", [PME_PMI, LINKY_STANDARD], ids=["pme-pmi", "linky"])
def test_the_types_part_what_zabbix_discovers(lines: Sequence[str]) -> None:
    town = one(*[frame(lines)] * 4)
    by_type = {
        kind: told(town, f"/zabbix_autoconf?type={kind}")["data"] for kind in ("int", "float", "char", "text", "log")
    }
    everything = told(town, "/zabbix_autoconf")["data"]

    assert sorted(map(str, everything)) == sorted(str(item) for items in by_type.values() for item in items)
    assert [] == by_type["char"] == by_type["log"] == told(town, "/zabbix_autoconf?type=other")["data"]
    for kind, read in (("int", int), ("float", float)):
        for item in by_type[kind]:
            read(value(town, item["{#ETIQUETTE}"], item["{#PTARIF}"]))


def test_an_old_zabbix_gets_an_answer_for_each_item_that_it_discovers(exporter: StartExporter, tmp_path: Path) -> None:
    """UserParameters of then: curl of zabbix_autoconf?type=$1, and of get_donnee?tarif=$1&etiquette=$2, unencoded."""
    with Peer() as peer:
        (tmp_path / "tic.yml").write_text(
            f"meters: [{{name: shop, port: '{peer.url}'}}]\nweb: {{compatibility: api_compteur_tic}}\n"
        )
        running = exporter([f"--config.file={tmp_path / 'tic.yml'}"])
        peer.accept()
        peer.write(shop() * 3 + shop("PTCOUR1 HPH", "EAP_s 3000kWh") * 3 + shop() * 3)
        wait_until(lambda: b"3000" == running.get("/get_donnee?tarif=HPH&etiquette=EAP_s").body, SECONDS)
        peer.write(shop("EA_s 110Wh"))
        wait_until(lambda: b"10" == running.get("/get_donnee?tarif=INDEP_TARIF&etiquette=EA_s_delta").body, SECONDS)

        items = [
            item
            for kind in ("int", "float", "text")
            for item in json.loads(running.get(f"/zabbix_autoconf?type={kind}").body)["data"]
        ]
        assert 34 == len(items)
        for item in items:
            path = f"/get_donnee?tarif={item['{#PTARIF}']}&etiquette={item['{#ETIQUETTE}']}"
            assert b"" != running.get(path).body, path
        peer.hang_up()


def test_it_is_off_by_default(exporter: StartExporter, tmp_path: Path) -> None:
    (tmp_path / "tic.yml").write_text("meters: [{name: a, port: /nowhere/at/all}]\n")
    running = exporter([f"--config.file={tmp_path / 'tic.yml'}"])

    assert 404 == running.get("/get_interpretation").status
    assert 404 == running.get("/get_donnee?tarif=HPH&etiquette=EAP_s").status
    assert 404 == running.get("/zabbix_autoconf").status


# The guide


def test_the_answers_are_protected_as_all_others_are(exporter: StartExporter, tmp_path: Path) -> None:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{zabbix: {hashed!r}}}\n")
    (tmp_path / "tic.yml").write_text(
        "meters: [{name: a, port: /nowhere/at/all}]\nweb: {compatibility: api_compteur_tic, config_file: web.yml}\n"
    )
    credentials = base64.b64encode(b"zabbix:secret").decode()
    running = exporter([f"--config.file={tmp_path / 'tic.yml'}"], headers={"Authorization": f"Basic {credentials}"})

    for path in ("/get_interpretation", "/get_donnee?tarif=HPH&etiquette=EAP_s", "/zabbix_autoconf"):
        assert 200 == running.get(path).status
        assert 401 == running.get(path, {"Authorization": ""}).status


@pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)
def test_the_configuration_and_the_commands_of_predecessor_md_do_what_it_says(
    exporter: StartExporter, tmp_path: Path
) -> None:
    guide = DOCS / "predecessor.md"
    with Peer() as peer:
        text = block_with(guide, "yaml", "api_compteur_tic").replace("/dev/ttyUSB0", peer.url)
        (tmp_path / "tic.yml").write_text(text)
        running = exporter([f"--config.file={tmp_path / 'tic.yml'}"])
        peer.accept()
        peer.write(shop() * 4)
        wait_until(lambda: b"5000" == running.get("/get_donnee?tarif=HPE&etiquette=EAP_s").body, SECONDS)
        said = [
            subprocess.run(
                shlex.split(command.replace("127.0.0.1:5000", running.address)), capture_output=True, check=True
            ).stdout
            for command in commands(guide)
        ]
    assert ["5000", "kWh"] == json.loads(said[0])["HPE"]["EAP_s"]
    assert b"5000" == said[1]
    assert {"HPE", "INDEP_TARIF"} == {item["{#PTARIF}"] for item in json.loads(said[2])["data"]}


def test_after_a_restart_the_registers_come_from_the_state_file(exporter: StartExporter, tmp_path: Path) -> None:
    text = "meters: [{{name: shop, port: '{}'}}]\nstate_file: state.json\nweb: {{compatibility: api_compteur_tic}}\n"
    winter = shop("PTCOUR1 HPH", "EAP_s 3000kWh", "ER-P_s 0kvarh", "PMAX_s 19kVA")
    answers = []
    for frames in (shop() * 4 + winter * 4, shop() * 4):
        with Peer() as peer:
            (tmp_path / "tic.yml").write_text(text.format(peer.url))
            running = exporter([f"--config.file={tmp_path / 'tic.yml'}"])
            peer.accept()
            peer.write(frames)
            ask = partial(running.get, "/get_donnee?tarif=INDEP_TARIF&etiquette=CONSO_TOTALE_s")
            wait_until(lambda: b"8000" == ask().body, SECONDS)  # noqa: B023
            answers.append(json.loads(running.get("/get_interpretation").body))
            assert 0 == running.stop()
    before, after = answers
    assert before["HPH"] == after["HPH"]
    assert {"EAP_s": ["3000", "kWh"], "ER-P_s": ["0", "kvarh"], "PMAX_s": ["19", "kVA"]}.items() <= after["HPH"].items()


def test_meters_that_a_reload_adds_are_answered_for(exporter: StartExporter, tmp_path: Path) -> None:
    with Peer() as one_peer, Peer() as other_peer:
        web = "web: {compatibility: api_compteur_tic}\n"
        (tmp_path / "tic.yml").write_text(f"meters: [{{name: one, port: '{one_peer.url}'}}]\n{web}")
        running = exporter([f"--config.file={tmp_path / 'tic.yml'}"])
        one_peer.accept()
        one_peer.write(shop() * 4)
        wait_until(lambda: b"5000" == running.get("/get_donnee?tarif=HPE&etiquette=EAP_s").body, SECONDS)
        meters = f"{{name: one, port: '{one_peer.url}'}}, {{name: two, port: '{other_peer.url}'}}"
        (tmp_path / "tic.yml").write_text(
            f"meters: [{meters}]\n"
        )  # also without `web`, which a reload leaves as it was
        running.process.send_signal(signal.SIGHUP)
        other_peer.accept()
        other_peer.write(shop("EAP_s 77kWh") * 4)
        path = "/get_donnee?meter={}&tarif=HPE&etiquette=EAP_s"
        wait_until(lambda: b"77" == running.get(path.format("two")).body, SECONDS)
        assert b"5000" == running.get(path.format("one")).body
        assert 400 == running.get("/get_interpretation").status
