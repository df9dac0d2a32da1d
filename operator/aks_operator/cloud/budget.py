"""The API budget: a pace for reads and writes, shared by all callers of one subscription and identity."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Literal

from aks_operator.port import PRIORITY, Priority, Throttled

Kind = Literal["reads", "writes"]


_RESERVED: Final = {Priority.CHANGE: 0.0, Priority.POLL: 0.1, Priority.DRIFT: 0.3}
"""The part of a bucket that work of a priority leaves to more urgent work."""
_BURST_SECONDS: Final = 20.0


class Bucket:
    """A token bucket. `rate` is tokens a second; it holds as many as `_BURST_SECONDS` bring."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._size = max(1.0, rate * _BURST_SECONDS)
        self._clock = clock
        self._tokens = self._size
        self._ceiling = self._size
        self._heard = False
        self._at = clock()

    def wait(self, priority: Priority) -> float:
        """Takes a token and returns 0, or returns the seconds until one may be there for this priority."""
        now = self._clock()
        self._tokens = min(self._size, self._tokens + (now - self._at) * self._rate)
        self._at = now
        lacking = 1.0 + min(self._size, self._ceiling) * _RESERVED[priority] - self._tokens
        if lacking <= 0 or (self._size < 2 and self._tokens >= 1):
            self._tokens -= 1.0
            return 0.0
        return lacking / self._rate

    def at_most(self, tokens: float) -> None:
        """The cloud said how many requests remain: never believe in more."""
        self._tokens = min(self._tokens, tokens)
        self._ceiling = max(self._ceiling, tokens) if self._heard else tokens  # its own bucket may be smaller than ours
        self._heard = True


class Budget:
    """Reads and writes of one subscription and identity."""

    def __init__(self, reads_per_second: float, writes_per_second: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets = {"reads": Bucket(reads_per_second, clock), "writes": Bucket(writes_per_second, clock)}
        self._throttled_until = 0.0
        self.remaining: dict[Kind, int] = {}
        """What the cloud last said remains, by kind."""

    async def acquire(self, kind: Kind) -> None:
        """Returns when a request may be sent; raises Throttled at once while the cloud asked us to wait."""
        while True:
            if (left := self.throttled_for) > 0:
                raise Throttled("the subscription's requests are throttled", code="Throttled", retry_after=left)
            wait = self._buckets[kind].wait(PRIORITY.get())
            if wait <= 0:
                return
            await asyncio.sleep(wait)

    @property
    def throttled_for(self) -> float:
        """Seconds that the cloud wants us to wait."""
        return max(0.0, self._throttled_until - self._clock())

    def throttled(self, retry_after: float) -> None:
        """The cloud refused: nobody asks again for `retry_after` seconds."""
        self._throttled_until = max(self._throttled_until, self._clock() + retry_after)

    def heard(self, headers: Mapping[str, str]) -> None:
        """Take in x-ms-ratelimit-remaining-* of an answer."""
        for kind in ("reads", "writes"):
            values = [
                int(value)
                for key, value in headers.items()
                if key.lower().startswith("x-ms-ratelimit-remaining-")
                and key.lower().endswith(kind)
                and value.isdecimal()
            ]
            if values:
                self.remaining[kind] = min(values)
                self._buckets[kind].at_most(min(values))
