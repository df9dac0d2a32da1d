"""What keeps resources from being changed whoever asks: locks, and the deny assignment on a restricted node group."""

import uuid
from collections.abc import Iterable
from typing import Final

from fakecloud.arm.errors import ArmError
from fakecloud.arm.extensions import ancestors, scope_of
from fakecloud.arm.ids import parse
from fakecloud.arm.types import EXTENSION, Call, Context
from fakecloud.store import Body, Store

LOCKS: Final = "Microsoft.Authorization/locks"
_BELOW: Final = f"/providers/{LOCKS.lower()}/"
RESTRICTED: Final = "_restricted"
"""The mark of a group that only the provider which made it may write to."""


def locks_at_or_above(store: Store, id_: str) -> list[Body]:
    """The locks of a resource, a group or a subscription, and of all that it lies in; the outermost first."""
    target = parse(id_)
    if target is None:
        return []
    return [lock for scope in ancestors(target) for _, lock in store.under(EXTENSION, scope + _BELOW)]


def locks_below(store: Store, id_: str) -> list[Body]:
    """The locks of all that lies in a resource, a group or a subscription."""
    found = store.under(EXTENSION, f"{id_}/")
    return [lock for key, lock in found if _BELOW in key and scope_of(key) != id_.lower()]


def locks_against(store: Store, id_: str, *, deleting: bool) -> list[Body]:
    """The locks that forbid to write a resource, or to delete it; what holds a locked resource cannot go either."""
    if not store.all(EXTENSION):
        return []
    above = locks_at_or_above(store, id_)
    if deleting:
        return above + locks_below(store, id_)
    return [lock for lock in above if lock["properties"]["level"] == "ReadOnly"]


def check(context: Context, method: str, call: Call) -> None:
    """Raises ArmError for what a lock (409) or a deny assignment (403) forbids. Locks themselves are never locked."""
    target = call.target
    if method not in {"PUT", "PATCH", "POST", "DELETE"} or target.type.lower() == LOCKS.lower():
        return
    _check_restricted(context, method, call)
    against = locks_against(context.store, target.id, deleting=method == "DELETE")
    if against:
        verb = "delete" if method == "DELETE" else "write"
        scopes = ",".join(f"'{scope}'" for scope in _scopes(against))
        raise ArmError(
            409,
            "ScopeLocked",
            f"The scope '{target.id}' cannot perform {verb} operation because following scope(s) are locked: {scopes}. Please remove the lock and try again.",
        )


def _scopes(locks: Iterable[Body]) -> list[str]:
    """What they are on, each once."""
    return list(dict.fromkeys(scope_of(lock["id"]) for lock in locks))


def _check_restricted(context: Context, method: str, call: Call) -> None:
    target = call.target
    group = None if target.group is None else context.group(target.subscription, target.group)
    if group is None or not group.get(RESTRICTED) or method == "POST":
        return
    verb = "delete" if method == "DELETE" else "write"
    client = context.store.get("client", call.principal) or {}
    number = uuid.uuid5(uuid.NAMESPACE_URL, group["id"].lower())
    raise ArmError(
        403,
        "DenyAssignmentAuthorizationFailed",
        f"The client '{call.principal}' with object id '{client.get('objectId')}' has permission to perform action '{target.type or 'Microsoft.Resources/subscriptions/resourceGroups'}/{verb}' on scope '{target.id}'; however, the access is denied because of the deny assignment with name 'AKS node resource group' and Id '{number.hex}' at scope '{group['id']}'.",
    )
