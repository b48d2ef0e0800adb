"""The targets of `make fuzz` without a fuzzer: their seeds, some thousand inputs made from these, and old findings."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from fuzz.fuzz_meter import Played
from fuzz.targets import TARGETS
from tic_exporter.config import ConfigError
from tic_exporter.folding import Fold
from tic_exporter.plausibility import RegisterFilter

if TYPE_CHECKING:
    from collections.abc import Iterator

TURNS = 200
CLEAN_LINKY = bytes((6, 0, 0, 5, 0, 5))
FOUND: dict[str, tuple[bytes, ...]] = {}
"""Inputs that fuzzing found once, by target."""


def made_from(seeds: list[bytes], seed: int) -> Iterator[bytes]:
    """Inputs that differ from a seed in some places."""
    chance = random.Random(seed)  # noqa: S311 - chance, no secret
    for _ in range(TURNS):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randint(0, 3)] = bytes(chance.randrange(256) for _ in range(chance.randint(0, 3)))
        yield bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_what_a_fuzzer_starts_from_and_much_that_is_like_it_keeps_every_promise(name: str) -> None:
    target = TARGETS[name]
    seeds = list(target.seeds())
    assert seeds
    assert max(map(len, seeds)) <= target.longest
    for data in (b"", *FOUND.get(name, ()), *seeds, *made_from(seeds, seed=1)):
        target.check(data)


def test_a_clean_script_has_readings_to_look_at() -> None:
    played = Played(CLEAN_LINKY)
    played.run()
    assert played.meter.snapshot.meter_id
    assert len(played.meter.snapshot.readings) > 50


# That the targets can fail


def test_a_register_that_no_group_said_fails_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    believe = RegisterFilter._believe
    monkeypatch.setattr(RegisterFilter, "_believe", lambda self, value: believe(self, value + 1))
    with pytest.raises(AssertionError, match="which no group said"):
        TARGETS["meter"].check(CLEAN_LINKY)


def test_an_exception_in_the_fold_fails_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("BASE")

    monkeypatch.setattr(Fold, "add", broken)
    with pytest.raises(KeyError):
        TARGETS["meter"].check(CLEAN_LINKY)


def test_a_loader_that_refuses_without_a_reason_fails_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: str) -> None:
        raise ConfigError([])

    monkeypatch.setattr("fuzz.fuzz_files.load", refuse)
    with pytest.raises(AssertionError):
        TARGETS["config"].check(b"")
