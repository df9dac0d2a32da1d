"""Zones and records as ARM bodies."""

from aks_operator.desired.zone import address_record, zone
from aks_operator.marks import OWNER_TAG
from aks_operator.objects import parse
from aks_operator.plan import plan

ZONE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones/shop.example"
MARK = "m/ns/zone"


def test_a_zone_lies_nowhere_in_particular() -> None:
    spec = parse(
        "DNSZone",
        {"metadata": {"name": "z"}, "spec": {"resourceGroup": "g", "zone": "shop.example", "tags": {"a": "1"}}},
    ).spec
    assert plan(zone(ZONE, spec, MARK), None).body == {"location": "global", "tags": {"a": "1", OWNER_TAG: MARK}}


def test_what_azure_says_of_a_zone_is_no_drift() -> None:
    spec = parse("DNSZone", {"metadata": {"name": "z"}, "spec": {"resourceGroup": "g", "zone": "shop.example"}}).spec
    properties = {"nameServers": ["ns1."], "numberOfRecordSets": 2, "zoneType": "Public"}
    observed = {"location": "Global", "tags": {OWNER_TAG: MARK}, "etag": "e", "properties": properties}
    assert plan(zone(ZONE, spec, MARK), observed).action == "none"


def test_a_record_has_its_addresses_in_order_and_its_mark_in_its_metadata() -> None:
    step = plan(address_record(f"{ZONE}/A/www", {"2.2.2.2", "1.1.1.1"}, 300, MARK), None)
    assert step.body == {
        "properties": {
            "TTL": 300,
            "ARecords": [{"ipv4Address": "1.1.1.1"}, {"ipv4Address": "2.2.2.2"}],
            "metadata": {OWNER_TAG: MARK},
        }
    }
