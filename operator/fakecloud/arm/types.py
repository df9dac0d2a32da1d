"""What the gateway and the providers say to one another."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from fakecloud.arm import shapes
from fakecloud.arm.errors import ArmError, bad_request, not_found
from fakecloud.arm.ids import Target, parse
from fakecloud.arm.operations import KIND as OPERATION
from fakecloud.arm.operations import Change as Change  # said again for those who write resources
from fakecloud.arm.operations import Operations
from fakecloud.arm.quotas import Quotas
from fakecloud.clock import Clock
from fakecloud.store import RESOURCE as RESOURCE  # said again for those who write resources
from fakecloud.store import Body, Store

EXTENSION: Final = "extension"
"""The kind of the documents that are resources on resources, keyed by their ids."""
OUTLIVES: Final = "_outlives"
"""The mark of an extension that stays when what it extends goes."""
GROUP = "group"
SUBSCRIPTION = "subscription"


@dataclass(frozen=True)
class Call:
    """One request, authenticated, its path understood."""

    target: Target
    api_version: str
    body: Body
    headers: Mapping[str, str]
    query: Mapping[str, str]
    base: str
    """Scheme and host as the caller sees them."""
    principal: str


@dataclass(frozen=True)
class Answer:
    """A status, a body, and perhaps an operation that goes on."""

    status: int
    body: Any = None
    operation: Body | None = None
    location: bool = False
    """Whether the operation is told by a Location header too."""
    headers: Mapping[str, str] = field(default_factory=dict)


Action = Callable[[Call], Awaitable[Answer]]
Send = Callable[[str, Call], Awaitable[Answer]]
"""(method, request) → its answer; raises ArmError."""


async def _nobody(method: str, call: Call) -> Answer:
    raise RuntimeError("no gateway answers yet")


@dataclass
class Context:
    """What every provider works with."""

    store: Store
    clock: Clock
    operations: Operations
    types: dict[str, "ResourceType"] = field(default_factory=dict)
    """By name in lower case."""
    quotas: Quotas = field(default_factory=lambda: Quotas({}))
    send: Send = _nobody
    """The gateway, for those whose resources make others."""

    def group(self, subscription: str, group: str) -> Body | None:
        """A resource group's body."""
        return self.store.get(GROUP, f"/subscriptions/{subscription}/resourcegroups/{group}")

    def resource(self, id_: str) -> Body | None:
        """A resource's body, however its id is spelled."""
        return self.store.get(RESOURCE, id_)

    def holds(self, id_: str) -> bool:
        """Whether a resource is there, kept or following from others."""
        if self.resource(id_) is not None:
            return True
        target = parse(id_)
        handler = None if target is None else self.types.get(target.type.lower())
        return target is not None and handler is not None and handler.computed(target) is not None

    def children(self, id_: str, type_: str) -> list[Body]:
        """The resources of one type below an id."""
        wanted = type_.lower()
        return [
            body for _, body in self.store.under(RESOURCE, id_.lower() + "/") if str(body["type"]).lower() == wanted
        ]

    async def remove_below(self, prefix: str, *, force: bool) -> dict[str, ArmError]:
        """Remove the top-level resources below a group's id, users before what they use; `force`: used or not.

        Returns those that something outside the group still uses, by id, and the refusal of each.
        """
        while True:
            blocked: dict[str, ArmError] = {}
            found = [body for _, body in self.store.under(RESOURCE, f"{prefix}/") if str(body["type"]).count("/") == 1]
            for body in found:
                handler = self.types[str(body["type"]).lower()]
                refusal = None if force else handler.in_use(body)
                if refusal is None:
                    await handler.remove(body)
                else:
                    blocked[body["id"]] = refusal
            if len(blocked) == len(found):
                return blocked

    def begin(self, operation: Body, *changes: tuple[str, str, Body | None]) -> None:
        """Write `changes` and the operation that belongs to them, then run it."""
        self.store.write([*changes, (OPERATION, operation["id"], operation)])
        self.operations.start(operation)


def extensions_gone(store: Store, id_: str) -> Sequence[Change]:
    """The changes that remove what extends a resource or a group that goes, or anything in it."""
    return [(EXTENSION, key, None) for key, body in store.under(EXTENSION, f"{id_}/") if not body.get(OUTLIVES)]


@dataclass(frozen=True)
class Fidelity:
    """How near a type is to Azure's, as sentences for docs/fidelity.md; in brackets the evidence."""

    exact: Sequence[str]
    simplified: Sequence[str] = ()
    missing: Sequence[str] = ()


class ResourceType:
    """One ARM type: how it is read, written and removed. Kept whole in the store, in GET shape."""

    type: str
    fidelity: ClassVar[Fidelity]
    flat_errors = False
    verbs: tuple[str, ...] = ("GET", "LIST")
    """What is built; LIST is GET of the collection, HEAD goes with GET."""
    nameless: ClassVar[bool] = False
    """Whether there is one of it in its parent: it is read and written where others have their list."""
    actions: Mapping[str, Action] = {}
    shape: ClassVar[shapes.Shape] = shapes.TRACKED
    """What a PUT or PATCH carries."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.store = context.store

    def read(self, body: Body) -> Body:
        """A request's body without nulls; raises ArmError (400) when it has not the type's shape."""
        kept: Body = shapes.read(self.shape, body, self.malformed)
        return kept

    def malformed(self, path: str, wrong: str) -> ArmError:
        """The refusal of JSON of a wrong kind."""
        return bad_request(
            "InvalidRequestFormat",
            "Cannot parse the request.",
            details=[{"code": "InvalidJson", "message": f"Error converting value: {wrong}. Path '{path}'."}],
        )

    async def get(self, call: Call) -> Answer:
        """The resource."""
        return Answer(200, self.shown(self.found(call)))

    async def list(self, call: Call) -> Answer:
        """All of this type in the group, the parent or the subscription."""
        prefix = call.target.id.lower() + "/"
        depth = len(call.target.names) + 1
        found = [
            self.shown(body)
            for _, body in self.store.under(RESOURCE, prefix)
            if str(body["type"]).lower() == self.type.lower()
            and (depth == 1 or str(body["id"]).count("/") == prefix.count("/") + 1)
        ]
        return Answer(200, {"value": found})

    def computed(self, target: Target) -> Body | None:
        """A resource that is not kept, but follows from others; None when there is none."""
        return None

    def unkept(self, target: Target) -> Iterable[Body]:
        """All of this type in a group or a subscription that are not kept, but follow from others."""
        return ()

    async def put(self, call: Call) -> Answer:
        """Create or replace."""
        raise NotImplementedError

    async def delete(self, call: Call) -> Answer:
        """Remove."""
        raise NotImplementedError

    def in_use(self, body: Body) -> ArmError | None:
        """Why it cannot be deleted now; None when it can."""
        return None

    async def remove(self, body: Body) -> None:
        """What goes with the resource, and the resource itself. May be repeated."""
        self.store.write(self.gone(body["id"]))

    def gone(self, id_: str) -> Sequence[Change]:
        """The changes that remove a resource and its children."""
        below = [(RESOURCE, key, None) for key, _ in self.store.under(RESOURCE, f"{id_}/")]
        return [*below, (RESOURCE, id_, None), *extensions_gone(self.store, id_)]

    async def patch(self, call: Call) -> Answer:
        """Update what the body tells, and nothing else."""
        raise NotImplementedError

    async def post(self, call: Call, action: str) -> Answer:
        """Do an action, one of `actions`."""
        return await next(a for name, a in self.actions.items() if name.lower() == action.lower())(call)

    def does(self) -> frozenset[str]:
        """What is built, in lower case: `verbs` and `actions`, these as post:name."""
        return frozenset(verb.lower() for verb in (*self.verbs, *(f"POST:{name}" for name in self.actions)))

    def shown(self, body: Body) -> Body:
        """The body as it goes out."""
        return {key: value for key, value in body.items() if not key.startswith("_")}

    def found(self, call: Call) -> Body:
        """The resource; raises 404."""
        body = self.context.resource(call.target.id)
        if body is None:
            raise self.missing(call.target)
        return body

    def missing(self, target: Target) -> ArmError:
        """The 404 of this type."""
        return not_found(target.id)
