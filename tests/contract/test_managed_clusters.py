"""managedClusters: what comes with one, what AKS takes and refuses, versions, credentials."""

import base64
from typing import Any

import pytest
import yaml
from azure.mgmt.containerservice.models import ManagedCluster, TagsObject

from tests.contract.bodies import CLUSTERS, NETWORKS, SECURITY_GROUPS, cluster, network, pool, profile, subnet
from tests.contract.cloud import Arm, Clients, Group
from tests.contract.conftest import new_group


def refusal(arm: Arm, path: str, body: dict[str, Any]) -> tuple[int, str]:
    """Status and code of a PUT."""
    reply = arm.put(path, body)
    return reply.status, "" if reply.status < 300 else reply.code


@pytest.fixture
def path(group: Group) -> str:
    """The id of a cluster to be."""
    return group.path(CLUSTERS, "c")


def test_the_sdk_makes_reads_tags_and_removes_a_cluster(sdk: Clients, group: Group) -> None:
    clusters = sdk.aks.managed_clusters
    made = clusters.begin_create_or_update(group.name, "c", ManagedCluster(cluster())).result()
    assert made.properties is not None
    assert made.properties.provisioning_state == "Succeeded"
    assert made.properties.current_kubernetes_version == "1.36.2"
    assert [p.name for p in made.properties.agent_pool_profiles or []] == ["system"]
    tagged = clusters.begin_update_tags(group.name, "c", TagsObject(tags={"team": "shop"})).result()
    assert tagged.tags == {"team": "shop"}
    assert [c.name for c in clusters.list_by_resource_group(group.name)] == ["c"]
    assert made.id in [c.id for c in clusters.list()]
    clusters.begin_delete(group.name, "c").result()
    assert list(clusters.list_by_resource_group(group.name)) == []


def test_a_node_group_comes_with_its_network_and_a_security_group_on_the_subnet(
    arm: Arm, group: Group, path: str
) -> None:
    made = arm.make(path, cluster())
    name = made["properties"]["nodeResourceGroup"]
    assert name == f"MC_{group.name}_c_westeurope"
    nodes = arm.get(f"/resourceGroups/{name}").body
    assert nodes["managedBy"] == made["id"]
    [net] = arm.get(f"/resourceGroups/{name}/providers/{NETWORKS}").body["value"]
    [nsg] = arm.get(f"/resourceGroups/{name}/providers/{SECURITY_GROUPS}").body["value"]
    [nodes_subnet] = net["properties"]["subnets"]
    assert nodes_subnet["name"] == "aks-subnet"
    assert nodes_subnet["properties"]["networkSecurityGroup"]["id"] == nsg["id"]
    assert nsg["properties"]["subnets"] == [{"id": nodes_subnet["id"]}]
    assert arm.delete(nsg["id"]).code == "InUseNetworkSecurityGroupCannotBeDeleted"


def test_the_node_group_goes_with_the_cluster(arm: Arm, path: str) -> None:
    name = arm.make(path, cluster(nodeResourceGroup="nodes-of-c"))["properties"]["nodeResourceGroup"]
    assert name == "nodes-of-c"
    arm.remove(path)
    assert arm.get("/resourceGroups/nodes-of-c").code == "ResourceGroupNotFound"


def test_a_brought_subnet_replaces_akss_own_network(arm: Arm, group: Group, path: str) -> None:
    net = group.path(NETWORKS, "net")
    arm.make(net, network(subnet("nodes", "10.0.0.0/24")))
    made = arm.make(path, cluster(profile(vnetSubnetID=f"{net}/subnets/nodes")))
    assert (
        arm.get(f"/resourceGroups/{made['properties']['nodeResourceGroup']}/providers/{NETWORKS}").body["value"] == []
    )
    [machine] = arm.get(f"{path}/agentPools/system/machines").body["value"]
    assert machine["properties"]["network"]["ipAddresses"][0]["ip"] == "10.0.0.4"


def test_the_security_group_of_nodes_in_a_brought_subnet_is_in_use(arm: Arm, group: Group, path: str) -> None:
    net = arm.make(group.path(NETWORKS, "net"), network(subnet("s", "10.0.0.0/24")))["id"]
    made = arm.make(path, cluster(profile(vnetSubnetID=f"{net}/subnets/s")))
    nodes = Group(made["properties"]["nodeResourceGroup"], arm)
    [nsg] = arm.get(nodes.path(SECURITY_GROUPS)).body["value"]
    reply = arm.delete(nsg["id"])
    assert (reply.status, reply.code) == (400, "InUseNetworkSecurityGroupCannotBeDeleted")


def test_a_brought_subnet_exists(arm: Arm, group: Group, path: str) -> None:
    missing = group.path(NETWORKS, "none/subnets/nodes")
    assert refusal(arm, path, cluster(profile(vnetSubnetID=missing)))[0] == 400
    assert arm.get(path).status == 404


def test_azure_fills_in_what_nobody_asked_for(arm: Arm, path: str) -> None:
    made = arm.make(path, cluster())
    properties = made["properties"]
    assert made["sku"] == {"name": "Base", "tier": "Free"}
    assert made["identity"]["principalId"]
    assert properties["powerState"] == {"code": "Running"}
    assert properties["maxAgentPools"] == 100
    assert properties["servicePrincipalProfile"] == {"clientId": "msi"}
    assert properties["autoUpgradeProfile"]["nodeOSUpgradeChannel"] == "NodeImage"
    assert properties["storageProfile"]["diskCSIDriver"] == {"enabled": True}
    assert properties["fqdn"].endswith(".hcp.westeurope.azmk8s.io")
    net = properties["networkProfile"]
    assert (net["podCidr"], net["serviceCidr"], net["dnsServiceIP"]) == ("10.244.0.0/16", "10.0.0.0/16", "10.0.0.10")
    [system] = properties["agentPoolProfiles"]
    assert (system["type"], system["osSKU"], system["kubeletDiskType"]) == ("VirtualMachineScaleSets", "Ubuntu", "OS")
    assert (system["powerState"], system["maxPods"]) == ({"code": "Running"}, 250)
    assert system["upgradeSettings"] == {"maxSurge": "10%"}
    assert system["nodeImageVersion"].startswith("AKSUbuntu")


def test_identities_come_with_a_cluster_its_own_and_that_of_its_nodes(arm: Arm, path: str) -> None:
    made = arm.make(path, cluster())
    assert made["identity"]["tenantId"] == arm.cloud.tenant
    kubelet = made["properties"]["identityProfile"]["kubeletidentity"]
    nodes = made["properties"]["nodeResourceGroup"]
    assert f"/resourcegroups/{nodes}/providers/Microsoft.ManagedIdentity/" in kubelet["resourceId"]
    assert kubelet["clientId"] != kubelet["objectId"]
    assert arm.make(path, cluster())["identity"] == made["identity"], "kept"


def test_a_user_assigned_identity_is_shown_with_its_ids(arm: Arm, group: Group, path: str) -> None:
    mine = group.path("Microsoft.ManagedIdentity/userAssignedIdentities", "mine")
    body = {**cluster(), "identity": {"type": "UserAssigned", "userAssignedIdentities": {mine: {}}}}
    identity = arm.make(path, body)["identity"]
    assert identity.keys() == {"type", "userAssignedIdentities"}
    assert identity["userAssignedIdentities"][mine].keys() == {"clientId", "principalId"}


def test_ranges_that_are_given_are_kept_and_what_follows_from_them_is_filled_in(arm: Arm, path: str) -> None:
    given = {
        "networkPlugin": "azure",
        "networkPluginMode": "overlay",
        "serviceCidr": "10.9.0.0/16",
        "podCidr": "10.8.0.0/16",
    }
    net = arm.make(path, cluster(networkProfile=given))["properties"]["networkProfile"]
    assert (net["serviceCidrs"], net["dnsServiceIP"], net["podCidrs"]) == (
        ["10.9.0.0/16"],
        "10.9.0.10",
        ["10.8.0.0/16"],
    )


@pytest.mark.parametrize(
    "properties",
    [
        {"networkProfile": {"networkPlugin": "flannel"}},
        {"networkProfile": {"networkPlugin": "azure", "networkPluginMode": "underlay"}},
        {"networkProfile": {"networkPolicy": "some"}},
        {"networkProfile": {"networkDataplane": "some"}},
        {"networkProfile": {"outboundType": "carrierPigeon"}},
        {"networkProfile": {"loadBalancerSku": "basic"}},
        {"networkProfile": {"loadBalancerProfile": {"managedOutboundIPs": {"count": 0}}}},
        {"networkProfile": {"loadBalancerProfile": {"managedOutboundIPs": {"count": 101}}}},
        {"networkProfile": {"loadBalancerProfile": {"allocatedOutboundPorts": 64001}}},
        {"networkProfile": {"loadBalancerProfile": {"idleTimeoutInMinutes": 3}}},
        {"networkProfile": {"loadBalancerProfile": {"backendPoolType": "some"}}},
        {"networkProfile": {"podCidr": "everywhere"}},
        {"networkProfile": {"serviceCidr": "10.0.0.0/16", "dnsServiceIP": "10.1.0.10"}},
        {"supportPlan": "Friends"},
        {"supportPlan": "AKSLongTermSupport"},
        {"autoUpgradeProfile": {"upgradeChannel": "always"}},
        {"autoUpgradeProfile": {"nodeOSUpgradeChannel": "always"}},
        {"apiServerAccessProfile": {"authorizedIPRanges": ["home"]}},
        {"ingressProfile": {"webAppRouting": {"enabled": True, "dnsZoneResourceIds": [f"/z{i}" for i in range(6)]}}},
    ],
    ids=str,
)
def test_a_value_that_aks_does_not_have_is_refused(arm: Arm, path: str, properties: dict[str, Any]) -> None:
    assert refusal(arm, path, cluster(**properties)) == (400, "InvalidParameter")
    assert arm.get(path).status == 404


@pytest.mark.parametrize("sku", [{"tier": "Gold"}, {"name": "Bass"}], ids=str)
def test_a_sku_that_aks_does_not_have_is_refused(arm: Arm, path: str, sku: dict[str, str]) -> None:
    assert refusal(arm, path, {**cluster(), "sku": sku}) == (400, "InvalidParameter")


def test_long_term_support_comes_with_tier_premium(unhurried: Arm) -> None:
    body = {**cluster(supportPlan="AKSLongTermSupport"), "sku": {"name": "Base", "tier": "Premium"}}
    made = unhurried.put(new_group(unhurried).path(CLUSTERS, "c"), body)
    assert (made.status, made.body["sku"]["tier"]) == (201, "Premium")


def test_what_nothing_here_would_do_for_a_cluster_is_501(arm: Arm, path: str) -> None:
    assert refusal(arm, path, {**cluster(), "sku": {"name": "Automatic"}}) == (501, "NotImplemented")
    assert arm.get(path).status == 404


def test_read_only_properties_in_a_body_are_ignored(arm: Arm, path: str) -> None:
    mine = {"provisioningState": "Failed", "fqdn": "mine", "currentKubernetesVersion": "9.9.9", "maxAgentPools": 1}
    properties = arm.make(path, cluster(**mine))["properties"]
    assert properties["provisioningState"] == "Succeeded"
    assert all(properties[key] != value for key, value in mine.items())


def test_pods_on_a_node_are_110_with_kubenet(arm: Arm, path: str) -> None:
    made = arm.make(path, cluster(networkProfile={"networkPlugin": "kubenet"}))
    assert made["properties"]["agentPoolProfiles"][0]["maxPods"] == 110


@pytest.mark.parametrize("name", ["-c", "c-", "c.c", "c" * 64, "c%0A", "c%20c"])
def test_a_cluster_name_that_aks_does_not_take_is_refused(arm: Arm, group: Group, name: str) -> None:
    assert refusal(arm, group.path(CLUSTERS, name), cluster()) == (400, "InvalidParameter")


@pytest.mark.parametrize("name", ["c", "C", "7", "a-_b", "c" * 63])
def test_a_cluster_name_has_letters_digits_hyphens_and_underscores(unhurried: Arm, name: str) -> None:
    body = cluster(nodeResourceGroup=f"nodes-{new_group(unhurried).name}")
    assert unhurried.put(new_group(unhurried).path(CLUSTERS, name), body).status == 201


def test_a_cluster_needs_a_system_pool_a_dns_prefix_and_a_location(arm: Arm, path: str) -> None:
    without_system = cluster(profile("user", mode="User"))
    assert refusal(arm, path, without_system) == (400, "BadRequest")
    assert arm.put(path, without_system).message == "Must define at least one system pool."
    assert refusal(arm, path, cluster(dnsPrefix=None)) == (400, "InvalidParameter")
    assert refusal(arm, path, {**cluster(), "location": None}) == (400, "LocationRequired")
    assert arm.get(path).status == 404


def test_two_pools_of_one_name_are_refused(arm: Arm, path: str) -> None:
    assert refusal(arm, path, cluster(profile("a"), profile("a"))) == (400, "InvalidParameter")


def test_a_node_group_name_is_at_most_80_characters_and_free(arm: Arm, group: Group, path: str) -> None:
    assert refusal(arm, path, cluster(nodeResourceGroup="n" * 81)) == (400, "InvalidParameter")
    assert refusal(arm, path, cluster(nodeResourceGroup=group.name)) == (409, "NodeResourceGroupAlreadyExists")


def test_what_was_settled_at_creation_cannot_change(arm: Arm, path: str) -> None:
    arm.make(path, cluster())
    for change in (
        {"dnsPrefix": "other"},
        {"nodeResourceGroup": "other"},
        {"networkProfile": {"serviceCidr": "10.9.0.0/16"}},
        {"enableRBAC": False},
    ):
        assert refusal(arm, path, cluster(**change)) == (400, "PropertyChangeNotAllowed"), change
    assert refusal(arm, path, {**cluster(), "location": "northeurope"}) == (409, "InvalidResourceLocation")


def test_a_pool_cannot_be_added_through_its_cluster(arm: Arm, path: str) -> None:
    arm.make(path, cluster())
    reply = arm.put(path, cluster(profile(), profile("more", mode="User")))
    assert (reply.status, reply.code) == (400, "BadRequest")
    assert reply.message.startswith("A new agent pool was introduced.")
    assert reply.body["target"] == "agentPoolProfiles"


def test_a_cluster_written_without_profiles_keeps_its_pools(arm: Arm, path: str) -> None:
    arm.make(path, cluster(profile(count=3)))
    again = arm.make(path, {"location": "westeurope", "properties": {"dnsPrefix": "dns"}})
    assert [p["count"] for p in again["properties"]["agentPoolProfiles"]] == [3]


def test_what_was_read_can_be_written_back(arm: Arm, path: str) -> None:
    before = arm.make(path, cluster())
    after = arm.make(path, before)
    assert {**after, "eTag": ""} == {**before, "eTag": ""}


def test_a_pool_is_scaled_through_its_cluster_and_others_stay(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster(profile(), profile("user", mode="User", nodeLabels={"disk": "ssd"})))
    reply = brisk.put(path, cluster(profile(count=3)))
    assert (reply.status, reply.state) == (200, "Scaling")
    states = {pool["name"]: pool["provisioningState"] for pool in reply.body["properties"]["agentPoolProfiles"]}
    assert states == {"system": "Scaling", "user": "Succeeded"}
    brisk.ended(reply)
    pools = {pool["name"]: pool["properties"] for pool in brisk.get(f"{path}/agentPools").body["value"]}
    assert (pools["system"]["count"], pools["system"]["provisioningState"]) == (3, "Succeeded")
    assert (pools["user"]["count"], pools["user"]["nodeLabels"]) == (1, {"disk": "ssd"})
    assert len(brisk.get(f"{path}/agentPools/system/machines").body["value"]) == 3


def test_pools_are_upgraded_through_their_cluster_after_it(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster(kubernetesVersion="1.35"))
    whole = brisk.put(path, cluster(profile(orchestratorVersion="1.36"), kubernetesVersion="1.36"))
    assert (whole.status, whole.state) == (200, "Upgrading")
    brisk.ended(whole)
    after = brisk.get(path).body["properties"]
    [pool] = after["agentPoolProfiles"]
    assert (after["currentKubernetesVersion"], pool["currentOrchestratorVersion"]) == ("1.36.2", "1.36.2")
    assert pool["provisioningState"] == "Succeeded"


def test_a_pool_through_its_cluster_follows_the_rules_of_pools(arm: Arm, path: str) -> None:
    arm.make(path, cluster(kubernetesVersion="1.35"))
    for change, refused in (
        ({"vmSize": "Standard_D8s_v5"}, "PropertyChangeNotAllowed"),
        ({"count": 0}, "InvalidParameter"),
        ({"count": 5001}, "InvalidParameter"),
        ({"mode": "User"}, "OperationNotAllowed"),
        ({"orchestratorVersion": "1.36"}, "NodePoolMcVersionIncompatible"),
    ):
        body = cluster({**profile(), **change}, kubernetesVersion="1.35")
        assert refusal(arm, path, body) == (400, refused), change


def test_a_canceled_update_of_a_cluster_leaves_its_pools_canceled_too(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster())
    reply = brisk.put(path, cluster(profile(count=3)))
    brisk.ended(brisk.post(f"{path}/abort"))
    assert brisk.ended(reply)["status"] == "Canceled"
    assert brisk.get(f"{path}/agentPools/system").state == "Canceled"
    repaired = brisk.make(path, cluster(profile(count=3)))["properties"]
    assert repaired["provisioningState"] == "Succeeded"
    assert repaired["agentPoolProfiles"][0]["provisioningState"] == "Succeeded"


def test_an_alias_runs_the_newest_patch_and_stays_an_alias(arm: Arm, path: str) -> None:
    properties = arm.make(path, cluster(kubernetesVersion="1.35"))["properties"]
    assert (properties["kubernetesVersion"], properties["currentKubernetesVersion"]) == ("1.35", "1.35.3")


@pytest.mark.parametrize("version", ["1.12.0", "1.99", "1", "36", "latest", "v1.36.2"])
def test_an_unknown_version_is_refused(arm: Arm, path: str, version: str) -> None:
    assert refusal(arm, path, cluster(kubernetesVersion=version)) == (400, "K8sVersionNotSupported")


def test_a_control_plane_goes_up_one_minor_at_a_time_and_never_down(arm: Arm, path: str) -> None:
    arm.make(path, cluster(kubernetesVersion="1.34"))
    skipped = arm.put(path, cluster(kubernetesVersion="1.36"))
    assert (skipped.status, skipped.code) == (400, "OperationNotAllowed")
    assert (
        "Upgrading Kubernetes version 1.34.4 to 1.36.2 is not allowed. Available upgrades: [1.35.3]" in skipped.message
    )
    assert refusal(arm, path, cluster(kubernetesVersion="1.33")) == (400, "OperationNotAllowed")
    upgraded = arm.make(path, cluster(kubernetesVersion="1.35"))["properties"]
    assert upgraded["currentKubernetesVersion"] == "1.35.3"
    assert upgraded["agentPoolProfiles"][0]["currentOrchestratorVersion"] == "1.34.4"


def test_an_upgrade_shows_its_version_only_at_its_end(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster(kubernetesVersion="1.35"))
    reply = brisk.put(path, cluster(kubernetesVersion="1.36"))
    assert (reply.status, reply.state) == (200, "Upgrading")
    assert reply.body["properties"]["currentKubernetesVersion"] == "1.35.3"
    brisk.ended(reply)
    assert brisk.get(path).body["properties"]["currentKubernetesVersion"] == "1.36.2"


def test_a_control_plane_is_at_most_three_minors_before_its_pools(arm: Arm, path: str) -> None:
    arm.make(path, cluster(kubernetesVersion="1.33"))
    for version in ("1.34", "1.35", "1.36"):
        arm.make(path, cluster(kubernetesVersion=version))
    assert refusal(arm, path, cluster(kubernetesVersion="1.37")) == (400, "NodePoolMcVersionIncompatible")


def test_versions_on_offer_and_upgrades_can_be_listed(sdk: Clients, arm: Arm, group: Group, path: str) -> None:
    offered = sdk.aks.managed_clusters.list_kubernetes_versions("westeurope")
    assert [v.version for v in offered.values_property or []] == ["1.33", "1.34", "1.35", "1.36", "1.37"]
    assert [v.version for v in offered.values_property or [] if v.is_default] == ["1.36"]
    arm.make(path, cluster(kubernetesVersion="1.35"))
    upgrades = sdk.aks.managed_clusters.get_upgrade_profile(group.name, "c")
    assert upgrades.properties is not None
    assert [u.kubernetes_version for u in upgrades.properties.control_plane_profile.upgrades or []] == ["1.36.2"]


def test_one_operation_at_a_time_the_next_is_409(unhurried: Arm) -> None:
    path = new_group(unhurried).path(CLUSTERS, "c")
    unhurried.put(path, cluster())
    for reply in (
        unhurried.put(path, cluster()),
        unhurried.patch(path, {"tags": {"a": "b"}}),
        unhurried.delete(path),
        unhurried.put(f"{path}/agentPools/p", pool()),
        unhurried.delete(f"{path}/agentPools/system"),
    ):
        assert (reply.status, reply.body["code"]) == (409, "OperationNotAllowed")
        assert reply.message.startswith("Operation is not allowed: Another operation (Creating) is in progress")


def test_a_pool_at_work_keeps_its_cluster_busy(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster())
    brisk.put(f"{path}/agentPools/p", pool())
    reply = brisk.put(path, cluster())
    assert (reply.status, reply.code) == (409, "OperationNotAllowed")
    assert "Another agentpool operation (p - Creating) is in progress" in reply.message


def test_deleting_twice_tells_the_same_operation(brisk: Arm) -> None:
    path = new_group(brisk).path(CLUSTERS, "c")
    brisk.make(path, cluster())
    first, second = brisk.delete(path), brisk.delete(path)
    assert (first.status, second.status) == (202, 202)
    assert first.headers["Location"] == second.headers["Location"]


@pytest.mark.parametrize("word", ["Admin", "User"])
def test_credentials_are_base64_kubeconfigs(arm: Arm, path: str, word: str) -> None:
    arm.make(path, cluster())
    [found] = arm.post(f"{path}/listCluster{word}Credential").body["kubeconfigs"]
    assert found["name"] == f"cluster{word}"
    config = yaml.safe_load(base64.b64decode(found["value"]))
    assert (config["kind"], config["current-context"]) == ("Config", "c")


def test_the_sdk_reads_credentials(sdk: Clients, arm: Arm, group: Group, path: str) -> None:
    arm.make(path, cluster())
    clusters = sdk.aks.managed_clusters
    for found in (
        clusters.list_cluster_admin_credentials(group.name, "c"),
        clusters.list_cluster_user_credentials(group.name, "c"),
    ):
        assert b"kind: Config" in ((found.kubeconfigs or [])[0].value or b"")


def test_without_local_accounts_there_is_no_admin_credential(arm: Arm, path: str) -> None:
    arm.make(path, cluster(disableLocalAccounts=True))
    reply = arm.post(f"{path}/listClusterAdminCredential")
    assert (reply.status, reply.code) == (400, "BadRequest")
    assert arm.post(f"{path}/listClusterUserCredential").status == 200


def test_an_issuer_comes_with_oidc(arm: Arm, path: str) -> None:
    made = arm.make(path, cluster(oidcIssuerProfile={"enabled": True}))
    issuer = made["properties"]["oidcIssuerProfile"]["issuerURL"]
    assert issuer.startswith(f"https://westeurope.oic.prod-aks.azure.com/{arm.cloud.tenant}/")


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"kubernetesVersions": "1.36"}, "kubernetesVersions"),
        ({"networkProfile": {"plugin": "azure"}}, "plugin"),
        ({"agentPoolProfiles": [{**profile(), "nodes": 1}]}, "nodes"),
        ({"addonProfiles": {"omsagent": {"enabled": True, "settings": {}}}}, "settings"),
    ],
    ids=str,
)
def test_a_property_that_aks_does_not_have_is_refused(
    arm: Arm, path: str, properties: dict[str, Any], field: str
) -> None:
    body = cluster()
    body["properties"] |= properties
    reply = arm.put(path, body)
    assert (reply.status, reply.code) == (400, "UnmarshalError")
    assert f'json: unknown field "{field}"' in reply.message
    assert arm.get(path).status == 404


@pytest.mark.parametrize(
    "properties",
    [
        {"oidcIssuerProfile": {"enabled": "yes"}},
        {"autoScalerProfile": {"expander": 1}},
        {"addonProfiles": {"omsagent": {"config": {"logAnalyticsWorkspaceResourceID": 1}}}},
        {"storageProfile": {"diskCSIDriver": {"enabled": 1}}},
        {"aadProfile": {"adminGroupObjectIDs": "me"}},
    ],
    ids=str,
)
def test_a_value_of_a_wrong_kind_is_refused_however_deep(arm: Arm, path: str, properties: dict[str, Any]) -> None:
    assert refusal(arm, path, cluster(**properties)) == (400, "UnmarshalError")
