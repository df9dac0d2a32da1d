"""Marks: what is ours is known by them, and by nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_operator.keys import Key
from aks_operator.marks import CLUSTER_TAG, OWNER_TAG, POOL_TAG, Marks, mark_of, owner_hash, tag_of

AKS = "Microsoft.ContainerService/managedClusters"
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=1, max_size=63)
KEYS = st.builds(Key, st.sampled_from(["ServiceExposure", "NodePool", "ManagedCluster"]), NAMES, NAMES)
PARTS = st.lists(st.sampled_from(["TCP", "UDP", 80, 443, "cidr", "Internet", "Storage.westeurope"]), max_size=2)


@pytest.mark.parametrize(
    ("type_", "tag"),
    [
        (AKS, CLUSTER_TAG),
        (AKS.upper(), CLUSTER_TAG),
        (f"{AKS}/agentPools", POOL_TAG),
        ("Microsoft.Network/publicIPAddresses", OWNER_TAG),
        ("Microsoft.Network/dnsZones/A", OWNER_TAG),
        ("Microsoft.Resources/resourceGroups", OWNER_TAG),
    ],
)
def test_each_type_has_its_own_tag(type_: str, tag: str) -> None:
    assert tag_of(type_) == tag


@pytest.mark.parametrize(
    ("type_", "body", "mark"),
    [
        pytest.param(AKS, {"tags": {CLUSTER_TAG: "m"}}, "m", id="a cluster's"),
        pytest.param(AKS, {"tags": {CLUSTER_TAG.upper(): "m"}}, "m", id="in another case"),
        pytest.param(
            "Microsoft.Network/loadBalancers", {"tags": {CLUSTER_TAG: "m"}}, None, id="copied by AKS from its cluster"
        ),
        pytest.param(f"{AKS}/agentPools", {"properties": {"tags": {POOL_TAG: "m"}}}, "m", id="a pool's"),
        pytest.param(f"{AKS}/agentPools", {"tags": {POOL_TAG: "m"}}, None, id="a pool's in the wrong place"),
        pytest.param(
            "microsoft.network/dnszones/a", {"properties": {"metadata": {OWNER_TAG: "m"}}}, "m", id="a record's"
        ),
        pytest.param("Microsoft.Network/dnsZones", {"tags": {OWNER_TAG: "m"}}, "m", id="a zone's"),
        pytest.param(AKS, {"tags": None}, None, id="no tags"),
        pytest.param(AKS, {}, None, id="nothing"),
        pytest.param(f"{AKS}/agentPools", {"properties": None}, None, id="no properties"),
    ],
)
def test_a_mark_counts_on_its_own_type_and_in_its_own_place(type_: str, body: dict[str, Any], mark: str | None) -> None:
    assert mark_of(body, type_) == mark


@given(management=st.text("abcdef0123456789-", min_size=1, max_size=64), key=KEYS)
def test_a_mark_fits_a_tag_and_names_its_installation(management: str, key: Key) -> None:
    value = Marks(management).value(key)
    assert len(value) <= 256
    assert Marks(management).is_mark(value)
    assert not Marks(management + "0").is_mark(value)
    assert not Marks(management).is_mark(None)
    assert not Marks(management).is_mark(management)


@given(one=KEYS, other=KEYS, parts=PARTS)
def test_an_entry_serves_its_owner_and_nobody_else(one: Key, other: Key, parts: list[object]) -> None:
    marks = Marks("m")
    name = marks.entry(one, *parts)
    assert marks.is_ours(name)
    assert marks.is_ours(name.upper())
    assert marks.serves(name.upper(), one)
    assert marks.serves(name, other) is (one == other)
    assert not Marks("n").is_ours(name)
    assert not Marks("n").serves(name, one)
    assert len(name) <= 80


@pytest.mark.parametrize("name", ["", "web", "aksop", "aksop-", "aksop-00000000-x", "x-aksop-1"])
def test_foreign_entries_are_not_ours(name: str) -> None:
    assert not Marks("m").is_ours(name)


@given(one=KEYS, other=KEYS)
def test_a_hash_tells_owners_apart_and_stays_the_same(one: Key, other: Key) -> None:
    assert (owner_hash(one) == owner_hash(other)) is (one == other)
    assert len(owner_hash(one)) == 10
