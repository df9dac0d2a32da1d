"""What JSON a type takes: wrong kinds are refused at the door, before any rule looks at a value. Pure."""

import json
from collections.abc import Callable, Mapping
from types import EllipsisType
from typing import Any, Final, TypeVar

from fakecloud.arm.errors import ArmError


class Words(tuple[str, ...]):
    """A string that is one of these, however it is spelled."""

    __slots__ = ()


class Closed(dict[str | EllipsisType, "Shape"]):
    """An object that has no names but those told."""


class Known(dict[str | EllipsisType, "Shape"]):
    """An object of which only the names told are kept."""


Shape = (
    type[str]
    | type[int]
    | type[bool]
    | type[float]
    | None
    | Words
    | list["Shape"]
    | Mapping[str | EllipsisType, "Shape"]
)
"""str, int, bool or float (any number); words; [shape] for a list; {name: shape} for an object, of which ... stands for
all names not told; None for anything.

What a shape does not tell is left as it is, but for names in a Closed object, which are refused, and in a Known one, which
are dropped.
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
_KINDS: Final[Mapping[str | None, Shape]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": float,
    None: None,
}
_TOLD: Final = {str: "a string", int: "an integer", bool: "a boolean", float: "a number"}
ObjectKind = TypeVar("ObjectKind", Closed, Known)


def models(table: str, kind: type[ObjectKind]) -> Mapping[str, ObjectKind]:
    """The models of a table that hack/arm_models.py wrote, by name; they refer to one another."""
    described: dict[str, dict[str, Any]] = json.loads(table)
    found = {name: kind() for name in described}

    def shape(told: Any) -> Shape:
        match told:
            case [entry]:
                return [shape(entry)]
            case {"=": words}:
                return Words(words)
            case {"*": entry}:
                return {...: shape(entry)}
        return found[told[1:]] if isinstance(told, str) and told.startswith("#") else _KINDS[told]

    for name, properties in described.items():
        found[name].update({field: shape(told) for field, told in properties.items()})
    return found


def read(shape: Shape, value: Any, refuse: Refusal, path: str = "") -> Any:
    """`value` without the nulls of its objects, which say the same as nothing; raises `refuse` where it has not the shape."""
    match shape:
        case type():
            kinds = (int, float) if shape is float else shape
            if not isinstance(value, kinds) or (shape is not bool and isinstance(value, bool)):
                raise refuse(path, f"{_TOLD[shape]} is expected")
            return value
        case None:
            return value
        case Words():
            return _word(shape, value, refuse, path)
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
        if isinstance(shape, Known) and name.lower() not in known:
            continue
        spelled, inner = known.get(name.lower(), (name, shape.get(...)))
        kept[spelled] = entry if inner is None else read(inner, entry, refuse, f"{path}.{name}" if path else name)
    return kept


def _word(words: Words, value: Any, refuse: Refusal, path: str) -> str:
    if not isinstance(value, str):
        raise refuse(path, f"{_TOLD[str]} is expected")
    found = next((word for word in words if word.lower() == value.lower()), None)
    if found is None:
        raise refuse(path, f'"{value}" is none of {", ".join(words)}')
    return found
