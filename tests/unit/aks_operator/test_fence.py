"""The fence of an account: what lies inside, and what no way leads out of."""

from typing import Any

import pytest

from aks_operator.fence import Fence
from aks_operator.marks import OWNER_TAG
from aks_operator.observer import Observer
from aks_operator.plan import Resource, Step
from aks_operator.port import Terminal
from aks_operator.session import Session
from tests.unit.aks_operator.arm import Arm, Clock

ADDRESSES = "Microsoft.Network/publicIPAddresses"
CLUSTERS = "Microsoft.ContainerService/managedClusters"
FENCE = Fence("s", "team-a-")
MARK = "m/ns/p"


def id_of(group: str, subscription: str = "s", type_: str = ADDRESSES, name: str = "p") -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{type_}/{name}"


@pytest.mark.parametrize(
    ("id_", "inside"),
    [
        pytest.param(id_of("team-a-shop"), True, id="inside"),
        pytest.param(id_of("TEAM-A-shop"), True, id="ids have no case"),
        pytest.param("/subscriptions/S/resourcegroups/team-a-x", True, id="a group"),
        pytest.param(id_of("team-b-shop"), False, id="another's group"),
        pytest.param(id_of("team-a"), False, id="shorter than the prefix"),
        pytest.param(id_of("x-team-a-shop"), False, id="the prefix in the middle"),
        pytest.param(id_of("team-a-shop", "other"), False, id="another subscription"),
        pytest.param("/subscriptions/s", False, id="the whole subscription"),
        pytest.param(f"{id_of('team-a-shop')}/../../x", False, id="a way up"),
        pytest.param("/subscriptions/s/resourceGroups/team-a-x%2F..%2Fteam-b", False, id="a hidden way up"),
        pytest.param("team-a-shop", False, id="no id"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_what_lies_inside(id_: str, inside: bool) -> None:
    assert FENCE.holds(id_) is inside


@pytest.mark.parametrize(
    "body",
    [
        {"properties": {"outboundIPs": {"publicIPs": [{"id": id_of("team-b")}]}}},
        {"identity": {"userAssignedIdentities": {id_of("team-b"): {}}}},
        {"properties": {"podSubnetID": f" {id_of('team-b')}"}},
        {"properties": {"podSubnetID": id_of("team-b")[1:]}},
        {"properties": {"podSubnetID": id_of("team-b").upper()}},
        [id_of("team-a-x"), id_of("team-a-x", "other")],
    ],
)
def test_a_body_that_names_what_lies_outside(body: Any) -> None:
    assert list(FENCE.outside(body))
    assert not list(Fence("s").outside(body)), "without a prefix others' resources may be named"


def test_a_body_that_stays_inside() -> None:
    assert list(FENCE.outside({"a": [id_of("team-a-x")], "b": "subscription", "c": 3, "d": None})) == []


@pytest.fixture
def arm() -> Arm:
    return Arm(Clock())


def session_of(arm: Arm, fence: Fence = FENCE) -> Session:
    clock = Clock()
    return Session(
        arm, Observer(arm, clock, max_age=60.0), clock=clock, now=lambda: "t", poll_interval=10.0, fence=fence
    )


def wanted(group: str, **body: Any) -> Resource:
    return Resource(id_of(group), ADDRESSES, {"location": "westeurope", **body}, MARK)


@pytest.mark.parametrize(
    "desired",
    [
        pytest.param(wanted("team-b-x"), id="another's group"),
        pytest.param(wanted("team-a-x", properties={"ddosProtectionPlan": {"id": id_of("hub")}}), id="another's plan"),
        pytest.param(Resource(id_of("team-a-x", "other"), ADDRESSES, {}, MARK), id="another subscription"),
    ],
)
async def test_nothing_is_made_outside(arm: Arm, desired: Resource) -> None:
    with pytest.raises(Terminal, match="lies outside") as refused:
        await session_of(arm).converge(desired)
    assert refused.value.code == "NotAllowed"
    assert arm.writes == []


async def test_nothing_is_removed_outside_even_what_was_ours(arm: Arm) -> None:
    id_ = id_of("team-b-x")
    body = {"id": id_, "type": ADDRESSES, "tags": {OWNER_TAG: MARK}, "properties": {}}
    arm.bodies[id_.casefold()] = body
    session = session_of(arm)
    with pytest.raises(Terminal, match="lies outside"):
        await session.remove(id_, ADDRESSES, MARK)
    with pytest.raises(Terminal, match="lies outside"):
        await session.apply(Step("update", id_, "a shared document", body={}), body)
    assert arm.writes == []


def node_group(arm: Arm, name: str, cluster: str | None) -> None:
    id_ = f"/subscriptions/s/resourceGroups/{name}"
    body = {"id": id_, "type": "Microsoft.Resources/resourceGroups", "properties": {}}
    arm.bodies[id_.casefold()] = {**body, **({"managedBy": cluster} if cluster else {})}


@pytest.mark.parametrize(
    ("manager", "may"),
    [
        pytest.param(id_of("team-a-x", type_=CLUSTERS), True, id="of a cluster inside"),
        pytest.param(id_of("team-b-x", type_=CLUSTERS), False, id="of a cluster outside"),
        pytest.param(id_of("team-a-x", "other", type_=CLUSTERS), False, id="of a cluster elsewhere"),
        pytest.param(None, False, id="of nobody"),
    ],
)
async def test_a_node_resource_group_counts_as_its_cluster(arm: Arm, manager: str | None, may: bool) -> None:
    node_group(arm, "MC_x", manager)
    session = session_of(arm)
    if may:
        assert (await session.converge(wanted("MC_x"))).done
        assert arm.writes == [("PUT", id_of("MC_x"))]
    else:
        with pytest.raises(Terminal, match="lies outside"):
            await session.converge(wanted("MC_x"))
        assert arm.writes == []


async def test_without_a_prefix_the_subscription_is_the_fence(arm: Arm) -> None:
    session = session_of(arm, Fence("s"))
    assert (await session.converge(wanted("any", properties={"ddos": {"id": id_of("hub", "other")}}))).done
    with pytest.raises(Terminal, match="only its subscription"):
        await session.converge(Resource(id_of("any", "other"), ADDRESSES, {}, MARK))
