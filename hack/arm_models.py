#!/usr/bin/env python3
"""Prints what JSON a resource provider takes as the SDK knows it: for each model its properties and their kinds.

After an update of the SDK (a test tells when), in operator/fakecloud/providers:
`hack/arm_models.py containerservice > containerservice/models.json` and `hack/arm_models.py network > network/models.json`.
"""

import enum
import json
import sys
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final

from azure.mgmt.containerservice import models as containerservice_models
from azure.mgmt.containerservice import types as containerservice_types
from azure.mgmt.network import models as network_models
from azure.mgmt.network import types as network_types

KINDS: Final = {str: "string", int: "integer", bool: "boolean", float: "number"}
REFERENCE: Final = "SubResource"
"""An id and nothing else: what Network keeps of a resource inside another one."""


@dataclass
class Table:
    """The models that `roots` are made of, by name. `lax`: as Network takes them.

    Lax tables leave out what is read-only, tell the words of enumerations, and know other resources by their ids alone.
    """

    roots: Sequence[str]
    models: ModuleType
    types: ModuleType
    lax: bool
    found: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The models as JSON, sorted."""
        for root in self.roots:
            self._describe(getattr(self.types, root))
        return json.dumps(self.found, indent=1, sort_keys=True) + "\n"

    def _describe(self, model: Any) -> None:
        """Put a model, and all that it is made of, into `found`."""
        if model.__name__ in self.found:
            return
        known = self.found[model.__name__] = {}
        names = {**vars(self.models), **vars(self.types)}
        for name, annotation in typing.get_type_hints(model, localns=names).items():
            if not (self.lax and self._read_only(model.__name__, name)):
                known[name] = self._kind(annotation)

    def _kind(self, annotation: Any) -> Any:
        """ "string", [kind], {"*": kind}, {"=": words}, "#Model"; None for what may be anything."""
        if annotation in KINDS:
            return KINDS[annotation]
        if _is_model(annotation):
            if self.lax and _is_resource(annotation):
                annotation = getattr(self.types, REFERENCE)
            self._describe(annotation)
            return f"#{annotation.__name__}"
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is list:
            return [self._kind(arguments[0])]
        if origin is dict:
            return {"*": self._kind(arguments[1])}
        if origin is typing.Union:
            words = next((part for part in arguments if _is_enum(part)), None)
            if self.lax and words is not None:
                return {"=": sorted(word.value for word in words)}
            return next((self._kind(part) for part in arguments if part in KINDS or _is_model(part)), None)
        if _is_enum(annotation):
            return {"=": sorted(word.value for word in annotation)} if self.lax else "string"
        return "string" if annotation.__class__ is type and annotation.__name__ in {"date", "datetime"} else None

    def _read_only(self, model: str, name: str) -> bool:
        described = getattr(self.models, model, None)
        if described is None:
            return False
        described()  # the SDK fills in its description of a model with the first that is made
        fields = described._attr_to_rest_field.values()  # the only place where it says what is read-only
        return any(f._rest_name == name and f._visibility == ["read"] for f in fields)


def _is_model(annotation: Any) -> bool:
    """Whether it is a TypedDict of the SDK (its own kind of TypedDict, on older Pythons)."""
    return hasattr(annotation, "__required_keys__")


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, enum.Enum)


def _is_resource(model: Any) -> bool:
    """Whether it stands by itself, elsewhere: only its id counts here."""
    return {"id", "location"} <= set(model.__annotations__) or model.__name__ == "Subnet"


def containerservice_table() -> str:
    """What AKS takes."""
    roots = ("ManagedCluster", "AgentPool", "MaintenanceConfiguration", "RunCommandRequest")
    return Table(roots, containerservice_models, containerservice_types, lax=False).text()


def network_table() -> str:
    """What Network takes, of the types that are as large as this."""
    roots = (
        *("LoadBalancer", "BackendAddressPool", "InboundNatRule", "RouteTable", "Route", "NatGateway"),
        *("VirtualNetworkGateway", "LocalNetworkGateway", "VirtualNetworkGatewayConnection", "ApplicationGateway"),
    )
    return Table(roots, network_models, network_types, lax=True).text()


TABLES: Final = {"containerservice": containerservice_table, "network": network_table}


if __name__ == "__main__":
    print(TABLES[sys.argv[1]](), end="")
