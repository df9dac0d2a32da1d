"""What JSON a type takes: wrong kinds are refused at the door, before any rule looks at a value. Pure."""

from collections.abc import Callable, Mapping
from types import EllipsisType
from typing import Any, Final

from fakecloud.arm.errors import ArmError

Shape = type[str] | type[int] | type[bool] | type[float] | None | list["Shape"] | Mapping[str | EllipsisType, "Shape"]
"""str, int, bool or float (any number); [shape] for a list; {name: shape} for an object, of which ... stands for all
names not told; None for anything.

What a shape does not tell is left as it is, but for names in a Closed object, which are refused.
"""
Object = Mapping[str | EllipsisType, Shape]
Refusal = Callable[[str, str], ArmError]
"""(JSON path, what is wrong there) → the provider's own refusal."""
REFERENCE: Final[Shape] = {"id": str}
TRACKED: Final[Object] = {
    "location": str,
    "tags": {...: str},
    "zones": [str],
    "sku": {"name": str, "tier": str},
}
"""What every resource with a location has."""
_WORDS: Final = {str: "a string", int: "an integer", bool: "a boolean", float: "a number"}


class Closed(dict[str | EllipsisType, Shape]):
    """An object that has no names but those told."""


def read(shape: Shape, value: Any, refuse: Refusal, path: str = "") -> Any:
    """`value` without the nulls of its objects, which say the same as nothing; raises `refuse` where it has not the shape."""
    match shape:
        case type():
            kinds = (int, float) if shape is float else shape
            if not isinstance(value, kinds) or (shape is not bool and isinstance(value, bool)):
                raise refuse(path, f"{_WORDS[shape]} is expected")
            return value
        case None:
            return value
        case list():
            if not isinstance(value, list):
                raise refuse(path, "an array is expected")
            return [read(shape[0], entry, refuse, f"{path}[{i}]") for i, entry in enumerate(value)]
    if not isinstance(value, dict):
        raise refuse(path, "an object is expected")
    known = {name.lower(): (name, inner) for name, inner in shape.items() if isinstance(name, str)}
    kept: dict[str, Any] = {}
    for name, entry in value.items():
        if entry is None:
            continue
        if isinstance(shape, Closed) and name.lower() not in known:
            raise refuse(path, f'json: unknown field "{name}"')
        spelled, inner = known.get(name.lower(), (name, shape.get(...)))
        kept[spelled] = entry if inner is None else read(inner, entry, refuse, f"{path}.{name}" if path else name)
    return kept
