"""Ownership marks: how we recognise in the cloud what is ours. Only what carries its mark is changed or deleted."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from aks_operator.keys import Key

CLUSTER_TAG: Final = "aks-operator-cluster"
POOL_TAG: Final = "aks-operator-pool"
OWNER_TAG: Final = "aks-operator-owner"

_TAG_OF_TYPE: Final = {
    "microsoft.containerservice/managedclusters": CLUSTER_TAG,
    "microsoft.containerservice/managedclusters/agentpools": POOL_TAG,
}


def tag_of(type_: str) -> str:
    """The tag that marks resources of this ARM type. AKS copies a cluster's tags onto what it makes: one key would lie."""
    return _TAG_OF_TYPE.get(type_.lower(), OWNER_TAG)


MARK_TAGS: Final = frozenset({CLUSTER_TAG, POOL_TAG, OWNER_TAG})
"""Tags that nobody but us sets: a spec's tag of that name is not sent."""


def tags_path(type_: str) -> tuple[str, ...]:
    """Where in a body resources of this ARM type carry their tags, the mark among them."""
    kind = type_.lower()
    if kind.startswith("microsoft.network/dnszones/"):
        return ("properties", "metadata")  # record sets have no tags
    return ("properties", "tags") if kind.endswith("/agentpools") else ("tags",)


def tags_of(body: Mapping[str, Any], type_: str) -> Mapping[str, Any]:
    """The tags that a resource carries, wherever its type keeps them."""
    found: Any = body
    for part in tags_path(type_):
        found = found.get(part) or {}
    return dict(found)


class Marks:
    """The marks of one operator installation. `management_id` tells installations apart: a kube-system UID by default."""

    def __init__(self, management_id: str) -> None:
        self.management_id = management_id
        self.prefix = f"aksop-{hashlib.sha256(management_id.encode()).hexdigest()[:8]}-"
        """What the names of our entries in shared documents (NSG rules, balancer entries) begin with."""

    def value(self, owner: Key) -> str:
        """The mark's value for what serves `owner`: "<management id>/<namespace>/<name>", at most 256 characters."""
        return f"{self.management_id}/{owner.namespace}/{owner.name}"

    def is_mark(self, mark: str | None) -> bool:
        """Whether a mark is of this installation, whomever it names."""
        return mark is not None and mark.startswith(f"{self.management_id}/")

    def entry(self, owner: Key, *parts: object) -> str:
        """The name of an entry in a shared document that serves `owner`; `parts` tell its entries apart."""
        return f"{self.prefix}{owner_hash(owner)}" + "".join(f"-{str(part).lower()}" for part in parts)

    def is_ours(self, entry_name: str) -> bool:
        """Whether an entry of a shared document is ours, whoever it serves."""
        return entry_name.lower().startswith(self.prefix)

    def served_by(self, entry_name: str) -> str:
        """The hash of the owner (see owner_hash) whom an entry of a shared document serves, "" for one that is not ours."""
        name = entry_name.lower()
        return name[len(self.prefix) :].partition("-")[0] if name.startswith(self.prefix) else ""

    def serves(self, entry_name: str, owner: Key) -> bool:
        """Whether an entry of a shared document is ours and serves `owner`."""
        mine = f"{self.prefix}{owner_hash(owner)}"
        return entry_name.lower() == mine or entry_name.lower().startswith(mine + "-")


def owner_hash(owner: Key) -> str:
    """Ten hex digits for an object: the same after a restart, other for another namespace or kind."""
    return hashlib.sha256(f"{owner.kind}/{owner.namespace}/{owner.name}".encode()).hexdigest()[:10]


def mark_of(body: Mapping[str, Any], type_: str) -> str | None:
    """The mark that a resource carries, None when it carries none. ARM's tag names have no case."""
    wanted = tag_of(type_)
    return next((str(v) for k, v in tags_of(body, type_).items() if k.lower() == wanted), None)
