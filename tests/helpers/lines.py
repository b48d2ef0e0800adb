"""Frames and the lines that carry them: a pseudo-terminal, a TCP peer; each is closed at the end of its `with`."""

from __future__ import annotations

import os
import socket
import tty
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tic_exporter.tic.groups import Dialect, Group, encode_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

HISTORIC_ID = "041061234567"

LINKY_HISTORIC = (
    f"ADCO {HISTORIC_ID}",
    "OPTARIF BASE",
    "ISOUSC 30",
    "BASE 001000000",
    "PTEC TH..",
    "IINST 002",
    "IMAX 090",
    "PAPP 00510",
    "HHPHC A",
    "MOTDETAT 000000",
)

LINKY_STANDARD = (
    f"ADSC\t{HISTORIC_ID}",
    "VTIC\t02",
    "DATE\tE260714120000\t",
    "NGTF\t      BASE      ",
    "LTARF\t      BASE      ",
    "EAST\t001000000",
    "EASF01\t001000000",
    *(f"EASF{index:02}\t000000000" for index in range(2, 11)),
    "EASD01\t001000000",
    *(f"EASD{index:02}\t000000000" for index in range(2, 5)),
    "IRMS1\t002",
    "URMS1\t230",
    "PREF\t06",
    "PCOUP\t06",
    "SINSTS\t00510",
    "SMAXSN\tE260714071500\t02510",
    "UMOY1\tE260714120000\t230",
    "STGE\t003A0001",
    "MSG1\tPAS DE          MESSAGE         ",
    "PRM\t12345678901234",
    "RELAIS\t000",
    "NTARF\t01",
    "NJOURF\t00",
    "NJOURF+1\t00",
)

PME_PMI = (
    "ADS 041436028024",
    "MESURES1 BT 4 SUP36",
    "DATE 14/07/26 10:22:00",
    "EA_s 100Wh",
    "ER+_s 0varh",
    "ER-_s 10varh",
    "EAPP_s 110VAh",
    "PTCOUR1 HPE",
    "TARIFDYN INACTIF",
    "ETATDYN1 000",
    "CONFIG CONSO",
    "DATEPA1 14/07/26 10:20:00",
    "PA1_s 6kW",
    "DATEPA6 14/07/26 09:30:00",
    "PA6_s 5kW",
    "DebP 01/07/26 00:00:00",
    "EAP_s 5000kWh",
    "ER+P_s 200kvarh",
    "ER-P_s 700kvarh",
    "DebP-1 01/06/26 00:00:00",
    "FinP-1 01/07/26 00:00:00",
    "EAP-1_s 4500kWh",
    "ER+P-1_s 190kvarh",
    "ER-P-1_s 600kvarh",
    "PS 42kVA",
    "PA1MN 6kW",
    "PMAX_s 15kVA",
    "TGPHI_s -0,39",
    "MESURES2 BT 4 SUP36",
    "PTCOUR2 HPE",
    "ETATDYN2 000",
    "DebP_2 01/07/26 00:00:00",
    "EAP_s2 5000kWh",
    "DebP-1_2 01/06/26 00:00:00",
    "FinP-1_2 01/07/26 00:00:00",
    "EAP-1_s2 4500kWh",
)


def label_of(line: str) -> str:
    return line.partition("\t" if "\t" in line else " ")[0]


def _group(line: str) -> Group:
    if "\t" not in line:
        label, _, value = line.partition(" ")
        return Group(label, value)
    label, first, *rest = line.split("\t")
    return Group(label, rest[0], first) if rest else Group(label, first)


def frame(lines: Sequence[str], *changes: str, drop: Sequence[str] = (), add: Sequence[str] = ()) -> bytes:
    """A frame of lines `LABEL value` (or with HT): some exchanged by label, some left out, some added at the end."""
    new = {label_of(line): line for line in changes}
    known = {label_of(line) for line in lines}
    assert new.keys() <= known
    assert set(drop) <= known
    kept = [new.get(label_of(line), line) for line in lines if label_of(line) not in drop]
    dialect = Dialect.STANDARD if "\t" in lines[0] else Dialect.HISTORIC
    return encode_frame([_group(line) for line in (*kept, *add)], dialect)


class Pty:
    """A pseudo-terminal as a serial port: `write` is what the meter says, `hang_up` pulls the plug."""

    def __init__(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()

    def write(self, data: bytes) -> None:
        os.write(self.master, data)

    def hang_up(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            self.master = -1


class Peer:
    """A TCP server of one connection at a time; its port stays its own while it is deaf."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.connection: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._listener.close()

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self.port}"

    def accept(self, timeout: float = 10) -> None:
        self.hang_up()
        self._listener.settimeout(timeout)
        self.connection, _ = self._listener.accept()

    def write(self, data: bytes) -> None:
        assert self.connection is not None
        self.connection.sendall(data)

    def hang_up(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
