"""virtualNetworks and subnets: subnets are children, and part of their network's body."""

from typing import Any, ClassVar

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.locations import normal
from fakecloud.arm.shapes import REFERENCE, TRACKED, Shape
from fakecloud.arm.types import RESOURCE, Call, Change, Context, Fidelity
from fakecloud.providers.network.addressing import MACHINES, configured, prefixes_of, subnet_of, users_of
from fakecloud.providers.network.base import (
    ChildType,
    NetworkType,
    check_name,
    check_unique,
    etag,
    missing_reference,
    properties_of,
    reference,
    referenced,
    refuse_unbuilt,
)
from fakecloud.providers.network.notation import read_prefix
from fakecloud.store import Body, Store

SUBNET_TYPE = "Microsoft.Network/virtualNetworks/subnets"
REFERENCES = {
    "networkSecurityGroup": "Microsoft.Network/networkSecurityGroups",
    "routeTable": "Microsoft.Network/routeTables",
    "natGateway": "Microsoft.Network/natGateways",
}
"""What a subnet refers to, by type. Each lists the subnets that do."""
GATEWAY_SUBNET = "GatewaySubnet"
"""Where VPN gateways are, and nothing else."""
UNBUILT = (
    *("enableDdosProtection", "ddosProtectionPlan", "enableVmProtection", "virtualNetworkPeerings", "bgpCommunities"),
    *("dhcpOptions.dnsServers", "encryption.enabled", "ipAllocations", "addressSpace.ipamPoolPrefixAllocations"),
)
SUBNET_UNBUILT = ("delegations", "serviceEndpointPolicies", "ipAllocations", "ipamPoolPrefixAllocations")
KEPT = (
    *("networkSecurityGroup", "routeTable", "natGateway", "serviceEndpoints", "defaultOutboundAccess"),
    *("privateEndpointNetworkPolicies", "privateLinkServiceNetworkPolicies"),
)
"""What a subnet has as given, beside its prefixes."""
SHAPE: Shape = {
    "addressPrefix": str,
    "addressPrefixes": [str],
    "serviceEndpoints": [{"service": str}],
    "defaultOutboundAccess": bool,
    "privateEndpointNetworkPolicies": str,
    "privateLinkServiceNetworkPolicies": str,
    **dict.fromkeys(REFERENCES, REFERENCE),
}


class Inhabitants:
    """What has addresses in subnets: back-references, which are Azure's to write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = 0
        self._by_subnet: dict[str, dict[str, list[Body]]] = {}

    def shown(self, subnet: Body) -> Body:
        """The subnet with its ipConfigurations; without any when nobody is in it."""
        if self._version != self._store.version:
            self._version = self._store.version
            self._by_subnet = {}
            for row in self._store.resources(MACHINES):
                nic = f"{row['properties']['resourceId']}/networkInterfaces/{row['name']}/ipConfigurations/ipconfig1"
                self._add(row["_subnet"].lower(), "ipConfigurations", nic)
            for entry in configured(self._store):
                if where := subnet_of(entry):
                    gateway = "/gatewayIPConfigurations/" in entry["id"]
                    self._add(
                        where, "applicationGatewayIPConfigurations" if gateway else "ipConfigurations", entry["id"]
                    )
        found = self._by_subnet.get(subnet["id"].lower())
        return {**subnet, "properties": {**subnet["properties"], **found}} if found else subnet

    def _add(self, subnet: str, word: str, id_: str) -> None:
        self._by_subnet.setdefault(subnet, {}).setdefault(word, []).append({"id": id_})


class VirtualNetworks(NetworkType):
    """Microsoft.Network/virtualNetworks."""

    type = "Microsoft.Network/virtualNetworks"
    fidelity = Fidelity(
        exact=(
            "201 Updating, then Succeeded, as of its subnets (R); a PUT without a subnet removes it",
            "subnets inside the network, apart from one another, in CIDR notation (I)",
            "429 RetryableError while an operation runs on it or a subnet, or on what a subnet refers to (I); a subnet in use can neither go nor change its addresses: 400 (I)",
        ),
        simplified=(
            "an update answers 200 Updating, where Azure is seen to answer 201 too (R)",
            "backend pools that name the network do not keep it from being deleted",
        ),
        missing=("peerings, DNS servers, DDoS protection, encryption: 501",),
    )
    children = ("subnets",)
    shape: ClassVar[Shape] = {
        **TRACKED,
        "properties": {"addressSpace": {"addressPrefixes": [str]}, "subnets": [{"name": str, "properties": SHAPE}]},
    }

    def __init__(self, context: Context, inhabitants: Inhabitants) -> None:
        super().__init__(context)
        self._inhabitants = inhabitants

    def shown(self, body: Body) -> Body:
        """See ResourceType: its subnets with who is in them."""
        subnets = [self._inhabitants.shown(subnet) for subnet in body["properties"]["subnets"]]
        return {**super().shown(body), "properties": {**body["properties"], "subnets": subnets}}

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType. A PUT without subnets removes them, as in Azure."""
        given = properties_of(call)
        refuse_unbuilt(self.type, given, UNBUILT)
        space = (given.get("addressSpace") or {}).get("addressPrefixes") or []
        if not space:
            raise bad_request("NetcfgInvalidVirtualNetwork", "The virtual network needs at least one address prefix.")
        for prefix in space:
            read_prefix(prefix)
        id_ = (known or {}).get("id") or call.target.id
        subnets = [
            subnet_body(id_, s.get("name", ""), s.get("properties") or {}, space) for s in given.get("subnets") or []
        ]
        check_unique("subnets", (subnet["name"] for subnet in subnets))
        check_overlap(subnets)
        kept = {subnet["name"].lower(): subnet for subnet in subnets}
        location = normal(call.body.get("location")) or (known or {}).get("location")
        for subnet in subnets:
            check_references(self.context, subnet, location)
        for old in (known or {}).get("properties", {}).get("subnets") or []:
            check_still_fits(self, old, kept.get(old["name"].lower()))
        return {
            "addressSpace": {"addressPrefixes": [str(p) for p in space]},
            "subnets": subnets,
            "virtualNetworkPeerings": [],
            "enableDdosProtection": False,
        }

    def in_use(self, body: Body) -> ArmError | None:
        """See NetworkType."""
        for subnet in body["properties"]["subnets"]:
            if users := users_of(self.store, subnet["id"]):
                return _subnet_in_use(subnet["name"], users)
        return None

    def beside(self, body: Body, known: Body | None) -> list[Change]:
        """See NetworkType: what subnets refer to knows them."""
        before = (known or {}).get("properties", {}).get("subnets") or []
        return linked(self.context, before, body["properties"]["subnets"])

    def beside_removed(self, body: Body) -> list[Change]:
        """See NetworkType."""
        return linked(self.context, body["properties"]["subnets"], [])


class Subnets(ChildType):
    """Microsoft.Network/virtualNetworks/subnets: kept inside their network's body."""

    type = SUBNET_TYPE
    fidelity = Fidelity(
        exact=(
            "Azure keeps five addresses of each; `ipConfigurations` lists who is in it and is read-only",
            "without networkSecurityGroup, routeTable or natGateway in a PUT it lets go of them; what it refers to is of that type, in its region, and lists it in `subnets`",
        ),
        simplified=(
            "Updating while it is written, Deleting while it is removed: so seen of others, not recorded of subnets",
        ),
        missing=("delegations, service endpoint policies: 501",),
    )
    parent = VirtualNetworks
    kept_in = "subnets"
    shape: ClassVar[Shape] = {"properties": SHAPE}

    def __init__(self, context: Context, inhabitants: Inhabitants) -> None:
        super().__init__(context)
        self._inhabitants = inhabitants

    def shown(self, body: Body) -> Body:
        """See ResourceType: with who is in it."""
        return self._inhabitants.shown(body)

    def checked(self, call: Call, parent: Body, known: Body | None) -> Body:
        """See ChildType."""
        space = parent["properties"]["addressSpace"]["addressPrefixes"]
        subnet = subnet_body(parent["id"], (known or {}).get("name") or call.target.name, properties_of(call), space)
        check_references(self.context, subnet, parent["location"])
        if known is not None:
            check_still_fits(self, known, subnet)
        return subnet

    def settled(self, parent: Body, entries: list[Body]) -> Body:
        """See ChildType."""
        check_overlap(entries)
        return super().settled(parent, entries)

    def in_use(self, body: Body) -> ArmError | None:
        """See ResourceType."""
        users = users_of(self.store, body["id"])
        return _subnet_in_use(body["name"], users) if users else None

    def beside_child(self, before: list[Body], after: list[Body]) -> list[Change]:
        """See ChildType."""
        return linked(self.context, before, after)


def check_references(context: Context, subnet: Body, location: str | None) -> None:
    """Raises ArmError (400) when a subnet refers to what is not there, of another type, or in another region."""
    for field, type_ in REFERENCES.items():
        wanted = reference(subnet["properties"].get(field))
        if wanted is None:
            continue
        found = referenced(context, wanted, subnet["id"])
        if found["type"] != type_ or found["location"] != location:
            raise missing_reference(wanted, subnet["id"])
        if field == "natGateway" and subnet["name"] == GATEWAY_SUBNET:
            raise bad_request(
                "NatGatewayCannotBeAttachedToGatewaySubnet",
                f"NAT gateway {wanted} cannot be attached to {subnet['id']}: gateways go out by themselves.",
                details=[],
            )


def check_still_fits(handler: NetworkType, old: Body, new: Body | None) -> None:
    """Raises ArmError (400) when a subnet that has users would go (`new` is None) or get other addresses."""
    if new is not None and prefixes_of(new) == prefixes_of(old):
        return
    if users := users_of(handler.store, old["id"]):
        if new is None:
            raise _subnet_in_use(old["name"], users)
        raise bad_request(
            "InUsePrefixCannotBeDeleted",
            f"IpPrefix {', '.join(prefixes_of(old))} on Subnet {old['name']} has active allocations and cannot be deleted.",
            details=[],
        )


def linked(context: Context, before: list[Body], after: list[Body]) -> list[Change]:
    """What changes in security groups, route tables and NAT gateways when the subnets `before` become `after`."""
    gone = {subnet["id"].lower() for subnet in before}
    wanted: dict[str, list[Body]] = {}
    for subnet in [*before, *after]:
        for field in REFERENCES:
            id_ = reference(subnet["properties"].get(field))
            if id_ is not None:
                mine = wanted.setdefault(id_.lower(), [])
                if any(subnet is entry for entry in after):
                    mine.append({"id": subnet["id"]})
    changes: list[Change] = []
    for id_, mine in wanted.items():
        body = context.resource(id_)
        if body is None:
            continue
        properties = {key: value for key, value in body["properties"].items() if key != "subnets"}
        left = [s for s in body["properties"].get("subnets") or [] if s["id"].lower() not in gone]
        if left or mine:
            properties["subnets"] = [*left, *mine]
        changes.append((RESOURCE, body["id"], {**body, "properties": properties}))
    return changes


def subnet_body(network: str, name: str, properties: dict[str, Any], space: list[str]) -> Body:
    """A subnet in GET shape; raises ArmError when it lies outside its network."""
    check_name(name)
    refuse_unbuilt(SUBNET_TYPE, properties, SUBNET_UNBUILT)
    prefixes = properties.get("addressPrefixes") or [properties.get("addressPrefix")]
    for prefix in prefixes:
        inside = read_prefix(prefix)
        if not any(inside.version == (outer := read_prefix(p)).version and inside.subnet_of(outer) for p in space):  # type: ignore[arg-type]  # same version, just compared
            raise bad_request(
                "NetcfgSubnetRangeOutsideVnet",
                f"Subnet '{name}' is not valid because its IP address range is outside the IP address range of virtual network '{network.rpartition('/')[2]}'.",
            )
    spelled = "addressPrefixes" if properties.get("addressPrefixes") else "addressPrefix"
    body: Body = {
        "provisioningState": "Succeeded",
        spelled: [str(prefix) for prefix in prefixes] if spelled == "addressPrefixes" else str(prefixes[0]),
        "delegations": [],
        "privateEndpointNetworkPolicies": "Disabled",
        "privateLinkServiceNetworkPolicies": "Enabled",
        **{key: properties[key] for key in KEPT if key in properties},
    }
    return {"id": f"{network}/subnets/{name}", "name": name, "type": SUBNET_TYPE, "etag": etag(), "properties": body}


def check_overlap(subnets: list[Body]) -> None:
    """Raises ArmError (400) when two subnets share addresses."""
    seen: list[tuple[str, Any]] = []
    for subnet in subnets:
        mine = [read_prefix(prefix) for prefix in prefixes_of(subnet)]
        for name, other in seen:
            if any(one.version == other.version and one.overlaps(other) for one in mine):
                raise bad_request(
                    "NetcfgSubnetRangesOverlap",
                    f"Subnet '{subnet['name']}' is not valid because its IP address range overlaps with that of an existing subnet in virtual network: '{name}'.",
                )
        seen += [(subnet["name"], one) for one in mine]


def _subnet_in_use(name: str, users: list[str]) -> ArmError:
    return bad_request(
        "InUseSubnetCannotBeDeleted",
        f"Subnet {name} is in use by {', '.join(users[:3])} and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet.",
        details=[],
    )
