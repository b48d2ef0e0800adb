"""What a serving process loads: the libraries it needs, and of those the ones that this configuration uses."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import requires

import pytest

from helpers import without_coverage

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
    "tic_exporter.recording": "a recording as a port",
    "tic_exporter.state": "a state file",
    "tic_exporter.framelog": "frames in the log",
    "tic_exporter.web.guard": "--web.config.file",
    "tic_exporter.web.compatibility": "the predecessor's interface",
    "tic_exporter.web.interpretation": "the predecessor's interface",
    "tic_exporter.web.page": "the status page, once somebody looks at it",
    "tic_exporter.web.api": "the status page, once somebody looks at it",
    "argparse": "flags with a mistake, and --help",
    "encodings.idna": "names of hosts that are not ASCII",
    "hmac": "a key for pseudonyms",
    "pathlib": "files",
    "tic_exporter.config.loading": "a configuration file, or a port that is no device",
    "tic_exporter.config.tables": "the same",
    "tic_exporter.config.checks": "the same",
}


# One meter, as its flags say, is served over plain HTTP and scraped once; its line leads nowhere.
SERVE = """
import socket, sys
from tic_exporter import cli
from tic_exporter.service import Service

flags = cli._plain(["--meter.port", sys.argv[1], "--web.listen-address=127.0.0.1:0", "--log.level", "warn"])
service = Service(lambda: cli._with_flags(cli._single_meter(flags.port), flags))
service.start()
with socket.socket() as client:
    client.connect(service.addresses[0])
    client.sendall(b"GET /metrics HTTP/1.0\\r\\nAccept-Encoding: gzip\\r\\n\\r\\n")
    answer = b"".join(iter(lambda: client.recv(65536), b""))
assert answer.startswith(b"HTTP/1.1 200"), answer
service.stop()
print(*sys.modules)
"""


# What a port needs of the above.
NEEDED = {
    "/dev/nowhere": {"serial"},
    "socket://127.0.0.1:1": {"tic_exporter.config.loading", "tic_exporter.config.tables", "tic_exporter.config.checks"},
}


def loaded(port: str) -> set[str]:
    # Where coverage is measured, it would load its own modules into the process.
    command = [sys.executable, "-I", "-c", SERVE, port]
    done = subprocess.run(command, env=without_coverage(), capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("port", NEEDED)
def test_a_serving_process_loads_nothing_heavy_that_it_does_not_use(port: str) -> None:
    modules = loaded(port)
    assert {"prometheus_client", "tic_exporter.reader", "tic_exporter.web.server"} <= modules
    assert NEEDED[port] == modules & NOT_LOADED.keys()


def test_there_are_three_runtime_dependencies() -> None:
    needed = [line for line in requires("tic-exporter") or () if "extra ==" not in line]
    assert 3 == len(needed), needed
