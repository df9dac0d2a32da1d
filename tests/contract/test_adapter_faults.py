"""The operator's own adapter when a cloud refuses, stalls, loses and fails: the same end, and no more writes than it takes."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from aks_operator.desired.address import AddressShare
from aks_operator.documents.shares import DROP
from aks_operator.keys import Key
from aks_operator.plan import Resource
from aks_operator.port import AuthenticationFailed, CloudError, Terminal, Throttled, Unreachable
from aks_operator.session import Session
from tests import levers
from tests.contract import bodies
from tests.contract.cloud import Arm, Group
from tests.contract.conftest import new_group, running
from tests.contract.desk import ACCOUNT, MARKS, TURNS, A, Desk, desk_of
from tests.levers import Levers

MARK = MARKS.value(Key("ManagedCluster", "ns", "shop"))


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud with levers, in which every operation ends at once."""
    with running(tmp_path_factory.mktemp("faults"), "instant", "--levers") as made:
        yield made


@pytest.fixture
async def desk(arm: Arm) -> AsyncIterator[Desk]:
    async with desk_of(new_group(arm)) as made:
        yield made


def wanted(group: Group, minutes: int = 4) -> Resource:
    body = bodies.address(idleTimeoutInMinutes=minutes, publicIPAddressVersion="IPv4")
    return Resource(group.path(bodies.ADDRESSES, "ip"), bodies.ADDRESSES, body, MARK)


async def turns(desk: Desk, resource: Resource, *, remove: bool = False) -> list[CloudError]:
    """Turns until all is as it should be, whatever is refused on the way; the refusals."""
    refusals: list[CloudError] = []
    for _ in range(TURNS):
        try:
            if remove:
                turn = await desk.session.remove(resource.id, resource.type, MARK)
            else:
                turn = await desk.session.converge(resource)
        except Terminal:
            raise
        except CloudError as error:
            refusals.append(error)
            desk.clock[0] += error.retry_after or 1.0
            continue
        if turn.done:
            return refusals
        desk.clock[0] += turn.again_after or 0.0
    raise AssertionError(f"it never rests: {refusals}")


FAULTS: dict[str, Any] = {
    "dropped": levers.drop(),
    "lost": levers.lose(),
    "throttled": levers.answer(429, "TooManyRequests", retry_after=17),
    "busy": levers.answer(429, "RetryableError", retry_after=3),
    "server error": levers.answer(500, "InternalServerError"),
    "gateway": levers.answer(503, "ServiceUnavailable"),
    "stale etag": levers.answer(412, "PreconditionFailed"),
}


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        (method, fault)
        for method in ("GET", "LIST", "PUT")
        for fault in FAULTS
        if method == "PUT" or fault != "stale etag"  # nobody answers a look so
    ],
)
async def test_a_fault_on_the_way_changes_nothing_of_the_end(
    desk: Desk, lever: Levers, method: str, fault: str
) -> None:
    for minutes in (4, 10):  # a creation, then a change
        rule = lever.fault(FAULTS[fault], method=method, type_=bodies.ADDRESSES)
        desk.clock[0] += 3600.0
        before = desk.puts
        resource = wanted(desk.group, minutes)
        refusals = await turns(desk, resource)
        told = len(refusals)
        assert told <= lever.standing()[rule].struck, (
            "a connection that breaks may be tried once more by the HTTP client"
        )
        lever.lift()
        shown = desk.group.arm.get(resource.id).body
        assert shown["properties"]["idleTimeoutInMinutes"] == minutes
        assert desk.puts - before <= 1 + (method == "PUT")
        desk.clock[0] += 3600.0
        before = desk.puts
        assert await turns(desk, resource) == []
        assert desk.puts == before, "zero writes at rest"


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_removal_comes_to_its_end_too(desk: Desk, lever: Levers, fault: str) -> None:
    resource = wanted(desk.group)
    await turns(desk, resource)
    lever.fault(FAULTS[fault], method="DELETE", type_=bodies.ADDRESSES)
    await turns(desk, resource, remove=True)
    assert desk.group.arm.get(resource.id).status == 404


async def test_an_answer_that_was_lost_is_looked_for_before_anything_is_sent_again(desk: Desk, lever: Levers) -> None:
    lever.fault(levers.lose(), method="PUT", type_=bodies.ADDRESSES, count=2)  # the HTTP client may try once more
    refusals = await turns(desk, wanted(desk.group))
    assert [type(refusal) for refusal in refusals] == [Unreachable]
    assert desk.puts == 1


async def test_while_throttled_nobody_asks_anything(desk: Desk, lever: Levers) -> None:
    lever.fault(FAULTS["throttled"], method="PUT", type_=bodies.ADDRESSES)
    with pytest.raises(Throttled) as told:
        await desk.session.converge(wanted(desk.group))
    assert told.value.retry_after == 17.0
    sent = len(desk.requests)
    desk.clock[0] += 16.0
    with pytest.raises(Throttled):
        await desk.cloud.get(desk.group.id)
    assert len(desk.requests) == sent
    desk.clock[0] += 1.0
    await turns(desk, wanted(desk.group))


async def test_an_operation_that_failed_is_told_once_and_a_new_wish_is_tried(desk: Desk, lever: Levers) -> None:
    lever.fault(levers.fail("PublicIPCountLimitReached", "too many"), method="PUT", type_=bodies.ADDRESSES)
    with pytest.raises(Terminal, match="too many") as refused:
        await turns(desk, wanted(desk.group))
    assert refused.value.code == "PublicIPCountLimitReached"
    with pytest.raises(Terminal, match="too many"):
        await turns(desk, wanted(desk.group))
    assert desk.puts == 1, "the same is not sent again"
    await turns(desk, wanted(desk.group, 10))
    assert desk.puts == 2


async def test_a_new_process_goes_on_wherever_the_last_one_was_killed(desk: Desk, lever: Levers) -> None:
    resource = wanted(desk.group)
    for _ in range(TURNS):
        old = desk.session
        desk.session = Session(
            desk.cloud, old.observer, clock=lambda: desk.clock[0], now=lambda: "t", poll_interval=1.0
        )
        turn = await desk.session.converge(resource)
        if turn.done:
            break
        desk.clock[0] += turn.again_after or 0.0
    assert turn.done
    assert desk.puts == 1


@pytest.mark.parametrize("fault", [levers.answer(401, "invalid_client"), levers.drop()], ids=["refused", "dropped"])
@pytest.mark.parametrize("verb", ["GET", "LIST"])
async def test_a_credential_that_is_of_no_use_is_told_as_one(
    arm: Arm, lever: Levers, fault: dict[str, Any], verb: str
) -> None:
    lever.fault(fault, type_="token", count=None)
    async with desk_of(Group("none", arm)) as fresh:
        with pytest.raises((AuthenticationFailed, Unreachable)):
            await (
                fresh.cloud.get(fresh.group.id) if verb == "GET" else fresh.cloud.list(bodies.ADDRESSES, fresh.group.id)
            )


@pytest.mark.parametrize("fault", ["dropped", "lost", "busy", "server error", "stale etag"])
async def test_a_document_comes_to_its_end_too(desk: Desk, lever: Levers, fault: str) -> None:
    id_ = desk.group.path(bodies.ADDRESSES, "shared")
    for share in (AddressShare("westeurope", MARK), AddressShare("westeurope", MARK, idle_timeout_minutes=10), DROP):
        lever.fault(FAULTS[fault], method="DELETE" if share is DROP else "PUT", type_=bodies.ADDRESSES)
        key = desk.documents.say(ACCOUNT, id_, A, share)
        for _ in range(TURNS):
            try:
                again = await desk.documents.reconcile(key)
            except CloudError as error:
                desk.clock[0] += error.retry_after or 1.0
                continue
            if again is None:
                break
            desk.clock[0] += again
        lever.lift()
        result = desk.shares.result(key)
        assert result is not None
        assert result.settled
        assert (result.body is None) is (share is DROP)
