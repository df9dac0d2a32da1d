"""How often what is at rest is looked at: few objects in every interval, a thousand by turns."""

import pytest

from aks_operator.pace import LONGEST, LOOKS, Ration, turn_after
from tests.unit.aks_operator.arm import Clock


@pytest.mark.parametrize(
    ("drift_interval", "objects", "seconds"),
    [
        (60.0, 0, 60.0),
        (60.0, LOOKS, 60.0),
        (60.0, 10 * LOOKS, 600.0),
        (60.0, 1000, LONGEST),
        (7200.0, 1000, 7200.0),
    ],
)
def test_objects_at_rest_take_turns(drift_interval: float, objects: int, seconds: float) -> None:
    assert turn_after(drift_interval, objects) == pytest.approx(seconds)


def test_a_ration_is_for_an_interval_and_what_is_left_does_not_add_up() -> None:
    clock = Clock()
    ration = Ration(60.0, clock)
    assert [ration.take() for _ in range(LOOKS + 1)] == [True] * LOOKS + [False]
    clock.now += 60.0 / LOOKS
    assert [ration.take() for _ in range(2)] == [True, False]
    clock.now += 3600.0
    assert sum(ration.take() for _ in range(100)) == LOOKS
