"""What is to stay in Azure though nobody asks for it any more: it says itself for whom. Pure.

Entries of balancers and network security groups tell by their names whom they serve: those of an object that is not there
stay anyway. A public address and a record set serve many, and are of nobody alone: one who leaves by Orphan is named there.
"""

from collections.abc import Mapping
from typing import Final

from aks_operator.documents.shares import ORPHAN, Share, is_wish
from aks_operator.keys import Key
from aks_operator.marks import Marks, mark_of, owner_hash, tags_of
from aks_operator.plan import Resource, Step, plan
from aks_operator.port import Body

KEEP_TAG: Final = "aks-operator-keep"
"""Names (by their hashes) who said that it is to stay: it may go long after they did. In a record with their addresses."""
LIMIT: Final = 256
"""Characters of a tag's value."""

Keepers = Mapping[str, tuple[str, ...]]
"""Hashes of owners, each with the addresses that are to stay for it; none: all that were there."""


def keepers_of(observed: Body | None, type_: str) -> dict[str, tuple[str, ...]]:
    """For whom a resource is kept, as it says itself."""
    tags = {key.casefold(): str(value) for key, value in tags_of(observed or {}, type_).items()}
    entries = (entry.partition("=") for entry in tags.get(KEEP_TAG, "").split(",") if entry)
    return {name: tuple(address for address in addresses.split("+") if address) for name, _, addresses in entries}


def keepers(observed: Body | None, type_: str, shares: Mapping[Key, Share]) -> dict[str, tuple[str, ...]]:
    """For whom it is to be kept: those who say so now, and those who said so before and are not here any more."""
    known = keepers_of(observed, type_)
    here = {owner_hash(key) for key in shares}
    found = {name: addresses for name, addresses in known.items() if name not in here}
    for key, share in shares.items():
        name = owner_hash(key)
        if share is ORPHAN:
            found[name] = known.get(name, ())
        elif is_wish(share) and share.keep:
            found[name] = getattr(share, "addresses", ())
    return found


def gone(kept: Keepers, shares: Mapping[Key, Share]) -> dict[str, tuple[str, ...]]:
    """Of those for whom it is kept the ones who ask for nothing any more."""
    asking = {owner_hash(key) for key, share in shares.items() if is_wish(share)}
    return {name: addresses for name, addresses in kept.items() if name not in asking}


def keep_tags(kept: Keepers) -> dict[str, str]:
    """The tag that names them, none for nobody."""
    if not kept:
        return {}
    value = ",".join(f"{name}={'+'.join(found)}" if found else name for name, found in sorted(kept.items()))
    return {KEEP_TAG: value if len(value) <= LIMIT else ",".join(sorted(kept))[:LIMIT]}


def noted(id_: str, type_: str, observed: Body | None, kept: Keepers, marks: Marks, why: str) -> Step:
    """The step that names on a resource of ours for whom it is kept, and changes nothing else; none (`why`) for nobody."""
    mark = mark_of(observed, type_) if observed is not None else None
    if mark is None or not marks.is_mark(mark) or not kept:
        return Step("none", id_, why)
    return plan(Resource(id_, type_, {}, mark, tags=keep_tags(kept)), observed)
