"""ManagedCluster: the platform-managed control plane."""

from typing import Annotated, Literal

from pydantic import Field

from aks_operator.api.base import ApiModel, Says
from aks_operator.api.common import (
    AccountReference,
    Address,
    Cidr,
    ManagedSpec,
    ManagedStatus,
    Name,
    Namespace,
    Namespaces,
    NodeCounts,
    Reference,
    SecretReference,
    Toggle,
    arm_id,
)

Version = Annotated[
    str,
    Field(pattern=r"^\d+\.\d+(\.\d+)?$", max_length=32),
    Says('write a Kubernetes version as a quoted string: a minor such as "1.36", or a full one such as "1.36.2"'),
]
_GROUP = r"^[-\w.()]*[-\w()]$"
_GROUP_SAYS = Says("a resource group's name has letters, digits, -, _, ., ( and ), and does not end with .")
Group = Annotated[str, Field(pattern=_GROUP, min_length=1, max_length=90), _GROUP_SAYS]
Location = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9 ]+$", min_length=1, max_length=64),
    Says("write the region as Azure does, such as westeurope"),
]
Guid = Annotated[
    str,
    Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", max_length=36),
    Says("write a GUID, such as 00000000-0000-0000-0000-000000000001"),
]
IdentityID = Annotated[
    str,
    *arm_id(
        "Microsoft.ManagedIdentity",
        "userAssignedIdentities",
        example="/subscriptions/…/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop",
    ),
]
SubnetID = Annotated[
    str,
    *arm_id(
        "Microsoft.Network",
        "virtualNetworks",
        "subnets",
        example="/subscriptions/…/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/shop/subnets/nodes",
    ),
]


class Identity(ApiModel):
    """As whom the cluster acts."""

    type: Literal["SystemAssigned", "UserAssigned"] = Field(
        "SystemAssigned", description="type of the identity: one that AKS makes, or one of yours."
    )
    user_assigned_id: IdentityID | None = Field(
        None,
        alias="userAssignedID",
        description="userAssignedID is the ARM id of an identity of yours, for type UserAssigned.",
    )


class Access(ApiModel):
    """Who may log in."""

    entra: Toggle = Field("Disabled", description="entra: people log in with Microsoft Entra ID.")
    azure_rbac: Toggle = Field(
        "Disabled", alias="azureRBAC", description="azureRBAC: Azure's roles decide what they may do. Needs entra."
    )
    admin_group_ids: Annotated[list[Guid], Field(max_length=20)] = Field(
        [],
        alias="adminGroupIDs",
        description="adminGroupIDs are groups in Entra ID whose members are admins. Needs entra.",
    )
    local_accounts: Toggle = Field("Enabled", description="localAccounts: log in without Entra ID, by certificate.")


class SubnetReference(ApiModel):
    """A subnet: of a VirtualNetwork, or by its ARM id."""

    name: Name | None = Field(None, description="name of the VirtualNetwork.")
    namespace: Namespace | None = Field(
        None, description="namespace of the VirtualNetwork. Default: this object's namespace."
    )
    subnet: Annotated[str, Field(max_length=80)] | None = Field(
        None, description="subnet is its name in the VirtualNetwork."
    )
    resource_id: SubnetID | None = Field(None, alias="resourceID", description="resourceID of a subnet that exists.")


class Network(ApiModel):
    """How pods and nodes are connected."""

    plugin: Literal["AzureOverlay", "Azure", "Kubenet", "None"] = Field(
        "AzureOverlay",
        description="plugin that gives pods their addresses: AzureOverlay (a range of their own), Azure (the nodes' subnet), Kubenet (deprecated), None (bring your own).",
    )
    policy: Literal["None", "Azure", "Calico", "Cilium"] = Field(
        "None", description="policy engine for NetworkPolicies. Azure and Cilium need plugin AzureOverlay or Azure."
    )
    subnet_ref: SubnetReference | None = Field(
        None,
        description="subnetRef is the nodes' subnet: one of a VirtualNetwork, or by its ARM id. Default: AKS makes a network of its own.",
    )
    pod_cidr: Cidr | None = Field(
        None,
        alias="podCIDR",
        description="podCIDR: the pods' range, for plugin AzureOverlay and Kubenet. Default: Azure decides.",
    )
    service_cidr: Cidr | None = Field(
        None, alias="serviceCIDR", description="serviceCIDR: the range of ClusterIPs. Default: Azure decides."
    )
    dns_service_ip: Address | None = Field(
        None,
        alias="dnsServiceIP",
        description="dnsServiceIP: the address of the cluster's DNS, within serviceCIDR. Default: Azure decides.",
    )
    egress: Literal["LoadBalancer", "UserDefinedRouting", "NATGateway", "None"] = Field(
        "LoadBalancer", description="egress: how nodes reach the outside. UserDefinedRouting needs subnetRef."
    )


class ApiServer(ApiModel):
    """Who reaches the API server."""

    visibility: Literal["Public", "Private"] = Field(
        "Public", description="visibility of the API server: an address on the Internet, or in the nodes' network."
    )
    authorized_ranges: Annotated[list[Cidr], Field(max_length=200)] = Field(
        [], description="authorizedRanges are CIDRs that alone may reach a Public API server. Empty: everybody."
    )


class Weekly(ApiModel):
    """A window every week."""

    day: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] = Field(
        description="day of the week."
    )
    start: Annotated[
        str,
        Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", max_length=5),
        Says('write a time of day as a quoted string, such as "02:00"'),
    ] = Field(description="start as HH:MM.")
    duration_hours: Annotated[int, Field(ge=4, le=24)] = Field(4, description="durationHours of the window.")
    utc_offset: Annotated[
        str,
        Field(pattern=r"^[+-](0\d|1[0-4]):[0-5]\d$", max_length=6),
        Says('write an offset from UTC as a quoted string, such as "+01:00"'),
    ] = Field("+00:00", description="utcOffset of start.")


class Maintenance(ApiModel):
    """When Azure may upgrade."""

    weekly: Weekly = Field(description="weekly window.")


class Logs(ApiModel):
    """Where control-plane logs go."""

    workspace_ref: Reference = Field(description="workspaceRef names a LogWorkspace.")
    categories: Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=16)] = Field(
        description="categories of logs."
    )


class ApplicationRouting(ApiModel):
    """The ingress controller run by AKS."""

    state: Toggle = Field("Disabled", description="state of the add-on.")
    zone_refs: Annotated[list[Reference], Field(max_length=5)] = Field(
        [], description="zoneRefs get records for its routes."
    )


class ManagedClusterSpec(ManagedSpec):
    """Desired state of a ManagedCluster."""

    account_ref: AccountReference = Field(
        AccountReference(),
        description="accountRef names the CloudAccount: the subscription to work in, and as whom. Fixed once created.",
    )
    resource_group: Group = Field(description="resourceGroup in Azure, made if it is missing. Fixed once created.")
    location: Location = Field(description="location is the Azure region, such as westeurope. Fixed once created.")
    node_resource_group: Annotated[str, Field(pattern=_GROUP, min_length=1, max_length=80), _GROUP_SAYS] | None = Field(
        None,
        description="nodeResourceGroup that AKS makes for the nodes. Fixed once created. Default: MC_<group>_<cluster>_<region>.",
    )
    kubernetes_version: Version = Field(
        description='kubernetesVersion, a quoted string: a minor such as "1.36" (its newest patch) or a full version.'
    )
    tier: Literal["Free", "Standard", "Premium"] = Field(
        "Free", description="tier of the control plane: Free, or with an SLA."
    )
    dns_prefix: (
        Annotated[
            str,
            Field(pattern=r"^[a-zA-Z0-9]([-a-zA-Z0-9]{0,52}[a-zA-Z0-9])?$", max_length=54),
            Says("a DNS prefix has 1 to 54 letters, digits and -, and begins and ends with a letter or digit"),
        ]
        | None
    ) = Field(None, description="dnsPrefix of the API server's name. Fixed once created. Default: the name in Azure.")
    identity: Identity = Field(Identity(), description="identity as which the cluster works in Azure.")
    oidc_issuer: Toggle = Field(
        "Enabled", description="oidcIssuer of the cluster's ServiceAccount tokens; its URL is in the status."
    )
    workload_identity: Toggle = Field(
        "Disabled", description="workloadIdentity lets pods log in to Azure as a federated identity. Needs oidcIssuer."
    )
    access: Access = Field(Access(), description="access says who may log in to the cluster.")
    network: Network = Field(
        Network(), description="network of pods and nodes. All but policy and egress is fixed once created."
    )
    api_server: ApiServer = Field(ApiServer(), description="apiServer: who reaches it over the network.")
    auto_upgrade: Literal["None", "Patch", "Stable", "Rapid", "NodeImage"] = Field(
        "None", description="autoUpgrade: what Azure upgrades by itself; kubernetesVersion is then the least."
    )
    node_os_upgrade: Literal["None", "Unmanaged", "SecurityPatch", "NodeImage"] = Field(
        "NodeImage", alias="nodeOSUpgrade", description="nodeOSUpgrade: how nodes get security updates."
    )
    maintenance: Maintenance | None = Field(
        None, description="maintenance: when Azure may upgrade. Default: at any time."
    )
    logs: Logs | None = Field(None, description="logs of the control plane, sent to a LogWorkspace. Default: none.")
    application_routing: ApplicationRouting = Field(
        ApplicationRouting(),
        description="applicationRouting: an ingress controller that AKS runs, with DNS records for its routes.",
    )
    power: Literal["Running", "Stopped"] = Field(
        "Running", description="power: a Stopped cluster keeps its state and costs no nodes."
    )
    kubeconfig_secret: SecretReference | None = Field(
        None, description="kubeconfigSecret to write the admin's kubeconfig to. Default: none is written."
    )
    allowed_namespaces: Namespaces | None = Field(
        None,
        description="allowedNamespaces: other namespaces whose NodePools and ServiceExposures may refer to it; * for all.",
    )


class UpgradeStatus(ApiModel):
    """How far an upgrade is."""

    from_: Annotated[str, Field(max_length=32)] = Field("", alias="from", description="from version.")
    to: Annotated[str, Field(max_length=32)] = Field("", description="to version.")
    stage: Annotated[str, Field(max_length=64)] = Field("", description="stage it is in.")
    done: int = Field(0, description="done nodes.")
    total: int = Field(0, description="total nodes.")
    started_at: Annotated[str, Field(max_length=32)] = Field("", description="startedAt is when it began.")
    typical_seconds: int = Field(0, description="typicalSeconds it takes.")


class ManagedClusterStatus(ManagedStatus):
    """Observed state of a ManagedCluster."""

    kubernetes_version: Annotated[str, Field(max_length=32)] | None = Field(
        None, description="kubernetesVersion that runs."
    )
    available_upgrades: Annotated[list[Annotated[str, Field(max_length=32)]], Field(max_length=32)] = Field(
        [], description="availableUpgrades from there."
    )
    power_state: Annotated[str, Field(max_length=32)] | None = Field(None, description="powerState as Azure says.")
    fqdn: Annotated[str, Field(max_length=253)] | None = Field(None, description="fqdn of the API server.")
    node_resource_group: Annotated[str, Field(max_length=90)] | None = Field(
        None, description="nodeResourceGroup that AKS made."
    )
    oidc_issuer_url: Annotated[str, Field(max_length=512)] | None = Field(
        None, alias="oidcIssuerURL", description="oidcIssuerURL of the cluster."
    )
    nodes: NodeCounts | None = Field(None, description="nodes of all pools.")
    upgrade: UpgradeStatus | None = Field(None, description="upgrade under way.")
