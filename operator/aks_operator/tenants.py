"""The managed clusters' own APIs: a client for each cluster, its credential in memory only."""

import asyncio
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

import yaml

from aks_operator.keys import Key
from aks_operator.kube import KubeClient, KubeError
from aks_operator.kubeconfig import access
from aks_operator.outcome import Hold
from aks_operator.port import Cloud

MANAGER: Final = "aks-operator"
RETRY: Final = 15.0


class Tenants:
    """Clients of managed clusters' API servers, made when first needed and dropped when they stop working."""

    def __init__(self) -> None:
        self._clients: dict[str, KubeClient] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def kubeconfig(self, cloud: Cloud, cluster_id: str) -> bytes:
        """The admin kubeconfig that Azure gives for a cluster, as YAML."""
        answer = await cloud.post(cluster_id, "listClusterAdminCredential")
        configs = answer.get("kubeconfigs") or ()
        if not configs:
            raise Hold("ClusterUnreachable", "Azure gave no kubeconfig for the cluster", again_after=RETRY)
        return b64decode(configs[0].get("value") or "")

    async def request(
        self, cloud: Cloud, cluster_id: str, method: str, path: str, body: Mapping[str, Any] | None = None, **kw: Any
    ) -> dict[str, Any] | None:
        """The cluster's answer, None for 404. Raises Hold (ClusterUnreachable) when it does not answer or lets nobody in."""
        client: KubeClient | None = None
        try:
            client = await self._client(cloud, cluster_id)
            return await client.request(method, path, body, **kw)
        except (ValueError, yaml.YAMLError) as error:
            raise Hold(
                "ClusterUnreachable", f"the cluster's kubeconfig cannot be used: {error}", again_after=RETRY
            ) from error
        except KubeError as error:
            if error.status == 404:
                return None
            if error.status in {0, 401, 403, 502, 503, 504}:
                if client is self._clients.get(cluster_id.casefold()):  # else another has been made since
                    await self.forget(cluster_id)
                raise Hold(
                    "ClusterUnreachable",
                    f"the managed cluster's API does not answer as it should: {error}",
                    again_after=RETRY,
                ) from error
            raise

    async def _client(self, cloud: Cloud, cluster_id: str) -> KubeClient:
        """The client of a cluster, made by the first who asks; the others wait for it."""
        key = cluster_id.casefold()
        async with self._locks.setdefault(key, asyncio.Lock()):
            if (client := self._clients.get(key)) is None:
                document = yaml.safe_load(await self.kubeconfig(cloud, cluster_id))
                client = self._clients[key] = KubeClient.of_cluster(access(document))
            return client

    async def forget(self, cluster_id: str) -> None:
        """The cluster is gone, or its credential changed."""
        client = self._clients.pop(cluster_id.casefold(), None)
        if client is not None:
            await client.close()

    async def close_all(self) -> None:
        """The process ends."""
        for cluster_id in list(self._clients):
            await self.forget(cluster_id)


def service_path(namespace: str, name: str = "") -> str:
    """The API path of Services."""
    return f"/api/v1/namespaces/{namespace}/services" + (f"/{name}" if name else "")


def label_of(owner: Key, management_id: str) -> dict[str, str]:
    """The labels that mark what we make inside a managed cluster."""
    return {
        "app.kubernetes.io/managed-by": "aks-operator",
        "aks-operator.io/management-id": management_id[:63],
        "aks-operator.io/exposure-namespace": owner.namespace,
        "aks-operator.io/exposure-name": owner.name,
    }
