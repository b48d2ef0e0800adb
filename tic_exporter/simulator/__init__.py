"""Meters of every family that look alive: for the demo, the tests and the benchmarks."""

from .events import DynamicPeriod, Events, MobilePeak
from .frames import KINDS, Kind
from .line import damage, misread, write_file
from .meter import SimulatedMeter
from .pty import PtyLine, serve_pty
from .tcp import TcpLines, serve_tcp

__all__ = [
    "KINDS",
    "DynamicPeriod",
    "Events",
    "Kind",
    "MobilePeak",
    "PtyLine",
    "SimulatedMeter",
    "TcpLines",
    "damage",
    "misread",
    "serve_pty",
    "serve_tcp",
    "write_file",
]
