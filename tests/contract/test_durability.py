"""kill -9 at any moment: what was answered is kept, what was under way goes on."""

from collections.abc import Callable

from azure.mgmt.containerservice.models import ManagedCluster

from tests.contract.bodies import (
    ADDRESSES,
    CLUSTERS,
    SECURITY_GROUPS,
    ZONES,
    address,
    cluster,
    pool,
    rule_properties,
    security_group,
)
from tests.contract.cloud import Arm, Clients, Cloud, until
from tests.contract.conftest import new_group

StartCloud = Callable[[str], Cloud]


def test_an_operation_that_was_under_way_ends_as_if_nothing_had_happened(start_cloud: StartCloud) -> None:
    cloud = start_cloud("240")
    arm = Arm(cloud)
    path = new_group(arm).path(CLUSTERS, "c")
    reply = arm.put(path, cluster())
    cloud.kill()
    cloud.start()
    assert arm.ended(reply)["status"] == "Succeeded"
    assert arm.get(path).state == "Succeeded"
    assert len(arm.get(f"{path}/agentPools/system/machines").body["value"]) == 1
    arm.close()


def test_the_sdk_polls_on_across_a_kill(start_cloud: StartCloud) -> None:
    cloud = start_cloud("120")
    arm, clients = Arm(cloud), Clients(cloud, retries=10)
    group = new_group(arm)
    poller = clients.aks.managed_clusters.begin_create_or_update(group.name, "c", ManagedCluster(cluster()))
    cloud.kill()
    cloud.start()
    made = poller.result(20)
    assert made.properties is not None
    assert made.properties.provisioning_state == "Succeeded"
    clients.close()
    arm.close()


def test_a_deletion_that_was_under_way_ends_too(start_cloud: StartCloud) -> None:
    cloud = start_cloud("instant")
    arm = Arm(cloud)
    group = new_group(arm)
    path = group.path(CLUSTERS, "c")
    nodes = arm.make(path, cluster())["properties"]["nodeResourceGroup"]
    location = arm.delete(group.id).headers["Location"]
    cloud.kill()
    cloud.start()
    until("the group is gone", lambda: True if arm.get(location).status == 200 else None)
    assert (arm.get(path).status, arm.get(f"/resourceGroups/{nodes}").status) == (404, 404)
    arm.close()


def test_everything_answered_is_there_after_a_kill(start_cloud: StartCloud) -> None:
    cloud = start_cloud("instant")
    arm = Arm(cloud)
    group = new_group(arm)
    paths = [
        group.path(ADDRESSES, "ip"),
        group.path(SECURITY_GROUPS, "nsg"),
        group.path(SECURITY_GROUPS, "nsg/securityRules/r"),
        group.path(ZONES, "demo.example"),
        group.path(ZONES, "demo.example/A/www"),
        group.path(CLUSTERS, "c"),
        group.path(CLUSTERS, "c/agentPools/p"),
    ]
    bodies = [
        address(),
        security_group(),
        {"properties": rule_properties()},
        {"location": "global"},
        {"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "203.0.113.9"}]}},
        cluster(),
        pool(count=2),
    ]
    before = [arm.make(path, body) for path, body in zip(paths, bodies, strict=True)]
    before[1] = arm.get(paths[1]).body
    before[3] = arm.get(paths[3]).body
    before[5] = arm.get(paths[5]).body
    cloud.kill()
    cloud.start()
    assert [arm.get(path).body for path in paths] == before
    arm.close()


def test_an_answer_given_the_instant_before_a_kill_is_kept(start_cloud: StartCloud) -> None:
    cloud = start_cloud("0.01")
    arm = Arm(cloud)
    group = new_group(arm)
    for i in range(2):
        assert arm.put(group.path(ADDRESSES, f"ip{i}"), address()).status == 201
        cloud.kill()
        cloud.start()
        assert arm.get(group.path(ADDRESSES, f"ip{i}")).state == "Updating"
    found = [ip["properties"]["ipAddress"] for ip in arm.get(group.path(ADDRESSES)).body["value"]]
    assert len(set(found)) == 2
    arm.close()


def test_authority_tokens_and_account_stay_the_same(start_cloud: StartCloud) -> None:
    cloud = start_cloud("instant")
    arm = Arm(cloud)
    account = (cloud.state / "account.json").read_text()
    authority = (cloud.state / "ca.crt").read_bytes()
    cloud.kill()
    cloud.start()
    assert (cloud.state / "account.json").read_text() == account
    assert (cloud.state / "ca.crt").read_bytes() == authority
    assert arm.get("/resourceGroups").status == 200, "a token outlives the process that gave it"
    arm.close()


def test_it_ends_in_order_on_sigterm(start_cloud: StartCloud) -> None:
    cloud = start_cloud("1")
    arm = Arm(cloud)
    arm.put(new_group(arm).path(CLUSTERS, "c"), cluster())
    assert cloud.stop() == 0
    assert "Traceback" not in cloud.log()
    cloud.start()
    arm.close()
