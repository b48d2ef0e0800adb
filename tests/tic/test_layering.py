"""Who knows whom: the core knows nobody, and only the command line and what serves it put things together."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tic_exporter

PACKAGE = Path(tic_exporter.__file__).parent

# What each of these may import beside the core; others, anything but what puts things together.
MAY_IMPORT: dict[str, set[str]] = {
    "tic": set(),
    "config": set(),
    "detect": set(),
    "legal_time": set(),
    "logs": set(),
    "notify": set(),
    "plausibility": set(),
    "pseudonyms": {"config", "meter"},
    "silence": {"meter"},
    "simulator": set(),
    "framelog": {"meter"},
    "registers": {"plausibility"},
    "known": {"legal_time", "registers"},
    "meter_clock": {"legal_time", "plausibility"},
    "takers": {"known", "meter_clock", "plausibility"},
    "folding": {"known", "legal_time", "meter_clock", "plausibility", "registers", "takers"},
    "meter": {"folding", "known", "legal_time", "plausibility"},
    "state": {"known"},
    "catalogue": {"meter"},
    "rendering": set(),
    "exposition": {"catalogue", "clocks", "meter", "rendering"},
    "sources": {"recording"},
    "waiting": set(),
    "reader": {"clocks", "detect", "meter", "sources", "waiting"},
    "web": {"catalogue", "clocks", "config", "exposition", "known", "meter"},
}
# What puts things together; nothing else imports them.
BUILDERS = {"cli", "commands", "service", "building", "__main__"}

THIRD_PARTY = {
    "serial": {"sources"},
    "yaml": {"config"},
    "prometheus_client": {"exposition", "rendering", "web", "service", "commands"},
    "bcrypt": {"web"},
}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """The absolute names of what a module imports anywhere in it; of `from a import b` both a and a.b."""
    base = ["tic_exporter", *path.relative_to(PACKAGE).parent.parts]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = base[: len(base) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


MODULES = {path: imports_of(path) for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"}
PARTS = {part_of(path) for path in MODULES}


def parts_imported(path: Path) -> set[str]:
    names = {name.split(".")[1] for name in MODULES[path] if name.startswith("tic_exporter.")}
    return (names & PARTS) - {part_of(path)}


def test_the_parts_named_here_exist() -> None:
    assert set(MAY_IMPORT).union(BUILDERS, *MAY_IMPORT.values()) <= PARTS


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_each_part_imports_only_those_below_it(part: str) -> None:
    imported = set().union(*(parts_imported(path) for path in MODULES if part_of(path) == part))

    assert imported <= MAY_IMPORT[part] | {"tic"}


def test_nothing_below_imports_what_puts_things_together() -> None:
    for path in MODULES:
        if part_of(path) not in BUILDERS:
            assert parts_imported(path).isdisjoint(BUILDERS), path.name


def test_imports_make_no_circle() -> None:
    below = {part: set().union(*(parts_imported(path) for path in MODULES if part_of(path) == part)) for part in PARTS}
    order: set[str] = set()
    while free := {part for part in PARTS - order if below[part] <= order}:
        order |= free

    assert PARTS == order


def test_each_library_is_known_where_it_is_needed_alone() -> None:
    used: dict[str, set[str]] = {}
    for path, names in MODULES.items():
        for name in {name.split(".")[0] for name in names} - {"tic_exporter", ""}:
            if name not in sys.stdlib_module_names:
                used.setdefault(name, set()).add(part_of(path))

    assert set(used) <= set(THIRD_PARTY)
    for name, parts in used.items():
        assert parts <= THIRD_PARTY[name], name


def loaded_by(module: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded for it, beside those it starts with."""
    script = f"import sys; before = set(sys.modules); import {module}; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_core_loads_the_standard_library_and_itself_alone() -> None:
    loaded = loaded_by("tic_exporter.tic.decoding")

    assert "tic_exporter.tic.families.pmepmi" in loaded
    assert {name for name in loaded if name.startswith("tic_exporter")} <= {
        "tic_exporter",
        "tic_exporter.tic",
        *(name for name in loaded if name.startswith("tic_exporter.tic.")),
    }
    assert {name.split(".")[0] for name in loaded} - {"tic_exporter"} <= set(sys.stdlib_module_names)


def test_the_core_loads_nothing_that_reaches_outside() -> None:
    outside = {"socket", "threading", "logging", "select", "selectors", "subprocess", "urllib", "asyncio", "termios"}

    assert outside.isdisjoint(loaded_by("tic_exporter.tic.decoding"))
    assert {"serial", "prometheus_client", "yaml"}.isdisjoint(
        {name.split(".")[0] for name in loaded_by("tic_exporter.meter")}
    )
    assert "serial" not in {name.split(".")[0] for name in loaded_by("tic_exporter.exposition")}
