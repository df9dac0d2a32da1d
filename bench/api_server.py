"""What our CRDs cost an API server: its memory before and after they are there, and have been read."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from bench.figures import Figure, below, plain
from hack import controlplane
from tests.cluster.api import GROUP, PLURALS, Api
from tests.contract.cloud import until

CRDS = Path(__file__).parents[1] / "crds"
COLLECTION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MIB = 2**20
QUIET_SECONDS = 20.0
"""How long the server is watched: its memory falls as its collector gets round to it, and the least counts."""


def figures() -> Iterator[Figure]:
    """Resident memory and live heap, in MiB more than without the CRDs."""
    with controlplane.running("bench-api-server") as kubeconfig:
        api = Api(str(kubeconfig))
        _read_documents(api)
        before = _memory(api)
        for path in sorted(CRDS.glob("*.yaml")):
            api.create(COLLECTION, yaml.safe_load(path.read_text()))
        for plural in PLURALS.values():
            until(f"{plural} are served", lambda path=f"{GROUP}/{plural}": api("GET", path).status == 200 or None)  # type: ignore[misc]  # a default binds the loop's value
        _read_documents(api)
        after = _memory(api)
        api.close()
    yield below(20, "api_server: resident memory for all CRDs", (after[0] - before[0]) / MIB, "MiB")
    yield below(20, "api_server: live heap for all CRDs", (after[1] - before[1]) / MIB, "MiB")
    yield plain("api_server: resident memory without them", before[0] / MIB, "MiB")


def _read_documents(api: Api) -> None:
    """As kubectl does: the server makes these when they are asked for."""
    for path in ("/openapi/v2", "/openapi/v3", f"/openapi/v3{GROUP}", "/apis"):
        api("GET", path)


def _memory(api: Api) -> tuple[float, float]:
    """Least resident memory and least live heap, in bytes, of some seconds with a collection in each."""
    resident, heap = [], []
    end = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < end:
        api("GET", "/debug/pprof/heap?gc=1&debug=1", accept="*/*")
        metrics = str(api("GET", "/metrics", accept="*/*").body["message"])
        resident.append(_sample(metrics, "process_resident_memory_bytes"))
        heap.append(_sample(metrics, "go_memstats_heap_alloc_bytes"))
        time.sleep(1.0)  # between two samples
    return min(resident), min(heap)


def _sample(metrics: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", metrics, re.MULTILINE)
    assert found is not None, name
    return float(found[1])
