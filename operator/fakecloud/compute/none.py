"""No machines at all: ARM state only, for tests of scale."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import yaml

from fakecloud.compute.port import Placement, Pool


class NoCompute:
    """Takes every wish as fulfilled.

    Its kubeconfigs are well formed and lead nowhere: there is no API server. With a `kubeconfig` (a file's path) every
    cluster has that one's as it is when it is asked for: one real API server that all of them share.
    """

    def __init__(self, kubeconfig: str | None = None) -> None:
        self._kubeconfig = Path(kubeconfig) if kubeconfig is not None else None

    async def start(self) -> None:
        """See Compute."""

    async def stop(self) -> None:
        """See Compute."""

    def placements(self) -> Sequence[Placement]:
        """See Compute."""
        return ()

    def node_addresses(self) -> Sequence[str]:
        """See Compute."""
        return ()

    def on_change(self, callback: Callable[[], None]) -> None:
        """See Compute: nothing ever changes."""

    def owner(self) -> str | None:
        """See Compute."""
        return None

    def free(self) -> int | None:
        """See Compute."""
        return None

    async def apply(self, cluster_id: str, pools: Sequence[Pool]) -> None:
        """See Compute."""

    async def release(self, cluster_id: str) -> None:
        """See Compute."""

    async def reclaim(self, clusters: Iterable[str]) -> None:
        """See Compute."""

    async def kubeconfig(self, cluster_id: str, *, admin: bool) -> bytes:
        """See Compute."""
        if self._kubeconfig is not None:
            return await asyncio.to_thread(self._kubeconfig.read_bytes)
        name = cluster_id.rpartition("/")[2]
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": f"https://{name}.invalid:443"}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "users": [{"name": name, "user": {"token": "none"}}],
        }
        return yaml.safe_dump(config).encode()
