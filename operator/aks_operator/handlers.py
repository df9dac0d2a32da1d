"""The glue to kopf: an event puts the object into the cache and its key into the queue. Nothing else."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import Any, Final

import kopf

from aks_operator.keys import Key
from aks_operator.kube import KubeClient
from aks_operator.objects import GROUP_VERSION, KINDS, Objects
from aks_operator.pace import around
from aks_operator.settings import Settings

LONGEST_BACKOFF: Final = 10.0
"""Seconds: for so long the operator may be blind after the API server came back."""


class EndlessBackoffs:
    """Seconds between kopf's retries of its own requests: never an end, or a watcher would die of a long outage."""

    def __iter__(self) -> Iterator[float]:
        return (around(min(LONGEST_BACKOFF, 2.0**n), 0.8, 1.2) for n in itertools.count())


KOPF_FINALIZER: Final = "aks-operator.io/kopf"
"""Never set: kopf takes off a finalizer of its own that none of its handlers needs, so it must not know ours."""


LEASES: Final = ("coordination.k8s.io", "v1", "leases")


def kopf_settings(own: Settings) -> kopf.OperatorSettings:
    """Kopf as production needs it; of Leases it watches our own alone."""
    settings = kopf.OperatorSettings()
    settings.watching.field_selectors[LEASES] = f"metadata.name={own.lease_name},metadata.namespace={own.namespace}"
    settings.peering.standalone = True
    settings.persistence.finalizer = KOPF_FINALIZER
    settings.posting.enabled = False
    settings.posting.loggers = False
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 30
    settings.watching.reconnect_backoff = 1.0
    settings.watching.inactivity_timeout = 70
    settings.watching.chunk_size = 100
    settings.queueing.idle_timeout = (
        0.2  # a task and the last event for each object, for nothing: handlers take no time
    )
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = EndlessBackoffs()
    settings.networking.enforce_retry_after = True
    settings.process.ultimate_exiting_timeout = 25
    settings.scanning.disabled = True
    return settings


def registry(objects: Objects, kube: KubeClient, lease_seen: Callable[[str], None]) -> kopf.OperatorRegistry:
    """A handler of events for every kind and for our Lease, and a login by our own client's credential."""
    made = kopf.OperatorRegistry()

    async def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(**await kube.connection())

    kopf.on.login(registry=made, id="login")(login)
    group, version = GROUP_VERSION.split("/")
    for kind, model in KINDS.items():

        async def seen(event: kopf.RawEvent, kind: str = kind, **_: Any) -> None:
            body = event["object"]
            meta = body["metadata"]
            key = Key(kind, meta["namespace"], meta["name"])
            if event["type"] == "DELETED":
                objects.gone(key, meta.get("uid"))
            else:
                objects.seen(key, {"apiVersion": GROUP_VERSION, "kind": kind, **dict(body)})

        kopf.on.event(group, version, model.PLURAL, registry=made, id=f"seen-{kind.lower()}")(seen)

    async def lease(event: kopf.RawEvent, **_: Any) -> None:
        lease_seen(str(event["object"]["metadata"]["resourceVersion"]))

    kopf.on.event(*LEASES, registry=made, id="seen-lease")(lease)
    return made


async def watch(
    objects: Objects,
    kube: KubeClient,
    settings: Settings,
    lease_seen: Callable[[str], None],
    stop: asyncio.Event,
    ready: asyncio.Event,
) -> None:
    """Run kopf until `stop`; `ready` when its watches are being set up. Returns early only if kopf gave up.

    `lease_seen` is told the resourceVersion of our Lease whenever the watch brings one.
    """
    await kopf.operator(
        registry=registry(objects, kube, lease_seen),
        settings=kopf_settings(settings),
        clusterwide=not settings.namespaces,
        namespaces=settings.namespaces,
        standalone=True,
        stop_flag=stop,
        ready_flag=ready,
    )
