"""A ManagedCluster and its NodePools as ARM bodies. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from aks_operator.desired.versions import next_version
from aks_operator.marks import POOL_TAG
from aks_operator.plan import Resource, Whole, overlay
from aks_operator.port import Body

CLUSTERS: Final = "Microsoft.ContainerService/managedClusters"
POOLS: Final = f"{CLUSTERS}/agentPools"
MACHINES: Final = f"{POOLS}/machines"

_PLUGIN: Final = {
    "AzureOverlay": {"networkPlugin": "azure", "networkPluginMode": "overlay"},
    "Azure": {"networkPlugin": "azure"},
    "Kubenet": {"networkPlugin": "kubenet"},
    "None": {"networkPlugin": "none"},
}
_POLICY: Final = {
    "None": {},
    "Azure": {"networkPolicy": "azure"},
    "Calico": {"networkPolicy": "calico"},
    "Cilium": {"networkPolicy": "cilium", "networkDataplane": "cilium"},
}
_EGRESS: Final = {
    "LoadBalancer": "loadBalancer",
    "UserDefinedRouting": "userDefinedRouting",
    "NATGateway": "managedNATGateway",
    "None": "none",
}
_AUTO_UPGRADE: Final = {"Patch": "patch", "Stable": "stable", "Rapid": "rapid", "NodeImage": "node-image"}


def cluster(
    id_: str, spec: Any, *, azure_name: str, mark: str, pools: list[dict[str, Any]], observed: Body | None
) -> Resource:
    """The managed cluster. `pools` are the profiles that its creation carries (see `profile`): one System pool."""
    have = (observed or {}).get("properties") or {}
    running = have.get("currentKubernetesVersion") or have.get("kubernetesVersion")
    properties: dict[str, Any] = {"kubernetesVersion": _version(spec, have, running)}
    creation = {
        "dnsPrefix": spec.dns_prefix or azure_name,
        "enableRBAC": True,
        "agentPoolProfiles": pools,
        "networkProfile": _network_at_creation(spec.network),
        **({"nodeResourceGroup": spec.node_resource_group} if spec.node_resource_group else {}),
    }
    properties["networkProfile"] = {"outboundType": _EGRESS[spec.network.egress]}
    properties["oidcIssuerProfile"] = {"enabled": True} if spec.oidc_issuer == "Enabled" else None
    properties["disableLocalAccounts"] = True if spec.access.local_accounts == "Disabled" else None
    if spec.api_server.authorized_ranges:
        properties["apiServerAccessProfile"] = {"authorizedIPRanges": list(spec.api_server.authorized_ranges)}
    if spec.auto_upgrade != "None":
        properties["autoUpgradeProfile"] = {"upgradeChannel": _AUTO_UPGRADE[spec.auto_upgrade]}
    body = {
        "location": spec.location,
        "sku": {"name": "Base", "tier": spec.tier},
        "properties": {key: value for key, value in properties.items() if value is not None},
    }
    return Resource(
        id_,
        CLUSTERS,
        overlay(body, {"properties": dict(spec.azure or {})}),
        mark,
        tags=dict(spec.tags or {}),
        creation={"identity": {"type": "SystemAssigned"}, "properties": creation},
        never_sent=frozenset({"agentPoolProfiles"}),
    )


def _version(spec: Any, have: Mapping[str, Any], running: str | None) -> str:
    """What to send: the observed spelling when it is what is wanted, so that nothing differs."""
    wanted = next_version(spec.kubernetes_version, running)
    return str(have["kubernetesVersion"]) if running is not None and wanted == running else wanted


def _network_at_creation(network: Any) -> dict[str, Any]:
    body: dict[str, Any] = {**_PLUGIN[network.plugin], **_POLICY[network.policy], "loadBalancerSku": "standard"}
    ranges = {"podCidr": network.pod_cidr, "serviceCidr": network.service_cidr, "dnsServiceIP": network.dns_service_ip}
    body |= {key: value for key, value in ranges.items() if value}
    return body


def pool(
    id_: str, spec: Any, *, mark: str, version: str, observed: Body | None, azure: Mapping[str, Any] | None = None
) -> Resource:
    """An agent pool. `version` is the cluster's, used where the pool's spec has none."""
    have = (observed or {}).get("properties") or {}
    properties = _pool_properties(spec, version=version, have=have)
    return Resource(
        id_,
        POOLS,
        {"properties": {**properties, "tags": {**(spec.tags or {}), POOL_TAG: mark}, **(azure or {})}},
        mark,
        creation={"properties": _pool_at_creation(spec)},
    )


def profile(name: str, spec: Any, *, mark: str) -> dict[str, Any]:
    """A pool as part of its cluster's creation: the same fields, flat, with its name."""
    flat = {**_pool_at_creation(spec), **_pool_properties(spec, version=None, have={})}
    return {"name": name, **flat, "tags": {**(spec.tags or {}), POOL_TAG: mark}}


def _pool_properties(spec: Any, *, version: str | None, have: Mapping[str, Any]) -> dict[str, Any]:
    """What of a pool can change later."""
    scaling = spec.autoscaling
    count = spec.replicas
    if scaling is not None:
        count = max(scaling.min, min(scaling.max, count)) if not have else have.get("count", count)
    properties: dict[str, Any] = {
        "mode": spec.mode,
        "count": count,
        "nodeLabels": Whole(spec.labels or {}),
        "nodeTaints": [f"{t.key}={t.value or ''}:{t.effect}" for t in spec.taints or ()],
        "enableAutoScaling": scaling is not None,
    }
    if scaling is not None:
        properties |= {"minCount": scaling.min, "maxCount": scaling.max}
    wanted = spec.kubernetes_version or version
    if wanted is not None:
        running = have.get("currentOrchestratorVersion") or have.get("orchestratorVersion")
        step = next_version(wanted, running)
        properties["orchestratorVersion"] = (
            have.get("orchestratorVersion") if running is not None and step == running else step
        )
    if spec.upgrade is not None:
        settings = {
            "maxSurge": str(spec.upgrade.max_surge) if spec.upgrade.max_surge is not None else None,
            "drainTimeoutInMinutes": spec.upgrade.drain_timeout_minutes,
            "nodeSoakDurationInMinutes": spec.upgrade.soak_minutes,
        }
        properties["upgradeSettings"] = {key: value for key, value in settings.items() if value is not None}
    return properties


def _pool_at_creation(spec: Any) -> dict[str, Any]:
    """What of a pool is fixed once it is made."""
    body: dict[str, Any] = {
        "type": "VirtualMachineScaleSets",
        "vmSize": spec.vm_size,
        "osType": spec.os.type,
        "osSKU": spec.os.sku,
        "maxPods": spec.max_pods,
        "availabilityZones": list(spec.zones) if spec.zones else None,
        "osDiskSizeGB": spec.os_disk.size_gib if spec.os_disk is not None else None,
        "osDiskType": spec.os_disk.type if spec.os_disk is not None else None,
    }
    if spec.priority == "Spot":
        body |= {"scaleSetPriority": "Spot", "scaleSetEvictionPolicy": spec.spot.eviction_policy if spec.spot else None}
    return {key: value for key, value in body.items() if value is not None}
