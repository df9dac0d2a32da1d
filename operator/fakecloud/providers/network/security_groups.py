"""networkSecurityGroups and their rules: rules are children, and part of the group's body."""

from typing import ClassVar

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.shapes import TRACKED, Shape
from fakecloud.arm.types import Answer, Call, Fidelity, ResourceType
from fakecloud.providers.network.addressing import POOLS
from fakecloud.providers.network.base import ChildType, NetworkType, check_unique, etag, properties_of
from fakecloud.providers.network.security_rules import FIELDS, SHAPE, checked, conflict, default_rules, plural
from fakecloud.store import Body

RULE_TYPE = "Microsoft.Network/networkSecurityGroups/securityRules"
MAX_RULES = 1000
MAX_VALUES = 4000
"""Addresses that the rules of a group may name as sources, all together; as destinations, and ports, likewise."""


class SecurityGroups(NetworkType):
    """Microsoft.Network/networkSecurityGroups."""

    type = "Microsoft.Network/networkSecurityGroups"
    fidelity = Fidelity(
        exact=(
            "the six default rules (R); one document: what a PUT omits is gone",
            "at most 1000 rules, and 4000 sources, destinations and ports of each (D); same priority and direction: SecurityRuleConflict (I)",
            "in use by a subnet or by nodes it cannot go: 400 (I, second-hand)",
        ),
        simplified=(
            "the etag stays when the operation ends and when a subnet is tied to it",
            "the codes for too many rules and addresses are ours",
        ),
        missing=("flow logs, network interfaces",),
    )
    seconds = 4.0
    children = ("securityRules", "defaultSecurityRules")
    shape: ClassVar[Shape] = {**TRACKED, "properties": {"securityRules": [{"name": str, "properties": SHAPE}]}}

    def check(self, call: Call, known: Body | None) -> Body:
        """See NetworkType."""
        given = properties_of(call)
        rules = []
        for rule in given.get("securityRules") or []:
            name = str(rule.get("name") or "")
            rules.append(rule_body(call.target.id, name, checked(name, rule.get("properties") or {})))
        check_together(call.target.name, rules)
        kept: Body = {"securityRules": rules, "defaultSecurityRules": default_rules(call.target.id)}
        guarded = (known or {}).get("properties", {}).get("subnets")
        return {**kept, "subnets": guarded} if guarded else kept

    def in_use(self, body: Body) -> ArmError | None:
        """See NetworkType."""
        users = [subnet["id"] for subnet in body["properties"].get("subnets") or []]
        users += [
            pool["id"] for pool in self.store.resources(POOLS) if pool.get("_group", "").lower() == body["id"].lower()
        ]
        if users:
            return bad_request(
                "InUseNetworkSecurityGroupCannotBeDeleted",
                f"Network security group {body['id']} cannot be deleted because it is in use by the following resources: {', '.join(users)}.",
                details=[],
            )
        return None


class SecurityRules(ChildType):
    """Microsoft.Network/networkSecurityGroups/securityRules: kept inside their group's body."""

    type = RULE_TYPE
    fidelity = Fidelity(
        exact=(
            "protocols, priorities 100 to 4096, access and direction, prefixes, service tags and ports, singular or plural and never both (M, I)",
            "one write at a time on a group: the next is 429 RetryableError (I)",
        ),
        simplified=("any word spelled like a service tag is taken",),
        missing=("application security groups: 501",),
    )
    parent = SecurityGroups
    kept_in = "securityRules"
    seconds = 3.0
    shape: ClassVar[Shape] = {"properties": SHAPE}

    def checked(self, call: Call, parent: Body, known: Body | None) -> Body:
        """See ChildType."""
        name = (known or {}).get("name") or call.target.name
        return rule_body(parent["id"], name, checked(name, properties_of(call)))

    def settled(self, parent: Body, entries: list[Body]) -> Body:
        """See ChildType."""
        check_together(parent["name"], entries)
        return super().settled(parent, entries)


def check_together(group: str, rules: list[Body]) -> None:
    """Raises ArmError (400) for rules that one group cannot have."""
    check_unique("securityRules", (rule["name"] for rule in rules))
    conflict(rules)
    if len(rules) > MAX_RULES:
        raise bad_request(
            "SecurityRuleCountLimitReached", f"Network security group {group} can have at most {MAX_RULES} rules."
        )
    for field in FIELDS:
        values = sum(len(rule["properties"][plural(field)]) or 1 for rule in rules)
        if values > MAX_VALUES:
            raise bad_request(
                "SecurityRuleAddressCountLimitReached",
                f"The rules of network security group {group} can have at most {MAX_VALUES} {plural(field)} together.",
            )


def rule_body(group: str, name: str, properties: Body) -> Body:
    """A rule in GET shape."""
    return {
        "id": f"{group}/securityRules/{name}",
        "name": name,
        "type": RULE_TYPE,
        "etag": etag(),
        "properties": properties,
    }


class DefaultRules(ResourceType):
    """Microsoft.Network/networkSecurityGroups/defaultSecurityRules: read only."""

    type = "Microsoft.Network/networkSecurityGroups/defaultSecurityRules"
    fidelity = Fidelity(
        exact=("the six of every group (R)",),
    )

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
