"""deployments: templates that become resources, and what is told of them."""

from collections.abc import Callable
from typing import Any

from tests.contract.bodies import ADDRESSES, CLUSTERS, address, cluster
from tests.contract.cloud import Arm, Cloud, Group, until
from tests.contract.conftest import new_group

DEPLOYMENTS = "Microsoft.Resources/deployments"
Body = dict[str, Any]


def resource(type_: str, name: str, body: Body, **more: Any) -> Body:
    """A resource of a template."""
    return {"type": type_, "name": name, "apiVersion": "2024-05-01", **body, **more}


def deployment(*resources: Body, **template: Any) -> Body:
    """A deployment of a template."""
    return {"properties": {"mode": "Incremental", "template": {"resources": list(resources), **template}}}


TWO = deployment(
    resource(ADDRESSES, "second", address(), dependsOn=["first"]),
    resource(ADDRESSES, "first", address()),
    outputs={"ip": {"type": "string", "value": "[reference('second').ipAddress]"}},
)


def test_a_template_becomes_resources_and_outputs(arm: Arm, group: Group) -> None:
    reply = arm.put(path := group.path(DEPLOYMENTS, "d"), TWO)
    assert (reply.status, reply.state) == (201, "Accepted")
    assert f"{path}/operationStatuses/" in reply.headers["Azure-AsyncOperation"]
    assert arm.ended(reply)["status"] == "Succeeded"
    after = arm.get(path).body["properties"]
    made = {item["name"]: item for item in arm.get(group.path(ADDRESSES)).body["value"]}
    assert after["provisioningState"] == "Succeeded"
    assert after["outputs"] == {"ip": {"type": "String", "value": made["second"]["properties"]["ipAddress"]}}
    assert [item["id"] for item in after["outputResources"]] == [made["first"]["id"], made["second"]["id"]]
    assert arm.put(path, TWO).status == 200


def test_a_resource_is_made_when_what_it_depends_on_is_there(brisk: Arm) -> None:
    group = new_group(brisk)
    begun = brisk.journal()["last"]
    brisk.make(group.path(DEPLOYMENTS, "d"), TWO)
    assert brisk.journal(begun)["entries"][0]["path"].endswith("/deployments/d"), "what it makes is no request of ours"
    assert {item["name"] for item in brisk.get(group.path(ADDRESSES)).body["value"]} == {"first", "second"}


def test_a_refusal_of_a_resource_is_told_in_the_details_of_the_failure(arm: Arm, group: Group) -> None:
    bad = resource(ADDRESSES, "bad", address(idleTimeoutInMinutes=99))
    failed = arm.ended(
        arm.put(path := group.path(DEPLOYMENTS, "d"), deployment(resource(ADDRESSES, "good", address()), bad))
    )
    assert (failed["status"], failed["error"]["code"]) == ("Failed", "DeploymentFailed")
    alone = arm.put(group.path(ADDRESSES, "bad"), address(idleTimeoutInMinutes=99))
    assert [detail["code"] for detail in failed["error"]["details"]] == [alone.code]
    properties = arm.get(path).body["properties"]
    assert (properties["provisioningState"], properties["error"]["code"]) == ("Failed", "DeploymentFailed")
    assert arm.get(group.path(ADDRESSES, "good")).status == 200, "what was made before stays"


def test_a_deployment_is_none_of_its_groups_resources_and_goes_with_the_group(arm: Arm, group: Group) -> None:
    arm.make(path := group.path(DEPLOYMENTS, "d"), TWO)
    assert [item["name"] for item in arm.get(group.path(DEPLOYMENTS)).body["value"]] == ["d"]
    assert {item["type"] for item in arm.get(f"{group.id}/resources").body["value"]} == {ADDRESSES}
    assert arm.delete(path).status == 200
    assert (arm.get(path).status, arm.get(path).code) == (404, "DeploymentNotFound")
    assert arm.get(group.path(ADDRESSES, "first")).status == 200
    arm.make(path, TWO)
    arm.remove(group.id)
    arm.put(group.id, {"location": "westeurope"})
    until("the group is empty", lambda: True if arm.get(path).status == 404 else None)


def test_a_template_can_be_validated_and_nothing_is_made(arm: Arm, group: Group) -> None:
    path = group.path(DEPLOYMENTS, "d")
    good = arm.post(f"{path}/validate", TWO)
    assert (good.status, good.state) == (200, "Succeeded")
    bad = arm.post(f"{path}/validate", deployment(resource(ADDRESSES, "a", address(), dependsOn=["none"])))
    assert (bad.status, bad.code) == (400, "InvalidTemplate")
    assert "The resource 'none' is not defined in the template." in bad.message
    assert arm.get(path).status == 404
    assert arm.get(group.path(ADDRESSES)).body["value"] == []


def test_what_no_deployment_here_does_is_501(arm: Arm, group: Group) -> None:
    path = group.path(DEPLOYMENTS, "d")
    for change in ({"mode": "Complete"}, {"templateLink": {"uri": "https://example.com/t.json"}}):
        assert arm.put(path, {"properties": {**TWO["properties"], **change}}).status == 501, change
    wide = arm.put(f"/providers/{DEPLOYMENTS}/d", {**TWO, "location": "westeurope"})
    assert (wide.status, wide.code) == (501, "NotImplemented")
    assert arm.post(f"{path}/whatIf", TWO).status == 501


def test_one_deployment_of_a_name_at_a_time(unhurried: Arm) -> None:
    path = new_group(unhurried).path(DEPLOYMENTS, "d")
    assert unhurried.put(path, TWO).status == 201
    again = unhurried.put(path, TWO)
    assert (again.status, again.code) == (409, "DeploymentActive")
    assert unhurried.get(path).state == "Running"


def test_a_deployment_goes_on_after_a_kill(start_cloud: Callable[..., Cloud]) -> None:
    cloud = start_cloud("240")
    arm = Arm(cloud)
    group = new_group(arm)
    body = resource(CLUSTERS, "c", cluster())
    reply = arm.put(
        group.path(DEPLOYMENTS, "d"), deployment(body, resource(ADDRESSES, "ip", address(), dependsOn=["c"]))
    )
    until("the cluster is begun", lambda: True if arm.get(group.path(CLUSTERS, "c")).status == 200 else None)
    cloud.kill()
    cloud.start()
    assert arm.ended(reply)["status"] == "Succeeded"
    assert arm.get(group.path(CLUSTERS, "c")).state == "Succeeded"
    assert arm.get(group.path(ADDRESSES, "ip")).state == "Succeeded"
    arm.close()
