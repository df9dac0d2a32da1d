"""The fake put together: store, identity, gateway, providers, control; served over TLS."""

import asyncio
import json
import logging
import secrets
import signal
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from fakecloud import certs
from fakecloud.arm.gateway import MAX_BODY, Gateway
from fakecloud.arm.operations import Operations
from fakecloud.arm.types import SUBSCRIPTION, Context, ResourceType
from fakecloud.clock import Clock
from fakecloud.compute.none import NoCompute
from fakecloud.control.journal import Journal
from fakecloud.control.routes import Control
from fakecloud.identity.routes import CLIENT, Identity
from fakecloud.identity.tokens import Tokens
from fakecloud.providers.containerservice.clusters import Clusters, KubernetesVersions, UpgradeProfiles
from fakecloud.providers.containerservice.pools import Machines, Pools
from fakecloud.providers.containerservice.rules import VERSIONS
from fakecloud.providers.dns.zones import RECORD_TYPES, RecordSets, Zones
from fakecloud.providers.network.load_balancers import BackendPools, BalancerParts, LoadBalancers
from fakecloud.providers.network.public_ips import PublicIPAddresses
from fakecloud.providers.network.security_groups import SecurityGroups, SecurityRules
from fakecloud.providers.network.virtual_networks import Subnets, VirtualNetworks
from fakecloud.providers.resources.groups import ResourceGroups
from fakecloud.store import Store

if TYPE_CHECKING:
    from fakecloud.compute.port import Compute

log = logging.getLogger(__name__)
LOCATIONS = ("westeurope", "northeurope", "eastus")


@dataclass(frozen=True)
class Options:
    """What `fakecloud serve` was told."""

    port: int
    state: Path
    listen: str
    hostnames: Sequence[str]
    subscriptions: Sequence[str]
    tenant: str | None
    compute: str
    speed: float
    dns_port: int | None
    public_range: str


class Server:
    """One fake cloud."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.store = Store(options.state)
        self.clock = Clock(options.speed)
        self.operations = Operations(self.store, self.clock)
        self.context = Context(self.store, self.clock, self.operations)
        self.journal = Journal()
        self.account = _account(options, self.store)
        self.compute: Compute = NoCompute()
        tokens = Tokens(certs.signing_key(options.state), self.account["tenantId"])
        self.identity = Identity(self.store, tokens)
        self.gateway = Gateway(
            self.context, self._types(), ("Microsoft.Compute", "Microsoft.Insights"), tokens, self.journal
        )
        self.control = Control(self.journal, self.account["controlToken"])

    def _types(self) -> list[ResourceType]:
        context = self.context
        pools = Pools(context, self.compute)
        balancers = LoadBalancers(context)
        return [
            ResourceGroups(context),
            Clusters(context, pools, self.compute),
            pools,
            Machines(context),
            UpgradeProfiles(context),
            KubernetesVersions(context),
            VirtualNetworks(context),
            Subnets(context),
            SecurityGroups(context),
            SecurityRules(context),
            PublicIPAddresses(context, self._options.public_range),
            balancers,
            BackendPools(context, balancers),
            BalancerParts(context, "frontendIPConfigurations"),
            BalancerParts(context, "loadBalancingRules", self._health),
            BalancerParts(context, "probes"),
            Zones(context),
            *(RecordSets(context, record_type) for record_type in RECORD_TYPES),
        ]

    def _health(self, balancer: str, rule: str) -> list[dict[str, object]] | None:
        return None

    def application(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_get("/healthz", _healthz)
        app.router.add_routes(self.control.routes())
        app.router.add_routes(self.identity.routes())
        app.router.add_route("*", r"/{path:[\s\S]*}", self.gateway.handle)  # a newline in a name is for ARM to refuse
        return app

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        options = self._options
        names = [*options.hostnames, "localhost", "127.0.0.1"]
        context = certs.server_context(options.state, names)
        runner = web.AppRunner(self.application(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, options.listen, options.port, ssl_context=context)
        await site.start()
        port = int(runner.addresses[0][1])
        host = options.hostnames[0] if options.hostnames else "localhost"
        self._write_account(f"https://{host}" + ("" if options.hostnames and port in {443, 8443} else f":{port}"))
        self.operations.resume()
        print(f"fakecloud is ready at https://{host}:{port} (account: {options.state / 'account.json'})", flush=True)  # noqa: T201  # the one line promised
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await stop.wait()
        await self.operations.stop()
        await runner.cleanup()
        self.store.close()

    def _write_account(self, endpoint: str) -> None:
        path = self._options.state / "account.json"
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(
            json.dumps(
                {
                    "endpoint": endpoint,
                    **self.account,
                    "locations": list(LOCATIONS),
                    "kubernetesVersions": list(VERSIONS),
                },
                indent=2,
            )
        )


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def _account(options: Options, store: Store) -> dict[str, str]:
    """The tenant, subscriptions, the one client and the control token: made once, kept in the state."""
    known = store.get("account", "account")
    if known is None:
        known = {
            "tenantId": options.tenant or str(uuid.uuid4()),
            "clientId": str(uuid.uuid4()),
            "clientSecret": secrets.token_urlsafe(32),
            "controlToken": secrets.token_urlsafe(32),
            "subscriptionId": options.subscriptions[0] if options.subscriptions else str(uuid.uuid4()),
        }
        store.put("account", "account", known)
        client = {"clientId": known["clientId"], "secret": known["clientSecret"], "objectId": str(uuid.uuid4())}
        store.put(CLIENT, known["clientId"], client)
    for subscription in dict.fromkeys([known["subscriptionId"], *options.subscriptions]):
        body = {
            "id": f"/subscriptions/{subscription}",
            "subscriptionId": subscription,
            "tenantId": known["tenantId"],
            "displayName": "fakecloud",
            "state": "Enabled",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        }
        store.put(SUBSCRIPTION, subscription, body)
    return {key: str(value) for key, value in known.items()}
