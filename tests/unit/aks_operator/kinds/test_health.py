"""When the balancer is asked for the health of backends, and what is taken from its answers."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from aks_operator.keys import Key
from aks_operator.kinds.exposures.health import HURRY, INTERVAL, MISSING, PACE, Health
from aks_operator.port import Body, CloudError, NotFound, Terminal, Throttled
from tests.unit.aks_operator.arm import Clock

if TYPE_CHECKING:
    from aks_operator.port import Cloud

A, B = Key("ServiceExposure", "ns", "a"), Key("ServiceExposure", "ns", "b")
SETTLING = 13.0


@dataclass
class Balancer:
    """Answers the action alone."""

    subscription: str = "s"
    answers: dict[str, Body] = field(default_factory=dict)
    refusal: CloudError | None = None
    asked: list[str] = field(default_factory=list)

    async def post(self, id_: str, action: str) -> Body:
        assert action == "health"
        self.asked.append(id_)
        if self.refusal is not None:
            raise self.refusal
        return self.answers[id_]


@dataclass
class Ward:
    clock: Clock
    balancer: Balancer
    health: Health

    async def look(self, key: Key = A, *rules: str, about: object = 1, before: int | None = None) -> int | None:
        cloud = cast("Cloud", self.balancer)
        return await self.health.healthy(key, cloud, rules or ("http",), about, before, SETTLING)


@pytest.fixture
def ward() -> Ward:
    clock = Clock()
    return Ward(clock, Balancer(answers={"http": {"up": 1, "down": 1}, "dns": {"up": 2, "down": 0}}), Health(clock))


async def test_it_is_asked_when_probes_have_told_of_a_change(ward: Ward) -> None:
    assert await ward.look() is None
    assert ward.health.wait(A) == SETTLING
    ward.clock.now += SETTLING
    ward.balancer.answers["http"] = {"up": 1, "down": 0}
    assert await ward.look() == 1
    assert ward.health.wait(A) is None
    assert await ward.look(about=2) == 1, "what was known stays until it is asked"
    ward.clock.now += SETTLING
    ward.balancer.answers["http"] = {"up": 2, "down": 0}
    assert await ward.look(about=2) == 2
    assert len(ward.balancer.asked) == 2


async def test_after_a_change_those_who_do_not_answer_yet_are_asked_for_sooner_and_not_for_ever(ward: Ward) -> None:
    await ward.look()
    for _ in range(HURRY + 1):
        assert ward.health.wait(A) == SETTLING
        ward.clock.now += SETTLING
        assert await ward.look() == 1
    assert ward.health.wait(A) is None
    assert len(ward.balancer.asked) == HURRY + 1


async def test_at_rest_it_is_asked_once_in_an_interval(ward: Ward) -> None:
    ward.balancer.answers["http"] = {"up": 2, "down": 0}
    for _ in range(int(SETTLING + 3 * INTERVAL)):
        await ward.look()
        ward.clock.now += 1
    assert len(ward.balancer.asked) == 3


async def test_many_exposures_take_turns(ward: Ward) -> None:
    keys = [Key("ServiceExposure", "ns", str(n)) for n in range(100)]
    for key in keys:
        await ward.look(key, before=1)
    ward.clock.now += SETTLING
    for _ in range(int(INTERVAL)):
        for key in keys:
            await ward.look(key, before=1)
        ward.clock.now += 1
    assert len(ward.balancer.asked) == INTERVAL / PACE


async def test_changes_of_many_at_once_are_spread(ward: Ward) -> None:
    for key in (A, B):
        await ward.look(key)
    ward.clock.now += SETTLING
    assert [await ward.look(A), await ward.look(B)] == [1, None]
    ward.clock.now += 1
    assert await ward.look(B) == 1


async def test_the_worst_of_several_ports_counts(ward: Ward) -> None:
    await ward.look(A, "dns", "http")
    ward.clock.now += SETTLING
    assert await ward.look(A, "dns", "http") == 1


async def test_where_nobody_probes_nothing_is_known(ward: Ward) -> None:
    ward.balancer.answers["http"] = {"up": 0, "down": 0}
    await ward.look()
    ward.clock.now += SETTLING
    assert await ward.look() is None


async def test_a_new_process_goes_by_the_status_until_it_has_asked(ward: Ward) -> None:
    assert await ward.look(before=2) == 2
    assert ward.balancer.asked == []
    assert ward.health.wait(A) is None
    ward.clock.now += INTERVAL
    assert await ward.look(before=2) == 1


@pytest.mark.parametrize(
    ("refusal", "healthy", "pause"),
    [
        (Throttled("slow down"), 1, INTERVAL),
        (NotFound("no such call"), None, MISSING),
        (Terminal("not implemented", status=501), None, MISSING),
    ],
)
async def test_a_refusal_is_no_health(ward: Ward, refusal: CloudError, healthy: int | None, pause: float) -> None:
    await ward.look(before=1)
    ward.clock.now += SETTLING
    ward.balancer.refusal = refusal
    assert await ward.look(before=1) == healthy
    ward.clock.now += pause - 1
    assert await ward.look(before=1) == healthy
    assert len(ward.balancer.asked) == 1
    ward.clock.now += 1
    await ward.look(before=1)
    assert len(ward.balancer.asked) == 2
