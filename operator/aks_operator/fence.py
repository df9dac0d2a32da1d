"""What an account may touch: its subscription, and the resource groups that its prefix fences. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aks_operator.armid import parse


@dataclass(frozen=True)
class Fence:
    """A subscription and a prefix of its resource groups; "" for all of them. Ids have no case."""

    subscription: str
    prefix: str = ""

    def holds(self, id_: str) -> bool:
        """Whether a resource lies inside. An id that is none does not."""
        try:
            parsed = parse(id_)
        except ValueError:
            return False
        return (
            parsed.subscription.casefold() == self.subscription.casefold()
            and bool(parsed.resource_group)
            and not {".", ".."} & set(id_.split("/"))
            and "%" not in id_
            and parsed.resource_group.casefold().startswith(self.prefix.casefold())
        )

    def outside(self, body: Any) -> Iterator[str]:
        """Ids in a body, keys and values, that do not lie inside. Without a prefix others' resources may be named."""
        if not self.prefix:
            return
        for text in _strings(body):
            if text.strip().lstrip("/").lower().startswith("subscriptions/") and not self.holds(text):
                yield text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield str(key)
            yield from _strings(below)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _strings(below)
