"""networkSecurityGroups, their rules, and the networks whose subnets they guard."""

from typing import Any

import pytest
from azure.mgmt.network import models

from tests.contract.bodies import NETWORKS, SECURITY_GROUPS, network, rule, rule_properties, security_group, subnet
from tests.contract.cloud import Arm, Clients, Group

DEFAULTS = {
    ("Inbound", 65000): ("AllowVnetInBound", "Allow"),
    ("Inbound", 65001): ("AllowAzureLoadBalancerInBound", "Allow"),
    ("Inbound", 65500): ("DenyAllInBound", "Deny"),
    ("Outbound", 65000): ("AllowVnetOutBound", "Allow"),
    ("Outbound", 65001): ("AllowInternetOutBound", "Allow"),
    ("Outbound", 65500): ("DenyAllOutBound", "Deny"),
}


@pytest.fixture
def nsg(group: Group, arm: Arm) -> str:
    """The id of a group without rules of its own."""
    return str(arm.make(group.path(SECURITY_GROUPS, "nsg"), security_group())["id"])


def put(arm: Arm, nsg: str, name: str = "r", /, **properties: Any) -> tuple[int, str]:
    """Status and code of writing one rule."""
    reply = arm.put(f"{nsg}/securityRules/{name}", {"properties": rule_properties(**properties)})
    return reply.status, "" if reply.status < 300 else reply.code


def test_the_sdk_makes_a_group_with_rules_and_removes_it(sdk: Clients, group: Group) -> None:
    groups, rules = sdk.network.network_security_groups, sdk.network.security_rules
    made = groups.begin_create_or_update(
        group.name, "nsg", models.NetworkSecurityGroup(security_group(rule("web")))
    ).result()
    assert [r.name for r in made.security_rules or []] == ["web"]
    added = rules.begin_create_or_update(
        group.name, "nsg", "ssh", models.SecurityRule({"properties": rule_properties(1001)})
    ).result()
    assert (added.priority, added.provisioning_state) == (1001, "Succeeded")
    assert sorted(r.name or "" for r in rules.list(group.name, "nsg")) == ["ssh", "web"]
    rules.begin_delete(group.name, "nsg", "web").result()
    assert [r.name for r in groups.get(group.name, "nsg").security_rules or []] == ["ssh"]
    groups.begin_delete(group.name, "nsg").result()


def test_every_group_has_the_six_default_rules(arm: Arm, nsg: str) -> None:
    found = arm.get(nsg).body["properties"]["defaultSecurityRules"]
    assert {
        (r["properties"]["direction"], r["properties"]["priority"]): (r["name"], r["properties"]["access"])
        for r in found
    } == DEFAULTS
    assert len(found) == 6


def test_default_rules_can_be_listed_and_read(sdk: Clients, group: Group, nsg: str) -> None:
    listed = sdk.network.default_security_rules.list(group.name, "nsg")
    assert {r.name for r in listed} == {name for name, _ in DEFAULTS.values()}
    assert sdk.network.default_security_rules.get(group.name, "nsg", "DenyAllInBound").priority == 65500


def test_a_group_is_one_document_what_a_put_omits_is_gone(group: Group, arm: Arm) -> None:
    path = group.path(SECURITY_GROUPS, "nsg")
    arm.make(path, security_group(rule("a", 100), rule("b", 200)))
    arm.make(path, security_group(rule("b", 200)))
    assert [r["name"] for r in arm.get(f"{path}/securityRules").body["value"]] == ["b"]


def test_a_rule_needs_protocol_access_priority_and_direction(arm: Arm, nsg: str) -> None:
    for field in ("protocol", "access", "priority", "direction"):
        status, _ = put(arm, nsg, "r", **{field: None})
        assert status == 400, field


@pytest.mark.parametrize("protocol", ["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"])
def test_every_protocol_of_azure_is_taken(arm: Arm, nsg: str, protocol: str) -> None:
    assert put(arm, nsg, protocol=protocol) == (201, "")


def test_another_protocol_is_refused(arm: Arm, nsg: str) -> None:
    assert put(arm, nsg, protocol="Sctp") == (400, "SecurityRuleInvalidProtocol")


@pytest.mark.parametrize(("priority", "taken"), [(99, False), (100, True), (4096, True), (4097, False)])
def test_priorities_are_100_to_4096(arm: Arm, nsg: str, priority: int, taken: bool) -> None:
    assert put(arm, nsg, priority=priority) == ((201, "") if taken else (400, "SecurityRuleInvalidPriority"))
    if not taken:
        assert (
            "Allowed range 100-4096."
            in arm.put(f"{nsg}/securityRules/r", {"properties": rule_properties(priority)}).message
        )


def test_a_priority_is_unique_in_its_direction(arm: Arm, nsg: str) -> None:
    assert put(arm, nsg, "one", priority=300)[0] == 201
    assert put(arm, nsg, "two", priority=300) == (400, "SecurityRuleConflict")
    assert put(arm, nsg, "two", priority=300, direction="Outbound") == (201, "")
    assert put(arm, nsg, "one", priority=300) == (200, "")


def test_two_rules_of_one_priority_are_refused_in_a_whole_group_too(group: Group, arm: Arm) -> None:
    reply = arm.put(group.path(SECURITY_GROUPS, "nsg"), security_group(rule("a"), rule("b")))
    assert (reply.status, reply.code) == (400, "SecurityRuleConflict")


def test_two_rules_of_one_name_are_refused(group: Group, arm: Arm) -> None:
    reply = arm.put(group.path(SECURITY_GROUPS, "nsg"), security_group(rule("a", 100), rule("A", 200)))
    assert (reply.status, reply.code) == (400, "DuplicateResourceName")


def test_lists_of_prefixes_and_ports_are_taken_instead_of_the_singular_forms(arm: Arm, nsg: str) -> None:
    lists: dict[str, Any] = {
        "sourceAddressPrefix": None,
        "sourceAddressPrefixes": ["10.0.0.0/8", "192.0.2.1"],
        "destinationPortRange": None,
        "destinationPortRanges": ["80", "8000-8080"],
    }
    assert put(arm, nsg, **lists) == (201, "")
    assert put(arm, nsg, sourceAddressPrefixes=["10.0.0.0/8"])[0] == 400
    assert put(arm, nsg, destinationPortRanges=["443"])[0] == 400


@pytest.mark.parametrize(
    "prefix", ["*", "Internet", "VirtualNetwork", "AzureLoadBalancer", "Storage.WestEurope", "10.0.0.0/8", "192.0.2.7"]
)
def test_prefixes_are_networks_addresses_and_service_tags(arm: Arm, nsg: str, prefix: str) -> None:
    assert put(arm, nsg, sourceAddressPrefix=prefix) == (201, "")


@pytest.mark.parametrize("prefix", ["10.0.0.0/33", "300.0.0.1", "somewhere", "10.0.0.0/8,192.0.2.1", ""])
def test_a_prefix_that_is_none_is_refused(arm: Arm, nsg: str, prefix: str) -> None:
    assert put(arm, nsg, sourceAddressPrefix=prefix)[0] == 400


@pytest.mark.parametrize("ports", ["65536", "90-80", "-1", "http", "80,443", "²", "80\n"])
def test_a_port_range_that_is_none_is_refused(arm: Arm, nsg: str, ports: str) -> None:
    assert put(arm, nsg, destinationPortRange=ports) == (400, "SecurityRuleInvalidPortRange")


def test_application_security_groups_are_501(group: Group, arm: Arm, nsg: str) -> None:
    asg = {"id": group.path("Microsoft.Network/applicationSecurityGroups", "web")}
    properties = rule_properties(destinationApplicationSecurityGroups=[asg])
    reply = arm.put(f"{nsg}/securityRules/r", {"properties": properties})
    assert (reply.status, reply.code) == (501, "NotImplemented")


def test_a_rules_name_is_checked(arm: Arm, nsg: str) -> None:
    assert put(arm, nsg, "-r") == (400, "InvalidResourceName")


def test_a_group_that_guards_a_subnet_cannot_be_deleted(group: Group, arm: Arm, nsg: str) -> None:
    net = group.path(NETWORKS, "net")
    arm.make(net, network(subnet("s", "10.0.0.0/24", networkSecurityGroup={"id": nsg})))
    reply = arm.delete(nsg)
    assert (reply.status, reply.code) == (400, "InUseNetworkSecurityGroupCannotBeDeleted")
    assert f"{net}/subnets/s" in reply.message
    assert arm.get(nsg).body["properties"]["subnets"] == [{"id": f"{net}/subnets/s"}]
    arm.make(f"{net}/subnets/s", {"properties": {"addressPrefix": "10.0.0.0/24"}})
    assert "subnets" not in arm.get(nsg).body["properties"]
    arm.remove(nsg)


def test_a_group_keeps_its_subnets_when_it_is_written_again(group: Group, arm: Arm, nsg: str) -> None:
    net = group.path(NETWORKS, "net")
    arm.make(net, network(subnet("s", "10.0.0.0/24", networkSecurityGroup={"id": nsg})))
    again = arm.make(nsg, security_group(rule("web")))
    assert again["properties"]["subnets"] == [{"id": f"{net}/subnets/s"}]
    assert [r["name"] for r in again["properties"]["securityRules"]] == ["web"]


def test_a_group_has_at_most_1000_rules(group: Group, arm: Arm) -> None:
    rules = [rule(f"r{i}", 100 + i) for i in range(1000)]
    path = group.path(SECURITY_GROUPS, "nsg")
    assert len(arm.make(path, security_group(*rules))["properties"]["securityRules"]) == 1000
    more = rule("one-more", 3000)
    for reply in (
        arm.put(path, security_group(*rules, more)),
        arm.put(f"{path}/securityRules/one-more", {"properties": more["properties"]}),
    ):
        assert reply.status == 400


def test_the_rules_of_a_group_have_at_most_4000_sources_together(group: Group, arm: Arm) -> None:
    path = group.path(SECURITY_GROUPS, "nsg")
    many = [f"10.{n // 250}.{n % 250}.0/24" for n in range(2000)]
    rules = [rule(f"r{i}", 100 + i, sourceAddressPrefix=None, sourceAddressPrefixes=many) for i in range(2)]
    arm.make(path, security_group(*rules))
    for reply in (
        arm.put(f"{path}/securityRules/more", {"properties": rule_properties(200)}),
        arm.put(path, security_group(*rules, rule("more", 200))),
    ):
        assert (reply.status, reply.code) == (400, "SecurityRuleAddressCountLimitReached")
    assert len(arm.get(path).body["properties"]["securityRules"]) == 2
