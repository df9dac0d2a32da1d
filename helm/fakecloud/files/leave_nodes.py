"""Before `helm uninstall`: the agents take everything of theirs off the nodes.

Runs as a Job in the release's namespace. Turns the DaemonSet's pods into ones that clean their node first and then do
nothing, and waits until each node has such a pod: only then may helm delete the DaemonSet. Only Python's standard library.
"""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

IDENTITY = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PATIENCE_SECONDS = 120.0
IDLE = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); signal.pause()"


def call(method: str, path: str, body: object = None) -> dict:
    """The API server's answer; an empty one for 404."""
    server = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    headers = {"Authorization": f"Bearer {(IDENTITY / 'token').read_text()}", "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/strategic-merge-patch+json"
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(server + path, method=method, headers=headers, data=data)  # noqa: S310  # always https
    context = ssl.create_default_context(cafile=str(IDENTITY / "ca.crt"))
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:  # noqa: S310  # as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return {}
        raise


def leaving(daemonset: dict) -> dict:
    """The patch that makes each pod clean its node and then idle."""
    (agent,) = daemonset["spec"]["template"]["spec"]["containers"]
    remove = {**agent, "name": "remove", "args": ["agent", "--remove", "--node=$(NODE_NAME)"]}
    idle = {"name": agent["name"], "command": ["python3", "-c", IDLE], "args": None}
    return {"spec": {"template": {"spec": {"initContainers": [remove], "containers": [idle]}}}}


def done(daemonset: dict) -> bool:
    """Whether every node is clean."""
    status = daemonset["status"]
    seen = status.get("observedGeneration", 0) >= daemonset["metadata"]["generation"]
    wanted = status.get("desiredNumberScheduled", 0)
    return seen and status.get("updatedNumberScheduled", 0) == status.get("numberReady", 0) == wanted


def main() -> None:
    """Ends with 1 and a sentence when it could not be done."""
    path = f"/apis/apps/v1/namespaces/{os.environ['NAMESPACE']}/daemonsets/fakecloud-agent"
    daemonset = call("GET", path)
    if daemonset:
        call("PATCH", path, leaving(daemonset))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not done(call("GET", path)):
            if time.monotonic() > deadline:
                sys.exit("not every node is clean: kubectl -n $NAMESPACE get pods -l app.kubernetes.io/component=agent")
            time.sleep(1)


if __name__ == "__main__":
    main()
