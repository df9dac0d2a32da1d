"""Shows that nothing is written at rest: `python -m bench.rest [--seconds 300] [--context kind-aks-operator]`.

Without a context: an API server, a cloud and an operator of its own, as plain processes, with examples/shop. With one: the
cluster of `make demo`, as it stands. Counted are writes in the fake cloud's journal, the operator's own count of status
patches, and objects of ours whose resourceVersion changed. The exit code is 1 if there was any.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from bench.worlds import Site, probed, quiet, shop, site
from tests.cluster.api import PLURALS
from tests.contract.cloud import Arm
from tests.e2e.kind import CLUSTER, NAMESPACE, Kubectl, RemoteAccount, forwarded
from tests.e2e.kind import Site as Demo

WRITES = frozenset({"PUT", "PATCH", "DELETE"})
"""POST asks for tokens, credentials and the health of backends."""
STATE = re.compile(r"^aks_operator_status_patches_total\{.*\} (\S+)$", re.MULTILINE)
LOOK_SECONDS = 10.0


class Place(Protocol):
    """Where it is shown."""

    def journal(self, after: int) -> Mapping[str, Any]:
        """The fake cloud's journal after an entry's number."""

    def patches(self) -> float:
        """Status patches that the operator wrote since it began."""

    def versions(self) -> Mapping[str, str]:
        """resourceVersion by object of ours."""


class OwnPlace:
    """Processes of our own."""

    def __init__(self, here: Site) -> None:
        self._here = here

    def journal(self, after: int) -> Mapping[str, Any]:
        """See Place."""
        return self._here.desk.arm.journal(after)

    def patches(self) -> float:
        """See Place."""
        return self._here.patches()

    def versions(self) -> Mapping[str, str]:
        """See Place."""
        return self._here.desk.versions()


class DemoPlace:
    """The demo's cluster."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo

    def journal(self, after: int) -> Mapping[str, Any]:
        """See Place."""
        return self._demo.arm.journal(after)

    def patches(self) -> float:
        """See Place. Of all the operator's pods: one works, others stand by."""
        pods = self._demo.kubectl.get("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=aks-operator")["items"]
        names = [pod["metadata"]["name"] for pod in pods if pod["status"].get("phase") == "Running"]
        # by its number: asked for a port by name, the API server of 1.37 panics
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/%s:8080/proxy/metrics"
        texts = [self._demo.kubectl("get", "--raw", path % name) for name in names]
        return sum(float(count) for text in texts for count in STATE.findall(text))

    def versions(self) -> Mapping[str, str]:
        """See Place."""
        found = self._demo.kubectl.get(",".join(PLURALS.values()), "--all-namespaces")["items"]
        return {
            f"{b['kind']} {b['metadata']['namespace']}/{b['metadata']['name']}": b["metadata"]["resourceVersion"]
            for b in found
        }


@contextmanager
def place(context: str | None) -> Iterator[Place]:
    """The demo's cluster, or one of our own with the shop, Ready and quiet."""
    if context:
        kubectl = Kubectl(context)
        with forwarded(kubectl) as port, tempfile.TemporaryDirectory() as folder:
            yield DemoPlace(Demo(kubectl, Arm(RemoteAccount(kubectl, port, Path(folder)))))
        return
    with site("rest", machines=3, poll_interval_seconds=1) as here:
        here.office.operator.start()
        here.desk.open()
        for kind, name in [("CloudAccount", "default"), *shop(here)]:
            here.desk.ready(kind, name, 120.0)
        probed(here)
        quiet(here)
        yield OwnPlace(here)


def watch(where: Place, seconds: float) -> list[str]:
    """What was written in that time, a line each; how many reads there were is said on the way."""
    began, since = time.monotonic(), int(where.journal(10**12)["last"])
    versions, patches = where.versions(), where.patches()
    while (passed := time.monotonic() - began) < seconds:
        time.sleep(min(LOOK_SECONDS, seconds - passed))
        entries = where.journal(since)["entries"]
        writes = sum(entry["method"] in WRITES for entry in entries)
        print(f"{time.monotonic() - began:6.0f} s: {len(entries) - writes} reads of ARM, {writes} writes", flush=True)
    found = [
        f"{e['method']} {e['path']}: {e['status']}" for e in where.journal(since)["entries"] if e["method"] in WRITES
    ]
    if (more := where.patches() - patches) != 0:
        found.append(f"{more:.0f} status patches")
    now = where.versions()
    return found + [f"{name} was written" for name in sorted({*versions, *now}) if versions.get(name) != now.get(name)]


def main(arguments: list[str]) -> int:
    """The exit code: 0 when nothing was written."""
    parser = argparse.ArgumentParser(prog="bench.rest", description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=300.0, help="how long to watch (default: 300)")
    parser.add_argument("--context", help=f"kubectl's context of the demo's cluster: kind-{CLUSTER}")
    options = parser.parse_args(arguments)
    with place(options.context) as where:
        found = watch(where, options.seconds)
    print("\n".join(found) or f"nothing was written in {options.seconds:.0f} s: no ARM resource, no status")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
