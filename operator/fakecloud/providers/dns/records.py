"""Record sets of zones, public and private: they differ in how Azure spells them."""

import ipaddress
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fakecloud.arm import shapes
from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.ids import parse
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, ResourceType
from fakecloud.store import Body

RECORD_NAME = re.compile(
    r"(@|\*|(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*)"
)
ZONE_NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MAX_RECORDS: Final = 20
ADDRESSES: Final = "microsoft.network/publicipaddresses"
ELSEWHERE: Final = frozenset(
    {
        "microsoft.cdn/profiles/endpoints",
        "microsoft.network/frontdoors",
        "microsoft.network/trafficmanagerprofiles",
    }
)
"""What an alias may stand for in Azure, and nobody has here."""
LINKS: Final = "virtualNetworkLinks"
"""What zones hold beside record sets."""


@dataclass(frozen=True)
class Dialect:
    """How a kind of zone spells its record sets."""

    zones: str
    """The type of the zones."""
    shown: str
    """The beginning of the type that a record set shows."""
    ttl: str
    fields: Mapping[str, shapes.Object]
    """By record type, the property that holds its records; all of an entry's fields are needed."""
    empty: Mapping[str, Any]
    """What every record set has beside its records, until it is built."""
    max_sets: int
    """In a zone."""
    aliases: frozenset[str] = frozenset()
    """The record types that may stand for a resource instead of having records."""


class RecordSets(ResourceType):
    """The record sets of one type."""

    dialect: Dialect
    verbs = ("GET", "LIST", "PUT", "PATCH", "DELETE")

    def __init__(self, context: Context, record_type: str) -> None:
        super().__init__(context)
        self.type = f"{self.dialect.zones}/{record_type}"
        self._record_type = record_type

    def read(self, body: Body) -> Body:
        """See ResourceType."""
        properties: shapes.Object = {
            self.dialect.ttl: int,
            "metadata": {...: str},
            **({"targetResource": shapes.REFERENCE} if self.dialect.aliases else {}),
            **self.dialect.fields[self._record_type],
        }
        kept: Body = shapes.read({"properties": properties}, body, self.malformed)
        return kept

    def missing(self, target: Any) -> ArmError:
        """See ResourceType."""
        return ArmError(
            404,
            "NotFound",
            f"The resource record '{target.name}' does not exist in resource group '{target.group}' of subscription '{target.subscription}'.",
        )

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        zone = self.context.resource(call.target.parent or "")
        if zone is None:
            raise ArmError(
                404,
                "ParentResourceNotFound",
                f"Can not perform requested operation on nested resource. Parent resource '{call.target.names[0]}' not found.",
            )
        name = call.target.name.lower()
        if not RECORD_NAME.fullmatch(name) or len(f"{name}.{zone['name']}") > 253:
            raise bad_request("BadRequest", f"The record set name '{call.target.name}' is invalid.")
        known = self.context.resource(call.target.id)
        precondition(call, known)
        return self._written(zone, name, known, call.body.get("properties") or {})

    async def patch(self, call: Call) -> Answer:
        """See ResourceType: of what the body tells each property is replaced whole."""
        known = self.found(call)
        zone = self.context.resource(call.target.parent or "") or {}
        precondition(call, known)
        given = {**known["properties"], **(call.body.get("properties") or {})}
        return self._written(zone, known["name"], known, given)

    def _written(self, zone: Body, name: str, known: Body | None, given: dict[str, Any]) -> Answer:
        """The answer to a record set written with the properties `given`; raises ArmError."""
        properties = self._checked(given, f"{zone['id']}/{self._record_type}/{name}")
        self._refuse_cname_conflict(zone["id"], name)
        if "metadata" in given:
            properties["metadata"] = given["metadata"]
        if known is None and count_of(self.context, zone["id"]) >= self.dialect.max_sets:
            raise bad_request(
                "TooManyRecordSets",
                f"The zone '{zone['name']}' has {self.dialect.max_sets} record sets, and can have no more.",
            )
        made = record_body(self.dialect, zone["id"], self._record_type, name, properties)
        self.store.put(RESOURCE, made["id"], made)
        return Answer(200 if known else 201, made)

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        known = self.context.resource(call.target.id)
        if known is None:
            return Answer(204)
        if self._record_type == "SOA" or (self._record_type == "NS" and call.target.name == "@"):
            raise bad_request("BadRequest", "The SOA and NS records at the root of a zone cannot be deleted.")
        precondition(call, known)
        self.store.delete(RESOURCE, known["id"])
        return Answer(200)

    def _checked(self, given: dict[str, Any], id_: str) -> Body:
        ttl = given.get(self.dialect.ttl)
        if ttl is None or not 1 <= ttl <= 2147483647:
            raise bad_request("BadRequest", f"The TTL '{ttl}' is invalid: it takes 1 to 2147483647 seconds.")
        [(key, shape)] = self.dialect.fields[self._record_type].items()
        field = str(key)
        if target := (given.get("targetResource") or {}).get("id"):
            if given.get(field):
                raise bad_request("BadRequest", "A record set has records or a targetResource, never both.")
            self._check_alias(target, id_)
            return {self.dialect.ttl: ttl, "targetResource": {"id": target}}
        if isinstance(shape, Mapping):
            self._check_entry(given.get(field), shape)
            return {self.dialect.ttl: ttl, field: given[field], **self.dialect.empty}
        records = given.get(field) or []
        if len(records) > MAX_RECORDS:
            raise bad_request(
                "BadRequest", f"The number of records in the record set exceeds the limit of {MAX_RECORDS}."
            )
        for record in records:
            self._check_entry(record, shape[0] if isinstance(shape, list) else {})
        return {self.dialect.ttl: ttl, field: records, **self.dialect.empty}

    def _check_alias(self, target: str, id_: str) -> None:
        """Raises ArmError when the record set `id_` cannot stand for `target`: a public address, or one of its like."""
        if self._record_type not in self.dialect.aliases:
            words = ", ".join(sorted(self.dialect.aliases))
            raise bad_request("BadRequest", f"A {self._record_type} record set cannot be an alias: use {words}.")
        parsed = parse(target)
        type_ = "" if parsed is None else parsed.type.lower()
        if type_ in ELSEWHERE:
            raise ArmError(501, "NotImplemented", f"fakecloud does not implement aliases of {type_}.")
        siblings = id_.rpartition("/")[0].lower()
        good = target.lower().rpartition("/")[0] == siblings and target.lower() != id_.lower()
        if not good and not (type_ == ADDRESSES and self._record_type != "CNAME"):
            raise bad_request(
                "BadRequest",
                f"The target resource '{target}' is none that this record set can stand for: use a public IP address, or a record set of the same type in the same zone.",
            )
        body = self.context.resource(target)
        if body is None:
            raise bad_request("BadRequest", f"The target resource '{target}' was not found.")
        if (body["properties"].get("targetResource") or {}).get("id"):
            raise bad_request("BadRequest", f"The target resource '{target}' is an alias itself.")

    def _check_entry(self, record: Body | None, shape: shapes.Shape) -> None:
        absent = [str(name) for name in shape if name not in (record or {})] if isinstance(shape, Mapping) else []
        if absent:
            raise bad_request("BadRequest", f"The {self._record_type} record needs {', '.join(absent)}.")
        if self._record_type in {"A", "AAAA"} and record is not None:
            _check_address(*(("ipv4Address", 4) if self._record_type == "A" else ("ipv6Address", 6)), record)

    def _refuse_cname_conflict(self, zone: str, name: str) -> None:
        others = [
            kind
            for kind in self.dialect.fields
            if kind != self._record_type and self.context.resource(f"{zone}/{kind}/{name}") is not None
        ]
        if others and "CNAME" in {*others, self._record_type}:
            raise bad_request(
                "BadRequest",
                f"The record could not be created because a {others[0]} record with the same name already exists in this zone.",
            )


def record_body(dialect: Dialect, zone: str, record_type: str, name: str, properties: Body) -> Body:
    """A record set of the zone with that id, in GET shape."""
    zone_name = zone.rpartition("/")[2].lower()
    fqdn = f"{zone_name}." if name == "@" else f"{name}.{zone_name}."
    return {
        "id": f"{zone}/{record_type}/{name}",
        "name": name,
        "type": f"{dialect.shown}/{record_type}",
        "etag": str(uuid.uuid4()),
        "properties": {**properties, "fqdn": fqdn, "provisioningState": "Succeeded"},
    }


def check_global(call: Call, type_: str) -> None:
    """Raises ArmError (400) for a zone or a link that is anywhere in particular."""
    location = call.body.get("location")
    if not location:
        raise bad_request("LocationRequired", "The location property is required for this definition.")
    if str(location).lower() != "global":
        raise bad_request(
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type '{type_}'. List of available regions for the resource type is 'global'.",
        )


def precondition(call: Call, known: Body | None) -> None:
    """Raises ArmError (412) when If-Match or If-None-Match does not hold."""
    wanted = call.headers.get("If-Match")
    if wanted and (known is None or wanted.strip('"') not in {"*", known["etag"]}):
        raise ArmError(
            412, "PreconditionFailed", "The condition '" + wanted + "' in the If-Match header was not satisfied."
        )
    if call.headers.get("If-None-Match") == "*" and known is not None:
        raise ArmError(412, "PreconditionFailed", "The condition '*' in the If-None-Match header was not satisfied.")


def _check_address(key: str, version: int, record: Body) -> None:
    try:
        good = ipaddress.ip_address(record[key]).version == version
    except ValueError:
        good = False
    if not good:
        raise bad_request("BadRequest", f"The IPv{version} address '{record[key]}' is invalid.")


class AllRecordSets(ResourceType):
    """Every record set of a zone, whatever its type."""

    dialect: Dialect
    verbs = ("LIST",)

    def __init__(self, context: Context, word: str) -> None:
        super().__init__(context)
        self.type = f"{self.dialect.zones}/{word}"

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        suffix = call.query.get("$recordsetnamesuffix", "").lower()
        found = sets_of(self.context, self.dialect, call.target.id)
        return Answer(200, {"value": [body for body in found if str(body["name"]).endswith(suffix)]})


def count_of(context: Context, zone: str) -> int:
    """How many record sets a zone has: all that is below it but its links."""
    return context.store.count(RESOURCE, f"{zone}/") - context.store.count(RESOURCE, f"{zone}/{LINKS}/")


def sets_of(context: Context, dialect: Dialect, zone: str) -> list[Body]:
    """The record sets of a zone."""
    begin = f"{dialect.shown}/".lower()
    types = {f"{begin}{kind.lower()}" for kind in dialect.fields}
    return [body for _, body in context.store.under(RESOURCE, f"{zone}/") if str(body["type"]).lower() in types]
