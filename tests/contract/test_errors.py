"""Refusals: their status, their code, and which of ARM's two shapes they have."""

from urllib.parse import quote

import pytest

from tests.contract.bodies import (
    ADDRESSES,
    BALANCERS,
    CLUSTERS,
    NETWORKS,
    SECURITY_GROUPS,
    ZONES,
    address,
    cluster,
    pool,
)
from tests.contract.cloud import Arm, Group

GATEWAY_FIELDS = {"code", "message"}
FLAT_FIELDS = {"code", "details", "message", "subcode"}


def test_a_missing_resource_is_404_in_the_gateways_shape(group: Group, arm: Arm) -> None:
    for type_ in (ADDRESSES, NETWORKS, SECURITY_GROUPS, BALANCERS, CLUSTERS, ZONES):
        reply = arm.get(group.path(type_, "none.example"))
        assert (reply.status, reply.code) == (404, "ResourceNotFound")
        assert reply.body["error"].keys() == GATEWAY_FIELDS
        assert reply.headers["x-ms-failure-cause"] == "gateway"
        assert (
            f"The Resource '{type_}/none.example' under resource group '{group.name}' was not found." in reply.message
        )


def test_a_missing_child_of_a_network_resource_is_notfound(group: Group, arm: Arm) -> None:
    arm.make(
        group.path(NETWORKS, "n"),
        {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}},
    )
    arm.make(group.path(SECURITY_GROUPS, "g"), {"location": "westeurope"})
    for path in (group.path(NETWORKS, "n/subnets/none"), group.path(SECURITY_GROUPS, "g/securityRules/none")):
        assert (arm.get(path).status, arm.get(path).code) == (404, "NotFound")


@pytest.mark.parametrize(
    ("type_", "child"),
    [
        (CLUSTERS, "agentPools"),
        (SECURITY_GROUPS, "securityRules"),
        (NETWORKS, "subnets"),
        (BALANCERS, "backendAddressPools"),
        (ZONES, "A"),
    ],
)
def test_a_child_of_a_missing_parent_is_parentresourcenotfound(group: Group, arm: Arm, type_: str, child: str) -> None:
    path = group.path(type_, f"none.example/{child}")
    for reply in (arm.get(path), arm.get(f"{path}/x"), arm.put(f"{path}/x", {"properties": {}})):
        assert (reply.status, reply.code) == (404, "ParentResourceNotFound")


def test_aks_refuses_in_a_flat_shape(group: Group, arm: Arm) -> None:
    reply = arm.put(group.path(CLUSTERS, "c"), cluster(kubernetesVersion="1.2.3"))
    assert reply.status == 400
    assert reply.body.keys() == FLAT_FIELDS
    assert reply.body["code"] == "K8sVersionNotSupported"
    assert (reply.body["details"], reply.body["subcode"]) == (None, "")
    assert "x-ms-failure-cause" not in reply.headers


def test_network_refuses_in_the_gateways_shape(group: Group, arm: Arm) -> None:
    reply = arm.put(group.path(ADDRESSES, "ip"), address(idleTimeoutInMinutes=99))
    assert (reply.status, reply.code) == (400, "PublicIPAddressIdleTimeoutIsOutOfRange")
    assert reply.body.keys() == {"error"}


def test_a_request_without_api_version_is_refused(arm: Arm) -> None:
    headers = {"Authorization": f"Bearer {arm.token}"}
    for path in (f"/subscriptions/{arm.cloud.subscription}/resourceGroups", "/subscriptions"):
        reply = arm.send("GET", path, headers=headers)
        assert (reply.status, reply.code) == (400, "MissingApiVersionParameter")


@pytest.mark.parametrize("version", ["2015-06-15", "2022-01-01", "2026-08-01", "2023-07-01-preview"])
def test_any_api_version_of_a_known_type_is_taken(group: Group, arm: Arm, version: str) -> None:
    reply = arm.put(f"{group.path(ADDRESSES, 'ip')}?api-version={version}", address())
    assert reply.status in {200, 201}
    assert f"api-version={version}" in reply.headers["Azure-AsyncOperation"]
    assert arm.get(f"{group.path(ADDRESSES, 'ip')}?api-version={version}").status == 200


def test_an_unknown_type_is_invalidresourcetype_and_an_unknown_provider_invalidresourcenamespace(
    group: Group, arm: Arm
) -> None:
    for type_, code in (
        ("Microsoft.Network/unicorns", "InvalidResourceType"),
        ("Microsoft.ContainerService/managedClusters/c/unicorns", "InvalidResourceType"),
        ("Microsoft.Unicorn/horns", "InvalidResourceNamespace"),
    ):
        reply = arm.get(group.path(type_, "x"))
        assert (reply.status, reply.code) == (404, code)
    assert (
        "'unicorns' could not be found in the namespace 'Microsoft.Network'"
        in arm.get(group.path("Microsoft.Network/unicorns", "x")).message
    )


def test_an_action_that_azure_does_not_have_is_invalidresourcetype(group: Group, arm: Arm) -> None:
    reply = arm.post(group.path(CLUSTERS, "c/dance"), {})
    assert (reply.status, reply.code) == (404, "InvalidResourceType")
    assert "'managedClusters/dance'" in reply.message


@pytest.mark.parametrize("version", ["new", "2024", "2024-5-1", "2024-05-01 ", "20240501", "2024-05-01-"])
def test_an_api_version_that_is_none_is_refused(arm: Arm, version: str) -> None:
    reply = arm.get(f"/resourceGroups?api-version={quote(version)}")
    assert (reply.status, reply.code) == (400, "InvalidApiVersionParameter")


def test_a_subscription_that_is_no_guid_is_refused(arm: Arm) -> None:
    reply = arm.get("/subscriptions/mine/resourceGroups")
    assert (reply.status, reply.code) == (400, "InvalidSubscriptionId")


def test_content_that_is_not_said_to_be_json_is_415(group: Group, arm: Arm) -> None:
    path = group.path(ADDRESSES, "ip")
    reply = arm.put(path, address(), Content_Type="text/plain")
    assert (reply.status, reply.code) == (415, "UnsupportedMediaType")
    assert arm.get(path).status == 404
    assert arm.put(path, address(), Content_Type="application/json; charset=utf-8").status == 201


def test_an_extension_of_a_resource_is_its_own_providers(group: Group, arm: Arm) -> None:
    path = group.path(CLUSTERS, "c/providers/Microsoft.Authorization/roleAssignments/x")
    reply = arm.put(path, {"properties": {}})
    assert (reply.status, reply.code) == (501, "NotImplemented")
    assert "Microsoft.Authorization/roleAssignments" in reply.message
    unicorn = arm.get(group.path(CLUSTERS, "c/providers/Microsoft.Unicorn/horns/x"))
    assert (unicorn.status, unicorn.code) == (404, "InvalidResourceNamespace")


def test_what_azure_can_do_and_the_fake_cannot_is_501_and_changes_nothing(group: Group, arm: Arm) -> None:
    made = arm.make(group.path(CLUSTERS, "c"), cluster())
    for action in ("resetAADProfile", "resetServicePrincipalProfile"):
        reply = arm.post(group.path(CLUSTERS, f"c/{action}"), {})
        assert (reply.status, reply.code) == (501, "NotImplemented"), action
    assert arm.get(group.path(CLUSTERS, "c")).body == made


def test_a_method_that_a_resource_does_not_have_is_405(group: Group, arm: Arm) -> None:
    for method, path in (
        ("PUT", group.path(ADDRESSES)),
        ("DELETE", group.path(ADDRESSES)),
        ("PUT", "/resourceGroups"),
        ("DELETE", f"{group.id}/resources"),
        ("DELETE", f"/subscriptions/{arm.cloud.subscription}"),
    ):
        assert arm(method, path, {} if method == "PUT" else None).status == 405, path


def test_a_subscription_that_is_not_there_is_404(arm: Arm) -> None:
    reply = arm.get("/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups")
    assert (reply.status, reply.code) == (404, "SubscriptionNotFound")


def test_content_that_is_no_json_object_is_invalidrequestcontent(group: Group, arm: Arm) -> None:
    headers = {"Authorization": f"Bearer {arm.token}", "Content-Type": "application/json"}
    url = group.path(ADDRESSES, "ip") + "?api-version=2024-05-01"
    for content in (
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": 18446744073709551616}',
        b'{"a": "\\ud800"}',
        b"[" * 100_000,
    ):
        reply = arm.send("PUT", url, body=content, headers=headers)
        assert (reply.status, reply.code) == (400, "InvalidRequestContent"), content[:20]


def test_content_of_the_wrong_kind_is_refused_with_its_path(group: Group, arm: Arm) -> None:
    network = arm.put(group.path(ADDRESSES, "ip"), address(idleTimeoutInMinutes="four"))
    assert (network.status, network.code) == (400, "InvalidRequestFormat")
    assert "properties.idleTimeoutInMinutes" in network.body["error"]["details"][0]["message"]
    arm.make(group.path(CLUSTERS, "c"), cluster())
    aks = arm.put(group.path(CLUSTERS, "c/agentPools/p"), pool(nodeTaints="none"))
    assert (aks.status, aks.body["code"]) == (400, "UnmarshalError")
    assert "properties.nodeTaints" in aks.message


def test_a_request_larger_than_arm_takes_is_413(group: Group, arm: Arm) -> None:
    reply = arm.put(group.path(ADDRESSES, "ip"), {**address(), "tags": {"big": "x" * 5_000_000}})
    assert (reply.status, reply.code) == (413, "RequestEntityTooLarge")


def test_every_answer_names_itself_and_echoes_the_callers_ids(arm: Arm) -> None:
    for path in ("/resourceGroups", "/resourceGroups/none"):
        reply = arm.get(path, x_ms_client_request_id="mine", x_ms_correlation_request_id="ours")
        assert reply.headers["x-ms-request-id"]
        assert reply.headers["x-ms-client-request-id"] == "mine"
        assert reply.headers["x-ms-correlation-request-id"] == "ours"


def test_answers_tell_how_many_requests_are_left(group: Group, arm: Arm) -> None:
    for scope in ("subscription-global", "subscription"):
        name = f"x-ms-ratelimit-remaining-{scope}"
        assert int(arm.get(group.id).headers[f"{name}-reads"]) > 0
        assert int(arm.put(group.id, {"location": "westeurope"}).headers[f"{name}-writes"]) > 0
        assert int(arm.delete(group.path(ADDRESSES, "none")).headers[f"{name}-deletes"]) > 0


def test_a_path_that_is_none_of_arms_is_an_arm_error_too(arm: Arm) -> None:
    reply = arm.get(f"{arm.cloud.endpoint}/nothing/here")
    assert (reply.status, reply.code) == (404, "InvalidResourceType")


def test_nobody_registers_a_provider_by_accident(group: Group, arm: Arm) -> None:
    """The SDK would then register it by itself, with sleeps of ten seconds."""
    for type_ in ("Microsoft.Compute/virtualMachines", "Microsoft.ManagedIdentity/userAssignedIdentities"):
        reply = arm.put(group.path(type_, "x"), {"location": "westeurope"})
        assert (reply.status, reply.code) == (501, "NotImplemented")
