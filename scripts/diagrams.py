# ruff: noqa: INP001 - a program, of no package
"""Draws docs/images/*.svg from the code: what the framer does, what the meter says of its link, who imports whom.

    python scripts/diagrams.py [FOLDER]

Where a thing stands in a picture is written here; that it is there, and what leads to it, is asked from the code.
"""

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from math import hypot
from pathlib import Path

import tic_exporter
from tic_exporter.meter import LINK_STATES, Meter, MeterOptions
from tic_exporter.simulator import SimulatedMeter
from tic_exporter.tic.framing import EOT, ETX, LONGEST_FRAME, STX, Framer
from tic_exporter.tic.parity import with_even_parity

PACKAGE = Path(tic_exporter.__file__).parent
STYLE = (
    "text{font:13px sans-serif;text-anchor:middle;fill:#1b1f24}"
    ".title{font-weight:bold}.small{font-size:11px;fill:#57606a}"
    ".label{font-size:12px;paint-order:stroke;stroke:#fff;stroke-width:5px;stroke-linejoin:round}"
    ".box{fill:#f0f6ff;stroke:#3b6ea8;stroke-width:1.5}"
    ".edge{fill:none;stroke:#57606a;stroke-width:1.4;marker-end:url(#tip)}"
)

Edges = dict[tuple[str, str], list[str]]
"""From, to: what leads there."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box by its centre, with lines of text below its title."""

    x: float
    y: float
    width: float = 130.0
    height: float = 44.0
    lines: tuple[str, ...] = ()

    def draw(self, title: str) -> str:
        left, top = self.x - self.width / 2, self.y - self.height / 2
        first = self.y + 5 - 7 * len(self.lines)
        rows = [f'<text class="title" x="{self.x:g}" y="{first:g}">{escape(title)}</text>']
        rows += [
            f'<text class="small" x="{self.x:g}" y="{first + 15 * number:g}">{escape(line)}</text>'
            for number, line in enumerate(self.lines, 1)
        ]
        return (
            f'<rect class="box" x="{left:g}" y="{top:g}" width="{self.width:g}" height="{self.height:g}" rx="8"/>'
            + "".join(rows)
        )

    def border_towards(self, x: float, y: float) -> tuple[float, float]:
        """Give where a line from the centre to a point leaves the box."""
        dx, dy = x - self.x, y - self.y
        scale = min(self.width / 2 / abs(dx) if dx else 9e9, self.height / 2 / abs(dy) if dy else 9e9)
        return self.x + dx * scale, self.y + dy * scale


def svg(width: int, height: int, about: str, parts: list[str]) -> str:
    """Give a picture on white, so that it can be read on a dark page too."""
    tip = '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
            f"<title>{escape(about)}</title><style>{STYLE}</style>",
            f'<defs>{tip}<path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>',
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            *parts,
            "</svg>\n",
        )
    )


def arrow(start: Box, end: Box, label: list[str], bend: float = 0.0, at: float = 0.5) -> str:
    """Draw a curve from box to box, bent to the left of its way by `bend`, with its label `at` that part of the way."""
    dx, dy = end.x - start.x, end.y - start.y
    length = hypot(dx, dy)
    middle = ((start.x + end.x) / 2 + dy / length * bend * 2, (start.y + end.y) / 2 - dx / length * bend * 2)
    (x1, y1), (x2, y2) = start.border_towards(*middle), end.border_towards(*middle)
    x, y = (
        (1 - at) ** 2 * a + 2 * at * (1 - at) * b + at * at * c
        for a, b, c in zip((x1, y1), middle, (x2, y2), strict=True)
    )
    return f'<path class="edge" d="M{x1:.1f} {y1:.1f}Q{middle[0]:.1f} {middle[1]:.1f} {x2:.1f} {y2:.1f}"/>' + texts(
        x, y, label
    )


def loop(box: Box, label: list[str], side: int) -> str:
    """Draw an arrow from a box to itself, above it (-1) or below (1)."""
    y = box.y + side * box.height / 2
    far = y + side * 55
    left, right = box.x - 22, box.x + 22
    return (
        f'<path class="edge" d="M{left:g} {y:g}C{left - 23:g} {far:g} {right + 23:g} {far:g} {right:g} {y:g}"/>'
        + texts(box.x, far + side * (8 if side > 0 else 8 + 15 * (len(label) - 1)) + 4, label)
    )


def texts(x: float, y: float, lines: list[str]) -> str:
    return "".join(
        f'<text class="label" x="{x:.1f}" y="{y + 4 + 15 * number:.1f}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )


# --- frames -----------------------------------------------------------------------------------------------------------

BETWEEN, INSIDE = "between two frames", "in a frame"
CHARACTERS = {
    "STX": bytes([STX]),
    "ETX": bytes([ETX]),
    "EOT": bytes([EOT]),
    "any other": b"A",
    f"byte {LONGEST_FRAME + 1}": b"A" * (LONGEST_FRAME + 1),
}


def framing() -> Edges:
    """Ask the framer what each character does in each of its states."""
    edges: Edges = {}
    for state, before in ((BETWEEN, b""), (INSIDE, bytes([STX]))):
        for name, data in CHARACTERS.items():
            framer = Framer()
            framer.feed(before)
            cuts = [frame.cut.value for frame in framer.feed(data)]
            after = INSIDE if framer.feed(bytes([ETX])) else BETWEEN
            if state is BETWEEN and after is BETWEEN and len(data) > 1:
                continue  # however many there are, they belong to no frame
            what = f": frame {cuts[0]}" if cuts else ": dropped" if after is BETWEEN else ""
            edges.setdefault((state, after), []).append(name + what)
    return edges


def draw_framing() -> str:
    boxes = {BETWEEN: Box(150, 140, 170), INSIDE: Box(560, 140, 170)}
    edges = framing()
    parts = [
        loop(boxes[start], label, -1 if start == BETWEEN else 1) if start == end
        else arrow(boxes[start], boxes[end], label, 24)
        for (start, end), label in edges.items()
    ]  # fmt: skip
    return svg(720, 280, "What each character does to a frame", parts + [box.draw(name) for name, box in boxes.items()])


# --- link state -------------------------------------------------------------------------------------------------------

STALE = 60.0
FRAME = with_even_parity(SimulatedMeter("linky-historic", start=datetime(2026, 1, 15, 12)).next_frame())  # noqa: DTZ001
NOISE = b"\xff" * 20
EVENTS = {
    "port opens": ("open", 0.0),
    "port closes": ("close", 0.0),
    "bytes": (NOISE, 0.0),
    "valid frame": (FRAME, 0.0),
    "stale_after: no byte": (b"", STALE + 1),
    "stale_after: no valid frame": (NOISE, STALE + 1),
}
WAYS: dict[str, list[str]] = {
    "closed": [],
    "mute": ["port opens"],
    "noise": ["port opens", "bytes"],
    "ok": ["port opens", "valid frame"],
}
"""How each state is reached from a new meter."""

NO_NEWS = {("ok", "bytes"), ("mute", "stale_after: no valid frame")}
"""What has no effect, or has the one of bytes."""


def link_states() -> Edges:
    """Ask the meter what each event does in each state of its link."""
    edges: Edges = {}
    for state, way in WAYS.items():
        if _after(way) != state:
            raise ValueError(f"{way} does not lead to {state}")
        for event in EVENTS:
            if (event == "port opens") != (state == "closed") or (state, event) in NO_NEWS:
                continue
            after = _after([*way, event])
            if after != state:
                edges.setdefault((state, after), []).append(event)
    return edges


def _after(events: list[str]) -> str:
    meter = Meter(MeterOptions(name="meter", stale_after=STALE))
    now = 0.0
    for event in events:
        what, seconds = EVENTS[event]
        now += seconds
        if what == "open":
            meter.opened(port="port", baud_rate="1200")
        elif what == "close":
            meter.closed()
        elif isinstance(what, bytes) and what:
            meter.feed(what, now, now)
            meter.refresh()
    return meter.snapshot.link_state(now)


def draw_link_states() -> str:
    boxes = dict(zip(LINK_STATES, (Box(90, 200), Box(420, 60), Box(420, 340), Box(760, 200)), strict=True))
    # Of what goes up or down, one label is above the arrow in the middle, the other below it.
    bends = {("ok", "closed"): 0.0, ("noise", "closed"): 0.0, ("mute", "noise"): 55.0, ("noise", "mute"): 55.0}
    places = {("ok", "closed"): 0.25, ("mute", "noise"): 0.3, ("noise", "mute"): 0.3}
    parts = [
        arrow(boxes[start], boxes[end], label, bends.get((start, end), 20.0), places.get((start, end), 0.45))
        for (start, end), label in link_states().items()
    ]
    return svg(860, 400, "States of a link", parts + [box.draw(name) for name, box in boxes.items()])


# --- rooms ------------------------------------------------------------------------------------------------------------

ROOMS: dict[str, tuple[set[str], Box]] = {
    "commands": ({"cli", "commands", "service", "building", "__main__"}, Box(520, 45, 560, 50)),
    "web": ({"web"}, Box(90, 150)),
    "reader": ({"reader", "waiting"}, Box(780, 150, 130, 50)),
    "simulator": ({"simulator"}, Box(950, 150, 120)),
    "exposition": ({"exposition", "rendering", "catalogue"}, Box(240, 265, 130, 66)),
    "operation": ({"logs", "framelog", "notify", "pseudonyms", "silence"}, Box(385, 265, 130, 66)),
    "state": ({"state"}, Box(520, 265, 100)),
    "recordings": ({"replay", "anonymise"}, Box(645, 265, 110)),
    "detection": ({"detect", "diagnosis", "symptoms", "listening", "ports"}, Box(795, 265, 174, 66)),
    "config": ({"config"}, Box(90, 390)),
    "meter": (
        {"meter", "folding", "takers", "known", "registers", "plausibility", "meter_clock", "legal_time"},
        Box(460, 390, 250, 66),
    ),
    "sources": ({"sources", "recording", "streams"}, Box(780, 390, 170, 56)),
    "tic": ({"tic"}, Box(535, 510, 950, 46)),
}
"""Parts of the package that one box stands for, and where it stands. An arrow goes to who is imported."""

EVERYBODYS = {"clocks"}
"""Parts that need no arrow: one function."""


def imports() -> dict[str, set[str]]:
    """Give the parts that each part of the package imports, from its source."""
    parts = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE).parts
        own = place[0].removesuffix(".py")
        if own == "__init__":
            continue
        names = found.setdefault(own, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == len(place):
                names |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        names &= parts - {own}
    return found


def room_imports() -> dict[str, set[str]]:
    """Give who imports whom, room by room. Raises ValueError for a part that has no room."""
    room_of = {part: room for room, (parts, _) in ROOMS.items() for part in parts}
    found: dict[str, set[str]] = {room: set() for room in ROOMS}
    for part, imported in imports().items():
        if part in EVERYBODYS:
            continue
        for other in {part, *imported} - EVERYBODYS:
            if other not in room_of:
                raise ValueError(f"{other} has no room in scripts/diagrams.py")
            found[room_of[part]].add(room_of[other])
    return {room: others - {room} for room, others in found.items()}


def without_detours(below: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Leave out arrows that a way over other rooms implies."""

    def reach(room: str) -> set[str]:
        return below[room].union(*(reach(other) for other in below[room]))

    return {room: others - set().union(*(reach(other) for other in others)) for room, others in below.items()}


def draw_rooms() -> str:
    boxes = {}
    for room, (parts, box) in ROOMS.items():
        others = sorted(parts - {room, "__main__"})
        half = len(others) if box.width > 300 or len(others) < 3 else (len(others) + 1) // 2
        lines = [" · ".join(line) for line in (others[:half], others[half:]) if line]
        boxes[room] = Box(box.x, box.y, box.width, box.height, tuple(lines))
    parts = [
        _down(boxes[room], boxes[other])
        for room, others in without_detours(room_imports()).items()
        for other in sorted(others)
    ]
    return svg(1030, 550, "Rooms of the package, and who imports whom", parts + [b.draw(n) for n, b in boxes.items()])


def _down(start: Box, end: Box) -> str:
    """Draw a straight arrow, upright where one box is wide enough for it."""
    x1 = min(max(end.x, start.x - start.width / 2 + 20), start.x + start.width / 2 - 20)
    x2 = min(max(x1, end.x - end.width / 2 + 20), end.x + end.width / 2 - 20)
    y1, y2 = start.y + start.height / 2, end.y - end.height / 2
    return f'<path class="edge" d="M{x1:g} {y1:g}L{x2:g} {y2:g}"/>'


PICTURES = {"framing.svg": draw_framing, "link-state.svg": draw_link_states, "rooms.svg": draw_rooms}


def main(folder: Path) -> None:
    """Write every picture."""
    for name, draw in PICTURES.items():
        (folder / name).write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "docs" / "images")
