"""What AKS takes as a managed cluster beside its pools, and what it refuses. Pure."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fakecloud.arm.errors import not_implemented
from fakecloud.providers.containerservice.refusals import invalid
from fakecloud.store import Body

TYPE: Final = "Microsoft.ContainerService/managedClusters"
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "networkProfile.networkPlugin": ("azure", "kubenet", "none"),
    "networkProfile.networkPluginMode": ("overlay",),
    "networkProfile.networkPolicy": ("none", "calico", "azure", "cilium"),
    "networkProfile.networkDataplane": ("azure", "cilium"),
    "networkProfile.loadBalancerSku": ("standard",),
    "networkProfile.outboundType": (
        *("loadBalancer", "none"),
        *("userDefinedRouting", "managedNATGateway", "userAssignedNATGateway"),
    ),
    "networkProfile.loadBalancerProfile.backendPoolType": ("nodeIPConfiguration", "nodeIP"),
    "nodeResourceGroupProfile.restrictionLevel": ("Unrestricted", "ReadOnly"),
    "supportPlan": ("KubernetesOfficial", "AKSLongTermSupport"),
    "autoUpgradeProfile.upgradeChannel": ("none", "patch", "stable", "rapid", "node-image"),
    "autoUpgradeProfile.nodeOSUpgradeChannel": ("None", "Unmanaged", "SecurityPatch", "NodeImage"),
    "publicNetworkAccess": ("Enabled", "Disabled"),
}
RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "networkProfile.loadBalancerProfile.managedOutboundIPs.count": (1, 100),
    "networkProfile.loadBalancerProfile.allocatedOutboundPorts": (0, 64000),
    "networkProfile.loadBalancerProfile.idleTimeoutInMinutes": (4, 120),
    "networkProfile.natGatewayProfile.managedOutboundIPProfile.count": (1, 16),
    "networkProfile.natGatewayProfile.idleTimeoutInMinutes": (4, 120),
}
SKU: Final[Mapping[str, tuple[str, ...]]] = {"name": ("Base", "Automatic"), "tier": ("Free", "Standard", "Premium")}
MAX_POOLS: Final = 100
MAX_NODES: Final = 5000
MAX_ZONES: Final = 5
"""DNS zones of application routing."""


def at(properties: Body, path: str) -> Any:
    """The value at a dotted path, None when there is none."""
    value: Any = properties
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def spelled(properties: Body) -> Body:
    """The properties with Azure's words as Azure spells them, whatever their case; others are left for `check`."""
    for path, words in WORDS.items():
        value = at(properties, path)
        if isinstance(value, str):
            word = next((word for word in words if word.lower() == value.lower()), value)
            properties = _with(properties, path.split("."), word)
    return properties


def _with(properties: Body, path: Sequence[str], value: Any) -> Body:
    """A copy with another value at a path that is there."""
    name, *below = path
    return {**properties, name: _with(properties[name], below, value) if below else value}


def check(properties: Body, sku: Body) -> None:
    """Raises ArmError for values that no cluster has (400), or that nothing here would act on (501)."""
    for path, words in WORDS.items():
        value = at(properties, path)
        if value is not None and str(value).lower() not in {word.lower() for word in words}:
            raise invalid(path, f"{value} is none of {', '.join(words)}.")
    for path, (low, high) in RANGES.items():
        value = at(properties, path)
        if value is not None and not low <= value <= high:
            raise invalid(path, f"{value} is not in the range of {low} to {high}.")
    _check_sku(sku, properties)
    _check_ranges(properties)
    zones = at(properties, "ingressProfile.webAppRouting.dnsZoneResourceIds") or ()
    if len(zones) > MAX_ZONES:
        raise invalid("ingressProfile.webAppRouting.dnsZoneResourceIds", f"at most {MAX_ZONES} zones are taken.")


def _check_sku(sku: Body, properties: Body) -> None:
    for field, words in SKU.items():
        if field in sku and str(sku[field]).lower() not in {word.lower() for word in words}:
            raise invalid(f"sku.{field}", f"{sku[field]} is none of {', '.join(words)}.")
    if str(sku.get("name", "Base")).lower() == "automatic":
        raise not_implemented(TYPE, "sku Automatic")
    if properties.get("supportPlan") == "AKSLongTermSupport" and str(sku.get("tier", "Free")).lower() != "premium":
        raise invalid("supportPlan", "AKSLongTermSupport needs tier Premium.")


def _check_ranges(properties: Body) -> None:
    for prefix in at(properties, "apiServerAccessProfile.authorizedIPRanges") or ():
        _network("apiServerAccessProfile.authorizedIPRanges", prefix)
    network = properties.get("networkProfile") or {}
    if network.get("podCidr"):
        _network("networkProfile.podCidr", network["podCidr"])
    if network.get("serviceCidr"):
        services = _network("networkProfile.serviceCidr", network["serviceCidr"])
        address = network.get("dnsServiceIP") or str(services[1])
        try:
            inside = ipaddress.ip_address(address) in services and ipaddress.ip_address(address) != services[0]
        except ValueError:
            inside = False
        if not inside:
            raise invalid("networkProfile.dnsServiceIP", f"{address} is no address of the serviceCidr {services}.")


def _network(path: str, prefix: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(prefix, strict=False)
    except (ValueError, TypeError) as error:
        raise invalid(path, f"{prefix} is no network such as 10.0.0.0/16.") from error


def check_size(counts: Mapping[str, int]) -> None:
    """Raises ArmError when a cluster's pools (node counts by name) are more than one cluster can have."""
    if len(counts) > MAX_POOLS:
        raise invalid("agentPoolProfiles", f"a cluster has at most {MAX_POOLS} agent pools.")
    if (nodes := sum(counts.values())) > MAX_NODES:
        raise invalid("agentPoolProfile.count", f"a cluster has at most {MAX_NODES} nodes, and {nodes} are asked for.")
