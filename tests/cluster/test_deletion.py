"""Deletion: in every order of the kinds, whole, by force, and where something stands in its way. Nothing is left in Azure
or in DNS, nothing foreign is touched, and nothing is let go of too early.

The clusters' own API is that of the test's control plane; there are no machines.
"""

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tests.chart.rendering import OPERATOR as CHART
from tests.chart.rendering import render
from tests.cluster.api import MERGE, PLURALS, Api, Json, condition, path_of
from tests.cluster.desk import LOCATION, Desk
from tests.cluster.office import Office
from tests.cluster.wire import Wire
from tests.contract import bodies
from tests.contract.cloud import Arm, Cloud, Group, until
from tests.levers import Levers, delay

KINDS: Final = ("CloudAccount", "DNSZone", "ManagedCluster", "NodePool", "ServiceExposure")
ORDERS: Final = [
    (*order[: n % len(KINDS)], "CloudAccount", *order[n % len(KINDS) :])
    for n, order in enumerate(itertools.permutations(KINDS[1:]))
]
"""Every order of the kinds in examples/shop, and their account somewhere among them."""
SOON: Final = 2.0
"""Seconds within which what has nothing in Azure is gone; a second is the aim, the other is the machine's."""
SPEED: Final = "480"
"""A cluster takes half a second."""
OWN: Final = "00000000-0000-0000-0000-000000000001"
OTHER: Final = "00000000-0000-0000-0000-000000000002"
"""Subscriptions."""
FOREIGN: Final = "theirs"
SERVICES: Final = "/api/v1/namespaces/default/services"
SETTINGS: Final[dict[str, object]] = {
    "delete_empty_resource_group": "true",
    "drift_interval_seconds": 10,
    "lease_seconds": 15,
    "pod_uid": "one",
}


@dataclass
class Shop:
    """What examples/shop declares, with an account of its own; `mark` tells the shops of one namespace apart."""

    desk: Desk
    dns_port: int
    mark: str = ""
    spec: dict[str, dict[str, Any]] = field(default_factory=dict)
    """More of the spec, by kind."""

    @property
    def objects(self) -> dict[str, list[str]]:
        """The names of its objects, by kind."""
        names = {"NodePool": ["system", "ssd"], "ManagedCluster": ["shop"], "ServiceExposure": ["web"]}
        names |= {"DNSZone": ["zone"], "CloudAccount": ["default"]}
        return {kind: [f"{name}{self.mark}" for name in names[kind]] for kind in KINDS}

    @property
    def group(self) -> Group:
        """Its resource group."""
        return Group(f"{self.desk.namespace}{self.mark}", self.desk.arm)

    @property
    def node_group(self) -> Group:
        """AKS's own group."""
        return Group(f"MC_{self.group.name}_shop{self.mark}_{LOCATION}", self.desk.arm)

    @property
    def host(self) -> str:
        """The name that leads to it."""
        return f"www.{self.group.name}.example"

    def declare(self, *kinds: str) -> None:
        """Create its objects, of all kinds but the account or of those given."""
        desk, cluster = self.desk, {"clusterRef": {"name": f"shop{self.mark}"}}
        root = {"accountRef": {"name": f"default{self.mark}"}, "resourceGroup": self.group.name}
        for kind in kinds or KINDS[1:]:
            more = self.spec.get(kind, {})
            match kind:
                case "CloudAccount":
                    desk.apply(kind, f"default{self.mark}", **{**desk.account(), **more})
                case "DNSZone":
                    desk.zone(f"zone{self.mark}", **{**root, "zone": f"{self.group.name}.example", **more})
                case "ManagedCluster":
                    desk.cluster(f"shop{self.mark}", **{**root, **more})
                case "NodePool":
                    desk.pool(f"ssd{self.mark}", **{**cluster, "azureName": "ssd", **more})
                    desk.pool(f"system{self.mark}", **{**cluster, "azureName": "system", "mode": "System", **more})
                case "ServiceExposure":
                    backend = {"namespace": "default", "selector": {"app": "web"}}
                    record = {"zoneRef": {"name": f"zone{self.mark}"}, "name": "www"}
                    desk.exposure(f"web{self.mark}", **{**cluster, "backend": backend, "dns": record, **more})

    def names(self, *kinds: str) -> Iterator[tuple[str, str]]:
        """Kind and name of its objects: all, or those of some kinds."""
        return ((kind, name) for kind in kinds or KINDS for name in self.objects[kind])

    def ready(self, *kinds: str) -> None:
        """Returns when its objects are Ready."""
        for kind, name in self.names(*kinds):
            self.desk.ready(kind, name, 60)

    def delete(self, *kinds: str) -> None:
        """`kubectl delete --wait=false` of all its objects, or of those of some kinds."""
        for kind, name in self.names(*kinds):
            self.desk.delete(kind, name)

    def gone(self, *kinds: str) -> None:
        """Returns when its objects are gone."""
        for kind, name in self.names(*kinds):
            self.desk.gone(kind, name, 60)

    def resolved(self) -> list[str]:
        """What the cloud's DNS answers to the shop's name."""
        query = dns.message.make_query(self.host, "A")
        answer = dns.query.udp(query, "127.0.0.1", port=self.dns_port, timeout=5)
        return [record.to_text() for found in answer.answer for record in found]

    def services(self) -> list[str]:
        """Our Services in the managed cluster."""
        label = f"aks-operator.io%2Fexposure-namespace%3D{self.desk.namespace}"
        found = self.desk.api.items(f"{SERVICES}?labelSelector={label}")
        return [s["metadata"]["name"] for s in found if s["metadata"]["name"].startswith(f"web{self.mark}-")]

    def left(self) -> list[str]:
        """What is left of it, wherever."""
        arm = self.desk.arm
        groups = [group.id for group in (self.group, self.node_group) if arm.get(group.id).status != 404]
        listed = arm.get(f"{self.group.id}/resources")
        ids = [str(r["id"]) for r in listed.body["value"]] if listed.status == 200 else []
        return [*groups, *ids, *self.services(), *self.resolved()]

    def state(self) -> dict[str, Any]:
        """All that it has in Azure, by id, once it is at rest: an exposure is Ready while its balancer gets more nodes."""

        def look() -> dict[str, Any] | None:
            whole = self._balanced()
            found = self._bodies()
            states = {(body.get("properties") or {}).get("provisioningState", "Succeeded") for body in found.values()}
            return found if whole and states == {"Succeeded"} else None

        return until("all of it is at rest", look)

    def _balanced(self) -> bool:
        """Whether the balancer has all nodes, as far as an exposure tells."""
        web = self.desk.find("ServiceExposure", f"web{self.mark}")
        pools = [self.desk.find("NodePool", name) for name in self.objects["NodePool"]]
        if web is None or None in pools:
            return True
        wanted = sum(pool["status"]["nodes"]["wanted"] for pool in pools if pool is not None)
        return bool(web["status"]["backends"]["total"] == wanted)

    def _bodies(self) -> dict[str, Any]:
        arm = self.desk.arm
        ids = [str(r["id"]) for r in arm.get(f"{self.group.id}/resources").body["value"]]
        cluster = self.group.path(bodies.CLUSTERS, f"shop{self.mark}")
        ids += [str(p["id"]) for p in arm.get(f"{cluster}/agentPools").body["value"]]
        ids += [str(g["id"]) for g in arm.get(self.node_group.path(bodies.SECURITY_GROUPS)).body["value"]]
        ids += [f"{self.group.path(bodies.ZONES, f'{self.group.name}.example')}/A/www"]
        return {id_: arm.get(id_).body for id_ in ids}

    def end(self) -> None:
        """Let everything go, by the operator, and see that nothing is left."""
        for kind, name in self.names():
            if self.desk.find(kind, name) is not None:
                self.desk.delete(kind, name)
        self.gone()
        assert self.left() == []


@pytest.fixture(scope="module")
def dns_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def office(api: Api, kubeconfig: str, dns_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    subscriptions = (option for guid in (OWN, OTHER) for option in ("--subscription", guid))
    options = ("--levers", "--kubeconfig", kubeconfig, "--dns-port", str(dns_port), *subscriptions)
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), SPEED, *options)
    arm = Arm(cloud)
    folder = tmp_path_factory.mktemp("office")
    with Office(api, arm, kubeconfig, folder, desks=20, **SETTINGS) as made:
        made.operator.start()
        yield made
        assert made.operator.errors() == []
    arm.close()
    cloud.stop()


@pytest.fixture
def shop(office: Office, dns_port: int) -> Iterator[Shop]:
    """A shop's desk: nothing but its account is declared."""
    made = Shop(office.desk(), dns_port)
    yield made
    if made.desk.find("CloudAccount", "default") is not None:
        made.end()


# any order


@pytest.mark.timeout(300)
def test_every_order_of_the_kinds_comes_to_the_same_end(office: Office, dns_port: int) -> None:
    """All orders side by side, one kind after the other: the next when the operator has answered to the one before."""
    desk = office.desk()
    shops = [Shop(desk, dns_port, f"-{n}") for n in range(len(ORDERS))]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda shop: shop.declare(*KINDS), shops))
        wait_for(desk, "all is Ready", lambda body: condition(body).get("status") == "True", 90)
        foreign = {shop.mark: neighbours(shop) for shop in shops[::5]}
        assert all(shop.resolved() for shop in shops[::5])
        desk.mark()
        for step in range(len(KINDS)):
            list(pool.map(Shop.delete, shops, (order[step] for order in ORDERS)))
            wait_for(desk, f"the operator answers to deletion {step + 1}", answered, 60)
    wait_for(desk, "all is gone", lambda body: body["metadata"]["name"] == "default", 90)
    assert [shop.mark for shop in shops if shop.services() or shop.resolved()] == []
    groups = {str(g["name"]) for g in desk.arm.get("/resourceGroups").body["value"] if desk.namespace in g["name"]}
    assert groups == {shop.group.name for shop in shops if shop.mark in foreign}
    for kept in foreign.values():
        assert {id_: desk.arm.get(id_).body for id_ in kept} == kept
    assert [w for w in desk.writes() if w.startswith("PUT ") and "/loadbalancers/" not in w] == [], "made again"
    assert desk.refusals() == [], "asked for too early"


def answered(body: Json) -> bool:
    """An object that was deleted says how far that is."""
    return "deletionTimestamp" not in body["metadata"] or condition(body)["status"] == "False"


def wait_for(desk: Desk, what: str, good: Callable[[Json], bool], deadline: float) -> None:
    """Returns when all objects of a namespace are `good`; those that are gone are not asked."""

    def bad() -> list[str]:
        bodies = [body for kind in KINDS for body in desk.api.items(path_of(kind, desk.namespace))]
        return [f"{b['kind']}/{b['metadata']['name']}: {condition(b)}" for b in bodies if not good(b)]

    try:
        until(what, lambda: not bad() or None, deadline, pause=0.25)
    except AssertionError as error:
        raise AssertionError("\n".join([str(error), *bad()[:10]])) from error


def neighbours(shop: Shop) -> dict[str, Any]:
    """What others have in the shop's group, by id."""
    arm, group = shop.desk.arm, shop.group
    made = arm.make(group.path(bodies.SECURITY_GROUPS, FOREIGN), bodies.security_group(bodies.rule("web")))
    address = arm.make(group.path(bodies.ADDRESSES, FOREIGN), bodies.address())
    return {body["id"]: body for body in (made, address)}


def test_a_namespace_deleted_whole_leaves_nothing(shop: Shop) -> None:
    """The account's Secret goes with the first: the credential of an account in use is held in memory."""
    shop.declare()
    shop.ready()
    assert shop.left()
    path = f"/api/v1/namespaces/{shop.desk.namespace}"
    shop.desk.api.delete(path)
    until("the namespace is gone", lambda: shop.desk.api.get(path) is None or None, 60)
    assert shop.left() == []
    assert shop.desk.refusals() == []


# who is needed


def test_a_cluster_deleted_alone_waits_for_what_is_exposed_through_it(office: Office, shop: Shop) -> None:
    desk, guest = shop.desk, office.desk()
    shop.spec = {"ManagedCluster": {"allowedNamespaces": [guest.namespace]}}
    shop.declare()
    backend = {"namespace": "default", "selector": {"app": "web"}}
    guest.exposure("api", clusterRef={"name": "shop", "namespace": desk.namespace}, backend=backend)
    shop.ready()
    guest.ready("ServiceExposure", "api")
    before = shop.state()
    desk.mark()
    desk.delete("ManagedCluster", "shop")
    message = desk.refused("ManagedCluster", "shop", "Blocked")
    users = [f"{desk.namespace}/web", f"{guest.namespace}/api"]
    assert all(f"ServiceExposure {user}" in message for user in users)
    assert blockers(desk, "ManagedCluster", "shop") == {f"ServiceExposure/{user}" for user in users}
    assert "being deleted" in desk.refused("ServiceExposure", "web", "WaitingForCluster")
    assert (shop.state(), desk.writes()) == (before, [])
    guest.delete("ServiceExposure", "api")
    guest.gone("ServiceExposure", "api")
    until("one is left", lambda: blockers(desk, "ManagedCluster", "shop") == {f"ServiceExposure/{users[0]}"} or None)
    assert shop.resolved()
    shop.delete("ServiceExposure")
    shop.gone("ServiceExposure", "ManagedCluster")
    assert desk.seen(shop.node_group.id) is None
    shop.end()


def test_who_comes_when_a_deletion_was_asked_for_does_not_hold_it_up(shop: Shop) -> None:
    """`kubectl apply` before `kubectl delete` is through: what has nothing in Azure needs nobody."""
    desk = shop.desk
    shop.declare()
    shop.ready()
    shop.delete("CloudAccount", "DNSZone", "ManagedCluster", "NodePool")
    for kind, name in shop.names("CloudAccount", "DNSZone", "ManagedCluster"):
        desk.refused(kind, name, "Blocked")
    asked = max(desk.get(*what)["metadata"]["deletionTimestamp"] for what in shop.names("ManagedCluster", "DNSZone"))
    until("a second has passed", lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > asked or None)
    desk.exposure("late", dns={"zoneRef": {"name": "zone"}, "name": "late"})
    assert "being deleted" in desk.refused("ServiceExposure", "late", "WaitingForCluster")
    assert blockers(desk, "ManagedCluster", "shop") == {f"ServiceExposure/{desk.namespace}/web"}
    desk.delete("ServiceExposure", "web")
    desk.gone("ServiceExposure", "web")
    shop.gone("ManagedCluster", "NodePool", "DNSZone")
    assert "there is no ManagedCluster" in desk.refused("ServiceExposure", "late", "WaitingForCluster")
    shop.gone()
    desk.delete("ServiceExposure", "late")
    desk.gone("ServiceExposure", "late")
    assert shop.left() == []


def blockers(desk: Desk, kind: str, name: str) -> set[str]:
    """status.deletion.blockedBy."""
    return set(desk.get(kind, name)["status"].get("deletion", {}).get("blockedBy") or ())


def test_an_account_and_its_secret_are_needed_until_the_last_user_is_gone(office: Office, shop: Shop) -> None:
    desk, guest = shop.desk, office.desk()
    desk.edit("CloudAccount", "default", allowedNamespaces=[guest.namespace])
    guest.zone(accountRef={"name": "default", "namespace": desk.namespace})
    shop.declare()
    shop.ready()
    guest.ready("DNSZone", "zone")
    desk.delete("CloudAccount", "default")
    message = desk.refused("CloudAccount", "default", "Blocked")
    users = [
        f"ManagedCluster/{desk.namespace}/shop",
        f"DNSZone/{desk.namespace}/zone",
        f"DNSZone/{guest.namespace}/zone",
    ]
    assert blockers(desk, "CloudAccount", "default") == set(users)
    assert f"DNSZone {guest.namespace}/zone" in message
    desk.edit("DNSZone", "zone", tags={"team": "web"})
    desk.ready("DNSZone", "zone")

    office.operator.kill()
    desk.api.delete(f"/api/v1/namespaces/{desk.namespace}/secrets/azure-credential")
    office.operator.start()  # what it had in memory is lost
    shop.delete("ServiceExposure", "NodePool", "ManagedCluster", "DNSZone")
    guest.delete("DNSZone", "zone")
    until("it says so", lambda: said(desk, "azure-credential") or None)
    guest.refused("DNSZone", "zone", "WaitingForAccount")
    assert all(desk.find(kind, name) for kind, name in shop.names())
    desk.secret("azure-credential", clientSecret=desk.arm.cloud.secret)
    desk.annotate("CloudAccount", "default", reconcile_at="now")
    shop.gone()
    guest.gone("DNSZone", "zone")
    assert (shop.left(), guest.left()) == ([], [])


def said(desk: Desk, word: str) -> bool:
    """Whether the account's message has it."""
    return word in condition(desk.get("CloudAccount", "default"))["message"]


def test_what_was_never_made_goes_at_once_whatever_is_wrong_with_it(office: Office, shop: Shop) -> None:
    desk, cloud = shop.desk, office.arm.cloud
    desk.ready("CloudAccount", "default")
    desk.arm.make(desk.group.id, {"location": LOCATION})
    theirs = desk.arm.make(desk.arm_id(bodies.ZONES, "taken.example"), {"location": "global"})
    desk.mark()
    elsewhere = {**desk.account()["endpoints"], "authority": "https://localhost:1"}
    page = {"host": "www.shop.example", "paths": [{"path": "/", "serviceName": "web", "port": 80}]}
    ingress = {"type": "Ingress", "backend": None, "ports": None, "ingress": {"rules": [page]}}
    other = {"resourceGroup": f"{desk.namespace}-other"}
    desk.apply("CloudAccount", "elsewhere", **{**desk.account(), "endpoints": elsewhere})
    desk.zone("unknown", zone="a.example", accountRef={"name": "unknown"})
    desk.zone("taken", zone="taken.example")
    desk.cluster("old", kubernetesVersion="1.99", **other)
    desk.pool("old", clusterRef={"name": "old"}, mode="System")
    desk.cluster("empty")
    desk.pool("nowhere", clusterRef={"name": "nowhere"})
    desk.exposure("nowhere", clusterRef={"name": "nowhere"})
    desk.exposure("early", clusterRef={"name": "empty"})
    desk.exposure("ingress", **ingress)
    desk.apply("LogWorkspace", "logs", resourceGroup=desk.group.name, location=LOCATION)
    wrong = [
        ("CloudAccount", "elsewhere", "NotAllowed"),
        ("DNSZone", "unknown", "WaitingForAccount"),
        ("DNSZone", "taken", "AlreadyExists"),
        ("ManagedCluster", "old", "K8sVersionNotSupported"),
        ("NodePool", "old", "WaitingForCluster"),
        ("ManagedCluster", "empty", "WaitingForSystemPool"),
        ("NodePool", "nowhere", "WaitingForCluster"),
        ("ServiceExposure", "nowhere", "WaitingForCluster"),
        ("ServiceExposure", "early", "WaitingForCluster"),
        ("ServiceExposure", "ingress", "NotSupported"),
        ("LogWorkspace", "logs", "NotSupported"),
    ]
    for kind, name, reason in wrong:
        desk.refused(kind, name, reason)
    until("nothing of it is pinned", lambda: not pinned(desk) or None)
    desk.delete("ManagedCluster", "old")
    desk.gone("ManagedCluster", "old", SOON)
    assert desk.seen(Group(other["resourceGroup"], desk.arm).id) is None, "a group made for it goes with it"
    assert [w for w in desk.writes() if "/providers/" in w] == []

    cloud.kill()  # nobody has to be asked
    try:
        for kind, name, _ in wrong:
            if desk.find(kind, name):
                desk.delete(kind, name)
        for kind, name, _ in wrong:
            desk.gone(kind, name, SOON)
    finally:
        cloud.start()
    assert desk.seen(theirs["id"]) == theirs
    desk.arm.remove(desk.group.id)


def pinned(desk: Desk) -> list[str]:
    """Objects of which something may be in Azure."""
    kinds = ("DNSZone", "ManagedCluster", "NodePool", "ServiceExposure")
    found = [body for kind in kinds for body in desk.api.items(path_of(kind, desk.namespace))]
    return [body["metadata"]["name"] for body in found if "id" in body["status"]]


def test_a_pool_deleted_while_its_cluster_is_being_made_with_it_does_not_get_lost(office: Office, shop: Shop) -> None:
    desk, levers = shop.desk, Levers(office.arm.cloud)
    rule = levers.fault(delay(1.0), method="PUT", type_=bodies.CLUSTERS)
    shop.declare("ManagedCluster", "NodePool")
    until("Azure is asked for the cluster", lambda: levers.standing()[rule].struck or None)
    desk.delete("NodePool", "system")
    assert "last System pool" in desk.refused("NodePool", "system", "Blocked")
    levers.lift()
    levers.close()
    shop.delete("ManagedCluster")
    shop.gone("ManagedCluster")
    desk.gone("NodePool", "system")
    shop.end()


# what is not there, or does not answer


@pytest.mark.parametrize("gone", ["its group", "its cluster and its zone"])
def test_what_somebody_deleted_in_azure_holds_nobody(office: Office, shop: Shop, gone: str) -> None:
    desk = shop.desk
    shop.declare()
    shop.ready()
    office.operator.kill()
    parents = [desk.arm_id(bodies.CLUSTERS, "shop"), desk.arm_id(bodies.ZONES, f"{desk.namespace}.example")]
    for id_ in [shop.group.id] if gone == "its group" else parents:
        desk.arm.remove(id_)
    desk.mark()
    shop.delete()
    office.operator.start()
    shop.gone()
    assert [line for line in shop.left() if line not in shop.services()] == []
    assert ([w for w in desk.writes() if w.startswith("PUT ")], desk.refusals()) == ([], [])
    for name in shop.services():  # the test's clusters share one API server, which is still there
        desk.api.delete(f"{SERVICES}/{name}")


def test_while_azure_does_not_answer_nothing_is_let_go_of(office: Office, shop: Shop) -> None:
    desk, cloud = shop.desk, office.arm.cloud
    shop.declare()
    desk.zone("second", zone=f"second.{desk.namespace}.example")
    shop.ready()
    desk.ready("DNSZone", "second")
    cloud.kill()
    try:
        shop.delete()
        desk.delete("DNSZone", "second")
        for _ in range(2):
            for kind, name in (("ServiceExposure", "web"), ("DNSZone", "second")):
                desk.refused(kind, name, "CloudUnreachable")
            for kind, name in (("ManagedCluster", "shop"), ("DNSZone", "zone"), ("CloudAccount", "default")):
                desk.refused(kind, name, "Blocked")
            desk.refused("NodePool", "ssd", "Deleting")
            office.operator.kill()
            office.operator.start()  # another process does not forget
    finally:
        cloud.start()
    shop.gone()
    desk.gone("DNSZone", "second")
    assert shop.left() == []


def test_an_account_that_leads_elsewhere_loses_nothing(shop: Shop) -> None:
    desk = shop.desk
    shop.declare()
    shop.ready()
    before = shop.state()
    force(desk, "CloudAccount", "default")
    shop.spec = {"CloudAccount": {"subscriptionId": OTHER}}
    shop.declare("CloudAccount")
    shop.spec = {}
    desk.ready("CloudAccount", "default")
    shop.delete("ServiceExposure", "NodePool", "ManagedCluster")
    for kind, name in (("ServiceExposure", "web"), ("NodePool", "ssd")):
        assert OTHER in desk.refused(kind, name, "AccountChanged")
    shop.delete("DNSZone")
    desk.refused("DNSZone", "zone", "Blocked")
    assert shop.state() == before
    force(desk, "CloudAccount", "default")
    shop.declare("CloudAccount")
    shop.gone("ServiceExposure", "NodePool", "ManagedCluster", "DNSZone")
    shop.end()


# what is to stay


def test_what_is_orphaned_stays_as_it_is_and_is_taken_up_again(shop: Shop) -> None:
    desk = shop.desk
    shop.spec = {kind: {"deletionPolicy": "Orphan"} for kind in KINDS[1:]}
    shop.declare()
    shop.ready()
    before = shop.state()
    shop.delete(*KINDS[1:])
    shop.gone(*KINDS[1:])
    noted = ("/publicipaddresses/", "/a/www")  # for whom they are kept: others may share them later
    after = shop.state()
    assert {k: v for k, v in after.items() if not any(n in k.lower() for n in noted)} == {
        k: v for k, v in before.items() if not any(n in k.lower() for n in noted)
    }
    assert after.keys() == before.keys()
    assert (len(shop.services()), len(shop.resolved())) == (1, 1)

    shop.spec = {}
    desk.mark()
    shop.declare()
    shop.ready()
    assert desk.creations("/") == 0
    shop.end()


def test_a_cluster_that_stays_keeps_its_pools_and_waits_only_for_who_needs_it_to_go(shop: Shop) -> None:
    desk = shop.desk
    shop.spec = {"ManagedCluster": {"deletionPolicy": "Orphan"}}
    shop.declare()
    shop.ready()
    cluster = desk.arm_id(bodies.CLUSTERS, "shop")
    before = {id_: desk.seen(id_) for id_ in (cluster, f"{cluster}/agentPools/ssd", f"{cluster}/agentPools/system")}
    shop.delete("ManagedCluster")
    assert "web" in desk.refused("ManagedCluster", "shop", "Blocked")
    shop.delete("NodePool", "ServiceExposure")
    shop.gone("NodePool", "ServiceExposure", "ManagedCluster")
    assert ({id_: desk.seen(id_) for id_ in before}, shop.services(), shop.resolved()) == (before, [], [])
    shop.spec = {}
    shop.declare("ManagedCluster", "NodePool")
    shop.ready("ManagedCluster", "NodePool")
    shop.end()


@pytest.fixture
def protection(api: Api, office: Office) -> Iterator[Callable[[], None]]:
    """The chart's admission policy, at work until it is taken away."""
    path = "/apis/admissionregistration.k8s.io/v1"
    manifests = [m for m in render(CHART, release=office.home) if m["kind"].startswith("ValidatingAdmissionPolicy")]
    plurals = {m["kind"]: "validatingadmissionpolicies" for m in manifests}
    plurals["ValidatingAdmissionPolicyBinding"] = "validatingadmissionpolicybindings"
    for manifest in manifests:
        api.create(f"{path}/{plurals[manifest['kind']]}", manifest)

    def lift() -> None:
        for manifest in manifests:
            api("DELETE", f"{path}/{plurals[manifest['kind']]}/{manifest['metadata']['name']}")

    yield lift
    lift()


def test_what_is_protected_is_not_deleted_with_or_without_admission(shop: Shop, protection: Callable[[], None]) -> None:
    desk = shop.desk
    shop.spec = {kind: {"deletionPolicy": "Protect"} for kind in KINDS[1:]}
    shop.declare()
    shop.ready()
    before = shop.state()
    desk.mark()
    for kind, name in shop.names(*KINDS[1:]):
        path = path_of(kind, desk.namespace, name)
        refusal = until("admission knows", partial(dry, desk.api, path), pause=0.2)
        assert f"{PLURALS[kind]}/{name} is protected" in refusal
        assert desk.api("DELETE", path).status == 403
    protection()
    until("admission is gone", lambda: dry(desk.api, path_of("DNSZone", desk.namespace, "zone")) is None or None)
    shop.delete(*KINDS[1:])
    for kind, name in shop.names(*KINDS[1:]):
        assert "Protect" in desk.refused(kind, name, "Blocked")
    assert (shop.state(), desk.writes()) == (before, [])
    for kind, name in shop.names(*KINDS[1:]):
        desk.edit(kind, name, deletionPolicy="Delete")
    shop.gone(*KINDS[1:])
    shop.end()


def dry(api: Api, path: str) -> str | None:
    """Why a deletion is refused, None when it is not."""
    reply = api("DELETE", f"{path}?dryRun=All")
    assert reply.status in {200, 202, 403}, reply
    return reply.message if reply.status == 403 else None


def test_finalizers_taken_off_by_force_break_nothing(shop: Shop) -> None:
    desk = shop.desk
    shop.declare()
    shop.ready()
    theirs = neighbours(shop)
    cluster, zone = desk.arm_id(bodies.CLUSTERS, "shop"), desk.arm_id(bodies.ZONES, f"{desk.namespace}.example")
    before = {id_: desk.seen(id_) for id_ in (cluster, f"{cluster}/agentPools/ssd", *theirs)}
    for kind, name in shop.names("ManagedCluster", "NodePool", "DNSZone", "ServiceExposure", "CloudAccount"):
        force(desk, kind, name)
    until("what was exposed is not any more", lambda: not shop.resolved() or None)
    assert {id_: desk.seen(id_) for id_ in before} == before
    assert desk.seen(zone)
    shop.declare(*KINDS)
    shop.ready()
    for kind, name in shop.names():
        desk.delete(kind, name)
    shop.gone()
    assert {str(r["id"]) for r in desk.arm.get(f"{shop.group.id}/resources").body["value"]} == set(theirs)
    assert {id_: desk.seen(id_) for id_ in theirs} == theirs
    assert (shop.services(), shop.resolved()) == ([], [])


def test_a_finalizer_taken_off_unseen_leaves_what_it_stood_for(
    api: Api, office: Office, kubeconfig: str, dns_port: int, tmp_path: Path
) -> None:
    """The operator heard of the zone's deletion, not of its end: when nothing is in the way, it asks."""
    wire = Wire(kubeconfig, tmp_path)
    with Office(api, office.arm, wire.kubeconfig, tmp_path, desks=1, **SETTINGS) as blind:
        blind.operator.start()
        shop = Shop(blind.desk(), dns_port)
        desk, zone = shop.desk, shop.group.path(bodies.ZONES, f"{shop.group.name}.example")
        shop.declare()
        shop.ready()
        desk.delete("DNSZone", "zone")
        desk.refused("DNSZone", "zone", "Blocked")
        wire.silence("/dnszones")
        force(desk, "DNSZone", "zone")
        rest = [kind for kind in KINDS if kind != "DNSZone"]
        shop.delete(*rest)
        shop.gone(*rest)  # the account waits for all that the operator believes to use it
        assert shop.left() == [shop.group.id, zone]
        desk.arm.remove(shop.group.id)
        assert blind.operator.errors() == []
    wire.end()


def force(desk: Desk, kind: str, name: str) -> None:
    """Delete an object, and take its finalizer off by hand."""
    desk.delete(kind, name)
    desk.api("PATCH", path_of(kind, desk.namespace, name), {"metadata": {"finalizers": None}}, MERGE)
