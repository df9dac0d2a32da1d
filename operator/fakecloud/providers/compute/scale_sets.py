"""Scale sets of agent pools, their instances and the interfaces of those: what follows from pools and machines."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from fakecloud.arm.errors import not_found
from fakecloud.arm.ids import Target
from fakecloud.arm.types import GROUP, Answer, Call, Fidelity, ResourceType
from fakecloud.providers.containerservice.machines import MACHINE_TYPE, POOL_TYPE, scale_set_of
from fakecloud.store import Body

SETS: Final = "Microsoft.Compute/virtualMachineScaleSets"
INSTANCES: Final = f"{SETS}/virtualMachines"
INTERFACES: Final = f"{INSTANCES}/networkInterfaces"
CONFIGURATION: Final = "ipconfig1"


class Followed(ResourceType):
    """A type whose resources are not kept: they follow from others, so that they cannot contradict them."""

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self.computed(call.target)
        if body is None:
            raise not_found(call.target.id)
        return Answer(200, body)

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        return Answer(200, {"value": [*self._below(call.target)]})

    def _below(self, target: Target) -> Iterable[Body]:
        """Those of a collection."""
        raise NotImplementedError

    def sets(self, subscription: str, group: str | None) -> Iterator[tuple[Body, Body]]:
        """Clusters with their pools: of one node group, or of a whole subscription."""
        prefix = f"/subscriptions/{subscription}/resourcegroups/{(group or '').lower()}"
        for key, found in self.store.under(GROUP, prefix):
            if group is not None and key != prefix.lower():
                continue
            cluster = self.context.resource(str(found.get("managedBy", "")))
            if cluster is not None:
                yield from ((cluster, pool) for pool in self.context.children(cluster["id"], POOL_TYPE))

    def set_named(self, target: Target) -> tuple[Body, Body] | None:
        """The cluster and the pool whose scale set a path names first; None when there is none."""
        if target.group is None or not target.names:
            return None
        wanted = target.names[0].lower()
        found = self.sets(target.subscription, target.group)
        return next((pair for pair in found if _name_of(*pair).lower() == wanted), None)

    def rows(self, pool: Body) -> Sequence[Body]:
        """The machines of a pool, the first instance first."""
        rows = self.context.children(pool["id"], MACHINE_TYPE)
        return sorted(rows, key=lambda row: int(_index(row)))

    def row_named(self, target: Target) -> tuple[Body, Body, Body] | None:
        """The cluster, the pool and the machine of the instance that a path names second."""
        found = self.set_named(target)
        if found is None or len(target.names) < 2:
            return None
        return next(((*found, row) for row in self.rows(found[1]) if _index(row) == target.names[1]), None)


class ScaleSets(Followed):
    """Microsoft.Compute/virtualMachineScaleSets."""

    type = SETS
    fidelity = Fidelity(
        exact=(
            "one for each agent pool, in the node group: size, capacity, zones, subnet, priority and AKS's tags (M)",
        ),
        simplified=(
            "they follow from pools and machines, and cannot be written: 501",
            "the model of a machine has what a reader looks for, and no extensions",
        ),
        missing=("scale sets that are not AKS's",),
    )

    def computed(self, target: Target) -> Body | None:
        """See ResourceType."""
        found = self.set_named(target) if len(target.names) == 1 else None
        return None if found is None else _set(*found, self._capacity(found[1]))

    def unkept(self, target: Target) -> Iterable[Body]:
        """See ResourceType."""
        return self._below(target)

    def _below(self, target: Target) -> Iterable[Body]:
        found = self.sets(target.subscription, target.group)
        return [_set(cluster, pool, self._capacity(pool)) for cluster, pool in found]

    def _capacity(self, pool: Body) -> int:
        return len(self.rows(pool))


class Instances(Followed):
    """Microsoft.Compute/virtualMachineScaleSets/virtualMachines."""

    type = INSTANCES
    fidelity = Fidelity(
        exact=("one for each machine, with its instance id, size, zone, interface and, asked for, its view (M)",),
    )

    def computed(self, target: Target) -> Body | None:
        """See ResourceType."""
        found = self.row_named(target) if len(target.names) == 2 else None
        return None if found is None else _instance(*found)

    async def get(self, call: Call) -> Answer:
        """See ResourceType: with `$expand=instanceView` also how it is."""
        return self._expanded(call, await super().get(call))

    def _expanded(self, call: Call, answer: Answer) -> Answer:
        if call.query.get("$expand", "").lower() != "instanceview":
            return answer
        properties = {**answer.body["properties"], "instanceView": _view(answer.body)}
        return replace(answer, body={**answer.body, "properties": properties})

    def _below(self, target: Target) -> Iterable[Body]:
        found = self.set_named(target)
        return [] if found is None else [_instance(*found, row) for row in self.rows(found[1])]


class InstanceViews(Followed):
    """Microsoft.Compute/virtualMachineScaleSets/virtualMachines/instanceView: one, not a list."""

    type = f"{INSTANCES}/instanceView"
    fidelity = Fidelity(exact=("power and provisioning of an instance (M)",))
    verbs = ("LIST",)

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        found = self.row_named(call.target)
        if found is None:
            raise not_found(call.target.id)
        return Answer(200, _view(_instance(*found)))


class SetInterfaces(Followed):
    """Microsoft.Compute/virtualMachineScaleSets/networkInterfaces."""

    type = f"{SETS}/networkInterfaces"
    fidelity = Fidelity(exact=("the interfaces of all instances (M)",))
    verbs = ("LIST",)

    def _below(self, target: Target) -> Iterable[Body]:
        found = self.set_named(target)
        return [] if found is None else [_interface(*found, row) for row in self.rows(found[1])]


class Interfaces(Followed):
    """Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces."""

    type = INTERFACES
    fidelity = Fidelity(
        exact=(
            "one for each machine, with its address, its subnet and, in a brought subnet, AKS's security group (M)",
        ),
    )

    def computed(self, target: Target) -> Body | None:
        """See ResourceType."""
        found = self.row_named(target) if len(target.names) == 3 else None
        body = None if found is None else _interface(*found)
        return body if body is not None and body["name"].lower() == target.names[2].lower() else None

    def _below(self, target: Target) -> Iterable[Body]:
        found = self.row_named(target)
        return [] if found is None else [_interface(*found)]


class Configurations(Followed):
    """Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces/ipConfigurations."""

    type = f"{INTERFACES}/ipConfigurations"
    fidelity = Fidelity(exact=("the one address of an interface (M)",))

    def computed(self, target: Target) -> Body | None:
        """See ResourceType."""
        found = [body for body in self._below(target) if body["name"].lower() == target.names[-1].lower()]
        return found[0] if found and len(target.names) == 4 else None

    def _below(self, target: Target) -> Iterable[Body]:
        found = self.row_named(target)
        return [] if found is None else list(_interface(*found)["properties"]["ipConfigurations"])


def _name_of(cluster: Body, pool: Body) -> str:
    return scale_set_of(cluster, pool).rpartition("/")[2]


def _index(row: Body) -> str:
    return str(row["properties"]["resourceId"]).rpartition("/")[2]


def _etag(text: str) -> str:
    return f'W/"{uuid.uuid5(uuid.NAMESPACE_URL, text)}"'


def _tags(cluster: Body, pool: Body) -> Body:
    own = {
        "aks-managed-orchestrator": f"Kubernetes:{pool['properties']['currentOrchestratorVersion']}",
        "aks-managed-poolName": pool["name"],
        "aks-managed-resourceNameSuffix": _name_of(cluster, pool).split("-")[-2],
    }
    return {**(cluster.get("tags") or {}), **(pool["properties"].get("tags") or {}), **own}


def _set(cluster: Body, pool: Body, capacity: int) -> Body:
    id_, properties = scale_set_of(cluster, pool), pool["properties"]
    name = id_.rpartition("/")[2]
    interface = {
        "primary": True,
        "enableAcceleratedNetworking": False,
        "enableIPForwarding": True,
        **({"networkSecurityGroup": {"id": pool["_group"]}} if pool.get("_group") else {}),
        "ipConfigurations": [
            {
                "name": CONFIGURATION,
                "properties": {
                    "primary": True,
                    "subnet": {"id": pool["_subnet"]},
                    "privateIPAddressVersion": "IPv4",
                    "loadBalancerBackendAddressPools": [],
                },
            }
        ],
    }
    profile: dict[str, Any] = {
        **_model(properties, name),
        "networkProfile": {"networkInterfaceConfigurations": [{"name": name, "properties": interface}]},
    }
    if properties.get("scaleSetPriority") == "Spot":
        profile |= {"priority": "Spot", "evictionPolicy": properties.get("scaleSetEvictionPolicy", "Delete")}
    return {
        "id": id_,
        "name": name,
        "type": SETS,
        "location": cluster["location"],
        "tags": _tags(cluster, pool),
        "sku": {"name": properties["vmSize"], "tier": "Standard", "capacity": capacity},
        **({"zones": properties["availabilityZones"]} if properties.get("availabilityZones") else {}),
        "identity": _identity(cluster["properties"].get("identityProfile") or {}),
        "properties": {
            "singlePlacementGroup": False,
            "orchestrationMode": "Uniform",
            "upgradePolicy": {"mode": "Manual"},
            "overprovision": False,
            "platformFaultDomainCount": 1,
            "uniqueId": str(uuid.uuid5(uuid.NAMESPACE_URL, id_.lower())),
            "virtualMachineProfile": profile,
            "provisioningState": _state(properties["provisioningState"]),
        },
    }


def _identity(profile: Mapping[str, Any]) -> Body:
    """The identity of a cluster's nodes, as far as the cluster tells of it: whoever brings one need not tell all."""
    kubelet = profile.get("kubeletidentity") or {}
    if not kubelet.get("resourceId"):
        return {"type": "None"}
    told = {"clientId": kubelet.get("clientId"), "principalId": kubelet.get("objectId")}
    return {"type": "UserAssigned", "userAssignedIdentities": {kubelet["resourceId"]: told}}


def _state(pool: str) -> str:
    """A set's state beside its pool's."""
    return pool if pool in {"Creating", "Deleting", "Failed", "Succeeded"} else "Updating"


def _model(properties: Mapping[str, Any], computer: str) -> dict[str, Any]:
    system = str(properties["osType"])
    return {
        "osProfile": {
            "computerNamePrefix" if computer.endswith("vmss") else "computerName": computer,
            "adminUsername": "azureuser",
            "allowExtensionOperations": True,
        },
        "storageProfile": {
            "osDisk": {
                "osType": system,
                "createOption": "FromImage",
                "diskSizeGB": properties["osDiskSizeGB"],
                "managedDisk": {"storageAccountType": "Premium_LRS"},
            },
            "imageReference": {"id": f"/images/{properties['nodeImageVersion']}"},
        },
    }


def _instance(cluster: Body, pool: Body, row: Body) -> Body:
    set_, id_, index = scale_set_of(cluster, pool), str(row["properties"]["resourceId"]), _index(row)
    properties = pool["properties"]
    nic = f"{set_}/virtualMachines/{index}/networkInterfaces/{_name_of(cluster, pool)}"
    return {
        "id": id_,
        "name": f"{_name_of(cluster, pool)}_{index}",
        "instanceId": index,
        "type": INSTANCES,
        "location": cluster["location"],
        "tags": _tags(cluster, pool),
        "sku": {"name": properties["vmSize"], "tier": "Standard"},
        **({"zones": row["zones"]} if row.get("zones") else {}),
        "properties": {
            "latestModelApplied": True,
            "vmId": str(uuid.uuid5(uuid.NAMESPACE_URL, id_.lower())),
            "hardwareProfile": {"vmSize": properties["vmSize"]},
            **_model(properties, str(row["name"])),
            "networkProfile": {"networkInterfaces": [{"id": nic, "properties": {"primary": True}}]},
            "provisioningState": row["properties"]["provisioningState"],
        },
    }


def _view(instance: Body) -> Body:
    made = instance["properties"]["provisioningState"] == "Succeeded"
    codes = ("ProvisioningState/succeeded", "PowerState/running") if made else ("ProvisioningState/creating",)
    return {
        "computerName": instance["properties"]["osProfile"]["computerName"],
        "statuses": [{"code": code, "level": "Info", "displayStatus": code.rpartition("/")[2]} for code in codes],
    }


def _interface(cluster: Body, pool: Body, row: Body) -> Body:
    instance = f"{scale_set_of(cluster, pool)}/virtualMachines/{_index(row)}"
    name = _name_of(cluster, pool)
    id_ = f"{instance}/networkInterfaces/{name}"
    configuration = {
        "id": f"{id_}/ipConfigurations/{CONFIGURATION}",
        "name": CONFIGURATION,
        "etag": _etag(id_),
        "properties": {
            "provisioningState": "Succeeded",
            "privateIPAddress": row["properties"]["network"]["ipAddresses"][0]["ip"],
            "privateIPAllocationMethod": "Dynamic",
            "privateIPAddressVersion": "IPv4",
            "primary": True,
            "subnet": {"id": row["_subnet"]},
        },
    }
    return {
        "id": id_,
        "name": name,
        "etag": _etag(id_),
        "properties": {
            "provisioningState": "Succeeded",
            "primary": True,
            "macAddress": _hardware_address(id_),
            "enableAcceleratedNetworking": False,
            "enableIPForwarding": True,
            "ipConfigurations": [configuration],
            "dnsSettings": {"dnsServers": [], "appliedDnsServers": []},
            **({"networkSecurityGroup": {"id": row["_group"]}} if row.get("_group") else {}),
            "virtualMachine": {"id": instance},
        },
    }


def _hardware_address(id_: str) -> str:
    digits = hashlib.sha256(id_.lower().encode()).hexdigest()[:6].upper()
    return "-".join(["00", "0D", "3A", digits[:2], digits[2:4], digits[4:]])
