"""What a ServiceExposure asks for: a Service in the cluster, an address, balancer entries, NSG rules. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from aks_operator.keys import Key
from aks_operator.marks import Marks, owner_hash

PUBLIC_IPS: Final = "Microsoft.Network/publicIPAddresses"
BALANCERS: Final = "Microsoft.Network/loadBalancers"
GROUPS: Final = "Microsoft.Network/networkSecurityGroups"
RULES: Final = f"{GROUPS}/securityRules"
DESCRIPTION_LIMIT: Final = 140
"""Characters that Azure takes; the rule's name holds the owner's hash anyway."""
PRIORITIES: Final = range(1000, 4000)
"""cloud-provider-azure takes 500 upwards; ours are apart from those."""


@dataclass(frozen=True)
class Port:
    """One port on its way from a client to a pod. `node_port` is known once the Service was made."""

    name: str
    protocol: str
    """TCP or UDP."""
    port: int
    target_port: int | str
    node_port: int = 0


@dataclass(frozen=True)
class AddressShare:
    """What one exposure asks of a public IP address."""

    location: str
    mark: str
    dns_label: str | None = None
    idle_timeout_minutes: int = 4
    tags: tuple[tuple[str, str], ...] = ()
    applied_tags: tuple[str, ...] = ()
    """Tag keys that were set before (no setting: it is nothing to disagree on)."""


@dataclass(frozen=True)
class BalancerShare:
    """What one exposure asks of the cluster's balancer."""

    location: str
    mark: str
    frontend: str
    """The public IP's id."""
    network: str
    """The id of the virtual network in which the nodes are."""
    ports: tuple[Port, ...]
    addresses: tuple[str, ...]
    """The nodes' private addresses, sorted."""
    probe: tuple[str, str, int, int]
    """Protocol (TCP, HTTP, HTTPS), path, interval in seconds, threshold."""
    session_affinity: str = "None"
    idle_timeout_minutes: int = 4


@dataclass(frozen=True)
class RulesShare:
    """What one exposure asks of a network security group."""

    owner_mark: str
    sources: tuple[str, ...]
    ports: tuple[Port, ...]


def service(key: Key, name: str, spec: Any, labels: Mapping[str, str], selector: Mapping[str, str]) -> dict[str, Any]:
    """Our NodePort Service in the managed cluster."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": spec.backend.namespace, "labels": dict(labels)},
        "spec": {
            "type": "NodePort",
            "selector": dict(selector),
            "externalTrafficPolicy": spec.external_traffic_policy,
            "sessionAffinity": spec.session_affinity,
            "ports": [
                {
                    "name": port.name or f"{port.protocol.lower()}-{port.port}",
                    "protocol": port.protocol,
                    "port": port.port,
                    "targetPort": port.target_port if port.target_port is not None else port.port,
                }
                for port in spec.ports
            ],
        },
    }


def service_name(key: Key) -> str:
    """The name of the NodePort Service that we own: never that of a user's Service, and one that Services may have."""
    name = key.name.replace(".", "-")  # a custom resource's name may have dots, and begin with a digit
    return f"{name if name[0].isalpha() else f's-{name}'}"[:50].rstrip("-") + f"-{owner_hash(key)}"


def public_ip_name(cluster: str, key: Key) -> str:
    """The name of an address that the user did not name: at most 80 characters."""
    return f"{cluster[:34]}-{key.name[:34]}-{owner_hash(key)}"


def public_ip(share: AddressShare) -> dict[str, Any]:
    """The address' body, without its tags."""
    properties: dict[str, Any] = {
        "publicIPAllocationMethod": "Static",
        "publicIPAddressVersion": "IPv4",
        "idleTimeoutInMinutes": share.idle_timeout_minutes,
    }
    if share.dns_label:
        properties["dnsSettings"] = {"domainNameLabel": share.dns_label}
    return {"location": share.location, "sku": {"name": "Standard"}, "properties": properties}


def balancer_entries(balancer: str, owner: Key, share: BalancerShare, marks: Marks) -> dict[str, list[dict[str, Any]]]:
    """Our entries in a balancer's lists. Children are named by full ids, which are known before the balancer exists."""
    entry = marks.entry(owner)

    def child(list_: str, name: str) -> dict[str, str]:
        return {"id": f"{balancer}/{list_}/{name}"}

    frontend = marks.entry(Key("frontend", "", share.frontend.casefold()))
    protocol, path, interval, threshold = share.probe
    probes, rules = [], []
    tcp = [port for port in share.ports if port.protocol == "TCP"]
    for port in share.ports:
        name = marks.entry(owner, port.protocol, port.port)
        probed = port if port.protocol == "TCP" else next(iter(tcp), None)  # a UDP port is judged by the first TCP port
        if port.protocol == "TCP":
            web = {"requestPath": path} if protocol in {"HTTP", "HTTPS"} else {}
            probes.append(
                {
                    "name": name,
                    "properties": {
                        "protocol": protocol.capitalize(),
                        "port": port.node_port,
                        "intervalInSeconds": interval,
                        "probeThreshold": threshold,
                        "numberOfProbes": threshold,
                        **web,
                    },
                }
            )
        rules.append(
            {
                "name": name,
                "properties": {
                    "frontendIPConfiguration": child("frontendIPConfigurations", frontend),
                    "backendAddressPool": child("backendAddressPools", entry),
                    **({"probe": child("probes", marks.entry(owner, probed.protocol, probed.port))} if probed else {}),
                    "protocol": port.protocol.capitalize(),
                    "frontendPort": port.port,
                    "backendPort": port.node_port,
                    "enableFloatingIP": False,
                    "disableOutboundSnat": True,
                    "idleTimeoutInMinutes": share.idle_timeout_minutes,
                    "loadDistribution": "SourceIP" if share.session_affinity == "ClientIP" else "Default",
                },
            }
        )
    pool = {
        "name": entry,
        "properties": {
            "loadBalancerBackendAddresses": [
                {
                    "name": f"{entry}-{address}",
                    "properties": {"ipAddress": address, "virtualNetwork": {"id": share.network}},
                }
                for address in share.addresses
            ]
        },
    }
    address = {"name": frontend, "properties": {"publicIPAddress": {"id": share.frontend}}}
    return {
        "frontendIPConfigurations": [address],
        "backendAddressPools": [pool],
        "probes": probes,
        "loadBalancingRules": rules,
    }


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
                        "destinationAddressPrefix": "VirtualNetwork",
                        "destinationPortRanges": sorted(ports),
                        **sources,
                    },
                }
            )
    return rules


def is_cidr(source: str) -> bool:
    """Whether a source is a CIDR or an address, else it is a service tag."""
    try:
        ip_network(source, strict=False)
    except ValueError:
        return False
    return True
