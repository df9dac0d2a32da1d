"""How Network writes: 201 and an operation, etags, states, busy resources."""

import uuid
from typing import Any

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, ResourceType
from fakecloud.store import Body

PROVIDER = "Microsoft.Network"


class NetworkType(ResourceType):
    """A tracked Network resource. Sub-classes say what is right, and what is filled in."""

    seconds = 5.0
    """How long Azure takes."""
    state_while_made = "Updating"
    needs_location = True

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
        check_etag(call, known)
        self._refuse_busy(call.target.id)
        properties = self.check(call, known)
        location = str(call.body.get("location") or (known or {}).get("location") or "").replace(" ", "").lower()
        if self.needs_location and not location:
            raise bad_request("LocationRequired", "The location property is required for this definition.")
        if known is not None and self.needs_location and known["location"] != location:
            raise ArmError(
                409,
                "InvalidResourceLocation",
                f"The resource '{known['name']}' already exists in location '{known['location']}' in resource group '{call.target.group}'. A resource with the same name cannot be created in location '{location}'. Please select a new resource name.",
            )
        body: Body = {
            "id": (known or {}).get("id") or call.target.id,
            "name": (known or {}).get("name") or call.target.name,
            "type": self.type,
            "etag": etag(),
        }
        if self.needs_location:
            body |= {"location": location, "tags": call.body.get("tags") or {}}
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
        if body is not None:
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
    if wanted and wanted != "*" and (known is None or known.get("etag") != wanted):
        details = [
            {
                "code": "PreconditionFailedEtagMismatch",
                "message": f"Etag provided in if-match header {wanted} does not match etag {(known or {}).get('etag')} of resource.",
            }
        ]
        raise ArmError(412, "PreconditionFailed", "Precondition failed.", details=details)
    if call.headers.get("If-None-Match") == "*" and known is not None:
        raise ArmError(412, "PreconditionFailed", f"The resource '{call.target.id}' exists already.")


def properties_of(call: Call) -> dict[str, Any]:
    """The body's properties; raises 400 when they are no object."""
    given = call.body.get("properties", {})
    if not isinstance(given, dict):
        raise bad_request(
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: properties must be an object.",
        )
    return given


def reference(value: Any) -> str | None:
    """The id in {"id": …}, None when there is none."""
    return str(value["id"]) if isinstance(value, dict) and value.get("id") else None
