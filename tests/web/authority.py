"""Keys and certificates for one test session, made by openssl."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "IP:127.0.0.1"


@dataclass(frozen=True, slots=True)
class Pair:
    cert: Path
    key: Path


class Authority:
    """A certificate authority with its files in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        # Nothing of the system's configuration: extensions are those that are asked for.
        (folder / "openssl.cnf").write_text("[req]\ndistinguished_name = name\n[name]\n")
        self.own = self._make("authority", "basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign", issuer=None)

    def issue(self, name: str, san: str = LOOPBACK, usage: str = "", *, kind: str = "ec") -> Pair:
        """A certificate with these names; `usage` is an extended key usage, `kind` ec or rsa."""
        usages = [f"extendedKeyUsage={usage}"] if usage else []
        return self._make(
            name, "basicConstraints=critical,CA:FALSE", f"subjectAltName={san}", *usages, issuer=self.own, kind=kind
        )

    def self_signed(self, name: str, san: str = LOOPBACK) -> Pair:
        return self._make(name, "basicConstraints=critical,CA:FALSE", f"subjectAltName={san}", issuer=None)

    def intermediate(self, folder: Path) -> "Authority":
        below = Authority(folder)
        extensions = ("basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign")
        below.own = self._make("intermediate", *extensions, issuer=self.own)
        return below

    def client(self, pair: Pair | None = None) -> ssl.SSLContext:
        """What believes this authority, and shows this certificate."""
        context = ssl.create_default_context(cafile=self.own.cert)
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        if pair:
            context.load_cert_chain(pair.cert, pair.key)
        return context

    def _make(self, name: str, *extensions: str, issuer: Pair | None, kind: str = "ec") -> Pair:
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        command: list[str | Path] = ["openssl", "req", "-x509", "-config", self._folder / "openssl.cnf"]
        command += ["-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", pair.key, "-out", pair.cert]
        if kind == "ec":
            command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        else:
            command += ["-newkey", "rsa:2048"]
        for extension in extensions:
            command += ["-addext", extension]
        if issuer is not None:
            command += ["-CA", issuer.cert, "-CAkey", issuer.key]
        subprocess.run(command, check=True, capture_output=True)
        return pair
