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
        None, alias="sizeGiB", description="sizeGiB; 0: Azure's default for the size."
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
    eviction_policy: Literal["Delete", "Deallocate"] = Field("Delete", description="evictionPolicy of evicted nodes.")


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
    ) = Field(None, description="maxSurge: extra nodes, a number or a percentage.")
    drain_timeout_minutes: Annotated[int, Field(ge=1, le=1440)] | None = Field(
        None, description="drainTimeoutMinutes for a node."
    )
    soak_minutes: Annotated[int, Field(ge=0, le=30)] | None = Field(None, description="soakMinutes between nodes.")


class NodePoolSpec(ManagedSpec):
    """Desired state of a NodePool."""

    cluster_ref: Reference = Field(description="clusterRef names the ManagedCluster.")
    mode: Literal["System", "User"] = Field("User", description="mode: System pools run the cluster's own pods.")
    vm_size: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9_]+$", min_length=1, max_length=64),
        Says("write a size as Azure does, such as Standard_D4s_v5"),
    ] = Field(description="vmSize of the nodes.")
    replicas: Annotated[int, Field(ge=0, le=1000)] = Field(1, description="replicas is the number of nodes wanted.")
    autoscaling: Autoscaling | None = Field(None, description="autoscaling: then Azure owns the count.")
    kubernetes_version: Version | None = Field(None, description="kubernetesVersion; default: the cluster's.")
    os: OperatingSystem = Field(OperatingSystem(), description="os of the nodes.")
    os_disk: OsDisk | None = Field(None, description="osDisk of the nodes.")
    zones: (
        Annotated[
            list[Literal["1", "2", "3"]],
            Field(max_length=3),
            Rule("self.all(z, self.exists_one(y, y == z))", "a zone is named twice: name each once"),
        ]
        | None
    ) = Field(None, description="zones to spread over.")
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=64)] | None = Field(
        None, description="labels of the nodes."
    )
    taints: Annotated[list[Taint], Field(max_length=32)] | None = Field(None, description="taints of the nodes.")
    max_pods: Annotated[int, Field(ge=10, le=250)] | None = Field(None, description="maxPods on a node.")
    priority: Literal["Regular", "Spot"] = Field("Regular", description="priority of the nodes.")
    spot: Spot | None = Field(None, description="spot: terms of priority Spot.")
    upgrade: Upgrade | None = Field(None, description="upgrade: how nodes are replaced.")
    replace_policy: Literal["Never", "Rotate"] = Field(
        "Never", description="replacePolicy: whether a new pool may take this one's place."
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
