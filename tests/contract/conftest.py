"""The clouds that contract tests talk to, one resource group a test.

`instant` ends every operation at once; `brisk` runs 240 times faster than Azure, so that an operation under way can be
seen and waited for; `unhurried` runs a hundred times slower than Azure, so that nothing ends within a test.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contract.cloud import Arm, Clients, Cloud, Group
from tests.levers import Levers

_NUMBERS = itertools.count(1)


@contextmanager
def running(state: Path, speed: str, *options: str) -> Iterator[Arm]:
    """A cloud that lives as long as the context."""
    cloud = Cloud(state, speed, *options)
    arm = Arm(cloud)
    try:
        yield arm
    finally:
        arm.close()
        cloud.stop()


def new_group(arm: Arm) -> Group:
    """A fresh resource group in West Europe."""
    group = Group(f"rg-{next(_NUMBERS)}", arm)
    assert arm.put(group.id, {"location": "westeurope"}).status == 201
    return group


@pytest.fixture(scope="session")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud in which every operation ends at once."""
    with running(tmp_path_factory.mktemp("instant"), "instant") as made:
        yield made


@pytest.fixture(scope="session")
def brisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud 240 times faster than Azure: a cluster takes a second."""
    with running(tmp_path_factory.mktemp("brisk"), "240") as made:
        yield made


@pytest.fixture(scope="session")
def unhurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud a hundred times slower than Azure: nothing ends within a test."""
    with running(tmp_path_factory.mktemp("unhurried"), "0.01") as made:
        yield made


@pytest.fixture(scope="session")
def sdk(arm: Arm) -> Iterator[Clients]:
    """The Azure SDK's clients of the instant cloud."""
    clients = Clients(arm.cloud)
    yield clients
    clients.close()


@pytest.fixture
def group(arm: Arm) -> Group:
    """A resource group in the instant cloud."""
    return new_group(arm)


@pytest.fixture
def lever(arm: Arm) -> Iterator[Levers]:
    """The levers of a module's own `arm` that has them; no rule stands and the clock runs when a test ends."""
    made = Levers(arm.cloud)
    yield made
    made.lift()
    made.run()
    made.close()


@pytest.fixture
def start_cloud(tmp_path: Path) -> Iterator[Callable[..., Cloud]]:
    """Starts a cloud of a test's own, for those that break it. Its speed is the argument, and further options."""
    started: list[Cloud] = []

    def start(speed: str, *options: str) -> Cloud:
        started.append(Cloud(tmp_path / str(len(started)), speed, *options))
        return started[-1]

    yield start
    for cloud in started:
        cloud.stop()
