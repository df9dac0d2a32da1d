"""The operator's Deployment, Service, account and policy."""

from typing import Any

import pytest

from aks_operator.settings import Settings
from tests.chart.rendering import NAMESPACE, OPERATOR, Manifest, containers, everything, one, pods, render


def container(values: Manifest | None = None) -> Manifest:
    return containers(one(render(OPERATOR, values), "Deployment", "aks-operator")["spec"]["template"]["spec"])[0]


def environment(found: Manifest) -> dict[str, str]:
    """By name; what comes from the pod's own fields is its path."""
    return {
        entry["name"]: entry["value"] if "value" in entry else entry["valueFrom"]["fieldRef"]["fieldPath"]
        for entry in found["env"]
    }


def settings(monkeypatch: pytest.MonkeyPatch, values: Manifest | None = None) -> Settings:
    """The settings as the operator reads them from what the chart gives it."""
    for name, value in environment(container(values)).items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_every_setting_comes_from_the_chart_but_those_of_a_process_outside() -> None:
    given = {name.removeprefix("AKS_OPERATOR_").lower() for name in environment(container()) if name.startswith("AKS_")}
    assert given == set(Settings.model_fields) - {"kubeconfig", "context"}


TOKEN = "/var/run/secrets/azure/tokens/azure-identity-token"
CLIENT = "00000000-0000-0000-0000-000000000009"


def test_workload_identity_projects_a_token_that_only_entra_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"workloadIdentity": {"enabled": True, "clientId": CLIENT}}
    read = settings(monkeypatch, values)
    assert (read.federated_token_file, read.workload_identity_client_id) == (TOKEN, CLIENT)
    rendered = render(OPERATOR, values)
    pod = one(rendered, "Deployment", "aks-operator")["spec"]["template"]["spec"]
    [volume] = [v for v in pod["volumes"] if v["name"] == "azure-identity-token"]
    asked = {"path": "azure-identity-token", "audience": "api://AzureADTokenExchange", "expirationSeconds": 3600}
    assert volume["projected"]["sources"] == [{"serviceAccountToken": asked}]
    [mount] = [m for m in containers(pod)[0]["volumeMounts"] if m["name"] == "azure-identity-token"]
    assert (mount["mountPath"], mount["readOnly"]) == (TOKEN.rpartition("/")[0], True)
    account = one(rendered, "ServiceAccount", "aks-operator")
    assert account["metadata"]["annotations"] == {"azure.workload.identity/client-id": CLIENT}


def test_without_it_there_is_no_token_for_entra() -> None:
    rendered = render(OPERATOR, {"serviceAccount": {"name": "", "annotations": {"a": "b"}}})
    pod = one(rendered, "Deployment", "aks-operator")["spec"]["template"]["spec"]
    assert [v["name"] for v in pod["volumes"] if "projected" in v] == []
    assert one(rendered, "ServiceAccount", "aks-operator")["metadata"]["annotations"] == {"a": "b"}


@pytest.mark.parametrize(("enabled", "file"), [(False, "/webhook/token"), (True, TOKEN)])
def test_the_webhooks_environment_is_taken_where_the_chart_gives_none(
    monkeypatch: pytest.MonkeyPatch, enabled: bool, file: str
) -> None:
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", "/webhook/token")
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    read = settings(monkeypatch, {"workloadIdentity": {"enabled": enabled}})
    assert (read.federated_token_file, read.workload_identity_client_id) == (file, CLIENT)


def test_the_charts_defaults_are_the_operators_own(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {"namespace", "pod_uid"}
    assert settings(monkeypatch).model_dump(exclude=changed) == Settings.model_construct().model_dump(exclude=changed)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"managementId": "west"}, {"management_id": "west"}),
        ({"watchNamespaces": ["a", "b"]}, {"watch_namespaces": (NAMESPACE, "a", "b")}),
        ({"watchNamespaces": ["a", NAMESPACE]}, {"watch_namespaces": (NAMESPACE, "a")}),
        ({"allowedEndpoints": ["https://a.example"]}, {"allowed_endpoints": ("https://a.example",)}),
        (
            {"allowedEndpoints": ["https://a.example"], "fakecloud": {"enabled": True}},
            {"allowed_endpoints": ("https://a.example", f"https://fakecloud.{NAMESPACE}.svc")},
        ),
        ({"workloadIdentityNamespaces": ["a"]}, {"workload_identity_namespaces": ("a",)}),
        ({"deleteEmptyResourceGroup": True}, {"delete_empty_resource_group": True}),
        ({"defaultLocation": "northeurope"}, {"default_location": "northeurope"}),
        (
            {"workers": 4, "driftIntervalSeconds": 1.5, "pollIntervalSeconds": 0.5, "requestTimeoutSeconds": 9},
            {
                "workers": 4,
                "drift_interval_seconds": 1.5,
                "poll_interval_seconds": 0.5,
                "request_timeout_seconds": 9.0,
            },
        ),
        (
            {"writesPerSecond": 1, "readsPerSecond": 2, "leaseSeconds": 30},
            {"writes_per_second": 1.0, "reads_per_second": 2.0, "lease_seconds": 30.0},
        ),
        (
            {"relistIntervalSeconds": 30, "watchDeadlineSeconds": 60},
            {"relist_interval_seconds": 30.0, "watch_deadline_seconds": 60.0},
        ),
        ({"logLevel": "DEBUG", "logFormat": "plain"}, {"log_level": "DEBUG", "log_format": "plain"}),
        ({"httpPort": 9090}, {"http_port": 9090}),
    ],
)
def test_a_value_reaches_the_setting(
    monkeypatch: pytest.MonkeyPatch, values: Manifest, expected: dict[str, Any]
) -> None:
    read = settings(monkeypatch, values)
    assert {name: getattr(read, name) for name in expected} == expected


def test_who_it_is_comes_from_the_pod() -> None:
    given = environment(container())
    assert given["AKS_OPERATOR_NAMESPACE"] == "metadata.namespace"
    assert given["AKS_OPERATOR_POD_UID"] == "metadata.uid", "the Lease's holder"
    assert given["HOME"] == "/tmp", "the only place that may be written to"
    assert given["USER"], "kopf asks for it, and the user id has no name"


def test_it_runs_the_operators_command_from_the_one_image() -> None:
    found = container({"global": {"image": {"repository": "r.example/x", "tag": "7", "pullPolicy": "Always"}}})
    assert (found["image"], found["imagePullPolicy"]) == ("r.example/x:7", "Always")
    assert (found["command"], found["args"]) == (["aks-operator"], ["run"])
    assert container({"global": {"image": {"tag": ""}}})["image"] == "aks-operator:0.1.0", "the chart's appVersion"


def test_probes_ask_the_operators_own_server() -> None:
    found = container({"httpPort": 9090})
    assert found["ports"] == [{"name": "http", "containerPort": 9090, "protocol": "TCP"}]
    asked = {probe: found[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked == {
        "startupProbe": {"path": "/healthz", "port": "http"},
        "livenessProbe": {"path": "/healthz", "port": "http"},
        "readinessProbe": {"path": "/readyz", "port": "http"},
    }


def test_a_stand_by_is_there_before_the_leader_goes() -> None:
    spec = one(render(OPERATOR), "Deployment", "aks-operator")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > 25, (
        "kopf's own limit, then the Lease is released"
    )


def test_processes_are_on_different_nodes_if_there_are() -> None:
    spec = one(render(OPERATOR, {"replicas": 2}), "Deployment", "aks-operator")["spec"]
    (term,) = spec["template"]["spec"]["affinity"]["podAntiAffinity"].pop(
        "preferredDuringSchedulingIgnoredDuringExecution"
    )
    assert term["podAffinityTerm"] == {"topologyKey": "kubernetes.io/hostname", "labelSelector": spec["selector"]}
    given: Manifest = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
    changed = one(render(OPERATOR, {"affinity": given}), "Deployment", "aks-operator")["spec"]
    assert changed["template"]["spec"]["affinity"] == given


def test_the_service_leads_to_the_pods() -> None:
    rendered = render(OPERATOR)
    service = one(rendered, "Service", "aks-operator")["spec"]
    template = one(rendered, "Deployment", "aks-operator")["spec"]["template"]
    assert service["selector"].items() <= template["metadata"]["labels"].items()
    assert service["ports"][0]["targetPort"] == "http"


def test_labels_of_users_do_not_replace_those_that_select() -> None:
    spec = one(render(OPERATOR, {"podLabels": {"team": "a"}}), "Deployment", "aks-operator")["spec"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert spec["template"]["metadata"]["labels"]["team"] == "a"


def test_beside_the_fake_it_stays_off_the_machines_that_are_lent() -> None:
    fake = {"enabled": True, "nodeSelector": {"role": "fake"}}
    pinned = dict(pods(render(OPERATOR, {"fakecloud": fake})))["Deployment/aks-operator"]
    # helm merges maps: the default selector stays
    assert pinned["nodeSelector"] == {"node-role.kubernetes.io/control-plane": "", "role": "fake"}
    assert "nodeSelector" not in dict(pods(render(OPERATOR)))["Deployment/aks-operator"]
    own = dict(pods(render(OPERATOR, {"fakecloud": fake, "nodeSelector": {"mine": "1"}})))["Deployment/aks-operator"]
    assert own["nodeSelector"] == {"mine": "1"}


def test_the_account_leads_to_the_fake_and_nowhere_without_it() -> None:
    account = one(everything(), "CloudAccount", "default", NAMESPACE)["spec"]
    url = f"https://fakecloud.{NAMESPACE}.svc"
    assert account == {
        "subscriptionId": "00000000-0000-0000-0000-000000000001",
        "tenantId": "00000000-0000-0000-0000-000000000002",
        "cloud": "Custom",
        "endpoints": {
            "resourceManager": url,
            "authority": url,
            "certificateAuthority": {"secretRef": {"name": "fakecloud-tls", "key": "ca.crt"}},
        },
        "credential": {
            "type": "ServicePrincipal",
            "clientId": "00000000-0000-0000-0000-000000000003",
            "clientSecretRef": {"name": "azure-credential", "key": "clientSecret"},
        },
        "allowedNamespaces": ["default"],
    }
    assert not [m for m in render(OPERATOR) if m["kind"] == "CloudAccount"]


def test_deletion_of_what_is_protected_is_refused_with_the_way_out() -> None:
    rendered = render(OPERATOR)
    policy = one(rendered, "ValidatingAdmissionPolicy", "aks-operator-deletion-protection")["spec"]
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert rule["operations"] == ["DELETE"]
    assert set(rule["resources"]) == {
        "virtualnetworks",
        "managedclusters",
        "nodepools",
        "serviceexposures",
        "dnszones",
        "logworkspaces",
    }
    (validation,) = policy["validations"]
    assert (
        validation["expression"] == "!has(oldObject.spec.deletionPolicy) || oldObject.spec.deletionPolicy != 'Protect'"
    )
    for message in (validation["message"], validation["messageExpression"]):
        assert "Orphan (they stay)" in message
    binding = one(rendered, "ValidatingAdmissionPolicyBinding", "aks-operator-deletion-protection")["spec"]
    assert binding == {"policyName": "aks-operator-deletion-protection", "validationActions": ["Deny"]}
    assert not [m for m in render(OPERATOR, {"deletionProtection": False}) if "Admission" in m["kind"]]


def test_another_release_name_is_kept_apart() -> None:
    names = {m["metadata"]["name"] for m in render(OPERATOR, release="west")}
    assert all(name.startswith("west-aks-operator") for name in names), names
