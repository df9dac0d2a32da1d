"""VirtualNetwork, DNSZone and LogWorkspace: what clusters and exposures lean on."""

from typing import Annotated, Literal

from pydantic import Field

from aks_operator.api.base import ApiModel, Says
from aks_operator.api.common import (
    AccountReference,
    Address,
    Cidr,
    ManagedSpec,
    ManagedStatus,
    Namespaces,
    Reference,
    ResourceID,
    SecretKeyReference,
    Toggle,
)
from aks_operator.api.managed_cluster import Group, Location


class Subnet(ApiModel):
    """A subnet."""

    name: Annotated[
        str,
        Field(pattern=r"^[a-zA-Z0-9]([-\w.]*\w)?$", min_length=1, max_length=80),
        Says("a subnet's name has letters, digits, -, _ and ., and begins with a letter or digit"),
    ] = Field(description="name of the subnet.")
    prefix: Cidr = Field(description="prefix as a CIDR.")
    purpose: Literal["Nodes", "Gateway"] = Field(
        "Nodes", description="purpose: Nodes, or Gateway (the one subnet of the VPN gateway)."
    )


class OnPremises(ApiModel):
    """The other end."""

    gateway_address: Address = Field(description="gatewayAddress of the company's VPN device.")
    address_prefixes: Annotated[list[Cidr], Field(min_length=1, max_length=64)] = Field(
        description="addressPrefixes behind it."
    )


class SiteToSite(ApiModel):
    """A site-to-site VPN."""

    sku: Annotated[str, Field(max_length=32)] = Field("VpnGw1AZ", description="sku of the gateway.")
    on_premises: OnPremises = Field(description="onPremises: the other end.")
    shared_key_secret_ref: SecretKeyReference = Field(
        description="sharedKeySecretRef names the key that holds the pre-shared key."
    )
    forced_tunneling: Toggle = Field(
        "Disabled", description="forcedTunneling sends all of the nodes' traffic through the gateway."
    )


class VirtualNetworkSpec(ManagedSpec):
    """Desired state of a VirtualNetwork."""

    account_ref: AccountReference = Field(
        AccountReference(),
        description="accountRef names the CloudAccount: the subscription to work in, and as whom. Fixed once created.",
    )
    resource_group: Group = Field(description="resourceGroup in Azure, made if it is missing. Fixed once created.")
    location: Location = Field(description="location is the Azure region, such as westeurope. Fixed once created.")
    address_space: Annotated[list[Cidr], Field(min_length=1, max_length=16)] = Field(
        description="addressSpace: the network's ranges, as CIDRs."
    )
    subnets: Annotated[list[Subnet], Field(max_length=64)] = Field(
        [], description="subnets of the network, within addressSpace."
    )
    site_to_site: SiteToSite | None = Field(
        None, description="siteToSite: a VPN to the company's network. Needs a subnet of purpose Gateway."
    )
    allowed_namespaces: Namespaces | None = Field(
        None, description="allowedNamespaces: other namespaces whose objects may refer to it; * for all."
    )


class SubnetStatus(ApiModel):
    """A subnet as made."""

    name: Annotated[str, Field(max_length=80)] = Field(description="name of the subnet.")
    id: ResourceID = Field(description="id in ARM.")
    network_security_group: ResourceID | None = Field(None, description="networkSecurityGroup attached.")


class VirtualNetworkStatus(ManagedStatus):
    """Observed state of a VirtualNetwork."""

    gateway_address: Annotated[str, Field(max_length=39)] | None = Field(None, description="gatewayAddress in Azure.")
    connection_state: Annotated[str, Field(max_length=32)] | None = Field(
        None, description="connectionState of the VPN."
    )
    subnets: Annotated[list[SubnetStatus], Field(max_length=64)] = Field([], description="subnets as made.")


class DNSZoneSpec(ManagedSpec):
    """Desired state of a DNSZone."""

    account_ref: AccountReference = Field(
        AccountReference(),
        description="accountRef names the CloudAccount: the subscription to work in, and as whom. Fixed once created.",
    )
    resource_group: Group = Field(description="resourceGroup in Azure, made if it is missing. Fixed once created.")
    zone: Annotated[
        str,
        Field(pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=253),
        Says("write a domain of two labels or more in lower case, without a dot at its end, such as shop.example"),
    ] = Field(description="zone is its DNS name, such as shop.example. Fixed once created.")
    visibility: Literal["Public", "Private"] = Field(
        "Public", description="visibility: a Private zone answers in linked networks only. Fixed once created."
    )
    virtual_network_refs: Annotated[list[Reference], Field(max_length=32)] = Field(
        [], description="virtualNetworkRefs: the networks that a Private zone answers in."
    )
    allowed_namespaces: Namespaces | None = Field(
        None, description="allowedNamespaces: other namespaces whose ServiceExposures may have names in it; * for all."
    )


class DNSZoneStatus(ManagedStatus):
    """Observed state of a DNSZone."""

    name_servers: Annotated[list[Annotated[str, Field(max_length=253)]], Field(max_length=8)] = Field(
        [], description="nameServers to delegate to."
    )
    records: int | None = Field(None, description="records is the number of record sets.")


class LogWorkspaceSpec(ManagedSpec):
    """Desired state of a LogWorkspace."""

    account_ref: AccountReference = Field(
        AccountReference(),
        description="accountRef names the CloudAccount: the subscription to work in, and as whom. Fixed once created.",
    )
    resource_group: Group = Field(description="resourceGroup in Azure, made if it is missing. Fixed once created.")
    location: Location = Field(description="location is the Azure region, such as westeurope. Fixed once created.")
    retention_days: Annotated[int, Field(ge=4, le=730)] = Field(
        30, description="retentionDays: how long logs are kept."
    )
    daily_cap_gib: Annotated[int, Field(ge=1, le=4000)] | None = Field(
        None, alias="dailyCapGiB", description="dailyCapGiB: no more is taken in on a day. Default: no cap."
    )
    allowed_namespaces: Namespaces | None = Field(
        None, description="allowedNamespaces: other namespaces whose objects may refer to it; * for all."
    )


class LogWorkspaceStatus(ManagedStatus):
    """Observed state of a LogWorkspace."""

    customer_id: Annotated[str, Field(max_length=64)] | None = Field(
        None, alias="customerId", description="customerId of the workspace."
    )
