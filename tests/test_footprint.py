"""What a serving process loads: the libraries it needs, and of those the ones that this configuration uses."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import requires

# What each of these is for is not needed to serve one meter over plain HTTP.
NOT_LOADED = {
    "bcrypt": "users in --web.config.file",
    "serial": "opening a local port",
    "yaml": "a configuration file",
    "difflib": "a configuration with a mistake",
    "importlib.resources": "nothing",
    "zipfile": "nothing",
    "asyncio": "nothing",
    "concurrent.futures": "nothing",
    "multiprocessing": "nothing",
    "sqlite3": "nothing",
    "unittest": "nothing",
    "tic_exporter.simulator": "the commands simulate and demo",
    "tic_exporter.commands": "the commands",
    "tic_exporter.diagnosis": "the command detect",
    "tic_exporter.anonymise": "the command record",
}


def loaded() -> set[str]:
    script = "import sys, tic_exporter.cli, tic_exporter.service; print(*sys.modules)"
    # Where coverage is measured, it would load its own modules into the process.
    bare = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True, env=bare)
    return set(done.stdout.split())


def test_a_serving_process_loads_nothing_heavy_that_it_does_not_use() -> None:
    modules = loaded()
    assert {"prometheus_client", "tic_exporter.reader", "tic_exporter.web.server"} <= modules
    assert {name: use for name, use in NOT_LOADED.items() if name in modules} == {}


def test_there_are_three_runtime_dependencies() -> None:
    needed = [line for line in requires("tic-exporter") or () if "extra ==" not in line]
    assert 3 == len(needed), needed
