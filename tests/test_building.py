"""What the configuration may name, held against what the parts know."""

from __future__ import annotations

import pytest

from tic_exporter import config
from tic_exporter.building import meter_options
from tic_exporter.config import MeterConfig
from tic_exporter.tic.families import FAMILIES


def test_every_family_of_the_tables_can_be_named_in_the_configuration_and_no_other() -> None:
    # The configuration is checked without loading the tables, so that it states the names a second time.
    assert {family.name for family in FAMILIES} == set(config.FAMILIES)


@pytest.mark.parametrize("name", config.FAMILIES)
def test_a_family_that_is_named_is_the_only_one_that_is_recognised(name: str) -> None:
    named = meter_options(MeterConfig(name="shop", port="/dev/ttyUSB0", family=name)).families

    assert {name} == {family.name for family in named}


def test_without_a_name_all_families_are_recognised() -> None:
    assert FAMILIES == meter_options(MeterConfig(name="shop", port="/dev/ttyUSB0")).families


def test_a_time_zone_that_the_system_does_not_know_is_named() -> None:
    with pytest.raises(ValueError, match="time zone Nowhere/Land is not known"):
        meter_options(MeterConfig(name="shop", port="/dev/ttyUSB0", timezone="Nowhere/Land"))
