"""Tests against a real API server: one of their own, or the one whose kubeconfig AKS_OPERATOR_TEST_KUBECONFIG names.

`hack/controlplane.py up NAME --kcm` makes one that can be used for many runs.
"""

import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from fakecloud.compute.host import ADMIN, USER
from fakecloud.kube import Kube
from hack import controlplane
from tests.cluster.api import GROUP, PLURALS, Api
from tests.cluster.world import World
from tests.contract.cloud import Arm, Cloud, until

VARIABLE = "AKS_OPERATOR_TEST_KUBECONFIG"


@pytest.fixture(scope="session")
def kubeconfig() -> Iterator[str]:
    """The path of the test cluster's kubeconfig; any cluster but a test cluster is refused."""
    if path := os.environ.get(VARIABLE):
        context = yaml.safe_load(Path(path).read_text())["current-context"]
        if context != controlplane.CONTEXT:
            pytest.fail(f"{path}: the current context is {context!r}, these tests touch only {controlplane.CONTEXT!r}")
        if "PYTEST_XDIST_WORKER" in os.environ:
            pytest.fail(
                f"{VARIABLE} names one cluster, which tests side by side would take from each other: leave -n out"
            )
        yield path
        return
    with controlplane.running(f"pytest-{os.getpid()}", controllers=True) as made:
        yield str(made)


@pytest.fixture
async def world(kubeconfig: str) -> AsyncIterator[World]:
    kube = await Kube.connect(kubeconfig)
    made = World(kube, kubeconfig)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made.namespace}}
    await kube.request("POST", "/api/v1/namespaces", namespace)
    for account in ("pods", ADMIN, USER):
        body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}
        await kube.request("POST", f"/api/v1/namespaces/{made.namespace}/serviceaccounts", body)
    try:
        yield made
    finally:
        for pod in await made.pods():
            await made.remove_pod(pod["metadata"]["name"])
        for node in (await kube.request("GET", "/api/v1/nodes"))["items"]:
            await kube.request("DELETE", f"/api/v1/nodes/{node['metadata']['name']}")
        await kube.request("DELETE", f"/api/v1/namespaces/{made.namespace}")
        await kube.close()


@pytest.fixture(scope="session")
def api(kubeconfig: str) -> Iterator[Api]:
    """The API server, with our CRDs."""
    made = Api(kubeconfig)
    collection = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for path in sorted((Path(__file__).parents[2] / "crds").glob("*.yaml")):
        crd = yaml.safe_load(path.read_text())
        name = crd["metadata"]["name"]
        if (known := made.get(f"{collection}/{name}")) is None:
            made.create(collection, crd)
        else:  # a control plane used for many runs
            version = known["metadata"]["resourceVersion"]
            crd["metadata"]["resourceVersion"] = version
            reply = made("PUT", f"{collection}/{name}", crd)
            assert reply.status == 200, reply
    for plural in PLURALS.values():  # a new kind is served a moment after its CRD was taken
        until(f"{plural} are served", partial(_served, made, f"{GROUP}/{plural}"))
    yield made
    made.close()


def _served(api: Api, path: str) -> bool | None:
    """True, None as long as the kind is not served: 404 at first, then 429."""
    return api("GET", path).status == 200 or None


@pytest.fixture(scope="session")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud without machines, 240 times faster than Azure: a cluster takes a second."""
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), "240")
    made = Arm(cloud)
    yield made
    made.close()
    cloud.stop()
