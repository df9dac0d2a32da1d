"""Ids are one whatever their case; lists come in pages with absolute links."""

from tests.contract.bodies import (
    ADDRESSES,
    BALANCERS,
    CLUSTERS,
    NETWORKS,
    ZONES,
    address,
    balancer,
    cluster,
    network,
    profile,
    subnet,
)
from tests.contract.cloud import Arm, Clients, Group


def test_a_resource_is_found_whatever_the_case_of_its_id(group: Group, arm: Arm) -> None:
    id_ = group.path(ADDRESSES, "Public-IP")
    made = arm.make(id_, address())
    assert made["name"] == "Public-IP"
    for spelled in (id_.lower(), id_.upper()):
        assert arm.get(f"{arm.cloud.endpoint}{spelled}").body == made


def test_a_put_in_another_case_updates_and_keeps_the_name_it_was_made_with(group: Group, arm: Arm) -> None:
    arm.make(group.path(ADDRESSES, "Public-IP"), address())
    again = arm.put(group.path(ADDRESSES.lower(), "public-ip"), address())
    assert again.status == 200
    assert again.body["name"] == "Public-IP"
    assert len(arm.get(group.path(ADDRESSES)).body["value"]) == 1


def test_aks_answers_with_a_type_spelled_its_own_way(group: Group, arm: Arm) -> None:
    assert arm.make(group.path(CLUSTERS, "c"), cluster())["type"] == "Microsoft.ContainerService/ManagedClusters"


def test_aks_writes_resourcegroups_in_small_letters_in_its_ids(group: Group, arm: Arm) -> None:
    made = arm.make(group.path(CLUSTERS, "c"), cluster())
    assert made["id"] == group.path(CLUSTERS, "c").replace("/resourceGroups/", "/resourcegroups/")
    [pool] = arm.get(f"{made['id']}/agentPools").body["value"]
    assert pool["id"].startswith(f"{made['id']}/agentPools/")


def test_an_empty_collection_is_an_empty_list(group: Group, arm: Arm) -> None:
    for type_ in (ADDRESSES, CLUSTERS, ZONES):
        reply = arm.get(group.path(type_))
        assert (reply.status, reply.body) == (200, {"value": []})


def test_a_subscription_lists_the_resources_of_all_its_groups(group: Group, arm: Arm) -> None:
    id_ = arm.make(group.path(ADDRESSES, "everywhere"), address())["id"]
    assert id_ in [item["id"] for item in arm.get(f"/providers/{ADDRESSES}").body["value"]]


def test_a_list_longer_than_top_goes_on_at_an_absolute_nextlink(group: Group, arm: Arm) -> None:
    arm.put(group.path(ZONES, "pages.example"), {"location": "global"})
    for i in range(3):
        arm.put(group.path(ZONES, f"pages.example/A/r{i}"), {"properties": {"TTL": 60, "ARecords": []}})
    first = arm.get(group.path(ZONES, "pages.example/A") + "?$top=2")
    assert len(first.body["value"]) == 2
    assert first.body["nextLink"].startswith(f"{arm.cloud.endpoint}/subscriptions/")
    second = arm.get(first.body["nextLink"])
    assert [item["name"] for item in (*first.body["value"], *second.body["value"])] == ["r0", "r1", "r2"]
    assert "nextLink" not in second.body


def test_the_sdk_follows_pages(sdk: Clients, group: Group, arm: Arm) -> None:
    arm.put(group.path(ZONES, "pages.example"), {"location": "global"})
    for i in range(5):
        arm.put(group.path(ZONES, f"pages.example/A/r{i}"), {"properties": {"TTL": 60, "ARecords": []}})
    found = sdk.dns.record_sets.list_by_type(group.name, "pages.example", "A", top=2)
    assert [record.name for record in found] == [f"r{i}" for i in range(5)]


def test_a_top_that_is_no_number_is_refused(group: Group, arm: Arm) -> None:
    for top in ("0", "-1", "many", "²"):
        assert arm.get(group.path(ADDRESSES) + f"?$top={top}").status == 400


def test_an_id_may_have_an_empty_parent_as_the_sdks_generic_operations_write_it(
    sdk: Clients, group: Group, arm: Arm
) -> None:
    id_ = arm.make(group.path(ADDRESSES, "ip"), address())["id"]
    kind = ("Microsoft.Network", "", "publicIPAddresses")
    assert sdk.resources.resources.get(group.name, *kind, "ip", api_version="2024-05-01").id == id_
    for path in (f"{group.id}//providers/{ADDRESSES}/ip", f"{id_.replace('/ip', '//ip')}", f"{id_}//x"):
        assert arm.get(path).status == 404, path


def test_references_in_another_case_are_understood(group: Group, arm: Arm) -> None:
    ip = arm.make(group.path(ADDRESSES, "Ip"), address())["id"]
    balancer_id = group.path(BALANCERS, "lb")
    arm.make(balancer_id, balancer(balancer_id, address_id=ip.upper()))
    assert arm.delete(ip).code == "PublicIPAddressCannotBeDeleted"
    net = arm.make(group.path(NETWORKS, "Net"), network(subnet("Nodes", "10.0.0.0/24")))["id"]
    made = arm.make(group.path(CLUSTERS, "c"), cluster(profile(vnetSubnetID=f"{net}/subnets/Nodes".lower())))
    [machine] = arm.get(f"{made['id']}/agentPools/system/machines").body["value"]
    assert machine["properties"]["network"]["ipAddresses"][0]["ip"] == "10.0.0.4"
    assert arm.delete(net).code == "InUseSubnetCannotBeDeleted"
