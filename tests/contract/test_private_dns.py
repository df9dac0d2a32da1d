"""privateDnsZones: written by operations, their record sets at once, and links to the networks that they answer in."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.mgmt.privatedns import PrivateDnsManagementClient
from azure.mgmt.privatedns import models as private

from tests.contract.bodies import NETWORKS, PRIVATE_ZONES, Body, link, network
from tests.contract.cloud import Arm, Group, sdk_options

GLOBAL = {"location": "global"}


@pytest.fixture(scope="module")
def client(arm: Arm) -> Iterator[PrivateDnsManagementClient]:
    """The SDK's client."""
    with arm.cloud.credential() as credential:
        made = PrivateDnsManagementClient(credential, arm.cloud.subscription, **sdk_options(arm.cloud))
        yield made
        made.close()


@pytest.fixture
def zone(group: Group, arm: Arm) -> str:
    """The id of corp.example."""
    return str(arm.make(group.path(PRIVATE_ZONES, "corp.example"), GLOBAL)["id"])


@pytest.fixture
def net(group: Group, arm: Arm) -> str:
    """The id of a network."""
    return str(arm.make(group.path(NETWORKS, "net"), network())["id"])


def a(*addresses: str, **properties: Any) -> Body:
    """An A record set."""
    return {"properties": {"ttl": 60, "aRecords": [{"ipv4Address": ip} for ip in addresses], **properties}}


def test_the_sdk_makes_a_zone_a_link_and_records_and_removes_them(
    client: PrivateDnsManagementClient, group: Group, net: str
) -> None:
    zones, links, records = client.private_zones, client.virtual_network_links, client.record_sets
    made = zones.begin_create_or_update(group.name, "corp.example", private.PrivateZone(location="global")).result()
    assert made.properties is not None
    assert (made.location, made.properties.provisioning_state) == ("global", "Succeeded")
    linked = links.begin_create_or_update(
        group.name, "corp.example", "net", private.VirtualNetworkLink(link(net))
    ).result()
    assert linked.properties is not None
    assert linked.properties.virtual_network_link_state == "Completed"
    db = records.create_or_update(group.name, "corp.example", "A", "db", private.RecordSet(a("10.0.0.9")))
    assert db.properties is not None
    assert (db.properties.fqdn, db.properties.ttl) == ("db.corp.example.", 60)
    assert {r.name for r in records.list(group.name, "corp.example")} == {"@", "db"}
    assert [r.name for r in records.list_by_type(group.name, "corp.example", "A")] == ["db"]
    records.delete(group.name, "corp.example", "A", "db")
    links.begin_delete(group.name, "corp.example", "net").result()
    zones.begin_delete(group.name, "corp.example").result()
    assert list(zones.list_by_resource_group(group.name)) == []


def test_zones_and_links_are_written_by_operations_without_a_body(group: Group, arm: Arm, net: str) -> None:
    zone = group.path(PRIVATE_ZONES, "corp.example")
    for path, body in ((zone, GLOBAL), (f"{zone}/virtualNetworkLinks/net", link(net))):
        for again in range(2):
            reply = arm.put(path, body)
            assert (reply.status, reply.text) == (202, ""), again
            assert "/providers/Microsoft.Network/privateDnsOperationStatuses/" in reply.headers["Azure-AsyncOperation"]
            assert "/providers/Microsoft.Network/privateDnsOperationResults/" in reply.headers["Location"]
            assert arm.ended(reply) == {"status": "Succeeded"}
            assert arm.get(reply.headers["Location"]).status == 200


def test_a_zone_that_is_being_made_takes_no_second_write(unhurried: Arm) -> None:
    group = f"/subscriptions/{unhurried.cloud.subscription}/resourceGroups/private"
    unhurried.put(group, {"location": "westeurope"})
    zone = f"{group}/providers/{PRIVATE_ZONES}/corp.example"
    assert unhurried.put(zone, GLOBAL).status == 202
    assert unhurried.get(zone).state == "Creating"
    reply = unhurried.put(zone, GLOBAL)
    assert (reply.status, reply.code) == (409, "Conflict")


def test_a_zone_is_global_and_has_two_labels(group: Group, arm: Arm) -> None:
    reply = arm.put(group.path(PRIVATE_ZONES, "corp.example"), {"location": "westeurope"})
    assert (reply.status, reply.code) == (400, "LocationNotAvailableForResourceType")
    assert arm.put(group.path(PRIVATE_ZONES, "corp"), GLOBAL).status == 400


def test_a_zone_has_its_soa_from_the_start_and_no_name_servers(zone: str, arm: Arm) -> None:
    [soa] = arm.get(f"{zone}/ALL").body["value"]
    assert (soa["name"], soa["type"]) == ("@", f"{PRIVATE_ZONES}/SOA")
    assert soa["properties"]["soaRecord"]["host"] == "azureprivatedns.net"
    assert arm.delete(f"{zone}/SOA/@").status == 400


def test_a_zone_counts_its_record_sets_and_links(zone: str, net: str, arm: Arm) -> None:
    arm.put(f"{zone}/A/db", a("10.0.0.9"))
    arm.make(f"{zone}/virtualNetworkLinks/net", link(net, registrationEnabled=True))
    told = arm.get(zone).body["properties"]
    assert (told["numberOfRecordSets"], told["maxNumberOfRecordSets"]) == (2, 25000)
    assert (told["numberOfVirtualNetworkLinks"], told["maxNumberOfVirtualNetworkLinks"]) == (1, 1000)
    assert (
        told["numberOfVirtualNetworkLinksWithRegistration"],
        told["maxNumberOfVirtualNetworkLinksWithRegistration"],
    ) == (1, 100)


def test_a_zone_with_links_cannot_be_deleted_but_with_its_group(
    client: PrivateDnsManagementClient, zone: str, net: str, group: Group, arm: Arm
) -> None:
    arm.make(f"{zone}/virtualNetworkLinks/net", link(net))
    with pytest.raises(ResourceExistsError) as refused:
        client.private_zones.begin_delete(group.name, "corp.example").result()
    assert refused.value.error is not None
    assert refused.value.error.code == "CannotDeleteResource"
    reply = arm.delete(group.id)
    assert arm.get(reply.headers["Location"]).status in {200, 202}


def test_a_link_leads_to_a_network_that_exists_and_stays_with_it(zone: str, net: str, group: Group, arm: Arm) -> None:
    path = f"{zone}/virtualNetworkLinks/net"
    assert arm.put(path, link(group.path(NETWORKS, "none"))).status == 400
    arm.make(path, link(net))
    other = arm.make(group.path(NETWORKS, "other"), network(prefix="10.1.0.0/16"))["id"]
    assert arm.put(path, link(other)).status == 400


def test_a_network_is_linked_once_to_a_name_and_registers_in_one_zone(
    zone: str, net: str, group: Group, arm: Arm
) -> None:
    arm.make(f"{zone}/virtualNetworkLinks/net", link(net, registrationEnabled=True))
    reply = arm.put(f"{zone}/virtualNetworkLinks/again", link(net))
    assert (reply.status, reply.code) == (400, "BadRequest")
    other = arm.make(group.path(PRIVATE_ZONES, "lab.example"), GLOBAL)["id"]
    reply = arm.put(f"{other}/virtualNetworkLinks/net", link(net, registrationEnabled=True))
    assert (reply.status, reply.code) == (400, "BadRequest")
    arm.make(f"{other}/virtualNetworkLinks/net", link(net))


def test_a_network_that_is_linked_can_go_and_the_link_stays(zone: str, net: str, arm: Arm) -> None:
    path = f"{zone}/virtualNetworkLinks/net"
    arm.make(path, link(net))
    arm.remove(net)
    assert arm.get(path).status == 200


def test_the_preconditions_of_zones_and_record_sets(zone: str, arm: Arm) -> None:
    for path, body in ((zone, GLOBAL), (f"{zone}/A/db", a("10.0.0.9"))):
        arm.make(path, body)
        etag = arm.get(path).body["etag"]
        assert arm.put(path, body, If_None_Match="*").status == 412
        assert arm.put(path, body, If_Match="other").status == 412
        assert arm.put(path, body, If_Match=etag).status in {200, 202}


@pytest.mark.parametrize(
    ("kind", "records"),
    [
        ("AAAA", {"aaaaRecords": [{"ipv6Address": "fd00::1"}]}),
        ("CNAME", {"cnameRecord": {"cname": "db.corp.example"}}),
        ("MX", {"mxRecords": [{"preference": 10, "exchange": "mail.corp.example"}]}),
        ("PTR", {"ptrRecords": [{"ptrdname": "db.corp.example"}]}),
        ("SRV", {"srvRecords": [{"priority": 1, "weight": 1, "port": 5432, "target": "db.corp.example"}]}),
        ("TXT", {"txtRecords": [{"value": ["a", "b"]}]}),
    ],
)
def test_record_sets_of_every_type_are_spelled_in_camel_case(zone: str, arm: Arm, kind: str, records: Body) -> None:
    reply = arm.put(f"{zone}/{kind}/x", {"properties": {"ttl": 5, "metadata": {"owner": "me"}, **records}})
    assert reply.status == 201
    told = reply.body["properties"]
    assert (told["ttl"], told["metadata"], told["isAutoRegistered"]) == (5, {"owner": "me"}, False)
    assert {key: told[key] for key in records} == records


def test_a_private_zone_has_no_caa_and_no_ns_sets(zone: str, arm: Arm) -> None:
    for kind in ("CAA", "NS"):
        reply = arm.get(f"{zone}/{kind}")
        assert (reply.status, reply.code) == (404, "InvalidResourceType")
