"""Desired × observed → steps. Pure: what is printed, shown in status and applied is this very data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aks_operator.armid import looks_like_id
from aks_operator.marks import mark_of, tag_of
from aks_operator.port import Body

Action = Literal["create", "update", "delete", "wait", "refuse", "none"]
TERMINAL_STATES: Final = frozenset({"succeeded", "failed", "canceled"})


class Whole(dict[str, Any]):
    """A map owned whole: what it does not hold must go. (Other maps are owned by key; lists are always owned whole.)"""


@dataclass(frozen=True)
class Resource:
    """One ARM resource as it should be."""

    id: str
    type: str
    body: Body
    """Wire shape, without the mark and the tags."""
    mark: str
    """The ownership mark's value."""
    tags: Mapping[str, str] = field(default_factory=dict)
    creation: Body = field(default_factory=dict)
    """What is sent when it is created and left alone afterwards."""
    never_sent: frozenset[str] = frozenset()
    """Keys of `properties` left out of every later PUT: others own them."""


@dataclass(frozen=True)
class Step:
    """One write, or the reason for none. `paths` are the JSON paths that differ; `why` is for people."""

    action: Action
    id: str
    why: str
    body: Body | None = None
    if_match: str | None = None
    paths: tuple[str, ...] = ()


def plan(desired: Resource, observed: Body | None, *, applied_tags: Sequence[str] = ()) -> Step:
    """The step that brings `observed` to `desired`.

    `applied_tags` are the tag keys that we set before: those no longer wanted are removed, all others stay.
    """
    tags = {**desired.tags, **({} if _marks_elsewhere(desired.type) else {tag_of(desired.type): desired.mark})}
    if observed is None:
        body = overlay(desired.creation, desired.body)
        if tags:
            body["tags"] = tags
        return Step("create", desired.id, "it does not exist", body=body)
    if mark_of(observed, desired.type) != desired.mark:
        return Step("refuse", desired.id, "it exists and does not carry our mark: delete it, or choose another name")
    if not settled(observed):
        return Step("wait", desired.id, f"it is {state_of(observed)}")
    want: dict[str, Any] = {**desired.body, **({"tags": tags} if tags else {})}
    paths = tuple(differing(want, observed))
    dropped = tuple(f"tags.{key}" for key in (observed.get("tags") or {}) if key in applied_tags and key not in tags)
    repair = state_of(observed) in {"Failed", "Canceled"}
    if not (paths or dropped or repair):
        return Step("none", desired.id, "as it should be")
    body = overlay(strip(observed, desired.type, desired.never_sent), want)
    for path in dropped:
        body["tags"].pop(path.removeprefix("tags."), None)
    why = (
        f"differs in {', '.join((*paths, *dropped))}"
        if paths or dropped
        else f"it is {state_of(observed)}: the same PUT repairs it"
    )
    return Step("update", desired.id, why, body=body, if_match=etag_of(observed), paths=(*paths, *dropped))


def plan_deletion(id_: str, type_: str, observed: Body | None, mark: str) -> Step:
    """The step that removes what is ours. What does not carry `mark` stays, and counts as gone for us."""
    if observed is None:
        return Step("none", id_, "it is gone")
    if mark_of(observed, type_) != mark:
        return Step("none", id_, "it does not carry our mark: it stays")
    if state_of(observed) == "Deleting":
        return Step("wait", id_, "it is being deleted")
    return Step("delete", id_, "its object was deleted")


def differing(want: Any, have: Any, path: str = "") -> Iterator[str]:
    """JSON paths where `have` does not carry what `want` asks; what only `have` holds is the cloud's own."""
    if isinstance(want, Mapping):
        held: Mapping[str, Any] = have if isinstance(have, Mapping) else {}
        for key, value in want.items():
            yield from differing(value, held.get(key), f"{path}.{key}" if path else key)
        if isinstance(want, Whole):
            yield from (f"{path}.{key}" for key in held if key not in want)
    elif isinstance(want, list) and isinstance(have, list) and len(want) == len(have):
        for i, (w, h) in enumerate(zip(_ordered(want), _ordered(have), strict=True)):
            yield from differing(w, h, f"{path}[{i}]")
    elif not _equal(want, have, path):
        yield path


def overlay(base: Body, owned: Body) -> dict[str, Any]:
    """`base` with the paths of `owned` laid over it: maps by key, but `Whole` maps and lists as they are."""
    merged = dict(base)
    for key, value in owned.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and not isinstance(value, Whole):
            merged[key] = overlay(below, value)
        else:
            merged[key] = dict(value) if isinstance(value, Mapping) else value
    return merged


def state_of(body: Body) -> str:
    """The provisioning state as ARM spells it, "" where the type has none."""
    return str((body.get("properties") or {}).get("provisioningState") or "")


def settled(body: Body) -> bool:
    """Whether nothing is under way on the resource."""
    state = state_of(body)
    return not state or state.lower() in TERMINAL_STATES


def etag_of(body: Body) -> str | None:
    """The etag, wherever this type keeps it; None where it has none."""
    found = body.get("etag") or body.get("eTag") or (body.get("properties") or {}).get("eTag")
    return str(found) if found else None


_READ_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"provisioningState", "resourceGuid"}),
    "microsoft.containerservice/managedclusters": frozenset(
        {
            "powerState",
            "maxAgentPools",
            "currentKubernetesVersion",
            "fqdn",
            "privateFQDN",
            "azurePortalFQDN",
            "resourceUID",
        }
    ),
    "microsoft.containerservice/managedclusters/agentpools": frozenset({"currentOrchestratorVersion", "eTag"}),
    "microsoft.network/publicipaddresses": frozenset({"ipConfiguration"}),
    "microsoft.network/networksecuritygroups": frozenset({"defaultSecurityRules", "networkInterfaces", "subnets"}),
    "microsoft.network/dnszones": frozenset({"nameServers", "numberOfRecordSets", "maxNumberOfRecordSets", "zoneType"}),
}
"""Read-only keys of `properties` by type (arm-facts §5 and the SDK's models); "" holds those of every type."""

_READ_ONLY_TOP: Final = frozenset({"id", "name", "type", "etag", "eTag", "systemData"})


def strip(body: Body, type_: str, never_sent: frozenset[str] = frozenset()) -> dict[str, Any]:
    """`body` as it may be sent back: without what only the server writes, and without `never_sent`."""
    drop = _READ_ONLY[""] | _READ_ONLY.get(type_.lower(), frozenset()) | never_sent
    kept = {key: value for key, value in body.items() if key not in _READ_ONLY_TOP}
    if isinstance(kept.get("properties"), Mapping):
        kept["properties"] = {key: value for key, value in kept["properties"].items() if key not in drop}
    identity = kept.get("identity")
    if isinstance(identity, Mapping):
        kept["identity"] = {key: value for key, value in identity.items() if key not in {"principalId", "tenantId"}}
    return kept


def _equal(want: Any, have: Any, path: str) -> bool:
    if want is None:
        return True
    if isinstance(want, list) or isinstance(have, list):
        return not want and not have
    if isinstance(want, str) and isinstance(have, str):
        if looks_like_id(want) or looks_like_id(have):
            return want.casefold() == have.casefold()
        if path == "location":
            return want.replace(" ", "").casefold() == have.replace(" ", "").casefold()
    return bool(want == have)


def _ordered(items: list[Any]) -> list[Any]:
    """Named entries by name, plain strings sorted: their order means nothing to ARM."""
    if items and all(isinstance(item, Mapping) and "name" in item for item in items):
        return sorted(items, key=lambda item: str(item["name"]).casefold())
    return sorted(items) if items and all(isinstance(item, str) for item in items) else items


def _marks_elsewhere(type_: str) -> bool:
    """Record sets and agent pools have no top-level tags: their mark is part of the body's properties."""
    return type_.lower().startswith("microsoft.network/dnszones/") or type_.lower().endswith("/agentpools")
