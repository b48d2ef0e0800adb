"""docs/privacy.md says what is shown where: each cell of its table is tried at the real surface."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from helpers import wait_until
from helpers.browser import Browser
from helpers.exporter import COMMAND, Exporter, run_exporter
from helpers.guides import DOCS, HAS_DOCS, WITHOUT_DOCS, block_with, commands, rows
from helpers.lines import LINKY_STANDARD, PME_PMI, Peer, frame
from tic_exporter.config.loading import parse
from tic_exporter.config.tables import TABLES
from tic_exporter.pseudonyms import Pseudonyms
from tic_exporter.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS), pytest.mark.real]

GUIDE = DOCS / "privacy.md"
SECONDS = 30.0

METER_ID = "041976123987"
PRM = "98765432109876"
KEY = "k" * 64
NAMES = Pseudonyms(KEY.encode())
FRAME = frame(
    LINKY_STANDARD,
    f"ADSC\t{METER_ID}",
    f"PRM\t{PRM}",
    f"MSG1\t{'COUPURE PREVUE':<32}",
    add=(f"MSG2\t{'VOIR SITE':<16}",),
)


class Traces(NamedTuple):
    """By which texts it is seen that something was shown."""

    full: tuple[str, ...]
    masked: tuple[str, ...] = ()
    pseudonym: tuple[str, ...] = ()


WHAT = {
    "id": Traces((METER_ID,), ("0419…87",), (NAMES.of_id(METER_ID),)),
    "PRM": Traces((PRM,), ("9876…76",), (NAMES.of_metering_point(PRM),)),
    "messages": Traces(("COUPURE PREVUE", "VOIR SITE")),
}

SURFACES = (
    *("`/metrics`", "page", "JSON", "predecessor's API", "log", "debug log"),
    *("state file", "recording", "anonymised", "`detect`"),
)


def table() -> list[list[str]]:
    return rows(GUIDE, "What is shown where") if HAS_DOCS else []


def settings_of(cell: str) -> frozenset[str]:
    return frozenset(re.findall(r"`(\w+)`", cell))


TABLE = [row for row in table() if row[0] in WHAT]
SETTINGS = sorted({settings_of(row[1]) for row in TABLE}, key=sorted)


def how_shown(what: str, text: str) -> str:
    """Tell it by the first of its traces that is there."""
    traces = WHAT[what]._asdict()
    return next((how for how, texts in traces.items() if any(trace in text for trace in texts)), "no")


def place_of(setting: str) -> str:
    (place,) = [place for place, keys in TABLES.items() if setting in dict(keys)]
    return place


def configuration(settings: frozenset[str], port: str) -> str:
    given: dict[str, list[str]] = {"": [], "meters[]": [], "web": ["compatibility: api_compteur_tic"]}
    for setting in settings:
        given[place_of(setting)].append(f"{setting}: true")
    meter = ", ".join(["name: house", f"port: '{port}'", *given["meters[]"]])
    top = "\n".join(["state_file: state.json", "pseudonymise_key_file: key", *given[""]])
    return f"meters: [{{{meter}}}]\n{top}\nweb: {{{', '.join(given['web'])}}}\n"


@pytest.fixture(name="browser", scope="module")
def one_browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


def shown_while_serving(settings: frozenset[str], folder: Path, browser: Browser) -> dict[str, str]:
    """All that an exporter with these settings shows of the meter, by surface."""
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o600)
    with Peer() as peer:
        (folder / "tic.yml").write_text(configuration(settings, peer.url))
        with Exporter([f"--config.file={folder / 'tic.yml'}", "--log.level=debug"]) as running:
            peer.accept()
            peer.write(FRAME * 6)
            wait_until(lambda: b'tic_frames_total{meter="house"} 6.0' in running.get("/metrics").body, SECONDS)
            paths = ("/get_interpretation", "/zabbix_autoconf", "/get_donnee?tarif=INDEP_TARIF&etiquette=PRM")
            shown = {
                "`/metrics`": running.get("/metrics").body.decode(),
                "JSON": running.get("/api/v1/meters").body.decode(),
                "predecessor's API": "\n".join(running.get(path).body.decode() for path in paths),
            }
            browser.open(f"http://{running.address}/")
            browser.wait_for(lambda: "VA" in browser.text())
            shown["page"] = running.get("/").body.decode() + str(browser.run("return document.body.outerHTML"))
            assert 0 == running.stop()
            lines = running.log().splitlines()
    shown["log"] = "\n".join(line for line in lines if "level=DEBUG" not in line)
    shown["debug log"] = "\n".join(line for line in lines if "level=DEBUG" in line)
    shown["state file"] = (folder / "state.json").read_text()
    assert "meter confirmed" in shown["log"]
    assert "EAST=001000000" in shown["debug log"]
    return shown


def shown_by_record(folder: Path, *options: str) -> str:
    (folder / "line.tic").write_bytes(FRAME * 6)
    done = run_exporter("record", "line.tic", "line.jsonl", "--force", *options, cwd=folder)
    assert 0 == done.returncode, done.stderr
    data = b"".join(chunk.data for chunk in Recording(folder / "line.jsonl"))
    return data.decode("ascii") + (folder / "line.jsonl").read_text() + done.stderr.decode()


def shown_by_detect(folder: Path, *options: str) -> str:
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o600)
    text = ""
    for form in ((), ("--json",)):
        with Peer() as peer:
            command = [*COMMAND, "detect", *form, *options, peer.url]
            with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as detect:
                peer.accept()
                while detect.poll() is None:
                    try:
                        peer.write(FRAME)
                    except OSError:
                        break
                    time.sleep(0.1)
                assert detect.stdout is not None
                said = detect.stdout.read().decode()
        assert (0, True) == (detect.returncode, "linky" in said), said
        text += said
    return text


def test_the_table_has_all_of_what_and_all_surfaces() -> None:
    head = re.search(r"^\| what \| with \| (.*) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)

    assert head is not None
    assert list(SURFACES) == head[1].split(" | ")
    assert set(WHAT) == {row[0] for row in TABLE}
    assert all(len(SURFACES) + 2 == len(row) for row in TABLE)
    assert all({"full", "masked", "pseudonym", "no"} >= set(row[2:]) for row in TABLE)
    used = frozenset().union(*SETTINGS)
    assert used == {"show_ids", "pseudonymise_ids", "expose_metering_point", "expose_messages"}


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "+".join(sorted(settings)) or "defaults")
def test_every_cell_of_the_table_is_true(settings: frozenset[str], tmp_path: Path, browser: Browser) -> None:
    shown = shown_while_serving(settings, tmp_path, browser)
    shown["recording"] = shown_by_record(tmp_path)
    shown["anonymised"] = shown_by_record(tmp_path, "--anonymise")
    shown["`detect`"] = shown_by_detect(tmp_path, *(["--pseudonym-key=key"] if "pseudonymise_ids" in settings else []))

    mistaken = [
        (what, surface, said, how_shown(what, shown[surface]))
        for what, cell, *cells in TABLE
        if settings_of(cell) == settings
        for surface, said in zip(SURFACES, cells, strict=True)
        if said != how_shown(what, shown[surface])
    ]
    assert [] == mistaken


def test_another_key_gives_other_names_and_loses_no_register(tmp_path: Path) -> None:
    """A PME-PMI shows one tariff period at a time: the others come from the state file."""
    winter, summer = frame(PME_PMI, "PTCOUR1 HPH", "EAP_s 3000kWh"), frame(PME_PMI)
    series = 'tic_active_energy_import_joules_total{meter="house",meter_id="%s",tariff_period="HPH"} 1.08e+10'
    for key, frames in ((KEY, winter * 4), ("other key " * 4, summer * 4)):
        (tmp_path / "key").write_text(key)
        (tmp_path / "key").chmod(0o600)
        expected = series % Pseudonyms(key.strip().encode()).of_id("041436028024")
        with Peer() as peer:
            (tmp_path / "tic.yml").write_text(configuration(frozenset({"pseudonymise_ids"}), peer.url))
            with Exporter([f"--config.file={tmp_path / 'tic.yml'}"]) as running:
                peer.accept()
                peer.write(frames)
                wait_until(lambda: expected in running.get("/metrics").body.decode(), SECONDS, running.log)  # noqa: B023
                running.stop()
                assert "041436028024" not in running.log()


def test_what_the_guide_says_to_type_makes_what_it_says_to_write(tmp_path: Path) -> None:
    (command,) = commands(GUIDE)
    done = subprocess.run(
        [sys.executable, "-m", "tic_exporter", *command.split()[1:]], cwd=tmp_path, capture_output=True, check=False
    )
    text = "meters: [{name: a, port: /dev/a}]\n" + block_with(GUIDE, "yaml", "pseudonymise_ids")
    (tmp_path / "tic.yml").write_text(text)

    assert 0 == done.returncode, done.stderr
    assert Pseudonyms.configured(parse(text, str(tmp_path / "tic.yml"))).are_given
    assert 0 == run_exporter("check-config", str(tmp_path / "tic.yml")).returncode
