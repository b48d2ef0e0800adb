"""The serial ports of this host: what they are, who holds them, whether we may open them, and what to do if not.

`/dev`, `/sys` and `/proc` are arguments; nothing is opened but the files that describe a port.
"""

import fnmatch
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_NAMES = ("ttyUSB*", "ttyACM*", "ttyAMA*", "ttyS[0-9]*", "ttyAP*", "ttyXRUSB*", "ttymxc*", "ttySC*", "ttyO[0-9]*")
_NOBODYS = frozenset({0})
"""Groups that nobody should join for a port: root's."""

_PORT_GROUP = "dialout"
"""Debian's, for a port that is in no group which may read it."""

_NO_UART = "0"
"""In /sys/class/tty/ttyS*/type: a number without hardware behind it."""


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the system shows its devices."""

    dev: Path = Path("/dev")
    sys: Path = Path("/sys")
    proc: Path = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a port open."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


@dataclass(frozen=True, slots=True)
class Port:
    """One candidate.

    Args:
        path: by the name that stays the same, below /dev/serial/by-id, where there is one.
        device: by the name that the kernel gave.
        product: make and model as the USB device says them; empty for other ports.
        serial_number: of the USB device.
        driver: of the kernel.
        holders: who has it open, as far as this may be seen.
        problem: why it cannot be opened; empty if it can.
        remedy: the command that mends that.
    """

    path: str
    device: str
    product: str = ""
    serial_number: str = ""
    driver: str = ""
    holders: tuple[Holder, ...] = field(default=())
    problem: str = ""
    remedy: str = ""


def list_ports(roots: Roots) -> list[Port]:
    """Find every port that a meter may be behind."""
    stable = _stable_names(roots.dev)
    devices = sorted(device for device in _devices(roots) if _is_port(device, roots))
    return [_port(device, stable.get(os.path.realpath(device)), roots) for device in devices]


def look_at(path: str, roots: Roots) -> Port:
    """Describe one port that was named, whatever it is."""
    device = Path(path).absolute()
    return _port(device, _stable_names(roots.dev).get(os.path.realpath(device)), roots)


def _devices(roots: Roots) -> Iterator[Path]:
    for device in _content(roots.dev):
        if any(fnmatch.fnmatch(device.name, pattern) for pattern in _NAMES):
            yield device


def _content(folder: Path) -> list[Path]:
    """List a folder; nothing where it is missing, or another user's."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_port(device: Path, roots: Roots) -> bool:
    described = roots.sys / "class" / "tty" / device.name
    return not (device.name.startswith("ttyS") and _text(described / "type") in {"", _NO_UART})


def _stable_names(dev: Path) -> dict[str, Path]:
    return {os.path.realpath(link): link for link in _content(dev / "serial" / "by-id")}


def _port(device: Path, stable: Path | None, roots: Roots) -> Port:
    real = Path(os.path.realpath(device))
    node = roots.sys / "class" / "tty" / real.name / "device"
    usb = next(
        (folder for folder in Path(os.path.realpath(node)).parents if (folder / "idVendor").exists()),
        None,
    )
    problem, remedy = _permission(real)
    return Port(
        path=str(stable or device),
        device=str(real),
        product=" ".join(filter(None, (_text(usb / "manufacturer"), _text(usb / "product")))) if usb else "",
        serial_number=_text(usb / "serial") if usb else "",
        driver=Path(os.path.realpath(node / "driver")).name if (node / "driver").exists() else "",
        holders=tuple(holders_of(real, roots)),
        problem=problem,
        remedy=remedy,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def holders_of(device: Path, roots: Roots) -> Iterator[Holder]:
    """Find the processes that have it open: all of them for root, our own user's for anybody else."""
    for process in _content(roots.proc):
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        if any(_target(link) == str(device) for link in _content(process / "fd")):
            yield Holder(int(process.name), _text(process / "comm"))


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _permission(device: Path) -> tuple[str, str]:
    """Say what keeps us from opening it, and the command that mends that."""
    try:
        status = device.stat()
    except OSError as error:
        return error.strerror or str(error), ""
    if os.access(device, os.R_OK | os.W_OK):
        return "", ""
    group = _group_name(status.st_gid)
    wanted = stat.S_IRGRP | stat.S_IWGRP
    if status.st_mode & wanted != wanted or status.st_gid in _NOBODYS:
        join = "" if _is_member(_PORT_GROUP) else f" && sudo usermod -aG {_PORT_GROUP} $USER"
        return "no permission", f"sudo chgrp {_PORT_GROUP} {device} && sudo chmod g+rw {device}{join}"
    if _is_member(group):
        return f"no permission: this session began before you joined the group {group}", f"newgrp {group}"
    return "no permission", f"sudo usermod -aG {group} $USER"


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _is_member(group: str) -> bool:
    try:
        return pwd.getpwuid(os.getuid()).pw_name in grp.getgrnam(group).gr_mem
    except KeyError:
        return False
