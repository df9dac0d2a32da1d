"""How often what is at rest is looked at, although nothing tells of a change."""

import random
from collections.abc import Callable
from typing import Final

LOOKS: Final = 6
"""Looks in a drift interval that all objects at rest share."""
LONGEST: Final = 3600.0
"""Seconds between two looks at the most."""


def around(seconds: float, least: float = 0.9, most: float = 1.1) -> float:
    """`seconds`, times something between `least` and `most`: what began together does not come again together."""
    return seconds * random.uniform(least, most)  # noqa: S311  # jitter, no secret


def turn_after(drift_interval: float, objects: int) -> float:
    """Seconds between two turns of an object at rest whose resources are watched.

    Few objects come in every drift interval; many take turns, each once an hour at the least.
    """
    return max(drift_interval, min(LONGEST, drift_interval * objects / LOOKS))


class Ration:
    """`LOOKS` for every `seconds` of `clock`, to whoever asks first; what was not used is kept for one interval."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._left = float(LOOKS)
        self._at = clock()

    def take(self) -> bool:
        """Whether there is one left."""
        now = self._clock()
        self._left = min(float(LOOKS), self._left + (now - self._at) * LOOKS / self._seconds)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
