"""The twelve characters of an id."""

from __future__ import annotations

import pytest

from tic_exporter.tic.identity import (
    CONCENTRATOR_TYPES,
    IDENTIFIER,
    LINKY_TYPES,
    MANUFACTURERS,
    describe,
)

NOTHING = {"manufacturer": "", "device_type": "", "year": ""}


@pytest.mark.parametrize(
    ("identifier", "manufacturer", "device_type", "year"),
    [
        ("041436028024", "Landis+Gyr", "36", "2014"),
        ("021961123456", "Sagemcom", "61", "2019"),
        ("031764953443", "Itron/Actaris/Schlumberger", "64", "2017"),
        ("020001123456", "Sagemcom", "01", "2000"),
        ("029530123456", "Sagemcom", "30", "1995"),
        ("027022123456", "Sagemcom", "22", "1970"),
        ("2720FF123456", "Iskraemeco", "FF", "2020"),
        ("0215AA000000", "Sagemcom", "AA", "2015"),
        ("138705016492", "", "05", "1987"),
        ("000123456789", "", "23", "2001"),
    ],
)
def test_an_id_tells_maker_type_and_year(identifier: str, manufacturer: str, device_type: str, year: str) -> None:
    assert {"manufacturer": manufacturer, "device_type": device_type, "year": year} == describe(identifier)


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "shop",
        "04143602802",
        "0414360280244",
        "04143602802A",
        "A41436028024",
        "0414zz028024",
        "0414q6028024",
        "0414ff028024",
        "02q876531123",
        "041436 28024",
        "041436028024\n",
        " 41436028024",
    ],
)
def test_what_is_no_id_tells_nothing(identifier: str) -> None:
    assert NOTHING == describe(identifier)
    assert not IDENTIFIER.fullmatch(identifier)


def test_codes_have_two_characters_and_makers_a_name() -> None:
    assert all(len(code) == 2 and code.isdecimal() and name for code, name in MANUFACTURERS.items())
    assert {"13", "00", "40", "69", "72", "80", "86", "99"}.isdisjoint(MANUFACTURERS)
    assert all(len(code) == 2 for code in LINKY_TYPES | CONCENTRATOR_TYPES)


def test_no_type_is_of_two_kinds_of_meter() -> None:
    assert LINKY_TYPES.isdisjoint(CONCENTRATOR_TYPES)
    # The types of bleu, yellow, PRISME, ICE and PME-PMI meters.
    others = "01 22 28 15 20 23 29 05 11 25 30 09 21 26 27 31 32 06 10 33 07 12 34 35 36"
    assert (LINKY_TYPES | CONCENTRATOR_TYPES).isdisjoint(others.split())
