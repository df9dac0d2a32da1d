"""One account at work: at most one write a turn, operations gone on with, refusals not repeated."""

from typing import Any

import pytest

from aks_operator.armid import parse
from aks_operator.marks import OWNER_TAG
from aks_operator.observer import Observer
from aks_operator.plan import Resource
from aks_operator.port import (
    ATTEMPT,
    PRIORITY,
    AuthorizationFailed,
    Busy,
    CloudError,
    Locked,
    NotFound,
    Priority,
    Terminal,
    Transient,
)
from aks_operator.session import Session
from tests.unit.aks_operator.arm import OPERATIONS, Arm, Clock

TYPE = "Microsoft.Network/publicIPAddresses"
ID = f"/subscriptions/s/resourceGroups/g/providers/{TYPE}/p"
MARK = "m/ns/p"
REFUSED = Terminal("zones are full", code="OverconstrainedZonalAllocationRequest")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def arm(clock: Clock) -> Arm:
    return Arm(clock)


def session_of(arm: Arm, clock: Clock) -> Session:
    """A session as a new process has it."""
    observer = Observer(arm, clock, max_age=60.0)
    return Session(arm, observer, clock=clock, now=lambda: "2026-01-01T00:00:00Z", poll_interval=10.0)


@pytest.fixture
def session(arm: Arm, clock: Clock) -> Session:
    return session_of(arm, clock)


def wanted(**properties: Any) -> Resource:
    return Resource(ID, TYPE, {"location": "westeurope", "properties": properties or {"a": 1}}, MARK)


def stored(session: Session) -> list[dict[str, str]]:
    """status.operations as the engine writes it."""
    return [
        {"resource": o.resource, "kind": o.kind, "startedAt": o.started_at, "url": o.url}
        for o in session.operations.values()
    ]


async def test_a_turn_writes_once_and_the_next_finds_nothing_to_do(session: Session, arm: Arm) -> None:
    first = await session.converge(wanted())
    assert first.done
    assert (await session.converge(wanted())).done
    assert arm.writes == [("PUT", ID)]


async def test_at_rest_a_minute_costs_one_list_for_all(session: Session, arm: Arm, clock: Clock) -> None:
    await session.converge(wanted())
    clock.now += 61
    await session.converge(wanted())
    arm.requests.clear()
    for _ in range(5):
        clock.now += 10
        await session.converge(wanted())
    assert arm.requests == []
    clock.now += 61
    for _ in range(5):
        await session.converge(wanted())
    assert arm.requests == [("LIST", "/subscriptions/s/resourceGroups/g")]


async def test_an_operation_is_polled_when_it_is_due_and_not_before(session: Session, arm: Arm, clock: Clock) -> None:
    arm.slow = True
    turn = await session.converge(wanted())
    assert (turn.done, turn.operation, turn.again_after) == (False, "create", 7.0)
    arm.requests.clear()
    clock.now += 6
    assert (await session.converge(wanted())).again_after == 1.0
    assert arm.requests == []
    clock.now += 1
    assert (await session.converge(wanted())).again_after == 7.0
    arm.end(ID)
    clock.now += 7
    assert (await session.converge(wanted())).done
    assert arm.writes == []


async def test_a_turn_says_whether_it_has_looked(session: Session, arm: Arm, clock: Clock) -> None:
    """A list may show what has gone since: what a turn saw is true, and only one that waits has seen nothing."""
    await session.converge(wanted())
    clock.now += 61
    assert await session.observer.one(ID) is not None
    del arm.bodies[ID.casefold()]
    turn = await session.converge(wanted(a=2), pinned=False)
    assert (turn.looked, turn.body) == (True, None)
    arm.slow = True
    await session.converge(wanted())
    assert not (await session.converge(wanted())).looked


async def test_a_new_process_goes_on_with_what_the_status_remembers(session: Session, arm: Arm, clock: Clock) -> None:
    arm.slow = True
    await session.converge(wanted())
    after = session_of(arm, clock)
    after.resume(stored(session), [ID])
    arm.requests.clear()
    assert (await after.converge(wanted())).again_after == 7.0
    assert arm.requests == [("POLL", f"{OPERATIONS}1")]


async def test_a_new_process_without_the_url_reads_the_state(session: Session, arm: Arm, clock: Clock) -> None:
    arm.slow = True
    await session.converge(wanted())
    turn = await session_of(arm, clock).converge(wanted())
    assert (turn.step.action, turn.step.why) == ("wait", "it is Updating")
    assert arm.writes == [("PUT", ID)]


@pytest.mark.parametrize(
    "url", ["", "https://evil.example/subscriptions/s/operations/1", "http://arm/subscriptions/s/operations/1"]
)
async def test_a_foreign_url_in_a_status_is_dropped(session: Session, arm: Arm, url: str) -> None:
    session.resume([{"resource": ID, "kind": "create", "startedAt": "", "url": url}], [ID])
    await session.converge(wanted())
    assert "POLL" not in {verb for verb, _ in arm.requests}


@pytest.mark.parametrize(
    ("resource", "taken"),
    [
        pytest.param(ID.upper(), True, id="its own"),
        pytest.param(f"{ID}/securityRules/r", True, id="a child of its own"),
        pytest.param(f"{ID}2", False, id="one that begins alike"),
        pytest.param("/subscriptions/s", False, id="all of the subscription"),
        pytest.param("", False, id="none"),
    ],
)
async def test_a_status_tells_only_of_operations_on_what_is_the_objects_own(
    session: Session, resource: str, taken: bool
) -> None:
    stored = {"resource": resource, "kind": "create", "startedAt": "t", "url": f"{OPERATIONS}1"}
    session.resume([stored], [ID])
    assert (resource.casefold() in session.operations) is taken


async def test_a_failure_is_told_once_though_the_status_still_remembers_its_operation(
    session: Session, arm: Arm, clock: Clock
) -> None:
    arm.slow = True
    await session.converge(wanted())
    remembered = stored(session)
    arm.end(ID, REFUSED)
    clock.now += 7
    with pytest.raises(Terminal, match="zones are full"):
        await session.converge(wanted())
    session.resume(remembered, [ID])
    turn = await session.converge(wanted(a=2))
    assert turn.operation == "update", "another wish is tried"
    assert len(arm.writes) == 2


async def test_what_was_refused_for_good_is_not_sent_again_until_the_wish_changes(
    session: Session, arm: Arm, clock: Clock
) -> None:
    arm.refuse = lambda verb, id_: Terminal("no", code="QuotaExceeded") if verb == "PUT" else None
    for _ in range(3):
        with pytest.raises(Terminal, match="no") as refused:
            await session.converge(wanted())
        assert refused.value.nothing_made
    assert len(arm.writes) == 1
    with pytest.raises(Terminal):
        await session.converge(wanted(a=2))
    assert len(arm.writes) == 2
    clock.now += 3601
    with pytest.raises(Terminal):
        await session.converge(wanted(a=2))
    assert len(arm.writes) == 3, "once an hour it is tried again"


async def test_what_was_refused_is_sent_again_when_the_user_asks_for_it(session: Session, arm: Arm) -> None:
    arm.refuse = lambda verb, id_: Terminal("no", code="RequestDisallowedByPolicy") if verb == "PUT" else None
    for attempt in ("", "", "2026-01-01", "2026-01-01", "2026-01-02"):
        token = ATTEMPT.set(attempt)
        with pytest.raises(Terminal):
            await session.converge(wanted())
        ATTEMPT.reset(token)
    assert len(arm.writes) == 3


@pytest.mark.parametrize(
    "error",
    [
        NotFound("x", code="OperationNotFound"),
        Terminal("expired", code="InvalidSignature"),
        AuthorizationFailed("expired", code="Forbidden"),
    ],
)
async def test_an_operation_that_cannot_be_asked_any_more_is_left_to_the_resources_state(
    session: Session, arm: Arm, clock: Clock, error: CloudError
) -> None:
    arm.slow = True
    await session.converge(wanted())
    arm.refuse = lambda verb, id_: error if verb == "POLL" else None
    clock.now += 7
    assert (await session.converge(wanted())).step.why == "it is Updating"
    arm.end(ID)
    clock.now += 7
    assert (await session.converge(wanted())).done


async def test_a_child_is_written_though_its_parents_operation_cannot_be_asked_any_more(
    session: Session, arm: Arm, clock: Clock
) -> None:
    arm.slow = True
    await session.converge(wanted())
    arm.refuse = lambda verb, id_: Terminal("expired", code="InvalidSignature") if verb == "POLL" else None
    clock.now += 7
    turn = await session.converge(Resource(f"{ID}/rules/1", f"{TYPE}/rules", {"properties": {}}, MARK))
    assert turn.operation == "create"


async def test_an_operation_that_failed_for_anothers_sake_is_begun_again(
    session: Session, arm: Arm, clock: Clock
) -> None:
    arm.slow = True
    await session.converge(wanted())
    arm.end(ID, Busy("another one", code="AnotherOperationInProgress"))
    clock.now += 7
    with pytest.raises(Busy):
        await session.converge(wanted())
    assert (await session.converge(wanted())).operation == "update"


async def test_a_poll_is_less_urgent_than_a_change_and_more_than_a_drift_check(
    session: Session, arm: Arm, clock: Clock
) -> None:
    arm.slow = True
    await session.converge(wanted())
    seen: list[Priority] = []

    def asked(verb: str, id_: str) -> None:
        if verb == "POLL":
            seen.append(PRIORITY.get())

    arm.refuse = asked
    for priority in (Priority.CHANGE, Priority.POLL, Priority.DRIFT):
        token = PRIORITY.set(priority)
        clock.now += 7
        await session.converge(wanted())
        assert PRIORITY.get() is priority
        PRIORITY.reset(token)
    assert seen == [Priority.POLL, Priority.POLL, Priority.DRIFT]


@pytest.mark.parametrize(
    "error",
    [
        Busy("later", code="RetryableError"),
        Transient("oops", code="InternalServerError"),
        Locked("take it off", code="ScopeLocked"),
    ],
)
async def test_what_may_yet_be_taken_is_sent_again(session: Session, arm: Arm, error: CloudError) -> None:
    arm.refuse = lambda verb, id_: error if verb == "PUT" else None
    for _ in range(2):
        with pytest.raises(type(error)):
            await session.converge(wanted())
    assert len(arm.writes) == 2


async def test_an_answer_that_was_lost_is_looked_for_before_anything_is_sent_again(session: Session, arm: Arm) -> None:
    def lost(verb: str, id_: str) -> CloudError | None:
        if verb != "PUT":
            return None
        arm.bodies[ID.casefold()] = {
            "id": ID,
            "type": TYPE,
            "location": "westeurope",
            "tags": {OWNER_TAG: MARK},
            "properties": {"a": 1},
        }
        return Transient("the connection broke", code="CloudUnreachable")

    arm.refuse = lost
    with pytest.raises(Transient):
        await session.converge(wanted())
    assert (await session.converge(wanted())).done
    assert len(arm.writes) == 1


async def test_removal_waits_for_its_operation_and_is_done_when_nothing_is_left(
    session: Session, arm: Arm, clock: Clock
) -> None:
    await session.converge(wanted())
    arm.slow = True
    turn = await session.remove(ID, TYPE, MARK)
    assert (turn.done, turn.operation) == (False, "delete")
    arm.end(ID)
    clock.now += 7
    assert (await session.remove(ID, TYPE, MARK)).done
    assert arm.writes == [("PUT", ID), ("DELETE", ID)]


async def test_what_is_not_ours_is_neither_overwritten_nor_removed(session: Session, arm: Arm) -> None:
    arm.bodies[ID.casefold()] = {"id": ID, "type": TYPE, "properties": {}, "tags": {OWNER_TAG: "other/ns/p"}}
    with pytest.raises(Terminal) as refused:
        await session.converge(wanted())
    assert refused.value.code == "AlreadyExists"
    assert refused.value.nothing_made
    assert (await session.remove(ID, TYPE, MARK)).done
    assert arm.writes == []


async def test_a_document_waits_for_what_is_under_way_on_its_children(session: Session, arm: Arm) -> None:
    arm.slow = True
    await session.converge(Resource(f"{ID}/rules/1", f"{TYPE}/rules", {"properties": {}}, MARK))
    assert await session.settle(ID) == 7.0
    assert await session.settle(f"{ID}2") is None


def test_an_operations_url_is_shown_nowhere(session: Session) -> None:
    session.resume([{"resource": ID, "kind": "create", "startedAt": "t", "url": f"{OPERATIONS}signed"}], [ID])
    assert "signed" not in repr(session.operations)


async def test_nothing_is_written_for_an_object_that_is_not_pinned(session: Session, arm: Arm) -> None:
    turn = await session.converge(wanted(), pinned=False)
    assert (turn.done, turn.operation, turn.again_after) == (False, "create", 0.0)
    assert arm.writes == []


async def test_a_refusal_that_is_remembered_is_told_before_an_object_is_pinned(session: Session, arm: Arm) -> None:
    arm.refuse = lambda verb, _: REFUSED if verb == "PUT" else None
    with pytest.raises(Terminal):
        await session.converge(wanted())
    with pytest.raises(Terminal):
        await session.converge(wanted(), pinned=False)


POOL = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c/agentPools/p"
CLUSTER = POOL.rpartition("/agentPools/")[0]


@pytest.mark.parametrize(("first", "second"), [(CLUSTER, POOL), (POOL, CLUSTER)], ids=["a parent's", "a child's"])
async def test_a_write_waits_for_an_operation_that_arm_would_refuse_it_for(
    session: Session, arm: Arm, clock: Clock, first: str, second: str
) -> None:
    arm.slow = True
    at_work, waiting = (Resource(id_, parse(id_).type, {"properties": {"a": 1}}, MARK) for id_ in (first, second))
    await session.converge(at_work)
    turn = await session.converge(waiting)
    assert (turn.done, turn.step.action, turn.again_after) == (False, "wait", 7.0)
    assert first in turn.step.why
    clock.now += 7
    assert not (await session.converge(waiting)).done
    assert arm.writes == [("PUT", first)]
    arm.end(first, REFUSED)
    clock.now += 7
    await session.converge(waiting)
    assert arm.writes == [("PUT", first), ("PUT", second)]
    with pytest.raises(Terminal):  # how it ended is for its own object to hear
        await session.converge(at_work)
