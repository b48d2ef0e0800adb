"""One line for each record, whatever is in it."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import TYPE_CHECKING

import pytest

from tic_exporter import logs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _the_root_logger_is_put_back() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)


def written(style: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    logs.set_up(level, style, stream)
    return stream


LOG = logging.getLogger("tic_exporter.reader")


def test_logfmt_has_time_level_logger_and_message_before_the_fields() -> None:
    stream = written("logfmt")
    LOG.warning("port closed", extra={"meter": "shop", "port": "/dev/ttyUSB0", "error": "[Errno 5] gone"})
    time, rest = stream.getvalue().split(" ", 1)
    assert re.fullmatch(r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    expected = 'level=WARN logger=reader msg="port closed" meter=shop port=/dev/ttyUSB0 error="[Errno 5] gone"\n'
    assert expected == rest


def test_json_has_the_same_fields() -> None:
    stream = written("json")
    LOG.info("listening at %s", ":15402", extra={"metrics": ["a", "b"], "where": object})
    record = json.loads(stream.getvalue())
    assert ["time", "level", "logger", "msg", "metrics", "where"] == list(record)
    assert ("INFO", "reader", "listening at :15402", ["a", "b"]) == (
        record["level"],
        record["logger"],
        record["msg"],
        record["metrics"],
    )


@pytest.mark.parametrize("style", logs.FORMATS)
@pytest.mark.parametrize(
    "text",
    [
        *("two\nlines", 'say "x"', "a=b", "", "back\\slash", "é ü", "\x1b[31mred\x00", "\r", "\x7f", "\x9b31mred"),
        *("\u2028", "\u202eright to left", "half \udc80", "\U000e0001 tag", "😀"),
    ],
)
def test_a_record_is_one_line_without_control_characters_and_reads_back(style: str, text: str) -> None:
    stream = written(style)
    LOG.info(text, extra={"field": text})
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()
    field = json.loads(line)["field"] if style == "json" else line.partition(" field=")[2]
    assert text == (json.loads(field) if field.startswith('"') and style == "logfmt" else field)


@pytest.mark.parametrize("style", logs.FORMATS)
def test_a_traceback_is_a_field_of_its_line(style: str) -> None:
    stream = written(style)
    try:
        int("a bug")
    except ValueError as error:
        LOG.critical("the serial thread has died", exc_info=error)
    (line,) = stream.getvalue().splitlines()
    assert "Traceback (most recent call last)" in line
    assert "ValueError: invalid literal" in line
    assert "ERROR" in line


@pytest.mark.parametrize(
    ("level", "shown"),
    [("debug", "DIWE"), ("info", "IWE"), ("warn", "WE"), ("error", "E")],
)
def test_a_level_shows_itself_and_what_is_worse(level: str, shown: str) -> None:
    stream = written("logfmt", level)
    for name in ("debug", "info", "warning", "error"):
        getattr(LOG, name)("x")
    assert shown == "".join(line.partition("level=")[2][0] for line in stream.getvalue().splitlines())


def test_logs_go_to_standard_error_and_replace_what_was_set_up_before(capsys: pytest.CaptureFixture[str]) -> None:
    before = written("logfmt")
    logs.set_up("info", "logfmt")
    LOG.info("x")
    assert "" == before.getvalue()
    assert "msg=x" in capsys.readouterr().err
