"""ARM's state for tests of the data plane: a cluster of two machines behind one balancer."""

from typing import Any

from fakecloud.compute.port import Placement
from fakecloud.providers.network.security_rules import default_rules

NETWORK_PROVIDER = "/subscriptions/s/resourceGroups/mc/providers/Microsoft.Network"
GROUP = f"{NETWORK_PROVIDER}/networkSecurityGroups/aks-nsg"
NETWORK = f"{NETWORK_PROVIDER}/virtualNetworks/aks-vnet"
BALANCER = f"{NETWORK_PROVIDER}/loadBalancers/shop-public"
ADDRESS = f"{NETWORK_PROVIDER}/publicIPAddresses/shop"
RULE = f"{BALANCER}/loadBalancingRules/web"
MACHINES = ("10.224.0.4", "10.224.0.5")
PLACEMENTS = [
    Placement(node=f"worker{n}", node_address=f"10.9.0.{n}", machine=f"aks-{n}", address=address, cluster="c")
    for n, address in enumerate(MACHINES, start=1)
]


def rule(name: str, priority: int, source: str | list[str], ports: list[str], **more: str) -> dict[str, Any]:
    """An inbound NSG rule in GET shape."""
    sources = {"sourceAddressPrefixes": source} if isinstance(source, list) else {"sourceAddressPrefix": source}
    properties = {
        "priority": priority,
        "access": "Allow",
        "direction": "Inbound",
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "VirtualNetwork",
        "destinationPortRanges": ports,
        **sources,
        **more,
    }
    return {"name": name, "properties": properties}


def group(*rules: dict[str, Any]) -> dict[str, Any]:
    """A network security group in GET shape."""
    properties = {"securityRules": list(rules), "defaultSecurityRules": default_rules(GROUP)}
    return {"id": GROUP, "type": "Microsoft.Network/networkSecurityGroups", "properties": properties}


def balancer(*, probe: bool = True, distribution: str = "Default") -> dict[str, Any]:
    """A load balancer with one rule, 80 → 30080, over both machines."""

    def entry(list_: str, name: str, **properties: Any) -> dict[str, Any]:
        return {"id": f"{BALANCER}/{list_}/{name}", "name": name, "properties": properties}

    parts = {
        "frontendIPConfiguration": {"id": f"{BALANCER}/frontendIPConfigurations/f"},
        "backendAddressPool": {"id": f"{BALANCER}/backendAddressPools/p"},
        **({"probe": {"id": f"{BALANCER}/probes/x"}} if probe else {}),
    }
    ports = {"protocol": "Tcp", "frontendPort": 80, "backendPort": 30080, "loadDistribution": distribution}
    pool = [{"name": a, "properties": {"ipAddress": a, "virtualNetwork": {"id": NETWORK}}} for a in MACHINES]
    properties = {
        "frontendIPConfigurations": [entry("frontendIPConfigurations", "f", publicIPAddress={"id": ADDRESS})],
        "backendAddressPools": [entry("backendAddressPools", "p", loadBalancerBackendAddresses=pool)],
        "probes": [entry("probes", "x", protocol="Tcp", port=30080, intervalInSeconds=1, probeThreshold=2)],
        "loadBalancingRules": [entry("loadBalancingRules", "web", **parts, **ports)],
    }
    return {"id": BALANCER, "type": "Microsoft.Network/loadBalancers", "properties": properties}


def natted(*, ports: dict[str, int]) -> dict[str, Any]:
    """The balancer with an inbound NAT rule to port 22 in place of its own; `ports` are the frontend's by machine."""
    made = balancer(probe=False)
    parts = made["properties"]
    [pool] = parts["backendAddressPools"]
    for entry in pool["properties"]["loadBalancerBackendAddresses"]:
        if entry["name"] in ports:
            mapping = {"inboundNatRuleName": "ssh", "frontendPort": ports[entry["name"]], "backendPort": 22}
            entry["properties"]["inboundNatRulesPortMapping"] = [mapping]
    front = {"id": parts["frontendIPConfigurations"][0]["id"]}
    ends = {"frontendPortRangeStart": 5000, "frontendPortRangeEnd": 5009, "backendPort": 22, "protocol": "Tcp"}
    rule = {"frontendIPConfiguration": front, "backendAddressPool": {"id": pool["id"]}, **ends}
    nat = {"id": f"{BALANCER}/inboundNatRules/ssh", "name": "ssh", "properties": rule}
    return {**made, "properties": {**parts, "loadBalancingRules": [], "inboundNatRules": [nat]}}


def on_every_port() -> dict[str, Any]:
    """The balancer with HA ports in place of its rule."""
    made = balancer(probe=False)
    [rule] = made["properties"]["loadBalancingRules"]
    rule["properties"] |= {"protocol": "All", "frontendPort": 0, "backendPort": 0}
    return made


def resources(*more: dict[str, Any]) -> list[dict[str, Any]]:
    """Network, subnet, address and machines, and `more`."""
    subnet = f"{NETWORK}/subnets/aks-subnet"
    made = [
        {
            "id": NETWORK,
            "type": "Microsoft.Network/virtualNetworks",
            "properties": {
                "addressSpace": {"addressPrefixes": ["10.224.0.0/12"]},
                "subnets": [{"id": subnet, "properties": {"networkSecurityGroup": {"id": GROUP}}}],
            },
        },
        {"id": ADDRESS, "type": "Microsoft.Network/publicIPAddresses", "properties": {"ipAddress": "203.0.113.10"}},
    ]
    made += [
        {
            "id": f"/machines/{address}",
            "type": "Microsoft.ContainerService/managedClusters/agentPools/machines",
            "_subnet": subnet,
            "properties": {"network": {"ipAddresses": [{"family": "IPv4", "ip": address}]}},
        }
        for address in MACHINES
    ]
    return [*made, *more]
