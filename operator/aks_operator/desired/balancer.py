"""What an exposure asks of a balancer, as entries of its lists. Pure."""

from dataclasses import dataclass
from typing import Any

from aks_operator.desired.exposure import Port
from aks_operator.keys import Key
from aks_operator.marks import Marks


@dataclass(frozen=True)
class BalancerShare:
    """What one exposure asks of one of the cluster's balancers."""

    location: str
    mark: str
    frontend: str
    """The id of the public IP; behind an internal frontend that of the subnet."""
    network: str
    """The id of the virtual network in which the nodes are."""
    ports: tuple[Port, ...]
    addresses: tuple[str, ...]
    """The nodes' private addresses, sorted."""
    probe: tuple[str, str, int, int]
    """Protocol (TCP, HTTP, HTTPS), path, interval in seconds, threshold."""
    session_affinity: str = "None"
    idle_timeout_minutes: int = 4
    health_port: int = 0
    """Where the nodes say whether they have a pod (externalTrafficPolicy Local); 0: the node ports are probed."""
    internal: bool = False


def frontend_name(owner: Key, share: BalancerShare, marks: Marks) -> str:
    """The name of the frontend: one for all who share a public address, one for each internal exposure."""
    return marks.entry(owner if share.internal else Key("frontend", "", share.frontend.casefold()))


def balancer_entries(balancer: str, owner: Key, share: BalancerShare, marks: Marks) -> dict[str, list[dict[str, Any]]]:
    """Our entries in a balancer's lists. Children are named by full ids, which are known before the balancer exists."""
    pool, frontend = marks.entry(owner), frontend_name(owner, share, marks)
    return {
        "frontendIPConfigurations": [{"name": frontend, "properties": _frontend(share)}],
        "backendAddressPools": [{"name": pool, "properties": {"loadBalancerBackendAddresses": _backends(pool, share)}}],
        "probes": [_probe(name, port, share) for name, port in _probed(owner, share, marks).items()],
        "loadBalancingRules": [
            {
                "name": marks.entry(owner, port.protocol, port.port),
                "properties": {
                    "frontendIPConfiguration": {"id": f"{balancer}/frontendIPConfigurations/{frontend}"},
                    "backendAddressPool": {"id": f"{balancer}/backendAddressPools/{pool}"},
                    **({"probe": {"id": f"{balancer}/probes/{probe}"}} if probe else {}),
                    "protocol": port.protocol.capitalize(),
                    "frontendPort": port.port,
                    "backendPort": port.node_port,
                    "enableFloatingIP": False,
                    "disableOutboundSnat": True,
                    "idleTimeoutInMinutes": share.idle_timeout_minutes,
                    "loadDistribution": "SourceIP" if share.session_affinity == "ClientIP" else "Default",
                },
            }
            for port in share.ports
            for probe in [_probe_of(owner, port, share, marks)]
        ],
    }


def _frontend(share: BalancerShare) -> dict[str, Any]:
    if share.internal:
        return {"subnet": {"id": share.frontend}, "privateIPAllocationMethod": "Dynamic"}
    return {"publicIPAddress": {"id": share.frontend}}


def _backends(pool: str, share: BalancerShare) -> list[dict[str, Any]]:
    return [
        {
            "name": f"{pool}-{address}",
            "properties": {"ipAddress": address, "virtualNetwork": {"id": share.network}},
        }
        for address in share.addresses
    ]


def _probed(owner: Key, share: BalancerShare, marks: Marks) -> dict[str, int]:
    """The ports that are probed, by their probes' names."""
    if share.health_port:
        return {marks.entry(owner, "local"): share.health_port}
    return {marks.entry(owner, p.protocol, p.port): p.node_port for p in share.ports if p.protocol == "TCP"}


def _probe_of(owner: Key, port: Port, share: BalancerShare, marks: Marks) -> str | None:
    """The name of the probe that judges a port: its own; of a UDP port that of the first TCP port, None without one."""
    names, own = list(_probed(owner, share, marks)), marks.entry(owner, port.protocol, port.port)
    return own if own in names else next(iter(names), None)


def _probe(name: str, port: int, share: BalancerShare) -> dict[str, Any]:
    protocol, path, interval, threshold = share.probe
    if share.health_port:
        protocol, path = "HTTP", "/healthz"
    return {
        "name": name,
        "properties": {
            "protocol": protocol.capitalize(),
            "port": port,
            "intervalInSeconds": interval,
            "probeThreshold": threshold,
            "numberOfProbes": threshold,
            **({"requestPath": path} if protocol in {"HTTP", "HTTPS"} else {}),
        },
    }
