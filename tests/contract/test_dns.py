"""dnsZones and record sets: made at once, spelled as Azure spells them."""

from typing import Any

import pytest
from azure.mgmt.dns.models import ARecord, RecordSet, TxtRecord, Zone

from tests.contract import bodies
from tests.contract.bodies import ADDRESSES, ZONES
from tests.contract.cloud import Arm, Clients, Group


@pytest.fixture
def zone(group: Group, arm: Arm) -> str:
    """The id of demo.example."""
    return str(arm.put(group.path(ZONES, "demo.example"), {"location": "global"}).body["id"])


def a(*addresses: str, ttl: int = 60, **properties: Any) -> dict[str, Any]:
    """An A record set."""
    return {"properties": {"TTL": ttl, "ARecords": [{"ipv4Address": ip} for ip in addresses], **properties}}


def test_the_sdk_makes_a_zone_and_records_and_removes_them(sdk: Clients, group: Group) -> None:
    zones, records = sdk.dns.zones, sdk.dns.record_sets
    zone = zones.create_or_update(group.name, "demo.example", Zone(location="global"))
    assert (zone.location, zone.zone_type, zone.number_of_record_sets) == ("global", "Public", 2)
    www = RecordSet(ttl=60, a_records=[ARecord(ipv4_address="203.0.113.9")], metadata={"owner": "me"})
    made = records.create_or_update(group.name, "demo.example", "www", "A", www)
    assert (made.fqdn, made.ttl, made.metadata) == ("www.demo.example.", 60, {"owner": "me"})
    assert [r.ipv4_address for r in made.a_records or []] == ["203.0.113.9"]
    records.create_or_update(
        group.name, "demo.example", "t", "TXT", RecordSet(ttl=5, txt_records=[TxtRecord(value=["a", "b"])])
    )
    assert {r.name for r in records.list_by_dns_zone(group.name, "demo.example")} == {"@", "www", "t"}
    assert {r.name for r in records.list_all_by_dns_zone(group.name, "demo.example")} == {"@", "www", "t"}
    records.delete(group.name, "demo.example", "www", "A")
    assert [r.name for r in records.list_by_type(group.name, "demo.example", "A")] == []
    zones.begin_delete(group.name, "demo.example").result()
    assert list(zones.list_by_resource_group(group.name)) == []


def test_a_zone_is_global(group: Group, arm: Arm) -> None:
    reply = arm.put(group.path(ZONES, "demo.example"), {"location": "westeurope"})
    assert (reply.status, reply.code) == (400, "LocationNotAvailableForResourceType")


def test_a_zone_has_at_least_two_labels(group: Group, arm: Arm) -> None:
    for name in (
        "example",
        "-demo.example",
        "demo..example",
        "demo.example%0A",
        "d%20mo.example",
        "x" * 64 + ".example",
    ):
        assert arm.put(group.path(ZONES, name), {"location": "global"}).status == 400, name


def test_a_zone_has_four_name_servers_and_room_for_ten_thousand_sets(zone: str, arm: Arm) -> None:
    properties = arm.get(zone).body["properties"]
    assert len(properties["nameServers"]) == 4
    assert properties["maxNumberOfRecordSets"] == 10000


def test_soa_and_ns_exist_from_the_start_and_cannot_be_deleted(zone: str, arm: Arm) -> None:
    soa, ns = arm.get(f"{zone}/SOA/@").body, arm.get(f"{zone}/NS/@").body
    servers = arm.get(zone).body["properties"]["nameServers"]
    assert soa["properties"]["SOARecord"]["host"] == servers[0]
    assert [r["nsdname"] for r in ns["properties"]["NSRecords"]] == servers
    for path in (f"{zone}/SOA/@", f"{zone}/NS/@"):
        assert arm.delete(path).status == 400


def test_record_sets_are_made_with_201_written_with_200_and_deleted_with_200(zone: str, arm: Arm) -> None:
    path = f"{zone}/A/www"
    assert [arm.put(path, a("203.0.113.9")).status, arm.put(path, a("203.0.113.10")).status] == [201, 200]
    assert [arm.delete(path).status, arm.delete(path).status] == [200, 204]
    assert (arm.get(path).status, arm.get(path).code) == (404, "NotFound")


def test_properties_are_spelled_in_pascal_case(zone: str, arm: Arm) -> None:
    properties = arm.put(f"{zone}/A/www", a("203.0.113.9")).body["properties"]
    assert properties.keys() >= {"TTL", "ARecords", "fqdn", "provisioningState"}


def test_a_body_in_any_case_is_understood(zone: str, arm: Arm) -> None:
    body = {"properties": {"ttl": 30, "aRecords": [{"ipv4Address": "203.0.113.9"}]}}
    properties = arm.put(f"{zone}/A/www", body).body["properties"]
    assert (properties["TTL"], properties["ARecords"]) == (30, [{"ipv4Address": "203.0.113.9"}])


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AAAA", {"AAAARecords": [{"ipv6Address": "2001:db8::1"}]}),
        ("CNAME", {"CNAMERecord": {"cname": "other.example"}}),
        ("TXT", {"TXTRecords": [{"value": ["one", "two"]}]}),
        ("MX", {"MXRecords": [{"preference": 10, "exchange": "mail.example"}]}),
        ("NS", {"NSRecords": [{"nsdname": "ns.example"}]}),
        ("SRV", {"SRVRecords": [{"priority": 1, "weight": 2, "port": 3, "target": "t.example"}]}),
        ("PTR", {"PTRRecords": [{"ptrdname": "p.example"}]}),
        ("CAA", {"caaRecords": [{"flags": 0, "tag": "issue", "value": "ca.example"}]}),
    ],
)
def test_every_record_type_is_kept_as_given(zone: str, arm: Arm, kind: str, properties: dict[str, Any]) -> None:
    reply = arm.put(f"{zone}/{kind}/x", {"properties": {"TTL": 60, **properties}})
    assert reply.status == 201
    [(field, value)] = properties.items()
    assert arm.get(f"{zone}/{kind}/x").body["properties"][field] == value
    assert arm.get(f"{zone}/{kind}/x").body["type"] == f"Microsoft.Network/dnszones/{kind}"


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("A", {"ARecords": [{"ipv4Address": "300.0.0.1"}]}),
        ("A", {"ARecords": [{"ipv4Address": "2001:db8::1"}]}),
        ("A", {"ARecords": [{}]}),
        ("A", {"ARecords": [{"ipv4Address": f"10.0.0.{i}"} for i in range(21)]}),
        ("AAAA", {"AAAARecords": [{"ipv6Address": "10.0.0.1"}]}),
        ("CNAME", {}),
        ("CNAME", {"CNAMERecord": {}}),
        ("MX", {"MXRecords": [{"preference": 10}]}),
        ("TXT", {"TXTRecords": [{"value": "no list"}]}),
        ("A", {"TTL": 0}),
        ("A", {"TTL": None}),
    ],
)
def test_a_record_that_is_none_is_refused(zone: str, arm: Arm, kind: str, properties: dict[str, Any]) -> None:
    assert arm.put(f"{zone}/{kind}/x", {"properties": {"TTL": 60, **properties}}).status == 400
    assert arm.get(f"{zone}/{kind}/x").status == 404


def test_a_cname_stands_alone(zone: str, arm: Arm) -> None:
    cname = {"properties": {"TTL": 60, "CNAMERecord": {"cname": "other.example"}}}
    arm.put(f"{zone}/A/www", a("203.0.113.9"))
    assert arm.put(f"{zone}/CNAME/www", cname).status == 400
    assert arm.put(f"{zone}/CNAME/alias", cname).status == 201
    assert arm.put(f"{zone}/A/alias", a("203.0.113.9")).status == 400
    assert arm.put(f"{zone}/CNAME/@", cname).status == 400


def test_names_may_be_the_apex_a_wildcard_or_have_labels_and_are_one_whatever_their_case(zone: str, arm: Arm) -> None:
    for name, fqdn in (
        ("@", "demo.example."),
        ("*", "*.demo.example."),
        ("a.b", "a.b.demo.example."),
        ("_t", "_t.demo.example."),
    ):
        assert arm.put(f"{zone}/A/{name}", a("203.0.113.9")).body["properties"]["fqdn"] == fqdn
    assert arm.put(f"{zone}/A/A.B", a("203.0.113.9")).status == 200
    for name in ("-a", "a..b", "a%20b", "*a", "x" * 64):
        assert arm.put(f"{zone}/A/{name}", a("203.0.113.9")).status == 400, name


def test_metadata_of_a_record_set_is_kept(zone: str, arm: Arm) -> None:
    arm.put(f"{zone}/A/www", a("203.0.113.9", metadata={"aks-operator-owner": "x/y/z"}))
    assert arm.get(f"{zone}/A/www").body["properties"]["metadata"] == {"aks-operator-owner": "x/y/z"}


def test_a_patch_replaces_what_it_tells_and_keeps_the_rest(zone: str, arm: Arm) -> None:
    path = f"{zone}/A/www"
    arm.put(path, {"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "10.0.0.1"}], "metadata": {"a": "b"}}})
    reply = arm.patch(path, {"properties": {"TTL": 300}})
    assert reply.status == 200
    properties = reply.body["properties"]
    assert (properties["TTL"], properties["ARecords"]) == (300, [{"ipv4Address": "10.0.0.1"}])
    assert properties["metadata"] == {"a": "b"}
    assert arm.patch(path, {"properties": {"TTL": 0}}).status == 400
    assert arm.patch(path, {"properties": {"TTL": 60}}, If_Match="stale").status == 412


@pytest.fixture
def address(group: Group, arm: Arm) -> str:
    """The id of a public address."""
    return str(arm.make(group.path(ADDRESSES, "ip"), bodies.address())["id"])


def alias(target: str, **properties: Any) -> dict[str, Any]:
    """A record set that stands for a resource."""
    return {"properties": {"TTL": 60, "targetResource": {"id": target}, **properties}}


def test_an_alias_stands_for_a_public_address_and_is_empty_when_that_is_gone(
    zone: str, address: str, arm: Arm, sdk: Clients, group: Group
) -> None:
    reply = arm.put(f"{zone}/A/www", alias(address))
    assert (reply.status, reply.body["properties"]["targetResource"]) == (201, {"id": address})
    read = sdk.dns.record_sets.get(group.name, "demo.example", "www", "A")
    assert (read.target_resource and read.target_resource.id, read.a_records or []) == (address, [])
    arm.remove(address)
    assert arm.get(f"{zone}/A/www").body["properties"]["targetResource"] == {"id": address}
    assert arm.put(f"{zone}/A/www", a("203.0.113.9")).body["properties"]["targetResource"] == {}


def test_an_alias_may_stand_for_another_record_set_of_its_type_and_zone(zone: str, arm: Arm) -> None:
    arm.put(f"{zone}/A/www", a("203.0.113.9"))
    assert arm.put(f"{zone}/A/@", alias(f"{zone}/A/www")).status == 201


def test_what_no_alias_can_be_is_refused(zone: str, address: str, group: Group, arm: Arm) -> None:
    arm.put(f"{zone}/A/www", a("203.0.113.9"))
    arm.put(f"{zone}/A/first", alias(f"{zone}/A/www"))
    for kind, body in (
        ("TXT", alias(address)),
        ("CNAME", alias(address)),
        ("A", alias(address, ARecords=[{"ipv4Address": "203.0.113.9"}])),
        ("A", alias(group.path(ADDRESSES, "none"))),
        ("A", alias(f"{zone}/A/x")),
        ("A", alias(f"{zone}/A/none")),
        ("A", alias(f"{zone}/A/first")),
        ("AAAA", alias(f"{zone}/A/www")),
        ("A", alias(zone)),
        ("A", alias("nonsense")),
    ):
        reply = arm.put(f"{zone}/{kind}/x", body)
        assert (reply.status, reply.code) == (400, "BadRequest"), (kind, body)
    elsewhere = group.path("Microsoft.Network/trafficManagerProfiles", "x")
    assert arm.put(f"{zone}/A/x", alias(elsewhere)).status == 501


def test_deleting_a_zone_takes_its_records_along(zone: str, arm: Arm) -> None:
    arm.put(f"{zone}/A/www", a("203.0.113.9"))
    arm.remove(zone)
    arm.put(zone, {"location": "global"})
    assert arm.get(f"{zone}/A/www").status == 404
    assert arm.get(zone).body["properties"]["numberOfRecordSets"] == 2


def test_a_record_may_be_in_a_zone_only_that_exists(group: Group, arm: Arm) -> None:
    reply = arm.put(group.path(ZONES, "none.example/A/www"), a("203.0.113.9"))
    assert (reply.status, reply.code) == (404, "ParentResourceNotFound")
