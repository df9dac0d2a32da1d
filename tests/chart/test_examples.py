"""The examples: accepted by the CRDs' schemas, and saying the same thing to each other."""

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

from aks_operator.api.v1alpha1 import GROUP, KINDS
from tests.chart.rendering import FAKECLOUD, OPERATOR, ROOT, Manifest, one, render, values_of

EXAMPLES = ROOT / "examples"
FILES = sorted(EXAMPLES.glob("*/*.yaml"))


def documents(path: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def shop() -> list[Manifest]:
    return [document for path in sorted((EXAMPLES / "shop").glob("*.yaml")) for document in documents(path)]


def ours(manifests: list[Manifest]) -> Iterator[Manifest]:
    return (m for m in manifests if m["apiVersion"].startswith(GROUP))


def strict(node: Manifest) -> Manifest:
    """A CRD's schema as JSON Schema, in which a field that it does not know is an error instead of being dropped."""
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    out = {key: value for key, value in node.items() if not key.startswith("x-kubernetes")}
    if "properties" in node:
        out["properties"] = {name: strict(child) for name, child in node["properties"].items()}
        out.setdefault("additionalProperties", bool(node.get("x-kubernetes-preserve-unknown-fields")))
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            out[key] = strict(node[key])
    return out


def schema(kind: str) -> Manifest:
    definition = yaml.safe_load((ROOT / "crds" / f"{KINDS[kind].PLURAL}.yaml").read_text())
    whole = strict(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    whole["properties"] |= {"apiVersion": {"type": "string"}, "kind": {"const": kind}, "metadata": {"type": "object"}}
    return whole


ALL = [
    pytest.param(document, id=f"{path.parent.name}/{path.name}:{document['kind']}")
    for path in FILES
    for document in documents(path)
]


@pytest.mark.parametrize("document", ALL)
def test_the_schema_takes_it(document: Manifest) -> None:
    if document["apiVersion"].startswith(GROUP):
        jsonschema.validate(document, schema(document["kind"]))
    else:
        assert document["kind"] in {"ConfigMap", "Deployment"}


def test_the_schema_would_refuse_a_misspelt_field() -> None:
    pool = one(shop(), "NodePool", "ssd")
    with pytest.raises(jsonschema.ValidationError, match="replica"):
        jsonschema.validate({**pool, "spec": {**pool["spec"], "replica": 2}}, schema("NodePool"))


def test_the_charts_account_is_taken_too() -> None:
    account = one(render(OPERATOR, {"fakecloud": {"enabled": True}}), "CloudAccount", "default")
    jsonschema.validate(account, schema("CloudAccount"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_file_begins_by_saying_what_it_is(path: Path) -> None:
    assert path.read_text().startswith("# ")


def test_what_the_shop_refers_to_is_there() -> None:
    manifests = shop()
    for pool in ("system", "ssd"):
        assert one(manifests, "NodePool", pool)["spec"]["clusterRef"] == {"name": "shop"}
    exposure = one(manifests, "ServiceExposure", "web")["spec"]
    one(manifests, "ManagedCluster", exposure["clusterRef"]["name"])
    one(manifests, "DNSZone", exposure["dns"]["zoneRef"]["name"])
    web = one(manifests, "Deployment", "web")
    template = web["spec"]["template"]
    assert web["metadata"]["namespace"] == exposure["backend"]["namespace"]
    assert exposure["backend"]["selector"].items() <= template["metadata"]["labels"].items()
    assert exposure["ports"][0]["targetPort"] == template["spec"]["containers"][0]["ports"][0]["containerPort"]
    assert template["spec"]["nodeSelector"].items() <= one(manifests, "NodePool", "ssd")["spec"]["labels"].items()


def test_the_shop_fits_the_demo() -> None:
    """Two of three workers are used; one of the visitor's addresses (hack/visitor-up) is inside and one outside."""
    manifests = shop()
    assert sum(m["spec"]["replicas"] for m in manifests if m["kind"] == "NodePool") == 2
    (source,) = one(manifests, "ServiceExposure", "web")["spec"]["allowedSources"]
    visitor = (ROOT / "hack" / "visitor-up").read_text()
    (line,) = re.findall(r'^ADDRESSES="(.*)"', visitor, re.MULTILINE)
    inside = [ipaddress.IPv4Address(address) in ipaddress.IPv4Network(source) for address in line.split()]
    assert inside == [True, False]


def test_pods_of_the_shop_need_no_registry_and_no_rights() -> None:
    image = values_of(FAKECLOUD)["global"]["image"]
    pod = one(shop(), "Deployment", "web")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == f"{image['repository']}:{image['tag']}"
    assert "tolerations" not in pod
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_on_azure_only_the_account_differs() -> None:
    """No object of the shop says where the cloud is; the account has the name and the Secret of the chart's."""
    assert all("accountRef" not in m["spec"] for m in ours(shop()))
    assert [path.name for path in (EXAMPLES / "azure").glob("*.yaml")] == ["account.yaml"]
    (azure,) = documents(EXAMPLES / "azure" / "account.yaml")
    fake = one(render(OPERATOR, {"fakecloud": {"enabled": True}}), "CloudAccount", "default")
    assert azure["metadata"]["name"] == fake["metadata"]["name"]
    assert azure["metadata"]["namespace"] == fake["metadata"]["namespace"]
    assert azure["spec"]["cloud"] == "AzurePublic"
    assert azure["spec"]["credential"]["clientSecretRef"] == fake["spec"]["credential"]["clientSecretRef"]
    readme = (EXAMPLES / "azure" / "README.md").read_text()
    for m in ours(shop()):
        (path,) = [p for p in (EXAMPLES / "shop").glob("*.yaml") if m in documents(p)]
        assert path.stem in readme, f"the README forgets {path.name}"
