"""What an exposure asks of a network security group: rules; and who denies what they allow. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final

from aks_operator.desired.exposure import GROUPS, Port
from aks_operator.keys import Key
from aks_operator.marks import Marks

RULES: Final = f"{GROUPS}/securityRules"
DESCRIPTION_LIMIT: Final = 140
"""Characters that Azure takes; the rule's name holds the owner's hash anyway."""
PRIORITIES: Final = range(1000, 4000)
"""cloud-provider-azure takes 500 upwards; ours are apart from those."""


@dataclass(frozen=True)
class RulesShare:
    """What one exposure asks of a network security group."""

    owner_mark: str
    sources: tuple[str, ...]
    ports: tuple[Port, ...]
    nodes: tuple[str, ...] = ()
    """The addresses of the only nodes that may be reached; none: all of the network's."""


def security_rules(owner: Key, share: RulesShare, marks: Marks) -> list[dict[str, Any]]:
    """Our NSG rules, without priorities. One rule has all CIDRs; service tags do not mix with them and get one each."""
    ranges: dict[str, list[str]] = {}
    for port in share.ports:
        ranges.setdefault(port.protocol.capitalize(), []).append(str(port.node_port))
    asked = set(share.sources)
    cidrs = sorted(source for source in asked if is_cidr(source))
    families = {
        "cidr": [cidr for cidr in cidrs if ":" not in cidr],
        "cidr6": [cidr for cidr in cidrs if ":" in cidr],  # one rule takes addresses of one family
    }
    sides: list[tuple[str, dict[str, Any]]] = [
        (label, {"sourceAddressPrefixes": prefixes}) for label, prefixes in families.items() if prefixes
    ]
    sides += [(tag, {"sourceAddressPrefix": tag}) for tag in sorted(asked - set(cidrs))]
    rules = []
    for protocol, ports in sorted(ranges.items()):
        for label, sources in sides:
            rules.append(
                {
                    "name": marks.entry(owner, protocol, label),
                    "properties": {
                        "description": share.owner_mark[:DESCRIPTION_LIMIT],
                        "protocol": protocol,
                        "access": "Allow",
                        "direction": "Inbound",
                        "sourcePortRange": "*",
                        **_destination(share),
                        "destinationPortRanges": sorted(ports),
                        **sources,
                    },
                }
            )
    return rules


def _destination(share: RulesShare) -> dict[str, Any]:
    if share.nodes:
        return {"destinationAddressPrefixes": list(share.nodes)}
    return {"destinationAddressPrefix": "VirtualNetwork"}


def is_cidr(source: str) -> bool:
    """Whether a source is a CIDR or an address, else it is a service tag."""
    try:
        ip_network(source, strict=False)
    except ValueError:
        return False
    return True


def shadows(ours: Mapping[str, Any], rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of foreign rules that deny what one of our rules allows, since their priority is higher. In their order.

    `ours` and `rules` are bodies of a group. A rule shadows ours if it denies one of its sources, to one of its ports,
    altogether, and no rule before it allows that.
    """
    mine = ours["properties"]
    before = [
        rule
        for rule in sorted(rules, key=lambda rule: int(rule["properties"]["priority"]))
        if rule["properties"].get("direction") == "Inbound"
        and int(rule["properties"]["priority"]) < int(mine["priority"])
        and _protocol_covers(rule["properties"], mine)
        and _destination_covers(rule["properties"], mine)
    ]
    found = {}
    for source in _values(mine, "sourceAddressPrefix"):
        for port in _values(mine, "destinationPortRange"):
            first = next((rule for rule in before if _covers(rule["properties"], source, port)), None)
            if first is not None and first["properties"]["access"] == "Deny":
                found[str(first["name"])] = int(first["properties"]["priority"])
    return sorted(found, key=lambda name: found[name])


def _values(properties: Mapping[str, Any], name: str) -> list[str]:
    """A property that a rule gives as one value or as several."""
    one, plural = properties.get(name), f"{name}es" if name.endswith("x") else f"{name}s"
    return [str(value) for value in (properties.get(plural) or ())] or ([str(one)] if one else [])


def _protocol_covers(rule: Mapping[str, Any], mine: Mapping[str, Any]) -> bool:
    return str(rule.get("protocol")).lower() in {"*", str(mine["protocol"]).lower()}


def _destination_covers(rule: Mapping[str, Any], mine: Mapping[str, Any]) -> bool:
    theirs = _values(rule, "destinationAddressPrefix")
    wanted = _values(mine, "destinationAddressPrefix")
    return bool(_EVERYWHERE & set(theirs)) or all(any(_inside(w, t) for t in theirs) for w in wanted)


def _covers(rule: Mapping[str, Any], source: str, port: str) -> bool:
    sources = any(_inside(source, theirs) for theirs in _values(rule, "sourceAddressPrefix"))
    ports = any(_port_inside(int(port), theirs) for theirs in _values(rule, "destinationPortRange"))
    return sources and ports and _values(rule, "sourcePortRange") == ["*"]


_EVERYWHERE: Final = frozenset({"*", "Any", "0.0.0.0/0"})
_PRIVATE: Final = tuple(
    IPv4Network(prefix) for prefix in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
"""What the tag Internet does not mean, whatever networks there are."""


def _inside(what: str, where: str) -> bool:
    """Whether a source or destination lies wholly in another one. Of tags only the same one is known to."""
    if where in _EVERYWHERE or what.lower() == where.lower():
        return True
    if not is_cidr(what):
        return False
    if where.lower() == "internet":
        source = ip_network(what, strict=False)
        return isinstance(source, IPv4Network) and not any(source.overlaps(private) for private in _PRIVATE)
    if not is_cidr(where):
        return False
    inner, outer = ip_network(what, strict=False), ip_network(where, strict=False)
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def _port_inside(port: int, where: str) -> bool:
    if where == "*":
        return True
    first, _, last = where.partition("-")
    return int(first) <= port <= int(last or first)
