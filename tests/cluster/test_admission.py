"""What the API server takes of each kind and what it refuses, with the sentence that the user reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from aks_operator.api.crd import definition
from aks_operator.api.v1alpha1 import KINDS
from tests.cluster.api import Api
from tests.cluster.samples import (
    EXPOSURES,
    GATEWAY,
    IDENTITY,
    INGRESS,
    LEAST,
    NODES,
    PUBLIC_IP,
    SECRET,
    SITE,
    SUBNET,
    Changes,
    attempt,
    sample,
)

LONG: Final = "x" * 64
CUSTOM: Final = {"resourceManager": "https://cloud.example", "authority": "https://cloud.example"}
WINDOWS: Final = {"type": "Windows", "sku": "Windows2022"}
ENTRA: Final = {"entra": "Enabled"}
NOBODY: Final[tuple[list[str] | None, ...]] = (None, [])


@dataclass(frozen=True)
class Accepted:
    """An object that is taken."""

    kind: str
    changes: Changes
    name: str = "sample"

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}-{self.changes}"[:100]


@dataclass(frozen=True)
class Refused:
    """An object that is refused for one reason; `says` is a part of what the user reads."""

    kind: str
    changes: Changes
    says: str
    name: str = "sample"

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}-{self.changes}"[:100]


ACCOUNTS: Final = [
    Accepted("CloudAccount", {}),
    Accepted("CloudAccount", {"cloud": "Custom", "endpoints": CUSTOM, "allowedNamespaces": ["team-a", "*"]}),
    Accepted(
        "CloudAccount",
        {
            "cloud": "Custom",
            "endpoints": {
                "resourceManager": "https://cloud.example:8443",
                "authority": "https://cloud.example/",
                "certificateAuthority": {"secretRef": {"name": "fakecloud-tls", "key": "ca.crt"}},
            },
        },
    ),
    Accepted("CloudAccount", {"credential.clientSecretRef": None, "credential.clientCertificateRef": SECRET}),
    Accepted("CloudAccount", {"credential": {"type": "WorkloadIdentity", "clientId": "app"}}),
    Accepted("CloudAccount", {"credential": {"type": "ManagedIdentity"}, "resourceGroupPrefix": "team-a-"}),
    Refused("CloudAccount", {"subscriptionId": None}, "spec.subscriptionId: Required value"),
    Refused("CloudAccount", {"tenantId": None}, "spec.tenantId: Required value"),
    Refused("CloudAccount", {"credential": None}, "spec.credential: Required value"),
    Refused("CloudAccount", {"subscriptionId": "shop"}, "write a GUID, such as 00000000-0000-0000-0000-000000000001"),
    Refused("CloudAccount", {"tenantId": "contoso.example"}, "write a GUID"),
    Refused(
        "CloudAccount", {"cloud": "Custom"}, "cloud Custom needs endpoints: name its resourceManager and authority"
    ),
    Refused(
        "CloudAccount", {"endpoints": CUSTOM}, "endpoints are for cloud Custom: remove them, or set cloud to Custom"
    ),
    Refused("CloudAccount", {"cloud": "AzureGermany"}, 'supported values: "AzurePublic", "AzureChina"'),
    *[
        Refused(
            "CloudAccount",
            {"cloud": "Custom", "endpoints": {**CUSTOM, "authority": url}},
            "write an https URL without a path, such as https://fakecloud.aks-operator.svc",
        )
        for url in ("http://cloud.example", "https://cloud.example/path", "https://me@cloud.example", "cloud.example")
    ],
    Refused(
        "CloudAccount", {"cloud": "Custom", "endpoints": {"authority": "https://a"}}, "resourceManager: Required value"
    ),
    Refused("CloudAccount", {"credential.type": "Password"}, 'supported values: "WorkloadIdentity"'),
    Refused("CloudAccount", {"credential.clientId": None}, "a ServicePrincipal needs clientId: the application's id"),
    Refused(
        "CloudAccount",
        {"credential.clientSecretRef": None},
        "a ServicePrincipal needs either clientSecretRef or clientCertificateRef: give one of the two",
    ),
    Refused(
        "CloudAccount",
        {"credential.clientCertificateRef": SECRET},
        "a ServicePrincipal needs either clientSecretRef or clientCertificateRef: give one of the two",
    ),
    Refused(
        "CloudAccount",
        {"credential.type": "WorkloadIdentity"},
        "clientSecretRef and clientCertificateRef are for type ServicePrincipal: remove them, or set type",
    ),
    Refused(
        "CloudAccount",
        {"credential.clientSecretRef.name": "../../kube-system/secrets/token"},
        "a Secret's name has lower-case letters, digits, - and .",
    ),
    Refused(
        "CloudAccount", {"credential.clientSecretRef.key": "a b"}, "a key in a Secret has letters, digits, -, _ and ."
    ),
    Refused(
        "CloudAccount",
        {"resourceGroupPrefix": "team/"},
        "a resource group's name, and so its beginning, has letters, digits, -, _, ., ( and )",
    ),
    Refused("CloudAccount", {"allowedNamespaces": ["team_a"]}, "write a namespace's name, or * for every namespace"),
    Refused("CloudAccount", {}, "metadata.name must have at most 63 characters", name=LONG),
]

NETWORKS: Final = [
    Accepted("VirtualNetwork", {}),
    Accepted("VirtualNetwork", {"addressSpace": ["10.10.0.0/16", "fd00:db8::/48"], "subnets": [NODES, GATEWAY]}),
    Accepted(
        "VirtualNetwork",
        {"subnets": [NODES, GATEWAY], "siteToSite": {**SITE, "forcedTunneling": "Enabled"}, "azureName": "Corp_net.1"},
    ),
    Refused("VirtualNetwork", {"location": None}, "spec.location: Required value"),
    Refused("VirtualNetwork", {"resourceGroup": None}, "spec.resourceGroup: Required value"),
    Refused("VirtualNetwork", {"addressSpace": None}, "spec.addressSpace: Required value"),
    Refused("VirtualNetwork", {"addressSpace": []}, "should have at least 1 items"),
    *[
        Refused(
            "VirtualNetwork",
            {"addressSpace": [space]},
            "write a CIDR whose address is the range's first, such as 10.10.0.0/16",
        )
        for space in ("10.10.0.0", "10.10.0.1/16", "10.10.0.0/33", "corp")
    ],
    Refused("VirtualNetwork", {"subnets": [{"name": "nodes"}]}, "subnets[0].prefix: Required value"),
    Refused(
        "VirtualNetwork",
        {"subnets": [{**NODES, "name": "my nodes"}]},
        "a subnet's name has letters, digits, -, _ and ., and begins with a letter or digit",
    ),
    Refused(
        "VirtualNetwork",
        {"subnets": [NODES, {**NODES, "prefix": "10.10.32.0/20"}]},
        "two subnets have the same name: give each a name of its own",
    ),
    Refused(
        "VirtualNetwork",
        {"subnets": [{**NODES, "prefix": "10.11.0.0/20"}]},
        "a subnet lies outside the network: choose a prefix within addressSpace, or widen that",
    ),
    Refused(
        "VirtualNetwork",
        {"subnets": [NODES, {"name": "more", "prefix": "10.10.1.0/24"}]},
        "two subnets overlap: choose prefixes apart from each other",
    ),
    Refused(
        "VirtualNetwork",
        {"subnets": [GATEWAY, {**GATEWAY, "name": "second", "prefix": "10.10.251.0/27"}]},
        "a network has one gateway subnet: set purpose Gateway on one of them",
    ),
    Refused(
        "VirtualNetwork",
        {"subnets": [{**GATEWAY, "prefix": "10.10.250.0/28"}]},
        "a gateway needs a subnet of /27 or larger: choose a shorter prefix",
    ),
    Refused(
        "VirtualNetwork",
        {"siteToSite": SITE},
        "siteToSite needs a subnet for the gateway: add one of purpose Gateway, /27 or larger",
    ),
    Refused(
        "VirtualNetwork",
        {
            "subnets": [GATEWAY],
            "siteToSite": {**SITE, "onPremises": {**SITE["onPremises"], "gatewayAddress": "vpn.example"}},
        },
        "write an IP address, such as 198.51.100.7",
    ),
    Refused(
        "VirtualNetwork",
        {"subnets": [GATEWAY], "siteToSite.onPremises": SITE["onPremises"]},
        "sharedKeySecretRef: Required",
    ),
    Refused(
        "VirtualNetwork",
        {"azureName": "-net"},
        "a virtual network's name begins with a letter or digit and has at most 64 characters: set spec.azureName to a name that Azure takes",
    ),
]

CLUSTERS: Final = [
    Accepted("ManagedCluster", {}),
    *[Accepted("ManagedCluster", {"kubernetesVersion": version}) for version in ("1.30", "1.36.2")],
    *[
        Accepted("ManagedCluster", {"network": {"plugin": plugin, "policy": policy}})
        for plugin, policies in {
            "AzureOverlay": ("None", "Azure", "Calico", "Cilium"),
            "Azure": ("None", "Azure", "Calico", "Cilium"),
            "Kubenet": ("None", "Calico"),
            "None": ("None",),
        }.items()
        for policy in policies
    ],
    Accepted("ManagedCluster", {"network": {"podCIDR": "10.244.0.0/16", "serviceCIDR": "10.0.0.0/16"}}),
    Accepted("ManagedCluster", {"network": {"serviceCIDR": "10.0.0.0/16", "dnsServiceIP": "10.0.0.10"}}),
    Accepted(
        "ManagedCluster",
        {"network.subnetRef": {"name": "shop-net", "subnet": "nodes"}, "network.egress": "UserDefinedRouting"},
    ),
    Accepted("ManagedCluster", {"network.subnetRef": {"resourceID": SUBNET}}),
    Accepted("ManagedCluster", {"network.subnetRef": {"resourceID": SUBNET.lower()}}),
    Accepted(
        "ManagedCluster",
        {
            "network": {"plugin": "Kubenet", "subnetRef": {"resourceID": SUBNET}},
            "identity": {"type": "UserAssigned", "userAssignedID": IDENTITY},
        },
    ),
    Accepted("ManagedCluster", {"access": {**ENTRA, "azureRBAC": "Enabled", "localAccounts": "Disabled"}}),
    Accepted("ManagedCluster", {"apiServer": {"authorizedRanges": ["198.51.100.0/24", "203.0.113.7/32"]}}),
    Accepted("ManagedCluster", {"apiServer": {"visibility": "Private"}, "power": "Stopped"}),
    Accepted(
        "ManagedCluster", {"maintenance": {"weekly": {"day": "Saturday", "start": "02:00", "utcOffset": "-03:30"}}}
    ),
    Accepted("ManagedCluster", {"logs": {"workspaceRef": {"name": "logs"}, "categories": ["kube-audit"]}}),
    Accepted(
        "ManagedCluster", {"resourceGroup": "Shop_(prod).1", "nodeResourceGroup": "MC_shop", "location": "West Europe"}
    ),
    Accepted("ManagedCluster", {"tags": {"team": "web"}, "azure": {"autoScalerProfile": {"expander": "random"}}}),
    Accepted("ManagedCluster", {"azureName": "Shop_1", "dnsPrefix": "shop-1"}),
    Accepted("ManagedCluster", {"dnsPrefix": "shop"}, name="x" * 63),
    Refused("ManagedCluster", {"resourceGroup": None}, "spec.resourceGroup: Required value"),
    Refused("ManagedCluster", {"location": None}, "spec.location: Required value"),
    Refused("ManagedCluster", {"kubernetesVersion": None}, "spec.kubernetesVersion: Required value"),
    Refused("ManagedCluster", {"kubernetesVersion": 1.36}, "spec.kubernetesVersion in body must be of type string"),
    *[
        Refused(
            "ManagedCluster",
            {"kubernetesVersion": version},
            'write a Kubernetes version as a quoted string: a minor such as "1.36", or a full one such as "1.36.2"',
        )
        for version in ("", "1", "v1.36", "latest", "1.36.2.1")
    ],
    *[
        Refused(
            "ManagedCluster",
            {"resourceGroup": group},
            "a resource group's name has letters, digits, -, _, ., ( and ), and does not end with .",
        )
        for group in ("shop.", "shop/prod", "..", "a b")
    ],
    Refused("ManagedCluster", {"resourceGroup": "x" * 91}, "Too long: may not be more than 90"),
    Refused("ManagedCluster", {"nodeResourceGroup": "x" * 81}, "Too long: may not be more than 80"),
    Refused("ManagedCluster", {"nodeResourceGroup": "MC_shop."}, "a resource group's name has letters"),
    Refused("ManagedCluster", {"location": "west-europe"}, "write the region as Azure does, such as westeurope"),
    Refused("ManagedCluster", {"tier": "Paid"}, 'supported values: "Free", "Standard", "Premium"'),
    Refused("ManagedCluster", {"dnsPrefix": "shop_1"}, "a DNS prefix has 1 to 54 letters, digits and -"),
    Refused(
        "ManagedCluster",
        {"azureName": "shop_1"},
        "the cluster's name is no DNS prefix (1 to 54 letters, digits and -): set spec.dnsPrefix",
    ),
    Refused(
        "ManagedCluster",
        {},
        "the cluster's name is no DNS prefix (1 to 54 letters, digits and -): set spec.dnsPrefix",
        name="x" * 55,
    ),
    *[
        Refused(
            "ManagedCluster",
            {"dnsPrefix": "shop", "azureName": name},
            "a cluster's name has 1 to 63 letters, digits, - and _, and begins and ends with a letter or digit: set spec.azureName to a name that Azure takes",
        )
        for name in ("shop.prod", "-shop", LONG)
    ],
    Refused(
        "ManagedCluster",
        {"dnsPrefix": "shop"},
        "a cluster's name has 1 to 63 letters, digits, - and _, and begins and ends with a letter or digit: set spec.azureName to a name that Azure takes",
        name="shop.prod",
    ),
    Refused(
        "ManagedCluster",
        {"azureName": "shop"},
        "metadata.name must have at most 63 characters: create the object under a shorter name",
        name=LONG,
    ),
    Refused("ManagedCluster", {"identity": {"type": "UserAssigned"}}, "type UserAssigned needs userAssignedID: set it"),
    Refused(
        "ManagedCluster",
        {"identity": {"userAssignedID": IDENTITY}},
        "userAssignedID is for type UserAssigned: remove it, or set type",
    ),
    Refused(
        "ManagedCluster",
        {"identity": {"type": "UserAssigned", "userAssignedID": SUBNET}},
        "write an ARM id such as /subscriptions/…/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop",
    ),
    Refused("ManagedCluster", {"access": {"azureRBAC": "Enabled"}}, "azureRBAC needs entra: set entra to Enabled"),
    Refused(
        "ManagedCluster",
        {"access": {"localAccounts": "Disabled"}},
        "without localAccounts nobody can log in: set entra to Enabled",
    ),
    Refused(
        "ManagedCluster",
        {"access": {"adminGroupIDs": ["00000000-0000-0000-0000-000000000002"]}},
        "adminGroupIDs are groups of Entra ID: remove them, or set entra to Enabled",
    ),
    Refused("ManagedCluster", {"access": {**ENTRA, "adminGroupIDs": ["admins"]}}, "write a GUID"),
    Refused(
        "ManagedCluster",
        {"network": {"plugin": "Kubenet", "policy": "Cilium"}},
        "policy Cilium needs plugin AzureOverlay or Azure",
    ),
    Refused(
        "ManagedCluster",
        {"network": {"plugin": "Kubenet", "policy": "Azure"}},
        "policy Azure needs plugin AzureOverlay or Azure",
    ),
    Refused(
        "ManagedCluster",
        {"network": {"plugin": "None", "policy": "Calico"}},
        "plugin None brings no policy: set policy to None",
    ),
    *[
        Refused(
            "ManagedCluster",
            {"network": {"plugin": plugin, "podCIDR": "10.244.0.0/16"}},
            "podCIDR is for the plugins AzureOverlay and Kubenet: remove it",
        )
        for plugin in ("Azure", "None")
    ],
    *[
        Refused(
            "ManagedCluster", {f"network.{field}": "10.244.0.1/16"}, "write a CIDR whose address is the range's first"
        )
        for field in ("podCIDR", "serviceCIDR")
    ],
    Refused(
        "ManagedCluster",
        {"network": {"podCIDR": "10.0.0.0/8", "serviceCIDR": "10.0.0.0/16"}},
        "podCIDR and serviceCIDR overlap: choose ranges apart from each other",
    ),
    Refused(
        "ManagedCluster",
        {"network": {"dnsServiceIP": "10.0.0.10"}},
        "dnsServiceIP must lie in serviceCIDR: set serviceCIDR too",
    ),
    Refused(
        "ManagedCluster",
        {"network": {"serviceCIDR": "10.0.0.0/16", "dnsServiceIP": "10.1.0.10"}},
        "dnsServiceIP must lie in serviceCIDR: choose an address of that range",
    ),
    Refused(
        "ManagedCluster",
        {"network": {"serviceCIDR": "10.0.0.0/16", "dnsServiceIP": "ten"}},
        "write an IP address, such as 198.51.100.7",
    ),
    Refused(
        "ManagedCluster",
        {"network.egress": "UserDefinedRouting"},
        "egress UserDefinedRouting needs a subnet of yours with a default route: set subnetRef",
    ),
    Refused("ManagedCluster", {"network.subnetRef": {}}, "give either name (with subnet) or resourceID"),
    Refused(
        "ManagedCluster",
        {"network.subnetRef": {"name": "net", "subnet": "nodes", "resourceID": SUBNET}},
        "give either name (with subnet) or resourceID",
    ),
    Refused("ManagedCluster", {"network.subnetRef": {"name": "net"}}, "name the subnet too: set subnet"),
    Refused(
        "ManagedCluster",
        {"network.subnetRef": {"resourceID": SUBNET, "subnet": "nodes"}},
        "resourceID says all: remove subnet and namespace",
    ),
    Refused(
        "ManagedCluster",
        {"network.subnetRef": {"resourceID": PUBLIC_IP}},
        "write an ARM id such as /subscriptions/…/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/shop/subnets/nodes",
    ),
    Refused(
        "ManagedCluster",
        {"network": {"plugin": "Kubenet", "subnetRef": {"resourceID": SUBNET}}},
        "Kubenet in a subnet of yours needs an identity of yours: set identity.type to UserAssigned",
    ),
    Refused(
        "ManagedCluster",
        {"apiServer": {"visibility": "Private", "authorizedRanges": ["198.51.100.0/24"]}},
        "authorizedRanges are for a Public API server: remove them",
    ),
    Refused(
        "ManagedCluster", {"apiServer": {"authorizedRanges": ["office"]}}, "write a CIDR whose address is the range's"
    ),
    Refused(
        "ManagedCluster",
        {"oidcIssuer": "Disabled", "workloadIdentity": "Enabled"},
        "workloadIdentity needs an issuer: set oidcIssuer to Enabled",
    ),
    Refused(
        "ManagedCluster",
        {"maintenance": {"weekly": {"day": "Saturday", "start": "2:00"}}},
        'write a time of day as a quoted string, such as "02:00"',
    ),
    Refused(
        "ManagedCluster",
        {"maintenance": {"weekly": {"day": "Saturday", "start": "02:00", "utcOffset": "CET"}}},
        'write an offset from UTC as a quoted string, such as "+01:00"',
    ),
    Refused(
        "ManagedCluster",
        {"maintenance": {"weekly": {"day": "Saturday", "start": "02:00", "durationHours": 3}}},
        "should be greater than or equal to 4",
    ),
    Refused(
        "ManagedCluster", {"logs": {"workspaceRef": {"name": "logs"}, "categories": []}}, "should have at least 1 items"
    ),
    Refused("ManagedCluster", {"kubeconfigSecret": {"name": "Shop"}}, "a Secret's name has lower-case letters"),
    Refused(
        "ManagedCluster",
        {"tags": {"AKS-operator-cluster": "mine"}},
        "tags that begin with aks-operator- are the operator's own marks: choose other names",
    ),
    Refused("ManagedCluster", {"tags": {f"t{n}": "" for n in range(50)}}, "must have at most 49 items"),
    Refused(
        "ManagedCluster",
        {"accountRef": {"name": "team/a"}},
        "a name in Kubernetes has lower-case letters, digits, - and ., such as shop",
    ),
    Refused("ManagedCluster", {"managementPolicy": "Ignore"}, 'supported values: "Manage", "Observe", "Plan", "Pause"'),
]

POOLS: Final = [
    Accepted("NodePool", {}),
    Accepted("NodePool", {"mode": "System", "autoscaling": {"min": 1, "max": 5}, "zones": ["1", "2", "3"]}),
    Accepted("NodePool", {"replicas": 0, "autoscaling": {"min": 0, "max": 1}}),
    Accepted("NodePool", {"replicas": 1000}, name="a23456789012"),
    Accepted("NodePool", {"priority": "Spot", "spot": {"maxPrice": "0.05", "evictionPolicy": "Deallocate"}}),
    Accepted("NodePool", {"priority": "Spot", "spot": {"maxPrice": "-1"}}),
    Accepted("NodePool", {"os": WINDOWS}, name="win123"),
    Accepted("NodePool", {"os": WINDOWS, "azureName": "win"}, name="windows-pool"),
    Accepted("NodePool", {"os": {"sku": "AzureLinux"}, "kubernetesVersion": "1.36.2", "osDisk": {"sizeGiB": 0}}),
    Accepted("NodePool", {"labels": {"disk": "ssd", "example.com/tier": "", "a.B-c_d": "E.f-g_h"}}),
    Accepted("NodePool", {"taints": [{"key": "gpu", "value": "true", "effect": "NoSchedule"}]}),
    *[Accepted("NodePool", {"upgrade": {"maxSurge": surge}}) for surge in (1, "33%", "100%")],
    Refused("NodePool", {"clusterRef": None}, "spec.clusterRef: Required value"),
    Refused("NodePool", {"vmSize": None}, "spec.vmSize: Required value"),
    *[
        Refused(
            "NodePool",
            {},
            "a pool's name has 1 to 12 lower-case letters and digits and begins with a letter: set spec.azureName to a name that Azure takes",
            name=name,
        )
        for name in ("a234567890123", "with-dash", "1pool")
    ],
    Refused("NodePool", {"azureName": "SSD"}, "a pool's name has 1 to 12 lower-case letters and digits"),
    Refused(
        "NodePool",
        {"os": WINDOWS},
        "a Windows pool's name has at most 6 characters; set spec.azureName to a shorter one",
        name="windows",
    ),
    Refused("NodePool", {"azureName": "ssd"}, "metadata.name must have at most 63 characters", name=LONG),
    Refused("NodePool", {"vmSize": "Standard D4s v5"}, "write a size as Azure does, such as Standard_D4s_v5"),
    Refused("NodePool", {"replicas": -1}, "should be greater than or equal to 0"),
    Refused("NodePool", {"replicas": 1001}, "should be less than or equal to 1000"),
    Refused("NodePool", {"replicas": "3"}, "must be of type integer"),
    Refused(
        "NodePool",
        {"mode": "System", "replicas": 0},
        "a System pool has at least one node: set replicas to 1 or more",
    ),
    Refused(
        "NodePool",
        {"mode": "System", "autoscaling": {"min": 0, "max": 3}},
        "a System pool has at least one node: set autoscaling.min to 1 or more",
    ),
    Refused(
        "NodePool",
        {"mode": "System", "os": WINDOWS},
        "a System pool runs Linux: set os.type to Linux, or mode to User",
    ),
    Refused(
        "NodePool",
        {"mode": "System", "priority": "Spot"},
        "a System pool cannot be Spot: set mode to User, or priority to Regular",
    ),
    Refused("NodePool", {"autoscaling": {"min": 3, "max": 1}}, "min must not be above max: lower min, or raise max"),
    Refused("NodePool", {"autoscaling": {"min": 1}}, "spec.autoscaling.max: Required value"),
    Refused("NodePool", {"spot": {"maxPrice": "1"}}, "spot is for priority Spot: remove it, or set priority to Spot"),
    Refused(
        "NodePool",
        {"priority": "Spot", "spot": {"maxPrice": "cheap"}},
        'write US dollars an hour as a quoted string, such as "0.05", or "-1" for the market\'s price',
    ),
    *[
        Refused(
            "NodePool",
            {"os": os},
            "sku does not fit type: Linux runs Ubuntu or AzureLinux, Windows runs Windows2019 or Windows2022",
        )
        for os in ({"type": "Windows"}, {"sku": "Windows2022"})
    ],
    Refused("NodePool", {"zones": ["4"]}, 'supported values: "1", "2", "3"'),
    Refused("NodePool", {"zones": ["1", "1"]}, "a zone is named twice: name each once"),
    *[
        Refused(
            "NodePool",
            {"labels": {key: "x"}},
            "a label's key is a name of at most 63 letters, digits, -, _ and ., with a prefix such as example.com/ or without",
        )
        for key in ("", "a/b/c", "-a", "Example.com/a", LONG)
    ],
    Refused(
        "NodePool",
        {"labels": {"disk": "very fast"}},
        "a label's value has letters, digits, -, _ and . and begins and ends with a letter or digit",
    ),
    Refused("NodePool", {"taints": [{"key": "gpu", "effect": "Never"}]}, 'supported values: "NoSchedule"'),
    Refused("NodePool", {"taints": [{"key": "gpu=true", "effect": "NoSchedule"}]}, "a label's key is a name"),
    Refused("NodePool", {"maxPods": 9}, "should be greater than or equal to 10"),
    Refused("NodePool", {"osDisk": {"sizeGiB": 2049}}, "should be less than or equal to 2048"),
    *[
        Refused(
            "NodePool",
            {"upgrade": {"maxSurge": surge}},
            "write a number of nodes (1 to 1000), or a percentage such as 33%",
        )
        for surge in (0, 1001, "3", "0%", "101%")
    ],
    Refused("NodePool", {"upgrade": {"soakMinutes": 31}}, "should be less than or equal to 30"),
]

PORTS: Final = [{"name": "http", "port": 80}, {"name": "https", "port": 443, "targetPort": "tls"}]
EXPOSED: Final = [
    *[Accepted("ServiceExposure", least) for least in EXPOSURES.values()],
    Accepted("ServiceExposure", {"backend": {"namespace": "web", "serviceName": "shop"}, "ports": PORTS}),
    Accepted("ServiceExposure", {"ports": [{"name": "t", "port": 53}, {"name": "u", "port": 53, "protocol": "UDP"}]}),
    Accepted("ServiceExposure", {"visibility": "Internal", "allowedSources": None}),
    Accepted("ServiceExposure", {**EXPOSURES["Ingress"], "visibility": "Internal", "allowedSources": None}),
    Accepted("ServiceExposure", {**EXPOSURES["NodePort"], "visibility": "Internal"}),
    Accepted(
        "ServiceExposure",
        {
            "allowedSources": [
                "0.0.0.0/0",
                "2001:db8::/32",
                "198.51.100.7",
                "Storage.WestEurope",
                "M365ManagementActivityApi",
            ]
        },
    ),
    Accepted("ServiceExposure", {"publicIP": {"name": "shop-ip", "dnsLabel": "shop", "deletionPolicy": "Orphan"}}),
    Accepted("ServiceExposure", {"publicIP": {"resourceID": PUBLIC_IP}}),
    *[
        Accepted("ServiceExposure", {"dns": {"zoneRef": {"name": "zone"}, "name": name}})
        for name in ("@", "*", "www", "*.apps", "_sip._tcp", "a.b.c")
    ],
    Accepted("ServiceExposure", {**EXPOSURES["ExternalName"], "dns": {"zoneRef": {"name": "zone"}, "name": "db"}}),
    Accepted("ServiceExposure", {"healthProbe": {"protocol": "HTTP", "path": "/healthz", "intervalSeconds": 5}}),
    Refused("ServiceExposure", {"clusterRef": None}, "spec.clusterRef: Required value"),
    Refused("ServiceExposure", {"type": None}, "spec.type: Required value"),
    Refused("ServiceExposure", {"type": "Gateway"}, 'supported values: "ClusterIP", "NodePort", "LoadBalancer"'),
    *[
        Refused(
            "ServiceExposure",
            {},
            "metadata.name becomes a Service's: create the object under a name of lower-case letters, digits and - that begins with a letter",
            name=name,
        )
        for name in ("web.shop", "7web")
    ],
    Refused("ServiceExposure", {}, "metadata.name must have at most 63 characters", name=LONG),
    Refused(
        "ServiceExposure",
        {"azureName": "web"},
        "azureName is not for this kind: remove it; publicIP.name names the address",
    ),
    *[
        Refused(
            "ServiceExposure",
            {**EXPOSURES[type_], "ports": None},
            "ports is required for this type: name at least one port",
        )
        for type_ in ("ClusterIP", "NodePort", "LoadBalancer")
    ],
    *[
        Refused(
            "ServiceExposure",
            {**EXPOSURES[type_], "backend": backend},
            "backend needs either selector or serviceName: say what answers",
        )
        for type_ in ("ClusterIP", "NodePort", "LoadBalancer")
        for backend in (None, {"selector": {"app": "web"}, "serviceName": "web"})
    ],
    Refused("ServiceExposure", {"backend.selector": {}}, "should have at least 1 properties"),
    *[
        Refused(
            "ServiceExposure",
            {**EXPOSURES[type_], "allowedSources": sources},
            "say who may come in: allowedSources is required, for example [Internet] for everybody",
        )
        for type_ in ("NodePort", "LoadBalancer", "Ingress")
        for sources in NOBODY
    ],
    Refused(
        "ServiceExposure",
        {**EXPOSURES["ExternalName"], "externalName": None},
        "type ExternalName needs externalName: the DNS name it stands for",
    ),
    Refused(
        "ServiceExposure",
        {**EXPOSURES["ExternalName"], "dns": {"zoneRef": {"name": "zone"}, "name": "@"}},
        "an ExternalName is a CNAME, which the zone itself cannot have: give dns.name another name",
    ),
    Refused(
        "ServiceExposure",
        {**EXPOSURES["Ingress"], "ingress": None},
        "type Ingress needs ingress: name at least one rule",
    ),
    Refused("ServiceExposure", {**EXPOSURES["Ingress"], "ingress": {"rules": []}}, "should have at least 1 items"),
    *[
        Refused(
            "ServiceExposure",
            {**EXPOSURES[type_], **changes},
            f"{field} is not for this type: remove it, or choose another type",
        )
        for field, changes, types in (
            ("ports", {"ports": [{"port": 80}]}, ("ExternalName", "Ingress")),
            ("visibility", {"visibility": "Public"}, ("ClusterIP", "ExternalName")),
            ("publicIP", {"publicIP": {"name": "ip"}}, ("ClusterIP", "NodePort", "ExternalName")),
            ("allowedSources", {"allowedSources": ["Internet"]}, ("ClusterIP", "ExternalName")),
            ("ingress", {"ingress": INGRESS}, ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")),
            ("externalName", {"externalName": "x.example"}, ("ClusterIP", "NodePort", "LoadBalancer", "Ingress")),
            ("backend.selector", {"backend.selector": {"app": "web"}}, ("ExternalName", "Ingress")),
            ("backend.serviceName", {"backend.serviceName": "web"}, ("ExternalName", "Ingress")),
        )
        for type_ in types
    ],
    Refused(
        "ServiceExposure",
        {"visibility": "Internal", "publicIP": {"name": "ip"}},
        "publicIP is for visibility Public: remove it, or set visibility to Public",
    ),
    Refused(
        "ServiceExposure",
        {"publicIP": {"name": "ip", "resourceID": PUBLIC_IP}},
        "resourceID stands for an address as it is: give it without name and dnsLabel, or leave it out",
    ),
    Refused(
        "ServiceExposure",
        {"publicIP": {"resourceID": SUBNET}},
        "write an ARM id such as /subscriptions/…/resourceGroups/net/providers/Microsoft.Network/publicIPAddresses/shop",
    ),
    Refused(
        "ServiceExposure",
        {"publicIP": {"name": "_ip"}},
        "an address' name has letters, digits, -, _ and ., and begins with a letter or digit",
    ),
    Refused(
        "ServiceExposure",
        {"publicIP": {"dnsLabel": "Shop"}},
        "a label has 3 to 63 lower-case letters, digits and -, begins with a letter and does not end with -",
    ),
    Refused(
        "ServiceExposure",
        {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]},
        "a port is used twice: name each port and protocol once",
    ),
    *[
        Refused("ServiceExposure", {"ports": ports}, "with several ports each needs a name of its own: set name")
        for ports in (
            [{"port": 80}, {"port": 443}],
            [{"name": "a", "port": 80}, {"port": 443}],
            [{"name": "a", "port": 80}, {"name": "a", "port": 443}],
        )
    ],
    *[
        Refused(
            "ServiceExposure",
            {"ports": [{"name": name, "port": 80}]},
            "a port's name has 1 to 15 lower-case letters, digits and single -, at least one of them a letter",
        )
        for name in ("80", "HTTP", "a--b", "-a")
    ],
    Refused("ServiceExposure", {"ports": [{"port": 0}]}, "should be greater than or equal to 1"),
    Refused("ServiceExposure", {"ports": [{"port": 65536}]}, "should be less than or equal to 65535"),
    Refused("ServiceExposure", {"ports": [{"port": 80, "protocol": "SCTP"}]}, 'supported values: "TCP", "UDP"'),
    *[
        Refused(
            "ServiceExposure",
            {"ports": [{"port": 80, "targetPort": target}]},
            "write a port number (1 to 65535), or the name of a port of the pods",
        )
        for target in (0, 65536, "8080", "Web")
    ],
    *[
        Refused(
            "ServiceExposure",
            {"allowedSources": ["Internet", source]},
            "write a CIDR whose address is the range's first, such as 198.51.100.0/24, or a service tag such as Internet",
        )
        for source in ("198.51.100.7/24", "198.51.100.0/33", "office", "*", "10.0.0.0-10.0.0.9", "Storage.")
    ],
    *[
        Refused(
            "ServiceExposure",
            {"dns": {"zoneRef": {"name": "zone"}, "name": name}},
            "write a name in the zone such as www, @ for the zone itself, or * for any name",
        )
        for name in ("WWW", "www.", "a..b", "w*w", "")
    ],
    Refused("ServiceExposure", {"dns": {"name": "www"}}, "spec.dns.zoneRef: Required value"),
    Refused("ServiceExposure", {"idleTimeoutMinutes": 3}, "should be greater than or equal to 4"),
    Refused("ServiceExposure", {"healthProbe": {"intervalSeconds": 4}}, "should be greater than or equal to 5"),
    Refused("ServiceExposure", {"healthProbe": {"path": "healthz"}}, "write a path that begins with /"),
    Refused(
        "ServiceExposure",
        {**EXPOSURES["ExternalName"], "externalName": "https://db.example.com"},
        "write a DNS name in lower case, such as www.shop.example",
    ),
    Refused(
        "ServiceExposure",
        {"backend.namespace": "../kube-system"},
        "a namespace's name has lower-case letters, digits and -, such as default",
    ),
]

ZONES: Final = [
    Accepted("DNSZone", {}),
    Accepted("DNSZone", {"visibility": "Private", "virtualNetworkRefs": [{"name": "net"}]}),
    Refused("DNSZone", {"zone": None}, "spec.zone: Required value"),
    *[
        Refused(
            "DNSZone",
            {"zone": zone},
            "write a domain of two labels or more in lower case, without a dot at its end, such as shop.example",
        )
        for zone in ("shop", "shop.example.", "Shop.example", "-.example", "")
    ],
    Refused(
        "DNSZone",
        {"virtualNetworkRefs": [{"name": "net"}]},
        "virtualNetworkRefs are for visibility Private: remove them, or set visibility",
    ),
    Refused("DNSZone", {"azureName": "zone"}, "azureName is not for this kind: remove it; zone is the name in Azure"),
    Refused("DNSZone", {}, "metadata.name must have at most 63 characters", name=LONG),
]

WORKSPACES: Final = [
    Accepted("LogWorkspace", {"retentionDays": 730, "dailyCapGiB": 1}),
    Refused("LogWorkspace", {"location": None}, "spec.location: Required value"),
    Refused("LogWorkspace", {"retentionDays": 3}, "should be greater than or equal to 4"),
    Refused("LogWorkspace", {"dailyCapGiB": 0}, "should be greater than or equal to 1"),
    *[
        Refused(
            "LogWorkspace",
            {},
            "a workspace's name has 4 to 63 letters, digits and -: set spec.azureName to a name that Azure takes",
            name=name,
        )
        for name in ("log", "shop.logs")
    ],
    Refused("LogWorkspace", {"azureName": "logs"}, "metadata.name must have at most 63 characters", name=LONG),
]

CASES: Final = [*ACCOUNTS, *NETWORKS, *CLUSTERS, *POOLS, *EXPOSED, *ZONES, *WORKSPACES]


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case, Accepted)], ids=str)
def test_it_is_accepted(api: Api, case: Accepted) -> None:
    reply = attempt(api, sample(case.kind, case.changes, name=case.name))
    assert reply.status == 201, reply.message


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case, Refused)], ids=str)
def test_it_is_refused_and_says_what_to_do(api: Api, case: Refused) -> None:
    reply = attempt(api, sample(case.kind, case.changes, name=case.name))
    assert reply.status == 422, reply
    complaints = [cause for cause in reply.body["details"]["causes"] if not _of_the_server(cause)]
    assert len(complaints) == 1, "one mistake is one complaint"
    assert case.says in reply.message


def _of_the_server(cause: Mapping[str, str]) -> bool:
    """What it adds to a complaint: that rules were not tried, and its own of a scale subresource."""
    return "rules were not checked" in cause["message"] or cause["field"] == ".spec.replicas"


@pytest.mark.parametrize("kind", LEAST)
def test_nothing_can_be_left_out_of_the_least(api: Api, kind: str) -> None:
    for field in LEAST[kind]:
        reply = attempt(api, sample(kind, {field: None}))
        assert reply.status == 422, f"{field} is not needed"


def rules(node: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The CEL rules of a schema and all below it."""
    yield from node.get("x-kubernetes-validations", ())
    below = [*node.get("properties", {}).values(), node.get("items"), node.get("additionalProperties")]
    for child in below:
        if isinstance(child, dict):
            yield from rules(child)


def test_the_tables_break_every_rule() -> None:
    """But for those that compare an object with what it was."""
    said = {case.says for case in CASES if isinstance(case, Refused)}
    for kind, model in KINDS.items():
        schema = definition(kind, model)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        untried = [
            rule["message"]
            for rule in rules(schema)
            if "oldSelf" not in rule["rule"]
            and not any(says in rule["message"] or rule["message"] in says for says in said)
        ]
        assert not untried, f"{kind}: no table breaks these rules"
