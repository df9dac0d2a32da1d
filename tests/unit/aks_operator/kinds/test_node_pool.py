"""A pool's machines: who looks at them, and how often."""

import pytest

from aks_operator.api.common import NodeCounts
from aks_operator.kinds.node_pool import LOOKS, spared

WHOLE = NodeCounts(summary="3/3", ready=3, wanted=3)


@pytest.mark.parametrize(
    ("known", "count"),
    [
        pytest.param(None, 3, id="never counted, or something is under way"),
        pytest.param(NodeCounts(ready=2, wanted=3), 3, id="one was missing"),
        pytest.param(WHOLE, 4, id="Azure has another number now"),
    ],
)
def test_machines_are_looked_at_while_something_is_open(known: NodeCounts | None, count: int) -> None:
    assert not any(spared(known, count, 1000, chance / 100) for chance in range(100))


@pytest.mark.parametrize("objects", [1, LOOKS])
def test_few_pools_look_every_time(objects: int) -> None:
    assert not any(spared(WHOLE, 3, objects, chance / 100) for chance in range(100))


def test_many_pools_take_turns() -> None:
    looks = sum(not spared(WHOLE, 3, 1000, chance / 1000) for chance in range(1000))
    assert looks == LOOKS
