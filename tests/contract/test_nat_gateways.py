"""natGateways: public addresses that are theirs alone, and the subnets that go out by them."""

import pytest
from azure.mgmt.network import models

from tests.contract.bodies import ADDRESSES, NAT_GATEWAYS, NETWORKS, Body, address, nat_gateway, network, subnet
from tests.contract.cloud import Arm, Clients, Group


@pytest.fixture
def ip(group: Group, arm: Arm) -> str:
    """The id of a public address."""
    return str(arm.make(group.path(ADDRESSES, "ip"), address())["id"])


@pytest.fixture
def nat(group: Group) -> str:
    """The id of a NAT gateway to be."""
    return group.path(NAT_GATEWAYS, "nat")


def test_the_sdk_makes_a_gateway_and_removes_it(sdk: Clients, group: Group, ip: str) -> None:
    gateways = sdk.network.nat_gateways
    made = gateways.begin_create_or_update(group.name, "nat", models.NatGateway(nat_gateway(ip))).result()
    assert made.sku is not None
    assert (made.sku.name, made.idle_timeout_in_minutes, made.provisioning_state) == ("Standard", 4, "Succeeded")
    assert [entry.id for entry in made.public_ip_addresses or []] == [ip]
    gateways.begin_delete(group.name, "nat").result()
    assert list(gateways.list(group.name)) == []


def test_an_address_tells_its_gateway_and_stays_as_long_as_that_uses_it(nat: str, ip: str, arm: Arm) -> None:
    arm.make(nat, nat_gateway(ip))
    shown = arm.get(ip).body
    assert shown["properties"]["natGateway"] == {"id": nat}
    reply = arm.delete(ip)
    assert (reply.status, reply.code) == (400, "PublicIPAddressCannotBeDeleted")
    assert nat in reply.message
    assert arm.make(ip, shown)["properties"]["natGateway"] == {"id": nat}, "what was read can be written back"
    arm.make(nat, nat_gateway())
    assert "natGateway" not in arm.get(ip).body["properties"]
    arm.remove(ip)


def test_a_gateway_that_goes_lets_go_of_its_address(nat: str, ip: str, arm: Arm) -> None:
    arm.make(nat, nat_gateway(ip))
    arm.remove(nat)
    assert "natGateway" not in arm.get(ip).body["properties"]


def test_an_address_has_one_holder(nat: str, ip: str, arm: Arm) -> None:
    arm.make(nat, nat_gateway(ip))
    reply = arm.put(f"{nat}2", nat_gateway(ip))
    assert (reply.status, reply.code) == (400, "PublicIPAddressInUse")


def test_its_addresses_exist_in_its_region(nat: str, group: Group, arm: Arm) -> None:
    far = arm.make(group.path(ADDRESSES, "far"), {**address(), "location": "northeurope"})["id"]
    for id_ in (far, group.path(ADDRESSES, "none")):
        reply = arm.put(nat, nat_gateway(id_))
        assert (reply.status, reply.code) == (400, "InvalidResourceReference")


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (nat_gateway(idleTimeoutInMinutes=3), (400, "NatGatewayIdleTimeoutIsOutOfRange")),
        (nat_gateway(idleTimeoutInMinutes=121), (400, "NatGatewayIdleTimeoutIsOutOfRange")),
        ({**nat_gateway(), "sku": {"name": "Basic"}}, (400, "InvalidRequestFormat")),
        ({**nat_gateway(), "sku": {"name": "StandardV2"}}, (501, "NotImplemented")),
        (nat_gateway(publicIpPrefixes=[{"id": "/x"}]), (501, "NotImplemented")),
    ],
    ids=str,
)
def test_what_a_gateway_cannot_be(nat: str, arm: Arm, body: Body, refusal: tuple[int, str]) -> None:
    reply = arm.put(nat, body)
    assert (reply.status, reply.code) == refusal


def test_a_gateway_lists_its_subnets_and_stays_as_long_as_one_uses_it(nat: str, group: Group, arm: Arm) -> None:
    arm.make(nat, nat_gateway())
    net = arm.make(group.path(NETWORKS, "net"), network(subnet("a", "10.0.0.0/24", natGateway={"id": nat})))["id"]
    assert arm.get(nat).body["properties"]["subnets"] == [{"id": f"{net}/subnets/a"}]
    reply = arm.delete(nat)
    assert (reply.status, reply.code) == (400, "InUseNatGatewayCannotBeDeleted")
    assert f"{net}/subnets/a" in reply.message
    arm.make(f"{net}/subnets/a", {"properties": {"addressPrefix": "10.0.0.0/24"}})
    arm.remove(nat)


def test_the_subnet_of_vpn_gateways_has_no_nat_gateway(nat: str, group: Group, arm: Arm) -> None:
    arm.make(nat, nat_gateway())
    body = network(subnet("GatewaySubnet", "10.0.0.0/24", natGateway={"id": nat}))
    reply = arm.put(group.path(NETWORKS, "net"), body)
    assert (reply.status, reply.code) == (400, "NatGatewayCannotBeAttachedToGatewaySubnet")
