"""Network takes one operation at a time on a resource and its children, and refers only to what is at rest."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.network.models import SecurityRule

from tests.contract.bodies import (
    ADDRESSES,
    BALANCERS,
    CLUSTERS,
    NETWORKS,
    SECURITY_GROUPS,
    address,
    balancer,
    cluster,
    network,
    rule_properties,
    security_group,
    subnet,
)
from tests.contract.cloud import Arm, Clients, Cloud, Group, Reply
from tests.contract.conftest import new_group


@dataclass(frozen=True)
class AtRest:
    """A security group and a network that are at rest in a cloud where no operation ends: a cluster's own."""

    nsg: str
    net: str


@pytest.fixture
def at_rest(unhurried: Arm) -> AtRest:
    made = unhurried.put(new_group(unhurried).path(CLUSTERS, "c"), cluster()).body
    nodes = Group(made["properties"]["nodeResourceGroup"], unhurried)
    nsg, net = (unhurried.get(nodes.path(type_)).body["value"][0]["id"] for type_ in (SECURITY_GROUPS, NETWORKS))
    return AtRest(nsg, net)


def rule(priority: int = 1000) -> dict[str, Any]:
    return {"properties": rule_properties(priority)}


def refused(reply: Reply, detail: str) -> str:
    """The message of the one detail of a 429."""
    assert (reply.status, reply.code) == (429, "RetryableError")
    [found] = reply.body["error"]["details"]
    assert found["code"] == detail
    return str(found["message"])


def test_a_resource_under_way_is_429_for_the_next_write_and_says_where_to_look(unhurried: Arm) -> None:
    path = new_group(unhurried).path(ADDRESSES, "ip")
    begun = unhurried.put(path, address())
    for reply in (
        unhurried.put(path, address()),
        unhurried.delete(path),
        unhurried.patch(path, {"tags": {"a": "b"}}),
    ):
        uri = refused(reply, "AnotherOperationInProgress").rpartition("use uri: ")[2].rstrip(".")
        assert urlsplit(uri).path == urlsplit(begun.headers["Azure-AsyncOperation"]).path


def test_rules_of_one_group_are_written_one_after_the_other(unhurried: Arm, at_rest: AtRest) -> None:
    assert unhurried.put(f"{at_rest.nsg}/securityRules/a", rule(1000)).status == 201
    refused(unhurried.put(f"{at_rest.nsg}/securityRules/b", rule(1001)), "AnotherOperationInProgress")
    refused(unhurried.delete(f"{at_rest.nsg}/securityRules/a"), "AnotherOperationInProgress")
    refused(unhurried.put(at_rest.nsg, security_group()), "AnotherOperationInProgress")


def test_subnets_of_one_network_are_written_one_after_the_other(unhurried: Arm, at_rest: AtRest) -> None:
    one, two = ({"properties": {"addressPrefix": prefix}} for prefix in ("10.225.0.0/24", "10.225.1.0/24"))
    assert unhurried.put(f"{at_rest.net}/subnets/a", one).status == 201
    refused(unhurried.put(f"{at_rest.net}/subnets/b", two), "AnotherOperationInProgress")


def test_a_child_is_updating_while_it_is_written_and_its_parent_with_it(unhurried: Arm, at_rest: AtRest) -> None:
    path = f"{at_rest.nsg}/securityRules/a"
    assert unhurried.put(path, rule()).state == "Updating"
    assert unhurried.get(path).state == "Updating"
    assert unhurried.get(at_rest.nsg).state == "Updating"


def test_a_child_is_succeeded_when_its_operation_ended_and_its_parent_with_it(group: Group, arm: Arm) -> None:
    nsg = arm.make(group.path(SECURITY_GROUPS, "nsg"), security_group())["id"]
    assert arm.make(f"{nsg}/securityRules/a", rule())["properties"]["provisioningState"] == "Succeeded"
    assert arm.get(nsg).state == "Succeeded"


def test_a_child_is_deleting_until_its_operation_ended(brisk: Arm) -> None:
    nsg = brisk.make(new_group(brisk).path(SECURITY_GROUPS, "nsg"), security_group())["id"]
    brisk.make(f"{nsg}/securityRules/a", rule())
    begun = brisk.delete(f"{nsg}/securityRules/a")
    assert (begun.status, begun.text) == (202, "")
    found = brisk.get(f"{nsg}/securityRules/a")
    assert found.status == 404 or found.state == "Deleting"
    brisk.ended(begun)
    assert brisk.get(f"{nsg}/securityRules/a").status == 404
    assert brisk.get(nsg).body["properties"]["securityRules"] == []


def test_deleting_a_child_twice_tells_the_same_operation(start_cloud: Callable[[str], Cloud]) -> None:
    arm = Arm(start_cloud("20"))
    nsg = arm.make(new_group(arm).path(SECURITY_GROUPS, "nsg"), security_group({"name": "a", **rule()}))["id"]
    first, second = (arm.delete(f"{nsg}/securityRules/a") for _ in range(2))
    arm.close()
    assert first.status == second.status == 202
    ids = {urlsplit(reply.headers["Azure-AsyncOperation"]).path for reply in (first, second)}
    assert len(ids) == 1


def test_a_balancer_waits_for_its_address(unhurried: Arm) -> None:
    group = new_group(unhurried)
    ip = unhurried.put(group.path(ADDRESSES, "ip"), address()).body["id"]
    id_ = group.path(BALANCERS, "lb")
    message = refused(unhurried.put(id_, balancer(id_, address_id=ip)), "ReferencedResourceNotProvisioned")
    assert f"{ip} used by resource {id_}/frontendIPConfigurations/front is not in Succeeded state" in message


def test_a_subnet_waits_for_its_security_group(unhurried: Arm) -> None:
    group = new_group(unhurried)
    nsg = unhurried.put(group.path(SECURITY_GROUPS, "nsg"), security_group()).body["id"]
    body = network(subnet("s", "10.0.0.0/24", networkSecurityGroup={"id": nsg}))
    refused(unhurried.put(group.path(NETWORKS, "net"), body), "ReferencedResourceNotProvisioned")


def test_the_sdk_shows_busy_as_429_with_the_reason_in_its_details(unhurried: Arm, at_rest: AtRest) -> None:
    clients = Clients(unhurried.cloud)
    group, nsg = at_rest.nsg.split("/")[4], at_rest.nsg.rpartition("/")[2]
    begin = clients.network.security_rules.begin_create_or_update
    begin(group, nsg, "a", SecurityRule(rule(1000)), polling=False)
    with pytest.raises(HttpResponseError) as busy:
        begin(group, nsg, "b", SecurityRule(rule(1001)), polling=False)
    clients.close()
    assert busy.value.status_code == 429
    assert busy.value.error is not None
    assert busy.value.error.code == "RetryableError"
    assert [detail.code for detail in busy.value.error.details] == ["AnotherOperationInProgress"]
