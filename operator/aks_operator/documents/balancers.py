"""A load balancer as all who share it ask. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from aks_operator.desired.balancer import balancer_entries, frontend_name
from aks_operator.desired.exposure import BALANCERS
from aks_operator.documents.planning import Document
from aks_operator.documents.shares import Share, is_wish
from aks_operator.keys import Key
from aks_operator.marks import OWNER_TAG, Marks, mark_of, owner_hash
from aks_operator.plan import Step, differing, etag_of, is_broken, overlay, plan_deletion, settled, state_of, strip
from aks_operator.port import Body

LISTS: Final = ("frontendIPConfigurations", "backendAddressPools", "probes", "loadBalancingRules")


def balancer(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """A load balancer: our entries for all who share it; all others as they are.

    Others are foreign ones, and those of ours that serve somebody of whom nothing is known: an exposure that has not spoken
    yet, or one that is gone and left them (`deletionPolicy: Orphan`).
    """
    asked = {key: share for key, share in shares.items() if is_wish(share)}
    have = (observed or {}).get("properties") or {}
    kept = _kept(have, shares, marks)
    conflicts: dict[Key, str] = {}
    taken: dict[tuple[str, str, int], Key | str] = {
        _slot(rule): str(rule["name"]) for rule in kept["loadBalancingRules"]
    }
    wanted: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}
    for key, share in asked.items():
        frontend = frontend_name(key, share, marks)
        slots = [(frontend, port.protocol, port.port) for port in share.ports]
        clash = next((taken[slot] for slot in slots if slot in taken), None)
        if clash is not None:
            user = f"{clash.namespace}/{clash.name}, which is older" if isinstance(clash, Key) else f"the rule {clash}"
            conflicts[key] = f"a port is already used at this address by {user}: use another port or publicIP"
            continue
        taken |= dict.fromkeys(slots, key)
        for name, entries in balancer_entries(id_, key, share, marks).items():
            known = {entry["name"] for entry in wanted[name]}
            wanted[name] += [entry for entry in entries if entry["name"] not in known]
    there_now = {str(e["name"]): e for e in have.get("frontendIPConfigurations") or ()}
    wanted["frontendIPConfigurations"] = [  # its zones, and the private address that it was given, are Azure's
        overlay(there_now.get(entry["name"], {}), entry) for entry in wanted["frontendIPConfigurations"]
    ]
    lists = {
        name: [*(e for e in kept[name] if e["name"] not in {w["name"] for w in wanted[name]}), *wanted[name]]
        for name in LISTS
    }
    if observed is None and not lists["frontendIPConfigurations"]:
        return Document([Step("none", id_, "nothing is asked of it")], conflicts)
    there = mark_of(observed, BALANCERS) if observed else None
    mark = next((share.mark for share in asked.values()), there if marks.is_mark(there) else None)
    if mark is None:
        return Document([Step("none", id_, "nothing is asked of it, and it is not ours")], conflicts)
    if observed is not None and there != mark:
        return Document(
            [Step("refuse", id_, "it exists and does not carry our mark: delete it, or choose another name")], conflicts
        )
    if not lists["frontendIPConfigurations"]:
        return Document([plan_deletion(id_, BALANCERS, observed, mark)], conflicts)
    if observed is None:
        location = next(share.location for share in asked.values())
        body = {"location": location, "sku": {"name": "Standard"}, "tags": {OWNER_TAG: mark}, "properties": lists}
        return Document([Step("create", id_, "it does not exist", body=body)], conflicts)
    if not settled(observed):
        return Document([Step("wait", id_, f"it is {state_of(observed)}")], conflicts)
    paths = tuple(path for name in LISTS for path in _list_differs(name, lists[name], have.get(name) or []))
    if not paths and not is_broken(observed):
        return Document([Step("none", id_, "as it should be")], conflicts)
    body = strip(observed, BALANCERS)
    body["properties"] = {**body["properties"], **lists}
    why = f"differs in {', '.join(paths[:5])}" if paths else f"it is {state_of(observed)}: the same PUT repairs it"
    return Document([Step("update", id_, why, body=body, if_match=etag_of(observed), paths=paths)], conflicts)


def _kept(have: Mapping[str, Any], speaking: Iterable[Key], marks: Marks) -> dict[str, list[Any]]:
    """By list, the entries that are not for those who speak to decide on, and what those entries need."""
    speakers = {owner_hash(key) for key in speaking}
    users = [
        user for list_ in _USERS for user in have.get(list_) or () if marks.served_by(str(user["name"])) not in speakers
    ]
    needed = {"/".join(id_.casefold().split("/")[-2:]) for user in users for id_ in _references(user["properties"])}

    def stays(list_: str, entry: Mapping[str, Any]) -> bool:
        name = str(entry["name"])
        if f"{list_}/{name}".casefold() in needed or not marks.is_ours(name):
            return True
        # a public frontend serves all who share its address: it stays while it is needed
        return list_ != "frontendIPConfigurations" and marks.served_by(name) not in speakers

    return {list_: [entry for entry in have.get(list_) or () if stays(list_, entry)] for list_ in LISTS}


def _slot(rule: Mapping[str, Any]) -> tuple[str, str, int]:
    """What a rule occupies: its frontend (by name), protocol and port."""
    properties = rule["properties"]
    frontend = str((properties.get("frontendIPConfiguration") or {}).get("id") or "").rpartition("/")[2]
    return frontend.lower(), str(properties.get("protocol")).upper(), int(properties.get("frontendPort") or 0)


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
