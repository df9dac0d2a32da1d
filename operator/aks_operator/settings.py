"""The operator's settings: environment variables `AKS_OPERATOR_…`, read once at start."""

from typing import Annotated

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Names = Annotated[tuple[str, ...], NoDecode]
"""In the environment a list is separated by commas."""
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Settings(BaseSettings):
    """What an installation decides; the chart's values set these."""

    model_config = SettingsConfigDict(
        env_prefix="AKS_OPERATOR_", frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    namespace: str = Field(
        "aks-operator",
        description="namespace is where the operator runs; accounts there serve all namespaces they allow.",
    )
    pod_uid: str = Field("", description="pod_uid identifies this process in the Lease; empty: made up at start.")
    management_id: str = Field(
        "",
        max_length=63,
        pattern=r"^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)?$",  # as a label's value; a slash would end it in our marks
        description="management_id tells installations apart in one subscription; empty: the kube-system namespace's UID.",
    )
    kubeconfig: str = Field(
        "", description="kubeconfig is a file to use outside a cluster; empty: the pod's ServiceAccount."
    )
    context: str = Field("", description="context is the kubeconfig's context to use; empty: its current one.")
    watch_namespaces: Names = Field(
        (), description="watch_namespaces limits the operator to these namespaces; empty: all."
    )
    allowed_endpoints: Names = Field(
        (),
        description="allowed_endpoints are the URLs that accounts of cloud Custom may name; our tokens go nowhere else.",
    )
    workload_identity_namespaces: Names = Field(
        (),
        description="workload_identity_namespaces are namespaces besides the operator's whose accounts may use the operator's own identity.",
    )
    federated_token_file: str = Field(
        "",
        validation_alias=AliasChoices("AKS_OPERATOR_FEDERATED_TOKEN_FILE", "AZURE_FEDERATED_TOKEN_FILE"),
        description="federated_token_file holds our ServiceAccount's token for Entra; empty: accounts of type WorkloadIdentity do not work.",
    )
    workload_identity_client_id: str = Field(
        "",
        validation_alias=AliasChoices("AKS_OPERATOR_WORKLOAD_IDENTITY_CLIENT_ID", "AZURE_CLIENT_ID"),
        description="workload_identity_client_id is whom an account of type WorkloadIdentity means that names no client.",
    )
    delete_empty_resource_group: bool = Field(
        False,
        description="delete_empty_resource_group removes a resource group that we made when nothing is left in it.",
    )
    default_location: str = Field(
        "westeurope",
        description="default_location is where a resource group is made for an object that has no location of its own.",
    )
    workers: int = Field(32, ge=1, le=256, description="workers is how many objects are worked on at once.")
    drift_interval_seconds: Finite = Field(
        60.0, ge=1, description="drift_interval_seconds is how often the cloud is compared with the objects."
    )
    poll_interval_seconds: Finite = Field(
        10.0,
        gt=0,
        description="poll_interval_seconds is how often an operation is asked for when the cloud does not say.",
    )
    request_timeout_seconds: Finite = Field(
        60.0, gt=0, description="request_timeout_seconds bounds one request to the cloud."
    )
    writes_per_second: Finite = Field(
        10.0,
        gt=0,
        description="writes_per_second is the pace of writes for each subscription and identity (Azure's own refill).",
    )
    reads_per_second: Finite = Field(
        25.0, gt=0, description="reads_per_second is the pace of reads for each subscription and identity."
    )
    http_port: int = Field(8080, ge=0, le=65535, description="http_port serves /healthz, /readyz and /metrics.")
    lease_name: str = Field("aks-operator", description="lease_name is the Lease that makes one process the leader.")
    lease_seconds: Finite = Field(
        15.0, ge=2, description="lease_seconds is how long a Lease holds without being renewed."
    )
    relist_interval_seconds: float = Field(
        600.0,
        ge=1,
        description="relist_interval_seconds is how often our objects are listed: a watch that restarted tells no deletions.",
    )
    watch_deadline_seconds: float = Field(
        120.0,
        ge=1,
        description="watch_deadline_seconds is how long a watch may take to bring what we wrote; then /healthz fails.",
    )
    log_level: str = Field(
        "INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="log_level is the least severe level that is logged.",
    )
    log_format: str = Field("json", pattern="^(json|plain)$", description="log_format is json, or plain for people.")

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces whose objects are seen, the operator's own among them; empty: all."""
        return tuple(dict.fromkeys((self.namespace, *self.watch_namespaces))) if self.watch_namespaces else ()

    @field_validator("watch_namespaces", "allowed_endpoints", "workload_identity_namespaces", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
