"""Who may do what: RBAC as a table, and what pods are allowed on their nodes."""

import re
from pathlib import Path

import pytest

from tests.chart.rendering import CHARTS, NAMESPACE, OPERATOR, Manifest, containers, everything, one, pods, render

KINDS = [
    "cloudaccounts",
    "virtualnetworks",
    "managedclusters",
    "nodepools",
    "serviceexposures",
    "dnszones",
    "logworkspaces",
]
Rule = tuple[str, str, str, str]
"""API group, resources, names, verbs."""
EXPECTED: dict[str, list[Rule]] = {
    "ClusterRole/aks-operator": [
        ("aks-operator.io", " ".join(KINDS), "", "get list watch patch"),
        ("aks-operator.io", " ".join(f"{kind}/status" for kind in KINDS), "", "patch"),
        ("coordination.k8s.io", "leases", "aks-operator", "list watch"),
        ("", "events", "", "create"),
    ],
    "ClusterRole/aks-operator-management-id": [("", "namespaces", "kube-system", "get")],
    "Role/aks-operator-leader": [
        ("coordination.k8s.io", "leases", "", "create"),
        ("coordination.k8s.io", "leases", "aks-operator", "get update"),
    ],
    "Role/aks-operator-secrets": [("", "secrets", "", "get create")],
    "ClusterRole/aks-operator-before-uninstall": [
        ("aks-operator.io", " ".join(KINDS), "", "list"),
    ],
    "Role/aks-operator-before-uninstall": [("aks-operator.io", "cloudaccounts", "default", "get delete")],
    "Role/fakecloud-leave-nodes": [("apps", "daemonsets", "fakecloud-agent", "get patch")],
    "ClusterRole/fakecloud": [
        ("", "nodes", "", "get list watch patch"),
        ("", "pods", "", "list delete"),
        ("", "pods/eviction", "", "create"),
    ],
    "Role/fakecloud": [
        ("", "secrets", "", "create"),
        ("", "secrets", "fakecloud-tls azure-credential fakecloud-agent", "get patch"),
        ("", "serviceaccounts/token", "fakecloud-cluster-admin fakecloud-cluster-user", "create"),
    ],
}
BINDINGS = {
    "ClusterRoleBinding/aks-operator": "ClusterRole/aks-operator → aks-operator",
    "ClusterRoleBinding/aks-operator-management-id": "ClusterRole/aks-operator-management-id → aks-operator",
    "RoleBinding/aks-operator-leader": "Role/aks-operator-leader → aks-operator",
    "RoleBinding/aks-operator-secrets": "Role/aks-operator-secrets → aks-operator",
    "ClusterRoleBinding/aks-operator-before-uninstall": "ClusterRole/aks-operator-before-uninstall → aks-operator-before-uninstall",
    "RoleBinding/aks-operator-before-uninstall": "Role/aks-operator-before-uninstall → aks-operator-before-uninstall",
    "RoleBinding/fakecloud-leave-nodes": "Role/fakecloud-leave-nodes → fakecloud-leave-nodes",
    "ClusterRoleBinding/fakecloud": "ClusterRole/fakecloud → fakecloud",
    "RoleBinding/fakecloud": "Role/fakecloud → fakecloud",
    "ClusterRoleBinding/fakecloud-cluster-admin": "ClusterRole/cluster-admin → fakecloud-cluster-admin",
    "ClusterRoleBinding/fakecloud-cluster-user": "ClusterRole/view → fakecloud-cluster-user",
}


def rules(manifest: Manifest) -> list[Rule]:
    return [
        (
            " ".join(rule["apiGroups"]),
            " ".join(rule["resources"]),
            " ".join(rule.get("resourceNames", [])),
            " ".join(rule["verbs"]),
        )
        for rule in manifest["rules"]
    ]


def roles(manifests: list[Manifest]) -> dict[str, list[Rule]]:
    return {f"{m['kind']}/{m['metadata']['name']}": rules(m) for m in manifests if m["kind"] in {"Role", "ClusterRole"}}


def test_the_roles_are_those_of_the_table() -> None:
    assert roles(everything()) == EXPECTED


def test_each_account_is_bound_to_its_own_role() -> None:
    bound = {}
    for m in everything():
        if m["kind"].endswith("RoleBinding"):
            (subject,) = m["subjects"]
            assert (subject["kind"], subject["namespace"]) == ("ServiceAccount", NAMESPACE)
            role = f"{m['roleRef']['kind']}/{m['roleRef']['name']}"
            bound[f"{m['kind']}/{m['metadata']['name']}"] = f"{role} → {subject['name']}"
    assert bound == BINDINGS


@pytest.mark.parametrize("values", [{}, {"fakecloud": {"enabled": True}}, {"watchNamespaces": ["a"]}])
def test_no_wildcards_and_no_secrets_of_the_whole_cluster(values: Manifest) -> None:
    for name, table in roles(render(OPERATOR, values)).items():
        for group, resources, names, verbs in table:
            assert "*" not in group + resources + names + verbs, name
            assert not (name.startswith("ClusterRole/") and "secrets" in resources), name
            assert not (resources == "secrets" and {"list", "watch"} & set(verbs.split())), name


def test_the_operator_alone_is_bound_to_nothing_mighty() -> None:
    bound = {m["roleRef"]["name"] for m in render(OPERATOR) if m["kind"] == "ClusterRoleBinding"}
    assert bound == {"aks-operator", "aks-operator-management-id", "aks-operator-before-uninstall"}


def test_a_fake_without_machines_has_no_right_on_nodes_and_hands_out_no_admin() -> None:
    rendered = render(OPERATOR, {"fakecloud": {"enabled": True, "compute": "none"}})
    assert "fakecloud" not in {m["metadata"]["name"] for m in rendered if m["kind"].startswith("ClusterRole")}
    assert not [m for m in rendered if m.get("roleRef", {}).get("name") == "cluster-admin"]
    assert all(resources == "secrets" for _, resources, _, _ in roles(rendered)["Role/fakecloud"])


def test_secrets_are_read_in_the_namespaces_listed_and_its_own() -> None:
    def where(values: Manifest) -> set[str]:
        rendered = render(OPERATOR, values)
        role = {m["metadata"]["namespace"] for m in rendered if m["metadata"]["name"] == "aks-operator-secrets"}
        for namespace in role:
            assert (
                one(rendered, "RoleBinding", "aks-operator-secrets", namespace)["subjects"][0]["namespace"] == NAMESPACE
            )
        return role

    assert where({}) == {NAMESPACE}
    assert where({"secretNamespaces": ["team-a", "team-b"]}) == {NAMESPACE, "team-a", "team-b"}
    assert where({"secretNamespaces": [NAMESPACE]}) == {NAMESPACE}


def test_limited_to_namespaces_it_has_no_right_elsewhere() -> None:
    rendered = render(OPERATOR, {"watchNamespaces": ["team-a"], "managementId": "west"})
    assert not [m for m in rendered if m["kind"] == "ClusterRoleBinding"]
    bindings = [m for m in rendered if m["kind"] == "RoleBinding" and m["roleRef"]["kind"] == "ClusterRole"]
    for role in ("aks-operator", "aks-operator-before-uninstall"):
        bound = {m["metadata"]["namespace"] for m in bindings if m["roleRef"]["name"] == role}
        assert bound == {NAMESPACE, "team-a"}, role


@pytest.mark.parametrize(
    "path", sorted(CHARTS.glob("*/templates/*.yaml")), ids=lambda path: str(path.relative_to(CHARTS))
)
def test_every_rule_says_what_it_is_for(path: Path) -> None:
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r" {2,4}- apiGroups: \[.*\]$", line) and "apiVersions" not in lines[number + 1]:
            verbs = next(later for later in lines[number:] if "verbs:" in later)
            comment = lines[number - 1].strip()
            assert comment.startswith("# "), f"{path.name}:{number + 1}"
            named = re.findall(r"[a-z]+", verbs.partition("[")[2])
            assert all(verb in comment for verb in named), f"{path.name}:{number + 1}: {comment} speaks not of {named}"


def test_only_the_agent_is_privileged_or_on_the_nodes_network() -> None:
    for name, pod in pods(everything()):
        agent = name == "DaemonSet/fakecloud-agent"
        assert pod.get("hostNetwork", False) is agent, name
        assert not pod.get("hostPID"), name
        assert not pod.get("hostIPC"), name
        assert [v for v in pod.get("volumes", ()) if "hostPath" in v] == [] or agent, name
        for container in containers(pod):
            assert container["securityContext"].get("privileged", False) is agent, name
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name


def test_all_others_are_confined() -> None:
    confined = [(name, pod) for name, pod in pods(everything()) if name != "DaemonSet/fakecloud-agent"]
    assert len(confined) == 4
    for name, pod in confined:
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] > 0, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(pod):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            root = container["name"] == "own-volume"
            assert own["capabilities"] == {"drop": ["ALL"], **({"add": ["CHOWN"]} if root else {})}, name
            assert own.get("runAsUser", context["runAsUser"]) > 0 or root, name


def test_root_changes_the_owner_of_a_volume_and_nothing_else() -> None:
    stateful = dict(pods(everything()))["StatefulSet/fakecloud"]
    (owner,) = stateful["initContainers"]
    user = stateful["securityContext"]["runAsUser"]
    assert owner["command"] == ["chown", f"{user}:{user}", "/var/lib/fakecloud"]
    assert owner["volumeMounts"] == [{"name": "state", "mountPath": "/var/lib/fakecloud"}]
    for persistence in ({"takeOwnership": False}, {"enabled": False}):
        values = {"fakecloud": {"enabled": True, "persistence": persistence}}
        assert "initContainers" not in dict(pods(render(OPERATOR, values)))["StatefulSet/fakecloud"]


def test_pods_get_a_token_only_where_they_use_it() -> None:
    tokens = {name: pod["automountServiceAccountToken"] for name, pod in pods(everything())}
    assert tokens == {
        "Deployment/aks-operator": True,
        "StatefulSet/fakecloud": True,
        "DaemonSet/fakecloud-agent": False,
        "Job/aks-operator-before-uninstall": True,
        "Job/fakecloud-leave-nodes": True,
    }
    accounts = [m for m in everything() if m["kind"] == "ServiceAccount"]
    assert len(accounts) == 7
    assert all(m["automountServiceAccountToken"] is False for m in accounts)


def test_every_container_says_what_it_needs() -> None:
    for name, pod in pods(everything()):
        assert pod["priorityClassName"], name
        for container in containers(pod):
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
            assert container["resources"]["limits"]["memory"], name
