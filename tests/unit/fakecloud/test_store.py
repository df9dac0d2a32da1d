"""The store: found by key, by prefix and by type, the same after a restart, whatever was written before."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fakecloud.store import RESOURCE, Store

KEYS = st.text(alphabet="aB/é-", min_size=1, max_size=4)
BODIES = st.none() | st.builds(lambda t, n: {"type": t, "n": n}, st.sampled_from(["X/y", "x/Y", "Z/z"]), st.integers())
CHANGES = st.lists(
    st.lists(st.tuples(st.sampled_from([RESOURCE, "group"]), KEYS, BODIES), max_size=4), min_size=1, max_size=8
)


def expected(batches: list[list[tuple[str, str, Any]]]) -> dict[str, dict[str, Any]]:
    """What a plain dict would hold."""
    held: dict[str, dict[str, Any]] = {}
    for kind, key, body in (change for batch in batches for change in batch):
        held.setdefault(kind, {})[key.lower()] = body
    return {kind: {key: body for key, body in some.items() if body is not None} for kind, some in held.items()}


def state(store: Store, prefix: str = "") -> dict[str, Any]:
    """All that is found, in each of the ways."""
    kinds: dict[str, Any] = {kind: list(store.under(kind, prefix)) for kind in (RESOURCE, "group")}
    return {**kinds, **{type_: sorted(b["n"] for b in store.resources(type_)) for type_ in ("x/y", "z/z")}}


@settings(max_examples=50, deadline=None)
@given(before=CHANGES, after=CHANGES)
def test_a_checkpoint_is_restored_whatever_was_written_since_and_outlives_a_restart(
    before: list[list[tuple[str, str, Any]]], after: list[list[tuple[str, str, Any]]]
) -> None:
    with TemporaryDirectory() as directory:
        store = Store(Path(directory))
        for batch in before:
            store.write(batch)
        wanted, checkpoint, version = state(store), store.checkpoint(), store.version
        for _ in range(2):
            for batch in after:
                store.write(batch)
            store.restore(checkpoint)
            assert state(store) == wanted
        assert store.version > version, "whoever waits for changes is told"
        store.drop(checkpoint)
        store.close()
        store = Store(Path(directory))
        assert state(store) == wanted
        store.close()


@settings(max_examples=50, deadline=None)
@given(batches=CHANGES, prefix=st.text(alphabet="aB/é-", max_size=2))
def test_what_was_written_is_found_and_nothing_else(batches: list[list[tuple[str, str, Any]]], prefix: str) -> None:
    held = expected(batches)
    with TemporaryDirectory() as directory:
        store = Store(Path(directory))
        for batch in batches:
            store.write(batch)
        for again in (False, True):
            if again:
                store.close()
                store = Store(Path(directory))
            for kind in (RESOURCE, "group"):
                have = held.get(kind, {})
                under = sorted((k, b) for k, b in have.items() if k.startswith(prefix.lower()))
                assert list(store.under(kind, prefix)) == under
                assert store.count(kind, prefix) == len(under)
                assert all(
                    store.get(kind, key.upper()) == body for key, body in have.items() if key.upper().lower() == key
                )
            for type_ in ("x/y", "Z/Z", "none"):
                wanted = [b for b in held.get(RESOURCE, {}).values() if b["type"].lower() == type_.lower()]
                assert sorted(b["n"] for b in store.resources(type_)) == sorted(b["n"] for b in wanted)
        store.close()
