"""The nodes of the cluster that we run in as machines: real labels, taints and pods behind a managed cluster."""

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from fakecloud.compute import nodes
from fakecloud.compute.drain import drain
from fakecloud.compute.nodes import Assignment, Node
from fakecloud.compute.port import CapacityError, Placement, Pool
from fakecloud.kube import MERGE_PATCH, Kube, KubeError

log = logging.getLogger(__name__)
Json = dict[str, Any]
NODES: Final = "/api/v1/nodes"
NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
ADMIN, USER = "fakecloud-cluster-admin", "fakecloud-cluster-user"
"""ServiceAccounts whose tokens stand for a managed cluster's credentials."""
TOKEN_SECONDS: Final = 8 * 3600
PATIENCE_SECONDS: Final = 60.0
"""What a drain may take before pods are deleted: twice Kubernetes' usual grace period."""
RETRY_SECONDS: Final = 60.0
"""How long an API server that does not answer is asked again."""
PAUSE_SECONDS: Final = 1.0


class HostCompute:
    """See Compute. What is taken by whom is written on the nodes alone, in one patch each: a kill anywhere loses nothing."""

    def __init__(
        self,
        kubeconfig: str | None = None,
        *,
        namespace: str | None = None,
        api_server: str | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._api_server = api_server
        self._patience = patience
        self._nodes: dict[str, Node] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._told: tuple[Sequence[Placement], Sequence[str]] = ((), ())
        self._lock = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See Compute: returns when the nodes were listed, however long the API server takes."""
        self._kube = await Kube.connect(self._kubeconfig)
        listed = asyncio.Event()
        self._watching = asyncio.create_task(self._watch(listed))
        await listed.wait()

    async def stop(self) -> None:
        """See Compute."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            await self._kube.close()

    def owner(self) -> str | None:
        """See Compute."""
        return next((node.cluster for node in self._nodes.values() if node.cluster), None)

    def free(self) -> int | None:
        """See Compute."""
        return sum(node.free for node in self._nodes.values())

    def placements(self) -> Sequence[Placement]:
        """See Compute."""
        return tuple(
            Placement(node.name, node.address, node.machine, node.machine_address, node.cluster)
            for node in self._sorted()
            if node.machine
        )

    def node_addresses(self) -> Sequence[str]:
        """See Compute."""
        return tuple(sorted(node.address for node in self._nodes.values() if node.address))

    def on_change(self, callback: Callable[[], None]) -> None:
        """See Compute."""
        self._callbacks.append(callback)

    async def apply(self, cluster_id: str, pools: Sequence[Pool]) -> None:
        """See Compute."""
        wanted = {
            machine.name: Assignment(cluster_id, machine.name, machine.address, pool.labels, pool.taints)
            for pool in pools
            for machine in pool.machines
        }
        async with self._lock:
            while not await self._step(cluster_id, wanted):
                pass

    async def _step(self, cluster_id: str, wanted: Mapping[str, Assignment]) -> bool:
        """Whether the cluster has what is wanted and no more; else some of the way there."""
        await self._list()
        mine, surplus, free = self._shares(cluster_id, wanted)
        missing = [machine for machine in wanted if machine not in mine]
        if len(missing) > len(free) + len(surplus):
            raise CapacityError(len(free))
        for machine, node in mine.items():
            await self._change(node, partial(nodes.taken, wanted=wanted[machine]))
        if surplus:
            await self._free(surplus)
            return False  # what was given back may be what is missing
        for machine, node in zip(missing, free, strict=False):
            await self._change(node, partial(nodes.taken, wanted=wanted[machine]))
            log.info("node %s is machine %s", node, machine)
        return not missing

    async def release(self, cluster_id: str) -> None:
        """See Compute."""
        await self.apply(cluster_id, ())

    async def reclaim(self, clusters: Iterable[str]) -> None:
        """See Compute."""
        known = {cluster.lower() for cluster in clusters}
        async with self._lock:
            await self._list()
            await self._free([n.name for n in self._nodes.values() if n.cluster and n.cluster.lower() not in known])

    async def kubeconfig(self, cluster_id: str, *, admin: bool) -> bytes:
        """See Compute: the control-plane's own address and a ServiceAccount's token, valid for some hours."""
        account = ADMIN if admin else USER
        path = f"/api/v1/namespaces/{self._own_namespace()}/serviceaccounts/{account}/token"
        spec = {"expirationSeconds": TOKEN_SECONDS}
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        answer = await patiently(lambda: self._kube.request("POST", path, asked))
        name, group = cluster_id.split("/")[-1], cluster_id.split("/")[4]
        user = f"{'clusterAdmin' if admin else 'clusterUser'}_{group}_{name}"
        context = f"{name}-admin" if admin else name
        cluster = {"server": self._server(), **self._authority()}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [{"name": name, "cluster": cluster}],
            "contexts": [{"name": context, "context": {"cluster": name, "user": user}}],
            "users": [{"name": user, "user": {"token": answer["status"]["token"]}}],
        }
        return yaml.safe_dump(config, sort_keys=False).encode()

    def _shares(self, cluster_id: str, wanted: Mapping[str, Assignment]) -> tuple[dict[str, str], list[str], list[str]]:
        """Node by machine for what is there and wanted; the nodes to give back; the free ones. Raises CapacityError."""
        mine: dict[str, str] = {}
        surplus: list[str] = []
        for node in self._sorted():
            if not node.cluster:
                continue
            if node.cluster.lower() != cluster_id.lower():
                if wanted:
                    raise CapacityError(0)  # one cluster at a time: the nodes have one API server
            elif node.machine in wanted and node.machine not in mine:
                mine[node.machine] = node.name
            else:
                surplus.append(node.name)
        return mine, surplus, [node.name for node in self._sorted() if node.free]

    async def _free(self, names: Sequence[str]) -> None:
        """Drain and give back, all at once; a cordon on all comes first, or pods would move from one to the next."""
        for name in names:
            await self._change(name, nodes.leaving)
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(self._give_back(name))

    async def _give_back(self, name: str) -> None:
        await patiently(lambda: drain(self._kube, name, patience=self._patience))
        await self._change(name, nodes.freed)
        log.info("node %s is free", name)

    async def _change(self, name: str, patch: Callable[[Json], Json | None]) -> None:
        """Bring one node to where `patch` has nothing more to do; a node that is gone needs nothing."""
        path = f"{NODES}/{name}"
        while True:
            node = await patiently(lambda: self._kube.get(path))
            body = patch(node) if node is not None else None
            if body is None:
                return
            try:
                changed = await patiently(partial(self._kube.request, "PATCH", path, body, content_type=MERGE_PATCH))
            except KubeError as error:
                if error.status not in {404, 409}:  # gone or changed meanwhile: look again
                    raise
            else:
                self._remember(nodes.read(changed))

    async def _watch(self, listed: asyncio.Event) -> None:
        """Keep what we know of the nodes fresh, for ever."""
        while True:
            try:
                version = await self._list()
                listed.set()
                async for event in self._kube.watch(NODES, version):
                    if event["type"] == "DELETED":
                        self._forget(nodes.read(event["object"]))
                    elif event["type"] != "BOOKMARK":
                        self._remember(nodes.read(event["object"]))
            except KubeError as error:
                if error.status != 410:  # expired: list anew
                    log.warning("nodes: %s", error)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _list(self) -> str:
        """Learn all nodes as they are now; the version to watch from."""
        found = await patiently(lambda: self._kube.request("GET", NODES))
        read = [nodes.read(node) for node in found.get("items") or ()]
        for name in self._nodes.keys() - {node.name for node in read}:
            del self._nodes[name]
        for node in read:
            self._remember(node)
        self._tell()
        return str(found["metadata"]["resourceVersion"])

    def _remember(self, node: Node) -> None:
        known = self._nodes.get(node.name)
        if known is None or known.version < node.version:  # a watch may tell late what a patch answered before
            self._nodes[node.name] = node
            self._tell()

    def _forget(self, node: Node) -> None:
        known = self._nodes.get(node.name)
        if known is not None and known.version <= node.version:  # else another took its name
            del self._nodes[node.name]
            self._tell()

    def _tell(self) -> None:
        now = (self.placements(), self.node_addresses())
        if now != self._told:
            self._told = now
            for callback in self._callbacks:
                callback()

    def _sorted(self) -> list[Node]:
        return sorted(self._nodes.values(), key=lambda node: node.order)

    def _server(self) -> str:
        """The API server as pods and machines reach it."""
        if self._api_server:
            return self._api_server
        address = next((n.address for n in self._sorted() if n.control_plane and n.address), None)
        return f"https://{address}:6443" if address else self._kube.host

    def _authority(self) -> Json:
        if self._kube.ca_file is None:
            return {}
        return {"certificate-authority-data": base64.b64encode(Path(self._kube.ca_file).read_bytes()).decode()}

    def _own_namespace(self) -> str:
        if self._namespace:
            return self._namespace
        return NAMESPACE_FILE.read_text().strip() if NAMESPACE_FILE.exists() else "default"


T = TypeVar("T")


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """What `call` returns; while the API server is away or busy it is called again, for up to RETRY_SECONDS."""
    loop = asyncio.get_running_loop()
    until = loop.time() + RETRY_SECONDS
    while True:
        try:
            return await call()
        except KubeError as error:
            if not (error.status in {0, 429} or error.status >= 500) or loop.time() >= until:
                raise
            log.warning("Kubernetes: %s: asking again", error)
        await asyncio.sleep(PAUSE_SECONDS)
