"""Shared documents as they should be: pure functions of what is there and what all who share it ask."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aks_operator.desired import exposure as desired
from aks_operator.desired.zone import ZONES, address_record
from aks_operator.documents.shares import ORPHAN, Share, is_wish
from aks_operator.keys import Key
from aks_operator.marks import OWNER_TAG, Marks, mark_of
from aks_operator.plan import (
    Action,
    Resource,
    Step,
    differing,
    etag_of,
    is_broken,
    plan,
    plan_deletion,
    settled,
    state_of,
    strip,
)
from aks_operator.port import Body, Terminal

LISTS = ("frontendIPConfigurations", "backendAddressPools", "probes", "loadBalancingRules")


@dataclass(frozen=True)
class Document:
    """The steps that a document needs, and whose share could not be had."""

    steps: list[Step]
    conflicts: Mapping[Key, str] = field(default_factory=dict)


def address(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """A public IP address: of the oldest who asks; one that nobody asks for goes."""
    asked = [(key, share) for key, share in shares.items() if is_wish(share)]
    if not asked:
        mark = mark_of(observed, desired.PUBLIC_IPS) if observed else None
        kept = any(share is ORPHAN for share in shares.values()) or any(True for _ in silent)
        if kept or not marks.is_mark(mark):
            return Document([Step("none", id_, "nothing is asked of it")])
        return Document([plan_deletion(id_, desired.PUBLIC_IPS, observed, mark or "")])
    if observed is not None and any(True for _ in silent):
        return Document([Step("none", id_, "not all who share it have spoken")])
    first = asked[0][1]
    conflicts = {
        key: f"it is shared with {asked[0][0].namespace}/{asked[0][0].name}, which is older and wants other settings: use the same or another publicIP.name"
        for key, share in asked[1:]
        if replace(share, applied_tags=()) != replace(first, applied_tags=())
    }
    resource = Resource(id_, desired.PUBLIC_IPS, desired.public_ip(first), first.mark, tags=dict(first.tags))
    return Document([plan(resource, observed, applied_tags=first.applied_tags)], conflicts)


def balancer(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """A load balancer: our entries for all who share it; foreign entries, and those of the silent, as they are."""
    asked = {key: share for key, share in shares.items() if is_wish(share)}
    conflicts: dict[Key, str] = {}
    taken: dict[tuple[str, str, int], Key] = {}
    wanted: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}
    for key, share in asked.items():
        clash = next(
            (
                taken[slot]
                for port in share.ports
                if (slot := (share.frontend.casefold(), port.protocol, port.port)) in taken
            ),
            None,
        )
        if clash is not None:
            conflicts[key] = (
                f"a port is already used at this address by {clash.namespace}/{clash.name}, which is older: use another port or publicIP"
            )
            continue
        taken |= {(share.frontend.casefold(), port.protocol, port.port): key for port in share.ports}
        for name, entries in desired.balancer_entries(id_, key, share, marks).items():
            known = {entry["name"] for entry in wanted[name]}
            wanted[name] += [entry for entry in entries if entry["name"] not in known]
    have = (observed or {}).get("properties") or {}
    quiet = list(silent)
    kept = {name: [e for e in have.get(name) or () if _stays(name, e, quiet, have, marks)] for name in LISTS}
    lists = {
        name: [*(e for e in kept[name] if e["name"] not in {w["name"] for w in wanted[name]}), *wanted[name]]
        for name in LISTS
    }
    if observed is None and not lists["frontendIPConfigurations"]:
        return Document([Step("none", id_, "nothing is asked of it")], conflicts)
    there = mark_of(observed, desired.BALANCERS) if observed else None
    mark = next((share.mark for share in asked.values()), there if marks.is_mark(there) else None)
    if mark is None:
        return Document([Step("none", id_, "nothing is asked of it, and it is not ours")], conflicts)
    if observed is not None and there != mark:
        return Document(
            [Step("refuse", id_, "it exists and does not carry our mark: delete it, or choose another name")], conflicts
        )
    if not lists["frontendIPConfigurations"]:
        return Document([plan_deletion(id_, desired.BALANCERS, observed, mark)], conflicts)
    if observed is None:
        location = next(share.location for share in asked.values())
        body = {"location": location, "sku": {"name": "Standard"}, "tags": {OWNER_TAG: mark}, "properties": lists}
        return Document([Step("create", id_, "it does not exist", body=body)], conflicts)
    if not settled(observed):
        return Document([Step("wait", id_, f"it is {state_of(observed)}")], conflicts)
    paths = tuple(path for name in LISTS for path in _list_differs(name, lists[name], have.get(name) or []))
    if not paths and not is_broken(observed):
        return Document([Step("none", id_, "as it should be")], conflicts)
    body = strip(observed, desired.BALANCERS)
    body["properties"] = {**body["properties"], **lists}
    why = f"differs in {', '.join(paths[:5])}" if paths else f"it is {state_of(observed)}: the same PUT repairs it"
    return Document([Step("update", id_, why, body=body, if_match=etag_of(observed), paths=paths)], conflicts)


def _stays(list_: str, entry: Mapping[str, Any], silent: Iterable[Key], have: Mapping[str, Any], marks: Marks) -> bool:
    """Whether an entry that nobody asks for stays: it is foreign, or serves someone who has not spoken yet."""
    name = str(entry["name"])
    if not marks.is_ours(name):
        return True
    if any(marks.serves(name, key) for key in silent):
        return True
    users = [  # a frontend or a pool stays as long as a rule that stays needs it
        rule
        for users_of in _USERS
        for rule in have.get(users_of) or ()
        if not marks.is_ours(str(rule["name"])) or any(marks.serves(str(rule["name"]), key) for key in silent)
    ]
    ending = f"/{list_}/{name}".casefold()
    return any(id_.casefold().endswith(ending) for user in users for id_ in _references(user["properties"]))


_USERS = ("loadBalancingRules", "outboundRules", "inboundNatRules", "inboundNatPools")


def _references(value: object) -> Iterator[str]:
    """Every id in a rule's properties."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            if key == "id":
                yield str(below)
            else:
                yield from _references(below)
    elif isinstance(value, list):
        for entry in value:
            yield from _references(entry)


def _list_differs(name: str, wanted: list[dict[str, Any]], have: list[Any]) -> Iterable[str]:
    by_name = {str(entry["name"]).casefold(): entry for entry in have}
    for entry in wanted:
        found = by_name.pop(str(entry["name"]).casefold(), None)
        if found is None:
            yield f"properties.{name}[{entry['name']}]"
        else:
            yield from differing(entry, found, f"properties.{name}[{entry['name']}]")
    yield from (f"properties.{name}[{gone}]" for gone in by_name)


def rules(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """Our rules in a network security group: child PUTs and DELETEs. Foreign rules are never touched."""
    if observed is None:
        return Document([Step("none", id_, "the group is gone, and our rules with it")])
    have = {str(r["name"]).casefold(): r for r in (observed.get("properties") or {}).get("securityRules") or ()}
    used = {int(r["properties"]["priority"]) for r in have.values() if r["properties"].get("direction") == "Inbound"}
    wanted: dict[str, dict[str, Any]] = {}
    for key, share in shares.items():
        if is_wish(share):
            wanted |= {rule["name"]: rule for rule in desired.security_rules(key, share, marks)}
    quiet = list(silent)
    steps = []
    for name, rule in have.items():
        if marks.is_ours(name) and name not in wanted and not any(marks.serves(name, key) for key in quiet):
            steps.append(Step("delete", f"{id_}/securityRules/{rule['name']}", "nobody asks for it any more"))
    for name, rule in wanted.items():
        found = have.get(name.casefold())
        there = found["properties"] if found else {}
        paths = tuple(differing(rule["properties"], there, "properties")) if found else ()
        priority = there.get("priority")
        if priority not in desired.PRIORITIES:  # chosen once, and kept
            priority = next((p for p in desired.PRIORITIES if p not in used), None)
            if priority is None:
                raise Terminal(
                    f"no priority is free between {desired.PRIORITIES.start} and {desired.PRIORITIES.stop - 1}: remove rules",
                    code="QuotaExceeded",
                )
            used.add(priority)
            paths = (*paths, "properties.priority")
        if not paths:
            continue
        why = f"differs in {', '.join(paths)}" if found else "it does not exist"
        body = {"properties": {**rule["properties"], "priority": priority}}
        action: Action = "update" if found else "create"
        steps.append(Step(action, f"{id_}/securityRules/{name}", why, body=body, paths=paths if found else ()))
    return Document(steps or [Step("none", id_, "as it should be")])


def record(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """An A record set with the addresses of all who share the name. One that somebody else made is a conflict."""
    asked = {key: share for key, share in shares.items() if is_wish(share)}
    if not asked:
        if observed is None or not marks.is_mark(mark_of(observed, f"{ZONES}/A")) or any(True for _ in silent):
            return Document([Step("none", id_, "nothing is asked of it")])
        return Document([Step("delete", id_, "nobody asks for it any more", if_match=etag_of(observed))])
    first = next(iter(asked.values()))
    addresses, ttl = {a for share in asked.values() for a in share.addresses}, first.ttl
    if observed is not None and any(True for _ in silent):  # theirs stays until they speak
        properties = observed.get("properties") or {}
        addresses |= {str(entry["ipv4Address"]) for entry in properties.get("ARecords") or ()}
        ttl = properties.get("TTL", ttl)
    wanted = address_record(id_, addresses, ttl, first.mark)
    step = plan(wanted, observed)
    if step.action == "create":
        step = Step("create", id_, step.why, body=step.body, if_match="")  # never over one that appeared meanwhile
    return Document([step])


Planner = Callable[[str, Body | None, Mapping[Key, Share], Iterable[Key], Marks], Document]
