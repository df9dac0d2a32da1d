"""Nodes as machines: patches, judged by what a node is after them."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from fakecloud.compute import nodes
from fakecloud.compute.drain import leaves
from fakecloud.compute.nodes import Assignment

READY = {
    "conditions": [{"type": "Ready", "status": "True"}],
    "addresses": [{"type": "InternalIP", "address": "10.9.0.2"}],
}
FREE = {"key": "fakecloud.aks-operator.io/free", "effect": "NoSchedule"}
GPU = {"key": "sku", "value": "gpu", "effect": "NoSchedule"}
CLUSTER = "/subscriptions/S/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c"
WANTED = Assignment(
    CLUSTER, "aks-a-1-vmss000000", "10.224.0.4", {"tier": "web", "agentpool": "a"}, ["sku=gpu:NoSchedule"]
)


def node(**more: Any) -> dict[str, Any]:
    """A free worker as the API server shows it."""
    return {
        "metadata": {"name": "worker", "resourceVersion": "7", "labels": {"kubernetes.io/hostname": "worker"}},
        "spec": {"taints": [FREE]},
        "status": READY,
        **more,
    }


def merged(body: Any, patch: Any) -> Any:
    """RFC 7396: a merge patch applied."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(body) if isinstance(body, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def after(body: dict[str, Any], patch: Any) -> dict[str, Any]:
    assert patch is not None
    return dict(merged(copy.deepcopy(body), patch))


def test_a_taken_node_has_the_pools_labels_and_taints_and_is_no_longer_free() -> None:
    body = after(node(), nodes.taken(node(), WANTED))
    assert body["metadata"]["labels"] == {"kubernetes.io/hostname": "worker", "tier": "web", "agentpool": "a"}
    assert body["spec"]["taints"] == [GPU]
    read = nodes.read(body)
    assert (read.cluster, read.machine, read.machine_address) == (CLUSTER, WANTED.machine, WANTED.address)
    assert not read.free
    assert read.address == "10.9.0.2"


def test_what_is_as_wanted_is_not_patched() -> None:
    body = after(node(), nodes.taken(node(), WANTED))
    assert nodes.taken(body, WANTED) is None
    assert nodes.freed(node()) is None


def test_what_a_pool_no_longer_wants_goes_and_what_others_set_stays() -> None:
    body = after(node(), nodes.taken(node(), WANTED))
    body["metadata"]["labels"]["team"] = "theirs"
    body["spec"]["taints"].append({"key": "theirs", "effect": "NoExecute"})
    less = Assignment(CLUSTER, WANTED.machine, WANTED.address, {"agentpool": "a", "new": "1"}, ["new:PreferNoSchedule"])
    body = after(body, nodes.taken(body, less))
    assert body["metadata"]["labels"] == {
        "kubernetes.io/hostname": "worker",
        "team": "theirs",
        "agentpool": "a",
        "new": "1",
    }
    assert body["spec"]["taints"] == [
        {"key": "theirs", "effect": "NoExecute"},
        {"key": "new", "effect": "PreferNoSchedule"},
    ]


def test_a_taints_value_changes_in_its_place() -> None:
    body = after(node(), nodes.taken(node(), WANTED))
    other = Assignment(CLUSTER, WANTED.machine, WANTED.address, WANTED.labels, ["sku=cpu:NoSchedule"])
    assert after(body, nodes.taken(body, other))["spec"]["taints"] == [{**GPU, "value": "cpu"}]


def test_a_freed_node_is_as_it_was_before() -> None:
    body = after(node(), nodes.taken(node(), WANTED))
    body = after(body, nodes.leaving(body))
    assert body["spec"]["unschedulable"] is True
    assert nodes.read(body).leaving
    assert nodes.leaving(body) is None
    body = after(body, nodes.freed(body))
    body["metadata"].pop("annotations")
    assert body == node()


def test_a_node_on_its_way_out_that_is_wanted_again_is_uncordoned() -> None:
    body = after(node(), nodes.taken(node(), WANTED))
    body = after(body, nodes.leaving(body))
    body = after(body, nodes.taken(body, WANTED))
    assert "unschedulable" not in body["spec"]
    assert not nodes.read(body).leaving


def test_somebody_elses_cordon_stays() -> None:
    body = after(node(), nodes.taken(node(), WANTED))
    body["spec"]["unschedulable"] = True
    assert nodes.taken(body, WANTED) is None


def test_a_patch_holds_for_one_version_of_the_node_only() -> None:
    patch = nodes.taken(node(), WANTED)
    assert patch is not None
    assert patch["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize(
    ("changed", "free"),
    [
        ({}, True),
        ({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, False),
        ({"status": {}}, False),
        ({"spec": {}}, False),
        ({"spec": {"taints": [FREE], "unschedulable": True}}, False),
        ({"spec": {"taints": [{**FREE, "effect": "NoExecute"}]}}, False),
    ],
    ids=["free", "lost", "new", "untainted", "cordoned", "another effect"],
)
def test_a_free_machine_is_ready_schedulable_and_tainted(changed: dict[str, Any], free: bool) -> None:
    assert nodes.read(node(**changed)).free is free


def test_garbled_notes_are_taken_for_none() -> None:
    body = node()
    body["metadata"]["annotations"] = {nodes.LABELS: "{", nodes.TAINTS: '{"a": 1}', nodes.CLUSTER: CLUSTER}
    assert nodes.read(after(body, nodes.freed(body))).free


def test_nodes_sort_by_their_numbers() -> None:
    names = ["k-worker10", "k-worker", "k-worker2"]
    read = [nodes.read(node(metadata={"name": name, "resourceVersion": "1"})) for name in names]
    assert [n.name for n in sorted(read, key=lambda n: n.order)] == ["k-worker", "k-worker2", "k-worker10"]


@pytest.mark.parametrize(
    ("text", "taint"),
    [
        ("a=b:NoSchedule", {"key": "a", "value": "b", "effect": "NoSchedule"}),
        ("a:NoExecute", {"key": "a", "effect": "NoExecute"}),
        ("x.io/a=:NoExecute", {"key": "x.io/a", "effect": "NoExecute"}),
    ],
)
def test_taints_are_read_as_arm_writes_them(text: str, taint: dict[str, str]) -> None:
    assert nodes.parse_taint(text) == taint


@pytest.mark.parametrize(
    ("meta", "wanted"),
    [
        ({}, True),
        ({"ownerReferences": [{"kind": "ReplicaSet", "controller": True}]}, True),
        ({"ownerReferences": [{"kind": "DaemonSet", "controller": True}]}, False),
        ({"annotations": {"kubernetes.io/config.mirror": "x"}}, False),
    ],
    ids=["bare", "ReplicaSet", "DaemonSet", "mirror"],
)
def test_a_drain_spares_daemons_and_static_pods(meta: dict[str, Any], wanted: bool) -> None:
    assert leaves({"metadata": meta}) is wanted
