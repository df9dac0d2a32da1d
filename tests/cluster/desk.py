"""A test's own namespace and resource group: what it declares in one, and what comes about in the other."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tests.cluster.api import MERGE, PLURALS, Api, Json, condition, path_of
from tests.contract import bodies
from tests.contract.cloud import Arm, Group, until

T = TypeVar("T")
READY_SECONDS = 25.0
LOCATION = bodies.LOCATION
SIZE = "Standard_D4s_v5"
WRITES = frozenset({"PUT", "PATCH", "DELETE"})
ZERO = "/subscriptions/00000000-0000-0000-0000-000000000000"
NEVER = 10**12
"""After the last request that a journal will ever have."""


def data(value: str) -> str:
    """A value as a Secret holds it."""
    return b64encode(value.encode()).decode()


class Desk:
    """One namespace, with the Secrets and the account `default` for a cloud; the group has the namespace's name."""

    def __init__(self, api: Api, arm: Arm, namespace: str) -> None:
        self.api = api
        self.arm = arm
        self.namespace = namespace
        self.group = Group(namespace, arm)
        self._since = self.arm.journal(NEVER)["last"]

    # Kubernetes

    def open(self, **account: Any) -> None:
        """Make the namespace, the Secrets, and the account."""
        cloud = self.arm.cloud
        meta: Json = {"name": self.namespace}
        self.api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        self.secret("azure-credential", clientSecret=cloud.secret)
        self.secret("fakecloud-tls", **{"ca.crt": self.ca})
        self.apply("CloudAccount", "default", **{**self.account(), **account})

    @property
    def ca(self) -> str:
        """The cloud's authority, as PEM."""
        return Path(self.arm.cloud.ca).read_text()

    def account(self) -> Json:
        """The spec of an account that works."""
        cloud = self.arm.cloud
        return {
            "subscriptionId": cloud.subscription,
            "tenantId": cloud.tenant,
            "cloud": "Custom",
            "endpoints": {
                "resourceManager": cloud.endpoint,
                "authority": cloud.endpoint,
                "certificateAuthority": {"secretRef": {"name": "fakecloud-tls", "key": "ca.crt"}},
            },
            "credential": {
                "type": "ServicePrincipal",
                "clientId": cloud.client,
                "clientSecretRef": {"name": "azure-credential", "key": "clientSecret"},
            },
        }

    def secret(self, name: str, **values: str) -> None:
        """Make a Secret, or change it."""
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        body = {"data": {key: data(value) for key, value in values.items()}}
        if self.api.get(f"{path}/{name}") is None:
            self.api.create(path, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **body})
        else:
            self.api.merge(f"{path}/{name}", body)

    def apply(self, kind: str, name: str, **spec: Any) -> Json:
        """Create an object."""
        meta = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": "aks-operator.io/v1alpha1", "kind": kind, "metadata": meta, "spec": spec}
        return self.api.create(path_of(kind, self.namespace), body)

    def cluster(self, name: str = "shop", **spec: Any) -> Json:
        """Declare a cluster."""
        usual = {"resourceGroup": self.group.name, "location": LOCATION, "kubernetesVersion": "1.36"}
        return self.apply("ManagedCluster", name, **{**usual, **spec})

    def pool(self, name: str = "system", **spec: Any) -> Json:
        """Declare a pool of the cluster `shop`; one called `system` is of that mode."""
        usual = {
            "clusterRef": {"name": "shop"},
            "mode": "System" if name == "system" else "User",
            "vmSize": SIZE,
            "replicas": 1,
        }
        return self.apply("NodePool", name, **{**usual, **spec})

    def zone(self, name: str = "zone", **spec: Any) -> Json:
        """Declare a zone."""
        usual = {"resourceGroup": self.group.name, "zone": f"{self.namespace}.example"}
        return self.apply("DNSZone", name, **{**usual, **spec})

    def exposure(self, name: str = "web", **spec: Any) -> Json:
        """Declare an exposure of the cluster `shop`."""
        usual = {
            "clusterRef": {"name": "shop"},
            "type": "LoadBalancer",
            "backend": {"namespace": self.namespace, "selector": {"app": "web"}},
            "ports": [{"name": "http", "port": 80, "targetPort": 8080}],
            "allowedSources": ["198.51.100.0/24"],
        }
        return self.apply("ServiceExposure", name, **{**usual, **spec})

    def find(self, kind: str, name: str) -> Json | None:
        """The object, None when there is none."""
        return self.api.get(path_of(kind, self.namespace, name))

    def get(self, kind: str, name: str) -> Json:
        """The object."""
        found = self.find(kind, name)
        assert found is not None, f"{kind} {name} is not there"
        return found

    def edit(self, kind: str, name: str, **spec: Any) -> Json:
        """Change fields of an object's spec; None takes one away."""
        return self.api.merge(path_of(kind, self.namespace, name), {"spec": spec})

    def annotate(self, kind: str, name: str, **notes: str) -> None:
        """Set annotations of ours; `_` stands for `-`."""
        named = {f"aks-operator.io/{key.replace('_', '-')}": value for key, value in notes.items()}
        self.api.merge(path_of(kind, self.namespace, name), {"metadata": {"annotations": named}})

    def scale(self, name: str, replicas: int) -> None:
        """`kubectl scale npool/name --replicas=…`."""
        self.api.merge(path_of("NodePool", self.namespace, name) + "/scale", {"spec": {"replicas": replicas}})

    def delete(self, kind: str, name: str) -> None:
        """`kubectl delete --wait=false`."""
        self.api.delete(path_of(kind, self.namespace, name))

    def ready(self, kind: str, name: str, deadline: float = READY_SECONDS) -> Json:
        """The object, as soon as it is Ready in its present generation."""

        def look() -> Json | None:
            body = self.get(kind, name)
            now = condition(body)
            current = now.get("observedGeneration") == body["metadata"]["generation"]
            return body if current and now["status"] == "True" else None

        return self._await(f"{kind} {name} is Ready", kind, name, look, deadline)

    def refused(self, kind: str, name: str, reason: str, deadline: float = READY_SECONDS) -> str:
        """Ready's message, as soon as Ready is False for `reason` in the present generation."""

        def look() -> str | None:
            body = self.get(kind, name)
            now = condition(body)
            current = now.get("observedGeneration") == body["metadata"]["generation"]
            return str(now["message"]) if current and (now["status"], now["reason"]) == ("False", reason) else None

        return self._await(f"{kind} {name} is not Ready: {reason}", kind, name, look, deadline)

    def gone(self, kind: str, name: str, deadline: float = READY_SECONDS) -> None:
        """Returns as soon as the object is gone."""
        self._await(
            f"{kind} {name} is gone", kind, name, lambda: True if self.find(kind, name) is None else None, deadline
        )

    def _await(self, what: str, kind: str, name: str, look: Callable[[], T | None], deadline: float) -> T:
        try:
            return until(what, look, deadline)
        except AssertionError as error:
            body = self.find(kind, name) or {}
            body.get("metadata", {}).pop("managedFields", None)
            shown = json.dumps({"metadata": body.get("metadata"), "status": body.get("status")}, indent=1)
            raise AssertionError(f"{error}; it is {shown}") from error

    def abandon(self) -> None:
        """Let go of everything without an operator, and of the namespace."""
        for kind in PLURALS:
            self.drop(kind)
        self.api("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def drop(self, kind: str) -> None:
        """Let go of all objects of a kind without an operator."""
        for body in self.api.items(path_of(kind, self.namespace)):
            path = path_of(kind, self.namespace, body["metadata"]["name"])
            self.api("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)
            self.api("DELETE", path)

    def versions(self) -> dict[str, str]:
        """resourceVersion of every object of ours."""
        kinds = ("CloudAccount", "ManagedCluster", "NodePool", "ServiceExposure", "DNSZone")
        return {
            f"{kind}/{body['metadata']['name']}": body["metadata"]["resourceVersion"]
            for kind in kinds
            for body in self.api.items(path_of(kind, self.namespace))
        }

    def events(self, name: str) -> list[str]:
        """The reasons of an object's events, in their order."""
        found = self.api.items(f"/api/v1/namespaces/{self.namespace}/events")
        ours = [e for e in found if e["involvedObject"]["name"] == name]
        return [e["reason"] for e in sorted(ours, key=lambda e: int(e["metadata"]["resourceVersion"]))]

    # ARM

    def arm_id(self, type_: str, name: str) -> str:
        """The id of a resource in the test's group."""
        return self.group.path(type_, name)

    def seen(self, id_: str) -> Json | None:
        """The resource in ARM, None when it is not there."""
        reply = self.arm.get(id_)
        return reply.body if reply.status == 200 else None

    def left(self) -> list[str]:
        """The ids of what is in the test's group."""
        reply = self.arm.get(f"{self.group.id}/resources")
        return [str(r["id"]) for r in reply.body["value"]] if reply.status == 200 else []

    def writes(self, part: str = "") -> list[str]:
        """Every accepted write below the test's groups since the test began: "PUT <path below the subscription>".

        Only paths that contain `part`. The test's own writes are counted too.
        """
        return [f"{entry['method']} {path[len(ZERO) + 1 :]}" for entry, path in self._accepted(part)]

    def creations(self, part: str) -> int:
        """How many of these writes made something that was not there."""
        return sum(entry["status"] == 201 for entry, _ in self._accepted(part))

    def refusals(self) -> list[str]:
        """Every write below the test's groups since the test began that was refused: "DELETE <path> <status>"."""
        return [f"{e['method']} {path} {e['status']}" for e, path in self._sent() if e["status"] >= 400]

    def _accepted(self, part: str) -> Iterator[tuple[Json, str]]:
        return ((e, path) for e, path in self._sent() if part.lower() in path and e["status"] < 400)

    def _sent(self) -> Iterator[tuple[Json, str]]:
        for entry in self.arm.journal(self._since)["entries"]:
            path = str(entry["path"]).lower()
            if entry["method"] in WRITES and self.namespace.lower() in path:
                yield entry, path

    def asked(self, part: str) -> list[str]:
        """The path of every request since the test began that contains `part`."""
        return [str(e["path"]) for e in self.arm.journal(self._since)["entries"] if part in str(e["path"]).lower()]

    def mark(self) -> None:
        """Count writes from now on."""
        self._since = self.arm.journal(NEVER)["last"]

    def requests(self) -> int:
        """How many requests ARM has had."""
        return int(self.arm.journal(NEVER)["last"])
