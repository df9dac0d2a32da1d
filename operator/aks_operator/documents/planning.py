"""What the writer of a shared document is told: the steps, and whose share could not be had. Pure.

Each type of document has a module of its own, with one pure function of what is there and what all who share it ask.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from aks_operator.documents.shares import Share
from aks_operator.keys import Key
from aks_operator.marks import Marks
from aks_operator.plan import Step
from aks_operator.port import Body


@dataclass(frozen=True)
class Document:
    """The steps that a document needs, and whose share could not be had."""

    steps: list[Step]
    conflicts: Mapping[Key, str] = field(default_factory=dict)


Planner = Callable[[str, Body | None, Mapping[Key, Share], Iterable[Key], Marks], Document]
"""(id, what is there, shares by owner with the oldest first, owners who have not spoken yet, marks) → the document."""
