"""The work queue: never twice at once, never lost, back when due."""

import asyncio

import pytest

from aks_operator.keys import Key
from aks_operator.queue import MAX_BACKOFF, WorkQueue

A, B = Key("NodePool", "default", "a"), Key("NodePool", "default", "b")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> WorkQueue:
    return WorkQueue(clock, jitter=lambda: 0.5)


async def take(queue: WorkQueue) -> Key:
    async with asyncio.timeout(1):
        return await anext(queue)


async def nothing_ready(queue: WorkQueue) -> bool:
    task = asyncio.ensure_future(anext(queue))
    for _ in range(5):
        await asyncio.sleep(0)
    ready = task.done()
    task.cancel()
    return not ready


async def test_first_added_is_first_served_and_only_once(queue: WorkQueue) -> None:
    for key in (A, B, A):
        queue.add(key)
    assert [await take(queue), await take(queue)] == [A, B]
    assert await nothing_ready(queue)


async def test_a_key_at_work_is_not_handed_out_again_but_comes_back_afterwards(queue: WorkQueue) -> None:
    queue.add(A)
    assert await take(queue) == A
    queue.add(A)
    assert await nothing_ready(queue)
    queue.done(A, again_after=None)
    assert await take(queue) == A


async def test_a_delayed_key_comes_when_it_is_due_and_the_earlier_wish_counts(queue: WorkQueue, clock: Clock) -> None:
    queue.add_after(A, 30)
    queue.add_after(A, 10)
    queue.add_after(A, 20)
    clock.now = 9.9
    assert await nothing_ready(queue)
    clock.now = 10.0
    assert await take(queue) == A
    queue.done(A, again_after=None)
    clock.now = 100.0
    assert await nothing_ready(queue), "the later wishes are void"


async def test_news_overtakes_a_delay(queue: WorkQueue, clock: Clock) -> None:
    queue.add_after(A, 30)
    queue.add(A)
    assert await take(queue) == A
    queue.done(A, again_after=None)
    clock.now = 31
    assert await nothing_ready(queue)


def test_backoff_doubles_up_to_its_cap_and_news_resets_it(queue: WorkQueue) -> None:
    first, second, third = (queue.backoff(A) for _ in range(3))
    assert (second, third) == (2 * first, 4 * first)
    for _ in range(40):
        last = queue.backoff(A)
    assert last == MAX_BACKOFF
    queue.add(A, reset_backoff=True)
    assert queue.backoff(A) == first


async def test_success_resets_the_backoff_and_failure_does_not(queue: WorkQueue) -> None:
    first = queue.backoff(A)
    queue.add(A)
    await take(queue)
    queue.done(A, again_after=None, failed=True)
    assert queue.backoff(A) == 2 * first
    queue.add(A)
    await take(queue)
    queue.done(A, again_after=None)
    assert queue.backoff(A) == first


async def test_a_waiting_worker_is_woken_by_an_addition(queue: WorkQueue) -> None:
    waiting = asyncio.ensure_future(take(queue))
    await asyncio.sleep(0)
    queue.add(B)
    assert await waiting == B


async def test_closing_ends_every_worker(queue: WorkQueue) -> None:
    workers = [asyncio.ensure_future(anext(queue)) for _ in range(3)]
    await asyncio.sleep(0)
    queue.close()
    results = await asyncio.gather(*workers, return_exceptions=True)
    assert all(isinstance(r, StopAsyncIteration | RuntimeError) for r in results)


async def test_one_key_wakes_one_worker(queue: WorkQueue) -> None:
    """All of them for each key would cost a thousand objects at rest more than their work."""
    looks = 0
    promote = queue._promote

    def counted() -> None:
        nonlocal looks
        looks += 1
        promote()

    queue._promote = counted  # type: ignore[method-assign]  # every worker that wakes looks for what is due
    workers = [asyncio.ensure_future(take(queue)) for _ in range(8)]
    await asyncio.sleep(0)
    looks = 0
    queue.add(A)
    done, waiting = await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
    assert [worker.result() for worker in done] == [A]
    assert looks == 1
    for worker in waiting:
        worker.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_key_is_not_lost_with_the_worker_that_was_woken_for_it(queue: WorkQueue) -> None:
    first, second = (asyncio.ensure_future(take(queue)) for _ in range(2))
    await asyncio.sleep(0)
    queue.add(A)
    first.cancel()
    assert await second == A


async def test_what_becomes_due_wakes_a_worker_that_waits(queue: WorkQueue) -> None:
    real = WorkQueue(asyncio.get_running_loop().time)
    waiting = asyncio.ensure_future(take(real))
    await asyncio.sleep(0)
    real.add_after(B, 3600.0)
    real.add_after(A, 0.02)
    assert await waiting == A
