"""Kubernetes nodes as machines: what a node says of itself, and the patches that take, change and free it. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]
PREFIX: Final = "fakecloud.aks-operator.io/"
FREE: Final = {"key": f"{PREFIX}free", "effect": "NoSchedule"}
"""The taint of a worker that no pool has."""
CLUSTER, MACHINE, ADDRESS = f"{PREFIX}cluster", f"{PREFIX}machine", f"{PREFIX}address"
LABELS, TAINTS, LEAVING = f"{PREFIX}labels", f"{PREFIX}taints", f"{PREFIX}leaving"
_CONTROL_PLANE: Final = "node-role.kubernetes.io/control-plane"


@dataclass(frozen=True)
class Assignment:
    """What a taken node is: which machine of which cluster, and what its pool wants on it."""

    cluster: str
    machine: str
    address: str
    labels: Mapping[str, str]
    taints: Sequence[str]
    """As ARM writes them, "key=value:Effect"."""


@dataclass(frozen=True)
class Node:
    """What we need to know of a node; all that we remember is on the node itself."""

    name: str
    version: int
    """resourceVersion: a larger one is newer."""
    address: str
    """InternalIP; empty when it has none."""
    ready: bool
    free: bool
    """Whether it may be taken now."""
    control_plane: bool
    cluster: str
    """ARM id; empty when it is nobody's."""
    machine: str
    machine_address: str
    leaving: bool
    """Whether it is being drained."""

    @property
    def order(self) -> tuple[str | int, ...]:
        """Sorts worker2 before worker10."""
        return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", self.name))


def read(node: Json) -> Node:
    """The node that the API server shows."""
    meta, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    notes = meta.get("annotations") or {}
    addresses = {a["type"]: a["address"] for a in reversed(status.get("addresses") or ()) if ":" not in a["address"]}
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ())
    tainted = any(_same(taint, FREE) for taint in spec.get("taints") or ())
    return Node(
        name=meta["name"],
        version=int(meta["resourceVersion"]),
        address=addresses.get("InternalIP", ""),
        ready=ready,
        free=tainted and ready and not spec.get("unschedulable") and MACHINE not in notes,
        control_plane=_CONTROL_PLANE in (meta.get("labels") or {}),
        cluster=notes.get(CLUSTER, ""),
        machine=notes.get(MACHINE, ""),
        machine_address=notes.get(ADDRESS, ""),
        leaving=LEAVING in notes,
    )


def taken(node: Json, wanted: Assignment) -> Json | None:
    """The merge patch after which `node` is `wanted`, None when it is already: what a pool no longer wants goes too."""
    had, taints = _ours(node), [parse_taint(text) for text in wanted.taints]
    notes: dict[str, str | None] = {
        CLUSTER: wanted.cluster,
        MACHINE: wanted.machine,
        ADDRESS: wanted.address,
        LABELS: json.dumps(dict(wanted.labels), sort_keys=True),
        TAINTS: json.dumps(taints, sort_keys=True),
    }
    spec: Json = {"taints": _without(node, [*had.taints, FREE, *taints]) + taints}
    if LEAVING in (node["metadata"].get("annotations") or {}):  # it was on its way out: only then is the cordon ours
        notes[LEAVING] = None
        spec["unschedulable"] = None
    return _patch(node, {**dict.fromkeys(had.labels), **wanted.labels}, notes, spec)


def leaving(node: Json) -> Json | None:
    """The merge patch that cordons a node before it is drained, None when it is."""
    return _patch(node, {}, {LEAVING: "true"}, {"unschedulable": True})


def freed(node: Json) -> Json | None:
    """The merge patch that strips a node of all that we put there, and offers it again; None when that is so."""
    had = _ours(node)
    notes = dict.fromkeys((CLUSTER, MACHINE, ADDRESS, LABELS, TAINTS, LEAVING))
    spec = {"taints": [*_without(node, [*had.taints, FREE]), FREE], "unschedulable": None}
    return _patch(node, dict.fromkeys(had.labels), notes, spec)


def parse_taint(text: str) -> Json:
    """A taint in Kubernetes' form, of ARM's "key=value:Effect" or "key:Effect"."""
    left, _, effect = text.rpartition(":")
    key, _, value = left.partition("=")
    return {"key": key, "effect": effect, **({"value": value} if value else {})}


@dataclass(frozen=True)
class _Ours:
    labels: Mapping[str, str]
    taints: Sequence[Json]


def _ours(node: Json) -> _Ours:
    """What we set on the node, by its own account; what somebody garbled there is nothing."""
    notes = node["metadata"].get("annotations") or {}
    labels, taints = _parsed(notes.get(LABELS), {}), _parsed(notes.get(TAINTS), [])
    return _Ours(labels, [taint for taint in taints if isinstance(taint, dict) and taint.keys() >= {"key", "effect"}])


def _parsed(text: str | None, empty: Any) -> Any:
    try:
        found = json.loads(text or "")
    except ValueError:
        return empty
    return found if isinstance(found, type(empty)) else empty


def _without(node: Json, gone: Sequence[Json]) -> list[Json]:
    have: list[Json] = (node.get("spec") or {}).get("taints") or []
    return [taint for taint in have if not any(_same(taint, other) for other in gone)]


def _same(one: Json, other: Json) -> bool:
    """Kubernetes tells taints apart by key and effect."""
    return bool(one["key"] == other["key"] and one["effect"] == other["effect"])


def _patch(
    node: Json, labels: Mapping[str, str | None], notes: Mapping[str, str | None], spec: Mapping[str, Any]
) -> Json | None:
    """A merge patch with what differs; it holds only for the version that it was made from."""
    meta, have = node["metadata"], node.get("spec") or {}
    changed: Json = {}
    for key, wanted in (("labels", labels), ("annotations", notes)):
        current = meta.get(key) or {}
        if differing := {k: v for k, v in wanted.items() if current.get(k) != v}:
            changed.setdefault("metadata", {})[key] = differing
    if differing := {k: v for k, v in spec.items() if (have.get(k) or None) != (v or None)}:
        changed["spec"] = differing
    if not changed:
        return None
    changed.setdefault("metadata", {})["resourceVersion"] = meta["resourceVersion"]
    return changed
