"""Plans: what is written, what is left alone, what is never touched. (Properties of all plans: test_plan_properties.)"""

from typing import Any

import pytest

from aks_operator.marks import CLUSTER_TAG, OWNER_TAG, POOL_TAG
from aks_operator.plan import Resource, Whole, differing, plan, plan_deletion, strip

TYPE = "Microsoft.ContainerService/managedClusters"
ID = f"/subscriptions/s/resourceGroups/g/providers/{TYPE}/c"
MARK = "m/ns/c"


def desired(body: dict[str, Any] | None = None, **kw: Any) -> Resource:
    return Resource(ID, TYPE, body or {"location": "westeurope", "properties": {"dnsPrefix": "c"}}, MARK, **kw)


def observed(**properties: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "location": "westeurope",
        "tags": {CLUSTER_TAG: MARK},
        "etag": "e1",
        "properties": {"dnsPrefix": "c", "provisioningState": "Succeeded", **properties},
    }


def test_what_is_not_there_is_created_with_its_mark_and_what_only_creation_sends() -> None:
    step = plan(desired(creation={"properties": {"agentPoolProfiles": [1]}}, tags={"team": "web"}), None)
    assert step.action == "create"
    assert step.body is not None
    assert step.body["tags"] == {"team": "web", CLUSTER_TAG: MARK}
    assert step.body["properties"] == {"agentPoolProfiles": [1], "dnsPrefix": "c"}


def test_nothing_is_done_when_nothing_we_own_differs() -> None:
    assert plan(desired(), {**observed(extra="Azure's own"), "location": "West Europe"}).action == "none"


def test_an_update_keeps_what_others_set_and_names_what_differs() -> None:
    step = plan(
        desired(),
        {**observed(dnsPrefix="other", extra=1, agentPoolProfiles=[1]), "tags": {CLUSTER_TAG: MARK, "theirs": "1"}},
    )
    assert (step.action, step.paths, step.if_match) == ("update", ("properties.dnsPrefix",), "e1")
    assert step.body is not None
    assert step.body["properties"] == {"dnsPrefix": "c", "extra": 1, "agentPoolProfiles": [1]}
    assert step.body["tags"] == {CLUSTER_TAG: MARK, "theirs": "1"}


def test_what_others_own_is_left_out_of_every_later_put() -> None:
    step = plan(desired(never_sent=frozenset({"agentPoolProfiles"})), observed(dnsPrefix="x", agentPoolProfiles=[1]))
    assert step.body is not None
    assert "agentPoolProfiles" not in step.body["properties"]


@pytest.mark.parametrize("tags", [{}, {CLUSTER_TAG: "other/ns/c"}, {OWNER_TAG: MARK}])
def test_what_does_not_carry_our_mark_is_refused_and_never_deleted(tags: dict[str, str]) -> None:
    foreign = {**observed(), "tags": tags}
    assert plan(desired(), foreign).action == "refuse"
    assert plan_deletion(ID, TYPE, foreign, MARK).action == "none"


def test_nothing_is_written_while_something_is_under_way() -> None:
    assert plan(desired(), observed(provisioningState="Updating", dnsPrefix="x")).action == "wait"
    assert plan_deletion(ID, TYPE, observed(provisioningState="Deleting"), MARK).action == "wait"


@pytest.mark.parametrize("state", ["Failed", "Canceled", "failed"])
def test_a_failed_resource_is_put_again(state: str) -> None:
    step = plan(desired(), observed(provisioningState=state))
    assert (step.action, step.why) == ("update", f"it is {state}: the same PUT repairs it")
    step = plan(desired(), observed(provisioningState=state, dnsPrefix="x"))
    assert step.why == "differs in properties.dnsPrefix"


def test_a_tag_dropped_from_the_spec_goes_and_a_foreign_one_stays() -> None:
    have = {**observed(), "tags": {CLUSTER_TAG: MARK, "old": "1", "theirs": "2"}}
    step = plan(desired(), have, applied_tags=["old"])
    assert (step.action, step.paths) == ("update", ("tags.old",))
    assert step.body is not None
    assert step.body["tags"] == {CLUSTER_TAG: MARK, "theirs": "2"}


@pytest.mark.parametrize(
    ("type_", "place", "key"),
    [
        (TYPE, ("tags",), CLUSTER_TAG),
        (f"{TYPE}/agentPools", ("properties", "tags"), POOL_TAG),
        ("Microsoft.Network/publicIPAddresses", ("tags",), OWNER_TAG),
        ("Microsoft.Network/dnsZones/A", ("properties", "metadata"), OWNER_TAG),
    ],
)
def test_tags_lie_where_the_type_has_them_and_follow_one_rule(type_: str, place: tuple[str, ...], key: str) -> None:
    def body(tags: dict[str, str]) -> dict[str, Any]:
        made: dict[str, Any] = tags
        for part in reversed(place):
            made = {part: made}
        return made

    want = Resource(ID, type_, {}, MARK, tags={"team": "web"})
    assert plan(want, None).body == body({"team": "web", key: MARK})
    step = plan(want, body({key: MARK, "old": "1", "theirs": "2"}), applied_tags=["old", "team"])
    assert step.paths == (".".join((*place, "team")), ".".join((*place, "old")))
    assert step.body == body({key: MARK, "theirs": "2", "team": "web"})


def test_tag_names_have_no_case() -> None:
    have = {**observed(), "tags": {CLUSTER_TAG.upper(): MARK, "Team": "web", "OLD": "1"}}
    assert plan(desired(tags={"team": "web"}), have).action == "none"
    step = plan(desired(tags={"team": "shop"}), have, applied_tags=["old", "TEAM"])
    assert step.body is not None
    assert step.body["tags"] == {CLUSTER_TAG.upper(): MARK, "Team": "shop"}


@pytest.mark.parametrize("key", [CLUSTER_TAG, CLUSTER_TAG.title(), OWNER_TAG])
def test_a_spec_cannot_set_a_mark(key: str) -> None:
    step = plan(desired(tags={key: "stolen"}), None)
    assert step.body is not None
    assert step.body["tags"] == {CLUSTER_TAG: MARK}


def test_null_says_nothing_and_is_never_sent() -> None:
    want = desired({"properties": {"dnsPrefix": "new", "scalar": None, "map": {"a": None}, "other": {"b": None}}})
    step = plan(want, observed(scalar="Azure's", map={"a": 1}))
    assert step.body is not None
    assert step.body["properties"] == {"dnsPrefix": "new", "scalar": "Azure's", "map": {"a": 1}, "other": {}}


def test_a_map_owned_whole_loses_what_is_no_longer_wanted() -> None:
    want = desired({"properties": {"nodeLabels": Whole(disk="ssd")}})
    step = plan(want, observed(nodeLabels={"disk": "ssd", "old": "1"}))
    assert step.paths == ("properties.nodeLabels.old",)
    assert step.body is not None
    assert step.body["properties"]["nodeLabels"] == {"disk": "ssd"}
    assert plan(desired({"properties": {"nodeLabels": Whole()}}), observed()).action == "none"


@pytest.mark.parametrize(
    ("want", "have"),
    [
        ({"id": "/subscriptions/A/resourceGroups/b"}, {"id": "/subscriptions/a/resourcegroups/B"}),
        ({"location": "westeurope"}, {"location": "West Europe"}),
        ({"l": [{"name": "a"}, {"name": "b"}]}, {"l": [{"name": "b", "x": 1}, {"name": "a"}]}),
        ({"l": [{"name": "B"}, {"name": "a"}]}, {"l": [{"name": "a"}, {"name": "B"}]}),
        (
            {"l": [{"id": "/subscriptions/A"}, {"id": "/subscriptions/b"}]},
            {"l": [{"id": "/subscriptions/B"}, {"id": "/subscriptions/a"}]},
        ),
        ({"l": ["1", "2"]}, {"l": ["2", "1"]}),
        ({"l": ["/subscriptions/A", "/subscriptions/b"]}, {"l": ["/subscriptions/B", "/subscriptions/a"]}),
        ({"l": []}, {}),
        ({"scalar": None}, {"scalar": "Azure's"}),
    ],
)
def test_the_known_lies_are_no_difference(want: Any, have: Any) -> None:
    assert list(differing(want, have)) == []


@pytest.mark.parametrize(
    ("want", "have", "path"),
    [
        ({"l": []}, {"l": ["1"]}, "l"),
        ({"l": ["1"]}, {}, "l"),
        ({"l": ["1"]}, {"l": ["2"]}, "l[0]"),
        ({"l": [1, 2]}, {"l": [2, 1]}, "l[0]"),
        ({"l": [{"name": "a", "x": 1}]}, {"l": [{"name": "a", "x": 2}]}, "l[0].x"),
        ({"l": "1"}, {"l": ["1"]}, "l"),
        ({"m": {"a": {"b": 1}}}, {"m": None}, "m.a.b"),
        ({"m": {"a": 1}}, {"m": "text"}, "m.a"),
        ({"id": "/subscriptions/A"}, {"id": "/subscriptions/B"}, "id"),
        ({"on": True}, {"on": False}, "on"),
        ({"on": False}, {}, "on"),
        ({"properties": {"location": "a b"}}, {"properties": {"location": "ab"}}, "properties.location"),
    ],
)
def test_what_differs_is_named_by_its_path(want: Any, have: Any, path: str) -> None:
    assert next(differing(want, have)) == path


def test_read_only_keys_are_not_sent_back() -> None:
    body = {
        **observed(fqdn="x", powerState={}),
        "identity": {"type": "SystemAssigned", "principalId": "p"},
        "systemData": {},
    }
    assert strip(body, TYPE) == {
        "location": "westeurope",
        "tags": {CLUSTER_TAG: MARK},
        "properties": {"dnsPrefix": "c"},
        "identity": {"type": "SystemAssigned"},
    }
