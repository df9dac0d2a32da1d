"""What JSON Network takes: the SDK's models (hack/arm_models.py) without what is read-only; the rest is dropped silently."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fakecloud.arm import shapes

MODELS: Final[Mapping[str, shapes.Known]] = shapes.models(
    Path(__file__).with_name("models.json").read_text(), shapes.Known
)
"""By the SDK's names: "LoadBalancer", "BackendAddressPool", …"""
