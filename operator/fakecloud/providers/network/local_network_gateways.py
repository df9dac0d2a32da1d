"""localNetworkGateways: the other side of a VPN connection, as Azure is told of it."""

from typing import ClassVar

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import Call, Fidelity
from fakecloud.providers.network.addressing import in_use
from fakecloud.providers.network.base import NetworkType, properties_of
from fakecloud.providers.network.gateway_parts import LOCAL, connections_of
from fakecloud.providers.network.notation import read_address, read_prefix
from fakecloud.providers.network.shapes import MODELS
from fakecloud.store import Body


class LocalNetworkGateways(NetworkType):
    """Microsoft.Network/localNetworkGateways."""

    type = LOCAL
    fidelity = Fidelity(
        exact=("either gatewayIpAddress or fqdn, prefixes in CIDR notation (D); with a connection it cannot go",),
        simplified=("codes of refusals are ours",),
    )
    seconds = 5.0
    shape: ClassVar[Shape] = MODELS["LocalNetworkGateway"]

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        address, fqdn = given.get("gatewayIpAddress"), given.get("fqdn")
        if bool(address) == bool(fqdn):
            raise bad_request(
                "LocalNetworkGatewayInvalid",
                f"Local network gateway {call.target.name} needs either gatewayIpAddress or fqdn.",
                details=[],
            )
        if address:
            read_address(address, call.target.id)
        prefixes = (given.get("localNetworkAddressSpace") or {}).get("addressPrefixes") or []
        for prefix in prefixes:
            read_prefix(prefix)
        kept: Body = {key: given[key] for key in ("gatewayIpAddress", "fqdn") if given.get(key)}
        kept["localNetworkAddressSpace"] = {"addressPrefixes": prefixes}
        if "bgpSettings" in given:
            kept["bgpSettings"] = {"peerWeight": 0, **given["bgpSettings"]}
        return kept

    def in_use(self, body: Body) -> ArmError | None:
        """See ResourceType."""
        users = [connection["id"] for connection in connections_of(self.store, body["id"])]
        return in_use("LocalNetworkGatewayInUse", "Local network gateway", body["id"], users)
