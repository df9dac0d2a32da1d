"""What an exposure asks of a network security group: rules; and who denies what they allow. Pure."""

from dataclasses import dataclass
from ipaddress import ip_network
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
