"""Verdicts of network security groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakecloud.dataplane.nsg import Packet, Verdict, inbound_rules, verdict
from tests.unit.fakecloud.dataplane.worlds import group, rule

VNET = ["10.224.0.0/12"]
MACHINE = "10.224.0.4"


def judge(body: dict[str, object], source: str, port: int, protocol: str = "Tcp") -> Verdict:
    return verdict(inbound_rules(body, VNET), Packet(source, MACHINE, protocol, port))


@pytest.mark.parametrize(
    ("source", "port", "allowed", "by"),
    [
        ("198.51.100.7", 30080, True, "web"),
        ("198.51.100.7", 30081, False, "DenyAllInBound"),
        ("192.0.2.1", 30080, False, "DenyAllInBound"),
        ("10.224.0.9", 22, True, "AllowVnetInBound"),
        ("168.63.129.16", 30080, True, "AllowAzureLoadBalancerInBound"),
    ],
)
def test_a_group_with_one_rule(source: str, port: int, allowed: bool, by: str) -> None:
    assert judge(group(rule("web", 1000, ["198.51.100.0/24"], ["30080"])), source, port) == Verdict(allowed, by)


def test_the_lowest_priority_number_decides() -> None:
    body = group(rule("open", 200, "*", ["80"]), rule("shut", 100, "*", ["80"], access="Deny"))
    assert judge(body, "192.0.2.1", 80) == Verdict(allow=False, rule="shut")


def test_internet_is_what_lies_outside_the_network() -> None:
    body = group(rule("inet", 100, "Internet", ["80"], access="Deny"))
    assert judge(body, "192.0.2.1", 80).rule == "inet"
    assert judge(body, "10.224.7.7", 80).rule == "AllowVnetInBound"


def test_a_tag_of_a_service_has_no_addresses_here() -> None:
    assert judge(group(rule("s", 100, "Storage.westeurope", ["80"])), "192.0.2.1", 80).rule == "DenyAllInBound"


def test_a_rule_for_udp_does_not_speak_of_tcp() -> None:
    body = group(rule("dns", 100, "*", ["53"], protocol="Udp"))
    assert judge(body, "192.0.2.1", 53, "Udp").allow
    assert not judge(body, "192.0.2.1", 53).allow


def test_port_ranges_are_inclusive() -> None:
    body = group(rule("r", 100, "*", ["8000-8002", "8002-8003", "9000"]))
    verdicts = {port: judge(body, "192.0.2.1", port).allow for port in (7999, 8000, 8003, 8004, 9000)}
    assert verdicts == {7999: False, 8000: True, 8003: True, 8004: False, 9000: True}


@given(st.lists(st.tuples(st.integers(100, 4096), st.booleans()), unique_by=lambda r: r[0], max_size=8))
def test_a_deny_for_all_hides_every_rule_behind_it(given_rules: list[tuple[int, bool]]) -> None:
    rules = [rule(f"r{p}", p, "*", ["1-65535"], access="Allow" if allow else "Deny") for p, allow in given_rules]
    found = judge(group(*rules), "192.0.2.1", 80)
    first = min(given_rules, default=None)
    assert found == (Verdict(first[1], f"r{first[0]}") if first else Verdict(allow=False, rule="DenyAllInBound"))
