"""An exposure's Service in the managed cluster: made, mended, removed. A Service that is not ours is only read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aks_operator.desired.exposure import (
    Port,
    Targets,
    cluster_service,
    external_service,
    node_service,
    service_differs,
    target_of,
)
from aks_operator.keys import Key
from aks_operator.kinds.base import Cluster, World
from aks_operator.kinds.exposures.places import Places
from aks_operator.kube import KubeError
from aks_operator.outcome import Hold
from aks_operator.tenants import MANAGER, label_of, service_path

RETRY = 10.0
"""Seconds between looks for what others make in the managed cluster: nothing tells us."""


@dataclass(frozen=True)
class Backend:
    """What answers, as far as the managed cluster knows."""

    ports: tuple[Port, ...] = ()
    cluster_ip: str | None = None
    """The Service's own address."""
    health_port: int = 0
    """Where nodes say whether they have a pod; 0 where nobody asks."""


NOTHING = Backend()


async def ensure(world: World, key: Key, spec: Any, cluster: Cluster, places: Places) -> Backend:
    """The Service is as it should be, and what it got from Kubernetes. Raises Hold."""
    theirs = await _named(world, spec, cluster)
    if places.service is None:
        return _inner(spec, theirs or {})
    selector, targets = _what_answers(spec, theirs)
    labels = label_of(key, world.marks.management_id)
    name = places.service.rpartition("/")[2]
    match places.traits.service:
        case "ClusterIP":
            wanted = cluster_service(name, spec, labels, selector)
        case "ExternalName":
            wanted = external_service(name, spec, labels)
        case "NodePort":
            wanted = node_service(name, spec, labels, selector, targets, probed=places.traits.balancer)
    found = await _apply(world, cluster, places.service, wanted, labels)
    made = {(port["protocol"], port["port"]): port for port in found["spec"].get("ports") or ()}
    ports = tuple(
        Port(
            p.name or "",
            p.protocol,
            p.port,
            target_of(p, targets),
            made[(p.protocol, p.port)].get("nodePort", 0),
        )
        for p in spec.ports
    )
    return Backend(ports, _address(found), int(found["spec"].get("healthCheckNodePort") or 0))


async def _named(world: World, spec: Any, cluster: Cluster) -> dict[str, Any] | None:
    """The user's own Service, None when the exposure names none. Raises Hold."""
    if not spec.backend.service_name:
        return None
    path = service_path(spec.backend.namespace, spec.backend.service_name)
    theirs = await world.tenants.request(cluster.account.session.cloud, cluster.id, "GET", path)
    if theirs is None:
        raise Hold(
            "WaitingForBackend",
            f"there is no Service {spec.backend.namespace}/{spec.backend.service_name} in the managed cluster: create it",
            again_after=RETRY,
        )
    return theirs


def _inner(spec: Any, theirs: Mapping[str, Any]) -> Backend:
    """What the user's own Service gives inside the cluster. Raises Hold."""
    name = f"Service {spec.backend.namespace}/{spec.backend.service_name}"
    address = _address(theirs)
    if address is None:
        raise Hold("Invalid", f"{name} has no address of its own: name one of type ClusterIP", again_after=RETRY)
    there = {(p.get("protocol", "TCP"), p["port"]): p for p in theirs["spec"].get("ports") or ()}
    lacking = [f"{p.protocol} {p.port}" for p in spec.ports if (p.protocol, p.port) not in there]
    if lacking:
        raise Hold(
            "WaitingForBackend",
            f"{name} has no port {', '.join(lacking)}: add it there, or correct ports",
            again_after=RETRY,
        )
    ports = [
        Port(p.name or "", p.protocol, p.port, there[(p.protocol, p.port)].get("targetPort", p.port))
        for p in spec.ports
    ]
    return Backend(tuple(ports), address)


def _what_answers(spec: Any, theirs: Mapping[str, Any] | None) -> tuple[Mapping[str, str], Targets]:
    """The selector of the pods, and the ports that an existing Service sends on to. Raises Hold."""
    if theirs is None:
        return spec.backend.selector or {}, {}
    selector = theirs["spec"].get("selector")
    if not selector:
        raise Hold(
            "Invalid",
            f"Service {spec.backend.namespace}/{spec.backend.service_name} has no selector: name one that has, or give backend.selector",
            again_after=RETRY,
        )
    ports = theirs["spec"].get("ports") or ()
    return selector, {(p.get("protocol", "TCP"), p["port"]): p.get("targetPort", p["port"]) for p in ports}


async def _apply(
    world: World, cluster: Cluster, path: str, wanted: Mapping[str, Any], labels: Mapping[str, str]
) -> dict[str, Any]:
    """The Service as it is after this. Raises Hold."""
    cloud = cluster.account.session.cloud
    namespace, name = wanted["metadata"]["namespace"], wanted["metadata"]["name"]
    found = await world.tenants.request(cloud, cluster.id, "GET", path)
    if found is not None and not is_ours(found, labels):
        raise Hold(
            "AlreadyExists",
            f"Service {namespace}/{name} in the managed cluster is not ours: delete it, or give the exposure another name",
            again_after=RETRY,
        )
    if found is None or service_differs(wanted["spec"], found["spec"]):
        try:
            found = await world.tenants.request(
                cloud,
                cluster.id,
                "PATCH",
                f"{path}?fieldManager={MANAGER}&force=true",
                wanted,
                content_type="application/apply-patch+yaml",
            )
        except KubeError as error:
            if error.status not in {400, 422}:
                raise
            raise Hold("Invalid", f"the managed cluster refuses Service {namespace}/{name}: {error}") from error
    if found is None:
        raise Hold(
            "WaitingForBackend",
            f"namespace {namespace} does not exist in the managed cluster: create it",
            again_after=RETRY,
        )
    return found


def is_ours(service: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a Service carries our labels."""
    carried = service["metadata"].get("labels") or {}
    return all(carried.get(label) == value for label, value in labels.items())


def _address(service: Mapping[str, Any]) -> str | None:
    found = service["spec"].get("clusterIP")
    return str(found) if found and found != "None" else None
