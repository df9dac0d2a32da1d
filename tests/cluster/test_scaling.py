"""Pools that change their number of nodes: Azure's count is shown and never written back, and what is exposed goes on."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cluster.api import Api, condition
from tests.cluster.desk import Desk
from tests.cluster.lives import AGENT
from tests.cluster.office import Office
from tests.contract import bodies
from tests.contract.cloud import Arm, Cloud, until
from tests.levers import Levers, delay

BOUNDS = {"min": 1, "max": 6}
DRIFT_SECONDS = 1.0


@dataclass
class Shop:
    """A cluster with a pool `web` that Azure scales, and an exposure."""

    desk: Desk

    @property
    def pool(self) -> str:
        return f"{self.desk.arm_id(bodies.CLUSTERS, 'shop')}/agentPools/web"

    def autoscaler(self, count: int) -> None:
        """Azure's own change of the count."""
        body = self.desk.seen(self.pool) or {}
        self.desk.arm.make(self.pool, {"properties": {**body["properties"], "count": count}})

    def shown(self, count: int) -> None:
        """Returns when the status shows so many nodes, all of them ready, and the exposure counts them."""

        def look() -> bool | None:
            status, exposed = (
                self.desk.get(*key)["status"] for key in (("NodePool", "web"), ("ServiceExposure", "site"))
            )
            nodes = status["nodes"]
            counts = (status["replicas"], nodes["wanted"], nodes["ready"])
            return (counts == (count,) * 3 and exposed["backends"]["total"] > count) or None

        until(f"{count} nodes are shown", look)

    def count(self) -> int:
        """What Azure has."""
        return int((self.desk.seen(self.pool) or {})["properties"]["count"])

    def backends(self) -> int:
        """How many addresses the balancer has."""
        found = self.desk.seen(self.desk.arm_id(bodies.BALANCERS, "shop-public")) or {}
        (pool,) = found["properties"]["backendAddressPools"]
        return len(pool["properties"]["loadBalancerBackendAddresses"])

    def written(self) -> list[str]:
        """The PUTs of the pool that the operator sent and Azure took, since the mark."""
        return [line for line in self.desk.writes("/agentpools/web") if line.startswith("PUT ")]


@pytest.fixture(scope="module")
def shop(api: Api, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), "240", "--levers", "--kubeconfig", kubeconfig)
    arm = Arm(cloud)
    folder = tmp_path_factory.mktemp("office")
    with Office(api, arm, kubeconfig, folder, desks=1, drift_interval_seconds=DRIFT_SECONDS) as office:
        office.operator.start()
        made = Shop(office.desk())
        made.desk.cluster()
        made.desk.pool()
        made.desk.pool("web", autoscaling=BOUNDS)
        made.desk.exposure("site", backend={"namespace": "default", "selector": {"app": "web"}})
        for kind, name in (("NodePool", "web"), ("ServiceExposure", "site")):
            made.desk.ready(kind, name, 60)
        made.shown(1)
        yield made
        made.desk.delete("ServiceExposure", "site")  # its Service is in a namespace that stays
        made.desk.gone("ServiceExposure", "site")
        assert office.operator.errors() == []
    arm.close()
    cloud.stop()


def test_the_autoscalers_count_is_shown_and_never_written_back(shop: Shop) -> None:
    desk = shop.desk
    for count in (4, 2):
        shop.autoscaler(count)
        desk.mark()
        shop.shown(count)
        desk.scale("web", 6 - count)  # while Azure owns the count this is no wish
        desk.ready("NodePool", "web")
        desk.edit("NodePool", "web", labels={"round": str(count)})
        desk.ready("NodePool", "web")
        assert (len(shop.written()), shop.count()) == (1, count), "the labels alone"
        asked = desk.requests()
        until("it looked a few times more", lambda asked=asked: desk.requests() > asked + 8 or None)  # type: ignore[misc]  # bound at once
        assert (len(shop.written()), shop.count()) == (1, count)
    desk.edit("NodePool", "web", autoscaling={"min": 3, "max": 6})
    shop.shown(3)
    desk.edit("NodePool", "web", autoscaling=BOUNDS)
    desk.ready("NodePool", "web")
    assert shop.count() == 3, "wider bounds are no reason for fewer nodes"


def test_a_count_that_changes_while_we_write_is_not_undone(shop: Shop) -> None:
    desk, levers = shop.desk, Levers(shop.desk.arm.cloud)
    shop.autoscaler(3)
    shop.shown(3)
    rule = levers.fault(delay(1.0), method="PUT", name="web", type_=f"{bodies.CLUSTERS}/agentPools", agent=AGENT)
    desk.mark()
    desk.edit("NodePool", "web", labels={"round": "race"})
    until("we are about to write", lambda: levers.standing()[rule].struck or None)
    shop.autoscaler(5)
    desk.ready("NodePool", "web")
    shop.shown(5)
    labels = (desk.seen(shop.pool) or {})["properties"]["nodeLabels"]
    assert (labels["round"], shop.count()) == ("race", 5)
    assert [line.rpartition(" ")[2] for line in desk.refusals()] == ["412"], "it knew another one"
    levers.close()


def test_an_exposure_stays_ready_while_pools_scale_and_neighbours_come_and_go(shop: Shop) -> None:
    desk = shop.desk
    desk.ready("ServiceExposure", "site")
    since = condition(desk.get("ServiceExposure", "site"))["lastTransitionTime"]
    told = desk.events("site")
    desk.pool("more", replicas=1)
    desk.ready("NodePool", "more")
    for count in (6, 2, 4):
        shop.autoscaler(count)
        until("the balancer followed", lambda count=count: shop.backends() == count + 2 or None)  # type: ignore[misc]  # bound at once
        desk.ready("ServiceExposure", "site")
    desk.scale("more", 3)
    until("the balancer followed", lambda: shop.backends() == 8 or None)
    backend = {"namespace": "default", "selector": {"app": "api"}}
    desk.exposure("api", backend=backend, ports=[{"name": "api", "port": 8443}])
    desk.ready("ServiceExposure", "api")
    desk.delete("ServiceExposure", "api")
    desk.gone("ServiceExposure", "api")
    now = condition(desk.get("ServiceExposure", "site"))
    assert (now["status"], now["lastTransitionTime"]) == ("True", since)
    assert desk.events("site") == told


def test_a_wish_for_other_pools_is_ready_when_the_balancer_has_their_nodes(shop: Shop) -> None:
    desk = shop.desk
    shop.autoscaler(2)
    shop.shown(2)
    for pools in (["web"], ["system", "web"]):
        desk.edit("ServiceExposure", "site", nodePoolRefs=[{"name": pool} for pool in pools])
        desk.ready("ServiceExposure", "site")
        assert shop.backends() == 1 + len(pools)
    desk.edit("ServiceExposure", "site", nodePoolRefs=None)
    desk.ready("ServiceExposure", "site")


def test_an_exposure_whose_balancer_was_taken_away_says_so(shop: Shop) -> None:
    desk = shop.desk
    balancer = desk.arm_id(bodies.BALANCERS, "shop-public")
    told, before = desk.events("site"), shop.backends()
    desk.arm.remove(balancer)
    # the change before may have an event to come; balancers are looked at again when their probes can have told
    until("it is said, and mended", lambda: desk.events("site")[len(told) :][-2:] == ["Updating", "Succeeded"] or None)
    assert shop.backends() == before
