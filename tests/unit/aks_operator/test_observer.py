"""Observations: one list for all, and nothing believed that was asked for before our own write ended."""

import asyncio

import pytest

from aks_operator.keys import Key
from aks_operator.observer import LOOKS, Looks, Observer, scope_of
from aks_operator.port import PRIORITY, CloudError, Priority, Throttled, Unreachable
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
def woken() -> list[Key]:
    return []


@pytest.fixture
def observer(arm: Arm, clock: Clock, woken: list[Key]) -> Observer:
    return Observer(arm, clock, 60.0, woken.append)


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


async def test_a_glance_is_content_with_a_list_however_much_was_written_since(
    observer: Observer, arm: Arm, clock: Clock
) -> None:
    arm.bodies[CLUSTER.casefold()] = {"id": CLUSTER, "type": "Microsoft.ContainerService/managedClusters"}
    for _ in range(3):
        clock.now += 1
        assert (await observer.glance(CLUSTER) or {})["id"] == CLUSTER
        observer.wrote(f"{CLUSTER}/agentPools/np")
    assert arm.requests == [("LIST", GROUP)]


async def test_a_glance_at_what_a_list_lacks_is_a_get_and_then_a_list(
    observer: Observer, arm: Arm, clock: Clock
) -> None:
    assert await observer.glance(CLUSTER) is None
    assert await observer.glance(CLUSTER) is None, "that it is not there is remembered"
    assert arm.requests == [("LIST", GROUP), ("GET", CLUSTER)]
    arm.bodies[CLUSTER.casefold()] = {"id": CLUSTER, "type": "Microsoft.ContainerService/managedClusters"}
    clock.now += 1
    observer.wrote(CLUSTER)
    for _ in range(3):
        observer.wrote(f"{CLUSTER}/agentPools/np")
        assert await observer.glance(CLUSTER) is not None
    assert arm.requests[2:] == [("GET", CLUSTER), ("LIST", GROUP)]


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


# what an object at rest is woken by

X, Y = Key("DNSZone", "ns", "x"), Key("DNSZone", "ns", "y")


async def rest(observer: Observer, key: Key, *ids: str, fresh: bool = False) -> Looks:
    """An object that looks at these resources, and rests."""
    LOOKS.set(looks := Looks())
    for id_ in ids:
        await observer.one(id_, fresh=fresh)
    assert looks.keep(key)
    LOOKS.set(None)
    return looks


async def test_a_round_wakes_those_who_saw_something_else_and_asks_once_for_all(
    observer: Observer, arm: Arm, clock: Clock, woken: list[Key]
) -> None:
    await rest(observer, X, ONE)
    await rest(observer, Y, TWO)
    arm.requests.clear()
    for _ in range(3):
        clock.now += 60.0
        await observer.round()
    assert (woken, arm.requests) == ([], [("LIST", GROUP)] * 3)
    clock.now += 60.0
    arm.bodies[ONE.casefold()]["properties"]["n"] = 2
    await observer.round()
    assert woken == [X]


@pytest.mark.parametrize("change", ["gone", "there"])
async def test_what_is_gone_or_there_again_is_news(
    observer: Observer, arm: Arm, clock: Clock, woken: list[Key], change: str
) -> None:
    body = arm.bodies.pop(ONE.casefold()) if change == "there" else None
    await rest(observer, X, ONE)
    if body is None:
        del arm.bodies[ONE.casefold()]
    else:
        arm.bodies[ONE.casefold()] = body
    clock.now += 60.0
    await observer.round()
    assert woken == [X]


async def test_what_a_get_showed_is_compared_with_lists_that_are_newer_only(
    observer: Observer, arm: Arm, clock: Clock, woken: list[Key]
) -> None:
    await observer.one(ONE)
    clock.now += 1
    arm.bodies[ONE.casefold()]["properties"]["n"] = 2
    await rest(observer, X, ONE, fresh=True)
    clock.now += 20.0
    await observer.round()  # the list is not old enough to be asked for again
    assert woken == []
    clock.now += 60.0
    await observer.round()
    assert woken == []
    arm.bodies[ONE.casefold()]["properties"]["n"] = 1  # as the list had it at first
    clock.now += 60.0
    await observer.round()
    assert woken == [X]


async def test_who_was_overtaken_does_not_rest(observer: Observer, arm: Arm, clock: Clock) -> None:
    LOOKS.set(looks := Looks())
    await observer.one(ONE)
    LOOKS.set(None)
    clock.now += 1
    arm.bodies[ONE.casefold()]["properties"]["n"] = 2
    await observer.one(ONE, fresh=True)
    assert not looks.keep(X)
    await rest(observer, X, ONE)
    clock.now += 1
    observer.wrote(ONE)
    assert not looks.keep(X)


async def test_who_looked_at_nothing_does_not_rest() -> None:
    assert not Looks().keep(X)


async def test_the_answer_to_our_own_write_is_a_look(
    observer: Observer, arm: Arm, clock: Clock, woken: list[Key]
) -> None:
    LOOKS.set(looks := Looks())
    await observer.one(ONE)
    clock.now += 1
    arm.bodies[ONE.casefold()]["properties"]["n"] = 2
    observer.wrote(ONE)
    observer.answered(ONE, {"id": ONE, "type": TYPE, "properties": {"n": 2}})
    LOOKS.set(None)
    assert looks.keep(X)
    clock.now += 60.0
    await observer.round()
    assert woken == []


async def test_a_list_that_cannot_be_had_wakes_all_but_not_when_we_are_to_wait(
    observer: Observer, arm: Arm, clock: Clock, woken: list[Key]
) -> None:
    await rest(observer, X, ONE)
    await rest(observer, Y, TWO)
    arm.refuse = lambda verb, id_: Throttled("wait", retry_after=5.0)
    clock.now += 60.0
    await observer.round()
    assert woken == []
    arm.refuse = lambda verb, id_: Unreachable("no answer")
    await observer.round()
    assert sorted(woken) == [X, Y]


async def test_who_left_is_not_woken_and_nothing_is_asked_for_nobody(
    observer: Observer, arm: Arm, clock: Clock, woken: list[Key]
) -> None:
    looks = await rest(observer, X, ONE)
    looks.leave(X)
    arm.requests.clear()
    arm.bodies[ONE.casefold()]["properties"]["n"] = 2
    clock.now += 60.0
    await observer.round()
    assert (woken, arm.requests) == ([], [])
