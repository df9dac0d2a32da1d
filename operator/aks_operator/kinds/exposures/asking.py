"""What an exposure asks of each ARM document."""

from dataclasses import dataclass
from typing import Any

from aks_operator.desired.address import AddressShare
from aks_operator.desired.balancer import BalancerShare
from aks_operator.desired.security import RulesShare
from aks_operator.desired.zone import RecordShare
from aks_operator.keys import Key
from aks_operator.kinds.base import Cluster, World, known_tags
from aks_operator.kinds.exposures.backend import Backend
from aks_operator.kinds.exposures.nodes import network_of
from aks_operator.kinds.exposures.places import Places


@dataclass(frozen=True)
class Asking:
    """Who asks, with all that is known before a document is asked."""

    world: World
    key: Key
    obj: Any
    cluster: Cluster
    places: Places
    backend: Backend
    nodes: tuple[str, ...]
    """The private addresses of the nodes that take traffic."""

    @property
    def _stays(self) -> bool:
        """Whether what is asked for is to stay when the exposure is gone."""
        return bool(self.obj.spec.deletion_policy == "Orphan")

    def address(self) -> None:
        """A public IP of ours."""
        if self.places.address is None:
            return
        spec, wanted = self.obj.spec, self.obj.spec.public_ip
        share = AddressShare(
            location=self.cluster.obj.spec.location,
            mark=self.world.marks.value(self.cluster.key),
            dns_label=wanted.dns_label if wanted is not None else None,
            idle_timeout_minutes=spec.idle_timeout_minutes,
            tags=tuple(sorted((spec.tags or {}).items())),
            applied_tags=tuple(sorted(known_tags(self.obj))),
            keep=self._stays or (wanted is not None and wanted.deletion_policy == "Orphan"),
        )
        self._say(self.places.address, share)

    async def balancer(self, frontend: str | None) -> None:
        """Entries in a balancer, as soon as there is a public IP (`frontend`), or behind one of the nodes' subnet."""
        places, spec = self.places, self.obj.spec
        internal = spec.visibility == "Internal"
        if places.balancer is None or (frontend is None and not internal):
            return
        network, subnet = await network_of(self.cluster)
        probe = spec.health_probe
        share = BalancerShare(
            location=self.cluster.obj.spec.location,
            mark=self.world.marks.value(self.cluster.key),
            frontend=subnet if internal else str(frontend),
            network=network,
            ports=self.backend.ports,
            addresses=self.nodes,
            probe=(probe.protocol, probe.path, probe.interval_seconds, probe.unhealthy_threshold),
            session_affinity=spec.session_affinity,
            idle_timeout_minutes=spec.idle_timeout_minutes,
            health_port=self.backend.health_port,
            internal=internal,
        )
        self._say(places.balancer, share)

    def rules(self) -> None:
        """Rules to the nodes; where only some pools take traffic and nothing stands before them, to their nodes alone."""
        spec = self.obj.spec
        some = bool(spec.node_pool_refs) and not self.places.traits.balancer
        share = RulesShare(
            self.world.marks.value(self.key),
            tuple(sorted(spec.allowed_sources or ())),
            self.backend.ports,
            self.nodes if some else (),
        )
        for group in self.places.rules if self.nodes or not some else ():
            self._say(group, share)

    def record(self, addresses: tuple[str, ...]) -> None:
        """A record of the addresses, or of the name that the exposure stands for."""
        places, spec = self.places, self.obj.spec
        target = spec.external_name if places.traits.record == "CNAME" else ""
        if places.record is None or places.zone is None or not (addresses or target):
            return
        mark = self.world.marks.value(places.zone)
        self._say(places.record, RecordShare(addresses, spec.dns.ttl_seconds, mark, target, self._stays))

    def look(self) -> None:
        """The drift check of all that was asked: cheap, by the lists that all share."""
        for document in self.world.shares.documents_of(self.key):
            self.world.documents.look(document)

    def _say(self, id_: str, share: object) -> None:
        if self.world.cache.get(self.key) is None:
            return  # it went while we waited, and its leave was taken for it
        self.world.documents.say(self.places.holder(id_, self.cluster).key, id_, self.key, share)
