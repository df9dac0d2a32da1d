"""virtualNetworkGateways, localNetworkGateways and connections: who leads where, and keys that a GET does not show."""

import pytest
from azure.mgmt.network import models

from tests.contract.bodies import (
    ADDRESSES,
    CONNECTIONS,
    LOCAL_GATEWAYS,
    NETWORKS,
    VPN_GATEWAYS,
    Body,
    address,
    connection,
    gateway_entries,
    local_gateway,
    network,
    subnet,
    vpn_gateway,
)
from tests.contract.cloud import Arm, Clients, Group
from tests.contract.conftest import new_group

BGP = {"asn": 65010, "bgpPeeringAddress": "192.168.0.1"}


def net_of(group: Group, arm: Arm, name: str = "net", prefix: str = "10.0.0.0/27") -> str:
    """The id of a network's GatewaySubnet."""
    body = network(subnet("GatewaySubnet", prefix), subnet("other", "10.0.1.0/24"))
    return f"{arm.make(group.path(NETWORKS, name), body)['id']}/subnets/GatewaySubnet"


def ip_of(group: Group, arm: Arm, name: str = "ip") -> str:
    """The id of a public address."""
    return str(arm.make(group.path(ADDRESSES, name), address())["id"])


@pytest.fixture
def gateway(group: Group, arm: Arm) -> str:
    """The id of a VPN gateway."""
    body = vpn_gateway(*gateway_entries(net_of(group, arm), ip_of(group, arm)))
    return str(arm.make(group.path(VPN_GATEWAYS, "gw"), body)["id"])


@pytest.fixture
def office(group: Group, arm: Arm) -> str:
    """The id of a local network gateway."""
    return str(arm.make(group.path(LOCAL_GATEWAYS, "office"), local_gateway())["id"])


def test_the_sdk_makes_a_whole_vpn_and_removes_it(sdk: Clients, group: Group, arm: Arm) -> None:
    client = sdk.network
    gateways, locals_, tunnels = (
        client.virtual_network_gateways,
        client.local_network_gateways,
        client.virtual_network_gateway_connections,
    )
    body = vpn_gateway(*gateway_entries(net_of(group, arm), ip_of(group, arm)))
    made = gateways.begin_create_or_update(group.name, "gw", models.VirtualNetworkGateway(body)).result()
    assert (made.provisioning_state, made.vpn_type) == ("Succeeded", "RouteBased")
    site = locals_.begin_create_or_update(group.name, "office", models.LocalNetworkGateway(local_gateway())).result()
    assert made.id is not None
    assert site.id is not None
    tie = connection(made.id, site.id, sharedKey="s3cret")
    tunnels.begin_create_or_update(group.name, "tunnel", models.VirtualNetworkGatewayConnection(tie)).result()
    shown = tunnels.get(group.name, "tunnel")
    assert (shown.connection_status, shown.shared_key, shown.connection_protocol) == ("NotConnected", None, "IKEv2")
    assert tunnels.get_shared_key(group.name, "tunnel").value == "s3cret"
    assert [c.name for c in gateways.list_connections(group.name, "gw")] == ["tunnel"]
    tunnels.begin_delete(group.name, "tunnel").result()
    locals_.begin_delete(group.name, "office").result()
    gateways.begin_delete(group.name, "gw").result()
    assert list(gateways.list(group.name)) == []


def test_azure_fills_in_what_a_gateway_leaves_out(gateway: str, arm: Arm) -> None:
    told = arm.get(gateway).body["properties"]
    assert told["sku"] == {"name": "VpnGw1AZ", "tier": "VpnGw1AZ", "capacity": 2}
    assert (told["enableBgp"], told["activeActive"], told["vpnGatewayGeneration"]) == (False, False, "Generation1")
    assert (told["bgpSettings"]["asn"], told["bgpSettings"]["bgpPeeringAddress"]) == (65515, "10.0.0.30")


def test_a_gateway_is_long_in_the_making_and_busy_meanwhile(brisk: Arm) -> None:
    group = new_group(brisk)
    body = vpn_gateway(*gateway_entries(net_of(group, brisk), ip_of(group, brisk)))
    path = group.path(VPN_GATEWAYS, "gw")
    reply = brisk.put(path, body)
    assert (reply.status, reply.state) == (201, "Updating")
    assert brisk.put(path, body).code == "RetryableError"
    office = brisk.make(group.path(LOCAL_GATEWAYS, "office"), local_gateway())["id"]
    reply = brisk.put(group.path(CONNECTIONS, "tunnel"), connection(path, office))
    assert (reply.status, reply.code) == (429, "RetryableError")


def test_addresses_and_subnet_know_the_gateway_and_stay(gateway: str, group: Group, arm: Arm) -> None:
    ip, net = group.path(ADDRESSES, "ip"), group.path(NETWORKS, "net")
    entry = {"id": f"{gateway}/ipConfigurations/c0"}
    assert arm.get(ip).body["properties"]["ipConfiguration"] == entry
    assert arm.get(f"{net}/subnets/GatewaySubnet").body["properties"]["ipConfigurations"] == [entry]
    assert arm.delete(ip).code == "PublicIPAddressCannotBeDeleted"
    for path in (net, f"{net}/subnets/GatewaySubnet"):
        assert arm.delete(path).code == "InUseSubnetCannotBeDeleted"
    arm.remove(gateway)
    arm.remove(ip)
    arm.remove(net)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"gatewayType": None}, 400),
        ({"gatewayType": "ExpressRoute"}, 501),
        ({"sku": {"name": "ErGw1AZ"}}, 400),
        ({"sku": {"name": "VpnGw1AZ", "tier": "VpnGw2AZ"}}, 400),
        ({"sku": {"name": "Huge"}}, 400),
        ({"ipConfigurations": []}, 400),
        ({"activeActive": True}, 400),
        ({"vpnClientConfiguration": {"aadTenant": "x"}}, 501),
    ],
    ids=str,
)
def test_what_a_gateway_cannot_be(group: Group, arm: Arm, change: Body, status: int) -> None:
    body = vpn_gateway(*gateway_entries(net_of(group, arm), ip_of(group, arm)))
    body["properties"] |= change
    assert arm.put(group.path(VPN_GATEWAYS, "gw"), body).status == status


def test_a_gateway_is_in_a_gateway_subnet_that_is_large_enough(group: Group, arm: Arm) -> None:
    ip = ip_of(group, arm)
    small = net_of(group, arm, "small", "10.0.0.0/28")
    for where in (small, small.replace("/GatewaySubnet", "/other")):
        reply = arm.put(group.path(VPN_GATEWAYS, "gw"), vpn_gateway(*gateway_entries(where, ip)))
        assert (reply.status, reply.code) == (400, "VirtualNetworkGatewayInvalid"), where
    made = arm.make(group.path(VPN_GATEWAYS, "gw"), vpn_gateway(*gateway_entries(small, ip), sku={"name": "Basic"}))
    assert made["properties"]["sku"]["tier"] == "Basic"


def test_a_network_has_one_gateway(gateway: str, group: Group, arm: Arm) -> None:
    where = f"{group.path(NETWORKS, 'net')}/subnets/GatewaySubnet"
    reply = arm.put(f"{gateway}2", vpn_gateway(*gateway_entries(where, ip_of(group, arm, "ip2"))))
    assert (reply.status, reply.code) == (400, "VirtualNetworkGatewayInvalid")
    assert gateway in reply.message


def test_a_gateway_that_is_active_twice_has_two_addresses(group: Group, arm: Arm) -> None:
    ips = ip_of(group, arm), ip_of(group, arm, "ip2")
    where = net_of(group, arm)
    made = arm.make(group.path(VPN_GATEWAYS, "gw"), vpn_gateway(*gateway_entries(where, *ips), activeActive=True))
    assert made["properties"]["bgpSettings"]["bgpPeeringAddress"] == "10.0.0.30,10.0.0.29"
    reply = arm.put(
        group.path(VPN_GATEWAYS, "gw"), vpn_gateway(*gateway_entries(where, ips[0], ips[0]), activeActive=True)
    )
    assert reply.status == 400


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"gatewayIpAddress": None}, "LocalNetworkGatewayInvalid"),
        ({"fqdn": "vpn.example"}, "LocalNetworkGatewayInvalid"),
        ({"gatewayIpAddress": "nowhere"}, "InvalidIPAddressFormat"),
        ({"localNetworkAddressSpace": {"addressPrefixes": ["192.168.0.1/24"]}}, "InvalidCIDRNotation"),
    ],
    ids=str,
)
def test_what_a_local_gateway_cannot_be(group: Group, arm: Arm, properties: Body, code: str) -> None:
    reply = arm.put(group.path(LOCAL_GATEWAYS, "office"), local_gateway(**properties))
    assert (reply.status, reply.code) == (400, code)


def test_a_connection_keeps_its_ends(gateway: str, office: str, group: Group, arm: Arm) -> None:
    path = group.path(CONNECTIONS, "tunnel")
    arm.make(path, connection(gateway, office))
    for end, code in ((gateway, "VirtualNetworkGatewayInUse"), (office, "LocalNetworkGatewayInUse")):
        reply = arm.delete(end)
        assert (reply.status, reply.code) == (400, code)
        assert path in reply.message
    arm.remove(path)
    arm.remove(office)
    arm.remove(gateway)


def test_a_connection_leads_to_what_exists_and_is_of_its_type(
    gateway: str, office: str, group: Group, arm: Arm
) -> None:
    path = group.path(CONNECTIONS, "tunnel")
    for body, code in (
        (connection(gateway, group.path(LOCAL_GATEWAYS, "none")), "InvalidResourceReference"),
        (connection(gateway, gateway), "InvalidResourceReference"),
        (connection(office, office), "InvalidResourceReference"),
        (connection(gateway, gateway, kind="Vnet2Vnet"), "ConnectionInvalid"),
        ({**connection(gateway, office), "location": "northeurope"}, "InvalidResourceReference"),
        (connection(gateway, office, localNetworkGateway2=None), "ConnectionInvalid"),
        (connection(gateway, office, enableBgp=True), "ConnectionInvalid"),
    ):
        reply = arm.put(path, body)
        assert (reply.status, reply.code) == (400, code), body


def test_bgp_needs_a_number_at_both_ends(group: Group, arm: Arm) -> None:
    body = vpn_gateway(*gateway_entries(net_of(group, arm), ip_of(group, arm)), enableBgp=True)
    gateway = arm.make(group.path(VPN_GATEWAYS, "gw"), body)["id"]
    office = arm.make(group.path(LOCAL_GATEWAYS, "office"), local_gateway(bgpSettings=BGP))["id"]
    made = arm.make(group.path(CONNECTIONS, "tunnel"), connection(gateway, office, enableBgp=True))
    assert made["properties"]["enableBgp"] is True


def test_the_key_of_a_connection_is_shown_by_its_own_path_alone(
    gateway: str, office: str, group: Group, arm: Arm
) -> None:
    path = group.path(CONNECTIONS, "tunnel")
    body = connection(gateway, office, sharedKey="s3cret")
    reply = arm.put(path, body)
    arm.ended(reply)
    for text in (reply.text, arm.get(path).text, arm.get(group.path(CONNECTIONS)).text):
        assert "s3cret" not in text
    assert arm.get(f"{path}/sharedkey").body == {"value": "s3cret"}


def test_a_put_without_the_key_keeps_it_and_a_new_connection_gets_one(
    gateway: str, office: str, group: Group, arm: Arm
) -> None:
    path = group.path(CONNECTIONS, "tunnel")
    made = arm.make(path, connection(gateway, office))
    key = arm.get(f"{path}/sharedkey").body["value"]
    assert len(key) >= 16
    arm.make(path, made)
    assert arm.get(f"{path}/sharedkey").body["value"] == key


def test_the_sdk_replaces_the_key(sdk: Clients, gateway: str, office: str, group: Group, arm: Arm) -> None:
    path = group.path(CONNECTIONS, "tunnel")
    arm.make(path, connection(gateway, office))
    tunnels = sdk.network.virtual_network_gateway_connections
    given = models.ConnectionSharedKey(value="another")
    assert tunnels.begin_set_shared_key(group.name, "tunnel", given).result().value == "another"
    assert tunnels.get_shared_key(group.name, "tunnel").value == "another"
    assert arm.get(path).state == "Succeeded"


@pytest.mark.parametrize("key", ["", "x" * 129, "schlüssel"])
def test_a_key_is_short_and_printable(gateway: str, office: str, group: Group, arm: Arm, key: str) -> None:
    path = group.path(CONNECTIONS, "tunnel")
    arm.make(path, connection(gateway, office))
    reply = arm.put(f"{path}/sharedkey", {"value": key})
    assert (reply.status, reply.code) == (400, "SharedKeyInvalid")
    assert arm.put(f"{path}/sharedkey", {}).status == 400
    assert arm.put(f"{path}/sharedkey/named", {"value": "x"}).status == 404


def test_two_gateways_are_connected_when_each_leads_to_the_other_with_one_key(
    gateway: str, group: Group, arm: Arm
) -> None:
    where = net_of(group, arm, "net2")
    other = arm.make(group.path(VPN_GATEWAYS, "gw2"), vpn_gateway(*gateway_entries(where, ip_of(group, arm, "ip2"))))[
        "id"
    ]
    there, back = group.path(CONNECTIONS, "there"), group.path(CONNECTIONS, "back")

    def status() -> str:
        return str(arm.get(there).body["properties"]["connectionStatus"])

    arm.make(there, connection(gateway, other, kind="Vnet2Vnet", sharedKey="one"))
    assert status() == "NotConnected"
    arm.make(back, connection(other, gateway, kind="Vnet2Vnet", sharedKey="two"))
    assert status() == "NotConnected"
    arm.make(back, connection(other, gateway, kind="Vnet2Vnet", sharedKey="one"))
    assert status() == "Connected"
