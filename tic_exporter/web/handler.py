"""One HTTP connection: what a client may send, and how an answer is written."""

import logging
import re
import socket
import time
from collections.abc import Callable, Mapping
from email.message import Message
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler
from io import BufferedReader
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

_LOG = logging.getLogger(__name__)

TEXT = "text/plain; charset=utf-8"
_METHODS = ("GET", "HEAD")

# The standard library takes request lines of 64 KiB and 100 header lines of as much each: 250 MB for 40 connections.
_MAX_REQUEST_LINE = 8 * 1024
_MAX_HEAD = 32 * 1024

# absolute-form = "http" [ "s" ] "://" [ userinfo "@" ] host [ ":" port ] path-abempty [ "?" query ]   (RFC 9112 3.2.2)
_ABSOLUTE_FORM = re.compile(r"https?://(?:[^/?@]*@)?([^/?@]+)([^?]*)", re.IGNORECASE)

# 204 says no length at all, and 304 that of the answer which the client has already (RFC 9110 8.6).
_WITHOUT_LENGTH = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Request(NamedTuple):
    """`path` is without percent-encoding, scheme and host; names of `headers` are in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]


class Response(NamedTuple):
    """The server adds Date, Connection where it ends, and Content-Length; for HEAD it leaves out the body.

    204 and 304 go without Content-Length, so that their `body` must be empty (RFC 9110 6.4.1 and 8.6).
    """

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


App = Callable[[Request], Response]


class _HeadReader(BufferedReader):
    """Gives up once a request's head exceeds its budget of bytes."""

    budget = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        limit = self.budget + 1
        line = super().readline(limit if size is None or size < 0 else min(size, limit))
        self.budget -= len(line)
        if self.budget < 0:
            raise LineTooLong("header")  # `parse_request` answers 431 to it
        return line


def _plain_headers(message: Message) -> dict[str, str]:
    """Repeated headers become one (RFC 9110 5.3), folded ones one line (RFC 9112 5.2)."""
    return {name.lower(): " ".join(", ".join(message.get_all(name, [])).split()) for name in message}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # what is not HTTP gets a status line too
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = TEXT
    # Head and body in one segment: apart, a delayed acknowledgement makes a TLS scrape ten times slower.
    wbufsize = -1
    disable_nagle_algorithm = True

    def __init__(self, sock: socket.socket, peer: Any, app: App, keep_until: float) -> None:  # noqa: ANN401 - as the base class
        """`keep_until`: monotonic time from which a connection is not kept for a further request.

        So that an idle connection is ended by an answer, not by its deadline in the middle of one.
        """
        self._app = app
        self._keep_until = keep_until
        super().__init__(sock, peer, None)  # type: ignore[arg-type]  # nothing here asks for the server

    def setup(self) -> None:
        super().setup()
        self._head = _HeadReader(self.rfile.detach())
        self.rfile = self._head

    def handle_one_request(self) -> None:
        self._head.budget = _MAX_HEAD
        self.raw_requestline = self.rfile.readline(_MAX_REQUEST_LINE + 1)
        if len(self.raw_requestline) > _MAX_REQUEST_LINE:
            self.command = self.requestline = self.request_version = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif not self.raw_requestline:
            self.close_connection = True
        elif self.parse_request():
            self._answer()
            self.wfile.flush()

    def handle_expect_100(self) -> bool:
        """No body is wanted: the final status is the answer."""
        return True

    def _answer(self) -> None:
        has_body = "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"
        if has_body or self.command not in _METHODS or time.monotonic() >= self._keep_until:
            self.close_connection = True  # a body is never read, so what follows it cannot be found
        if self.command in _METHODS:
            self._send(self._ask())
        else:
            self._send(Response(405, TEXT, b"405 only GET and HEAD\n", (("Allow", ", ".join(_METHODS)),)))

    def _ask(self) -> Response:
        try:
            return self._app(self._request())
        except Exception:  # noqa: BLE001 - a bug costs one answer, not the server
            _LOG.exception("%s %r failed", self.command, self.path)
            return Response(500, TEXT, b"500 internal error, see the log\n")

    def _request(self) -> Request:
        path, _, query = self.path.partition("?")
        headers = _plain_headers(self.headers)
        if path[:1] != "/" and (absolute := _ABSOLUTE_FORM.fullmatch(path)):
            headers["host"], path = absolute[1], absolute[2] or "/"  # what the Host header says counts for nothing then
        return Request(self.command, unquote(path), parse_qs(query, keep_blank_values=True), headers)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        if response.status not in _WITHOUT_LENGTH:
            self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def version_string(self) -> str:
        return "tic_exporter"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        _LOG.debug("%s: %r", self.client_address, format % args)
