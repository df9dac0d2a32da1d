"""One turn of one object: read the cache, reconcile, write the status if it differs, say when to come again."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from pydantic import ValidationError

from aks_operator import conditions
from aks_operator.cache import Cache
from aks_operator.conditions import Condition
from aks_operator.keys import Key
from aks_operator.kube import KubeError
from aks_operator.metrics import Metrics
from aks_operator.objects import FINALIZER, KINDS, RECONCILE_AT, Objects, parse
from aks_operator.observer import LOOKS, Looks
from aks_operator.outcome import Hold, Outcome
from aks_operator.pace import around, turn_after
from aks_operator.port import (
    ATTEMPT,
    PRIORITY,
    AuthenticationFailed,
    Busy,
    CloudError,
    NotFound,
    NotLeading,
    PreconditionFailed,
    Priority,
    Terminal,
    Throttled,
    Transient,
    Unreachable,
)
from aks_operator.queue import WorkQueue
from aks_operator.reasons import MOVING, reason_of
from aks_operator.session import Operation

log = logging.getLogger(__name__)
TERMINAL_RETRY: Final = 3600.0
BUSY_RETRY: Final = 5.0
NOT_LEADING_RETRY: Final = 1.0
"""Seconds between looks whether the Lease, which nobody answered for, could be renewed."""
SECRET_RETRY: Final = 30.0
BLIPS: Final = 2
"""So often in a row Azure may fail to answer a look at what is Ready before its status says so: some 2 seconds."""
MAX_OPERATIONS: Final = 8
MAX_URL: Final = 4096
"""Characters of an operation's URL that a status takes."""


class Reconciler(Protocol):
    """The one function of a kind."""

    async def reconcile(self, key: Key, obj: Any) -> Outcome:
        """Bring the world to `obj` (a model); deletion is a branch of it. May raise Hold, CloudError, KubeError."""

    def operations(self, key: Key, obj: Any, resources: Iterable[str]) -> Iterable[Operation]:
        """The operations under way on an object's resources."""


class DocumentReconciler(Protocol):
    """The one writer of shared ARM documents."""

    async def reconcile(self, key: Key) -> float | None:
        """One turn of the document; seconds until the next, None when it rests. May raise CloudError."""

    def failed(self, key: Key, error: CloudError, *, blip: bool) -> None:
        """Tell those who share the document why it does not come about; of a `blip` only while it is not as it should be."""


class Engine:
    """Takes keys from the queue and works on them. Knows neither kopf nor the SDK."""

    def __init__(
        self,
        *,
        cache: Cache,
        queue: WorkQueue,
        objects: Objects,
        reconcilers: Mapping[str, Reconciler],
        documents: DocumentReconciler,
        metrics: Metrics,
        drift_interval: float,
        now: Callable[[], str],
        may_work: Callable[[], bool] = lambda: True,
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._objects = objects
        self._reconcilers = reconcilers
        self._documents = documents
        self._metrics = metrics
        self._drift_interval = drift_interval
        self._now = now
        self._may_work = may_work
        self._resting: dict[Key, Looks] = {}

    async def worker(self) -> None:
        """Work until the queue closes. Any unexpected error is logged with its stack, and the key retried."""
        async for key in self._queue:
            self._metrics.queue_depth.set(len(self._queue))
            started = time.monotonic()
            again: float | None = None
            failed = False
            try:
                again, failed = await self._work(key)
            except asyncio.CancelledError:
                raise
            except Exception:
                self._metrics.reconcile_errors.labels(key.kind).inc()
                log.exception("reconcile failed", extra={"key": str(key)})
                again, failed = self._queue.backoff(key), True
            finally:
                self._queue.done(key, again_after=again, failed=failed)
                self._metrics.reconcile_seconds.labels(key.kind).observe(time.monotonic() - started)

    async def _work(self, key: Key) -> tuple[float | None, bool]:
        """One turn of a key: when to come again, in seconds, and whether it failed."""
        if not self._may_work():
            return NOT_LEADING_RETRY, False
        try:
            return await (self._document(key) if key.is_document else self._object(key))
        except KubeError as error:
            if error.status and error.status not in {429, *range(500, 600)}:
                raise
            log.warning("the API server did not take it: %s", error, extra={"key": str(key)})
            return self._queue.backoff(key), True

    async def _document(self, key: Key) -> tuple[float | None, bool]:
        PRIORITY.set(Priority.CHANGE)
        ATTEMPT.set("")
        LOOKS.set(None)
        try:
            return await self._documents.reconcile(key), False
        except NotLeading:
            return NOT_LEADING_RETRY, False
        except CloudError as error:
            again = self._retry(key, error)
            self._documents.failed(key, error, blip=self._is_blip(key, error))
            return again

    async def _object(self, key: Key) -> tuple[float | None, bool]:
        if (rested := self._resting.pop(key, None)) is not None:
            rested.leave(key)
        body = self._cache.get(key)
        if body is None:
            self._queue.forget(key)
            return None, False
        deleting = bool(body["metadata"].get("deletionTimestamp"))
        held = FINALIZER in (body["metadata"].get("finalizers") or ())
        if deleting and not held:
            return None, False
        PRIORITY.set(Priority.DRIFT if conditions.is_true(body) and not deleting else Priority.CHANGE)
        ATTEMPT.set(str((body["metadata"].get("annotations") or {}).get(RECONCILE_AT) or ""))
        try:
            if deleting and _has_id(body) and not await self._objects.is_still_going(key, body):
                return None, False
            return await self._turn(key, body, deleting=deleting, held=held)
        except KubeError as error:
            if error.status in {404, 409, 422} or error.terminating_namespace:
                return 1.0, True  # the object changed or went under our hands: its event is on the way
            raise

    async def _turn(
        self, key: Key, body: Mapping[str, Any], *, deleting: bool, held: bool
    ) -> tuple[float | None, bool]:
        """Reconcile and say how it went. Raises KubeError."""
        LOOKS.set(looks := Looks())
        try:
            obj = parse(key.kind, body)
        except ValidationError as error:
            if deleting and not _has_id(body):  # it has nothing in the cloud: it goes, however wrong it is
                await self._objects.release(key, body["metadata"]["uid"])
                return None, False
            return await self._say(
                key, body, Outcome([Condition("Ready", "False", "Invalid", _complaint(error))])
            ), False
        try:
            if not held:
                body = await self._objects.add_finalizer(key, body)
            outcome = await self._reconcilers[key.kind].reconcile(key, obj)
        except Hold as hold:
            await self._say(key, body, Outcome([Condition("Ready", "False", hold.reason, str(hold))]))
            return hold.again_after or self._rest(), False
        except NotLeading:
            return NOT_LEADING_RETRY, False
        except CloudError as error:
            again, failed = self._retry(key, error)
            if PRIORITY.get() is Priority.DRIFT and self._is_blip(key, error):
                return again, failed
            unpin = {"id": None} if isinstance(error, Terminal) and error.nothing_made else {}
            outcome = Outcome([Condition("Ready", "False", reason_of(error), str(error))], unpin, resources=_ids(body))
            await self._say(key, body, outcome, obj)
            if isinstance(error, AuthenticationFailed):
                self._wake_account(key)
            return again, failed
        if outcome.release:
            await self._objects.release(key, body["metadata"]["uid"])
            return None, False
        again = await self._say(key, body, outcome, obj)
        if outcome.watched and outcome.again_after is None and looks.keep(key):
            self._resting[key] = looks
            again = around(turn_after(self._drift_interval, len(self._cache)))
        return again, False

    async def _say(self, key: Key, body: Mapping[str, Any], outcome: Outcome, obj: Any = None) -> float:
        """Write the status if it differs; returns when to come again, in seconds.

        `body` is what was worked on: the status speaks of its generation, however much newer the object is by now.
        """
        generation = int(body["metadata"].get("generation") or 0)
        latest = self._cache.get(key) or body
        if latest["metadata"]["uid"] != body["metadata"]["uid"]:
            return 0.0  # another object took the name
        body = latest
        old = dict(body.get("status") or {})
        new = {**old, **outcome.status}
        new["observedGeneration"] = generation
        if obj is not None:
            known = [str(stored["resource"]) for stored in old.get("operations") or ()]
            resources = dict.fromkeys([*outcome.resources, *known])
            operations = [
                {"resource": o.resource, "kind": o.kind, "startedAt": o.started_at, "url": o.url}
                for o in self._reconcilers[key.kind].operations(key, obj, resources)
                if len(o.url)
                <= MAX_URL  # a longer one is known until the process ends; then the resource's state tells
            ]
            new["operations"] = operations[:MAX_OPERATIONS] or None
        new["conditions"] = conditions.merge(
            old.get("conditions") or (), with_summary(outcome.conditions), generation=generation, now=self._now()
        )
        new = {field: value for field, value in new.items() if value is not None and value != []}
        if new != old:
            await self._objects.write_status(key, body, new)
        return outcome.again_after if outcome.again_after is not None else self._rest()

    def _retry(self, key: Key, error: CloudError) -> tuple[float, bool]:
        """When to try again after an error, in seconds, and whether it was a failure (which backs off)."""
        match error:
            case Busy():
                return around(error.retry_after or BUSY_RETRY, 0.8, 1.2), False
            case Throttled():
                return around(error.retry_after or BUSY_RETRY, 1.0, 1.2), False
            case PreconditionFailed() | NotFound():
                return self._queue.backoff(key), True
            case Unreachable():
                return self._queue.backoff(key), True
            case AuthenticationFailed():  # a Secret is put right without our hearing of it
                return min(self._queue.backoff(key), SECRET_RETRY), True
            case Terminal(code="AlreadyExists"):  # found by looking: nothing was asked of the cloud
                return self._rest(), False
            case Terminal():
                return TERMINAL_RETRY, False
            case _:
                return max(error.retry_after or 0.0, self._queue.backoff(key)), True

    def _is_blip(self, key: Key, error: CloudError) -> bool:
        """Whether Azure only did not answer a look, for the moment: what it said last is still the best that is known."""
        if error.of_write:
            return False
        return isinstance(error, Busy | Throttled) or (
            isinstance(error, Transient) and self._queue.failures(key) <= BLIPS
        )

    def _wake_account(self, key: Key) -> None:
        """The account that an object works with is to look after its credential."""
        for target in {key, *self._cache.refers_to(key)}:
            for account in self._cache.refers_to(target):
                if account.kind == "CloudAccount" and self._cache.get(account) is not None:
                    self._queue.add(account)

    def _rest(self) -> float:
        return around(self._drift_interval)


def with_summary(given: Iterable[Condition]) -> list[Condition]:
    """The conditions with kstatus' `Reconciling` or `Stalled` beside a `Ready` that is not True."""
    result = list(given)
    ready = next((c for c in result if c.type == "Ready"), None)
    if ready is None or ready.status == "True":
        return result
    kind = "Reconciling" if ready.reason in MOVING else "Stalled"
    return [*result, Condition(kind, "True", ready.reason, ready.message)]


def _ids(body: Mapping[str, Any]) -> list[str]:
    """The ARM ids that an object's status names."""
    status = body.get("status") or {}
    ids = [status.get("id"), *(line.get("id") for line in status.get("resources") or ())]
    return list(dict.fromkeys(str(id_) for id_ in ids if id_))


def _has_id(body: Mapping[str, Any]) -> bool:
    status = body.get("status") or {}
    return bool(status.get("id") or status.get("resources"))


def _complaint(error: ValidationError) -> str:
    """What is wrong with an object, field by field, in the wire's names."""
    parts = [
        f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}"
        for e in error.errors(include_url=False, include_input=False)[:5]
    ]
    return f"correct {'; '.join(parts)}"


def count_objects(cache: Cache, metrics: Metrics) -> None:
    """Set the gauges of known objects: by kind and readiness, and the stalled ones by reason."""
    metrics.stalled.clear()
    for kind in KINDS:
        ready = sum(1 for key in cache.keys(kind) if (body := cache.get(key)) and conditions.is_true(body))
        total = sum(1 for _ in cache.keys(kind))
        metrics.objects.labels(kind, "True").set(ready)
        metrics.objects.labels(kind, "False").set(total - ready)
        for key in cache.keys(kind):
            known = ((cache.get(key) or {}).get("status") or {}).get("conditions") or ()
            if (stalled := conditions.find(known, "Stalled")) is not None:
                metrics.stalled.labels(kind, stalled["reason"]).inc()
