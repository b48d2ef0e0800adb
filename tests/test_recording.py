"""The file format of recordings: whole, cut, changed, foreign."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.lines import LINKY_STANDARD, frame
from tic_exporter.recording import (
    LONGEST_CHUNK,
    LONGEST_LINE,
    Chunk,
    Header,
    Recording,
    RecordingError,
    Writer,
    is_recording,
)
from tic_exporter.sources import FileEndedError, FileSource, PortSettings
from tic_exporter.streams import stream_of

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = Header(9600, "/dev/ttyUSB0", "2026-01-15T12:00:00+00:00", anonymised=False, by="tic_exporter")
CHUNKS = [Chunk(0.0, b"\x02\nADSC"), Chunk(0.25, bytes(range(256))), Chunk(1.5, b"\x03")]


def write(path: Path, chunks: Sequence[Chunk] = CHUNKS, header: Header = HEADER, end: float = 2.0) -> Path:
    with path.open("wb") as file:
        writer = Writer(file, header)
        for chunk in chunks:
            writer.add(chunk)
        writer.finish(end)
    return path


@pytest.fixture(name="path")
def written_recording(tmp_path: Path) -> Path:
    return write(tmp_path / "a.jsonl")


def test_a_recording_gives_back_what_was_written(path: Path) -> None:
    recording = Recording(path)

    assert (HEADER, CHUNKS, None, 2.0) == (recording.header, list(recording), recording.problem, recording.seconds)
    assert CHUNKS == list(recording)
    assert is_recording(path.read_bytes())


@given(st.lists(st.tuples(st.integers(0, 10**7), st.binary(max_size=50)), max_size=20))
def test_any_bytes_at_any_times_come_back(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, bytes]]
) -> None:
    chunks = [Chunk(at / 10**4, data) for at, data in sorted(pieces) if data]
    recording = Recording(write(tmp_path_factory.mktemp("any") / "a.jsonl", chunks, Header()))

    assert (chunks, None, Header()) == (list(recording), recording.problem, recording.header)


def test_a_chunk_too_long_for_a_line_takes_several(tmp_path: Path) -> None:
    data = bytes(range(256)) * 200
    path = write(tmp_path / "a.jsonl", [Chunk(0.5, data)])

    assert data == b"".join(chunk.data for chunk in Recording(path))
    assert max(map(len, path.read_bytes().splitlines())) < LONGEST_LINE
    assert LONGEST_CHUNK == len(next(iter(Recording(path))).data)


def test_each_line_is_json_that_anybody_can_read(path: Path) -> None:
    first, *middle, last = map(json.loads, path.read_text().splitlines())

    assert {
        "tic_recording": 1,
        "by": "tic_exporter",
        "started": "2026-01-15T12:00:00+00:00",
        "port": "/dev/ttyUSB0",
        "baud_rate": 9600,
        "anonymised": False,
    } == first
    assert [{"t": 0.0, "d": "AgpBRFND"}] == middle[:1]
    assert {"end", "bytes", "sha256"} == last.keys()


def test_a_recording_cut_anywhere_gives_its_whole_lines_and_says_so(path: Path) -> None:
    whole = path.read_bytes()
    for size in range(whole.index(b"\n") + 1, len(whole)):
        path.write_bytes(whole[:size])
        recording = Recording(path)
        count = whole[:size].count(b"\n") - 1
        assert CHUNKS[:count] == list(recording)
        assert f"line {count + 2}: the recording was cut off" == recording.problem


def test_any_changed_character_is_noticed(path: Path) -> None:
    whole = path.read_bytes()
    for place in range(whole.index(b"\n") + 1, len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        recording = Recording(path)
        list(recording)
        # What stands in the names and in the time of the last line is no part of what it vouches for.
        assert recording.problem is not None or place > whole.rindex(b"\n", 0, -1)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"t":0.1}\n', "line 5: it cannot be read"),
        (b'{"t":0.1,"d":"A"}\n', "line 5: it cannot be read"),
        (b'{"t":"0","d":""}\n', "line 5: it cannot be read"),
        (b'{"t":true,"d":""}\n', "line 5: it cannot be read"),
        (b'{"t":NaN,"d":""}\n', "line 5: it cannot be read"),
        (b'{"t":1e400,"d":""}\n', "line 5: it cannot be read"),
        (b'{"t":1.4,"d":"AA=="}\n', "line 5: it cannot be read"),
        (b"[1, 2]\n", "line 5: it cannot be read"),
        (b"[" * 50_000 + b"\n", "line 5: it cannot be read"),
        (b"\xff\xfe\n", "line 5: it cannot be read"),
        (b'"' + b"x" * LONGEST_LINE + b'"\n', "line 5: it cannot be read"),
        (b'{"end":2,"bytes":263,"sha256":"0"}\n', "its checksum is wrong: the file was changed after it was recorded"),
        (b'{"end":2,"bytes":1,"sha256":"0"}\n', "its checksum is wrong: the file was changed after it was recorded"),
    ],
    ids=range(13),
)
def test_a_line_that_is_none_of_a_recording_is_named(path: Path, line: bytes, problem: str) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]) + line)
    recording = Recording(path)

    assert (CHUNKS, problem) == (list(recording), recording.problem)


def test_what_follows_the_last_line_is_noticed(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")
    recording = Recording(path)

    assert (CHUNKS, "it goes on behind its last line") == (list(recording), recording.problem)


@pytest.mark.parametrize("line", [b'{"tic_recording":2}\n', b'{"tic_recording":', b'{"tic_recording":1]\n'])
def test_a_first_line_that_cannot_be_read_is_refused(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line)

    with pytest.raises(RecordingError, match=r"a\.jsonl: "):
        Recording.found_at(path)


def test_nonsense_in_the_header_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"tic_recording":1,"baud_rate":"fast","port":7,"anonymised":"yes"}\n')

    assert Header() == Recording(path).header


def test_a_raw_stream_is_no_recording_and_takes_the_time_of_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.tic"
    path.write_bytes(frame(LINKY_STANDARD) * 3)
    stream = stream_of(path)
    chunks = list(stream.chunks)

    assert (None, 9600, None) == (Recording.found_at(path), stream.baud_rate, stream.problem)
    assert frame(LINKY_STANDARD) * 3 == b"".join(chunk.data for chunk in chunks)
    assert len(frame(LINKY_STANDARD)) * 3 / 960 == pytest.approx(chunks[-1].at)
    assert 1200 == stream_of(path, 1200).baud_rate


def test_a_recording_as_a_port_is_paced_by_its_own_times(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [Chunk(0.1, b"one"), Chunk(0.4, b"two")])
    source, began = FileSource(PortSettings(str(path))), time.monotonic()
    heard: list[tuple[bytes, float]] = []
    while len(heard) < 2:
        if data := source.read():
            heard.append((data, time.monotonic() - began))
    source.close()

    assert [b"one", b"two"] == [data for data, _ in heard]
    assert 0.05 < heard[0][1] < 0.39 <= heard[1][1] + 0.02


def test_a_recording_as_a_port_begins_again_where_that_is_wanted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [Chunk(0.01, b"x")], end=0.05)
    source = FileSource(PortSettings(str(path), loop=True))
    heard = b""
    while heard != b"xxx":
        heard += source.read()
    source.close()


def test_an_empty_recording_ends_even_if_it_shall_begin_again_and_a_damaged_one_says_why(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.jsonl", [], end=0.0)
    assert "the recording has ended" == reason_of_end(empty, loop=True)

    path = write(tmp_path / "a.jsonl", [Chunk(0.01, b"x")])
    path.write_bytes(path.read_bytes()[:-20])
    assert "line 3: the recording was cut off" == reason_of_end(path, loop=False)


def reason_of_end(path: Path, *, loop: bool) -> str:
    source = FileSource(PortSettings(str(path), loop=loop))
    while True:
        try:
            source.read()
        except FileEndedError as end:
            source.close()
            return str(end)
