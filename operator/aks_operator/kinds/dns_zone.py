"""DNSZone: a public zone. Its records belong to those who made them."""

from collections.abc import Iterable
from typing import Any

from aks_operator.accounts import Account
from aks_operator.desired.zone import ZONES, zone
from aks_operator.keys import Key
from aks_operator.kinds.base import (
    World,
    applied_tags,
    blocked,
    check_pinned,
    check_supported,
    goes_at_once,
    is_pinned,
    known_tags,
    progress,
    provisioning,
    resource_status,
    stored_operations,
)
from aks_operator.outcome import RELEASE, Hold, Outcome
from aks_operator.session import Operation


class DNSZoneReconciler:
    """See engine.Reconciler."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def reconcile(self, key: Key, obj: Any) -> Outcome:
        """See engine.Reconciler."""
        world, spec = self._world, obj.spec
        deleting = obj.metadata.deletion_timestamp is not None
        if deleting and goes_at_once(obj):
            return await world.release(key, obj)
        account = world.accounts.resolve(key.namespace, spec.account_ref, leaving=deleting)
        id_ = world.resource(account, spec.resource_group, ZONES, spec.zone)
        account.session.resume(stored_operations(obj), [id_])
        if deleting:
            return await self._delete(key, obj, account, id_)
        check_supported(obj)
        if spec.visibility != "Public":
            raise Hold("NotSupported", "private zones are not built yet: use visibility Public")
        pinned = is_pinned(obj, id_)
        world.groups.check_fence(account, spec.resource_group)
        if pinned:
            await world.groups.ensure(account, spec.resource_group, None)
        desired = zone(id_, spec, world.marks.value(key))
        turn = await account.session.converge(desired, applied_tags=known_tags(obj), pinned=pinned)
        ready = progress(turn)
        properties = (turn.body or {}).get("properties") or {}
        return Outcome(
            [ready],
            {
                "id": id_,
                "provisioningState": provisioning(turn.body),
                "nameServers": [str(server) for server in properties.get("nameServers") or ()],
                "records": properties.get("numberOfRecordSets"),
                "appliedTags": applied_tags(obj, turn),
                "resources": [resource_status(id_, ZONES, ready)],
            },
            again_after=turn.again_after,
            resources=[id_],
            watched=turn.done,
        )

    async def _delete(self, key: Key, obj: Any, account: Account, id_: str) -> Outcome:
        users = self._world.users(key, "ServiceExposure")
        if users:
            return blocked(users, "names in it belong to", ": delete them, or take their dns away")
        check_pinned(obj, id_)
        turn = await account.session.remove(id_, ZONES, self._world.marks.value(key))
        if turn.done:
            turn = await self._world.groups.leave(key, account, obj.spec.resource_group)
        if turn.done:
            return RELEASE
        return Outcome([progress(turn, deleting=True)], again_after=turn.again_after, resources=[id_])

    def operations(self, key: Key, obj: Any, resources: Iterable[str]) -> Iterable[Operation]:
        """See engine.Reconciler."""
        return self._world.operations(self._world.open_account(key, obj), resources)
