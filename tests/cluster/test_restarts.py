"""An operator that is killed at any moment, another that takes over: nothing is made twice, and the end is the same."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.api import Api, Json, path_of
from tests.cluster.lives import AGENT
from tests.cluster.office import Office
from tests.cluster.operators import Operator
from tests.contract import bodies
from tests.contract.cloud import Arm, Cloud, until
from tests.levers import Levers, delay

LEASE = 4.0
"""Seconds that a Lease holds here after its holder was killed."""
ON_ITS_WAY = 0.3
"""Seconds for which a write is on its way: an operator that is killed then has not heard of it when the next one starts."""
LOOKS = 10
"""Requests after which a new process has seen what there is."""
WRITTEN = (
    bodies.ZONES,
    bodies.ADDRESSES,
    bodies.BALANCERS,
    f"{bodies.SECURITY_GROUPS}/securityRules",
    f"{bodies.ZONES}/A",
)
"""What an exposure with a name needs."""


@pytest.fixture(scope="module")
def slow(kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud 40 times faster than Azure: a cluster takes 6 s, so that an operator can die meanwhile."""
    cloud = Cloud(tmp_path_factory.mktemp("slow"), "40", "--levers", "--kubeconfig", kubeconfig)
    made = Arm(cloud)
    yield made
    made.close()
    cloud.stop()


@pytest.fixture(scope="module")
def office(api: Api, slow: Arm, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    with Office(api, slow, kubeconfig, folder, desks=5, lease_seconds=LEASE, pod_uid="one") as made:
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


@pytest.mark.timeout(240)
def test_killed_at_each_write_of_an_exposure_and_its_zone_it_makes_nothing_twice(office: Office) -> None:
    """Killed with a write on its way: Azure takes it, and its operation's URL is known to nobody."""
    desk, operator, levers = office.desk(), office.operator, Levers(office.arm.cloud)
    desk.pool()
    desk.cluster()
    desk.ready("ManagedCluster", "shop")

    def killed_at_each(method: str, act: Callable[[], None], end: Callable[[], None]) -> list[str]:
        """The writes of `act`, each of which the operator began and did not live to see taken."""
        desk.mark()
        rules = [levers.fault(delay(ON_ITS_WAY), method=method, type_=type_, agent=AGENT) for type_ in WRITTEN]
        levers.stop()
        act()
        struck = 0
        while struck < len(rules):

            def more(before: int = struck) -> int | None:
                now = sum(levers.standing()[rule].struck for rule in rules)
                if now == before:
                    levers.idle()  # what was begun before ends
                return now if now > before else None

            struck = until("the next write is on its way", more, pause=0.05)
            operator.kill()
            asked = desk.requests()
            operator.start()
            until("it looked at Azure", lambda asked=asked: desk.requests() > asked + LOOKS or None)  # type: ignore[misc]  # bound at once
        levers.lift()
        levers.run()
        end()
        refused = [line for line in desk.refusals() if not line.endswith(" 429")]  # Network is busy with what it names
        assert refused == []
        assert operator.errors() == []
        return sorted(line.partition("/providers/")[2] for line in desk.writes("/providers/"))

    def declare() -> None:
        desk.zone()
        backend = {"namespace": "default", "selector": {"app": "web"}}
        dns = {"zoneRef": {"name": "zone"}, "name": "www"}
        desk.exposure(backend=backend, dns=dns, publicIP={"name": "shop-ip"})

    def change() -> None:
        desk.edit("DNSZone", "zone", tags={"team": "web"})
        dns = {"zoneRef": {"name": "zone"}, "name": "www", "ttlSeconds": 60}
        desk.edit("ServiceExposure", "web", idleTimeoutMinutes=10, allowedSources=["192.0.2.0/24"], dns=dns)

    def remove() -> None:
        desk.delete("DNSZone", "zone")
        desk.delete("ServiceExposure", "web")

    def ready() -> None:
        desk.ready("DNSZone", "zone")
        desk.ready("ServiceExposure", "web")

    def gone() -> None:
        desk.gone("ServiceExposure", "web")
        desk.gone("DNSZone", "zone")

    made = killed_at_each("PUT", declare, ready)
    assert len(made) == len(set(made)) == len(WRITTEN), made
    assert killed_at_each("PUT", change, ready) == made, "each was changed once"
    removed = killed_at_each("DELETE", remove, gone)
    assert set(removed) == set(made)
    twice = {id_ for id_ in removed if removed.count(id_) > 1}
    assert twice <= {f"microsoft.network/dnszones/{desk.namespace}.example"}, "a zone does not say that it is going"
    levers.close()
    assert [id_.split("/")[7] for id_ in desk.left()] == ["managedClusters"]


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
