"""Machines of agent pools: ARM's rows, their addresses, and what stands behind them."""

import asyncio
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fakecloud.arm.errors import ArmError
from fakecloud.arm.types import RESOURCE, Context, Fidelity, ResourceType
from fakecloud.compute.port import CapacityError, Compute, Machine, Pool
from fakecloud.providers.containerservice import cores
from fakecloud.providers.containerservice.refusals import invalid, quota, refuse
from fakecloud.providers.network.addressing import find_subnet, free_in, prefixes_of, taken_in
from fakecloud.store import Body

POOL_TYPE = "Microsoft.ContainerService/managedClusters/agentPools"
MACHINE_TYPE = f"{POOL_TYPE}/machines"
CORES = 4
"""vCPUs of one machine, as the quota counts them."""


@dataclass(frozen=True)
class NodeNetwork:
    """Where a cluster's nodes are: in AKS's own subnet, or in brought ones."""

    subnet: str
    """AKS's own subnet, or that of the first pool."""
    group: str = ""
    """AKS's NSG where it guards the nodes' interfaces, as it does in brought subnets; else it guards AKS's subnet."""

    @property
    def brought(self) -> bool:
        """Whether pools name their subnets."""
        return bool(self.group)

    def subnet_of(self, given: str | None) -> str:
        """The subnet of a pool that gives this vnetSubnetID; raises ArmError when it does not go with the others."""
        network = self.subnet.rpartition("/subnets/")[0]
        if bool(given) != self.brought or (given and given.rpartition("/subnets/")[0].lower() != network.lower()):
            raise invalid(
                "agentPoolProfile.vnetSubnetID",
                "all or none of the agent pools name a subnet, and all of them in one virtual network.",
            )
        return given or self.subnet


class Machines(ResourceType):
    """Microsoft.ContainerService/managedClusters/agentPools/machines: read only."""

    type = MACHINE_TYPE
    fidelity = Fidelity(
        exact=("`properties.network.ipAddresses`, `resourceId`, zones (M)",),
        missing=("making single machines: 501",),
    )
    flat_errors = True


class Fleet:
    """All machines of all clusters."""

    def __init__(self, context: Context, compute: Compute) -> None:
        self.context = context
        self.store = context.store
        self._compute = compute
        self._lock = asyncio.Lock()

    def rows(self, pool: str) -> list[Body]:
        """A pool's machines in ARM, oldest first."""
        return sorted(self.context.children(pool, MACHINE_TYPE), key=lambda row: str(row["name"]))

    def check_capacity(self, cluster: str, location: str, pools: Mapping[str, Body]) -> None:
        """Raises Azure's quota errors when the subscription may not have pools (their properties by id), or for want of machines.

        What other pools were promised and do not have yet is no longer free; a machine belongs to one cluster at a time.
        """
        cores.check(self.context, cluster.split("/")[2], location, pools)
        free = self._compute.free()
        counts = {id_: int(properties.get("count", 1)) for id_, properties in pools.items()}
        more = sum(max(0, count - len(self.rows(pool))) for pool, count in counts.items())
        if free is None or more == 0:
            return
        owners = {(self._compute.owner() or cluster).lower()}
        asked = {pool.lower() for pool in counts}
        for pool in self.store.resources(POOL_TYPE):
            missing = int(pool["properties"]["count"]) - len(self.rows(pool["id"]))
            waiting = pool["properties"]["provisioningState"] not in {"Failed", "Canceled", "Deleting"}
            owner = pool["id"].rpartition("/agentPools/")[0]
            asleep = pool.get("_stopped") or self._asleep(owner)
            if missing > 0 and waiting and pool["id"].lower() not in asked and not asleep:
                free -= missing
                owners.add(owner.lower())
        free = max(0, free) if owners == {cluster.lower()} else 0
        if more > free:
            raise quota(location, left=free * CORES, requested=more * CORES)

    def _asleep(self, cluster: str) -> bool:
        """Whether a cluster is stopped, and not being started: its pools wait for no machines."""
        properties = (self.context.resource(cluster) or {}).get("properties", {})
        stopped = properties.get("powerState", {}).get("code") == "Stopped"
        return bool(stopped and properties["provisioningState"] != "Starting")

    async def bring_about(self, cluster: Body, pools: Sequence[Body], without: Iterable[str] = ()) -> None:
        """Bring `pools` of the cluster to their counts; the others keep what they have, those in `without` (ids) lose it.

        Raises ArmError; then no machine was added. May be repeated.
        """
        async with self._lock:
            pools = [pool for pool in pools if self.context.resource(pool["id"]) is not None]  # or it went meanwhile
            added = [row for pool in pools for row in self._size(cluster, pool)]
            gone = {id_.lower() for id_ in without}
            kept = [p for p in self.context.children(cluster["id"], POOL_TYPE) if p["id"].lower() not in gone]
            try:
                cores.check_zones(self.context, cluster["location"], added)
                await self._compute.apply(cluster["id"], [self._wanted(cluster, pool) for pool in kept])
            except (ArmError, CapacityError) as error:
                self.store.write([(RESOURCE, row["id"], None) for row in added])
                if isinstance(error, ArmError):
                    raise
                raise quota(cluster["location"], left=error.free * CORES, requested=len(added) * CORES) from error
            self.store.write(
                [(RESOURCE, row["id"], _ready(row, pool)) for pool in pools for row in self.rows(pool["id"])]
            )

    async def park(self, cluster: str) -> None:
        """Give back all machines of a cluster that stays: its pools keep their counts and have no machines."""
        async with self._lock:
            await self._compute.release(cluster)
            pools = self.context.children(cluster, POOL_TYPE)
            self.store.write([(RESOURCE, row["id"], None) for pool in pools for row in self.rows(pool["id"])])

    async def release(self, cluster: str) -> None:
        """Give back all machines of a cluster."""
        async with self._lock:
            await self._compute.release(cluster)

    def _wanted(self, cluster: Body, pool: Body) -> Pool:
        machines = [Machine(row["name"], _address_of(row)) for row in self.rows(pool["id"])]
        return Pool(
            pool["name"], machines, node_labels(cluster, pool), tuple(pool["properties"].get("nodeTaints") or ())
        )

    def _size(self, cluster: Body, pool: Body) -> list[Body]:
        """As many rows as the pool counts: the newest go first; the new ones are returned."""
        have, count = self.rows(pool["id"]), 0 if pool.get("_stopped") else int(pool["properties"]["count"])
        group = str(cluster["properties"]["nodeResourceGroup"])
        used = set(taken_in(self.store, pool["_subnet"]))
        names = {row["name"] for row in have}
        added: list[Body] = []
        index = 0
        while len(have) + len(added) < count:
            name = f"aks-{pool['name']}-{_number(pool['id'])}-vmss{_base36(index)}"
            if name not in names:
                address = self._address(pool["_subnet"], used)
                used.add(address)
                added.append(_row(pool, name, address, index, group))
            index += 1
        self.store.write(
            [*((RESOURCE, row["id"], None) for row in have[count:]), *((RESOURCE, row["id"], row) for row in added)]
        )
        return added

    def prefix(self, subnet: str) -> str:
        """The addresses of a subnet, such as "10.224.0.0/16"; raises ArmError for one that is not there."""
        found = find_subnet(self.context, subnet)
        if found is None:
            raise invalid("agentPoolProfile.vnetSubnetID", f"the subnet {subnet} was not found.")
        return prefixes_of(found)[0]

    def _address(self, subnet: str, used: set[str]) -> str:
        address = free_in(self.prefix(subnet), used)
        if address is None:
            raise refuse(400, "SubnetIsFull", f"Subnet {subnet} does not have enough capacity for another IP address.")
        return address


def scale_set_of(cluster: Body, pool: Body) -> str:
    """The id of the scale set that a pool is."""
    group = f"/subscriptions/{cluster['id'].split('/')[2]}/resourceGroups/{cluster['properties']['nodeResourceGroup']}"
    name = f"aks-{pool['name']}-{_number(pool['id'])}-vmss"
    return f"{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{name}"


def node_labels(cluster: Body, pool: Body) -> dict[str, str]:
    """What the nodes of a pool carry: AKS's own labels and the pool's."""
    properties = pool["properties"]
    own = {
        "agentpool": pool["name"],
        "kubernetes.azure.com/agentpool": pool["name"],
        "kubernetes.azure.com/cluster": _label(cluster["properties"]["nodeResourceGroup"]),
        "kubernetes.azure.com/mode": str(properties["mode"]).lower(),
        "kubernetes.azure.com/os-sku": str(properties["osSKU"]),
        "node.kubernetes.io/instance-type": str(properties["vmSize"]),
        "topology.kubernetes.io/region": str(cluster["location"]),
    }
    return {**own, **(properties.get("nodeLabels") or {})}


def _label(text: str) -> str:
    """A text as Kubernetes takes it for a label's value: at most 63 characters, of fewer kinds than a group's name has."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:63].strip("_.-")


def _row(pool: Body, name: str, address: str, index: int, group: str) -> Body:
    set_ = name.removesuffix(_base36(index))
    zones = pool["properties"].get("availabilityZones") or []
    return {
        "id": f"{pool['id']}/machines/{name}",
        "name": name,
        "type": MACHINE_TYPE,
        "_subnet": pool["_subnet"],
        "_group": pool["_group"],
        **({"zones": [zones[index % len(zones)]]} if zones else {}),
        "properties": {
            "provisioningState": "Creating",
            "network": {"ipAddresses": [{"family": "IPv4", "ip": address}]},
            "resourceId": f"/subscriptions/{pool['id'].split('/')[2]}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{set_}/virtualMachines/{index}",
            "mode": pool["properties"]["mode"],
            "hardware": {"vmSize": pool["properties"]["vmSize"]},
            "kubernetes": {"orchestratorVersion": pool["properties"]["currentOrchestratorVersion"]},
        },
    }


def _ready(row: Body, pool: Body) -> Body:
    version = {"orchestratorVersion": pool["properties"]["currentOrchestratorVersion"]}
    return {**row, "properties": {**row["properties"], "provisioningState": "Succeeded", "kubernetes": version}}


def _address_of(row: Body) -> str:
    return str(row["properties"]["network"]["ipAddresses"][0]["ip"])


def _number(pool: str) -> int:
    return int(hashlib.sha256(pool.lower().encode()).hexdigest()[:8], 16) % 90_000_000 + 10_000_000


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = digits[rest] + text
    return text.rjust(6, "0")
