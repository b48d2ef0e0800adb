"""`tic-exporter decode`: a recording, or a live stream, through the very pipeline of serving."""

import argparse
import json
import os
import select
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ..building import meter_options
from ..config import FAMILIES as FAMILY_NAMES
from ..config import MeterConfig
from ..legal_time import LegalTime
from ..meter import FRAMES, INTERRUPTIONS, INVALID_FRAMES, Meter
from ..recording import Recording
from ..replay import Replay
from ..sources import CHUNK, PortSettings, Source, SourceEndedError, open_source
from ..tic.codecs import LocalTime
from ..tic.families import FAMILIES
from ..tic.frames import DecodedFrame
from ..tic.schema import Reading
from .flags import BAUD_RATE, timezone


def run(words: Sequence[str]) -> int:
    """Decode; returns 1 when no valid frame was found."""
    flags = _parser().parse_args(words)
    name = flags.meter or _name_of(flags.source)
    config = MeterConfig(
        name=name,
        port=flags.source,
        family=None if flags.family == "auto" else flags.family,
        parity=flags.parity,
        on_bad_group=flags.on_bad_group,
        contract=flags.contract,
        timezone=flags.timezone,
        expose_metering_point=flags.expose_metering_point,
        expose_messages=flags.expose_messages,
    )
    meter = Meter(meter_options(config, live=False))
    try:
        recording = None if _is_live(flags.source) else Recording.found_at(Path(flags.source))
        baud_rate = flags.baud_rate or (recording.header.baud_rate if recording else None)
        chunks = _chunks(flags.source, baud_rate) if recording is None else (chunk.data for chunk in recording)
        replay = Replay(meter, baud_rate)
        FORMATS[flags.format](replay, replay.play(chunks, port=flags.source))
    except BrokenPipeError:
        raise  # of who reads this, not of the port
    except (OSError, ValueError) as error:
        print(f"tic-exporter decode: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return summarise(replay, recording)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tic-exporter decode",
        description="Decode a recording, standard input (-) or a live port.",
        allow_abbrev=False,
    )
    parser.add_argument("source", metavar="FILE|-|URL")
    parser.add_argument("--format", choices=tuple(FORMATS), default="text")
    parser.add_argument("--family", choices=("auto", *FAMILY_NAMES), default="auto")
    parser.add_argument("--meter", metavar="NAME", help="name of the meter (default: the file's)")
    parser.add_argument(
        "--baud-rate", type=BAUD_RATE, help="speed of the line (default: 9600 where the stream holds HT, else 1200)"
    )
    parser.add_argument("--parity", choices=("auto", "even", "none"), default="auto")
    parser.add_argument("--on-bad-group", choices=("drop_frame", "drop_group"), default="drop_frame")
    parser.add_argument("--contract", choices=("BASE", "EJP"), help="of a CJE, which does not say it itself")
    parser.add_argument("--timezone", type=timezone, default="Europe/Paris")
    parser.add_argument("--expose-metering-point", action="store_true", help="show the PRM: personal data")
    parser.add_argument("--expose-messages", action="store_true")
    return parser


def _name_of(source: str) -> str:
    return "stdin" if source == "-" else source if "://" in source else Path(source).stem


def _is_live(source: str) -> bool:
    return source == "-" or "://" in source or Path(source).is_char_device()


def _chunks(source: str, baud_rate: int | None) -> Iterator[bytes]:
    """Read a file or standard input as fast as it comes, anything else as a live port until it ends."""
    if source == "-":
        yield from iter(lambda: os.read(sys.stdin.fileno(), CHUNK), b"")
        return
    settings = PortSettings(source)
    if not _is_live(source):
        with Path(source).open("rb") as file:
            yield from iter(lambda: file.read(CHUNK), b"")
        return
    port = open_source(settings, baud_rate or 9600)
    try:
        while port.connecting:
            _wait_for(port, select.POLLOUT)
            port.finish_connecting()
        while True:
            _wait_for(port, select.POLLIN)
            yield port.read()
    except SourceEndedError:
        return
    finally:
        port.close()


def _wait_for(port: Source, event: int) -> None:
    poll = select.poll()
    poll.register(port.fileno(), event)
    poll.poll()


def summarise(replay: Replay, recording: Recording | None = None) -> int:
    """Say on standard error what came; 1 when no frame was valid, or the recording is damaged."""
    counts = replay.meter.snapshot.counts
    valid = counts.get((FRAMES.name, ""), 0)
    invalid = {
        reason: counts[INVALID_FRAMES.name, reason]
        for reason in INVALID_FRAMES.reasons
        if (INVALID_FRAMES.name, reason) in counts
    }
    said = [f"{valid} valid frame{'s' * (valid != 1)}"]
    said += [f"{number} invalid ({reason})" for reason, number in invalid.items()]
    if interrupted := counts.get((INTERRUPTIONS.name, ""), 0):
        said.append(f"{interrupted} interrupted")
    if not replay.saw_frame_start:
        said.append("no start of frame (STX) in the stream: control characters were taken out on the way")
    print(", ".join(said), file=sys.stderr)  # noqa: T201
    if recording is not None and recording.problem:
        print(f"{recording.path}: {recording.problem}", file=sys.stderr)  # noqa: T201
        return 1
    return 0 if valid else 1


# --- formats ----------------------------------------------------------------------------------------------------------


def _prometheus(replay: Replay, frames: Iterable[DecodedFrame]) -> None:
    """Print what /metrics would show at the instant the last frame ended."""
    from prometheus_client import generate_latest  # noqa: PLC0415 - the other formats do without

    from ..exposition import MeterCollector, registry_of  # noqa: PLC0415

    for _ in frames:
        pass
    snapshot = replay.meter.snapshot
    ended = snapshot.last_frame_at or 0.0
    registry = registry_of(MeterCollector(lambda: [snapshot], now=lambda: ended))
    sys.stdout.write(generate_latest(registry).decode())


def _json(replay: Replay, frames: Iterable[DecodedFrame]) -> None:
    """Print one object per frame, as it ends."""
    legal_time = LegalTime(replay.meter.options.zone)
    hidden = replay.meter.options.hidden
    personal = {row.label for family in FAMILIES for row in family.all_fields if row.quantity in hidden}
    for frame in frames:
        shown = {
            "meter_id": frame.meter_id,
            "family": frame.family.name if frame.family else None,
            "cut": frame.cut.value,
            "valid": frame.is_valid,
            "groups": [
                {"label": g.label, "timestamp": g.timestamp, "value": None if g.label in personal else g.value}
                for g in frame.groups
            ],
            "readings": [
                _as_json(reading, legal_time)
                for reading in frame.readings
                if reading.quantity.is_published and reading.quantity not in hidden
            ],
            "defects": [{"defect": found.defect.value, "label": found.where or None} for found in frame.findings],
        }
        print(json.dumps(shown, ensure_ascii=False), flush=True)  # noqa: T201


def _as_json(reading: Reading, legal_time: LegalTime) -> dict[str, object]:
    value: object = reading.value
    if isinstance(value, LocalTime):
        value = legal_time.to_unix(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = reading.quantity.unit.in_base(value)
    name = reading.quantity.metric
    return {
        "name": name,
        "dimensions": dict(reading.dimensions),
        "value": value,
        "unit": reading.quantity.unit.suffix or None,
    }


def _text(replay: Replay, frames: Iterable[DecodedFrame]) -> None:
    """Print the last readings for people: energy in kWh, power in kVA."""
    for _ in frames:
        pass
    snapshot = replay.meter.snapshot
    print(f"meter {snapshot.meter_id or 'not confirmed'}  {' '.join(f'{k}={v}' for k, v in snapshot.link.items())}")  # noqa: T201
    for (quantity, dimensions), value in snapshot.readings.items():
        where = " ".join(f"{name}={text}" for name, text in dimensions if text)
        what = quantity.help + ("  " + where if where else "")
        print(f"{_for_people(quantity.unit.suffix, value):>20}  {what}")  # noqa: T201


_PEOPLE = {
    "joules": (3.6e6, "kWh", 3),
    "varseconds": (3.6e6, "kvarh", 3),
    "voltampereseconds": (3.6e6, "kVAh", 3),
    "watts": (1e3, "kW", 3),
    "voltamperes": (1e3, "kVA", 3),
    "vars": (1e3, "kvar", 3),
    "amperes": (1, "A", 0),
    "volts": (1, "V", 0),
    "cubicmeters": (1, "m3", 2),
    "ratio": (0.01, "%", 0),
}


def _for_people(suffix: str, value: float) -> str:
    if suffix == "timestamp_seconds":
        return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(value))
    divisor, unit, places = _PEOPLE.get(suffix, (1, "", 2))
    number = f"{value / divisor:.{places}f}"
    return f"{number} {unit}" if unit else f"{value:g}"


FORMATS: dict[str, Callable[[Replay, Iterable[DecodedFrame]], None]] = {
    "text": _text,
    "json": _json,
    "prometheus": _prometheus,
}
