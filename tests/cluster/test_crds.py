"""The CRDs in a real API server: they are taken, fill in defaults, and have their subresources, columns and names."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from tests.cluster.api import GROUP, MERGE, PLURALS, Api, Json, path_of
from tests.cluster.samples import LEAST, attempt, changed, sample

TABLE: Final = "application/json;as=Table;v=v1;g=meta.k8s.io"
MANAGED: Final = {
    "managementPolicy": "Manage",
    "adoptionPolicy": "Never",
    "deletionPolicy": "Delete",
    "driftPolicy": "Correct",
}
ROOT: Final = {**MANAGED, "accountRef": {"name": "default"}}
DEFAULTS: Final[Mapping[str, Json]] = {
    "CloudAccount": {"cloud": "AzurePublic"},
    "VirtualNetwork": {**ROOT, "subnets": []},
    "ManagedCluster": {
        **ROOT,
        "tier": "Free",
        "identity": {"type": "SystemAssigned"},
        "oidcIssuer": "Enabled",
        "workloadIdentity": "Disabled",
        "access": {"entra": "Disabled", "azureRBAC": "Disabled", "adminGroupIDs": [], "localAccounts": "Enabled"},
        "network": {"plugin": "AzureOverlay", "policy": "None", "egress": "LoadBalancer"},
        "apiServer": {"visibility": "Public", "authorizedRanges": []},
        "autoUpgrade": "None",
        "nodeOSUpgrade": "NodeImage",
        "applicationRouting": {"state": "Disabled", "zoneRefs": []},
        "power": "Running",
    },
    "NodePool": {
        **MANAGED,
        "mode": "User",
        "replicas": 1,
        "os": {"type": "Linux", "sku": "Ubuntu"},
        "priority": "Regular",
        "replacePolicy": "Never",
    },
    "ServiceExposure": {
        **MANAGED,
        "backend.namespace": "default",
        "ports": [{"port": 80, "protocol": "TCP"}],
        "nodePoolRefs": [],
        "externalTrafficPolicy": "Cluster",
        "healthProbe": {"protocol": "TCP", "path": "/", "intervalSeconds": 5, "unhealthyThreshold": 2},
        "sessionAffinity": "None",
        "idleTimeoutMinutes": 4,
    },
    "DNSZone": {**ROOT, "visibility": "Public", "virtualNetworkRefs": []},
    "LogWorkspace": {**ROOT, "retentionDays": 30},
}
"""What the API server adds to the least of each kind."""
COLUMNS: Final = {
    "CloudAccount": "Name Ready Reason Cloud Age",
    "VirtualNetwork": "Name Ready Reason Location Gateway Age",
    "ManagedCluster": "Name Ready Reason Version Power Nodes FQDN Age",
    "NodePool": "Name Cluster Ready Reason Mode Size Nodes Version Age",
    "ServiceExposure": "Name Cluster Ready Reason Type Address Host Backends Age",
    "DNSZone": "Name Ready Reason Zone Records Age",
    "LogWorkspace": "Name Ready Reason Location Age",
}
"""Those of `kubectl get` without -o wide."""


@pytest.fixture
def pool(api: Api) -> Iterator[str]:
    """The path of a pool."""
    path = path_of("NodePool", "default", "sample")
    api.create(path_of("NodePool", "default"), sample("NodePool", {"mode": "System", "replicas": 2}))
    yield path
    api.delete(path)


def test_the_api_server_has_no_complaint(api: Api) -> None:
    """Schemas that are not structural, or CEL beyond the budget, would show here or at the installation."""
    for plural in PLURALS.values():
        crd = api.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.aks-operator.io")
        assert crd is not None
        conditions = {c["type"]: c["status"] for c in crd["status"]["conditions"]}
        assert conditions == {"NamesAccepted": "True", "Established": "True"}


def test_names_are_short_and_all_are_in_one_category(api: Api) -> None:
    reply = api("GET", GROUP)
    kinds = {r["kind"]: r for r in reply.body["resources"] if "/" not in r["name"]}
    assert {kind: r.get("shortNames") for kind, r in kinds.items()} == {
        "CloudAccount": ["ca"],
        "VirtualNetwork": ["vnet"],
        "ManagedCluster": ["mc"],
        "NodePool": ["npool"],
        "ServiceExposure": ["expose"],
        "DNSZone": None,  # dnszone is its own name
        "LogWorkspace": ["logws"],
    }
    assert {tuple(r["categories"]) for r in kinds.values()} == {("aks",)}
    assert all(r["namespaced"] for r in kinds.values())


@pytest.mark.parametrize("kind", LEAST)
def test_defaults_are_filled_in(api: Api, kind: str) -> None:
    reply = attempt(api, sample(kind))
    assert reply.status == 201, reply.message
    assert reply.body["spec"] == changed(LEAST[kind], DEFAULTS[kind])


def test_an_unknown_field_is_an_error_for_kubectl(api: Api) -> None:
    reply = attempt(api, sample("NodePool", {"replica": 3}))
    assert reply.status == 400
    assert 'unknown field "spec.replica"' in reply.message


def test_an_unknown_field_is_pruned_for_those_who_do_not_ask(api: Api) -> None:
    collection = path_of("NodePool", "default")
    reply = api("POST", f"{collection}?dryRun=All&fieldValidation=Ignore", sample("NodePool", {"replica": 3}))
    assert reply.status == 201
    assert "replica" not in reply.body["spec"]


def test_further_properties_of_azure_are_kept_whatever_they_are(api: Api) -> None:
    further = {"kubeletConfig": {"cpuManagerPolicy": "static", "list": [1, {"deep": True}]}}
    reply = attempt(api, sample("NodePool", {"azure": further}))
    assert reply.status == 201, reply.message
    assert reply.body["spec"]["azure"] == further


def test_spec_and_status_are_written_apart(api: Api, pool: str) -> None:
    api.merge(pool, {"status": {"replicas": 9}, "spec": {"replicas": 3}})
    api.merge(f"{pool}/status", {"status": {"replicas": 5}, "spec": {"replicas": 7}})
    found = api.get(pool)
    assert found is not None
    assert (found["spec"]["replicas"], found["status"]["replicas"]) == (3, 5)
    assert found["metadata"]["generation"] == 2, "a status is no new generation"


def test_an_empty_status_stays_empty(api: Api, pool: str) -> None:
    """Defaults in a status would be words that nobody said."""
    body = api.merge(f"{pool}/status", {"status": {"nodes": {}, "plan": {"hash": "h"}}})
    assert body["status"] == {"nodes": {}, "plan": {"hash": "h"}}


def test_there_is_one_condition_of_a_type(api: Api, pool: str) -> None:
    condition = {"type": "Ready", "status": "True", "reason": "Succeeded", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    reply = api("PATCH", f"{pool}/status", {"status": {"conditions": [condition, condition]}}, MERGE)
    assert reply.status == 422
    assert "Duplicate value" in reply.message


def test_a_pool_can_be_scaled(api: Api, pool: str) -> None:
    status = {"replicas": 2, "selector": "kubernetes.azure.com/agentpool=sample"}
    api.merge(f"{pool}/status", {"status": status})
    scale = api.merge(f"{pool}/scale", {"spec": {"replicas": 4}})
    assert (scale["spec"], scale["status"]) == ({"replicas": 4}, status)
    found = api.get(pool)
    assert found is not None
    assert found["spec"]["replicas"] == 4


@pytest.mark.parametrize(
    ("replicas", "says"),
    [
        (0, "a System pool has at least one node: set replicas to 1 or more"),
        (1001, "should be less than or equal to 1000"),
        (-1, "should be a non-negative integer"),
    ],
)
def test_scaling_has_the_bounds_of_the_field(api: Api, pool: str, replicas: int, says: str) -> None:
    reply = api("PATCH", f"{pool}/scale", {"spec": {"replicas": replicas}}, MERGE)
    assert reply.status == 422
    assert says in reply.message


@pytest.mark.parametrize("kind", PLURALS)
def test_only_pools_can_be_scaled(api: Api, kind: str) -> None:
    names = {r["name"] for r in api("GET", GROUP).body["resources"]}
    assert (f"{PLURALS[kind]}/scale" in names) is (kind == "NodePool")
    assert f"{PLURALS[kind]}/status" in names


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns(api: Api, kind: str) -> None:
    table = api("GET", path_of(kind, "default"), accept=TABLE).body
    shown = [column["name"] for column in table["columnDefinitions"] if not column["priority"]]
    assert " ".join(shown) == COLUMNS[kind]
    wide = [column["name"] for column in table["columnDefinitions"] if column["priority"]]
    assert wide[-1] == "Message", "what to do is one -o wide away"


def cells(api: Api, kind: str, status: Json, **changes: Any) -> dict[str, Any]:
    """What `kubectl get -o wide` shows of an object with that status, by column."""
    collection = path_of(kind, "default")
    api.create(collection, sample(kind, changes))
    try:
        api.merge(f"{collection}/sample/status", {"status": status})
        table = api("GET", f"{collection}/sample", accept=TABLE).body
    finally:
        api.delete(f"{collection}/sample")
    names = [column["name"] for column in table["columnDefinitions"]]
    return dict(zip(names, table["rows"][0]["cells"], strict=True))


def test_columns_say_how_many_nodes_of_how_many(api: Api) -> None:
    counts = {"nodes": {"summary": "1/3", "ready": 1, "wanted": 3}}
    assert cells(api, "NodePool", counts)["Nodes"] == "1/3"
    assert cells(api, "ManagedCluster", counts)["Nodes"] == "1/3"


def test_columns_of_an_exposure(api: Api) -> None:
    status = {
        "addresses": ["203.0.113.7"],
        "fqdn": "www.shop.example",
        "backends": {"summary": "2/3", "healthy": 2, "total": 3},
        "conditions": [
            {
                "type": "Ready",
                "status": "False",
                "reason": "QuotaExceeded",
                "message": "ask for more",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
    }
    shown = cells(api, "ServiceExposure", status)
    assert re.fullmatch(r"\d+s", shown.pop("Age"))
    assert shown == {
        "Name": "sample",
        "Cluster": "shop",
        "Ready": "False",
        "Reason": "QuotaExceeded",
        "Type": "LoadBalancer",
        "Address": "203.0.113.7",
        "Host": "www.shop.example",
        "Backends": "2/3",
        "Message": "ask for more",
    }
