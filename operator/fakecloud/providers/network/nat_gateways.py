"""natGateways: the public addresses by which subnets go out."""

from typing import ClassVar, Final

from fakecloud.arm.errors import ArmError, bad_request, not_implemented
from fakecloud.arm.locations import normal
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import Call, Change, Fidelity
from fakecloud.providers.network import addressing
from fakecloud.providers.network.base import PROVIDER, NetworkType, properties_of, reference, refuse_unbuilt
from fakecloud.providers.network.shapes import MODELS
from fakecloud.store import Body

TYPE: Final = f"{PROVIDER}/natGateways"
IDLE: Final = range(4, 121)
"""Minutes."""
MAX_ADDRESSES: Final = 16
UNBUILT: Final = (
    *("publicIpAddressesV6", "publicIpPrefixes", "publicIpPrefixesV6", "sourceVirtualNetwork"),
    *("serviceGateway", "nat64"),
)


class NatGateways(NetworkType):
    """Microsoft.Network/natGateways."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "at most 16 public addresses, which tell it in `natGateway`, are nobody else's and cannot go; idle timeout 4 to 120 min (D)",
            "`subnets` lists who uses it and is read-only; zones are settled at creation",
        ),
        simplified=(
            "in use by a subnet it cannot go: the code, InUseNatGatewayCannotBeDeleted, is made like that of route tables",
            "no packet goes out by it: AKS's egress checks read it",
        ),
        missing=("StandardV2, address prefixes, IPv6: 501",),
    )
    seconds = 4.0
    shape: ClassVar[Shape] = MODELS["NatGateway"]

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        refuse_unbuilt(self.type, given, UNBUILT)
        sku = (call.body.get("sku") or {}).get("name", "Standard")
        if sku != "Standard":
            raise not_implemented(self.type, f"sku {sku}")
        idle = given.get("idleTimeoutInMinutes", IDLE[0])
        if idle not in IDLE:
            raise bad_request(
                "NatGatewayIdleTimeoutIsOutOfRange",
                f"Idle timeout {idle} is out of range: {IDLE[0]} to {IDLE[-1]} minutes.",
                details=[],
            )
        id_ = (known or {}).get("id") or call.target.id
        location = normal(call.body.get("location")) or (known or {}).get("location")
        wanted = [{"id": address} for entry in given.get("publicIpAddresses") or [] if (address := reference(entry))]
        if len(wanted) > MAX_ADDRESSES:
            raise bad_request(
                "NatGatewayPublicIpAddressCountLimitReached",
                f"NAT gateway {id_} can have at most {MAX_ADDRESSES} public IP addresses.",
                details=[],
            )
        for entry in wanted:
            addressing.check_public(self.context, entry["id"], id_, location)
        kept: Body = {"idleTimeoutInMinutes": idle}
        if wanted:
            kept["publicIpAddresses"] = wanted
        users = (known or {}).get("properties", {}).get("subnets")
        return {**kept, "subnets": users} if users else kept

    def _fill(self, call: Call, body: Body, known: Body | None) -> None:
        body["sku"] = {"name": "Standard"}

    def beside(self, body: Body, known: Body | None) -> list[Change]:
        """See NetworkType: its addresses know it."""
        return addressing.point(self.context, "natGateway", _addresses(known), _addresses(body))

    def beside_removed(self, body: Body) -> list[Change]:
        """See NetworkType."""
        return addressing.point(self.context, "natGateway", _addresses(body), {})

    def in_use(self, body: Body) -> ArmError | None:
        """See ResourceType."""
        users = [subnet["id"] for subnet in body["properties"].get("subnets") or ()]
        return addressing.in_use("InUseNatGatewayCannotBeDeleted", "NAT gateway", body["id"], users)


def _addresses(body: Body | None) -> dict[str, str]:
    """The public addresses of a gateway, in lower case, and its own id for each."""
    entries = (body or {}).get("properties", {}).get("publicIpAddresses") or ()
    return {entry["id"].lower(): (body or {})["id"] for entry in entries}
