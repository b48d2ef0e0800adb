"""Addresses to listen at, as Go exporters write them."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from .wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

HIGHEST_PORT = 0xFFFF

# address = [ host | "[" IPv6 "]" ] ":" port   (as Go's net.Listen takes it, without its names of services)
# host    = label *( "." label ) [ "." ]       (labels of 1 to 63 characters: longer ones cannot be looked up)
_LABEL = "[A-Za-z0-9_-]{1,63}"
_ADDRESS = re.compile(rf"(?:\[(?P<ipv6>[^\[\]]+)\]|(?P<host>(?:{_LABEL}(?:\.{_LABEL})*\.?)?)):(?P<port>[0-9]{{1,5}})")


class ListenAddress(NamedTuple):
    """An empty host stands for every address of the machine, IPv6 and IPv4."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen_address(text: str) -> ListenAddress:
    """`:15402` -> `("", 15402)`. Raises ValueError that says what was expected."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > HIGHEST_PORT or not _is_ipv6(match["ipv6"]):
        expected = 'an address such as ":15402", "127.0.0.1:15402" or "[::1]:15402"'
        raise ValueError(f"expected {expected}, not {shown(text)}")
    return ListenAddress(match["ipv6"] or match["host"], int(match["port"]))


def _is_ipv6(host: str | None) -> bool:
    """Whether it is one, where there is any."""
    if host is None:
        return True
    from ipaddress import IPv6Address  # noqa: PLC0415 - few addresses are in brackets

    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


@contextmanager
def naming(address: ListenAddress) -> Iterator[None]:
    """Put the address before what the system says of it: of several, one may be wrong."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{address}: {error.strerror or error}") from error
