"""Quotas: vCPUs of a region and of a family, clusters, public addresses; and the usages that tell of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakecloud.cli import app
from tests.contract.bodies import (
    ADDRESSES,
    CLUSTERS,
    LOCATION,
    NETWORKS,
    Body,
    address,
    cluster,
    network,
    pool,
    profile,
)
from tests.contract.cloud import Arm, Clients, Cloud, Group, Reply
from tests.contract.conftest import new_group, running
from tests.levers import Levers

CORES = 4
"""vCPUs of a Standard_D4s_v5, of which the bodies of tests are."""
FAMILY = "standardDSv5Family"


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud with levers, in which every operation ends at once."""
    with running(tmp_path_factory.mktemp("quotas"), "instant", "--levers") as made:
        yield made


@pytest.fixture
def fresh(lever: Levers, arm: Arm) -> Group:
    """A group in a cloud that holds nothing and limits nothing."""
    lever.reset()
    return new_group(arm)


def refused(reply: Reply, code: str) -> str:
    """The words of a refusal of AKS."""
    assert (reply.status, reply.code) == (400, code)
    return reply.message


def test_more_vcpus_than_the_region_has_left_are_refused(fresh: Group, arm: Arm, lever: Levers) -> None:
    lever.quotas(cores=3 * CORES)
    path = arm.make(fresh.path(CLUSTERS, "c"), cluster())["id"]
    words = refused(arm.put(f"{path}/agentPools/p", pool(count=3)), "ErrCode_InsufficientVCPUQuota")
    assert "left regional vcpu quota 8, requested quota 12" in words
    assert arm.put(f"{path}/agentPools/p", pool(count=2)).status == 201
    more = arm.put(fresh.path(CLUSTERS, "d"), cluster())
    assert "left regional vcpu quota 0, requested quota 4" in refused(more, "ErrCode_InsufficientVCPUQuota")


def test_a_family_has_a_quota_of_its_own(fresh: Group, arm: Arm, lever: Levers) -> None:
    lever.quotas(**{FAMILY: CORES})
    path = arm.make(fresh.path(CLUSTERS, "c"), cluster())["id"]
    words = refused(arm.put(f"{path}/agentPools/p", pool(count=2)), "ErrCode_InsufficientVCPUQuota")
    assert f"requested 8, remaining 0 for family {FAMILY} for region {LOCATION}" in words
    assert arm.put(f"{path}/agentPools/p", pool(count=2, vmSize="Standard_E8s_v5")).status == 201


def test_a_region_has_quotas_of_its_own(fresh: Group, arm: Arm, lever: Levers) -> None:
    lever.quotas(**{f"{LOCATION}/cores": 0})
    refused(arm.put(fresh.path(CLUSTERS, "c"), cluster()), "ErrCode_InsufficientVCPUQuota")
    assert arm.put(fresh.path(CLUSTERS, "c"), {**cluster(), "location": "northeurope"}).status == 201


def test_scaling_counts_what_comes_and_goes(fresh: Group, arm: Arm, lever: Levers) -> None:
    lever.quotas(cores=3 * CORES)
    path = arm.make(fresh.path(CLUSTERS, "c"), cluster())["id"]
    arm.make(f"{path}/agentPools/p", pool(count=2))
    refused(arm.put(f"{path}/agentPools/p", pool(count=3)), "ErrCode_InsufficientVCPUQuota")
    arm.make(f"{path}/agentPools/p", pool(count=1))
    arm.make(f"{path}/agentPools/p", pool(count=2))
    lever.quotas(cores=0)
    assert arm.put(f"{path}/agentPools/p", pool(count=1)).status == 200, "fewer are always taken"


def test_a_zone_without_room_fails_the_operation_after_it_was_taken(fresh: Group, arm: Arm, lever: Levers) -> None:
    lever.quotas(**{f"{LOCATION}/zone1": 2 * CORES, f"{LOCATION}/zone2": CORES})
    path = arm.make(fresh.path(CLUSTERS, "c"), cluster(profile(availabilityZones=["1"])))["id"]
    reply = arm.put(f"{path}/agentPools/p", pool(count=4, availabilityZones=["1", "2"]))
    assert reply.status == 201
    ended = arm.ended(reply)
    assert (ended["status"], ended["error"]["code"]) == ("Failed", "OverconstrainedZonalAllocationRequest")
    assert arm.get(f"{path}/agentPools/p").body["properties"]["provisioningState"] == "Failed"
    assert arm.get(f"{path}/agentPools/p/machines").body["value"] == []
    arm.make(f"{path}/agentPools/p", pool(count=2, availabilityZones=["1", "2"]))
    zones = [m["zones"] for m in arm.get(f"{path}/agentPools/p/machines").body["value"]]
    assert sorted(zones) == [["1"], ["2"]]
    arm.make(f"{path}/agentPools/nowhere", pool(count=9))
    other = {**cluster(profile(availabilityZones=["1"])), "location": "northeurope"}
    arm.make(fresh.path(CLUSTERS, "d"), other)


def test_spot_machines_and_stopped_clusters_do_not_count_as_others(fresh: Group, arm: Arm, lever: Levers) -> None:
    lever.quotas(cores=CORES, lowPriorityCores=CORES)
    path = arm.make(fresh.path(CLUSTERS, "c"), cluster())["id"]
    spot = pool(scaleSetPriority="Spot")
    assert arm.put(f"{path}/agentPools/spot", spot).status == 201
    words = refused(arm.put(f"{path}/agentPools/more", spot), "ErrCode_InsufficientVCPUQuota")
    assert "for family lowPriorityCores" in words
    arm.ended(arm.post(f"{path}/stop"))
    other = arm.make(fresh.path(CLUSTERS, "d"), cluster())["id"]
    refused(arm.post(f"{path}/start"), "ErrCode_InsufficientVCPUQuota")
    arm.remove(other)
    assert arm.post(f"{path}/start").status == 202


def test_a_stopped_pool_needs_no_vcpus_until_it_is_started(fresh: Group, arm: Arm, lever: Levers) -> None:
    lever.quotas(cores=3 * CORES)
    path = arm.make(fresh.path(CLUSTERS, "c"), cluster())["id"]
    arm.make(f"{path}/agentPools/p", pool(count=2))
    arm.make(f"{path}/agentPools/p", pool(count=2, powerState={"code": "Stopped"}))
    arm.make(f"{path}/agentPools/more", pool())
    started = arm.put(f"{path}/agentPools/p", pool(count=2, powerState={"code": "Running"}))
    refused(started, "ErrCode_InsufficientVCPUQuota")
    arm.remove(f"{path}/agentPools/more")
    arm.make(f"{path}/agentPools/p", pool(count=2, powerState={"code": "Running"}))


def test_a_subscription_has_so_many_clusters(fresh: Group, arm: Arm, lever: Levers) -> None:
    lever.quotas(managedClusters=1)
    arm.make(fresh.path(CLUSTERS, "c"), cluster())
    assert "1 are allowed" in refused(arm.put(fresh.path(CLUSTERS, "d"), cluster()), "QuotaExceeded")
    assert arm.put(fresh.path(CLUSTERS, "c"), cluster()).status == 200


def test_a_region_has_so_many_public_addresses(fresh: Group, arm: Arm, lever: Levers) -> None:
    lever.quotas(publicIPAddresses=1)
    ip = arm.make(fresh.path(ADDRESSES, "a"), address())["id"]
    reply = arm.put(fresh.path(ADDRESSES, "b"), address())
    assert (reply.status, reply.code) == (400, "PublicIPCountLimitReached")
    assert reply.message == "Cannot create more than 1 public IP addresses for this subscription in this region."
    assert arm.put(ip, address()).status == 200
    assert arm.put(fresh.path(ADDRESSES, "b"), {**address(), "location": "northeurope"}).status == 201


def test_the_sdk_reads_the_usages_of_compute(fresh: Group, arm: Arm, lever: Levers) -> None:
    lever.quotas(cores=100, **{FAMILY: 50, "standardNCSv3Family": 0})
    path = arm.make(fresh.path(CLUSTERS, "c"), cluster(profile(count=2)))["id"]
    arm.make(f"{path}/agentPools/p", pool(vmSize="Standard_E8s_v5"))
    clients = Clients(arm.cloud)
    found = {
        str(usage.name.value): (usage.current_value, usage.limit) for usage in clients.compute.usage.list(LOCATION)
    }
    elsewhere = {str(usage.name.value): usage.current_value for usage in clients.compute.usage.list("northeurope")}
    clients.close()
    assert found["cores"] == (16, 100)
    assert found[FAMILY] == (8, 50)
    assert found["standardESv5Family"][0] == 8
    assert found["standardncsv3family"] == (0, 0)
    assert found["virtualMachines"][0] == 3
    assert found["virtualMachineScaleSets"][0] == 2
    assert elsewhere["cores"] == 0


def test_the_sdk_reads_the_usages_of_network(fresh: Group, arm: Arm, lever: Levers) -> None:
    lever.quotas(publicIPAddresses=7)
    arm.make(fresh.path(ADDRESSES, "a"), address())
    arm.make(fresh.path(NETWORKS, "n"), network())
    clients = Clients(arm.cloud)
    found = {
        str(usage.name.value): (usage.current_value, usage.limit) for usage in clients.network.usages.list(LOCATION)
    }
    clients.close()
    assert found["PublicIPAddresses"] == (1, 7)
    assert found["VirtualNetworks"] == (1, 1000)


def test_usages_of_a_region_that_is_none(arm: Arm) -> None:
    for provider in ("Microsoft.Compute", "Microsoft.Network"):
        assert arm.get(f"/providers/{provider}/locations/nowhere/usages").status == 400


def test_quotas_are_given_at_the_start_and_come_back_with_a_reset(start_cloud: Callable[..., Cloud]) -> None:
    arm = Arm(start_cloud("instant", "--levers", "--quota", "cores=4", "--quota", "managedClusters=1"))
    levers = Levers(arm.cloud)
    levers.quotas()
    arm.make(new_group(arm).path(CLUSTERS, "c"), cluster(profile(count=2)))
    levers.reset()
    refused(arm.put(new_group(arm).path(CLUSTERS, "c"), cluster(profile(count=2))), "ErrCode_InsufficientVCPUQuota")
    levers.close()
    arm.close()


@pytest.mark.parametrize("given", ["cores", "cores=", "cores=-1", "cores=many", "colour=3", "a/b/cores=1", "=3"])
def test_a_quota_that_is_none_is_refused_at_the_start(tmp_path: Path, given: str) -> None:
    result = CliRunner().invoke(app, ["serve", "--state", str(tmp_path), "--quota", given])
    assert result.exit_code == 2
    assert "quota" in result.output


def test_a_quota_that_is_none_is_refused_by_the_lever(lever: Levers) -> None:
    wrong: list[Body] = [{"colour": 1}, {"cores": -1}, {"cores": "many"}]
    assert [lever.send("PUT", "/quotas", body)[0] for body in wrong] == [400] * 3
