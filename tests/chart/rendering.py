"""The charts as helm renders them, parsed; and the files beside them."""

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHARTS = ROOT / "helm"
OPERATOR = CHARTS / "aks-operator"
FAKECLOUD = CHARTS / "fakecloud"
NAMESPACE = "aks-operator"

Manifest = dict[str, Any]


def helm_program() -> str:
    """Where helm is; the test fails when it is nowhere."""
    xdg = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = Path(os.environ.get("AKS_OPERATOR_CACHE") or xdg / "aks-operator") / "bin"
    found = shutil.which("helm") or shutil.which("helm", path=str(cache))
    if found is None:
        pytest.fail(
            f"helm is missing: it is neither on PATH nor in {cache}. Install it, or run hack/tools, which gets it.",
            pytrace=False,
        )
    return found


def helm(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """What helm answers, whatever its exit code; it talks to no cluster."""
    program = helm_program()
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


@functools.cache
def _rendered(chart: Path, values: str, release: str) -> str:
    command = ["template", release, str(chart), "--namespace", NAMESPACE, "--set-json", values]
    answer = helm(*command)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def render(chart: Path, values: Mapping[str, Any] | None = None, *, release: str = "aks-operator") -> list[Manifest]:
    """The manifests of a chart with `values` over its own, CRDs left out."""
    text = _rendered(chart, json.dumps(values or {}, sort_keys=True), release)
    return [document for document in yaml.safe_load_all(text) if document]


def refusal(chart: Path, values: Mapping[str, Any]) -> str:
    """What helm says when it refuses `values`."""
    answer = helm("template", "x", str(chart), "--set-json", json.dumps(values))
    assert answer.returncode != 0, f"{values} was taken"
    return answer.stderr


def one(manifests: list[Manifest], kind: str, name: str, namespace: str | None = None) -> Manifest:
    """The manifest of that kind and name."""
    found = [
        m
        for m in manifests
        if m["kind"] == kind
        and m["metadata"]["name"] == name
        and namespace in {None, m["metadata"].get("namespace", "")}
    ]
    assert len(found) == 1, f"{len(found)} manifests are {kind} {name}"
    return found[0]


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Name and pod template's spec of each workload."""
    for manifest in manifests:
        template = manifest.get("spec", {}).get("template") if manifest["kind"] != "CloudAccount" else None
        if template:
            yield f"{manifest['kind']}/{manifest['metadata']['name']}", template["spec"]


def containers(pod: Manifest) -> list[Manifest]:
    """All containers of a pod, those that run first included."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def values_of(chart: Path) -> Manifest:
    """A chart's values.yaml."""
    parsed: Manifest = yaml.safe_load((chart / "values.yaml").read_text())
    return parsed


def everything() -> list[Manifest]:
    """The operator's chart with the fake cloud."""
    return render(OPERATOR, {"fakecloud": {"enabled": True}})
