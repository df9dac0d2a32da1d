"""Emptying a node: its pods leave by the Eviction API, which honours disruption budgets; what stays too long is deleted."""

import asyncio
import logging
from typing import Any, Final

from fakecloud.kube import Kube, KubeError

log = logging.getLogger(__name__)
Json = dict[str, Any]
PAUSE_SECONDS: Final = 0.5
"""Between two looks at what is left."""
MIRROR: Final = "kubernetes.io/config.mirror"


def leaves(pod: Json) -> bool:
    """Whether a drain has to move the pod: not those of DaemonSets nor the kubelet's static ones."""
    meta = pod["metadata"]
    owners = meta.get("ownerReferences") or ()
    daemon = any(owner.get("controller") and owner["kind"] == "DaemonSet" for owner in owners)
    return not daemon and MIRROR not in (meta.get("annotations") or {})


async def drain(kube: Kube, node: str, *, patience: float) -> None:
    """Returns when no pod that has to leave is on `node`. After `patience` seconds budgets and grace periods end.

    Raises KubeError. May be repeated.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while left := await _left(kube, node):
        late = loop.time() >= deadline
        for pod in left:
            if late:
                log.warning("drain: %s is still on %s after %g s: deleted", _name(pod), node, patience)
                await _delete(kube, pod)
            elif "deletionTimestamp" not in pod["metadata"]:
                await _evict(kube, pod)
        await asyncio.sleep(PAUSE_SECONDS)


async def _left(kube: Kube, node: str) -> list[Json]:
    found = await kube.request("GET", f"/api/v1/pods?fieldSelector=spec.nodeName%3D{node}")
    return [pod for pod in found.get("items") or () if leaves(pod)]


async def _evict(kube: Kube, pod: Json) -> None:
    meta = {key: pod["metadata"][key] for key in ("name", "namespace")}
    options = {"preconditions": {"uid": pod["metadata"]["uid"]}}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta, "deleteOptions": options}
    try:
        await kube.request("POST", f"{_path(pod)}/eviction", body)
    except KubeError as error:
        if error.status == 429:  # a disruption budget: it may allow it later
            log.info("drain: %s stays for now: %s", _name(pod), error)
        elif error.status not in {404, 409}:  # gone, or another pod of that name
            raise


async def _delete(kube: Kube, pod: Json) -> None:
    options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
    try:
        await kube.request("DELETE", _path(pod), options)
    except KubeError as error:
        if error.status not in {404, 409}:
            raise


def _path(pod: Json) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def _name(pod: Json) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
