"""What VPN gateways, their local counterparts and connections have in common."""

from collections.abc import Iterator
from typing import Final

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
