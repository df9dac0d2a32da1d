"""What clusters use of quotas, where a real cloud would be too large to make."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakecloud.arm.errors import ArmError
from fakecloud.arm.operations import Operations
from fakecloud.arm.quotas import Quotas
from fakecloud.arm.types import RESOURCE, Context
from fakecloud.clock import Clock
from fakecloud.providers.containerservice import cores
from fakecloud.store import Body, Store

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[Context]:
    """An empty cloud."""
    store, clock = Store(tmp_path), Clock(1)
    yield Context(store, clock, Operations(store, clock))
    store.close()


def cluster(number: int, subscription: str = SUBSCRIPTION) -> tuple[str, str, Body]:
    """A cluster, as the store takes it."""
    id_ = f"/subscriptions/{subscription}/resourcegroups/g/providers/{cores.CLUSTERS}/c{number}"
    return RESOURCE, id_, {"id": id_, "type": cores.CLUSTERS, "location": "westeurope", "properties": {}}


def test_a_subscription_has_5000_clusters_when_nobody_says_otherwise(context: Context) -> None:
    context.store.write([cluster(n) for n in range(4999)])
    context.store.write([cluster(n, "22222222-2222-3333-4444-555555555555") for n in range(10)])
    cores.check_clusters(context, SUBSCRIPTION)
    context.store.write([cluster(4999)])
    with pytest.raises(ArmError) as refused:
        cores.check_clusters(context, SUBSCRIPTION)
    assert refused.value.code == "QuotaExceeded"


def test_a_limit_of_a_region_stands_before_that_of_all() -> None:
    quotas = Quotas({"Cores": 10, "westeurope/cores": 4})
    assert (quotas.of("westeurope", "cores"), quotas.of("northeurope", "CORES")) == (4, 10)
    assert quotas.of("westeurope", "standardDSv5Family") is None
    quotas.set({})
    assert quotas.of("westeurope", "cores") is None
    quotas.reset()
    assert quotas.of("westeurope", "cores") == 4
