"""The least that each kind takes, and variations of it: what the tables of accepted and refused objects begin with."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from tests.cluster.api import GROUP, Api, Json, Reply, path_of

GUID: Final = "00000000-0000-0000-0000-000000000001"
SECRET: Final = {"name": "azure-credential", "key": "clientSecret"}
PROVIDERS: Final = f"/subscriptions/{GUID}/resourceGroups/net/providers"
SUBNET: Final = f"{PROVIDERS}/Microsoft.Network/virtualNetworks/shop/subnets/nodes"
PUBLIC_IP: Final = f"{PROVIDERS}/Microsoft.Network/publicIPAddresses/shop"
IDENTITY: Final = f"{PROVIDERS}/Microsoft.ManagedIdentity/userAssignedIdentities/shop"

LEAST: Final[Mapping[str, Json]] = {
    "CloudAccount": {
        "subscriptionId": GUID,
        "tenantId": GUID,
        "credential": {"type": "ServicePrincipal", "clientId": GUID, "clientSecretRef": SECRET},
    },
    "VirtualNetwork": {"resourceGroup": "net", "location": "westeurope", "addressSpace": ["10.10.0.0/16"]},
    "ManagedCluster": {"resourceGroup": "shop", "location": "westeurope", "kubernetesVersion": "1.36"},
    "NodePool": {"clusterRef": {"name": "shop"}, "vmSize": "Standard_D4s_v5"},
    "ServiceExposure": {
        "clusterRef": {"name": "shop"},
        "type": "LoadBalancer",
        "backend": {"selector": {"app": "web"}},
        "ports": [{"port": 80}],
        "allowedSources": ["Internet"],
    },
    "DNSZone": {"resourceGroup": "shop", "zone": "shop.example"},
    "LogWorkspace": {"resourceGroup": "shop", "location": "westeurope"},
}
"""A spec that is accepted, by kind; nothing can be left out of it."""

INGRESS: Final = {"rules": [{"host": "www.shop.example", "paths": [{"path": "/", "serviceName": "web", "port": 80}]}]}
EXPOSURES: Final[Mapping[str, Json]] = {
    "ClusterIP": {"type": "ClusterIP", "allowedSources": None},
    "NodePort": {"type": "NodePort"},
    "LoadBalancer": {"type": "LoadBalancer"},
    "ExternalName": {
        "type": "ExternalName",
        "backend": None,
        "ports": None,
        "allowedSources": None,
        "externalName": "db.example.com",
    },
    "Ingress": {"type": "Ingress", "backend": None, "ports": None, "ingress": INGRESS},
}
"""What of the least exposure changes for each type."""
GATEWAY: Final = {"name": "gateway", "prefix": "10.10.250.0/27", "purpose": "Gateway"}
NODES: Final = {"name": "nodes", "prefix": "10.10.0.0/20"}
SITE: Final[Json] = {
    "onPremises": {"gatewayAddress": "198.51.100.7", "addressPrefixes": ["192.168.0.0/16"]},
    "sharedKeySecretRef": {"name": "vpn", "key": "psk"},
}

Changes = Mapping[str, Any]
"""Values by dotted path in the spec; None takes the field away."""


def changed(spec: Mapping[str, Any], changes: Changes) -> Json:
    """A copy of `spec` with `changes`."""
    made: Json = deepcopy(dict(spec))
    for path, value in changes.items():
        *way, last = path.split(".")
        place = made
        for step in way:
            place = place.setdefault(step, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


def sample(kind: str, changes: Changes | None = None, *, name: str = "sample", namespace: str = "default") -> Json:
    """An object: the least of its kind, with `changes`."""
    meta = {"name": name, "namespace": namespace}
    spec = changed(LEAST[kind], changes or {})
    return {"apiVersion": GROUP.removeprefix("/apis/"), "kind": kind, "metadata": meta, "spec": spec}


def attempt(api: Api, body: Json) -> Reply:
    """The answer to `kubectl create --dry-run=server`: nothing is stored, an unknown field is an error."""
    path = path_of(body["kind"], body["metadata"]["namespace"])
    return api("POST", f"{path}?dryRun=All&fieldValidation=Strict", body)
