"""What a reconcile says when it is done, and how it says that it must wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aks_operator.conditions import Condition


class Hold(Exception):
    """Not an error: the object waits, or asks for what cannot be. `reason` is one of the closed set.

    Whatever it waits for wakes it; `again_after` (seconds) only where nothing would.
    """

    def __init__(self, reason: str, message: str, *, again_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.again_after = again_after


@dataclass(frozen=True)
class Outcome:
    """The result of one reconcile of a custom resource.

    `status` are the kind's own status fields; a key that is absent keeps its value, None removes it. `again_after` is in
    seconds (None: the drift interval). `release`: deletion is complete, our finalizer goes. `resources` are the ARM
    ids this object made or uses, in order. `watched`: all that it stands on was looked at one by one (Observer.one), so
    that lists tell when it has to come again.
    """

    conditions: Sequence[Condition] = ()
    status: Mapping[str, Any] = field(default_factory=dict)
    again_after: float | None = None
    release: bool = False
    resources: Sequence[str] = ()
    watched: bool = False


RELEASE = Outcome(release=True)
