"""Serial ports, read from a tree that looks like /dev, /sys and /proc."""

from __future__ import annotations

import grp
import os
from pathlib import Path

import pytest

from tic_exporter import ports
from tic_exporter.ports import Holder, Port, Roots, holders_of, list_ports, look_at


@pytest.fixture(name="roots")
def fake_roots(tmp_path: Path) -> Roots:
    roots = Roots(tmp_path / "dev", tmp_path / "sys", tmp_path / "proc")
    for folder in (roots.dev, roots.sys, roots.proc):
        folder.mkdir()
    return roots


def plug_in(roots: Roots, name: str, *, driver: str = "ftdi_sio", by_id: str = "", **usb: str) -> Path:
    """Give the tree one more port."""
    device = roots.dev / name
    device.touch()
    device.chmod(0o660)
    adaptor = roots.sys / "devices" / "usb1" / f"adaptor of {name}"
    interface = adaptor / "interface" / name
    interface.mkdir(parents=True)
    for attribute, text in usb.items():
        (adaptor / attribute).write_text(text + "\n")
    (roots.sys / "drivers" / driver).mkdir(parents=True, exist_ok=True)
    (interface / "driver").symlink_to(roots.sys / "drivers" / driver)
    described = roots.sys / "class" / "tty" / name
    described.mkdir(parents=True)
    (described / "device").symlink_to(interface)
    if by_id:
        (roots.dev / "serial" / "by-id").mkdir(parents=True, exist_ok=True)
        (roots.dev / "serial" / "by-id" / by_id).symlink_to(f"../../{name}")
    return device


def test_an_adaptor_is_listed_by_its_stable_name_with_what_usb_and_kernel_say(roots: Roots) -> None:
    usb = {"idVendor": "0403", "manufacturer": "FTDI", "product": "FT232R USB UART", "serial": "A50285BI"}
    device = plug_in(roots, "ttyUSB0", by_id="usb-FTDI_FT232R_A50285BI-if00-port0", **usb)
    stable = str(roots.dev / "serial" / "by-id" / "usb-FTDI_FT232R_A50285BI-if00-port0")

    expected = Port(stable, str(device), "FTDI FT232R USB UART", "A50285BI", "ftdi_sio")
    assert [expected] == list_ports(roots)
    assert expected == look_at(str(device), roots)


def test_ports_without_usb_or_stable_name_are_listed_by_the_name_they_have(roots: Roots) -> None:
    device = plug_in(roots, "ttyAMA0", driver="uart-pl011")

    assert [Port(str(device), str(device), driver="uart-pl011")] == list_ports(roots)


def test_numbers_without_hardware_and_other_devices_are_left_out(roots: Roots) -> None:
    for name, kind in (("ttyS0", "4"), ("ttyS1", "0")):
        plug_in(roots, name)
        (roots.sys / "class" / "tty" / name / "type").write_text(kind)
    (roots.dev / "ttyS2").touch()
    (roots.dev / "tty1").touch()
    (roots.dev / "null").touch()

    assert [str(roots.dev / "ttyS0")] == [port.device for port in list_ports(roots)]


def test_an_empty_system_has_no_ports(tmp_path: Path) -> None:
    nowhere = Roots(tmp_path / "a", tmp_path / "b", tmp_path / "c")

    assert [] == list_ports(nowhere)
    assert "No such file or directory" == look_at(str(tmp_path / "ttyUSB0"), nowhere).problem
    assert [] == list(holders_of(tmp_path / "ttyUSB0", nowhere))


def test_who_holds_a_port_is_found(roots: Roots) -> None:
    device = plug_in(roots, "ttyUSB0")
    for pid, target in ((41, device), (42, roots.dev / "null"), (os.getpid(), device)):
        (roots.proc / str(pid) / "fd").mkdir(parents=True)
        (roots.proc / str(pid) / "fd" / "3").symlink_to(target)
        (roots.proc / str(pid) / "fd" / "4").touch()
        (roots.proc / str(pid) / "comm").write_text("ser2net\n")
    (roots.proc / "43").mkdir()
    (roots.proc / "self").mkdir()

    assert (Holder(41, "ser2net"),) == list_ports(roots)[0].holders
    assert "ser2net (process 41)" == str(list_ports(roots)[0].holders[0])


@pytest.fixture(name="refused")
def _refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no device be opened: root could open every one."""
    monkeypatch.setattr("os.access", lambda *_: False)


def an_unused_group() -> int:
    return next(number for number in range(60_000, 65_000) if all(number != group.gr_gid for group in grp.getgrall()))


@pytest.mark.usefixtures("refused")
def test_the_command_that_gives_permission_fits_the_port(roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
    device = plug_in(roots, "ttyUSB0")
    monkeypatch.setattr(ports, "_group_name", lambda _: "dialout")
    monkeypatch.setattr(ports, "_is_member", lambda _: False)

    monkeypatch.setattr(ports, "_NOBODYS", frozenset[int]())
    assert ("no permission", "sudo usermod -aG dialout $USER") == remedy(roots)

    device.chmod(0o600)
    chgrp = f"sudo chgrp dialout {device} && sudo chmod g+rw {device}"
    assert ("no permission", f"{chgrp} && sudo usermod -aG dialout $USER") == remedy(roots)
    monkeypatch.setattr(ports, "_is_member", lambda _: True)
    assert ("no permission", chgrp) == remedy(roots)

    device.chmod(0o660)
    assert ("no permission: this session began before you joined the group dialout", "newgrp dialout") == remedy(roots)


def remedy(roots: Roots) -> tuple[str, str]:
    port = list_ports(roots)[0]
    return port.problem, port.remedy


def test_groups_without_a_name_are_named_by_number_and_have_no_members() -> None:
    number = an_unused_group()

    assert str(number) == ports._group_name(number)
    assert not ports._is_member(str(number))
    assert not ports._is_member("root") or os.getuid() != 65534
