"""A real Chromium without a window, driven through chromedriver by the WebDriver protocol, which is plain HTTP."""

from __future__ import annotations

import base64
import json
import tempfile
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Self

from helpers.program import Program, StartError, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
WIDE, PHONE = (1280, 900), (390, 844)


class _Driver(Program):
    def __init__(self) -> None:
        super().__init__(lambda port: ["chromedriver", f"--port={port}", "--log-level=WARNING"])

    def is_ready(self) -> bool:
        return bool(_request(self.port, "GET", "/status")["ready"])


class Browser:
    """One window, closed at the end of its `with`; `language` is what it asks servers for."""

    def __init__(self, language: str = "en", size: tuple[int, int] = WIDE) -> None:
        self._stack = ExitStack()
        self._language = language
        self._size = size
        self._requests: list[str] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            driver = stack.enter_context(_Driver())
            self._port = driver.port
            options = {"args": [*FLAGS, f"--user-data-dir={profile}", f"--accept-lang={self._language}"]}
            logs = {"browser": "ALL", "performance": "ALL"}
            wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs}
            try:
                session = _request(self._port, "POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            except HTTPException as error:
                raise StartError(driver.failure("chromedriver ended while it started the browser")) from error
            self._session = f"/session/{session['sessionId']}"
            stack.callback(self._call, "DELETE", "")
            self.resize(*self._size)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # --- what a person does -----------------------------------------------------------------------------------------

    def open(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    def click(self, selector: str) -> None:
        element = self._call("POST", "/element", {"using": "css selector", "value": selector})
        (identifier,) = element.values()
        self._call("POST", f"/element/{identifier}/click", {})

    def type(self, selector: str, text: str) -> None:
        element = self._call("POST", "/element", {"using": "css selector", "value": selector})
        (identifier,) = element.values()
        self._call("POST", f"/element/{identifier}/value", {"text": text})

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.devtools("Emulation.setDeviceMetricsOverride", **metrics)

    def prefer(self, scheme: str) -> None:
        """Look at pages by light or in the dark: "light", "dark"."""
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    # --- what a person sees -----------------------------------------------------------------------------------------

    def run(self, script: str, *args: object) -> Any:  # noqa: ANN401 - whatever the script gives
        """The value of a function body that may use `arguments`."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def text(self, selector: str = "body") -> str:
        """The visible text of the first such element, with plain spaces; empty without one."""
        found = self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        return " ".join(str(found).replace("\u202f", " ").split())

    def texts(self, selector: str) -> list[str]:
        found = self.run("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText)", selector)
        return [" ".join(str(text).replace("\u202f", " ").split()) for text in found]

    def wait_for(self, condition: Callable[[], object], timeout: float = 20) -> None:
        wait_until(condition, timeout, lambda: f"the page shows: {self.text()}\n{self.console()}")

    def picture(self, *, is_whole: bool = True) -> bytes:
        """PNG of the window, or of the page to its end."""
        if is_whole:
            height = self.run("return document.documentElement.scrollHeight")
            width = self.run("return innerWidth")
            clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
            found = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
            return base64.b64decode(found["data"])
        return base64.b64decode(self._call("GET", "/screenshot"))

    # --- what a developer sees --------------------------------------------------------------------------------------

    def console(self) -> list[str]:
        """The messages of the console since the last call."""
        return [f"{entry['level']}: {entry['message']}" for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """The URLs that were asked for, ever."""
        for entry in self._log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self._requests.append(message["params"]["request"]["url"])
        return self._requests

    def devtools(self, command: str, **parameters: object) -> Any:  # noqa: ANN401 - whatever the command gives
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def _log(self, kind: str) -> list[dict[str, str]]:
        return list(self._call("POST", "/se/log", {"type": kind}))

    def _call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - the protocol's own
        return _request(self._port, method, self._session + path, body)


def _request(port: int, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - the protocol's own
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())["value"]
        if response.status >= 300:
            raise AssertionError(f"{method} {path}: {answer['error']}: {answer['message']}")
        return answer
    finally:
        connection.close()
