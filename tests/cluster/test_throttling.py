"""A cloud that takes few requests: the operator waits as it is told, and the shop comes about all the same."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api import Api
from tests.cluster.desk import Desk
from tests.cluster.operators import Operator
from tests.contract.cloud import Arm, Cloud

FACTOR = "0.1"
"""Of Azure's limits: 25 reads and 20 writes at once, two PUTs of a cluster, six lists of pools."""
DEADLINE = 240.0


@pytest.fixture
def desk(api: Api, kubeconfig: str, tmp_path: Path) -> Iterator[Desk]:
    cloud = Cloud(tmp_path / "cloud", "480", "--levers", "--kubeconfig", kubeconfig, "--throttle", FACTOR)
    arm = Arm(cloud)
    made = Desk(api, arm, f"t{uuid.uuid4().hex[:6]}")
    made.open()
    operator = Operator(
        kubeconfig,
        tmp_path,
        made.namespace,
        [],
        cloud.endpoint,
        drift_interval_seconds=20,
        reads_per_second=25,
        writes_per_second=10,
    ).start()
    yield made
    errors = operator.errors()
    operator.stop()
    made.abandon()
    arm.close()
    cloud.stop()
    assert errors == []


@pytest.mark.timeout(600)
def test_a_shop_comes_about_in_a_cloud_that_throttles(desk: Desk) -> None:
    desk.cluster()
    desk.pool()
    desk.pool("web")
    desk.zone()
    desk.exposure(dns={"zoneRef": {"name": "zone"}, "name": "www"})
    for kind, name in (
        ("DNSZone", "zone"),
        ("ManagedCluster", "shop"),
        ("NodePool", "system"),
        ("NodePool", "web"),
        ("ServiceExposure", "web"),
    ):
        desk.ready(kind, name, DEADLINE)
    entries = [e for e in desk.arm.journal()["entries"] if e["agent"].startswith("azsdk-python-")]
    throttled = [e for e in entries if e["status"] == 429]
    assert throttled, "it was throttled"
    assert len(throttled) < len(entries) / 2, "it waits as it is told, and does not ask all the while"
    doubled = [path for path in (w.lower() for w in desk.writes("managedclusters/shop")) if path.startswith("put")]
    assert len(doubled) == len(set(doubled)), "nothing was written twice"
