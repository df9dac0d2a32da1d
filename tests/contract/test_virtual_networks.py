"""virtualNetworks and subnets: ranges that fit, references that exist, users that keep them alive."""

import pytest
from azure.mgmt.network import models

from tests.contract.bodies import (
    CLUSTERS,
    NETWORKS,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    cluster,
    network,
    profile,
    route_table,
    security_group,
    subnet,
)
from tests.contract.cloud import Arm, Clients, Group


@pytest.fixture
def net(group: Group, arm: Arm) -> str:
    """The id of 10.0.0.0/16 with subnet `a` 10.0.0.0/24."""
    return str(arm.make(group.path(NETWORKS, "net"), network(subnet("a", "10.0.0.0/24")))["id"])


def test_the_sdk_makes_a_network_and_its_subnets(sdk: Clients, group: Group) -> None:
    networks, subnets = sdk.network.virtual_networks, sdk.network.subnets
    made = networks.begin_create_or_update(
        group.name, "net", models.VirtualNetwork(network(subnet("a", "10.0.0.0/24")))
    ).result()
    assert made.address_space is not None
    assert made.address_space.address_prefixes == ["10.0.0.0/16"]
    child = subnets.begin_create_or_update(
        group.name, "net", "b", models.Subnet({"properties": {"addressPrefix": "10.0.1.0/24"}})
    ).result()
    assert (child.address_prefix, child.provisioning_state) == ("10.0.1.0/24", "Succeeded")
    assert [s.name for s in subnets.list(group.name, "net")] == ["a", "b"]
    subnets.begin_delete(group.name, "net", "a").result()
    assert [s.name for s in networks.get(group.name, "net").subnets or []] == ["b"]
    networks.begin_delete(group.name, "net").result()


def test_a_put_without_a_subnet_removes_it(net: str, arm: Arm) -> None:
    arm.make(net, network(subnet("b", "10.0.1.0/24")))
    assert [s["name"] for s in arm.get(f"{net}/subnets").body["value"]] == ["b"]


def test_a_subnet_lies_in_its_network(net: str, arm: Arm) -> None:
    reply = arm.put(f"{net}/subnets/b", {"properties": {"addressPrefix": "192.168.0.0/24"}})
    assert (reply.status, reply.code) == (400, "NetcfgSubnetRangeOutsideVnet")


def test_subnets_do_not_overlap(net: str, arm: Arm) -> None:
    reply = arm.put(f"{net}/subnets/b", {"properties": {"addressPrefix": "10.0.0.128/25"}})
    assert (reply.status, reply.code) == (400, "NetcfgSubnetRangesOverlap")


def test_a_prefix_with_host_bits_or_none_at_all_is_refused(net: str, arm: Arm) -> None:
    for prefix in ("10.0.1.1/24", "nonsense", "10.0.1.0/33"):
        reply = arm.put(f"{net}/subnets/b", {"properties": {"addressPrefix": prefix}})
        assert (reply.status, reply.code) == (400, "InvalidCIDRNotation"), prefix


def test_a_network_needs_a_prefix(group: Group, arm: Arm) -> None:
    assert arm.put(group.path(NETWORKS, "net"), {"location": "westeurope", "properties": {}}).status == 400


def test_a_subnet_refers_only_to_groups_that_exist(net: str, group: Group, arm: Arm) -> None:
    missing = group.path("Microsoft.Network/networkSecurityGroups", "none")
    for path, body in (
        (f"{net}/subnets/b", {"properties": {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": missing}}}),
        (net, network(subnet("b", "10.0.1.0/24", networkSecurityGroup={"id": missing}))),
    ):
        reply = arm.put(path, body)
        assert (reply.status, reply.code) == (400, "InvalidResourceReference")
        assert missing in reply.message


def test_a_subnet_refers_only_to_resources_of_the_right_type_in_its_region(net: str, group: Group, arm: Arm) -> None:
    nsg = arm.make(group.path(SECURITY_GROUPS, "nsg"), security_group())["id"]
    far = arm.make(group.path(ROUTE_TABLES, "far"), {**route_table(), "location": "northeurope"})["id"]
    for field, id_ in (("routeTable", nsg), ("natGateway", nsg), ("routeTable", far)):
        reply = arm.put(f"{net}/subnets/b", {"properties": {"addressPrefix": "10.0.1.0/24", field: {"id": id_}}})
        assert (reply.status, reply.code) == (400, "InvalidResourceReference"), field


def test_a_subnet_that_nodes_live_in_can_neither_be_deleted_nor_omitted(net: str, group: Group, arm: Arm) -> None:
    arm.make(group.path(CLUSTERS, "c"), cluster(profile(vnetSubnetID=f"{net}/subnets/a")))
    for reply in (arm.delete(f"{net}/subnets/a"), arm.delete(net), arm.put(net, network())):
        assert (reply.status, reply.code) == (400, "InUseSubnetCannotBeDeleted")
        assert "agentPools/system" in reply.message
    arm.remove(group.path(CLUSTERS, "c"))
    arm.remove(net)


def test_a_subnet_lists_the_interfaces_of_its_nodes_and_nobody_can_write_them(net: str, group: Group, arm: Arm) -> None:
    assert "ipConfigurations" not in arm.get(f"{net}/subnets/a").body["properties"]
    made = arm.make(group.path(CLUSTERS, "c"), cluster(profile(count=2, vnetSubnetID=f"{net}/subnets/a")))
    found = arm.get(f"{net}/subnets/a").body["properties"]["ipConfigurations"]
    nodes = made["properties"]["nodeResourceGroup"]
    assert len(found) == 2
    assert all(f"/resourceGroups/{nodes}/providers/Microsoft.Compute/" in entry["id"] for entry in found)
    [shown] = arm.get(net).body["properties"]["subnets"]
    assert shown["properties"]["ipConfigurations"] == found
    body = arm.get(net).body
    body["properties"]["subnets"][0]["properties"]["ipConfigurations"] = [{"id": "/invented"}]
    [kept] = arm.make(net, body)["properties"]["subnets"]
    assert kept["properties"]["ipConfigurations"] == found


def test_a_subnet_may_have_several_prefixes_and_keeps_the_spelling_it_was_given(net: str, arm: Arm) -> None:
    prefixes = ["10.0.1.0/24", "10.0.2.0/24"]
    made = arm.make(f"{net}/subnets/b", {"properties": {"addressPrefixes": prefixes}})
    assert made["properties"]["addressPrefixes"] == prefixes
    assert "addressPrefix" not in made["properties"]
    reply = arm.put(f"{net}/subnets/c", {"properties": {"addressPrefix": "10.0.2.128/25"}})
    assert (reply.status, reply.code) == (400, "NetcfgSubnetRangesOverlap")


def test_a_subnet_written_without_its_security_group_lets_go_of_it(net: str, group: Group, arm: Arm) -> None:
    nsg = arm.make(group.path(SECURITY_GROUPS, "nsg"), security_group())["id"]
    path, prefix = f"{net}/subnets/a", {"addressPrefix": "10.0.0.0/24"}
    made = arm.make(path, {"properties": {**prefix, "networkSecurityGroup": {"id": nsg}}})
    assert made["properties"]["networkSecurityGroup"] == {"id": nsg}
    assert "networkSecurityGroup" not in arm.make(path, {"properties": prefix})["properties"]


@pytest.mark.parametrize(
    "properties",
    [
        {"enableDdosProtection": True},
        {"dhcpOptions": {"dnsServers": ["10.0.0.4"]}},
        {"virtualNetworkPeerings": [{"name": "p"}]},
    ],
    ids=str,
)
def test_what_nothing_here_would_do_for_a_network_is_501(group: Group, arm: Arm, properties: dict[str, object]) -> None:
    body = network()
    body["properties"] |= properties
    reply = arm.put(group.path(NETWORKS, "net"), body)
    assert (reply.status, reply.code) == (501, "NotImplemented")
    assert arm.get(group.path(NETWORKS, "net")).status == 404


def test_a_delegated_subnet_is_501(net: str, arm: Arm) -> None:
    delegations = [{"name": "d", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}]
    reply = arm.put(f"{net}/subnets/b", {"properties": {"addressPrefix": "10.0.1.0/24", "delegations": delegations}})
    assert (reply.status, reply.code) == (501, "NotImplemented")
