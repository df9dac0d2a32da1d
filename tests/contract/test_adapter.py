"""The operator's own adapter, sessions and shared documents against a cloud: what is wanted comes about, and then rests."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from aks_operator.desired.address import AddressShare
from aks_operator.desired.balancer import BalancerShare
from aks_operator.desired.cluster import CLUSTERS, cluster, pool, profile
from aks_operator.desired.exposure import Port
from aks_operator.desired.security import RulesShare
from aks_operator.desired.zone import ZONES, RecordShare, zone
from aks_operator.documents.shares import DROP
from aks_operator.keys import Key
from aks_operator.objects import parse
from aks_operator.port import NotFound, PreconditionFailed, Terminal
from tests.contract import bodies
from tests.contract.cloud import Group
from tests.contract.desk import MARKS, A, B, Desk, desk_of


@pytest.fixture
async def desk(group: Group) -> AsyncIterator[Desk]:
    async with desk_of(group) as made:
        yield made


def spec(kind: str, **fields: Any) -> Any:
    needed: dict[str, dict[str, Any]] = {
        "ManagedCluster": {"resourceGroup": "g", "location": "westeurope", "kubernetesVersion": "1.36"},
        "NodePool": {"clusterRef": {"name": "shop"}, "vmSize": "Standard_D4s_v5"},
        "DNSZone": {"resourceGroup": "g", "zone": "shop.example"},
    }
    return parse(kind, {"metadata": {"name": "x"}, "spec": {**needed[kind], **fields}}).spec


SYSTEM = profile("system", spec("NodePool", mode="System"), mark=MARKS.value(Key("NodePool", "ns", "system")))


def shop(desk: Desk, **fields: Any) -> Any:
    """A maker of the cluster `shop`."""
    id_ = desk.group.path(CLUSTERS, "shop")
    mark = MARKS.value(Key("ManagedCluster", "ns", "shop"))
    wanted = spec("ManagedCluster", **fields)
    return lambda observed: cluster(id_, wanted, azure_name="shop", mark=mark, pools=[SYSTEM], observed=observed)


def node_pool(desk: Desk, version: str, **fields: Any) -> Any:
    """A maker of the pool `np`."""
    id_ = desk.group.path(CLUSTERS, "shop") + "/agentPools/np"
    wanted = spec("NodePool", **fields)
    mark = MARKS.value(Key("NodePool", "ns", "np"))
    return lambda observed: pool(id_, wanted, mark=mark, version=version, observed=observed)


CLUSTER_CHANGES: list[Any] = [
    pytest.param([{"tier": "Standard"}], id="tier"),
    pytest.param([{"tags": {"team": "web", "Cost": "1"}}, {"tags": {"team": "shop"}}], id="tags"),
    pytest.param([{"apiServer": {"authorizedRanges": ["198.51.100.0/24"]}}, {}], id="ranges come and go"),
    pytest.param([{"autoUpgrade": "Patch"}, {}], id="upgrades come and go"),
    pytest.param([{"nodeOSUpgrade": "SecurityPatch"}, {}], id="node images"),
    pytest.param([{"azure": {"autoScalerProfile": {"expander": "random"}}}], id="further properties"),
]


@pytest.mark.parametrize("changes", CLUSTER_CHANGES)
async def test_a_cluster_takes_each_change_once_and_rests(desk: Desk, changes: list[dict[str, Any]]) -> None:
    await desk.converge(shop(desk))
    assert desk.puts == 1
    await desk.rests(shop(desk))
    applied: list[str] = []
    for count, fields in enumerate(changes, start=2):
        body = await desk.converge(shop(desk, **fields), applied=applied)
        assert desk.puts == count
        await desk.rests(shop(desk, **fields), applied=applied)
        applied = sorted(fields.get("tags", {}))
        tags = {key: value for key, value in body["tags"].items() if not key.startswith("aks-operator-")}
        assert tags == fields.get("tags", {})


POOL_CHANGES: list[Any] = [
    pytest.param([{"replicas": 3}, {"replicas": 0}], id="size"),
    pytest.param([{"labels": {"disk": "ssd"}}, {"labels": {"gpu": "yes"}}, {}], id="labels"),
    pytest.param([{"taints": [{"key": "gpu", "value": "true", "effect": "NoSchedule"}]}, {}], id="taints"),
    pytest.param([{"tags": {"team": "web"}}, {"tags": {"cost": "1"}}, {}], id="tags"),
    pytest.param(
        [{"autoscaling": {"min": 2, "max": 5}}, {"autoscaling": {"min": 4, "max": 6}}, {"replicas": 1}],
        id="autoscaling comes, changes and goes",
    ),
    pytest.param([{"upgrade": {"maxSurge": "33%", "soakMinutes": 5}}], id="upgrade settings"),
    pytest.param([{"mode": "System"}, {}], id="mode"),
]


@pytest.mark.parametrize("changes", POOL_CHANGES)
async def test_a_pool_takes_each_change_once_and_rests(desk: Desk, changes: list[dict[str, Any]]) -> None:
    made = await desk.converge(shop(desk))
    version = made["properties"]["currentKubernetesVersion"]
    await desk.converge(node_pool(desk, version))
    before = desk.puts
    applied: list[str] = []
    for count, fields in enumerate(changes, start=1):
        body = await desk.converge(node_pool(desk, version, **fields), applied=applied)
        assert desk.puts == before + count
        await desk.rests(node_pool(desk, version, **fields), applied=applied)
        applied = sorted(fields.get("tags", {}))
        shown = body["properties"]
        tags = {key: value for key, value in shown["tags"].items() if not key.startswith("aks-operator-")}
        assert tags == fields.get("tags", {})
        assert (shown.get("nodeLabels") or {}) == fields.get("labels", {})


async def test_what_azure_adds_to_spot_nodes_is_left_to_it(desk: Desk) -> None:
    made = await desk.converge(shop(desk))
    version = made["properties"]["currentKubernetesVersion"]
    terms: dict[str, Any] = {"priority": "Spot", "spot": {"maxPrice": "-1"}}
    await desk.converge(node_pool(desk, version, **terms))
    await desk.rests(node_pool(desk, version, **terms))
    body = await desk.converge(node_pool(desk, version, **terms, labels={"a": "b"}))
    assert set(body["properties"]["nodeLabels"]) == {"a", "kubernetes.azure.com/scalesetpriority"}


async def test_a_change_by_hand_is_put_right_and_what_others_set_stays(desk: Desk) -> None:
    made = await desk.converge(shop(desk))
    arm = desk.group.arm
    changed = {**made, "tags": {**made["tags"], "theirs": "1"}, "sku": {"name": "Base", "tier": "Standard"}}
    changed["properties"] = {k: v for k, v in made["properties"].items() if k != "agentPoolProfiles"}
    arm.make(made["id"], changed)
    desk.clock[0] += 3600.0
    body = await desk.converge(shop(desk))
    assert (body["sku"]["tier"], body["tags"]["theirs"]) == ("Free", "1")


# --- shared documents -------------------------------------------------------------------------------------------------


def ports(*numbers: int, first: int = 30000) -> tuple[Port, ...]:
    """Ports on their way to pods; no two Services have the same node port."""
    return tuple(Port(f"p{n}", "TCP", n, 8000 + n, first + n) for n in numbers)


@pytest.fixture
async def network(desk: Desk) -> str:
    """The id of a virtual network."""
    id_ = desk.group.path(bodies.NETWORKS, "vnet")
    desk.group.arm.make(id_, bodies.network(bodies.subnet("nodes", "10.0.0.0/24")))
    return id_


def of_address(**settings: Any) -> AddressShare:
    return AddressShare("westeurope", MARKS.value(Key("ManagedCluster", "ns", "shop")), **settings)


def of_balancer(address: str, network: str, *numbers: int, nodes: tuple[str, ...] = ("10.0.0.4",)) -> BalancerShare:
    mark = MARKS.value(Key("ManagedCluster", "ns", "shop"))
    own = ports(*numbers, first=30000 if address.endswith("one") else 31000)
    return BalancerShare("westeurope", mark, address, network, own, nodes, ("HTTP", "/healthz", 5, 2))


async def test_two_exposures_share_a_balancer_and_leave_it_one_by_one(desk: Desk, network: str) -> None:
    one, two = (desk.group.path(bodies.ADDRESSES, name) for name in ("one", "two"))
    balancer = desk.group.path(bodies.BALANCERS, "shop-public")
    for id_, owner in ((one, A), (two, B)):
        await desk.say(id_, of_address(dns_label=f"{desk.group.name}-{owner.name}"), owner)
    await desk.say(balancer, of_balancer(one, network, 80, 443), A)
    body = await desk.say(balancer, of_balancer(two, network, 80, nodes=("10.0.0.4", "10.0.0.5")), B)
    assert body is not None
    assert len(body["properties"]["loadBalancingRules"]) == 3

    body = await desk.say(balancer, of_balancer(one, network, 443), A)
    assert body is not None
    assert len(body["properties"]["loadBalancingRules"]) == 2
    body = await desk.say(balancer, DROP, A)
    assert body is not None
    assert [rule["properties"]["frontendPort"] for rule in body["properties"]["loadBalancingRules"]] == [80]
    assert await desk.say(one, DROP, A) is None
    assert await desk.say(balancer, DROP, B) is None
    assert await desk.say(two, DROP, B) is None


async def test_foreign_entries_of_a_balancer_go_back_to_the_letter(desk: Desk, network: str) -> None:
    ours, theirs = (desk.group.path(bodies.ADDRESSES, name) for name in ("ours", "theirs"))
    balancer = desk.group.path(bodies.BALANCERS, "shop-public")
    await desk.say(ours, of_address())
    made = await desk.say(balancer, of_balancer(ours, network, 80))
    assert made is not None
    arm = desk.group.arm
    arm.make(theirs, bodies.address())
    foreign = bodies.balancer(
        balancer, address_id=theirs, rules=[bodies.balancing_rule(balancer, "theirs", 9000, 30900)]
    )
    merged = {**made, "properties": {**made["properties"]}}
    for name, added in foreign["properties"].items():
        merged["properties"][name] = [*made["properties"][name], *added]
    before = arm.make(balancer, merged)
    desk.clock[0] += 3600.0
    after = await desk.say(balancer, of_balancer(ours, network, 80, 443))
    assert after is not None

    def entries(body: dict[str, Any]) -> dict[str, Any]:
        lists = ("frontendIPConfigurations", "backendAddressPools", "probes", "loadBalancingRules")
        return {
            f"{name}/{entry['name']}": {k: v for k, v in entry.items() if k != "etag"}
            for name in lists
            for entry in body["properties"][name]
            if not MARKS.is_ours(entry["name"])
        }

    assert entries(after) == entries(before)
    after = await desk.say(balancer, DROP)
    assert after is not None, "it serves somebody else"
    assert entries(after) == entries(before)


async def test_rules_come_and_go_one_by_one_beside_foreign_ones(desk: Desk) -> None:
    id_ = desk.group.path(bodies.SECURITY_GROUPS, "aks-nsg")
    before = desk.group.arm.make(id_, bodies.security_group(bodies.rule("theirs", 1000)))
    (theirs,) = before["properties"]["securityRules"]

    def share(*sources: str) -> RulesShare:
        return RulesShare("m/ns/x", sources, ports(80, 443))

    await desk.say(id_, share("Internet", "198.51.100.0/24", "192.0.2.7"), A)
    body = await desk.say(id_, share("Internet"), B)
    assert body is not None
    rules = {rule["name"]: rule["properties"]["priority"] for rule in body["properties"]["securityRules"]}
    assert sorted(rules.values()) == [1000, 1001, 1002, 1003]

    body = await desk.say(id_, share("192.0.2.8"), A)
    assert body is not None
    left = {rule["name"]: rule["properties"]["priority"] for rule in body["properties"]["securityRules"]}
    assert left == {name: rules[name] for name in left}, "priorities are kept"
    assert len(left) == 3
    await desk.say(id_, DROP, A)
    body = await desk.say(id_, DROP, B)
    assert body is not None
    (kept,) = body["properties"]["securityRules"]
    assert {**kept, "etag": ""} == {**theirs, "etag": ""}


async def test_a_record_follows_its_addresses_and_is_not_taken_from_others(desk: Desk) -> None:
    id_ = desk.group.path(ZONES, f"{desk.group.name}.example")
    mark = MARKS.value(Key("DNSZone", "ns", "zone"))
    await desk.converge(lambda observed: zone(id_, spec("DNSZone"), mark))
    await desk.rests(lambda observed: zone(id_, spec("DNSZone"), mark))
    www = f"{id_}/A/www"
    await desk.say(www, RecordShare(("203.0.113.1",), 300, mark), A)
    body = await desk.say(www, RecordShare(("203.0.113.2",), 300, mark), B)
    assert body is not None
    assert [r["ipv4Address"] for r in body["properties"]["ARecords"]] == ["203.0.113.1", "203.0.113.2"]
    await desk.say(www, DROP, A)
    assert await desk.say(www, DROP, B) is None

    alias = f"{id_}/CNAME/alias"
    body = await desk.say(alias, RecordShare((), 300, mark, target="db.example.com"))
    assert body is not None
    assert body["properties"]["CNAMERecord"] == {"cname": "db.example.com"}
    await desk.say(alias, RecordShare((), 60, mark, target="db2.example.com"))
    assert await desk.say(alias, DROP) is None

    foreign = f"{id_}/A/theirs"
    desk.group.arm.put(foreign, {"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "203.0.113.9"}]}})
    with pytest.raises(Terminal, match="does not carry our mark"):
        await desk.say(foreign, RecordShare(("203.0.113.1",), 300, mark))


# --- the adapter itself -----------------------------------------------------------------------------------------------


async def test_refusals_come_typed(desk: Desk) -> None:
    missing = desk.group.path(bodies.ADDRESSES, "missing")
    with pytest.raises(NotFound) as absent:
        await desk.cloud.get(missing)
    assert absent.value.code == "ResourceNotFound"
    assert (await desk.cloud.delete(missing)).operation is None
    with pytest.raises(Terminal) as refused:
        await desk.cloud.put(desk.group.path(CLUSTERS, "c"), bodies.cluster(bodies.profile(mode="User")))
    assert (refused.value.status, refused.value.code) == (400, "BadRequest")
    foreign = "/subscriptions/00000000-0000-0000-0000-00000000ffff/resourceGroups/g"
    with pytest.raises(Terminal) as outside:
        await desk.cloud.get(foreign)
    assert outside.value.code == "NotAllowed"


async def test_an_old_etag_is_told_as_one(desk: Desk) -> None:
    id_ = desk.group.path(bodies.ADDRESSES, "ip")
    desk.group.arm.make(id_, bodies.address())
    with pytest.raises(PreconditionFailed):
        await desk.cloud.put(id_, bodies.address(), if_match='W/"00000000-0000-0000-0000-000000000000"')


async def test_a_token_goes_to_our_own_operations_only(desk: Desk) -> None:
    with pytest.raises(NotFound, match="not of this account"):
        await desk.cloud.poll("https://evil.example/subscriptions/x/operations/1")
    with pytest.raises(NotFound):
        await desk.cloud.poll(
            f"{desk.group.arm.cloud.endpoint}/subscriptions/{desk.cloud.subscription}/providers/Microsoft.Network/locations/westeurope/operations/00000000-0000-0000-0000-000000000000?api-version=2026-03-01"
        )
    assert ("operations", "GET") in desk.requests
