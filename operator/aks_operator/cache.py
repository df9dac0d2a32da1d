"""Our custom resources as last seen, and who refers to whom. Knows neither kopf nor Azure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aks_operator.compact import compact
from aks_operator.keys import Key

ANNOTATION_PREFIX = "aks-operator.io/"


@dataclass(frozen=True)
class Change:
    """What an event brought. `woke`: the object has to be reconciled. `appeared`, `vanished`: others may care too."""

    woke: bool = False
    appeared: bool = False
    vanished: bool = False


NOTHING = Change()


class Cache:
    """Raw bodies by key, as the API server has them but for who wrote which field, which is half of them.

    `references` gives the keys that a body refers to.
    """

    def __init__(self, references: Callable[[Key, Mapping[str, Any]], Iterable[Key]]) -> None:
        self._references = references
        self._bodies: dict[Key, Mapping[str, Any]] = {}
        self._refers_to: dict[Key, frozenset[Key]] = {}
        self._referred_by: dict[Key, set[Key]] = {}

    def __len__(self) -> int:
        return len(self._bodies)

    def get(self, key: Key) -> Mapping[str, Any] | None:
        """The body last seen, None when there is none."""
        return self._bodies.get(key)

    def keys(self, kind: str | None = None) -> Iterator[Key]:
        """All keys, or those of one kind, in the order in which they were first seen."""
        return (key for key in list(self._bodies) if kind is None or key.kind == kind)

    def remember(self, key: Key, body: Mapping[str, Any]) -> Change:
        """Take in a body; says what it changed. One older than what is known changes nothing."""
        known = self._bodies.get(key)
        if known is not None and _same_object(known, body) and _version(body) <= _version(known):
            return NOTHING
        body = self._bodies[key] = _kept(body)
        self._index(key, frozenset(self._references(key, body)))
        if known is None:
            return Change(woke=True, appeared=True)
        if not _same_object(known, body):
            return Change(woke=True, appeared=True, vanished=True)
        return Change(woke=_wakes(known) != _wakes(body))

    def forget(self, key: Key, uid: str | None = None) -> Change:
        """The object is gone; with `uid` only if it is still that one which is known."""
        known = self._bodies.get(key)
        if known is None or (uid is not None and known["metadata"].get("uid") != uid):
            return NOTHING
        del self._bodies[key]
        self._index(key, frozenset())
        return Change(woke=True, vanished=True)

    def prune(self, kind: str, seen: Mapping[Key, Mapping[str, Any]], before: Mapping[Key, str]) -> list[Key]:
        """Drop the objects of `kind` that a full list did not have; returns their keys.

        `before` is `versions(kind)` from before the list began: what was heard of since then stays.
        """
        gone = [
            key
            for key, version in before.items()
            if key.kind == kind
            and key not in seen
            and key in self._bodies
            and _version_text(self._bodies[key]) == version
        ]
        for key in gone:
            self.forget(key)
        return gone

    def versions(self, kind: str) -> dict[Key, str]:
        """The resourceVersion known of each object of one kind."""
        return {key: _version_text(body) for key, body in self._bodies.items() if key.kind == kind}

    def dependents(self, key: Key) -> list[Key]:
        """Who refers to `key`, which need not exist, oldest creation first, then by name."""
        return sorted(self._referred_by.get(key, ()), key=self._age)

    def users(self, key: Key) -> list[Key]:
        """Who refers to `key`, and who refers to those: of an account all that work with it."""
        direct = self.dependents(key)
        return list(dict.fromkeys([*direct, *(other for user in direct for other in self.dependents(user))]))

    def refers_to(self, key: Key) -> frozenset[Key]:
        """Whom `key` refers to."""
        return self._refers_to.get(key, frozenset())

    def _age(self, key: Key) -> tuple[str, Key]:
        body = self._bodies.get(key)
        return (str(body["metadata"].get("creationTimestamp", "")) if body else "", key)

    def _index(self, key: Key, targets: frozenset[Key]) -> None:
        old = self._refers_to.pop(key, frozenset())
        for target in old - targets:
            users = self._referred_by[target]
            users.discard(key)
            if not users:
                del self._referred_by[target]
        for target in targets - old:
            self._referred_by.setdefault(target, set()).add(key)
        if targets:
            self._refers_to[key] = targets


def _kept(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What nobody here reads is not kept, and what recurs is kept once."""
    meta = {field: value for field, value in body["metadata"].items() if field != "managedFields"}
    kept: Mapping[str, Any] = compact({**body, "metadata": meta})
    return kept


def _same_object(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["metadata"].get("uid") == other["metadata"].get("uid"))


def _version_text(body: Mapping[str, Any]) -> str:
    return str(body["metadata"].get("resourceVersion", ""))


def _version(body: Mapping[str, Any]) -> int:
    """Resource versions of one object are comparable integers since Kubernetes 1.35 (KEP-5504), and were in practice before."""
    text = _version_text(body)
    return int(text) if text.isdigit() else 0


def _wakes(body: Mapping[str, Any]) -> tuple[object, ...]:
    """What of a body makes us work: its wishes, not what we wrote into its status ourselves."""
    meta = body["metadata"]
    ours = {k: v for k, v in (meta.get("annotations") or {}).items() if k.startswith(ANNOTATION_PREFIX)}
    return (
        meta.get("generation"),
        meta.get("deletionTimestamp"),
        tuple(meta.get("finalizers") or ()),
        tuple(sorted(ours.items())),
    )
