"""Addresses to listen at, as they are written."""

from __future__ import annotations

import errno
import os

import pytest

from tic_exporter.config.addresses import ListenAddress, naming, parse_listen_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":15402", ("", 15402)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("0.0.0.0:15402", ("0.0.0.0", 15402)),  # noqa: S104 - only parsed
        ("[::1]:15402", ("::1", 15402)),
        ("[fe80::1%eth0]:65535", ("fe80::1%eth0", 65535)),
        ("my-host.example:80", ("my-host.example", 80)),
    ],
)
def test_listen_addresses_are_written_as_for_go_exporters_and_shown_as_written(
    text: str, address: tuple[str, int]
) -> None:
    assert address == parse_listen_address(text)
    assert text == str(parse_listen_address(text))


@pytest.mark.parametrize(
    "text",
    [
        *("", "15402", "::1:15402", "[::1]", "[::1:15402", "[nonsense]:1", "host:", "a b:1", "http://host:1"),
        *(":65536", ":99999", ":-1", ":1_0", ":1\n", ":\u0661", "höst:1", "a..b:1"),
    ],
)
def test_a_bad_listen_address_is_named_in_the_error_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match='expected an address such as ":15402"') as caught:
        parse_listen_address(text)
    assert str(caught.value).endswith((f'not "{text}"', f"not {text!r}"))


def test_a_host_that_cannot_be_looked_up_is_no_address() -> None:
    assert "a" * 63 == parse_listen_address(f"{'a' * 63}:1").host
    with pytest.raises(ValueError, match="expected an address"):
        parse_listen_address(f"{'a' * 64}:1")


def test_an_error_of_the_system_gets_the_address_before_it() -> None:
    with pytest.raises(OSError, match=rf"^\[::1\]:80: {os.strerror(errno.EACCES)}$"), naming(ListenAddress("::1", 80)):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
