"""az aks: the life of a cluster and its pools, as somebody at a desk types it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.az.cli import Az

pytestmark = pytest.mark.timeout(600)


def test_az_lists_kubernetes_versions(az: Az) -> None:
    found = {value["version"]: value for value in az("aks get-versions --location westeurope")["values"]}
    assert [version for version, value in found.items() if value.get("isDefault")] == ["1.36"]
    assert found["1.35"]["patchVersions"]["1.35.3"]["upgrades"] == ["1.36.2"]
    assert "1.36.2" in az.text("aks get-versions --location westeurope --output table")


def test_az_takes_a_cluster_through_its_life(az: Az, group: str, tmp_path: Path) -> None:
    shop = f"--resource-group {group} --name shop"
    made = az(f"aks create {shop} --kubernetes-version 1.35 --node-count 1 --no-ssh-key --tags team=web")
    assert (made["provisioningState"], made["currentKubernetesVersion"]) == ("Succeeded", "1.35.3")
    assert made["agentPoolProfiles"][0]["mode"] == "System"
    assert az(f"aks show {shop}")["fqdn"] == made["fqdn"]
    assert [cluster["name"] for cluster in az(f"aks list --resource-group {group}")] == ["shop"]
    assert "1.36.2" in az.text(f"aks get-upgrades {shop} --output table")
    _reads_credentials(az, shop, tmp_path / "config")

    assert az(f"aks scale {shop} --node-count 2")["agentPoolProfiles"][0]["count"] == 2
    _pools(az, f"--resource-group {group} --cluster-name shop")
    upgraded = az(f"aks upgrade {shop} --kubernetes-version 1.36.2 --yes")
    versions = {profile["name"]: profile["currentOrchestratorVersion"] for profile in upgraded["agentPoolProfiles"]}
    assert (upgraded["currentKubernetesVersion"], versions) == ("1.36.2", {"nodepool1": "1.36.2"})

    said = az(f"aks command invoke {shop} --command 'kubectl get nodes'")
    assert said["exitCode"] != 0, "there is no API server behind it"
    az(f"aks stop {shop}")
    assert az(f"aks show {shop}")["powerState"] == {"code": "Stopped"}
    az(f"aks start {shop}")
    assert az(f"aks show {shop}")["powerState"] == {"code": "Running"}
    assert az(f"aks update {shop} --tags team=shop")["tags"] == {"team": "shop"}
    az(f"aks delete {shop} --yes")
    assert az(f"aks list --resource-group {group}") == []
    assert az(f"group exists --name {made['nodeResourceGroup']}") is False


def _reads_credentials(az: Az, shop: str, path: Path) -> None:
    """Credentials are merged into a kubeconfig, those of the user and those of the administrator."""
    az(f"aks get-credentials {shop} --file {path}")
    az(f"aks get-credentials {shop} --file {path} --admin --overwrite-existing")
    config: dict[str, Any] = yaml.safe_load(path.read_text())
    assert config["clusters"][0]["cluster"]["server"].startswith("https://")
    assert "shop" in {context["name"] for context in config["contexts"]}


def _pools(az: Az, shop: str) -> None:
    """A second pool's life; the cluster's control plane is ahead of it for a while."""
    made = az(f"aks nodepool add {shop} --name ssd --node-count 1 --labels disk=ssd --node-taints disk=ssd:NoSchedule")
    assert (made["provisioningState"], made["mode"]) == ("Succeeded", "User")
    assert [pool["name"] for pool in az(f"aks nodepool list {shop}")] == ["nodepool1", "ssd"]
    updated = az(f"aks nodepool update {shop} --name ssd --labels disk=nvme --node-taints ''")
    assert updated["nodeLabels"] == {"disk": "nvme"}
    assert az(f"aks nodepool scale {shop} --name ssd --node-count 3")["count"] == 3
    assert len(az(f"aks machine list {shop} --nodepool-name ssd")) == 3
    az(f"aks upgrade {shop.replace('--cluster-name', '--name')} --kubernetes-version 1.36.2 --control-plane-only --yes")
    upgraded = az(f"aks nodepool upgrade {shop} --name ssd --kubernetes-version 1.36.2")
    assert upgraded["currentOrchestratorVersion"] == "1.36.2"
    assert az(f"aks nodepool stop {shop} --nodepool-name ssd")["powerState"] == {"code": "Stopped"}
    assert az(f"aks machine list {shop} --nodepool-name ssd") == []
    assert az(f"aks nodepool start {shop} --nodepool-name ssd")["powerState"] == {"code": "Running"}
    az(f"aks nodepool delete {shop} --name ssd")
    assert [pool["name"] for pool in az(f"aks nodepool list {shop}")] == ["nodepool1"]
