"""What is measured: an operator with an installation's own settings, over a fake cloud, on an API server without Docker."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hack import controlplane
from tests.cluster.api import GROUP, PLURALS, Api, Json, condition, path_of
from tests.cluster.desk import Desk
from tests.cluster.office import Machines, Office
from tests.contract.cloud import Arm, Cloud, until

ROOT = Path(__file__).parents[1]
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
HOME = "fakecloud"
PRODUCTION = {
    "watch_namespaces": "",
    "drift_interval_seconds": 60,
    "poll_interval_seconds": 10,
    "lease_seconds": 15,
    "reads_per_second": 25,
    "writes_per_second": 10,
    "pod_uid": "bench",
}
"""The settings' own defaults; the operators of tests are more eager. A container that starts again is of the same pod,
as the kubelet has it: its Lease is its own. A new pod would wait until the Lease has run out (15 s).
"""
MIB = 2**20


@dataclass(frozen=True)
class Site:
    """A place to measure in: `desk` is a namespace with an account, its resource group has the same name."""

    api: Api
    office: Office
    desk: Desk

    def resident(self) -> float:
        """The operator's resident memory in MiB."""
        return self.office.operator.count("process_resident_memory_bytes") / MIB

    def processor(self) -> float:
        """Seconds of processor time that the operator has had."""
        return self.office.operator.count("process_cpu_seconds_total")

    def requests(self) -> dict[str, float]:
        """The operator's requests to ARM so far: reads, writes, polls of operations."""
        counts = {"reads": 0.0, "writes": 0.0, "polls": 0.0}
        for labels, count in self.office.operator.metrics("aks_operator_arm_requests_total").items():
            kind = "writes" if 'verb="PUT"' in labels or 'verb="DELETE"' in labels else "reads"
            counts["polls" if 'type="operations"' in labels else kind] += count
        return counts

    def patches(self) -> float:
        """Status patches that the operator wrote so far."""
        return self.office.operator.count("aks_operator_status_patches_total")


@contextmanager
def site(name: str, *, speed: str = "240", machines: int = 0, **settings: object) -> Iterator[Site]:
    """An API server, a cloud (with `machines` free workers, or none and state only) and an operator to be started."""
    compile_all()
    with (
        tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as folder,
        controlplane.running(f"bench-{name}") as kubeconfig,
    ):
        api = Api(str(kubeconfig))
        install(api)
        options: tuple[str, ...] = ()
        if machines:
            api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
            Machines(api, HOME).add(machines)
            options = ("--compute", "host", "--kubeconfig", str(kubeconfig), "--api-server", api.server)
            options = (*options, "--publish-namespace", HOME)
        cloud = Cloud(Path(folder) / "cloud", speed, *options)
        arm = Arm(cloud)
        try:
            with Office(api, arm, str(kubeconfig), Path(folder), 1, **{**PRODUCTION, **settings}) as office:
                yield Site(api, office, Desk(api, arm, f"bench-{name}"))
        finally:
            arm.close()
            cloud.stop()
            api.close()


def compile_all() -> None:
    """Compile the SDK as the image's build does: a process that has to do it takes 200 MiB for that alone."""
    modules = ("containerservice", "dns", "network", "resource.resources")
    code = "import aks_operator.app\n" + "\n".join(f"import azure.mgmt.{name}.aio" for name in modules)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def install(api: Api) -> None:
    """Install the CRDs; on return they are served."""
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        api.create(CRDS, yaml.safe_load(path.read_text()))
    for plural in PLURALS.values():
        served(api, f"{GROUP}/{plural}")


def served(api: Api, path: str) -> None:
    """Returns when the API server serves a path; a new kind's is, a moment after its CRD was taken."""
    until(f"{path} is served", lambda: api("GET", path).status == 200 or None)


def shop(site: Site) -> list[tuple[str, str]]:
    """Apply our objects of examples/shop; their kinds and names."""
    applied = []
    for path in sorted((ROOT / "examples" / "shop").glob("*.yaml")):
        for body in yaml.safe_load_all(path.read_text()):
            if body["kind"] in PLURALS:
                site.api.create(path_of(body["kind"], site.desk.namespace), body)
                applied.append((body["kind"], body["metadata"]["name"]))
    return applied


def all_ready(site: Site, kind: str, deadline: float) -> None:
    """Returns when every object of a kind is Ready in its present generation."""

    def look() -> bool | None:
        bodies = site.api.items(path_of(kind, site.desk.namespace))
        return all(is_ready(body) for body in bodies) or None

    until(f"every {kind} is Ready", lambda: _slowly(look), deadline)


def is_ready(body: Json) -> bool:
    """Whether an object is Ready in its present generation."""
    now = condition(body)
    return now.get("status") == "True" and now.get("observedGeneration") == body["metadata"]["generation"]


def probed(site: Site, deadline: float = 60.0) -> None:
    """Returns when every exposure says which of its backends answer: as long as probes have not told, nobody rests."""

    def look() -> bool | None:
        bodies = site.api.items(path_of("ServiceExposure", site.desk.namespace))
        return all("healthy" in body["status"].get("backends", {}) for body in bodies) or None

    until("every exposure knows its backends' health", lambda: _slowly(look), deadline)


def quiet(site: Site, seconds: float = 3.0, deadline: float = 120.0) -> float:
    """Returns when the operator sent ARM nothing for `seconds`: how long ago its last request was made, at least."""
    last: list[Any] = [None, time.monotonic()]

    def look() -> bool | None:
        now = sum(site.requests().values())
        if now != last[0]:
            last[:] = [now, time.monotonic()]
        return time.monotonic() - last[1] > seconds or None

    until("the operator rests", lambda: _slowly(look), deadline)
    return time.monotonic() - float(last[1])


def _slowly(look: Any) -> Any:
    """Looking takes of the time of what is looked at."""
    time.sleep(0.25)
    return look()
