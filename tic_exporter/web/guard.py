"""What a web configuration protects: TLS for connections, and around an app rate limit, headers and users."""

import logging
import ssl
import threading
import time
from collections.abc import Callable

from ..config import ConfigError, Problem
from .auth import Gate
from .config import Headers, RateLimit, WebSettings, load
from .handler import TEXT, App, Request, Response
from .tls_checks import Seen, fingerprint

_LOG = logging.getLogger(__name__)

_NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
_TOO_MANY = Response(429, TEXT, b"Too Many Requests\n", (_NO_SNIFFING,))
_UNAUTHORIZED = Response(401, TEXT, b"Unauthorized\n", (_NO_SNIFFING, ("WWW-Authenticate", "Basic")))


class TokenBucket:
    """Starts full. `clock` gives seconds."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = float(limit.burst)
        self._filled_at = clock()

    def take(self) -> bool:
        if not self._limit.interval:
            return True
        with self._lock:
            now = self._clock()
            self._tokens = min(self._tokens + (now - self._filled_at) / self._limit.interval, self._limit.burst)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


class Guard:
    """A web configuration in force, read again when it, or a file that it names, has changed.

    A file that is wrong after a change is told once, and the one before stays in force: a half-written file must
    neither end the scrapes nor lift the protection.
    """

    def __init__(self, path: str, *, gate: Gate | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Raise ConfigError."""
        self._path = path
        self._gate = gate or Gate()
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: Seen = {}
        self._settings = WebSettings()
        self._bucket = TokenBucket(self._settings.rate_limit, clock)
        self._told_http2 = False
        self._adopt(load(path, self._seen), "web configuration read")

    def ssl_context(self) -> ssl.SSLContext | None:
        """Give what the next connection speaks; None for plain HTTP."""
        return self._current()[0].tls_server_config

    def protect(self, app: App) -> App:
        """Ask `app` only what passes, in the order of the toolkit: rate limit, headers, users."""

        def protected(request: Request) -> Response:
            settings, bucket = self._current()
            if not bucket.take():
                return _TOO_MANY
            users = settings.basic_auth_users
            may_pass = not users or self._gate.passes(users, request.headers.get("authorization", ""))
            return _with(settings.http_server_config.headers, app(request) if may_pass else _UNAUTHORIZED)

        return protected

    def _current(self) -> tuple[WebSettings, TokenBucket]:
        with self._lock:
            if any(fingerprint(path) != seen for path, seen in self._seen.items()):
                self._reread()
            return self._settings, self._bucket

    def _reread(self) -> None:
        seen = Seen()
        try:
            settings = load(self._path, seen)
            _refuse_less(self._settings, settings, self._path)
        except ConfigError as error:
            message = "the web configuration is not used; the one before stays in force"
            _LOG.error(message, extra={"problems": str(error)})
        else:
            self._adopt(settings, "web configuration read again")
        self._seen = seen

    def _adopt(self, settings: WebSettings, event: str) -> None:
        if settings.rate_limit != self._settings.rate_limit:
            self._bucket = TokenBucket(settings.rate_limit, self._clock)
        self._settings = settings
        users, is_tls = len(settings.basic_auth_users), settings.tls_server_config is not None
        _LOG.info(event, extra={"file": self._path, "tls": is_tls, "users": users})
        if settings.http_server_config.http2 and not self._told_http2:
            self._told_http2 = True
            _LOG.info("http2 is asked for: this exporter serves HTTP/1.1, which every client speaks too")


def _refuse_less(before: WebSettings, after: WebSettings, path: str) -> None:
    """An editor empties a file before it fills it: what protects ends only with the process."""
    problems = [
        Problem(path, 0, 0, key, "is gone: it is given up only at a restart")
        for key in ("tls_server_config", "basic_auth_users")
        if getattr(before, key) and not getattr(after, key)
    ]
    if problems:
        raise ConfigError(problems)


def _with(headers: Headers, response: Response) -> Response:
    """What is configured wins over what the app says."""
    if not headers:
        return response
    configured = {name.lower() for name, _ in headers}
    kept = tuple(header for header in response.headers if header[0].lower() not in configured)
    return response._replace(headers=kept + headers)
