"""agentPools and their machines."""

import hashlib
import ipaddress
import uuid
from typing import Any

from fakecloud.arm.errors import ArmError
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, ResourceType
from fakecloud.compute.port import CapacityError, Compute, Machine, Pool
from fakecloud.providers.containerservice import rules
from fakecloud.store import Body

TYPE = "Microsoft.ContainerService/managedClusters"
POOL_TYPE = f"{TYPE}/agentPools"
MACHINE_TYPE = f"{POOL_TYPE}/machines"
PROVIDER = "Microsoft.ContainerService"
CREATE_SECONDS, SCALE_SECONDS, UPDATE_SECONDS, UPGRADE_SECONDS, DELETE_SECONDS = 150.0, 90.0, 30.0, 240.0, 120.0
READ_ONLY = frozenset({"provisioningState", "powerState", "currentOrchestratorVersion", "nodeImageVersion", "eTag"})


class Pools(ResourceType):
    """Microsoft.ContainerService/managedClusters/agentPools."""

    type = POOL_TYPE
    flat_errors = True

    def __init__(self, context: Context, compute: Compute) -> None:
        super().__init__(context)
        self._compute = compute
        context.operations.register("putPool", self._settled, self._failed)
        context.operations.register("deletePool", self._gone)

    def missing(self, target: Any) -> ArmError:
        """See ResourceType."""
        return ArmError(
            404, "NotFound", f"Could not find the agent pool '{target.name}' in the managed cluster.", flat=True
        )

    def profile(self, pool: Body) -> Body:
        """A pool as its cluster shows it."""
        return {"name": pool["name"], **pool["properties"]}

    def made(self, cluster: str, profile: dict[str, Any], cluster_version: str, subnet: str) -> Body:
        """A new pool's body; raises ArmError."""
        name = str(profile.get("name") or "")
        given = {k: v for k, v in profile.items() if k != "name" and k not in READ_ONLY}
        properties = rules.check_pool(name, given, None)
        version = rules.resolve(given["orchestratorVersion"]) if given.get("orchestratorVersion") else cluster_version
        rules.check_pool_version(cluster_version, version)
        properties |= {
            "orchestratorVersion": given.get("orchestratorVersion") or version,
            "currentOrchestratorVersion": version,
            "provisioningState": "Creating",
            "eTag": str(uuid.uuid4()),
        }
        return {
            "id": f"{cluster}/agentPools/{name}",
            "name": name,
            "type": "Microsoft.ContainerService/managedClusters/agentPools",
            "properties": properties,
            "_subnet": subnet,
        }

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        cluster = self.context.resource(call.target.parent or "")
        if cluster is None:
            raise self.missing(call.target)
        known = self.context.resource(call.target.id)
        self._precondition(call, known)
        self._refuse_busy(cluster, known)
        given = {k: v for k, v in (call.body.get("properties") or {}).items() if k not in READ_ONLY}
        cluster_version = cluster["properties"]["currentKubernetesVersion"]
        if known is None:
            subnet = next(iter(self.context.children(cluster["id"], POOL_TYPE)), {}).get("_subnet", "")
            body = self.made(cluster["id"], {"name": call.target.name, **given}, cluster_version, subnet)
            seconds, status = CREATE_SECONDS, 201
        else:
            body, seconds = self._changed(known, given, cluster_version)
            status = 200
            self._check_last_system_pool(cluster, known, body["properties"]["mode"])
        wanted = int(body["properties"]["count"]) - len(self.context.children(call.target.id, MACHINE_TYPE))
        self.check_capacity(cluster["id"], wanted)
        operation = self._operation("putPool", call, body, cluster, seconds)
        self.context.begin(operation, (RESOURCE, body["id"], body))
        return Answer(status, self.shown(body), operation=operation)

    def _changed(self, known: Body, given: dict[str, Any], cluster_version: str) -> tuple[Body, float]:
        """The pool after an update, and how long that takes."""
        have = known["properties"]
        properties = rules.check_pool(known["name"], given, {k: v for k, v in have.items() if k != "provisioningState"})
        version = have["currentOrchestratorVersion"]
        asked = given.get("orchestratorVersion")
        if asked and asked != have["orchestratorVersion"]:
            version = version if version.startswith(f"{asked}.") else rules.resolve(asked)
            rules.check_pool_version(cluster_version, version)
            rules.check_upgrade(have["currentOrchestratorVersion"], version)
        if version != have["currentOrchestratorVersion"]:
            state, seconds = "Upgrading", UPGRADE_SECONDS
        elif properties["count"] != have["count"]:
            state, seconds = "Scaling", SCALE_SECONDS
        else:
            state, seconds = "Updating", UPDATE_SECONDS
        properties |= {"provisioningState": state, "currentOrchestratorVersion": version, "eTag": str(uuid.uuid4())}
        return {**known, "properties": properties}, seconds

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self.context.resource(call.target.id)
        cluster = self.context.resource(call.target.parent or "")
        if body is None or cluster is None:
            return Answer(204)
        self._precondition(call, body)
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
                if p["properties"]["provisioningState"] not in {"Succeeded", "Failed", "Canceled"}
            ),
            None,
        )

    def check_capacity(self, cluster: str, more: int) -> None:
        """Raises Azure's quota error when there are fewer machines than wanted."""
        free, owner = self._compute.free(), self._compute.owner()
        if owner is not None and owner.lower() != cluster.lower():
            free = 0
        if free is not None and more > free:
            raise rules.refuse(
                400,
                "ErrCode_InsufficientVCPUQuota",
                f"Insufficient regional vcpu quota left for location. left regional vcpu quota {free * 4}, requested quota {more * 4}. If you want to increase the quota, please follow this instruction: https://learn.microsoft.com/en-us/azure/quotas/view-quotas. Surge nodes would also consume vcpu quota, please consider use smaller maxSurge or use maxUnavailable to proceed upgrade without surge nodes, details: aka.ms/aks/maxUnavailable.",
            )

    async def bring_about(self, cluster: Body) -> None:
        """The cluster's machines as its pools want them: ARM's rows, and what stands behind them. Raises ArmError."""
        pools = [
            p
            for p in self.context.children(cluster["id"], POOL_TYPE)
            if p["properties"]["provisioningState"] != "Deleting"
        ]
        for pool in pools:
            self._write_machines(pool)
        wanted = [
            Pool(
                pool["name"],
                [
                    Machine(m["name"], m["properties"]["network"]["ipAddresses"][0]["ip"])
                    for m in self.context.children(pool["id"], MACHINE_TYPE)
                ],
                dict(pool["properties"].get("nodeLabels") or {}),
                tuple(pool["properties"].get("nodeTaints") or ()),
            )
            for pool in pools
        ]
        try:
            await self._compute.apply(cluster["id"], wanted)
        except CapacityError as error:
            raise rules.refuse(
                400, "ErrCode_InsufficientVCPUQuota", f"Insufficient regional vcpu quota left: {error}."
            ) from error
        changes: list[tuple[str, str, Body | None]] = []
        for pool in pools:
            now = self.context.resource(pool["id"])
            if now is not None and now["properties"]["provisioningState"] in {"Creating", "Failed"}:
                changes.append(
                    (
                        RESOURCE,
                        pool["id"],
                        {**now, "properties": {**now["properties"], "provisioningState": "Succeeded"}},
                    )
                )
            for machine in self.context.children(pool["id"], MACHINE_TYPE):
                changes.append(
                    (
                        RESOURCE,
                        machine["id"],
                        {**machine, "properties": {**machine["properties"], "provisioningState": "Succeeded"}},
                    )
                )
        self.store.write(changes)

    def _write_machines(self, pool: Body) -> None:
        """As many machine rows as the pool counts: new ones get an address, the newest go first."""
        machines = sorted(self.context.children(pool["id"], MACHINE_TYPE), key=lambda m: m["name"])
        count = int(pool["properties"]["count"])
        changes: list[tuple[str, str, Body | None]] = [(RESOURCE, machine["id"], None) for machine in machines[count:]]
        used = {
            m["properties"]["network"]["ipAddresses"][0]["ip"]
            for m in self.store.resources(MACHINE_TYPE)
            if m.get("_subnet") == pool["_subnet"]
        }
        numbers = {m["name"] for m in machines}
        index = 0
        while len(numbers) < count:
            name = f"aks-{pool['name']}-{_number(pool['id'])}-vmss{_base36(index)}"
            index += 1
            if name in numbers:
                continue
            numbers.add(name)
            address = self._address(pool["_subnet"], used)
            used.add(address)
            changes.append((RESOURCE, f"{pool['id']}/machines/{name}", _machine(pool, name, address, index - 1)))
        self.store.write(changes)

    def _address(self, subnet: str, used: set[str]) -> str:
        network = self.context.resource(subnet.rpartition("/subnets/")[0])
        prefix = next(
            (
                s["properties"]["addressPrefix"]
                for s in (network or {}).get("properties", {}).get("subnets", [])
                if s["id"].lower() == subnet.lower()
            ),
            "10.224.0.0/16",
        )
        for number, address in enumerate(ipaddress.ip_network(prefix).hosts(), start=1):
            if number > 3 and str(address) not in used:  # Azure keeps the first addresses of a subnet for itself
                return str(address)
        raise rules.refuse(400, "InsufficientSubnetSize", f"Pre-allocated IPs exceed the addresses in subnet {subnet}.")

    async def _settled(self, operation: Body) -> None:
        pool = self.context.resource(operation["resource"])
        cluster = self.context.resource(operation["resource"].rpartition("/agentPools/")[0])
        if pool is None or cluster is None:
            return
        await self.bring_about(cluster)
        pool = self.context.resource(operation["resource"])
        if pool is not None:
            self.store.put(
                RESOURCE, pool["id"], {**pool, "properties": {**pool["properties"], "provisioningState": "Succeeded"}}
            )

    async def _failed(self, operation: Body) -> None:
        pool = self.context.resource(operation["resource"])
        if pool is not None:
            self.store.put(
                RESOURCE, pool["id"], {**pool, "properties": {**pool["properties"], "provisioningState": "Failed"}}
            )

    async def _gone(self, operation: Body) -> None:
        cluster = self.context.resource(operation["resource"].rpartition("/agentPools/")[0])
        if cluster is not None:
            await self.bring_about(cluster)
        prefix = operation["resource"].lower()
        self.store.write(
            [*((RESOURCE, key, None) for key, _ in self.store.under(RESOURCE, prefix + "/")), (RESOURCE, prefix, None)]
        )

    def _check_last_system_pool(self, cluster: Body, pool: Body, mode: str | None) -> None:
        others = [p for p in self.context.children(cluster["id"], POOL_TYPE) if p["id"] != pool["id"]]
        if mode is None and not others:
            raise rules.refuse(400, "OperationNotAllowed", "There has to be at least one agent pool.")
        if (
            pool["properties"]["mode"] == "System"
            and mode != "System"
            and not any(p["properties"]["mode"] == "System" for p in others)
        ):
            raise rules.refuse(
                400, "OperationNotAllowed", "There must be at least one system node pool in the cluster."
            )

    def _refuse_busy(self, cluster: Body, pool: Body | None) -> None:
        state = cluster["properties"]["provisioningState"]
        if state not in {"Succeeded", "Failed", "Canceled"}:
            raise rules.refuse(
                409,
                "OperationNotAllowed",
                f"Operation is not allowed: Another operation ({state}) is in progress, please wait for it to finish before starting a new operation. See https://aka.ms/aks-pending-operation for more details.",
            )
        own = (pool or {}).get("properties", {}).get("provisioningState", "Succeeded")
        if own not in {"Succeeded", "Failed", "Canceled"}:
            raise rules.refuse(
                409,
                "OperationNotAllowed",
                f"Operation is not allowed: Another agentpool operation ({(pool or {})['name']} - {own}) is in progress, please wait for it to finish before starting a new operation. See https://aka.ms/aks-pending-operation for more details.",
            )

    def _precondition(self, call: Call, known: Body | None) -> None:
        wanted = call.headers.get("If-Match")
        if wanted and wanted != "*" and (known is None or known["properties"]["eTag"] != wanted.strip('"')):
            raise rules.refuse(
                412,
                "PreconditionFailed",
                f"The condition of the If-Match header was not satisfied: {wanted} is not the resource's etag.",
            )

    def _operation(self, name: str, call: Call, body: Body, cluster: Body, seconds: float) -> Body:
        return self.context.operations.document(
            name,
            resource=body["id"],
            provider=PROVIDER,
            location=cluster["location"],
            subscription=call.target.subscription,
            seconds=seconds,
        )


class Machines(ResourceType):
    """Microsoft.ContainerService/managedClusters/agentPools/machines: read only."""

    type = MACHINE_TYPE
    flat_errors = True


def _machine(pool: Body, name: str, address: str, index: int) -> Body:
    return {
        "id": f"{pool['id']}/machines/{name}",
        "name": name,
        "type": MACHINE_TYPE,
        "_subnet": pool["_subnet"],
        "properties": {
            "provisioningState": "Creating",
            "network": {"ipAddresses": [{"family": "IPv4", "ip": address}]},
            "resourceId": f"{pool['id']}/virtualMachines/{index}",
            "mode": pool["properties"]["mode"],
            "hardware": {"vmSize": pool["properties"]["vmSize"]},
            "kubernetes": {"orchestratorVersion": pool["properties"]["currentOrchestratorVersion"]},
        },
    }


def _number(pool: str) -> int:
    return int(hashlib.sha256(pool.lower().encode()).hexdigest()[:8], 16) % 90_000_000 + 10_000_000


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = digits[rest] + text
    return text.rjust(6, "0")
