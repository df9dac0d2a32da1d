"""NodePool: nodes of one configuration, scaled and upgraded as one."""

from typing import Annotated, Literal

from pydantic import Field

from aks_operator.api.base import ApiModel, Rule, Says
from aks_operator.api.common import LabelKey, LabelValue, ManagedSpec, ManagedStatus, NodeCounts, Reference
from aks_operator.api.managed_cluster import Version


class Autoscaling(ApiModel):
    """Bounds within which Azure owns the count."""

    min: Annotated[int, Field(ge=0, le=1000)] = Field(description="min nodes.")
    max: Annotated[int, Field(ge=1, le=1000)] = Field(description="max nodes.")


class OperatingSystem(ApiModel):
    """What the nodes run."""

    type: Literal["Linux", "Windows"] = Field("Linux", description="type of the operating system.")
    sku: Literal["Ubuntu", "AzureLinux", "Windows2019", "Windows2022"] = Field(
        "Ubuntu", description="sku of the image."
    )


class OsDisk(ApiModel):
    """The system disk."""

    size_gib: Annotated[int, Field(ge=0, le=2048)] | None = Field(
        None, alias="sizeGiB", description="sizeGiB of the disk; 0 is Azure's default for the vmSize."
    )
    type: Literal["Managed", "Ephemeral"] | None = Field(None, description="type of the disk.")


class Taint(ApiModel):
    """A node taint."""

    key: LabelKey = Field(description="key of the taint.")
    value: LabelValue | None = Field(None, description="value of the taint.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(description="effect of the taint.")


class Spot(ApiModel):
    """Terms of Spot nodes."""

    max_price: (
        Annotated[
            str,
            Field(pattern=r"^(-1|\d+(\.\d{1,5})?)$", max_length=16),
            Says('write US dollars an hour as a quoted string, such as "0.05", or "-1" for the market\'s price'),
        ]
        | None
    ) = Field(None, description="maxPrice in US dollars an hour; -1: the market's.")
    eviction_policy: Literal["Delete", "Deallocate"] = Field(
        "Delete", description="evictionPolicy: what becomes of a node that is taken away."
    )


class Upgrade(ApiModel):
    """How nodes are replaced."""

    max_surge: (
        Annotated[
            str,
            Field(pattern=r"^(100|[1-9]\d?)%$", max_length=8),
            Says("write a number of nodes (1 to 1000), or a percentage such as 33%"),
        ]
        | Annotated[int, Field(ge=1, le=1000)]
        | None
    ) = Field(None, description="maxSurge: how many nodes are added meanwhile, a number or a percentage such as 33%.")
    drain_timeout_minutes: Annotated[int, Field(ge=1, le=1440)] | None = Field(
        None, description="drainTimeoutMinutes: how long a node may take to be emptied."
    )
    soak_minutes: Annotated[int, Field(ge=0, le=30)] | None = Field(
        None, description="soakMinutes to wait after each node."
    )


class NodePoolSpec(ManagedSpec):
    """Desired state of a NodePool."""

    cluster_ref: Reference = Field(description="clusterRef names the ManagedCluster. Fixed once created.")
    mode: Literal["System", "User"] = Field(
        "User",
        description="mode: a System pool runs the cluster's own pods, and each cluster needs one; others are User.",
    )
    vm_size: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9_]+$", min_length=1, max_length=64),
        Says("write a size as Azure does, such as Standard_D4s_v5"),
    ] = Field(description="vmSize: the size of a node, such as Standard_D4s_v5. Fixed once created.")
    replicas: Annotated[int, Field(ge=0, le=1000)] = Field(1, description="replicas is the number of nodes wanted.")
    autoscaling: Autoscaling | None = Field(
        None,
        description="autoscaling: Azure chooses the number of nodes within these bounds. Default: replicas says it.",
    )
    kubernetes_version: Version | None = Field(
        None, description="kubernetesVersion of the nodes, never newer than the cluster's. Default: the cluster's."
    )
    os: OperatingSystem = Field(OperatingSystem(), description="os of the nodes. Fixed once created.")
    os_disk: OsDisk | None = Field(None, description="osDisk of a node. Fixed once created. Default: Azure decides.")
    zones: (
        Annotated[
            list[Literal["1", "2", "3"]],
            Field(max_length=3),
            Rule("self.all(z, self.exists_one(y, y == z))", "a zone is named twice: name each once"),
        ]
        | None
    ) = Field(None, description="zones of the region to spread nodes over. Fixed once created. Default: none.")
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=64)] | None = Field(
        None, description="labels of the nodes, for nodeSelectors."
    )
    taints: Annotated[list[Taint], Field(max_length=32)] | None = Field(
        None, description="taints of the nodes: pods without a toleration stay away."
    )
    max_pods: Annotated[int, Field(ge=10, le=250)] | None = Field(
        None, description="maxPods on a node. Fixed once created. Default: Azure decides."
    )
    priority: Literal["Regular", "Spot"] = Field(
        "Regular", description="priority: Spot nodes cost less and can be taken away at any time. Fixed once created."
    )
    spot: Spot | None = Field(None, description="spot: the terms, for priority Spot.")
    upgrade: Upgrade | None = Field(
        None, description="upgrade: how nodes are replaced when the pool is upgraded. Default: Azure decides."
    )
    replace_policy: Literal["Never", "Rotate"] = Field(
        "Never",
        description="replacePolicy: Rotate lets what is fixed change: a new pool is made, the old one drained and removed.",
    )


class NodePoolStatus(ManagedStatus):
    """Observed state of a NodePool."""

    replicas: int | None = Field(None, description="replicas observed.")
    selector: Annotated[str, Field(max_length=128)] | None = Field(
        None, description="selector of the nodes, for the scale subresource."
    )
    nodes: NodeCounts | None = Field(None, description="nodes of the pool.")
    kubernetes_version: Annotated[str, Field(max_length=32)] | None = Field(
        None, description="kubernetesVersion that runs."
    )
