"""What an exposure's status says that it uses. Whoever may edit a status writes there what he likes: only what can be the exposure's own is believed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from aks_operator.accounts import Account
from aks_operator.armid import group_of, parent_of, parse, same
from aks_operator.desired.exposure import BALANCERS, GROUPS, PUBLIC_IPS
from aks_operator.desired.zone import ZONES
from aks_operator.fence import Fence
from aks_operator.kinds.base import Cluster, World
from aks_operator.kinds.exposures.places import SERVICES
from aks_operator.outcome import Hold

_LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_SERVICE: Final = re.compile(rf"/api/v1/namespaces/{_LABEL}/services/{_LABEL}", re.ASCII)
_RECORDS: Final = (f"{ZONES}/A", f"{ZONES}/CNAME")


@dataclass(frozen=True)
class Line:
    """A line of status.resources: a Service by its path, or a document by its ARM id."""

    id: str
    type: str
    account: Account | None
    """Whose cloud the document is in; None for a Service."""


def believed(world: World, obj: Any, cluster: Cluster) -> list[Line]:
    """The lines of an exposure's status that can be its own; `cluster` as ARM has it (see World.look_at).

    Services; balancers and addresses of the cluster's resource group; the NSGs of its node resource group; records in zones.
    """
    found = []
    for line in (obj.status.resources if obj.status else None) or ():
        if line.type == SERVICES:
            if _SERVICE.fullmatch(line.id):
                found.append(Line(line.id, line.type, None))
        elif (account := _holder(world, line.id, line.type, cluster)) is not None:
            found.append(Line(line.id, line.type, account))
    return found


def documents(lines: Iterable[Line]) -> list[tuple[Line, Account]]:
    """Those of the lines that name documents, with the account that each is in."""
    return [(line, line.account) for line in lines if line.account is not None]


def _holder(world: World, id_: str, type_: str, cluster: Cluster) -> Account | None:
    """The account whose cloud the document is in, None for one that cannot be an exposure's of this cluster."""
    try:
        parsed, group = parse(id_), group_of(id_)
    except ValueError:
        return None
    if not same(parsed.type, type_) or not Fence(parsed.subscription).holds(id_):
        return None
    if parsed.type.casefold() in {record.casefold() for record in _RECORDS}:
        return _zone_holder(world, parent_of(id_), cluster)
    ours = {BALANCERS: cluster.group, PUBLIC_IPS: cluster.group, GROUPS: cluster.node_group}
    place = next((place for name, place in ours.items() if same(name, parsed.type)), "")
    return cluster.account if same(group, place) else None


def _zone_holder(world: World, zone: str, cluster: Cluster) -> Account | None:
    """The account of the object that stands for a zone; without one, the cluster's, if the zone can be in it."""
    for key in world.cache.keys("DNSZone"):
        spec = (world.cache.get(key) or {}).get("spec") or {}
        if not same(str(spec.get("zone")), parse(zone).name):
            continue
        try:
            account, id_ = world.zone_of(key, leaving=True)
        except Hold:
            continue
        if same(id_, zone):
            return account
    mine = same(parse(zone).subscription, cluster.account.subscription)
    return cluster.account if mine else None
