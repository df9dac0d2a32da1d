"""loadBalancers: one document, its parts tied by ids inside the same PUT."""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, ResourceType
from fakecloud.providers.network.base import NetworkType, check_etag, etag, properties_of, reference
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

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        if ((call.body.get("sku") or {}).get("name") or "Standard") not in {"Standard", "Gateway"}:
            raise bad_request("LoadBalancerSkuNotSupported", "Basic SKU load balancers are retired: use Standard.")
        kept: Body = {name: [_entry(call.target.id, name, entry) for entry in given.get(name) or []] for name in LISTS}
        for name in LISTS:
            _unique(name, kept[name])
        for frontend in kept["frontendIPConfigurations"]:
            self._check_frontend(call, frontend)
        for pool in kept["backendAddressPools"]:
            self.check_pool(pool)
        self._check_rules(call.target.id, kept)
        return kept

    def _check_frontend(self, call: Call, frontend: Body) -> None:
        properties = frontend["properties"]
        address, subnet = reference(properties.get("publicIPAddress")), reference(properties.get("subnet"))
        if (address is None) == (subnet is None):
            raise bad_request(
                "LoadBalancerFrontendIPConfigurationInvalid",
                f"Frontend {frontend['name']} needs either publicIPAddress or subnet.",
            )
        if address is not None:
            found = self.context.resource(address)
            if found is None:
                raise bad_request(
                    "InvalidResourceReference",
                    f"Resource {address} referenced by resource {frontend['id']} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.",
                    details=[],
                )
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
                raise bad_request(
                    "InvalidResourceReference",
                    f"Resource {network} referenced by resource {pool['id']} was not found.",
                    details=[],
                )
            ip = ipaddress.ip_address(str(properties.get("ipAddress")))
            if not any(ip in ipaddress.ip_network(p) for p in found["properties"]["addressSpace"]["addressPrefixes"]):
                raise bad_request(
                    "LoadBalancerBackendAddressNotInVirtualNetwork",
                    f"IP address {ip} of backend pool {pool['id']} does not lie in virtual network {network}.",
                )

    def _check_rules(self, id_: str, kept: Body) -> None:
        names = {name: {entry["name"].lower() for entry in kept[name]} for name in LISTS}
        backends: set[tuple[str, int, str]] = set()
        frontends: set[tuple[str, int, str]] = set()
        for rule in kept["loadBalancingRules"]:
            properties = rule["properties"]
            for field, list_ in (
                ("frontendIPConfiguration", "frontendIPConfigurations"),
                ("backendAddressPool", "backendAddressPools"),
                ("probe", "probes"),
            ):
                wanted = reference(properties.get(field))
                if wanted is None:
                    continue
                base, _, name = wanted.rpartition("/")
                if base.lower() != f"{id_}/{list_}".lower() or name.lower() not in names[list_]:
                    raise bad_request(
                        "InvalidResourceReference",
                        f"Resource {wanted} referenced by resource {rule['id']} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.",
                        details=[],
                    )
            protocol = str(properties.get("protocol", "")).capitalize()
            if protocol not in {"Tcp", "Udp", "All"} or not isinstance(properties.get("frontendPort"), int):
                raise bad_request(
                    "LoadBalancingRuleInvalid",
                    f"Rule {rule['name']} needs protocol (Tcp, Udp or All) and frontendPort.",
                )
            properties |= {"protocol": protocol, "provisioningState": "Succeeded"}
            properties.setdefault("backendPort", properties["frontendPort"])
            for key, value in (
                ("enableFloatingIP", False),
                ("idleTimeoutInMinutes", 4),
                ("enableTcpReset", False),
                ("disableOutboundSnat", False),
                ("loadDistribution", "Default"),
            ):
                properties.setdefault(key, value)
            frontend = (
                (reference(properties.get("frontendIPConfiguration")) or "").lower(),
                properties["frontendPort"],
                protocol,
            )
            if frontend in frontends:
                raise bad_request(
                    "RulesUseSameFrontendPortProtocolAndIPConfig",
                    f"Rule {rule['name']} uses the frontend port, protocol and IP configuration of another rule.",
                )
            frontends.add(frontend)
            backend = (
                (reference(properties.get("backendAddressPool")) or "").lower(),
                properties["backendPort"],
                protocol,
            )
            if backend in backends and not properties["enableFloatingIP"]:
                raise bad_request(
                    "RulesUseSameBackendPortProtocolAndPool",
                    f"Load balancing rules {rule['id']} and another use the same backend port, protocol and pool. Enable floating IP, or use another port.",
                )
            backends.add(backend)
        for probe in kept["probes"]:
            interval = probe["properties"].setdefault("intervalInSeconds", 15)
            if interval < 5:
                raise bad_request(
                    "LoadBalancerProbeIntervalInvalid", f"Probe {probe['name']}: intervalInSeconds must be at least 5."
                )
            probe["properties"]["provisioningState"] = "Succeeded"

    def _fill(self, body: Body, known: Body | None) -> None:
        body["sku"] = {"name": "Standard", "tier": "Regional"}
        for rule in body["properties"]["loadBalancingRules"]:
            _back_reference(body, rule)

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
        pool = _entry(
            balancer["id"], "backendAddressPools", {"name": call.target.name, "properties": properties_of(call)}
        )
        self._balancers.check_pool(pool)
        others = [p for p in balancer["properties"]["backendAddressPools"] if p is not known]
        return self._write(call, balancer, [*others, pool], Answer(200 if known else 201, pool))

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        balancer = self.context.resource(call.target.parent or "")
        pools = (balancer or {}).get("properties", {}).get("backendAddressPools") or []
        known = next((p for p in pools if p["name"].lower() == call.target.name.lower()), None)
        if balancer is None or known is None:
            return Answer(204)
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
        changed = {
            **balancer,
            "etag": etag(),
            "properties": {**balancer["properties"], "backendAddressPools": [*pools]},
        }
        operation = self.context.operations.document(
            self._balancers.create_name,
            resource=balancer["id"],
            provider="Microsoft.Network",
            location=balancer["location"],
            subscription=call.target.subscription,
            seconds=3.0,
        )
        self.context.begin(operation, (RESOURCE, balancer["id"], changed))
        return Answer(answer.status, answer.body, operation=operation, location=answer.location)


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


def _entry(id_: str, list_: str, entry: Any) -> Body:
    if not isinstance(entry, dict) or not entry.get("name"):
        raise bad_request("InvalidRequestFormat", f"Every entry of {list_} needs a name.")
    kept: Body = {
        "name": str(entry["name"]),
        "id": f"{id_}/{list_}/{entry['name']}",
        "etag": etag(),
        "type": f"{TYPE}/{list_}",
        "properties": dict(entry.get("properties") or {}),
    }
    if "zones" in entry:
        kept["zones"] = entry["zones"]
    return kept


def _unique(list_: str, entries: list[Body]) -> None:
    names = [entry["name"].lower() for entry in entries]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise bad_request("DuplicateResourceName", f"Resource /{list_}/{twice} is named twice.")


def _back_reference(balancer: Body, rule: Body) -> None:
    """Frontends and pools list the rules that use them."""
    for field, list_ in (
        ("frontendIPConfiguration", "frontendIPConfigurations"),
        ("backendAddressPool", "backendAddressPools"),
        ("probe", "probes"),
    ):
        wanted = (reference(rule["properties"].get(field)) or "").lower()
        for entry in balancer["properties"][list_]:
            if entry["id"].lower() == wanted:
                rules = [
                    r
                    for r in entry["properties"].get("loadBalancingRules") or []
                    if r["id"].lower() != rule["id"].lower()
                ]
                entry["properties"]["loadBalancingRules"] = [*rules, {"id": rule["id"]}]
