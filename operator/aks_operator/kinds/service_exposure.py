"""ServiceExposure: how an application is reached. It asks of shared documents, and reads how they stand."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from aks_operator.accounts import invited
from aks_operator.conditions import Condition, summarise
from aks_operator.desired import exposure as desired
from aks_operator.desired.cluster import MACHINES
from aks_operator.desired.zone import ZONES
from aks_operator.documents.reconciler import entries_of
from aks_operator.documents.shares import DROP, ORPHAN, Result, is_wish
from aks_operator.keys import Key
from aks_operator.kinds.base import Cluster, World, azure_name, check_supported, known_tags, stored_operations
from aks_operator.marks import mark_of
from aks_operator.outcome import RELEASE, Hold, Outcome
from aks_operator.plan import settled
from aks_operator.session import Operation
from aks_operator.tenants import MANAGER, label_of, service_path

BALANCER_LISTS: Final = ("loadBalancingRules", "probes", "backendAddressPools")
RULE_LISTS: Final = ("securityRules",)
VNETS: Final = "Microsoft.Network/virtualNetworks"
RECORDS: Final = f"{ZONES}/A"
MAX_RULES: Final = 1000
MAX_BALANCER_RULES: Final = 300
WAITING: Final = Condition("", "False", "Creating", "about to be created")


@dataclass(frozen=True)
class RecordShare:
    """What one exposure asks of a record set."""

    addresses: tuple[str, ...]
    ttl: int
    mark: str


@dataclass
class Places:
    """The documents that an exposure's parts live in: ARM ids."""

    address: str
    balancer: str
    rules: list[str] = field(default_factory=list)
    record: str | None = None
    host: str | None = None

    def all(self) -> list[str]:
        """Every id, in the order in which they are made."""
        return [self.address, self.balancer, *self.rules, *([self.record] if self.record else [])]


class ServiceExposureReconciler:
    """See engine.Reconciler."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def reconcile(self, key: Key, obj: Any) -> Outcome:
        """See engine.Reconciler."""
        world, spec = self._world, obj.spec
        if obj.metadata.deletion_timestamp is not None:
            return await self._delete(key, obj)
        check_supported(obj)
        _check_built(spec)
        cluster = world.cluster_of(key, spec.cluster_ref)
        cluster.account.session.resume(stored_operations(obj))
        if not cluster.exists or not cluster.obj.status.node_resource_group:
            raise Hold("WaitingForCluster", f"ManagedCluster {cluster.key.name} is not there yet")
        places = await self._places(key, spec, cluster)
        former = self._let_go_of_former(key, obj, cluster, places)
        known = {line.id.casefold() for line in (obj.status.resources if obj.status else None) or ()}
        if any(id_.casefold() not in known for id_ in places.all()):  # written down before anything is asked for
            reason, message = ("Updating", "about to be changed") if known else ("Creating", "about to be created")
            return Outcome(
                [Condition("Ready", "False", reason, message)],
                {"id": places.balancer, "resources": [*_resources(places, {}), *former]},
                again_after=0.0,
            )
        try:
            ports = await self._service(key, spec, cluster)
            backend = Condition("BackendReady", "True", "Succeeded")
            await self._ask(key, obj, cluster, places, ports)
        except Hold as hold:  # what is there stays: unknown node ports are no reason to take rules away
            ports, backend = (), Condition("BackendReady", "False", hold.reason, str(hold))
        return self._outcome(key, obj, cluster, places, backend, ports, former)

    def operations(self, key: Key, obj: Any, resources: Iterable[str]) -> Iterable[Operation]:
        """See engine.Reconciler."""
        return self._world.operations(self._world.open_account(key, obj), resources, below=True)

    async def _places(self, key: Key, spec: Any, cluster: Cluster) -> Places:
        world = self._world
        group = cluster.obj.spec.resource_group
        name = azure_name(cluster.obj)
        wanted = spec.public_ip
        address_name = (wanted.name if wanted is not None else None) or desired.public_ip_name(name, key)
        places = Places(
            address=world.resource(cluster.account, group, desired.PUBLIC_IPS, address_name),
            balancer=world.resource(cluster.account, group, desired.BALANCERS, f"{name}-public"),
            rules=await self._groups(cluster),
        )
        if spec.dns is not None:
            zone_key = Key("DNSZone", spec.dns.zone_ref.namespace or key.namespace, spec.dns.zone_ref.name)
            zone = world.parsed(zone_key)
            if zone is None:
                raise Hold("WaitingForZone", world.lacking(zone_key, "dns.zoneRef"))
            if not invited(key.namespace, zone_key, zone.spec.allowed_namespaces):
                raise Hold(
                    "NotAllowed",
                    f"DNSZone {zone_key.namespace}/{zone_key.name} does not list namespace {key.namespace!r} in allowedNamespaces",
                )
            if zone.status is None or not zone.status.id:
                raise Hold("WaitingForZone", f"DNSZone {zone_key.name} is not there yet")
            places.record = f"{zone.status.id}/A/{spec.dns.name}"
            places.host = zone.spec.zone if spec.dns.name == "@" else f"{spec.dns.name}.{zone.spec.zone}"
        return places

    async def _groups(self, cluster: Cluster) -> list[str]:
        """The NSGs that judge the nodes: AKS's own, in the node resource group."""
        scope = f"/subscriptions/{cluster.account.subscription}/resourceGroups/{cluster.obj.status.node_resource_group}"
        found = await cluster.account.session.observer.all(desired.GROUPS, scope)
        ours = [str(group["id"]) for group in found if str(group["name"]).startswith("aks-agentpool-")] or [
            str(g["id"]) for g in found
        ]
        return ours[:1]

    async def _service(self, key: Key, spec: Any, cluster: Cluster) -> tuple[desired.Port, ...]:
        """The ports, with the node ports of our Service, which is made or mended here. Raises Hold."""
        world = self._world
        cloud = cluster.account.session.cloud
        namespace = spec.backend.namespace
        selector = spec.backend.selector
        if spec.backend.service_name:
            theirs = await world.tenants.request(
                cloud, cluster.id, "GET", service_path(namespace, spec.backend.service_name)
            )
            if theirs is None:
                raise Hold(
                    "WaitingForBackend",
                    f"there is no Service {namespace}/{spec.backend.service_name} in the managed cluster",
                    again_after=10.0,
                )
            selector = theirs["spec"].get("selector")
            if not selector:
                raise Hold(
                    "Invalid",
                    f"Service {namespace}/{spec.backend.service_name} has no selector: name one that has, or give backend.selector",
                )
        name = desired.service_name(key)
        labels = label_of(key, world.marks.management_id)
        wanted = desired.service(key, name, spec, labels, selector)
        found = await world.tenants.request(cloud, cluster.id, "GET", service_path(namespace, name))
        if found is not None and any(found["metadata"].get("labels", {}).get(k) != v for k, v in labels.items()):
            raise Hold("AlreadyExists", f"Service {namespace}/{name} in the managed cluster is not ours")
        if found is None or _service_differs(wanted["spec"], found["spec"]):
            path = f"{service_path(namespace, name)}?fieldManager={MANAGER}&force=true"
            found = await world.tenants.request(
                cloud, cluster.id, "PATCH", path, wanted, content_type="application/apply-patch+yaml"
            )
        if found is None:
            raise Hold(
                "WaitingForBackend",
                f"namespace {namespace} does not exist in the managed cluster: create it",
                again_after=10.0,
            )
        made = {(port["protocol"], port["port"]): port for port in found["spec"]["ports"]}
        return tuple(
            desired.Port(
                p.name or "", p.protocol, p.port, p.target_port or p.port, made[(p.protocol, p.port)].get("nodePort", 0)
            )
            for p in spec.ports
        )

    async def _ask(self, key: Key, obj: Any, cluster: Cluster, places: Places, ports: tuple[desired.Port, ...]) -> None:
        """Say what we ask of each document."""
        world, spec = self._world, obj.spec
        documents, account = world.documents, cluster.account.key
        location = cluster.obj.spec.location
        mark = world.marks.value(cluster.key)
        address = desired.AddressShare(
            location=location,
            mark=mark,
            dns_label=spec.public_ip.dns_label if spec.public_ip is not None else None,
            idle_timeout_minutes=spec.idle_timeout_minutes,
            tags=tuple(sorted((spec.tags or {}).items())),
            applied_tags=tuple(sorted(known_tags(obj))),
        )
        address_document = documents.say(account, places.address, key, address)
        found = world.shares.result(address_document)
        if found is not None and _address_of(found):
            network = await self._network(cluster)
            probe = spec.health_probe
            share = desired.BalancerShare(
                location=location,
                mark=mark,
                frontend=places.address,
                network=network,
                ports=ports,
                addresses=await self._node_addresses(key, spec, cluster),
                probe=(probe.protocol, probe.path, probe.interval_seconds, probe.unhealthy_threshold),
                session_affinity=spec.session_affinity,
                idle_timeout_minutes=spec.idle_timeout_minutes,
            )
            documents.say(account, places.balancer, key, share)
        for group in places.rules:
            documents.say(
                account,
                group,
                key,
                desired.RulesShare(world.marks.value(key), tuple(sorted(spec.allowed_sources or ())), ports),
            )
        if places.record is not None and found is not None and (ip := _address_of(found)):
            zone_key = Key("DNSZone", spec.dns.zone_ref.namespace or key.namespace, spec.dns.zone_ref.name)
            documents.say(
                account, places.record, key, RecordShare((ip,), spec.dns.ttl_seconds, world.marks.value(zone_key))
            )
        for document in world.shares.documents_of(key):
            documents.look(document)  # the drift check: cheap, by the shared lists

    async def _node_addresses(self, key: Key, spec: Any, cluster: Cluster) -> tuple[str, ...]:
        """The private addresses of the machines of the pools that the exposure names (default: all), sorted."""
        world = self._world
        named = {Key("NodePool", ref.namespace or key.namespace, ref.name) for ref in spec.node_pool_refs or ()}
        pools = named or {k for k in world.cache.dependents(cluster.key) if k.kind == "NodePool"}
        addresses: set[str] = set()
        for pool_key in pools:
            pool = world.parsed(pool_key)
            if pool is None:
                raise Hold("WaitingForCluster", world.lacking(pool_key, "nodePoolRefs"))
            if pool.status is None or not pool.status.id:
                continue
            for machine in await cluster.account.session.observer.all(MACHINES, pool.status.id):
                if settled(machine):
                    network = (machine.get("properties") or {}).get("network") or {}
                    found = [ip for ip in network.get("ipAddresses") or () if ip.get("family") != "IPv6"]
                    addresses |= {str(ip["ip"]) for ip in found if ip.get("ip")}
        return tuple(sorted(addresses))

    async def _network(self, cluster: Cluster) -> str:
        """The id of the virtual network in which the nodes are."""
        scope = f"/subscriptions/{cluster.account.subscription}/resourceGroups/{cluster.obj.status.node_resource_group}"
        found = await cluster.account.session.observer.all(VNETS, scope)
        if not found:
            raise Hold("WaitingForNetwork", "the cluster's virtual network is not there yet", again_after=5.0)
        return str(found[0]["id"])

    def _outcome(
        self,
        key: Key,
        obj: Any,
        cluster: Cluster,
        places: Places,
        backend: Condition,
        ports: tuple[desired.Port, ...],
        former: list[dict[str, Any]],
    ) -> Outcome:
        """The status, out of how the documents stand."""
        shares, marks = self._world.shares, self._world.marks
        account = cluster.account.key
        results = {id_: self._result(account, id_) for id_ in places.all()}
        address = _part("AddressReady", key, results[places.address], None)
        balancer = _part(
            "LoadBalancerReady",
            key,
            results[places.balancer],
            [marks.entry(key, p.protocol, p.port) for p in ports],
            marks,
            BALANCER_LISTS,
        )
        rules = [_part("NetworkRulesReady", key, results[id_], [], marks, RULE_LISTS) for id_ in places.rules]
        parts = [
            backend,
            address,
            balancer,
            next(
                (r for r in rules if r.status != "True"),
                rules[0]
                if rules
                else Condition("NetworkRulesReady", "False", "WaitingForCluster", "the cluster's NSG is not there yet"),
            ),
        ]
        if places.record is not None:
            parts.append(_part("DNSReady", key, results[places.record], None))
        ip = _address_of(results[places.address])
        port = next((p for p in ports if p.protocol == "TCP"), None)
        host = places.host or ip
        url = None
        if host and port is not None:
            scheme, usual = ("https", 443) if port.port == 443 else ("http", 80)
            url = f"{scheme}://{host}" + ("" if port.port == usual else f":{port.port}") + "/"
        total = len(
            next(
                (
                    s.addresses
                    for o, s in shares.of(_document(account, places.balancer)).items()
                    if o == key and is_wish(s)
                ),
                (),
            )
        )
        tags = set(obj.spec.tags or {})
        status = {
            "id": places.balancer,
            "appliedTags": sorted(tags if address.status == "True" else tags | set(known_tags(obj))),
            "addresses": [ip] if ip else None,
            "fqdn": places.host,
            "url": url,
            "ports": [
                {"name": p.name or f"{p.protocol.lower()}-{p.port}", "port": p.port, "nodePort": p.node_port}
                for p in ports
            ]
            or None,
            "backends": {"summary": str(total), "total": total},
            "capacity": _capacity(results, places),
            "resources": [*_resources(places, {c.type: c for c in parts}), *former],
            "deletion": None,
        }
        return Outcome([summarise(parts), *parts], status, resources=places.all())

    def _result(self, account: Key, id_: str) -> Result | None:
        return self._world.shares.result(_document(account, id_))

    def _let_go_of_former(self, key: Key, obj: Any, cluster: Cluster, places: Places) -> list[dict[str, Any]]:
        """What the object used before and does not need now: another record, another address.

        Returns their lines of status.resources: they stay until our entries have been seen gone.
        """
        now = {id_.casefold() for id_ in places.all()}
        lines = []
        for line in (obj.status.resources if obj.status else None) or ():
            if line.id.casefold() in now:
                continue
            document = self._world.documents.say(cluster.account.key, line.id, key, _farewell(obj, line.type))
            self._world.documents.look(document)
            if not self._left(key, document):
                lines.append({"id": line.id, "type": line.type, "ready": "False", "reason": "Deleting"})
        return lines

    async def _delete(self, key: Key, obj: Any) -> Outcome:
        """Our entries leave every document; when they are seen gone, our Service goes, and the object with it."""
        world = self._world
        lines = list((obj.status.resources if obj.status else None) or ())
        used = [line.id for line in lines]
        if not used or obj.spec.deletion_policy == "Orphan":
            world.shares.forget(key)
            return RELEASE
        cluster_key = Key("ManagedCluster", obj.spec.cluster_ref.namespace or key.namespace, obj.spec.cluster_ref.name)
        if world.cache.get(cluster_key) is None:
            raise Hold(
                "WaitingForCluster",
                f"ManagedCluster {cluster_key.name} is needed to clean up: it was removed before its exposures",
            )
        cluster = world.cluster_of(key, obj.spec.cluster_ref, leaving=True)
        cluster.account.session.resume(stored_operations(obj))
        account = cluster.account.key
        pending = []
        for line in lines:
            id_ = line.id
            document = world.documents.say(account, id_, key, _farewell(obj, line.type))
            world.documents.look(document)
            if not self._left(key, document):
                pending.append((id_.rsplit("/", 1)[-1], world.shares.result(document)))
        if pending:
            reason, message = "Deleting", f"being taken out of {', '.join(name for name, _ in pending)}"
            for name, result in pending:
                if result is not None and result.reason:  # what stands in the way says more
                    reason, message = result.reason, f"not taken out of {name}: {result.message}"
            again = 2.0 if reason == "Deleting" else 15.0
            return Outcome([Condition("Ready", "False", reason, message)], again_after=again, resources=used)
        if not await self._remove_service(key, obj, cluster):
            return Outcome(
                [
                    Condition(
                        "Ready",
                        "False",
                        "ClusterUnreachable",
                        "our Service in the managed cluster cannot be removed; annotate aks-operator.io/skip-in-cluster-cleanup=true to leave it",
                    )
                ],
                again_after=15.0,
            )
        world.shares.forget(key)
        return RELEASE

    def _left(self, key: Key, document: Key) -> bool:
        """Whether the document has been seen without our entries since we asked for that."""
        result = self._world.shares.result(document)
        if result is None or result.reason:
            return False
        if not result.settled:
            return False
        ours = self._world.marks.is_mark(mark_of(result.body or {}, document.kind.removeprefix("document:")))
        if document.kind.endswith("networksecuritygroups"):  # AKS's own: it has no mark of ours
            return not entries_of(result, RULE_LISTS, key, self._world.marks)
        if document.kind.endswith("loadbalancers"):
            return not ours or not entries_of(result, BALANCER_LISTS, key, self._world.marks)
        shares = self._world.shares.of(document)
        others = [share for owner, share in shares.items() if owner != key and is_wish(share)]
        return not ours or bool(others) or any(share is ORPHAN for share in shares.values())

    async def _remove_service(self, key: Key, obj: Any, cluster: Cluster) -> bool:
        """Whether our Service is gone, or need not go: the cluster is gone or going, or the user said so."""
        if (
            not cluster.exists
            or (obj.metadata.annotations or {}).get("aks-operator.io/skip-in-cluster-cleanup") == "true"
        ):
            return True
        cloud, path = cluster.account.session.cloud, service_path(obj.spec.backend.namespace, desired.service_name(key))
        try:
            found = await self._world.tenants.request(cloud, cluster.id, "GET", path)
            mine = label_of(key, self._world.marks.management_id)
            if found is not None and all(found["metadata"].get("labels", {}).get(k) == v for k, v in mine.items()):
                await self._world.tenants.request(cloud, cluster.id, "DELETE", path)
        except Hold:
            return False
        return True


def _check_built(spec: Any) -> None:
    """Raises Hold for what the API has and this version does not do yet."""
    if spec.type != "LoadBalancer":
        raise Hold("NotSupported", f"type {spec.type} is not built yet: use LoadBalancer")
    if spec.visibility == "Internal":
        raise Hold("NotSupported", "visibility Internal is not built yet: use Public")
    if spec.public_ip is not None and spec.public_ip.resource_id:
        raise Hold("NotSupported", "publicIP.resourceID is not built yet: give a name, or nothing")


def _farewell(obj: Any, type_: str) -> Any:
    """What an exposure says to a document that it does not need any more."""
    address = obj.spec.public_ip
    orphan = type_ == desired.PUBLIC_IPS and address is not None and address.deletion_policy == "Orphan"
    return ORPHAN if orphan else DROP


def _service_differs(want: dict[str, Any], have: dict[str, Any]) -> bool:
    ports = [{k: p.get(k) for k in ("name", "protocol", "port", "targetPort")} for p in have.get("ports") or ()]
    return ports != want["ports"] or any(
        have.get(k) != want[k] for k in ("type", "selector", "externalTrafficPolicy", "sessionAffinity")
    )


def _document(account: Key, id_: str) -> Key:
    from aks_operator.documents.reconciler import document_key

    return document_key(account, id_)


def _address_of(result: Result | None) -> str | None:
    found = ((result.body if result else None) or {}).get("properties") or {}
    return str(found["ipAddress"]) if found.get("ipAddress") else None


def _part(
    type_: str,
    key: Key,
    result: Result | None,
    entries: list[str] | None,
    marks: Any = None,
    lists: tuple[str, ...] = (),
) -> Condition:
    """One condition out of one document."""
    if result is None:
        return Condition(type_, "False", "Creating", "about to be created")
    if key in result.conflicts:
        return Condition(type_, "False", "Conflict", result.conflicts[key])
    if result.reason:
        return Condition(type_, "False", result.reason, result.message)
    if not result.settled:
        return Condition(type_, "False", "Updating", "a change is under way")
    if result.body is None:
        return Condition(type_, "False", "Creating", "about to be created")
    if entries is not None:
        there = entries_of(result, lists, key, marks)
        if not there or any(entry not in there for entry in entries):
            return Condition(type_, "False", "Updating", "our entries are not there yet")
    return Condition(type_, "True", "Succeeded")


def _capacity(results: dict[str, Result | None], places: Places) -> dict[str, str] | None:
    """How much of Azure's limits is used."""
    rules = results[places.rules[0]] if places.rules else None
    balancer = results[places.balancer]
    if rules is None or rules.body is None or balancer is None or balancer.body is None:
        return None
    return {
        "networkRules": f"{len(rules.body['properties'].get('securityRules') or ())}/{MAX_RULES}",
        "loadBalancerRules": f"{len(balancer.body['properties'].get('loadBalancingRules') or ())}/{MAX_BALANCER_RULES}",
    }


def _resources(places: Places, parts: dict[str, Condition]) -> list[dict[str, Any]]:
    """status.resources: what the exposure uses, and where its clean-up has to look."""
    lines = [
        (places.address, desired.PUBLIC_IPS, "AddressReady"),
        (places.balancer, desired.BALANCERS, "LoadBalancerReady"),
    ]
    lines += [(id_, desired.GROUPS, "NetworkRulesReady") for id_ in places.rules]
    lines += [(places.record, RECORDS, "DNSReady")] if places.record else []
    result = []
    for id_, type_, condition in lines:
        found = parts.get(condition)
        result.append(
            {
                "id": id_,
                "type": type_,
                "ready": found.status if found else "False",
                "reason": found.reason if found else "Creating",
            }
        )
    return result
