"""The cache of our objects: what wakes, what does not, who refers to whom."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from aks_operator.cache import Cache
from aks_operator.keys import Key

POOL, OTHER, CLUSTER = (
    Key("NodePool", "ns", "pool"),
    Key("NodePool", "ns", "other"),
    Key("ManagedCluster", "ns", "shop"),
)


def refs(key: Key, body: Mapping[str, Any]) -> Iterable[Key]:
    name = body.get("spec", {}).get("clusterRef")
    return [Key("ManagedCluster", key.namespace, name)] if name else []


def body(
    version: int, *, uid: str = "u1", generation: int = 1, spec: dict[str, Any] | None = None, **meta: Any
) -> dict[str, Any]:
    return {
        "metadata": {"uid": uid, "resourceVersion": str(version), "generation": generation, **meta},
        "spec": spec or {"clusterRef": "shop"},
    }


@pytest.fixture
def cache() -> Cache:
    return Cache(refs)


def test_a_new_object_appears_and_wakes(cache: Cache) -> None:
    change = cache.remember(POOL, body(1))
    assert change.woke
    assert change.appeared


@pytest.mark.parametrize(
    ("later", "wakes"),
    [
        (body(2), False),
        ({**body(2), "status": {"id": "x"}}, False),
        (body(2, labels={"a": "b"}), False),
        (body(2, annotations={"example.com/x": "1"}), False),
        (body(2, generation=2), True),
        (body(2, annotations={"aks-operator.io/reconcile-at": "now"}), True),
        (body(2, deletionTimestamp="2026-01-01T00:00:00Z"), True),
        (body(2, finalizers=["x"]), True),
    ],
)
def test_only_wishes_wake(cache: Cache, later: dict[str, Any], wakes: bool) -> None:
    cache.remember(POOL, body(1))
    assert cache.remember(POOL, later).woke is wakes


def test_an_older_body_is_ignored(cache: Cache) -> None:
    cache.remember(POOL, body(10, generation=3))
    assert not cache.remember(POOL, body(9, generation=2)).woke
    known = cache.get(POOL)
    assert known is not None
    assert known["metadata"]["generation"] == 3


def test_another_uid_is_another_object_even_with_an_older_version(cache: Cache) -> None:
    cache.remember(POOL, body(10))
    change = cache.remember(POOL, body(5, uid="u2"))
    assert change.vanished
    assert change.appeared


def test_forgetting_another_objects_uid_forgets_nothing(cache: Cache) -> None:
    cache.remember(POOL, body(1, uid="u2"))
    assert not cache.forget(POOL, "u1").vanished
    assert cache.forget(POOL, "u2").vanished
    assert cache.get(POOL) is None


def test_dependents_are_known_before_their_target_exists_and_gone_with_the_reference(cache: Cache) -> None:
    cache.remember(OTHER, body(1, uid="o", creationTimestamp="2026-01-01T00:00:00Z"))
    cache.remember(POOL, body(2, creationTimestamp="2026-01-02T00:00:00Z"))
    assert cache.dependents(CLUSTER) == [OTHER, POOL], "oldest first"
    cache.remember(OTHER, body(3, uid="o", spec={"clusterRef": "elsewhere"}))
    assert cache.dependents(CLUSTER) == [POOL]
    cache.forget(POOL)
    assert cache.dependents(CLUSTER) == []


def test_pruning_drops_what_a_full_list_did_not_have_unless_it_changed_meanwhile(cache: Cache) -> None:
    cache.remember(POOL, body(1))
    cache.remember(OTHER, body(2, uid="o"))
    before = cache.versions("NodePool")
    cache.remember(OTHER, body(3, uid="o"))
    assert cache.prune("NodePool", {}, before) == [POOL]
    assert list(cache.keys("NodePool")) == [OTHER]
