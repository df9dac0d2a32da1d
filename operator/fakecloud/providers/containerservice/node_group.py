"""The node resource group that comes with a cluster: its security group, and AKS's own network where none is brought."""

import uuid

from fakecloud.arm.types import GROUP, RESOURCE
from fakecloud.providers.containerservice.machines import NodeNetwork
from fakecloud.providers.network.base import etag
from fakecloud.providers.network.security_groups import SecurityGroups
from fakecloud.providers.network.security_rules import default_rules
from fakecloud.providers.network.virtual_networks import VirtualNetworks, subnet_body
from fakecloud.store import Body

Change = tuple[str, str, Body | None]
SPACE, SUBNET = "10.224.0.0/12", "10.224.0.0/16"


def node_group(cluster: Body, uid: str, brought: str | None) -> tuple[list[Change], NodeNetwork]:
    """The documents of the node group, and where the nodes are: in AKS's own subnet, or in that which is `brought`.

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
        return changes, NodeNetwork(brought, group=nsg["id"])
    net = resource(VirtualNetworks.type, f"aks-vnet-{number}", {"addressSpace": {"addressPrefixes": [SPACE]}})
    subnet = subnet_body(
        net["id"], "aks-subnet", {"addressPrefix": SUBNET, "networkSecurityGroup": {"id": nsg["id"]}}, [SPACE]
    )
    net["properties"] |= {"subnets": [subnet], "virtualNetworkPeerings": [], "enableDdosProtection": False}
    nsg["properties"]["subnets"] = [{"id": subnet["id"]}]
    return [*changes, (RESOURCE, net["id"], net)], NodeNetwork(subnet["id"])
