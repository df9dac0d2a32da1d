"""The work queue under any order of events: never twice at once, never lost, never before its time."""

import asyncio
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from aks_operator.keys import Key
from aks_operator.queue import BASE_BACKOFF, MAX_BACKOFF, WorkQueue

KEYS = [Key("NodePool", "ns", name) for name in "abc"]
DELAYS = st.sampled_from([0.0, 0.5, 3.0, 60.0])


@dataclass
class Wish:
    """What is wanted of one key."""

    now: bool = False
    at: float | None = None
    working: bool = False

    def not_before(self, when: float) -> None:
        self.at = when if self.at is None else min(self.at, when)


class AnyOrder(RuleBasedStateMachine):
    """A queue, and beside it what was wished for and not fulfilled yet."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.loop = asyncio.new_event_loop()
        self.queue = WorkQueue(lambda: self.time, jitter=lambda: 0.5)
        self.wishes = {key: Wish() for key in KEYS}

    def teardown(self) -> None:
        self.loop.close()

    @rule(key=st.sampled_from(KEYS), news=st.booleans())
    def add(self, key: Key, news: bool) -> None:
        self.queue.add(key, reset_backoff=news)
        self.wishes[key].now, self.wishes[key].at = True, None

    @rule(key=st.sampled_from(KEYS), seconds=DELAYS)
    def add_after(self, key: Key, seconds: float) -> None:
        self.queue.add_after(key, seconds)
        wish = self.wishes[key]
        if not wish.now or wish.working:
            wish.not_before(self.time + seconds)

    @rule(seconds=DELAYS)
    def time_goes_by(self, seconds: float) -> None:
        self.time += seconds

    @rule()
    def take(self) -> None:
        for wish in self.wishes.values():
            if wish.at is not None and wish.at <= self.time:
                wish.now, wish.at = True, None
        ready = {key for key, wish in self.wishes.items() if wish.now and not wish.working}
        task = self.loop.create_task(self._next())
        for _ in range(3):  # a queue that has something gives it at once
            self.loop.run_until_complete(asyncio.sleep(0))
        if not task.done():
            task.cancel()
            self.loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
            assert not ready, "lost"
            return
        key = task.result()
        assert key in ready, "twice at once, or before its time"
        self.wishes[key] = Wish(working=True)

    async def _next(self) -> Key:
        return await anext(self.queue)

    @precondition(lambda self: any(wish.working for wish in self.wishes.values()))
    @rule(data=st.data(), again=st.none() | DELAYS, failed=st.booleans())
    def done(self, data: st.DataObject, again: float | None, failed: bool) -> None:
        key = data.draw(st.sampled_from([key for key, wish in self.wishes.items() if wish.working]))
        self.queue.done(key, again_after=again, failed=failed)
        wish = self.wishes[key]
        wish.working = False
        if wish.now:
            wish.at = None
        elif again is not None:
            wish.not_before(self.time + again)

    @rule(key=st.sampled_from(KEYS))
    def forget(self, key: Key) -> None:
        if not self.wishes[key].working:
            self.queue.forget(key)
            self.wishes[key] = Wish()

    @rule(key=st.sampled_from(KEYS))
    def fail(self, key: Key) -> None:
        assert 0.75 * BASE_BACKOFF <= self.queue.backoff(key) <= 1.25 * MAX_BACKOFF


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30)
