"""Kubernetes versions on offer, and which may follow which. Pure, but for the two types that list them."""

from datetime import UTC, datetime, timedelta
from typing import Final

from fakecloud.arm.types import Answer, Call, Fidelity, ResourceType
from fakecloud.providers.containerservice.refusals import refuse
from fakecloud.store import Body

TYPE = "Microsoft.ContainerService/managedClusters"
VERSIONS = ("1.33.8", "1.34.4", "1.35.3", "1.36.2", "1.37.1")
"""Patches on offer, oldest first; of each minor the newest."""
DEFAULT_VERSION = "1.36.2"
_IMAGES: Final = {
    "ubuntu": "AKSUbuntu-2404gen2containerd",
    "ubuntu2204": "AKSUbuntu-2204gen2containerd",
    "ubuntu2404": "AKSUbuntu-2404gen2containerd",
    "azurelinux": "AKSAzureLinux-V3gen2",
    "azurelinux3": "AKSAzureLinux-V3gen2",
    "windows2022": "AKSWindows-2022-containerd",
}
"""The names of node images by osSKU in lower case."""
_RELEASE_DAYS: Final = 7
"""From the day in an image's name to the Monday on which it is everywhere."""
POOL_SKEW = 3
"""Minors that a pool may be behind its control plane."""


def resolve(version: str | None, *, pool: bool = False) -> str:
    """The full version that a version or an alias ("1.36") stands for; raises ArmError for one not on offer.

    `pool`: asked for an agent pool, which is refused by another code.
    """
    if not version:
        return DEFAULT_VERSION
    matching = [v for v in VERSIONS if version in {v, v.rpartition(".")[0]}]
    if not matching:
        raise refuse(
            400,
            "AgentPoolK8sVersionNotSupported" if pool else "K8sVersionNotSupported",
            f"{'Agent pool' if pool else 'Managed cluster'} is on version {version} which is not supported in this region. Please use [az aks get-versions] command to get the supported version list in this region. Supported: {', '.join(VERSIONS)}.",
        )
    return matching[-1]


def meant(asked: str | None, current: str, *, pool: bool = False) -> str:
    """The full version that `asked` stands for on something that runs `current`: an alias does not move it."""
    return current if not asked or asked in {current, current.rpartition(".")[0]} else resolve(asked, pool=pool)


def minor(version: str) -> int:
    """The minor of "1.36.2": 36."""
    return int(version.split(".")[1])


def check_upgrade(current: str, wanted: str) -> None:
    """Raises ArmError unless `wanted` is the same minor or one up, and not older."""
    if _key(wanted) < _key(current):
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


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class UpgradeProfiles(ResourceType):
    """Microsoft.ContainerService/managedClusters/upgradeProfiles: what may come next."""

    type = f"{TYPE}/upgradeProfiles"
    fidelity = Fidelity(
        exact=("patches and the next minor for control plane and pools",),
        simplified=("no previews",),
    )
    flat_errors = True
    verbs = ("GET",)

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        cluster = self.context.resource(call.target.parent or "")
        if cluster is None or call.target.name.lower() != "default":
            raise self.missing(call.target)
        current = cluster["properties"]["currentKubernetesVersion"]
        pools = self.context.children(cluster["id"], f"{TYPE}/agentPools")
        body = {
            "id": f"{cluster['id']}/upgradeprofiles/default",
            "name": "default",
            "type": "Microsoft.ContainerService/managedClusters/upgradeprofiles",
            "properties": {
                "controlPlaneProfile": _profile(current),
                "agentPoolProfiles": [
                    {"name": pool["name"], **_profile(pool["properties"]["currentOrchestratorVersion"])}
                    for pool in pools
                ],
            },
        }
        return Answer(200, body)


def newest_image(pool: Body, now: float) -> str:
    """The node image that pools with these properties get now: a new one comes each week."""
    image = _IMAGES.get(str(pool.get("osSKU", "")).lower(), _IMAGES["ubuntu"])
    today = datetime.fromtimestamp(now, UTC)
    made = today - timedelta(days=today.weekday() + _RELEASE_DAYS)
    return f"{image}-{made:%Y%m.%d}.0"


class PoolUpgradeProfiles(ResourceType):
    """Microsoft.ContainerService/managedClusters/agentPools/upgradeProfiles: what may come next for one pool."""

    type = f"{TYPE}/agentPools/upgradeProfiles"
    fidelity = Fidelity(
        exact=("never beyond the control plane", "one minor at a time", "the newest node image"),
        simplified=("no previews",),
    )
    flat_errors = True
    verbs = ("GET",)

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        pool = self.context.resource(call.target.parent or "")
        if pool is None or call.target.name.lower() != "default":
            raise self.missing(call.target)
        cluster = self.context.resource(pool["id"].rpartition("/agentPools/")[0]) or {}
        highest = _key(cluster["properties"]["currentKubernetesVersion"])
        profile = _profile(pool["properties"]["currentOrchestratorVersion"])
        profile["upgrades"] = [u for u in profile["upgrades"] if _key(u["kubernetesVersion"]) <= highest]
        body = {
            "id": f"{pool['id']}/upgradeProfiles/default",
            "name": "default",
            "type": "Microsoft.ContainerService/managedClusters/agentPools/upgradeProfiles",
            "properties": {
                **profile,
                "latestNodeImageVersion": newest_image(pool["properties"], self.context.clock.now()),
            },
        }
        return Answer(200, body)


class AvailableVersions(ResourceType):
    """Microsoft.ContainerService/managedClusters/availableAgentPoolVersions: what a new pool may run."""

    type = f"{TYPE}/availableAgentPoolVersions"
    fidelity = Fidelity(exact=("not newer than the control plane, and at most three minors older",))
    flat_errors = True
    verbs = ("LIST",)

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        cluster = self.context.resource(call.target.id) or {}
        current = cluster["properties"]["currentKubernetesVersion"]
        fitting = [v for v in VERSIONS if _key(v) <= _key(current) and minor(current) - minor(v) <= POOL_SKEW]
        body = {
            "id": f"{cluster['id']}/availableAgentPoolVersions/default",
            "name": "default",
            "type": "Microsoft.ContainerService/managedClusters/availableAgentPoolVersions",
            "properties": {
                "agentPoolVersions": [
                    {"kubernetesVersion": version, **({"default": True} if version == current else {})}
                    for version in fitting
                ]
            },
        }
        return Answer(200, body)


class KubernetesVersions(ResourceType):
    """Microsoft.ContainerService/locations/kubernetesVersions: what is on offer."""

    type = "Microsoft.ContainerService/locations/kubernetesVersions"
    fidelity = Fidelity(
        exact=("`values` with patchVersions and upgrades, one default",),
        simplified=("one patch a minor, five minors, the same in every region and always",),
    )
    flat_errors = True
    verbs = ("LIST",)

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        values = []
        for version in VERSIONS:
            item: Body = {
                "version": version.rpartition(".")[0],
                "capabilities": {"supportPlan": ["KubernetesOfficial"]},
                "patchVersions": {version: {"upgrades": upgrades(version)}},
            }
            if version == DEFAULT_VERSION:
                item["isDefault"] = True
            values.append(item)
        return Answer(200, {"values": values})


def _profile(current: str) -> Body:
    return {
        "kubernetesVersion": current,
        "osType": "Linux",
        "upgrades": [{"kubernetesVersion": v} for v in upgrades(current)],
    }
