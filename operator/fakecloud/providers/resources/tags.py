"""Tags of anything that has them, apart from the rest: Microsoft.Resources/tags."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from fakecloud.arm import tags
from fakecloud.arm.errors import ArmError, bad_request, not_found
from fakecloud.arm.ids import parse
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import SUBSCRIPTION, Answer, Call, Fidelity, ResourceType
from fakecloud.store import Body

NAME: Final = "default"
GROUPS: Final = "microsoft.resources/resourcegroups"


class Tags(ResourceType):
    """Microsoft.Resources/tags, of which everything has one: `default`."""

    type = "Microsoft.Resources/tags"
    fidelity = Fidelity(
        exact=(
            "GET, PUT and PATCH (Merge, Replace, Delete) of subscriptions, groups and resources; DELETE takes them all (M)",
            "50 tags, names of 512 and values of 256 characters (D), here and in every PUT and PATCH",
        ),
        simplified=("the write is that of the resource itself, with its states and its refusals while it is busy",),
    )
    verbs = ("GET", "PUT", "PATCH", "DELETE")
    shape: ClassVar[Shape] = {"operation": str, "properties": {"tags": {...: str}}}

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        return Answer(200, self._told(call, (await self._owner(call)).get("tags") or {}))

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        await self._owner(call)
        return await self._write(call, _given(call))

    async def patch(self, call: Call) -> Answer:
        """See ResourceType: names are the same whatever their case."""
        have, given = dict((await self._owner(call)).get("tags") or {}), _given(call)
        spelled = {name.lower(): name for name in have}
        match str(call.body.get("operation")).lower():
            case "replace":
                have = dict(given)
            case "merge":
                have |= {spelled.get(name.lower(), name): value for name, value in given.items()}
            case "delete":
                gone = {spelled.get(name.lower()) for name, value in given.items()}
                have = {name: value for name, value in have.items() if name not in gone}
            case other:
                raise bad_request("InvalidRequestContent", f"The operation {other} is none of Merge, Replace, Delete.")
        return await self._write(call, have)

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        if not (await self._owner(call)).get("tags"):
            return Answer(200)
        return replace(await self._write(call, {}), body=None)

    async def _owner(self, call: Call) -> Body:
        """What the tags are of; raises ArmError (404)."""
        if call.target.name.lower() != NAME:
            raise not_found(call.target.id)
        owned = self._owned(call)
        if not owned.target.type and owned.target.group is None:
            return self.store.get(SUBSCRIPTION, call.target.subscription) or {}
        body: Body = (await self._handler(owned).get(owned)).body
        return body

    async def _write(self, call: Call, wanted: Mapping[str, str]) -> Answer:
        tags.check(wanted)
        owned = self._owned(call)
        told = self._told(call, wanted)
        if not owned.target.type and owned.target.group is None:
            body = self.store.get(SUBSCRIPTION, call.target.subscription) or {}
            self.store.put(SUBSCRIPTION, call.target.subscription, {**body, "tags": dict(wanted)})
            return Answer(200, told)
        handler = self._handler(owned)
        if "patch" not in handler.does():
            raise ArmError(400, "TagsNotSupported", f"The resource type '{handler.type}' does not support tags.")
        answer = await handler.patch(replace(owned, body={"tags": dict(wanted)}))
        return Answer(200, told, operation=answer.operation)

    def _owned(self, call: Call) -> Call:
        """The same call, of what the tags are of."""
        return replace(call, target=parse(call.target.scope) or call.target, headers={})

    def _handler(self, owned: Call) -> ResourceType:
        handler = self.context.types.get(owned.target.type.lower() or GROUPS)
        if handler is None:
            raise not_found(owned.target.id)
        return handler

    def _told(self, call: Call, wanted: Mapping[str, str]) -> dict[str, Any]:
        id_ = f"{call.target.scope}/providers/{self.type}/{NAME}"
        return {"id": id_, "name": NAME, "type": self.type, "properties": {"tags": dict(wanted)}}


def _given(call: Call) -> dict[str, str]:
    return dict((call.body.get("properties") or {}).get("tags") or {})
