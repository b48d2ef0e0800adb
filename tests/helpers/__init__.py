"""Real programs and real recordings for tests."""

from helpers import frames
from helpers.exporter import Answer, Exporter, run_exporter
from helpers.program import Program, StartError, free_port, wait_until, without_coverage
from helpers.prometheus import Prometheus, promtool_check_metrics
from helpers.recordings import captures

__all__ = [
    "Answer",
    "Exporter",
    "Program",
    "Prometheus",
    "StartError",
    "captures",
    "frames",
    "free_port",
    "promtool_check_metrics",
    "run_exporter",
    "wait_until",
    "without_coverage",
]
