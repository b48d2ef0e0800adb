"""Exporters and towns as processes of their own, and what the system says of them."""

import contextlib
import http.client
import json
import resource
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

PATIENCE = 120.0
POWER = b"tic_apparent_power_import_voltamperes"
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


class Process:
    """Python, or another program, in a process of its own, ended at the end of its `with`."""

    def __init__(self, *words: str, program: str = sys.executable) -> None:
        self.started = time.monotonic()
        self._process = subprocess.Popen([program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        with self._process:
            pass

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far, threads that have ended included."""
        return time.clock_gettime(~self._process.pid << 3 | 2)  # what clock_getcpuclockid(3) makes of a process

    @property
    def rss(self) -> float:
        """MiB in memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024

    def read_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def ask(self) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self.read_line()


class Town(Process):
    """`benchmarks.town`; `port` is where its meters are."""

    def __init__(self, meters: int) -> None:
        super().__init__("-m", "benchmarks.town", str(meters))
        self.port = int(self.read_line())

    def hush(self) -> tuple[int, int]:
        """Silence all meters; give the bytes sent, and those that the exporter was too slow for."""
        answer = json.loads(self.ask())
        return answer["sent"], answer["dropped"]


class Exporter(Process):
    """`tic-exporter` at a port of its own."""

    def __init__(self, port: int, *words: str) -> None:
        self.port = port
        flags = (f"--web.listen-address=127.0.0.1:{port}", "--log.level=error")
        super().__init__("-m", "tic_exporter", *flags, *words)

    def get(self, path: str = "/metrics") -> bytes:
        """The text of one scrape."""
        return plain(scrape(self.port, path))

    def wait_for_scrape(self, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError):
                self.get()
                return
            assert self._process.poll() is None, "the exporter has ended"
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def wait_until_fresh(self, meters: int, meanwhile: Callable[[], object] = lambda: time.sleep(1.0)) -> None:
        """Wait until every meter is read and its readings are believed."""
        deadline = time.monotonic() + PATIENCE
        while len(values(self.get(), POWER)) < meters:
            assert time.monotonic() < deadline, "meters are missing"
            meanwhile()


def scrape(port: int, path: str = "/metrics") -> bytes:
    """One scrape as Prometheus makes it: what comes is packed."""
    headers = {"Accept": OPENMETRICS, "Accept-Encoding": "gzip"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return answer.read()
    finally:
        connection.close()


def plain(packed: bytes) -> bytes:
    return zlib.decompress(packed, 31)


def values(text: bytes, name: bytes) -> list[float]:
    """All values of a metric."""
    return [float(line.rpartition(b" ")[2]) for line in text.splitlines() if line.startswith(name + b"{")]


@contextlib.contextmanager
def town_and_exporter(meters: int, port: int) -> Iterator[tuple[Town, Exporter]]:
    """A town and an exporter that reads all of it."""
    with Town(meters) as town, tempfile.TemporaryDirectory() as folder:
        file = configuration(Path(folder), town.port, range(meters))
        with Exporter(port, f"--config.file={file}") as exporter:
            exporter.wait_for_scrape()
            yield town, exporter


def configuration(folder: Path, port: int, numbers: Iterable[int]) -> Path:
    """Write a configuration with these meters of the town behind `port`."""
    meters = [
        f"  - name: meter-{number:05}\n    port: socket://127.0.{number // 250}.{number % 250 + 1}:{port}\n"
        for number in numbers
    ]
    file = folder / "tic_exporter.yml"
    file.write_text("meters:\n" + "".join(meters), encoding="utf-8")
    return file


def allow_descriptors() -> None:
    """Use all descriptors that the system grants: what is started here inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
