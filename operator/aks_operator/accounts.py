"""Accounts at work: a CloudAccount and its credential become a session that every object of the account shares."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aks_operator.armid import subscription_id
from aks_operator.cache import Cache
from aks_operator.cloud.arm import AzureCloud
from aks_operator.cloud.budget import Budget
from aks_operator.cloud.clients import Clients
from aks_operator.cloud.credentials import Endpoints, ManagedIdentity, Principal, ServicePrincipal, credential, load
from aks_operator.cloud.pool import Pool, connect
from aks_operator.conditions import find, is_true
from aks_operator.fence import Fence
from aks_operator.keys import Key
from aks_operator.kube import KubeClient, KubeError
from aks_operator.logins import Logins
from aks_operator.metrics import Metrics
from aks_operator.objects import parse
from aks_operator.observer import Observer
from aks_operator.outcome import Hold
from aks_operator.port import PRIORITY, Priority
from aks_operator.session import Session
from aks_operator.settings import Settings

KIND: Final = "CloudAccount"

log = logging.getLogger(__name__)


@dataclass
class Account:
    """An account whose credential was read. `digest` tells whether spec and secret are still the same."""

    key: Key
    digest: str
    subscription: str
    prefix: str
    endpoints: Endpoints
    cloud: AzureCloud
    session: Session
    pool: Pool
    credential: Any
    proven: bool = False
    """Whether the cloud let it in."""
    doubted: bool = False
    """Whether it was refused since: then it is opened anew, however the same its login is."""

    @property
    def id(self) -> str:
        """The subscription's ARM id."""
        return subscription_id(self.subscription)

    @property
    def budget(self) -> Budget:
        """What its identity may still ask of the subscription."""
        return self.cloud.budget

    async def close(self) -> None:
        """Close its connections."""
        await self.credential.close()
        await self.pool.shut_down()


class Accounts:
    """All accounts in use. Secrets are read when an account is reconciled, and held in memory while it is in use."""

    def __init__(
        self,
        kube: KubeClient,
        cache: Cache,
        settings: Settings,
        metrics: Metrics,
        clock: Callable[[], float],
        now: Callable[[], str],
        may_write: Callable[[], bool],
        proven: Callable[[Key], None],
        wake: Callable[[Key], None] = lambda key: None,
    ) -> None:
        self._logins = Logins(kube, settings)
        self._cache = cache
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._now = now
        self._may_write = may_write
        self._proven = proven
        self._wake = wake
        self._open: dict[Key, Account] = {}
        self._answered: dict[Key, float] = {}  # Unix time of the last read that was answered
        self._retired: list[tuple[float, Pool]] = []
        self._budgets: dict[tuple[str, str, str], Budget] = {}

    def get(self, key: Key) -> Account | None:
        """The account if it is open."""
        return self._open.get(key)

    def key_of(self, namespace: str, reference: Any) -> Key | None:
        """The account that is meant by a reference in `namespace`, None when there is none.

        Without a namespace it is looked up in the object's, then in the operator's.
        """
        keys = (Key(KIND, place, reference.name) for place in self._places(namespace, reference))
        return next((key for key in keys if self._cache.get(key) is not None), None)

    def _places(self, namespace: str, reference: Any) -> list[str]:
        return [reference.namespace] if reference.namespace else [namespace, self._settings.namespace]

    def resolve(self, namespace: str, reference: Any, *, leaving: bool = False) -> Account:
        """The account that an object of `namespace` refers to; raises Hold with the reason why there is none.

        An object that is `leaving` is cleaned up with whatever is at hand: an invitation that was withdrawn or a Secret
        that went before it (a namespace that is deleted whole) must not keep it.
        """
        key = self.key_of(namespace, reference)
        if key is None:
            places = dict.fromkeys(self._places(namespace, reference))
            where = " nor ".join(f"{reference.name!r} in namespace {place!r}" for place in places)
            raise Hold("WaitingForAccount", f"there is no CloudAccount {where}: create one, or correct accountRef")
        body = self._cache.get(key) or {}
        if not leaving and not invited(namespace, key, (body.get("spec") or {}).get("allowedNamespaces")):
            raise Hold(
                "NotAllowed",
                f"CloudAccount {key.namespace}/{key.name} does not list namespace {namespace!r} in allowedNamespaces",
            )
        account = self._open.get(key)
        ready = find((body.get("status") or {}).get("conditions") or (), "Ready")
        going = "deletionTimestamp" in body["metadata"]  # it is Blocked by its users, who need it to go
        works = (
            ready is not None and ready["status"] == "True"
        )  # of whatever generation: a change of it disturbs nobody
        if account is None or not (works or going or leaving):
            why = f": {ready['reason']}, {ready['message']}" if ready and ready["status"] != "True" else ""
            raise Hold("WaitingForAccount", f"CloudAccount {key.namespace}/{key.name} is not ready{why}")
        return account

    async def open(self, key: Key) -> Account:
        """The account of `key`, its login read anew; raises Hold.

        A rotated secret takes the place of the old one in the same session: what is known of the cloud, and what is under
        way there, goes on.
        """
        spec = parse(KIND, self._cache.get(key) or {}).spec
        login = await self._logins.read(key, spec)
        digest = f"{login.digest} {spec!r}"
        known = self._open.get(key)
        if known is not None and known.digest == digest and not known.doubted:
            return known
        pool = known.pool if known is not None and known.endpoints == login.endpoints else None
        pool, token = await self._connect(login.principal, login.endpoints, pool)
        budget = self._budget(login.endpoints, spec, login.principal)
        clients = Clients(login.endpoints, token, spec.subscription_id, pool)
        if known is not None and _same_cloud(known, spec.subscription_id, login.endpoints):
            cloud, session = known.cloud, known.session
            cloud.use(clients, budget)
        else:
            cloud, session = self._session(key, clients, spec.subscription_id, login.endpoints, budget)
            if known is not None:
                session.operations.update(known.session.operations)
        if known is not None and known.pool is not pool:
            self._retired.append((self._clock(), known.pool))  # somebody may be in the middle of a request
        await self._close_retired()
        prefix = spec.resource_group_prefix or ""
        session.fence = Fence(spec.subscription_id, prefix)
        account = Account(key, digest, spec.subscription_id, prefix, login.endpoints, cloud, session, pool, token)
        self._open[key] = account
        return account

    def prove(self, key: Key) -> None:
        """The cloud let an account in. With a login that is new that is news to those who were refused with the old one.

        Those who wait for it to be Ready are woken when it says so. To be woken by its opening would be too early: it may
        be refused, whoever was woken asks it to be opened anew, and so forth as fast as the processor can.
        """
        account = self._open.get(key)
        if account is not None and not account.proven:
            account.proven = True
            if is_true(self._cache.get(key) or {"metadata": {}}):
                self._proven(key)

    def doubt(self, key: Key) -> None:
        """The account was refused: a token that it holds, and a file that it read, may be good no more."""
        if (known := self._open.get(key)) is not None:
            known.doubted = True

    def _session(
        self, key: Key, clients: Clients, subscription: str, endpoints: Endpoints, budget: Budget
    ) -> tuple[AzureCloud, Session]:
        count = partial(self._count, key)
        cloud = AzureCloud(clients, subscription, endpoints.resource_manager, budget, count, self._may_write)
        observer = Observer(cloud, self._clock, self._settings.drift_interval_seconds, self._wake)
        interval = self._settings.poll_interval_seconds
        return cloud, Session(cloud, observer, clock=self._clock, now=self._now, poll_interval=interval)

    async def round(self) -> None:
        """The drift check of all objects at rest: see Observer.round."""
        PRIORITY.set(Priority.DRIFT)
        for account in list(self._open.values()):
            await account.session.observer.round()

    async def open_ready(self) -> None:
        """Open the accounts that were at work when the last process ended, so that nothing has to wait for them anew."""
        for key in self._cache.keys(KIND):
            body = self._cache.get(key) or {}
            if is_true(body) or "deletionTimestamp" in body["metadata"]:
                try:
                    (await self.open(key)).proven = True
                except (Hold, KubeError, ValueError) as error:
                    log.warning("account not opened: %s", error, extra={"key": str(key)})

    async def _connect(self, principal: Principal, endpoints: Endpoints, pool: Pool | None) -> tuple[Pool, Any]:
        """Connections (those given, if any) and credential; raises Hold for certificates that are none, not showing them."""
        await load()
        made = pool
        try:
            made = pool or connect(endpoints.ca, endpoints.origins, timeout=self._settings.request_timeout_seconds)
        except OSError as error:
            raise Hold(
                "Invalid", "certificateAuthority does not hold certificates as PEM: correct the Secret"
            ) from error
        try:
            return made, credential(principal, endpoints, made)
        except ValueError:
            if pool is None:
                await made.shut_down()
        kind = (
            "clientCertificateRef does not hold a certificate and its key as PEM"
            if isinstance(principal, ServicePrincipal) and principal.certificate
            else "credential.clientId is no id of an application"
        )
        raise Hold("Invalid", f"{kind}: correct it")

    def _budget(self, endpoints: Endpoints, spec: Any, principal: Principal) -> Budget:
        """The budget of a subscription and identity: one for all accounts that share both, whatever their secrets."""
        who = f"machine {principal.client}" if isinstance(principal, ManagedIdentity) else principal.client
        name = (endpoints.resource_manager.rstrip("/").lower(), spec.subscription_id.lower(), who.lower())
        if name not in self._budgets:
            self._budgets[name] = Budget(self._settings.reads_per_second, self._settings.writes_per_second, self._clock)
        return self._budgets[name]

    async def _close_retired(self) -> None:
        oldest = self._clock() - 2 * self._settings.request_timeout_seconds
        for entry in [entry for entry in self._retired if entry[0] <= oldest]:
            self._retired.remove(entry)
            await entry[1].shut_down()

    async def close(self, key: Key) -> None:
        """The account is gone."""
        self._answered.pop(key, None)
        account = self._open.pop(key, None)
        if account is not None:
            await account.close()

    async def close_all(self) -> None:
        """The process ends."""
        for key in list(self._open):
            await self.close(key)
        for _, pool in self._retired:
            await pool.shut_down()
        self._logins.close()

    def measure(self) -> None:
        """Bring the accounts' gauges up to date."""
        metrics = self._metrics
        for gauge in (metrics.observed, metrics.throttled, metrics.remaining):
            gauge.clear()
        for key, account in self._open.items():
            name = f"{key.namespace}/{key.name}"
            metrics.throttled.labels(name).set(account.budget.throttled_for)
            for kind, left in account.budget.remaining.items():
                metrics.remaining.labels(name, kind).set(left)
            if key in self._answered:
                metrics.observed.labels(name).set(self._answered[key])

    def _count(self, key: Key, type_: str, verb: str, code: str) -> None:
        self._metrics.arm_requests.labels(type_, verb, code).inc()
        if verb in {"GET", "LIST"} and (code.startswith("2") or code == "404"):
            self._answered[key] = time.time()


def _same_cloud(known: Account, subscription: str, endpoints: Endpoints) -> bool:
    """Whether what is known of the cloud holds for a new login: same resource manager, same subscription."""
    return (
        known.subscription.lower() == subscription.lower()
        and known.endpoints.resource_manager.lower() == endpoints.resource_manager.lower()
    )


def invited(namespace: str, target: Key, allowed: Iterable[str] | None) -> bool:
    """Whether objects of `namespace` may refer to `target`, whose allowedNamespaces are `allowed`."""
    return namespace == target.namespace or not {namespace, "*"}.isdisjoint(allowed or ())
