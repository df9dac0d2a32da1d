"""Resource ids as paths: taken apart without regard to case."""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final
from urllib.parse import unquote

_NO_PARENT: Final = re.compile(r"(/providers/[^/]+)//(?!/)", re.IGNORECASE)
"""Where the SDK's generic operations, and az with them, put the path of a parent that a resource does not have."""


@dataclass(frozen=True)
class Target:
    """What a path means. `type` is "" for a subscription or a group; `name` None for a collection.

    `action` is what a POST asks for.
    """

    subscription: str
    group: str | None
    type: str
    names: tuple[str, ...]
    collection: bool
    on: str | None = None
    """The id of the resource that this one extends, None when it extends none."""

    @cached_property
    def scope(self) -> str:
        """The id of what holds it, as the caller spelled it: a resource that it extends, a group or a subscription."""
        if self.on is not None:
            return self.on
        return f"/subscriptions/{self.subscription}" + (
            f"/resourceGroups/{self.group}" if self.group is not None else ""
        )

    @cached_property
    def id(self) -> str:
        """The id as the caller spelled it (of a collection: its parent's)."""
        if not self.type or not self.names:
            return self.scope
        provider, *segments = self.type.split("/")
        path = "".join(f"/{segment}/{name}" for segment, name in zip(segments, self.names, strict=False))
        return f"{self.scope}/providers/{provider}{path}"

    @property
    def name(self) -> str:
        """The resource's own name."""
        return self.names[-1] if self.names else (self.group or self.subscription)

    @cached_property
    def parent(self) -> str | None:
        """The id of the resource that this is a child of, None for a top-level one."""
        return self.id.rsplit("/", 2)[0] if len(self.names) > 1 else None


@lru_cache(maxsize=4096)
def parse(raw_path: str) -> Target | None:
    """What a path names, None when it is no ARM path of ours. Percent-encoded, so that a name may hold anything."""
    parts = [unquote(part) for part in _NO_PARENT.sub(r"\1/", raw_path.strip("/")).split("/")]
    if len(parts) < 2 or parts[0].lower() != "subscriptions" or not all(parts) or any("/" in part for part in parts):
        return None
    subscription, rest = parts[1], parts[2:]
    group = None
    if rest and rest[0].lower() == "resourcegroups":
        if len(rest) == 1:
            return Target(subscription, None, "resourceGroups", (), collection=True)
        group, rest = rest[1], rest[2:]
    if not rest:
        return Target(subscription, group, "", (), collection=False)
    if rest[0].lower() == "operationresults" and len(rest) == 2:
        return Target(subscription, None, "operationresults", (rest[1],), collection=False)
    if rest[0].lower() != "providers" or len(rest) < 3:
        return (
            Target(subscription, group, "/".join(rest), (), collection=True) if rest[0].lower() == "resources" else None
        )
    provider, segments, names = rest[1], rest[2::2], rest[3::2]
    extended = [i for i, segment in enumerate(segments) if segment.lower() == "providers"]
    on = None
    if extended and extended[-1] + 1 < len(segments):  # a resource on a resource: its own provider answers
        last = extended[-1]
        on = "/" + "/".join(parts[: len(parts) - len(rest) + 2 + 2 * last])
        provider, segments, names = names[last], segments[last + 1 :], names[last + 1 :]
    collection = len(segments) > len(names)
    return Target(subscription, group, "/".join([provider, *segments]), tuple(names), collection, on)
