"""virtualNetworkGateways: VPN gateways in the GatewaySubnet of a network."""

import ipaddress
from typing import Any, ClassVar, Final

from fakecloud.arm.errors import ArmError, bad_request, not_implemented
from fakecloud.arm.locations import normal
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import Answer, Call, Change, Fidelity, ResourceType
from fakecloud.providers.network import addressing
from fakecloud.providers.network.base import (
    NetworkType,
    check_name,
    check_unique,
    etag,
    properties_of,
    reference,
    refuse_unbuilt,
)
from fakecloud.providers.network.gateway_parts import GATEWAYS, connections_of
from fakecloud.providers.network.shapes import MODELS
from fakecloud.store import Body

SUBNET: Final = "GatewaySubnet"
ASN: Final = 65515
"""Azure's own, unless the gateway says another."""
UNBUILT: Final = (
    *("vpnClientConfiguration", "natRules", "virtualNetworkGatewayPolicyGroups", "gatewayDefaultSite"),
    *("autoScaleConfiguration", "enableDnsForwarding", "customRoutes", "enablePrivateIpAddress"),
    *("virtualNetworkGatewayMigrationStatus", "vNetExtendedLocationResourceId", "enableBgpRouteTranslationForNat"),
    *("allowVirtualWanTraffic", "allowRemoteVnetTraffic", "enableHighBandwidthVpnGateway"),
)
FLAGS: Final = ("enableBgp", "activeActive", "enablePrivateIpAddress", "disableIPSecReplayProtection")
SETTLED: Final = ("gatewayType", "vpnType", "vpnGatewayGeneration")
"""What stays as it was made."""


class VirtualNetworkGateways(NetworkType):
    """Microsoft.Network/virtualNetworkGateways."""

    type = GATEWAYS
    fidelity = Fidelity(
        exact=(
            "201 Updating for 25 minutes of Azure's (R); 429 RetryableError meanwhile",
            "each ipConfiguration has a free public address of its region and GatewaySubnet, of /27 or larger (/29 for Basic); two of them when activeActive; one gateway in a network (D)",
            "tier as the name of the sku; kind, vpnType and generation are settled at creation; with a connection it cannot go",
            "bgpSettings with Azure's own AS number 65515 and addresses of the subnet (D)",
        ),
        simplified=("codes of refusals are ours", "no packet goes through it"),
        missing=("ExpressRoute, point-to-site, NAT rules, private addresses: 501",),
    )
    seconds = 1500.0
    shape: ClassVar[Shape] = MODELS["VirtualNetworkGateway"]

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        refuse_unbuilt(self.type, given, UNBUILT)
        kind = given.get("gatewayType")
        if kind != "Vpn":
            raise not_implemented(self.type, f"gatewayType {kind}") if kind else _invalid(call, "needs gatewayType")
        kept: Body = {
            "gatewayType": kind,
            "vpnType": given.get("vpnType", "RouteBased"),
            "sku": _sku(call, given.get("sku") or {}),
            "vpnGatewayGeneration": given.get("vpnGatewayGeneration", "Generation1"),
            **{flag: given.get(flag, False) for flag in FLAGS},
        }
        had = (known or {}).get("properties", {})
        for field in SETTLED:
            if had.get(field, kept[field]) != kept[field]:
                raise _invalid(call, f"cannot change {field} from {had[field]} to {kept[field]}")
        id_ = (known or {}).get("id") or call.target.id
        location = normal(call.body.get("location")) or (known or {}).get("location")
        kept["ipConfigurations"] = [
            self._configuration(call, id_, entry, location) for entry in given.get("ipConfigurations") or []
        ]
        self._check_configurations(call, kept)
        kept["bgpSettings"] = self._bgp(given.get("bgpSettings") or {}, kept["ipConfigurations"])
        return kept

    def _configuration(self, call: Call, gateway: str, given: Body, location: str | None) -> Body:
        """An entry in GET shape; raises ArmError for what Azure refuses."""
        name, properties = str(given.get("name") or ""), given.get("properties") or {}
        check_name(name)
        id_ = f"{gateway}/ipConfigurations/{name}"
        subnet, address = reference(properties.get("subnet")), reference(properties.get("publicIPAddress"))
        if subnet is None or address is None:
            raise _invalid(call, f"ipConfiguration {name} needs subnet and publicIPAddress")
        found = addressing.subnet(self.context, subnet, id_, location)
        if found["name"] != SUBNET:
            raise _invalid(call, f"ipConfiguration {name} needs a subnet that is named {SUBNET}, not {found['name']}")
        addressing.check_public(self.context, address, id_, location)
        return {
            "id": id_,
            "name": name,
            "etag": etag(),
            "properties": {
                "provisioningState": "Succeeded",
                "privateIPAllocationMethod": "Dynamic",
                "subnet": {"id": found["id"]},
                "publicIPAddress": {"id": address},
            },
        }

    def _check_configurations(self, call: Call, kept: Body) -> None:
        """Raises ArmError (400) for entries that do not go together, or whose network has a gateway already."""
        entries = kept["ipConfigurations"]
        check_unique("ipConfigurations", (entry["name"] for entry in entries))
        if len(entries) < (2 if kept["activeActive"] else 1):
            raise _invalid(call, "needs an ipConfiguration, and two when activeActive")
        subnets = {addressing.subnet_of(entry) for entry in entries}
        addresses = {(reference(entry["properties"]["publicIPAddress"]) or "").lower() for entry in entries}
        if len(subnets) > 1 or len(addresses) < len(entries):
            raise _invalid(call, "has its ipConfigurations in one subnet, each with an address of its own")
        [subnet] = subnets
        others = [
            other["id"]
            for other in self.store.resources(self.type)
            if other["id"].lower() != call.target.id.lower()
            and any(addressing.subnet_of(entry) == subnet for entry in addressing.configurations(other))
        ]
        if others:
            raise _invalid(call, f"cannot be in {subnet}, where {others[0]} is")
        prefix = addressing.prefixes_of(addressing.find_subnet(self.context, subnet) or {})[0]
        most = 29 if kept["sku"]["name"] == "Basic" else 27
        if ipaddress.ip_network(prefix).prefixlen > most:
            raise _invalid(call, f"needs a {SUBNET} of /{most} or larger, not {prefix}")

    def _bgp(self, given: Body, entries: list[Body]) -> Body:
        """The gateway's side of BGP: its AS number and, for each entry, an address at the end of the subnet."""
        subnet = addressing.find_subnet(self.context, addressing.subnet_of(entries[0])) or {}
        network = ipaddress.ip_network(addressing.prefixes_of(subnet)[0])
        peering: list[dict[str, Any]] = []
        for number, entry in enumerate(entries):
            address = self.context.resource(reference(entry["properties"]["publicIPAddress"]) or "") or {}
            peering.append(
                {
                    "ipconfigurationId": entry["id"],
                    "defaultBgpIpAddresses": [str(network[-2 - number])],
                    "customBgpIpAddresses": [],
                    "tunnelIpAddresses": [address["properties"]["ipAddress"]],
                }
            )
        return {
            "asn": given.get("asn", ASN),
            "bgpPeeringAddress": ",".join(entry["defaultBgpIpAddresses"][0] for entry in peering),
            "peerWeight": given.get("peerWeight", 0),
            "bgpPeeringAddresses": peering,
        }

    def beside(self, body: Body, known: Body | None) -> list[Change]:
        """See NetworkType: its addresses know who has them."""
        return addressing.held(self.context, known, body)

    def beside_removed(self, body: Body) -> list[Change]:
        """See NetworkType."""
        return addressing.held(self.context, body, None)

    def in_use(self, body: Body) -> ArmError | None:
        """See ResourceType."""
        users = [connection["id"] for connection in connections_of(self.store, body["id"])]
        return addressing.in_use("VirtualNetworkGatewayInUse", "Virtual network gateway", body["id"], users)


class GatewayConnections(ResourceType):
    """Microsoft.Network/virtualNetworkGateways/connections: those that a gateway is an end of."""

    type = f"{GATEWAYS}/connections"
    fidelity = Fidelity(exact=("the connections that the gateway is an end of",))
    verbs = ("LIST",)

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        return Answer(200, {"value": [self.shown(found) for found in connections_of(self.store, call.target.id)]})


def _sku(call: Call, given: Body) -> Body:
    """A gateway's sku with its tier; raises ArmError (400)."""
    name = given.get("name")
    if name is None or name.startswith("ErGw") or name in {"HighPerformance", "Standard", "UltraPerformance"}:
        raise _invalid(call, f"needs a sku of VPN gateways such as VpnGw1AZ, not {name}")
    if given.get("tier", name) != name:
        raise _invalid(call, f"has sku {name}, whose tier is of the same name")
    return {"name": name, "tier": name, "capacity": 2}


def _invalid(call: Call, wrong: str) -> ArmError:
    return bad_request(
        "VirtualNetworkGatewayInvalid", f"Virtual network gateway {call.target.name} {wrong}.", details=[]
    )
