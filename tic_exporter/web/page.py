"""The status page at `/` and its own files; without JavaScript it is a table of the meters and their states."""

import hashlib
import html
import json
from pathlib import Path
from string import Template
from urllib.parse import quote

from .api import Api
from .app import compressed
from .handler import App, Request, Response
from .summary import Json, link

_FOLDER = Path(__file__).parent / "static"

_TYPES = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "words.json": "application/json",
    "icon.svg": "image/svg+xml",
}
"""What is served below /static/, by name."""

_COMMON = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LANGUAGES = ("en", "fr")


def page_routes(api: Api, *, telemetry_path: str) -> dict[str, App]:
    """Give the handlers by path, as `build_app` takes them. Files are read once, here."""
    words: dict[str, Json] = json.loads(_read("words.json"))
    page = Template(_read("page.html").decode())
    routes: dict[str, App] = {"/": lambda request: _page(request, api, words, page, telemetry_path)}
    for name, content_type in _TYPES.items():
        routes[f"/static/{name}"] = _file(_read(name), content_type)
    return routes


def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


def _file(content: bytes, content_type: str) -> App:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = (("ETag", tag), ("Cache-Control", "no-cache"), ("Vary", "Accept-Encoding"), *_COMMON)

    def answer(request: Request) -> Response:
        if _matches(request.headers.get("if-none-match", ""), tag):
            return Response(304, content_type, b"", headers)
        return compressed(request, Response(200, content_type, content, headers))

    return answer


def _matches(if_none_match: str, tag: str) -> bool:
    """RFC 9110 13.1.2: a list of tags, compared weakly."""
    tags = [item.strip().removeprefix("W/") for item in if_none_match.split(",")]
    return tag in tags or "*" in tags


def preferred_language(accept_language: str) -> str:
    """Choose between the languages that the page has (RFC 9110 12.5.4); English where none is asked for."""
    best, weight_of_best = _LANGUAGES[0], 0.0
    for item in accept_language.lower().split(","):
        tag, _, parameter = item.partition(";")
        language = tag.strip().split("-")[0]
        name, _, text = parameter.strip().partition("=")
        try:
            weight = float(text) if name == "q" else 1.0
        except ValueError:
            weight = 0.0
        if language in _LANGUAGES and weight > weight_of_best:
            best, weight_of_best = language, weight
    return best


def _page(request: Request, api: Api, words: dict[str, Json], page: Template, telemetry_path: str) -> Response:
    """Links are relative, so that the page works behind a proxy that adds a prefix."""
    language = preferred_language(request.headers.get("accept-language", ""))
    text = words[language]
    now, metrics = api.now(), "." + html.escape(telemetry_path)
    rows = []
    for name, seen in api.meters().items():
        state = link(seen.snapshot, seen.port, now)["state"]
        rows.append(
            f'<tr><th scope="row"><a href="{metrics}?meter={quote(name, safe="")}">{html.escape(name)}</a></th>'
            f'<td class="{state}">{html.escape(text[f"state_{state}"])}</td>'
            f"<td>{html.escape(text[f'why_{state}'].replace('{port}', seen.port))}</td></tr>"
        )
    plain = {f"t_{key}": html.escape(value) for key, value in text.items() if isinstance(value, str)}
    body = page.substitute(
        plain, language=language, rows="\n".join(rows), metrics=metrics, version=html.escape(api.version)
    )
    headers = (
        ("Content-Security-Policy", _POLICY),
        ("Cache-Control", "no-store"),
        ("Vary", "Accept-Encoding, Accept-Language"),
        *_COMMON,
    )
    return compressed(request, Response(200, "text/html; charset=utf-8", body.encode(), headers))
