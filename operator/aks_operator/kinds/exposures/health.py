"""Which of a balancer's backends answer its probes: asked of ARM, seldom."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from aks_operator.keys import Key
from aks_operator.port import PRIORITY, Body, Cloud, CloudError, NotFound, Priority, Terminal

INTERVAL: Final = 60.0
"""Seconds between two looks at one exposure at rest."""
PACE: Final = 6.0
"""Seconds between looks of one subscription at rest: many exposures wait longer for their turn."""
PACE_AFTER_CHANGES: Final = 1.0
"""Likewise after changes: a pool that is scaled changes all exposures at once."""
MISSING: Final = 3600.0
"""Seconds for which a cloud that has no such call is not asked again."""
MARGIN: Final = 3.0
HURRY: Final = 3
"""How often it is asked again at the pace of a change when some backends do not answer yet: pods take time to start."""


@dataclass
class _Known:
    """What is known of one exposure's backends."""

    about: Hashable
    healthy: int | None
    due: float
    changed: bool
    hurry: int = 0


class Health:
    """Counts of healthy backends by exposure. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[Key, _Known] = {}
        self._next: dict[str, float] = {}
        self._turn: dict[str, float] = {}

    async def healthy(
        self, key: Key, cloud: Cloud, rules: Sequence[str], about: Hashable, before: int | None, settling: float
    ) -> int | None:
        """How many backends answer, None where it is not known. Asks of `rules` (ids) when it is time.

        `about` is all that health depends on: when it changes it is asked anew, after the `settling` seconds that probes
        take. `before` is what the status says, for a process that has not asked yet.
        """
        subscription, now = cloud.subscription, self._clock()
        known = self._known.get(key)
        if known is None and before is not None:  # a new process: what the status says is news to nobody
            known = self._known[key] = _Known(about, before, now + settling, changed=False)
        elif known is None or known.about != about:
            due = self._soon(subscription, settling)
            known = self._known[key] = _Known(about, known.healthy if known else None, due, changed=True, hurry=HURRY)
        if now < known.due or (not known.changed and now < self._next.get(subscription, 0.0)):
            return known.healthy
        known.due, known.changed = now + INTERVAL, False
        self._next[subscription] = now + PACE
        token = PRIORITY.set(Priority.DRIFT)
        try:
            counts = [_counts(await cloud.post(rule, "health")) for rule in rules]
            known.healthy = min((up for up, down in counts if up + down), default=None)
            if known.hurry and any(down for _, down in counts):
                known.due, known.changed, known.hurry = self._soon(subscription, settling), True, known.hurry - 1
        except (NotFound, Terminal):
            known.healthy, known.due = None, now + MISSING
        except CloudError:
            pass  # what was known stays; the next look tells
        finally:
            PRIORITY.reset(token)
        return known.healthy

    def _soon(self, subscription: str, settling: float) -> float:
        """When probes have told of a change, and others of the subscription have had their turn."""
        due = max(self._clock() + settling, self._turn.get(subscription, 0.0))
        self._turn[subscription] = due + PACE_AFTER_CHANGES
        return due

    def wait(self, key: Key) -> float | None:
        """Seconds until a change is to be looked at, None when none is."""
        known = self._known.get(key)
        return max(0.1, known.due - self._clock()) if known is not None and known.changed else None

    def forget(self, key: Key) -> None:
        """The exposure is gone, or has no balancer any more."""
        self._known.pop(key, None)


def settling(interval: int, threshold: int) -> float:
    """Seconds after which probes have told of a change."""
    return interval * threshold + MARGIN


def _counts(answer: Body) -> tuple[int, int]:
    """Backends that answer, and that do not; none of either when nobody probes."""
    return int(answer.get("up") or 0), int(answer.get("down") or 0)
