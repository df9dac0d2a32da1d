"""Tests against a real API server: AKS_OPERATOR_TEST_KUBECONFIG names its kubeconfig, `hack/controlplane.py up` makes one."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from fakecloud.compute.host import ADMIN, USER
from fakecloud.kube import Kube
from tests.cluster.world import World

VARIABLE = "AKS_OPERATOR_TEST_KUBECONFIG"
CONTEXT = "aks-operator-test"


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    """The path of the test cluster's kubeconfig; any other cluster is refused."""
    path = os.environ.get(VARIABLE)
    if not path:
        pytest.skip(f"{VARIABLE} is not set")
    context = yaml.safe_load(Path(path).read_text())["current-context"]
    if context != CONTEXT:
        pytest.fail(f"{path}: the current context is {context!r}, these tests touch none but {CONTEXT!r}")
    return path


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
