"""What the reconcilers of all kinds share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from aks_operator.accounts import Account, Accounts, invited
from aks_operator.armid import group_id, group_of, resource_id, same
from aks_operator.cache import Cache
from aks_operator.conditions import Condition
from aks_operator.desired.cluster import CLUSTERS
from aks_operator.desired.zone import ZONES
from aks_operator.documents.reconciler import Documents
from aks_operator.documents.shares import Shares
from aks_operator.groups import Groups
from aks_operator.keys import Key
from aks_operator.kube import KubeClient
from aks_operator.marks import Marks, mark_of
from aks_operator.objects import parse
from aks_operator.outcome import RELEASE, Hold, Outcome
from aks_operator.plan import state_of
from aks_operator.port import Body, CloudError
from aks_operator.session import Converged, Operation
from aks_operator.settings import Settings
from aks_operator.tenants import Tenants

READY: Final = Condition("Ready", "True", "Succeeded")
MOST_NAMED, MOST_BLOCKERS = 5, 20
"""Whom a deletion waits for: as many are named in its message, and in status.deletion.blockedBy."""


@dataclass(frozen=True)
class World:
    """Everything that reconcilers work with."""

    cache: Cache
    kube: KubeClient
    accounts: Accounts
    groups: Groups
    documents: Documents
    shares: Shares
    tenants: Tenants
    marks: Marks
    settings: Settings

    def parsed(self, key: Key) -> Any:
        """The model of a cached object; None when there is none, or none that can be read (which it says itself)."""
        body = self.cache.get(key)
        try:
            return None if body is None else parse(key.kind, body)
        except ValidationError:
            return None

    def lacking(self, key: Key, field: str) -> str:
        """Why `parsed` has nothing for an object that `field` names, and what to do."""
        name = f"{key.kind} {key.namespace}/{key.name}"
        if self.cache.get(key) is None:
            return f"there is no {name}: create it, or correct {field}"
        return f"{name} is invalid: correct it first"

    def open_account(self, key: Key, obj: Any) -> Account | None:
        """The account of a root object, or of the cluster that the object refers to; None when it is not to be had."""
        try:
            if hasattr(obj.spec, "account_ref"):
                return self.accounts.resolve(key.namespace, obj.spec.account_ref, leaving=True)
            return self.cluster_of(key, obj.spec.cluster_ref, leaving=True).account
        except Hold:
            return None

    def users(self, key: Key, *kinds: str) -> list[Key]:
        """Who needs `key`, oldest first: those who refer to it and are invited, and those who had something by it.

        Whoever is not invited can neither add to it nor keep it from going; nor can who came when it was going already.
        """
        body = self.cache.get(key) or {}
        going = str((body.get("metadata") or {}).get("deletionTimestamp") or "~")
        return [
            user
            for user in self.cache.dependents(key)
            if (not kinds or user.kind in kinds)
            and (
                self._made(user, key)
                or (
                    invited(user.namespace, key, (body.get("spec") or {}).get("allowedNamespaces"))
                    and self._means(user, key)
                    and self._came(user) <= going
                )
            )
        ]

    def _made(self, user: Key, key: Key) -> bool:
        status = (self.cache.get(user) or {}).get("status") or {}
        if key.kind == "DNSZone":  # an exposure has more than its name
            zone = str(((self.cache.get(key) or {}).get("status") or {}).get("id")).casefold()
            return any(str(line["id"]).casefold().startswith(f"{zone}/") for line in status.get("resources") or ())
        return bool(status.get("id") or status.get("resources"))

    def _came(self, user: Key) -> str:
        """When an object was created: RFC 3339 in UTC, which sorts as text."""
        return str((self.cache.get(user) or {"metadata": {}})["metadata"].get("creationTimestamp") or "")

    def _means(self, user: Key, key: Key) -> bool:
        """Of two accounts that a reference without a namespace may mean, it means one."""
        if key.kind != "CloudAccount":
            return True
        found = self.parsed(user)
        return found is not None and self.accounts.key_of(user.namespace, found.spec.account_ref) == key

    def cluster_of(self, key: Key, reference: Any, *, leaving: bool = False) -> "Cluster":
        """The cluster that an object refers to, with its account; raises Hold. `leaving`: see Accounts.resolve."""
        cluster_key = Key("ManagedCluster", reference.namespace or key.namespace, reference.name)
        cluster = self.parsed(cluster_key)
        if cluster is None:
            raise Hold("WaitingForCluster", self.lacking(cluster_key, "clusterRef"))
        if not leaving and not invited(key.namespace, cluster_key, cluster.spec.allowed_namespaces):
            raise Hold(
                "NotAllowed",
                f"ManagedCluster {cluster_key.namespace}/{cluster_key.name} does not list namespace {key.namespace!r} in allowedNamespaces",
            )
        account = self.accounts.resolve(cluster_key.namespace, cluster.spec.account_ref, leaving=leaving)
        id_ = self.resource(account, cluster.spec.resource_group, CLUSTERS, azure_name(cluster))
        check_pinned(cluster, id_)
        return Cluster(cluster_key, cluster, account, id_)

    async def release(self, key: Key, obj: Any) -> Outcome:
        """The end of a root object that has nothing in Azure: a group that was made for it alone goes, too.

        Whatever stands in the way of that holds nobody.
        """
        account = self.open_account(key, obj) if nothing_made(obj) else None
        if account is None:
            return RELEASE
        try:
            turn = await self.groups.leave(key, account, obj.spec.resource_group)
        except CloudError:
            return RELEASE
        if turn.done:
            return RELEASE
        return Outcome([progress(turn, deleting=True)], again_after=turn.again_after)

    async def has(self, account: Account, id_: str, type_: str, owner: Key) -> bool:
        """Whether ARM has the resource of `owner`, with its mark: what a status says can be edited."""
        body = await account.session.observer.glance(id_)
        return body is not None and mark_of(body, type_) == self.marks.value(owner)

    async def look_at(self, cluster: "Cluster") -> "Cluster":
        """The cluster with what ARM says of it."""
        body = await cluster.account.session.observer.glance(cluster.id) or {}
        nodes = str((body.get("properties") or {}).get("nodeResourceGroup") or "")
        return replace(
            cluster,
            ours=bool(body) and mark_of(body, CLUSTERS) == self.marks.value(cluster.key),
            node_group=group_id(cluster.account.subscription, nodes) if nodes else "",
        )

    def zone_of(self, key: Key, *, leaving: bool = False) -> tuple[Account, str]:
        """The account of the zone that `key` (a DNSZone) stands for, and its ARM id; raises Hold."""
        zone = self.parsed(key)
        if zone is None:
            raise Hold("WaitingForZone", self.lacking(key, "dns.zoneRef"))
        account = self.accounts.resolve(key.namespace, zone.spec.account_ref, leaving=leaving)
        return account, self.resource(account, zone.spec.resource_group, ZONES, zone.spec.zone)

    def operations(
        self, account: Account | None, resources: Iterable[str], *, below: bool = False
    ) -> Iterable[Operation]:
        """The operations under way on these resources; with `below` also those on their children."""
        if account is None:
            return
        for id_ in resources:
            for key, operation in account.session.operations.items():
                if key == id_.casefold() or (below and key.startswith(f"{id_.casefold()}/")):
                    yield operation

    def resource(self, account: Account, group: str, type_: str, *names: str) -> str:
        """The ARM id of a resource in a group of the account's subscription."""
        return resource_id(group_id(account.subscription, group), type_, *names)


@dataclass(frozen=True)
class Cluster:
    """A managed cluster that other objects refer to. `obj` is its model."""

    key: Key
    obj: Any
    account: Account
    id: str
    ours: bool = False
    """Whether ARM has it, with our mark; False as long as nobody looked (see World.look_at)."""
    node_group: str = ""
    """The id of its node resource group, as ARM says; "" where it has none, and as long as nobody looked."""

    @property
    def group(self) -> str:
        """The id of its resource group."""
        return group_of(self.id)

    @property
    def exists(self) -> bool:
        """Whether Azure has it and it can be worked with."""
        return self.in_azure and not self.deleting

    @property
    def in_azure(self) -> bool:
        """Whether Azure has it, and it is neither being made nor going."""
        status = self.obj.status
        state = status.provisioning_state if status is not None else None
        return bool(status and status.id and state not in {None, "Creating", "Deleting"})

    @property
    def stopped(self) -> bool:
        """Whether Azure has stopped it: its API does not answer until it is started."""
        return bool(self.obj.status and self.obj.status.power_state == "Stopped")

    @property
    def deleting(self) -> bool:
        """Whether its object was deleted."""
        return self.obj.metadata.deletion_timestamp is not None


def first_pool(world: World, cluster: Key) -> tuple[Key, Any] | None:
    """The pool that a cluster's creation carries, with its model: the oldest System pool, then by name."""
    for key in world.users(cluster, "NodePool"):
        pool = world.parsed(key)
        if pool is not None and pool.spec.mode == "System" and pool.metadata.deletion_timestamp is None:
            return key, pool
    return None


def azure_name(obj: Any) -> str:
    """The ARM name: azureName, else the object's own."""
    return str(obj.spec.azure_name or obj.metadata.name)


def check_supported(obj: Any) -> None:
    """Raises Hold for what the API has and this version does not do yet, before anything is touched."""
    spec = obj.spec
    wanted = [
        ("managementPolicy", spec.management_policy, "Manage"),
        ("adoptionPolicy", spec.adoption_policy, "Never"),
        ("driftPolicy", spec.drift_policy, "Correct"),
    ]
    for name, value, only in wanted:
        if value not in {None, only}:
            raise Hold("NotSupported", f"{name} {value} is not built yet: use {only}")


def nothing_made(obj: Any) -> bool:
    """Whether an object never had anything in the cloud: its status does not say what it stands for."""
    return obj.status is None or not obj.status.id


def goes_at_once(obj: Any) -> bool:
    """Whether a deleted object has nothing in the cloud, or leaves it there (`Orphan`). Raises Hold for a protected one."""
    if nothing_made(obj):
        return True
    check_protected(obj)
    return bool(obj.spec.deletion_policy == "Orphan")


def check_protected(obj: Any) -> None:
    """Raises Hold for an object that was deleted though it is protected: admission refuses that where it is installed."""
    if obj.spec.deletion_policy == "Protect":
        raise Hold(
            "Blocked",
            "protected by deletionPolicy Protect, nothing was deleted: set it to Delete (what is in Azure goes too) or Orphan (it stays)",
        )


def blocked(users: Sequence[Key], before: str, after: str) -> Outcome:
    """The outcome of a deletion that waits for `users`; the message names them between `before` and `after`."""
    names = ", ".join(f"{user.kind} {user.namespace}/{user.name}" for user in users[:MOST_NAMED])
    more = f" and {len(users) - MOST_NAMED} more" if len(users) > MOST_NAMED else ""
    return Outcome(
        [Condition("Ready", "False", "Blocked", f"{before} {names}{more}{after}")],
        {"deletion": {"blockedBy": [str(user) for user in users[:MOST_BLOCKERS]]}},
    )


def check_pinned(obj: Any, id_: str) -> None:
    """Raises Hold when an object that has an id would now mean another resource: never a second copy."""
    pinned = obj.status.id if obj.status is not None else None
    if pinned and not same(pinned, id_):
        raise Hold(
            "AccountChanged",
            f"{obj.metadata.name} stands for {pinned}, but its account now leads to {id_}: set the account back, or make a new object",
        )


def is_pinned(obj: Any, id_: str) -> bool:
    """Whether the object's status says which resource it stands for. Raises Hold when it now means another."""
    check_pinned(obj, id_)
    return not nothing_made(obj)


def stored_operations(obj: Any) -> list[dict[str, str]]:
    """status.operations in wire shape."""
    operations = (obj.status.operations if obj.status else None) or ()
    return [operation.model_dump(by_alias=True, mode="json") for operation in operations]


def known_tags(obj: Any) -> list[str]:
    """The tag keys that we set before (status.appliedTags)."""
    return list((obj.status.applied_tags if obj.status is not None else None) or ())


def applied_tags(obj: Any, turn: Converged) -> list[str]:
    """status.appliedTags after a turn. One that the spec dropped is forgotten only when it is gone from the cloud."""
    wanted = set(obj.spec.tags or {})
    return sorted(wanted if turn.done else wanted | set(known_tags(obj)))


def progress(turn: Converged, *, deleting: bool = False) -> Condition:
    """Ready out of one resource's turn."""
    if turn.done and not deleting:
        return READY
    state = state_of(turn.body) if turn.body else ""
    if deleting or turn.operation == "delete":
        reason = "Deleting"
    elif state in {"Upgrading", "Scaling"}:
        reason = state
    else:
        reason = "Creating" if state == "Creating" or "create" in {turn.operation, turn.step.action} else "Updating"
    why = f": {turn.step.why}" if turn.step.action == "update" else ""
    return Condition("Ready", "False", reason, f"being {_PARTICIPLES[reason]}{why}")


_PARTICIPLES: Final = {
    "Creating": "created",
    "Updating": "updated",
    "Upgrading": "upgraded",
    "Scaling": "scaled",
    "Deleting": "deleted",
}


def resource_status(id_: str, type_: str, ready: Condition) -> dict[str, Any]:
    """One line of status.resources."""
    return {"id": id_, "type": type_, "ready": ready.status, "reason": ready.reason}


def provisioning(body: Body | None) -> str | None:
    """status.provisioningState, None when there is nothing to say."""
    return (state_of(body) or "Succeeded") if body else None


def node_counts(ready: int, wanted: int) -> dict[str, Any]:
    """status.nodes."""
    return {"summary": f"{ready}/{wanted}", "ready": ready, "wanted": wanted}
