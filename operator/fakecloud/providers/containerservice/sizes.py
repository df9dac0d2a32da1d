"""VM sizes by their names: vCPUs, and the family whose quota they count against. Pure."""

import re
from dataclasses import dataclass
from typing import Final

_SIZE: Final = re.compile(
    r"(standard|basic)_(?P<series>[a-z]+?)(?P<number>[0-9]+)(-[0-9]+)?(?P<features>[a-z]*)(_(?P<accelerator>[a-uw-z][a-z0-9]*))?(_(?P<version>v[0-9]+))?",
    re.IGNORECASE,
)
_UNTOLD: Final = "MTICR"
"""Features of a size that its family does not tell: memory, isolation and the like."""
_BY_STEP: Final = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 11: 2, 12: 4, 13: 8, 14: 16, 15: 20}
"""vCPUs of the old D series, whose numbers count steps."""


@dataclass(frozen=True)
class Size:
    """vCPUs, and the family as usages name it."""

    cores: int
    family: str


def read(name: str) -> Size | None:
    """What a size's name tells; None for what is no size."""
    found = _SIZE.fullmatch(name)
    if found is None:
        return None
    series, number, version = found["series"].upper(), int(found["number"]), (found["version"] or "").lower()
    old = series in {"D", "DS"} and version in {"", "v2"} and not found["features"]
    features = "".join(letter for letter in found["features"].upper() if letter not in _UNTOLD)
    family = f"standard{series}{features}{(found['accelerator'] or '').upper()}{version}Family"
    return Size(_BY_STEP.get(number, number) if old else number, family)
