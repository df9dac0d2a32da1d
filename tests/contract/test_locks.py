"""Locks: what they forbid, to whom they are handed down, and what AKS says of one in its node group."""

from collections.abc import Callable

import pytest
from azure.core.exceptions import ResourceExistsError

from tests.contract.bodies import (
    ADDRESSES,
    CLUSTERS,
    LOCKS,
    SECURITY_GROUPS,
    Body,
    address,
    cluster,
    lock,
    pool,
    rule_properties,
    security_group,
)
from tests.contract.cloud import Arm, Clients, Cloud, Group, Reply, until
from tests.contract.conftest import new_group

API_VERSION = "2020-05-01"


def on(scope: str, name: str = "keep") -> str:
    """The id of a lock on a group or a resource."""
    return f"{scope}/providers/{LOCKS}/{name}"


def locked(reply: Reply, verb: str, id_: str, *scopes: str) -> None:
    """The reply is ARM's refusal of `verb` on `id_`, because of locks on `scopes`."""
    assert (reply.status, reply.code) == (409, "ScopeLocked")
    told = ",".join(f"'{scope}'" for scope in scopes)
    assert (
        reply.message
        == f"The scope '{id_}' cannot perform {verb} operation because following scope(s) are locked: {told}. Please remove the lock and try again."
    )


def names(reply: Reply) -> list[str]:
    """The locks of a list."""
    return [entry["name"] for entry in reply.body["value"]]


def test_the_sdk_makes_reads_and_removes_a_lock(sdk: Clients, group: Group, arm: Arm) -> None:
    ip = arm.make(group.path(ADDRESSES, "ip"), address())["id"]
    resources = sdk.resources.resources
    made = resources.begin_create_or_update_by_id(on(ip), lock(notes="ours"), api_version=API_VERSION).result()
    assert (made.id, made.type) == (on(ip), LOCKS)
    found = resources.get_by_id(on(ip), api_version=API_VERSION)
    assert found.properties == {"level": "CanNotDelete", "notes": "ours"}
    with pytest.raises(ResourceExistsError, match="ScopeLocked"):
        sdk.network.public_ip_addresses.begin_delete(group.name, "ip")
    resources.begin_delete_by_id(on(ip), api_version=API_VERSION).result()
    sdk.network.public_ip_addresses.begin_delete(group.name, "ip").result()


def test_a_lock_is_201_then_200_and_gone_with_200_then_204(group: Group, arm: Arm) -> None:
    assert arm.put(on(group.id), lock()).status == 201
    assert arm.put(on(group.id), lock("ReadOnly")).status == 200
    assert arm.get(on(group.id)).body["properties"] == {"level": "ReadOnly"}
    assert arm("HEAD", on(group.id)).status == 204
    assert arm.delete(on(group.id)).status == 200
    assert arm.delete(on(group.id)).status == 204
    assert arm.get(on(group.id)).status == 404


def test_an_unknown_level_and_long_notes_are_refused(group: Group, arm: Arm) -> None:
    wrong: tuple[Body, ...] = ({"properties": {}}, lock("Forbid"), lock(notes="x" * 513))
    for body in wrong:
        assert arm.put(on(group.id), body).status == 400


def test_what_is_not_there_cannot_be_locked(group: Group, arm: Arm) -> None:
    for scope in (group.path(ADDRESSES, "none"), group.path(CLUSTERS, "none"), f"{group.id}-none"):
        assert arm.put(on(scope), lock()).status == 404
        assert arm.get(f"{scope}/providers/{LOCKS}").status == 404


def test_what_cannotdelete_is_on_can_be_written_and_not_deleted(group: Group, arm: Arm) -> None:
    id_ = arm.make(group.path(ADDRESSES, "ip"), address())["id"]
    arm.put(on(id_), lock())
    assert arm.put(id_, address()).status == 200
    locked(arm.delete(id_), "delete", id_, id_)
    arm.delete(on(id_))
    arm.remove(id_)


def test_what_readonly_is_on_can_be_neither_written_nor_deleted_nor_acted_on(group: Group, arm: Arm) -> None:
    id_ = group.path(CLUSTERS, "c")
    arm.make(id_, cluster())
    arm.put(on(id_), lock("ReadOnly"))
    for reply in (arm.put(id_, cluster()), arm.patch(id_, {"tags": {}})):
        locked(reply, "write", id_, id_)
    for action in ("listClusterAdminCredential", "stop"):
        assert arm.post(f"{id_}/{action}").code == "ScopeLocked", "an action is a POST, whatever it does"
    locked(arm.delete(id_), "delete", id_, id_)
    assert arm.get(id_).status == 200


def test_children_inherit_the_lock_of_their_parent_and_of_its_group(group: Group, arm: Arm) -> None:
    nsg = arm.make(group.path(SECURITY_GROUPS, "nsg"), security_group())["id"]
    rule = f"{nsg}/securityRules/r"
    arm.make(rule, {"properties": rule_properties()})
    for scope in (nsg, group.id):
        arm.put(on(scope), lock("ReadOnly"))
        locked(arm.put(rule, {"properties": rule_properties()}), "write", rule, scope)
        locked(arm.delete(rule), "delete", rule, scope)
        arm.delete(on(scope))
    arm.remove(rule)


def test_a_lock_on_a_child_keeps_its_parent_and_its_group(group: Group, arm: Arm) -> None:
    nsg = arm.make(group.path(SECURITY_GROUPS, "nsg"), security_group())["id"]
    rule = f"{nsg}/securityRules/r"
    arm.make(rule, {"properties": rule_properties()})
    arm.put(on(rule), lock())
    locked(arm.delete(nsg), "delete", nsg, rule)
    locked(arm.delete(group.id), "delete", group.id, rule)
    assert arm.put(f"{nsg}/securityRules/other", {"properties": rule_properties(2000)}).status == 201


def test_a_locked_group_takes_no_new_resource_when_it_is_readonly(group: Group, arm: Arm) -> None:
    arm.put(on(group.id), lock("ReadOnly"))
    id_ = group.path(ADDRESSES, "ip")
    locked(arm.put(id_, address()), "write", id_, group.id)
    locked(arm.patch(group.id, {"tags": {}}), "write", group.id, group.id)
    locked(arm.delete(group.id), "delete", group.id, group.id)


def test_all_locks_that_forbid_it_are_named_the_outermost_first(group: Group, arm: Arm) -> None:
    id_ = arm.make(group.path(ADDRESSES, "ip"), address())["id"]
    arm.put(on(id_), lock())
    arm.put(on(group.id), lock())
    arm.put(on(group.id, "again"), lock())
    locked(arm.delete(id_), "delete", id_, group.id, id_)


def test_a_lock_in_another_case_is_the_same(group: Group, arm: Arm) -> None:
    id_ = arm.make(group.path(ADDRESSES, "ip"), address())["id"]
    arm.put(on(group.id), lock())
    assert arm.delete(f"{arm.cloud.endpoint}{id_.upper()}").code == "ScopeLocked"


def test_lists_tell_of_locks_at_above_and_below(group: Group, arm: Arm) -> None:
    id_ = arm.make(group.path(ADDRESSES, "ip"), address())["id"]
    arm.put(on(group.id, "a"), lock())
    arm.put(on(id_, "b"), lock())
    assert names(arm.get(f"{group.id}/providers/{LOCKS}")) == ["a", "b"]
    assert names(arm.get(f"{group.id}/providers/{LOCKS}?$filter=atScope()")) == ["a"]
    assert names(arm.get(f"{id_}/providers/{LOCKS}?$filter=atScope()")) == ["a", "b"]
    assert {"a", "b"} <= set(names(arm.get(f"/providers/{LOCKS}")))
    assert arm.get(f"{group.id}/providers/{LOCKS}?$filter=name eq 'a'").status == 400


def test_locks_are_no_resources_of_their_group(group: Group, arm: Arm) -> None:
    arm.put(on(group.id), lock())
    assert arm.get(f"{group.id}/resources").body["value"] == []


def test_a_lock_on_a_subscription_is_on_all_in_it(start_cloud: Callable[[str], Cloud]) -> None:
    arm = Arm(start_cloud("instant"))
    group = new_group(arm)
    subscription = group.id.rpartition("/resourceGroups/")[0]
    assert arm.put(on(subscription), lock("ReadOnly")).status == 201
    locked(arm.put(group.id, {"location": "westeurope"}), "write", group.id, subscription)
    locked(arm.delete(group.id), "delete", group.id, subscription)
    assert arm.delete(on(subscription)).status == 200
    assert arm.delete(group.id).status == 202
    arm.close()


def test_aks_begins_nothing_while_something_in_its_node_group_is_locked(group: Group, arm: Arm) -> None:
    id_ = group.path(CLUSTERS, "c")
    made = arm.make(id_, cluster())
    nodes = f"/resourceGroups/{made['properties']['nodeResourceGroup']}"
    [nsg] = arm.get(f"{nodes}/providers/{SECURITY_GROUPS}").body["value"]
    arm.put(on(nsg["id"]), lock())
    for reply in (
        arm.put(id_, cluster()),
        arm.patch(id_, {"tags": {"a": "b"}}),
        arm.put(f"{id_}/agentPools/p", pool()),
        arm.put(f"{id_}/agentPools/system", pool(mode="System", count=2)),
        arm.post(f"{id_}/stop"),
        arm.delete(id_),
    ):
        assert (reply.status, reply.code) == (409, "ResourceGroupLocked")
        assert "error" not in reply.body, "AKS' own shape"
        assert reply.message.startswith(f"Resource group '{made['properties']['nodeResourceGroup']}'")
        assert "is locked, please remove lock and retry" in reply.message
    assert arm.post(f"{id_}/listClusterUserCredential").status == 200
    arm.delete(on(nsg["id"]))
    arm.remove(id_)


def test_rules_of_a_locked_node_group_cannot_be_written(group: Group, arm: Arm) -> None:
    made = arm.make(group.path(CLUSTERS, "c"), cluster())
    nodes = f"{group.id.rpartition('/')[0]}/{made['properties']['nodeResourceGroup']}"
    [nsg] = arm.get(f"{nodes}/providers/{SECURITY_GROUPS}").body["value"]
    arm.put(on(nodes), lock("ReadOnly"))
    rule = f"{nsg['id']}/securityRules/r"
    locked(arm.put(rule, {"properties": rule_properties()}), "write", rule, nodes)


def test_a_group_with_a_cluster_whose_node_group_is_locked_stays(group: Group, arm: Arm) -> None:
    made = arm.make(group.path(CLUSTERS, "c"), cluster())
    nodes = f"/subscriptions/{arm.cloud.subscription}/resourceGroups/{made['properties']['nodeResourceGroup']}"
    arm.put(on(nodes), lock())
    location = arm.delete(group.id).headers["Location"]
    ended = until("the deletion ended", lambda: r if (r := arm.get(location)).status != 202 else None)
    assert (ended.status, ended.code) == (409, "ResourceGroupDeletionBlocked")
    assert "ResourceGroupLocked" in str(ended.body)
    assert arm.get(group.id).state == "Succeeded"


def test_nobody_but_aks_writes_to_a_node_group_that_its_cluster_restricts(group: Group, arm: Arm) -> None:
    id_ = group.path(CLUSTERS, "c")
    made = arm.make(id_, cluster(nodeResourceGroupProfile={"restrictionLevel": "ReadOnly"}))
    nodes = f"/resourceGroups/{made['properties']['nodeResourceGroup']}"
    [nsg] = arm.get(f"{nodes}/providers/{SECURITY_GROUPS}").body["value"]
    rule = f"{nsg['id']}/securityRules/r"
    for reply in (arm.put(rule, {"properties": rule_properties()}), arm.delete(nsg["id"]), arm.delete(nodes)):
        assert (reply.status, reply.code) == (403, "DenyAssignmentAuthorizationFailed")
    assert "'Microsoft.Network/networkSecurityGroups/securityRules/write'" in arm.put(rule, {}).message
    assert not [key for key in arm.get(nodes).body if key.startswith("_")]
    arm.make(id_, cluster(nodeResourceGroupProfile={"restrictionLevel": "Unrestricted"}))
    assert arm.put(rule, {"properties": rule_properties()}).status == 201
    arm.make(id_, cluster(nodeResourceGroupProfile={"restrictionLevel": "ReadOnly"}))
    arm.remove(id_)


def test_a_lock_set_while_its_group_is_being_deleted_goes_with_it(brisk: Arm) -> None:
    group = new_group(brisk)
    location = brisk.delete(group.id).headers["Location"]
    assert brisk.put(on(group.id), lock()).status in {201, 409}
    until("the group is gone", lambda: True if brisk.get(location).status == 200 else None)
    assert brisk.put(group.id, {"location": "westeurope"}).status == 201
    assert names(brisk.get(f"{group.id}/providers/{LOCKS}")) == []
