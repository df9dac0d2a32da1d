"""The CRDs in the chart: the project's own, installed before all else, kept for ever."""

from pathlib import Path

import pytest
import yaml

from aks_operator.api.v1alpha1 import GROUP, KINDS
from tests.chart.rendering import OPERATOR, ROOT, Manifest, helm, one, render

COPIES = OPERATOR / "crds"


def documents() -> list[Manifest]:
    """As helm takes them out of the chart."""
    answer = helm("show", "crds", str(OPERATOR))
    assert answer.returncode == 0, answer.stderr
    return [document for document in yaml.safe_load_all(answer.stdout) if document]


def test_the_charts_copies_are_the_projects() -> None:
    ours = {path.name: path.read_text() for path in (ROOT / "crds").iterdir()}
    assert {path.name: path.read_text() for path in COPIES.iterdir()} == ours, "run `make crds`"


def test_helm_finds_a_definition_for_every_kind() -> None:
    found = {document["spec"]["names"]["kind"] for document in documents()}
    assert found == set(KINDS)
    assert {document["kind"] for document in documents()} == {"CustomResourceDefinition"}


def test_they_are_no_part_of_the_release() -> None:
    """From crds/ helm installs them before it looks at the CloudAccount, and never deletes them nor their objects."""
    assert not [
        m for m in render(OPERATOR, {"fakecloud": {"enabled": True}}) if m["kind"] == "CustomResourceDefinition"
    ]


def test_notes_say_how_to_upgrade_them() -> None:
    assert "apply --server-side" in (OPERATOR / "templates" / "NOTES.txt").read_text()


@pytest.mark.parametrize("rule", ["list", "watch", "patch"])
def test_the_operator_may_see_every_kind(rule: str) -> None:
    role = one(render(OPERATOR), "ClusterRole", "aks-operator")["rules"]
    allowed = {
        r for entry in role for r in entry["resources"] if rule in entry["verbs"] and GROUP in entry["apiGroups"]
    }
    assert {model.PLURAL for model in KINDS.values()} <= allowed


def test_the_link_to_the_fake_cloud_needs_no_build() -> None:
    link = OPERATOR / "charts" / "fakecloud"
    assert link.is_symlink()
    assert link.resolve() == Path(ROOT / "helm" / "fakecloud").resolve()
