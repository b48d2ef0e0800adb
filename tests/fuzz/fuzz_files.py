"""What any bytes in a file may do to its reader: give what it means, or say what is wrong and where. No traceback."""

from __future__ import annotations

import atexit
import contextlib
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tic_exporter.config import Config, ConfigError
from tic_exporter.config.document import UnreadableError, compose
from tic_exporter.config.loading import load
from tic_exporter.known import Kept
from tic_exporter.recording import Chunk, Header, RecordingError, Writer
from tic_exporter.state import StateFile
from tic_exporter.streams import stream_of
from tic_exporter.tic import quantities as q
from tic_exporter.web.config import WebSettings
from tic_exporter.web.config import load as load_web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).resolve().parents[2]
_LINE_ENDS = re.compile(rb"[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9]")  # of YAML 1.1
_FOLDER = tempfile.TemporaryDirectory(prefix="tic-fuzz-")
atexit.register(_FOLDER.cleanup)


def _written(data: bytes) -> Path:
    path = Path(_FOLDER.name) / "file"
    path.write_bytes(data)
    return path


def _loads(read: Callable[[str], object], expected: type, data: bytes) -> None:
    """Hold that a loader gives what it promises, or names every problem at a place that the file has."""
    path = _written(data)
    refused = None
    try:
        assert isinstance(read(str(path)), expected)
    except ConfigError as error:
        refused = error
    if refused is None:
        return
    lines = len(_LINE_ENDS.findall(data)) + 2
    assert refused.problems
    for problem in refused.problems:
        assert problem.message, problem
        assert problem.file == str(path), problem
        assert 0 <= problem.line <= lines, problem
        assert problem.column >= 0, problem
    str(refused).encode()


def check_config(data: bytes) -> None:
    """Hold it for `tic_exporter.yml`; with PyYAML's own parser too, which systems without libyaml use."""
    _loads(load, Config, data)
    with contextlib.suppress(UnreadableError, UnicodeDecodeError):
        compose(data.decode(), yaml.SafeLoader)


def check_web_config(data: bytes) -> None:
    """Hold it for `web-config.yml`."""
    _loads(load_web, WebSettings, data)


def check_recording(data: bytes) -> None:
    """Hold that a recording, or whatever else is given for one, is read to its end."""
    path = _written(data)
    try:
        stream = stream_of(path)
    except RecordingError:
        return
    last = 0.0
    for chunk in stream.chunks:
        assert last <= chunk.at < 1e9 or stream.recording is None
        assert isinstance(chunk.data, bytes)
        last = chunk.at


def check_state(data: bytes) -> None:
    """Hold that a state file is loaded or set aside, and that what was loaded can be saved and loaded again."""
    path = _written(data)
    meters = StateFile(path).load()
    path.unlink(missing_ok=True)
    again = StateFile(path)
    again.save(meters)
    assert (0, meters) == (again.failures, _rounded(again.load(), meters))


def _rounded(loaded: object, meters: object) -> object:
    """Times are kept in whole seconds: what else differs is an error."""
    same = _without_times(loaded) == _without_times(meters)
    return meters if same else loaded


def _without_times(meters: object) -> object:
    assert isinstance(meters, dict)
    return {
        name: (meter_id, {key: entry.value for key, entry in kept.items()}) for name, (meter_id, kept) in meters.items()
    }


def config_seeds() -> Iterator[bytes]:
    for path in (PROJECT / "tic_exporter.yml", *sorted((PROJECT / "examples").rglob("tic_exporter*.yml"))):
        yield path.read_bytes()
    yield b"meters: [{name: a, port: /dev/ttyUSB0, serial: {parity: even}, baud_rate: 9600}]\nsave_interval: 5m\n"
    yield b"x: &x {port: b}\nmeters:\n  - {<<: *x, name: a}\n  - {<<: [*x], name: b}\nweb: {max_requests: 3}\n"


def web_config_seeds() -> Iterator[bytes]:
    yield (PROJECT / "examples" / "web-config.yml").read_bytes()
    yield b"rate_limit: {interval: 1m30s, burst: 3}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n"
    yield b"tls_server_config:\n  cert: x\n  key: y\n  min_version: TLS12\n  cipher_suites: [a]\n"
    yield b"basic_auth_users: {a: $2y$10$YTtjKm8SKEitWXeTl9J83uZUsKpVXuDY76FcXWgn6nw0sKV.OmywO}\n"


def recording_seeds() -> Iterator[bytes]:
    path = Path(_FOLDER.name) / "seed"
    with path.open("wb") as file:
        writer = Writer(file, Header(baud_rate=1200, port="/dev/ttyUSB0", started="2026-07-14T12:00:00+02:00"))
        writer.add(Chunk(0.5, b"\x02\nADCO 041061234567 B\r\x03"))
        writer.finish(1.0)
    yield path.read_bytes()
    yield b"\x02\nADCO 041061234567 B\r\x03"


def state_seeds() -> Iterator[bytes]:
    path = Path(_FOLDER.name) / "state"
    key = (q.ACTIVE_ENERGY_IMPORT, (("tariff_period", "HPH"),))
    StateFile(path).save({"a": ("041436028024", {key: Kept(1.5, 1.0)})})
    yield path.read_bytes()
