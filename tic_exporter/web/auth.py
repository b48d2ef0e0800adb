"""`basic_auth_users` of a web configuration: bcrypt hashes, and passwords checked against them."""

import base64
import re
import threading
from collections.abc import Callable, Mapping
from typing import TypeAlias

from ..config import nodes
from ..config.findings import Finding, Findings, refusal
from ..config.nodes import Node, Scalar
from ..config.sections import step_to

# Name -> hash. Names as sent, hashes as written.
Users: TypeAlias = Mapping[bytes, bytes]
_Verdicts: TypeAlias = dict[tuple[bytes, bytes, bytes], bool]

# hash = "$" ( "2a" / "2b" / "2y" ) "$" cost "$" salt digest; of the last character of the salt two bits count
_HASH = re.compile(r"\$2[aby]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_COST = slice(4, 6)
# Of a random password that nobody kept; what an unknown user's password is checked against.
_DECOY = b"$2b$10$YTtjKm8SKEitWXeTl9J83uZUsKpVXuDY76FcXWgn6nw0sKV.OmywO"

_LONGEST_PASSWORD = 72  # bytes: bcrypt does not look at what follows
_MAX_VERDICTS = 100


def _name_problem(name: str) -> str | None:
    if not name or ":" in name or not name.isprintable():
        return "expected a name of visible characters without a colon: no client could send it"
    return None


def _hash(node: Node) -> bytes:
    if not isinstance(node, Scalar) or not _HASH.fullmatch(node.text):  # never shown: it may be a password
        raise refusal(node, "expected a bcrypt hash: $2y$, a cost from 04 to 31, $ and 53 characters; not a password")
    return node.text.encode()


def users(node: Node) -> Users:
    """Any mapping of names to hashes; refused as a whole where bcrypt is not installed."""
    if isinstance(node, Scalar) and node.tag == "null":
        return {}
    if not isinstance(node, nodes.Mapping):
        raise refusal(node, "expected a mapping of user names to bcrypt hashes")
    found = Findings()
    found.add(Finding(fault.mark, step_to(fault.key) if fault.key else "", fault.message) for fault in node.faults)
    checked = {}
    for name, entry in node.entries.items():
        if problem := _name_problem(name):
            found.add([Finding(entry.key_mark, step_to(name), problem)])
        checked[name.encode()] = found.check(_hash, entry.value, step_to(name))
    if checked and not _has_bcrypt():
        message = "users need the package bcrypt: pip install 'tic-exporter[auth]', or apt install python3-bcrypt"
        found.add([Finding(node.mark, "", message)])
    found.refuse()
    return checked


def _has_bcrypt() -> bool:
    try:
        import bcrypt  # noqa: F401, PLC0415 - an optional extra
    except ImportError:
        return False
    return True


def bcrypt_verdict(password: bytes, hashed: bytes) -> bool:
    import bcrypt  # noqa: PLC0415 - an optional extra

    try:
        return bcrypt.checkpw(password, hashed)
    except ValueError:  # older releases refuse passwords with NUL
        return False


class Gate:
    """Who may pass. A hash is meant to cost much: each verdict is kept, and one is computed at a time."""

    def __init__(self, verdict: Callable[[bytes, bytes], bool] = bcrypt_verdict) -> None:
        self._verdict = verdict
        self._lock = threading.Lock()
        # Apart, so that a flood of wrong passwords never pushes out the right one of a scraper.
        self._right: _Verdicts = {}
        self._wrong: _Verdicts = {}

    def passes(self, users: Users, authorization: str) -> bool:
        """`authorization` is the header's value, empty without one."""
        credentials = _credentials(authorization)
        if credentials is None or len(credentials[1]) > _LONGEST_PASSWORD:
            return False
        user, password = credentials
        # An unknown user takes as long as a wrong password, of the most expensive hash.
        hashed = users.get(user) or _decoy(users)
        return self._matches((user, hashed, password)) and user in users

    def _matches(self, key: tuple[bytes, bytes, bytes]) -> bool:
        kept = self._kept(key)
        if kept is not None:
            return kept
        with self._lock:
            kept = self._kept(key)  # by the thread that was waited for
            if kept is not None:
                return kept
            right = self._verdict(key[2], key[1])
            verdicts = self._right if right else self._wrong
            if len(verdicts) >= _MAX_VERDICTS:
                del verdicts[next(iter(verdicts))]
            verdicts[key] = right
            return right

    def _kept(self, key: tuple[bytes, bytes, bytes]) -> bool | None:
        return self._right.get(key, self._wrong.get(key))


def _decoy(users: Users) -> bytes:
    cost = max((hashed[_COST] for hashed in users.values()), default=_DECOY[_COST])
    return _DECOY[: _COST.start] + cost + _DECOY[_COST.stop :]


def _credentials(authorization: str) -> tuple[bytes, bytes] | None:
    """RFC 7617: `Basic` SP base64( user ":" password )."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        plain = base64.b64decode(token, validate=True)
    except ValueError:
        return None
    user, colon, password = plain.partition(b":")
    return (user, password) if colon else None
