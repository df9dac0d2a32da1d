"""The one writer of shared documents: observe, plan for all who share, apply, tell them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from aks_operator.accounts import Accounts, invited
from aks_operator.armid import parse, same
from aks_operator.cache import Cache
from aks_operator.desired.exposure import PUBLIC_IPS
from aks_operator.documents import addresses, balancers, planning, records, rules
from aks_operator.documents.shares import DROP, Result, Shares, is_wish
from aks_operator.keys import Key
from aks_operator.marks import Marks
from aks_operator.plan import Step
from aks_operator.port import Body, Busy, CloudError, Terminal, Throttled
from aks_operator.queue import WorkQueue
from aks_operator.reasons import reason_of
from aks_operator.session import Session

PLANNERS: Final[Mapping[str, planning.Planner]] = {
    "microsoft.network/publicipaddresses": addresses.address,
    "microsoft.network/loadbalancers": balancers.balancer,
    "microsoft.network/networksecuritygroups": rules.rules,
    "microsoft.network/dnszones/a": records.addresses,
    "microsoft.network/dnszones/cname": records.name,
}
BY_ENTRY: Final = frozenset({"microsoft.network/loadbalancers", "microsoft.network/networksecuritygroups"})
"""Documents whose entries tell whom they serve: what serves an exposure that has not spoken stays by itself."""

_PASSING: Final = (Busy, Throttled)
"""Refusals by which nothing is wrong: the same request is taken later."""

_NUMBERS: Final = re.compile(r"[0-9a-fA-F]+(-[0-9a-fA-F]+)+|[0-9]+")


def document_key(account: Key, id_: str) -> Key:
    """The queue key of a shared document."""
    return Key(f"document:{parse(id_).type.casefold()}", f"{account.namespace}/{account.name}", id_.casefold())


class Documents:
    """Reconciles shared documents (implements engine.DocumentReconciler)."""

    def __init__(self, cache: Cache, queue: WorkQueue, accounts: Accounts, shares: Shares, marks: Marks) -> None:
        self._cache = cache
        self._queue = queue
        self._accounts = accounts
        self._shares = shares
        self._marks = marks
        self._ids: dict[Key, str] = {}

    def say(self, account: Key, id_: str, owner: Key, share: object) -> Key:
        """An object asks something of the document `id_` (DROP: nothing any more); it is looked at when that is news."""
        key = document_key(account, id_)
        self._ids[key] = id_
        if self._shares.say(key, owner, share) or self._shares.result(key) is None:
            self._queue.add(key, reset_backoff=True)
        return key

    def look(self, key: Key) -> None:
        """Compare the document with the cloud again (the drift check of those who share it)."""
        self._queue.add(key)

    def gone(self, owner: Key, body: Body) -> None:
        """An object is gone. One that did not take its leave (somebody took its finalizer off) leaves now: its entries go.

        They stay where it wished them to: what is known of it is forgotten then.
        """
        if (body.get("spec") or {}).get("deletionPolicy") in {"Orphan", "Protect"}:
            self._shares.forget(owner)
        for key in self._shares.documents_of(owner):
            self._shares.say(key, owner, DROP)
            self._queue.add(key, reset_backoff=True)

    async def reconcile(self, key: Key) -> float | None:
        """See engine.DocumentReconciler."""
        owners = self._shares.of(key)
        namespace, _, name = key.namespace.partition("/")
        account = self._accounts.get(Key("CloudAccount", namespace, name))
        if not owners or account is None:
            return None
        id_ = self._ids[key]
        session = account.session
        waiting = await session.settle(id_)
        if waiting is not None:
            return waiting
        observed = await session.observer.one(id_)
        document = self._plan(key, id_, observed)
        leaving = any(
            not is_wish(share) for share in owners.values()
        )  # a list may be too old to tell that they have left
        if leaving or any(step.action != "none" for step in document.steps):
            observed = await session.observer.one(id_, fresh=True)  # a write that a list suggested is preceded by a GET
            document = self._plan(key, id_, observed)
        before, heard = self._shares.result(key), self._shares.hear(key)
        wished = bool(heard) or (before is not None and before.intact and not before.settled)
        try:
            again, body = await self._apply(session, id_, document.steps, observed)
            if again is None:
                self._shares.serve(key)
            self._tell(
                key, Result(body, again is None, conflicts=document.conflicts, intact=wished and again is not None)
            )
            if again is None:
                self._forget_gone(key)
        except CloudError as error:
            intact = wished and isinstance(error, _PASSING)
            body = before.body if before is not None else None  # what is there now may be somebody else's
            self._shares.set_result(key, Result(body, False, conflicts=document.conflicts, intact=intact))
            raise
        finally:
            for owner in heard:  # even a result that is no news is the answer to what they asked
                self._queue.add(owner)
        return again

    def failed(self, key: Key, error: CloudError, *, blip: bool) -> None:
        """See engine.DocumentReconciler. Where Azure only takes a change later, what was served before goes on."""
        before = self._shares.result(key) or Result(None, settled=False)
        if blip and before.settled and not self._shares.is_unheard(key):
            return
        intact = before.intact and isinstance(error, _PASSING)
        now = replace(before, settled=False, intact=intact, reason=reason_of(error), message=str(error))
        self._tell(key, now)

    def _forget_gone(self, key: Key) -> None:
        """Who is gone, and had its entries taken out, is not spoken of any more."""
        for owner, share in list(self._shares.of(key).items()):
            if not is_wish(share) and self._cache.get(owner) is None:
                self._shares.leave(key, owner)

    def _plan(self, key: Key, id_: str, observed: Body | None) -> planning.Document:
        shares = self._shares.of(key)
        by_age = dict(sorted(shares.items(), key=lambda item: self._age(item[0])))
        type_ = parse(id_).type.casefold()
        silent = [owner for owner in self._cache.keys("ServiceExposure") if owner not in shares]
        if type_ not in BY_ENTRY:
            silent = [owner for owner in silent if self._may_mean(owner, id_)]
        return PLANNERS[type_](id_, observed, by_age, silent, self._marks)

    def _may_mean(self, owner: Key, id_: str) -> bool:
        """Whether an exposure that has not spoken yet may use this very address or record: it names it, and is invited to.

        By its status; by its spec while it has none. Whoever is not invited may name what he likes: nobody waits for him.
        """
        body = self._cache.get(owner) or {}
        status, spec = body.get("status") or {}, body.get("spec") or {}
        dns = spec.get("dns") or {}
        if status.get("id"):
            if not any(same(str(line["id"]), id_) for line in status.get("resources") or ()):
                return False
        elif parse(id_).name.casefold() not in {
            str(name).casefold() for name in ((spec.get("publicIP") or {}).get("name"), dns.get("name")) if name
        }:
            return False
        if parse(id_).type.casefold() == PUBLIC_IPS.casefold():
            hosts = [_meant("ManagedCluster", owner, spec.get("clusterRef"))]
        elif status.get("id"):
            hosts = list(self._cache.keys("DNSZone"))
        else:
            hosts = [_meant("DNSZone", owner, dns.get("zoneRef"))]
        return any(self._hosts(host, owner, id_) for host in hosts)

    def _hosts(self, host: Key, owner: Key, id_: str) -> bool:
        """Whether an address or record can be of a cluster or in a zone, and an exposure may refer to that."""
        spec, parsed = (self._cache.get(host) or {}).get("spec") or {}, parse(id_)
        return (
            same(str(spec.get("resourceGroup")), parsed.resource_group)
            and (host.kind != "DNSZone" or same(str(spec.get("zone")), parsed.names[0]))
            and invited(owner.namespace, host, spec.get("allowedNamespaces"))
        )

    async def _apply(
        self, session: Session, id_: str, steps: list[Step], observed: Body | None
    ) -> tuple[float | None, Body | None]:
        """Do the steps until one takes time; when to look again (None: all is as it should be), and what is there now."""
        body = observed
        wrote = False
        for step in steps:
            if step.action == "refuse":
                raise Terminal(step.why, code="AlreadyExists")
            done = await session.apply(step, observed)
            wrote = wrote or step.action not in {"none", "wait"}
            if step.id == id_:
                body = None if step.action == "delete" else done.body
            if done.again_after is not None:  # Network takes one operation at a time on a group or a balancer
                return done.again_after, body
        return (0.0 if wrote else None), body  # what was written is seen before it is believed

    def _tell(self, key: Key, result: Result) -> None:
        """Remember the result, and wake those who share the document if it says something else to them.

        As long as it is on its way each says just that: to wake a hundred of them for each of a hundred rules would keep
        everybody from work for minutes.
        """
        before = self._shares.result(key)
        if self._shares.set_result(key, result) and not (before is not None and _same_wait(before, result)):
            for owner in self._shares.owners(key):
                self._queue.add(owner, reset_backoff=True)

    def _age(self, owner: Key) -> tuple[str, Key]:
        body = self._cache.get(owner)
        return (str(body["metadata"].get("creationTimestamp", "")) if body else "~", owner)


def _same_wait(before: Result, now: Result) -> bool:
    """Whether a document is on its way as it was before, or fails as it did before.

    Some of Azure's messages have the number of the request or the time: were that news, who is told would look again, and
    hear other numbers, as fast as the processor can.
    """
    return not (before.settled or now.settled) and _in_words(before) == _in_words(now)


def _in_words(result: Result) -> Result:
    return replace(result, body=None, message=_NUMBERS.sub("#", result.message))


def _meant(kind: str, owner: Key, reference: Mapping[str, Any] | None) -> Key:
    """The key that a reference in a raw spec means; one of no object when there is no reference."""
    found = reference or {}
    return Key(kind, str(found.get("namespace") or owner.namespace), str(found.get("name") or ""))


def entries_of(result: Result, lists: tuple[str, ...], owner: Key, marks: Marks) -> list[str]:
    """The names of an object's entries in a document as last seen."""
    properties = (result.body or {}).get("properties") or {}
    return [str(e["name"]) for name in lists for e in properties.get(name) or () if marks.serves(str(e["name"]), owner)]
