"""Past one process: a thousand meters, `examples/scale-out/` as it stands, for real: `python -m benchmarks.scale_out`.

Two exporters read 500 meters each at full line speed; two Prometheus agents, each with about half of the meters as
targets of their own, write into VictoriaMetrics, which is asked at the end. Only the ports of the example are changed.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from .machine import describe
from .processes import PATIENCE, Exporter, Process, Town, allow_descriptors, configuration, free_port

EXAMPLE = Path(__file__).parent.parent / "examples" / "scale-out"
METERS = 1000
PARTS = 2
SETTLE = 20.0
SECONDS = 60.0


def agent(number: int, ports: dict[str, int], folder: Path) -> Process:
    """Start one of the agents of the example, at other ports."""
    text = (EXAMPLE / f"agent-{number}.yml").read_text(encoding="utf-8")
    for written, port in ports.items():
        assert written in text
        text = text.replace(written, f"127.0.0.1:{port}")
    file = folder / f"agent-{number}.yml"
    file.write_text(text, encoding="utf-8")
    return Process(
        "--enable-feature=agent",
        f"--config.file={file}",
        f"--storage.agent.path={folder / f'agent-{number}'}",
        f"--web.listen-address=127.0.0.1:{free_port()}",
        "--log.level=error",
        program="prometheus",
    )


def victoria_metrics(port: int, folder: Path) -> Process:
    return Process(
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder / 'storage'}",
        "-search.latencyOffset=1s",
        "-loggerLevel=ERROR",
        program="victoria-metrics",
    )


def ask(port: int, promql: str) -> float:
    """Give the one value of an expression; 0 where there is none."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", f"/api/v1/query?{urlencode({'query': promql})}")
        result = json.loads(connection.getresponse().read())["data"]["result"]
    except OSError:
        return 0.0
    else:
        return float(result[0]["value"][1]) if result else 0.0
    finally:
        connection.close()


def version_of(program: str) -> str:
    done = subprocess.run(["dpkg-query", "-W", "-f=${Version}", program], capture_output=True, text=True, check=False)
    return f"{program} {done.stdout or 'of unknown version'}"


def wait_for_all(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while ask(port, "sum(tic_up)") < METERS or ask(port, "count(tic_total_active_energy_import_joules_total)") < METERS:
        assert time.monotonic() < deadline, "meters are missing"
        time.sleep(2.0)


def shares(groups: Sequence[Sequence[Process]]) -> list[float]:
    """Give the processor's share that each group took in `SECONDS`, in % of a core."""
    before, began = [sum(one.cpu for one in group) for group in groups], time.monotonic()
    time.sleep(SECONDS)
    passed = time.monotonic() - began
    return [100 * (sum(one.cpu for one in group) - cpu) / passed for group, cpu in zip(groups, before, strict=True)]


def main() -> None:
    allow_descriptors()
    print(f"{describe()}, {version_of('prometheus')}, {version_of('victoria-metrics')}")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, storage = Path(name), free_port()
        town = stack.enter_context(Town(METERS))
        exporters = []
        for part in range(PARTS):
            own = folder / f"exporter-{part}"
            own.mkdir()
            file = configuration(own, town.port, range(part, METERS, PARTS))
            exporters.append(stack.enter_context(Exporter(free_port(), f"--config.file={file}")))
        for exporter in exporters:
            exporter.wait_for_scrape()
        store = stack.enter_context(victoria_metrics(storage, folder))
        ports = {
            "127.0.0.1:15402": exporters[0].port,
            "127.0.0.1:15403": exporters[1].port,
            "127.0.0.1:8428": storage,
        }
        agents = [stack.enter_context(agent(number, ports, folder)) for number in range(PARTS)]
        wait_for_all(storage)
        time.sleep(SETTLE)
        groups = (exporters, agents, [store])
        took = shares(groups)
        memory = [sum(one.rss for one in group) for group in groups]
        found = {
            "meters up, as VictoriaMetrics knows": ask(storage, "sum(tic_up)"),
            "targets up": ask(storage, 'sum(up{job="tic"})'),
            "meters whose last frame is older than a scrape interval": ask(
                storage, "sum((timestamp(tic_up) - tic_last_frame_timestamp_seconds) > bool 15)"
            ),
            "series": ask(storage, 'count({job="tic"})'),
            "scrapes a second": ask(storage, 'sum(count_over_time(up{job="tic"}[1m])) / 60'),
            "longest scrape in the last minute, ms": 1000
            * ask(storage, 'max(max_over_time(scrape_duration_seconds{job="tic"}[1m]))'),
        }
        lost = [town.hush()[1]]
    print("\n| part | processes | CPU, % of a core | RSS, MiB | CPU per meter, % of a core | RSS per meter, MiB |")
    print("|---|---|---|---|---|---|")
    for part, group, cpu, rss in zip(("exporters", "agents", "VictoriaMetrics"), groups, took, memory, strict=True):
        print(f"| {part} | {len(group)} | {cpu:.1f} | {rss:.0f} | {cpu / METERS:.4f} | {rss / METERS:.3f} |")
    print("\n| what | value |\n|---|---|")
    for what, value in found.items():
        print(f"| {what} | {value:,.0f} |")
    print(f"| bytes that an exporter was too slow for | {lost[0]} |")


if __name__ == "__main__":
    main()
