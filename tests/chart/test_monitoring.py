"""Disruption budget, network policy, and what looks after the operator: monitor, alerts, dashboard."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from aks_operator.metrics import Metrics
from tests.chart.rendering import NAMESPACE, OPERATOR, Manifest, one, render

ALL_ON: Manifest = {
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboard": {"enabled": True},
}
NAME = re.compile(r"\b(?:aks_operator|process)_[a-z_]+\b")


def alerts() -> list[Manifest]:
    """The alerts as rendered."""
    (group,) = one(render(OPERATOR, ALL_ON), "PrometheusRule", "aks-operator")["spec"]["groups"]
    return list(group["rules"])


def samples() -> dict[str, set[str]]:
    """The labels of each sample that the operator's metrics can have."""
    metrics = Metrics()
    plain = {sample.name: set(sample.labels) for family in metrics.registry.collect() for sample in family.samples}
    return plain | {name: labels for metric in vars(metrics).values() for name, labels in _of(metric)}


def _of(metric: Any) -> Iterator[tuple[str, set[str]]]:
    """Sample names of one collector, with their labels."""
    if not hasattr(metric, "_labelnames"):
        return
    labels = set(metric._labelnames)
    name = metric._name
    yield from {
        "counter": [(f"{name}_total", labels)],
        "histogram": [(f"{name}_bucket", labels | {"le"}), (f"{name}_sum", labels), (f"{name}_count", labels)],
    }.get(metric._type, [(name, labels)])


def panels() -> list[Manifest]:
    """The dashboard's panels."""
    data = one(render(OPERATOR, ALL_ON), "ConfigMap", "aks-operator-dashboard")["data"]
    return list(json.loads(data["aks-operator.json"])["panels"])


def expressions() -> list[str]:
    """Everything that is asked of Prometheus."""
    return [a["expr"] for a in alerts()] + [t["expr"] for p in panels() for t in p["targets"]]


def test_nothing_of_it_is_there_unless_asked_for() -> None:
    kinds = {m["kind"] for m in render(OPERATOR)}
    assert not kinds & {"ServiceMonitor", "PrometheusRule", "ConfigMap"}
    assert {m["kind"] for m in render(OPERATOR, ALL_ON)} - kinds == {"ServiceMonitor", "PrometheusRule", "ConfigMap"}


def test_every_expression_asks_for_metrics_that_there_are_by_labels_that_they_have() -> None:
    known = samples()
    for text in expressions():
        names = NAME.findall(text)
        assert names or "up{" in text, text
        for name in names:
            assert name in known, f"{name} in {text}"
        by = {label for group in re.findall(r"by \(([^)]*)\)", text) for label in group.replace(" ", "").split(",")}
        assert by <= set().union(*(known[name] for name in names)), text


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    shown = set(NAME.findall(" ".join(t["expr"] for p in panels() for t in p["targets"])))
    ours = {name for name in samples() if name.startswith("aks_operator") and not name.endswith(("_sum", "_count"))}
    assert ours - shown == set()


def test_alerts_speak_of_this_release_only_and_say_what_is_wrong() -> None:
    names = [a["alert"] for a in alerts()]
    assert len(set(names)) == len(names) >= 8
    for alert in alerts():
        selectors = re.findall(r"\{([^}]*)\}", alert["expr"])
        assert selectors, alert
        assert all(f'namespace="{NAMESPACE}",job="aks-operator"' in s for s in selectors), alert
        assert alert["labels"]["severity"] in {"warning", "critical"}
        assert alert["annotations"].keys() == {"summary", "description"}
        shown = set(re.findall(r"\$labels\.(\w+)", yaml.safe_dump(alert["annotations"])))
        by = {label for group in re.findall(r"by \(([^)]*)\)", alert["expr"]) for label in group.split(", ")}
        assert shown <= by, alert


def test_the_monitor_reads_the_service_by_the_name_of_its_port() -> None:
    rendered = render(OPERATOR, ALL_ON)
    monitor, service = one(rendered, "ServiceMonitor", "aks-operator"), one(rendered, "Service", "aks-operator")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint == {"port": service["spec"]["ports"][0]["name"], "path": "/metrics", "interval": "30s"}
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": [NAMESPACE]}
    for kind in ("ServiceMonitor", "PrometheusRule"):
        assert one(rendered, kind, "aks-operator")["metadata"]["labels"]["release"] == "prometheus"


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_budget_never_keeps_a_node_from_being_drained(replicas: int) -> None:
    rendered = render(OPERATOR, {"replicas": replicas})
    budget, deployment = (
        one(rendered, "PodDisruptionBudget", "aks-operator"),
        one(rendered, "Deployment", "aks-operator"),
    )
    assert deployment["spec"]["replicas"] == replicas
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]
    assert budget["spec"]["maxUnavailable"] == 1


def ports(rule: Manifest) -> set[tuple[str, Any]]:
    return {(port["protocol"], port["port"]) for port in rule["ports"]}


def test_traffic_is_limited_to_what_the_operator_does() -> None:
    values = {"allowedEndpoints": ["https://a.example", "https://b.example:9443", "https://c.example:7443/"]}
    rendered = render(OPERATOR, {**values, "httpPort": 9090})
    policy = one(rendered, "NetworkPolicy", "aks-operator")["spec"]
    assert policy["podSelector"] == one(rendered, "Deployment", "aks-operator")["spec"]["selector"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [ports(rule) for rule in policy["ingress"]] == [{("TCP", 9090)}]
    names, clouds, metadata = policy["egress"]
    assert ports(names) == {("UDP", 53), ("TCP", 53)}
    assert ports(clouds) == {("TCP", port) for port in (443, 6443, 8443, 9443, 7443)}
    assert metadata["to"] == [{"ipBlock": {"cidr": "169.254.169.254/32"}}]


def test_the_fake_cloud_is_reached_at_its_pods_port() -> None:
    rendered = render(OPERATOR, {"fakecloud": {"enabled": True}})
    *_, rule = one(rendered, "NetworkPolicy", "aks-operator")["spec"]["egress"]
    template = one(rendered, "StatefulSet", "fakecloud")["spec"]["template"]
    (to,) = rule["to"]
    assert to["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    named = {port["name"] for c in template["spec"]["containers"] for port in c["ports"]}
    assert {port for _, port in ports(rule)} <= named
