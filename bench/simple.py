"""The operator with 1,000 DNSZones in one group: resources that Azure makes at once, so that what is slow is the operator."""

import os
import time
from collections.abc import Iterator

from bench.figures import Figure, below, plain
from bench.scale import at_rest, restart
from bench.worlds import all_ready, site

ZONES = int(os.environ.get("BENCH_ZONES", "1000"))


def figures() -> Iterator[Figure]:
    """See the module."""
    with site("simple", speed="instant", reads_per_second=1000, writes_per_second=1000) as here:
        here.office.operator.start()
        here.desk.open()
        here.desk.ready("CloudAccount", "default")
        before, processor, began = here.requests(), here.processor(), time.monotonic()
        for number in range(ZONES):
            here.desk.zone(f"z{number}", zone=f"z{number}.example")
        all_ready(here, "DNSZone", 600.0)
        yield below(40, f"simple: {ZONES} zones applied and Ready", time.monotonic() - began, "s")
        yield plain("simple: processor time for each zone", (here.processor() - processor) / ZONES * 1000, "ms")
        after = here.requests()
        yield plain("simple: writes to ARM for each zone", (after["writes"] - before["writes"]) / ZONES, "")
        yield plain("simple: reads of ARM for each zone", (after["reads"] - before["reads"]) / ZONES, "")
        yield below(150, "simple: operator's memory", here.resident(), "MiB")
        yield from at_rest(here, "simple")
        yield from restart(here, "simple")
