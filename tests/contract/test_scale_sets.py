"""The scale sets behind agent pools, their instances and interfaces: read, by whoever looks for a cluster's machines."""

from dataclasses import dataclass

import pytest
from azure.core.exceptions import ResourceNotFoundError

from tests.contract.bodies import (
    CLUSTERS,
    LOCATION,
    NETWORKS,
    SECURITY_GROUPS,
    Body,
    cluster,
    network,
    pool,
    profile,
    subnet,
)
from tests.contract.cloud import Arm, Clients, Group
from tests.contract.conftest import new_group

SETS = "Microsoft.Compute/virtualMachineScaleSets"


@dataclass(frozen=True)
class Made:
    """A cluster with pools system (one machine) and p (two, in two zones), and its node group's name."""

    id: str
    nodes: str
    arm: Arm

    def set(self, name: str) -> Body:
        """The scale set of a pool."""
        found = self.arm.get(f"/resourceGroups/{self.nodes}/providers/{SETS}").body["value"]
        return next(dict(entry) for entry in found if entry["tags"]["aks-managed-poolName"] == name)

    def machines(self, name: str) -> list[Body]:
        """The machines of a pool as AKS lists them."""
        return list(self.arm.get(f"{self.id}/agentPools/{name}/machines").body["value"])


@pytest.fixture(scope="module")
def made(arm: Arm) -> Made:
    """One cluster for all tests that only read."""
    body = arm.make(new_group(arm).path(CLUSTERS, "c"), {**cluster(), "tags": {"team": "shop"}})
    arm.make(f"{body['id']}/agentPools/p", pool(count=2, availabilityZones=["1", "2"], vmSize="Standard_E8s_v5"))
    return Made(body["id"], body["properties"]["nodeResourceGroup"], arm)


def test_the_sdk_lists_a_scale_set_for_each_pool(sdk: Clients, made: Made) -> None:
    found = {entry.name: entry for entry in sdk.compute.virtual_machine_scale_sets.list(made.nodes)}
    assert len(found) == 2
    one = found[made.set("p")["name"]]
    assert one.sku is not None
    assert (one.sku.name, one.sku.capacity, one.zones) == ("Standard_E8s_v5", 2, ["1", "2"])
    assert one.location == LOCATION
    assert one.tags is not None
    assert one.tags["team"] == "shop"
    assert one.provisioning_state == "Succeeded"
    again = sdk.compute.virtual_machine_scale_sets.get(made.nodes, str(one.name))
    assert again.id == one.id
    assert one.id in [entry.id for entry in sdk.compute.virtual_machine_scale_sets.list_all()]


def test_the_sdk_lists_an_instance_for_each_machine(sdk: Clients, made: Made) -> None:
    name = made.set("p")["name"]
    instances = list(sdk.compute.virtual_machine_scale_set_vms.list(made.nodes, name))
    assert [entry.id for entry in instances] == [machine["properties"]["resourceId"] for machine in made.machines("p")]
    assert [entry.zones for entry in instances] == [["1"], ["2"]]
    one = sdk.compute.virtual_machine_scale_set_vms.get(made.nodes, name, "1", expand="instanceView")
    assert one.instance_id == "1"
    assert one.os_profile is not None
    assert one.os_profile.computer_name == made.machines("p")[1]["name"]
    assert one.instance_view is not None
    view = sdk.compute.virtual_machine_scale_set_vms.get_instance_view(made.nodes, name, "1")
    assert "PowerState/running" in [status.code for status in view.statuses or ()]


def test_the_sdk_reads_the_interfaces_of_a_set_and_of_an_instance(sdk: Clients, made: Made) -> None:
    name, interfaces = made.set("p")["name"], sdk.network.network_interfaces
    found = list(interfaces.list_virtual_machine_scale_set_network_interfaces(made.nodes, name))
    addresses = [entry.ip_configurations[0].private_ip_address for entry in found if entry.ip_configurations]
    expected = [machine["properties"]["network"]["ipAddresses"][0]["ip"] for machine in made.machines("p")]
    assert addresses == expected
    [own] = interfaces.list_virtual_machine_scale_set_vm_network_interfaces(made.nodes, name, "1")
    assert own.id == found[1].id
    one = interfaces.get_virtual_machine_scale_set_network_interface(made.nodes, name, "1", name)
    assert one.virtual_machine is not None
    assert one.virtual_machine.id == made.machines("p")[1]["properties"]["resourceId"]
    assert one.ip_configurations is not None
    assert one.ip_configurations[0].subnet is not None
    assert str(one.ip_configurations[0].subnet.id).endswith("/subnets/aks-subnet")
    configuration = interfaces.get_virtual_machine_scale_set_ip_configuration(made.nodes, name, "1", name, "ipconfig1")
    assert configuration.private_ip_address == expected[1]


@pytest.mark.parametrize("version", ["2017-12-01", "2019-07-01", "2025-04-01"])
def test_old_and_new_api_versions_are_taken(made: Made, arm: Arm, version: str) -> None:
    for path in (made.set("p")["id"], f"{made.set('p')['id']}/virtualMachines/0"):
        assert arm.get(f"{path}?api-version={version}").status == 200


def test_what_is_not_there_is_404(sdk: Clients, made: Made, arm: Arm) -> None:
    path = made.set("p")["id"]
    for missing in (
        f"{path}x",
        f"{path}/virtualMachines/2",
        f"{path}/virtualMachines/2/networkInterfaces",
        f"{path}x/virtualMachines",
        f"{path}/virtualMachines/0/networkInterfaces/none",
        f"{path}/virtualMachines/2/instanceView",
    ):
        assert arm.get(missing).status == 404, missing
    with pytest.raises(ResourceNotFoundError):
        sdk.compute.virtual_machine_scale_sets.get("rg-none", "x")


def test_they_cannot_be_written(made: Made, arm: Arm) -> None:
    path = made.set("p")["id"]
    for reply in (arm.put(path, {"location": LOCATION}), arm.delete(path), arm.delete(f"{path}/virtualMachines/0")):
        assert (reply.status, reply.code) == (501, "NotImplemented")


def test_they_are_resources_of_their_node_group(made: Made, arm: Arm) -> None:
    kind = f"resourceType eq '{SETS}'".replace(" ", "%20")
    found = arm.get(f"/resourceGroups/{made.nodes}/resources?$filter={kind}").body["value"]
    assert {entry["tags"]["aks-managed-poolName"] for entry in found} == {"system", "p"}
    assert arm("HEAD", made.set("p")["id"]).status == 204


def test_they_follow_scaling_stopping_and_deletion(group: Group, arm: Arm) -> None:
    body = arm.make(group.path(CLUSTERS, "c"), cluster())
    mine = Made(body["id"], body["properties"]["nodeResourceGroup"], arm)
    arm.make(f"{mine.id}/agentPools/p", pool(count=1))
    arm.make(f"{mine.id}/agentPools/p", pool(count=3))
    assert mine.set("p")["sku"]["capacity"] == 3
    arm.ended(arm.post(f"{mine.id}/stop"))
    assert mine.set("p")["sku"]["capacity"] == 0
    assert arm.get(f"{mine.set('p')['id']}/virtualMachines").body == {"value": []}
    arm.ended(arm.post(f"{mine.id}/start"))
    path = mine.set("p")["id"]
    arm.remove(f"{mine.id}/agentPools/p")
    assert arm.get(path).status == 404


def test_interfaces_in_a_brought_subnet_have_the_security_group_of_aks(group: Group, arm: Arm) -> None:
    net = arm.make(group.path(NETWORKS, "n"), network(subnet("s", "10.0.0.0/24")))["id"]
    body = arm.make(group.path(CLUSTERS, "c"), cluster(profile(vnetSubnetID=f"{net}/subnets/s")))
    mine = Made(body["id"], body["properties"]["nodeResourceGroup"], arm)
    [nsg] = arm.get(f"/resourceGroups/{mine.nodes}/providers/{SECURITY_GROUPS}").body["value"]
    [nic] = arm.get(f"{mine.set('system')['id']}/networkInterfaces").body["value"]
    assert nic["properties"]["networkSecurityGroup"] == {"id": nsg["id"]}
    assert nic["properties"]["ipConfigurations"][0]["properties"]["subnet"] == {"id": f"{net}/subnets/s"}


def test_spot_pools_have_spot_scale_sets(group: Group, arm: Arm) -> None:
    body = arm.make(group.path(CLUSTERS, "c"), cluster())
    mine = Made(body["id"], body["properties"]["nodeResourceGroup"], arm)
    arm.make(f"{mine.id}/agentPools/spot", pool(scaleSetPriority="Spot", scaleSetEvictionPolicy="Deallocate"))
    model = mine.set("spot")["properties"]["virtualMachineProfile"]
    assert (model["priority"], model["evictionPolicy"]) == ("Spot", "Deallocate")


@pytest.mark.parametrize(
    "profile_", [{}, {"kubeletidentity": {}}, {"kubeletidentity": {"resourceId": "/mine"}}], ids=str
)
def test_a_cluster_may_bring_the_identity_of_its_nodes(group: Group, arm: Arm, profile_: Body) -> None:
    body = arm.make(group.path(CLUSTERS, "c"), cluster(identityProfile=profile_))
    mine = Made(body["id"], body["properties"]["nodeResourceGroup"], arm)
    identities = mine.set("system")["identity"].get("userAssignedIdentities", {})
    assert list(identities) == [entry["resourceId"] for entry in profile_.values() if entry]
    assert arm.get("/resources").status == 200
