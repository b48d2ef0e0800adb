"""From a file, a text or flags to a Config, or to a ConfigError that names every problem."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .findings import MAX_FINDINGS, RefusedError
from .model import Config, ConfigError, MeterConfig, Problem, SerialSettings
from .nodes import Entry, Mapping, Mark, Node, Scalar
from .tables import METER_SECTION, TOP_SECTION

if TYPE_CHECKING:
    from pathlib import Path

    from .findings import Checker

MAX_BYTES = 4 * 1024 * 1024


def load(path: str) -> Config:
    """Reads and checks a configuration file; raises ConfigError alone, whatever the file is."""
    return parse(read_text(path), path)


def read_text(path: str) -> str:
    """What stands in a configuration file; raises ConfigError alone, whatever the file is."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - nothing else of the path is needed
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ConfigError([Problem(path, 0, 0, "", f"cannot be read: {reason}")]) from error
    if len(data) > MAX_BYTES:
        raise ConfigError([Problem(path, 0, 0, "", f"is longer than {MAX_BYTES} bytes")])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"the byte {data[error.start]:#04x} is not UTF-8: save the file in this encoding"
        raise ConfigError([Problem(path, line, column, "", message)]) from error


def parse(text: str, source: str) -> Config:
    """Checks a configuration; `source` names it in messages, and its folder is where relative paths start."""
    # Nothing of this is loaded when flags say everything.
    from pathlib import Path  # noqa: PLC0415

    from .document import UnreadableError, compose  # noqa: PLC0415

    try:
        root = compose(text)
    except UnreadableError as error:
        raise ConfigError([Problem(source, *error.mark, "", error.message)]) from error
    if isinstance(root, Scalar) and root.tag == "null":
        raise ConfigError([Problem(source, *root.mark, "", "is empty: expected meters, each with a name and a port")])
    config: Config = checked(TOP_SECTION, root, source)
    folder = Path(source).parent
    return replace(
        config,
        state_file=_below(folder, config.state_file),
        pseudonymise_key_file=_below(folder, config.pseudonymise_key_file),
        web=replace(config.web, config_file=_below(folder, config.web.config_file)),
    )


def single_meter(port: str, **overrides: object) -> Config:
    """The configuration of one meter, from flags; None leaves a setting at its default."""
    values = {"name": "meter", "port": port} | {key: value for key, value in overrides.items() if value is not None}
    serial = values.pop("serial", None)
    root = Mapping(Mark(0, 0), {key: _entry(value, order) for order, (key, value) in enumerate(values.items(), 1)})
    meter: MeterConfig = checked(METER_SECTION, root, "command line")
    return Config((replace(meter, serial=serial) if isinstance(serial, SerialSettings) else meter,))


def _entry(value: object, order: int) -> Entry:
    """A value as YAML would have given it: without a line, at a place of its own."""
    mark = Mark(0, order)
    written = str(value).lower() if isinstance(value, bool) else str(value)
    return Entry(mark, Scalar(mark, written, type(value).__name__), mark)


def checked(section: Checker, root: Node, source: str) -> Any:  # noqa: ANN401 - what the section builds
    """What the section makes of a whole document, or a ConfigError with all that it refuses."""
    try:
        return section(root)
    except RefusedError as refused:
        findings = sorted(refused.findings)
    problems = [Problem(source, *mark, path.removeprefix("."), message) for mark, path, message in findings]
    if len(problems) >= MAX_FINDINGS:
        problems.append(Problem(source, 0, 0, "", f"has more problems; these {MAX_FINDINGS} are enough"))
    raise ConfigError(problems)


def _below(folder: Path, path: str | None) -> str | None:
    return None if path is None else str(folder / path)
