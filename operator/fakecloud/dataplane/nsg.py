"""Network security groups, pure: rules × packet → verdict, and the rule that decided.

https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview (priority order, first match decides).
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

PROBE_SOURCE: Final = "168.63.129.16/32"
"""Where Azure's health probes come from: the tag AzureLoadBalancer."""
ANY: Final = "*"
PORTS: Final = {"Tcp", "Udp"}
"""Protocols that have ports."""
LAST_PORT: Final = 65535
Network = ipaddress.IPv4Network


@dataclass(frozen=True)
class Match:
    """Which addresses a rule's side means: those inside `networks`, or (`outside`) all but those."""

    networks: tuple[Network, ...]
    outside: bool = False

    def __contains__(self, address: ipaddress.IPv4Address) -> bool:
        return any(address in network for network in self.networks) != self.outside


EVERYWHERE: Final = Match((), outside=True)


@dataclass(frozen=True)
class Rule:
    """One inbound rule, its tags resolved. `ports` are inclusive ranges; `protocol` is ARM's word or "*"."""

    name: str
    priority: int
    allow: bool
    protocol: str
    source: Match
    destination: Match
    source_ports: tuple[tuple[int, int], ...]
    ports: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection. `protocol` is Tcp, Udp or Icmp; ports are 0 where there are none."""

    source: str
    destination: str
    protocol: str
    port: int
    source_port: int = 49152


@dataclass(frozen=True)
class Verdict:
    """What a group says, and by which rule."""

    allow: bool
    rule: str


def inbound_rules(group: Mapping[str, Any], network: Sequence[str]) -> tuple[Rule, ...]:
    """The inbound rules of an NSG body (GET shape), its default rules among them, in the order in which they are asked.

    `network` are the prefixes of the virtual network: the tag VirtualNetwork; Internet is everything else but the
    address from which the host probes.
    """
    properties = group["properties"]
    bodies = [*(properties.get("securityRules") or ()), *(properties.get("defaultSecurityRules") or ())]
    space = collapse(network)
    rules = [_rule(body, space) for body in bodies if body["properties"]["direction"] == "Inbound"]
    return tuple(sorted(rules, key=lambda rule: rule.priority))


def verdict(rules: Iterable[Rule], packet: Packet) -> Verdict:
    """What the first rule that matches says. Every group ends with a rule that matches all."""
    source, destination = ipaddress.IPv4Address(packet.source), ipaddress.IPv4Address(packet.destination)
    for rule in rules:
        if (
            rule.protocol in {ANY, packet.protocol}
            and source in rule.source
            and destination in rule.destination
            and _ports_match(rule, packet)
        ):
            return Verdict(rule.allow, rule.name)
    return Verdict(allow=False, rule="")


def _ports_match(rule: Rule, packet: Packet) -> bool:
    """A rule for every protocol that names ports speaks of Tcp and Udp alone; one for a protocol without ports of all of it."""
    if packet.protocol in PORTS:
        return _inside(packet.source_port, rule.source_ports) and _inside(packet.port, rule.ports)
    return rule.protocol != ANY or not (rule.source_ports or rule.ports)


def collapse(prefixes: Iterable[str]) -> tuple[Network, ...]:
    """The IPv4 prefixes, sorted, without overlaps. IPv6 is left out: the fabric carries IPv4."""
    networks = [ipaddress.ip_network(prefix, strict=False) for prefix in prefixes]
    return tuple(ipaddress.collapse_addresses(n for n in networks if isinstance(n, Network)))


def _rule(body: Mapping[str, Any], space: tuple[Network, ...]) -> Rule:
    properties = body["properties"]
    return Rule(
        name=str(body["name"]),
        priority=int(properties["priority"]),
        allow=properties["access"] == "Allow",
        protocol=str(properties["protocol"]),
        source=_match(_values(properties, "sourceAddressPrefix", "sourceAddressPrefixes"), space),
        destination=_match(_values(properties, "destinationAddressPrefix", "destinationAddressPrefixes"), space),
        source_ports=_ranges(_values(properties, "sourcePortRange", "sourcePortRanges")),
        ports=_ranges(_values(properties, "destinationPortRange", "destinationPortRanges")),
    )


def _values(properties: Mapping[str, Any], one: str, many: str) -> list[str]:
    return [str(properties[one])] if properties.get(one) else [str(value) for value in properties.get(many) or ()]


def _match(values: Sequence[str], space: tuple[Network, ...]) -> Match:
    """A tag stands alone in a rule. One that names a service has no addresses here: it matches nothing."""
    match values:
        case ["*" | "Any" | "0.0.0.0/0"]:
            return EVERYWHERE
        case ["VirtualNetwork"]:
            return Match(space)
        case ["Internet"]:  # the host's own address is no part of it
            return Match(tuple(ipaddress.collapse_addresses([*space, Network(PROBE_SOURCE)])), outside=True)
        case ["AzureLoadBalancer"]:
            return Match(collapse([PROBE_SOURCE]))
        case _:
            return Match(collapse(value for value in values if _is_prefix(value)))


def _is_prefix(value: str) -> bool:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def _ranges(values: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Inclusive port ranges, sorted, without overlaps; empty: every port."""
    found: list[tuple[int, int]] = []
    for value in values:
        if value == ANY:
            return ()
        first, _, last = value.partition("-")
        found.append((int(first), int(last or first)))
    merged: list[tuple[int, int]] = []
    for low, high in sorted(found):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return () if merged == [(0, LAST_PORT)] else tuple(merged)


def _inside(port: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return not ranges or any(low <= port <= high for low, high in ranges)
