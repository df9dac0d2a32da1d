"""The operator with examples/shop: memory, requests to ARM, and how soon an applied object is taken up."""

import statistics
import time
from collections.abc import Iterator

from bench.figures import Figure, at_most, below, plain
from bench.worlds import Site, probed, quiet, shop, site
from tests.cluster.api import path_of
from tests.contract.cloud import until

APPLIES = 30
REST_SECONDS = 30.0


def figures() -> Iterator[Figure]:
    """See the module."""
    with site("shop", machines=3, poll_interval_seconds=1) as here:
        here.office.operator.start()
        time.sleep(3.0)  # what it does after its start is a part of idle memory
        yield below(150, "shop: operator's memory, idle", here.resident(), "MiB")
        yield from _whole_shop(here)
        yield from _first_request(here)


def _whole_shop(here: Site) -> Iterator[Figure]:
    here.desk.open()
    here.desk.ready("CloudAccount", "default")
    before, began = here.requests(), time.monotonic()
    for kind, name in shop(here):
        here.desk.ready(kind, name, 90.0)
    yield plain("shop: time to Ready, cloud 240 times faster", time.monotonic() - began, "s")
    after = here.requests()
    reads, writes, polls = (after[kind] - before[kind] for kind in ("reads", "writes", "polls"))
    made = len(_created(here))
    yield plain("shop: resources created", made, "")
    yield plain("shop: writes to ARM for each of them", writes / made, "")
    yield plain("shop: reads of ARM for each of them", reads / made, "")
    yield plain("shop: polls of operations for each of them", polls / made, "")
    yield below(150, "shop: operator's memory with the shop", here.resident(), "MiB")
    probed(here)
    quiet(here)
    writes, patches = here.requests()["writes"], here.patches()
    time.sleep(REST_SECONDS)
    yield at_most(0, f"shop: writes to ARM in {REST_SECONDS:.0f} s at rest", here.requests()["writes"] - writes, "")
    yield at_most(0, f"shop: status patches in {REST_SECONDS:.0f} s at rest", here.patches() - patches, "")


def _created(here: Site) -> set[str]:
    """Ids that ARM took a PUT of with 201 or 202."""
    entries = here.desk.arm.journal(0)["entries"]
    return {e["path"].lower() for e in entries if e["method"] == "PUT" and e["status"] in {201, 202}}


def _first_request(here: Site) -> Iterator[Figure]:
    """A zone each in a group of its own: the group's name in a path of ARM's journal is the first that was done for it."""
    waits = []
    for number in range(APPLIES):
        group = f"first-{number}"
        since = here.desk.arm.journal(10**12)["last"]
        body = {
            "apiVersion": "aks-operator.io/v1alpha1",
            "kind": "DNSZone",
            "metadata": {"name": group},
            "spec": {"resourceGroup": group, "zone": f"{group}.example"},
        }
        began = time.time()
        here.api.create(path_of("DNSZone", here.desk.namespace), body)

        def look(group: str = group, since: int = since) -> float | None:
            entries = here.desk.arm.journal(since)["entries"]
            return next((e["began"] for e in entries if f"/{group}" in e["path"]), None)

        waits.append(until(f"ARM hears of {group}", look) - began)
        here.desk.ready("DNSZone", group)
    yield below(0.3, f"shop: apply to first request, median of {APPLIES}", statistics.median(waits), "s")
    yield plain(f"shop: apply to first request, worst of {APPLIES}", max(waits), "s")
