"""Machines of pools: quota, addresses, and what is asked of the compute behind them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fakecloud.arm.errors import ArmError
from fakecloud.arm.operations import Operations
from fakecloud.arm.types import RESOURCE, Context
from fakecloud.clock import Clock
from fakecloud.compute.port import CapacityError, Placement, Pool
from fakecloud.providers.containerservice.machines import Fleet, NodeNetwork, node_labels
from fakecloud.store import Store

SUBSCRIPTION = "/subscriptions/s/resourceGroups"
NETWORK = f"{SUBSCRIPTION}/MC/providers/Microsoft.Network/virtualNetworks/v"
SUBNET = f"{NETWORK}/subnets/nodes"
Body = dict[str, Any]


class Rack:
    """A compute of so many machines, for one cluster at a time."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pools: dict[str, Pool] = {}
        self.cluster: str | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def placements(self) -> Sequence[Placement]:
        return ()

    def node_addresses(self) -> Sequence[str]:
        return ()

    def on_change(self, callback: Callable[[], None]) -> None: ...

    def owner(self) -> str | None:
        return self.cluster

    def taken(self) -> int:
        return sum(len(pool.machines) for pool in self.pools.values())

    def free(self) -> int | None:
        return self.size - self.taken()

    async def apply(self, cluster_id: str, pools: Sequence[Pool]) -> None:
        await self.gate.wait()
        if sum(len(pool.machines) for pool in pools) > self.size:
            raise CapacityError(self.size - self.taken())
        self.pools = {pool.name: pool for pool in pools}
        self.cluster = cluster_id if self.taken() else None

    async def release(self, cluster_id: str) -> None:
        await self.apply(cluster_id, ())

    async def reclaim(self, clusters: Iterable[str]) -> None: ...

    async def kubeconfig(self, cluster_id: str, *, admin: bool) -> bytes:
        return b""


class Cloud:
    """A store with clusters and pools, and the fleet over a rack."""

    def __init__(self, path: Path, size: int) -> None:
        self.store = Store(path)
        self.rack = Rack(size)
        clock = Clock(float("inf"))
        self.fleet = Fleet(Context(self.store, clock, Operations(self.store, clock)), self.rack)
        subnets = [{"id": SUBNET, "properties": {"addressPrefix": "10.1.0.0/29"}}]
        network = {"id": NETWORK, "type": "Microsoft.Network/virtualNetworks", "properties": {"subnets": subnets}}
        self.store.put(RESOURCE, NETWORK, network)

    def cluster(self, name: str) -> Body:
        id_ = f"{SUBSCRIPTION}/rg/providers/Microsoft.ContainerService/managedClusters/{name}"
        type_ = "Microsoft.ContainerService/ManagedClusters"
        properties = {"nodeResourceGroup": f"MC_rg_{name}_westeurope"}
        return {"id": id_, "type": type_, "location": "westeurope", "properties": properties}

    def pool(self, cluster: Body, name: str, count: int, state: str = "Creating", **more: Any) -> Body:
        """A pool as it is in the store while something is done with it."""
        body: Body = {
            "id": f"{cluster['id']}/agentPools/{name}",
            "name": name,
            "type": "Microsoft.ContainerService/managedClusters/agentPools",
            "_subnet": SUBNET,
            "_group": "",
            "properties": {
                "count": count,
                "provisioningState": state,
                "mode": "User",
                "vmSize": "Standard_D2s_v5",
                "osSKU": "Ubuntu",
                "currentOrchestratorVersion": "1.36.2",
                **more,
            },
        }
        self.store.put(RESOURCE, body["id"], body)
        return body

    def check(self, cluster: Body, pool: Body) -> None:
        self.fleet.check_capacity(cluster["id"], "westeurope", {pool["id"]: pool["properties"]})

    def names(self, pool: Body) -> list[str]:
        return [row["name"] for row in self.fleet.rows(pool["id"])]


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    made = Cloud(tmp_path, 3)
    yield made
    made.store.close()


async def test_rows_machines_and_addresses_come_together(cloud: Cloud) -> None:
    shop = cloud.cluster("shop")
    a = cloud.pool(shop, "a", 2)
    await cloud.fleet.bring_about(shop, [a])
    rows = cloud.fleet.rows(a["id"])
    assert [row["properties"]["provisioningState"] for row in rows] == ["Succeeded"] * 2
    machines = cloud.rack.pools["a"].machines
    assert [m.name for m in machines] == [row["name"] for row in rows]
    assert [m.address for m in machines] == ["10.1.0.4", "10.1.0.5"], "Azure keeps the first addresses of a subnet"


async def test_the_newest_machines_go_first_and_names_and_addresses_come_back(cloud: Cloud) -> None:
    shop = cloud.cluster("shop")
    await cloud.fleet.bring_about(shop, [cloud.pool(shop, "a", 3)])
    three = cloud.names(cloud.pool(shop, "a", 1))
    one = cloud.pool(shop, "a", 1)
    await cloud.fleet.bring_about(shop, [one])
    assert cloud.names(one) == three[:1]
    again = cloud.pool(shop, "a", 2)
    await cloud.fleet.bring_about(shop, [again])
    assert cloud.names(again) == three[:2]


async def test_a_full_subnet_adds_no_machine(cloud: Cloud) -> None:
    cloud.rack.size = 9
    shop = cloud.cluster("shop")
    a = cloud.pool(shop, "a", 4)  # of a /29, three addresses are left to nodes
    with pytest.raises(ArmError) as refused:
        await cloud.fleet.bring_about(shop, [a])
    assert refused.value.code == "SubnetIsFull"
    assert cloud.names(a) == []


async def test_more_than_is_free_is_azures_quota_error(cloud: Cloud) -> None:
    shop = cloud.cluster("shop")
    a = cloud.pool(shop, "a", 4)
    with pytest.raises(ArmError) as refused:
        cloud.check(shop, a)
    assert (refused.value.status, refused.value.code) == (400, "ErrCode_InsufficientVCPUQuota")
    assert "westeurope. left regional vcpu quota 12, requested quota 16." in str(refused.value)


async def test_what_was_promised_to_a_pool_is_no_longer_free(cloud: Cloud) -> None:
    shop = cloud.cluster("shop")
    cloud.pool(shop, "a", 2)
    cloud.check(shop, cloud.pool(shop, "b", 1))
    with pytest.raises(ArmError):
        cloud.check(shop, cloud.pool(shop, "b", 2))


@pytest.mark.parametrize("state", ["Failed", "Canceled", "Deleting"])
async def test_a_pool_that_failed_or_goes_holds_no_promise(cloud: Cloud, state: str) -> None:
    shop = cloud.cluster("shop")
    cloud.pool(shop, "a", 3, state)
    cloud.check(shop, cloud.pool(shop, "b", 3))


@pytest.mark.parametrize(("state", "free"), [("Succeeded", 3), ("Starting", 1)])
async def test_a_stopped_cluster_holds_no_promise_until_it_is_started(cloud: Cloud, state: str, free: int) -> None:
    shop = cloud.cluster("shop")
    a = cloud.pool(shop, "a", 2, "Succeeded")
    await cloud.fleet.bring_about(shop, [a])
    await cloud.fleet.park(shop["id"])
    assert cloud.names(a) == []
    assert cloud.rack.free() == 3
    shop["properties"] |= {"powerState": {"code": "Stopped"}, "provisioningState": state}
    cloud.store.put(RESOURCE, shop["id"], shop)
    cloud.check(shop, cloud.pool(shop, "b", free))
    with pytest.raises(ArmError):
        cloud.check(shop, cloud.pool(shop, "b", free + 1))


async def test_only_what_a_pool_lacks_is_asked_for(cloud: Cloud) -> None:
    shop = cloud.cluster("shop")
    await cloud.fleet.bring_about(shop, [cloud.pool(shop, "a", 2)])
    cloud.check(shop, cloud.pool(shop, "a", 3))
    cloud.check(shop, cloud.pool(shop, "a", 0))


@pytest.mark.parametrize("placed", [True, False], ids=["has machines", "was promised machines"])
async def test_machines_belong_to_one_cluster_at_a_time(cloud: Cloud, placed: bool) -> None:
    shop, other = cloud.cluster("shop"), cloud.cluster("other")
    a = cloud.pool(shop, "a", 1)
    if placed:
        await cloud.fleet.bring_about(shop, [a])
    with pytest.raises(ArmError) as refused:
        cloud.check(other, cloud.pool(other, "a", 1))
    assert "left regional vcpu quota 0, requested quota 4." in str(refused.value)


async def test_a_pool_that_cannot_be_had_leaves_no_rows_and_harms_no_other(cloud: Cloud) -> None:
    shop = cloud.cluster("shop")
    a, big = cloud.pool(shop, "a", 1), cloud.pool(shop, "big", 5)
    await cloud.fleet.bring_about(shop, [a])
    wide = [{"id": SUBNET, "properties": {"addressPrefix": "10.1.0.0/24"}}]
    network = {"id": NETWORK, "type": "Microsoft.Network/virtualNetworks", "properties": {"subnets": wide}}
    cloud.store.put(RESOURCE, NETWORK, network)
    with pytest.raises(ArmError) as refused:
        await cloud.fleet.bring_about(shop, [big])
    assert refused.value.code == "ErrCode_InsufficientVCPUQuota"
    assert cloud.names(big) == []
    a = cloud.pool(shop, "a", 2)
    await cloud.fleet.bring_about(shop, [a])
    assert {name: len(pool.machines) for name, pool in cloud.rack.pools.items()} == {"a": 2, "big": 0}


async def test_a_pool_under_way_is_not_hurried_by_another(cloud: Cloud) -> None:
    shop = cloud.cluster("shop")
    a, b = cloud.pool(shop, "a", 1), cloud.pool(shop, "b", 1)
    await cloud.fleet.bring_about(shop, [a])
    assert cloud.names(b) == []


async def test_two_pools_at_once_end_with_both(cloud: Cloud) -> None:
    shop = cloud.cluster("shop")
    a, b = cloud.pool(shop, "a", 1), cloud.pool(shop, "b", 2)
    cloud.rack.gate.clear()
    both = asyncio.gather(cloud.fleet.bring_about(shop, [a]), cloud.fleet.bring_about(shop, [b]))
    await asyncio.sleep(0)
    cloud.rack.gate.set()
    await both
    assert {name: len(pool.machines) for name, pool in cloud.rack.pools.items()} == {"a": 1, "b": 2}


async def test_a_pool_that_goes_keeps_its_machines_until_then(cloud: Cloud) -> None:
    shop = cloud.cluster("shop")
    a, b = cloud.pool(shop, "a", 1), cloud.pool(shop, "b", 1)
    await cloud.fleet.bring_about(shop, [a, b])
    b = cloud.pool(shop, "b", 1, "Deleting")
    await cloud.fleet.bring_about(shop, [a])
    assert len(cloud.rack.pools["b"].machines) == 1
    await cloud.fleet.bring_about(shop, [], without=[b["id"].upper()])
    assert set(cloud.rack.pools) == {"a"}


async def test_nodes_carry_akss_labels_and_the_pools(cloud: Cloud) -> None:
    shop = cloud.cluster("shop")
    shop["properties"]["nodeResourceGroup"] = "MC_(" + "x" * 60 + "-y"
    pool = cloud.pool(shop, "a", 1, mode="System", nodeLabels={"disk": "ssd"})
    assert node_labels(shop, pool) == {
        "agentpool": "a",
        "kubernetes.azure.com/agentpool": "a",
        "kubernetes.azure.com/cluster": "MC__" + "x" * 59,
        "kubernetes.azure.com/mode": "system",
        "kubernetes.azure.com/os-sku": "Ubuntu",
        "node.kubernetes.io/instance-type": "Standard_D2s_v5",
        "topology.kubernetes.io/region": "westeurope",
        "disk": "ssd",
    }


@pytest.mark.parametrize(
    ("network", "given", "wanted"),
    [
        (NodeNetwork(SUBNET), None, SUBNET),
        (NodeNetwork(SUBNET), SUBNET, None),
        (NodeNetwork(SUBNET, "nsg"), None, None),
        (NodeNetwork(SUBNET, "nsg"), f"{NETWORK.upper()}/subnets/more", f"{NETWORK.upper()}/subnets/more"),
        (NodeNetwork(SUBNET, "nsg"), f"{NETWORK}2/subnets/more", None),
    ],
    ids=["AKS's own", "brought into AKS's own", "missing", "same network", "another network"],
)
async def test_all_or_no_pools_bring_subnets_of_one_network(
    network: NodeNetwork, given: str | None, wanted: str | None
) -> None:
    if wanted is None:
        with pytest.raises(ArmError) as refused:
            network.subnet_of(given)
        assert refused.value.target == "agentPoolProfile.vnetSubnetID"
    else:
        assert network.subnet_of(given) == wanted
