"""The SDK's clients: made when first needed, over one shared connection pool."""

import asyncio
import importlib
from typing import TYPE_CHECKING, Any, Final

from azure.core.credentials_async import AsyncTokenCredential

from aks_operator.cloud.credentials import Endpoints
from aks_operator.cloud.pool import Pool

if TYPE_CHECKING:
    from azure.mgmt.containerservice.aio import ContainerServiceClient
    from azure.mgmt.dns.aio import DnsManagementClient
    from azure.mgmt.network.aio import NetworkManagementClient
    from azure.mgmt.resource.resources.aio import ResourceManagementClient

API_VERSIONS: Final = {
    "containerservice": "2026-08-01",
    "network": "2026-03-01",
    "dns": "2018-05-01",
    "resources": "2025-04-01",
    "subscriptions": "2022-12-01",
}
"""Pinned, so that an update of the SDK does not change the wire."""
_MODULES: Final = {
    "microsoft.containerservice/": "azure.mgmt.containerservice.aio",
    "microsoft.network/dnszones": "azure.mgmt.dns.aio",
    "microsoft.network/": "azure.mgmt.network.aio",
    "": "azure.mgmt.resource.resources.aio",
}
"""By the beginning of a type in lower case; the first that fits."""


class Clients:
    """One client a service, each made on first use: importing azure-mgmt-network alone takes 40 MiB."""

    def __init__(self, endpoints: Endpoints, credential: AsyncTokenCredential, subscription: str, pool: Pool) -> None:
        self._credential = credential
        self._subscription = subscription
        self._made: dict[str, Any] = {}
        self._loaded: set[str] = set()
        self._options: dict[str, Any] = {
            "base_url": endpoints.resource_manager,
            "credential_scopes": [f"{endpoints.resource_manager.rstrip('/')}/.default"],
            "transport": pool,
            "retry_total": 0,  # retries sleep inside the call: the work queue reschedules instead
            "redirect_max": 0,
            "polling_interval": 5,
        }

    async def load(self, type_: str) -> None:
        """Returns when what serves an ARM type is imported. That takes seconds, in which a Lease has to be renewed."""
        module = next(module for prefix, module in _MODULES.items() if type_.lower().startswith(prefix))
        if module not in self._loaded:
            await asyncio.to_thread(importlib.import_module, module)
            self._loaded.add(module)

    def _make(self, name: str, client: Any) -> Any:
        made = self._made[name] = client(
            self._credential, self._subscription, api_version=API_VERSIONS[name], **self._options
        )
        return made

    @property
    def containerservice(self) -> "ContainerServiceClient":
        """Clusters, agent pools, machines."""
        if "containerservice" not in self._made:
            from azure.mgmt.containerservice.aio import ContainerServiceClient

            self._make("containerservice", ContainerServiceClient)
        client: ContainerServiceClient = self._made["containerservice"]
        return client

    @property
    def network(self) -> "NetworkManagementClient":
        """Balancers, addresses, security groups, networks."""
        if "network" not in self._made:
            from azure.mgmt.network.aio import NetworkManagementClient

            self._make("network", NetworkManagementClient)
        client: NetworkManagementClient = self._made["network"]
        return client

    @property
    def dns(self) -> "DnsManagementClient":
        """Zones and record sets."""
        if "dns" not in self._made:
            from azure.mgmt.dns.aio import DnsManagementClient

            self._make("dns", DnsManagementClient)
        client: DnsManagementClient = self._made["dns"]
        return client

    @property
    def resources(self) -> "ResourceManagementClient":
        """Resource groups, and requests that no typed client has."""
        if "resources" not in self._made:
            from azure.mgmt.resource.resources.aio import ResourceManagementClient

            self._make("resources", ResourceManagementClient)
        client: ResourceManagementClient = self._made["resources"]
        return client
