"""loadBalancers: inbound NAT rules, outbound rules and HA ports, and who may share a port with whom."""

from typing import Any

import pytest
from azure.mgmt.network import models

from tests.contract.bodies import (
    ADDRESSES,
    BALANCERS,
    NETWORKS,
    Body,
    address,
    balancer,
    balancing_rule,
    network,
    subnet,
)
from tests.contract.cloud import Arm, Clients, Group


@pytest.fixture
def net(group: Group, arm: Arm) -> str:
    """The id of a network 10.0.0.0/16 with a subnet."""
    return str(arm.make(group.path(NETWORKS, "net"), network(subnet("nodes", "10.0.0.0/24")))["id"])


@pytest.fixture
def lb(group: Group) -> str:
    """The id of a balancer to be."""
    return group.path(BALANCERS, "lb")


@pytest.fixture
def public(group: Group, arm: Arm, lb: str, net: str) -> Body:
    """The body of a balancer with a public frontend and a pool of 10.0.0.4 and 10.0.0.5."""
    ip = arm.make(group.path(ADDRESSES, "ip"), address())["id"]
    body = balancer(lb, address_id=ip)
    body["properties"]["backendAddressPools"] = [{"name": "pool", "properties": backends(net, "10.0.0.4", "10.0.0.5")}]
    return body


@pytest.fixture
def internal(lb: str, net: str) -> Body:
    """The body of a balancer with an internal frontend and a pool."""
    front = {"name": "front", "properties": {"subnet": {"id": f"{net}/subnets/nodes"}}}
    parts = {"frontendIPConfigurations": [front], "backendAddressPools": [{"name": "pool"}]}
    return {"location": "westeurope", "sku": {"name": "Standard"}, "properties": parts}


def backends(net: str, *addresses: str) -> Body:
    """The properties of an IP-based pool."""
    entries = [{"name": ip, "properties": {"ipAddress": ip, "virtualNetwork": {"id": net}}} for ip in addresses]
    return {"loadBalancerBackendAddresses": entries}


def with_parts(body: Body, **parts: list[Body]) -> Body:
    """The balancer's body with other lists."""
    return {**body, "properties": {**body["properties"], **parts}}


def nat(lb: str, name: str = "ssh", frontend: int | None = 2201, backend: int | None = 22, **properties: Any) -> Body:
    """An inbound NAT rule of one port."""
    front = {"id": f"{lb}/frontendIPConfigurations/front"}
    ports = {"protocol": "Tcp", "frontendPort": frontend, "backendPort": backend}
    return {"name": name, "properties": {"frontendIPConfiguration": front, **ports, **properties}}


def ranged(lb: str, name: str = "ssh", low: int = 5000, high: int = 5009, **properties: Any) -> Body:
    """An inbound NAT rule that gives each backend of the pool a port."""
    ends = {"frontendPortRangeStart": low, "frontendPortRangeEnd": high}
    pool = {"backendAddressPool": {"id": f"{lb}/backendAddressPools/pool"}}
    return nat(lb, name, None, 22, **{**pool, **ends, **properties})


def outbound(lb: str, **properties: Any) -> Body:
    """An outbound rule of the frontend and the pool."""
    parts = {
        "frontendIPConfigurations": [{"id": f"{lb}/frontendIPConfigurations/front"}],
        "backendAddressPool": {"id": f"{lb}/backendAddressPools/pool"},
        "protocol": "All",
    }
    return {"name": "out", "properties": {**parts, **properties}}


def test_the_sdk_writes_an_inbound_nat_rule_by_itself_and_removes_it(
    sdk: Clients, group: Group, arm: Arm, lb: str, public: Body
) -> None:
    arm.make(lb, public)
    rules = sdk.network.inbound_nat_rules
    made = rules.begin_create_or_update(group.name, "lb", "ssh", models.InboundNatRule(nat(lb))).result()
    assert (made.frontend_port, made.backend_port, made.provisioning_state) == (2201, 22, "Succeeded")
    assert [rule.name for rule in rules.list(group.name, "lb")] == ["ssh"]
    rules.begin_delete(group.name, "lb", "ssh").result()
    assert list(rules.list(group.name, "lb")) == []


def test_a_put_of_the_balancer_without_an_inbound_nat_rule_removes_it(arm: Arm, lb: str, public: Body) -> None:
    arm.make(lb, public)
    arm.make(f"{lb}/inboundNatRules/ssh", nat(lb))
    arm.make(lb, public)
    assert arm.get(f"{lb}/inboundNatRules/ssh").status == 404


def test_every_list_is_there_even_empty(arm: Arm, lb: str, public: Body) -> None:
    made = arm.make(lb, public)
    for name in ("inboundNatRules", "outboundRules", "inboundNatPools", "loadBalancingRules"):
        assert made["properties"][name] == []
    for name in ("inboundNatRules", "outboundRules", "loadBalancingRules"):
        assert arm.get(f"{lb}/{name}").body == {"value": []}


def test_azure_fills_in_what_nat_and_outbound_rules_leave_out(arm: Arm, lb: str, public: Body) -> None:
    made = arm.make(lb, with_parts(public, inboundNatRules=[nat(lb)], outboundRules=[outbound(lb)]))["properties"]
    inward, outward = made["inboundNatRules"][0]["properties"], made["outboundRules"][0]["properties"]
    assert (inward["idleTimeoutInMinutes"], inward["enableFloatingIP"], inward["enableTcpReset"]) == (4, False, False)
    assert (outward["allocatedOutboundPorts"], outward["idleTimeoutInMinutes"]) == (0, 4)


def test_frontends_and_pools_list_the_nat_and_outbound_rules_that_use_them(arm: Arm, lb: str, public: Body) -> None:
    made = arm.make(lb, with_parts(public, inboundNatRules=[ranged(lb)], outboundRules=[outbound(lb)]))["properties"]
    for list_ in ("frontendIPConfigurations", "backendAddressPools"):
        [part] = made[list_]
        assert part["properties"]["inboundNatRules"] == [{"id": f"{lb}/inboundNatRules/ssh"}]
        assert part["properties"]["outboundRules"] == [{"id": f"{lb}/outboundRules/out"}]


def test_nat_and_outbound_rules_refer_only_to_parts_of_the_same_balancer(arm: Arm, lb: str, public: Body) -> None:
    none = {"id": f"{lb}/frontendIPConfigurations/none"}
    foreign = {"id": f"{lb}-other/backendAddressPools/pool"}
    for parts in (
        {"inboundNatRules": [nat(lb, frontendIPConfiguration=none)]},
        {"inboundNatRules": [ranged(lb, backendAddressPool=foreign)]},
        {"outboundRules": [outbound(lb, frontendIPConfigurations=[none])]},
        {"outboundRules": [outbound(lb, backendAddressPool=foreign)]},
    ):
        reply = arm.put(lb, with_parts(public, **parts))
        assert (reply.status, reply.code) == (400, "InvalidResourceReference"), parts


def test_an_inbound_nat_rule_takes_one_port_or_with_a_pool_a_range(arm: Arm, lb: str, public: Body) -> None:
    for rule in (
        nat(lb, frontend=None),
        nat(lb, frontend=65536),
        nat(lb, backend=None),
        nat(lb, frontendPortRangeStart=1, frontendPortRangeEnd=2),
        nat(lb, idleTimeoutInMinutes=3),
        ranged(lb, low=10, high=9),
        ranged(lb, frontendPort=80),
        ranged(lb, frontendPortRangeEnd=None),
    ):
        reply = arm.put(lb, with_parts(public, inboundNatRules=[rule]))
        assert (reply.status, reply.code) == (400, "InboundNatRuleInvalid"), rule


def test_a_frontend_port_is_one_rules_whatever_its_kind(arm: Arm, lb: str, public: Body) -> None:
    web = balancing_rule(lb, "web", 5004)
    for parts in (
        {"loadBalancingRules": [web], "inboundNatRules": [nat(lb, frontend=5004)]},
        {"loadBalancingRules": [web], "inboundNatRules": [ranged(lb)]},
        {"inboundNatRules": [nat(lb, "a", 5004), ranged(lb, "b")]},
    ):
        reply = arm.put(lb, with_parts(public, **parts))
        assert (reply.status, reply.code) == (400, "RulesUseSameFrontendPortProtocolAndIPConfig"), parts


def test_a_backend_port_is_one_rules_whatever_its_kind(arm: Arm, lb: str, public: Body) -> None:
    web = balancing_rule(lb, "web", 80, 22)
    reply = arm.put(lb, with_parts(public, loadBalancingRules=[web], inboundNatRules=[ranged(lb)]))
    assert (reply.status, reply.code) == (400, "RulesUseSameBackendPortProtocolAndPool")


def ports_by_address(pool: Body) -> dict[str, int]:
    """The frontend port that each backend address has by the one NAT rule."""
    entries = pool["properties"]["loadBalancerBackendAddresses"]
    return {
        entry["properties"]["ipAddress"]: mapping["frontendPort"]
        for entry in entries
        for mapping in entry["properties"]["inboundNatRulesPortMapping"]
    }


def test_each_backend_address_keeps_the_port_that_a_nat_rule_gave_it(arm: Arm, lb: str, net: str, public: Body) -> None:
    arm.make(lb, with_parts(public, inboundNatRules=[ranged(lb)]))
    pool = f"{lb}/backendAddressPools/pool"
    assert ports_by_address(arm.get(pool).body) == {"10.0.0.4": 5000, "10.0.0.5": 5001}
    made = arm.make(pool, {"properties": backends(net, "10.0.0.5", "10.0.0.6")})
    assert ports_by_address(made) == {"10.0.0.5": 5001, "10.0.0.6": 5000}


def test_a_range_with_fewer_ports_than_backends_is_refused(arm: Arm, lb: str, public: Body) -> None:
    reply = arm.put(lb, with_parts(public, inboundNatRules=[ranged(lb, low=5000, high=5000)]))
    assert (reply.status, reply.code) == (400, "InboundNatRuleFrontendPortRangeTooSmall")


def test_the_sdk_asks_for_the_ports_of_a_backend_address(
    sdk: Clients, group: Group, arm: Arm, lb: str, public: Body
) -> None:
    arm.make(lb, with_parts(public, inboundNatRules=[ranged(lb)]))
    asked = models.QueryInboundNatRulePortMappingRequest(ip_address="10.0.0.5")
    balancers = sdk.network.load_balancers
    found = balancers.begin_list_inbound_nat_rule_port_mappings(group.name, "lb", "pool", asked).result()
    [mapping] = found.inbound_nat_rule_port_mappings or []
    told = mapping.inbound_nat_rule_name, mapping.protocol, mapping.frontend_port, mapping.backend_port
    assert told == ("ssh", "Tcp", 5001, 22)


def test_an_outbound_rule_needs_public_frontends_a_pool_and_sensible_numbers(
    arm: Arm, lb: str, public: Body, internal: Body
) -> None:
    for rule in (
        outbound(lb, frontendIPConfigurations=[]),
        outbound(lb, backendAddressPool=None),
        outbound(lb, protocol=None),
        outbound(lb, allocatedOutboundPorts=1001),
        outbound(lb, allocatedOutboundPorts=64008),
        outbound(lb, idleTimeoutInMinutes=3),
    ):
        reply = arm.put(lb, with_parts(public, outboundRules=[rule]))
        assert (reply.status, reply.code) == (400, "OutboundRuleInvalid"), rule
    reply = arm.put(lb, with_parts(internal, outboundRules=[outbound(lb)]))
    assert (reply.status, reply.code) == (400, "OutboundRuleInvalid")


def test_a_rule_of_a_frontend_that_goes_out_must_disable_snat(arm: Arm, lb: str, public: Body) -> None:
    web = balancing_rule(lb, "web")
    arm.make(lb, with_parts(public, loadBalancingRules=[web], outboundRules=[outbound(lb)]))
    web["properties"]["disableOutboundSnat"] = False
    reply = arm.put(lb, with_parts(public, loadBalancingRules=[web], outboundRules=[outbound(lb)]))
    wanted = "LoadBalancingRuleMustDisableSNATSinceSameFrontendIPConfigurationIsReferencedByOutboundRule"
    assert (reply.status, reply.code) == (400, wanted)


def test_an_internal_frontend_may_have_ha_ports(arm: Arm, lb: str, internal: Body) -> None:
    every = balancing_rule(lb, "all", 0, 0, protocol="All", probe=None)
    made = arm.make(lb, with_parts(internal, loadBalancingRules=[every]))
    [rule] = made["properties"]["loadBalancingRules"]
    told = rule["properties"]
    assert (told["protocol"], told["frontendPort"], told["backendPort"]) == ("All", 0, 0)


def test_ha_ports_leave_no_other_rule_a_place(arm: Arm, lb: str, internal: Body) -> None:
    every = balancing_rule(lb, "all", 0, 0, protocol="All", probe=None)
    web = balancing_rule(lb, "web", 80, 80, probe=None)
    for rules in ([every, web], [web, every]):
        reply = arm.put(lb, with_parts(internal, loadBalancingRules=rules))
        assert (reply.status, reply.code) == (400, "RulesUseSameFrontendPortProtocolAndIPConfig")


def test_a_public_frontend_has_no_ha_ports(arm: Arm, lb: str, public: Body) -> None:
    every = balancing_rule(lb, "all", 0, 0, protocol="All")
    reply = arm.put(lb, with_parts(public, loadBalancingRules=[every]))
    assert (reply.status, reply.code) == (400, "LoadBalancingRuleInvalid")


def test_words_of_azure_come_back_in_its_own_spelling_and_others_are_refused(arm: Arm, lb: str, public: Body) -> None:
    made = arm.make(lb, with_parts(public, loadBalancingRules=[balancing_rule(lb, "web", protocol="TCP")]))
    assert made["properties"]["loadBalancingRules"][0]["properties"]["protocol"] == "Tcp"
    reply = arm.put(lb, with_parts(public, loadBalancingRules=[balancing_rule(lb, "web", protocol="Icmp")]))
    assert (reply.status, reply.code) == (400, "InvalidRequestFormat")


def test_what_nobody_can_write_is_dropped(arm: Arm, lb: str, public: Body) -> None:
    web = balancing_rule(lb, "web", provisioningState="Failed", invented=1)
    made = arm.make(lb, with_parts(public, loadBalancingRules=[web]))
    told = made["properties"]["loadBalancingRules"][0]["properties"]
    assert told["provisioningState"] == "Succeeded"
    assert "invented" not in told


def test_what_nothing_here_would_do_for_a_balancer_is_501(arm: Arm, lb: str, public: Body) -> None:
    pool = {"name": "pool", "properties": {"tunnelInterfaces": [{"port": 10800}]}}
    for parts in ({"inboundNatPools": [{"name": "p"}]}, {"backendAddressPools": [pool]}):
        reply = arm.put(lb, with_parts(public, **parts))
        assert (reply.status, reply.code) == (501, "NotImplemented")
