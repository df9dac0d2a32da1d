"""NSG rules: what Azure takes, and the rules that every group has."""

import ipaddress
import re
from functools import lru_cache
from typing import Any, Final

from fakecloud.arm.errors import bad_request
from fakecloud.arm.shapes import Shape
from fakecloud.providers.network.base import check_name, refuse_unbuilt
from fakecloud.store import Body

PROTOCOLS = {"*": "*", "tcp": "Tcp", "udp": "Udp", "icmp": "Icmp", "esp": "Esp", "ah": "Ah"}
TAG = re.compile(r"[A-Z][A-Za-z0-9]*(\.[A-Za-z0-9]+)*")
LONGEST_DESCRIPTION: Final = 140
SHAPE: Final[Shape] = {
    "description": str,
    "protocol": str,
    "access": str,
    "direction": str,
    "priority": int,
    "sourceAddressPrefix": str,
    "sourceAddressPrefixes": [str],
    "sourcePortRange": str,
    "sourcePortRanges": [str],
    "destinationAddressPrefix": str,
    "destinationAddressPrefixes": [str],
    "destinationPortRange": str,
    "destinationPortRanges": [str],
}
UNBUILT = ("sourceApplicationSecurityGroups", "destinationApplicationSecurityGroups")
FIELDS = ("sourceAddressPrefix", "destinationAddressPrefix", "sourcePortRange", "destinationPortRange")


def checked(name: str, properties: dict[str, Any]) -> Body:
    """A rule's properties as kept; raises ArmError (400) for what Azure refuses."""
    check_name(name)
    refuse_unbuilt("Microsoft.Network/networkSecurityGroups/securityRules", properties, UNBUILT)
    kept: Body = {"provisioningState": "Succeeded"}
    if "description" in properties:
        if len(properties["description"]) > LONGEST_DESCRIPTION:
            raise bad_request(
                "SecurityRuleInvalidDescription",
                f"Security rule {name} has a description of more than {LONGEST_DESCRIPTION} characters.",
            )
        kept["description"] = properties["description"]
    protocol = PROTOCOLS.get(str(properties.get("protocol", "")).lower())
    if protocol is None:
        raise bad_request(
            "SecurityRuleInvalidProtocol",
            f"Security rule {name} has invalid Protocol. Value provided: {properties.get('protocol')}. Allowed values: Tcp, Udp, Icmp, Esp, Ah, *.",
        )
    priority = properties.get("priority")
    if priority is None or not 100 <= priority <= 4096:
        raise bad_request(
            "SecurityRuleInvalidPriority",
            f"Security rule {name} has invalid Priority. Value provided: {priority} Allowed range 100-4096.",
        )
    access = {"allow": "Allow", "deny": "Deny"}.get(str(properties.get("access", "")).lower())
    direction = {"inbound": "Inbound", "outbound": "Outbound"}.get(str(properties.get("direction", "")).lower())
    if access is None or direction is None:
        raise bad_request(
            "SecurityRuleParameterMissing",
            f"Security rule {name} needs access (Allow or Deny) and direction (Inbound or Outbound).",
        )
    kept |= {"protocol": protocol, "access": access, "priority": priority, "direction": direction}
    for field in FIELDS:
        lists = plural(field)
        one, many = properties.get(field), properties.get(lists) or []
        if one and many:
            raise bad_request(
                "SecurityRuleInvalidParameters", f"Security rule {name} cannot have both {field} and {lists}."
            )
        if not one and not many:
            raise bad_request("SecurityRuleParameterMissing", f"Security rule {name} needs {field} or {lists}.")
        for value in [one] if one else many:
            _check_value(name, field, str(value), single=bool(one))
        if one:
            kept[field] = str(one)
        kept[lists] = [str(value) for value in many]
    return kept


def plural(field: str) -> str:
    """Under which name a rule has several values of a field."""
    return field + ("es" if field.endswith("x") else "s")


def _check_value(name: str, field: str, value: str, *, single: bool) -> None:
    if field.endswith("Range"):
        if not _is_range(value):
            raise bad_request(
                "SecurityRuleInvalidPortRange",
                f"Security rule {name} has invalid Port range. Value provided: {value}. Value should be an integer OR integer range with '-' delimiter. Valid range 0-65535.",
            )
    elif not (_is_prefix(value) or (single and (value == "*" or TAG.fullmatch(value)))):
        raise bad_request(
            "SecurityRuleInvalidAddressPrefix",
            f"Security rule {name} has invalid Address prefix. Value provided: {value}.",
        )


def _is_range(value: str) -> bool:
    if value == "*":
        return True
    parts = value.split("-")
    return (
        len(parts) <= 2
        and all(p.isascii() and p.isdigit() and len(p) <= 5 and int(p) <= 65535 for p in parts)
        and int(parts[0]) <= int(parts[-1])
    )


@lru_cache(maxsize=4096)
def _is_prefix(value: str) -> bool:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def conflict(rules: list[Body]) -> None:
    """Raises ArmError (400) when two rules of one direction have one priority."""
    seen: dict[tuple[str, int], str] = {}
    for rule in rules:
        slot = (rule["properties"]["direction"], rule["properties"]["priority"])
        if slot in seen:
            raise bad_request(
                "SecurityRuleConflict",
                f"Security rule {rule['name']} conflicts with rule {seen[slot]}. Rules cannot have the same Priority and Direction.",
            )
        seen[slot] = rule["name"]


def default_rules(group: str) -> list[Body]:
    """The six rules that every group has."""
    given = [
        (
            "AllowVnetInBound",
            "Allow inbound traffic from all VMs in VNET",
            "Inbound",
            65000,
            "Allow",
            "VirtualNetwork",
            "VirtualNetwork",
        ),
        (
            "AllowAzureLoadBalancerInBound",
            "Allow inbound traffic from azure load balancer",
            "Inbound",
            65001,
            "Allow",
            "AzureLoadBalancer",
            "*",
        ),
        ("DenyAllInBound", "Deny all inbound traffic", "Inbound", 65500, "Deny", "*", "*"),
        (
            "AllowVnetOutBound",
            "Allow outbound traffic from all VMs to all VMs in VNET",
            "Outbound",
            65000,
            "Allow",
            "VirtualNetwork",
            "VirtualNetwork",
        ),
        (
            "AllowInternetOutBound",
            "Allow outbound traffic from all VMs to Internet",
            "Outbound",
            65001,
            "Allow",
            "*",
            "Internet",
        ),
        ("DenyAllOutBound", "Deny all outbound traffic", "Outbound", 65500, "Deny", "*", "*"),
    ]
    return [
        {
            "id": f"{group}/defaultSecurityRules/{name}",
            "name": name,
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "provisioningState": "Succeeded",
                "description": description,
                "protocol": "*",
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "sourceAddressPrefix": source,
                "destinationAddressPrefix": destination,
                "access": access,
                "priority": priority,
                "direction": direction,
                "sourcePortRanges": [],
                "destinationPortRanges": [],
                "sourceAddressPrefixes": [],
                "destinationAddressPrefixes": [],
            },
        }
        for name, description, direction, priority, access, source, destination in given
    ]
