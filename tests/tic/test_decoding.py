"""Frames to readings: damage removes readings and never alters one."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import frames
from helpers.frames import Groups, body, even, group, group_of, inserted, label_of, replaced, wire, without
from tic_exporter.tic import quantities as q
from tic_exporter.tic.decoding import Decoder
from tic_exporter.tic.families import FAMILIES
from tic_exporter.tic.families.historic import CBEMM, CBEMM_ICC, CBETM
from tic_exporter.tic.families.pmepmi import PMEPMI
from tic_exporter.tic.families.standard import LINKY_STANDARD
from tic_exporter.tic.frames import DecodedFrame
from tic_exporter.tic.framing import Cut, Framer
from tic_exporter.tic.groups import Defect, Dialect, Group, encode_frame
from tic_exporter.tic.parity import Parity
from tic_exporter.tic.quantities import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from tic_exporter.tic.codecs import Value
    from tic_exporter.tic.quantities import Quantity
    from tic_exporter.tic.schema import Dimensions

    Told = set[tuple[Quantity, Dimensions, Value]]

REFERENCES = {
    "cbemm-icc, hc": frames.SINGLE_PHASE_HC,
    "cbemm-icc, tempo": frames.SINGLE_PHASE_TEMPO,
    "cbemm": frames.SINGLE_PHASE_WITHOUT_POWER,
    "cbetm": frames.THREE_PHASE_EJP,
    "linky, consumer": frames.STANDARD_CONSUMER,
    "linky, producer": frames.STANDARD_PRODUCER,
    "pme-pmi": frames.PMEPMI,
}
SHORT = tuple(group(text) for text in ("ADIR2 036", "ADCO 000123456789", "IINST1 010", "IINST2 036", "IINST3 008"))
OVERLOADED = inserted(frames.SINGLE_PHASE_HC, "IMAX", "ADPS 065")
every_reference = pytest.mark.parametrize("groups", REFERENCES.values(), ids=REFERENCES.keys())
# One of each kind of group, where a test tries every byte of a frame.
TRIED = ["cbemm-icc, tempo", "cbetm", "linky, consumer", "pme-pmi"]
every_byte = pytest.mark.parametrize("groups", [REFERENCES[name] for name in TRIED], ids=TRIED)


class Line:
    """A framer and a decoder, as one line has them."""

    def __init__(self, decoder: Decoder | None = None) -> None:
        self.framer = Framer()
        self.decoder = decoder or Decoder()

    def feed(self, data: bytes) -> list[DecodedFrame]:
        return [self.decoder.decode(raw) for raw in self.framer.feed(data)]


def decode(stream: bytes, decoder: Decoder | None = None) -> list[DecodedFrame]:
    return Line(decoder).feed(stream)


def only(found: list[DecodedFrame]) -> DecodedFrame:
    (frame,) = found
    return frame


def told_by(frame: DecodedFrame) -> Told:
    return {(reading.quantity, reading.dimensions, reading.value) for reading in frame.readings}


def quantities_of(frame: DecodedFrame) -> set[Quantity]:
    return {reading.quantity for reading in frame.readings}


def defects_of(frame: DecodedFrame) -> list[tuple[Defect, str]]:
    return [(found.defect, found.where) for found in frame.findings]


# --- whole frames ----------------------------------------------------------------------------------------------------


@every_reference
@pytest.mark.parametrize("parity", [Parity.NONE, Parity.EVEN])
def test_a_whole_frame_is_valid_and_nothing_in_it_is_left_out(groups: Groups, parity: Parity) -> None:
    stream = even(wire(groups)) if parity is Parity.EVEN else wire(groups)
    frame = only(decode(stream))

    assert frame.is_valid
    assert frame.is_interpreted
    assert frame.is_complete
    assert frame.defect is None
    assert [] == list(frame.findings)
    assert (len(groups), len(groups)) == (frame.group_count, frame.right_checksums)
    assert [label_of(line) for line in groups] == [found.label for found in frame.groups]
    assert (parity, 0) == (frame.parity, frame.parity_errors)
    assert not frame.cooked
    assert not frame.is_test


@every_reference
def test_no_series_has_two_values_in_a_frame(groups: Groups) -> None:
    told = {one for one in told_by(only(decode(wire(groups)))) if one[0].is_published}

    assert len(told) == len({(quantity, dimensions) for quantity, dimensions, _ in told})


@every_reference
def test_groups_may_come_in_any_order(groups: Groups) -> None:
    # The id stays where recognition needs it least: anywhere.
    assert told_by(only(decode(wire(groups)))) == told_by(only(decode(wire(groups[::-1]))))


@every_reference
def test_line_ends_around_the_groups_of_a_frame_change_nothing(groups: Groups) -> None:
    plain = only(decode(wire(groups)))
    widened = only(decode(b"\x02\r" + body(groups) + b"\n\x03"))

    assert widened.is_valid
    assert told_by(plain) == told_by(widened)


@every_reference
def test_a_cooked_stream_tells_the_same(groups: Groups) -> None:
    cooked = b"\x02" + body(groups).replace(b"\r", b"\n")
    found = decode(cooked * 2 + b"\x02")

    assert [(True, True), (True, True)] == [(frame.cooked, frame.is_valid) for frame in found]
    assert [told_by(frame) for frame in decode(wire(groups) * 2)] == [told_by(frame) for frame in found]


@every_reference
def test_what_is_read_again_tells_the_same_and_says_that_nothing_changed(groups: Groups) -> None:
    first, second, third = decode(wire(groups) * 3)

    assert told_by(first) <= told_by(second) == told_by(third)
    assert first.changed is None
    assert [] == list(third.changed or ())


# A checksum is a space in one group of 64: none of these may be lost.


def with_space_checksum(label: str) -> str:
    """An id under `label` whose checksum is a space."""
    separator = "\t" if label == "ADSC" else " "
    return next(
        text for number in range(10**6) if group(text := f"{label}{separator}{number:012}").endswith(f"{separator} ")
    )


@pytest.mark.parametrize(
    ("groups", "label"),
    [(frames.SINGLE_PHASE_HC, "ADCO"), (frames.STANDARD_CONSUMER, "ADSC"), (frames.PMEPMI, "ADS")],
)
def test_an_id_whose_checksum_is_a_space_is_read(groups: Groups, label: str) -> None:
    text = with_space_checksum(label)
    frame = only(decode(wire(replaced(groups, text))))

    assert text[-12:] == frame.meter_id
    assert frame.is_valid


@pytest.mark.parametrize(
    ("groups", "label", "value"),
    [
        (frames.SINGLE_PHASE_HC, "PTEC", "HP.."),
        (frames.PMEPMI, "EAP_s2", "9649kWh"),
        (replaced(frames.STANDARD_CONSUMER, "EASD01\t000000000"), "EASD01", "000000000"),
    ],
)
def test_a_value_whose_checksum_is_a_space_is_read(groups: Groups, label: str, value: str) -> None:
    assert group_of(groups, label).endswith(" ")
    assert Group(label, value) in only(decode(wire(groups))).groups


# --- damage ----------------------------------------------------------------------------------------------------------


class Damage:
    """Tries damaged frames on one line between good ones, and looks for a reading that the good one has not.

    `texts`: whether names may differ; no checksum or parity finds each damage, and two frames have to agree on them.
    """

    def __init__(self, groups: Groups, *, parity: bool, texts: bool) -> None:
        self.frame = even(wire(groups)) if parity else wire(groups)
        self.line = Line()
        self.line.feed(self.frame)
        self.told = told_by(only(self.line.feed(self.frame)))
        self.texts = texts
        self.interpreted = 0

    def send(self, damaged: bytes) -> list[DecodedFrame]:
        """What comes of the damaged bytes. The next frame must be untouched by them."""
        *before, after = self.line.feed(damaged + self.frame)
        assert after.is_valid, damaged
        # An overload of three phases is told to be over by two long frames in a row.
        assert {(q.OVERLOAD, (), False)} >= told_by(after) ^ self.told, damaged
        for frame in before:
            self.interpreted += frame.is_interpreted
            altered = {one for one in told_by(frame) - self.told if not (self.texts and is_text(one[0]))}
            assert not altered, (damaged, altered)
        return before


def is_text(quantity: Quantity) -> bool:
    return quantity.kind is Kind.TEXT or quantity is q.DYNAMIC_TARIFF


@pytest.mark.parametrize("groups", [REFERENCES[name] for name in TRIED if name != "cbetm"])
def test_a_flipped_bit_under_parity_never_gives_an_interpreted_frame(groups: Groups) -> None:
    damage = Damage(groups, parity=True, texts=False)
    last = len(damage.frame) - 1
    for place, code in enumerate(damage.frame):
        for bit in range(8):
            flipped = damage.frame[:place] + bytes([code ^ 1 << bit]) + damage.frame[place + 1 :]
            found = damage.send(flipped)
            # The parity of STX and ETX is not looked at: they are known by their seven bits.
            is_whole = bit == 7 and place in {0, last}
            assert [True] * is_whole == [frame.is_interpreted for frame in found if frame.is_interpreted]


@pytest.mark.parametrize("lost", [("ADCO",), ("ADCO", "OPTARIF")])
def test_a_frame_without_the_id_that_its_family_always_sends_is_not_used(lost: tuple[str, ...]) -> None:
    # As when one bit turns the checksum `"` of OPTARIF EJP. into STX: what follows looks like a frame.
    for groups in (frames.THREE_PHASE_EJP, HC, SHORT):
        known = set(lost) & {label_of(line) for line in groups}
        assert not decode(wire(frames.THREE_PHASE_EJP, groups, without(groups, *known)))[-1].is_interpreted


@every_byte
def test_a_flipped_bit_without_parity_never_gives_another_value(groups: Groups) -> None:
    damage = Damage(groups, parity=False, texts=True)
    for place, code in enumerate(damage.frame):
        for bit in range(8):
            damage.send(damage.frame[:place] + bytes([code ^ 1 << bit]) + damage.frame[place + 1 :])

    assert damage.interpreted < len(damage.frame)


@every_byte
@pytest.mark.parametrize("parity", [False, True])
def test_a_lost_byte_never_gives_another_value(groups: Groups, parity: bool) -> None:  # noqa: FBT001
    damage = Damage(groups, parity=parity, texts=False)
    for place in range(len(damage.frame)):
        damage.send(damage.frame[:place] + damage.frame[place + 1 :])

    assert 0 == damage.interpreted


@every_byte
@pytest.mark.parametrize("code", [0x02, 0x03, 0x0A, 0x0D, 0x00, 0x09, 0x20, 0x30, 0x40, 0x41, 0x7F, 0xFF])
def test_a_byte_too_much_never_gives_another_value(groups: Groups, code: int) -> None:
    damage = Damage(groups, parity=True, texts=False)
    (sent,) = even(bytes([code & 0x7F])) if code < 0x80 else (code,)
    for place in range(len(damage.frame) + 1):
        damage.send(damage.frame[:place] + bytes([sent]) + damage.frame[place:])


@every_reference
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_changed_byte_under_parity_never_gives_another_value(groups: Groups, data: st.DataObject) -> None:
    frame = even(wire(groups))
    good = told_by(decode(frame * 2)[-1])
    place = data.draw(st.integers(0, len(frame) - 1))
    changed = frame[:place] + bytes([data.draw(st.integers(0, 255))]) + frame[place + 1 :]
    found = decode(changed + frame)

    assert found[-1].is_valid
    for one in found:
        # A pair of bits may turn a letter into another under both checks: names are believed when two frames agree.
        assert not {told for told in told_by(one) - good if not is_text(told[0])}


@every_reference
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_frame_out_of_which_a_piece_is_lost_never_gives_another_value(groups: Groups, data: st.DataObject) -> None:
    frame = even(wire(groups))
    whole = decode(frame * 2)[-1]
    good, known = told_by(whole), set(whole.groups)
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, len(frame)))
    for one in decode(frame[:start] + frame[end:] + frame):
        # Of the lines that are made of the ends of two, one in 64 has the right checksum (`IMAX 030 B`).
        assert told_by(one) <= good or set(one.groups) - known


@every_byte
@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize("replaces", [False, True])
def test_nothing_of_a_frame_that_the_meter_broke_off_is_read_and_the_next_one_is(
    groups: Groups,
    parity: bool,  # noqa: FBT001
    replaces: bool,  # noqa: FBT001
) -> None:
    damage = Damage(groups, parity=parity, texts=False)
    eot = even(b"\x04") if parity else b"\x04"
    for place in range(1, len(damage.frame)):
        found = only(damage.send(damage.frame[:place] + eot + damage.frame[place + replaces :]))
        assert Cut.INTERRUPTED is found.cut
        assert not found.is_interpreted
        assert not found.is_valid
        assert not found.readings
        assert not found.findings


def test_an_overload_does_not_end_because_a_frame_was_cut_short() -> None:
    good = told_by(only(decode(wire(OVERLOADED))))
    for end in range(len(body(OVERLOADED)) + 1):
        for cut in (b"\x03", b"\x04", b"\x02"):
            for frame in decode(b"\x02" + body(OVERLOADED)[:end] + cut):
                assert told_by(frame) <= good
    assert (q.OVERLOAD, (), True) in good


def test_a_meter_that_breaks_off_between_groups_and_goes_on_afresh() -> None:
    first, second = decode(wire(frames.SINGLE_PHASE_HC)[:-1] + b"\x04" + wire(frames.SINGLE_PHASE_HC))

    assert (Cut.INTERRUPTED, 11, 11) == (first.cut, first.group_count, first.right_checksums)
    assert second.is_valid


@pytest.mark.parametrize("end", [b"\x02", b"\x04"])
def test_the_groups_of_a_broken_frame_are_counted_and_not_read(end: bytes) -> None:
    bad = frames.SINGLE_PHASE_HC[3].replace("2", "3", 1).encode()
    found = decode(b"\x02" + body(frames.SINGLE_PHASE_HC[:3]) + b"\n" + bad + b"\r" + end)[0]

    assert (4, 3) == (found.group_count, found.right_checksums)
    assert ([], []) == (list(found.readings), list(found.findings))
    assert found.family is None
    assert not found.is_valid


def test_a_frame_that_is_too_long_tells_nothing() -> None:
    found, after = decode(b"\x02" + body(frames.PMEPMI) * 20 + b"\x03" + wire(frames.PMEPMI))

    assert (Cut.OVERSIZED, 0, False) == (found.cut, found.group_count, found.is_valid)
    assert after.is_valid


# --- defects ---------------------------------------------------------------------------------------------------------


def damaged(groups: Groups, label: str, text: str) -> bytes:
    """The frame on the wire, the group of `label` exchanged for `text` as it stands."""
    return wire(tuple(text if label_of(line) == label else line for line in groups))


HC = frames.SINGLE_PHASE_HC


@pytest.mark.parametrize(
    ("stream", "defects", "counted"),
    [
        (damaged(HC, "PAPP", "PAPP 90390 '"), [(Defect.CHECKSUM, "")], Defect.CHECKSUM),
        (damaged(HC, "HCHP", "HCHU 022032205 #"), [(Defect.CHECKSUM, "")], Defect.CHECKSUM),
        (damaged(HC, "PAPP", "PAPP00510 '"), [(Defect.MALFORMED, "")], Defect.MALFORMED),
        (damaged(HC, "PAPP", group("PAPP 0510")), [(Defect.INVALID_VALUE, "PAPP")], Defect.INVALID_VALUE),
        (damaged(HC, "ADCO", group("ADCO 02q876531123")), [(Defect.INVALID_VALUE, "ADCO")], Defect.INVALID_VALUE),
        (wire(without(HC, "PTEC")), [(Defect.MISSING_CONTEXT, "PTEC")], Defect.MISSING_CONTEXT),
        (wire(without(HC, "ADCO", "PAPP")), [], None),  # no marker knows it: valid, and of no family
        (wire((*HC, HC[-1])), [(Defect.MALFORMED, "MOTDETAT")], Defect.MALFORMED),
        (wire((*HC, group("NOUVEAU 12"))), [(Defect.UNKNOWN_LABEL, "NOUVEAU")], None),
        (
            damaged((*HC, group("NOUVEAU 12"), group("PAPP 0510")), "PTEC", "PTEC HC..  "),
            [(Defect.CHECKSUM, "")],
            Defect.CHECKSUM,
        ),
        (b"\x02\x03", [(Defect.MALFORMED, "")], Defect.MALFORMED),
        (b"\x02\r\n\x03", [(Defect.MALFORMED, "")], Defect.MALFORMED),
        (b"\x02" + body(HC)[1:] + b"\x03", [(Defect.MALFORMED, "")], Defect.MALFORMED),
        (b"\x02" + body(HC)[:-1] + b"\x03", [(Defect.MALFORMED, "")], Defect.MALFORMED),
        (b"\x02" + body(HC)[:-2] + b"\x03", [(Defect.MALFORMED, "")], Defect.MALFORMED),
    ],
)
def test_a_defect_is_named_and_costs_the_frame_unless_it_is_an_unknown_label(
    stream: bytes, defects: list[tuple[Defect, str]], counted: Defect | None
) -> None:
    frame = only(decode(wire(SHORT) + stream)[1:])

    assert set(defects) <= set(defects_of(frame))
    assert counted is frame.defect
    assert (counted is None) == frame.is_valid == frame.is_interpreted
    if counted is not None:
        assert not frame.readings


def test_of_several_defects_the_first_in_the_order_of_the_list_counts() -> None:
    sent = without(replaced(HC, "PAPP 0510"), "PTEC")
    stream = wire((*sent, sent[-1], group("NOUVEAU 12")))

    assert Defect.MALFORMED is only(decode(stream)).defect
    assert Defect.CHECKSUM is only(decode(stream.replace(b"ISOUSC 60 <", b"ISOUSC 61 <"))).defect
    assert Defect.INVALID_VALUE is only(decode(wire(sent))).defect
    assert ["checksum", "malformed", "invalid_value", "missing_context", "unknown_label", "parity"] == [
        defect.value for defect in Defect
    ]


def test_a_character_of_wrong_parity_is_counted_and_costs_its_frame() -> None:
    sent = bytearray(even(wire(HC)))
    place = sent.index(even(b"PAPP")) + 6
    sent[place] ^= 0x01
    frame = only(decode(bytes(sent)))

    assert (Parity.EVEN, 1, Defect.PARITY) == (frame.parity, frame.parity_errors, frame.defect)
    assert len(HC) - 1 == frame.right_checksums
    assert not frame.is_valid


def test_an_eighth_bit_in_a_stream_without_parity_is_damage() -> None:
    sent = bytearray(wire(HC))
    sent[40] ^= 0x80
    frame = only(decode(bytes(sent)))

    assert (Parity.NONE, 0, Defect.PARITY) == (frame.parity, frame.parity_errors, frame.defect)
    assert only(decode(bytes(sent), Decoder(parity=Parity.NONE))).is_valid


def test_a_stream_without_parity_is_all_wrong_where_even_parity_is_asked_for() -> None:
    frame = only(decode(wire(HC), Decoder(parity=Parity.EVEN)))

    assert not frame.is_valid
    assert sum(code.bit_count() & 1 for code in body(HC)) == frame.parity_errors


@pytest.mark.parametrize("groups", [HC, frames.STANDARD_CONSUMER, frames.PMEPMI])
def test_a_label_from_the_future_costs_nothing(groups: Groups) -> None:
    new = "NOUVEAU+1\t12" if "\t" in groups[0] else "NOUVEAU+1 12"
    plain, first, second = decode(wire(groups, (*groups, group(new)), (*groups, group(new))))

    for frame in (first, second):
        assert [(Defect.UNKNOWN_LABEL, "NOUVEAU+1")] == defects_of(frame)
        assert frame.is_valid
        assert frame.is_complete
    assert told_by(plain) == told_by(second)
    # Where it stands for the first time, it may be what became of another label: what that one would tell is open.
    absences = {told for told in told_by(plain) if told[0].kind is Kind.PRESENCE and told[2] is False}
    assert told_by(plain) - absences <= told_by(first) <= told_by(plain)


@every_reference
def test_a_label_that_the_family_always_sends_must_be_there(groups: Groups) -> None:
    frame = only(decode(wire(groups)))
    assert frame.family is not None
    for label in frame.family.required - {"ADCO", "IINST", "IINST1", "OPTARIF", "MESURES1", "ADSC"}:
        found = only(decode(wire(without(groups, label))))
        assert [(Defect.MISSING_CONTEXT, label)] == defects_of(found)
        assert not found.readings


@every_reference
def test_any_label_that_stands_twice_costs_the_frame(groups: Groups) -> None:
    for line in groups:
        found = only(decode(wire((*groups, line))))
        assert (Defect.MALFORMED, label_of(line)) in defects_of(found)
        assert not found.is_interpreted


def test_two_spellings_of_one_label_stand_for_it_twice() -> None:
    sent = inserted(frames.PMEPMI, "PS", "EaP_s 9649kWh")

    assert [(Defect.MALFORMED, "EAP_s")] == defects_of(only(decode(wire(sent))))


# --- keeping the good groups of a bad frame --------------------------------------------------------------------------


def lenient(*streams: bytes) -> DecodedFrame:
    """The last frame where the good groups of a damaged one are used."""
    return decode(b"".join(streams), Decoder(drop_group=True))[-1]


def test_the_good_groups_of_a_bad_frame_are_used_on_demand() -> None:
    stream = damaged(HC, "PAPP", "PAPP 90390 '")
    frame = lenient(wire(HC), stream)

    assert [(Defect.CHECKSUM, "")] == defects_of(frame)
    assert (False, True, False) == (frame.is_valid, frame.is_interpreted, frame.is_complete)
    assert {q.APPARENT_POWER_IMPORT} == quantities_of(only(decode(wire(HC)))) - quantities_of(frame) - {
        q.OVERLOAD,
        q.CRITICAL_PEAK_NOTICE,
    }
    assert told_by(frame) <= told_by(only(decode(wire(HC))))
    assert not decode(wire(HC) + stream)[-1].is_interpreted


def test_the_lack_of_a_label_says_nothing_in_a_bad_frame() -> None:
    frame = lenient(wire(HC), damaged(HC, "PAPP", "PAPP 90390 '"))

    assert q.OVERLOAD in quantities_of(lenient(wire(HC)))
    assert q.OVERLOAD not in quantities_of(frame)


@pytest.mark.parametrize(
    ("groups", "label", "lost"),
    [
        (frames.PMEPMI, "PTCOUR1", {q.ACTIVE_ENERGY_IMPORT, q.REACTIVE_ENERGY, q.SUBSCRIBED_APPARENT_POWER}),
        (frames.PMEPMI, "PTCOUR2", {q.CALENDAR2_ACTIVE_ENERGY_IMPORT}),
        (frames.STANDARD_CONSUMER, "NTARF", {q.TARIFF_PERIOD_NAME}),
    ],
)
def test_a_reading_whose_period_is_damaged_is_passed_over(groups: Groups, label: str, lost: set[Quantity]) -> None:
    good = group_of(groups, label)
    frame = lenient(wire(groups), damaged(groups, label, good[:-1] + chr(ord(good[-1]) ^ 1)))

    assert frame.is_interpreted
    assert [(Defect.CHECKSUM, "")] == defects_of(frame)
    assert lost.isdisjoint(quantities_of(frame))
    assert lost <= quantities_of(lenient(wire(groups)))


@pytest.mark.parametrize(
    ("groups", "text", "lost"),
    [
        (frames.PMEPMI, "PTCOUR1 HPX", {q.ACTIVE_ENERGY_IMPORT, q.REACTIVE_ENERGY, q.SUBSCRIBED_APPARENT_POWER}),
        (frames.PMEPMI, "PTCOUR2 HPX", {q.CALENDAR2_ACTIVE_ENERGY_IMPORT}),
        (frames.STANDARD_CONSUMER, "NTARF\t99", {q.TARIFF_PERIOD_NAME}),
    ],
)
def test_a_reading_whose_period_is_none_is_passed_over(groups: Groups, text: str, lost: set[Quantity]) -> None:
    frame = lenient(wire(groups), wire(replaced(groups, text)))

    assert frame.is_interpreted
    assert lost.isdisjoint(quantities_of(frame))


@pytest.mark.parametrize(
    "stream",
    [
        damaged(HC, "ADCO", "ADCO 000123456788 D"),  # whose it is is not known
        damaged((*HC, HC[-1]), "PAPP", "PAPP 90390 '"),  # a label twice
        b"\x02" + body(HC)[:-1] + b"\x03",  # no whole frame
        b"\x02" + body(HC) + b"\x04",
    ],
)
def test_a_frame_that_does_not_say_whose_it_is_is_never_used(stream: bytes) -> None:
    frame = lenient(wire(HC), stream)

    assert not frame.is_interpreted
    assert not frame.readings


def test_a_damaged_frame_of_an_unknown_line_is_never_used() -> None:
    frame = lenient(damaged(HC, "PAPP", "PAPP 90390 '"))

    assert frame.family is None
    assert not frame.is_interpreted


# --- recognition -----------------------------------------------------------------------------------------------------


def test_a_line_that_is_switched_to_the_other_mode_is_recognised_at_once_both_ways() -> None:
    found = decode(wire(HC, HC, frames.STANDARD_CONSUMER, frames.STANDARD_CONSUMER, HC))

    assert [CBEMM_ICC, CBEMM_ICC, LINKY_STANDARD, LINKY_STANDARD, CBEMM_ICC] == [frame.family for frame in found]
    assert all(frame.is_valid for frame in found)


def test_a_damaged_frame_belongs_to_the_family_of_its_line() -> None:
    stream = damaged(HC, "PAPP", "PAPP 90390 '")

    assert CBEMM_ICC is decode(wire(HC) + stream)[-1].family
    assert None is only(decode(stream)).family
    assert None is decode(wire(frames.STANDARD_CONSUMER) + stream)[-1].family


def test_a_frame_that_no_family_recognises_is_valid_and_tells_nothing() -> None:
    frame = only(decode(wire((group("ETIQUETTE 1"), group("AUTRE 2")))))

    assert frame.is_valid
    assert frame.family is None
    assert frame.meter_id is None
    assert not frame.is_complete
    assert not frame.readings


def test_a_frame_of_labels_that_the_family_of_the_line_does_not_know_is_of_none() -> None:
    assert CBETM is decode(wire(frames.THREE_PHASE_EJP, (group("PPOT 00"),)))[-1].family
    assert None is decode(wire(frames.THREE_PHASE_EJP, (group("PPOT 00"), group("ETIQUETTE 1"))))[-1].family


def test_only_the_families_that_are_asked_for_are_recognised() -> None:
    assert None is only(decode(wire(HC), Decoder((PMEPMI,)))).family
    assert CBEMM is only(decode(wire(without(HC, "PAPP")), Decoder((CBEMM,)))).family


def test_each_meter_of_a_line_keeps_its_own_series() -> None:
    ids = [f"04190012345{number}" for number in range(7)]
    found = decode(b"".join(wire(replaced(HC, f"ADCO {meter_id}")) for meter_id in ids))

    assert ids == [frame.meter_id for frame in found]
    assert all(frame.is_valid for frame in found)


@pytest.mark.parametrize(
    ("groups", "text"),
    [
        (HC, "ADCO 02q876531123"),
        (HC, "ADCO 00012345678"),
        (HC, "ADCO 0001234567890"),
        (HC, "ADCO 00012345678A"),
        (HC, "ADCO A00123456789"),
        (HC, "ADCO 0001g3456789"),
        (HC, "ADCO 000123 56789"),
        (frames.STANDARD_CONSUMER, "ADSC\t12345678901q"),
        (frames.STANDARD_CONSUMER, "ADSC\t1234567890"),
        (frames.PMEPMI, "ADS 04143602802"),
        (frames.PMEPMI, "ADS 04143602802g"),
        (frames.PMEPMI, "ADS 04143602802a"),
    ],
)
def test_an_id_of_another_form_is_none(groups: Groups, text: str) -> None:
    frame = only(decode(wire(replaced(groups, text))))

    assert frame.meter_id is None
    assert [(Defect.INVALID_VALUE, re.split(r"[ \t]", text)[0])] == defects_of(frame)
    assert not frame.readings


# --- what is remembered of the frame before changes nothing ----------------------------------------------------------

CHANGES = {
    "cbemm-icc, hc": ["PAPP 00000", "PAPP 99999", "IINST 065", "HCHP 022032206", "PTEC HC..", "HHPHC D", "PAPP 0510"],
    "linky, producer": [
        "SINSTS\t00014",
        "IRMS2\t003",
        "SMAXSN\tE210414082626\t02637",
        "DATE\tE210414082627\t",
        "DATE\te210414082628\t",
        "EASF02\t005905501",
        "STGE\t013A0581",
        "STGE\t003A0501",
        "NTARF\t01",
        "LTARF\t    HC  BLEU    ",
        "PJOURF+1\t00004001 06004002 16004001" + 8 * " NONUTILE",
        "SINSTS\t0001",
        "CCASN\tE210414080000\t0080",
    ],
    "pme-pmi": [
        "EA_s 423Wh",
        "DATE 26/08/16 10:29:12",
        "PTCOUR1 PM",
        "PS 42kW",
        "PA1_s 6TkW",
        "PA1_s 0kW",
        "TARIFDYN ACTIF",
        "ETATDYN1 PM1",
        "CONFIG PROD",
        "EAP_s 9650kWh",
        "DATE 31/02/16 10:29:12",
        "ADS 041436028025",
    ],
}


@pytest.mark.parametrize("name", CHANGES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_was_read_before_changes_no_reading(name: str, data: st.DataObject) -> None:
    base = REFERENCES[name]
    changes = st.lists(st.sampled_from(CHANGES[name]), max_size=3, unique_by=label_of)
    lost = st.sampled_from(["", "", label_of(base[5]), label_of(base[8])])
    line, before = Line(), None
    for _ in range(8):
        sent = replaced(base, *data.draw(changes))
        if label := data.draw(lost):
            sent = without(sent, label)
        frame, alone = only(line.feed(wire(sent))), only(decode(wire(sent)))

        assert told_by(alone) == told_by(frame)
        assert defects_of(alone) == defects_of(frame)
        assert (alone.meter_id, alone.family, alone.is_complete) == (frame.meter_id, frame.family, frame.is_complete)
        assert alone.groups == frame.groups
        if frame.changed is not None:
            assert before is not None
            assert [reading.key for reading in before.readings] == [reading.key for reading in frame.readings]
            assert told_by(frame) - told_by(before) <= {
                (reading.quantity, reading.dimensions, reading.value)
                for reading in map(frame.readings.__getitem__, frame.changed)
            }
        before = frame if frame.is_interpreted else before


def test_a_frame_that_differs_in_numbers_alone_says_which() -> None:
    _, _, frame = decode(wire(HC, HC, replaced(HC, "PAPP 00520")))

    assert [(q.APPARENT_POWER_IMPORT, 520)] == [
        (quantity, value) for quantity, _, value, _ in map(frame.readings.__getitem__, frame.changed or ())
    ]


# --- any bytes -------------------------------------------------------------------------------------------------------

LABELS = sorted({label for family in FAMILIES for label in family.known_labels})
VALUES = st.one_of(
    st.sampled_from(["", "000000000", "12", "HPE", "9649kWh", "-0,39", "TEST", "INJECTION", "26/08/16 10:29:04"]),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30),
)
GROUPS = st.builds(Group, st.sampled_from(LABELS), VALUES, st.one_of(st.none(), st.just("E210414082625"), VALUES))
FRAMES = st.lists(GROUPS, max_size=25)
PIECES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"\x02", b"\x03", b"\x04", b"\n", b"\r", b"\t", b" "]),
    st.sampled_from([body(groups) for groups in REFERENCES.values()]),
    st.builds(encode_frame, FRAMES, st.sampled_from(Dialect)),
    st.builds(even, st.builds(encode_frame, FRAMES, st.sampled_from(Dialect))),
)


@given(st.lists(PIECES, max_size=12), st.sampled_from([None, *Parity]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_bytes_make_decoding_fail(
    parts: list[bytes],
    parity: Parity | None,
    drop_group: bool,  # noqa: FBT001
) -> None:
    line = Line(Decoder(parity=parity, drop_group=drop_group))
    for frame in (found for part in parts for found in line.feed(part)):
        assert frame.is_interpreted or not frame.readings
        assert frame.is_interpreted >= frame.is_valid
        assert not frame.is_complete or frame.is_valid
        assert frame.right_checksums == len(frame.groups) <= frame.group_count
        for reading in frame.readings:
            assert reading.quantity.dimensions == tuple(name for name, _ in reading.dimensions)


# --- recordings of real meters ---------------------------------------------------------------------------------------

# By a scan of their own: how many frames stand whole between STX and ETX, every checksum right, no label twice.
WHOLE = {
    "historic-mono/Enedis__ticFrameHistoric.tic": 1,
    "historic-mono/Mactronique__datas.tic": 0,
    "historic-mono/epsilonrt__badframe.tic": 0,
    "historic-mono/epsilonrt__capture.tic": 23,
    "historic-mono/esciara__captured_frames.tic": 10,
    "historic-mono/esciara__valid_frame.tic": 1,
    "historic-mono/jlesauce__TeleInfoSample.tic": 0,
    "historic-mono/lains__stream_legacy_raw.tic": 1,
    "historic-mono/ook__teleinfo_HCHP_anon.tic": 0,
    "historic-tri/lains__continuous_linky_3P_historical.tic": 6,
    "pmepmi/Liberasys__api_compteur_tic_a.tic": 21,
    "pmepmi/Liberasys__api_compteur_tic_b.tic": 20,
    "standard-mono/Enedis__ticFrameStandard.tic": 1,
    "standard-mono/Enedis__ticFrameStandard_PCOUP_Invalid.tic": 0,
    "standard-mono/lains__continuous_linky_1P_standard.tic": 12,
    "standard-producer/fmartinou__standard.frames.tic": 4,
    "standard-tri/lains__stream_standard_raw.tic": 2,
}
IDS = {"ADCO", "ADSC", "ADS"}


def is_whole(found: bytes) -> bool:
    """Whether a body is made of right groups, an id among them, each once: worked out without the decoder."""
    lines = [line.decode("latin-1") for line in found.strip(b"\r\n").split(b"\r\n")]
    labels = [label_of(line) for line in lines]
    return (
        all(re.fullmatch(r"[!-~]+[ \t][ -~\t]*[ \t][ -_]", line) and group(line[:-2]) == line for line in lines)
        and len(set(labels)) == len(labels)
        and not IDS.isdisjoint(labels)
    )


def whole_frames(stream: bytes) -> list[bytes]:
    bodies = re.findall(rb"\x02([^\x02\x03\x04]*)\x03", stream)
    return [found for found in bodies if is_whole(found)]


def groups_of(found: bytes) -> list[str]:
    return [label_of(line.decode()) for line in found.strip(b"\r\n").split(b"\r\n")]


def valid_frames(stream: bytes) -> list[list[str]]:
    """The labels of each valid frame that belongs to a meter."""
    return [
        [found.label for found in frame.groups]
        for frame in decode(stream)
        if frame.is_valid and frame.meter_id is not None
    ]


def recordings(captures: Path) -> dict[str, bytes]:
    return {str(path.relative_to(captures)): path.read_bytes() for path in sorted(captures.glob("*/*.tic"))}


def test_every_whole_frame_of_a_real_meter_is_valid_and_no_other(captures: Path) -> None:
    streams = recordings(captures)

    assert WHOLE == {name: len(whole_frames(stream)) for name, stream in streams.items()}
    for name, stream in streams.items():
        assert [groups_of(found) for found in whole_frames(stream)] == valid_frames(stream), name


def test_the_frames_of_real_meters_hold_no_label_that_is_unknown(captures: Path) -> None:
    unknown = {
        found.where
        for stream in recordings(captures).values()
        for frame in decode(stream)
        for found in frame.findings
        if found.defect is Defect.UNKNOWN_LABEL
    }

    assert set() == unknown


@pytest.mark.parametrize(
    ("variant", "cuts"), [("a", {Cut.COMPLETE: 21}), ("b", {Cut.COMPLETE: 20, Cut.INTERRUPTED: 1})]
)
def test_a_recorded_pme_pmi_is_read_but_for_what_was_broken_off(
    captures: Path, variant: str, cuts: dict[Cut, int]
) -> None:
    found = decode((captures / "pmepmi" / f"Liberasys__api_compteur_tic_{variant}.tic").read_bytes())

    assert cuts == {cut: sum(frame.cut is cut for frame in found) for cut in cuts}
    assert sum(cuts.values()) == len(found)
    assert all(frame.family is PMEPMI for frame in found if frame.cut is Cut.COMPLETE)


@pytest.mark.parametrize("parity", [False, True])
def test_recordings_one_after_the_other_keep_their_whole_frames(captures: Path, parity: bool) -> None:  # noqa: FBT001
    # Cooked streams end their frames by the STX of the next: behind a stream with ETX they are truncated frames.
    streams = [stream for stream in recordings(captures).values() if b"\x03" in stream]
    for before, after in pairwise([*streams, streams[0]]):
        joined = before + after
        expected = [groups_of(found) for found in whole_frames(joined)]
        assert len(expected) >= len(whole_frames(before)) + len(whole_frames(after)) - 1
        assert expected == valid_frames(even(joined) if parity and joined.isascii() else joined)


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_recording_cut_anywhere_keeps_the_whole_frames_of_what_is_left(captures: Path, data: st.DataObject) -> None:
    stream = data.draw(st.sampled_from(sorted(recordings(captures).values())))
    start = data.draw(st.integers(0, len(stream)))
    end = data.draw(st.integers(start, len(stream)))
    moved = data.draw(st.binary(max_size=10)).translate(None, b"\x02\x82\n\r") + stream[start:end]

    if b"\x03" in moved:
        assert [groups_of(found) for found in whole_frames(moved)] == valid_frames(moved)
    else:
        decode(moved)


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_to_a_recording_costs_no_frame_that_it_does_not_touch(captures: Path, data: st.DataObject) -> None:
    stream = bytearray(data.draw(st.sampled_from([one for one in recordings(captures).values() if b"\x03" in one])))
    before = whole_frames(bytes(stream))
    for place in data.draw(st.lists(st.integers(0, len(stream) - 1), max_size=5)):
        stream[place] = data.draw(st.integers(0, 127))
    untouched = [found for found in whole_frames(bytes(stream)) if found in before]
    valid = valid_frames(bytes(stream))

    assert len(before) - 10 <= len(untouched)
    for found in untouched:
        assert valid.count(groups_of(found)) >= untouched.count(found)


@pytest.mark.parametrize(
    "stream",
    [wire((group("PAPP 0510"),)), b"\x02" + body((group("PAPP 0510"),)) + b"-\x03"],
    ids=["of no family", "not made of groups alone"],
)
def test_what_a_frame_says_does_not_hang_on_what_another_line_holds(stream: bytes) -> None:
    alone = only(decode(stream))
    other = Line()
    other.feed(wire(replaced(HC, "PAPP 0510")))

    assert defects_of(alone) == defects_of(only(decode(stream)))
    assert other.decoder


def test_a_frame_that_is_not_used_does_not_say_whose_the_damaged_ones_are() -> None:
    line = Line()
    line.feed(wire(HC) * 3)
    refused = only(line.feed(wire(replaced(HC, "ADCO 041961234567", "PAPP 0510"))))  # of a Linky, by its id
    assert not refused.is_interpreted
    line.feed(wire(replaced(HC, "PAPP 00520")))

    assert CBEMM_ICC is only(line.feed(damaged(HC, "PAPP", "PAPP 90390 '"))).family
