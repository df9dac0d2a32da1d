"""Credentials for an account: azure-identity, async, against the account's own authority."""

import asyncio
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from azure.core.credentials_async import AsyncTokenCredential
from yarl import URL

from aks_operator.cloud.pool import Pool

DISCOVERY: Final = "https://login.microsoftonline.com"
"""Where instances of Microsoft's public authorities are asked for."""


def origin(url: str) -> str:
    """Scheme, host and port of a URL, in one spelling; raises ValueError."""
    return str(URL(url).origin())


@dataclass(frozen=True)
class Endpoints:
    """Where a cloud is. `ca` is a path to a PEM file, None for the system's own authorities."""

    resource_manager: str
    authority: str
    ca: str | None
    discover: bool
    """Whether the authority is one of Microsoft's public ones, which can be asked for its instances."""

    @property
    def origins(self) -> frozenset[str]:
        """Scheme, host and port of all that may be asked with what an account holds."""
        urls = [self.resource_manager, self.authority, *([DISCOVERY] if self.discover else [])]
        return frozenset(origin(url) for url in urls)


@dataclass(frozen=True)
class ServicePrincipal:
    """A client secret (or a PEM certificate with its key). repr shows neither."""

    tenant: str
    client: str
    secret: str = ""
    certificate: bytes = b""

    def __repr__(self) -> str:
        return f"ServicePrincipal(tenant={self.tenant!r}, client={self.client!r})"


@dataclass(frozen=True)
class WorkloadIdentity:
    """A token of our own ServiceAccount, read from its file by azure-identity, which Entra takes for the client's."""

    tenant: str
    client: str
    token_file: str


@dataclass(frozen=True)
class ManagedIdentity:
    """The identity of the machine we run on: the system's, or (by its client id) one that a user assigned."""

    client: str


Principal = ServicePrincipal | WorkloadIdentity | ManagedIdentity

PUBLIC_CLOUDS: Mapping[str, Endpoints] = {
    "AzurePublic": Endpoints("https://management.azure.com", "https://login.microsoftonline.com", None, discover=True),
    "AzureChina": Endpoints(
        "https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn", None, discover=True
    ),
    "AzureUSGovernment": Endpoints(
        "https://management.usgovcloudapi.net", "https://login.microsoftonline.us", None, discover=True
    ),
}


async def load() -> None:
    """Returns when azure-identity is imported: that takes a second, in which a Lease has to be renewed."""
    await asyncio.to_thread(importlib.import_module, "azure.identity.aio")


def credential(principal: Principal, endpoints: Endpoints, pool: Pool) -> AsyncTokenCredential:
    """An azure-identity credential. It asks once and does not sleep: the work queue retries.

    Raises ValueError for a certificate or a client id that is none; azure.identity.aio must have been loaded.
    """
    from azure.identity import aio

    if isinstance(principal, ManagedIdentity):  # the machine says where to ask, by its environment
        return aio.ManagedIdentityCredential(
            client_id=principal.client or None, transport=pool.anywhere(), retry_total=0
        )
    options: dict[str, Any] = {
        "authority": endpoints.authority,
        "disable_instance_discovery": not endpoints.discover,
        "transport": pool,
        "retry_total": 0,
    }
    if isinstance(principal, WorkloadIdentity):
        return aio.WorkloadIdentityCredential(
            tenant_id=principal.tenant, client_id=principal.client, token_file_path=principal.token_file, **options
        )
    if principal.certificate:
        return aio.CertificateCredential(
            principal.tenant, principal.client, certificate_data=principal.certificate, **options
        )
    return aio.ClientSecretCredential(principal.tenant, principal.client, principal.secret, **options)
