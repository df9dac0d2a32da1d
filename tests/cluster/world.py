"""A cluster whose nodes and pods are made by hand; a kubelet of three lines ends pods."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fakecloud.compute.host import HostCompute
from fakecloud.kube import MERGE_PATCH, Kube

FREE = {"key": "fakecloud.aks-operator.io/free", "effect": "NoSchedule"}
PATIENCE = 3.0
"""Seconds that a drain waits here."""


class World:
    """A cluster with nodes made by hand, in a namespace of its own."""

    def __init__(self, kube: Kube, kubeconfig: str) -> None:
        self.kube = kube
        self.kubeconfig = kubeconfig
        self.namespace = f"test-{uuid.uuid4().hex[:8]}"

    async def worker(self, name: str, *, ready: bool = True, labels: Mapping[str, str] | None = None) -> None:
        """A worker that is free."""
        meta = {"name": name, "labels": dict(labels or {})}
        body = {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {"taints": [FREE]}}
        await self.kube.request("POST", "/api/v1/nodes", body)
        conditions = [{"type": "Ready", "status": "True" if ready else "Unknown", "reason": "Test", "message": ""}]
        addresses = [{"type": "InternalIP", "address": f"10.9.0.{len(name)}"}]
        await self.patch(f"/api/v1/nodes/{name}/status", {"status": {"conditions": conditions, "addresses": addresses}})

    async def patch(self, path: str, body: Any) -> dict[str, Any]:
        return await self.kube.request("PATCH", path, body, content_type=MERGE_PATCH)

    async def node(self, name: str) -> dict[str, Any]:
        return await self.kube.request("GET", f"/api/v1/nodes/{name}")

    async def pod(self, name: str, node: str, **meta: Any) -> None:
        """A pod that runs and is ready on `node`."""
        spec = {
            "nodeName": node,
            "serviceAccountName": "pods",
            "automountServiceAccountToken": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "c", "image": "none"}],
        }
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **meta}, "spec": spec}
        await self.kube.request("POST", f"/api/v1/namespaces/{self.namespace}/pods", body)
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        await self.patch(f"/api/v1/namespaces/{self.namespace}/pods/{name}/status", {"status": status})

    async def pods(self) -> list[dict[str, Any]]:
        found = await self.kube.request("GET", f"/api/v1/namespaces/{self.namespace}/pods")
        return list(found["items"])

    @asynccontextmanager
    async def kubelet(self) -> AsyncIterator[None]:
        """Ends pods that were told to go."""

        async def run() -> None:
            while True:
                for pod in await self.pods():
                    if "deletionTimestamp" in pod["metadata"]:
                        await self.remove_pod(pod["metadata"]["name"])
                await asyncio.sleep(0.1)

        task = asyncio.create_task(run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def remove_pod(self, name: str) -> None:
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}"
        await self.kube.request("DELETE", path, {"gracePeriodSeconds": 0})

    @asynccontextmanager
    async def compute(self, **more: Any) -> AsyncIterator[HostCompute]:
        """A host compute as a server has it: started, and stopped at the end."""
        made = HostCompute(self.kubeconfig, **{"namespace": self.namespace, "patience": PATIENCE, **more})
        await made.start()
        try:
            yield made
        finally:
            await made.stop()


def own_taints(node: dict[str, Any]) -> list[dict[str, str]]:
    """Without those that Kubernetes itself sets by a node's condition."""
    return [t for t in node["spec"].get("taints") or () if not t["key"].startswith("node.kubernetes.io/")]
