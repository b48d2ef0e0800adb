"""What the Debian package says of the program; `make test-deb` builds and installs it."""

from __future__ import annotations

import re
from pathlib import Path

from tic_exporter import __version__, cli

ROOT = Path(__file__).parents[2]
MAN = (ROOT / "docs" / "tic-exporter.1").read_text().replace("\\-", "-")


def test_the_package_has_the_version_of_the_program() -> None:
    (first, *_) = (ROOT / "debian" / "changelog").read_text().splitlines()

    assert first.startswith(f"tic-exporter ({__version__}) ")


def test_every_file_that_the_package_takes_from_elsewhere_exists() -> None:
    links = [file for file in (ROOT / "debian").iterdir() if file.is_symlink()]

    assert links
    assert [] == [link.name for link in links if not link.exists()]


def test_the_man_page_has_every_flag_and_every_command_and_no_other() -> None:
    flags = {flag for action in cli._serve_parser()._actions for flag in action.option_strings}
    described = MAN.split(".SH FLAGS")[1].split(".SH COMMANDS")

    assert flags == set(re.findall(r"(?<!\w)--?[a-z][a-z.-]*", described[0]))
    assert list(cli._COMMANDS) == re.findall(r"^\.TP\n\.B ([a-z-]+)$", described[1].split(".SH")[0], re.MULTILINE)
