"""nftables rules out of the world, pure: one table in the fabric, one on the node, each replaced in one transaction.

The fabric translates first and judges afterwards: a packet is judged as Azure does it at the machine, with the
backend's address and port and the client's own source. Established connections go on whatever is replaced.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final

from fakecloud.dataplane.nsg import PORTS, Match, Rule
from fakecloud.dataplane.world import Backend, Frontend, Machine, World

FABRIC_TABLE: Final = "fakecloud"
NODE_TABLE: Final = "fakecloud_node"
LINK: Final = "169.254.77.0/30"
"""Between a node and its fabric."""
NODE_END: Final = "169.254.77.1"
FABRIC_END: Final = "169.254.77.2"
NODE_DEVICE: Final = "fab0"
FABRIC_DEVICE: Final = "fab1"
MARK: Final = "0x1"
"""Connection mark of what a frontend took."""


def fabric(world: World) -> str:
    """The fabric's table, as an `nft -f` script."""
    chains = [_group(number, world.groups[id_]) for id_, number in _numbers(world).items()]
    translations = [line for frontend in world.frontends for line in _translations(frontend, world.healthy(frontend))]
    closed = [f"ip daddr {{ {', '.join(world.closed)} }} counter drop"] if world.closed else []
    chains += [
        _chain("balance", "type nat hook prerouting priority -100; policy accept;", translations),
        # what is still addressed to the cloud found no rule, or no healthy backend: Azure lets it time out
        _chain("closed", "type filter hook prerouting priority -90; policy accept;", closed),
        _chain(
            "judge",
            "type filter hook forward priority 0; policy drop;",
            ["ct state established,related accept", *_judged(world, world.machines)],
        ),
        _chain(
            "leave",
            "type nat hook postrouting priority 100; policy accept;",
            [f"ct mark {MARK} masquerade"],
        ),
    ]
    return _table(FABRIC_TABLE, chains)


def node(world: World, name: str, outside: str) -> str:
    """A node's own table. `outside` is the device through which the node is reached: what comes that way for one of
    its machines' own addresses is judged here, unless it comes from another node.
    """
    chains = [_group(number, world.groups[id_]) for id_, number in _numbers(world).items()]
    here = [machine for machine in world.machines if machine.node == name]
    spared = ["ct state != new return", f'iifname != "{outside}" return']
    spared += [f"ip saddr {{ {', '.join(world.nodes)} }} return"] if world.nodes else []
    chains += [
        _chain("judge", "type filter hook prerouting priority -160; policy accept;", [*spared, *_judged(world, here)]),
        _chain(
            "leave",
            "type nat hook postrouting priority 90; policy accept;",
            [f'ip saddr {LINK} oifname != "{NODE_DEVICE}" masquerade'],
        ),
    ]
    return _table(NODE_TABLE, chains)


def removal(table: str) -> str:
    """A script after which the table is not there."""
    return f"table ip {table}\ndelete table ip {table}\n"


def _judged(world: World, machines: Sequence[Machine]) -> list[str]:
    """A jump into each group of each machine, then accept: all of them must allow."""
    numbers = _numbers(world)
    lines = []
    for machine in machines:
        lines += [f"ip daddr {machine.address} jump nsg{numbers[id_]}" for id_ in machine.groups if id_ in numbers]
        lines.append(f"ip daddr {machine.address} accept")
    return lines


def _numbers(world: World) -> dict[str, int]:
    return {id_: number for number, id_ in enumerate(sorted(world.groups))}


def _group(number: int, rules: Iterable[Rule]) -> str:
    return _chain(f"nsg{number}", "", [line for rule in rules for line in _rule(rule)])


def _rule(rule: Rule) -> list[str]:
    """The lines of one NSG rule. One whose side means no address at all matches nothing, and has none."""
    sides = []
    for word, match in (("saddr", rule.source), ("daddr", rule.destination)):
        if not match.networks and not match.outside:
            return []
        sides += _side(word, match)
    verb = "return" if rule.allow else "drop"
    protocols = ["Tcp", "Udp"] if rule.protocol == "*" else [rule.protocol]
    comment = f'comment "{rule.priority} {rule.name}"'
    if rule.protocol == "*" and not rule.ports and not rule.source_ports:
        return [" ".join([*sides, "counter", verb, comment])]
    return [" ".join([*sides, *_ports(protocol, rule), "counter", verb, comment]) for protocol in protocols]


def _side(word: str, match: Match) -> list[str]:
    if not match.networks:
        return []
    return [f"ip {word} {'!= ' if match.outside else ''}{{ {', '.join(str(n) for n in match.networks)} }}"]


def _ports(protocol: str, rule: Rule) -> list[str]:
    if protocol not in PORTS:
        return [f"meta l4proto {protocol.lower()}"]
    lower = protocol.lower()
    words = [
        f"{lower} {word} {_range_set(ranges)}"
        for word, ranges in (("sport", rule.source_ports), ("dport", rule.ports))
        if ranges
    ]
    return words or [f"meta l4proto {lower}"]


def _range_set(ranges: Iterable[tuple[int, int]]) -> str:
    return f"{{ {', '.join(str(low) if low == high else f'{low}-{high}' for low, high in ranges)} }}"


def _translations(frontend: Frontend, backends: Sequence[Backend]) -> list[str]:
    """Spread the connections to a frontend over its healthy backends; none: no line, so it is closed."""
    if not backends:
        return []
    protocol = frontend.protocol.lower()
    port = f"{protocol} dport {frontend.port}" if frontend.port else f"meta l4proto {protocol}"
    match = f"ip daddr {frontend.address} {port} ct mark set {MARK}"
    if len(backends) == 1:
        [only] = backends
        return [f"{match} dnat to {only.address}" + (f":{only.port}" if only.port else "")]
    key = "ip saddr" if frontend.sticky else f"ip saddr . {protocol} sport"
    places = ", ".join(f"{i} : {b.address}" + (f" . {b.port}" if b.port else "") for i, b in enumerate(backends))
    return [f"{match} dnat to jhash {key} mod {len(backends)} map {{ {places} }}"]


def _chain(name: str, hook: str, lines: Iterable[str]) -> str:
    body = "".join(f"    {line}\n" for line in ([hook] if hook else []) + list(lines))
    return f"  chain {name} {{\n{body}  }}\n"


def _table(name: str, chains: Iterable[str]) -> str:
    return f"{removal(name)}table ip {name} {{\n{''.join(chains)}}}\n"


def overlaps(prefix: str, others: Iterable[str]) -> bool:
    """Whether a prefix shares addresses with any of `others`."""
    network = ipaddress.ip_network(prefix)
    return any(network.overlaps(ipaddress.ip_network(other, strict=False)) for other in others)
