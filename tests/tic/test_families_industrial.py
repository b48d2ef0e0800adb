"""ICE, CJE and SAPHIR: no recording of such a meter is public, so these frames are made here from the specification."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from tic_exporter.tic import quantities as q
from tic_exporter.tic.codecs import LocalTime, Verdict
from tic_exporter.tic.decoding import Decoder
from tic_exporter.tic.families import FAMILIES
from tic_exporter.tic.families.cje import CJE
from tic_exporter.tic.families.ice import ICE_2Q, ICE_4Q
from tic_exporter.tic.families.saphir import SAPHIR
from tic_exporter.tic.frames import DecodedFrame, Finding
from tic_exporter.tic.framing import Cut, RawFrame
from tic_exporter.tic.groups import Defect, Dialect, Group, encode_frame, parse_group

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tic_exporter.tic.codecs import Value
    from tic_exporter.tic.quantities import Quantity
    from tic_exporter.tic.schema import Family, Field

    Readings = dict[tuple[Quantity | str, ...], Value]

HISTORIC, STANDARD = Dialect.HISTORIC, Dialect.STANDARD


def raw(lines: Iterable[str], dialect: Dialect = HISTORIC) -> RawFrame:
    """A frame of groups `LABEL value`, as it comes out of the framer."""
    groups = [Group(label, value) for label, _, value in (line.partition(" ") for line in lines)]
    return RawFrame(encode_frame(groups, dialect)[1:-1], Cut.COMPLETE)


def readings(frame: DecodedFrame) -> Readings:
    """The readings by quantity and the values of its dimensions; of two of one series the last."""
    return {
        (reading.quantity, *(value for _, value in reading.dimensions)): reading.value for reading in frame.readings
    }


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> LocalTime:
    return LocalTime.of(datetime(year, month, day, hour, minute, second), "")  # noqa: DTZ001 - legal time


def replaced(lines: Iterable[str], *others: str) -> list[str]:
    """The lines, with those of the same labels exchanged for others."""
    new = {line.partition(" ")[0]: line for line in others}
    return [new.get(line.partition(" ")[0], line) for line in lines]


# --- every label of the specification is known -----------------------------------------------------------------------

CJE_LABELS = "JAUNE ENERG PERCC PMAXC TDEPA PERCP PMAXP PSOUSC PSOUSP FCOU"

ICE_2Q_LABELS = """
    CONTRAT DATECOUR DATE EA ERP PTCOUR PREAVIS MODE
    DATEPA1 PA1 DATEPA2 PA2 DATEPA3 PA3 DATEPA4 PA4 DATEPA5 PA5 DATEPA6 PA6
    DEBUTp FINp CAFp
    EApP EApHPH EApHPD EApHCH EApHCD EApHPE EApHCE EApJA EApPM EApHH EApHD EApHM EApDSM EApSCM
    ERPpP ERPpHPH ERPpHPD ERPpHCH ERPpHCD ERPpHPE ERPpHCE ERPpJA ERPpPM ERPpHH ERPpHD ERPpHM ERPpDSM ERPpSCM
    ERNpP ERNpHPH ERNpHPD ERNpHCH ERNpHCD ERNpHPE ERNpHCE ERNpJA ERNpPM ERNpHH ERNpHD ERNpHM ERNpDSM ERNpSCM
    EAp1P EAp1HPH EAp1HPD EAp1HCH EAp1HCD EAp1HPE EAp1HCE EAp1JA EAp1PM EAp1HH EAp1HD EAp1HM EAp1DSM EAp1SCM
    ERPp1P ERPp1HPH ERPp1HPD ERPp1HCH ERPp1HCD ERPp1HPE ERPp1HCE ERPp1JA
    ERPp1PM ERPp1HH ERPp1HD ERPp1HM ERPp1DSM ERPp1SCM
    ERNp1P ERNp1HPH ERNp1HPD ERNp1HCH ERNp1HCD ERNp1HPE ERNp1HCE ERNp1JA
    ERNp1PM ERNp1HH ERNp1HD ERNp1HM ERNp1DSM ERNp1SCM
    DEBUTp1 FINp1 CAFp1 KDC KDCD
    PSP PSHPH PSHPD PSHCH PSHCD PSHPE PSHCE PSJA PSPM PSHH PSHD PSHM PSDSM PSSCM
    PA1MN PA10MN PREA1MN PREA10MN TGPHI U10MN
"""

ICE_4Q_SECTION_LABELS = """
    U10MN DATECOUR DEBUTp DEBUTp1 DATEP1 DATEP2 DATEP3 DATEP4 DATEP5 DATEP6 EA ERP ERN PTCOUR PREAVIS MODE
    P1 P2 P3 P4 P5 P6 EApCour ERPpCour ERNpCour
    EAp1P1 EAp1P2 EAp1P3 EAp1P4 EAp1P5 EAp1P6 EAp1P7 EAp1P8
    ERPp1P1 ERPp1P2 ERPp1P3 ERPp1P4 ERPp1P5 ERPp1P6 ERPp1P7 ERPp1P8
    ERNp1P1 ERNp1P2 ERNp1P3 ERNp1P4 ERNp1P5 ERNp1P6 ERNp1P7 ERNp1P8
    PrapCour PRapCour IPA1MN IPATMN IPREA1MN IPREATMN I1 I2 I3 TGPHI
"""

SAPHIR_LABELS = """
    LG_TRM ADS DATE MESSAGE TD TC EAS ER+S ER-S EAI ER+I ER-I I1I I2I I3I GRILLE_D GRILLE_F PTCOURD PTCOURF
    PREAVIS PREAVISD PREAVISF TDYND TDYNF ETATDYND ETATDYNF MODE
    DATEPA1 PA1S PR+1S PR-1S PA1I PR+1I PR-1I UMOY1 DATEPA2 PA2S PR+2S PR-2S PA2I PR+2I PR-2I UMOY2
    DATEPA3 PA3S PR+3S PR-3S PA3I PR+3I PR-3I UMOY3 DATEPA4 PA4S PR+4S PR-4S PA4I PR+4I PR-4I UMOY4
    DATEPA5 PA5S PR+5S PR-5S PA5I PR+5I PR-5I UMOY5 DATEPA6 PA6S PR+6S PR-6S PA6I PR+6I PR-6I UMOY6
    PAX1 PAX2 PAX3 PAX4 PAX5 PAX6
    EAp1SD EAp2SD EAp3SD EAp4SD EAp5SD EAp6SD EAp7SD EAp8SD
    ER+p1SD ER-p1SD ER+p2SD ER-p2SD ER+p3SD ER-p3SD ER+p4SD ER-p4SD
    ER+p5SD ER-p5SD ER+p6SD ER-p6SD ER+p7SD ER-p7SD ER+p8SD ER-p8SD
    EAp1ID EAp2ID EAp3ID EAp4ID EAp5ID EAp6ID EAp7ID EAp8ID
    ER+p1ID ER-p1ID ER+p2ID ER-p2ID ER+p3ID ER-p3ID ER+p4ID ER-p4ID
    ER+p5ID ER-p5ID ER+p6ID ER-p6ID ER+p7ID ER-p7ID ER+p8ID ER-p8ID
    FINP1
    EAp1SD1 EAp2SD1 EAp3SD1 EAp4SD1 EAp5SD1 EAp6SD1 EAp7SD1 EAp8SD1
    ER+p1SD1 ER-p1SD1 ER+p2SD1 ER-p2SD1 ER+p3SD1 ER-p3SD1 ER+p4SD1 ER-p4SD1
    ER+p5SD1 ER-p5SD1 ER+p6SD1 ER-p6SD1 ER+p7SD1 ER-p7SD1 ER+p8SD1 ER-p8SD1
    EAp1ID1 EAp2ID1 EAp3ID1 EAp4ID1 EAp5ID1 EAp6ID1 EAp7ID1 EAp8ID1
    ER+p1ID1 ER-p1ID1 ER+p2ID1 ER-p2ID1 ER+p3ID1 ER-p3ID1 ER+p4ID1 ER-p4ID1
    ER+p5ID1 ER-p5ID1 ER+p6ID1 ER-p6ID1 ER+p7ID1 ER-p7ID1 ER+p8ID1 ER-p8ID1
    KDC KDCD PSp1 PSp2 PSp3 PSp4 PSp5 PSp6 PSp7 PSp8
    LIB_p1D LIB_p2D LIB_p3D LIB_p4D LIB_p5D LIB_p6D LIB_p7D LIB_p8D
    LIB_p1F LIB_p2F LIB_p3F LIB_p4F LIB_p5F LIB_p6F LIB_p7F LIB_p8F
    PA1MN PA10MN PREA1MN PREA10MN IPA1MN IPATMN IPREA1MN IPREATMN TGPHIS TGPHII U10MN
    EAp1SF EAp2SF EAp3SF EAp4SF EAp5SF EAp6SF EAp7SF EAp8SF
    EAp1SF1 EAp2SF1 EAp3SF1 EAp4SF1 EAp5SF1 EAp6SF1 EAp7SF1 EAp8SF1
"""


def understood(family: Family, rows: Iterable[Field]) -> set[str]:
    """Labels that are a row, a memory, another spelling of one, or left aside for a reason."""
    own = {row.label for row in rows} | {memory.label for memory in family.memories}
    own |= {label for label, reason in family.ignored.items() if reason} | (
        {family.id_label} if family.id_label else set()
    )
    return own | {alias for alias, label in family.aliases.items() if label in own}


@pytest.mark.parametrize(
    ("family", "rows", "labels"),
    [
        (CJE, CJE.fields, CJE_LABELS),
        (ICE_2Q, ICE_2Q.fields, ICE_2Q_LABELS),
        (ICE_4Q, ICE_4Q.fields, ICE_2Q_LABELS),
        (ICE_4Q, ICE_4Q.sections["Appli", "INJECTION"], ICE_4Q_SECTION_LABELS),
        (SAPHIR, SAPHIR.fields, SAPHIR_LABELS),
    ],
)
def test_every_label_of_the_specification_is_understood_and_no_other_has_a_row(
    family: Family, rows: tuple[Field, ...], labels: str
) -> None:
    listed = labels.split()

    assert len(listed) == len(set(listed))
    assert set(listed) <= understood(family, rows) <= family.known_labels
    assert {row.label for row in rows} <= set(listed)
    assert all(len(label) <= 9 for label in listed)


@pytest.mark.parametrize("family", [CJE, ICE_2Q, ICE_4Q, SAPHIR], ids=lambda family: family.name)
def test_a_row_gives_no_dimension_that_its_quantity_lacks(family: Family) -> None:
    for row in family.all_fields:
        assert set(row.dimensions) <= {*row.quantity.dimensions, row.quantity.value_dimension}, row


@pytest.mark.parametrize("family", [CJE, ICE_2Q, ICE_4Q, SAPHIR], ids=lambda family: family.name)
def test_every_label_refuses_what_is_not_its_form(family: Family) -> None:
    free_texts = {"MESSAGE", "GRILLE_D", "GRILLE_F", "PTCOURD", "PTCOURF", "TD"}
    free_texts |= {memory.label for memory in SAPHIR.memories}
    for rows in [family.by_label, *family.section_by_label.values()]:
        for label in rows.keys() - free_texts:
            for wrong in ("?", "-", "12", "1 kWh", "01kWh", "9999999999", "32768kWh\n", "4l2Wh"):
                assert all(row.codec(wrong, None) is Verdict.REFUSED for row in rows[label]), (label, wrong)


# --- single groups made by hand, with their checksums ----------------------------------------------------------------

SYNTHETIC = [
    (b"JAUNE 14:05:26:08:11:  :00495:80 /", HISTORIC, CJE),
    (b"JAUNE 07:31:14:01:21:DP:01234:00 +", HISTORIC, CJE),
    (b"ENERG 012345:023456:034567:045678 9", HISTORIC, CJE),
    (b"PMAXC 01500:01200 \\", HISTORIC, CJE),
    (b"FCOU 14:00:30 I", HISTORIC, CJE),
    (b"CONTRAT BASE_A5 K", HISTORIC, ICE_2Q),
    (b"DATECOUR 12/03/15 14/05/33 O", HISTORIC, ICE_2Q),
    (b"EApHPE 123456kWh 2", HISTORIC, ICE_2Q),
    (b"PA2 37H.kW %", HISTORIC, ICE_2Q),
    (b"KDC 90%  ", HISTORIC, ICE_2Q),
    (b"PREAVIS DEP  S", HISTORIC, ICE_2Q),
    (b"LG_TRM\tTRM_COURTE\t;", STANDARD, SAPHIR),
    (b"EAp1SD\t123456kWh\tO", STANDARD, SAPHIR),
    (b"TDYND\td-12/03/17 07/00/00-1\tU", STANDARD, SAPHIR),
]


@pytest.mark.parametrize(("group", "dialect", "family"), SYNTHETIC)
def test_a_single_group_is_read_in_its_family(group: bytes, dialect: Dialect, family: Family) -> None:
    parsed = parse_group(group, dialect)

    assert isinstance(parsed, Group)
    rows = family.by_label.get(parsed.label, ())
    assert parsed.label in family.known_labels
    assert not rows or any(row.codec(parsed.value, parsed.timestamp) is not Verdict.REFUSED for row in rows)


# --- CJE -------------------------------------------------------------------------------------------------------------

CJE_FRAME = [
    "JAUNE 14:05:26:08:11:  :00495:80",
    "ENERG 012345:023456:034567:045678",
    "PERCC 01:11:02:00",
    "PMAXC 01500:01200",
    "TDEPA 00012:00003",
    "PERCP 01:04:02:00",
    "PMAXP 01490",
    "PSOUSC 01600:01300",
    "PSOUSP 01700",
    "FCOU 14:00:30",
]
CJE_READINGS: Readings = {
    (q.TARIFF_PERIOD,): "HPE",
    (q.CRITICAL_PEAK,): False,
    (q.OVERLOAD_WARNING,): False,
    (q.APPARENT_POWER_IMPORT,): 4950,
    (q.OVERLOAD_WARNING_RATIO,): 80,
    (q.ACTIVE_ENERGY_IMPORT, "HPE"): 34_567_000,
    (q.ACTIVE_ENERGY_IMPORT, "HCE"): 45_678_000,
    (q.MAX_APPARENT_DEMAND_IMPORT, "1"): 15_000,
    (q.MAX_APPARENT_DEMAND_IMPORT, "2"): 12_000,
    (q.OVERLOAD_DURATION, "1"): 12,
    (q.OVERLOAD_DURATION, "2"): 3,
    (q.PREVIOUS_MAX_APPARENT_DEMAND_IMPORT, ""): 14_900,
    (q.SUBSCRIBED_APPARENT_POWER, "1"): 16_000,
    (q.SUBSCRIBED_APPARENT_POWER, "2"): 13_000,
    (q.NEXT_SUBSCRIBED_APPARENT_POWER, ""): 17_000,
}


def jaune(period: str, *, warning: str = "  ", ratio: str = "80") -> list[str]:
    return replaced(CJE_FRAME, f"JAUNE 14:05:26:08:{period}:{warning}:00495:{ratio}")


def test_a_cje_frame_gives_what_its_option_does_not_decide() -> None:
    frame = Decoder().decode(raw(CJE_FRAME))

    assert frame.family is CJE
    assert frame.meter_id is None
    assert frame.is_valid
    assert frame.is_complete
    assert not frame.findings
    assert readings(frame) == CJE_READINGS


@pytest.mark.parametrize(
    ("telling", "winter", "first", "second"),
    [("22", "HPH", "HPH", "HCH"), ("23", "HPH", "HPH", "HCH"), ("44", "HH", "PM", "HH")],
)
def test_a_cje_option_is_revealed_by_a_period_and_remembered(
    telling: str, winter: str, first: str, second: str
) -> None:
    decoder = Decoder()
    before = readings(decoder.decode(raw(jaune("21"))))
    revealing = readings(decoder.decode(raw(jaune(telling))))
    after = readings(decoder.decode(raw(jaune("21"))))

    assert (q.TARIFF_PERIOD,) not in before
    assert not {(q.ACTIVE_ENERGY_IMPORT, first), (q.ACTIVE_ENERGY_IMPORT, second)} & before.keys()
    for told in (revealing, after):
        assert (told[q.ACTIVE_ENERGY_IMPORT, first], told[q.ACTIVE_ENERGY_IMPORT, second]) == (12_345_000, 23_456_000)
        assert len([key for key in told if key[0] is q.ACTIVE_ENERGY_IMPORT]) == 4
    assert after[q.TARIFF_PERIOD,] == winter


@pytest.mark.parametrize(("contract", "winter", "first"), [("BASE", "HPH", "HPH"), ("EJP", "HH", "PM")])
def test_a_cje_option_may_be_configured_and_the_frame_knows_better(contract: str, winter: str, first: str) -> None:
    decoder = Decoder(memory={"contract": contract})
    configured = readings(decoder.decode(raw(jaune("21"))))
    other = raw(jaune({"BASE": "44", "EJP": "23"}[contract]))
    decoder.decode(other)
    doubted = readings(decoder.decode(raw(jaune("21"))))
    decoder.decode(other)
    corrected = readings(decoder.decode(raw(jaune("21"))))

    assert configured[q.TARIFF_PERIOD,] == winter
    assert configured[q.ACTIVE_ENERGY_IMPORT, first] == 12_345_000
    assert (q.TARIFF_PERIOD,) not in doubted  # one frame may be damaged
    assert corrected[q.TARIFF_PERIOD,] == {"BASE": "HH", "EJP": "HPH"}[contract]


@pytest.mark.parametrize(
    ("period", "name", "peak"),
    [("11", "HPE", False), ("12", "HCE", False), ("22", "HCH", False), ("23", "P", False), ("44", "PM", True)],
)
def test_a_cje_period_that_needs_no_option_is_told_at_once(period: str, name: str, peak: bool) -> None:  # noqa: FBT001
    told = readings(Decoder().decode(raw(jaune(period))))

    assert (told[q.TARIFF_PERIOD,], told[q.CRITICAL_PEAK,]) == (name, peak)


def test_a_cje_warning_is_what_its_element_says_and_never_told_by_absence() -> None:
    decoder = Decoder()

    assert readings(decoder.decode(raw(jaune("11", warning="DP"))))[q.OVERLOAD_WARNING,] is True
    assert readings(decoder.decode(raw(jaune("11"))))[q.OVERLOAD_WARNING,] is False
    without = decoder.decode(raw(CJE_FRAME[1:]))
    assert without.family is CJE
    assert not without.is_complete
    assert (q.OVERLOAD_WARNING,) not in readings(without)


@pytest.mark.parametrize(("ratio", "percent"), [("80", 80), ("99", 99), ("00", 100)])
def test_a_cje_warning_ratio_of_00_is_all_of_it(ratio: str, percent: int) -> None:
    assert readings(Decoder().decode(raw(jaune("11", ratio=ratio))))[q.OVERLOAD_WARNING_RATIO,] == percent


@pytest.mark.parametrize(
    "energies", ["000001:000002:000003:000004:000005", "000001:000002:000003:000004:000005:999999"]
)
def test_cje_registers_that_the_specification_does_not_explain_are_not_published(energies: str) -> None:
    told = readings(Decoder(memory={"contract": "BASE"}).decode(raw(replaced(CJE_FRAME, f"ENERG {energies}"))))

    registers = {key[1]: value for key, value in told.items() if key[0] is q.ACTIVE_ENERGY_IMPORT}
    assert registers == {"HPH": 1000, "HCH": 2000, "HPE": 3000, "HCE": 4000}


@pytest.mark.parametrize(
    ("label", "quantity", "scale"),
    [
        ("PMAXC", q.MAX_APPARENT_DEMAND_IMPORT, 10),
        ("TDEPA", q.OVERLOAD_DURATION, 1),
        ("PMAXP", q.PREVIOUS_MAX_APPARENT_DEMAND_IMPORT, 10),
        ("PSOUSC", q.SUBSCRIBED_APPARENT_POWER, 10),
        ("PSOUSP", q.NEXT_SUBSCRIBED_APPARENT_POWER, 10),
    ],
)
def test_cje_thresholds_are_one_or_high_and_low(label: str, quantity: Quantity, scale: int) -> None:
    expected = {
        "00007": {"": 7},
        "00007:00005": {"1": 7, "2": 5},
        "00007:00005:00003": {"1": 7, "2": 5},
        "00007:00005:00003:00001": {"1": 7, "2": 5},
    }
    for value, numbers in expected.items():
        told = readings(Decoder().decode(raw(replaced(CJE_FRAME, f"{label} {value}"))))
        assert {name: scale * number for name, number in numbers.items()} == {
            key[1]: value for key, value in told.items() if key[0] is quantity
        }


@pytest.mark.parametrize(
    "line",
    [
        "JAUNE 14:05:26:08:13:  :00495:80",
        "JAUNE 14:05:26:08:00:  :00495:80",
        "JAUNE 24:05:26:08:11:  :00495:80",
        "JAUNE 14:60:26:08:11:  :00495:80",
        "JAUNE 14:05:32:08:11:  :00495:80",
        "JAUNE 14:05:26:13:11:  :00495:80",
        "JAUNE 14:05:26:08:11: D:00495:80",
        "JAUNE 14:05:26:08:11:dp:00495:80",
        "JAUNE 14:05:26:08:11::00495:80",
        "JAUNE 14:05:26:08:11:  :0495:80",
        "JAUNE 14:05:26:08:11:  :00495:79",
        "JAUNE 14:05:26:08:11:  :00495:100",
        "JAUNE 14:05:26:08:11:  :00495",
        "JAUNE 14:05:26:08:11:  :00495:80:00",
        "ENERG 012345:023456:034567",
        "ENERG 012345:023456:034567:04567",
        "ENERG 0123456:023456:034567:045678",
        "ENERG 012345:023456:034567:045678:1",
        "ENERG 012345:023456:034567:045678:000000:000000:000000",
        "PMAXC 1500",
        "PMAXC 015000:01200",
        "PMAXC 01500:",
        "PMAXC 01500:01200:01000:00900:00800",
        "TDEPA 00012;00003",
        "PSOUSC 16kVA",
        "PSOUSP 01700:0130O",
        "PMAXP 01490 ",
    ],
)
def test_a_cje_value_of_another_form_costs_the_frame(line: str) -> None:
    frame = Decoder().decode(raw(replaced(CJE_FRAME, line)))

    assert list(frame.findings) == [Finding(Defect.INVALID_VALUE, line.partition(" ")[0])]
    assert not frame.is_valid
    assert not frame.readings


# --- ICE with 2 quadrants --------------------------------------------------------------------------------------------

ICE_HEAD = [
    "CONTRAT BASE_A8",
    "DATECOUR 12/03/15 14/05/33",
    "EA 1234Wh",
    "ERP 567varh",
    "PTCOUR HPD",
]
ICE_PROFILE = [
    "DATEPA1 12/03/15 14/00/00",
    "PA1 137kW",
    "DATEPA2 12/03/15 13/50/00",
    "PA2 37H.kW",
    "DATEPA3 12/03/15 13/40/00",
    "PA3 37C.kW",
    "DATEPA4 12/03/15 13/30/00",
    "PA4 37M.kW",
    "DATEPA5 12/03/15 13/20/00",
    "PA5 32767kW",
    "DATEPA6 12/03/15 13/10/00",
    "PA6 0kW",
]
ICE_TAIL = [
    "DEBUTp 01/03/15 02/00/00",
    "FINp 01/04/15 02/00/00",
    "CAFp 65535",
    "KDC 90%",
    "KDCD 70%",
    "PA1MN 140kW",
    "PA10MN 139kW",
    "PREA1MN -32767kvar",
    "PREA10MN 12kvar",
    "TGPHI -0,39",
    "U10MN 231V",
]
ICE_FRAME = ICE_HEAD + ICE_PROFILE + ICE_TAIL
ICE_READINGS: Readings = {
    (q.CONTRACT,): "BASE_A8",
    (q.CONTRACT_PERIODS,): ("P", "HPH", "HPD", "HCH", "HCD", "HPE", "HCE", "JA"),
    (q.CLOCK,): at(2015, 3, 12, 14, 5, 33),
    (q.INTERVAL_ACTIVE_ENERGY_IMPORT,): 1234,
    (q.INTERVAL_REACTIVE_ENERGY, "1"): 567,
    (q.TARIFF_PERIOD,): "HPD",
    (q.CRITICAL_PEAK,): False,
    (q.OVERLOAD_WARNING,): False,
    (q.CRITICAL_PEAK_NOTICE,): False,
    (q.CONTROL_MODE,): False,
    (q.LOAD_PROFILE_AT, "1"): at(2015, 3, 12, 14),
    (q.LOAD_PROFILE_AT, "2"): at(2015, 3, 12, 13, 50),
    (q.LOAD_PROFILE_AT, "3"): at(2015, 3, 12, 13, 40),
    (q.LOAD_PROFILE_AT, "4"): at(2015, 3, 12, 13, 30),
    (q.LOAD_PROFILE_AT, "5"): at(2015, 3, 12, 13, 20),
    (q.LOAD_PROFILE_AT, "6"): at(2015, 3, 12, 13, 10),
    (q.LOAD_PROFILE_IMPORT, "1"): 137_000,
    (q.LOAD_PROFILE_IMPORT, "5"): 32_767_000,
    (q.LOAD_PROFILE_IMPORT, "6"): 0,
    (q.BILLING_PERIOD_START, "current"): at(2015, 3, 1, 2),
    (q.BILLING_PERIOD_END, "current"): at(2015, 4, 1, 2),
    (q.OVERLOAD_WARNING_RATIO,): 90,
    (q.OVERLOAD_WARNING_RELEASE_RATIO,): 70,
    (q.ACTIVE_DEMAND_IMPORT, "1m"): 140_000,
    (q.ACTIVE_DEMAND_IMPORT, "10m"): 139_000,
    (q.REACTIVE_DEMAND_IMPORT, "1m"): -32_767_000,
    (q.REACTIVE_DEMAND_IMPORT, "10m"): 12_000,
    (q.TAN_PHI,): -0.39,
    (q.LINE_VOLTAGE_MEAN,): 231,
}
ICE_OPTIONS = {
    "BASE_A5": ("P", "HPH", "HCH", "HPE", "HCE"),
    "BASE_A8": ("P", "HPH", "HPD", "HCH", "HCD", "HPE", "HCE", "JA"),
    "EJP_A5": ("PM", "HH", "HPE", "HCE"),
    "EJP_A8": ("PM", "HH", "HD", "HPE", "HCE", "JA"),
    "MOD": ("PM", "HM", "DSM", "SCM"),
}
ICE_PERIODS = ("P", "HPH", "HPD", "HCH", "HCD", "HPE", "HCE", "JA", "PM", "HH", "HD", "HM", "DSM", "SCM")


def test_an_ice_frame_gives_all_its_readings() -> None:
    frame = Decoder().decode(raw(ICE_FRAME))

    assert frame.family is ICE_2Q
    assert frame.meter_id is None
    assert frame.is_valid
    assert frame.is_complete
    assert not frame.findings
    assert readings(frame) == ICE_READINGS


@pytest.mark.parametrize(("contract", "periods"), ICE_OPTIONS.items())
def test_an_ice_register_stands_under_its_period_where_the_contract_has_it(
    contract: str, periods: tuple[str, ...]
) -> None:
    kinds: list[tuple[str, str, tuple[Quantity | str, ...]]] = [
        ("EAp", "kWh", (q.ACTIVE_ENERGY_IMPORT,)),
        ("ERPp", "kvarh", (q.REACTIVE_ENERGY, "1")),
        ("ERNp", "kvarh", (q.REACTIVE_ENERGY, "4")),
        ("EAp1", "kWh", (q.PREVIOUS_ACTIVE_ENERGY_IMPORT,)),
        ("ERPp1", "kvarh", (q.PREVIOUS_REACTIVE_ENERGY, "1")),
        ("ERNp1", "kvarh", (q.PREVIOUS_REACTIVE_ENERGY, "4")),
        ("PS", "kW", (q.SUBSCRIBED_ACTIVE_POWER,)),
    ]
    # An A5 contract sends the labels of A8 as well, where they mean nothing.
    sent = {"BASE_A5": ICE_OPTIONS["BASE_A8"], "EJP_A5": ICE_OPTIONS["EJP_A8"]}.get(contract, periods)
    numbers = {(label, period): 10 * place + len(label) for label, _, _ in kinds for place, period in enumerate(sent)}
    lines = [f"{label}{period} {numbers[label, period]}{unit}" for label, unit, _ in kinds for period in sent]
    dates = ["DEBUTp1 01/02/15 02/00/00", "FINp1 01/03/15 02/00/00", "CAFp1 0"]
    frame = Decoder().decode(raw(replaced(ICE_FRAME, f"CONTRAT {contract}", f"PTCOUR {periods[0]}") + lines + dates))
    told = readings(frame)

    assert not frame.findings
    assert told[q.CONTRACT,] == contract
    assert told[q.CONTRACT_PERIODS,] == periods
    assert told[q.BILLING_PERIOD_START, "previous"] == at(2015, 2, 1, 2)
    assert told[q.BILLING_PERIOD_END, "previous"] == at(2015, 3, 1, 2)
    by_quantity = {key for _, _, key in kinds}
    assert {key: value for key, value in told.items() if key[:-1] in by_quantity} == {
        (*key, period): 1000 * numbers[label, period] for label, _, key in kinds for period in periods
    }


def test_each_series_of_an_ice_that_takes_its_turn_is_kept_and_the_others_are_not() -> None:
    turns = ("ERPp", "ERNp", "EAp1", "DEBUTp1", "FINp1")
    kept = {row.label for row in ICE_2Q.fields if row.cyclic}

    assert kept == {row.label for row in ICE_2Q.fields if row.label.startswith(turns)}
    assert not {"EAp1", "EApP", "EApHPH", "PSP", "DEBUTp"} & kept


@pytest.mark.parametrize("period", ICE_PERIODS)
def test_an_ice_names_its_period_and_tells_the_mobile_peak(period: str) -> None:
    told = readings(Decoder().decode(raw(replaced(ICE_FRAME, f"PTCOUR {period}"))))

    assert (told[q.TARIFF_PERIOD,], told[q.CRITICAL_PEAK,]) == (period, period == "PM")


def test_several_notices_of_an_ice_stand_in_one_frame() -> None:
    frame = Decoder().decode(raw([*ICE_FRAME, "PREAVIS DEP", "PREAVIS EJP", "PREAVIS HM", "MODE CONTROLE"]))

    assert not frame.findings
    assert readings(frame) == ICE_READINGS | {
        (q.OVERLOAD_WARNING,): True,
        (q.CRITICAL_PEAK_NOTICE,): True,
        (q.CONTROL_MODE,): True,
    }


@pytest.mark.parametrize("period", ["PM", "PM "])
def test_a_notice_of_the_peak_that_has_begun_announces_nothing(period: str) -> None:
    frame = Decoder().decode(raw([*replaced(ICE_FRAME, f"PTCOUR {period}"), "PREAVIS EJP"]))

    assert readings(frame)[q.CRITICAL_PEAK_NOTICE,] is False
    assert readings(frame)[q.CRITICAL_PEAK,] is True


@pytest.mark.parametrize("code", ["HM", "DSM", "SCM"])
def test_a_notice_of_a_modulable_period_is_legal_and_tells_nothing(code: str) -> None:
    frame = Decoder().decode(raw([*ICE_FRAME, f"PREAVIS {code}"]))

    assert frame.is_valid
    assert readings(frame) == ICE_READINGS


def test_version_2_4_of_an_ice_is_recognised_by_what_it_sends() -> None:
    lines = ["DATE 12/03/15 14/05/33", "EA 1Wh", "ERP 2varh", "PTCOUR HPE", "KDC 100%", "KDCD 95%", "TGPHI 0,10"]
    frame = Decoder().decode(raw([*lines, "PSP 100kW", "PSHPH 110kW", "PSHPD 120kW"]))

    assert frame.family is ICE_2Q
    assert frame.is_valid
    assert readings(frame) == {
        (q.CLOCK,): at(2015, 3, 12, 14, 5, 33),
        (q.INTERVAL_ACTIVE_ENERGY_IMPORT,): 1,
        (q.INTERVAL_REACTIVE_ENERGY, "1"): 2,
        (q.TARIFF_PERIOD,): "HPE",
        (q.CRITICAL_PEAK,): False,
        (q.OVERLOAD_WARNING,): False,
        (q.CRITICAL_PEAK_NOTICE,): False,
        (q.CONTROL_MODE,): False,
        (q.OVERLOAD_WARNING_RATIO,): 100,
        (q.OVERLOAD_WARNING_RELEASE_RATIO,): 95,
        (q.TAN_PHI,): 0.10,
        (q.SUBSCRIBED_ACTIVE_POWER, "P"): 100_000,
        (q.SUBSCRIBED_ACTIVE_POWER, "HPH"): 110_000,
    }


def test_a_frame_of_u10mn_alone_is_partial_and_tells_nothing_else() -> None:
    decoder = Decoder()
    decoder.decode(raw(ICE_FRAME))
    frame = decoder.decode(raw(["U10MN 230V"]))

    assert frame.family is ICE_2Q
    assert frame.is_valid
    assert not frame.is_complete
    assert readings(frame) == {(q.LINE_VOLTAGE_MEAN,): 230}


@pytest.mark.parametrize("label", ["EA", "ERP", "KDC", "KDCD"])
def test_an_ice_frame_without_what_both_versions_send_is_not_believed(label: str) -> None:
    frame = Decoder().decode(raw(line for line in ICE_FRAME if line.partition(" ")[0] != label))

    assert list(frame.findings) == [Finding(Defect.MISSING_CONTEXT, label)]
    assert not frame.readings


ICE_WRONG = [
    "CONTRAT BASE_A6",
    "CONTRAT BASE",
    "DATECOUR 12/03/15 14:05:33",
    "DATECOUR 31/02/15 14/05/33",
    "DATECOUR 12/03/15",
    "EA 1234",
    "EA 01234Wh",
    "EA 12345678Wh",
    "EA -1Wh",
    "EA 1234kWh",
    "ERP 567Wh",
    "PTCOUR XXX",
    "PTCOUR 1",
    "PTCOUR hpe",
    "PA1 137",
    "PA1 32768kW",
    "PA2 37X.kW",
    "PA2 37HkW",
    "PA2 H.kW",
    "PA2 37H.kvar",
    "PA2 123456H.kW",
    "DATEPA1 12/13/15 14/00/00",
    "DEBUTp 01/03/15 25/00/00",
    "FINp 01/03/15",
    "KDC 79%",
    "KDC 101%",
    "KDC 90",
    "KDCD 69%",
    "KDCD 070%",
    "PA1MN 32768kW",
    "PA10MN -1kW",
    "PREA1MN -32768kvar",
    "PREA10MN 32768kvar",
    "PREA10MN +12kvar",
    "TGPHI 0,3",
    "TGPHI 0.391",
    "TGPHI 100000,00",
    "TGPHI -10000,00",
    "U10MN 501V",
    "U10MN 023V",
    "U10MN 231",
]


@pytest.mark.parametrize("line", ICE_WRONG)
def test_an_ice_value_of_another_form_costs_the_frame(line: str) -> None:
    frame = Decoder().decode(raw(replaced(ICE_FRAME, line)))

    assert list(frame.findings) == [Finding(Defect.INVALID_VALUE, line.partition(" ")[0])]
    assert not frame.readings


@pytest.mark.parametrize(
    "line",
    [
        *("PREAVIS PM", "PREAVIS dep", "MODE NORMAL", "EApHPE 12345678kWh", "EApHPE 012kWh", "EApHPE 12kvarh"),
        *("ERPpHPE 12kWh", "ERNp1HPE 1,2kvarh", "EAp1HPE -1kWh", "PSHPE 32768kW", "PSHPE 12kVA", "DEBUTp1 x"),
    ],
)
def test_an_ice_value_of_another_form_costs_the_frame_where_the_label_is_sent_now_and_then(line: str) -> None:
    frame = Decoder().decode(raw([*ICE_FRAME, line]))

    assert list(frame.findings) == [Finding(Defect.INVALID_VALUE, line.partition(" ")[0])]
    assert not frame.readings


# --- ICE with 4 quadrants --------------------------------------------------------------------------------------------

INJECTION = [
    "Appli INJECTION",
    "U10MN 232V",
    "DATECOUR 12/03/15 14/05/34",
    "EA 77Wh",
    "ERP 8varh",
    "ERN 9varh",
    "PTCOUR 3",
    "MODE CONTROLE",
    "DATEP1 12/03/15 14/00/00",
    "P1 11kW",
    "DATEP2 12/03/15 13/50/00",
    "P2 12H.kW",
    "DATEP3 12/03/15 13/40/00",
    "P3 13kW",
    "DATEP4 12/03/15 13/30/00",
    "P4 14kW",
    "DATEP5 12/03/15 13/20/00",
    "P5 15kW",
    "DATEP6 12/03/15 13/10/00",
    "P6 16kW",
    "DEBUTp 02/03/15 02/00/00",
    "EApCour 111kWh",
    "ERPpCour 112kvarh",
    "ERNpCour 113kvarh",
    "DEBUTp1 02/02/15 02/00/00",
    *(f"EAp1P{number} 20{number}kWh" for number in range(1, 9)),
    *(f"ERPp1P{number} 30{number}kvarh" for number in range(1, 9)),
    *(f"ERNp1P{number} 40{number}kvarh" for number in range(1, 9)),
    "PrapCour 250kW",
    "IPA1MN 21kW",
    "IPATMN 22kW",
    "IPREA1MN -23kvar",
    "IPREATMN 24kvar",
    "I1 1,234A",
    "I2 12,345A",
    "I3 0,000A",
    "TGPHI 0,12",
]
EXPORT_PERIODS = {"1": "P", "2": "HPH", "3": "HCH", "4": "HPE", "5": "HCE"}
INJECTION_READINGS: Readings = {
    (q.LINE_VOLTAGE_MEAN,): 232,
    (q.INTERVAL_ACTIVE_ENERGY_EXPORT,): 77,
    (q.INTERVAL_REACTIVE_ENERGY, "2"): 8,
    (q.INTERVAL_REACTIVE_ENERGY, "3"): 9,
    (q.EXPORT_TARIFF_PERIOD,): "HCH",
    (q.CONTROL_MODE,): True,
    (q.EXPORT_LOAD_PROFILE_AT, "1"): at(2015, 3, 12, 14),
    (q.EXPORT_LOAD_PROFILE_AT, "2"): at(2015, 3, 12, 13, 50),
    (q.EXPORT_LOAD_PROFILE_AT, "3"): at(2015, 3, 12, 13, 40),
    (q.EXPORT_LOAD_PROFILE_AT, "4"): at(2015, 3, 12, 13, 30),
    (q.EXPORT_LOAD_PROFILE_AT, "5"): at(2015, 3, 12, 13, 20),
    (q.EXPORT_LOAD_PROFILE_AT, "6"): at(2015, 3, 12, 13, 10),
    (q.LOAD_PROFILE_EXPORT, "1"): 11_000,
    (q.LOAD_PROFILE_EXPORT, "3"): 13_000,
    (q.LOAD_PROFILE_EXPORT, "4"): 14_000,
    (q.LOAD_PROFILE_EXPORT, "5"): 15_000,
    (q.LOAD_PROFILE_EXPORT, "6"): 16_000,
    (q.EXPORT_BILLING_PERIOD_START, "current"): at(2015, 3, 2, 2),
    (q.EXPORT_BILLING_PERIOD_START, "previous"): at(2015, 2, 2, 2),
    (q.ACTIVE_ENERGY_EXPORT, "HCH"): 111_000,
    (q.REACTIVE_ENERGY, "2", "HCH"): 112_000,
    (q.REACTIVE_ENERGY, "3", "HCH"): 113_000,
    **{(q.PREVIOUS_ACTIVE_ENERGY_EXPORT, EXPORT_PERIODS[x]): 200_000 + 1000 * int(x) for x in EXPORT_PERIODS},
    **{(q.PREVIOUS_REACTIVE_ENERGY, "2", EXPORT_PERIODS[x]): 300_000 + 1000 * int(x) for x in EXPORT_PERIODS},
    **{(q.PREVIOUS_REACTIVE_ENERGY, "3", EXPORT_PERIODS[x]): 400_000 + 1000 * int(x) for x in EXPORT_PERIODS},
    (q.CONNECTION_POWER_EXPORT, "HCH"): 250_000,
    (q.ACTIVE_DEMAND_EXPORT, "1m"): 21_000,
    (q.ACTIVE_DEMAND_EXPORT, "10m"): 22_000,
    (q.REACTIVE_DEMAND_EXPORT, "1m"): -23_000,
    (q.REACTIVE_DEMAND_EXPORT, "10m"): 24_000,
    (q.EXPORT_CURRENT, "1"): 1.234,
    (q.EXPORT_CURRENT, "2"): 12.345,
    (q.EXPORT_CURRENT, "3"): 0.0,
    (q.TAN_PHI_EXPORT,): 0.12,
}
ICE_IMPORT = [*ICE_FRAME, "EApHPE 900kWh", "ERPpHPE 901kvarh", "ERNpHPE 902kvarh"]
ICE_IMPORT_READINGS: Readings = ICE_READINGS | {
    (q.ACTIVE_ENERGY_IMPORT, "HPE"): 900_000,
    (q.REACTIVE_ENERGY, "1", "HPE"): 901_000,
    (q.REACTIVE_ENERGY, "4", "HPE"): 902_000,
}


def test_an_ice_4q_frame_gives_the_readings_of_both_its_parts() -> None:
    frame = Decoder().decode(raw(ICE_IMPORT + INJECTION))

    assert frame.family is ICE_4Q
    assert frame.is_valid
    assert frame.is_complete
    assert not frame.findings
    assert readings(frame) == ICE_IMPORT_READINGS | INJECTION_READINGS
    assert [reading.value for reading in frame.readings if reading.quantity is q.CLOCK] == [at(2015, 3, 12, 14, 5, 33)]


@pytest.mark.parametrize("imported", ["P", "HPH", "HPE", "PM", "HH"])
@pytest.mark.parametrize("exported", EXPORT_PERIODS)
def test_the_period_of_either_part_never_names_registers_of_the_other(imported: str, exported: str) -> None:
    first, second = replaced(ICE_IMPORT, f"PTCOUR {imported}"), replaced(INJECTION, f"PTCOUR {exported}")
    told = readings(Decoder().decode(raw([*first, "PREAVIS EJP", *second])))
    name = EXPORT_PERIODS[exported]

    assert told[q.TARIFF_PERIOD,] == imported
    assert told[q.EXPORT_TARIFF_PERIOD,] == name
    assert told[q.CRITICAL_PEAK_NOTICE,] is (imported != "PM")
    assert [key for key in told if key[0] is q.ACTIVE_ENERGY_EXPORT] == [(q.ACTIVE_ENERGY_EXPORT, name)]
    assert [key for key in told if key[0] is q.ACTIVE_ENERGY_IMPORT] == [(q.ACTIVE_ENERGY_IMPORT, "HPE")]
    assert {key for key in told if key[0] is q.REACTIVE_ENERGY} == {
        (q.REACTIVE_ENERGY, "1", "HPE"),
        (q.REACTIVE_ENERGY, "4", "HPE"),
        (q.REACTIVE_ENERGY, "2", name),
        (q.REACTIVE_ENERGY, "3", name),
    }


@pytest.mark.parametrize("line", [None, "PTCOUR 6", "PTCOUR 7", "PTCOUR 8"])
def test_export_registers_are_passed_over_where_the_export_part_names_no_period(line: str | None) -> None:
    without = [old for old in INJECTION if not old.startswith("PTCOUR")] + ([line] if line else [])
    frame = Decoder().decode(raw(ICE_IMPORT + without))
    told = readings(frame)

    assert frame.is_valid
    bound = {q.ACTIVE_ENERGY_EXPORT, q.CONNECTION_POWER_EXPORT, q.EXPORT_TARIFF_PERIOD}
    assert not [key for key in told if key[0] in bound or key[:2] == (q.REACTIVE_ENERGY, "2")]
    assert told[q.ACTIVE_ENERGY_IMPORT, "HPE"] == 900_000
    assert told[q.INTERVAL_ACTIVE_ENERGY_EXPORT,] == 77


def test_a_group_that_stands_alike_in_both_parts_is_read_in_each_frame_after_frame() -> None:
    alike = ("EA 0Wh", "ERP 0varh", "TGPHI 0,00", "U10MN 231V")
    body = raw(replaced(ICE_IMPORT, *alike) + replaced(INJECTION, *alike))
    decoder = Decoder()
    told = [decoder.decode(body) for _ in range(3)]

    for frame in told:
        assert readings(frame) == readings(told[0])
        assert len(frame.readings) == len(told[0].readings)
        assert readings(frame)[q.INTERVAL_ACTIVE_ENERGY_IMPORT,] == 0
        assert readings(frame)[q.INTERVAL_ACTIVE_ENERGY_EXPORT,] == 0
        assert readings(frame)[q.INTERVAL_REACTIVE_ENERGY, "1"] == 0
        assert readings(frame)[q.INTERVAL_REACTIVE_ENERGY, "2"] == 0
        assert (readings(frame)[q.TAN_PHI,], readings(frame)[q.TAN_PHI_EXPORT,]) == (0.0, 0.0)


def test_a_group_that_stood_alike_in_both_parts_keeps_its_part_after_a_damaged_frame() -> None:
    first, second = replaced(ICE_IMPORT, "EA 0Wh"), replaced(INJECTION, "EA 0Wh")
    good = raw(first + second)
    decoder = Decoder()
    decoder.decode(good)
    decoder.decode(good)
    assert not decoder.decode(RawFrame(good.body.replace(b"PA1MN 140kW", b"PA1MN 141kW"), Cut.COMPLETE)).is_valid
    told = readings(decoder.decode(raw(first + replaced(second, "EA 5Wh"))))

    assert (told[q.INTERVAL_ACTIVE_ENERGY_IMPORT,], told[q.INTERVAL_ACTIVE_ENERGY_EXPORT,]) == (0, 5)


def test_what_a_section_has_no_row_for_is_not_read_by_the_rows_of_the_first_part() -> None:
    decoder = Decoder()
    decoder.decode(raw([*ICE_IMPORT, "EApHCE 5kWh", *INJECTION]))
    told = readings(decoder.decode(raw([*ICE_IMPORT, *INJECTION, "EApHCE 5kWh"])))

    assert (q.ACTIVE_ENERGY_IMPORT, "HCE") not in told


def test_the_notice_of_the_export_part_is_legal_and_tells_nothing() -> None:
    frame = Decoder().decode(raw([*ICE_IMPORT, *INJECTION, "PREAVIS DEP"]))

    assert frame.is_valid
    assert readings(frame)[q.OVERLOAD_WARNING,] is False


def test_both_spellings_of_the_connection_power_are_read() -> None:
    lines = [line.replace("PrapCour", "PRapCour") for line in INJECTION]

    assert readings(Decoder().decode(raw(ICE_IMPORT + lines)))[q.CONNECTION_POWER_EXPORT, "HCH"] == 250_000


@pytest.mark.parametrize(
    "line",
    [
        *("PTCOUR 0", "PTCOUR 9", "PTCOUR HPE", "P1 11", "P2 37H,kW", "EApCour 12345678kWh", "ERPpCour 1kWh"),
        *("I1 1,23A", "I1 1,2345A", "I1 100,000A", "I1 -1,000A", "I2 12,345", "IPREA1MN -32768kvar", "EA 1,0Wh"),
        *("PrapCour 250kVA", "DATEP1 12/03/15 14:00:00", "DATECOUR 12/03/15", "U10MN 501V", "TGPHI 0,1", "ERN x"),
        *("MODE X", "IPA1MN 021kW", "IPATMN 32768kW", "DEBUTp 99/99/99 99/99/99", "EAp1P1 1", "ERNp1P5 -1kvarh"),
    ],
)
def test_an_ice_4q_value_of_another_form_costs_the_frame(line: str) -> None:
    frame = Decoder().decode(raw(ICE_IMPORT + replaced(INJECTION, line)))

    assert list(frame.findings) == [Finding(Defect.INVALID_VALUE, line.partition(" ")[0])]
    assert not frame.readings


@pytest.mark.parametrize("drop_group", [False, True])
def test_a_lost_marker_never_lets_export_be_read_as_import(drop_group: bool) -> None:  # noqa: FBT001
    decoder = Decoder(drop_group=drop_group)
    good = raw(ICE_IMPORT + INJECTION)
    right = readings(decoder.decode(good))
    # Two frames each: a lost marker makes the line look like one of ICE-2Q, and the next frame is damaged.
    lost = raw(ICE_IMPORT + INJECTION[1:])
    other = raw([*ICE_IMPORT, "Appli INJECTIOn", *INJECTION[1:]])
    damaged = RawFrame(good.body.replace(b"Appli INJECTION", b"Appli JNJECTION"), Cut.COMPLETE)

    for body in (lost, damaged, other, damaged):
        frame = decoder.decode(body)
        assert not frame.is_valid
        assert not frame.readings
    assert readings(decoder.decode(good)) == right


@pytest.mark.parametrize("drop_group", [False, True])
def test_no_single_wrong_bit_of_an_ice_4q_frame_alters_a_reading(drop_group: bool) -> None:  # noqa: FBT001
    first = ["DATECOUR 12/03/15 14/05/33", "EA 421Wh", "ERP 7varh", "PTCOUR HPE", "EApHPE 900kWh"]
    second = ["Appli INJECTION", "EA 77Wh", "ERP 8varh", "PTCOUR 3", "EApCour 11kWh", "ERNpCour 13kvarh"]
    good = raw(first + second)
    decoder = Decoder(drop_group=drop_group)
    right = readings(decoder.decode(good))

    for place in range(len(good.body)):
        for bit in range(7):
            body = bytearray(good.body)
            body[place] ^= 1 << bit
            told = readings(decoder.decode(RawFrame(bytes(body), Cut.COMPLETE)))
            assert told.items() <= right.items(), body
            assert readings(decoder.decode(good)) == right


# --- SAPHIR ----------------------------------------------------------------------------------------------------------

SHORT = [
    "ADS 0A1B2C3D4E5F",
    "DATE 12/03/17 14/05/33",
    "EAS 123456789Wh",
    "ER+S 12varh",
    "ER-S 13varh",
    "PTCOURD HPE",
    "PTCOURF P  ",
    "EAp1SD 999999999kWh",
    "ER+p1SD 21kvarh",
    "ER-p1SD 22kvarh",
    "EAp2SD 30kWh",
    "TGPHIS -0,39",
    "U10MN 20400V",
    "EAp1SF 40kWh",
    "EAp8SF 48kWh",
]
SHORT_READINGS: Readings = {
    (q.CLOCK,): at(2017, 3, 12, 14, 5, 33),
    (q.INTERVAL_ACTIVE_ENERGY_IMPORT,): 123_456_789,
    (q.INTERVAL_REACTIVE_ENERGY, "1"): 12,
    (q.INTERVAL_REACTIVE_ENERGY, "4"): 13,
    (q.DISTRIBUTOR_TARIFF_PERIOD,): "HPE",
    (q.TARIFF_PERIOD,): "P",
    (q.OVERLOAD_WARNING,): False,
    (q.CONTROL_MODE,): False,
    (q.TAN_PHI,): -0.39,
    (q.LINE_VOLTAGE_MEAN,): 20_400,
}
REGISTERS: Readings = {
    (q.DISTRIBUTOR_ACTIVE_ENERGY_IMPORT, "D1"): 999_999_999_000,
    (q.DISTRIBUTOR_REACTIVE_ENERGY, "1", "D1"): 21_000,
    (q.DISTRIBUTOR_REACTIVE_ENERGY, "4", "D1"): 22_000,
    (q.DISTRIBUTOR_ACTIVE_ENERGY_IMPORT, "D2"): 30_000,
    (q.ACTIVE_ENERGY_IMPORT, "F1"): 40_000,
    (q.ACTIVE_ENERGY_IMPORT, "F8"): 48_000,
}
NAMES = [f"LIB_p{x}{grid} {grid}{x} " for grid in "DF" for x in range(1, 9)]
POINTS = range(1, 7)
LONG_EXTRA = [
    "MESSAGE COUPURE LE 14/03 DE 08H A 12H",
    "TD 05",
    "TC 10",
    "GRILLE_D HTA5    ",
    "GRILLE_F EJP A5",
    *(f"DATEPA{x} 12/03/17 1{x}/00/00" for x in POINTS),
    *(f"PA{x}S 10{x}kW" for x in POINTS),
    *(f"PR+{x}S 20{x}kvar" for x in POINTS),
    *(f"PR-{x}S 30{x}kvar" for x in POINTS),
    *(f"UMOY{x} 2030{x}V" for x in POINTS),
    "FINP1 01/03/17 02/00/00",
    "KDC 90%",
    "KDCD 80%",
    *(f"PSp{x} 20{x}kW" for x in range(1, 9)),
    *NAMES,
]
LONG_READINGS: Readings = {
    (q.MESSAGE,): "COUPURE LE 14/03 DE 08H A 12H",
    (q.INTEGRATION_PERIOD,): 5,
    (q.CALENDAR,): "HTA5",
    (q.CONTRACT,): "EJP A5",
    **{(q.LOAD_PROFILE_AT, str(x)): at(2017, 3, 12, 10 + x) for x in POINTS},
    **{(q.LOAD_PROFILE_IMPORT, str(x)): 100_000 + 1000 * x for x in POINTS},
    **{(q.LOAD_PROFILE_REACTIVE_IMPORT, str(x), "1"): 200_000 + 1000 * x for x in POINTS},
    **{(q.LOAD_PROFILE_REACTIVE_IMPORT, str(x), "4"): 300_000 + 1000 * x for x in POINTS},
    **{(q.LINE_VOLTAGE_PROFILE, str(x)): 20_300 + x for x in POINTS},
    (q.BILLING_PERIOD_END, "previous"): at(2017, 3, 1, 2),
    (q.OVERLOAD_WARNING_RATIO,): 90,
    (q.OVERLOAD_WARNING_RELEASE_RATIO,): 80,
    **{(q.SUBSCRIBED_ACTIVE_POWER, f"D{x}"): 200_000 + 1000 * x for x in range(1, 9)},
    (q.CONTRACT_PERIODS,): ("F8",),
    (q.DISTRIBUTOR_PERIODS,): ("D8",),
}
PRODUCER = [
    "EAI 31Wh",
    "ER+I 32varh",
    "ER-I 33varh",
    "I1I 12,345A",
    "I2I 10,000A",
    "I3I 1,000A",
    *(f"PA{x}I 40{x}kW" for x in POINTS),
    *(f"PR+{x}I 50{x}kvar" for x in POINTS),
    *(f"PR-{x}I 60{x}kvar" for x in POINTS),
    "PA1MN 71kW",
    "PA10MN 72kW",
    "PREA1MN -73kvar",
    "PREA10MN 74kvar",
    "IPA1MN 75kW",
    "IPATMN 76kW",
    "IPREA1MN 77kvar",
    "IPREATMN -78kvar",
    "TGPHII 0,01",
]
PRODUCER_READINGS: Readings = {
    (q.INTERVAL_ACTIVE_ENERGY_EXPORT,): 31,
    (q.METER_PRODUCER,): "true",
    (q.INTERVAL_REACTIVE_ENERGY, "2"): 32,
    (q.INTERVAL_REACTIVE_ENERGY, "3"): 33,
    (q.EXPORT_CURRENT, "1"): 12.345,
    (q.EXPORT_CURRENT, "2"): 10.0,
    (q.EXPORT_CURRENT, "3"): 1.0,
    **{(q.LOAD_PROFILE_EXPORT, str(x)): 400_000 + 1000 * x for x in POINTS},
    **{(q.LOAD_PROFILE_REACTIVE_EXPORT, str(x), "2"): 500_000 + 1000 * x for x in POINTS},
    **{(q.LOAD_PROFILE_REACTIVE_EXPORT, str(x), "3"): 600_000 + 1000 * x for x in POINTS},
    (q.ACTIVE_DEMAND_IMPORT, "1m"): 71_000,
    (q.ACTIVE_DEMAND_IMPORT, "10m"): 72_000,
    (q.REACTIVE_DEMAND_IMPORT, "1m"): -73_000,
    (q.REACTIVE_DEMAND_IMPORT, "10m"): 74_000,
    (q.ACTIVE_DEMAND_EXPORT, "1m"): 75_000,
    (q.ACTIVE_DEMAND_EXPORT, "10m"): 76_000,
    (q.REACTIVE_DEMAND_EXPORT, "1m"): 77_000,
    (q.REACTIVE_DEMAND_EXPORT, "10m"): -78_000,
    (q.TAN_PHI_EXPORT,): 0.01,
}
SHORT_FRAME = ["LG_TRM TRM_COURTE", *SHORT]
LONG_FRAME = ["LG_TRM TRM_LONGUE", *SHORT, *LONG_EXTRA]
DIALECTS = pytest.mark.parametrize("dialect", [HISTORIC, STANDARD])


def confirmed(lines: list[str], dialect: Dialect = HISTORIC) -> DecodedFrame:
    """Decode a frame whose names were told once before."""
    decoder = Decoder()
    decoder.decode(raw(lines, dialect))
    return decoder.decode(raw(lines, dialect))


@DIALECTS
def test_a_saphir_names_its_registers_once_a_long_frame_has_told_the_names(dialect: Dialect) -> None:
    decoder = Decoder()
    before = decoder.decode(raw(SHORT_FRAME, dialect))
    decoder.decode(raw(LONG_FRAME, dialect))  # names that no table knows are believed when they are told twice
    long = decoder.decode(raw(LONG_FRAME, dialect))
    after = decoder.decode(raw(SHORT_FRAME, dialect))

    for frame in (before, long, after):
        assert frame.family is SAPHIR
        assert frame.meter_id == "0A1B2C3D4E5F"
        assert frame.is_valid
        assert not frame.findings
    assert [frame.is_complete for frame in (before, long, after)] == [False, True, False]
    assert readings(before) == SHORT_READINGS
    assert readings(long) == SHORT_READINGS | REGISTERS | LONG_READINGS
    assert readings(after) == SHORT_READINGS | REGISTERS


@DIALECTS
def test_a_saphir_of_a_producer_tells_what_is_injected_too(dialect: Dialect) -> None:
    frame = confirmed(LONG_FRAME + PRODUCER, dialect)

    assert frame.is_valid
    assert readings(frame) == SHORT_READINGS | REGISTERS | LONG_READINGS | PRODUCER_READINGS


def test_every_saphir_register_stands_under_the_name_of_its_slot() -> None:
    kinds: list[tuple[str, str, str, tuple[Quantity | str, ...]]] = [
        ("EAp{}SD", "kWh", "D", (q.DISTRIBUTOR_ACTIVE_ENERGY_IMPORT,)),
        ("ER+p{}SD", "kvarh", "D", (q.DISTRIBUTOR_REACTIVE_ENERGY, "1")),
        ("ER-p{}SD", "kvarh", "D", (q.DISTRIBUTOR_REACTIVE_ENERGY, "4")),
        ("EAp{}ID", "kWh", "D", (q.ACTIVE_ENERGY_EXPORT,)),
        ("ER+p{}ID", "kvarh", "D", (q.DISTRIBUTOR_REACTIVE_ENERGY, "2")),
        ("ER-p{}ID", "kvarh", "D", (q.DISTRIBUTOR_REACTIVE_ENERGY, "3")),
        ("EAp{}SD1", "kWh", "D", (q.PREVIOUS_DISTRIBUTOR_ACTIVE_ENERGY_IMPORT,)),
        ("ER+p{}SD1", "kvarh", "D", (q.PREVIOUS_DISTRIBUTOR_REACTIVE_ENERGY, "1")),
        ("ER-p{}SD1", "kvarh", "D", (q.PREVIOUS_DISTRIBUTOR_REACTIVE_ENERGY, "4")),
        ("EAp{}ID1", "kWh", "D", (q.PREVIOUS_ACTIVE_ENERGY_EXPORT,)),
        ("ER+p{}ID1", "kvarh", "D", (q.PREVIOUS_DISTRIBUTOR_REACTIVE_ENERGY, "2")),
        ("ER-p{}ID1", "kvarh", "D", (q.PREVIOUS_DISTRIBUTOR_REACTIVE_ENERGY, "3")),
        ("EAp{}SF", "kWh", "F", (q.ACTIVE_ENERGY_IMPORT,)),
        ("EAp{}SF1", "kWh", "F", (q.PREVIOUS_ACTIVE_ENERGY_IMPORT,)),
    ]
    numbers = {(kind[0], x): 100 * place + x for place, kind in enumerate(kinds) for x in range(1, 9)}
    lines = [f"{kind[0].format(x)} {numbers[kind[0], x]}{kind[1]}" for kind in kinds for x in range(1, 9)]
    head = [line for line in LONG_FRAME if not line.startswith(("EAp", "ER+p", "ER-p"))]
    frame = confirmed(head + lines)

    assert frame.is_valid
    assert {key: value for key, value in readings(frame).items() if key[:-1] in {kind[3] for kind in kinds}} == {
        (*key, f"{grid}{x}"): 1000 * numbers[label, x] for label, _, grid, key in kinds for x in range(1, 9)
    }


@pytest.mark.parametrize("name", ["XXX", "   "])
def test_a_saphir_slot_that_is_not_used_has_no_register_and_is_forgotten(name: str) -> None:
    decoder = Decoder()
    decoder.decode(raw(LONG_FRAME))
    decoder.decode(raw(LONG_FRAME))
    decoder.decode(raw(replaced(LONG_FRAME, f"LIB_p1D {name}", f"LIB_p8F {name}")))
    told = readings(decoder.decode(raw(SHORT_FRAME)))

    gone = {key for key in REGISTERS if key[-1] in {"D1", "F8"}}
    assert len(gone) == 4
    assert told == SHORT_READINGS | {key: value for key, value in REGISTERS.items() if key not in gone}


def test_a_saphir_tells_each_period_that_its_grids_have() -> None:
    frame = confirmed(replaced(LONG_FRAME, *(f"LIB_p{x}F XXX" for x in range(4, 9)), "LIB_p8D    "))
    told = [(reading.quantity, reading.value) for reading in frame.readings]

    assert [value for quantity, value in told if quantity is q.CONTRACT_PERIODS] == [("F1",), ("F2",), ("F3",)]
    assert [value for quantity, value in told if quantity is q.DISTRIBUTOR_PERIODS] == [(f"D{x}",) for x in range(1, 8)]


def test_names_of_one_saphir_never_serve_another() -> None:
    decoder = Decoder()
    decoder.decode(raw(LONG_FRAME))
    decoder.decode(raw(LONG_FRAME))
    other = readings(decoder.decode(raw(replaced(SHORT_FRAME, "ADS 0A1B2C3D4E60"))))

    assert other == SHORT_READINGS
    assert readings(decoder.decode(raw(SHORT_FRAME))) == SHORT_READINGS | REGISTERS


def test_a_saphir_grid_without_periods_has_none_in_force() -> None:
    told = readings(confirmed(replaced(SHORT_FRAME, "PTCOURF XXX")))

    assert (q.TARIFF_PERIOD,) not in told
    assert told[q.DISTRIBUTOR_TARIFF_PERIOD,] == "HPE"


def test_the_states_of_a_saphir_come_and_go_with_short_frames_too() -> None:
    decoder = Decoder()
    told = [
        readings(decoder.decode(raw(frame)))
        for frame in (LONG_FRAME, [*SHORT_FRAME, "PREAVIS DEP", "MODE CONTROLE"], SHORT_FRAME)
    ]

    assert [frame[q.OVERLOAD_WARNING,] for frame in told] == [False, True, False]
    assert [frame[q.CONTROL_MODE,] for frame in told] == [False, True, False]


def test_dynamic_periods_of_a_saphir_are_legal_and_tell_nothing() -> None:
    dynamic = [
        *("PREAVISD TD-1", "PREAVISF TD-3", "ETATDYND 0", "ETATDYNF 3"),
        *("TDYND d-12/03/17 07/00/00-1", "TDYND f-12/03/17 09/00/00-1", "TDYNF d-13/03/17 07/00/00-2"),
        "TDYNF f-13/03/17 09/00/00-2",
    ]
    decoder = Decoder()
    decoder.decode(raw(LONG_FRAME))
    plain = decoder.decode(raw(LONG_FRAME))
    frame = decoder.decode(raw(LONG_FRAME + dynamic))

    assert not frame.findings
    assert readings(frame) == readings(plain)


def test_both_spellings_of_the_load_profile_are_read() -> None:
    lines = [line.replace(f"PA{x}S", f"PAX{x}") for x in POINTS for line in LONG_EXTRA if line.startswith(f"PA{x}S")]
    head = [line for line in LONG_FRAME if not line.startswith(("PA1S", "PA2S", "PA3S", "PA4S", "PA5S", "PA6S"))]
    frame = confirmed(head + lines)

    assert len(lines) == 6
    assert readings(frame) == SHORT_READINGS | REGISTERS | LONG_READINGS
    assert not Decoder().decode(raw([*LONG_FRAME, "PAX1 101kW"])).is_valid


@pytest.mark.parametrize(
    "line", ["PA1S 37H.kW", "PA1S 37C.kW", "PA1S 37M.kW", "PR+1S 37H.kvar", "PR-1S 37C.kvar", "UMOY1 230M.V"]
)
def test_a_marked_point_of_a_saphir_is_legal_and_not_published(line: str) -> None:
    frame = confirmed(replaced(LONG_FRAME, line))
    missing = (SHORT_READINGS | REGISTERS | LONG_READINGS).keys() - readings(frame).keys()

    assert frame.is_valid
    assert [key[1] for key in missing] == ["1"]


@pytest.mark.parametrize("label", ["ADS", "DATE", "EAS", "PTCOURD"])
def test_a_long_frame_of_a_saphir_has_what_it_always_has(label: str) -> None:
    frame = confirmed([line for line in LONG_FRAME if line.partition(" ")[0] != label])

    assert list(frame.findings) == [Finding(Defect.MISSING_CONTEXT, label)]
    assert not frame.readings


@DIALECTS
@pytest.mark.parametrize(
    "line",
    [
        *("ADS 0A1B2C3D4E5", "ADS 0a1b2c3d4e5f", "DATE 12/03/17 14:05:33", "DATE 12/03/17", "TD 5", "TD 00"),
        *("EAS 1234567890Wh", "EAS 012Wh", "EAS 12", "ER+S 12Wh", "PTCOURD HPHX", "GRILLE_D 123456789"),
        *("EAp1SD 1234567890kWh", "EAp1SD 12kvarh", "ER+p1SD 12kWh", "ER-p1SD -1kvarh", "EAp1SF 1,5kWh"),
        *("DATEPA1 12/03/17 24/00/00", "PA1S 37X.kW", "PA1S 37H.kvar", "PA1S 37", "PA1S 32768kW", "PR+1S -1kvar"),
        *("UMOY1 230", "FINP1 x", "KDC 79%", "KDCD 69%", "PSp1 200kVA", "PSp1 0200kW", "TGPHIS 0,1", "U10MN 230"),
        *("LIB_p1D HPHX", "LIB_p1F P`", "PTCOURF P`"),
    ],
)
def test_a_saphir_value_of_another_form_costs_the_frame(line: str, dialect: Dialect) -> None:
    frame = confirmed(replaced(LONG_FRAME, line), dialect)

    assert list(frame.findings) == [Finding(Defect.INVALID_VALUE, line.partition(" ")[0])]
    assert not frame.readings


@pytest.mark.parametrize(
    "line",
    [
        *("EAI x", "ER+I 32Wh", "I1I 12,34A", "I1I 123,456A", "PA1I 37H.V", "PR+1I 1kW", "PA1MN -1kW"),
        *("PREA1MN 73kvarh", "PREA1MN -12345678kvar", "IPATMN 76", "TGPHII 0,001"),
    ],
)
def test_a_value_of_another_form_costs_the_frame_of_a_producer(line: str) -> None:
    frame = confirmed(LONG_FRAME + replaced(PRODUCER, line))

    assert list(frame.findings) == [Finding(Defect.INVALID_VALUE, line.partition(" ")[0])]


@pytest.mark.parametrize("line", ["PREAVIS EJP", "MODE X", "MESSAGE " + 81 * "x"])
def test_a_value_of_another_form_costs_the_frame_where_the_label_is_rare(line: str) -> None:
    frame = confirmed([*SHORT_FRAME, line])

    assert list(frame.findings) == [Finding(Defect.INVALID_VALUE, line.partition(" ")[0])]


# --- all together ----------------------------------------------------------------------------------------------------


def test_every_row_of_these_families_is_read_by_a_frame_above_or_is_silent_for_a_reason() -> None:
    silent = {("PREAVIS", q.CRITICAL_PEAK_NOTICE), ("DATECOUR", q.CLOCK), ("PREAVIS", q.OVERLOAD_WARNING)}
    bodies: list[tuple[Decoder, list[str]]] = [
        (Decoder(memory={"contract": "BASE"}), replaced(jaune("21"), "PMAXC 00001", "TDEPA 00001")),
        (Decoder(), replaced(jaune("22"), "PMAXP 00001:00002", "PSOUSC 00001", "PSOUSP 00001:00002")),
        (Decoder(), [*LONG_FRAME, *PRODUCER, "PREAVIS DEP", "MODE CONTROLE"]),
        (Decoder(), [*ICE_FRAME, "DATE 12/03/15 14/05/33", "PREAVIS DEP", "PREAVIS EJP", "MODE CONTROLE"]),
        (Decoder(), [*ICE_IMPORT, *INJECTION]),
    ]
    seen = {id(reading.row) for decoder, lines in bodies for reading in decoder.decode(raw(lines)).readings}
    series = ("EAp", "ERP", "ERN", "ER+p", "ER-p", "PS", "DEBUTp1", "FINp1", "PA2", "PA3", "PA4", "P2")

    for family in (CJE, SAPHIR, ICE_2Q, ICE_4Q):
        for row in family.all_fields:
            # Series of registers and powers have their own tests; marked points give nothing here.
            assert id(row) in seen or row.label.startswith(series) or (row.label, row.quantity) in silent, row


def test_each_of_these_families_is_recognised_by_its_own_marker_alone() -> None:
    frames = [(CJE, CJE_FRAME), (ICE_2Q, ICE_FRAME), (ICE_4Q, ICE_IMPORT + INJECTION), (SAPHIR, LONG_FRAME)]

    for family, lines in frames:
        labels = frozenset(line.partition(" ")[0] for line in lines)
        matching = [one for one in FAMILIES if any(marker.matches(labels, "") for marker in one.markers)]
        assert matching[0] is family
        assert matching[1:] == ([ICE_2Q] if family is ICE_4Q else [])
