"""What AKS takes, keeps and shows of a cluster and a pool, and the words that it spells its own way."""

from typing import Any

import pytest

from tests.contract.bodies import CLUSTERS, cluster, pool
from tests.contract.cloud import Arm, Group
from tests.contract.conftest import new_group

KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ test"
CLUSTER: dict[str, Any] = {
    "aadProfile": {
        "managed": True,
        "enableAzureRBAC": True,
        "adminGroupObjectIDs": ["11111111-2222-3333-4444-555555555555"],
    },
    "addonProfiles": {"azurepolicy": {"enabled": True, "config": {"version": "v2"}}},
    "apiServerAccessProfile": {"authorizedIPRanges": ["203.0.113.0/24"], "disableRunCommand": True},
    "autoScalerProfile": {"expander": "least-waste", "scan-interval": "20s"},
    "autoUpgradeProfile": {"upgradeChannel": "patch", "nodeOSUpgradeChannel": "SecurityPatch"},
    "azureMonitorProfile": {"metrics": {"enabled": True}},
    "disableLocalAccounts": True,
    "httpProxyConfig": {"httpProxy": "http://proxy:3128", "noProxy": ["localhost"]},
    "ingressProfile": {"webAppRouting": {"enabled": True, "nginx": {"defaultIngressControllerType": "Internal"}}},
    "linuxProfile": {"adminUsername": "azureuser", "ssh": {"publicKeys": [{"keyData": KEY}]}},
    "metricsProfile": {"costAnalysis": {"enabled": True}},
    "podIdentityProfile": {"enabled": False},
    "publicNetworkAccess": "Enabled",
    "securityProfile": {"imageCleaner": {"enabled": True, "intervalHours": 48}, "workloadIdentity": {"enabled": True}},
    "serviceMeshProfile": {"mode": "Istio", "istio": {"revisions": ["asm-1-28"]}},
    "storageProfile": {"blobCSIDriver": {"enabled": True}, "diskCSIDriver": {"enabled": False}},
    "supportPlan": "KubernetesOfficial",
    "upgradeSettings": {"overrideSettings": {"forceUpgrade": True, "until": "2026-12-31T00:00:00Z"}},
    "windowsProfile": {"adminUsername": "azureuser", "enableCSIProxy": True},
    "workloadAutoScalerProfile": {"keda": {"enabled": True}, "verticalPodAutoscaler": {"enabled": True}},
}
POOL: dict[str, Any] = {
    "enableFIPS": True,
    "kubeletConfig": {"cpuManagerPolicy": "static", "containerLogMaxFiles": 5},
    "linuxOSConfig": {"sysctls": {"vmMaxMapCount": 262144}, "swapFileSizeMB": 1500},
    "maxPods": 60,
    "messageOfTheDay": "aGVsbG8=",
    "networkProfile": {"allowedHostPorts": [{"portStart": 80, "portEnd": 80, "protocol": "TCP"}]},
    "nodeLabels": {"disk": "ssd"},
    "nodeTaints": ["gpu=yes:NoSchedule"],
    "osDiskSizeGB": 256,
    "osDiskType": "Ephemeral",
    "osSKU": "AzureLinux",
    "scaleDownMode": "Deallocate",
    "spotMaxPrice": 0.25,
    "tags": {"cost": "center"},
    "upgradeSettings": {"maxSurge": "33%", "drainTimeoutInMinutes": 60, "nodeSoakDurationInMinutes": 5},
    "workloadRuntime": "OCIContainer",
}


@pytest.fixture(scope="module")
def path(arm: Arm) -> str:
    """The id of a cluster with a System pool, for tests that make pools of their own."""
    return str(arm.make(new_group(arm).path(CLUSTERS, "c"), cluster())["id"])


@pytest.mark.parametrize("name", CLUSTER)
def test_a_property_of_a_cluster_is_kept_and_stays_when_it_is_not_told_again(group: Group, arm: Arm, name: str) -> None:
    id_ = group.path(CLUSTERS, "c")
    for body in (cluster(**{name: CLUSTER[name]}), cluster()):
        shown = arm.make(id_, body)["properties"][name]
        given = CLUSTER[name]
        assert shown == given if not isinstance(given, dict) else given.items() <= shown.items()


@pytest.mark.parametrize("name", POOL)
def test_a_property_of_a_pool_is_kept_and_stays_when_it_is_not_told_again(arm: Arm, path: str, name: str) -> None:
    id_ = f"{path}/agentPools/p{list(POOL).index(name)}"
    for body in (pool(**{name: POOL[name]}), pool()):
        assert arm.make(id_, body)["properties"][name] == POOL[name]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"networkPlugin": "Azure"}, {"networkPlugin": "azure"}),
        ({"outboundType": "LoadBalancer"}, {"outboundType": "loadBalancer"}),
        (
            {"loadBalancerProfile": {"backendPoolType": "NodeIPConfiguration"}},
            {"loadBalancerProfile": {"backendPoolType": "nodeIPConfiguration"}},
        ),
        (
            {"loadBalancerProfile": {"backendPoolType": "NODEIP"}},
            {"loadBalancerProfile": {"backendPoolType": "nodeIP"}},
        ),
    ],
    ids=str,
)
def test_words_are_answered_as_azure_spells_them(
    group: Group, arm: Arm, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    network = arm.make(group.path(CLUSTERS, "c"), cluster(networkProfile=given))["properties"]["networkProfile"]
    for name, value in shown.items():
        assert network[name] == value if isinstance(value, str) else value.items() <= network[name].items()


def test_words_of_a_pool_are_answered_as_azure_spells_them(arm: Arm, path: str) -> None:
    made = arm.make(f"{path}/agentPools/words", pool(mode="user", osType="linux", scaleDownMode="deallocate"))
    words = {name: made["properties"][name] for name in ("mode", "osType", "scaleDownMode")}
    assert words == {"mode": "User", "osType": "Linux", "scaleDownMode": "Deallocate"}


def test_what_nobody_told_is_no_word(arm: Arm, group: Group) -> None:
    """Half of the words are `none`, which is not the same as nothing."""
    made = arm.make(group.path(CLUSTERS, "c"), cluster(networkProfile={"networkPlugin": "azure"}))["properties"]
    assert "upgradeChannel" not in made["autoUpgradeProfile"]
    assert made["networkProfile"]["outboundType"] == "loadBalancer"
