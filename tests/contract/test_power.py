"""Clusters that are stopped and started again, and operations that are aborted."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.containerservice.models import AgentPool

from tests.contract.bodies import CLUSTERS, cluster, pool
from tests.contract.cloud import Arm, Clients, Group, Reply
from tests.contract.conftest import new_group


@pytest.fixture
def path(group: Group, arm: Arm) -> str:
    """The id of a cluster with a System pool of one node."""
    return str(arm.make(group.path(CLUSTERS, "c"), cluster())["id"])


def done(arm: Arm, reply: Reply) -> str:
    """How the operation of an action ended."""
    assert (reply.status, reply.text) == (202, "")
    assert reply.headers["Location"]
    return str(arm.ended(reply)["status"])


def power(body: dict[str, Any]) -> set[str]:
    """What a cluster and its pools say of their power."""
    properties = body["properties"]
    return {part["powerState"]["code"] for part in (properties, *properties["agentPoolProfiles"])}


def test_the_sdk_stops_and_starts_a_cluster(sdk: Clients, arm: Arm, group: Group, path: str) -> None:
    clusters = sdk.aks.managed_clusters
    clusters.begin_stop(group.name, "c").result()
    stopped = arm.get(path).body
    assert power(stopped) == {"Stopped"}
    assert stopped["properties"]["provisioningState"] == "Succeeded"
    clusters.begin_start(group.name, "c").result()
    assert power(arm.get(path).body) == {"Running"}


def test_a_stopped_cluster_has_no_machines_and_its_pools_keep_their_counts(arm: Arm, path: str) -> None:
    arm.make(f"{path}/agentPools/p", pool(count=2))
    assert done(arm, arm.post(f"{path}/stop")) == "Succeeded"
    assert arm.get(f"{path}/agentPools/p/machines").body["value"] == []
    assert arm.get(f"{path}/agentPools/p").body["properties"]["count"] == 2
    assert done(arm, arm.post(f"{path}/start")) == "Succeeded"
    assert len(arm.get(f"{path}/agentPools/p/machines").body["value"]) == 2


def test_it_is_stopping_and_starting_meanwhile(brisk: Arm) -> None:
    path = brisk.make(new_group(brisk).path(CLUSTERS, "c"), cluster())["id"]
    for action, state in (("stop", "Stopping"), ("start", "Starting")):
        reply = brisk.post(f"{path}/{action}")
        assert brisk.get(path).state == state
        assert done(brisk, reply) == "Succeeded"


def test_what_is_so_already_is_204(arm: Arm, path: str) -> None:
    assert arm.post(f"{path}/start").status == 204
    done(arm, arm.post(f"{path}/stop"))
    assert arm.post(f"{path}/stop").status == 204


def test_a_stopped_cluster_takes_its_tags_and_its_deletion_and_nothing_else(arm: Arm, path: str) -> None:
    done(arm, arm.post(f"{path}/stop"))
    for reply in (
        arm.put(path, cluster()),
        arm.put(f"{path}/agentPools/p", pool()),
        arm.delete(f"{path}/agentPools/system"),
    ):
        assert (reply.status, reply.code) == (400, "OperationNotAllowed")
    assert arm.patch(path, {"tags": {"a": "b"}}).status == 200
    arm.remove(path)


def test_a_busy_cluster_can_be_neither_stopped_nor_started(unhurried: Arm) -> None:
    path = new_group(unhurried).path(CLUSTERS, "c")
    unhurried.put(path, cluster())
    for action in ("stop", "start"):
        reply = unhurried.post(f"{path}/{action}")
        assert (reply.status, reply.code) == (409, "OperationNotAllowed")


def test_an_action_on_a_cluster_that_is_not_there_is_404(arm: Arm, group: Group) -> None:
    for action in ("stop", "start", "abort"):
        assert arm.post(group.path(CLUSTERS, f"none/{action}")).code == "ResourceNotFound"


def test_nothing_under_way_is_204_for_an_abort(arm: Arm, path: str) -> None:
    assert arm.post(f"{path}/abort").status == 204
    assert arm.post(f"{path}/agentPools/system/abort").status == 204


def test_an_aborted_creation_is_canceled_and_the_same_put_repairs_it(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    begun = brisk.put(path, cluster())
    aborted = brisk.post(f"{path}/abort")
    assert brisk.get(path).state == "Canceling"
    assert done(brisk, aborted) == "Succeeded"
    assert brisk.ended(begun)["status"] == "Canceled"
    assert brisk.get(path).state == "Canceled"
    assert brisk.get(f"{path}/agentPools/system").state == "Canceled"
    assert brisk.make(path, cluster())["properties"]["provisioningState"] == "Succeeded"
    assert brisk.get(f"{path}/agentPools/system").state == "Succeeded"


def test_an_aborted_upgrade_leaves_the_version(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster(kubernetesVersion="1.35"))
    before = brisk.get(path).body["properties"]["currentKubernetesVersion"]
    brisk.put(path, cluster(kubernetesVersion="1.36"))
    assert done(brisk, brisk.post(f"{path}/abort")) == "Succeeded"
    assert brisk.get(path).state == "Canceled"
    assert brisk.get(path).body["properties"]["currentKubernetesVersion"] == before


def test_the_sdk_sees_an_aborted_operation_of_a_pool_as_canceled(brisk: Arm) -> None:
    group = new_group(brisk)
    brisk.make(group.path(CLUSTERS, "c"), cluster())
    clients = Clients(brisk.cloud)
    pools = clients.aks.agent_pools
    begun = pools.begin_create_or_update(group.name, "c", "p", AgentPool(pool()))
    pools.begin_abort_latest_operation(group.name, "c", "p").result()
    with pytest.raises(HttpResponseError):
        begun.result()
    assert begun.status() == "Canceled"
    clients.close()
    assert brisk.get(group.path(CLUSTERS, "c/agentPools/p")).state == "Canceled"


def test_a_deletion_cannot_be_aborted(brisk: Arm) -> None:
    path = brisk.make(new_group(brisk).path(CLUSTERS, "c"), cluster())["id"]
    brisk.delete(path)
    reply = brisk.post(f"{path}/abort")
    assert (reply.status, reply.code) == (409, "OperationNotAllowed")


def test_versions_for_pools_are_not_newer_than_the_control_plane(sdk: Clients, arm: Arm, group: Group) -> None:
    arm.make(group.path(CLUSTERS, "c"), cluster(kubernetesVersion="1.36"))
    found = sdk.aks.agent_pools.get_available_agent_pool_versions(group.name, "c")
    assert found.agent_pool_versions is not None
    versions = [entry.kubernetes_version or "" for entry in found.agent_pool_versions]
    assert versions[0].startswith("1.33.")
    assert versions[-1].startswith("1.36.")
    arm.make(group.path(CLUSTERS, "c/agentPools/p"), pool(orchestratorVersion="1.35"))
    upgrades = sdk.aks.agent_pools.get_upgrade_profile(group.name, "c", "p").upgrades
    assert [str(entry.kubernetes_version).rpartition(".")[0] for entry in upgrades or ()] == ["1.36"]


STOPPED, RUNNING = {"code": "Stopped"}, {"code": "Running"}


def test_the_sdk_stops_and_starts_a_pool(sdk: Clients, arm: Arm, group: Group, path: str) -> None:
    pools = sdk.aks.agent_pools
    arm.make(f"{path}/agentPools/p", pool(count=2))
    for power_state, machines in ((STOPPED, 0), (RUNNING, 2)):
        body = pools.get(group.name, "c", "p")
        body["properties"]["powerState"] = power_state
        made = pools.begin_create_or_update(group.name, "c", "p", body).result()
        assert (made.power_state, made.count, made.provisioning_state) == (power_state, 2, "Succeeded")
        assert len(arm.get(f"{path}/agentPools/p/machines").body["value"]) == machines


def test_a_pool_is_stopping_and_starting_meanwhile(brisk: Arm) -> None:
    path = brisk.make(new_group(brisk).path(CLUSTERS, "c"), cluster())["id"]
    brisk.make(f"{path}/agentPools/p", pool())
    for power_state, state in ((STOPPED, "Stopping"), (RUNNING, "Starting")):
        reply = brisk.put(f"{path}/agentPools/p", pool(powerState=power_state))
        assert (reply.status, reply.state) == (200, state)
        assert brisk.ended(reply)["status"] == "Succeeded"


def test_a_system_pool_runs_and_so_does_a_new_one(arm: Arm, path: str) -> None:
    system = arm.get(f"{path}/agentPools/system").body["properties"]
    reply = arm.put(f"{path}/agentPools/system", {"properties": {**system, "powerState": STOPPED}})
    assert (reply.status, reply.code) == (400, "OperationNotAllowed")
    reply = arm.put(f"{path}/agentPools/p", pool(powerState=STOPPED))
    assert (reply.status, reply.code) == (400, "InvalidParameter")


def test_a_pool_that_was_stopped_by_itself_stays_so_when_its_cluster_is_started(arm: Arm, path: str) -> None:
    arm.make(f"{path}/agentPools/p", pool())
    arm.make(f"{path}/agentPools/p", pool(powerState=STOPPED))
    arm.make(f"{path}/agentPools/p", pool(count=3))
    done(arm, arm.post(f"{path}/stop"))
    done(arm, arm.post(f"{path}/start"))
    found = arm.get(f"{path}/agentPools/p").body["properties"]
    assert (found["powerState"], found["count"]) == (STOPPED, 3)
    assert arm.get(f"{path}/agentPools/p/machines").body["value"] == []
    assert arm.get(f"{path}/agentPools/system").body["properties"]["powerState"] == RUNNING
    arm.make(f"{path}/agentPools/p", pool(count=3, powerState=RUNNING))
    assert len(arm.get(f"{path}/agentPools/p/machines").body["value"]) == 3
