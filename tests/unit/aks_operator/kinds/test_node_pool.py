"""A pool's machines: who looks at them, and how often."""

import pytest

from aks_operator.api.common import NodeCounts
from aks_operator.kinds.node_pool import is_whole

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
    assert not is_whole(known, count)


def test_machines_of_a_pool_that_was_whole_may_wait_for_their_turn() -> None:
    assert is_whole(WHOLE, 3)
