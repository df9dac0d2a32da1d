"""What AKS fills in when a cluster is made."""

import uuid
from typing import Any

from fakecloud.store import Body

_READ_ONLY = frozenset(
    {
        "provisioningState",
        "powerState",
        "maxAgentPools",
        "currentKubernetesVersion",
        "fqdn",
        "privateFQDN",
        "azurePortalFQDN",
        "resourceUID",
        "agentPoolProfiles",
        "networkProfile",
    }
)


def writable(given: dict[str, Any]) -> Body:
    """What the caller may write: the rest is ignored, as Azure does."""
    return {key: value for key, value in given.items() if key not in _READ_ONLY and value is not None}


def defaults(given: dict[str, Any], uid: str, location: str) -> Body:
    """What AKS fills in at creation."""
    host = f"{given.get('dnsPrefix') or given.get('fqdnSubdomain')}-{uid[:8]}.hcp.{location}.azmk8s.io"
    return {
        "powerState": {"code": "Running"},
        "fqdn": host,
        "azurePortalFQDN": host.replace(".hcp.", ".portal.hcp."),
        "maxAgentPools": 100,
        "resourceUID": uid[:24],
        "enableRBAC": True,
        "supportPlan": "KubernetesOfficial",
        "disableLocalAccounts": False,
        "servicePrincipalProfile": {"clientId": "msi"},
        "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage"},
        "securityProfile": {},
        "storageProfile": {
            "diskCSIDriver": {"enabled": True},
            "fileCSIDriver": {"enabled": True},
            "snapshotController": {"enabled": True},
        },
        "oidcIssuerProfile": {"enabled": False},
        "workloadAutoScalerProfile": {},
        "metricsProfile": {"costAnalysis": {"enabled": False}},
    }


def network_defaults(given: dict[str, Any]) -> Body:
    """What AKS fills into a network profile at creation."""
    plugin = given.get("networkPlugin") or "azure"
    overlay = given.get("networkPluginMode") == "overlay" or "networkPlugin" not in given
    defaults: Body = {
        "networkPlugin": plugin,
        "networkPolicy": "none",
        "networkDataplane": "azure",
        "loadBalancerSku": "standard",
        "loadBalancerProfile": {"managedOutboundIPs": {"count": 1}, "backendPoolType": "nodeIPConfiguration"},
        "serviceCidr": "10.0.0.0/16",
        "serviceCidrs": ["10.0.0.0/16"],
        "dnsServiceIP": "10.0.0.10",
        "outboundType": "loadBalancer",
        "ipFamilies": ["IPv4"],
    }
    if overlay or plugin == "kubenet":
        defaults |= {"podCidr": "10.244.0.0/16", "podCidrs": ["10.244.0.0/16"]}
    if overlay and plugin == "azure":
        defaults["networkPluginMode"] = "overlay"
    return defaults


def complete_oidc(body: Body) -> None:
    """Write the issuer of a cluster that has one."""
    profile = body["properties"].get("oidcIssuerProfile") or {}
    if profile.get("enabled"):
        uid = body["properties"]["resourceUID"]
        body["properties"]["oidcIssuerProfile"] = {
            "enabled": True,
            "issuerURL": f"https://{body['location']}.oic.prod-aks.azure.com/{uuid.UUID(int=0)}/{uid}/",
        }


def max_pods(network: Body) -> int:
    """Pods on a node when a pool does not say: Azure's own number for each kind of network."""
    if network.get("networkPluginMode") == "overlay":
        return 250
    return 110 if network.get("networkPlugin") == "kubenet" else 30


def identity(given: dict[str, Any] | None) -> Body:
    """The identity that a cluster gets."""
    kind = (given or {}).get("type") or "SystemAssigned"
    return {**(given or {}), "type": kind, "principalId": str(uuid.uuid4()), "tenantId": str(uuid.UUID(int=0))}
