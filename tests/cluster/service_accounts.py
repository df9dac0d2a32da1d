"""ServiceAccounts of the test's API server: their tokens, and what a chart lets one do."""

import json
from pathlib import Path
from typing import Any, Final

import yaml

from tests.chart.rendering import OPERATOR, helm
from tests.cluster.api import Api, Json
from tests.contract.cloud import until

RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"


def token_of(api: Api, namespace: str, account: str) -> str:
    """A token of a ServiceAccount."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    return str(api.create(path, body)["status"]["token"])


def as_account(admin: str, api: Api, namespace: str, account: str, folder: Path) -> str:
    """A kubeconfig for a ServiceAccount."""
    document = yaml.safe_load(Path(admin).read_text())
    document["users"][0]["user"] = {"token": token_of(api, namespace, account)}
    path = folder / f"{account}.kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return str(path)


class Grants:
    """The operator's ServiceAccount with the rights that its chart gives it, as a release of that name and namespace."""

    def __init__(self, api: Api, release: str, namespace: str) -> None:
        self.name = f"{release}-aks-operator"
        self._api = api
        self._release = release
        self._namespace = namespace
        self._made: dict[str, Json] = {}
        self._secrets: list[str] = []
        self._apply()

    def read_secrets(self, namespace: str) -> None:
        """`helm upgrade --set secretNamespaces=…` with one more namespace; returns when the API server knows."""
        self._secrets.append(namespace)
        self._apply()
        until(f"Secrets of {namespace} may be read", lambda: self._may(namespace) or None)

    def withdraw(self) -> None:
        """Take away what is in no namespace."""
        for path, manifest in self._made.items():
            if "namespace" not in manifest["metadata"]:
                self._api.delete(path)

    def _apply(self) -> None:
        values = json.dumps({"secretNamespaces": self._secrets})
        answer = helm("template", self._release, str(OPERATOR), "--namespace", self._namespace, "--set-json", values)
        assert answer.returncode == 0, answer.stderr
        for manifest in yaml.safe_load_all(answer.stdout):
            path = _path_of(manifest) if manifest else None
            if path is not None and path not in self._made:
                self._api.create(path.rpartition("/")[0], manifest)
                self._made[path] = manifest

    def _may(self, namespace: str) -> bool:
        spec: Json = {
            "user": f"system:serviceaccount:{self._namespace}:{self.name}",
            "resourceAttributes": {"namespace": namespace, "resource": "secrets", "verb": "get"},
        }
        asked = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        return bool(self._api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", asked)["status"]["allowed"])


def _path_of(manifest: Any) -> str | None:
    """The API path of the operator's ServiceAccount and of what grants it anything; None for all else."""
    meta, kind = manifest["metadata"], manifest["kind"]
    if "annotations" in meta and "helm.sh/hook" in meta["annotations"]:
        return None
    group = {"ServiceAccount": "/api/v1"} | dict.fromkeys(
        ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"), RBAC
    )
    if kind not in group:
        return None
    place = f"/namespaces/{meta['namespace']}" if "namespace" in meta else ""
    return f"{group[kind]}{place}/{kind.lower()}s/{meta['name']}"
