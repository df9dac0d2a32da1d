"""managedClusters: create with one System pool, the node group that comes with it, upgrades, credentials."""

import base64
import hashlib
import uuid
from typing import Any

from fakecloud.arm.errors import ArmError
from fakecloud.arm.types import GROUP, RESOURCE, Answer, Call, Context, ResourceType
from fakecloud.compute.port import Compute
from fakecloud.providers.containerservice import rules
from fakecloud.providers.containerservice.pools import POOL_TYPE, Pools
from fakecloud.providers.network.base import etag
from fakecloud.providers.network.security_groups import SecurityGroups
from fakecloud.providers.network.security_rules import default_rules
from fakecloud.providers.network.virtual_networks import subnet_body
from fakecloud.store import Body

TYPE = "Microsoft.ContainerService/managedClusters"
PROVIDER = "Microsoft.ContainerService"
CREATE_SECONDS, UPDATE_SECONDS, UPGRADE_SECONDS, DELETE_SECONDS = 240.0, 60.0, 300.0, 180.0
KINDS_OF_NETWORK = "Microsoft.Network/virtualNetworks"
IMMUTABLE = ("dnsPrefix", "nodeResourceGroup")


class Clusters(ResourceType):
    """Microsoft.ContainerService/managedClusters."""

    type = TYPE
    flat_errors = True

    def __init__(self, context: Context, pools: Pools, compute: Compute) -> None:
        super().__init__(context)
        self._pools = pools
        self._compute = compute
        self.actions = {
            "listClusterAdminCredential": self._admin,
            "listClusterUserCredential": self._user,
        }
        context.operations.register("createCluster", self._settled, self._failed)
        context.operations.register("updateCluster", self._settled, self._failed)
        context.operations.register("deleteCluster", self._gone)
        context.removers[TYPE.lower()] = self._remove

    def missing(self, target: Any) -> ArmError:
        """See ResourceType."""
        return ArmError(
            404,
            "ResourceNotFound",
            f"The Resource '{TYPE}/{target.name}' under resource group '{target.group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        )

    def shown(self, body: Body) -> Body:
        """See ResourceType: the pools are part of what a cluster shows."""
        pools = [self._pools.profile(pool) for pool in self.context.children(body["id"], POOL_TYPE)]
        shown = super().shown(body)
        return {**shown, "properties": {**shown["properties"], "agentPoolProfiles": pools}}

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        known = self.context.resource(call.target.id)
        self._precondition(call, known)
        if not rules.CLUSTER_NAME.match(call.target.name):
            raise rules.refuse(
                400,
                "InvalidParameter",
                f"The value of parameter resourceName is invalid. Error details: '{call.target.name}' must begin and end with a letter or digit and have at most 63 letters, digits, - and _.",
                target="resourceName",
            )
        return await (self._create(call) if known is None else self._update(call, known))

    async def _create(self, call: Call) -> Answer:
        given = call.body.get("properties") or {}
        location = str(call.body.get("location") or "").replace(" ", "").lower()
        if not location:
            raise rules.refuse(400, "LocationRequired", "The location property is required for this definition.")
        profiles = given.get("agentPoolProfiles") or []
        if not any(profile.get("mode") == "System" for profile in profiles):
            raise rules.refuse(400, "BadRequest", "Must define at least one system pool.", target="agentPoolProfiles")
        if not (given.get("dnsPrefix") or given.get("fqdnSubdomain")):
            raise rules.refuse(
                400,
                "InvalidParameter",
                "The value of parameter dnsPrefix is invalid. Error details: it is required.",
                target="dnsPrefix",
            )
        node_group = given.get("nodeResourceGroup") or f"MC_{call.target.group}_{call.target.name}_{location}"
        if len(node_group) > 80:
            raise rules.refuse(
                400,
                "InvalidParameter",
                f"The length of the node resource group name is too long. The maximum length is 80 and the length of the value provided is {len(node_group)}. Please see https://aka.ms/aks-naming-rules for more details.",
                target="nodeResourceGroup",
            )
        if self.context.group(call.target.subscription, node_group) is not None:
            raise rules.refuse(
                409,
                "NodeResourceGroupAlreadyExists",
                f"The node resource group {node_group} exists already: choose another name.",
            )
        version = rules.resolve(given.get("kubernetesVersion"))
        self._pools.check_capacity(call.target.id, sum(int(p.get("count", 1)) for p in profiles))
        id_ = call.target.id
        uid = hashlib.sha256(id_.lower().encode()).hexdigest()
        body: Body = {
            "id": id_,
            "name": call.target.name,
            "type": "Microsoft.ContainerService/ManagedClusters",
            "location": location,
            "tags": call.body.get("tags") or {},
            "sku": {"name": "Base", "tier": "Free", **(call.body.get("sku") or {})},
            "identity": _identity(call.body.get("identity")),
            "eTag": str(uuid.uuid4()),
            "properties": {
                **_defaults(given, uid, location),
                **_writable(given),
                "provisioningState": "Creating",
                "nodeResourceGroup": node_group,
            },
        }
        body["properties"] |= {
            "kubernetesVersion": given.get("kubernetesVersion") or version,
            "currentKubernetesVersion": version,
        }
        network = {**_network_defaults(given.get("networkProfile") or {}), **(given.get("networkProfile") or {})}
        body["properties"]["networkProfile"] = network
        _complete_oidc(body)
        made, subnet = self._node_group(call, body, node_group, uid)
        operation = self._operation("createCluster", call, body, CREATE_SECONDS)
        pools = [self._pools.made(id_, profile, version, subnet) for profile in profiles]
        changes = [*made, (RESOURCE, id_, body), *((RESOURCE, pool["id"], pool) for pool in pools)]
        self.context.begin(operation, *changes)
        return Answer(201, self.shown(body), operation=operation)

    async def _update(self, call: Call, known: Body) -> Answer:
        self._refuse_busy(known)
        given = call.body.get("properties") or {}
        have = known["properties"]
        for field in IMMUTABLE:
            if given.get(field) and str(given[field]).lower() != str(have.get(field)).lower():
                raise rules.refuse(
                    400,
                    "PropertyChangeNotAllowed",
                    f"Changing property 'properties.{field}' is not allowed.",
                    target=f"properties.{field}",
                )
        pools = {p["name"] for p in self.context.children(known["id"], POOL_TYPE)}
        for profile in given.get("agentPoolProfiles") or []:
            if profile.get("name") not in pools:
                raise rules.refuse(
                    400,
                    "BadRequest",
                    "A new agent pool was introduced. Adding agent pools to an existing cluster is not allowed through managed cluster operations. For agent pool specific change, please use per agent pool operations: https://aka.ms/agent-pool-rest-api",
                    target="agentPoolProfiles",
                )
        version = rules.resolve(given.get("kubernetesVersion") or have["kubernetesVersion"])
        alias = given.get("kubernetesVersion") and have["currentKubernetesVersion"].startswith(
            str(given["kubernetesVersion"]) + "."
        )
        version = have["currentKubernetesVersion"] if alias else version
        rules.check_upgrade(have["currentKubernetesVersion"], version)
        upgrading = version != have["currentKubernetesVersion"]
        properties = {**have, **_writable(given), "provisioningState": "Upgrading" if upgrading else "Updating"}
        properties |= {"networkProfile": {**have["networkProfile"], **(given.get("networkProfile") or {})}}
        properties["kubernetesVersion"] = given.get("kubernetesVersion") or have["kubernetesVersion"]
        properties["nodeResourceGroup"] = have["nodeResourceGroup"]
        body: Body = {
            **known,
            "eTag": str(uuid.uuid4()),
            "tags": call.body.get("tags", known["tags"]),
            "properties": properties,
        }
        body["sku"] = {**known["sku"], **(call.body.get("sku") or {})}
        _complete_oidc(body)
        operation = self._operation(
            "updateCluster", call, body, UPGRADE_SECONDS if upgrading else UPDATE_SECONDS, version=version
        )
        self.context.begin(operation, (RESOURCE, body["id"], body))
        return Answer(200, self.shown(body), operation=operation)

    async def patch(self, call: Call) -> Answer:
        """See ResourceType: tags."""
        body = self.found(call)
        self._refuse_busy(body)
        changed = {**body, "tags": call.body.get("tags", body.get("tags")), "eTag": str(uuid.uuid4())}
        changed["properties"] = {**body["properties"], "provisioningState": "Updating"}
        operation = self._operation("updateCluster", call, changed, UPDATE_SECONDS)
        self.context.begin(operation, (RESOURCE, body["id"], changed))
        return Answer(200, self.shown(changed), operation=operation)

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self.context.resource(call.target.id)
        if body is None:
            return Answer(204)
        self._precondition(call, body)
        if body["properties"]["provisioningState"] == "Deleting":
            return Answer(202, None, operation=self.context.operations.running_on(body["id"]), location=True)
        self._refuse_busy(body)
        deleting = {**body, "properties": {**body["properties"], "provisioningState": "Deleting"}}
        operation = self._operation("deleteCluster", call, body, DELETE_SECONDS)
        self.context.begin(operation, (RESOURCE, body["id"], deleting))
        return Answer(202, None, operation=operation, location=True)

    async def _settled(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is None:
            return
        await self._pools.bring_about(body)
        body = self.context.resource(operation["resource"]) or body
        properties = {**body["properties"], "provisioningState": "Succeeded"}
        if operation["data"].get("version"):
            properties["currentKubernetesVersion"] = operation["data"]["version"]
        self.store.put(RESOURCE, body["id"], {**body, "properties": properties})

    async def _failed(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None:
            self.store.put(
                RESOURCE, body["id"], {**body, "properties": {**body["properties"], "provisioningState": "Failed"}}
            )

    async def _gone(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None:
            await self._remove(body)

    async def _remove(self, body: Body) -> None:
        """The cluster, its pools and machines, and the node group with all it holds."""
        await self._compute.release(body["id"])
        subscription = body["id"].split("/")[2]
        group = f"/subscriptions/{subscription}/resourcegroups/{body['properties']['nodeResourceGroup']}".lower()
        keys = [key for prefix in (body["id"] + "/", group + "/") for key, _ in self.store.under(RESOURCE, prefix)]
        self.store.write([*((RESOURCE, key, None) for key in keys), (RESOURCE, body["id"], None), (GROUP, group, None)])

    def _node_group(
        self, call: Call, body: Body, name: str, uid: str
    ) -> tuple[list[tuple[str, str, Body | None]], str]:
        """The node resource group with AKS's own network and NSG, and the id of the nodes' subnet."""
        number = int(uid[:8], 16) % 90_000_000 + 10_000_000
        location, tags = body["location"], body["tags"]
        group_id = f"/subscriptions/{call.target.subscription}/resourceGroups/{name}"
        group: Body = {
            "id": group_id,
            "name": name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": location,
            "managedBy": body["id"],
            "tags": dict(tags),
            "properties": {"provisioningState": "Succeeded"},
        }
        nsg_id = f"{group_id}/providers/Microsoft.Network/networkSecurityGroups/aks-agentpool-{number}-nsg"
        nsg: Body = {
            "id": nsg_id,
            "name": nsg_id.rpartition("/")[2],
            "type": SecurityGroups.type,
            "etag": etag(),
            "location": location,
            "tags": dict(tags),
        }
        nsg["properties"] = {
            "provisioningState": "Succeeded",
            "resourceGuid": str(uuid.uuid4()),
            "securityRules": [],
            "defaultSecurityRules": default_rules(nsg_id),
        }
        net_id = f"{group_id}/providers/Microsoft.Network/virtualNetworks/aks-vnet-{number}"
        space = ["10.224.0.0/12"]
        subnet = subnet_body(
            net_id, "aks-subnet", {"addressPrefix": "10.224.0.0/16", "networkSecurityGroup": {"id": nsg_id}}, space
        )
        net: Body = {
            "id": net_id,
            "name": net_id.rpartition("/")[2],
            "type": KINDS_OF_NETWORK,
            "etag": etag(),
            "location": location,
            "tags": dict(tags),
        }
        net["properties"] = {
            "provisioningState": "Succeeded",
            "resourceGuid": str(uuid.uuid4()),
            "addressSpace": {"addressPrefixes": space},
            "subnets": [subnet],
            "virtualNetworkPeerings": [],
            "enableDdosProtection": False,
        }
        return [(GROUP, group_id, group), (RESOURCE, nsg_id, nsg), (RESOURCE, net_id, net)], subnet["id"]

    def _operation(self, name: str, call: Call, body: Body, seconds: float, **data: Any) -> Body:
        return self.context.operations.document(
            name,
            resource=body["id"],
            provider=PROVIDER,
            location=body["location"],
            subscription=call.target.subscription,
            seconds=seconds,
            **data,
        )

    def _refuse_busy(self, body: Body) -> None:
        state = body["properties"]["provisioningState"]
        if state not in {"Succeeded", "Failed", "Canceled"}:
            raise rules.refuse(
                409,
                "OperationNotAllowed",
                f"Operation is not allowed: Another operation ({state}) is in progress, please wait for it to finish before starting a new operation. See https://aka.ms/aks-pending-operation for more details.",
            )
        busy = self._pools.busy(body["id"])
        if busy is not None:
            raise rules.refuse(
                409,
                "OperationNotAllowed",
                f"Operation is not allowed: Another agentpool operation ({busy['name']} - {busy['properties']['provisioningState']}) is in progress, please wait for it to finish before starting a new operation. See https://aka.ms/aks-pending-operation for more details.",
            )

    def _precondition(self, call: Call, known: Body | None) -> None:
        wanted = call.headers.get("If-Match")
        if wanted and wanted != "*" and (known is None or known["eTag"] != wanted.strip('"')):
            if known is None:
                raise rules.refuse(412, "PreconditionFailed", "Resource not found but ETag header is provided.")
            raise rules.refuse(
                412,
                "PreconditionFailed",
                f"The condition of the If-Match header was not satisfied: {wanted} is not the resource's etag.",
            )
        if call.headers.get("If-None-Match") == "*" and known is not None:
            raise rules.refuse(412, "PreconditionFailed", "The resource exists already.")

    async def _admin(self, call: Call) -> Answer:
        return await self._credential(call, "clusterAdmin", admin=True)

    async def _user(self, call: Call) -> Answer:
        return await self._credential(call, "clusterUser", admin=False)

    async def _credential(self, call: Call, name: str, *, admin: bool) -> Answer:
        body = self.found(call)
        if admin and body["properties"].get("disableLocalAccounts"):
            raise rules.refuse(
                400,
                "BadRequest",
                "Getting static credential is not allowed because this cluster is set to disable local accounts.",
            )
        config = await self._compute.kubeconfig(body["id"], admin=admin)
        return Answer(200, {"kubeconfigs": [{"name": name, "value": base64.b64encode(config).decode()}]})


class UpgradeProfiles(ResourceType):
    """Microsoft.ContainerService/managedClusters/upgradeProfiles: what may come next."""

    type = f"{TYPE}/upgradeProfiles"
    flat_errors = True

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        cluster = self.context.resource(call.target.parent or "")
        if cluster is None or call.target.name.lower() != "default":
            raise self.missing(call.target)
        current = cluster["properties"]["currentKubernetesVersion"]
        body = {
            "id": f"{cluster['id']}/upgradeprofiles/default",
            "name": "default",
            "type": "Microsoft.ContainerService/managedClusters/upgradeprofiles",
            "properties": {
                "controlPlaneProfile": {
                    "kubernetesVersion": current,
                    "osType": "Linux",
                    "upgrades": [{"kubernetesVersion": v} for v in rules.upgrades(current)],
                },
                "agentPoolProfiles": [],
            },
        }
        return Answer(200, body)


class KubernetesVersions(ResourceType):
    """Microsoft.ContainerService/locations/kubernetesVersions: what is on offer."""

    type = "Microsoft.ContainerService/locations/kubernetesVersions"
    flat_errors = True

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        values = []
        for version in rules.VERSIONS:
            short = ".".join(version.split(".")[:2])
            item: Body = {
                "version": short,
                "capabilities": {"supportPlan": ["KubernetesOfficial"]},
                "patchVersions": {version: {"upgrades": rules.upgrades(version)}},
            }
            if version == rules.DEFAULT_VERSION:
                item["isDefault"] = True
            values.append(item)
        return Answer(200, {"values": values})


def _identity(given: dict[str, Any] | None) -> Body:
    kind = (given or {}).get("type") or "SystemAssigned"
    return {**(given or {}), "type": kind, "principalId": str(uuid.uuid4()), "tenantId": str(uuid.UUID(int=0))}


_READ_ONLY = frozenset(
    {
        "provisioningState",
        "powerState",
        "maxAgentPools",
        "currentKubernetesVersion",
        "fqdn",
        "privateFQDN",
        "azurePortalFQDN",
        "resourceUID",
        "agentPoolProfiles",
        "networkProfile",
    }
)


def _writable(given: dict[str, Any]) -> Body:
    """What the caller may write: the rest is ignored, as Azure does."""
    return {key: value for key, value in given.items() if key not in _READ_ONLY and value is not None}


def _defaults(given: dict[str, Any], uid: str, location: str) -> Body:
    """What AKS fills in at creation."""
    host = f"{given.get('dnsPrefix')}-{uid[:8]}.hcp.{location}.azmk8s.io"
    return {
        "powerState": {"code": "Running"},
        "fqdn": host,
        "azurePortalFQDN": host.replace(".hcp.", ".portal.hcp."),
        "maxAgentPools": 100,
        "resourceUID": uid[:24],
        "enableRBAC": True,
        "supportPlan": "KubernetesOfficial",
        "disableLocalAccounts": False,
        "servicePrincipalProfile": {"clientId": "msi"},
        "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage"},
        "securityProfile": {},
        "storageProfile": {
            "diskCSIDriver": {"enabled": True},
            "fileCSIDriver": {"enabled": True},
            "snapshotController": {"enabled": True},
        },
        "oidcIssuerProfile": {"enabled": False},
        "workloadAutoScalerProfile": {},
        "metricsProfile": {"costAnalysis": {"enabled": False}},
    }


def _network_defaults(given: dict[str, Any]) -> Body:
    plugin = given.get("networkPlugin") or "azure"
    overlay = given.get("networkPluginMode") == "overlay" or "networkPlugin" not in given
    defaults: Body = {
        "networkPlugin": plugin,
        "networkPolicy": "none",
        "networkDataplane": "azure",
        "loadBalancerSku": "standard",
        "loadBalancerProfile": {"managedOutboundIPs": {"count": 1}, "backendPoolType": "nodeIPConfiguration"},
        "serviceCidr": "10.0.0.0/16",
        "serviceCidrs": ["10.0.0.0/16"],
        "dnsServiceIP": "10.0.0.10",
        "outboundType": "loadBalancer",
        "ipFamilies": ["IPv4"],
    }
    if overlay or plugin == "kubenet":
        defaults |= {"podCidr": "10.244.0.0/16", "podCidrs": ["10.244.0.0/16"]}
    if overlay and plugin == "azure":
        defaults["networkPluginMode"] = "overlay"
    return defaults


def _complete_oidc(body: Body) -> None:
    profile = body["properties"].get("oidcIssuerProfile") or {}
    if profile.get("enabled"):
        uid = body["properties"]["resourceUID"]
        body["properties"]["oidcIssuerProfile"] = {
            "enabled": True,
            "issuerURL": f"https://{body['location']}.oic.prod-aks.azure.com/{uuid.UUID(int=0)}/{uid}/",
        }
