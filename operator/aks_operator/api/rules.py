"""What one object can know of itself: CEL rules whose messages say what to do, and the columns of `kubectl get`."""

from typing import Any, Final

Rule = dict[str, str]


def _rule(rule: str, message: str = "", **more: str) -> Rule:
    return {"rule": rule, **({"message": message} if message else {}), **more}


_CREATED: Final = "!has(oldSelf.status) || !has(oldSelf.status.id)"
"""Identity is free until something was made in Azure."""


def _fixed(*paths: str, what: str = "create a new object") -> list[Rule]:
    """Each path may not change once the object stands for something in Azure."""
    rules = []
    for path in paths:
        parts = ["__namespace__" if part == "namespace" else part for part in path.split(".")]  # a reserved word of CEL
        field = ".".join(parts)
        present = " && ".join(f"has({{0}}.spec.{'.'.join(parts[: i + 1])})" for i in range(len(parts)))
        mine, old = present.format("self"), present.format("oldSelf")
        rules.append(
            _rule(
                f"{_CREATED} || (({mine}) == ({old}) && (!({mine}) || self.spec.{field} == oldSelf.spec.{field}))",
                f"{path} is immutable once created: {what}",
            )
        )
    return rules


def _required_fixed(*paths: str, what: str = "create a new object") -> list[Rule]:
    return [
        _rule(f"{_CREATED} || self.spec.{path} == oldSelf.spec.{path}", f"{path} is immutable once created: {what}")
        for path in paths
    ]


_NAME: Final = _rule("size(self.metadata.name) <= 63", "metadata.name must have at most 63 characters")


def _azure_name(pattern: str, says: str, *, guard: str = "") -> Rule:
    expression = f"(has(self.spec.azureName) ? self.spec.azureName : self.metadata.name).matches('{pattern}')"
    return _rule(f"{guard}{expression}", f"{says}; set spec.azureName to a name that Azure takes")


_ROOT_OWN: Final = _fixed("azureName")
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
    ],
    "NodePool": [
        _NAME,
        *_ROOT_OWN,
        *_required_fixed("clusterRef", what="create a new pool"),
        *_required_fixed(
            "vmSize", "os", "priority", what="create a new pool with the other value, then delete this one"
        ),
        *_fixed("osDisk", "zones", "maxPods", what="create a new pool with the other value, then delete this one"),
        _azure_name(
            "^[a-z][a-z0-9]{0,11}$", "a pool's name has 1 to 12 lower-case letters and digits and begins with a letter"
        ),
        _rule(
            "self.spec.os.type != 'Windows' || size(has(self.spec.azureName) ? self.spec.azureName : self.metadata.name) <= 6",
            "a Windows pool's name has at most 6 characters; set spec.azureName to a shorter one",
        ),
    ],
    "ServiceExposure": [_NAME, *_required_fixed("clusterRef")],
    "DNSZone": [_NAME, *_GROUP, *_ACCOUNT, *_required_fixed("zone", "visibility", what="create a new zone")],
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


_CIDR: Final = "isCIDR(self)"
SCHEMA_RULES: Final[dict[str, list[Rule]]] = {
    "CloudAccountSpec": [
        _rule(
            "(self.cloud == 'Custom') == has(self.endpoints)",
            "endpoints goes with cloud Custom, and cloud Custom needs it",
        ),
        _rule(
            "self.credential.type != 'ServicePrincipal' || (has(self.credential.clientId) && (has(self.credential.clientSecretRef) != has(self.credential.clientCertificateRef)))",
            "a ServicePrincipal needs clientId and either clientSecretRef or clientCertificateRef",
        ),
    ],
    "SubnetReference": [
        _rule("has(self.name) != has(self.resourceID)", "give either name (with subnet) or resourceID"),
        _rule("!has(self.name) || has(self.subnet)", "name the subnet too"),
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
        _rule("!has(self.podCIDR) || isCIDR(self.podCIDR)", "podCIDR is no CIDR: write it like 10.244.0.0/16"),
        _rule(
            "!has(self.serviceCIDR) || isCIDR(self.serviceCIDR)", "serviceCIDR is no CIDR: write it like 10.0.0.0/16"
        ),
        _rule(
            "!has(self.dnsServiceIP) || isIP(self.dnsServiceIP)", "dnsServiceIP is no address: write it like 10.0.0.10"
        ),
        _rule(
            "!has(self.dnsServiceIP) || !isIP(self.dnsServiceIP) || (has(self.serviceCIDR) && isCIDR(self.serviceCIDR) && cidr(self.serviceCIDR).containsIP(self.dnsServiceIP))",
            "dnsServiceIP must lie in serviceCIDR: set both",
        ),
        _rule(
            "self.egress != 'UserDefinedRouting' || has(self.subnetRef)",
            "egress UserDefinedRouting needs a subnet of yours with a default route: set subnetRef",
        ),
    ],
    "Identity": [
        _rule("(self.type == 'UserAssigned') == has(self.userAssignedID)", "userAssignedID goes with type UserAssigned")
    ],
    "ApiServer": [
        _rule("self.authorizedRanges.all(r, isCIDR(r))", "authorizedRanges must be CIDRs such as 198.51.100.0/24"),
        _rule(
            "self.visibility == 'Public' || size(self.authorizedRanges) == 0",
            "authorizedRanges are for a Public API server: remove them",
        ),
    ],
    "ManagedClusterSpec": [
        _rule(
            "self.access.azureRBAC == 'Disabled' || self.access.entra == 'Enabled'",
            "access.azureRBAC needs access.entra Enabled",
        ),
        _rule(
            "self.access.localAccounts == 'Enabled' || self.access.entra == 'Enabled'",
            "without localAccounts nobody can log in: set access.entra to Enabled",
        ),
        _rule(
            "self.workloadIdentity == 'Disabled' || self.oidcIssuer == 'Enabled'",
            "workloadIdentity needs oidcIssuer Enabled",
        ),
        _rule(
            "!has(self.network.subnetRef) || self.network.plugin != 'Kubenet' || self.identity.type == 'UserAssigned'",
            "Kubenet in a subnet of yours needs a UserAssigned identity",
        ),
    ],
    "Autoscaling": [_rule("self.min <= self.max", "min must not be above max")],
    "NodePoolSpec": [
        _rule(
            "self.mode == 'User' || self.os.type == 'Linux'",
            "a System pool runs Linux: set os.type to Linux, or mode to User",
        ),
        _rule("self.mode == 'User' || self.priority == 'Regular'", "a System pool cannot be Spot: set mode to User"),
        _rule(
            "self.mode == 'User' || self.replicas >= 1",
            "a System pool has at least one node: set replicas to 1 or more",
        ),
        _rule(
            "self.mode == 'User' || !has(self.autoscaling) || self.autoscaling.min >= 1",
            "a System pool has at least one node: set autoscaling.min to 1 or more",
        ),
        _rule("!has(self.spot) || self.priority == 'Spot'", "spot is for priority Spot: remove it, or set priority"),
        _rule("(self.os.type == 'Windows') == self.os.sku.startsWith('Windows')", "os.sku does not fit os.type"),
    ],
    "ServiceExposureSpec": [
        _rule(
            "self.type in ['ExternalName', 'Ingress'] || size(self.ports) > 0",
            "ports is required for this type: name at least one port",
        ),
        _rule(
            "self.type in ['ExternalName', 'Ingress'] || has(self.backend.selector) != has(self.backend.serviceName)",
            "backend needs either selector or serviceName",
        ),
        _rule(
            "self.type != 'ExternalName' || has(self.externalName)",
            "type ExternalName needs externalName: the DNS name it stands for",
        ),
        _rule("self.type != 'Ingress' || has(self.ingress)", "type Ingress needs ingress.rules"),
        _rule(
            "size(self.ports) == 0 || !(self.type in ['ExternalName', 'Ingress'])",
            "ports is not for this type: remove it, or choose another type",
        ),
        _only("'ExternalName'", "externalName", "has(self.externalName)"),
        _only("'Ingress'", "ingress", "has(self.ingress)"),
        _only("'LoadBalancer', 'Ingress'", "publicIP", "has(self.publicIP)"),
        _only("'LoadBalancer', 'NodePort', 'Ingress'", "allowedSources", "has(self.allowedSources)"),
        _rule(
            "self.visibility == 'Public' || self.type in ['LoadBalancer', 'Ingress']",
            "visibility is not for this type: remove it, or choose another type",
        ),
        _rule("self.visibility == 'Public' || !has(self.publicIP)", "publicIP goes with visibility Public: remove it"),
        _rule(
            "!(self.type in ['LoadBalancer', 'NodePort', 'Ingress']) || self.visibility != 'Public' || (has(self.allowedSources) && size(self.allowedSources) > 0)",
            "say who may come in: allowedSources is required when Public, for example [Internet] for everybody",
        ),
        _rule(
            "self.ports.all(p, self.ports.exists_one(q, q.port == p.port && q.protocol == p.protocol))",
            "a port is used twice: each port and protocol may be named once",
        ),
        _rule(
            "size(self.ports) < 2 || self.ports.all(p, has(p.name) && self.ports.exists_one(q, has(q.name) && q.name == p.name))",
            "with several ports each needs a name of its own",
        ),
        _rule(
            "!has(self.allowedSources) || self.allowedSources.all(s, isCIDR(s) || isIP(s) || s.matches('^[A-Z][A-Za-z]+([.][A-Za-z0-9]+)?$'))",
            "allowedSources must be CIDRs such as 198.51.100.0/24, or service tags such as Internet",
            messageExpression="'allowedSources: ' + self.allowedSources.filter(s, !(isCIDR(s) || isIP(s) || s.matches('^[A-Z][A-Za-z]+([.][A-Za-z0-9]+)?$')))[0] + ' is neither a CIDR such as 198.51.100.0/24 nor a service tag such as Internet'",
        ),
    ],
    "VirtualNetworkSpec": [
        _rule("self.addressSpace.all(a, isCIDR(a))", "addressSpace must be CIDRs such as 10.10.0.0/16")
    ],
    "Subnet": [_rule("isCIDR(self.prefix)", "prefix must be a CIDR such as 10.10.0.0/20")],
    "OnPremises": [
        _rule("self.addressPrefixes.all(a, isCIDR(a))", "addressPrefixes must be CIDRs such as 192.168.0.0/16")
    ],
    "DNSZoneSpec": [
        _rule(
            "self.visibility == 'Private' || size(self.virtualNetworkRefs) == 0",
            "virtualNetworkRefs are for visibility Private: remove them",
        )
    ],
}
"""By the model's name."""


def _column(name: str, path: str, type_: str = "string", *, wide: bool = False) -> dict[str, Any]:
    return {"name": name, "type": type_, "jsonPath": path, **({"priority": 1} if wide else {})}


COLUMNS: Final[dict[str, list[dict[str, Any]]]] = {
    "CloudAccount": [_column("Cloud", ".spec.cloud"), _column("Subscription", ".spec.subscriptionId", wide=True)],
    "VirtualNetwork": [
        _column("Location", ".spec.location"),
        _column("Gateway", ".status.gatewayAddress"),
        _column("Group", ".spec.resourceGroup", wide=True),
    ],
    "ManagedCluster": [
        _column("Version", ".status.kubernetesVersion"),
        _column("Power", ".status.powerState"),
        _column("Nodes", ".status.nodes.ready", "integer"),
        _column("FQDN", ".status.fqdn"),
        _column("Group", ".spec.resourceGroup", wide=True),
        _column("Location", ".spec.location", wide=True),
        _column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True),
    ],
    "NodePool": [
        _column("Cluster", ".spec.clusterRef.name"),
        _column("Mode", ".spec.mode"),
        _column("Size", ".spec.vmSize"),
        _column("Nodes", ".status.nodes.ready", "integer"),
        _column("Wanted", ".spec.replicas", "integer"),
        _column("Version", ".status.kubernetesVersion"),
        _column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True),
    ],
    "ServiceExposure": [
        _column("Cluster", ".spec.clusterRef.name"),
        _column("Type", ".spec.type"),
        _column("Address", ".status.addresses[0]"),
        _column("Host", ".status.fqdn"),
        _column("Backends", ".status.backends.total", "integer"),
        _column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True),
    ],
    "DNSZone": [
        _column("Zone", ".spec.zone"),
        _column("Records", ".status.records", "integer"),
        _column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True),
    ],
    "LogWorkspace": [_column("Location", ".spec.location"), _column("Group", ".spec.resourceGroup", wide=True)],
}
