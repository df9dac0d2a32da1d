"""Diagnostic settings: where the logs and metrics of a resource go."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from fakecloud.arm.errors import ArmError, bad_request, not_found, not_implemented
from fakecloud.arm.extensions import Extension
from fakecloud.arm.ids import parse
from fakecloud.arm.shapes import Object, Shape
from fakecloud.arm.types import Answer, Call, Fidelity
from fakecloud.store import Body

TYPE: Final = "Microsoft.Insights/diagnosticSettings"
WORKSPACES: Final = "microsoft.operationalinsights/workspaces"
MOST: Final = 5
"""Settings of one resource."""
_AUDITS: Final = frozenset({"kube-audit", "kube-audit-admin", "Audit", "guard"})
"""Categories that are in the group `audit`."""
LOGS: Final[Mapping[str, tuple[str, ...]]] = {
    "microsoft.containerservice/managedclusters": (
        *("kube-apiserver", "kube-audit", "kube-audit-admin", "kube-controller-manager", "kube-scheduler"),
        *("cluster-autoscaler", "cloud-controller-manager", "guard"),
        *("csi-azuredisk-controller", "csi-azurefile-controller", "csi-snapshot-controller"),
    ),
    "microsoft.network/loadbalancers": ("LoadBalancerHealthEvent",),
    "microsoft.network/networksecuritygroups": ("NetworkSecurityGroupEvent", "NetworkSecurityGroupRuleCounter"),
    "microsoft.network/publicipaddresses": (
        *("DDoSProtectionNotifications", "DDoSMitigationFlowLogs", "DDoSMitigationReports"),
    ),
    "microsoft.network/virtualnetworks": ("VMProtectionAlerts",),
    "microsoft.network/dnszones": (),
    WORKSPACES: ("Audit", "SummaryLogs"),
}
"""The log categories of each type that has such settings, by its name in lower case."""
NO_METRICS: Final = frozenset({"microsoft.network/networksecuritygroups"})
METRICS: Final = "AllMetrics"
GROUPS: Final = ("allLogs", "audit")
_RETENTION: Final[Shape] = {"enabled": bool, "days": int}
_ENTRY: Final[Object] = {"category": str, "enabled": bool, "retentionPolicy": _RETENTION}
_UNBUILT: Final = ("storageAccountId", "eventHubAuthorizationRuleId", "serviceBusRuleId", "marketplacePartnerId")


class DiagnosticSettings(Extension):
    """Microsoft.Insights/diagnosticSettings."""

    type = TYPE
    fidelity = Fidelity(
        exact=(
            "PUT 200 at once, whether new or not (R); DELETE 200, or 204 for none",
            "the workspace must exist; log categories are those of the resource's type, category groups allLogs and audit, AllMetrics (D)",
            "one workspace takes a category of a resource once (409), no retention (400), five settings a resource (I, D)",
            "settings outlive their resource, and are there again when it is (D)",
        ),
        simplified=(
            "nothing is sent to a workspace",
            "the code for a sixth setting and that for a workspace that is missing are ours; refusals have the gateway's shape",
        ),
        missing=("storage accounts, event hubs and partners as destinations: 501", "settings of a subscription"),
    )
    outlives = True
    verbs = ("GET", "LIST", "PUT", "DELETE")
    shape: ClassVar[Shape] = {
        "properties": {
            **dict.fromkeys((*_UNBUILT, "workspaceId", "eventHubName", "logAnalyticsDestinationType"), str),
            "logs": [{**_ENTRY, "categoryGroup": str}],
            "metrics": [{**_ENTRY, "timeGrain": str}],
        }
    }

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        categories(call)
        return await super().list(call)

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        await self.check_scope(call)
        known = categories(call)
        given = call.body.get("properties") or {}
        for field in _UNBUILT:
            if given.get(field):
                raise not_implemented(TYPE, field)
        if not given.get("workspaceId"):
            raise bad_request("BadRequest", "At least one data sink needs to be specified.")
        workspace = self.context.resource(given["workspaceId"])
        if workspace is None or str(workspace["type"]).lower() != WORKSPACES:
            raise not_found(given["workspaceId"])
        logs, metrics = given.get("logs") or [], given.get("metrics") or []
        _check_entries(known, logs, metrics)
        others = [other for other in self.on(call.target.scope) if other["name"].lower() != call.target.name.lower()]
        if len(others) >= MOST:
            raise bad_request(
                "BadRequest",
                f"The limit of {MOST} diagnostic settings was reached. To create new diagnostic setting, please delete an existing one.",
            )
        _check_sink(workspace["id"], [*logs, *metrics], others)
        properties = {
            **dict.fromkeys((*_UNBUILT, "eventHubName", "logAnalyticsDestinationType")),
            **given,
            "logs": [_entry(entry, categoryGroup=None) for entry in logs],
            "metrics": [_entry(entry, timeGrain=None) for entry in metrics],
        }
        return Answer(200, self.shown(self.written(call, properties)[0]))

    def shown(self, body: Body) -> Body:
        """See ResourceType: with the names that have no value."""
        return {**super().shown(body), **dict.fromkeys(("location", "kind", "tags", "identity"))}


class DiagnosticCategories(Extension):
    """Microsoft.Insights/diagnosticSettingsCategories: what the settings of a resource may name."""

    type = "Microsoft.Insights/diagnosticSettingsCategories"
    fidelity = Fidelity(exact=("categories of logs with their groups, and AllMetrics (D)",))
    verbs = ("GET", "LIST")

    async def get(self, call: Call) -> Answer:
        """See ResourceType."""
        await self.check_scope(call)
        found = [entry for entry in self._all(call) if entry["name"].lower() == call.target.name.lower()]
        if not found:
            raise self.missing(call.target)
        return Answer(200, found[0])

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        await self.check_scope(call)
        return Answer(200, {"value": self._all(call)})

    def _all(self, call: Call) -> Sequence[Body]:
        logs, metrics = categories(call)
        found = [self._category(call, name, "Logs", _groups(name)) for name in logs]
        return found + [self._category(call, name, "Metrics", ()) for name in metrics]

    def _category(self, call: Call, name: str, kind: str, groups: Sequence[str]) -> Body:
        return {
            "id": f"{call.target.scope}/providers/{self.type}/{name}",
            "type": self.type,
            "name": name,
            "properties": {"categoryType": kind, "categoryGroups": [*groups]},
        }


def categories(call: Call) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The categories of logs, and of metrics, of what settings are on; raises ArmError (400) for what has none."""
    extended = None if call.target.on is None else parse(call.target.on)
    type_ = extended.type if extended is not None else "Microsoft.Resources/resourceGroups"
    if type_.lower() not in LOGS:
        raise bad_request(
            "ResourceTypeNotSupported", f"The resource type '{type_.lower()}' does not support diagnostic settings."
        )
    return LOGS[type_.lower()], () if type_.lower() in NO_METRICS else (METRICS,)


def _groups(category: str) -> Sequence[str]:
    return GROUPS if category in _AUDITS else GROUPS[:1]


def _check_entries(
    known: tuple[tuple[str, ...], tuple[str, ...]], logs: Iterable[Body], metrics: Iterable[Body]
) -> None:
    """Raises ArmError (400) for categories that the resource does not have, and for a wish to keep what they bring."""
    taken = {name.lower() for name in known[0]}
    for entry in logs:
        category, group = entry.get("category"), entry.get("categoryGroup")
        if (category is None) == (group is None):
            raise bad_request("BadRequest", "Each log takes either a category or a categoryGroup.")
        if category is not None and category.lower() not in taken:
            raise bad_request("BadRequest", f"Category '{category}' is not supported.")
        if group is not None and (not taken or group.lower() not in {name.lower() for name in GROUPS}):
            raise bad_request("BadRequest", f"Category group '{group}' is not supported.")
    for entry in metrics:
        if str(entry.get("category")).lower() not in {name.lower() for name in known[1]}:
            raise bad_request("BadRequest", f"Metric category '{entry.get('category')}' is not supported.")
    for entry in (*logs, *metrics):
        if (entry.get("retentionPolicy") or {}).get("enabled"):
            raise bad_request(
                "BadRequest", "Diagnostic settings does not support retention for new diagnostic settings."
            )


def _check_sink(workspace: str, entries: Iterable[Body], others: Iterable[Body]) -> None:
    """Raises ArmError (409) when another setting sends a category to the same workspace."""
    wanted = {_name(entry) for entry in entries if entry.get("enabled")}
    for other in others:
        properties = other["properties"]
        if properties["workspaceId"].lower() != workspace.lower():
            continue
        sent = {_name(entry) for entry in (*properties["logs"], *properties["metrics"]) if entry["enabled"]}
        twice = sorted(wanted & sent)
        if twice:
            raise ArmError(
                409,
                "Conflict",
                f"Data sink '{workspace}' is already used in diagnostic setting '{other['name']}' for category '{twice[0]}'. Data sinks can't be reused in different settings on the same category for the same resource.",
            )


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("category") or entry.get("categoryGroup"))


def _entry(given: Mapping[str, Any], **absent: None) -> Body:
    return {
        "category": None,
        **absent,
        "enabled": False,
        **given,
        "retentionPolicy": {"enabled": False, "days": 0, **(given.get("retentionPolicy") or {})},
    }
