"""Clusters and pools as ARM bodies: what is sent at creation, later, and never."""

from typing import Any

import pytest
from azure.mgmt.containerservice import models as aks

from aks_operator.desired.cluster import cluster, pool, profile
from aks_operator.desired.further import KNOWN, with_further
from aks_operator.marks import CLUSTER_TAG, POOL_TAG
from aks_operator.objects import parse
from aks_operator.outcome import Hold
from aks_operator.plan import Step, plan

GROUP = "/subscriptions/s/resourceGroups/shop"
CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/shop"
POOL = f"{CLUSTER}/agentPools/np"
MARK = "m/ns/x"
RUNNING = "1.36.2"


NEEDED: dict[str, dict[str, Any]] = {
    "ManagedCluster": {"resourceGroup": "shop", "location": "westeurope", "kubernetesVersion": "1.36"},
    "NodePool": {"clusterRef": {"name": "shop"}, "vmSize": "Standard_D4s_v5"},
}


def spec(kind: str, **fields: Any) -> Any:
    return parse(kind, {"metadata": {"name": "x"}, "spec": {**NEEDED[kind], **fields}}).spec


def cluster_step(observed: dict[str, Any] | None, **fields: Any) -> Step:
    body = None if observed is None else running_cluster(**observed)
    want = cluster(CLUSTER, spec("ManagedCluster", **fields), azure_name="shop", mark=MARK, pools=[], observed=body)
    return plan(want, body)


def pool_step(observed: dict[str, Any] | None, *, version: str = RUNNING, floor: bool = False, **fields: Any) -> Step:
    body = None if observed is None else running_pool(**observed)
    return plan(pool(POOL, spec("NodePool", **fields), mark=MARK, version=version, observed=body, floor=floor), body)


def running_cluster(**properties: Any) -> dict[str, Any]:
    """What AKS shows of a cluster made with nothing but the required fields."""
    network = {"networkPlugin": "azure", "networkPolicy": "none", "outboundType": "loadBalancer"}
    return {
        "location": "westeurope",
        "tags": {CLUSTER_TAG: MARK},
        "sku": {"name": "Base", "tier": "Free"},
        "properties": {
            "kubernetesVersion": "1.36",
            "currentKubernetesVersion": RUNNING,
            "provisioningState": "Succeeded",
            "disableLocalAccounts": False,
            "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage"},
            "oidcIssuerProfile": {"enabled": True, "issuerURL": "https://x"},
            "networkProfile": {**network, **properties.pop("networkProfile", {})},
            "agentPoolProfiles": [{"name": "np"}],
            **properties,
        },
    }


def running_pool(**properties: Any) -> dict[str, Any]:
    """What AKS shows of a pool made with nothing but the required fields."""
    return {
        "properties": {
            "mode": "User",
            "count": 1,
            "vmSize": "Standard_D4s_v5",
            "enableAutoScaling": False,
            "orchestratorVersion": RUNNING,
            "currentOrchestratorVersion": RUNNING,
            "provisioningState": "Succeeded",
            "tags": {POOL_TAG: MARK},
            **properties,
        }
    }


def sent(step: Step) -> dict[str, Any]:
    assert step.body is not None, step
    return dict(step.body["properties"])


def test_at_rest_nothing_is_sent() -> None:
    assert cluster_step({}).action == "none"
    assert pool_step({}).action == "none"


def test_a_new_cluster_says_all_that_is_fixed_at_creation() -> None:
    step = cluster_step(
        None,
        nodeResourceGroup="shop-nodes",
        network={"plugin": "Azure", "policy": "Cilium", "serviceCIDR": "10.0.0.0/16", "dnsServiceIP": "10.0.0.10"},
    )
    assert step.action == "create"
    body = sent(step)
    assert body["nodeResourceGroup"] == "shop-nodes"
    assert body["dnsPrefix"] == "shop"
    assert body["enableRBAC"] is True
    assert body["oidcIssuerProfile"] == {"enabled": True}
    assert "oidcIssuerProfile" not in sent(cluster_step(None, oidcIssuer="Disabled"))
    assert body["networkProfile"] == {
        "networkPlugin": "azure",
        "networkPolicy": "cilium",
        "networkDataplane": "cilium",
        "loadBalancerSku": "standard",
        "outboundType": "loadBalancer",
        "serviceCidr": "10.0.0.0/16",
        "dnsServiceIP": "10.0.0.10",
    }
    assert step.body is not None
    assert step.body["identity"] == {"type": "SystemAssigned"}


@pytest.mark.parametrize(
    ("fields", "observed", "path", "value"),
    [
        pytest.param({"tier": "Standard"}, {}, None, None, id="tier"),
        pytest.param(
            {"access": {"localAccounts": "Disabled"}}, {}, "disableLocalAccounts", True, id="local accounts go"
        ),
        pytest.param({}, {"disableLocalAccounts": True}, "disableLocalAccounts", False, id="local accounts come back"),
        pytest.param(
            {"apiServer": {"authorizedRanges": ["198.51.100.0/24"]}},
            {},
            "apiServerAccessProfile",
            {"authorizedIPRanges": ["198.51.100.0/24"]},
            id="ranges come",
        ),
        pytest.param(
            {},
            {"apiServerAccessProfile": {"authorizedIPRanges": ["198.51.100.0/24"], "disableRunCommand": True}},
            "apiServerAccessProfile",
            {"authorizedIPRanges": [], "disableRunCommand": True},
            id="the last range goes, what others set stays",
        ),
        pytest.param(
            {"autoUpgrade": "Stable"},
            {},
            "autoUpgradeProfile",
            {"upgradeChannel": "stable", "nodeOSUpgradeChannel": "NodeImage"},
            id="automatic upgrades begin",
        ),
        pytest.param(
            {},
            {"autoUpgradeProfile": {"upgradeChannel": "stable", "nodeOSUpgradeChannel": "NodeImage"}},
            "autoUpgradeProfile",
            {"upgradeChannel": "none", "nodeOSUpgradeChannel": "NodeImage"},
            id="automatic upgrades end",
        ),
        pytest.param(
            {"nodeOSUpgrade": "SecurityPatch"},
            {},
            "autoUpgradeProfile",
            {"nodeOSUpgradeChannel": "SecurityPatch"},
            id="node images",
        ),
    ],
)
def test_a_change_of_the_spec_reaches_the_cluster(
    fields: dict[str, Any], observed: dict[str, Any], path: str | None, value: Any
) -> None:
    step = cluster_step(observed, **fields)
    assert step.action == "update"
    assert "agentPoolProfiles" not in sent(step)
    if path is not None:
        assert sent(step)[path] == value


def test_network_policies_come_and_go() -> None:
    assert sent(cluster_step({}, network={"policy": "Calico"}))["networkProfile"]["networkPolicy"] == "calico"
    gone = sent(cluster_step({"networkProfile": {"networkPolicy": "calico"}}))
    assert gone["networkProfile"]["networkPolicy"] == "none"


@pytest.mark.parametrize(
    ("wanted", "channel", "observed", "sends"),
    [
        ("1.36", "None", "1.36.2", None),
        ("1.36.2", "None", "1.36.2", None),
        ("1.37", "None", "1.36.2", "1.37"),
        ("1.38.1", "None", "1.36.2", "1.37"),
        ("1.36.4", "None", "1.36.2", "1.36.4"),
        ("1.36", "Stable", "1.37.1", None),
        ("1.36.1", "Patch", "1.36.4", None),
    ],
)
def test_versions_go_one_minor_at_a_time_and_are_a_floor_under_automatic_upgrades(
    wanted: str, channel: str, observed: str, sends: str | None
) -> None:
    step = cluster_step(
        {"kubernetesVersion": observed, "currentKubernetesVersion": observed},
        kubernetesVersion=wanted,
        autoUpgrade=channel,
    )
    assert "properties.kubernetesVersion" in step.paths or sends is None
    assert sends is None or sent(step)["kubernetesVersion"] == sends
    assert sends is not None or "properties.kubernetesVersion" not in step.paths


def test_there_is_no_way_down() -> None:
    with pytest.raises(Hold, match="cannot go back") as held:
        cluster_step({"currentKubernetesVersion": "1.37.0"}, kubernetesVersion="1.36")
    assert held.value.reason == "Invalid"


def test_a_pool_waits_for_its_clusters_version() -> None:
    with pytest.raises(Hold, match=r"it waits for 1\.37") as held:
        pool_step({}, kubernetesVersion="1.37")
    assert held.value.reason == "WaitingForCluster"
    step = pool_step({}, version="1.37.0", kubernetesVersion="1.37")
    assert sent(step)["orchestratorVersion"] == "1.37"


def test_a_pool_without_a_version_follows_its_cluster() -> None:
    assert sent(pool_step({}, version="1.36.4"))["orchestratorVersion"] == "1.36.4"
    assert sent(pool_step(None, version="1.36.4"))["orchestratorVersion"] == "1.36.4"


def test_a_pools_version_is_a_floor_too_where_the_cluster_upgrades_by_itself() -> None:
    newer = {"orchestratorVersion": "1.37.1", "currentOrchestratorVersion": "1.37.1"}
    assert pool_step(newer, version="1.37.1", floor=True, kubernetesVersion="1.36").action == "none"


def test_labels_and_taints_are_owned_whole_but_for_azures_own() -> None:
    step = pool_step(
        {
            "nodeLabels": {"disk": "ssd", "old": "1", "kubernetes.azure.com/scalesetpriority": "spot"},
            "nodeTaints": ["old=1:NoExecute", "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"],
        },
        labels={"disk": "ssd"},
        taints=[{"key": "gpu", "value": "true", "effect": "NoSchedule"}],
    )
    assert sent(step)["nodeLabels"] == {"disk": "ssd", "kubernetes.azure.com/scalesetpriority": "spot"}
    assert sent(step)["nodeTaints"] == ["gpu=true:NoSchedule", "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"]


def test_what_azure_adds_to_spot_nodes_is_no_drift() -> None:
    added = {
        "nodeLabels": {"kubernetes.azure.com/scalesetpriority": "spot"},
        "nodeTaints": ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule"],
    }
    assert pool_step(added, priority="Spot").action == "none"


def test_the_terms_of_spot_nodes_are_sent() -> None:
    body = sent(pool_step(None, priority="Spot", spot={"maxPrice": "0.05", "evictionPolicy": "Deallocate"}))
    terms = {key: body[key] for key in ("scaleSetPriority", "spotMaxPrice", "scaleSetEvictionPolicy")}
    assert terms == {"scaleSetPriority": "Spot", "spotMaxPrice": 0.05, "scaleSetEvictionPolicy": "Deallocate"}


SCALING = {"enableAutoScaling": True, "minCount": 2, "maxCount": 5}


@pytest.mark.parametrize(
    ("bounds", "replicas", "observed", "count"),
    [
        pytest.param((2, 5), 1, None, 2, id="creation: not under min"),
        pytest.param((2, 5), 9, None, 5, id="creation: not over max"),
        pytest.param((2, 5), 3, None, 3, id="creation: as wanted"),
        pytest.param((2, 7), 3, {**SCALING, "count": 4}, 4, id="Azure owns the count"),
        pytest.param((4, 7), 3, {**SCALING, "count": 2}, 4, id="new bounds leave it no room"),
    ],
)
def test_while_autoscaling_the_count_is_azures(
    bounds: tuple[int, int], replicas: int, observed: dict[str, Any] | None, count: int
) -> None:
    step = pool_step(observed, replicas=replicas, autoscaling={"min": bounds[0], "max": bounds[1]})
    assert (sent(step)["count"], sent(step)["minCount"], sent(step)["maxCount"]) == (count, *bounds)


def test_the_autoscalers_doing_is_no_drift() -> None:
    assert pool_step({**SCALING, "count": 5}, replicas=2, autoscaling={"min": 2, "max": 5}).action == "none"


def test_bounds_are_not_sent_once_autoscaling_ends() -> None:
    step = pool_step({**SCALING, "count": 5}, replicas=3)
    assert sent(step)["enableAutoScaling"] is False
    assert sent(step)["count"] == 3
    assert not {"minCount", "maxCount"} & sent(step).keys()


def test_the_first_pool_is_part_of_its_clusters_creation_with_all_its_fields() -> None:
    made = profile(
        "sys",
        spec("NodePool", mode="System", replicas=2, tags={"team": "web"}, azure={"kubeletDiskType": "OS"}),
        mark=MARK,
    )
    assert made["name"] == "sys"
    assert (made["mode"], made["count"], made["vmSize"]) == ("System", 2, "Standard_D4s_v5")
    assert made["kubeletDiskType"] == "OS"
    assert made["tags"] == {"team": "web", POOL_TAG: MARK}
    alone = sent(pool_step(None, mode="System", replicas=2, tags={"team": "web"}, azure={"kubeletDiskType": "OS"}))
    assert {**made, "orchestratorVersion": RUNNING} == {**alone, "name": "sys"}


def test_what_is_fixed_at_creation_is_no_later_difference() -> None:
    moved = {"vmSize": "standard_d4s_V5", "osSKU": "AzureLinux", "availabilityZones": ["3"], "maxPods": 30}
    assert pool_step(moved, zones=["1"], maxPods=110).action == "none"


@pytest.mark.parametrize(
    ("kind", "azure", "complaint"),
    [
        ("pool", {"tags": {"a": "b"}}, "azure.tags.a is set by a field"),
        ("pool", {"upgradeSettings": {"maxSurge": "1"}}, "azure.upgradeSettings.maxSurge is set by a field"),
        ("pool", {"upgradeSettings": 1}, "azure.upgradeSettings is set by a field"),
        ("pool", {"currentOrchestratorVersion": "1"}, "is no property of Azure's"),
        ("cluster", {"agentPoolProfiles": []}, "azure.agentPoolProfiles is set by a field"),
        ("cluster", {"networkProfile": {"podCidr": "10.0.0.0/8"}}, "azure.networkProfile.podCidr is set by a field"),
        ("cluster", {"location": "x"}, "is no property of Azure's"),
        ("cluster", {"httpProxyConfg": {}}, "is no property of Azure's"),
    ],
)
def test_what_azure_may_not_hold_is_refused(kind: str, azure: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Hold, match=complaint) as held:
        with_further(kind, {}, azure)
    assert held.value.reason == "Invalid"


def test_further_properties_lie_beside_typed_ones() -> None:
    step = cluster_step({}, azure={"networkProfile": {"advancedNetworking": {"enabled": True}}, "enableFIPS": None})
    assert step.paths == ("properties.networkProfile.advancedNetworking.enabled",)
    step = pool_step({}, azure={"upgradeSettings": {"maxUnavailable": "1"}}, upgrade={"soakMinutes": 5})
    assert sent(step)["upgradeSettings"] == {"maxUnavailable": "1", "nodeSoakDurationInMinutes": 5}


@pytest.mark.parametrize(
    ("kind", "model"),
    [("cluster", aks.ManagedClusterProperties), ("pool", aks.ManagedClusterAgentPoolProfileProperties)],
)
def test_the_keys_of_azure_are_those_of_the_sdks_model(kind: str, model: Any) -> None:
    model({})  # the SDK finds a model's fields when it is first made
    writable = {field._rest_name for field in model._attr_to_rest_field.values() if field._visibility != ["read"]}
    typed = {key for key in writable if key not in KNOWN[kind]}
    assert KNOWN[kind] <= writable
    for key in typed:
        with pytest.raises(Hold, match="is set by a field"):
            with_further(kind, {}, {key: "x"})
