"""What one object can know of itself: CEL rules whose messages say what to do, and the columns of `kubectl get`."""

from typing import Any, Final

Rule = dict[str, str]


def _rule(rule: str, message: str = "", **more: str) -> Rule:
    return {"rule": rule, **({"message": message} if message else {}), **more}


_CREATED: Final = "!has(oldSelf.status) || !has(oldSelf.status.id)"
"""Identity is free until something was made in Azure."""


def _fixed(*paths: str, what: str = "create a new object", unless: str = "") -> list[Rule]:
    """Each path may not change once the object stands for something in Azure, but where `unless` holds."""
    free = f"{_CREATED} || {unless}" if unless else _CREATED
    rules = []
    for path in paths:
        parts = ["__namespace__" if part == "namespace" else part for part in path.split(".")]  # a reserved word of CEL
        field = ".".join(parts)
        present = " && ".join(f"has({{0}}.spec.{'.'.join(parts[: i + 1])})" for i in range(len(parts)))
        mine, old = present.format("self"), present.format("oldSelf")
        rules.append(
            _rule(
                f"{free} || (({mine}) == ({old}) && (!({mine}) || self.spec.{field} == oldSelf.spec.{field}))",
                f"{path} is immutable once created: {what}",
            )
        )
    return rules


def _required_fixed(*paths: str, what: str = "create a new object", unless: str = "") -> list[Rule]:
    free = f"{_CREATED} || {unless}" if unless else _CREATED
    return [
        _rule(f"{free} || self.spec.{path} == oldSelf.spec.{path}", f"{path} is immutable once created: {what}")
        for path in paths
    ]


_NAME: Final = _rule(
    "size(self.metadata.name) <= 63",
    "metadata.name must have at most 63 characters: create the object under a shorter name",
)


def _in_azure(object_: str = "self") -> str:
    return f"(has({object_}.spec.azureName) ? {object_}.spec.azureName : {object_}.metadata.name)"


def _azure_name(pattern: str, says: str) -> Rule:
    return _rule(f"{_in_azure()}.matches('{pattern}')", f"{says}: set spec.azureName to a name that Azure takes")


_ROOT_OWN: Final = [
    _rule(
        f"{_CREATED} || {_in_azure()} == {_in_azure('oldSelf')}",
        "azureName is immutable once created: create a new object",
    )
]
_NO_AZURE_NAME: Final = "azureName is not for this kind: remove it; {}"
_NEW_POOL: Final = "create a new pool with the other value, then delete this one"
_ROTATES: Final = "self.spec.replacePolicy == 'Rotate'"
_GROUP: Final = _required_fixed("resourceGroup")
_ACCOUNT: Final = _fixed("accountRef.namespace") + _required_fixed("accountRef.name")

ROOT_RULES: Final[dict[str, list[Rule]]] = {
    "CloudAccount": [_NAME, *_required_fixed("subscriptionId", what="create another CloudAccount")],
    "VirtualNetwork": [
        _NAME,
        *_ROOT_OWN,
        *_GROUP,
        *_ACCOUNT,
        *_required_fixed("location"),
        _azure_name(
            "^[a-zA-Z0-9]([-a-zA-Z0-9_.]{0,62}[a-zA-Z0-9_])?$",
            "a virtual network's name begins with a letter or digit and has at most 64 characters",
        ),
    ],
    "ManagedCluster": [
        _NAME,
        *_ROOT_OWN,
        *_GROUP,
        *_ACCOUNT,
        *_required_fixed("location", what="create a new cluster"),
        *_fixed(
            "nodeResourceGroup",
            "dnsPrefix",
            "network.subnetRef",
            "network.podCIDR",
            "network.serviceCIDR",
            "network.dnsServiceIP",
            what="create a new cluster",
        ),
        *_required_fixed("network.plugin", what="create a new cluster"),
        _azure_name(
            "^[a-zA-Z0-9]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$",
            "a cluster's name has 1 to 63 letters, digits, - and _, and begins and ends with a letter or digit",
        ),
        _rule(
            f"has(self.spec.dnsPrefix) || {_in_azure()}.matches('^[a-zA-Z0-9]([-a-zA-Z0-9]{{0,52}}[a-zA-Z0-9])?$')",
            "the cluster's name is no DNS prefix (1 to 54 letters, digits and -): set spec.dnsPrefix",
        ),
    ],
    "NodePool": [
        _NAME,
        *_ROOT_OWN,
        *_required_fixed("clusterRef", what="create a new pool"),
        *_required_fixed("vmSize", "os", "priority", what=_NEW_POOL, unless=_ROTATES),
        *_fixed("osDisk", "zones", "maxPods", what=_NEW_POOL, unless=_ROTATES),
        _azure_name(
            "^[a-z][a-z0-9]{0,11}$", "a pool's name has 1 to 12 lower-case letters and digits and begins with a letter"
        ),
        _rule(
            f"self.spec.os.type != 'Windows' || size({_in_azure()}) <= 6",
            "a Windows pool's name has at most 6 characters; set spec.azureName to a shorter one",
        ),
    ],
    "ServiceExposure": [
        _NAME,
        *_required_fixed("clusterRef", what="create a new exposure"),
        _rule(
            "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "metadata.name becomes a Service's: create the object under a name of lower-case letters, digits and - that begins with a letter",
        ),
    ],
    "DNSZone": [
        _NAME,
        *_GROUP,
        *_ACCOUNT,
        *_required_fixed("zone", "visibility", what="create a new DNSZone"),
    ],
    "LogWorkspace": [
        _NAME,
        *_ROOT_OWN,
        *_GROUP,
        *_ACCOUNT,
        *_required_fixed("location"),
        _azure_name(
            "^[a-zA-Z0-9][-a-zA-Z0-9]{2,61}[a-zA-Z0-9]$", "a workspace's name has 4 to 63 letters, digits and -"
        ),
    ],
}


def _only(types: str, field: str, present: str) -> Rule:
    return _rule(
        f"!({present}) || self.type in [{types}]", f"{field} is not for this type: remove it, or choose another type"
    )


_INTERNAL: Final = "has(self.visibility) && self.visibility == 'Internal'"


def _cidrs(*fields: str) -> str:
    """Whether each field is there and a CIDR: what is none has a complaint of its own."""
    return " && ".join(f"has(self.{field}) && isCIDR(self.{field})" for field in fields)


SCHEMA_RULES: Final[dict[str, list[Rule]]] = {
    "CloudAccountSpec": [
        _rule(
            "self.cloud != 'Custom' || has(self.endpoints)",
            "cloud Custom needs endpoints: name its resourceManager and authority",
        ),
        _rule(
            "self.cloud == 'Custom' || !has(self.endpoints)",
            "endpoints are for cloud Custom: remove them, or set cloud to Custom",
        ),
    ],
    "Credential": [
        _rule(
            "self.type != 'ServicePrincipal' || has(self.clientId)",
            "a ServicePrincipal needs clientId: the application's id",
        ),
        _rule(
            "self.type != 'ServicePrincipal' || has(self.clientSecretRef) != has(self.clientCertificateRef)",
            "a ServicePrincipal needs either clientSecretRef or clientCertificateRef: give one of the two",
        ),
        _rule(
            "self.type == 'ServicePrincipal' || !(has(self.clientSecretRef) || has(self.clientCertificateRef))",
            "clientSecretRef and clientCertificateRef are for type ServicePrincipal: remove them, or set type",
        ),
    ],
    "SubnetReference": [
        _rule("has(self.name) != has(self.resourceID)", "give either name (with subnet) or resourceID"),
        _rule("!has(self.name) || has(self.subnet)", "name the subnet too: set subnet"),
        _rule(
            "!has(self.resourceID) || has(self.name) || !(has(self.subnet) || has(self.namespace))",
            "resourceID says all: remove subnet and namespace",
        ),
    ],
    "Network": [
        _rule(
            "self.policy != 'Cilium' || self.plugin in ['AzureOverlay', 'Azure']",
            "policy Cilium needs plugin AzureOverlay or Azure",
        ),
        _rule(
            "self.policy != 'Azure' || self.plugin in ['AzureOverlay', 'Azure']",
            "policy Azure needs plugin AzureOverlay or Azure",
        ),
        _rule("self.policy == 'None' || self.plugin != 'None'", "plugin None brings no policy: set policy to None"),
        _rule(
            "!has(self.podCIDR) || self.plugin in ['AzureOverlay', 'Kubenet']",
            "podCIDR is for the plugins AzureOverlay and Kubenet: remove it",
        ),
        _rule(
            f"!({_cidrs('podCIDR', 'serviceCIDR')}) || !(cidr(self.podCIDR).containsCIDR(self.serviceCIDR) || cidr(self.serviceCIDR).containsCIDR(self.podCIDR))",
            "podCIDR and serviceCIDR overlap: choose ranges apart from each other",
        ),
        _rule(
            "!has(self.dnsServiceIP) || has(self.serviceCIDR)",
            "dnsServiceIP must lie in serviceCIDR: set serviceCIDR too",
        ),
        _rule(
            f"!has(self.dnsServiceIP) || !isIP(self.dnsServiceIP) || !({_cidrs('serviceCIDR')}) || cidr(self.serviceCIDR).containsIP(self.dnsServiceIP)",
            "dnsServiceIP must lie in serviceCIDR: choose an address of that range",
        ),
        _rule(
            "self.egress != 'UserDefinedRouting' || has(self.subnetRef)",
            "egress UserDefinedRouting needs a subnet of yours with a default route: set subnetRef",
        ),
    ],
    "Identity": [
        _rule(
            "self.type != 'UserAssigned' || has(self.userAssignedID)", "type UserAssigned needs userAssignedID: set it"
        ),
        _rule(
            "self.type == 'UserAssigned' || !has(self.userAssignedID)",
            "userAssignedID is for type UserAssigned: remove it, or set type",
        ),
    ],
    "ApiServer": [
        _rule(
            "self.visibility == 'Public' || size(self.authorizedRanges) == 0",
            "authorizedRanges are for a Public API server: remove them",
        ),
    ],
    "Access": [
        _rule("self.azureRBAC == 'Disabled' || self.entra == 'Enabled'", "azureRBAC needs entra: set entra to Enabled"),
        _rule(
            "size(self.adminGroupIDs) == 0 || self.entra == 'Enabled'",
            "adminGroupIDs are groups of Entra ID: remove them, or set entra to Enabled",
        ),
        _rule(
            "self.localAccounts == 'Enabled' || self.entra == 'Enabled'",
            "without localAccounts nobody can log in: set entra to Enabled",
        ),
    ],
    "ManagedClusterSpec": [
        _rule(
            "self.workloadIdentity == 'Disabled' || self.oidcIssuer == 'Enabled'",
            "workloadIdentity needs an issuer: set oidcIssuer to Enabled",
        ),
        _rule(
            "!has(self.network.subnetRef) || self.network.plugin != 'Kubenet' || self.identity.type == 'UserAssigned'",
            "Kubenet in a subnet of yours needs an identity of yours: set identity.type to UserAssigned",
        ),
    ],
    "Autoscaling": [_rule("self.min <= self.max", "min must not be above max: lower min, or raise max")],
    "NodePoolSpec": [
        _rule(
            "self.mode == 'User' || self.os.type == 'Linux'",
            "a System pool runs Linux: set os.type to Linux, or mode to User",
        ),
        _rule(
            "self.mode == 'User' || self.priority == 'Regular'",
            "a System pool cannot be Spot: set mode to User, or priority to Regular",
        ),
        _rule(
            "self.mode == 'User' || self.replicas >= 1",
            "a System pool has at least one node: set replicas to 1 or more",
        ),
        _rule(
            "self.mode == 'User' || !has(self.autoscaling) || self.autoscaling.min >= 1",
            "a System pool has at least one node: set autoscaling.min to 1 or more",
        ),
        _rule(
            "!has(self.spot) || self.priority == 'Spot'",
            "spot is for priority Spot: remove it, or set priority to Spot",
        ),
    ],
    "OperatingSystem": [
        _rule(
            "(self.type == 'Windows') == self.sku.startsWith('Windows')",
            "sku does not fit type: Linux runs Ubuntu or AzureLinux, Windows runs Windows2019 or Windows2022",
        )
    ],
    "PublicIP": [
        _rule(
            "!has(self.resourceID) || !(has(self.name) || has(self.dnsLabel))",
            "resourceID stands for an address as it is: give it without name and dnsLabel, or leave it out",
        )
    ],
    "ServiceExposureSpec": [
        _rule("!has(self.azureName)", _NO_AZURE_NAME.format("publicIP.name names the address")),
        _rule(
            "self.type in ['ExternalName', 'Ingress'] || size(self.ports) > 0",
            "ports is required for this type: name at least one port",
        ),
        _rule(
            "self.type in ['ExternalName', 'Ingress'] || has(self.backend.selector) != has(self.backend.serviceName)",
            "backend needs either selector or serviceName: say what answers",
        ),
        _rule(
            "self.type != 'ExternalName' || has(self.externalName)",
            "type ExternalName needs externalName: the DNS name it stands for",
        ),
        _rule(
            "self.type != 'ExternalName' || !has(self.dns) || self.dns.name != '@'",
            "an ExternalName is a CNAME, which the zone itself cannot have: give dns.name another name",
        ),
        _rule("self.type != 'Ingress' || has(self.ingress)", "type Ingress needs ingress: name at least one rule"),
        _only("'ClusterIP', 'NodePort', 'LoadBalancer'", "ports", "size(self.ports) > 0"),
        _only("'ClusterIP', 'NodePort', 'LoadBalancer'", "backend.selector", "has(self.backend.selector)"),
        _only("'ClusterIP', 'NodePort', 'LoadBalancer'", "backend.serviceName", "has(self.backend.serviceName)"),
        _only("'ExternalName'", "externalName", "has(self.externalName)"),
        _only("'Ingress'", "ingress", "has(self.ingress)"),
        _only("'LoadBalancer', 'Ingress'", "publicIP", "has(self.publicIP)"),
        _only("'LoadBalancer', 'NodePort', 'Ingress'", "allowedSources", "has(self.allowedSources)"),
        _only("'LoadBalancer', 'NodePort', 'Ingress'", "visibility", "has(self.visibility)"),
        _rule(
            f"!({_INTERNAL}) || !has(self.publicIP)",
            "publicIP is for visibility Public: remove it, or set visibility to Public",
        ),
        _rule(
            f"!(self.type in ['LoadBalancer', 'NodePort', 'Ingress']) || (self.type != 'NodePort' && {_INTERNAL}) || (has(self.allowedSources) && size(self.allowedSources) > 0)",
            "say who may come in: allowedSources is required, for example [Internet] for everybody",
        ),
        _rule(
            "self.ports.all(p, self.ports.exists_one(q, q.port == p.port && q.protocol == p.protocol))",
            "a port is used twice: name each port and protocol once",
        ),
        _rule(
            "size(self.ports) < 2 || self.ports.all(p, has(p.name) && self.ports.exists_one(q, has(q.name) && q.name == p.name))",
            "with several ports each needs a name of its own: set name",
        ),
    ],
    "VirtualNetworkSpec": [
        _rule(
            "self.subnets.all(s, self.subnets.exists_one(t, t.name == s.name))",
            "two subnets have the same name: give each a name of its own",
        ),
        _rule(
            "self.subnets.all(s, !isCIDR(s.prefix) || self.addressSpace.exists(a, isCIDR(a) && cidr(a).containsCIDR(s.prefix)))",
            "a subnet lies outside the network: choose a prefix within addressSpace, or widen that",
        ),
        _rule(
            "self.subnets.all(s, self.subnets.all(t, s.name == t.name || !isCIDR(s.prefix) || !isCIDR(t.prefix) || !cidr(s.prefix).containsCIDR(t.prefix)))",
            "two subnets overlap: choose prefixes apart from each other",
        ),
        _rule(
            "self.subnets.filter(s, s.purpose == 'Gateway').size() <= 1",
            "a network has one gateway subnet: set purpose Gateway on one of them",
        ),
        _rule(
            "!has(self.siteToSite) || self.subnets.exists(s, s.purpose == 'Gateway')",
            "siteToSite needs a subnet for the gateway: add one of purpose Gateway, /27 or larger",
        ),
        _rule(
            "self.subnets.all(s, s.purpose != 'Gateway' || !isCIDR(s.prefix) || cidr(s.prefix).prefixLength() <= 27)",
            "a gateway needs a subnet of /27 or larger: choose a shorter prefix",
        ),
    ],
    "DNSZoneSpec": [
        _rule("!has(self.azureName)", _NO_AZURE_NAME.format("zone is the name in Azure")),
        _rule(
            "self.visibility == 'Private' || size(self.virtualNetworkRefs) == 0",
            "virtualNetworkRefs are for visibility Private: remove them, or set visibility",
        ),
    ],
}
"""By the model's name."""


def _column(name: str, path: str, type_: str = "string", *, wide: bool = False) -> dict[str, Any]:
    return {"name": name, "type": type_, "jsonPath": path, **({"priority": 1} if wide else {})}


_MESSAGE: Final = _column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True)
_GROUP_COLUMN: Final = _column("Group", ".spec.resourceGroup", wide=True)

COLUMNS: Final[dict[str, list[dict[str, Any]]]] = {
    "CloudAccount": [
        _column("Cloud", ".spec.cloud"),
        _column("Subscription", ".spec.subscriptionId", wide=True),
        _MESSAGE,
    ],
    "VirtualNetwork": [
        _column("Location", ".spec.location"),
        _column("Gateway", ".status.gatewayAddress"),
        _GROUP_COLUMN,
        _MESSAGE,
    ],
    "ManagedCluster": [
        _column("Version", ".status.kubernetesVersion"),
        _column("Power", ".status.powerState"),
        _column("Nodes", ".status.nodes.summary"),
        _column("FQDN", ".status.fqdn"),
        _GROUP_COLUMN,
        _column("Location", ".spec.location", wide=True),
        _MESSAGE,
    ],
    "NodePool": [
        _column("Cluster", ".spec.clusterRef.name"),
        _column("Mode", ".spec.mode"),
        _column("Size", ".spec.vmSize"),
        _column("Nodes", ".status.nodes.summary"),
        _column("Version", ".status.kubernetesVersion"),
        _MESSAGE,
    ],
    "ServiceExposure": [
        _column("Cluster", ".spec.clusterRef.name"),
        _column("Type", ".spec.type"),
        _column("Address", ".status.addresses[0]"),
        _column("Host", ".status.fqdn"),
        _column("Backends", ".status.backends.summary"),
        _MESSAGE,
    ],
    "DNSZone": [
        _column("Zone", ".spec.zone"),
        _column("Records", ".status.records", "integer"),
        _GROUP_COLUMN,
        _MESSAGE,
    ],
    "LogWorkspace": [_column("Location", ".spec.location"), _GROUP_COLUMN, _MESSAGE],
}
