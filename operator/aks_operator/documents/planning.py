"""Shared documents as they should be: pure functions of what is there and what all who share it ask."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aks_operator.desired import exposure as desired
from aks_operator.desired.zone import address_record
from aks_operator.documents.shares import DROP, Share
from aks_operator.keys import Key
from aks_operator.marks import OWNER_TAG, Marks, mark_of
from aks_operator.plan import Resource, Step, differing, etag_of, plan, plan_deletion, state_of, strip
from aks_operator.port import Body

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
    asked = [(key, share) for key, share in shares.items() if share is not DROP]
    if not asked:
        waiting = any(True for _ in silent)
        mark = mark_of(observed, desired.PUBLIC_IPS) if observed else None
        ours = mark is not None and mark.startswith(f"{marks.management_id}/")
        if observed is None or waiting or not ours:
            return Document([Step("none", id_, "nothing is asked of it")])
        return Document([plan_deletion(id_, desired.PUBLIC_IPS, observed, mark or "")])
    first = asked[0][1]
    conflicts = {
        key: f"it is shared with {asked[0][0].namespace}/{asked[0][0].name}, which is older and wants other settings: use the same or another publicIP.name"
        for key, share in asked[1:]
        if share != first
    }
    resource = Resource(id_, desired.PUBLIC_IPS, desired.public_ip(first), first.mark, tags=dict(first.tags))
    return Document([plan(resource, observed)], conflicts)


def balancer(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """A load balancer: our entries for all who share it; foreign entries, and those of the silent, as they are."""
    asked = {key: share for key, share in shares.items() if share is not DROP}
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
    kept = {name: [e for e in have.get(name) or () if _stays(e, quiet, have, marks)] for name in LISTS}
    lists = {
        name: [*(e for e in kept[name] if e["name"] not in {w["name"] for w in wanted[name]}), *wanted[name]]
        for name in LISTS
    }
    if observed is None and not lists["frontendIPConfigurations"]:
        return Document([Step("none", id_, "nothing is asked of it")], conflicts)
    mark = next((share.mark for share in asked.values()), mark_of(observed, desired.BALANCERS) if observed else None)
    if mark is None or (observed is not None and mark_of(observed, desired.BALANCERS) != mark):
        return Document(
            [Step("refuse", id_, "it exists and does not carry our mark: delete it, or choose another name")], conflicts
        )
    if not lists["frontendIPConfigurations"]:
        return Document([plan_deletion(id_, desired.BALANCERS, observed, mark)], conflicts)
    if observed is None:
        location = next(share.location for share in asked.values())
        body = {"location": location, "sku": {"name": "Standard"}, "tags": {OWNER_TAG: mark}, "properties": lists}
        return Document([Step("create", id_, "it does not exist", body=body)], conflicts)
    if state_of(observed) == "Updating":
        return Document([Step("wait", id_, "it is Updating")], conflicts)
    paths = tuple(path for name in LISTS for path in _list_differs(name, lists[name], have.get(name) or []))
    if not paths:
        return Document([Step("none", id_, "as it should be")], conflicts)
    body = strip(observed, desired.BALANCERS)
    body["properties"] = {**body["properties"], **lists}
    return Document(
        [Step("update", id_, f"differs in {', '.join(paths[:5])}", body=body, if_match=etag_of(observed), paths=paths)],
        conflicts,
    )


def _stays(entry: Mapping[str, Any], silent: Iterable[Key], have: Mapping[str, Any], marks: Marks) -> bool:
    """Whether an entry that nobody asks for stays: it is foreign, or serves someone who has not spoken yet."""
    name = str(entry["name"])
    if not marks.is_ours(name):
        return True
    if any(marks.serves(name, key) for key in silent):
        return True
    rules = have.get("loadBalancingRules") or ()
    return any(  # a frontend stays as long as a rule that stays needs it
        str(rule["properties"].get("frontendIPConfiguration", {}).get("id", ""))
        .casefold()
        .endswith(f"/frontendipconfigurations/{name.casefold()}")
        and (not marks.is_ours(rule["name"]) or any(marks.serves(rule["name"], key) for key in silent))
        for rule in rules
    )


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
        if share is not DROP:
            wanted |= {rule["name"]: rule for rule in desired.security_rules(key, share, marks)}
    quiet = list(silent)
    steps = []
    for name, rule in have.items():
        if marks.is_ours(name) and name not in wanted and not any(marks.serves(name, key) for key in quiet):
            steps.append(Step("delete", f"{id_}/securityRules/{rule['name']}", "nobody asks for it any more"))
    for name, rule in wanted.items():
        found = have.get(name.casefold())
        rule_id = f"{id_}/securityRules/{name}"
        if found is None:
            priority = next(p for p in range(desired.FIRST_PRIORITY, desired.LAST_PRIORITY + 1) if p not in used)
            used.add(priority)
            steps.append(
                Step(
                    "create",
                    rule_id,
                    "it does not exist",
                    body={"properties": {**rule["properties"], "priority": priority}},
                )
            )
            continue
        paths = tuple(differing(rule["properties"], found["properties"], "properties"))
        if paths:  # the priority stays as it was chosen
            body = {"properties": {**rule["properties"], "priority": found["properties"]["priority"]}}
            steps.append(Step("update", rule_id, f"differs in {', '.join(paths)}", body=body, paths=paths))
    return Document(steps or [Step("none", id_, "as it should be")])


def record(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """An A record set with the addresses of all who share the name. One that somebody else made is a conflict."""
    asked = {key: share for key, share in shares.items() if share is not DROP}
    if not asked:
        mark = (
            next((share for share in (mark_of(observed, "Microsoft.Network/dnsZones/A"),) if share), None)
            if observed
            else None
        )
        ours = mark is not None and mark.startswith(f"{marks.management_id}/")
        if observed is None or not ours or any(True for _ in silent):
            return Document([Step("none", id_, "nothing is asked of it")])
        return Document([Step("delete", id_, "nobody asks for it any more", if_match=etag_of(observed))])
    first = next(iter(asked.values()))
    wanted = address_record(id_, {a for share in asked.values() for a in share.addresses}, first.ttl, first.mark)
    step = plan(wanted, observed)
    if step.action == "create":
        step = Step("create", id_, step.why, body=step.body, if_match="")  # never over one that appeared meanwhile
    return Document([step])


Planner = Callable[[str, Body | None, Mapping[Key, Share], Iterable[Key], Marks], Document]
