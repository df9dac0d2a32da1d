"""Optimistic concurrency: If-Match and If-None-Match, each service in its own words."""

from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError
from azure.mgmt.containerservice.models import AgentPool, ManagedCluster
from azure.mgmt.dns.models import Zone

from tests.contract.bodies import (
    ADDRESSES,
    BALANCERS,
    CLUSTERS,
    NETWORKS,
    SECURITY_GROUPS,
    ZONES,
    address,
    balancer,
    cluster,
    network,
    pool,
    rule_properties,
    security_group,
    subnet,
)
from tests.contract.cloud import Arm, Clients, Group

STALE = 'W/"00000000-0000-0000-0000-000000000000"'
NETWORK_TYPES = [(ADDRESSES, address()), (SECURITY_GROUPS, security_group()), (NETWORKS, network())]
IDS = ["public IP", "security group", "virtual network"]


@pytest.mark.parametrize(("type_", "body"), NETWORK_TYPES, ids=IDS)
def test_a_network_etag_is_weak_in_body_and_header_and_changes_with_each_write(
    group: Group, arm: Arm, type_: str, body: dict[str, Any]
) -> None:
    path = group.path(type_, "x")
    first = arm.make(path, body)["etag"]
    assert first.startswith('W/"')
    assert arm.get(path).headers["ETag"] == first
    second = arm.make(path, {**body, "tags": {"changed": "yes"}})["etag"]
    assert second != first


@pytest.mark.parametrize(("type_", "body"), NETWORK_TYPES, ids=IDS)
def test_network_refuses_a_stale_if_match_with_412_and_details(
    group: Group, arm: Arm, type_: str, body: dict[str, Any]
) -> None:
    path = group.path(type_, "x")
    made = arm.make(path, body)
    for reply in (arm.put(path, body, If_Match=STALE), arm.delete(path, If_Match=STALE)):
        assert (reply.status, reply.code) == (412, "PreconditionFailed")
        assert reply.body["error"]["details"][0]["code"] == "PreconditionFailedEtagMismatch"
    assert arm.get(path).body == made
    assert arm.put(path, body, If_Match=made["etag"]).status == 200


def test_a_stale_if_match_is_412_for_children_of_network_too(group: Group, arm: Arm) -> None:
    arm.make(group.path(SECURITY_GROUPS, "nsg"), security_group())
    arm.make(group.path(NETWORKS, "net"), network())
    ip = arm.make(group.path(ADDRESSES, "ip"), address())["id"]
    lb = group.path(BALANCERS, "lb")
    arm.make(lb, balancer(lb, address_id=ip))
    for path, body in (
        (group.path(SECURITY_GROUPS, "nsg/securityRules/r"), {"properties": rule_properties()}),
        (group.path(NETWORKS, "net/subnets/s"), {"properties": {"addressPrefix": "10.0.0.0/24"}}),
        (f"{lb}/backendAddressPools/p", {"properties": {}}),
    ):
        made = arm.make(path, body)
        assert arm.put(path, body, If_Match=STALE).status == 412, path
        assert arm.delete(path, If_Match=STALE).status == 412, path
        assert arm.put(path, body, If_Match=made["etag"]).status == 200, path


def test_writing_a_rule_changes_the_etag_of_its_group(group: Group, arm: Arm) -> None:
    path = group.path(SECURITY_GROUPS, "nsg")
    before = arm.make(path, security_group())["etag"]
    arm.make(f"{path}/securityRules/r", {"properties": rule_properties()})
    assert arm.get(path).body["etag"] != before
    assert arm.put(path, security_group(), If_Match=before).status == 412


def test_writing_a_subnet_changes_the_etag_of_its_network(group: Group, arm: Arm) -> None:
    path = group.path(NETWORKS, "net")
    before = arm.make(path, network())["etag"]
    arm.make(f"{path}/subnets/s", {"properties": {"addressPrefix": "10.0.0.0/24"}})
    assert arm.put(path, network(subnet("s", "10.0.0.0/24")), If_Match=before).status == 412


@pytest.mark.parametrize(("type_", "body"), NETWORK_TYPES, ids=IDS)
def test_if_none_match_star_makes_but_never_overwrites(
    group: Group, arm: Arm, type_: str, body: dict[str, Any]
) -> None:
    path = group.path(type_, "x")
    assert arm.put(path, body, If_None_Match="*").status == 201
    arm.make(path, body)
    assert arm.put(path, body, If_None_Match="*").status == 412


def test_if_match_on_what_is_not_there_is_412(group: Group, arm: Arm) -> None:
    for path, body in (
        (group.path(ADDRESSES, "none"), address()),
        (group.path(CLUSTERS, "none"), cluster()),
        (group.path(ZONES, "none.example"), {"location": "global"}),
    ):
        assert arm.put(path, body, If_Match=STALE).status == 412, path
        assert arm.put(path, body, If_Match="*").status == 412, path
        assert arm.get(path).status == 404
    assert (
        "Resource not found but ETag header is provided"
        in arm.put(group.path(CLUSTERS, "none"), cluster(), If_Match=STALE).message
    )


def test_a_clusters_etag_guards_it_through_the_sdk(sdk: Clients, group: Group, arm: Arm) -> None:
    made = sdk.aks.managed_clusters.begin_create_or_update(group.name, "c", ManagedCluster(cluster())).result()
    assert made.e_tag
    arm.make(group.path(CLUSTERS, "c"), {**cluster(), "tags": {"by": "another"}})
    stale: Any = {"etag": made.e_tag, "match_condition": MatchConditions.IfNotModified}
    with pytest.raises(ResourceModifiedError):
        sdk.aks.managed_clusters.begin_create_or_update(group.name, "c", ManagedCluster(cluster()), **stale)
    with pytest.raises(ResourceModifiedError):
        sdk.aks.managed_clusters.begin_delete(group.name, "c", **stale)
    fresh = sdk.aks.managed_clusters.get(group.name, "c").e_tag
    current: Any = {"etag": fresh, "match_condition": MatchConditions.IfNotModified}
    sdk.aks.managed_clusters.begin_create_or_update(group.name, "c", ManagedCluster(cluster()), **current).result()


def test_a_pools_etag_guards_it_through_the_sdk(sdk: Clients, group: Group, arm: Arm) -> None:
    arm.make(group.path(CLUSTERS, "c"), cluster())
    pools = sdk.aks.agent_pools
    made = pools.begin_create_or_update(group.name, "c", "p", AgentPool(pool())).result()
    assert made.properties is not None
    stale: Any = {"etag": made.properties.e_tag, "match_condition": MatchConditions.IfNotModified}
    pools.begin_create_or_update(group.name, "c", "p", AgentPool(pool(count=2))).result()
    with pytest.raises(ResourceModifiedError):
        pools.begin_create_or_update(group.name, "c", "p", AgentPool(pool(count=3)), **stale)
    with pytest.raises(ResourceModifiedError):
        pools.begin_delete(group.name, "c", "p", **stale)
    with pytest.raises(ResourceExistsError):
        pools.begin_create_or_update(group.name, "c", "p", AgentPool(pool()), match_condition=MatchConditions.IfMissing)


def test_aks_refuses_a_stale_etag_in_its_flat_shape(group: Group, arm: Arm) -> None:
    arm.make(group.path(CLUSTERS, "c"), cluster())
    for path, body in (("c", cluster()), ("c/agentPools/system", pool(mode="System"))):
        reply = arm.put(group.path(CLUSTERS, path), body, If_Match="stale")
        assert (reply.status, reply.body["code"]) == (412, "PreconditionFailed")


def test_dns_etags_are_guids_and_guard_zones_and_record_sets(sdk: Clients, group: Group, arm: Arm) -> None:
    arm.put(group.path(ZONES, "demo.example"), {"location": "global"})
    path = group.path(ZONES, "demo.example/A/www")
    body = {"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "203.0.113.9"}]}}
    made = arm.put(path, body, If_None_Match="*")
    assert made.status == 201
    assert len(made.body["etag"]) == 36
    assert arm.put(path, body, If_None_Match="*").status == 412
    assert arm.put(path, body, If_Match=made.body["etag"]).status == 200
    stale = arm.put(path, body, If_Match=made.body["etag"])
    assert (stale.status, stale.code) == (412, "PreconditionFailed")
    assert arm.delete(path, If_Match=made.body["etag"]).status == 412
    with pytest.raises(HttpResponseError) as refused:
        sdk.dns.zones.create_or_update(group.name, "demo.example", Zone(location="global"), if_none_match="*")
    assert refused.value.status_code == 412


def test_tags_and_deletion_of_clusters_and_pools_are_guarded_through_the_sdk(
    sdk: Clients, group: Group, arm: Arm
) -> None:
    path = arm.make(group.path(CLUSTERS, "c"), cluster())["id"]
    arm.make(f"{path}/agentPools/p", pool())
    guard: dict[str, Any] = {"etag": "stale", "match_condition": MatchConditions.IfNotModified}
    with pytest.raises(ResourceModifiedError):
        sdk.aks.managed_clusters.begin_update_tags(group.name, "c", {"tags": {"a": "b"}}, **guard)
    with pytest.raises(ResourceModifiedError):
        sdk.aks.managed_clusters.begin_delete(group.name, "c", **guard)
    with pytest.raises(ResourceModifiedError):
        sdk.aks.agent_pools.begin_delete(group.name, "c", "p", **guard)
    own = {**guard, "etag": arm.get(f"{path}/agentPools/p").body["properties"]["eTag"]}
    sdk.aks.agent_pools.begin_delete(group.name, "c", "p", **own).result()
    own = {**guard, "etag": arm.get(path).body["eTag"]}
    sdk.aks.managed_clusters.begin_update_tags(group.name, "c", {"tags": {"a": "b"}}, **own).result()
    own = {**guard, "etag": arm.get(path).body["eTag"]}
    sdk.aks.managed_clusters.begin_delete(group.name, "c", **own).result()
    assert arm.get(path).status == 404
