"""How a cluster's nodes go out: what each outboundType needs of their subnets, and the NAT gateway that AKS makes itself."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from fakecloud.arm.types import RESOURCE, Change, Context
from fakecloud.providers.containerservice.refusals import invalid, refuse
from fakecloud.providers.network.addressing import find_subnet
from fakecloud.providers.network.base import etag, reference
from fakecloud.providers.network.nat_gateways import TYPE as NAT_GATEWAYS
from fakecloud.providers.network.public_ips import PublicIPAddresses
from fakecloud.store import Body

DEFAULT_ROUTE: Final = "0.0.0.0/0"
MANAGED: Final = "managednatgateway"


def outbound_type(properties: Body) -> str:
    """A cluster's outboundType, in lower case."""
    return str((properties.get("networkProfile") or {}).get("outboundType") or "loadBalancer").lower()


def check(context: Context, properties: Body, subnets: Iterable[str | None]) -> None:
    """Raises ArmError (400) when nodes in `subnets` (None: AKS's own) could not go out as the cluster wants them to."""
    wanted = outbound_type(properties)
    for id_ in subnets:
        if wanted == "userdefinedrouting":
            _check_route(context, id_)
        elif wanted == "userassignednatgateway":
            found = find_subnet(context, id_) if id_ else None
            if found is None or reference(found["properties"].get("natGateway")) is None:
                raise invalid(
                    "networkProfile.outboundType",
                    f"userAssignedNATGateway needs a NAT gateway on the subnet of the nodes, and {id_ or 'a subnet of AKS'} has none.",
                )
        elif wanted == MANAGED and id_:
            raise invalid(
                "networkProfile.outboundType", f"managedNATGateway is not for a virtual network that is brought: {id_}."
            )


def _check_route(context: Context, id_: str | None) -> None:
    found = find_subnet(context, id_) if id_ else None
    if found is None:
        raise invalid("networkProfile.outboundType", "userDefinedRouting needs agent pools that name their subnet.")
    table = context.resource(reference(found["properties"].get("routeTable")) or "")
    if table is None:
        raise refuse(
            400,
            "ExistingRouteTableNotAssociatedWithSubnet",
            f"An existing route table has not been associated with subnet {id_}. Please update the route table association.",
            target="networkProfile.outboundType",
        )
    routes = [route["properties"] for route in table["properties"]["routes"]]
    if not any(route["addressPrefix"] == DEFAULT_ROUTE and route["nextHopType"] != "None" for route in routes):
        raise refuse(
            400,
            "RouteTableHasNoDefaultRoute",
            f"userDefinedRouting needs a route {DEFAULT_ROUTE} with a next hop in route table {table['id']} of subnet {id_}.",
            target="networkProfile.outboundType",
        )


def arranged(context: Context, addresses: PublicIPAddresses, cluster: Body, network: Body | None) -> list[Change]:
    """The changes that give AKS's own network the NAT gateway that a cluster's outboundType asks for, or take it away.

    `network` is AKS's network, None when the network is brought. The cluster, not written yet, is told its addresses.
    """
    if network is None:
        return []
    root, number = network["id"].partition("/virtualNetworks/")[0], network["name"].rpartition("-")[2]
    id_ = f"{root}/natGateways/aks-natgateway-{number}"
    gateway = context.resource(id_)
    have = _addresses(gateway)
    if outbound_type(cluster["properties"]) != MANAGED:
        cluster["properties"]["networkProfile"].pop("natGatewayProfile", None)
        gone: list[Change] = [(RESOURCE, gone, None) for gone in (*have, id_)]
        return [*gone, (RESOURCE, network["id"], _led(network, None))] if gateway is not None else []
    profile = _profile(cluster)
    count = profile["managedOutboundIPProfile"]["count"]
    kept = have[:count]
    made = _made(addresses, cluster, id_, kept, count)
    profile["effectiveOutboundIPs"] = [{"id": address} for address in (*kept, *(body["id"] for body in made))]
    body = {
        **(gateway or {"id": id_, "name": id_.rpartition("/")[2], "type": NAT_GATEWAYS}),
        "etag": etag(),
        "location": cluster["location"],
        "tags": dict(cluster["tags"]),
        "sku": {"name": "Standard"},
        "properties": {
            "provisioningState": "Succeeded",
            "idleTimeoutInMinutes": profile["idleTimeoutInMinutes"],
            "publicIpAddresses": profile["effectiveOutboundIPs"],
            "subnets": [{"id": subnet["id"]} for subnet in network["properties"]["subnets"]],
        },
    }
    return [
        *((RESOURCE, address["id"], address) for address in made),
        *((RESOURCE, address, None) for address in have[count:]),
        (RESOURCE, id_, body),
        (RESOURCE, network["id"], _led(network, id_)),
    ]


def _profile(cluster: Body) -> Body:
    """A cluster's natGatewayProfile with AKS's defaults, in its place."""
    network = cluster["properties"]["networkProfile"]
    given = network.get("natGatewayProfile") or {}
    count = (given.get("managedOutboundIPProfile") or {}).get("count", 1)
    made = {"managedOutboundIPProfile": {"count": count}, "idleTimeoutInMinutes": given.get("idleTimeoutInMinutes", 4)}
    network["natGatewayProfile"] = made
    return made


def _made(addresses: PublicIPAddresses, cluster: Body, gateway: str, have: Sequence[str], count: int) -> list[Body]:
    """The addresses that a gateway lacks."""
    root, _, name = gateway.replace("/natGateways/", "/publicIPAddresses/").rpartition("/")
    free = (id_ for n in range(count) if (id_ := f"{root}/{name}-ip{n}") not in have)
    made: list[Body] = []
    for id_ in islice(free, count - len(have)):
        taken = [body["properties"]["ipAddress"] for body in made]
        body = addresses.made(id_, cluster["location"], cluster["tags"], taken)
        body["properties"]["natGateway"] = {"id": gateway}
        made.append(body)
    return made


def _addresses(gateway: Body | None) -> list[str]:
    return [entry["id"] for entry in (gateway or {}).get("properties", {}).get("publicIpAddresses") or ()]


def _led(network: Body, gateway: str | None) -> Body:
    """A network whose subnets go out by a NAT gateway, or by none."""
    subnets = []
    for subnet in network["properties"]["subnets"]:
        properties = {key: value for key, value in subnet["properties"].items() if key != "natGateway"}
        if gateway is not None:
            properties["natGateway"] = {"id": gateway}
        subnets.append({**subnet, "properties": properties})
    return {**network, "properties": {**network["properties"], "subnets": subnets}}
