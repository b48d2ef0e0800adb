"""One group, in the two dialects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import frames
from tic_exporter.tic.groups import (
    Defect,
    Dialect,
    Group,
    checksum,
    dialect_of,
    encode_frame,
    encode_group,
    parse_group,
    pieces,
    split,
)

HISTORIC, STANDARD = Dialect.HISTORIC, Dialect.STANDARD

# Groups with the sum that their checksum is made of, as computed by hand.
EXAMPLES = [
    (HISTORIC, "ADCO 000123456789 D", 932, Group("ADCO", "000123456789")),
    (HISTORIC, "OPTARIF BASE 0", 848, Group("OPTARIF", "BASE")),
    (HISTORIC, "OPTARIF HC.. <", 796, Group("OPTARIF", "HC..")),
    (HISTORIC, "OPTARIF BBR( S", 819, Group("OPTARIF", "BBR(")),
    (HISTORIC, "PTEC HP..  ", 576, Group("PTEC", "HP..")),
    (HISTORIC, "EJPHPM 002222222 B", 930, Group("EJPHPM", "002222222")),
    (HISTORIC, "BBRHPJR 000844115 Q", 1009, Group("BBRHPJR", "000844115")),
    (HISTORIC, "DEMAIN ROUG +", 779, Group("DEMAIN", "ROUG")),
    (HISTORIC, "IINST1 010 I", 617, Group("IINST1", "010")),
    (HISTORIC, "PMAX 17480 :", 602, Group("PMAX", "17480")),
    (HISTORIC, "MOTDETAT 400000 F", 934, Group("MOTDETAT", "400000")),
    (HISTORIC, "MESURES1 BT 4 SUP36 @", 1248, Group("MESURES1", "BT 4 SUP36")),
    (HISTORIC, "DATE 26/08/16 10:29:04 7", 1175, Group("DATE", "26/08/16 10:29:04")),
    (HISTORIC, "TGPHI_s -0,39 C", 867, Group("TGPHI_s", "-0,39")),
    (HISTORIC, "EAP_s2 9649kWh  ", 1024, Group("EAP_s2", "9649kWh")),
    (STANDARD, "VTIC\t02\tJ", 426, Group("VTIC", "02")),
    (STANDARD, "DATE\tE210414082625\t\tA", 993, Group("DATE", "", "E210414082625")),
    (STANDARD, "NGTF\t     TEMPO      \tF", 1062, Group("NGTF", "     TEMPO      ")),
    (STANDARD, "EASD01\t000000000\t ", 832, Group("EASD01", "000000000")),
    (STANDARD, "SMAXSN1-1\tE210413111148\t01084\tA", 1569, Group("SMAXSN1-1", "01084", "E210413111148")),
    (STANDARD, "STGE\t013A0501\t@", 736, Group("STGE", "013A0501")),
    (STANDARD, "MSG1\tPAS DE          MESSAGE         \t<", 1820, Group("MSG1", "PAS DE          MESSAGE         ")),
    (
        STANDARD,
        "PJOURF+1\t00004001 06004002 22004001" + 8 * " NONUTILE" + "\t.",
        7054,
        Group("PJOURF+1", "00004001 06004002 22004001" + 8 * " NONUTILE"),
    ),
    # Made by hand, for families that nobody has recorded.
    (HISTORIC, "JAUNE 14:05:26:08:11:  :00495:80 /", None, Group("JAUNE", "14:05:26:08:11:  :00495:80")),
    (HISTORIC, "JAUNE 07:31:14:01:21:DP:01234:00 +", None, Group("JAUNE", "07:31:14:01:21:DP:01234:00")),
    (HISTORIC, "ENERG 012345:023456:034567:045678 9", None, Group("ENERG", "012345:023456:034567:045678")),
    (HISTORIC, "PMAXC 01500:01200 \\", None, Group("PMAXC", "01500:01200")),
    (HISTORIC, "FCOU 14:00:30 I", None, Group("FCOU", "14:00:30")),
    (HISTORIC, "CONTRAT BASE_A5 K", None, Group("CONTRAT", "BASE_A5")),
    (HISTORIC, "DATECOUR 12/03/15 14/05/33 O", None, Group("DATECOUR", "12/03/15 14/05/33")),
    (HISTORIC, "EApHPE 123456kWh 2", None, Group("EApHPE", "123456kWh")),
    (HISTORIC, "PA2 37H.kW %", None, Group("PA2", "37H.kW")),
    (HISTORIC, "KDC 90%  ", None, Group("KDC", "90%")),
    (HISTORIC, "PREAVIS1 TD- ?  O", None, Group("PREAVIS1", "TD- ? ")),
    (HISTORIC, "TDYN1CD 12/01/15 07:00:00-PM  $", None, Group("TDYN1CD", "12/01/15 07:00:00-PM ")),
    (HISTORIC, "PREAVIS DEP  S", None, Group("PREAVIS", "DEP ")),
    (HISTORIC, "ADPS 032 =", None, Group("ADPS", "032")),
    (HISTORIC, "ADIR1 026 )", None, Group("ADIR1", "026")),
    (STANDARD, "LG_TRM\tTRM_COURTE\t;", None, Group("LG_TRM", "TRM_COURTE")),
    (STANDARD, "EAp1SD\t123456kWh\tO", None, Group("EAp1SD", "123456kWh")),
    (STANDARD, "TDYND\td-12/03/17 07/00/00-1\tU", None, Group("TDYND", "d-12/03/17 07/00/00-1")),
    (STANDARD, "DATE\th081225223518\t\t(", None, Group("DATE", "", "h081225223518")),
    (STANDARD, "FPM1\t 230214060000\t00\t!", None, Group("FPM1", "00", " 230214060000")),
]

LABELS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=9)
TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=98)
HISTORIC_GROUPS = st.builds(Group, LABELS, TEXTS.filter(bool), st.none())
STANDARD_GROUPS = st.builds(Group, LABELS, TEXTS, st.one_of(st.none(), TEXTS.filter(bool)))
CASES = st.one_of(
    st.tuples(st.just(HISTORIC), HISTORIC_GROUPS),
    st.tuples(st.just(STANDARD), STANDARD_GROUPS),
)
REFERENCES = [
    frames.SINGLE_PHASE_HC,
    frames.SINGLE_PHASE_TEMPO,
    frames.SINGLE_PHASE_WITHOUT_POWER,
    frames.THREE_PHASE_EJP,
    frames.STANDARD_CONSUMER,
    frames.STANDARD_PRODUCER,
    frames.PMEPMI,
]


@pytest.mark.parametrize(("dialect", "raw", "total", "group"), EXAMPLES)
def test_a_known_group_is_read_whole_and_written_back(
    dialect: Dialect, raw: str, total: int | None, group: Group
) -> None:
    assert dialect is dialect_of(raw.encode())
    assert group == parse_group(raw.encode(), dialect)
    assert f"\n{raw}\r".encode() == encode_group(group, dialect)
    if total is not None:
        covered = raw[:-2] if dialect is HISTORIC else raw[:-1]
        assert total == sum(covered.encode())
        assert raw[-1] == chr(checksum(covered.encode()))


@pytest.mark.parametrize("groups", REFERENCES)
def test_every_group_of_a_reference_frame_is_right(groups: tuple[str, ...]) -> None:
    raw = [line.encode() for line in groups]
    dialect = dialect_of(frames.body(groups))
    parsed = [parse_group(line, dialect) for line in raw]
    good = [group for group in parsed if isinstance(group, Group)]

    assert len(groups) == len(good)
    assert raw == split(frames.body(groups))
    assert frames.wire(groups) == encode_frame(good, dialect)


@given(CASES)
def test_what_was_written_is_read_the_same(case: tuple[Dialect, Group]) -> None:
    dialect, group = case
    written = encode_group(group, dialect)

    assert (b"\n", b"\r") == (written[:1], written[-1:])
    assert group == parse_group(written[1:-1], dialect)


@given(CASES)
def test_the_separator_alone_decides_the_mode(case: tuple[Dialect, Group]) -> None:
    dialect, group = case
    raw = encode_group(group, dialect)[1:-1]
    covered = raw[:-1] if dialect is HISTORIC else raw[:-2]  # as the other dialect covers it
    other = raw[:-1] + bytes([checksum(covered)])

    assert Defect.CHECKSUM is parse_group(other, dialect)


@given(st.binary(max_size=120), st.sampled_from(Dialect))
def test_no_bytes_make_reading_a_group_fail(raw: bytes, dialect: Dialect) -> None:
    found = parse_group(raw, dialect)

    assert isinstance(found, Defect) or encode_group(found, dialect)[1:-1] == raw


@given(CASES, st.data())
def test_a_right_checksum_is_one_of_64(case: tuple[Dialect, Group], data: st.DataObject) -> None:
    dialect, group = case
    raw = encode_group(group, dialect)[1:-1]
    accepted = [code for code in range(256) if parse_group(raw[:-1] + bytes([code]), dialect) == group]

    assert [raw[-1]] == accepted
    assert 0x20 <= raw[-1] <= 0x5F


@pytest.mark.parametrize(
    ("raw", "dialect"),
    [
        (b"", HISTORIC),
        (b"", STANDARD),
        (b"IMAX032 :", HISTORIC),  # a lost separator; of ADPS see below
        (b"PTEC HP.. ", HISTORIC),  # a lost separator or a lost checksum
        (b"EAP_s2 9649kWh ", HISTORIC),
        (b"PTEC  ", HISTORIC),
        (b" 000123456789 D", HISTORIC),
        (b"LONGER_LABEL 1 A", HISTORIC),
        (b"ADCO\t000123456789\tD", HISTORIC),
        (b"VTIC 02 J", STANDARD),
        (b"VTIC\t02", STANDARD),
        (b"VTIC\t02\t", STANDARD),
        (b"VTIC\t02\tJJ", STANDARD),
        (b"DATE\t\t\tA", STANDARD),
        (b"A\tB\tC\tD\tE", STANDARD),
        (b"\tB\tC", STANDARD),
        (b"MSG1\tA\x1fB\tA", STANDARD),
        (b"MSG1\tA\x7fB\tA", STANDARD),
        (b"PTEC HP..  \n", HISTORIC),
        (b"IINST1 010 `", HISTORIC),
        (b"IINST1 010 \x7f", HISTORIC),
    ],
)
def test_what_has_not_the_form_of_a_group_is_malformed(raw: bytes, dialect: Dialect) -> None:
    assert Defect.MALFORMED is parse_group(raw, dialect)


@pytest.mark.parametrize(
    ("raw", "dialect"),
    [
        (b"HCHU 022032205 #", HISTORIC),
        (b"PAPP 90390 '", HISTORIC),
        (b"PTEC HP.. \x21", HISTORIC),
        (b"EASD01\t06476 712\t ", STANDARD),
        (b"SINSTS\t0121?\t ", STANDARD),
        (b"RMS3\t001\t1", STANDARD),
    ],
)
def test_a_damaged_group_has_a_wrong_checksum(raw: bytes, dialect: Dialect) -> None:
    assert Defect.CHECKSUM is parse_group(raw, dialect)


@pytest.mark.parametrize("raw", [b"ADCO 00012345678\xb9 D", b"\xc1DCO 000123456789 D", b"ADCO 000123456789 \xc4"])
def test_a_character_with_the_wrong_parity_is_named(raw: bytes) -> None:
    assert Defect.PARITY is parse_group(raw, HISTORIC)


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"\nA\r\nB\r",
        b"\r\nA\r\nB\r",
        b"\nA\r\nB\r\n",
        b"\r\n\r\nA\r\nB\r\n\r\n",
        b"\n\nA\r\nB\r\r",
    ],
)
def test_line_ends_around_the_groups_of_a_body_are_tolerated(body: bytes) -> None:
    assert [b"A", b"B"] == split(body)


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"A\r\nB\r", b"\nA\r\nB", b"\rA\r\nB\r", b"\nA\r\nB\n", b"A", b"\n", b"\r"]
)
def test_a_body_that_does_not_begin_and_end_with_a_group_is_not_whole(body: bytes) -> None:
    assert split(body) is None


@pytest.mark.parametrize("body", [b"\nA\rB\r", b"\nA\nB\r", b"\nA\r\r\nB\r", b"\nA\r\n\nB\r", b"\nA\n\rB\r"])
def test_a_line_end_that_was_lost_or_doubled_inside_spoils_a_group(body: bytes) -> None:
    parts = split(body)

    assert parts is not None
    assert [b"A", b"B"] != parts
    assert any(b"\r" in part or b"\n" in part or not part for part in parts)


def test_the_pieces_of_a_broken_body_are_what_stands_between_line_ends() -> None:
    assert [b"A", b"B", b"C"] == pieces(b"A\r\nB\n\r\rC")
    assert [] == pieces(b"\r\n")


@pytest.mark.parametrize("groups", REFERENCES)
def test_all_groups_of_a_frame_have_one_dialect(groups: tuple[str, ...]) -> None:
    expected = STANDARD if groups[0].startswith("ADSC") else HISTORIC

    assert {expected} == {dialect_of(line.encode()) for line in groups}
    assert expected is dialect_of(frames.body(groups))


@pytest.mark.parametrize("text", ["ADPS032 =", "ADPS032 ]", "ADPS999 3", "ADPS999 S"])
def test_an_adps_glued_to_its_value_is_read_if_its_checksum_fits(text: str) -> None:
    assert Group("ADPS", text[4:7]) == parse_group(text.encode("ascii"), HISTORIC)


@pytest.mark.parametrize(
    ("text", "dialect", "defect"),
    [
        ("ADPS032 <", HISTORIC, Defect.CHECKSUM),
        ("ADPS032 =", STANDARD, Defect.MALFORMED),
        ("ADPS32 -", HISTORIC, Defect.MALFORMED),
        ("ADPS0032 M", HISTORIC, Defect.MALFORMED),
        ("ADPS03A L", HISTORIC, Defect.MALFORMED),
        ("ADPS032=", HISTORIC, Defect.MALFORMED),
        ("IINST032 &", HISTORIC, Defect.MALFORMED),
    ],
)
def test_nothing_else_is_repaired(text: str, dialect: Dialect, defect: Defect) -> None:
    assert defect is parse_group(text.encode("ascii"), dialect)
