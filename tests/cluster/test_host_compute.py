"""Host compute against a real API server."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import yaml

from fakecloud.compute import nodes
from fakecloud.compute.host import ADMIN, USER
from fakecloud.compute.port import CapacityError, Machine, Placement, Pool
from fakecloud.kube import Kube, KubeError
from tests.cluster.world import FREE, PATIENCE, World, own_taints

GROUP = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters"
CLUSTER, OTHER = f"{GROUP}/shop", f"{GROUP}/other"


def pool(name: str, count: int, labels: Mapping[str, str] | None = None, taints: Sequence[str] = ()) -> Pool:
    machines = [Machine(f"aks-{name}-vmss{i:06d}", f"10.224.0.{4 + i}") for i in range(count)]
    return Pool(name, machines, {"agentpool": name, **(labels or {})}, taints)


async def until(condition: Callable[[], bool]) -> None:
    """Returns when `condition` holds."""
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.1)
    pytest.fail("it never came to be")


async def test_machines_are_taken_in_name_order_with_labels_and_taints(world: World) -> None:
    for name in ("w-10", "w-2", "w"):
        await world.worker(name)
    async with world.compute() as compute:
        assert (compute.free(), compute.owner(), compute.placements()) == (3, None, ())
        await compute.apply(CLUSTER, [pool("a", 2, {"tier": "web"}, ["sku=gpu:NoSchedule"])])
        assert (compute.free(), compute.owner()) == (1, CLUSTER)
        assert compute.node_addresses() == ("10.9.0.1", "10.9.0.3", "10.9.0.4"), "those without a machine too"
        assert compute.placements() == (
            Placement("w", "10.9.0.1", "aks-a-vmss000000", "10.224.0.4", CLUSTER),
            Placement("w-2", "10.9.0.3", "aks-a-vmss000001", "10.224.0.5", CLUSTER),
        )
    taken = await world.node("w-2")
    assert taken["metadata"]["labels"].items() >= {"agentpool": "a", "tier": "web"}.items()
    assert own_taints(taken) == [{"key": "sku", "value": "gpu", "effect": "NoSchedule"}]
    assert own_taints(await world.node("w-10")) == [FREE]


async def test_too_few_free_machines_take_none(world: World) -> None:
    await world.worker("w-1")
    await world.worker("w-2", ready=False)
    async with world.compute() as compute:
        with pytest.raises(CapacityError) as refused:
            await compute.apply(CLUSTER, [pool("a", 2)])
        assert refused.value.free == 1
        assert (compute.free(), compute.placements()) == (1, ())


async def test_a_second_cluster_finds_none_free(world: World) -> None:
    await world.worker("w-1")
    await world.worker("w-2")
    async with world.compute() as compute:
        await compute.apply(CLUSTER, [pool("a", 1)])
        with pytest.raises(CapacityError) as refused:
            await compute.apply(OTHER, [pool("a", 1)])
        assert refused.value.free == 0
        await compute.apply(CLUSTER.upper(), [pool("a", 2)])  # ARM ids have no case
        await compute.release(OTHER)
        assert len(compute.placements()) == 2


async def test_a_pools_change_reaches_its_nodes_and_leaves_what_others_set(world: World) -> None:
    await world.worker("w-1", labels={"theirs": "1"})
    async with world.compute() as compute:
        await compute.apply(CLUSTER, [pool("a", 1, {"old": "1"}, ["old=1:NoSchedule"])])
        await compute.apply(CLUSTER, [pool("a", 1, {"new": "1"}, ["new=1:PreferNoSchedule"])])
        node = await world.node("w-1")
        assert node["metadata"]["labels"] == {"agentpool": "a", "new": "1", "theirs": "1"}
        assert own_taints(node) == [{"key": "new", "value": "1", "effect": "PreferNoSchedule"}]
        await compute.apply(CLUSTER, [pool("a", 1, {"new": "1"}, ["new=1:PreferNoSchedule"])])
        again = await world.node("w-1")
        assert again["metadata"]["resourceVersion"] == node["metadata"]["resourceVersion"], (
            "nothing to do, nothing written"
        )


async def test_scaling_down_drains_the_newest_and_gives_it_back(world: World) -> None:
    for name in ("w-1", "w-2"):
        await world.worker(name)
    async with world.compute() as compute, world.kubelet():
        await compute.apply(CLUSTER, [pool("a", 2, {"tier": "web"})])
        await world.pod("stays", "w-1")
        await world.pod("goes", "w-2")
        # of a group that no controller knows: a garbage collector, where there is one, cannot miss the owner
        daemon = [{"apiVersion": "none.test/v1", "kind": "DaemonSet", "name": "d", "uid": "u", "controller": True}]
        await world.pod("daemon", "w-2", ownerReferences=daemon)
        await compute.apply(CLUSTER, [pool("a", 1, {"tier": "web"})])
        assert {p["metadata"]["name"] for p in await world.pods()} == {"stays", "daemon"}
        assert (compute.free(), len(compute.placements())) == (1, 1)
        node = await world.node("w-2")
        assert own_taints(node) == [FREE]
        assert not node["spec"].get("unschedulable")
        assert node["metadata"].get("labels", {}) == {}
        assert not [key for key in node["metadata"].get("annotations", {}) if key.startswith(nodes.PREFIX)]


async def test_what_a_budget_holds_back_is_deleted_at_the_deadline(world: World) -> None:
    await world.worker("w-1")
    await world.pod("guarded", "w-1", labels={"app": "guarded"})
    path = f"/apis/policy/v1/namespaces/{world.namespace}/poddisruptionbudgets"
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "guarded"}}}
    body = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": spec}
    await world.kube.request("POST", path, body)
    status = {
        "observedGeneration": 1,
        "disruptionsAllowed": 0,
        "currentHealthy": 1,
        "desiredHealthy": 1,
        "expectedPods": 1,
    }
    await world.patch(f"{path}/b/status", {"status": status})
    async with world.compute() as compute, world.kubelet():
        await compute.apply(CLUSTER, [pool("a", 1)])
        leaving = asyncio.create_task(compute.release(CLUSTER))
        loop = asyncio.get_running_loop()
        began = loop.time()
        await leaving
        assert loop.time() - began >= PATIENCE, "the budget was honoured until then"
        assert await world.pods() == []
        assert compute.free() == 1


async def test_a_pod_that_never_ends_is_deleted_at_the_deadline(world: World) -> None:
    await world.worker("w-1")
    await world.pod("stuck", "w-1")  # no kubelet: nobody ends it
    async with world.compute() as compute:
        await compute.apply(CLUSTER, [pool("a", 1)])
        await compute.release(CLUSTER)
        assert await world.pods() == []
        assert compute.free() == 1


class Killed(BaseException):
    """As kill -9: nothing of the process goes on."""


async def test_a_kill_before_or_after_any_request_changes_nothing_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("w-1", "w-2", "w-3"):
        await world.worker(name)
    request = Kube.request
    left = 0

    async def counted(self: Kube, method: str, path: str, *args: Any, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        answer = await request(self, method, path, *args, **more)
        left -= 1
        if left == 0:
            raise Killed
        return answer

    async def killed(after: int, pools: Sequence[Pool]) -> bool:
        """Whether applying `pools` was killed after `after` half requests."""
        nonlocal left
        async with world.compute() as compute:
            with monkeypatch.context() as patched:
                left = after
                patched.setattr(Kube, "request", counted)
                try:
                    await compute.apply(CLUSTER, pools)
                except (Killed, BaseExceptionGroup):
                    return True
        return False

    first = [pool("a", 2, {"v": "1"}, ["v=1:NoSchedule"])]
    second = [pool("a", 1, {"v": "2"}), pool("b", 1)]
    reached = 0
    while await killed(reached + 1, second):
        reached += 1
        async with world.compute() as compute:
            await compute.apply(CLUSTER, second)
            assert [(p.node, p.machine) for p in compute.placements()] == [
                ("w-1", "aks-a-vmss000000"),
                ("w-2", "aks-b-vmss000000"),
            ], f"killed at {reached}"
            assert compute.free() == 1
            for name, wanted in (("w-1", {"agentpool": "a", "v": "2"}), ("w-2", {"agentpool": "b"}), ("w-3", {})):
                node = await world.node(name)
                assert node["metadata"].get("labels", {}) == wanted
                assert own_taints(node) == ([] if wanted else [FREE])
                assert not node["spec"].get("unschedulable")
            await compute.apply(CLUSTER, first)
    assert reached > 10, "the kill struck at many places"


async def test_what_others_do_to_nodes_is_noticed(world: World) -> None:
    async with world.compute() as compute:
        await world.worker("w-1")
        await world.worker("w-2")
        await until(lambda: compute.free() == 2)
        await compute.apply(CLUSTER, [pool("a", 1)])
        told = asyncio.Event()
        compute.on_change(told.set)
        await world.kube.request("DELETE", "/api/v1/nodes/w-1")
        await asyncio.wait_for(told.wait(), 20)
        assert compute.placements() == ()
        await compute.apply(CLUSTER, [pool("a", 1)])
        assert [p.node for p in compute.placements()] == ["w-2"], "a machine whose node is gone gets another"


async def test_machines_of_clusters_that_nobody_knows_are_reclaimed(world: World) -> None:
    await world.worker("w-1")
    async with world.compute() as compute:
        await compute.apply(CLUSTER, [pool("a", 1)])
        await compute.reclaim([CLUSTER.upper()])
        assert compute.free() == 0
        await compute.reclaim([])
        assert (compute.free(), compute.owner()) == (1, None)


@pytest.mark.parametrize(("admin", "account"), [(True, ADMIN), (False, USER)])
async def test_a_kubeconfig_is_whole_and_its_token_is_the_accounts(world: World, admin: bool, account: str) -> None:
    async with world.compute(api_server=world.kube.host) as compute:
        config = yaml.safe_load(await compute.kubeconfig(CLUSTER, admin=admin))
    assert config["current-context"] == ("shop-admin" if admin else "shop")
    tried = await connect(config, world)
    try:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        who = await tried.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
        assert who["status"]["userInfo"]["username"] == f"system:serviceaccount:{world.namespace}:{account}"
        with pytest.raises(KubeError) as refused:  # no role was bound to it here
            await tried.request("GET", "/api/v1/nodes")
        assert refused.value.status == 403
    finally:
        await tried.close()


async def connect(config: dict[str, Any], world: World) -> Kube:
    """A client by a kubeconfig that is not in a file."""
    from kubernetes.aio import config as kube_config
    from kubernetes.aio.client.configuration import Configuration

    configuration = Configuration()
    await kube_config.load_kube_config_from_dict(config, client_configuration=configuration)
    return Kube(configuration)


async def test_the_api_server_is_the_control_planes_address(world: World) -> None:
    await world.worker("control-plane", labels={"node-role.kubernetes.io/control-plane": ""})
    async with world.compute() as compute:
        config = yaml.safe_load(await compute.kubeconfig(CLUSTER, admin=True))
    assert config["clusters"][0]["cluster"]["server"] == "https://10.9.0.13:6443"
