"""managedClusters: what each outboundType needs of the nodes' subnet."""

from typing import Any

import pytest

from tests.contract.bodies import (
    CLUSTERS,
    NAT_GATEWAYS,
    NETWORKS,
    ROUTE_TABLES,
    Body,
    cluster,
    nat_gateway,
    network,
    pool,
    profile,
    route,
    route_table,
    subnet,
)
from tests.contract.cloud import Arm, Group


@pytest.fixture
def path(group: Group) -> str:
    """The id of a cluster to be."""
    return group.path(CLUSTERS, "c")


def leaving(outbound: str, subnet_id: str | None = None, **profile_of_network: Any) -> Body:
    """A cluster with an outboundType, in a subnet of its own or in AKS's."""
    brought: dict[str, Any] = {} if subnet_id is None else {"vnetSubnetID": subnet_id}
    return cluster(profile(**brought), networkProfile={"outboundType": outbound, **profile_of_network})


def subnet_with(group: Group, arm: Arm, **references: Body) -> str:
    """The id of a subnet that refers to a route table or a NAT gateway."""
    made = arm.make(group.path(NETWORKS, "net"), network(subnet("nodes", "10.0.0.0/24", **references)))
    return f"{made['id']}/subnets/nodes"


def table(group: Group, arm: Arm, *routes: Body) -> Body:
    """A reference to a route table with these routes."""
    return {"id": arm.make(group.path(ROUTE_TABLES, "table"), route_table(*routes))["id"]}


def test_user_defined_routing_needs_a_route_table_on_the_subnet(path: str, group: Group, arm: Arm) -> None:
    reply = arm.put(path, leaving("userDefinedRouting", subnet_with(group, arm)))
    assert (reply.status, reply.code) == (400, "ExistingRouteTableNotAssociatedWithSubnet")


def test_user_defined_routing_needs_a_default_route(path: str, group: Group, arm: Arm) -> None:
    for hop in (route("some", "10.0.0.0/8"), route("dropped", hop="None")):
        where = subnet_with(group, arm, routeTable=table(group, arm, hop))
        reply = arm.put(path, leaving("userDefinedRouting", where))
        assert (reply.status, reply.code) == (400, "RouteTableHasNoDefaultRoute"), hop


def test_user_defined_routing_with_a_default_route_is_taken(path: str, group: Group, arm: Arm) -> None:
    hop = route(hop="VirtualAppliance", nextHopIpAddress="10.9.0.4")
    made = arm.make(path, leaving("userDefinedRouting", subnet_with(group, arm, routeTable=table(group, arm, hop))))
    told = made["properties"]["networkProfile"]
    assert told["outboundType"] == "userDefinedRouting"
    assert "loadBalancerProfile" not in told


def test_a_later_pool_needs_the_default_route_on_its_own_subnet_too(path: str, group: Group, arm: Arm) -> None:
    where = subnet_with(group, arm, routeTable=table(group, arm, route()))
    arm.make(path, leaving("userDefinedRouting", where))
    other = where.replace("/nodes", "/other")
    arm.make(other, {"properties": {"addressPrefix": "10.0.1.0/24"}})
    reply = arm.put(f"{path}/agentPools/more", pool(vnetSubnetID=other))
    assert (reply.status, reply.code) == (400, "ExistingRouteTableNotAssociatedWithSubnet")


def test_an_assigned_nat_gateway_is_on_the_subnet(path: str, group: Group, arm: Arm) -> None:
    where = subnet_with(group, arm)
    reply = arm.put(path, leaving("userAssignedNATGateway", where))
    assert (reply.status, reply.code) == (400, "InvalidParameter")
    nat = arm.make(group.path(NAT_GATEWAYS, "nat"), nat_gateway())["id"]
    arm.make(where, {"properties": {"addressPrefix": "10.0.0.0/24", "natGateway": {"id": nat}}})
    made = arm.make(path, leaving("userAssignedNATGateway", where))
    assert made["properties"]["networkProfile"]["outboundType"] == "userAssignedNATGateway"


@pytest.mark.parametrize("outbound", ["userDefinedRouting", "userAssignedNATGateway"])
def test_what_the_user_brings_needs_a_subnet_that_he_brings(path: str, arm: Arm, outbound: str) -> None:
    reply = arm.put(path, leaving(outbound))
    assert (reply.status, reply.code) == (400, "InvalidParameter")


def test_a_managed_nat_gateway_is_not_for_a_subnet_that_is_brought(path: str, group: Group, arm: Arm) -> None:
    reply = arm.put(path, leaving("managedNATGateway", subnet_with(group, arm)))
    assert (reply.status, reply.code) == (400, "InvalidParameter")


def managed(path: str, arm: Arm, count: int) -> Body:
    """A cluster whose managed NAT gateway has so many addresses."""
    wanted = {"managedOutboundIPProfile": {"count": count}, "idleTimeoutInMinutes": 30}
    return arm.make(path, leaving("managedNATGateway", natGatewayProfile=wanted))


def test_a_managed_nat_gateway_stands_in_the_node_group_with_its_addresses(path: str, arm: Arm) -> None:
    made = managed(path, arm, 2)["properties"]
    told = made["networkProfile"]["natGatewayProfile"]
    effective = [entry["id"] for entry in told["effectiveOutboundIPs"]]
    group = f"/subscriptions/{arm.cloud.subscription}/resourceGroups/{made['nodeResourceGroup']}"
    [gateway] = arm.get(f"{group}/providers/{NAT_GATEWAYS}").body["value"]
    assert [entry["id"] for entry in gateway["properties"]["publicIpAddresses"]] == effective
    assert gateway["properties"]["idleTimeoutInMinutes"] == told["idleTimeoutInMinutes"] == 30
    addresses = [arm.get(id_).body["properties"] for id_ in effective]
    assert len({properties["ipAddress"] for properties in addresses}) == 2
    assert all(properties["natGateway"] == {"id": gateway["id"]} for properties in addresses)
    [net] = arm.get(f"{group}/providers/{NETWORKS}").body["value"]
    assert net["properties"]["subnets"][0]["properties"]["natGateway"] == {"id": gateway["id"]}


def test_a_managed_nat_gateway_has_as_many_addresses_as_the_cluster_says_now(path: str, arm: Arm) -> None:
    def effective(body: Body) -> list[str]:
        told = body["properties"]["networkProfile"]["natGatewayProfile"]["effectiveOutboundIPs"]
        return [entry["id"] for entry in told]

    first = effective(managed(path, arm, 1))
    more = effective(managed(path, arm, 3))
    assert more[:1] == first
    assert len(set(more)) == 3
    assert effective(managed(path, arm, 1)) == first
    assert [arm.get(id_).status for id_ in more] == [200, 404, 404]


def test_a_managed_nat_gateway_goes_with_its_outbound_type(path: str, arm: Arm) -> None:
    group = managed(path, arm, 1)["properties"]["nodeResourceGroup"]
    made = arm.make(path, leaving("loadBalancer"))
    assert "natGatewayProfile" not in made["properties"]["networkProfile"]
    id_ = f"/subscriptions/{arm.cloud.subscription}/resourceGroups/{group}"
    assert arm.get(f"{id_}/providers/{NAT_GATEWAYS}").body["value"] == []
    [net] = arm.get(f"{id_}/providers/{NETWORKS}").body["value"]
    assert "natGateway" not in net["properties"]["subnets"][0]["properties"]


def test_a_managed_nat_gateway_has_one_to_sixteen_addresses(path: str, arm: Arm) -> None:
    for count in (0, 17):
        wanted = {"managedOutboundIPProfile": {"count": count}}
        reply = arm.put(path, leaving("managedNATGateway", natGatewayProfile=wanted))
        assert (reply.status, reply.code) == (400, "InvalidParameter")
