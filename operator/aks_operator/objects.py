"""Our custom resources in Kubernetes: paths, parsing, references, and the writes to them with what they wake."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import aks_operator.api.v1alpha1 as v1alpha1
from aks_operator.cache import Cache, Change
from aks_operator.canary import Canary
from aks_operator.conditions import find, shorten
from aks_operator.keys import Key
from aks_operator.kube import KubeClient, KubeError
from aks_operator.metrics import Metrics
from aks_operator.queue import WorkQueue

log = logging.getLogger(__name__)
FINALIZER: Final = "aks-operator.io/finalizer"
RECONCILE_AT: Final = "aks-operator.io/reconcile-at"
"""The annotation by which a user asks for another attempt; its value is any word not used before."""
GROUP_VERSION: Final = "aks-operator.io/v1alpha1"
KINDS: Final[Mapping[str, Any]] = v1alpha1.KINDS
_NODES: Final = frozenset({"id", "nodes", "replicas"})
_CLUSTER: Final = frozenset({"id", "provisioningState", "kubernetesVersion"})
_NOTHING: Final[frozenset[str]] = frozenset()
_READS: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("NodePool", "ManagedCluster"): _CLUSTER,
    ("ServiceExposure", "ManagedCluster"): (_CLUSTER - {"kubernetesVersion"}) | {"nodes"},
    ("ServiceExposure", "NodePool"): _NODES,
    ("ServiceExposure", "DNSZone"): frozenset({"id", "provisioningState"}),
    ("ManagedCluster", "NodePool"): _NODES,
    ("ManagedCluster", "ServiceExposure"): _NOTHING,
    ("NodePool", "ServiceExposure"): _NOTHING,
    **{("CloudAccount", kind): _NOTHING for kind in KINDS},
}
"""What the reconcile of the first kind reads of the status of the second; of a pair that is not here, all of it."""


def path_of(key: Key) -> str:
    """The API path of a custom resource."""
    return f"/apis/{GROUP_VERSION}/namespaces/{key.namespace}/{KINDS[key.kind].PLURAL}/{key.name}"


def parse(kind: str, body: Mapping[str, Any]) -> Any:
    """The model of a body from the API server; raises pydantic.ValidationError. Unknown fields are ignored."""
    return KINDS[kind].model_validate(body)


def references(operator_namespace: str) -> Callable[[Key, Mapping[str, Any]], Iterable[Key]]:
    """How to find the keys that a raw body refers to: whatever their state, whoever may not refer to them."""

    def of(key: Key, body: Mapping[str, Any]) -> Iterable[Key]:
        spec = body.get("spec") or {}

        def at(kind: str, ref: Any) -> Iterable[Key]:
            if isinstance(ref, Mapping) and ref.get("name"):
                yield Key(kind, str(ref.get("namespace") or key.namespace), str(ref["name"]))

        if key.kind in {"ManagedCluster", "DNSZone", "VirtualNetwork", "LogWorkspace"}:
            ref = spec.get("accountRef") or {}
            name = str(ref.get("name") or "default")
            for namespace in [ref["namespace"]] if ref.get("namespace") else [key.namespace, operator_namespace]:
                yield Key("CloudAccount", namespace, name)
        if key.kind == "ManagedCluster":
            yield from at("VirtualNetwork", (spec.get("network") or {}).get("subnetRef"))
            yield from at("LogWorkspace", (spec.get("logs") or {}).get("workspaceRef"))
        yield from at("ManagedCluster", spec.get("clusterRef"))
        for ref in spec.get("nodePoolRefs") or ():
            yield from at("NodePool", ref)
        yield from at("DNSZone", (spec.get("dns") or {}).get("zoneRef"))

    return of


class Objects:
    """Reads of and writes to our custom resources. Every answer goes into the cache at once; what changed wakes others.

    `canary` is told what is written, and what the watches bring; `gone` of an object that is there no more, as last seen.
    """

    def __init__(
        self,
        kube: KubeClient,
        cache: Cache,
        queue: WorkQueue,
        metrics: Metrics,
        now: Callable[[], str],
        canary: Canary | None = None,
        gone: Callable[[Key, Mapping[str, Any]], None] = lambda key, body: None,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._queue = queue
        self._metrics = metrics
        self._now = now
        self._canary = canary or Canary(time.monotonic, math.inf)
        self._gone = gone

    def seen(self, key: Key, body: Mapping[str, Any]) -> None:
        """A watch brought this body."""
        self._canary.saw(str(key), str(body["metadata"]["resourceVersion"]))
        self._listed(key, body)

    def gone(self, key: Key, uid: str | None = None) -> None:
        """The object does not exist any more."""
        targets, known = self._cache.refers_to(key), self._cache.get(key)
        change = self._cache.forget(key, uid)
        if change.vanished:
            self._canary.gone(str(key))
        self._changed(key, change, targets, known)

    async def list_all(self, kind: str, namespaces: Iterable[str] = ()) -> None:
        """Bring the cache up to what the API server has of one kind: what is gone is forgotten."""
        before = self._cache.versions(kind)
        seen: dict[Key, Mapping[str, Any]] = {}
        for scope in [f"/namespaces/{namespace}" for namespace in namespaces] or [""]:
            async for body in self._kube.pages(f"/apis/{GROUP_VERSION}{scope}/{KINDS[kind].PLURAL}"):
                key = Key(kind, body["metadata"]["namespace"], body["metadata"]["name"])
                seen[key] = body
                self._ahead(key, {"apiVersion": GROUP_VERSION, "kind": kind, **body})
        targets = {key: (self._cache.refers_to(key), self._cache.get(key)) for key in before}
        for key in self._cache.prune(kind, seen, before):
            self._canary.gone(str(key))
            self._changed(key, Change(woke=True, vanished=True), *targets[key])

    async def add_finalizer(self, key: Key, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The object with our finalizer on: before the first call to the cloud."""
        answer = await self._kube.add_finalizer(path_of(key), body, FINALIZER)
        self._wrote(key, answer)
        return answer

    async def is_still_going(self, key: Key, body: Mapping[str, Any]) -> bool:
        """Whether a deleted object is still there and waits for us: asked of the API server itself.

        A watch may be late, and what is deleted in the cloud by an old body does not come back: whoever took our
        finalizer off wants it to stay.
        """
        answer = await self._kube.get(path_of(key))
        if answer is None:
            self.gone(key, body["metadata"]["uid"])
            return False
        self._listed(key, answer)
        meta = answer["metadata"]
        return meta["uid"] == body["metadata"]["uid"] and FINALIZER in (meta.get("finalizers") or ())

    async def release(self, key: Key, uid: str) -> None:
        """Let go of an object whose clean-up is complete; of another that took its name we do not."""
        body = self._cache.get(key)
        if body is None or body["metadata"].get("uid") != uid:
            return
        answer = await self._kube.remove_finalizer(path_of(key), body, FINALIZER)
        if answer is None or not (answer["metadata"].get("finalizers")):
            self.gone(key, body["metadata"].get("uid"))
        else:
            self._wrote(key, answer)
        log.info("released", extra={"key": str(key)})

    async def write_status(self, key: Key, body: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        """Write a status that differs, tell the user of a transition, and wake those who read what changed."""
        try:
            answer = await self._kube.replace_status(path_of(key), body["metadata"]["uid"], status)
        except KubeError as error:
            if error.status == 404:
                self.gone(key, body["metadata"].get("uid"))
                return
            raise
        self._metrics.status_patches.labels(key.kind).inc()
        self._ahead(key, answer)  # of what others did meanwhile, no watch tells again
        old = body.get("status") or {}
        changed = {field for field in {*old, *status} if old.get(field) != status.get(field)}
        others = [*self._cache.dependents(key), *self._cache.refers_to(key)]
        self._wake(other for other in others if changed & _READS.get((other.kind, key.kind), changed))
        if key.kind == "CloudAccount" and _is_ready(status) and not _is_ready(old):
            self._wake(self._cache.users(key))
        await self._tell(key, body, status)

    def _wrote(self, key: Key, answer: Mapping[str, Any]) -> None:
        """Take in the answer to a write of ours; if it changed nothing, or the watch was quicker, nothing is owed."""
        known = self._cache.get(key)
        self._cache.remember(key, answer)
        if self._cache.get(key) is not known:
            self._canary.wrote(str(key), str(answer["metadata"]["resourceVersion"]))

    def _ahead(self, key: Key, body: Mapping[str, Any]) -> None:
        """Take in a body that a watch will bring, too, and wake whoever has to know."""
        if self._listed(key, body):
            self._canary.wrote(str(key), str(body["metadata"]["resourceVersion"]))

    def _listed(self, key: Key, body: Mapping[str, Any]) -> bool:
        """Take in a body; whether it is newer than what was known."""
        known = self._cache.get(key)
        self._changed(key, self._cache.remember(key, body), self._cache.refers_to(key), known)
        return self._cache.get(key) is not known

    def _changed(self, key: Key, change: Change, targets: Iterable[Key], known: Mapping[str, Any] | None) -> None:
        if change.vanished and known is not None:
            self._gone(key, known)
        if change.woke and not (change.vanished and not change.appeared):
            self._queue.add(key, reset_backoff=True)
        if change.woke:
            self._wake([*self._cache.dependents(key), *targets])

    def _wake(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if self._cache.get(key) is not None:
                self._queue.add(key, reset_backoff=True)

    async def _tell(self, key: Key, body: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        """An event for the user when Ready's reason changed. One that cannot be written is not worth a retry."""
        before = find((body.get("status") or {}).get("conditions") or (), "Ready")
        after = find(status.get("conditions") or (), "Ready")
        if after is None or (before is not None and before["reason"] == after["reason"]):
            return
        now = self._now()
        bad = after["status"] != "True" and any(c["type"] == "Stalled" for c in status["conditions"])
        reference = {
            "apiVersion": GROUP_VERSION,
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
            "uid": body["metadata"]["uid"],
        }
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{key.name[:50]}-", "namespace": key.namespace},
            "involvedObject": reference,
            "reason": after["reason"],
            "message": shorten(after["message"] or f"{key.kind} {key.name} is ready", 1000),
            "type": "Warning" if bad else "Normal",
            "source": {"component": "aks-operator"},
            "reportingComponent": "aks-operator",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._kube.create(f"/api/v1/namespaces/{key.namespace}/events", event)
        except KubeError as error:
            log.debug("event not written: %s", error, extra={"key": str(key)})


def _is_ready(status: Mapping[str, Any]) -> bool:
    ready = find(status.get("conditions") or (), "Ready")
    return ready is not None and ready["status"] == "True"
