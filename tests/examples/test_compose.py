"""examples/compose: each file by the tool that owns it, and that what one names another has. The stack is not run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.alertmanager import amtool
from helpers.guides import DOCS, HAS_DOCS, WITHOUT_DOCS, commands

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "examples" / "compose"
STACK = FOLDER / "compose.yaml"
METER = FOLDER / "compose.meter.yaml"


def load(path: Path) -> Any:  # noqa: ANN401 - YAML is what it is
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(STACK)["services"]
    return found


def binds(service: str) -> dict[str, Path]:
    """What of this repository a service sees, by the path in its container."""
    mounts = (volume.split(":") for volume in services()[service]["volumes"])
    return {mount[1]: (FOLDER / mount[0]).resolve() for mount in mounts if mount[0].startswith(".")}


def seen_by(service: str, folder: Path) -> Path:
    """Lay out the files of a container below `folder`, as its mounts do."""
    for target, source in binds(service).items():
        place = folder / target.removeprefix("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(source)
    return folder


def check_by_the_specification(*paths: Path) -> subprocess.CompletedProcess[str]:
    """The JSON schema of the Compose Specification, as check-jsonschema carries it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_compose_files_follow_the_compose_specification() -> None:
    done = check_by_the_specification(STACK, METER)

    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("read_only: true", "readonly: true"),
        ("mem_limit: 1g", "mem_limit: [1g]"),
        ("condition: service_healthy", "condition: healthy"),
    ],
)
def test_the_specification_refuses_what_is_wrong(right: str, wrong: str, tmp_path: Path) -> None:
    text = STACK.read_text(encoding="utf-8")
    assert right in text
    damaged = tmp_path / "compose.yaml"
    damaged.write_text(text.replace(right, wrong), encoding="utf-8")

    assert 1 == check_by_the_specification(damaged).returncode


def test_all_that_is_mounted_exists_and_is_read_only() -> None:
    for service in services():
        for target, source in binds(service).items():
            assert source.exists(), source
            assert f"{target}:ro" in " ".join(services()[service]["volumes"])


def test_the_image_is_built_where_the_dockerfile_is() -> None:
    context = (FOLDER / services()["exporter"]["build"]["context"]).resolve()

    assert (ROOT, True) == (context, (context / "Dockerfile").exists())


def test_named_volumes_are_declared_and_each_is_used() -> None:
    used = {
        volume.split(":")[0]
        for service in services().values()
        for volume in service["volumes"]
        if not volume.startswith(".")
    }

    assert used == set(load(STACK)["volumes"])


@pytest.mark.parametrize("name", ["exporter", "prometheus", "alertmanager", "grafana"])
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = services()[name]

    assert (True, ["ALL"], ["no-new-privileges:true"]) == (
        service["read_only"],
        service["cap_drop"],
        service["security_opt"],
    )
    assert not {"privileged", "cap_add", "network_mode", "pid", "user"} & service.keys()
    assert {"max-size", "max-file"} <= service["logging"]["options"].keys()
    assert "mem_limit" in service
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize("name", ["prometheus", "alertmanager", "grafana"])
def test_a_foreign_image_has_a_full_version_and_a_health_check(name: str) -> None:
    service = services()[name]

    assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", service["image"])
    assert "wget" in service["healthcheck"]["test"]


def test_the_exporter_has_the_health_check_of_its_image() -> None:
    assert "healthcheck" not in services()["exporter"]
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.real
def test_prometheus_reads_its_configuration_and_all_rules(tmp_path: Path) -> None:
    config = seen_by("prometheus", tmp_path) / "etc" / "prometheus" / "prometheus.yml"
    done = subprocess.run(
        ["promtool", "check", "config", str(config)], capture_output=True, text=True, check=False, timeout=60
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert 2 == len(re.findall(r"SUCCESS: \d+ rules found", done.stdout)), done.stdout
    assert f"--config.file={Path('/', config.relative_to(tmp_path))}" in services()["prometheus"]["command"]


@pytest.mark.real
def test_alertmanager_reads_its_configuration(tmp_path: Path) -> None:
    config = seen_by("alertmanager", tmp_path) / "etc" / "alertmanager" / "alertmanager.yml"

    assert "SUCCESS" in amtool("check-config", str(config))
    assert f"--config.file={Path('/', config.relative_to(tmp_path))}" in services()["alertmanager"]["command"]


def ports() -> dict[str, str]:
    return {name: service["ports"][0].split(":")[-1] for name, service in services().items()}


def test_what_speaks_to_a_service_knows_its_name_and_port() -> None:
    prometheus = load(FOLDER / "prometheus.yml")
    sources = load(FOLDER / "grafana" / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    addresses = [source["url"].removeprefix("http://") for source in sources]
    addresses += prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    addresses += prometheus["scrape_configs"][0]["static_configs"][0]["targets"]

    assert {f"{name}:{ports()[name]}" for name in ("prometheus", "alertmanager", "exporter")} == set(addresses)


def test_alerts_ask_for_the_job_that_scrapes_the_exporter() -> None:
    assert "tic" == load(FOLDER / "prometheus.yml")["scrape_configs"][0]["job_name"]


def test_grafana_finds_the_dashboards_and_their_data_source(tmp_path: Path) -> None:
    root = seen_by("grafana", tmp_path)
    provisioning = root / "etc" / "grafana" / "provisioning"
    (provider,) = load(provisioning / "dashboards" / "tic.yml")["providers"]
    sources = load(provisioning / "datasources" / "prometheus.yml")["datasources"]
    dashboards = [json.loads(path.read_text()) for path in (root / provider["options"]["path"][1:]).glob("*.json")]
    uids = [dashboard["uid"] for dashboard in dashboards]
    wanted = {
        variable["query"]
        for dashboard in dashboards
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "datasource"
    }

    assert {"tic-overview", "tic-meter", "tic-line-quality", "tic-fleet"} <= set(uids)
    assert len(uids) == len(set(uids))
    assert wanted == {source["type"] for source in sources if source.get("isDefault")}
    home = services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (root / home[1:]).exists()


def test_the_password_of_grafana_is_nowhere_and_demanded() -> None:
    assert services()["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"].startswith("${GRAFANA_ADMIN_PASSWORD:?")
    assert "GRAFANA_ADMIN_PASSWORD=\n" in (FOLDER / ".env.example").read_text(encoding="utf-8")
    ignored = ROOT / ".gitignore"  # which a copy for the wheel's tests lacks
    assert not ignored.exists() or "examples/compose/.env" in ignored.read_text(encoding="utf-8").splitlines()


def test_every_variable_of_the_compose_files_is_explained_in_the_example() -> None:
    text = STACK.read_text(encoding="utf-8") + METER.read_text(encoding="utf-8")
    example = (FOLDER / ".env.example").read_text(encoding="utf-8")

    for variable in set(re.findall(r"\$\{(\w+)", text)):
        assert re.search(rf"^#?{variable}=", example, re.MULTILINE), variable


def test_the_exporter_takes_the_commands_of_both_files(tmp_path: Path) -> None:
    for arguments in (services()["exporter"]["command"], load(METER)["services"]["exporter"]["command"]):
        # What is wrong is told at once; what is right goes on until it is stopped.
        command = [sys.executable, "-m", "tic_exporter", *arguments, "--web.listen-address=127.0.0.1:0"]
        command = [word.replace("/var/lib/tic_exporter", str(tmp_path)) for word in command]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(4)
        finally:
            process.kill()
            process.communicate()


def test_a_real_meter_changes_the_exporter_alone() -> None:
    (name,) = load(METER)["services"]
    meter = load(METER)["services"][name]

    assert "exporter" == name
    (port,) = {device.rpartition(":")[2] for device in meter["devices"]}
    assert f"--meter.port={port}" in meter["command"]
    assert {"command", "devices", "group_add"} == meter.keys()


@pytest.mark.skipif(not HAS_DOCS, reason=WITHOUT_DOCS)
def test_the_commands_of_the_guide_are_those_of_the_folder(tmp_path: Path) -> None:
    """Of compose.md: what needs no engine is typed, the rest names services that there are."""
    shutil.copytree(FOLDER, tmp_path / "compose")
    for command in commands(DOCS / "compose.md"):
        words = shlex.split(command)
        if words[:2] == ["docker", "compose"]:
            assert set(words[2:]) <= {"up", "--detach", "--build"}
        elif words[-1].startswith("/dev/"):  # what this host has there is not the guide's
            assert shutil.which(words[0])
        else:
            subprocess.run(words, cwd=tmp_path / "compose", check=True, timeout=10)

    assert (tmp_path / "compose" / ".env").exists()
    named = re.findall(r"docker compose restart (\w+)", (DOCS / "compose.md").read_text(encoding="utf-8"))
    assert set(named) <= services().keys()
    assert named
