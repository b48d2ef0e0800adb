"""The command line: serves by default, with the flags of Go exporters; a first word names another command."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from . import __version__, logs
from .config import (
    MOST_REQUESTS,
    Config,
    ConfigError,
    ListenAddress,
    MeterConfig,
    Problem,
    parse_listen_address,
    parse_telemetry_path,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Sequence

DEFAULT_FILES = ("tic_exporter.yml", "/etc/tic_exporter/tic_exporter.yml")
USAGE_ERROR = 2

_PROGRAM = "tic-exporter"
_COUNT = re.compile("[1-9][0-9]{0,8}")
_DEVICE = re.compile("/dev/[A-Za-z0-9_./:-]{1,200}")

_START = """\
nothing to read: name a port or a configuration.
  tic-exporter --meter.port=/dev/ttyUSB0            one meter, everything detected
  tic-exporter --config.file=tic_exporter.yml       meters as the file says
(neither ./tic_exporter.yml nor /etc/tic_exporter/tic_exporter.yml exists; `tic-exporter demo` needs no meter)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 2 for a bad flag or configuration."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = _COMMANDS.get(words[0]) if words else None
    try:
        return command(words[1:]) if command else _serve(words)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return USAGE_ERROR
    except BrokenPipeError:
        # Whoever read has seen enough; what is still to be written at the end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


# --- serve ---------------------------------------------------------------------------------------------------------


class Flags:
    """What the flags of serving say; what was not given is None, or the default."""

    config_file: str | None = None
    port: str | None = None
    state_file: str | None = None
    listen: list[ListenAddress] | None = None
    systemd_socket: bool = False
    telemetry_path: str | None = None
    max_requests: int | None = None
    web_config_file: str | None = None
    log_level: str = "info"
    log_format: str = "logfmt"


_TEXTS = {
    "--config.file": "config_file",
    "--meter.port": "port",
    "--state.file": "state_file",
    "--web.telemetry-path": "telemetry_path",
    "--web.config.file": "web_config_file",
}
"""Flags whose value is taken as it is, and the attribute where it goes."""
_WORDS: dict[str, tuple[str, Collection[str]]] = {
    "--log.level": ("log_level", logs.LEVELS),
    "--log.format": ("log_format", logs.FORMATS),
}
"""Flags with one of some words as their value."""


def _plain(words: Sequence[str]) -> Flags | None:
    """Read flags that are as they should be, as `_serve_parser` would; None where there is anything else to be said.

    `argparse` would stay in memory, a third of a megabyte, as long as the process serves.
    """
    flags = Flags()
    rest = iter(words)
    for word in rest:
        if word == "--web.systemd-socket":
            flags.systemd_socket = True
            continue
        name, is_one, value = word.partition("=")
        if not is_one:
            value = next(rest, "")
        if not value or value[0] == "-":
            return None
        if name in _TEXTS:
            setattr(flags, _TEXTS[name], value)
        elif name in _WORDS and value in _WORDS[name][1]:
            setattr(flags, _WORDS[name][0], value)
        elif name == "--web.listen-address":
            try:
                flags.listen = [*(flags.listen or ()), parse_listen_address(value)]
            except ValueError:
                return None
        elif name == "--web.max-requests" and _COUNT.fullmatch(value) and int(value) <= MOST_REQUESTS:
            flags.max_requests = int(value)
        else:
            return None
    return None if flags.config_file is not None and flags.port is not None else flags


def _serve_parser() -> argparse.ArgumentParser:
    import argparse  # noqa: PLC0415 - plain flags do without

    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Prometheus exporter for the TIC output of French electricity meters.",
        epilog=f"Other commands: {', '.join(_COMMANDS)}; each has --help.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tic_exporter {__version__}")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--config.file", dest="config_file", metavar="FILE", help="configuration file")
    what.add_argument("--meter.port", dest="port", metavar="PORT", help="one meter: a serial port, URL or recording")
    parser.add_argument("--state.file", dest="state_file", metavar="FILE", help="where registers not in force are kept")
    _add_web_flags(parser)
    parser.add_argument("--log.level", dest="log_level", choices=logs.LEVELS, default=Flags.log_level)
    parser.add_argument("--log.format", dest="log_format", choices=logs.FORMATS, default=Flags.log_format)
    return parser


def _add_web_flags(parser: argparse.ArgumentParser) -> None:
    from .commands.flags import listen_address, whole  # noqa: PLC0415 - as above

    parser.add_argument(
        "--web.listen-address",
        dest="listen",
        type=listen_address,
        action="append",
        metavar="ADDRESS",
        help="where to listen; may be repeated (default :15402)",
    )
    parser.add_argument(
        "--web.systemd-socket",
        dest="systemd_socket",
        action="store_true",
        help="serve on the sockets of a systemd socket unit instead of listening",
    )
    parser.add_argument("--web.telemetry-path", dest="telemetry_path", metavar="PATH", help="default /metrics")
    parser.add_argument(
        "--web.max-requests", dest="max_requests", type=whole(1, MOST_REQUESTS), metavar="N", help="default 40"
    )
    parser.add_argument("--web.config.file", dest="web_config_file", metavar="FILE", help="TLS and users")


def _serve(words: Sequence[str]) -> int:
    flags = _plain(words) or _serve_parser().parse_args(words, Flags())
    logs.set_up(flags.log_level, flags.log_format)
    if (port := flags.port) is not None:
        return _run(lambda: _configured(lambda: _single_meter(port), flags), flags)
    # Of pathlib nothing else is needed here.
    path = flags.config_file or next((file for file in DEFAULT_FILES if os.path.exists(file)), None)  # noqa: PTH110
    if path is None:
        _give_up(USAGE_ERROR, _START)
    return _run(lambda: _configured(lambda: _load(path), flags), flags)


def _single_meter(port: str) -> Config:
    """Give the configuration of one meter. A device file needs no look at the tables of keys, which would stay."""
    if _DEVICE.fullmatch(port):
        return Config((MeterConfig("meter", port),))
    from .config.loading import single_meter  # noqa: PLC0415

    return single_meter(port)


def _load(path: str) -> Config:
    from .config.loading import load  # noqa: PLC0415 - flags may say everything

    return load(path)


def _give_up(status: int, message: object) -> NoReturn:
    sys.stderr.write(f"{_PROGRAM}: {message}\n")
    sys.exit(status)


def _configured(read: Callable[[], Config], flags: Flags) -> Config:
    """Read a configuration, and put the flags over it; what is wrong in one is said together with the other."""
    wrong = _wrong(flags)
    try:
        config = read()
    except ConfigError as error:
        raise ConfigError([*error.problems, *wrong]) from error
    if wrong:
        raise ConfigError(wrong)
    return _with_flags(config, flags)


def _wrong(flags: Flags) -> list[Problem]:
    """Look at what both ways of reading flags take as it is, though a file may not say it."""
    if flags.telemetry_path is None:
        return []
    try:
        parse_telemetry_path(flags.telemetry_path)
    except ValueError as error:
        return [Problem("command line", 0, 0, "--web.telemetry-path", str(error))]
    return []


def _with_flags(config: Config, flags: Flags) -> Config:
    """Let flags that were given win over the file, and the file over the directory that systemd gives."""
    given: dict[str, Any] = {
        "listen_addresses": tuple(map(str, flags.listen)) if flags.listen else None,
        "telemetry_path": flags.telemetry_path,
        "max_requests": flags.max_requests,
        "config_file": flags.web_config_file,
    }
    web = dataclasses.replace(config.web, **{name: value for name, value in given.items() if value is not None})
    state_file = flags.state_file or config.state_file or _state_file_of_systemd()
    return dataclasses.replace(config, web=web, state_file=state_file)


def _state_file_of_systemd() -> str | None:
    """StateDirectory= of a unit; several directories are separated by colons (systemd.exec(5))."""
    directory = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return f"{directory}/state.json" if directory else None


def _run(configuration: Callable[[], Config], flags: Flags) -> int:
    from .service import Service  # noqa: PLC0415 - `--version` and `decode` start without a web server
    from .web.activation import passed_sockets  # noqa: PLC0415

    try:
        service = Service(configuration, passed_sockets() if flags.systemd_socket else ())
    except ValueError as error:
        _give_up(1, error)
    service.heed_signals()
    try:
        service.start()
    except ConfigError:
        service.stop()
        raise
    except (OSError, ValueError) as error:
        service.stop()
        _give_up(1, error)
    return service.run()


# --- other commands ------------------------------------------------------------------------------------------------


def _decode(words: Sequence[str]) -> int:
    from .commands.decode import run  # noqa: PLC0415

    return run(words)


def _metrics(words: Sequence[str]) -> int:
    import argparse  # noqa: PLC0415 - serving does without

    parser = argparse.ArgumentParser(prog="tic-exporter metrics", description="Print the reference of all metrics.")
    parser.parse_args(words)
    from .catalogue import as_markdown  # noqa: PLC0415

    print(as_markdown(), end="")  # noqa: T201
    return 0


def _check_config(words: Sequence[str]) -> int:
    import argparse  # noqa: PLC0415 - serving does without

    parser = argparse.ArgumentParser(prog="tic-exporter check-config", description="Check a configuration file.")
    parser.add_argument("file", metavar="FILE")
    flags = parser.parse_args(words)
    config = _load(flags.file)
    if config.web.config_file is not None:
        from .web.config import load as load_web_config  # noqa: PLC0415 - most configurations have none

        load_web_config(config.web.config_file)
    if config.pseudonymise_ids:
        from .pseudonyms import Pseudonyms  # noqa: PLC0415 - most configurations have none

        Pseudonyms.configured(config)
    print(f"{flags.file}: {len(config.meters)} meter{'s' * (len(config.meters) > 1)}, no problem found")  # noqa: T201
    return 0


def _simulate(words: Sequence[str]) -> int:
    from .commands.simulate import run  # noqa: PLC0415

    return run(words)


def _demo(words: Sequence[str]) -> int:
    from .commands.demo import run  # noqa: PLC0415

    return run(words)


def _detect(words: Sequence[str]) -> int:
    from .commands.detect import run  # noqa: PLC0415

    return run(words)


def _record(words: Sequence[str]) -> int:
    from .commands.record import run  # noqa: PLC0415

    return run(words)


def _replay(words: Sequence[str]) -> int:
    from .commands.replay import run  # noqa: PLC0415

    return run(words)


def _pseudonym_key(words: Sequence[str]) -> int:
    from .commands.pseudonym_key import run  # noqa: PLC0415

    return run(words)


_COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "detect": _detect,
    "decode": _decode,
    "record": _record,
    "replay": _replay,
    "simulate": _simulate,
    "demo": _demo,
    "check-config": _check_config,
    "pseudonym-key": _pseudonym_key,
    "metrics": _metrics,
}
