"""The exporter as its users start it: a process of its own."""

from __future__ import annotations

import subprocess
import sys
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, NamedTuple

from helpers.program import Program

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence
    from email.message import Message
    from pathlib import Path

    # What the fixture `exporter` is.
    StartExporter = Callable[..., "Exporter"]

COMMAND = [sys.executable, "-m", "tic_exporter"]


class Answer(NamedTuple):
    status: int
    headers: Message  # by name, in any case
    body: bytes


class Exporter(Program):
    """`python -m tic_exporter *args` on a free port of 127.0.0.1; started when made, ready when returned.

    `tls` is the client's side of HTTPS, `headers` go with every request (an Authorization, say).
    """

    def __init__(
        self,
        args: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        cwd: Path | None = None,
        tls: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._tls = tls
        self._headers = dict(headers or {})
        super().__init__(lambda port: [*COMMAND, *args, f"--web.listen-address=127.0.0.1:{port}"], env=env, cwd=cwd)

    def is_ready(self) -> bool:
        return self.get("/-/healthy").status == 200

    def get(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        """The answer as it came: no redirection is followed, nothing is decompressed."""
        connection = (
            HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self._tls)
            if self._tls
            else HTTPConnection("127.0.0.1", self.port, timeout=10)
        )
        try:
            connection.request(method, path, headers={**self._headers, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()


def run_exporter(
    *args: str, stdin: bytes = b"", cwd: Path | None = None, timeout: float = 30
) -> subprocess.CompletedProcess[bytes]:
    """A run of a command that ends by itself, such as decode or --version."""
    return subprocess.run([*COMMAND, *args], input=stdin, capture_output=True, cwd=cwd, timeout=timeout, check=False)
