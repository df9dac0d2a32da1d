"""The activity log, read with a filter."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from fakecloud.arm import odata
from fakecloud.arm.activity import Activity, time_of
from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.types import Answer, Call, Context, Fidelity, ResourceType
from fakecloud.store import Body

RETENTION: Final = 90 * 86400.0
"""Seconds that one can look back."""
FIELDS: Final = frozenset(
    {
        *("eventtimestamp", "resourcegroupname", "resourceuri", "resourceid", "resourceprovider", "resourcetype"),
        *("correlationid", "caller", "status", "levels", "operations", "eventchannels"),
    }
)


class ActivityLog(ResourceType):
    """Microsoft.Insights/eventtypes/management/values."""

    type = "Microsoft.Insights/eventtypes/values"
    fidelity = Fidelity(
        exact=(
            "each PUT, PATCH, DELETE and action, with its caller, action, scope, status and correlation id; what goes on is Accepted, and Succeeded, Failed or Canceled when it ended (D)",
            "`$filter` has to say from when on (`eventTimestamp ge`), at most 90 days back, and may name group, resource, provider, correlation, caller and status (D); `$select`; the newest first",
        ),
        simplified=(
            "one event a request, of category Administrative, at once: Azure has a Started one too, and takes minutes to show them",
            "the last 50 000 events are kept",
        ),
    )
    verbs = ("LIST",)

    def __init__(self, context: Context, activity: Activity) -> None:
        super().__init__(context)
        self._activity = activity

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        if [name.lower() for name in call.target.names] != ["management"]:
            raise ArmError(404, "ResourceNotFound", f"There are no events of type {'/'.join(call.target.names)}.")
        text = call.query.get("$filter") or ""
        try:
            found = self._found(call, text)
        except odata.Malformed as error:
            raise bad_request("BadRequest", f"The filter '{text}' is invalid: {error}.") from error
        chosen = {name.strip().lower() for name in call.query.get("$select", "").split(",") if name.strip()}
        return Answer(200, {"value": [_shown(event, chosen) for event in found]})

    def _found(self, call: Call, text: str) -> Sequence[Body]:
        """The events that a filter lets through; raises Malformed, ArmError."""
        if not text:
            raise odata.Malformed("it must tell a start time, such as eventTimestamp ge '2026-01-31T00:00:00Z'")
        wanted = odata.parse(text)
        if not wanted.fields <= FIELDS:
            raise odata.Malformed(f"{', '.join(sorted(wanted.fields - FIELDS))} is not known")
        now = self.context.clock.now()
        early, late = datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(now + RETENTION, UTC)
        if "eventtimestamp" not in wanted.fields or _lets_through(wanted, early):
            raise odata.Malformed("it must tell a start time, such as eventTimestamp ge '2026-01-31T00:00:00Z'")
        if _lets_through(wanted, datetime.fromtimestamp(now - RETENTION - 1, UTC)):
            raise bad_request("BadRequest", "The start time cannot be more than 90 days in the past.")
        events = self._activity.between(call.target.subscription, now - RETENTION, late.timestamp())
        return [event for event in events if wanted.holds(_fields(event))]


def _lets_through(wanted: odata.Filter, when: datetime) -> bool:
    """Whether events of that time may come through, whatever else they are."""
    return wanted.holds(lambda name: when if name == "eventtimestamp" else odata.ANY)


def _fields(event: Body) -> odata.Fields:
    fields: dict[str, Any] = {
        "eventtimestamp": time_of(event),
        "resourcegroupname": event["resourceGroupName"],
        "resourceuri": event["resourceId"],
        "resourceid": event["resourceId"],
        "resourceprovider": event["resourceProviderName"]["value"],
        "resourcetype": event["resourceType"]["value"],
        "correlationid": event["correlationId"],
        "caller": event["caller"],
        "status": event["status"]["value"],
        "levels": event["level"],
        "operations": event["operationName"]["value"],
        "eventchannels": odata.ANY,
    }
    return fields.get


def _shown(event: Body, chosen: set[str]) -> Body:
    id_ = f"{event['resourceId']}/events/{event['eventDataId']}/ticks/{_ticks(event)}"
    return {key: value for key, value in {**event, "id": id_}.items() if not chosen or key.lower() in chosen}


def _ticks(event: Body) -> int:
    """The time in tenths of a microsecond since the year 1."""
    return int((time_of(event) - datetime(1, 1, 1, tzinfo=UTC)).total_seconds() * 10_000_000)
