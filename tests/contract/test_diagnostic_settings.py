"""Diagnostic settings of clusters and others: what they may name, and what of them stays."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest

from tests.contract.bodies import (
    ADDRESSES,
    CLUSTERS,
    DIAGNOSTICS,
    LOCATION,
    SECURITY_GROUPS,
    WORKSPACES,
    ZONES,
    address,
    cluster,
    diagnostics,
    lock,
    security_group,
)
from tests.contract.cloud import Arm, Clients, Group
from tests.contract.conftest import new_group

AKS = (
    *("kube-apiserver", "kube-audit", "kube-audit-admin", "kube-controller-manager", "kube-scheduler"),
    *("cluster-autoscaler", "cloud-controller-manager", "guard"),
    *("csi-azuredisk-controller", "csi-azurefile-controller", "csi-snapshot-controller"),
)


@pytest.fixture
def workspace(group: Group, arm: Arm) -> str:
    """The id of a workspace."""
    return str(arm.make(group.path(WORKSPACES, "logs"), {"location": LOCATION})["id"])


@pytest.fixture
def path(group: Group, arm: Arm) -> str:
    """The id of a cluster."""
    return str(arm.make(group.path(CLUSTERS, "c"), cluster())["id"])


def on(scope: str, name: str = "ds") -> str:
    """The id of a setting."""
    return f"{scope}/providers/{DIAGNOSTICS}/{name}"


def test_the_sdk_writes_reads_and_removes_a_setting_of_a_cluster(sdk: Clients, path: str, workspace: str) -> None:
    def ask(method: str, body: Any = None) -> Any:
        url = f"{on(path)}?api-version=2021-05-01-preview"
        reply = sdk.resources.send_request(HttpRequest(method, url, json=body))
        reply.raise_for_status()
        return reply.json() if reply.content else None

    made = ask("PUT", diagnostics(workspace, "kube-audit", metrics=[{"category": "AllMetrics", "enabled": True}]))
    assert ask("GET") == made
    assert made["properties"]["workspaceId"] == workspace
    assert made["properties"]["logs"] == [
        {
            "category": "kube-audit",
            "categoryGroup": None,
            "enabled": True,
            "retentionPolicy": {"enabled": False, "days": 0},
        }
    ]
    ask("DELETE")
    with pytest.raises(HttpResponseError):
        ask("GET")


def test_a_put_is_200_whether_new_or_not(arm: Arm, path: str, workspace: str) -> None:
    assert [arm.put(on(path), diagnostics(workspace, "guard")).status for _ in range(2)] == [200, 200]
    assert [arm.delete(on(path)).status for _ in range(2)] == [200, 204]


def test_settings_of_a_cluster_are_listed_with_it_alone(arm: Arm, group: Group, path: str, workspace: str) -> None:
    assert arm.get(f"{path}/providers/{DIAGNOSTICS}").body == {"value": []}
    arm.put(on(path), diagnostics(workspace, "guard"))
    ip = arm.make(group.path(ADDRESSES, "ip"), address())["id"]
    assert [entry["name"] for entry in arm.get(f"{path}/providers/{DIAGNOSTICS}").body["value"]] == ["ds"]
    assert arm.get(f"{ip}/providers/{DIAGNOSTICS}").body == {"value": []}
    assert arm.get(f"{group.id}/resources?$filter=name%20eq%20'ds'").body["value"] == []


def test_the_categories_of_a_cluster(arm: Arm, path: str, workspace: str) -> None:
    found = arm.get(f"{path}/providers/Microsoft.Insights/diagnosticSettingsCategories").body["value"]
    assert [entry["name"] for entry in found] == [*AKS, "AllMetrics"]
    assert [entry["properties"]["categoryType"] for entry in found] == ["Logs"] * len(AKS) + ["Metrics"]
    one = arm.get(f"{path}/providers/Microsoft.Insights/diagnosticSettingsCategories/kube-audit").body
    assert one["properties"]["categoryGroups"] == ["allLogs", "audit"]
    assert arm.put(on(path), diagnostics(workspace, *AKS)).status == 200


def test_a_category_that_the_type_does_not_have_is_refused(arm: Arm, group: Group, path: str, workspace: str) -> None:
    reply = arm.put(on(path), diagnostics(workspace, "NetworkSecurityGroupEvent"))
    assert (reply.status, reply.code) == (400, "BadRequest")
    assert reply.message == "Category 'NetworkSecurityGroupEvent' is not supported."
    nsg = arm.make(group.path(SECURITY_GROUPS, "nsg"), security_group())["id"]
    assert arm.put(on(nsg), diagnostics(workspace, "NetworkSecurityGroupEvent")).status == 200
    metrics = [{"category": "AllMetrics", "enabled": True}]
    assert arm.put(on(nsg), diagnostics(workspace, metrics=metrics)).status == 400


def test_groups_of_categories(arm: Arm, path: str, workspace: str) -> None:
    for group, status in (("allLogs", 200), ("audit", 200), ("some", 400)):
        logs = [{"categoryGroup": group, "enabled": True}]
        assert arm.put(on(path), diagnostics(workspace, logs=logs)).status == status
    both = [{"categoryGroup": "audit", "category": "guard", "enabled": True}]
    assert arm.put(on(path), diagnostics(workspace, logs=both)).status == 400


def test_the_workspace_must_exist_and_one_must_be_named(arm: Arm, group: Group, path: str) -> None:
    missing = arm.put(on(path), diagnostics(group.path(WORKSPACES, "none"), "guard"))
    assert (missing.status, missing.code) == (404, "ResourceNotFound")
    assert arm.put(on(path), diagnostics(path, "guard")).status == 404, "a cluster is no workspace"
    nothing = arm.put(on(path), {"properties": {"logs": []}})
    assert (nothing.status, nothing.message) == (400, "At least one data sink needs to be specified.")
    storage = {"properties": {"storageAccountId": "/subscriptions/x", "logs": []}}
    assert arm.put(on(path), storage).status == 501


def test_what_settings_bring_cannot_be_kept_for_a_time(arm: Arm, path: str, workspace: str) -> None:
    logs = [{"category": "guard", "enabled": True, "retentionPolicy": {"enabled": True, "days": 7}}]
    reply = arm.put(on(path), diagnostics(workspace, logs=logs))
    assert reply.message == "Diagnostic settings does not support retention for new diagnostic settings."


def test_a_workspace_takes_a_category_once(arm: Arm, path: str, workspace: str) -> None:
    arm.put(on(path, "a"), diagnostics(workspace, "guard"))
    reply = arm.put(on(path, "b"), diagnostics(workspace, "kube-audit", "guard"))
    assert (reply.status, reply.code) == (409, "Conflict")
    assert "is already used in diagnostic setting 'a' for category 'guard'" in reply.message
    assert arm.put(on(path, "b"), diagnostics(workspace, "kube-audit")).status == 200


def test_a_resource_has_five_settings_at_most(arm: Arm, path: str, workspace: str) -> None:
    for i in range(5):
        assert arm.put(on(path, f"ds{i}"), diagnostics(workspace, AKS[i])).status == 200
    assert arm.put(on(path, "ds5"), diagnostics(workspace, AKS[5])).status == 400
    assert arm.put(on(path, "ds4"), diagnostics(workspace, AKS[5])).status == 200


def test_settings_of_what_is_not_there_or_has_none(arm: Arm, group: Group, path: str, workspace: str) -> None:
    assert arm.put(on(group.path(CLUSTERS, "none")), diagnostics(workspace, "guard")).code == "ResourceNotFound"
    for scope in (f"{path}/agentPools/system", group.id):
        assert arm.put(on(scope), diagnostics(workspace, "guard")).code == "ResourceTypeNotSupported"
    arm.make(group.path(ZONES, "demo.example"), {"location": "global"})
    assert arm.put(on(group.path(ZONES, "demo.example")), diagnostics(workspace, "guard")).status == 400


def test_settings_outlive_their_resource(arm: Arm, group: Group, workspace: str) -> None:
    nsg = arm.make(group.path(SECURITY_GROUPS, "nsg"), security_group())["id"]
    arm.put(on(nsg), diagnostics(workspace, "NetworkSecurityGroupEvent"))
    arm.remove(nsg)
    assert arm.get(on(nsg)).status == 404
    arm.make(nsg, security_group())
    assert arm.get(on(nsg)).status == 200


def test_a_lock_on_a_cluster_is_on_its_settings(arm: Arm, path: str, workspace: str) -> None:
    arm.put(on(path), diagnostics(workspace, "guard"))
    arm.put(f"{path}/providers/Microsoft.Authorization/locks/l", lock("ReadOnly"))
    for reply in (arm.put(on(path), diagnostics(workspace, "guard")), arm.delete(on(path))):
        assert (reply.status, reply.code) == (409, "ScopeLocked")


def test_a_setting_can_be_written_while_its_cluster_is_being_made(unhurried: Arm) -> None:
    group = new_group(unhurried)
    logs = unhurried.put(group.path(WORKSPACES, "logs"), {"location": LOCATION}).body["id"]
    path = unhurried.put(group.path(CLUSTERS, "c"), cluster()).body["id"]
    assert unhurried.put(on(path), diagnostics(logs, "guard")).status == 200
