"""Our rules in a network security group as all who share it ask. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from aks_operator.desired.security import PRIORITIES, security_rules
from aks_operator.documents.planning import Document
from aks_operator.documents.shares import Share, is_wish
from aks_operator.keys import Key
from aks_operator.marks import Marks, owner_hash
from aks_operator.plan import Action, Step, differing, is_broken
from aks_operator.port import Body, Terminal


def rules(
    id_: str, observed: Body | None, shares: Mapping[Key, Share], silent: Iterable[Key], marks: Marks
) -> Document:
    """Our rules in a network security group: child PUTs and DELETEs.

    Foreign rules are never touched, nor are those of ours that serve somebody of whom nothing is known: an exposure that has
    not spoken yet, or one that is gone and left them (`deletionPolicy: Orphan`).
    """
    if observed is None:
        return Document([Step("none", id_, "the group is gone, and our rules with it")])
    have = {str(r["name"]).casefold(): r for r in (observed.get("properties") or {}).get("securityRules") or ()}
    used = {int(r["properties"]["priority"]) for r in have.values() if r["properties"].get("direction") == "Inbound"}
    wanted: dict[str, dict[str, Any]] = {}
    for key, share in shares.items():
        if is_wish(share):
            wanted |= {rule["name"]: rule for rule in security_rules(key, share, marks)}
    speakers = {owner_hash(key) for key in shares}
    steps = []
    for name, rule in have.items():
        if name not in wanted and marks.served_by(name) in speakers:
            steps.append(Step("delete", f"{id_}/securityRules/{rule['name']}", "nobody asks for it any more"))
    for name, rule in wanted.items():
        found = have.get(name.casefold())
        there = found["properties"] if found else {}
        paths = tuple(differing(rule["properties"], there, "properties")) if found else ()
        priority = there.get("priority")
        if priority not in PRIORITIES:  # chosen once, and kept
            priority = next((p for p in PRIORITIES if p not in used), None)
            if priority is None:
                raise Terminal(
                    f"no priority is free between {PRIORITIES.start} and {PRIORITIES.stop - 1}: remove rules",
                    code="QuotaExceeded",
                )
            used.add(priority)
            paths = (*paths, "properties.priority")
        broken = found is not None and is_broken(found)
        if not paths and not broken:
            continue
        why = "it does not exist" if found is None else f"differs in {', '.join(paths)}"
        if broken and not paths:
            why = f"it is {there['provisioningState']}: the same PUT repairs it"
        body = {"properties": {**rule["properties"], "priority": priority}}
        action: Action = "update" if found else "create"
        steps.append(Step(action, f"{id_}/securityRules/{name}", why, body=body, paths=paths if found else ()))
    return Document(steps or [Step("none", id_, "as it should be")])
