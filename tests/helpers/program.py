"""A program under test: started on a port of its own, readable when it fails, stopped in any case."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

# Another process may take a free port before the program does.
ATTEMPTS = 3
PORT_TAKEN = "address already in use"

T = TypeVar("T")


class StartError(AssertionError):
    """The program ended, or did not answer in time."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until(condition: Callable[[], T], timeout: float, message: Callable[[], str] = lambda: "waited in vain") -> T:
    """The first true value of `condition`; AssertionError with `message()` when there is none in `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{message()} (after {timeout} s)")
        time.sleep(0.02)


def without_coverage() -> dict[str, str]:
    """The environment, less what would have a child measure its own coverage."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


class Program:
    """A subprocess that serves HTTP; its standard output and error go to files that outlive it."""

    process: subprocess.Popen[bytes]
    port: int

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 30,
    ) -> None:
        """Start `command(port)` and wait until `is_ready`; `env` is added to the environment of the tests."""
        self._files: dict[str, int] = {}
        self._kept: dict[str, str] = {}
        for attempt in range(1, ATTEMPTS + 1):
            self.port = free_port()
            try:
                self._start([str(part) for part in command(self.port)], {**os.environ, **(env or {})}, cwd)
                self._wait(timeout)
            except BaseException as error:
                self.stop(signal.SIGKILL)
                if isinstance(error, StartError) and PORT_TAKEN in self.log().lower() and attempt < ATTEMPTS:
                    continue
                raise
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        raise NotImplementedError

    def log(self) -> str:
        """What the program wrote to standard error so far, or ever."""
        return self._read("stderr")

    def output(self) -> str:
        """What the program wrote to standard output so far, or ever."""
        return self._read("stdout")

    def failure(self, message: str) -> str:
        """`message`, with all that the program said."""
        return f"{message}\n--- standard error ---\n{self.log()}\n--- standard output ---\n{self.output()}"

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout: float = 15) -> int:
        """The exit status after `how`; -9 when that did not stop the program in time. May be called again."""
        if not hasattr(self, "process"):
            return 0
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._kept = {name: self._read(name) for name in ("stderr", "stdout")}
            self._close()

    def _start(self, command: Sequence[str], env: Mapping[str, str], cwd: Path | None) -> None:
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=env,
                cwd=cwd,
            )
            self._files = {"stdout": os.dup(stdout.fileno()), "stderr": os.dup(stderr.fileno())}

    def _wait(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            if (status := self.process.poll()) is not None:
                raise StartError(self.failure(f"{self.process.args!r} ended with status {status}"))
            try:
                if self.is_ready():
                    return
            except (OSError, HTTPException):
                pass  # does not listen yet
            if time.monotonic() > deadline:
                raise StartError(self.failure(f"{self.process.args!r} was not ready after {timeout} s"))
            time.sleep(0.02)

    def _read(self, name: str) -> str:
        if name not in self._files:
            return self._kept.get(name, "")
        descriptor = self._files[name]
        # pread leaves alone the position at which the program writes: both share it.
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")

    def _close(self) -> None:
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files = {}
