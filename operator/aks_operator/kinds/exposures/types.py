"""The types of exposures, as a table of what each one has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Traits:
    """What an exposure of one type has, beside a record if one is asked for."""

    service: Literal["ClusterIP", "NodePort", "ExternalName"]
    """Our Service in the managed cluster."""
    balancer: bool = False
    """Whether a load balancer stands before the nodes."""
    rules: bool = False
    """Whether network rules open the way to the nodes."""
    record: Literal["A", "CNAME"] = "A"


TYPES: Final[Mapping[str, Traits]] = {
    "ClusterIP": Traits("ClusterIP"),
    "NodePort": Traits("NodePort", rules=True),
    "LoadBalancer": Traits("NodePort", rules=True, balancer=True),
    "ExternalName": Traits("ExternalName", record="CNAME"),
}
"""Types that are built."""
