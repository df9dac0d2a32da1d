"""The only module that writes to Kubernetes. A thin client over the official package's own, paths in and JSON out."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
from kubernetes.aio import config as kube_config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from aks_operator.kubeconfig import Access

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
PAGE_SIZE: Final = 100
"""Objects in one answer: each takes ten times its size while it is read."""

Json = dict[str, Any]


class KubeError(Exception):
    """The API server's refusal. `status` is the HTTP status, 0 when there was no answer; `reason` is metav1.Status's."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def terminating_namespace(self) -> bool:
        """Whether a write was refused because its namespace is being deleted."""
        return self.status == 403 and "being terminated" in str(self)


class KubeClient:
    """One API server, ours or a managed cluster's. Every call is bounded by `timeout` seconds."""

    def __init__(self, configuration: Configuration, *, timeout: float = 30.0) -> None:
        configuration.trace_configs = [_refusing_redirects()]
        self._api = ApiClient(configuration=configuration)
        self._host = str(configuration.host).rstrip("/")
        self._timeout = timeout

    @classmethod
    async def local(cls, kubeconfig: str = "", context: str = "") -> "KubeClient":
        """Our own API server: from a kubeconfig file, else from the pod's ServiceAccount."""
        configuration = Configuration()
        if kubeconfig:
            await kube_config.load_kube_config(kubeconfig, context=context or None, client_configuration=configuration)
        else:
            kube_config.load_incluster_config(client_configuration=configuration)
        return cls(configuration)

    @classmethod
    def of_cluster(cls, found: Access, *, timeout: float = 10.0) -> "KubeClient":
        """A managed cluster's API server. Raises ValueError for certificates that are none, showing nothing of them."""
        configuration = Configuration(
            host=found.server, ca_cert_data=found.authority, tls_server_name=found.server_name
        )
        if found.token:
            configuration.api_key["BearerToken"] = f"Bearer {found.token}"
        with tempfile.TemporaryDirectory(prefix="aks-operator-") as folder:  # a client's key is only taken from a file
            if found.certificate:
                for name, pem in (("cert_file", found.certificate), ("key_file", found.key)):
                    path = Path(folder) / name
                    path.write_bytes(pem)
                    setattr(configuration, name, str(path))
            try:
                return cls(configuration, timeout=timeout)
            except OSError:
                pass  # not raised from: its traceback holds the configuration
        raise ValueError("the kubeconfig does not hold certificates and keys as PEM")

    async def connection(self) -> dict[str, Any]:
        """How to reach the server, in the words of kopf.ConnectionInfo; read anew at each call: tokens expire."""
        configuration = self._api.configuration
        bearer = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        return {
            "server": self._host,
            "ca_path": configuration.ssl_ca_cert,
            "insecure": not configuration.verify_ssl,
            "token": bearer.partition(" ")[2] if bearer else None,
            "certificate_path": configuration.cert_file,
            "private_key_path": configuration.key_file,
        }

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def request(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Json:
        """The answer's JSON; raises KubeError. `path` begins with "/" and holds its query: ValueError for any other.

        Put behind a server's name, a path that begins otherwise would lead to another server.
        """
        if not path.startswith("/"):
            raise ValueError(f"not a path of an API server: {path!r}")
        headers = {"Accept": "application/json", "Content-Type": content_type}
        if token := await self._api.configuration.get_api_key_with_prefix("BearerToken", alias="authorization"):
            headers["Authorization"] = token
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._api.call_api(
                    method, self._host + path, header_params=headers, body=body, _request_timeout=self._timeout
                )
                raw = await answer.read() or b""
        except (OSError, TimeoutError) as error:
            raise KubeError(0, "Unreachable", f"{method} {path}: {type(error).__name__}: {error}") from error
        except Exception as error:
            if type(error).__module__.startswith("aiohttp"):
                raise KubeError(0, "Unreachable", f"{method} {path}: {error}") from error
            raise
        if answer.status >= 400:
            raise _refusal(answer.status, raw)
        return json.loads(raw) if raw else {}

    async def get(self, path: str) -> Json | None:
        """The object at `path`, None when there is none."""
        try:
            return await self.request("GET", path)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    async def pages(self, path: str) -> AsyncIterator[Json]:
        """Each object of the collection at `path`, page by page."""
        token = ""
        while True:
            sep = "&" if "?" in path else "?"
            page = await self.request("GET", f"{path}{sep}limit={PAGE_SIZE}" + (f"&continue={token}" if token else ""))
            for item in page.get("items") or ():
                yield item
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return

    async def create(self, path: str, body: Mapping[str, Any]) -> Json:
        """The object as created in the collection at `path`."""
        return await self.request("POST", path, body)

    async def apply(self, path: str, body: Mapping[str, Any], manager: str) -> Json:
        """The object after a server-side apply of the fields that we own."""
        return await self.request("PATCH", f"{path}?fieldManager={manager}&force=true", body, content_type=APPLY_PATCH)

    async def delete(self, path: str, *, uid: str | None = None) -> None:
        """Delete the object; what is not there is deleted. With `uid` only if it is still that one."""
        try:
            await self.request("DELETE", path, {"preconditions": {"uid": uid}} if uid else None)
        except KubeError as error:
            if error.status != 404:
                raise

    async def add_finalizer(self, path: str, body: Mapping[str, Any], finalizer: str) -> Json:
        """The object with our finalizer on; nothing else is touched, and nothing at all if it changed meanwhile (409, 422)."""
        meta = body["metadata"]
        guard = [{"op": "test", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"]}]
        if meta.get("finalizers"):
            operations = [*guard, {"op": "add", "path": "/metadata/finalizers/-", "value": finalizer}]
        else:
            operations = [*guard, {"op": "add", "path": "/metadata/finalizers", "value": [finalizer]}]
        return await self.request("PATCH", path, operations, content_type=JSON_PATCH)

    async def remove_finalizer(self, path: str, body: Mapping[str, Any], finalizer: str) -> Json | None:
        """The object without our finalizer, None when it is gone."""
        finalizers: Sequence[str] = body["metadata"].get("finalizers") or ()
        if finalizer not in finalizers:
            return dict(body)
        operations = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": body["metadata"]["resourceVersion"]},
            {"op": "remove", "path": f"/metadata/finalizers/{finalizers.index(finalizer)}"},
        ]
        try:
            return await self.request("PATCH", path, operations, content_type=JSON_PATCH)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    async def replace_status(self, path: str, uid: str, status: Mapping[str, Any]) -> Json:
        """The object with `status`; refused (422) when another object took its name."""
        operations = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/status", "value": status},
        ]
        return await self.request("PATCH", f"{path}/status", operations, content_type=JSON_PATCH)


def _refusing_redirects() -> aiohttp.TraceConfig:
    """An API server's answer comes from that server: one that leads elsewhere would have us ask, from inside, what it likes."""

    async def refuse(_: object, __: object, asked: aiohttp.TraceRequestRedirectParams) -> None:
        code = asked.response.status
        raise KubeError(
            0, "Redirected", f"{asked.method} {asked.url.raw_path}: a redirect (HTTP {code}) is not followed"
        )

    found = aiohttp.TraceConfig()
    found.on_request_redirect.append(refuse)
    return found


def _refusal(status: int, raw: bytes) -> KubeError:
    """metav1.Status as an error; a plain-text answer (a CRD's first moments, a proxy) keeps its text."""
    try:
        parsed = json.loads(raw)
        return KubeError(status, str(parsed.get("reason") or status), str(parsed.get("message") or ""))
    except (ValueError, AttributeError):
        return KubeError(status, str(status), raw[:200].decode(errors="replace").strip())
