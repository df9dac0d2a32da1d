"""az, logged in to a fake cloud; `make test-az` runs what is here, and `make test` does not."""

import itertools
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.az.cli import Az
from tests.contract.cloud import Cloud

ROOT = Path(__file__).parents[2]
SPEED = "600"
"""A cluster takes 0.4 s: az sees operations under way, and waits for them."""
NAME = "fake"
BEGAN = pytest.StashKey[int]()
"""How many commands there were before a test."""
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A fake cloud without machines."""
    made = Cloud(tmp_path_factory.mktemp("cloud"), SPEED, "--compute", "none", "--levers")
    yield made
    made.stop()


@pytest.fixture(scope="session")
def program() -> Path:
    """The unmodified CLI, got into the cache where it is not there."""
    got = subprocess.run([ROOT / "hack" / "az"], capture_output=True, text=True, check=False)
    assert got.returncode == 0, got.stderr
    return Path(got.stdout.strip())


@pytest.fixture(scope="session")
def _az(program: Path, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Az:
    made = Az(program, cloud, tmp_path_factory.mktemp("config"))
    made.register(NAME)
    made.log_in()
    return made


@pytest.fixture
def az(_az: Az, request: pytest.FixtureRequest) -> Az:
    """az, which knows the cloud and is logged in."""
    request.node.stash[BEGAN] = _az.commands
    return _az


@pytest.fixture
def stranger(program: Path, cloud: Cloud, tmp_path: Path, request: pytest.FixtureRequest) -> Az:
    """az, which knows the cloud and was never logged in."""
    made = Az(program, cloud, tmp_path)
    made.register(NAME)
    request.node.stash[BEGAN] = 0
    return made


@pytest.fixture
def group(az: Az) -> str:
    """The name of a resource group of a test's own."""
    name = f"rg-{next(_NUMBERS)}"
    az(f"group create --name {name} --location westeurope")
    return name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed shows what az was told, and what it answered."""
    report = yield
    given = getattr(item, "funcargs", {})
    az = given.get("stranger", given.get("az"))
    if report.failed and isinstance(az, Az):
        report.sections.append(("what az was told and answered", az.transcript(item.stash.get(BEGAN, 0))))
    return report
