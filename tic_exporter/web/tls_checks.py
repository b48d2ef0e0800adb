"""The section `tls_server_config` of a web configuration; names and meanings are those of Go's crypto/tls."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..config import checks, nodes
from ..config.checks import boolean, choice
from ..config.findings import Finding, RefusedError, refusal
from ..config.nodes import Node, Scalar, Sequence
from ..config.sections import entry_of, list_of, section, step_to
from ..config.wording import shown
from .tls import Pem, TlsError, TlsSettings, build_context

if TYPE_CHECKING:
    from ..config.findings import Checker
    from ..config.sections import Table

# What an administrator's change changes; None: the file is not there.
Fingerprint: TypeAlias = tuple[int, ...] | None
Seen: TypeAlias = dict[Path, Fingerprint]
_Complaint: TypeAlias = Callable[[Pem], str | None]

_MAX_BYTES = 1024 * 1024

_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_OLD_VERSIONS = ("TLS10", "TLS11")
# tls.CipherSuites() of Go -> OpenSSL; those of TLS 1.3 are always offered, in Go as here.
CIPHERS = {
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}


def fingerprint(path: Path) -> Fingerprint:
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    # The time of the last change of attributes tells also of a restored old file, and of permissions.
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


# --- what a single key may hold -------------------------------------------------------------------------------------


def _inline(complaint: _Complaint) -> Checker:
    def check(node: Node) -> Pem:
        if not isinstance(node, Scalar) or node.tag != "str":
            raise refusal(node, "expected a text in PEM format")  # never shown: it may be a key
        if not hasattr(os, "memfd_create"):
            raise refusal(node, "needs files in memory, which this system does not have: name a file instead")
        return _sound(node, Pem(node.text), complaint)

    return check


def _file(folder: Path, seen: Seen, complaint: _Complaint) -> Checker:
    def check(node: Node) -> Pem:
        if isinstance(node, Scalar) and "-----BEGIN" in node.text:
            raise refusal(node, "expected the path of a file; a text in PEM format belongs to cert, key or client_ca")
        path = folder / checks.file_path(node)
        seen[path] = fingerprint(path)
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_BYTES).decode("ascii", "replace")
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or "no name of a file"
            raise refusal(node, f"{shown(str(path))} cannot be read: {reason}") from error
        return _sound(node, Pem(text, str(path)), complaint)

    return check


def _sound(node: Node, pem: Pem, complaint: _Complaint) -> Pem:
    if message := complaint(pem):
        raise refusal(node, message if pem.path is None else f"{shown(pem.path)} {message}")
    return pem


def _no_certificates(pem: Pem) -> str | None:
    try:
        with pem.as_file() as path:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except ssl.SSLError:
        return "holds no certificate in PEM format"
    return None


def _no_key(pem: Pem) -> str | None:
    if "PRIVATE KEY-----" not in pem.text:
        return "holds no private key in PEM format"
    if "ENCRYPTED" in pem.text:
        return "holds an encrypted key: nobody is there to type its passphrase"
    return None


def _client_auth(node: Node) -> ssl.VerifyMode:
    if isinstance(node, Scalar) and node.text in _UNVERIFIED:
        message = f"{node.text} takes certificates that nobody verified, which protects nothing; it is not supported: "
        raise refusal(node, message + "expected RequireAndVerifyClientCert or VerifyClientCertIfGiven")
    mode: ssl.VerifyMode = choice(_CLIENT_AUTH)(node)
    return mode


def _version(node: Node) -> ssl.TLSVersion:
    if isinstance(node, Scalar) and node.text in _OLD_VERSIONS:
        raise refusal(node, f"{node.text} is broken (RFC 8996) and not supported: expected TLS12 or TLS13")
    version: ssl.TLSVersion = choice(_VERSIONS)(node)
    return version


def _or_none(several: Checker) -> Checker:
    """An empty list says what no list says, as in the toolkit."""

    def check(node: Node) -> Any:  # noqa: ANN401 - what the other makes of it
        is_null = isinstance(node, Scalar) and node.tag == "null"
        return () if is_null or (isinstance(node, Sequence) and not node.items) else several(node)

    return check


def _one_curve(node: Node) -> list[Finding]:
    if not isinstance(node, Sequence) or len(node.items) < 2:
        return []
    message = "one curve at most: this exporter can offer either one or, without this key, all of them"
    return [Finding(node.items[1].mark, "[1]", message)]


def _table(folder: Path, seen: Seen) -> Table:
    return (
        ("cert_file", _file(folder, seen, _no_certificates)),
        ("key_file", _file(folder, seen, _no_key)),
        ("client_ca_file", _file(folder, seen, _no_certificates)),
        ("cert", _inline(_no_certificates)),
        ("key", _inline(_no_key)),
        ("client_ca", _inline(_no_certificates)),
        ("client_auth_type", _client_auth),
        ("client_allowed_sans", list_of("name", checks.text("a name of 1 to 1024 characters", checks.visible(1024)))),
        ("min_version", _version),
        ("max_version", _version),
        ("cipher_suites", _or_none(list_of("cipher suite", choice(CIPHERS)))),
        ("prefer_server_cipher_suites", boolean),
        ("curve_preferences", _or_none(list_of("curve", choice(CURVES), _one_curve))),
    )


# --- what the keys say together -------------------------------------------------------------------------------------


def _rule(node: Node) -> list[Finding]:
    given = {key: entry.value for key, entry in node.entries.items()} if isinstance(node, nodes.Mapping) else {}
    mode: str = getattr(given.get("client_auth_type"), "text", "NoClientCert")
    has_ca = "client_ca" in given or "client_ca_file" in given
    # what is wrong: at which key, and the message
    wrong = (
        ("cert" in given and "cert_file" in given, "cert", "expected either cert or cert_file, not both"),
        ("key" in given and "key_file" in given, "key", "expected either key or key_file, not both"),
        (
            "client_ca" in given and "client_ca_file" in given,
            "client_ca",
            "expected either client_ca or client_ca_file, not both",
        ),
        ("cert" not in given and "cert_file" not in given, "cert_file", "missing: TLS needs cert_file, or cert"),
        ("key" not in given and "key_file" not in given, "key_file", "missing: TLS needs key_file, or key"),
        (
            has_ca and mode == "NoClientCert",
            "client_ca_file" if "client_ca_file" in given else "client_ca",
            "has no effect: expected client_auth_type RequireAndVerifyClientCert or VerifyClientCertIfGiven with it",
        ),
        (
            not has_ca and _CLIENT_AUTH.get(mode),
            "client_auth_type",
            "client_ca_file, or client_ca, is required with it: authorities of the public web are not believed",
        ),
        (
            "client_allowed_sans" in given and mode in _CLIENT_AUTH and mode != "RequireAndVerifyClientCert",
            "client_allowed_sans",
            "expected only with client_auth_type RequireAndVerifyClientCert: other clients need no certificate",
        ),
        (
            _version_text(given, "min_version", "TLS12") > _version_text(given, "max_version", "TLS13"),
            "max_version",
            "is below min_version",
        ),
    )
    return [_at(node, key, message) for is_wrong, key, message in wrong if is_wrong]


def _version_text(given: Mapping[str, Node], key: str, default: str) -> str:
    """TLS12 < TLS13 as texts too; anything else is refused by its own check, and compared with nothing."""
    word: str = getattr(given.get(key), "text", default)
    return word if word in _VERSIONS else default


def _at(node: Node, key: str, message: str) -> Finding:
    entry = entry_of(node, key)
    return Finding(entry.value.mark if entry else node.mark, step_to(key), message)


def _build(**values: Any) -> TlsSettings:  # noqa: ANN401 - checked
    for key in ("cert", "key", "client_ca"):
        values[key] = values.pop(f"{key}_file", None) or values.get(key)
    return TlsSettings(**values)


def tls_server_config(folder: Path, seen: Seen, tables: dict[str, Table]) -> Checker:
    """The section `tls_server_config`: a context, or None when it is empty. Fills `seen` with the files it names."""
    tables["tls_server_config"] = _table(folder, seen)
    settings = section(_build, tables["tls_server_config"], lambda: tables, rule=_rule)

    def check(node: Node) -> ssl.SSLContext | None:
        if isinstance(node, Scalar) and node.tag == "null":
            return None
        if isinstance(node, nodes.Mapping) and not node.entries:
            return None
        accepted: TlsSettings = settings(node)
        try:
            return build_context(accepted)
        except TlsError as error:
            key = error.key if entry_of(node, error.key) else f"{error.key}_file"
            raise RefusedError([_at(node, key, str(error))]) from error

    return check
