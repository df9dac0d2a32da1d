"""What AKS takes and what it refuses. Pure."""

import re
from typing import Any

from fakecloud.arm.errors import ArmError
from fakecloud.store import Body

CLUSTER_NAME = re.compile(r"^[a-zA-Z0-9]$|^[a-zA-Z0-9][-_a-zA-Z0-9]{0,61}[a-zA-Z0-9]$")
POOL_NAME = re.compile(r"^[a-z][a-z0-9]{0,11}$")
VM_SIZE = re.compile(r"^Standard_[A-Z][A-Za-z0-9]*(-\d+)?[a-z]*(_v\d+)?$")
VERSIONS = ("1.33.8", "1.34.4", "1.35.3", "1.36.2", "1.37.1")
"""Patches on offer, oldest first; of each minor the newest."""
DEFAULT_VERSION = "1.36.2"
POOL_SKEW = 3
IMMUTABLE = (
    "vmSize",
    "osType",
    "osSKU",
    "osDiskSizeGB",
    "osDiskType",
    "maxPods",
    "vnetSubnetID",
    "scaleSetPriority",
    "availabilityZones",
)


def refuse(status: int, code: str, message: str, **more: Any) -> ArmError:
    """A refusal in the shape of AKS."""
    return ArmError(status, code, message, flat=True, **more)


def resolve(version: str | None) -> str:
    """The full version that a version or an alias ("1.36") stands for; raises ArmError for one not on offer."""
    if not version:
        return DEFAULT_VERSION
    matching = [v for v in VERSIONS if v == version or v.startswith(version + ".")]
    if not matching:
        raise refuse(
            400,
            "K8sVersionNotSupported",
            f"Managed cluster is on version {version} which is not supported in this region. Please use [az aks get-versions] command to get the supported version list in this region. Supported: {', '.join(VERSIONS)}.",
        )
    return matching[-1]


def minor(version: str) -> int:
    """The minor of "1.36.2": 36."""
    return int(version.split(".")[1])


def check_upgrade(current: str, wanted: str) -> None:
    """Raises ArmError unless `wanted` is the same minor or one up, and not older."""
    if minor(wanted) < minor(current) or (minor(wanted) == minor(current) and _key(wanted) < _key(current)):
        raise refuse(
            400, "OperationNotAllowed", f"Downgrading Kubernetes version {current} to {wanted} is not allowed."
        )
    if minor(wanted) > minor(current) + 1:
        raise refuse(
            400,
            "OperationNotAllowed",
            f"Upgrading Kubernetes version {current} to {wanted} is not allowed. Available upgrades: [{' '.join(upgrades(current))}]. See https://aka.ms/aks-supported-k8s-ver for version details.",
        )


def upgrades(current: str) -> list[str]:
    """The versions that may come after `current`."""
    return [v for v in VERSIONS if _key(v) > _key(current) and minor(v) <= minor(current) + 1]


def check_pool_version(cluster: str, pool: str) -> None:
    """Raises ArmError when a pool is newer than its control plane, or too old for it."""
    if _key(pool) > _key(cluster):
        raise refuse(
            400,
            "NodePoolMcVersionIncompatible",
            f"Node pool version {pool} and control plane version {cluster} are incompatible. Node pool version cannot be greater than the control plane version.",
        )
    if minor(cluster) - minor(pool) > POOL_SKEW:
        raise refuse(
            400,
            "NodePoolMcVersionIncompatible",
            f"Node pool version {pool} and control plane version {cluster} are incompatible. Minor version of node pool cannot be more than {POOL_SKEW} versions less than control plane's version.",
        )


def check_pool(name: str, properties: dict[str, Any], known: dict[str, Any] | None) -> Body:
    """A pool's properties with AKS's defaults; raises ArmError."""
    if not POOL_NAME.match(name):
        raise refuse(
            400,
            "InvalidParameter",
            f"The value of parameter agentPoolProfile.name is invalid. Error details: The name '{name}' must match ^[a-z][a-z0-9]{{0,11}}$: begin with a lower-case letter, have lower-case letters and digits only, and at most 12 characters.",
            target="agentPoolProfile.name",
        )
    kept: Body = {**(known or {}), **{k: v for k, v in properties.items() if v is not None}}
    if not VM_SIZE.match(str(kept.get("vmSize", ""))):
        raise refuse(
            400,
            "VMSizeNotSupported",
            f"The VM size of {kept.get('vmSize')} is not allowed in your subscription in location. Please use a size such as Standard_D4s_v5.",
            target="agentPoolProfile.vmSize",
        )
    if known is not None:
        for field in IMMUTABLE:
            if field in properties and properties[field] is not None and known.get(field) != properties[field]:
                raise refuse(
                    400,
                    "PropertyChangeNotAllowed",
                    f"Changing property 'properties.{field}' is not allowed.",
                    target=f"properties.{field}",
                )
    kept.setdefault("count", 1)
    kept.setdefault("mode", "User")
    kept.setdefault("osType", "Linux")
    _check_counts(name, kept)
    if kept["mode"] == "System" and (kept["osType"] != "Linux" or kept.get("scaleSetPriority") == "Spot"):
        raise refuse(
            400,
            "InvalidParameter",
            "System node pools must run Linux and cannot be Spot.",
            target="agentPoolProfile.mode",
        )
    if kept["osType"] == "Windows" and len(name) > 6:
        raise refuse(
            400,
            "InvalidParameter",
            "Windows agent pool names can have at most 6 characters.",
            target="agentPoolProfile.name",
        )
    defaults = {
        "type": "VirtualMachineScaleSets",
        "osSKU": "Ubuntu",
        "osDiskSizeGB": 128,
        "osDiskType": "Managed",
        "kubeletDiskType": "OS",
        "maxPods": 250,
        "enableAutoScaling": False,
        "enableNodePublicIP": False,
        "scaleDownMode": "Delete",
        "powerState": {"code": "Running"},
        "nodeImageVersion": "AKSUbuntu-2404gen2containerd-202611.10.0",
        "upgradeSettings": {"maxSurge": "10%"},
        "securityProfile": {"enableVTPM": False, "enableSecureBoot": False},
    }
    return {**defaults, **kept}


def _check_counts(name: str, pool: Body) -> None:
    least, most, count = (1 if pool["mode"] == "System" else 0), 1000, pool["count"]
    if pool.get("enableAutoScaling"):
        low, high = pool.get("minCount"), pool.get("maxCount")
        if not isinstance(low, int) or not isinstance(high, int) or not least <= low <= high <= most:
            raise refuse(
                400,
                "InvalidParameter",
                f"Agent pool {name}: minCount and maxCount must satisfy {least} <= minCount <= maxCount <= {most}.",
                target="agentPoolProfile.minCount",
            )
        if not low <= count <= high:
            raise refuse(
                400,
                "InvalidParameter",
                f"Agent pool {name}: count {count} must lie between minCount {low} and maxCount {high}.",
                target="agentPoolProfile.count",
            )
    if not isinstance(count, int) or isinstance(count, bool) or not least <= count <= most:
        raise refuse(
            400,
            "InvalidParameter",
            f"The value of parameter agentPoolProfile.count is invalid. Error details: {count} is not in the range of {least} to {most}.",
            target="agentPoolProfile.count",
        )


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
