"""Accounts at work: a CloudAccount and its credential become a session that every object of the account shares."""

import hashlib
import logging
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from aks_operator.armid import subscription_id
from aks_operator.cache import Cache
from aks_operator.cloud.arm import AzureCloud
from aks_operator.cloud.budget import Budget
from aks_operator.cloud.clients import Clients, transport
from aks_operator.cloud.credentials import PUBLIC_CLOUDS, Endpoints, ServicePrincipal, credential, load
from aks_operator.conditions import find, is_true
from aks_operator.keys import Key
from aks_operator.kube import KubeClient, KubeError
from aks_operator.metrics import Metrics
from aks_operator.objects import parse
from aks_operator.observer import Observer
from aks_operator.outcome import Hold
from aks_operator.session import Session
from aks_operator.settings import Settings

KIND: Final = "CloudAccount"
SECRET_RETRY: Final = 5.0
"""Seconds between looks for a Secret that is not there: Secrets are never watched."""

log = logging.getLogger(__name__)


@dataclass
class Account:
    """An account whose credential was read. `digest` tells whether spec and secret are still the same."""

    key: Key
    digest: str
    subscription: str
    prefix: str
    session: Session
    budget: Budget
    pool: Any
    credential: Any

    @property
    def id(self) -> str:
        """The subscription's ARM id."""
        return subscription_id(self.subscription)

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
        opened: Callable[[], None],
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._now = now
        self._may_write = may_write
        self._opened = opened
        self._open: dict[Key, Account] = {}
        self._answered: dict[Key, float] = {}  # Unix time of the last read that was answered
        self._retired: list[tuple[float, Account]] = []
        self._budgets: dict[tuple[str, str, str], Budget] = {}
        self._files = tempfile.TemporaryDirectory(prefix="aks-operator-ca-")

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
        """The account of `key`, opened anew when its spec or its secrets changed; raises Hold."""
        spec = parse(KIND, self._cache.get(key) or {}).spec
        principal = await self._principal(key, spec)
        endpoints = await self._endpoints(key, spec)
        digest = hashlib.sha256(repr((spec, principal.secret, principal.certificate, endpoints)).encode()).hexdigest()
        known = self._open.get(key)
        if known is not None and known.digest == digest:
            return known
        pool, token = await self._connect(principal, endpoints)
        budget = self._budget(endpoints, spec, principal)
        clients = Clients(endpoints, token, spec.subscription_id, pool)
        cloud = AzureCloud(
            clients,
            spec.subscription_id,
            endpoints.resource_manager,
            budget,
            partial(self._count, key),
            self._may_write,
        )
        session = Session(
            cloud,
            Observer(cloud, self._clock, self._settings.drift_interval_seconds),
            clock=self._clock,
            now=self._now,
            poll_interval=self._settings.poll_interval_seconds,
        )
        if known is not None:
            session.operations.update(known.session.operations)
            self._retired.append((self._clock(), known))  # somebody may be in the middle of a request
        await self._close_retired()
        account = Account(
            key, digest, spec.subscription_id, spec.resource_group_prefix or "", session, budget, pool, token
        )
        self._open[key] = account
        self._opened()
        return account

    async def open_ready(self) -> None:
        """Open the accounts that were at work when the last process ended, so that nothing has to wait for them anew."""
        for key in self._cache.keys(KIND):
            body = self._cache.get(key) or {}
            if is_true(body) or "deletionTimestamp" in body["metadata"]:
                try:
                    await self.open(key)
                except (Hold, KubeError, ValueError) as error:
                    log.warning("account not opened: %s", error, extra={"key": str(key)})

    async def _connect(self, principal: ServicePrincipal, endpoints: Endpoints) -> tuple[Any, Any]:
        """Connections and credential; raises Hold for certificates that are none. What they hold is told nobody."""
        await load()
        try:
            pool = transport(endpoints, timeout=self._settings.request_timeout_seconds)
        except OSError as error:
            raise Hold(
                "Invalid", "certificateAuthority does not hold certificates as PEM: correct the Secret"
            ) from error
        try:
            return pool, credential(principal, endpoints, pool)
        except ValueError:
            await pool.shut_down()
        kind = (
            "clientCertificateRef does not hold a certificate and its key as PEM"
            if principal.certificate
            else "credential.clientId is no id of an application"
        )
        raise Hold("Invalid", f"{kind}: correct it")

    def _budget(self, endpoints: Endpoints, spec: Any, principal: ServicePrincipal) -> Budget:
        """The budget of a subscription and identity: one for all accounts that share both, whatever their secrets."""
        name = (endpoints.resource_manager.rstrip("/").lower(), spec.subscription_id.lower(), principal.client.lower())
        if name not in self._budgets:
            self._budgets[name] = Budget(self._settings.reads_per_second, self._settings.writes_per_second, self._clock)
        return self._budgets[name]

    async def _close_retired(self) -> None:
        oldest = self._clock() - 2 * self._settings.request_timeout_seconds
        for entry in [entry for entry in self._retired if entry[0] <= oldest]:
            self._retired.remove(entry)
            await entry[1].close()

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
        for _, account in self._retired:
            await account.close()
        self._files.cleanup()

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

    async def _principal(self, key: Key, spec: Any) -> ServicePrincipal:
        wanted = spec.credential
        if wanted.type != "ServicePrincipal":
            raise Hold("NotSupported", f"credential type {wanted.type} is not built yet: use ServicePrincipal")
        if wanted.client_secret_ref is not None:
            secret = await self._secret(key, wanted.client_secret_ref.name, wanted.client_secret_ref.key)
            try:
                return ServicePrincipal(spec.tenant_id, wanted.client_id or "", secret=secret.decode().strip())
            except UnicodeDecodeError:
                pass  # not raised from: it would show the secret
            raise Hold(
                "Invalid", f"Secret {key.namespace}/{wanted.client_secret_ref.name} does not hold a client secret"
            )
        if wanted.client_certificate_ref is not None:
            pem = await self._secret(key, wanted.client_certificate_ref.name, wanted.client_certificate_ref.key)
            return ServicePrincipal(spec.tenant_id, wanted.client_id or "", certificate=pem)
        raise Hold(
            "Invalid", "credential.clientSecretRef or credential.clientCertificateRef is needed for a ServicePrincipal"
        )

    async def _endpoints(self, key: Key, spec: Any) -> Endpoints:
        if spec.cloud != "Custom":
            return PUBLIC_CLOUDS[spec.cloud]
        if spec.endpoints is None:
            raise Hold("Invalid", "cloud Custom needs endpoints")
        allowed = {url.rstrip("/").lower() for url in self._settings.allowed_endpoints}
        for url in (spec.endpoints.resource_manager, spec.endpoints.authority):
            if url.rstrip("/").lower() not in allowed:
                raise Hold(
                    "NotAllowed",
                    f"endpoint {url} is not in the operator's allowedEndpoints: ask whoever installed the operator to add it",
                )
        path = None
        if spec.endpoints.certificate_authority is not None:
            ref = spec.endpoints.certificate_authority.secret_ref
            pem = await self._secret(key, ref.name, ref.key)
            path = Path(self._files.name) / f"{hashlib.sha256(pem).hexdigest()[:16]}.crt"
            path.write_bytes(pem)
        return Endpoints(
            spec.endpoints.resource_manager, spec.endpoints.authority, str(path) if path else None, discover=False
        )

    async def _secret(self, key: Key, name: str, entry: str) -> bytes:
        try:
            secret = await self._kube.get(f"/api/v1/namespaces/{key.namespace}/secrets/{name}")
        except KubeError as error:
            if error.status == 403:
                raise Hold(
                    "SecretForbidden",
                    f"the operator may not read Secret {key.namespace}/{name}: add {key.namespace!r} to the chart's secretNamespaces (helm upgrade --set secretNamespaces={{{key.namespace}}})",
                    again_after=30.0,
                ) from error
            raise
        if secret is None:
            raise Hold(
                "SecretNotFound",
                f"there is no Secret {key.namespace}/{name}: create it, or correct the reference",
                again_after=SECRET_RETRY,
            )
        value = (secret.get("data") or {}).get(entry)
        if not value:
            raise Hold(
                "SecretNotFound", f"Secret {key.namespace}/{name} has no key {entry!r}", again_after=SECRET_RETRY
            )
        return b64decode(value)


def invited(namespace: str, target: Key, allowed: Iterable[str] | None) -> bool:
    """Whether objects of `namespace` may refer to `target`, whose allowedNamespaces are `allowed`."""
    return namespace == target.namespace or not {namespace, "*"}.isdisjoint(allowed or ())
