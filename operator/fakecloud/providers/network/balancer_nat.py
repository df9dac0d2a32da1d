"""Inbound NAT rules and outbound rules of a load balancer, and which ports which backend has by them. Pure."""

from collections.abc import Mapping
from typing import Final

from fakecloud.arm.errors import ArmError, bad_request, not_implemented
from fakecloud.providers.network.balancer_parts import IDLE, PORTS, PROTOCOLS, TYPE, Claims, addresses, tied
from fakecloud.providers.network.base import reference
from fakecloud.store import Body

OUTBOUND_IDLE: Final = range(4, 121)
OUTBOUND_PORTS: Final = range(0, 64001, 8)


def check_inbound(parts: Body, frontends: Claims, backends: Claims) -> None:
    """Fill in the defaults of `parts["inboundNatRules"]`; raises ArmError (400) for what Azure refuses."""
    for rule in parts["inboundNatRules"]:
        properties, name = rule["properties"], rule["name"]
        frontend = next(tied(parts, rule, "frontendIPConfiguration", "frontendIPConfigurations"), None)
        if frontend is None:
            raise _invalid("InboundNatRule", name, "needs frontendIPConfiguration")
        pool = next(tied(parts, rule, "backendAddressPool", "backendAddressPools"), None)
        if properties.setdefault("protocol", "Tcp") not in PROTOCOLS:
            raise not_implemented(TYPE, f"protocol {properties['protocol']}")
        if properties.get("backendPort") not in PORTS:
            raise _invalid("InboundNatRule", name, "needs backendPort, 1 to 65535")
        ports = _frontend_ports(rule)
        for key, value in (("enableFloatingIP", False), ("enableTcpReset", False), ("idleTimeoutInMinutes", 4)):
            properties.setdefault(key, value)
        if properties["idleTimeoutInMinutes"] not in IDLE:
            raise _invalid("InboundNatRule", name, f"idleTimeoutInMinutes is {IDLE[0]} to {IDLE[-1]}")
        properties["provisioningState"] = "Succeeded"
        frontends.claim(rule["id"], frontend["id"], properties["protocol"], ports)
        if pool is not None and not properties["enableFloatingIP"]:
            for place in {pool["id"].lower(), *addresses(pool)}:
                backends.claim(rule["id"], place, properties["protocol"], (properties["backendPort"],))


def _frontend_ports(rule: Body) -> range:
    """The ports of its frontend that an inbound NAT rule takes: one, or with a pool a range; raises ArmError (400)."""
    properties, name = rule["properties"], rule["name"]
    ends = properties.get("frontendPortRangeStart"), properties.get("frontendPortRangeEnd")
    if reference(properties.get("backendAddressPool")):
        low, high = (end if end in PORTS else None for end in ends)
        if low is None or high is None or low > high or properties.get("frontendPort"):
            raise _invalid(
                "InboundNatRule", name, "needs frontendPortRangeStart and frontendPortRangeEnd, and no frontendPort"
            )
        return range(low, high + 1)
    port = properties.get("frontendPort")
    if port not in PORTS or any(ends):
        raise _invalid(
            "InboundNatRule", name, "needs frontendPort, 1 to 65535, and no range without backendAddressPool"
        )
    return range(port, port + 1)


def check_outbound(parts: Body) -> None:
    """Fill in the defaults of `parts["outboundRules"]`; raises ArmError (400) for what Azure refuses."""
    for rule in parts["outboundRules"]:
        properties, name = rule["properties"], rule["name"]
        frontends = list(tied(parts, rule, "frontendIPConfigurations", "frontendIPConfigurations"))
        pool = next(tied(parts, rule, "backendAddressPool", "backendAddressPools"), None)
        if not frontends or pool is None:
            raise _invalid("OutboundRule", name, "needs frontendIPConfigurations and backendAddressPool")
        if any(not reference(frontend["properties"].get("publicIPAddress")) for frontend in frontends):
            raise _invalid("OutboundRule", name, "takes frontends with a public address only")
        if properties.get("protocol") not in PROTOCOLS:
            raise _invalid("OutboundRule", name, "needs protocol, Tcp, Udp or All")
        for key, value in (("allocatedOutboundPorts", 0), ("enableTcpReset", False), ("idleTimeoutInMinutes", 4)):
            properties.setdefault(key, value)
        if properties["allocatedOutboundPorts"] not in OUTBOUND_PORTS:
            raise _invalid("OutboundRule", name, "allocatedOutboundPorts is 0 to 64000, and a multiple of 8")
        if properties["idleTimeoutInMinutes"] not in OUTBOUND_IDLE:
            raise _invalid("OutboundRule", name, f"idleTimeoutInMinutes is {OUTBOUND_IDLE[0]} to {OUTBOUND_IDLE[-1]}")
        properties["provisioningState"] = "Succeeded"
        _check_snat(parts, rule, {frontend["id"].lower() for frontend in frontends})


def _check_snat(parts: Body, outbound: Body, frontends: set[str]) -> None:
    """Raises ArmError (400) for a rule that would translate the source by a frontend that an outbound rule has."""
    for rule in parts["loadBalancingRules"]:
        frontend = (reference(rule["properties"].get("frontendIPConfiguration")) or "").lower()
        if frontend in frontends and not rule["properties"]["disableOutboundSnat"]:
            raise bad_request(
                "LoadBalancingRuleMustDisableSNATSinceSameFrontendIPConfigurationIsReferencedByOutboundRule",
                f"Load balancing rule {rule['id']} must disable SNAT since same frontend IP configuration {frontend} is referenced by outbound rule {outbound['id']}.",
                details=[],
            )


def map_ports(parts: Body, before: Body) -> None:
    """Write, into each backend address, the frontend ports that inbound NAT rules give it: Azure's to write.

    `before` are the parts as they were: an address keeps its ports. Raises ArmError (400) when there are too few.
    """
    had = {
        (pool["id"].lower(), _address(entry), mapping["inboundNatRuleName"]): mapping["frontendPort"]
        for pool in before.get("backendAddressPools") or ()
        for entry in _entries(pool)
        for mapping in _mapping(entry)
    }
    for pool in parts["backendAddressPools"]:
        for entry in _entries(pool):
            entry["properties"].pop("inboundNatRulesPortMapping", None)
        for rule in parts["inboundNatRules"]:
            if (reference(rule["properties"].get("backendAddressPool")) or "").lower() == pool["id"].lower():
                _map_rule(pool, rule, had)


def _map_rule(pool: Body, rule: Body, had: Mapping[tuple[str, str, str], int]) -> None:
    ports, entries = _frontend_ports(rule), _entries(pool)
    before = [had.get((pool["id"].lower(), _address(entry), rule["name"])) for entry in entries]
    kept = {port for port in before if port in ports}
    free = iter([port for port in ports if port not in kept])
    for entry, port in zip(entries, before, strict=True):
        mine = port if port in kept else next(free, None)
        if mine is None:
            raise bad_request(
                "InboundNatRuleFrontendPortRangeTooSmall",
                f"Inbound NAT rule {rule['id']} has {len(ports)} frontend ports, and backend pool {pool['id']} {len(entries)} addresses.",
            )
        mapping = {"frontendPort": mine, "backendPort": rule["properties"]["backendPort"]}
        entry["properties"].setdefault("inboundNatRulesPortMapping", []).append(
            {"inboundNatRuleName": rule["name"], **mapping}
        )


def ports_of(parts: Body, pool: Body, address: str) -> list[Body]:
    """What inbound NAT rules give to one backend address, as queryInboundNatRulePortMapping answers."""
    protocols = {rule["name"]: rule["properties"]["protocol"] for rule in parts["inboundNatRules"]}
    return [
        {**mapping, "protocol": protocols[mapping["inboundNatRuleName"]]}
        for entry in _entries(pool)
        if _address(entry) == address
        for mapping in _mapping(entry)
    ]


def _entries(pool: Body) -> list[Body]:
    """The backend addresses of a pool that have one."""
    return [entry for entry in pool["properties"].get("loadBalancerBackendAddresses") or () if _address(entry)]


def _address(entry: Body) -> str:
    return str((entry.get("properties") or {}).get("ipAddress") or "")


def _mapping(entry: Body) -> list[Body]:
    found: list[Body] = (entry.get("properties") or {}).get("inboundNatRulesPortMapping") or []
    return found


def _invalid(kind: str, name: str, wrong: str) -> ArmError:
    return bad_request(f"{kind}Invalid", f"{kind} {name}: {wrong}.", details=[])
