"""Token buckets: what they let pass in a time, and that they do not grow for ever."""

from hypothesis import given
from hypothesis import strategies as st

from fakecloud.arm import throttling
from fakecloud.arm.errors import ArmError
from fakecloud.arm.ids import parse
from fakecloud.arm.throttling import Throttle

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"


def admitted(throttle: Throttle) -> bool:
    """Whether a write passes."""
    try:
        throttle.admit("PUT", SUBSCRIPTION, "me")
    except ArmError as refusal:
        return not (refusal.status == 429 and int(refusal.headers["Retry-After"]) >= 1)
    return True


@given(
    pauses=st.lists(st.floats(0, 30), max_size=40),
    at_once=st.integers(1, 300),
    factor=st.sampled_from([0.01, 0.5, 1.0, 2.0]),
)
def test_in_no_time_more_pass_than_the_bucket_holds_and_what_comes_back(
    pauses: list[float], at_once: int, factor: float
) -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0], factor)
    passed = 0
    for pause in (*pauses, 0.0):
        passed += sum(admitted(throttle) for _ in range(at_once))
        limit = throttling.CALLER["writes"]
        assert passed <= max(1.0, limit.size * factor) + now[0] * limit.refill * factor + 1e-6
        now[0] += pause


@given(factor=st.sampled_from([0.01, 0.1, 1.0]))
def test_who_waits_as_told_passes(factor: float) -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0], factor)
    for _ in range(500):
        try:
            throttle.admit("PUT", SUBSCRIPTION, "me")
        except ArmError as refusal:
            now[0] += float(refusal.headers["Retry-After"])
            assert admitted(throttle)


def test_off_means_that_all_pass_and_nothing_is_kept() -> None:
    throttle = Throttle(lambda: 0.0, None)
    assert all(admitted(throttle) for _ in range(1000))
    assert throttle._buckets == {}


def test_buckets_that_are_full_again_are_forgotten() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0], 100.0)
    for n in range(3 * throttling.MANY):
        path = (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c{n}"
        )
        target = parse(path)
        assert target is not None
        throttle.admit_at_provider("GET", target)
        now[0] += 1.0
    assert len(throttle._buckets) <= throttling.MANY + 2
