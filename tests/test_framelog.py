"""Frames in the log at debug level: what is shown of them, what never is, and how many lines that makes at most."""

from __future__ import annotations

import io
import logging
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.feeding import PARIS
from helpers.lines import HISTORIC_ID, LINKY_HISTORIC, LINKY_STANDARD, PME_PMI, frame
from tic_exporter import logs
from tic_exporter.framelog import LONGEST, MOST_PER_SECOND, FrameLog
from tic_exporter.meter import Meter, MeterOptions
from tic_exporter.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from collections.abc import Iterator

PRM = "12345678901234"
LINKY = frame(LINKY_STANDARD)
START = b"\x02\n"


@pytest.fixture(autouse=True)
def _logging_is_put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(
    *chunks: bytes,
    every: float = 2.0,
    names: Pseudonyms | None = None,
    level: str = "debug",
    **options: Any,  # noqa: ANN401
) -> list[str]:
    """The lines of log while a meter gets these bytes."""
    stream = io.StringIO()
    logs.set_up(level, "logfmt", stream)
    meter, names = Meter(MeterOptions("shop", zone=PARIS, **options)), names or Pseudonyms()
    follow = FrameLog(names.of_id, names.of_metering_point)
    for number, chunk in enumerate(chunks):
        now = 1000.0 + number * every
        follow(meter, meter.feed(chunk, now, 1.7e9 + now), now)
    return stream.getvalue().splitlines()


def frames_in(lines: list[str]) -> list[str]:
    return [line for line in lines if " logger=framelog " in line]


def test_a_frame_is_shown_with_its_groups() -> None:
    (line,) = frames_in(logged(frame(LINKY_HISTORIC)))

    assert 'level=DEBUG logger=framelog msg=frame meter=shop cut=complete number_of_groups=10 groups="ADCO=' in line
    assert (
        f"ADCO={HISTORIC_ID}, OPTARIF=BASE, ISOUSC=30, BASE=001000000, PTEC=TH.., IINST=002, IMAX=090, PAPP=00510"
        in line
    )


def test_a_timestamp_stands_behind_its_value() -> None:
    (line,) = frames_in(logged(LINKY))

    assert "SMAXSN=02510@E260714071500" in line


def test_frames_are_shown_at_debug_level_alone() -> None:
    assert [] == frames_in(logged(*[LINKY] * 5, level="info"))


def test_messages_and_the_metering_point_are_shown_only_where_metrics_show_them() -> None:
    (hidden,) = frames_in(logged(LINKY))
    (shown,) = frames_in(logged(LINKY, hidden=frozenset()))

    for text in (PRM, "PAS DE"):
        assert text not in hidden
        assert text in shown
    assert "MSG1=..., PRM=..." in hidden


def test_pseudonyms_stand_where_the_numbers_stood() -> None:
    names = Pseudonyms(b"k" * 32)
    (line,) = frames_in(logged(LINKY, names=names, hidden=frozenset()))

    assert {HISTORIC_ID, PRM}.isdisjoint(line.replace(",", "=").replace('"', "=").split("="))
    assert f"ADSC={names.of_id(HISTORIC_ID)}, " in line
    assert f"PRM={names.of_metering_point(PRM)}, " in line


def test_of_a_damaged_frame_the_defects_are_shown_and_nothing_else() -> None:
    (line,) = frames_in(logged(LINKY.replace(b"PRM", b"QRM").replace(HISTORIC_ID.encode(), b"041061234568")))

    assert "defects=checksum" in line
    assert " groups=" not in line
    assert PRM[:6] not in line


def test_the_value_of_a_label_that_no_table_has_is_not_shown() -> None:
    (line,) = frames_in(logged(frame(LINKY_STANDARD, add=(f"QRM\t{PRM}",))))

    assert 'defects="unknown_label QRM"' in line
    assert "QRM=..." in line
    assert PRM not in line


def test_frames_that_are_left_out_are_counted() -> None:
    lines = frames_in(logged(*[frame(PME_PMI)] * 100, every=0.01, level="debug"))
    assert MOST_PER_SECOND == len(lines)

    lines = frames_in(logged(*[frame(PME_PMI)] * 100, every=0.02))
    assert 2 * MOST_PER_SECOND == len(lines)
    assert 1 == sum("frames_left_out=45 " in line for line in lines)


def noise(seed: int, *, delimiters: bool) -> list[bytes]:
    """100 seconds of a line at 9600 Bd, in pieces of a tenth of a second."""
    source = random.Random(seed)  # noqa: S311 - noise of a line
    codes = b"\x02\x03\x04\n\r A9" if delimiters else bytes(range(256))
    return [bytes(source.choices(codes, k=96)) for _ in range(1000)]


@pytest.mark.parametrize("delimiters", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_noise_makes_no_line_at_all_but_at_debug_level_where_they_are_few_and_short(
    seed: int, *, delimiters: bool
) -> None:
    pieces = noise(seed, delimiters=delimiters)

    assert [] == logged(*pieces, every=0.1, level="info")
    lines = logged(*pieces, every=0.1)
    assert MOST_PER_SECOND * 101 >= len(lines)
    assert 2 * LONGEST + 500 > max(map(len, lines))


def test_good_frames_among_noise_are_told_once() -> None:
    pieces = [piece for one in noise(1, delimiters=True)[:200] for piece in (one, LINKY)]
    messages = [line.partition(" msg=")[2].partition(" meter=")[0] for line in logged(*pieces, level="info")]

    assert ["detected", '"meter confirmed"'] == messages


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(LINKY)))
def test_nothing_that_a_line_sends_is_obeyed_by_a_terminal(data: bytes, place: int) -> None:
    lines = logged(LINKY[:place] + data + LINKY[place:], START + data + b"\r\x03", hidden=frozenset())

    assert all(line.isprintable() for line in lines)
    assert 2 * (MOST_PER_SECOND + 2) >= len(lines)
