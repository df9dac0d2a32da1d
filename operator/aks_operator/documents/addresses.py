"""A public IP address as all who share it ask. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from aks_operator.desired.address import AddressShare, public_ip
from aks_operator.desired.exposure import PUBLIC_IPS
from aks_operator.documents.keeping import KEEP_TAG, keep_tags, keepers, noted
from aks_operator.documents.planning import Document
from aks_operator.documents.shares import Share, is_wish
from aks_operator.keys import Key
from aks_operator.marks import Marks, mark_of
from aks_operator.plan import Resource, Step, plan, plan_deletion
from aks_operator.port import Body


def address(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """A public IP address: of the oldest who asks; one that nobody asks for goes, unless anybody wanted it kept."""
    asked = {key: share for key, share in shares.items() if is_wish(share)}
    quiet, kept = any(True for _ in silent), keepers(observed, PUBLIC_IPS, shares)
    if not asked:
        mark = mark_of(observed, PUBLIC_IPS) if observed else None
        if not marks.is_mark(mark):
            return Document([Step("none", id_, "nothing is asked of it")])
        if kept or quiet:
            return Document([noted(id_, PUBLIC_IPS, observed, kept, marks, "nothing is asked of it")])
        user = str((((observed or {}).get("properties") or {}).get("ipConfiguration") or {}).get("id") or "")
        if marks.is_ours(user.rpartition("/")[2]):  # Azure would refuse: the balancer's own turn takes it out first
            return Document([Step("wait", id_, "our frontend is to leave the balancer first")])
        return Document([plan_deletion(id_, PUBLIC_IPS, observed, mark or "")])
    if observed is not None and quiet:
        return Document([noted(id_, PUBLIC_IPS, observed, kept, marks, "not all who share it have spoken")])
    oldest, first = next(iter(asked.items()))
    conflicts = {
        key: f"it is shared with {oldest.namespace}/{oldest.name}, which is older and wants other settings: use the same or another publicIP.name"
        for key, share in asked.items()
        if _settings(share) != _settings(first)
    }
    resource = Resource(id_, PUBLIC_IPS, public_ip(first), first.mark, tags={**dict(first.tags), **keep_tags(kept)})
    return Document([plan(resource, observed, applied_tags=[*first.applied_tags, KEEP_TAG])], conflicts)


def _settings(share: AddressShare) -> AddressShare:
    """What two can disagree on."""
    return replace(share, applied_tags=(), keep=False)
