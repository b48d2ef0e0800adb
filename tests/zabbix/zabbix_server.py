"""A real Zabbix in a folder of its own: PostgreSQL, the server, and the frontend for its API. Debian's packages."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from helpers.program import Program

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = Path("/usr/share/zabbix-server-pgsql")
FRONTEND = Path("/usr/share/zabbix")
CONFIG_PATH = "/etc/zabbix/zabbix.conf.php"  # as Debian's frontend has it
NAME = "zabbix"  # of the database
USER = "zabbix"  # of the system, made by the package, and of PostgreSQL
IS_ROOT = os.geteuid() == 0


def _as_user(command: Sequence[str]) -> list[str]:
    """PostgreSQL does not run as root, nor does Zabbix."""
    who = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--"] if IS_ROOT else []
    return [*who, *command]


def _make(folder: Path) -> Path:
    """Make a folder in which they may write."""
    folder.mkdir(exist_ok=True)
    if IS_ROOT:
        shutil.chown(folder, USER, USER)
    return folder


def _low_port() -> int:
    """A free port that the server takes: it refuses those above 32767, where systems give theirs."""
    while True:
        with socket.socket() as listener, suppress(OSError):
            port = random.randrange(20000, 32768)  # noqa: S311 - no secret
            listener.bind(("127.0.0.1", port))
            return port


class Database(Program):
    """PostgreSQL with Zabbix' own schema and data in it."""

    def __init__(self, folder: Path) -> None:
        self._tools = max(Path("/usr/lib/postgresql").glob("*/bin"))
        self._folder = _make(folder / "database")
        form = ["--auth=trust", f"--username={USER}", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", f"--pgdata={self._folder}", *form)
        super().__init__(self._command)
        self._run("createdb", *self._address(), NAME)
        for name in ("schema", "images", "data"):
            with gzip.open(SCHEMA / f"{name}.sql.gz") as statements:
                self.query(statements.read().decode())

    def _command(self, port: int) -> list[str]:
        settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}"]
        # What a power cut would do to these tables is nobody's concern.
        settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        options = [word for setting in settings for word in ("-c", setting)]
        return _as_user([str(self._tools / "postgres"), "-D", str(self._folder), *options])

    def is_ready(self) -> bool:
        ask = [str(self._tools / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={self.port}"]
        return subprocess.run(ask, check=False).returncode == 0

    def query(self, statements: str) -> str:
        """What psql prints, values without their frame."""
        options = ["--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
        return self._run("psql", *options, *self._address(), NAME, text=statements)

    def _address(self) -> list[str]:
        return ["--host=127.0.0.1", f"--port={self.port}", f"--username={USER}"]

    def _run(self, tool: str, *words: str, text: str = "") -> str:
        command = _as_user([str(self._tools / tool), *words])
        done = subprocess.run(command, input=text, capture_output=True, text=True, cwd="/", check=False)
        assert done.returncode == 0, (tool, done.stderr)
        return done.stdout.strip()


class Server(Program):
    """zabbix_server: what asks the exporter and judges the triggers."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._config = folder / "zabbix_server.conf"
        self._database = database
        self._socket = _make(folder / "run")
        super().__init__(self._command)

    def _command(self, _port: int) -> list[str]:
        self.trapper_port = _low_port()
        settings = {
            "ListenPort": self.trapper_port,
            "ListenIP": "127.0.0.1",
            "DBHost": "127.0.0.1",
            "DBPort": self._database.port,
            "DBName": NAME,
            "DBUser": USER,
            "LogType": "console",
            "PidFile": self._socket / "zabbix_server.pid",
            "SocketDir": self._socket,
            "CacheUpdateFrequency": 2,  # new items are asked at once
            "StartDiscoverers": 0,
            "StartPingers": 0,
        }
        self._config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
        return _as_user(["zabbix_server", "--foreground", "--config", str(self._config)])

    def is_ready(self) -> bool:
        return "server #0 started" in self.output() + self.log()


class Frontend(Program):
    """PHP's own web server with the frontend, for its API."""

    def __init__(self, folder: Path, database: Database, server: Server) -> None:
        self._root = folder / "frontend"
        shutil.copytree(FRONTEND, self._root)
        config = folder / "zabbix.conf.php"
        place = self._root / "include" / "classes" / "core" / "CConfigFile.php"
        code = place.read_text(encoding="utf-8")
        assert CONFIG_PATH in code
        place.write_text(code.replace(CONFIG_PATH, str(config)), encoding="utf-8")
        config.write_text(
            f"""<?php
$DB = ['TYPE' => 'POSTGRESQL', 'SERVER' => '127.0.0.1', 'PORT' => '{database.port}', 'DATABASE' => '{NAME}',
    'USER' => '{USER}', 'PASSWORD' => '', 'SCHEMA' => '', 'ENCRYPTION' => false, 'DOUBLE_IEEE754' => true];
$ZBX_SERVER = '127.0.0.1';
$ZBX_SERVER_PORT = '{server.trapper_port}';
""",
            encoding="utf-8",
        )
        self._token: str | None = None
        settings = ["memory_limit=512M", "max_execution_time=300", "post_max_size=32M"]
        options = [word for setting in settings for word in ("-d", setting)]
        super().__init__(lambda port: _as_user(["php", *options, "-S", f"127.0.0.1:{port}", "-t", str(self._root)]))

    def is_ready(self) -> bool:
        return isinstance(self.call("apiinfo.version"), str)

    def log_in(self) -> None:
        self._token = self.call("user.login", username="Admin", password="zabbix")

    # JSON is what it is.
    def call(self, method: str, *rows: object, **parameters: object) -> Any:  # noqa: ANN401
        """`result` of a call of the API with a list, or with parameters by name; AssertionError with its error."""
        token = {"auth": self._token} if self._token else {}
        request = {"jsonrpc": "2.0", "method": method, "params": list(rows) or parameters or [], "id": 1, **token}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(
                "POST", "/api_jsonrpc.php", json.dumps(request), {"Content-Type": "application/json-rpc"}
            )
            body = connection.getresponse().read().decode()
        finally:
            connection.close()
        try:
            answer = json.loads(body)
        except ValueError:
            raise AssertionError(f"{method}: {body[:2000]}") from None
        assert "result" in answer, f"{method}: {answer.get('error')}"
        return answer["result"]


class Zabbix:
    """All of them, started when made, and how long that took."""

    def __init__(self, folder: Path) -> None:
        began = time.monotonic()
        folder.chmod(0o755)  # for the user who runs them
        with ExitStack() as stack:
            self.database = stack.enter_context(Database(folder))
            self.server = Server(folder, self.database)
            stack.callback(lambda: self.server.stop())  # noqa: PLW0108 - the one that runs then
            self.api = stack.enter_context(Frontend(folder, self.database, self.server))
            self.version = self.api.call("apiinfo.version")
            self.api.log_in()
            self._stack = stack.pop_all()
        self._folder = folder
        self.seconds_to_start = time.monotonic() - began

    def restart_server(self) -> None:
        """Make the server read again from the database what it believes to know of the past."""
        self.server.stop(timeout=60)
        self.server = Server(self._folder, self.database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
