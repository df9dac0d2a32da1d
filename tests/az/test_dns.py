"""az network dns and private-dns: zones, what stands in them, and who sees it."""

import pytest

from tests.az.cli import Az

pytestmark = pytest.mark.timeout(600)


def test_az_takes_a_zone_and_its_records_through_their_lives(az: Az, group: str) -> None:
    at = f"--resource-group {group}"
    sets = f"{at} --zone-name shop.example"
    zone = az(f"network dns zone create {at} --name shop.example")
    assert (zone["location"], len(zone["nameServers"])) == ("global", 4)
    assert [found["name"] for found in az(f"network dns zone list {at}")] == ["shop.example"]

    az(f"network dns record-set a add-record {sets} --record-set-name www --ipv4-address 203.0.113.9 --ttl 300")
    az(f"network dns record-set a add-record {sets} --record-set-name www --ipv4-address 203.0.113.10 --ttl 300")
    www = az(f"network dns record-set a show {sets} --name www")
    assert (www["fqdn"], www["TTL"]) == ("www.shop.example.", 300)
    assert www["ARecords"] == [{"ipv4Address": "203.0.113.9"}, {"ipv4Address": "203.0.113.10"}]
    assert az(f"network dns record-set a update {sets} --name www --set TTL=60 --metadata by=az")["TTL"] == 60
    az(f"network dns record-set txt add-record {sets} --record-set-name www --value 'hello world'")
    az(f"network dns record-set cname set-record {sets} --record-set-name shop --cname www.shop.example")
    types = sorted(
        (found["name"], found["type"].rpartition("/")[2]) for found in az(f"network dns record-set list {sets}")
    )
    assert types == [("@", "NS"), ("@", "SOA"), ("shop", "CNAME"), ("www", "A"), ("www", "TXT")]

    for address in ("203.0.113.9", "203.0.113.10"):  # with its last record a set goes
        az(f"network dns record-set a remove-record {sets} --record-set-name www --ipv4-address {address}")
    assert az(f"network dns record-set a list {sets}") == []
    az(f"network dns record-set txt delete {sets} --name www --yes")
    az(f"network dns record-set cname delete {sets} --name shop --yes")
    az(f"network dns zone delete {at} --name shop.example --yes")
    assert az(f"network dns zone list {at}") == []


def test_az_makes_an_alias_of_a_public_address(az: Az, group: str) -> None:
    at = f"--resource-group {group}"
    address = az(f"network public-ip create {at} --name web --sku Standard")["publicIp"]["id"]
    az(f"network dns zone create {at} --name alias.example")
    sets = f"{at} --zone-name alias.example"
    made = az(f"network dns record-set a create {sets} --name www --target-resource {address}")
    assert made["targetResource"]["id"] == address
    assert az(f"network dns record-set a show {sets} --name www")["targetResource"]["id"] == address


def test_az_takes_a_private_zone_and_its_link_through_their_lives(az: Az, group: str) -> None:
    at = f"--resource-group {group}"
    sets = f"{at} --zone-name inner.example"
    az(f"network vnet create {at} --name net --address-prefixes 10.0.0.0/16")
    zone = az(f"network private-dns zone create {at} --name inner.example")
    assert (zone["location"], zone["numberOfRecordSets"]) == ("global", 1)
    link = az(
        f"network private-dns link vnet create {sets} --name net --virtual-network net --registration-enabled false"
    )
    assert (link["virtualNetworkLinkState"], link["registrationEnabled"]) == ("Completed", False)
    az(f"network private-dns record-set a add-record {sets} --record-set-name db --ipv4-address 10.0.0.9")
    db = az(f"network private-dns record-set a show {sets} --name db")
    assert (db["fqdn"], db["aRecords"]) == ("db.inner.example.", [{"ipv4Address": "10.0.0.9"}])
    refused = az.refused(f"network private-dns zone delete {at} --name inner.example --yes")
    assert "nested" in refused.text
    az(f"network private-dns link vnet delete {sets} --name net --yes")
    az(f"network private-dns zone delete {at} --name inner.example --yes")
    assert az(f"network private-dns zone list {at}") == []
