"""Credentials of accounts: read from Secrets and files, each time anew, since neither is watched."""

import hashlib
import tempfile
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aks_operator.cloud.credentials import (
    PUBLIC_CLOUDS,
    Endpoints,
    ManagedIdentity,
    Principal,
    ServicePrincipal,
    WorkloadIdentity,
)
from aks_operator.keys import Key
from aks_operator.kube import KubeClient, KubeError
from aks_operator.outcome import Hold
from aks_operator.settings import Settings

SECRET_RETRY: Final = 5.0
"""Seconds between looks for a Secret that is not there: Secrets are never watched."""
FORBIDDEN_RETRY: Final = 30.0


@dataclass(frozen=True)
class Login:
    """Where an account leads, and as whom. `digest` tells whether anything of it, secrets included, changed."""

    endpoints: Endpoints
    principal: Principal

    @property
    def digest(self) -> str:
        """Two logins that work alike have the same."""
        principal = self.principal
        secrets = (principal.secret, principal.certificate) if isinstance(principal, ServicePrincipal) else ()
        return hashlib.sha256(repr((self.endpoints, principal, secrets)).encode()).hexdigest()


class Logins:
    """Reads what accounts refer to. The operator's own identity is for the namespaces that its settings name."""

    def __init__(self, kube: KubeClient, settings: Settings) -> None:
        self._kube = kube
        self._settings = settings
        self._files = tempfile.TemporaryDirectory(prefix="aks-operator-ca-")

    async def read(self, key: Key, spec: Any) -> Login:
        """The login of the account `key`; raises Hold with what is lacking or not allowed, KubeError."""
        self._check_allowed(spec)
        principal = await self._principal(key, spec)
        return Login(await self._endpoints(key, spec), principal)

    def close(self) -> None:
        """The process ends."""
        self._files.cleanup()

    def _check_allowed(self, spec: Any) -> None:
        """Raises Hold for an endpoint that would get our tokens and may not: before any Secret is read."""
        if spec.cloud != "Custom":
            return
        if spec.endpoints is None:
            raise Hold("Invalid", "cloud Custom needs endpoints")
        allowed = {url.rstrip("/").lower() for url in self._settings.allowed_endpoints}
        for url in (spec.endpoints.resource_manager, spec.endpoints.authority):
            if url.rstrip("/").lower() not in allowed:
                raise Hold(
                    "NotAllowed",
                    f"endpoint {url} is not in the operator's allowedEndpoints: ask whoever installed the operator to add it",
                )

    async def _endpoints(self, key: Key, spec: Any) -> Endpoints:
        if spec.cloud != "Custom":
            return PUBLIC_CLOUDS[spec.cloud]
        path = None
        if spec.endpoints.certificate_authority is not None:
            ref = spec.endpoints.certificate_authority.secret_ref
            pem = await self._secret(key, ref.name, ref.key)
            path = Path(self._files.name) / f"{hashlib.sha256(pem).hexdigest()[:16]}.crt"
            path.write_bytes(pem)
        return Endpoints(
            spec.endpoints.resource_manager, spec.endpoints.authority, str(path) if path else None, discover=False
        )

    async def _principal(self, key: Key, spec: Any) -> Principal:
        wanted = spec.credential
        if wanted.type == "WorkloadIdentity":
            self._check_own(key, wanted.type)
            return self._workload_identity(spec.tenant_id, wanted.client_id)
        if wanted.type == "ManagedIdentity":
            self._check_own(key, wanted.type)
            return ManagedIdentity(wanted.client_id or "")
        if wanted.client_secret_ref is not None:
            secret = await self._secret(key, wanted.client_secret_ref.name, wanted.client_secret_ref.key)
            try:
                return ServicePrincipal(spec.tenant_id, wanted.client_id or "", secret=secret.decode().strip())
            except UnicodeDecodeError:
                pass  # not raised from: it would show the secret
            raise Hold(
                "Invalid", f"Secret {key.namespace}/{wanted.client_secret_ref.name} does not hold a client secret"
            )
        if wanted.client_certificate_ref is not None:
            pem = await self._secret(key, wanted.client_certificate_ref.name, wanted.client_certificate_ref.key)
            return ServicePrincipal(spec.tenant_id, wanted.client_id or "", certificate=pem)
        raise Hold(
            "Invalid", "credential.clientSecretRef or credential.clientCertificateRef is needed for a ServicePrincipal"
        )

    def _check_own(self, key: Key, type_: str) -> None:
        """Raises Hold for an account that may not use the operator's own identity."""
        if key.namespace not in {self._settings.namespace, *self._settings.workload_identity_namespaces}:
            raise Hold(
                "NotAllowed",
                f"credential type {type_} is the operator's own identity, which accounts of namespace {key.namespace!r} may not use: "
                "ask whoever installed the operator to add the namespace to workloadIdentityNamespaces, or use a ServicePrincipal",
            )

    def _workload_identity(self, tenant: str, client: str | None) -> WorkloadIdentity:
        client = client or self._settings.workload_identity_client_id
        if not client:
            raise Hold(
                "Invalid",
                "credential.clientId is needed: the operator was installed without workloadIdentity.clientId",
            )
        path = self._settings.federated_token_file
        try:
            held = bool(path) and bool(Path(path).read_text().strip())
        except (OSError, UnicodeDecodeError):
            held = False
        if not held:
            raise Hold(
                "AuthenticationFailed",
                f"the operator has no federated token{f' in {path}' if path else ''}: install it with workloadIdentity.enabled",
                again_after=SECRET_RETRY,
            )
        return WorkloadIdentity(tenant, client, path)

    async def _secret(self, key: Key, name: str, entry: str) -> bytes:
        try:
            secret = await self._kube.get(f"/api/v1/namespaces/{key.namespace}/secrets/{name}")
        except KubeError as error:
            if error.status == 403:
                raise Hold(
                    "SecretForbidden",
                    f"the operator may not read Secret {key.namespace}/{name}: add {key.namespace!r} to the chart's secretNamespaces (helm upgrade --set secretNamespaces={{{key.namespace}}})",
                    again_after=FORBIDDEN_RETRY,
                ) from error
            raise
        if secret is None:
            raise Hold(
                "SecretNotFound",
                f"there is no Secret {key.namespace}/{name}: create it, or correct the reference",
                again_after=SECRET_RETRY,
            )
        value = (secret.get("data") or {}).get(entry)
        if not value:
            raise Hold(
                "SecretNotFound", f"Secret {key.namespace}/{name} has no key {entry!r}", again_after=SECRET_RETRY
            )
        return b64decode(value)
