"""Resource groups: made at once, removed with all they hold."""

from tests.contract.bodies import (
    ADDRESSES,
    BALANCERS,
    CLUSTERS,
    NETWORKS,
    SECURITY_GROUPS,
    address,
    balancer,
    cluster,
    network,
    profile,
    security_group,
    subnet,
)
from tests.contract.cloud import Arm, Clients, Group, Reply, until
from tests.contract.conftest import new_group


def test_the_sdk_makes_lists_and_removes_a_group(sdk: Clients) -> None:
    made = sdk.resources.resource_groups.create_or_update("rg-sdk", {"location": "westeurope", "tags": {"a": "b"}})
    assert (made.name, made.location, made.tags) == ("rg-sdk", "westeurope", {"a": "b"})
    assert made.properties is not None
    assert made.properties.provisioning_state == "Succeeded"
    assert "rg-sdk" in [found.name for found in sdk.resources.resource_groups.list()]
    assert sdk.resources.resource_groups.check_existence("rg-sdk")
    sdk.resources.resource_groups.begin_delete("rg-sdk").result()
    assert not sdk.resources.resource_groups.check_existence("rg-sdk")


def test_a_group_is_created_with_201_and_written_again_with_200(arm: Arm) -> None:
    path = "/resourceGroups/rg-twice"
    assert arm.put(path, {"location": "westeurope"}).status == 201
    again = arm.put(path, {"location": "West Europe", "tags": {"k": "v"}})
    assert again.status == 200
    assert again.body["tags"] == {"k": "v"}
    assert again.body["location"] == "westeurope"


def test_a_group_needs_a_location(arm: Arm) -> None:
    reply = arm.put("/resourceGroups/rg-nowhere", {})
    assert (reply.status, reply.code) == (400, "LocationRequired")


def test_a_group_cannot_move_to_another_location(group: Group, arm: Arm) -> None:
    reply = arm.put(group.id, {"location": "northeurope"})
    assert (reply.status, reply.code) == (409, "InvalidResourceGroupLocation")


def test_a_group_name_with_wrong_characters_is_refused(arm: Arm) -> None:
    for name in ("rg*", "ends-with-dot.", "x" * 91, "line%0A"):
        reply = arm.put(f"/resourceGroups/{name}", {"location": "westeurope"})
        assert (reply.status, reply.code) == (400, "InvalidResourceGroup"), name


def test_a_missing_group_is_404_for_itself_and_for_what_it_would_hold(arm: Arm) -> None:
    for path in ("", f"/providers/{ADDRESSES}", f"/providers/{ADDRESSES}/ip", f"/providers/{CLUSTERS}/c", "/resources"):
        reply = arm.get(f"/resourceGroups/rg-none{path}")
        assert (reply.status, reply.code) == (404, "ResourceGroupNotFound"), path
        assert reply.message == "Resource group 'rg-none' could not be found."


def test_tags_of_a_group_can_be_patched(group: Group, arm: Arm) -> None:
    reply = arm.patch(group.id, {"tags": {"team": "shop"}})
    assert reply.status == 200
    assert arm.get(group.id).body["tags"] == {"team": "shop"}


def test_deletion_is_told_by_location_only_and_answers_202_until_done(brisk: Arm) -> None:
    group = new_group(brisk)
    reply = brisk.delete(group.id)
    assert (reply.status, reply.text) == (202, "")
    assert "Azure-AsyncOperation" not in reply.headers
    location = reply.headers["Location"]
    assert "/operationresults/" in location
    assert brisk.get(location).status == 202
    assert brisk.get(group.id).state == "Deleting"
    until("the group is gone", lambda: True if brisk.get(location).status == 200 else None)
    assert brisk.get(group.id).code == "ResourceGroupNotFound"


def test_nothing_can_be_made_in_a_group_that_is_being_deleted(unhurried: Arm) -> None:
    group = new_group(unhurried)
    unhurried.delete(group.id)
    for reply in (
        unhurried.put(group.path(ADDRESSES, "ip"), address()),
        unhurried.put(group.id, {"location": "westeurope"}),
    ):
        assert (reply.status, reply.code) == (409, "ResourceGroupBeingDeleted")


def test_deleting_a_group_removes_all_it_holds_and_the_node_groups_of_its_clusters(group: Group, arm: Arm) -> None:
    arm.make(group.path(ADDRESSES, "ip"), address())
    made = arm.make(group.path(CLUSTERS, "c"), cluster())
    nodes = f"/resourceGroups/{made['properties']['nodeResourceGroup']}"
    assert arm.get(nodes).status == 200
    location = arm.delete(group.id).headers["Location"]
    until("the group is gone", lambda: True if arm.get(location).status == 200 else None)
    assert arm.get(nodes).status == 404
    arm.put(group.id, {"location": "westeurope"})
    assert arm.get(f"{group.id}/resources").body["value"] == []


def deleted(arm: Arm, group: Group) -> Reply:
    """What the Location of a deletion answers at its end."""
    location = arm.delete(group.id).headers["Location"]
    return until("the deletion ended", lambda: r if (r := arm.get(location)).status != 202 else None)


def test_what_others_use_keeps_a_group_from_being_deleted(group: Group, arm: Arm) -> None:
    other = new_group(arm)
    ip = arm.make(group.path(ADDRESSES, "ip"), address())["id"]
    arm.make(group.path(ADDRESSES, "free"), address())
    lb = other.path(BALANCERS, "lb")
    arm.make(lb, balancer(lb, address_id=ip))
    reply = deleted(arm, group)
    assert (reply.status, reply.code) == (409, "ResourceGroupDeletionBlocked")
    assert f"'{ADDRESSES.lower()}/ip'" in reply.message.lower()
    [detail] = reply.body["error"]["details"]
    assert detail["target"] == ip
    assert "PublicIPAddressCannotBeDeleted" in detail["message"]
    assert arm.get(group.id).state == "Succeeded", "rolled back"
    assert [found["name"] for found in arm.get(f"{group.id}/resources").body["value"]] == ["ip"]
    arm.remove(lb)
    assert deleted(arm, group).status == 200


def test_a_network_that_nodes_of_another_group_live_in_keeps_its_group(group: Group, arm: Arm) -> None:
    net = arm.make(group.path(NETWORKS, "net"), network(subnet("s", "10.0.0.0/24")))["id"]
    clusters = new_group(arm)
    arm.make(clusters.path(CLUSTERS, "c"), cluster(profile(vnetSubnetID=f"{net}/subnets/s")))
    assert deleted(arm, group).code == "ResourceGroupDeletionBlocked"
    assert deleted(arm, clusters).status == 200
    assert deleted(arm, group).status == 200


def test_what_a_deleted_group_used_of_another_is_free_again(group: Group, arm: Arm) -> None:
    kept = new_group(arm)
    ip = arm.make(kept.path(ADDRESSES, "ip"), address())["id"]
    nsg = arm.make(kept.path(SECURITY_GROUPS, "nsg"), security_group())["id"]
    lb = group.path(BALANCERS, "lb")
    arm.make(lb, balancer(lb, address_id=ip))
    arm.make(group.path(NETWORKS, "net"), network(subnet("s", "10.0.0.0/24", networkSecurityGroup={"id": nsg})))
    assert deleted(arm, group).status == 200
    assert "ipConfiguration" not in arm.get(ip).body["properties"]
    assert "subnets" not in arm.get(nsg).body["properties"]


def test_a_group_deleted_while_a_cluster_is_made_in_it_leaves_nothing(brisk: Arm) -> None:
    group = new_group(brisk)
    begun = brisk.put(group.path(CLUSTERS, "c"), cluster())
    nodes = begun.body["properties"]["nodeResourceGroup"]
    assert deleted(brisk, group).status == 200
    brisk.ended(begun)
    assert brisk.get(group.path(CLUSTERS, "c")).status == 404
    assert brisk.get(f"/resourceGroups/{nodes}").status == 404
    assert group.name not in str(brisk.get("/resources").body)


def test_a_group_lists_the_resources_in_it_and_nothing_below_them(group: Group, arm: Arm) -> None:
    arm.make(group.path(CLUSTERS, "c"), cluster())
    arm.make(group.path(ADDRESSES, "ip"), address())
    found = {item["name"]: item["type"] for item in arm.get(f"{group.id}/resources").body["value"]}
    assert found == {"c": "Microsoft.ContainerService/ManagedClusters", "ip": ADDRESSES}


def test_head_tells_whether_a_group_exists(group: Group, arm: Arm) -> None:
    assert arm("HEAD", group.id).status == 204
    assert arm("HEAD", f"{group.id}-none").status == 404
