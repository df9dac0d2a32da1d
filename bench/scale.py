"""The operator with 1,000 NodePools of ten clusters, over a cloud that keeps state only and is done at once.

Azure does one operation on a cluster at a time, so its pools are made one after the other, each with a poll between.
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
    with site(
        "scale", speed="instant", poll_interval_seconds=0.5, reads_per_second=1000, writes_per_second=1000
    ) as here:
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
        yield plain(f"scale: {count} pools applied and Ready", time.monotonic() - began, "s")
        yield plain("scale: processor time for each pool", (here.processor() - processor) / count * 1000, "ms")
        after = here.requests()
        yield plain("scale: writes to ARM for each pool", (after["writes"] - before["writes"]) / count, "")
        yield plain("scale: reads of ARM for each pool", (after["reads"] - before["reads"]) / count, "")
        yield below(150, "scale: operator's memory", here.resident(), "MiB")
        yield from at_rest(here, "scale")
        yield from restart(here, "scale")


def _pool(here: Site, cluster: int, number: int, mode: str) -> None:
    name = f"c{cluster}p{number}"
    here.desk.pool(name, clusterRef={"name": f"c{cluster}"}, mode=mode, vmSize=SIZE)


def at_rest(here: Site, subject: str) -> Iterator[Figure]:
    """What it costs when nothing happens."""
    quiet(here)
    before, processor, patches, began = here.requests(), here.processor(), here.patches(), time.monotonic()
    time.sleep(REST_SECONDS)
    passed = time.monotonic() - began
    after = here.requests()
    yield at_most(20, f"{subject}: reads of ARM a minute at rest", (after["reads"] - before["reads"]) / passed * 60, "")
    yield at_most(0, f"{subject}: writes to ARM at rest", after["writes"] - before["writes"], "")
    yield at_most(0, f"{subject}: status patches at rest", here.patches() - patches, "")
    yield below(0.2, f"{subject}: processor at rest", (here.processor() - processor) / passed * 100, "% of a core")
    yield below(150, f"{subject}: operator's memory at rest", here.resident(), "MiB")


def restart(here: Site, subject: str) -> Iterator[Figure]:
    """What it costs to be killed and start again."""
    versions = here.desk.versions()
    here.office.operator.kill()
    began = time.monotonic()
    here.office.operator.start()
    since = quiet(here)
    yield below(15, f"{subject}: restart (kill -9) to quiet", time.monotonic() - began - since, "s")
    yield plain(f"{subject}: reads of ARM at a restart", here.requests()["reads"], "")
    yield at_most(0, f"{subject}: writes to ARM at a restart", here.requests()["writes"], "")
    yield at_most(0, f"{subject}: status patches at a restart", here.patches(), "")
    changed = sum(1 for name, version in here.desk.versions().items() if versions.get(name) != version)
    yield at_most(0, f"{subject}: objects changed by a restart", changed, "")
