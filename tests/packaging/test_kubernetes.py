"""examples/kubernetes against Kubernetes' own schemas; `make test-kubernetes` renders it and checks the rest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tic_exporter.config.loading import load

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "kubernetes"
OPERATOR = "monitoring.coreos.com/"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


KUSTOMIZATION = documents("kustomization.yaml")[0]
OBJECTS = [document for name in KUSTOMIZATION["resources"] for document in documents(name)]
(DEPLOYMENT,) = (document for document in OBJECTS if document["kind"] == "Deployment")
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


@pytest.mark.parametrize("document", OBJECTS, ids=lambda document: document["kind"])
def test_every_object_is_what_its_schema_says(document: dict[str, Any]) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    if document["apiVersion"].startswith(OPERATOR):
        pytest.skip("`make test-kubernetes` checks the kinds of the Prometheus Operator")
    for version in ("1.30", "1.37"):
        kubernetes_validate.validate(document, version, strict=True)


def test_the_pod_keeps_the_restricted_pod_security_standard() -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    assert (True, "RuntimeDefault") == (
        POD["securityContext"]["runAsNonRoot"],
        POD["securityContext"]["seccompProfile"]["type"],
    )
    assert {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    } == CONTAINER["securityContext"]
    assert {"configMap", "persistentVolumeClaim"} == {key for volume in POD["volumes"] for key in volume} - {"name"}


def test_image_and_manifest_agree() -> None:
    dockerfile = ROOT / "Dockerfile"
    user, group = POD["securityContext"]["runAsUser"], POD["securityContext"]["runAsGroup"]

    assert f"USER {user}:{group}\n" in dockerfile.read_text()
    assert f"EXPOSE {CONTAINER['ports'][0]['containerPort']}\n" in dockerfile.read_text()
    assert f"CMD {CONTAINER['args']}".replace("'", '"') in dockerfile.read_text()


def test_who_selects_pods_selects_these() -> None:
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    by_kind = {document["kind"]: document["spec"] for document in OBJECTS if "spec" in document}

    assert labels == by_kind["Deployment"]["selector"]["matchLabels"]
    assert labels == by_kind["Service"]["selector"]
    every_exporter = {"app.kubernetes.io/name": labels["app.kubernetes.io/name"]}
    assert every_exporter == by_kind["NetworkPolicy"]["podSelector"]["matchLabels"]
    assert every_exporter == by_kind["PodMonitor"]["selector"]["matchLabels"]
    assert by_kind["PodMonitor"]["podMetricsEndpoints"][0]["port"] == CONTAINER["ports"][0]["name"]


def test_two_deployments_of_a_namespace_are_two_instances() -> None:
    """Or their series would be one, wherever the two have a meter of the same name."""
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    (monitor,) = (document["spec"] for document in OBJECTS if document["kind"] == "PodMonitor")
    (rule,) = (
        rule
        for rule in monitor["podMetricsEndpoints"][0]["relabelings"]
        if (rule["targetLabel"], "sourceLabels" in rule) == ("instance", True)
    )

    def instance(name: str) -> str:
        """What Prometheus makes of a pod whose deployment differs from the example's by its name alone."""
        pod = {**labels, "app.kubernetes.io/instance": name}
        known = {f"__meta_kubernetes_pod_label_{re.sub(r'[^a-zA-Z0-9_]', '_', key)}": pod[key] for key in labels}
        known |= {
            "__meta_kubernetes_namespace": KUSTOMIZATION["namespace"],
            "__meta_kubernetes_pod_container_name": CONTAINER["name"],
        }
        return str(rule["separator"].join(known.get(source, "") for source in rule["sourceLabels"]))

    assert ("tic-exporter/lyon", "tic-exporter/nice") == (instance("lyon"), instance("nice"))


def test_the_example_configuration_is_one() -> None:
    assert ["workshop", "greenhouse"] == [meter.name for meter in load(str(FOLDER / "tic_exporter.yml")).meters]


def test_the_prometheus_rule_has_the_rules_of_alerts() -> None:
    (rule,) = documents("prometheusrule.yaml")
    files = ("tic_recording.yml", "tic_alerts.yml")

    groups = [group for file in files for group in yaml.safe_load((ROOT / "alerts" / file).read_text())["groups"]]
    assert groups == rule["spec"]["groups"], "make docs"
