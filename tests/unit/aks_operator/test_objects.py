"""Our objects in Kubernetes: who refers to whom, who is woken, what the user is told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from aks_operator.cache import Cache
from aks_operator.keys import Key
from aks_operator.kube import KubeError
from aks_operator.metrics import Metrics
from aks_operator.objects import FINALIZER, Objects, path_of, references
from aks_operator.queue import WorkQueue
from tests.unit.aks_operator.apiserver import ApiServer, serving, status
from tests.unit.aks_operator.arm import Clock

ACCOUNT, CLUSTER = Key("CloudAccount", "ns", "default"), Key("ManagedCluster", "ns", "shop")
POOL, EXPOSURE = Key("NodePool", "ns", "np"), Key("ServiceExposure", "ns", "web")
ZONE = Key("DNSZone", "ns", "z")
EVENTS = "/api/v1/namespaces/ns/events"


@pytest.mark.parametrize(
    ("key", "spec", "targets"),
    [
        pytest.param(
            CLUSTER,
            {},
            {ACCOUNT, Key("CloudAccount", "op", "default")},
            id="the default account, here and at the operator's",
        ),
        pytest.param(
            CLUSTER,
            {"accountRef": {"name": "x", "namespace": "y"}, "logs": {"workspaceRef": {"name": "w"}}},
            {Key("CloudAccount", "y", "x"), Key("LogWorkspace", "ns", "w")},
            id="an account by name, a workspace",
        ),
        pytest.param(POOL, {"clusterRef": {"name": "shop"}}, {CLUSTER}, id="a pool's cluster"),
        pytest.param(
            EXPOSURE,
            {
                "clusterRef": {"name": "shop", "namespace": "other"},
                "nodePoolRefs": [{"name": "np"}],
                "dns": {"zoneRef": {"name": "z"}},
            },
            {Key("ManagedCluster", "other", "shop"), POOL, Key("DNSZone", "ns", "z")},
            id="an exposure's cluster, pools and zone",
        ),
        pytest.param(POOL, {"clusterRef": "nonsense"}, set(), id="nonsense refers to nothing"),
        pytest.param(ACCOUNT, {}, set(), id="an account refers to nobody"),
    ],
)
def test_whom_an_object_refers_to(key: Key, spec: dict[str, Any], targets: set[Key]) -> None:
    assert set(references("op")(key, {"spec": spec})) == targets


@dataclass
class Desk:
    server: ApiServer
    cache: Cache
    queue: WorkQueue
    objects: Objects
    gone: list[tuple[Key, str]]
    """Who was told to be gone, with the UID."""

    def put(self, key: Key, *, seen: bool = True, **body: Any) -> dict[str, Any]:
        """An object as the API server has it, and (`seen`) as an event showed it."""
        given = {"name": key.name, "namespace": key.namespace, "generation": 1, **body.pop("metadata", {})}
        kept = self.server.put(path_of(key), {"metadata": given, "spec": {}, **body})
        if seen:
            self.objects.seen(key, kept)
        return kept

    def woken(self) -> set[Key]:
        """Who is to be worked on; afterwards nobody is."""
        keys = set(self.queue._ready)
        for key in keys:
            self.queue.forget(key)
        return keys


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    server, queue = ApiServer(), WorkQueue(Clock())
    async with serving(server) as kube:
        cache = Cache(references("op"))
        gone: list[tuple[Key, str]] = []
        objects = Objects(
            kube,
            cache,
            queue,
            Metrics(),
            lambda: "2026-01-01T00:00:00Z",
            gone=lambda key, body: gone.append((key, body["metadata"]["uid"])),
        )
        yield Desk(server, cache, queue, objects, gone)


async def test_what_appears_wakes_itself_and_those_who_wait_for_it(desk: Desk) -> None:
    desk.put(POOL, spec={"clusterRef": {"name": "shop"}})
    assert desk.woken() == {POOL}
    desk.put(CLUSTER)
    assert desk.woken() == {CLUSTER, POOL}
    desk.put(POOL, spec={"clusterRef": {"name": "shop"}}, metadata={"generation": 2})
    assert desk.woken() == {POOL, CLUSTER}, "a cluster counts its pools"


async def test_our_own_status_wakes_those_who_look_at_it_and_not_us(desk: Desk) -> None:
    for key, spec in ((ACCOUNT, {}), (CLUSTER, {}), (POOL, {"clusterRef": {"name": "shop"}})):
        desk.put(key, spec=spec)
    desk.woken()
    body = desk.cache.get(CLUSTER)
    assert body is not None
    await desk.objects.write_status(CLUSTER, body, {"id": "x"})
    assert desk.woken() == {POOL}, "an account does not look at its users"
    desk.objects.seen(CLUSTER, desk.server.objects[path_of(CLUSTER)])
    assert desk.woken() == set(), "the event of our own write is no news"


@pytest.mark.parametrize(
    ("written", "field", "woken"),
    [
        pytest.param(
            ACCOUNT, "conditions", {CLUSTER, ZONE, POOL, EXPOSURE}, id="an account that is ready, for all who use it"
        ),
        pytest.param(ACCOUNT, "id", {CLUSTER, ZONE}, id="an account that says something else"),
        pytest.param(CLUSTER, "id", {POOL, EXPOSURE}, id="a cluster that is there"),
        pytest.param(CLUSTER, "provisioningState", {POOL, EXPOSURE}, id="a cluster that can be worked with"),
        pytest.param(CLUSTER, "kubernetesVersion", {POOL}, id="a cluster's version"),
        pytest.param(CLUSTER, "nodes", {EXPOSURE}, id="a cluster's nodes, which are many pools' changes"),
        pytest.param(CLUSTER, "conditions", set(), id="a cluster's conditions"),
        pytest.param(POOL, "nodes", {CLUSTER}, id="a pool's nodes"),
        pytest.param(POOL, "operations", set(), id="a pool's operations"),
        pytest.param(ZONE, "id", {EXPOSURE}, id="a zone that is there"),
        pytest.param(ZONE, "records", set(), id="a zone's count of records"),
        pytest.param(EXPOSURE, "addresses", {ZONE}, id="an exposure's address: a zone counts its records"),
    ],
)
async def test_a_status_wakes_those_who_read_what_changed(
    desk: Desk, written: Key, field: str, woken: set[Key]
) -> None:
    """Woken whatever changed, a thousand pools would wake their cluster, and it all of them, a thousand times."""
    specs: dict[Key, dict[str, Any]] = {
        ACCOUNT: {},
        ZONE: {},
        CLUSTER: {},
        POOL: {"clusterRef": {"name": "shop"}},
        EXPOSURE: {"clusterRef": {"name": "shop"}, "dns": {"zoneRef": {"name": "z"}}},
    }
    for key, spec in specs.items():
        desk.put(key, spec=spec, status={"observedGeneration": 1})
    desk.woken()
    body = desk.cache.get(written)
    assert body is not None
    value = ready("Succeeded", "True")["conditions"] if field == "conditions" else "new"
    await desk.objects.write_status(written, body, {"observedGeneration": 1, field: value})
    assert desk.woken() == woken


@pytest.mark.parametrize("change", [{"deletionTimestamp": "now"}, {"generation": 2}])
async def test_what_others_did_just_before_our_status_was_written_wakes_though_its_event_comes_too_late(
    desk: Desk, change: dict[str, Any]
) -> None:
    """The answer to our write shows it, and is newer than the event that tells of it."""
    desk.put(CLUSTER)
    body = desk.put(EXPOSURE, spec={"clusterRef": {"name": "shop"}})
    desk.woken()
    edited = desk.put(EXPOSURE, seen=False, spec=body["spec"], metadata={**body["metadata"], **change})
    await desk.objects.write_status(EXPOSURE, body, {"x": 1})
    desk.objects.seen(EXPOSURE, edited)
    assert desk.woken() == {EXPOSURE, CLUSTER}


async def test_what_vanishes_wakes_both_sides(desk: Desk) -> None:
    for key, spec in ((CLUSTER, {}), (POOL, {"clusterRef": {"name": "shop"}})):
        desk.put(key, spec=spec)
    desk.woken()
    desk.objects.gone(POOL, "another object of that name")
    assert desk.woken() == set()
    desk.objects.gone(POOL)
    assert desk.woken() == {CLUSTER}
    assert desk.cache.get(POOL) is None


async def test_a_list_finds_what_no_event_told(desk: Desk) -> None:
    desk.put(CLUSTER)
    desk.put(POOL, spec={"clusterRef": {"name": "shop"}})
    other = Key("NodePool", "ns", "new")
    new = desk.put(other, seen=False, spec={"clusterRef": {"name": "shop"}})
    desk.woken()
    desk.server.refuse = lambda method, path: web.json_response({"items": [new], "metadata": {}})
    await desk.objects.list_all("NodePool")
    assert set(desk.cache.keys("NodePool")) == {other}
    assert desk.woken() == {other, CLUSTER}


async def test_whoever_is_gone_is_told_of_however_that_was_noticed(desk: Desk) -> None:
    for key in (CLUSTER, POOL, EXPOSURE):
        desk.put(key)
    uids = {key: str((desk.cache.get(key) or {})["metadata"]["uid"]) for key in (CLUSTER, POOL, EXPOSURE)}
    desk.objects.gone(CLUSTER)
    desk.server.refuse = lambda method, path: web.json_response({"items": [], "metadata": {}})
    await desk.objects.list_all("NodePool")
    desk.put(EXPOSURE, metadata={"uid": "another of that name"})
    assert desk.gone == list(uids.items())
    desk.objects.gone(POOL)
    assert len(desk.gone) == 3, "once"


async def test_release_takes_only_our_finalizer(desk: Desk) -> None:
    uid = desk.put(POOL, metadata={"finalizers": ["theirs", FINALIZER], "deletionTimestamp": "now"})["metadata"]["uid"]
    await desk.objects.release(POOL, "of another that had the name")
    assert desk.server.objects[path_of(POOL)]["metadata"]["finalizers"] == ["theirs", FINALIZER]
    await desk.objects.release(POOL, uid)
    assert desk.server.objects[path_of(POOL)]["metadata"]["finalizers"] == ["theirs"]
    assert desk.cache.get(POOL) is not None
    uid = desk.put(POOL, metadata={"finalizers": [FINALIZER], "deletionTimestamp": "now"})["metadata"]["uid"]
    await desk.objects.release(POOL, uid)
    assert path_of(POOL) not in desk.server.objects
    assert desk.cache.get(POOL) is None
    await desk.objects.release(POOL, uid)


def ready(reason: str, state: str = "False", *others: str) -> dict[str, Any]:
    conditions = [{"type": t, "status": "True", "reason": reason, "message": "m"} for t in others]
    return {"conditions": [{"type": "Ready", "status": state, "reason": reason, "message": "what to do"}, *conditions]}


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        pytest.param({}, ready("Creating", "False", "Reconciling"), ("Normal", "Creating"), id="the first word"),
        pytest.param(ready("Creating"), ready("Succeeded", "True"), ("Normal", "Succeeded"), id="a transition"),
        pytest.param(
            ready("Creating"), ready("Invalid", "False", "Stalled"), ("Warning", "Invalid"), id="somebody is needed"
        ),
        pytest.param(ready("Creating"), ready("Creating", "False", "Reconciling"), None, id="no transition"),
        pytest.param(ready("Creating"), {"id": "x"}, None, id="nothing said"),
    ],
)
async def test_events_are_for_transitions(
    desk: Desk, before: dict[str, Any], after: dict[str, Any], event: tuple[str, str] | None
) -> None:
    body = desk.put(POOL, status=before)
    await desk.objects.write_status(POOL, body, after)
    told = [(b["type"], b["reason"]) for _, path, b in desk.server.writes if path == EVENTS]
    assert told == ([event] if event else [])


async def test_an_event_that_cannot_be_written_is_not_worth_a_retry(desk: Desk) -> None:
    body = desk.put(POOL)
    desk.server.refuse = lambda method, path: status(403, "Forbidden", "no") if path == EVENTS else None
    await desk.objects.write_status(POOL, body, ready("Creating"))
    assert desk.server.objects[path_of(POOL)]["status"] == ready("Creating")


async def test_a_status_of_what_is_gone_forgets_it(desk: Desk) -> None:
    body = desk.put(POOL)
    del desk.server.objects[path_of(POOL)]
    await desk.objects.write_status(POOL, body, {"id": "x"})
    assert desk.cache.get(POOL) is None
    desk.put(POOL)
    desk.server.refuse = lambda method, path: status(500, "InternalError", "no")
    with pytest.raises(KubeError):
        await desk.objects.write_status(POOL, body, {"id": "x"})
