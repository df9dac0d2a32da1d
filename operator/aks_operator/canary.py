"""Liveness by proof: what this process writes must come back to it through kopf's watches. Pure, but for the clock."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class _Write:
    """What was not yet seen of one object: since when, up to which version, and when that version was written."""

    since: float
    version: int
    at: float


class Canary:
    """Writes that the watches still owe us. `clock` gives monotonic seconds; `bound` is how long a watch may take.

    Time counts only while the API server answers: an outage is no reason to start anew, and cuts the watches too.
    Names are a kind's and an object's, such as "NodePool team-a/ssd". Nothing is owed before `start`.
    """

    def __init__(self, clock: Callable[[], float], bound: float) -> None:
        self._clock = clock
        self._bound = bound
        self._owed: dict[str, _Write] = {}
        self._working = False
        self._answering_since = 0.0

    def start(self) -> None:
        """The watches are being set up: from now on they are expected to bring what is written."""
        self._working = True
        self._answering_since = self._clock()

    def wrote(self, name: str, version: str) -> None:
        """The API server has taken (or a list has shown) this resourceVersion."""
        if not self._working:
            return
        now = self._clock()
        known = self._owed.get(name)
        if known is None:
            self._owed[name] = _Write(now, _number(version), now)
        elif _number(version) > known.version:
            known.version, known.at = _number(version), now

    def saw(self, name: str, version: str) -> None:
        """A watch brought this resourceVersion: what was written before it has been seen."""
        known = self._owed.get(name)
        if known is None:
            return
        if _number(version) >= known.version:
            del self._owed[name]
        else:
            known.since = known.at

    def gone(self, name: str) -> None:
        """The object does not exist any more: nothing more is owed."""
        self._owed.pop(name, None)

    def interrupted(self) -> None:
        """The API server did not answer: the watches cannot have brought anything, and need time to come back."""
        self._answering_since = self._clock()

    @property
    def lag(self) -> float:
        """Seconds for which the oldest write has not been seen, 0 when everything has."""
        oldest = min((write.since for write in self._owed.values()), default=None)
        return 0.0 if oldest is None else max(0.0, self._clock() - max(oldest, self._answering_since))

    def overdue(self) -> list[str]:
        """What should have been seen by now, by name."""
        now = self._clock()
        return sorted(
            name for name, write in self._owed.items() if now - max(write.since, self._answering_since) > self._bound
        )


def _number(version: str) -> int:
    """Resource versions of one object are comparable integers (KEP-5504)."""
    return int(version) if version.isdigit() else 0
