"""routeTables and their routes: routes are children, and part of the table's body."""

import re
from typing import ClassVar, Final

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import Call, Fidelity
from fakecloud.providers.network.addressing import in_use
from fakecloud.providers.network.base import (
    PROVIDER,
    ChildType,
    NetworkType,
    check_name,
    check_unique,
    etag,
    properties_of,
    refuse_unbuilt,
)
from fakecloud.providers.network.notation import read_address, read_prefix
from fakecloud.providers.network.shapes import MODELS
from fakecloud.store import Body

TYPE: Final = f"{PROVIDER}/routeTables"
ROUTE_TYPE: Final = f"{TYPE}/routes"
MAX_ROUTES: Final = 400
_SERVICE_TAG: Final = re.compile(r"[A-Z][A-Za-z0-9]*(\.[A-Za-z0-9]+)?")


class RouteTables(NetworkType):
    """Microsoft.Network/routeTables."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "`routes` are always there; a PUT without one removes it; `subnets` lists who uses it and is read-only",
            "in use by a subnet it cannot go: 400 InUseRouteTableCannotBeDeleted (I, second-hand)",
        ),
        simplified=("at most 400 routes (D), by a code of ours", "no packet is led by it: AKS's egress checks read it"),
        missing=("routes with several next hops: 501",),
    )
    seconds = 3.0
    children = ("routes",)
    shape: ClassVar[Shape] = MODELS["RouteTable"]

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        id_ = (known or {}).get("id") or call.target.id
        routes = [
            route_body(id_, str(route.get("name") or ""), route.get("properties") or {})
            for route in given.get("routes") or []
        ]
        check_together(call.target.name, routes)
        kept: Body = {
            "disableBgpRoutePropagation": given.get("disableBgpRoutePropagation", False),
            "routes": routes,
        }
        users = (known or {}).get("properties", {}).get("subnets")
        return {**kept, "subnets": users} if users else kept

    def in_use(self, body: Body) -> ArmError | None:
        """See ResourceType."""
        users = [subnet["id"] for subnet in body["properties"].get("subnets") or ()]
        return in_use("InUseRouteTableCannotBeDeleted", "Route table", body["id"], users)


class Routes(ChildType):
    """Microsoft.Network/routeTables/routes: kept inside their table's body."""

    type = ROUTE_TYPE
    fidelity = Fidelity(
        exact=(
            "prefixes in CIDR notation or service tags; a next hop address with VirtualAppliance, and only then (D)",
        ),
        simplified=("any word spelled like a service tag is taken; the refusals' codes are ours",),
    )
    parent = RouteTables
    kept_in = "routes"
    seconds = 2.0
    shape: ClassVar[Shape] = MODELS["Route"]

    def checked(self, call: Call, parent: Body, known: Body | None) -> Body:
        """See ChildType."""
        return route_body(parent["id"], (known or {}).get("name") or call.target.name, properties_of(call))

    def settled(self, parent: Body, entries: list[Body]) -> Body:
        """See ChildType."""
        check_together(parent["name"], entries)
        return super().settled(parent, entries)


def check_together(table: str, routes: list[Body]) -> None:
    """Raises ArmError (400) for routes that one table cannot have."""
    check_unique("routes", (route["name"] for route in routes))
    seen: dict[str, str] = {}
    for route in routes:
        prefix = route["properties"]["addressPrefix"].lower()
        if prefix in seen:
            raise bad_request(
                "RouteConflict",
                f"Routes {seen[prefix]} and {route['name']} of route table {table} have the same address prefix {prefix}.",
                details=[],
            )
        seen[prefix] = route["name"]
    if len(routes) > MAX_ROUTES:
        raise bad_request("RouteCountLimitReached", f"Route table {table} can have at most {MAX_ROUTES} routes.")


def route_body(table: str, name: str, given: Body) -> Body:
    """A route in GET shape; raises ArmError (400) for what Azure refuses."""
    check_name(name)
    refuse_unbuilt(ROUTE_TYPE, given, ("nextHop",))
    prefix, hop, address = (given.get(key) for key in ("addressPrefix", "nextHopType", "nextHopIpAddress"))
    if prefix is None or hop is None:
        raise bad_request("RouteInvalid", f"Route {name} needs addressPrefix and nextHopType.", details=[])
    if not _SERVICE_TAG.fullmatch(prefix):
        read_prefix(prefix)
    if (hop == "VirtualAppliance") != (address is not None):
        raise bad_request(
            "RouteNextHopInvalid",
            f"Route {name}: nextHopIpAddress is for next hop type VirtualAppliance, which needs it.",
            details=[],
        )
    if address is not None:
        read_address(address, f"route {name}")
    kept = {key: given[key] for key in ("addressPrefix", "nextHopType", "nextHopIpAddress") if key in given}
    return {
        "id": f"{table}/routes/{name}",
        "name": name,
        "type": ROUTE_TYPE,
        "etag": etag(),
        "properties": {"provisioningState": "Succeeded", **kept, "hasBgpOverride": False},
    }
