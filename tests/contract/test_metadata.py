"""What ARM tells of itself: its cloud's endpoints, tenants, subscriptions, regions and resource providers."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.contract.bodies import ADDRESSES, CLUSTERS, address, cluster
from tests.contract.cloud import Arm, Clients, Cloud, Group, Reply

NETWORK = "Microsoft.Network"


def endpoints(arm: Arm, version: str | None) -> Reply:
    """The cloud's endpoints, asked for without a token."""
    query = "" if version is None else f"?api-version={version}"
    return arm.send("GET", f"/metadata/endpoints{query}", headers={})


def leads_here(arm: Arm, cloud: dict[str, Any]) -> bool:
    """Whether a description says where this cloud takes logins and requests."""
    audiences = cloud["authentication"]["audiences"]
    assert audiences[0] == f"{arm.cloud.endpoint}/"
    return bool(cloud["authentication"]["loginEndpoint"] == arm.cloud.endpoint)


# endpoints


@pytest.mark.parametrize("version", ["2022-09-01", "2023-12-01"])
def test_the_clouds_endpoints_are_an_object_since_2022(arm: Arm, version: str) -> None:
    reply = endpoints(arm, version)
    assert reply.status == 200
    assert leads_here(arm, reply.body)
    assert reply.body["resourceManager"] == f"{arm.cloud.endpoint}/"
    assert reply.body["authentication"]["identityProvider"] == "AAD"
    assert {"keyVaultDns", "storage", "acrLoginServer"} <= reply.body["suffixes"].keys()


@pytest.mark.parametrize("version", ["2018-05-01", "2019-05-01", "2020-06-01"])
def test_the_clouds_endpoints_were_a_list_of_clouds_before(arm: Arm, version: str) -> None:
    [cloud] = endpoints(arm, version).body
    assert leads_here(arm, cloud)
    assert cloud["name"] == "fakecloud"


def test_the_clouds_endpoints_were_a_few_names_long_ago(arm: Arm) -> None:
    found = endpoints(arm, "2015-01-01").body
    assert leads_here(arm, found)
    assert found.keys() == {"galleryEndpoint", "graphEndpoint", "portalEndpoint", "authentication"}


def test_a_service_that_the_cloud_does_not_have_is_nowhere_and_not_azures(arm: Arm) -> None:
    found = endpoints(arm, "2022-09-01").body
    hosts = {str(name) for name in found["suffixes"].values()}
    hosts |= {urlsplit(url).hostname or "" for url in found.values() if isinstance(url, str) and "://" in url}
    assert {host for host in hosts if not host.endswith(".fakecloud.invalid")} == {"localhost"}


def test_endpoints_are_asked_for_in_an_api_version(arm: Arm) -> None:
    assert (endpoints(arm, None).status, endpoints(arm, None).code) == (400, "MissingApiVersionParameter")
    assert endpoints(arm, "latest").code == "InvalidApiVersionParameter"


# tenants, subscriptions, regions


def test_the_one_tenant_is_listed(arm: Arm) -> None:
    [tenant] = arm.get(f"{arm.cloud.endpoint}/tenants").body["value"]
    assert tenant["tenantId"] == arm.cloud.tenant
    assert tenant["tenantCategory"] == "Home"


def test_a_subscriptions_regions_tell_names_pairs_and_zones(arm: Arm) -> None:
    regions = {region["name"]: region for region in arm.get("/locations").body["value"]}
    assert set(regions) == set(arm.cloud.account()["locations"])
    europe = regions["westeurope"]
    assert (europe["displayName"], europe["regionalDisplayName"]) == ("West Europe", "(Europe) West Europe")
    assert europe["id"] == f"/subscriptions/{arm.cloud.subscription}/locations/westeurope"
    assert europe["metadata"]["pairedRegion"][0]["name"] == "northeurope"
    assert [zone["logicalZone"] for zone in europe["availabilityZoneMappings"]] == ["1", "2", "3"]
    assert "availabilityZoneMappings" not in regions["westus"]


def test_nothing_is_told_of_a_subscription_that_is_not_there(arm: Arm) -> None:
    for path in ("locations", "providers", f"providers/{NETWORK}"):
        reply = arm.get(f"/subscriptions/00000000-0000-0000-0000-000000000001/{path}")
        assert (reply.status, reply.code) == (404, "SubscriptionNotFound"), path


def test_what_arm_tells_of_itself_needs_a_token_but_for_the_endpoints(arm: Arm) -> None:
    for path in ("/tenants", "/providers", f"/subscriptions/{arm.cloud.subscription}/locations"):
        assert arm.send("GET", f"{path}?api-version=2022-12-01", headers={}).status == 401, path


def test_what_arm_tells_of_itself_cannot_be_written(arm: Arm) -> None:
    for path in ("/locations", "/providers", f"/providers/{NETWORK}"):
        assert arm.put(path, {}).status == 405, path


# resource providers


def test_a_provider_tells_its_types_with_their_api_versions_and_regions(arm: Arm) -> None:
    provider = arm.get(f"/providers/{NETWORK}").body
    assert provider["id"] == f"/subscriptions/{arm.cloud.subscription}/providers/{NETWORK}"
    assert (provider["namespace"], provider["registrationState"]) == (NETWORK, "Registered")
    types = {type_["resourceType"]: type_ for type_ in provider["resourceTypes"]}
    assert "2026-03-01" in types["networkSecurityGroups"]["apiVersions"]
    assert "2018-11-01" in types["networkSecurityGroups/securityRules"]["apiVersions"]
    assert "West Europe" in types["networkSecurityGroups"]["locations"]
    assert types["dnsZones"]["locations"] == ["global"]


def test_every_type_of_every_provider_has_an_api_version(arm: Arm) -> None:
    for provider in arm.get("/providers").body["value"]:
        for type_ in provider["resourceTypes"]:
            assert type_["apiVersions"], f"{provider['namespace']}/{type_['resourceType']}"


def test_the_api_versions_that_the_sdk_sends_are_told(arm: Arm, sdk: Clients) -> None:
    told = {
        f"{provider['namespace']}/{type_['resourceType']}".lower(): type_["apiVersions"]
        for provider in arm.get("/providers").body["value"]
        for type_ in provider["resourceTypes"]
    }
    before = arm.journal()["last"]
    for pages in (
        sdk.aks.managed_clusters.list(),
        sdk.network.load_balancers.list_all(),
        sdk.dns.zones.list(),
    ):
        list(pages)
    sent = {
        entry["path"].partition("/providers/")[2].lower(): entry["api_version"]
        for entry in arm.journal(before)["entries"]
        if "/providers/" in entry["path"]
    }
    assert len(sent) == 3
    for type_, version in sent.items():
        assert version in told[type_], type_


def test_compute_tells_in_which_zones_machines_may_be(arm: Arm) -> None:
    types = {t["resourceType"]: t for t in arm.get("/providers/Microsoft.Compute").body["resourceTypes"]}
    zones = {mapping["location"]: mapping["zones"] for mapping in types["virtualMachineScaleSets"]["zoneMappings"]}
    assert zones["West Europe"] == ["1", "2", "3"]
    assert "West US" not in zones


def test_providers_are_told_to_the_tenant_without_a_registration(arm: Arm) -> None:
    found = arm.get(f"{arm.cloud.endpoint}/providers/{NETWORK}").body
    assert found["namespace"] == NETWORK
    assert "registrationState" not in found
    every = arm.get(f"{arm.cloud.endpoint}/providers").body["value"]
    assert NETWORK in [provider["namespace"] for provider in every]


def test_a_provider_that_nobody_knows_is_no_namespace(arm: Arm) -> None:
    reply = arm.get("/providers/Contoso.Pizza")
    assert (reply.status, reply.code) == (404, "InvalidResourceNamespace")
    assert reply.message == "The resource namespace 'Contoso.Pizza' is invalid."


def test_providers_are_told_in_pages(arm: Arm) -> None:
    first = arm.get("/providers?$top=2").body
    assert len(first["value"]) == 2
    following = arm.get(first["nextLink"]).body["value"]
    assert first["value"][1]["namespace"] < following[0]["namespace"]


def test_registering_again_changes_nothing(arm: Arm) -> None:
    reply = arm.post(f"/providers/{NETWORK}/register")
    assert (reply.status, reply.body["registrationState"]) == (200, "Registered")


def test_nothing_is_made_of_a_provider_that_the_subscription_does_without(start_cloud: Callable[..., Cloud]) -> None:
    cloud = start_cloud("instant")
    arm = Arm(cloud)
    group = Group("g", arm)
    arm.put(group.id, {"location": "westeurope"})
    left = arm.post("/providers/microsoft.containerservice/unregister")
    assert (left.status, left.body["registrationState"]) == (200, "Unregistered")
    refused = arm.put(group.path(CLUSTERS, "c"), cluster())
    assert (refused.status, refused.code) == (409, "MissingSubscriptionRegistration")
    assert refused.message.startswith(
        "The subscription is not registered to use namespace 'Microsoft.ContainerService'."
    )
    assert refused.body["error"]["details"][0]["target"] == "Microsoft.ContainerService"
    arm.make(group.path(ADDRESSES, "ip"), address())
    assert arm.post("/providers/Microsoft.ContainerService/register").body["registrationState"] == "Registered"
    arm.make(group.path(CLUSTERS, "c"), cluster())
    arm.close()


def test_a_provider_in_use_stays_registered(group: Group, arm: Arm) -> None:
    arm.make(group.path(ADDRESSES, "ip"), address())
    reply = arm.post(f"/providers/{NETWORK}/unregister")
    assert (reply.status, reply.code) == (409, "CannotUnregisterResourceProvider")
    assert arm.get(f"/providers/{NETWORK}").body["registrationState"] == "Registered"
