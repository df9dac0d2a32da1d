"""Credentials for an account: azure-identity, async, against the account's own authority."""

import asyncio
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential


@dataclass(frozen=True)
class Endpoints:
    """Where a cloud is. `ca` is a path to a PEM file, None for the system's own authorities."""

    resource_manager: str
    authority: str
    ca: str | None
    discover: bool
    """Whether the authority is one of Microsoft's public ones, which can be asked for its instances."""


@dataclass(frozen=True)
class ServicePrincipal:
    """A client secret (or a PEM certificate with its key). repr shows neither."""

    tenant: str
    client: str
    secret: str = ""
    certificate: bytes = b""

    def __repr__(self) -> str:
        return f"ServicePrincipal(tenant={self.tenant!r}, client={self.client!r})"


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


def credential(principal: ServicePrincipal, endpoints: Endpoints, transport: Any) -> AsyncTokenCredential:
    """An azure-identity credential. It asks once and does not sleep: the work queue retries."""
    options: dict[str, Any] = {
        "authority": endpoints.authority,
        "disable_instance_discovery": not endpoints.discover,
        "transport": transport,
        "retry_total": 0,
    }
    if principal.certificate:
        from azure.identity.aio import CertificateCredential

        return CertificateCredential(
            principal.tenant, principal.client, certificate_data=principal.certificate, **options
        )
    from azure.identity.aio import ClientSecretCredential

    return ClientSecretCredential(principal.tenant, principal.client, principal.secret, **options)
