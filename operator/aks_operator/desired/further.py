"""`spec.azure`: further ARM properties in Azure's own spelling, beside those that typed fields set. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from aks_operator.outcome import Hold
from aks_operator.plan import overlay
from aks_operator.port import Body

_ELSEWHERE: Final[Mapping[str, frozenset[str]]] = {
    "cluster": frozenset(
        {
            "aadProfile",
            "agentPoolProfiles",
            "apiServerAccessProfile.authorizedIPRanges",
            "apiServerAccessProfile.enablePrivateCluster",
            "autoUpgradeProfile.nodeOSUpgradeChannel",
            "autoUpgradeProfile.upgradeChannel",
            "disableLocalAccounts",
            "dnsPrefix",
            "enableRBAC",
            "ingressProfile.webAppRouting",
            "kubernetesVersion",
            "networkProfile.dnsServiceIP",
            "networkProfile.loadBalancerSku",
            "networkProfile.networkDataplane",
            "networkProfile.networkPlugin",
            "networkProfile.networkPluginMode",
            "networkProfile.networkPolicy",
            "networkProfile.outboundType",
            "networkProfile.podCidr",
            "networkProfile.serviceCidr",
            "nodeResourceGroup",
            "oidcIssuerProfile.enabled",
            "securityProfile.workloadIdentity",
        }
    ),
    "pool": frozenset(
        {
            "availabilityZones",
            "count",
            "enableAutoScaling",
            "maxCount",
            "maxPods",
            "minCount",
            "mode",
            "nodeLabels",
            "nodeTaints",
            "orchestratorVersion",
            "osDiskSizeGB",
            "osDiskType",
            "osSKU",
            "osType",
            "scaleSetEvictionPolicy",
            "scaleSetPriority",
            "spotMaxPrice",
            "tags",
            "type",
            "upgradeSettings.drainTimeoutInMinutes",
            "upgradeSettings.maxSurge",
            "upgradeSettings.nodeSoakDurationInMinutes",
            "vmSize",
        }
    ),
}
"""Paths that typed fields of the spec own, by what they are in."""

KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "cluster": frozenset(
        [
            "addonProfiles",
            "aiToolchainOperatorProfile",
            "apiServerAccessProfile",
            "autoScalerProfile",
            "autoUpgradeProfile",
            "azureMonitorProfile",
            "bootstrapProfile",
            "diskEncryptionSetID",
            "enableFIPS",
            "fqdnSubdomain",
            "hostedSystemProfile",
            "httpProxyConfig",
            "identityProfile",
            "ingressProfile",
            "linuxProfile",
            "metricsProfile",
            "networkProfile",
            "nodeProvisioningProfile",
            "nodeResourceGroupProfile",
            "oidcIssuerProfile",
            "podIdentityProfile",
            "privateLinkResources",
            "publicNetworkAccess",
            "schedulerProfile",
            "securityProfile",
            "serviceMeshProfile",
            "servicePrincipalProfile",
            "status",
            "storageProfile",
            "supportPlan",
            "upgradeSettings",
            "windowsProfile",
            "workloadAutoScalerProfile",
        ]
    ),
    "pool": frozenset(
        [
            "artifactStreamingProfile",
            "capacityReservationGroupID",
            "creationData",
            "enableEncryptionAtHost",
            "enableFIPS",
            "enableNodePublicIP",
            "enableUltraSSD",
            "gatewayProfile",
            "gpuInstanceProfile",
            "gpuProfile",
            "hostGroupID",
            "kubeletConfig",
            "kubeletDiskType",
            "linuxOSConfig",
            "localDNSProfile",
            "messageOfTheDay",
            "networkProfile",
            "nodeImageVersion",
            "nodePublicIPPrefixID",
            "podIPAllocationMode",
            "podSubnetID",
            "powerState",
            "proximityPlacementGroupID",
            "scaleDownMode",
            "securityProfile",
            "status",
            "upgradeSettings",
            "virtualMachineNodesStatus",
            "virtualMachinesProfile",
            "vnetSubnetID",
            "windowsProfile",
            "workloadRuntime",
        ]
    ),
}
"""What else the SDK's models let one write, by its first key (a unit test compares)."""


def with_further(what: str, properties: Body, azure: Body | None) -> dict[str, Any]:
    """`properties` of a "cluster" or a "pool" with those of `spec.azure`. Raises Hold (Invalid) for what is not for it."""
    given = azure or {}
    owned = next((path for path in _paths(given) if _covered(path, _ELSEWHERE[what])), None)
    if owned is not None:
        raise Hold("Invalid", f"azure.{owned} is set by a field of the spec itself: take it out of azure")
    unknown = next((key for key in given if key not in KNOWN[what]), None)
    if unknown is not None:
        raise Hold("Invalid", f"azure.{unknown} is no property of Azure's that may be written: correct or remove it")
    return overlay(given, properties)


def _covered(path: str, owned: frozenset[str]) -> bool:
    """Whether a path is an owned one, lies under one, or (ending above it) would replace it."""
    return any(f"{path}.".startswith(f"{mine}.") or f"{mine}.".startswith(f"{path}.") for mine in owned)


def _paths(value: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, below in value.items():
        if isinstance(below, Mapping) and below:
            yield from _paths(below, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
