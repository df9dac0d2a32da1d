"""Where a managed cluster's nodes are."""

from typing import Any, Final

from aks_operator.desired.cluster import MACHINES
from aks_operator.keys import Key
from aks_operator.kinds.base import Cluster, World, azure_name, nothing_made
from aks_operator.outcome import Hold
from aks_operator.plan import settled

VNETS: Final = "Microsoft.Network/virtualNetworks"


async def node_addresses(world: World, key: Key, spec: Any, cluster: Cluster) -> tuple[str, ...]:
    """The private addresses of the machines of the pools that the exposure names (default: all), sorted. Raises Hold."""
    named = {Key("NodePool", ref.namespace or key.namespace, ref.name) for ref in spec.node_pool_refs or ()}
    pools = named or set(world.users(cluster.key, "NodePool"))
    addresses: set[str] = set()
    for pool_key in pools:
        pool = world.parsed(pool_key)
        if pool is None:
            raise Hold("WaitingForCluster", world.lacking(pool_key, "nodePoolRefs"))
        if (
            Key("ManagedCluster", pool.spec.cluster_ref.namespace or pool_key.namespace, pool.spec.cluster_ref.name)
            != cluster.key
        ):
            raise Hold("Invalid", f"NodePool {pool_key.name} is of another cluster: correct nodePoolRefs")
        if nothing_made(pool):
            continue
        id_ = f"{cluster.id}/agentPools/{azure_name(pool)}"
        for machine in await cluster.account.session.observer.all(MACHINES, id_):
            if settled(machine):
                network = (machine.get("properties") or {}).get("network") or {}
                found = [ip for ip in network.get("ipAddresses") or () if ip.get("family") != "IPv6"]
                addresses |= {str(ip["ip"]) for ip in found if ip.get("ip")}
    return tuple(sorted(addresses))


async def network_of(cluster: Cluster) -> tuple[str, str]:
    """The ids of the virtual network and of the subnet in which the nodes are. Raises Hold."""
    found = await cluster.account.session.observer.all(VNETS, cluster.node_group)
    subnets = (found[0].get("properties") or {}).get("subnets") or () if found else ()
    if not subnets:
        raise Hold("WaitingForNetwork", "the cluster's virtual network is not there yet", again_after=5.0)
    return str(found[0]["id"]), str(subnets[0]["id"])
