"""docs/runbook.md knows every reason that the code can give, every alert of the chart, and nothing that is gone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from aks_operator.cloud.errors import _BY_CODE
from aks_operator.port import Busy
from aks_operator.reasons import MOVING, reason_of

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
CLOSED = frozenset(
    [
        "Succeeded",
        "Creating",
        "Updating",
        "Deleting",
        "Upgrading",
        "Scaling",
        "Rotating",
        "WaitingForAccount",
        "WaitingForNetwork",
        "WaitingForCluster",
        "WaitingForSystemPool",
        "WaitingForZone",
        "WaitingForWorkspace",
        "WaitingForBackend",
        "WaitingForApproval",
        "Blocked",
        "Paused",
        "AlreadyExists",
        "Conflict",
        "NotAllowed",
        "NotSupported",
        "Invalid",
        "AccountChanged",
        "AuthenticationFailed",
        "AuthorizationFailed",
        "MissingRoleAssignment",
        "SecretNotFound",
        "SecretForbidden",
        "QuotaExceeded",
        "CapacityExhausted",
        "Throttled",
        "CloudUnreachable",
        "ClusterUnreachable",
        "ClusterStopped",
        "NodeResourceGroupLocked",
        "DriftDetected",
    ]
)
"""The API's reasons; Azure's own codes come beside them."""


def sections() -> dict[str, list[str]]:
    """The lines of each section."""
    found: dict[str, list[str]] = {}
    for line in RUNBOOK.splitlines():
        if line.startswith("## "):
            found[line.removeprefix("## ")] = []
        elif found:
            found[list(found)[-1]].append(line)
    return found


def rows(title: str) -> set[str]:
    """The reasons that a section's table explains."""
    lines = [line for line in sections()[title] if line.startswith("| `")]
    return {reason for line in lines for reason in re.findall(r"`(\w+)`", line.split("|")[1])}


BY_ITSELF, SOMEBODY = rows("Reasons: it goes on by itself"), rows("Reasons: somebody is needed")


def constants(tree: ast.AST) -> Iterator[str]:
    """The words in a module; not those of the list of what goes on by itself, which names reasons that nobody gives yet."""
    for node in ast.iter_child_nodes(tree):
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(target, ast.Name) and target.id == "MOVING":
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        yield from constants(node)


def given() -> set[str]:
    """The reasons of the API that the code can give."""
    sources = [p for p in (ROOT / "operator" / "aks_operator").rglob("*.py") if p.parent.name != "api"]
    return {word for path in sources for word in constants(ast.parse(path.read_text()))} & CLOSED


def codes() -> set[str]:
    """What becomes of the codes of Azure that the code knows by name."""
    return {reason_of(kind("", code=code)) for code, kind in _BY_CODE.items() if not issubclass(kind, Busy)}


def test_every_reason_that_can_be_given_is_explained_and_no_other() -> None:
    assert given() | codes() == BY_ITSELF | SOMEBODY


def test_reasons_stand_in_the_table_that_kstatus_puts_them_in() -> None:
    assert BY_ITSELF - {"Succeeded"} <= MOVING
    assert set() == SOMEBODY & MOVING


@pytest.mark.parametrize("line", [line for line in RUNBOOK.splitlines() if line.startswith("| `")])
def test_every_reason_has_a_meaning_and_something_to_do(line: str) -> None:
    _, _, meaning, action, _ = line.split("|")
    assert meaning.strip()
    assert action.strip()


def test_every_alert_has_its_section() -> None:
    text = (ROOT / "helm" / "aks-operator" / "files" / "alerts.yaml").read_text()
    alerts = [rule["alert"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    assert [line.removeprefix("### ") for line in sections()["Alerts"] if line.startswith("### ")] == alerts
