"""Record sets as all who share a name ask. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

from aks_operator.desired.zone import MOST_RECORDS, ZONES, RecordShare, address_record, name_record
from aks_operator.documents.keeping import KEEP_TAG, Keepers, gone, keep_tags, keepers, noted
from aks_operator.documents.planning import Document
from aks_operator.documents.shares import Share, is_wish
from aks_operator.keys import Key
from aks_operator.marks import Marks, mark_of
from aks_operator.plan import Resource, Step, etag_of, plan
from aks_operator.port import Body

ADDRESSES: Final = f"{ZONES}/A"
NAMES: Final = f"{ZONES}/CNAME"


def addresses(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """An A record set with the addresses of all who share the name. One that somebody else made is a conflict.

    Those for whom it is kept keep their addresses in it. Where two disagree on its TTL the older wins.
    """
    asked = _asked(shares)
    quiet, kept = any(True for _ in silent), keepers(observed, ADDRESSES, shares)
    if not asked:
        return _unasked(id_, ADDRESSES, observed, marks, kept, quiet=quiet)
    oldest, first = next(iter(asked.items()))
    conflicts = {
        key: f"the name is shared with {oldest.namespace}/{oldest.name}, which is older and wants {first.ttl} seconds: use the same dns.ttlSeconds or another dns.name"
        for key, share in asked.items()
        if share.ttl != first.ttl
    }
    found, ttl = {a for share in asked.values() for a in share.addresses}, first.ttl
    properties = (observed or {}).get("properties") or {}
    left = gone(kept, shares).values()
    if quiet or not all(left):  # theirs stays until they speak; and of some who left it is not known what theirs is
        found |= {str(entry["ipv4Address"]) for entry in properties.get("ARecords") or ()}
    if quiet:
        ttl = properties.get("TTL", ttl)
    found |= {address for those in left for address in those}
    record = address_record(id_, sorted(found)[:MOST_RECORDS], ttl, first.mark, keep_tags(kept))
    return Document([_step(record, observed)], conflicts)


def name(id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks) -> Document:
    """A CNAME record set: it holds one name, that of the oldest who asks, or of one who is gone and for whom it is kept."""
    asked = _asked(shares)
    quiet, kept = any(True for _ in silent), keepers(observed, NAMES, shares)
    if not asked:
        return _unasked(id_, NAMES, observed, marks, kept, quiet=quiet)
    if observed is not None and quiet:
        return Document([noted(id_, NAMES, observed, kept, marks, "not all who share it have spoken")])
    oldest, first = next(iter(asked.items()))
    if observed is not None and gone(kept, shares):
        there = observed["properties"]["CNAMERecord"]["cname"]
        why = f"the name is kept for an exposure that is gone (deletionPolicy Orphan) and stands for {there}: use another dns.name, or delete the record"
        others = {key: why for key, share in asked.items() if share.target != there}
        return Document([noted(id_, NAMES, observed, kept, marks, "it is kept")], others)
    conflicts = {
        key: f"the name is used by {oldest.namespace}/{oldest.name}, which is older and stands for {first.target}: use another dns.name"
        for key, share in asked.items()
        if (share.target, share.ttl) != (first.target, first.ttl)
    }
    return Document(
        [_step(name_record(id_, first.target, first.ttl, first.mark, keep_tags(kept)), observed)], conflicts
    )


def _asked(shares: Mapping[Key, Share]) -> dict[Key, RecordShare]:
    return {key: share for key, share in shares.items() if is_wish(share)}


def _unasked(id_: str, type_: str, observed: Body | None, marks: Marks, kept: Keepers, *, quiet: bool) -> Document:
    """One that nobody asks for goes, if it is ours and kept for nobody."""
    if observed is None or kept or quiet or not marks.is_mark(mark_of(observed, type_)):
        return Document([noted(id_, type_, observed, kept, marks, "nothing is asked of it")])
    return Document([Step("delete", id_, "nobody asks for it any more", if_match=etag_of(observed))])


def _step(wanted: Resource, observed: Body | None) -> Step:
    step = plan(wanted, observed, applied_tags=[KEEP_TAG])
    if step.action == "create":
        return Step("create", step.id, step.why, body=step.body, if_match="")  # never over one that appeared meanwhile
    return step
