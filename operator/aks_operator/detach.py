"""Let go of our objects without touching the cloud: for an operator that is to go and leave everything as it is."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aks_operator.keys import Key
from aks_operator.kube import KubeClient, KubeError
from aks_operator.lease import Lease
from aks_operator.objects import FINALIZER, GROUP_VERSION, KINDS, path_of

ATTEMPTS: Final = 5
"""Tries of one object that others change at the same time."""


@dataclass(frozen=True)
class Held:
    """An object that carries our finalizer. `id` is what it stands for in the cloud, empty when there is nothing."""

    key: Key
    id: str
    deleting: bool


class Running(Exception):
    """An operator holds the Lease: it would put the finalizers back, or clean up in the cloud."""


async def held(kube: KubeClient, namespaces: Iterable[str] = ()) -> list[Held]:
    """The objects that carry our finalizer, in these namespaces or in all. Raises KubeError."""
    found = []
    for kind, model in KINDS.items():
        for scope in [f"/namespaces/{namespace}" for namespace in namespaces] or [""]:
            async for body in kube.pages(f"/apis/{GROUP_VERSION}{scope}/{model.PLURAL}"):
                meta = body["metadata"]
                if FINALIZER in (meta.get("finalizers") or ()):
                    key = Key(kind, meta["namespace"], meta["name"])
                    id_ = str((body.get("status") or {}).get("id") or "")
                    found.append(Held(key, id_, "deletionTimestamp" in meta))
    return found


async def detach(kube: KubeClient, lease: Lease, patience: float, objects: Sequence[Held]) -> list[Key]:
    """Take our finalizer off `objects`, the Lease held meanwhile; returns whom it was taken off.

    Raises Running when the Lease cannot be had within `patience` seconds, LostLease, and KubeError.
    """
    if not await lease.acquire(patience):
        raise Running
    done: list[Key] = []

    async def work() -> None:
        async for key in _let_go(kube, objects):
            done.append(key)

    await lease.run(work)
    return done


async def _let_go(kube: KubeClient, objects: Iterable[Held]) -> AsyncIterator[Key]:
    for one in objects:
        for attempt in range(ATTEMPTS):
            body = await kube.get(path_of(one.key))
            if body is None or FINALIZER not in (body["metadata"].get("finalizers") or ()):
                break
            try:
                await kube.remove_finalizer(path_of(one.key), body, FINALIZER)
            except KubeError as error:  # it changed between the two requests
                if error.status not in {409, 422} or attempt == ATTEMPTS - 1:
                    raise
            else:
                yield one.key
                break
