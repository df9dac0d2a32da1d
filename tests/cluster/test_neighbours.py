"""Others in the same subscription: what they make beside ours stays as they made it, and what is theirs stays theirs.

Foreign rules that shadow ours are in test_service_types.py; foreigners at every fault in test_faults.py.
"""

import itertools
import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api, Json, condition
from tests.cluster.desk import Desk
from tests.cluster.lives import Plot
from tests.cluster.office import Office
from tests.contract import bodies
from tests.contract.bodies import LOCATION
from tests.contract.cloud import Arm, Cloud, Reply, until

HUB = "22222222-0000-0000-0000-000000000002"
"""A subscription besides the usual one."""
KIND = "ServiceExposure"
PORT = {"name": "http", "port": 80, "targetPort": 8080}


@dataclass
class Street:
    """Two installations of the operator over one cloud: their namespaces differ, and their management ids."""

    ours: Office
    theirs: Office

    def shop(self) -> Desk:
        """A zone, and a cluster with its pool, all Ready."""
        desk = self.ours.desk()
        desk.zone()
        desk.pool()
        desk.cluster()
        for kind, name in (("DNSZone", "zone"), ("ManagedCluster", "shop"), ("NodePool", "system")):
            desk.ready(kind, name)
        return desk


@pytest.fixture(scope="module")
def street(api: Api, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    own = str(uuid.uuid4())
    options = ("--kubeconfig", kubeconfig, "--subscription", own, "--subscription", HUB)
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), "240", *options)
    arm = Arm(cloud)
    one, two = (tmp_path_factory.mktemp(name) for name in ("ours", "theirs"))
    with (
        Office(api, arm, kubeconfig, one, desks=12) as ours,
        Office(api, arm, kubeconfig, two, desks=2, management_id="another", lease_name="another") as theirs,
    ):
        ours.operator.start()
        theirs.operator.start()
        yield Street(ours, theirs)
        assert ours.operator.errors() == theirs.operator.errors() == []
    arm.close()
    cloud.stop()


def nsg_of(desk: Desk, cluster: str = "shop") -> str:
    """The id of AKS's NSG."""
    nodes = f"/resourceGroups/MC_{desk.group.name}_{cluster}_{LOCATION}/providers/{bodies.SECURITY_GROUPS}"
    (found,) = desk.arm.get(nodes).body["value"]
    return str(found["id"])


def rules(desk: Desk, cluster: str = "shop") -> dict[str, Json]:
    """Every rule in AKS's NSG, by name."""
    found = desk.arm.get(nsg_of(desk, cluster)).body["properties"]["securityRules"]
    return {str(rule["name"]): dict(rule["properties"]) for rule in found}


def ours(desk: Desk) -> dict[str, Json]:
    """Those of the operator."""
    return {name: rule for name, rule in rules(desk).items() if name.startswith("aksop-")}


def dns(name: str = "www", zone: str = "zone", **namespace: str) -> Json:
    return {"zoneRef": {"name": zone, **namespace}, "name": name}


class Neighbour:
    """Somebody who writes beside the operator without a pause: rules, balancer entries, tags, records. He keeps what is not his."""

    def __init__(self, desk: Desk) -> None:
        self._arm = Arm(desk.arm.cloud)
        zone = desk.arm_id(bodies.ZONES, f"{desk.namespace}.example")
        self._balancer = desk.arm_id(bodies.BALANCERS, "shop-public")
        self._ids = {
            "rule": f"{nsg_of(desk)}/securityRules/theirs",
            "address": desk.arm_id(bodies.ADDRESSES, "theirs"),
            "record": f"{zone}/A/theirs",
            "text": f"{zone}/TXT/www",
        }
        self._tagged = [desk.arm_id(bodies.CLUSTERS, "shop"), zone, desk.arm_id(bodies.ADDRESSES, "shop-ip")]
        self.rounds = 0
        self._last: dict[str, str] = {}
        """What he wrote last, as it was answered, by what it is."""
        self._failure: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """He writes no more; fails when he could not go on."""
        self._ended.set()
        self._thread.join(60)
        self._arm.close()
        if self._failure is not None:
            raise AssertionError("the neighbour could not go on") from self._failure

    def unharmed(self) -> None:
        """All that he wrote last is there, byte for byte."""
        for what, was in self._last.items():
            assert self._now(what) == was, what

    def _run(self) -> None:
        try:
            for self.rounds in itertools.count(1):
                self._write()
                if self._ended.is_set():
                    return
        except BaseException as error:
            self._failure = error
            raise

    def _write(self) -> None:
        n = self.rounds
        source = f"192.0.2.{n % 250}/32"
        self._put("rule", {"properties": bodies.rule_properties(300 + n % 9, sourceAddressPrefix=source)})
        self._put("address", {**bodies.address(idleTimeoutInMinutes=4 + n % 20), "tags": {"round": str(n)}})
        self._put("record", {"properties": {"TTL": 60 + n, "ARecords": [{"ipv4Address": f"192.0.2.{n % 250}"}]}})
        self._put("text", {"properties": {"TTL": 60, "TXTRecords": [{"value": [f"round={n}"]}]}})
        for id_ in self._tagged:
            self._tag(id_, str(n))
        self._entries(30000 + n % 2000)

    def _put(self, what: str, body: Json) -> None:
        self._arm.make(self._ids[what], body)
        self._last[what] = self._now(what)

    def _now(self, what: str) -> str:
        """What there is of his, without the etags of documents that are not his alone."""
        if what in self._ids:
            return self._arm.get(self._ids[what]).text
        if what == "entries":
            properties = self._arm.get(self._balancer).body["properties"]
            found = {k: [e for e in v if e["name"] == "theirs"] for k, v in properties.items() if isinstance(v, list)}
            for entry in itertools.chain.from_iterable(found.values()):
                del entry["etag"]
            return json.dumps(found)
        return str(self._arm.get(what).body["tags"].get("theirs"))

    def _tag(self, id_: str, value: str) -> None:
        """As a tagging policy does: one tag more, and none of the others changed."""
        found = self._arm.get(id_)
        if found.status == 404:
            return

        def attempt() -> Reply | None:
            tags = self._arm.get(id_).body.get("tags") or {}
            reply = self._arm.patch(id_, {"tags": {**tags, "theirs": value}})
            return None if reply.status in {409, 412, 429} else reply

        reply = until(f"{id_} takes a tag", attempt, 30)
        if reply.status == 404:
            return
        assert reply.status < 300, reply
        self._arm.ended(reply)
        self._last[id_] = value

    def _entries(self, port: int) -> None:
        """A pool and a probe of his own in the operator's balancer, by the whole document and its etag."""

        def attempt() -> Reply | None:
            found = self._arm.get(self._balancer)
            if found.status == 404:
                return found
            body = found.body
            properties = body["properties"]
            for name in ("backendAddressPools", "probes"):
                properties[name] = [entry for entry in properties[name] if entry["name"] != "theirs"]
            properties["backendAddressPools"].append({"name": "theirs", "properties": {}})
            probe = {"protocol": "Tcp", "port": port, "intervalInSeconds": 5}
            properties["probes"].append({"name": "theirs", "properties": probe})
            reply = self._arm.put(self._balancer, body, If_Match=body["etag"])
            return None if reply.status in {409, 412, 429} else reply

        reply = until("the balancer takes his entries", attempt, 30)
        if reply.status == 404:
            return
        assert reply.status < 300, reply
        self._arm.ended(reply)
        self._last["entries"] = self._now("entries")


def test_what_others_write_beside_a_shop_is_theirs_all_its_life(street: Street) -> None:
    desk = street.shop()
    neighbour = Neighbour(desk)
    try:
        desk.exposure(dns=dns(), publicIP={"name": "shop-ip"})
        desk.ready(KIND, "web", 60)
        until("he found the balancer", lambda: "entries" in neighbour._last or None, 30)
        desk.pool("more")
        desk.exposure("api", ports=[{"name": "api", "port": 8080}], publicIP={"name": "shop-ip"})
        desk.edit(KIND, "web", allowedSources=["203.0.113.0/24"], ports=[{"name": "http", "port": 81}])
        desk.edit("ManagedCluster", "shop", tags={"ours": "1"})
        desk.scale("system", 2)
        for kind, name in ((KIND, "web"), (KIND, "api"), ("NodePool", "more"), ("NodePool", "system")):
            desk.ready(kind, name, 60)
        desk.ready("ManagedCluster", "shop", 60)
        before = neighbour.rounds
        until("he goes on", lambda: neighbour.rounds > before + 1 or None, 30)
    finally:
        neighbour.leave()
    neighbour.unharmed()
    for name in ("web", "api"):
        desk.delete(KIND, name)
    for name in ("web", "api"):
        desk.gone(KIND, name, 60)
    assert ours(desk) == {}
    balancer = desk.seen(desk.arm_id(bodies.BALANCERS, "shop-public"))
    assert balancer is None or not balancer["properties"]["frontendIPConfigurations"]
    for id_ in (desk.arm_id(bodies.ADDRESSES, "shop-ip"), f"{zone_of(desk)}/A/www"):
        assert desk.seen(id_) is None
        neighbour._last.pop(id_, None)
    if balancer is None:  # it went with our last frontend
        neighbour._last.pop("entries")
    neighbour._arm = desk.arm
    neighbour.unharmed()


def zone_of(desk: Desk) -> str:
    return desk.arm_id(bodies.ZONES, f"{desk.namespace}.example")


def test_two_installations_in_one_subscription_leave_each_other_alone(street: Street) -> None:
    desk, other = street.shop(), street.theirs.desk()
    desk.exposure(dns=dns(), publicIP={"name": "shop-ip"})
    desk.ready(KIND, "web")
    ids = [desk.arm_id(bodies.CLUSTERS, "shop"), zone_of(desk), f"{zone_of(desk)}/A/www", nsg_of(desk)]
    ids += [desk.arm_id(bodies.ADDRESSES, "shop-ip"), desk.arm_id(bodies.BALANCERS, "shop-public")]
    before = {id_: desk.arm.get(id_).text for id_ in ids}
    desk.mark()

    group = desk.group.name
    other.zone(resourceGroup=group, zone=f"{desk.namespace}.example")
    other.cluster(resourceGroup=group)
    other.pool("second", clusterRef={"name": "second"}, mode="System")
    other.cluster("second", resourceGroup=group)
    other.refused("DNSZone", "zone", "AlreadyExists")
    other.refused("ManagedCluster", "shop", "AlreadyExists")
    other.ready("ManagedCluster", "second")
    other.ready("NodePool", "second")
    second = {"clusterRef": {"name": "second"}}
    other.exposure("own", **second)
    other.exposure("same", **second, publicIP={"name": "shop-ip"})
    other.exposure("named", **second, dns=dns())
    other.ready(KIND, "own")
    part = until("the address is somebody's", lambda: taken(other, "same"))
    assert "our mark" in part["message"]
    assert "DNSZone" in other.refused(KIND, "named", "WaitingForZone")
    for kind, names in (
        (KIND, ("own", "same", "named")),
        ("NodePool", ("second",)),
        ("ManagedCluster", ("second", "shop")),
        ("DNSZone", ("zone",)),
    ):
        for name in names:
            other.delete(kind, name)
    for name in ("second", "shop"):
        other.gone("ManagedCluster", name, 40)
    other.gone("DNSZone", "zone")
    assert {id_: desk.arm.get(id_).text for id_ in ids} == before
    mine = [w for w in desk.writes() if "/second" not in w and f"mc_{group}_second" not in w]
    assert mine == [], "the first operator had nothing to mend, and the other wrote to nothing of its"


def taken(desk: Desk, name: str) -> Json | None:
    found = condition(desk.get(KIND, name), "AddressReady")
    return dict(found) if found.get("reason") == "AlreadyExists" else None


def test_an_nsg_that_aks_sets_back_gets_our_rules_again(street: Street) -> None:
    desk = street.shop()
    nsg = nsg_of(desk)
    foreign = desk.arm.make(f"{nsg}/securityRules/theirs", {"properties": bodies.rule_properties(300)})
    desk.exposure(type="NodePort", ports=[PORT, {"name": "dns", "port": 53, "protocol": "UDP"}])
    desk.ready(KIND, "web")
    before = rules(desk)
    assert len(before) == 3
    desk.mark()
    body = desk.arm.get(nsg).body
    body["properties"]["securityRules"] = [foreign]
    desk.arm.make(nsg, body)
    until("our rules are back", lambda: rules(desk) == before or None)
    desk.ready(KIND, "web")
    written = [write.rpartition("/")[2] for write in desk.writes("/securityrules/")]
    assert sorted(written) == sorted(name for name in before if name.startswith("aksop-")), "each once, and no other"


@pytest.mark.parametrize("level", ["ReadOnly", "CanNotDelete"])
def test_a_locked_node_resource_group_is_said_and_waited_for(street: Street, level: str) -> None:
    desk = street.shop()
    nodes = nsg_of(desk).partition("/providers/")[0]
    lock = f"{nodes}/providers/{bodies.LOCKS}/keep"
    if level == "CanNotDelete":  # rules may come, and not go
        desk.exposure()
        desk.ready(KIND, "web")
    assert desk.arm.put(lock, bodies.lock(level)).status == 201
    if level == "ReadOnly":
        desk.exposure()
        said = until("it is said", lambda: held(condition(desk.get(KIND, "web"), "NetworkRulesReady")))
        desk.refused(KIND, "web", "NodeResourceGroupLocked")
    else:
        desk.delete(KIND, "web")
        said = until("it is said", lambda: held(condition(desk.get(KIND, "web"))))
    assert nodes.rpartition("/")[2] in said
    desk.scale("system", 2)
    until("AKS begins nothing", lambda: held(condition(desk.get("NodePool", "system"))))
    assert desk.arm.delete(lock).status == 200
    desk.ready("NodePool", "system")
    if level == "ReadOnly":
        desk.ready(KIND, "web")
        assert len(ours(desk)) == 1
    else:
        desk.gone(KIND, "web")
        assert ours(desk) == {}


def held(found: Any) -> str | None:
    """What a condition says of a lock, if it does."""
    return str(found["message"]) if found.get("reason") == "NodeResourceGroupLocked" else None


def test_a_zone_of_another_account_and_subscription_holds_a_shops_name(street: Street, tmp_path: Path) -> None:
    desk, hub = street.shop(), street.ours.desk()
    hub.apply("CloudAccount", "hub", **{**hub.account(), "subscriptionId": HUB})
    hub.zone(accountRef={"name": "hub"}, allowedNamespaces=[desk.namespace])
    hub.ready("DNSZone", "zone")
    there = Desk(hub.api, Arm[Cloud](Plot(street.ours.arm.cloud, HUB)), hub.namespace)
    foreign = f"{zone_of(there)}/A/theirs"
    there.arm.make(foreign, {"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "192.0.2.9"}]}})
    before = there.arm.get(foreign).text
    www = f"{zone_of(there)}/A/www"

    desk.exposure(dns=dns(namespace=hub.namespace))
    status = desk.ready(KIND, "web")["status"]
    assert status["fqdn"] == f"www.{hub.namespace}.example"
    found = (there.seen(www) or {})["properties"]["ARecords"]
    assert [record["ipv4Address"] for record in found] == status["addresses"]
    assert desk.seen(f"{zone_of(desk)}/A/www") is None
    desk.exposure("api", dns=dns("theirs", namespace=hub.namespace))
    until("that name is somebody's", lambda: name_taken(desk, "api"))

    hub.delete("DNSZone", "zone")
    assert f"{desk.namespace}/web" in hub.refused("DNSZone", "zone", "Blocked")
    for name in ("web", "api"):
        desk.delete(KIND, name)
    for name in ("web", "api"):
        desk.gone(KIND, name)
    assert (there.seen(www), there.arm.get(foreign).text) == (None, before)
    there.arm.remove(foreign)
    hub.gone("DNSZone", "zone")
    assert there.seen(zone_of(there)) is None
    there.arm.close()


def name_taken(desk: Desk, name: str) -> bool | None:
    return condition(desk.get(KIND, name), "DNSReady").get("reason") == "AlreadyExists" or None


def test_a_zone_that_another_accounts_object_owns_is_not_taken_from_it(street: Street) -> None:
    owner, guest = street.ours.desk(), street.ours.desk()
    owner.zone()
    owner.ready("DNSZone", "zone")
    before = owner.arm.get(zone_of(owner)).text
    guest.zone(resourceGroup=owner.group.name, zone=f"{owner.namespace}.example")
    guest.refused("DNSZone", "zone", "AlreadyExists")
    guest.delete("DNSZone", "zone")
    guest.gone("DNSZone", "zone")
    assert owner.arm.get(zone_of(owner)).text == before
    assert len(owner.writes("/dnszones/")) == 1
