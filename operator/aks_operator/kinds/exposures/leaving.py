"""How an exposure lets go: of what it does not need any more, and of everything when it is deleted."""

from collections.abc import Iterable
from typing import Any, Final

from aks_operator.armid import same
from aks_operator.desired.exposure import PUBLIC_IPS
from aks_operator.desired.zone import ZONES
from aks_operator.documents.keeping import keepers_of
from aks_operator.documents.reconciler import entries_of
from aks_operator.documents.shares import DROP, ORPHAN, is_wish
from aks_operator.keys import Key
from aks_operator.kinds.base import Cluster, World
from aks_operator.kinds.exposures import backend
from aks_operator.kinds.exposures.lines import Line, believed, documents
from aks_operator.kinds.exposures.places import Places
from aks_operator.marks import mark_of, owner_hash
from aks_operator.outcome import Hold
from aks_operator.port import NotFound
from aks_operator.tenants import label_of

BALANCER_LISTS: Final = ("loadBalancingRules", "probes", "backendAddressPools", "frontendIPConfigurations")
"""Lists whose entries serve one exposure; a public frontend serves all who share its address."""
RULE_LISTS: Final = ("securityRules",)


def farewell(obj: Any, type_: str) -> Any:
    """What an exposure says to a document that it does not need any more."""
    address = obj.spec.public_ip
    orphan = type_ == PUBLIC_IPS and address is not None and address.deletion_policy == "Orphan"
    return ORPHAN if orphan else DROP


def has_left(world: World, key: Key, document: Key) -> bool:
    """Whether the document has been seen without our entries since we asked for that."""
    result = world.shares.result_for(document, key)
    if result is None or result.reason or not result.settled:
        return False
    type_ = document.kind.removeprefix("document:")
    ours = world.marks.is_mark(mark_of(result.body or {}, type_))
    if document.kind.endswith("networksecuritygroups"):  # AKS's own: it has no mark of ours
        return not entries_of(result, RULE_LISTS, key, world.marks)
    if document.kind.endswith("loadbalancers"):
        return not ours or not entries_of(result, BALANCER_LISTS, key, world.marks)
    shares = world.shares.of(document)
    others = [share for owner, share in shares.items() if owner != key and is_wish(share)]
    kept = set(keepers_of(result.body, type_)) - {owner_hash(key)} or any(s is ORPHAN for s in shares.values())
    return not ours or bool(others) or bool(kept)


async def let_go(world: World, key: Key, obj: Any, cluster: Cluster, places: Places) -> list[dict[str, Any]]:
    """What the object used before and does not need now is told so: another record, another address, another type's parts.

    Returns their lines of status.resources: they stay until our entries have been seen gone.
    """
    now = [id_ for id_, _, _ in places.lines()]
    left = []
    for line in believed(world, obj, cluster):
        if any(same(line.id, id_) for id_ in now):
            continue
        if places.brought is not None and same(line.id, places.brought):
            continue  # it was ours, and is read from now on
        if line.account is None:
            gone = await _service_left(world, key, cluster, line.id)
        else:
            document = world.documents.say(line.account.key, line.id, key, farewell(obj, line.type))
            world.documents.look(document)
            gone = has_left(world, key, document)
        if not gone:
            left.append({"id": line.id, "type": line.type, "ready": "False", "reason": "Deleting"})
    return left


def leave_documents(world: World, key: Key, obj: Any, lines: Iterable[Line]) -> list[Key]:
    """Every document is told that nothing is asked of it any more; returns those that still have something of ours."""
    pending = []
    for line, account in documents(lines):
        document = world.documents.say(account.key, line.id, key, farewell(obj, line.type))
        world.documents.look(document)
        if not has_left(world, key, document):
            pending.append(document)
    return pending


def leave_orphaned(world: World, key: Key, obj: Any) -> list[Key]:
    """Everything is to stay (`deletionPolicy: Orphan`): what serves several is told; returns what does not say so yet.

    An account that cannot be had, or an Azure that does not take it, holds nobody.
    """
    try:
        cluster = world.cluster_of(key, obj.spec.cluster_ref, leaving=True)
    except Hold:
        return []
    pending = []
    for line, account in documents(believed(world, obj, cluster)):
        if line.type == PUBLIC_IPS or line.type.startswith(f"{ZONES}/"):
            document = world.documents.say(account.key, line.id, key, ORPHAN)
            world.documents.look(document)
            result = world.shares.result_for(document, key)
            if result is None or not (result.settled or result.reason):
                pending.append(document)
    return pending


async def remove_services(world: World, key: Key, obj: Any, cluster: Cluster, paths: Iterable[str]) -> bool:
    """Whether our Services are gone, or need not go: the cluster is gone, going or stopped, or the user said so.

    A cluster whose object was deleted waits for us: it does not go yet. It is not waited for when it does not answer.
    """
    skip = (obj.metadata.annotations or {}).get("aks-operator.io/skip-in-cluster-cleanup") == "true"
    if skip or not (cluster.in_azure and cluster.ours) or cluster.stopped:
        return True
    try:
        gone = [await _service_left(world, key, cluster, path) for path in paths]
    except NotFound:  # somebody deleted the cluster in Azure: its object does not say so yet
        return True
    return all(gone) or cluster.deleting


async def _service_left(world: World, key: Key, cluster: Cluster, path: str) -> bool:
    """Whether the Service at `path` is gone, or is not ours; it is asked to go."""
    cloud, labels = cluster.account.session.cloud, label_of(key, world.marks.management_id)
    try:
        for _ in range(2):  # it goes at once, but where somebody's finalizer keeps it
            found = await world.tenants.request(cloud, cluster.id, "GET", path)
            if found is None or not backend.is_ours(found, labels):
                return True
            if "deletionTimestamp" not in found["metadata"]:
                await world.tenants.request(cloud, cluster.id, "DELETE", path)
    except Hold:
        return False
    return False
