"""An API server as a test sees it: plain HTTPS, nothing in between."""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import urllib3
import yaml

Json = dict[str, Any]
GROUP: Final = "/apis/aks-operator.io/v1alpha1"
JSON: Final = "application/json"
MERGE: Final = "application/merge-patch+json"
PLURALS: Final[Mapping[str, str]] = {
    "CloudAccount": "cloudaccounts",
    "VirtualNetwork": "virtualnetworks",
    "ManagedCluster": "managedclusters",
    "NodePool": "nodepools",
    "ServiceExposure": "serviceexposures",
    "DNSZone": "dnszones",
    "LogWorkspace": "logworkspaces",
}


@dataclass(frozen=True)
class Reply:
    """An answer; `message` is metav1.Status's where it refused."""

    status: int
    body: Json

    @property
    def message(self) -> str:
        """Why it was refused."""
        return str(self.body.get("message", ""))


class Api:
    """One API server, by a kubeconfig with a token."""

    def __init__(self, kubeconfig: str) -> None:
        config = yaml.safe_load(Path(kubeconfig).read_text())
        cluster = config["clusters"][0]["cluster"]
        self.server = str(cluster["server"])
        authority = b64decode(cluster["certificate-authority-data"]).decode()
        self._token = str(config["users"][0]["user"]["token"])
        self._pool = urllib3.PoolManager(ca_cert_data=authority, retries=False, timeout=20.0, maxsize=32)

    def close(self) -> None:
        """Close every connection."""
        self._pool.clear()

    def __call__(
        self, method: str, path: str, body: Any = None, content_type: str = JSON, *, accept: str = JSON
    ) -> Reply:
        """One request."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type, "Accept": accept}
        sent = None if body is None else json.dumps(body).encode()
        answer = self._pool.request(method, self.server + path, body=sent, headers=headers)
        text = answer.data.decode()
        return Reply(answer.status, json.loads(text) if text.startswith("{") else {"message": text.strip()})

    def get(self, path: str) -> Json | None:
        """The object at `path`, None when there is none."""
        reply = self("GET", path)
        assert reply.status in {200, 404}, reply
        return reply.body if reply.status == 200 else None

    def items(self, path: str) -> list[Json]:
        """The objects of a collection."""
        reply = self("GET", path)
        assert reply.status == 200, reply
        return list(reply.body["items"])

    def create(self, path: str, body: Json) -> Json:
        """The object as created in the collection at `path`."""
        reply = self("POST", path, body)
        assert reply.status == 201, reply
        return reply.body

    def merge(self, path: str, patch: Json) -> Json:
        """The object after a merge patch."""
        reply = self("PATCH", path, patch, MERGE)
        assert reply.status == 200, reply
        return reply.body

    def delete(self, path: str) -> None:
        """Ask for the deletion of what is at `path`."""
        reply = self("DELETE", path)
        assert reply.status in {200, 202}, reply


def path_of(kind: str, namespace: str, name: str = "") -> str:
    """The path of one of our objects, or of their collection."""
    return f"{GROUP}/namespaces/{namespace}/{PLURALS[kind]}" + (f"/{name}" if name else "")


def condition(body: Mapping[str, Any], type_: str = "Ready") -> Mapping[str, Any]:
    """An object's condition; empty when it has none of that type."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c["type"] == type_), {})
