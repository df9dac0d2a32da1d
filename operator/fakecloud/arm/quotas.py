"""How much of anything a subscription may have: limits by region and name. Pure."""

import re
from collections.abc import Mapping
from typing import Final

UNBOUNDED: Final = 1_000_000
"""What a usage shows as its limit when nobody set one."""
CORES: Final = "cores"
"""All vCPUs of a region, but those of Spot machines."""
SPOT_CORES: Final = "lowPriorityCores"
CLUSTERS: Final = "managedClusters"
"""Of a whole subscription."""
ADDRESSES: Final = "publicIPAddresses"
ZONES: Final = ("zone1", "zone2", "zone3")
"""vCPUs that a region's zone has machines for, whoever has them: no quota, but room."""
_NAME: Final = re.compile(r"([a-z0-9]+/)?[A-Za-z][A-Za-z0-9]*")
_FAMILY: Final = re.compile(r"(standard|basic)[A-Za-z0-9]+Family", re.IGNORECASE)


class Quotas:
    """Limits by name, such as "cores" or "standardDSv5Family", of all regions or, as "westeurope/cores", of one."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._given = dict(limits)
        self._limits: Mapping[str, int] = {}
        self.set(limits)

    def set(self, limits: Mapping[str, int]) -> None:
        """These limits hold from now on, and no others; raises ValueError for a name that is none."""
        for name, limit in limits.items():
            last = name.rpartition("/")[2]
            known = last.lower() in {word.lower() for word in (CORES, SPOT_CORES, CLUSTERS, ADDRESSES, *ZONES)}
            if not _NAME.fullmatch(name) or not (known or _FAMILY.fullmatch(last)):
                words = ", ".join((CORES, SPOT_CORES, CLUSTERS, ADDRESSES, *ZONES))
                raise ValueError(f"{name!r} is no quota: use {words} or a family such as standardDSv5Family")
            if limit < 0:
                raise ValueError(f"{name} cannot be {limit}")
        self._limits = {name.lower(): limit for name, limit in limits.items()}

    def reset(self) -> None:
        """The limits are those of the beginning."""
        self.set(self._given)

    def of(self, location: str, name: str) -> int | None:
        """The limit of a region, None when nobody set one."""
        return self._limits.get(f"{location}/{name}".lower(), self._limits.get(name.lower()))

    @property
    def names(self) -> frozenset[str]:
        """What limits are on, in lower case and without their regions."""
        return frozenset(name.rpartition("/")[2] for name in self._limits)


def parse(text: str) -> tuple[str, int]:
    """A name and its limit out of "cores=10"; raises ValueError."""
    name, _, limit = text.partition("=")
    if not limit.isdigit():
        raise ValueError(f"{text!r} is no quota such as cores=10 or westeurope/standardDSv5Family=8")
    return name, int(limit)
