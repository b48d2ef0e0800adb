"""Streams that other people recorded at their meters. They are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def captures() -> Path:
    """The folder of recordings: $TIC_CAPTURES, else ../shared/captures seen from the project. Skips without it."""
    named = os.environ.get("TIC_CAPTURES")
    folder = Path(named) if named else PROJECT.parent / "shared" / "captures"
    if not folder.is_dir():
        pytest.skip(f"no recordings of real meters in {folder}; TIC_CAPTURES may name another folder")
    return folder
