"""Observations: one list for all, and nothing believed that was asked for before our own write ended."""

import asyncio

import pytest

from aks_operator.observer import Observer, scope_of
from aks_operator.port import PRIORITY, CloudError, Priority
from tests.unit.aks_operator.arm import Arm, Clock

GROUP = "/subscriptions/s/resourceGroups/g"
TYPE = "Microsoft.Network/publicIPAddresses"
ONE, TWO = f"{GROUP}/providers/{TYPE}/one", f"{GROUP}/providers/{TYPE}/two"
CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/c"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def arm(clock: Clock) -> Arm:
    arm = Arm(clock)
    for id_ in (ONE, TWO):
        arm.bodies[id_.casefold()] = {"id": id_, "type": TYPE, "properties": {"n": 1}}
    return arm


@pytest.fixture
def observer(arm: Arm, clock: Clock) -> Observer:
    return Observer(arm, clock, max_age=60.0)


async def test_all_look_at_one_list_whatever_their_spelling(observer: Observer, arm: Arm) -> None:
    found = await asyncio.gather(observer.one(ONE), observer.one(TWO.upper()), observer.one(f"{ONE}-missing"))
    assert [body is not None for body in found] == [True, True, False]
    assert arm.requests == [("LIST", GROUP)]


async def test_a_list_is_asked_for_again_when_it_is_old(observer: Observer, arm: Arm, clock: Clock) -> None:
    await observer.one(ONE)
    clock.now += 59.9
    await observer.one(ONE)
    assert len(arm.requests) == 1
    clock.now += 0.2
    await observer.one(ONE)
    assert arm.requests == [("LIST", GROUP)] * 2


async def test_after_a_write_that_resource_is_asked_for_by_itself(observer: Observer, arm: Arm, clock: Clock) -> None:
    await observer.one(ONE)
    clock.now += 1
    observer.wrote(ONE.upper())
    await observer.one(ONE)
    await observer.one(TWO)
    await observer.one(ONE)
    assert arm.requests == [("LIST", GROUP), ("GET", ONE)]


async def test_what_was_asked_for_before_a_write_ended_is_not_believed(
    observer: Observer, arm: Arm, clock: Clock
) -> None:
    def while_asked(verb: str, id_: str) -> CloudError | None:
        if verb == "LIST":
            clock.now += 1
            observer.wrote(ONE)  # our write ends while the list is under way
            clock.now += 1
        return None

    arm.refuse = while_asked
    await observer.one(ONE)
    assert arm.requests == [("LIST", GROUP), ("GET", ONE)]


async def test_a_get_that_a_write_overtook_is_asked_again(observer: Observer, arm: Arm, clock: Clock) -> None:
    def while_asked(verb: str, id_: str) -> CloudError | None:
        if len(arm.requests) == 1:
            clock.now += 1
            arm.bodies[ONE.casefold()]["properties"]["n"] = 2
            observer.wrote(ONE)
        return None

    arm.refuse = while_asked
    body = await observer.one(ONE, fresh=True)
    assert arm.requests == [("GET", ONE)] * 2
    assert body is not None
    assert body["properties"]["n"] == 2


async def test_a_write_to_a_child_voids_what_was_seen_of_its_parent(observer: Observer, arm: Arm, clock: Clock) -> None:
    arm.bodies[CLUSTER.casefold()] = {"id": CLUSTER, "type": "Microsoft.ContainerService/managedClusters"}
    await observer.one(CLUSTER)
    clock.now += 1
    observer.wrote(f"{CLUSTER}/agentPools/np")
    await observer.one(CLUSTER)
    assert arm.requests == [("LIST", GROUP), ("GET", CLUSTER)]


async def test_a_fresh_look_is_a_request_of_its_own(observer: Observer, arm: Arm) -> None:
    await observer.one(ONE)
    await observer.one(ONE, fresh=True)
    assert arm.requests == [("LIST", GROUP), ("GET", ONE)]


async def test_lists_are_drift_checks_but_for_the_first_and_for_fresh_ones(
    observer: Observer, arm: Arm, clock: Clock
) -> None:
    asked: list[Priority] = []
    arm.refuse = lambda verb, id_: asked.append(PRIORITY.get())
    await observer.one(ONE)
    clock.now += 61
    await observer.one(ONE)
    clock.now += 1
    await observer.all(TYPE, GROUP, fresh=True)
    assert asked == [Priority.CHANGE, Priority.DRIFT, Priority.CHANGE]
    assert PRIORITY.get() is Priority.CHANGE


async def test_those_who_want_a_fresh_list_at_once_share_it(observer: Observer, arm: Arm) -> None:
    await asyncio.gather(*(observer.all(TYPE, GROUP, fresh=True) for _ in range(5)))
    assert arm.requests == [("LIST", GROUP)]


@pytest.mark.parametrize(
    ("id_", "scope"),
    [
        (ONE, GROUP),
        (f"{CLUSTER}/agentPools/np", CLUSTER),
        (f"{CLUSTER}/agentPools/np/machines/m", f"{CLUSTER}/agentPools/np"),
        (GROUP, "/subscriptions/s"),
    ],
)
def test_where_a_resource_is_listed(id_: str, scope: str) -> None:
    assert scope_of(id_) == scope
