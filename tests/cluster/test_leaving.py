"""Upgrade, detach and uninstall: the chart by helm, the operator as its Deployment and its ServiceAccount have it, Azure untouched."""

import io
import json
import os
import subprocess
import sys
import tarfile
import time
import uuid
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.rendering import OPERATOR as CHART
from tests.chart.rendering import ROOT, helm_program
from tests.cluster.api import MERGE, PLURALS, Api, Json, condition, path_of
from tests.cluster.operators import Operator
from tests.cluster.service_accounts import as_account, token_of
from tests.contract.bodies import LOCATION
from tests.contract.cloud import Arm, Cloud, until

FINALIZER = "aks-operator.io/finalizer"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
APPLY = "application/apply-patch+yaml"
READY_SECONDS = 60.0
NEVER = 10**12
SPEED = {"leaseSeconds": 3, "driftIntervalSeconds": 2, "pollIntervalSeconds": 0.5}


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), "240")
    made = Arm(cloud)
    yield made
    made.close()
    cloud.stop()


class House:
    """A namespace with an account and what is declared in it: a zone, and a cluster with its pool."""

    def __init__(self, api: Api, arm: Arm, folder: Path) -> None:
        self.api, self.arm, self.folder = api, arm, folder
        self.namespace = f"leave-{uuid.uuid4().hex[:6]}"
        self.last = 0
        meta = {"name": self.namespace}
        api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})

    def furnish(self) -> None:
        """Declare everything."""
        cloud = self.arm.cloud
        for name, data in {"azure": {"secret": cloud.secret}, "tls": {"ca": Path(cloud.ca).read_text()}}.items():
            body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
            self.api.create(f"/api/v1/namespaces/{self.namespace}/secrets", body)
        reference = {"secretRef": {"name": "tls", "key": "ca"}}
        self.apply(
            "CloudAccount",
            "default",
            subscriptionId=cloud.subscription,
            tenantId=cloud.tenant,
            cloud="Custom",
            endpoints={
                "resourceManager": cloud.endpoint,
                "authority": cloud.endpoint,
                "certificateAuthority": reference,
            },
            credential={
                "type": "ServicePrincipal",
                "clientId": cloud.client,
                "clientSecretRef": {"name": "azure", "key": "secret"},
            },
        )
        group = self.namespace
        self.apply("DNSZone", "zone", resourceGroup=group, zone=f"{group}.example")
        self.apply("ManagedCluster", "shop", resourceGroup=group, location=LOCATION, kubernetesVersion="1.36")
        size = "Standard_D4s_v5"
        self.apply("NodePool", "system", clusterRef={"name": "shop"}, mode="System", vmSize=size, replicas=1)

    def apply(self, kind: str, name: str, **spec: Any) -> None:
        """Create an object."""
        meta = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": "aks-operator.io/v1alpha1", "kind": kind, "metadata": meta, "spec": spec}
        self.api.create(path_of(kind, self.namespace), body)

    def objects(self) -> dict[str, Json]:
        """All objects, by kind and name."""
        return {
            f"{kind}/{body['metadata']['name']}": body
            for kind in PLURALS
            for body in self.api.items(path_of(kind, self.namespace))
        }

    def ready(self) -> dict[str, Json]:
        """All objects, as soon as all are held and Ready."""

        def look() -> dict[str, Json] | None:
            found = self.objects()
            good = all(condition(o).get("status") == "True" and self.held(o) for o in found.values())
            return found if good and len(found) == 4 else None

        try:
            return until("everything is Ready", look, READY_SECONDS)
        except AssertionError as error:
            said = {name: condition(o).get("message") for name, o in self.objects().items()}
            raise AssertionError(f"{error}: {said}; Azure was asked {self.asked()[-20:]}") from error

    @staticmethod
    def held(body: Json) -> bool:
        """Whether it carries our finalizer."""
        return FINALIZER in (body["metadata"].get("finalizers") or ())

    def mark(self) -> None:
        """Count from now on."""
        self.last = int(self.arm.journal(NEVER)["last"])

    def asked(self) -> list[str]:
        """Method and path of what Azure was asked about us since."""
        entries = self.arm.journal(self.last)["entries"]
        return [f"{e['method']} {e['path']}" for e in entries if self.namespace in str(e["path"]).lower()]

    def written(self) -> list[str]:
        """Of that, what is no look."""
        return [line for line in self.asked() if line.partition(" ")[0] in {"PUT", "PATCH", "DELETE"}]

    def in_azure(self) -> list[str]:
        """The ids in our group."""
        reply = self.arm.get(f"/resourceGroups/{self.namespace}/resources")
        return sorted(str(r["id"]) for r in reply.body["value"]) if reply.status == 200 else []

    def end(self) -> None:
        """Leave nothing in Kubernetes."""
        for name, body in self.objects().items():
            path = path_of(name.partition("/")[0], self.namespace, body["metadata"]["name"])
            self.api("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)
            self.api("DELETE", path)
        self.api.delete(f"/api/v1/namespaces/{self.namespace}")


@pytest.fixture
def house(api: Api, arm: Arm, tmp_path: Path) -> Iterator[House]:
    made = House(api, arm, tmp_path)
    yield made
    made.end()


def detached(
    house: House, kubeconfig: str, lease: str, *options: str, answer: str = ""
) -> "subprocess.CompletedProcess[str]":
    """`aks-operator detach` in the house's namespace."""
    arguments = ["detach", "--namespace", house.namespace, "--only", house.namespace, "--lease-name", lease]
    return subprocess.run(
        [Path(sys.executable).with_name("aks-operator"), *arguments, "--kubeconfig", kubeconfig, *options],
        env={"PATH": os.environ["PATH"], "AKS_OPERATOR_LEASE_SECONDS": "3"},
        input=answer,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def operator(house: House, kubeconfig: str) -> Iterator[Operator]:
    made = Operator(
        kubeconfig,
        house.folder,
        house.namespace,
        [],
        house.arm.cloud.endpoint,
        lease_seconds=3,
        lease_name="it",
        reads_per_second=25,
        writes_per_second=10,
    )
    made.start()
    yield made
    made.stop()


def test_detached_objects_stay_with_azure_as_it_is_and_are_taken_up_again(
    house: House, operator: Operator, kubeconfig: str
) -> None:
    house.furnish()
    before = house.ready()
    account = f'account="{house.namespace}/default"'
    assert operator.metrics("aks_operator_observed_timestamp_seconds")[account] > time.time() - 60
    assert operator.metrics("aks_operator_throttled_seconds") == {account: 0.0}
    assert operator.metrics("aks_operator_arm_requests_remaining")[f'{account},kind="reads"'] > 0
    refused = detached(house, kubeconfig, "it", "--yes")
    assert (refused.returncode, house.ready().keys()) == (1, before.keys())
    assert "scale deployment it --replicas=0" in refused.stderr
    assert operator.stop() == 0

    before = house.objects()
    house.mark()
    dry = detached(house, kubeconfig, "it", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    zone_id = before["DNSZone/zone"]["status"]["id"]
    assert f"DNSZone/{house.namespace}/zone: stays, {zone_id} stays" in dry.stdout
    assert detached(house, kubeconfig, "it", answer="n\n").returncode == 1
    assert house.objects() == before

    done = detached(house, kubeconfig, "it", answer="y\n")
    assert done.returncode == 0, done.stderr
    assert "let go of 4 objects" in done.stdout
    after = house.objects()
    assert {name: (o["spec"], o["status"]) for name, o in after.items()} == {
        name: (o["spec"], o["status"]) for name, o in before.items()
    }
    assert not any(house.held(o) for o in after.values())
    assert house.asked() == []
    again = detached(house, kubeconfig, "it", "--yes")
    assert (again.returncode, "nothing to let go of" in again.stdout) == (0, True)

    operator.start()
    house.ready()
    until("Azure was looked at", lambda: True if house.asked() else None)
    assert house.written() == []


def test_detaching_after_a_crash_lets_objects_that_are_being_deleted_go_and_azure_stay(
    house: House, operator: Operator, kubeconfig: str
) -> None:
    house.furnish()
    house.ready()
    there = house.in_azure()
    operator.kill()
    house.mark()
    house.api.delete(path_of("DNSZone", house.namespace, "zone"))
    done = detached(house, kubeconfig, "it", "--yes")
    assert done.returncode == 0, done.stderr
    assert "is being deleted and will be gone" in done.stdout
    assert set(house.objects()) == {"CloudAccount/default", "ManagedCluster/shop", "NodePool/system"}
    assert (house.in_azure(), len(there)) == (there, 2)
    assert house.written() == []


# the chart


def previous(folder: Path) -> Path:
    """The project as it was one commit before the present one (the present one, where history ends here)."""
    git = ["git", "-C", str(ROOT)]
    known = subprocess.run([*git, "rev-parse", "--verify", "--quiet", "HEAD~1"], capture_output=True, check=False)
    commit = "HEAD~1" if known.returncode == 0 else "HEAD"
    paths = ["operator", "helm", "crds"]
    archive = subprocess.run([*git, "archive", commit, *paths], capture_output=True, check=True, timeout=60)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="tar")
    return folder


class Release:
    """A release of the chart, and its operator as a process with the Deployment's environment and the account's token."""

    def __init__(self, house: House, kubeconfig: str) -> None:
        self.house, self._admin = house, kubeconfig
        self.name = f"r{uuid.uuid4().hex[:5]}"
        self.full = f"{self.name}-aks-operator"
        self.operator: Operator | None = None

    def helm(self, *arguments: str, deadline: float = 60.0) -> "subprocess.Popen[str]":
        """helm, begun."""
        where = ["--kubeconfig", self._admin, "--namespace", self.house.namespace, "--timeout", f"{deadline:.0f}s"]
        command = [helm_program(), *arguments, *where]
        environment = {**os.environ, "HELM_CACHE_HOME": str(self.house.folder / "helm")}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)

    def put(self, chart: Path) -> None:
        """`helm upgrade --install`."""
        values = {
            **SPEED,
            "allowedEndpoints": [self.house.arm.cloud.endpoint],
            "watchNamespaces": [self.house.namespace],
        }
        answer = self.helm("upgrade", "--install", self.name, str(chart), "--set-json", json.dumps(values))
        text, _ = answer.communicate(timeout=90)
        assert answer.returncode == 0, text

    def start(self, sources: Path | None = None) -> None:
        """Start what the Deployment asks for, from the present sources or others."""
        house = self.house
        path = f"/apis/apps/v1/namespaces/{house.namespace}/deployments/{self.full}"
        deployment = house.api.get(path)
        assert deployment is not None
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
        pod = {"metadata.namespace": house.namespace, "metadata.uid": str(uuid.uuid4())}
        settings = {
            entry["name"].removeprefix("AKS_OPERATOR_").lower(): entry.get("value")
            or pod.get(entry.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath"), "")
            for entry in container["env"]
            if entry["name"].startswith("AKS_OPERATOR_")
        }
        assert settings.pop("namespace") == house.namespace
        kubeconfig = as_account(self._admin, house.api, house.namespace, account, house.folder)
        self.operator = Operator(kubeconfig, house.folder, house.namespace, [], "", **settings)
        if sources is not None:
            self.operator.environment["PYTHONPATH"] = str(sources / "operator")
        self.operator.start()

    def uninstall(self) -> tuple[int, str]:
        """`helm uninstall`, with a kubelet that runs the hook's pod; helm's exit code, and what the hook said."""
        house = self.house
        helm = self.helm("uninstall", self.name)
        pods = f"/api/v1/namespaces/{house.namespace}/pods?labelSelector=app.kubernetes.io/name%3Dbefore-uninstall"

        def waiting() -> list[Json] | None:
            found = [p for p in house.api.items(pods) if "deletionTimestamp" not in p["metadata"]]
            return [p for p in found if p["status"]["phase"] == "Pending"] or None  # one that failed stays, for its log

        (pod,) = until("the hook's pod is there", waiting)
        (container,) = pod["spec"]["containers"]
        account = pod["spec"]["serviceAccountName"]
        code, said = run_in_pod(container, self._admin, house.api, house.namespace, account, house.folder)
        status = {"phase": "Failed" if code else "Succeeded"}
        house.api.merge(
            f"/api/v1/namespaces/{house.namespace}/pods/{pod['metadata']['name']}/status", {"status": status}
        )
        text, _ = helm.communicate(timeout=90)
        return helm.returncode, said + text

    def end(self) -> None:
        """Leave nothing."""
        if self.operator is not None:
            self.operator.stop()
        helm = self.helm("uninstall", self.name, "--no-hooks", "--ignore-not-found")
        helm.communicate(timeout=90)


def run_in_pod(
    container: Mapping[str, Any], admin: str, api: Api, namespace: str, account: str, folder: Path
) -> tuple[int, str]:
    """The exit code and words of a container's program, run here with its environment and its account's token."""
    cluster = yaml.safe_load(Path(admin).read_text())["clusters"][0]["cluster"]
    (folder / "token").write_text(token_of(api, namespace, account))
    (folder / "ca.crt").write_bytes(b64decode(cluster["certificate-authority-data"]))
    host, _, port = api.server.removeprefix("https://").partition(":")
    program, flag = container["command"]
    assert (program, flag) == ("python3", "-c")
    text = str(container["args"][0]).replace("/var/run/secrets/kubernetes.io/serviceaccount", str(folder))
    given = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    environment = {**given, "KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    done = subprocess.run(
        [sys.executable, "-c", text], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


def install_crds(api: Api, folder: Path) -> None:
    """As the notes say: `kubectl apply --server-side --force-conflicts -f crds`."""
    for path in sorted(folder.glob("*.yaml")):
        body = yaml.safe_load(path.read_text())
        reply = api("PATCH", f"{CRDS}/{body['metadata']['name']}?fieldManager=kubectl&force=true", body, APPLY)
        assert reply.status == 200, reply


@pytest.mark.timeout(240)
def test_from_the_last_commits_release_to_this_one_and_away_without_a_write_to_azure(
    house: House, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    old = previous(tmp_path_factory.mktemp("previous"))
    release = Release(house, kubeconfig)
    try:
        install_crds(house.api, old / "crds")
        release.put(old / "helm" / "aks-operator")
        release.start(old)
        house.furnish()
        house.ready()
        there = house.in_azure()
        house.mark()

        install_crds(house.api, ROOT / "crds")
        release.put(CHART)
        assert release.operator is not None
        assert release.operator.stop() == 0
        release.start()
        until("Azure was looked at", lambda: True if len(house.asked()) > 3 else None)
        until("the renewals of the Lease come back", lambda: release.operator and release.operator.get("/healthz"))
        house.ready()
        patches = release.operator.count("aks_operator_status_patches_total")
        assert release.operator.errors() == []

        code, said = release.uninstall()
        assert code != 0
        assert "4 objects are left" in said
        house.ready()

        assert release.operator.stop() == 0
        assert detached(house, kubeconfig, release.full, "--yes").returncode == 0
        code, said = release.uninstall()
        assert code == 0, said
        assert (house.written(), house.in_azure()) == ([], there)
        assert len(house.objects()) == 4
        assert house.api.get(f"/apis/apps/v1/namespaces/{house.namespace}/deployments/{release.full}") is None
        assert patches <= 4, "at most once each, if a release has more to say"
    finally:
        release.end()
        install_crds(house.api, ROOT / "crds")
