"""CloudAccount: where, and as whom. Ready when a token was had and the subscription could be read."""

from collections.abc import Iterable
from typing import Any, Final

from aks_operator.armid import subscription_id
from aks_operator.conditions import Condition
from aks_operator.keys import Key
from aks_operator.kinds.base import MOST_NAMED, READY, World, blocked, check_pinned
from aks_operator.outcome import RELEASE, Hold, Outcome
from aks_operator.port import AuthenticationFailed, AuthorizationFailed, NotFound
from aks_operator.session import Operation

CHECK_INTERVAL: Final = 300.0
LEFT_INTERVAL: Final = 2.0
"""Seconds between looks whether what exposures left is gone."""


class CloudAccountReconciler:
    """See engine.Reconciler."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def reconcile(self, key: Key, obj: Any) -> Outcome:
        """See engine.Reconciler."""
        if obj.metadata.deletion_timestamp is not None:
            return await self._delete(key)
        id_ = subscription_id(obj.spec.subscription_id)
        check_pinned(obj, id_)
        account = await self._world.accounts.open(key)
        try:
            await account.session.cloud.get(id_)
        except (NotFound, AuthorizationFailed) as error:
            raise Hold(
                "AuthorizationFailed",
                f"subscription {obj.spec.subscription_id} cannot be read: check subscriptionId, and that the identity has a role on it ({error})",
                again_after=30.0,
            ) from error
        except AuthenticationFailed:
            self._world.accounts.doubt(key)
            raise
        self._world.accounts.prove(key)
        status: dict[str, Any] = {"id": id_}
        throttled = account.budget.throttled_for
        conditions = [READY]
        if throttled > 0:
            conditions = [Condition("Ready", "True", "Throttled", "Azure asked to wait")]
        return Outcome(conditions, status, again_after=CHECK_INTERVAL, resources=[])

    def operations(self, key: Key, obj: Any, resources: Iterable[str]) -> Iterable[Operation]:
        """See engine.Reconciler."""
        return ()

    async def _delete(self, key: Key) -> Outcome:
        users = self._world.users(key)
        if users:
            missing = await self._keep_open(key)
            return blocked(users, "still needed by", f": delete them first{missing}")
        if left := self._world.shares.abandoned(key):  # of exposures whose finalizer was taken off by force
            names = ", ".join(document.name.rpartition("/")[2] for document in left[:MOST_NAMED])
            message = f"still needed to take entries of exposures that are gone out of {names}"
            return Outcome([Condition("Ready", "False", "Blocked", message)], again_after=LEFT_INTERVAL)
        await self._world.accounts.close(key)
        return RELEASE

    async def _keep_open(self, key: Key) -> str:
        """Users can only be cleaned up with the account's credential; what stands in the way, to be put into a message."""
        try:
            await self._world.accounts.open(key)
        except Hold as hold:  # in use before, it is held in memory
            if self._world.accounts.get(key) is None:
                return f". They cannot be cleaned up: {hold}"
        return ""
