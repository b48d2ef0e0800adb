"""docs/several-meters.md: its ser2net.yaml in the real ser2net, simulated meters behind it, the exporter in front."""

from __future__ import annotations

import shlex
import subprocess
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from helpers import Exporter, free_port, run_exporter, wait_until
from helpers.guides import DOCS, HAS_DOCS, WITHOUT_DOCS, block_with, commands
from helpers.simulated_lines import at_pty

GUIDE = DOCS / "several-meters.md"
ADAPTOR = "/dev/serial/by-id/usb-FTDI_FT230X_Basic_UART_DK0{}-if00-port0"

pytestmark = pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)


def start_ser2net(configuration: Path, stack: ExitStack, *ports: str) -> None:
    server = subprocess.Popen(
        ["ser2net", "-n", "-d", "-u", "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    stack.callback(server.wait)
    stack.callback(server.kill)
    wait_until(lambda: all(map(is_listened_to, ports)), 10, lambda: "ser2net does not listen")


def is_listened_to(port: str) -> bool:
    """Look without a connection, which would keep the line from the next one for a moment."""
    ending, listening = f":{int(port):04X}", "0A"  # see proc_net_tcp.txt of the kernel
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(fields[1].endswith(ending) and fields[3] == listening for fields in map(str.split, lines))


def reads(exporter: Exporter, meter: str) -> bool:
    return f'\ntic_up{{meter="{meter}"}} 1.0' in exporter.get("/metrics").body.decode()


def test_its_ser2net_serves_its_tic_exporter(tmp_path: Path) -> None:
    ports = {"7001": str(free_port()), "7002": str(free_port())}
    with ExitStack() as stack:
        house = at_pty("linky-historic", stack)
        workshop = at_pty("linky-standard", stack, speed=1.0)
        bakery = at_pty("pme-pmi", stack, baud_rate=9600, speed=1.0)
        instead = {
            "192.0.2.10": "127.0.0.1",
            ADAPTOR.format("AAAAA"): house,
            ADAPTOR.format("BBBBB"): workshop,
            "/dev/ttyS0": bakery,
        } | ports
        files = {"ser2net.yaml": "# /etc/ser2net.yaml", "tic_exporter.yml": "# tic_exporter.yml"}
        for name, title in files.items():
            text = block_with(GUIDE, "yaml", title)
            for said, here in instead.items():
                text = text.replace(said, here)
            (tmp_path / name).write_text(text)
        start_ser2net(tmp_path / "ser2net.yaml", stack, *ports.values())

        (command,) = [command for command in commands(GUIDE) if command.startswith("tic-exporter ")]
        for said, here in instead.items():
            command = command.replace(said, here)
        found = run_exporter(*shlex.split(command)[1:], timeout=60).stdout.decode()
        assert 2 == found.count(": a meter that is understood"), found

        exporter = stack.enter_context(Exporter([f"--config.file={tmp_path / 'tic_exporter.yml'}"]))
        for meter in ("house", "workshop", "bakery"):
            wait_until(partial(reads, exporter, meter), 90, exporter.log)

        shown = exporter.get("/metrics").body.decode().splitlines()
        links = [line for line in shown if line.startswith("tic_link_info")]
        assert 3 == len(links)
        for what in (
            # The parity bit comes through ser2net, and the exporter has set the speed behind RFC 2217: 1200 was said.
            ('meter="workshop"', 'parity="even"', 'baud_rate=""', 'mode="standard"'),
            ('meter="bakery"', 'parity="even"', 'baud_rate="9600"', 'family="pme-pmi"'),
        ):
            assert [line for line in links if all(part in line for part in what)], links


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_second_listener_is_turned_away_unless_the_guide_allows_some(tmp_path: Path, *, is_allowed: bool) -> None:
    port = str(free_port())
    with ExitStack() as stack:
        line = at_pty("linky-standard", stack)
        text = block_with(GUIDE, "yaml", "# /etc/ser2net.yaml").split("connection: &bakery")[0]
        text, options = text.split("  options:")
        assert "max-connections: 3" in options
        text = text.replace("192.0.2.10", "127.0.0.1").replace("7001", port).replace(ADAPTOR.format("BBBBB"), line)
        (tmp_path / "ser2net.yaml").write_text(text + ("  options:" + options if is_allowed else ""))
        start_ser2net(tmp_path / "ser2net.yaml", stack, port)
        url = f"--meter.port=socket://127.0.0.1:{port}"
        first, second = (stack.enter_context(Exporter([url])) for _ in range(2))

        wait_until(lambda: reads(first, "meter") or reads(second, "meter"), 60, first.log)
        if is_allowed:
            wait_until(lambda: reads(first, "meter") and reads(second, "meter"), 60, second.log)
        else:
            wait_until(lambda: "the peer closed the connection" in first.log() + second.log(), 60, second.log)
            assert not (reads(first, "meter") and reads(second, "meter"))
