"""The keys of a configuration file: one row per key, a checker beside each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from . import checks
from .checks import boolean, choice, duration, integer
from .findings import Finding
from .model import FAMILIES, MOST_REQUESTS, Config, MeterConfig, SerialSettings, WebConfig
from .nodes import Node, Scalar
from .sections import both, entry_of, list_of, section, step_to, unique

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .sections import Table


def _words(*words: str) -> dict[str, object]:
    return {word: word for word in words}


def _device(port: str) -> Hashable:
    """What a port leads to in the end, so that a link below /dev/serial/by-id and its ttyUSB0 are the same."""
    if url := checks.address_of_url(port):
        return url
    try:
        return os.path.realpath(port)
    except ValueError:  # a name that file names cannot spell in this system's encoding
        return port


def _contract_needs_cje(node: Node) -> list[Finding]:
    contract, family = entry_of(node, "contract"), entry_of(node, "family")
    if contract is None or family is None or not isinstance(family.value, Scalar):
        return []
    if family.value.text not in FAMILIES or family.value.text == "cje":
        return []
    message = f"expected only with family cje or auto, and this meter's family is {family.value.text}"
    return [Finding(contract.mark, step_to("contract"), message)]


def _pseudonyms_need_a_key(node: Node) -> list[Finding]:
    wanted = entry_of(node, "pseudonymise_ids")
    if wanted is None or entry_of(node, "pseudonymise_key_file") is not None or not checks.is_true(wanted.value):
        return []
    message = "pseudonymise_key_file is required with it; make one with: tic-exporter pseudonym-key --out FILE"
    return [Finding(wanted.mark, step_to("pseudonymise_ids"), message)]


def _web(listen_address: tuple[str, ...] = WebConfig().listen_addresses, **values: Any) -> WebConfig:  # noqa: ANN401 - checked
    return WebConfig(listen_addresses=listen_address, **values)


def _tables() -> dict[str, Table]:
    return TABLES


_SERIAL_PARITIES = _words("none", "even", "odd", "mark", "space")

SERIAL: Table = (
    ("bytesize", choice({"5": 5, "6": 6, "7": 7, "8": 8})),
    ("parity", choice(_SERIAL_PARITIES | {word[0].upper(): word for word in _SERIAL_PARITIES})),
    ("stopbits", choice({"1": 1.0, "1.5": 1.5, "2": 2.0})),
    ("xonxoff", boolean),
    ("rtscts", boolean),
    ("dsrdtr", boolean),
    ("timeout", duration(zero=True)),
)
METER: Table = (
    ("name", checks.meter_name),
    ("port", checks.port),
    ("baud_rate", choice({"auto": None, "1200": 1200, "2400": 2400, "4800": 4800, "9600": 9600, "19200": 19200})),
    ("family", choice({"auto": None} | _words(*FAMILIES))),
    ("id", checks.meter_id),
    ("parity", choice(_words("auto", "even", "none"))),
    ("on_bad_group", choice(_words("drop_frame", "drop_group"))),
    ("stale_after", duration()),
    ("contract", choice(_words("BASE", "EJP"))),
    ("timezone", checks.timezone),
    ("expose_metering_point", boolean),
    ("expose_messages", boolean),
    ("loop", boolean),
    ("serial", section(SerialSettings, SERIAL, _tables)),
)
_ADDRESSES = list_of(
    "address",
    checks.listen_address,
    unique(None, checks.listen_address, str, "{} is there twice; the first is in line {}"),
)
WEB: Table = (
    ("listen_address", checks.one_or_list(checks.listen_address, _ADDRESSES)),
    ("telemetry_path", checks.telemetry_path),
    ("max_requests", integer(1, MOST_REQUESTS)),
    ("config_file", checks.file_path),
    ("show_ids", boolean),
    ("compatibility", choice({"none": None} | _words("api_compteur_tic"))),
)
METER_SECTION = section(MeterConfig, METER, _tables, required=("name", "port"), rule=_contract_needs_cje)
_METERS = list_of(
    "meter",
    METER_SECTION,
    both(
        unique("name", checks.meter_name, str, "two meters are called {}; the first is in line {}"),
        unique("port", checks.port, _device, "two meters read one port, {}; the first is in line {}"),
    ),
)
TOP: Table = (
    ("meters", _METERS),
    ("state_file", checks.file_path),
    ("save_interval", duration()),
    ("web", section(_web, WEB, _tables)),
    ("pseudonymise_ids", boolean),
    ("pseudonymise_key_file", checks.file_path),
)
TOP_SECTION = section(Config, TOP, _tables, required=("meters",), rule=_pseudonyms_need_a_key)

TABLES: dict[str, Table] = {"": TOP, "meters[]": METER, "meters[].serial": SERIAL, "web": WEB}
