"""Tests against a real API server: AKS_OPERATOR_TEST_KUBECONFIG names its kubeconfig, `hack/controlplane.py up` makes one."""

import os
from pathlib import Path

import pytest
import yaml

VARIABLE = "AKS_OPERATOR_TEST_KUBECONFIG"
CONTEXT = "aks-operator-test"


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    """The path of the test cluster's kubeconfig; any other cluster is refused."""
    path = os.environ.get(VARIABLE)
    if not path:
        pytest.skip(f"{VARIABLE} is not set")
    context = yaml.safe_load(Path(path).read_text())["current-context"]
    if context != CONTEXT:
        pytest.fail(f"{path}: the current context is {context!r}, these tests touch none but {CONTEXT!r}")
    return path
