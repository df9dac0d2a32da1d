"""What AKS fills in when a cluster is made."""

import ipaddress
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
    services = given.get("serviceCidr") or "10.0.0.0/16"
    defaults: Body = {
        "networkPlugin": plugin,
        "networkPolicy": "none",
        "networkDataplane": "azure",
        "loadBalancerSku": "standard",
        "serviceCidr": services,
        "serviceCidrs": [services],
        "dnsServiceIP": str(ipaddress.ip_network(services, strict=False)[10]),
        "outboundType": "loadBalancer",
        "ipFamilies": ["IPv4"],
    }
    if str(given.get("outboundType") or "loadBalancer").lower() == "loadbalancer":
        profile = {"managedOutboundIPs": {"count": 1}, "backendPoolType": "nodeIPConfiguration"}
        defaults["loadBalancerProfile"] = profile
    if overlay or plugin == "kubenet":
        pods = given.get("podCidr") or "10.244.0.0/16"
        defaults |= {"podCidr": pods, "podCidrs": [pods]}
    if overlay and plugin == "azure":
        defaults["networkPluginMode"] = "overlay"
    return defaults


def complete_oidc(body: Body, tenant: str) -> None:
    """Write the issuer of a cluster that has one."""
    profile = body["properties"].get("oidcIssuerProfile") or {}
    if profile.get("enabled"):
        uid = body["properties"]["resourceUID"]
        issuer = f"https://{body['location']}.oic.prod-aks.azure.com/{tenant}/{uid}/"
        body["properties"]["oidcIssuerProfile"] = {"enabled": True, "issuerURL": issuer}


def max_pods(network: Body) -> int:
    """Pods on a node when a pool does not say: Azure's own number for each kind of network."""
    if network.get("networkPluginMode") == "overlay":
        return 250
    return 110 if network.get("networkPlugin") == "kubenet" else 30


def identity(given: dict[str, Any] | None, known: Body | None, tenant: str) -> Body:
    """The identity that a cluster gets, or keeps: what is not given stays."""
    if known is not None and not given:
        return known
    kind = (given or {}).get("type") or "SystemAssigned"
    if kind.lower() == "userassigned":
        named = (given or {}).get("userAssignedIdentities") or {}
        return {"type": "UserAssigned", "userAssignedIdentities": {id_: _user(id_) for id_ in named}}
    if known is not None and known["type"] == "SystemAssigned":
        return known
    return {"type": "SystemAssigned", "principalId": str(uuid.uuid4()), "tenantId": tenant}


def _user(id_: str) -> Body:
    """What ARM tells of a user-assigned identity: made from its id, so that it is always the same."""
    return {name: str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}:{id_.lower()}")) for name in ("clientId", "principalId")}


def kubelet(subscription: str, group: str, cluster: str) -> Body:
    """The identity of a cluster's nodes, in the node group."""
    id_ = f"/subscriptions/{subscription}/resourcegroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{cluster}-agentpool"
    user = _user(id_)
    return {"kubeletidentity": {"resourceId": id_, "clientId": user["clientId"], "objectId": user["principalId"]}}
