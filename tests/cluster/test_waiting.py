"""Objects that wait for others, or ask for what cannot be: they say why, go on by themselves, and can be let go."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import MERGE, Api, condition, path_of
from tests.cluster.desk import LOCATION, READY_SECONDS, SIZE, Desk
from tests.cluster.office import Office
from tests.contract import bodies
from tests.contract.cloud import Arm, until

SOON = 2.0
"""Seconds within which whoever waits has noticed; a second is the aim, the other is the machine's."""


@pytest.fixture(scope="module")
def office(api: Api, arm: Arm, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office(api, arm, kubeconfig, tmp_path_factory.mktemp("office"), desks=36) as made:
        made.operator.start()
        yield made
        assert made.operator.errors() == []


@pytest.fixture
def desk(office: Office) -> Desk:
    made = office.desk()
    made.ready("CloudAccount", "default")
    return made


def noticed(desk: Desk, kind: str, name: str, was: str) -> float:
    """Seconds until Ready has another reason than `was`."""
    began = time.monotonic()
    until(
        f"{kind} {name} is not {was} any more",
        lambda: True if condition(desk.get(kind, name))["reason"] != was else None,
    )
    return time.monotonic() - began


# who waits for whom


def test_an_account_that_comes_later_wakes_who_waits_for_it(office: Office) -> None:
    desk = office.desk()
    desk.zone(accountRef={"name": "later"})
    assert "'later'" in desk.refused("DNSZone", "zone", "WaitingForAccount")
    desk.apply("CloudAccount", "later", **desk.account())
    desk.ready("CloudAccount", "later")
    assert noticed(desk, "DNSZone", "zone", "WaitingForAccount") < SOON
    desk.ready("DNSZone", "zone")
    assert "Waiting" not in " ".join(desk.events("zone")[1:]), "said once"


def test_a_cluster_that_comes_later_wakes_its_pools(desk: Desk) -> None:
    desk.pool("web")
    assert "shop" in desk.refused("NodePool", "web", "WaitingForCluster")
    desk.cluster()
    assert "System" in desk.refused("ManagedCluster", "shop", "WaitingForSystemPool")
    desk.pool()
    assert noticed(desk, "ManagedCluster", "shop", "WaitingForSystemPool") < SOON
    desk.ready("ManagedCluster", "shop")
    assert noticed(desk, "NodePool", "web", "WaitingForCluster") < SOON
    desk.ready("NodePool", "web")
    desk.ready("NodePool", "system")
    pools = desk.writes("/agentpools/")
    assert [w.rpartition("/")[2] for w in pools] == ["web"], "the System pool came with its cluster"


def test_an_exposure_waits_for_cluster_and_zone(desk: Desk) -> None:
    desk.exposure(dns={"zoneRef": {"name": "zone"}, "name": "www"})
    assert "shop" in desk.refused("ServiceExposure", "web", "WaitingForCluster")
    desk.cluster()
    desk.pool()
    desk.ready("ManagedCluster", "shop")
    assert "zone" in desk.refused("ServiceExposure", "web", "WaitingForZone")
    desk.zone()
    desk.ready("DNSZone", "zone")
    assert noticed(desk, "ServiceExposure", "web", "WaitingForZone") < SOON
    desk.refused("ServiceExposure", "web", "ClusterUnreachable")  # this cloud's clusters have no API server
    desk.delete("ServiceExposure", "web")
    message = desk.refused("ServiceExposure", "web", "ClusterUnreachable")
    assert "aks-operator.io/skip-in-cluster-cleanup" in message
    desk.delete("DNSZone", "zone")
    assert "web" in desk.refused("DNSZone", "zone", "Blocked")
    desk.annotate("ServiceExposure", "web", skip_in_cluster_cleanup="true")
    for kind, name in (("ServiceExposure", "web"), ("DNSZone", "zone")):
        desk.gone(kind, name)
    for kind, name in (("NodePool", "system"), ("ManagedCluster", "shop")):
        desk.delete(kind, name)
    for kind, name in (("NodePool", "system"), ("ManagedCluster", "shop")):
        desk.gone(kind, name)
    assert desk.left() == []


# accounts


def test_a_wrong_client_secret_is_said_and_put_right_by_changing_the_secret(office: Office) -> None:
    desk = office.desk()
    desk.ready("CloudAccount", "default")
    desk.secret("wrong", clientSecret="not-the-secret-of-anybody")
    credential = {**desk.account()["credential"], "clientSecretRef": {"name": "wrong", "key": "clientSecret"}}
    desk.apply("CloudAccount", "other", **{**desk.account(), "credential": credential})
    message = desk.refused("CloudAccount", "other", "AuthenticationFailed")
    desk.zone(accountRef={"name": "other"})
    assert "AuthenticationFailed" in desk.refused("DNSZone", "zone", "WaitingForAccount")
    desk.secret("wrong", clientSecret=desk.arm.cloud.secret)
    desk.ready("CloudAccount", "other")
    desk.ready("DNSZone", "zone")
    said = [message, office.operator.log(), str(desk.api.items(f"/api/v1/namespaces/{desk.namespace}/events"))]
    said.append(str(desk.api.items(path_of("CloudAccount", desk.namespace))))
    for secret in ("not-the-secret-of-anybody", desk.arm.cloud.secret):
        assert not [text for text in said if secret in text]
    assert desk.events("other") == ["AuthenticationFailed", "Succeeded"]


def test_a_secret_that_is_rotated_away_under_a_ready_account_is_noticed_by_its_users(desk: Desk) -> None:
    desk.zone()
    desk.ready("DNSZone", "zone")
    desk.secret("azure-credential", clientSecret="rotated-and-wrong")
    desk.annotate("CloudAccount", "default", reconcile_at="1")
    desk.refused("CloudAccount", "default", "AuthenticationFailed")
    desk.secret("azure-credential", clientSecret=desk.arm.cloud.secret)
    desk.ready("CloudAccount", "default")
    desk.ready("DNSZone", "zone")


def test_a_missing_secret_and_a_missing_key_are_named(office: Office) -> None:
    desk = office.desk()
    credential = desk.account()["credential"]
    for name, ref in (("none", {"name": "later", "key": "a"}), ("key", {"name": "fakecloud-tls", "key": "b"})):
        desk.apply("CloudAccount", name, **{**desk.account(), "credential": {**credential, "clientSecretRef": ref}})
    assert f"{desk.namespace}/later" in desk.refused("CloudAccount", "none", "SecretNotFound")
    assert "'b'" in desk.refused("CloudAccount", "key", "SecretNotFound")
    desk.secret("later", a=desk.arm.cloud.secret)
    desk.annotate("CloudAccount", "none", reconcile_at="now")
    desk.ready("CloudAccount", "none")
    desk.delete("CloudAccount", "key")
    desk.gone("CloudAccount", "key")


def test_an_endpoint_must_be_allowed(office: Office) -> None:
    desk = office.desk()
    elsewhere = {**desk.account()["endpoints"], "authority": "https://localhost:1"}
    desk.apply("CloudAccount", "other", **{**desk.account(), "endpoints": elsewhere})
    assert "https://localhost:1" in desk.refused("CloudAccount", "other", "NotAllowed")
    desk.edit("CloudAccount", "other", endpoints=desk.account()["endpoints"])
    desk.ready("CloudAccount", "other")


def test_a_subscription_that_cannot_be_read(office: Office) -> None:
    desk = office.desk()
    nowhere = "11111111-2222-3333-4444-555555555555"
    desk.apply("CloudAccount", "other", **{**desk.account(), "subscriptionId": nowhere})
    assert nowhere in desk.refused("CloudAccount", "other", "AuthorizationFailed")
    desk.edit("CloudAccount", "other", subscriptionId=desk.arm.cloud.subscription)
    desk.ready("CloudAccount", "other")


def test_an_account_of_another_namespace_must_invite_and_its_withdrawal_keeps_nobody(office: Office) -> None:
    owner, guest = office.desk(), office.desk()
    owner.ready("CloudAccount", "default")
    guest.zone(accountRef={"name": "default", "namespace": owner.namespace})
    assert "allowedNamespaces" in guest.refused("DNSZone", "zone", "NotAllowed")
    owner.edit("CloudAccount", "default", allowedNamespaces=[guest.namespace])
    guest.ready("DNSZone", "zone")
    owner.edit("CloudAccount", "default", allowedNamespaces=[])
    guest.refused("DNSZone", "zone", "NotAllowed")
    guest.delete("DNSZone", "zone")
    guest.gone("DNSZone", "zone")
    assert guest.left() == []


def test_the_operators_own_namespace_is_looked_at_too(office: Office) -> None:
    desk = office.desk()
    home = Desk(office.api, office.arm, office.home)
    home.secret("azure-credential", clientSecret=desk.arm.cloud.secret)
    home.secret("fakecloud-tls", **{"ca.crt": desk.ca})
    home.apply("CloudAccount", "shared", **home.account(), allowedNamespaces=["*"])
    desk.zone(accountRef={"name": "shared"})
    desk.ready("DNSZone", "zone")


def test_an_account_in_use_goes_after_its_users(desk: Desk) -> None:
    desk.zone()
    desk.ready("DNSZone", "zone")
    desk.delete("CloudAccount", "default")
    assert "DNSZone" in desk.refused("CloudAccount", "default", "Blocked")
    assert desk.get("CloudAccount", "default")["status"]["deletion"]["blockedBy"]
    desk.delete("DNSZone", "zone")
    desk.gone("DNSZone", "zone")
    desk.gone("CloudAccount", "default")
    assert desk.left() == []


def test_a_change_of_the_account_disturbs_nobody(desk: Desk) -> None:
    desk.zone()
    desk.ready("DNSZone", "zone")
    before = desk.get("DNSZone", "zone")["metadata"]["resourceVersion"]
    desk.edit("CloudAccount", "default", allowedNamespaces=["somebody"])
    desk.ready("CloudAccount", "default")
    time.sleep(0.5)  # nothing is to happen: there is no condition to wait for
    assert desk.get("DNSZone", "zone")["metadata"]["resourceVersion"] == before


# what Azure refuses


def test_an_unknown_version_has_azures_word_and_can_be_corrected(desk: Desk) -> None:
    desk.cluster(kubernetesVersion="1.99")
    desk.pool()
    message = desk.refused("ManagedCluster", "shop", "K8sVersionNotSupported")
    assert "1.99" in message
    desk.edit(
        "ManagedCluster", "shop", kubernetesVersion="1.36", location="northeurope"
    )  # nothing is made: all is free
    desk.ready("ManagedCluster", "shop")
    reply = desk.api(
        "PATCH", path_of("ManagedCluster", desk.namespace, "shop"), {"spec": {"location": LOCATION}}, MERGE
    )
    assert reply.status == 422
    assert "location is immutable once created: create a new cluster" in reply.message


def test_an_unknown_size_has_azures_word_and_can_be_corrected(desk: Desk) -> None:
    desk.cluster()
    desk.pool(vmSize="Huge")
    until("Azure refused", lambda: refusal(desk, "ManagedCluster", "shop", "Huge"))
    until("the pool is free again", lambda: True if "id" not in desk.get("NodePool", "system")["status"] else None)
    before = desk.versions()
    time.sleep(3)  # a drift check: what was refused is not tried again
    assert desk.versions() == before
    desk.edit("NodePool", "system", vmSize=SIZE)
    desk.ready("ManagedCluster", "shop")
    desk.ready("NodePool", "system")
    desk.pool("web", vmSize="Huge")
    until("Azure refused", lambda: refusal(desk, "NodePool", "web", "Huge"))
    desk.edit("NodePool", "web", vmSize=SIZE)
    desk.ready("NodePool", "web")


def refusal(desk: Desk, kind: str, name: str, part: str) -> str | None:
    now = condition(desk.get(kind, name))
    return str(now["reason"]) if now and now["status"] == "False" and part in now["message"] else None


def test_a_pool_newer_than_its_cluster_waits_for_the_upgrade(desk: Desk) -> None:
    desk.cluster(kubernetesVersion="1.35")
    desk.pool()
    desk.ready("ManagedCluster", "shop")
    desk.pool("web", kubernetesVersion="1.36")
    assert "1.36" in desk.refused("NodePool", "web", "WaitingForCluster")
    desk.edit("ManagedCluster", "shop", kubernetesVersion="1.36")
    desk.ready("NodePool", "web")
    desk.ready("NodePool", "system")
    for pool in ("web", "system"):
        assert desk.get("NodePool", pool)["status"]["kubernetesVersion"].startswith("1.36."), pool


@pytest.mark.parametrize("kind", ["DNSZone", "ManagedCluster"])
def test_what_somebody_else_made_is_left_alone(desk: Desk, kind: str) -> None:
    arm, group = desk.arm, desk.group
    assert arm.put(group.id, {"location": LOCATION}).status == 201
    if kind == "DNSZone":
        id_ = desk.arm_id(bodies.ZONES, f"{desk.namespace}.example")
        theirs = arm.make(id_, {"location": "global", "tags": {"a": "b"}})
        desk.zone("it")
    else:
        id_ = desk.arm_id(bodies.CLUSTERS, "it")
        theirs = arm.make(id_, bodies.cluster())
        desk.cluster("it")
        desk.pool(clusterRef={"name": "it"})
    desk.mark()
    desk.refused(kind, "it", "AlreadyExists")
    seen = desk.get(kind, "it")
    assert "id" not in seen["status"]
    time.sleep(5)  # two drift checks: there is nothing to wait for
    assert desk.get(kind, "it")["metadata"]["resourceVersion"] == seen["metadata"]["resourceVersion"]
    assert desk.writes() == []
    assert arm.get(id_).body == theirs
    arm.remove(id_)
    desk.ready(kind, "it")
    desk.delete(kind, "it")
    desk.gone(kind, "it")
    assert desk.left() == []


def test_deleting_an_object_that_stands_for_somebody_elses_thing_leaves_the_thing(desk: Desk) -> None:
    desk.arm.put(desk.group.id, {"location": LOCATION})
    id_ = desk.arm_id(bodies.ZONES, f"{desk.namespace}.example")
    theirs = desk.arm.make(id_, {"location": "global"})
    desk.zone()
    desk.refused("DNSZone", "zone", "AlreadyExists")
    desk.delete("DNSZone", "zone")
    desk.gone("DNSZone", "zone")
    assert desk.arm.get(id_).body == theirs


# what is not built


NOT_SUPPORTED: list[tuple[str, dict[str, Any], str]] = [
    ("ManagedCluster", {"power": "Stopped"}, "power Stopped"),
    ("ManagedCluster", {"apiServer": {"visibility": "Private"}}, "Private"),
    ("ManagedCluster", {"workloadIdentity": "Enabled"}, "workloadIdentity"),
    ("ManagedCluster", {"applicationRouting": {"state": "Enabled"}}, "applicationRouting"),
    ("ManagedCluster", {"maintenance": {"weekly": {"day": "Monday", "start": "02:00"}}}, "maintenance"),
    ("ManagedCluster", {"logs": {"workspaceRef": {"name": "x"}, "categories": ["kube-audit"]}}, "logs"),
    ("ManagedCluster", {"network": {"subnetRef": {"name": "x", "subnet": "y"}}}, "network.subnetRef"),
    ("ManagedCluster", {"managementPolicy": "Observe"}, "managementPolicy Observe"),
    ("ManagedCluster", {"adoptionPolicy": "Adopt"}, "adoptionPolicy Adopt"),
    ("DNSZone", {"visibility": "Private"}, "private zones"),
    ("DNSZone", {"driftPolicy": "Report"}, "driftPolicy Report"),
]


def test_what_is_not_built_is_said_and_nothing_is_touched(desk: Desk) -> None:
    for n, (kind, spec, _) in enumerate(NOT_SUPPORTED):
        if kind == "ManagedCluster":
            desk.cluster(f"it-{n}", **spec)
        elif kind == "DNSZone":
            desk.zone(f"it-{n}", **{"zone": f"z{n}.example", **spec})
        else:
            desk.exposure(f"it-{n}", **spec)
    desk.apply("LogWorkspace", "logs", resourceGroup=desk.group.name, location=LOCATION)
    network = {"resourceGroup": desk.group.name, "location": LOCATION, "addressSpace": ["10.0.0.0/16"], "subnets": []}
    desk.apply("VirtualNetwork", "net", **network)
    for n, (kind, _, word) in enumerate(NOT_SUPPORTED):
        assert word in desk.refused(kind, f"it-{n}", "NotSupported")
        assert condition(desk.get(kind, f"it-{n}"), "Stalled")["status"] == "True"
    for kind, name in (("LogWorkspace", "logs"), ("VirtualNetwork", "net")):
        desk.refused(kind, name, "NotSupported")
        desk.delete(kind, name)
        desk.gone(kind, name)
    zone = next(f"it-{n}" for n, (_, spec, _) in enumerate(NOT_SUPPORTED) if "driftPolicy" in spec)
    desk.edit("DNSZone", zone, driftPolicy="Correct")
    desk.ready("DNSZone", zone)
    assert {w.partition("/providers/")[2].partition("/")[0] for w in desk.writes()} == {"", "microsoft.network"}
    for n, (kind, _, _) in enumerate(NOT_SUPPORTED):
        desk.delete(kind, f"it-{n}")
    for n, (kind, _, _) in enumerate(NOT_SUPPORTED):
        desk.gone(kind, f"it-{n}")
    assert desk.left() == []


# going and coming again


def test_an_object_made_again_under_its_name_is_another(desk: Desk) -> None:
    for _ in range(2):
        desk.zone()
        desk.ready("DNSZone", "zone")
        desk.delete("DNSZone", "zone")
        desk.gone("DNSZone", "zone")
    assert [w.partition(" ")[0] for w in desk.writes("/dnszones/")] == ["PUT", "DELETE"] * 2


def test_the_last_system_pool_stays_until_another_or_the_cluster_goes(desk: Desk) -> None:
    desk.cluster()
    desk.pool()
    desk.ready("NodePool", "system")
    desk.pool("web")
    desk.ready("NodePool", "web")
    desk.delete("NodePool", "system")
    assert "last System pool" in desk.refused("NodePool", "system", "Blocked")
    desk.pool("system2", mode="System")
    desk.gone("NodePool", "system")
    desk.delete("NodePool", "system2")
    desk.refused("NodePool", "system2", "Blocked")
    desk.delete("ManagedCluster", "shop")
    for kind, name in (("NodePool", "system2"), ("ManagedCluster", "shop")):
        desk.gone(kind, name)
    desk.delete("NodePool", "web")
    desk.gone("NodePool", "web")
    assert desk.left() == []


def test_a_cluster_deleted_in_azure_is_made_again_with_its_pools(desk: Desk) -> None:
    desk.cluster()
    desk.pool()
    desk.pool("web", replicas=2)
    desk.ready("NodePool", "web")
    id_ = desk.arm_id(bodies.CLUSTERS, "shop")
    desk.arm.remove(id_)
    until("it is there again", lambda: at_rest(desk, f"{id_}/agentPools/web"))  # Ready may be said of the one before
    for kind, name in (("ManagedCluster", "shop"), ("NodePool", "system"), ("NodePool", "web")):
        desk.ready(kind, name)
    made = desk.seen(f"{id_}/agentPools/web") or {}
    assert (made["properties"]["provisioningState"], made["properties"]["count"]) == ("Succeeded", 2)


def at_rest(desk: Desk, id_: str) -> bool | None:
    properties = (desk.seen(id_) or {}).get("properties") or {}
    return properties.get("provisioningState") == "Succeeded" or None


def test_a_resource_group_deleted_in_azure_is_made_again_with_all_in_it(desk: Desk) -> None:
    desk.cluster()
    desk.pool()
    desk.zone()
    desk.ready("NodePool", "system")
    desk.ready("DNSZone", "zone")
    desk.mark()
    assert desk.arm.delete(desk.group.id).status == 202
    made = ("/managedclusters/shop", f"/dnszones/{desk.namespace}.example")
    until("all is made again", lambda: all(desk.writes(part) for part in made) or None, READY_SECONDS)
    for kind, name in (("ManagedCluster", "shop"), ("NodePool", "system"), ("DNSZone", "zone")):
        desk.ready(kind, name)
    assert len(desk.left()) == 2


# who may


def test_a_namespace_that_is_not_invited_neither_adds_nor_blocks(office: Office) -> None:
    owner, guest = office.desk(), office.desk()
    owner.ready("CloudAccount", "default")
    theirs = {"name": "shop", "namespace": owner.namespace}
    guest.pool(clusterRef=theirs)
    guest.exposure(clusterRef=theirs)
    owner.cluster()
    guest.refused("NodePool", "system", "NotAllowed")
    guest.refused("ServiceExposure", "web", "NotAllowed")
    owner.refused("ManagedCluster", "shop", "WaitingForSystemPool")
    owner.pool("own", mode="System")
    owner.ready("ManagedCluster", "shop")
    owner.ready("NodePool", "own")
    until("its own is counted", lambda: counted(owner))
    owner.delete("ManagedCluster", "shop")
    owner.gone("ManagedCluster", "shop")
    for kind, name in (("NodePool", "system"), ("ServiceExposure", "web")):
        guest.delete(kind, name)
        guest.gone(kind, name)


def counted(desk: Desk) -> bool | None:
    nodes = desk.get("ManagedCluster", "shop")["status"]["nodes"]
    return (nodes["ready"], nodes["wanted"]) == (1, 1) or None


def test_a_fence_of_names_is_kept(office: Office) -> None:
    desk = office.desk(resourceGroupPrefix="team-")
    desk.ready("CloudAccount", "default")
    desk.zone()
    assert "'team-'" in desk.refused("DNSZone", "zone", "NotAllowed")
    desk.edit("DNSZone", "zone", resourceGroup=f"team-{desk.namespace}")
    desk.ready("DNSZone", "zone")


def test_a_cluster_says_why_the_pool_that_it_is_created_with_does_not_come(desk: Desk) -> None:
    desk.cluster()
    desk.pool(managementPolicy="Plan")

    def look() -> bool | None:
        return "managementPolicy Plan" in condition(desk.get("ManagedCluster", "shop")).get("message", "") or None

    until("the cluster names what is in its way", look)
    assert condition(desk.get("ManagedCluster", "shop"))["reason"] == "WaitingForSystemPool"
    assert desk.writes("/providers/") == []
    desk.edit("NodePool", "system", managementPolicy="Manage")
    desk.ready("ManagedCluster", "shop")
