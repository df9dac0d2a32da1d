"""The activity log: who asked ARM to change what, and how that ended."""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from fakecloud.arm.ids import Target, parse
from fakecloud.clock import Clock, rfc3339
from fakecloud.store import Body, Store

_VERBS: Final = {"PUT": "write", "PATCH": "write", "DELETE": "delete"}
_GROUPS: Final = "Microsoft.Resources/subscriptions/resourceGroups"
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Told:
    """A request and its answer, as the log takes them."""

    method: str
    path: str
    status: int
    text: str
    """The answer's body."""
    caller: str
    operation: str | None
    """The id of the operation that goes on."""
    request_id: str
    correlation_id: str
    client_request_id: str | None
    address: str
    """Where it came from."""


class Activity:
    """One event a change that was asked for, and one when its operation ended."""

    def __init__(self, store: Store, clock: Clock, tenant: str) -> None:
        self._store = store
        self._clock = clock
        self._tenant = tenant

    def note(self, told: Told) -> None:
        """A request was answered. What changes nothing is not in the log."""
        target = parse(told.path) if told.method in {*_VERBS, "POST"} else None
        if target is None or (told.method == "POST" and not target.collection):
            return
        now = self._clock.now()
        failed = told.status >= 400
        state = "Failed" if failed else "Accepted" if told.operation else "Succeeded"
        event = {
            **self._identified(target, told),
            **_when(now, state),
            "subStatus": _sub_status(told.status),
            "properties": {
                "statusCode": _code(told.status),
                "serviceRequestId": told.request_id,
                "eventCategory": "Administrative",
                **({"statusMessage": told.text} if failed else {}),
            },
        }
        self._store.note(now, None if failed else told.operation, event)

    def ended(self, operation: Body) -> None:
        """An operation ended: the event that began it has a second one."""
        begun = self._store.event_of(operation["id"])
        if begun is None:
            return
        now, error = self._clock.now(), operation.get("error")
        status = {"Succeeded": 200, "Failed": 409, "Canceled": 200}[operation["status"]]
        message = {"statusMessage": f"{error['code']}: {error['message']}"} if error else {}
        event = {
            **begun,
            **_when(now, operation["status"]),
            "subStatus": _sub_status(status),
            "properties": {**begun["properties"], "statusCode": _code(status), **message},
        }
        self._store.note(now, None, event)

    def between(self, subscription: str, since: float, until: float) -> Iterator[Body]:
        """The events of a subscription in a time, the newest first."""
        wanted = subscription.lower()
        return (body for body in self._store.events(since, until) if body["subscriptionId"].lower() == wanted)

    def clear(self) -> None:
        """Nothing ever happened."""
        self._store.forget_events()

    def _identified(self, target: Target, told: Told) -> Mapping[str, Any]:
        """What of an event tells who did what to what; the same for all events of one request."""
        type_, verb = target.type or _GROUPS, _VERBS.get(told.method, "action")
        if told.method == "POST":
            type_, _, action = type_.rpartition("/")
            verb = f"{action}/action"
        action = f"{type_}/{verb}"
        provider = type_.partition("/")[0]
        return {
            "authorization": {"action": action, "scope": target.id},
            "caller": told.caller,
            "channels": "Operation",
            "claims": {"appid": told.caller, "tid": self._tenant, "idtyp": "app"},
            "category": _said("Administrative"),
            "correlationId": told.correlation_id,
            "description": "",
            "httpRequest": {
                "clientRequestId": told.client_request_id or told.request_id,
                "clientIpAddress": told.address,
                "method": told.method,
            },
            "operationId": told.correlation_id,
            "operationName": _said(action),
            "relatedEvents": [],
            "resourceGroupName": target.group or "",
            "resourceId": target.id,
            "resourceProviderName": _said(provider),
            "resourceType": _said(type_),
            "subscriptionId": target.subscription,
            "tenantId": self._tenant,
        }


def _when(now: float, state: str) -> Mapping[str, Any]:
    """What is an event's own: its time, its number and its state."""
    return {
        "eventDataId": str(uuid.uuid4()),
        "eventName": {"value": "EndRequest", "localizedValue": "End request"},
        "eventTimestamp": rfc3339(now),
        "level": "Error" if state == "Failed" else "Informational",
        "status": _said(state),
        "submissionTimestamp": rfc3339(now),
    }


def _said(word: str) -> Mapping[str, str]:
    return {"value": word, "localizedValue": word}


def _code(status: int) -> str:
    try:
        return re.sub(r"[^A-Za-z]", "", HTTPStatus(status).phrase)
    except ValueError:
        return str(status)


def _sub_status(status: int) -> Mapping[str, str]:
    words = _WORDS.sub(" ", _code(status))
    return {"value": _code(status), "localizedValue": f"{words} (HTTP Status Code: {status})"}


def time_of(event: Body) -> datetime:
    """When an event was."""
    return datetime.fromisoformat(event["eventTimestamp"]).astimezone(UTC)
