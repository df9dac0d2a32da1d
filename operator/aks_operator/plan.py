"""Desired × observed → steps. Pure: what is printed, shown in status and applied is this very data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aks_operator.armid import looks_like_id
from aks_operator.marks import MARK_TAGS, mark_of, tag_of, tags_of, tags_path
from aks_operator.port import Body

Action = Literal["create", "update", "delete", "wait", "refuse", "none"]
TERMINAL_STATES: Final = frozenset({"succeeded", "failed", "canceled"})
_BROKEN: Final = frozenset({"failed", "canceled"})


class Whole(dict[str, Any]):
    """A map owned whole: what it does not hold must go. (Other maps are owned by key; lists are always owned whole.)"""


@dataclass(frozen=True)
class Resource:
    """One ARM resource as it should be."""

    id: str
    type: str
    body: Body
    """Wire shape, without the mark and the tags, whose place depends on the type. None says nothing of a path."""
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
    if observed is None:
        body = overlay(overlay(desired.creation, desired.body), _tagged(desired, {}))
        return Step("create", desired.id, "it does not exist", body=body)
    if mark_of(observed, desired.type) != desired.mark:
        return Step("refuse", desired.id, "it exists and does not carry our mark: delete it, or choose another name")
    if not settled(observed):
        return Step("wait", desired.id, f"it is {state_of(observed)}")
    carried, at = tags_of(observed, desired.type), tags_path(desired.type)
    tagged = _tagged(desired, carried)
    kept = {key.casefold() for key in _at(tagged, at)}
    left = {key.casefold() for key in applied_tags} - kept
    dropped = [key for key in carried if key.casefold() in left]
    want = overlay(desired.body, tagged)
    paths = (*differing(want, observed), *(".".join((*at, key)) for key in dropped))
    repair = is_broken(observed)
    if not (paths or repair):
        return Step("none", desired.id, "as it should be")
    body = overlay(strip(observed, desired.type, desired.never_sent), want)
    for key in dropped:
        del _at(body, at)[key]
    why = f"differs in {', '.join(paths)}" if paths else f"it is {state_of(observed)}: the same PUT repairs it"
    return Step("update", desired.id, why, body=body, if_match=etag_of(observed), paths=paths)


def _tagged(desired: Resource, carried: Mapping[str, Any]) -> dict[str, Any]:
    """The tags and the mark, at their place in the body. ARM's tag names have no case: one that is there keeps its own."""
    spelt = {key.casefold(): key for key in carried}
    tags = {key: value for key, value in desired.tags.items() if key.casefold() not in MARK_TAGS}
    tags[tag_of(desired.type)] = desired.mark
    body: dict[str, Any] = {spelt.get(key.casefold(), key): value for key, value in tags.items()}
    for part in reversed(tags_path(desired.type)):
        body = {part: body}
    return body


def _at(body: Mapping[str, Any], path: Iterable[str]) -> Any:
    for part in path:
        body = body[part]
    return body


def plan_deletion(id_: str, type_: str, observed: Body | None, mark: str) -> Step:
    """The step that removes what is ours. What does not carry `mark` stays, and counts as gone for us."""
    if observed is None:
        return Step("none", id_, "it is gone")
    if mark_of(observed, type_) != mark:
        return Step("none", id_, "it does not carry our mark: it stays")
    if state_of(observed).casefold() == "deleting":
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
    """`base` with the paths of `owned` laid over it: maps by key, but `Whole` maps and lists as they are.

    None says nothing: what is there stays, and null is never sent.
    """
    merged = dict(base)
    for key, value in owned.items():
        below = merged.get(key)
        if value is None:
            continue
        if isinstance(value, Whole):
            merged[key] = Whole(value)
        elif isinstance(value, Mapping):
            laid = overlay(below if isinstance(below, Mapping) else {}, value)
            if laid or below is None:
                merged[key] = laid
        else:
            merged[key] = value
    return merged


def state_of(body: Body) -> str:
    """The provisioning state as ARM spells it, "" where the type has none."""
    return str((body.get("properties") or {}).get("provisioningState") or "")


def settled(body: Body) -> bool:
    """Whether nothing is under way on the resource."""
    state = state_of(body)
    return not state or state.lower() in TERMINAL_STATES


def is_broken(body: Body) -> bool:
    """Whether the last operation on the resource failed: the same PUT repairs it."""
    return state_of(body).casefold() in _BROKEN


def etag_of(body: Body) -> str | None:
    """The etag, wherever this type keeps it; None where it has none."""
    found = body.get("etag") or body.get("eTag") or (body.get("properties") or {}).get("eTag")
    return str(found) if found else None


_READ_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"provisioningState", "resourceGuid"}),
    "microsoft.containerservice/managedclusters": frozenset(
        {
            "addonProfiles.*.identity",
            "azurePortalFQDN",
            "currentKubernetesVersion",
            "fqdn",
            "ingressProfile.webAppRouting.identity",
            "maxAgentPools",
            "networkProfile.loadBalancerProfile.effectiveOutboundIPs",
            "networkProfile.natGatewayProfile.effectiveOutboundIPs",
            "oidcIssuerProfile.issuerURL",
            "podIdentityProfile.userAssignedIdentities.provisioningInfo",
            "podIdentityProfile.userAssignedIdentities.provisioningState",
            "powerState",
            "privateFQDN",
            "privateLinkResources.privateLinkServiceID",
            "resourceUID",
            "status.provisioningError",
        }
    ),
    "microsoft.containerservice/managedclusters/agentpools": frozenset(
        {"currentOrchestratorVersion", "eTag", "localDNSProfile.state", "status.provisioningError"}
    ),
    "microsoft.network/publicipaddresses": frozenset({"ipConfiguration", "upgradedToV2"}),
    "microsoft.network/networksecuritygroups": frozenset(
        {"defaultSecurityRules", "flowLogs", "networkInterfaces", "subnets"}
    ),
    "microsoft.network/dnszones": frozenset(
        {"maxNumberOfRecordSets", "maxNumberOfRecordsPerRecordSet", "nameServers", "numberOfRecordSets", "zoneType"}
    ),
    "microsoft.network/dnszones/a": frozenset({"fqdn"}),
    "microsoft.network/dnszones/cname": frozenset({"fqdn"}),
}
"""Read-only paths of `properties` by type, as the SDK's models have them; "" holds those of every type. `*` is any key,
and a list's entries are meant each.
"""

_READ_ONLY_TOP: Final = frozenset({"id", "name", "type", "etag", "eTag", "systemData"})
_READ_ONLY_IDENTITY: Final = (
    ("principalId",),
    ("tenantId",),
    ("userAssignedIdentities", "*", "clientId"),
    ("userAssignedIdentities", "*", "principalId"),
)


def strip(body: Body, type_: str, never_sent: frozenset[str] = frozenset()) -> dict[str, Any]:
    """`body` as it may be sent back: without what only the server writes, and without `never_sent`."""
    drop = _READ_ONLY[""] | _READ_ONLY.get(type_.lower(), frozenset()) | never_sent
    kept = {key: value for key, value in body.items() if key not in _READ_ONLY_TOP}
    if isinstance(kept.get("properties"), Mapping):
        kept["properties"] = _without(kept["properties"], [tuple(path.split(".")) for path in drop])
    if isinstance(kept.get("identity"), Mapping):
        kept["identity"] = _without(kept["identity"], _READ_ONLY_IDENTITY)
    return kept


def _without(value: Any, paths: Sequence[tuple[str, ...]]) -> Any:
    if not paths:
        return value
    if isinstance(value, list):
        return [_without(entry, paths) for entry in value]
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for key, below in value.items():
        rest = [path[1:] for path in paths if path[0] in {key, "*"}]
        if () not in rest:
            kept[key] = _without(below, rest)
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
    """Named entries by name, references by id, plain strings sorted: their order and their case mean nothing to ARM."""
    for key in ("name", "id"):
        if items and all(isinstance(item, Mapping) and key in item for item in items):
            return sorted(items, key=lambda item: str(item[key]).casefold())
    return (
        sorted(items, key=lambda item: (item.casefold(), item))
        if items and all(isinstance(item, str) for item in items)
        else items
    )
