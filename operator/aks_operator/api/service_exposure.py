"""ServiceExposure: how an application is reached."""

from typing import Annotated, Literal

from pydantic import Field

from aks_operator.api.base import ApiModel, Says
from aks_operator.api.common import (
    Host,
    LabelKey,
    LabelValue,
    ManagedSpec,
    ManagedStatus,
    Name,
    Namespace,
    Reference,
    SecretReference,
    Source,
    arm_id,
)

PortNumber = Annotated[int, Field(ge=1, le=65535)]
_PORT = r"([a-z0-9]+-)*[a-z0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*"
PortName = Annotated[
    str,
    Field(pattern=rf"^{_PORT}$", min_length=1, max_length=15),
    Says("a port's name has 1 to 15 lower-case letters, digits and single -, at least one of them a letter"),
]
Path = Annotated[str, Field(pattern=r"^/", max_length=1024), Says("write a path that begins with /")]
PublicIPID = Annotated[
    str,
    *arm_id(
        "Microsoft.Network",
        "publicIPAddresses",
        example="/subscriptions/…/resourceGroups/net/providers/Microsoft.Network/publicIPAddresses/shop",
    ),
]


class Backend(ApiModel):
    """What answers, in the managed cluster."""

    namespace: Namespace = Field("default", description="namespace in the managed cluster.")
    selector: Annotated[dict[LabelKey, LabelValue], Field(min_length=1, max_length=16)] | None = Field(
        None, description="selector: labels of the pods; the operator makes a Service for them."
    )
    service_name: Name | None = Field(
        None,
        description="serviceName of an existing Service, which is never edited. Its selector counts, and its targetPort where ports give none.",
    )


class Port(ApiModel):
    """One port."""

    name: PortName | None = Field(None, description="name of the port.")
    protocol: Literal["TCP", "UDP"] = Field("TCP", description="protocol of the port.")
    port: PortNumber = Field(description="port that clients use.")
    target_port: (
        PortNumber
        | Annotated[
            str,
            Field(pattern=rf"^{_PORT}$", max_length=15),
            Says("write a port number (1 to 65535), or the name of a port of the pods"),
        ]
        | None
    ) = Field(None, description="targetPort: the pods' port, a number or a name. Default: port.")


class HealthProbe(ApiModel):
    """How the balancer judges nodes."""

    protocol: Literal["TCP", "HTTP", "HTTPS"] = Field("TCP", description="protocol of the probe.")
    path: Path = Field("/", description="path of an HTTP probe.")
    interval_seconds: Annotated[int, Field(ge=5, le=300)] = Field(5, description="intervalSeconds between probes.")
    unhealthy_threshold: Annotated[int, Field(ge=1, le=20)] = Field(
        2, description="unhealthyThreshold: failures until a node is left out."
    )


class PublicIP(ApiModel):
    """The public address."""

    name: (
        Annotated[
            str,
            Field(pattern=r"^[a-zA-Z0-9]([-\w.]*\w)?$", max_length=80),
            Says("an address' name has letters, digits, -, _ and ., and begins with a letter or digit"),
        ]
        | None
    ) = Field(None, description="name of the address in Azure; exposures that give the same name share it.")
    dns_label: (
        Annotated[
            str,
            Field(pattern=r"^[a-z][-a-z0-9]{1,61}[a-z0-9]$", max_length=63),
            Says("a label has 3 to 63 lower-case letters, digits and -, begins with a letter and does not end with -"),
        ]
        | None
    ) = Field(None, description="dnsLabel: a name <label>.<region>.cloudapp.azure.com for it.")
    deletion_policy: Literal["Delete", "Orphan"] = Field(
        "Delete",
        description="deletionPolicy: Orphan keeps the address when the last exposure that shares it is deleted; one that says so suffices.",
    )
    resource_id: PublicIPID | None = Field(
        None,
        alias="resourceID",
        description="resourceID of an address of yours that exists, in the cluster's subscription and region; it is read, and never changed.",
    )


_RECORD = r"[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?"


class Dns(ApiModel):
    """A name for the application."""

    zone_ref: Reference = Field(description="zoneRef names the DNSZone that the record goes into.")
    name: Annotated[
        str,
        Field(pattern=rf"^(@|[*]|([*][.])?{_RECORD}([.]{_RECORD})*)$", max_length=190),
        Says("write a name in the zone such as www, @ for the zone itself, or * for any name"),
    ] = Field(description="name in the zone, such as www; @ is the zone itself, * any name.")
    ttl_seconds: Annotated[int, Field(ge=1, le=2147483647)] = Field(300, description="ttlSeconds of the record.")


class IngressTls(ApiModel):
    """A certificate."""

    hosts: Annotated[list[Host], Field(min_length=1, max_length=16)] = Field(description="hosts it is for.")
    secret_ref: SecretReference = Field(description="secretRef names a kubernetes.io/tls Secret.")


class IngressPath(ApiModel):
    """A path of a host."""

    path: Path = Field(description="path prefix.")
    service_name: Name = Field(description="serviceName in the managed cluster.")
    port: PortNumber = Field(description="port of the Service.")


class IngressRule(ApiModel):
    """A host."""

    host: Host = Field(description="host name.")
    paths: Annotated[list[IngressPath], Field(min_length=1, max_length=32)] = Field(description="paths of the host.")


class Ingress(ApiModel):
    """TLS termination and routing."""

    tls: Annotated[list[IngressTls], Field(max_length=16)] = Field([], description="tls certificates.")
    rules: Annotated[list[IngressRule], Field(min_length=1, max_length=16)] = Field(description="rules by host.")


class ServiceExposureSpec(ManagedSpec):
    """Desired state of a ServiceExposure."""

    cluster_ref: Reference = Field(description="clusterRef names the ManagedCluster. Fixed once created.")
    type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "Ingress"] = Field(
        description="type: ClusterIP (inside the cluster), NodePort (on the nodes), LoadBalancer (an address in front of them), ExternalName (a name elsewhere), Ingress (hosts and paths, with TLS)."
    )
    backend: Backend = Field(Backend(), description="backend: the pods that answer, by selector or serviceName.")
    ports: Annotated[list[Port], Field(max_length=32)] = Field(
        [], description="ports to open. For ClusterIP, NodePort and LoadBalancer."
    )
    node_pool_refs: Annotated[list[Reference], Field(max_length=32)] = Field(
        [], description="nodePoolRefs: only these pools' nodes take traffic. Default: all of the cluster's."
    )
    visibility: Literal["Public", "Internal"] | None = Field(
        None,
        description="visibility: Public, or Internal (a LoadBalancer's address in the nodes' subnet). Default: Public.",
    )
    allowed_sources: Annotated[list[Source], Field(max_length=256)] | None = Field(
        None,
        description="allowedSources: who may come in, as CIDRs or Azure's service tags. [Internet] is everybody. Required when Public.",
    )
    external_traffic_policy: Literal["Cluster", "Local"] = Field(
        "Cluster",
        description="externalTrafficPolicy: Local spares a hop; only nodes with a pod take traffic. The balancer then asks the nodes themselves, and healthProbe gives interval and threshold alone.",
    )
    health_probe: HealthProbe = Field(
        HealthProbe(), description="healthProbe: how the load balancer finds out which nodes answer."
    )
    session_affinity: Literal["None", "ClientIP"] = Field(
        "None", description="sessionAffinity: ClientIP sends a client to the same node again."
    )
    idle_timeout_minutes: Annotated[int, Field(ge=4, le=30)] = Field(
        4, description="idleTimeoutMinutes after which a silent connection is closed."
    )
    public_ip: PublicIP | None = Field(
        None, alias="publicIP", description="publicIP: the public address. Default: one is made for this exposure."
    )
    dns: Dns | None = Field(None, description="dns: a record for it in a DNSZone.")
    external_name: Host | None = Field(
        None, description="externalName: the DNS name that the exposure stands for, for type ExternalName."
    )
    ingress: Ingress | None = Field(None, description="ingress: hosts, paths and certificates, for type Ingress.")


class PortStatus(ApiModel):
    """A port and its node port."""

    name: Annotated[str, Field(max_length=15)] = Field("", description="name of the port.")
    port: int = Field(description="port that clients use.")
    node_port: int = Field(0, description="nodePort on every node; 0 where the type has none.")


class BackendCounts(ApiModel):
    """Nodes behind the balancer."""

    summary: Annotated[str, Field(max_length=16)] = Field(
        "", description="summary: healthy/total, or total alone where health is unknown."
    )
    healthy: int | None = Field(
        None, description="healthy nodes by the balancer's probes; looked at once in a minute, and after changes."
    )
    total: int = Field(0, description="total nodes that traffic is sent to.")


class Capacity(ApiModel):
    """How much of Azure's limits is used."""

    network_rules: Annotated[str, Field(max_length=16)] = Field("", description="networkRules used of those allowed.")
    load_balancer_rules: Annotated[str, Field(max_length=16)] = Field(
        "", description="loadBalancerRules used of those allowed."
    )


class ServiceExposureStatus(ManagedStatus):
    """Observed state of a ServiceExposure."""

    addresses: Annotated[list[Annotated[str, Field(max_length=39)]], Field(max_length=8)] = Field(
        [], description="addresses it is reached at: the balancer's, the Service's, or the nodes' (eight at most)."
    )
    fqdn: Annotated[str, Field(max_length=253)] | None = Field(None, description="fqdn it is reached at.")
    url: Annotated[str, Field(max_length=512)] | None = Field(None, description="url to try.")
    ports: Annotated[list[PortStatus], Field(max_length=32)] = Field([], description="ports and their node ports.")
    backends: BackendCounts | None = Field(None, description="backends behind the balancer.")
    capacity: Capacity | None = Field(None, description="capacity used of Azure's limits.")
    shadowed_by: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=16)] = Field(
        [],
        description="shadowedBy are foreign network rules of higher priority that deny what ours allow, as <group>/<rule>.",
    )
