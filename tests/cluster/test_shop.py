"""The life of a shop: an account, a zone, a cluster with pools, exposures; what of it is in Azure, and what stays others'.

The managed cluster's API is that of the test's control plane: its machines are nodes made by hand.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Api, Json, condition, path_of
from tests.cluster.desk import LOCATION, Desk
from tests.cluster.office import Machines, Office
from tests.contract import bodies
from tests.contract.cloud import Arm, Cloud, Group, until
from tests.levers import Levers

PUBLIC = "shop-public"
IP = {"name": "shop-ip"}


class Shop:
    """One desk with all that a shop needs."""

    def __init__(self, office: Office, machines: Machines) -> None:
        self.office = office
        self.operator = office.operator
        self.machines = machines
        self.desk = office.desk()

    def open(self, *, pools: int = 1) -> None:
        """Declare everything at once, as `kubectl apply -f` does."""
        desk = self.desk
        self.exposure("web", dns={"zoneRef": {"name": "zone"}, "name": "www"})
        for n in range(pools):
            desk.pool(("ssd", "hdd")[n])
        desk.pool()
        desk.cluster()
        desk.zone()
        for kind, name in [*self.objects(), *(("NodePool", ("ssd", "hdd")[n]) for n in range(pools))]:
            desk.ready(kind, name, 60)

    def objects(self) -> list[tuple[str, str]]:
        return [
            ("DNSZone", "zone"),
            ("ManagedCluster", "shop"),
            ("NodePool", "system"),
            ("ServiceExposure", "web"),
        ]

    def exposure(self, name: str, **spec: Any) -> None:
        self.desk.exposure(name, **{"backend": {"namespace": "default", "selector": {"app": "web"}}, **spec})

    @property
    def cluster(self) -> str:
        return self.desk.arm_id(bodies.CLUSTERS, "shop")

    @property
    def nodes(self) -> Group:
        """AKS's own group."""
        return Group(f"MC_{self.desk.namespace}_shop_{LOCATION}", self.desk.arm)

    def balancer(self) -> Json:
        found = self.desk.seen(self.desk.arm_id(bodies.BALANCERS, PUBLIC))
        assert found is not None
        return found

    def backends(self) -> list[str]:
        """Addresses in the balancer's pools, of all exposures."""
        pools = self.balancer()["properties"]["backendAddressPools"]
        return sorted(
            entry["properties"]["ipAddress"]
            for pool in pools
            for entry in pool["properties"].get("loadBalancerBackendAddresses") or ()
        )

    def machines_of(self, *pools: str) -> list[str]:
        found = []
        for pool in pools:
            listed = self.desk.arm.get(f"{self.cluster}/agentPools/{pool}/machines").body["value"]
            found += [m["properties"]["network"]["ipAddresses"][0]["ip"] for m in listed]
        return sorted(found)

    def nsg(self) -> Json:
        (found,) = self.desk.arm.get(self.nodes.path(bodies.SECURITY_GROUPS)).body["value"]
        return dict(found)

    def rules(self) -> dict[str, Json]:
        return {rule["name"]: rule for rule in self.nsg()["properties"]["securityRules"]}

    def record(self, name: str = "www") -> Json | None:
        return self.desk.seen(f"{self.zone}/A/{name}")

    @property
    def zone(self) -> str:
        return self.desk.arm_id(bodies.ZONES, f"{self.desk.namespace}.example")

    def close(self, *more: tuple[str, str]) -> None:
        """Delete everything at once; returns when it is gone."""
        objects = [*more, *self.objects(), ("CloudAccount", "default")]
        objects = [(kind, name) for kind, name in objects if self.desk.find(kind, name) is not None]
        for kind, name in objects:
            self.desk.delete(kind, name)
        for kind, name in objects:
            self.desk.gone(kind, name, 60)


@pytest.fixture(scope="module")
def office(api: Api, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    def over_nodes(home: str) -> Arm:
        options = ("--levers", "--compute", "host", "--kubeconfig", kubeconfig, "--api-server", api.server)
        return Arm(Cloud(tmp_path_factory.mktemp("cloud"), "480", *options, "--publish-namespace", home))

    folder = tmp_path_factory.mktemp("office")
    with Office(api, over_nodes, kubeconfig, folder, desks=8, delete_empty_resource_group="true") as made:
        made.operator.start()
        yield made
        assert made.operator.errors() == []
    made.arm.close()
    made.arm.cloud.stop()


@pytest.fixture(scope="module")
def machines(office: Office, api: Api) -> Iterator[Machines]:
    made = Machines(api, office.home)
    yield made
    made.close()


@pytest.fixture
def shop(office: Office, machines: Machines) -> Iterator[Shop]:
    machines.add(4)
    made = Shop(office, machines)
    yield made
    made.close(("NodePool", "ssd"), ("NodePool", "hdd"), ("ServiceExposure", "api"), ("ServiceExposure", "two"))
    machines.clear()


def test_everything_comes_about_changes_and_goes(shop: Shop) -> None:
    desk = shop.desk
    shop.open()
    _as_declared(shop)
    _creation_carried_one_pool(shop)
    ours = f"aks-operator.io%2Fexposure-namespace%3D{desk.namespace}"
    assert len(desk.api.items(f"/api/v1/services?labelSelector={ours}")) == 1
    desk.scale("ssd", 2)
    until("the new node is a backend", lambda: len(shop.backends()) == 3 or None)
    assert shop.backends() == shop.machines_of("ssd", "system")
    desk.scale("ssd", 1)
    until("the old node is none any more", lambda: len(shop.backends()) == 2 or None)
    desk.ready("NodePool", "ssd")
    assert shop.backends() == shop.machines_of("ssd", "system")
    until("the scale subresource tells", lambda: scaled(desk, 1))
    for kind, name in (("CloudAccount", "default"), ("ManagedCluster", "shop"), ("DNSZone", "zone")):
        desk.delete(kind, name)
    for kind, name in (("ManagedCluster", "shop"), ("DNSZone", "zone")):
        desk.refused(kind, name, "Blocked")
        assert desk.get(kind, name)["status"]["deletion"]["blockedBy"] == [f"ServiceExposure/{desk.namespace}/web"]
    shop.close(("NodePool", "ssd"))
    assert desk.seen(desk.group.id) is None, desk.left()
    assert desk.seen(shop.nodes.id) is None
    assert desk.api.items(f"/api/v1/services?labelSelector={ours}") == []


def scaled(desk: Desk, replicas: int) -> bool | None:
    body = desk.api.get(path_of("NodePool", desk.namespace, "ssd") + "/scale")
    assert body is not None
    assert body["status"]["selector"] == "kubernetes.azure.com/agentpool=ssd"
    return body["status"]["replicas"] == replicas or None


def _as_declared(shop: Shop) -> None:
    """ARM holds exactly what is wanted, marked."""
    desk = shop.desk
    management = desk.api.get("/api/v1/namespaces/kube-system")
    assert management is not None
    mark = f"{management['metadata']['uid']}/{desk.namespace}"
    cluster = desk.seen(shop.cluster) or {}
    assert cluster["tags"]["aks-operator-cluster"] == f"{mark}/shop"
    pool = desk.seen(f"{shop.cluster}/agentPools/ssd") or {}
    assert pool["properties"]["tags"]["aks-operator-pool"] == f"{mark}/ssd"
    status = desk.get("ServiceExposure", "web")["status"]
    (port,) = status["ports"]
    address = status["addresses"][0]
    rules = shop.rules()
    assert len(rules) == 1
    (rule,) = rules.values()
    assert rule["name"].startswith("aksop-")
    properties = rule["properties"]
    assert 1000 <= properties["priority"] <= 3999
    assert (properties["sourceAddressPrefixes"], properties["destinationPortRanges"], properties["protocol"]) == (
        ["198.51.100.0/24"],
        [str(port["nodePort"])],
        "Tcp",
    )
    assert properties["description"] == f"{mark}/web"
    balancer = shop.balancer()
    assert balancer["tags"]["aks-operator-owner"] == f"{mark}/shop"
    (balanced,) = balancer["properties"]["loadBalancingRules"]
    assert balanced["properties"]["disableOutboundSnat"] is True
    assert (balanced["properties"]["frontendPort"], balanced["properties"]["backendPort"]) == (80, port["nodePort"])
    assert shop.backends() == shop.machines_of("ssd", "system")
    record = shop.record() or {}
    assert record["properties"]["ARecords"] == [{"ipv4Address": address}]
    assert record["properties"]["metadata"] == {"aks-operator-owner": f"{mark}/zone"}
    host = f"www.{desk.namespace}.example"
    assert (status["fqdn"], status["url"]) == (host, f"http://{host}/")
    assert status["backends"]["total"] == 2
    kinds = sorted(id_.split("/")[7].lower() for id_ in desk.left())
    assert kinds == ["dnszones", "loadbalancers", "managedclusters", "publicipaddresses"]


def _creation_carried_one_pool(shop: Shop) -> None:
    """The System pool was made with its cluster, the other by itself; and each thing was made once."""
    writes = shop.desk.writes()
    assert [w.rpartition("/")[2] for w in writes if "/agentpools/" in w] == ["ssd"]
    assert all(w.startswith("PUT ") for w in writes)
    assert len([w for w in writes if w.endswith("/managedclusters/shop")]) == 1, writes
    # once more where the second pool's node came after the balancer
    assert len([w for w in writes if "/loadbalancers/" in w]) in {1, 2}, writes
    assert shop.desk.creations("/loadbalancers/") == 1, writes


def test_what_others_put_beside_ours_stays_as_it_is_through_a_life(shop: Shop) -> None:
    desk, arm = shop.desk, shop.desk.arm
    shop.open()
    tags = {**(desk.seen(shop.cluster) or {})["tags"], "theirs": "1"}
    body = desk.seen(shop.cluster) or {}
    arm.make(shop.cluster, {**body, "tags": tags})
    rule = f"{shop.nsg()['id']}/securityRules/theirs"
    arm.make(rule, {"properties": bodies.rule_properties(150, destinationPortRange="22")})
    arm.put(f"{shop.zone}/TXT/theirs", {"properties": {"TTL": 60, "TXTRecords": [{"value": ["theirs"]}]}})
    arm.put(f"{shop.zone}/A/theirs", {"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "192.0.2.1"}]}})
    address = arm.make(desk.arm_id(bodies.ADDRESSES, "theirs"), bodies.address())
    balancer = shop.balancer()
    balancer["properties"]["frontendIPConfigurations"].append(
        {"name": "theirs", "properties": {"publicIPAddress": {"id": address["id"]}}}
    )
    balancer["properties"]["backendAddressPools"].append({"name": "theirs"})
    arm.make(balancer["id"], balancer)

    def foreign() -> list[Any]:
        lists = shop.balancer()["properties"]
        found: list[Any] = [
            {k: v for k, v in entry.items() if k != "etag"}
            for name in ("frontendIPConfigurations", "backendAddressPools")
            for entry in lists[name]
            if entry["name"] == "theirs"
        ]
        assert len(found) == 2
        found += [arm.get(path).body for path in (rule, f"{shop.zone}/TXT/theirs", f"{shop.zone}/A/theirs")]
        for entry in found:
            entry.get("properties", {}).pop("etag", None)
        assert (desk.seen(shop.cluster) or {})["tags"]["theirs"] == "1"
        return found

    before = foreign()
    shop.exposure("api", ports=[{"name": "api", "port": 8443}], publicIP=IP)
    desk.ready("ServiceExposure", "api")
    desk.scale("ssd", 2)
    until("it is balanced", lambda: len(set(shop.backends())) == 3 or None)
    desk.edit("ManagedCluster", "shop", tags={"ours": "2"})
    until("the tag is set", lambda: (desk.seen(shop.cluster) or {})["tags"].get("ours") == "2" or None)
    desk.delete("ServiceExposure", "api")
    desk.gone("ServiceExposure", "api")
    assert foreign() == before
    desk.delete("ServiceExposure", "web")
    desk.gone("ServiceExposure", "web")
    assert foreign() == before
    assert set(shop.rules()) == {"theirs"}
    assert [f["name"] for f in shop.balancer()["properties"]["frontendIPConfigurations"]] == ["theirs"]
    assert desk.seen(address["id"]) is not None


def test_what_somebody_undid_comes_back(shop: Shop) -> None:
    desk, arm = shop.desk, shop.desk.arm
    shop.open()
    (rule,) = shop.rules().values()
    arm.remove(rule["id"])
    until("the rule is back", lambda: shop.rules().get(rule["name"]))
    arm.make(rule["id"], {"properties": {**rule["properties"], "sourceAddressPrefixes": ["0.0.0.0/0"]}})
    until("the rule is mended", lambda: mended(shop, rule))
    record = shop.record() or {}
    arm.put(f"{shop.zone}/A/www", {"properties": {**record["properties"], "ARecords": [{"ipv4Address": "192.0.2.9"}]}})
    until("the record is mended", lambda: same_record(shop, record))
    arm.delete(f"{shop.zone}/A/www")
    until("the record is back", shop.record)
    arm.make(f"{shop.cluster}/agentPools/ssd", bodies.pool(count=2))
    until("the count is mended", lambda: shop.machines_of("ssd") if len(shop.machines_of("ssd")) == 1 else None)
    balancer = shop.balancer()
    arm.remove(balancer["id"])
    until("the balancer is back", lambda: desk.seen(balancer["id"]))
    for kind, name in (*shop.objects(), ("NodePool", "ssd")):
        desk.ready(kind, name)
    # The balancer may have been built anew while the third machine was still there: it leaves when its machine has.
    until("only what runs is balanced", lambda: shop.backends() == shop.machines_of("ssd", "system") or None)


def mended(shop: Shop, rule: Json) -> bool | None:
    return shop.rules()[rule["name"]]["properties"]["sourceAddressPrefixes"] == ["198.51.100.0/24"] or None


def same_record(shop: Shop, wanted: Json) -> bool | None:
    now = shop.record()
    return (now is not None and now["properties"]["ARecords"] == wanted["properties"]["ARecords"]) or None


def test_two_exposures_share_one_address(shop: Shop) -> None:
    desk = shop.desk
    shop.exposure("web", publicIP=IP, dns={"zoneRef": {"name": "zone"}, "name": "www"})
    shop.exposure(
        "api", publicIP=IP, ports=[{"name": "api", "port": 8443}], dns={"zoneRef": {"name": "zone"}, "name": "www"}
    )
    desk.pool()
    desk.cluster()
    desk.zone()
    for name in ("web", "api"):
        desk.ready("ServiceExposure", name, 60)
    one, other = (desk.get("ServiceExposure", name)["status"]["addresses"] for name in ("web", "api"))
    assert one == other
    assert [id_.rpartition("/")[2] for id_ in desk.left() if "/publicIPAddresses/" in id_] == ["shop-ip"]
    shop.exposure("two", publicIP=IP)
    message = desk.refused("ServiceExposure", "two", "Conflict")
    assert f"{desk.namespace}/web" in message
    desk.edit("ServiceExposure", "two", ports=[{"name": "http", "port": 81}])
    desk.ready("ServiceExposure", "two")
    desk.delete("ServiceExposure", "web")
    desk.gone("ServiceExposure", "web")
    assert desk.seen(desk.arm_id(bodies.ADDRESSES, "shop-ip")) is not None
    assert (shop.record() or {})["properties"]["ARecords"] == [{"ipv4Address": one[0]}]
    desk.edit("ServiceExposure", "two", publicIP=None)
    desk.ready("ServiceExposure", "two")
    assert desk.get("ServiceExposure", "two")["status"]["addresses"] != one
    desk.edit("ServiceExposure", "api", dns={"name": "api"})
    desk.ready("ServiceExposure", "api")
    until("the old name is gone", lambda: shop.record() is None or None)
    assert shop.record("api") is not None
    for name in ("api", "two"):
        desk.delete("ServiceExposure", name)
    for name in ("api", "two"):
        desk.gone("ServiceExposure", name)
    assert sorted(id_.split("/")[7] for id_ in desk.left()) == ["dnsZones", "managedClusters"]


def test_too_few_machines_are_azures_quota_and_an_operation_that_failed_can_be_put_right(shop: Shop) -> None:
    desk, machines = shop.desk, shop.machines
    desk.cluster()
    desk.pool()
    desk.ready("NodePool", "system", 60)
    desk.pool("ssd", replicas=9)
    assert "quota" in desk.refused("NodePool", "ssd", "QuotaExceeded").lower()
    levers = Levers(desk.arm.cloud)
    levers.stop()  # the operation does not end before the machine is gone
    desk.edit("NodePool", "ssd", replicas=3)
    until("it is being made", lambda: desk.seen(f"{shop.cluster}/agentPools/ssd"))
    machines.remove_last()  # the quota was there when it was asked for
    levers.run()
    levers.close()
    until("it failed", lambda: condition(desk.get("NodePool", "ssd")).get("reason") == "QuotaExceeded" or None)
    desk.edit("NodePool", "ssd", replicas=2)
    desk.ready("NodePool", "ssd")
    assert len(shop.machines_of("ssd")) == 2


def test_at_rest_nothing_is_written_and_nothing_after_a_restart(shop: Shop) -> None:
    desk, operator = shop.desk, shop.operator
    shop.open()
    until("the status is at rest", lambda: quiet(desk), 30)
    for restart in (False, True):
        if restart:
            operator.stop()
            operator.start()
        before, patches = desk.versions(), operator.count("aks_operator_status_patches_total")
        desk.mark()
        asked = desk.requests()
        time.sleep(6.5)  # three drift checks in which nothing is to happen
        assert desk.requests() > asked, "it did look"
        assert desk.writes() == []
        assert desk.versions() == before
        assert operator.count("aks_operator_status_patches_total") == (0 if restart else patches)


def test_a_change_of_the_spec_is_ready_when_azure_has_it(shop: Shop) -> None:
    desk = shop.desk
    shop.open()
    for source in ("192.0.2.0/24", "198.51.100.0/25"):
        desk.edit("ServiceExposure", "web", allowedSources=[source])
        desk.ready("ServiceExposure", "web")
        (rule,) = shop.rules().values()
        assert rule["properties"]["sourceAddressPrefixes"] == [source]


def quiet(desk: Desk) -> bool | None:
    """Nothing changed for a moment."""
    before = desk.versions()
    time.sleep(0.7)
    return desk.versions() == before or None


def test_a_wish_reaches_azure_at_once(shop: Shop) -> None:
    desk = shop.desk
    desk.ready("CloudAccount", "default")
    waits = []
    for n in range(3):
        desk.mark()
        began = time.monotonic()
        desk.zone(f"z{n}", zone=f"z{n}.{desk.namespace}.example")
        until("it is made", lambda: desk.writes("/dnszones/") or None)
        waits.append(time.monotonic() - began)
        desk.ready("DNSZone", f"z{n}")
        desk.delete("DNSZone", f"z{n}")
    for n in range(3):
        desk.gone("DNSZone", f"z{n}")
    assert sorted(waits)[1] < 1.0, waits
