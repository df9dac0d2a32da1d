"""What the container service asks of the machines behind its clusters."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class CapacityError(Exception):
    """There are fewer free machines than asked for. `free` is how many there are."""

    def __init__(self, free: int) -> None:
        super().__init__(f"{free} machines are free")
        self.free = free


@dataclass(frozen=True)
class Machine:
    """One node of an agent pool, as `machines.list` shows it."""

    name: str
    """ARM's machine name, e.g. "aks-ssd-12345678-vmss000000"."""
    address: str
    """Private IPv4 address in the cluster's node subnet."""


@dataclass(frozen=True)
class Pool:
    """What one agent pool should be: all of it, not a change."""

    name: str
    machines: Sequence[Machine]
    labels: dict[str, str] = field(default_factory=dict)
    """All that its nodes carry: AKS's own and the pool's."""
    taints: Sequence[str] = ()
    """In ARM's spelling, "key=value:Effect"."""


@dataclass(frozen=True)
class Placement:
    """Where one machine really is: what the data plane has to know of it."""

    node: str
    """The Kubernetes node's name."""
    node_address: str
    """The node's own IPv4 address (InternalIP)."""
    machine: str
    """ARM's machine name."""
    address: str
    """The machine's private IPv4 address in ARM's terms."""
    cluster: str
    """ARM id of the managed cluster."""


class Compute(Protocol):
    """Machines for managed clusters. Every call is idempotent: it may be repeated after a crash."""

    async def start(self) -> None:
        """Returns when the machines are known. Called once, before all else."""

    async def stop(self) -> None:
        """Let go of what was opened; the machines stay as they are."""

    def placements(self) -> Sequence[Placement]:
        """Every machine taken, by node name; none where there are no real machines."""

    def node_addresses(self) -> Sequence[str]:
        """IPv4 addresses of all nodes between which traffic is carried, those without a machine too; sorted."""

    def on_change(self, callback: Callable[[], None]) -> None:
        """`callback` is called whenever `placements` or `node_addresses` says something else than before."""

    def owner(self) -> str | None:
        """The ARM id of the only cluster that may have machines now; None when any may (or none has them yet)."""

    def free(self) -> int | None:
        """How many machines could be taken now; None when there is no bound."""

    async def apply(self, cluster_id: str, pools: Sequence[Pool]) -> None:
        """Bring the cluster's machines to exactly `pools`; returns when nodes joined, or were drained and left.

        Raises CapacityError when there are too few free machines; nothing is taken then.
        """

    async def release(self, cluster_id: str) -> None:
        """Give back every machine of the cluster."""

    async def reclaim(self, clusters: Iterable[str]) -> None:
        """Give back the machines of clusters that are not among `clusters` (ARM ids): our state was lost, theirs was not."""

    async def kubeconfig(self, cluster_id: str, *, admin: bool) -> bytes:
        """A kubeconfig (YAML) for the cluster's own API."""
