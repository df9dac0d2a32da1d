"""connections: tunnels from a VPN gateway to a local gateway or to another one, and the keys that nobody reads by chance."""

import secrets
from typing import ClassVar, Final

from fakecloud.arm.errors import ArmError, bad_request, not_implemented
from fakecloud.arm.locations import normal
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import RESOURCE, Answer, Call, Fidelity
from fakecloud.providers.network.base import (
    NetworkType,
    check_etag,
    missing_reference,
    properties_of,
    reference,
    referenced,
    refuse_unbuilt,
)
from fakecloud.providers.network.gateway_parts import CONNECTIONS, GATEWAYS, LOCAL
from fakecloud.providers.network.shapes import MODELS
from fakecloud.store import Body

KEY: Final = "_sharedKey"
"""Where a connection keeps its key: never shown with it."""
FAR_END: Final = {
    "IPsec": ("localNetworkGateway2", LOCAL),
    "Vnet2Vnet": ("virtualNetworkGateway2", GATEWAYS),
}
"""By connection type, the property of the far end and its type."""
UNBUILT: Final = (
    *("authorizationKey", "peer", "ingressNatRules", "egressNatRules", "tunnelProperties", "routingConfiguration"),
    *("gatewayCustomBgpIpAddresses", "certificateAuthentication", "expressRouteGatewayBypass"),
    *("enablePrivateLinkFastPath", "useLocalAzureIpAddress"),
)
DEFAULTS: Final = {
    "connectionProtocol": "IKEv2",
    "routingWeight": 0,
    "dpdTimeoutSeconds": 45,
    "connectionMode": "Default",
    "enableBgp": False,
    "useLocalAzureIpAddress": False,
    "usePolicyBasedTrafficSelectors": False,
    "ipsecPolicies": [],
    "trafficSelectorPolicies": [],
    "expressRouteGatewayBypass": False,
    "enablePrivateLinkFastPath": False,
}


class Connections(NetworkType):
    """Microsoft.Network/connections."""

    type = CONNECTIONS
    fidelity = Fidelity(
        exact=(
            "IPsec to a local gateway, Vnet2Vnet to another gateway, both of which exist and are at rest; the near one in the region (D)",
            "sharedKey is write-only: a GET never has it, a PUT without it keeps it, and one is made where none is given (D)",
            "BGP needs a gateway with BGP, and a far end with an AS number (D)",
        ),
        simplified=(
            "connectionStatus is Connected where two gateways have connections to each other with one key, else NotConnected: nothing stands behind a local gateway",
            "codes of refusals are ours; policies and traffic selectors are kept",
        ),
        missing=("ExpressRoute, VPNClient, certificates, NAT rules: 501",),
    )
    seconds = 30.0
    shape: ClassVar[Shape] = MODELS["VirtualNetworkGatewayConnection"]

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        refuse_unbuilt(self.type, given, UNBUILT)
        kind = given.get("connectionType")
        if kind not in FAR_END:
            raise (
                not_implemented(self.type, f"connectionType {kind}") if kind else _invalid(call, "needs connectionType")
            )
        if given.get("authenticationType", "PSK") != "PSK":
            raise not_implemented(self.type, f"authenticationType {given['authenticationType']}")
        id_ = (known or {}).get("id") or call.target.id
        location = normal(call.body.get("location")) or (known or {}).get("location")
        field, type_ = FAR_END[kind]
        near = self._end(call, given, "virtualNetworkGateway1", GATEWAYS)
        far = self._end(call, given, field, type_)
        if near["location"] != location:
            raise missing_reference(near["id"], id_)
        if near["id"].lower() == far["id"].lower():
            raise _invalid(call, "cannot lead to the gateway that it comes from")
        kept: Body = {
            **DEFAULTS,
            **{key: given[key] for key in DEFAULTS if key in given},
            "connectionType": kind,
            "virtualNetworkGateway1": {"id": near["id"]},
            field: {"id": far["id"]},
            "egressBytesTransferred": 0,
            "ingressBytesTransferred": 0,
        }
        if kept["enableBgp"] and not (
            near["properties"]["enableBgp"] and (far["properties"].get("bgpSettings") or {}).get("asn")
        ):
            raise _invalid(call, "has enableBgp, which needs a gateway with BGP and a far end with an AS number")
        if "sharedKey" in given:
            check_key(given["sharedKey"])
        return kept

    def _end(self, call: Call, given: Body, field: str, type_: str) -> Body:
        wanted = reference(given.get(field))
        if wanted is None:
            raise _invalid(call, f"needs {field}")
        found = referenced(self.context, wanted, call.target.id)
        if found["type"] != type_:
            raise missing_reference(wanted, call.target.id)
        return found

    def _fill(self, call: Call, body: Body, known: Body | None) -> None:
        body[KEY] = properties_of(call).get("sharedKey") or (known or {}).get(KEY) or secrets.token_urlsafe(24)

    def shown(self, body: Body) -> Body:
        """See ResourceType: with its status."""
        shown = super().shown(body)
        return {**shown, "properties": {**shown["properties"], "connectionStatus": self._status(body)}}

    def _status(self, body: Body) -> str:
        properties = body["properties"]
        if properties["provisioningState"] != "Succeeded":
            return "Unknown"
        near, far = (_id(properties, f"virtualNetworkGateway{n}") for n in (1, 2))
        mirrored = any(
            other["properties"]["provisioningState"] == "Succeeded"
            and other.get(KEY) == body.get(KEY)
            and (_id(other["properties"], "virtualNetworkGateway2"), _id(other["properties"], "virtualNetworkGateway1"))
            == (near, far)
            for other in (self.store.resources(self.type) if far else ())
        )
        return "Connected" if mirrored else "NotConnected"


class SharedKey(NetworkType):
    """Microsoft.Network/connections/sharedkey: the one way to read a connection's key."""

    type = f"{CONNECTIONS}/sharedkey"
    fidelity = Fidelity(
        exact=("GET gives the key, PUT replaces it by an operation (M); at most 128 printable characters (D)",),
    )
    verbs = ("LIST", "PUT")
    nameless = True
    seconds = 5.0
    shape: ClassVar[Shape] = {"value": str}

    async def list(self, call: Call) -> Answer:
        """The key: there is one, and it has no name."""
        return Answer(200, {"value": self._connection(call)[KEY]})

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        connection = self._connection(call)
        check_etag(call, connection)
        self.refuse_busy(call)
        value = call.body.get("value")
        if value is None:
            raise bad_request("SharedKeyInvalid", f"The shared key of {connection['id']} needs a value.", details=[])
        check_key(value)
        operation = self._operation(self.create_name, call, connection)
        self.context.begin(
            operation, (RESOURCE, connection["id"], {**self.in_state(connection, "Updating"), KEY: value})
        )
        return Answer(200, {"value": value}, operation=operation)

    def _connection(self, call: Call) -> Body:
        found = self.context.resource(call.target.id)
        if found is None or found["type"] != CONNECTIONS:
            raise self.missing(call.target)
        return found


def check_key(key: str) -> None:
    """Raises ArmError (400) for a key that no connection has."""
    if not (1 <= len(key) <= 128 and key.isascii() and key.isprintable()):
        raise bad_request("SharedKeyInvalid", "A shared key has 1 to 128 printable ASCII characters.", details=[])


def _id(properties: Body, field: str) -> str:
    return (reference(properties.get(field)) or "").lower()


def _invalid(call: Call, wrong: str) -> ArmError:
    return bad_request("ConnectionInvalid", f"Connection {call.target.name} {wrong}.", details=[])
