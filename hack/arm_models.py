#!/usr/bin/env python3
"""Prints what JSON AKS takes as the SDK knows it: for each model its properties and their kinds.

`hack/arm_models.py > operator/fakecloud/providers/containerservice/models.json` after an update of the SDK; a test tells when.
"""

import enum
import json
import typing
from typing import Any, Final

from azure.mgmt.containerservice import models, types

ROOTS: Final = (types.ManagedCluster, types.AgentPool)
KINDS: Final = {str: "string", int: "integer", bool: "boolean", float: "number"}


def is_model(annotation: Any) -> bool:
    """Whether it is a TypedDict of the SDK (its own kind of TypedDict, on older Pythons)."""
    return hasattr(annotation, "__required_keys__")


def kind(annotation: Any, found: dict[type, Any]) -> Any:
    """ "string", [kind], {"*": kind}, "#Model"; None for what may be anything."""
    if annotation in KINDS:
        return KINDS[annotation]
    if is_model(annotation):
        describe(annotation, found)
        return f"#{annotation.__name__}"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return [kind(arguments[0], found)]
    if origin is dict:
        return {"*": kind(arguments[1], found)}
    if origin is typing.Union:
        return next((kind(part, found) for part in arguments if part in KINDS or is_model(part)), None)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return "string"
    return "string" if annotation.__class__ is type and annotation.__name__ == "datetime" else None


def describe(model: Any, found: dict[type, Any]) -> None:
    """Put a model, and all that it is made of, into `found`."""
    if model in found:
        return
    found[model] = {}
    names = {**vars(models), **vars(types)}
    for name, annotation in typing.get_type_hints(model, localns=names).items():
        found[model][name] = kind(annotation, found)


def table() -> str:
    """The models as JSON, sorted."""
    found: dict[type, Any] = {}
    for root in ROOTS:
        describe(root, found)
    return json.dumps({model.__name__: found[model] for model in found}, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(table(), end="")
