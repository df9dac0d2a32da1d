"""fakecloud with 10,000 resources, over TLS and with its state on disk: how fast, how soon, how large.

Processor times say what it would be on a machine that has nothing else to do.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, at_least, below, plain
from bench.load import PLACE, Load, Target, put_all, run
from tests.contract.cloud import API_VERSION, Arm, Cloud
from tests.levers import Levers

GROUPS, RECORDS = 1000, 8998
"""With the resource group and the zone: 10,000 resources."""
SECONDS = 10
LISTS = 15
STARTS = 5
VERSION = f"?api-version={API_VERSION}"
NETWORK = "/resourceGroups/bench/providers/Microsoft.Network"
RULE = {
    "properties": {
        "protocol": "Tcp",
        "access": "Allow",
        "direction": "Inbound",
        "priority": 1000,
        "description": PLACE,
        "sourceAddressPrefix": "198.51.100.0/24",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "80",
    }
}


def figures() -> Iterator[Figure]:
    """See the module."""
    with tempfile.TemporaryDirectory(prefix="bench-cloud-") as folder:
        times = []
        for n in range(STARTS):
            began = time.monotonic()
            cloud = Cloud(Path(folder) / str(n), "instant", "--levers")
            times.append(time.monotonic() - began)
            if n < STARTS - 1:
                cloud.stop()
        yield below(1, f"cloud: start, empty, median of {STARTS}", statistics.median(times), "s")
        try:
            yield from _measure(cloud)
        finally:
            cloud.stop()


def _measure(cloud: Cloud) -> Iterator[Figure]:
    arm = Arm(cloud)
    base = f"{cloud.endpoint}/subscriptions/{cloud.subscription}"
    arm.put("/resourceGroups/bench", {"location": "westeurope"})
    arm.put(f"{NETWORK}/dnsZones/bench.example", {"location": "global"})
    group = json.dumps({"location": "westeurope", "properties": {}})
    record = json.dumps({"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "203.0.113.1"}]}})
    groups = {f"{base}{NETWORK}/networkSecurityGroups/g{n}{VERSION}": group for n in range(GROUPS)}
    records = {f"{base}{NETWORK}/dnsZones/bench.example/A/r{n}{VERSION}": record for n in range(RECORDS)}
    yield plain("cloud: creations a second, the first thousand", _creations(groups, arm), "/s")
    half = dict(list(records.items())[: RECORDS // 2])
    yield plain("cloud: creations a second, the next half", _creations(half, arm), "/s")
    rest = {url: body for url, body in records.items() if url not in half}
    yield plain("cloud: creations a second, the last half", _creations(rest, arm), "/s")
    yield below(200, "cloud: memory with 10,000 resources", _resident(cloud), "MiB")
    url = f"{base}{NETWORK}/networkSecurityGroups/g{PLACE}"
    before = _processor(cloud)
    got = run(Target(url + VERSION, arm.token, cloud.ca, places=GROUPS), SECONDS)
    each = (_processor(cloud) - before) / (got.rate * SECONDS) * 1000
    yield at_least(1500, f"cloud: GET of a group, by {got.by}", _clean(got), "/s")
    yield below(25, "cloud: GET of a group, 99th percentile", got.p99, "ms")
    yield plain("cloud: GET of a group, processor time", each, "ms")
    rule = Target(f"{url}/securityRules/r{VERSION}", arm.token, cloud.ca, "PUT", json.dumps(RULE), GROUPS)
    before = _processor(cloud)
    put = run(rule, SECONDS)
    each = (_processor(cloud) - before) / (put.rate * SECONDS) * 1000
    yield at_least(400, f"cloud: PUT of a rule, by {put.by}", _clean(put), "/s")
    yield plain("cloud: PUT of a rule, 99th percentile", put.p99, "ms")
    yield plain("cloud: PUT of a rule, processor time", each, "ms")
    before = _processor(cloud)
    came, read = _list(arm)
    yield below(150, "cloud: list of 1,000 groups until it is there, median", came, "ms")
    yield plain("cloud: list of 1,000 groups until Python has read it, median", read, "ms")
    yield plain("cloud: list of 1,000 groups, processor time", (_processor(cloud) - before) / LISTS * 1000, "ms")
    yield below(200, "cloud: memory after the load", _resident(cloud), "MiB")
    yield from _snapshots(cloud)
    arm.close()
    times = []
    for _ in range(STARTS):
        cloud.kill()
        began = time.monotonic()
        cloud.start()
        times.append(time.monotonic() - began)
    name = f"cloud: start with 10,000 resources, after kill -9, median of {STARTS}"
    yield below(1, name, statistics.median(times), "s")


def _snapshots(cloud: Cloud) -> Iterator[Figure]:
    levers = Levers(cloud)
    levers.snapshot()
    levers.reset()
    began = time.monotonic()
    levers.restore()
    yield below(1, "cloud: load of a snapshot with 10,000 resources", time.monotonic() - began, "s")
    levers.forget("default")
    levers.close()


def _creations(bodies: dict[str, str], arm: Arm[Cloud]) -> float:
    began = time.monotonic()
    asyncio.run(put_all(bodies, arm.token, arm.cloud.ca))
    return len(bodies) / (time.monotonic() - began)


def _clean(load: Load) -> float:
    assert not load.refused, f"{load.refused} answers were refusals"
    return load.rate


def _list(arm: Arm[Cloud]) -> tuple[float, float]:
    """Of some full lists, every page of it: ms until the last byte was there, and until all was parsed too; medians."""
    came, read = [], []
    for _ in range(LISTS):
        found, url, waited, parsed = 0, f"{NETWORK}/networkSecurityGroups", 0.0, 0.0
        while url:
            began = time.monotonic()
            reply = arm.get(url)
            there = time.monotonic()
            body = reply.body
            waited += there - began
            parsed += time.monotonic() - there
            found += len(body["value"])
            url = body.get("nextLink", "")
        assert found == GROUPS, found
        came.append(waited * 1000)
        read.append((waited + parsed) * 1000)
    return statistics.median(came), statistics.median(read)


def _resident(cloud: Cloud) -> float:
    """The server's resident memory in MiB."""
    for line in Path(f"/proc/{cloud.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the server ended")


def _processor(cloud: Cloud) -> float:
    """Seconds of processor time that the server has had."""
    fields = Path(f"/proc/{cloud.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
