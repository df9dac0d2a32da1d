"""Exposures of every type: what each makes in the managed cluster and in Azure, who may come in, and that nothing is left.

The managed cluster's API is that of the test's control plane; its machines are nodes made by hand, and what reaches them is
judged by the world that the fake cloud tells its agents.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from fakecloud.dataplane.nsg import Packet, verdict
from fakecloud.dataplane.world import World, decode
from tests.cluster.api import Api, Json, condition
from tests.cluster.desk import LOCATION, Desk
from tests.cluster.office import Machines, Office
from tests.contract import bodies
from tests.contract.cloud import Arm, Cloud, Group, until

INSIDE, OUTSIDE = "198.51.100.7", "192.0.2.7"
"""Sources that the exposures allow, and do not."""
KIND = "ServiceExposure"
FOLLOW_SECONDS = 15.0
"""A pool was scaled: within this time its nodes are backends, or are none any more."""
PORT = {"name": "http", "port": 80, "targetPort": 8080}
WEB = {"namespace": "default", "selector": {"app": "web"}}


@dataclass
class Shop:
    """A cluster with the pools `system` and `ssd`, and a zone."""

    desk: Desk
    agent_token: str
    workers: Machines
    office: Office

    def expose(self, name: str = "web", **spec: Any) -> None:
        """Declare an exposure; None takes a usual field away."""
        usual: Json = {
            "clusterRef": {"name": "shop"},
            "type": "LoadBalancer",
            "backend": WEB,
            "ports": [PORT],
            "allowedSources": ["198.51.100.0/24"],
        }
        self.desk.apply(KIND, name, **{k: v for k, v in {**usual, **spec}.items() if v is not None})

    def ready(self, name: str = "web") -> Json:
        """The status, as soon as the exposure is Ready."""
        return dict(self.desk.ready(KIND, name, 40)["status"])

    def dns(self, name: str = "www") -> Json:
        return {"zoneRef": {"name": "zone"}, "name": name}

    def part(self, type_: str, name: str = "web") -> Json:
        """A condition of the exposure."""
        return dict(condition(self.desk.get(KIND, name), type_))

    def remove(self, *names: str) -> None:
        for name in names:
            self.desk.delete(KIND, name)
        for name in names:
            self.desk.gone(KIND, name, 60)

    # Azure

    @property
    def cluster(self) -> str:
        return self.desk.arm_id(bodies.CLUSTERS, "shop")

    @property
    def nodes(self) -> Group:
        """AKS's own group."""
        return Group(f"MC_{self.desk.namespace}_shop_{LOCATION}", self.desk.arm)

    def nsg(self) -> str:
        (found,) = self.desk.arm.get(self.nodes.path(bodies.SECURITY_GROUPS)).body["value"]
        return str(found["id"])

    def rules(self) -> list[Json]:
        """The rules in AKS's NSG that are ours."""
        found = self.desk.arm.get(self.nsg()).body["properties"]["securityRules"]
        return [dict(r) for r in found if r["name"].startswith("aksop-")]

    def machines(self, pool: str) -> list[str]:
        """The private addresses of a pool's machines."""
        listed = self.desk.arm.get(f"{self.cluster}/agentPools/{pool}/machines").body["value"]
        return sorted(m["properties"]["network"]["ipAddresses"][0]["ip"] for m in listed)

    def balancer(self, kind: str = "public") -> Json | None:
        """The balancer's properties."""
        found = self.desk.seen(self.desk.arm_id(bodies.BALANCERS, f"shop-{kind}"))
        return None if found is None else dict(found["properties"])

    def in_azure(self) -> list[str]:
        """What of ours there is beside cluster and zone: types, records and rules."""
        kinds = [id_.split("/")[7].lower() for id_ in self.desk.left()]
        return sorted(
            [k for k in kinds if k not in {"managedclusters", "dnszones"}]
            + [f"record {r}" for r in self.records()]
            + ["rule"] * len(self.rules())
        )

    def records(self) -> list[str]:
        listed = self.desk.arm.get(f"{self.zone}/recordsets").body["value"]
        kinds = [r["type"].rpartition("/")[2] for r in listed]
        return sorted(k for k in kinds if k not in {"NS", "SOA"})

    @property
    def zone(self) -> str:
        return self.desk.arm_id(bodies.ZONES, f"{self.desk.namespace}.example")

    # Kubernetes

    def services(self) -> dict[str, Json]:
        """The Services that carry our label, by name."""
        label = f"aks-operator.io/exposure-namespace={self.desk.namespace}"
        found = self.desk.api.items(f"/api/v1/services?labelSelector={label}")
        return {s["metadata"]["name"]: s for s in found}

    def service(self, type_: str) -> Json:
        """The only Service of ours, of that type."""
        ((_, found),) = self.services().items()
        assert found["spec"]["type"] == type_
        return found

    # the data plane

    def world(self) -> World:
        """What the agents are told."""
        headers = {"Authorization": f"Bearer {self.agent_token}"}
        reply = self.desk.arm.send("GET", "/_fakecloud/dataplane/world", headers=headers)
        assert reply.status == 200, reply
        return decode(reply.body["world"])

    def lets_in(self, source: str, address: str, port: int, protocol: str = "Tcp") -> bool:
        """Whether every NSG that judges the machine allows it."""
        world = self.world()
        (machine,) = [m for m in world.machines if m.address == address]
        assert machine.groups
        packet = Packet(source, address, protocol, port)
        return all(verdict(world.groups[group], packet).allow for group in machine.groups)

    def answer_probes(self, *addresses: str) -> None:
        """Agents report that the probes of these machines were answered, and no others."""
        world = self.world()
        headers = {"Authorization": f"Bearer {self.agent_token}", "Content-Type": "application/json"}
        for machine in world.machines:
            up = [
                {f: getattr(p, f) for f in ("machine", "protocol", "port", "path", "interval", "threshold")}
                for p in world.probes(machine.node)
                if p.machine in addresses
            ]
            body = json.dumps({"version": 1, "up": up}).encode()
            path = f"/_fakecloud/dataplane/nodes/{machine.node}"
            assert self.desk.arm.send("POST", path, body=body, headers=headers).status == 204


@pytest.fixture(scope="module")
def shop(api: Api, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = f"t{uuid.uuid4().hex[:6]}-cloud"
    api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}})
    machines = Machines(api, home)
    machines.add(2)
    for n in (1, 2):
        address = {"addresses": [{"type": "InternalIP", "address": f"10.9.1.{n}"}]}
        api.merge(f"/api/v1/nodes/w-{n}-{home}/status", {"status": address})
    options = ("--compute", "host", "--kubeconfig", kubeconfig, "--api-server", api.server)
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), "480", *options, "--publish-namespace", home)
    arm = Arm(cloud)
    token = cloud.account()["agentToken"]
    with Office(api, arm, kubeconfig, tmp_path_factory.mktemp("office"), desks=1) as office:
        office.operator.start()
        made = Shop(office.desk(), token, machines, office)
        made.desk.zone()
        made.desk.cluster()
        made.desk.pool()
        made.desk.pool("ssd")
        for kind, name in (("DNSZone", "zone"), ("ManagedCluster", "shop"), ("NodePool", "ssd")):
            made.desk.ready(kind, name, 60)
        yield made
        assert office.operator.errors() == []
    arm.close()
    cloud.stop()
    machines.close()
    api.delete(f"/api/v1/namespaces/{home}")


@pytest.fixture(autouse=True)
def nothing_left(shop: Shop) -> Iterator[None]:
    """Whatever a test made is gone with its exposures."""
    yield
    names = [e["metadata"]["name"] for e in shop.desk.api.items(f"{PATH}/{shop.desk.namespace}/serviceexposures")]
    shop.remove(*names)
    assert shop.services() == {}
    assert shop.in_azure() == []


PATH = "/apis/aks-operator.io/v1alpha1/namespaces"


def test_a_node_port_is_reached_on_every_node_by_allowed_sources_alone(shop: Shop) -> None:
    shop.expose(type="NodePort", dns=shop.dns())
    status = shop.ready()
    (port,) = shop.service("NodePort")["spec"]["ports"]
    nodes = sorted(shop.machines("system") + shop.machines("ssd"))
    assert (status["addresses"], status["ports"][0]["nodePort"]) == (nodes, port["nodePort"])
    assert status["url"] == f"http://www.{shop.desk.namespace}.example:{port['nodePort']}/"
    assert shop.in_azure() == ["record A", "rule"], "no address, no balancer"
    until("the agents know", lambda: shop.lets_in(INSIDE, nodes[0], port["nodePort"]) or None)
    for node in nodes:
        assert shop.lets_in(INSIDE, node, port["nodePort"])
        assert not shop.lets_in(OUTSIDE, node, port["nodePort"])
        assert not shop.lets_in(INSIDE, node, port["nodePort"] + 1)
        assert not shop.lets_in(INSIDE, node, port["nodePort"], "Udp")


def test_a_node_port_of_some_pools_opens_their_nodes_alone(shop: Shop) -> None:
    shop.expose(type="NodePort", nodePoolRefs=[{"name": "ssd"}])
    status = shop.ready()
    assert status["addresses"] == shop.machines("ssd")
    port, (node,), (other,) = status["ports"][0]["nodePort"], shop.machines("ssd"), shop.machines("system")
    until("the agents know", lambda: shop.lets_in(INSIDE, node, port) or None)
    assert not shop.lets_in(INSIDE, other, port)


def test_a_cluster_ip_is_a_service_and_nothing_in_azure(shop: Shop) -> None:
    shop.desk.mark()
    shop.expose(type="ClusterIP", allowedSources=None, sessionAffinity="ClientIP")
    status = shop.ready()
    service = shop.service("ClusterIP")
    assert service["metadata"]["name"] == "web"
    assert status["addresses"] == [service["spec"]["clusterIP"]]
    assert (status["fqdn"], status["url"]) == ("web.default.svc.cluster.local", "http://web.default.svc.cluster.local/")
    assert (service["spec"]["selector"], service["spec"]["sessionAffinity"]) == ({"app": "web"}, "ClientIP")
    assert shop.desk.writes() == []


def test_a_foreign_service_of_the_name_stays_as_it_is(shop: Shop) -> None:
    theirs = {"metadata": {"name": "taken"}, "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 1}]}}
    made = shop.desk.api.create("/api/v1/namespaces/default/services", theirs)
    shop.expose("taken", type="ClusterIP", allowedSources=None)
    assert "default/taken" in shop.desk.refused(KIND, "taken", "AlreadyExists")
    shop.remove("taken")
    assert shop.desk.api.get("/api/v1/namespaces/default/services/taken") == made
    shop.desk.api.delete("/api/v1/namespaces/default/services/taken")


@pytest.fixture
def named(shop: Shop) -> Iterator[Callable[[Json], None]]:
    """Makes the user's own Service `own`."""
    path = "/api/v1/namespaces/default/services"

    def make(spec: Json) -> None:
        shop.desk.api.create(path, {"metadata": {"name": "own"}, "spec": spec})

    yield make
    shop.desk.api.delete(f"{path}/own")


def test_an_inner_service_that_exists_is_read_and_no_other_made(shop: Shop, named: Callable[[Json], None]) -> None:
    shop.expose(type="ClusterIP", backend={"serviceName": "own"}, allowedSources=None)
    assert "default/own" in shop.desk.refused(KIND, "web", "WaitingForBackend")
    named({"selector": {"app": "own"}, "ports": [{"name": "a", "port": 81}]})
    until("the port is missed", lambda: "TCP 80" in shop.part("Ready")["message"] or None, 25)
    shop.desk.edit(KIND, "web", ports=[{"port": 81}])
    status = shop.ready()
    own = shop.desk.api.get("/api/v1/namespaces/default/services/own") or {}
    assert (status["addresses"], status["fqdn"]) == ([own["spec"]["clusterIP"]], "own.default.svc.cluster.local")
    assert shop.services() == {}


def test_an_external_name_is_a_service_and_a_cname(shop: Shop) -> None:
    name = {"backend": {"namespace": "default"}, "ports": None, "allowedSources": None}
    shop.expose("db", type="ExternalName", externalName="db.example.com", dns=shop.dns("db"), **name)
    status = shop.ready("db")
    assert shop.service("ExternalName")["spec"]["externalName"] == "db.example.com"
    assert shop.in_azure() == ["record CNAME"]
    record = shop.desk.seen(f"{shop.zone}/CNAME/db") or {}
    assert record["properties"]["CNAMERecord"] == {"cname": "db.example.com"}
    assert (status["fqdn"], status.get("url")) == (f"db.{shop.desk.namespace}.example", None)
    shop.desk.edit(KIND, "db", externalName="db2.example.com")
    shop.ready("db")
    record = shop.desk.seen(f"{shop.zone}/CNAME/db") or {}
    assert record["properties"]["CNAMERecord"] == {"cname": "db2.example.com"}
    assert shop.service("ExternalName")["spec"]["externalName"] == "db2.example.com"


def test_a_record_of_somebody_else_is_left_to_them(shop: Shop) -> None:
    theirs = {"properties": {"TTL": 60, "CNAMERecord": {"cname": "theirs.example.com"}}}
    made = shop.desk.arm.put(f"{shop.zone}/CNAME/db", theirs).body
    name = {"backend": {"namespace": "default"}, "ports": None, "allowedSources": None}
    shop.expose("db", type="ExternalName", externalName="db.example.com", dns=shop.dns("db"), **name)
    shop.desk.refused(KIND, "db", "AlreadyExists")
    assert shop.part("DNSReady", "db")["reason"] == "AlreadyExists"
    shop.remove("db")
    assert shop.desk.seen(f"{shop.zone}/CNAME/db") == made
    shop.desk.arm.delete(f"{shop.zone}/CNAME/db")


def test_a_named_service_gives_selector_and_target_ports(shop: Shop, named: Callable[[Json], None]) -> None:
    ports = [
        {"name": "web", "port": 80, "targetPort": "http"},
        {"name": "dns", "port": 53, "targetPort": 5353, "protocol": "UDP"},
    ]
    named({"selector": {"app": "own"}, "ports": ports})
    asked = [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    shop.expose(backend={"serviceName": "own"}, ports=asked, sessionAffinity="ClientIP")
    status = shop.ready()
    spec = shop.service("NodePort")["spec"]
    assert spec["selector"] == {"app": "own"}
    assert [(p["protocol"], p["targetPort"]) for p in spec["ports"]] == [("TCP", "http"), ("UDP", 5353)]
    own = shop.desk.api.get("/api/v1/namespaces/default/services/own") or {}
    assert own["spec"]["ports"][0].get("nodePort") is None, "theirs is never edited"
    balancer = shop.balancer() or {}
    rules = {r["properties"]["protocol"]: r["properties"] for r in balancer["loadBalancingRules"]}
    assert {p: (r["frontendPort"], r["loadDistribution"]) for p, r in rules.items()} == {
        "Tcp": (80, "SourceIP"),
        "Udp": (53, "SourceIP"),
    }
    (node,) = shop.machines("ssd")
    tcp, udp = (p["nodePort"] for p in status["ports"])
    until("the agents know", lambda: shop.lets_in(INSIDE, node, udp, "Udp") or None)
    assert shop.lets_in(INSIDE, node, tcp)
    assert not shop.lets_in(INSIDE, node, udp)
    assert not shop.lets_in(OUTSIDE, node, udp, "Udp")


def test_local_traffic_is_probed_where_nodes_say_whether_they_have_a_pod(shop: Shop) -> None:
    ports = [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    shop.expose(ports=ports, externalTrafficPolicy="Local")
    shop.ready()
    spec = shop.service("LoadBalancer")["spec"]
    assert (spec["externalTrafficPolicy"], spec["loadBalancerClass"]) == ("Local", "aks-operator.io/exposure")
    balancer = shop.balancer() or {}
    (probe,) = balancer["probes"]
    assert (probe["properties"]["protocol"], probe["properties"]["requestPath"], probe["properties"]["port"]) == (
        "Http",
        "/healthz",
        spec["healthCheckNodePort"],
    )
    assert {r["properties"]["probe"]["id"] for r in balancer["loadBalancingRules"]} == {probe["id"]}
    shop.desk.edit(KIND, "web", externalTrafficPolicy="Cluster")
    until(
        "the balancer probes the node port",
        lambda: (
            (
                len((shop.balancer() or {})["probes"]) == 1
                and (shop.balancer() or {})["probes"][0]["properties"]["protocol"] == "Tcp"
            )
            or None
        ),
    )
    shop.ready()
    assert "loadBalancerClass" not in shop.service("NodePort")["spec"]


def test_an_internal_exposure_has_an_address_in_the_nodes_subnet(shop: Shop) -> None:
    shop.expose(visibility="Internal", allowedSources=None, dns=shop.dns())
    shop.expose("two", visibility="Internal", allowedSources=None)
    address, two = shop.ready()["addresses"], shop.ready("two")["addresses"]
    assert address != two
    assert shop.in_azure() == ["loadbalancers", "record A"], "no public address, and the network lets its own in"
    balancer = shop.balancer("internal") or {}
    frontends = {f["properties"]["privateIPAddress"]: f["properties"] for f in balancer["frontendIPConfigurations"]}
    assert set(frontends) == {*address, *two}
    assert frontends[address[0]]["subnet"]["id"].endswith("/subnets/aks-subnet")
    record = shop.desk.seen(f"{shop.zone}/A/www") or {}
    assert record["properties"]["ARecords"] == [{"ipv4Address": address[0]}]
    (node,) = shop.machines("ssd")
    port = shop.desk.get(KIND, "web")["status"]["ports"][0]["nodePort"]
    assert shop.lets_in("10.224.0.200", node, port)
    assert not shop.lets_in(INSIDE, node, port)
    shop.remove("two")
    assert shop.ready()["addresses"] == address


def test_an_internal_exposure_may_be_opened_to_more_than_the_network(shop: Shop) -> None:
    shop.expose(visibility="Internal")
    port = shop.ready()["ports"][0]["nodePort"]
    (node,) = shop.machines("ssd")
    until("the agents know", lambda: shop.lets_in(INSIDE, node, port) or None)


def test_exposures_share_an_address_until_the_last_one_goes(shop: Shop) -> None:
    shop.expose("one", publicIP={"name": "shared"})
    (ip,) = shop.ready("one")["addresses"]
    shop.expose("two", publicIP={"name": "shared"}, ports=[{"port": 81}])
    assert shop.ready("two")["addresses"] == [ip]
    shop.expose("three", publicIP={"name": "shared"}, ports=[{"port": 80}])
    assert "one" in shop.desk.refused(KIND, "three", "Conflict")
    shop.expose("four", publicIP={"name": "shared", "dnsLabel": "four"}, ports=[{"port": 82}])
    shop.desk.refused(KIND, "four", "Conflict")
    assert shop.part("AddressReady", "four")["reason"] == "Conflict"
    shop.remove("three", "four")
    shop.remove("one")
    assert shop.ready("two")["addresses"] == [ip]
    balancer = shop.balancer() or {}
    assert [r["properties"]["frontendPort"] for r in balancer["loadBalancingRules"]] == [81]


def test_an_address_is_kept_if_any_who_shared_it_said_so(shop: Shop) -> None:
    shop.expose("one", publicIP={"name": "kept", "deletionPolicy": "Orphan"})
    shop.expose("two", publicIP={"name": "kept"}, ports=[{"port": 81}])
    for name in ("one", "two"):
        shop.ready(name)
    shop.remove("one")
    shop.remove("two")
    id_ = shop.desk.arm_id(bodies.ADDRESSES, "kept")
    kept = shop.desk.seen(id_)
    assert kept is not None
    shop.expose("two", publicIP={"name": "kept"}, ports=[{"port": 81}])
    assert shop.ready("two")["addresses"] == [kept["properties"]["ipAddress"]]
    shop.remove("two")
    shop.desk.arm.remove(id_)


def test_what_an_exposure_leaves_as_it_is_stays_when_others_come_and_go(shop: Shop) -> None:
    """Whoever writes the balancer, the rules or the record next, before a restart or after it."""
    shared = {"publicIP": {"name": "shared"}, "dns": shop.dns()}
    shop.expose("left", **shared)
    shop.expose("other", ports=[{"port": 81}], **shared)
    (ip,) = shop.ready("left")["addresses"]
    shop.ready("other")
    (mine,) = [r for r in shop.rules() if f"/{shop.desk.namespace}/left" in r["properties"]["description"]]
    (rule,) = [r for r in balancer_rules(shop) if r["properties"]["frontendPort"] == 80]

    def stays() -> None:
        assert [r for r in shop.rules() if r["name"] == mine["name"]] == [mine]
        (kept,) = [r for r in balancer_rules(shop) if r["name"] == rule["name"]]
        assert kept["properties"] == rule["properties"]
        record = shop.desk.seen(f"{shop.zone}/A/www") or {}
        assert record["properties"]["ARecords"] == [{"ipv4Address": ip}]
        assert (shop.desk.seen(shop.desk.arm_id(bodies.ADDRESSES, "shared")) or {})["properties"]["ipAddress"] == ip
        shop.service("NodePort")

    shop.desk.edit(KIND, "left", deletionPolicy="Orphan")
    shop.desk.delete(KIND, "left")
    shop.desk.gone(KIND, "left")
    shop.desk.edit(KIND, "other", ports=[{"port": 82}])
    until("the balancer was written", lambda: 82 in ports_of(shop) or None)
    shop.ready("other")
    assert ports_of(shop) == {80, 82}
    shop.office.operator.kill()
    shop.office.operator.start()
    shop.expose("third", ports=[{"port": 80}], **shared)
    assert rule["name"] in shop.desk.refused(KIND, "third", "Conflict", 40)
    shop.remove("other", "third")
    stays()

    shop.expose("left", **shared)  # it comes back, and goes with all that it left
    assert shop.ready("left")["addresses"] == [ip]
    stays()


def balancer_rules(shop: Shop) -> list[Json]:
    return list((shop.balancer() or {})["loadBalancingRules"])


def ports_of(shop: Shop) -> set[int]:
    return {r["properties"]["frontendPort"] for r in balancer_rules(shop)}


def test_an_exposure_whose_finalizer_was_taken_off_by_force_leaves_the_documents_that_others_share(shop: Shop) -> None:
    shared = {"publicIP": {"name": "shared"}, "dns": shop.dns()}
    shop.expose("forced", **shared)
    shop.expose("other", ports=[{"port": 81}], type="LoadBalancer", publicIP={"name": "shared"})
    for name in ("forced", "other"):
        shop.ready(name)
    service = next(name for name in shop.services() if name.startswith("forced-"))
    path = f"{PATH}/{shop.desk.namespace}/serviceexposures/forced"
    shop.desk.api.merge(path, {"metadata": {"finalizers": None}})
    shop.desk.delete(KIND, "forced")
    wanted = ["loadbalancers", "publicipaddresses", "rule"]
    until(
        "only the other's things are there", lambda: (shop.in_azure() == wanted and ports_of(shop) == {81}) or None, 30
    )
    shop.ready("other")
    shop.desk.api.delete(f"/api/v1/namespaces/default/services/{service}")  # only its exposure could have let it go


def test_two_who_share_a_name_and_disagree_on_its_ttl(shop: Shop) -> None:
    for name, port in (("one", 80), ("two", 81)):
        shop.expose(name, ports=[{"port": port}], publicIP={"name": "shared"}, dns=shop.dns())
        shop.ready(name)
    shop.desk.edit(KIND, "two", dns={"ttlSeconds": 60})
    assert "one" in shop.desk.refused(KIND, "two", "Conflict")
    assert shop.part("DNSReady", "two")["reason"] == "Conflict"
    shop.desk.edit(KIND, "one", dns={"ttlSeconds": 60})
    for name in ("one", "two"):
        shop.ready(name)
    record = shop.desk.seen(f"{shop.zone}/A/www") or {}
    assert record["properties"]["TTL"] == 60


def test_an_address_of_somebody_else_is_used_and_never_written(shop: Shop) -> None:
    theirs = shop.desk.arm.make(shop.desk.arm_id(bodies.ADDRESSES, "theirs"), bodies.address())
    shop.expose("one", publicIP={"resourceID": theirs["id"]}, dns=shop.dns())
    shop.expose("two", publicIP={"resourceID": theirs["id"]}, ports=[{"port": 81}])
    for name in ("one", "two"):
        assert shop.ready(name)["addresses"] == [theirs["properties"]["ipAddress"]]
    shop.remove("one", "two")
    assert shop.balancer() is None
    assert shop.desk.seen(theirs["id"]) == theirs
    assert [w for w in shop.desk.writes("/publicipaddresses/theirs") if w.startswith("DELETE")] == []
    shop.desk.arm.remove(theirs["id"])


def test_an_address_that_another_balancer_has_is_a_conflict_and_disturbs_nobody(shop: Shop) -> None:
    theirs = shop.desk.arm.make(shop.desk.arm_id(bodies.ADDRESSES, "theirs"), bodies.address())
    lb = shop.desk.arm_id(bodies.BALANCERS, "theirs")
    shop.desk.arm.make(lb, bodies.balancer(lb, address_id=theirs["id"]))
    shop.expose("one", publicIP={"resourceID": theirs["id"]})
    shop.expose("two", ports=[{"port": 81}])
    assert "theirs" in shop.desk.refused(KIND, "one", "Conflict")
    shop.ready("two")
    shop.desk.arm.remove(lb)
    shop.ready("one")
    shop.remove("one", "two")
    shop.desk.arm.remove(theirs["id"])


def test_backends_that_answer_their_probes_are_counted(shop: Shop) -> None:
    shop.expose(healthProbe={"intervalSeconds": 5, "unhealthyThreshold": 1})
    shop.ready()
    ssd, system = shop.machines("ssd"), shop.machines("system")
    until("the agents know", lambda: shop.world().frontends or None)
    shop.answer_probes(*ssd)
    backends = until("health is shown", lambda: ((b := counts(shop)).get("healthy") is not None and b) or None, 30)
    assert backends == {"summary": "1/2", "healthy": 1, "total": 2}
    shop.desk.edit(KIND, "web", healthProbe={"intervalSeconds": 6, "unhealthyThreshold": 1})
    until("the agents know", lambda: 6 in {p.interval for p in shop.world().down} or None)
    shop.answer_probes(*ssd, *system)
    until("both are healthy", lambda: counts(shop)["summary"] == "2/2" or None, 30)


def counts(shop: Shop) -> Json:
    return dict(shop.desk.get(KIND, "web")["status"]["backends"])


def test_a_pool_that_is_scaled_is_followed(shop: Shop) -> None:
    shop.expose()
    shop.ready()
    assert pool_of(shop) == {*shop.machines("ssd"), *shop.machines("system")}
    shop.workers.add(1)
    for replicas in (2, 1):
        shop.desk.scale("ssd", replicas)
        until(f"{replicas} machines", lambda n=replicas: len(shop.machines("ssd")) == n or None, 40)  # type: ignore[misc]  # a default binds the loop's variable
        wanted = {*shop.machines("ssd"), *shop.machines("system")}
        until(f"{len(wanted)} backends", lambda w=wanted: pool_of(shop) == w or None, FOLLOW_SECONDS)  # type: ignore[misc]  # as above
    shop.desk.ready("NodePool", "ssd")


def pool_of(shop: Shop) -> set[str]:
    """The addresses in the balancer's pools."""
    pools = (shop.balancer() or {})["backendAddressPools"]
    return {a["properties"]["ipAddress"] for p in pools for a in p["properties"]["loadBalancerBackendAddresses"]}


def test_a_foreign_rule_that_denies_us_is_shown(shop: Shop) -> None:
    rule = f"{shop.nsg()}/securityRules/deny-all"
    deny = bodies.rule_properties(200, access="Deny", protocol="*", sourceAddressPrefix="*", destinationPortRange="*")
    made = shop.desk.arm.make(rule, {"properties": deny})
    shop.expose(type="NodePort")
    shop.ready()
    name = f"{shop.nsg().rpartition('/')[2]}/deny-all"
    until("it is shown", lambda: shop.desk.get(KIND, "web")["status"].get("shadowedBy") == [name] or None)
    assert name in shop.part("NetworkRulesReady")["message"]
    assert shop.desk.arm.get(rule).body == made
    shop.desk.arm.remove(rule)
    until("it is not shown", lambda: "shadowedBy" not in shop.desk.get(KIND, "web")["status"] or None)


NAME: Json = {"ports": [], "backend": {"selector": None, "serviceName": None}, "allowedSources": None}
FORMS: dict[str, tuple[Json, list[str], set[str]]] = {
    "Public": (
        {"type": "LoadBalancer", "visibility": "Public"},
        ["loadbalancers", "publicipaddresses", "record A", "rule"],
        {"NodePort"},
    ),
    "Internal": (
        {"type": "LoadBalancer", "visibility": "Internal"},
        ["loadbalancers", "record A", "rule"],
        {"NodePort"},
    ),
    "NodePort": ({"type": "NodePort"}, ["record A", "rule"], {"NodePort"}),
    "ClusterIP": ({"type": "ClusterIP", "allowedSources": None, "dns": None}, [], {"ClusterIP"}),
    "ExternalName": (
        {"type": "ExternalName", "externalName": "db.example.com", **NAME},
        ["record CNAME"],
        {"ExternalName"},
    ),
}
"""What changes for each form; what of it there is in Azure; the type of its Service."""


def walk() -> list[str]:
    """Every form after every other one, in one way."""
    names, way = list(FORMS), []
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            way += [one, other]
    return [*way, names[0]]


@pytest.mark.timeout(300)
def test_another_type_leaves_nothing_of_the_one_before(shop: Shop) -> None:
    """From every form to every other one."""
    usual: Json = {
        "visibility": None,
        "externalName": None,
        "ports": [PORT],
        "backend": WEB,
        "allowedSources": ["198.51.100.0/24"],
        "dns": shop.dns(),
    }
    shop.expose(dns=shop.dns())
    shop.ready()
    way = walk()
    assert {(a, b) for a in FORMS for b in FORMS if a < b} <= {tuple(sorted(p)) for p in pairwise(way)}
    for form in way:
        change, azure, types = FORMS[form]
        shop.desk.edit(KIND, "web", **{**usual, **change})
        shop.ready()
        until(f"{form}: {azure}", lambda a=azure: shop.in_azure() == a or None, 30)  # type: ignore[misc]  # a default binds the loop's variable
        assert {s["spec"]["type"] for s in shop.services().values()} == types, form
        assert len(shop.services()) == 1, form
        until(f"{form}: only its own", lambda a=azure: len(shop.ready()["resources"]) == 1 + len(a) or None)  # type: ignore[misc]  # as above


def test_another_namespace_takes_the_service_along(shop: Shop) -> None:
    shop.expose(type="ClusterIP", allowedSources=None)
    shop.ready()
    shop.desk.edit(KIND, "web", backend={"namespace": shop.desk.namespace})
    shop.ready()
    until("the former one is gone", lambda: len(shop.services()) == 1 or None)
    assert shop.service("ClusterIP")["metadata"]["namespace"] == shop.desk.namespace
