"""values.yaml: commented, used, and judged by the schema."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart.rendering import CHARTS, FAKECLOUD, OPERATOR, Manifest, helm, refusal, render, values_of

Keys = tuple[str, ...]


def leaves(node: Any, path: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Paths to what is no map, or an empty one, or one of free keys."""
    if isinstance(node, dict) and node and path[-1:] not in FREE:
        for key, child in node.items():
            yield from leaves(child, (*path, key))
    else:
        yield path, node


FREE = {("nodeSelector",), ("resources",), ("labels",)}
SWITCHED = {"workloadIdentity", "serviceMonitor", "prometheusRule", "dashboard"}
"""Off by default: their other values count when they are on."""
ANOTHER: dict[str, Any] = {
    "repository": "another",
    "tag": "another",
    "pullPolicy": "Always",
    "logLevel": "DEBUG",
    "logFormat": "plain",
    "compute": "none",
    "speed": "instant",
    "throttle": "0.5",
    "quotas": ["westeurope/cores=8"],
    "publicRange": "198.51.100.0/24",
    "size": "3Gi",
    "allowedEndpoints": ["https://another.example"],
    "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"memory": "2Mi"}},
    "nodeSelector": {"another": "yes"},
    "tolerations": [],
    "affinity": {"nodeAffinity": {}},
    "apiServerPorts": [16443],
    "interval": "7m",
    "subscriptionId": "11111111-0000-0000-0000-000000000001",
    "tenantId": "11111111-0000-0000-0000-000000000002",
    "clientId": "11111111-0000-0000-0000-000000000003",
    "certificates": "-----BEGIN CERTIFICATE-----",
    "federatedIdentities": [{"issuer": "https://another.example", "subject": "another"}],
    "federatedKeys": "-----BEGIN PUBLIC KEY-----",
}


def another(key: str, value: Any) -> Any:
    """A value that the schema takes and that is not the one given."""
    match value:
        case _ if key in ANOTHER:
            return ANOTHER[key]
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return "another"
        case list():
            return ["another"]
        case _:
            return {"another": "yes"}


def nested(path: Keys, value: Any) -> Manifest:
    return {path[0]: nested(path[1:], value) if path[1:] else value}


CASES = [
    pytest.param(chart, path, value, id=f"{chart.name}:{'.'.join(path)}")
    for chart in (OPERATOR, FAKECLOUD)
    for path, value in leaves(values_of(chart))
]


def test_helm_lint_has_nothing_to_say() -> None:
    for chart in (OPERATOR, FAKECLOUD):
        answer = helm("lint", "--strict", str(chart))
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert "[WARNING]" not in answer.stdout
        assert "[ERROR]" not in answer.stdout


@pytest.mark.parametrize(("chart", "path", "value"), CASES)
def test_every_value_changes_what_is_rendered(chart: Path, path: Keys, value: Any) -> None:
    base: Manifest = {"fakecloud": {"enabled": True}} if chart == OPERATOR and path[0] != "fakecloud" else {}
    if path == ("fakecloud", "account", "allowedNamespaces"):
        base = {"fakecloud": {"enabled": True}}
    if path[0] in SWITCHED and path[1] != "enabled":
        base = {path[0]: {"enabled": True}}
    changed = copy.deepcopy(base)
    change = nested(path, another(path[-1], value))
    for key, child in change.items():
        changed[key] = {**changed[key], **child} if isinstance(changed.get(key), dict) else child
    assert render(chart, base) != render(chart, changed), f"{'.'.join(path)} is not used"


@pytest.mark.parametrize("chart", [OPERATOR, FAKECLOUD], ids=lambda chart: chart.name)
def test_every_value_is_commented(chart: Path) -> None:
    """By the line above, or together with the value above."""
    lines = (chart / "values.yaml").read_text().splitlines()
    for number, line in enumerate(lines):
        found = re.match(r"( *)([A-Za-z]+):", line)
        if not found or re.match(r" +(node-role|limits|requests)", line) or re.match(r" +(limits|requests):", line):
            continue
        above = lines[number - 1]
        together = re.match(rf"{found[1]}([A-Za-z]+|#)", above)
        assert together, f"{chart.name}/values.yaml:{number + 1}: {line.strip()} is not explained"


@pytest.mark.parametrize("chart", [OPERATOR, FAKECLOUD], ids=lambda chart: chart.name)
def test_the_schema_knows_every_value_and_no_other(chart: Path) -> None:
    schema = json.loads((chart / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    known = {path for path, _ in leaves(values_of(chart))}

    def described(node: Manifest, path: Keys = ()) -> Iterator[Keys]:
        properties = node.get("properties")
        if properties and path[-1:] not in FREE:
            assert node.get("additionalProperties") is False or path in {("global",), ("fakecloud",)}, path
            for key, child in properties.items():
                yield from described(child, (*path, key))
        else:
            yield path

    extra = {("enabled",), ("account",)} if chart == FAKECLOUD else set()  # set by the chart that it is a part of
    assert set(described(schema)) == known | extra


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"replica": 2}, "replica"),
        ({"replicas": -1}, "/replicas"),
        ({"replicas": "two"}, "/replicas"),
        ({"workers": 0}, "/workers"),
        ({"workers": 1000}, "/workers"),
        ({"logLevel": "LOUD"}, "/logLevel"),
        ({"logFormat": "xml"}, "/logFormat"),
        ({"httpPort": 80}, "/httpPort"),
        ({"podDisruptionBudget": {"maxUnavailable": 0}}, "/podDisruptionBudget/maxUnavailable"),
        ({"networkPolicy": {"apiServerPorts": ["https"]}}, "/networkPolicy/apiServerPorts"),
        ({"serviceMonitor": {"interval": "often"}}, "/serviceMonitor/interval"),
        ({"watchDeadlineSeconds": 0}, "/watchDeadlineSeconds"),
        ({"relistIntervalSeconds": 0}, "/relistIntervalSeconds"),
        ({"httpPort": 70000}, "/httpPort"),
        ({"leaseSeconds": 1}, "/leaseSeconds"),
        ({"driftIntervalSeconds": 0}, "/driftIntervalSeconds"),
        ({"requestTimeoutSeconds": 0}, "/requestTimeoutSeconds"),
        ({"allowedEndpoints": ["http://a.example"]}, "/allowedEndpoints"),
        ({"allowedEndpoints": ["https://a.example/path"]}, "/allowedEndpoints"),
        ({"allowedEndpoints": ["https://user@a.example"]}, "/allowedEndpoints"),
        ({"allowedEndpoints": ["https://a.example,https://b.example"]}, "/allowedEndpoints"),
        ({"watchNamespaces": "team-a"}, "/watchNamespaces"),
        ({"watchNamespaces": ["Team_A"]}, "/watchNamespaces"),
        ({"secretNamespaces": ["*"]}, "/secretNamespaces"),
        ({"deleteEmptyResourceGroup": "yes"}, "/deleteEmptyResourceGroup"),
        ({"managementId": "a/b"}, "/managementId"),
        ({"resources": {"limits": {"memory": "lots"}}}, "/resources"),
        ({"global": {"image": {"pullPolicy": "Sometimes"}}}, "/global/image/pullPolicy"),
        ({"global": {"image": {"repository": ""}}}, "/global/image/repository"),
        ({"fakecloud": {"enabled": "true"}}, "/fakecloud/enabled"),
        ({"fakecloud": {"enabled": True, "compute": "hosted"}}, "/compute"),
        ({"fakecloud": {"enabled": True, "speed": "fast"}}, "/speed"),
        ({"fakecloud": {"enabled": True, "throttle": "on"}}, "/throttle"),
        ({"fakecloud": {"enabled": True, "quotas": ["cores"]}}, "/quotas"),
        ({"fakecloud": {"enabled": True, "publicRange": "203.0.113.1"}}, "/publicRange"),
        ({"fakecloud": {"enabled": True, "dns": {"hostPort": -1}}}, "/dns/hostPort"),
        ({"fakecloud": {"enabled": True, "subscriptionId": "mine"}}, "/subscriptionId"),
        ({"fakecloud": {"enabled": True, "agents": {}}}, "agents"),
        ({"fakecloud": {"account": {"allowedNamespaces": ["*"]}}}, "/fakecloud/account/allowedNamespaces"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value),
)
def test_the_schema_refuses(values: Manifest, says: str) -> None:
    assert says in refusal(OPERATOR, values)


def test_both_charts_speak_of_one_image_and_one_version() -> None:
    assert values_of(OPERATOR)["global"] == values_of(FAKECLOUD)["global"]
    versions = {yaml.safe_load(path.read_text())["appVersion"] for path in CHARTS.glob("*/Chart.yaml")}
    project = re.search(r'^version = "(.*)"$', (CHARTS.parent / "pyproject.toml").read_text(), re.MULTILINE)
    assert project is not None
    assert versions == {project[1]}
