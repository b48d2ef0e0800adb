"""TLS as Go's crypto/tls does it, on the `ssl` of the standard library."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

_NO_PAIR = {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}


@dataclass(frozen=True, slots=True)
class Pem:
    """PEM text, from a file or, without a path, from the web configuration itself."""

    text: str = field(repr=False)
    path: str | None = None

    @contextmanager
    def as_file(self) -> Iterator[str]:
        """A path for OpenSSL, which reads chains and keys from files alone: for a text, one that is in memory only."""
        if self.path is not None:
            yield self.path
            return
        with open(os.memfd_create("pem"), "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
            file.write(self.text)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    cert: Pem
    key: Pem
    client_ca: Pem | None = None
    client_auth_type: ssl.VerifyMode = ssl.CERT_NONE
    client_allowed_sans: tuple[str, ...] = ()
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    max_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    cipher_suites: tuple[str, ...] = ()  # names of OpenSSL, empty ones for suites of TLS 1.3
    prefer_server_cipher_suites: bool = True
    curve_preferences: tuple[str, ...] = ()  # one name of OpenSSL at most


class TlsError(Exception):
    """OpenSSL does not take a setting: which, and why."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def build_context(settings: TlsSettings) -> ssl.SSLContext:
    """Raise TlsError for what only OpenSSL can judge."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = settings.min_version, settings.max_version
    context.verify_mode = settings.client_auth_type
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # as Go: all in the file of authorities are believed
    if not settings.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if settings.client_allowed_sans:
        context.sslsocket_class = _socket_for(frozenset(settings.client_allowed_sans))
    _load_pair(context, settings)
    if settings.client_ca is not None:
        with settings.client_ca.as_file() as authorities:
            context.load_verify_locations(authorities)
    _set_ciphers(context, settings)
    for curve in settings.curve_preferences:
        try:
            context.set_ecdh_curve(curve)
        except (ValueError, ssl.SSLError) as error:
            raise TlsError("curve_preferences", "this system's OpenSSL does not have this curve") from error
    return context


def _load_pair(context: ssl.SSLContext, settings: TlsSettings) -> None:
    try:
        with settings.cert.as_file() as cert, settings.key.as_file() as key:
            context.load_cert_chain(cert, key, password="")  # never asks at a terminal
    except ssl.SSLError as error:
        if error.reason in _NO_PAIR:
            raise TlsError("key", "is not the key of the certificate") from error
        reason = (error.reason or "not readable").lower().replace("_", " ")
        raise TlsError("key", f"OpenSSL cannot use this key and its certificate: {reason}") from error


def _set_ciphers(context: ssl.SSLContext, settings: TlsSettings) -> None:
    names = [name for name in settings.cipher_suites if name]
    if names:
        try:
            context.set_ciphers(":".join(names))
        except ssl.SSLError as error:
            raise TlsError("cipher_suites", "this system's OpenSSL has none of these") from error
    elif settings.cipher_suites:
        # Nothing of TLS 1.2 is wanted, which OpenSSL cannot be told by an empty list.
        if settings.max_version < ssl.TLSVersion.TLSv1_3:
            raise TlsError("cipher_suites", "has only suites of TLS 1.3, above max_version")
        context.minimum_version = ssl.TLSVersion.TLSv1_3


def _socket_for(allowed: frozenset[str]) -> type[ssl.SSLSocket]:
    """Sockets which end their handshake with a failure when none of the client certificate's names is allowed."""

    class Socket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as the base class
            super().do_handshake(block)
            if allowed.isdisjoint(_names(self)):
                raise ssl.SSLCertVerificationError("none of the names of the client's certificate is allowed")

    return Socket


def _names(sock: ssl.SSLSocket) -> Iterator[str]:
    certificate: dict[str, Any] = sock.getpeercert() or {}
    for kind, name in certificate.get("subjectAltName", ()):
        if kind in {"DNS", "email", "URI"}:
            yield name
        elif kind == "IP Address":
            yield ip_address(name.strip()).compressed  # as Go: OpenSSL writes 0:0:0:0:0:0:0:1 for ::1
