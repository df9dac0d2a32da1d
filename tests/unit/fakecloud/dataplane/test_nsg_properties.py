"""Verdicts against an oracle that knows nothing of networks but numbers, and nftables rules against verdicts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from fakecloud.dataplane import nftables
from fakecloud.dataplane.nsg import Packet, inbound_rules, verdict
from fakecloud.dataplane.world import EMPTY, Machine, World
from tests.unit.fakecloud.dataplane.worlds import group

VNET: Final = ["10.224.0.0/12", "192.168.7.0/24"]
MACHINES: Final = ("10.224.0.4", "10.224.0.5")
PROBE: Final = "168.63.129.16"

PREFIXES = ["10.224.0.0/16", "10.224.0.4", "10.224.0.5/32", "198.51.100.0/24", "198.51.100.128/25", "0.0.0.0/0"]
TAGS = ["*", "Internet", "VirtualNetwork", "AzureLoadBalancer", "Storage.westeurope"]
ADDRESSES = [
    "10.224.0.4",
    "10.224.0.5",
    "10.230.1.1",
    "192.168.7.9",
    "198.51.100.7",
    "198.51.100.200",
    "8.8.8.8",
    PROBE,
]
RANGES = ["80", "443", "79-81", "80-443", "0-65535", "0", "65535", "81-90", "*"]
PORTS = [0, 79, 80, 81, 90, 91, 443, 444, 65535]


def sides(word: str) -> st.SearchStrategy[dict[str, Any]]:
    """A rule's source or destination: one prefix or tag, or several prefixes."""
    one = st.sampled_from(PREFIXES + TAGS).map(lambda v: {f"{word}AddressPrefix": v, f"{word}AddressPrefixes": []})
    many = st.lists(st.sampled_from(PREFIXES), min_size=1, max_size=3, unique=True)
    return one | many.map(lambda v: {f"{word}AddressPrefixes": v})


def port_ranges(word: str) -> st.SearchStrategy[dict[str, Any]]:
    one = st.sampled_from(RANGES).map(lambda v: {f"{word}PortRange": v, f"{word}PortRanges": []})
    many = st.lists(st.sampled_from(RANGES[:-1]), min_size=1, max_size=3)
    return one | many.map(lambda v: {f"{word}PortRanges": v})


@st.composite
def groups(draw: st.DrawFn) -> dict[str, Any]:
    """A group in GET shape: rules in any order, each priority once in a direction, Azure's own at the end."""
    priorities = draw(st.lists(st.integers(100, 4096), max_size=5, unique=True))
    made = []
    for priority in priorities:
        properties = {
            "priority": priority,
            "access": draw(st.sampled_from(["Allow", "Deny"])),
            "direction": draw(st.sampled_from(["Inbound", "Inbound", "Inbound", "Outbound"])),
            "protocol": draw(st.sampled_from(["*", "Tcp", "Udp", "Icmp"])),
            **draw(sides("source")),
            **draw(sides("destination")),
            **draw(port_ranges("source")),
            **draw(port_ranges("destination")),
        }
        made.append({"name": f"r{priority}", "properties": properties})
    return group(*made)


PACKETS = st.builds(
    lambda source, destination, protocol, port, source_port: Packet(
        source, destination, protocol, port if protocol != "Icmp" else 0, source_port if protocol != "Icmp" else 0
    ),
    st.sampled_from(ADDRESSES),
    st.sampled_from(MACHINES),
    st.sampled_from(["Tcp", "Udp", "Icmp"]),
    st.sampled_from(PORTS),
    st.sampled_from(PORTS),
)


# --- the oracle: what Azure's documents say, with integers ------------------------------------------------------------


def number(address: str) -> int:
    a, b, c, d = (int(part) for part in address.split("."))
    return (a << 24) + (b << 16) + (c << 8) + d


def within(address: str, prefix: str) -> bool:
    network, _, length = prefix.partition("/")
    size = 1 << (32 - int(length or 32))
    return number(network) // size == number(address) // size


def means(value: str, address: str) -> bool:
    in_network = any(within(address, prefix) for prefix in VNET)
    match value:
        case "*":
            return True
        case "VirtualNetwork":
            return in_network
        case "Internet":
            return not in_network and address != PROBE
        case "AzureLoadBalancer":
            return address == PROBE
        case _ if value[0].isdigit():
            return within(address, value)
    return False  # a service's addresses are not known here


def covers(value: str, port: int) -> bool:
    first, _, last = value.partition("-")
    return value == "*" or int(first) <= port <= int(last or first)


def given_values(properties: Mapping[str, Any], one: str, many: str) -> list[str]:
    return [properties[one]] if properties.get(one) else properties[many]


def matches(properties: Mapping[str, Any], packet: Packet) -> bool:
    sources = given_values(properties, "sourceAddressPrefix", "sourceAddressPrefixes")
    destinations = given_values(properties, "destinationAddressPrefix", "destinationAddressPrefixes")
    from_ports = given_values(properties, "sourcePortRange", "sourcePortRanges")
    to_ports = given_values(properties, "destinationPortRange", "destinationPortRanges")
    if properties["protocol"] not in {"*", packet.protocol}:
        return False
    if not any(means(value, packet.source) for value in sources):
        return False
    if not any(means(value, packet.destination) for value in destinations):
        return False
    if packet.protocol == "Icmp":  # it has no ports: only a rule that names none for all protocols speaks of it
        everything = all({"*", "0-65535"} & set(values) for values in (from_ports, to_ports))
        return properties["protocol"] == "Icmp" or everything
    return any(covers(v, packet.source_port) for v in from_ports) and any(covers(v, packet.port) for v in to_ports)


def oracle(body: Mapping[str, Any], packet: Packet) -> tuple[bool, str]:
    found = body["properties"]
    rules = [*found["securityRules"], *found["defaultSecurityRules"]]
    inbound = [rule for rule in rules if rule["properties"]["direction"] == "Inbound"]
    decided = min(
        (rule for rule in inbound if matches(rule["properties"], packet)),
        key=lambda r: int(r["properties"]["priority"]),
    )
    return decided["properties"]["access"] == "Allow", decided["name"]


@settings(max_examples=400)  # a hundred of such groups and packets meet too rarely
@given(body=groups(), packet=PACKETS)
def test_the_verdict_is_the_oracles(body: dict[str, Any], packet: Packet) -> None:
    found = verdict(inbound_rules(body, VNET), packet)
    assert (found.allow, found.rule) == oracle(body, packet)


# --- nftables: the script read back, rule by rule ---------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What a filter chain sees of the first packet of a connection."""

    packet: Packet

    def field(self, words: str) -> str:
        protocol = self.packet.protocol.lower()
        return {
            "ip saddr": self.packet.source,
            "ip daddr": self.packet.destination,
            "meta l4proto": protocol,
            f"{protocol} sport": str(self.packet.source_port),
            f"{protocol} dport": str(self.packet.port),
        }.get(words, "")


TERM = re.compile(r"(ip [sd]addr|meta l4proto|tcp [sd]port|udp [sd]port) (!= )?(\{[^}]*\}|\S+) ?")


def holds(words: str, negated: bool, value: str, seen: Seen) -> bool:
    have = seen.field(words)
    if not have:
        return False  # another protocol's ports
    choices = [choice.strip() for choice in value.strip("{}").split(",")]
    if words.startswith("ip"):
        found = any(within(have, choice) for choice in choices)
    elif words.startswith("meta"):
        found = have in choices
    else:
        found = any(covers(choice, int(have)) for choice in choices)
    return found != negated


def chains_of(script: str) -> dict[str, list[str]]:
    found = re.findall(r"  chain (\S+) \{\n(.*?)  \}\n", script, re.DOTALL)
    return {name: [line.strip() for line in body.splitlines()] for name, body in found}


def run(chains: Mapping[str, list[str]], name: str, seen: Seen) -> str | None:
    """accept or drop, None when the chain has no say."""
    for line in chains[name]:
        if line.startswith(("type ", "ct state")):
            continue
        rest = line
        applies = True
        while (term := TERM.match(rest)) is not None:
            applies = applies and holds(term[1], bool(term[2]), term[3], seen)
            rest = rest[term.end() :]
        if not applies:
            continue
        word, _, target = rest.removeprefix("counter ").partition(" ")
        if word in {"accept", "drop"}:
            return word
        if word == "return":
            return None
        assert word == "jump", line
        if (said := run(chains, target, seen)) is not None:
            return said
    return None


@given(bodies=st.lists(groups(), min_size=1, max_size=2), packet=PACKETS)
def test_nftables_let_through_what_every_group_of_the_machine_allows(
    bodies: list[dict[str, Any]], packet: Packet
) -> None:
    ids = [f"/group/{i}" for i in range(len(bodies))]
    judges = {id_: inbound_rules(body, VNET) for id_, body in zip(ids, bodies, strict=True)}
    machines = tuple(Machine(address, f"worker{address}", "172.18.0.3", tuple(ids)) for address in MACHINES)
    world = World(**{**vars(EMPTY), "machines": machines, "groups": judges})
    said = run(chains_of(nftables.fabric(world)), "judge", Seen(packet))
    allowed = all(verdict(rules, packet).allow for rules in judges.values())
    assert said == ("accept" if allowed else "drop")


@given(bodies=st.lists(groups(), min_size=1, max_size=2), packet=PACKETS)
def test_a_node_judges_alike_and_only_its_own_machines(bodies: list[dict[str, Any]], packet: Packet) -> None:
    ids = [f"/group/{i}" for i in range(len(bodies))]
    judges = {id_: inbound_rules(body, VNET) for id_, body in zip(ids, bodies, strict=True)}
    machines = tuple(Machine(address, f"worker{address}", "172.18.0.3", tuple(ids)) for address in MACHINES)
    world = World(**{**vars(EMPTY), "machines": machines, "groups": judges})
    chains = chains_of(nftables.node(world, f"worker{MACHINES[0]}", "eth0"))
    chains["judge"] = [line for line in chains["judge"] if not line.startswith("iifname")]  # it came in from outside
    said = run(chains, "judge", Seen(packet))
    if packet.destination != MACHINES[0]:
        assert said is None
    else:
        allowed = all(verdict(rules, packet).allow for rules in judges.values())
        assert said == ("accept" if allowed else "drop")


@given(body=groups(), packet=PACKETS)
def test_a_deny_for_all_in_front_shuts_everything(body: dict[str, Any], packet: Packet) -> None:
    everything: dict[str, Any] = {"priority": 99, "access": "Deny", "direction": "Inbound", "protocol": "*"}
    everything |= {f"{side}AddressPrefix": "*" for side in ("source", "destination")}
    everything |= {f"{side}PortRange": "*" for side in ("source", "destination")}
    shut = {"name": "shut", "properties": everything}
    body["properties"]["securityRules"].append(shut)
    assert verdict(inbound_rules(body, VNET), packet).rule == "shut"
