"""What the watches owe: when it is late, and when nothing is owed."""

import pytest

from aks_operator.canary import Canary

BOUND = 10.0


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def canary(clock: Clock) -> Canary:
    made = Canary(clock, BOUND)
    made.start()
    return made


def test_what_is_not_seen_within_the_bound_is_overdue(canary: Canary, clock: Clock) -> None:
    canary.wrote("a", "5")
    clock.now += BOUND
    assert canary.overdue() == []
    assert canary.lag == BOUND
    clock.now += 0.1
    assert canary.overdue() == ["a"]


@pytest.mark.parametrize("seen", ["5", "6"])
def test_what_is_seen_is_owed_no_more(canary: Canary, clock: Clock, seen: str) -> None:
    canary.wrote("a", "5")
    canary.saw("a", seen)
    clock.now += 2 * BOUND
    assert (canary.overdue(), canary.lag) == ([], 0.0)


def test_what_is_gone_is_owed_no_more(canary: Canary, clock: Clock) -> None:
    canary.wrote("a", "5")
    canary.wrote("b", "5")
    canary.gone("a")
    clock.now += 2 * BOUND
    assert canary.overdue() == ["b"]


def test_an_older_version_proves_that_the_watch_lives(canary: Canary, clock: Clock) -> None:
    canary.wrote("a", "5")
    clock.now += 8
    canary.wrote("a", "7")
    canary.saw("a", "5")
    clock.now += 8
    assert (canary.overdue(), canary.lag) == ([], 8.0)
    clock.now += 3
    assert canary.overdue() == ["a"]


def test_writing_again_and_again_does_not_put_it_off(canary: Canary, clock: Clock) -> None:
    for version in range(20):
        canary.wrote("a", str(version))
        clock.now += 1
    assert canary.overdue() == ["a"]


def test_time_counts_only_while_the_api_server_answers(canary: Canary, clock: Clock) -> None:
    canary.wrote("a", "5")
    for _ in range(10):
        clock.now += 8
        canary.interrupted()
    assert canary.overdue() == []
    clock.now += BOUND + 1
    assert canary.overdue() == ["a"]


def test_nothing_is_owed_before_the_watches_stand(clock: Clock) -> None:
    canary = Canary(clock, BOUND)
    canary.wrote("a", "5")
    clock.now += 2 * BOUND
    assert (canary.overdue(), canary.lag) == ([], 0.0)
