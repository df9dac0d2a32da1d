"""The node resource group that comes with a cluster: its security group, and AKS's own network where none is brought."""

import uuid
from typing import Any

from fakecloud.arm.errors import ArmError
from fakecloud.arm.guards import RESTRICTED, locks_against
from fakecloud.arm.types import GROUP, RESOURCE, Context
from fakecloud.providers.containerservice.machines import NodeNetwork
from fakecloud.providers.containerservice.refusals import refuse
from fakecloud.providers.network.base import etag
from fakecloud.providers.network.security_groups import SecurityGroups
from fakecloud.providers.network.security_rules import default_rules
from fakecloud.providers.network.virtual_networks import VirtualNetworks, subnet_body
from fakecloud.store import Body

Change = tuple[str, str, Body | None]
SPACE, SUBNET = "10.224.0.0/12", "10.224.0.0/16"


def node_group(cluster: Body, uid: str, brought: str | None) -> tuple[list[Change], NodeNetwork, Body | None]:
    """The documents of the node group, and where the nodes are: in AKS's own subnet, or in that which is `brought`.

    The last is AKS's own network, None when one is brought.

    `uid` is a hash of the cluster's id in hexadecimal: names are made from it, as AKS does.
    """
    number = int(uid[:8], 16) % 90_000_000 + 10_000_000
    subscription, name = cluster["id"].split("/")[2], cluster["properties"]["nodeResourceGroup"]
    location, tags = cluster["location"], cluster["tags"]
    group_id = f"/subscriptions/{subscription}/resourceGroups/{name}"
    group: Body = {
        "id": group_id,
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": location,
        "managedBy": cluster["id"],
        "tags": dict(tags),
        "properties": {"provisioningState": "Succeeded"},
        RESTRICTED: restricted(cluster["properties"]),
    }

    def resource(type_: str, name: str, properties: Body) -> Body:
        return {
            "id": f"{group_id}/providers/{type_}/{name}",
            "name": name,
            "type": type_,
            "etag": etag(),
            "location": location,
            "tags": dict(tags),
            "properties": {"provisioningState": "Succeeded", "resourceGuid": str(uuid.uuid4()), **properties},
        }

    nsg = resource(SecurityGroups.type, f"aks-agentpool-{number}-nsg", {"securityRules": []})
    nsg["properties"]["defaultSecurityRules"] = default_rules(nsg["id"])
    changes: list[Change] = [(GROUP, group_id, group), (RESOURCE, nsg["id"], nsg)]
    if brought:
        return changes, NodeNetwork(brought, group=nsg["id"]), None
    net = resource(VirtualNetworks.type, f"aks-vnet-{number}", {"addressSpace": {"addressPrefixes": [SPACE]}})
    subnet = subnet_body(
        net["id"], "aks-subnet", {"addressPrefix": SUBNET, "networkSecurityGroup": {"id": nsg["id"]}}, [SPACE]
    )
    net["properties"] |= {"subnets": [subnet], "virtualNetworkPeerings": [], "enableDdosProtection": False}
    nsg["properties"]["subnets"] = [{"id": subnet["id"]}]
    return [*changes, (RESOURCE, net["id"], net)], NodeNetwork(subnet["id"]), net


def group_of(cluster: Body) -> str:
    """The id of a cluster's node group, in lower case."""
    return f"/subscriptions/{cluster['id'].split('/')[2]}/resourcegroups/{cluster['properties']['nodeResourceGroup']}".lower()


def restricted(properties: dict[str, Any]) -> bool:
    """Whether a cluster keeps everybody but AKS from writing to its node group."""
    level = str((properties.get("nodeResourceGroupProfile") or {}).get("restrictionLevel", ""))
    return level.lower() == "readonly"


def restrict(context: Context, cluster: Body) -> list[Change]:
    """The changes that make a cluster's node group as restricted as the cluster says."""
    group = context.store.get(GROUP, group_of(cluster))
    wanted = restricted(cluster["properties"])
    if group is None or group.get(RESTRICTED) == wanted:
        return []
    return [(GROUP, group["id"], {**group, RESTRICTED: wanted})]


def locked(context: Context, cluster: Body) -> ArmError | None:
    """The refusal to begin anything on a cluster while something in its node group is locked; None when nothing is."""
    group = group_of(cluster)
    if not locks_against(context.store, group, deleting=True):
        return None
    name, subscription = cluster["properties"]["nodeResourceGroup"], group.split("/")[2]
    return refuse(
        409,
        "ResourceGroupLocked",
        f"Resource group '{name}' under subscription: '{subscription}' is locked, please remove lock and retry. Please see http://aka.ms/azure-lock-resources",
    )


def check_unlocked(context: Context, cluster: Body) -> None:
    """Raises ArmError (409) when `locked` tells of one."""
    refusal = locked(context, cluster)
    if refusal is not None:
        raise refusal
