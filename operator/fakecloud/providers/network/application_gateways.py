"""applicationGateways: one document, its parts tied by ids inside the same PUT; started and stopped."""

from typing import ClassVar, Final

from fakecloud.arm.errors import bad_request
from fakecloud.arm.locations import normal
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import RESOURCE, Answer, Call, Change, Context, Fidelity
from fakecloud.providers.network import addressing, application_gateway_rules
from fakecloud.providers.network.application_gateway_rules import LISTS, TYPE
from fakecloud.providers.network.base import (
    NetworkType,
    missing_reference,
    properties_of,
    reference,
    referenced,
    refuse_unbuilt,
)
from fakecloud.providers.network.shapes import MODELS
from fakecloud.store import Body

UNBUILT: Final = ("privateLinkConfigurations", "webApplicationFirewallConfiguration", "enableFips")
SETTINGS: Final = (
    *("sslPolicy", "firewallPolicy", "enableHttp2", "autoscaleConfiguration", "customErrorConfigurations"),
    *("forceFirewallPolicyAssociation", "globalConfiguration"),
)
"""What is kept as it is given."""
RESTED: Final = {"Starting": "Running", "Stopping": "Stopped"}
"""What an operational state becomes when an operation is over."""


class ApplicationGateways(NetworkType):
    """Microsoft.Network/applicationGateways."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "ids of parts may be used in the same PUT, and lead to parts of the right kind of the same gateway (D); all lists are always there",
            "subnets and public addresses exist in the region, addresses are nobody else's and cannot go",
            "Standard_v2, WAF_v2 or Basic, with a capacity or autoscaling; listeners that can be told apart; Https with a certificate; priorities of rules from api-version 2021-08-01 on (I)",
            "of a certificate's PFX only the public part is shown, and a PUT without data keeps it (D)",
            "start and stop: 202, operationalState Starting, Running, Stopping, Stopped (M)",
        ),
        simplified=(
            "ARM only: no request is forwarded; most codes of refusals are ours",
            "Key Vault ids and identities are taken as they are; a subnet that others are in already is refused, one that others come into later is not",
        ),
        missing=("private link, WAF settings of its own, backend health: 501",),
    )
    seconds = 300.0
    tops = ("zones", "identity")
    children = tuple(list_ for list_ in LISTS if list_ != "redirectConfigurations")
    shape: ClassVar[Shape] = MODELS["ApplicationGateway"]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._power = f"power:{self.type}"
        context.operations.register(self._power, self._made, self._failed)
        self.actions = {"start": self._start, "stop": self._stop}

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        refuse_unbuilt(self.type, given, UNBUILT)
        id_ = (known or {}).get("id") or call.target.id
        location = normal(call.body.get("location")) or (known or {}).get("location")
        had = (known or {}).get("properties", {})
        sku = application_gateway_rules.check_sku(id_, given.get("sku") or {}, given.get("autoscaleConfiguration"))
        parts = application_gateway_rules.parts_of(id_, given)
        application_gateway_rules.check_listeners(id_, parts)
        application_gateway_rules.check_rules(id_, parts, call.api_version)
        for wanted, by in application_gateway_rules.check_ties(id_, parts):
            if "/subnets/" not in wanted:
                referenced(self.context, wanted, by)
        if (policy := reference(given.get("firewallPolicy"))) is not None:
            referenced(self.context, policy, id_)
        application_gateway_rules.hide_certificates(parts, had)
        application_gateway_rules.complete(parts)
        self._place(id_, parts, had, location)
        return {
            "sku": sku,
            "operationalState": had.get("operationalState", "Starting"),
            **{key: given[key] for key in SETTINGS if key in given},
            "enableHttp2": given.get("enableHttp2", False),
            "privateEndpointConnections": [],
            **parts,
        }

    def _place(self, gateway: str, parts: Body, had: Body, location: str | None) -> None:
        """Look at where the gateway is, and give private frontends their addresses; raises ArmError."""
        for entry in parts["gatewayIPConfigurations"]:
            wanted = reference(entry["properties"].get("subnet"))
            if wanted is None:
                raise missing_reference("of a subnet", entry["id"])
            self._check_subnet(gateway, addressing.subnet(self.context, wanted, entry["id"], location)["id"])
        before = {entry["id"].lower(): entry for entry in had.get("frontendIPConfigurations") or ()}
        given_away: dict[str, str] = {}
        for frontend in parts["frontendIPConfigurations"]:
            properties = frontend["properties"]
            address = reference(properties.get("publicIPAddress"))
            if (address is None) == (reference(properties.get("subnet")) is None):
                raise bad_request(
                    "ApplicationGatewayFrontendIPConfigurationInvalid",
                    f"Frontend {frontend['name']} needs either publicIPAddress or subnet.",
                    details=[],
                )
            properties.setdefault("privateIPAllocationMethod", "Dynamic")
            if address is not None:
                addressing.check_public(self.context, address, frontend["id"], location)
            else:
                addressing.place(self.context, frontend, before.get(frontend["id"].lower()), location, given_away)

    def _check_subnet(self, gateway: str, subnet: str) -> None:
        """Raises ArmError (400) for a subnet in which somebody else is than application gateways."""
        others = [user for user in addressing.users_of(self.store, subnet) if f"/{TYPE}/".lower() not in user.lower()]
        if others:
            raise bad_request(
                "ApplicationGatewaySubnetCannotBeUsedByOthers",
                f"Subnet {subnet} of application gateway {gateway} is in use by {', '.join(others[:3])}: it takes application gateways only.",
                details=[],
            )

    def in_state(self, body: Body, state: str) -> Body:
        """See NetworkType: with the operational state that follows."""
        body = super().in_state(body, state)
        now = body["properties"]["operationalState"]
        if state == "Succeeded" and now in RESTED:
            body["properties"]["operationalState"] = RESTED[now]
        return body

    async def _start(self, call: Call) -> Answer:
        return self._powered(call, "Starting")

    async def _stop(self, call: Call) -> Answer:
        return self._powered(call, "Stopping")

    def _powered(self, call: Call, state: str) -> Answer:
        body = self.found(call)
        self.refuse_busy(call)
        changed = self.in_state(body, "Updating")
        changed["properties"]["operationalState"] = state
        operation = self._operation(self._power, call, body)
        self.context.begin(operation, (RESOURCE, body["id"], changed))
        return Answer(202, None, operation=operation, location=True)

    def beside(self, body: Body, known: Body | None) -> list[Change]:
        """See NetworkType: its addresses know who has them."""
        return addressing.held(self.context, known, body)

    def beside_removed(self, body: Body) -> list[Change]:
        """See NetworkType."""
        return addressing.held(self.context, body, None)
