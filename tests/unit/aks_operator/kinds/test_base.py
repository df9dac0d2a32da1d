"""What all kinds say alike: how far a resource is, what an object stands for, which tags are ours."""

from types import SimpleNamespace
from typing import Any

import pytest

from aks_operator.keys import Key
from aks_operator.kinds.base import (
    applied_tags,
    blocked,
    check_pinned,
    check_supported,
    goes_at_once,
    is_pinned,
    progress,
    provisioning,
)
from aks_operator.objects import parse
from aks_operator.outcome import Hold
from aks_operator.plan import Step
from aks_operator.session import Converged

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones/shop.example"


def zone(status: Any = None, /, **spec: Any) -> Any:
    body = {"metadata": {"name": "z"}, "spec": {"resourceGroup": "g", "zone": "shop.example", **spec}}
    return parse("DNSZone", {**body, **({"status": status} if status is not None else {})})


def turn(action: Any, *, state: str = "", operation: str | None = None) -> Converged:
    body = {"properties": {"provisioningState": state}} if state else None
    return Converged(body, Step(action, ID, "why"), operation=operation)


@pytest.mark.parametrize(
    ("given", "deleting", "status", "reason"),
    [
        pytest.param(turn("none", state="Succeeded"), False, "True", "Succeeded", id="done"),
        pytest.param(turn("create", state="Creating"), False, "False", "Creating", id="creation sent"),
        pytest.param(turn("wait", operation="create"), False, "False", "Creating", id="creation under way"),
        pytest.param(turn("wait", state="Creating"), False, "False", "Creating", id="creation seen"),
        pytest.param(turn("update", operation="update"), False, "False", "Updating", id="update sent"),
        pytest.param(turn("wait", state="Updating"), False, "False", "Updating", id="somebody's update"),
        pytest.param(turn("wait", state="Upgrading"), False, "False", "Upgrading", id="upgrade"),
        pytest.param(turn("wait", state="Scaling"), False, "False", "Scaling", id="scaling"),
        pytest.param(turn("wait", operation="delete"), False, "False", "Deleting", id="deletion under way"),
        pytest.param(turn("none"), True, "False", "Deleting", id="gone, but not its object yet"),
        pytest.param(turn("delete", state="Upgrading"), True, "False", "Deleting", id="deletion sent"),
    ],
)
def test_a_turn_is_told_in_one_reason(given: Converged, deleting: bool, status: str, reason: str) -> None:
    ready = progress(given, deleting=deleting)
    assert (ready.type, ready.status, ready.reason) == ("Ready", status, reason)
    assert ready.message or status == "True"


@pytest.mark.parametrize(
    ("known", "wanted", "done", "kept"),
    [
        pytest.param(None, {"a": "1"}, False, ["a"], id="new ones are ours before they are there"),
        pytest.param(["a"], {}, True, [], id="a dropped one that is gone is forgotten"),
        pytest.param(["a"], {}, False, ["a"], id="one that is not gone yet is not"),
        pytest.param(["a", "b"], {"b": "1", "c": "2"}, False, ["a", "b", "c"], id="both"),
    ],
)
def test_a_tag_is_forgotten_only_when_it_is_gone(
    known: list[str] | None, wanted: dict[str, str], done: bool, kept: list[str]
) -> None:
    obj = zone({"appliedTags": known} if known is not None else None, tags=wanted)
    assert applied_tags(obj, turn("none" if done else "wait")) == kept


def test_an_object_is_pinned_by_its_status() -> None:
    assert not is_pinned(zone(), ID)
    assert is_pinned(zone({"id": ID.upper()}), ID)


def test_an_object_never_comes_to_mean_another_resource() -> None:
    with pytest.raises(Hold, match="set the account back") as held:
        check_pinned(zone({"id": ID.replace("/s/", "/other/")}), ID)
    assert held.value.reason == "AccountChanged"
    check_pinned(zone({"id": ID.upper()}), ID)
    check_pinned(zone(), ID)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"managementPolicy": "Observe"}, "managementPolicy Observe is not built yet"),
        ({"adoptionPolicy": "Adopt"}, "adoptionPolicy Adopt is not built yet"),
        ({"driftPolicy": "Report"}, "driftPolicy Report is not built yet"),
    ],
)
def test_what_is_not_built_is_refused_before_anything_is_touched(spec: dict[str, str], says: str) -> None:
    with pytest.raises(Hold, match=says) as held:
        check_supported(zone(**spec))
    assert held.value.reason == "NotSupported"


@pytest.mark.parametrize("policy", ["Delete", "Orphan", "Protect"])
def test_what_is_built_is_not_refused(policy: str) -> None:
    check_supported(zone(deletionPolicy=policy))
    check_supported(SimpleNamespace(spec=zone().spec))


@pytest.mark.parametrize(
    ("body", "state"),
    [(None, None), ({"properties": {}}, "Succeeded"), ({"properties": {"provisioningState": "Creating"}}, "Creating")],
)
def test_a_type_without_states_is_at_rest(body: Any, state: str | None) -> None:
    assert provisioning(body) == state


@pytest.mark.parametrize("policy", ["Delete", "Orphan", "Protect"])
@pytest.mark.parametrize("status", [None, {"resources": []}], ids=["no status", "no id"])
def test_what_was_never_made_goes_at_once(policy: str, status: Any) -> None:
    assert goes_at_once(zone(status, deletionPolicy=policy))


def test_what_was_made_goes_as_its_policy_says() -> None:
    assert goes_at_once(zone({"id": ID}, deletionPolicy="Orphan"))
    assert not goes_at_once(zone({"id": ID}))
    with pytest.raises(Hold, match="nothing was deleted: set it to Delete") as held:
        goes_at_once(zone({"id": ID}, deletionPolicy="Protect"))
    assert held.value.reason == "Blocked"


def test_a_deletion_says_for_whom_it_waits() -> None:
    users = [Key("ServiceExposure", "ns", f"web{n}") for n in range(30)]
    few, many = (blocked(some, "delete", " first") for some in (users[:2], users))
    assert few.conditions[0].message == "delete ServiceExposure ns/web0, ServiceExposure ns/web1 first"
    assert few.status == {"deletion": {"blockedBy": ["ServiceExposure/ns/web0", "ServiceExposure/ns/web1"]}}
    assert many.conditions[0].message.endswith("web4 and 25 more first")
    assert len(many.status["deletion"]["blockedBy"]) == 20
