"""Resources of all types in one list, by what they are and by their tags; tags by themselves; HEAD."""

from urllib.parse import quote

import pytest

from tests.contract.bodies import (
    ADDRESSES,
    CLUSTERS,
    LOCATION,
    LOCKS,
    NETWORKS,
    SECURITY_GROUPS,
    ZONES,
    Body,
    address,
    cluster,
    lock,
    network,
    security_group,
    subnet,
)
from tests.contract.cloud import Arm, Clients, Group, Reply
from tests.contract.conftest import new_group

TAGS = "providers/Microsoft.Resources/tags/default"


def tagged(body: Body, **tags: str) -> Body:
    """The body with tags."""
    return {**body, "tags": tags}


@pytest.fixture(scope="module")
def stocked(arm: Arm) -> Group:
    """A group with an address, a security group and a zone, with tags."""
    group = new_group(arm)
    arm.make(group.path(ADDRESSES, "ip"), tagged(address(), app="shop", Stage="Test"))
    arm.make(group.path(SECURITY_GROUPS, "nsg"), tagged(security_group(), app="Shop"))
    arm.make(group.path(ZONES, "demo.example"), tagged({"location": "global"}, stage="Test"))
    return group


def found(arm: Arm, group: Group, text: str) -> list[str]:
    """The names of what a filter leaves of a group."""
    reply = arm.get(f"{group.id}/resources?$filter={quote(text)}")
    assert reply.status == 200, reply
    return [entry["name"] for entry in reply.body["value"]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"resourceType eq '{ADDRESSES}'", ["ip"]),
        (f"resourceType eq '{ADDRESSES.lower()}'", ["ip"]),
        (f"resourceType ne '{ADDRESSES}'", ["demo.example", "nsg"]),
        (f"resourceType eq '{ADDRESSES}' and name eq 'nsg'", []),
        (f"resourceType eq '{ADDRESSES}' or name eq 'nsg'", ["nsg", "ip"]),
        ("name eq 'NSG'", ["nsg"]),
        ("substringof('s', name)", ["nsg"]),
        ("location eq 'global'", ["demo.example"]),
        ("tagName eq 'app'", ["nsg", "ip"]),
        ("tagName eq 'APP' and tagValue eq 'shop'", ["ip"]),
        ("tagName eq 'stage' and tagValue eq 'Test'", ["demo.example", "ip"]),
        ("tagName eq 'app' and tagValue eq 'Test'", []),
        ("startswith(tagName, 'st')", ["demo.example", "ip"]),
    ],
)
def test_a_filter_leaves_what_it_says(arm: Arm, stocked: Group, text: str, names: list[str]) -> None:
    assert sorted(found(arm, stocked, text)) == sorted(names)


def test_the_sdk_lists_by_tag_and_by_type(sdk: Clients, stocked: Group) -> None:
    resources = sdk.resources.resources
    by_tag = resources.list_by_resource_group(stocked.name, filter="tagName eq 'app' and tagValue eq 'shop'")
    assert [(entry.name, entry.type, entry.tags) for entry in by_tag] == [
        ("ip", ADDRESSES, {"app": "shop", "Stage": "Test"})
    ]
    everywhere = resources.list(filter=f"resourceType eq '{ADDRESSES}' and resourceGroup eq '{stocked.name}'")
    assert [entry.name for entry in everywhere] == ["ip"]


@pytest.mark.parametrize(
    "text",
    [
        "name",
        "name is 'x'",
        "colour eq 'red'",
        "name eq 'x",
        "tagName eq 'a' and name eq 'b'",
    ],
)
def test_a_filter_that_is_none_is_refused(arm: Arm, stocked: Group, text: str) -> None:
    for path in (f"{stocked.id}/resources", "/resources"):
        reply = arm.get(f"{path}?$filter={quote(text)}")
        assert (reply.status, reply.code) == (400, "InvalidFilterInQueryString")
        assert reply.message.startswith(f"Invalid $filter '{text}' specified in the query string")


def test_top_bounds_a_page_and_the_filter_goes_on(arm: Arm, stocked: Group) -> None:
    first = arm.get(f"{stocked.id}/resources?$top=1&$filter=tagName%20eq%20%27app%27").body
    second = arm.get(first["nextLink"]).body
    assert sorted(entry["name"] for page in (first, second) for entry in page["value"]) == ["ip", "nsg"]
    assert "nextLink" not in second


def test_a_list_tells_what_identifies_a_resource_and_not_its_properties(arm: Arm, stocked: Group) -> None:
    [ip] = arm.get(f"{stocked.id}/resources?$filter=name%20eq%20%27ip%27").body["value"]
    assert ip.keys() == {"id", "name", "type", "location", "sku", "tags"}
    [expanded] = arm.get(f"{stocked.id}/resources?$expand=provisioningState&$filter=name%20eq%20%27ip%27").body["value"]
    assert expanded["provisioningState"] == "Succeeded"


def test_groups_are_listed_by_tag(sdk: Clients, arm: Arm, group: Group) -> None:
    arm.put(group.id, {"location": LOCATION, "tags": {"only": group.name}})
    listed = sdk.resources.resource_groups.list(filter=f"tagName eq 'only' and tagValue eq '{group.name}'")
    assert [entry.name for entry in listed] == [group.name]
    assert arm.get("/resourceGroups?$filter=name%20eq%20%27x%27").code == "InvalidFilterInQueryString"


# tags


@pytest.mark.parametrize(
    ("type_", "name", "body"),
    [
        (ADDRESSES, "t", address()),
        (SECURITY_GROUPS, "t", security_group()),
        (NETWORKS, "t", network(subnet("s", "10.0.0.0/24"))),
        (ZONES, "t.example", {"location": "global"}),
        (CLUSTERS, "t", cluster()),
    ],
)
def test_tags_of_everything_that_has_them_can_be_patched(
    arm: Arm, group: Group, type_: str, name: str, body: Body
) -> None:
    id_ = group.path(type_, name)
    before = arm.make(id_, tagged(body, old="1"))
    reply = arm.patch(id_, {"tags": {"new": "2"}})
    assert reply.status == 200
    arm.ended(reply)
    after = arm.get(id_).body
    assert after["tags"] == {"new": "2"}, "what is not told is gone"
    assert after["properties"] == before["properties"]


def test_the_sdk_merges_replaces_and_removes_tags(sdk: Clients, arm: Arm, group: Group) -> None:
    id_ = arm.make(group.path(ADDRESSES, "ip"), tagged(address(), a="1", b="2"))["id"]
    tags = sdk.resources.tags
    for operation, given, left in [
        ("Merge", {"A": "9", "c": "3"}, {"a": "9", "b": "2", "c": "3"}),
        ("Delete", {"B": "2"}, {"a": "9", "c": "3"}),
        ("Replace", {"d": "4"}, {"d": "4"}),
    ]:
        done = tags.begin_update_at_scope(id_, {"operation": operation, "properties": {"tags": given}}).result()
        assert done.properties.tags == left
        assert arm.get(id_).body["tags"] == left
    tags.begin_create_or_update_at_scope(id_, {"properties": {"tags": {"e": "5"}}}).result()
    assert tags.get_at_scope(id_).properties.tags == {"e": "5"}
    tags.begin_delete_at_scope(id_).result()
    assert arm.get(id_).body["tags"] == {}


def test_groups_subscriptions_and_clusters_have_tags_of_their_own(arm: Arm, group: Group) -> None:
    made = arm.make(group.path(CLUSTERS, "c"), cluster())["id"]
    subscription = group.id.rpartition("/resourceGroups/")[0]
    for scope in (group.id, made, subscription):
        reply = arm.put(f"{scope}/{TAGS}", {"properties": {"tags": {"of": "it"}}})
        assert (reply.status, reply.body["properties"]["tags"]) == (200, {"of": "it"})
        arm.ended(reply)
        assert arm.get(scope).body["tags"] == {"of": "it"}
    assert arm.delete(f"{subscription}/{TAGS}").status == 200


def test_tags_of_what_is_not_there_or_takes_none(arm: Arm, group: Group) -> None:
    assert arm.get(f"{group.path(ADDRESSES, 'none')}/{TAGS}").status == 404
    assert arm.get(f"{group.id}/providers/Microsoft.Resources/tags/other").status == 404
    pools = arm.make(group.path(CLUSTERS, "c"), cluster())["id"] + "/agentPools/system"
    assert arm.put(f"{pools}/{TAGS}", {"properties": {"tags": {"a": "b"}}}).status == 400
    assert arm.patch(f"{group.id}/{TAGS}", {"operation": "Shuffle", "properties": {"tags": {}}}).status == 400


@pytest.mark.parametrize(
    "tags",
    [
        {f"t{i}": "x" for i in range(51)},
        {"a/b": "x"},
        {"a" * 513: "x"},
        {"a": "x" * 257},
        {"": "x"},
        {"a": "x", "A": "y"},
    ],
    ids=["51", "slash", "long name", "long value", "no name", "twice"],
)
def test_tags_that_arm_refuses(arm: Arm, group: Group, tags: dict[str, str]) -> None:
    for reply in (
        arm.put(group.path(ADDRESSES, "ip"), tagged(address(), **tags)),
        arm.put(group.id, {"location": LOCATION, "tags": tags}),
        arm.put(f"{group.id}/{TAGS}", {"properties": {"tags": tags}}),
    ):
        assert reply.status == 400
    assert arm.put(group.id, {"location": LOCATION, "tags": {"a" * 512: "x" * 256}}).status == 200


# HEAD


def test_head_tells_whether_a_resource_exists(sdk: Clients, arm: Arm, group: Group) -> None:
    made = arm.make(group.path(CLUSTERS, "c"), cluster())["id"]
    arm.make(group.path(NETWORKS, "n"), network(subnet("s", "10.0.0.0/24")))
    arm.put(f"{group.id}/providers/{LOCKS}/l", lock())
    there = [
        group.id,
        made,
        f"{made}/agentPools/system",
        group.path(NETWORKS, "n/subnets/s"),
        f"{group.id}/providers/{LOCKS}/l",
    ]
    for id_ in there:
        replies: list[Reply] = [arm("HEAD", id_), arm("HEAD", f"{id_}-none")]
        assert [reply.status for reply in replies] == [204, 404], id_
        assert [reply.text for reply in replies] == ["", ""]
    assert sdk.resources.resources.check_existence_by_id(made, api_version="2024-05-01")
    assert not sdk.resources.resources.check_existence_by_id(f"{made}-none", api_version="2024-05-01")


def test_head_of_a_collection_is_not_allowed(arm: Arm, group: Group) -> None:
    assert arm("HEAD", group.path(ADDRESSES)).status == 405
