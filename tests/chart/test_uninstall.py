"""What happens before `helm uninstall`: the hooks, their order, and what their programs decide."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.chart.rendering import FAKECLOUD, NAMESPACE, OPERATOR, Manifest, containers, everything, one, pods, render

SCRIPTS = {
    "Job/aks-operator-before-uninstall": OPERATOR / "files" / "before_uninstall.py",
    "Job/fakecloud-leave-nodes": FAKECLOUD / "files" / "leave_nodes.py",
}


def program(path: Path) -> ModuleType:
    """The program as a module, not run."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hooks(manifests: list[Manifest]) -> list[Manifest]:
    return [m for m in manifests if "helm.sh/hook" in m["metadata"].get("annotations", {})]


def weight(manifest: Manifest) -> int:
    return int(manifest["metadata"]["annotations"]["helm.sh/hook-weight"])


@pytest.mark.parametrize(("job", "script"), SCRIPTS.items())
def test_a_job_runs_the_file_of_the_chart(job: str, script: Path) -> None:
    (container,) = containers(dict(pods(everything()))[job])
    assert container["command"] == ["python3", "-c"]
    assert container["args"][0].strip() == script.read_text().strip()
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_hooks_are_there_before_uninstall_only_and_leave_nothing() -> None:
    for hook in hooks(everything()):
        annotations = hook["metadata"]["annotations"]
        assert annotations["helm.sh/hook"] == "pre-delete"
        assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    plain = [m for m in everything() if m not in hooks(everything())]
    names = {(m["kind"], m["metadata"]["name"]) for m in plain}
    assert not {name for name in names if "uninstall" in name[1] or "leave-nodes" in name[1]}


def test_rights_come_before_what_needs_them_and_the_check_before_the_nodes_are_left() -> None:
    rendered = hooks(everything())
    check, leave = one(rendered, "Job", "aks-operator-before-uninstall"), one(rendered, "Job", "fakecloud-leave-nodes")
    assert weight(check) < weight(leave)
    for job in (check, leave):
        account = job["spec"]["template"]["spec"]["serviceAccountName"]
        needed = [m for m in rendered if m["metadata"]["name"] == account and m["kind"] != "Job"]
        assert {m["kind"] for m in needed} >= {"ServiceAccount", "Role", "RoleBinding"}
        assert all(weight(m) < weight(job) for m in needed)


@pytest.mark.parametrize(
    ("values", "namespaces", "account"),
    [
        ({}, "", ""),
        ({"fakecloud": {"enabled": True}}, "", f"{NAMESPACE}/default"),
        ({"watchNamespaces": ["team-a"]}, f"{NAMESPACE},team-a", ""),
    ],
)
def test_the_check_looks_where_the_operator_does(values: Manifest, namespaces: str, account: str) -> None:
    (container,) = containers(dict(pods(render(OPERATOR, values)))["Job/aks-operator-before-uninstall"])
    assert {e["name"]: e["value"] for e in container["env"]} == {"NAMESPACES": namespaces, "ACCOUNT": account}


def test_without_the_check_there_are_no_hooks() -> None:
    assert not hooks(render(OPERATOR, {"uninstallCheck": False}))
    assert not hooks(render(FAKECLOUD, {"agent": {"enabled": False}}))


class Api:
    """An API server of dictionaries: what is asked for is taken down, and deletions take `slowness` looks."""

    def __init__(self, objects: dict[str, Any], slowness: int = 1) -> None:
        self.objects = objects
        self.slowness = slowness
        self.calls: list[tuple[str, str]] = []

    def call(self, method: str, path: str, body: Any = None) -> Any:
        self.calls.append((method, path))
        if method == "DELETE":
            return {}
        found = self.objects.get(path, {})
        if found and ("DELETE", path) in self.calls:
            self.slowness -= 1
            return found if self.slowness >= 0 else {}
        return found


def pool(name: str, *finalizers: str, namespace: str = "shop") -> Manifest:
    return {"metadata": {"namespace": namespace, "name": name, "finalizers": [*finalizers]}}


def checked(monkeypatch: pytest.MonkeyPatch, api: Api, **environment: str) -> None:
    module = program(SCRIPTS["Job/aks-operator-before-uninstall"])
    monkeypatch.setattr(module, "call", api.call)
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    module.main()


GROUP = "/apis/aks-operator.io/v1alpha1"
FINALIZER = "aks-operator.io/finalizer"
ACCOUNT = f"{GROUP}/namespaces/aks-operator/cloudaccounts/default"


def test_objects_that_are_left_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [pool("ssd", FINALIZER), pool("free", "another/finalizer"), pool("system", "another/finalizer", FINALIZER)]
    accounts = [pool("default", FINALIZER, namespace="aks-operator"), pool("default", FINALIZER)]
    lists = {f"{GROUP}/nodepools": {"items": items}, f"{GROUP}/cloudaccounts": {"items": accounts}}
    api = Api({**lists, ACCOUNT: pool("x")})
    with pytest.raises(SystemExit) as refused:
        checked(monkeypatch, api, ACCOUNT="aks-operator/default")
    assert "3 objects are left" in str(refused.value)
    assert "nodepools shop/ssd, nodepools shop/system, cloudaccounts shop/default." in str(refused.value)
    assert "aks-operator detach" in str(refused.value)
    assert ("DELETE", ACCOUNT) not in api.calls, "the account is still needed"


def test_objects_that_were_let_go_of_wait_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api({f"{GROUP}/nodepools": {"items": [pool("ssd"), pool("free", "another/finalizer")]}})
    checked(monkeypatch, api, ACCOUNT="")
    assert {method for method, _ in api.calls} == {"GET"}


def test_the_account_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api({ACCOUNT: pool("x")}, slowness=3)
    checked(monkeypatch, api, ACCOUNT="aks-operator/default")
    assert api.calls[-5:] == [("DELETE", ACCOUNT), *[("GET", ACCOUNT)] * 4]


def test_only_the_namespaces_served_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api({})
    checked(monkeypatch, api, NAMESPACES="a,b", ACCOUNT="")
    assert {path.split("/")[5] for _, path in api.calls} == {"a", "b"}
    assert {method for method, _ in api.calls} == {"GET"}


def agents() -> Manifest:
    return one(everything(), "DaemonSet", "fakecloud-agent")


def test_agents_become_pods_that_clean_their_node_and_idle() -> None:
    patch = program(SCRIPTS["Job/fakecloud-leave-nodes"]).leaving(agents())["spec"]["template"]["spec"]
    (agent,) = containers(agents()["spec"]["template"]["spec"])
    (remove,) = patch["initContainers"]
    assert remove == {**agent, "name": "remove", "args": ["agent", "--remove", "--node=$(NODE_NAME)"]}
    (idle,) = patch["containers"]
    assert idle["name"] == agent["name"], "it takes the agent's place"
    assert idle["args"] is None, "a merge patch leaves what it does not name"


@pytest.mark.parametrize(
    ("status", "done"),
    [
        ({"observedGeneration": 2, "desiredNumberScheduled": 4, "updatedNumberScheduled": 4, "numberReady": 4}, True),
        ({"observedGeneration": 1, "desiredNumberScheduled": 4, "updatedNumberScheduled": 4, "numberReady": 4}, False),
        ({"observedGeneration": 2, "desiredNumberScheduled": 4, "updatedNumberScheduled": 3, "numberReady": 4}, False),
        ({"observedGeneration": 2, "desiredNumberScheduled": 4, "updatedNumberScheduled": 4, "numberReady": 3}, False),
        ({"observedGeneration": 2, "desiredNumberScheduled": 4}, False),
    ],
)
def test_done_is_when_each_node_has_its_new_pod_ready(status: Manifest, done: bool) -> None:
    module = program(SCRIPTS["Job/fakecloud-leave-nodes"])
    assert module.done({"metadata": {"generation": 2}, "status": status}) is done
