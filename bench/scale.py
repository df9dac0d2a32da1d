"""The operator with 1,000 NodePools of ten clusters, over a cloud that keeps state only and is done at once.

It may write to ARM as fast as it can: at Azure's own pace (10 writes a second after a burst of 200) the pools alone would
take 80 s, whoever writes them.
"""

import time
from collections.abc import Iterator

from bench.figures import Figure, at_most, below, plain
from bench.worlds import Site, all_ready, quiet, site
from tests.cluster.desk import SIZE

CLUSTERS = 10
POOLS = 100
"""Azure takes no more of one cluster."""
REST_SECONDS = 120.0


def figures() -> Iterator[Figure]:
    """See the module."""
    with site("scale", speed="instant", reads_per_second=1000, writes_per_second=1000) as here:
        here.office.operator.start()
        here.desk.open()
        here.desk.ready("CloudAccount", "default")
        for cluster in range(CLUSTERS):
            here.desk.cluster(f"c{cluster}")
            _pool(here, cluster, 0, "System")
        all_ready(here, "ManagedCluster", 60.0)
        all_ready(here, "NodePool", 60.0)
        count = CLUSTERS * (POOLS - 1)
        before, processor, began = here.requests(), here.processor(), time.monotonic()
        for number in range(1, POOLS):
            for cluster in range(CLUSTERS):
                _pool(here, cluster, number, "User")
        yield plain(f"scale: {count} pools applied", time.monotonic() - began, "s")
        all_ready(here, "NodePool", 600.0)
        yield below(40, f"scale: {count} pools applied and Ready", time.monotonic() - began, "s")
        yield plain("scale: processor time for each pool", (here.processor() - processor) / count * 1000, "ms")
        after = here.requests()
        yield plain("scale: writes to ARM for each pool", (after["writes"] - before["writes"]) / count, "")
        yield plain("scale: reads of ARM for each pool", (after["reads"] - before["reads"]) / count, "")
        yield below(150, "scale: operator's memory", here.resident(), "MiB")
        yield from _at_rest(here)
        yield from _restart(here)


def _pool(here: Site, cluster: int, number: int, mode: str) -> None:
    name = f"c{cluster}p{number}"
    here.desk.pool(name, clusterRef={"name": f"c{cluster}"}, mode=mode, vmSize=SIZE)


def _at_rest(here: Site) -> Iterator[Figure]:
    quiet(here)
    before, processor, patches, began = here.requests(), here.processor(), here.patches(), time.monotonic()
    time.sleep(REST_SECONDS)
    passed = time.monotonic() - began
    after = here.requests()
    yield at_most(20, "scale: reads of ARM a minute at rest", (after["reads"] - before["reads"]) / passed * 60, "")
    yield at_most(0, "scale: writes to ARM at rest", after["writes"] - before["writes"], "")
    yield at_most(0, "scale: status patches at rest", here.patches() - patches, "")
    yield below(0.2, "scale: processor at rest", (here.processor() - processor) / passed * 100, "% of a core")
    yield below(150, "scale: operator's memory at rest", here.resident(), "MiB")


def _restart(here: Site) -> Iterator[Figure]:
    versions = here.desk.versions()
    here.office.operator.kill()
    began = time.monotonic()
    here.office.operator.start()
    since = quiet(here)
    yield below(15, "scale: restart (kill -9) to quiet", time.monotonic() - began - since, "s")
    yield plain("scale: reads of ARM at a restart", here.requests()["reads"], "")
    yield at_most(0, "scale: writes to ARM at a restart", here.requests()["writes"], "")
    yield at_most(0, "scale: status patches at a restart", here.patches(), "")
    changed = sum(1 for name, version in here.desk.versions().items() if versions.get(name) != version)
    yield at_most(0, "scale: objects changed by a restart", changed, "")
