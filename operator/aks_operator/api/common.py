"""Types that several kinds share."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from aks_operator.api.base import ApiModel, Rule, Says

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
Name = Annotated[
    str,
    Field(pattern=rf"^{_LABEL}(\.{_LABEL})*$", min_length=1, max_length=63),
    Says("a name in Kubernetes has lower-case letters, digits, - and ., such as shop"),
]
Namespace = Annotated[
    str,
    Field(pattern=rf"^{_LABEL}$", min_length=1, max_length=63),
    Says("a namespace's name has lower-case letters, digits and -, such as default"),
]
SecretName = Annotated[
    str,
    Field(pattern=rf"^{_LABEL}(\.{_LABEL})*$", min_length=1, max_length=253),
    Says("a Secret's name has lower-case letters, digits, - and ."),
]
SecretKey = Annotated[
    str,
    Field(pattern=r"^[-._a-zA-Z0-9]+$", min_length=1, max_length=253),
    Says("a key in a Secret has letters, digits, -, _ and ."),
]
LabelKey = Annotated[
    str,
    Field(
        pattern=rf"^({_LABEL}(\.{_LABEL})*/)?[A-Za-z0-9]([-_.A-Za-z0-9]{{0,61}}[A-Za-z0-9])?$",
        min_length=1,
        max_length=317,
    ),
    Says(
        "a label's key is a name of at most 63 letters, digits, -, _ and ., with a prefix such as example.com/ or without"
    ),
]
LabelValue = Annotated[
    str,
    Field(pattern=r"^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$", max_length=63),
    Says("a label's value has letters, digits, -, _ and . and begins and ends with a letter or digit"),
]
Host = Annotated[
    str,
    Field(pattern=rf"^(\*\.)?{_LABEL}(\.{_LABEL})*$", max_length=253),
    Says("write a DNS name in lower case, such as www.shop.example"),
]
_WHOLE = "isCIDR(self) && cidr(self) == cidr(self).masked()"
Cidr = Annotated[
    str, Field(max_length=43), Rule(_WHOLE, "write a CIDR whose address is the range's first, such as 10.10.0.0/16")
]
Address = Annotated[str, Field(max_length=39), Rule("isIP(self)", "write an IP address, such as 198.51.100.7")]
Source = Annotated[
    str,
    Field(min_length=1, max_length=64),
    Rule(
        f"isIP(self) || ({_WHOLE}) || self.matches(r'^[A-Z][A-Za-z0-9]+([.][A-Za-z0-9]+)*$')",
        "write a CIDR whose address is the range's first, such as 198.51.100.0/24, or a service tag such as Internet",
    ),
]
ResourceID = Annotated[str, Field(max_length=1024)]
"""An ARM id in a status; those in a spec say of which type they are (see `arm_id`)."""
Tags = Annotated[
    dict[str, Annotated[str, Field(max_length=256)]],
    Field(max_length=49),  # Azure takes 50, and one is our mark
    Rule(
        "self.all(k, !k.lowerAscii().startsWith('aks-operator-'))",
        "tags that begin with aks-operator- are the operator's own marks: choose other names",
    ),
]
Message = Annotated[str, Field(max_length=1024)]
Toggle = Literal["Enabled", "Disabled"]


def arm_id(*types: str, example: str) -> tuple[Any, Any]:
    """The annotations of an ARM id in a spec; `types` are the provider and the types on the way to the resource."""
    segments = "/".join(f"{part.replace('.', '[.]')}/[^/]+" for part in types[1:])
    pattern = rf"(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/{types[0].replace('.', '[.]')}/{segments}$"
    return Field(pattern=pattern, max_length=1024), Says(f"write an ARM id such as {example}")


class ObjectMeta(ApiModel):
    """The part of metav1.ObjectMeta that we read."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    finalizers: list[str] = Field([])
    annotations: dict[str, str] = Field({})
    labels: dict[str, str] = Field({})


class Reference(ApiModel):
    """An object, in our own namespace or in one that invites ours."""

    name: Name = Field(description="name of the object.")
    namespace: Namespace | None = Field(
        None,
        description="namespace of the object, which must list ours in its allowedNamespaces. Default: this object's namespace.",
    )


class AccountReference(ApiModel):
    """The CloudAccount to use."""

    name: Name = Field("default", description="name of the CloudAccount.")
    namespace: Namespace | None = Field(
        None,
        description="namespace of the CloudAccount, which must list ours in its allowedNamespaces. Default: this object's namespace, then the operator's.",
    )


class SecretKeyReference(ApiModel):
    """One key of a Secret in the object's namespace."""

    name: SecretName = Field(description="name of the Secret.")
    key: SecretKey = Field(description="key in the Secret's data.")


class SecretReference(ApiModel):
    """A Secret in the object's namespace."""

    name: SecretName = Field(description="name of the Secret.")


class ManagedSpec(ApiModel):
    """Fields of every kind with an ARM resource."""

    azure_name: Annotated[str, Field(min_length=1, max_length=80)] | None = Field(
        None, description="azureName is the name in Azure, fixed once created. Default: metadata.name."
    )
    management_policy: Literal["Manage", "Observe", "Plan", "Pause"] = Field(
        "Manage",
        description="managementPolicy: Manage, Observe (never write, fill the status), Plan (write what was approved) or Pause (no call to Azure).",
    )
    adoption_policy: Literal["Never", "Adopt"] = Field(
        "Never",
        description="adoptionPolicy says whether a resource that is there already, and not ours, may become ours: Adopt, or Never (then the reason is AlreadyExists).",
    )
    deletion_policy: Literal["Delete", "Orphan", "Protect"] = Field(
        "Delete",
        description="deletionPolicy says what happens in Azure when this object is deleted: Delete, Orphan (it stays there), or Protect (the deletion is refused).",
    )
    drift_policy: Literal["Correct", "Report"] = Field(
        "Correct",
        description="driftPolicy: a change made past the operator is put right (Correct) or only shown in status.drift (Report).",
    )
    tags: Tags | None = Field(None, description="tags to set in Azure. Tags that others set stay.")
    azure: dict[str, JsonValue] | None = Field(
        None,
        description="azure holds further properties of the ARM resource, in Azure's spelling; those that have a field here are refused.",
    )


class Condition(ApiModel):
    """metav1.Condition."""

    type: Annotated[str, Field(max_length=64)] = Field(description="type of the condition.")
    status: Literal["True", "False", "Unknown"] = Field(description="status of the condition.")
    reason: Annotated[str, Field(min_length=1, max_length=256)] = Field(description="reason in one PascalCase word.")
    message: Message = Field("", description="message says what to do.")
    observed_generation: int | None = Field(None, description="observedGeneration is the generation this speaks of.")
    last_transition_time: Annotated[str, Field(max_length=32)] = Field(
        description="lastTransitionTime is when status changed last."
    )


class OperationStatus(ApiModel):
    """A long-running operation under way."""

    resource: ResourceID = Field(description="resource is the ARM id.")
    kind: Annotated[str, Field(max_length=32)] = Field(description="kind of the operation.")
    started_at: Annotated[str, Field(max_length=32)] = Field(description="startedAt is when it began.")
    url: Annotated[str, Field(max_length=4096)] = Field(description="url to ask how it stands.")


class ResourceStatus(ApiModel):
    """An ARM resource that this object made or uses."""

    id: ResourceID = Field(description="id in ARM.")
    type: Annotated[str, Field(max_length=128)] = Field(description="type in ARM.")
    ready: Literal["True", "False", "Unknown"] = Field(description="ready says whether it is as it should be.")
    reason: Annotated[str, Field(max_length=256)] = Field(description="reason in one word.")


class DriftStatus(ApiModel):
    """A difference that somebody else made."""

    id: ResourceID = Field(description="id of the resource.")
    path: Annotated[str, Field(max_length=256)] = Field(description="path in its body.")
    desired: Annotated[str, Field(max_length=256)] = Field(description="desired value, as JSON.")
    actual: Annotated[str, Field(max_length=256)] = Field(description="actual value, as JSON.")
    since: Annotated[str, Field(max_length=32)] = Field(description="since when it differs.")


class PlanStep(ApiModel):
    """One step of a plan."""

    action: Annotated[str, Field(max_length=16)] = Field(description="action to be done.")
    id: ResourceID = Field(description="id of the resource.")
    paths: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=64)] = Field(
        [], description="paths that differ."
    )
    why: Message = Field("", description="why it is needed.")
    blast_radius: Annotated[str, Field(max_length=256)] = Field("", description="blastRadius says what it disturbs.")


class PlanStatus(ApiModel):
    """What would be done."""

    hash: Annotated[str, Field(max_length=64)] = Field(description="hash to approve.")
    steps: Annotated[list[PlanStep], Field(max_length=64)] = Field([], description="steps in their order.")


class DeletionStatus(ApiModel):
    """What deletion waits for."""

    blocked_by: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=32)] = Field(
        [], description="blockedBy names the objects in the way."
    )


class ManagedStatus(ApiModel):
    """Status of every kind."""

    observed_generation: int | None = Field(
        None, description="observedGeneration is the generation this status speaks of."
    )
    conditions: Annotated[list[Condition], Field(max_length=16)] = Field([], description="conditions, Ready first.")
    id: ResourceID | None = Field(None, description="id of the main ARM resource; from then on its identity is fixed.")
    provisioning_state: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="provisioningState as Azure says."
    )
    applied_tags: Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=64)] = Field(
        [], description="appliedTags are the tag keys that we set."
    )
    operations: Annotated[list[OperationStatus], Field(max_length=8)] = Field([], description="operations under way.")
    resources: Annotated[list[ResourceStatus], Field(max_length=64)] = Field([], description="resources made or used.")
    drift: Annotated[list[DriftStatus], Field(max_length=32)] = Field(
        [], description="drift that is reported, not corrected."
    )
    plan: PlanStatus | None = Field(None, description="plan to be approved.")
    deletion: DeletionStatus | None = Field(None, description="deletion: what it waits for.")


class NodeCounts(ApiModel):
    """Nodes."""

    summary: Annotated[str, Field(max_length=16)] = Field("", description="summary: ready/wanted, for people.")
    ready: int = Field(0, description="ready nodes.")
    wanted: int = Field(0, description="wanted nodes.")


Invited = Annotated[
    str,
    Field(pattern=rf"^({_LABEL}|[*])$", max_length=63),
    Says("write a namespace's name, or * for every namespace"),
]
Namespaces = Annotated[list[Invited], Field(max_length=64)]
Raw = dict[str, Any]
