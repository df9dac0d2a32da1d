"""loadBalancers: one document whose parts refer to one another by ids; backend pools by address."""

from typing import Any

import pytest
from azure.mgmt.network import models

from tests.contract.bodies import (
    ADDRESSES,
    BALANCERS,
    NETWORKS,
    address,
    balancer,
    balancing_rule,
    network,
    subnet,
)
from tests.contract.cloud import Arm, Clients, Group


@pytest.fixture
def ip(group: Group, arm: Arm) -> str:
    """The id of a public address."""
    return str(arm.make(group.path(ADDRESSES, "ip"), address())["id"])


@pytest.fixture
def net(group: Group, arm: Arm) -> str:
    """The id of a network 10.0.0.0/16."""
    return str(arm.make(group.path(NETWORKS, "net"), network(subnet("nodes", "10.0.0.0/24")))["id"])


@pytest.fixture
def lb(group: Group, ip: str) -> str:
    """The id of a balancer to be."""
    return group.path(BALANCERS, "lb")


def backends(net: str, *addresses: str) -> dict[str, Any]:
    """The properties of an IP-based pool."""
    entries = [{"name": ip, "properties": {"ipAddress": ip, "virtualNetwork": {"id": net}}} for ip in addresses]
    return {"loadBalancerBackendAddresses": entries}


def refusal(arm: Arm, lb: str, ip: str, *rules: dict[str, Any], **parts: Any) -> tuple[int, str]:
    """Status and code of writing the balancer."""
    body = balancer(lb, address_id=ip, rules=rules)
    body["properties"] |= parts
    reply = arm.put(lb, body)
    return reply.status, "" if reply.status < 300 else reply.code


def test_the_sdk_makes_a_balancer_with_a_pool_by_address_and_removes_it(
    sdk: Clients, group: Group, arm: Arm, lb: str, ip: str, net: str
) -> None:
    balancers, pools = sdk.network.load_balancers, sdk.network.load_balancer_backend_address_pools
    body = balancer(lb, address_id=ip, rules=[balancing_rule(lb)])
    made = balancers.begin_create_or_update(group.name, "lb", models.LoadBalancer(body)).result()
    assert made.provisioning_state == "Succeeded"
    assert made.sku is not None
    assert (made.sku.name, made.sku.tier) == ("Standard", "Regional")
    pool = models.BackendAddressPool({"properties": backends(net, "10.0.0.4", "10.0.0.5")})
    written = pools.begin_create_or_update(group.name, "lb", "pool", pool).result()
    assert [a.ip_address for a in written.load_balancer_backend_addresses or []] == ["10.0.0.4", "10.0.0.5"]
    [rule] = sdk.network.load_balancer_load_balancing_rules.list(group.name, "lb")
    assert (rule.frontend_port, rule.backend_port) == (80, 30080)
    balancers.begin_delete(group.name, "lb").result()
    assert list(balancers.list(group.name)) == []


def test_ids_of_parts_are_known_before_the_balancer_is(arm: Arm, lb: str, ip: str) -> None:
    made = arm.make(lb, balancer(lb, address_id=ip, rules=[balancing_rule(lb)]))
    for list_, name in (
        ("frontendIPConfigurations", "front"),
        ("backendAddressPools", "pool"),
        ("probes", "probe"),
        ("loadBalancingRules", "http"),
    ):
        [part] = made["properties"][list_]
        assert part["id"] == f"{lb}/{list_}/{name}"
        assert arm.get(part["id"]).body == part
        assert arm.get(f"{lb}/{list_}").body["value"] == [part]


def test_azure_fills_in_what_a_rule_and_a_probe_leave_out(arm: Arm, lb: str, ip: str) -> None:
    made = arm.make(lb, balancer(lb, address_id=ip, rules=[balancing_rule(lb)]))["properties"]
    rule, probe = made["loadBalancingRules"][0]["properties"], made["probes"][0]["properties"]
    assert (rule["idleTimeoutInMinutes"], rule["loadDistribution"], rule["enableFloatingIP"]) == (4, "Default", False)
    assert (probe["intervalInSeconds"], probe["probeThreshold"]) == (5, 1)


def test_frontends_pools_and_probes_list_the_rules_that_use_them(arm: Arm, lb: str, ip: str) -> None:
    made = arm.make(lb, balancer(lb, address_id=ip, rules=[balancing_rule(lb)]))
    rule = {"id": f"{lb}/loadBalancingRules/http"}
    lists = ("frontendIPConfigurations", "backendAddressPools", "probes")
    assert [made["properties"][list_][0]["properties"]["loadBalancingRules"] for list_ in lists] == [[rule]] * 3
    made["properties"]["loadBalancingRules"] = []
    again = arm.make(lb, made)
    assert all("loadBalancingRules" not in again["properties"][list_][0]["properties"] for list_ in lists)


def test_what_was_read_can_be_written_back(arm: Arm, lb: str, ip: str, net: str) -> None:
    arm.make(lb, balancer(lb, address_id=ip, rules=[balancing_rule(lb)]))
    made = arm.make(f"{lb}/backendAddressPools/pool", {"properties": backends(net, "10.0.0.4")})
    assert made["properties"]["loadBalancingRules"] == [{"id": f"{lb}/loadBalancingRules/http"}]
    whole = arm.get(lb).body
    again = arm.make(lb, whole)
    assert without_etags(again) == without_etags(whole)


def without_etags(value: Any) -> Any:
    """`value` without any etag in it."""
    if isinstance(value, dict):
        return {key: without_etags(entry) for key, entry in value.items() if key != "etag"}
    return [without_etags(entry) for entry in value] if isinstance(value, list) else value


def test_parts_refer_only_to_parts_of_the_same_balancer(arm: Arm, lb: str, ip: str) -> None:
    for field, part in (
        ("frontendIPConfiguration", "frontendIPConfigurations/none"),
        ("backendAddressPool", "backendAddressPools/none"),
        ("probe", "probes/none"),
    ):
        rule = balancing_rule(lb, "http", 80, 30080, **{field: {"id": f"{lb}/{part}"}})
        assert refusal(arm, lb, ip, rule) == (400, "InvalidResourceReference"), field
    foreign = balancing_rule(lb, probe={"id": f"{lb}-other/probes/probe"})
    assert refusal(arm, lb, ip, foreign) == (400, "InvalidResourceReference")


def test_a_frontend_needs_an_address_that_exists_in_its_region_and_is_free(
    group: Group, arm: Arm, lb: str, ip: str
) -> None:
    assert refusal(arm, lb, group.path(ADDRESSES, "none")) == (400, "InvalidResourceReference")
    far = arm.make(group.path(ADDRESSES, "far"), {**address(), "location": "northeurope"})["id"]
    assert refusal(arm, lb, far) == (400, "InvalidResourceReference")
    arm.make(lb, balancer(lb, address_id=ip))
    assert refusal(arm, f"{lb}2", ip) == (400, "PublicIPAddressInUse")


def test_a_frontend_without_any_address_is_refused(arm: Arm, lb: str, ip: str) -> None:
    found = refusal(arm, lb, ip, frontendIPConfigurations=[{"name": "front", "properties": {}}])
    assert found == (400, "LoadBalancerFrontendIPConfigurationInvalid")


def test_two_rules_cannot_share_frontend_port_and_protocol(arm: Arm, lb: str, ip: str) -> None:
    rules = [balancing_rule(lb, "a", 80, 30080), balancing_rule(lb, "b", 80, 30081)]
    assert refusal(arm, lb, ip, *rules) == (400, "RulesUseSameFrontendPortProtocolAndIPConfig")
    rules[1]["properties"]["protocol"] = "Udp"
    assert refusal(arm, lb, ip, *rules) == (201, "")


def test_two_rules_cannot_share_backend_port_protocol_and_pool_unless_floating(arm: Arm, lb: str, ip: str) -> None:
    rules = [balancing_rule(lb, "a", 80), balancing_rule(lb, "b", 81)]
    assert refusal(arm, lb, ip, *rules) == (400, "RulesUseSameBackendPortProtocolAndPool")
    for rule in rules:
        rule["properties"]["enableFloatingIP"] = True
    assert refusal(arm, lb, ip, *rules) == (201, "")


def test_two_pools_with_one_address_cannot_share_a_backend_port(arm: Arm, lb: str, ip: str, net: str) -> None:
    other = balancing_rule(lb, "b", 81, backendAddressPool={"id": f"{lb}/backendAddressPools/other"})
    pools = [{"name": name, "properties": backends(net, "10.0.0.4")} for name in ("pool", "other")]
    found = refusal(arm, lb, ip, balancing_rule(lb, "a"), other, backendAddressPools=pools)
    assert found == (400, "RulesUseSameBackendPortProtocolAndPool")


def test_a_balancer_has_at_most_1500_rules_600_frontends_and_5000_addresses(
    arm: Arm, lb: str, ip: str, net: str
) -> None:
    rules = [balancing_rule(lb, f"r{n}", n, n, backendAddressPool=None) for n in range(1, 1502)]
    assert refusal(arm, lb, ip, *rules) == (400, "LoadBalancerRuleCountLimitReached")
    assert refusal(arm, lb, ip, *rules[:1500]) == (201, "")
    frontends = [{"name": f"f{n}", "properties": {"publicIPAddress": {"id": ip}}} for n in range(601)]
    found = refusal(arm, lb, ip, frontendIPConfigurations=frontends)
    assert found == (400, "LoadBalancerFrontendCountLimitReached")
    addresses = [f"10.0.{n // 250}.{n % 250}" for n in range(5001)]
    pool = [{"name": "pool", "properties": backends(net, *addresses)}]
    assert refusal(arm, lb, ip, backendAddressPools=pool) == (400, "LoadBalancerBackendCountLimitReached")


def test_at_most_300_rules_lead_to_one_backend_address(arm: Arm, lb: str, ip: str, net: str) -> None:
    arm.make(lb, balancer(lb, address_id=ip, rules=[balancing_rule(lb, f"r{n}", n, n) for n in range(1, 302)]))
    pool = f"{lb}/backendAddressPools/pool"
    reply = arm.put(pool, {"properties": backends(net, "10.0.0.4")})
    assert (reply.status, reply.code) == (400, "LoadBalancerRulesPerNicLimitReached")
    arm.make(lb, balancer(lb, address_id=ip, rules=[balancing_rule(lb, f"r{n}", n, n) for n in range(1, 301)]))
    assert arm.put(pool, {"properties": backends(net, "10.0.0.4")}).status in {200, 201}


def test_a_rule_needs_protocol_frontend_and_sensible_ports(arm: Arm, lb: str, ip: str) -> None:
    for change in (
        {"protocol": None},
        {"protocol": "Icmp"},
        {"frontendPort": None},
        {"frontendPort": 65536},
        {"backendPort": 0},
        {"frontendIPConfiguration": None},
        {"idleTimeoutInMinutes": 3},
        {"protocol": "All", "frontendPort": 0, "backendPort": 0},
    ):
        assert refusal(arm, lb, ip, balancing_rule(lb, "http", 80, 30080, **change))[0] == 400, change


def test_a_probe_is_tcp_http_or_https_and_at_least_five_seconds_apart(arm: Arm, lb: str, ip: str) -> None:
    good = {"protocol": "Http", "port": 80, "requestPath": "/", "intervalInSeconds": 5}
    assert refusal(arm, lb, ip, probes=[{"name": "probe", "properties": good}]) == (201, "")
    for change in (
        {"intervalInSeconds": 4},
        {"protocol": "Icmp"},
        {"port": None},
        {"requestPath": None},
        {"protocol": "Tcp"},
    ):
        assert refusal(arm, lb, ip, probes=[{"name": "probe", "properties": good | change}])[0] == 400, change


def test_a_backend_address_lies_in_a_network_that_exists(group: Group, arm: Arm, lb: str, ip: str, net: str) -> None:
    arm.make(lb, balancer(lb, address_id=ip))
    missing = group.path(NETWORKS, "none")
    for properties, code in (
        (backends(missing, "10.0.0.4"), "InvalidResourceReference"),
        (backends(net, "192.168.0.4"), "LoadBalancerBackendAddressNotInVirtualNetwork"),
        (backends(net, "nonsense"), "InvalidIPAddressFormat"),
    ):
        reply = arm.put(f"{lb}/backendAddressPools/pool", {"properties": properties})
        assert (reply.status, reply.code) == (400, code)


def test_a_pool_is_written_read_and_removed_as_a_child(arm: Arm, lb: str, ip: str, net: str) -> None:
    before = arm.make(lb, balancer(lb, address_id=ip))["etag"]
    pool = f"{lb}/backendAddressPools/more"
    reply = arm.put(pool, {"properties": backends(net, "10.0.0.4")})
    assert reply.status == 201
    assert arm.ended(reply)["status"] == "Succeeded"
    assert arm.get(lb).body["etag"] != before
    assert [p["name"] for p in arm.get(f"{lb}/backendAddressPools").body["value"]] == ["pool", "more"]
    arm.remove(pool)
    assert arm.get(pool).code == "NotFound"


def test_a_pool_that_a_rule_uses_cannot_be_removed(arm: Arm, lb: str, ip: str) -> None:
    arm.make(lb, balancer(lb, address_id=ip, rules=[balancing_rule(lb)]))
    reply = arm.delete(f"{lb}/backendAddressPools/pool")
    assert reply.status == 400
    assert f"{lb}/loadBalancingRules/http" in reply.message


def test_rules_probes_and_frontends_are_written_only_with_their_balancer(arm: Arm, lb: str, ip: str) -> None:
    arm.make(lb, balancer(lb, address_id=ip, rules=[balancing_rule(lb)]))
    for part in ("loadBalancingRules/http", "probes/probe", "frontendIPConfigurations/front"):
        assert arm.put(f"{lb}/{part}", {"properties": {}}).status == 405
        assert arm.delete(f"{lb}/{part}").status == 405


def test_two_parts_of_one_name_are_refused(arm: Arm, lb: str, ip: str) -> None:
    assert refusal(arm, lb, ip, backendAddressPools=[{"name": "a"}, {"name": "A"}]) == (400, "DuplicateResourceName")


def inside(net: str, name: str = "front", subnet: str = "nodes", **properties: Any) -> dict[str, Any]:
    """An internal frontend."""
    return {"name": name, "properties": {"subnet": {"id": f"{net}/subnets/{subnet}"}, **properties}}


def internal_balancer(*frontends: dict[str, Any]) -> dict[str, Any]:
    """A balancer with internal frontends alone."""
    properties = {"frontendIPConfigurations": list(frontends)}
    return {"location": "westeurope", "sku": {"name": "Standard"}, "properties": properties}


def private(body: dict[str, Any]) -> dict[str, str]:
    """Private address by frontend."""
    frontends = body["properties"]["frontendIPConfigurations"]
    return {f["name"]: f["properties"]["privateIPAddress"] for f in frontends}


def test_an_internal_frontend_has_an_address_of_its_subnet_as_long_as_it_is_there(
    group: Group, arm: Arm, lb: str, net: str
) -> None:
    made = arm.make(lb, internal_balancer(inside(net), inside(net, "two")))
    assert private(made) == {"front": "10.0.0.4", "two": "10.0.0.5"}
    again = arm.make(lb, internal_balancer(inside(net, "two"), inside(net, "three")))
    assert private(again) == {"two": "10.0.0.5", "three": "10.0.0.6"}, "who is there keeps his"
    other = group.path(BALANCERS, "other")
    assert private(arm.make(other, internal_balancer(inside(net)))) == {"front": "10.0.0.4"}, "who went gave it back"
    shown = arm.get(f"{net}/subnets/nodes").body["properties"]["ipConfigurations"]
    assert sorted(c["id"].rpartition("/")[2] for c in shown) == ["front", "three", "two"]
    assert arm.delete(f"{net}/subnets/nodes").code == "InUseSubnetCannotBeDeleted"
    for id_ in (lb, other):
        arm.remove(id_)
    arm.remove(f"{net}/subnets/nodes")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("10.0.0.9", ""),
        ("10.0.0.3", "PrivateIPAddressInReservedRange"),
        ("10.0.0.255", "PrivateIPAddressInReservedRange"),
        ("10.0.1.4", "PrivateIPAddressNotInSubnet"),
        ("10.0.0.4", "PrivateIPAddressIsAllocated"),
        ("four", "InvalidIPAddressFormat"),
    ],
)
def test_an_internal_frontend_may_name_its_address(
    group: Group, arm: Arm, lb: str, net: str, address: str, code: str
) -> None:
    arm.make(group.path(BALANCERS, "other"), internal_balancer(inside(net)))
    named = inside(net, privateIPAllocationMethod="Static", privateIPAddress=address)
    reply = arm.put(lb, internal_balancer(named))
    assert (reply.status, reply.code if code else private(reply.body)["front"]) == (
        (400, code) if code else (201, address)
    )


def test_an_internal_frontend_needs_a_subnet_that_is_there(arm: Arm, lb: str, net: str) -> None:
    reply = arm.put(lb, internal_balancer(inside(net, subnet="none")))
    assert (reply.status, reply.code) == (400, "InvalidResourceReference")


def test_the_health_of_a_rule_is_answered_for_each_backend(
    sdk: Clients, group: Group, arm: Arm, lb: str, ip: str
) -> None:
    arm.make(lb, balancer(lb, address_id=ip, rules=[balancing_rule(lb)]))
    rules = sdk.network.load_balancer_load_balancing_rules
    health = rules.begin_health(group.name, "lb", "http").result()
    assert (health.up, health.down) == (0, 0)
    reply = arm.post(f"{lb}/loadBalancingRules/none/health")
    assert (reply.status, reply.code) == (404, "NotFound")
