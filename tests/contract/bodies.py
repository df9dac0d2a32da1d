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
APPLICATION_GATEWAYS = "Microsoft.Network/applicationGateways"
VPN_GATEWAYS = "Microsoft.Network/virtualNetworkGateways"
LOCAL_GATEWAYS = "Microsoft.Network/localNetworkGateways"
CONNECTIONS = "Microsoft.Network/connections"
PRIVATE_ZONES = "Microsoft.Network/privateDnsZones"
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


def named(name: str, **properties: Any) -> Body:
    """A part of a larger document."""
    return {"name": name, "properties": properties}


def application_gateway(id_: str, *, subnet_id: str, address_id: str, backend: str = "10.0.1.4") -> Body:
    """The smallest application gateway: one listener, one rule, one pool, behind a public address."""

    def part(list_: str, name: str) -> Body:
        return {"id": f"{id_}/{list_}/{name}"}

    listener = {
        "frontendIPConfiguration": part("frontendIPConfigurations", "front"),
        "frontendPort": part("frontendPorts", "http"),
        "protocol": "Http",
    }
    rule = {
        "ruleType": "Basic",
        "priority": 10,
        "httpListener": part("httpListeners", "web"),
        "backendAddressPool": part("backendAddressPools", "pool"),
        "backendHttpSettings": part("backendHttpSettingsCollection", "plain"),
    }
    lists = {
        "gatewayIPConfigurations": [named("where", subnet={"id": subnet_id})],
        "frontendIPConfigurations": [named("front", publicIPAddress={"id": address_id})],
        "frontendPorts": [named("http", port=80)],
        "httpListeners": [named("web", **listener)],
        "backendAddressPools": [named("pool", backendAddresses=[{"ipAddress": backend}])],
        "backendHttpSettingsCollection": [named("plain", port=8080, protocol="Http")],
        "requestRoutingRules": [named("rule", **rule)],
    }
    return {"location": LOCATION, "properties": {"sku": {"name": "Standard_v2", "capacity": 1}, **lists}}


def gateway_entries(subnet_id: str, *addresses: str) -> list[Body]:
    """ipConfigurations of a VPN gateway in a subnet."""
    return [
        {"name": f"c{i}", "properties": {"subnet": {"id": subnet_id}, "publicIPAddress": {"id": ip}}}
        for i, ip in enumerate(addresses)
    ]


def vpn_gateway(*entries: Body, **properties: Any) -> Body:
    """A VPN gateway."""
    given = {"gatewayType": "Vpn", "sku": {"name": "VpnGw1AZ"}, "ipConfigurations": list(entries), **properties}
    return {"location": LOCATION, "properties": given}


def local_gateway(**properties: Any) -> Body:
    """A local network gateway."""
    space = {"localNetworkAddressSpace": {"addressPrefixes": ["192.168.0.0/24"]}}
    return {"location": LOCATION, "properties": {"gatewayIpAddress": "198.51.100.7", **space, **properties}}


def connection(gateway: str, far: str, *, kind: str = "IPsec", **properties: Any) -> Body:
    """A connection from a VPN gateway to a local one, or to another of its kind."""
    end = "localNetworkGateway2" if kind == "IPsec" else "virtualNetworkGateway2"
    ends = {"virtualNetworkGateway1": {"id": gateway}, end: {"id": far}}
    return {"location": LOCATION, "properties": {"connectionType": kind, **ends, **properties}}


def link(network_id: str, **properties: Any) -> Body:
    """A link of a private DNS zone to a network."""
    given = {"virtualNetwork": {"id": network_id}, "registrationEnabled": False, **properties}
    return {"location": "global", "properties": given}
