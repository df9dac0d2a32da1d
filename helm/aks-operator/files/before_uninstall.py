"""Before `helm uninstall`: nothing is left that waits for the operator, and the chart's own account is gone.

Runs as a Job in the release's namespace, told by the environment: NAMESPACES (of the objects, separated by commas; none:
all), ACCOUNT (namespace/name of the CloudAccount that the chart made, if it did). Ends with 1 and a message when objects
are left. Only Python's standard library.
"""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

GROUP = "/apis/aks-operator.io/v1alpha1"
KINDS = (
    "serviceexposures",
    "nodepools",
    "managedclusters",
    "dnszones",
    "virtualnetworks",
    "logworkspaces",
    "cloudaccounts",
)
FINALIZER = "aks-operator.io/finalizer"
IDENTITY = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PATIENCE_SECONDS = 120.0


def call(method: str, path: str) -> dict:
    """The API server's answer; an empty one for 404."""
    server = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    headers = {"Authorization": f"Bearer {(IDENTITY / 'token').read_text()}", "Accept": "application/json"}
    request = urllib.request.Request(server + path, method=method, headers=headers)  # noqa: S310  # always https
    context = ssl.create_default_context(cafile=str(IDENTITY / "ca.crt"))
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:  # noqa: S310  # as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return {}
        raise


def left(namespaces: list[str], account: str) -> list[str]:
    """What the operator still holds by its finalizer, as kind namespace/name; all but the chart's own account."""
    found = []
    for kind in KINDS:
        for scope in [f"/namespaces/{namespace}" for namespace in namespaces] or [""]:
            for item in call("GET", f"{GROUP}{scope}/{kind}").get("items") or ():
                meta = item["metadata"]
                name = f"{meta['namespace']}/{meta['name']}"
                if FINALIZER in (meta.get("finalizers") or ()) and (kind, name) != ("cloudaccounts", account):
                    found.append(f"{kind} {name}")
    return found


def main() -> None:
    """Ends with 1 and a sentence when it could not be done."""
    account = os.environ.get("ACCOUNT", "")
    objects = left([name for name in os.environ.get("NAMESPACES", "").split(",") if name], account)
    if objects:
        sys.exit(
            f"{len(objects)} objects are left, and without the operator nobody cleans up after them: {', '.join(objects[:10])}"
            f"{' …' if len(objects) > 10 else ''}. Delete them first (kubectl get aks -A); or, to leave them and Azure as they"
            " are, stop the operator and let it go of them: aks-operator detach (docs/runbook.md, Uninstalling)."
        )
    if account:
        namespace, name = account.split("/")
        path = f"{GROUP}/namespaces/{namespace}/cloudaccounts/{name}"
        call("DELETE", path)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while call("GET", path):  # its finalizer is the operator's
            if time.monotonic() > deadline:
                sys.exit(
                    f"CloudAccount {account} does not go: kubectl -n {namespace} describe cloudaccount {name} says why"
                )
            time.sleep(1)


if __name__ == "__main__":
    main()
