"""The CRDs: fresh, structural, described, bounded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aks_operator.api.crd import FREE_MAPS, definition, manifests
from aks_operator.api.v1alpha1 import KINDS

ROOT = Path(__file__).parents[4]


def walk(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    if isinstance(node.get("items"), dict):
        yield from walk(node["items"], f"{path}[]")
    if isinstance(node.get("additionalProperties"), dict):
        yield from walk(node["additionalProperties"], f"{path}{{}}")


FIELDS = [
    pytest.param(path, node, id=path)
    for kind, model in KINDS.items()
    for path, node in walk(definition(kind, model)["spec"]["versions"][0]["schema"]["openAPIV3Schema"], kind)
]


@pytest.mark.parametrize("name", sorted(manifests()))
def test_the_committed_crds_are_those_of_the_models(name: str) -> None:
    assert (ROOT / "crds" / name).read_text() == manifests()[name], "run `make crds`"


def test_nothing_else_lies_among_the_crds() -> None:
    assert {path.name for path in (ROOT / "crds").iterdir()} == set(manifests())


@pytest.mark.parametrize(("path", "node"), FIELDS)
def test_every_field_is_described_and_bounded(path: str, node: dict[str, Any]) -> None:
    name = path.rsplit(".", 1)[-1]
    if "." in path and not name.endswith(("[]", "{}")):
        assert node.get("description", "").startswith(name), "a description begins with its field's own name"
    if node.get("type") == "string" and "enum" not in node:
        assert "maxLength" in node
    if node.get("type") == "array":
        assert "maxItems" in node
    assert node.get("type") != "number", "no floats"
    if node.get("x-kubernetes-preserve-unknown-fields"):
        assert name in FREE_MAPS
    assert not {"$ref", "anyOf", "const", "title"} & node.keys(), "structural"
    assert "pattern" not in node, "users would be shown the pattern: put Says beside it"
    assert all(rule["message"] for rule in node.get("x-kubernetes-validations", ())), "a refusal says what to do"


@pytest.mark.parametrize("kind", KINDS)
def test_scale_and_status_are_subresources(kind: str) -> None:
    version = yaml.safe_load(manifests()[f"{KINDS[kind].PLURAL}.yaml"])["spec"]["versions"][0]
    assert "status" in version["subresources"]
    assert ("scale" in version["subresources"]) is (kind == "NodePool")


def test_an_unknown_field_is_ignored_from_the_api_server_and_an_error_in_a_file() -> None:
    body = {"metadata": {"name": "z"}, "spec": {"resourceGroup": "g", "zone": "shop.example", "later": 1}}
    assert KINDS["DNSZone"].model_validate(body)
    with pytest.raises(ValueError, match="unknown field 'later'"):
        KINDS["DNSZone"].model_validate(body, context={"unknown_fields": "error"})


@pytest.mark.parametrize("field", ["clientSecretRef", "clientCertificateRef"])
def test_a_secrets_name_leads_nowhere_else(field: str) -> None:
    """It becomes part of a path: `..` in it would read another namespace's Secret with the operator's rights."""
    guid = "00000000-0000-0000-0000-000000000001"
    reference = {"name": "../../other/secrets/token", "key": "token"}
    credential = {"type": "ServicePrincipal", "clientId": guid, field: reference}
    spec = {"subscriptionId": guid, "tenantId": guid, "credential": credential}
    with pytest.raises(ValueError, match="should match pattern"):
        KINDS["CloudAccount"].model_validate({"metadata": {"name": "a"}, "spec": spec})


@pytest.mark.parametrize("backend", [{"namespace": "../kube-system"}, {"serviceName": "../../secrets/token"}])
def test_a_services_name_leads_nowhere_else(backend: dict[str, str]) -> None:
    spec = {"clusterRef": {"name": "shop"}, "type": "LoadBalancer", "backend": backend, "ports": [{"port": 80}]}
    with pytest.raises(ValueError, match="should match pattern"):
        KINDS["ServiceExposure"].model_validate({"metadata": {"name": "a"}, "spec": spec})
