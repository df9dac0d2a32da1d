"""What is believed of a status that anybody may have edited: what can be the exposure's own, and nothing else."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from aks_operator.cache import Cache
from aks_operator.desired.exposure import BALANCERS, GROUPS, PUBLIC_IPS
from aks_operator.desired.zone import ZONES
from aks_operator.keys import Key
from aks_operator.kinds.base import Cluster, World
from aks_operator.kinds.exposures.lines import believed
from aks_operator.kinds.exposures.places import SERVICES
from aks_operator.objects import references
from aks_operator.outcome import Hold

if TYPE_CHECKING:
    from aks_operator.accounts import Account, Accounts

SUBSCRIPTION = "/subscriptions/s/resourceGroups"
NODES = f"{SUBSCRIPTION}/MC_shop"
MACHINES = "Microsoft.Compute/virtualMachines"
RECORDS = f"{ZONES}/A"
HUB = f"/subscriptions/hub/resourceGroups/dns/providers/{ZONES}/hub.example"
OWN = cast("Account", SimpleNamespace(key=Key("CloudAccount", "ns", "default"), subscription="s"))
HUB_ACCOUNT = cast("Account", SimpleNamespace(key=Key("CloudAccount", "dns", "hub"), subscription="hub"))
CLUSTER = Cluster(
    Key("ManagedCluster", "ns", "shop"),
    None,
    OWN,
    f"{SUBSCRIPTION}/shop/providers/Microsoft.ContainerService/managedClusters/shop",
    ours=True,
    node_group=NODES,
)


class Bureau:
    """Accounts by name, as accounts.Accounts resolves them."""

    def resolve(self, namespace: str, reference: Any, *, leaving: bool = False) -> "Account":
        if reference.name == "hub":
            return HUB_ACCOUNT
        raise Hold("WaitingForAccount", "there is none")


@pytest.fixture
def world() -> World:
    cache = Cache(references("op"))
    zones = [("hub", "hub.example", "hub"), ("lost", "lost.example", "nobody"), ("elsewhere", "other.example", "hub")]
    for name, zone, account in zones:
        meta = {"name": name, "namespace": "dns", "uid": name, "resourceVersion": "1"}
        spec = {"resourceGroup": "dns", "zone": zone, "accountRef": {"name": account}}
        cache.remember(Key("DNSZone", "dns", name), {"metadata": meta, "spec": spec})
    nothing: Any = None
    accounts = cast("Accounts", Bureau())
    return World(cache, nothing, accounts, nothing, nothing, nothing, nothing, nothing, nothing)


def lines(world: World, id_: str, type_: str, cluster: Cluster = CLUSTER) -> list[tuple[str, str | None]]:
    """The names of what is believed of a status with one line, each with the name of its account."""
    status = SimpleNamespace(resources=[SimpleNamespace(id=id_, type=type_)])
    found = believed(world, SimpleNamespace(status=status), cluster)
    return [(line.id, line.account.key.name if line.account is not None else None) for line in found]


def network(group: str, type_: str, name: str) -> str:
    return f"{group}/providers/{type_}/{name}"


@pytest.mark.parametrize(
    ("id_", "type_", "account"),
    [
        pytest.param("/api/v1/namespaces/web/services/shop-1", SERVICES, None, id="a Service"),
        pytest.param(network(f"{SUBSCRIPTION}/shop", BALANCERS, "x"), BALANCERS, "default", id="a balancer"),
        pytest.param(network(f"{SUBSCRIPTION}/SHOP", PUBLIC_IPS, "x"), PUBLIC_IPS, "default", id="an address"),
        pytest.param(network(NODES.upper(), GROUPS, "x"), GROUPS.lower(), "default", id="an NSG, whatever its case"),
        pytest.param(f"{HUB}/A/www", RECORDS, "hub", id="a record in a zone of another account"),
        pytest.param(
            network(f"{SUBSCRIPTION}/dns", ZONES, "gone.example/A/www"),
            RECORDS,
            "default",
            id="a record in a zone without an object",
        ),
    ],
)
def test_what_can_be_its_own(world: World, id_: str, type_: str, account: str | None) -> None:
    assert lines(world, id_, type_) == [(id_, account)]


@pytest.mark.parametrize(
    ("id_", "type_"),
    [
        pytest.param("@evil.example/api/v1/namespaces/web/services/x", SERVICES, id="another server"),
        pytest.param("/api/v1/namespaces/kube-system/secrets/x", SERVICES, id="no Service"),
        pytest.param("/api/v1/namespaces/web/services/x/../../secrets/y", SERVICES, id="a way out"),
        pytest.param("/api/v1/namespaces/web/services/x?watch=1", SERVICES, id="a query"),
        pytest.param("/api/v1/namespaces/web/services/x\n", SERVICES, id="a line's end"),
        pytest.param("/api/v1/namespaces/web/services", SERVICES, id="all Services"),
        pytest.param("garbage", BALANCERS, id="no id"),
        pytest.param("/subscriptions/s/providers/Microsoft.Network/loadBalancers/x", BALANCERS, id="in no group"),
        pytest.param(network(f"{SUBSCRIPTION}/foreign", BALANCERS, "x"), BALANCERS, id="a foreign balancer"),
        pytest.param(network(f"{SUBSCRIPTION}/foreign", PUBLIC_IPS, "x"), PUBLIC_IPS, id="a foreign address"),
        pytest.param(network(f"{SUBSCRIPTION}/foreign", GROUPS, "x"), GROUPS, id="a foreign NSG"),
        pytest.param(network(f"{SUBSCRIPTION}/shop", GROUPS, "x"), GROUPS, id="an NSG outside the node resource group"),
        pytest.param(
            network("/subscriptions/another/resourceGroups/shop", BALANCERS, "x"), BALANCERS, id="another subscription"
        ),
        pytest.param(network(f"{SUBSCRIPTION}/shop", BALANCERS, "x"), PUBLIC_IPS, id="a type that is not its"),
        pytest.param(network(f"{SUBSCRIPTION}/shop", MACHINES, "x"), MACHINES, id="a type that is none of ours"),
        pytest.param(network(f"{SUBSCRIPTION}/shop", BALANCERS, ".."), BALANCERS, id="a way up"),
        pytest.param(network(f"{SUBSCRIPTION}/shop", BALANCERS, "x%2Fy"), BALANCERS, id="a hidden slash"),
        pytest.param(
            "/subscriptions/hub/resourceGroups/dns/providers/Microsoft.Network/dnsZones/x.example/A/www",
            RECORDS,
            id="a zone of another subscription that nobody stands for",
        ),
        pytest.param(f"{HUB}/TXT/www", f"{ZONES}/TXT", id="a record that we never make"),
    ],
)
def test_what_cannot(world: World, id_: str, type_: str) -> None:
    assert lines(world, id_, type_) == []


def test_of_a_cluster_that_is_gone_no_group_is_believed(world: World) -> None:
    gone = Cluster(CLUSTER.key, None, OWN, CLUSTER.id)
    assert lines(world, network(NODES, GROUPS, "x"), GROUPS, gone) == []
    assert lines(world, network(f"{SUBSCRIPTION}/shop", BALANCERS, "x"), BALANCERS, gone)
