"""Every kind of simulated meter, held against the decoder of the core."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from simulated import decode, meter, over, values

from tic_exporter.simulator import KINDS, DynamicPeriod, Events, MobilePeak, SimulatedMeter
from tic_exporter.tic.families import FAMILIES

KIND_AND_CONTRACT = [(kind, contract) for kind, row in KINDS.items() for contract in row.contracts]
FAMILY_OF = {
    "ice-2q-2.4": "ice-2q",
    "ice-2q-split": "ice-2q",
    "ice-4q-1.01": "ice-4q",
    "saphir-historic": "saphir",
    "saphir-standard": "saphir",
    "pme-pmi-2010": "pme-pmi",
    "pme-pmi-producer": "pme-pmi",
    **{kind: "linky" for kind in KINDS if kind.startswith("linky")},
}
DAY = 86_400


def _one_for_each_calendar() -> list[tuple[str, str]]:
    seen = {(kind, KINDS[kind].contracts[name].calendar): (kind, name) for kind, name in KIND_AND_CONTRACT}
    return list(seen.values())


@pytest.mark.parametrize(("kind", "contract"), KIND_AND_CONTRACT)
def test_every_contract_decodes_without_a_defect(kind: str, contract: str) -> None:
    assert [] == [
        finding for frame in decode([meter(kind, contract=contract).next_frame()]) for finding in frame.findings
    ]


@pytest.mark.parametrize(("kind", "contract"), _one_for_each_calendar())
def test_a_day_of_frames_decodes_without_a_defect(kind: str, contract: str) -> None:
    simulated = meter(kind, contract=contract, producer=kind.startswith("saphir"))
    frames = []
    for _ in range(24):
        frames += [simulated.next_frame(), simulated.next_frame()]
        simulated.advance(DAY / 24)
    decoded = decode(frames)
    assert 48 == len(decoded)
    assert [] == [finding for frame in decoded for finding in frame.findings]
    assert {FAMILY_OF.get(kind, kind)} == {frame.family.name for frame in decoded if frame.family}
    assert all(frame.is_valid for frame in decoded)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_and_calls_give_the_same_bytes(kind: str) -> None:
    def stream(seed: int) -> bytes:
        simulated = meter(kind, seed=seed)
        frames = [simulated.next_frame() for _ in range(5)]
        simulated.advance(7200)
        return b"".join([*frames, simulated.next_frame()])

    assert stream(11) == stream(11)
    assert stream(11) != stream(12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_lasts_as_long_as_on_its_line_with_the_gap_behind_it(kind: str) -> None:
    simulated = meter(kind)
    start = simulated.now
    frame, lasted = simulated.next_frame(), simulated.line_time
    assert 0.02 <= lasted - len(frame) * 10 / simulated.baud_rate <= 0.033
    following = simulated.next_frame()
    written = (len(following) - 2) * 10 / simulated.baud_rate if KINDS[kind].reads_as_it_sends else 0.0
    assert abs((simulated.now - start).total_seconds() - lasted - written) < 1e-3


def test_each_value_of_an_ice_is_of_the_instant_at_which_it_is_sent() -> None:
    simulated = meter("ice-4q", "2024-07-17T13:00:00")
    simulated.next_frame()
    first, second = (
        datetime.strptime(group.value, "%d/%m/%y %H/%M/%S")  # noqa: DTZ007 - legal time
        for group in simulated.groups
        if group.label == "DATECOUR"
    )
    part = next(place for place, group in enumerate(simulated.groups) if group.label == "Appli")
    sent = sum(len(group.label) + len(group.value) + 5 for group in simulated.groups[: part + 2]) * 10 / 1200
    assert abs((second - first).total_seconds() - sent) <= 1


@pytest.mark.parametrize("kind", ["pme-pmi-producer", "ice-2q", "ice-4q", "saphir-historic"])
@pytest.mark.parametrize("td", [5, 10, 15, 60])
def test_interval_energies_begin_again_every_td(kind: str, td: int) -> None:
    simulated = SimulatedMeter(kind, seed=3, start=datetime(2024, 1, 17, 5, 31), td=td)  # noqa: DTZ001
    label = "EA_s" if kind.startswith("pme") else "EAS" if kind.startswith("saphir") else "EA"
    falls, before = set(), 0
    for _ in range(480):
        simulated.next_frame()
        value = next(group.value for group in simulated.groups if group.label == label)  # of ICE-4Q: the first of both
        shown = int(value.removesuffix("Wh"))
        if shown < before:
            falls.add(simulated.now.minute)
        before = shown
        simulated.advance(20 - simulated.line_time)
    assert {minute for minute in range(60) if minute % td == 0} == {minute - minute % 5 for minute in falls}


def test_the_second_calendar_of_a_pme_pmi_has_a_name_of_its_own_where_the_first_tells_a_variant() -> None:
    names = {name: values(meter("pme-pmi", contract=name))["MESURES2"].rstrip() for name in KINDS["pme-pmi"].contracts}
    variants = {"TJ LU-SD", "TJ LU-P", "TJ LU-PH", "TJ LU-CH"}
    assert {name: "TJ LU" if name in variants else name for name in names} == names


def test_the_largest_frames_have_the_known_sizes() -> None:
    assert 865 == len(meter("linky-standard", contract="HC").next_frame())
    assert 1442 == len(
        meter("linky-standard-three-phase-producer", "2024-06-03T12:00:00", contract="TEMPO").next_frame()
    )
    assert 275 == len(meter("linky-historic", contract="TEMPO").next_frame())


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_meters_have_a_thousand_ids_of_the_kind(kind: str) -> None:
    ids = {meter(kind, seed=seed).meter_id for seed in range(20)}
    assert 20 == len(ids)
    assert {KINDS[kind].device_type} == {identifier[4:6] for identifier in ids}
    assert (
        "012345678901"
        == SimulatedMeter(kind, start=datetime.fromisoformat("2024-01-01"), meter_id="012345678901").meter_id
    )


@pytest.mark.parametrize("kind", KINDS)
def test_registers_never_fall_and_some_rise(kind: str) -> None:
    simulated = meter(kind, "2024-07-03T00:00:00")
    before = first = simulated.registers()
    for _ in range(24):
        simulated.advance(3600)
        now = simulated.registers()
        assert all(now[name][period] >= count for name, counts in before.items() for period, count in counts.items())
        before = now
    assert sum(before["active_import"].values()) > sum(first["active_import"].values())
    is_producer = KINDS[kind].is_producer
    assert is_producer == (sum(before["active_export"].values()) > sum(first["active_export"].values()))


def test_the_quadrants_follow_the_direction_of_the_energy() -> None:
    rows = meter("linky-standard-producer", "2024-07-03T00:00:00", seed=5)
    night, noon = values(rows), None
    rows.advance(13 * 3600)
    noon = values(rows)
    assert int(noon["ERQ2"]) + int(noon["ERQ3"]) > int(night["ERQ2"]) + int(night["ERQ3"])
    assert int(noon["EAIT"]) > int(night["EAIT"])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("linky-standard")])
@pytest.mark.parametrize("contract", ["HC", "TEMPO"])
def test_the_total_is_the_sum_of_the_supplier_and_of_the_distributor_registers(kind: str, contract: str) -> None:
    for row in over(meter(kind, contract=contract), DAY, 3000):
        supplier = sum(int(row[f"EASF{number:02}"]) for number in range(1, 11))
        distributor = sum(int(row[f"EASD{number:02}"]) for number in range(1, 5))
        assert int(row["EAST"]) == supplier == distributor


def test_the_registers_of_the_truth_are_those_of_the_frame() -> None:
    simulated = meter("linky-standard", contract="HC")
    simulated.advance(5000)
    row = values(simulated)
    assert {"HC": int(row["EASF01"]), "HP": int(row["EASF02"])} == simulated.registers()["active_import"]
    shop = meter("pme-pmi")
    shop.advance(5000)
    row = values(shop)
    assert f"{shop.registers()['active_import'][row['PTCOUR1']] // 1000}kWh" == row["EAP_s"]


def test_powers_of_single_phase_are_voltage_times_current() -> None:
    for row in over(meter("linky-standard"), DAY, 3600):
        volts, amperes = int(row["URMS1"]), int(row["IRMS1"])
        assert volts * (amperes - 0.6) <= int(row["SINSTS"]) <= volts * (amperes + 0.6)


_SOON = datetime.fromisoformat("2024-01-17T06:00:00")
_SCENARIOS = (
    Events(overload=True),
    Events(control_mode=True, message="BONJOUR", short_message="SALUT", telephone=True),
    Events(
        dynamic=(
            DynamicPeriod(_SOON - timedelta(hours=2), _SOON - timedelta(minutes=10)),
            DynamicPeriod(_SOON, _SOON + timedelta(hours=2)),
        ),
    ),
    Events(peaks=tuple(MobilePeak(number, _SOON, _SOON + timedelta(hours=1)) for number in (1, 2, 3))),
    Events(test_mode=True),
)


# Version 2.4 has two quadrants; registers of p-1 go with the option BASE alone.
_OF_OTHER_OPTIONS = {
    f"{label}p1{period}" for label in ("EA", "ERP", "ERN") for period in ("PM", "HH", "HD", "HM", "DSM", "SCM")
}
_NEVER_SENT = {"ice-2q": _OF_OTHER_OPTIONS, "ice-4q": _OF_OTHER_OPTIONS | {"DATE"}}


def _labels_of(kind: str) -> set[str]:
    """Every label that frames of the kind show, with any contract or in any scenario."""
    contracts = list(KINDS[kind].contracts)
    pairs = [(contract, Events()) for contract in contracts]
    pairs += [(contracts[-1], replace(events)) for events in _SCENARIOS]
    labels = set()
    for contract, events in pairs:
        simulated = meter(kind, contract=contract, producer=kind.startswith("saphir"), events=events)
        simulated.color_tomorrow = "red"
        for step in (*[30] * 9, 3600):
            simulated.advance(step)
            for _ in range(2):
                simulated.next_frame()
                labels |= {group.label for group in simulated.groups}
    return labels


@pytest.mark.parametrize("name", list(dict.fromkeys(family.name for family in FAMILIES)))
def test_every_label_of_the_family_is_sent_under_some_condition(name: str) -> None:
    families = [family for family in FAMILIES if family.name == name]
    known: set[str] = set().union(*(family.known_labels - set(family.aliases) for family in families))
    sent = set().union(*(_labels_of(kind) for kind in KINDS if FAMILY_OF.get(kind, kind) == name))
    assert _NEVER_SENT.get(name, set()) == known - sent


@pytest.mark.parametrize("kind", ["linky-standard-three-phase-producer", "pme-pmi-producer", "cje"])
def test_groups_come_in_the_order_of_the_table(kind: str) -> None:
    simulated = meter(kind, events=replace(_SCENARIOS[1], peaks=_SCENARIOS[3].peaks))
    simulated.next_frame()
    family = next(family for family in FAMILIES if family.name == FAMILY_OF.get(kind, kind))
    order = list(dict.fromkeys(row.label for row in family.fields))
    sent = [group.label for group in simulated.groups if group.label in order]
    assert sent == sorted(sent, key=order.index)


_FAULTS = (
    Events(standby=True, relays=0xF0),
    Events(point_flag="C"),
    Events(missing_phases=(1,), load_profile=False),
    Events(disconnector="open_overload", cover_open=True),
    Events(clock_degraded=True, voltage=262.0),
)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_happens_frames_decode_without_a_defect(kind: str) -> None:
    for scenario in (*_SCENARIOS, *_FAULTS):
        simulated = meter(kind, events=replace(scenario))
        decoded = decode(simulated.next_frame() for _ in range(12))
        assert [] == [finding for frame in decoded for finding in frame.findings]
