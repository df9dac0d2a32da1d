"""publicIPAddresses: each its own address, kept for its life."""

import ipaddress

from azure.mgmt.network import models

from tests.contract.bodies import ADDRESSES, BALANCERS, address, balancer
from tests.contract.cloud import Arm, Clients, Group


def test_the_sdk_makes_updates_and_removes_an_address(sdk: Clients, group: Group) -> None:
    addresses = sdk.network.public_ip_addresses
    made = addresses.begin_create_or_update(group.name, "ip", models.PublicIPAddress(address())).result()
    assert made.provisioning_state == "Succeeded"
    assert made.ip_address is not None
    again = addresses.begin_create_or_update(
        group.name, "ip", models.PublicIPAddress({**address(), "tags": {"a": "b"}})
    ).result()
    assert (again.ip_address, again.tags) == (made.ip_address, {"a": "b"})
    assert [found.name for found in addresses.list(group.name)] == ["ip"]
    addresses.begin_delete(group.name, "ip").result()
    assert list(addresses.list(group.name)) == []


def test_every_address_is_its_own_out_of_the_public_range(group: Group, arm: Arm) -> None:
    found = [arm.make(group.path(ADDRESSES, f"ip{i}"), address())["properties"]["ipAddress"] for i in range(3)]
    assert len(set(found)) == 3
    assert all(ipaddress.ip_address(ip) in ipaddress.ip_network("203.0.113.0/24") for ip in found)


def test_an_address_is_given_back_when_it_is_deleted(group: Group, arm: Arm) -> None:
    first = arm.make(group.path(ADDRESSES, "ip"), address())["properties"]["ipAddress"]
    arm.remove(group.path(ADDRESSES, "ip"))
    assert arm.make(group.path(ADDRESSES, "other"), address())["properties"]["ipAddress"] == first


def test_azure_fills_in_sku_version_method_and_timeout(group: Group, arm: Arm) -> None:
    made = arm.make(group.path(ADDRESSES, "ip"), {"location": "westeurope"})
    assert made["sku"] == {"name": "Standard", "tier": "Regional"}
    properties = made["properties"]
    assert properties["publicIPAddressVersion"] == "IPv4"
    assert properties["publicIPAllocationMethod"] == "Static"
    assert properties["idleTimeoutInMinutes"] == 4


def test_a_standard_address_is_static(group: Group, arm: Arm) -> None:
    reply = arm.put(group.path(ADDRESSES, "ip"), address(publicIPAllocationMethod="Dynamic"))
    assert (reply.status, reply.code) == (400, "StandardSkuPublicIPAddressesMustBeStatic")


def test_the_idle_timeout_is_4_to_30_minutes(group: Group, arm: Arm) -> None:
    for minutes, status in ((3, 400), (4, 201), (30, 200), (31, 400)):
        reply = arm.put(group.path(ADDRESSES, "ip"), address(idleTimeoutInMinutes=minutes))
        assert reply.status == status
        arm.ended(reply)


def test_a_domain_name_label_gives_a_name_in_the_region(group: Group, arm: Arm) -> None:
    made = arm.make(group.path(ADDRESSES, "ip"), address(dnsSettings={"domainNameLabel": "shop-a"}))
    assert made["properties"]["dnsSettings"]["fqdn"] == "shop-a.westeurope.cloudapp.azure.com"


def test_a_domain_name_label_is_unique_in_its_region(group: Group, arm: Arm) -> None:
    arm.make(group.path(ADDRESSES, "one"), address(dnsSettings={"domainNameLabel": "shop-b"}))
    reply = arm.put(group.path(ADDRESSES, "two"), address(dnsSettings={"domainNameLabel": "shop-b"}))
    assert (reply.status, reply.code) == (400, "DnsRecordInUse")


def test_an_invalid_domain_name_label_is_refused(group: Group, arm: Arm) -> None:
    for label in ("Shop", "-shop", "s", "shop\n"):
        reply = arm.put(group.path(ADDRESSES, "ip"), address(dnsSettings={"domainNameLabel": label}))
        assert (reply.status, reply.code) == (400, "InvalidDomainNameLabel"), label


def test_a_name_that_network_does_not_take_is_refused(group: Group, arm: Arm) -> None:
    for name in ("-ip", "ip-", "ip%20x", "x" * 81, "ip%0A"):
        reply = arm.put(group.path(ADDRESSES, name), address())
        assert (reply.status, reply.code) == (400, "InvalidResourceName"), name


def test_a_resource_needs_a_location_and_cannot_move(group: Group, arm: Arm) -> None:
    assert arm.put(group.path(ADDRESSES, "ip"), {"properties": {}}).code == "LocationRequired"
    arm.make(group.path(ADDRESSES, "ip"), address())
    reply = arm.put(group.path(ADDRESSES, "ip"), {**address(), "location": "northeurope"})
    assert (reply.status, reply.code) == (409, "InvalidResourceLocation")


def test_a_location_is_one_however_it_is_spelled(group: Group, arm: Arm) -> None:
    assert arm.make(group.path(ADDRESSES, "ip"), {**address(), "location": "West Europe"})["location"] == "westeurope"


def test_a_location_that_azure_does_not_have_is_refused(group: Group, arm: Arm) -> None:
    reply = arm.put(group.path(ADDRESSES, "ip"), {**address(), "location": "mars"})
    assert (reply.status, reply.code) == (400, "LocationNotAvailableForResourceType")


def test_an_address_knows_its_user_and_cannot_be_deleted_while_used(group: Group, arm: Arm) -> None:
    path, lb = group.path(ADDRESSES, "ip"), group.path(BALANCERS, "lb")
    made = arm.make(path, address())
    arm.make(lb, balancer(lb, address_id=made["id"]))
    user = arm.get(path).body["properties"]["ipConfiguration"]["id"]
    assert user == f"{lb}/frontendIPConfigurations/front"
    reply = arm.delete(path)
    assert (reply.status, reply.code) == (400, "PublicIPAddressCannotBeDeleted")
    assert user in reply.message
    arm.remove(lb)
    assert "ipConfiguration" not in arm.get(path).body["properties"]
    arm.remove(path)


def test_the_back_reference_is_read_only(group: Group, arm: Arm) -> None:
    made = arm.make(group.path(ADDRESSES, "ip"), address(ipConfiguration={"id": "/invented"}, ipAddress="1.2.3.4"))
    assert "ipConfiguration" not in made["properties"]
    assert made["properties"]["ipAddress"] != "1.2.3.4"


def test_tags_can_be_patched(sdk: Clients, group: Group, arm: Arm) -> None:
    arm.make(group.path(ADDRESSES, "ip"), address())
    patched = sdk.network.public_ip_addresses.update_tags(group.name, "ip", {"tags": {"team": "shop"}})
    assert patched.tags == {"team": "shop"}


def test_zones_are_settled_at_creation(group: Group, arm: Arm) -> None:
    path = group.path(ADDRESSES, "ip")
    made = arm.make(path, {**address(), "zones": ["1", "2", "3"]})
    assert made["zones"] == ["1", "2", "3"]
    reply = arm.put(path, {**address(), "zones": ["1"]})
    assert (reply.status, reply.code) == (400, "ResourceAvailabilityZonesCannotBeModified")
    assert arm.make(path, address())["zones"] == ["1", "2", "3"]


def test_what_nothing_here_would_do_for_an_address_is_501(group: Group, arm: Arm) -> None:
    for body in (
        {**address(), "sku": {"name": "Standard", "tier": "Global"}},
        address(publicIPPrefix={"id": "/prefix"}),
        address(dnsSettings={"domainNameLabel": "label", "reverseFqdn": "label.example."}),
        address(publicIPAddressVersion="IPv6"),
    ):
        reply = arm.put(group.path(ADDRESSES, "ip"), body)
        assert (reply.status, reply.code) == (501, "NotImplemented"), body


def test_basic_addresses_are_retired(group: Group, arm: Arm) -> None:
    reply = arm.put(group.path(ADDRESSES, "ip"), {**address(), "sku": {"name": "Basic"}})
    assert (reply.status, reply.code) == (400, "PublicIPSkuNotSupported")
