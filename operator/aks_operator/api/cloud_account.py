"""CloudAccount: where, and as whom."""

from typing import Annotated, Literal

from pydantic import Field

from aks_operator.api.base import ApiModel, Says
from aks_operator.api.common import ManagedStatus, Namespaces, SecretKeyReference
from aks_operator.api.managed_cluster import Guid

Url = Annotated[
    str,
    Field(pattern=r"^https://[^\s/?#@]+/?$", max_length=512),
    Says("write an https URL without a path, such as https://fakecloud.aks-operator.svc"),
]


class CertificateAuthority(ApiModel):
    """Whose certificates to trust."""

    secret_ref: SecretKeyReference = Field(description="secretRef names the key that holds the PEM.")


class Endpoints(ApiModel):
    """A cloud of one's own."""

    resource_manager: Url = Field(description="resourceManager is the URL of Azure Resource Manager, https only.")
    authority: Url = Field(description="authority is the URL that gives tokens, https only.")
    certificate_authority: CertificateAuthority | None = Field(
        None, description="certificateAuthority to trust; default: the system's."
    )


class Credential(ApiModel):
    """As whom."""

    type: Literal["WorkloadIdentity", "ManagedIdentity", "ServicePrincipal"] = Field(
        description="type: WorkloadIdentity and ManagedIdentity are the operator's own; a ServicePrincipal has a secret or certificate."
    )
    client_id: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="clientId of the application or identity."
    )
    client_secret_ref: SecretKeyReference | None = Field(
        None, description="clientSecretRef names the key that holds the secret."
    )
    client_certificate_ref: SecretKeyReference | None = Field(
        None, description="clientCertificateRef names the key that holds certificate and key as PEM."
    )


class CloudAccountSpec(ApiModel):
    """Desired state of a CloudAccount."""

    subscription_id: Guid = Field(description="subscriptionId is the subscription's GUID.")
    tenant_id: Guid = Field(description="tenantId is the tenant's GUID.")
    cloud: Literal["AzurePublic", "AzureChina", "AzureUSGovernment", "Custom"] = Field(
        "AzurePublic", description="cloud: which Azure it is."
    )
    endpoints: Endpoints | None = Field(
        None, description="endpoints of cloud Custom; whoever installed the operator must have allowed them."
    )
    credential: Credential = Field(description="credential to log in with, by reference.")
    allowed_namespaces: Namespaces | None = Field(
        None, description="allowedNamespaces: other namespaces whose objects may use the account; * for all."
    )
    resource_group_prefix: (
        Annotated[
            str,
            Field(pattern=r"^[-\w.()]+$", min_length=1, max_length=80),
            Says("a resource group's name, and so its beginning, has letters, digits, -, _, ., ( and )"),
        ]
        | None
    ) = Field(
        None,
        description="resourceGroupPrefix is a fence: resource groups whose names begin otherwise are not touched. Default: none.",
    )


class RateLimit(ApiModel):
    """What Azure said of our requests."""

    reads_remaining: int | None = Field(None, description="readsRemaining at the last change of status.")
    writes_remaining: int | None = Field(None, description="writesRemaining at the last change of status.")
    throttled_until: Annotated[str, Field(max_length=32)] | None = Field(
        None, description="throttledUntil is when requests go on."
    )


class CloudAccountStatus(ManagedStatus):
    """Observed state of a CloudAccount."""

    rate_limit: RateLimit | None = Field(None, description="rateLimit as Azure says.")
