"""One leader: who may take the Lease when, and that nobody believes in it for longer than the others wait."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from aks_operator.kube import KubeClient
from aks_operator.lease import Lease, LostLease
from tests.unit.aks_operator.apiserver import ApiServer, serving, status
from tests.unit.aks_operator.arm import Clock

PATH = "/apis/coordination.k8s.io/v1/namespaces/op/leases/aks-operator"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
async def kube(server: ApiServer) -> AsyncIterator[KubeClient]:
    async with serving(server) as client:
        yield client


def lease(kube: KubeClient, clock: Clock, holder: str, seconds: float = 15.0) -> Lease:
    return Lease(kube, "op", "aks-operator", holder, seconds, clock)


def believed(one: Lease) -> bool:
    """Whether a process takes itself for the leader now."""
    return one.held


def down(method: str, path: str) -> web.Response:
    return status(503, "ServiceUnavailable", "down")


async def test_it_is_held_until_its_deadline_and_not_a_moment_longer(
    kube: KubeClient, server: ApiServer, clock: Clock
) -> None:
    ours = lease(kube, clock, "a")
    assert not believed(ours)
    assert await ours._try()
    clock.now += 14.9
    server.refuse = down
    assert not await ours._try()
    assert believed(ours), "a failed renewal does not end it at once"
    clock.now += 0.1
    assert not believed(ours)


async def test_a_renewal_counts_from_when_it_was_asked_for(kube: KubeClient, server: ApiServer, clock: Clock) -> None:
    ours = lease(kube, clock, "a")

    def slow(method: str, path: str) -> None:
        clock.now += 2.0  # each of its two requests

    server.refuse = slow
    assert await ours._try()
    clock.now += 10.9
    assert believed(ours)
    clock.now += 0.2
    assert not believed(ours)


async def test_another_takes_it_only_when_it_has_not_changed_for_its_whole_time(kube: KubeClient, clock: Clock) -> None:
    ours, theirs = lease(kube, clock, "a"), lease(kube, clock, "b")
    assert await ours._try()
    assert not await theirs._try()
    clock.now += 10
    assert await ours._try()
    for _ in range(3):
        clock.now += 5
        assert not await theirs._try(), "its time runs from when a renewal was seen"
    clock.now += 5.1
    assert await theirs._try()
    assert not ours.held
    assert not await ours._try()


async def test_time_runs_from_when_a_renewal_was_seen_not_from_when_it_was_looked_for(
    kube: KubeClient, server: ApiServer, clock: Clock
) -> None:
    assert await lease(kube, clock, "a")._try()
    standby = lease(kube, clock, "b")

    def slow(method: str, path: str) -> None:
        clock.now += 4.0  # the leader may have renewed it meanwhile

    server.refuse = slow
    assert not await standby._try()
    server.refuse = lambda method, path: None
    clock.now += 14.9
    assert not await standby._try()
    clock.now += 0.2
    assert await standby._try()


@pytest.mark.parametrize("seconds", [2.0, 2.4, 2.5, 15.0])
async def test_what_is_promised_to_others_is_never_shorter_than_what_we_believe(
    kube: KubeClient, server: ApiServer, clock: Clock, seconds: float
) -> None:
    assert await lease(kube, clock, "a", seconds)._try()
    assert server.objects[PATH]["spec"]["leaseDurationSeconds"] >= seconds


@pytest.mark.parametrize("seed", range(5))
async def test_there_are_never_two_leaders(kube: KubeClient, server: ApiServer, clock: Clock, seed: int) -> None:
    chance = random.Random(seed)
    processes = [lease(kube, clock, name, chance.choice([2.4, 3.0, 15.0])) for name in "abc"]
    led = set()

    def slow(method: str, path: str) -> web.Response | None:
        clock.now += chance.choice([0.0, 0.0, 0.3])
        return down(method, path) if chance.random() < 0.3 else None

    server.refuse = slow
    for _ in range(150):
        n = chance.randrange(3)
        await processes[n]._try()
        if processes[n]._lost:  # it would end, and be started anew
            processes[n] = lease(kube, clock, f"{processes[n]._holder}'", processes[n]._seconds)
        leaders = [process._holder for process in processes if process.held]
        assert len(leaders) <= 1
        led |= set(leaders)
        clock.now += chance.choice([0.1, 1.0, 4.0])
    assert len(led) > 1, "it changed hands at all"


async def test_a_released_lease_is_taken_at_once_and_its_transitions_are_counted(
    kube: KubeClient, server: ApiServer, clock: Clock
) -> None:
    done = asyncio.Event()

    async def lead() -> None:
        assert ours.held
        done.set()

    ours = lease(kube, clock, "a")
    await ours.run(lead)
    assert done.is_set()
    assert not ours.held
    assert server.objects[PATH]["spec"]["holderIdentity"] == ""
    assert await lease(kube, clock, "b")._try()
    assert server.objects[PATH]["spec"]["leaseTransitions"] == 1


async def test_the_loss_of_the_lease_ends_the_work_and_leaves_it_to_the_other(
    kube: KubeClient, server: ApiServer, clock: Clock
) -> None:
    ended = asyncio.Event()

    async def lead() -> None:
        clock.now += 60  # as after a long pause of the process
        taken = server.objects[PATH]
        server.put(PATH, {**taken, "spec": {**taken["spec"], "holderIdentity": "b"}})
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(10):
        with pytest.raises(LostLease):
            await lease(kube, clock, "a", seconds=0.6).run(lead)
    assert ended.is_set()
    assert server.objects[PATH]["spec"]["holderIdentity"] == "b"


async def test_an_api_server_that_was_away_is_no_loss(kube: KubeClient, server: ApiServer, clock: Clock) -> None:
    heard: list[str | None] = []
    ours = Lease(kube, "op", "aks-operator", "a", 15.0, clock, heard.append)
    standby = lease(kube, clock, "b")
    assert await ours._try()
    assert not await standby._try()
    server.refuse = down
    for _ in range(12):
        clock.now += 5
        assert not await ours._try()
        assert not await standby._try()
    assert not ours.held
    server.refuse = lambda method, path: None
    assert not await standby._try(), "the leader gets its time"
    clock.now += 10
    assert await ours._try()
    assert not ours._lost
    assert heard == ["1", *[None] * 12, server.objects[PATH]["metadata"]["resourceVersion"]]


@pytest.mark.parametrize("spec", [{"holderIdentity": "b"}, {"holderIdentity": ""}, {"leaseTransitions": 2}])
async def test_who_finds_that_another_has_led_is_at_its_end(
    kube: KubeClient, server: ApiServer, clock: Clock, spec: dict[str, object]
) -> None:
    ours = lease(kube, clock, "a")
    assert await ours._try()
    server.put(PATH, {**server.objects[PATH], "spec": {**server.objects[PATH]["spec"], **spec}})
    assert not await ours._try()
    assert not ours.held
    assert ours._lost


async def test_a_lease_deleted_by_hand_is_made_again_in_its_time_only(
    kube: KubeClient, server: ApiServer, clock: Clock
) -> None:
    ours = lease(kube, clock, "a")
    assert await ours._try()
    del server.objects[PATH]
    assert await ours._try()
    del server.objects[PATH]
    clock.now += 20
    assert not await ours._try()
    assert ours._lost


async def test_what_ends_the_work_is_told(kube: KubeClient, clock: Clock) -> None:
    async def lead() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await lease(kube, clock, "a").run(lead)


async def test_a_renewal_is_one_request(kube: KubeClient, server: ApiServer, clock: Clock) -> None:
    one = lease(kube, clock, "one")
    assert await one._try()
    server.requests.clear()
    for _ in range(3):
        clock.now += 5.0
        assert await one._try()
    assert [method for method, _, _ in server.requests] == ["PUT"] * 3
