"""virtualNetworks and subnets: subnets are children, and part of their network's body."""

import ipaddress
from typing import Any

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.types import RESOURCE, Answer, Call
from fakecloud.providers.network.base import NetworkType, check_etag, etag, properties_of, reference
from fakecloud.store import Body

SUBNET_TYPE = "Microsoft.Network/virtualNetworks/subnets"


class VirtualNetworks(NetworkType):
    """Microsoft.Network/virtualNetworks."""

    type = "Microsoft.Network/virtualNetworks"

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType. A PUT without subnets removes them, as in Azure."""
        given = properties_of(call)
        space = (given.get("addressSpace") or {}).get("addressPrefixes") or []
        if not space:
            raise bad_request("NetcfgInvalidVirtualNetwork", "The virtual network needs at least one address prefix.")
        for prefix in space:
            _network(prefix)
        names = [str(subnet.get("name")) for subnet in given.get("subnets") or []]
        for old in (known or {}).get("properties", {}).get("subnets") or []:
            if old["name"] not in names and self._users(old["id"]):
                raise _subnet_in_use(old["name"], self._users(old["id"]))
        subnets = [
            subnet_body(call.target.id, str(s.get("name")), s.get("properties") or {}, space)
            for s in given.get("subnets") or []
        ]
        check_overlap(subnets)
        return {
            "addressSpace": {"addressPrefixes": [str(p) for p in space]},
            "subnets": subnets,
            "virtualNetworkPeerings": [],
            "enableDdosProtection": False,
        }

    def in_use(self, body: Body) -> ArmError | None:
        """See NetworkType."""
        for subnet in body["properties"]["subnets"]:
            if users := self._users(subnet["id"]):
                return _subnet_in_use(subnet["name"], users)
        return None

    def _users(self, subnet: str) -> list[str]:
        return users_of(self, subnet)


class Subnets(NetworkType):
    """Microsoft.Network/virtualNetworks/subnets: kept inside their network's body."""

    type = SUBNET_TYPE
    needs_location = False

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        found = _find(self.context.resource(call.target.parent or ""), call.target.name)
        if found is None:
            raise ArmError(404, "NotFound", f"Resource {call.target.id} not found.")
        return Answer(200, found)

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        network = self.context.resource(call.target.id)
        if network is None:
            raise self.missing(call.target)
        return Answer(200, {"value": network["properties"]["subnets"]})

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        network = self.context.resource(call.target.parent or "")
        if network is None:
            raise self.missing(call.target)
        known = _find(network, call.target.name)
        check_etag(call, known)
        space = network["properties"]["addressSpace"]["addressPrefixes"]
        subnet = subnet_body(network["id"], call.target.name, properties_of(call), space)
        others = [s for s in network["properties"]["subnets"] if s["name"].lower() != subnet["name"].lower()]
        check_overlap([*others, subnet])
        changed = {**network, "etag": etag(), "properties": {**network["properties"], "subnets": [*others, subnet]}}
        operation = self._operation(self.create_name, call, subnet)
        self.context.begin(operation, (RESOURCE, network["id"], changed))
        return Answer(200 if known else 201, subnet, operation=operation)

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        network = self.context.resource(call.target.parent or "")
        known = _find(network, call.target.name)
        if network is None or known is None:
            return Answer(204)
        if users := users_of(self, known["id"]):
            raise _subnet_in_use(known["name"], users)
        left = [s for s in network["properties"]["subnets"] if s is not known]
        changed = {**network, "etag": etag(), "properties": {**network["properties"], "subnets": left}}
        operation = self._operation(self.delete_name, call, known)
        self.context.begin(operation, (RESOURCE, network["id"], changed))
        return Answer(202, None, operation=operation, location=True)

    async def _made(self, operation: Body) -> None:
        """The subnet was written with its network at once."""

    async def _removed(self, operation: Body) -> None:
        """Likewise."""


def users_of(handler: NetworkType, subnet: str) -> list[str]:
    """The ids of what has an address in a subnet: pools and balancer frontends."""
    wanted = subnet.lower()
    pools = [
        p["id"]
        for p in handler.store.resources("Microsoft.ContainerService/managedClusters/agentPools")
        if str(p.get("_subnet") or "").lower() == wanted
    ]
    balancers = [
        f["id"]
        for lb in handler.store.resources("Microsoft.Network/loadBalancers")
        for f in lb["properties"].get("frontendIPConfigurations") or []
        if (reference(f["properties"].get("subnet")) or "").lower() == wanted
    ]
    return pools + balancers


def subnet_body(network: str, name: str, properties: dict[str, Any], space: list[str]) -> Body:
    """A subnet in GET shape; raises ArmError when it lies outside its network."""
    prefixes = properties.get("addressPrefixes") or [properties.get("addressPrefix")]
    for prefix in prefixes:
        inside = _network(prefix)
        if not any(inside.version == (outer := _network(p)).version and inside.subnet_of(outer) for p in space):  # type: ignore[arg-type]  # same version, just compared
            raise bad_request(
                "NetcfgSubnetRangeOutsideVnet",
                f"Subnet '{name}' is not valid because its IP address range is outside the IP address range of virtual network '{network.rpartition('/')[2]}'.",
            )
    kept: Body = {
        key: properties[key]
        for key in ("networkSecurityGroup", "routeTable", "natGateway", "serviceEndpoints")
        if key in properties
    }
    body: Body = {
        "provisioningState": "Succeeded",
        "addressPrefix": str(prefixes[0]),
        "delegations": [],
        "privateEndpointNetworkPolicies": "Disabled",
        "privateLinkServiceNetworkPolicies": "Enabled",
        **kept,
    }
    return {"id": f"{network}/subnets/{name}", "name": name, "type": SUBNET_TYPE, "etag": etag(), "properties": body}


def check_overlap(subnets: list[Body]) -> None:
    """Raises ArmError (400) when two subnets share addresses."""
    seen: list[tuple[str, Any]] = []
    for subnet in subnets:
        mine = _network(subnet["properties"]["addressPrefix"])
        for name, other in seen:
            if mine.version == other.version and mine.overlaps(other):
                raise bad_request(
                    "NetcfgSubnetRangesOverlap",
                    f"Subnet '{subnet['name']}' is not valid because its IP address range overlaps with that of an existing subnet in virtual network: '{name}'.",
                )
        seen.append((subnet["name"], mine))


def _network(prefix: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(str(prefix))
    except ValueError as error:
        raise bad_request(
            "InvalidCIDRNotation",
            f"The address prefix {prefix} has an invalid CIDR notation. For a given prefix length, some bits in the address portion must always be zero.",
        ) from error


def _subnet_in_use(name: str, users: list[str]) -> ArmError:
    return bad_request(
        "InUseSubnetCannotBeDeleted",
        f"Subnet {name} is in use by {', '.join(users[:3])} and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet.",
        details=[],
    )


def _find(network: Body | None, name: str) -> Body | None:
    subnets = (network or {}).get("properties", {}).get("subnets") or []
    return next((s for s in subnets if s["name"].lower() == name.lower()), None)
