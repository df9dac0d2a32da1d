"""deployments: templates, which `az network lb create` is one of, made resource by resource."""

import hashlib
import json
import uuid
from collections import defaultdict
from typing import Any, ClassVar, Final

from fakecloud.arm.errors import ArmError, bad_request, not_found, not_implemented
from fakecloud.arm.extensions import Extension
from fakecloud.arm.ids import parse
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import EXTENSION, Answer, Call, Context, Fidelity
from fakecloud.clock import rfc3339
from fakecloud.providers.resources.templates import TYPE, Resource, Scope, Template
from fakecloud.store import Body

PROVIDER: Final = "Microsoft.Resources"
NAME_LENGTH: Final = 64
"""Characters of a deployment's name."""


class Deployments(Extension):
    """Microsoft.Resources/deployments."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "201 or 200 with Azure-AsyncOperation (operationStatuses); Accepted, Running, then Succeeded with outputs or Failed: DeploymentFailed, with the refusal of the resource in its details (D, M with az)",
            "parameters with types, defaults and allowed values; variables; dependsOn; what is refused is 400 InvalidTemplate; POST validate (D)",
            "a deployment is none of its group's resources, and goes with the group; removing it leaves what it made",
        ),
        simplified=(
            "resources are made one after the other, in the order of dependsOn alone; validate asks no resource provider",
            "functions: concat, format, parameters, reference, resourceGroup, resourceId, subscription, toLower, toUpper, variables; others are 501",
        ),
        missing=(
            "mode Complete, links to templates, copy, condition, nested resources, other scopes than a resource group: 501",
            "cancel, whatIf, exportTemplate, the list of a deployment's operations: 501",
        ),
    )
    verbs = ("GET", "LIST", "PUT", "DELETE")
    shape: ClassVar[Shape] = {
        "location": str,
        "tags": {...: str},
        "properties": {
            "mode": str,
            "template": {...: None},
            "parameters": {...: {...: None}},
            "templateLink": {...: None},
        },
    }

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.actions = {"validate": self._validate}
        context.operations.register("deploy", self._deploy, self._failed)

    def missing(self, target: Any) -> ArmError:
        """See ResourceType."""
        return ArmError(404, "DeploymentNotFound", f"Deployment '{target.name}' could not be found.")

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        known = self.store.get(EXTENSION, call.target.id)
        if self.context.operations.running_on(call.target.id) is not None:
            raise ArmError(
                409,
                "DeploymentActive",
                f"Unable to edit or replace deployment '{call.target.name}': previous deployment is still active. Please see https://aka.ms/arm-deploy for usage details.",
            )
        scope, template = self._read(call)
        body = self._body(call, template, "Accepted")
        given = call.body["properties"]
        operation = self.context.operations.document(
            "deploy",
            resource=body["id"],
            provider=PROVIDER,
            location=scope.group["location"],
            subscription=scope.subscription,
            seconds=0.0,  # as long as what it makes
            template=given["template"],
            parameters=given.get("parameters") or {},
            base=call.base,
            principal=call.principal,
        )
        self.context.begin(operation, (EXTENSION, body["id"], body))
        return Answer(200 if known else 201, self.shown(body), operation=operation)

    async def _validate(self, call: Call) -> Answer:
        _, template = self._read(call)
        return Answer(200, self.shown(self._body(call, template, "Succeeded")))

    def _read(self, call: Call) -> tuple[Scope, Template]:
        """Where to, and what; raises ArmError."""
        if call.target.group is None or call.target.on is not None:
            raise not_implemented(TYPE, "deployments to other scopes than a resource group")
        if len(call.target.name) > NAME_LENGTH:
            raise bad_request(
                "InvalidDeploymentName",
                f"The length of the deployment name '{call.target.name}' exceeds the limit of {NAME_LENGTH} characters.",
            )
        given = call.body.get("properties") or {}
        if str(given.get("mode")).lower() != "incremental":
            raise not_implemented(TYPE, f"mode {given.get('mode')}")
        if "templateLink" in given:
            raise not_implemented(TYPE, "templateLink")
        if "template" not in given:
            raise bad_request("InvalidDeployment", "The deployment has no template.")
        scope = self._scope(call.target.subscription, call.target.group)
        return scope, Template(given["template"], given.get("parameters") or {}, scope)

    def _scope(self, subscription: str, group: str) -> Scope:
        return Scope(subscription, self.context.group(subscription, group) or {})

    def _body(self, call: Call, template: Template, state: str) -> Body:
        given = call.body["properties"]
        types: dict[str, dict[str, str]] = defaultdict(dict)
        for resource in template.resources:
            target = parse(resource.id)
            provider, _, type_ = (target.type if target else "").partition("/")
            types[provider][type_] = str(resource.body.get("location", ""))
        return {
            "id": call.target.id,
            "name": call.target.name,
            "type": TYPE,
            **({"tags": call.body["tags"]} if "tags" in call.body else {}),
            "properties": {
                "templateHash": str(int(hashlib.sha256(json.dumps(given["template"]).encode()).hexdigest()[:16], 16)),
                "parameters": template.parameters(),
                "mode": "Incremental",
                "provisioningState": state,
                "timestamp": rfc3339(self.context.clock.now()),
                "duration": "PT0S",
                "correlationId": call.headers.get("x-ms-correlation-request-id") or str(uuid.uuid4()),
                "providers": [
                    {
                        "namespace": provider,
                        "resourceTypes": [{"resourceType": type_, "locations": [at]} for type_, at in found.items()],
                    }
                    for provider, found in types.items()
                ],
                "dependencies": [],
            },
        }

    async def _deploy(self, operation: Body) -> None:
        """Make one resource after the other. After a restart from the beginning: those that are there stay as they are."""
        data, target = operation["data"], parse(operation["resource"])
        if target is None or target.group is None:
            return
        self._write(operation["resource"], {"provisioningState": "Running"})
        try:
            template = Template(data["template"], data["parameters"], self._scope(target.subscription, target.group))
            for resource in template.resources:
                await self._make(resource, template.body(resource, self._reference), data)
            outputs = template.outputs(self._reference)
        except ArmError as error:
            raise ArmError(
                409,
                "DeploymentFailed",
                "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.",
                details=[error.inner()],
            ) from error
        made = [{"id": resource.id} for resource in template.resources]
        self._write(
            operation["resource"], {"provisioningState": "Succeeded", "outputs": outputs, "outputResources": made}
        )

    async def _make(self, resource: Resource, body: Body, data: Body) -> None:
        """PUT a resource and wait until its operation is over; raises ArmError."""
        target, operations = parse(resource.id), self.context.operations
        if target is None:
            raise not_found(resource.id)
        while (before := operations.running_within(resource.id)) is not None:
            await operations.end_of(before["id"])
        call = Call(target, resource.api_version, body, {}, {}, data["base"], data["principal"])
        answer = await self.context.send("PUT", call)
        if answer.operation is None:
            return
        ended = await operations.end_of(answer.operation["id"])
        if ended["status"] != "Succeeded":
            error = ended.get("error") or {"code": ended["status"], "message": f"The operation was {ended['status']}."}
            raise ArmError(409, error["code"], error["message"], details=error.get("details"))

    def _reference(self, id_: str) -> Body:
        found, target = self.context.resource(id_), parse(id_)
        handler = None if target is None else self.context.types.get(target.type.lower())
        if found is None or handler is None:
            raise not_found(id_)
        return handler.shown(found)

    def _write(self, id_: str, changes: Body) -> None:
        """A deployment, when it is still there, has other properties."""
        body = self.store.get(EXTENSION, id_)
        if body is not None:
            self.store.put(EXTENSION, id_, {**body, "properties": {**body["properties"], **changes}})

    async def _failed(self, operation: Body) -> None:
        self._write(operation["resource"], {"provisioningState": operation["status"], "error": operation.get("error")})
