"""publicIPAddresses: each its own address out of the public range."""

import ipaddress
import re
import uuid
from collections.abc import Iterable
from typing import ClassVar

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.locations import normal
from fakecloud.arm.quotas import ADDRESSES
from fakecloud.arm.shapes import TRACKED, Shape
from fakecloud.arm.types import Call, Context, Fidelity
from fakecloud.providers.network.addressing import holder_of
from fakecloud.providers.network.base import NetworkType, etag, properties_of, refuse_unbuilt
from fakecloud.store import Body

LABEL = re.compile(r"[a-z][a-z0-9-]{1,61}[a-z0-9]")

UNBUILT = (
    "publicIPPrefix",
    "linkedPublicIPAddress",
    "dnsSettings.reverseFqdn",
    "dnsSettings.domainNameLabelScope",
)


class PublicIPAddresses(NetworkType):
    """Microsoft.Network/publicIPAddresses."""

    type = "Microsoft.Network/publicIPAddresses"
    fidelity = Fidelity(
        exact=(
            "Standard is Static; every address is of its own; idle timeout 4 to 30 min (M)",
            "domain name labels are unique in a region: DnsRecordInUse (I)",
            "`ipConfiguration` and `natGateway` are read-only, and who is in use cannot go (I); zones are settled at creation",
        ),
        simplified=(
            "addresses come from `--public-range`; when they are used up, or the quota is: PublicIPCountLimitReached (I)",
        ),
        missing=(
            "Basic is refused as retired",
            "IPv6, tier Global, prefixes, reverse names: 501",
        ),
    )
    seconds = 3.0
    shape: ClassVar[Shape] = {
        **TRACKED,
        "properties": {
            "publicIPAllocationMethod": str,
            "publicIPAddressVersion": str,
            "idleTimeoutInMinutes": int,
            "dnsSettings": {"domainNameLabel": str},
            "ipTags": [{...: str}],
        },
    }

    def __init__(self, context: Context, public_range: str) -> None:
        super().__init__(context)
        self._range = ipaddress.ip_network(public_range)

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        refuse_unbuilt(self.type, given, UNBUILT)
        sku = (call.body.get("sku") or {}).get("name") or "Standard"
        if sku != "Standard":
            raise bad_request("PublicIPSkuNotSupported", "Basic SKU public IP addresses are retired: use Standard.")
        method = given.get("publicIPAllocationMethod") or "Static"
        if method != "Static":
            raise bad_request(
                "StandardSkuPublicIPAddressesMustBeStatic",
                f"Standard sku publicIp {call.target.id} must have AllocationMethod set to Static.",
            )
        idle = given.get("idleTimeoutInMinutes", 4)
        if not 4 <= idle <= 30:
            raise bad_request(
                "PublicIPAddressIdleTimeoutIsOutOfRange", f"Idle timeout {idle} is out of range: 4 to 30 minutes."
            )
        if (given.get("publicIPAddressVersion") or "IPv4") != "IPv4":
            raise ArmError(501, "NotImplemented", f"fakecloud does not implement IPv6 of {self.type}.")
        if known is None:
            self._check_quota(call)
        old = (known or {}).get("properties") or {}
        kept: Body = {
            "ipAddress": old.get("ipAddress") or self._free(),
            "publicIPAddressVersion": "IPv4",
            "publicIPAllocationMethod": method,
            "idleTimeoutInMinutes": idle,
            "ipTags": given.get("ipTags") or [],
            "ddosSettings": {"protectionMode": "VirtualNetworkInherited"},
        }
        kept |= {word: old[word] for word in ("ipConfiguration", "natGateway") if old.get(word)}
        label = (given.get("dnsSettings") or {}).get("domainNameLabel")
        if label:
            kept["dnsSettings"] = self._dns(call, str(label))
        return kept

    def _check_quota(self, call: Call) -> None:
        location, prefix = normal(call.body.get("location")), f"/subscriptions/{call.target.subscription}/".lower()
        limit = self.context.quotas.of(location, ADDRESSES)
        have = sum(
            1
            for other in (self.store.resources(self.type) if limit is not None else ())
            if other["location"] == location and str(other["id"]).lower().startswith(prefix)
        )
        if limit is not None and have >= limit:
            raise bad_request(
                "PublicIPCountLimitReached",
                f"Cannot create more than {limit} public IP addresses for this subscription in this region.",
            )

    def _dns(self, call: Call, label: str) -> Body:
        location = normal(call.body.get("location"))
        if not LABEL.fullmatch(label):
            raise bad_request(
                "InvalidDomainNameLabel",
                f"The domain name label {label} is invalid. It must conform to the following regular expression: ^[a-z][a-z0-9-]{{1,61}}[a-z0-9]$.",
            )
        fqdn = f"{label}.{location}.cloudapp.azure.com"
        for other in self.store.resources(self.type):
            if (
                other["id"].lower() != call.target.id.lower()
                and (other["properties"].get("dnsSettings") or {}).get("fqdn") == fqdn
            ):
                raise bad_request("DnsRecordInUse", f"DNS record {fqdn} is already used by another public IP.")
        return {"domainNameLabel": label, "fqdn": fqdn}

    def _fill(self, call: Call, body: Body, known: Body | None) -> None:
        body["sku"] = {"name": "Standard", "tier": "Regional"}

    def made(self, id_: str, location: str, tags: Body, given_away: Iterable[str]) -> Body:
        """An address in GET shape, for a service that makes its own; `given_away` are those not written yet."""
        return {
            "id": id_,
            "name": id_.rpartition("/")[2],
            "type": self.type,
            "etag": etag(),
            "location": location,
            "tags": dict(tags),
            "sku": {"name": "Standard", "tier": "Regional"},
            "properties": {
                "provisioningState": "Succeeded",
                "resourceGuid": str(uuid.uuid4()),
                "ipAddress": self._free(given_away),
                "publicIPAddressVersion": "IPv4",
                "publicIPAllocationMethod": "Static",
                "idleTimeoutInMinutes": 4,
                "ipTags": [],
                "ddosSettings": {"protectionMode": "VirtualNetworkInherited"},
            },
        }

    def _free(self, given_away: Iterable[str] = ()) -> str:
        used = {*given_away, *(p["properties"].get("ipAddress") for p in self.store.resources(self.type))}
        for address in self._range.hosts():
            if str(address) not in used and int(address) & 0xFF >= 10:
                return str(address)
        raise bad_request(
            "PublicIPCountLimitReached", "Cannot create more public IP addresses for this subscription in this region."
        )

    def in_use(self, body: Body) -> ArmError | None:
        """See NetworkType."""
        user = holder_of(body)
        if user:
            return bad_request(
                "PublicIPAddressCannotBeDeleted",
                f"Public IP address {body['id']} can not be deleted since it is still allocated to resource {user}. In order to delete the public IP, disassociate/detach the Public IP address from the resource.",
                details=[],
            )
        return None
