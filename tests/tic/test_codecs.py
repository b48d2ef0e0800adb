"""Group to value: what is taken, what is refused."""

from __future__ import annotations

from datetime import datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic_exporter.tic import codecs
from tic_exporter.tic.codecs import COLONS, REFUSED, SEASONLESS, SILENT, SLASHES, Codec, LocalTime, Placed

# Values that no number may have, whatever its width: int() or float() would take most of them.
NEVER_A_NUMBER = [
    "",
    " ",
    "1_000",
    "+12",
    "-12",
    " 12",
    "12 ",
    "1 2",
    "1e3",
    "0x12",
    "१२",
    "\uff11\uff12",
    "²",
    "12\n",
    "1q",
    "12,0",
    "12.0",
    "O0",
    "??",
    "NaN",
    "inf",
]


def read(codec: Codec, value: str, timestamp: str | None = None) -> object:
    return codec(value, timestamp)


@pytest.mark.parametrize(
    ("codec", "value", "expected"),
    [
        (codecs.integer(width=9), "000000000", 0),
        (codecs.integer(width=9), "012345678", 12345678),
        (codecs.integer(width=9), "999999999", 999999999),
        (codecs.integer(width=2, scale=1000), "12", 12000),
        (codecs.integer(width=2, most=9), "09", 9),
        (codecs.integer(width=3, most=255), "255", 255),
        (codecs.integer("Wh"), "0Wh", 0),
        (codecs.integer("Wh"), "422Wh", 422),
        (codecs.integer("kWh", 1000), "9999999kWh", 9999999000),
        (codecs.integer("kVA", 1000, most=32767), "32767kVA", 32767000),
        (codecs.integer("kvar", 1000, most=32767, at_least=-32767), "-32767kvar", -32767000),
        (codecs.integer("kWh", most=999999999), "999999999kWh", 999999999),
        (codecs.integer("%", most=100, at_least=80), "80%", 80),
        (codecs.decimal(), "-0,39", -0.39),
        (codecs.decimal(), "0.17", 0.17),
        (codecs.decimal(), "99999,99", 99999.99),
        (codecs.decimal(), "-9999,99", -9999.99),
        (codecs.decimal("A", places=3, at_least=0), "12,345A", 12.345),
        (codecs.text(10), "BT 4 SUP36", "BT 4 SUP36"),
        (codecs.text(10), "HTA 5     ", "HTA 5"),
        (codecs.text(16), "    HP  BLEU    ", "HP  BLEU"),
        (codecs.text(16), "H PLEINE/CREUSE ", "H PLEINE/CREUSE"),
        (codecs.text(16), "", SILENT),
        (codecs.text(16), "                ", SILENT),
        (codecs.text(4, drop="."), "HC..", "HC"),
        (codecs.text(4, drop="."), "BBR(", "BBR("),
        (codecs.matching(r"\d{14}"), "12345678901234", "12345678901234"),
        (codecs.codes("PM", "HPH"), "PM ", "PM"),
        (codecs.codes("PM", "HPH"), "HPH", "HPH"),
        (codecs.choice({"A": 1, "B": SILENT}), "A", 1),
        (codecs.choice({"A": 1, "B": SILENT}), "B", SILENT),
        (codecs.formed("BASE|HC..", codecs.text(4, drop=".")), "HC..", "HC"),
        (codecs.implies(codecs.integer(width=3), "three"), "012", "three"),
        (codecs.present(codecs.integer(width=3)), "032", True),
        (codecs.constant("x"), "anything", "x"),
        (codecs.silent(codecs.integer(width=3)), "032", SILENT),
        (codecs.first_of(codecs.integer("kW"), codecs.integer("kVA", 10)), "3kVA", 30),
        (codecs.first_of(codecs.integer("kW"), codecs.integer("kVA", 10)), "3kW", 3),
        (codecs.item(2, codecs.integer(width=5), of=(1, 2)), "01500:01200", 1200),
        (codecs.item(1, codecs.integer(width=5), of=(1, 2)), "01500", 1500),
        (codecs.item(2, codecs.integer(width=5), of=(1, 2)), "01500", SILENT),
        (codecs.flagged("kW", 1000), "37kW", 37000),
        (codecs.flagged("kW", 1000), "37H.kW", SILENT),
        (codecs.flagged("kW", 1000), "37C.kW", SILENT),
        (codecs.flagged("kW", 1000), "37M.kW", SILENT),
        (codecs.flagged("kW", 1000), "0TkW", SILENT),
        (codecs.flagged("kvar", at_least=-32767), "-37kvar", -37),
        (codecs.empty, "", ""),
    ],
)
def test_the_official_form_is_read(codec: Codec, value: str, expected: object) -> None:
    found = read(codec, value)

    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(
    ("codec", "refused"),
    [
        (codecs.integer(width=2), [*NEVER_A_NUMBER, "1", "123", "012", "12Wh", "-1"]),
        (codecs.integer(width=9), [*NEVER_A_NUMBER, "12345678", "1234567890", "06476 712", "0121?6092", "02q876531"]),
        (codecs.integer(width=2, most=9), ["10", "99", "9"]),
        (codecs.integer(width=3, most=255), ["256", "999", "-01", "0FF"]),
        (
            codecs.integer("Wh"),
            [*(f"{value}Wh" for value in NEVER_A_NUMBER), "422", "422kWh", "422 Wh", "0422Wh", "00Wh", "10000000Wh"],
        ),
        (codecs.integer("kVA", 1000, most=32767), ["32768kVA", "99999kVA", "42kW", "42KVA", "42kva", "42kVAr"]),
        (codecs.integer("kvar", most=32767, at_least=-32767), ["-32768kvar", "32768kvar", "--1kvar", "- 1kvar"]),
        (codecs.integer("%", most=100, at_least=80), ["79%", "101%", "080%", "90"]),
        (
            codecs.decimal(),
            [
                *(value for value in NEVER_A_NUMBER if value != "12,0"),
                "0",
                "0,3",
                "0,390",
                ",39",
                "0,",
                "00,39",
                "+0,39",
                "-,39",
                "0;39",
                "0,3९",
                "100000,00",
                "-10000,00",
                "0,39V",
            ],
        ),
        (codecs.decimal("A", places=3, at_least=0), ["-1,000A", "1,00A", "1,000", "1,000V"]),
        (codecs.text(4), ["HC...", "     "]),
        (codecs.matching(r"\d{14}"), ["1234567890123", "123456789012345", " 2345678901234", "१2345678901234"]),
        (codecs.codes("PM", "HPH"), ["", "P", "PMX", "HPHPM", "pm", "hPH"]),
        (codecs.formed("BASE", codecs.text(4)), ["BASE ", "base", "BBBB"]),
        (codecs.formed("....", codecs.integer(width=4)), ["12", "abcd"]),
        (codecs.implies(codecs.integer(width=3), "three"), ["12", "1234"]),
        (codecs.present(codecs.integer(width=3)), ["", "32", "0322"]),
        (codecs.silent(codecs.integer(width=3)), ["", "32", "0322"]),
        (codecs.first_of(codecs.integer("kW"), codecs.integer("kVA")), ["3", "3kWh", "3V"]),
        (codecs.item(1, codecs.integer(width=5), of=(1, 2)), ["", "1500", ":", "01500;01200"]),
        (
            codecs.item(2, codecs.integer(width=5), of=(1, 2)),
            ["1:2:3", "01500:1200", "01500:01200:"],
        ),
        (
            codecs.flagged("kW", 1000),
            ["37H kW", "37HkW", "37X.kW", "32768kW", "H.kW", "37.kW", "-37kW", "037kW", "37kw", "123456H.kW", "37T.kW"],
        ),
        (codecs.empty, ["0", " "]),
    ],
)
def test_any_other_form_is_refused(codec: Codec, refused: list[str]) -> None:
    for value in refused:
        assert REFUSED is read(codec, value), value


@given(st.integers(0, 10**10), st.integers(1, 9))
def test_a_padded_number_has_exactly_its_width(number: int, width: int) -> None:
    digits = f"{number:0{width}}"
    expected = number if len(digits) == width else REFUSED

    assert expected == read(codecs.integer(width=width), digits)
    assert (number if number < 10**7 else REFUSED) == read(codecs.integer("Wh"), f"{number}Wh")


ANY_CODEC = [
    codecs.integer(width=3),
    codecs.integer("kW", 1000, at_least=-9),
    codecs.decimal(),
    codecs.text(16),
    codecs.matching("[A-Z]"),
    codecs.codes("PM"),
    codecs.item(1, codecs.integer(width=5), of=(1, 2, 3)),
    codecs.flagged("kW"),
    codecs.date(COLONS),
    codecs.date(SLASHES),
    codecs.stamp(codecs.integer(width=2)),
    codecs.stamp(codecs.integer(width=2), SEASONLESS),
    codecs.stamped(codecs.integer(width=2)),
    codecs.empty,
    codecs.degraded,
    codecs.bit(3),
    codecs.bits(1, 3, {0: "closed"}),
    codecs.tempo_color(24, {0: "unknown", 1: "blue", 2: "white", 3: "red"}),
    codecs.byte_bit(0),
    codecs.hex_bit(1),
    codecs.profile_start(1),
]


@given(st.text(max_size=98), st.one_of(st.none(), st.text(min_size=1, max_size=14)), st.sampled_from(ANY_CODEC))
def test_no_value_makes_a_codec_fail(value: str, timestamp: str | None, codec: Codec) -> None:
    codec(value, timestamp)


@pytest.mark.parametrize(
    ("codec", "value"),
    [
        (codecs.integer(width=3), "012"),
        (codecs.integer("kW"), "12kW"),
        (codecs.decimal(), "0,39"),
        (codecs.text(16), "TEMPO"),
        (codecs.matching("[A-Z]"), "A"),
        (codecs.formed("[A-Z]", codecs.constant(1)), "A"),
        (codecs.codes("PM"), "PM"),
        (codecs.item(1, codecs.integer(width=2), of=(1,)), "12"),
        (codecs.flagged("kW"), "12kW"),
        (codecs.flagged("kW"), "12H.kW"),
        (codecs.date(SLASHES), "12/03/15 14/05/33"),
        (codecs.bit(0), "003A4401"),
        (codecs.tempo_color(24, {1: "blue"}), "013A0501"),
        (codecs.byte_bit(0), "001"),
        (codecs.hex_bit(1), "00"),
        (codecs.profile_start(1), "0000C001" + 10 * " NONUTILE"),
    ],
)
def test_a_group_that_should_have_no_timestamp_is_refused_with_one(codec: Codec, value: str) -> None:
    assert REFUSED is not read(codec, value)
    assert REFUSED is read(codec, value, "E210414082625")


# --- dates -----------------------------------------------------------------------------------------------------------

EXISTING = [
    (2008, 12, 25, 22, 35, 18),
    (2009, 7, 14, 7, 45, 53),
    (2016, 2, 29, 0, 0, 0),
    (2000, 1, 1, 0, 0, 0),
    (2099, 12, 31, 23, 59, 59),
    (2016, 3, 27, 2, 30, 0),  # an hour that legal time skips: what the meter writes is passed on
]
MISSING = [
    (16, 2, 31, 0, 0, 0),
    (15, 2, 29, 0, 0, 0),
    (16, 4, 31, 0, 0, 0),
    (16, 0, 1, 0, 0, 0),
    (16, 13, 1, 0, 0, 0),
    (16, 1, 0, 0, 0, 0),
    (16, 1, 32, 0, 0, 0),
    (16, 1, 1, 24, 0, 0),
    (16, 1, 1, 0, 60, 0),
    (16, 1, 1, 0, 0, 60),
]


def forms(year: int, month: int, day: int, hour: int, minute: int, second: int) -> dict[str, str]:
    date = f"{day:02}/{month:02}/{year % 100:02}"
    return {
        "colons": f"{date} {hour:02}:{minute:02}:{second:02}",
        "slashes": f"{date} {hour:02}/{minute:02}/{second:02}",
        "packed": f"{year % 100:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}",
    }


@pytest.mark.parametrize("numbers", EXISTING)
def test_a_date_that_exists_is_read_with_its_time(numbers: tuple[int, int, int, int, int, int]) -> None:
    written, naive = forms(*numbers), datetime(*numbers)  # noqa: DTZ001 - legal time

    assert LocalTime.of(naive, "") == read(codecs.date(COLONS), written["colons"])
    assert LocalTime.of(naive, "") == read(codecs.date(SLASHES), written["slashes"])
    for season in "HEhe":
        assert LocalTime.of(naive, season) == read(codecs.stamp(codecs.empty), "", season + written["packed"])
    for season in "HEhe ":
        peak = codecs.stamp(codecs.integer(width=2), SEASONLESS)
        assert LocalTime.of(naive, season) == read(peak, "00", season + written["packed"])


@pytest.mark.parametrize("numbers", MISSING)
def test_a_date_that_does_not_exist_is_refused(numbers: tuple[int, int, int, int, int, int]) -> None:
    written = forms(*numbers)

    assert REFUSED is read(codecs.date(COLONS), written["colons"])
    assert REFUSED is read(codecs.date(SLASHES), written["slashes"])
    assert REFUSED is read(codecs.stamp(codecs.empty), "", "E" + written["packed"])
    assert REFUSED is read(codecs.stamped(codecs.integer(width=2)), "00", "E" + written["packed"])
    assert REFUSED is read(codecs.degraded, "", "e" + written["packed"])


@pytest.mark.parametrize(
    "value",
    [
        "26/08/16",
        "26/08/16 10:29",
        "26/08/16  10:29:04",
        "26/08/16T10:29:04",
        "26-08-16 10:29:04",
        "26/08/2016 10:29:04",
        "6/08/16 10:29:04",
        " 6/08/16 10:29:04",
        "26/08/16 10:29:04 ",
        "0/038/21 15:40:00",
        "26/08/16 10/29:04",
        "२6/08/16 10:29:04",
    ],
)
def test_a_date_of_another_form_is_refused(value: str) -> None:
    assert REFUSED is read(codecs.date(COLONS), value)
    assert REFUSED is read(codecs.date(SLASHES), value)


def test_each_family_writes_its_dates_in_one_way() -> None:
    assert REFUSED is read(codecs.date(COLONS), "26/08/16 10/29/04")
    assert REFUSED is read(codecs.date(SLASHES), "26/08/16 10:29:04")


@pytest.mark.parametrize(
    "timestamp",
    [
        " 190922173134",
        "X190922173134",
        "190922173134",
        "E19092217313",
        "E1909221731344",
        "EE90922173134",
        "E१90922173134",
    ],
)
def test_a_timestamp_of_another_form_is_refused(timestamp: str) -> None:
    assert REFUSED is read(codecs.stamp(codecs.empty), "", timestamp)
    assert REFUSED is read(codecs.stamped(codecs.integer(width=5)), "01234", timestamp)
    assert REFUSED is read(codecs.degraded, "", timestamp)


def test_a_timestamped_group_needs_both_its_timestamp_and_its_value() -> None:
    five = codecs.integer(width=5)

    assert 5529 == read(codecs.stamped(five), "05529", "E190922003225")
    assert LocalTime.of(datetime(2019, 9, 22, 0, 32, 25), "E") == read(  # noqa: DTZ001 - legal time
        codecs.stamp(five), "05529", "E190922003225"
    )
    for codec in (codecs.stamp(five), codecs.stamped(five)):
        assert REFUSED is read(codec, "05529")
        assert REFUSED is read(codec, "0552", "E190922003225")
    assert REFUSED is read(codecs.stamp(codecs.empty), "0", "E190922003225")
    assert REFUSED is read(codecs.stamp(codecs.empty), "")


@pytest.mark.parametrize(("season", "expected"), [("H", SILENT), ("E", SILENT), ("h", True), ("e", True)])
def test_a_small_season_letter_says_that_the_clock_is_degraded(season: str, expected: object) -> None:
    assert expected is read(codecs.degraded, "", f"{season}190922173134")
    assert REFUSED is read(codecs.degraded, "0", f"{season}190922173134")
    assert REFUSED is read(codecs.degraded, "")


# --- status register -------------------------------------------------------------------------------------------------

DISCONNECTOR = {0: "closed", 1: "overload", 2: "overvoltage", 3: "shedding", 4: "order", 5: "hot high", 6: "hot low"}
COLORS = {0: "unknown", 1: "blue", 2: "white", 3: "red"}


@pytest.mark.parametrize("number", range(32))
def test_a_bit_of_the_status_register_is_the_one_of_its_number(number: int) -> None:
    # Bits with neighbours that leave no meaning alone (7 states, 10 tariffs, two-bit codes) are tried by themselves.
    legal = {2: (1, 2), 19: (19,), 20: (19, 20), 13: (13,)}.get(number, (number,))
    word = sum(1 << position for position in legal)
    others = 0xFFFFFFFF & ~(1 << number) & ~0b1110 & ~(0b1111 << 10) & ~(0b1111 << 19)

    assert True is read(codecs.bit(number), f"{word:08X}")
    assert False is read(codecs.bit(number), "00000000")
    assert False is read(codecs.bit(number), f"{others:08X}")
    assert False is read(codecs.bit(number, inverted=True), f"{word:08X}")
    assert True is read(codecs.bit(number, inverted=True), "00000000")


@pytest.mark.parametrize(
    "value",
    ["", "003A440", "003A44011", "003a4401", "003A440G", " 03A4401", "0x3A4401", "003A_401", "+03A4401", "003A4४01"],
)
def test_a_status_register_is_eight_capital_hexadecimal_digits(value: str) -> None:
    for codec in (codecs.bit(0), codecs.bits(1, 3, DISCONNECTOR), codecs.tempo_color(24, COLORS)):
        assert REFUSED is read(codec, value)


@pytest.mark.parametrize(
    ("low", "width", "illegal"), [(1, 3, {7}), (10, 4, set(range(10, 16))), (19, 2, {2}), (21, 2, {3})]
)
def test_a_status_register_with_a_code_that_no_table_gives_is_refused(low: int, width: int, illegal: set[int]) -> None:
    meanings = {code: str(code) for code in range(1 << width)}
    for code in range(1 << width):
        expected = REFUSED if code in illegal else str(code)
        assert expected == read(codecs.bits(low, low + width - 1, meanings), f"{code << low:08X}")


def test_a_code_without_a_meaning_is_silent() -> None:
    assert SILENT is read(codecs.bits(14, 15, {0: "01"}), "00004000")
    assert "01" == read(codecs.bits(14, 15, {0: "01"}), "00000000")


@pytest.mark.parametrize(("today", "tomorrow"), list(product(range(4), range(4))))
def test_colours_are_told_under_tempo_alone(today: int, tomorrow: int) -> None:
    word = f"{today << 24 | tomorrow << 26:08X}"
    is_tempo = bool(today or tomorrow)

    assert (COLORS[today] if is_tempo else SILENT) == read(codecs.tempo_color(24, COLORS), word)
    assert (COLORS[tomorrow] if is_tempo else SILENT) == read(codecs.tempo_color(26, COLORS), word)


@pytest.mark.parametrize(
    ("value", "closed"), [("000", set()), ("001", {1}), ("140", {3, 4, 8}), ("255", {1, 2, 3, 4, 5, 6, 7, 8})]
)
def test_relays_are_the_bits_of_a_decimal_byte(value: str, closed: set[int]) -> None:
    assert closed == {relay for relay in range(1, 9) if read(codecs.byte_bit(relay - 1), value)}


@pytest.mark.parametrize("value", ["", "1", "01", "0001", "256", "999", "0FF", "-01", " 01", "1_0"])
def test_relays_of_another_form_are_refused(value: str) -> None:
    assert REFUSED is read(codecs.byte_bit(0), value)


@pytest.mark.parametrize(
    ("value", "missing"), [("00", set()), ("02", {1}), ("04", {2}), ("08", {3}), ("0E", {1, 2, 3}), ("F1", set())]
)
def test_missing_phases_are_the_bits_of_a_hexadecimal_byte(value: str, missing: set[int]) -> None:
    assert missing == {phase for phase in (1, 2, 3) if read(codecs.hex_bit(phase), value)}


@pytest.mark.parametrize("value", ["", "0", "000", "0e", "0G", " 0", "0 ", "-1"])
def test_missing_phases_of_another_form_are_refused(value: str) -> None:
    assert REFUSED is read(codecs.hex_bit(1), value)


# --- the profile of the next day -------------------------------------------------------------------------------------


def profile(*slots: str) -> str:
    return " ".join([*slots, *["NONUTILE"] * (11 - len(slots))])


def starts(value: str) -> list[object]:
    return [read(codecs.profile_start(slot), value) for slot in range(1, 12)]


def placed(hours: float, index: str) -> Placed:
    return Placed(hours * 3600, (("tariff_period", index),))


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        (("0000C001", "06208002", "2220C001"), [placed(0, "01"), placed(6 + 1 / 3, "02"), placed(22 + 1 / 3, "01")]),
        (("00004001", "06004002", "22004001"), [placed(0, "01"), placed(6, "02"), placed(22, "01")]),
        (("00004003", "06004004", "22004003"), [placed(0, "03"), placed(6, "04"), placed(22, "03")]),
        (("00008001",), [placed(0, "01")]),
        # A letter proves hexadecimal; one proof settles the profile.
        (("0A008002", "1000C001"), [placed(10, "02"), placed(16, "01")]),
        (("0C1EC001", "0F1E8002"), [placed(12.5, "01"), placed(15.5, "02")]),
        (
            ("00004001", "06004002", "0A004003", "16004001"),
            [placed(0, "01"), placed(6, "02"), placed(10, "03"), placed(22, "01")],
        ),
        # A pair that is no time of day in hexadecimal proves decimal.
        (("00008001", "11568002"), [placed(0, "01"), placed(11 + 56 / 60, "02")]),
        (("00008001", "06508002"), [placed(0, "01"), placed(6 + 50 / 60, "02")]),
        (
            ("00008002", "0210C001", "08108002", "1440C001"),
            [placed(0, "02"), placed(2 + 1 / 6, "01"), placed(8 + 1 / 6, "02"), placed(14 + 2 / 3, "01")],
        ),
        # 06:00 and 16:00, or 06:00 and 22:00: nothing tells, and nothing is told, of the whole profile.
        (("00004001", "06004002", "16004001"), [SILENT, SILENT, SILENT]),
        (("00008001", "10008002"), [SILENT, SILENT]),
        # No change of tariff: 0 and 11 to 15.
        (("00008000", "06008002", "0700800B", "0900800F"), [SILENT, placed(6, "02"), SILENT, SILENT]),
        (("0000800A",), [placed(0, "10")]),
        ((), []),
    ],
)
def test_a_profile_gives_the_start_of_each_period_unless_its_encoding_is_ambiguous(
    slots: tuple[str, ...], expected: list[object]
) -> None:
    found = starts(profile(*slots))

    assert [SILENT] * (11 - len(slots)) == found[len(slots) :]
    for wanted, got in zip(expected, found, strict=False):
        if isinstance(wanted, Placed):
            assert isinstance(got, Placed)
            assert wanted.dimensions == got.dimensions
            assert pytest.approx(wanted.number) == got.number
        else:
            assert wanted is got


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0000C001",
        " ".join(["NONUTILE"] * 10),
        " ".join(["NONUTILE"] * 12),
        profile("0000C001") + " ",
        profile("0000C01"),
        profile("0000c001"),
        profile("NONUTILe"),
        profile("2400C001"),
        profile("3000C001", "0A008002"),
        profile("0060C001"),
        profile("0A00C001", "22208002"),  # proofs of both encodings
        profile("FF00C001"),
        "  ".join(["NONUTILE"] * 11),
    ],
)
def test_a_profile_that_cannot_be_is_refused(value: str) -> None:
    assert {REFUSED} == set(starts(value))


@given(st.integers(0, 23), st.integers(0, 59))
def test_a_proof_of_the_encoding_settles_every_time_of_the_profile(hour: int, minute: int) -> None:
    decimal, hexadecimal = f"{hour:02}{minute:02}8001", f"{hour:02X}{minute:02X}8001"
    expected = Placed(hour * 3600.0 + minute * 60, (("tariff_period", "01"),))

    assert expected == starts(profile(decimal, "22208002"))[0]
    assert expected == starts(profile(hexadecimal, "0A008002"))[0]
