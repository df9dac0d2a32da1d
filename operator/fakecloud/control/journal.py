"""Every request but those to the fake itself, in order: what tests count writes by."""

from collections import deque
from typing import Any, Final

LIMIT: Final = 200_000
"""Entries kept; `first` tells whether older ones are gone."""


class Journal:
    """A bounded list of requests, numbered from 1 since the process began."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=LIMIT)
        self._next = 1

    def note(self, **entry: Any) -> None:
        """Add one request."""
        self._entries.append({"n": self._next, **entry})
        self._next += 1

    def after(self, number: int) -> dict[str, Any]:
        """The entries numbered above `number`, and which are still there."""
        first = self._entries[0]["n"] if self._entries else self._next
        start = max(0, number + 1 - first)
        return {
            "first": first,
            "last": self._next - 1,
            "entries": [self._entries[i] for i in range(start, len(self._entries))],
        }

    def clear(self) -> None:
        """Forget the entries; the numbers go on."""
        self._entries.clear()
