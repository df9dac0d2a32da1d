"""What the data plane should carry: machines, frontends, backends and NSG rules, computed from ARM's state. Pure.

The world is a plain document: the server computes it, the agents turn it into routes and nftables rules.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fakecloud.compute.port import Placement
from fakecloud.dataplane.nsg import Packet, Rule, inbound_rules, verdict

if TYPE_CHECKING:
    from pydantic import TypeAdapter

PROBE_ADDRESS: Final = "168.63.129.16"
BALANCERS: Final = "microsoft.network/loadbalancers"
GROUPS: Final = "microsoft.network/networksecuritygroups"


@dataclass(frozen=True)
class Probe:
    """One health probe of one backend. `interval` in seconds; `threshold` probes in a row change the state."""

    machine: str
    protocol: str
    """Tcp, Http or Https."""
    port: int
    path: str
    interval: int
    threshold: int


@dataclass(frozen=True)
class Machine:
    """A node's place in the virtual network. `address` is ARM's, `node_address` the kind node's own."""

    address: str
    node: str
    node_address: str
    groups: tuple[str, ...]
    """ARM ids of the NSGs that judge what comes to it: its subnet's, its network card's."""


@dataclass(frozen=True)
class Backend:
    """Where a frontend's connections go."""

    address: str
    port: int
    probe: Probe | None


@dataclass(frozen=True)
class Frontend:
    """One rule of balancing or inbound NAT: connections to `address`:`port` are spread over the backends.

    Port 0 stands for all of them, and then that of a connection stays as it is: HA ports.
    """

    rule: str
    """The rule's ARM id."""
    address: str
    protocol: str
    """Tcp or Udp."""
    port: int
    sticky: bool
    """Whether a client stays with a backend (loadDistribution SourceIP)."""
    backends: tuple[Backend, ...]


@dataclass(frozen=True)
class World:
    """All of it, for every node. Addresses in `closed` belong to ARM: what no frontend takes is dropped there."""

    closed: tuple[str, ...]
    network: tuple[str, ...]
    machines: tuple[Machine, ...]
    frontends: tuple[Frontend, ...]
    groups: Mapping[str, tuple[Rule, ...]]
    down: tuple[Probe, ...] = ()
    """Probes whose backend does not get connections."""
    nodes: tuple[str, ...] = ()
    """Addresses of all nodes: any of them may forward what its fabric has judged."""

    def healthy(self, frontend: Frontend) -> tuple[Backend, ...]:
        """The backends that get connections."""
        down = set(self.down)
        return tuple(b for b in frontend.backends if b.probe is None or b.probe not in down)

    def probes(self, node: str) -> tuple[Probe, ...]:
        """The probes that an agent makes: those of the machine on its node."""
        here = {machine.address for machine in self.machines if machine.node == node}
        found = {b.probe: None for f in self.frontends for b in f.backends if b.probe is not None and b.address in here}
        return tuple(found)


EMPTY: Final = World((), (), (), (), {})


def compute(
    resources: Iterable[Mapping[str, Any]],
    placements: Sequence[Placement],
    public_range: str,
    up: Iterable[Probe],
    nodes: Iterable[str] = (),
) -> World:
    """The world out of all ARM resources, the machines that stand somewhere, the probes that were answered last, and the
    addresses of all nodes.
    """
    by_type: dict[str, dict[str, Mapping[str, Any]]] = {}
    for body in resources:
        by_type.setdefault(str(body["type"]).lower(), {})[str(body["id"]).lower()] = body
    networks = by_type.get("microsoft.network/virtualnetworks", {})
    subnets = {  # kept inside their networks' bodies
        str(subnet["id"]).lower(): subnet
        for network in networks.values()
        for subnet in network["properties"].get("subnets") or ()
    }
    rows = by_type.get("microsoft.containerservice/managedclusters/agentpools/machines", {}).values()
    row_of = {_address_of(row): row for row in rows}
    machines = []
    spaces: dict[str, None] = {}
    for placement in placements:
        row = row_of.get(placement.address)
        if row is None:
            continue
        subnet = str(row.get("_subnet") or "").lower()
        network = networks.get(subnet.partition("/subnets/")[0], {})
        spaces |= dict.fromkeys(network.get("properties", {}).get("addressSpace", {}).get("addressPrefixes") or ())
        of_subnet = _reference(subnets.get(subnet, {}).get("properties", {}).get("networkSecurityGroup"))
        of_interface = str(row.get("_group") or "").lower()
        judges = tuple(dict.fromkeys(group for group in (of_subnet, of_interface) if group))
        machines.append(Machine(placement.address, placement.node, placement.node_address, judges))
    space = tuple(sorted(spaces))
    judging = {group for machine in machines for group in machine.groups}
    groups = {
        id_: inbound_rules(body, space) for id_, body in sorted(by_type.get(GROUPS, {}).items()) if id_ in judging
    }
    known = {machine.address: machine for machine in machines}
    frontends = tuple(
        frontend
        for _, balancer in sorted(by_type.get(BALANCERS, {}).items())
        for frontend in _frontends(balancer, by_type.get("microsoft.network/publicipaddresses", {}), known)
    )
    answered = set(up)
    down = dict.fromkeys(
        backend.probe
        for frontend in frontends
        for backend in frontend.backends
        if backend.probe is not None
        and (backend.probe not in answered or not _probe_allowed(known[backend.address], groups, backend.probe))
    )
    internal = sorted({f"{f.address}/32" for f in frontends if not _inside(f.address, public_range)})
    return World(
        (public_range, *internal),
        space,
        tuple(sorted(machines, key=lambda m: m.node)),
        frontends,
        groups,
        tuple(down),
        tuple(nodes),
    )


def _frontends(
    balancer: Mapping[str, Any], addresses: Mapping[str, Mapping[str, Any]], machines: Mapping[str, Machine]
) -> Iterable[Frontend]:
    properties = balancer["properties"]
    named = {
        list_: {str(entry["id"]).lower(): entry["properties"] for entry in properties.get(list_) or ()}
        for list_ in ("frontendIPConfigurations", "backendAddressPools", "probes")
    }

    def address_of(rule: Mapping[str, Any]) -> str | None:
        wanted = rule["properties"].get("frontendIPConfiguration")
        frontend = named["frontendIPConfigurations"].get(_reference(wanted) or "", {})
        public = addresses.get(_reference(frontend.get("publicIPAddress")) or "")
        address = (public or {}).get("properties", {}).get("ipAddress") or frontend.get("privateIPAddress")
        return None if address is None else str(address)

    for rule in properties.get("loadBalancingRules") or ():
        wanted, address = rule["properties"], address_of(rule)
        pool = named["backendAddressPools"].get(_reference(wanted.get("backendAddressPool")) or "", {})
        probe = named["probes"].get(_reference(wanted.get("probe")) or "")
        if not address:
            continue
        backends = [
            entry["properties"]["ipAddress"]
            for entry in pool.get("loadBalancerBackendAddresses") or ()
            if entry["properties"].get("ipAddress") in machines
        ]
        for protocol in _transports(wanted["protocol"]):
            yield Frontend(
                rule=str(rule["id"]),
                address=address,
                protocol=protocol,
                port=int(wanted["frontendPort"]),
                sticky=wanted.get("loadDistribution") in {"SourceIP", "SourceIPProtocol"},
                backends=tuple(
                    Backend(backend, int(wanted["backendPort"]), _probe(backend, probe)) for backend in sorted(backends)
                ),
            )
    for rule in properties.get("inboundNatRules") or ():
        if address := address_of(rule):
            pool = named["backendAddressPools"].get(_reference(rule["properties"].get("backendAddressPool")) or "", {})
            yield from _translated(rule, address, pool, machines)


def _translated(
    rule: Mapping[str, Any], address: str, pool: Mapping[str, Any], machines: Mapping[str, Machine]
) -> Iterable[Frontend]:
    """What an inbound NAT rule carries: each of its ports to one backend."""
    for entry in pool.get("loadBalancerBackendAddresses") or ():
        backend = entry["properties"].get("ipAddress")
        for mapping in entry["properties"].get("inboundNatRulesPortMapping") or ():
            if mapping["inboundNatRuleName"] == rule["name"] and backend in machines:
                for protocol in _transports(rule["properties"]["protocol"]):
                    backends = (Backend(backend, int(mapping["backendPort"]), None),)
                    yield Frontend(str(rule["id"]), address, protocol, int(mapping["frontendPort"]), False, backends)


def _transports(protocol: str) -> tuple[str, ...]:
    return ("Tcp", "Udp") if protocol == "All" else (protocol,)


def _probe(machine: str, properties: Mapping[str, Any] | None) -> Probe | None:
    if properties is None:
        return None
    return Probe(
        machine,
        str(properties["protocol"]).capitalize(),
        int(properties["port"]),
        str(properties.get("requestPath") or "/"),
        int(properties.get("intervalInSeconds") or 15),
        int(properties.get("probeThreshold") or properties.get("numberOfProbes") or 1),
    )


def _probe_allowed(machine: Machine, groups: Mapping[str, tuple[Rule, ...]], probe: Probe) -> bool:
    """Probes come from AzureLoadBalancer's address, and NSGs judge them too."""
    packet = Packet(PROBE_ADDRESS, machine.address, "Tcp", probe.port)
    return all(verdict(groups[group], packet).allow for group in machine.groups if group in groups)


def _address_of(row: Mapping[str, Any]) -> str:
    return str(row["properties"]["network"]["ipAddresses"][0]["ip"])


def _reference(value: Any) -> str | None:
    return str(value["id"]).lower() if isinstance(value, Mapping) and value.get("id") else None


def _inside(address: str, prefix: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(prefix)


@cache
def _worlds() -> "TypeAdapter[World]":
    """Made when an agent first asks: a cloud without any starts sooner."""
    from pydantic import TypeAdapter

    return TypeAdapter(World)


@cache
def _probes() -> "TypeAdapter[list[Probe]]":
    from pydantic import TypeAdapter

    return TypeAdapter(list[Probe])


def encode(world: World) -> Any:
    """The world as JSON values."""
    return _worlds().dump_python(world, mode="json")


def decode(document: Any) -> World:
    """The world that `encode` wrote; raises pydantic.ValidationError."""
    return _worlds().validate_python(document)


def probe_document(probe: Probe) -> dict[str, Any]:
    """A probe as JSON values."""
    return asdict(probe)


def probes(documents: Any) -> frozenset[Probe]:
    """The probes that `probe_document` wrote; raises pydantic.ValidationError, a ValueError."""
    return frozenset(_probes().validate_python(documents))
