"""Where an exposure's parts live: the ids of ARM documents, and the path of its Service in the managed cluster."""

from dataclasses import dataclass, field
from typing import Any, Final

from aks_operator.accounts import Account, invited
from aks_operator.armid import parse
from aks_operator.desired.address import public_ip_name
from aks_operator.desired.exposure import BALANCERS, GROUPS, PUBLIC_IPS, service_name
from aks_operator.desired.zone import ZONES
from aks_operator.documents.reconciler import document_key
from aks_operator.keys import Key
from aks_operator.kinds.base import Cluster, World, azure_name, nothing_made
from aks_operator.kinds.exposures.types import TYPES, Traits
from aks_operator.outcome import Hold
from aks_operator.tenants import service_path

SERVICES: Final = "v1/Service"
"""The type of a line of status.resources that names a Service in the managed cluster, by its API path."""


@dataclass
class Places:
    """The places of one exposure; None where its type has no such part."""

    traits: Traits
    service: str | None
    """The API path of the Service that we own."""
    address: str | None = None
    brought: str | None = None
    """A public IP of somebody else's: it is read, and never written."""
    balancer: str | None = None
    guarded: bool = False
    """Whether rules open the way to the nodes, in the groups `rules` as soon as there are any."""
    rules: list[str] = field(default_factory=list)
    record: str | None = None
    zone: Key | None = None
    zone_account: Account | None = None
    """Whose cloud the record is in: the zone's, which may be another than the cluster's."""
    host: str | None = None

    def documents(self) -> list[str]:
        """The ids of the documents in ARM, in the order in which they are made."""
        return [id_ for id_ in (self.address, self.balancer, *self.rules, self.record) if id_]

    def holder(self, id_: str, cluster: Cluster) -> Account:
        """The account whose cloud one of the documents is in."""
        return self.zone_account if id_ == self.record and self.zone_account is not None else cluster.account

    def document(self, id_: str, cluster: Cluster) -> Key:
        """The queue key of one of the documents."""
        return document_key(self.holder(id_, cluster).key, id_)

    def lines(self) -> list[tuple[str, str, str]]:
        """Everything of ours: id, type, and the condition that tells how it stands."""
        lines = [(self.service, SERVICES, "BackendReady")]
        lines += [(self.address, PUBLIC_IPS, "AddressReady"), (self.balancer, BALANCERS, "LoadBalancerReady")]
        lines += [(id_, GROUPS, "NetworkRulesReady") for id_ in self.rules]
        lines.append((self.record, f"{ZONES}/{self.traits.record}", "DNSReady"))
        return [(id_, type_, condition) for id_, type_, condition in lines if id_]


def own_service(key: Key, spec: Any) -> str | None:
    """The API path of the Service that we own; None for an inner one that the user has already."""
    traits = TYPES[spec.type]
    if traits.service == "ClusterIP" and spec.backend.service_name:
        return None
    name = service_name(key) if traits.service == "NodePort" else key.name
    return service_path(spec.backend.namespace, name)


async def places_of(world: World, key: Key, spec: Any, cluster: Cluster) -> Places:
    """The places of an exposure; `cluster` as ARM has it (see World.look_at). Raises Hold."""
    traits = TYPES[spec.type]
    places = Places(traits, own_service(key, spec))
    group, name = cluster.obj.spec.resource_group, azure_name(cluster.obj)
    internal = spec.visibility == "Internal"
    if traits.balancer:
        suffix = "internal" if internal else "public"
        places.balancer = world.resource(cluster.account, group, BALANCERS, f"{name}-{suffix}")
    if traits.balancer and not internal:
        wanted = spec.public_ip
        if wanted is not None and wanted.resource_id:
            places.brought = _of_subscription(wanted.resource_id, cluster)
            await cluster.account.session.check_inside(places.brought)
        else:
            given = wanted.name if wanted is not None else None
            places.address = world.resource(cluster.account, group, PUBLIC_IPS, given or public_ip_name(name, key))
    places.guarded = traits.rules and bool(spec.allowed_sources)  # the network lets its own in without any
    if places.guarded:
        places.rules = await _groups(cluster)
    if spec.dns is not None:
        await _add_record(world, key, spec, places)
    return places


def _of_subscription(id_: str, cluster: Cluster) -> str:
    """`id_`, if the account can read it; raises Hold."""
    if parse(id_).subscription.casefold() != cluster.account.subscription.casefold():
        raise Hold(
            "Invalid",
            "publicIP.resourceID lies in another subscription than the cluster: a balancer takes addresses of its own",
        )
    return id_


async def _add_record(world: World, key: Key, spec: Any, places: Places) -> None:
    zone_key = Key("DNSZone", spec.dns.zone_ref.namespace or key.namespace, spec.dns.zone_ref.name)
    zone = world.parsed(zone_key)
    if zone is None:
        raise Hold("WaitingForZone", world.lacking(zone_key, "dns.zoneRef"))
    if not invited(key.namespace, zone_key, zone.spec.allowed_namespaces):
        raise Hold(
            "NotAllowed",
            f"DNSZone {zone_key.namespace}/{zone_key.name} does not list namespace {key.namespace!r} in allowedNamespaces",
        )
    if spec.type == "ClusterIP" and zone.spec.visibility == "Public":
        raise Hold(
            "Invalid",
            f"DNSZone {zone_key.name} is public, and a ClusterIP is reached from inside alone: name a Private zone, or leave dns out",
        )
    account, id_ = world.zone_of(zone_key)
    if nothing_made(zone) or not await world.has(account, id_, ZONES, zone_key):
        raise Hold("WaitingForZone", f"DNSZone {zone_key.name} is not there yet")
    places.zone, places.zone_account = zone_key, account
    places.record = f"{id_}/{places.traits.record}/{spec.dns.name}"
    places.host = zone.spec.zone if spec.dns.name == "@" else f"{spec.dns.name}.{zone.spec.zone}"


async def _groups(cluster: Cluster) -> list[str]:
    """The NSGs that judge the nodes: AKS's own, in the node resource group."""
    found = await cluster.account.session.observer.all(GROUPS, cluster.node_group)
    ours = [str(group["id"]) for group in found if str(group["name"]).startswith("aks-agentpool-")] or [
        str(g["id"]) for g in found
    ]
    return ours[:1]
