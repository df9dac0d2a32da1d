"""What a load balancer's parts may be. Pure: everything is told by the balancer's own body."""

import ipaddress
from collections.abc import Container
from typing import Any, Final

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.shapes import REFERENCE, Shape
from fakecloud.providers.network.base import RESERVED, missing_reference, reference
from fakecloud.store import Body

PORTS: Final = range(1, 65536)
IDLE: Final = range(4, 101)
POOL: Final[Shape] = {
    "loadBalancerBackendAddresses": [
        {"name": str, "properties": {"ipAddress": str, "virtualNetwork": REFERENCE, "subnet": REFERENCE}}
    ],
    "virtualNetwork": REFERENCE,
}
PARTS: Final[Shape] = {
    "frontendIPConfigurations": [
        {
            "name": str,
            "zones": [str],
            "properties": {
                "publicIPAddress": REFERENCE,
                "subnet": REFERENCE,
                "privateIPAddress": str,
                "privateIPAddressVersion": str,
                "privateIPAllocationMethod": str,
            },
        }
    ],
    "backendAddressPools": [{"name": str, "properties": POOL}],
    "loadBalancingRules": [
        {
            "name": str,
            "properties": {
                "frontendIPConfiguration": REFERENCE,
                "backendAddressPool": REFERENCE,
                "probe": REFERENCE,
                "protocol": str,
                "loadDistribution": str,
                "frontendPort": int,
                "backendPort": int,
                "idleTimeoutInMinutes": int,
                "enableFloatingIP": bool,
                "enableTcpReset": bool,
                "disableOutboundSnat": bool,
            },
        }
    ],
    "probes": [
        {
            "name": str,
            "properties": {
                "protocol": str,
                "port": int,
                "intervalInSeconds": int,
                "numberOfProbes": int,
                "probeThreshold": int,
                "requestPath": str,
            },
        }
    ],
    "inboundNatRules": [{"name": str}],
    "outboundRules": [{"name": str}],
}
TIES: Final = (
    ("frontendIPConfiguration", "frontendIPConfigurations"),
    ("backendAddressPool", "backendAddressPools"),
    ("probe", "probes"),
)
"""A rule's references, and the list of the same balancer that each leads to."""
_PROTOCOLS: Final = {"tcp": "Tcp", "udp": "Udp", "all": "All"}
_PROBES: Final = {"tcp": "Tcp", "http": "Http", "https": "Https"}


def check_rules(parts: Body) -> None:
    """Fill in the defaults of `parts["loadBalancingRules"]`; raises ArmError (400) for what Azure refuses."""
    frontends: dict[tuple[str, int, str], str] = {}
    backends: dict[tuple[str, int, str], str] = {}
    for rule in parts["loadBalancingRules"]:
        tied = {field: _tied(parts, rule, field, list_) for field, list_ in TIES}
        frontend, pool = tied["frontendIPConfiguration"], tied["backendAddressPool"]
        if frontend is None:
            raise bad_request("LoadBalancingRuleInvalid", f"Rule {rule['name']} needs frontendIPConfiguration.")
        _complete(rule, internal="subnet" in frontend["properties"])
        properties = rule["properties"]
        protocol = properties["protocol"]
        slot = (frontend["id"].lower(), properties["frontendPort"], protocol)
        if slot in frontends:
            raise bad_request(
                "RulesUseSameFrontendPortProtocolAndIPConfig",
                f"Load balancing rules {rule['id']} and {frontends[slot]} use the same frontend port, protocol and IP configuration.",
                details=[],
            )
        frontends[slot] = rule["id"]
        if pool is None or properties["enableFloatingIP"]:
            continue
        for backend in {pool["id"].lower(), *addresses(pool)}:
            slot = (backend, properties["backendPort"], protocol)
            if slot in backends:
                raise bad_request(
                    "RulesUseSameBackendPortProtocolAndPool",
                    f"Load balancing rules {rule['id']} and {backends[slot]} use the same backend port, protocol and pool or address {backend}. Enable floating IP, or use another port.",
                    details=[],
                )
            backends[slot] = rule["id"]


def check_probes(probes: list[Body]) -> None:
    """Fill in the defaults of probes; raises ArmError (400)."""
    for probe in probes:
        properties = probe["properties"]
        protocol = _PROBES.get(properties.get("protocol", "").lower())
        if protocol is None or properties.get("port") not in PORTS:
            raise bad_request(
                "LoadBalancerProbeInvalid", f"Probe {probe['name']} needs protocol (Tcp, Http or Https) and port."
            )
        if (protocol == "Tcp") != (not properties.get("requestPath")):
            raise bad_request(
                "LoadBalancerProbeInvalid",
                f"Probe {probe['name']}: requestPath is for Http and Https, which need it.",
            )
        if properties.setdefault("intervalInSeconds", 15) < 5:
            raise bad_request(
                "LoadBalancerProbeIntervalInvalid", f"Probe {probe['name']}: intervalInSeconds must be at least 5."
            )
        properties.setdefault("numberOfProbes", 2)
        properties.setdefault("probeThreshold", 1)
        properties |= {"protocol": protocol, "provisioningState": "Succeeded"}


def addresses(pool: Body) -> list[str]:
    """The backend addresses of an IP-based pool."""
    entries = pool["properties"].get("loadBalancerBackendAddresses") or []
    return [str((entry.get("properties") or {}).get("ipAddress")) for entry in entries]


def check_address(pool: Body, entry: Body, network: str, prefixes: list[str]) -> None:
    """Raises ArmError (400) when a backend address is none, or not one of its network's."""
    given = (entry.get("properties") or {}).get("ipAddress")
    try:
        ip = ipaddress.ip_address(str(given))
    except ValueError as error:
        raise bad_request(
            "InvalidIPAddressFormat", f"The IP address {given} of backend pool {pool['id']} is invalid."
        ) from error
    if not any(ip in ipaddress.ip_network(prefix) for prefix in prefixes):
        raise bad_request(
            "LoadBalancerBackendAddressNotInVirtualNetwork",
            f"IP address {ip} of backend pool {pool['id']} does not lie in virtual network {network}.",
        )


def check_private(frontend: Body, prefix: str, others: Container[str]) -> str:
    """The address that an internal frontend names; raises ArmError (400) for one that it cannot have."""
    given, id_ = str(frontend["properties"].get("privateIPAddress") or ""), frontend["id"]
    try:
        address = ipaddress.ip_address(given)
    except ValueError as error:
        raise bad_request("InvalidIPAddressFormat", f"The IP address {given} of {id_} is invalid.") from error
    network = ipaddress.ip_network(prefix)
    if address not in network:
        raise bad_request(
            "PrivateIPAddressNotInSubnet",
            f"Private static IP address {given} does not belong to the range of subnet prefix {prefix}.",
        )
    if int(address) - int(network.network_address) <= RESERVED or address == network.broadcast_address:
        raise bad_request(
            "PrivateIPAddressInReservedRange",
            f"Private static IP address {given} falls within reserved IP range of subnet prefix {prefix}.",
        )
    if given in others:
        raise bad_request(
            "PrivateIPAddressIsAllocated",
            f"IP configuration {id_} is using the private IP address {given} which is already allocated to another resource.",
        )
    return given


def refuse_unbuilt(parts: Body) -> None:
    """Raises ArmError (501) for parts that nothing here would act on."""
    for list_ in ("inboundNatRules", "outboundRules"):
        if parts[list_]:
            raise ArmError(501, "NotImplemented", f"fakecloud does not implement {list_} of load balancers.")


def tie(parts: Body) -> None:
    """Write, into frontends, pools and probes, which rules use them: back-references are Azure's to write."""
    for _, list_ in TIES:
        for entry in parts[list_]:
            entry["properties"].pop("loadBalancingRules", None)
    for rule in parts["loadBalancingRules"]:
        for field, list_ in TIES:
            entry = _tied(parts, rule, field, list_)
            if entry is not None:
                entry["properties"].setdefault("loadBalancingRules", []).append({"id": rule["id"]})


def _tied(parts: Body, rule: Body, field: str, list_: str) -> Body | None:
    """What a rule refers to by `field`, None when it does not; raises ArmError for a part that is not there."""
    wanted = reference(rule["properties"].get(field))
    if wanted is None:
        return None
    found: Body | None = next((entry for entry in parts[list_] if entry["id"].lower() == wanted.lower()), None)
    if found is None:
        raise missing_reference(wanted, rule["id"])
    return found


def _complete(rule: Body, *, internal: bool) -> None:
    properties: dict[str, Any] = rule["properties"]
    protocol, port = _PROTOCOLS.get(properties.get("protocol", "").lower()), properties.get("frontendPort")
    if protocol is None or port is None:
        raise bad_request(
            "LoadBalancingRuleInvalid", f"Rule {rule['name']} needs protocol (Tcp, Udp or All) and frontendPort."
        )
    defaults = {
        "backendPort": port,
        "enableFloatingIP": False,
        "idleTimeoutInMinutes": 4,
        "enableTcpReset": False,
        "disableOutboundSnat": False,
        "loadDistribution": "Default",
    }
    for key, value in defaults.items():
        properties.setdefault(key, value)
    properties |= {"protocol": protocol, "provisioningState": "Succeeded"}
    every = (port, properties["backendPort"]) == (0, 0)
    if every != (protocol == "All") or (every and not internal):
        raise bad_request(
            "LoadBalancingRuleInvalid",
            f"Rule {rule['name']}: protocol All and ports 0 go together, and only behind an internal frontend.",
        )
    if not every and (port not in PORTS or properties["backendPort"] not in PORTS):
        raise bad_request("LoadBalancingRuleInvalid", f"Rule {rule['name']}: ports are 1 to 65535.")
    if properties["idleTimeoutInMinutes"] not in IDLE:
        raise bad_request("LoadBalancingRuleInvalid", f"Rule {rule['name']}: idleTimeoutInMinutes is 4 to 100.")
