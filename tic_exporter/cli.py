"""The command line: serves by default, with the flags of Go exporters; a first word names another command."""

import argparse
import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import __version__, logs
from .commands.flags import listen_address
from .config import Config, ConfigError, load, single_meter

DEFAULT_FILES = ("tic_exporter.yml", "/etc/tic_exporter/tic_exporter.yml")
USAGE_ERROR = 2

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


def _serve_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tic-exporter",
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
    _add_log_flags(parser)
    return parser


def _add_web_flags(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument("--web.max-requests", dest="max_requests", type=_positive, metavar="N", help="default 40")
    parser.add_argument("--web.config.file", dest="web_config_file", metavar="FILE", help="TLS and users")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, not {text}")
    return number


def _add_log_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--log.level", dest="log_level", choices=logs.LEVELS, default="info")
    parser.add_argument("--log.format", dest="log_format", choices=logs.FORMATS, default="logfmt")


def _serve(words: Sequence[str]) -> int:
    parser = _serve_parser()
    flags = parser.parse_args(words)
    logs.set_up(flags.log_level, flags.log_format)
    if flags.port is not None:
        return _run(lambda: _with_flags(single_meter(flags.port), flags), flags, parser)
    path = flags.config_file or next((file for file in DEFAULT_FILES if Path(file).exists()), None)
    if path is None:
        parser.exit(USAGE_ERROR, f"{parser.prog}: {_START}\n")
    return _run(lambda: _with_flags(load(path), flags), flags, parser)


def _with_flags(config: Config, flags: argparse.Namespace) -> Config:
    """Let flags that were given win over the file, and the file over the directory that systemd gives."""
    given = {
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


def _run(configuration: Callable[[], Config], flags: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from .service import Service  # noqa: PLC0415 - `--version` and `decode` start without a web server
    from .web.activation import passed_sockets  # noqa: PLC0415

    try:
        service = Service(configuration, passed_sockets() if flags.systemd_socket else ())
    except ValueError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    service.heed_signals()
    try:
        service.start()
    except ConfigError:
        service.stop()
        raise
    except (OSError, ValueError) as error:
        service.stop()
        parser.exit(1, f"{parser.prog}: {error}\n")
    return service.run()


# --- other commands ------------------------------------------------------------------------------------------------


def _decode(words: Sequence[str]) -> int:
    from .commands.decode import run  # noqa: PLC0415

    return run(words)


def _metrics(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tic-exporter metrics", description="Print the reference of all metrics.")
    parser.parse_args(words)
    from .catalogue import as_markdown  # noqa: PLC0415

    print(as_markdown(), end="")  # noqa: T201
    return 0


def _check_config(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tic-exporter check-config", description="Check a configuration file.")
    parser.add_argument("file", metavar="FILE")
    flags = parser.parse_args(words)
    config = load(flags.file)
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
