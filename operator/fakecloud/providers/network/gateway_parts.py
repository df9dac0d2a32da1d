"""What VPN gateways, their local counterparts and connections have in common."""

import ipaddress
from collections.abc import Iterator
from typing import Final

from fakecloud.arm.errors import bad_request
from fakecloud.providers.network.base import PROVIDER, reference
from fakecloud.store import Body, Store

GATEWAYS: Final = f"{PROVIDER}/virtualNetworkGateways"
LOCAL: Final = f"{PROVIDER}/localNetworkGateways"
CONNECTIONS: Final = f"{PROVIDER}/connections"
ENDS: Final = ("virtualNetworkGateway1", "virtualNetworkGateway2", "localNetworkGateway2")
"""Where a connection says what it connects."""


def connections_of(store: Store, gateway: str) -> Iterator[Body]:
    """The connections that a gateway is an end of."""
    for connection in store.resources(CONNECTIONS):
        ends = (reference(connection["properties"].get(end)) or "" for end in ENDS)
        if gateway.lower() in {end.lower() for end in ends}:
            yield connection


def check_prefixes(prefixes: list[str]) -> None:
    """Raises ArmError (400) for what is no address prefix."""
    for prefix in prefixes:
        try:
            ipaddress.ip_network(prefix)
        except ValueError as error:
            raise bad_request(
                "InvalidCIDRNotation",
                f"The address prefix {prefix} has an invalid CIDR notation. For a given prefix length, some bits in the address portion must always be zero.",
            ) from error


def check_address(address: str, of: str) -> None:
    """Raises ArmError (400) for what is no address."""
    try:
        ipaddress.ip_address(address)
    except ValueError as error:
        raise bad_request("InvalidIPAddressFormat", f"The IP address {address} of {of} is invalid.") from error
