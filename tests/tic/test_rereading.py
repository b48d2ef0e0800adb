"""Groups read again: whichever reader takes one, it says what the codecs say, or leaves the group to them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tic_exporter.tic import quantities as q
from tic_exporter.tic.codecs import COLONS, Integer, LocalTime, Verdict, date, degraded, empty, stamp
from tic_exporter.tic.families import FAMILIES
from tic_exporter.tic.groups import Dialect, Group, encode_group, parse_group
from tic_exporter.tic.rereading import Moving, moving
from tic_exporter.tic.schema import Field

if TYPE_CHECKING:
    from tic_exporter.tic.codecs import Value
    from tic_exporter.tic.rereading import Read

INTEGERS = sorted(
    {row.codec for family in FAMILIES for row in family.all_fields if isinstance(row.codec, Integer)}, key=repr
)
TEXT = st.text("0123456789-+,. kWhVA\t\r\n\x7f", max_size=10)


def rest_of(group: Group, dialect: Dialect) -> bytes:
    """What stands behind the label and its separator."""
    return encode_group(group, dialect)[1:-1].split(dialect.separator, 1)[1]


def read_by(read: Read, rest: bytes, before: list[Value]) -> list[Value] | None:
    """The values after a group was read, None where it was left alone."""
    values: list[Value] = list(before)
    return values if read(rest, values, []) else None


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("codec", INTEGERS, ids=repr)
@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_number_read_from_its_digits_is_what_its_codec_says(
    codec: Integer, dialect: Dialect, data: st.DataObject
) -> None:
    field = Field("EA", q.ACTIVE_ENERGY_IMPORT, codec)
    row = moving(b"EA" + dialect.separator, dialect, 0, (field,), (field,), is_stamped=False)
    width = codec.width or data.draw(st.integers(1, 7))
    first = data.draw(st.integers(0 if codec.width or width == 1 else 10 ** (width - 1), 10**width - 1))
    before = f"{first:0{codec.width or 1}}{codec.unit}"
    if codec(before, None) is Verdict.REFUSED:
        return  # nothing that could have been read before
    digits = st.text("0123456789", min_size=width, max_size=width)
    text = data.draw(digits.map(lambda found: found + codec.unit) | TEXT)
    rest = rest_of(Group("EA", text), dialect)
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(rest) - 1))
        rest = rest[:place] + bytes([data.draw(st.integers(0, 127))]) + rest[place + 1 :]
    parsed = parse_group(b"EA" + dialect.separator + rest, dialect)
    says = codec(parsed.value, parsed.timestamp) if isinstance(parsed, Group) else Verdict.REFUSED
    expected = None if isinstance(says, Verdict) else [says]

    assert expected == read_by(row.read, rest, [-1])
    if len(rest) == len(before) + 2:
        assert expected == read_by(row.quick(len(rest)), rest, [-1])


CLOCK = Field("DATE", q.CLOCK, stamp(empty))
DEGRADED = Field("DATE", q.CLOCK_DEGRADED, degraded)
SECONDS = st.sampled_from(["00", "07", "42", "59", "60", "7 ", "x1", "  "])


# A clock that is not degraded is silent about that: its row is mute then.
OF_CLOCKS = {
    degraded: moving(b"DATE\t", Dialect.STANDARD, 0, told, (CLOCK, DEGRADED), is_stamped=True)
    for degraded, told in ((False, (CLOCK,)), (True, (CLOCK, DEGRADED)))
}


@pytest.mark.parametrize("is_degraded", [False, True])
@given(st.lists(st.tuples(st.sampled_from("EeHh x"), st.sampled_from(["26013118", "26023118"]), SECONDS), max_size=12))
@example([("E", "26013118", "42"), ("e", "26013118", "42"), ("E", "26013118", "07"), ("e", "26013118", "08")])
@example([("E", "26013118", "42"), ("E", "26013118", "  ")])  # two characters of which a checksum says nothing
@settings(deadline=None)
def test_a_date_that_differs_in_the_second_is_what_its_codecs_say(
    is_degraded: bool,  # noqa: FBT001
    told: list[tuple[str, str, str]],
) -> None:
    row = OF_CLOCKS[is_degraded]
    values: list[Value] = [0, True] if is_degraded else [0]
    for season, day, seconds in told:
        timestamp = f"{season}{day}07{seconds}"
        rest = rest_of(Group("DATE", "", timestamp), Dialect.STANDARD)
        time = CLOCK.codec("", timestamp)
        is_other = not isinstance(time, LocalTime) or season.islower() != is_degraded
        expected = None if is_other else [time, *values[1:]]
        found = read_by(row.quick(len(rest)), rest, values)

        assert expected == found == read_by(row.read, rest, values)
        values = found or values


def test_a_date_of_another_line_lends_its_minute_and_nothing_else() -> None:
    first, second = (rest_of(Group("DATE", "", f"e26013118070{digit}"), Dialect.STANDARD) for digit in "12")
    read = OF_CLOCKS[True].quick(len(first))

    assert read_by(read, first, [0, True]) is not None
    assert read_by(read, second, [0, True]) is not None
    assert read_by(read, second, [0, False]) is None


@pytest.mark.parametrize("place", range(16))
def test_a_damaged_date_is_left_alone_also_where_the_minute_is_known(place: int) -> None:
    rest = rest_of(Group("DATE", "", "E260131180701"), Dialect.STANDARD)
    read = OF_CLOCKS[False].quick(len(rest))
    damaged = rest[:place] + bytes([rest[place] ^ 1]) + rest[place + 1 :]

    assert read_by(read, rest, [0]) is not None
    assert read_by(read, damaged, [0]) is None


def test_a_date_without_timestamp_is_what_its_codec_says() -> None:
    field = Field("DATE", q.CLOCK, date(COLONS))
    row = moving(b"DATE ", Dialect.HISTORIC, 0, (field,), (field,), is_stamped=False)
    for text in (
        "26/08/16 10:29:04",
        "26/08/16 10:29:05",
        "26/08/16 10:29:60",
        "26/08/16 10:30:06",
        "26/13/16 10:30:07",
    ):
        rest = rest_of(Group("DATE", text), Dialect.HISTORIC)
        says = field.codec(text, None)

        assert (None if says is Verdict.REFUSED else [says]) == read_by(row.quick(len(rest)), rest, [0])


def test_those_who_ask_alike_share_a_reader_which_none_of_them_outlives() -> None:
    def ask(start: int = 0) -> Moving:
        return moving(b"DATE\t", Dialect.STANDARD, start, (CLOCK,), (CLOCK,), is_stamped=True)

    used = ask(5)
    assert used is ask(5)
    assert used is not ask(6)
    assert used.quick(16) is used.quick(16)
    held = ref(used), ref(used.read)
    del used
    assert [None, None] == [one() for one in held]
