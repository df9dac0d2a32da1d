"""dnsZones and their record sets."""

import uuid
from typing import Final

from fakecloud.arm.errors import bad_request
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, Fidelity, ResourceType
from fakecloud.providers.dns.records import (
    MAX_RECORDS,
    ZONE_NAME,
    AllRecordSets,
    Dialect,
    RecordSets,
    check_global,
    count_of,
    precondition,
    record_body,
)
from fakecloud.store import Body

TYPE: Final = "Microsoft.Network/dnsZones"
MAX_SETS: Final = 10_000
DIALECT: Final = Dialect(
    zones=TYPE,
    shown="Microsoft.Network/dnszones",
    ttl="TTL",
    empty={"targetResource": {}},
    max_sets=MAX_SETS,
    aliases=frozenset({"A", "AAAA", "CNAME"}),
    fields={
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
    },
)


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
        missing=("DNSSEC",),
    )
    verbs = ("GET", "LIST", "PUT", "PATCH", "DELETE")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        context.operations.register("deleteZone", self._gone)

    def shown(self, body: Body) -> Body:
        """See ResourceType: with the number of record sets."""
        count = count_of(self.context, body["id"])
        return {**body, "properties": {**body["properties"], "numberOfRecordSets": count}}

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        name = call.target.name.lower()
        if not ZONE_NAME.fullmatch(name) or len(name) > 253:
            raise bad_request(
                "BadRequest",
                f"The domain name '{call.target.name}' is invalid. The provided domain name must be a relative domain name, cannot contain spaces, and must have at least two labels.",
            )
        check_global(call, TYPE)
        known = self.context.resource(call.target.id)
        precondition(call, known)
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
                record_body(DIALECT, id_, "SOA", "@", {"TTL": 3600, "SOARecord": soa}),
                record_body(DIALECT, id_, "NS", "@", {"TTL": 172800, "NSRecords": [{"nsdname": s} for s in servers]}),
            ):
                changes.append((RESOURCE, record["id"], record))
        self.store.write(changes)
        return Answer(200 if known else 201, self.shown(body))

    async def patch(self, call: Call) -> Answer:
        """See ResourceType: tags."""
        body = self.found(call)
        precondition(call, body)
        changed = {**body, "tags": call.body.get("tags", body.get("tags")), "etag": str(uuid.uuid4())}
        self.store.put(RESOURCE, body["id"], changed)
        return Answer(200, self.shown(changed))

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self.context.resource(call.target.id)
        if body is None:
            return Answer(204)
        precondition(call, body)
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
            words="dns",
        )
        self.context.begin(operation)
        return Answer(202, None, operation=operation, location=True)

    async def _gone(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None:
            await self.remove(body)


class PublicRecordSets(RecordSets):
    """Microsoft.Network/dnsZones/<record type>."""

    dialect = DIALECT
    fidelity = Fidelity(
        exact=(
            "201, 200, DELETE 200 or 204 (R); properties in PascalCase, metadata, fqdn (R); 20 records a set (D)",
            "If-Match and If-None-Match: 412 (M); a CNAME stands alone",
            "aliases (`targetResource`) of public addresses and of record sets of their type and zone; when the target goes they are empty (D)",
        ),
        simplified=(
            "names and texts of records are taken as they are; the serial of a zone does not grow",
            "the refusals of aliases are ours, and an alias of an alias is refused",
        ),
        missing=("aliases of Traffic Manager, Front Door and CDN: 501",),
    )


class AllPublicRecordSets(AllRecordSets):
    """Microsoft.Network/dnsZones/recordsets, and under its other name, all."""

    dialect = DIALECT
    fidelity = Fidelity(exact=("all types together, `$recordsetnamesuffix`",))
