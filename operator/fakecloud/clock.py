"""Time as an input: durations run at `speed`, so a five-minute creation tests in a moment."""

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch, and how long things take. `speed` divides durations; `inf` makes them instant."""

    def __init__(self, speed: float) -> None:
        self.speed = speed

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def lasts(self, seconds: float) -> float:
        """How long something takes here that takes `seconds` in Azure."""
        return seconds / self.speed


def rfc3339(seconds: float) -> str:
    """A time as ARM writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
