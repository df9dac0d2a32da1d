"""routeTables and routes: whole tables, single routes, and the subnets that keep them."""

import pytest
from azure.mgmt.network import models

from tests.contract.bodies import NETWORKS, ROUTE_TABLES, Body, network, route, route_table, subnet
from tests.contract.cloud import Arm, Clients, Group


@pytest.fixture
def table(group: Group, arm: Arm) -> str:
    """The id of an empty route table."""
    return str(arm.make(group.path(ROUTE_TABLES, "table"), route_table())["id"])


def test_the_sdk_makes_a_table_and_its_routes_and_removes_them(sdk: Clients, group: Group) -> None:
    tables, routes = sdk.network.route_tables, sdk.network.routes
    made = tables.begin_create_or_update(group.name, "table", models.RouteTable(route_table(route()))).result()
    assert (made.provisioning_state, made.disable_bgp_route_propagation) == ("Succeeded", False)
    assert [(r.address_prefix, r.next_hop_type) for r in made.routes or []] == [("0.0.0.0/0", "Internet")]
    hop = route("fw", "10.9.0.0/16", "VirtualAppliance", nextHopIpAddress="10.0.0.9")
    child = routes.begin_create_or_update(group.name, "table", "fw", models.Route(hop)).result()
    assert (child.next_hop_ip_address, child.provisioning_state) == ("10.0.0.9", "Succeeded")
    routes.begin_delete(group.name, "table", "default").result()
    assert [r.name for r in routes.list(group.name, "table")] == ["fw"]
    tables.begin_delete(group.name, "table").result()
    assert list(tables.list(group.name)) == []


def test_routes_are_always_there_even_none(table: str, arm: Arm) -> None:
    assert arm.get(table).body["properties"]["routes"] == []
    assert arm.get(f"{table}/routes").body == {"value": []}


def test_a_put_without_a_route_removes_it(table: str, arm: Arm) -> None:
    arm.make(table, route_table(route("a", "10.1.0.0/16"), route("b", "10.2.0.0/16")))
    assert [r["name"] for r in arm.make(table, route_table(route("b", "10.2.0.0/16")))["properties"]["routes"]] == ["b"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (route(prefix="10.0.0.1/8"), "InvalidCIDRNotation"),
        (route(prefix="nonsense"), "InvalidCIDRNotation"),
        (route(prefix="AzureCloud.WestEurope"), ""),
        (route(hop="Nowhere"), "InvalidRequestFormat"),
        (route(hop="VirtualAppliance"), "RouteNextHopInvalid"),
        (route(hop="VirtualAppliance", nextHopIpAddress="ten"), "InvalidIPAddressFormat"),
        (route(hop="Internet", nextHopIpAddress="10.0.0.4"), "RouteNextHopInvalid"),
        (route(nextHopType=None), "RouteInvalid"),
        (route(addressPrefix=None), "RouteInvalid"),
    ],
    ids=str,
)
def test_a_route_has_a_prefix_and_a_next_hop_that_fit(table: str, arm: Arm, given: Body, code: str) -> None:
    for path, body in ((f"{table}/routes/default", given), (table, route_table(given))):
        reply = arm.put(path, body)
        assert (reply.status, reply.code if code else "") == ((400, code) if code else (reply.status, ""))
        assert (reply.status < 300) == (code == "")


def test_two_routes_cannot_have_one_prefix(table: str, arm: Arm) -> None:
    arm.make(table, route_table(route("a", "10.1.0.0/16")))
    reply = arm.put(f"{table}/routes/b", route("b", "10.1.0.0/16"))
    assert (reply.status, reply.code) == (400, "RouteConflict")


def test_a_table_lists_its_subnets_and_stays_as_long_as_one_uses_it(table: str, group: Group, arm: Arm) -> None:
    reference = {"routeTable": {"id": table}}
    net = arm.make(group.path(NETWORKS, "net"), network(subnet("a", "10.0.0.0/24", **reference)))["id"]
    assert arm.get(table).body["properties"]["subnets"] == [{"id": f"{net}/subnets/a"}]
    reply = arm.delete(table)
    assert (reply.status, reply.code) == (400, "InUseRouteTableCannotBeDeleted")
    assert f"{net}/subnets/a" in reply.message
    arm.make(table, route_table(route()))
    assert arm.get(table).body["properties"]["subnets"] == [{"id": f"{net}/subnets/a"}], "a PUT keeps what Azure writes"
    arm.make(f"{net}/subnets/a", {"properties": {"addressPrefix": "10.0.0.0/24"}})
    assert "subnets" not in arm.get(table).body["properties"]
    arm.remove(table)


def test_a_network_with_a_subnet_that_has_a_route_table_goes_and_lets_go_of_it(
    table: str, group: Group, arm: Arm
) -> None:
    net = group.path(NETWORKS, "net")
    arm.make(net, network(subnet("a", "10.0.0.0/24", routeTable={"id": table})))
    arm.remove(net)
    assert "subnets" not in arm.get(table).body["properties"]


def test_a_route_is_written_only_while_its_table_is_at_rest(unhurried: Arm) -> None:
    group = f"/subscriptions/{unhurried.cloud.subscription}/resourceGroups/routes"
    unhurried.put(group, {"location": "westeurope"})
    table = f"{group}/providers/{ROUTE_TABLES}/table"
    assert unhurried.put(table, route_table()).state == "Updating"
    reply = unhurried.put(f"{table}/routes/default", route())
    assert (reply.status, reply.code) == (429, "RetryableError")


def test_a_subnet_written_without_its_route_table_lets_go_of_it(table: str, group: Group, arm: Arm) -> None:
    net = group.path(NETWORKS, "n")
    arm.make(net, network(subnet("a", "10.0.0.0/24", routeTable={"id": table})))
    arm.make(f"{net}/subnets/a", {"properties": {"addressPrefix": "10.0.0.0/24"}})
    assert "routeTable" not in arm.get(f"{net}/subnets/a").body["properties"]
    arm.remove(table)
