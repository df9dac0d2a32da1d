"""The work queue: who is next, and when. Knows neither kopf nor Azure."""

import asyncio
import heapq
import itertools
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from aks_operator.keys import Key

BASE_BACKOFF: Final = 0.5
"""Seconds before the first retry of a failure."""
MAX_BACKOFF: Final = 300.0
"""Seconds between retries at the most."""


class WorkQueue:
    """Keys to be worked on. A key is never at work twice at once, and never lost: one that is added while it is
    being worked on comes back afterwards. `clock` gives monotonic seconds.

    One key wakes one worker: to wake all of them for each costs more than most of the work.
    """

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._ready: dict[Key, float] = {}  # key → since when; insertion order is the order of work
        self._working: dict[Key, bool] = {}  # key → whether it was added again meanwhile
        self._later: list[tuple[float, int, Key]] = []
        self._due: dict[Key, float] = {}  # when a key is to come back; an entry in _later that differs is void
        self._failures: dict[Key, int] = {}
        self._sequence = itertools.count()
        self._idle: deque[asyncio.Future[None]] = deque()  # workers that wait, those who wait longest first
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        """How many keys wait for a worker now."""
        return len(self._ready)

    @property
    def working(self) -> int:
        """How many keys are being worked on."""
        return len(self._working)

    def add(self, key: Key, *, reset_backoff: bool = False) -> None:
        """Work on `key` as soon as a worker is free. `reset_backoff` when there is news: a past failure says nothing."""
        if self._closed:
            return
        if reset_backoff:
            self._failures.pop(key, None)
        self._due.pop(key, None)
        if key in self._working:
            self._working[key] = True
        elif key not in self._ready:
            self._ready[key] = self._clock()
            self._wake_one()

    def add_after(self, key: Key, seconds: float) -> None:
        """Work on `key` in `seconds`, or earlier when something else asks for it. The earlier of two wishes counts."""
        when = self._clock() + max(0.0, seconds)
        if self._closed or key in self._ready or when >= self._due.get(key, float("inf")):
            return
        self._due[key] = when
        heapq.heappush(self._later, (when, next(self._sequence), key))
        if self._idle and self._later[0][2] == key:
            self._set_timer()

    def backoff(self, key: Key) -> float:
        """Seconds until the next retry of `key`, which has just failed once more: doubled each time, with jitter."""
        count = self._failures[key] = self._failures.get(key, 0) + 1
        return min(MAX_BACKOFF, BASE_BACKOFF * 2.0 ** min(count - 1, 20)) * (0.75 + 0.5 * self._jitter())

    def failures(self, key: Key) -> int:
        """How often `key` failed since it last did not."""
        return self._failures.get(key, 0)

    def done(self, key: Key, *, again_after: float | None, failed: bool = False) -> None:
        """The work on `key` ended. `again_after` in seconds; None: at the next change."""
        again = self._working.pop(key)
        if not failed:
            self._failures.pop(key, None)
        if again:
            self.add(key)
        elif again_after is not None:
            self.add_after(key, again_after)

    def forget(self, key: Key) -> None:
        """Nothing more is to be done for `key`; one at work stays at work."""
        self._ready.pop(key, None)
        self._due.pop(key, None)
        self._failures.pop(key, None)

    def close(self) -> None:
        """Let every worker end."""
        self._closed = True
        self._ready.clear()
        self._stop_timer()
        while self._idle:
            self._wake_one()

    def __aiter__(self) -> AsyncIterator[Key]:
        return self

    async def __anext__(self) -> Key:
        while not self._closed:
            self._promote()
            if self._ready:
                key = next(iter(self._ready))
                del self._ready[key]
                self._working[key] = False
                return key
            await self._wait()
        raise StopAsyncIteration

    async def _wait(self) -> None:
        """Returns when there may be something to do."""
        waiter = asyncio.get_running_loop().create_future()
        self._idle.append(waiter)
        self._set_timer()
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter in self._idle:
                self._idle.remove(waiter)
            elif self._ready:  # it was woken for a key that another has to take now
                self._wake_one()
            raise

    def _wake_one(self) -> None:
        while self._idle:
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _set_timer(self) -> None:
        """One timer for all workers, at the earliest time that something is due; none for what is void."""
        while self._later and self._due.get(self._later[0][2]) != self._later[0][0]:
            heapq.heappop(self._later)
        self._stop_timer()
        if self._later:
            wait = max(0.0, self._later[0][0] - self._clock())
            self._timer = asyncio.get_running_loop().call_later(wait, self._ring)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._promote()
        if self._idle:
            self._set_timer()

    def _promote(self) -> None:
        """Move what is due to the ready ones."""
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            when, _, key = heapq.heappop(self._later)
            if self._due.get(key) == when:
                self.add(key)
