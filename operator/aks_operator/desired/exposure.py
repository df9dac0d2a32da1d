"""What a ServiceExposure asks for inside the managed cluster, and what all its parts speak of. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aks_operator.keys import Key
from aks_operator.marks import owner_hash

PUBLIC_IPS: Final = "Microsoft.Network/publicIPAddresses"
BALANCERS: Final = "Microsoft.Network/loadBalancers"
GROUPS: Final = "Microsoft.Network/networkSecurityGroups"
LOCAL_CLASS: Final = "aks-operator.io/exposure"
"""The loadBalancerClass that keeps all other controllers from a Service of ours."""


@dataclass(frozen=True)
class Port:
    """One port on its way from a client to a pod. `node_port` is known once the Service was made."""

    name: str
    protocol: str
    """TCP or UDP."""
    port: int
    target_port: int | str
    node_port: int = 0


Targets = Mapping[tuple[str, int], int | str]
"""targetPort by protocol and port, where an existing Service says it."""


def cluster_service(name: str, spec: Any, labels: Mapping[str, str], selector: Mapping[str, str]) -> dict[str, Any]:
    """The Service of type ClusterIP."""
    wanted = {"type": "ClusterIP", "selector": dict(selector), "sessionAffinity": spec.session_affinity}
    return _service(name, spec, labels, {**wanted, "ports": _ports(spec, {})})


def node_service(
    name: str,
    spec: Any,
    labels: Mapping[str, str],
    selector: Mapping[str, str],
    targets: Targets = {},  # noqa: B006  # never changed
    *,
    probed: bool = False,
) -> dict[str, Any]:
    """Our Service with node ports.

    A balancer finds out which nodes have a pod (externalTrafficPolicy Local) by healthCheckNodePort, which Kubernetes gives
    to Services of type LoadBalancer alone: one that is `probed` is of that type, and of a class that nobody serves.
    """
    local = probed and spec.external_traffic_policy == "Local"
    wanted = {
        "type": "LoadBalancer" if local else "NodePort",
        "selector": dict(selector),
        "externalTrafficPolicy": spec.external_traffic_policy,
        "sessionAffinity": spec.session_affinity,
        **({"loadBalancerClass": LOCAL_CLASS} if local else {}),
    }
    return _service(name, spec, labels, {**wanted, "ports": _ports(spec, targets)})


def external_service(name: str, spec: Any, labels: Mapping[str, str]) -> dict[str, Any]:
    """The Service of type ExternalName."""
    return _service(name, spec, labels, {"type": "ExternalName", "externalName": spec.external_name})


def _service(name: str, spec: Any, labels: Mapping[str, str], wanted: Mapping[str, Any]) -> dict[str, Any]:
    meta = {"name": name, "namespace": spec.backend.namespace, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": dict(wanted)}


def _ports(spec: Any, targets: Targets) -> list[dict[str, Any]]:
    return [
        {
            "name": port_name(port),
            "protocol": port.protocol,
            "port": port.port,
            "targetPort": target_of(port, targets),
        }
        for port in spec.ports
    ]


def port_name(port: Any) -> str:
    """The name of a spec's port, made up where it has none."""
    return port.name or f"{port.protocol.lower()}-{port.port}"


def target_of(port: Any, targets: Targets) -> int | str:
    """The pods' port: as the spec says, else as an existing Service says, else the port itself."""
    if port.target_port is not None:
        return port.target_port  # type: ignore[no-any-return]  # an int or a name: the model sees to it
    return targets.get((port.protocol, port.port), port.port)


def service_differs(want: Mapping[str, Any], have: Mapping[str, Any]) -> bool:
    """Whether a Service's spec lacks something of what we own of it."""
    ports = [{k: p.get(k) for k in ("name", "protocol", "port", "targetPort")} for p in have.get("ports") or ()]
    return ports != want.get("ports", []) or any(have.get(k) != want[k] for k in want if k != "ports")


def service_name(key: Key) -> str:
    """The name of the Service with node ports that we own: never that of a user's Service, and one that Services may have."""
    name = key.name.replace(".", "-")  # a custom resource's name may have dots, and begin with a digit
    return f"{name if name[0].isalpha() else f's-{name}'}"[:50].rstrip("-") + f"-{owner_hash(key)}"
