"""A ManagedCluster and its NodePools as ARM bodies. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from aks_operator.desired.further import with_further
from aks_operator.desired.versions import newer_minor, next_version
from aks_operator.marks import POOL_TAG
from aks_operator.outcome import Hold
from aks_operator.plan import Resource, Whole
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
_RESERVED: Final = "kubernetes.azure.com/"
"""Azure's own prefix of labels and taints: it adds some (Spot's), and they are no drift."""
_BOUNDS: Final = frozenset({"minCount", "maxCount"})
"""Not to be sent without autoscaling: AKS refuses them then."""
_AUTO_UPGRADE: Final = {"Patch": "patch", "Stable": "stable", "Rapid": "rapid", "NodeImage": "node-image"}


def cluster(
    id_: str, spec: Any, *, azure_name: str, mark: str, pools: list[dict[str, Any]], observed: Body | None
) -> Resource:
    """The managed cluster. `pools` are the profiles that its creation carries (see `profile`): one System pool."""
    have = (observed or {}).get("properties") or {}
    properties = {
        "kubernetesVersion": _version(spec, have),
        "networkProfile": {
            "outboundType": _EGRESS[spec.network.egress],
            **_policy(spec.network, have.get("networkProfile") or {}),
        },
        "oidcIssuerProfile": {"enabled": True} if spec.oidc_issuer == "Enabled" else None,  # AKS cannot take it away
        "disableLocalAccounts": _switch(spec.access.local_accounts == "Disabled", have.get("disableLocalAccounts")),
        "apiServerAccessProfile": _access(spec, have.get("apiServerAccessProfile") or {}),
        "autoUpgradeProfile": {
            "upgradeChannel": _channel(spec, have.get("autoUpgradeProfile") or {}),
            "nodeOSUpgradeChannel": spec.node_os_upgrade,
        },
    }
    creation = {
        "dnsPrefix": spec.dns_prefix or azure_name,
        "enableRBAC": True,
        "agentPoolProfiles": pools,
        "networkProfile": _network_at_creation(spec.network),
        "nodeResourceGroup": spec.node_resource_group,
    }
    body = {
        "location": spec.location,
        "sku": {"name": "Base", "tier": spec.tier},
        "properties": with_further("cluster", properties, spec.azure),
    }
    return Resource(
        id_,
        CLUSTERS,
        body,
        mark,
        tags=dict(spec.tags or {}),
        creation={"identity": {"type": "SystemAssigned"}, "properties": creation},
        never_sent=frozenset({"agentPoolProfiles"}),
    )


def _version(spec: Any, have: Mapping[str, Any]) -> str:
    """What to send: the observed spelling when it is what is wanted, so that nothing differs."""
    running = have.get("currentKubernetesVersion") or have.get("kubernetesVersion")
    wanted = next_version(spec.kubernetes_version, running, floor=spec.auto_upgrade != "None")
    return str(have.get("kubernetesVersion") or wanted) if running is not None and wanted == running else wanted


def _switch(wanted: bool, have: object) -> bool | None:
    """A switch that is off by default: turned off only where it is on, since an answer may leave it out."""
    return wanted if wanted or have else None


def _access(spec: Any, have: Mapping[str, Any]) -> dict[str, Any] | None:
    """A list owned whole: ranges taken out of the spec, the last among them, go from the cloud too."""
    ranges = list(spec.api_server.authorized_ranges)
    return {"authorizedIPRanges": ranges} if ranges or have.get("authorizedIPRanges") else None


def _channel(spec: Any, have: Mapping[str, Any]) -> str | None:
    if spec.auto_upgrade != "None":
        return _AUTO_UPGRADE[spec.auto_upgrade]
    return "none" if have.get("upgradeChannel", "none") != "none" else None


def _policy(network: Any, have: Mapping[str, Any]) -> dict[str, str]:
    if network.policy != "None":
        return _POLICY[network.policy]
    return {"networkPolicy": "none"} if (have.get("networkPolicy") or "none") != "none" else {}


def _network_at_creation(network: Any) -> dict[str, Any]:
    body: dict[str, Any] = {**_PLUGIN[network.plugin], "loadBalancerSku": "standard"}
    ranges = {"podCidr": network.pod_cidr, "serviceCidr": network.service_cidr, "dnsServiceIP": network.dns_service_ip}
    return body | {key: value for key, value in ranges.items() if value}


def pool(id_: str, spec: Any, *, mark: str, version: str, observed: Body | None, floor: bool = False) -> Resource:
    """An agent pool. `version` is what its cluster runs, used where the pool's spec has none; `floor`: newer will do.

    Raises Hold while the pool's version is of a later minor than the cluster's: control plane first.
    """
    have = (observed or {}).get("properties") or {}
    properties = _pool_properties(spec, version=version, have=have, floor=floor)
    step = properties["orchestratorVersion"]
    if step is not None and newer_minor(step, version):
        raise Hold("WaitingForCluster", f"the cluster runs {version}, and a pool cannot be newer: it waits for {step}")
    return Resource(
        id_,
        POOLS,
        {"properties": with_further("pool", properties, spec.azure)},
        mark,
        tags=dict(spec.tags or {}),
        creation={"properties": _pool_at_creation(spec)},
        never_sent=frozenset() if spec.autoscaling is not None else _BOUNDS,
    )


def profile(name: str, spec: Any, *, mark: str) -> dict[str, Any]:
    """A pool as part of its cluster's creation: the same fields, flat, with its name."""
    properties = with_further("pool", _pool_properties(spec, version=None, have={}, floor=False), spec.azure)
    return {"name": name, **_pool_at_creation(spec), **properties, "tags": {**(spec.tags or {}), POOL_TAG: mark}}


def _pool_properties(spec: Any, *, version: str | None, have: Mapping[str, Any], floor: bool) -> dict[str, Any]:
    """What of a pool can change later."""
    scaling = spec.autoscaling
    taints = [f"{t.key}={t.value or ''}:{t.effect}" for t in spec.taints or ()]
    azures = [taint for taint in have.get("nodeTaints") or () if taint.startswith(_RESERVED) and taint not in taints]
    labels = {key: value for key, value in (have.get("nodeLabels") or {}).items() if key.startswith(_RESERVED)}
    properties: dict[str, Any] = {
        "mode": spec.mode,
        "count": _count(spec, have),
        "nodeLabels": Whole({**labels, **(spec.labels or {})}),
        "nodeTaints": [*taints, *azures],
        "enableAutoScaling": scaling is not None,
    }
    if scaling is not None:
        properties |= {"minCount": scaling.min, "maxCount": scaling.max}
    wanted = spec.kubernetes_version or version
    if wanted is not None:
        running = have.get("currentOrchestratorVersion") or have.get("orchestratorVersion")
        step = next_version(wanted, running, floor=floor)
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


def _count(spec: Any, have: Mapping[str, Any]) -> int:
    """While autoscaling Azure owns the count: what is there stays, but where new bounds leave it no room."""
    scaling = spec.autoscaling
    if scaling is None:
        return int(spec.replicas)
    there = have.get("count", spec.replicas)
    if have and (have.get("minCount"), have.get("maxCount")) == (scaling.min, scaling.max):
        return int(there)
    return int(max(scaling.min, min(scaling.max, there)))


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
        body["scaleSetPriority"] = "Spot"
        if spec.spot is not None:
            price = spec.spot.max_price
            body["scaleSetEvictionPolicy"] = spec.spot.eviction_policy
            body["spotMaxPrice"] = float(price) if price is not None else None
    return {key: value for key, value in body.items() if value is not None}
