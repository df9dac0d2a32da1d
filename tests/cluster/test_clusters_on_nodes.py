"""Managed clusters whose machines are nodes: a cloud as a process, asked by ARM, seen through Kubernetes and the agents' eyes."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.world import FREE, World, own_taints
from tests.contract import bodies
from tests.contract.cloud import Arm, Cloud, Group, until

AGENTPOOL = "kubernetes.azure.com/agentpool"
WORKERS = ("w-1", "w-2", "w-3")
FAST = "600"
"""A cluster takes 0.4 s."""


class Site:
    """One cloud over three workers."""

    def __init__(self, world: World, state: Path) -> None:
        self.world = world
        self.state = state
        self.start()

    def start(self) -> None:
        """Start a process over what state there is."""
        options = ("--compute", "host", "--kubeconfig", self.world.kubeconfig, "--api-server", self.world.kube.host)
        self.cloud = Cloud(self.state, FAST, *options)
        self.arm = Arm(self.cloud)
        self.group = Group("rg", self.arm)

    def path(self, name: str = "shop") -> str:
        return self.group.path(bodies.CLUSTERS, name)

    def machines(self, pool: str) -> dict[str, str]:
        """Address by machine, as ARM lists them."""
        listed = self.arm.get(f"{self.path()}/agentPools/{pool}/machines").body["value"]
        return {m["name"]: m["properties"]["network"]["ipAddresses"][0]["ip"] for m in listed}

    def seen(self) -> dict[str, Any]:
        """The world that agents are told."""
        token = self.cloud.account()["agentToken"]
        headers = {"Authorization": f"Bearer {token}"}
        reply = self.arm.send("GET", "/_fakecloud/dataplane/world", headers=headers)
        assert reply.status == 200, reply
        return dict(reply.body["world"])

    async def pools(self) -> dict[str, str | None]:
        """The agent pool by node; None for a free one."""
        found: dict[str, str | None] = {}
        for name in WORKERS:
            node = await self.world.node(name)
            found[name] = node["metadata"].get("labels", {}).get(AGENTPOOL)
            assert (FREE in own_taints(node)) == (found[name] is None)
        return found


@pytest.fixture
async def site(world: World, tmp_path: Path) -> AsyncIterator[Site]:
    for name in WORKERS:
        await world.worker(name)
    made = Site(world, tmp_path / "state")
    assert made.arm.put(made.group.id, {"location": bodies.LOCATION}).status == 201
    yield made
    made.arm.close()
    made.cloud.stop()


async def test_a_cluster_and_its_pools_take_nodes_and_give_them_back(site: Site) -> None:
    arm, shop = site.arm, site.path()
    arm.make(shop, bodies.cluster())
    assert await site.pools() == {"w-1": "system", "w-2": None, "w-3": None}
    arm.make(f"{shop}/agentPools/web", bodies.pool(count=2, nodeLabels={"disk": "ssd"}, nodeTaints=["a=b:NoSchedule"]))
    assert await site.pools() == {"w-1": "system", "w-2": "web", "w-3": "web"}
    node = await site.world.node("w-2")
    assert node["metadata"]["labels"]["disk"] == "ssd"
    assert own_taints(node) == [{"key": "a", "value": "b", "effect": "NoSchedule"}]
    notes = {
        key.rpartition("/")[2]: value for key, value in node["metadata"]["annotations"].items() if "fakecloud" in key
    }
    assert site.machines("web").items() >= {(notes["machine"], notes["address"])}
    arm.make(f"{shop}/agentPools/web", bodies.pool(count=1, nodeLabels={"disk": "hdd"}, nodeTaints=[]))
    assert await site.pools() == {"w-1": "system", "w-2": "web", "w-3": None}
    node = await site.world.node("w-2")
    assert (node["metadata"]["labels"]["disk"], own_taints(node)) == ("hdd", [])
    arm.remove(f"{shop}/agentPools/web")
    assert await site.pools() == {"w-1": "system", "w-2": None, "w-3": None}
    arm.remove(shop)
    assert set((await site.pools()).values()) == {None}


async def test_a_stopped_cluster_gives_its_nodes_back_and_takes_them_again_when_it_starts(site: Site) -> None:
    arm, shop = site.arm, site.path()
    arm.make(shop, bodies.cluster())
    arm.make(f"{shop}/agentPools/web", bodies.pool(count=2))
    before = site.machines("web")
    assert arm.ended(arm.post(f"{shop}/stop"))["status"] == "Succeeded"
    assert set((await site.pools()).values()) == {None}
    arm.make(site.path("other"), bodies.cluster())
    reply = arm.post(f"{shop}/start")
    assert (reply.status, reply.code) == (400, "ErrCode_InsufficientVCPUQuota"), "others have a node now"
    arm.remove(site.path("other"))
    assert arm.ended(arm.post(f"{shop}/start"))["status"] == "Succeeded"
    assert sorted(str(pool) for pool in (await site.pools()).values()) == ["system", "web", "web"]
    assert site.machines("web") == before, "names and addresses come back"


async def test_no_free_node_is_the_quotas_refusal_also_for_a_second_cluster(site: Site) -> None:
    arm, shop = site.arm, site.path()
    arm.make(shop, bodies.cluster(bodies.profile(count=2)))
    for path, body in (
        (f"{shop}/agentPools/web", bodies.pool(count=2)),
        (f"{shop}/agentPools/system", bodies.pool(mode="System", count=4)),
        (site.path("other"), bodies.cluster()),
    ):
        reply = arm.put(path, body)
        assert (reply.status, reply.code) == (400, "ErrCode_InsufficientVCPUQuota"), path
    assert arm.get(site.path("other")).status == 404
    assert arm.get(shop).state == "Succeeded"


async def test_agents_are_told_of_machines_their_groups_and_what_is_balanced_to_them(site: Site) -> None:
    arm = site.arm
    made = arm.make(site.path(), bodies.cluster(bodies.profile(count=2)))
    node_group = Group(made["properties"]["nodeResourceGroup"], arm)
    (nsg,) = arm.get(node_group.path(bodies.SECURITY_GROUPS)).body["value"]
    arm.make(f"{nsg['id']}/securityRules/web", {"properties": bodies.rule_properties(destinationPortRange="30080")})
    address = arm.make(site.group.path(bodies.ADDRESSES, "ip"), bodies.address())
    id_ = site.group.path(bodies.BALANCERS, "lb")
    body = bodies.balancer(id_, address_id=address["id"], rules=[bodies.balancing_rule(id_)])
    addresses = sorted(site.machines("system").values())
    (network,) = arm.get(node_group.path(bodies.NETWORKS)).body["value"]
    entries = [{"name": a, "properties": {"ipAddress": a, "virtualNetwork": {"id": network["id"]}}} for a in addresses]
    body["properties"]["backendAddressPools"] = [
        {"name": "pool", "properties": {"loadBalancerBackendAddresses": entries}}
    ]
    arm.make(id_, body)

    def told() -> dict[str, Any] | None:
        world = site.seen()
        return world if world["frontends"] else None

    world = until("agents hear of the frontend", told)
    assert sorted((m["address"], m["node"]) for m in world["machines"]) == list(
        zip(addresses, WORKERS[:2], strict=True)
    )
    assert all(m["groups"] == [nsg["id"].lower()] for m in world["machines"])
    assert "web" in [rule["name"] for rule in world["groups"][nsg["id"].lower()]]
    (frontend,) = world["frontends"]
    assert frontend["address"] == address["properties"]["ipAddress"]
    assert sorted(backend["address"] for backend in frontend["backends"]) == addresses


async def test_a_brought_subnet_gives_the_addresses_and_its_group_judges_with_akss(site: Site) -> None:
    arm = site.arm
    own = arm.make(site.group.path(bodies.SECURITY_GROUPS, "own"), bodies.security_group())
    subnet = bodies.subnet("nodes", "10.9.1.0/24", networkSecurityGroup={"id": own["id"]})
    network = arm.make(site.group.path(bodies.NETWORKS, "net"), bodies.network(subnet, prefix="10.9.0.0/16"))
    profile = bodies.profile(vnetSubnetID=f"{network['id']}/subnets/nodes")
    made = arm.make(site.path(), bodies.cluster(profile))
    node_group = Group(made["properties"]["nodeResourceGroup"], arm)
    (nsg,) = arm.get(node_group.path(bodies.SECURITY_GROUPS)).body["value"]
    assert list(site.machines("system").values()) == ["10.9.1.4"]
    (machine,) = until("agents hear of the machine", lambda: site.seen()["machines"] or None)
    assert machine["groups"] == [own["id"].lower(), nsg["id"].lower()]


async def test_a_cloud_killed_while_nodes_join_ends_with_them(site: Site) -> None:
    site.arm.make(site.path(), bodies.cluster())
    assert site.arm.put(f"{site.path()}/agentPools/web", bodies.pool(count=2)).status == 201
    site.cloud.kill()
    site.cloud.start()
    until("the pool is made", lambda: site.arm.get(f"{site.path()}/agentPools/web").state == "Succeeded" or None)
    assert await site.pools() == {"w-1": "system", "w-2": "web", "w-3": "web"}


async def test_a_cloud_that_lost_its_state_frees_the_nodes_of_the_one_before(site: Site) -> None:
    site.arm.make(site.path(), bodies.cluster(bodies.profile(count=3)))
    site.arm.close()
    site.cloud.kill()
    shutil.rmtree(site.state)
    site.start()
    site.arm.put(site.group.id, {"location": bodies.LOCATION})
    until("the nodes are free", lambda: site.arm.put(site.path(), bodies.cluster()).status == 201 or None)
