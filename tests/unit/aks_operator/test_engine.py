"""A turn of an object: what is said in its status, when it comes again, and what is not written."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from aks_operator.cache import Cache
from aks_operator.conditions import Condition
from aks_operator.engine import NOT_LEADING_RETRY, Engine, count_objects, with_summary
from aks_operator.keys import Key
from aks_operator.kube import KubeError
from aks_operator.metrics import Metrics
from aks_operator.objects import FINALIZER, Objects, path_of, references
from aks_operator.observer import Observer
from aks_operator.outcome import RELEASE, Hold, Outcome
from aks_operator.port import (
    ATTEMPT,
    PRIORITY,
    AuthenticationFailed,
    Busy,
    CloudError,
    NotFound,
    NotLeading,
    Priority,
    Terminal,
    Throttled,
    Transient,
)
from aks_operator.queue import WorkQueue
from aks_operator.session import Operation
from tests.unit.aks_operator.apiserver import ApiServer, serving, status
from tests.unit.aks_operator.arm import Arm, Clock

KEY = Key("DNSZone", "ns", "zone")
PATH = path_of(KEY)
SPEC = {"resourceGroup": "g", "zone": "shop.example"}
READY = Outcome([Condition("Ready", "True", "Succeeded")])


@dataclass
class Script:
    """A kind whose reconcile does what the test says."""

    act: Callable[[], Outcome]
    under_way: list[Operation] = field(default_factory=list)

    async def reconcile(self, key: Key, obj: Any) -> Outcome:
        return self.act()

    def operations(self, key: Key, obj: Any, resources: Iterable[str]) -> Iterable[Operation]:
        return [operation for operation in self.under_way if operation.resource in resources]


class NoDocuments:
    async def reconcile(self, key: Key) -> float | None:
        return None

    def failed(self, key: Key, error: CloudError, *, blip: bool) -> None:
        return None


@dataclass
class Desk:
    """An engine at work on one object."""

    server: ApiServer
    clock: Clock
    cache: Cache
    queue: WorkQueue
    metrics: Metrics
    script: Script
    engine: Engine

    def put(self, **body: Any) -> None:
        """The object as the API server has it, seen by the operator."""
        meta = {"name": KEY.name, "namespace": KEY.namespace, "generation": 1, "finalizers": [FINALIZER]}
        kept = self.server.put(PATH, {"spec": SPEC, **body, "metadata": {**meta, **body.get("metadata", {})}})
        self.cache.remember(KEY, kept)

    async def turn(self) -> tuple[float | None, bool]:
        """One turn: when it comes again, and whether it failed."""
        return await self.engine._object(KEY)

    @property
    def status(self) -> dict[str, Any]:
        """What the user sees."""
        return dict(self.server.objects[PATH].get("status") or {})

    def condition(self, type_: str) -> dict[str, Any] | None:
        """One condition, as the user sees it."""
        return next((c for c in self.status.get("conditions", ()) if c["type"] == type_), None)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    server, clock, metrics, script = ApiServer(), Clock(), Metrics(), Script(lambda: READY)
    async with serving(server) as kube:
        cache = Cache(references("aks-operator"))
        queue = WorkQueue(clock, jitter=lambda: 0.5)
        objects = Objects(kube, cache, queue, metrics, lambda: "2026-01-01T00:00:00Z")
        engine = Engine(
            cache=cache,
            queue=queue,
            objects=objects,
            reconcilers={KEY.kind: script},
            documents=NoDocuments(),
            metrics=metrics,
            drift_interval=60.0,
            now=lambda: "2026-01-01T00:00:00Z",
        )
        yield Desk(server, clock, cache, queue, metrics, script, engine)


def raising(error: Exception) -> Callable[[], Outcome]:
    def act() -> Outcome:
        raise error

    return act


async def test_the_finalizer_is_on_before_anything_is_done(desk: Desk) -> None:
    desk.put(metadata={"finalizers": []})
    seen: list[Any] = []

    def act() -> Outcome:
        seen.append(desk.server.objects[PATH]["metadata"]["finalizers"])
        return READY

    desk.script.act = act
    await desk.turn()
    assert seen == [[FINALIZER]]


async def test_one_status_write_and_none_when_nothing_changed(desk: Desk) -> None:
    desk.put()
    again, failed = await desk.turn()
    assert again is not None
    assert 54.0 <= again <= 66.0, "the drift interval, with jitter"
    assert not failed
    writes = len(desk.server.writes)
    await desk.turn()
    assert len(desk.server.writes) == writes


async def test_what_a_kind_does_not_speak_of_stays_and_none_takes_it_away(desk: Desk) -> None:
    desk.put(status={"id": "x", "records": 3, "provisioningState": "Updating"})
    desk.script.act = lambda: Outcome(
        READY.conditions, {"records": None, "nameServers": [], "provisioningState": "Succeeded"}
    )
    await desk.turn()
    assert {k: v for k, v in desk.status.items() if k != "conditions"} == {
        "id": "x",
        "provisioningState": "Succeeded",
        "observedGeneration": 1,
    }


@pytest.mark.parametrize(
    ("error", "reason", "beside", "least", "most", "failed"),
    [
        (Terminal("no", code="PropertyChangeNotAllowed"), "PropertyChangeNotAllowed", "Stalled", 3600, 3600, False),
        (Terminal("no", code="QuotaExceeded"), "QuotaExceeded", "Stalled", 3600, 3600, False),
        (AuthenticationFailed("no", code="ExpiredAuthenticationToken"), "AuthenticationFailed", "Stalled", 0, 1, True),
        (Busy("later", code="OperationNotAllowed"), "Updating", "Reconciling", 4, 6, False),
        (Busy("later", code="RetryableError", retry_after=30), "Updating", "Reconciling", 24, 36, False),
        (Busy("in use", code="PublicIPAddressCannotBeDeleted"), "Blocked", "Reconciling", 4, 6, False),
        (Throttled("wait", code="TooManyRequests", retry_after=17), "Throttled", "Reconciling", 17, 20.4, False),
        (Transient("oops", code="InternalServerError"), "CloudUnreachable", "Reconciling", 0.3, 0.7, True),
        (Transient("oops", code="Http503", retry_after=9), "CloudUnreachable", "Reconciling", 9, 9, True),
        (NotFound("gone", code="ResourceGroupNotFound"), "ResourceGroupNotFound", "Reconciling", 0.3, 0.7, True),
    ],
)
async def test_an_error_is_told_and_decides_when_to_come_again(
    desk: Desk, error: CloudError, reason: str, beside: str, least: float, most: float, failed: bool
) -> None:
    desk.put()
    desk.script.act = raising(error)
    again, was_failure = await desk.turn()
    assert again is not None
    assert least <= again <= most
    assert was_failure is failed
    ready, other = desk.condition("Ready"), desk.condition(beside)
    assert ready is not None
    assert (ready["status"], ready["reason"], ready["message"]) == ("False", reason, str(error))
    assert other is not None
    assert other["status"] == "True"


def of_write(error: CloudError) -> CloudError:
    error.of_write = True
    return error


@pytest.mark.parametrize(
    ("error", "looks"),
    [
        (Throttled("wait", code="TooManyRequests", retry_after=17), 99),
        (Busy("later", code="OperationNotAllowed"), 99),
        (Transient("oops", code="InternalServerError"), 3),
        (AuthenticationFailed("no", code="ExpiredAuthenticationToken"), 1),
        (Terminal("no", code="QuotaExceeded"), 1),
        (NotFound("gone", code="ResourceGroupNotFound"), 1),
        (of_write(Throttled("wait", code="TooManyRequests", retry_after=17)), 1),
        (of_write(Transient("oops", code="InternalServerError")), 1),
    ],
    ids=str,
)
async def test_what_is_ready_stays_so_while_azure_only_fails_to_answer_for_a_moment(
    desk: Desk, error: CloudError, looks: int
) -> None:
    desk.put()
    await desk.turn()
    desk.script.act = raising(error)
    for n in range(1, 10):
        again, _ = await desk.turn()
        assert again is not None
        ready = desk.condition("Ready")
        assert ready is not None
        assert (ready["status"] == "True") is (n < looks), n
    desk.script.act = lambda: READY
    await desk.turn()
    ready = desk.condition("Ready")
    assert ready is not None
    assert ready["status"] == "True"


async def test_a_hold_waits_to_be_woken_and_is_no_failure(desk: Desk) -> None:
    desk.put()
    desk.script.act = raising(Hold("WaitingForAccount", "there is no CloudAccount"))
    again, failed = await desk.turn()
    assert again is not None
    assert again >= 54.0
    assert not failed
    assert desk.condition("Reconciling") is not None
    desk.script.act = raising(Hold("SecretForbidden", "grant it", again_after=10.0))
    assert await desk.turn() == (10.0, False)
    assert desk.condition("Stalled") is not None
    assert desk.condition("Reconciling") is None, "present only while True"


def operation(resource: str, url: str = "https://arm/op") -> Operation:
    return Operation(resource, "update", "t", url)


def remembered(*resources: str) -> dict[str, Any]:
    return {
        "operations": [{"resource": r, "kind": "update", "startedAt": "t", "url": "https://arm/op"} for r in resources]
    }


async def test_operations_under_way_are_remembered_until_they_end(desk: Desk) -> None:
    desk.put()
    desk.script.under_way = [operation("/a")]
    desk.script.act = lambda: Outcome(READY.conditions, resources=["/a"])
    await desk.turn()
    assert desk.status["operations"] == remembered("/a")["operations"]
    desk.script.under_way = []
    await desk.turn()
    assert "operations" not in desk.status


async def test_an_operation_that_failed_is_forgotten_and_those_still_under_way_are_not(desk: Desk) -> None:
    desk.put(status=remembered("/a", "/b"))
    desk.script.under_way = [operation("/b")]
    desk.script.act = raising(Terminal("zones are full", code="AllocationFailed"))
    await desk.turn()
    assert desk.status["operations"] == remembered("/b")["operations"]


async def test_while_an_object_waits_its_operations_are_kept(desk: Desk) -> None:
    desk.put(status=remembered("/a"))
    desk.script.act = raising(Hold("WaitingForAccount", "not ready"))
    await desk.turn()
    assert desk.status["operations"] == remembered("/a")["operations"]


async def test_a_url_that_no_status_takes_is_left_out(desk: Desk) -> None:
    desk.put()
    desk.script.under_way = [operation("/a", "https://arm/" + "x" * 4085), operation("/b", "https://arm/" + "x" * 4084)]
    desk.script.act = lambda: Outcome(READY.conditions, resources=["/a", "/b"])
    await desk.turn()
    assert [kept["resource"] for kept in desk.status["operations"]] == ["/b"]


async def test_what_is_worked_on_says_how_urgent_it_is_and_which_attempt_it_is(desk: Desk) -> None:
    seen: list[tuple[Priority, str]] = []

    def act() -> Outcome:
        seen.append((PRIORITY.get(), ATTEMPT.get()))
        return READY

    desk.script.act = act
    desk.put()
    await desk.turn()
    await desk.turn()
    desk.put(metadata={"annotations": {"aks-operator.io/reconcile-at": "now"}})
    await desk.turn()
    desk.put(metadata={"generation": 2})
    await desk.turn()
    desk.put(metadata={"generation": 2, "deletionTimestamp": "now"})
    await desk.turn()
    assert seen == [
        (Priority.CHANGE, ""),
        (Priority.DRIFT, ""),
        (Priority.CHANGE, "now"),
        (Priority.CHANGE, ""),
        (Priority.CHANGE, ""),
    ]


async def test_a_creation_that_was_refused_pins_nothing(desk: Desk) -> None:
    desk.put(status={"id": "/x"})
    error = Terminal("no", code="AlreadyExists")
    error.nothing_made = True
    desk.script.act = raising(error)
    await desk.turn()
    assert "id" not in desk.status


async def test_an_object_that_cannot_be_parsed_says_what_is_wrong(desk: Desk) -> None:
    desk.put(spec={"zone": 7})
    await desk.turn()
    ready = desk.condition("Ready")
    assert ready is not None
    assert ready["reason"] == "Invalid"
    assert "spec.resourceGroup" in ready["message"]
    assert desk.condition("Stalled") is not None


async def test_an_object_that_cannot_be_parsed_goes_when_it_has_nothing_in_the_cloud(desk: Desk) -> None:
    desk.put(spec={}, metadata={"deletionTimestamp": "now"})
    assert await desk.turn() == (None, False)
    assert PATH not in desk.server.objects
    assert desk.cache.get(KEY) is None


async def test_release_takes_our_finalizer_and_waits_for_those_of_others(desk: Desk) -> None:
    desk.put(metadata={"deletionTimestamp": "now", "finalizers": ["theirs", FINALIZER]})
    desk.script.act = lambda: RELEASE
    assert await desk.turn() == (None, False)
    assert desk.server.objects[PATH]["metadata"]["finalizers"] == ["theirs"]
    desk.script.act = raising(AssertionError("not ours any more"))
    assert await desk.turn() == (None, False)


GOING = {"deletionTimestamp": "now", "finalizers": [FINALIZER]}


@pytest.mark.parametrize(
    "unseen", [None, {"finalizers": ["theirs"]}, {"uid": "another", "deletionTimestamp": None, "finalizers": []}]
)
async def test_nothing_is_deleted_by_a_body_that_the_watch_did_not_bring_up_to_date(
    desk: Desk, unseen: dict[str, Any] | None
) -> None:
    """It is gone, our finalizer was taken off, or another has its name by now."""
    desk.put(metadata=GOING, status={"id": "/zone"})
    if unseen is None:
        del desk.server.objects[PATH]
    else:
        desk.server.put(PATH, {"spec": SPEC, "metadata": {**desk.server.objects[PATH]["metadata"], **unseen}})
    desk.script.act = raising(AssertionError("it was worked on"))
    assert await desk.turn() == (None, False)
    assert desk.server.writes == []
    assert desk.cache.get(KEY) == desk.server.objects.get(PATH)


async def test_a_deletion_waits_while_the_api_server_does_not_say_whether_it_is_still_wanted(desk: Desk) -> None:
    desk.put(metadata=GOING, status={"id": "/zone"})
    desk.server.refuse = lambda method, path: status(503, "X", "busy") if method == "GET" else None
    desk.script.act = raising(AssertionError("it was worked on"))
    again, failed = await desk.engine._work(KEY)
    assert again is not None
    assert failed


@pytest.mark.parametrize("code", [404, 409, 422])
@pytest.mark.parametrize("act", [lambda: READY, raising(Hold("Blocked", "x")), raising(Terminal("x", code="X"))])
async def test_an_object_that_went_or_changed_under_our_hands_is_no_bug(
    desk: Desk, code: int, act: Callable[[], Outcome]
) -> None:
    desk.put()
    desk.script.act = act
    desk.server.refuse = lambda method, path: status(code, "X", "it changed") if path.endswith("/status") else None
    again, _ = await desk.turn()
    assert again is None or again > 0


async def test_a_dying_namespace_refuses_writes_and_that_is_tolerated(desk: Desk) -> None:
    desk.put(metadata={"finalizers": []})
    refusal = "forbidden: unable to create new content in namespace ns because it is being terminated"
    desk.server.refuse = lambda method, path: status(403, "Forbidden", refusal) if method == "PATCH" else None
    assert await desk.turn() == (1.0, True)


async def worked(desk: Desk, until: Callable[[], bool]) -> None:
    worker = asyncio.ensure_future(desk.engine.worker())
    async with asyncio.timeout(5):
        while not until():  # noqa: ASYNC110  # the condition is the queue's own: nothing tells of it
            await asyncio.sleep(0)
    desk.queue.close()
    await asyncio.gather(worker, return_exceptions=True)


async def test_a_bug_is_logged_with_its_stack_counted_and_retried(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.put()
    desk.script.act = raising(ZeroDivisionError("a bug"))
    desk.queue.add(KEY)
    await worked(desk, lambda: desk.queue.working == 0 and bool(caplog.records))
    assert "ZeroDivisionError: a bug" in caplog.text
    count = desk.metrics.registry.get_sample_value("aks_operator_reconcile_errors_total", {"kind": KEY.kind})
    assert count == 1
    assert KEY in desk.queue._due


@pytest.mark.parametrize(
    ("ready", "beside"),
    [
        (Condition("Ready", "True", "Succeeded"), None),
        (Condition("Ready", "False", "Creating", "m"), "Reconciling"),
        (Condition("Ready", "False", "WaitingForSystemPool", "m"), "Reconciling"),
        (Condition("Ready", "False", "Blocked", "m"), "Reconciling"),
        (Condition("Ready", "False", "Throttled", "m"), "Reconciling"),
        (Condition("Ready", "False", "Invalid", "m"), "Stalled"),
        (Condition("Ready", "False", "QuotaExceeded", "m"), "Stalled"),
        (Condition("Ready", "False", "PropertyChangeNotAllowed", "m"), "Stalled"),
        (Condition("Ready", "Unknown", "ClusterUnreachable", "m"), "Reconciling"),
    ],
)
def test_kstatus_reads_health_from_one_condition_beside_ready(ready: Condition, beside: str | None) -> None:
    expected = [] if beside is None else [Condition(beside, "True", ready.reason, ready.message)]
    assert with_summary([ready]) == [ready, *expected]


async def test_who_does_not_hold_the_lease_does_nothing_and_says_nothing(desk: Desk) -> None:
    desk.put()
    desk.script.act = raising(NotLeading("nothing is written", code="NotLeading"))
    assert await desk.turn() == (NOT_LEADING_RETRY, False)
    desk.engine._may_work = lambda: False
    desk.script.act = raising(AssertionError("it was asked"))
    assert await desk.engine._work(KEY) == (NOT_LEADING_RETRY, False)
    assert desk.server.writes == []


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_an_api_server_that_cannot_take_it_now_is_asked_again_without_a_stack(desk: Desk, code: int) -> None:
    desk.put()
    desk.server.refuse = lambda method, path: status(code, "Busy", "not now")
    assert await desk.engine._work(KEY) == (0.5, True)
    desk.server.refuse = lambda method, path: status(403, "Forbidden", "never")
    with pytest.raises(KubeError, match="never"):
        await desk.engine._work(KEY)


async def test_a_change_stays_urgent_until_it_is_done(desk: Desk) -> None:
    desk.put()
    urgency: list[Priority] = []

    def act(ready: Condition) -> Outcome:
        urgency.append(PRIORITY.get())
        return Outcome([ready])

    for ready in (Condition("Ready", "False", "Creating"), Condition("Ready", "True", "Succeeded")) * 2:
        desk.script.act = partial(act, ready)
        await desk.turn()
    assert urgency == [Priority.CHANGE, Priority.CHANGE, Priority.DRIFT, Priority.CHANGE]


async def test_stalled_objects_are_counted_by_reason_while_they_are(desk: Desk) -> None:
    desk.put()
    desk.script.act = raising(Terminal("no", code="QuotaExceeded"))
    await desk.turn()
    name, labels = "aks_operator_stalled_objects", {"kind": KEY.kind, "reason": "QuotaExceeded"}
    count_objects(desk.cache, desk.metrics)
    assert desk.metrics.registry.get_sample_value(name, labels) == 1.0
    desk.script.act = lambda: READY
    await desk.turn()
    count_objects(desk.cache, desk.metrics)
    assert desk.metrics.registry.get_sample_value(name, labels) is None


async def test_what_is_watched_rests_until_a_list_brings_news(desk: Desk) -> None:
    """One of a thousand: it comes by turns, and at once when what it looked at changes."""
    desk.put()
    for n in range(999):
        other = {"metadata": {"name": f"o{n}", "uid": f"o{n}", "resourceVersion": "1"}}
        desk.cache.remember(Key("DNSZone", "ns", f"o{n}"), other)
    arm, id_ = Arm(desk.clock), "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones/shop.example"
    arm.bodies[id_.casefold()] = {"id": id_, "type": "Microsoft.Network/dnsZones", "properties": {}}
    observer = Observer(arm, desk.clock, 60.0, desk.queue.add)
    watched = replace(READY, watched=True)

    async def reconcile(key: Key, obj: Any) -> Outcome:
        await observer.one(id_)
        return watched

    desk.script.reconcile = reconcile  # type: ignore[method-assign]  # a script that waits
    again, _ = await desk.turn()
    assert again is not None
    assert again > 3000.0
    desk.clock.now += 60.0
    await observer.round()
    assert len(desk.queue) == 0
    arm.bodies[id_.casefold()]["properties"]["numberOfRecordSets"] = 3
    desk.clock.now += 60.0
    await observer.round()
    assert len(desk.queue) == 1
    watched = READY
    await desk.turn()
    arm.requests.clear()
    desk.clock.now += 60.0
    await observer.round()
    assert arm.requests == [], "it comes by itself now"
