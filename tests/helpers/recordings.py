"""Streams that other people recorded at their meters. They are not part of the project."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def folder_of_captures() -> Path:
    """Where they would be."""
    named = os.environ.get("TIC_CAPTURES")
    return Path(named) if named else PROJECT.parent / "shared" / "captures"


def captures() -> Path:
    """The folder of recordings: $TIC_CAPTURES, else ../shared/captures seen from the project. Skips without it."""
    folder = folder_of_captures()
    if not folder.is_dir():
        pytest.skip(f"no recordings of real meters in {folder}; TIC_CAPTURES may name another folder")
    return folder


if __name__ == "__main__":  # for a run of the tests from a copy: where the recordings are, seen from here
    sys.stdout.write(str(folder_of_captures().resolve()))
