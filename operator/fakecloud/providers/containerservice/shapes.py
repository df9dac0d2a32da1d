"""What JSON AKS takes; what is not told here is kept as given."""

from typing import Final

from fakecloud.arm.shapes import TRACKED, Object

POOL: Final[Object] = {
    "count": int,
    "vmSize": str,
    "mode": str,
    "type": str,
    "osType": str,
    "osSKU": str,
    "osDiskSizeGB": int,
    "osDiskType": str,
    "kubeletDiskType": str,
    "maxPods": int,
    "minCount": int,
    "maxCount": int,
    "enableAutoScaling": bool,
    "enableNodePublicIP": bool,
    "scaleDownMode": str,
    "orchestratorVersion": str,
    "vnetSubnetID": str,
    "scaleSetPriority": str,
    "availabilityZones": [str],
    "nodeLabels": {...: str},
    "nodeTaints": [str],
    "tags": {...: str},
    "powerState": {"code": str},
    "upgradeSettings": {"maxSurge": str, "drainTimeoutInMinutes": int, "nodeSoakDurationInMinutes": int},
}
AGENT_POOL: Final[Object] = {"properties": POOL}
CLUSTER: Final[Object] = {
    **TRACKED,
    "identity": {"type": str, "userAssignedIdentities": {...: {}}},
    "properties": {
        "kubernetesVersion": str,
        "dnsPrefix": str,
        "fqdnSubdomain": str,
        "nodeResourceGroup": str,
        "disableLocalAccounts": bool,
        "enableRBAC": bool,
        "supportPlan": str,
        "agentPoolProfiles": [{"name": str, **POOL}],
        "oidcIssuerProfile": {"enabled": bool},
        "publicNetworkAccess": str,
        "autoUpgradeProfile": {"upgradeChannel": str, "nodeOSUpgradeChannel": str},
        "apiServerAccessProfile": {"authorizedIPRanges": [str], "enablePrivateCluster": bool},
        "ingressProfile": {"webAppRouting": {"enabled": bool, "dnsZoneResourceIds": [str]}},
        "networkProfile": {
            "networkPlugin": str,
            "networkPluginMode": str,
            "networkPolicy": str,
            "networkDataplane": str,
            "loadBalancerSku": str,
            "outboundType": str,
            "podCidr": str,
            "podCidrs": [str],
            "serviceCidr": str,
            "serviceCidrs": [str],
            "dnsServiceIP": str,
            "ipFamilies": [str],
            "loadBalancerProfile": {
                "managedOutboundIPs": {"count": int},
                "allocatedOutboundPorts": int,
                "idleTimeoutInMinutes": int,
                "backendPoolType": str,
            },
        },
    },
}
