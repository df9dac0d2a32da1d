"""az monitor: a cluster's logs go to a workspace, and the activity log tells who did what."""

import pytest

from tests.az.cli import Az

pytestmark = pytest.mark.timeout(600)


def test_az_sends_a_clusters_logs_to_a_workspace(az: Az, group: str) -> None:
    at = f"--resource-group {group}"
    workspace = az(f"monitor log-analytics workspace create {at} --workspace-name logs")["id"]
    cluster = az(f"aks create {at} --name c --no-ssh-key")["id"]
    categories = {
        found["name"] for found in az(f"monitor diagnostic-settings categories list --resource {cluster}")["value"]
    }
    assert {"kube-apiserver", "kube-audit", "guard", "AllMetrics"} <= categories
    logs = '\'[{"category": "kube-apiserver", "enabled": true}]\''
    made = az(f"monitor diagnostic-settings create --name d --resource {cluster} --workspace {workspace} --logs {logs}")
    assert made["workspaceId"] == workspace
    shown = az(f"monitor diagnostic-settings show --name d --resource {cluster}")
    assert [(log["category"], log["enabled"]) for log in shown["logs"]] == [("kube-apiserver", True)]
    assert [found["name"] for found in az(f"monitor diagnostic-settings list --resource {cluster}")] == ["d"]
    az(f"monitor diagnostic-settings delete --name d --resource {cluster}")
    assert az(f"monitor diagnostic-settings list --resource {cluster}") == []


def test_az_reads_who_did_what(az: Az, group: str) -> None:
    az(f"network nsg create --resource-group {group} --name edge")
    told = az(f"monitor activity-log list --resource-group {group} --offset 1h")
    assert "Microsoft.Network/networkSecurityGroups/write" in {event["operationName"]["value"] for event in told}
