"""networkSecurityGroups and their rules: rules are children, and part of the group's body."""

from typing import ClassVar

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.shapes import TRACKED, Shape
from fakecloud.arm.types import RESOURCE, Answer, Call, ResourceType
from fakecloud.providers.network.base import NetworkType, check_etag, check_unique, etag, properties_of
from fakecloud.providers.network.security_rules import SHAPE, checked, conflict, default_rules
from fakecloud.store import Body

RULE_TYPE = "Microsoft.Network/networkSecurityGroups/securityRules"
MAX_RULES = 1000


class SecurityGroups(NetworkType):
    """Microsoft.Network/networkSecurityGroups."""

    type = "Microsoft.Network/networkSecurityGroups"
    seconds = 4.0
    shape: ClassVar[Shape] = {**TRACKED, "properties": {"securityRules": [{"name": str, "properties": SHAPE}]}}

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        rules = []
        for rule in given.get("securityRules") or []:
            name = str(rule.get("name") or "")
            rules.append(rule_body(call.target.id, name, checked(name, rule.get("properties") or {})))
        check_unique("securityRules", (rule["name"] for rule in rules))
        conflict(rules)
        if len(rules) > MAX_RULES:
            raise bad_request(
                "SecurityRuleCountLimitReached",
                f"Network security group {call.target.name} can have at most {MAX_RULES} rules.",
            )
        kept: Body = {"securityRules": rules, "defaultSecurityRules": default_rules(call.target.id)}
        guarded = (known or {}).get("properties", {}).get("subnets")
        return {**kept, "subnets": guarded} if guarded else kept

    def in_use(self, body: Body) -> ArmError | None:
        """See NetworkType."""
        users = [subnet["id"] for subnet in body["properties"].get("subnets") or []]
        if users:
            return bad_request(
                "InUseNetworkSecurityGroupCannotBeDeleted",
                f"Network security group {body['id']} cannot be deleted because it is in use by the following resources: {', '.join(users)}.",
                details=[],
            )
        return None


class SecurityRules(NetworkType):
    """Microsoft.Network/networkSecurityGroups/securityRules: kept inside their group's body."""

    type = RULE_TYPE
    seconds = 3.0
    shape: ClassVar[Shape] = {"properties": SHAPE}

    def _group(self, call: Call) -> Body:
        group = self.context.resource(call.target.parent or call.target.id)
        if group is None:
            raise ArmError(
                404,
                "ResourceNotFound",
                f"The Resource '{(call.target.parent or '').partition('/providers/')[2]}' under resource group '{call.target.group}' was not found.",
            )
        return group

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        rule = _find(self._group(call), call.target.name)
        if rule is None:
            raise ArmError(404, "NotFound", f"Resource {call.target.id} not found.")
        return Answer(200, rule)

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        group = self.context.resource(call.target.id)
        if group is None:
            raise self.missing(call.target)
        return Answer(200, {"value": group["properties"]["securityRules"]})

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        group = self._group(call)
        known = _find(group, call.target.name)
        check_etag(call, known)
        rule = rule_body(
            group["id"], (known or {}).get("name") or call.target.name, checked(call.target.name, properties_of(call))
        )
        others = [r for r in group["properties"]["securityRules"] if r["name"].lower() != rule["name"].lower()]
        conflict([*others, rule])
        if len(others) >= MAX_RULES:
            raise bad_request(
                "SecurityRuleCountLimitReached",
                f"Network security group {group['name']} can have at most {MAX_RULES} rules.",
            )
        changed = {**group, "etag": etag(), "properties": {**group["properties"], "securityRules": [*others, rule]}}
        operation = self._operation(self.create_name, call, rule)
        self.context.begin(operation, (RESOURCE, group["id"], changed))
        return Answer(200 if known else 201, rule, operation=operation)

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        group = self.context.resource(call.target.parent or "")
        known = _find(group, call.target.name) if group else None
        if group is None or known is None:
            return Answer(204)
        check_etag(call, known)
        left = [r for r in group["properties"]["securityRules"] if r is not known]
        changed = {**group, "etag": etag(), "properties": {**group["properties"], "securityRules": left}}
        operation = self._operation(self.delete_name, call, known)
        self.context.begin(operation, (RESOURCE, group["id"], changed))
        return Answer(202, None, operation=operation, location=True)

    async def _made(self, operation: Body) -> None:
        """The rule was written with its group at once."""

    async def _removed(self, operation: Body) -> None:
        """Likewise."""


def rule_body(group: str, name: str, properties: Body) -> Body:
    """A rule in GET shape."""
    return {
        "id": f"{group}/securityRules/{name}",
        "name": name,
        "type": RULE_TYPE,
        "etag": etag(),
        "properties": properties,
    }


def _find(group: Body | None, name: str) -> Body | None:
    rules = (group or {}).get("properties", {}).get("securityRules") or []
    return next((rule for rule in rules if rule["name"].lower() == name.lower()), None)


class DefaultRules(ResourceType):
    """Microsoft.Network/networkSecurityGroups/defaultSecurityRules: read only."""

    type = "Microsoft.Network/networkSecurityGroups/defaultSecurityRules"

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        return Answer(200, {"value": default_rules(self.found(call)["id"])})

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        rules = default_rules(call.target.parent or "")
        rule = next((r for r in rules if r["name"].lower() == call.target.name.lower()), None)
        if rule is None:
            raise ArmError(404, "NotFound", f"Resource {call.target.id} not found.")
        return Answer(200, rule)
