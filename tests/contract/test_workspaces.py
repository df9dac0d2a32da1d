"""Log Analytics workspaces: made in a while, deleted at once, back again within two weeks."""

from azure.mgmt.loganalytics.models import Workspace

from tests.contract.bodies import LOCATION, WORKSPACES, Body
from tests.contract.cloud import Arm, Clients, Group, until
from tests.contract.conftest import new_group


def workspace(**properties: object) -> Body:
    """A workspace."""
    return {"location": LOCATION, "properties": properties}


def test_the_sdk_makes_reads_lists_and_removes_a_workspace(sdk: Clients, group: Group) -> None:
    workspaces = sdk.logs.workspaces
    made = workspaces.begin_create_or_update(group.name, "logs", Workspace(workspace(retentionInDays=60))).result()
    assert made.properties is not None
    assert (made.properties.provisioning_state, made.properties.retention_in_days) == ("Succeeded", 60)
    assert [entry.name for entry in workspaces.list_by_resource_group(group.name)] == ["logs"]
    assert made.id in [entry.id for entry in workspaces.list()]
    keys = sdk.logs.shared_keys.get_shared_keys(group.name, "logs")
    assert keys.primary_shared_key != keys.secondary_shared_key
    workspaces.begin_delete(group.name, "logs").result()
    assert list(workspaces.list_by_resource_group(group.name)) == []


def test_creation_is_201_creating_without_an_operation(brisk: Arm) -> None:
    path = new_group(brisk).path(WORKSPACES, "logs")
    reply = brisk.put(path, workspace())
    assert (reply.status, reply.state) == (201, "Creating")
    assert not {"Azure-AsyncOperation", "Location"} & reply.headers.keys()
    until("it is made", lambda: True if brisk.get(path).state == "Succeeded" else None)


def test_what_azure_fills_in(group: Group, arm: Arm) -> None:
    made = arm.make(group.path(WORKSPACES, "logs"), workspace())["properties"]
    assert made["sku"]["name"] == "PerGB2018"
    assert made["retentionInDays"] == 30
    assert made["workspaceCapping"]["dailyQuotaGb"] == -1
    assert len(made["customerId"]) == 36
    assert "_keys" not in str(made)


def test_an_update_is_200_and_leaves_what_it_does_not_tell(group: Group, arm: Arm) -> None:
    path = group.path(WORKSPACES, "logs")
    made = arm.make(path, workspace(retentionInDays=90))["properties"]
    reply = arm.put(path, workspace(workspaceCapping={"dailyQuotaGb": 1}, customerId="mine"))
    assert (reply.status, reply.state) == (200, "Succeeded")
    properties = reply.body["properties"]
    assert properties["retentionInDays"] == 90
    assert properties["workspaceCapping"]["dailyQuotaGb"] == 1
    assert properties["customerId"] == made["customerId"], "read-only"
    patched = arm.patch(path, {"properties": {"retentionInDays": 120}, "tags": {"a": "b"}}).body
    assert (patched["properties"]["retentionInDays"], patched["tags"]) == (120, {"a": "b"})


def test_names_tiers_and_days_out_of_range_are_refused(group: Group, arm: Arm) -> None:
    for name in ("abc", "-abcd", "abcd-", "a_bcd", "x" * 64):
        assert arm.put(group.path(WORKSPACES, name), workspace()).status == 400, name
    path = group.path(WORKSPACES, "logs")
    for properties in ({"retentionInDays": 29}, {"retentionInDays": 731}, {"sku": {"name": "Gold"}}):
        assert arm.put(path, workspace(**properties)).status == 400, properties
    assert arm.put(path, workspace(retentionInDays=7, sku={"name": "free"})).status == 201


def test_deletion_is_200_then_204_and_the_same_workspace_comes_back(group: Group, arm: Arm) -> None:
    path = group.path(WORKSPACES, "logs")
    first = arm.make(path, workspace())["properties"]["customerId"]
    assert [arm.delete(path).status, arm.delete(path).status] == [200, 204]
    assert arm.get(path).code == "ResourceNotFound"
    assert arm.make(path, workspace())["properties"]["customerId"] == first
    assert arm.delete(f"{path}?force=true").status == 200
    assert arm.make(path, workspace())["properties"]["customerId"] != first


def test_new_shared_keys_are_others(group: Group, arm: Arm) -> None:
    path = group.path(WORKSPACES, "logs")
    arm.make(path, workspace())
    first = arm.post(f"{path}/sharedKeys").body
    again = arm.post(f"{path}/regenerateSharedKey").body
    assert first.keys() == {"primarySharedKey", "secondarySharedKey"}
    assert set(first.values()).isdisjoint(again.values())
    assert arm.post(f"{path}/sharedKeys").body == again
