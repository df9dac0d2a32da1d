"""An operator over a cloud, and the namespaces that it watches."""

import itertools
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tests.cluster.api import Api
from tests.cluster.desk import Desk
from tests.cluster.operators import Operator
from tests.contract.cloud import Arm

RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Office:
    """An operator, and the namespaces that it watches: one after the other is given to a test.

    `cloud` is the cloud that it works with, or makes one for the operator's own namespace.
    """

    def __init__(
        self,
        api: Api,
        cloud: Arm | Callable[[str], Arm],
        kubeconfig: str,
        folder: Path,
        desks: int,
        **settings: object,
    ) -> None:
        name = f"t{uuid.uuid4().hex[:6]}"
        watch = [f"{name}-{n}" for n in range(desks)]
        self._names = iter(watch)
        self.api = api
        self.home = f"{name}-operator"
        meta = {"name": self.home}
        api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        self.arm = cloud if isinstance(cloud, Arm) else cloud(self.home)
        self.operator = Operator(kubeconfig, folder, self.home, watch, self.arm.cloud.endpoint, **settings)
        self.desks: list[Desk] = []

    def desk(self, **account: object) -> Desk:
        """The next namespace, with an account that works."""
        made = Desk(self.api, self.arm, next(self._names))
        made.open(**account)
        self.desks.append(made)
        return made

    def close(self) -> None:
        """End the operator; what tests left behind is let go of, so that a long-lived API server stays clean."""
        self.operator.stop()
        for desk in (*self.desks, Desk(self.api, self.arm, self.home)):
            desk.abandon()

    def __enter__(self) -> "Office":
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()


class Machines:
    """Free workers of a cloud with host compute, made by hand, and the accounts whose tokens that cloud hands out."""

    def __init__(self, api: Api, home: str) -> None:
        self._api = api
        self._home = home
        self._names: list[str] = []
        self._numbers = itertools.count(1)
        for account in ("fakecloud-cluster-admin", "fakecloud-cluster-user"):
            body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}
            api.create(f"/api/v1/namespaces/{home}/serviceaccounts", body)
        admin = {"kind": "ServiceAccount", "name": "fakecloud-cluster-admin", "namespace": home}
        binding = {
            "metadata": {"name": home},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [admin],
        }
        api.create(f"{RBAC}/clusterrolebindings", binding)

    def add(self, count: int) -> None:
        """Workers join, each under a name that no node had before: a controller remembers when it last heard of a name.

        Nobody sends heartbeats for them, and nobody misses any: they stay ready.
        """
        for _ in range(count):
            name = f"w-{next(self._numbers)}-{self._home}"
            taint = {"key": "fakecloud.aks-operator.io/free", "effect": "NoSchedule"}
            body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"taints": [taint]}}
            self._api.create("/api/v1/nodes", body)
            conditions = [{"type": "Ready", "status": "True", "reason": "Test", "message": ""}]
            self._api.merge(f"/api/v1/nodes/{name}/status", {"status": {"conditions": conditions}})
            self._names.append(name)

    def remove_last(self) -> None:
        """The worker that would be taken last leaves."""
        self._remove(self._names[-1])

    def _remove(self, name: str) -> None:
        self._api.delete(f"/api/v1/nodes/{name}")
        self._names.remove(name)

    def clear(self) -> None:
        """All workers leave."""
        for name in list(self._names):
            self._remove(name)

    def close(self) -> None:
        """Let go of everything."""
        self.clear()
        self._api.delete(f"{RBAC}/clusterrolebindings/{self._home}")
