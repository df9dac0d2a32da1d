"""Which SDK operation serves which ARM type: a table, one row a type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aks_operator.cloud.clients import Clients

Call = Callable[..., Any]
"""(clients, *names, …) → the SDK's awaitable (a list: its pages). `names` begin with the resource group's."""


@dataclass(frozen=True)
class Service:
    """The SDK operations of one ARM type. `begin_*` start an operation and do not wait for it."""

    type: str
    get: Call
    list: Call
    put: Call
    delete: Call
    actions: Mapping[str, Call] = field(default_factory=dict)


def _missing(what: str) -> Call:
    def refuse(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"Azure has no such call: {what}")

    return refuse


def _typed(
    type_: str,
    group: Callable[[Clients], Any],
    *,
    list_: str = "list",
    begin: bool = True,
    begin_delete: bool = True,
    **actions: Call,
) -> Service:
    """A row for an operation group of the common shape: get, list, (begin_)create_or_update, (begin_)delete."""
    wait: dict[str, Any] = {"polling": False}
    return Service(
        type_,
        get=lambda clients, *names, **kw: group(clients).get(*names, **kw),
        list=lambda clients, *names, **kw: getattr(group(clients), list_)(*names, **kw),
        put=lambda clients, *names, **kw: (
            group(clients).begin_create_or_update(*names, **wait, **kw)
            if begin
            else group(clients).create_or_update(*names, **kw)
        ),
        delete=lambda clients, *names, **kw: (
            group(clients).begin_delete(*names, **wait, **kw) if begin_delete else group(clients).delete(*names, **kw)
        ),
        actions=actions,
    )


async def _health(clients: Clients, *names: str, **kw: Any) -> Any:
    return await clients.network.load_balancer_load_balancing_rules.begin_health(*names, polling=False, **kw)


def _record_set(record_type: str) -> Service:
    def operations(clients: Clients) -> Any:
        return clients.dns.record_sets

    return Service(
        f"Microsoft.Network/dnsZones/{record_type}",
        get=lambda clients, group, zone, name, **kw: operations(clients).get(group, zone, name, record_type, **kw),
        list=lambda clients, group, zone, **kw: operations(clients).list_by_type(group, zone, record_type, **kw),
        put=lambda clients, group, zone, name, body, **kw: operations(clients).create_or_update(
            group, zone, name, record_type, body, **_matches(kw)
        ),
        delete=lambda clients, group, zone, name, **kw: operations(clients).delete(
            group, zone, name, record_type, **_matches(kw)
        ),
    )


def _matches(kw: dict[str, Any]) -> dict[str, Any]:
    """The DNS client sets these headers by its own parameters only."""
    headers = kw.pop("headers", {})
    return {**kw, "if_match": headers.get("If-Match"), **({"if_none_match": "*"} if "If-None-Match" in headers else {})}


RECORD_TYPES: Final = ("A", "AAAA", "CNAME", "TXT")

SERVICES: Final[Mapping[str, Service]] = {
    service.type.lower(): service
    for service in (
        _typed("Microsoft.Resources/resourceGroups", lambda c: c.resources.resource_groups, begin=False),
        Service(
            "Microsoft.Resources/resources",
            get=_missing("a resource is asked for by its own type"),
            list=lambda c, *n, **kw: c.resources.resources.list_by_resource_group(*n, **kw),
            put=_missing("a resource is made by its own type"),
            delete=_missing("a resource is deleted by its own type"),
        ),
        _typed(
            "Microsoft.ContainerService/managedClusters",
            lambda c: c.containerservice.managed_clusters,
            list_="list_by_resource_group",
            listClusterAdminCredential=lambda c, *n, **kw: (
                c.containerservice.managed_clusters.list_cluster_admin_credentials(*n, **kw)
            ),
            listClusterUserCredential=lambda c, *n, **kw: (
                c.containerservice.managed_clusters.list_cluster_user_credentials(*n, **kw)
            ),
            upgradeProfile=lambda c, *n, **kw: c.containerservice.managed_clusters.get_upgrade_profile(*n, **kw),
        ),
        _typed("Microsoft.ContainerService/managedClusters/agentPools", lambda c: c.containerservice.agent_pools),
        Service(
            "Microsoft.ContainerService/managedClusters/agentPools/machines",
            get=lambda c, *n, **kw: c.containerservice.machines.get(*n, **kw),
            list=lambda c, *n, **kw: c.containerservice.machines.list(*n, **kw),
            put=_missing("machines are made by their pool"),
            delete=_missing("machines are removed by their pool"),
        ),
        _typed("Microsoft.Network/virtualNetworks", lambda c: c.network.virtual_networks),
        _typed("Microsoft.Network/virtualNetworks/subnets", lambda c: c.network.subnets),
        _typed("Microsoft.Network/networkSecurityGroups", lambda c: c.network.network_security_groups),
        _typed("Microsoft.Network/networkSecurityGroups/securityRules", lambda c: c.network.security_rules),
        _typed("Microsoft.Network/publicIPAddresses", lambda c: c.network.public_ip_addresses),
        _typed("Microsoft.Network/loadBalancers", lambda c: c.network.load_balancers),
        Service(
            "Microsoft.Network/loadBalancers/loadBalancingRules",
            get=lambda c, *n, **kw: c.network.load_balancer_load_balancing_rules.get(*n, **kw),
            list=lambda c, *n, **kw: c.network.load_balancer_load_balancing_rules.list(*n, **kw),
            put=_missing("rules are part of their balancer"),
            delete=_missing("rules are part of their balancer"),
            actions={"health": _health},
        ),
        _typed("Microsoft.Network/dnsZones", lambda c: c.dns.zones, list_="list_by_resource_group", begin=False),
        *(_record_set(record_type) for record_type in RECORD_TYPES),
    )
}
"""By type in lower case."""
