"""Time as an input: durations run at `speed`, so a five-minute creation tests in a moment."""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch, and how long things take. `speed` divides durations; `inf` makes them instant.

    It runs with the machine's clock, and can be stopped or made to jump ahead; it never goes back.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._ahead = 0.0
        self._stopped_at: float | None = None
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._ahead if self._stopped_at is None else self._stopped_at

    def lasts(self, seconds: float) -> float:
        """How long something takes here that takes `seconds` in Azure."""
        return seconds / self.speed

    @property
    def stopped(self) -> bool:
        """Whether it moves by jumps only."""
        return self._stopped_at is not None

    def stop(self) -> None:
        """From now on it moves by jumps only."""
        self._stopped_at = self.now()
        self._wake()

    def run(self) -> None:
        """Run on from where it stands."""
        self._ahead, self._stopped_at = self.now() - time.time(), None
        self._wake()

    def jump(self, to: float) -> None:
        """It is `to` now, and whoever waited for a time until then wakes. A time that has passed changes nothing."""
        ahead = to - self.now()
        if ahead > 0:
            if self._stopped_at is None:
                self._ahead += ahead
            else:
                self._stopped_at = to
            self._wake()

    async def until(self, when: float) -> None:
        """Returns as soon as it is `when`."""
        while (left := when - self.now()) > 0:
            moved = self._moved
            try:
                async with asyncio.timeout(None if self.stopped else left):
                    await moved.wait()
            except TimeoutError:
                pass

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


def rfc3339(seconds: float) -> str:
    """A time as ARM writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
