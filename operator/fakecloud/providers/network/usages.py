"""Usages of Microsoft.Network: how many of each type a region has."""

from typing import Final

from fakecloud.arm import quotas
from fakecloud.arm.locations import LOCATIONS, normal
from fakecloud.arm.types import Answer, Call, Fidelity, ResourceType
from fakecloud.arm.usages import no_location, usage
from fakecloud.providers.network.base import PROVIDER

COUNTED: Final = {
    "VirtualNetworks": ("Virtual Networks", "virtualNetworks", 1000),
    "NetworkSecurityGroups": ("Network Security Groups", "networkSecurityGroups", 5000),
    "PublicIPAddresses": ("Public IP Addresses", "publicIPAddresses", 1000),
    "StandardSkuPublicIpAddresses": ("Public IPv4 Addresses - Standard", "publicIPAddresses", 1000),
    "StandardSkuLoadBalancers": ("Load Balancers - Standard", "loadBalancers", 1000),
    "RouteTables": ("Route Tables", "routeTables", 200),
    "NatGateways": ("Nat Gateways", "natGateways", 1000),
    "ApplicationGateways": ("Application Gateways", "applicationGateways", 1000),
}
"""Each usage: as it is spelled, what it counts, and Azure's own limit (D)."""


class NetworkUsages(ResourceType):
    """Microsoft.Network/locations/usages."""

    type = f"{PROVIDER}/locations/usages"
    fidelity = Fidelity(
        exact=("how many of each type there are, and their limits (M)",),
        simplified=("only the limit of public addresses holds, when `--quota` or the lever sets one",),
    )
    verbs = ("LIST",)

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        location = normal(call.target.names[0])
        if location not in LOCATIONS:
            raise no_location(location)
        limit = self.context.quotas.of(location, quotas.ADDRESSES)
        found = []
        for name, (spelled, type_, most) in COUNTED.items():
            count = self._count(call.target.subscription, location, type_)
            allowed = limit if type_ == quotas.ADDRESSES and limit is not None else most
            id_ = f"/subscriptions/{call.target.subscription}/providers/{PROVIDER}/locations/{location}/usages/{name}"
            found.append({"id": id_, **usage(name, spelled, count, allowed)})
        return Answer(200, {"value": found})

    def _count(self, subscription: str, location: str, type_: str) -> int:
        prefix = f"/subscriptions/{subscription}/".lower()
        resources = self.store.resources(f"{PROVIDER}/{type_}")
        return sum(1 for r in resources if r["location"] == location and str(r["id"]).lower().startswith(prefix))
