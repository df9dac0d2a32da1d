"""How large the image is that `make image` built."""

import shutil
import subprocess
from collections.abc import Iterator

from bench.figures import Figure, below

IMAGE = "aks-operator:dev"
LIMIT_MB = 450


def figures() -> Iterator[Figure]:
    """The image's size; not measured where there is no Docker or no image."""
    name = "image: size"
    size = _bytes()
    yield Figure(name, None, "MB", f"< {LIMIT_MB}") if size is None else below(LIMIT_MB, name, size / 1e6, "MB")


def _bytes() -> int | None:
    if shutil.which("docker") is None:
        return None
    command = ["docker", "image", "inspect", "--format", "{{.Size}}", IMAGE]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(answer.stdout) if answer.returncode == 0 else None
