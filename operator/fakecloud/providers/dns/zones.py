"""dnsZones and their record sets."""

import ipaddress
import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

from fakecloud.arm import shapes
from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, Fidelity, ResourceType
from fakecloud.store import Body

TYPE = "Microsoft.Network/dnsZones"
RECORD_TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")
_SHAPES: Final[Mapping[str, shapes.Object]] = {
    "A": {"ARecords": [{"ipv4Address": str}]},
    "AAAA": {"AAAARecords": [{"ipv6Address": str}]},
    "CAA": {"caaRecords": [{"flags": int, "tag": str, "value": str}]},
    "CNAME": {"CNAMERecord": {"cname": str}},
    "MX": {"MXRecords": [{"preference": int, "exchange": str}]},
    "NS": {"NSRecords": [{"nsdname": str}]},
    "PTR": {"PTRRecords": [{"ptrdname": str}]},
    "SOA": {
        "SOARecord": {
            **dict.fromkeys(("host", "email"), str),
            **dict.fromkeys(("serialNumber", "refreshTime", "retryTime", "expireTime", "minimumTTL"), int),
        }
    },
    "SRV": {"SRVRecords": [{"priority": int, "weight": int, "port": int, "target": str}]},
    "TXT": {"TXTRecords": [{"value": [str]}]},
}
"""The properties of each record type, spelled as Azure does; all of an entry's fields are needed."""
ZONE_NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
RECORD_NAME = re.compile(
    r"(@|\*|(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*)"
)
MAX_RECORDS = 20
MAX_SETS = 10_000


class Zones(ResourceType):
    """Microsoft.Network/dnsZones: global, made at once."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "global, made at once; DELETE 202 with dnsOperationStatuses and dnsOperationResults (R)",
            "SOA and NS sets from the start, which stay; etags are GUIDs; 10 000 sets a zone (D)",
        ),
        simplified=(
            "always the same four name servers, whose names lead nowhere: the DNS server of this cloud answers",
        ),
        missing=("private zones: 501; DNSSEC",),
    )
    verbs = ("GET", "LIST", "PUT", "PATCH", "DELETE")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        context.operations.register("deleteZone", self._gone)

    def shown(self, body: Body) -> Body:
        """See ResourceType: with the number of record sets."""
        count = sum(1 for _ in self.store.under(RESOURCE, body["id"] + "/"))
        return {**body, "properties": {**body["properties"], "numberOfRecordSets": count}}

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        name = call.target.name.lower()
        if not ZONE_NAME.fullmatch(name) or len(name) > 253:
            raise bad_request(
                "BadRequest",
                f"The domain name '{call.target.name}' is invalid. The provided domain name must be a relative domain name, cannot contain spaces, and must have at least two labels.",
            )
        if not call.body.get("location"):
            raise bad_request("LocationRequired", "The location property is required for this definition.")
        if call.body["location"].lower() != "global":
            raise bad_request(
                "LocationNotAvailableForResourceType",
                f"The provided location '{call.body.get('location')}' is not available for resource type 'Microsoft.Network/dnsZones'. List of available regions for the resource type is 'global'.",
            )
        known = self.context.resource(call.target.id)
        _precondition(call, known)
        id_ = (known or {}).get("id") or f"{call.target.id.rpartition('/')[0]}/{name}"
        servers = [f"ns1-01.{h}." for h in ("azure-dns.com", "azure-dns.net", "azure-dns.org", "azure-dns.info")]
        body: Body = {
            "id": id_,
            "name": name,
            "type": "Microsoft.Network/dnszones",
            "etag": str(uuid.uuid4()),
            "location": "global",
            "tags": call.body.get("tags") or {},
            "properties": {
                "maxNumberOfRecordSets": MAX_SETS,
                "maxNumberOfRecordsPerRecordSet": MAX_RECORDS,
                "nameServers": servers,
                "zoneType": "Public",
            },
        }
        changes: list[tuple[str, str, Body | None]] = [(RESOURCE, id_, body)]
        if known is None:
            soa = {
                "host": servers[0],
                "email": "azuredns-hostmaster.microsoft.com",
                "serialNumber": 1,
                "refreshTime": 3600,
                "retryTime": 300,
                "expireTime": 2419200,
                "minimumTTL": 300,
            }
            for record in (
                _record(id_, name, "SOA", "@", {"TTL": 3600, "SOARecord": soa}),
                _record(id_, name, "NS", "@", {"TTL": 172800, "NSRecords": [{"nsdname": s} for s in servers]}),
            ):
                changes.append((RESOURCE, record["id"], record))
        self.store.write(changes)
        return Answer(200 if known else 201, self.shown(body))

    async def patch(self, call: Call) -> Answer:
        """See ResourceType: tags."""
        body = self.found(call)
        _precondition(call, body)
        changed = {**body, "tags": call.body.get("tags", body.get("tags")), "etag": str(uuid.uuid4())}
        self.store.put(RESOURCE, body["id"], changed)
        return Answer(200, self.shown(changed))

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self.context.resource(call.target.id)
        if body is None:
            return Answer(204)
        _precondition(call, body)
        running = self.context.operations.running_on(body["id"])
        if running is not None:
            return Answer(202, None, operation=running, location=True)
        operation = self.context.operations.document(
            "deleteZone",
            resource=body["id"],
            provider="Microsoft.Network",
            location="global",
            subscription=call.target.subscription,
            seconds=4.0,
        )
        self.context.begin(operation)
        return Answer(202, None, operation=operation, location=True)

    async def _gone(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None:
            await self.remove(body)


class RecordSets(ResourceType):
    """Microsoft.Network/dnsZones/<record type>."""

    fidelity = Fidelity(
        exact=(
            "201, 200, DELETE 200 or 204 (R); properties in PascalCase, metadata, fqdn (R); 20 records a set (D)",
            "If-Match and If-None-Match: 412 (M); a CNAME stands alone",
        ),
        simplified=("names and texts of records are taken as they are; the serial of a zone does not grow",),
        missing=("alias records: 501",),
    )

    verbs = ("GET", "LIST", "PUT", "PATCH", "DELETE")

    def __init__(self, context: Context, record_type: str) -> None:
        super().__init__(context)
        self.type = f"{TYPE}/{record_type}"
        self._record_type = record_type

    def read(self, body: Body) -> Body:
        """See ResourceType."""
        properties: shapes.Object = {
            "TTL": int,
            "metadata": {...: str},
            "targetResource": shapes.REFERENCE,
            **_SHAPES[self._record_type],
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
        _precondition(call, known)
        return self._written(zone, name, known, call.body.get("properties") or {})

    async def patch(self, call: Call) -> Answer:
        """See ResourceType: of what the body tells each property is replaced whole."""
        known = self.found(call)
        zone = self.context.resource(call.target.parent or "") or {}
        _precondition(call, known)
        given = {**known["properties"], **(call.body.get("properties") or {})}
        return self._written(zone, known["name"], known, given)

    def _written(self, zone: Body, name: str, known: Body | None, given: dict[str, Any]) -> Answer:
        """The answer to a record set written with the properties `given`; raises ArmError."""
        properties = self._checked(given)
        self._refuse_cname_conflict(zone["id"], name)
        if "metadata" in given:
            properties["metadata"] = given["metadata"]
        if known is None and sum(1 for _ in self.store.under(RESOURCE, f"{zone['id']}/")) >= MAX_SETS:
            raise bad_request(
                "TooManyRecordSets", f"The zone '{zone['name']}' has {MAX_SETS} record sets, and can have no more."
            )
        record = _record(zone["id"], zone["name"], self._record_type, name, properties)
        self.store.put(RESOURCE, record["id"], record)
        return Answer(200 if known else 201, record)

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        known = self.context.resource(call.target.id)
        if known is None:
            return Answer(204)
        if self._record_type == "SOA" or (self._record_type == "NS" and call.target.name == "@"):
            raise bad_request("BadRequest", "The SOA and NS records at the root of a zone cannot be deleted.")
        _precondition(call, known)
        self.store.delete(RESOURCE, known["id"])
        return Answer(200)

    def _checked(self, given: dict[str, Any]) -> Body:
        ttl = given.get("TTL")
        if ttl is None or not 1 <= ttl <= 2147483647:
            raise bad_request("BadRequest", f"The TTL '{ttl}' is invalid: it takes 1 to 2147483647 seconds.")
        if (given.get("targetResource") or {}).get("id"):
            raise ArmError(501, "NotImplemented", f"fakecloud does not implement alias records of {TYPE}.")
        [(key, shape)] = _SHAPES[self._record_type].items()
        field = str(key)
        if isinstance(shape, Mapping):
            self._check_entry(given.get(field), shape)
            return {"TTL": ttl, field: given[field]}
        records = given.get(field) or []
        if len(records) > MAX_RECORDS:
            raise bad_request(
                "BadRequest", f"The number of records in the record set exceeds the limit of {MAX_RECORDS}."
            )
        for record in records:
            self._check_entry(record, shape[0] if isinstance(shape, list) else {})
        return {"TTL": ttl, field: records, "targetResource": {}}

    def _check_entry(self, record: Body | None, shape: shapes.Shape) -> None:
        absent = [str(name) for name in shape if name not in (record or {})] if isinstance(shape, Mapping) else []
        if absent:
            raise bad_request("BadRequest", f"The {self._record_type} record needs {', '.join(absent)}.")
        if self._record_type in {"A", "AAAA"} and record is not None:
            _check_address(*(("ipv4Address", 4) if self._record_type == "A" else ("ipv6Address", 6)), record)

    def _refuse_cname_conflict(self, zone: str, name: str) -> None:
        others = [
            kind
            for kind in RECORD_TYPES
            if kind != self._record_type and self.context.resource(f"{zone}/{kind}/{name}") is not None
        ]
        if others and "CNAME" in {*others, self._record_type}:
            raise bad_request(
                "BadRequest",
                f"The record could not be created because a {others[0]} record with the same name already exists in this zone.",
            )


def _record(zone: str, zone_name: str, record_type: str, name: str, properties: Body) -> Body:
    fqdn = f"{zone_name}." if name == "@" else f"{name}.{zone_name}."
    return {
        "id": f"{zone}/{record_type}/{name}",
        "name": name,
        "type": f"Microsoft.Network/dnszones/{record_type}",
        "etag": str(uuid.uuid4()),
        "properties": {**properties, "fqdn": fqdn, "provisioningState": "Succeeded"},
    }


def _precondition(call: Call, known: Body | None) -> None:
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
    """Every record set of a zone, whatever its type: Microsoft.Network/dnsZones/recordsets, and under its other name, all."""

    fidelity = Fidelity(
        exact=("all types together, `$recordsetnamesuffix`",),
    )

    verbs = ("LIST",)

    def __init__(self, context: Context, word: str) -> None:
        super().__init__(context)
        self.type = f"{TYPE}/{word}"

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        suffix = call.query.get("$recordsetnamesuffix", "").lower()
        found = [body for _, body in self.store.under(RESOURCE, call.target.id + "/")]
        return Answer(200, {"value": [body for body in found if str(body["name"]).endswith(suffix)]})
