"""What JSON AKS takes: the SDK's models (hack/arm_models.py), and not a property more."""

import json
from pathlib import Path
from typing import Any, Final

from fakecloud.arm.shapes import Closed, Shape

_KINDS: Final = {"string": str, "integer": int, "boolean": bool, "number": float, None: None}


def _read() -> dict[str, Closed]:
    """The models by name; they refer to one another."""
    described: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("models.json").read_text())
    models = {name: Closed() for name in described}

    def shape(kind: Any) -> Shape:
        if isinstance(kind, list):
            return [shape(kind[0])]
        if isinstance(kind, dict):
            return {...: shape(kind["*"])}
        return models[kind[1:]] if isinstance(kind, str) and kind.startswith("#") else _KINDS[kind]

    for name, properties in described.items():
        models[name].update({field: shape(kind) for field, kind in properties.items()})
    return models


_MODELS: Final = _read()
CLUSTER: Final[Shape] = _MODELS["ManagedCluster"]
AGENT_POOL: Final[Shape] = _MODELS["AgentPool"]
