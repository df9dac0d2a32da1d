"""What makes an object that which it is in Azure: free until it stands for something there, fixed from then on."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from aks_operator.api.crd import definition
from aks_operator.api.v1alpha1 import KINDS
from tests.cluster.api import MERGE, Api, Reply, path_of
from tests.cluster.samples import GUID, IDENTITY, LEAST, SUBNET, Changes, sample

OTHER: Final = "00000000-0000-0000-0000-000000000009"
ID: Final = f"/subscriptions/{GUID}/resourceGroups/shop/providers/Microsoft.Example/things/sample"
NEW_CLUSTER: Final = "create a new cluster"
NEW_POOL: Final = "create a new pool with the other value, then delete this one"

FIXED: Final[list[tuple[str, str, Any, str]]] = [
    ("CloudAccount", "subscriptionId", OTHER, "create another CloudAccount"),
    *[
        (kind, path, value, "create a new object")
        for kind in ("VirtualNetwork", "ManagedCluster", "DNSZone", "LogWorkspace")
        for path, value in (
            ("resourceGroup", "other"),
            ("accountRef.name", "other"),
            ("accountRef.namespace", "other"),
        )
    ],
    *[
        (k, "azureName", "other", "create a new object")
        for k in ("VirtualNetwork", "ManagedCluster", "LogWorkspace", "NodePool")
    ],
    ("VirtualNetwork", "location", "northeurope", "create a new object"),
    ("LogWorkspace", "location", "northeurope", "create a new object"),
    ("ManagedCluster", "location", "northeurope", NEW_CLUSTER),
    ("ManagedCluster", "nodeResourceGroup", "nodes", NEW_CLUSTER),
    ("ManagedCluster", "dnsPrefix", "other", NEW_CLUSTER),
    ("ManagedCluster", "network.plugin", "Azure", NEW_CLUSTER),
    ("ManagedCluster", "network.subnetRef", {"resourceID": SUBNET}, NEW_CLUSTER),
    ("ManagedCluster", "network.podCIDR", "10.245.0.0/16", NEW_CLUSTER),
    ("ManagedCluster", "network.serviceCIDR", "10.1.0.0/16", NEW_CLUSTER),
    ("ManagedCluster", "network.dnsServiceIP", "10.1.0.10", NEW_CLUSTER),
    ("NodePool", "clusterRef", {"name": "other"}, "create a new pool"),
    ("NodePool", "vmSize", "Standard_D8s_v5", NEW_POOL),
    ("NodePool", "os", {"sku": "AzureLinux"}, NEW_POOL),
    ("NodePool", "priority", "Spot", NEW_POOL),
    ("NodePool", "osDisk", {"sizeGiB": 256}, NEW_POOL),
    ("NodePool", "zones", ["1"], NEW_POOL),
    ("NodePool", "maxPods", 50, NEW_POOL),
    ("ServiceExposure", "clusterRef", {"name": "other"}, "create a new exposure"),
    ("DNSZone", "zone", "other.example", "create a new DNSZone"),
    ("DNSZone", "visibility", "Private", "create a new DNSZone"),
]
"""Kind, path, another value, and what to do instead."""
ROTATED: Final = [(path, value) for kind, path, value, what in FIXED if kind == "NodePool" and what == NEW_POOL]

FREE: Final[list[tuple[str, Changes]]] = [
    ("CloudAccount", {"credential.clientId": OTHER, "allowedNamespaces": ["team-a"]}),
    ("VirtualNetwork", {"addressSpace": ["10.10.0.0/16", "10.11.0.0/16"], "tags": {"team": "net"}}),
    (
        "ManagedCluster",
        {
            "kubernetesVersion": "1.37",
            "tier": "Standard",
            "network.policy": "Cilium",
            "network.egress": "NATGateway",
            "identity": {"type": "UserAssigned", "userAssignedID": IDENTITY},
            "azureName": "sample",
        },
    ),
    ("NodePool", {"mode": "System", "replicas": 4, "autoscaling": {"min": 1, "max": 5}, "labels": {"disk": "ssd"}}),
    ("NodePool", {"azureName": "sample"}),
    ("ServiceExposure", {"type": "ClusterIP", "allowedSources": None}),
    ("ServiceExposure", {"ports": [{"port": 443}], "allowedSources": ["198.51.100.0/24"]}),
    ("DNSZone", {"deletionPolicy": "Orphan", "allowedNamespaces": ["web"]}),
    ("LogWorkspace", {"retentionDays": 60, "dailyCapGiB": 5}),
]
"""Changes of an object that stands for something; the last word on some of them is Azure's."""


class Object:
    """One object of a kind in the API server."""

    def __init__(self, api: Api, kind: str) -> None:
        self.api = api
        self.path = path_of(kind, "default", "sample")
        api.create(
            path_of(kind, "default"),
            sample(kind, {"network.serviceCIDR": "10.0.0.0/16"} if kind == "ManagedCluster" else {}),
        )

    def edit(self, changes: Changes) -> Reply:
        """The answer to `kubectl patch --dry-run=server`."""
        spec: dict[str, Any] = {}
        for path, value in changes.items():
            *way, last = path.split(".")
            place = spec
            for step in way:
                place = place.setdefault(step, {})
            place[last] = value
        return self.api("PATCH", f"{self.path}?dryRun=All", {"spec": spec}, MERGE)

    def made(self) -> None:
        """The operator writes down what it stands for."""
        self.api.merge(f"{self.path}/status", {"status": {"id": ID}})


@pytest.fixture
def made(api: Api, request: pytest.FixtureRequest) -> Iterator[Object]:
    thing = Object(api, request.param)
    yield thing
    api("DELETE", thing.path)


@pytest.mark.parametrize(("made", "path", "value", "what"), FIXED, indirect=["made"])
def test_it_is_free_until_something_was_made_and_fixed_from_then_on(
    made: Object, path: str, value: Any, what: str
) -> None:
    changes = {"network.serviceCIDR": "10.1.0.0/16", path: value} if path == "network.dnsServiceIP" else {path: value}
    before = made.edit(changes)
    assert before.status == 200, before.message
    made.made()
    after = made.edit(changes)
    assert after.status == 422, "it was changed"
    assert f"{path} is immutable once created: {what}" in after.message


@pytest.mark.parametrize(("made", "changes"), FREE, indirect=["made"])
def test_all_else_can_be_changed(made: Object, changes: Changes) -> None:
    made.made()
    reply = made.edit(changes)
    assert reply.status == 200, reply.message


@pytest.mark.parametrize("made", ["NodePool"], indirect=True)
@pytest.mark.parametrize(("path", "value"), ROTATED)
def test_a_pool_that_may_be_rotated_takes_the_change(made: Object, path: str, value: Any) -> None:
    made.made()
    reply = made.edit({path: value, "replacePolicy": "Rotate"})
    assert reply.status == 200, reply.message


@pytest.mark.parametrize("made", LEAST, indirect=True)
def test_the_operator_can_hold_an_object_and_let_it_go(made: Object) -> None:
    made.made()
    finalizers = ["aks-operator.io/finalizer"]
    reply = made.api("PATCH", made.path, {"metadata": {"finalizers": finalizers}}, MERGE)
    assert reply.status == 200, reply.message
    made.api.delete(made.path)
    assert made.api.get(made.path) is not None
    reply = made.api("PATCH", made.path, {"metadata": {"finalizers": []}}, MERGE)
    assert reply.status == 200, reply.message
    assert made.api.get(made.path) is None


def test_the_table_has_every_field_that_a_rule_fixes() -> None:
    tried = {(kind, f"{path} is immutable once created: {what}") for kind, path, _, what in FIXED}
    fixed = {
        (kind, rule["message"])
        for kind, model in KINDS.items()
        for rule in definition(kind, model)["spec"]["versions"][0]["schema"]["openAPIV3Schema"][
            "x-kubernetes-validations"
        ]
        if "oldSelf" in rule["rule"]
    }
    assert fixed == tried
