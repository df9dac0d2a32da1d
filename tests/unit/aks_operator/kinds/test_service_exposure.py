"""What an exposure reads out of shared documents, and when it has let go of them."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from aks_operator.cache import Cache
from aks_operator.conditions import Condition
from aks_operator.desired.exposure import BALANCERS, GROUPS, PUBLIC_IPS, service_differs
from aks_operator.desired.zone import RecordShare
from aks_operator.documents.reconciler import Documents, document_key
from aks_operator.documents.shares import DROP, ORPHAN, Result, Shares
from aks_operator.keys import Key
from aks_operator.kinds.base import Cluster
from aks_operator.kinds.exposures.leaving import has_left, let_go
from aks_operator.kinds.exposures.places import Places
from aks_operator.kinds.exposures.status import part
from aks_operator.kinds.exposures.types import TYPES
from aks_operator.marks import OWNER_TAG, Marks
from aks_operator.objects import parse, references
from aks_operator.queue import WorkQueue

if TYPE_CHECKING:
    from aks_operator.accounts import Account, Accounts
    from aks_operator.kinds.base import World

MARKS = Marks("m")
NETWORK = "/subscriptions/s/resourceGroups/shop/providers/Microsoft.Network"
ADDRESS, RECORD = f"{NETWORK}/publicIPAddresses/ip", f"{NETWORK}/dnsZones/shop.example/A/www"
RECORDS = "Microsoft.Network/dnsZones/A"
BALANCER = f"{NETWORK}/loadBalancers/shop-public"
GROUP = "/subscriptions/s/resourceGroups/MC_shop/providers/Microsoft.Network/networkSecurityGroups/aks-nsg"
ACCOUNT = Key("CloudAccount", "ns", "default")
A, B = Key("ServiceExposure", "ns", "a"), Key("ServiceExposure", "ns", "b")
OURS, THEIRS = {OWNER_TAG: "m/ns/shop"}, {OWNER_TAG: "other/ns/shop"}
ENTRY = {"name": MARKS.entry(A, "TCP", 80), "properties": {}}
OTHERS = {"name": MARKS.entry(B, "TCP", 80), "properties": {}}


@dataclass
class Desk:
    shares: Shares
    documents: Documents
    world: "World"

    def left(self, id_: str, said: dict[Key, Any], result: Result | None) -> bool:
        key = document_key(ACCOUNT, id_)
        for owner, share in said.items():
            self.documents.say(ACCOUNT, id_, owner, share)
        if result is not None:
            assert not has_left(self.world, A, key), "not before the document had a turn with what was said"
            self.shares.hear(key)
            self.shares.set_result(key, result)
        return has_left(self.world, A, key)


@pytest.fixture
def desk() -> Desk:
    cache, queue, shares = Cache(references("op")), WorkQueue(lambda: 0.0), Shares()
    documents = Documents(cache, queue, cast("Accounts", SimpleNamespace()), shares, MARKS)
    world = cast("World", SimpleNamespace(documents=documents, shares=shares, marks=MARKS, cache=cache))
    return Desk(shares, documents, world)


def balancer(*rules: dict[str, Any], tags: dict[str, str] = OURS) -> dict[str, Any]:
    return {"id": BALANCER, "tags": tags, "properties": {"loadBalancingRules": list(rules)}}


def group(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"id": GROUP, "properties": {"securityRules": list(rules)}}


def address(tags: dict[str, str] = OURS) -> dict[str, Any]:
    return {"id": ADDRESS, "tags": tags, "properties": {}}


def record(metadata: dict[str, str] = OURS) -> dict[str, Any]:
    return {"id": RECORD, "properties": {"metadata": metadata}}


WISH = RecordShare(("203.0.113.10",), 300, "m/ns/zone")


@pytest.mark.parametrize(
    ("id_", "said", "result", "left"),
    [
        pytest.param(BALANCER, {A: DROP}, None, False, id="never looked at"),
        pytest.param(BALANCER, {A: DROP}, Result(balancer(OTHERS), settled=False), False, id="under way"),
        pytest.param(BALANCER, {A: DROP}, Result(balancer(), True, reason="Throttled"), False, id="failed"),
        pytest.param(BALANCER, {A: DROP}, Result(balancer(ENTRY, OTHERS), True), False, id="still in the balancer"),
        pytest.param(BALANCER, {A: DROP}, Result(balancer(OTHERS), True), True, id="out of the balancer"),
        pytest.param(BALANCER, {A: DROP}, Result(None, True), True, id="the balancer is gone"),
        pytest.param(
            BALANCER,
            {A: DROP},
            Result(balancer(ENTRY, tags=THEIRS), True),
            True,
            id="the balancer is not ours any more",
        ),
        pytest.param(GROUP, {A: DROP}, Result(group(ENTRY), True), False, id="still in the group"),
        pytest.param(GROUP, {A: DROP}, Result(group(OTHERS), True), True, id="out of the group"),
        pytest.param(ADDRESS, {A: DROP}, Result(address(), True), False, id="the address is there"),
        pytest.param(ADDRESS, {A: DROP}, Result(None, True), True, id="the address is gone"),
        pytest.param(ADDRESS, {A: DROP, B: WISH}, Result(address(), True), True, id="another needs the address"),
        pytest.param(ADDRESS, {A: DROP, B: DROP}, Result(address(), True), False, id="another lets go of it too"),
        pytest.param(ADDRESS, {A: ORPHAN}, Result(address(), True), True, id="the address is orphaned"),
        pytest.param(ADDRESS, {A: DROP}, Result(address(THEIRS), True), True, id="the address is not ours any more"),
        pytest.param(RECORD, {A: DROP}, Result(record(), True), False, id="the record is there"),
        pytest.param(RECORD, {A: DROP}, Result(record(THEIRS), True), True, id="the record is not ours any more"),
    ],
)
def test_a_document_was_left_when_it_has_been_seen_without_us(
    desk: Desk, id_: str, said: dict[Key, Any], result: Result | None, left: bool
) -> None:
    assert desk.left(id_, said, result) is left


def exposure(*lines: tuple[str, str], **spec: Any) -> Any:
    status = {"id": BALANCER, "resources": [{"id": i, "type": t, "ready": "True", "reason": "X"} for i, t in lines]}
    full = {"clusterRef": {"name": "shop"}, "type": "LoadBalancer", **spec}
    return parse("ServiceExposure", {"metadata": {"name": "a"}, "spec": full, "status": status})


CLUSTER = Cluster(
    Key("ManagedCluster", "ns", "shop"),
    None,
    cast("Account", SimpleNamespace(key=ACCOUNT, subscription="s")),
    "/subscriptions/s/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/shop",
    ours=True,
    node_group="/subscriptions/s/resourceGroups/MC_shop",
)


async def test_what_was_used_before_is_let_go_of_and_remembered_until_it_is_seen_gone(desk: Desk) -> None:
    former = f"{NETWORK}/publicIPAddresses/old"
    obj = exposure(
        (ADDRESS.upper(), PUBLIC_IPS), (former, PUBLIC_IPS), (RECORD, RECORDS), (BALANCER, BALANCERS), (GROUP, GROUPS)
    )
    places = Places(TYPES["LoadBalancer"], None, ADDRESS, balancer=BALANCER, rules=[GROUP])
    lines = await let_go(desk.world, A, obj, CLUSTER, places)
    assert [(line["id"], line["reason"]) for line in lines] == [(former, "Deleting"), (RECORD, "Deleting")]
    assert desk.shares.of(document_key(ACCOUNT, former)) == {A: DROP}
    assert desk.shares.of(document_key(ACCOUNT, ADDRESS)) == {}
    desk.shares.hear(document_key(ACCOUNT, former))
    desk.shares.set_result(document_key(ACCOUNT, former), Result(None, settled=True))
    assert [line["id"] for line in await let_go(desk.world, A, obj, CLUSTER, places)] == [RECORD]


async def test_an_address_to_be_kept_is_orphaned(desk: Desk) -> None:
    former = f"{NETWORK}/publicIPAddresses/old"
    obj = exposure((former, PUBLIC_IPS), (RECORD, RECORDS), publicIP={"deletionPolicy": "Orphan"})
    places = Places(TYPES["LoadBalancer"], None, ADDRESS, balancer=BALANCER)
    await let_go(desk.world, A, obj, CLUSTER, places)
    assert desk.shares.of(document_key(ACCOUNT, former)) == {A: ORPHAN}
    assert desk.shares.of(document_key(ACCOUNT, RECORD)) == {A: DROP}


@pytest.mark.parametrize(
    ("result", "status", "reason"),
    [
        pytest.param(None, "False", "Creating", id="not looked at yet"),
        pytest.param(Result(None, settled=True), "False", "Creating", id="not there"),
        pytest.param(Result(balancer(), settled=False), "False", "Updating", id="under way"),
        pytest.param(Result(balancer(), False, reason="QuotaExceeded"), "False", "QuotaExceeded", id="refused"),
        pytest.param(
            Result(balancer(ENTRY), True, conflicts={A: "older wins"}), "False", "Conflict", id="ours is refused"
        ),
        pytest.param(
            Result(balancer(ENTRY), True, conflicts={B: "older wins"}), "True", "Succeeded", id="another's is refused"
        ),
        pytest.param(Result(balancer(OTHERS), True), "False", "Updating", id="without our entries"),
        pytest.param(Result(balancer(OTHERS, ENTRY), True), "True", "Succeeded", id="as asked"),
    ],
)
def test_a_part_is_ready_when_its_document_holds_what_we_asked(result: Result | None, status: str, reason: str) -> None:
    entries = [MARKS.entry(A, "TCP", 80)]
    found = part("LoadBalancerReady", A, result, entries, MARKS, ("loadBalancingRules",))
    assert (found.type, found.status, found.reason) == ("LoadBalancerReady", status, reason)
    assert found == Condition("LoadBalancerReady", "True", "Succeeded") or found.message or reason == "QuotaExceeded"


PORTS = [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080}]
SERVICE = {
    "type": "NodePort",
    "selector": {"app": "web"},
    "externalTrafficPolicy": "Cluster",
    "sessionAffinity": "None",
    "ports": PORTS,
}


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        pytest.param({}, False, id="as it should be"),
        pytest.param({"clusterIP": "10.0.0.1", "ipFamilies": ["IPv4"]}, False, id="what Kubernetes adds"),
        pytest.param({"ports": [{**PORTS[0], "nodePort": 30080}]}, False, id="its node port"),
        pytest.param({"ports": [{**PORTS[0], "targetPort": 80}]}, True, id="another target"),
        pytest.param({"ports": []}, True, id="no ports"),
        pytest.param({"selector": {"app": "x"}}, True, id="another selector"),
        pytest.param({"externalTrafficPolicy": "Local"}, True, id="another traffic policy"),
        pytest.param({"type": "LoadBalancer"}, True, id="another type"),
    ],
)
def test_our_service_is_mended_when_what_we_own_of_it_differs(change: dict[str, Any], differs: bool) -> None:
    assert service_differs(SERVICE, {**SERVICE, **change}) is differs
