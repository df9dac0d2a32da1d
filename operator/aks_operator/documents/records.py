"""Record sets as all who share a name ask. Pure."""

from collections.abc import Iterable, Mapping

from aks_operator.desired.zone import MOST_RECORDS, RecordShare, address_record, name_record
from aks_operator.documents.planning import Document
from aks_operator.documents.shares import Share, is_wish
from aks_operator.keys import Key
from aks_operator.marks import Marks, mark_of
from aks_operator.plan import Resource, Step, etag_of, plan
from aks_operator.port import Body


def addresses(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """An A record set with the addresses of all who share the name. One that somebody else made is a conflict."""
    asked = _asked(shares)
    quiet = any(True for _ in silent)
    if not asked:
        return _unasked(id_, observed, marks, kept=quiet)
    first = next(iter(asked.values()))
    found, ttl = {a for share in asked.values() for a in share.addresses}, first.ttl
    if observed is not None and quiet:  # theirs stays until they speak
        properties = observed.get("properties") or {}
        found |= {str(entry["ipv4Address"]) for entry in properties.get("ARecords") or ()}
        ttl = properties.get("TTL", ttl)
    return Document([_step(address_record(id_, sorted(found)[:MOST_RECORDS], ttl, first.mark), observed)])


def name(id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks) -> Document:
    """A CNAME record set: it holds one name, that of the oldest who asks."""
    asked = _asked(shares)
    quiet = any(True for _ in silent)
    if not asked:
        return _unasked(id_, observed, marks, kept=quiet)
    if observed is not None and quiet:
        return Document([Step("none", id_, "not all who share it have spoken")])
    oldest, first = next(iter(asked.items()))
    conflicts = {
        key: f"the name is used by {oldest.namespace}/{oldest.name}, which is older and stands for {first.target}: use another dns.name"
        for key, share in asked.items()
        if (share.target, share.ttl) != (first.target, first.ttl)
    }
    return Document([_step(name_record(id_, first.target, first.ttl, first.mark), observed)], conflicts)


def _asked(shares: Mapping[Key, Share]) -> dict[Key, RecordShare]:
    return {key: share for key, share in shares.items() if is_wish(share)}


def _unasked(id_: str, observed: Body | None, marks: Marks, *, kept: bool) -> Document:
    """One that nobody asks for goes, if it is ours."""
    if observed is None or kept or not marks.is_mark(mark_of(observed, "Microsoft.Network/dnsZones/")):
        return Document([Step("none", id_, "nothing is asked of it")])
    return Document([Step("delete", id_, "nobody asks for it any more", if_match=etag_of(observed))])


def _step(wanted: Resource, observed: Body | None) -> Step:
    step = plan(wanted, observed)
    if step.action == "create":
        return Step("create", step.id, step.why, body=step.body, if_match="")  # never over one that appeared meanwhile
    return step
