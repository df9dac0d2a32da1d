"""A public IP address as all who share it ask. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from aks_operator.desired.address import AddressShare, public_ip
from aks_operator.desired.exposure import PUBLIC_IPS
from aks_operator.documents.planning import Document
from aks_operator.documents.shares import ORPHAN, Share, is_wish
from aks_operator.keys import Key
from aks_operator.marks import Marks, mark_of, owner_hash, tags_of
from aks_operator.plan import Resource, Step, plan, plan_deletion
from aks_operator.port import Body

KEEP_TAG: Final = "aks-operator-keep"
"""Names (by their hashes) who said that the address is to stay: it may go long after they did."""


def address(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """A public IP address: of the oldest who asks; one that nobody asks for goes, unless anybody wanted it kept."""
    asked = {key: share for key, share in shares.items() if is_wish(share)}
    quiet, keepers = any(True for _ in silent), _keepers(observed, shares)
    if not asked:
        mark = mark_of(observed, PUBLIC_IPS) if observed else None
        if keepers or quiet or not marks.is_mark(mark):
            return Document([Step("none", id_, "nothing is asked of it")])
        user = str((((observed or {}).get("properties") or {}).get("ipConfiguration") or {}).get("id") or "")
        if marks.is_ours(user.rpartition("/")[2]):  # Azure would refuse: the balancer's own turn takes it out first
            return Document([Step("wait", id_, "our frontend is to leave the balancer first")])
        return Document([plan_deletion(id_, PUBLIC_IPS, observed, mark or "")])
    if observed is not None and quiet:
        return Document([Step("none", id_, "not all who share it have spoken")])
    oldest, first = next(iter(asked.items()))
    conflicts = {
        key: f"it is shared with {oldest.namespace}/{oldest.name}, which is older and wants other settings: use the same or another publicIP.name"
        for key, share in asked.items()
        if _settings(share) != _settings(first)
    }
    kept = {KEEP_TAG: ",".join(sorted(keepers))[:256]} if keepers else {}
    resource = Resource(id_, PUBLIC_IPS, public_ip(first), first.mark, tags={**dict(first.tags), **kept})
    return Document([plan(resource, observed, applied_tags=[*first.applied_tags, KEEP_TAG])], conflicts)


def _settings(share: AddressShare) -> AddressShare:
    """What two can disagree on."""
    return replace(share, applied_tags=(), keep=False)


def keepers_of(observed: Body | None) -> set[str]:
    """Hashes of those who want an address kept, as it says itself."""
    tags = {key.casefold(): str(value) for key, value in tags_of(observed or {}, PUBLIC_IPS).items()}
    return {name for name in tags.get(KEEP_TAG, "").split(",") if name}


def _keepers(observed: Body | None, shares: Mapping[Key, Share]) -> set[str]:
    """Who wants the address kept: those who say so now, and those who said so before and are not here any more."""
    here = {owner_hash(key) for key in shares}
    now = {owner_hash(key) for key, share in shares.items() if share is ORPHAN or (is_wish(share) and share.keep)}
    return (keepers_of(observed) - here) | now
