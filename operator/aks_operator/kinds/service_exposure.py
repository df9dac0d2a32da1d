"""ServiceExposure: how an application is reached. It asks of shared documents, and reads how they stand."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aks_operator.conditions import Condition, summarise
from aks_operator.desired.balancer import BalancerShare, frontend_name
from aks_operator.documents.reconciler import entries_of
from aks_operator.documents.shares import is_wish
from aks_operator.keys import Key
from aks_operator.kinds.base import Cluster, World, check_protected, check_supported, known_tags, stored_operations
from aks_operator.kinds.exposures import addresses, backend, leaving, lines, status
from aks_operator.kinds.exposures.asking import Asking
from aks_operator.kinds.exposures.backend import Backend
from aks_operator.kinds.exposures.health import Health, settling
from aks_operator.kinds.exposures.nodes import node_addresses
from aks_operator.kinds.exposures.places import SERVICES, Places, own_service, places_of
from aks_operator.kinds.exposures.types import TYPES
from aks_operator.outcome import RELEASE, Hold, Outcome
from aks_operator.session import Operation

FOUND: Final = frozenset({"addresses", "url", "backends", "capacity", "shadowedBy"})
"""What of a status is read out of documents."""


class ServiceExposureReconciler:
    """See engine.Reconciler."""

    def __init__(self, world: World, clock: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._health = Health(clock)

    async def reconcile(self, key: Key, obj: Any) -> Outcome:
        """See engine.Reconciler."""
        world, spec = self._world, obj.spec
        if obj.metadata.deletion_timestamp is not None:
            return await self._delete(key, obj)
        check_supported(obj)
        if spec.type not in TYPES:
            raise Hold("NotSupported", f"type {spec.type} is not built yet: use {', '.join(TYPES)}")
        cluster = world.cluster_of(key, spec.cluster_ref)
        if cluster.deleting:
            raise Hold(
                "WaitingForCluster",
                f"ManagedCluster {cluster.key.name} is being deleted: delete what is exposed through it, too",
            )
        if not cluster.exists:
            raise Hold("WaitingForCluster", f"ManagedCluster {cluster.key.name} is not there yet")
        cluster = await world.look_at(cluster)
        if not (cluster.ours and cluster.node_group):
            raise Hold("WaitingForCluster", f"ManagedCluster {cluster.key.name} is not in Azure, or not ours there")
        self._resume(obj, cluster)
        places = await places_of(world, key, spec, cluster)
        former = await leaving.let_go(world, key, obj, cluster, places)
        id_ = places.balancer or cluster.id
        known = {line.id.casefold() for line in (obj.status.resources if obj.status else None) or ()}
        pinned = obj.status is not None and obj.status.id == id_
        if not pinned or any(line[0].casefold() not in known for line in places.lines()):
            # written down before anything is asked for
            reason, message = ("Updating", "about to be changed") if known else ("Creating", "about to be created")
            return Outcome(
                [Condition("Ready", "False", reason, message)],
                {"id": id_, "resources": [*status.resource_lines(places, {}), *former]},
                again_after=0.0,
            )
        return await self._turn(key, obj, cluster, places, former)

    async def _turn(
        self, key: Key, obj: Any, cluster: Cluster, places: Places, former: list[dict[str, Any]]
    ) -> Outcome:
        """Make the Service, ask the documents, and say how all stands."""
        world, spec = self._world, obj.spec
        made = backend.NOTHING
        nodes: tuple[str, ...] = ()
        given, ip = await addresses.read(cluster, places)
        try:
            made = await backend.ensure(world, key, spec, cluster, places)
            ready = Condition("BackendReady", "True", "Succeeded")
            if places.traits.rules:
                nodes = await node_addresses(world, key, spec, cluster)
            asking = Asking(world, key, obj, cluster, places, made, nodes)
            asking.address()
            ip = ip or status.address_of(self._result(key, cluster, places, places.address))
            await asking.balancer((places.address or places.brought) if ip else None)
            asking.rules()
            if not _of_same_name(places, former):  # a name has a CNAME or addresses, never both
                asking.record(self._addresses(key, cluster, places, made, nodes, ip))
            asking.look()
        except Hold as hold:  # what is there stays: unknown node ports are no reason to take rules away
            ready = Condition("BackendReady", "False", hold.reason, str(hold))
        healthy = await self._healthy(key, obj, cluster, places)
        return self._outcome(key, obj, cluster, places, made, nodes, ip, (ready, given), healthy, former)

    async def _healthy(self, key: Key, obj: Any, cluster: Cluster, places: Places) -> int | None:
        """How many nodes answer the balancer's probes, None where it is not known."""
        share, result = self._share(key, cluster, places), self._result(key, cluster, places, places.balancer)
        if share is None or result is None or result.body is None or not result.settled:
            before = obj.status.backends
            return before.healthy if before is not None and share is not None else None
        entries = entries_of(result, status.ASKED_LISTS, key, self._world.marks)
        probe, known = obj.spec.health_probe, obj.status.backends
        return await self._health.healthy(
            key,
            cluster.account.session.cloud,
            [f"{places.balancer}/loadBalancingRules/{entry}" for entry in entries],
            (share.ports, share.addresses, share.probe, share.health_port, share.frontend),
            known.healthy if known is not None and known.total == len(share.addresses) else None,
            settling(probe.interval_seconds, probe.unhealthy_threshold),
        )

    def operations(self, key: Key, obj: Any, resources: Iterable[str]) -> Iterable[Operation]:
        """See engine.Reconciler. What is under way on the cluster itself is not ours."""
        account = self._world.open_account(key, obj)
        ours = [id_ for id_ in resources if "/managedclusters/" not in id_.casefold()]
        return self._world.operations(account, ours, below=True)

    def _resume(self, obj: Any, cluster: Cluster) -> None:
        ids = [line.id for line, _ in lines.documents(lines.believed(self._world, obj, cluster))]
        cluster.account.session.resume(stored_operations(obj), ids)

    def _result(self, key: Key, cluster: Cluster, places: Places, id_: str | None) -> Any:
        return None if id_ is None else self._world.shares.result_for(places.document(id_, cluster), key)

    def _results(
        self, key: Key, cluster: Cluster, places: Places, conditions: Mapping[str, Condition]
    ) -> dict[str, Any]:
        """How the documents stand, by id. What was there in the present generation goes on while others change theirs."""
        shares = self._world.shares
        there = {id_ for id_, _, part in places.lines() if part in conditions and conditions[part].status == "True"}
        return {
            id_: (shares.standing_for if id_ in there else shares.result_for)(places.document(id_, cluster), key)
            for id_ in places.documents()
        }

    def _addresses(
        self, key: Key, cluster: Cluster, places: Places, made: Backend, nodes: tuple[str, ...], ip: str | None
    ) -> tuple[str, ...]:
        """The addresses that the exposure is reached at, as far as they are known."""
        if places.traits.service == "ExternalName":
            return ()
        if places.traits.service == "ClusterIP":
            return (made.cluster_ip,) if made.cluster_ip else ()
        if not places.traits.balancer:
            return nodes
        share = self._share(key, cluster, places)
        if share is not None and share.internal:
            name = frontend_name(key, share, self._world.marks)
            ip = status.private_address_of(self._result(key, cluster, places, places.balancer), name)
        return (ip,) if ip else ()

    def _share(self, key: Key, cluster: Cluster, places: Places) -> BalancerShare | None:
        """What was asked of the balancer last, None when nothing was."""
        if places.balancer is None:
            return None
        share = self._world.shares.of(places.document(places.balancer, cluster)).get(key)
        return share if share is not None and is_wish(share) else None

    def _outcome(
        self,
        key: Key,
        obj: Any,
        cluster: Cluster,
        places: Places,
        made: Backend,
        nodes: tuple[str, ...],
        ip: str | None,
        known: tuple[Condition, Condition | None],
        healthy: int | None,
        former: list[dict[str, Any]],
    ) -> Outcome:
        """The status, out of how the documents stand."""
        ready, brought = known
        served, conditions = self._world.shares.was_served, status.known_conditions(obj)
        results = self._results(key, cluster, places, conditions)
        new = [id_ for id_ in results if not served(places.document(id_, cluster), key)]
        stand = status.Stand(key, self._world.marks, places, results, brought, dict.fromkeys(new, conditions))
        shadowed = stand.shadowed_by()
        parts = stand.conditions(ready, made.ports, shadowed)
        found = self._addresses(key, cluster, places, made, nodes, ip)
        host = places.host or _inner_host(places, obj.spec)
        by_node_port = places.traits.rules and not places.traits.balancer
        share = self._share(key, cluster, places)
        total = status.balanced(key, results.get(places.balancer or ""), self._world.marks)
        if total is None:
            total = len(share.addresses) if share is not None else len(nodes)
        tags = set(obj.spec.tags or {})
        address = next((part for part in parts if part.type == "AddressReady"), None)
        tagged = address is None or address.status == "True"
        said = {
            "id": places.balancer or cluster.id,
            "appliedTags": sorted(tags if tagged else tags | set(known_tags(obj))),
            "addresses": list(found[: status.MOST_ADDRESSES]) or None,
            "fqdn": host,
            "url": status.url_of(host or next(iter(found), None), made.ports, by_node_port=by_node_port),
            "ports": status.port_lines(made.ports),
            "backends": status.backend_counts(total, healthy) if places.traits.rules else None,
            "capacity": stand.capacity(),
            "shadowedBy": shadowed or None,
            "resources": [*stand.lines(parts), *former],
            "deletion": None,
        }
        if conditions and new:  # what was found before stays
            said = {name: value for name, value in said.items() if name not in FOUND}
        again = self._health.wait(key) if places.balancer is not None else None
        return Outcome([summarise(parts), *parts], said, again_after=again, resources=places.documents())

    async def _delete(self, key: Key, obj: Any) -> Outcome:
        """Our entries leave every document; when they are seen gone, our Service goes, and the object with it."""
        world = self._world
        written = list((obj.status.resources if obj.status else None) or ())
        used = [line.id for line in written if line.type != SERVICES]
        if not written:
            return self._released(key)
        check_protected(obj)
        if obj.spec.deletion_policy == "Orphan":
            pending = leaving.leave_orphaned(world, key, obj)
            if not pending:
                return self._released(key)
            shared = ", ".join(document.name.rsplit("/", 1)[-1] for document in pending)
            message = f"left in Azure: being noted on {shared}"
            return Outcome([Condition("Ready", "False", "Deleting", message)], again_after=1.0, resources=used)
        cluster_key = Key("ManagedCluster", obj.spec.cluster_ref.namespace or key.namespace, obj.spec.cluster_ref.name)
        if world.cache.get(cluster_key) is None:
            raise Hold(
                "WaitingForCluster",
                f"ManagedCluster {cluster_key.name} is needed to clean up, and was removed by force: create it again, or set deletionPolicy Orphan to leave what is in Azure",
            )
        cluster = await world.look_at(world.cluster_of(key, obj.spec.cluster_ref, leaving=True))
        self._resume(obj, cluster)
        known = lines.believed(world, obj, cluster)
        pending = leaving.leave_documents(world, key, obj, known)
        if pending:
            names = [document.name.rsplit("/", 1)[-1] for document in pending]
            reason, message = "Deleting", f"being taken out of {', '.join(names)}"
            for name, document in zip(names, pending, strict=True):
                result = world.shares.result(document)
                if result is not None and result.reason:  # what stands in the way says more
                    reason, message = result.reason, f"not taken out of {name}: {result.message}"
            again = 2.0 if reason == "Deleting" else 15.0
            return Outcome([Condition("Ready", "False", reason, message)], again_after=again, resources=used)
        services = {line.id for line in known if line.account is None}
        if obj.spec.type in TYPES and (own := own_service(key, obj.spec)):
            services.add(own)  # a status from before Services were written down in it
        if not await leaving.remove_services(world, key, obj, cluster, sorted(services)):
            message = "our Service in the managed cluster cannot be removed; annotate aks-operator.io/skip-in-cluster-cleanup=true to leave it"
            return Outcome([Condition("Ready", "False", "ClusterUnreachable", message)], again_after=15.0)
        return self._released(key)

    def _released(self, key: Key) -> Outcome:
        self._world.shares.forget(key)
        self._health.forget(key)
        return RELEASE


def _inner_host(places: Places, spec: Any) -> str | None:
    """The name by which pods of the cluster reach it, None for what is reached from outside."""
    if places.traits.rules:
        return None
    name = places.service.rpartition("/")[2] if places.service else spec.backend.service_name
    return f"{name}.{spec.backend.namespace}.svc.cluster.local"


def _of_same_name(places: Places, former: list[dict[str, Any]]) -> bool:
    """Whether a record of ours of another type still has the name of the record to be made."""
    if places.record is None:
        return False
    zone, _, name = places.record.casefold().rsplit("/", 2)
    others = [str(line["id"]).casefold().rsplit("/", 2) for line in former]
    return any(other[0] == zone and other[-1] == name for other in others)
