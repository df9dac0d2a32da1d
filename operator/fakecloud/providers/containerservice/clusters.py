"""managedClusters: create with one System pool, the node group that comes with it, upgrades, credentials."""

import base64
import hashlib
import uuid
from functools import partial
from typing import Any, ClassVar

from fakecloud.arm import locations
from fakecloud.arm.errors import ArmError
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import (
    GROUP,
    RESOURCE,
    SUBSCRIPTION,
    Answer,
    Call,
    Change,
    Context,
    Fidelity,
    ResourceType,
    extensions_gone,
)
from fakecloud.compute.port import Compute
from fakecloud.providers.containerservice import (
    cluster_rules,
    cores,
    defaults,
    egress,
    refusals,
    rules,
    shapes,
    versions,
)
from fakecloud.providers.containerservice.commands import CommandResults
from fakecloud.providers.containerservice.machines import POOL_TYPE, Fleet
from fakecloud.providers.containerservice.node_group import check_unlocked, group_of, locked, node_group, restrict
from fakecloud.providers.containerservice.pools import SETTLED, Pools, awake
from fakecloud.providers.containerservice.refusals import immutable, invalid, refuse
from fakecloud.providers.network.public_ips import PublicIPAddresses
from fakecloud.store import Body

TYPE = "Microsoft.ContainerService/managedClusters"
PROVIDER = "Microsoft.ContainerService"
CREATE_SECONDS, UPDATE_SECONDS, UPGRADE_SECONDS, DELETE_SECONDS = 240.0, 60.0, 300.0, 180.0
STOP_SECONDS, START_SECONDS, ABORT_SECONDS, ROTATE_SECONDS = 120.0, 180.0, 10.0, 900.0
IMMUTABLE = ("dnsPrefix", "fqdnSubdomain", "nodeResourceGroup", "enableRBAC")
IMMUTABLE_NETWORK = ("serviceCidr", "dnsServiceIP", "loadBalancerSku", "podCidr")


class Clusters(ResourceType):
    """Microsoft.ContainerService/managedClusters."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "201 Creating, 200 Updating or Upgrading, DELETE 202 without a body; Azure-AsyncOperation, at deletion also Location (R)",
            "refusals flat, without the outer `error` (I); one operation at a time, its pools' included: 409 OperationNotAllowed (I)",
            "etags in `eTag`, If-Match and If-None-Match: 412 (M, I)",
            "names, node group names, one minor up and never down, unknown versions, a System pool at creation, pools never added through the cluster (I, M)",
            "`/resourcegroups/` and `ManagedClusters` in ids and types (R); what is omitted stays, agentPoolProfiles too",
            "pools are scaled, upgraded and changed through their cluster too, by the rules of their own operations, as `az aks scale` and `az aks upgrade` do (M)",
            "words are answered as Azure spells them, whatever their case was (R)",
            "the defaults recorded of Azure (R); read-only properties in a body are ignored (M)",
            "values of a wrong kind and properties that the SDK's models do not have: 400 UnmarshalError",
            "abort, start, stop and the rotations of certificates and signing keys: 202 with Location, 204 when there is nothing to do; what is aborted ends Canceled (M)",
            "userDefinedRouting needs a route table with a default route on the nodes' subnet (ExistingRouteTableNotAssociatedWithSubnet, I), userAssignedNATGateway a NAT gateway there; managedNATGateway makes one with its addresses in the node group, for AKS's own network only (D)",
            "an alias such as 1.36 gives the newest patch and stays an alias (R)",
        ),
        simplified=(
            "the node group holds the network (none with brought subnets) and the security group; no balancer, identity or outbound address, though ids name them",
            "immutable are dnsPrefix, fqdnSubdomain, nodeResourceGroup, enableRBAC and the network ranges (D); Azure guards more",
            "kept and shown, but nothing acts on it: network policies and data plane, authorised ranges, private clusters, application routing, add-ons, Entra, auto-upgrade, tier",
            "rotations have their states and their time; the credentials handed out are tokens, which stay valid",
            "a stopped cluster has no machines and takes its start, its tags and its deletion; the refusal's words are ours, as are those of an abort of a deletion",
            "the other codes of refused outbound types are ours; an outbound type may become any other (D: Azure knows fewer ways)",
            "networkPolicy `none` by default; user-assigned identities need not exist; role assignments are not looked at",
            "with compute host the Kubernetes version is that of the kind cluster, whatever ARM says; with none there is no API server behind the kubeconfigs",
        ),
        missing=("sku Automatic: 501",),
    )
    flat_errors = True
    verbs = ("GET", "LIST", "PUT", "PATCH", "DELETE")
    shape: ClassVar[Shape] = shapes.CLUSTER

    def __init__(
        self,
        context: Context,
        pools: Pools,
        fleet: Fleet,
        compute: Compute,
        addresses: PublicIPAddresses,
        commands: CommandResults,
    ) -> None:
        super().__init__(context)
        self._commands = commands
        self._addresses = addresses
        self._pools = pools
        self._fleet = fleet
        self._compute = compute
        self.actions = {
            "listClusterAdminCredential": self._admin,
            "listClusterUserCredential": self._user,
            "abort": self._abort,
            "start": self._start,
            "stop": self._stop,
            "rotateClusterCertificates": partial(self._rotate, state="RotatingClusterCertificates"),
            "rotateServiceAccountSigningKeys": partial(self._rotate, state="RotatingServiceAccountSigningKeys"),
            "runCommand": self._run_command,
        }
        context.operations.register("rotateCluster", self._settled, self._failed)
        context.operations.register("createCluster", self._settled, self._failed)
        context.operations.register("updateCluster", self._settled, self._failed)
        context.operations.register("deleteCluster", self._gone, self._failed)
        context.operations.register("startCluster", self._settled, self._failed)
        context.operations.register("stopCluster", self._stopped, self._failed)
        context.operations.register("abortCluster", self._aborted)

    def malformed(self, path: str, wrong: str) -> ArmError:
        """See ResourceType."""
        return refusals.malformed(path, wrong)

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
        location = locations.settled(
            TYPE, call.body.get("location"), known, name=call.target.name, group=call.target.group
        )
        refusals.check_etag(call, known["eTag"] if known else None)
        if not rules.CLUSTER_NAME.fullmatch(call.target.name):
            raise invalid(
                "resourceName",
                f"'{call.target.name}' must begin and end with a letter or digit and have at most 63 letters, digits, - and _.",
            )
        return self._create(call, location) if known is None else self._update(call, known)

    def _create(self, call: Call, location: str) -> Answer:
        given = cluster_rules.spelled(call.body.get("properties") or {})
        profiles = given.get("agentPoolProfiles") or []
        if not any(profile.get("mode", "").lower() == "system" for profile in profiles):
            raise refuse(400, "BadRequest", "Must define at least one system pool.", target="agentPoolProfiles")
        names = [profile.get("name") for profile in profiles]
        if len(set(names)) < len(names):
            raise invalid("agentPoolProfiles", "Agent pool names must be unique.")
        if not (given.get("dnsPrefix") or given.get("fqdnSubdomain")):
            raise invalid("dnsPrefix", "it is required.")
        group = self._free_group(call, given, location)
        version = versions.resolve(given.get("kubernetesVersion"))
        id_ = call.target.id.replace(f"/resourceGroups/{call.target.group}/", f"/resourcegroups/{call.target.group}/")
        cluster_rules.check(given, call.body.get("sku") or {})
        cluster_rules.check_size({str(profile.get("name")): profile.get("count", 1) for profile in profiles})
        cores.check_clusters(self.context, call.target.subscription)
        self._fleet.check_capacity(
            id_, location, {f"{id_}/agentPools/{p.get('name')}": {"vmSize": rules.DEFAULT_SIZE, **p} for p in profiles}
        )
        tenant = self._tenant(call)
        uid = hashlib.sha256(id_.lower().encode()).hexdigest()
        network = given.get("networkProfile") or {}
        body: Body = {
            "id": id_,
            "name": call.target.name,
            "type": "Microsoft.ContainerService/ManagedClusters",
            "location": location,
            "tags": call.body.get("tags") or {},
            "sku": {"name": "Base", "tier": "Free", **(call.body.get("sku") or {})},
            "identity": defaults.identity(call.body.get("identity"), None, tenant),
            "eTag": str(uuid.uuid4()),
            "properties": {
                **defaults.defaults(given, uid, location),
                "identityProfile": defaults.kubelet(call.target.subscription, group, call.target.name),
                **defaults.writable(given),
                "provisioningState": "Creating",
                "nodeResourceGroup": group,
                "kubernetesVersion": given.get("kubernetesVersion") or version,
                "currentKubernetesVersion": version,
                "networkProfile": {**defaults.network_defaults(network), **network},
            },
        }
        defaults.complete_oidc(body, tenant)
        brought = next((profile["vnetSubnetID"] for profile in profiles if profile.get("vnetSubnetID")), None)
        made, nodes, network = node_group(body, uid, brought)
        made += egress.arranged(self.context, self._addresses, body, network)
        pools = [self._pools.made(body, profile, version, nodes) for profile in profiles]
        operation = self._operation("createCluster", call, body, CREATE_SECONDS)
        changes = [*made, (RESOURCE, id_, body), *((RESOURCE, pool["id"], pool) for pool in pools)]
        self.context.begin(operation, *changes)
        return Answer(201, self.shown(body), operation=operation)

    def _tenant(self, call: Call) -> str:
        return str((self.store.get(SUBSCRIPTION, call.target.subscription) or {})["tenantId"])

    def _free_group(self, call: Call, given: dict[str, Any], location: str) -> str:
        """The name of the node group to be; raises ArmError when it cannot be made."""
        name = str(given.get("nodeResourceGroup") or f"MC_{call.target.group}_{call.target.name}_{location}")
        if len(name) > 80:
            raise refuse(
                400,
                "InvalidParameter",
                f"The length of the node resource group name is too long. The maximum length is 80 and the length of the value provided is {len(name)}. Please see https://aka.ms/aks-naming-rules for more details.",
                target="nodeResourceGroup",
            )
        if not rules.GROUP_NAME.fullmatch(name):
            raise invalid("nodeResourceGroup", f"'{name}' is no name of a resource group.")
        if self.context.group(call.target.subscription, name) is not None:
            raise refuse(
                409,
                "NodeResourceGroupAlreadyExists",
                f"The node resource group {name} exists already: choose another name.",
            )
        return name

    def _update(self, call: Call, known: Body) -> Answer:
        refusals.check_power(known)
        self._refuse_busy(known)
        check_unlocked(self.context, known)
        given = cluster_rules.spelled(call.body.get("properties") or {})
        have = known["properties"]
        _check_immutable(given, have)
        current = have["currentKubernetesVersion"]
        version = versions.meant(given.get("kubernetesVersion"), current)
        versions.check_upgrade(current, version)
        changes = self._pools.changes(known, given.get("agentPoolProfiles") or [], version)
        upgraded = {change.body["id"]: change.version for change in changes}
        for pool in self.context.children(known["id"], POOL_TYPE):
            later = upgraded.get(pool["id"]) or pool["properties"]["currentOrchestratorVersion"]
            versions.check_pool_version(version, later)
        states = {change.body["properties"]["provisioningState"] for change in changes}
        states.add("Upgrading" if version != current else "Updating")
        properties = {
            **have,
            **defaults.writable(given),
            "provisioningState": next(state for state in ("Upgrading", "Scaling", "Updating") if state in states),
            "networkProfile": {**have["networkProfile"], **(given.get("networkProfile") or {})},
            "nodeResourceGroup": have["nodeResourceGroup"],
        }
        body: Body = {
            **known,
            "eTag": str(uuid.uuid4()),
            "tags": call.body.get("tags", known["tags"]),
            "sku": {**known["sku"], **(call.body.get("sku") or {})},
            "identity": defaults.identity(call.body.get("identity"), known["identity"], self._tenant(call)),
            "properties": properties,
        }
        cluster_rules.check(properties, body["sku"])
        arranged = self._arranged(body)
        defaults.complete_oidc(body, self._tenant(call))
        seconds = UPGRADE_SECONDS if version != current else UPDATE_SECONDS
        seconds += max(
            (change.seconds for change in changes), default=0.0
        )  # pools all at once, after the control plane
        operation = self._operation("updateCluster", call, body, seconds, version=version, pools=upgraded)
        pools = [(RESOURCE, str(change.body["id"]), change.body) for change in changes]
        beside = [*pools, *restrict(self.context, body), *arranged]
        self.context.begin(operation, (RESOURCE, body["id"], body), *beside)
        return Answer(200, self.shown(body), operation=operation)

    def _arranged(self, cluster: Body) -> list[Change]:
        """What changes in the node group with the way out that a cluster has now; raises ArmError."""
        pools = self.context.children(cluster["id"], POOL_TYPE)
        egress.check(
            self.context, cluster["properties"], [pool["_subnet"] if pool["_group"] else None for pool in pools]
        )
        network = None if pools[0]["_group"] else self.context.resource(pools[0]["_subnet"].partition("/subnets/")[0])
        return egress.arranged(self.context, self._addresses, cluster, network)

    async def patch(self, call: Call) -> Answer:
        """See ResourceType: tags."""
        body = self.found(call)
        refusals.check_etag(call, body["eTag"])
        self._refuse_busy(body)
        check_unlocked(self.context, body)
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
        refusals.check_etag(call, body["eTag"])
        if body["properties"]["provisioningState"] == "Deleting":
            return Answer(202, None, operation=self.context.operations.running_on(body["id"]), location=True)
        self._refuse_busy(body)
        check_unlocked(self.context, body)
        deleting = {**body, "properties": {**body["properties"], "provisioningState": "Deleting"}}
        operation = self._operation("deleteCluster", call, body, DELETE_SECONDS)
        self.context.begin(operation, (RESOURCE, body["id"], deleting))
        return Answer(202, None, operation=operation, location=True)

    async def _settled(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is None:
            return
        self._pools.run_versions(operation["data"].get("pools") or {})
        await self._pools.bring_about(body, self._pools.at_rest(body["id"]))
        body = self.context.resource(operation["resource"])
        if body is None:  # its group went meanwhile, and it with it
            return
        properties = {**body["properties"], "provisioningState": "Succeeded"}
        if operation["data"].get("version"):
            properties["currentKubernetesVersion"] = operation["data"]["version"]
        if operation["data"].get("power"):
            properties["powerState"] = {"code": operation["data"]["power"]}
            self._pools.power(body["id"], operation["data"]["power"])
        self.store.put(RESOURCE, body["id"], {**body, "properties": properties})

    async def _failed(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None:
            self._pools.fail(body["id"], operation["status"])
            failed = {**body["properties"], "provisioningState": operation["status"]}
            self.store.put(RESOURCE, body["id"], {**body, "properties": failed})

    async def _gone(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is not None:
            await self.remove(body)

    async def remove(self, body: Body) -> None:
        """See ResourceType: with its pools, its machines, and the node group with all it holds."""
        await self._fleet.release(body["id"])
        group = group_of(body)
        await self.context.remove_below(group, force=True)
        self.store.write([*self.gone(body["id"]), (GROUP, group, None), *extensions_gone(self.store, group)])

    def in_use(self, body: Body) -> ArmError | None:
        """See ResourceType: a lock in its node group keeps it."""
        return locked(self.context, body)

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
        if state not in SETTLED:
            raise refusals.busy(f"Another operation ({state})")
        pool = self._pools.busy(body["id"])
        if pool is not None:
            raise refusals.busy(
                f"Another agentpool operation ({pool['name']} - {pool['properties']['provisioningState']})"
            )

    async def _stop(self, call: Call) -> Answer:
        return self._powered(call, "Stopped", "Stopping", "stopCluster", STOP_SECONDS)

    async def _start(self, call: Call) -> Answer:
        return self._powered(call, "Running", "Starting", "startCluster", START_SECONDS)

    def _powered(self, call: Call, code: str, state: str, name: str, seconds: float) -> Answer:
        """The answer to a start or a stop: 204 when it is so already."""
        body = self.found(call)
        self._refuse_busy(body)
        if body["properties"]["powerState"]["code"] == code:
            return Answer(204)
        check_unlocked(self.context, body)
        if code == "Running":
            pools = self.context.children(body["id"], POOL_TYPE)
            self._fleet.check_capacity(body["id"], body["location"], awake(pools))
        changed = {**body, "eTag": str(uuid.uuid4())}
        changed["properties"] = {**body["properties"], "provisioningState": state}
        operation = self._operation(name, call, body, seconds, power=code)
        self.context.begin(operation, (RESOURCE, body["id"], changed))
        return Answer(202, None, operation=operation, location=True)

    async def _rotate(self, call: Call, *, state: str) -> Answer:
        body = self.found(call)
        refusals.check_power(body)
        self._refuse_busy(body)
        check_unlocked(self.context, body)
        rotating = {**body, "eTag": str(uuid.uuid4())}
        rotating["properties"] = {**body["properties"], "provisioningState": state}
        operation = self._operation("rotateCluster", call, body, ROTATE_SECONDS)
        self.context.begin(operation, (RESOURCE, body["id"], rotating))
        return Answer(202, None, operation=operation, location=True)

    async def _run_command(self, call: Call) -> Answer:
        return self._commands.begin(call, self.found(call))

    async def _stopped(self, operation: Body) -> None:
        await self._fleet.park(operation["resource"])
        body = self.context.resource(operation["resource"])
        if body is not None:
            self._pools.power(body["id"], "Stopped")
            properties = {**body["properties"], "provisioningState": "Succeeded", "powerState": {"code": "Stopped"}}
            self.store.put(RESOURCE, body["id"], {**body, "properties": properties})

    async def _abort(self, call: Call) -> Answer:
        body = self.found(call)
        running = self.context.operations.running_on(body["id"])
        if running is None:
            return Answer(204)
        refusals.check_abort(running, body)
        canceling = {**body, "properties": {**body["properties"], "provisioningState": "Canceling"}}
        operation = self._operation("abortCluster", call, body, ABORT_SECONDS, operation=running["id"])
        self.context.begin(operation, (RESOURCE, body["id"], canceling))
        return Answer(202, None, operation=operation, location=True)

    async def _aborted(self, operation: Body) -> None:
        await self.context.operations.cancel(operation["data"]["operation"])

    async def _admin(self, call: Call) -> Answer:
        return await self._credential(call, "clusterAdmin", admin=True)

    async def _user(self, call: Call) -> Answer:
        return await self._credential(call, "clusterUser", admin=False)

    async def _credential(self, call: Call, name: str, *, admin: bool) -> Answer:
        body = self.found(call)
        if admin and body["properties"].get("disableLocalAccounts"):
            raise refuse(
                400,
                "BadRequest",
                "Getting static credential is not allowed because this cluster is set to disable local accounts.",
            )
        config = await self._compute.kubeconfig(body["id"], admin=admin)
        return Answer(200, {"kubeconfigs": [{"name": name, "value": base64.b64encode(config).decode()}]})


def _check_immutable(given: dict[str, Any], have: dict[str, Any]) -> None:
    """Raises ArmError (400) when an update would change what was settled at creation."""
    network, had = given.get("networkProfile") or {}, have["networkProfile"]
    pairs = [(field, given.get(field), have.get(field)) for field in IMMUTABLE]
    pairs += [(f"networkProfile.{field}", network.get(field), had.get(field)) for field in IMMUTABLE_NETWORK]
    for field, wanted, now in pairs:
        if wanted is not None and str(wanted).lower() != str(now).lower():
            raise immutable(field)
