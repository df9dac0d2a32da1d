"""loadBalancers: one document, its parts tied by ids inside the same PUT."""

import copy
from collections.abc import Callable
from typing import Any, ClassVar

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.locations import normal
from fakecloud.arm.shapes import TRACKED, Shape
from fakecloud.arm.types import RESOURCE, Answer, Call, Change, Context, Fidelity, ResourceType
from fakecloud.providers.network import balancer_rules
from fakecloud.providers.network.base import (
    ChildType,
    NetworkType,
    check_name,
    check_unique,
    etag,
    free_in,
    missing_reference,
    properties_of,
    reference,
    referenced,
    taken_in,
)
from fakecloud.store import Body

LISTS = (
    "frontendIPConfigurations",
    "backendAddressPools",
    "loadBalancingRules",
    "probes",
    "inboundNatRules",
    "outboundRules",
)
TYPE = "Microsoft.Network/loadBalancers"
Health = Callable[[str, str], list[dict[str, Any]] | None]
"""(balancer id, rule name) → what the probes say of each backend address; None when nobody probes."""


class LoadBalancers(NetworkType):
    """Microsoft.Network/loadBalancers."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "201 and 200 with body Succeeded and an operation (R)",
            "ids of parts may be used in the same PUT (M); parts refer only to parts of the same balancer (D)",
            "one backend port, protocol and pool or address for one rule, unless floating (I); HA ports are for internal frontends",
            "frontends hold their address, one each; it must exist, be at rest and in the region",
            "internal frontends have a free address of their subnet, or the one that they name (D), for as long as they are there",
        ),
        simplified=(
            "limits of numbers (1500 rules, 600 frontends, 5000 backends) are not looked at (D)",
            "read-only properties inside parts are not dropped",
        ),
        missing=(
            "inboundNatRules, outboundRules, tier Global: 501",
            "pools of network interfaces",
        ),
    )
    state_while_made = "Succeeded"
    shape: ClassVar[Shape] = {**TRACKED, "properties": balancer_rules.PARTS}

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        if ((call.body.get("sku") or {}).get("name") or "Standard") != "Standard":
            raise bad_request("LoadBalancerSkuNotSupported", "Basic SKU load balancers are retired: use Standard.")
        id_ = (known or {}).get("id") or call.target.id
        location = normal(call.body.get("location")) or (known or {}).get("location")
        kept: Body = {name: [_entry(id_, name, entry) for entry in given.get(name) or []] for name in LISTS}
        balancer_rules.refuse_unbuilt(kept)
        for name in LISTS:
            check_unique(name, (entry["name"] for entry in kept[name]))
        before = {f["id"].lower(): f for f in (known or {}).get("properties", {}).get("frontendIPConfigurations") or []}
        given_away: dict[str, str] = {}
        for frontend in kept["frontendIPConfigurations"]:
            self._check_frontend(frontend, location)
            if reference(frontend["properties"].get("subnet")):
                self._place(frontend, before.get(frontend["id"].lower()), location, given_away)
        for pool in kept["backendAddressPools"]:
            check_pool(self.context, pool)
        balancer_rules.check_rules(kept)
        balancer_rules.check_probes(kept["probes"])
        balancer_rules.tie(kept)
        return kept

    def _check_frontend(self, frontend: Body, location: str | None) -> None:
        properties = frontend["properties"]
        address, subnet = reference(properties.get("publicIPAddress")), reference(properties.get("subnet"))
        if (address is None) == (subnet is None):
            raise bad_request(
                "LoadBalancerFrontendIPConfigurationInvalid",
                f"Frontend {frontend['name']} needs either publicIPAddress or subnet.",
            )
        if address is not None:
            found = referenced(self.context, address, frontend["id"])
            if found["location"] != location:
                raise missing_reference(address, frontend["id"])
            user = (found["properties"].get("ipConfiguration") or {}).get("id")
            if user and user.lower() != frontend["id"].lower():
                raise bad_request(
                    "PublicIPAddressInUse",
                    f"Resource {frontend['id']} is referencing public IP address {address} that is already allocated to resource {user}.",
                    details=[],
                )
        properties["provisioningState"] = "Succeeded"
        properties.setdefault("privateIPAllocationMethod", "Dynamic")

    def _place(self, frontend: Body, before: Body | None, location: str | None, given_away: dict[str, str]) -> None:
        """Give an internal frontend its address: the one that it names, that it had, or a free one. Raises ArmError.

        `given_away` are addresses, and their frontends' ids, that the same PUT took already.
        """
        properties = frontend["properties"]
        subnet = reference(properties["subnet"]) or ""
        network = referenced(self.context, subnet.partition("/subnets/")[0], frontend["id"])
        found = next((s for s in network["properties"]["subnets"] if s["id"].lower() == subnet.lower()), None)
        if found is None or network["location"] != location:
            raise missing_reference(subnet, frontend["id"])
        prefix = found["properties"]["addressPrefix"]
        taken = {**taken_in(self.store, subnet), **given_away}
        others = {address: id_ for address, id_ in taken.items() if id_.lower() != frontend["id"].lower()}
        had = (before or {}).get("properties", {})
        same = (reference(had.get("subnet")) or "").lower() == subnet.lower()
        address: str | None
        if properties["privateIPAllocationMethod"] == "Static":
            address = balancer_rules.check_private(frontend, prefix, others)
        else:
            address = had["privateIPAddress"] if same else free_in(prefix, others)
        if address is None:
            raise bad_request(
                "SubnetIsFull", f"Subnet {subnet} is full and cannot give an address to {frontend['id']}."
            )
        given_away[address] = frontend["id"]
        properties["privateIPAddress"] = address
        properties["privateIPAddressVersion"] = "IPv4"

    def _fill(self, body: Body, known: Body | None) -> None:
        body["sku"] = {"name": "Standard", "tier": "Regional"}

    def beside(self, body: Body, known: Body | None) -> list[Change]:
        """The addresses know their frontends."""
        mine = {
            (reference(f["properties"].get("publicIPAddress")) or "").lower(): f["id"]
            for f in body["properties"]["frontendIPConfigurations"]
        }
        return self._point(body["id"], mine)

    def beside_removed(self, body: Body) -> list[Change]:
        """See NetworkType."""
        return self._point(body["id"], {})

    def _point(self, balancer: str, frontends: dict[str, str]) -> list[Change]:
        changes: list[Change] = []
        for address in self.store.resources("Microsoft.Network/publicIPAddresses"):
            now = (address["properties"].get("ipConfiguration") or {}).get("id", "")
            wanted = frontends.get(address["id"].lower())
            if wanted is None and not now.lower().startswith(balancer.lower() + "/"):
                continue
            properties = {key: value for key, value in address["properties"].items() if key != "ipConfiguration"}
            if wanted is not None:
                properties["ipConfiguration"] = {"id": wanted}
            changes.append((RESOURCE, address["id"], {**address, "properties": properties}))
        return changes


class BackendPools(ChildType):
    """Microsoft.Network/loadBalancers/backendAddressPools: a child that can be written by itself."""

    type = f"{TYPE}/backendAddressPools"
    fidelity = Fidelity(
        exact=(
            "written by itself: 201 Updating (R); addresses lie in their network",
            "a pool that a rule uses cannot go",
        ),
        simplified=("the code of that refusal is ours",),
    )
    parent = LoadBalancers
    kept_in = "backendAddressPools"
    seconds = 3.0
    shape: ClassVar[Shape] = {"properties": balancer_rules.POOL}

    def checked(self, call: Call, parent: Body, known: Body | None) -> Body:
        """See ChildType."""
        name = (known or {}).get("name") or call.target.name
        pool = _entry(parent["id"], self.kept_in, {"name": name, "properties": properties_of(call)})
        check_pool(self.context, pool)
        return pool

    def settled(self, parent: Body, entries: list[Body]) -> Body:
        """See ChildType."""
        parts = copy.deepcopy(super().settled(parent, entries))
        balancer_rules.check_rules(parts)  # a new address may be one that another rule's pool has
        balancer_rules.tie(parts)
        return parts

    def in_use(self, body: Body) -> ArmError | None:
        """See ResourceType."""
        users = [rule["id"] for rule in body["properties"].get("loadBalancingRules") or ()]
        if not users:
            return None
        return bad_request(
            "LoadBalancerBackendAddressPoolInUse",
            f"Backend address pool {body['id']} is used by {', '.join(users)} and cannot be deleted.",
        )


def check_pool(context: Context, pool: Body) -> None:
    """Raises ArmError for a backend pool that Azure refuses."""
    pool["properties"]["provisioningState"] = "Succeeded"
    for address in pool["properties"].get("loadBalancerBackendAddresses") or []:
        properties = address.get("properties") or {}
        network = (
            reference(properties.get("virtualNetwork"))
            or (reference(properties.get("subnet")) or "").partition("/subnets/")[0]
        )
        found = referenced(context, network, pool["id"])
        balancer_rules.check_address(pool, address, network, found["properties"]["addressSpace"]["addressPrefixes"])


class BalancerParts(ResourceType):
    """Rules, probes and frontends: read by themselves, written only with their balancer."""

    fidelity = Fidelity(
        exact=("read only: 405 for the rest (M); `health` of a rule by what probes saw",),
        simplified=("`health` answers at once, where Azure begins an operation; without a data plane it knows nobody",),
    )

    def __init__(self, context: Context, list_: str, health: Health | None = None) -> None:
        super().__init__(context)
        self.type = f"{TYPE}/{list_}"
        self._list = list_
        self._health = health
        self.actions = {"health": self._rule_health} if health is not None else {}

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        return Answer(200, _part(self.context, call, self._list))

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        return Answer(200, {"value": _balancer(self.context, call.target.id)["properties"][self._list]})

    async def _rule_health(self, call: Call) -> Answer:
        rule = _part(self.context, call, self._list)
        states = self._health(call.target.parent or "", rule["name"]) if self._health is not None else None
        states = states or []
        return Answer(
            200,
            {
                "up": sum(1 for s in states if s["state"] == "Up"),
                "down": sum(1 for s in states if s["state"] != "Up"),
                "loadBalancerBackendAddresses": states,
            },
        )


def _balancer(context: Context, id_: str) -> Body:
    found = context.resource(id_)
    if found is None:
        raise ArmError(404, "ResourceNotFound", f"The Resource '{id_.partition('/providers/')[2]}' was not found.")
    return found


def _part(context: Context, call: Call, list_: str) -> Body:
    found: Body | None = next(
        (
            e
            for e in _balancer(context, call.target.parent or "")["properties"][list_]
            if e["name"].lower() == call.target.name.lower()
        ),
        None,
    )
    if found is None:
        raise ArmError(404, "NotFound", f"Resource {call.target.id} not found.")
    return found


def _entry(id_: str, list_: str, entry: Body) -> Body:
    name = entry.get("name", "")
    check_name(name)
    kept: Body = {
        "name": name,
        "id": f"{id_}/{list_}/{name}",
        "etag": etag(),
        "type": f"{TYPE}/{list_}",
        "properties": dict(entry.get("properties") or {}),
    }
    if "zones" in entry:
        kept["zones"] = entry["zones"]
    return kept
