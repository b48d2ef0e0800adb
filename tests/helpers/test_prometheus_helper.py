"""The helpers tell the truth: about programs that run, that do not start and that do not stop."""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from helpers import Program, StartError, captures, free_port, promtool_check_metrics, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from helpers.prometheus import StartPrometheus


class Script(Program):
    """A few lines of Python in place of a server; ready once it said so."""

    def __init__(self, code: str, timeout: float = 10) -> None:
        super().__init__(lambda port: [sys.executable, "-u", "-c", code, str(port)], timeout=timeout)

    def is_ready(self) -> bool:
        return "ready" in self.output()


@pytest.mark.real
def test_a_prometheus_scrapes_its_targets_and_answers_queries(prometheus: StartPrometheus) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    first = prometheus([nobody], scrape={"metrics_path": "/nowhere"})
    second = prometheus([first.address, nobody])
    started = time.time()

    (up,) = second.wait_for("up == 1")
    assert up["metric"] == {"__name__": "up", "job": "tic", "instance": first.address}
    assert up["value"][1] == "1"
    (series,) = second.query_range("up == 1", started, time.time() + 1)
    assert series["values"][0][1] == "1"
    assert second.query("up == 2") == []

    (down,) = second.wait_for("up == 0")
    assert down["metric"]["instance"] == nobody
    (target,) = wait_until(first.targets, 15)
    assert target["scrapeUrl"] == f"http://{nobody}/nowhere"

    assert second.stop() == 0
    assert second.stop() == 0, "a second stop does no harm"


@pytest.mark.real
def test_rules_are_evaluated(prometheus: StartPrometheus, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: g, rules: [{record: 'answer', expr: 'vector(42)'}]}]", encoding="utf-8")
    server = prometheus([], rule_files=[rules], alertmanagers=["127.0.0.1:9"])
    (answer,) = server.wait_for("answer")
    assert answer["value"][1] == "42"


@pytest.mark.real
def test_waiting_in_vain_shows_the_query_and_the_targets(prometheus: StartPrometheus) -> None:
    server = prometheus([])
    with pytest.raises(AssertionError, match="no result for nothing_at_all; targets"):
        server.wait_for("nothing_at_all", timeout=0.1)
    with pytest.raises(AssertionError, match="parse error"):
        server.query("sum(")


@pytest.mark.real
def test_a_configuration_that_prometheus_refuses_is_shown_in_its_words(prometheus: StartPrometheus) -> None:
    with pytest.raises(StartError, match="field no_such_field not found"):
        prometheus([], scrape={"no_such_field": 1})


@pytest.mark.real
def test_promtool_accepts_good_names_finds_bad_ones_and_refuses_nonsense() -> None:
    assert promtool_check_metrics("# HELP tic_up Whether it is.\n# TYPE tic_up gauge\ntic_up 1\n") == []
    (finding,) = promtool_check_metrics("# TYPE tic_up gauge\ntic_up 1\n")
    assert "no help text" in finding
    with pytest.raises(AssertionError, match="status 1"):
        promtool_check_metrics("tic_up one\n")


def test_a_program_is_readable_while_it_runs_and_after_its_end() -> None:
    with Script("import sys, time; print('ready'); print('oops', file=sys.stderr); time.sleep(60)") as script:
        wait_until(script.log, 5)
        assert (script.output(), script.log()) == ("ready\n", "oops\n")
    assert script.process.returncode == -15
    assert (script.output(), script.log()) == ("ready\n", "oops\n")


def test_a_program_that_ends_early_is_reported_with_its_log() -> None:
    with pytest.raises(StartError, match=r"(?s)ended with status 3.*no such meter"):
        Script("import sys; print('no such meter', file=sys.stderr); sys.exit(3)")


def test_a_program_that_never_gets_ready_is_killed() -> None:
    with pytest.raises(StartError, match=r"(?s)not ready after 0.5 s.*standard error"):
        Script("import time; time.sleep(60)", timeout=0.5)


def test_a_program_that_ignores_the_signal_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(60)"
    with Script(code) as script:
        assert script.stop(timeout=0.2) == -9


def test_a_port_that_somebody_else_took_is_given_up_for_another(tmp_path: Path) -> None:
    first = tmp_path / "first"
    code = f"""
import pathlib, sys, time
if not (first := pathlib.Path({str(first)!r})).exists():
    first.write_text(sys.argv[1])
    sys.exit("bind: Address already in use")
print("ready"); time.sleep(60)
"""
    with Script(code) as script:
        assert script.port
        assert script.log() == ""
    assert first.read_text(encoding="utf-8").isdigit()


def test_a_program_that_does_not_exist_says_so() -> None:
    class Missing(Script):
        def __init__(self) -> None:
            Program.__init__(self, self._command)

        def _command(self, port: int) -> Sequence[str]:
            return ["no-such-program", str(port)]

    with pytest.raises(FileNotFoundError, match="no-such-program"):
        Missing()


def test_a_free_port_can_be_listened_on(free_port: int) -> None:
    with closing(socket.create_server(("127.0.0.1", free_port))) as listener:
        assert ("127.0.0.1", free_port) == listener.getsockname()


def test_recordings_are_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIC_CAPTURES", os.fspath(tmp_path))
    assert tmp_path == captures()
    monkeypatch.setenv("TIC_CAPTURES", os.fspath(tmp_path / "nowhere"))
    with pytest.raises(pytest.skip.Exception, match=r"nowhere; TIC_CAPTURES"):
        captures()
