"""What a load balancer's rules, probes and backend addresses may be. Pure: everything is told by the balancer's own body."""

import ipaddress
from collections import Counter
from typing import Any

from fakecloud.arm.errors import bad_request
from fakecloud.providers.network.balancer_parts import EVERY, IDLE, PORTS, PROTOCOLS, Claims, addresses, tied
from fakecloud.providers.network.base import reference
from fakecloud.providers.network.notation import read_address
from fakecloud.store import Body

MOST_RULES, MOST_FRONTENDS, MOST_ADDRESSES, MOST_RULES_OF_ADDRESS = 1500, 600, 5000, 300


def check_numbers(parts: Body) -> None:
    """Raises ArmError (400) for more of anything than a Standard balancer can have. Rules are of balancing and inbound NAT."""
    rules = [*parts["loadBalancingRules"], *parts["inboundNatRules"]]
    behind: Counter[str] = Counter()
    pools = {pool["id"].lower(): addresses(pool) for pool in parts["backendAddressPools"]}
    for rule in rules:
        behind.update(pools.get((reference(rule["properties"].get("backendAddressPool")) or "").lower(), ()))
    counted = [
        ("LoadBalancerRuleCountLimitReached", "rules", len(rules), MOST_RULES),
        ("LoadBalancerFrontendCountLimitReached", "frontends", len(parts["frontendIPConfigurations"]), MOST_FRONTENDS),
        (
            "LoadBalancerBackendCountLimitReached",
            "addresses in a backend pool",
            max(map(len, pools.values()), default=0),
            MOST_ADDRESSES,
        ),
        (
            "LoadBalancerRulesPerNicLimitReached",
            "rules for one backend address",
            max(behind.values(), default=0),
            MOST_RULES_OF_ADDRESS,
        ),
    ]
    for code, what, number, most in counted:
        if number > most:
            raise bad_request(code, f"A load balancer can have {most} {what}, not {number}.")


def check_rules(parts: Body, frontends: Claims, backends: Claims) -> None:
    """Fill in the defaults of `parts["loadBalancingRules"]`; raises ArmError (400) for what Azure refuses."""
    for rule in parts["loadBalancingRules"]:
        frontend = next(tied(parts, rule, "frontendIPConfiguration", "frontendIPConfigurations"), None)
        pool = next(tied(parts, rule, "backendAddressPool", "backendAddressPools"), None)
        list(tied(parts, rule, "probe", "probes"))
        if frontend is None:
            raise bad_request("LoadBalancingRuleInvalid", f"Rule {rule['name']} needs frontendIPConfiguration.")
        _complete(rule, internal="subnet" in frontend["properties"])
        properties = rule["properties"]
        protocol = properties["protocol"]
        frontends.claim(rule["id"], frontend["id"], protocol, (properties["frontendPort"],))
        if pool is not None and not properties["enableFloatingIP"]:
            for place in {pool["id"].lower(), *addresses(pool)}:
                backends.claim(rule["id"], place, protocol, (properties["backendPort"],))


def check_probes(probes: list[Body]) -> None:
    """Fill in the defaults of probes; raises ArmError (400)."""
    for probe in probes:
        properties = probe["properties"]
        protocol = properties.get("protocol")
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
        properties["provisioningState"] = "Succeeded"


def check_address(pool: Body, entry: Body, network: str, prefixes: list[str]) -> None:
    """Raises ArmError (400) when a backend address is none, or not one of its network's."""
    ip = read_address((entry.get("properties") or {}).get("ipAddress"), f"backend pool {pool['id']}")
    if not any(ip in ipaddress.ip_network(prefix) for prefix in prefixes):
        raise bad_request(
            "LoadBalancerBackendAddressNotInVirtualNetwork",
            f"IP address {ip} of backend pool {pool['id']} does not lie in virtual network {network}.",
        )


def _complete(rule: Body, *, internal: bool) -> None:
    properties: dict[str, Any] = rule["properties"]
    protocol, port = properties.get("protocol"), properties.get("frontendPort")
    if protocol not in PROTOCOLS or port is None:
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
    properties["provisioningState"] = "Succeeded"
    every = (port, properties["backendPort"]) == (EVERY, EVERY)
    if every != (protocol == "All") or (every and not internal):
        raise bad_request(
            "LoadBalancingRuleInvalid",
            f"Rule {rule['name']}: protocol All and ports 0 go together, and only behind an internal frontend.",
        )
    if not every and (port not in PORTS or properties["backendPort"] not in PORTS):
        raise bad_request("LoadBalancingRuleInvalid", f"Rule {rule['name']}: ports are 1 to 65535.")
    if properties["idleTimeoutInMinutes"] not in IDLE:
        raise bad_request("LoadBalancingRuleInvalid", f"Rule {rule['name']}: idleTimeoutInMinutes is 4 to 100.")
