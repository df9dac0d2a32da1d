"""Credentials that change under a running operator, and attacks on what it holds: by accounts, Secrets, statuses and kubeconfigs.

The operator has the rights that its chart gives it, no more.
"""

import socket
import threading
import time
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.api import MERGE, Api, Json, condition, path_of
from tests.cluster.desk import ZERO, Desk
from tests.cluster.office import Office
from tests.cluster.samples import attempt
from tests.cluster.service_accounts import Grants, as_account
from tests.contract import bodies
from tests.contract.cloud import Arm, Cloud, until
from tests.issuer import SUBJECT, Issuer
from tests.levers import Levers

TOKENS = "/oauth2/v2.0/token"
OWN = ("WorkloadIdentity", "ManagedIdentity")


class Listener:
    """A server that nobody has any business with: it counts who connects."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@dataclass
class Bureau:
    """An operator with its chart's rights, and a cloud whose clusters all have the API server of the file `kubeconfig`."""

    office: Office
    grants: Grants
    issuer: Issuer
    token: Path
    """The operator's own token, for another issuer's word."""
    kubeconfig: Path
    sound: str
    """What that file holds when nobody attacks."""

    @property
    def arm(self) -> Arm:
        return self.office.arm

    @property
    def home(self) -> Desk:
        """The operator's own namespace."""
        return Desk(self.office.api, self.arm, self.office.home)

    def desk(self, **account: Any) -> Desk:
        """A namespace with an account that works, whose Secrets may be read."""
        made = self.office.desk(**account)
        self.grants.read_secrets(made.namespace)
        made.annotate("CloudAccount", "default", reconcile_at="granted")
        made.ready("CloudAccount", "default")
        return made


@pytest.fixture(scope="module")
def bureau(api: Api, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    folder = tmp_path_factory.mktemp("credentials")
    sound, issuer = Path(kubeconfig).read_text(), Issuer()
    (folder / "tenant.kubeconfig").write_text(sound)
    (folder / "issuer.pem").write_bytes(issuer.pem)
    (folder / "token").write_text(issuer.token(exp=int(time.time()) - 3600))
    options = ["--federated-identity", f"issuer={issuer.url},subject={SUBJECT}"]
    options += ["--federated-keys", str(folder / "issuer.pem"), "--kubeconfig", str(folder / "tenant.kubeconfig")]
    cloud = Cloud(folder / "cloud", "240", "--levers", *options)
    arm = Arm(cloud)
    release = f"c{uuid.uuid4().hex[:5]}"
    token, own = folder / "token", folder / f"{release}-aks-operator.kubeconfig"
    settings = {"federated_token_file": token, "lease_name": f"{release}-aks-operator"}
    with Office(api, arm, str(own), folder, desks=20, **settings) as office:
        grants = Grants(api, release, office.home)
        as_account(kubeconfig, api, office.home, grants.name, folder)
        account = cloud.account()
        office.operator.environment |= {
            "IDENTITY_ENDPOINT": account["identityEndpoint"],
            "IDENTITY_HEADER": account["identityHeader"],
        }
        office.operator.start()
        made = Bureau(office, grants, issuer, token, folder / "tenant.kubeconfig", sound)
        made.home.secret("fakecloud-tls", **{"ca.crt": made.home.ca})
        yield made
        assert office.operator.errors() == []
        for secret in (cloud.secret, token.read_text(), account["identityHeader"]):
            assert secret not in office.operator.log()
    grants.withdraw()
    arm.close()
    cloud.stop()


# what changes


def test_a_client_secret_is_rotated_while_a_cluster_is_made(bureau: Bureau) -> None:
    desk = bureau.desk()
    first, entra = bureau.arm.cloud.secret, Levers(bureau.arm.cloud)
    try:
        desk.pool()
        desk.cluster()
        until("the cluster is under way", lambda: desk.writes("/managedclusters/shop") or None)
        entra.client(secrets=["another-secret", first])
        before = len(desk.asked(TOKENS))
        desk.secret("azure-credential", clientSecret="another-secret")
        desk.annotate("CloudAccount", "default", reconcile_at="rotated")
        until("it logged in anew", lambda: len(desk.asked(TOKENS)) > before or None)
        entra.client(secrets=["another-secret"])
        desk.ready("ManagedCluster", "shop")
        desk.zone()
        desk.ready("DNSZone", "zone")
        assert len(desk.writes("/managedclusters/shop")) == 1, "what was under way went on"
    finally:
        entra.client(secrets=[first])
        entra.close()
    assert "another-secret" not in bureau.office.operator.log()


def own(bureau: Bureau, desk: Desk, type_: str, **credential: str) -> Json:
    """The spec of an account that is the operator itself."""
    return {**desk.account(), "credential": {"type": type_, **credential}}


def test_the_operators_federated_token_is_read_anew_when_it_was_refused(bureau: Bureau) -> None:
    desk, home = bureau.desk(), bureau.home
    spec = own(bureau, home, "WorkloadIdentity", clientId=bureau.arm.cloud.client)
    home.apply("CloudAccount", "federated", **spec, allowedNamespaces=[desk.namespace])
    message = home.refused("CloudAccount", "federated", "AuthenticationFailed")
    assert "AADSTS700024" in message, "it has expired"
    desk.zone(accountRef={"name": "federated", "namespace": home.namespace})
    bureau.token.write_text(bureau.issuer.token())
    home.annotate("CloudAccount", "federated", reconcile_at="renewed")
    home.ready("CloudAccount", "federated")
    desk.ready("DNSZone", "zone")


def test_the_machines_identity_is_used_for_the_operators_own_namespace(bureau: Bureau) -> None:
    desk, home = bureau.desk(), bureau.home
    home.apply("CloudAccount", "machine", **own(bureau, home, "ManagedIdentity"), allowedNamespaces=[desk.namespace])
    home.ready("CloudAccount", "machine")
    desk.zone(accountRef={"name": "machine", "namespace": home.namespace})
    desk.ready("DNSZone", "zone")
    elsewhere = "11111111-2222-3333-4444-555555555555"
    home.apply("CloudAccount", "nobody", **own(bureau, home, "ManagedIdentity", clientId=elsewhere))
    home.refused("CloudAccount", "nobody", "AuthenticationFailed")


def test_an_account_that_is_refused_asks_with_growing_pauses_whoever_waits_for_it(bureau: Bureau) -> None:
    desk, tenant = bureau.desk(), str(uuid.uuid4())
    desk.zone(accountRef={"name": "lost"})

    def asked() -> int:
        return len([path for path in desk.asked(TOKENS) if tenant in path])

    desk.apply("CloudAccount", "lost", **{**desk.account(), "tenantId": tenant})
    until("it is refused", lambda: asked() >= 1 or None)
    began = time.monotonic()
    until("it asked four times", lambda: asked() >= 4 or None)
    assert time.monotonic() - began > 2.0, "half a second, one, two"
    message = desk.refused("CloudAccount", "lost", "AuthenticationFailed")
    assert "AADSTS90002" in message
    assert "Trace ID" not in message, "it would differ each time"
    desk.refused("DNSZone", "zone", "WaitingForAccount")
    desk.edit("CloudAccount", "lost", tenantId=bureau.arm.cloud.tenant)
    desk.ready("DNSZone", "zone")


# attacks: by accounts


@pytest.mark.parametrize("type_", OWN)
def test_nobody_else_is_the_operator(bureau: Bureau, type_: str) -> None:
    desk = bureau.desk()
    desk.mark()
    desk.apply("CloudAccount", "mine", **own(bureau, desk, type_, clientId=bureau.arm.cloud.client))
    assert "workloadIdentityNamespaces" in desk.refused("CloudAccount", "mine", "NotAllowed")
    desk.zone(accountRef={"name": "mine"})
    desk.refused("DNSZone", "zone", "WaitingForAccount")
    assert desk.asked(TOKENS) == []


@pytest.mark.parametrize("part", ["resourceManager", "authority"])
def test_an_account_that_points_at_a_foreign_server_sends_nothing_there(
    bureau: Bureau, listener: Listener, part: str
) -> None:
    desk = bureau.desk()
    desk.zone()
    desk.ready("DNSZone", "zone")
    endpoints = {**desk.account()["endpoints"], part: f"https://{listener.address}"}
    desk.apply("CloudAccount", "evil", **{**desk.account(), "endpoints": endpoints})
    assert listener.address in desk.refused("CloudAccount", "evil", "NotAllowed")
    desk.edit("CloudAccount", "default", endpoints=endpoints)  # one that works is turned
    desk.refused("CloudAccount", "default", "NotAllowed")
    desk.edit("DNSZone", "zone", tags={"any": "change"})
    desk.refused("DNSZone", "zone", "WaitingForAccount")
    assert listener.connections == 0


def test_a_secret_of_another_namespace_is_not_to_be_had(bureau: Bureau) -> None:
    victim, desk = bureau.desk(), bureau.desk()
    victim.secret("treasure", clientSecret=bureau.arm.cloud.secret)
    spec = desk.account()

    def naming(secret: str) -> Json:
        return {
            **spec,
            "credential": {**spec["credential"], "clientSecretRef": {"name": secret, "key": "clientSecret"}},
        }

    for way in (
        f"../../{victim.namespace}/secrets/treasure",
        "..",
        "treasure?x=",
        f"{victim.namespace}/treasure",
        "x%2Fy",
    ):
        meta = {"name": "evil", "namespace": desk.namespace}
        body = {"apiVersion": "aks-operator.io/v1alpha1", "kind": "CloudAccount", "metadata": meta, "spec": naming(way)}
        assert attempt(bureau.office.api, body).status == 422, way
    desk.apply("CloudAccount", "evil", **naming("treasure"))
    assert f"{desk.namespace}/treasure" in desk.refused("CloudAccount", "evil", "SecretNotFound")


def test_secrets_are_read_where_the_chart_lets_the_operator_and_nowhere_else(bureau: Bureau) -> None:
    desk = bureau.office.desk()
    message = desk.refused("CloudAccount", "default", "SecretForbidden")
    assert f"--set secretNamespaces={{{desk.namespace}}}" in message
    bureau.grants.read_secrets(desk.namespace)
    desk.annotate("CloudAccount", "default", reconcile_at="granted")
    desk.ready("CloudAccount", "default")


def test_who_is_not_invited_has_no_name_in_a_zone_and_no_place_in_a_cluster(bureau: Bureau) -> None:
    owner, guest = bureau.desk(), bureau.desk()
    owner.zone()
    owner.pool()
    owner.cluster(allowedNamespaces=[guest.namespace])
    owner.ready("ManagedCluster", "shop")
    dns = {"zoneRef": {"name": "zone", "namespace": owner.namespace}, "name": "www"}
    guest.exposure(clusterRef={"name": "shop", "namespace": owner.namespace}, dns=dns)
    assert "DNSZone" in guest.refused("ServiceExposure", "web", "NotAllowed")
    owner.edit("ManagedCluster", "shop", allowedNamespaces=[])
    message = guest.refused("ServiceExposure", "web", "NotAllowed")
    until("the cluster too", lambda: "ManagedCluster" in guest.refused("ServiceExposure", "web", "NotAllowed") or None)
    assert "allowedNamespaces" in message
    assert owner.writes("/loadbalancers/") == owner.writes("/publicipaddresses/") == owner.writes("/a/www") == []


def test_nothing_leads_out_of_a_fence(bureau: Bureau) -> None:
    desk = bureau.desk(resourceGroupPrefix="team-")
    victim = Victim(desk)
    group = f"team-{desk.namespace}"
    desk.pool()
    desk.cluster(resourceGroup=group, nodeResourceGroup=f"{victim.group}-nodes")
    assert "nodeResourceGroup" in desk.refused("ManagedCluster", "shop", "NotAllowed")
    desk.edit("ManagedCluster", "shop", nodeResourceGroup=None)
    desk.ready("ManagedCluster", "shop")
    desk.exposure(publicIP={"resourceID": victim.address})
    assert victim.group in desk.refused("ServiceExposure", "web", "NotAllowed")
    desk.zone(resourceGroup=victim.group)
    desk.refused("DNSZone", "zone", "NotAllowed")
    assert victim.unharmed()


# attacks: by statuses


class Victim:
    """Somebody else's group in the same subscription: a cluster, a network security group, a balancer with its address, a zone."""

    def __init__(self, desk: Desk) -> None:
        self._arm = arm = desk.arm
        self.group = f"{desk.namespace}-victim"
        root = f"/subscriptions/{arm.cloud.subscription}/resourceGroups/{self.group}"
        place = f"{root}/providers"
        self.cluster = f"{place}/{bodies.CLUSTERS}/theirs"
        self.rules = f"{place}/{bodies.SECURITY_GROUPS}/aks-agentpool-1-nsg"
        self.address = f"{place}/{bodies.ADDRESSES}/theirs"
        self.balancer = f"{place}/{bodies.BALANCERS}/theirs"
        self.zone = f"{place}/{bodies.ZONES}/{desk.namespace}.victim.example"
        self.record = f"{self.zone}/A/www"
        arm.make(root, {"location": bodies.LOCATION})
        arm.make(self.cluster, bodies.cluster())
        arm.make(self.rules, bodies.security_group(bodies.rule("theirs")))
        arm.make(self.address, bodies.address())
        rule = bodies.balancing_rule(self.balancer)
        arm.make(self.balancer, bodies.balancer(self.balancer, address_id=self.address, rules=[rule]))
        arm.make(self.zone, {"location": "global"})
        arm.make(self.record, {"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "192.0.2.9"}]}})
        self._since = arm.journal(10**12)["last"]
        self._before = self._all()

    def _all(self) -> list[str]:
        ids = [self.cluster, f"{self.cluster}/agentPools", self.rules, self.address, self.balancer]
        return [self._arm.get(id_).text for id_ in (*ids, f"{self.zone}/recordsets")]

    def touched(self) -> list[str]:
        """Requests of others that were no look, since it was there."""
        return [
            f"{e['method']} {e['path']}"
            for e in self._arm.journal(self._since)["entries"]
            if e["method"] != "GET" and f"/{self.group}/" in str(e["path"]).lower()
        ]

    def unharmed(self) -> bool:
        """Whether all is byte for byte as it was, and nobody tried anything."""
        assert self.touched() == []
        return self._all() == self._before


def forge(desk: Desk, kind: str, name: str, **status: Any) -> None:
    """Write into an object's status, as whoever may edit statuses can."""
    reply = desk.api("PATCH", path_of(kind, desk.namespace, name) + "/status", {"status": status}, MERGE)
    assert reply.status == 200, reply


def test_a_status_that_was_edited_leads_nowhere(bureau: Bureau, listener: Listener) -> None:
    desk = bureau.desk()
    victim = Victim(desk)
    desk.zone()
    desk.pool()
    desk.cluster()
    for kind, name in (("DNSZone", "zone"), ("ManagedCluster", "shop"), ("NodePool", "system")):
        desk.ready(kind, name)
    forge(desk, "ManagedCluster", "shop", nodeResourceGroup=victim.group)
    forge(desk, "NodePool", "system", id=f"{victim.cluster}/agentPools/system")
    forge(desk, "DNSZone", "zone", id=victim.zone)
    desk.exposure(dns={"zoneRef": {"name": "zone"}, "name": "www"})
    desk.ready("ServiceExposure", "web")
    (nodes,) = desk.arm.get(f"{desk.arm_id(bodies.CLUSTERS, 'shop')}/agentPools/system/machines").body["value"]
    pool = (desk.seen(desk.arm_id(bodies.BALANCERS, "shop-public")) or {})["properties"]["backendAddressPools"][0]
    (entry,) = pool["properties"]["loadBalancerBackendAddresses"]
    assert entry["properties"]["ipAddress"] == nodes["properties"]["network"]["ipAddresses"][0]["ip"]
    lines = desk.get("ServiceExposure", "web")["status"]["resources"]
    own = {line["type"]: line["id"] for line in lines}
    assert own[f"{bodies.ZONES}/A"].startswith(desk.arm_id(bodies.ZONES, f"{desk.namespace}.example"))
    assert own[bodies.SECURITY_GROUPS].split("/")[4].startswith("MC_")

    def used(id_: str, type_: str) -> Json:
        return {"id": id_, "type": type_, "ready": "True", "reason": "Succeeded"}

    service = f"@{listener.address}/api/v1/namespaces/x/services/y"
    operation = f"{bureau.arm.cloud.endpoint}{ZERO}/providers/Microsoft.Network/locations/l/operations/1"
    forge(
        desk,
        "ServiceExposure",
        "web",
        resources=[
            *lines,
            used(victim.rules, bodies.SECURITY_GROUPS),
            used(victim.address, bodies.ADDRESSES),
            used(victim.balancer, bodies.BALANCERS),
            used(victim.record, f"{bodies.ZONES}/A"),
            used(victim.cluster, bodies.CLUSTERS),
            used("garbage", bodies.BALANCERS),
            used(service, "v1/Service"),
        ],
        operations=[
            {"resource": victim.balancer, "kind": "update", "startedAt": "t", "url": url}
            for url in (f"https://{listener.address}{ZERO}/x", operation, "garbage")
        ],
    )
    desk.annotate("ServiceExposure", "web", reconcile_at="forged")
    until(
        "they are not believed",
        lambda: len(desk.get("ServiceExposure", "web")["status"]["resources"]) == len(lines) or None,
    )
    desk.delete("ServiceExposure", "web")
    desk.gone("ServiceExposure", "web")
    assert victim.unharmed()
    assert listener.connections == 0


def test_a_status_that_claims_somebody_elses_cluster_opens_it_to_nobody(bureau: Bureau) -> None:
    desk = bureau.desk()
    victim = Victim(desk)
    desk.cluster("theirs", resourceGroup=victim.group)
    desk.refused("ManagedCluster", "theirs", "AlreadyExists")
    desk.pool("evil", clusterRef={"name": "theirs"})
    desk.exposure(clusterRef={"name": "theirs"})
    claim = {"id": victim.cluster, "provisioningState": "Succeeded", "nodeResourceGroup": victim.group}

    def turned_away(kind: str, name: str) -> bool | None:
        """Whether it came to a cluster that claims to be there.

        The claim is made again and again: the operator takes it back, and who was turned away then says so for a moment.
        """
        forge(desk, "ManagedCluster", "theirs", **claim, kubernetesVersion="1.36.2")
        desk.annotate(kind, name, reconcile_at=str(time.monotonic_ns()))
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            if "not ours" in condition(desk.get(kind, name)).get("message", ""):
                return True
        return None

    for kind, name in (("NodePool", "evil"), ("ServiceExposure", "web")):
        until(f"{kind} {name} is not let in", partial(turned_away, kind, name))
    for kind, name in (("ServiceExposure", "web"), ("NodePool", "evil"), ("ManagedCluster", "theirs")):
        desk.delete(kind, name)
        desk.gone(kind, name)
    assert victim.unharmed(), "its kubeconfig was not asked for either"


# attacks: by kubeconfigs


def test_a_kubeconfig_that_asks_for_more_than_a_server_and_a_credential_gets_nothing(
    bureau: Bureau, listener: Listener, tmp_path: Path
) -> None:
    desk = bureau.desk()
    desk.pool()
    desk.cluster()
    desk.ready("ManagedCluster", "shop")
    proof = tmp_path / "ran"
    program = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(proof)]}
    authority = str(tmp_path / "ca.crt")
    attacks: dict[str, Callable[[Json, Json], object]] = {
        "run a program": lambda cluster, user: user.update(exec={**program, "interactiveMode": "Never"}),
        "its token": lambda cluster, user: (
            user.pop("token"),
            user.update(tokenFile=str(bureau.token)),
            cluster.update(server=f"https://{listener.address}"),
        ),
        "its authority": lambda cluster, user: cluster.update({"certificate-authority": authority}),
        "no https URL": lambda cluster, user: cluster.update(server=f"http://{listener.address}"),
        "verify TLS": lambda cluster, user: cluster.update(
            {"server": f"https://{listener.address}", "insecure-skip-tls-verify": True}
        ),
        "a proxy": lambda cluster, user: cluster.update({"proxy-url": f"http://{listener.address}"}),
        "is no kubeconfig": lambda cluster, user: None,
    }
    for n, (says, attack) in enumerate(attacks.items()):
        document = yaml.safe_load(bureau.sound)
        attack(document["clusters"][0]["cluster"], document["users"][0]["user"])
        bureau.kubeconfig.write_text("[]" if "no kubeconfig" in says else yaml.safe_dump(document))
        if n == 0:
            desk.exposure()
        desk.annotate("ServiceExposure", "web", reconcile_at=str(n))
        message = until(f"it says {says}", lambda s=says: refusal(desk, s))  # type: ignore[misc]  # a default binds the loop's variable
        assert "kubeconfig" in message
    assert (proof.exists(), listener.connections) == (False, 0)
    bureau.kubeconfig.write_text(bureau.sound)
    desk.annotate("ServiceExposure", "web", reconcile_at="sound")
    desk.ready("ServiceExposure", "web")
    held = yaml.safe_load(bureau.sound)["users"][0]["user"]["token"]
    for text in (bureau.office.operator.log(), str(desk.get("ServiceExposure", "web"))):
        assert held not in text
        assert b64encode(held.encode()).decode() not in text


def refusal(desk: Desk, says: str) -> str | None:
    """What the exposure says of its backend, if it says that."""
    found = condition(desk.get("ServiceExposure", "web"), "BackendReady")
    message = str(found.get("message"))
    return message if found.get("reason") == "ClusterUnreachable" and says in message else None
