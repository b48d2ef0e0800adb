from __future__ import annotations

import gzip
import json
import re
from html.parser import HTMLParser
from importlib import resources
from typing import TYPE_CHECKING

import pytest
from loopback import get
from metering import Events, Town

from helpers.browser import PHONE, WIDE, Browser
from tic_exporter.web.page import preferred_language

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tic_exporter.web.server import BoundedServer

STATIC = resources.files("tic_exporter.web") / "static"
FILES = {file.name: file.read_bytes() for file in STATIC.iterdir() if file.is_file()}
WORDS = json.loads(FILES["words.json"])
HOSTILE = "<b>&\"'</b><img src=x onerror=alert(1)>"


# The files


def test_the_page_and_all_its_files_are_small() -> None:
    assert 60_000 > sum(map(len, FILES.values()))


def test_nothing_in_the_page_points_elsewhere() -> None:
    for name, content in FILES.items():
        links = set(re.findall(rb"https?://[^\s\"')]+", content)) - {b"http://www.w3.org/2000/svg"}
        assert set() == links, name


def test_both_languages_have_the_same_words_with_the_same_places() -> None:
    places = {
        language: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in words.items()}
        for language, words in WORDS.items()
    }
    assert places["en"] == places["fr"]


def test_every_word_that_the_page_asks_for_exists() -> None:
    script = FILES["page.js"].decode()
    asked = set(re.findall(r'say\("(\w+)"', script)) | set(re.findall(r"\$t_(\w+)", FILES["page.html"].decode()))
    assert set() == asked - WORDS["en"].keys()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA, en;q=0.8", "fr"),
        ("en;q=0.7, fr;q=0.9", "fr"),
        ("de, fr;q=0.1", "fr"),
        ("de", "en"),
        ("fr;q=0, en", "en"),
        ("fr;q=x", "en"),
        ("FR-fr", "fr"),
    ],
)
def test_the_language_is_the_one_that_the_browser_prefers(header: str, language: str) -> None:
    assert language == preferred_language(header)


@pytest.mark.parametrize("name", ["page.css", "page.js", "words.json", "icon.svg"])
def test_files_are_sent_again_only_when_they_have_changed(name: str) -> None:
    with Town().serving() as server:
        first = get(server, f"/static/{name}")
        tag = first.headers["ETag"]
        again = get(server, f"/static/{name}", headers={"If-None-Match": f'"x", W/{tag}'})
        other = get(server, f"/static/{name}", headers={"If-None-Match": '"x"'})
        packed = get(server, f"/static/{name}", headers={"Accept-Encoding": "gzip"})
    assert FILES[name] == first.body == other.body == gzip.decompress(packed.body)
    assert (304, b"", tag) == (again.status, again.body, again.headers["ETag"])
    assert "nosniff" == first.headers["X-Content-Type-Options"]


# Without JavaScript


class Parsed(HTMLParser):
    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_without_javascript_the_page_is_a_table_of_meters_and_states_in_the_language_asked_for() -> None:
    town = Town()
    town.add("shop")
    town.add("cellar", frames=0)
    with town.serving() as server:
        english = Parsed(get(server, "/").body).text
        french = Parsed(get(server, "/", headers={"Accept-Language": "fr"}).body).text
    for words in ("shop", "Receiving", "cellar", "Silent", "The port /dev/tty1 is open, but nothing comes", "1.2.3<"):
        assert words in english
    for words in ("Réception", "Muet", "Compteurs"):
        assert words in french


def test_every_link_of_the_page_leads_somewhere_below_its_own_address() -> None:
    town = Town()
    with town.serving() as server:
        links = Parsed(get(server, "/").body).links
        for link in links:
            assert link.startswith(("./", "#"))
            if link.startswith("./") and link != "./metrics":
                assert 200 == get(server, link[1:]).status, link


def test_names_of_meters_add_nothing_to_the_markup() -> None:
    town = Town()
    town.add(HOSTILE)
    with town.serving() as server:
        answer = get(server, "/")
    assert {"b", "img"}.isdisjoint(Parsed(answer.body).tags)
    assert HOSTILE in Parsed(answer.body).text


def test_the_policy_of_the_page_forbids_what_is_not_its_own() -> None:
    with Town().serving() as server:
        headers = get(server, "/").headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    assert "nosniff" == headers["X-Content-Type-Options"]
    assert "no-referrer" == headers["Referrer-Policy"]


# In a browser


@pytest.fixture(name="browser", scope="module")
def running_browser() -> Iterator[Browser]:
    with Browser("en-GB") as browser:
        yield browser


@pytest.fixture(autouse=True)
def fresh_window(request: pytest.FixtureRequest) -> None:
    if "browser" in request.fixturenames:
        browser: Browser = request.getfixturevalue("browser")
        browser.open("about:blank")
        browser.resize(*WIDE)
        browser.console()


def address(server: BoundedServer) -> str:
    return f"http://127.0.0.1:{server.address[1]}/"


def plain(text: str) -> float:
    """The number in a text of the page."""
    return float(re.sub(r"[^\d.-]", "", text.replace("\u2212", "-")))


@pytest.mark.real
def test_the_page_shows_what_the_api_says_and_asks_nobody_else(browser: Browser) -> None:
    town = Town()
    town.add("house", contract="TEMPO", seed=3).color_tomorrow = "red"
    town.read("house", town.add("house", contract="TEMPO", seed=3), 2)
    town.add("farm", "linky-standard-three-phase-producer", seed=4)
    town.observe()
    with town.serving() as server:
        browser.open(address(server))
        browser.wait_for(lambda: len(browser.texts("article")) == 2)
        for place, name in enumerate(town.meters, 1):
            told, card = town.describe(name), f"article:nth-of-type({place})"
            figures = {power: told["power"][power] for power in ("import", "export")}
            shown = [plain(text) for text in browser.texts(f"{card} .figure strong")]
            assert sorted(value for value in figures.values() if value is not None) == sorted(shown)
            energy = told["energy"]
            total = [energy["total_import_kwh"]] if len(energy["import"]) > 1 else []
            expected = (
                [found["kwh"] for found in energy["import"]] + total + [found["kwh"] for found in energy["export"]]
            )
            shown = [plain(text.removesuffix("kWh")) for text in browser.texts(f"{card} .energy td")]
            assert pytest.approx(expected, abs=0.06) == shown
            volts = [f"{phase['voltage']:.0f} V" for phase in told["phases"]]
            assert volts == [text for text in browser.texts(f"{card} .phases td") if text.endswith("V")]
            assert told["meter_id"] in browser.text(f"{card} header")
            share = browser.run(f"return document.querySelector('{card} .gauge').getAttribute('aria-valuenow')")
            assert round(100 * told["power"]["ratio"]) == int(share)
        assert {address(server)} == {url[: len(address(server))] for url in browser.requests() if url[:4] == "http"}
    assert [] == browser.console()


@pytest.mark.real
def test_a_pulled_cable_shows_in_words_with_the_next_refresh_and_is_spoken_once(browser: Browser) -> None:
    town = Town()
    simulated = town.add("house")
    with town.serving() as server:
        browser.open(address(server))
        browser.wait_for(lambda: browser.text(".figure"))
        assert "Receiving" == browser.text(".state")
        assert "" == browser.text("#spoken")

        town.meters["house"].closed()
        browser.wait_for(lambda: "Not connected" in browser.text(".state"), 5)
        assert "The port /dev/tty0 is not open. Is the cable or the adapter plugged in?" in browser.text("article")
        assert browser.text("#spoken").startswith("house: Not connected.")

        town.now += 61
        browser.wait_for(lambda: not browser.text(".figure"), 5)

        town.meters["house"].opened(port="/dev/tty0", baud_rate="9600")
        town.read("house", simulated)
        browser.wait_for(lambda: browser.text(".figure"), 5)
        assert browser.text("#spoken").startswith("house: Receiving.")


@pytest.mark.real
def test_an_exporter_that_does_not_answer_is_said_and_asked_again(browser: Browser) -> None:
    town = Town()
    town.add("house")
    with town.serving() as server:
        browser.open(address(server))
        browser.wait_for(lambda: browser.text(".figure"))
        power = browser.text(".figure")
    browser.wait_for(lambda: "does not answer" in browser.text(".live"), 8)
    assert "values are of" in browser.text(".live")
    assert power == browser.text(".figure")
    assert "does not answer" in browser.text("#spoken")


@pytest.mark.real
def test_the_language_is_switched_and_kept(browser: Browser) -> None:
    town = Town()
    town.add("house")
    with town.serving() as server:
        browser.open(address(server))
        browser.wait_for(lambda: browser.text(".figure"))
        assert "Power" in browser.text(".power h3")
        browser.click("button[lang=fr]")
        assert "Puissance" in browser.text(".power h3")
        assert "fr" == browser.run("return document.documentElement.lang")
        browser.open(address(server))
        browser.wait_for(lambda: "Puissance" in browser.text(".power h3"))
        browser.click("button[lang=en]")
        assert "Power" in browser.text(".power h3")


@pytest.mark.real
def test_a_french_browser_is_answered_in_french() -> None:
    town = Town()
    town.add("maison")
    with town.serving() as server, Browser("fr-FR", PHONE) as browser:
        browser.open(address(server))
        browser.wait_for(lambda: "Puissance" in browser.text(".power h3"))
        assert "1 compteur, réception normale" == browser.text(".summary")


# Of the colours of a document: those of text, and what is behind them, as WCAG 2.1 compares them.
CONTRASTS = """
const light = color => {
  const linear = part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
  const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(part => linear(part / 255));
  return .2126 * r + .7152 * g + .0722 * b;
};
const ground = node => {
  for (; node; node = node.parentElement) {
    const color = getComputedStyle(node).backgroundColor;
    if (!color.startsWith("rgba(0, 0, 0, 0")) return color;
  }
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
while (walker.nextNode()) {
  const parent = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !parent.checkVisibility() || parent.closest(".hidden, .skip")) continue;
  const [a, b] = [light(getComputedStyle(parent).color), light(ground(parent))].sort((x, y) => y - x);
  if ((a + .05) / (b + .05) < 4.5) found.push([walker.currentNode.data, (a + .05) / (b + .05)]);
}
return found;
"""


@pytest.mark.real
def test_every_text_stands_out_by_light_and_in_the_dark(browser: Browser) -> None:
    town = Town()
    town.add("house", contract="TEMPO", events=Events(overload=True), seed=3, frames=40)
    town.add("shop", "pme-pmi")
    town.add("mute", frames=0)
    with town.serving() as server:
        browser.open(address(server))
        browser.wait_for(lambda: browser.text(".figure"))
        grounds = []
        for scheme in ("light", "dark"):
            browser.prefer(scheme)
            assert [] == browser.run(CONTRASTS), scheme
            grounds.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
        browser.prefer("light")
    assert 2 == len(set(grounds))


@pytest.mark.real
def test_a_phone_scrolls_in_one_direction_only(browser: Browser) -> None:
    town = Town()
    town.add("a-name-of-sixty-four-characters-without-any-place-to-break-it-ok", seed=4)
    town.add("farm", "linky-standard-three-phase-producer", seed=4)
    for width in (320, PHONE[0]):
        browser.resize(width, PHONE[1])
        with town.serving() as server:
            browser.open(address(server))
            browser.wait_for(lambda: browser.text(".figure"))
            assert width == browser.run("return document.documentElement.scrollWidth")
    for number in range(10):
        town.add(f"meter-number-{number}")
    with town.serving() as server:
        browser.open(address(server))
        browser.wait_for(lambda: browser.text(".list .figure, .list .inline"))
        assert PHONE[0] == browser.run("return document.documentElement.scrollWidth")


@pytest.mark.real
def test_the_name_of_a_meter_stays_a_text_in_cards_and_in_the_list(browser: Browser) -> None:
    town = Town()
    town.add(HOSTILE)
    with town.serving() as server:
        browser.open(address(server))
        browser.wait_for(lambda: browser.text(".figure"))
        assert HOSTILE == browser.text("h2")
    for number in range(10):
        town.add(f"meter {number}")
    with town.serving() as server:
        browser.open(address(server))
        browser.wait_for(lambda: browser.text(".list"))
        assert HOSTILE in browser.texts(".list a")
        browser.click(".list a")
        browser.wait_for(lambda: browser.text("h2") == HOSTILE)
        assert HOSTILE == browser.text("h2")
        assert 0 == browser.run("return document.querySelectorAll('img, h2 *, .list a *').length")
    assert [] == browser.console()


@pytest.mark.real
def test_three_hundred_meters_are_a_list_with_search_and_problems_first(browser: Browser) -> None:
    town = Town()
    for number in range(300):
        town.add(f"building {number:03}", frames=0 if number == 250 else 3, seed=number % 3)
    town.meters["building 123"].closed()
    with town.serving() as server:
        browser.open(address(server))
        browser.wait_for(lambda: len(browser.texts(".list tbody tr")) == 300)
        assert ["building 123", "building 250", "building 000"] == browser.texts(".list tbody a")[:3]
        assert "300 meters, 2 not receiving" == browser.text(".summary")
        assert [] == browser.texts("article")

        browser.type("#search", "building 29")
        browser.wait_for(lambda: len(browser.texts(".list tbody tr")) == 10)
        assert "10 of 300 meters" == browser.text("output")
        browser.type("#search", "9")
        browser.wait_for(lambda: browser.texts(".list tbody a") == ["building 299"])

        browser.click(".list tbody a")
        browser.wait_for(lambda: browser.text("article h2") == "building 299")
        assert "main" == browser.run("return document.activeElement.id")
        browser.click(".back a")
        browser.wait_for(lambda: browser.texts(".list tbody a") == ["building 299"])
    assert [] == browser.console()


@pytest.mark.real
def test_the_page_has_landmarks_one_title_and_names_for_its_controls(browser: Browser) -> None:
    town = Town()
    for number in range(10):
        town.add(f"meter {number}")
    with town.serving() as server:
        browser.open(address(server))
        browser.wait_for(lambda: browser.text(".list"))
        tree = browser.devtools("Accessibility.getFullAXTree")["nodes"]
    named = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]}
    roles = [role for role, _ in named]
    assert {"banner", "main", "contentinfo", "navigation", "search", "status"} <= set(roles)
    assert 1 == browser.run("return document.querySelectorAll('h1').length")
    assert {("searchbox", "Search"), ("button", "Français"), ("button", "English"), ("meter", "Power")} <= named
    assert [] == [role for role, name in named if role in {"link", "button", "meter", "img"} and not name]


@pytest.mark.real
def test_an_unknown_meter_is_said_to_be_unknown(browser: Browser) -> None:
    town = Town()
    town.add("house")
    with town.serving() as server:
        browser.open(f"{address(server)}#meter=nobody")
        browser.wait_for(lambda: "There is no meter of this name." in browser.text("main"))
        browser.click(".back a")
        browser.wait_for(lambda: browser.text("h2") == "house")


@pytest.mark.real
def test_the_hour_before_the_page_was_opened_is_drawn_with_its_gaps(browser: Browser) -> None:
    town = Town()
    simulated = town.add("house")
    for minute in range(30):
        if not 10 <= minute < 15:
            town.read("house", simulated)
        town.observe()
        town.now += 60
    town.read("house", simulated)
    with town.serving() as server:
        browser.open(address(server))
        browser.wait_for(
            lambda: browser.text(".curve svg") or browser.run("return !!document.querySelector('.stroke')")
        )
        path = browser.run("return document.querySelector('.stroke').getAttribute('d')")
    assert 2 == path.count("M")
    assert 20 < path.count("L")
