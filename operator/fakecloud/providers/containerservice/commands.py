"""Commands in a cluster: begun by an action, their results read by their numbers."""

import base64
import binascii
from typing import Any, Final

from fakecloud.arm import shapes as json_shapes
from fakecloud.arm.errors import ArmError
from fakecloud.arm.types import RESOURCE, Answer, Call, Context, Fidelity, ResourceType
from fakecloud.clock import rfc3339
from fakecloud.compute import commands
from fakecloud.compute.port import Compute
from fakecloud.providers.containerservice import refusals, shapes
from fakecloud.store import Body

CLUSTERS: Final = "Microsoft.ContainerService/managedClusters"
TYPE: Final = f"{CLUSTERS}/commandResults"
SECONDS: Final = 5.0


class CommandResults(ResourceType):
    """Microsoft.ContainerService/managedClusters/commandResults."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "`runCommand` is 202 with the result's own Location, which is 202 with its state until it ran; its id has no hyphens (I, az waits for that and reads it so); exit code, times and what it said; files come as a zip archive",
        ),
        simplified=(
            "kubectl and helm alone, without a shell, where the server has them: else exit code 127; one minute; with compute none they meet a cluster that cannot be reached",
            "the code of a refusal because of `disableRunCommand` is ours",
        ),
    )
    flat_errors = True
    verbs = ("GET",)

    def __init__(self, context: Context, compute: Compute) -> None:
        super().__init__(context)
        self._compute = compute
        context.operations.register("runCommand", self._run, self._failed)

    def begin(self, call: Call, cluster: Body) -> Answer:
        """The answer to the action of a cluster; raises ArmError."""
        asked = json_shapes.read(shapes.RUN_COMMAND, call.body, refusals.malformed)
        profile = cluster["properties"].get("apiServerAccessProfile") or {}
        if profile.get("disableRunCommand"):
            raise refusals.refuse(400, "BadRequest", "Run command is disabled for this managed cluster.")
        refusals.check_power(cluster)
        if not asked.get("command"):
            raise refusals.invalid("command", "it is required.")
        _files(asked.get("context"))
        operation = self.context.operations.document(
            "runCommand",
            resource=cluster["id"],
            provider="Microsoft.ContainerService",
            location=cluster["location"],
            subscription=call.target.subscription,
            seconds=SECONDS,
        )
        name = operation["id"].replace("-", "")
        body: Body = {
            "id": f"{cluster['id']}/commandResults/{name}",
            "name": name,
            "type": TYPE,
            "properties": {"provisioningState": "Running", "startedAt": rfc3339(self.context.clock.now())},
            "_command": asked["command"],
            "_context": asked.get("context") or "",
        }
        operation["resource"] = body["id"]  # the cluster itself is not busy meanwhile
        self.context.begin(operation, (RESOURCE, body["id"], body))
        return Answer(202, None, headers=self._where(call, body))

    async def get(self, call: Call) -> Answer:
        """See ResourceType: 202 while it runs."""
        body = self.found(call)
        told = {"id": body["name"], "properties": body["properties"]}
        if self.context.operations.running_on(body["id"]) is not None:
            return Answer(202, told, headers=self._where(call, body))
        return Answer(200, told)

    def missing(self, target: Any) -> ArmError:
        """See ResourceType."""
        return refusals.refuse(404, "NotFound", f"Could not find the command '{target.name}' in the managed cluster.")

    def _where(self, call: Call, body: Body) -> dict[str, str]:
        retry = self.context.clock.lasts(SECONDS)
        return {
            "Location": f"{call.base}{body['id']}?api-version={call.api_version}",
            "Retry-After": str(int(retry) + 1 if retry > 0 else 0),
        }

    async def _run(self, operation: Body) -> None:
        body = self.context.resource(operation["resource"])
        if body is None:
            return
        cluster = body["id"].rpartition("/commandResults/")[0]
        config = await self._compute.kubeconfig(cluster, admin=True)
        try:
            outcome = await commands.run(body["_command"], config, _files(body["_context"]))
        except commands.BadFiles as error:
            outcome = commands.Outcome(1, f"{error}\n")
        self._end(body["id"], "Succeeded", exitCode=outcome.exit_code, logs=outcome.logs)

    async def _failed(self, operation: Body) -> None:
        reason = (operation.get("error") or {}).get("message", operation["status"])
        self._end(operation["resource"], operation["status"], reason=reason)

    def _end(self, id_: str, state: str, **told: Any) -> None:
        body = self.context.resource(id_)
        if body is not None:
            finished = {"provisioningState": state, "finishedAt": rfc3339(self.context.clock.now()), **told}
            self.store.put(RESOURCE, id_, {**body, "properties": {**body["properties"], **finished}})


def _files(context: str | None) -> bytes:
    try:
        return base64.b64decode(context or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise refusals.invalid("context", f"it is no base64: {error}.") from error
