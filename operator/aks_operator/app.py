"""The operator put together: who is made of what, and in which order it starts and ends."""

import asyncio
import logging
import signal
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from aks_operator import handlers
from aks_operator.accounts import Accounts
from aks_operator.cache import Cache
from aks_operator.canary import Canary
from aks_operator.documents.reconciler import Documents
from aks_operator.documents.shares import Shares
from aks_operator.engine import Engine, count_objects
from aks_operator.groups import Groups
from aks_operator.http import HealthServer
from aks_operator.keys import Key
from aks_operator.kinds.base import World
from aks_operator.kinds.cloud_account import CloudAccountReconciler
from aks_operator.kinds.dns_zone import DNSZoneReconciler
from aks_operator.kinds.managed_cluster import ManagedClusterReconciler
from aks_operator.kinds.node_pool import NodePoolReconciler
from aks_operator.kinds.service_exposure import ServiceExposureReconciler
from aks_operator.kinds.unbuilt import UnbuiltReconciler
from aks_operator.kube import KubeClient, KubeError
from aks_operator.lease import Lease
from aks_operator.marks import Marks
from aks_operator.metrics import Metrics
from aks_operator.objects import KINDS, Objects, references
from aks_operator.pace import around
from aks_operator.queue import WorkQueue
from aks_operator.settings import Settings
from aks_operator.tenants import Tenants

log = logging.getLogger(__name__)
T = TypeVar("T")
LEASE: Final = "Lease"
"""The Lease's name among what the watches owe us."""
START_RETRY: Final = 2.0
PROOFS: Final = 4
"""Looks at what the watches owe us, in the time that they have."""


class Operator:
    """One operator process. `run` returns when it was told to stop; it raises when it must not go on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        self._cache = Cache(references(settings.namespace))
        self._queue = WorkQueue(time.monotonic)
        self._stop = asyncio.Event()
        self._canary = Canary(time.monotonic, settings.watch_deadline_seconds)
        self._lease: Lease | None = None
        self._accounts: Accounts | None = None
        self._watching: asyncio.Task[None] | None = None
        self._silent = ""

    async def run(self) -> None:
        """Serve health, wait for the Lease, then work."""
        self._listen_for_signals()
        kube = await KubeClient.local(self._settings.kubeconfig, self._settings.context)
        server = HealthServer(self._metrics, self._complaint, self._measure)
        await server.start(self._settings.http_port)
        holder = self._settings.pod_uid or str(uuid.uuid4())
        lease = self._lease = Lease(
            kube,
            self._settings.namespace,
            self._settings.lease_name,
            holder,
            self._settings.lease_seconds,
            heard=self._lease_written,
        )
        leading = asyncio.ensure_future(lease.run(lambda: self._lead(kube, lease)))
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({leading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if leading.done():
                leading.result()
        finally:
            leading.cancel()
            stopping.cancel()
            await asyncio.gather(leading, stopping, return_exceptions=True)
            await server.stop()
            await kube.close()

    def _wake_users(self, account: Key) -> None:
        """An account's new login is good: whoever uses it, however indirectly, may go on."""
        for key in self._cache.users(account):
            self._queue.add(key, reset_backoff=True)

    def _listen_for_signals(self) -> None:
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, self._stop.set)

    async def _lead(self, kube: KubeClient, lease: Lease) -> None:
        management_id = self._settings.management_id or await _until(lambda: _kube_system_uid(kube))
        marks = Marks(management_id)
        accounts = self._accounts = Accounts(
            kube,
            self._cache,
            self._settings,
            self._metrics,
            time.monotonic,
            timestamp,
            lambda: lease.held,
            self._wake_users,
            lambda key: self._queue.add(key, reset_backoff=True),
        )
        shares, tenants = Shares(), Tenants()
        documents = Documents(self._cache, self._queue, accounts, shares, marks)
        objects = Objects(kube, self._cache, self._queue, self._metrics, timestamp, self._canary, documents.gone)
        groups = Groups(self._cache, marks, self._settings)
        world = World(self._cache, kube, accounts, groups, documents, shares, tenants, marks, self._settings)
        engine = Engine(
            cache=self._cache,
            queue=self._queue,
            objects=objects,
            reconcilers={
                "CloudAccount": CloudAccountReconciler(world),
                "DNSZone": DNSZoneReconciler(world),
                "ManagedCluster": ManagedClusterReconciler(world),
                "NodePool": NodePoolReconciler(world),
                "ServiceExposure": ServiceExposureReconciler(world),
                "VirtualNetwork": UnbuiltReconciler(world),
                "LogWorkspace": UnbuiltReconciler(world),
            },
            documents=documents,
            metrics=self._metrics,
            drift_interval=self._settings.drift_interval_seconds,
            now=timestamp,
            may_work=lambda: lease.held,
        )
        await _until(lambda: self._relist(objects))  # all is known before anything is decided
        await accounts.open_ready()
        ready = asyncio.Event()
        self._watching = asyncio.ensure_future(
            handlers.watch(objects, kube, self._settings, self._lease_seen, asyncio.Event(), ready)
        )
        tasks = [
            self._watching,
            *(
                asyncio.ensure_future(t)
                for t in (self._keep_listing(objects), self._keep_observing(accounts), self._prove(objects))
            ),
        ]
        tasks += [asyncio.ensure_future(engine.worker()) for _ in range(self._settings.workers)]
        log.info("working", extra={"management_id": management_id, "objects": len(self._cache)})
        try:
            await asyncio.wait(
                {self._watching, asyncio.ensure_future(ready.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
            self._listen_for_signals()  # kopf has put its own handlers in their place
            self._canary.start()
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            log.warning("kopf stopped watching: the process ends, to be started anew")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await tenants.close_all()
            await accounts.close_all()

    async def _relist(self, objects: Objects) -> bool:
        for kind in KINDS:
            await objects.list_all(kind, self._settings.namespaces)
        return True

    async def _keep_listing(self, objects: Objects) -> None:
        """A relist after a watch restart reports no deletions: what is gone is found here."""
        while True:
            await asyncio.sleep(self._settings.relist_interval_seconds)
            try:
                await self._relist(objects)
            except KubeError as error:
                log.warning("relist failed: %s", error)

    async def _keep_observing(self, accounts: Accounts) -> None:
        """Objects at rest do not look for themselves: one look at each list is for all of them."""
        while True:
            await asyncio.sleep(around(self._settings.drift_interval_seconds))
            await accounts.round()

    def _lease_written(self, version: str | None) -> None:
        if version is None:
            self._canary.interrupted()
        else:
            self._canary.wrote(LEASE, version)

    def _lease_seen(self, version: str) -> None:
        self._canary.saw(LEASE, version)

    async def _prove(self, objects: Objects) -> None:
        """Find out whether the watches still bring what we write; what they do not bring because it is gone is forgotten."""
        while True:
            await asyncio.sleep(self._settings.watch_deadline_seconds / PROOFS)
            late = self._canary.overdue()
            kinds = {name.partition("/")[0] for name in late} & KINDS.keys()
            try:
                for kind in sorted(kinds):
                    await objects.list_all(kind, self._settings.namespaces)
            except KubeError as error:
                log.warning("relist failed: %s", error)
                self._canary.interrupted()
            late = self._canary.overdue()
            silent = (
                f"not seen by the watch within {self._settings.watch_deadline_seconds:.0f} s: {', '.join(late[:5])}"
            )
            if late and not self._silent:
                log.error(
                    "the watches are silent: /healthz fails, for this process to be started anew",
                    extra={"late": silent},
                )
            self._silent = silent if late else ""

    def _measure(self) -> None:
        """Bring the gauges up to date."""
        count_objects(self._cache, self._metrics)
        self._metrics.queue_depth.set(len(self._queue))
        if self._accounts is not None:
            self._accounts.measure()
        self._metrics.leader.set(self._lease is not None and self._lease.held)
        self._metrics.watch_lag.set(self._canary.lag)

    def _complaint(self) -> str | None:
        if self._watching is not None and self._watching.done():
            return "kopf stopped watching"
        return self._silent or None


def timestamp() -> str:
    """Now, as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _kube_system_uid(kube: KubeClient) -> str | None:
    found = await kube.get("/api/v1/namespaces/kube-system")
    return str(found["metadata"]["uid"]) if found else None


async def _until(attempt: Callable[[], Awaitable[T | None]]) -> T:
    """What `attempt` gives as soon as it gives something: the API server may still be coming up."""
    while True:
        try:
            if (found := await attempt()) is not None:
                return found
        except KubeError as error:
            log.warning("waiting for the API server: %s", error)
        await asyncio.sleep(START_RETRY)
