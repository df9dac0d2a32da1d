"""Resource groups: made at once, removed with all they hold."""

import json
import re

from fakecloud.arm.errors import ArmError, bad_request, group_not_found
from fakecloud.arm.listing import filtered
from fakecloud.arm.types import GROUP, Answer, Call, Context, Fidelity, ResourceType, extensions_gone
from fakecloud.store import Body

NAME = re.compile(r"[-\w._()]{0,89}[-\w_()]")
DELETE_SECONDS = 20.0


class ResourceGroups(ResourceType):
    """Microsoft.Resources/resourceGroups."""

    type = "Microsoft.Resources/resourceGroups"
    fidelity = Fidelity(
        exact=(
            "201 or 200 at once; DELETE is 202 with a Location only, 202 until done, then 200 (R)",
            "deletion takes all the group holds, users before what they use; what something outside uses keeps the group: 409 ResourceGroupDeletionBlocked, and it is Succeeded again (I)",
            "`$filter` by tagName and tagValue (M)",
            "nothing can be made in a group that is being deleted: 409 (D)",
        ),
        simplified=("deletion takes 20 s whatever the group holds",),
        missing=("policies, moves, export of templates",),
    )
    verbs = ("GET", "LIST", "PUT", "PATCH", "DELETE")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        context.operations.register("deleteGroup", self._gone, self._stays)

    def _group(self, call: Call) -> Body | None:
        return self.context.group(call.target.subscription, call.target.group or "")

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self._group(call)
        if body is None:
            raise group_not_found(call.target.group or "")
        return Answer(200, self.shown(body))

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        prefix = f"/subscriptions/{call.target.subscription}/".lower()
        found = filtered((body for _, body in self.store.under(GROUP, prefix)), call, frozenset())
        return Answer(200, {"value": [self.shown(body) for body in found]})

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        name = call.target.group or ""
        if not NAME.fullmatch(name):
            raise bad_request(
                "InvalidResourceGroup",
                f"The provided resource group name '{name}' has these invalid characters or is too long: it takes letters, digits, - _ . ( ) and 90 characters.",
            )
        known = self._group(call)
        location = str(call.body.get("location") or "").replace(" ", "").lower()
        if not location:
            raise bad_request("LocationRequired", "The location property is required for this definition.")
        if known is not None and known["location"] != location:
            raise ArmError(
                409,
                "InvalidResourceGroupLocation",
                f"Invalid resource group location '{location}'. The Resource group already exists in location '{known['location']}'.",
            )
        if known is not None and known["properties"]["provisioningState"] == "Deleting":
            raise ArmError(
                409,
                "ResourceGroupBeingDeleted",
                f"The resource group '{name}' is in deprovisioning state and cannot perform this operation.",
            )
        body: Body = {
            "id": (known or {}).get("id") or f"/subscriptions/{call.target.subscription}/resourceGroups/{name}",
            "name": (known or {}).get("name") or name,
            "type": self.type,
            "location": location,
            "tags": call.body.get("tags") or {},
            "properties": {"provisioningState": "Succeeded"},
        }
        if call.body.get("managedBy"):
            body["managedBy"] = call.body["managedBy"]
        self.store.put(GROUP, body["id"], body)
        return Answer(200 if known else 201, self.shown(body))

    async def patch(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self._group(call)
        if body is None:
            raise group_not_found(call.target.group or "")
        changed = {**body, "tags": call.body.get("tags", body.get("tags"))}
        self.store.put(GROUP, body["id"], changed)
        return Answer(200, self.shown(changed))

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self._group(call)
        if body is None:
            raise group_not_found(call.target.group or "")
        running = self.context.operations.running_on(body["id"])
        if running is not None:
            return Answer(202, None, operation=running, location=True)
        operation = self.context.operations.document(
            "deleteGroup",
            resource=body["id"],
            provider="Microsoft.Resources",
            location=body["location"],
            subscription=call.target.subscription,
            seconds=DELETE_SECONDS,
        )
        deleting = {**body, "properties": {"provisioningState": "Deleting"}}
        self.context.begin(operation, (GROUP, body["id"], deleting))
        return Answer(202, None, operation=operation, location=True)

    async def _gone(self, operation: Body) -> None:
        """All resources of the group go with it, unless something outside still uses one: then the group stays."""
        group = operation["resource"]
        blocked = await self.context.remove_below(group, force=False)
        if blocked:
            name = group.rpartition("/")[2]
            identifiers = ", ".join(f"'{id_.partition('/providers/')[2]}'" for id_ in blocked)
            details = [{"target": id_, "message": json.dumps(why.body())} for id_, why in blocked.items()]
            raise ArmError(
                409,
                "ResourceGroupDeletionBlocked",
                f"Deletion of resource group '{name}' failed as resources with identifiers {identifiers} could not be deleted. The provisioning state of the resource group will be rolled back. The tracking Id is '{operation['id']}'. Please check audit logs for more details.",
                details=details,
            )
        self.store.write([(GROUP, group, None), *extensions_gone(self.store, group)])

    async def _stays(self, operation: Body) -> None:
        body = self.store.get(GROUP, operation["resource"])
        if body is not None:
            self.store.put(GROUP, body["id"], {**body, "properties": {"provisioningState": "Succeeded"}})
