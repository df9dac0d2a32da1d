"""How an exposure stands: a condition a part, in the order in which they come about, and what the user may try."""

from typing import Any

import pytest

from aks_operator.conditions import Condition, summarise
from aks_operator.desired.exposure import BALANCERS, GROUPS, PUBLIC_IPS, Port
from aks_operator.documents.shares import Result
from aks_operator.keys import Key
from aks_operator.kinds.exposures.places import SERVICES, Places
from aks_operator.kinds.exposures.status import (
    Stand,
    address_of,
    backend_counts,
    balanced,
    port_lines,
    private_address_of,
    url_of,
)
from aks_operator.kinds.exposures.types import TYPES
from aks_operator.marks import OWNER_TAG, Marks

MARKS = Marks("m")
NETWORK = "/subscriptions/s/resourceGroups/shop/providers/Microsoft.Network"
ADDRESS, RECORD = f"{NETWORK}/publicIPAddresses/ip", f"{NETWORK}/dnsZones/shop.example/A/www"
BALANCER, GROUP = f"{NETWORK}/loadBalancers/shop-public", f"{NETWORK}/networkSecurityGroups/aks-nsg"
KEY = Key("ServiceExposure", "ns", "web")
HTTP = Port("http", "TCP", 80, 8080, 30080)
HTTPS = Port("https", "TCP", 443, 8443, 30443)
DNS = Port("dns", "UDP", 53, 53, 30053)
ENTRY = {"name": MARKS.entry(KEY, "TCP", 80), "properties": {}}
BACKEND = Condition("BackendReady", "True", "Succeeded")


def places(type_: str, **more: Any) -> Places:
    return Places(TYPES[type_], "/api/v1/namespaces/default/services/web", **more)


def body(list_: str, *entries: dict[str, Any], **properties: Any) -> Result:
    shown = {"tags": {OWNER_TAG: "m/ns/shop"}, "properties": {list_: list(entries), **properties}}
    return Result(shown, settled=True)


BALANCED = places("LoadBalancer", address=ADDRESS, balancer=BALANCER, guarded=True, rules=[GROUP], record=RECORD)
ALL_WELL: dict[str, Result | None] = {
    ADDRESS: body("x", ipAddress="203.0.113.10"),
    BALANCER: body("loadBalancingRules", ENTRY),
    GROUP: body("securityRules", ENTRY),
    RECORD: body("ARecords"),
}


def stand(where: Places, results: dict[str, Result | None], **more: Any) -> list[tuple[str, str, str]]:
    parts = Stand(KEY, MARKS, where, results, **more).conditions(BACKEND, [HTTP], [])
    return [(part.type, part.status, part.reason) for part in parts]


@pytest.mark.parametrize(
    ("where", "types"),
    [
        (places("ClusterIP"), ["BackendReady"]),
        (places("ClusterIP", record=RECORD), ["BackendReady", "DNSReady"]),
        (places("NodePort", guarded=True, rules=[GROUP]), ["BackendReady", "NetworkRulesReady"]),
        (BALANCED, ["BackendReady", "AddressReady", "LoadBalancerReady", "NetworkRulesReady", "DNSReady"]),
    ],
)
def test_each_type_has_the_parts_that_it_needs(where: Places, types: list[str]) -> None:
    found = stand(where, ALL_WELL)
    assert [type_ for type_, _, _ in found] == types
    assert {status for _, status, _ in found} == {"True"}


@pytest.mark.parametrize(
    ("part", "change", "reason"),
    [
        pytest.param("AddressReady", {ADDRESS: None}, "Creating", id="no address yet"),
        pytest.param(
            "AddressReady",
            {ADDRESS: Result(None, False, "QuotaExceeded", "m")},
            "QuotaExceeded",
            id="no address to be had",
        ),
        pytest.param("LoadBalancerReady", {BALANCER: body("loadBalancingRules")}, "Updating", id="not in the balancer"),
        pytest.param("NetworkRulesReady", {GROUP: body("securityRules")}, "Updating", id="no rules"),
        pytest.param(
            "DNSReady", {RECORD: Result(None, False, "AlreadyExists", "m")}, "AlreadyExists", id="somebody else's name"
        ),
    ],
)
def test_one_part_that_lags_is_named_and_speaks_for_all(
    part: str, change: dict[str, Result | None], reason: str
) -> None:
    parts = Stand(KEY, MARKS, BALANCED, {**ALL_WELL, **change}).conditions(BACKEND, [HTTP], [])
    assert [(p.type, p.reason) for p in parts if p.status != "True"] == [(part, reason)]
    assert (summarise(parts).status, summarise(parts).reason) == ("False", reason)


def test_rules_wait_for_the_clusters_group() -> None:
    found = stand(places("NodePort", guarded=True), {})
    assert found[1] == ("NetworkRulesReady", "False", "WaitingForCluster")


def test_a_foreign_rule_that_denies_us_is_told_and_is_no_failure_of_ours() -> None:
    (_, rules) = Stand(KEY, MARKS, places("NodePort", guarded=True, rules=[GROUP]), ALL_WELL).conditions(
        BACKEND, [HTTP], ["theirs"]
    )
    assert (rules.status, rules.message) == ("True", "denied all the same by theirs")


def test_an_address_of_somebody_elses_stands_where_ours_would() -> None:
    brought = Condition("AddressReady", "False", "Invalid", "there is none")
    where = places("LoadBalancer", brought=ADDRESS, balancer=BALANCER)
    assert [type_ for type_, _, _ in stand(where, ALL_WELL, brought=brought)] == [
        "BackendReady",
        "AddressReady",
        "LoadBalancerReady",
    ]


def test_the_lines_of_a_status_name_all_that_is_ours_and_how_it_stands() -> None:
    made = Stand(KEY, MARKS, BALANCED, ALL_WELL)
    lines = made.lines(made.conditions(BACKEND, [HTTP], []))
    assert [(line["type"], line["ready"]) for line in lines] == [
        (SERVICES, "True"),
        (PUBLIC_IPS, "True"),
        (BALANCERS, "True"),
        (GROUPS, "True"),
        ("Microsoft.Network/dnsZones/A", "True"),
    ]
    assert {line["reason"] for line in made.lines([])} == {"Creating"}


@pytest.mark.parametrize(
    ("host", "ports", "by_node_port", "url"),
    [
        ("www.shop.example", [HTTP], False, "http://www.shop.example/"),
        ("www.shop.example", [HTTPS, HTTP], False, "https://www.shop.example/"),
        ("203.0.113.10", [Port("x", "TCP", 8080, 80, 30000)], False, "http://203.0.113.10:8080/"),
        ("10.224.0.4", [HTTP], True, "http://10.224.0.4:30080/"),
        ("www.shop.example", [DNS, HTTP], False, "http://www.shop.example/"),
        ("www.shop.example", [DNS], False, None),
        ("www.shop.example", [], False, None),
        (None, [HTTP], False, None),
    ],
)
def test_there_is_a_url_to_try_where_something_speaks_tcp(
    host: str | None, ports: list[Port], by_node_port: bool, url: str | None
) -> None:
    assert url_of(host, ports, by_node_port=by_node_port) == url


@pytest.mark.parametrize(
    ("results", "capacity"),
    [
        (ALL_WELL, {"networkRules": "1/1000", "loadBalancerRules": "1/300"}),
        ({GROUP: body("securityRules", ENTRY, ENTRY)}, {"networkRules": "2/1000"}),
        ({GROUP: Result(None, settled=True)}, None),
        ({}, None),
    ],
)
def test_capacity_is_what_was_seen_of_what_azure_allows(
    results: dict[str, Result | None], capacity: dict[str, str] | None
) -> None:
    assert Stand(KEY, MARKS, BALANCED, results).capacity() == capacity


def test_addresses_are_read_out_of_what_was_seen() -> None:
    assert address_of(ALL_WELL[ADDRESS]) == "203.0.113.10"
    assert address_of(Result(None, settled=True)) is None
    assert address_of(None) is None
    frontend = {"name": "Front", "properties": {"privateIPAddress": "10.224.0.9"}}
    assert private_address_of(body("frontendIPConfigurations", frontend), "front") == "10.224.0.9"
    assert private_address_of(body("frontendIPConfigurations", frontend), "other") is None
    assert private_address_of(None, "front") is None


def test_backends_are_those_that_the_balancer_has() -> None:
    pools = [
        {"name": name, "properties": {"loadBalancerBackendAddresses": [{}] * count}}
        for name, count in ((MARKS.entry(KEY), 2), (MARKS.entry(Key("ServiceExposure", "ns", "api")), 3), ("theirs", 4))
    ]
    assert balanced(KEY, body("backendAddressPools", *pools), MARKS) == 2
    assert balanced(KEY, body("backendAddressPools"), MARKS) == 0
    assert balanced(KEY, Result(None, settled=False), MARKS) is None
    assert balanced(KEY, None, MARKS) is None


def test_backends_and_ports_are_shown_in_the_users_words() -> None:
    assert backend_counts(3, None) == {"summary": "3", "total": 3}
    assert backend_counts(3, 0) == {"summary": "0/3", "healthy": 0, "total": 3}
    assert port_lines([]) is None
    assert port_lines([Port("", "UDP", 53, 53, 30053)]) == [{"name": "udp-53", "port": 53, "nodePort": 30053}]
