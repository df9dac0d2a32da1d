"""How an exposure stands, out of how its documents stand. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aks_operator.conditions import Condition
from aks_operator.desired.exposure import Port, port_name
from aks_operator.desired.security import shadows
from aks_operator.documents.reconciler import entries_of
from aks_operator.documents.shares import Result
from aks_operator.keys import Key
from aks_operator.kinds.exposures.leaving import RULE_LISTS
from aks_operator.kinds.exposures.places import Places
from aks_operator.marks import Marks

MAX_RULES: Final = 1000
MAX_BALANCER_RULES: Final = 300
MOST_SHADOWS: Final = 16
MOST_ADDRESSES: Final = 8
"""Addresses that a status shows."""
ASKED_LISTS: Final = ("loadBalancingRules",)


@dataclass(frozen=True)
class Stand:
    """An exposure's documents as last seen."""

    key: Key
    marks: Marks
    places: Places
    results: Mapping[str, Result | None]
    """By id."""
    brought: Condition | None = None
    """How a public IP of somebody else's stands."""
    before: Mapping[str, Mapping[str, Condition]] = field(default_factory=dict)
    """By id and type, how documents stood that this process has not looked at yet: that it began is no news."""

    def shadowed_by(self) -> list[str]:
        """Foreign rules that deny what ours allow, as "<group>/<rule>"."""
        found = []
        for id_ in self.places.rules:
            result = self.results.get(id_)
            rules = ((result.body if result else None) or {}).get("properties", {}).get("securityRules") or ()
            foreign = [rule for rule in rules if not self.marks.is_ours(str(rule["name"]))]
            for rule in rules:
                if self.marks.serves(str(rule["name"]), self.key):
                    found += [f"{id_.rpartition('/')[2]}/{name}" for name in shadows(rule, foreign)]
        return list(dict.fromkeys(found))[:MOST_SHADOWS]

    def conditions(self, backend: Condition, ports: Sequence[Port], shadowed_by: Sequence[str]) -> list[Condition]:
        """A condition for each part that the type has, in the order in which they come about."""
        places = self.places
        parts = [backend]
        if self.brought is not None:
            parts.append(self.brought)
        if places.address is not None:
            parts.append(self._part("AddressReady", places.address, None))
        if places.balancer is not None:
            entries = [self.marks.entry(self.key, p.protocol, p.port) for p in ports]
            parts.append(self._part("LoadBalancerReady", places.balancer, entries, ASKED_LISTS))
        if places.guarded:
            parts.append(self._rules(shadowed_by))
        if places.record is not None:
            parts.append(self._part("DNSReady", places.record, None))
        return parts

    def _rules(self, shadowed_by: Sequence[str]) -> Condition:
        rules = [self._part("NetworkRulesReady", id_, [], RULE_LISTS) for id_ in self.places.rules]
        if not rules:
            return Condition("NetworkRulesReady", "False", "WaitingForCluster", "the cluster's NSG is not there yet")
        first = next((r for r in rules if r.status != "True"), rules[0])
        if first.status == "True" and shadowed_by:
            return Condition(first.type, "True", first.reason, f"denied all the same by {', '.join(shadowed_by)}")
        return first

    def _part(self, type_: str, id_: str, entries: list[str] | None, lists: tuple[str, ...] = ()) -> Condition:
        result = self.results.get(id_)
        known = self.before.get(id_, {}).get(type_) if result is None or not result.reason else None
        return known or part(type_, self.key, result, entries, self.marks, lists)

    def capacity(self) -> dict[str, str] | None:
        """How much of Azure's limits is used."""
        counted = [
            ("networkRules", next(iter(self.places.rules), None), "securityRules", MAX_RULES),
            ("loadBalancerRules", self.places.balancer, "loadBalancingRules", MAX_BALANCER_RULES),
        ]
        found = {}
        for name, id_, list_, most in counted:
            result = self.results.get(id_) if id_ else None
            if result is not None and result.body is not None:
                found[name] = f"{len(result.body['properties'].get(list_) or ())}/{most}"
        return found or None

    def lines(self, parts: Sequence[Condition]) -> list[dict[str, Any]]:
        """status.resources: what the exposure uses, and where its clean-up has to look."""
        return resource_lines(self.places, {part.type: part for part in parts})


def known_conditions(obj: Any) -> dict[str, Condition]:
    """The conditions in an object's status, by type, if that speaks of the present generation."""
    if obj.status is None or obj.status.observed_generation != obj.metadata.generation:
        return {}
    return {c.type: Condition(c.type, c.status, c.reason, c.message) for c in obj.status.conditions}


def resource_lines(places: Places, parts: Mapping[str, Condition]) -> list[dict[str, Any]]:
    """The lines of status.resources, each with the condition that tells of it."""
    lines = []
    for id_, type_, condition in places.lines():
        found = parts.get(condition) or Condition(condition, "False", "Creating")
        lines.append({"id": id_, "type": type_, "ready": found.status, "reason": found.reason})
    return lines


def part(
    type_: str, key: Key, result: Result | None, entries: list[str] | None, marks: Marks, lists: tuple[str, ...] = ()
) -> Condition:
    """One condition out of one document."""
    if result is None:
        return Condition(type_, "False", "Creating", "about to be created")
    if key in result.conflicts:
        return Condition(type_, "False", "Conflict", result.conflicts[key])
    if result.reason:
        return Condition(type_, "False", result.reason, result.message)
    if not result.settled:
        return Condition(type_, "False", "Updating", "a change is under way")
    if result.body is None:
        return Condition(type_, "False", "Creating", "about to be created")
    if entries is not None:
        there = entries_of(result, lists, key, marks)
        if not there or any(entry not in there for entry in entries):
            return Condition(type_, "False", "Updating", "our entries are not there yet")
    return Condition(type_, "True", "Succeeded")


def address_of(result: Result | None) -> str | None:
    """A public IP's address."""
    found = ((result.body if result else None) or {}).get("properties") or {}
    return str(found["ipAddress"]) if found.get("ipAddress") else None


def private_address_of(result: Result | None, frontend: str) -> str | None:
    """The address of an internal frontend."""
    for entry in ((result.body if result else None) or {}).get("properties", {}).get("frontendIPConfigurations") or ():
        if str(entry["name"]).lower() == frontend.lower():
            found = entry["properties"].get("privateIPAddress")
            return str(found) if found else None
    return None


def url_of(host: str | None, ports: Sequence[Port], *, by_node_port: bool) -> str | None:
    """A URL to try, None where nothing speaks TCP."""
    port = next((p for p in ports if p.protocol == "TCP"), None)
    if not host or port is None:
        return None
    number = port.node_port if by_node_port else port.port
    scheme, usual = ("https", 443) if port.port == 443 else ("http", 80)
    return f"{scheme}://{host}" + ("" if number == usual else f":{number}") + "/"


def port_lines(ports: Sequence[Port]) -> list[dict[str, Any]] | None:
    """status.ports."""
    lines = [{"name": port_name(p), "port": p.port, "nodePort": p.node_port} for p in ports]
    return lines or None


def balanced(key: Key, result: Result | None, marks: Marks) -> int | None:
    """How many nodes the balancer sends an exposure's traffic to, None before it was seen."""
    if result is None or result.body is None:
        return None
    pools = result.body["properties"].get("backendAddressPools") or ()
    ours = [pool["properties"] for pool in pools if marks.serves(str(pool["name"]), key)]
    return sum(len(pool.get("loadBalancerBackendAddresses") or ()) for pool in ours)


def backend_counts(total: int, healthy: int | None) -> dict[str, Any]:
    """status.backends."""
    if healthy is None:
        return {"summary": str(total), "total": total}
    return {"summary": f"{healthy}/{total}", "healthy": healthy, "total": total}
