"""Network as clients of 2018 ask: the same resources, at an api-version that was old when this cloud was made."""

from collections.abc import Iterator

import pytest
from azure.mgmt.network import NetworkManagementClient, models

from tests.contract.bodies import (
    ADDRESSES,
    BALANCERS,
    NETWORKS,
    address,
    balancer,
    balancing_rule,
    network,
    route,
    route_table,
    rule,
    rule_properties,
    security_group,
    subnet,
)
from tests.contract.cloud import Arm, Group, sdk_options

OLD = "2018-11-01"


@pytest.fixture(scope="module")
def old(arm: Arm) -> Iterator[NetworkManagementClient]:
    """The SDK's client, which asks as it would have in 2018."""
    with arm.cloud.credential() as credential:
        client = NetworkManagementClient(credential, arm.cloud.subscription, **sdk_options(arm.cloud), api_version=OLD)
        yield client
        client.close()


def test_a_network_with_its_group_and_routes(old: NetworkManagementClient, group: Group) -> None:
    nsg = old.network_security_groups.begin_create_or_update(
        group.name, "nsg", models.NetworkSecurityGroup(security_group(rule("web")))
    ).result()
    table = old.route_tables.begin_create_or_update(
        group.name, "table", models.RouteTable(route_table(route()))
    ).result()
    references = {"networkSecurityGroup": {"id": nsg.id}, "routeTable": {"id": table.id}}
    body = network(subnet("a", "10.0.0.0/24", **references))
    made = old.virtual_networks.begin_create_or_update(group.name, "net", models.VirtualNetwork(body)).result()
    [shown] = made.subnets or []
    assert (shown.address_prefix, shown.provisioning_state) == ("10.0.0.0/24", "Succeeded")
    more = models.SecurityRule({"properties": rule_properties(1001, destinationPortRange="443")})
    old.security_rules.begin_create_or_update(group.name, "nsg", "tls", more).result()
    assert {r.name for r in old.security_rules.list(group.name, "nsg")} == {"web", "tls"}


def test_a_balancer_with_its_address(old: NetworkManagementClient, group: Group) -> None:
    ip = old.public_ip_addresses.begin_create_or_update(group.name, "ip", models.PublicIPAddress(address())).result()
    id_ = group.path(BALANCERS, "lb")
    body = balancer(id_, address_id=ip.id or "", rules=[balancing_rule(id_)])
    made = old.load_balancers.begin_create_or_update(group.name, "lb", models.LoadBalancer(body)).result()
    assert [r.backend_port for r in made.load_balancing_rules or []] == [30080]
    assert made.inbound_nat_rules == []
    old.load_balancers.begin_delete(group.name, "lb").result()
    old.public_ip_addresses.begin_delete(group.name, "ip").result()


def test_operations_are_asked_for_at_the_version_of_the_request(arm: Arm, group: Group) -> None:
    reply = arm.put(f"{group.path(ADDRESSES, 'ip')}?api-version={OLD}", address())
    assert f"api-version={OLD}" in reply.headers["Azure-AsyncOperation"]


def test_lists_are_there_even_empty(arm: Arm, group: Group) -> None:
    net = f"{group.path(NETWORKS, 'net')}?api-version={OLD}"
    arm.ended(arm.put(net, network()))
    assert arm.get(net).body["properties"]["subnets"] == []


def test_the_provider_tells_of_the_version(arm: Arm) -> None:
    told = arm.get("/providers/Microsoft.Network").body["resourceTypes"]
    known = {entry["resourceType"].lower(): entry["apiVersions"] for entry in told}
    assert all(
        OLD in known[type_] for type_ in ("loadbalancers", "routetables", "virtualnetworkgateways", "natgateways")
    )
