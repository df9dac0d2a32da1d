"""How Network writes: 201 and an operation, etags, states, busy resources."""

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from fakecloud.arm import locations, operations
from fakecloud.arm.errors import ArmError, bad_request, not_implemented
from fakecloud.arm.types import RESOURCE, Answer, Call, Change, Context, ResourceType
from fakecloud.store import Body

PROVIDER = "Microsoft.Network"
NAME: Final = re.compile(r"[a-zA-Z0-9]([-\w.]{0,78}\w)?", re.ASCII)


class NetworkType(ResourceType):
    """A tracked Network resource. Sub-classes say what is right, and what is filled in."""

    verbs: tuple[str, ...] = ("GET", "LIST", "PUT", "PATCH", "DELETE")
    seconds = 5.0
    """How long Azure takes."""
    state_while_made = "Updating"
    tops: tuple[str, ...] = ("sku", "zones")
    """What it has beside its properties, location and tags, as given."""
    children: tuple[str, ...] = ()
    """Lists in its properties whose entries are children: their state is its own."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.create_name, self.delete_name = f"put:{self.type}", f"delete:{self.type}"
        context.operations.register(self.create_name, self._made, self._failed)
        context.operations.register(self.delete_name, self._removed, self._failed)

    def check(self, call: Call, known: Body | None) -> Body:
        """The body's `properties` as they will be kept; raises ArmError for what Azure refuses."""
        raise NotImplementedError

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        known = self.context.resource(call.target.id)
        check_name(call.target.name)
        location = locations.settled(
            self.type, call.body.get("location"), known, name=call.target.name, group=call.target.group
        )
        check_etag(call, known)
        self.refuse_busy(call)
        if known is not None and call.body.get("zones", known.get("zones")) != known.get("zones"):
            raise bad_request(
                "ResourceAvailabilityZonesCannotBeModified",
                f"Resource {known['id']} has an existing availability zone constraint {', '.join(known.get('zones') or ())} and the request has availability zone constraint {', '.join(call.body['zones'])}, which do not match. Zones cannot be added, updated or removed once the resource is created.",
                details=[],
            )
        if str((call.body.get("sku") or {}).get("tier", "Regional")).lower() != "regional":
            raise not_implemented(self.type, f"tier {call.body['sku']['tier']}")
        properties = self.check(call, known)
        body: Body = {
            "id": (known or {}).get("id") or call.target.id,
            "name": (known or {}).get("name") or call.target.name,
            "type": self.type,
            "etag": etag(),
            "location": location,
            "tags": call.body.get("tags") or {},
        }
        for key in self.tops:
            if key in call.body or key in (known or {}):
                body[key] = call.body.get(key, (known or {}).get(key))
        state = self.state_while_made
        body["properties"] = {
            "resourceGuid": ((known or {}).get("properties") or {}).get("resourceGuid") or str(uuid.uuid4()),
            **properties,
        }
        self._fill(call, body, known)
        body = self.in_state(body, state)
        operation = self._operation(self.create_name, call, body)
        self.context.begin(operation, (RESOURCE, body["id"], body), *self.beside(body, known))
        return Answer(200 if known else 201, self.shown(body), operation=operation)

    def _fill(self, call: Call, body: Body, known: Body | None) -> None:
        """Defaults of the top level."""

    def beside(self, body: Body, known: Body | None) -> list[Change]:
        """Changes of other resources that belong to this one."""
        return []

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self.context.resource(call.target.id)
        if body is None:
            return Answer(204)
        check_etag(call, body)
        running = self.context.operations.running_on(body["id"])
        if running is not None and running["name"] == self.delete_name:
            return Answer(202, None, operation=running, location=True)
        self.refuse_busy(call)
        refusal = self.in_use(body)
        if refusal is not None:
            raise refusal
        operation = self._operation(self.delete_name, call, body)
        deleting = {**body, "properties": {**body["properties"], "provisioningState": "Deleting"}}
        self.context.begin(operation, (RESOURCE, body["id"], deleting))
        return Answer(202, None, operation=operation, location=True)

    async def patch(self, call: Call) -> Answer:
        """See ResourceType: tags."""
        body = self.found(call)
        check_etag(call, body)
        self.refuse_busy(call)
        changed = {**body, "tags": call.body.get("tags", body.get("tags")), "etag": etag()}
        self.store.put(RESOURCE, body["id"], changed)
        return Answer(200, self.shown(changed))

    def _operation(self, name: str, call: Call, body: Body) -> Body:
        location = body.get("location") or self._location(call)
        return self.context.operations.document(
            name,
            resource=body["id"],
            provider=PROVIDER,
            location=location,
            subscription=call.target.subscription,
            seconds=self.seconds,
        )

    def _location(self, call: Call) -> str:
        parent = self.context.resource(call.target.parent or "")
        return str((parent or {}).get("location") or "westeurope")

    def refuse_busy(self, call: Call) -> None:
        """Raises ArmError (429) while an operation is under way on the top-level resource or on any of its children."""
        provider, top = call.target.id.split("/providers/")[0], call.target.type.split("/")[1]
        running = self.context.operations.running_within(
            f"{provider}/providers/{PROVIDER}/{top}/{call.target.names[0]}"
        )
        if running is not None:
            uri = operations.url(call.base, running, "operations", call.api_version)
            raise retryable(
                "AnotherOperationInProgress",
                f"Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: {uri}.",
            )

    def in_state(self, body: Body, state: str) -> Body:
        """`body` with a provisioningState, and its children with it."""
        properties = {**body["properties"], "provisioningState": state}
        for name in self.children:
            properties[name] = [
                {**entry, "properties": {**entry["properties"], "provisioningState": state}}
                for entry in properties.get(name) or ()
            ]
        return {**body, "properties": properties}

    async def _made(self, operation: Body) -> Sequence[Change]:
        body = self.context.resource(operation["resource"])
        if body is None or body["properties"]["provisioningState"] == "Deleting":
            return ()
        return [(RESOURCE, body["id"], self.in_state(body, "Succeeded"))]

    async def _removed(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None:
            await self.remove(body)

    async def _failed(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None:
            self.store.put(RESOURCE, body["id"], self.in_state(body, "Failed"))

    async def remove(self, body: Body) -> None:
        """See ResourceType."""
        self.store.write([*self.beside_removed(body), *self.gone(body["id"])])

    def beside_removed(self, body: Body) -> list[Change]:
        """Changes of other resources when this one is gone."""
        return []


class ChildType(NetworkType):
    """A resource that is kept inside its parent's body, as an entry of one of its lists."""

    verbs = ("GET", "LIST", "PUT", "DELETE")
    parent: type[NetworkType]
    kept_in: str
    """The list's name."""

    def checked(self, call: Call, parent: Body, known: Body | None) -> Body:
        """The entry as it will be kept, its name and id included; raises ArmError for what Azure refuses."""
        raise NotImplementedError

    def settled(self, parent: Body, entries: list[Body]) -> Body:
        """The parent's properties with other `entries`; raises ArmError when they do not go together."""
        return {**parent["properties"], self.kept_in: entries}

    def beside_child(self, before: list[Body], after: list[Body]) -> list[Change]:
        """Changes of resources other than the parent when the entries `before` become `after`."""
        return []

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        known = self._entry(self._parent(call.target.parent or "", call), call.target.name)
        if known is None:
            raise ArmError(404, "NotFound", f"Resource {call.target.id} not found.")
        return Answer(200, self.shown(known))

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        entries = self._parent(call.target.id, call)["properties"][self.kept_in]
        return Answer(200, {"value": [self.shown(entry) for entry in entries]})

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        parent = self._parent(call.target.parent or "", call)
        known = self._entry(parent, call.target.name)
        check_etag(call, known)
        self.refuse_busy(call)
        entry = self.checked(call, parent, known)
        entry["properties"]["provisioningState"] = "Updating"
        others = parent["properties"][self.kept_in]
        kept = [entry if e is known else e for e in others] if known else [*others, entry]
        changed = self._changed(parent, kept)
        operation = self._operation(self.create_name, call, entry)
        beside = self.beside_child([known] if known else [], [entry])
        self.context.begin(operation, (RESOURCE, parent["id"], changed), *beside)
        written = self._entry(changed, entry["name"]) or entry
        return Answer(200 if known else 201, self.shown(written), operation=operation)

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        parent = self.context.resource(call.target.parent or "")
        known = self._entry(parent, call.target.name)
        if parent is None or known is None:
            return Answer(204)
        check_etag(call, known)
        running = self.context.operations.running_on(known["id"])
        if running is not None and running["name"] == self.delete_name:
            return Answer(202, None, operation=running, location=True)
        self.refuse_busy(call)
        refusal = self.in_use(known)
        if refusal is not None:
            raise refusal
        going = {**known, "properties": {**known["properties"], "provisioningState": "Deleting"}}
        kept = [going if e is known else e for e in parent["properties"][self.kept_in]]
        operation = self._operation(self.delete_name, call, known)
        self.context.begin(operation, (RESOURCE, parent["id"], self._changed(parent, kept)))
        return Answer(202, None, operation=operation, location=True)

    def _changed(self, parent: Body, entries: Sequence[Body]) -> Body:
        """The parent with other entries, while the operation goes on."""
        properties = {**self.settled(parent, [*entries]), "provisioningState": self.parent.state_while_made}
        return {**parent, "etag": etag(), "properties": properties}

    def _parent(self, id_: str, call: Call) -> Body:
        found = self.context.resource(id_)
        if found is None:
            raise self.missing(call.target)
        return found

    def _entry(self, parent: Body | None, name: str) -> Body | None:
        entries = (parent or {}).get("properties", {}).get(self.kept_in) or []
        return next((entry for entry in entries if entry["name"].lower() == name.lower()), None)

    async def _made(self, operation: Body) -> Sequence[Change]:
        return self._ended(operation["resource"], "Succeeded")

    async def _removed(self, operation: Body) -> None:
        self.store.write(self._ended(operation["resource"], None))

    async def _failed(self, operation: Body) -> None:
        self.store.write(self._ended(operation["resource"], "Failed"))

    def _ended(self, id_: str, state: str | None) -> Sequence[Change]:
        """What changes when the operation on a child is over: it has `state`, or is gone, and its parent is at rest."""
        parent = self.context.resource(id_.rsplit("/", 2)[0])
        known = self._entry(parent, id_.rpartition("/")[2])
        if parent is None or known is None:
            return []
        ended = {**known, "properties": {**known["properties"], "provisioningState": state}}
        entries = parent["properties"][self.kept_in]
        kept = [ended if e is known else e for e in entries if state is not None or e is not known]
        properties = {**self.settled(parent, kept), "provisioningState": "Succeeded"}
        beside = self.beside_child([known], []) if state is None else []
        return [(RESOURCE, parent["id"], {**parent, "properties": properties}), *beside]


def etag() -> str:
    """A new etag, as Network writes them."""
    return f'W/"{uuid.uuid4()}"'


def check_etag(call: Call, known: Body | None) -> None:
    """Raises 412 when If-Match (or If-None-Match: *) does not hold."""
    wanted = call.headers.get("If-Match")
    if wanted and (known is None or wanted not in {"*", known.get("etag")}):
        details = [
            {
                "code": "PreconditionFailedEtagMismatch",
                "message": f"Etag provided in if-match header {wanted} does not match etag {(known or {}).get('etag')} of resource.",
            }
        ]
        raise ArmError(412, "PreconditionFailed", "Precondition failed.", details=details)
    if call.headers.get("If-None-Match") == "*" and known is not None:
        raise ArmError(412, "PreconditionFailed", f"The resource '{call.target.id}' exists already.")


def check_name(name: str) -> None:
    """Raises ArmError (400) for a name that Network does not take."""
    if not NAME.fullmatch(name):
        raise bad_request(
            "InvalidResourceName",
            f"Resource name {name} is invalid. The name can be up to 80 characters long. It must begin with a word character, and it must end with a word character or with '_'. The name may contain word characters or '.', '-', '_'.",
            details=[],
        )


def check_unique(list_: str, names: Iterable[str]) -> None:
    """Raises ArmError (400) when two entries of a list have one name."""
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise bad_request("DuplicateResourceName", f"Resource /{list_}/{name} is named twice.", details=[])
        seen.add(name.lower())


def retryable(code: str, message: str) -> ArmError:
    """Network's way to say: not now. The SDK tries again by itself."""
    details = [{"code": code, "message": message}]
    return ArmError(429, "RetryableError", "A retryable error occurred.", details=details)


def referenced(context: Context, wanted: str, by: str) -> Body:
    """What the resource `by` refers to; raises ArmError when it is not there (400) or not at rest (429)."""
    found = context.resource(wanted)
    if found is None:
        raise missing_reference(wanted, by)
    if context.operations.running_within(wanted) is not None:
        state = found["properties"]["provisioningState"]
        raise retryable(
            "ReferencedResourceNotProvisioned",
            f"Cannot proceed with operation because resource {wanted} used by resource {by} is not in Succeeded state. Resource is in {state} state.",
        )
    return found


def missing_reference(wanted: str, by: str) -> ArmError:
    """The refusal of an id that leads nowhere. `by` is the id of the resource that has it."""
    return bad_request(
        "InvalidResourceReference",
        f"Resource {wanted} referenced by resource {by} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.",
        details=[],
    )


def refuse_unbuilt(type_: str, given: dict[str, Any], paths: Iterable[str]) -> None:
    """Raises ArmError (501) for a property, at one of the dotted `paths`, that nothing here would act on.

    A path goes through the entries of lists.
    """
    for path in paths:
        if any(_reached(given, path.split("."))):
            raise not_implemented(type_, path)


def _reached(value: Any, keys: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, list) and keys:
        for entry in value:
            yield from _reached(entry, keys)
    elif not keys:
        yield value
    elif isinstance(value, dict):
        yield from _reached(value.get(keys[0]), keys[1:])


def properties_of(call: Call) -> dict[str, Any]:
    """The body's properties."""
    given: dict[str, Any] = call.body.get("properties") or {}
    return given


def reference(value: Any) -> str | None:
    """The id in {"id": …}, None when there is none."""
    return str(value["id"]) if isinstance(value, dict) and value.get("id") else None
