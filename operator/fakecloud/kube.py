"""The Kubernetes API of the cluster that we run in: paths in, JSON out. The official client carries the bytes."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
from kubernetes.aio import config as kube_config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
TIMEOUT_SECONDS: Final = 30.0
WATCH_SECONDS: Final = 300
"""How long one watch request lasts; the server ends it and the next begins."""

Json = dict[str, Any]


class KubeError(Exception):
    """The API server's refusal. `status` is the HTTP status, 0 when there was no answer; `body` is its metav1.Status."""

    def __init__(self, status: int, message: str, body: Json | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body or {}


class Kube:
    """One API server."""

    def __init__(self, configuration: Configuration) -> None:
        self._api = ApiClient(configuration=configuration)
        self._host = str(configuration.host).rstrip("/")

    @classmethod
    async def connect(cls, kubeconfig: str | None = None) -> "Kube":
        """A client by a kubeconfig file, or by the pod's ServiceAccount; its token is read anew when it ages."""
        configuration = Configuration()
        if kubeconfig:
            await kube_config.load_kube_config(kubeconfig, client_configuration=configuration)
        else:
            kube_config.load_incluster_config(client_configuration=configuration)
        return cls(configuration)

    @property
    def host(self) -> str:
        """The server's URL."""
        return self._host

    @property
    def ca_file(self) -> str | None:
        """The file with the authority to trust, None for the system's own."""
        found = self._api.configuration.ssl_ca_cert
        return str(found) if found else None

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def request(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Json:
        """The answer's JSON; raises KubeError. `path` begins with "/" and holds its query."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await self._send(method, path, body, content_type, aiohttp.ClientTimeout(TIMEOUT_SECONDS))
                raw = await answer.read()
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            raise KubeError(0, f"{method} {path}: {type(error).__name__}: {error}") from error
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

    async def watch(self, path: str, version: str) -> AsyncIterator[Json]:
        """Each watch event after resource version `version`, until the server ends the watch; raises KubeError."""
        sep = "&" if "?" in path else "?"
        query = f"{sep}watch=1&resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}"
        timeout = aiohttp.ClientTimeout(WATCH_SECONDS + TIMEOUT_SECONDS, sock_connect=TIMEOUT_SECONDS)
        try:
            answer = await self._send("GET", path + query, None, "application/json", timeout)
            try:
                if answer.status >= 400:
                    raise _refusal(answer.status, await answer.read())
                async for line in answer.response.content:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        status = event["object"]
                        raise KubeError(int(status.get("code") or 0), str(status.get("message") or ""), status)
                    yield event
            finally:
                answer.response.close()
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            raise KubeError(0, f"watch {path}: {type(error).__name__}: {error}") from error

    async def _send(self, method: str, path: str, body: Any, content_type: str, timeout: aiohttp.ClientTimeout) -> Any:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        if token := await self._api.configuration.get_api_key_with_prefix("BearerToken", alias="authorization"):
            headers["Authorization"] = token
        return await self._api.call_api(
            method, self._host + path, header_params=headers, body=body, _request_timeout=timeout
        )


def _refusal(status: int, raw: bytes) -> KubeError:
    """metav1.Status as an error; a plain-text answer keeps its text."""
    try:
        parsed = json.loads(raw)
        return KubeError(status, str(parsed.get("message") or parsed.get("reason") or status), parsed)
    except (ValueError, AttributeError):
        return KubeError(status, raw[:200].decode(errors="replace").strip() or str(status))
