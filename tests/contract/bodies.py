"""The smallest bodies that Azure takes; a test changes what it is about."""

from collections.abc import Sequence
from typing import Any

LOCATION = "westeurope"
CLUSTERS = "Microsoft.ContainerService/managedClusters"
NETWORKS = "Microsoft.Network/virtualNetworks"
SECURITY_GROUPS = "Microsoft.Network/networkSecurityGroups"
ADDRESSES = "Microsoft.Network/publicIPAddresses"
BALANCERS = "Microsoft.Network/loadBalancers"
ROUTE_TABLES = "Microsoft.Network/routeTables"
NAT_GATEWAYS = "Microsoft.Network/natGateways"
ZONES = "Microsoft.Network/dnsZones"
LOCKS = "Microsoft.Authorization/locks"
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
WORKSPACES = "Microsoft.OperationalInsights/workspaces"
Body = dict[str, Any]


def profile(name: str = "system", *, mode: str = "System", count: int = 1, **more: Any) -> Body:
    """An agent pool as part of a new cluster."""
    return {"name": name, "mode": mode, "count": count, "vmSize": "Standard_D4s_v5", **more}


def cluster(*profiles: Body, **properties: Any) -> Body:
    """A managed cluster with `profiles`, or one System pool of one node."""
    return {
        "location": LOCATION,
        "identity": {"type": "SystemAssigned"},
        "properties": {"dnsPrefix": "dns", "agentPoolProfiles": list(profiles) or [profile()], **properties},
    }


def pool(*, mode: str = "User", count: int = 1, **properties: Any) -> Body:
    """An agent pool as a resource of its own."""
    return {"properties": {"mode": mode, "count": count, "vmSize": "Standard_D4s_v5", **properties}}


def address(**properties: Any) -> Body:
    """A public IP address."""
    return {
        "location": LOCATION,
        "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static", **properties},
    }


def network(*subnets: Body, prefix: str = "10.0.0.0/16") -> Body:
    """A virtual network."""
    return {
        "location": LOCATION,
        "properties": {"addressSpace": {"addressPrefixes": [prefix]}, "subnets": list(subnets)},
    }


def subnet(name: str, prefix: str, **properties: Any) -> Body:
    """A subnet in its network's body."""
    return {"name": name, "properties": {"addressPrefix": prefix, **properties}}


def lock(level: str = "CanNotDelete", **properties: Any) -> Body:
    """A management lock."""
    return {"properties": {"level": level, **properties}}


def route_table(*routes: Body) -> Body:
    """A route table."""
    return {"location": LOCATION, "properties": {"routes": list(routes)}}


def route(name: str = "default", prefix: str = "0.0.0.0/0", hop: str = "Internet", **properties: Any) -> Body:
    """A route in its table's body."""
    return {"name": name, "properties": {"addressPrefix": prefix, "nextHopType": hop, **properties}}


def nat_gateway(*addresses: str, **properties: Any) -> Body:
    """A NAT gateway that goes out by the public addresses with these ids."""
    entries = [{"id": id_} for id_ in addresses]
    return {
        "location": LOCATION,
        "sku": {"name": "Standard"},
        "properties": {"publicIpAddresses": entries, **properties},
    }


def diagnostics(workspace: str, *categories: str, **properties: Any) -> Body:
    """A diagnostic setting that sends these log categories to a workspace (its id)."""
    logs = [{"category": category, "enabled": True} for category in categories]
    return {"properties": {"workspaceId": workspace, "logs": logs, **properties}}


def security_group(*rules: Body) -> Body:
    """A network security group."""
    return {"location": LOCATION, "properties": {"securityRules": list(rules)}}


def rule_properties(priority: int = 1000, **properties: Any) -> Body:
    """An NSG rule that lets anybody reach port 80."""
    return {
        "protocol": "Tcp",
        "access": "Allow",
        "direction": "Inbound",
        "priority": priority,
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "80",
        **properties,
    }


def rule(name: str, priority: int = 1000, **properties: Any) -> Body:
    """An NSG rule in its group's body."""
    return {"name": name, "properties": rule_properties(priority, **properties)}


def balancer(id_: str, *, address_id: str, rules: Sequence[Body] = ()) -> Body:
    """A load balancer with frontend `front`, pool `pool`, probe `probe`, and `rules` from `balancing_rule`."""
    return {
        "location": LOCATION,
        "sku": {"name": "Standard"},
        "properties": {
            "frontendIPConfigurations": [{"name": "front", "properties": {"publicIPAddress": {"id": address_id}}}],
            "backendAddressPools": [{"name": "pool"}],
            "probes": [{"name": "probe", "properties": {"protocol": "Tcp", "port": 30080, "intervalInSeconds": 5}}],
            "loadBalancingRules": list(rules),
        },
    }


def balancing_rule(
    balancer_id: str, name: str = "http", frontend: int = 80, backend: int = 30080, /, **properties: Any
) -> Body:
    """A rule of the load balancer `balancer_id` as `balancer` makes it."""
    return {
        "name": name,
        "properties": {
            "frontendIPConfiguration": {"id": f"{balancer_id}/frontendIPConfigurations/front"},
            "backendAddressPool": {"id": f"{balancer_id}/backendAddressPools/pool"},
            "probe": {"id": f"{balancer_id}/probes/probe"},
            "protocol": "Tcp",
            "frontendPort": frontend,
            "backendPort": backend,
            "disableOutboundSnat": True,
            **properties,
        },
    }
