"""agentPools: made, sized, upgraded, removed."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from fakecloud.arm import shapes as json_shapes
from fakecloud.arm.errors import ArmError
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, Fidelity, ResourceType
from fakecloud.providers.containerservice import cluster_rules, defaults, egress, refusals, rules, shapes, versions
from fakecloud.providers.containerservice.machines import POOL_TYPE, Fleet, NodeNetwork
from fakecloud.providers.containerservice.node_group import check_unlocked
from fakecloud.providers.containerservice.refusals import refuse
from fakecloud.store import Body

PROVIDER = "Microsoft.ContainerService"
CREATE_SECONDS, SCALE_SECONDS, UPDATE_SECONDS, UPGRADE_SECONDS, DELETE_SECONDS = 150.0, 90.0, 30.0, 240.0, 120.0
ABORT_SECONDS = 10.0
IMAGING, UNMAKING = "UpgradingNodeImageVersion", "DeletingMachines"
_NAMES: Final[Shape] = {"machineNames": [str]}
READ_ONLY = frozenset({"provisioningState", "powerState", "currentOrchestratorVersion", "nodeImageVersion", "eTag"})
SETTLED = frozenset({"Succeeded", "Failed", "Canceled"})


@dataclass(frozen=True)
class Change:
    """A pool as an update makes it."""

    body: Body
    seconds: float
    """How long Azure takes."""
    version: str | None
    """What it will run then, None when it runs that already."""


class Pools(ResourceType):
    """Microsoft.ContainerService/managedClusters/agentPools."""

    type = POOL_TYPE
    fidelity = Fidelity(
        exact=(
            "201 Creating, 200 Scaling, Updating or Upgrading, DELETE 202 (R; Upgrading D)",
            "names, counts, bounds of autoscaling, disk sizes, pods on a node, upgrade settings, taints and labels within AKS's ranges (M)",
            "never newer than the control plane, at most three minors older: 400 NodePoolMcVersionIncompatible (I)",
            "the last pool and the last System pool stay: 400 OperationNotAllowed (I); System pools are Linux and not Spot",
            "PropertyChangeNotAllowed with its target (I, D); Spot's label and taint",
            "at most 100 pools and 5000 nodes in a cluster (D)",
            "upgradeNodeImageVersion: 202, UpgradingNodeImageVersion; 204 when the image is the newest; a new one comes each week (D)",
            "a User pool is stopped and started by its powerState: Stopping, Starting; it keeps its count and has no machines meanwhile (D)",
            "deleteMachines: 202, those that are named go and the pool counts fewer (M)",
            "quotas of vCPUs by region and by family: ErrCode_InsufficientVCPUQuota (D), and of clusters: QuotaExceeded",
            "a zone without room (`--quota westeurope/zone1=8`): the operation fails late, OverconstrainedZonalAllocationRequest (I)",
            "ErrCode_InsufficientVCPUQuota when there are fewer machines than asked for, four vCPUs each (D)",
        ),
        simplified=(
            "a VM size is judged by its spelling only; where real machines are behind, each is told as four vCPUs; a pool that names none gets Standard_D4ds_v5, where Azure chooses",
            "with enableAutoScaling the count is kept as written: no autoscaler runs",
            "an upgrade changes the version of all machines at its end; surge, drain and soak settings are kept and not acted on",
            "a full subnet fails the operation (SubnetIsFull) after the PUT was taken",
        ),
        missing=("what is omitted stays, also labels and taints; whether Azure clears them is not known here",),
    )
    flat_errors = True
    verbs = ("GET", "LIST", "PUT", "DELETE")
    shape: ClassVar[Shape] = shapes.AGENT_POOL

    def __init__(self, context: Context, fleet: Fleet) -> None:
        super().__init__(context)
        self._fleet = fleet
        context.operations.register("putPool", self._settled, self._failed)
        context.operations.register("deletePool", self._gone, self._failed)
        context.operations.register("abortPool", self._aborted)
        context.operations.register("upgradeNodeImage", self._imaged, self._failed)
        context.operations.register("deleteMachines", self._machines_gone, self._failed)
        self.actions = {
            "abort": self._abort,
            "deleteMachines": self._delete_machines,
            "upgradeNodeImageVersion": self._upgrade_image,
        }

    def malformed(self, path: str, wrong: str) -> ArmError:
        """See ResourceType."""
        return refusals.malformed(path, wrong)

    def missing(self, target: Any) -> ArmError:
        """See ResourceType."""
        return ArmError(
            404, "NotFound", f"Could not find the agent pool '{target.name}' in the managed cluster.", flat=True
        )

    def profile(self, pool: Body) -> Body:
        """A pool as its cluster shows it."""
        return {"name": pool["name"], **pool["properties"]}

    def made(self, cluster: Body, profile: dict[str, Any], cluster_version: str, network: NodeNetwork) -> Body:
        """A new pool's body; raises ArmError."""
        name = profile.get("name", "")
        if rules.wants_stopped(profile):
            raise refusals.invalid("agentPoolProfile.powerState", "a new agent pool runs.")
        given = {k: v for k, v in profile.items() if k != "name" and k not in READ_ONLY}
        max_pods = defaults.max_pods(cluster["properties"]["networkProfile"])
        properties = rules.check_pool(name, given, None, max_pods)
        asked = given.get("orchestratorVersion")
        version = versions.resolve(asked, pool=True) if asked else cluster_version
        versions.check_pool_version(cluster_version, version)
        subnet = network.subnet_of(given.get("vnetSubnetID"))
        if network.brought:
            self._fleet.prefix(subnet)
        egress.check(self.context, cluster["properties"], [subnet if network.brought else None])
        properties |= {
            "orchestratorVersion": asked or version,
            "currentOrchestratorVersion": version,
            "nodeImageVersion": versions.newest_image(properties, self.context.clock.now()),
            "provisioningState": "Creating",
            "eTag": str(uuid.uuid4()),
        }
        return {
            "id": f"{cluster['id']}/agentPools/{name}",
            "name": name,
            "type": "Microsoft.ContainerService/managedClusters/agentPools",
            "properties": properties,
            "_subnet": subnet,
            "_group": network.group,
        }

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        cluster = self.context.resource(call.target.parent or "")
        if cluster is None:
            raise self.missing(call.target)
        known = self.context.resource(call.target.id)
        refusals.check_etag(call, known["properties"]["eTag"] if known else None)
        self._refuse_busy(cluster, known)
        given = call.body.get("properties") or {}
        cluster_version = cluster["properties"]["currentKubernetesVersion"]
        upgrade: str | None = None
        if known is None:
            first = self.context.children(cluster["id"], POOL_TYPE)[0]
            network = NodeNetwork(first["_subnet"], first["_group"])
            body = self.made(cluster, {**given, "name": call.target.name}, cluster_version, network)
            seconds, status = CREATE_SECONDS, 201
        else:
            change = self._changed(known, given, cluster_version)
            body, seconds, upgrade, status = change.body, change.seconds, change.version, 200
            self._check_last_system_pool(cluster, known, body["properties"]["mode"])
        others = {p["name"]: p["properties"]["count"] for p in self.context.children(cluster["id"], POOL_TYPE)}
        cluster_rules.check_size({**others, body["name"]: body["properties"]["count"]})
        self._fleet.check_capacity(cluster["id"], cluster["location"], awake([body]))
        operation = self._operation("putPool", call, body, cluster, seconds, version=upgrade)
        self.context.begin(operation, (RESOURCE, body["id"], body))
        return Answer(status, self.shown(body), operation=operation)

    def changes(self, cluster: Body, profiles: Iterable[Body], cluster_version: str) -> list[Change]:
        """What becomes of the pools when their cluster is written with `profiles` of them; those not named stay.

        Raises ArmError, also for a pool that the cluster does not have: those are made by operations of their own.
        """
        pools = {pool["name"]: pool for pool in self.context.children(cluster["id"], POOL_TYPE)}
        changed: dict[str, Change] = {}
        for profile in profiles:
            pool = pools.get(profile.get("name", ""))
            if pool is None:
                raise refuse(
                    400,
                    "BadRequest",
                    "A new agent pool was introduced. Adding agent pools to an existing cluster is not allowed through managed cluster operations. For agent pool specific change, please use per agent pool operations: https://aka.ms/agent-pool-rest-api",
                    target="agentPoolProfiles",
                )
            given = {key: value for key, value in profile.items() if key != "name"}
            if any(pool["properties"].get(key) != value for key, value in given.items() if key not in READ_ONLY):
                changed[pool["name"]] = self._changed(pool, given, cluster_version)
        after = {**pools, **{name: change.body for name, change in changed.items()}}
        _check_system_pool([pool["properties"]["mode"] for pool in after.values()])
        cluster_rules.check_size({name: pool["properties"]["count"] for name, pool in after.items()})
        self._fleet.check_capacity(cluster["id"], cluster["location"], awake(c.body for c in changed.values()))
        return list(changed.values())

    def run_versions(self, versions_: Mapping[str, str | None]) -> None:
        """Pools, by id, run other versions from now on; None: what they ran."""
        for id_, version in versions_.items():
            pool = self.context.resource(id_)
            if pool is not None and version is not None:
                image = versions.newest_image(pool["properties"], self.context.clock.now())
                properties = {**pool["properties"], "currentOrchestratorVersion": version, "nodeImageVersion": image}
                self.store.put(RESOURCE, pool["id"], {**pool, "properties": properties})

    def _changed(self, known: Body, given: dict[str, Any], cluster_version: str) -> Change:
        """The pool after an update; raises ArmError."""
        have = known["properties"]
        was = bool(known.get("_stopped"))
        stopped = was if (wish := rules.wants_stopped(given)) is None else wish
        writable = {k: v for k, v in given.items() if k not in READ_ONLY}
        properties = rules.check_pool(known["name"], writable, have, have["maxPods"])
        current = have["currentOrchestratorVersion"]
        version = versions.meant(given.get("orchestratorVersion"), current, pool=True)
        versions.check_pool_version(cluster_version, version)
        versions.check_upgrade(current, version)
        if stopped and properties["mode"] == "System":
            raise refuse(400, "OperationNotAllowed", "System agent pools cannot be stopped.")
        if stopped != was:
            state, seconds = ("Stopping" if stopped else "Starting"), SCALE_SECONDS
        elif version != current:
            state, seconds = "Upgrading", UPGRADE_SECONDS
        elif properties["count"] != have["count"]:
            state, seconds = "Scaling", SCALE_SECONDS
        else:
            state, seconds = "Updating", UPDATE_SECONDS
        properties |= {"provisioningState": state, "eTag": str(uuid.uuid4())}
        body = {**known, "properties": properties, "_stopped": stopped}
        return Change(body, seconds, version if version != current else None)

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self.context.resource(call.target.id)
        cluster = self.context.resource(call.target.parent or "")
        if body is None or cluster is None:
            return Answer(204)
        refusals.check_etag(call, body["properties"]["eTag"])
        if body["properties"]["provisioningState"] == "Deleting":
            return Answer(202, None, operation=self.context.operations.running_on(body["id"]), location=True)
        self._refuse_busy(cluster, body)
        self._check_last_system_pool(cluster, body, None)
        deleting = {**body, "properties": {**body["properties"], "provisioningState": "Deleting"}}
        operation = self._operation("deletePool", call, body, cluster, DELETE_SECONDS)
        self.context.begin(operation, (RESOURCE, body["id"], deleting))
        return Answer(202, None, operation=operation, location=True)

    def busy(self, cluster: str) -> Body | None:
        """A pool of the cluster on which something is under way."""
        return next(
            (
                p
                for p in self.context.children(cluster, POOL_TYPE)
                if p["properties"]["provisioningState"] not in SETTLED
            ),
            None,
        )

    def at_rest(self, cluster: str) -> list[Body]:
        """The pools of a cluster on which no operation of their own is under way."""
        pools = self.context.children(cluster, POOL_TYPE)
        return [pool for pool in pools if self.context.operations.running_on(pool["id"]) is None]

    async def bring_about(self, cluster: Body, pools: Sequence[Body]) -> None:
        """`pools` of the cluster have as many machines as they count. Raises ArmError."""
        await self._fleet.bring_about(cluster, pools)
        for pool in pools:
            self._put_state(pool["id"], "Succeeded")
            self._put_power(pool["id"], "Running")

    def fail(self, cluster: str, state: str) -> None:
        """Pools that were being made or changed together with their cluster failed, or were canceled, with it."""
        for pool in self.at_rest(cluster):
            if pool["properties"]["provisioningState"] not in SETTLED:
                self._put_state(pool["id"], state)

    def power(self, cluster: str, code: str) -> None:
        """All pools of a cluster are Stopped, or Running but for those that somebody stopped by themselves."""
        for pool in self.context.children(cluster, POOL_TYPE):
            self._put_power(pool["id"], code)

    async def _settled(self, operation: Body) -> None:
        self.run_versions({operation["resource"]: operation["data"].get("version")})
        pool = self.context.resource(operation["resource"])
        cluster = self.context.resource(operation["resource"].rpartition("/agentPools/")[0])
        if pool is not None and cluster is not None:
            await self.bring_about(cluster, [pool])

    async def _failed(self, operation: Body) -> None:
        self._put_state(operation["resource"], operation["status"])

    async def _abort(self, call: Call) -> Answer:
        pool = self.found(call)
        cluster = self.context.resource(call.target.parent or "") or {}
        running = self.context.operations.running_on(pool["id"])
        if running is None:
            return Answer(204)
        refusals.check_abort(running, pool)
        canceling = {**pool, "properties": {**pool["properties"], "provisioningState": "Canceling"}}
        operation = self._operation("abortPool", call, pool, cluster, ABORT_SECONDS, operation=running["id"])
        self.context.begin(operation, (RESOURCE, pool["id"], canceling))
        return Answer(202, None, operation=operation, location=True)

    async def _delete_machines(self, call: Call) -> Answer:
        pool = self.found(call)
        cluster = self.context.resource(call.target.parent or "") or {}
        self._refuse_busy(cluster, pool)
        names = {name.lower() for name in json_shapes.read(_NAMES, call.body, self.malformed).get("machineNames") or ()}
        rows = [row for row in self._fleet.rows(pool["id"]) if row["name"].lower() in names]
        if not names or len(rows) < len(names):
            raise refusals.invalid("machineNames", "it takes names of machines of the agent pool.")
        count = int(pool["properties"]["count"]) - len(rows)
        if count < 1 and pool["properties"]["mode"] == "System":
            raise refusals.invalid("machineNames", "a System pool keeps one machine at least.")
        properties = {**pool["properties"], "count": count, "provisioningState": UNMAKING, "eTag": str(uuid.uuid4())}
        operation = self._operation(
            "deleteMachines", call, pool, cluster, SCALE_SECONDS, machines=[row["id"] for row in rows]
        )
        self.context.begin(operation, (RESOURCE, pool["id"], {**pool, "properties": properties}))
        return Answer(202, None, operation=operation, location=True)

    async def _machines_gone(self, operation: Body) -> None:
        self.store.write([(RESOURCE, id_, None) for id_ in operation["data"]["machines"]])
        await self._settled(operation)

    async def _upgrade_image(self, call: Call) -> Answer:
        pool = self.found(call)
        cluster = self.context.resource(call.target.parent or "") or {}
        self._refuse_busy(cluster, pool)
        image = versions.newest_image(pool["properties"], self.context.clock.now())
        if image == pool["properties"]["nodeImageVersion"]:
            return Answer(204)
        properties = {**pool["properties"], "provisioningState": IMAGING, "eTag": str(uuid.uuid4())}
        operation = self._operation("upgradeNodeImage", call, pool, cluster, UPGRADE_SECONDS, image=image)
        self.context.begin(operation, (RESOURCE, pool["id"], {**pool, "properties": properties}))
        return Answer(202, None, operation=operation, location=True)

    async def _imaged(self, operation: Body) -> None:
        pool = self.context.resource(operation["resource"])
        if pool is not None:
            properties = {**pool["properties"], "nodeImageVersion": operation["data"]["image"]}
            self.store.put(RESOURCE, pool["id"], {**pool, "properties": properties})
        await self._settled(operation)

    async def _aborted(self, operation: Body) -> None:
        await self.context.operations.cancel(operation["data"]["operation"])

    def _put_state(self, id_: str, state: str) -> None:
        pool = self.context.resource(id_)
        if pool is not None:
            properties = {**pool["properties"], "provisioningState": state}
            self.store.put(RESOURCE, pool["id"], {**pool, "properties": properties})

    def _put_power(self, id_: str, code: str) -> None:
        pool = self.context.resource(id_)
        power = {"code": "Stopped" if pool is not None and pool.get("_stopped") else code}
        if pool is not None and pool["properties"].get("powerState") != power:
            self.store.put(RESOURCE, pool["id"], {**pool, "properties": {**pool["properties"], "powerState": power}})

    async def _gone(self, operation: Body) -> None:
        cluster = self.context.resource(operation["resource"].rpartition("/agentPools/")[0])
        if cluster is not None:
            await self._fleet.bring_about(cluster, (), without=[operation["resource"]])
        prefix = operation["resource"].lower()
        self.store.write(
            [*((RESOURCE, key, None) for key, _ in self.store.under(RESOURCE, prefix + "/")), (RESOURCE, prefix, None)]
        )

    def _check_last_system_pool(self, cluster: Body, pool: Body, mode: str | None) -> None:
        others = [p for p in self.context.children(cluster["id"], POOL_TYPE) if p["id"] != pool["id"]]
        if mode is None and not others:
            raise refuse(400, "OperationNotAllowed", "There has to be at least one agent pool.")
        _check_system_pool([mode, *(p["properties"]["mode"] for p in others)])

    def _refuse_busy(self, cluster: Body, pool: Body | None) -> None:
        refusals.check_power(cluster)
        state = cluster["properties"]["provisioningState"]
        if state not in SETTLED:
            raise refusals.busy(f"Another operation ({state})")
        own = (pool or {}).get("properties", {}).get("provisioningState", "Succeeded")
        if own not in SETTLED:
            raise refusals.busy(f"Another agentpool operation ({(pool or {})['name']} - {own})")
        check_unlocked(self.context, cluster)

    def _operation(self, name: str, call: Call, body: Body, cluster: Body, seconds: float, **data: Any) -> Body:
        return self.context.operations.document(
            name,
            resource=body["id"],
            provider=PROVIDER,
            location=cluster["location"],
            subscription=call.target.subscription,
            seconds=seconds,
            **data,
        )


def awake(pools: Iterable[Body]) -> dict[str, Body]:
    """The properties of pools by id, but of those that are stopped: they need no machines."""
    return {pool["id"]: pool["properties"] for pool in pools if not pool.get("_stopped")}


def _check_system_pool(modes: Sequence[str | None]) -> None:
    """Raises ArmError unless one of the pools' modes is System."""
    if "System" not in modes:
        raise refuse(400, "OperationNotAllowed", "There must be at least one system node pool in the cluster.")
