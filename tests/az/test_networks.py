"""az network: from a virtual network to a balancer's rules, and taken apart again."""

import pytest

from tests.az.cli import Az

pytestmark = pytest.mark.timeout(600)


def test_az_makes_a_network_its_subnets_and_their_rules(az: Az, group: str) -> None:
    at = f"--resource-group {group}"
    made = az(
        f"network vnet create {at} -n net --address-prefix 10.1.0.0/16 --subnet-name nodes --subnet-prefix 10.1.0.0/24"
    )
    assert made["newVNet"]["subnets"][0]["addressPrefix"] == "10.1.0.0/24"
    edge = az(f"network nsg create {at} -n edge")["NewNSG"]
    assert len(edge["defaultSecurityRules"]) == 6
    rule = f"{at} --nsg-name edge --name web"
    az(
        f"network nsg rule create {rule} --priority 1000 --protocol Tcp --destination-port-ranges 80 443 --source-address-prefixes 198.51.100.0/24"
    )
    assert az(f"network nsg rule update {rule} --priority 1100")["priority"] == 1100
    shown = az(f"network nsg rule show {rule}")
    assert (shown["destinationPortRanges"], shown["sourceAddressPrefix"]) == (["80", "443"], "198.51.100.0/24")
    assert [found["name"] for found in az(f"network nsg rule list {at} --nsg-name edge")] == ["web"]

    front = az(
        f"network vnet subnet create {at} --vnet-name net -n front --address-prefixes 10.1.1.0/24 --network-security-group edge"
    )
    assert front["networkSecurityGroup"]["id"] == edge["id"]
    az(f"network vnet subnet update {at} --vnet-name net -n nodes --network-security-group edge")
    guarded = {
        subnet["name"]: "networkSecurityGroup" in subnet
        for subnet in az(f"network vnet subnet list {at} --vnet-name net")
    }
    assert guarded == {"nodes": True, "front": True}
    assert len(az(f"network nsg show {at} -n edge")["subnets"]) == 2

    az(f"network nsg rule delete {rule}")
    for name in ("front", "nodes"):
        az(f"network vnet subnet delete {at} --vnet-name net -n {name}")
    az(f"network vnet delete {at} -n net")
    az(f"network nsg delete {at} -n edge")
    assert az(f"resource list {at}") == []


def test_az_makes_a_balancer_with_its_address_rules_probes_and_pools(az: Az, group: str) -> None:
    at, part = f"--resource-group {group}", f"--resource-group {group} --lb-name web"
    az(f"network vnet create {at} -n net --address-prefix 10.1.0.0/16 --subnet-name nodes --subnet-prefix 10.1.0.0/24")
    address = az(f"network public-ip create {at} -n web-ip --sku Standard --dns-name {group}")["publicIp"]
    assert address["dnsSettings"]["fqdn"] == f"{group}.westeurope.cloudapp.azure.com"
    made = az(
        f"network lb create {at} -n web --sku Standard --public-ip-address web-ip --frontend-ip-name front --backend-pool-name nodes"
    )
    assert made["loadBalancer"]["provisioningState"] == "Succeeded"
    assert az(f"network public-ip show {at} -n web-ip")["ipConfiguration"]["id"].endswith(
        "/frontendIPConfigurations/front"
    )

    az(f"network lb probe create {part} -n alive --protocol Tcp --port 30080")
    az(
        f"network lb rule create {part} -n http --protocol Tcp --frontend-port 80 --backend-port 30080 --frontend-ip-name front --backend-pool-name nodes --probe-name alive --disable-outbound-snat true"
    )
    az(f"network lb rule update {part} -n http --idle-timeout 10")
    [rule] = az(f"network lb rule list {part}")
    assert (rule["idleTimeoutInMinutes"], rule["disableOutboundSnat"]) == (10, True)
    assert rule["probe"]["id"].endswith("/probes/alive")
    az(f"network lb address-pool create {part} -n more --vnet net --backend-address name=one ip-address=10.1.0.8")
    az(f"network lb address-pool address add {part} --pool-name more -n two --ip-address 10.1.0.9 --vnet net")
    members = az(f"network lb address-pool address list {part} --pool-name more")
    assert [(member["name"], member["ipAddress"]) for member in members] == [("one", "10.1.0.8"), ("two", "10.1.0.9")]
    assert [pool["name"] for pool in az(f"network lb address-pool list {part}")] == ["nodes", "more"]
    assert len(az(f"network lb show {at} -n web")["loadBalancingRules"]) == 1

    az(f"network lb rule delete {part} -n http")
    az(f"network lb probe delete {part} -n alive")
    az(f"network lb address-pool delete {part} -n more")
    az(f"network lb delete {at} -n web")
    az(f"network public-ip delete {at} -n web-ip")
    assert [found["name"] for found in az(f"resource list {at}")] == ["net"]


def test_az_makes_an_internal_balancer_in_a_subnet(az: Az, group: str) -> None:
    at = f"--resource-group {group}"
    az(f"network vnet create {at} -n net --address-prefix 10.1.0.0/16 --subnet-name nodes --subnet-prefix 10.1.0.0/24")
    az(f"network lb create {at} -n inside --sku Standard --vnet-name net --subnet nodes --private-ip-address 10.1.0.9")
    [front] = az(f"network lb frontend-ip list {at} --lb-name inside")
    assert front["privateIPAddress"] == "10.1.0.9"


def test_az_finds_and_tags_resources_of_any_type(az: Az, group: str) -> None:
    type_ = "Microsoft.Network/publicIPAddresses"
    made = az(f"network public-ip create --resource-group {group} -n ip --sku Standard --tags team={group}")["publicIp"]
    az(f"network nsg create --resource-group {group} -n edge")
    assert {found["name"] for found in az(f"resource list --resource-group {group}")} == {"ip", "edge"}
    for asked in (
        f"--tag team={group}",
        f"--resource-group {group} --resource-type {type_}",
        f"--resource-group {group} --name ip",
    ):
        assert [found["id"] for found in az(f"resource list {asked}")] == [made["id"]], asked
    assert az(f"resource show --resource-group {group} --name ip --resource-type {type_}")["id"] == made["id"]
    assert az(f"resource show --ids {made['id']}")["properties"]["ipAddress"] == made["ipAddress"]
    assert az(f"resource tag --ids {made['id']} --tags stage=new")["tags"] == {"stage": "new"}
    az(f"resource delete --ids {made['id']}")
    assert [found["name"] for found in az(f"resource list --resource-group {group}")] == ["edge"]
