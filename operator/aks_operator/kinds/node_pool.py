"""NodePool: nodes of one configuration, scaled and upgraded as one."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from aks_operator.api.common import NodeCounts
from aks_operator.conditions import Condition
from aks_operator.desired.cluster import MACHINES, POOLS, pool
from aks_operator.keys import Key
from aks_operator.kinds.base import (
    Cluster,
    World,
    applied_tags,
    azure_name,
    check_supported,
    first_pool,
    goes_at_once,
    is_pinned,
    known_tags,
    node_counts,
    nothing_made,
    progress,
    provisioning,
    resource_status,
    stored_operations,
)
from aks_operator.outcome import RELEASE, Hold, Outcome
from aks_operator.pace import Ration
from aks_operator.plan import settled
from aks_operator.port import Body
from aks_operator.session import Operation


class NodePoolReconciler:
    """See engine.Reconciler."""

    def __init__(self, world: World, clock: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._looks = Ration(world.settings.drift_interval_seconds, clock)

    async def reconcile(self, key: Key, obj: Any) -> Outcome:
        """See engine.Reconciler."""
        world, spec = self._world, obj.spec
        deleting = obj.metadata.deletion_timestamp is not None
        if deleting and goes_at_once(obj):
            return RELEASE
        cluster_key = Key("ManagedCluster", spec.cluster_ref.namespace or key.namespace, spec.cluster_ref.name)
        if deleting and world.cache.get(cluster_key) is None:
            return RELEASE  # it went with its cluster
        cluster = world.cluster_of(key, spec.cluster_ref, leaving=deleting)
        session = cluster.account.session
        id_ = f"{cluster.id}/agentPools/{azure_name(obj)}"
        session.resume(stored_operations(obj), [id_])
        if deleting:
            return await self._delete(key, obj, cluster, id_)
        check_supported(obj)
        if spec.replace_policy == "Rotate":
            raise Hold("NotSupported", "replacePolicy Rotate is not built yet: use Never")
        if cluster.deleting:
            raise Hold("WaitingForCluster", f"ManagedCluster {cluster.key.name} is being deleted")
        pinned = is_pinned(obj, id_)
        if not cluster.exists:
            return self._before(key, cluster, id_, "is not there yet")
        if not (await world.look_at(cluster)).ours:
            return self._before(key, cluster, id_, "is not in Azure, or not ours there")
        observed = await session.observer.one(id_)
        version = cluster.obj.status.kubernetes_version or cluster.obj.spec.kubernetes_version
        floor = cluster.obj.spec.auto_upgrade != "None"
        desired = pool(id_, spec, mark=world.marks.value(key), version=version, observed=observed, floor=floor)
        turn = await session.converge(desired, applied_tags=known_tags(obj), pinned=pinned)
        if not turn.done:
            session.observer.stale(MACHINES, id_)
        ready = progress(turn)
        body = turn.body if turn.looked else observed
        known = obj.status.nodes if obj.status is not None and turn.done else None
        status = {**await self._facts(cluster, id_, body, known), "id": id_, "deletion": None}
        status |= {"appliedTags": applied_tags(obj, turn), "resources": [resource_status(id_, POOLS, ready)]}
        status["selector"] = f"kubernetes.azure.com/agentpool={azure_name(obj)}"
        again_after = turn.again_after
        if again_after is None and status.get("nodes", {}).get("ready") != status.get("nodes", {}).get("wanted"):
            again_after = world.settings.poll_interval_seconds
        return Outcome([ready], status, again_after=again_after, resources=[id_], watched=turn.done)

    def _before(self, key: Key, cluster: Cluster, id_: str, why: str) -> Outcome:
        """The outcome while there is no cluster. The pool that is made with it is pinned with it, all others are free."""
        waits = Condition("Ready", "False", "WaitingForCluster", f"ManagedCluster {cluster.key.name} {why}")
        if nothing_made(cluster.obj):
            return Outcome([waits], {"id": None})
        first = first_pool(self._world, cluster.key)
        return Outcome([waits], {"id": id_} if first is not None and first[0] == key else {})

    def operations(self, key: Key, obj: Any, resources: Iterable[str]) -> Iterable[Operation]:
        """See engine.Reconciler."""
        return self._world.operations(self._world.open_account(key, obj), resources)

    async def _facts(self, cluster: Cluster, id_: str, body: Body | None, known: NodeCounts | None) -> dict[str, Any]:
        """What Azure says of the pool and its machines. `known` are the nodes of a pool at rest, as last counted."""
        if body is None:
            return {}
        properties = body.get("properties") or {}
        count = int(properties.get("count") or 0)
        observer = cluster.account.session.observer
        if is_whole(known, count) and not self._looks.take():
            ready = count
        else:
            ready = sum(1 for machine in await observer.all(MACHINES, id_) if settled(machine))
            if ready != count:  # the list may be older than the machines
                ready = sum(1 for machine in await observer.all(MACHINES, id_, fresh=True) if settled(machine))
        return {
            "provisioningState": provisioning(body),
            "replicas": count,
            "nodes": node_counts(min(ready, count), count),
            "kubernetesVersion": properties.get("currentOrchestratorVersion") or properties.get("orchestratorVersion"),
        }

    async def _delete(self, key: Key, obj: Any, cluster: Cluster, id_: str) -> Outcome:
        world = self._world
        if cluster.deleting:
            if nothing_made(cluster.obj) or cluster.obj.spec.deletion_policy == "Orphan":
                return RELEASE  # nothing of it is there, or it stays with its cluster
            return Outcome([Condition("Ready", "False", "Deleting", f"it goes with ManagedCluster {cluster.key.name}")])
        if obj.spec.mode == "System" and cluster.exists and not self._other_system_pool(key, cluster.key):
            message = "it is the last System pool, without which AKS runs no cluster: create another System pool, or delete the ManagedCluster"
            return Outcome(
                [Condition("Ready", "False", "Blocked", message)], {"deletion": {"blockedBy": [str(cluster.key)]}}
            )
        session = cluster.account.session
        async with session.lock(cluster.id):  # a cluster that is being made may just have been asked for with it
            turn = await session.remove(id_, POOLS, world.marks.value(key))
        if turn.done:
            return RELEASE
        return Outcome(
            [progress(turn, deleting=True)],
            {"provisioningState": "Deleting"},
            again_after=turn.again_after,
            resources=[id_],
        )

    def _other_system_pool(self, key: Key, cluster: Key) -> bool:
        for other in self._world.users(cluster, "NodePool"):
            found = self._world.parsed(other)
            if (
                found is not None
                and other != key
                and found.spec.mode == "System"
                and found.metadata.deletion_timestamp is None
                and found.status
                and found.status.replicas
            ):
                return True
        return False


def is_whole(known: NodeCounts | None, count: int) -> bool:
    """Whether a pool's nodes were all there when they were counted last, and are as many still.

    Azure lists machines of one pool only: a thousand pools would ask a thousand times in every drift interval. So those
    that are whole share a ration of looks.
    """
    return known is not None and known.ready == known.wanted == count
