"""Log Analytics workspaces: made in a while, put aside for two weeks when they are deleted."""

import base64
import re
import secrets
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from fakecloud.arm import locations
from fakecloud.arm.errors import bad_request
from fakecloud.arm.shapes import TRACKED, Object, Shape
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, Fidelity, ResourceType
from fakecloud.clock import rfc3339
from fakecloud.store import Body

TYPE: Final = "Microsoft.OperationalInsights/workspaces"
PUT_ASIDE: Final = "deletedworkspace"
"""The kind of documents of workspaces that can be had back, keyed by their ids."""
ASIDE: Final = 14 * 86400.0
"""Seconds that they can be had back."""
CREATE_SECONDS: Final = 10.0
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]")
SKUS: Final = ("PerGB2018", "CapacityReservation", "Standalone", "PerNode", "Standard", "Premium", "Free", "LACluster")
DAYS: Final = range(30, 731)
"""Days that logs may be kept; 7 too, with the free plan."""
_WRITABLE: Final[Object] = {
    "sku": {"name": str, "capacityReservationLevel": int},
    "retentionInDays": int,
    "workspaceCapping": {"dailyQuotaGb": float},
    "publicNetworkAccessForIngestion": str,
    "publicNetworkAccessForQuery": str,
    "forceCmkForQuery": bool,
    "features": None,
    "defaultDataCollectionRuleResourceId": str,
    "replication": None,
}


class Workspaces(ResourceType):
    """Microsoft.OperationalInsights/workspaces."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "201 with provisioningState Creating and no operation: the resource itself is asked (R); 200 afterwards; DELETE 200 or 204 (R)",
            "names of 4 to 63 letters, digits and hyphens; pricing tiers; 30 to 730 days (D)",
            "a deleted workspace comes back under its name within 14 days, `force=true` is for good (D); shared keys by POST",
        ),
        simplified=("no log is taken in, no query answered", "plans do not limit one another"),
        missing=("tables, linked services, saved searches, solutions, clusters",),
    )
    verbs = ("GET", "LIST", "PUT", "PATCH", "DELETE")
    shape: ClassVar[Shape] = {**TRACKED, "identity": {"type": str}, "properties": _WRITABLE}

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        context.operations.register("createWorkspace", self._made, self._failed)
        self.actions = {"sharedKeys": self._shared_keys, "regenerateSharedKey": self._regenerate}

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        name = call.target.name
        if not NAME.fullmatch(name):
            raise bad_request(
                "InvalidParameter",
                f"'{name}' is no name of a workspace: it takes 4 to 63 letters, digits and hyphens, the first and the last no hyphen.",
            )
        known = self.context.resource(call.target.id)
        location = locations.settled(TYPE, call.body.get("location"), known, name=name, group=call.target.group)
        if known is not None:
            return self._changed(call, known, call.body.get("tags") or {})
        now = self.context.clock.now()
        aside = self.store.get(PUT_ASIDE, call.target.id)
        back = aside is not None and aside["until"] > now and aside["body"]["location"] == location
        kept: Body = aside["body"] if aside is not None and back else {}
        made = kept.get("properties", {})
        properties = {
            **_defaults(rfc3339(now)),
            **{key: made[key] for key in ("customerId", "createdDate") if key in made},
            **_checked(call.body.get("properties") or {}, {}),
            "provisioningState": "Creating",
        }
        body: Body = {
            "id": call.target.id,
            "name": name,
            "type": TYPE,
            "etag": str(uuid.uuid4()),
            "location": location,
            "tags": call.body.get("tags") or {},
            **({"identity": call.body["identity"]} if call.body.get("identity") else {}),
            "properties": properties,
            "_keys": kept.get("_keys") or [_key(), _key()],
        }
        operation = self.context.operations.document(
            "createWorkspace",
            resource=body["id"],
            provider="Microsoft.OperationalInsights",
            location=location,
            subscription=call.target.subscription,
            seconds=CREATE_SECONDS,
        )
        self.context.begin(operation, (RESOURCE, body["id"], body), (PUT_ASIDE, body["id"], None))
        return Answer(201, self.shown(body))

    async def patch(self, call: Call) -> Answer:
        """See ResourceType."""
        known = self.found(call)
        return self._changed(call, known, {**call.body["tags"]} if "tags" in call.body else known["tags"])

    def _changed(self, call: Call, known: Body, tags: Body) -> Answer:
        properties = {
            **known["properties"],
            **_checked(call.body.get("properties") or {}, known["properties"]),
            "modifiedDate": rfc3339(self.context.clock.now()),
        }
        body: Body = {**known, "etag": str(uuid.uuid4()), "tags": tags, "properties": properties}
        self.store.put(RESOURCE, body["id"], body)
        return Answer(200, self.shown(body))

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self.context.resource(call.target.id)
        if body is None:
            return Answer(204)
        await self.remove(body)
        if call.query.get("force", "").lower() == "true":
            self.store.delete(PUT_ASIDE, body["id"])
        return Answer(200)

    async def remove(self, body: Body) -> None:
        """See ResourceType: it can be had back for a while."""
        aside = {"body": body, "until": self.context.clock.now() + ASIDE}
        self.store.write([*self.gone(body["id"]), (PUT_ASIDE, body["id"], aside)])

    async def _made(self, operation: Body) -> None:
        self._settle(operation, "Succeeded")

    async def _failed(self, operation: Body) -> None:
        self._settle(operation, "Failed")

    def _settle(self, operation: Body, state: str) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None:
            properties = {**body["properties"], "provisioningState": state}
            self.store.put(RESOURCE, body["id"], {**body, "properties": properties})

    async def _shared_keys(self, call: Call) -> Answer:
        first, second = self.found(call)["_keys"]
        return Answer(200, {"primarySharedKey": first, "secondarySharedKey": second})

    async def _regenerate(self, call: Call) -> Answer:
        body = {**self.found(call), "_keys": [_key(), _key()]}
        self.store.put(RESOURCE, body["id"], body)
        return await self._shared_keys(call)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()


def _defaults(now: str) -> Body:
    """What Azure fills in."""
    return {
        "customerId": str(uuid.uuid4()),
        "sku": {"name": "PerGB2018", "lastSkuUpdate": now},
        "retentionInDays": 30,
        "features": {"legacy": 0, "searchVersion": 1, "enableLogAccessUsingOnlyResourcePermissions": True},
        "workspaceCapping": {"dailyQuotaGb": -1.0, "quotaNextResetTime": now, "dataIngestionStatus": "RespectQuota"},
        "publicNetworkAccessForIngestion": "Enabled",
        "publicNetworkAccessForQuery": "Enabled",
        "createdDate": now,
        "modifiedDate": now,
    }


def _checked(given: Mapping[str, Any], have: Mapping[str, Any]) -> Body:
    """What of a body is written; raises ArmError (400). Read-only properties are ignored."""
    kept = {key: value for key, value in given.items() if key in _WRITABLE}
    sku = {**(have.get("sku") or {}), **(kept.get("sku") or {})}
    if sku:
        name = next((word for word in SKUS if word.lower() == str(sku.get("name")).lower()), None)
        if name is None:
            raise bad_request("InvalidParameter", f"The pricing tier {sku.get('name')} is none of {', '.join(SKUS)}.")
        kept["sku"] = {**sku, "name": name}
    days = kept.get("retentionInDays", 30)
    if days not in DAYS and not (days == 7 and kept.get("sku", {}).get("name") == "Free"):
        raise bad_request("BadRequest", "'RetentionInDays' property doesn't match the SKU limits.")
    if "workspaceCapping" in kept:
        kept["workspaceCapping"] = {**(have.get("workspaceCapping") or {}), **kept["workspaceCapping"]}
    return kept
