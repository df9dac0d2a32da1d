"""loadBalancers: one document, its parts tied by ids inside the same PUT."""

import copy
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.locations import normal
from fakecloud.arm.shapes import TRACKED, Shape
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, ResourceType
from fakecloud.providers.network import balancer_rules
from fakecloud.providers.network.base import (
    NetworkType,
    check_etag,
    check_name,
    check_unique,
    etag,
    missing_reference,
    properties_of,
    reference,
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
        for frontend in kept["frontendIPConfigurations"]:
            self._check_frontend(frontend, location)
        for pool in kept["backendAddressPools"]:
            self.check_pool(pool)
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
        if subnet is not None:
            raise ArmError(501, "NotImplemented", f"fakecloud does not implement internal frontends of {TYPE}.")
        if address is not None:
            found = self.context.resource(address)
            if found is None or found["location"] != location:
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

    def check_pool(self, pool: Body) -> None:
        """Raises ArmError for a backend pool that Azure refuses."""
        pool["properties"]["provisioningState"] = "Succeeded"
        for address in pool["properties"].get("loadBalancerBackendAddresses") or []:
            properties = address.get("properties") or {}
            network = (
                reference(properties.get("virtualNetwork"))
                or (reference(properties.get("subnet")) or "").partition("/subnets/")[0]
            )
            found = self.context.resource(network)
            if found is None:
                raise missing_reference(network, pool["id"])
            balancer_rules.check_address(pool, address, network, found["properties"]["addressSpace"]["addressPrefixes"])

    def _fill(self, body: Body, known: Body | None) -> None:
        body["sku"] = {"name": "Standard", "tier": "Regional"}

    def beside(self, body: Body, known: Body | None) -> list[tuple[str, str, Body | None]]:
        """The addresses know their frontends."""
        mine = {
            (reference(f["properties"].get("publicIPAddress")) or "").lower(): f["id"]
            for f in body["properties"]["frontendIPConfigurations"]
        }
        return self._point(body["id"], mine)

    def beside_removed(self, body: Body) -> list[tuple[str, str, Body | None]]:
        """See NetworkType."""
        return self._point(body["id"], {})

    def _point(self, balancer: str, frontends: dict[str, str]) -> list[tuple[str, str, Body | None]]:
        changes: list[tuple[str, str, Body | None]] = []
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


class BackendPools(ResourceType):
    """Microsoft.Network/loadBalancers/backendAddressPools: a child that can be written by itself."""

    type = f"{TYPE}/backendAddressPools"
    shape: ClassVar[Shape] = {"properties": balancer_rules.POOL}

    def __init__(self, context: Context, balancers: LoadBalancers) -> None:
        super().__init__(context)
        self._balancers = balancers

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        return Answer(200, _part(self.context, call, "backendAddressPools"))

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        return Answer(200, {"value": _balancer(self.context, call.target.id)["properties"]["backendAddressPools"]})

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        balancer = _balancer(self.context, call.target.parent or "")
        known = next(
            (p for p in balancer["properties"]["backendAddressPools"] if p["name"].lower() == call.target.name.lower()),
            None,
        )
        check_etag(call, known)
        name = known["name"] if known else call.target.name
        pool = _entry(balancer["id"], "backendAddressPools", {"name": name, "properties": properties_of(call)})
        self._balancers.check_pool(pool)
        pools = balancer["properties"]["backendAddressPools"]
        kept = [pool if p is known else p for p in pools] if known else [*pools, pool]
        return self._write(call, balancer, kept, Answer(200 if known else 201, pool))

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        balancer = self.context.resource(call.target.parent or "")
        pools = (balancer or {}).get("properties", {}).get("backendAddressPools") or []
        known = next((p for p in pools if p["name"].lower() == call.target.name.lower()), None)
        if balancer is None or known is None:
            return Answer(204)
        check_etag(call, known)
        users = [
            r["id"]
            for r in balancer["properties"]["loadBalancingRules"]
            if (reference(r["properties"].get("backendAddressPool")) or "").lower() == known["id"].lower()
        ]
        if users:
            raise bad_request(
                "LoadBalancerBackendAddressPoolInUse",
                f"Backend address pool {known['id']} is used by {', '.join(users)} and cannot be deleted.",
            )
        return self._write(call, balancer, [p for p in pools if p is not known], Answer(202, None, location=True))

    def _write(self, call: Call, balancer: Body, pools: Sequence[Body], answer: Answer) -> Answer:
        parts = copy.deepcopy({**balancer["properties"], "backendAddressPools": [*pools]})
        balancer_rules.check_rules(parts)  # a new address may be one that another rule's pool has
        balancer_rules.tie(parts)
        changed = {**balancer, "etag": etag(), "properties": parts}
        operation = self.context.operations.document(
            self._balancers.create_name,
            resource=balancer["id"],
            provider="Microsoft.Network",
            location=balancer["location"],
            subscription=call.target.subscription,
            seconds=3.0,
        )
        self.context.begin(operation, (RESOURCE, balancer["id"], changed))
        written = next((p for p in parts["backendAddressPools"] if p["name"] == (answer.body or {}).get("name")), None)
        return Answer(answer.status, written, operation=operation, location=answer.location)


class BalancerParts(ResourceType):
    """Rules, probes and frontends: read by themselves, written only with their balancer."""

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

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        raise ArmError(405, "HttpMethodNotAllowed", f"{self._list} are written with their load balancer.")

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        raise ArmError(405, "HttpMethodNotAllowed", f"{self._list} are written with their load balancer.")

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
