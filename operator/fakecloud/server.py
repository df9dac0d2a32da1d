"""The fake put together: store, identity, gateway, providers, control; served over TLS."""

import asyncio
import json
import logging
import secrets
import signal
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from fakecloud import certs
from fakecloud.arm.activity import Activity
from fakecloud.arm.gateway import MAX_BODY, Gateway
from fakecloud.arm.locations import LOCATIONS
from fakecloud.arm.operations import Operations
from fakecloud.arm.quotas import Quotas
from fakecloud.arm.throttling import Throttle
from fakecloud.arm.types import SUBSCRIPTION, Context, ResourceType
from fakecloud.clock import Clock
from fakecloud.compute.none import NoCompute
from fakecloud.control.journal import Journal
from fakecloud.control.routes import Control, unknown
from fakecloud.dataplane.routes import AgentRoutes
from fakecloud.dataplane.service import Dataplane
from fakecloud.front import Front
from fakecloud.identity.assertions import Assertions, Federated, Issuers
from fakecloud.identity.managed import IDENTITY, PATH, ManagedIdentity
from fakecloud.identity.routes import CLIENT, Identity
from fakecloud.identity.tokens import Tokens
from fakecloud.providers.authorization.locks import Locks
from fakecloud.providers.compute.scale_sets import (
    Configurations,
    Instances,
    InstanceViews,
    Interfaces,
    ScaleSets,
    SetInterfaces,
)
from fakecloud.providers.compute.usages import ComputeUsages
from fakecloud.providers.containerservice.clusters import Clusters
from fakecloud.providers.containerservice.commands import CommandResults
from fakecloud.providers.containerservice.machines import Fleet, Machines
from fakecloud.providers.containerservice.maintenance import MaintenanceConfigurations
from fakecloud.providers.containerservice.pools import Pools
from fakecloud.providers.containerservice.versions import (
    VERSIONS,
    AvailableVersions,
    KubernetesVersions,
    PoolUpgradeProfiles,
    UpgradeProfiles,
)
from fakecloud.providers.dns import private_zones, zones
from fakecloud.providers.insights.activity_log import ActivityLog
from fakecloud.providers.insights.diagnostic_settings import DiagnosticCategories, DiagnosticSettings
from fakecloud.providers.network.application_gateways import ApplicationGateways
from fakecloud.providers.network.connections import Connections, SharedKey
from fakecloud.providers.network.load_balancers import BackendPools, BalancerParts, InboundNatRules, LoadBalancers
from fakecloud.providers.network.local_network_gateways import LocalNetworkGateways
from fakecloud.providers.network.nat_gateways import NatGateways
from fakecloud.providers.network.public_ips import PublicIPAddresses
from fakecloud.providers.network.route_tables import Routes, RouteTables
from fakecloud.providers.network.security_groups import DefaultRules, SecurityGroups, SecurityRules
from fakecloud.providers.network.usages import NetworkUsages
from fakecloud.providers.network.virtual_network_gateways import GatewayConnections, VirtualNetworkGateways
from fakecloud.providers.network.virtual_networks import Inhabitants, Subnets, VirtualNetworks
from fakecloud.providers.operationalinsights.workspaces import Workspaces
from fakecloud.providers.resources.deployments import Deployments
from fakecloud.providers.resources.groups import ResourceGroups
from fakecloud.providers.resources.tags import Tags
from fakecloud.store import Body, Store

if TYPE_CHECKING:
    from fakecloud.compute.port import Compute
    from fakecloud.control.levers import Levers
    from fakecloud.dataplane.dns import DnsServer

log = logging.getLogger(__name__)
LAST_ANSWERS = 3.0
"""Seconds that requests under way may take after SIGTERM; agents that wait for news are sent away then."""


class CannotServe(Exception):
    """The address cannot be had. The message says which, and why."""


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
    client: str | None = None
    publish_namespace: str | None = None
    kubeconfig: str | None = None
    api_server: str | None = None
    levers: bool = False
    throttle: float | None = None
    """How many times as many requests as Azure are allowed; None: as many as come."""
    quotas: Mapping[str, int] = field(default_factory=dict)
    """Limits by name."""
    client_certificates: Sequence[str] = ()
    """PEM."""
    federated_identities: Sequence[Federated] = ()
    federated_keys: Path | None = None
    federated_ca: Path | None = None


class Server:
    """One fake cloud."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.store = Store(options.state)
        self.clock = Clock(options.speed)
        self.operations = Operations(self.store, self.clock)
        self.context = Context(self.store, self.clock, self.operations, quotas=Quotas(options.quotas))
        self.journal = Journal()
        self.account = _account(options, self.store)
        self.compute: Compute = _compute(options)
        self.dataplane = Dataplane(self.store, self.compute, options.public_range, time.monotonic)
        names = [*options.hostnames, "localhost", "127.0.0.1"]
        tokens = Tokens(certs.signing_key(options.state), self.account["tenantId"], names, self.clock.now)
        issuers = Issuers(options.federated_keys, options.federated_ca)
        self.identity = Identity(self.store, tokens, Assertions(issuers))
        self.managed_identity = ManagedIdentity(self.store, tokens)
        self.throttle = Throttle(self.clock.now, options.throttle)
        self.activity = Activity(self.store, self.clock, tokens.tenant)
        self.operations.ended.append(self.activity.ended)
        self.gateway = Gateway(self.context, self._types(), tokens, self.throttle)
        self.control = Control(self.journal, self.account["controlToken"])
        self.levers = self._levers() if options.levers else None
        self.front = Front(self.journal, self.activity, self.throttle, self.levers)

    def _levers(self) -> "Levers":
        from fakecloud.control.levers import Levers  # with models that a cloud without levers does not load

        return Levers(
            control=self.control,
            store=self.store,
            clock=self.clock,
            operations=self.operations,
            compute=self.compute,
            journal=self.journal,
            activity=self.activity,
            quotas=self.context.quotas,
            throttle=self.throttle,
        )

    def _types(self) -> list[ResourceType]:
        context = self.context
        fleet = Fleet(context, self.compute)
        pools = Pools(context, fleet)
        commands = CommandResults(context, self.compute)
        inhabitants = Inhabitants(context.store)
        addresses = PublicIPAddresses(context, self._options.public_range)
        return [
            ResourceGroups(context),
            Deployments(context),
            Tags(context),
            Locks(context),
            Clusters(context, pools, fleet, self.compute, addresses, commands),
            commands,
            MaintenanceConfigurations(context),
            Workspaces(context),
            DiagnosticSettings(context),
            DiagnosticCategories(context),
            ActivityLog(context, self.activity),
            ComputeUsages(context),
            NetworkUsages(context),
            ScaleSets(context),
            Instances(context),
            InstanceViews(context),
            SetInterfaces(context),
            Interfaces(context),
            Configurations(context),
            pools,
            Machines(context),
            UpgradeProfiles(context),
            PoolUpgradeProfiles(context),
            AvailableVersions(context),
            KubernetesVersions(context),
            VirtualNetworks(context, inhabitants),
            Subnets(context, inhabitants),
            SecurityGroups(context),
            SecurityRules(context),
            DefaultRules(context),
            addresses,
            RouteTables(context),
            Routes(context),
            NatGateways(context),
            VirtualNetworkGateways(context),
            GatewayConnections(context),
            LocalNetworkGateways(context),
            Connections(context),
            SharedKey(context),
            ApplicationGateways(context),
            LoadBalancers(context),
            BackendPools(context),
            BalancerParts(context, "frontendIPConfigurations"),
            BalancerParts(context, "loadBalancingRules", self.dataplane.health),
            BalancerParts(context, "probes"),
            InboundNatRules(context),
            BalancerParts(context, "outboundRules"),
            zones.Zones(context),
            *(zones.PublicRecordSets(context, record_type) for record_type in zones.DIALECT.fields),
            *(zones.AllPublicRecordSets(context, word) for word in ("recordsets", "all")),
            private_zones.PrivateZones(context),
            private_zones.Links(context),
            *(private_zones.PrivateRecordSets(context, record_type) for record_type in private_zones.DIALECT.fields),
            private_zones.AllPrivateRecordSets(context, "ALL"),
        ]

    def application(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self.front.middleware()])
        app.router.add_get("/healthz", _healthz)
        app.router.add_routes(self.control.routes())
        app.router.add_routes(AgentRoutes(self.dataplane, self.account["agentToken"]).routes())
        if self.levers is not None:
            app.router.add_routes(self.levers.routes())
        app.router.add_route("*", r"/_fakecloud/{path:[\s\S]*}", unknown)
        app.router.add_routes(self.identity.routes())
        app.router.add_routes(self.managed_identity.routes())
        app.router.add_route("*", r"/{path:[\s\S]*}", self.gateway.handle)  # a newline in a name is for ARM to refuse
        return app

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        options = self._options
        await self.compute.start()
        names = [*options.hostnames, "localhost", "127.0.0.1"]
        context = certs.server_context(options.state, names)
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=LAST_ANSWERS)
        await runner.setup()
        site = web.TCPSite(runner, options.listen, options.port, ssl_context=context)
        try:
            await site.start()
        except OSError as error:
            raise CannotServe(f"cannot listen on {options.listen}:{options.port}: {error.strerror}") from error
        port = int(runner.addresses[0][1])
        host = options.hostnames[0] if options.hostnames else "localhost"
        behind_service = bool(options.hostnames) and options.publish_namespace is not None  # the port is HTTPS's own
        self._write_account(f"https://{host}" + ("" if behind_service or port == 443 else f":{port}"))
        reclaiming = asyncio.ensure_future(self._reclaim())
        self.operations.resume()
        dns = None if options.dns_port is None else await self._names(options.listen, options.dns_port)
        carrying = asyncio.ensure_future(self.dataplane.run())
        publishing = asyncio.ensure_future(self._publish())
        print(f"fakecloud is ready at https://{host}:{port} (account: {options.state / 'account.json'})", flush=True)  # noqa: T201  # the one line promised
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({stopping, carrying}, return_when=asyncio.FIRST_COMPLETED)
        tasks = (carrying, reclaiming, publishing, stopping)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        await self.operations.stop()
        await runner.cleanup()
        if dns is not None:
            await dns.stop()
        await self.compute.stop()
        self.store.close()
        if isinstance(ends[0], Exception):
            raise ends[0]

    async def _names(self, listen: str, port: int) -> "DnsServer":
        """The DNS server, at work."""
        from fakecloud.dataplane.dns import Authority, DnsServer  # with a library that a cloud without does not load

        server = DnsServer(Authority(self.store, self.compute.placements))
        await server.start(listen, port)
        return server

    async def _reclaim(self) -> None:
        """Free the machines of clusters that this state knows nothing of: it may be younger than they are."""
        try:
            await self.compute.reclaim([cluster["id"] for cluster in self.store.resources(Clusters.type)])
        except Exception:
            log.exception("machines of unknown clusters stay taken until the next start")

    async def _publish(self) -> None:
        """Put what others need into the namespace given, if one was."""
        if self._options.publish_namespace is None:
            return
        from fakecloud.kube import Kube  # a client that a cloud on a desk does not load
        from fakecloud.publish import contents, publish

        ca = (self._options.state / "ca.crt").read_text()
        kube = await Kube.connect(self._options.kubeconfig)
        try:
            wanted = contents(ca, self.account["clientSecret"], self.account["agentToken"])
            await publish(kube, self._options.publish_namespace, wanted)
        except Exception:
            log.exception("publishing ended")
        finally:
            await kube.close()

    def _write_account(self, endpoint: str) -> None:
        account = {
            "endpoint": endpoint,
            **self.account,
            "identityEndpoint": f"{endpoint}{PATH}",
            "locations": list(LOCATIONS),
            "kubernetesVersions": list(VERSIONS),
        }
        certs.write(self._options.state / "account.json", json.dumps(account, indent=2).encode())


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def _compute(options: Options) -> "Compute":
    if options.compute == "none":
        return NoCompute(options.kubeconfig)
    from fakecloud.compute.host import HostCompute  # with a Kubernetes client that a cloud on a desk does not load

    return HostCompute(options.kubeconfig, namespace=options.publish_namespace, api_server=options.api_server)


def _account(options: Options, store: Store) -> dict[str, str]:
    """The tenant, subscriptions, the one client and the fake's own tokens: made once, kept in the state."""
    have = store.get("account", "account") or {}
    known = {
        "tenantId": options.tenant or str(uuid.uuid4()),
        "clientId": str(uuid.uuid4()),
        "clientSecret": secrets.token_urlsafe(32),
        "controlToken": secrets.token_urlsafe(32),
        "agentToken": secrets.token_urlsafe(32),
        "subscriptionId": options.subscriptions[0] if options.subscriptions else str(uuid.uuid4()),
        "identityClientId": str(uuid.uuid4()),
        "identityHeader": secrets.token_urlsafe(32),
        **have,
        **({"clientId": options.client} if options.client else {}),
        **({"tenantId": options.tenant} if options.tenant else {}),
        **({"subscriptionId": options.subscriptions[0]} if options.subscriptions else {}),
    }
    old = have.get("clientId", known["clientId"])
    before = store.get(CLIENT, known["clientId"]) or {}
    client = {
        "clientId": known["clientId"],
        "objectId": before.get("objectId") or str(uuid.uuid4()),
        "secrets": before.get("secrets") or [known["clientSecret"]],
        "certificates": list(options.client_certificates),
        "federated": [asdict(record) for record in options.federated_identities],
    }
    identity = {
        "clientId": known["identityClientId"],
        "objectId": (store.get(IDENTITY, IDENTITY) or {}).get("objectId") or str(uuid.uuid4()),
        "header": known["identityHeader"],
    }
    gone: list[tuple[str, str, Body | None]] = [(CLIENT, old, None)] if old != known["clientId"] else []
    wanted: list[tuple[str, str, Body]] = [
        ("account", "account", known),
        (CLIENT, known["clientId"], client),
        (IDENTITY, IDENTITY, identity),
    ]
    store.write([*gone, *(entry for entry in wanted if store.get(entry[0], entry[1]) != entry[2])])
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
