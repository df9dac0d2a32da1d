"""How Network writes: 201 and an operation, etags, states, busy resources."""

import re
import uuid
from collections.abc import Iterable
from typing import Any, Final

from fakecloud.arm import locations
from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, ResourceType
from fakecloud.store import Body

PROVIDER = "Microsoft.Network"
NAME: Final = re.compile(r"[a-zA-Z0-9]([-\w.]{0,78}\w)?", re.ASCII)


class NetworkType(ResourceType):
    """A tracked Network resource. Sub-classes say what is right, and what is filled in."""

    seconds = 5.0
    """How long Azure takes."""
    state_while_made = "Updating"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        name = self.type.rpartition("/")[2]
        self.create_name, self.delete_name = f"put:{self.type}", f"delete:{self.type}"
        context.operations.register(self.create_name, self._made)
        context.operations.register(self.delete_name, self._removed)
        self.word = name

    def check(self, call: Call, known: Body | None) -> Body:
        """The body's `properties` as they will be kept; raises ArmError for what Azure refuses."""
        raise NotImplementedError

    def in_use(self, body: Body) -> ArmError | None:
        """Why it cannot be deleted now."""
        return None

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        known = self.context.resource(call.target.id)
        check_name(call.target.name)
        location = locations.settled(
            self.type, call.body.get("location"), known, name=call.target.name, group=call.target.group
        )
        check_etag(call, known)
        self._refuse_busy(call.target.id)
        properties = self.check(call, known)
        body: Body = {
            "id": (known or {}).get("id") or call.target.id,
            "name": (known or {}).get("name") or call.target.name,
            "type": self.type,
            "etag": etag(),
            "location": location,
            "tags": call.body.get("tags") or {},
        }
        for key in ("sku", "zones", "extendedLocation"):
            if key in call.body:
                body[key] = call.body[key]
        state = self.state_while_made
        body["properties"] = {
            "provisioningState": state,
            "resourceGuid": ((known or {}).get("properties") or {}).get("resourceGuid") or str(uuid.uuid4()),
            **properties,
        }
        self._fill(body, known)
        operation = self._operation(self.create_name, call, body)
        self.context.begin(operation, (RESOURCE, body["id"], body), *self.beside(body, known))
        return Answer(200 if known else 201, self.shown(body), operation=operation)

    def _fill(self, body: Body, known: Body | None) -> None:
        """Defaults of the top level."""

    def beside(self, body: Body, known: Body | None) -> list[tuple[str, str, Body | None]]:
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

    def _refuse_busy(self, id_: str) -> None:
        running = self.context.operations.running_on(id_)
        if running is not None and running["name"].startswith("delete:"):
            raise ArmError(409, "ResourceBeingDeleted", f"The resource '{id_}' is being deleted.")
        if running is not None:
            details = [
                {
                    "code": "AnotherOperationInProgress",
                    "message": f"Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: {running['id']}.",
                }
            ]
            raise ArmError(429, "RetryableError", "A retryable error occurred.", details=details)

    async def _made(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None and body["properties"]["provisioningState"] != "Deleting":
            self.store.put(
                RESOURCE, body["id"], {**body, "properties": {**body["properties"], "provisioningState": "Succeeded"}}
            )

    async def _removed(self, operation: Body) -> None:
        prefix = operation["resource"].lower()
        body = self.context.resource(prefix)
        changes: list[tuple[str, str, Body | None]] = [
            (RESOURCE, key, None) for key, _ in self.store.under(RESOURCE, prefix + "/")
        ]
        if body is not None:
            changes += self.beside_removed(body)
        self.store.write([*changes, (RESOURCE, prefix, None)])

    def beside_removed(self, body: Body) -> list[tuple[str, str, Body | None]]:
        """Changes of other resources when this one is gone."""
        return []


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


def missing_reference(wanted: str, by: str) -> ArmError:
    """The refusal of an id that leads nowhere. `by` is the id of the resource that has it."""
    return bad_request(
        "InvalidResourceReference",
        f"Resource {wanted} referenced by resource {by} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.",
        details=[],
    )


def properties_of(call: Call) -> dict[str, Any]:
    """The body's properties."""
    given: dict[str, Any] = call.body.get("properties") or {}
    return given


def reference(value: Any) -> str | None:
    """The id in {"id": …}, None when there is none."""
    return str(value["id"]) if isinstance(value, dict) and value.get("id") else None
