"""The activity log: who changed what, and how it ended."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.bodies import ADDRESSES, CLUSTERS, LOCATION, address, cluster, lock
from tests.contract.cloud import Arm, Cloud, Group, Reply, until
from tests.contract.conftest import new_group

VALUES = "/providers/microsoft.insights/eventtypes/management/values"


def since(minutes: float = 60) -> str:
    """A filter for the last minutes."""
    return f"eventTimestamp ge '{(datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()}'"


def ask(arm: Arm, text: str, **query: str) -> Reply:
    """The log behind a filter."""
    more = "".join(f"&${name}={value}" for name, value in query.items())
    return arm.get(f"{VALUES}?$filter={quote(text)}{more}")


def events(arm: Arm, scope: Group | str) -> list[dict[str, Any]]:
    """What happened in a group or to a resource, the oldest first."""
    named = f"resourceGroupName eq '{scope.name}'" if isinstance(scope, Group) else f"resourceUri eq '{scope}'"
    reply = ask(arm, f"{since()} and {named}")
    assert reply.status == 200, reply
    return list(reversed(reply.body["value"]))


def told(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Action and state of each."""
    return [(event["operationName"]["value"], event["status"]["value"]) for event in found]


def test_writes_deletions_and_actions_are_told_and_reads_are_not(group: Group, arm: Arm) -> None:
    path = arm.make(group.path(CLUSTERS, "c"), cluster())["id"]
    arm.post(f"{path}/listClusterUserCredential")
    arm.remove(path)
    assert told(events(arm, path)) == [
        (f"{CLUSTERS}/write", "Accepted"),
        (f"{CLUSTERS}/write", "Succeeded"),
        (f"{CLUSTERS}/listClusterUserCredential/action", "Succeeded"),
        (f"{CLUSTERS}/delete", "Accepted"),
        (f"{CLUSTERS}/delete", "Succeeded"),
    ]
    assert told(events(arm, group))[0] == ("Microsoft.Resources/subscriptions/resourceGroups/write", "Succeeded")


def test_what_goes_on_is_accepted_and_its_end_has_the_same_correlation(group: Group, arm: Arm) -> None:
    path = group.path(ADDRESSES, "ip")
    correlation = "11111111-2222-3333-4444-555555555555"
    reply = arm.put(path, address(), x_ms_correlation_request_id=correlation)
    arm.ended(reply)
    found = events(arm, path)
    assert [event["status"]["value"] for event in found] == ["Accepted", "Succeeded"]
    assert {event["correlationId"] for event in found} == {correlation}
    assert found[0]["subStatus"] == {"value": "Created", "localizedValue": "Created (HTTP Status Code: 201)"}
    assert len({event["eventDataId"] for event in found}) == 2
    by_correlation = ask(arm, f"{since()} and correlationId eq '{correlation}'").body["value"]
    assert [event["eventDataId"] for event in by_correlation] == [event["eventDataId"] for event in reversed(found)]


def test_a_refusal_is_an_error_with_its_message(group: Group, arm: Arm) -> None:
    path = arm.make(group.path(ADDRESSES, "ip"), address())["id"]
    arm.put(f"{path}/providers/Microsoft.Authorization/locks/l", lock())
    arm.delete(path)
    [*_, event] = events(arm, path)
    assert (event["status"]["value"], event["level"]) == ("Failed", "Error")
    assert event["subStatus"]["value"] == "Conflict"
    assert "ScopeLocked" in event["properties"]["statusMessage"]


def test_an_event_tells_who_what_and_where(group: Group, arm: Arm) -> None:
    arm.put(group.path(ADDRESSES, "ip"), address())
    event = events(arm, group.path(ADDRESSES, "ip"))[0]
    assert event["caller"] == arm.cloud.client
    assert event["authorization"] == {"action": f"{ADDRESSES}/write", "scope": group.path(ADDRESSES, "ip")}
    assert event["resourceProviderName"]["value"] == "Microsoft.Network"
    assert event["resourceType"]["value"] == ADDRESSES
    assert event["subscriptionId"] == arm.cloud.subscription
    assert event["httpRequest"]["method"] == "PUT"
    assert event["id"].startswith(f"{event['resourceId']}/events/{event['eventDataId']}/ticks/")


def test_a_failed_operation_is_told_at_its_end(arm: Arm) -> None:
    """A lock, the only thing that makes a group's deletion fail here without a lever."""
    group = new_group(arm)
    nodes = arm.make(group.path(CLUSTERS, "c"), cluster())["properties"]["nodeResourceGroup"]
    arm.put(f"/resourceGroups/{nodes}/providers/Microsoft.Authorization/locks/l", lock())
    location = arm.delete(group.id).headers["Location"]
    until("it ended", lambda: True if arm.get(location).status != 202 else None)
    [*_, last] = events(arm, group)
    assert told([last]) == [("Microsoft.Resources/subscriptions/resourceGroups/delete", "Failed")]
    assert "ResourceGroupDeletionBlocked" in last["properties"]["statusMessage"]


def test_filters_by_time_caller_status_and_provider(group: Group, arm: Arm) -> None:
    arm.make(group.path(ADDRESSES, "ip"), address())
    here = f"resourceGroupName eq '{group.name}'"
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for text, count in [
        (f"{since()} and {here}", 3),
        (f"{since()} and {here} and status eq 'Accepted'", 1),
        (f"{since()} and {here} and resourceProvider eq 'microsoft.network'", 2),
        (f"{since()} and {here} and caller eq 'somebody'", 0),
        (f"{since()} and eventTimestamp le '{later}' and {here} and eventChannels eq 'Admin, Operation'", 3),
        (f"eventTimestamp ge '{later}' and {here}", 0),
    ]:
        assert len(ask(arm, text).body["value"]) == count, text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "resourceGroupName eq 'x'",
        "eventTimestamp le '2026-01-01T00:00:00Z'",
        "eventTimestamp ge 'soon'",
        "eventTimestamp ge '2001-01-01T00:00:00Z'",
        "SINCE and colour eq 'red'",
        "SINCE and",
    ],
)
def test_a_filter_without_a_start_within_ninety_days_is_refused(arm: Arm, text: str) -> None:
    reply = ask(arm, text.replace("SINCE", since())) if text else arm.get(VALUES)
    assert (reply.status, reply.code) == (400, "BadRequest")


def test_select_leaves_the_fields_that_it_names(group: Group, arm: Arm) -> None:
    [event] = ask(arm, f"{since()} and resourceGroupName eq '{group.name}'", select="caller,EventTimestamp").body[
        "value"
    ]
    assert event.keys() == {"caller", "eventTimestamp"}


def test_another_list_of_events_is_not_there(arm: Arm) -> None:
    assert arm.get(f"/providers/microsoft.insights/eventtypes/none/values?$filter={quote(since())}").status == 404


def test_the_log_outlives_a_kill(start_cloud: Callable[[str], Cloud]) -> None:
    cloud = start_cloud("instant")
    arm = Arm(cloud)
    group = new_group(arm)
    arm.put(group.id, {"location": LOCATION})
    cloud.kill()
    cloud.start()
    assert [event["subStatus"]["value"] for event in events(arm, group)] == ["Created", "OK"]
    arm.close()
