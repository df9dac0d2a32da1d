"""What clusters use of a subscription's quotas, and what they are refused for."""

from collections import Counter
from collections.abc import Iterable, Mapping

from fakecloud.arm import quotas
from fakecloud.arm.types import Context
from fakecloud.providers.containerservice import refusals, sizes
from fakecloud.store import Body

CLUSTERS = "Microsoft.ContainerService/managedClusters"
POOLS = f"{CLUSTERS}/agentPools"
MACHINES = f"{POOLS}/machines"
MOST_CLUSTERS = 5000
"""Of a subscription, when nobody says otherwise (D)."""


def used(context: Context, subscription: str, location: str, instead: Mapping[str, Body] | None = None) -> Counter[str]:
    """vCPUs of a region's agent pools by what they count against: `cores`, `lowPriorityCores`, and the families.

    `instead` are properties of pools (by their ids) that count in place of those that they have.
    """
    total: Counter[str] = Counter()
    replaced = {id_.lower(): properties for id_, properties in (instead or {}).items()}
    prefix = f"/subscriptions/{subscription}/".lower()
    for pool in context.store.resources(POOLS):
        id_ = str(pool["id"]).lower()
        cluster = context.resource(id_.rpartition("/agentpools/")[0]) if id_.startswith(prefix) else None
        asleep = cluster is None or _asleep(cluster) or pool.get("_stopped")
        if cluster is not None and cluster["location"] == location and id_ not in replaced and not asleep:
            _count(total, pool["properties"])
    for properties in replaced.values():
        _count(total, properties)
    return total


def check(context: Context, subscription: str, location: str, wanted: Mapping[str, Body]) -> None:
    """Raises ArmError (400) when pools (properties by id) would be more than the quotas allow."""
    if not context.quotas.names:
        return
    before, after = used(context, subscription, location), used(context, subscription, location, wanted)
    for name in after:
        limit = context.quotas.of(location, name)
        if limit is None or after[name] <= max(limit, before[name]):
            continue
        left, requested = max(0, limit - before[name]), after[name] - before[name]
        if name == quotas.CORES:
            raise refusals.quota(location, left=left, requested=requested)
        raise refusals.family_quota(location, name, left=left, requested=requested)


def check_zones(context: Context, location: str, added: Iterable[Body]) -> None:
    """Raises ArmError (409) when a zone has no room for machines that were `added` (ARM's rows). Azure notices late."""
    wanted = {f"zone{zone}" for row in added for zone in row.get("zones") or ()}
    limits = {zone: limit for zone in sorted(wanted) if (limit := context.quotas.of(location, zone)) is not None}
    if not limits:
        return
    total: Counter[str] = Counter()
    for row in context.store.resources(MACHINES):
        cluster = context.resource(str(row["id"]).lower().partition("/agentpools/")[0])
        if cluster is not None and cluster["location"] == location:
            size = sizes.read(row["properties"]["hardware"]["vmSize"])
            total.update({f"zone{zone}": size.cores if size else 0 for zone in row.get("zones") or ()})
    if any(total[zone] > limit for zone, limit in limits.items()):
        raise refusals.no_room_in_zone()


def check_clusters(context: Context, subscription: str) -> None:
    """Raises ArmError (400) when the subscription has as many clusters as it may."""
    have = clusters(context, subscription)
    limit = context.quotas.of("", quotas.CLUSTERS)
    limit = MOST_CLUSTERS if limit is None else limit
    if have >= limit:
        raise refusals.refuse(
            400,
            "QuotaExceeded",
            f"Quota exceeded: the subscription {subscription} has {have} managed clusters, and {limit} are allowed. Delete clusters that are not needed, or ask for more quota.",
        )


def clusters(context: Context, subscription: str) -> int:
    """How many clusters a subscription has."""
    prefix = f"/subscriptions/{subscription}/".lower()
    return sum(1 for cluster in _all_clusters(context) if str(cluster["id"]).lower().startswith(prefix))


def _all_clusters(context: Context) -> list[Body]:
    return context.store.resources(CLUSTERS)


def _asleep(cluster: Body) -> bool:
    properties = cluster["properties"]
    return bool(properties["powerState"]["code"] == "Stopped" and properties["provisioningState"] != "Starting")


def _count(total: Counter[str], properties: Body) -> None:
    size = sizes.read(str(properties.get("vmSize", "")))
    if size is None:
        return
    vcpus = size.cores * int(properties.get("count", 1))
    if str(properties.get("scaleSetPriority", "")).lower() == "spot":
        total[quotas.SPOT_CORES] += vcpus
    else:
        total[quotas.CORES] += vcpus
        total[size.family] += vcpus
