from __future__ import annotations

import signal
from contextlib import ExitStack
from itertools import count
from typing import TYPE_CHECKING

import pytest

from helpers import Exporter, Prometheus, captures, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from helpers.exporter import StartExporter
    from helpers.prometheus import StartPrometheus


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in the background of a shell; programs that tests start would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(name="free_port")
def free_port_fixture() -> int:
    return free_port()


@pytest.fixture(name="captures")
def captures_fixture() -> Path:
    return captures()


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[StartPrometheus]:
    """Starts real Prometheus servers, with the arguments of `Prometheus`; all are stopped at the end of the test."""
    with ExitStack() as stack:
        folders = (tmp_path / f"prometheus-{number}" for number in count(1))
        yield lambda *args, **kwargs: stack.enter_context(Prometheus(next(folders), *args, **kwargs))


@pytest.fixture
def exporter() -> Iterator[StartExporter]:
    """Starts exporters, with the arguments of `Exporter`; all are stopped at the end of the test."""
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(Exporter(*args, **kwargs))
