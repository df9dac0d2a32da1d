"""dnsZones and their record sets."""

import ipaddress
import re
import uuid
from typing import Any

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, ResourceType
from fakecloud.store import Body

TYPE = "Microsoft.Network/dnsZones"
RECORD_TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")
_LIST = {
    "A": "ARecords",
    "AAAA": "AAAARecords",
    "CAA": "caaRecords",
    "MX": "MXRecords",
    "NS": "NSRecords",
    "PTR": "PTRRecords",
    "SRV": "SRVRecords",
    "TXT": "TXTRecords",
}
ZONE_NAME = re.compile(r"^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
RECORD_NAME = re.compile(
    r"^(@|\*|(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*)$"
)
MAX_RECORDS = 20


class Zones(ResourceType):
    """Microsoft.Network/dnsZones: global, made at once."""

    type = TYPE

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
        if not ZONE_NAME.match(name) or len(name) > 253:
            raise bad_request(
                "BadRequest",
                f"The domain name '{call.target.name}' is invalid. The provided domain name must be a relative domain name, cannot contain spaces, and must have at least two labels.",
            )
        if str(call.body.get("location", "")).lower() != "global":
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
                "maxNumberOfRecordSets": 10000,
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
        changed = {**body, "tags": call.body.get("tags", body.get("tags")), "etag": str(uuid.uuid4())}
        self.store.put(RESOURCE, body["id"], changed)
        return Answer(200, self.shown(changed))

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self.context.resource(call.target.id)
        if body is None:
            return Answer(204)
        _precondition(call, body)
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
        prefix = operation["resource"].lower()
        self.store.write(
            [*((RESOURCE, key, None) for key, _ in self.store.under(RESOURCE, prefix + "/")), (RESOURCE, prefix, None)]
        )


class RecordSets(ResourceType):
    """Microsoft.Network/dnsZones/<record type>."""

    def __init__(self, context: Context, record_type: str) -> None:
        super().__init__(context)
        self.type = f"{TYPE}/{record_type}"
        self._record_type = record_type

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
        if not RECORD_NAME.match(name):
            raise bad_request("BadRequest", f"The record set name '{call.target.name}' is invalid.")
        known = self.context.resource(call.target.id)
        _precondition(call, known)
        given = call.body.get("properties") or {}
        properties = self._checked(given)
        self._refuse_cname_conflict(zone["id"], name)
        if "metadata" in given:
            properties["metadata"] = given["metadata"]
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
        ttl = next((value for key, value in given.items() if key.lower() == "ttl"), None)
        if not isinstance(ttl, int) or isinstance(ttl, bool) or not 1 <= ttl <= 2147483647:
            raise bad_request("BadRequest", f"The TTL '{ttl}' is invalid: it takes 1 to 2147483647 seconds.")
        if self._record_type in {"CNAME", "SOA"}:
            field = f"{self._record_type}Record"
            record = next((value for key, value in given.items() if key.lower() == field.lower()), None)
            if not isinstance(record, dict):
                raise bad_request("BadRequest", f"The record set needs {field}.")
            return {"TTL": ttl, field: record}
        field = _LIST[self._record_type]
        records = next((value for key, value in given.items() if key.lower() == field.lower()), None) or []
        if len(records) > MAX_RECORDS:
            raise bad_request(
                "BadRequest", f"The number of records in the record set exceeds the limit of {MAX_RECORDS}."
            )
        if self._record_type in {"A", "AAAA"}:
            key, version = ("ipv4Address", 4) if self._record_type == "A" else ("ipv6Address", 6)
            for record in records:
                _check_address(str(record.get(key)), version)
        return {"TTL": ttl, field: records, "targetResource": given.get("targetResource") or {}}

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
    if wanted and wanted != "*" and (known is None or known.get("etag") != wanted.strip('"')):
        raise ArmError(
            412, "PreconditionFailed", "The condition '" + wanted + "' in the If-Match header was not satisfied."
        )
    if call.headers.get("If-None-Match") == "*" and known is not None:
        raise ArmError(412, "PreconditionFailed", "The condition '*' in the If-None-Match header was not satisfied.")


def _check_address(address: str, version: int) -> None:
    try:
        good = ipaddress.ip_address(address).version == version
    except ValueError:
        good = False
    if not good:
        raise bad_request("BadRequest", f"The IPv{version} address '{address}' is invalid.")
