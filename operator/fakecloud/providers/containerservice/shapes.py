"""What JSON AKS takes: the SDK's models (hack/arm_models.py), and not a property more."""

from pathlib import Path
from typing import Final

from fakecloud.arm import shapes

_MODELS: Final = shapes.models(Path(__file__).with_name("models.json").read_text(), shapes.Closed)
CLUSTER: Final[shapes.Shape] = _MODELS["ManagedCluster"]
AGENT_POOL: Final[shapes.Shape] = _MODELS["AgentPool"]
MAINTENANCE: Final[shapes.Shape] = _MODELS["MaintenanceConfiguration"]
RUN_COMMAND: Final[shapes.Shape] = _MODELS["RunCommandRequest"]
