"""ManagedCluster: the platform-managed control plane."""

from base64 import b64encode
from collections.abc import Iterable
from typing import Any, Final

from aks_operator.accounts import Account
from aks_operator.conditions import Condition
from aks_operator.desired.cluster import CLUSTERS, cluster, profile
from aks_operator.keys import Key
from aks_operator.kinds.base import (
    World,
    applied_tags,
    azure_name,
    blocked,
    check_pinned,
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
from aks_operator.port import Body
from aks_operator.session import Operation

_UNBUILT: Final = (
    ("network.subnet_ref", "network.subnetRef"),
    ("maintenance", "maintenance"),
    ("logs", "logs"),
)


class ManagedClusterReconciler:
    """See engine.Reconciler."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def reconcile(self, key: Key, obj: Any) -> Outcome:
        """See engine.Reconciler."""
        world, spec = self._world, obj.spec
        deleting = obj.metadata.deletion_timestamp is not None
        if deleting:
            at_once = goes_at_once(obj)
            if users := self._exposures(key, served=at_once):
                return blocked(users, "applications are exposed through it: delete", " first")
            if at_once:
                return await world.release(key, obj)
        account = world.accounts.resolve(key.namespace, spec.account_ref, leaving=deleting)
        id_ = world.resource(account, spec.resource_group, CLUSTERS, azure_name(obj))
        account.session.resume(stored_operations(obj), [id_])
        if deleting:
            return await self._delete(key, obj, account, id_)
        check_supported(obj)
        _check_built(spec)
        pinned = is_pinned(obj, id_)
        world.groups.check_fence(account, spec.resource_group)
        if spec.node_resource_group is not None and not pinned:  # AKS makes it: it could be taken from somebody else
            world.groups.check_fence(account, spec.node_resource_group, "nodeResourceGroup")
        if pinned:
            await world.groups.ensure(account, spec.resource_group, spec.location)
        async with account.session.lock(id_):  # a pool that is made with us and deleted meanwhile waits
            observed = await account.session.observer.one(id_)
            pools = []
            if observed is None and not account.session.under_way(id_):
                first, pool = self._first_pool(key)
                if pinned and nothing_made(pool):  # it is made with us: first it says so
                    return Outcome([_before_its_pool(first, pool)], again_after=world.settings.poll_interval_seconds)
                pools = [profile(azure_name(pool), pool.spec, mark=world.marks.value(first))]
            mark = world.marks.value(key)
            desired = cluster(id_, spec, azure_name=azure_name(obj), mark=mark, pools=pools, observed=observed)
            turn = await account.session.converge(desired, applied_tags=known_tags(obj), pinned=pinned)
        ready = progress(turn)
        body = turn.body if turn.looked else observed
        if ready.status == "True" and spec.kubeconfig_secret is not None:
            await self._write_kubeconfig(key, obj, account, id_)
        status = {**_facts(body), "appliedTags": applied_tags(obj, turn), "nodes": self._nodes(key)}
        status |= {"id": id_, "resources": [resource_status(id_, CLUSTERS, ready)], "deletion": None}
        watched = turn.done and spec.kubeconfig_secret is None  # nobody tells of a Secret that is gone
        return Outcome([ready], status, again_after=turn.again_after, resources=[id_], watched=watched)

    def operations(self, key: Key, obj: Any, resources: Iterable[str]) -> Iterable[Operation]:
        """See engine.Reconciler."""
        return self._world.operations(self._world.open_account(key, obj), resources)

    def _exposures(self, key: Key, *, served: bool) -> list[Key]:
        """Who is exposed through the cluster; with `served` only whose things the cluster is needed to take away."""
        users = self._world.users(key, "ServiceExposure")
        return [user for user in users if self._needs(user)] if served else users

    def _needs(self, exposure: Key) -> bool:
        body = self._world.cache.get(exposure) or {}
        made = (body.get("status") or {}).get("resources")
        return bool(made and (body.get("spec") or {}).get("deletionPolicy") != "Orphan")

    def _first_pool(self, key: Key) -> tuple[Key, Any]:
        """The one pool that the cluster's creation carries: the oldest System pool, then by name. Raises Hold."""
        if (found := first_pool(self._world, key)) is not None:
            return found
        raise Hold(
            "WaitingForSystemPool",
            "a cluster is created together with a System pool: create a NodePool with mode System and this clusterRef",
        )

    def _nodes(self, key: Key) -> dict[str, Any]:
        """Nodes of all pools: how many are ready, how many are wanted."""
        pools = [self._world.cache.get(user) or {} for user in self._world.users(key, "NodePool")]
        known = [
            (pool.get("status") or {}).get("nodes") or {} for pool in pools
        ]  # hundreds: they are not parsed for it
        return node_counts(sum(int(n.get("ready") or 0) for n in known), sum(int(n.get("wanted") or 0) for n in known))

    async def _write_kubeconfig(self, key: Key, obj: Any, account: Account, id_: str) -> None:
        """Write the Secret once; a foreign Secret of that name is left alone."""
        name = obj.spec.kubeconfig_secret.name
        path = f"/api/v1/namespaces/{key.namespace}/secrets"
        found = await self._world.kube.get(f"{path}/{name}")
        owner = {
            "apiVersion": "aks-operator.io/v1alpha1",
            "kind": "ManagedCluster",
            "name": key.name,
            "uid": obj.metadata.uid,
        }
        if found is not None:
            if all(ref.get("uid") != obj.metadata.uid for ref in found["metadata"].get("ownerReferences") or ()):
                raise Hold(
                    "AlreadyExists",
                    f"Secret {name} exists and is not ours: choose another kubeconfigSecret, or delete it",
                )
            return
        config = await self._world.tenants.kubeconfig(account.session.cloud, id_)
        data = {"kubeconfig": b64encode(config).decode()}
        meta = {"name": name, "namespace": key.namespace, "ownerReferences": [owner]}
        await self._world.kube.create(path, {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})

    async def _delete(self, key: Key, obj: Any, account: Account, id_: str) -> Outcome:
        check_pinned(obj, id_)
        turn = await account.session.remove(id_, CLUSTERS, self._world.marks.value(key))
        if turn.done:
            await self._world.tenants.forget(id_)
            turn = await self._world.groups.leave(key, account, obj.spec.resource_group)
        if turn.done:
            return RELEASE
        status = {"provisioningState": provisioning(turn.body) or "Deleting", "deletion": None}
        return Outcome([progress(turn, deleting=True)], status, again_after=turn.again_after, resources=[id_])


def _before_its_pool(first: Key, pool: Any) -> Condition:
    """What a cluster says that waits for the pool it is created with: that may be one which cannot be made."""
    known = (pool.status.conditions if pool.status is not None else None) or ()
    for condition in known:
        if condition.type == "Stalled" and condition.observed_generation == pool.metadata.generation:
            message = f"it is created together with NodePool {first.name}, which cannot be: {condition.message}"
            return Condition("Ready", "False", "WaitingForSystemPool", message)
    return Condition("Ready", "False", "Creating", f"NodePool {first.name} is about to be created")


def _facts(body: Body | None) -> dict[str, Any]:
    """What Azure says of the cluster."""
    if body is None:
        return {}
    properties = body.get("properties") or {}
    return {
        "provisioningState": provisioning(body),
        "kubernetesVersion": properties.get("currentKubernetesVersion") or properties.get("kubernetesVersion"),
        "powerState": (properties.get("powerState") or {}).get("code"),
        "fqdn": properties.get("fqdn"),
        "nodeResourceGroup": properties.get("nodeResourceGroup"),
        "oidcIssuerURL": (properties.get("oidcIssuerProfile") or {}).get("issuerURL"),
    }


def _check_built(spec: Any) -> None:
    """Raises Hold for fields that this version carries and does not act upon."""
    unbuilt = [wire for path, wire in _UNBUILT if _value(spec, path) is not None]
    choices = {
        "power Stopped": spec.power == "Stopped",
        "applicationRouting": spec.application_routing is not None and spec.application_routing.state == "Enabled",
        "apiServer.visibility Private": spec.api_server.visibility == "Private",
        "identity UserAssigned": spec.identity.type == "UserAssigned",
        "workloadIdentity": spec.workload_identity == "Enabled",
        "access.entra": spec.access.entra == "Enabled",
        "network.egress UserDefinedRouting": spec.network.egress == "UserDefinedRouting",
    }
    unbuilt += [name for name, wanted in choices.items() if wanted]
    if unbuilt:
        raise Hold("NotSupported", f"{', '.join(unbuilt)}: not built yet. Take it out of the spec")


def _value(spec: Any, path: str) -> Any:
    for part in path.split("."):
        spec = getattr(spec, part, None)
    return spec
