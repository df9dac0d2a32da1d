"""Conditions: set, get, keep their transition times. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Status = Literal["True", "False", "Unknown"]
MESSAGE_LIMIT: Final = 1024
"""Characters; the CRDs allow as many."""
_ONLY_WHILE_TRUE: Final = frozenset({"Reconciling", "Stalled"})


@dataclass(frozen=True)
class Condition:
    """One condition as a reconcile sees it; its transition time is found when the status is made."""

    type: str
    status: Status
    reason: str
    message: str = ""


def merge(
    known: Sequence[Mapping[str, Any]], wanted: Iterable[Condition], *, generation: int, now: str
) -> list[dict[str, Any]]:
    """The conditions for a status: `wanted` in its order, `Ready` first.

    `lastTransitionTime` moves only when the status does; `now` is RFC 3339. `Reconciling` and `Stalled` are present
    only while True, as kstatus has it.
    """
    before = {c["type"]: c for c in known}
    result = []
    for condition in sorted(wanted, key=lambda c: c.type != "Ready"):
        if condition.type in _ONLY_WHILE_TRUE and condition.status != "True":
            continue
        old = before.get(condition.type)
        kept = old is not None and old["status"] == condition.status
        result.append(
            {
                "type": condition.type,
                "status": condition.status,
                "reason": condition.reason,
                "message": shorten(condition.message),
                "observedGeneration": generation,
                "lastTransitionTime": old["lastTransitionTime"] if kept and old else now,
            }
        )
    return result


def find(conditions: Iterable[Mapping[str, Any]], type_: str) -> Mapping[str, Any] | None:
    """The condition of that type, if there."""
    return next((c for c in conditions if c["type"] == type_), None)


def is_true(body: Mapping[str, Any], type_: str = "Ready") -> bool:
    """Whether an object's condition is True, and speaks of its present generation."""
    found = find((body.get("status") or {}).get("conditions") or (), type_)
    return (
        found is not None
        and found["status"] == "True"
        and found.get("observedGeneration") == body["metadata"].get("generation")
    )


def summarise(parts: Sequence[Condition]) -> Condition:
    """`Ready` out of the conditions of single steps: the first that is not True speaks for all."""
    bad = next((c for c in parts if c.status != "True"), None)
    return (
        Condition("Ready", "True", "Succeeded")
        if bad is None
        else Condition("Ready", bad.status, bad.reason, bad.message)
    )


def shorten(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """`text`, cut to `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
