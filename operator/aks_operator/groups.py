"""Resource groups: made when missing, removed only when ours, empty, and wanted gone."""

from collections.abc import Iterable

from aks_operator.accounts import Account
from aks_operator.armid import RESOURCE_GROUP, group_id
from aks_operator.cache import Cache
from aks_operator.keys import Key
from aks_operator.marks import Marks, mark_of
from aks_operator.outcome import Hold
from aks_operator.plan import Resource, Step, state_of
from aks_operator.session import Converged
from aks_operator.settings import Settings

ROOT_KINDS = ("ManagedCluster", "DNSZone", "VirtualNetwork", "LogWorkspace")
ANYTHING = "Microsoft.Resources/resources"


class Groups:
    """The resource groups that our root objects name."""

    def __init__(self, cache: Cache, marks: Marks, settings: Settings) -> None:
        self._cache = cache
        self._marks = marks
        self._settings = settings

    async def ensure(self, account: Account, group: str, location: str | None) -> None:
        """Returns when the group is there, made in `location` if it was missing. Raises Hold, CloudError."""
        self.check_fence(account, group)
        id_ = group_id(account.subscription, group)
        found = await account.session.observer.one(id_)
        if found is not None and state_of(found) != "Deleting":
            return
        async with account.session.lock(id_):
            found = await account.session.observer.one(id_, fresh=True)
            if found is not None and state_of(found) != "Deleting":
                return
            if found is not None:
                raise Hold("WaitingForNetwork", f"resource group {group} is being deleted", again_after=5.0)
            body = {"location": location or self._settings.default_location}
            desired = Resource(id_, RESOURCE_GROUP, body, self._mark(group))
            await account.session.converge(desired)

    def check_fence(self, account: Account, group: str, field: str = "resourceGroup") -> None:
        """Raises Hold when the account may not touch the group that `field` names."""
        if not group.lower().startswith(account.prefix.lower()):
            raise Hold(
                "NotAllowed",
                f"the account touches only resource groups that begin with {account.prefix!r}: choose another {field}",
            )

    async def leave(self, key: Key, account: Account, group: str) -> Converged:
        """One turn of `key` letting go of its group: `done` when the group is none of our business any more.

        The last to leave deletes it, if the settings want that, we made it, and it is empty.
        """
        id_ = group_id(account.subscription, group)
        stays = Step("none", id_, "it stays")
        leaving = account.session.leaving
        others = [
            other for other in self._named_by(group) if other != key and not (other in leaving and self._goes(other))
        ]
        leaving.add(key)
        if others or not self._settings.delete_empty_resource_group:
            return Converged(None, stays)
        found = await account.session.observer.one(id_, fresh=True)
        if found is None or mark_of(found, RESOURCE_GROUP) != self._mark(group):
            return Converged(None, stays)
        if id_.casefold() not in account.session.operations and await account.session.observer.all(
            ANYTHING, id_, fresh=True
        ):
            return Converged(None, stays)
        return await account.session.remove(id_, RESOURCE_GROUP, self._mark(group))

    def _named_by(self, group: str) -> Iterable[Key]:
        for kind in ROOT_KINDS:
            for key in self._cache.keys(kind):
                spec = (self._cache.get(key) or {}).get("spec") or {}
                if str(spec.get("resourceGroup", "")).lower() == group.lower():
                    yield key

    def _goes(self, key: Key) -> bool:
        """Whether the object was deleted: one of that name may have been made anew since it left."""
        return bool((self._cache.get(key) or {"metadata": {}})["metadata"].get("deletionTimestamp"))

    def _mark(self, group: str) -> str:
        return self._marks.value(Key("ResourceGroup", "", group.lower()))
