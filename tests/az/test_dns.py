"""az network dns: a zone, and what stands in it."""

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
