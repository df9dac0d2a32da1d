"""privateDnsZones, their record sets, and their links to the networks that they answer in."""

import uuid
from abc import abstractmethod
from typing import Any, ClassVar, Final

from fakecloud.arm import shapes
from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.types import RESOURCE, Answer, Call, Change, Context, Fidelity, ResourceType
from fakecloud.providers.dns.records import (
    LINKS,
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

TYPE: Final = "Microsoft.Network/privateDnsZones"
LINK_TYPE: Final = f"{TYPE}/{LINKS}"
NETWORKS: Final = "Microsoft.Network/virtualNetworks"
MAX_SETS: Final = 25_000
MAX_LINKS: Final = 1000
MAX_REGISTERING: Final = 100
DIALECT: Final = Dialect(
    zones=TYPE,
    shown=TYPE,
    ttl="ttl",
    empty={"isAutoRegistered": False},
    max_sets=MAX_SETS,
    fields={
        "A": {"aRecords": [{"ipv4Address": str}]},
        "AAAA": {"aaaaRecords": [{"ipv6Address": str}]},
        "CNAME": {"cnameRecord": {"cname": str}},
        "MX": {"mxRecords": [{"preference": int, "exchange": str}]},
        "PTR": {"ptrRecords": [{"ptrdname": str}]},
        "SOA": {
            "soaRecord": {
                **dict.fromkeys(("host", "email"), str),
                **dict.fromkeys(("serialNumber", "refreshTime", "retryTime", "expireTime", "minimumTtl"), int),
            }
        },
        "SRV": {"srvRecords": [{"priority": int, "weight": int, "port": int, "target": str}]},
        "TXT": {"txtRecords": [{"value": [str]}]},
    },
)


class GlobalType(ResourceType):
    """A resource that is nowhere in particular and is written by operations: 202 without a body."""

    verbs = ("GET", "LIST", "PUT", "PATCH", "DELETE")
    seconds: ClassVar[float]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._put, self._delete = f"put:{self.type}", f"delete:{self.type}"
        context.operations.register(self._put, self._made, self._failed)
        context.operations.register(self._delete, self._gone, self._failed)

    @abstractmethod
    def check(self, call: Call, known: Body | None) -> Body:
        """The properties as they will be kept; raises ArmError for what Azure refuses."""

    def check_gone(self, body: Body) -> None:
        """Raises ArmError when it cannot be deleted by itself."""

    def beside(self, body: Body) -> list[Change]:
        """What is made together with a new one."""
        return []

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        known = self.context.resource(call.target.id)
        check_global(call, self.type)
        precondition(call, known)
        self._refuse_busy(call)
        return self._written(call, known, call.body.get("tags") or {}, self.check(call, known))

    async def patch(self, call: Call) -> Answer:
        """See ResourceType: tags, and of the properties those told."""
        known = self.found(call)
        precondition(call, known)
        self._refuse_busy(call)
        return self._written(call, known, call.body.get("tags") or known["tags"], self.check(call, known))

    def _written(self, call: Call, known: Body | None, tags: Body, properties: Body) -> Answer:
        body: Body = {
            "id": (known or {}).get("id") or f"{call.target.id.rpartition('/')[0]}/{call.target.name.lower()}",
            "name": (known or {}).get("name") or call.target.name.lower(),
            "type": self.type,
            "etag": str(uuid.uuid4()),
            "location": "global",
            "tags": tags,
            "properties": {**properties, "provisioningState": "Updating" if known else "Creating"},
        }
        operation = self._operation(self._put, call, body)
        self.context.begin(operation, (RESOURCE, body["id"], body), *([] if known else self.beside(body)))
        return Answer(202, None, operation=operation, location=True)

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self.context.resource(call.target.id)
        if body is None:
            return Answer(204)
        precondition(call, body)
        running = self.context.operations.running_on(body["id"])
        if running is not None and running["name"] == self._delete:
            return Answer(202, None, operation=running, location=True)
        self._refuse_busy(call)
        self.check_gone(body)
        deleting = {**body, "properties": {**body["properties"], "provisioningState": "Deleting"}}
        operation = self._operation(self._delete, call, body)
        self.context.begin(operation, (RESOURCE, body["id"], deleting))
        return Answer(202, None, operation=operation, location=True)

    def _operation(self, name: str, call: Call, body: Body) -> Body:
        return self.context.operations.document(
            name,
            resource=body["id"],
            provider="Microsoft.Network",
            location="global",
            subscription=call.target.subscription,
            seconds=self.seconds,
            words="privateDns",
        )

    def _refuse_busy(self, call: Call) -> None:
        if self.context.operations.running_on(call.target.id) is not None:
            raise ArmError(
                409,
                "Conflict",
                f"Another operation on {call.target.id} is in progress. Please retry after it has ended.",
            )

    async def _made(self, operation: Body) -> None:
        self._end(operation, "Succeeded")

    async def _failed(self, operation: Body) -> None:
        self._end(operation, "Failed")

    async def _gone(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None:
            await self.remove(body)

    def _end(self, operation: Body, state: str) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None:
            properties = self.ended({**body["properties"], "provisioningState": state})
            self.store.put(RESOURCE, body["id"], {**body, "properties": properties})

    def ended(self, properties: Body) -> Body:
        """The properties when an operation is over."""
        return properties


class PrivateZones(GlobalType):
    """Microsoft.Network/privateDnsZones."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "written by operations: 202 without a body, privateDnsOperationStatuses and privateDnsOperationResults (R); etags are GUIDs",
            "an SOA set from the start, which stays; counters of record sets and links (R)",
            "with links it cannot be deleted: 409 CannotDeleteResource (I); with its group it goes all the same",
        ),
        simplified=("a zone that is being made can be read, and has its state Creating",),
    )
    seconds = 20.0

    def shown(self, body: Body) -> Body:
        """See ResourceType: with its counters."""
        links = self.context.children(body["id"], LINK_TYPE)
        counters = {
            "maxNumberOfRecordSets": MAX_SETS,
            "numberOfRecordSets": count_of(self.context, body["id"]),
            "maxNumberOfVirtualNetworkLinks": MAX_LINKS,
            "numberOfVirtualNetworkLinks": len(links),
            "maxNumberOfVirtualNetworkLinksWithRegistration": MAX_REGISTERING,
            "numberOfVirtualNetworkLinksWithRegistration": sum(
                1 for link in links if link["properties"]["registrationEnabled"]
            ),
        }
        return {**super().shown(body), "properties": {**counters, **body["properties"]}}

    def check(self, call: Call, known: Body | None) -> Body:
        """See GlobalType."""
        name = call.target.name.lower()
        if not ZONE_NAME.fullmatch(name) or len(name) > 253:
            raise bad_request(
                "BadRequest",
                f"The domain name '{call.target.name}' is invalid. The provided domain name must be a relative domain name, cannot contain spaces, and must have at least two labels.",
            )
        return {}

    def beside(self, body: Body) -> list[Change]:
        """See GlobalType: the SOA set."""
        soa = {
            "host": "azureprivatedns.net",
            "email": "azureprivatedns-host.microsoft.com",
            "serialNumber": 1,
            "refreshTime": 3600,
            "retryTime": 300,
            "expireTime": 2419200,
            "minimumTtl": 10,
        }
        made = record_body(DIALECT, body["id"], "SOA", "@", {"ttl": 3600, "soaRecord": soa, **DIALECT.empty})
        return [(RESOURCE, made["id"], made)]

    def check_gone(self, body: Body) -> None:
        """See GlobalType: links keep it."""
        if self.context.children(body["id"], LINK_TYPE):
            raise ArmError(
                409, "CannotDeleteResource", "Can not delete resource before nested resources are deleted.", details=[]
            )


class Links(GlobalType):
    """Microsoft.Network/privateDnsZones/virtualNetworkLinks."""

    type = LINK_TYPE
    fidelity = Fidelity(
        exact=(
            "written by operations: 202 without a body (R); virtualNetworkLinkState InProgress, then Completed",
            "the network exists and stays the same; one link of a network to zones of one name, one with registrationEnabled (D)",
        ),
        simplified=(
            "codes of refusals are ours; a network that is linked can be deleted, and the link stays (D)",
            "registrationEnabled is kept, and no machine's name is registered; NxDomainRedirect is kept, and nothing is redirected",
        ),
    )
    seconds = 30.0
    shape: ClassVar[shapes.Shape] = {
        **shapes.TRACKED,
        "properties": {
            "virtualNetwork": shapes.REFERENCE,
            "registrationEnabled": bool,
            "resolutionPolicy": shapes.Words(("Default", "NxDomainRedirect")),
        },
    }

    def check(self, call: Call, known: Body | None) -> Body:
        """See GlobalType."""
        had: dict[str, Any] = (known or {}).get("properties", {})
        given = {**had, **(call.body.get("properties") or {})}
        network = str((given.get("virtualNetwork") or {}).get("id") or "")
        if had and network.lower() != had["virtualNetwork"]["id"].lower():
            raise bad_request("BadRequest", "Updates to the property 'virtualNetwork' are not allowed.")
        found = self.context.resource(network)
        if not had and (found is None or found["type"] != NETWORKS):
            raise bad_request("BadRequest", f"The virtual network '{network}' of the link was not found.")
        registering = given.get("registrationEnabled", False)
        self._check_alone(call, network, registering=registering)
        return {
            "virtualNetwork": {"id": network},
            "registrationEnabled": registering,
            "resolutionPolicy": given.get("resolutionPolicy", "Default"),
            "virtualNetworkLinkState": "InProgress",
        }

    def _check_alone(self, call: Call, network: str, *, registering: bool) -> None:
        """Raises ArmError (400) when a network has such a link already."""
        zone = call.target.names[0].lower()
        for link in self.store.resources(self.type):
            properties = link["properties"]
            if (
                link["id"].lower() == call.target.id.lower()
                or properties["virtualNetwork"]["id"].lower() != network.lower()
            ):
                continue
            other = link["id"].split("/")[8]
            if other.lower() == zone:
                raise bad_request(
                    "BadRequest",
                    f"A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link virtual network with '{zone}' and '{other}' zones.",
                )
            if registering and properties["registrationEnabled"]:
                raise bad_request(
                    "BadRequest",
                    f"A virtual network can only be linked to 1 Private DNS zone with auto-registration enabled; conflicting Private DNS zone is '{other}'.",
                )

    def ended(self, properties: Body) -> Body:
        """See GlobalType."""
        return {**properties, "virtualNetworkLinkState": "Completed"}


class PrivateRecordSets(RecordSets):
    """Microsoft.Network/privateDnsZones/<record type>."""

    dialect = DIALECT
    fidelity = Fidelity(
        exact=(
            "201, 200, DELETE 200 or 204 at once; properties in camelCase (M); 20 records a set (D)",
            "If-Match and If-None-Match: 412 (M); a CNAME stands alone",
        ),
        simplified=("names and texts of records are taken as they are; the serial of a zone does not grow",),
    )


class AllPrivateRecordSets(AllRecordSets):
    """Microsoft.Network/privateDnsZones/ALL."""

    dialect = DIALECT
    fidelity = Fidelity(exact=("all types together, `$recordsetnamesuffix`",))
