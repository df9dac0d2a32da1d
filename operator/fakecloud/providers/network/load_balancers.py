"""loadBalancers: one document, its parts tied by ids inside the same PUT."""

import copy
from collections.abc import Callable
from typing import Any, ClassVar

from fakecloud.arm.errors import ArmError, bad_request, not_implemented
from fakecloud.arm.locations import normal
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import Answer, Call, Change, Context, Fidelity, ResourceType
from fakecloud.providers.network import addressing, balancer_nat, balancer_rules
from fakecloud.providers.network.balancer_parts import LISTS, TYPE, Claims, entry, tie, users_of
from fakecloud.providers.network.base import (
    ChildType,
    NetworkType,
    check_unique,
    properties_of,
    reference,
    referenced,
    refuse_unbuilt,
)
from fakecloud.providers.network.shapes import MODELS
from fakecloud.store import Body

UNBUILT = (
    *("inboundNatPools", "scope", "mode", "frontendIPConfigurations.properties.publicIPPrefix"),
    *("frontendIPConfigurations.properties.gatewayLoadBalancer", "backendAddressPools.properties.tunnelInterfaces"),
    "backendAddressPools.properties.loadBalancerBackendAddresses.properties.adminState",
    "backendAddressPools.properties.loadBalancerBackendAddresses.properties.loadBalancerFrontendIPConfiguration",
)
Health = Callable[[str, str], list[dict[str, Any]] | None]
"""(balancer id, rule name) → what the probes say of each backend address; None when nobody probes."""


class LoadBalancers(NetworkType):
    """Microsoft.Network/loadBalancers."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "201 and 200 with body Succeeded and an operation (R)",
            "ids of parts may be used in the same PUT (M); parts refer only to parts of the same balancer (D)",
            "one frontend port and protocol of a frontend for one rule, one backend port, protocol and pool or address likewise, unless floating (I); inbound NAT rules count too",
            "1500 rules, inbound NAT rules among them, 600 frontends, 5000 addresses in a pool, 300 rules for one of them (D)",
            "HA ports (protocol All, ports 0) are for internal frontends, and leave no other rule a place there (D)",
            "outbound rules have public frontends, whose rules must disable SNAT (I)",
            "inbound NAT rules over a range of ports give each backend address one, which it keeps (D); all lists are always there",
            "frontends hold their address, one each; it must exist, be at rest and in the region",
            "internal frontends have a free address of their subnet, or the one that they name (D), for as long as they are there",
        ),
        simplified=(
            "codes of numbers that are too high, of refused NAT and outbound rules are ours, and so is the wording of a word that an enumeration does not have; outbound rules are kept, and no machine goes out by them",
        ),
        missing=(
            "inboundNatPools, tier Global, Gateway balancers, adminState: 501",
            "pools of network interfaces, and so inbound NAT rules of one: without backendAddressPool they lead nowhere",
        ),
    )
    state_while_made = "Succeeded"
    shape: ClassVar[Shape] = MODELS["LoadBalancer"]

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        refuse_unbuilt(self.type, given, UNBUILT)
        sku = (call.body.get("sku") or {}).get("name") or "Standard"
        if sku == "Basic":
            raise bad_request("LoadBalancerSkuNotSupported", "Basic SKU load balancers are retired: use Standard.")
        if sku != "Standard":
            raise not_implemented(self.type, f"sku {sku}")
        id_ = (known or {}).get("id") or call.target.id
        location = normal(call.body.get("location")) or (known or {}).get("location")
        kept: Body = {name: [entry(id_, name, part) for part in given.get(name) or []] for name in LISTS}
        for name in LISTS:
            check_unique(name, (part["name"] for part in kept[name]))
        balancer_rules.check_numbers(kept)
        have = (known or {}).get("properties", {})
        before = {f["id"].lower(): f for f in have.get("frontendIPConfigurations") or []}
        given_away: dict[str, str] = {}
        for frontend in kept["frontendIPConfigurations"]:
            self._check_frontend(frontend, location)
            if reference(frontend["properties"].get("subnet")):
                addressing.place(self.context, frontend, before.get(frontend["id"].lower()), location, given_away)
                frontend["properties"]["privateIPAddressVersion"] = "IPv4"
        for pool in kept["backendAddressPools"]:
            check_pool(self.context, pool)
        balancer_rules.check_probes(kept["probes"])
        settle(kept, have)
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
            addressing.check_public(self.context, address, frontend["id"], location)
        properties.setdefault("privateIPAllocationMethod", "Dynamic")
        properties["provisioningState"] = "Succeeded"

    def _fill(self, call: Call, body: Body, known: Body | None) -> None:
        body["sku"] = {"name": "Standard", "tier": "Regional"}

    def beside(self, body: Body, known: Body | None) -> list[Change]:
        """The addresses know their frontends."""
        return addressing.held(self.context, known, body)

    def beside_removed(self, body: Body) -> list[Change]:
        """See NetworkType."""
        return addressing.held(self.context, body, None)


def settle(parts: Body, before: Body) -> None:
    """Complete a balancer's rules and its back-references; raises ArmError (400). `before` are the parts as they were."""
    frontends = Claims("RulesUseSameFrontendPortProtocolAndIPConfig", "frontend port and protocol")
    backends = Claims("RulesUseSameBackendPortProtocolAndPool", "backend port and protocol")
    balancer_rules.check_rules(parts, frontends, backends)
    balancer_nat.check_inbound(parts, frontends, backends)
    balancer_nat.check_outbound(parts)
    tie(parts)
    balancer_nat.map_ports(parts, before)


class BalancerChildren(ChildType):
    """Parts of a balancer that can be written by themselves too."""

    parent = LoadBalancers
    seconds = 3.0
    in_use_code: ClassVar[str]

    def checked(self, call: Call, parent: Body, known: Body | None) -> Body:
        """See ChildType."""
        name = (known or {}).get("name") or call.target.name
        return entry(parent["id"], self.kept_in, {"name": name, "properties": properties_of(call)})

    def settled(self, parent: Body, entries: list[Body]) -> Body:
        """See ChildType."""
        parts = copy.deepcopy(super().settled(parent, entries))
        balancer_rules.check_numbers(parts)
        settle(parts, parent["properties"])  # a new address may be one that another rule's pool has
        return parts

    def in_use(self, body: Body) -> ArmError | None:
        """See ResourceType."""
        return addressing.in_use(self.in_use_code, "Part", body["id"], users_of(body))


class BackendPools(BalancerChildren):
    """Microsoft.Network/loadBalancers/backendAddressPools: a child that can be written by itself."""

    type = f"{TYPE}/backendAddressPools"
    fidelity = Fidelity(
        exact=(
            "written by itself: 201 Updating (R); addresses lie in their network",
            "a pool that a rule uses cannot go; the ports that inbound NAT rules give to an address can be asked for (M)",
        ),
        simplified=("the code of that refusal is ours; ports are answered at once, where Azure begins an operation",),
    )
    kept_in = "backendAddressPools"
    in_use_code = "LoadBalancerBackendAddressPoolInUse"
    shape: ClassVar[Shape] = MODELS["BackendAddressPool"]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.actions = {"queryInboundNatRulePortMapping": self._ports}

    def checked(self, call: Call, parent: Body, known: Body | None) -> Body:
        """See ChildType."""
        pool = super().checked(call, parent, known)
        refuse_unbuilt(TYPE, {self.kept_in: [pool]}, UNBUILT)
        check_pool(self.context, pool)
        return pool

    async def _ports(self, call: Call) -> Answer:
        pool = _part(self.context, call, self.kept_in)
        address = call.body.get("ipAddress")
        if not isinstance(address, str):
            raise not_implemented(self.type, "a port mapping without ipAddress")
        parts = _balancer(self.context, call.target.parent or "")["properties"]
        return Answer(200, {"inboundNatRulePortMappings": balancer_nat.ports_of(parts, pool, address)})


class InboundNatRules(BalancerChildren):
    """Microsoft.Network/loadBalancers/inboundNatRules: a child that can be written by itself."""

    type = f"{TYPE}/inboundNatRules"
    fidelity = Fidelity(
        exact=("written by itself: 201 Updating, or with its balancer, whose PUT without it removes it",)
    )
    kept_in = "inboundNatRules"
    in_use_code = "InboundNatRuleInUse"
    shape: ClassVar[Shape] = MODELS["InboundNatRule"]


def check_pool(context: Context, pool: Body) -> None:
    """Raises ArmError for a backend pool that Azure refuses."""
    pool["properties"]["provisioningState"] = "Succeeded"
    for address in pool["properties"].get("loadBalancerBackendAddresses") or []:
        properties = address.get("properties") or {}
        network = (
            reference(properties.get("virtualNetwork"))
            or reference(pool["properties"].get("virtualNetwork"))
            or (reference(properties.get("subnet")) or "").partition("/subnets/")[0]
        )
        found = referenced(context, network, pool["id"])
        balancer_rules.check_address(pool, address, network, found["properties"]["addressSpace"]["addressPrefixes"])


class BalancerParts(ResourceType):
    """Rules of balancing and outbound, probes and frontends: read by themselves, written only with their balancer."""

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
