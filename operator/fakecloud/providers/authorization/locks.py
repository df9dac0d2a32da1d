"""Management locks: on subscriptions, groups and resources, inherited by all below."""

from typing import Any, ClassVar, Final

from fakecloud.arm import guards
from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.extensions import Extension
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import Answer, Call, Fidelity

LEVELS: Final = ("CanNotDelete", "ReadOnly")
NOTES: Final = 512
"""Characters that notes may have."""


class Locks(Extension):
    """Microsoft.Authorization/locks: what they forbid is in arm/guards.py."""

    type = guards.LOCKS
    fidelity = Fidelity(
        exact=(
            "CanNotDelete and ReadOnly on subscriptions, groups and resources, inherited by all below; ReadOnly forbids actions (POST), too (D)",
            "409 ScopeLocked with the scopes that are locked (I); what holds a locked resource cannot be deleted either (I)",
            "lists tell of locks at, above and below the scope, with `$filter=atScope()` not of those below (D)",
            "any lock in a node resource group stops its cluster's operations: ResourceGroupLocked (I); `nodeResourceGroupProfile` ReadOnly: 403 DenyAssignmentAuthorizationFailed (D)",
        ),
        simplified=(
            "the codes for a missing lock and an unknown level are ours; a lock works at once, where Azure takes minutes at times",
            "the deny assignment of a restricted node group cannot be read, and actions are not denied",
        ),
    )
    verbs = ("GET", "LIST", "PUT", "DELETE")
    shape: ClassVar[Shape] = {
        "properties": {"level": str, "notes": str, "owners": [{"applicationId": str}]},
    }

    def missing(self, target: Any) -> ArmError:
        """See ResourceType."""
        if target.type.lower() != self.type.lower():
            return super().missing(target)
        return ArmError(404, "LockNotFound", f"The lock '{target.name}' could not be found.")

    async def list(self, call: Call) -> Answer:
        """See ResourceType: with those inherited, and those below unless only the scope's own are asked for."""
        await self.check_scope(call)
        scope, wanted = call.target.scope, call.query.get("$filter")
        if wanted is not None and wanted.replace(" ", "").lower() != "atscope()":
            raise bad_request("InvalidFilterInQueryString", f"Invalid $filter '{wanted}': it takes atScope().")
        found = guards.locks_at_or_above(self.store, scope)
        if wanted is None:
            found += guards.locks_below(self.store, scope)
        return Answer(200, {"value": [self.shown(lock) for lock in found]})

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        await self.check_scope(call)
        given = call.body.get("properties") or {}
        level = next((word for word in LEVELS if word.lower() == str(given.get("level")).lower()), None)
        if level is None:
            raise bad_request(
                "InvalidRequestContent",
                f"The request content was invalid and could not be deserialized: the level {given.get('level')!r} is none of {', '.join(LEVELS)}.",
            )
        if len(given.get("notes", "")) > NOTES:
            raise bad_request("InvalidRequestContent", f"The notes of a lock have at most {NOTES} characters.")
        kept = {name: given[name] for name in ("notes", "owners") if name in given}
        body, new = self.written(call, {"level": level, **kept})
        return Answer(201 if new else 200, self.shown(body))
