"""An operator that is killed at any moment, another that takes over: nothing is made twice, and the end is the same."""

import time
from collections.abc import Iterator

import pytest

from tests.cluster.api import Api, Json, path_of
from tests.cluster.office import Office
from tests.cluster.operators import Operator
from tests.contract import bodies
from tests.contract.cloud import Arm, Cloud, until

LEASE = 4.0
"""Seconds that a Lease holds here after its holder was killed."""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud 40 times faster than Azure: a cluster takes 6 s, so that an operator can die meanwhile."""
    cloud = Cloud(tmp_path_factory.mktemp("slow"), "40")
    made = Arm(cloud)
    yield made
    made.close()
    cloud.stop()


@pytest.fixture(scope="module")
def office(api: Api, slow: Arm, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    with Office(api, slow, kubeconfig, folder, desks=4, lease_seconds=LEASE, pod_uid="one") as made:
        made.operator.start()
        yield made


def die(operator: Operator) -> None:
    """Killed, and started again: it is the same pod, so its Lease is its own."""
    operator.kill()
    operator.start()


def test_killed_at_each_step_of_a_life_it_makes_nothing_twice(office: Office) -> None:
    desk, operator = office.desk(), office.operator
    cluster = desk.arm_id(bodies.CLUSTERS, "shop")
    pool = f"{cluster}/agentPools/web"

    def dies_while(what: str) -> None:
        """The write was taken, and its operation is under way."""
        until(f"{what} is written", lambda: desk.writes(what) or None)
        die(operator)

    desk.pool()
    desk.pool("web")
    desk.cluster()
    dies_while("/managedclusters/shop")
    desk.ready("ManagedCluster", "shop")
    dies_while("/agentpools/web")
    desk.ready("NodePool", "web")
    assert [w.rpartition("/")[2] for w in desk.writes("/managedclusters/")] == ["shop", "web"]

    desk.mark()
    desk.scale("web", 3)
    dies_while("/agentpools/web")
    desk.ready("NodePool", "web")
    assert len(desk.writes()) == 1
    assert (desk.seen(pool) or {})["properties"]["count"] == 3

    desk.mark()
    desk.edit("ManagedCluster", "shop", tags={"ours": "1"})
    dies_while("/managedclusters/shop")
    desk.ready("ManagedCluster", "shop")
    assert len(desk.writes()) == 1

    desk.mark()
    desk.delete("NodePool", "web")
    dies_while("/agentpools/web")
    desk.gone("NodePool", "web")
    assert len(desk.writes()) == 1

    desk.mark()
    desk.delete("ManagedCluster", "shop")
    desk.delete("NodePool", "system")
    dies_while("/managedclusters/shop")
    desk.gone("ManagedCluster", "shop", 40)
    desk.gone("NodePool", "system")
    assert len(desk.writes()) == 1
    assert desk.left() == []
    assert operator.errors() == []


def test_an_account_that_goes_with_its_users_goes_on_after_a_restart(office: Office) -> None:
    desk = office.desk()
    desk.zone()
    desk.ready("DNSZone", "zone")
    desk.delete("CloudAccount", "default")
    desk.refused("CloudAccount", "default", "Blocked")
    die(office.operator)
    desk.delete("DNSZone", "zone")
    desk.gone("DNSZone", "zone")
    desk.gone("CloudAccount", "default")
    assert desk.left() == []


def test_a_url_that_somebody_put_into_a_status_is_not_asked(office: Office) -> None:
    desk, operator = office.desk(), office.operator
    desk.zone()
    zone = desk.ready("DNSZone", "zone")["status"]["id"]
    elsewhere = (
        "/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.Network/locations/l/operations/x"
    )
    urls = [
        f"https://localhost:1{elsewhere}",
        f"{desk.arm.cloud.endpoint}{elsewhere}",
        "nonsense",
        "file:///etc/passwd",
    ]
    for url in urls:
        operation = {"resource": zone, "kind": "update", "startedAt": "2026-01-01T00:00:00Z", "url": url}
        status = {"status": {"operations": [operation]}}
        desk.api.merge(path_of("DNSZone", desk.namespace, "zone") + "/status", status)
        desk.annotate("DNSZone", "zone", reconcile_at=url[-9:])
        until("it is dropped", lambda: "operations" not in desk.get("DNSZone", "zone")["status"] or None)
        assert [e for e in desk.asked("/operations/") if "11111111-2222" in e] == []
    assert operator.count("aks_operator_arm_requests_total") > 0
    assert not [labels for labels in operator.metrics("aks_operator_arm_requests_total") if "none" in labels]


def test_a_standby_is_ready_and_takes_over_when_the_leader_goes_or_dies(office: Office, api: Api) -> None:
    desk, first = office.desk(), office.operator
    second = Operator.beside(first, pod_uid="two")
    second.start(leading=False)
    try:
        assert second.get("/healthz") == second.get("/readyz") == "ok"
        assert (first.count("aks_operator_leader"), second.count("aks_operator_leader")) == (1, 0)
        desk.ready("CloudAccount", "default")

        began = time.monotonic()
        assert first.stop() == 0
        until("the other leads", lambda: second.count("aks_operator_leader") == 1 or None)
        assert time.monotonic() - began < LEASE, "it was told at once"
        desk.zone("a", zone=f"a.{desk.namespace}.example")
        desk.ready("DNSZone", "a")

        first.start(leading=False)
        second.kill()
        began = time.monotonic()
        until("the first leads again", lambda: first.count("aks_operator_leader") == 1 or None)
        assert time.monotonic() - began < 2 * LEASE
        desk.zone("b", zone=f"b.{desk.namespace}.example")
        desk.ready("DNSZone", "b")
        assert holder(api, office) == "one"
    finally:
        second.stop()


def holder(api: Api, office: Office) -> str:
    lease: Json | None = api.get(f"/apis/coordination.k8s.io/v1/namespaces/{office.home}/leases/aks-operator")
    assert lease is not None
    return str(lease["spec"]["holderIdentity"])
