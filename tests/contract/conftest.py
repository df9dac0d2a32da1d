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

_NUMBERS = itertools.count(1)


@contextmanager
def _running(state: Path, speed: str) -> Iterator[Arm]:
    cloud = Cloud(state, speed)
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
    with _running(tmp_path_factory.mktemp("instant"), "instant") as running:
        yield running


@pytest.fixture(scope="session")
def brisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud 240 times faster than Azure: a cluster takes a second."""
    with _running(tmp_path_factory.mktemp("brisk"), "240") as running:
        yield running


@pytest.fixture(scope="session")
def unhurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud a hundred times slower than Azure: nothing ends within a test."""
    with _running(tmp_path_factory.mktemp("unhurried"), "0.01") as running:
        yield running


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
def start_cloud(tmp_path: Path) -> Iterator[Callable[..., Cloud]]:
    """Starts a cloud of a test's own, for those that break it. Its speed is the argument, and further options."""
    started: list[Cloud] = []

    def start(speed: str, *options: str) -> Cloud:
        started.append(Cloud(tmp_path / str(len(started)), speed, *options))
        return started[-1]

    yield start
    for cloud in started:
        cloud.stop()
