"""The demo's kind cluster as a user has it: kubectl, a visitor outside of it, and the fake cloud's ARM."""

import json
import os
import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.contract import cloud
from tests.contract.cloud import Account, Arm

ROOT = Path(__file__).parents[2]
NAMESPACE = "aks-operator"
CLUSTER = "aks-operator"
TIMED_OUT = 7
"""hack/visit's exit code when nobody answers."""
T = TypeVar("T")


def until(what: str, look: Callable[[], T | None], seconds: float = 60.0) -> T:
    """See `cloud.until`: here each look is a program or two."""
    return cloud.until(what, look, seconds, pause=0.3)


class Kubectl:
    """kubectl in one context, whatever the user's current one is."""

    def __init__(self, context: str) -> None:
        self.context = context

    def try_(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run it; the caller looks at what came of it."""
        command = ["kubectl", "--context", self.context, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=400, check=False)

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Its output; fails with what it said when it does."""
        ended = self.try_(*arguments, stdin=stdin)
        assert ended.returncode == 0, f"kubectl {' '.join(arguments)}: {ended.stderr}"
        return ended.stdout

    def get(self, what: str, *arguments: str) -> dict[str, Any]:
        """An object, or a list of them."""
        found: dict[str, Any] = json.loads(self("get", what, *arguments, "-o", "json"))
        return found

    def wait(self, condition: str, *what: str, seconds: int = 120) -> None:
        """Until the condition holds for all of them."""
        self("wait", f"--for={condition}", f"--timeout={seconds}s", *what)

    def ready(self, what: str) -> dict[str, str]:
        """An object's condition Ready; empty while it has none."""
        conditions = self.get(what).get("status", {}).get("conditions", [])
        return next((c for c in conditions if c["type"] == "Ready"), {})


def visit(url: str, source: str) -> tuple[int, str]:
    """hack/visit's exit code and the page: a client outside of the cluster, from one of its addresses."""
    ended = subprocess.run([ROOT / "hack/visit", url, source], capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stdout


def on_node(node: str, *command: str) -> str:
    """What a command prints in a node's container."""
    return subprocess.run(
        ["docker", "exec", node, *command], capture_output=True, text=True, timeout=60, check=True
    ).stdout


def resolve(name: str) -> list[str]:
    """The IPv4 addresses that the visitor's resolver, the fake cloud's DNS server, gives for a name."""
    code = f"import socket; print(*sorted({{a[4][0] for a in socket.getaddrinfo({name!r}, 80, socket.AF_INET)}}))"
    command = ["docker", "exec", f"{CLUSTER}-visitor", "python3", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.split()


class RemoteAccount(Account):
    """The fake cloud in the cluster, by a forwarded port."""

    def __init__(self, kubectl: Kubectl, port: int, folder: Path) -> None:
        document = kubectl("-n", NAMESPACE, "exec", "fakecloud-0", "--", "cat", "/var/lib/fakecloud/account.json")
        self.values = json.loads(document) | {"endpoint": f"https://localhost:{port}"}
        secret = kubectl.get("secret/fakecloud-tls", "-n", NAMESPACE)
        self.authority = folder / "ca.crt"
        self.authority.write_bytes(b64decode(secret["data"]["ca.crt"]))

    def account(self) -> dict[str, Any]:
        """See Account."""
        return dict(self.values)

    @property
    def ca(self) -> str:
        """See Account."""
        return str(self.authority)


@contextmanager
def forwarded(kubectl: Kubectl) -> Iterator[int]:
    """A local port that leads to the fake cloud's ARM."""
    command = ["kubectl", "--context", kubectl.context, "-n", NAMESPACE, "port-forward", "service/fakecloud", ":443"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()  # "Forwarding from 127.0.0.1:PORT -> 8443"
        assert line.startswith("Forwarding"), line
        yield int(line.split(":")[1].split(" ")[0])
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


class Site:
    """The demo's cluster."""

    def __init__(self, kubectl: Kubectl, arm: Arm[RemoteAccount]) -> None:
        self.kubectl = kubectl
        self.arm = arm

    def writes(self, after: int) -> list[str]:
        """The operator's writes since entry `after` of the journal."""
        entries = self.arm.journal(after)["entries"]
        return [f"{e['method']} {e['path']}" for e in entries if e["method"] in {"PUT", "PATCH", "DELETE"}]

    def groups(self) -> list[str]:
        """Names of the subscription's resource groups."""
        return [group["name"] for group in self.arm.get("/resourceGroups").body["value"]]

    def resources(self, type_: str) -> list[dict[str, Any]]:
        """All resources of a type, in whatever group."""
        return list(self.arm.get(f"/providers/{type_}").body["value"])

    def pools(self) -> dict[str, list[str]]:
        """Kubernetes nodes by agent pool; "" are the free ones."""
        found: dict[str, list[str]] = {}
        for node in self.kubectl.get("nodes", "-l", "!node-role.kubernetes.io/control-plane")["items"]:
            pool = node["metadata"]["labels"].get("kubernetes.azure.com/agentpool", "")
            found.setdefault(pool, []).append(node["metadata"]["name"])
        return found

    def pods(self) -> dict[str, str]:
        """Node by ready pod of the shop's page."""
        items = self.kubectl.get("pods", "-l", "app=web")["items"]
        return {
            pod["metadata"]["name"]: pod["spec"]["nodeName"]
            for pod in items
            if "deletionTimestamp" not in pod["metadata"]
            and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
        }


def context() -> str:
    """The context to test in, from AKS_OPERATOR_E2E_CONTEXT; any but the demo's kind cluster is refused."""
    wanted = f"kind-{CLUSTER}"
    given = os.environ.get("AKS_OPERATOR_E2E_CONTEXT", wanted)
    assert given == wanted, f"AKS_OPERATOR_E2E_CONTEXT is {given!r}: these tests touch only {wanted!r}"
    found = subprocess.run(["kubectl", "config", "get-contexts", wanted], capture_output=True, check=False)
    assert found.returncode == 0, f"there is no context {wanted!r}: run `make e2e`, which makes the cluster"
    return wanted
