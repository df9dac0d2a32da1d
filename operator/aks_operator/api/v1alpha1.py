"""aks-operator.io/v1alpha1: every kind, whole."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from aks_operator.api.base import ApiModel
from aks_operator.api.cloud_account import CloudAccountSpec, CloudAccountStatus
from aks_operator.api.common import ObjectMeta
from aks_operator.api.managed_cluster import ManagedClusterSpec, ManagedClusterStatus
from aks_operator.api.network import (
    DNSZoneSpec,
    DNSZoneStatus,
    LogWorkspaceSpec,
    LogWorkspaceStatus,
    VirtualNetworkSpec,
    VirtualNetworkStatus,
)
from aks_operator.api.node_pool import NodePoolSpec, NodePoolStatus
from aks_operator.api.service_exposure import ServiceExposureSpec, ServiceExposureStatus

GROUP: Final = "aks-operator.io"
VERSION: Final = "v1alpha1"


class Root(ApiModel):
    """What every custom resource has."""

    PLURAL: ClassVar[str]
    SHORT_NAME: ClassVar[str]

    api_version: Literal["aks-operator.io/v1alpha1"] = "aks-operator.io/v1alpha1"
    kind: str
    metadata: ObjectMeta


class CloudAccount(Root):
    """An Azure subscription, and the identity to work there with."""

    PLURAL: ClassVar[str] = "cloudaccounts"
    SHORT_NAME: ClassVar[str] = "ca"
    kind: Literal["CloudAccount"] = "CloudAccount"
    spec: CloudAccountSpec = Field(description="spec is what is wanted.")
    status: CloudAccountStatus | None = Field(None, description="status is what was observed.")


class VirtualNetwork(Root):
    """A virtual network for nodes, with a way to the company's own."""

    PLURAL: ClassVar[str] = "virtualnetworks"
    SHORT_NAME: ClassVar[str] = "vnet"
    kind: Literal["VirtualNetwork"] = "VirtualNetwork"
    spec: VirtualNetworkSpec = Field(description="spec is what is wanted.")
    status: VirtualNetworkStatus | None = Field(None, description="status is what was observed.")


class ManagedCluster(Root):
    """An AKS cluster: a control plane that Azure runs."""

    PLURAL: ClassVar[str] = "managedclusters"
    SHORT_NAME: ClassVar[str] = "mc"
    kind: Literal["ManagedCluster"] = "ManagedCluster"
    spec: ManagedClusterSpec = Field(description="spec is what is wanted.")
    status: ManagedClusterStatus | None = Field(None, description="status is what was observed.")


class NodePool(Root):
    """Nodes of one configuration, scaled and upgraded as one."""

    PLURAL: ClassVar[str] = "nodepools"
    SHORT_NAME: ClassVar[str] = "npool"
    kind: Literal["NodePool"] = "NodePool"
    spec: NodePoolSpec = Field(description="spec is what is wanted.")
    status: NodePoolStatus | None = Field(None, description="status is what was observed.")


class ServiceExposure(Root):
    """How an application in a managed cluster is reached."""

    PLURAL: ClassVar[str] = "serviceexposures"
    SHORT_NAME: ClassVar[str] = "expose"
    kind: Literal["ServiceExposure"] = "ServiceExposure"
    spec: ServiceExposureSpec = Field(description="spec is what is wanted.")
    status: ServiceExposureStatus | None = Field(None, description="status is what was observed.")


class DNSZone(Root):
    """A DNS zone."""

    PLURAL: ClassVar[str] = "dnszones"
    SHORT_NAME: ClassVar[str] = "dnszone"
    kind: Literal["DNSZone"] = "DNSZone"
    spec: DNSZoneSpec = Field(description="spec is what is wanted.")
    status: DNSZoneStatus | None = Field(None, description="status is what was observed.")


class LogWorkspace(Root):
    """A Log Analytics workspace."""

    PLURAL: ClassVar[str] = "logworkspaces"
    SHORT_NAME: ClassVar[str] = "logws"
    kind: Literal["LogWorkspace"] = "LogWorkspace"
    spec: LogWorkspaceSpec = Field(description="spec is what is wanted.")
    status: LogWorkspaceStatus | None = Field(None, description="status is what was observed.")


KINDS: Final[dict[str, type[Root]]] = {
    "CloudAccount": CloudAccount,
    "VirtualNetwork": VirtualNetwork,
    "ManagedCluster": ManagedCluster,
    "NodePool": NodePool,
    "ServiceExposure": ServiceExposure,
    "DNSZone": DNSZone,
    "LogWorkspace": LogWorkspace,
}
"""By kind, in the order in which they lean on each other."""
