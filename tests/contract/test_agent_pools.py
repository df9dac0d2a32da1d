"""agentPools and their machines: what AKS takes, what never changes, who may be the last."""

from typing import Any

import pytest
from azure.mgmt.containerservice.models import AgentPool

from tests.contract.bodies import CLUSTERS, cluster, pool, profile
from tests.contract.cloud import Arm, Clients, Group
from tests.contract.conftest import new_group


@pytest.fixture
def pools(arm: Arm, group: Group) -> str:
    """The id of the agentPools of a cluster with one System pool."""
    return f"{arm.make(group.path(CLUSTERS, 'c'), cluster())['id']}/agentPools"


def put(arm: Arm, path: str, **properties: Any) -> tuple[int, str]:
    """Status and code of a PUT, once its operation is over."""
    reply = arm.put(path, pool(**properties))
    if reply.status < 300:
        arm.ended(reply)
    return reply.status, "" if reply.status < 300 else reply.code


def test_the_sdk_makes_scales_and_removes_a_pool(sdk: Clients, group: Group, pools: str) -> None:
    agent_pools = sdk.aks.agent_pools
    made = agent_pools.begin_create_or_update(
        group.name, "c", "ssd", AgentPool(pool(nodeLabels={"disk": "ssd"}))
    ).result()
    assert made.properties is not None
    assert (made.properties.provisioning_state, made.properties.count) == ("Succeeded", 1)
    scaled = agent_pools.begin_create_or_update(group.name, "c", "ssd", AgentPool(pool(count=3))).result()
    assert scaled.properties is not None
    assert (scaled.properties.count, scaled.properties.node_labels) == (3, {"disk": "ssd"})
    assert {p.name for p in agent_pools.list(group.name, "c")} == {"ssd", "system"}
    assert len(list(sdk.aks.machines.list(group.name, "c", "ssd"))) == 3
    agent_pools.begin_delete(group.name, "c", "ssd").result()
    assert [p.name for p in agent_pools.list(group.name, "c")] == ["system"]


def test_a_missing_pool_is_404_with_its_name(arm: Arm, pools: str) -> None:
    reply = arm.get(f"{pools}/none")
    assert (reply.status, reply.code) == (404, "NotFound")


@pytest.mark.parametrize("name", ["a", "a1", "abcdefghijkl"])
def test_a_pool_name_begins_with_a_letter_and_has_at_most_12(arm: Arm, pools: str, name: str) -> None:
    assert put(arm, f"{pools}/{name}") == (201, "")


@pytest.mark.parametrize("name", ["A", "1a", "a-b", "abcdefghijklm", "a%0A", "ä"])
def test_another_pool_name_is_refused(arm: Arm, pools: str, name: str) -> None:
    assert put(arm, f"{pools}/{name}") == (400, "InvalidParameter")


def test_a_windows_pools_name_has_at_most_six_letters(arm: Arm, pools: str) -> None:
    assert put(arm, f"{pools}/windows", osType="Windows") == (400, "InvalidParameter")
    assert put(arm, f"{pools}/win", osType="Windows") == (201, "")


@pytest.mark.parametrize(
    "properties",
    [
        {"count": -1},
        {"count": 1001},
        {"mode": "System", "count": 0},
        {"mode": "Boss"},
        {"osType": "BeOS"},
        {"osDiskSizeGB": 2049},
        {"maxPods": 9},
        {"maxPods": 251},
        {"mode": "System", "scaleSetPriority": "Spot"},
        {"mode": "System", "osType": "Windows"},
        {"upgradeSettings": {"maxSurge": "lots"}},
        {"upgradeSettings": {"drainTimeoutInMinutes": 0}},
        {"upgradeSettings": {"nodeSoakDurationInMinutes": 31}},
        {"nodeTaints": ["no-effect"]},
        {"nodeTaints": ["key=value:Sometimes"]},
        {"nodeLabels": {"-bad": "x"}},
        {"nodeLabels": {"good": "not valid"}},
        {"nodeLabels": {"kubernetes.azure.com/mine": "x"}},
        {"enableAutoScaling": True},
        {"enableAutoScaling": True, "minCount": 3, "maxCount": 2, "count": 3},
        {"enableAutoScaling": True, "minCount": 2, "maxCount": 3, "count": 1},
    ],
    ids=str,
)
def test_a_value_out_of_its_range_is_refused(arm: Arm, pools: str, properties: dict[str, Any]) -> None:
    assert put(arm, f"{pools}/p", **properties) == (400, "InvalidParameter")
    assert arm.get(f"{pools}/p").status == 404


@pytest.mark.parametrize(
    "properties",
    [
        {"count": 0},
        {"osDiskSizeGB": 2048},
        {"maxPods": 10},
        {"upgradeSettings": {"maxSurge": "33%", "drainTimeoutInMinutes": 1440, "nodeSoakDurationInMinutes": 0}},
        {"upgradeSettings": {"maxSurge": "2"}},
        {"nodeTaints": ["a.example/key=value:NoSchedule", "key:NoExecute"]},
        {"nodeLabels": {"a.example/disk": "ssd", "empty": ""}},
        {"enableAutoScaling": True, "minCount": 0, "maxCount": 3, "count": 2},
    ],
    ids=str,
)
def test_a_value_in_its_range_is_kept(arm: Arm, pools: str, properties: dict[str, Any]) -> None:
    assert put(arm, f"{pools}/p", **properties) == (201, "")
    found = arm.get(f"{pools}/p").body["properties"]
    assert {key: found[key] for key in properties} == properties


def test_a_disk_of_size_0_is_as_large_as_azure_likes_and_stays_so(arm: Arm, pools: str) -> None:
    assert put(arm, f"{pools}/p", osDiskSizeGB=0) == (201, "")
    assert arm.get(f"{pools}/p").body["properties"]["osDiskSizeGB"] == 128
    assert put(arm, f"{pools}/p", osDiskSizeGB=0) == (200, "")


def test_bounds_go_with_autoscaling(arm: Arm, pools: str) -> None:
    arm.make(f"{pools}/p", pool(enableAutoScaling=True, minCount=1, maxCount=3))
    made = arm.make(f"{pools}/p", pool(enableAutoScaling=False))
    assert {"minCount", "maxCount"}.isdisjoint(made["properties"])


def test_a_cluster_has_at_most_5000_nodes(unhurried: Arm) -> None:
    path = new_group(unhurried).path(CLUSTERS, "c")
    many = [profile(f"p{i}", count=1000) for i in range(5)]
    reply = unhurried.put(path, cluster(profile(count=1), *many))
    assert (reply.status, reply.code) == (400, "InvalidParameter")
    assert "5000" in reply.message
    assert unhurried.put(path, cluster(*many)).status == 201


def test_a_cluster_has_at_most_100_pools(unhurried: Arm) -> None:
    path = new_group(unhurried).path(CLUSTERS, "c")
    reply = unhurried.put(path, cluster(*(profile(f"p{i}") for i in range(101))))
    assert (reply.status, reply.code) == (400, "InvalidParameter")
    assert "100" in reply.message


def test_machines_are_spread_over_the_zones_of_their_pool(arm: Arm, pools: str) -> None:
    arm.make(f"{pools}/p", pool(count=3, availabilityZones=["1", "2"]))
    machines = arm.get(f"{pools}/p/machines").body["value"]
    assert [machine["zones"] for machine in machines] == [["1"], ["2"], ["1"]]


def test_a_machine_is_an_instance_of_a_scale_set_in_the_node_group(arm: Arm, pools: str) -> None:
    nodes = arm.get(pools.removesuffix("/agentPools")).body["properties"]["nodeResourceGroup"]
    [machine] = arm.get(f"{pools}/system/machines").body["value"]
    id_ = machine["properties"]["resourceId"]
    assert f"/resourceGroups/{nodes}/providers/Microsoft.Compute/virtualMachineScaleSets/aks-system-" in id_
    assert id_.endswith("-vmss/virtualMachines/0")


def test_an_unknown_size_is_refused(arm: Arm, pools: str) -> None:
    for size in ("huge", "standard_d4s_v5", "Standard_"):
        assert put(arm, f"{pools}/p", vmSize=size) == (400, "VMSizeNotSupported"), size


def test_a_size_that_nobody_names_is_azures_choice_and_stays(arm: Arm, pools: str) -> None:
    chosen = arm.make(f"{pools}/p", pool(vmSize=""))["properties"]["vmSize"]
    assert chosen.startswith("Standard_")
    assert arm.make(f"{pools}/p", pool(count=2, vmSize=""))["properties"]["vmSize"] == chosen
    assert arm.make(f"{pools}/named", pool())["properties"]["vmSize"] == "Standard_D4s_v5"
    assert arm.make(f"{pools}/named", pool(vmSize=""))["properties"]["vmSize"] == "Standard_D4s_v5"


def test_spot_nodes_get_azures_label_and_taint(arm: Arm, pools: str) -> None:
    arm.make(f"{pools}/spot", pool(scaleSetPriority="Spot", nodeTaints=["mine=yes:NoSchedule"]))
    found = arm.get(f"{pools}/spot").body["properties"]
    assert found["nodeLabels"] == {"kubernetes.azure.com/scalesetpriority": "spot"}
    assert found["nodeTaints"] == ["mine=yes:NoSchedule", "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"]
    assert arm.make(f"{pools}/spot", arm.get(f"{pools}/spot").body)["properties"]["nodeTaints"] == found["nodeTaints"]


@pytest.mark.parametrize(
    "change",
    [
        {"vmSize": "Standard_D8s_v5"},
        {"osType": "Windows"},
        {"osSKU": "AzureLinux"},
        {"osDiskSizeGB": 256},
        {"osDiskType": "Ephemeral"},
        {"maxPods": 30},
        {"vnetSubnetID": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets/s"},
        {"scaleSetPriority": "Spot"},
        {"availabilityZones": ["1"]},
        {"kubeletDiskType": "Temporary"},
        {"enableEncryptionAtHost": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_was_settled_at_creation_cannot_change(arm: Arm, pools: str, change: dict[str, Any]) -> None:
    arm.make(f"{pools}/p", pool())
    reply = arm.put(f"{pools}/p", pool(**change))
    field = next(iter(change))
    assert (reply.status, reply.code) == (400, "PropertyChangeNotAllowed")
    assert reply.message == f"Changing property 'properties.{field}' is not allowed."
    assert reply.body["target"] == f"properties.{field}"


def test_there_is_always_a_pool_and_always_a_system_pool(arm: Arm, pools: str) -> None:
    last = arm.delete(f"{pools}/system")
    assert (last.status, last.code) == (400, "OperationNotAllowed")
    assert last.message == "There has to be at least one agent pool."
    arm.make(f"{pools}/user", pool())
    assert arm.delete(f"{pools}/system").code == "OperationNotAllowed"
    assert put(arm, f"{pools}/system", mode="User") == (400, "OperationNotAllowed")
    arm.make(f"{pools}/other", pool(mode="System"))
    arm.remove(f"{pools}/system")


def test_a_pool_is_never_newer_than_its_control_plane(arm: Arm, group: Group) -> None:
    made = arm.make(group.path(CLUSTERS, "c"), cluster(kubernetesVersion="1.35"))
    path = f"{made['id']}/agentPools/p"
    assert put(arm, path, orchestratorVersion="1.36") == (400, "NodePoolMcVersionIncompatible")
    assert put(arm, path, orchestratorVersion="1.34") == (201, "")
    assert put(arm, path, orchestratorVersion="1.36") == (400, "NodePoolMcVersionIncompatible")
    assert put(arm, path, orchestratorVersion="1.33") == (400, "OperationNotAllowed")
    assert put(arm, path, orchestratorVersion="1.35") == (200, "")


def test_a_pool_is_at_most_three_minors_older_than_its_control_plane(arm: Arm, group: Group) -> None:
    made = arm.make(group.path(CLUSTERS, "c"), cluster(kubernetesVersion="1.37"))
    path = f"{made['id']}/agentPools/p"
    assert put(arm, path, orchestratorVersion="1.33") == (400, "NodePoolMcVersionIncompatible")
    assert put(arm, path, orchestratorVersion="1.34") == (201, "")


def test_an_unknown_version_of_a_pool_is_refused(arm: Arm, pools: str) -> None:
    assert put(arm, f"{pools}/p", orchestratorVersion="1.20") == (400, "AgentPoolK8sVersionNotSupported")


def test_a_pool_without_a_version_has_its_clusters(arm: Arm, pools: str) -> None:
    properties = arm.make(f"{pools}/p", pool())["properties"]
    assert properties["currentOrchestratorVersion"] == "1.36.2"


def test_an_upgrade_shows_its_version_only_at_its_end_then_on_its_machines_too(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster(kubernetesVersion="1.36"))
    brisk.make(f"{path}/agentPools/p", pool(orchestratorVersion="1.35"))
    reply = brisk.put(f"{path}/agentPools/p", pool(orchestratorVersion="1.36"))
    assert reply.state == "Upgrading"
    assert reply.body["properties"]["currentOrchestratorVersion"] == "1.35.3"
    brisk.ended(reply)
    assert brisk.get(f"{path}/agentPools/p").body["properties"]["currentOrchestratorVersion"] == "1.36.2"
    [machine] = brisk.get(f"{path}/agentPools/p/machines").body["value"]
    assert machine["properties"]["kubernetes"]["orchestratorVersion"] == "1.36.2"


def test_one_operation_a_pool_and_other_pools_go_on(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster())
    first = brisk.put(f"{path}/agentPools/one", pool())
    again = brisk.put(f"{path}/agentPools/one", pool())
    assert (again.status, again.body["code"]) == (409, "OperationNotAllowed")
    assert "Another agentpool operation (one - Creating) is in progress" in again.message
    second = brisk.put(f"{path}/agentPools/two", pool())
    assert second.status == 201
    brisk.ended(first)
    brisk.ended(second)
    assert [brisk.get(f"{path}/agentPools/{name}").state for name in ("one", "two")] == ["Succeeded"] * 2


def test_a_pool_that_is_made_is_not_ready_because_another_is(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster())
    quick = brisk.put(f"{path}/agentPools/system", pool(mode="System", nodeLabels={"a": "b"}))
    slow = brisk.put(f"{path}/agentPools/slow", pool())
    brisk.ended(quick)
    operation = brisk.get(slow.headers["Azure-AsyncOperation"]).body["status"]
    state = brisk.get(f"{path}/agentPools/slow").state
    assert (operation, state) == ("InProgress", "Creating"), "an update ends in a fifth of the time of a creation"
    brisk.ended(slow)


def test_machines_are_as_many_as_counted_each_with_an_address_of_the_subnet(arm: Arm, pools: str) -> None:
    arm.make(f"{pools}/p", pool(count=3))
    machines = arm.get(f"{pools}/p/machines").body["value"]
    ips = [m["properties"]["network"]["ipAddresses"][0] for m in machines]
    assert len({ip["ip"] for ip in ips}) == 3
    assert all(ip["family"] == "IPv4" and ip["ip"].startswith("10.224.0.") for ip in ips)
    assert all(m["properties"]["resourceId"] for m in machines)
    assert arm.get(f"{pools}/p/machines/{machines[0]['name']}").body == machines[0]
    arm.make(f"{pools}/p", pool(count=1))
    assert arm.get(f"{pools}/p/machines").body["value"] == machines[:1], "the newest go first"


def test_a_removed_pools_machines_are_gone(arm: Arm, pools: str) -> None:
    arm.make(f"{pools}/p", pool())
    arm.remove(f"{pools}/p")
    assert arm.get(f"{pools}/p/machines").code == "ParentResourceNotFound"
