"""Resources on resources, on groups and on subscriptions: kept apart, so that they do not count among what those hold."""

from dataclasses import replace
from typing import Any, ClassVar

from fakecloud.arm.ids import Target, parse
from fakecloud.arm.types import EXTENSION, OUTLIVES, Answer, Call, ResourceType
from fakecloud.store import Body


class Extension(ResourceType):
    """A type whose resources belong to others. What they extend need not have them in its lists, nor take them with it."""

    outlives: ClassVar[bool] = False
    """Whether its resources stay when what they extend goes."""

    def found(self, call: Call) -> Body:
        """See ResourceType."""
        body = self.store.get(EXTENSION, call.target.id)
        if body is None:
            raise self.missing(call.target)
        return body

    def on(self, scope: str) -> list[Body]:
        """Those that extend exactly `scope`, an id."""
        provider, segment = self.type.lower().split("/")
        return [body for _, body in self.store.under(EXTENSION, f"{scope}/providers/{provider}/{segment}/")]

    async def get(self, call: Call) -> Answer:
        """See ResourceType: what it extends is looked for first."""
        await self.check_scope(call)
        return await super().get(call)

    async def list(self, call: Call) -> Answer:
        """See ResourceType: those of one scope."""
        await self.check_scope(call)
        return Answer(200, {"value": [self.shown(body) for body in self.on(call.target.scope)]})

    async def check_scope(self, call: Call) -> None:
        """Raises ArmError (404) when what it extends is not there; groups and subscriptions the gateway looked for."""
        target = None if call.target.on is None else parse(call.target.on)
        if target is None:
            return
        handler = self.context.types.get(target.type.lower())
        if handler is None or "get" not in handler.does():
            raise self.missing(target)
        await handler.get(replace(call, target=target, body={}))

    def written(self, call: Call, properties: dict[str, Any]) -> tuple[Body, bool]:
        """The resource with other properties, kept; and whether it is new."""
        known = self.store.get(EXTENSION, call.target.id)
        body: Body = {
            "id": (known or {}).get("id") or call.target.id,
            "name": (known or {}).get("name") or call.target.name,
            "type": self.type,
            "properties": properties,
            **({OUTLIVES: True} if self.outlives else {}),
        }
        self.store.put(EXTENSION, body["id"], body)
        return body, known is None

    async def delete(self, call: Call) -> Answer:
        """See ResourceType: at once."""
        if self.store.get(EXTENSION, call.target.id) is None:
            return Answer(204)
        self.store.delete(EXTENSION, call.target.id)
        return Answer(200)


def scope_of(extension: str) -> str:
    """The id of what an extension's id says that it extends."""
    return extension[: extension.lower().rindex("/providers/")]


def ancestors(target: Target) -> list[str]:
    """The ids, in lower case, that a resource lies in: subscription, group, parents, and itself."""
    ids = [f"/subscriptions/{target.subscription}"]
    if target.group is not None:
        ids.append(f"{ids[0]}/resourceGroups/{target.group}")
    extended = None if target.on is None else parse(target.on)
    if extended is not None:
        ids = ancestors(extended)
    if target.type:
        provider, *segments = target.type.split("/")
        path = f"{target.scope}/providers/{provider}"
        for segment, name in zip(segments, target.names, strict=False):
            path = f"{path}/{segment}/{name}"
            ids.append(path)
    return [id_.lower() for id_ in ids]
