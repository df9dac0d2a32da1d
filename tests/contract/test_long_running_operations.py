"""Long-running operations: what each service answers at first, while it works, and at the end."""

import re
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from tests.contract.bodies import (
    ADDRESSES,
    BALANCERS,
    CLUSTERS,
    NETWORKS,
    SECURITY_GROUPS,
    ZONES,
    address,
    balancer,
    cluster,
    network,
    pool,
    security_group,
)
from tests.contract.cloud import Arm, Reply, until
from tests.contract.conftest import new_group

OPERATION = re.compile(
    r"https://localhost:\d+/subscriptions/[-0-9a-f]{36}/providers/(?P<provider>[^/]+)/locations/(?P<location>[^/]+)/operations/(?P<id>[-0-9a-f]{36})\?api-version=\d{4}-\d\d-\d\d&t=.+&c=.+&s=.+&h=.+"
)


def operation_of(reply: Reply) -> re.Match[str]:
    """The parts of the operation's URL."""
    found = OPERATION.fullmatch(reply.headers["Azure-AsyncOperation"])
    assert found is not None, reply.headers["Azure-AsyncOperation"]
    return found


def test_creating_a_cluster_answers_201_creating_and_an_operation_of_its_location(unhurried: Arm) -> None:
    reply = unhurried.put(new_group(unhurried).path(CLUSTERS, "c"), cluster())
    assert (reply.status, reply.state) == (201, "Creating")
    url = operation_of(reply)
    assert (url["provider"], url["location"]) == ("Microsoft.ContainerService", "westeurope")
    assert "Location" not in reply.headers


def test_an_aks_operation_tells_name_status_and_start_and_at_its_end_when_it_ended(brisk: Arm) -> None:
    reply = brisk.put(new_group(brisk).path(CLUSTERS, "c"), cluster())
    url = reply.headers["Azure-AsyncOperation"]
    running = brisk.get(url)
    assert running.status == 200
    assert running.body.keys() == {"name", "status", "startTime"}
    assert running.body["status"] == "InProgress"
    ended = brisk.ended(reply)
    assert ended.keys() == {"name", "status", "startTime", "endTime"}
    assert ended["status"] == "Succeeded"
    assert ended["startTime"] < ended["endTime"]


def test_the_name_of_an_aks_operation_is_the_guid_of_its_url_in_another_byte_order(unhurried: Arm) -> None:
    reply = unhurried.put(new_group(unhurried).path(CLUSTERS, "c"), cluster())
    name = unhurried.get(reply.headers["Azure-AsyncOperation"]).body["name"]
    assert UUID(name).bytes_le == UUID(operation_of(reply)["id"]).bytes


def test_a_network_operation_tells_its_status_only(unhurried: Arm) -> None:
    reply = unhurried.put(new_group(unhurried).path(ADDRESSES, "ip"), address())
    assert operation_of(reply)["provider"] == "Microsoft.Network"
    assert unhurried.get(reply.headers["Azure-AsyncOperation"]).body == {"status": "InProgress"}


@pytest.mark.parametrize(
    ("type_", "body"),
    [(ADDRESSES, address()), (NETWORKS, network()), (SECURITY_GROUPS, security_group())],
    ids=["public IP", "virtual network", "security group"],
)
def test_creating_a_network_resource_answers_201_and_updating_never_creating(
    unhurried: Arm, type_: str, body: dict[str, object]
) -> None:
    path = new_group(unhurried).path(type_, "x")
    reply = unhurried.put(path, body)
    assert (reply.status, reply.state) == (201, "Updating")
    assert operation_of(reply)["location"] == "westeurope"
    assert unhurried.get(path).state == "Updating"


def test_a_balancer_is_succeeded_from_its_first_answer_on(brisk: Arm) -> None:
    group = new_group(brisk)
    ip = brisk.make(group.path(ADDRESSES, "ip"), address())["id"]
    id_ = group.path(BALANCERS, "lb")
    reply = brisk.put(id_, balancer(id_, address_id=ip))
    assert (reply.status, reply.state) == (201, "Succeeded")
    operation_of(reply)


def test_writing_a_network_resource_again_answers_200_with_an_operation(arm: Arm) -> None:
    path = new_group(arm).path(ADDRESSES, "ip")
    arm.make(path, address())
    reply = arm.put(path, address())
    assert reply.status == 200
    operation_of(reply)


def test_an_update_of_a_cluster_answers_200_updating(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster())
    reply = brisk.put(path, {**cluster(), "tags": {"a": "b"}})
    assert (reply.status, reply.state) == (200, "Updating")
    assert brisk.ended(reply)["status"] == "Succeeded"
    assert brisk.get(path).state == "Succeeded"


def test_the_states_of_a_pool_are_creating_scaling_updating_upgrading_and_deleting(brisk: Arm) -> None:
    group = new_group(brisk)
    brisk.make(group.path(CLUSTERS, "c"), cluster(kubernetesVersion="1.36"))
    path = group.path(CLUSTERS, "c/agentPools/ssd")
    for body, status, state in (
        (pool(orchestratorVersion="1.35"), 201, "Creating"),
        (pool(count=2), 200, "Scaling"),
        (pool(count=2, nodeLabels={"disk": "ssd"}), 200, "Updating"),
        (pool(count=2, orchestratorVersion="1.36"), 200, "Upgrading"),
    ):
        reply = brisk.put(path, body)
        assert (reply.status, reply.state) == (status, state)
        assert brisk.get(path).state == state
        assert brisk.ended(reply)["status"] == "Succeeded"
        assert brisk.get(path).state == "Succeeded"
    assert brisk.delete(path).status == 202
    assert brisk.get(path).state == "Deleting"


@pytest.mark.parametrize("type_", [ADDRESSES, CLUSTERS], ids=["network", "aks"])
def test_deletion_answers_202_without_a_body_and_both_urls(unhurried: Arm, arm: Arm, type_: str) -> None:
    path = new_group(arm).path(type_, "x")
    arm.make(path, address() if type_ == ADDRESSES else cluster())
    reply = arm.delete(path)
    assert (reply.status, reply.text) == (202, "")
    operation_of(reply)
    assert "/operationresults/" in reply.headers["Location"]
    until("it is gone", lambda: True if arm.get(reply.headers["Location"]).status == 200 else None)
    assert arm.ended(reply)["status"] == "Succeeded"
    assert (arm.get(path).status, arm.get(path).code) == (404, "ResourceNotFound")


def test_the_location_of_a_deletion_answers_202_while_it_runs(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster())
    location = brisk.delete(path).headers["Location"]
    assert brisk.get(location).status == 202
    until("it is gone", lambda: True if brisk.get(location).status == 200 else None)


def test_deleting_what_is_not_there_answers_204(arm: Arm) -> None:
    group = new_group(arm)
    for path in (
        group.path(ADDRESSES, "none"),
        group.path(CLUSTERS, "none"),
        group.path(CLUSTERS, "none/agentPools/p"),
        group.path(SECURITY_GROUPS, "none/securityRules/r"),
        group.path(ZONES, "none.example"),
        group.path(ZONES, "none.example/A/www"),
    ):
        assert arm.delete(path).status == 204, path


def test_a_zone_is_made_at_once_and_removed_by_an_operation(unhurried: Arm) -> None:
    path = new_group(unhurried).path(ZONES, "demo.example")
    reply = unhurried.put(path, {"location": "global"})
    assert reply.status == 201
    assert "Azure-AsyncOperation" not in reply.headers
    deletion = unhurried.delete(path)
    assert deletion.status == 202
    assert unhurried.get(deletion.headers["Azure-AsyncOperation"]).body == {"status": "InProgress"}


def _zone_that_goes(arm: Arm) -> tuple[Reply, str, str]:
    """The answer to a zone's DELETE, and the URLs of its operation's state and result."""
    group = new_group(arm)
    arm.make(group.path(ZONES, "demo.example"), {"location": "global"})
    reply = arm.delete(group.path(ZONES, "demo.example"))
    status, result = (reply.headers[name] for name in ("Azure-AsyncOperation", "Location"))
    assert f"{group.id}/providers/Microsoft.Network/dnsOperationStatuses/" in status
    assert f"{group.id}/providers/Microsoft.Network/dnsOperationResults/" in result
    return reply, status, result


def test_the_operations_of_a_zone_are_those_of_azure_dns(unhurried: Arm) -> None:
    _, status, result = _zone_that_goes(unhurried)
    assert unhurried.get(result).status == 202
    assert unhurried.get(status).body == {"status": "InProgress"}


def test_the_operations_of_a_zone_end_as_those_of_azure_dns(brisk: Arm) -> None:
    reply, _, result = _zone_that_goes(brisk)
    assert brisk.ended(reply) == {"status": "Succeeded"}
    assert brisk.get(result).status == 200


def test_operation_urls_are_signed_and_as_long_as_arms(unhurried: Arm) -> None:
    reply = unhurried.put(new_group(unhurried).path(CLUSTERS, "c"), cluster())
    url = reply.headers["Azure-AsyncOperation"]
    assert 2500 < len(url) < 4096
    assert {"t", "c", "s", "h"} <= parse_qs(urlsplit(url).query).keys()


def test_an_operation_never_issued_is_404(arm: Arm) -> None:
    for kind in ("operations", "operationresults"):
        reply = arm.get(f"/providers/Microsoft.Network/locations/westeurope/{kind}/{UUID(int=7)}")
        assert (reply.status, reply.code) == (404, "OperationNotFound")
    assert arm.get(f"/operationresults/{UUID(int=7)}").code == "OperationNotFound"


def test_urls_are_made_from_the_host_that_was_asked(arm: Arm) -> None:
    path = new_group(arm).path(ADDRESSES, "ip")
    reply = arm.put(path, address(), Host="azure.test:8443")
    assert reply.headers["Azure-AsyncOperation"].startswith("https://azure.test:8443/subscriptions/")


def test_retry_after_is_ten_of_azures_seconds_in_whole_ones_of_ours(unhurried: Arm, brisk: Arm, arm: Arm) -> None:
    for cloud, seconds in ((unhurried, "1000"), (brisk, "1"), (arm, "0")):
        reply = cloud.put(new_group(cloud).path(ADDRESSES, "ip"), address())
        assert reply.headers["Retry-After"] == seconds


def test_an_operation_that_ended_sends_no_retry_after(arm: Arm) -> None:
    reply = arm.put(new_group(arm).path(ADDRESSES, "ip"), address())
    arm.ended(reply)
    assert "Retry-After" not in arm.get(reply.headers["Azure-AsyncOperation"]).headers


def test_an_operation_can_fail_with_a_code_and_the_same_put_repairs_the_resource(arm: Arm) -> None:
    group = new_group(arm)
    net = group.path(NETWORKS, "net")
    arm.make(net, network({"name": "tiny", "properties": {"addressPrefix": "10.0.0.0/28"}}))
    body = cluster(
        {
            "name": "sys",
            "mode": "System",
            "count": 12,
            "vmSize": "Standard_D4s_v5",
            "vnetSubnetID": f"{net}/subnets/tiny",
        }
    )
    reply = arm.put(group.path(CLUSTERS, "c"), body)
    operation = arm.ended(reply)
    assert (reply.status, operation["status"], operation["error"]["code"]) == (201, "Failed", "SubnetIsFull")
    assert arm.get(group.path(CLUSTERS, "c")).state == "Failed"
    arm.make(group.path(CLUSTERS, "c/agentPools/sys"), pool(mode="System", count=3))
    arm.make(group.path(CLUSTERS, "c"), {"location": "westeurope", "properties": {}})
    assert arm.get(group.path(CLUSTERS, "c")).state == "Succeeded"
