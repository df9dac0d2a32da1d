"""The API budget: who may take the last tokens, and what the cloud's own word does to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_operator.cloud.budget import Bucket, Budget
from aks_operator.port import PRIORITY, Priority, Throttled


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(bucket: Bucket, priority: Priority) -> int:
    """How many tokens work of this priority gets at once."""
    count = 0
    while bucket.wait(priority) == 0 and count < 10_000:
        count += 1
    return count


@pytest.mark.parametrize(("priority", "gets"), [(Priority.CHANGE, 200), (Priority.POLL, 180), (Priority.DRIFT, 140)])
def test_less_urgent_work_leaves_tokens_to_more_urgent_work(priority: Priority, gets: int) -> None:
    assert taken(Bucket(10, Clock()), priority) == gets


def test_a_users_change_goes_through_when_drift_checks_have_taken_their_part() -> None:
    bucket = Bucket(10, Clock())
    taken(bucket, Priority.DRIFT)
    assert bucket.wait(Priority.DRIFT) > 0
    assert bucket.wait(Priority.CHANGE) == 0


@given(rate=st.floats(0.01, 100), priority=st.sampled_from(Priority), steps=st.lists(st.floats(0, 30), max_size=20))
def test_the_pace_is_kept_and_whoever_waits_as_told_is_served(
    rate: float, priority: Priority, steps: list[float]
) -> None:
    clock = Clock()
    bucket = Bucket(rate, clock)
    burst = max(1.0, rate * 20)
    served = 0
    for step in steps:
        clock.now += step
        served += taken(bucket, priority)
        assert served <= burst + clock.now * rate + 1e-6
    wait = bucket.wait(priority)
    clock.now += wait + 1e-6
    assert wait == 0 or bucket.wait(priority) == 0


def test_the_clouds_word_lowers_what_we_believe_in_and_never_raises_it() -> None:
    clock = Clock()
    budget = Budget(10, 10, clock)
    budget.heard({"x-ms-ratelimit-remaining-subscription-writes": "2", "X-MS-RateLimit-Remaining-Tenant-Reads": "9000"})
    assert budget.remaining == {"writes": 2, "reads": 9000}
    assert taken(budget._buckets["writes"], Priority.CHANGE) == 2
    assert taken(budget._buckets["reads"], Priority.CHANGE) == 200


def test_of_several_limits_the_smallest_counts() -> None:
    budget = Budget(10, 10, Clock())
    budget.heard(
        {
            "x-ms-ratelimit-remaining-subscription-global-reads": "16499",
            "x-ms-ratelimit-remaining-subscription-reads": "199",
            "x-ms-request-id": "1",
        }
    )
    assert budget.remaining == {"reads": 199}


@pytest.mark.parametrize("value", ["", "-1", "many", "1.5", "²"])
def test_nonsense_in_a_header_is_passed_over(value: str) -> None:
    budget = Budget(10, 10, Clock())
    budget.heard({"x-ms-ratelimit-remaining-subscription-reads": value})
    assert budget.remaining == {}


async def test_while_the_cloud_asks_to_wait_nobody_asks_it_anything() -> None:
    clock = Clock()
    budget = Budget(10, 10, clock)
    budget.throttled(30)
    budget.throttled(10)
    clock.now = 12.0
    with pytest.raises(Throttled) as told:
        await budget.acquire("reads")
    assert told.value.retry_after == 18.0
    clock.now = 30.0
    await budget.acquire("reads")
    assert budget.throttled_for == 0


async def test_the_priority_is_that_of_the_work_at_hand() -> None:
    budget = Budget(1, 1, Clock())
    token = PRIORITY.set(Priority.DRIFT)
    try:
        for _ in range(14):
            await budget.acquire("reads")
    finally:
        PRIORITY.reset(token)
    assert budget._buckets["reads"].wait(Priority.DRIFT) > 0
    await budget.acquire("reads")


def test_a_cloud_whose_bucket_is_smaller_than_ours_keeps_nobody_waiting() -> None:
    bucket = Bucket(500, Clock())
    bucket.at_most(249)
    assert bucket.wait(Priority.DRIFT) == 0
    bucket.at_most(74)  # of its own 249 these are less than the part that is left to more urgent work
    assert bucket.wait(Priority.DRIFT) > 0
    assert bucket.wait(Priority.POLL) == 0
