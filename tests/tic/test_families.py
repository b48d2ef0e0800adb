"""The tables of the bleu meters, the concentrator, Linky and PME-PMI, held against the specification."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from helpers import frames
from helpers.frames import Groups, group, inserted, label_of, replaced, wire, without
from tic_exporter.tic import quantities as q
from tic_exporter.tic.codecs import LocalTime, Verdict
from tic_exporter.tic.decoding import Decoder
from tic_exporter.tic.families import FAMILIES
from tic_exporter.tic.families.concentrator import CONCENTRATOR
from tic_exporter.tic.families.historic import (
    CBEMM,
    CBEMM_ICC,
    CBETM,
    LINKY_SINGLE_PHASE,
    LINKY_THREE_PHASE,
)
from tic_exporter.tic.families.pmepmi import PMEPMI
from tic_exporter.tic.families.standard import LINKY_STANDARD
from tic_exporter.tic.frames import DecodedFrame
from tic_exporter.tic.framing import Framer
from tic_exporter.tic.groups import Defect
from tic_exporter.tic.schema import FromLabels

if TYPE_CHECKING:
    from tic_exporter.tic.codecs import Value
    from tic_exporter.tic.quantities import Quantity
    from tic_exporter.tic.schema import Family

    Readings = dict[tuple[Quantity | str, ...], Value]

TABLES = [CBEMM, CBEMM_ICC, CBETM, LINKY_SINGLE_PHASE, LINKY_THREE_PHASE, CONCENTRATOR, LINKY_STANDARD, PMEPMI]


def decoded(*sent: Groups) -> DecodedFrame:
    """The last of the frames, read after those before it."""
    decoder = Decoder()
    frame: DecodedFrame | None = None
    for raw in Framer().feed(wire(*sent)):
        frame = decoder.decode(raw)
    assert frame is not None
    return frame


def readings(*sent: Groups) -> Readings:
    """The readings of the last frame by quantity and dimensions. It has to be valid."""
    frame = decoded(*sent)
    assert frame.is_valid, frame.findings
    return {
        (reading.quantity, *(value for _, value in reading.dimensions)): reading.value for reading in frame.readings
    }


def at(year: int, month: int, day: int, hour: int, minute: int, second: int = 0, season: str = "") -> LocalTime:
    return LocalTime.of(datetime(year, month, day, hour, minute, second), season)  # noqa: DTZ001 - legal time


# --- every label of the specification --------------------------------------------------------------------------------

TEMPO = "BBRHCJB BBRHPJB BBRHCJW BBRHPJW BBRHCJR BBRHPJR"
HISTORIC = f"ADCO OPTARIF ISOUSC BASE HCHC HCHP EJPHN EJPHPM {TEMPO} PEJP PTEC DEMAIN"
SINGLE = f"{HISTORIC} IINST ADPS IMAX HHPHC MOTDETAT"
THREE = f"{HISTORIC} ADIR1 ADIR2 ADIR3 IINST1 IINST2 IINST3 IMAX1 IMAX2 IMAX3 PMAX PAPP HHPHC MOTDETAT PPOT"

PME_PMI_LABELS = """
    TRAME ADS MESURES1 DATE EA_s ER+_s ER-_s EAPP_s EA_i ER+_i ER-_i EAPP_i PTCOUR1 TARIFDYN ETATDYN1 PREAVIS1
    TDYN1CD TDYN1CF TDYN1FD TDYN1FF MODE CONFIG
    DATEPA1 PA1_s PA1_i DATEPA2 PA2_s PA2_i DATEPA3 PA3_s PA3_i
    DATEPA4 PA4_s PA4_i DATEPA5 PA5_s PA5_i DATEPA6 PA6_s PA6_i
    DebP EAP_s EAP_i EaP_s EaP_i ER+P_s ER-P_s ER+P_i ER-P_i DebP-1 FinP-1
    EAP-1_s EaP-1_s EAP-1_i EaP-1_i ER+P-1_s ER-P-1_s ER+P-1_i ER-P-1_i
    PS PREAVIS PA1MN PMAX_s PMAX_i TGPHI_s TGPHI_i
    MESURES2 PTCOUR2 ETATDYN2 PREAVIS2 TDYN2CD TDYN2CF TDYN2FD TDYN2FF
    DebP_2 EAP_s2 EaP_s2 DebP-1_2 FinP-1_2 EAP-1_s2 EaP-1_s2
"""

STANDARD_LABELS = """
    ADSC VTIC DATE NGTF LTARF EAST
    EASF01 EASF02 EASF03 EASF04 EASF05 EASF06 EASF07 EASF08 EASF09 EASF10 EASD01 EASD02 EASD03 EASD04
    EAIT ERQ1 ERQ2 ERQ3 ERQ4 IRMS1 IRMS2 IRMS3 URMS1 URMS2 URMS3 PREF PCOUP
    SINSTS SINSTS1 SINSTS2 SINSTS3 SMAXSN SMAXSN1 SMAXSN2 SMAXSN3 SMAXSN-1 SMAXSN1-1 SMAXSN2-1 SMAXSN3-1
    SINSTI SMAXIN SMAXIN-1 CCASN CCASN-1 CCAIN CCAIN-1 UMOY1 UMOY2 UMOY3
    STGE DPM1 DPM2 DPM3 FPM1 FPM2 FPM3 MSG1 MSG2 PRM RELAIS NTARF NJOURF NJOURF+1 PJOURF+1 PPOINTE
    SINST1 SMAXN SMAXN-1
    SMAXSN_1 SMAXSN1_1 SMAXSN2_1 SMAXSN3_1 SMAXIN_1 CCASN_1 CCAIN_1
"""

SPECIFIED = [
    (CBEMM, SINGLE),
    (CBEMM_ICC, f"{SINGLE} PAPP"),
    (LINKY_SINGLE_PHASE, f"{SINGLE} PAPP"),
    (CBETM, THREE),
    (LINKY_THREE_PHASE, THREE),
    (CONCENTRATOR, "ADCO OPTARIF BASE HCHC HCHP EJPHN EJPHPM GAZ AUTRE PTEC MOTDETAT"),
    (PMEPMI, PME_PMI_LABELS),
    (LINKY_STANDARD, STANDARD_LABELS),
]


@pytest.mark.parametrize(("family", "labels"), SPECIFIED)
def test_every_label_of_the_specification_is_known_and_no_row_has_another(family: Family, labels: str) -> None:
    listed = labels.split()
    rows = {row.label for row in family.fields}

    assert len(set(listed)) == len(listed)
    assert set(listed) <= family.known_labels
    assert rows | set(family.aliases) | set(family.ignored) <= set(listed)


@pytest.mark.parametrize(("family", "labels"), SPECIFIED)
def test_every_known_label_is_read_or_left_aside_for_a_reason(family: Family, labels: str) -> None:
    rows = {row.label for row in family.fields}
    test = {family.test_marker[0]} if family.test_marker else set()

    assert set(labels.split()) == rows | {family.id_label} | set(family.aliases) | set(family.ignored) | test
    assert rows.isdisjoint(family.ignored)
    assert all(family.ignored.values())
    assert set(family.aliases.values()) <= rows


@pytest.mark.parametrize("family", TABLES, ids=lambda family: family.name)
def test_a_row_gives_no_dimension_that_its_quantity_lacks(family: Family) -> None:
    for row in family.fields:
        assert {*row.quantity.dimensions, row.quantity.value_dimension} >= set(row.dimensions), row.label


@pytest.mark.parametrize("family", TABLES, ids=lambda family: family.name)
def test_no_row_of_a_label_accepts_what_has_not_its_form(family: Family) -> None:
    free_texts = {"NGTF", "LTARF", "MSG1", "MSG2", "ETATDYN1", "MESURES1", "MESURES2"}
    for label, rows in family.by_label.items():
        for wrong in ("", "?", "1 2", "1_0", "-", "12345678901234567890", "kWh", "x" * 99):
            if label not in free_texts:
                assert all(Verdict.REFUSED is row.codec(wrong, None) for row in rows), (label, wrong)
        assert all(Verdict.REFUSED is row.codec("x" * 99, None) for row in rows), label


def test_the_names_of_families_are_those_of_the_configuration() -> None:
    assert {
        "concentrator",
        "cbemm",
        "cbemm-icc",
        "cbetm",
        "linky",
        "cje",
        "ice-2q",
        "ice-4q",
        "pme-pmi",
        "saphir",
    } == {family.name for family in FAMILIES}


def test_pme_pmi_shows_the_register_of_the_period_in_force_alone_and_linky_all_of_them() -> None:
    assert [PMEPMI] == [family for family in TABLES if family.shows_one_period]


# --- historic: recognised by labels and by the type in the id --------------------------------------------------------

LINKY_TYPES = "60 61 62 63 64 65 66 67 68 70 71 75 76 86 87 88 89 90 91 92 93 94"
BLEU_TYPES = "01 15 20 22 23 28 29 09 21 26 27 30 31 32"
LINKY_SINGLE = replaced(frames.SINGLE_PHASE_HC, "ADCO 041961123456")
LINKY_THREE = replaced(frames.THREE_PHASE_EJP, "ADCO 041976123456")


@pytest.mark.parametrize(
    ("family", "sent"),
    [
        (CBEMM, frames.SINGLE_PHASE_WITHOUT_POWER),
        (CBEMM_ICC, frames.SINGLE_PHASE_HC),
        (CBEMM_ICC, frames.SINGLE_PHASE_TEMPO),
        (CBETM, frames.THREE_PHASE_EJP),
        (LINKY_SINGLE_PHASE, LINKY_SINGLE),
        (LINKY_THREE_PHASE, LINKY_THREE),
        (LINKY_STANDARD, frames.STANDARD_CONSUMER),
        (LINKY_STANDARD, frames.STANDARD_PRODUCER),
        (PMEPMI, frames.PMEPMI),
        (PMEPMI, without(frames.PMEPMI, "ADS")),
    ],
)
def test_a_frame_is_recognised_by_its_labels_and_its_id(family: Family, sent: Groups) -> None:
    frame = decoded(sent)

    assert family is frame.family
    assert frame.is_valid
    assert frame.is_complete
    assert not frame.findings


@pytest.mark.parametrize(
    "device_type",
    LINKY_TYPES.split(),
)
def test_the_types_of_linky_are_told_from_the_older_meters(device_type: str) -> None:
    adco = f"ADCO 0419{device_type}123456"

    assert LINKY_SINGLE_PHASE is decoded(replaced(frames.SINGLE_PHASE_HC, adco)).family
    assert LINKY_THREE_PHASE is decoded(replaced(frames.THREE_PHASE_EJP, adco)).family


@pytest.mark.parametrize("device_type", BLEU_TYPES.split())
def test_the_types_of_the_bleu_meters_are_no_linky(device_type: str) -> None:
    adco = f"ADCO 0419{device_type}123456"

    assert CBEMM_ICC is decoded(replaced(frames.SINGLE_PHASE_HC, adco)).family
    assert CBETM is decoded(replaced(frames.THREE_PHASE_EJP, adco)).family


CONCENTRATOR_FRAME = tuple(
    group(text)
    for text in ("ADCO 021253123456", "OPTARIF EJP.", "EJPHN 12345678", "EJPHPM 00000789", "PTEC PM..", "GAZ 0123456")
)


@pytest.mark.parametrize("device_type", ["03", "04", "19", "52", "53", "54"])
def test_a_concentrator_is_told_by_its_type(device_type: str) -> None:
    assert CONCENTRATOR is decoded(replaced(CONCENTRATOR_FRAME, f"ADCO 0212{device_type}123456")).family


def test_a_concentrator_is_told_by_the_lack_of_any_current() -> None:
    assert CONCENTRATOR is decoded(replaced(CONCENTRATOR_FRAME, "ADCO 021299123456")).family


def test_a_concentrator_counts_energy_and_volumes() -> None:
    told = readings(CONCENTRATOR_FRAME)

    assert {
        (q.CONTRACT,): "EJP",
        (q.CONTRACT_PERIODS,): ("HN", "PM"),
        (q.ACTIVE_ENERGY_IMPORT, "HN"): 12345678,
        (q.ACTIVE_ENERGY_IMPORT, "PM"): 789,
        (q.TARIFF_PERIOD,): "PM",
        (q.CRITICAL_PEAK,): True,
        (q.GAS_VOLUME,): 123456,
    } == told
    base = without(replaced(CONCENTRATOR_FRAME, "OPTARIF BASE", "PTEC TH.."), "EJPHN", "EJPHPM", "GAZ")
    assert 7 == readings(inserted(base, "PTEC", "BASE 00000007", "AUTRE 0000001"))[q.ACTIVE_ENERGY_IMPORT, "TH"]


# --- historic: tariffs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("programme", [chr(code) for code in range(0x20, 0x40)])
def test_tempo_is_known_whatever_its_programme(programme: str) -> None:
    told = readings(replaced(frames.SINGLE_PHASE_TEMPO, f"OPTARIF BBR{programme}"))

    assert ("HCJB", "HPJB", "HCJW", "HPJW", "HCJR", "HPJR") == told[q.CONTRACT_PERIODS,]
    assert f"BBR{programme}".strip(" .") == told[q.CONTRACT,]


@pytest.mark.parametrize(
    "option", ["BASE ", "BBR", "BBRA", "BBR@", "BBR((", "HC", "HC. ", "EJP", "base", "TEMP", "...."]
)
def test_an_unknown_option_is_refused(option: str) -> None:
    frame = decoded(replaced(frames.SINGLE_PHASE_TEMPO, f"OPTARIF {option}"))

    assert (Defect.INVALID_VALUE, "OPTARIF") == (frame.findings[0].defect, frame.findings[0].where)
    assert not frame.readings


@pytest.mark.parametrize(
    ("code", "period", "color", "peak"),
    [
        ("TH..", "TH", None, False),
        ("HC..", "HC", None, False),
        ("HP..", "HP", None, False),
        ("HN..", "HN", None, False),
        ("PM..", "PM", None, True),
        ("HCJB", "HCJB", "blue", False),
        ("HPJB", "HPJB", "blue", False),
        ("HCJW", "HCJW", "white", False),
        ("HPJW", "HPJW", "white", False),
        ("HCJR", "HCJR", "red", False),
        ("HPJR", "HPJR", "red", False),
    ],
)
def test_the_period_in_force_tells_the_colour_of_the_day_and_the_peak(
    code: str,
    period: str,
    color: str | None,
    peak: bool,  # noqa: FBT001
) -> None:
    told = readings(replaced(frames.SINGLE_PHASE_HC, f"PTEC {code}"))

    assert (period, peak, color) == (told[q.TARIFF_PERIOD,], told[q.CRITICAL_PEAK,], told.get((q.DAY_COLOR,)))


@pytest.mark.parametrize("text", ["PTEC HP..  ", "PTEC  HP..", "PTEC HP", "PTEC hp..", "DEMAIN BLEU ", "DEMAIN BLAU"])
def test_a_code_has_exactly_its_four_characters(text: str) -> None:
    frame = decoded(replaced(frames.SINGLE_PHASE_TEMPO, text))

    assert [(Defect.INVALID_VALUE, text.partition(" ")[0])] == [(found.defect, found.where) for found in frame.findings]


@pytest.mark.parametrize(
    ("demain", "color"), [("----", "unknown"), ("BLEU", "blue"), ("BLAN", "white"), ("ROUG", "red")]
)
def test_the_colour_of_tomorrow_is_told(demain: str, color: str) -> None:
    assert color == readings(replaced(frames.SINGLE_PHASE_TEMPO, f"DEMAIN {demain}"))[q.NEXT_DAY_COLOR,]


def test_without_tempo_there_is_no_colour() -> None:
    assert not {(q.DAY_COLOR,), (q.NEXT_DAY_COLOR,)} & readings(frames.SINGLE_PHASE_HC).keys()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (frames.SINGLE_PHASE_HC, {"HC": 24243439, "HP": 22032205}),
        (
            frames.SINGLE_PHASE_TEMPO,
            {
                "HCJB": 18328856,
                "HPJB": 23739545,
                "HCJW": 1466099,
                "HPJW": 2132883,
                "HCJR": 860118,
                "HPJR": 844115,
            },
        ),
        (frames.THREE_PHASE_EJP, {"HN": 1111111, "PM": 2222222}),
        (
            inserted(
                without(replaced(frames.SINGLE_PHASE_HC, "OPTARIF BASE", "PTEC TH.."), "HCHC", "HCHP"),
                "PTEC",
                "BASE 000000005",
            ),
            {"TH": 5},
        ),
    ],
)
def test_every_option_has_its_registers(sent: Groups, expected: dict[str, int]) -> None:
    told = {key[1]: value for key, value in readings(sent).items() if key[0] is q.ACTIVE_ENERGY_IMPORT}

    assert expected == told


def test_a_notice_of_peak_is_one_before_the_peak_and_none_during_it() -> None:
    before = readings(inserted(frames.THREE_PHASE_EJP, "PTEC", "PEJP 30"))
    during = readings(inserted(replaced(frames.THREE_PHASE_EJP, "PTEC PM.."), "PTEC", "PEJP 30"))
    after = readings(frames.THREE_PHASE_EJP)

    assert (True, False) == (before[q.CRITICAL_PEAK_NOTICE,], before[q.CRITICAL_PEAK,])
    assert (False, True) == (during[q.CRITICAL_PEAK_NOTICE,], during[q.CRITICAL_PEAK,])
    assert (False, False) == (after[q.CRITICAL_PEAK_NOTICE,], after[q.CRITICAL_PEAK,])


@pytest.mark.parametrize("value", ["00", "29", "3", "030"])
def test_a_notice_of_peak_has_one_value(value: str) -> None:
    assert decoded(inserted(frames.THREE_PHASE_EJP, "PTEC", f"PEJP {value}")).defect is Defect.INVALID_VALUE


# --- historic: overload, short frames --------------------------------------------------------------------------------


def test_an_overload_ends_when_its_label_is_gone() -> None:
    overloaded = inserted(replaced(frames.SINGLE_PHASE_HC, "IINST 065"), "IMAX", "ADPS 065")

    assert readings(overloaded)[q.OVERLOAD,] is True
    assert readings(overloaded, frames.SINGLE_PHASE_HC)[q.OVERLOAD,] is False
    assert readings(frames.SINGLE_PHASE_HC, overloaded)[q.OVERLOAD,] is True


def test_an_overload_is_told_by_a_label_glued_to_its_value_and_costs_nothing() -> None:
    glued = inserted(replaced(frames.SINGLE_PHASE_HC, "IINST 065"), "IMAX", "ADPS 065")
    glued = tuple(line.replace("ADPS ", "ADPS") for line in glued)

    assert decoded(glued).is_valid
    assert readings(glued)[q.OVERLOAD,] is True
    assert 65 == readings(glued)[q.CURRENT, "1"]
    assert readings(glued, frames.SINGLE_PHASE_HC)[q.OVERLOAD,] is False


def short(adco: str, *overloaded: str) -> Groups:
    return tuple(
        group(text)
        for text in (*(f"{label} 036" for label in overloaded), adco, "IINST1 036", "IINST2 005", "IINST3 008")
    )


THREE_PHASES = [
    (frames.THREE_PHASE_EJP, "ADCO 000123456789", CBETM),
    (LINKY_THREE, "ADCO 041976123456", LINKY_THREE_PHASE),
]


@pytest.mark.parametrize(("long", "adco", "family"), THREE_PHASES)
@pytest.mark.parametrize("labels", [("ADIR1",), ("ADIR2",), ("ADIR3",), ("ADIR1", "ADIR2", "ADIR3")])
def test_a_short_frame_tells_an_overload_and_the_currents(
    long: Groups, adco: str, family: Family, labels: tuple[str, ...]
) -> None:
    for before in ((), (long,)):
        sent = (*before, short(adco, *labels))
        frame = decoded(*sent)
        told = readings(*sent)

        assert family is frame.family
        assert adco == f"ADCO {frame.meter_id}"
        assert not frame.is_complete
        assert {
            (q.OVERLOAD,): True,
            (q.CURRENT, "1"): 36,
            (q.CURRENT, "2"): 5,
            (q.CURRENT, "3"): 8,
        } == told


@pytest.mark.parametrize(("long", "adco", "family"), THREE_PHASES)
def test_an_overload_ends_with_a_short_frame_without_it_or_two_long_ones(
    long: Groups, adco: str, family: Family
) -> None:
    overloaded, calm = short(adco, "ADIR2"), short(adco)
    key = (q.OVERLOAD,)

    assert readings(overloaded, calm)[key] is False
    assert key not in readings(overloaded, long)
    assert readings(overloaded, long, long)[key] is False
    assert key not in readings(long, long, overloaded, long)
    assert key not in readings(long)
    assert readings(long, overloaded)[key] is True


def test_a_short_frame_says_nothing_of_what_only_long_ones_tell() -> None:
    told = readings(frames.THREE_PHASE_EJP, short("ADCO 000123456789"))

    assert {q.OVERLOAD, q.CURRENT} == {key[0] for key in told}


@pytest.mark.parametrize(
    ("ppot", "missing"), [("00", set()), ("02", {"1"}), ("04", {"2"}), ("08", {"3"}), ("0E", {"1", "2", "3"})]
)
def test_missing_phases_are_told(ppot: str, missing: set[str]) -> None:
    told = readings(replaced(frames.THREE_PHASE_EJP, f"PPOT {ppot}"))

    assert {"1": "1" in missing, "2": "2" in missing, "3": "3" in missing} == {
        str(key[1]): value for key, value in told.items() if key[0] is q.PHASE_MISSING
    }


def test_the_constant_maximum_of_linky_is_no_measurement() -> None:
    assert 90 == readings(frames.SINGLE_PHASE_HC)[q.MAX_CURRENT, "1"]
    assert q.MAX_CURRENT not in {key[0] for key in readings(LINKY_SINGLE)}
    assert [38, 42, 44] == [readings(frames.THREE_PHASE_EJP)[q.MAX_CURRENT, phase] for phase in "123"]
    assert q.MAX_CURRENT not in {key[0] for key in readings(LINKY_THREE)}


def test_the_highest_power_is_watts_on_cbetm_and_volt_amperes_on_linky() -> None:
    assert 17480 == readings(frames.THREE_PHASE_EJP)[q.MAX_ACTIVE_DEMAND_IMPORT, ""]
    assert 17480 == readings(LINKY_THREE)[q.MAX_APPARENT_DEMAND_IMPORT, ""]


def test_an_id_alone_belongs_to_the_family_of_the_line_and_tells_nothing() -> None:
    alone = (group("ADCO 000123456789"),)
    frame = decoded(frames.SINGLE_PHASE_HC, alone)

    assert CBEMM_ICC is frame.family
    assert frame.is_valid
    assert not frame.is_complete
    assert not frame.readings
    assert decoded(alone).is_valid
    assert decoded(alone).family is None


# --- Linky standard --------------------------------------------------------------------------------------------------

STGE_CONTACT_OPEN = {(q.DRY_CONTACT_CLOSED,): False}

STATUS = [
    (
        "003A4401",
        {(q.DRY_CONTACT_CLOSED,): False, (q.DISTRIBUTOR_TARIFF_PERIOD,): "02", (q.EURIDIS,): "enabled_secured"}
        | {(q.PLC,): "new_lock", (q.EXPORTING,): False, (q.OVERLOAD,): False, (q.CLOCK_DEGRADED,): False},
        "02",
    ),
    ("003A0101", {(q.DISTRIBUTOR_TARIFF_PERIOD,): "01", (q.EXPORTING,): False}, "01"),
    (
        "013A0501",
        {(q.DAY_COLOR,): "blue", (q.NEXT_DAY_COLOR,): "unknown", (q.CRITICAL_PEAK,): False},
        "02",
    ),
    ("013A0000", {(q.DAY_COLOR,): "blue", (q.DRY_CONTACT_CLOSED,): True}, "01"),
    ("010A4601", {(q.EXPORTING,): True, (q.DAY_COLOR,): "blue", (q.DISTRIBUTOR_TARIFF_PERIOD,): "02"}, "02"),
    (
        "833AD501",
        {(q.DAY_COLOR,): "red", (q.NEXT_DAY_COLOR,): "unknown", (q.CRITICAL_PEAK,): True}
        | {(q.CRITICAL_PEAK_NOTICE,): False, (q.DISTRIBUTOR_TARIFF_PERIOD,): "04"},
        "06",
    ),
    (
        "AF3A9100",
        {(q.DAY_COLOR,): "red", (q.NEXT_DAY_COLOR,): "red", (q.CRITICAL_PEAK,): True}
        | {(q.CRITICAL_PEAK_NOTICE,): True, (q.DISTRIBUTOR_TARIFF_PERIOD,): "03", (q.DRY_CONTACT_CLOSED,): True},
        "05",
    ),
    (
        "000B0411",
        {(q.CLOCK_DEGRADED,): True, (q.TERMINAL_COVER_OPEN,): True, (q.PLC,): "new_unlock"}
        | {(q.EURIDIS,): "enabled_unsecured", (q.DISCONNECTOR,): "closed"},
        "02",
    ),
]


@pytest.mark.parametrize(("stge", "expected", "ntarf"), STATUS)
def test_the_status_registers_of_real_meters_are_understood(stge: str, expected: Readings, ntarf: str) -> None:
    told = readings(replaced(frames.STANDARD_CONSUMER, f"STGE\t{stge}", f"NTARF\t{ntarf}"))

    assert expected == {key: told.get(key) for key in expected}
    assert ntarf == told[q.TARIFF_PERIOD,] == f"{(int(stge, 16) >> 10 & 15) + 1:02}"


@pytest.mark.parametrize(
    ("code", "state"),
    list(
        enumerate(
            [
                "closed",
                "open_overload",
                "open_overvoltage",
                "open_load_shedding",
                "open_remote_order",
                "open_overheat_high_current",
                "open_overheat_low_current",
            ]
        )
    ),
)
def test_the_disconnector_says_why_it_is_open(code: int, state: str) -> None:
    assert state == readings(replaced(frames.STANDARD_CONSUMER, f"STGE\t{code << 1:08X}"))[q.DISCONNECTOR,]


@pytest.mark.parametrize(
    ("bit", "quantity"),
    [
        (4, q.TERMINAL_COVER_OPEN),
        (6, q.OVERVOLTAGE),
        (7, q.OVERLOAD),
        (9, q.EXPORTING),
        (16, q.CLOCK_DEGRADED),
        (23, q.PLC_SYNCHRONIZED),
        (28, q.CRITICAL_PEAK_NOTICE),
        (29, q.CRITICAL_PEAK_NOTICE),
        (30, q.CRITICAL_PEAK),
        (31, q.CRITICAL_PEAK),
    ],
)
def test_each_flag_of_the_status_register_is_told_by_its_bit_alone(bit: int, quantity: Quantity) -> None:
    flags = (q.TERMINAL_COVER_OPEN, q.OVERVOLTAGE, q.OVERLOAD, q.EXPORTING, q.CLOCK_DEGRADED, q.PLC_SYNCHRONIZED)
    told = readings(replaced(frames.STANDARD_CONSUMER, f"STGE\t{1 << bit:08X}"))

    assert [quantity] == [flag for flag in (*flags, q.CRITICAL_PEAK_NOTICE, q.CRITICAL_PEAK) if told[flag,] is True]


def test_relays_and_dry_contact_have_opposite_polarity_on_the_wire() -> None:
    told = readings(replaced(frames.STANDARD_CONSUMER, "STGE\t013A0000", "RELAIS\t001"))

    assert told[q.DRY_CONTACT_CLOSED,] is True
    assert [True] + [False] * 7 == [told[q.RELAY_CLOSED, str(relay)] for relay in range(1, 9)]


@pytest.mark.parametrize("season", "HEhe")
def test_a_degraded_clock_is_told_by_a_small_season_letter(season: str) -> None:
    frame = decoded(replaced(frames.STANDARD_CONSUMER, f"DATE\t{season}190922173134\t"))
    told = [reading.value for reading in frame.readings if reading.quantity is q.CLOCK_DEGRADED]

    assert (season.islower()) == (True in told)
    assert [at(2019, 9, 22, 17, 31, 34, season)] == [
        reading.value for reading in frame.readings if reading.quantity is q.CLOCK
    ]


@pytest.mark.parametrize("date", [" 190922173134", "E190922243134", "E190231173134", "190922173134"])
def test_a_date_that_is_none_costs_the_frame(date: str) -> None:
    frame = decoded(replaced(frames.STANDARD_CONSUMER, f"DATE\t{date}\t"))

    assert [(Defect.INVALID_VALUE, "DATE")] == [(found.defect, found.where) for found in frame.findings]


STANDARD_VALUES: list[tuple[str, Readings]] = [
    ("PREF\t09", {(q.SUBSCRIBED_APPARENT_POWER, ""): 9000}),
    ("PCOUP\t12", {(q.LIMITER_THRESHOLD,): 12000}),
    ("IRMS1\t000", {(q.CURRENT, "1"): 0}),
    ("URMS1\t229", {(q.VOLTAGE, "1"): 229}),
    ("SINSTS\t00000", {(q.APPARENT_POWER_IMPORT,): 0}),
    ("EASF10\t000000001", {(q.ACTIVE_ENERGY_IMPORT, "10"): 1}),
    ("EASD04\t000000001", {(q.DISTRIBUTOR_ACTIVE_ENERGY_IMPORT, "04"): 1}),
    ("NJOURF\t09", {(q.CALENDAR_DAY_PROFILE, "current"): 9}),
    ("NJOURF+1\t02", {(q.CALENDAR_DAY_PROFILE, "next"): 2}),
    ("LTARF\tHC  BLEU        ", {(q.TARIFF_PERIOD_NAME, "02"): "HC  BLEU"}),
    ("NGTF\t     TEMPO      ", {(q.CONTRACT,): "TEMPO"}),
    ("PRM\t12345678901234", {(q.METERING_POINT,): "12345678901234"}),
]


@pytest.mark.parametrize(("text", "expected"), STANDARD_VALUES)
def test_a_value_of_linky_has_its_unit_and_its_place(text: str, expected: Readings) -> None:
    told = readings(replaced(frames.STANDARD_CONSUMER, text))

    assert expected == {key: told.get(key) for key in expected}


@pytest.mark.parametrize("text", ["NTARF\t2", "NTARF\t02 ", "NTARF\t00", "NTARF\t11", "NTARF\t002"])
def test_the_number_of_a_period_has_two_digits_from_01_to_10(text: str) -> None:
    frame = decoded(replaced(frames.STANDARD_CONSUMER, text))

    assert [(Defect.INVALID_VALUE, "NTARF")] == [(found.defect, found.where) for found in frame.findings]


@pytest.mark.parametrize("number", "123")
def test_announced_peaks_have_a_begin_and_an_end(number: str) -> None:
    told = readings(
        inserted(frames.STANDARD_CONSUMER, "MSG1", f"DPM{number}\t 230213060000\t00", f"FPM{number}\t 230214060000\t00")
    )

    assert at(2023, 2, 13, 6, 0, 0, " ") == told[q.CRITICAL_PEAK_START, number]
    assert at(2023, 2, 14, 6, 0, 0, " ") == told[q.CRITICAL_PEAK_END, number]


def test_three_phases_and_production_are_told_by_their_labels() -> None:
    consumer, producer = readings(frames.STANDARD_CONSUMER), readings(frames.STANDARD_PRODUCER)

    assert not {(q.METER_PHASES,), (q.METER_PRODUCER,)} & consumer.keys()
    assert {"phases": "1", "producer": "false"} == dict(LINKY_STANDARD.info)
    assert ("3", "true") == (producer[q.METER_PHASES,], producer[q.METER_PRODUCER,])


@pytest.mark.parametrize("lost", ["IRMS2", "URMS2", "EAIT", "SINSTI"])
def test_one_lost_group_does_not_change_what_the_meter_is(lost: str) -> None:
    told = readings(without(frames.STANDARD_PRODUCER, lost))

    assert ("3", "true") == (told[q.METER_PHASES,], told[q.METER_PRODUCER,])


@pytest.mark.parametrize("text", ["EAIT\t00067163", "SINSTI\t0000", "IRMS2\t02", "URMS2\t2400", "EAIT\t0006716 1"])
def test_a_label_that_tells_more_than_its_value_still_needs_a_value(text: str) -> None:
    frame = decoded(replaced(frames.STANDARD_PRODUCER, text))

    assert [(Defect.INVALID_VALUE, text.partition("\t")[0])] == [
        (found.defect, found.where) for found in frame.findings
    ]


def test_each_phase_has_its_own_voltage() -> None:
    told = readings(frames.STANDARD_PRODUCER)

    assert [234, 240, 242] == [told[q.VOLTAGE, phase] for phase in "123"]
    assert [230, 239, 243] == [told[q.MEAN_VOLTAGE, phase] for phase in "123"]
    assert [0, 568, 0] == [told[q.PHASE_APPARENT_POWER_IMPORT, phase] for phase in "123"]
    assert [1084, 3275, 2904] == [told[q.PHASE_MAX_APPARENT_POWER_IMPORT, phase, "yesterday"] for phase in "123"]
    assert at(2021, 4, 13, 11, 11, 48, "E") == told[q.PHASE_MAX_APPARENT_POWER_IMPORT_AT, "1", "yesterday"]


@pytest.mark.parametrize(("alias", "label"), sorted(LINKY_STANDARD.aliases.items()))
def test_another_spelling_of_linky_is_read_the_same(alias: str, label: str) -> None:
    renamed = tuple(
        group(alias + line[len(label) : -2]) if label_of(line) == label else line for line in frames.STANDARD_PRODUCER
    )

    assert renamed != frames.STANDARD_PRODUCER
    assert readings(frames.STANDARD_PRODUCER) == readings(renamed)


def test_the_longest_frame_of_linky_is_read() -> None:
    long = inserted(
        frames.STANDARD_PRODUCER,
        "MSG1",
        *(f"{label}{number}\t 230214060000\t00" for number in (1, 2, 3) for label in ("DPM", "FPM")),
    )
    long = (
        *inserted(long, "PRM", "MSG2\tMESSAGE DE 16 C."),
        group("PPOINTE\t00004003 06004004 22004003" + 8 * " NONUTILE"),
    )

    assert 1727 == len(wire(long))
    assert 16 == len(str(readings(long)[q.SHORT_MESSAGE,]))


# --- PME-PMI ---------------------------------------------------------------------------------------------------------

PME_PMI_READINGS: Readings = {
    (q.CONTRACT,): "BT 4 SUP36",
    (q.CONTRACT_PERIODS,): ("HPH", "HCH", "HPE", "HCE"),
    (q.CLOCK,): at(2016, 8, 26, 10, 29, 4),
    (q.INTERVAL_ACTIVE_ENERGY_IMPORT,): 422,
    (q.INTERVAL_REACTIVE_ENERGY, "1"): 0,
    (q.INTERVAL_REACTIVE_ENERGY, "4"): 189,
    (q.INTERVAL_APPARENT_ENERGY_IMPORT,): 495,
    (q.TARIFF_PERIOD,): "HPE",
    (q.CRITICAL_PEAK,): False,
    (q.METER_PRODUCER,): "false",
    (q.LOAD_PROFILE_AT, "1"): at(2016, 8, 26, 10, 20),
    (q.LOAD_PROFILE_IMPORT, "1"): 6000,
    (q.LOAD_PROFILE_AT, "2"): at(2016, 8, 26, 10, 10),
    (q.LOAD_PROFILE_IMPORT, "2"): 5000,
    (q.LOAD_PROFILE_AT, "3"): at(2016, 8, 26, 10, 0),
    (q.LOAD_PROFILE_IMPORT, "3"): 5000,
    (q.LOAD_PROFILE_AT, "4"): at(2016, 8, 26, 9, 50),
    (q.LOAD_PROFILE_IMPORT, "4"): 6000,
    (q.LOAD_PROFILE_AT, "5"): at(2016, 8, 26, 9, 40),
    (q.LOAD_PROFILE_IMPORT, "5"): 5000,
    (q.LOAD_PROFILE_AT, "6"): at(2016, 8, 26, 9, 30),
    (q.LOAD_PROFILE_IMPORT, "6"): 7000,
    (q.BILLING_PERIOD_START, "current"): at(2016, 8, 14, 2, 50),
    (q.ACTIVE_ENERGY_IMPORT, "HPE"): 9649000,
    (q.REACTIVE_ENERGY, "1", "HPE"): 229000,
    (q.REACTIVE_ENERGY, "4", "HPE"): 7350000,
    (q.BILLING_PERIOD_START, "previous"): at(2016, 7, 14, 2, 25),
    (q.BILLING_PERIOD_END, "previous"): at(2016, 8, 14, 2, 50),
    (q.PREVIOUS_ACTIVE_ENERGY_IMPORT, "HPE"): 9256000,
    (q.PREVIOUS_REACTIVE_ENERGY, "1", "HPE"): 229000,
    (q.PREVIOUS_REACTIVE_ENERGY, "4", "HPE"): 6666000,
    (q.SUBSCRIBED_APPARENT_POWER, "HPE"): 42000,
    (q.ACTIVE_DEMAND_IMPORT, "1m"): 6000,
    (q.MAX_APPARENT_DEMAND_IMPORT, "HPE"): 15000,
    (q.TAN_PHI,): -0.39,
    (q.CALENDAR,): "BT 4 SUP36",
    (q.CALENDAR2_PERIODS,): ("HPH", "HCH", "HPE", "HCE"),
    (q.CALENDAR2_TARIFF_PERIOD,): "HPE",
    (q.CALENDAR2_BILLING_PERIOD_START, "current"): at(2016, 8, 14, 2, 50),
    (q.CALENDAR2_ACTIVE_ENERGY_IMPORT, "HPE"): 9649000,
    (q.CALENDAR2_BILLING_PERIOD_START, "previous"): at(2016, 7, 14, 2, 25),
    (q.CALENDAR2_BILLING_PERIOD_END, "previous"): at(2016, 8, 14, 2, 50),
    (q.CALENDAR2_PREVIOUS_ACTIVE_ENERGY_IMPORT, "HPE"): 9256000,
    (q.OVERLOAD_WARNING,): False,
    (q.CONTROL_MODE,): False,
}


def test_a_pme_pmi_frame_gives_all_its_values() -> None:
    told = readings(frames.PMEPMI)

    assert PME_PMI_READINGS == {key: value for key, value in told.items() if key[0] is not q.DYNAMIC_TARIFF}
    assert "041436028024" == decoded(frames.PMEPMI).meter_id


BOUND = [
    (q.ACTIVE_ENERGY_IMPORT, "EAP_s"),
    (q.REACTIVE_ENERGY, "ER+P_s"),
    (q.REACTIVE_ENERGY, "ER-P_s"),
    (q.PREVIOUS_ACTIVE_ENERGY_IMPORT, "EAP-1_s"),
    (q.PREVIOUS_REACTIVE_ENERGY, "ER+P-1_s"),
    (q.SUBSCRIBED_APPARENT_POWER, "PS"),
    (q.MAX_APPARENT_DEMAND_IMPORT, "PMAX_s"),
]


@pytest.mark.parametrize(
    "period", ["P", "PM", "HH", "HP", "HC", "HPH", "HCH", "HPE", "HCE", "HPD", "HCD", "JA", "HD", "P  ", "PM ", "HH "]
)
def test_the_registers_of_pme_pmi_belong_to_the_period_of_their_frame(period: str) -> None:
    told = readings(replaced(frames.PMEPMI, f"PTCOUR1 {period}", "PTCOUR2 JA "))
    name = period.strip()

    assert (name, "JA") == (told[q.TARIFF_PERIOD,], told[q.CALENDAR2_TARIFF_PERIOD,])
    assert (name == "PM") == told[q.CRITICAL_PEAK,]
    for quantity, label in BOUND:
        assert {name} == {key[-1] for key in told if key[0] is quantity}, label
    assert {"JA"} == {key[1] for key in told if key[0] is q.CALENDAR2_ACTIVE_ENERGY_IMPORT}


@pytest.mark.parametrize(
    ("state", "dynamic", "name"),
    [
        ("ACTIF", "000", "HPE"),
        ("INACTIF", "000", "HPE"),
        ("INACTIF", "PM1", "HPE"),
        ("ACTIF", "PM1", "HPE-PM1"),
        (" ACTIF", "PM ", "HPE-PM"),
    ],
)
def test_a_running_dynamic_tariff_is_part_of_the_period(state: str, dynamic: str, name: str) -> None:
    told = readings(replaced(frames.PMEPMI, f"TARIFDYN {state}", f"ETATDYN1 {dynamic}"))

    assert name == told[q.TARIFF_PERIOD,]
    assert 9649000 == told[q.ACTIVE_ENERGY_IMPORT, name]


@pytest.mark.parametrize(
    ("text", "expected", "absent"),
    [
        ("PS 42kVA", {(q.SUBSCRIBED_APPARENT_POWER, "HPE"): 42000}, q.SUBSCRIBED_ACTIVE_POWER),
        ("PS 250kW", {(q.SUBSCRIBED_ACTIVE_POWER, "HPE"): 250000}, q.SUBSCRIBED_APPARENT_POWER),
        ("PMAX_s 15kVA", {(q.MAX_APPARENT_DEMAND_IMPORT, "HPE"): 15000}, q.MAX_ACTIVE_DEMAND_IMPORT),
        ("PMAX_s 15kW", {(q.MAX_ACTIVE_DEMAND_IMPORT, "HPE"): 15000}, q.MAX_APPARENT_DEMAND_IMPORT),
    ],
)
def test_the_unit_decides_what_a_label_measures(text: str, expected: Readings, absent: Quantity) -> None:
    told = readings(replaced(frames.PMEPMI, text))

    assert expected == {key: told.get(key) for key in expected}
    assert absent not in {key[0] for key in told}


@pytest.mark.parametrize("text", ["PS 42kVAr", "PS 42", "PS 042kVA", "PS 32768kVA", "PMAX_s 15kWh", "PMAX_s kW"])
def test_a_unit_that_is_none_costs_the_frame(text: str) -> None:
    assert decoded(replaced(frames.PMEPMI, text)).defect is Defect.INVALID_VALUE


PRODUCED: list[tuple[str, str, Readings]] = [
    ("PTCOUR1", "EA_i 12Wh", {(q.INTERVAL_ACTIVE_ENERGY_EXPORT,): 12}),
    ("PTCOUR1", "ER+_i 3varh", {(q.INTERVAL_REACTIVE_ENERGY, "2"): 3}),
    ("PTCOUR1", "ER-_i 4varh", {(q.INTERVAL_REACTIVE_ENERGY, "3"): 4}),
    ("PTCOUR1", "EAPP_i 13VAh", {(q.INTERVAL_APPARENT_ENERGY_EXPORT,): 13}),
    ("DATEPA2", "PA1_i 2kW", {(q.LOAD_PROFILE_EXPORT, "1"): 2000}),
    ("DebP", "PA6_i 2kW", {(q.LOAD_PROFILE_EXPORT, "6"): 2000}),
    ("DebP-1", "EAP_i 50kWh", {(q.ACTIVE_ENERGY_EXPORT, "HPE"): 50000}),
    ("DebP-1", "ER+P_i 6kvarh", {(q.REACTIVE_ENERGY, "2", "HPE"): 6000}),
    ("DebP-1", "ER-P_i 7kvarh", {(q.REACTIVE_ENERGY, "3", "HPE"): 7000}),
    ("PS", "EAP-1_i 50kWh", {(q.PREVIOUS_ACTIVE_ENERGY_EXPORT, "HPE"): 50000}),
    ("PS", "EaP-1_i 50kWh", {(q.PREVIOUS_ACTIVE_ENERGY_EXPORT, "HPE"): 50000}),
    ("PS", "ER+P-1_i 6kvarh", {(q.PREVIOUS_REACTIVE_ENERGY, "2", "HPE"): 6000}),
    ("PS", "ER-P-1_i 7kvarh", {(q.PREVIOUS_REACTIVE_ENERGY, "3", "HPE"): 7000}),
    ("TGPHI_s", "PMAX_i 9kVA", {(q.MAX_APPARENT_DEMAND_EXPORT, "HPE"): 9000}),
    ("TGPHI_s", "PMAX_i 9kW", {(q.MAX_ACTIVE_DEMAND_EXPORT, "HPE"): 9000}),
    ("MESURES2", "TGPHI_i 1.17", {(q.TAN_PHI_EXPORT,): 1.17}),
    ("PA1MN", "PREAVIS DEP", {(q.OVERLOAD_WARNING,): True}),
    ("PA1MN", "PREAVIS DEP ", {(q.OVERLOAD_WARNING,): True}),
    ("CONFIG", "MODE CONTROLE", {(q.CONTROL_MODE,): True}),
]


@pytest.mark.parametrize(("before", "text", "expected"), PRODUCED)
def test_a_label_that_not_every_frame_has_is_read(before: str, text: str, expected: Readings) -> None:
    told = readings(inserted(replaced(frames.PMEPMI, "CONFIG PROD"), before, text))

    assert expected == {key: told.get(key) for key in expected}
    assert "true" == told[q.METER_PRODUCER,]


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("TJ MU     ", "HPH HCH HPE HCE", "HPH HCH HPE HCE"),
        ("TJ LU     ", "P HPH HCH HPE HCE", "HPH HCH HPE HCE"),
        ("TJ LU-SD  ", "P HPH HCH HPE HCE", "HPH HCH HPE HCE"),
        ("TJ LU-P   ", "P HPH HCH HPE HCE", "HPH HCH HPE HCE"),
        ("TJ LU-PH  ", "P HPH HCH HPE HCE", "HPH HCH HPE HCE"),
        ("TJ LU-CH  ", "P HPH HCH HPE HCE", "HPH HCH HPE HCE"),
        ("TJ EJP    ", "PM HH HPE HCE", "PM HH HPE HCE"),
        ("TJ EJP-SD ", "PM HH HPE HCE", "PM HH HPE HCE"),
        ("TJ EJP-PM ", "PM HH HPE HCE", "PM HH HPE HCE"),
        ("TJ EJP-HH ", "PM HH HPE HCE", "PM HH HPE HCE"),
        ("TV A5 BASE", "P HPH HCH HPE HCE", "P HP HC"),
        ("TV A8 BASE", "P HPH HPD HCH HCD HPE HCE JA", "P HP HC"),
        ("BT 4 SUP36", "HPH HCH HPE HCE", "HPH HCH HPE HCE"),
        ("BT4 SUP36 ", "HPH HCH HPE HCE", "HPH HCH HPE HCE"),
        ("BT 5 SUP36", "P HPH HCH HPE HCE", "HPH HCH HPE HCE"),
        ("HTA 5     ", "P HPH HCH HPE HCE", "P HP HC"),
        ("HTA 8     ", "P HPH HPD HCH HCD HPE HCE JA", "P HP HC"),
        ("CONTRAT 27", None, None),
    ],
)
def test_a_contract_tells_the_periods_it_has(name: str, first: str | None, second: str | None) -> None:
    told = readings(replaced(frames.PMEPMI, f"MESURES1 {name}", f"MESURES2 {name}"))
    periods = (told.get((q.CONTRACT_PERIODS,)), told.get((q.CALENDAR2_PERIODS,)))

    assert tuple(text and tuple(text.split()) for text in (first, second)) == periods
    assert (name.strip(), name.strip()) == (told[q.CONTRACT,], told[q.CALENDAR,])


@pytest.mark.parametrize(
    "text",
    [
        "MESURES1 BT 4 SUP36X",
        "PTCOUR1 XYZ",
        "TARIFDYN PEUT-ETRE",
        "CONFIG AUTRE",
        "PA1_s 6",
        "DATE 31/02/16 10:29:04",
        "DATE 26/08/16",
        "EA_s 422kWh",
        "TGPHI_s 0,3",
        "ETATDYN1 PM10",
    ],
)
def test_a_value_of_another_form_costs_a_pme_pmi_frame(text: str) -> None:
    frame = decoded(replaced(frames.PMEPMI, text))

    assert [(Defect.INVALID_VALUE, text.partition(" ")[0])] == [(found.defect, found.where) for found in frame.findings]
    assert not frame.readings


@pytest.mark.parametrize("value", ["6TkW", "0TkW", "6H.kW", "6C.kW", "6M.kW"])
def test_a_demand_point_that_does_not_cover_its_interval_is_passed_over(value: str) -> None:
    told = readings(replaced(frames.PMEPMI, f"PA1_s {value}"))

    assert (q.LOAD_PROFILE_IMPORT, "1") not in told
    assert 5000 == told[q.LOAD_PROFILE_IMPORT, "2"]


@pytest.mark.parametrize(("alias", "label"), sorted(PMEPMI.aliases.items()))
def test_another_spelling_of_pme_pmi_is_read_the_same(alias: str, label: str) -> None:
    producer = inserted(frames.PMEPMI, "PS", "EAP_i 50kWh", "EAP-1_i 40kWh")
    renamed = tuple(group(alias + line[len(label) : -2]) if label_of(line) == label else line for line in producer)

    assert renamed != producer
    assert readings(producer) == readings(renamed)


@pytest.mark.parametrize(
    "text",
    [
        "PREAVIS1 TD-PM1",
        "PREAVIS1 TD- ? ",
        "TDYN1CD 12/01/15 07:00:00-PM ",
        "TDYN1CF 12/01/15 07:00:00-PM ",
        "TDYN1FD 12/01/15 07:00:00-PM ",
        "TDYN1FF 12/01/15 07:00:00-PM ",
    ],
)
def test_notices_of_dynamic_periods_change_nothing(text: str) -> None:
    assert readings(frames.PMEPMI) == readings(inserted(frames.PMEPMI, "CONFIG", text))


TEST_FRAME = tuple(group(text) for text in ("TRAME TEST", "ADS 000000000000", "PTCOUR1 HPE"))


@pytest.mark.parametrize("more", [(), (group("PREAVIS DEP"),)])
def test_fictitious_values_are_recognised_and_not_read(more: Groups) -> None:
    frame = decoded((*TEST_FRAME, *more))

    assert PMEPMI is frame.family
    assert frame.is_test
    assert frame.is_valid
    assert not frame.readings
    assert not decoded(TEST_FRAME, frames.PMEPMI).is_test


def test_a_slot_without_a_period_is_valid_in_test_mode_and_nowhere_else() -> None:
    assert decoded(replaced(frames.PMEPMI, "PTCOUR1 XXX")).defect is Defect.INVALID_VALUE
    frame = decoded(replaced(TEST_FRAME, "PTCOUR1 XXX"))

    assert frame.is_test
    assert frame.is_valid
    assert not frame.readings


@pytest.mark.parametrize("ids", ["041436028024", "04143602802A", "ABCDEF012345"])
def test_an_id_of_pme_pmi_may_be_hexadecimal(ids: str) -> None:
    assert ids == decoded(replaced(frames.PMEPMI, f"ADS {ids}")).meter_id


def test_registers_are_passed_over_when_the_dynamic_tariff_is_told_but_not_whether_it_holds() -> None:
    # TARIFDYN may have become an unknown label by damage that keeps the checksum.
    told = {"PTCOUR1": "HPE", "ETATDYN1": "PMX"}
    source = FromLabels("PTCOUR1", active=("TARIFDYN", "ACTIF"), suffix="ETATDYN1", idle="000")

    assert source.resolve(told, {}) is None
    assert "HPE" == source.resolve(told | {"TARIFDYN": "INACTIF"}, {})
    assert "HPE-PMX" == source.resolve(told | {"TARIFDYN": " ACTIF"}, {})
    assert "HPE" == source.resolve({"PTCOUR1": "HPE"}, {})


def test_a_meter_that_never_names_a_dynamic_period_has_its_registers_under_the_period_in_force() -> None:
    # Palier 2010 has TARIFDYN and no ETATDYN1. These registers were passed over once, for fear of a lost group.
    source = FromLabels("PTCOUR1", active=("TARIFDYN", "ACTIF"), suffix="ETATDYN1", idle="000")

    assert "HPE" == source.resolve({"PTCOUR1": "HPE", "TARIFDYN": "ACTIF"}, {})
    assert source.resolve({"PTCOUR1": "HPE", "TARIFDYN": "ACTIF"}, {"ETATDYN1": "sent"}) is None
    assert "HPE" == source.resolve({"PTCOUR1": "HPE", "TARIFDYN": "INACTIF"}, {"ETATDYN1": "sent"})
    assert source.resolve({"TARIFDYN": "ACTIF", "ETATDYN1": "PMX"}, {}) is None
