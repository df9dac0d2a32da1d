"""What AKS takes as an agent pool, and what it refuses. Pure."""

import re
from typing import Any, Final

from fakecloud.providers.containerservice.refusals import immutable, invalid, refuse
from fakecloud.store import Body

CLUSTER_NAME = re.compile(r"[a-zA-Z0-9]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
GROUP_NAME = re.compile(r"[-\w._()]{0,89}[-\w_()]")
POOL_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
DEFAULT_SIZE: Final = "Standard_D4ds_v5"
"""Of a pool that names none; Azure chooses by what the region has left (az's own help)."""
VM_SIZE = re.compile(r"Standard_[A-Z][A-Za-z0-9]*(-[0-9]+)?[a-z]*(_v[0-9]+)?")
_LABEL = re.compile(
    r"(?P<prefix>[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?(?P<name>[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)"
)
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_EFFECTS = frozenset({"NoSchedule", "PreferNoSchedule", "NoExecute"})
_SURGE = re.compile(r"[0-9]{1,4}|(100|[0-9]{1,2})%")
SPOT: Final = "kubernetes.azure.com/scalesetpriority"
"""The key of the label and the taint that Azure puts on Spot nodes."""
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
    "type",
    "kubeletDiskType",
    "podSubnetID",
    "proximityPlacementGroupID",
    "nodePublicIPPrefixID",
    "enableEncryptionAtHost",
    "enableUltraSSD",
)
_ABSENT: Final = {
    "scaleSetPriority": "Regular",
    "availabilityZones": [],
    "enableEncryptionAtHost": False,
    "enableUltraSSD": False,
}
"""What a pool without the field has."""
_WORDS: Final = {
    "mode": ("System", "User"),
    "type": ("VirtualMachineScaleSets",),
    "osType": ("Linux", "Windows"),
    "osDiskType": ("Managed", "Ephemeral"),
    "kubeletDiskType": ("OS", "Temporary"),
    "scaleSetPriority": ("Regular", "Spot"),
    "scaleDownMode": ("Delete", "Deallocate"),
}
_RANGES: Final = {"osDiskSizeGB": (0, 2048), "maxPods": (10, 250)}
_UPGRADE_RANGES: Final = {"drainTimeoutInMinutes": (1, 1440), "nodeSoakDurationInMinutes": (0, 30)}
_DEFAULTS: Final = {
    "type": "VirtualMachineScaleSets",
    "osSKU": "Ubuntu",
    "osDiskSizeGB": 128,
    "osDiskType": "Managed",
    "kubeletDiskType": "OS",
    "enableAutoScaling": False,
    "enableNodePublicIP": False,
    "scaleDownMode": "Delete",
    "powerState": {"code": "Running"},
    "upgradeSettings": {"maxSurge": "10%"},
    "securityProfile": {"enableVTPM": False, "enableSecureBoot": False},
}


def check_pool(name: str, properties: dict[str, Any], known: dict[str, Any] | None, max_pods: int) -> Body:
    """A pool's properties with AKS's defaults; raises ArmError. `max_pods` is the cluster's network's own default."""
    if not POOL_NAME.fullmatch(name):
        raise invalid(
            "agentPoolProfile.name",
            f"The name '{name}' must match ^[a-z][a-z0-9]{{0,11}}$: begin with a lower-case letter, have lower-case letters and digits only, and at most 12 characters.",
        )
    if properties.get("osDiskSizeGB") == 0:  # Azure's word for its own choice
        properties = {key: value for key, value in properties.items() if key != "osDiskSizeGB"}
    if not properties.get("vmSize"):  # az sends an empty one
        properties = {**properties, "vmSize": (known or {}).get("vmSize", DEFAULT_SIZE)}
    for field in IMMUTABLE:
        if (
            known is not None
            and field in properties
            and not _same(known.get(field, _ABSENT.get(field)), properties[field])
        ):
            raise immutable(field)
    kept: Body = {"count": 1, "mode": "User", "osType": "Linux", **_DEFAULTS, "maxPods": max_pods}
    kept |= {**(known or {}), **properties}
    if not VM_SIZE.fullmatch(kept["vmSize"]):
        raise refuse(
            400,
            "VMSizeNotSupported",
            f"The VM size of {kept['vmSize']} is not allowed in your subscription in location. Please use a size such as Standard_D4s_v5.",
            target="agentPoolProfile.vmSize",
        )
    _check_words(kept)
    _check_ranges(kept)
    _check_counts(name, kept)
    _check_kind(name, kept)
    if kept.get("scaleSetPriority") == "Spot":
        _mark_spot(kept)
    for label, value in (kept.get("nodeLabels") or {}).items():
        _check_label(label, value)
    for taint in kept.get("nodeTaints") or []:
        _check_taint(taint)
    return kept


def _same(have: Any, want: Any) -> bool:
    """Ids and words of Azure are one whatever their case."""
    return have.lower() == want.lower() if isinstance(have, str) and isinstance(want, str) else bool(have == want)


def _check_words(pool: Body) -> None:
    for field, words in _WORDS.items():
        if field not in pool:
            continue
        found = next((word for word in words if word.lower() == pool[field].lower()), None)
        if found is None:
            raise invalid(f"agentPoolProfile.{field}", f"{pool[field]} is none of {', '.join(words)}.")
        pool[field] = found


def _check_ranges(pool: Body) -> None:
    upgrade = pool["upgradeSettings"]
    for fields, ranges in ((pool, _RANGES), (upgrade, _UPGRADE_RANGES)):
        for field, (low, high) in ranges.items():
            if field in fields and not low <= fields[field] <= high:
                raise invalid(f"agentPoolProfile.{field}", f"{fields[field]} is not in the range of {low} to {high}.")
    surge = upgrade.get("maxSurge", "10%")
    if not _SURGE.fullmatch(surge):
        raise invalid("agentPoolProfile.upgradeSettings.maxSurge", f"{surge} is no number and no percentage.")


def _check_counts(name: str, pool: Body) -> None:
    least, most, count = (1 if pool["mode"] == "System" else 0), 1000, pool["count"]
    if pool.get("enableAutoScaling"):
        low, high = pool.get("minCount"), pool.get("maxCount")
        if low is None or high is None or not least <= low <= high <= most:
            raise invalid(
                "agentPoolProfile.minCount",
                f"Agent pool {name}: minCount and maxCount must satisfy {least} <= minCount <= maxCount <= {most}.",
            )
        if not low <= count <= high:
            raise invalid(
                "agentPoolProfile.count",
                f"Agent pool {name}: count {count} must lie between minCount {low} and maxCount {high}.",
            )
    else:
        for bound in ("minCount", "maxCount"):
            pool.pop(bound, None)
    if not least <= count <= most:
        raise invalid("agentPoolProfile.count", f"{count} is not in the range of {least} to {most}.")


def _check_kind(name: str, pool: Body) -> None:
    if pool["mode"] == "System" and (pool["osType"] != "Linux" or pool.get("scaleSetPriority") == "Spot"):
        raise invalid("agentPoolProfile.mode", "System node pools must run Linux and cannot be Spot.")
    if pool["osType"] == "Windows" and len(name) > 6:
        raise invalid("agentPoolProfile.name", "Windows agent pool names can have at most 6 characters.")


def _mark_spot(pool: Body) -> None:
    pool["nodeLabels"] = {**(pool.get("nodeLabels") or {}), SPOT: "spot"}
    taint = f"{SPOT}=spot:NoSchedule"
    taints = pool.get("nodeTaints") or []
    pool["nodeTaints"] = taints if taint in taints else [*taints, taint]


def _check_label(label: str, value: str) -> None:
    found = _LABEL.fullmatch(label)
    if found is None or not _VALUE.fullmatch(value):
        raise invalid("agentPoolProfile.nodeLabels", f"{label}={value} is no valid node label.")
    if (found["prefix"] or "").endswith("kubernetes.azure.com/") and label != SPOT:
        raise invalid("agentPoolProfile.nodeLabels", f"{label}: the prefix kubernetes.azure.com is reserved.")


def _check_taint(taint: str) -> None:
    rest, _, effect = taint.rpartition(":")
    key, _, value = rest.partition("=")
    if effect not in _EFFECTS or not _LABEL.fullmatch(key) or not _VALUE.fullmatch(value):
        raise invalid("agentPoolProfile.nodeTaints", f"{taint} is no valid taint: it takes key=value:Effect.")


def wants_stopped(properties: dict[str, Any]) -> bool | None:
    """Whether an agent pool is to be stopped (True) or to run (False), None when a body does not say."""
    code = (properties.get("powerState") or {}).get("code")
    return None if code is None else bool(code == "Stopped")
